// SPDX-License-Identifier: Apache-2.0
/* Operators are made of models while allocations fail. */
#define _GNU_SOURCE
#include "model/mxnet_files.h"
#include "oom/allocation_faults.h"
#include "support/behind/behind_control.h"
#include "support/fault_models.h"
#include "support/onnx_sample.h"
#include "support/random_graph.h"
#include "support/tiny_models.h"

#include "base/alloc.h"
#include "model/model.h"

/* ---- Models ---- */

/* A dimension called "batch" and one of 6; the shape to give it is an input. */
static struct message shaped_by_input(void)
{
    struct message graph = {0}, value = {0}, type = {0}, tensor = {0}, shape = {0}, dim = {0};
    write_text(&dim, 2, "batch");
    write_message(&shape, 1, &dim);
    dim = (struct message){0};
    write_int(&dim, 1, 6);
    write_message(&shape, 1, &dim);
    write_int(&tensor, 1, ONNX_FLOAT);
    write_message(&tensor, 2, &shape);
    write_message(&type, 1, &tensor);
    write_text(&value, 1, "x");
    write_message(&value, 2, &type);
    write_message(&graph, 11, &value);
    onnx_add_input(&graph, "s", ONNX_INT64, DIMS(2));
    struct message node = onnx_node("Reshape", "reshape", "x s", "r");
    onnx_add_node(&graph, &node);
    node = onnx_node("Softmax", "softmax", "r", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(-1, -1));
    return onnx_model(&graph, 13);
}

static cop_model *random_model(uint32_t seed)
{
    struct graph_maker maker = make_random_network(seed, 16);
    cop_model *model = cop_alloc(1, sizeof *model);
    cop_refcount_init(&model->refs);
    require(cop_graph_copy(maker.graph, &model->graph, NULL) == COP_STATUS_OK, "no graph");
    free_maker(&maker);
    return model;
}

/* A file whose weights fill pages: those are given back when they are packed. */
static cop_model *model_of_large_file(void)
{
    static const struct model_file file = {FILE_ONNX, COP_FILE_ACCESS_READ};
    struct stage loading = {.argument = &file};
    cop_error error;
    write_model_files(&loading);
    require(load_model_file(&loading, &error) == COP_STATUS_OK, "%s", error.message);
    return loading.model;
}

/* ---- Making operators ---- */

struct making {
    struct model_bytes model; /* all NULL: the classifier */
    uint32_t seed;            /* not 0: a random network */
    bool is_large_file;
    cop_device_kind device;
    cop_tuning tuning;
    bool keep_graph, is_shaped_by_input;
};

static void load_model(struct stage *stage)
{
    const struct making *what = stage->argument;
    struct stage loading = {.argument = &what->model};
    cop_error error;
    if (what->device == COP_DEVICE_GPU)
        behind_reset(behind_open());
    if (what->is_large_file)
        loading.model = model_of_large_file();
    else if (what->seed != 0)
        loading.model = random_model(what->seed);
    else if (what->model.symbol == NULL && what->model.write == NULL)
        loading.model = tiny_classifier(5);
    else
        require(load_model_bytes(&loading, &error) == COP_STATUS_OK, "%s", error.message);
    stage->model = loading.model;
    if (what->is_shaped_by_input) {
        static const int64_t two[] = {2};
        require(cop_ndarray_create(COP_DTYPE_INT64, 1, two, &stage->extra, NULL) == COP_STATUS_OK,
                "no array");
        memcpy(cop_ndarray_data(stage->extra), (int64_t[]){3, 4}, 16);
    }
}

static cop_status create(struct stage *stage, cop_error *error)
{
    const struct making *what = stage->argument;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    const cop_dim batch = {"batch", 2};
    const cop_constant constant = {"s", stage->extra};
    options.device.kind = what->device;
    options.tuning = what->tuning;
    options.keep_graph = what->keep_graph;
    if (what->is_shaped_by_input) {
        options.dims = &batch, options.dim_count = 1;
        options.constants = &constant, options.constant_count = 1;
    }
    return create_op(stage, &options, error);
}

