// SPDX-License-Identifier: Apache-2.0
/* Many threads on shared operators: every result is, to the bit, that of one thread. */
#include "support/behind/behind_control.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#include <pthread.h>
#include <string.h>

#define THREADS 16
#define ROUNDS  1000
#define IMAGES  8

static const int64_t image_shape[] = {1, 3, 12, 12}, score_shape[] = {1, 5};

struct shared {
    cop_model *model;
    cop_cached_op *op;
    cop_ndarray *images[IMAGES];
    float expected[IMAGES][5];
    cop_device_kind device;
    int rounds;
};

struct worker {
    struct shared *shared;
    int number;
    int wrong; /* what the thread found; asserted after it is joined */
};

static void begin(struct shared *shared, cop_device_kind device, int rounds)
{
    shared->device = device;
    shared->rounds = rounds;
    shared->model = tiny_classifier(3);
    shared->op = compile_on(shared->model, device);
    for (int i = 0; i < IMAGES; i++) {
        shared->images[i] = random_array(4, image_shape, 100 + (unsigned)i);
        cop_ndarray *scores = NULL;
        ck_assert_int_eq(cop_invoke(shared->op, 1, &shared->images[i], 1, &scores, NULL, NULL),
                         COP_STATUS_OK);
        memcpy(shared->expected[i], cop_ndarray_data(scores), sizeof shared->expected[i]);
        cop_ndarray_release(&scores);
    }
}

static void end(struct shared *shared)
{
    for (int i = 0; i < IMAGES; i++)
        cop_ndarray_release(&shared->images[i]);
    cop_cached_op_release(&shared->op);
    cop_model_release(&shared->model);
}

static int run_threads(struct shared *shared, int count, void *(*function)(void *))
{
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    int wrong = 0;
    for (int i = 0; i < count; i++) {
        workers[i] = (struct worker){shared, i, 0};
        pthread_create(&threads[i], NULL, function, &workers[i]);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        wrong += workers[i].wrong;
    }
    return wrong;
}

static bool is_expected(const struct shared *shared, int image, const cop_ndarray *scores)
{
    return memcmp(cop_ndarray_data(scores), shared->expected[image],
                  sizeof shared->expected[image]) == 0;
}

static void *invoke_bound(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    cop_ndarray *scores = zero_array(2, score_shape);
    for (int k = 0; k < shared->rounds; k++) {
        const int image = (k + worker->number) % IMAGES;
        if (cop_invoke(shared->op, 1, &shared->images[image], 1, &scores, NULL, NULL) !=
                COP_STATUS_OK ||
            !is_expected(shared, image, scores))
            worker->wrong++;
    }
    cop_ndarray_release(&scores);
    return NULL;
}

static void *invoke_made(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    for (int k = 0; k < shared->rounds; k++) {
        const int image = (k * 3 + worker->number) % IMAGES;
        cop_ndarray *scores = NULL;
        if (cop_invoke(shared->op, 1, &shared->images[image], 1, &scores, NULL, NULL) !=
                COP_STATUS_OK ||
            !is_expected(shared, image, scores))
            worker->wrong++;
        cop_ndarray_release(&scores);
    }
    return NULL;
}

/* Creates, reshapes, invokes and releases operators of the one model, all the time. */
static void *create_and_invoke(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    for (int k = 0; k < shared->rounds; k++) {
        cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
        cop_cached_op *op = NULL, *pair = NULL;
        cop_ndarray *scores = NULL, *pair_scores = NULL;
        const cop_input_shape shape = {"data", 4, {2, 3, 12, 12}};
        const int image = (k + worker->number) % IMAGES;
        options.device.kind = shared->device;
        cop_ndarray *both = zero_array(4, shape.shape);
        if (cop_cached_op_create(shared->model, &options, &op, NULL) != COP_STATUS_OK ||
            cop_cached_op_reshape(op, &shape, 1, &pair, NULL, NULL) != COP_STATUS_OK ||
            cop_invoke(op, 1, &shared->images[image], 1, &scores, NULL, NULL) != COP_STATUS_OK ||
            !is_expected(shared, image, scores) ||
            cop_invoke(pair, 1, &both, 1, &pair_scores, NULL, NULL) != COP_STATUS_OK)
            worker->wrong++;
        cop_cached_op_release(&op);
        cop_ndarray_release(&scores);
        cop_cached_op_release(&pair);
        cop_ndarray_release(&pair_scores), cop_ndarray_release(&both);
    }
    return NULL;
}

