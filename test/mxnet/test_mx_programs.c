// SPDX-License-Identifier: Apache-2.0
/*
 * What programs promise: parameters are packed once for each version, what is not used goes, memory
 * stays bounded whatever changes, a call with what is known does next to nothing, and a child of
 * fork can go on. And what MXNET_ENGINE_TYPE says, each in a process of its own.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nnvm/c_api.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/mx_client.h"
#include "mxnet/run/mx_program_parts.h"
#include "support/rigged_step.h"

#define THREADS 8

static struct mx_program *program;
static NDArrayHandle inputs[4]; /* data [2,3] = 0…5, weight [2,3] = 0, bias = b, label */

static void set_up(void)
{
    cop_error error;
    struct mx_symbol *symbol;
    ck_assert_int_eq(
        cop_mx_symbol_read(MX_CLASSIFIER_JSON, strlen(MX_CLASSIFIER_JSON), "json", &symbol, &error),
        COP_STATUS_OK);
    ck_assert_int_eq(cop_mx_program_create(symbol, NULL, &program, &error), COP_STATUS_OK);
    cop_mx_symbol_destroy(symbol);
    inputs[0] = mx_ramp_2(2, 3, 0, 1);
    inputs[1] = mx_ramp_2(2, 3, 0, 0);
    inputs[2] = mx_ramp_1(2, 0, 0);
    inputs[3] = mx_ramp_1(2, 0, 0);
}

static void tear_down(void)
{
    for (int i = 0; i < 4; i++)
        MX(MXNDArrayFree(inputs[i]));
    cop_mx_program_release(&program);
}

/* Runs; false with a text on stderr. Receives the new output. */
static bool run_on(NDArrayHandle *src, NDArrayHandle *output)
{
    cop_error error;
    struct mx_array *dst = NULL;
    const bool is_fine =
        cop_mx_program_run(program, (struct mx_array *const *)src, &dst, &error) == COP_STATUS_OK;
    if (!is_fine)
        fprintf(stderr, "%s\n", error.message);
    *output = dst;
    return is_fine;
}

/* The first probability; −1: it failed. No assertion: threads and children call it, too. */
static float first_of(NDArrayHandle *src)
{
    float values[128] = {-1};
    uint32_t rank;
    const uint32_t *shape;
    NDArrayHandle output;
    if (!run_on(src, &output))
        return -1;
    if (MXNDArrayGetShape(output, &rank, &shape) != 0 || rank != 2 || shape[0] > 64 ||
        MXNDArraySyncCopyToCPU(output, values, shape[0] * 2) != 0)
        values[0] = -1;
    MXNDArrayFree(output);
    return values[0];
}

/* Bias (0, 0): a half; (100, 0): one; (−100, 0): zero. */
static void write_bias(float first)
{
    const float values[] = {first, 0};
    MX(MXNDArraySyncCopyFromCPU(inputs[2], values, 2));
}

static struct mx_program_stats stats(void)
{
    return cop_mx_program_get_stats(program);
}

static size_t live_bytes(void)
{
    return cop_alloc_counters().live_bytes;
}

START_TEST(known_parameters_are_packed_once_whatever_data_and_labels_are)
{
    for (int i = 0; i < 100; i++) {
        MX(MXNDArrayFree(inputs[0]));
        MX(MXNDArrayFree(inputs[3]));
        inputs[0] = mx_ramp_2(2, 3, (float)i, 1);
        inputs[3] = mx_ramp_1(2, (float)i, 1);
        ck_assert_float_eq(first_of(inputs), 0.5F);
    }
    ck_assert_uint_eq(stats().bindings_made, 1);
    ck_assert_uint_eq(stats().operators_made, 1);
}
END_TEST

START_TEST(other_handles_of_the_same_memory_are_the_same_parameters)
{
    ck_assert_float_eq(first_of(inputs), 0.5F);
    NDArrayHandle same[4] = {inputs[0], NULL, NULL, inputs[3]};
    MX(MXNDArrayDetach(inputs[1], &same[1]));
    MX(MXShallowCopyNDArray(inputs[2], &same[2]));
    ck_assert_float_eq(first_of(same), 0.5F);
    ck_assert_uint_eq(stats().bindings_made, 1);
    MX(MXNDArrayFree(same[1]));
    MX(MXNDArrayFree(same[2]));
}
END_TEST

