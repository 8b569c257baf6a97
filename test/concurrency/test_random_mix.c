// SPDX-License-Identifier: Apache-2.0
/*
 * Everything at once: threads invoke synchronously and asynchronously on shared arrays, with inputs
 * that failed, deadlines, cancelled tokens, priorities, chosen outputs, waits, workers or none,
 * contexts trimmed, operators made and arrays replaced, while a sequential oracle, moved on in the
 * order of the calls, says what each array must hold.
 */
#include "support/dice.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS     8
#define STORAGES    5
#define ROWS        3 /* views of one storage */
#define ARRAYS      (STORAGES * ROWS)
#define OPERATORS   3
#define SECONDS     2
#define MILLISECOND INT64_C(1000000)

static const int64_t row_shape[] = {1, 4}, whole_shape[] = {ROWS, 4};

/* Guarded by `order`: a call on shared arrays and its effect on the oracle are one step. */
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static cop_ndarray *arrays[ARRAYS];
static float values[ARRAYS];
static bool has_failed[STORAGES];
static cop_cached_op *ops[OPERATORS];

static cop_model *model;
static cop_trace *trace;
static cop_cancel *cancelled;
static int64_t end_ns;

/* Nothing fails here but invocations whose deadline has passed, before a step or for a context, or
 * whose token was requested. */
static bool is_expected(cop_status status, bool fails)
{
    return fails ? status == COP_STATUS_TIMEOUT || status == COP_STATUS_BUSY ||
                       status == COP_STATUS_CANCELLED
                 : status == COP_STATUS_OK;
}

static cop_cached_op *make_op(int max_contexts)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    options.device.kind = COP_DEVICE_REF;
    options.max_contexts = max_contexts;
    return cop_cached_op_create(model, &options, &op, NULL) == COP_STATUS_OK ? op : NULL;
}

static void make_rows(int storage)
{
    cop_ndarray *whole = zero_array(2, whole_shape);
    for (int row = 0; row < ROWS; row++) {
        const int index = storage * ROWS + row;
        values[index] = 0;
        if (cop_ndarray_view(whole, (size_t)row * 16, COP_DTYPE_FLOAT32, 2, row_shape,
                             &arrays[index], NULL) != COP_STATUS_OK)
            abort();
    }
    has_failed[storage] = false;
    cop_ndarray_release(&whole);
}

static bool holds(const cop_ndarray *array, float value)
{
    const float *elements = cop_ndarray_data(array);
    return elements[0] == value && elements[1] == value && elements[2] == value &&
           elements[3] == value;
}

/* One call with its effect: an array receives its source plus one, another twice the source. */
static void invoke(struct worker *worker)
{
    const bool is_async = dice(worker, 2) == 0, is_cancelled = dice(worker, 20) == 0;
    const bool is_late = is_cancelled || dice(worker, 20) == 0;
    const int from = dice(worker, ARRAYS), plus = (from + 1 + dice(worker, ARRAYS - 1)) % ARRAYS;
    int twice = dice(worker, ARRAYS);
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    options.timeout_ns = is_late && !is_cancelled ? 0 : COP_NO_TIMEOUT;
    options.cancel = is_cancelled ? cancelled : NULL;
    options.priority = (cop_priority)dice(worker, 3);
    options.trace = dice(worker, 4) == 0 ? trace : NULL;
    pthread_mutex_lock(&order);
    if (twice == from || twice == plus || values[from] > 1e5f)
        twice = -1; /* the library makes it */
    const float value = values[from];
    const bool fails = has_failed[from / ROWS] || is_late;
    cop_cached_op *op = cop_cached_op_retain(ops[dice(worker, OPERATORS)]);
    cop_ndarray *src = arrays[from], *dst[] = {arrays[plus], twice < 0 ? NULL : arrays[twice]};
    const cop_status status =
        (is_async ? cop_invoke_async : cop_invoke)(op, 1, &src, 2, dst, &options, NULL);
    cop_cached_op_release(&op);
    expect(worker, is_expected(status, fails && !is_async), "the status of a call");
    if (is_async || !fails) {
        has_failed[plus / ROWS] = fails;
        if (twice >= 0)
            has_failed[twice / ROWS] = fails;
    }
    if (!fails) {
        values[plus] = value + 1;
        if (twice >= 0)
            values[twice] = 2 * value;
    }
    pthread_mutex_unlock(&order);
    if (twice >= 0 || dst[1] == NULL)
        return;
    if (dice(worker, 2) == 0) {
        expect(worker, is_expected(cop_ndarray_wait(dst[1], COP_NO_TIMEOUT, NULL, NULL), fails),
               "the status of an array that was made");
        expect(worker, fails || holds(dst[1], 2 * value), "the elements of an array that was made");
    }
    cop_ndarray_release(&dst[1]);
}

