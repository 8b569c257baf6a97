// SPDX-License-Identifier: Apache-2.0
/* N callers with an OpenMP team of M threads each are N x M threads on M processors (MXNet 14408,
 * 11891; ONNX Runtime 4093), and M was the machine's number where a container may use less (29510).
 */
#define _GNU_SOURCE
#include "known_failures/concurrency/crowd.h"

#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

static long invoke_and_count_threads(int number, void *shared)
{
    const struct subject *subject = shared;
    long wrong = 0;
    for (int i = 0; i < 20; i++)
        wrong += !invoke_is_right(subject, subject->op, (number + i) % SUBJECT_INPUTS);
    return wrong + (process_status("Threads:") > 1 + 16);
}

START_TEST(sixteen_callers_are_sixteen_threads)
{
    struct subject subject;
    subject_begin(&subject, residual_network(18, 16, 16, 1), COP_DEVICE_CPU);
    ck_assert_int_eq(run_crowd(16, invoke_and_count_threads, &subject), 0);
    ck_assert_int_eq(process_status("Threads:"), 1); /* and nobody is left */
    subject_end(&subject);
}
END_TEST

/* Workers that are there after many asynchronous invocations. */
static size_t count_workers(void)
{
    struct subject subject;
    cop_ndarray *dst[64] = {NULL};
    cop_library_stats stats = {.struct_size = sizeof stats};
    subject_begin(&subject, residual_network(18, 4, 8, 1), COP_DEVICE_REF);
    for (int i = 0; i < 64; i++)
        ck_assert_int_eq(cop_invoke_async(subject.op, 1, &subject.src[0], 1, &dst[i], NULL, NULL),
                         COP_STATUS_OK);
    ck_assert_int_eq(cop_library_get_stats(&stats, NULL), COP_STATUS_OK);
    for (int i = 0; i < 64; i++) {
        ck_assert_int_eq(wait_for(dst[i], COP_NO_TIMEOUT, NULL), COP_STATUS_OK);
        cop_ndarray_release(&dst[i]);
    }
    subject_end(&subject);
    return stats.worker_threads;
}

START_TEST(there_are_no_more_workers_than_processors_that_may_be_used)
{
    cpu_set_t all, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_uint_eq(count_workers(), 1);
}
END_TEST

/* Opens for writing only what the system made there. */
static bool write_text(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r+");
    bool is_written = file != NULL && fputs(text, file) >= 0;
    if (file != NULL)
        is_written &= fclose(file) == 0;
    return is_written;
}

/* Makes a group with a quota of one processor, of either version, and moves this process there. */
static bool enter_group(const char *group, bool is_version_2)
{
    char number[32];
    snprintf(number, sizeof number, "%d", (int)getpid());
    if (mkdir(group, 0755) != 0)
        return false;
    const bool has_quota = is_version_2 ? write_text(group, "cpu.max", "100000 100000")
                                        : write_text(group, "cpu.cfs_period_us", "100000") &&
                                              write_text(group, "cpu.cfs_quota_us", "100000");
    if (has_quota && write_text(group, "cgroup.procs", number))
        return true;
    rmdir(group);
    return false;
}

START_TEST(a_container_with_one_processor_gets_one_worker)
{
    static const char *const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/cpu"};
    char group[128], number[32];
    snprintf(number, sizeof number, "%d", (int)getpid());
    for (int i = 0; i < 2; i++) {
        snprintf(group, sizeof group, "%s/cachedop-test", roots[i]);
        if (!enter_group(group, i == 0))
            continue;
        const size_t workers = count_workers();
        write_text(roots[i], "cgroup.procs", number);
        rmdir(group);
        ck_assert_uint_eq(workers, 1);
        return;
    }
    printf("skipped: no group with a quota can be made here\n");
}
END_TEST

int main(void)
{
    return RUN_TESTS("callers times OpenMP threads", sixteen_callers_are_sixteen_threads,
                     there_are_no_more_workers_than_processors_that_may_be_used,
                     a_container_with_one_processor_gets_one_worker);
}
