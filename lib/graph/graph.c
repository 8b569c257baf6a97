// SPDX-License-Identifier: Apache-2.0
#include "graph/graph.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph_parts.h"

struct graph *cop_graph_create(cop_error *error)
{
    struct graph *graph = cop_alloc(1, sizeof *graph);
    if (graph == NULL)
        (void)cop_fail_memory(error, "graph", sizeof *graph);
    return graph;
}

void cop_graph_destroy(struct graph *graph)
{
    if (graph == NULL)
        return;
    for (int i = 0; i < graph->value_count; i++)
        if (graph->values[i].constant != NULL)
            cop_source_release(&graph->values[i].constant->source);
    cop_free(graph->nodes);
    cop_free(graph->values);
    cop_free(graph->inputs);
    cop_free(graph->outputs);
    cop_free(graph->output_names);
    cop_arena_release(&graph->arena);
    cop_free(graph);
}

/* `extra`: bytes that are needed for a moment only. */
static cop_status check_bytes(const struct graph *graph, size_t extra, cop_error *error)
{
    const size_t used = extra + graph->charged_bytes + graph->arena.bytes +
                        (size_t)graph->value_count * sizeof *graph->values +
                        (size_t)graph->node_count * sizeof *graph->nodes;
    if (graph->max_bytes == 0 || used <= graph->max_bytes)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_UNSUPPORTED,
                    "%d nodes and %d values take more than the %zu bytes of memory that a model "
                    "file of this size may cost",
                    graph->node_count, graph->value_count, graph->max_bytes);
}

cop_status cop_graph_charge(struct graph *graph, size_t bytes, cop_error *error)
{
    graph->charged_bytes += bytes;
    return check_bytes(graph, 0, error);
}

/* `table` with room for `larger` entries, or NULL after filling in `error`. */
static void *resize(void *table, int larger, int *capacity, size_t entry_bytes, cop_error *error)
{
    void *resized = cop_realloc(table, (size_t)larger, entry_bytes);
    if (resized == NULL)
        (void)cop_fail_memory(error, "graph", (size_t)larger * entry_bytes);
    else
        *capacity = larger;
    return resized;
}

/* `table` with room for one more entry, or NULL after filling in `error`. */
static void *grow(const struct graph *graph, void *table, int count, int *capacity,
                  size_t entry_bytes, cop_error *error)
{
    if (count < *capacity)
        return table;
    if (check_bytes(graph, (size_t)count * entry_bytes, error) != COP_STATUS_OK)
        return NULL; /* both tables are there while one is copied */
    return resize(table, *capacity + *capacity / 2 + 16, capacity, entry_bytes, error);
}

bool cop_graph_reserve(struct graph *graph, size_t value_count, size_t node_count, cop_error *error)
{
    const size_t values = value_count < COP_MAX_VALUES ? value_count : COP_MAX_VALUES;
    const size_t nodes = node_count < COP_MAX_NODES ? node_count : COP_MAX_NODES;
    if (values > (size_t)graph->value_capacity) {
        struct graph_value *table =
            resize(graph->values, (int)values, &graph->value_capacity, sizeof *table, error);
        if (table == NULL)
            return false;
        graph->values = table;
    }
    if (nodes > (size_t)graph->node_capacity) {
        struct graph_node *table =
            resize(graph->nodes, (int)nodes, &graph->node_capacity, sizeof *table, error);
        if (table == NULL)
            return false;
        graph->nodes = table;
    }
    return true;
}

/* A copy of a text; the many empty ones share one. */
static const char *keep_text(struct graph *graph, const char *text, cop_error *error)
{
    if (text == NULL || text[0] == '\0')
        return "";
    const char *copy = cop_arena_text(&graph->arena, text);
    if (copy == NULL)
        (void)cop_fail_memory(error, "graph", strlen(text) + 1);
    return copy;
}

int cop_graph_add_value(struct graph *graph, const char *name, cop_dtype dtype,
                        const struct shape *shape, cop_error *error)
{
    if (graph->value_count >= COP_MAX_VALUES) {
        (void)cop_fail(error, COP_STATUS_UNSUPPORTED, "value '%s': a graph has at most %d values",
                       name == NULL ? "" : name, COP_MAX_VALUES);
        return -1;
    }
    if (cop_graph_charge(graph, 0, error) != COP_STATUS_OK)
        return -1;
    struct graph_value *values = grow(graph, graph->values, graph->value_count,
                                      &graph->value_capacity, sizeof *values, error);
    if (values == NULL)
        return -1;
    graph->values = values;
    const char *kept = keep_text(graph, name, error);
    if (kept == NULL)
        return -1;
    values[graph->value_count] = (struct graph_value){
        .name = kept,
        .dtype = dtype,
        .shape = *shape,
        .producer = -1,
    };
    return graph->value_count++;
}