/* Submits a burst, releases what it can at once, and waits in whatever way its number says. */
static void *invoke_async(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    for (int k = 0; k < shared->rounds / IMAGES; k++) {
        cop_ndarray *scores[IMAGES] = {NULL};
        for (int i = 0; i < IMAGES; i++)
            if (cop_invoke_async(shared->op, 1, &shared->images[i], 1, &scores[i], NULL, NULL) !=
                COP_STATUS_OK)
                worker->wrong++;
        if (worker->number % 3 == 0 && cop_wait_all(worker->number % 2 ? shared->op : NULL,
                                                    COP_NO_TIMEOUT, NULL, NULL) != COP_STATUS_OK)
            worker->wrong++;
        for (int i = IMAGES; i-- > 0;) {
            if (worker->number % 3 != 0 &&
                cop_ndarray_wait(scores[i], COP_NO_TIMEOUT, NULL, NULL) != COP_STATUS_OK)
                worker->wrong++;
            if (!is_expected(shared, i, scores[i]))
                worker->wrong++;
            cop_ndarray_release(&scores[i]);
        }
    }
    return NULL;
}

static void check(void *(*function)(void *), cop_device_kind device, int threads, int rounds)
{
    struct shared shared;
    begin(&shared, device, rounds);
    ck_assert_int_eq(run_threads(&shared, threads, function), 0);
    ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    end(&shared);
}

START_TEST(sixteen_threads_with_their_own_outputs_agree_with_one_on_ref)
{
    check(invoke_bound, COP_DEVICE_REF, THREADS, ROUNDS);
}
END_TEST

START_TEST(sixteen_threads_with_their_own_outputs_agree_with_one_on_cpu)
{
    check(invoke_bound, COP_DEVICE_CPU, THREADS, ROUNDS);
}
END_TEST

START_TEST(sixteen_threads_with_outputs_made_for_them_agree_with_one)
{
    check(invoke_made, COP_DEVICE_REF, THREADS, ROUNDS);
    check(invoke_made, COP_DEVICE_CPU, THREADS, ROUNDS);
}
END_TEST

START_TEST(operators_are_created_reshaped_and_released_by_many_threads)
{
    check(create_and_invoke, COP_DEVICE_REF, 8, 50);
    check(create_and_invoke, COP_DEVICE_CPU, 8, 20);
}
END_TEST

START_TEST(asynchronous_bursts_of_many_threads_agree_with_one)
{
    check(invoke_async, COP_DEVICE_REF, THREADS, 400);
    check(invoke_async, COP_DEVICE_CPU, THREADS, 400);
}
END_TEST

START_TEST(threads_and_bursts_on_a_device_with_memory_agree_with_one)
{
    struct behind_control *control = behind_open();
    behind_reset(control);
    check(invoke_bound, COP_DEVICE_GPU, THREADS, 60);
    check(invoke_made, COP_DEVICE_GPU, THREADS, 60);
    check(create_and_invoke, COP_DEVICE_GPU, 4, 10);
    atomic_store(&control->most_random_us, 50);
    check(invoke_async, COP_DEVICE_GPU, THREADS, 60);
}
END_TEST

int main(void)
{
    return RUN_TESTS("many threads", sixteen_threads_with_their_own_outputs_agree_with_one_on_ref,
                     sixteen_threads_with_their_own_outputs_agree_with_one_on_cpu,
                     sixteen_threads_with_outputs_made_for_them_agree_with_one,
                     operators_are_created_reshaped_and_released_by_many_threads,
                     asynchronous_bursts_of_many_threads_agree_with_one,
                     threads_and_bursts_on_a_device_with_memory_agree_with_one);
}
