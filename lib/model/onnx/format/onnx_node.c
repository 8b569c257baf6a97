// SPDX-License-Identifier: Apache-2.0
/* NodeProto and AttributeProto. */
#include "model/onnx/format/onnx_format.h"

#include "base/error.h"
#include "onnx.pb.h"

#define MAX_ATTRIBUTES 128 /* of a node: each is compared with all others */

/* The field that holds the value of a type; 0 for types that are only passed over. */
static uint32_t field_of_type(int type)
{
    switch (type) {
    case ONNX_ATTRIBUTE_FLOAT:
        return onnx_AttributeProto_f_tag;
    case ONNX_ATTRIBUTE_INT:
        return onnx_AttributeProto_i_tag;
    case ONNX_ATTRIBUTE_STRING:
        return onnx_AttributeProto_s_tag;
    case ONNX_ATTRIBUTE_TENSOR:
        return onnx_AttributeProto_t_tag;
    case ONNX_ATTRIBUTE_GRAPH:
        return onnx_AttributeProto_g_tag;
    case ONNX_ATTRIBUTE_FLOATS:
        return onnx_AttributeProto_floats_tag;
    case ONNX_ATTRIBUTE_INTS:
        return onnx_AttributeProto_ints_tag;
    case ONNX_ATTRIBUTE_GRAPHS:
        return onnx_AttributeProto_graphs_tag;
    default:
        return 0;
    }
}

/* Before IR version 2 the type is not written: it follows from the field that is there. */
static int type_of_field(uint32_t tag)
{
    for (int type = ONNX_ATTRIBUTE_FLOAT; type <= ONNX_ATTRIBUTE_GRAPHS; type++)
        if (field_of_type(type) == tag)
            return type;
    return ONNX_ATTRIBUTE_UNDEFINED;
}

static cop_status read_attribute(const struct protobuf_file *file, struct span bytes,
                                 struct onnx_attribute *attribute)
{
    *attribute = (struct onnx_attribute){.body = bytes};
    int64_t type = ONNX_ATTRIBUTE_UNDEFINED;
    int implied = ONNX_ATTRIBUTE_UNDEFINED;
    struct protobuf_message message = cop_protobuf_open(file, bytes, "AttributeProto");
    while (cop_protobuf_next(&message)) {
        switch (message.tag) {
        case onnx_AttributeProto_name_tag:
            cop_protobuf_string(&message, &attribute->name);
            break;
        case onnx_AttributeProto_type_tag:
            cop_protobuf_int64(&message, &type);
            if (type < 0 || type > 1000)
                cop_protobuf_fail(&message, "no such attribute type");
            break;
        case onnx_AttributeProto_ref_attr_name_tag:
            cop_protobuf_fail(&message, "a reference to a function's attribute outside a function");
            break;
        default:
            if (implied == ONNX_ATTRIBUTE_UNDEFINED)
                implied = type_of_field(message.tag);
            break;
        }
    }
    attribute->type = type == ONNX_ATTRIBUTE_UNDEFINED ? implied : (int)type;
    return message.status;
}

static cop_status count_fields(const struct protobuf_file *file, struct span bytes,
                               struct onnx_node *node)
{
    struct protobuf_message message = cop_protobuf_open(file, bytes, "NodeProto");
    while (cop_protobuf_next(&message)) {
        node->inputs.count += message.tag == onnx_NodeProto_input_tag;
        node->outputs.count += message.tag == onnx_NodeProto_output_tag;
        node->attribute_count += message.tag == onnx_NodeProto_attribute_tag;
    }
    if (node->inputs.count > COP_ONNX_MAX_PORTS || node->outputs.count > COP_ONNX_MAX_PORTS ||
        node->attribute_count > MAX_ATTRIBUTES)
        return cop_fail(file->error, COP_STATUS_UNSUPPORTED,
                        "byte %zu: a node with more than %d inputs or outputs, or %d attributes",
                        (size_t)(bytes.bytes - file->bytes), COP_ONNX_MAX_PORTS, MAX_ATTRIBUTES);
    return message.status;
}

static cop_status allocate_fields(const struct protobuf_file *file, struct arena *arena,
                                  struct onnx_node *node)
{
    node->inputs.items = cop_arena_alloc(arena, node->inputs.count, sizeof(struct span));
    node->outputs.items = cop_arena_alloc(arena, node->outputs.count, sizeof(struct span));
    node->attributes = cop_arena_alloc(arena, node->attribute_count, sizeof(struct onnx_attribute));
    if (node->inputs.items == NULL || node->outputs.items == NULL || node->attributes == NULL)
        return cop_fail_memory(file->error, "ONNX model",
                               (node->inputs.count + node->outputs.count) * sizeof(struct span));
    node->inputs.capacity = node->inputs.count;
    node->outputs.capacity = node->outputs.count;
    node->attribute_capacity = node->attribute_count;
    node->inputs.count = node->outputs.count = node->attribute_count = 0;
    return COP_STATUS_OK;
}

static void read_name(struct protobuf_message *message, struct span_list *list)
{
    struct span name = {NULL, 0};
    cop_protobuf_string(message, &name);
    if (list->count < list->capacity)
        list->items[list->count++] = name;
}

