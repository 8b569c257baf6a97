// SPDX-License-Identifier: Apache-2.0
/* Arrays of GPUs and in page-locked memory, on a device whose memory the process cannot touch. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mxnet/array/mx_array.h"
#include "mxnet/mx_arrays.h"
#include "support/behind/behind_device.h"

static struct behind_control *control;

static void set_up(void)
{
    control = behind_open();
    behind_reset(control);
}

static NDArrayHandle make_on(int dev_type, int dev_id, int type, const int64_t *shape, size_t rank)
{
    NDArrayHandle array = NULL;
    MX(MXNDArrayCreateEx64(shape, (int)rank, dev_type, dev_id, 0, type, &array));
    return array;
}

static bool is_of_device(NDArrayHandle array)
{
    void *elements;
    MX(MXNDArrayGetData(array, &elements));
    return behind_is_device_address(elements);
}

START_TEST(arrays_lie_where_their_context_says)
{
    const NDArrayHandle gpu = make_on(2, 1, 0, SHAPE(2, 3)), pinned = make_on(3, 0, 0, SHAPE(2, 3)),
                        cpu = make_on(1, 0, 0, SHAPE(2, 3)), absent = make_on(3, 9, 0, SHAPE(2, 3));
    cop_ndarray *view;
    cop_error error;
    int dev_type, dev_id, count;
    MX(MXGetGPUCount(&count));
    ck_assert_int_eq(count, BEHIND_DEVICES);
    ck_assert(is_of_device(gpu));
    ck_assert(!is_of_device(pinned));
    ck_assert(!is_of_device(cpu));
    MX(MXNDArrayGetContext(gpu, &dev_type, &dev_id));
    ck_assert_int_eq(dev_type, 2);
    ck_assert_int_eq(dev_id, 1);
    ck_assert_int_eq(cop_mx_array_open(pinned, &view, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_memory(view), COP_MEMORY_PINNED);
    ck_assert_int_eq(cop_mx_array_open(absent, &view, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_memory(view), COP_MEMORY_HOST);
    const NDArrayHandle all[] = {gpu, pinned, cpu, absent};
    for (int i = 0; i < 4; i++) {
        MX(MXNDArraySyncCopyFromCPU(all[i], (const float[]){1, 2, 3, 4, 5, 6}, 6));
        expect_floats(all[i], (const float[]){1, 2, 3, 4, 5, 6}, 6);
        MX(MXNDArrayWaitToWrite(all[i]));
        MX(MXNDArrayFree(all[i]));
    }
    ck_assert_int_eq(control->blocks, 0);
}
END_TEST

START_TEST(elements_go_from_every_device_to_every_other_in_every_type)
{
    static const int contexts[][2] = {{1, 0}, {2, 0}, {2, 1}, {3, 0}, {5, 0}};
    for (int k = 0; k < 25; k++) {
        const int *from = contexts[k / 5], *to = contexts[k % 5];
        for (int type = 0; type < MX_TYPE_COUNT; type++) {
            const NDArrayHandle src = make_on(from[0], from[1], 0, SHAPE(4)),
                                dst = make_on(to[0], to[1], type, SHAPE(2, 2)),
                                back = make_array(SHAPE(4));
            const float one = type == MX_BOOL ? 1 : 3;
            MX(MXNDArraySyncCopyFromCPU(src, (const float[]){0, 1, one, 1}, 4));
            MX(MXNDArraySyncCopyFromNDArray(dst, src, -1));
            MX(MXNDArraySyncCopyFromNDArray(back, dst, -1));
            expect_floats(back, (const float[]){0, 1, one, 1}, 4);
            MX(MXNDArrayFree(src));
            MX(MXNDArrayFree(dst));
            MX(MXNDArrayFree(back));
        }
    }
}
END_TEST

START_TEST(a_view_of_an_array_of_a_gpu_is_one)
{
    NDArrayHandle row;
    const NDArrayHandle array = make_on(2, 0, 0, SHAPE(2, 3));
    MX(MXNDArrayAt(array, 1, &row));
    MX(MXNDArraySyncCopyFromCPU(row, (const float[]){7, 8, 9}, 3));
    expect_floats(array, (const float[]){0, 0, 0, 7, 8, 9}, 6);
    ck_assert(is_of_device(row));
    MX(MXNDArrayFree(array));
    MX(MXNDArrayFree(row));
}
END_TEST

START_TEST(an_array_of_a_gpu_is_saved_with_its_context_and_read_to_the_cpu)
{
    char path[] = "/tmp/mx_devices_XXXXXX";
    const int fd = mkstemp(path);
    uint32_t count, name_count;
    NDArrayHandle *arrays;
    const char **names;
    int dev_type, dev_id;
    size_t size;
    const char *bytes;
    ck_assert_int_ge(fd, 0);
    close(fd);
    NDArrayHandle array = make_on(2, 1, 0, SHAPE(3));
    MX(MXNDArraySyncCopyFromCPU(array, (const float[]){1, 2, 3}, 3));
    MX(MXNDArraySaveRawBytes(array, &size, &bytes));
    ck_assert_mem_eq(bytes + 20, "\2\0\0\0\1\0\0\0", 8);
    MX(MXNDArraySave(path, 1, &array, NULL));
    MX(MXNDArrayFree(array));
    MX(MXNDArrayLoad(path, &count, &arrays, &name_count, &names));
    MX(MXNDArrayGetContext(arrays[0], &dev_type, &dev_id));
    ck_assert_int_eq(dev_type, 1);
    ck_assert_int_eq(dev_id, 0);
    expect_floats(arrays[0], (const float[]){1, 2, 3}, 3);
    MX(MXNDArrayFree(arrays[0]));
    remove(path);
}
END_TEST

START_TEST(a_device_that_fails_is_told_and_leaves_nothing)
{
    const int64_t shape[] = {8};
    NDArrayHandle array = make_on(2, 0, 0, shape, 1);
    MX(MXNDArrayFree(array)); /* the device is open */
    array = NULL;
    const size_t before = cop_alloc_counters().live_bytes;
    atomic_store(&control->faults[BEHIND_MEMORY], 1);
    MX_FAILS(MXNDArrayCreateEx64(shape, 1, 2, 0, 0, 0, &array), "an array on gpu(0)");
    ck_assert_ptr_null(array);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
    atomic_store(&control->faults[BEHIND_MEMORY], 1); /* of page-locked memory: then without */
    MX(MXNDArrayCreateEx64(shape, 1, 3, 0, 0, 0, &array));
    MX(MXNDArrayFree(array));
    MX_FAILS(MXNDArrayCreateEx64(shape, 1, 2, 7, 0, 0, &array), "an array on gpu(7)");
    array = make_on(2, 0, 0, shape, 1);
    atomic_store(&control->faults[BEHIND_COPY], 1);
    MX_FAILS(MXNDArraySyncCopyToCPU(array, (float[8]){0}, 8), "");
    MX(MXNDArrayFree(array));
    ck_assert_int_eq(control->blocks, 0);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("mx_array_devices", set_up, NULL, arrays_lie_where_their_context_says,
                          elements_go_from_every_device_to_every_other_in_every_type,
                          a_view_of_an_array_of_a_gpu_is_one,
                          an_array_of_a_gpu_is_saved_with_its_context_and_read_to_the_cpu,
                          a_device_that_fails_is_told_and_leaves_nothing);
}
