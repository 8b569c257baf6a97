// SPDX-License-Identifier: Apache-2.0
/* What a call costs a process of its own: its status and words, processor time, and peak memory. */
#ifndef TEST_SUPPORT_MEASURE_H
#define TEST_SUPPORT_MEASURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cachedop/status.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1 /* shadow memory would be counted, and time is another */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

#define MEGABYTE ((size_t)1 << 20)

struct measured {
    cop_status status;
    cop_error error;
    double seconds;    /* of processor time */
    size_t peak_bytes; /* what the parent held when it forked included */
};

/* Runs in a child that must end by itself. */
static inline struct measured measure(cop_status (*run)(const void *user, cop_error *error),
                                      const void *user)
{
    struct measured *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    fflush(NULL);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        shared->status = run(user, &shared->error);
        _exit(0);
    }
    int ended = -1;
    struct rusage usage;
    ck_assert_int_eq(wait4(child, &ended, 0, &usage), child);
    struct measured result = *shared;
    munmap(shared, sizeof *shared);
    ck_assert_msg(WIFEXITED(ended) && WEXITSTATUS(ended) == 0, "the child ended with %x",
                  (unsigned)ended);
    result.peak_bytes = (size_t)usage.ru_maxrss * 1024;
    result.seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    return result;
}

#endif
