// SPDX-License-Identifier: Apache-2.0
/* The steps of which mappings are made. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/mxnet/mxnet_operators.h"

/* Remembers why the graph refused something; it left the reason in the error. */
static int remember(struct mxnet_call *call, int value)
{
    if (value < 0) {
        const cop_status status = call->attributes.error->status;
        call->attributes.status =
            cop_error_prefix(call->attributes.error, status,
                             "node '%.64s' (%.64s): ", call->node->name, call->node->op);
    }
    return value < 0 ? COP_NO_VALUE : value;
}

static struct op_tensor show(const struct graph *graph, int value)
{
    struct op_tensor tensor = {.is_present = value != COP_NO_VALUE};
    if (tensor.is_present) {
        tensor.dtype = graph->values[value].dtype;
        tensor.shape = graph->values[value].shape;
        tensor.value = graph->values[value].value;
    }
    return tensor;
}

/*
 * Notes what follows for the results of the newest node: a few operators need the rank of their
 * input, and weights that contradict each other are found here. Nothing is known of the inputs'
 * sizes yet, so that most stays open.
 */
static cop_status learn_results(struct mxnet_call *call)
{
    struct graph *graph = call->graph;
    const struct graph_node *node = &graph->nodes[graph->node_count - 1];
    const int src_count = node->src_count, dst_count = node->dst_count;
    struct op_tensor *tensors = cop_alloc((size_t)src_count + (size_t)dst_count, sizeof *tensors);
    if (tensors == NULL)
        return cop_fail_memory(call->attributes.error, "a node's shapes", sizeof *tensors);
    for (int i = 0; i < src_count; i++)
        tensors[i] = show(graph, node->src[i]);
    for (int i = 0; i < dst_count; i++)
        tensors[src_count + i] = show(graph, node->dst[i]);
    const cop_status status = cop_op_infer(node->kind, node->attrs, src_count, tensors, dst_count,
                                           tensors + src_count, call->attributes.error);
    for (int i = 0; i < dst_count && status == COP_STATUS_OK; i++) {
        graph->values[node->dst[i]].dtype = tensors[src_count + i].dtype;
        graph->values[node->dst[i]].shape = tensors[src_count + i].shape;
    }
    cop_free(tensors);
    /* A limit of ours may not bind once sizes are known: compiling will tell. */
    return status == COP_STATUS_UNSUPPORTED ? COP_STATUS_OK : status;
}

/* "node", or "node/part" for a node of several. */
static void name_part(const struct mxnet_call *call, const char *part, char *name, size_t bytes)
{
    snprintf(name, bytes, "%s/%s", call->node->name, part);
}

int cop_mxnet_emit(struct mxnet_call *call, enum op_kind kind, const char *part, const void *attrs,
                   int src_count, const int *src)
{
    char name[256];
    if (call->graph->node_count >= call->most_nodes)
        cop_mxnet_malformed(call, "the symbol becomes more nodes than its size justifies");
    if (cop_mxnet_failed(call))
        return COP_NO_VALUE;
    name_part(call, part, name, sizeof name);
    const int value =
        cop_graph_append(call->graph, kind, part[0] == '\0' ? call->node->name : name,
                         call->node->op, attrs, src_count, src, call->attributes.error);
    const bool is_sound = value >= 0 && learn_results(call) == COP_STATUS_OK;
    return remember(call, is_sound ? value : -1);
}

int cop_mxnet_emit_1(struct mxnet_call *call, enum op_kind kind, const char *part,
                     const void *attrs, int src)
{
    return cop_mxnet_emit(call, kind, part, attrs, 1, &src);
}

int cop_mxnet_emit_2(struct mxnet_call *call, enum op_kind kind, const char *part,
                     const void *attrs, int a, int b)
{
    const int src[] = {a, b};
    return cop_mxnet_emit(call, kind, part, attrs, 2, src);
}

int cop_mxnet_emit_unary(struct mxnet_call *call, const char *part, enum unary_alg alg, float alpha,
                         float beta, int src)
{
    COP_ZEROED_ATTRS(unary_attrs, attrs);
    attrs.alg = alg;
    attrs.alpha = alpha;
    attrs.beta = beta;
    return cop_mxnet_emit_1(call, OP_UNARY, part, &attrs, src);
}

int cop_mxnet_emit_binary(struct mxnet_call *call, const char *part, enum binary_alg alg, int a,
                          int b)
{
    COP_ZEROED_ATTRS(binary_attrs, attrs);
    attrs.alg = alg;
    return cop_mxnet_emit_2(call, OP_BINARY, part, &attrs, a, b);
}

