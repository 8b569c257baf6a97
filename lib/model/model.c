// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"

static cop_status read_options(const cop_model_options *given, cop_model_options *options,
                               cop_error *error)
{
    *options = (cop_model_options)COP_MODEL_OPTIONS_INIT;
    if (given == NULL)
        return COP_STATUS_OK;
    const cop_status status =
        cop_options_read(options, sizeof *options, given, "cop_model_options", error);
    if (status != COP_STATUS_OK)
        return status;
    if ((unsigned)options->format > COP_MODEL_FORMAT_MXNET)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "options: format %d is none",
                        (int)options->format);
    if ((unsigned)options->file_access > COP_FILE_ACCESS_MAP)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "options: file_access %d is none",
                        (int)options->file_access);
    return COP_STATUS_OK;
}

static void log_loaded(const char *name, cop_model_format format, const struct graph *graph,
                       int64_t begin_ns)
{
    if (!cop_log_is_on(COP_LOG_LEVEL_INFO))
        return;
    size_t bytes = 0;
    for (int i = 0; i < graph->value_count; i++)
        bytes += graph->values[i].constant == NULL ? 0 : graph->values[i].constant->bytes;
    cop_log(COP_LOG_LEVEL_INFO,
            "model '%.1024s' loaded: %s, %d nodes, %zu bytes of weights, %.1f ms", name,
            format == COP_MODEL_FORMAT_ONNX ? "ONNX" : "MXNet", graph->node_count, bytes,
            (double)(cop_now_ns() - begin_ns) / 1e6);
}

cop_status cop_model_create(struct graph *graph, cop_model **model, cop_error *error)
{
    *model = NULL;
    cop_model *made = cop_alloc(1, sizeof *made);
    const cop_status status = made == NULL
                                  ? cop_fail_memory(error, "the model", sizeof *made)
                                  : cop_model_parameters_create(graph, &made->parameters, error);
    if (status != COP_STATUS_OK) {
        cop_free(made);
        cop_graph_destroy(graph);
        return status;
    }
    cop_refcount_init(&made->refs);
    made->graph = graph;
    *model = made;
    return cop_ok(error);
}

static bool ends_with(const char *path, const char *ending)
{
    const size_t length = strlen(path), ending_length = strlen(ending);
    return length >= ending_length && strcasecmp(path + length - ending_length, ending) == 0;
}

/* The last ".word" of a path when it looks like the ending of a file and not like a version. */
static const char *find_ending(const char *path)
{
    const char *name = strrchr(path, '/');
    const char *dot = strrchr(name == NULL ? path : name, '.');
    const bool has_letter =
        dot != NULL && ((dot[1] >= 'a' && dot[1] <= 'z') || (dot[1] >= 'A' && dot[1] <= 'Z'));
    return has_letter && strlen(dot) <= 10 ? dot : NULL;
}

/* OK: its symbol file exists; NOT_FOUND: it does not. */
static cop_status look_for_symbol(const char *path, cop_error *error)
{
    char *symbol = NULL, *params = NULL;
    const cop_status status = cop_mxnet_find_files(path, "", &symbol, &params, error);
    cop_free(symbol);
    cop_free(params);
    return status;
}

/* An ending decides; a path without one is a prefix, and so is one whose symbol file exists. */
static cop_status choose_format(const char *path, cop_model_format *format, cop_error *error)
{
    if (*format != COP_MODEL_FORMAT_AUTO)
        return COP_STATUS_OK;
    *format = ends_with(path, ".onnx") ? COP_MODEL_FORMAT_ONNX : COP_MODEL_FORMAT_MXNET;
    const char *ending = find_ending(path);
    if (ending == NULL || ends_with(path, ".onnx") || ends_with(path, ".json"))
        return COP_STATUS_OK;
    const cop_status status = look_for_symbol(path, error);
    if (status != COP_STATUS_NOT_FOUND)
        return status;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "%s: '%s' names no format: .onnx, -symbol.json or an MXNet prefix is needed",
                    path, ending);
}

