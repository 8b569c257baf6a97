// SPDX-License-Identifier: Apache-2.0
/*
 * What an ONNX file says, read in place: every span lies in the file. Lists are counted before
 * memory is taken for them, and nodes are decoded one at a time, so that what a file costs is
 * bounded by its size. Source: onnx.proto, IR version 8.
 */
#ifndef ONNX_FORMAT_ONNX_FORMAT_H
#define ONNX_FORMAT_ONNX_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "ir/shape.h"
#include "model/onnx/format/protobuf_reader.h"

#define COP_ONNX_MAX_RECORDS                                                                       \
    ((size_t)1000 * 1000)          /* nodes, tensors, inputs, outputs: of each kind */
#define COP_ONNX_MAX_PORTS   65536 /* inputs or outputs of the model or of a node */
#define COP_ONNX_MAX_NESTING 64    /* graphs within graphs */

struct onnx_model {
    int64_t ir_version;
    int64_t opset; /* of the default domain; 0: not imported */
    struct span graph;
};

/* Counted first, then filled: a mapped file may change in between, so the capacity is kept. */
struct span_list {
    struct span *items;
    size_t count, capacity;
};

/* The encoded parts of a GraphProto. */
struct onnx_graph {
    struct span_list nodes, initializers, inputs, outputs;
    size_t sparse_initializer_count;
};

enum onnx_attribute_type { /* AttributeProto.AttributeType */
                           ONNX_ATTRIBUTE_UNDEFINED = 0,
                           ONNX_ATTRIBUTE_FLOAT = 1,
                           ONNX_ATTRIBUTE_INT = 2,
                           ONNX_ATTRIBUTE_STRING = 3,
                           ONNX_ATTRIBUTE_TENSOR = 4,
                           ONNX_ATTRIBUTE_GRAPH = 5,
                           ONNX_ATTRIBUTE_FLOATS = 6,
                           ONNX_ATTRIBUTE_INTS = 7,
                           ONNX_ATTRIBUTE_GRAPHS = 10,
};

struct onnx_attribute {
    struct span name, body; /* body: the AttributeProto itself */
    int type;               /* enum onnx_attribute_type, or another number of the schema */
    bool is_used;           /* an operator's mapping asked for it */
};

struct onnx_node {
    struct span name, op_type, domain;
    struct span_list inputs, outputs; /* names; empty: an absent optional one */
    struct onnx_attribute *attributes;
    size_t attribute_count, attribute_capacity;
};

/* A TensorProto without its elements. */
struct onnx_tensor {
    struct span name, body;
    int64_t type;    /* TensorProto.DataType */
    cop_dtype dtype; /* COP_DTYPE_UNKNOWN: one we have no word for, such as strings */
    struct shape shape;
    size_t element_count, bytes; /* of the shape; bytes 0 for an unknown dtype */
    bool is_raw, is_external, is_segment;
    struct span raw;
    struct span location, offset, length; /* of external data, as text */
};

/* A ValueInfoProto. */
struct onnx_value_info {
    struct span name;
    bool is_tensor;
    bool is_other; /* of a type that is no tensor's; neither: no type is stated */
    int64_t type;
    cop_dtype dtype;
    struct shape shape; /* of unknown rank when none is declared */
    struct span dim_names[COP_MAX_RANK];
};

/* COP_DTYPE_UNKNOWN for types without a counterpart. */
cop_dtype cop_onnx_dtype(int64_t type);

/* "float32", "string", "type 99". `buffer` is used for the last. */
const char *cop_onnx_type_name(int64_t type, char *buffer, size_t capacity);

/* Each fails as cop_protobuf_fail does, or OUT_OF_MEMORY, or UNSUPPORTED past a limit. */
cop_status cop_onnx_read_model(const struct protobuf_file *file, struct onnx_model *model);
cop_status cop_onnx_read_graph(const struct protobuf_file *file, struct span bytes,
                               struct arena *arena, struct onnx_graph *graph);
cop_status cop_onnx_read_node(const struct protobuf_file *file, struct span bytes,
                              struct arena *arena, struct onnx_node *node);
cop_status cop_onnx_read_value_info(const struct protobuf_file *file, struct span bytes,
                                    struct onnx_value_info *info);
cop_status cop_onnx_read_tensor(const struct protobuf_file *file, struct span bytes,
                                struct onnx_tensor *tensor);

/*
 * Counts the elements that a tensor holds in its typed list, and finds them where the encoding of
 * all is just what memory would hold; `in_place->bytes` is NULL where it is not.
 */
cop_status cop_onnx_survey_elements(const struct protobuf_file *file,
                                    const struct onnx_tensor *tensor, size_t *count,
                                    struct span *in_place);

/*
 * The elements of the typed list, into memory of `tensor->bytes`. MALFORMED_MODEL: another number
 * of elements than the shape has, or one that its dtype cannot hold.
 */
cop_status cop_onnx_read_elements(const struct protobuf_file *file,
                                  const struct onnx_tensor *tensor, void *elements);

/*
 * The value of an attribute of the type its name says; _span: a string, tensor or graph. Lists: up
 * to `capacity` elements, the number of all in `*count`.
 */
cop_status cop_onnx_attribute_int(const struct protobuf_file *file,
                                  const struct onnx_attribute *attribute, int64_t *value);
cop_status cop_onnx_attribute_float(const struct protobuf_file *file,
                                    const struct onnx_attribute *attribute, float *value);
cop_status cop_onnx_attribute_span(const struct protobuf_file *file,
                                   const struct onnx_attribute *attribute, struct span *value);
cop_status cop_onnx_attribute_ints(const struct protobuf_file *file,
                                   const struct onnx_attribute *attribute, int64_t *values,
                                   size_t capacity, size_t *count);
cop_status cop_onnx_attribute_floats(const struct protobuf_file *file,
                                     const struct onnx_attribute *attribute, float *values,
                                     size_t capacity, size_t *count);

#endif
