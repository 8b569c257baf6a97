// SPDX-License-Identifier: Apache-2.0
/* Fewer contexts than invocations: who waits for one, how long, and that nobody waits for ever. */
#include "runtime/contexts/context.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/cached_op.h"
#include "runtime/engine/engine.h"
#include "support/hog.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define MILLISECOND INT64_C(1000000)
#define LONG_ENOUGH (20000 * MILLISECOND) /* a failing test ends by then */

static cop_model *model;
static cop_cached_op *op; /* of one context; its steps take milliseconds */
static cop_ndarray *images;

static void setup(void)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    const cop_input_shape shape = {"data", 4, {256, 3, 12, 12}};
    model = tiny_classifier(1);
    options.device.kind = COP_DEVICE_REF;
    options.max_contexts = 1;
    options.input_shapes = &shape;
    options.input_shape_count = 1;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &op, NULL), COP_STATUS_OK);
    images = random_array(4, shape.shape, 2);
    ck_assert_int_eq(cop_set_worker_threads(1, NULL), COP_STATUS_OK);
}

static void teardown(void)
{
    cop_ndarray_release(&images);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}

static cop_ndarray *invoke_async(void)
{
    cop_ndarray *scores = NULL;
    ck_assert_int_eq(cop_invoke_async(op, 1, &images, 1, &scores, NULL, NULL), COP_STATUS_OK);
    return scores;
}

START_TEST(a_wait_with_a_deadline_does_not_wait_longer_for_a_context)
{
    static const struct limits no_time = {0, NULL};
    struct hog hog;
    struct context *context = NULL;
    ck_assert_int_eq(cop_context_pool_take(op->contexts, &no_time, &context, NULL), COP_STATUS_OK);
    submit_hog(&hog);
    cop_ndarray *scores = invoke_async();
    const int64_t begin_ns = cop_now_ns();
    ck_assert_int_eq(cop_ndarray_wait(scores, 20 * MILLISECOND, NULL, NULL), COP_STATUS_TIMEOUT);
    ck_assert_int_eq(cop_wait_all(op, 20 * MILLISECOND, NULL, NULL), COP_STATUS_TIMEOUT);
    ck_assert_int_lt(cop_now_ns() - begin_ns, LONG_ENOUGH);
    cop_context_pool_put(op->contexts, context);
    ck_assert_int_eq(cop_ndarray_wait(scores, LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
    atomic_store(&hog.gate, 1);
    ck_assert_int_eq(cop_wait_all(NULL, LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
    cop_ndarray_release(&scores);
}
END_TEST

/* Begins the invocation in this thread and hands it back between two steps. */
static void *wait_briefly(void *scores)
{
    (void)!cop_ndarray_wait(scores, MILLISECOND, NULL, NULL);
    return NULL;
}

START_TEST(a_paused_invocation_leaves_its_context_to_those_who_wait_for_one)
{
    struct hog hog;
    cop_ndarray *expected = NULL;
    ck_assert_int_eq(cop_invoke(op, 1, &images, 1, &expected, NULL, NULL), COP_STATUS_OK);
    submit_hog(&hog);
    cop_ndarray *paused = invoke_async(), *other = invoke_async();
    wait_briefly(paused);
    /* The worker is busy, and this thread wants the context for the second. */
    ck_assert_int_eq(cop_ndarray_wait(other, LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(paused, 0, NULL, NULL), COP_STATUS_TIMEOUT);
    ck_assert_int_eq(cop_ndarray_wait(paused, LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
    ck_assert_mem_eq(cop_ndarray_data(paused), cop_ndarray_data(expected),
                     cop_ndarray_bytes(expected));
    atomic_store(&hog.gate, 1);
    ck_assert_int_eq(cop_wait_all(NULL, LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
    cop_ndarray_release(&paused), cop_ndarray_release(&other), cop_ndarray_release(&expected);
}
END_TEST

START_TEST(a_worker_gets_the_context_that_a_waiting_thread_lets_go)
{
    for (int i = 0; i < 20; i++) {
        struct hog hog;
        pthread_t thread;
        submit_hog(&hog);
        cop_ndarray *paused = invoke_async(), *other = invoke_async();
        pthread_create(&thread, NULL, wait_briefly, paused);
        usleep(300);
        atomic_store(&hog.gate, 1); /* the worker takes whichever is left */
        pthread_join(thread, NULL);
        ck_assert_int_eq(cop_ndarray_wait(other, LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
        ck_assert_int_eq(cop_wait_all(NULL, LONG_ENOUGH, NULL, NULL), COP_STATUS_OK);
        cop_ndarray_release(&paused), cop_ndarray_release(&other);
    }
}
END_TEST

START_TEST(a_constant_is_copied_after_the_invocations_that_write_it)
{
    static const int64_t sixteen[] = {1, 16};
    struct hog hog;
    cop_model *small = tiny_relu();
    cop_cached_op *relu = compile_on(small, COP_DEVICE_REF), *fixed = NULL;
    cop_ndarray *src = random_array(2, sixteen, 3), *pending = NULL, *dst = NULL;
    submit_hog(&hog);
    ck_assert_int_eq(cop_invoke_async(relu, 1, &src, 1, &pending, NULL, NULL), COP_STATUS_OK);
    const cop_constant constant = {"data", pending};
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device.kind = COP_DEVICE_REF;
    options.constants = &constant;
    options.constant_count = 1;
    memset(cop_ndarray_data(pending), 0, cop_ndarray_bytes(pending)); /* nothing runs yet */
    ck_assert_int_eq(cop_cached_op_create(small, &options, &fixed, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke(fixed, 0, NULL, 1, &dst, NULL, NULL), COP_STATUS_OK);
    const float *from = cop_ndarray_data(src), *to = cop_ndarray_data(dst);
    for (int i = 0; i < 16; i++)
        ck_assert(to[i] == (from[i] > 0 ? from[i] : 0));
    cop_cached_op_release(&fixed);
    cop_ndarray_release(&pending);
    cop_invoke_options late = COP_INVOKE_OPTIONS_INIT;
    late.timeout_ns = 0;
    ck_assert_int_eq(cop_invoke_async(relu, 1, &src, 1, &pending, &late, NULL), COP_STATUS_OK);
    const cop_constant failed = {"data", pending};
    options.constants = &failed;
    ck_assert_int_eq(cop_cached_op_create(small, &options, &fixed, NULL), COP_STATUS_TIMEOUT);
    ck_assert_ptr_null(fixed);
    atomic_store(&hog.gate, 1);
    (void)!cop_wait_all(NULL, LONG_ENOUGH, NULL, NULL); /* reports that failure, too */
    cop_ndarray_release(&src), cop_ndarray_release(&pending), cop_ndarray_release(&dst);
    cop_cached_op_release(&relu), cop_model_release(&small);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("contexts", setup, teardown,
                          a_wait_with_a_deadline_does_not_wait_longer_for_a_context,
                          a_paused_invocation_leaves_its_context_to_those_who_wait_for_one,
                          a_worker_gets_the_context_that_a_waiting_thread_lets_go,
                          a_constant_is_copied_after_the_invocations_that_write_it);
}
