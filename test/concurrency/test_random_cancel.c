// SPDX-License-Identifier: Apache-2.0
/*
 * Giving up at random moments: invocations with tokens, deadlines, priorities, chosen outputs and
 * failing steps, told of by callbacks and queues, while tokens are requested, contexts trimmed,
 * workers and operators come and go. Every invocation must end once, in a way that it may end in;
 * what it says must be what waits say; and its memory is left alone from then on.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "base/clock.h"
#include "base/error.h"
#include "support/rigged_step.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define THREADS     6
#define OPERATORS   4
#define BATCH       12
#define MICROSECOND INT64_C(1000)
#define PATIENCE_NS INT64_C(60000000000)
#define BAD         666.0f /* what the first step fails on */
#define POISON      (-12345.0f)

static const int64_t shape[] = {1, 4};

static cop_model *model;
static cop_completion_queue *queue;
static int64_t end_ns;
static _Atomic int wrong;

static pthread_mutex_t shared = PTHREAD_MUTEX_INITIALIZER; /* guards these: */
static cop_cached_op *ops[OPERATORS];
static cop_cancel *token;

/* One asynchronous invocation. */
struct ticket {
    float src[4], plus[4], twice[4];
    float value; /* of the source, which may be what another ticket writes */
    bool may_fail, may_cancel, may_time_out, wants_plus, wants_twice;
    bool is_source; /* others may read what it writes: the memory is not ours alone at the end */
    cop_ndarray *dst[2];
    _Atomic int reports, releases, *reporting;
    bool was_whole; /* what was seen when it was reported */
    cop_error outcome;
};

struct mixer {
    unsigned seed;
    _Atomic int reported; /* of the batch */
    struct ticket batch[BATCH];
};

static int dice(struct mixer *mixer, int sides)
{
    return rand_r(&mixer->seed) % sides;
}

static void expect(bool is_right, const char *what)
{
    if (!is_right && atomic_fetch_add(&wrong, 1) == 0)
        fprintf(stderr, "wrong: %s\n", what);
}

static bool holds(const float *elements, float value)
{
    return elements[0] == value && elements[1] == value && elements[2] == value &&
           elements[3] == value;
}

static void fill(float *elements, float value)
{
    for (int i = 0; i < 4; i++)
        elements[i] = value;
}

static cop_status fail_on_bad(void *user, const struct kernel_args *args, cop_error *error)
{
    (void)user;
    if (*(const float *)args->src[0] != BAD)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INTERNAL, "failed on purpose");
}

static cop_cached_op *make_op(int kind)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    cop_cached_op *op = NULL;
    options.device.kind = COP_DEVICE_REF;
    options.max_contexts = kind % 3;
    if (cop_cached_op_create(model, &options, &op, NULL) != COP_STATUS_OK)
        abort();
    if (kind == 3 && cop_cached_op_get_stats(op, &stats, NULL) == COP_STATUS_OK) {
        cop_cached_op_release(&op);
        options.memory_cap_bytes = 2 * stats.context_bytes + 40;
        if (cop_cached_op_create(model, &options, &op, NULL) != COP_STATUS_OK)
            abort();
    }
    rig_step(op, 0, fail_on_bad, NULL);
    return op;
}

static void replace_op(struct mixer *mixer)
{
    const int index = dice(mixer, OPERATORS);
    cop_cached_op *made = make_op(dice(mixer, 4));
    pthread_mutex_lock(&shared);
    cop_cached_op *old = ops[index];
    ops[index] = made;
    pthread_mutex_unlock(&shared);
    cop_cached_op_release(&old);
}

/* References of the caller's. */
static cop_cached_op *borrow_op(struct mixer *mixer)
{
    pthread_mutex_lock(&shared);
    cop_cached_op *op = cop_cached_op_retain(ops[dice(mixer, OPERATORS)]);
    pthread_mutex_unlock(&shared);
    return op;
}

static cop_cancel *borrow_token(void)
{
    pthread_mutex_lock(&shared);
    cop_cancel *cancel = cop_cancel_retain(token);
    pthread_mutex_unlock(&shared);
    return cancel;
}

