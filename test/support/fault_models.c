// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "support/fault_models.h"

#include "model/mxnet_files.h"
#include "support/tiny_models.h"

#define CHANNELS 64 /* enough weights to be dropped when they are packed */

static void write_in_folder(const char *name, const void *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", scratch_folder(), name);
    write_file(path, bytes, size);
}

static void write_onnx(bool is_external)
{
    static float weights[CHANNELS * CHANNELS * 9];
    struct message graph = {0}, tensor, node = onnx_node("Conv", "conv", "x w", "y");
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        weights[i] = (float)(i * 7 % 31) / 64 - 0.25f;
    if (is_external) {
        tensor = onnx_tensor("w", ONNX_FLOAT, DIMS(CHANNELS, CHANNELS, 3, 3));
        onnx_make_external(&tensor, "w.bin", NULL, NULL);
        write_in_folder("w.bin", weights, sizeof weights);
    } else {
        tensor = onnx_raw_tensor("w", ONNX_FLOAT, DIMS(CHANNELS, CHANNELS, 3, 3), weights,
                                 sizeof weights);
    }
    onnx_add_initializer(&graph, &tensor);
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(1, CHANNELS, 5, 5));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(1, CHANNELS, 3, 3));
    struct message model = onnx_model(&graph, 13);
    write_in_folder(is_external ? FILE_EXTERNAL : FILE_ONNX, model.bytes, model.size);
    message_free(&model);
}

static void write_mxnet(void)
{
    struct byte_writer params;
    char *json = write_json(BROAD_SYMBOL);
    write_params(&params, BROAD_PARAMS);
    write_in_folder(FILE_SYMBOL, json, strlen(json));
    write_in_folder(FILE_PREFIX "-0003.params", params.bytes, params.size);
    free(json);
}

void write_model_files(struct stage *stage)
{
    const struct model_file *what = stage->argument;
    static bool are_written; /* once a process: to write over a file is slow */
    if (!are_written) {
        write_onnx(false);
        write_onnx(true);
        write_mxnet();
        are_written = true;
    }
    snprintf(stage->path, sizeof stage->path, "%s/%s", scratch_folder(), what->path);
}

cop_status load_model_file(struct stage *stage, cop_error *error)
{
    const struct model_file *what = stage->argument;
    cop_model_options options = COP_MODEL_OPTIONS_INIT;
    options.file_access = what->access;
    const cop_status status = cop_model_load(stage->path, &options, &stage->model, error);
    require_result(status, stage->model, "a model");
    return status;
}

void use_model(struct stage *stage)
{
    stage->made = compile_on(stage->model, COP_DEVICE_REF);
    stage->digest = digest_of(stage->made);
}

static int releases;

static void count_release(void *user, const void *bytes)
{
    (void)user, (void)bytes;
    releases++;
}

/* What is given is allocated in the first call of a process, which is one without faults. */
static void give_bytes(const struct model_bytes *what, cop_bytes *graph, cop_bytes *params)
{
    static struct message message;
    static struct byte_writer writer;
    static char *json;
    if (what->write != NULL) {
        if (message.bytes == NULL)
            message = what->write();
        *graph = (cop_bytes){.data = message.bytes, .size = message.size};
    } else {
        if (json == NULL)
            json = write_json(what->symbol);
        write_params(&writer, what->params);
        *graph = (cop_bytes){.data = json, .size = strlen(json)};
        *params = (cop_bytes){.data = writer.bytes, .size = writer.size};
    }
    if (what->is_borrowed)
        graph->release = params->release = count_release;
}

cop_status load_model_bytes(struct stage *stage, cop_error *error)
{
    const struct model_bytes *what = stage->argument;
    const bool is_onnx = what->write != NULL;
    cop_bytes graph, params = {0};
    give_bytes(what, &graph, &params);
    releases = 0;
    const cop_status status =
        cop_model_load_bytes(is_onnx ? COP_MODEL_FORMAT_ONNX : COP_MODEL_FORMAT_MXNET, &graph,
                             is_onnx ? NULL : &params, NULL, &stage->model, error);
    require_result(status, stage->model, "a model");
    if (what->is_borrowed && status != COP_STATUS_OK)
        require(releases == (is_onnx ? 1 : 2), "released %d times", releases);
    return status;
}

cop_status create_op(struct stage *stage, const cop_cached_op_options *options, cop_error *error)
{
    const cop_status status = cop_cached_op_create(stage->model, options, &stage->made, error);
    require_result(status, stage->made, "an operator");
    return status;
}
