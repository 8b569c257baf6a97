// SPDX-License-Identifier: Apache-2.0
/*
 * Elements that decide shapes: Shape → Gather → Concat → Reshape and the like. Only what such an
 * operator reads is computed, and what leads there; other constants stay recipes for the weight
 * store.
 */
#include <string.h>

#include "base/error.h"
#include "graph/graph_parts.h"
#include "ir/ops/resolve.h"

/* Larger results do not decide shapes. */
#define MAX_FOLDED_ELEMENTS 65536
#define MAX_FOLDED_FLOATS   4096

/* Bytes that evaluations may read in all: a small table read a million times is work, too. */
#define MAX_READ_BYTES ((size_t)256 << 20)

/* Whether the rule of a kind looks at the elements of a source. */
static bool rule_reads_elements(enum op_kind kind, int src)
{
    switch (kind) {
    case OP_RESHAPE:
    case OP_SQUEEZE:
    case OP_UNSQUEEZE:
    case OP_SPLIT:
    case OP_REDUCE:
    case OP_PAD:
        return src == 1;
    case OP_SLICE:
        return src >= 1;
    default:
        return false;
    }
}

static bool needs_only_shape(enum op_kind kind)
{
    return kind == OP_SHAPE || kind == OP_FILL;
}

/* Those whose work is not bounded by the elements they read and write are left to recipes. */
static bool is_cheap(enum op_kind kind)
{
    return kind != OP_CONVOLUTION && kind != OP_POOLING && kind != OP_LRN &&
           kind != OP_FULLY_CONNECTED && kind != OP_GEMM && kind != OP_MATMUL;
}

void cop_shape_walk_find_wanted(struct shape_walk *walk)
{
    const struct graph *graph = walk->graph;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const struct graph_node *node = &graph->nodes[i];
        bool is_wanted = false;
        for (int j = 0; j < node->dst_count; j++)
            is_wanted |= walk->is_wanted[node->dst[j]] != 0;
        is_wanted &= !needs_only_shape(node->kind);
        for (int j = 0; j < node->src_count && !node->is_dead; j++)
            if (node->src[j] != COP_NO_VALUE && (is_wanted || rule_reads_elements(node->kind, j)))
                walk->is_wanted[node->src[j]] = 1;
    }
}

static bool is_small(cop_dtype dtype, const struct shape *shape)
{
    int64_t elements;
    const bool is_float = dtype == COP_DTYPE_FLOAT32 || dtype == COP_DTYPE_FLOAT64 ||
                          dtype == COP_DTYPE_FLOAT16 || dtype == COP_DTYPE_BFLOAT16;
    return dtype != COP_DTYPE_UNKNOWN && cop_shape_is_known(shape) &&
           cop_shape_elements(shape, &elements) &&
           elements <= (is_float ? MAX_FOLDED_FLOATS : MAX_FOLDED_ELEMENTS);
}

static bool exceeds_budget(const struct shape_walk *walk, const struct graph_value *value)
{
    size_t bytes;
    return !cop_shape_bytes(&value->shape, value->dtype, &bytes) ||
           bytes > COP_MAX_FOLDED_BYTES - walk->folded_bytes;
}

/* Memory for the elements of a value within the budget, one byte at least: nothing is known, too.
 */
static void *take_elements(struct shape_walk *walk, const struct graph_value *value, size_t *bytes)
{
    *bytes = (size_t)cop_shape_product(&value->shape, 0, value->shape.rank) *
             cop_dtype_bytes(value->dtype);
    walk->folded_bytes += *bytes;
    return cop_arena_alloc(&walk->graph->arena, *bytes == 0 ? 1 : *bytes, 1);
}

static bool can_read_constant(const struct shape_walk *walk, const struct graph_value *value)
{
    return value->constant != NULL && value->constant->source != NULL &&
           is_small(value->dtype, &value->shape) && !exceeds_budget(walk, value);
}

static cop_status read_constant(struct shape_walk *walk, int index, cop_error *error)
{
    struct graph_value *value = &walk->graph->values[index];
    const unsigned char *bytes;
    size_t size;
    void *elements = take_elements(walk, value, &size);
    if (elements == NULL)
        return cop_fail_memory(error, "elements of a constant", value->constant->bytes);
    const cop_status status =
        cop_source_pin(value->constant->source, value->constant->offset, size, &bytes, error);
    if (status != COP_STATUS_OK)
        return status;
    if (size > 0)
        memcpy(elements, bytes, size);
    cop_source_unpin(value->constant->source);
    value->value = elements;
    value->constant->is_read = true;
    cop_shape_walk_touch(walk, index);
    return COP_STATUS_OK;
}

cop_status cop_shape_walk_elements(struct shape_walk *walk, const struct graph_node *node,
                                   int index, cop_error *error)
{
    const int src = node->src[index];
    if (src == COP_NO_VALUE || !rule_reads_elements(node->kind, index) ||
        walk->graph->values[src].value != NULL ||
        !can_read_constant(walk, &walk->graph->values[src]))
        return COP_STATUS_OK;
    return read_constant(walk, src, error);
}

