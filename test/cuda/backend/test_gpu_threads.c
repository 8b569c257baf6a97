// SPDX-License-Identifier: Apache-2.0
/* Many threads on emulated GPUs, whose streams pause at random: every output has the bits that one
 * thread gets. */
#include "gpu.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 6
#define INPUTS  4

/* What all threads of a test share. A thread counts what is wrong; the test asserts at the end. */
struct shared {
    cop_model *model;
    cop_cached_op *op;
    cop_ndarray *src[INPUTS], *expected[INPUTS];
    int rounds;
    _Atomic int wrong;
    _Atomic unsigned next_thread;
};

static struct shared shared;

static void set_up(void)
{
    open_gpus();
    cop_fake_cuda_seed(11);
    cop_fake_cuda_delay_us(300);
    shared.model = tiny_classifier(3);
    shared.op = compile_gpu(shared.model, 0);
    shared.rounds = 6;
    for (unsigned i = 0; i < INPUTS; i++) {
        shared.src[i] = random_array(4, image_shape, i);
        shared.expected[i] = invoke(shared.op, shared.src[i]);
    }
}

static void tear_down(void)
{
    for (int i = 0; i < INPUTS; i++)
        cop_ndarray_release(&shared.src[i]), cop_ndarray_release(&shared.expected[i]);
    cop_cached_op_release(&shared.op), cop_model_release(&shared.model);
    close_gpus();
}

static void count(bool is_right)
{
    atomic_fetch_add(&shared.wrong, !is_right);
}

static void run_threads(void *(*act)(void *))
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, act, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&shared.wrong), 0);
}

static void *invoke_often(void *unused)
{
    const unsigned thread = atomic_fetch_add(&shared.next_thread, 1);
    for (int i = 0; i < shared.rounds; i++) {
        const unsigned input = (thread + (unsigned)i) % INPUTS;
        cop_ndarray *dst = NULL;
        count(cop_invoke(shared.op, 1, &shared.src[input], 1, &dst, NULL, NULL) == COP_STATUS_OK &&
              same_bits(dst, shared.expected[input]));
        cop_ndarray_release(&dst);
    }
    return unused;
}

START_TEST(synchronous_calls_of_many_threads_agree_with_one)
{
    run_threads(invoke_often);
    ck_assert_uint_gt(counters().graph_launches, 0);
}
END_TEST

static void *submit_often(void *unused)
{
    const unsigned thread = atomic_fetch_add(&shared.next_thread, 1);
    for (int i = 0; i < shared.rounds / 2; i++) {
        cop_ndarray *dst[INPUTS] = {NULL};
        for (unsigned k = 0; k < INPUTS; k++)
            count(cop_invoke_async(shared.op, 1, &shared.src[k], 1, &dst[k], NULL, NULL) ==
                  COP_STATUS_OK);
        for (unsigned k = 0; k < INPUTS; k++) {
            const unsigned which = (k + thread) % INPUTS;
            count(cop_ndarray_wait(dst[which], COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK &&
                  same_bits(dst[which], shared.expected[which]));
            cop_ndarray_release(&dst[which]);
        }
    }
    return unused;
}

START_TEST(asynchronous_calls_of_many_threads_agree_with_one)
{
    run_threads(submit_often);
}
END_TEST

static void *mix(void *unused)
{
    return atomic_load(&shared.next_thread) % 2 == 0 ? invoke_often(unused) : submit_often(unused);
}

START_TEST(synchronous_and_asynchronous_calls_mix_and_agree_with_one)
{
    run_threads(mix);
}
END_TEST

/* An operator of its own each time, whose first context is made while others record. */
static void *compile_often(void *unused)
{
    const unsigned thread = atomic_fetch_add(&shared.next_thread, 1);
    for (int i = 0; i < shared.rounds / 3; i++) {
        const cop_cached_op_options options = gpu_options(0);
        const unsigned input = (thread + (unsigned)i) % INPUTS;
        cop_cached_op *own = NULL;
        count(cop_cached_op_create(shared.model, &options, &own, NULL) == COP_STATUS_OK);
        for (int run = 0; run < 3 && own != NULL; run++) {
            cop_ndarray *dst = NULL;
            count(cop_invoke(own, 1, &shared.src[input], 1, &dst, NULL, NULL) == COP_STATUS_OK &&
                  same_bits(dst, shared.expected[input]));
            cop_ndarray_release(&dst);
        }
        cop_cached_op_release(&own);
    }
    return unused;
}

static void *trim_often(void *unused)
{
    for (int i = 0; i < shared.rounds; i++) {
        count(cop_cached_op_trim(shared.op, 0, NULL, NULL) == COP_STATUS_OK);
        const cop_status status = cop_cached_op_warm_up(shared.op, 1, NULL);
        count(status == COP_STATUS_OK || status == COP_STATUS_BUSY);
    }
    return unused;
}

static void *do_anything(void *unused)
{
    switch (atomic_load(&shared.next_thread) % 4) {
    case 0:
        return compile_often(unused);
    case 1:
        atomic_fetch_add(&shared.next_thread, 1);
        return trim_often(unused);
    case 2:
        return submit_often(unused);
    default:
        return invoke_often(unused);
    }
}

START_TEST(contexts_come_and_go_while_others_record_and_run)
{
    run_threads(do_anything);
}
END_TEST

START_TEST(fewer_contexts_than_threads_are_shared_one_at_a_time)
{
    cop_cached_op_options options = gpu_options(0);
    options.max_contexts = 2;
    cop_cached_op_release(&shared.op);
    shared.op = compile(shared.model, &options);
    run_threads(invoke_often);
    run_threads(submit_often);
    ck_assert_uint_le(counters().streams, 2);
}
END_TEST

/* Scores on the device go to a second operator there. */
static void *chain_often(void *unused)
{
    const unsigned thread = atomic_fetch_add(&shared.next_thread, 1);
    const int64_t scores[] = {1, SCORES};
    cop_ndarray *between = NULL;
    const cop_device gpu = {COP_DEVICE_GPU, 0};
    for (int i = 0; i < shared.rounds / 2; i++) {
        const unsigned input = (thread + (unsigned)i) % INPUTS;
        cop_ndarray *host = NULL;
        if (between == NULL)
            count(cop_ndarray_create_in(gpu, COP_MEMORY_DEVICE, COP_DTYPE_FLOAT32, 2, scores,
                                        &between, NULL) == COP_STATUS_OK);
        count(cop_ndarray_create(COP_DTYPE_FLOAT32, 2, scores, &host, NULL) == COP_STATUS_OK);
        count(cop_invoke_async(shared.op, 1, &shared.src[input], 1, &between, NULL, NULL) ==
              COP_STATUS_OK);
        count(cop_ndarray_copy(between, host, NULL) == COP_STATUS_OK);
        count(same_bits(host, shared.expected[input]));
        cop_ndarray_release(&host);
    }
    cop_ndarray_release(&between);
    return unused;
}

START_TEST(outputs_in_device_memory_are_copied_after_they_are_written)
{
    run_threads(chain_often);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("threads on the emulated GPU", set_up, tear_down,
                          synchronous_calls_of_many_threads_agree_with_one,
                          asynchronous_calls_of_many_threads_agree_with_one,
                          synchronous_and_asynchronous_calls_mix_and_agree_with_one,
                          contexts_come_and_go_while_others_record_and_run,
                          fewer_contexts_than_threads_are_shared_one_at_a_time,
                          outputs_in_device_memory_are_copied_after_they_are_written);
}
