// SPDX-License-Identifier: Apache-2.0
#include "support/behind/behind_models.h"

#include "support/load_onnx.h"

static void add_simple(struct message *graph, const char *op, const char *src, const char *dst)
{
    struct message node = onnx_node(op, dst, src, dst);
    onnx_add_node(graph, &node);
}

static void add_reshape(struct message *graph, const char *src, const char *dst, int rank,
                        const int64_t *dims)
{
    char sources[64], shape[32];
    snprintf(shape, sizeof shape, "%s_shape", dst);
    snprintf(sources, sizeof sources, "%s %s", src, shape);
    add_ints(graph, shape, rank, dims);
    add_simple(graph, "Reshape", sources, dst);
}

static cop_model *finish(struct message *graph)
{
    struct message model = onnx_model(graph, 13);
    return load_onnx(&model);
}

static struct message begin(int rank, const int64_t *dims)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, rank, dims);
    return graph;
}

static void add_weights(struct message *graph, const char *name, int rank, const int64_t *dims,
                        unsigned seed)
{
    float elements[24 * 16];
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    for (size_t i = 0; i < count; i++)
        elements[i] = (float)(rand_r(&seed) % 2001 - 1000) / 4000.0f;
    onnx_add_floats(graph, name, rank, dims, elements);
}

static void add_product(struct message *graph, const char *sources, const char *dst)
{
    struct message node = onnx_node("Gemm", dst, sources, dst);
    onnx_attribute_int(&node, "transB", 1);
    onnx_add_node(graph, &node);
}

cop_model *behind_dense(unsigned seed)
{
    struct message graph = begin(DIMS(4, 16));
    add_weights(&graph, "w1", DIMS(24, 16), seed);
    add_weights(&graph, "b1", DIMS(24), seed + 1);
    add_weights(&graph, "w2", DIMS(8, 24), seed + 2);
    add_weights(&graph, "b2", DIMS(8), seed + 3);
    add_product(&graph, "x w1 b1", "h1");
    add_simple(&graph, "Relu", "h1", "h2");
    add_simple(&graph, "Tanh", "h2", "h3");
    add_product(&graph, "h3 w2 b2", "y");
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(4, 8));
    return finish(&graph);
}

cop_model *behind_mixed(void)
{
    struct message graph = begin(DIMS(4, 16));
    add_simple(&graph, "Relu", "x", "a");
    add_simple(&graph, "Softmax", "a", "b");
    add_simple(&graph, "Relu", "b", "c");
    add_reshape(&graph, "c", "d", DIMS(8, 8));
    add_simple(&graph, "Tanh", "d", "near");
    add_simple(&graph, "Softmax", "near", "far");
    onnx_add_output(&graph, "near", ONNX_FLOAT, DIMS(8, 8));
    onnx_add_output(&graph, "far", ONNX_FLOAT, DIMS(8, 8));
    return finish(&graph);
}

cop_model *behind_views(void)
{
    struct message graph = begin(DIMS(4, 16));
    add_simple(&graph, "Relu", "x", "a");
    add_reshape(&graph, "a", "b", DIMS(64));
    add_reshape(&graph, "b", "c", DIMS(8, 8));
    add_simple(&graph, "Tanh", "c", "d"); /* rows with gaps: a view of it needs a reorder */
    add_reshape(&graph, "d", "e", DIMS(16, 4));
    add_simple(&graph, "Relu", "e", "y");
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(16, 4));
    return finish(&graph);
}

cop_model *behind_concat(void)
{
    struct message graph = begin(DIMS(1, 16));
    add_simple(&graph, "Relu", "x", "a");
    add_simple(&graph, "Tanh", "x", "b");
    struct message node = onnx_node("Concat", "c", "a b", "c");
    onnx_attribute_int(&node, "axis", 0);
    onnx_add_node(&graph, &node);
    add_simple(&graph, "Relu", "c", "y");
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2, 16));
    return finish(&graph);
}

cop_model *behind_chain(int length)
{
    struct message graph = begin(DIMS(4, 16));
    char src[16] = "x", dst[16];
    for (int i = 0; i < length; i++) {
        snprintf(dst, sizeof dst, i == length - 1 ? "y" : "v%d", i);
        add_simple(&graph, i % 2 == 0 ? "Relu" : "Tanh", src, dst);
        memcpy(src, dst, sizeof src);
    }
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(4, 16));
    return finish(&graph);
}

cop_model *behind_branches(void)
{
    struct message graph = begin(DIMS(4, 16));
    add_simple(&graph, "Relu", "x", "l1");
    add_simple(&graph, "Tanh", "l1", "l2");
    add_simple(&graph, "Relu", "l2", "l3");
    add_simple(&graph, "Tanh", "l3", "left");
    add_simple(&graph, "Tanh", "x", "r1");
    add_simple(&graph, "Relu", "r1", "r2");
    add_simple(&graph, "Tanh", "r2", "r3");
    add_simple(&graph, "Tanh", "r3", "right");
    onnx_add_output(&graph, "left", ONNX_FLOAT, DIMS(4, 16));
    onnx_add_output(&graph, "right", ONNX_FLOAT, DIMS(4, 16));
    return finish(&graph);
}

cop_model *behind_large(void)
{
    struct message graph = begin(DIMS(64, 1024));
    add_simple(&graph, "Relu", "x", "a");
    add_simple(&graph, "Tanh", "a", "b");
    add_simple(&graph, "Relu", "b", "y");
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(64, 1024));
    return finish(&graph);
}

cop_cached_op *behind_compile(cop_model *model, size_t max_contexts)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    cop_error error = {0};
    options.device = BEHIND_DEVICE;
    options.max_contexts = (int)max_contexts;
    ck_assert_msg(cop_cached_op_create(model, &options, &op, &error) == COP_STATUS_OK, "%s",
                  error.message);
    return op;
}

void behind_read(cop_ndarray *array, float *elements, size_t count)
{
    cop_ndarray *host = NULL;
    cop_error error = {0};
    ck_assert_uint_eq(cop_ndarray_bytes(array), count * sizeof *elements);
    ck_assert_int_eq(cop_ndarray_wrap(elements, COP_DTYPE_FLOAT32, cop_ndarray_rank(array),
                                      cop_ndarray_shape(array), NULL, &host, NULL),
                     COP_STATUS_OK);
    ck_assert_msg(cop_ndarray_copy(array, host, &error) == COP_STATUS_OK, "%s", error.message);
    cop_ndarray_release(&host);
}

void behind_invoke(cop_cached_op *op, cop_ndarray *src, float *elements, size_t count)
{
    static const size_t first = 0;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst = NULL;
    cop_error error = {0};
    if (cop_cached_op_output_count(op) > 1)
        options.outputs = &first, options.output_count = 1;
    ck_assert_msg(cop_invoke(op, 1, &src, 1, &dst, &options, &error) == COP_STATUS_OK, "%s",
                  error.message);
    behind_read(dst, elements, count);
    cop_ndarray_release(&dst);
}
