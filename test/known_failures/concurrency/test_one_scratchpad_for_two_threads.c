// SPDX-License-Identifier: Apache-2.0
/* In oneDNN's default mode a primitive keeps one scratchpad, and two threads that run it at once
 * write over each other's (oneDNN 199, 828, 1385). */
#include "known_failures/concurrency/crowd.h"

static long invoke_often(int number, void *shared)
{
    const struct subject *subject = shared;
    long wrong = 0;
    for (int i = 0; i < 40; i++)
        wrong += !invoke_is_right(subject, subject->op, (number + i) % SUBJECT_INPUTS);
    return wrong;
}

/* Wide enough for Winograd, whose scratchpad is the largest there is, and for blocked products. */
START_TEST(one_operator_run_by_eight_threads_at_once_gives_each_its_own_result)
{
    struct subject subject;
    subject_begin(&subject, residual_network(18, 16, 32, 1), COP_DEVICE_CPU);
    ck_assert_int_eq(run_crowd(8, invoke_often, &subject), 0);
    subject_end(&subject);
}
END_TEST

START_TEST(the_same_holds_for_kernels_that_were_chosen_for_speed)
{
    struct subject subject;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    options.tuning = COP_TUNING_FAST_RUN;
    subject_begin(&subject, residual_network(18, 16, 32, 2), COP_DEVICE_CPU);
    ck_assert_int_eq(cop_cached_op_create(subject.model, &options, &op, NULL), COP_STATUS_OK);
    for (int i = 0; i < SUBJECT_INPUTS; i++) { /* they round otherwise: their own are expected */
        cop_ndarray_release(&subject.expected[i][0]);
        ck_assert_int_eq(cop_invoke(op, 1, &subject.src[i], 1, &subject.expected[i][0], NULL, NULL),
                         COP_STATUS_OK);
    }
    cop_cached_op_release(&subject.op);
    subject.op = op;
    ck_assert_int_eq(run_crowd(8, invoke_often, &subject), 0);
    subject_end(&subject);
}
END_TEST

int main(void)
{
    return RUN_TESTS("one scratchpad for two threads",
                     one_operator_run_by_eight_threads_at_once_gives_each_its_own_result,
                     the_same_holds_for_kernels_that_were_chosen_for_speed);
}
