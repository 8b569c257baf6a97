// SPDX-License-Identifier: Apache-2.0
/* Nobody sleeps for what will not come: workers that end, waits that are given up, contexts that
 * cannot be made; and many tasks take no longer, each, than few. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "runtime/cached_op.h"
#include "runtime/engine/engine.h"
#include "support/rigged_step.h"
#include "support/tiny_models.h"
#include "support/tasks.h"
#include "support/unit.h"

#define SECOND      INT64_C(1000000000)
#define LONG_ENOUGH (20 * SECOND)
#define MANY        100000
#define WAITERS     64

static const int64_t one[] = {1}, shape[] = {1, 16};

/* A task that waits at its gate and counts. */
struct job {
    struct task task;
    struct access accesses[2];
    _Atomic int *gate; /* NULL: none */
};

static _Atomic int runs, at_gate, finished;

static enum run_result run_job(struct task *task, const struct limits *limits, cop_status *status,
                               cop_error *error)
{
    const struct job *job = (struct job *)task;
    (void)limits, (void)error;
    atomic_fetch_add(&at_gate, 1);
    while (job->gate != NULL && !atomic_load(job->gate))
        usleep(100);
    atomic_fetch_add(&runs, 1);
    *status = COP_STATUS_OK;
    return RUN_DONE;
}

static void finish_job(struct task *task, struct failure *failure, bool was_abandoned)
{
    (void)failure, (void)was_abandoned;
    cop_free(task->reserve);
    task->reserve = NULL;
    atomic_fetch_add(&finished, 1);
}

static void init_job(struct job *job, _Atomic int *gate)
{
    *job = (struct job){.gate = gate};
    job->task = task_of(job->accesses, run_job, finish_job);
}

static void add(struct job *job, cop_ndarray *array, bool is_write)
{
    job->accesses[job->task.access_count++] = access_of(array, is_write);
}

static void await_count(_Atomic int *count, int wanted)
{
    for (int i = 0; i < 20000 && atomic_load(count) < wanted; i++)
        usleep(1000);
    ck_assert_int_ge(atomic_load(count), wanted);
}

struct waiter {
    cop_ndarray *array;
    cop_cancel *cancel;
    cop_status status;
};

static void *wait_in_thread(void *argument)
{
    struct waiter *waiter = argument;
    waiter->status = cop_ndarray_wait(waiter->array, LONG_ENOUGH, waiter->cancel, NULL);
    return NULL;
}

START_TEST(a_waiter_goes_on_when_the_worker_it_relied_on_ends)
{
    static _Atomic int gate;
    cop_ndarray *first = zero_array(1, one), *second = zero_array(1, one);
    struct job hog, job;
    pthread_t thread;
    struct waiter waiter = {.array = second};
    init_job(&hog, &gate), add(&hog, first, true);
    init_job(&job, NULL), add(&job, first, false), add(&job, second, true);
    cop_engine_set_workers(1);
    cop_engine_submit(&hog.task), cop_engine_submit(&job.task);
    await_count(&at_gate, 1);
    pthread_create(&thread, NULL, wait_in_thread, &waiter);
    usleep(50000); /* it sleeps: what it needs runs on the worker */
    cop_engine_set_workers(0);
    atomic_store(&gate, 1);
    pthread_join(thread, NULL);
    ck_assert_int_eq(waiter.status, COP_STATUS_OK);
    await_count(&finished, 2);
    cop_ndarray_release(&first), cop_ndarray_release(&second);
}
END_TEST

/*
 * Two threads wait for `wanted`. The request lets the task before it go on and ends the first wait:
 * the thread that is woken to run it does not.
 */
