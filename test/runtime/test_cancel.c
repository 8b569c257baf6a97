// SPDX-License-Identifier: Apache-2.0
/* Cancelling, and deadlines of what is queued: how soon they act, and that nothing runs afterwards.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "base/clock.h"
#include "runtime/engine/engine.h"
#include "support/hog.h"
#include "support/rigged_step.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define MILLISECOND INT64_C(1000000)
/* Far more than acting takes, far less than what would be waited for if it did not act: for ever.
 */
#define SOON (2000 * MILLISECOND)

static const int64_t shape[] = {1, 4};

static cop_model *model;
static cop_cached_op *op; /* three steps; the first waits at the gate */
static cop_ndarray *src;
static _Atomic int runs, gate, later_runs;
static cop_cancel *cancel;
static struct hog hog;

static cop_status wait_at_gate(void *user, const struct kernel_args *args, cop_error *error)
{
    (void)user, (void)args, (void)error;
    atomic_fetch_add(&runs, 1);
    while (!atomic_load(&gate))
        usleep(100);
    return COP_STATUS_OK;
}

static cop_status count(void *user, const struct kernel_args *args, cop_error *error)
{
    (void)user, (void)args, (void)error;
    atomic_fetch_add(&later_runs, 1);
    return COP_STATUS_OK;
}

static void setup(void)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    model = tiny_two_outputs();
    options.device.kind = COP_DEVICE_REF;
    options.keep_graph = true;
    options.max_contexts = 2;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &op, NULL), COP_STATUS_OK);
    rig_step(op, 0, wait_at_gate, NULL);
    rig_step(op, 1, count, NULL);
    src = random_array(2, shape, 1);
    ck_assert_int_eq(cop_set_worker_threads(1, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cancel_create(&cancel, NULL), COP_STATUS_OK);
}

static void teardown(void)
{
    atomic_store(&gate, 1);
    atomic_store(&hog.gate, 1);
    (void)!cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL);
    cop_cancel_release(&cancel);
    cop_ndarray_release(&src);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}

static void invoke_async(cop_ndarray **dst, cop_cancel *token, int64_t timeout_ns)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    options.cancel = token;
    options.timeout_ns = timeout_ns;
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 2, dst, &options, NULL), COP_STATUS_OK);
}

static void release_both(cop_ndarray **dst)
{
    cop_ndarray_release(&dst[0]), cop_ndarray_release(&dst[1]);
}

START_TEST(what_is_cancelled_before_it_begins_never_runs)
{
    cop_ndarray *made[2] = {NULL, NULL}, *queued[2] = {NULL, NULL};
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_error error;
    cop_cancel_request(cancel);
    ck_assert(cop_cancel_is_requested(cancel));
    options.cancel = cancel;
    ck_assert_int_eq(cop_invoke(op, 1, &src, 2, made, &options, &error), COP_STATUS_CANCELLED);
    ck_assert_ptr_null(made[0]);
    ck_assert_ptr_null(made[1]);
    invoke_async(queued, cancel, COP_NO_TIMEOUT);
    ck_assert_int_eq(cop_ndarray_wait(queued[0], 0, NULL, &error), COP_STATUS_CANCELLED);
    ck_assert_ptr_nonnull(strstr(error.message, "cancelled"));
    ck_assert_int_eq(runs, 0);
    release_both(queued);
}
END_TEST

START_TEST(what_is_queued_behind_busy_workers_ends_when_it_is_cancelled)
{
    cop_ndarray *dst[2] = {NULL, NULL}, *next[2] = {NULL, NULL};
    cop_ndarray *const before = src;
    submit_hog(&hog);
    invoke_async(dst, cancel, COP_NO_TIMEOUT);
    src = dst[0];
    invoke_async(next, NULL, COP_NO_TIMEOUT); /* depends on it, and is not cancelled itself */
    src = before;
    ck_assert_int_eq(cop_ndarray_wait(dst[1], 0, NULL, NULL), COP_STATUS_TIMEOUT);
    cop_cancel_request(cancel); /* the worker is still busy */
    ck_assert_int_eq(cop_ndarray_wait(dst[0], 0, NULL, NULL), COP_STATUS_CANCELLED);
    ck_assert_int_eq(cop_ndarray_wait(dst[1], 0, NULL, NULL), COP_STATUS_CANCELLED);
    ck_assert_int_eq(cop_ndarray_wait(next[0], SOON, NULL, NULL), COP_STATUS_CANCELLED);
    ck_assert_int_eq(runs, 0);
    release_both(dst), release_both(next);
}
END_TEST

