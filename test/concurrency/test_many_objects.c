// SPDX-License-Identifier: Apache-2.0
/*
 * Many of everything: models, operators, shapes, devices and chosen outputs in one process, all of
 * them made, used, waited for and released by many threads at any time. Every element equals, to
 * the bit, that of one thread doing one thing after the other.
 */
#include "support/tiny_models.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define THREADS      8
#define MOST_THREADS 20 /* as many as MXNet's tests of this have */
#define MODELS       5
#define KINDS        10
#define DRAWS        3 /* different inputs of one kind */
#define MOST_OUTPUTS 3
#define SECONDS      2
#define MILLISECOND  INT64_C(1000000)

/* What can be made of a model. */
struct kind {
    int model;
    cop_device_kind device;
    int64_t batch;
    bool has_extras;
    size_t dst_count;
    cop_ndarray *src[DRAWS], *expected[DRAWS][MOST_OUTPUTS];
};

static struct kind kinds[KINDS] = {
    {.model = 0, .device = COP_DEVICE_REF, .batch = 1, .has_extras = true},
    {.model = 0, .device = COP_DEVICE_CPU, .batch = 1, .has_extras = true},
    {.model = 0, .device = COP_DEVICE_REF, .batch = 3},
    {.model = 0, .device = COP_DEVICE_CPU, .batch = 3},
    {.model = 1, .device = COP_DEVICE_CPU, .batch = 2, .has_extras = true},
    {.model = 2, .device = COP_DEVICE_REF, .batch = 1},
    {.model = 3, .device = COP_DEVICE_REF, .batch = 1},
    {.model = 3, .device = COP_DEVICE_CPU, .batch = 5},
    {.model = 4, .device = COP_DEVICE_REF, .batch = 2},
    {.model = 4, .device = COP_DEVICE_CPU, .batch = 1},
};

static cop_model *models[MODELS];

/* The operators that threads share; each thread takes a reference of its own. */
static pthread_mutex_t shelf = PTHREAD_MUTEX_INITIALIZER;
static cop_cached_op *shared[KINDS];

struct worker {
    unsigned seed;
    int number;
    int wrong; /* asserted after the thread is joined */
};

static int64_t end_ns;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int dice(struct worker *worker, int sides)
{
    return rand_r(&worker->seed) % sides;
}

static void expect(struct worker *worker, bool is_right, const char *what)
{
    if (!is_right && worker->wrong++ == 0)
        fprintf(stderr, "wrong: %s\n", what);
}

static cop_model *load_model(int index)
{
    switch (index) {
    case 3:
        return tiny_two_outputs();
    case 4:
        return tiny_relu();
    default:
        return tiny_classifier(3 + (unsigned)index);
    }
}

static cop_input_shape shape_of(const struct kind *kind)
{
    cop_input_shape shape = {"data", 2, {kind->batch, kind->model == 3 ? 4 : 16}};
    if (kind->model < 3)
        shape = (cop_input_shape){"data", 4, {kind->batch, 3, 12, 12}};
    return shape;
}

/* Made in one go, or for the declared shape and then reshaped. NULL: it failed. */
static cop_cached_op *make_op(const struct kind *kind, cop_model *model, bool by_reshape)
{
    static const char *const extras[] = {"pool", "relu1"};
    const cop_input_shape shape = shape_of(kind);
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL, *reshaped = NULL;
    options.device.kind = kind->device;
    options.extra_outputs = extras;
    options.extra_output_count = kind->has_extras ? 2 : 0;
    options.input_shapes = &shape;
    options.input_shape_count = by_reshape ? 0 : 1;
    if (cop_cached_op_create(model, &options, &op, NULL) != COP_STATUS_OK || !by_reshape)
        return op;
    if (cop_cached_op_reshape(op, &shape, 1, &reshaped, NULL, NULL) != COP_STATUS_OK)
        reshaped = NULL;
    cop_cached_op_release(&op);
    return reshaped;
}

static void setup(void)
{
    for (int i = 0; i < MODELS; i++)
        models[i] = load_model(i);
    for (int i = 0; i < KINDS; i++) {
        struct kind *kind = &kinds[i];
        const cop_input_shape shape = shape_of(kind);
        shared[i] = make_op(kind, models[kind->model], false);
        ck_assert_ptr_nonnull(shared[i]);
        kind->dst_count = cop_cached_op_output_count(shared[i]);
        ck_assert_uint_le(kind->dst_count, MOST_OUTPUTS);
        for (int k = 0; k < DRAWS; k++) {
            kind->src[k] = random_array(shape.rank, shape.shape, (unsigned)(10 * i + k));
            ck_assert_int_eq(cop_invoke(shared[i], 1, &kind->src[k], kind->dst_count,
                                        kind->expected[k], NULL, NULL),
                             COP_STATUS_OK);
        }
    }
}

