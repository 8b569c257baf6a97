// SPDX-License-Identifier: Apache-2.0
/* A pool of one blocks everyone who needs it in two places at once (PyTorch 148937). Here one
 * worker and one context serve synchronous and asynchronous callers, chains and callbacks that
 * invoke again, and all of them end. */
#include "known_failures/concurrency/crowd.h"

#include <semaphore.h>

#define PATIENCE (60 * 1000 * MILLISECOND)

static long invoke_in_all_ways(int number, void *shared)
{
    const struct subject *subject = shared;
    long wrong = 0;
    for (int i = 0; i < 50; i++) {
        cop_ndarray *link[3] = {NULL};
        const int input = (number + i) % SUBJECT_INPUTS;
        wrong += !invoke_is_right(subject, subject->op, input);
        wrong += cop_invoke_async(subject->op, 1, (cop_ndarray *const *)&subject->src[input], 1,
                                  &link[0], NULL, NULL) != COP_STATUS_OK;
        for (int k = 1; k < 3; k++)
            wrong += cop_invoke_async(subject->op, 1, &link[k - 1], 1, &link[k], NULL, NULL) !=
                     COP_STATUS_OK;
        wrong += wait_for(link[2], PATIENCE, NULL) != COP_STATUS_OK;
        for (int k = 0; k < 3; k++)
            cop_ndarray_release(&link[k]);
    }
    return wrong;
}

START_TEST(one_context_and_one_worker_are_enough_for_sixteen_callers)
{
    struct subject subject;
    ck_assert_int_eq(cop_set_worker_threads(1, NULL), COP_STATUS_OK);
    subject_begin(&subject, small_network(0), COP_DEVICE_REF);
    cop_cached_op_release(&subject.op);
    subject.op = compile(subject.model, COP_DEVICE_REF, 0, 1);
    ck_assert_int_eq(run_crowd(16, invoke_in_all_ways, &subject), 0);
    subject_end(&subject);
}
END_TEST

struct nested {
    const struct subject *subject;
    sem_t is_done;
    int left, wrong;
};

/* Invokes the operator of one context again, from the thread that reports its completions. */
static void invoke_again(void *user, const cop_error *outcome)
{
    struct nested *nested = user;
    const struct subject *subject = nested->subject;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst = NULL;
    nested->wrong += outcome->status != COP_STATUS_OK;
    nested->wrong += !invoke_is_right(subject, subject->op, 1);
    nested->wrong += !async_is_right(subject, subject->op, 2);
    options.on_done = invoke_again;
    options.user = nested;
    if (--nested->left == 0) {
        sem_post(&nested->is_done);
        return;
    }
    nested->wrong += cop_invoke_async(subject->op, 1, (cop_ndarray *const *)&subject->src[0], 1,
                                      &dst, &options, NULL) != COP_STATUS_OK;
    cop_ndarray_release(&dst);
}

START_TEST(a_callback_invokes_the_operator_of_one_context_again)
{
    struct subject subject;
    const cop_error ok = {.status = COP_STATUS_OK};
    ck_assert_int_eq(cop_set_worker_threads(1, NULL), COP_STATUS_OK);
    subject_begin(&subject, small_network(0), COP_DEVICE_REF);
    cop_cached_op_release(&subject.op);
    subject.op = compile(subject.model, COP_DEVICE_REF, 0, 1);
    struct nested nested = {.subject = &subject, .left = 20};
    sem_init(&nested.is_done, 0, 0);
    invoke_again(&nested, &ok);
    while (sem_wait(&nested.is_done) != 0)
        ;
    ck_assert_int_eq(nested.wrong, 0);
    sem_destroy(&nested.is_done);
    subject_end(&subject);
}
END_TEST

static long hold_the_context(int number, void *shared)
{
    struct subject *slow = shared;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL};
    long wrong = 0;
    options.timeout_ns = number == 0 ? COP_NO_TIMEOUT : 2 * MILLISECOND;
    const int64_t begin_ns = now_ns();
    const cop_status status = cop_invoke(slow->op, 1, &slow->src[0], 2, dst, &options, NULL);
    if (number == 0)
        wrong = status != COP_STATUS_OK;
    else
        wrong = status == COP_STATUS_OK ? now_ns() - begin_ns > PATIENCE
                                        : status != COP_STATUS_BUSY && status != COP_STATUS_TIMEOUT;
    release_outputs(dst);
    return wrong;
}

START_TEST(who_has_a_deadline_does_not_wait_for_the_only_context_for_ever)
{
    struct subject slow;
    subject_begin(&slow, chain_network(10, 64), COP_DEVICE_REF);
    cop_cached_op_release(&slow.op);
    slow.op = compile(slow.model, COP_DEVICE_REF, 0, 1);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(run_crowd(4, hold_the_context, &slow), 0);
    ck_assert(invoke_is_right(&slow, slow.op, 0)); /* nobody took it along */
    subject_end(&slow);
}
END_TEST

int main(void)
{
    return RUN_TESTS("pool of one", one_context_and_one_worker_are_enough_for_sixteen_callers,
                     a_callback_invokes_the_operator_of_one_context_again,
                     who_has_a_deadline_does_not_wait_for_the_only_context_for_ever);
}
