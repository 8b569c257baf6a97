// SPDX-License-Identifier: Apache-2.0
/* Arrays in memory of a device and in page-locked memory: made, wrapped, viewed, copied, run on. */
#include "runtime/cached_op.h"
#include "runtime/storage.h"
#include "support/arrays.h"
#include "support/behind/behind_device.h"
#include "support/behind/behind_models.h"
#include "support/tiny_models.h"
#include "support/unit.h"

static struct behind_control *control;
static const int64_t map[] = {4, 16};
static const cop_memory kinds[] = {COP_MEMORY_HOST, COP_MEMORY_PINNED, COP_MEMORY_DEVICE};

static void set_up(void)
{
    control = behind_open();
    behind_reset(control);
}

static cop_ndarray *make(int device, cop_memory memory, int rank, const int64_t *shape)
{
    cop_ndarray *array = NULL;
    cop_error error = {0};
    ck_assert_msg(cop_ndarray_create_in((cop_device){COP_DEVICE_GPU, device}, memory,
                                        COP_DTYPE_FLOAT32, rank, shape, &array,
                                        &error) == COP_STATUS_OK,
                  "%s", error.message);
    return array;
}

static void write_to(cop_ndarray *array, const float *elements)
{
    cop_ndarray *host = NULL;
    cop_error error = {0};
    ck_assert_int_eq(cop_ndarray_wrap((void *)(uintptr_t)elements, COP_DTYPE_FLOAT32,
                                      cop_ndarray_rank(array), cop_ndarray_shape(array), NULL,
                                      &host, NULL),
                     COP_STATUS_OK);
    ck_assert_msg(cop_ndarray_copy(host, array, &error) == COP_STATUS_OK, "%s", error.message);
    cop_ndarray_release(&host);
}

static void fill(float *elements, int count, uint64_t seed)
{
    fill_random(&seed, elements, count);
}

START_TEST(new_arrays_are_zero_and_say_where_they_lie)
{
    static const float zeros[64];
    for (int i = 0; i < 3; i++) {
        cop_ndarray *array = make(0, kinds[i], 2, map);
        float elements[64];
        ck_assert_int_eq(cop_ndarray_memory(array), kinds[i]);
        ck_assert_int_eq(behind_is_device_address(cop_ndarray_data(array)),
                         kinds[i] == COP_MEMORY_DEVICE);
        behind_read(array, elements, 64);
        ck_assert_mem_eq(elements, zeros, sizeof zeros);
        cop_ndarray_release(&array);
    }
    ck_assert_int_eq(atomic_load(&control->blocks), 0);
}
END_TEST

START_TEST(a_device_without_memory_of_its_own_takes_the_process_s)
{
    static const cop_device_kind hosts[] = {COP_DEVICE_CPU, COP_DEVICE_REF};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++) {
            cop_ndarray *array = NULL;
            ck_assert_int_eq(cop_ndarray_create_in((cop_device){hosts[i], 0}, kinds[k],
                                                   COP_DTYPE_FLOAT32, 2, map, &array, NULL),
                             COP_STATUS_OK);
            ck_assert_int_eq(cop_ndarray_memory(array), COP_MEMORY_HOST);
            ck_assert(*(float *)cop_ndarray_data(array) == 0);
            cop_ndarray_release(&array);
        }
}
END_TEST

static void refuse(cop_device device, cop_memory memory, cop_status expected, const char *text)
{
    cop_ndarray *array = (cop_ndarray *)&device;
    cop_error error = {0};
    ck_assert_int_eq(
        cop_ndarray_create_in(device, memory, COP_DTYPE_FLOAT32, 2, map, &array, &error), expected);
    ck_assert_ptr_null(array);
    ck_assert_msg(strstr(error.message, text) != NULL, "%s", error.message);
}

