// SPDX-License-Identifier: Apache-2.0
/* From nodes of the file to calls of mappings, and the nodes that nothing maps. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/onnx/onnx_call.h"

static const struct onnx_operator *const families[] = {
    cop_onnx_window_operators,   cop_onnx_activation_operators,    cop_onnx_arithmetic_operators,
    cop_onnx_constant_operators, cop_onnx_matrix_operators,        cop_onnx_movement_operators,
    cop_onnx_shaping_operators,  cop_onnx_normalization_operators, cop_onnx_reduction_operators,
};

static bool is_of_default_domain(const struct onnx_node *node)
{
    return node->domain.size == 0 || cop_span_is(node->domain, "ai.onnx");
}

const struct onnx_operator *cop_onnx_find_operator(const struct onnx_node *node, int64_t opset,
                                                   const char **reason)
{
    const struct onnx_operator *best = NULL;
    bool is_known = false;
    const char first = node->op_type.size > 0 ? (char)node->op_type.bytes[0] : '\0';
    if (!is_of_default_domain(node)) {
        *reason = "operators of this domain are not supported";
        return NULL;
    }
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (const struct onnx_operator *form = families[i]; form->name != NULL; form++) {
            if (form->name[0] != first || !cop_span_is(node->op_type, form->name))
                continue;
            is_known = true;
            if (form->since <= opset && (best == NULL || form->since > best->since))
                best = form;
        }
    *reason =
        is_known ? "the operator's form in this opset is not supported" : "operator not supported";
    return best;
}

/* "Resize" or "com.microsoft.FusedConv". */
static char *operator_text(struct onnx_import *import, const struct onnx_node *node)
{
    if (is_of_default_domain(node))
        return cop_onnx_text(import, node->op_type);
    const size_t length = node->domain.size + 1 + node->op_type.size;
    char *text = cop_arena_alloc(&import->scratch, length + 1, 1);
    if (text == NULL) {
        (void)cop_fail_memory(import->error, "ONNX model", length);
        return NULL;
    }
    memcpy(text, node->domain.bytes, node->domain.size);
    text[node->domain.size] = '.';
    memcpy(text + node->domain.size + 1, node->op_type.bytes, node->op_type.size);
    return text;
}

/* What a message calls a node: its name, or its first output's. */
static struct span title_of(const struct onnx_node *node, const char **kind)
{
    *kind = node->name.size > 0 ? "node" : "output";
    if (node->name.size > 0 || node->outputs.count == 0)
        return node->name;
    return node->outputs.items[0];
}

static cop_status report(struct onnx_import *import, const struct onnx_node *node,
                         const char *reason)
{
    const char *kind;
    const struct span title = title_of(node, &kind);
    struct text text = {0};
    cop_text_add(&text, "%s '%.*s'", kind, SPAN_TEXT(title));
    char *named = cop_text_take(&text);
    cop_text_free(&text);
    char *op = operator_text(import, node);
    cop_status status = COP_STATUS_OUT_OF_MEMORY;
    if (named == NULL || op == NULL)
        status = cop_fail_memory(import->error, "ONNX model", 1);
    else
        status =
            cop_onnx_report_add(&import->report, &import->arena,
                                &(struct onnx_missing){
                                    .op = op,
                                    .node = named,
                                    .reason = (char *)(uintptr_t)reason,
                                    .opset = is_of_default_domain(node) ? import->model.opset : 0,
                                },
                                import->error);
    cop_free(named);
    return status;
}

