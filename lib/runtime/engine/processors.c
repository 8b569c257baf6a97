// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "runtime/engine/processors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* The beginning of a small file, as text; false: it cannot be read. */
static bool read_file(const char *path, char *text, size_t capacity)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t count;
    do
        count = read(fd, text, capacity - 1);
    while (count < 0 && errno == EINTR);
    close(fd);
    text[count < 0 ? 0 : count] = '\0';
    return count > 0;
}

static int ceil_quota(long long quota, long long period)
{
    if (quota <= 0 || period <= 0 || quota / period >= INT_MAX)
        return INT_MAX;
    return (int)((quota + period - 1) / period);
}

/* cpu.max of version 2 holds "QUOTA PERIOD" or "max PERIOD". */
static int read_quota_v2(const char *directory)
{
    char path[PATH_MAX], text[64];
    long long quota, period;
    if (snprintf(path, sizeof path, "%s/cpu.max", directory) >= (int)sizeof path ||
        !read_file(path, text, sizeof text) || sscanf(text, "%lld %lld", &quota, &period) != 2)
        return INT_MAX;
    return ceil_quota(quota, period);
}

static int read_quota_v1(const char *directory)
{
    char path[PATH_MAX], quota[32], period[32];
    if (snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory) >= (int)sizeof path ||
        !read_file(path, quota, sizeof quota) ||
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory) >= (int)sizeof path ||
        !read_file(path, period, sizeof period))
        return INT_MAX;
    return ceil_quota(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The smallest quota from a group up to the root of its hierarchy. */
static int smallest_quota(const char *root, const char *group, int (*read_quota)(const char *))
{
    char directory[PATH_MAX];
    if (snprintf(directory, sizeof directory, "%s%s", root, group) >= (int)sizeof directory)
        return INT_MAX;
    int smallest = INT_MAX;
    for (;;) {
        const int quota = read_quota(directory);
        smallest = quota < smallest ? quota : smallest;
        char *slash = strrchr(directory, '/');
        if (slash == NULL || (size_t)(slash - directory) < strlen(root))
            return smallest;
        *slash = '\0';
    }
}

/* Lines of /proc/self/cgroup are "ID:CONTROLLERS:GROUP"; version 2 has no controllers there. */
static int group_quota(char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL)
        return INT_MAX;
    *group++ = '\0';
    controllers++;
    if (*controllers == '\0')
        return smallest_quota(CGROUP_ROOT, group, read_quota_v2);
    char *rest = NULL;
    for (char *name = strtok_r(controllers, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest))
        if (strcmp(name, "cpu") == 0)
            return smallest_quota(CGROUP_ROOT "/cpu", group, read_quota_v1);
    return INT_MAX;
}

static int cgroup_quota(void)
{
    char text[4096];
    if (!read_file("/proc/self/cgroup", text, sizeof text))
        return INT_MAX;
    int smallest = INT_MAX;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const int quota = group_quota(line);
        smallest = quota < smallest ? quota : smallest;
    }
    return smallest;
}

static int affinity_count(void)
{
    for (int capacity = 1024; capacity <= 1 << 20; capacity *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)capacity);
        if (set == NULL)
            return 1;
        const size_t bytes = CPU_ALLOC_SIZE((size_t)capacity);
        const bool is_known = sched_getaffinity(0, bytes, set) == 0;
        const int count = is_known ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (is_known || errno != EINVAL) /* EINVAL: the machine has more processors than that */
            return count > 0 ? count : 1;
    }
    return 1;
}

int cop_usable_processors(void)
{
    const int affinity = affinity_count(), quota = cgroup_quota();
    return affinity < quota ? affinity : quota;
}
