// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "support/model_writer.h"

#include <stdarg.h>
#include <string.h>

struct bytes {
    char *data;
    size_t size, capacity;
};

struct model_writer {
    struct bytes nodes;   /* of the symbol JSON, between the brackets */
    struct bytes records; /* of the .params file */
    struct bytes symbol, params;
    int node_count;
    int weights[4096]; /* the node numbers of the weights */
    int weight_count;
    unsigned seed;
};

static void append(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->size + size > bytes->capacity) {
        bytes->capacity = 2 * (bytes->size + size);
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (bytes->data == NULL)
            abort();
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

__attribute__((format(printf, 2, 3))) static void print(struct bytes *bytes, const char *format,
                                                        ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text)
        abort();
    append(bytes, text, (size_t)length);
}

static void append_u64(struct bytes *bytes, uint64_t value)
{
    append(bytes, &value, sizeof value);
}

static void append_i32(struct bytes *bytes, int32_t value)
{
    append(bytes, &value, sizeof value);
}

struct model_writer *model_writer_create(unsigned seed)
{
    struct model_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        abort();
    writer->seed = seed;
    return writer;
}

void model_writer_destroy(struct model_writer *writer)
{
    free(writer->nodes.data), free(writer->records.data);
    free(writer->symbol.data), free(writer->params.data);
    free(writer);
}

static void begin_node(struct model_writer *writer)
{
    if (writer->node_count > 0)
        append(&writer->nodes, ",", 1);
}

int model_writer_input(struct model_writer *writer, const char *name, const char *shape)
{
    begin_node(writer);
    print(&writer->nodes,
          "{\"op\":\"null\",\"name\":\"%s\",\"attrs\":{\"__shape__\":\"%s\"},\"inputs\":[]}", name,
          shape);
    return writer->node_count++;
}

int model_writer_weight(struct model_writer *writer, int rank, const int64_t *shape, float center,
                        float spread)
{
    struct bytes *records = &writer->records;
    int64_t elements = 1;
    if (writer->weight_count == (int)(sizeof writer->weights / sizeof *writer->weights))
        abort();
    begin_node(writer);
    print(&writer->nodes, "{\"op\":\"null\",\"name\":\"w%d\",\"inputs\":[]}", writer->node_count);
    append_i32(records, (int32_t)0xF993FAC9); /* version 2 of MXNet's records */
    append_i32(records, 0);                   /* dense */
    append_i32(records, rank);
    for (int i = 0; i < rank; i++) {
        append(records, &shape[i], sizeof shape[i]);
        elements *= shape[i];
    }
    append_i32(records, 1); /* cpu(0) */
    append_i32(records, 0);
    append_i32(records, 0); /* float32 */
    for (int64_t i = 0; i < elements; i++) {
        const float value =
            center + spread * (float)(rand_r(&writer->seed) % 2001 - 1000) / 1000.0f;
        append(records, &value, sizeof value);
    }
    writer->weights[writer->weight_count++] = writer->node_count;
    return writer->node_count++;
}

int model_writer_node(struct model_writer *writer, const char *op, const char *attributes,
                      int input_count, const int *inputs)
{
    begin_node(writer);
    print(&writer->nodes, "{\"op\":\"%s\",\"name\":\"n%d\",\"attrs\":{%s},\"inputs\":[", op,
          writer->node_count, attributes == NULL ? "" : attributes);
    for (int i = 0; i < input_count; i++)
        print(&writer->nodes, "%s[%d,0]", i > 0 ? "," : "", inputs[i]);
    append(&writer->nodes, "]}", 2);
    return writer->node_count++;
}

static void finish_params(struct model_writer *writer)
{
    struct bytes *params = &writer->params;
    append_u64(params, 0x112);
    append_u64(params, 0);
    append_u64(params, (uint64_t)writer->weight_count);
    if (writer->records.size > 0)
        append(params, writer->records.data, writer->records.size);
    append_u64(params, (uint64_t)writer->weight_count);
    for (int i = 0; i < writer->weight_count; i++) {
        char name[32];
        const int length = snprintf(name, sizeof name, "arg:w%d", writer->weights[i]);
        append_u64(params, (uint64_t)length);
        append(params, name, (size_t)length);
    }
}

void model_writer_finish(struct model_writer *writer, int head_count, const int *heads,
                         cop_bytes *graph, cop_bytes *weights)
{
    struct bytes *symbol = &writer->symbol;
    print(symbol, "{\"nodes\":[");
    append(symbol, writer->nodes.data, writer->nodes.size);
    print(symbol, "],\"arg_nodes\":[0");
    for (int i = 0; i < writer->weight_count; i++)
        print(symbol, ",%d", writer->weights[i]);
    print(symbol, "],\"heads\":[");
    for (int i = 0; i < head_count; i++)
        print(symbol, "%s[%d,0]", i > 0 ? "," : "", heads[i]);
    print(symbol, "],\"attrs\":{\"mxnet_version\":[\"int\",10901]}}");
    finish_params(writer);
    *graph = (cop_bytes){symbol->data, symbol->size, NULL, NULL};
    *weights = (cop_bytes){writer->params.data, writer->params.size, NULL, NULL};
}
