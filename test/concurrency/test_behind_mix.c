// SPDX-License-Identifier: Apache-2.0
/*
 * Threads that do everything at once on a device that runs behind, slower now and faster then:
 * synchronous and asynchronous calls, chains through shared arrays, callbacks, a queue, tokens,
 * deadlines, failures, new weights, trims, and any number of workers. Whatever succeeds gives the
 * bits that it gives alone; nothing hangs, and nothing is left.
 */
#include "base/clock.h"
#include "support/arrays.h"
#include "support/behind/behind_models.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#include <pthread.h>

#define THREADS 5
#define MODELS  3
#define ROUNDS  120
#define MS      INT64_C(1000000)

static struct behind_control *control;
static const int64_t map[] = {4, 16};

/* What all threads share. */
struct mix {
    cop_model *models[MODELS];
    cop_cached_op *ops[MODELS];
    size_t counts[MODELS]; /* elements of the first output */
    cop_ndarray *src;
    float expected[MODELS][64];
    cop_completion_queue *queue;
    _Atomic long submitted, taken, called, expected_calls;
    _Atomic int complaints;
    bool has_faults;
};

struct actor {
    struct mix *mix;
    uint64_t dice;
    pthread_t thread;
};

static void complain(struct mix *mix, const char *what, cop_status status)
{
    fprintf(stderr, "%s: %s\n", what, cop_status_name(status));
    atomic_fetch_add(&mix->complaints, 1);
}

static void count_call(void *user, const cop_error *outcome)
{
    struct mix *mix = user;
    (void)outcome;
    atomic_fetch_add(&mix->called, 1);
}

static bool may_fail(const struct mix *mix, cop_status status)
{
    return status == COP_STATUS_TIMEOUT || status == COP_STATUS_CANCELLED ||
           status == COP_STATUS_BUSY ||
           (mix->has_faults &&
            (status == COP_STATUS_DEVICE_FAILED || status == COP_STATUS_INTERNAL));
}

static void check_elements(struct mix *mix, int model, cop_ndarray *dst)
{
    if (memcmp(cop_ndarray_data(dst), mix->expected[model], mix->counts[model] * sizeof(float)) !=
        0)
        complain(mix, "other bits", COP_STATUS_OK);
}

/* Options that a call may have; those for completions only where it is asynchronous. */
static cop_invoke_options draw_options(struct actor *actor, cop_cancel **cancel, bool is_async)
{
    struct mix *mix = actor->mix;
    static const size_t first = 0;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    const int64_t kind = random_between(&actor->dice, 0, 7);
    options.outputs = &first, options.output_count = 1;
    if (kind == 0)
        options.timeout_ns = random_between(&actor->dice, 0, 3 * MS);
    if (kind == 1 && cop_cancel_create(cancel, NULL) == COP_STATUS_OK)
        options.cancel = *cancel;
    options.priority = (cop_priority)random_between(&actor->dice, -1, 1);
    if (options.priority != COP_PRIORITY_LOW && options.priority != COP_PRIORITY_HIGH)
        options.priority = COP_PRIORITY_NORMAL;
    if (is_async && kind == 2)
        options.completions = mix->queue, options.user = mix;
    if (is_async && kind == 3)
        options.on_done = count_call, options.user = mix;
    return options;
}

static void note_submitted(struct mix *mix, const cop_invoke_options *options)
{
    atomic_fetch_add(&mix->submitted, options->completions != NULL);
    atomic_fetch_add(&mix->expected_calls, options->on_done != NULL);
}

static void call_synchronously(struct actor *actor)
{
    struct mix *mix = actor->mix;
    const int model = (int)random_between(&actor->dice, 0, MODELS - 1);
    cop_cancel *cancel = NULL;
    cop_ndarray *dst = NULL;
    const cop_invoke_options options = draw_options(actor, &cancel, false);
    const cop_status status = cop_invoke(mix->ops[model], 1, &mix->src, 1, &dst, &options, NULL);
    if (status == COP_STATUS_OK)
        check_elements(mix, model, dst);
    else if (!may_fail(mix, status))
        complain(mix, "cop_invoke", status);
    cop_ndarray_release(&dst);
    cop_cancel_release(&cancel);
}

