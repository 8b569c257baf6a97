// SPDX-License-Identifier: Apache-2.0
/* The fields of an ONNX file with the messages they stand in. Field numbers are onnx.proto's. */
#ifndef TEST_FUZZ_ONNX_FIELDS_H
#define TEST_FUZZ_ONNX_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_FIELDS 2048

enum message_type {
    MODEL,
    OPSET,
    GRAPH,
    NODE,
    ATTRIBUTE,
    TENSOR,
    VALUE,
    TYPE,
    TENSOR_TYPE,
    SHAPE,
    DIM,
    ENTRY,
    LEAF
};

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

struct field {
    size_t begin, length_at, value, end; /* tag, length (BYTES only), content, behind it */
    unsigned number, wire;
    enum message_type within, child; /* LEAF: a string, numbers or unknown */
    int parent;                      /* index; −1: the file */
};

struct fields {
    const unsigned char *bytes;
    int count;
    struct field items[MAX_FIELDS];
};

/* Up to MAX_FIELDS, and up to where the file is cut off; every message before what is in it. */
void list_fields(struct fields *fields, const unsigned char *bytes, size_t size);

/* A random one; NULL: there is none. */
const struct field *pick_field(struct fields *fields, uint64_t *state);

/* Another than `like` that `suits`, from a random one on; NULL: there is none. */
typedef bool suits_function(const struct field *field, const struct field *like);
const struct field *find_field(struct fields *fields, uint64_t *state, suits_function *suits,
                               const struct field *like);

/* What may suit; the last five do not look at `like`. */
suits_function is_sibling, is_alike, is_of_the_same_message;
suits_function is_number, is_leaf, is_string, is_message, is_graph;

/* False: it is cut off. */
bool read_varint(const unsigned char *bytes, size_t end, size_t *at, uint64_t *value);
/* At most 10 bytes; how many. */
size_t put_varint(unsigned char *out, uint64_t value);

#endif
