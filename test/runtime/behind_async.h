// SPDX-License-Identifier: Apache-2.0
/* An operator on the device that runs behind, invoked asynchronously: what those tests share. */
#ifndef TEST_RUNTIME_BEHIND_ASYNC_H
#define TEST_RUNTIME_BEHIND_ASYNC_H

#include "base/clock.h"
#include "runtime/cached_op.h"
#include "support/arrays.h"
#include "support/behind/behind_models.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define MS INT64_C(1000000)

static struct behind_control *control;
static const int64_t map[] = {4, 16};

static inline void set_up(void)
{
    control = behind_open();
    behind_reset(control);
}

/* An operator with an input, and what comes out of it. */
struct fixture {
    cop_model *model;
    cop_cached_op *op;
    cop_ndarray *src;
    float expected[64];
};

static inline struct fixture begin_fixture(cop_model *model, size_t max_contexts, size_t count)
{
    struct fixture fixture = {.model = model, .op = behind_compile(model, max_contexts)};
    fixture.src = random_array(2, map, 5);
    for (int i = 0; i < 3; i++) /* recorded, where it is */
        behind_invoke(fixture.op, fixture.src, fixture.expected, count);
    return fixture;
}

static inline void end_fixture(struct fixture *fixture)
{
    cop_ndarray_release(&fixture->src);
    cop_cached_op_release(&fixture->op);
    cop_model_release(&fixture->model);
}

static inline void set_workers(int count)
{
    ck_assert_int_eq(cop_set_worker_threads(count, NULL), COP_STATUS_OK);
}

static inline cop_ndarray *submit(struct fixture *fixture, const cop_invoke_options *options)
{
    cop_ndarray *dst = NULL;
    cop_error error = {0};
    ck_assert_msg(cop_invoke_async(fixture->op, 1, &fixture->src, 1, &dst, options, &error) ==
                      COP_STATUS_OK,
                  "%s", error.message);
    return dst;
}

static inline cop_status wait_for(cop_ndarray *array, int64_t timeout_ns)
{
    return cop_ndarray_wait(array, timeout_ns, NULL, NULL);
}

/* Waits, checks and releases. */
static inline void check_result(const struct fixture *fixture, cop_ndarray *dst, size_t count)
{
    float actual[64];
    cop_error error = {0};
    ck_assert_msg(cop_ndarray_wait(dst, COP_NO_TIMEOUT, NULL, &error) == COP_STATUS_OK, "%s",
                  error.message);
    behind_read(dst, actual, count);
    ck_assert_mem_eq(actual, fixture->expected, count * sizeof *actual);
    cop_ndarray_release(&dst);
}

/* Fails when it is not so within ten seconds. */
#define AWAIT(condition)                                                                           \
    for (int64_t end_ns = cop_now_ns() + 10000 * MS; !(condition); usleep(200))                    \
    ck_assert_msg(cop_now_ns() < end_ns, "in vain: %s", #condition)

/* Without workers: a wait that ends too early begins it all the same. `busy`: streams, then. */
static inline void begin_by_waiting(cop_ndarray *dst, long busy)
{
    AWAIT(wait_for(dst, 5 * MS) == COP_STATUS_TIMEOUT &&
          atomic_load(&control->busy_streams) == busy);
}

static inline cop_library_stats library_stats(void)
{
    cop_library_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_library_get_stats(&stats, NULL), COP_STATUS_OK);
    return stats;
}

#endif