/* Some at once, then waits for them in any way. */
static void call_asynchronously(struct actor *actor)
{
    enum { MOST = 6 };
    struct mix *mix = actor->mix;
    cop_ndarray *dst[MOST] = {NULL};
    cop_cancel *cancels[MOST] = {NULL};
    int models[MOST];
    const int count = (int)random_between(&actor->dice, 1, MOST);
    for (int i = 0; i < count; i++) {
        models[i] = (int)random_between(&actor->dice, 0, MODELS - 1);
        const cop_invoke_options options = draw_options(actor, &cancels[i], true);
        const cop_status status =
            cop_invoke_async(mix->ops[models[i]], 1, &mix->src, 1, &dst[i], &options, NULL);
        if (status == COP_STATUS_OK)
            note_submitted(mix, &options);
        else
            complain(mix, "cop_invoke_async", status);
    }
    for (int i = 0; i < count; i++)
        if (cancels[i] != NULL && random_between(&actor->dice, 0, 1) == 0)
            cop_cancel_request(cancels[i]);
    if (random_between(&actor->dice, 0, 3) == 0)
        (void)!cop_wait_all(NULL, random_between(&actor->dice, 0, 2) * MS, NULL, NULL);
    for (int i = count - 1; i >= 0; i--) {
        if (random_between(&actor->dice, 0, 2) == 0) /* nobody waits */
            continue;
        cop_status status =
            cop_ndarray_wait(dst[i], random_between(&actor->dice, 0, 1) * MS / 2, NULL, NULL);
        if (status != COP_STATUS_OK)
            status = cop_ndarray_wait(dst[i], COP_NO_TIMEOUT, NULL, NULL);
        if (status == COP_STATUS_OK)
            check_elements(mix, models[i], dst[i]);
        else if (!may_fail(mix, status))
            complain(mix, "cop_ndarray_wait", status);
    }
    for (int i = 0; i < count; i++)
        cop_ndarray_release(&dst[i]), cop_cancel_release(&cancels[i]);
}

/* A result on the device goes through an operator again, into memory that is used twice. */
static void call_in_chain(struct actor *actor)
{
    struct mix *mix = actor->mix;
    cop_ndarray *between = NULL, *dst[3] = {NULL};
    cop_status status = cop_ndarray_create_in(BEHIND_DEVICE, COP_MEMORY_DEVICE, COP_DTYPE_FLOAT32,
                                              2, map, &between, NULL);
    for (int i = 0; i < 3 && status == COP_STATUS_OK; i++) {
        status = cop_invoke_async(mix->ops[1], 1, &mix->src, 1, &between, NULL, NULL);
        if (status == COP_STATUS_OK)
            status = cop_invoke_async(mix->ops[0], 1, &between, 1, &dst[i], NULL, NULL);
    }
    for (int i = 0; i < 3 && status == COP_STATUS_OK; i++) {
        const cop_status end = cop_ndarray_wait(dst[i], COP_NO_TIMEOUT, NULL, NULL);
        if (end != COP_STATUS_OK && !may_fail(mix, end))
            complain(mix, "a chain", end);
        if (i > 0 && !mix->has_faults &&
            memcmp(cop_ndarray_data(dst[0]), cop_ndarray_data(dst[i]), cop_ndarray_bytes(dst[0])) !=
                0)
            complain(mix, "a chain with other bits", end);
    }
    if (status != COP_STATUS_OK)
        complain(mix, "a chain is not submitted", status);
    for (int i = 0; i < 3; i++)
        cop_ndarray_release(&dst[i]);
    cop_ndarray_release(&between);
}

static void take_completions(struct mix *mix)
{
    cop_completion done;
    while (cop_completion_queue_next(mix->queue, &done, NULL) == COP_STATUS_OK)
        atomic_fetch_add(&mix->taken, 1);
}