START_TEST(what_does_not_exist_or_has_no_room_is_refused)
{
    refuse((cop_device){COP_DEVICE_GPU, BEHIND_DEVICES}, COP_MEMORY_DEVICE, COP_STATUS_NOT_FOUND,
           "gpu:2");
    refuse((cop_device){COP_DEVICE_GPU, -1}, COP_MEMORY_DEVICE, COP_STATUS_NOT_FOUND, "gpu:-1");
    refuse(BEHIND_DEVICE, (cop_memory)7, COP_STATUS_INVALID_ARGUMENT, "memory 7");
    atomic_store(&control->memory_bytes, 100);
    refuse(BEHIND_DEVICE, COP_MEMORY_DEVICE, COP_STATUS_OUT_OF_DEVICE_MEMORY, "256 bytes");
    atomic_store(&control->faults[BEHIND_MEMORY], 1);
    refuse(BEHIND_DEVICE, COP_MEMORY_PINNED, COP_STATUS_OUT_OF_DEVICE_MEMORY, "256 bytes");
    ck_assert_int_eq(atomic_load(&control->blocks), 0);
}
END_TEST

START_TEST(elements_are_copied_between_all_kinds_of_memory)
{
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            float elements[64], copied[64];
            cop_ndarray *src = make(0, kinds[i], 2, map), *dst = make(0, kinds[k], 2, map);
            fill(elements, 64, (uint64_t)(10 * i + k));
            write_to(src, elements);
            ck_assert_int_eq(cop_ndarray_copy(src, dst, NULL), COP_STATUS_OK);
            behind_read(dst, copied, 64);
            ck_assert_mem_eq(copied, elements, sizeof copied);
            cop_ndarray_release(&src), cop_ndarray_release(&dst);
        }
}
END_TEST

START_TEST(views_reach_into_the_memory_of_a_device)
{
    static const int64_t part[] = {2, 8};
    float elements[64], piece[16];
    cop_ndarray *whole = make(0, COP_MEMORY_DEVICE, 2, map), *view = NULL;
    fill(elements, 64, 3);
    write_to(whole, elements);
    ck_assert_int_eq(
        cop_ndarray_view(whole, 20 * sizeof(float), COP_DTYPE_FLOAT32, 2, part, &view, NULL),
        COP_STATUS_OK);
    cop_ndarray_release(&whole);
    ck_assert_int_eq(cop_ndarray_memory(view), COP_MEMORY_DEVICE);
    behind_read(view, piece, 16);
    ck_assert_mem_eq(piece, elements + 20, sizeof piece);
    cop_ndarray_release(&view);
    ck_assert_int_eq(atomic_load(&control->blocks), 0);
}
END_TEST

static void count_release(void *user, void *memory)
{
    (void)memory;
    ++*(int *)user;
}