static void use_made(struct stage *stage)
{
    stage->digest = digest_of(stage->made);
}

static cop_status describe_devices(struct stage *stage, cop_error *error)
{
    cop_device_desc desc;
    cop_status status = COP_STATUS_OK;
    (void)stage;
    for (size_t i = 0; i < cop_device_count() && status == COP_STATUS_OK; i++)
        status = cop_device_describe(i, &desc, error);
    return status;
}

#define ON_CPU .device = COP_DEVICE_CPU
#define ON_REF .device = COP_DEVICE_REF
#define ON_GPU .device = COP_DEVICE_GPU
#define BROAD  .model.symbol = BROAD_SYMBOL, .model.params = BROAD_PARAMS
#define MOVING .model.symbol = MOVING_SYMBOL, .model.params = ""

/* What else is given says what is made: see struct making. */
#define CREATE(title, for_kinds, ...)                                                              \
    {                                                                                              \
        .name = title, .argument = &(const struct making){__VA_ARGS__}, .prepare = load_model,     \
        .act = create, .finish = use_made, .kinds = for_kinds, .least = 1                          \
    }

static const struct scenario scenarios[] = {
    CREATE("an operator is created on cpu", USUAL, ON_CPU),
    CREATE("an operator is created on ref", USUAL | PLAIN, ON_REF),
    CREATE("an operator is created on a device with memory", USUAL, ON_GPU),
    CREATE("an operator is created on cpu for fast runs", USUAL, ON_CPU,
           .tuning = COP_TUNING_FAST_RUN),
    CREATE("an operator is created on cpu without passes", USUAL, ON_CPU, .keep_graph = true),
    CREATE("an operator is created on ref without passes", USUAL | PLAIN, ON_REF,
           .keep_graph = true),
    CREATE("an operator of a broad symbol is created on cpu", USUAL, ON_CPU, BROAD),
    CREATE("an operator of a broad symbol is created on ref", USUAL | PLAIN, ON_REF, BROAD),
    CREATE("an operator that moves elements is created on cpu", USUAL, ON_CPU, MOVING),
    CREATE("an operator of an ONNX model is created on cpu", USUAL, ON_CPU,
           .model.write = sample_model),
    CREATE("an operator of an ONNX model is created on ref", USUAL | PLAIN, ON_REF,
           .model.write = sample_model),
    CREATE("an operator that works on shapes is created on cpu", USUAL, ON_CPU,
           .model.write = shape_model),
    CREATE("an operator with dimensions and constants is created", USUAL, ON_CPU,
           .model.write = shaped_by_input, .is_shaped_by_input = true),
    CREATE("an operator of random network 1 is created on cpu", USUAL, ON_CPU, .seed = 1),
    CREATE("an operator of random network 1 is created on ref", USUAL | PLAIN, ON_REF, .seed = 1),
    CREATE("an operator of random network 2 is created on cpu", USUAL, ON_CPU, .seed = 2),
    CREATE("an operator of random network 2 is created on ref", USUAL | PLAIN, ON_REF, .seed = 2),
    CREATE("an operator of random network 2 is created on a device with memory", USUAL, ON_GPU,
           .seed = 2),
    CREATE("an operator of random network 3 is created on cpu", USUAL, ON_CPU, .seed = 3),
    CREATE("an operator of random network 3 is created on ref", USUAL | PLAIN, ON_REF, .seed = 3),
    CREATE("an operator of random network 4 is created on cpu", USUAL, ON_CPU, .seed = 4),
    CREATE("an operator of random network 4 is created on ref", USUAL | PLAIN, ON_REF, .seed = 4),
    CREATE("an operator is created on cpu from a file with large weights", USUAL, ON_CPU,
           .is_large_file = true),
    CREATE("an operator is created on ref from a file with large weights", USUAL, ON_REF,
           .is_large_file = true),
    {.name = "devices are described, as the first thing in a process",
     .act = describe_devices,
     .is_first = true,
     .kinds = USUAL,
     .least = 1},
};

int main(int argc, char **argv)
{
    return fail_allocations(scenarios, COUNT(scenarios), argc, argv);
}
