// SPDX-License-Identifier: Apache-2.0
/* ModelProto, GraphProto and ValueInfoProto. */
#include "model/onnx/format/onnx_format.h"

#include <stdio.h>

#include "base/error.h"
#include "onnx.pb.h"

static cop_status read_opset(const struct protobuf_file *file, struct span bytes,
                             struct onnx_model *model)
{
    struct span domain = {NULL, 0};
    int64_t version = 0;
    struct protobuf_message message = cop_protobuf_open(file, bytes, "OperatorSetIdProto");
    while (cop_protobuf_next(&message)) {
        if (message.tag == onnx_OperatorSetIdProto_domain_tag)
            cop_protobuf_string(&message, &domain);
        else if (message.tag == onnx_OperatorSetIdProto_version_tag)
            cop_protobuf_int64(&message, &version);
    }
    if (message.status != COP_STATUS_OK || !(domain.size == 0 || cop_span_is(domain, "ai.onnx")))
        return message.status;
    if (version < 1 || model->opset != 0)
        return cop_fail(file->error, COP_STATUS_MALFORMED_MODEL,
                        "opset %lld of the default domain: %s", (long long)version,
                        version < 1 ? "not a version" : "imported a second time");
    model->opset = version;
    return COP_STATUS_OK;
}

cop_status cop_onnx_read_model(const struct protobuf_file *file, struct onnx_model *model)
{
    *model = (struct onnx_model){0};
    bool has_graph = false;
    struct protobuf_message message =
        cop_protobuf_open(file, (struct span){file->bytes, file->size}, "ModelProto");
    while (cop_protobuf_next(&message)) {
        struct span opset = {NULL, 0};
        switch (message.tag) {
        case onnx_ModelProto_ir_version_tag:
            cop_protobuf_int64(&message, &model->ir_version);
            break;
        case onnx_ModelProto_graph_tag:
            cop_protobuf_span(&message, &model->graph);
            if (has_graph)
                cop_protobuf_fail(&message, "a second graph");
            has_graph = true;
            break;
        case onnx_ModelProto_opset_import_tag:
            cop_protobuf_span(&message, &opset);
            if (message.status == COP_STATUS_OK)
                message.status = read_opset(file, opset, model);
            break;
        default:
            break;
        }
    }
    if (message.status == COP_STATUS_OK && !has_graph)
        return cop_fail(file->error, COP_STATUS_MALFORMED_MODEL,
                        "no graph in this file: it is no ONNX model, or cut off");
    return message.status;
}

static struct span_list *list_of(struct onnx_graph *graph, uint32_t tag)
{
    switch (tag) {
    case onnx_GraphProto_node_tag:
        return &graph->nodes;
    case onnx_GraphProto_initializer_tag:
        return &graph->initializers;
    case onnx_GraphProto_input_tag:
        return &graph->inputs;
    case onnx_GraphProto_output_tag:
        return &graph->outputs;
    default:
        return NULL;
    }
}

static cop_status count_parts(const struct protobuf_file *file, struct span bytes,
                              struct onnx_graph *graph)
{
    struct protobuf_message message = cop_protobuf_open(file, bytes, "GraphProto");
    while (cop_protobuf_next(&message)) {
        struct span_list *list = list_of(graph, message.tag);
        if (list != NULL && ++list->count > COP_ONNX_MAX_RECORDS)
            return cop_fail(file->error, COP_STATUS_UNSUPPORTED,
                            "byte %zu: more than %zu nodes, initializers, inputs or outputs",
                            (size_t)(message.field - file->bytes), COP_ONNX_MAX_RECORDS);
        if (message.tag == onnx_GraphProto_sparse_initializer_tag)
            graph->sparse_initializer_count++;
    }
    return message.status;
}

static cop_status allocate_list(const struct protobuf_file *file, struct arena *arena,
                                struct span_list *list)
{
    list->items = cop_arena_alloc(arena, list->count, sizeof *list->items);
    if (list->items == NULL)
        return cop_fail_memory(file->error, "ONNX model", list->count * sizeof *list->items);
    list->capacity = list->count;
    list->count = 0;
    return COP_STATUS_OK;
}

cop_status cop_onnx_read_graph(const struct protobuf_file *file, struct span bytes,
                               struct arena *arena, struct onnx_graph *graph)
{
    *graph = (struct onnx_graph){0};
    cop_status status = count_parts(file, bytes, graph);
    struct span_list *const lists[] = {&graph->nodes, &graph->initializers, &graph->inputs,
                                       &graph->outputs};
    for (size_t i = 0; i < 4 && status == COP_STATUS_OK; i++)
        status = allocate_list(file, arena, lists[i]);
    if (status != COP_STATUS_OK)
        return status;
    struct protobuf_message message = cop_protobuf_open(file, bytes, "GraphProto");
    while (cop_protobuf_next(&message)) {
        struct span_list *list = list_of(graph, message.tag);
        struct span part = {NULL, 0};
        if (list == NULL)
            continue;
        cop_protobuf_span(&message, &part);
        if (message.status == COP_STATUS_OK && list->count < list->capacity)
            list->items[list->count++] = part;
    }
    return message.status;
}

