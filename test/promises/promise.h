// SPDX-License-Identifier: Apache-2.0
/* What the programs behind the promises share: clocks, what the system says about this process,
 * and waits, so that they read alike. Public headers only. */
#ifndef TEST_PROMISES_PROMISE_H
#define TEST_PROMISES_PROMISE_H

#include <cachedop/cachedop.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MILLISECOND INT64_C(1000000)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1 /* memory is not what it would be */
#else
#define IS_SANITIZED 0
#endif

static inline int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static inline void sleep_ns(int64_t ns)
{
    nanosleep(&(struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)}, NULL);
}

static inline void require(bool is_right, const char *what)
{
    if (is_right)
        return;
    fprintf(stderr, "cannot go on: %s\n", what);
    abort();
}

/* FNV-1a, 64 bits. */
static inline uint64_t hash_bytes(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* A line of /proc/self/status, such as "VmRSS:" in kB or "Threads:". */
static inline long process_status(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long value = -1;
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtol(line + strlen(name), NULL, 10);
    if (file != NULL)
        fclose(file);
    return value;
}

static inline long process_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    long count = 0;
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count;
}

static inline cop_status wait_for(cop_ndarray *array, int64_t timeout_ns, cop_error *error)
{
    return cop_ndarray_wait(array, timeout_ns, NULL, error);
}

static inline cop_status wait_for_all(cop_cached_op *op, int64_t timeout_ns, cop_error *error)
{
    return cop_wait_all(op, timeout_ns, NULL, error);
}

static inline bool has_flag(int argc, char **argv, const char *flag)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], flag) == 0)
            return true;
    return false;
}

#endif