START_TEST(a_running_invocation_stops_after_its_step)
{
    cop_ndarray *dst[2] = {NULL, NULL};
    cop_error error;
    invoke_async(dst, cancel, COP_NO_TIMEOUT);
    while (atomic_load(&runs) == 0)
        usleep(100);
    cop_cancel_request(cancel);
    ck_assert_int_eq(cop_ndarray_wait(dst[0], 0, NULL, NULL), COP_STATUS_TIMEOUT);
    atomic_store(&gate, 1);
    ck_assert_int_eq(cop_ndarray_wait(dst[0], SOON, NULL, &error), COP_STATUS_CANCELLED);
    ck_assert_str_eq(error.message, "cancelled after 1 of 3 steps");
    ck_assert_int_eq(later_runs, 0);
    release_both(dst);
}
END_TEST

START_TEST(a_cancelled_writer_keeps_its_place_behind_an_earlier_one)
{
    cop_ndarray *shared = zero_array(2, shape), *dst[2] = {shared, NULL}, *late[2] = {shared, NULL};
    cop_error error;
    invoke_async(dst, NULL, COP_NO_TIMEOUT); /* is at the gate */
    while (atomic_load(&runs) == 0)
        usleep(100);
    invoke_async(late, cancel, COP_NO_TIMEOUT);
    cop_cancel_request(cancel);
    /* Somebody still writes what they share, so it is not ready; what is its own alone, neither. */
    ck_assert_int_eq(cop_ndarray_wait(shared, 20 * MILLISECOND, NULL, NULL), COP_STATUS_TIMEOUT);
    atomic_store(&gate, 1);
    ck_assert_int_eq(cop_ndarray_wait(shared, SOON, NULL, &error), COP_STATUS_CANCELLED);
    ck_assert_int_eq(cop_ndarray_wait(dst[1], SOON, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(late[1], SOON, NULL, NULL), COP_STATUS_CANCELLED);
    ck_assert_int_eq(runs, 1);
    cop_ndarray_release(&shared), cop_ndarray_release(&dst[1]), cop_ndarray_release(&late[1]);
}
END_TEST

static void *request_after_20_ms(void *token)
{
    usleep(20000);
    cop_cancel_request(token);
    return NULL;
}

START_TEST(every_wait_ends_when_its_token_is_cancelled)
{
    cop_ndarray *dst[2] = {NULL, NULL}, *third[2] = {NULL, NULL};
    pthread_t thread;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    options.cancel = cancel;
    invoke_async(dst, NULL, COP_NO_TIMEOUT);
    while (atomic_load(&runs) == 0)
        usleep(100);
    pthread_create(&thread, NULL, request_after_20_ms, cancel);
    const int64_t begin_ns = cop_now_ns();
    ck_assert_int_eq(cop_ndarray_wait(dst[0], COP_NO_TIMEOUT, cancel, NULL), COP_STATUS_CANCELLED);
    ck_assert_int_ge(cop_now_ns() - begin_ns, 15 * MILLISECOND);
    pthread_join(thread, NULL);
    ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, cancel, NULL), COP_STATUS_CANCELLED);
    /* In line for an input that is still being written. */
    ck_assert_int_eq(cop_invoke(op, 1, &dst[0], 2, third, &options, NULL), COP_STATUS_CANCELLED);
    for (int i = 0; i < 3; i++) { /* asleep when it comes */
        cop_cancel_release(&cancel);
        ck_assert_int_eq(cop_cancel_create(&cancel, NULL), COP_STATUS_OK);
        options.cancel = cancel;
        pthread_create(&thread, NULL, request_after_20_ms, cancel);
        const cop_status status = i == 0   ? cop_wait_all(op, COP_NO_TIMEOUT, cancel, NULL)
                                  : i == 1 ? cop_invoke(op, 1, &dst[0], 2, third, &options, NULL)
                                           : cop_ndarray_wait(dst[1], COP_NO_TIMEOUT, cancel, NULL);
        ck_assert_int_eq(status, COP_STATUS_CANCELLED);
        pthread_join(thread, NULL);
    }
    ck_assert_ptr_null(third[0]);
    atomic_store(&gate, 1); /* nobody cancelled the invocation itself */
    ck_assert_int_eq(cop_ndarray_wait(dst[0], SOON, NULL, NULL), COP_STATUS_OK);
    release_both(dst);
}
END_TEST

static void *invoke_at_gate(void *unused)
{
    cop_ndarray *dst[2] = {NULL, NULL};
    (void)!cop_invoke(op, 1, &src, 2, dst, NULL, NULL);
    release_both(dst);
    return unused;
}

START_TEST(waiting_for_a_context_ends_by_token_and_by_deadline)
{
    pthread_t threads[2], canceller;
    cop_ndarray *dst[2] = {NULL, NULL}, *queued[2] = {NULL, NULL};
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_error error;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, invoke_at_gate, NULL);
    while (atomic_load(&runs) < 2)
        usleep(100);
    options.timeout_ns = 5 * MILLISECOND;
    ck_assert_int_eq(cop_invoke(op, 1, &src, 2, dst, &options, &error), COP_STATUS_BUSY);
    ck_assert_str_eq(error.message, "all 2 contexts are in use");
    options.timeout_ns = COP_NO_TIMEOUT;
    options.cancel = cancel;
    pthread_create(&canceller, NULL, request_after_20_ms, cancel);
    ck_assert_int_eq(cop_invoke(op, 1, &src, 2, dst, &options, NULL), COP_STATUS_CANCELLED);
    pthread_join(canceller, NULL);
    invoke_async(queued, NULL, 20 * MILLISECOND);
    ck_assert_int_eq(cop_ndarray_wait(queued[0], SOON, NULL, NULL), COP_STATUS_BUSY);
    ck_assert_int_eq(runs, 2);
    atomic_store(&gate, 1);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    release_both(queued);
}
END_TEST

