// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "oom/allocation_faults.h"

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"

static void arm_allocation(const struct fault *fault, int64_t number)
{
    cop_alloc_fail_after(number - 1, (int)fault->argument[0]);
}

static bool disarm_allocation(const struct fault *fault)
{
    (void)fault;
    const bool is_reached = cop_alloc_has_failed();
    cop_alloc_fail_after(-1, 0);
    return is_reached;
}

#ifdef FAIL_FOREIGN_ALLOCATIONS
/* Stand before the C library's; only the armed thread's calls fail. */
static _Thread_local int64_t mallocs_left = INT64_MAX;
static _Thread_local bool mallocs_fail_for_ever;

static bool is_planned(void)
{
    if (mallocs_left == INT64_MAX)
        return false;
    mallocs_left--;
    return mallocs_left == 0 || (mallocs_left < 0 && mallocs_fail_for_ever);
}

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);

void *malloc(size_t bytes)
{
    if (!is_planned())
        return __libc_malloc(bytes);
    errno = ENOMEM;
    return NULL;
}

void *calloc(size_t count, size_t bytes)
{
    if (!is_planned())
        return __libc_calloc(count, bytes);
    errno = ENOMEM;
    return NULL;
}

void *realloc(void *old, size_t bytes)
{
    if (!is_planned())
        return __libc_realloc(old, bytes);
    errno = ENOMEM;
    return NULL;
}

static void arm_malloc(const struct fault *fault, int64_t number)
{
    mallocs_fail_for_ever = fault->argument[0] != 0;
    mallocs_left = number;
}

static bool disarm_malloc(const struct fault *fault)
{
    (void)fault;
    const bool is_reached = mallocs_left <= 0;
    mallocs_left = INT64_MAX;
    return is_reached;
}

static _Atomic int64_t threads_left = INT64_MAX;

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *argument)
{
    create_function *real;
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    if (atomic_load(&threads_left) != INT64_MAX && atomic_fetch_sub(&threads_left, 1) <= 1)
        return EAGAIN;
    return real(thread, attributes, function, argument);
}

static void arm_threads(const struct fault *fault, int64_t number)
{
    (void)fault;
    atomic_store(&threads_left, number);
}

static bool disarm_threads(const struct fault *fault)
{
    (void)fault;
    return atomic_exchange(&threads_left, INT64_MAX) <= 0;
}
#endif

static const struct fault faults[] = {
    {"allocation, once", arm_allocation, disarm_allocation, {0}, MAY_BE(OUT_OF_MEMORY), USUAL},
    {"allocation, from then on",
     arm_allocation,
     disarm_allocation,
     {1},
     MAY_BE(OUT_OF_MEMORY),
     USUAL},
#ifdef FAIL_FOREIGN_ALLOCATIONS
    /* A directory that there is no memory to read is an IO error, as the system says it. */
    {"malloc, once", arm_malloc, disarm_malloc, {0}, MAY_BE(OUT_OF_MEMORY) | MAY_BE(IO), PLAIN},
    {"malloc, from then on",
     arm_malloc,
     disarm_malloc,
     {1},
     MAY_BE(OUT_OF_MEMORY) | MAY_BE(IO),
     PLAIN},
    {"pthread_create, from then on", arm_threads, disarm_threads, {0}, 0, THREADED},
#endif
};

/* Some models assert as tests do, which needs a runner around them. */
static struct {
    const struct scenario *scenarios;
    size_t count;
    int argc;
    char **argv;
    int result;
} run = {.result = EXIT_FAILURE};

START_TEST(every_allocation_fails)
{
    run.result = run_scenarios(run.scenarios, run.count, faults, COUNT(faults), run.argc, run.argv);
}
END_TEST

int fail_allocations(const struct scenario *scenarios, size_t count, int argc, char **argv)
{
    Suite *suite = suite_create("allocation failure");
    TCase *cases = tcase_create("allocation failure");
    run.scenarios = scenarios, run.count = count, run.argc = argc, run.argv = argv;
    tcase_add_test(cases, every_allocation_fails);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? run.result : EXIT_FAILURE;
}