/* Bytes of a constant; refuses those whose size makes no sense. */
static bool constant_bytes(const char *name, cop_dtype dtype, const struct shape *shape,
                           size_t *bytes, cop_error *error)
{
    if (cop_dtype_bytes(dtype) == 0)
        (void)cop_fail(error, COP_STATUS_MALFORMED_MODEL, "constant '%s' has no known element type",
                       name == NULL ? "" : name);
    else if (!cop_shape_bytes(shape, dtype, bytes))
        (void)cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                       "constant '%s' has the impossible shape %s", name == NULL ? "" : name,
                       cop_shape_text(shape).text);
    else
        return true;
    return false;
}

/* Attaches a constant to the newest value. On failure that value is taken back. */
static int attach_constant(struct graph *graph, int value, const struct graph_constant *constant,
                           cop_error *error)
{
    struct graph_constant *kept = cop_arena_copy(&graph->arena, constant, 1, sizeof *constant);
    if (kept == NULL) {
        graph->value_count--;
        (void)cop_fail_memory(error, "graph", sizeof *constant);
        return -1;
    }
    if (kept->source != NULL)
        cop_source_retain(kept->source);
    graph->values[value].constant = kept;
    cop_graph_find_weight(graph, value);
    return value;
}

int cop_graph_add_constant(struct graph *graph, const char *name, cop_dtype dtype,
                           const struct shape *shape, struct source *source, size_t offset,
                           cop_error *error)
{
    size_t bytes;
    if (!constant_bytes(name, dtype, shape, &bytes, error))
        return -1;
    if (offset > cop_source_size(source) || bytes > cop_source_size(source) - offset) {
        (void)cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                       "constant '%s': bytes %zu+%zu reach past the %zu bytes of %s",
                       name == NULL ? "" : name, offset, bytes, cop_source_size(source),
                       cop_source_name(source));
        return -1;
    }
    const int value = cop_graph_add_value(graph, name, dtype, shape, error);
    if (value < 0)
        return -1;
    /* The ordinal keeps apart what two importers' buffers of one name might hold. */
    struct hash identity = cop_hash_u64(cop_hash_begin(), (uint64_t)value);
    identity = cop_hash_bytes(identity, cop_source_name(source), strlen(cop_source_name(source)));
    identity = cop_hash_u64(cop_hash_u64(identity, offset), bytes);
    return attach_constant(
        graph, value,
        &(struct graph_constant){.source = source,
                                 .offset = offset,
                                 .bytes = bytes,
                                 .identity = cop_hash_u64(identity, (uint64_t)dtype),
                                 .parameter = value},
        error);
}

int cop_graph_add_literal(struct graph *graph, const char *name, cop_dtype dtype,
                          const struct shape *shape, const void *elements, cop_error *error)
{
    size_t bytes;
    if (!constant_bytes(name, dtype, shape, &bytes, error))
        return -1;
    const int value = cop_graph_add_value(graph, name, dtype, shape, error);
    if (value < 0)
        return -1;
    /* One byte at least: an empty literal is known, too. */
    void *copy = cop_arena_alloc(&graph->arena, bytes == 0 ? 1 : bytes, 1);
    if (copy == NULL) {
        graph->value_count--;
        (void)cop_fail_memory(error, "graph", bytes);
        return -1;
    }
    if (bytes > 0)
        memcpy(copy, elements, bytes);
    graph->values[value].value = copy;
    struct hash identity = cop_hash_bytes(cop_hash_begin(), "literal", 7);
    identity = cop_hash_u64(cop_hash_u64(identity, (uint64_t)dtype), (uint64_t)shape->rank);
    identity = cop_hash_bytes(identity, shape->dims, (size_t)shape->rank * sizeof *shape->dims);
    return attach_constant(
        graph, value,
        &(struct graph_constant){
            .bytes = bytes, .identity = cop_hash_bytes(identity, copy, bytes), .parameter = -1},
        error);
}

static bool value_exists(const struct graph *graph, int value, const char *what, cop_error *error)
{
    if (value >= 0 && value < graph->value_count)
        return true;
    (void)cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s %d: there are %d values", what, value,
                   graph->value_count);
    return false;
}

