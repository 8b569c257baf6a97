// SPDX-License-Identifier: Apache-2.0
/* Small MXNet models written down in tests. */
#ifndef TEST_MODEL_MXNET_FILES_H
#define TEST_MODEL_MXNET_FILES_H

#include <check.h>

#include "base/source.h"
#include "model/model.h"
#include "support/byte_writer.h"

#include <stdio.h>
#include <stdlib.h>

/* One record of version 2 and its name for each "name d0,d1,…;": float32, element i is
 * (5 i mod 7 + 1) / 4. Without dimensions it is an empty array. */
static inline void write_params(struct byte_writer *writer, const char *list)
{
    struct byte_writer names = {0};
    uint64_t count = 0;
    for (const char *at = list; *at != '\0'; count++)
        at = strchr(at, ';') + 1;
    *writer = (struct byte_writer){0};
    put_u64(writer, 0x112), put_u64(writer, 0), put_u64(writer, count), put_u64(&names, count);
    while (*list != '\0') {
        const size_t length = strcspn(list, " ;");
        put_u64(&names, length), put_bytes(&names, list, length);
        uint64_t dims[8], elements = 1;
        uint32_t rank = 0;
        for (list += length; *list != ';'; rank++) {
            char *end;
            dims[rank] = strtoull(list + 1, &end, 10);
            elements *= dims[rank];
            list = end;
        }
        list++;
        put_u32(writer, 0xF993FAC9u), put_u32(writer, 0), put_u32(writer, rank);
        if (rank == 0)
            continue; /* an empty array */
        for (uint32_t i = 0; i < rank; i++)
            put_u64(writer, dims[i]);
        put_u32(writer, 1), put_u32(writer, 0), put_u32(writer, 0);
        for (uint64_t i = 0; i < elements; i++)
            put_floats(writer, 1, &(float){(float)(i * 5 % 7 + 1) / 4});
    }
    put_bytes(writer, names.bytes, names.size);
}

