// SPDX-License-Identifier: Apache-2.0
#include "model/mxnet/symbol_json.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph.h"
#include "model/mxnet/json_limits.h"
#include "model/mxnet/json_parse.h"

/* Everything that outlives the parse is copied out of Jansson's memory. */
struct parse {
    struct mxnet_symbol *symbol;
    cop_error *error;
};

static cop_status fail_memory(const struct parse *parse)
{
    return cop_fail(parse->error, COP_STATUS_OUT_OF_MEMORY, "no memory for the symbol's nodes");
}

static cop_status copy_text(const struct parse *parse, const json_t *string, const char **text)
{
    *text = cop_arena_text_n(&parse->symbol->arena, json_string_value(string),
                             json_string_length(string));
    return *text == NULL ? fail_memory(parse) : COP_STATUS_OK;
}

/* Three spellings of three eras; a file of 0.8 may have the first two at once. Later ones win. */
enum { SPELLINGS = 3, MOST_ATTRIBUTES = 1024 };
static const char *const spellings[SPELLINGS] = {"param", "attr", "attrs"};

static bool is_said_again(const json_t *node, int spelling, const char *key)
{
    for (int i = spelling + 1; i < SPELLINGS; i++)
        if (json_object_get(json_object_get(node, spellings[i]), key) != NULL)
            return true;
    return false;
}

static cop_status add_attribute(const struct parse *parse, struct mxnet_node *node, const char *key,
                                const json_t *value)
{
    struct mxnet_attribute *attribute = &node->attributes[node->attribute_count];
    if (!json_is_string(value))
        return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL,
                        "node '%.64s': attribute '%.64s' is not a string", node->name, key);
    attribute->key = cop_arena_text(&parse->symbol->arena, key);
    if (attribute->key == NULL)
        return fail_memory(parse);
    node->attribute_count++;
    return copy_text(parse, value, &attribute->value);
}

static cop_status read_spelling(const struct parse *parse, struct mxnet_node *node,
                                const json_t *object, int spelling)
{
    json_t *attributes = json_object_get(object, spellings[spelling]);
    cop_status status = COP_STATUS_OK;
    if (attributes != NULL && !json_is_object(attributes))
        return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL,
                        "node '%.64s': \"%s\" is not an object", node->name, spellings[spelling]);
    const char *key;
    json_t *value;
    json_object_foreach(attributes, key, value)
    {
        if (status == COP_STATUS_OK && !is_said_again(object, spelling, key))
            status = add_attribute(parse, node, key, value);
    }
    return status;
}

static cop_status read_attributes(const struct parse *parse, struct mxnet_node *node,
                                  const json_t *object)
{
    size_t most = 0;
    for (int i = 0; i < SPELLINGS; i++)
        most += json_object_size(json_object_get(object, spellings[i]));
    if (most > MOST_ATTRIBUTES) /* every reader looks through all of them */
        return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL,
                        "node '%.64s': %zu attributes, at most %d are possible", node->name, most,
                        MOST_ATTRIBUTES);
    node->attributes = cop_arena_alloc(&parse->symbol->arena, most, sizeof *node->attributes);
    if (node->attributes == NULL)
        return fail_memory(parse);
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < SPELLINGS && status == COP_STATUS_OK; i++)
        status = read_spelling(parse, node, object, i);
    return status;
}

/* [node, output] or [node, output, version] */
static bool read_entry(const json_t *value, int node_count, struct mxnet_entry *entry)
{
    const size_t size = json_array_size(value);
    const json_t *node = json_array_get(value, 0), *index = json_array_get(value, 1);
    if ((size != 2 && size != 3) || !json_is_integer(node) || !json_is_integer(index) ||
        json_integer_value(node) < 0 || json_integer_value(node) >= node_count ||
        json_integer_value(index) < 0 || json_integer_value(index) > INT_MAX)
        return false;
    const json_int_t version = json_integer_value(json_array_get(value, 2));
    *entry = (struct mxnet_entry){(int)json_integer_value(node), (int)json_integer_value(index),
                                  version >= 0 && version <= INT_MAX ? (int)version : 0};
    return true;
}