START_TEST(a_write_makes_one_new_version_and_the_old_one_goes)
{
    for (int i = 0; i < 10; i++) {
        write_bias(i % 2 == 0 ? 100 : -100);
        for (int k = 0; k < 3; k++)
            ck_assert_float_eq_tol(first_of(inputs), i % 2 == 0 ? 1 : 0, 1e-6F);
        ck_assert_uint_eq(stats().bindings_made, (size_t)i + 1);
        ck_assert_uint_eq(stats().bindings, 1);
        ck_assert_uint_eq(stats().operators, 1);
    }
    ck_assert(!stats().takes_parameters_at_run_time);
}
END_TEST

START_TEST(more_sets_of_parameters_than_are_kept_are_right_and_bounded)
{
    NDArrayHandle sets[7][4];
    size_t bytes = 0;
    for (int i = 0; i < 7; i++) {
        memcpy(sets[i], inputs, sizeof inputs);
        sets[i][2] = mx_ramp_1(2, i % 2 == 0 ? 100 : -100, i % 2 == 0 ? -100 : 100);
    }
    for (int turn = 0; turn < 20; turn++) {
        for (int i = 0; i < 7; i++)
            for (int k = 0; k < 2; k++)
                ck_assert_float_eq_tol(first_of(sets[i]), i % 2 == 0 ? 1 : 0, 1e-6F);
        ck_assert_uint_le(stats().bindings, 4);
        ck_assert_uint_le(stats().retired, 64);
        if (turn == 5)
            bytes = live_bytes();
    }
    ck_assert_uint_le(live_bytes(), bytes + bytes / 2);
    ck_assert(!stats().takes_parameters_at_run_time); /* each was used again */
    for (int i = 0; i < 7; i++)
        MX(MXNDArrayFree(sets[i][2]));
}
END_TEST

START_TEST(four_sets_of_parameters_take_turns_without_packing)
{
    NDArrayHandle sets[4][4];
    for (int i = 0; i < 4; i++) {
        memcpy(sets[i], inputs, sizeof inputs);
        sets[i][2] = mx_ramp_1(2, i % 2 == 0 ? 100 : -100, i % 2 == 0 ? -100 : 100);
    }
    for (int i = 0; i < 40; i++)
        ck_assert_float_eq_tol(first_of(sets[i % 4]), i % 2 == 0 ? 1 : 0, 1e-6F);
    ck_assert_uint_eq(stats().bindings_made, 4);
    ck_assert_uint_eq(stats().operators_made, 4);
    for (int i = 0; i < 4; i++)
        MX(MXNDArrayFree(sets[i][2]));
}
END_TEST

START_TEST(more_shapes_than_are_kept_are_right_and_bounded)
{
    write_bias(100);
    for (int turn = 0; turn < 3; turn++)
        for (uint32_t batch = 1; batch <= 40; batch++) {
            NDArrayHandle src[] = {mx_ramp_2(batch, 3, 0, 1), inputs[1], inputs[2],
                                   mx_ramp_1(batch, 0, 0)};
            ck_assert_float_eq_tol(first_of(src), 1, 1e-6F);
            MX(MXNDArrayFree(src[0]));
            MX(MXNDArrayFree(src[3]));
            ck_assert_uint_le(stats().operators, 32);
            ck_assert_uint_le(stats().retired, 64);
        }
    ck_assert_uint_eq(stats().bindings_made, 1);
}
END_TEST

START_TEST(parameters_that_are_new_at_each_call_become_plain_inputs)
{
    size_t made = 0;
    for (int i = 0; i < 60; i++) {
        MX(MXNDArrayFree(inputs[2]));
        inputs[2] = mx_ramp_1(2, i % 2 == 0 ? 100 : -100, i % 2 == 0 ? -100 : 100);
        ck_assert_float_eq_tol(first_of(inputs), i % 2 == 0 ? 1 : 0, 1e-6F);
        if (i == 10)
            ck_assert(!stats().takes_parameters_at_run_time);
        if (i == 20) {
            ck_assert(stats().takes_parameters_at_run_time);
            made = stats().operators_made;
        }
    }
    ck_assert_uint_eq(stats().operators_made, made);
    ck_assert_uint_eq(stats().bindings, 1);
}
END_TEST

START_TEST(a_call_with_what_is_known_allocates_its_output_only)
{
    NDArrayHandle output;
    for (int i = 0; i < 10; i++)
        first_of(inputs);
    const uint64_t before = cop_alloc_counters().allocations;
    for (int i = 0; i < 100; i++) {
        ck_assert(run_on(inputs, &output));
        MX(MXNDArrayFree(output));
    }
    const uint64_t once = cop_alloc_counters().allocations - before;
    for (int i = 0; i < 100; i++) {
        ck_assert(run_on(inputs, &output));
        MX(MXNDArrayFree(output));
    }
    ck_assert_uint_eq(cop_alloc_counters().allocations - before, 2 * once);
    ck_assert_uint_le(once, 100 * 6);
}
END_TEST