static void request_token(void)
{
    cop_cancel *fresh = NULL;
    if (cop_cancel_create(&fresh, NULL) != COP_STATUS_OK)
        abort();
    pthread_mutex_lock(&shared);
    cop_cancel *old = token;
    token = fresh;
    pthread_mutex_unlock(&shared);
    cop_cancel_request(old);
    cop_cancel_release(&old);
}

static bool may_end_with(const struct ticket *ticket, cop_status status)
{
    switch (status) {
    case COP_STATUS_OK:
        return ticket->value != BAD;
    case COP_STATUS_CANCELLED:
        return ticket->may_cancel;
    case COP_STATUS_TIMEOUT:
    case COP_STATUS_BUSY:
        return ticket->may_time_out;
    case COP_STATUS_INTERNAL:
        return ticket->may_fail;
    default:
        return false;
    }
}

/* What was asked for is there. */
static bool is_whole(const struct ticket *ticket)
{
    return (!ticket->wants_plus || holds(ticket->plus, ticket->value + 1)) &&
           (!ticket->wants_twice || holds(ticket->twice, 2 * ticket->value));
}

/* From now on nobody else may touch the memory. */
static void report(void *user, const cop_error *outcome)
{
    struct ticket *ticket = user;
    ticket->outcome = *outcome;
    ticket->was_whole = is_whole(ticket);
    if (!ticket->is_source) {
        fill(ticket->plus, POISON);
        fill(ticket->twice, POISON);
    }
    atomic_fetch_add(&ticket->reports, 1);
    atomic_fetch_add(ticket->reporting, 1);
}

static void take_completions(void)
{
    cop_completion done;
    while (cop_completion_queue_next(queue, &done, NULL) == COP_STATUS_OK)
        report(done.user, &done.outcome);
}

static void count_release(void *user, void *memory)
{
    (void)memory;
    atomic_fetch_add(&((struct ticket *)user)->releases, 1);
}

static cop_ndarray *wrap(struct ticket *ticket, float *memory)
{
    cop_wrap_options options = COP_WRAP_OPTIONS_INIT;
    cop_ndarray *array = NULL;
    options.release = count_release;
    options.user = ticket;
    if (cop_ndarray_wrap(memory, COP_DTYPE_FLOAT32, 2, shape, &options, &array, NULL) !=
        COP_STATUS_OK)
        abort();
    return array;
}

/* `before`: whose output it reads; NULL: it has a source of its own. */
static cop_ndarray *plan_ticket(struct mixer *mixer, struct ticket *ticket, struct ticket *before)
{
    static const float values[] = {1, 2, 3, 5, 8, 13, 21, BAD};
    *ticket = (struct ticket){.reporting = &mixer->reported};
    ticket->is_source = dice(mixer, 2) == 0;
    ticket->wants_plus = ticket->is_source || dice(mixer, 2) > 0;
    ticket->wants_twice = !ticket->wants_plus || dice(mixer, 2) == 0;
    ticket->value = values[dice(mixer, 8)];
    ticket->may_fail = ticket->value == BAD;
    ticket->may_cancel = dice(mixer, 3) == 0;
    ticket->may_time_out = dice(mixer, 4) == 0;
    ticket->dst[0] = wrap(ticket, ticket->plus);
    ticket->dst[1] = wrap(ticket, ticket->twice);
    fill(ticket->src, ticket->value);
    if (before == NULL || !before->is_source)
        return wrap(ticket, ticket->src);
    ticket->value = before->value == BAD ? BAD : before->value + 1;
    ticket->may_fail = before->may_fail;
    ticket->may_cancel |= before->may_cancel;
    ticket->may_time_out |= before->may_time_out;
    atomic_store(&ticket->releases, 1); /* its own source is not used */
    return cop_ndarray_retain(before->dst[0]);
}