static void teardown(void)
{
    for (int i = 0; i < KINDS; i++) {
        cop_cached_op_release(&shared[i]);
        for (int k = 0; k < DRAWS; k++) {
            cop_ndarray_release(&kinds[i].src[k]);
            for (size_t j = 0; j < kinds[i].dst_count; j++)
                cop_ndarray_release(&kinds[i].expected[k][j]);
        }
    }
    for (int i = 0; i < MODELS; i++)
        cop_model_release(&models[i]);
}

static bool is_equal(const cop_ndarray *a, const cop_ndarray *b)
{
    return cop_ndarray_bytes(a) == cop_ndarray_bytes(b) &&
           memcmp(cop_ndarray_data(a), cop_ndarray_data(b), cop_ndarray_bytes(a)) == 0;
}

/* Some outputs in some order; returns how many. */
static size_t choose(struct worker *worker, const struct kind *kind, size_t *outputs)
{
    const size_t first = (size_t)dice(worker, (int)kind->dst_count);
    const size_t count = 1 + (size_t)dice(worker, (int)kind->dst_count);
    for (size_t i = 0; i < count; i++)
        outputs[i] = (first + i) % kind->dst_count;
    return count;
}

/* Waits in one of the ways there are; the last one always waits to the end. */
static void wait_for(struct worker *worker, cop_cached_op *op, cop_ndarray *array)
{
    switch (dice(worker, 6)) {
    case 0:
        expect(worker, cop_wait_all(op, COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK, "wait for all");
        break;
    case 1:
        expect(worker, cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK,
               "wait for all of the process");
        break;
    case 2:
        (void)!cop_ndarray_wait(array, dice(worker, 20) * MILLISECOND / 50, NULL, NULL);
        break;
    default:
        break;
    }
    expect(worker, cop_ndarray_wait(array, COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK, "wait");
}

/* One call on an operator of the kind, of which the caller's reference is used up. */
static void use(struct worker *worker, const struct kind *kind, cop_cached_op *op)
{
    const int k = dice(worker, DRAWS);
    const bool is_async = dice(worker, 2) == 0;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *src = kind->src[k], *dst[MOST_OUTPUTS] = {NULL};
    size_t outputs[MOST_OUTPUTS] = {0, 1, 2}, count = kind->dst_count;
    if (dice(worker, 2) == 0) {
        options.outputs = outputs;
        options.output_count = count = choose(worker, kind, outputs);
    }
    for (size_t i = 0; i < count; i++) {
        const cop_ndarray *like = kind->expected[k][outputs[i]];
        if (dice(worker, 2) == 0)
            dst[i] = zero_array(cop_ndarray_rank(like), cop_ndarray_shape(like));
    }
    const cop_status status =
        (is_async ? cop_invoke_async : cop_invoke)(op, 1, &src, count, dst, &options, NULL);
    expect(worker, status == COP_STATUS_OK, "a call");
    if (dice(worker, 2) == 0)
        cop_cached_op_release(&op); /* what is pending keeps what it needs */
    for (size_t i = 0; i < count && status == COP_STATUS_OK; i++) {
        const size_t at = count - 1 - i;
        wait_for(worker, op, dst[at]);
        expect(worker, is_equal(dst[at], kind->expected[k][outputs[at]]), "the elements");
    }
    for (size_t i = 0; i < count; i++)
        cop_ndarray_release(&dst[i]);
    cop_cached_op_release(&op);
}

/* Makes an operator, sometimes of a model of its own, and puts it up or keeps it. */
static void make_and_use(struct worker *worker, int index)
{
    const struct kind *kind = &kinds[index];
    cop_model *model =
        dice(worker, 3) == 0 ? load_model(kind->model) : cop_model_retain(models[kind->model]);
    cop_cached_op *op = make_op(kind, model, dice(worker, 2) == 0);
    cop_model_release(&model); /* the operator keeps it */
    expect(worker, op != NULL, "making an operator");
    if (op == NULL)
        return;
    if (dice(worker, 2) == 0) {
        pthread_mutex_lock(&shelf);
        cop_cached_op *old = shared[index];
        shared[index] = cop_cached_op_retain(op);
        pthread_mutex_unlock(&shelf);
        cop_cached_op_release(&old); /* others go on with references of their own */
    }
    use(worker, kind, op);
}

static void *do_anything(void *argument)
{
    struct worker *worker = argument;
    while (now_ns() < end_ns) {
        const int index = dice(worker, KINDS);
        if (dice(worker, 10) == 0) {
            make_and_use(worker, index);
            continue;
        }
        pthread_mutex_lock(&shelf);
        cop_cached_op *op = cop_cached_op_retain(shared[index]);
        pthread_mutex_unlock(&shelf);
        use(worker, &kinds[index], op);
    }
    return NULL;
}

static void run_threads(int count, void *(*function)(void *))
{
    pthread_t threads[MOST_THREADS];
    struct worker workers[MOST_THREADS];
    int wrong = 0;
    for (int i = 0; i < count; i++) {
        workers[i] = (struct worker){.seed = (unsigned)now_ns() + (unsigned)i, .number = i};
        pthread_create(&threads[i], NULL, function, &workers[i]);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        wrong += workers[i].wrong;
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
}

START_TEST(models_operators_shapes_and_devices_are_made_used_and_released_at_any_time)
{
    end_ns = now_ns() + SECONDS * 1000 * MILLISECOND;
    run_threads(THREADS, do_anything);
}
END_TEST

static pthread_barrier_t start;
static bool has_own_model;
static int calls;

/* Creates the operator beside all the others and invokes it, waiting inside the thread. */
static void *create_invoke_and_wait(void *argument)
{
    struct worker *worker = argument;
    const struct kind *kind = &kinds[worker->number % KINDS];
    cop_ndarray *dst[8][MOST_OUTPUTS] = {{NULL}};
    cop_model *model =
        has_own_model ? load_model(kind->model) : cop_model_retain(models[kind->model]);
    pthread_barrier_wait(&start);
    cop_cached_op *op = make_op(kind, model, worker->number % 3 == 0);
    expect(worker, op != NULL, "making an operator");
    for (int i = 0; i < calls; i++) {
        const struct timespec nap = {0, dice(worker, 100) * 1000};
        if (dice(worker, 2) == 0)
            nanosleep(&nap, NULL);
        expect(worker,
               cop_invoke_async(op, 1, &kind->src[i % DRAWS], kind->dst_count, dst[i], NULL,
                                NULL) == COP_STATUS_OK,
               "a call");
    }
    if (worker->number % 2 == 0)
        expect(worker,
               cop_wait_all(worker->number % 4 == 0 ? op : NULL, COP_NO_TIMEOUT, NULL, NULL) ==
                   COP_STATUS_OK,
               "wait for all");
    for (int i = 0; i < calls; i++)
        for (size_t j = 0; j < kind->dst_count; j++) {
            expect(worker, cop_ndarray_wait(dst[i][j], COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK,
                   "wait");
            expect(worker, is_equal(dst[i][j], kind->expected[i % DRAWS][j]), "the elements");
            cop_ndarray_release(&dst[i][j]);
        }
    cop_cached_op_release(&op);
    cop_model_release(&model);
    return NULL;
}

START_TEST(twenty_threads_create_operators_at_once_and_wait_inside)
{
    for (int own = 0; own < 2; own++)
        for (calls = 1; calls <= 8; calls *= 2) {
            has_own_model = own == 1;
            pthread_barrier_init(&start, NULL, MOST_THREADS);
            run_threads(MOST_THREADS, create_invoke_and_wait);
            pthread_barrier_destroy(&start);
        }
}
END_TEST

#define LINKS 40

/* The numbers that a chain through "plus" and "twice" must give. */
static void follow_chain(const struct worker *worker, const float *from, float *to)
{
    memcpy(to, from, 4 * sizeof *to);
    for (int i = 0; i < LINKS; i++)
        for (int j = 0; j < 4; j++) {
            const float relu = to[j] > 0 ? to[j] : 0;
            to[j] = (worker->number + i) % 8 == 0 ? 2 * relu : relu + 1;
        }
}

/* Each link goes through another operator, on another device, before the last one is ready. */
static void *chain_operators(void *argument)
{
    struct worker *worker = argument;
    static const size_t plus = 0, twice = 1;
    static const int64_t row[] = {1, 4};
    cop_cached_op *ops[4];
    for (int i = 0; i < 4; i++) {
        const struct kind kind = {
            .model = 3, .device = i % 2 == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU, .batch = 1};
        ops[i] = i < 2 ? make_op(&kind, models[3], i == 1) : cop_cached_op_retain(ops[i - 2]);
    }
    for (int round = 0; round < 30; round++) {
        cop_ndarray *array = random_array(2, row, worker->seed + (unsigned)round), *next;
        float expected[4];
        follow_chain(worker, cop_ndarray_data(array), expected);
        for (int i = 0; i < LINKS; i++, array = next) {
            cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
            options.outputs = (worker->number + i) % 8 == 0 ? &twice : &plus;
            options.output_count = 1;
            next = NULL;
            expect(worker,
                   (i % 11 == 10 ? cop_invoke : cop_invoke_async)(ops[i % 4], 1, &array, 1, &next,
                                                                  &options, NULL) == COP_STATUS_OK,
                   "a link");
            cop_ndarray_release(&array);
        }
        expect(worker, cop_ndarray_wait(array, COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK, "a chain");
        expect(worker, memcmp(cop_ndarray_data(array), expected, sizeof expected) == 0,
               "the end of a chain");
        cop_ndarray_release(&array);
    }
    for (int i = 0; i < 4; i++)
        cop_cached_op_release(&ops[i]);
    return NULL;
}

START_TEST(outputs_go_through_chains_of_operators_before_they_are_ready)
{
    run_threads(THREADS, chain_operators);
}
END_TEST

/* Arrays that are still being made when the threads begin to read them. */
static cop_ndarray *pending[DRAWS];

static void *read_pending(void *argument)
{
    struct worker *worker = argument;
    static const int64_t row[] = {1, 16};
    cop_cached_op *op = cop_cached_op_retain(shared[9]); /* relu of [1,16], which keeps it */
    pthread_barrier_wait(&start);
    for (int i = 0; i < 60; i++) {
        cop_ndarray *dst[2] = {NULL, dice(worker, 2) == 0 ? zero_array(2, row) : NULL};
        for (int j = 0; j < 2; j++)
            expect(worker,
                   (dice(worker, 8) == 0 ? cop_invoke : cop_invoke_async)(
                       op, 1, &pending[i % DRAWS], 1, &dst[j], NULL, NULL) == COP_STATUS_OK,
                   "a reader");
        for (int j = 0; j < 2; j++) {
            wait_for(worker, op, dst[j]);
            expect(worker, is_equal(dst[j], kinds[9].expected[i % DRAWS][0]), "what was read");
            cop_ndarray_release(&dst[j]);
        }
    }
    cop_cached_op_release(&op);
    return NULL;
}

START_TEST(an_array_is_an_input_of_many_invocations_before_and_after_it_is_ready)
{
    for (int round = 0; round < 5; round++) {
        for (int k = 0; k < DRAWS; k++) {
            cop_ndarray *link = cop_ndarray_retain(kinds[9].src[k]);
            for (int i = 0; i < 30; i++, link = pending[k]) { /* a while of work */
                pending[k] = NULL;
                ck_assert_int_eq(cop_invoke_async(shared[9], 1, &link, 1, &pending[k], NULL, NULL),
                                 COP_STATUS_OK);
                cop_ndarray_release(&link);
            }
        }
        pthread_barrier_init(&start, NULL, THREADS);
        run_threads(THREADS, read_pending);
        pthread_barrier_destroy(&start);
        for (int k = 0; k < DRAWS; k++)
            cop_ndarray_release(&pending[k]);
    }
}
END_TEST

/* The threads hold the last references there are: of the operator, and so of its model. */
static cop_cached_op *given[THREADS];

static void *use_what_was_given(void *argument)
{
    struct worker *worker = argument;
    cop_cached_op *op = given[worker->number];
    for (int i = 0; i < 5 + 10 * (worker->number % 3); i++)
        use(worker, &kinds[0], cop_cached_op_retain(op));
    use(worker, &kinds[0], op);
    return NULL;
}

START_TEST(an_operator_is_released_while_others_invoke_through_references_of_their_own)
{
    for (int round = 0; round < 20; round++) {
        pthread_t threads[THREADS];
        struct worker workers[THREADS];
        cop_model *model = load_model(0);
        cop_cached_op *op = make_op(&kinds[0], model, false);
        int wrong = 0;
        ck_assert_ptr_nonnull(op);
        for (int i = 0; i < THREADS; i++) {
            given[i] = cop_cached_op_retain(op);
            workers[i] = (struct worker){.seed = (unsigned)now_ns() + (unsigned)i, .number = i};
            pthread_create(&threads[i], NULL, use_what_was_given, &workers[i]);
        }
        cop_model_release(&model);
        cop_cached_op_release(&op);
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            wrong += workers[i].wrong;
        }
        ck_assert_int_eq(wrong, 0);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "many objects", setup, teardown,
        models_operators_shapes_and_devices_are_made_used_and_released_at_any_time,
        twenty_threads_create_operators_at_once_and_wait_inside,
        outputs_go_through_chains_of_operators_before_they_are_ready,
        an_array_is_an_input_of_many_invocations_before_and_after_it_is_ready,
        an_operator_is_released_while_others_invoke_through_references_of_their_own);
}
