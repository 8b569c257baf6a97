// SPDX-License-Identifier: Apache-2.0
/* A symbol as MXNet writes it, to the byte: two spaces a level, short lists on one line. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "mxnet/array/mx_array.h"
#include "mxnet/symbol/mx_node.h"

/* Lists of numbers and entries that are longer have a line for each. */
#define MOST_ON_A_LINE 10

struct writing {
    struct text *json;
    const struct mx_order *order;
};

static void begin_line(struct text *json, int depth)
{
    cop_text_add(json, "\n%*s", 2 * depth, "");
}

/* Before element `index` of a list. */
static void separate(struct text *json, size_t index, bool is_long, int depth)
{
    if (index > 0)
        cop_text_add(json, ", ");
    if (is_long)
        begin_line(json, depth);
}

/* MXNet reads \n, \t, \r, \" and \\, and everything else as it stands; control characters, which
 * are not JSON, as we write them. */
static void write_string(struct text *json, const char *string)
{
    cop_text_add(json, "\"");
    for (const char *at = string; *at != '\0';) {
        char run[2] = {*at, '\0'};
        const char *escaped = *at == '\n'   ? "\\n"
                              : *at == '\t' ? "\\t"
                              : *at == '\r' ? "\\r"
                                            : NULL;
        if (escaped != NULL) {
            cop_text_add(json, "%s", escaped);
            at++;
        } else if ((unsigned char)*at < 0x80) {
            cop_text_add_json(json, run);
            at++;
        } else { /* a character of several bytes, whole */
            char character[8] = {0};
            size_t length = 0;
            do
                character[length++] = *at++;
            while (length < 4 && ((unsigned char)*at & 0xC0) == 0x80);
            cop_text_add_json(json, character);
        }
    }
    cop_text_add(json, "\"");
}

static void write_entries(const struct writing *writing, const struct mx_entry *entries, int count,
                          int depth)
{
    struct text *json = writing->json;
    const bool is_long = count > MOST_ON_A_LINE;
    cop_text_add(json, "[");
    for (int i = 0; i < count; i++) {
        separate(json, (size_t)i, is_long, depth + 1);
        cop_text_add(json, "[%d, %d, %u]", cop_mx_order_find(writing->order, entries[i].node),
                     entries[i].index, entries[i].version);
    }
    if (is_long)
        begin_line(json, depth);
    cop_text_add(json, "]");
}

static void write_attributes(struct text *json, const struct mx_attribute_list *list, int depth)
{
    const bool is_long = list->count > 1;
    cop_text_add(json, "{");
    for (int i = 0; i < list->count; i++) {
        separate(json, (size_t)i, is_long, depth + 1);
        write_string(json, list->keys[i]);
        cop_text_add(json, ": ");
        write_string(json, list->values[i]);
    }
    if (is_long)
        begin_line(json, depth);
    cop_text_add(json, "}");
}

static void write_node(const struct writing *writing, const struct mx_node *node)
{
    struct text *json = writing->json;
    cop_text_add(json, "{\n      \"op\": ");
    write_string(json, node->op == NULL ? "null" : node->op->name);
    cop_text_add(json, ", \n      \"name\": ");
    write_string(json, node->name);
    if (node->attributes.count > 0) {
        cop_text_add(json, ", \n      \"attrs\": ");
        write_attributes(json, &node->attributes, 3);
    }
    cop_text_add(json, ", \n      \"inputs\": ");
    write_entries(writing, node->inputs, node->input_count, 3);
    cop_text_add(json, "\n    }");
}

static void write_numbers(struct text *json, const int *numbers, size_t count)
{
    const bool is_long = count > MOST_ON_A_LINE;
    cop_text_add(json, "[");
    for (size_t i = 0; i < count; i++) {
        separate(json, i, is_long, 2);
        cop_text_add(json, "%d", numbers[i]);
    }
    if (is_long)
        begin_line(json, 1);
    cop_text_add(json, "]");
}

/* The variables, and where each node's outputs begin among all. */
static cop_status write_indices(const struct writing *writing, cop_error *error)
{
    const struct mx_order *order = writing->order;
    int *variables, *rows = cop_alloc(order->count + 1, sizeof *rows);
    size_t variable_count;
    if (rows == NULL)
        return cop_fail_memory(error, "a symbol's text", order->count * sizeof *rows);
    const cop_status status =
        cop_mx_order_inputs(order, MX_INPUTS_ALL, &variables, &variable_count, error);
    if (status == COP_STATUS_OK) {
        for (size_t i = 0; i < order->count; i++)
            rows[i + 1] = rows[i] + cop_mx_node_output_count(order->nodes[i]);
        cop_text_add(writing->json, "\"arg_nodes\": ");
        write_numbers(writing->json, variables, variable_count);
        cop_text_add(writing->json, ", \n  \"node_row_ptr\": ");
        write_numbers(writing->json, rows, order->count + 1);
        cop_free(variables);
    }
    cop_free(rows);
    return status;
}

cop_status cop_mx_symbol_write(const struct mx_symbol *symbol, struct text *json, cop_error *error)
{
    struct mx_order order;
    COP_TRY(cop_mx_symbol_order(symbol, &order, error));
    const struct writing writing = {json, &order};
    cop_text_add(json, "{\n  \"nodes\": [");
    for (size_t i = 0; i < order.count; i++) {
        separate(json, i, true, 2);
        write_node(&writing, order.nodes[i]);
    }
    cop_text_add(json, "%s], \n  ", order.count > 0 ? "\n  " : "");
    cop_status status = write_indices(&writing, error);
    if (status == COP_STATUS_OK) {
        cop_text_add(json, ", \n  \"heads\": ");
        write_entries(&writing, symbol->outputs, symbol->output_count, 1);
        cop_text_add(json, ", \n  \"attrs\": ");
        cop_text_add(json,
                     cop_mx_is_numpy_shape() ? "{\n    \"is_np_shape\": [\"int\", 1], \n    "
                                               "\"mxnet_version\": [\"int\", %d]\n  }\n}"
                                             : "{\"mxnet_version\": [\"int\", %d]}\n}",
                     COP_SYMBOL_CURRENT_VERSION);
        if (json->failed)
            status = cop_fail_memory(error, "a symbol's text", json->length);
    }
    cop_mx_order_free(&order);
    return status;
}
