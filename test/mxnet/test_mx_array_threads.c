// SPDX-License-Identifier: Apache-2.0
/* Arrays in many threads: memory that is made once, ordered reads and writes, errors for everyone.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mxnet/array/mx_array.h"
#include "mxnet/mx_arrays.h"
#include "runtime/engine/engine.h"
#include "support/dice.h"
#include "support/tasks.h"

#define THREADS 16
#define ROUNDS  20

struct thread {
    struct worker worker;
    NDArrayHandle array; /* of all */
    pthread_t id;
};

static pthread_barrier_t start; /* all threads begin at once */

static void run_threads(void *(*act)(void *), NDArrayHandle array)
{
    static struct thread threads[THREADS];
    int wrong = 0;
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){.worker = {.seed = (unsigned)i, .number = i}, .array = array};
        ck_assert_int_eq(pthread_create(&threads[i].id, NULL, act, &threads[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i].id, NULL), 0);
        wrong += threads[i].worker.wrong;
    }
    pthread_barrier_destroy(&start);
    ck_assert_int_eq(wrong, 0);
}

/* A row that this thread alone writes, through a view of an array that all open at once. */
static void *write_own_row(void *argument)
{
    struct thread *thread = argument;
    struct worker *worker = &thread->worker;
    float in[8], out[8];
    NDArrayHandle row;
    expect(worker, MXNDArrayAt(thread->array, (uint32_t)worker->number, &row) == 0, "a row");
    pthread_barrier_wait(&start);
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < 8; k++)
            in[k] = (float)(worker->number * 1000 + i);
        expect(worker, MXNDArraySyncCopyFromCPU(row, in, 8) == 0, "writing");
        expect(worker, MXNDArraySyncCopyToCPU(row, out, 8) == 0, "reading");
        expect(worker, memcmp(in, out, sizeof in) == 0, "what was written");
        expect(worker, MXNDArrayWaitToRead(row) == 0 && MXNDArrayWaitToWrite(row) == 0, "a wait");
    }
    expect(worker, MXNDArrayFree(row) == 0, "freeing");
    return NULL;
}

START_TEST(sixteen_threads_write_rows_of_memory_that_the_first_one_makes)
{
    for (int i = 0; i < 100; i++) {
        NDArrayHandle array;
        const size_t before = cop_alloc_counters().live_bytes;
        MX(MXNDArrayCreateEx64((const int64_t[]){THREADS, 8}, 2, 1, 0, 1, 0, &array));
        run_threads(write_own_row, array);
        float all[THREADS * 8];
        MX(MXNDArraySyncCopyToCPU(array, all, THREADS * 8));
        for (int k = 0; k < THREADS * 8; k++)
            ck_assert(all[k] == (float)(k / 8 * 1000 + ROUNDS - 1));
        MX(MXNDArrayFree(array));
        if (i > 0)
            ck_assert_uint_le(cop_alloc_counters().live_bytes, before);
    }
}
END_TEST

/* Whole writes of one number: whoever reads finds one number only. */
static void *write_and_read_whole(void *argument)
{
    struct thread *thread = argument;
    struct worker *worker = &thread->worker;
    float values[512];
    for (int i = 0; i < 100; i++) {
        if (dice(worker, 3) == 0) {
            for (int k = 0; k < 512; k++)
                values[k] = (float)(worker->number * 1000 + i);
            expect(worker, MXNDArraySyncCopyFromCPU(thread->array, values, 512) == 0, "writing");
        } else {
            expect(worker, MXNDArraySyncCopyToCPU(thread->array, values, 512) == 0, "reading");
            for (int k = 1; k < 512; k++)
                expect(worker, values[k] == values[0], "a write that is whole");
        }
        if (dice(worker, 8) == 0)
            expect(worker, MXNDArrayWaitAll() == 0, "waiting for all");
    }
    return NULL;
}

START_TEST(sixteen_threads_find_every_write_of_one_array_whole)
{
    const NDArrayHandle array = make_array(SHAPE(512));
    const struct mx_chunk *chunk = ((const struct mx_array *)array)->chunk;
    run_threads(write_and_read_whole, array);
    ck_assert_uint_eq(chunk->writes_begun, chunk->writes_done);
    ck_assert_uint_gt(chunk->writes_begun, 100);
    MX(MXNDArrayFree(array));
}
END_TEST

/* An asynchronous work on one array that ends when its gate is open, and fails if it is to. */
struct work {
    struct task task;
    struct access access;
    bool fails;
    _Atomic int is_running, gate;
};

static enum run_result run_work(struct task *task, const struct limits *limits, cop_status *status,
                                cop_error *error)
{
    struct work *work = (struct work *)task;
    (void)limits;
    atomic_store(&work->is_running, 1);
    while (!atomic_load(&work->gate))
        usleep(100);
    *status = COP_STATUS_OK;
    if (work->fails)
        *status = cop_fail(error, COP_STATUS_INTERNAL, "this work was to fail");
    return RUN_DONE;
}

