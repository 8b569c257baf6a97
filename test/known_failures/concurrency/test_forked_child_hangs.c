// SPDX-License-Identifier: Apache-2.0
/* A child that was forked after its parent had an OpenMP region, or worker threads, hangs in its
 * first region, or waits for threads that are not there (MXNet 13988). */
#define _GNU_SOURCE
#include "known_failures/concurrency/crowd.h"

#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 60

static bool child_is_right(struct subject *subject)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        alarm(SECONDS);
        cop_cached_op *made = compile(subject->model, subject->device, 2, 0);
        const bool is_right = invoke_is_right(subject, subject->op, 0) &&
                              async_is_right(subject, subject->op, 1) &&
                              invoke_is_right(subject, made, 2) && async_is_right(subject, made, 3);
        cop_cached_op_release(&made);
        _exit(is_right ? 0 : 1);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void check(cop_device_kind device)
{
    struct subject subject;
    subject_begin(&subject, residual_network(18, 4, 8, 1), device);
    cop_cached_op_release(&subject.op);
    subject.op = compile(subject.model, device, 2, 0);
    for (int i = 0; i < 3; i++) {
        ck_assert(invoke_is_right(&subject, subject.op, 0));
        ck_assert(async_is_right(&subject, subject.op, 1));
        ck_assert(child_is_right(&subject));
    }
    subject_end(&subject);
}

START_TEST(a_child_invokes_after_its_parent_had_a_team_of_openmp_threads)
{
    check(COP_DEVICE_CPU);
}
END_TEST

START_TEST(a_child_invokes_after_its_parent_had_workers)
{
    check(COP_DEVICE_REF);
}
END_TEST

int main(void)
{
    return RUN_TESTS("forked child hangs",
                     a_child_invokes_after_its_parent_had_a_team_of_openmp_threads,
                     a_child_invokes_after_its_parent_had_workers);
}