START_TEST(a_wait_that_is_given_up_leaves_its_work_to_another)
{
    cop_ndarray *wanted = zero_array(1, one), *between = zero_array(1, one);
    cop_ndarray *written = zero_array(1, one);
    cop_cancel *cancel = NULL;
    struct job stuck, job;
    pthread_t threads[2];
    ck_assert_int_eq(cop_cancel_create(&cancel, NULL), COP_STATUS_OK);
    struct waiter waiters[2] = {{wanted, cancel, COP_STATUS_OK}, {wanted, NULL, COP_STATUS_OK}};
    cop_engine_set_workers(0);
    ck_assert(cop_storage_try_write(written->storage));
    init_job(&stuck, NULL), add(&stuck, between, false), add(&stuck, written, false);
    stuck.task.cancel = cancel;
    init_job(&job, NULL), add(&job, between, true), add(&job, wanted, true);
    cop_engine_submit(&stuck.task), cop_engine_submit(&job.task);
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, wait_in_thread, &waiters[i]);
        usleep(50000);
    }
    cop_cancel_request(cancel);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(waiters[0].status, COP_STATUS_CANCELLED);
    ck_assert_int_eq(waiters[1].status, COP_STATUS_OK);
    cop_storage_end_write(written->storage);
    cop_ndarray_release(&wanted), cop_ndarray_release(&between), cop_ndarray_release(&written);
    cop_cancel_release(&cancel);
}
END_TEST

START_TEST(all_workers_begin_at_once_when_much_is_ready)
{
    static _Atomic int gate;
    cop_ndarray *source = zero_array(1, one);
    struct job jobs[6];
    cop_engine_set_workers(0);
    for (int i = 0; i < 6; i++) {
        init_job(&jobs[i], &gate), add(&jobs[i], source, false);
        cop_engine_submit(&jobs[i].task);
    }
    cop_engine_set_workers(6);
    await_count(&at_gate, 6); /* none has ended */
    atomic_store(&gate, 1);
    await_count(&finished, 6);
    cop_ndarray_release(&source);
}
END_TEST

static _Atomic int is_making, may_fail;

/* Stands in for a library below that needs memory for a context, and gets none. */
static cop_status fail_later(const struct kernel *kernel, struct stream *stream, void **state,
                             cop_error *error)
{
    (void)kernel, (void)stream, (void)state;
    if (atomic_fetch_add(&is_making, 1) > 0)
        return COP_STATUS_OK;
    while (!atomic_load(&may_fail))
        usleep(100);
    return cop_fail(error, COP_STATUS_OUT_OF_MEMORY, "no memory for a context");
}

static void destroy_nothing(const struct kernel *kernel, void *state)
{
    (void)kernel, (void)state;
}

static cop_status do_nothing(void *user, const struct kernel_args *args, cop_error *error)
{
    (void)user, (void)args, (void)error;
    return COP_STATUS_OK;
}

struct call {
    cop_cached_op *op;
    cop_ndarray *src;
    cop_status status;
};

static void *invoke_in_thread(void *argument)
{
    struct call *call = argument;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst = NULL;
    options.timeout_ns = LONG_ENOUGH;
    call->status = cop_invoke(call->op, 1, &call->src, 1, &dst, &options, NULL);
    cop_ndarray_release(&dst);
    return NULL;
}