static void submit(struct mixer *mixer, struct ticket *ticket, struct ticket *before)
{
    static const size_t both[] = {0, 1}, swapped[] = {1, 0};
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *src = plan_ticket(mixer, ticket, before);
    cop_cached_op *op = borrow_op(mixer);
    const bool is_swapped = dice(mixer, 2) == 0;
    options.cancel = ticket->may_cancel ? borrow_token() : NULL;
    if (ticket->may_time_out)
        options.timeout_ns = dice(mixer, 4) == 0 ? 0 : dice(mixer, 300) * MICROSECOND;
    options.priority = (cop_priority)dice(mixer, 3);
    options.user = ticket;
    if (dice(mixer, 2) == 0)
        options.on_done = report;
    else
        options.completions = queue;
    cop_ndarray *dst[2] = {ticket->dst[is_swapped], ticket->dst[!is_swapped]};
    options.outputs = is_swapped ? swapped : both;
    options.output_count = 2;
    if (!ticket->wants_plus || !ticket->wants_twice) {
        options.outputs = ticket->wants_plus ? &both[0] : &both[1];
        options.output_count = 1;
        dst[0] = ticket->dst[!ticket->wants_plus];
    }
    expect(cop_invoke_async(op, 1, &src, options.output_count, dst, &options, NULL) ==
               COP_STATUS_OK,
           "submitting");
    cop_cancel_release(&options.cancel);
    cop_ndarray_release(&src);
    cop_cached_op_release(&op);
}

static void invoke_here(struct mixer *mixer)
{
    struct ticket ticket;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *src = plan_ticket(mixer, &ticket, NULL), *dst[2] = {NULL, NULL};
    cop_cached_op *op = borrow_op(mixer);
    ticket.wants_plus = ticket.wants_twice = true;
    options.cancel = ticket.may_cancel ? borrow_token() : NULL;
    if (ticket.may_time_out)
        options.timeout_ns = dice(mixer, 100) * MICROSECOND;
    const cop_status status = cop_invoke(op, 1, &src, 2, dst, &options, NULL);
    expect(may_end_with(&ticket, status), "the status of a call");
    if (status == COP_STATUS_OK)
        expect(holds(cop_ndarray_data(dst[0]), ticket.value + 1) &&
                   holds(cop_ndarray_data(dst[1]), 2 * ticket.value),
               "the results of a call");
    else
        expect(dst[0] == NULL && dst[1] == NULL, "outputs of a call that failed");
    cop_cancel_release(&options.cancel);
    cop_ndarray_release(&src), cop_ndarray_release(&dst[0]), cop_ndarray_release(&dst[1]);
    cop_ndarray_release(&ticket.dst[0]), cop_ndarray_release(&ticket.dst[1]);
    cop_cached_op_release(&op);
}

/* A wait that ends early; or it says what the invocation says. */
static void wait_a_little(struct mixer *mixer, const struct ticket *ticket)
{
    cop_cancel *cancel = dice(mixer, 2) == 0 ? borrow_token() : NULL;
    const cop_status status = cop_ndarray_wait(ticket->dst[!ticket->wants_plus],
                                               dice(mixer, 200) * MICROSECOND, cancel, NULL);
    expect(status == COP_STATUS_TIMEOUT || (cancel != NULL && status == COP_STATUS_CANCELLED) ||
               may_end_with(ticket, status),
           "the status of a short wait");
    cop_cancel_release(&cancel);
}

static void disturb(struct mixer *mixer)
{
    const int what = dice(mixer, 100);
    cop_cached_op *op = borrow_op(mixer);
    cop_cancel *cancel = borrow_token();
    if (what < 15)
        request_token();
    else if (what < 25)
        expect(cop_cached_op_trim(op, (size_t)dice(mixer, 3), NULL, NULL) == COP_STATUS_OK, "trim");
    else if (what < 35)
        expect(cop_set_worker_threads(dice(mixer, 5), NULL) == COP_STATUS_OK, "workers");
    else if (what < 40)
        replace_op(mixer);
    else if (what < 50)
        (void)!cop_wait_all(dice(mixer, 2) == 0 ? op : NULL, dice(mixer, 300) * MICROSECOND, cancel,
                            NULL);
    else if (what < 53)
        (void)!cop_cached_op_warm_up(op, 1, NULL);
    else if (what < 75)
        invoke_here(mixer);
    else if (what < 90)
        wait_a_little(mixer, &mixer->batch[dice(mixer, BATCH)]);
    else
        take_completions();
    cop_cancel_release(&cancel);
    cop_cached_op_release(&op);
}

