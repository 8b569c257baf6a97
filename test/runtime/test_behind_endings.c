// SPDX-License-Identifier: Apache-2.0
/* Asynchronous invocations on a device that runs behind, and how they end other than well: by a
 * deadline, a token, a failure, or because the process is a child. */
#include "runtime/behind_async.h"
#include "support/measure.h"

#include <sys/wait.h>

/* Twelve kernels of the device in pairs. */
static struct fixture begin_pairs(void)
{
    atomic_store(&control->estimated_ns, 2000000);
    return begin_fixture(behind_chain(12), 0, 64);
}

START_TEST(a_deadline_is_looked_at_between_segments_and_no_worker_waits_there)
{
    struct fixture fixture = begin_pairs();
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_error error = {0};
    set_workers(1);
    options.timeout_ns = 150 * MS;
    atomic_store(&control->delay_us, 20000); /* 40 ms a segment: more than 280 in all */
    const long begun = atomic_load(&control->kernels_run);
    cop_ndarray *dst = submit(&fixture, &options), *without = submit(&fixture, NULL);
    AWAIT(atomic_load(&control->busy_streams) == 2); /* one worker has begun both */
    ck_assert_int_eq(cop_ndarray_wait(dst, COP_NO_TIMEOUT, NULL, &error), COP_STATUS_TIMEOUT);
    ck_assert_msg(strstr(error.message, "the deadline passed after") != NULL, "%s", error.message);
    check_result(&fixture, without, 64);
    ck_assert_int_lt(atomic_load(&control->kernels_run) - begun, 2 * fixture.op->plan->step_count);
    cop_ndarray_release(&dst);
    atomic_store(&control->delay_us, 0);
    options.timeout_ns = 10000 * MS;
    check_result(&fixture, submit(&fixture, &options), 64);
    end_fixture(&fixture);
}
END_TEST

START_TEST(cancelling_ends_it_at_a_segment_and_what_is_in_flight_is_let_finish)
{
    struct fixture fixture = begin_pairs();
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_cancel *cancel = NULL;
    set_workers(1);
    ck_assert_int_eq(cop_cancel_create(&cancel, NULL), COP_STATUS_OK);
    options.cancel = cancel;
    atomic_store(&control->holds, 1);
    cop_ndarray *dst = submit(&fixture, &options);
    AWAIT(atomic_load(&control->busy_streams) == 1);
    cop_cancel_request(cancel);
    ck_assert_int_eq(wait_for(dst, 20 * MS), COP_STATUS_TIMEOUT); /* the device has its buffers */
    atomic_store(&control->holds, 0);
    ck_assert_int_eq(wait_for(dst, COP_NO_TIMEOUT), COP_STATUS_CANCELLED);
    ck_assert_int_eq(atomic_load(&control->busy_streams), 0);
    cop_ndarray_release(&dst);
    cop_cancel_release(&cancel);
    check_result(&fixture, submit(&fixture, NULL), 64);
    end_fixture(&fixture);
}
END_TEST

START_TEST(a_failure_of_the_device_poisons_the_outputs_of_its_invocation_alone)
{
    static const struct {
        enum behind_fault fault;
        cop_status status;
        const char *text;
    } rows[] = {
        {BEHIND_KERNEL, COP_STATUS_INTERNAL, "does not begin"},
        {BEHIND_JOB, COP_STATUS_DEVICE_FAILED, "the device is lost"},
        {BEHIND_WAIT, COP_STATUS_DEVICE_FAILED, "the device is lost"},
        {BEHIND_RECORDING_RUN, COP_STATUS_INTERNAL, "does not run"},
    };
    struct fixture fixture = begin_fixture(behind_dense(1), 1, 32);
    for (int workers = 0; workers <= 2; workers += 2)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            cop_error error = {0};
            set_workers(workers);
            atomic_store(&control->most_random_us, 300);
            atomic_store(&control->faults[rows[i].fault], 1);
            cop_ndarray *bad = submit(&fixture, NULL);
            ck_assert_int_eq(cop_ndarray_wait(bad, COP_NO_TIMEOUT, NULL, &error), rows[i].status);
            ck_assert_msg(strstr(error.message, rows[i].text) != NULL, "%s", error.message);
            check_result(&fixture, submit(&fixture, NULL), 32);
            ck_assert_int_eq(wait_for(bad, COP_NO_TIMEOUT), rows[i].status);
            cop_ndarray_release(&bad);
        }
    end_fixture(&fixture);
    AWAIT(atomic_load(&control->blocks) == 0); /* the engine lets go of the operator last */
    ck_assert_int_eq(atomic_load(&control->recordings), 0);
}
END_TEST

/* Asynchronous work of the child's own, on the host. False: it fails. */
static bool works_on_host(void)
{
    cop_model *model = tiny_relu();
    cop_cached_op *op = compile_on(model, COP_DEVICE_REF);
    cop_ndarray *src = random_array(2, (const int64_t[]){1, 16}, 3), *dst[4] = {NULL};
    bool is_good = true;
    for (int i = 0; i < 4; i++)
        is_good &= cop_invoke_async(op, 1, &src, 1, &dst[i], NULL, NULL) == COP_STATUS_OK;
    is_good &= cop_wait_all(op, COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK;
    for (int i = 0; i < 4; i++)
        cop_ndarray_release(&dst[i]);
    cop_ndarray_release(&src);
    cop_cached_op_release(&op), cop_model_release(&model);
    return is_good;
}

/* In the child: what was pending is cancelled, and everything can be given back. */
static int check_child(struct fixture *fixture, cop_ndarray *dst)
{
    cop_ndarray *mine = NULL;
    if (!works_on_host())
        return 4;
    if (cop_ndarray_wait(dst, COP_NO_TIMEOUT, NULL, NULL) != COP_STATUS_CANCELLED)
        return 1;
    if (cop_invoke(fixture->op, 1, &fixture->src, 1, &mine, NULL, NULL) != COP_STATUS_DEVICE_FAILED)
        return 2;
    cop_ndarray_release(&dst);
    end_fixture(fixture);
    return library_stats().pending_invocations == 0 ? 0 : 3;
}

START_TEST(a_child_leaves_the_device_s_work_to_its_parent)
{
    if (IS_SANITIZED)
        return;
    for (int workers = 0; workers <= 2; workers++) {
        struct fixture fixture = begin_fixture(behind_dense(1), 0, 32);
        set_workers(workers);
        atomic_store(&control->holds, 1);
        cop_ndarray *dst = submit(&fixture, NULL);
        begin_by_waiting(dst, 1);
        const pid_t child = fork();
        if (child == 0)
            _exit(check_child(&fixture, dst));
        int ended = -1;
        ck_assert_int_eq(waitpid(child, &ended, 0), child);
        ck_assert_msg(WIFEXITED(ended) && WEXITSTATUS(ended) == 0, "the child ended with %x",
                      (unsigned)ended);
        atomic_store(&control->holds, 0);
        check_result(&fixture, dst, 32);
        end_fixture(&fixture);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("asynchronous on a device, ended", set_up, NULL,
                          a_deadline_is_looked_at_between_segments_and_no_worker_waits_there,
                          cancelling_ends_it_at_a_segment_and_what_is_in_flight_is_let_finish,
                          a_failure_of_the_device_poisons_the_outputs_of_its_invocation_alone,
                          a_child_leaves_the_device_s_work_to_its_parent);
}
