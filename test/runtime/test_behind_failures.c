// SPDX-License-Identifier: Apache-2.0
/* Everything that can fail on a device fails once: the status and the text, nothing is left behind,
 * and the next call is as if nothing had been. */
#include "base/alloc.h"
#include "runtime/cached_op.h"
#include "support/arrays.h"
#include "support/behind/behind_models.h"
#include "support/tiny_models.h"
#include "support/unit.h"

static struct behind_control *control;
static const int64_t map[] = {4, 16};

static void set_up(void)
{
    control = behind_open();
    behind_reset(control);
}

static void check_nothing_is_left(void)
{
    ck_assert_int_eq(atomic_load(&control->streams), 0);
    ck_assert_int_eq(atomic_load(&control->states), 0);
    ck_assert_int_eq(atomic_load(&control->blocks), 0);
    ck_assert_int_eq(atomic_load(&control->kernels), 0);
    ck_assert_int_eq(atomic_load(&control->layouts), 0);
    ck_assert_int_eq(atomic_load(&control->recordings), 0);
    ck_assert_int_eq(atomic_load(&control->busy_streams), 0);
}

struct failure_row {
    enum behind_fault fault;
    int first_run; /* before which it cannot strike */
    cop_status status;
    const char *text;
};

static const struct failure_row rows[] = {
    {BEHIND_KERNEL, 0, COP_STATUS_INTERNAL, "the kernel does not begin"},
    {BEHIND_JOB, 0, COP_STATUS_DEVICE_FAILED, "the device is lost"},
    {BEHIND_WAIT, 0, COP_STATUS_DEVICE_FAILED, "the device is lost"},
    {BEHIND_RECORDING_BEGIN, 1, COP_STATUS_INTERNAL, "no recording begins"},
    {BEHIND_KERNEL, 1, COP_STATUS_INTERNAL, "the kernel does not begin"}, /* while it records */
    {BEHIND_RECORDING_END, 1, COP_STATUS_INTERNAL, "no recording ends"},
    {BEHIND_RECORDING_RUN, 1, COP_STATUS_INTERNAL, "does not run"},
    {BEHIND_RECORDING_RUN, 2, COP_STATUS_INTERNAL, "does not run"},
    {BEHIND_MEMORY, 0, COP_STATUS_OUT_OF_DEVICE_MEMORY, "rigged: no memory"},
    {BEHIND_STREAM, 0, COP_STATUS_OUT_OF_DEVICE_MEMORY, "no stream"},
    {BEHIND_STATE, 0, COP_STATUS_OUT_OF_DEVICE_MEMORY, "no state"},
};

/* The `n`-th chance after `runs` good runs. False: there are not so many, and it went well. */
static bool fail_one(cop_model *model, const struct failure_row *row, int runs, long n)
{
    cop_cached_op *op = behind_compile(model, 1), *oracle = behind_compile(model, 1);
    cop_ndarray *src = random_array(2, map, 3), *dst[2] = {NULL};
    const size_t count = cop_cached_op_output_count(op);
    float expected[64], actual[64];
    cop_error error = {0};
    const size_t elements = 64 / (count == 1 ? 2 : 1); /* of the first output of our two models */
    behind_invoke(oracle, src, expected, elements);
    for (int i = 0; i < runs; i++)
        behind_invoke(op, src, actual, elements);
    atomic_store(&control->delay_us, 100);
    atomic_store(&control->faults[row->fault], n);
    const cop_status status = cop_invoke(op, 1, &src, count, dst, NULL, &error);
    const bool has_failed = status != COP_STATUS_OK;
    ck_assert_int_eq(atomic_load(&control->busy_streams), 0); /* also where it failed half-way */
    atomic_store(&control->delay_us, 0);
    atomic_store(&control->faults[row->fault], 0);
    if (has_failed) {
        ck_assert_int_eq(status, row->status);
        ck_assert_msg(strstr(error.message, row->text) != NULL, "%s", error.message);
        ck_assert_ptr_null(dst[0]);
    }
    cop_ndarray_release(&dst[0]), cop_ndarray_release(&dst[1]);
    for (int i = 0; i < 4; i++) { /* eager, recorded and repeated */
        behind_invoke(op, src, actual, elements);
        ck_assert_mem_eq(actual, expected, elements * sizeof *actual);
    }
    cop_ndarray_release(&src);
    cop_cached_op_release(&op), cop_cached_op_release(&oracle);
    return has_failed;
}