/* A symbol with single quotes for double ones, which read better in C. */
static inline char *write_json(const char *text)
{
    char *json = strdup(text);
    for (char *at = json; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    return json;
}

static inline struct source *make_source(const void *bytes, size_t size, const char *name)
{
    const cop_bytes given = {.data = bytes, .size = size};
    struct source *source = NULL;
    ck_assert_int_eq(cop_source_from_bytes(&given, name, &source, NULL), COP_STATUS_OK);
    return source;
}

/* Imports a symbol (write_json) with parameters (write_params). */
static inline cop_status import_texts(const char *symbol, const char *params, struct graph **graph,
                                      cop_error *error)
{
    struct byte_writer writer;
    write_params(&writer, params);
    char *json = write_json(symbol);
    struct source *json_source = make_source(json, strlen(json), "x-symbol.json");
    struct source *params_source = make_source(writer.bytes, writer.size, "x.params");
    const cop_status status = cop_mxnet_import(json_source, params_source, graph, error);
    cop_source_release(&json_source);
    cop_source_release(&params_source);
    free(json);
    return status;
}

/* A graph that must come out. */
static inline struct graph *import_good(const char *symbol, const char *params)
{
    struct graph *graph = NULL;
    cop_error error = {0};
    ck_assert_msg(import_texts(symbol, params, &graph, &error) == COP_STATUS_OK, "%s",
                  error.message);
    return graph;
}

/* A refusal whose message has a part. */
static inline void import_bad(const char *symbol, const char *params, cop_status expected,
                              const char *part)
{
    struct graph *graph = NULL;
    cop_error error = {0};
    const cop_status status = import_texts(symbol, params, &graph, &error);
    ck_assert_msg(status == expected && strstr(error.message, part) != NULL,
                  "%s: %s; expected %s: … %s …", cop_status_name(status), error.message,
                  cop_status_name(expected), part);
    ck_assert_ptr_null(graph);
}

/* {"nodes": NODES, "arg_nodes": [], "heads": HEADS} of the current version. */
#define SYMBOL(nodes, heads)                                                                       \
    "{'nodes':[" nodes "],'arg_nodes':[],'heads':[" heads                                          \
    "],'attrs':{'mxnet_version':['int',10901]}}"
/* … as MXNet 0.8 wrote it. */
#define OLD_SYMBOL(nodes, heads) "{'nodes':[" nodes "],'arg_nodes':[],'heads':[" heads "]}"
#define VARIABLE(name)           "{'op':'null','name':'" name "','inputs':[]}"
#define NODE(op, name, attrs, inputs)                                                              \
    "{'op':'" op "','name':'" name "','attrs':{" attrs "},'inputs':[" inputs "]}"

/* A symbol that reaches most code: several families, a label, two outputs, an old version. */
#define BROAD_SYMBOL                                                                                                                                                        \
    "{'nodes':["                                                                                                                                                            \
    "{'op':'null','name':'x','attr':{'__shape__':'(2, 6, 0, 3)'},'inputs':[]}"                                                                                              \
    "," VARIABLE("w") "," VARIABLE("b") "," NODE("Convolution", "c", "'kernel':'(3, 3)','num_filter':'4','layout':'NHWC','lr_mult':'1'", "[0,0],[1,0],[2,0]") "," VARIABLE( \
        "g") "," VARIABLE("h") "," NODE("BatchNorm", "n", "'axis':'3'",                                                                                                     \
                                        "[3,0],[4,0],[5,0]") "," NODE("SliceChannel", "s",                                                                                  \
                                                                      "'num_outputs':'2'",                                                                                  \
                                                                      "[6,0]") "," NODE("stack",                                                                            \
                                                                                        "k",                                                                                \
                                                                                        "'axis':'"                                                                          \
                                                                                        "0'",                                                                               \
                                                                                        "[7,0],["                                                                           \
                                                                                        "7,1]") "," NODE("LayerNor"                                                         \
                                                                                                         "m",                                                               \
                                                                                                         "l",                                                               \
                                                                                                         "",                                                                \
                                                                                                         "[8,0],[4,"                                                        \
                                                                                                         "0],[5,0]") "," NODE("SoftmaxOutput",                              \
                                                                                                                              "o",                                          \
                                                                                                                              "",                                           \
                                                                                                                              "[9,0]") "],'arg_nodes':[0,1,2],'heads':[[10,0],[6,0],[6,0],[0,0]]}"
#define BROAD_PARAMS "arg:w 4,3,3,3;arg:b 4;g 4;h 4;aux:n_moving_mean 4;aux:n_moving_var 4;"

/* One that moves elements about. */
#define MOVING_SYMBOL                                                                                                                                                                        \
    SYMBOL(                                                                                                                                                                                  \
        "{'op':'null','name':'x','attrs':{'__shape__':'(2, 3, 4, 5)'},'inputs':[]}," NODE("Pad", "p", "'mode':'edge','pad_width':'(0,0,0,0,1,1,0,2)'", "[0,0]") "," NODE(                    \
            "slice", "s", "'begin':'(None,1)','end':'(2L,None)','step':'(1,2)'",                                                                                                             \
            "[1,0]") "," NODE("Reshape", "r", "'shape':'(-3, -4, 2, -1, -2)'",                                                                                                               \
                              "[2,0]") "," NODE("SwapAxis", "w", "'dim1':'1','dim2':'-1'",                                                                                                   \
                                                "[3,0]") "," NODE("mean", "m",                                                                                                               \
                                                                  "'axis':'(0, "                                                                                                             \
                                                                  "2)','exclude':'1','keepdims':'"                                                                                           \
                                                                  "True'",                                                                                                                   \
                                                                  "[4,0]") "," NODE("broadcast_"                                                                                             \
                                                                                    "add",                                                                                                   \
                                                                                    "a", "",                                                                                                 \
                                                                                    "[4,0],[5,0]") "," NODE("slice_like",                                                                    \
                                                                                                            "l",                                                                             \
                                                                                                            "'axes':'(0, -1)'",                                                              \
                                                                                                            "[6,0],[5,0]") "," NODE("Pooling",                                               \
                                                                                                                                    "q",                                                     \
                                                                                                                                    "'kernel':'(2, 1)','pool_type':'avg','stride':'(1, 1)'", \
                                                                                                                                    "[1,0]") "," NODE("L2Normalization",                     \
                                                                                                                                                      "n",                                   \
                                                                                                                                                      "'mode':'spatial'",                    \
                                                                                                                                                      "[8,0]") "," NODE("_div_scalar",       \
                                                                                                                                                                        "d",                 \
                                                                                                                                                                        "'scalar':'6.0'",    \
                                                                                                                                                                        "[9,0]"),            \
        "[7,0],[10,0]")

#endif
