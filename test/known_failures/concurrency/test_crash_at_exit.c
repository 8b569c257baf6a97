// SPDX-License-Identifier: Apache-2.0
/* Engines that are destroyed by exit while their threads still run: crashes and double frees
 * (MXNet 13262), and clients whose own exit handlers still give objects back. */
#define _GNU_SOURCE
#include "known_failures/concurrency/crowd.h"

#include <sys/wait.h>
#include <unistd.h>

#define PENDING 32

static struct subject subject;
static cop_ndarray *pending[PENDING];

/* As the destructor of a static object of a C++ client: long after main has ended. */
static void release_late(void)
{
    for (int i = 0; i < PENDING; i++)
        cop_ndarray_release(&pending[i]);
    subject_end(&subject);
}

/* Or one that still invokes. */
static void invoke_late(void)
{
    if (!invoke_is_right(&subject, subject.op, 1) || !async_is_right(&subject, subject.op, 2))
        _exit(1);
}

static void use_and_exit(cop_device_kind device, int code)
{
    atexit(release_late); /* the first to be registered is the last to run */
    if (code % 2 == 0)
        atexit(invoke_late);
    subject_begin(&subject, residual_network(18, 4, 8, 1), device);
    for (int i = 0; i < PENDING; i++)
        if (cop_invoke_async(subject.op, 1, &subject.src[0], 1, &pending[i], NULL, NULL) !=
            COP_STATUS_OK)
            _exit(1);
    exit(code);
}

static void check(cop_device_kind device)
{
    for (int code = 10; code < 30; code++) {
        int status = 0;
        const pid_t child = fork();
        if (child == 0) {
            alarm(60);
            use_and_exit(device, code);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), code);
    }
}

START_TEST(a_process_with_work_pending_exits_with_its_code_and_its_handlers_may_use_the_library)
{
    check(COP_DEVICE_REF);
    check(COP_DEVICE_CPU);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "crash at exit",
        a_process_with_work_pending_exits_with_its_code_and_its_handlers_may_use_the_library);
}