/* The inputs of a node, or the heads when `node` is NULL. */
static cop_status read_entries(const struct parse *parse, const json_t *array,
                               const struct mxnet_node *node, struct mxnet_entry **entries,
                               int *count)
{
    const char *what = node == NULL ? "heads" : "inputs";
    const char *name = node == NULL ? "" : node->name;
    const size_t size = json_array_size(array);
    if (!json_is_array(array))
        return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL, "node '%.64s': no list \"%s\"",
                        name, what);
    *entries = cop_arena_alloc(&parse->symbol->arena, size, sizeof **entries);
    if (*entries == NULL || size > INT_MAX)
        return fail_memory(parse);
    for (size_t i = 0; i < size; i++)
        if (!read_entry(json_array_get(array, i), parse->symbol->node_count, *entries + i))
            return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL,
                            "node '%.64s': entry %zu of \"%s\" is not [node, output] of one of %d",
                            name, i, what, parse->symbol->node_count);
    *count = (int)size;
    return COP_STATUS_OK;
}

static cop_status read_node(const struct parse *parse, const json_t *object, size_t position,
                            struct mxnet_node *node)
{
    const json_t *op = json_object_get(object, "op"), *name = json_object_get(object, "name");
    if (!json_is_string(op) || !json_is_string(name))
        return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL,
                        "node %zu: no texts \"op\" and \"name\"", position);
    cop_status status = copy_text(parse, op, &node->op);
    if (status == COP_STATUS_OK)
        status = copy_text(parse, name, &node->name);
    if (status == COP_STATUS_OK)
        status = read_attributes(parse, node, object);
    if (status == COP_STATUS_OK)
        status = read_entries(parse, json_object_get(object, "inputs"), node, &node->inputs,
                              &node->input_count);
    if (status != COP_STATUS_OK)
        return status;
    node->has_subgraphs = json_array_size(json_object_get(object, "subgraphs")) > 0;
    if (cop_symbol_is_variable(node) && node->input_count > 0)
        return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL,
                        "node '%.64s': a variable with inputs", node->name);
    return COP_STATUS_OK;
}

static cop_status read_nodes(const struct parse *parse, const json_t *array)
{
    struct mxnet_symbol *symbol = parse->symbol;
    const size_t count = json_array_size(array);
    if (!json_is_array(array) || count == 0 || count > COP_MAX_NODES)
        return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL,
                        "no list \"nodes\" of 1 to %d nodes (%zu)", COP_MAX_NODES, count);
    symbol->nodes = cop_alloc(count, sizeof *symbol->nodes);
    if (symbol->nodes == NULL)
        return fail_memory(parse);
    symbol->node_count = symbol->node_capacity = (int)count;
    for (size_t i = 0; i < count; i++) {
        const cop_status status = read_node(parse, json_array_get(array, i), i, &symbol->nodes[i]);
        if (status != COP_STATUS_OK)
            return status;
    }
    return COP_STATUS_OK;
}

static cop_status check_arg_nodes(const struct parse *parse, const json_t *array)
{
    if (!json_is_array(array))
        return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL, "no list \"arg_nodes\"");
    const struct mxnet_symbol *symbol = parse->symbol;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *node = json_array_get(array, i);
        const json_int_t index = json_integer_value(node);
        if (!json_is_integer(node) || index < 0 || index >= symbol->node_count ||
            !cop_symbol_is_variable(&symbol->nodes[index]))
            return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL,
                            "entry %zu of \"arg_nodes\" is not the number of a variable", i);
    }
    return COP_STATUS_OK;
}

static cop_status read_heads(const struct parse *parse, const json_t *array)
{
    const size_t count = json_array_size(array);
    if (count == 0 || count > COP_SYMBOL_MAX_HEADS)
        return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL,
                        "no list \"heads\" of 1 to %d outputs (%zu)", COP_SYMBOL_MAX_HEADS, count);
    return read_entries(parse, array, NULL, &parse->symbol->heads, &parse->symbol->head_count);
}

