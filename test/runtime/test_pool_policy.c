// SPDX-License-Identifier: Apache-2.0
/* How much memory an operator takes: warm-up, trim, and the cap. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "base/alloc.h"
#include "support/live_models.h"
#include "support/rigged_step.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define CALLERS 8

static const int64_t shape[] = {1, 3, 12, 12};

static cop_model *model;
static cop_ndarray *image;
static _Atomic int running, most_running, gate;

static void setup(void)
{
    model = tiny_classifier(1);
    image = random_array(4, shape, 1);
}

static void teardown(void)
{
    cop_ndarray_release(&image);
    cop_model_release(&model);
}

static cop_status create(size_t memory_cap_bytes, cop_cached_op **op, cop_error *error)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device.kind = COP_DEVICE_REF;
    options.memory_cap_bytes = memory_cap_bytes;
    return cop_cached_op_create(model, &options, op, error);
}

START_TEST(trimming_frees_what_is_not_in_use_and_counts_stay)
{
    cop_cached_op *op = NULL;
    cop_ndarray *made[5] = {NULL}, *expected = NULL;
    size_t freed = 0;
    ck_assert_int_eq(create(0, &op, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &expected, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cached_op_warm_up(op, 4, NULL), COP_STATUS_OK);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &made[i], NULL, NULL), COP_STATUS_OK);
    const size_t output_bytes = cop_ndarray_bytes(made[0]);
    for (int i = 0; i < 5; i++)
        cop_ndarray_release(&made[i]);
    const cop_cached_op_stats before = stats_of(op);
    ck_assert_uint_eq(before.contexts, 4);
    ck_assert_uint_eq(before.kept_output_bytes, 5 * output_bytes);
    const size_t live_before = cop_alloc_counters().live_bytes;
    ck_assert_int_eq(cop_cached_op_trim(op, 1, &freed, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(freed, 3 * before.context_bytes + 5 * output_bytes);
    ck_assert_uint_ge(live_before - cop_alloc_counters().live_bytes, freed);
    cop_cached_op_stats after = stats_of(op);
    ck_assert_uint_eq(after.contexts, 1);
    ck_assert_uint_eq(after.kept_output_bytes, 0);
    ck_assert_uint_eq(after.invocations, before.invocations);
    ck_assert_int_eq(cop_cached_op_trim(op, 0, NULL, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(stats_of(op).contexts, 0);
    ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &made[0], NULL, NULL), COP_STATUS_OK);
    ck_assert_mem_eq(cop_ndarray_data(made[0]), cop_ndarray_data(expected), output_bytes);
    after = stats_of(op);
    ck_assert_uint_eq(after.contexts, 1);
    ck_assert_uint_eq(after.invocations, before.invocations + 1);
    ck_assert_int_eq(cop_cached_op_trim(NULL, 0, NULL, NULL), COP_STATUS_INVALID_ARGUMENT);
    cop_ndarray_release(&made[0]), cop_ndarray_release(&expected);
    cop_cached_op_release(&op);
}
END_TEST

static cop_status wait_at_gate(void *user, const struct kernel_args *args, cop_error *error)
{
    (void)user, (void)args, (void)error;
    const int now = atomic_fetch_add(&running, 1) + 1;
    int most = atomic_load(&most_running);
    while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now))
        continue;
    while (!atomic_load(&gate))
        usleep(100);
    atomic_fetch_sub(&running, 1);
    return COP_STATUS_OK;
}

static void *invoke_once(void *op)
{
    cop_ndarray *dst = NULL;
    const cop_status status = cop_invoke(op, 1, &image, 1, &dst, NULL, NULL);
    cop_ndarray_release(&dst);
    return (void *)(long)status;
}

START_TEST(at_the_memory_cap_invocations_wait_or_get_busy)
{
    cop_cached_op *op = NULL;
    cop_error error;
    pthread_t threads[CALLERS];
    ck_assert_int_eq(create(0, &op, NULL), COP_STATUS_OK);
    const size_t context_bytes = stats_of(op).context_bytes;
    cop_cached_op_release(&op);
    ck_assert_int_eq(create(context_bytes - 1, &op, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "memory_cap_bytes"));
    ck_assert_ptr_null(op);
    ck_assert_int_eq(create(2 * context_bytes + context_bytes / 2, &op, NULL), COP_STATUS_OK);
    rig_step(op, 0, wait_at_gate, NULL);
    for (int i = 0; i < CALLERS; i++)
        pthread_create(&threads[i], NULL, invoke_once, op);
    while (atomic_load(&running) < 2)
        usleep(100);
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst = NULL;
    options.timeout_ns = 5000000;
    ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &dst, &options, &error), COP_STATUS_BUSY);
    ck_assert_ptr_nonnull(strstr(error.message, "memory_cap_bytes"));
    atomic_store(&gate, 1);
    for (int i = 0; i < CALLERS; i++) {
        void *status;
        pthread_join(threads[i], &status);
        ck_assert_ptr_null(status);
    }
    ck_assert_int_eq(most_running, 2);
    ck_assert_uint_eq(stats_of(op).contexts, 2);
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(kept_outputs_make_room_for_a_context)
{
    cop_cached_op *op = NULL;
    cop_ndarray *made[40] = {NULL};
    ck_assert_int_eq(create(0, &op, NULL), COP_STATUS_OK);
    const size_t context_bytes = stats_of(op).context_bytes;
    cop_cached_op_release(&op);
    const size_t cap = 2 * context_bytes + 64; /* three outputs of 20 bytes beside two contexts */
    ck_assert_int_eq(create(cap, &op, NULL), COP_STATUS_OK);
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &made[i], NULL, NULL), COP_STATUS_OK);
    for (int i = 0; i < 40; i++)
        cop_ndarray_release(&made[i]);
    cop_cached_op_stats stats = stats_of(op);
    ck_assert_uint_ge(stats.kept_output_bytes, 64); /* more than fit beside a second context */
    ck_assert_int_eq(cop_cached_op_warm_up(op, 2, NULL), COP_STATUS_OK);
    stats = stats_of(op);
    ck_assert_uint_eq(stats.contexts, 2);
    ck_assert_uint_le(stats.contexts * context_bytes + stats.kept_output_bytes, cap);
    ck_assert_int_eq(cop_cached_op_warm_up(op, 3, NULL), COP_STATUS_BUSY);
    cop_cached_op_release(&op);
}
END_TEST

