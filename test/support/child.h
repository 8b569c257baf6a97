// SPDX-License-Identifier: Apache-2.0
/*
 * Tests of fork: an operator that a thread or a worker of the parent can be held in, and what a
 * child does with everything. For one file of tests each, whose fixture set_up_parent and
 * clear_parent are.
 */
#ifndef TEST_SUPPORT_CHILD_H
#define TEST_SUPPORT_CHILD_H

#include <check.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "support/rigged_step.h"
#include "support/tiny_models.h"

#define LONG_ENOUGH INT64_C(10000000000)

static const int64_t shape[] = {1, 16};

static cop_model *model;
static cop_cached_op *op; /* relu; waits at the gate if its input begins with a negative number */
static cop_ndarray *src, *held; /* `held` is such an input */
static _Atomic int gate, at_gate;

static inline cop_status wait_at_gate(void *user, const struct kernel_args *args, cop_error *error)
{
    (void)user, (void)error;
    if (*(const float *)args->src[0] >= 0)
        return COP_STATUS_OK;
    atomic_fetch_add(&at_gate, 1);
    while (!atomic_load(&gate))
        usleep(100);
    return COP_STATUS_OK;
}

static inline void set_up_parent(void)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    model = tiny_relu();
    options.device.kind = COP_DEVICE_REF;
    options.max_contexts = 2;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &op, NULL), COP_STATUS_OK);
    rig_step(op, 0, wait_at_gate, NULL);
    src = zero_array(2, shape);
    held = zero_array(2, shape);
    for (int i = 0; i < 16; i++) {
        ((float *)cop_ndarray_data(src))[i] = (float)i;
        ((float *)cop_ndarray_data(held))[i] = -1;
    }
}

static inline void clear_parent(void)
{
    atomic_store(&gate, 1);
    (void)!cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL);
    cop_ndarray_release(&src), cop_ndarray_release(&held);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}

/* In a child, where Check's own functions are of no use. */
#define REQUIRE(condition)                                                                         \
    do                                                                                             \
        if (!(condition)) {                                                                        \
            dprintf(STDERR_FILENO, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                 \
            _exit(1);                                                                              \
        }                                                                                          \
    while (0)

static inline void expect_good_child(pid_t child)
{
    int status;
    ck_assert_int_ge(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the child ended by signal %d", WTERMSIG(status));
    ck_assert_msg(WEXITSTATUS(status) == 0, "the child found something wrong, see above");
}

static inline bool is_relu_of_src(const cop_ndarray *dst)
{
    return memcmp(cop_ndarray_data(dst), cop_ndarray_data(src), cop_ndarray_bytes(src)) == 0;
}

/* Everything a program does, on objects of the parent and on new ones. */
static inline void use_everything(void)
{
    cop_ndarray *dst = NULL, *later = NULL;
    REQUIRE(cop_invoke(op, 1, &src, 1, &dst, NULL, NULL) == COP_STATUS_OK && is_relu_of_src(dst));
    REQUIRE(cop_invoke_async(op, 1, &dst, 1, &later, NULL, NULL) == COP_STATUS_OK);
    REQUIRE(cop_ndarray_wait(later, LONG_ENOUGH, NULL, NULL) == COP_STATUS_OK);
    REQUIRE(is_relu_of_src(later));
    REQUIRE(cop_invoke(op, 1, &src, 1, &later, NULL, NULL) == COP_STATUS_OK);
    cop_ndarray_release(&dst), cop_ndarray_release(&later);
    cop_model *own = tiny_classifier(3);
    cop_cached_op *made = compile_on(own, COP_DEVICE_CPU);
    const int64_t image_shape[] = {1, 3, 12, 12};
    cop_ndarray *image = random_array(4, image_shape, 4);
    for (int i = 0; i < 3; i++) {
        REQUIRE(cop_invoke_async(made, 1, &image, 1, &dst, NULL, NULL) == COP_STATUS_OK);
        cop_ndarray_release(&dst);
    }
    REQUIRE(cop_wait_all(made, LONG_ENOUGH, NULL, NULL) == COP_STATUS_OK);
    cop_ndarray_release(&image);
    cop_cached_op_release(&made);
    cop_model_release(&own);
}

/* A thread's: held at the gate; NULL: all was well. */
static inline void *invoke_held(void *dst)
{
    cop_ndarray *array = dst;
    return cop_invoke(op, 1, &held, 1, &array, NULL, NULL) == COP_STATUS_OK ? NULL : dst;
}

#endif