/* "attrs": {"mxnet_version": ["int", 10901], …}; files of 0.8 have none. */
static cop_status read_version(const struct parse *parse, const json_t *attrs)
{
    const json_t *stated = json_object_get(attrs, "mxnet_version");
    const json_t *version = json_array_get(stated, 1);
    parse->symbol->version = COP_SYMBOL_OLDEST_VERSION;
    if (stated == NULL)
        return COP_STATUS_OK;
    if (!json_is_integer(version) || json_integer_value(version) < 0 ||
        json_integer_value(version) > INT_MAX)
        return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL,
                        "\"mxnet_version\" is not [\"int\", number]");
    parse->symbol->version = (int)json_integer_value(version);
    return COP_STATUS_OK;
}

static cop_status read_symbol(const struct parse *parse, const json_t *root)
{
    if (!json_is_object(root))
        return cop_fail(parse->error, COP_STATUS_MALFORMED_MODEL, "the symbol is not an object");
    cop_status status = read_version(parse, json_object_get(root, "attrs"));
    if (status == COP_STATUS_OK)
        status = read_nodes(parse, json_object_get(root, "nodes"));
    if (status == COP_STATUS_OK)
        status = check_arg_nodes(parse, json_object_get(root, "arg_nodes"));
    if (status == COP_STATUS_OK)
        status = read_heads(parse, json_object_get(root, "heads"));
    return status;
}

static cop_status parse_text(const struct parse *parse, const char *text, size_t size)
{
    size_t longest_token;
    json_t *root;
    cop_status status =
        cop_json_check_limits(text, size, COP_SYMBOL_MAX_DEPTH, COP_SYMBOL_MAX_STRING_BYTES,
                              &longest_token, parse->error);
    if (status == COP_STATUS_OK)
        status = cop_json_parse(text, size, longest_token, &root, parse->error);
    if (status != COP_STATUS_OK)
        return status;
    status = read_symbol(parse, root);
    json_decref(root);
    return status;
}

cop_status cop_symbol_parse(struct source *source, struct mxnet_symbol *symbol, cop_error *error)
{
    const struct parse parse = {symbol, error};
    const size_t size = cop_source_size(source);
    cop_status status;
    if (size == 0)
        status = cop_fail(error, COP_STATUS_MALFORMED_MODEL, "the symbol is empty");
    else
        status = parse_text(&parse, (const char *)cop_source_bytes(source), size);
    if (status != COP_STATUS_OK)
        cop_error_prefix(error, status, "%.256s: ", cop_source_name(source));
    return status;
}

cop_status cop_symbol_add_variable(struct mxnet_symbol *symbol, const char *name, int *index,
                                   cop_error *error)
{
    const int count = symbol->node_count;
    if (count >= COP_MAX_NODES)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "more than %d nodes", COP_MAX_NODES);
    if (count == symbol->node_capacity) {
        const int capacity = count + count / 2 + 8;
        struct mxnet_node *nodes = cop_realloc(symbol->nodes, (size_t)capacity, sizeof *nodes);
        if (nodes == NULL)
            return cop_fail_memory(error, "the symbol's nodes", (size_t)capacity * sizeof *nodes);
        symbol->nodes = nodes;
        symbol->node_capacity = capacity;
    }
    struct mxnet_node *node = &symbol->nodes[count];
    *node = (struct mxnet_node){.op = "null", .name = cop_arena_text(&symbol->arena, name)};
    if (node->name == NULL)
        return cop_fail_memory(error, "the symbol's nodes", strlen(name));
    *index = symbol->node_count++;
    return COP_STATUS_OK;
}

void cop_symbol_release(struct mxnet_symbol *symbol)
{
    cop_free(symbol->nodes);
    cop_arena_release(&symbol->arena);
    *symbol = (struct mxnet_symbol){0};
}
