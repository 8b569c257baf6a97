// SPDX-License-Identifier: Apache-2.0
/*
 * Writes small ONNX files for tests, so that no binary is committed. Every message is a growing
 * buffer; adding it to another one frees it. Field numbers are those of onnx.proto, on purpose
 * written out: a mistake of the reader's is not repeated here.
 */
#ifndef TEST_SUPPORT_ONNX_WRITER_H
#define TEST_SUPPORT_ONNX_WRITER_H

#include <stddef.h>
#include <stdint.h>

struct message {
    unsigned char *bytes;
    size_t size, capacity;
};

void message_free(struct message *message);
void write_raw(struct message *message, const void *bytes, size_t size);
void write_varint(struct message *message, uint64_t value);

/* Fields. */
void write_int(struct message *message, int field, int64_t value);
void write_float(struct message *message, int field, float value);
void write_bytes(struct message *message, int field, const void *bytes, size_t size);
void write_text(struct message *message, int field, const char *text);
void write_message(struct message *message, int field, struct message *inner); /* frees inner */

enum { ONNX_FLOAT = 1, ONNX_INT32 = 6, ONNX_INT64 = 7, ONNX_STRING = 8, ONNX_FLOAT16 = 10 };

/* A NodeProto; `inputs` and `outputs` are separated by spaces, "-" is an absent one. */
struct message onnx_node(const char *op, const char *name, const char *inputs, const char *outputs);
void onnx_attribute_int(struct message *node, const char *name, int64_t value);
void onnx_attribute_float(struct message *node, const char *name, float value);
void onnx_attribute_text(struct message *node, const char *name, const char *value);
void onnx_attribute_ints(struct message *node, const char *name, int count, const int64_t *values);
void onnx_attribute_tensor(struct message *node, const char *name, struct message *tensor);
void onnx_attribute_graph(struct message *node, const char *name, struct message *graph);

/* A TensorProto without elements, and with raw ones. */
struct message onnx_tensor(const char *name, int type, int rank, const int64_t *dims);
struct message onnx_raw_tensor(const char *name, int type, int rank, const int64_t *dims,
                               const void *elements, size_t bytes);

/* The elements of a tensor lie in a file; NULL: it does not say. And any other entry that says so.
 */
void onnx_make_external(struct message *tensor, const char *location, const char *offset,
                        const char *length);
void onnx_add_external_entry(struct message *tensor, const char *key, const char *value);

/* Parts of a GraphProto. */
void onnx_add_node(struct message *graph, struct message *node);
void onnx_add_initializer(struct message *graph, struct message *tensor);
void onnx_add_floats(struct message *graph, const char *name, int rank, const int64_t *dims,
                     const float *elements);
void onnx_add_input(struct message *graph, const char *name, int type, int rank,
                    const int64_t *dims);
void onnx_add_output(struct message *graph, const char *name, int type, int rank,
                     const int64_t *dims);

/* A ModelProto of IR version 7 around a graph, which is freed. */
struct message onnx_model(struct message *graph, int64_t opset);

#define DIMS(...)                                                                                  \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[])                         \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

#endif