static void disturb(struct actor *actor)
{
    struct mix *mix = actor->mix;
    const int64_t kind = random_between(&actor->dice, 0, 9);
    if (kind < 3)
        (void)!cop_set_worker_threads((int)kind, NULL);
    else if (kind == 3)
        (void)!cop_cached_op_trim(mix->ops[random_between(&actor->dice, 0, MODELS - 1)], 0, NULL,
                                  NULL);
    else if (kind == 4)
        atomic_store(&control->most_random_us, random_between(&actor->dice, 0, 400));
    else if (kind == 5)
        atomic_store(&control->delay_us, random_between(&actor->dice, 0, 1) * 50);
    else if (kind == 6 && mix->has_faults)
        atomic_store(
            &control->faults[random_between(&actor->dice, BEHIND_KERNEL, BEHIND_RECORDING_RUN)],
            random_between(&actor->dice, 1, 20));
    else
        take_completions(mix);
}

static void *act(void *argument)
{
    struct actor *actor = argument;
    for (int i = 0; i < ROUNDS; i++)
        switch (random_between(&actor->dice, 0, 4)) {
        case 0:
            call_synchronously(actor);
            break;
        case 1:
            call_in_chain(actor);
            break;
        case 2:
            disturb(actor);
            break;
        default:
            call_asynchronously(actor);
        }
    return NULL;
}

static void begin_mix(struct mix *mix, bool has_faults)
{
    *mix = (struct mix){.models = {behind_dense(1), behind_chain(7), behind_mixed()},
                        .counts = {32, 64, 64},
                        .has_faults = has_faults};
    mix->src = random_array(2, map, 5);
    for (int i = 0; i < MODELS; i++) {
        mix->ops[i] = behind_compile(mix->models[i], (size_t)(1 + 2 * i));
        behind_invoke(mix->ops[i], mix->src, mix->expected[i], mix->counts[i]);
    }
    ck_assert_int_eq(cop_completion_queue_create(&mix->queue, NULL), COP_STATUS_OK);
}

/* Everything that was asked for is told, and nothing of the device's is left. */
static void end_mix(struct mix *mix)
{
    behind_reset(control);
    ck_assert_int_eq(cop_set_worker_threads(1, NULL), COP_STATUS_OK);
    for (int64_t end_ns = cop_now_ns() + 20000 * MS;
         atomic_load(&mix->taken) < atomic_load(&mix->submitted) ||
         atomic_load(&mix->called) < atomic_load(&mix->expected_calls);
         usleep(1000)) {
        take_completions(mix);
        ck_assert_msg(cop_now_ns() < end_ns, "%ld of %ld taken, %ld of %ld called",
                      atomic_load(&mix->taken), atomic_load(&mix->submitted),
                      atomic_load(&mix->called), atomic_load(&mix->expected_calls));
    }
    (void)!cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL);
    for (int i = 0; i < MODELS; i++) {
        float actual[64];
        behind_invoke(mix->ops[i], mix->src, actual, mix->counts[i]);
        ck_assert_mem_eq(actual, mix->expected[i], mix->counts[i] * sizeof *actual);
        cop_cached_op_release(&mix->ops[i]), cop_model_release(&mix->models[i]);
    }
    cop_ndarray_release(&mix->src);
    cop_completion_queue_release(&mix->queue);
    for (int64_t end_ns = cop_now_ns() + 20000 * MS; atomic_load(&control->streams) > 0;)
        ck_assert_msg(cop_now_ns() < end_ns, "a stream is left");
    ck_assert_int_eq(atomic_load(&mix->complaints), 0);
}

static void run_mix(uint64_t seed, bool has_faults)
{
    struct mix mix;
    struct actor actors[THREADS];
    behind_reset(control);
    begin_mix(&mix, has_faults);
    for (int i = 0; i < THREADS; i++) {
        actors[i] = (struct actor){.mix = &mix, .dice = seed * 100 + (uint64_t)i};
        ck_assert_int_eq(pthread_create(&actors[i].thread, NULL, act, &actors[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(actors[i].thread, NULL);
    end_mix(&mix);
}

static void set_up(void)
{
    control = behind_open();
}

START_TEST(everything_at_once_on_a_device_that_never_fails)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        run_mix(seed, false);
}
END_TEST

START_TEST(everything_at_once_while_the_device_fails_now_and_then)
{
    for (uint64_t seed = 11; seed <= 13; seed++)
        run_mix(seed, true);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("everything at once on a device", set_up, NULL,
                          everything_at_once_on_a_device_that_never_fails,
                          everything_at_once_while_the_device_fails_now_and_then);
}
