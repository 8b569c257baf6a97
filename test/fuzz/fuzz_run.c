// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz_target.h"
#include "model/model.h"
#include "plan/run_once.h"

/* What is run, so that an input takes no more than moments under a sanitizer. */
#define MOST_WORK  4e6
#define MOST_BYTES ((size_t)32 << 20)

struct fuzz_counts fuzz_counts;

/* What follows from the shapes: sums and products, and bytes, of weights and of everything. */
struct cost {
    double weights, all;
    size_t bytes;
};

static void keep_bytes(void *user, const void *bytes)
{
    (void)user, (void)bytes;
}

cop_bytes fuzz_borrow(const void *bytes, size_t size)
{
    return (cop_bytes){bytes, size, keep_bytes, NULL};
}

/* A refusal says why, and none of them is a mistake of the library. */
static void check_words(cop_status status, const cop_error *error)
{
    if (status == COP_STATUS_OK)
        return;
    if (getenv("COP_FUZZ_VERBOSE") != NULL)
        fprintf(stderr, "%s: %s\n", cop_status_name(status), error->message);
    if (error->status == status && error->message[0] != '\0' && status != COP_STATUS_INTERNAL)
        return;
    fprintf(stderr, "%s: '%s'\n", cop_status_name(status), error->message);
    abort();
}

static struct op_tensor describe(const struct graph *graph, int value)
{
    if (value == COP_NO_VALUE)
        return (struct op_tensor){.shape = cop_shape_unknown()};
    const struct graph_value *known = &graph->values[value];
    return (struct op_tensor){true, known->dtype, known->shape, known->value};
}

static double node_work(const struct graph *graph, const struct graph_node *node)
{
    const size_t count = (size_t)node->src_count + (size_t)node->dst_count;
    struct op_tensor *tensors = calloc(count, sizeof *tensors);
    if (tensors == NULL)
        abort();
    for (int i = 0; i < node->src_count; i++)
        tensors[i] = describe(graph, node->src[i]);
    for (int i = 0; i < node->dst_count; i++)
        tensors[node->src_count + i] = describe(graph, node->dst[i]);
    const double work = cop_op_work(node->kind, node->attrs, node->src_count, tensors,
                                    node->dst_count, tensors + node->src_count);
    free(tensors);
    return work;
}

static struct cost cost_of(const struct graph *graph)
{
    struct cost cost = {0, 0, 0};
    for (int i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        if (node->is_dead)
            continue;
        const double work = node_work(graph, node);
        cost.all += work;
        cost.weights += cop_graph_is_weight(graph, node->dst[0]) ? work : 0;
    }
    for (int i = 0; i < graph->value_count && cost.bytes <= MOST_BYTES; i++) {
        const struct graph_value *value = &graph->values[i];
        size_t bytes;
        if (value->dtype == COP_DTYPE_UNKNOWN || !cop_shape_is_known(&value->shape))
            continue; /* of no live node */
        cost.bytes += cop_shape_bytes(&value->shape, value->dtype, &bytes) && bytes <= MOST_BYTES
                          ? bytes
                          : MOST_BYTES + 1;
    }
    return cost;
}

/* Binds inputs as declared and infers shapes as compiling does; false: they do not follow. */
static bool measure(const struct cop_model *model, struct cost *cost)
{
    const struct graph_bindings bindings = {NULL, 0, NULL, 0};
    struct device_chain chain;
    struct graph *graph = NULL;
    cop_error error;
    if (cop_graph_copy(model->graph, &graph, &error) != COP_STATUS_OK ||
        cop_device_chain((cop_device){COP_DEVICE_REF, 0}, &chain, &error) != COP_STATUS_OK)
        abort();
    const struct graph_evaluator evaluator = cop_device_evaluator(chain.devices[0]);
    cop_status status = cop_graph_bind_inputs(graph, &bindings, &error);
    if (status == COP_STATUS_OK && graph->is_mxnet_shaped)
        status = cop_graph_solve_inputs(graph, &evaluator, &error);
    if (status == COP_STATUS_OK)
        status = cop_graph_infer_shapes(graph, &evaluator, &error);
    check_words(status, &error);
    if (status == COP_STATUS_OK && cop_graph_validate(graph, &error) != COP_STATUS_OK)
        abort();
    if (status == COP_STATUS_OK)
        *cost = cost_of(graph);
    cop_graph_destroy(graph);
    return status == COP_STATUS_OK;
}