/* Remembers the graphs in a node's attributes for cop_onnx_survey_subgraphs. */
static cop_status queue_subgraphs(struct onnx_import *import, const struct onnx_node *node,
                                  int depth)
{
    for (size_t i = 0; i < node->attribute_count; i++) {
        struct span bytes = {NULL, 0};
        if (node->attributes[i].type != ONNX_ATTRIBUTE_GRAPH)
            continue;
        const cop_status status =
            cop_onnx_attribute_span(&import->file, &node->attributes[i], &bytes);
        if (status != COP_STATUS_OK)
            return status;
        if (depth > COP_ONNX_MAX_NESTING)
            return cop_fail(import->error, COP_STATUS_UNSUPPORTED,
                            "byte %zu: graphs are nested more than %d deep",
                            (size_t)(bytes.bytes - import->file.bytes), COP_ONNX_MAX_NESTING);
        const cop_status charged =
            cop_graph_charge(import->graph, 3 * sizeof(struct onnx_subgraph), import->error);
        if (charged != COP_STATUS_OK)
            return charged;
        if (import->subgraph_count == import->subgraph_capacity) {
            const size_t capacity = import->subgraph_capacity * 2 + 16;
            struct onnx_subgraph *grown = cop_realloc(import->subgraphs, capacity, sizeof *grown);
            if (grown == NULL)
                return cop_fail_memory(import->error, "ONNX model", capacity * sizeof *grown);
            import->subgraphs = grown;
            import->subgraph_capacity = capacity;
        }
        import->subgraphs[import->subgraph_count++] = (struct onnx_subgraph){bytes, depth};
    }
    return COP_STATUS_OK;
}

static cop_status count_node(struct onnx_import *import)
{
    if (++import->node_count > COP_ONNX_MAX_RECORDS)
        return cop_fail(import->error, COP_STATUS_UNSUPPORTED, "more than %zu nodes in all",
                        COP_ONNX_MAX_RECORDS);
    return COP_STATUS_OK;
}

static cop_status survey_node(struct onnx_import *import, struct span bytes, int depth)
{
    struct onnx_node node;
    const char *reason;
    cop_onnx_recycle_scratch(import);
    cop_status status = count_node(import);
    if (status == COP_STATUS_OK)
        status = cop_onnx_read_node(&import->file, bytes, &import->scratch, &node);
    if (status == COP_STATUS_OK &&
        cop_onnx_find_operator(&node, import->model.opset, &reason) == NULL)
        status = report(import, &node, reason);
    return status == COP_STATUS_OK ? queue_subgraphs(import, &node, depth + 1) : status;
}

cop_status cop_onnx_survey_subgraphs(struct onnx_import *import)
{
    cop_status status = COP_STATUS_OK;
    while (import->subgraph_count > 0 && status == COP_STATUS_OK) {
        const struct onnx_subgraph subgraph = import->subgraphs[--import->subgraph_count];
        struct arena arena = {0};
        struct onnx_graph graph;
        status = cop_onnx_read_graph(&import->file, subgraph.bytes, &arena, &graph);
        for (size_t i = 0; status == COP_STATUS_OK && i < graph.nodes.count; i++)
            status = survey_node(import, graph.nodes.items[i], subgraph.depth);
        cop_arena_release(&arena);
    }
    return status;
}

/* Finds the values behind the names of a node's inputs. */
static void resolve_inputs(struct onnx_call *call)
{
    const struct span_list *inputs = &call->node->inputs;
    struct arena *scratch = &call->import->scratch;
    call->src = cop_arena_alloc(scratch, inputs->count, sizeof *call->src);
    call->symbols = cop_arena_alloc(scratch, inputs->count, sizeof *call->symbols);
    if (call->src == NULL || call->symbols == NULL) {
        call->status =
            cop_fail_memory(&call->error, "ONNX model", inputs->count * sizeof *call->src);
        return;
    }
    for (size_t i = 0; i < inputs->count && call->status == COP_STATUS_OK; i++) {
        call->src[i] = COP_NO_VALUE;
        call->symbols[i] = -1;
        if (inputs->items[i].size == 0)
            continue;
        call->symbols[i] = cop_onnx_symbol_find(&call->import->symbols, inputs->items[i]);
        if (call->symbols[i] < 0)
            cop_onnx_malformed(call,
                               "reads '%.*s', which is no input or initializer and no earlier node "
                               "makes it (nodes must be sorted)",
                               SPAN_TEXT(inputs->items[i]));
        else
            call->src[i] = call->import->symbols.entries[call->symbols[i]].value;
    }
    call->src_count = (int)inputs->count;
    while (call->src_count > 0 && call->src[call->src_count - 1] == COP_NO_VALUE)
        call->src_count--;
}

