// SPDX-License-Identifier: Apache-2.0
#include <cachedop/cachedop.h>

#include "base/alloc.h"
#include "support/unit.h"

#include <string.h>

static const int64_t shape_2x3[] = {2, 3};

START_TEST(a_created_array_is_aligned_zero_and_described)
{
    cop_ndarray *array = NULL;
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_FLOAT32, 2, shape_2x3, &array, NULL),
                     COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_dtype(array), COP_DTYPE_FLOAT32);
    ck_assert_int_eq(cop_ndarray_rank(array), 2);
    ck_assert_int_eq(cop_ndarray_shape(array)[1], 3);
    ck_assert_uint_eq(cop_ndarray_bytes(array), 24);
    ck_assert_uint_eq((uintptr_t)cop_ndarray_data(array) % 64, 0);
    static const float zeros[6];
    ck_assert_mem_eq(cop_ndarray_data(array), zeros, 24);
    ck_assert_int_eq(cop_ndarray_wait(array, 0, NULL, NULL), COP_STATUS_OK);
    cop_ndarray_release(&array);
    ck_assert_ptr_null(array);
    cop_ndarray_release(&array);
    cop_ndarray_release(NULL);
}
END_TEST

START_TEST(scalars_and_empty_arrays_exist)
{
    static const int64_t none[] = {3, 0};
    cop_ndarray *array = NULL;
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_INT64, 0, NULL, &array, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(cop_ndarray_bytes(array), 8);
    cop_ndarray_release(&array);
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_INT64, 2, none, &array, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(cop_ndarray_bytes(array), 0);
    cop_ndarray_release(&array);
    ck_assert_int_eq(cop_ndarray_wrap(NULL, COP_DTYPE_INT64, 2, none, NULL, &array, NULL),
                     COP_STATUS_OK);
    cop_ndarray_release(&array);
}
END_TEST

