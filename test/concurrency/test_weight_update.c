// SPDX-License-Identifier: Apache-2.0
/* Weights that change under traffic: every result is that of one set of them, and of the right one.
 */
#include "runtime/cached_op.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define THREADS 8
#define IMAGES  4
#define SETS    2 /* of parameters, in turns */

static const int64_t batches[] = {1, 2};
#define SHAPES 2

struct shared {
    cop_device_kind device;
    int updates;
    cop_model *model;
    cop_cached_op *ops[SHAPES];
    cop_ndarray *images[SHAPES][IMAGES];
    float expected[SETS][SHAPES][IMAGES][2 * 5];
    cop_parameter_value values[SETS][TINY_CLASSIFIER_PARAMETERS];
    /* Update n leads to set n % SETS. Counted by the one that updates, read by all: what was
     * published before an invocation began and what was begun before it ended bound what it saw. */
    _Atomic int begun, published;
    _Atomic int is_over, invocations;
};

struct worker {
    struct shared *shared;
    int number;
    int wrong, invocations; /* what the thread found; asserted after it is joined */
};

static cop_cached_op *reshape(cop_cached_op *op, int64_t batch)
{
    const cop_input_shape shape = {"data", 4, {batch, 3, 12, 12}};
    cop_cached_op *reshaped = NULL;
    return cop_cached_op_reshape(op, &shape, 1, &reshaped, NULL, NULL) == COP_STATUS_OK ? reshaped
                                                                                        : NULL;
}

static void begin(struct shared *shared, cop_device_kind device, int updates)
{
    *shared = (struct shared){.device = device, .updates = updates};
    for (int i = 0; i < SHAPES; i++)
        for (int k = 0; k < IMAGES; k++)
            shared->images[i][k] =
                random_array(4, (const int64_t[]){batches[i], 3, 12, 12}, 100 + (unsigned)k);
    for (unsigned set = SETS; set-- > 0;) { /* the first one stays */
        make_classifier_parameters(set + 1, shared->values[set]);
        cop_model_release(&shared->model);
        shared->model = tiny_classifier(set + 1);
        for (int i = 0; i < SHAPES; i++) {
            cop_cached_op_release(&shared->ops[i]);
            shared->ops[i] =
                i == 0 ? compile_on(shared->model, device) : reshape(shared->ops[0], batches[i]);
            for (int k = 0; k < IMAGES; k++) {
                cop_ndarray *scores = NULL;
                ck_assert_int_eq(
                    cop_invoke(shared->ops[i], 1, &shared->images[i][k], 1, &scores, NULL, NULL),
                    COP_STATUS_OK);
                memcpy(shared->expected[set][i][k], cop_ndarray_data(scores),
                       cop_ndarray_bytes(scores));
                cop_ndarray_release(&scores);
            }
        }
    }
}

static void end(struct shared *shared)
{
    for (int i = 0; i < SHAPES; i++) {
        for (int k = 0; k < IMAGES; k++)
            cop_ndarray_release(&shared->images[i][k]);
        cop_cached_op_release(&shared->ops[i]);
    }
    for (int set = 0; set < SETS; set++)
        release_parameters(shared->values[set], TINY_CLASSIFIER_PARAMETERS);
    cop_model_release(&shared->model);
}

/* The set the scores are of; −1: of none, a mix. */
static int find_set(const struct shared *shared, int shape, int image, const cop_ndarray *scores)
{
    for (int set = 0; set < SETS; set++)
        if (memcmp(cop_ndarray_data(scores), shared->expected[set][shape][image],
                   cop_ndarray_bytes(scores)) == 0)
            return set;
    return -1;
}

/* Invokes and returns the set that was seen; −1 also for a failure. */
static int invoke(const struct shared *shared, cop_cached_op *op, int shape, int image,
                  bool is_async)
{
    cop_ndarray *src = shared->images[shape][image], *scores = NULL;
    cop_status status;
    if (is_async) {
        status = cop_invoke_async(op, 1, &src, 1, &scores, NULL, NULL);
        if (status == COP_STATUS_OK)
            status = cop_ndarray_wait(scores, COP_NO_TIMEOUT, NULL, NULL);
    } else {
        status = cop_invoke(op, 1, &src, 1, &scores, NULL, NULL);
    }
    const int set = status == COP_STATUS_OK ? find_set(shared, shape, image, scores) : -1;
    cop_ndarray_release(&scores);
    return set;
}

/* Both shapes, one after the other: if the first saw an update, so does the second. */
static void invoke_both(struct worker *worker, cop_cached_op *const ops[SHAPES], int image,
                        bool is_async)
{
    const struct shared *shared = worker->shared;
    int sets[SHAPES];
    const int before = atomic_load(&shared->published);
    for (int i = 0; i < SHAPES; i++)
        sets[i] = invoke(shared, ops[i], i, image, is_async);
    const int after = atomic_load(&shared->begun);
    for (int i = 0; i < SHAPES; i++)
        if (sets[i] < 0 || (after == before && sets[i] != before % SETS))
            worker->wrong++;
    if (after == before + 1 && sets[0] == after % SETS && sets[1] != sets[0])
        worker->wrong++;
    worker->invocations += SHAPES;
    atomic_fetch_add(&worker->shared->invocations, SHAPES);
}