START_TEST(memory_of_a_device_is_wrapped_and_let_go)
{
    int released = 0;
    float elements[64];
    cop_wrap_options options = COP_WRAP_OPTIONS_INIT;
    cop_ndarray *owner = make(0, COP_MEMORY_DEVICE, 2, map), *wrapped = NULL;
    fill(elements, 64, 4);
    write_to(owner, elements);
    options.device = BEHIND_DEVICE, options.memory = COP_MEMORY_DEVICE;
    options.release = count_release, options.user = &released;
    ck_assert_int_eq(cop_ndarray_wrap(cop_ndarray_data(owner), COP_DTYPE_FLOAT32, 2, map, &options,
                                      &wrapped, NULL),
                     COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_memory(wrapped), COP_MEMORY_DEVICE);
    float seen[64];
    behind_read(wrapped, seen, 64);
    ck_assert_mem_eq(seen, elements, sizeof seen);
    cop_ndarray_release(&wrapped);
    ck_assert_int_eq(released, 1);
    options.device.index = BEHIND_DEVICES;
    ck_assert_int_eq(cop_ndarray_wrap(cop_ndarray_data(owner), COP_DTYPE_FLOAT32, 2, map, &options,
                                      &wrapped, NULL),
                     COP_STATUS_NOT_FOUND);
    ck_assert_ptr_null(wrapped);
    cop_ndarray_release(&owner);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(nothing_is_copied_from_one_device_to_another_nor_past_a_failure)
{
    cop_ndarray *here = make(0, COP_MEMORY_DEVICE, 2, map),
                *there = make(1, COP_MEMORY_DEVICE, 2, map);
    cop_ndarray *host = zero_array(2, map);
    cop_error error = {0};
    ck_assert_int_eq(cop_ndarray_copy(here, there, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.message, "gpu:0") != NULL && strstr(error.message, "gpu:1") != NULL,
                  "%s", error.message);
    atomic_store(&control->faults[BEHIND_COPY], 1);
    ck_assert_int_eq(cop_ndarray_copy(here, host, &error), COP_STATUS_DEVICE_FAILED);
    ck_assert_int_eq(cop_ndarray_copy(here, host, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_copy(host, there, &error), COP_STATUS_OK);
    cop_ndarray_release(&here), cop_ndarray_release(&there), cop_ndarray_release(&host);
}
END_TEST

START_TEST(a_copy_comes_after_the_writer_and_its_source_s_error_is_its_own)
{
    cop_model *model = behind_dense(1);
    cop_cached_op *op = behind_compile(model, 0);
    cop_ndarray *src = random_array(2, map, 5), *host = NULL;
    static const int64_t shape[] = {4, 8};
    cop_ndarray *dst = make(0, COP_MEMORY_DEVICE, 2, shape);
    float expected[32];
    cop_error error = {0};
    behind_invoke(op, src, expected, 32);
    atomic_store(&control->delay_us, 1000);
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst, NULL, NULL), COP_STATUS_OK);
    host = zero_array(2, shape);
    ck_assert_int_eq(cop_ndarray_copy(dst, host, NULL), COP_STATUS_OK);
    ck_assert_mem_eq(cop_ndarray_data(host), expected, sizeof expected);
    atomic_store(&control->faults[BEHIND_JOB], 2);
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_copy(dst, host, &error), COP_STATUS_DEVICE_FAILED);
    ck_assert_msg(strstr(error.message, "the device is lost") != NULL, "%s", error.message);
    cop_ndarray_release(&src), cop_ndarray_release(&dst), cop_ndarray_release(&host);
    cop_cached_op_release(&op), cop_model_release(&model);
}
END_TEST

/* Inputs and outputs of every kind give the same elements; later runs, too, where parts repeat. */
START_TEST(operators_take_and_give_arrays_of_every_kind)
{
    cop_model *models[] = {behind_dense(1), behind_views(), behind_chain(6)};
    static const int64_t shapes[][2] = {{4, 8}, {16, 4}, {4, 16}};
    static const size_t counts[] = {32, 64, 64};
    for (int m = 0; m < 3; m++) {
        cop_cached_op *op = behind_compile(models[m], 0);
        float input[64], expected[64], actual[64];
        fill(input, 64, 9);
        cop_ndarray *plain = zero_array(2, map);
        memcpy(cop_ndarray_data(plain), input, sizeof input);
        behind_invoke(op, plain, expected, counts[m]);
        for (int i = 0; i < 27; i++) {
            cop_ndarray *src = make(0, kinds[i % 3], 2, map);
            cop_ndarray *dst = make(0, kinds[i / 3 % 3], 2, shapes[m]);
            cop_error error = {0};
            write_to(src, input);
            ck_assert_msg(cop_invoke(op, 1, &src, 1, &dst, NULL, &error) == COP_STATUS_OK, "%s",
                          error.message);
            behind_read(dst, actual, counts[m]);
            ck_assert_mem_eq(actual, expected, counts[m] * sizeof *actual);
            cop_ndarray_release(&src), cop_ndarray_release(&dst);
        }
        cop_ndarray_release(&plain);
        cop_cached_op_release(&op), cop_model_release(&models[m]);
    }
    ck_assert_int_eq(atomic_load(&control->blocks), 0);
}
END_TEST

static void refuse_invoke(cop_cached_op *op, cop_ndarray *src, cop_ndarray *dst[2],
                          const char *text)
{
    cop_error error = {0};
    ck_assert_int_eq(cop_invoke(op, 1, &src, cop_cached_op_output_count(op), dst, NULL, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.message, text) != NULL, "%s", error.message);
    ck_assert_int_eq(
        cop_invoke_async(op, 1, &src, cop_cached_op_output_count(op), dst, NULL, &error),
        COP_STATUS_INVALID_ARGUMENT);
}

