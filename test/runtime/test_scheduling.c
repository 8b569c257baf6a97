// SPDX-License-Identifier: Apache-2.0
/* Who runs next: priorities, contexts as a scarce good, programs without workers, threads that end.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "base/clock.h"
#include "runtime/cached_op.h"
#include "runtime/engine/engine.h"
#include "support/hog.h"
#include "support/rigged_step.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define MILLISECOND INT64_C(1000000)
#define LONG_ENOUGH (20000 * MILLISECOND)
#define MOST_RUNS   64

static const int64_t shape[] = {1, 16};

static cop_model *model;
static cop_cached_op *op; /* relu; notes the first element of each input it is run on */
static _Atomic int run_count;
static float seen[MOST_RUNS];
static struct hog hog;

static cop_status note_src(void *user, const struct kernel_args *args, cop_error *error)
{
    (void)user, (void)error;
    const int index = atomic_fetch_add(&run_count, 1);
    if (index < MOST_RUNS)
        seen[index] = *(const float *)args->src[0];
    return COP_STATUS_OK;
}

static cop_cached_op *make_op(int max_contexts)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *made = NULL;
    options.device.kind = COP_DEVICE_REF;
    options.max_contexts = max_contexts;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &made, NULL), COP_STATUS_OK);
    rig_step(made, 0, note_src, NULL);
    return made;
}

static void *return_at_once(void *unused)
{
    return unused;
}

/* With the first thread of a process ThreadSanitizer starts one of its own: not while we count. */
static void start_first_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, return_at_once, NULL);
    pthread_join(thread, NULL);
    usleep(10000);
}

static void setup(void)
{
    start_first_thread();
    model = tiny_relu();
    op = make_op(0);
    ck_assert_int_eq(cop_set_worker_threads(1, NULL), COP_STATUS_OK);
}

static void teardown(void)
{
    atomic_store(&hog.gate, 1);
    (void)!cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}

static cop_ndarray *make_src(float first)
{
    cop_ndarray *array = zero_array(2, shape);
    *(float *)cop_ndarray_data(array) = first;
    return array;
}

/* Into `dst`, or an array of its own that is dropped. */
static void submit(cop_cached_op *to, cop_ndarray *src, cop_ndarray *dst, cop_priority priority)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *made = dst;
    options.priority = priority;
    ck_assert_int_eq(cop_invoke_async(to, 1, &src, 1, &made, &options, NULL), COP_STATUS_OK);
    if (dst == NULL)
        cop_ndarray_release(&made);
}

static void submit_number(float number, cop_priority priority)
{
    cop_ndarray *src = make_src(number);
    submit(op, src, NULL, priority);
    cop_ndarray_release(&src);
}

static void open_gate_and_drain(void)
{
    atomic_store(&hog.gate, 1);
    while (cop_engine_counters().pending > 0) /* without helping, which would change the order */
        usleep(1000);
}

START_TEST(higher_priorities_go_first_and_equal_ones_in_order)
{
    submit_hog(&hog);
    static const struct {
        float number;
        cop_priority priority;
    } submitted[] = {{7, COP_PRIORITY_LOW},    {4, COP_PRIORITY_NORMAL}, {1, COP_PRIORITY_HIGH},
                     {8, COP_PRIORITY_LOW},    {5, COP_PRIORITY_NORMAL}, {2, COP_PRIORITY_HIGH},
                     {6, COP_PRIORITY_NORMAL}, {3, COP_PRIORITY_HIGH},   {9, COP_PRIORITY_LOW}};
    for (size_t i = 0; i < sizeof submitted / sizeof *submitted; i++)
        submit_number(submitted[i].number, submitted[i].priority);
    open_gate_and_drain();
    ck_assert_int_eq(run_count, 9);
    for (int i = 0; i < 9; i++)
        ck_assert(seen[i] == (float)(i + 1));
}
END_TEST

START_TEST(a_high_invocation_lends_its_priority_to_what_it_waits_for)
{
    cop_ndarray *src = make_src(1), *first = zero_array(2, shape), *second = zero_array(2, shape);
    submit_hog(&hog);
    submit_number(5, COP_PRIORITY_LOW);
    submit_number(4, COP_PRIORITY_NORMAL);
    submit(op, src, first, COP_PRIORITY_LOW);
    submit(op, first, second, COP_PRIORITY_LOW);
    submit(op, second, NULL, COP_PRIORITY_HIGH); /* all three are runs on 1 */
    open_gate_and_drain();
    static const float expected[] = {1, 1, 1, 4, 5};
    ck_assert_int_eq(run_count, 5);
    for (int i = 0; i < 5; i++)
        ck_assert(seen[i] == expected[i]);
    cop_ndarray_release(&src), cop_ndarray_release(&first), cop_ndarray_release(&second);
}
END_TEST