static _Atomic int is_over;

static void *trim_again_and_again(void *op)
{
    while (!atomic_load(&is_over))
        if (cop_cached_op_trim(op, 1, NULL, NULL) != COP_STATUS_OK)
            return op;
    return NULL;
}

static void *invoke_many_times(void *op)
{
    long wrong = 0;
    for (int i = 0; i < 2000; i++)
        wrong += invoke_once(op) != NULL;
    return (void *)wrong;
}

START_TEST(trimming_beside_callers_disturbs_nobody)
{
    cop_cached_op *op = NULL;
    pthread_t trimmer, threads[CALLERS];
    void *wrong;
    ck_assert_int_eq(create(0, &op, NULL), COP_STATUS_OK);
    const size_t cap = 3 * stats_of(op).context_bytes + 100;
    cop_cached_op_release(&op);
    ck_assert_int_eq(create(cap, &op, NULL), COP_STATUS_OK);
    pthread_create(&trimmer, NULL, trim_again_and_again, op);
    for (int i = 0; i < CALLERS; i++)
        pthread_create(&threads[i], NULL, invoke_many_times, op);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    atomic_store(&is_over, 1);
    pthread_join(trimmer, &wrong);
    ck_assert_ptr_null(wrong);
    const cop_cached_op_stats stats = stats_of(op);
    ck_assert_uint_eq(stats.invocations, CALLERS * 2000);
    ck_assert_uint_le(stats.contexts, 3);
    ck_assert_uint_eq(stats.in_flight, 0);
    cop_cached_op_release(&op);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "pool policy", setup, teardown, trimming_frees_what_is_not_in_use_and_counts_stay,
        at_the_memory_cap_invocations_wait_or_get_busy, kept_outputs_make_room_for_a_context,
        trimming_beside_callers_disturbs_nobody);
}
