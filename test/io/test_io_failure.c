// SPDX-License-Identifier: Apache-2.0
/*
 * Every call for a file or a mapping that the library makes fails, in every way it can. Prints how
 * many failures that were; `--count` prints nothing else.
 */
#define _GNU_SOURCE
#include "io/io_faults.h"
#include "support/fault_models.h"
#include "support/tiny_models.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Files ---- */

static void check_names_file(const struct stage *stage, cop_status status, const cop_error *error)
{
    (void)stage;
    if (status != COP_STATUS_OK)
        require(strstr(error->message, scratch_folder()) != NULL ||
                    strstr(error->message, "w.bin") != NULL,
                "no file is named: %s", error->message);
}

/* ---- Weights that are read again ---- */

static void prepare_packed(struct stage *stage)
{
    cop_error error;
    write_model_files(stage);
    require(load_model_file(stage, &error) == COP_STATUS_OK, "%s", error.message);
    stage->op = compile_on(stage->model, COP_DEVICE_CPU); /* packs: the file's pages are dropped */
}

static cop_status create_on_ref(struct stage *stage, cop_error *error)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device.kind = COP_DEVICE_REF;
    return create_op(stage, &options, error);
}

/* The operator that was there goes on, too. */
static void use_made(struct stage *stage)
{
    stage->digest = digest_of(stage->made) ^ digest_of(stage->op) << 1;
}

/* ---- Large memory ---- */

static cop_status make_large_array(struct stage *stage, cop_error *error)
{
    static const int64_t shape[] = {1 << 20};
    const cop_status status = cop_ndarray_create(COP_DTYPE_FLOAT32, 1, shape, &stage->extra, error);
    require_result(status, stage->extra, "an array");
    cop_ndarray_release(&stage->extra); /* under the faults, too */
    return status;
}

/* ---- Traces ---- */

static void prepare_trace(struct stage *stage)
{
    static const int64_t shape[] = {1, 16};
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_model *model = tiny_relu();
    stage->op = compile_on(model, COP_DEVICE_REF);
    stage->src = random_array(2, shape, 1);
    cop_model_release(&model);
    require(cop_trace_create(0, &stage->trace, NULL) == COP_STATUS_OK, "no trace");
    options.trace = stage->trace;
    for (int i = 0; i < 5000; i++) { /* more than are written at once */
        require(cop_invoke(stage->op, 1, &stage->src, 1, &stage->dst, &options, NULL) ==
                    COP_STATUS_OK,
                "no invoke");
    }
    snprintf(stage->path, sizeof stage->path, "%s/trace.json", scratch_folder());
    unlink(stage->path);
}

static void prepare_old_file(struct stage *stage)
{
    prepare_trace(stage);
    write_file(stage->path, "old", 4);
}

static cop_status write_trace(struct stage *stage, cop_error *error)
{
    return cop_trace_write(stage->trace, stage->path, error);
}

/* The old content or the new one whole. */
static void check_content(const struct stage *stage, cop_status status, const char *old)
{
    static char content[4 << 20];
    FILE *file = fopen(stage->path, "rb");
    if (file == NULL) {
        require(status != COP_STATUS_OK && old == NULL, "no file");
        return;
    }
    const size_t size = fread(content, 1, sizeof content - 1, file);
    content[size] = '\0';
    fclose(file);
    if (status != COP_STATUS_OK) {
        require(old != NULL && strcmp(content, old) == 0, "the file was touched");
        return;
    }
    size_t events = 0;
    for (size_t i = 0; i < size; i++) /* each event is a line */
        events += content[i] == '\n' && strncmp(content + i + 1, "{\"ph\":\"X\"", 9) == 0;
    require(events == 5000 && content[0] == '{' && strcmp(content + size - 4, "\n]}\n") == 0,
            "%zu bytes with %zu events", size, events);
}

static void check_new_file(const struct stage *stage, cop_status status, const cop_error *error)
{
    check_names_file(stage, status, error);
    check_content(stage, status, NULL);
}

static void check_old_file(const struct stage *stage, cop_status status, const cop_error *error)
{
    check_names_file(stage, status, error);
    check_content(stage, status, "old");
}

static const struct model_file onnx = {FILE_ONNX, COP_FILE_ACCESS_READ},
                               onnx_mapped = {FILE_ONNX, COP_FILE_ACCESS_MAP},
                               external = {FILE_EXTERNAL, COP_FILE_ACCESS_READ},
                               external_mapped = {FILE_EXTERNAL, COP_FILE_ACCESS_MAP},
                               symbol = {FILE_SYMBOL, COP_FILE_ACCESS_READ},
                               prefix = {FILE_PREFIX, COP_FILE_ACCESS_READ},
                               prefix_mapped = {FILE_PREFIX, COP_FILE_ACCESS_MAP};

#define LOAD(title, what)                                                                          \
    {                                                                                              \
        .name = title, .argument = what, .prepare = write_model_files, .act = load_model_file,     \
        .finish = use_model, .check = check_names_file, .kinds = READS, .least = 25                \
    }
#define READ_AGAIN(title, what)                                                                    \
    {                                                                                              \
        .name = title, .argument = what, .prepare = prepare_packed, .act = create_on_ref,          \
        .finish = use_made, .check = check_names_file, .kinds = READS, .least = LEAST_READ_AGAIN   \
    }

#ifdef HAS_ONEDNN
#define LEAST_READ_AGAIN 15
#else
#define LEAST_READ_AGAIN 0 /* the weights stay as they are: nothing is packed, nothing dropped */
#endif

static const struct scenario scenarios[] = {
    LOAD("an ONNX model is loaded", &onnx),
    LOAD("an ONNX model is mapped", &onnx_mapped),
    LOAD("an ONNX model with external data is loaded", &external),
    LOAD("an ONNX model with external data is mapped", &external_mapped),
    LOAD("a symbol is loaded", &symbol),
    LOAD("a prefix is loaded", &prefix),
    LOAD("a prefix is mapped", &prefix_mapped),
    READ_AGAIN("dropped weights are read again", &onnx),
    READ_AGAIN("dropped weights of external data are read again", &external),
    {.name = "a large array is made and released",
     .act = make_large_array,
     .kinds = MAPS,
     .least = 6},
    {.name = "a trace is written to a new file",
     .prepare = prepare_trace,
     .act = write_trace,
     .check = check_new_file,
     .kinds = WRITES,
     .least = 40},
    {.name = "a trace is written over an old file",
     .prepare = prepare_old_file,
     .act = write_trace,
     .check = check_old_file,
     .kinds = WRITES,
     .least = 40},
};

int main(int argc, char **argv)
{
    return run_scenarios(scenarios, sizeof scenarios / sizeof *scenarios, io_faults, io_fault_count,
                         argc, argv);
}