static void check_arity(struct onnx_call *call)
{
    const struct onnx_operator *form = call->form;
    const struct span_list *outputs = &call->node->outputs;
    call->dst_count = (int)outputs->count;
    while (call->dst_count > 0 && outputs->items[call->dst_count - 1].size == 0)
        call->dst_count--;
    if (call->src_count < form->min_src || (form->max_src >= 0 && call->src_count > form->max_src))
        cop_onnx_malformed(call, "has %d inputs, needs %d to %d", call->src_count, form->min_src,
                           form->max_src);
    for (int i = 0; i < form->min_src && call->status == COP_STATUS_OK; i++)
        if (call->src[i] == COP_NO_VALUE)
            cop_onnx_malformed(call, "input %d is absent", i);
    if (call->dst_count < 1)
        cop_onnx_malformed(call, "has no output");
    else if (form->max_dst >= 0 && call->dst_count > form->max_dst)
        cop_onnx_malformed(call, "has %d outputs, makes at most %d", call->dst_count,
                           form->max_dst);
}

static void check_attributes(struct onnx_call *call)
{
    for (size_t i = 0; i < call->node->attribute_count; i++)
        if (!call->node->attributes[i].is_used)
            cop_onnx_unsupported(call, "attribute '%.*s' is not known in this opset",
                                 SPAN_TEXT(call->node->attributes[i].name));
}

/* Outputs that nothing made get values all the same, so that the rest of the model can be looked
 * at. */
static cop_status define_missing(struct onnx_import *import, const struct onnx_node *node)
{
    for (size_t i = 0; i < node->outputs.count; i++) {
        const struct span name = node->outputs.items[i];
        if (name.size == 0 || cop_onnx_symbol_find(&import->symbols, name) >= 0)
            continue;
        const cop_status status = cop_onnx_define_unknown(import, name, import->error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return COP_STATUS_OK;
}

static cop_status leave_out(struct onnx_import *import, const struct onnx_node *node,
                            const char *reason)
{
    cop_status status = report(import, node, reason);
    if (status == COP_STATUS_OK)
        status = queue_subgraphs(import, node, 1);
    return status == COP_STATUS_OK ? define_missing(import, node) : status;
}

static cop_status finish_call(struct onnx_call *call)
{
    const char *kind;
    const struct span title = title_of(call->node, &kind);
    if (call->status == COP_STATUS_OK)
        return COP_STATUS_OK;
    if (call->status == COP_STATUS_UNSUPPORTED)
        return leave_out(call->import, call->node, call->error.message);
    return cop_fail(call->import->error, call->status, "%s '%.*s' (%s): %s", kind, SPAN_TEXT(title),
                    call->form->name, call->error.message);
}

cop_status cop_onnx_import_node(struct onnx_import *import, struct span bytes)
{
    struct onnx_node node;
    const char *reason, *kind;
    import->part = bytes;
    cop_onnx_recycle_scratch(import);
    cop_status status = count_node(import);
    if (status == COP_STATUS_OK)
        status = cop_onnx_read_node(&import->file, bytes, &import->scratch, &node);
    if (status != COP_STATUS_OK)
        return status;
    if (import->model.opset == 0 && is_of_default_domain(&node))
        return cop_fail(import->error, COP_STATUS_MALFORMED_MODEL,
                        "an operator of the default domain (%.*s), and no opset of it is imported",
                        SPAN_TEXT(node.op_type));
    const struct onnx_operator *form = cop_onnx_find_operator(&node, import->model.opset, &reason);
    if (form == NULL)
        return leave_out(import, &node, reason);

    struct onnx_call call = {
        .import = import, .node = &node, .form = form, .opset = import->model.opset};
    call.name = cop_onnx_text(import, title_of(&node, &kind));
    if (call.name == NULL)
        return import->error->status;
    resolve_inputs(&call);
    if (call.status == COP_STATUS_OK)
        check_arity(&call);
    if (call.status == COP_STATUS_OK)
        form->map(&call);
    if (call.status == COP_STATUS_OK)
        check_attributes(&call);
    return finish_call(&call);
}
