// SPDX-License-Identifier: Apache-2.0
/* cop_onnx_import: an ONNX file as a graph. */
#include "model/onnx/onnx_import.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/onnx/onnx_call.h"

#define MIN_IR_VERSION 1
#define MAX_IR_VERSION 13

static cop_status check_versions(struct onnx_import *import)
{
    const struct onnx_model *model = &import->model;
    if (model->ir_version < MIN_IR_VERSION)
        return cop_fail(import->error, COP_STATUS_MALFORMED_MODEL, "IR version %lld",
                        (long long)model->ir_version);
    if (model->ir_version > MAX_IR_VERSION)
        return cop_fail(import->error, COP_STATUS_UNSUPPORTED,
                        "IR version %lld; up to %d are supported", (long long)model->ir_version,
                        MAX_IR_VERSION);
    /* Before IR version 3 there were no imports, and the first opset was the only one. */
    if (model->opset == 0 && model->ir_version < 3)
        import->model.opset = 1;
    if (model->opset > COP_ONNX_MAX_OPSET)
        return cop_fail(import->error, COP_STATUS_UNSUPPORTED, "opset %lld; up to %d are supported",
                        (long long)model->opset, COP_ONNX_MAX_OPSET);
    return COP_STATUS_OK;
}

/* What cannot be taken is listed with the nodes that cannot; `error` holds the reason. */
static cop_status leave_out(struct onnx_import *import, const char *what, struct span name)
{
    char title[32];
    snprintf(title, sizeof title, "%s", what);
    char *text = cop_onnx_text(import, name);
    if (text == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    const struct onnx_missing missing = {
        .op = title, .node = text, .reason = import->error->message};
    const cop_status status =
        cop_onnx_report_add(&import->report, &import->arena, &missing, import->error);
    return status == COP_STATUS_OK ? cop_onnx_define_unknown(import, name, import->error) : status;
}

static cop_status import_initializer(struct onnx_import *import, struct span bytes)
{
    struct onnx_tensor tensor;
    cop_status status = cop_onnx_read_tensor(&import->file, bytes, &tensor);
    if (status != COP_STATUS_OK)
        return status;
    if (tensor.name.size == 0)
        return cop_fail(import->error, COP_STATUS_MALFORMED_MODEL,
                        "byte %zu: an initializer without a name",
                        (size_t)(bytes.bytes - import->file.bytes));
    const char *name = cop_onnx_text(import, tensor.name);
    if (name == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    int value = COP_NO_VALUE;
    status = cop_onnx_add_tensor(import, &tensor, name, &value, import->error);
    if (status == COP_STATUS_OK)
        return cop_onnx_define(import, tensor.name, value, import->error);
    return status == COP_STATUS_UNSUPPORTED ? leave_out(import, "initializer", tensor.name)
                                            : status;
}

static cop_status import_initializers(struct onnx_import *import, const struct onnx_graph *parts)
{
    if (parts->sparse_initializer_count > 0)
        return cop_fail(import->error, COP_STATUS_UNSUPPORTED,
                        "%zu sparse initializers: sparse tensors are not supported",
                        parts->sparse_initializer_count);
    cop_status status = COP_STATUS_OK;
    for (size_t i = 0; i < parts->initializers.count && status == COP_STATUS_OK; i++) {
        cop_onnx_recycle_scratch(import);
        import->part = parts->initializers.items[i];
        status = import_initializer(import, parts->initializers.items[i]);
    }
    import->initializer_count = import->symbols.count;
    return status;
}

static cop_status check_type(struct onnx_import *import, const struct onnx_value_info *info)
{
    char type[32];
    if (!info->is_tensor)
        return cop_fail(import->error, COP_STATUS_UNSUPPORTED,
                        info->is_other ? "'%.*s' is no tensor" : "the type of '%.*s' is not stated",
                        SPAN_TEXT(info->name));
    if (info->dtype == COP_DTYPE_UNKNOWN)
        return cop_fail(import->error, COP_STATUS_UNSUPPORTED, "'%.*s' is of %s",
                        SPAN_TEXT(info->name), cop_onnx_type_name(info->type, type, sizeof type));
    return COP_STATUS_OK;
}

/* Does an initializer give an input its value? (Before IR version 4 every one was listed so.) */
static cop_status check_initialised(struct onnx_import *import, struct span name,
                                    bool *is_initialised)
{
    const int index = cop_onnx_symbol_find(&import->symbols, name);
    *is_initialised = (size_t)index < import->initializer_count;
    if (index < 0 || *is_initialised)
        return COP_STATUS_OK;
    return cop_fail(import->error, COP_STATUS_MALFORMED_MODEL, "two inputs are called '%.*s'",
                    SPAN_TEXT(name));
}

static cop_status add_input(struct onnx_import *import, const struct onnx_value_info *info)
{
    const char *dim_names[COP_MAX_RANK] = {NULL};
    if (import->graph->input_count == COP_ONNX_MAX_PORTS)
        return cop_fail(import->error, COP_STATUS_UNSUPPORTED, "more than %d inputs",
                        COP_ONNX_MAX_PORTS);
    for (int i = 0; i < info->shape.rank; i++) {
        if (info->dim_names[i].size == 0)
            continue;
        dim_names[i] = cop_onnx_text(import, info->dim_names[i]);
        if (dim_names[i] == NULL)
            return COP_STATUS_OUT_OF_MEMORY;
    }
    const char *name = cop_onnx_text(import, info->name);
    if (name == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    const int value =
        cop_graph_add_value(import->graph, name, info->dtype, &info->shape, import->error);
    if (value < 0 || cop_graph_add_input(import->graph, value, dim_names, import->error) < 0)
        return import->error->status;
    return cop_onnx_define(import, info->name, value, import->error);
}

static cop_status import_input(struct onnx_import *import, struct span bytes)
{
    struct onnx_value_info info;
    bool is_initialised = false;
    import->part = bytes;
    cop_onnx_recycle_scratch(import);
    cop_status status = cop_onnx_read_value_info(&import->file, bytes, &info);
    if (status == COP_STATUS_OK)
        status = check_initialised(import, info.name, &is_initialised);
    if (status != COP_STATUS_OK || is_initialised)
        return status;
    status = check_type(import, &info);
    if (status == COP_STATUS_UNSUPPORTED)
        return leave_out(import, "input", info.name);
    return add_input(import, &info);
}

/* Is a value free to be an output: made by a node, and no output yet? */
static bool is_result(const struct onnx_import *import, int value, const bool *is_taken)
{
    return import->graph->values[value].producer >= 0 && !is_taken[value];
}

/* The value of an output: what is called so, in the declared type, made by a node of its own. */
static cop_status find_output(struct onnx_import *import, const struct onnx_value_info *info,
                              const char *name, const bool *is_taken, int taken_count, int *value)
{
    const int index = cop_onnx_symbol_find(&import->symbols, info->name);
    if (index < 0)
        return cop_fail(import->error, COP_STATUS_MALFORMED_MODEL, "output '%s' is made by nothing",
                        name);
    const struct onnx_symbol *symbol = &import->symbols.entries[index];
    const struct graph_value *values = import->graph->values;
    const bool is_kept = info->dtype == values[symbol->stored].dtype;
    const cop_dtype dtype = values[symbol->value].dtype;
    enum op_kind kind = OP_IDENTITY;
    const struct cast_attrs attrs = {info->dtype};
    *value = is_kept ? symbol->stored : symbol->value;
    if (!is_kept && cop_is_narrow(info->dtype) && dtype == COP_DTYPE_FLOAT32)
        kind = OP_CAST;
    else if (info->dtype != COP_DTYPE_UNKNOWN && dtype != COP_DTYPE_UNKNOWN && !is_kept &&
             info->dtype != dtype)
        return cop_fail(import->error, COP_STATUS_MALFORMED_MODEL,
                        "output '%s' is declared %s and is %s", name, cop_dtype_name(info->dtype),
                        cop_dtype_name(dtype));
    if (kind == OP_IDENTITY && *value < taken_count && is_result(import, *value, is_taken))
        return COP_STATUS_OK;
    *value = cop_graph_append(import->graph, kind, name, kind == OP_CAST ? "Cast" : "Identity",
                              kind == OP_CAST ? &attrs : NULL, 1, value, import->error);
    if (*value < 0)
        return import->error->status;
    import->graph->values[*value].dtype = info->dtype != COP_DTYPE_UNKNOWN ? info->dtype : dtype;
    return COP_STATUS_OK;
}

static cop_status import_output(struct onnx_import *import, struct span bytes, bool *is_taken,
                                int taken_count)
{
    struct onnx_value_info info;
    int value = COP_NO_VALUE;
    import->part = bytes;
    cop_status status = cop_onnx_read_value_info(&import->file, bytes, &info);
    if (status == COP_STATUS_OK)
        status = check_type(import, &info);
    if (status == COP_STATUS_UNSUPPORTED && !info.is_other && info.type == 0)
        status = COP_STATUS_OK; /* the type follows from what makes it */
    if (status != COP_STATUS_OK)
        return status;
    const char *name = cop_onnx_text(import, info.name);
    if (name == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    status = find_output(import, &info, name, is_taken, taken_count, &value);
    if (status != COP_STATUS_OK)
        return status;
    if (value < taken_count)
        is_taken[value] = true;
    if (cop_graph_add_output(import->graph, value, name, import->error) < 0)
        return import->error->status;
    import->graph->values[value].shape = info.shape;
    return COP_STATUS_OK;
}

static cop_status import_outputs(struct onnx_import *import, const struct onnx_graph *parts)
{
    const int taken_count = import->graph->value_count;
    bool *is_taken = cop_arena_alloc(&import->arena, (size_t)taken_count, sizeof *is_taken);
    cop_status status = COP_STATUS_OK;
    if (is_taken == NULL)
        return cop_fail_memory(import->error, "ONNX model", (size_t)taken_count);
    if (parts->outputs.count > COP_ONNX_MAX_PORTS)
        return cop_fail(import->error, COP_STATUS_UNSUPPORTED, "%zu outputs; at most %d",
                        parts->outputs.count, COP_ONNX_MAX_PORTS);
    if (parts->outputs.count == 0)
        return cop_fail(import->error, COP_STATUS_MALFORMED_MODEL, "the graph has no output");
    for (size_t i = 0; i < parts->outputs.count && status == COP_STATUS_OK; i++)
        status = import_output(import, parts->outputs.items[i], is_taken, taken_count);
    return status;
}

/* What building may take: with the file itself and the process, 64 MB and four times the file. */
static size_t most_bytes(const struct onnx_import *import)
{
    return ((size_t)48 << 20) + 3 * import->file.size;
}

/* Tables of about the size that will be needed: most nodes become one and make one value. */
static cop_status reserve(struct onnx_import *import, const struct onnx_graph *parts)
{
    const size_t values = parts->initializers.count + parts->inputs.count + parts->nodes.count;
    const size_t outputs = parts->outputs.count;
    struct onnx_symbols *symbols = &import->symbols;
    import->graph->max_bytes = most_bytes(import);
    if (!cop_graph_reserve(import->graph, values + outputs, parts->nodes.count + outputs,
                           import->error))
        return COP_STATUS_OUT_OF_MEMORY;
    if (!cop_onnx_symbols_reserve(symbols, values))
        return cop_fail_memory(import->error, "names of the model", values);
    return cop_graph_charge(import->graph,
                            import->arena.bytes + symbols->slot_count * sizeof *symbols->slots,
                            import->error);
}

static cop_status import_graph(struct onnx_import *import)
{
    struct onnx_graph parts;
    cop_status status =
        cop_onnx_read_graph(&import->file, import->model.graph, &import->arena, &parts);
    if (status == COP_STATUS_OK)
        status = reserve(import, &parts);
    if (status == COP_STATUS_OK)
        status = import_initializers(import, &parts);
    for (size_t i = 0; status == COP_STATUS_OK && i < parts.inputs.count; i++)
        status = import_input(import, parts.inputs.items[i]);
    for (size_t i = 0; status == COP_STATUS_OK && i < parts.nodes.count; i++)
        status = cop_onnx_import_node(import, parts.nodes.items[i]);
    if (status == COP_STATUS_OK)
        status = cop_onnx_survey_subgraphs(import);
    if (status == COP_STATUS_OK)
        status = cop_onnx_report_status(&import->report, import->error);
    if (status == COP_STATUS_OK)
        status = import_outputs(import, &parts);
    return status == COP_STATUS_OK ? cop_graph_validate(import->graph, import->error) : status;
}

/* A contradiction in the file is told with its place, where its words do not say it already. */
static void name_place(const struct onnx_import *import, cop_status status)
{
    if (status == COP_STATUS_MALFORMED_MODEL && strstr(import->error->message, "byte ") == NULL)
        (void)cop_error_prefix(import->error, status, "byte %zu: ",
                               import->part.bytes == NULL
                                   ? (size_t)0
                                   : (size_t)(import->part.bytes - import->file.bytes));
}

static void release(struct onnx_import *import)
{
    for (size_t i = 0; i < import->external_file_count; i++)
        cop_source_release(&import->external_files[i].source);
    cop_onnx_symbols_free(&import->symbols);
    cop_free(import->subgraphs);
    cop_arena_release(&import->scratch);
    cop_arena_release(&import->arena);
}

cop_status cop_onnx_import(struct source *model, int directory_fd, cop_file_access access,
                           struct graph **graph, cop_error *error)
{
    cop_error unheard;
    struct onnx_import import = {
        .source = model,
        .directory_fd = directory_fd,
        .access = access,
        .error = error != NULL ? error : &unheard,
    };
    *graph = NULL;
    import.file = (struct protobuf_file){cop_source_name(model), cop_source_bytes(model),
                                         cop_source_size(model), import.error};
    if (import.file.size == 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s: empty", import.file.name);
    import.graph = cop_graph_create(import.error);
    if (import.graph == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    cop_status status = cop_onnx_read_model(&import.file, &import.model);
    if (status == COP_STATUS_OK)
        status = check_versions(&import);
    if (status == COP_STATUS_OK)
        status = import_graph(&import);
    name_place(&import, status);
    release(&import);
    if (status == COP_STATUS_OK)
        *graph = import.graph;
    else
        cop_graph_destroy(import.graph);
    return status == COP_STATUS_OK
               ? cop_ok(error)
               : cop_error_prefix(error, status, "%.400s: ", cop_source_name(model));
}