static void wait_and_compare(struct worker *worker)
{
    const int index = dice(worker, ARRAYS);
    pthread_mutex_lock(&order);
    expect(worker,
           is_expected(cop_ndarray_wait(arrays[index], COP_NO_TIMEOUT, NULL, NULL),
                       has_failed[index / ROWS]),
           "the status of a wait");
    expect(worker, has_failed[index / ROWS] || holds(arrays[index], values[index]),
           "the elements of an array");
    pthread_mutex_unlock(&order);
}

/* Waits beside everybody else; whatever comes out is a status of somebody's. */
static void wait_for_a_moment(struct worker *worker)
{
    pthread_mutex_lock(&order);
    cop_ndarray *array = cop_ndarray_retain(arrays[dice(worker, ARRAYS)]);
    cop_cached_op *op = cop_cached_op_retain(ops[dice(worker, OPERATORS)]);
    pthread_mutex_unlock(&order);
    const int64_t timeout_ns = dice(worker, 3) * MILLISECOND / 20;
    const cop_status status = dice(worker, 2) == 0 ? cop_ndarray_wait(array, timeout_ns, NULL, NULL)
                                                   : cop_wait_all(op, timeout_ns, NULL, NULL);
    expect(worker, is_expected(status, status != COP_STATUS_OK), "a short wait");
    cop_ndarray_release(&array);
    cop_cached_op_release(&op);
}

/* Reads a shared array synchronously while others write it: never half of a write. */
static void read_beside_writers(struct worker *worker)
{
    pthread_mutex_lock(&order);
    cop_ndarray *src = cop_ndarray_retain(arrays[dice(worker, ARRAYS)]), *dst[2] = {NULL, NULL};
    cop_cached_op *op = cop_cached_op_retain(ops[dice(worker, OPERATORS)]);
    pthread_mutex_unlock(&order);
    cop_profile *profile = NULL;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    const size_t chosen = (size_t)dice(worker, 4); /* an output, or both */
    if (chosen < 2) {
        options.outputs = &chosen;
        options.output_count = 1;
    }
    if (dice(worker, 8) == 0 && cop_profile_create(&profile, NULL) == COP_STATUS_OK)
        options.profile = profile;
    const cop_status status = cop_invoke(op, 1, &src, chosen < 2 ? 1 : 2, dst, &options, NULL);
    expect(worker, is_expected(status, status != COP_STATUS_OK), "a read");
    if (status == COP_STATUS_OK && chosen < 2) {
        expect(worker, holds(dst[0], *(float *)cop_ndarray_data(dst[0])), "half of a write");
    } else if (status == COP_STATUS_OK) {
        const float plus = *(float *)cop_ndarray_data(dst[0]);
        expect(worker, holds(dst[0], plus) && holds(dst[1], 2 * (plus - 1)), "half of a write");
    }
    cop_profile_release(&profile);
    cop_ndarray_release(&src), cop_ndarray_release(&dst[0]), cop_ndarray_release(&dst[1]);
    cop_cached_op_release(&op);
}

