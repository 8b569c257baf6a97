// SPDX-License-Identifier: Apache-2.0
#include "support/onnx_writer.h"

#include <stdlib.h>
#include <string.h>

void message_free(struct message *message)
{
    free(message->bytes);
    memset(message, 0, sizeof *message);
}

void write_raw(struct message *message, const void *bytes, size_t size)
{
    if (message->capacity - message->size < size) {
        message->capacity = (message->capacity + size) * 2;
        message->bytes = realloc(message->bytes, message->capacity);
        if (message->bytes == NULL)
            abort();
    }
    if (size > 0)
        memcpy(message->bytes + message->size, bytes, size);
    message->size += size;
}

void write_varint(struct message *message, uint64_t value)
{
    do {
        const unsigned char byte = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        write_raw(message, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static void write_tag(struct message *message, int field, int wire)
{
    write_varint(message, (uint64_t)field << 3 | (uint64_t)wire);
}

void write_int(struct message *message, int field, int64_t value)
{
    write_tag(message, field, 0);
    write_varint(message, (uint64_t)value);
}

void write_float(struct message *message, int field, float value)
{
    write_tag(message, field, 5);
    write_raw(message, &value, sizeof value);
}

void write_bytes(struct message *message, int field, const void *bytes, size_t size)
{
    write_tag(message, field, 2);
    write_varint(message, size);
    write_raw(message, bytes, size);
}

void write_text(struct message *message, int field, const char *text)
{
    write_bytes(message, field, text, strlen(text));
}

void write_message(struct message *message, int field, struct message *inner)
{
    write_bytes(message, field, inner->bytes, inner->size);
    message_free(inner);
}

static void write_names(struct message *node, int field, const char *names)
{
    while (*names != '\0') {
        const size_t length = strcspn(names, " ");
        const int is_absent = length == 1 && names[0] == '-';
        write_bytes(node, field, names, is_absent ? 0 : length);
        names += length + (names[length] == ' ');
    }
}

struct message onnx_node(const char *op, const char *name, const char *inputs, const char *outputs)
{
    struct message node = {0};
    write_names(&node, 1, inputs);
    write_names(&node, 2, outputs);
    write_text(&node, 3, name);
    write_text(&node, 4, op);
    return node;
}

static struct message attribute(const char *name, int type)
{
    struct message attribute = {0};
    write_text(&attribute, 1, name);
    write_int(&attribute, 20, type);
    return attribute;
}

void onnx_attribute_int(struct message *node, const char *name, int64_t value)
{
    struct message made = attribute(name, 2);
    write_int(&made, 3, value);
    write_message(node, 5, &made);
}

void onnx_attribute_float(struct message *node, const char *name, float value)
{
    struct message made = attribute(name, 1);
    write_float(&made, 2, value);
    write_message(node, 5, &made);
}

void onnx_attribute_text(struct message *node, const char *name, const char *value)
{
    struct message made = attribute(name, 3);
    write_text(&made, 4, value);
    write_message(node, 5, &made);
}

void onnx_attribute_ints(struct message *node, const char *name, int count, const int64_t *values)
{
    struct message made = attribute(name, 7);
    for (int i = 0; i < count; i++)
        write_int(&made, 8, values[i]);
    write_message(node, 5, &made);
}

void onnx_attribute_tensor(struct message *node, const char *name, struct message *tensor)
{
    struct message made = attribute(name, 4);
    write_message(&made, 5, tensor);
    write_message(node, 5, &made);
}

void onnx_attribute_graph(struct message *node, const char *name, struct message *graph)
{
    struct message made = attribute(name, 5);
    write_message(&made, 6, graph);
    write_message(node, 5, &made);
}

struct message onnx_tensor(const char *name, int type, int rank, const int64_t *dims)
{
    struct message tensor = {0};
    for (int i = 0; i < rank; i++)
        write_int(&tensor, 1, dims[i]);
    write_int(&tensor, 2, type);
    write_text(&tensor, 8, name);
    return tensor;
}

struct message onnx_raw_tensor(const char *name, int type, int rank, const int64_t *dims,
                               const void *elements, size_t bytes)
{
    struct message tensor = onnx_tensor(name, type, rank, dims);
    write_bytes(&tensor, 9, elements, bytes);
    return tensor;
}

void onnx_add_node(struct message *graph, struct message *node)
{
    write_message(graph, 1, node);
}

void onnx_add_initializer(struct message *graph, struct message *tensor)
{
    write_message(graph, 5, tensor);
}

void onnx_add_floats(struct message *graph, const char *name, int rank, const int64_t *dims,
                     const float *elements)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    struct message tensor =
        onnx_raw_tensor(name, ONNX_FLOAT, rank, dims, elements, count * sizeof *elements);
    onnx_add_initializer(graph, &tensor);
}

void onnx_make_external(struct message *tensor, const char *location, const char *offset,
                        const char *length)
{
    write_int(tensor, 14, 1);
    onnx_add_external_entry(tensor, "location", location);
    onnx_add_external_entry(tensor, "offset", offset);
    onnx_add_external_entry(tensor, "length", length);
}

void onnx_add_external_entry(struct message *tensor, const char *key, const char *value)
{
    struct message entry = {0};
    if (value == NULL)
        return;
    write_text(&entry, 1, key);
    write_text(&entry, 2, value);
    write_message(tensor, 13, &entry);
}

static void add_value(struct message *graph, int field, const char *name, int type, int rank,
                      const int64_t *dims)
{
    struct message shape = {0}, tensor_type = {0}, value_type = {0}, value = {0};
    for (int i = 0; i < rank; i++) {
        struct message dim = {0};
        write_int(&dim, 1, dims[i]);
        write_message(&shape, 1, &dim);
    }
    write_int(&tensor_type, 1, type);
    write_message(&tensor_type, 2, &shape);
    write_message(&value_type, 1, &tensor_type);
    write_text(&value, 1, name);
    write_message(&value, 2, &value_type);
    write_message(graph, field, &value);
}

void onnx_add_input(struct message *graph, const char *name, int type, int rank,
                    const int64_t *dims)
{
    add_value(graph, 11, name, type, rank, dims);
}

void onnx_add_output(struct message *graph, const char *name, int type, int rank,
                     const int64_t *dims)
{
    add_value(graph, 12, name, type, rank, dims);
}

struct message onnx_model(struct message *graph, int64_t opset)
{
    struct message model = {0}, import = {0};
    write_int(&model, 1, 7);
    write_message(&model, 7, graph);
    write_text(&import, 1, "");
    write_int(&import, 2, opset);
    write_message(&model, 8, &import);
    return model;
}