/* Numbers of either sign; integers that are often valid as indices. */
static void fill(cop_ndarray *array)
{
    unsigned char *bytes = cop_ndarray_data(array);
    const size_t size = cop_ndarray_bytes(array);
    if (cop_ndarray_dtype(array) == COP_DTYPE_FLOAT32) {
        for (size_t i = 0; i < size / sizeof(float); i++)
            memcpy(bytes + i * sizeof(float), &(float){(float)((int)(i * 7 % 11) - 5) / 4},
                   sizeof(float));
        return;
    }
    memset(bytes, 0, size);
    for (size_t i = 0; i < size; i += 8)
        bytes[i] = (unsigned char)(i / 8 % 3 == 1);
}

static cop_status make_inputs(const cop_cached_op *op, cop_ndarray **src, size_t count,
                              cop_error *error)
{
    for (size_t i = 0; i < count; i++) {
        cop_tensor_desc desc;
        cop_status status = cop_cached_op_input(op, i, &desc, error);
        if (status == COP_STATUS_OK)
            status = cop_ndarray_create(desc.dtype, desc.rank, desc.shape, &src[i], error);
        if (status != COP_STATUS_OK)
            return status;
        fill(src[i]);
    }
    return COP_STATUS_OK;
}

static void invoke(cop_cached_op *op)
{
    const size_t src_count = cop_cached_op_input_count(op);
    const size_t dst_count = cop_cached_op_output_count(op);
    cop_ndarray **arrays = calloc(src_count + dst_count + 1, sizeof *arrays);
    cop_error error = {COP_STATUS_OK, ""};
    if (arrays == NULL)
        abort();
    cop_status status = make_inputs(op, arrays, src_count, &error);
    if (status == COP_STATUS_OK)
        status = cop_invoke(op, src_count, arrays, dst_count, arrays + src_count, NULL, &error);
    check_words(status, &error);
    fuzz_counts.invoked += status == COP_STATUS_OK;
    for (size_t i = 0; i < src_count + dst_count; i++)
        cop_ndarray_release(&arrays[i]);
    free(arrays);
}

static void compile(cop_model *model, bool keep_graph, const struct cost *cost)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    cop_error error = {COP_STATUS_OK, ""};
    const char *device = getenv("COP_FUZZ_DEVICE"); /* the reference kernels, unless "cpu" */
    options.device.kind =
        device != NULL && strcmp(device, "cpu") == 0 ? COP_DEVICE_CPU : COP_DEVICE_REF;
    options.keep_graph = keep_graph;
    check_words(cop_cached_op_create(model, &options, &op, &error), &error);
    if ((op != NULL) != (error.status == COP_STATUS_OK))
        abort();
    fuzz_counts.compiled += op != NULL;
    if (op != NULL && cost->all <= MOST_WORK && cost->bytes <= MOST_BYTES)
        invoke(op);
    cop_cached_op_release(&op);
}

void fuzz_load_and_run(cop_model_format format, const cop_bytes *graph, const cop_bytes *weights)
{
    cop_model *model = NULL;
    cop_error error = {COP_STATUS_OK, ""};
    struct cost cost;
    const cop_status status = cop_model_load_bytes(format, graph, weights, NULL, &model, &error);
    check_words(status, &error);
    if ((model != NULL) != (status == COP_STATUS_OK))
        abort();
    fuzz_counts.accepted += model != NULL;
    if (model != NULL && measure(model, &cost) && cost.weights <= MOST_WORK)
        compile(model, graph->size % 4 == 0, &cost);
    cop_model_release(&model);
}