START_TEST(a_context_that_could_not_be_made_leaves_its_place_to_those_who_wait)
{
    cop_model *model = tiny_relu();
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    cop_ndarray *src = zero_array(2, shape), *dst = NULL;
    pthread_t threads[2];
    options.device.kind = COP_DEVICE_REF;
    options.max_contexts = 1;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &op, NULL), COP_STATUS_OK);
    rig_step(op, 0, do_nothing, NULL);
    struct backend *backend = (struct backend *)(uintptr_t)op->plan->steps[0].kernel->backend;
    backend->state_create = fail_later;
    backend->state_destroy = destroy_nothing;
    struct call calls[2] = {{op, src, COP_STATUS_OK}, {op, src, COP_STATUS_INTERNAL}};
    pthread_create(&threads[0], NULL, invoke_in_thread, &calls[0]);
    await_count(&is_making, 1);
    pthread_create(&threads[1], NULL, invoke_in_thread, &calls[1]); /* sleeps in the pool */
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst, NULL, NULL), COP_STATUS_OK);
    usleep(50000); /* parked */
    atomic_store(&may_fail, 1);
    ck_assert_int_eq(cop_ndarray_wait(dst, LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
    pthread_join(threads[0], NULL), pthread_join(threads[1], NULL);
    ck_assert_int_eq(calls[0].status, COP_STATUS_OUT_OF_MEMORY);
    ck_assert_int_eq(calls[1].status, COP_STATUS_OK);
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}
END_TEST

/* The first is told that the context is free, and cancelled before it takes it. */
START_TEST(a_parked_invocation_that_is_cancelled_passes_its_turn_on)
{
    static _Atomic int gate;
    static const struct limits no_time = {0, NULL};
    cop_model *model = tiny_relu();
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_invoke_options first = COP_INVOKE_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    cop_ndarray *src = zero_array(2, shape), *dst[2] = {NULL, NULL}, *busy = zero_array(1, one);
    struct context *context = NULL;
    struct job hog;
    options.device.kind = COP_DEVICE_REF;
    options.max_contexts = 1;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &op, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cancel_create(&first.cancel, NULL), COP_STATUS_OK);
    cop_engine_set_workers(1);
    ck_assert_int_eq(cop_context_pool_take(op->contexts, &no_time, &context, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst[0], &first, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst[1], NULL, NULL), COP_STATUS_OK);
    init_job(&hog, &gate), add(&hog, busy, true);
    cop_engine_submit(&hog.task);
    await_count(&at_gate, 1); /* the worker has tried both */
    cop_context_pool_put(op->contexts, context);
    cop_cancel_request(first.cancel);
    atomic_store(&gate, 1);
    ck_assert_int_eq(cop_ndarray_wait(dst[0], 0, NULL, NULL), COP_STATUS_CANCELLED);
    ck_assert_int_eq(cop_ndarray_wait(dst[1], LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
    await_count(&finished, 1);
    cop_ndarray_release(&src), cop_ndarray_release(&busy);
    cop_ndarray_release(&dst[0]), cop_ndarray_release(&dst[1]);
    cop_cancel_release(&first.cancel);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}
END_TEST

static struct job *make_jobs(int count)
{
    struct job *jobs = calloc((size_t)count, sizeof *jobs);
    ck_assert_ptr_nonnull(jobs);
    for (int i = 0; i < count; i++)
        init_job(&jobs[i], NULL);
    return jobs;
}

/* Says what took how long, and that it was not minutes. */
static int64_t expect_quick(int64_t begin_ns, const char *what)
{
    const int64_t now_ns = cop_now_ns();
    if (getenv("COP_TEST_VERBOSE") != NULL)
        fprintf(stderr, "%8.3f s %s\n", (double)(now_ns - begin_ns) / 1e9, what);
    ck_assert_msg(now_ns - begin_ns < LONG_ENOUGH, "%s took too long", what);
    return now_ns;
}

START_TEST(waiting_for_the_end_of_a_long_chain_looks_at_each_link_once)
{
    cop_ndarray *array = zero_array(1, one);
    struct job *jobs = make_jobs(MANY);
    cop_engine_set_workers(0);
    int64_t begin_ns = cop_now_ns();
    for (int i = 0; i < MANY; i++) {
        add(&jobs[i], array, true);
        cop_engine_submit(&jobs[i].task);
    }
    begin_ns = expect_quick(begin_ns, "submitting a chain");
    ck_assert_int_eq(cop_ndarray_wait(array, LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
    expect_quick(begin_ns, "waiting for its end");
    ck_assert_int_eq(runs, MANY);
    free(jobs);
    cop_ndarray_release(&array);
}
END_TEST

START_TEST(lending_priorities_along_a_long_chain_looks_at_each_link_once)
{
    cop_ndarray *array = zero_array(1, one), *other = zero_array(1, one);
    struct job *jobs = make_jobs(MANY + 1);
    cop_engine_set_workers(0);
    jobs[MANY].task.priority = 2;
    add(&jobs[MANY], other, true);
    cop_engine_submit(&jobs[MANY].task); /* there is somebody to lend to */
    int64_t begin_ns = cop_now_ns();
    for (int i = 0; i < MANY; i++) {
        jobs[i].task.priority = i < MANY / 2 ? 1 : 0;
        add(&jobs[i], array, i % 1000 == 0);
        cop_engine_submit(&jobs[i].task);
    }
    begin_ns = expect_quick(begin_ns, "lending priorities");
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(jobs[i].task.priority, 0);
    ck_assert_int_eq(jobs[MANY].task.priority, 2);
    ck_assert_int_eq(cop_engine_wait_all(7, &cop_no_limits, NULL), COP_STATUS_OK);
    expect_quick(begin_ns, "draining");
    free(jobs);
    cop_ndarray_release(&array), cop_ndarray_release(&other);
}
END_TEST

/* Half of them read and can go on, then there is a writer, and the others read behind it. */
START_TEST(cancelling_many_readers_walks_along_no_line)
{
    cop_ndarray *array = zero_array(1, one);
    cop_cancel *cancel = NULL;
    struct job *jobs = make_jobs(MANY);
    ck_assert_int_eq(cop_cancel_create(&cancel, NULL), COP_STATUS_OK);
    cop_engine_set_workers(0);
    int64_t begin_ns = cop_now_ns();
    for (int i = 0; i < MANY; i++) {
        jobs[i].task.cancel = i > MANY / 2 ? cancel : NULL;
        jobs[i].task.deadline.at_ns = i > MANY / 2 ? cop_deadline_ns(1000 * SECOND + i) : INT64_MAX;
        add(&jobs[i], array, i == MANY / 2);
        cop_engine_submit(&jobs[i].task);
    }
    begin_ns = expect_quick(begin_ns, "submitting readers with deadlines");
    cop_cancel_request(cancel);
    begin_ns = expect_quick(begin_ns, "cancelling");
    ck_assert_uint_eq(cop_engine_counters().pending, MANY / 2 + 1);
    ck_assert_int_eq(cop_ndarray_wait(array, LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
    expect_quick(begin_ns, "waiting for the rest");
    ck_assert_int_eq(runs, MANY / 2 + 1);
    free(jobs);
    cop_cancel_release(&cancel);
    cop_ndarray_release(&array);
}
END_TEST

static void *drain_in_thread(void *operator_id)
{
    const struct limits limits = {cop_deadline_ns(LONG_ENOUGH), NULL};
    const cop_status status = cop_engine_wait_all(*(uint64_t *)operator_id, &limits, NULL);
    return status == COP_STATUS_OK ? NULL : operator_id;
}

START_TEST(many_threads_wait_for_all_of_one_operator_beside_many_of_another)
{
    static _Atomic int gate;
    static uint64_t ids[] = {8, 0};
    cop_ndarray *array = zero_array(1, one), *last = zero_array(1, one);
    struct job *jobs = make_jobs(MANY + 1);
    pthread_t threads[WAITERS];
    cop_engine_set_workers(1);
    int64_t begin_ns = cop_now_ns();
    jobs[0].gate = &gate;
    for (int i = 0; i < MANY; i++) {
        add(&jobs[i], array, true);
        cop_engine_submit(&jobs[i].task);
    }
    jobs[MANY].task.operator_id = 8;
    add(&jobs[MANY], array, false), add(&jobs[MANY], last, true);
    cop_engine_submit(&jobs[MANY].task);
    for (int i = 0; i < WAITERS; i++)
        pthread_create(&threads[i], NULL, drain_in_thread, &ids[i % 4 == 0]);
    begin_ns = expect_quick(begin_ns, "submitting, and threads that wait");
    atomic_store(&gate, 1);
    for (int i = 0; i < WAITERS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    expect_quick(begin_ns, "waiting for all");
    await_count(&finished, MANY + 1);
    free(jobs);
    cop_ndarray_release(&array), cop_ndarray_release(&last);
}
END_TEST

int main(void)
{
    return RUN_TESTS("liveness", a_waiter_goes_on_when_the_worker_it_relied_on_ends,
                     a_wait_that_is_given_up_leaves_its_work_to_another,
                     all_workers_begin_at_once_when_much_is_ready,
                     a_context_that_could_not_be_made_leaves_its_place_to_those_who_wait,
                     a_parked_invocation_that_is_cancelled_passes_its_turn_on,
                     waiting_for_the_end_of_a_long_chain_looks_at_each_link_once,
                     lending_priorities_along_a_long_chain_looks_at_each_link_once,
                     cancelling_many_readers_walks_along_no_line,
                     many_threads_wait_for_all_of_one_operator_beside_many_of_another);
}