static int emit_literal(struct mxnet_call *call, const char *part, cop_dtype dtype,
                        const struct shape *shape, const void *elements)
{
    char name[256];
    if (cop_mxnet_failed(call))
        return COP_NO_VALUE;
    name_part(call, part, name, sizeof name);
    return remember(call, cop_graph_add_literal(call->graph, name, dtype, shape, elements,
                                                call->attributes.error));
}

int cop_mxnet_emit_scalar(struct mxnet_call *call, const char *part, float value)
{
    const struct shape shape = cop_shape_of(0, NULL);
    return emit_literal(call, part, COP_DTYPE_FLOAT32, &shape, &value);
}

int cop_mxnet_emit_integer(struct mxnet_call *call, const char *part, cop_dtype dtype,
                           double number)
{
    const struct shape shape = cop_shape_of(0, NULL);
    int64_t whole = 0; /* its first bytes are the narrower number: we are little-endian */
    if (number >= 0x1p63)
        whole = INT64_MAX;
    else if (number < -0x1p63)
        whole = INT64_MIN;
    else if (!isnan(number))
        whole = (int64_t)number;
    return emit_literal(call, part, dtype, &shape, &whole);
}

int cop_mxnet_emit_ones(struct mxnet_call *call, const char *part, int rank, const int64_t *dims)
{
    float ones[4096];
    const struct shape shape = cop_shape_of(rank, dims);
    for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++)
        ones[i] = 1;
    return emit_literal(call, part, COP_DTYPE_FLOAT32, &shape, ones);
}

int cop_mxnet_emit_int64s(struct mxnet_call *call, const char *part, int count,
                          const int64_t *values)
{
    const struct shape shape = cop_shape_of(1, (const int64_t[]){count});
    return emit_literal(call, part, COP_DTYPE_INT64, &shape, values);
}

void cop_mxnet_emit_many(struct mxnet_call *call, enum op_kind kind, const void *attrs, int src)
{
    const struct shape unknown = cop_shape_unknown();
    char name[256], part[32];
    for (int i = 0; i < call->dst_count && !cop_mxnet_failed(call); i++) {
        snprintf(part, sizeof part, "output%d", i);
        name_part(call, part, name, sizeof name);
        call->dst[i] = remember(call, cop_graph_add_value(call->graph, name, COP_DTYPE_UNKNOWN,
                                                          &unknown, call->attributes.error));
    }
    if (cop_mxnet_failed(call))
        return;
    const int node =
        cop_graph_add_node(call->graph, kind, call->node->name, call->node->op, attrs, 1, &src,
                           call->dst_count, call->dst, call->attributes.error);
    if (node < 0 || learn_results(call) != COP_STATUS_OK)
        remember(call, -1);
}

void cop_mxnet_state_shape(struct mxnet_call *call, int input, int rank, const int64_t *dims)
{
    struct graph_value *value = &call->graph->values[call->src[input]];
    const struct shape stated = cop_shape_of(rank, dims);
    if (value->constant != NULL || cop_shape_merge(&value->shape, &stated, NULL))
        return;
    (void)cop_fail(call->attributes.error, COP_STATUS_MALFORMED_MODEL,
                   "'%.200s' is %s and would have to be %s", value->name,
                   cop_shape_text(&value->shape).text, cop_shape_text(&stated).text);
    remember(call, -1);
}

bool cop_mxnet_set_outputs(struct mxnet_call *call, int count)
{
    int *dst = cop_arena_alloc(call->arena, (size_t)count, sizeof *dst);
    if (dst == NULL) {
        call->attributes.status =
            cop_fail_memory(call->attributes.error, call->node->name, (size_t)count * sizeof *dst);
        return false;
    }
    for (int i = 0; i < count; i++)
        dst[i] = COP_NO_VALUE;
    call->dst = dst;
    call->dst_count = count;
    return true;
}

void cop_mxnet_return(struct mxnet_call *call, int value)
{
    if (!cop_mxnet_failed(call) && (call->dst_count > 0 || cop_mxnet_set_outputs(call, 1)))
        call->dst[0] = value;
}

static void fail_call(struct mxnet_call *call, cop_status status, const char *what)
{
    if (!cop_mxnet_failed(call))
        call->attributes.status =
            cop_fail(call->attributes.error, status, "node '%.64s' (%.64s): %s", call->node->name,
                     call->node->op, what);
}

void cop_mxnet_unsupported(struct mxnet_call *call, const char *what)
{
    fail_call(call, COP_STATUS_UNSUPPORTED, what);
}

void cop_mxnet_malformed(struct mxnet_call *call, const char *what)
{
    fail_call(call, COP_STATUS_MALFORMED_MODEL, what);
}