static void await_reports(struct mixer *mixer)
{
    const int64_t until_ns = cop_deadline_ns(PATIENCE_NS);
    while (atomic_load(&mixer->reported) < BATCH && cop_now_ns() < until_ns) {
        take_completions();
        usleep(50);
    }
    if (atomic_load(&mixer->reported) < BATCH) {
        fprintf(stderr, "a report never came\n");
        abort(); /* with everything as it is */
    }
}

static void check_ticket(struct ticket *ticket, cop_status waited)
{
    const cop_status status = ticket->outcome.status;
    expect(ticket->reports == 1, "an invocation is reported once");
    expect(may_end_with(ticket, status), "the outcome");
    expect(waited == status, "a wait says what the report says");
    expect(status != COP_STATUS_OK || ticket->was_whole, "arrays are ready when it is reported");
    expect(ticket->is_source || (holds(ticket->plus, POISON) && holds(ticket->twice, POISON)),
           "memory is left alone after the report");
    cop_ndarray_release(&ticket->dst[0]), cop_ndarray_release(&ticket->dst[1]);
    expect(ticket->releases == 3, "memory is let go once");
}

static void *mix(void *argument)
{
    struct mixer *mixer = argument;
    while (cop_now_ns() < end_ns && atomic_load(&wrong) == 0) {
        cop_status waited[BATCH];
        atomic_store(&mixer->reported, 0);
        for (int i = 0; i < BATCH; i++)
            submit(mixer, &mixer->batch[i],
                   i > 0 && dice(mixer, 3) == 0 ? &mixer->batch[dice(mixer, i)] : NULL);
        for (int i = dice(mixer, 20); i > 0; i--)
            disturb(mixer);
        for (int i = BATCH - 1; i >= 0; i--)
            waited[i] = cop_ndarray_wait(mixer->batch[i].dst[!mixer->batch[i].wants_plus],
                                         PATIENCE_NS, NULL, NULL);
        await_reports(mixer);
        for (int i = 0; i < BATCH; i++)
            check_ticket(&mixer->batch[i], waited[i]);
    }
    return NULL;
}

START_TEST(whatever_is_given_up_ends_once_and_as_it_may)
{
    static struct mixer mixers[THREADS];
    const char *seconds = getenv("COP_TEST_SECONDS");
    pthread_t threads[THREADS];
    model = tiny_two_outputs();
    ck_assert_int_eq(cop_completion_queue_create(&queue, NULL), COP_STATUS_OK);
    request_token();
    for (int i = 0; i < OPERATORS; i++)
        ops[i] = make_op(i);
    end_ns = cop_now_ns() + (seconds == NULL ? 2 : atoi(seconds)) * INT64_C(1000000000);
    for (int i = 0; i < THREADS; i++) {
        mixers[i].seed = (unsigned)(cop_now_ns() + i);
        pthread_create(&threads[i], NULL, mix, &mixers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(cop_wait_all(NULL, PATIENCE_NS, NULL, NULL), COP_STATUS_OK);
    for (int i = 0; i < OPERATORS; i++) {
        cop_cached_op_stats stats = {.struct_size = sizeof stats};
        ck_assert_int_eq(cop_cached_op_get_stats(ops[i], &stats, NULL), COP_STATUS_OK);
        ck_assert_uint_eq(stats.in_flight, 0);
        cop_cached_op_release(&ops[i]);
    }
    cop_library_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_library_get_stats(&stats, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(stats.pending_invocations, 0);
    ck_assert_uint_eq(stats.unobserved_errors, 0); /* each was told of */
    cop_completion_queue_release(&queue);
    cop_cancel_release(&token);
    cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS("random cancel", whatever_is_given_up_ends_once_and_as_it_may);
}
