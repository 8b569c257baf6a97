// SPDX-License-Identifier: Apache-2.0
/* Asynchronous invocations through the CUDA module, on the emulated runtime, whose streams run
 * behind: many in flight, from many threads, give the bits of one at a time. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "support/tiny_models.h"
#include "support/unit.h"

#define THREADS 3
#define ROUNDS  3
#define BURST   4

static const int64_t image[] = {1, 3, 12, 12};

struct shared {
    cop_cached_op *op;
    cop_ndarray *src;
    float expected[5];
    _Atomic int wrong, called;
};

static void count_call(void *user, const cop_error *outcome)
{
    struct shared *shared = user;
    atomic_fetch_add(&shared->wrong, outcome->status != COP_STATUS_OK);
    atomic_fetch_add(&shared->called, 1);
}

static void *act(void *user)
{
    struct shared *shared = user;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    options.on_done = count_call, options.user = shared;
    for (int i = 0; i < ROUNDS; i++) {
        cop_ndarray *dst[BURST] = {NULL};
        for (int k = 0; k < BURST; k++)
            atomic_fetch_add(&shared->wrong,
                             cop_invoke_async(shared->op, 1, &shared->src, 1, &dst[k], &options,
                                              NULL) != COP_STATUS_OK);
        for (int k = BURST - 1; k >= 0; k--) {
            const cop_status status = cop_ndarray_wait(dst[k], COP_NO_TIMEOUT, NULL, NULL);
            atomic_fetch_add(&shared->wrong, status != COP_STATUS_OK ||
                                                 memcmp(cop_ndarray_data(dst[k]), shared->expected,
                                                        sizeof shared->expected) != 0);
            cop_ndarray_release(&dst[k]);
        }
    }
    return NULL;
}

/* With `workers`, and contexts for a part of all. */
static void check(int workers)
{
    cop_model *model = tiny_classifier(3);
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    struct shared shared = {.src = random_array(4, image, 7)};
    pthread_t threads[THREADS];
    cop_ndarray *dst = NULL;
    cop_error error = {0};
    options.device.kind = COP_DEVICE_GPU, options.max_contexts = 4;
    ck_assert_msg(cop_cached_op_create(model, &options, &shared.op, &error) == COP_STATUS_OK, "%s",
                  error.message);
    ck_assert_msg(cop_invoke(shared.op, 1, &shared.src, 1, &dst, NULL, &error) == COP_STATUS_OK,
                  "%s", error.message);
    memcpy(shared.expected, cop_ndarray_data(dst), sizeof shared.expected);
    ck_assert_int_eq(cop_set_worker_threads(workers, NULL), COP_STATUS_OK);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, act, &shared), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&shared.wrong), 0);
    for (int i = 0; i < 10000 && atomic_load(&shared.called) < THREADS * ROUNDS * BURST; i++)
        usleep(1000);
    ck_assert_int_eq(atomic_load(&shared.called), THREADS * ROUNDS * BURST);
    cop_ndarray_release(&dst), cop_ndarray_release(&shared.src);
    cop_cached_op_release(&shared.op), cop_model_release(&model);
}

static void load_module(void)
{
    cop_error error = {0};
    ck_assert_msg(cop_load_module(getenv("COP_EMULATED_MODULE"), &error) == COP_STATUS_OK, "%s",
                  error.message);
}

START_TEST(bursts_of_many_threads_agree_with_one_call_with_any_number_of_workers)
{
    for (int workers = 0; workers <= 2; workers++)
        check(workers);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("asynchronous on CUDA", load_module, NULL,
                          bursts_of_many_threads_agree_with_one_call_with_any_number_of_workers);
}
