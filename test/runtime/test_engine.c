// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "support/tasks.h"
#include "support/unit.h"

#define MILLISECOND   INT64_C(1000000)
#define MAX_ACCESSES  4
#define STORAGE_COUNT 5
#define READERS       40000

/* A task of the test: it checks that it sees exactly the writes made before it, and leaves its own.
 */
struct job {
    struct task task;
    struct access accesses[MAX_ACCESSES];
    struct cop_ndarray *arrays[MAX_ACCESSES];
    int expected[MAX_ACCESSES]; /* what each storage's counter must hold when the job runs */
    int count;
    cop_status outcome;
    _Atomic int *gate;  /* not begun before it is nonzero; NULL: none */
    _Atomic int *wrong; /* counts what was not as expected */
    _Atomic int *runs;
};

static struct cop_ndarray *make_counter(void)
{
    const int64_t shape[] = {1};
    cop_ndarray *array = NULL;
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_INT32, 1, shape, &array, NULL), COP_STATUS_OK);
    return array;
}

static enum run_result run_job(struct task *task, const struct limits *limits, cop_status *status,
                               cop_error *error)
{
    struct job *job = (struct job *)task;
    while (job->gate != NULL && !atomic_load(job->gate)) {
        if (cop_limits_check(limits) != COP_STATUS_OK)
            return RUN_PAUSED;
        usleep(100);
    }
    for (int i = 0; i < job->count; i++) {
        int *counter = (int *)job->arrays[i]->elements; /* plain memory: a race is a finding */
        if (*counter != job->expected[i])
            atomic_fetch_add(job->wrong, 1);
        if (job->accesses[i].is_write)
            ++*counter;
    }
    if (job->runs != NULL)
        atomic_fetch_add(job->runs, 1);
    *status = job->outcome;
    if (*status != COP_STATUS_OK)
        cop_fail(error, *status, "job failed on purpose");
    return RUN_DONE;
}

static void finish_job(struct task *task, struct failure *failure, bool was_abandoned)
{
    struct job *job = (struct job *)task;
    (void)failure, (void)was_abandoned;
    for (int i = 0; i < job->count; i++)
        cop_ndarray_release(&job->arrays[i]);
    cop_free(job->task.reserve);
    free(job);
}

static struct job *make_job(_Atomic int *wrong)
{
    struct job *job = calloc(1, sizeof *job);
    job->task = task_of(job->accesses, run_job, finish_job);
    job->wrong = wrong;
    return job;
}

static void add_access(struct job *job, cop_ndarray *array, bool is_write, int expected)
{
    job->arrays[job->count] = cop_ndarray_retain(array);
    job->expected[job->count] = expected;
    job->accesses[job->count] = access_of(array, is_write);
    job->task.access_count = ++job->count;
}

START_TEST(reads_and_writes_of_one_storage_run_in_the_order_of_the_calls)
{
    cop_ndarray *arrays[STORAGE_COUNT];
    int versions[STORAGE_COUNT] = {0};
    _Atomic int wrong = 0, runs = 0;
    unsigned seed = 5;
    for (int i = 0; i < STORAGE_COUNT; i++)
        arrays[i] = make_counter();
    for (int k = 0; k < 3000; k++) {
        struct job *job = make_job(&wrong);
        job->runs = &runs;
        for (int i = 0; i < STORAGE_COUNT && job->count < MAX_ACCESSES; i++) {
            if (rand_r(&seed) % 2 == 0)
                continue;
            const bool is_write = rand_r(&seed) % 3 == 0;
            add_access(job, arrays[i], is_write, versions[i]);
            versions[i] += is_write;
        }
        cop_engine_submit(&job->task);
    }
    ck_assert_int_eq(cop_engine_wait_all(7, &cop_no_limits, NULL), COP_STATUS_OK);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(runs, 3000);
    for (int i = 0; i < STORAGE_COUNT; i++) {
        ck_assert_int_eq(*(int *)arrays[i]->elements, versions[i]);
        ck_assert_uint_eq(atomic_load(&arrays[i]->storage->use), 0);
        cop_ndarray_release(&arrays[i]);
    }
}
END_TEST