START_TEST(a_call_with_what_is_known_into_given_memory_allocates_nothing)
{
    cop_error error;
    NDArrayHandle given = mx_ramp_2(2, 2, 7, 0);
    struct mx_array *dst = given;
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(
            cop_mx_program_run(program, (struct mx_array *const *)inputs, &dst, &error),
            COP_STATUS_OK);
    const uint64_t before = cop_alloc_counters().allocations;
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(
            cop_mx_program_run(program, (struct mx_array *const *)inputs, &dst, &error),
            COP_STATUS_OK);
    ck_assert_uint_eq(cop_alloc_counters().allocations, before);
    ck_assert_float_eq(mx_element(given, 4, 0), 0.5F);
    MX(MXNDArrayFree(given));
}
END_TEST

static _Atomic bool is_over;
static _Atomic int wrong_count;

static void *run_until_over(void *unused)
{
    (void)unused;
    while (!is_over) {
        const float value = first_of(inputs);
        /* one of three versions; never a mixture, whose first output would be in between */
        if (value != 0.5F && !(value > 0.999F) && !(value >= 0 && value < 0.001F))
            wrong_count++;
    }
    return NULL;
}

static void start(pthread_t *threads)
{
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_until_over, NULL), 0);
}

static void stop(pthread_t *threads)
{
    is_over = true;
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

START_TEST(what_was_replaced_is_reclaimed_while_threads_run)
{
    pthread_t threads[THREADS];
    size_t most_early = 0, most_late = 0;
    start(threads);
    for (int i = 0; i < 3000; i++) {
        write_bias(i % 2 == 0 ? 100 : -100);
        for (int k = 0; k < 2; k++) /* the second finds what the first made: it was worth it */
            ck_assert_float_ge(first_of(inputs), 0);
        ck_assert_uint_le(stats().retired, 64);
        ck_assert_uint_le(stats().bindings, 4);
        size_t *most = i < 1000 ? &most_early : &most_late;
        const size_t bytes = live_bytes();
        *most = bytes > *most ? bytes : *most;
    }
    stop(threads);
    ck_assert_int_eq(wrong_count, 0);
    ck_assert_uint_ge(stats().bindings_made, 1000);
    ck_assert_uint_le(most_late, 2 * most_early);
}
END_TEST

/* Sanitizers have locks of their own, which a child finds taken. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* In a child: whatever the parent's threads were at, what it inherited works. */
static int be_child(void)
{
    const float values[] = {100, 0};
    if (first_of(inputs) < 0)
        return 2;
    for (int i = 0; i < 200; i++) {
        if (MXNDArraySyncCopyFromCPU(inputs[2], values, 2) != 0)
            return 3;
        if (!(first_of(inputs) > 0.999F))
            return 4;
    }
    return 0;
}

START_TEST(a_child_goes_on_with_a_program_that_is_in_use)
{
    pthread_t threads[THREADS];
    start(threads);
    for (int i = 0; i < 20; i++) {
        write_bias(i % 2 == 0 ? 100 : -100);
        const pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            alarm(60);
            _exit(be_child());
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child %d: status %x", i,
                      (unsigned)status);
    }
    stop(threads);
    ck_assert_int_eq(wrong_count, 0);
}
END_TEST
#endif

static void set_engine(const char *name)
{
    ck_assert_int_eq(setenv("MXNET_ENGINE_TYPE", name, 1), 0);
}

START_TEST(results_are_the_same_with_every_engine)
{
    static const char *const engines[] = {"", "NaiveEngine", "ThreadedEngine",
                                          "ThreadedEnginePooled", "ThreadedEnginePerDevice"};
    set_engine(engines[_i]);
    for (int i = 0; i < 50; i++) {
        write_bias(i % 2 == 0 ? 100 : -100);
        ck_assert_float_eq_tol(first_of(inputs), i % 2 == 0 ? 1 : 0, 1e-6F);
    }
    MX(MXNDArrayWaitAll());
}
END_TEST

START_TEST(an_engine_that_does_not_exist_is_an_error_of_each_call)
{
    cop_error error;
    struct mx_array *dst = NULL;
    set_engine("FastEngine");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_ne(
            cop_mx_program_run(program, (struct mx_array *const *)inputs, &dst, &error),
            COP_STATUS_OK);
        ck_assert_ptr_nonnull(strstr(error.message, "MXNET_ENGINE_TYPE"));
        ck_assert_ptr_nonnull(strstr(error.message, "FastEngine"));
        ck_assert_ptr_null(dst);
    }
}
END_TEST

