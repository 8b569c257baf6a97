// SPDX-License-Identifier: Apache-2.0
/* Workers that spin for want of work burn a processor each and slow others down (ONNX Runtime
 * 27916): idle costs nothing. */
#include "known_failures/concurrency/crowd.h"

#define IDLE_NS (300 * MILLISECOND)

static int64_t cost_of_idling_ns(cop_device_kind device)
{
    struct subject subject;
    cop_cancel *token = NULL;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    ck_assert_int_eq(cop_cancel_create(&token, NULL), COP_STATUS_OK);
    options.timeout_ns = 60 * 1000 * MILLISECOND; /* then there is a thread for deadlines as well */
    options.cancel = token;
    subject_begin(&subject, residual_network(18, 4, 8, 1), device);
    ck_assert_int_eq(cop_set_worker_threads(4, NULL), COP_STATUS_OK);
    for (int i = 0; i < 100; i++) {
        cop_ndarray *dst = NULL;
        ck_assert_int_eq(cop_invoke_async(subject.op, 1, &subject.src[0], 1, &dst, &options, NULL),
                         COP_STATUS_OK);
        ck_assert_int_eq(wait_for(dst, COP_NO_TIMEOUT, NULL), COP_STATUS_OK);
        cop_ndarray_release(&dst);
    }
    sleep_ns(20 * MILLISECOND);
    ck_assert_int_gt(process_status("Threads:"), 1);
    const int64_t before_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    sleep_ns(IDLE_NS);
    const int64_t cost_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before_ns;
    cop_cancel_release(&token);
    subject_end(&subject);
    return cost_ns;
}

START_TEST(threads_of_the_library_take_no_time_while_there_is_nothing_to_run)
{
    /* One percent: a thread that spins would take a hundred, and so would one that looks often. */
    ck_assert_int_lt(cost_of_idling_ns(COP_DEVICE_REF), IDLE_NS / 100);
    ck_assert_int_lt(cost_of_idling_ns(COP_DEVICE_CPU), IDLE_NS / 100);
}
END_TEST

struct sleeper {
    struct subject slow;
    cop_ndarray *dst[SUBJECT_OUTPUTS];
    _Atomic int64_t cost_ns, slept_ns;
};

static long wait_for_another_thread(int number, void *shared)
{
    struct sleeper *sleeper = shared;
    cop_cached_op *op = sleeper->slow.op;
    if (number == 0) /* holds the arrays while the others wait for them */
        return cop_invoke(op, 1, &sleeper->slow.src[0], 2, sleeper->dst, NULL, NULL) != 0;
    sleep_ns(MILLISECOND);
    const int64_t begin_ns = now_ns(), before_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    const cop_status status = wait_for(sleeper->dst[1], COP_NO_TIMEOUT, NULL);
    atomic_fetch_add(&sleeper->cost_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns);
    atomic_fetch_add(&sleeper->slept_ns, now_ns() - begin_ns);
    return status != COP_STATUS_OK;
}

START_TEST(who_waits_for_what_another_thread_runs_sleeps)
{
    struct sleeper sleeper = {.cost_ns = 0};
    subject_begin(&sleeper.slow, chain_network(40, 96), COP_DEVICE_REF);
    sleeper.dst[0] = make_output(sleeper.slow.op, 0);
    sleeper.dst[1] = make_output(sleeper.slow.op, 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(run_crowd(8, wait_for_another_thread, &sleeper), 0);
    ck_assert_int_gt(atomic_load(&sleeper.slept_ns), 50 * MILLISECOND);
    ck_assert_int_lt(atomic_load(&sleeper.cost_ns), atomic_load(&sleeper.slept_ns) / 100);
    release_outputs(sleeper.dst);
    subject_end(&sleeper.slow);
}
END_TEST

int main(void)
{
    return RUN_TESTS("spinning workers",
                     threads_of_the_library_take_no_time_while_there_is_nothing_to_run,
                     who_waits_for_what_another_thread_runs_sleeps);
}
