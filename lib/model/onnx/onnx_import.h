// SPDX-License-Identifier: Apache-2.0
/* The state of one import, shared by the files that build a graph from an ONNX file. */
#ifndef MODEL_ONNX_IMPORT_H
#define MODEL_ONNX_IMPORT_H

#include "base/text.h"
#include "graph/graph.h"
#include "model/model.h"
#include "model/onnx/format/onnx_format.h"

#define COP_ONNX_MAX_OPSET 21

/* A name of the file and the graph's value that carries it. */
struct onnx_symbol {
    struct span name;
    int value;  /* what nodes read */
    int stored; /* the value as the file or the caller holds it, when `value` is computed from it:
                   16-bit floats are widened where they enter; else the same as `value` */
};

struct onnx_symbols {
    struct onnx_symbol *entries;
    uint32_t *slots; /* open addressing; 0: free, else index + 1 */
    size_t count, capacity, slot_count;
};

/* Index of a name, or −1. */
int cop_onnx_symbol_find(const struct onnx_symbols *symbols, struct span name);

/* Room for so many names in all, so that a large table is never moved; false: out of memory. */
bool cop_onnx_symbols_reserve(struct onnx_symbols *symbols, size_t capacity);

/* Adds a name that is not there yet; its index, or −1 for out of memory. */
int cop_onnx_symbol_add(struct onnx_symbols *symbols, const struct onnx_symbol *symbol);
void cop_onnx_symbols_free(struct onnx_symbols *symbols);

/* What an import found missing: one entry for each operator and reason. */
struct onnx_missing {
    char *op, *node, *reason;
    int64_t opset;
    size_t count;
};
struct onnx_report {
    struct onnx_missing *entries;
    size_t count, unlisted;
};

cop_status cop_onnx_report_add(struct onnx_report *report, struct arena *arena,
                               const struct onnx_missing *missing, cop_error *error);

/* OK when nothing is missing; else UNSUPPORTED with all of it. */
cop_status cop_onnx_report_status(const struct onnx_report *report, cop_error *error);

struct onnx_external_file {
    struct span location;
    struct source *source;
};

/* A graph inside a node's attribute that is still to be looked through. */
struct onnx_subgraph {
    struct span bytes;
    int depth;
};

struct onnx_import {
    struct protobuf_file file;
    struct source *source;
    int directory_fd;
    cop_file_access access;
    struct onnx_model model;
    struct graph *graph;
    struct arena arena;   /* for the whole import */
    struct arena scratch; /* for one node or a few */
    struct onnx_symbols symbols;
    struct onnx_report report;
    struct onnx_external_file *external_files;
    size_t external_file_count;
    size_t initializer_count; /* the first symbols */
    struct onnx_subgraph *subgraphs;
    size_t subgraph_count, subgraph_capacity;
    size_t decoded_bytes; /* of typed lists, so far */
    size_t node_count;    /* of all graphs, so far */
    struct span part;     /* the input, node, … that is imported, for messages */
    cop_error *error;
};

/* A NUL-terminated copy that lives until the import ends; NULL: out of memory (error is set). */
char *cop_onnx_text(struct onnx_import *import, struct span span);

/*
 * Makes a tensor of the file a constant of the graph called `name`. `value` receives its index.
 * UNSUPPORTED: an element type or a place of data that we do not take.
 */
cop_status cop_onnx_add_tensor(struct onnx_import *import, const struct onnx_tensor *tensor,
                               const char *name, int *value, cop_error *error);

/* Opens the external file of a tensor, or finds it opened, and where the elements lie in it. */
cop_status cop_onnx_find_external(struct onnx_import *import, const struct onnx_tensor *tensor,
                                  struct source **source, size_t *offset, cop_error *error);

/* Empties the memory for single nodes when there is enough in it: the first chunk is not free. */
static inline void cop_onnx_recycle_scratch(struct onnx_import *import)
{
    if (import->scratch.bytes > 8192)
        cop_arena_release(&import->scratch);
}

static inline bool cop_is_narrow(cop_dtype dtype)
{
    return dtype == COP_DTYPE_FLOAT16 || dtype == COP_DTYPE_BFLOAT16;
}

/*
 * Gives a value a name that nodes can read. 16-bit floats are widened by a Cast node first.
 * MALFORMED_MODEL: the name exists already.
 */
cop_status cop_onnx_define(struct onnx_import *import, struct span name, int value,
                           cop_error *error);

/* The same without widening. */
cop_status cop_onnx_define_symbol(struct onnx_import *import, const struct onnx_symbol *symbol,
                                  cop_error *error);

/* The same for a value of unknown type: so that what reads it can still be looked at after a
 * failure. */
cop_status cop_onnx_define_unknown(struct onnx_import *import, struct span name, cop_error *error);

/* Names what a graph inside an attribute holds that is not supported. */
cop_status cop_onnx_survey_subgraphs(struct onnx_import *import);

#endif