static void replace(struct worker *worker)
{
    static const int contexts[] = {1, 2, 0};
    const int index = dice(worker, OPERATORS), storage = dice(worker, STORAGES);
    cop_cached_op *made = make_op(contexts[dice(worker, 3)]), *reshaped = NULL;
    const cop_input_shape shape = {"data", 2, {1, 4}};
    expect(worker, made != NULL, "an operator");
    if (dice(worker, 2) == 0) {
        expect(worker,
               cop_cached_op_reshape(made, &shape, 1, &reshaped, NULL, NULL) == COP_STATUS_OK,
               "a reshape");
        cop_cached_op_release(&made);
        made = reshaped;
    }
    pthread_mutex_lock(&order);
    cop_cached_op *old = ops[index];
    ops[index] = made;
    if (dice(worker, 4) == 0) {
        for (int row = 0; row < ROWS; row++)
            cop_ndarray_release(&arrays[storage * ROWS + row]);
        make_rows(storage);
    }
    pthread_mutex_unlock(&order);
    cop_cached_op_release(&old);
}

static void look(struct worker *worker)
{
    cop_library_stats library = {.struct_size = sizeof library};
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    pthread_mutex_lock(&order);
    cop_cached_op *op = cop_cached_op_retain(ops[dice(worker, OPERATORS)]);
    pthread_mutex_unlock(&order);
    expect(worker, cop_library_get_stats(&library, NULL) == COP_STATUS_OK, "library statistics");
    expect(worker, cop_cached_op_get_stats(op, &stats, NULL) == COP_STATUS_OK, "statistics");
    expect(worker,
           stats.in_flight <= stats.contexts && stats.failures <= stats.invocations + THREADS,
           "counts");
    expect(worker, cop_set_worker_threads(dice(worker, 5), NULL) == COP_STATUS_OK, "workers");
    expect(worker, cop_cached_op_trim(op, (size_t)dice(worker, 3), NULL, NULL) == COP_STATUS_OK,
           "trim");
    cop_cached_op_release(&op);
}

static void *mix(void *argument)
{
    struct worker *worker = argument;
    while (now_ns() < end_ns) {
        const int what = dice(worker, 100);
        if (what < 50)
            invoke(worker);
        else if (what < 65)
            wait_and_compare(worker);
        else if (what < 80)
            wait_for_a_moment(worker);
        else if (what < 95)
            read_beside_writers(worker);
        else if (what < 98)
            look(worker);
        else
            replace(worker);
    }
    return NULL;
}

START_TEST(calls_of_every_kind_at_once_do_what_they_do_in_a_row)
{
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    const char *seconds = getenv("COP_TEST_SECONDS");
    model = tiny_two_outputs();
    ck_assert_int_eq(cop_trace_create(10000, &trace, NULL), COP_STATUS_OK);
    for (int i = 0; i < OPERATORS; i++)
        ops[i] = make_op(i);
    for (int i = 0; i < STORAGES; i++)
        make_rows(i);
    ck_assert_int_eq(cop_cancel_create(&cancelled, NULL), COP_STATUS_OK);
    cop_cancel_request(cancelled);
    end_ns = now_ns() + (seconds == NULL ? SECONDS : atoi(seconds)) * 1000 * MILLISECOND;
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.seed = (unsigned)(now_ns() + i)};
        pthread_create(&threads[i], NULL, mix, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(workers[i].wrong, 0);
    }
    (void)!cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL); /* some failed on purpose */
    for (int i = 0; i < ARRAYS; i++) {
        ck_assert(is_expected(cop_ndarray_wait(arrays[i], 0, NULL, NULL), has_failed[i / ROWS]));
        ck_assert(has_failed[i / ROWS] || holds(arrays[i], values[i]));
        cop_ndarray_release(&arrays[i]);
    }
    for (int i = 0; i < OPERATORS; i++)
        cop_cached_op_release(&ops[i]);
    cop_trace_release(&trace);
    cop_cancel_release(&cancelled);
    cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS("random mix", calls_of_every_kind_at_once_do_what_they_do_in_a_row);
}