static void read_dimension(struct protobuf_message *parent, struct onnx_value_info *info)
{
    struct span bytes = {NULL, 0};
    cop_protobuf_span(parent, &bytes);
    if (parent->status != COP_STATUS_OK)
        return;
    if (info->shape.rank >= COP_MAX_RANK) {
        parent->status =
            cop_fail(parent->file->error, COP_STATUS_UNSUPPORTED,
                     "'%.*s' has more than %d dimensions", SPAN_TEXT(info->name), COP_MAX_RANK);
        return;
    }
    const int axis = info->shape.rank++;
    info->shape.dims[axis] = COP_UNKNOWN;
    struct protobuf_message message = cop_protobuf_open(parent->file, bytes, "Dimension");
    while (cop_protobuf_next(&message)) {
        if (message.tag == onnx_TensorShapeProto_Dimension_dim_value_tag) {
            cop_protobuf_int64(&message, &info->shape.dims[axis]);
            info->dim_names[axis].size = 0;
        } else if (message.tag == onnx_TensorShapeProto_Dimension_dim_param_tag) {
            cop_protobuf_string(&message, &info->dim_names[axis]);
            info->shape.dims[axis] = COP_UNKNOWN;
        }
    }
    if (info->shape.dims[axis] < 0) /* some exporters write -1 for "any" */
        info->shape.dims[axis] = COP_UNKNOWN;
    parent->status = message.status;
}

static void read_shape(struct protobuf_message *parent, struct onnx_value_info *info)
{
    struct span bytes = {NULL, 0};
    cop_protobuf_span(parent, &bytes);
    if (parent->status != COP_STATUS_OK)
        return;
    info->shape = cop_shape_of(0, NULL);
    struct protobuf_message message = cop_protobuf_open(parent->file, bytes, "TensorShapeProto");
    while (cop_protobuf_next(&message))
        if (message.tag == onnx_TensorShapeProto_dim_tag)
            read_dimension(&message, info);
    parent->status = message.status;
}

static void read_tensor_type(struct protobuf_message *parent, struct onnx_value_info *info)
{
    struct span bytes = {NULL, 0};
    cop_protobuf_span(parent, &bytes);
    if (parent->status != COP_STATUS_OK)
        return;
    info->is_tensor = true;
    struct protobuf_message message = cop_protobuf_open(parent->file, bytes, "TypeProto.Tensor");
    while (cop_protobuf_next(&message)) {
        if (message.tag == onnx_TypeProto_Tensor_elem_type_tag)
            cop_protobuf_int64(&message, &info->type);
        else if (message.tag == onnx_TypeProto_Tensor_shape_tag)
            read_shape(&message, info);
    }
    info->dtype = cop_onnx_dtype(info->type);
    parent->status = message.status;
}

static void read_type(struct protobuf_message *parent, struct onnx_value_info *info)
{
    struct span bytes = {NULL, 0};
    cop_protobuf_span(parent, &bytes);
    if (parent->status != COP_STATUS_OK)
        return;
    struct protobuf_message message = cop_protobuf_open(parent->file, bytes, "TypeProto");
    while (cop_protobuf_next(&message))
        if (message.tag == onnx_TypeProto_tensor_type_tag)
            read_tensor_type(&message, info);
        else if (message.tag != onnx_TypeProto_denotation_tag)
            info->is_other = true;
    parent->status = message.status;
}

cop_status cop_onnx_read_value_info(const struct protobuf_file *file, struct span bytes,
                                    struct onnx_value_info *info)
{
    *info = (struct onnx_value_info){.shape = cop_shape_unknown()};
    struct protobuf_message message = cop_protobuf_open(file, bytes, "ValueInfoProto");
    while (cop_protobuf_next(&message)) {
        if (message.tag == onnx_ValueInfoProto_name_tag)
            cop_protobuf_string(&message, &info->name);
        else if (message.tag == onnx_ValueInfoProto_type_tag)
            read_type(&message, info);
    }
    if (message.status == COP_STATUS_OK && info->name.size == 0)
        return cop_fail(file->error, COP_STATUS_MALFORMED_MODEL,
                        "byte %zu: an input or output without a name",
                        (size_t)(bytes.bytes - file->bytes));
    return message.status;
}
