// SPDX-License-Identifier: Apache-2.0
/*
 * One node while it is mapped to our operators: what a mapping asks for and makes. The first
 * failure is kept and everything after it does nothing, so that a mapping reads like a description:
 *
 *     const struct softmax_attrs attrs = {.axis = cop_onnx_int(call, "axis", -1)};
 *     cop_onnx_make(call, OP_SOFTMAX, &attrs, 1, call->src);
 *
 * Attributes that no mapping asked for are refused afterwards: none is ignored by accident.
 */
#ifndef MODEL_ONNX_CALL_H
#define MODEL_ONNX_CALL_H

#include "model/onnx/onnx_import.h"

struct onnx_operator;

struct onnx_call {
    struct onnx_import *import;
    struct onnx_node *node;
    const struct onnx_operator *form;
    const char *name; /* of the node, or of its first output */
    int64_t opset;
    int src_count, dst_count;
    int *src;     /* values; COP_NO_VALUE: absent */
    int *symbols; /* of the inputs; −1: absent */
    int made;     /* outputs made so far */
    cop_status status;
    cop_error error; /* without the node's name: the caller puts it in front */
};

/* A form of an operator: from opset `since` until the next form of the same name. */
struct onnx_operator {
    const char *name;
    int since;
    int min_src, max_src; /* max −1: any number */
    int max_dst;          /* −1: any number */
    void (*map)(struct onnx_call *call);
    int variant; /* what the mapping makes of it, such as enum unary_alg */
};

/* The families; each ends with an entry without a name. */
extern const struct onnx_operator cop_onnx_activation_operators[];
extern const struct onnx_operator cop_onnx_arithmetic_operators[];
extern const struct onnx_operator cop_onnx_constant_operators[];
extern const struct onnx_operator cop_onnx_matrix_operators[];
extern const struct onnx_operator cop_onnx_movement_operators[];
extern const struct onnx_operator cop_onnx_normalization_operators[];
extern const struct onnx_operator cop_onnx_reduction_operators[];
extern const struct onnx_operator cop_onnx_shaping_operators[];
extern const struct onnx_operator cop_onnx_window_operators[];

/* The form of an operator in an opset; NULL with the reason (static storage): there is none. */
const struct onnx_operator *cop_onnx_find_operator(const struct onnx_node *node, int64_t opset,
                                                   const char **reason);

void cop_onnx_fail(struct onnx_call *call, cop_status status, const char *format, ...)
    COP_PRINTF(3, 4);
#define cop_onnx_malformed(call, ...)   cop_onnx_fail(call, COP_STATUS_MALFORMED_MODEL, __VA_ARGS__)
#define cop_onnx_unsupported(call, ...) cop_onnx_fail(call, COP_STATUS_UNSUPPORTED, __VA_ARGS__)

/* Attributes: the default where the file has none. */
bool cop_onnx_has(const struct onnx_call *call, const char *name);
int64_t cop_onnx_int(struct onnx_call *call, const char *name, int64_t absent);
bool cop_onnx_flag(struct onnx_call *call, const char *name, bool absent);
float cop_onnx_float(struct onnx_call *call, const char *name, float absent);

/* The position of a string attribute among `choices` (NULL at the end); others are refused. */
int cop_onnx_choice(struct onnx_call *call, const char *name, const char *const *choices,
                    int absent);

/* A list of at most `capacity`; −1 when the file has none. */
int cop_onnx_ints(struct onnx_call *call, const char *name, int64_t *values, int capacity);

/* The attribute, marked as read, if it is there and of this type; else NULL. */
struct onnx_attribute *cop_onnx_attribute(struct onnx_call *call, const char *name,
                                          enum onnx_attribute_type type);

/* Of attributes that mean nothing at inference. */
void cop_onnx_ignore(struct onnx_call *call, const char *name);

/* Input `index`, absent ones and those past the end as COP_NO_VALUE. */
int cop_onnx_src(const struct onnx_call *call, int index);
cop_dtype cop_onnx_src_dtype(const struct onnx_call *call, int index);

/* The constant behind an input, as the file holds it; NULL: it is none. */
const struct graph_value *cop_onnx_constant(const struct onnx_call *call, int index);

/* The elements of a constant, valid during the import; not aligned. It counts as read from now on.
 */
const unsigned char *cop_onnx_elements(const struct onnx_call *call,
                                       const struct graph_value *constant);

/* A list of integers in a constant of at most `capacity` elements. −1: the input is no such
 * constant. */
int cop_onnx_constant_ints(struct onnx_call *call, int index, int64_t *values, int capacity);

/* The only element of a constant of any number type. False: the input is no such constant. */
bool cop_onnx_constant_number(struct onnx_call *call, int index, double *value);

/* A value of ours between the operators that one node becomes; COP_NO_VALUE after a failure. */
int cop_onnx_append(struct onnx_call *call, enum op_kind kind, const void *attrs, int src_count,
                    const int *src);
int cop_onnx_literal(struct onnx_call *call, cop_dtype dtype, int rank, const int64_t *dims,
                     const void *elements);

/* Makes the node's next `dst_count` outputs, or just the next one. */
void cop_onnx_make_many(struct onnx_call *call, enum op_kind kind, const void *attrs, int src_count,
                        const int *src, int dst_count);
void cop_onnx_make(struct onnx_call *call, enum op_kind kind, const void *attrs, int src_count,
                   const int *src);

/* The next output is a tensor of the file. */
void cop_onnx_make_constant(struct onnx_call *call, const struct onnx_tensor *tensor);

/* The next output is a value that exists: a literal. */
void cop_onnx_make_alias(struct onnx_call *call, int value);

/* The next output is another name of an input. */
void cop_onnx_make_same(struct onnx_call *call, int index);

/* Maps one node. */
cop_status cop_onnx_import_node(struct onnx_import *import, struct span bytes);

#endif