/* A Shape needs no kernel, and not even all dimensions. */
static cop_status fold_shape(struct shape_walk *walk, const struct graph_node *node,
                             cop_error *error)
{
    const struct graph_value *src = &walk->graph->values[node->src[0]];
    struct graph_value *dst = &walk->graph->values[node->dst[0]];
    int first, end;
    size_t bytes;
    if (src->shape.rank == COP_UNKNOWN || !cop_shape_is_known(&dst->shape))
        return COP_STATUS_OK;
    cop_resolve_shape_range(node->attrs, src->shape.rank, &first, &end);
    for (int i = first; i < end; i++)
        if (src->shape.dims[i] == COP_UNKNOWN)
            return COP_STATUS_OK;
    if (exceeds_budget(walk, dst))
        return COP_STATUS_OK;
    int64_t *elements = take_elements(walk, dst, &bytes);
    if (elements == NULL)
        return cop_fail_memory(error, "elements of a shape", bytes);
    for (int i = first; i < end; i++)
        elements[i - first] = src->shape.dims[i];
    dst->value = elements;
    cop_shape_walk_touch(walk, node->dst[0]);
    return COP_STATUS_OK;
}

/* Whether the results are wanted, open and small, and all sources known or small constants. */
static bool can_fold(const struct shape_walk *walk, const struct graph_node *node)
{
    const struct graph *graph = walk->graph;
    bool is_wanted = false;
    if (walk->evaluator == NULL || !is_cheap(node->kind) || node->post_ops->count > 0)
        return false;
    for (int i = 0; i < node->dst_count; i++) {
        const struct graph_value *dst = &graph->values[node->dst[i]];
        is_wanted |= walk->is_wanted[node->dst[i]] != 0;
        if (dst->value != NULL || !is_small(dst->dtype, &dst->shape) || exceeds_budget(walk, dst))
            return false;
    }
    for (int i = 0; i < node->src_count && is_wanted && !needs_only_shape(node->kind); i++) {
        const int src = node->src[i];
        if (src != COP_NO_VALUE && graph->values[src].value == NULL &&
            !can_read_constant(walk, &graph->values[src]))
            return false;
    }
    return is_wanted;
}

/* Reads the constants among the sources and shows everything to the evaluator; true: it may go on.
 */
static cop_status prepare_fold(struct shape_walk *walk, const struct graph_node *node,
                               bool *is_ready, cop_error *error)
{
    struct graph *graph = walk->graph;
    *is_ready = true;
    for (int i = 0; i < node->src_count; i++) {
        walk->tensors[i] = (struct op_tensor){.shape = cop_shape_unknown()};
        if (node->src[i] == COP_NO_VALUE)
            continue;
        struct graph_value *src = &graph->values[node->src[i]];
        if (src->value == NULL && !needs_only_shape(node->kind)) {
            /* Reading the ones before may have used the budget up. */
            *is_ready = can_read_constant(walk, src);
            const cop_status status =
                *is_ready ? read_constant(walk, node->src[i], error) : COP_STATUS_OK;
            if (status != COP_STATUS_OK || !*is_ready)
                return status;
        }
        walk->tensors[i] = (struct op_tensor){true, src->dtype, src->shape, src->value};
        size_t bytes = 0;
        if (src->value != NULL && cop_shape_bytes(&src->shape, src->dtype, &bytes))
            walk->read_bytes += bytes;
    }
    *is_ready = walk->read_bytes <= MAX_READ_BYTES;
    return COP_STATUS_OK;
}

static cop_status evaluate(struct shape_walk *walk, const struct graph_node *node, void **elements,
                           cop_error *error)
{
    struct op_tensor *dst = walk->tensors + node->src_count;
    for (int i = 0; i < node->dst_count; i++) {
        const struct graph_value *value = &walk->graph->values[node->dst[i]];
        size_t bytes;
        dst[i] = (struct op_tensor){true, value->dtype, value->shape, NULL};
        if (exceeds_budget(walk, value))
            return COP_STATUS_UNSUPPORTED; /* not told: the value just stays unknown */
        elements[i] = take_elements(walk, value, &bytes);
        if (elements[i] == NULL)
            return cop_fail_memory(error, "elements of a result", bytes);
    }
    return walk->evaluator->evaluate(walk->evaluator->user, node->kind, node->attrs,
                                     node->src_count, walk->tensors, node->dst_count, dst, elements,
                                     error);
}

static cop_status fold_node(struct shape_walk *walk, const struct graph_node *node,
                            cop_error *error)
{
    bool is_ready;
    cop_status status = prepare_fold(walk, node, &is_ready, error);
    if (status != COP_STATUS_OK || !is_ready)
        return status;
    void **elements =
        cop_arena_alloc(&walk->graph->arena, (size_t)node->dst_count, sizeof *elements);
    if (elements == NULL)
        return cop_fail_memory(error, "elements of a result", (size_t)node->dst_count);
    status = evaluate(walk, node, elements, error);
    if (status == COP_STATUS_UNSUPPORTED)
        return COP_STATUS_OK;
    for (int i = 0; i < node->dst_count && status == COP_STATUS_OK; i++) {
        walk->graph->values[node->dst[i]].value = elements[i];
        cop_shape_walk_touch(walk, node->dst[i]);
    }
    return status;
}

cop_status cop_shape_walk_fold(struct shape_walk *walk, int index, cop_error *error)
{
    const struct graph_node *node = &walk->graph->nodes[index];
    if (node->kind == OP_SHAPE)
        return walk->graph->values[node->dst[0]].value != NULL ? COP_STATUS_OK
                                                               : fold_shape(walk, node, error);
    return can_fold(walk, node) ? fold_node(walk, node, error) : COP_STATUS_OK;
}
