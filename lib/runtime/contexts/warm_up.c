// SPDX-License-Identifier: Apache-2.0
/* Making contexts before they are needed, and freeing them after. */
#include <cachedop/invoke.h>

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "runtime/cached_op.h"
#include "runtime/invocation.h"

/* One array of zeros for each input and output; `arrays` has room, already made ones are not NULL.
 */
static cop_status make_arrays(const cop_tensor_desc *descs, int count, cop_ndarray **arrays,
                              cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < count && status == COP_STATUS_OK; i++)
        status =
            cop_ndarray_create(descs[i].dtype, descs[i].rank, descs[i].shape, &arrays[i], error);
    return status;
}

static void release_arrays(cop_ndarray **arrays, size_t count)
{
    for (size_t i = 0; arrays != NULL && i < count; i++)
        cop_ndarray_release(&arrays[i]);
    cop_free(arrays);
}

/*
 * Runs a context on zeros. Where it records, the second run does, and only the third is as later
 * ones.
 */
static cop_status run_context(struct cop_cached_op *op, struct context *context,
                              cop_ndarray *const *arrays, cop_error *error)
{
    const struct plan *plan = op->plan;
    cop_status status = COP_STATUS_OK;
    memset(context->arena, 0, plan->arena_bytes);
    if (plan->device_arena_bytes > 0)
        status = cop_memory_clear(plan->devices.devices[0], MEMORY_DEVICE, context->device_arena,
                                  plan->device_arena_bytes, error);
    const int runs = plan->segment_count > 0 ? 3 : 1;
    for (int i = 0; i < runs && status == COP_STATUS_OK; i++) {
        struct invocation invocation = {.context = context, .limits = cop_no_limits};
        cop_invocation_bind(&invocation, arrays, arrays + plan->src_count);
        (void)cop_invocation_run(&invocation, &cop_no_limits, &status, error);
    }
    return status;
}

/* Takes all the contexts at once, so that they are different ones, and runs each. */
static cop_status run_contexts(struct cop_cached_op *op, struct context **contexts, size_t count,
                               cop_ndarray *const *arrays, cop_error *error)
{
    static const struct limits no_time = {0, NULL};
    cop_status status = COP_STATUS_OK;
    size_t taken = 0;
    for (; taken < count && status == COP_STATUS_OK; taken += contexts[taken] != NULL)
        status = cop_context_pool_take(op->contexts, &no_time, &contexts[taken], error);
    for (size_t i = 0; i < taken && status == COP_STATUS_OK; i++)
        status = run_context(op, contexts[i], arrays, error);
    for (size_t i = 0; i < taken; i++)
        cop_context_pool_put(op->contexts, contexts[i]);
    return status;
}

cop_status cop_cached_op_warm_up(cop_cached_op *op, size_t contexts, cop_error *error)
{
    if (op == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "warm-up: the operator is NULL");
    if (contexts > (size_t)op->max_contexts)
        return cop_fail(error, COP_STATUS_BUSY,
                        "warm-up: %zu contexts are more than max_contexts, %d", contexts,
                        op->max_contexts);
    const size_t count = (size_t)op->plan->src_count + (size_t)op->plan->dst_count;
    cop_ndarray **arrays = cop_alloc(count, sizeof(cop_ndarray *));
    struct context **taken = cop_alloc(contexts, sizeof(struct context *));
    cop_status status = COP_STATUS_OK;
    if (arrays == NULL || taken == NULL)
        status = cop_fail_memory(error, "warm-up", count * sizeof(void *));
    if (status == COP_STATUS_OK)
        status = make_arrays(op->plan->srcs, op->plan->src_count, arrays, error);
    if (status == COP_STATUS_OK)
        status =
            make_arrays(op->plan->dsts, op->plan->dst_count, arrays + op->plan->src_count, error);
    if (status == COP_STATUS_OK)
        status = run_contexts(op, taken, contexts, arrays, error);
    release_arrays(arrays, count);
    cop_free(taken);
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}

cop_status cop_cached_op_trim(cop_cached_op *op, size_t keep_contexts, size_t *freed_bytes,
                              cop_error *error)
{
    if (op == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "trim: the operator is NULL");
    size_t freed = cop_context_pool_trim(op->contexts, keep_contexts);
    for (int i = 0; i < op->plan->dst_count; i++)
        freed += cop_output_pool_trim(op->outputs[i]);
    if (freed_bytes != NULL)
        *freed_bytes = freed;
    return cop_ok(error);
}