int cop_graph_add_input(struct graph *graph, int value, const char *const *dim_names,
                        cop_error *error)
{
    if (!value_exists(graph, value, "input", error))
        return -1;
    if (graph->values[value].producer >= 0 || graph->values[value].constant != NULL) {
        (void)cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                       "input '%s' is also a constant or the result of a node",
                       graph->values[value].name);
        return -1;
    }
    struct graph_input *inputs = grow(graph, graph->inputs, graph->input_count,
                                      &graph->input_capacity, sizeof *inputs, error);
    if (inputs == NULL)
        return -1;
    graph->inputs = inputs;
    struct graph_input input = {.value = value};
    for (int i = 0; dim_names != NULL && i < graph->values[value].shape.rank; i++) {
        if (dim_names[i] == NULL)
            continue;
        input.dim_names[i] = keep_text(graph, dim_names[i], error);
        if (input.dim_names[i] == NULL)
            return -1;
    }
    inputs[graph->input_count] = input;
    return graph->input_count++;
}

int cop_graph_add_output(struct graph *graph, int value, const char *name, cop_error *error)
{
    if (!value_exists(graph, value, "output", error))
        return -1;
    int names_capacity = graph->output_capacity;
    const char **names = grow(graph, graph->output_names, graph->output_count, &names_capacity,
                              sizeof *names, error);
    if (names == NULL)
        return -1;
    graph->output_names = names;
    int *outputs = grow(graph, graph->outputs, graph->output_count, &graph->output_capacity,
                        sizeof *outputs, error);
    if (outputs == NULL)
        return -1;
    graph->outputs = outputs;
    const char *kept = keep_text(graph, name, error);
    if (kept == NULL)
        return -1;
    names[graph->output_count] = kept;
    outputs[graph->output_count] = value;
    return graph->output_count++;
}

/* Claims the results for a node; on failure none is claimed. */
static bool claim_results(struct graph *graph, int node, int dst_count, const int *dst,
                          cop_error *error)
{
    for (int i = 0; i < dst_count; i++) {
        bool is_free = value_exists(graph, dst[i], "output", error);
        struct graph_value *value = is_free ? &graph->values[dst[i]] : NULL;
        if (is_free && (value->producer >= 0 || value->constant != NULL)) {
            (void)cop_fail(error, COP_STATUS_MALFORMED_MODEL, "value '%s' is made twice",
                           value->name);
            is_free = false;
        }
        if (!is_free) {
            while (i > 0)
                graph->values[dst[--i]].producer = -1;
            return false;
        }
        value->producer = node;
    }
    return true;
}

static bool check_node(const struct graph *graph, enum op_kind kind, int src_count, const int *src,
                       int dst_count, cop_error *error)
{
    const struct op_def *def = cop_op_def(kind);
    if (src_count < def->min_src || (def->max_src >= 0 && src_count > def->max_src)) {
        (void)cop_fail(error, COP_STATUS_MALFORMED_MODEL, "has %d inputs, %s takes %d to %d",
                       src_count, def->name, def->min_src, def->max_src);
        return false;
    }
    if (dst_count < def->min_dst || (def->max_dst >= 0 && dst_count > def->max_dst)) {
        (void)cop_fail(error, COP_STATUS_MALFORMED_MODEL, "has %d outputs, %s makes %d to %d",
                       dst_count, def->name, def->min_dst, def->max_dst);
        return false;
    }
    for (int i = 0; i < src_count; i++) {
        if (src[i] == COP_NO_VALUE && i < def->min_src) {
            (void)cop_fail(error, COP_STATUS_MALFORMED_MODEL, "input %d of %s is absent", i,
                           def->name);
            return false;
        }
        if (src[i] != COP_NO_VALUE && !value_exists(graph, src[i], "input", error))
            return false;
    }
    return true;
}

/* The word for the operator; those of a whole network share a few copies. */
static const char *keep_origin(struct graph *graph, enum op_kind kind, const char *origin,
                               cop_error *error)
{
    const char *own = cop_op_def(kind)->name;
    if (origin == NULL || strcmp(origin, own) == 0)
        return own;
    for (int i = graph->node_count - 1; i >= 0 && i >= graph->node_count - 8; i--)
        if (strcmp(graph->nodes[i].origin, origin) == 0)
            return graph->nodes[i].origin;
    return keep_text(graph, origin, error);
}