static void add_attribute(struct protobuf_message *message, struct onnx_node *node)
{
    struct span bytes = {NULL, 0};
    cop_protobuf_span(message, &bytes);
    if (message->status != COP_STATUS_OK || node->attribute_count == node->attribute_capacity)
        return;
    struct onnx_attribute *attribute = &node->attributes[node->attribute_count];
    message->status = read_attribute(message->file, bytes, attribute);
    if (message->status != COP_STATUS_OK)
        return;
    if (attribute->name.size == 0)
        cop_protobuf_fail(message, "an attribute without a name");
    for (size_t i = 0; i < node->attribute_count; i++)
        if (cop_span_equal(node->attributes[i].name, attribute->name))
            cop_protobuf_fail(message, "an attribute for the second time");
    node->attribute_count++;
}

cop_status cop_onnx_read_node(const struct protobuf_file *file, struct span bytes,
                              struct arena *arena, struct onnx_node *node)
{
    *node = (struct onnx_node){0};
    cop_status status = count_fields(file, bytes, node);
    if (status == COP_STATUS_OK)
        status = allocate_fields(file, arena, node);
    if (status != COP_STATUS_OK)
        return status;
    struct protobuf_message message = cop_protobuf_open(file, bytes, "NodeProto");
    while (cop_protobuf_next(&message)) {
        switch (message.tag) {
        case onnx_NodeProto_input_tag:
            read_name(&message, &node->inputs);
            break;
        case onnx_NodeProto_output_tag:
            read_name(&message, &node->outputs);
            break;
        case onnx_NodeProto_name_tag:
            cop_protobuf_string(&message, &node->name);
            break;
        case onnx_NodeProto_op_type_tag:
            cop_protobuf_string(&message, &node->op_type);
            break;
        case onnx_NodeProto_domain_tag:
            cop_protobuf_string(&message, &node->domain);
            break;
        case onnx_NodeProto_attribute_tag:
            add_attribute(&message, node);
            break;
        default:
            break;
        }
    }
    if (message.status == COP_STATUS_OK && node->op_type.size == 0)
        return cop_fail(file->error, COP_STATUS_MALFORMED_MODEL,
                        "byte %zu: a node without an operator",
                        (size_t)(bytes.bytes - file->bytes));
    return message.status;
}

cop_status cop_onnx_attribute_int(const struct protobuf_file *file,
                                  const struct onnx_attribute *attribute, int64_t *value)
{
    *value = 0;
    struct protobuf_message message = cop_protobuf_open(file, attribute->body, "AttributeProto");
    while (cop_protobuf_next(&message))
        if (message.tag == onnx_AttributeProto_i_tag)
            cop_protobuf_int64(&message, value);
    return message.status;
}

cop_status cop_onnx_attribute_float(const struct protobuf_file *file,
                                    const struct onnx_attribute *attribute, float *value)
{
    *value = 0;
    struct protobuf_message message = cop_protobuf_open(file, attribute->body, "AttributeProto");
    while (cop_protobuf_next(&message))
        if (message.tag == onnx_AttributeProto_f_tag)
            cop_protobuf_float(&message, value);
    return message.status;
}

cop_status cop_onnx_attribute_span(const struct protobuf_file *file,
                                   const struct onnx_attribute *attribute, struct span *value)
{
    *value = (struct span){attribute->body.bytes, 0};
    const uint32_t tag = field_of_type(attribute->type);
    struct protobuf_message message = cop_protobuf_open(file, attribute->body, "AttributeProto");
    while (cop_protobuf_next(&message))
        if (message.tag == tag && tag != 0)
            cop_protobuf_span(&message, value);
    return message.status;
}

cop_status cop_onnx_attribute_ints(const struct protobuf_file *file,
                                   const struct onnx_attribute *attribute, int64_t *values,
                                   size_t capacity, size_t *count)
{
    *count = 0;
    struct protobuf_message message = cop_protobuf_open(file, attribute->body, "AttributeProto");
    while (cop_protobuf_next(&message)) {
        struct span encoded = {NULL, 0};
        if (message.tag != onnx_AttributeProto_ints_tag)
            continue;
        cop_protobuf_elements(&message, PB_WT_VARINT, &encoded);
        pb_istream_t stream = pb_istream_from_buffer(encoded.bytes, encoded.size);
        while (message.status == COP_STATUS_OK && stream.bytes_left > 0) {
            uint64_t bits;
            if (!pb_decode_varint(&stream, &bits))
                cop_protobuf_fail(&message, "an integer of the list is cut off or too long");
            else if ((*count)++ < capacity)
                values[*count - 1] = (int64_t)bits;
        }
    }
    return message.status;
}

cop_status cop_onnx_attribute_floats(const struct protobuf_file *file,
                                     const struct onnx_attribute *attribute, float *values,
                                     size_t capacity, size_t *count)
{
    *count = 0;
    struct protobuf_message message = cop_protobuf_open(file, attribute->body, "AttributeProto");
    while (cop_protobuf_next(&message)) {
        struct span encoded = {NULL, 0};
        if (message.tag != onnx_AttributeProto_floats_tag)
            continue;
        cop_protobuf_elements(&message, PB_WT_32BIT, &encoded);
        pb_istream_t stream = pb_istream_from_buffer(encoded.bytes, encoded.size);
        while (message.status == COP_STATUS_OK && stream.bytes_left > 0) {
            float value;
            if (!pb_decode_fixed32(&stream, &value))
                cop_protobuf_fail(&message, "a number of the list is cut off");
            else if ((*count)++ < capacity)
                values[*count - 1] = value;
        }
    }
    return message.status;
}