static void *wait_for(void *array)
{
    return MXNDArrayWaitToRead(array) == 0 || MXGetLastError()[0] == '\0' ? NULL : array;
}

static _Atomic bool fails_now;

static cop_status fail_on_demand(void *user, const struct kernel_args *args, cop_error *error)
{
    (void)user, (void)args;
    usleep(1000); /* so that whoever waits is there */
    return fails_now ? cop_fail(error, COP_STATUS_INTERNAL, "a step that fails") : COP_STATUS_OK;
}

/* The operator of these shapes, made and not yet run, gets a step that can fail. */
static void rig(void)
{
    struct mx_reader reader;
    struct mx_binding *binding;
    struct mx_compiled *compiled;
    cop_error error;
    ck_assert_int_eq(cop_mx_make_compiled(program, (struct mx_array *const *)inputs, &reader,
                                          &binding, &compiled, &error),
                     COP_STATUS_OK);
    rig_step(compiled->op, 0, fail_on_demand, NULL);
    cop_mx_epochs_leave(reader);
}

static void expect_told(NDArrayHandle array)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, wait_for, array), 0);
    for (int i = 0; i < 4; i++) {
        void *told;
        ck_assert_int_eq(pthread_join(threads[i], &told), 0);
        ck_assert_ptr_nonnull(told);
    }
}

START_TEST(a_failure_behind_the_call_is_told_to_everybody_who_waits)
{
    float values[4];
    AtomicSymbolCreator creator;
    NDArrayHandle output, *outputs = NULL;
    int count = 0;
    set_engine("ThreadedEngine");
    rig();
    fails_now = true;
    ck_assert(run_on(inputs, &output));
    MX(NNGetOpHandle("relu", &creator));
    MX(MXImperativeInvoke(creator, 1, &output, &count, &outputs, 0, NULL, NULL));
    const NDArrayHandle later = outputs[0];
    expect_told(output);
    expect_told(later);
    MX_FAILS(MXNDArrayWaitToRead(output), "a step that fails"); /* again */
    MX_FAILS(MXNDArraySyncCopyToCPU(output, values, 4), "a step that fails");
    MX_FAILS(MXNDArrayWaitToRead(later), "a step that fails");
    MX_FAILS(MXNDArrayWaitAll(), "a step that fails");
    MX(MXNDArrayFree(output));
    MX(MXNDArrayFree(later));
    fails_now = false;
    ck_assert_float_eq(first_of(inputs), 0.5F);
    MX(MXNDArrayWaitAll());
}
END_TEST

START_TEST(a_failure_in_the_call_is_the_calls)
{
    cop_error error;
    struct mx_array *dst = NULL;
    set_engine("NaiveEngine");
    rig();
    fails_now = true;
    ck_assert_int_ne(cop_mx_program_run(program, (struct mx_array *const *)inputs, &dst, &error),
                     COP_STATUS_OK);
    ck_assert_ptr_nonnull(strstr(error.message, "a step that fails"));
    ck_assert_ptr_null(dst);
    MX(MXNDArrayWaitAll());
    fails_now = false;
    ck_assert_float_eq(first_of(inputs), 0.5F);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("mx_programs");
    const TTest *const tests[] = {
        known_parameters_are_packed_once_whatever_data_and_labels_are,
        other_handles_of_the_same_memory_are_the_same_parameters,
        a_write_makes_one_new_version_and_the_old_one_goes,
        more_sets_of_parameters_than_are_kept_are_right_and_bounded,
        four_sets_of_parameters_take_turns_without_packing,
        more_shapes_than_are_kept_are_right_and_bounded,
        parameters_that_are_new_at_each_call_become_plain_inputs,
        a_call_with_what_is_known_allocates_its_output_only,
        a_call_with_what_is_known_into_given_memory_allocates_nothing,
        what_was_replaced_is_reclaimed_while_threads_run,
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        a_child_goes_on_with_a_program_that_is_in_use,
#endif
        an_engine_that_does_not_exist_is_an_error_of_each_call,
        a_failure_behind_the_call_is_told_to_everybody_who_waits,
        a_failure_in_the_call_is_the_calls,
    };
    tcase_set_timeout(cases, 240);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(cases, tests[i]);
    tcase_add_loop_test(cases, results_are_the_same_with_every_engine, 0, 5);
    return run_case("mx_programs", cases);
}