START_TEST(a_deadline_counts_the_time_in_the_queue)
{
    cop_ndarray *dst[2] = {NULL, NULL}, *array = zero_array(2, shape);
    cop_error error;
    submit_hog(&hog);
    const int64_t begin_ns = cop_now_ns();
    invoke_async(dst, NULL, 30 * MILLISECOND);
    usleep(40000); /* nobody waits; the worker is busy */
    ck_assert_int_eq(cop_ndarray_wait(dst[0], SOON, NULL, &error), COP_STATUS_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(error.message, "before its turn came"));
    ck_assert_int_ge(cop_now_ns() - begin_ns, 30 * MILLISECOND);
    ck_assert_int_eq(runs, 0);
    /* Many at once, in any order. */
    cop_ndarray *many[64][2];
    memset(many, 0, sizeof many);
    for (int i = 0; i < 64; i++)
        invoke_async(many[i], NULL, (1 + i * 37 % 64) * MILLISECOND);
    usleep(70000);
    for (int i = 0; i < 64; i++) {
        ck_assert_int_eq(cop_ndarray_wait(many[i][0], SOON, NULL, NULL), COP_STATUS_TIMEOUT);
        release_both(many[i]);
    }
    ck_assert_int_eq(runs, 0);
    release_both(dst);
    cop_ndarray_release(&array);
}
END_TEST

START_TEST(one_token_ends_many_and_outlives_its_release)
{
    cop_ndarray *dst[32][2];
    memset(dst, 0, sizeof dst);
    submit_hog(&hog);
    cop_cancel *own = cop_cancel_retain(cancel);
    for (int i = 0; i < 32; i++)
        invoke_async(dst[i], cancel, i % 2 == 0 ? COP_NO_TIMEOUT : SOON);
    cop_cancel_release(&cancel);
    ck_assert_ptr_null(cancel);
    cop_cancel_request(own);
    cop_cancel_request(own);
    cop_cancel_release(&own);
    for (int i = 0; i < 32; i++) {
        ck_assert_int_eq(cop_ndarray_wait(dst[i][0], 0, NULL, NULL), COP_STATUS_CANCELLED);
        release_both(dst[i]);
    }
    cop_cancel_request(NULL);
    ck_assert(!cop_cancel_is_requested(NULL));
    ck_assert_int_eq(cop_cancel_create(NULL, NULL), COP_STATUS_INVALID_ARGUMENT);
}
END_TEST

static void *open_gate_later(void *unused)
{
    usleep(20000);
    atomic_store(&gate, 1);
    return unused;
}

START_TEST(an_invocation_that_ends_while_it_is_paused_is_counted)
{
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    cop_ndarray *dst[2] = {NULL, NULL};
    pthread_t opener;
    ck_assert_int_eq(cop_set_worker_threads(0, NULL), COP_STATUS_OK);
    invoke_async(dst, cancel, COP_NO_TIMEOUT);
    pthread_create(&opener, NULL, open_gate_later, NULL);
    ck_assert_int_eq(cop_ndarray_wait(dst[0], MILLISECOND, NULL, NULL), COP_STATUS_TIMEOUT);
    pthread_join(opener, NULL);
    ck_assert_int_eq(cop_cached_op_get_stats(op, &stats, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(stats.in_flight, 1);
    ck_assert_uint_eq(stats.invocations, 0);
    cop_cancel_request(cancel);
    ck_assert_int_eq(cop_cached_op_get_stats(op, &stats, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(stats.in_flight, 0);
    ck_assert_uint_eq(stats.invocations, 1);
    ck_assert_uint_eq(stats.failures, 1);
    ck_assert_int_eq(later_runs, 0);
    release_both(dst);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("cancel", setup, teardown, what_is_cancelled_before_it_begins_never_runs,
                          what_is_queued_behind_busy_workers_ends_when_it_is_cancelled,
                          a_running_invocation_stops_after_its_step,
                          a_cancelled_writer_keeps_its_place_behind_an_earlier_one,
                          every_wait_ends_when_its_token_is_cancelled,
                          waiting_for_a_context_ends_by_token_and_by_deadline,
                          a_deadline_counts_the_time_in_the_queue,
                          one_token_ends_many_and_outlives_its_release,
                          an_invocation_that_ends_while_it_is_paused_is_counted);
}
