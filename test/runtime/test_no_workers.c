// SPDX-License-Identifier: Apache-2.0
/* Where no thread can be started, whoever waits runs the work, all of it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "runtime/engine/engine.h"
#include "runtime/storage.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define CHAIN       20
#define LONG_ENOUGH INT64_C(20000000000)

static _Atomic bool is_full; /* the machine, for other threads than the test's own */

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* Stands before the C library's. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *argument)
{
    create_function *real;
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return atomic_load(&is_full) ? EAGAIN : real(thread, attributes, function, argument);
}

static cop_ndarray *chain[CHAIN + 1];
static _Atomic bool may_run;

/* A link of the chain that takes a while, so that the other waiter falls asleep. */
struct link {
    struct task task;
    struct access accesses[2];
};

static enum run_result run_link(struct task *task, const struct limits *limits, cop_status *status,
                                cop_error *error)
{
    (void)task, (void)limits, (void)error;
    while (!atomic_load(&may_run))
        usleep(100);
    usleep(1000);
    *status = COP_STATUS_OK;
    return RUN_DONE;
}

static void finish_link(struct task *task, struct failure *failure, bool was_abandoned)
{
    (void)task, (void)failure, (void)was_abandoned;
}

static void *wait_for_first(void *unused)
{
    (void)unused;
    return cop_ndarray_wait(chain[1], LONG_ENOUGH, NULL, NULL) == COP_STATUS_OK ? chain : NULL;
}

static void *open_gate(void *unused)
{
    usleep(100000);
    atomic_store(&may_run, true);
    return unused;
}

static _Atomic int warnings;

static void count_warning(void *user, cop_log_level level, const char *message)
{
    (void)user;
    if (level == COP_LOG_LEVEL_WARNING && strstr(message, "thread could not be started") != NULL)
        atomic_fetch_add(&warnings, 1);
}

START_TEST(a_sleeping_waiter_finds_what_becomes_ready)
{
    ck_assert_int_eq(cop_set_log(count_warning, NULL, COP_LOG_LEVEL_WARNING, NULL), COP_STATUS_OK);
    static const int64_t shape[] = {1};
    struct link links[CHAIN] = {0};
    pthread_t first, gate;
    void *outcome = NULL;
    for (int i = 0; i <= CHAIN; i++)
        chain[i] = zero_array(1, shape);
    atomic_store(&is_full, true);
    for (int i = 0; i < CHAIN; i++) {
        links[i].accesses[0] = (struct access){.storage = chain[i]->storage, .is_read = true};
        links[i].accesses[1] = (struct access){.storage = chain[i + 1]->storage, .is_write = true};
        links[i].task = (struct task){.accesses = links[i].accesses,
                                      .access_count = 2,
                                      .deadline = {.at_ns = INT64_MAX},
                                      .run = run_link,
                                      .finish = finish_link};
        cop_engine_submit(&links[i].task);
    }
    ck_assert_uint_eq(cop_engine_counters().workers, 0);
    atomic_store(&is_full, false);
    ck_assert_int_eq(pthread_create(&first, NULL, wait_for_first, NULL), 0);
    ck_assert_int_eq(pthread_create(&gate, NULL, open_gate, NULL), 0);
    atomic_store(&is_full, true);
    usleep(20000);
    ck_assert_int_eq(cop_ndarray_wait(chain[CHAIN], LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
    pthread_join(first, &outcome), pthread_join(gate, NULL);
    ck_assert_ptr_nonnull(outcome);
    ck_assert_uint_eq(cop_engine_counters().workers, 0);
    ck_assert_int_eq(warnings, 1); /* said once, not for each of them */
    for (int i = 0; i <= CHAIN; i++)
        cop_ndarray_release(&chain[i]);
}
END_TEST

int main(void)
{
    return RUN_TESTS("no workers", a_sleeping_waiter_finds_what_becomes_ready);
}
