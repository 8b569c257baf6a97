// SPDX-License-Identifier: Apache-2.0
/* Arrays: what they are, their elements, copies, and what is refused. */
#include <stdint.h>

#include "base/alloc.h"
#include "mxnet/array/mx_array.h"
#include "mxnet/mx_arrays.h"

START_TEST(an_array_tells_its_shape_type_and_context)
{
    const uint32_t shape[] = {2, 3};
    uint32_t rank;
    const uint32_t *dims;
    int signed_rank, type, dev_type, dev_id, storage;
    const int *signed_dims;
    NDArrayHandle array;
    MX(MXNDArrayCreate(shape, 2, 1, 5, 0, &array));
    MX(MXNDArrayGetShape(array, &rank, &dims));
    ck_assert_uint_eq(rank, 2);
    ck_assert_uint_eq(dims[0], 2);
    ck_assert_uint_eq(dims[1], 3);
    MX(MXNDArrayGetShapeEx(array, &signed_rank, &signed_dims));
    ck_assert_int_eq(signed_rank, 2);
    ck_assert_int_eq(signed_dims[1], 3);
    expect_shape(array, SHAPE(2, 3));
    MX(MXNDArrayGetDType(array, &type));
    MX(MXNDArrayGetContext(array, &dev_type, &dev_id));
    MX(MXNDArrayGetStorageType(array, &storage));
    ck_assert_int_eq(type, 0);
    ck_assert_int_eq(dev_type, 1);
    ck_assert_int_eq(dev_id, 5);
    ck_assert_int_eq(storage, 0);
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(a_none_array_has_no_type_no_context_and_no_elements)
{
    const NDArrayHandle none = make_none();
    int rank = 7, type, dev_type, dev_id, storage, previous;
    const int *dims = (const int *)&rank;
    void *elements = &rank;
    float value;
    MX(MXNDArrayGetShapeEx(none, &rank, &dims));
    ck_assert_int_eq(rank, 0);
    ck_assert_ptr_eq(dims, &rank); /* untouched */
    MX(MXNDArrayGetDType(none, &type));
    MX(MXNDArrayGetContext(none, &dev_type, &dev_id));
    MX(MXNDArrayGetStorageType(none, &storage));
    MX(MXNDArrayGetData(none, &elements));
    ck_assert_int_eq(type, -1);
    ck_assert_int_eq(dev_type, 0);
    ck_assert_int_eq(dev_id, 0);
    ck_assert_int_eq(storage, -1);
    ck_assert_ptr_null(elements);
    MX(MXNDArrayWaitToRead(none));
    MX(MXNDArrayWaitToWrite(none));
    MX_FAILS(MXNDArraySyncCopyToCPU(none, &value, 1), "Memory size do not match");
    MX(MXSetIsNumpyShape(1, &previous));
    MX(MXNDArrayGetShapeEx(none, &rank, &dims));
    ck_assert_int_eq(rank, -1);
    MX(MXNDArrayFree(none));
}
END_TEST

START_TEST(elements_go_in_and_come_out_as_they_are)
{
    for (int type = 0; type < MX_TYPE_COUNT; type++) {
        unsigned char in[6 * 8 + 1], out[6 * 8 + 1];
        const size_t bytes =
            6 *
            cop_dtype_bytes(((const cop_dtype[]){
                COP_DTYPE_FLOAT32, COP_DTYPE_FLOAT64, COP_DTYPE_FLOAT16, COP_DTYPE_UINT8,
                COP_DTYPE_INT32, COP_DTYPE_INT8, COP_DTYPE_INT64, COP_DTYPE_BOOL, COP_DTYPE_INT16,
                COP_DTYPE_UINT16, COP_DTYPE_UINT32, COP_DTYPE_UINT64, COP_DTYPE_BFLOAT16})[type]);
        const NDArrayHandle array = make_typed(type, SHAPE(3, 2));
        int found;
        for (size_t i = 0; i < sizeof in; i++)
            in[i] = (unsigned char)(i * 37 + (size_t)type);
        /* From and to addresses that are not aligned. */
        MX(MXNDArraySyncCopyFromCPU(array, in + 1, 6));
        memset(out, 0xee, sizeof out);
        MX(MXNDArraySyncCopyToCPU(array, out + 1, 6));
        ck_assert_mem_eq(in + 1, out + 1, bytes);
        if (bytes + 1 < sizeof out)
            ck_assert_uint_eq(out[bytes + 1], 0xee);
        MX(MXNDArrayGetDType(array, &found));
        ck_assert_int_eq(found, type);
        MX(MXNDArrayFree(array));
    }
}
END_TEST

START_TEST(a_wrong_number_of_elements_is_refused)
{
    float values[7] = {1};
    const NDArrayHandle array = make_counting(SHAPE(2, 3), 6);
    MX_FAILS(MXNDArraySyncCopyFromCPU(array, values, 5), "Memory size do not match");
    MX_FAILS(MXNDArraySyncCopyFromCPU(array, values, 7), "dshape.Size() == size (6 vs. 7)");
    MX_FAILS(MXNDArraySyncCopyToCPU(array, values, 0), "(6 vs. 0)");
    MX_FAILS(MXNDArraySyncCopyToCPU(array, NULL, 6), "data");
    MX_FAILS(MXNDArraySyncCopyFromCPU(array, NULL, 6), "data");
    expect_floats(array, (const float[]){0, 1, 2, 3, 4, 5}, 6);
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(an_array_without_elements_is_an_array)
{
    void *elements;
    int storage;
    const NDArrayHandle array = make_array(SHAPE(0, 3));
    expect_shape(array, SHAPE(0, 3));
    MX(MXNDArraySyncCopyFromCPU(array, NULL, 0));
    MX(MXNDArraySyncCopyToCPU(array, NULL, 0));
    MX(MXNDArrayGetData(array, &elements));
    ck_assert_ptr_null(elements);
    MX(MXNDArrayGetStorageType(array, &storage));
    ck_assert_int_eq(storage, 0);
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(a_shape_without_dimensions_has_one_element)
{
    int rank, type;
    const int *dims;
    NDArrayHandle array;
    MX(MXNDArrayCreateEx(NULL, 0, 1, 0, 1, 6, &array));
    MX(MXNDArrayGetShapeEx(array, &rank, &dims));
    MX(MXNDArrayGetDType(array, &type));
    ck_assert_int_eq(rank, 0);
    ck_assert_int_eq(type, 6);
    MX(MXNDArraySyncCopyFromCPU(array, &(int64_t){-5}, 1));
    int64_t value;
    MX(MXNDArraySyncCopyToCPU(array, &value, 1));
    ck_assert_int_eq(value, -5);
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(what_cannot_be_made_is_refused_and_makes_nothing)
{
    const uint32_t large[] = {1u << 16, 1u << 15}, limit[] = {INT32_MAX};
    const int64_t negative[] = {2, -1}, vast[] = {0, INT64_C(1) << 40}, nine[9] = {0};
    NDArrayHandle array = (NDArrayHandle)large;
    static const char *const text = "Size of tensor you are trying to allocate is larger than 2^31 "
                                    "elements";
    const size_t before = cop_alloc_counters().live_bytes;
    MX_FAILS(MXNDArrayCreate(large, 2, 1, 0, 1, &array), text);
    MX_FAILS(MXNDArrayCreate(limit, 1, 1, 0, 1, &array), text);
    MX_FAILS(MXNDArrayCreateEx64(vast, 2, 1, 0, 1, 0, &array), text);
    MX_FAILS(MXNDArrayCreateEx64(negative, 2, 1, 0, 1, 0, &array), "negative value -1");
    MX_FAILS(MXNDArrayCreateEx64(nine, 9, 1, 0, 1, 0, &array), "9 dimensions");
    MX_FAILS(MXNDArrayCreateEx64(nine, -1, 1, 0, 1, 0, &array), "ndim");
    MX_FAILS(MXNDArrayCreateEx(large, 1, 1, 0, 1, 13, &array), "Unknown type enum 13");
    MX_FAILS(MXNDArrayCreateEx(large, 1, 1, 0, 1, -1, &array), "Unknown type enum -1");
    MX_FAILS(MXNDArrayCreateEx(large, 1, 4, 0, 1, 0, &array), "dev_type 4");
    MX_FAILS(MXNDArrayCreateEx(large, 1, 0, 0, 1, 0, &array), "dev_type 0");
    MX_FAILS(MXNDArrayCreateEx(large, 1, 1, -2, 1, 0, &array), "dev_id -2");
    MX_FAILS(MXNDArrayCreateEx(NULL, 1, 1, 0, 1, 0, &array), "shape");
    MX_FAILS(MXNDArrayCreateEx(large, 1, 1, 0, 1, 0, NULL), "out");
    MX_FAILS(MXNDArrayCreateNone(NULL), "out");
    MX_FAILS(MXNDArrayCreateEx(large, 1, 2, 4096, 0, 0, &array), "gpu");
    ck_assert_ptr_eq(array, (NDArrayHandle)large);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
}
END_TEST

START_TEST(memory_is_made_when_it_is_needed_and_is_zero)
{
    const int64_t shape[] = {64, 1024, 1024};
    const uint32_t small[] = {3};
    NDArrayHandle array;
    const size_t before = cop_alloc_counters().live_bytes;
    MX(MXNDArrayCreateEx64(shape, 3, 1, 0, 1, 0, &array));
    ck_assert_uint_lt(cop_alloc_counters().live_bytes - before, 4096);
    MX(MXNDArrayFree(array));
    MX(MXNDArrayCreate(small, 1, 3, 0, 1, &array)); /* page-locked where there is a GPU */
    expect_floats(array, (const float[]){0, 0, 0}, 3);
    MX(MXNDArrayFree(array));
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
}
END_TEST

START_TEST(the_address_of_the_elements_is_theirs)
{
    void *elements, *again;
    const NDArrayHandle array = make_counting(SHAPE(4), 4);
    const struct mx_array *inside = array;
    ck_assert(!inside->chunk->is_exposed);
    MX(MXNDArrayGetData(array, &elements));
    ck_assert(inside->chunk->is_exposed);
    ((float *)elements)[2] = 9;
    expect_floats(array, (const float[]){0, 1, 9, 3}, 4);
    MX(MXNDArrayGetData(array, &again));
    ck_assert_ptr_eq(again, elements);
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(writes_are_counted_before_and_after)
{
    const NDArrayHandle array = make_array(SHAPE(2)), other = make_counting(SHAPE(2), 2);
    struct mx_chunk *chunk = ((const struct mx_array *)array)->chunk;
    const uint64_t begun = chunk->writes_begun;
    MX(MXNDArraySyncCopyFromCPU(array, (const float[]){1, 2}, 2));
    ck_assert_uint_eq(chunk->writes_begun, begun + 1);
    ck_assert_uint_eq(chunk->writes_done, begun + 1);
    MX(MXNDArraySyncCopyFromNDArray(array, other, -1));
    ck_assert_uint_eq(chunk->writes_begun, begun + 2);
    ck_assert_uint_eq(chunk->writes_done, begun + 2);
    MX(MXNDArraySyncCopyToCPU(array, (float[]){1, 2}, 2));
    ck_assert_uint_eq(chunk->writes_begun, begun + 2);
    MX(MXNDArrayFree(array));
    MX(MXNDArrayFree(other));
}
END_TEST

START_TEST(an_array_is_copied_into_one_of_another_shape_or_type)
{
    const NDArrayHandle src = make_counting(SHAPE(2, 3), 6), flat = make_array(SHAPE(6)),
                        whole = make_typed(6, SHAPE(3, 2)), small = make_array(SHAPE(5)),
                        none = make_none();
    int64_t numbers[6];
    MX(MXNDArraySyncCopyFromNDArray(flat, src, -1));
    expect_floats(flat, (const float[]){0, 1, 2, 3, 4, 5}, 6);
    MX(MXNDArraySyncCopyFromNDArray(whole, src, -1));
    MX(MXNDArraySyncCopyToCPU(whole, numbers, 6));
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(numbers[i], i);
    MX(MXNDArraySyncCopyFromNDArray(src, src, -1));
    MX_FAILS(MXNDArraySyncCopyFromNDArray(small, src, -1), "6 elements do not fit");
    MX_FAILS(MXNDArraySyncCopyFromNDArray(flat, src, 0), "auxiliary");
    MX_FAILS(MXNDArraySyncCopyFromNDArray(flat, none, -1), "src dense ndarray must have been");
    MX_FAILS(MXNDArraySyncCopyFromNDArray(none, flat, -1), "dst dense ndarray must have been");
    MX_FAILS(MXNDArraySyncCopyFromNDArray(NULL, flat, -1), "handle_dst");
    MX_FAILS(MXNDArraySyncCopyFromNDArray(flat, NULL, -1), "handle_src");
    const NDArrayHandle all[] = {src, flat, whole, small, none};
    for (int i = 0; i < 5; i++)
        MX(MXNDArrayFree(all[i]));
}
END_TEST

START_TEST(parts_of_one_array_are_copied_onto_each_other)
{
    NDArrayHandle first, last;
    const NDArrayHandle array = make_counting(SHAPE(6), 6);
    MX(MXNDArraySlice(array, 0, 4, &first));
    MX(MXNDArraySlice(array, 2, 6, &last));
    MX(MXNDArraySyncCopyFromNDArray(last, first, -1));
    expect_floats(array, (const float[]){0, 1, 0, 1, 2, 3}, 6);
    MX(MXNDArrayFree(first));
    MX(MXNDArrayFree(last));
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(handles_of_nothing_and_of_something_else_are_refused)
{
    static int something = 42;
    void *elements;
    int number, other;
    const int *dims;
    NDArrayHandle out;
    const NDArrayHandle array = make_array(SHAPE(1)), wrong = &something;
    MX(MXNDArrayFree(NULL));
    MX_FAILS(MXNDArrayFree(wrong), "expected an NDArray");
    MX_FAILS(MXNDArrayGetShapeEx(NULL, &number, &dims), "handle");
    MX_FAILS(MXNDArrayGetShapeEx(array, NULL, &dims), "out_dim");
    MX_FAILS(MXNDArrayGetShapeEx(array, &number, NULL), "out_pdata");
    MX_FAILS(MXNDArrayGetShape(wrong, &(uint32_t){0}, &(const uint32_t *){NULL}), "handle");
    MX_FAILS(MXNDArrayGetShapeEx64(array, NULL, NULL), "out_dim");
    MX_FAILS(MXNDArrayGetDType(NULL, &number), "handle");
    MX_FAILS(MXNDArrayGetDType(array, NULL), "out_dtype");
    MX_FAILS(MXNDArrayGetContext(NULL, &number, &other), "handle");
    MX_FAILS(MXNDArrayGetContext(array, NULL, &other), "out_dev_type");
    MX_FAILS(MXNDArrayGetContext(array, &number, NULL), "out_dev_id");
    MX_FAILS(MXNDArrayGetStorageType(wrong, &number), "handle");
    MX_FAILS(MXNDArrayGetStorageType(array, NULL), "out_storage_type");
    MX_FAILS(MXNDArrayGetData(NULL, &elements), "handle");
    MX_FAILS(MXNDArrayGetData(array, NULL), "out_pdata");
    MX_FAILS(MXNDArraySyncCopyFromCPU(wrong, &number, 1), "handle");
    MX_FAILS(MXNDArraySyncCopyToCPU(NULL, &number, 1), "handle");
    MX_FAILS(MXNDArrayWaitToRead(NULL), "handle");
    MX_FAILS(MXNDArrayWaitToWrite(wrong), "handle");
    MX_FAILS(MXNDArrayDetach(NULL, &out), "handle");
    MX_FAILS(MXNDArrayDetach(array, NULL), "out");
    MX_FAILS(MXShallowCopyNDArray(NULL, &out), "src");
    MX_FAILS(MXNDArrayGetGrad(NULL, &out), "handle");
    MX_FAILS(MXNDArrayGetGrad(array, NULL), "out");
    out = array;
    MX(MXNDArrayGetGrad(array, &out));
    ck_assert_ptr_null(out);
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(twenty_thousand_arrays_leave_nothing)
{
    size_t before = 0;
    for (int i = 0; i < 20000; i++) {
        NDArrayHandle row, flat;
        if (i == 10)
            before = cop_alloc_counters().live_bytes;
        const NDArrayHandle array = make_counting(SHAPE(4, 5), 20);
        MX(MXNDArrayAt(array, 1, &row));
        MX(MXNDArrayReshape(array, 1, (int[]){-1}, &flat));
        MX(MXNDArrayFree(array));
        expect_floats(row, (const float[]){5, 6, 7, 8, 9}, 5);
        MX(MXNDArrayFree(row));
        MX(MXNDArrayFree(flat));
    }
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mx_arrays", an_array_tells_its_shape_type_and_context,
        a_none_array_has_no_type_no_context_and_no_elements,
        elements_go_in_and_come_out_as_they_are, a_wrong_number_of_elements_is_refused,
        an_array_without_elements_is_an_array, a_shape_without_dimensions_has_one_element,
        what_cannot_be_made_is_refused_and_makes_nothing,
        memory_is_made_when_it_is_needed_and_is_zero, the_address_of_the_elements_is_theirs,
        writes_are_counted_before_and_after, an_array_is_copied_into_one_of_another_shape_or_type,
        parts_of_one_array_are_copied_onto_each_other,
        handles_of_nothing_and_of_something_else_are_refused, twenty_thousand_arrays_leave_nothing);
}