START_TEST(every_failure_of_a_run_is_told_and_forgotten)
{
    cop_model *models[] = {behind_dense(1), behind_mixed()};
    for (int m = 0; m < 2; m++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            for (int runs = rows[i].first_run; runs <= rows[i].first_run + 1; runs++) {
                long n = 1;
                while (fail_one(models[m], &rows[i], runs, n))
                    n++;
                const bool can_fail = m == 0 && runs == rows[i].first_run;
                ck_assert_msg(!can_fail || n > 1, "row %zu never failed", i);
                ck_assert_int_lt(n, 100);
            }
    cop_model_release(&models[0]), cop_model_release(&models[1]);
    check_nothing_is_left();
}
END_TEST

START_TEST(a_failed_call_poisons_the_outputs_that_were_bound)
{
    cop_model *model = behind_dense(1);
    cop_cached_op *op = behind_compile(model, 0);
    static const int64_t shape[] = {4, 8};
    cop_ndarray *src = random_array(2, map, 3), *dst = zero_array(2, shape);
    cop_error error = {0};
    atomic_store(&control->faults[BEHIND_JOB], 3);
    ck_assert_int_eq(cop_invoke(op, 1, &src, 1, &dst, NULL, &error), COP_STATUS_DEVICE_FAILED);
    ck_assert_int_eq(cop_ndarray_wait(dst, COP_NO_TIMEOUT, NULL, &error), COP_STATUS_DEVICE_FAILED);
    ck_assert_msg(strstr(error.message, "the device is lost") != NULL, "%s", error.message);
    ck_assert_int_eq(cop_invoke(op, 1, &src, 1, &dst, NULL, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(dst, COP_NO_TIMEOUT, NULL, &error), COP_STATUS_OK);
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    cop_cached_op_release(&op), cop_model_release(&model);
    check_nothing_is_left();
}
END_TEST

START_TEST(an_operator_whose_weights_cannot_be_packed_is_not_made)
{
    static const enum behind_fault faults[] = {BEHIND_MEMORY, BEHIND_STREAM, BEHIND_STATE,
                                               BEHIND_KERNEL, BEHIND_JOB,    BEHIND_WAIT};
    cop_model *model = behind_dense(1);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
        cop_status status = COP_STATUS_INTERNAL;
        options.device = BEHIND_DEVICE;
        long n = 0;
        while (status != COP_STATUS_OK) {
            cop_cached_op *op = NULL;
            cop_error error = {0};
            atomic_store(&control->faults[faults[i]], ++n);
            status = cop_cached_op_create(model, &options, &op, &error);
            ck_assert((op == NULL) == (status != COP_STATUS_OK));
            ck_assert_msg(status == COP_STATUS_OK || strstr(error.message, "weight '") != NULL,
                          "%s", error.message);
            cop_cached_op_release(&op);
            check_nothing_is_left();
        }
        ck_assert_int_eq(n, 5); /* four weights */
        atomic_store(&control->faults[faults[i]], 0);
    }
    cop_model_release(&model);
}
END_TEST

START_TEST(an_update_that_fails_leaves_the_old_weights_in_force)
{
    cop_model *model = behind_dense(1);
    cop_cached_op *op = behind_compile(model, 0);
    static const int64_t shape[] = {24};
    cop_ndarray *src = random_array(2, map, 3);
    const cop_parameter_value value = {"b1", random_array(1, shape, 77)};
    float before[32], after[32];
    for (int i = 0; i < 3; i++)
        behind_invoke(op, src, before, 32);
    atomic_store(&control->faults[BEHIND_MEMORY], 1);
    ck_assert_int_eq(cop_model_update_weights(model, &value, 1, NULL),
                     COP_STATUS_OUT_OF_DEVICE_MEMORY);
    atomic_store(&control->faults[BEHIND_JOB], 1);
    ck_assert_int_eq(cop_model_update_weights(model, &value, 1, NULL), COP_STATUS_DEVICE_FAILED);
    behind_invoke(op, src, after, 32);
    ck_assert_mem_eq(before, after, sizeof before);
    ck_assert_int_eq(cop_model_update_weights(model, &value, 1, NULL), COP_STATUS_OK);
    behind_invoke(op, src, after, 32);
    ck_assert_mem_ne(before, after, sizeof before);
    cop_ndarray *array = value.array;
    cop_ndarray_release(&src), cop_ndarray_release(&array);
    cop_cached_op_release(&op), cop_model_release(&model);
    check_nothing_is_left();
}
END_TEST

static cop_cached_op_stats stats_of(cop_cached_op *op)
{
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_cached_op_get_stats(op, &stats, NULL), COP_STATUS_OK);
    return stats;
}

