// SPDX-License-Identifier: Apache-2.0
/* What an operator tells about itself: inputs, outputs, statistics, its plan. */
#include "runtime/cached_op.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"

size_t cop_cached_op_input_count(const cop_cached_op *op)
{
    return op == NULL ? 0 : (size_t)op->plan->src_count;
}

size_t cop_cached_op_output_count(const cop_cached_op *op)
{
    return op == NULL ? 0 : (size_t)op->plan->dst_count;
}

static cop_status describe(const char *what, const cop_tensor_desc *descs, int count, size_t index,
                           cop_tensor_desc *desc, cop_error *error)
{
    if (desc == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%s: the description is NULL", what);
    if (index >= (size_t)count)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%s %zu of %d", what, index, count);
    *desc = descs[index];
    return cop_ok(error);
}

cop_status cop_cached_op_input(const cop_cached_op *op, size_t index, cop_tensor_desc *desc,
                               cop_error *error)
{
    if (op == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "input: the operator is NULL");
    return describe("input", op->plan->srcs, op->plan->src_count, index, desc, error);
}

cop_status cop_cached_op_output(const cop_cached_op *op, size_t index, cop_tensor_desc *desc,
                                cop_error *error)
{
    if (op == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "output: the operator is NULL");
    return describe("output", op->plan->dsts, op->plan->dst_count, index, desc, error);
}

static cop_status find_by_name(const char *what, const cop_tensor_desc *descs, int count,
                               const char *name, size_t *index, cop_error *error)
{
    if (name == NULL || index == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "find %s: an argument is NULL", what);
    struct text names = {0};
    for (int i = 0; i < count; i++) {
        if (strcmp(descs[i].name, name) == 0) {
            cop_text_free(&names);
            *index = (size_t)i;
            return cop_ok(error);
        }
        cop_text_add(&names, "%s'%s'", i == 0 ? "" : ", ", descs[i].name);
    }
    const cop_status status =
        cop_fail(error, COP_STATUS_NOT_FOUND, "there is no %s '%s', only %s", what, name,
                 names.failed || names.bytes == NULL ? "others" : names.bytes);
    cop_text_free(&names);
    return status;
}

cop_status cop_cached_op_find_input(const cop_cached_op *op, const char *name, size_t *index,
                                    cop_error *error)
{
    if (op == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "find input: the operator is NULL");
    return find_by_name("input", op->plan->srcs, op->plan->src_count, name, index, error);
}

cop_status cop_cached_op_find_output(const cop_cached_op *op, const char *name, size_t *index,
                                     cop_error *error)
{
    if (op == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "find output: the operator is NULL");
    return find_by_name("output", op->plan->dsts, op->plan->dst_count, name, index, error);
}

static size_t kept_output_bytes(const struct cop_cached_op *op)
{
    size_t kept = 0;
    for (int i = 0; i < op->plan->dst_count; i++)
        kept += cop_output_pool_kept_bytes(op->outputs[i]);
    return kept;
}

cop_status cop_cached_op_get_stats(const cop_cached_op *op, cop_cached_op_stats *stats,
                                   cop_error *error)
{
    if (op == NULL || stats == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "statistics: an argument is NULL");
    const struct context_counters counters = cop_context_pool_counters(op->contexts);
    uint64_t generation;
    struct weight_set *weights = cop_current_weights_take(&op->weights, &generation);
    const cop_cached_op_stats values = {
        .packed_weight_bytes = weights->bytes,
        .plan_bytes = op->plan->plan_bytes,
        .arena_bytes = op->plan->arena_bytes + op->plan->device_arena_bytes,
        .context_bytes = cop_context_bytes(op->plan),
        .contexts = counters.contexts,
        .in_flight = counters.in_flight,
        .invocations = counters.invocations,
        .failures = counters.failures,
        .kept_output_bytes = kept_output_bytes(op),
        .weight_generation = generation,
    };
    cop_weight_set_release(&weights);
    return cop_answer_write(stats, &values, sizeof values, "cop_cached_op_stats", error);
}

cop_status cop_cached_op_print_plan(const cop_cached_op *op, cop_plan_format format, char **text,
                                    cop_error *error)
{
    if (text == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "print: the result pointer is NULL");
    *text = NULL;
    if (op == NULL || (format != COP_PLAN_FORMAT_TEXT && format != COP_PLAN_FORMAT_DOT &&
                       format != COP_PLAN_FORMAT_JSON))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "print: the operator is NULL or format %d is unknown", (int)format);
    const cop_status status = cop_plan_print(op->plan, format, text, error);
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}

void cop_text_release(char **text)
{
    if (text == NULL)
        return;
    cop_free(*text);
    *text = NULL;
}
