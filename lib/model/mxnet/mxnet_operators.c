// SPDX-License-Identifier: Apache-2.0
#include "model/mxnet/mxnet_operators.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

const struct mxnet_operator_family *const cop_mxnet_families[] = {
    &cop_mxnet_neural_family,      &cop_mxnet_normalization_family, &cop_mxnet_elementwise_family,
    &cop_mxnet_arrangement_family, &cop_mxnet_reduction_family,     NULL,
};

static const struct mxnet_operator *find_in(const struct mxnet_operator_family *family,
                                            const char *name)
{
    size_t begin = 0, end = family->count;
    while (begin < end) {
        const size_t middle = begin + (end - begin) / 2;
        const int order = strcmp(family->operators[middle].name, name);
        if (order == 0)
            return &family->operators[middle];
        if (order < 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

const struct mxnet_operator *cop_mxnet_operator_find(const char *name)
{
    const struct mxnet_operator *op = NULL;
    for (int i = 0; cop_mxnet_families[i] != NULL && op == NULL; i++)
        op = find_in(cop_mxnet_families[i], name);
    return op;
}

/* An input's name says what it is for, in every operator alike. */
static enum slot_role role_of(const char *name)
{
    static const char *const parameters[] = {"weight", "bias", "gamma", "beta"};
    if (strcmp(name, "label") == 0)
        return SLOT_LABEL;
    if (strcmp(name, "moving_mean") == 0 || strcmp(name, "moving_var") == 0)
        return SLOT_AUXILIARY;
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++)
        if (strcmp(name, parameters[i]) == 0)
            return SLOT_PARAMETER;
    return SLOT_TENSOR;
}

enum slot_role cop_mxnet_slot(const struct mxnet_operator *op, int slot,
                              char name[COP_SLOT_NAME_BYTES])
{
    char own[COP_SLOT_NAME_BYTES];
    const char *at = op->slots;
    for (int i = 0; i < slot && *at != '\0'; i++) {
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    if (at[0] == '*')
        snprintf(own, sizeof own, "arg%d", slot);
    else
        snprintf(own, sizeof own, "%.*s", (int)strcspn(at, " "), at);
    if (name != NULL)
        memcpy(name, own, sizeof own);
    return role_of(own);
}

static bool has_last_slot(const struct mxnet_operator *op, const struct mxnet_node *node)
{
    cop_error ignored; /* what cannot be read is reported when the operator is mapped */
    struct attribute_reader reader = {node, &ignored, COP_STATUS_OK};
    const char *type;
    switch (op->last) {
    case LAST_UNLESS_NO_BIAS:
        return !cop_attribute_bool(&reader, "no_bias", false);
    case LAST_IF_PRELU:
        type = cop_attribute_text(&reader, "act_type");
        return type != NULL && strcmp(type, "prelu") == 0;
    case LAST_IF_USE_LENGTH:
        return cop_attribute_bool(&reader, "use_length", false);
    case LAST_ALWAYS:
        break;
    }
    return true;
}

int cop_mxnet_slot_count(const struct mxnet_operator *op, const struct mxnet_node *node)
{
    int count = 1;
    if (op->slots[0] == '*')
        return -1;
    for (const char *at = op->slots; *at != '\0'; at++)
        count += *at == ' ';
    return has_last_slot(op, node) ? count : count - 1;
}

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

/* "node", or "node/part" for a node of several. */
static void name_part(const struct mxnet_call *call, const char *part, char *name, size_t bytes)
{
    snprintf(name, bytes, "%s/%s", call->node->name, part);
}

int cop_mxnet_emit(struct mxnet_call *call, enum op_kind kind, const char *part, const void *attrs,
                   int src_count, const int *src)
{
    char name[256];
    if (cop_mxnet_failed(call))
        return COP_NO_VALUE;
    name_part(call, part, name, sizeof name);
    return remember(
        call, cop_graph_append(call->graph, kind, part[0] == '\0' ? call->node->name : name,
                               call->node->op, attrs, src_count, src, call->attributes.error));
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
    if (!cop_mxnet_failed(call))
        remember(call,
                 cop_graph_add_node(call->graph, kind, call->node->name, call->node->op, attrs, 1,
                                    &src, call->dst_count, call->dst, call->attributes.error));
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