START_TEST(unrelated_tasks_run_at_the_same_time_and_related_ones_wait)
{
    cop_engine_set_workers(2);
    cop_ndarray *first = make_counter(), *second = make_counter();
    _Atomic int wrong = 0, gate = 0;
    struct job *blocked = make_job(&wrong), *free_one = make_job(&wrong), *later = make_job(&wrong);
    add_access(blocked, first, true, 0);
    blocked->gate = &gate;
    add_access(free_one, second, true, 0);
    add_access(later, first, false, 1);
    cop_engine_submit(&blocked->task);
    cop_engine_submit(&free_one->task);
    cop_engine_submit(&later->task);
    ck_assert_int_eq(cop_ndarray_wait(second, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(first, 0, NULL, NULL), COP_STATUS_TIMEOUT);
    ck_assert_int_eq(cop_ndarray_wait(first, 5 * MILLISECOND, NULL, NULL), COP_STATUS_TIMEOUT);
    const struct limits short_time = {cop_deadline_ns(MILLISECOND), NULL};
    ck_assert_int_eq(cop_engine_wait_all(0, &short_time, NULL), COP_STATUS_TIMEOUT);
    atomic_store(&gate, 1);
    ck_assert_int_eq(cop_ndarray_wait(first, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_engine_wait_all(0, &cop_no_limits, NULL), COP_STATUS_OK);
    ck_assert_int_eq(wrong, 0);
    cop_ndarray_release(&first), cop_ndarray_release(&second);
}
END_TEST

START_TEST(a_waiting_thread_runs_what_its_array_needs_when_all_workers_are_busy)
{
    cop_engine_set_workers(1);
    cop_ndarray *busy = make_counter(), *mine = make_counter();
    _Atomic int wrong = 0, gate = 0;
    struct job *hog = make_job(&wrong);
    add_access(hog, busy, true, 0);
    hog->gate = &gate;
    cop_engine_submit(&hog->task);
    for (int i = 0; i < 10; i++) { /* a chain, so that it has to look more than one step ahead */
        struct job *job = make_job(&wrong);
        add_access(job, mine, true, i);
        cop_engine_submit(&job->task);
    }
    ck_assert_int_eq(cop_ndarray_wait(mine, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(*(int *)mine->elements, 10);
    ck_assert_int_eq(cop_ndarray_wait(busy, 0, NULL, NULL), COP_STATUS_TIMEOUT);
    atomic_store(&gate, 1);
    ck_assert_int_eq(cop_engine_wait_all(7, &cop_no_limits, NULL), COP_STATUS_OK);
    ck_assert_int_eq(wrong, 0);
    cop_ndarray_release(&busy), cop_ndarray_release(&mine);
}
END_TEST

START_TEST(a_waiting_thread_hands_work_back_at_its_deadline)
{
    cop_engine_set_workers(1);
    cop_ndarray *busy = make_counter(), *mine = make_counter();
    _Atomic int wrong = 0, gate = 0;
    struct job *hog = make_job(&wrong), *job = make_job(&wrong);
    add_access(hog, busy, true, 0);
    add_access(job, mine, true, 0);
    hog->gate = job->gate = &gate;
    cop_engine_submit(&hog->task);
    cop_engine_submit(&job->task);
    const int64_t begin_ns = cop_now_ns();
    ck_assert_int_eq(cop_ndarray_wait(mine, 20 * MILLISECOND, NULL, NULL), COP_STATUS_TIMEOUT);
    ck_assert_int_ge(cop_now_ns() - begin_ns, 20 * MILLISECOND);
    atomic_store(&gate, 1);
    ck_assert_int_eq(cop_ndarray_wait(mine, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_engine_wait_all(0, &cop_no_limits, NULL), COP_STATUS_OK);
    ck_assert_int_eq(wrong, 0);
    cop_ndarray_release(&busy), cop_ndarray_release(&mine);
}
END_TEST

static void *submit_after_20_ms(void *job)
{
    usleep(20000);
    cop_engine_submit(&((struct job *)job)->task);
    return NULL;
}

START_TEST(many_readers_of_one_storage_join_and_leave_quickly)
{
    cop_engine_set_workers(1);
    cop_ndarray *busy = make_counter(), *shared = make_counter();
    _Atomic int wrong = 0, gate = 0, runs = 0;
    struct job *hog = make_job(&wrong);
    add_access(hog, busy, true, 0);
    hog->gate = &gate;
    cop_engine_submit(&hog->task);
    const int64_t begin_ns = cop_now_ns();
    for (int i = 0; i < READERS; i++) {
        struct job *job = make_job(&wrong);
        add_access(job, shared, false, 0);
        job->runs = &runs;
        cop_engine_submit(&job->task);
    }
    /* Milliseconds; with a walk along the line for each, half a minute. */
    ck_assert_int_lt(cop_now_ns() - begin_ns, 5000 * MILLISECOND);
    struct job *writer = make_job(&wrong);
    add_access(writer, shared, true, 0);
    cop_engine_submit(&writer->task);
    ck_assert_int_eq(cop_ndarray_wait(shared, 0, NULL, NULL), COP_STATUS_TIMEOUT);
    atomic_store(&gate, 1);
    ck_assert_int_eq(cop_ndarray_wait(shared, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(runs, READERS);
    ck_assert_int_eq(*(int *)shared->elements, 1);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(cop_engine_wait_all(0, &cop_no_limits, NULL), COP_STATUS_OK);
    cop_ndarray_release(&busy), cop_ndarray_release(&shared);
}
END_TEST

/* A writer that gives up while it waits lets the readers behind it join those before it. */
START_TEST(readers_pass_a_writer_that_gave_up)
{
    cop_engine_set_workers(2);
    cop_ndarray *shared = make_counter();
    _Atomic int wrong = 0, gate = 0, runs = 0;
    struct job *first = make_job(&wrong), *second = make_job(&wrong);
    struct access access = {.storage = shared->storage, .is_write = true};
    struct task writer = {.accesses = &access, .access_count = 1};
    pthread_t thread;
    first->gate = &gate;
    second->runs = &runs;
    add_access(first, shared, false, 0), add_access(second, shared, false, 0);
    cop_engine_submit(&first->task);
    pthread_create(&thread, NULL, submit_after_20_ms, second);
    const struct limits limits = {cop_deadline_ns(200 * MILLISECOND), NULL};
    ck_assert_int_eq(cop_engine_enter(&writer, &limits), COP_STATUS_TIMEOUT);
    pthread_join(thread, NULL);
    for (int i = 0; i < 2000 && runs == 0; i++)
        usleep(1000);
    ck_assert_int_eq(runs, 1); /* before the gate is open */
    atomic_store(&gate, 1);
    ck_assert_int_eq(cop_engine_wait_all(0, &cop_no_limits, NULL), COP_STATUS_OK);
    ck_assert_int_eq(wrong, 0);
    cop_ndarray_release(&shared);
}
END_TEST

START_TEST(a_failed_task_poisons_only_what_it_writes_and_what_depends_on_it)
{
    cop_ndarray *source = make_counter(), *poisoned = make_counter(), *dependent = make_counter(),
                *other = make_counter();
    _Atomic int wrong = 0, runs = 0;
    struct job *failing = make_job(&wrong), *after = make_job(&wrong),
               *unrelated = make_job(&wrong);
    failing->outcome = COP_STATUS_DEVICE_FAILED;
    add_access(failing, source, false, 0);
    add_access(failing, poisoned, true, 0);
    add_access(after, poisoned, false, 0);
    add_access(after, dependent, true, 0);
    after->runs = &runs;
    add_access(unrelated, source, false, 0);
    add_access(unrelated, other, true, 0);
    cop_engine_submit(&failing->task);
    cop_engine_submit(&after->task);
    cop_engine_submit(&unrelated->task);
    cop_error error;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(cop_ndarray_wait(dependent, COP_NO_TIMEOUT, NULL, &error),
                         COP_STATUS_DEVICE_FAILED);
        ck_assert_str_eq(error.message, "job failed on purpose");
        ck_assert_int_eq(cop_ndarray_wait(poisoned, COP_NO_TIMEOUT, NULL, NULL),
                         COP_STATUS_DEVICE_FAILED);
        ck_assert_int_eq(cop_engine_wait_all(7, &cop_no_limits, NULL), COP_STATUS_DEVICE_FAILED);
        ck_assert_int_eq(cop_engine_wait_all(8, &cop_no_limits, NULL), COP_STATUS_OK);
    }
    ck_assert_int_eq(cop_ndarray_wait(source, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(other, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(runs, 0);
    ck_assert_uint_eq(cop_engine_counters().unobserved_errors, 0);

    struct job *repair = make_job(&wrong); /* a write that succeeds makes an array whole again */
    add_access(repair, poisoned, true, 1);
    cop_engine_submit(&repair->task);
    ck_assert_int_eq(cop_ndarray_wait(poisoned, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    cop_ndarray_release(&source), cop_ndarray_release(&poisoned), cop_ndarray_release(&other);
    ck_assert_int_eq(cop_engine_wait_all(0, &cop_no_limits, NULL), COP_STATUS_DEVICE_FAILED);
    cop_ndarray_release(&dependent);
    ck_assert_int_eq(cop_engine_wait_all(0, &cop_no_limits, NULL), COP_STATUS_OK);
}
END_TEST

START_TEST(an_error_that_nobody_saw_is_counted_when_its_last_array_goes)
{
    cop_ndarray *poisoned = make_counter();
    _Atomic int wrong = 0;
    struct job *failing = make_job(&wrong);
    failing->outcome = COP_STATUS_INTERNAL;
    add_access(failing, poisoned, true, 0);
    cop_alloc_fail_after(0, 1); /* the record must not need memory */
    cop_engine_submit(&failing->task);
    while (cop_engine_counters().pending > 0)
        usleep(1000);
    cop_alloc_fail_after(-1, 0);
    ck_assert_uint_eq(cop_engine_counters().unobserved_errors, 0);
    cop_ndarray_release(&poisoned);
    for (int i = 0; i < 2000 && cop_engine_counters().unobserved_errors == 0; i++)
        usleep(1000); /* the worker may still be about to let go of the task */
    ck_assert_uint_eq(cop_engine_counters().unobserved_errors, 1);
}
END_TEST

static void *use_synchronously(void *argument)
{
    cop_ndarray *array = argument;
    for (int i = 0; i < 20000; i++) {
        struct access access = {.storage = array->storage, .is_write = true};
        struct task task = {.accesses = &access, .access_count = 1};
        if (cop_storage_try_write(array->storage)) {
            ++*(int *)array->elements;
            cop_storage_end_write(array->storage);
        } else if (cop_engine_enter(&task, &cop_no_limits) == COP_STATUS_OK) {
            ++*(int *)array->elements;
            cop_engine_leave(&task, true, NULL);
        }
        if (cop_storage_try_read(array->storage))
            cop_storage_end_read(array->storage);
    }
    return NULL;
}

START_TEST(synchronous_users_and_the_line_exclude_each_other)
{
    cop_ndarray *array = make_counter();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, use_synchronously, array);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(*(int *)array->elements, 80000);
    ck_assert_uint_eq(atomic_load(&array->storage->use), 0);
    cop_ndarray_release(&array);
}
END_TEST

int main(void)
{
    return RUN_TESTS("engine", reads_and_writes_of_one_storage_run_in_the_order_of_the_calls,
                     unrelated_tasks_run_at_the_same_time_and_related_ones_wait,
                     a_waiting_thread_runs_what_its_array_needs_when_all_workers_are_busy,
                     a_waiting_thread_hands_work_back_at_its_deadline,
                     many_readers_of_one_storage_join_and_leave_quickly,
                     readers_pass_a_writer_that_gave_up,
                     a_failed_task_poisons_only_what_it_writes_and_what_depends_on_it,
                     an_error_that_nobody_saw_is_counted_when_its_last_array_goes,
                     synchronous_users_and_the_line_exclude_each_other);
}