static void finish_work(struct task *task, struct failure *failure, bool was_abandoned)
{
    (void)failure, (void)was_abandoned;
    cop_free(task->reserve);
    task->reserve = NULL;
}

static void submit_work(struct work *work, NDArrayHandle array, bool is_write)
{
    cop_ndarray *view;
    cop_error error;
    ck_assert_int_eq(cop_mx_array_open(array, &view, &error), COP_STATUS_OK);
    work->access = access_of(view, is_write);
    work->task = task_of(&work->access, run_work, finish_work);
    work->task.access_count = 1;
    cop_engine_submit(&work->task);
}

static void *open_gate_soon(void *argument)
{
    struct work *work = argument;
    usleep(30 * 1000);
    atomic_store(&work->gate, 1);
    return NULL;
}

/* Whether a call on an array returns only after a work on it is done. */
static void expect_order(bool is_write, int (*act)(NDArrayHandle array))
{
    static struct work works[16]; /* one ends a moment after it was waited for */
    static int used;
    struct work *work = &works[used++];
    pthread_t opener;
    const NDArrayHandle array = make_counting(SHAPE(4), 4);
    submit_work(work, array, is_write);
    ck_assert_int_eq(pthread_create(&opener, NULL, open_gate_soon, work), 0);
    MX(act(array));
    ck_assert_int_eq(atomic_load(&work->gate), 1);
    ck_assert_int_eq(pthread_join(opener, NULL), 0);
    MX(MXNDArrayWaitAll());
    MX(MXNDArrayFree(array));
}

static int write_it(NDArrayHandle array)
{
    return MXNDArraySyncCopyFromCPU(array, (const float[]){1, 2, 3, 4}, 4);
}

static int read_it(NDArrayHandle array)
{
    return MXNDArraySyncCopyToCPU(array, (float[4]){0}, 4);
}

static int wait_for_all(NDArrayHandle array)
{
    (void)array;
    return MXNDArrayWaitAll();
}

START_TEST(calls_wait_for_the_work_before_them)
{
    expect_order(true, write_it);
    expect_order(false, write_it);
    expect_order(true, read_it);
    expect_order(true, MXNDArrayWaitToRead);
    expect_order(true, MXNDArrayWaitToWrite);
    expect_order(false, MXNDArrayWaitToWrite);
    expect_order(true, wait_for_all);
    expect_order(false, wait_for_all);
}
END_TEST

static void *expect_failure(void *argument)
{
    struct thread *thread = argument;
    struct worker *worker = &thread->worker;
    float values[4];
    for (int i = 0; i < 20; i++) {
        int result = worker->number % 4 == 0   ? MXNDArrayWaitToRead(thread->array)
                     : worker->number % 4 == 1 ? MXNDArrayWaitToWrite(thread->array)
                     : worker->number % 4 == 2 ? MXNDArraySyncCopyToCPU(thread->array, values, 4)
                                               : MXNDArrayWaitAll();
        expect(worker, result == -1, "a failure");
        expect(worker, strstr(MXGetLastError(), "this work was to fail") != NULL, "its text");
    }
    return NULL;
}

START_TEST(a_failed_work_is_told_to_everyone_who_waits_until_the_array_is_written)
{
    static struct work work = {.fails = true, .gate = 1};
    NDArrayHandle row;
    const NDArrayHandle array = make_counting(SHAPE(4), 4);
    submit_work(&work, array, true);
    run_threads(expect_failure, array);
    MX(MXNDArraySlice(array, 0, 1, &row));
    MX_FAILS(MXNDArrayWaitToRead(row), "this work was to fail");
    MX(write_it(array));
    MX(MXNDArrayWaitToRead(array));
    MX(MXNDArrayWaitAll());
    expect_floats(array, (const float[]){1, 2, 3, 4}, 4);
    MX(MXNDArrayFree(row));
    MX(MXNDArrayFree(array));
}
END_TEST

static void *switch_numpy_shape(void *argument)
{
    struct thread *thread = argument;
    struct worker *worker = &thread->worker;
    int previous, now;
    const int mode = worker->number % 2;
    expect(worker, MXSetIsNumpyShape(mode, &previous) == 0 && previous == 0, "off at first");
    for (int i = 0; i < 100; i++)
        expect(worker, MXIsNumpyShape(&now) == 0 && now == mode, "its own mode");
    return NULL;
}

START_TEST(the_switch_to_numpys_shapes_is_each_threads_own)
{
    run_threads(switch_numpy_shape, NULL);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mx_array_threads", sixteen_threads_write_rows_of_memory_that_the_first_one_makes,
        sixteen_threads_find_every_write_of_one_array_whole, calls_wait_for_the_work_before_them,
        a_failed_work_is_told_to_everyone_who_waits_until_the_array_is_written,
        the_switch_to_numpys_shapes_is_each_threads_own);
}
