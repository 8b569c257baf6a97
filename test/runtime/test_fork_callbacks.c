// SPDX-License-Identifier: Apache-2.0
/* Callbacks, queues and tokens in child processes: those of the parent are the parent's. */
#include <poll.h>

#include "support/child.h"
#include "support/unit.h"

static _Atomic int calls, failed_calls;

static void count_call(void *user, const cop_error *outcome)
{
    (void)user;
    atomic_fetch_add(&calls, 1);
    if (outcome->status != COP_STATUS_OK)
        atomic_fetch_add(&failed_calls, 1);
}

START_TEST(callbacks_queues_tokens_and_deadlines_of_the_parent_stay_there)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_completion_queue *queue = NULL;
    cop_cancel *cancel = NULL;
    cop_completion done;
    cop_ndarray *dst[3] = {NULL};
    ck_assert_int_eq(cop_completion_queue_create(&queue, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cancel_create(&cancel, NULL), COP_STATUS_OK);
    options.cancel = cancel;
    options.on_done = count_call;
    ck_assert_int_eq(cop_invoke_async(op, 1, &held, 1, &dst[0], &options, NULL), COP_STATUS_OK);
    options.on_done = NULL;
    options.completions = queue;
    ck_assert_int_eq(cop_invoke_async(op, 1, &held, 1, &dst[1], &options, NULL), COP_STATUS_OK);
    options.timeout_ns = LONG_ENOUGH;
    ck_assert_int_eq(cop_invoke_async(op, 1, &held, 1, &dst[2], &options, NULL), COP_STATUS_OK);
    const pid_t child = fork();
    if (child == 0) {
        options.timeout_ns = COP_NO_TIMEOUT;
        for (int i = 0; i < 3; i++)
            REQUIRE(cop_ndarray_wait(dst[i], LONG_ENOUGH, NULL, NULL) == COP_STATUS_CANCELLED);
        REQUIRE(cop_completion_queue_next(queue, &done, NULL) == COP_STATUS_INVALID_ARGUMENT);
        cop_ndarray *made = NULL;
        REQUIRE(cop_invoke_async(op, 1, &src, 1, &made, &options, NULL) ==
                COP_STATUS_INVALID_ARGUMENT);
        cop_completion_queue_release(&queue);
        options.completions = NULL;
        options.on_done = count_call;
        options.timeout_ns = 1000000000;
        REQUIRE(cop_invoke_async(op, 1, &src, 1, &made, &options, NULL) == COP_STATUS_OK);
        REQUIRE(cop_ndarray_wait(made, LONG_ENOUGH, NULL, NULL) == COP_STATUS_OK);
        for (int i = 0; i < 10000 && atomic_load(&calls) == 0; i++)
            usleep(1000);
        REQUIRE(atomic_load(&calls) == 1 && atomic_load(&failed_calls) == 0);
        cop_cancel_request(cancel);
        REQUIRE(cop_invoke(op, 1, &src, 1, &made, &options, NULL) == COP_STATUS_INVALID_ARGUMENT);
        options.on_done = NULL;
        REQUIRE(cop_invoke(op, 1, &src, 1, &made, &options, NULL) == COP_STATUS_CANCELLED);
        _exit(0);
    }
    expect_good_child(child);
    struct pollfd wanted = {cop_completion_queue_fd(queue), POLLIN, 0};
    ck_assert_int_eq(poll(&wanted, 1, 0), 0);
    atomic_store(&gate, 1);
    ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(poll(&wanted, 1, 10000), 1);
        ck_assert_int_eq(cop_completion_queue_next(queue, &done, NULL), COP_STATUS_OK);
        ck_assert_int_eq(done.outcome.status, COP_STATUS_OK);
    }
    for (int i = 0; i < 3; i++)
        cop_ndarray_release(&dst[i]);
    cop_completion_queue_release(&queue);
    cop_cancel_release(&cancel);
}
END_TEST

static _Atomic pid_t parent, child_of_callback;

/* Without a look for leaks: the stacks that hold things are gone. */
static void end_at_once(void)
{
    _exit(0);
}

static void fork_in_first_call(void *user, const cop_error *outcome)
{
    (void)user, (void)outcome;
    if (getpid() != atomic_load(&parent))
        _exit(99);
    if (atomic_fetch_add(&calls, 1) > 0)
        return;
    usleep(50000); /* the other calls are due */
    const pid_t child = fork();
    if (child != 0)
        atomic_store(&child_of_callback, child);
    else
        atexit(end_at_once);
}

/* The thread of the callbacks is the only one of the child, which ends with it. */
START_TEST(a_child_of_a_callback_makes_no_other_calls_of_the_parent)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    atomic_store(&parent, getpid());
    options.on_done = fork_in_first_call;
    for (int i = 0; i < 3; i++) {
        cop_ndarray *dst = NULL;
        ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst, &options, NULL), COP_STATUS_OK);
        cop_ndarray_release(&dst);
    }
    for (int i = 0; i < 10000 && atomic_load(&calls) < 3; i++)
        usleep(1000);
    ck_assert_int_eq(calls, 3);
    expect_good_child(atomic_load(&child_of_callback));
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("fork callbacks", set_up_parent, clear_parent,
                          callbacks_queues_tokens_and_deadlines_of_the_parent_stay_there,
                          a_child_of_a_callback_makes_no_other_calls_of_the_parent);
}
