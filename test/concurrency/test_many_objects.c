// SPDX-License-Identifier: Apache-2.0
/*
 * Many of everything: models, operators, shapes, devices and chosen outputs in one process, all of
 * them made, used, waited for and released by many threads at any time. Every element equals, to
 * the bit, that of one thread doing one thing after the other.
 */
#include "concurrency/kinds.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define SECONDS 2

/* Around the operators that threads share; each thread takes a reference of its own. */
static pthread_mutex_t shelf = PTHREAD_MUTEX_INITIALIZER;

static int64_t end_ns;

/* Some outputs in some order; returns how many. */
static size_t choose(struct worker *worker, const struct kind *kind, size_t *outputs)
{
    const size_t first = (size_t)dice(worker, (int)kind->dst_count);
    const size_t count = 1 + (size_t)dice(worker, (int)kind->dst_count);
    for (size_t i = 0; i < count; i++)
        outputs[i] = (first + i) % kind->dst_count;
    return count;
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
        cop_model *model = load_model(0);
        cop_cached_op *op = make_op(&kinds[0], model, false);
        ck_assert_ptr_nonnull(op);
        for (int i = 0; i < THREADS; i++)
            given[i] = cop_cached_op_retain(op);
        start_threads(THREADS, use_what_was_given);
        cop_model_release(&model);
        cop_cached_op_release(&op);
        join_threads(THREADS);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "many objects", make_kinds, free_kinds,
        models_operators_shapes_and_devices_are_made_used_and_released_at_any_time,
        twenty_threads_create_operators_at_once_and_wait_inside,
        an_operator_is_released_while_others_invoke_through_references_of_their_own);
}
