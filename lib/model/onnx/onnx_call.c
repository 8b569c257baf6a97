// SPDX-License-Identifier: Apache-2.0
/* What mappings ask of a node, and the nodes they make. */
#include "model/onnx/onnx_call.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

void cop_onnx_fail(struct onnx_call *call, cop_status status, const char *format, ...)
{
    if (call->status != COP_STATUS_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    call->status = cop_fail_v(&call->error, status, format, arguments);
    va_end(arguments);
}

static struct onnx_attribute *find(const struct onnx_call *call, const char *name)
{
    for (size_t i = 0; i < call->node->attribute_count; i++)
        if (cop_span_is(call->node->attributes[i].name, name))
            return &call->node->attributes[i];
    return NULL;
}

/* A view of the file whose failures go to the call. */
static struct protobuf_file file_of(struct onnx_call *call)
{
    struct protobuf_file file = call->import->file;
    file.error = &call->error;
    return file;
}

bool cop_onnx_has(const struct onnx_call *call, const char *name)
{
    return find(call, name) != NULL;
}

struct onnx_attribute *cop_onnx_attribute(struct onnx_call *call, const char *name,
                                          enum onnx_attribute_type type)
{
    struct onnx_attribute *attribute = find(call, name);
    if (attribute == NULL || call->status != COP_STATUS_OK)
        return NULL;
    attribute->is_used = true;
    if (attribute->type != (int)type) {
        cop_onnx_malformed(call, "attribute '%s' is of type %d, not %d", name, attribute->type,
                           (int)type);
        return NULL;
    }
    return attribute;
}

void cop_onnx_ignore(struct onnx_call *call, const char *name)
{
    struct onnx_attribute *attribute = find(call, name);
    if (attribute != NULL)
        attribute->is_used = true;
}

int64_t cop_onnx_int(struct onnx_call *call, const char *name, int64_t absent)
{
    const struct onnx_attribute *attribute = cop_onnx_attribute(call, name, ONNX_ATTRIBUTE_INT);
    const struct protobuf_file file = file_of(call);
    int64_t value = absent;
    if (attribute != NULL)
        call->status = cop_onnx_attribute_int(&file, attribute, &value);
    return value;
}

bool cop_onnx_flag(struct onnx_call *call, const char *name, bool absent)
{
    const int64_t value = cop_onnx_int(call, name, absent);
    if (value != 0 && value != 1)
        cop_onnx_malformed(call, "attribute '%s' is %lld, not 0 or 1", name, (long long)value);
    return value != 0;
}

float cop_onnx_float(struct onnx_call *call, const char *name, float absent)
{
    const struct onnx_attribute *attribute = cop_onnx_attribute(call, name, ONNX_ATTRIBUTE_FLOAT);
    const struct protobuf_file file = file_of(call);
    float value = absent;
    if (attribute != NULL)
        call->status = cop_onnx_attribute_float(&file, attribute, &value);
    return value;
}

int cop_onnx_choice(struct onnx_call *call, const char *name, const char *const *choices,
                    int absent)
{
    const struct onnx_attribute *attribute = cop_onnx_attribute(call, name, ONNX_ATTRIBUTE_STRING);
    const struct protobuf_file file = file_of(call);
    struct span value = {NULL, 0};
    if (attribute == NULL)
        return absent;
    call->status = cop_onnx_attribute_span(&file, attribute, &value);
    for (int i = 0; choices[i] != NULL; i++)
        if (cop_span_is(value, choices[i]))
            return i;
    cop_onnx_unsupported(call, "attribute '%s' is '%.*s'", name, SPAN_TEXT(value));
    return absent;
}

int cop_onnx_ints(struct onnx_call *call, const char *name, int64_t *values, int capacity)
{
    const struct onnx_attribute *attribute = cop_onnx_attribute(call, name, ONNX_ATTRIBUTE_INTS);
    const struct protobuf_file file = file_of(call);
    size_t count = 0;
    if (attribute == NULL)
        return -1;
    call->status = cop_onnx_attribute_ints(&file, attribute, values, (size_t)capacity, &count);
    if (count > (size_t)capacity) {
        cop_onnx_unsupported(call, "attribute '%s' has %zu elements, at most %d are supported",
                             name, count, capacity);
        return 0;
    }
    return (int)count;
}

int cop_onnx_src(const struct onnx_call *call, int index)
{
    return index < call->src_count ? call->src[index] : COP_NO_VALUE;
}

cop_dtype cop_onnx_src_dtype(const struct onnx_call *call, int index)
{
    const int value = cop_onnx_src(call, index);
    return value == COP_NO_VALUE ? COP_DTYPE_UNKNOWN : call->import->graph->values[value].dtype;
}

const struct graph_value *cop_onnx_constant(const struct onnx_call *call, int index)
{
    if (cop_onnx_src(call, index) == COP_NO_VALUE)
        return NULL;
    const int stored = call->import->symbols.entries[call->symbols[index]].stored;
    const struct graph_value *value = &call->import->graph->values[stored];
    return value->constant == NULL ? NULL : value;
}

const unsigned char *cop_onnx_elements(const struct onnx_call *call,
                                       const struct graph_value *constant)
{
    (void)call;
    if (constant->value != NULL)
        return constant->value;
    constant->constant->is_read = true;
    return cop_source_bytes(constant->constant->source) + constant->constant->offset;
}

int cop_onnx_constant_ints(struct onnx_call *call, int index, int64_t *values, int capacity)
{
    const struct graph_value *constant = cop_onnx_constant(call, index);
    int64_t count;
    if (constant == NULL || constant->shape.rank > 1 ||
        !cop_shape_elements(&constant->shape, &count) || count > capacity ||
        (constant->dtype != COP_DTYPE_INT64 && constant->dtype != COP_DTYPE_INT32))
        return -1;
    const unsigned char *elements = cop_onnx_elements(call, constant);
    for (int64_t i = 0; i < count; i++) {
        if (constant->dtype == COP_DTYPE_INT64) {
            memcpy(&values[i], elements + 8 * i, 8);
        } else {
            int32_t value;
            memcpy(&value, elements + 4 * i, 4);
            values[i] = value;
        }
    }
    return (int)count;
}

/* IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
static double widen_float16(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
    if (exponent == 31)
        return fraction != 0 ? (double)NAN : sign * (double)INFINITY;
    return sign * (exponent == 0 ? ldexp(fraction, -24) : ldexp(fraction + 1024, exponent - 25));
}

bool cop_onnx_constant_number(struct onnx_call *call, int index, double *value)
{
    const struct graph_value *constant = cop_onnx_constant(call, index);
    int64_t count;
    if (constant == NULL || !cop_shape_elements(&constant->shape, &count) || count != 1)
        return false;
    const unsigned char *element = cop_onnx_elements(call, constant);
    float as_float;
    uint32_t bits;
    uint16_t half;
    switch (constant->dtype) {
    case COP_DTYPE_FLOAT32:
        memcpy(&as_float, element, 4);
        *value = (double)as_float;
        return true;
    case COP_DTYPE_FLOAT64:
        memcpy(value, element, 8);
        return true;
    case COP_DTYPE_FLOAT16:
        memcpy(&half, element, 2);
        *value = widen_float16(half);
        return true;
    case COP_DTYPE_BFLOAT16:
        memcpy(&half, element, 2);
        bits = (uint32_t)half << 16;
        memcpy(&as_float, &bits, 4);
        *value = (double)as_float;
        return true;
    case COP_DTYPE_BOOL:
        *value = element[0];
        return true;
    default:
        return false;
    }
}

int cop_onnx_literal(struct onnx_call *call, cop_dtype dtype, int rank, const int64_t *dims,
                     const void *elements)
{
    if (call->status != COP_STATUS_OK)
        return COP_NO_VALUE;
    const struct shape shape = cop_shape_of(rank, dims);
    const int value =
        cop_graph_add_literal(call->import->graph, "", dtype, &shape, elements, &call->error);
    if (value < 0)
        call->status = call->error.status;
    return value;
}

/* Element types of what a node makes, from those of what it reads and the shapes of constants. */
static void infer_dtypes(struct onnx_call *call, int index)
{
    struct graph *graph = call->import->graph;
    const struct graph_node *node = &graph->nodes[index];
    const size_t count = (size_t)node->src_count + (size_t)node->dst_count;
    struct op_tensor *tensors = cop_arena_alloc(&call->import->scratch, count, sizeof *tensors);
    if (tensors == NULL) {
        call->status = cop_fail_memory(&call->error, "ONNX model", count * sizeof *tensors);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const int index_of =
            i < (size_t)node->src_count ? node->src[i] : node->dst[i - (size_t)node->src_count];
        tensors[i].shape = cop_shape_unknown();
        if (index_of == COP_NO_VALUE)
            continue;
        const struct graph_value *value = &graph->values[index_of];
        tensors[i].is_present = true;
        tensors[i].dtype = value->dtype;
        if (value->constant != NULL) {
            tensors[i].shape = value->shape;
            tensors[i].value = value->value;
        }
    }
    call->status = cop_op_infer(node->kind, node->attrs, node->src_count, tensors, node->dst_count,
                                tensors + node->src_count, &call->error);
    for (int i = 0; i < node->dst_count; i++)
        graph->values[node->dst[i]].dtype = tensors[node->src_count + i].dtype;
}

/* A node of ours; false after a failure. */
static bool add_node(struct onnx_call *call, enum op_kind kind, const void *attrs, int src_count,
                     const int *src, int dst_count, const int *dst)
{
    cop_error reason;
    const int index = cop_graph_add_node(call->import->graph, kind, call->name, call->form->name,
                                         attrs, src_count, src, dst_count, dst, &reason);
    if (index < 0)
        call->status = cop_fail(&call->error, reason.status, "%s", reason.message);
    else
        infer_dtypes(call, index);
    return call->status == COP_STATUS_OK;
}

static int add_value(struct onnx_call *call, const char *name)
{
    const struct shape unknown = cop_shape_unknown();
    const int value =
        cop_graph_add_value(call->import->graph, name, COP_DTYPE_UNKNOWN, &unknown, &call->error);
    if (value < 0)
        call->status = call->error.status;
    return value;
}

int cop_onnx_append(struct onnx_call *call, enum op_kind kind, const void *attrs, int src_count,
                    const int *src)
{
    if (call->status != COP_STATUS_OK)
        return COP_NO_VALUE;
    const int value = add_value(call, "");
    if (value < 0 || !add_node(call, kind, attrs, src_count, src, 1, &value))
        return COP_NO_VALUE;
    return value;
}

/* The name of the next output; empty when the node does not want it. */
static struct span next_output(struct onnx_call *call)
{
    return call->made < call->dst_count ? call->node->outputs.items[call->made]
                                        : (struct span){NULL, 0};
}

static void define_next(struct onnx_call *call, int value)
{
    const struct span name = next_output(call);
    if (call->status == COP_STATUS_OK && name.size > 0)
        call->status = cop_onnx_define(call->import, name, value, &call->error);
    call->made++;
}

static char *name_of_next(struct onnx_call *call)
{
    char *name = cop_onnx_text(call->import, next_output(call));
    if (name == NULL)
        call->status = cop_fail_memory(&call->error, "ONNX model", 1);
    return name;
}

void cop_onnx_make_many(struct onnx_call *call, enum op_kind kind, const void *attrs, int src_count,
                        const int *src, int dst_count)
{
    if (call->status != COP_STATUS_OK)
        return;
    int *dst = cop_arena_alloc(&call->import->scratch, (size_t)dst_count, sizeof *dst);
    const int first = call->made;
    if (dst == NULL)
        call->status = cop_fail_memory(&call->error, "ONNX model", (size_t)dst_count * sizeof *dst);
    for (int i = 0; i < dst_count && call->status == COP_STATUS_OK; i++, call->made++) {
        const char *name = name_of_next(call);
        dst[i] = name == NULL ? COP_NO_VALUE : add_value(call, name);
    }
    call->made = first;
    if (call->status != COP_STATUS_OK ||
        !add_node(call, kind, attrs, src_count, src, dst_count, dst))
        return;
    for (int i = 0; i < dst_count; i++)
        define_next(call, dst[i]);
}

void cop_onnx_make(struct onnx_call *call, enum op_kind kind, const void *attrs, int src_count,
                   const int *src)
{
    cop_onnx_make_many(call, kind, attrs, src_count, src, 1);
}

void cop_onnx_make_constant(struct onnx_call *call, const struct onnx_tensor *tensor)
{
    int value = COP_NO_VALUE;
    const char *name = call->status == COP_STATUS_OK ? name_of_next(call) : NULL;
    if (name != NULL)
        call->status = cop_onnx_add_tensor(call->import, tensor, name, &value, &call->error);
    if (call->status == COP_STATUS_OK)
        define_next(call, value);
}

void cop_onnx_make_alias(struct onnx_call *call, int value)
{
    if (call->status == COP_STATUS_OK)
        define_next(call, value);
}

void cop_onnx_make_same(struct onnx_call *call, int index)
{
    if (call->status != COP_STATUS_OK)
        return;
    struct onnx_symbol symbol = call->import->symbols.entries[call->symbols[index]];
    symbol.name = next_output(call);
    call->status = cop_onnx_define_symbol(call->import, &symbol, &call->error);
    call->made++;
}