/* Where external data of an ONNX model may lie. O_PATH: it may be searched and not read. */
static cop_status open_directory(const char *path, int *fd, cop_error *error)
{
    const char *slash = strrchr(path, '/');
    char *directory =
        slash == NULL ? cop_copy_text(".") : cop_copy_text_n(path, (size_t)(slash - path) + 1);
    if (directory == NULL)
        return cop_fail_memory(error, path, strlen(path));
    do
        *fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (*fd < 0 && errno == EINTR);
    cop_status status = COP_STATUS_OK;
    if (*fd < 0)
        status = cop_fail(error, COP_STATUS_IO, "%s: its directory '%s': %s", path, directory,
                          strerror(errno));
    cop_free(directory);
    return status;
}

static cop_status load_onnx(const char *path, const cop_model_options *options,
                            struct graph **graph, cop_error *error)
{
    struct source *source = NULL;
    if (options->params_path != NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "%s: params_path is for MXNet models, this is an ONNX model", path);
    cop_status status = cop_source_open(path, options->file_access, &source, error);
    if (status != COP_STATUS_OK)
        return status;
    int directory_fd = -1;
    status = open_directory(path, &directory_fd, error);
    if (status == COP_STATUS_OK)
        status = cop_onnx_import(source, directory_fd, options->file_access, graph, error);
    if (directory_fd >= 0)
        close(directory_fd);
    cop_source_release(&source);
    return status;
}

static cop_status load_mxnet(const char *path, const cop_model_options *options,
                             struct graph **graph, cop_error *error)
{
    char *symbol_file = NULL, *params_file = NULL;
    struct source *symbol = NULL, *params = NULL;
    cop_status status =
        cop_mxnet_find_files(path, options->params_path, &symbol_file, &params_file, error);
    if (status == COP_STATUS_OK) /* read once and let go: never mapped */
        status = cop_source_open(symbol_file, COP_FILE_ACCESS_READ, &symbol, error);
    if (status == COP_STATUS_OK)
        status = cop_source_open(params_file, options->file_access, &params, error);
    if (status == COP_STATUS_OK)
        status = cop_mxnet_import(symbol, params, graph, error);
    cop_source_release(&symbol);
    cop_source_release(&params);
    cop_free(symbol_file);
    cop_free(params_file);
    return status;
}

cop_status cop_model_load(const char *path, const cop_model_options *options, cop_model **model,
                          cop_error *error)
{
    cop_model_options own;
    struct graph *graph = NULL;
    const int64_t begin_ns = cop_now_ns();
    if (model == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "model is NULL");
    *model = NULL;
    if (path == NULL || path[0] == '\0')
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "the path is %s",
                        path == NULL ? "NULL" : "empty");
    cop_status status = read_options(options, &own, error);
    if (status == COP_STATUS_OK)
        status = choose_format(path, &own.format, error);
    if (status == COP_STATUS_OK)
        status = own.format == COP_MODEL_FORMAT_ONNX ? load_onnx(path, &own, &graph, error)
                                                     : load_mxnet(path, &own, &graph, error);
    if (status == COP_STATUS_OK)
        status = cop_model_create(graph, model, error);
    if (status == COP_STATUS_OK)
        log_loaded(path, own.format, (*model)->graph, begin_ns);
    return status;
}

static void release_bytes(const cop_bytes *bytes)
{
    if (bytes != NULL && bytes->release != NULL)
        bytes->release(bytes->user, bytes->data);
}

/* NULL for a call that makes sense, otherwise what is wrong with it. */
static const char *check_bytes(cop_model_format format, const cop_bytes *graph,
                               const cop_bytes *weights, cop_model *const *model)
{
    if (model == NULL)
        return "model is NULL";
    if (format != COP_MODEL_FORMAT_ONNX && format != COP_MODEL_FORMAT_MXNET)
        return "the format must be ONNX or MXNET";
    if (graph == NULL || (graph->data == NULL && graph->size > 0))
        return "graph has no bytes";
    if (format == COP_MODEL_FORMAT_ONNX && weights != NULL)
        return "weights must be NULL for ONNX";
    if (format == COP_MODEL_FORMAT_MXNET &&
        (weights == NULL || (weights->data == NULL && weights->size > 0)))
        return "weights has no bytes";
    return NULL;
}