START_TEST(invocations_that_lack_a_context_do_not_keep_workers_from_others)
{
    static const struct limits no_time = {0, NULL};
    cop_cached_op *narrow = make_op(1);
    struct context *context = NULL;
    cop_ndarray *src = make_src(3), *waiting[4], *dst = NULL;
    ck_assert_int_eq(cop_context_pool_take(narrow->contexts, &no_time, &context, NULL), 0);
    for (int i = 0; i < 4; i++) {
        waiting[i] = zero_array(2, shape);
        submit(narrow, src, waiting[i], COP_PRIORITY_NORMAL);
    }
    usleep(5000);
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst, NULL, NULL), COP_STATUS_OK);
    for (int i = 0; i < 5000 && atomic_load(&run_count) == 0; i++)
        usleep(1000); /* by the only worker */
    ck_assert_int_eq(run_count, 1);
    ck_assert_int_eq(cop_ndarray_wait(waiting[0], 5 * MILLISECOND, NULL, NULL), COP_STATUS_TIMEOUT);
    cop_context_pool_put(narrow->contexts, context);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(cop_ndarray_wait(waiting[i], LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
        cop_ndarray_release(&waiting[i]);
    }
    ck_assert_int_eq(run_count, 5);
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    cop_cached_op_release(&narrow);
}
END_TEST

START_TEST(who_first_lacked_a_context_gets_the_first)
{
    static const struct limits no_time = {0, NULL};
    cop_cached_op *narrow = make_op(1);
    struct context *context = NULL;
    ck_assert_int_eq(cop_context_pool_take(narrow->contexts, &no_time, &context, NULL), 0);
    for (int i = 1; i <= 5; i++) {
        cop_ndarray *src = make_src((float)i);
        submit(narrow, src, NULL, COP_PRIORITY_NORMAL);
        cop_ndarray_release(&src);
    }
    submit_hog(&hog); /* the only worker has tried the others */
    cop_context_pool_put(narrow->contexts, context);
    open_gate_and_drain();
    ck_assert_int_eq(run_count, 5);
    for (int i = 0; i < 5; i++)
        ck_assert(seen[i] == (float)(i + 1));
    cop_cached_op_release(&narrow);
}
END_TEST

static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = -2; /* "." and ".." */
    while (tasks != NULL && readdir(tasks) != NULL)
        count++;
    if (tasks != NULL)
        closedir(tasks);
    return count;
}

static void await_threads(int wanted)
{
    for (int i = 0; i < 10000 && count_threads() != wanted; i++)
        usleep(1000);
    ck_assert_int_eq(count_threads(), wanted);
}

static void *wait_for_array(void *array)
{
    return cop_ndarray_wait(array, LONG_ENOUGH, NULL, NULL) == COP_STATUS_OK ? array : NULL;
}

START_TEST(without_workers_work_runs_only_inside_waits)
{
    enum { LENGTH = 30 };
    cop_ndarray *chain[LENGTH + 1];
    pthread_t threads[3];
    const int before = count_threads();
    ck_assert_int_eq(cop_set_worker_threads(0, NULL), COP_STATUS_OK);
    chain[0] = make_src(2);
    for (int i = 0; i < LENGTH; i++) {
        chain[i + 1] = zero_array(2, shape);
        submit(op, chain[i], chain[i + 1], COP_PRIORITY_NORMAL);
    }
    usleep(20000);
    ck_assert_int_eq(run_count, 0);
    ck_assert_int_eq(count_threads(), before);
    /* Three threads wait for different parts of the chain: none sleeps while it could go on. */
    static const int parts[] = {LENGTH / 3, LENGTH * 2 / 3, LENGTH};
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, wait_for_array, chain[parts[i]]);
    for (int i = 0; i < 3; i++) {
        void *outcome;
        pthread_join(threads[i], &outcome);
        ck_assert_ptr_nonnull(outcome);
    }
    ck_assert_int_eq(run_count, LENGTH);
    for (int i = 0; i < 5; i++)
        submit_number(1, COP_PRIORITY_NORMAL);
    ck_assert_int_eq(cop_wait_all(op, LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(run_count, LENGTH + 5);
    ck_assert_int_eq(count_threads(), before);
    for (int i = 0; i <= LENGTH; i++)
        cop_ndarray_release(&chain[i]);
}
END_TEST

static void count_call(void *calls, const cop_error *outcome)
{
    if (outcome->status == COP_STATUS_OK)
        atomic_fetch_add((_Atomic int *)calls, 1);
}

START_TEST(threads_end_with_the_last_operator_and_come_back_with_the_next)
{
    static _Atomic int calls;
    const int before = count_threads();
    ck_assert_int_eq(cop_set_worker_threads(3, NULL), COP_STATUS_OK);
    for (int round = 0; round < 5; round++) {
        cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
        options.on_done = count_call;
        options.user = &calls;
        options.timeout_ns = LONG_ENOUGH;
        for (int i = 0; i < 20; i++) {
            cop_ndarray *src = make_src(1), *dst = NULL;
            ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst, &options, NULL), 0);
            cop_ndarray_release(&src), cop_ndarray_release(&dst);
        }
        ck_assert_int_gt(count_threads(), before);
        cop_cached_op_release(&op); /* while it is still used */
        await_threads(before);
        ck_assert_int_eq(calls, 20 * (round + 1));
        op = make_op(0);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "scheduling", setup, teardown, higher_priorities_go_first_and_equal_ones_in_order,
        a_high_invocation_lends_its_priority_to_what_it_waits_for,
        invocations_that_lack_a_context_do_not_keep_workers_from_others,
        who_first_lacked_a_context_gets_the_first, without_workers_work_runs_only_inside_waits,
        threads_end_with_the_last_operator_and_come_back_with_the_next);
}