static void refuse_create(cop_dtype dtype, int rank, const int64_t *shape)
{
    cop_ndarray *array = (cop_ndarray *)(uintptr_t)1;
    cop_error error;
    ck_assert_int_eq(cop_ndarray_create(dtype, rank, shape, &array, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_null(array);
    ck_assert_uint_gt(strlen(error.message), 10);
}

START_TEST(nonsense_is_refused_with_a_text)
{
    static const int64_t negative[] = {2, -1}, huge[] = {INT64_MAX, 2},
                         large[] = {INT64_C(1) << 48, 2}, masked[] = {INT64_MAX, 0, INT64_MAX};
    refuse_create(COP_DTYPE_UNKNOWN, 1, shape_2x3);
    refuse_create((cop_dtype)99, 1, shape_2x3);
    refuse_create(COP_DTYPE_FLOAT32, -1, shape_2x3);
    refuse_create(COP_DTYPE_FLOAT32, COP_MAX_RANK + 1, shape_2x3);
    refuse_create(COP_DTYPE_FLOAT32, 2, NULL);
    refuse_create(COP_DTYPE_FLOAT32, 2, negative);
    refuse_create(COP_DTYPE_FLOAT32, 2, huge);
    refuse_create(COP_DTYPE_UINT8, 2, large);
    refuse_create(COP_DTYPE_UINT8, 3, masked);
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_FLOAT32, 2, shape_2x3, NULL, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_ndarray_wait(NULL, 0, NULL, NULL), COP_STATUS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(wrapping_checks_alignment_and_capacity)
{
    _Alignas(8) unsigned char memory[64];
    cop_ndarray *array = NULL;
    cop_error error;
    cop_wrap_options options = COP_WRAP_OPTIONS_INIT;
    ck_assert_int_eq(
        cop_ndarray_wrap(memory + 1, COP_DTYPE_FLOAT32, 2, shape_2x3, NULL, &array, &error),
        COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "aligned"));
    ck_assert_int_eq(
        cop_ndarray_wrap(memory + 1, COP_DTYPE_UINT8, 2, shape_2x3, NULL, &array, &error),
        COP_STATUS_OK);
    cop_ndarray_release(&array);
    options.capacity_bytes = 23;
    ck_assert_int_eq(
        cop_ndarray_wrap(memory, COP_DTYPE_FLOAT32, 2, shape_2x3, &options, &array, &error),
        COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "24"));
    options.capacity_bytes = 24;
    ck_assert_int_eq(
        cop_ndarray_wrap(memory, COP_DTYPE_FLOAT32, 2, shape_2x3, &options, &array, &error),
        COP_STATUS_OK);
    ck_assert_ptr_eq(cop_ndarray_data(array), memory);
    cop_ndarray_release(&array);
    ck_assert_int_eq(cop_ndarray_wrap(NULL, COP_DTYPE_FLOAT32, 2, shape_2x3, NULL, &array, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    options.struct_size = 0;
    ck_assert_int_eq(
        cop_ndarray_wrap(memory, COP_DTYPE_FLOAT32, 2, shape_2x3, &options, &array, &error),
        COP_STATUS_INVALID_ARGUMENT);
}
END_TEST

static int released;
static void note_release(void *user, void *memory)
{
    ck_assert_ptr_eq(user, memory);
    released++;
}

START_TEST(wrapped_memory_is_given_back_after_its_last_view)
{
    float memory[6] = {0, 1, 2, 3, 4, 5};
    static const int64_t row[] = {3};
    cop_wrap_options options = COP_WRAP_OPTIONS_INIT;
    cop_ndarray *array = NULL, *view = NULL;
    options.release = note_release;
    options.user = memory;
    released = 0;
    ck_assert_int_eq(
        cop_ndarray_wrap(memory, COP_DTYPE_FLOAT32, 2, shape_2x3, &options, &array, NULL),
        COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_view(array, 12, COP_DTYPE_FLOAT32, 1, row, &view, NULL),
                     COP_STATUS_OK);
    cop_ndarray_release(&array);
    ck_assert_int_eq(released, 0);
    ck_assert(((float *)cop_ndarray_data(view))[0] == 3);
    cop_ndarray_release(&view);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(views_stay_inside_their_array)
{
    static const int64_t row[] = {3}, rows[] = {2, 3};
    cop_ndarray *array = NULL, *view = NULL, *nested = NULL;
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_FLOAT32, 2, shape_2x3, &array, NULL),
                     COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_view(array, 16, COP_DTYPE_FLOAT32, 1, row, &view, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_ndarray_view(array, SIZE_MAX, COP_DTYPE_FLOAT32, 1, row, &view, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_ndarray_view(array, 2, COP_DTYPE_FLOAT32, 1, row, &view, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_null(view);
    ck_assert_int_eq(cop_ndarray_view(array, 12, COP_DTYPE_INT32, 1, row, &view, NULL),
                     COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_view(view, 0, COP_DTYPE_INT32, 2, rows, &nested, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    cop_ndarray_release(&view), cop_ndarray_release(&array);
}
END_TEST

START_TEST(every_failing_allocation_is_a_status_without_a_leak)
{
    const size_t before = cop_alloc_counters().live_bytes;
    float memory[6];
    cop_ndarray *array = NULL, *wrapped = NULL;
    for (int k = 0;; k++) {
        cop_alloc_fail_after(k, 1);
        const cop_status created =
            cop_ndarray_create(COP_DTYPE_FLOAT32, 2, shape_2x3, &array, NULL);
        const cop_status wrapping =
            cop_ndarray_wrap(memory, COP_DTYPE_FLOAT32, 2, shape_2x3, NULL, &wrapped, NULL);
        cop_alloc_fail_after(-1, 0);
        ck_assert((created == COP_STATUS_OK) == (array != NULL));
        ck_assert((wrapping == COP_STATUS_OK) == (wrapped != NULL));
        ck_assert(created == COP_STATUS_OK || created == COP_STATUS_OUT_OF_MEMORY);
        const bool is_done = created == COP_STATUS_OK && wrapping == COP_STATUS_OK;
        cop_ndarray_release(&array), cop_ndarray_release(&wrapped);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
        if (is_done)
            break;
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "ndarray", a_created_array_is_aligned_zero_and_described, scalars_and_empty_arrays_exist,
        nonsense_is_refused_with_a_text, wrapping_checks_alignment_and_capacity,
        wrapped_memory_is_given_back_after_its_last_view, views_stay_inside_their_array,
        every_failing_allocation_is_a_status_without_a_leak);
}