/* Exporters often name a node as its result. */
static const char *keep_name(struct graph *graph, const char *name, const struct graph_node *node,
                             cop_error *error)
{
    if (name != NULL && node->dst_count > 0 && node->dst[0] >= 0 &&
        node->dst[0] < graph->value_count && strcmp(name, graph->values[node->dst[0]].name) == 0)
        return graph->values[node->dst[0]].name;
    return keep_text(graph, name, error);
}

/* Copies what a node lies on into the arena. */
static bool fill_node(struct graph *graph, struct graph_node *node, const char *name,
                      const char *origin, const void *attrs, const int *src, const int *dst,
                      cop_error *error)
{
    const size_t attrs_bytes = cop_op_def(node->kind)->attrs_bytes;
    const size_t edge_count = (size_t)node->src_count + (size_t)node->dst_count;
    void *own_attrs = cop_arena_alloc(&graph->arena, 1, attrs_bytes);
    int *edges = cop_arena_ints(&graph->arena, edge_count);
    if (own_attrs == NULL || edges == NULL) {
        (void)cop_fail_memory(error, "graph", attrs_bytes + edge_count * sizeof *edges);
        return false;
    }
    if (attrs != NULL)
        memcpy(own_attrs, attrs, attrs_bytes);
    for (int i = 0; i < node->src_count; i++)
        edges[i] = src[i];
    for (int i = 0; i < node->dst_count; i++)
        edges[node->src_count + i] = dst[i];
    node->attrs = own_attrs;
    node->src = edges;
    node->dst = edges + node->src_count;
    node->fused = "";
    node->post_ops = &cop_no_post_ops;
    node->name = keep_name(graph, name, node, error);
    node->origin = keep_origin(graph, node->kind, origin, error);
    return node->name != NULL && node->origin != NULL;
}

static int append_node(struct graph *graph, enum op_kind kind, const char *name, const char *origin,
                       const void *attrs, int src_count, const int *src, int dst_count,
                       const int *dst, cop_error *error)
{
    if (graph->node_count >= COP_MAX_NODES) {
        (void)cop_fail(error, COP_STATUS_UNSUPPORTED, "a graph has at most %d nodes",
                       COP_MAX_NODES);
        return -1;
    }
    if (!check_node(graph, kind, src_count, src, dst_count, error))
        return -1;
    struct graph_node *nodes =
        grow(graph, graph->nodes, graph->node_count, &graph->node_capacity, sizeof *nodes, error);
    if (nodes == NULL)
        return -1;
    graph->nodes = nodes;
    struct graph_node node = {.kind = kind, .src_count = src_count, .dst_count = dst_count};
    if (!fill_node(graph, &node, name, origin, attrs, src, dst, error) ||
        !claim_results(graph, graph->node_count, dst_count, dst, error))
        return -1;
    nodes[graph->node_count++] = node;
    cop_graph_find_results(graph, graph->node_count - 1);
    return graph->node_count - 1;
}

int cop_graph_add_node(struct graph *graph, enum op_kind kind, const char *name, const char *origin,
                       const void *attrs, int src_count, const int *src, int dst_count,
                       const int *dst, cop_error *error)
{
    cop_error reason = {COP_STATUS_OK, ""};
    const int node =
        append_node(graph, kind, name, origin, attrs, src_count, src, dst_count, dst, &reason);
    if (node < 0)
        (void)cop_fail(error, reason.status, "node '%s' (%s): %s", name == NULL ? "" : name,
                       origin == NULL ? cop_op_def(kind)->name : origin, reason.message);
    return node;
}

int cop_graph_append(struct graph *graph, enum op_kind kind, const char *name, const char *origin,
                     const void *attrs, int src_count, const int *src, cop_error *error)
{
    const struct shape unknown = cop_shape_unknown();
    const int value = cop_graph_add_value(graph, name, COP_DTYPE_UNKNOWN, &unknown, error);
    if (value < 0)
        return -1;
    if (cop_graph_add_node(graph, kind, name, origin, attrs, src_count, src, 1, &value, error) >= 0)
        return value;
    graph->value_count--;
    return -1;
}

cop_status cop_graph_name_node(const struct graph *graph, int node, cop_status status,
                               cop_error *error)
{
    const struct graph_node *named = &graph->nodes[node];
    if (named->name[0] == '\0')
        return cop_error_prefix(error, status, "node #%d (%s): ", node, named->origin);
    return cop_error_prefix(error, status, "node '%.200s' (%.100s): ", named->name, named->origin);
}