START_TEST(warm_up_records_and_trim_gives_the_device_s_memory_back)
{
    cop_model *model = behind_dense(1);
    cop_cached_op *op = behind_compile(model, 4);
    cop_ndarray *src = random_array(2, map, 3);
    float actual[32];
    size_t freed = 0;
    const long weights = atomic_load(&control->blocks);
    ck_assert_int_eq(cop_cached_op_warm_up(op, 3, NULL), COP_STATUS_OK);
    ck_assert_int_eq(atomic_load(&control->streams), 3);
    ck_assert_int_eq(atomic_load(&control->recordings), 3 * op->plan->segment_count);
    ck_assert_int_gt(atomic_load(&control->blocks), weights);
    const long begun = atomic_load(&control->recordings_begun);
    behind_invoke(op, src, actual, 32);
    ck_assert_int_eq(atomic_load(&control->recordings_begun), begun + op->plan->segment_count);
    ck_assert_int_eq(cop_cached_op_trim(op, 1, &freed, NULL), COP_STATUS_OK);
    ck_assert_int_eq(atomic_load(&control->streams), 1);
    ck_assert_uint_ge(freed, 2 * op->plan->device_arena_bytes);
    ck_assert_int_eq(cop_cached_op_trim(op, 0, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(atomic_load(&control->blocks), weights);
    ck_assert_int_eq(atomic_load(&control->recordings), 0);
    behind_invoke(op, src, actual, 32);
    cop_ndarray_release(&src);
    cop_cached_op_release(&op), cop_model_release(&model);
    check_nothing_is_left();
}
END_TEST

START_TEST(a_warm_up_that_fails_leaves_an_operator_that_works)
{
    cop_model *model = behind_dense(1);
    cop_cached_op *op = behind_compile(model, 4);
    cop_ndarray *src = random_array(2, map, 3);
    float actual[32];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        atomic_store(&control->faults[rows[i].fault], 1);
        ck_assert_int_eq(cop_cached_op_warm_up(op, 2, NULL), rows[i].status);
        behind_reset(control);
        behind_invoke(op, src, actual, 32);
        ck_assert_int_eq(cop_cached_op_trim(op, 0, NULL, NULL), COP_STATUS_OK);
    }
    cop_ndarray_release(&src);
    cop_cached_op_release(&op), cop_model_release(&model);
    check_nothing_is_left();
}
END_TEST

START_TEST(the_memory_cap_counts_what_contexts_take_on_the_device)
{
    cop_model *model = behind_large();
    cop_cached_op *op = behind_compile(model, 4), *capped = NULL;
    ck_assert_int_eq(cop_cached_op_warm_up(op, 1, NULL), COP_STATUS_OK);
    const size_t bytes = stats_of(op).context_bytes;
    ck_assert_uint_ge(op->plan->device_arena_bytes, 64 * 1024 * sizeof(float));
    ck_assert_uint_ge(bytes,
                      op->plan->device_arena_bytes + op->plan->arena_bytes + op->plan->state_bytes);
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_error error = {0};
    options.device = BEHIND_DEVICE, options.max_contexts = 4;
    options.memory_cap_bytes = bytes - 1;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &capped, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    options.memory_cap_bytes = 2 * bytes;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &capped, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_cached_op_warm_up(capped, 2, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cached_op_warm_up(capped, 3, NULL), COP_STATUS_BUSY);
    cop_cached_op_release(&op), cop_cached_op_release(&capped), cop_model_release(&model);
    check_nothing_is_left();
}
END_TEST

START_TEST(outputs_are_made_once_and_used_again)
{
    cop_model *model = behind_dense(1);
    cop_cached_op *op = behind_compile(model, 2);
    cop_ndarray *src = random_array(2, map, 3);
    float actual[32];
    behind_invoke(op, src, actual, 32);
    const long blocks = atomic_load(&control->blocks);
    for (int i = 0; i < 10; i++)
        behind_invoke(op, src, actual, 32);
    ck_assert_int_eq(atomic_load(&control->blocks), blocks); /* made once, used again */
    cop_ndarray_release(&src);
    cop_cached_op_release(&op), cop_model_release(&model);
    check_nothing_is_left();
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("failures of a device", set_up, NULL,
                          every_failure_of_a_run_is_told_and_forgotten,
                          a_failed_call_poisons_the_outputs_that_were_bound,
                          an_operator_whose_weights_cannot_be_packed_is_not_made,
                          an_update_that_fails_leaves_the_old_weights_in_force,
                          warm_up_records_and_trim_gives_the_device_s_memory_back,
                          a_warm_up_that_fails_leaves_an_operator_that_works,
                          the_memory_cap_counts_what_contexts_take_on_the_device,
                          outputs_are_made_once_and_used_again);
}