static void *invoke_all_the_time(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    for (int k = 0; k == 0 || !atomic_load(&shared->is_over); k++)
        invoke_both(worker, shared->ops, (k + worker->number) % IMAGES, worker->number == 0);
    return NULL;
}

/* Operators that are being made while the weights change, or go while they do. */
static void *create_all_the_time(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    for (int k = 0; k == 0 || !atomic_load(&shared->is_over); k++) {
        cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
        cop_cached_op *ops[SHAPES] = {NULL};
        options.device.kind = shared->device;
        if (cop_cached_op_create(shared->model, &options, &ops[0], NULL) == COP_STATUS_OK)
            ops[1] = reshape(worker->number % 2 ? ops[0] : shared->ops[0], batches[1]);
        if (ops[1] != NULL)
            invoke_both(worker, ops, worker->number % IMAGES, false);
        else
            worker->wrong++;
        for (int i = 0; i < SHAPES; i++)
            cop_cached_op_release(&ops[i]);
    }
    return NULL;
}

static int update(struct shared *shared)
{
    const int number = atomic_fetch_add(&shared->begun, 1) + 1;
    const cop_status status = cop_model_update_weights(shared->model, shared->values[number % SETS],
                                                       TINY_CLASSIFIER_PARAMETERS, NULL);
    atomic_store(&shared->published, number);
    return status != COP_STATUS_OK;
}

static void check_context(struct context *context, void *op)
{
    ck_assert_ptr_eq(context->weights, ((cop_cached_op *)op)->weights.set);
}

/* So many updates at least, in this thread, among ten times as many invocations; the others run
 * until they are through. */
static void check(cop_device_kind device, int updates, int creators)
{
    struct shared shared;
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    int wrong = 0;
    begin(&shared, device, updates);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.shared = &shared, .number = i};
        pthread_create(&threads[i], NULL, i < creators ? create_all_the_time : invoke_all_the_time,
                       &workers[i]);
    }
    for (int i = 0; i < updates || atomic_load(&shared.invocations) < 10 * updates; i++)
        wrong += update(&shared);
    atomic_store(&shared.is_over, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        wrong += workers[i].wrong;
        ck_assert_int_gt(workers[i].invocations, 0);
    }
    ck_assert_int_eq(wrong, 0);
    for (int i = 0; i < SHAPES; i++)
        cop_context_pool_for_each_idle(shared.ops[i]->contexts, check_context, shared.ops[i]);
    end(&shared);
}

START_TEST(every_invocation_sees_one_set_of_weights_on_ref)
{
    check(COP_DEVICE_REF, 500, 0);
}
END_TEST

START_TEST(every_invocation_sees_one_set_of_weights_on_cpu)
{
    check(COP_DEVICE_CPU, 500, 0);
}
END_TEST

START_TEST(operators_made_and_released_meanwhile_see_the_right_set_on_ref)
{
    check(COP_DEVICE_REF, 150, 4);
}
END_TEST

START_TEST(operators_made_and_released_meanwhile_see_the_right_set_on_cpu)
{
    check(COP_DEVICE_CPU, 150, 4);
}
END_TEST

static void *update_all_the_time(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    for (int i = 0; i < shared->updates; i++)
        worker->wrong +=
            cop_model_update_weights(shared->model, shared->values[(i + worker->number) % SETS],
                                     TINY_CLASSIFIER_PARAMETERS, NULL) != COP_STATUS_OK;
    return NULL;
}

START_TEST(updates_of_several_threads_follow_one_another)
{
    struct shared shared;
    pthread_t threads[4];
    struct worker workers[4];
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    begin(&shared, COP_DEVICE_REF, 100);
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct worker){.shared = &shared, .number = i};
        pthread_create(&threads[i], NULL, update_all_the_time, &workers[i]);
    }
    int mixed = 0;
    for (int i = 0; i < 500; i++)
        mixed += invoke(&shared, shared.ops[i % 2], i % 2, 0, false) < 0;
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(workers[i].wrong, 0);
    }
    ck_assert_int_eq(mixed, 0);
    ck_assert_int_eq(cop_cached_op_get_stats(shared.ops[0], &stats, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(stats.weight_generation, 400);
    ck_assert_int_eq(update(&shared), 0);
    ck_assert_int_eq(invoke(&shared, shared.ops[1], 1, 0, false), 1);
    end(&shared);
}
END_TEST

int main(void)
{
    return RUN_TESTS("weight update", every_invocation_sees_one_set_of_weights_on_ref,
                     every_invocation_sees_one_set_of_weights_on_cpu,
                     operators_made_and_released_meanwhile_see_the_right_set_on_ref,
                     operators_made_and_released_meanwhile_see_the_right_set_on_cpu,
                     updates_of_several_threads_follow_one_another);
}