/* From here on the sources release what was borrowed. */
static cop_status import_bytes(cop_model_format format, const cop_bytes *graph_bytes,
                               const cop_bytes *weight_bytes, struct graph **graph,
                               cop_error *error)
{
    struct source *model = NULL, *weights = NULL;
    cop_status status = cop_source_from_bytes(graph_bytes, "graph in memory", &model, error);
    if (format == COP_MODEL_FORMAT_MXNET) {
        cop_error *weights_error = status == COP_STATUS_OK ? error : NULL; /* keep the first */
        const cop_status weights_status =
            cop_source_from_bytes(weight_bytes, "weights in memory", &weights, weights_error);
        status = status == COP_STATUS_OK ? weights_status : status;
    }
    if (status == COP_STATUS_OK)
        status = format == COP_MODEL_FORMAT_ONNX
                     ? cop_onnx_import(model, -1, COP_FILE_ACCESS_READ, graph, error)
                     : cop_mxnet_import(model, weights, graph, error);
    cop_source_release(&model);
    cop_source_release(&weights);
    return status;
}

cop_status cop_model_load_bytes(cop_model_format format, const cop_bytes *graph,
                                const cop_bytes *weights, const cop_model_options *options,
                                cop_model **model, cop_error *error)
{
    cop_model_options own;
    struct graph *imported = NULL;
    const int64_t begin_ns = cop_now_ns();
    const char *wrong = check_bytes(format, graph, weights, model);
    if (model != NULL)
        *model = NULL;
    cop_status status = wrong == NULL ? read_options(options, &own, error)
                                      : cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%s", wrong);
    if (status != COP_STATUS_OK) {
        release_bytes(graph);
        release_bytes(weights);
        return status;
    }
    status = import_bytes(format, graph, weights, &imported, error);
    if (status == COP_STATUS_OK)
        status = cop_model_create(imported, model, error);
    if (status == COP_STATUS_OK)
        log_loaded("in memory", format, (*model)->graph, begin_ns);
    return status;
}

cop_model *cop_model_retain(cop_model *model)
{
    if (model != NULL)
        cop_refcount_retain(&model->refs);
    return model;
}

void cop_model_release(cop_model **model)
{
    if (model == NULL || *model == NULL)
        return;
    cop_model *old = *model;
    *model = NULL;
    if (!cop_refcount_release(&old->refs))
        return;
    struct model_attachment *attachment =
        atomic_load_explicit(&old->attachment, memory_order_acquire);
    if (attachment != NULL)
        attachment->destroy(attachment);
    cop_model_parameters_free(&old->parameters);
    cop_graph_destroy(old->graph);
    cop_free(old);
}

size_t cop_model_input_count(const cop_model *model)
{
    return model == NULL ? 0 : (size_t)model->graph->input_count;
}

size_t cop_model_output_count(const cop_model *model)
{
    return model == NULL ? 0 : (size_t)model->graph->output_count;
}

static void describe(const char *name, const struct graph_value *value, cop_tensor_desc *desc)
{
    memset(desc, 0, sizeof *desc);
    desc->name = name;
    desc->dtype = value->dtype;
    desc->rank = value->shape.rank;
    for (int i = 0; i < desc->rank; i++)
        desc->shape[i] = value->shape.dims[i];
}

static cop_status fail_index(const char *what, size_t index, size_t count, cop_error *error)
{
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%s %zu: the model has %zu", what, index,
                    count);
}

cop_status cop_model_input(const cop_model *model, size_t index, cop_tensor_desc *desc,
                           cop_error *error)
{
    if (model == NULL || desc == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%s is NULL",
                        model == NULL ? "model" : "desc");
    const struct graph *graph = model->graph;
    if (index >= cop_model_input_count(model))
        return fail_index("input", index, cop_model_input_count(model), error);
    const struct graph_value *value = &graph->values[graph->inputs[index].value];
    describe(value->name, value, desc);
    return cop_ok(error);
}

cop_status cop_model_output(const cop_model *model, size_t index, cop_tensor_desc *desc,
                            cop_error *error)
{
    if (model == NULL || desc == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%s is NULL",
                        model == NULL ? "model" : "desc");
    const struct graph *graph = model->graph;
    if (index >= cop_model_output_count(model))
        return fail_index("output", index, cop_model_output_count(model), error);
    describe(graph->output_names[index], &graph->values[graph->outputs[index]], desc);
    return cop_ok(error);
}