START_TEST(memory_of_another_device_and_memory_that_host_steps_use_are_refused)
{
    static const int64_t square[] = {8, 8};
    cop_model *dense = behind_dense(1), *mixed = behind_mixed();
    cop_cached_op *op = behind_compile(dense, 0), *with_host = behind_compile(mixed, 0);
    cop_cached_op *host = compile_on(dense, COP_DEVICE_REF);
    cop_ndarray *here = make(0, COP_MEMORY_DEVICE, 2, map);
    cop_ndarray *there = make(1, COP_MEMORY_DEVICE, 2, map), *none[2] = {NULL};
    cop_ndarray *outputs[2] = {NULL, make(0, COP_MEMORY_DEVICE, 2, square)};
    refuse_invoke(op, there, none, "input 'x': lies in memory of gpu:1");
    refuse_invoke(host, here, none, "input 'x': lies in memory of gpu:0");
    refuse_invoke(with_host, here, outputs, "output 'far': lies in memory of gpu:0, and a step");
    cop_ndarray_release(&outputs[1]);
    cop_error error = {0};
    ck_assert_msg(cop_invoke(with_host, 1, &here, 2, outputs, NULL, &error) == COP_STATUS_OK, "%s",
                  error.message);
    ck_assert_int_eq(cop_ndarray_memory(outputs[0]) == COP_MEMORY_DEVICE, 0);
    cop_ndarray_release(&outputs[0]), cop_ndarray_release(&outputs[1]);
    cop_ndarray_release(&here), cop_ndarray_release(&there);
    cop_cached_op_release(&op), cop_cached_op_release(&with_host), cop_cached_op_release(&host);
    cop_model_release(&dense), cop_model_release(&mixed);
}
END_TEST

START_TEST(constants_may_lie_on_a_device_and_new_weights_may_not)
{
    cop_model *model = behind_dense(1);
    static const int64_t shape[] = {24};
    cop_ndarray *src = random_array(2, map, 5), *dst = NULL;
    float elements[64], expected[32], actual[32];
    cop_cached_op *op = behind_compile(model, 0), *fixed = NULL;
    cop_error error = {0};
    behind_invoke(op, src, expected, 32);
    const cop_parameter_value value = {"b1", make(0, COP_MEMORY_DEVICE, 1, shape)};
    ck_assert_int_eq(cop_model_update_weights(model, &value, 1, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.message, "'b1'") != NULL && strstr(error.message, "GPU") != NULL,
                  "%s", error.message);
    cop_constant constant = {"x", make(0, COP_MEMORY_DEVICE, 2, map)};
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    behind_read(src, elements, 64);
    write_to(constant.array, elements);
    options.device = BEHIND_DEVICE, options.constants = &constant, options.constant_count = 1;
    ck_assert_msg(cop_cached_op_create(model, &options, &fixed, &error) == COP_STATUS_OK, "%s",
                  error.message);
    ck_assert_int_eq(cop_invoke(fixed, 0, NULL, 1, &dst, NULL, NULL), COP_STATUS_OK);
    behind_read(dst, actual, 32);
    for (int i = 0; i < 32; i++)
        ck_assert(fabsf(actual[i] - expected[i]) < 1e-5f);
    cop_ndarray *arrays[] = {src, dst, value.array, constant.array};
    for (int i = 0; i < 4; i++)
        cop_ndarray_release(&arrays[i]);
    cop_cached_op_release(&op), cop_cached_op_release(&fixed), cop_model_release(&model);
    ck_assert_int_eq(atomic_load(&control->blocks), 0);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "arrays on a device", set_up, NULL, new_arrays_are_zero_and_say_where_they_lie,
        a_device_without_memory_of_its_own_takes_the_process_s,
        what_does_not_exist_or_has_no_room_is_refused,
        elements_are_copied_between_all_kinds_of_memory, views_reach_into_the_memory_of_a_device,
        memory_of_a_device_is_wrapped_and_let_go,
        nothing_is_copied_from_one_device_to_another_nor_past_a_failure,
        a_copy_comes_after_the_writer_and_its_source_s_error_is_its_own,
        operators_take_and_give_arrays_of_every_kind,
        memory_of_another_device_and_memory_that_host_steps_use_are_refused,
        constants_may_lie_on_a_device_and_new_weights_may_not);
}
