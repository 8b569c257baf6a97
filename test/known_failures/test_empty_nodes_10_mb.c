// SPDX-License-Identifier: Apache-2.0
/* 10 MB of empty nodes, two bytes each, became 753 MB of memory: they are counted before anything
 * is allocated. The same for other messages of two bytes, and for the smallest nodes of a symbol.
 */
#include "model/mxnet_files.h"
#include "support/measure.h"
#include "support/onnx_files.h"
#include "support/unit.h"

struct file {
    cop_model_format format;
    const void *bytes;
    size_t size;
};

static void keep(void *user, const void *bytes)
{
    (void)user, (void)bytes;
}

static cop_status load(const void *user, cop_error *error)
{
    const struct file *file = user;
    struct byte_writer params;
    write_params(&params, "w 1;");
    const cop_bytes graph = {file->bytes, file->size, keep, NULL};
    const cop_bytes weights = {params.bytes, params.size, keep, NULL};
    cop_model *model = NULL;
    const bool is_onnx = file->format == COP_MODEL_FORMAT_ONNX;
    const cop_status status =
        cop_model_load_bytes(file->format, &graph, is_onnx ? NULL : &weights, NULL, &model, error);
    cop_model_release(&model);
    return status;
}

/* The bytes themselves belong to the parent, and count as the file does. */
static void load_and_measure(const struct file *file, size_t factor)
{
    const struct measured result = measure(load, file);
    printf("%zu bytes: %s, %zu MB, %.2f s: %s\n", file->size, cop_status_name(result.status),
           result.peak_bytes / MEGABYTE, result.seconds, result.error.message);
    ck_assert(result.status == COP_STATUS_UNSUPPORTED ||
              result.status == COP_STATUS_MALFORMED_MODEL);
    ck_assert_int_ne(result.error.message[0], '\0');
    if (IS_SANITIZED)
        return;
    ck_assert_uint_le(result.peak_bytes, 64 * MEGABYTE + factor * file->size);
    ck_assert_double_le(result.seconds, 2);
}

START_TEST(empty_messages_of_a_graph)
{
    static const int fields[] = {1, 5, 11, 12, 13, 15, 14}; /* nodes, initializers, inputs, … */
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct message graph = {0};
        const unsigned char empty[2] = {(unsigned char)(fields[i] << 3 | 2), 0};
        for (int j = 0; j < 5000000; j++)
            write_raw(&graph, empty, 2);
        struct message model = onnx_model(&graph, 13);
        load_and_measure(&(struct file){COP_MODEL_FORMAT_ONNX, model.bytes, model.size}, 4);
        message_free(&model);
    }
}
END_TEST

/* So many that even a list of where they lie would be too much. */
START_TEST(forty_megabytes_of_empty_nodes)
{
    struct message graph = {0};
    for (int i = 0; i < 20000000; i++)
        write_raw(&graph, "\x0a\x00", 2);
    struct message model = onnx_model(&graph, 13);
    load_and_measure(&(struct file){COP_MODEL_FORMAT_ONNX, model.bytes, model.size}, 4);
    message_free(&model);
}
END_TEST

/* In one node: inputs, outputs and attributes without content. */
START_TEST(empty_fields_of_a_node)
{
    static const int fields[] = {1, 2, 5};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct message graph = {0}, node = {0};
        const unsigned char empty[2] = {(unsigned char)(fields[i] << 3 | 2), 0};
        write_text(&node, 4, "Concat");
        for (int j = 0; j < 5000000; j++)
            write_raw(&node, empty, 2);
        onnx_add_node(&graph, &node);
        struct message model = onnx_model(&graph, 13);
        load_and_measure(&(struct file){COP_MODEL_FORMAT_ONNX, model.bytes, model.size}, 4);
        message_free(&model);
    }
}
END_TEST

START_TEST(empty_values_of_a_symbol)
{
    static const char *const values[] = {"{},", "[],", "0,", "\"\","};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const size_t length = strlen(values[i]), count = (10 << 20) / length;
        char *text = malloc(count * length + 64);
        size_t size = (size_t)sprintf(text, "{\"nodes\":[");
        for (size_t j = 0; j < count; j++, size += length)
            memcpy(text + size, values[i], length);
        size += (size_t)sprintf(text + size, "0]}");
        load_and_measure(&(struct file){COP_MODEL_FORMAT_MXNET, text, size}, 50);
        free(text);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("empty nodes", empty_messages_of_a_graph, forty_megabytes_of_empty_nodes,
                     empty_fields_of_a_node, empty_values_of_a_symbol);
}
