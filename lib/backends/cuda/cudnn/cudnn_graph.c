// SPDX-License-Identifier: Apache-2.0
/*
 * A convolution and what follows it as a graph of cuDNN's operations. The order convolution, add
 * the residual, add the bias in the type of the elements, activation is the one that engines
 * compiled beforehand know; a bias before the residual, or one in another type, is compiled at run
 * time.
 */
#include <string.h>

#include "backends/cuda/cudnn/cudnn_builder.h"

#define MAX_DIMS (2 + COP_CUDNN_MAX_SPATIAL)

/* Dimensions in cuDNN's order, n c spatial…; one spatial dimension counts as rows of height 1. */
struct tensor {
    int rank;
    int64_t dims[MAX_DIMS];
    bool is_nhwc;
};

struct graph {
    struct cudnn_builder *builder;
    const struct cudnn_convolution *conv;
    int64_t dst_spatial[COP_CUDNN_MAX_SPATIAL];
    cudnnBackendDescriptor_t last; /* what the operation described last produces */
    cudnnBackendDescriptor_t operations[4];
    int count, wanted; /* operations described, and all there will be */
    int64_t next_virtual;
};

static cudnnDataType_t data_type(enum cop_cudnn_type type)
{
    switch (type) {
    case COP_CUDNN_F16:
        return CUDNN_DATA_HALF;
    case COP_CUDNN_BF16:
        return CUDNN_DATA_BFLOAT16;
    case COP_CUDNN_F32:
        break;
    }
    return CUDNN_DATA_FLOAT;
}

static struct tensor tensor_of(const struct cudnn_convolution *conv, int64_t n, int64_t c,
                               const int64_t *spatial, bool is_nhwc)
{
    struct tensor tensor = {.rank = 2, .dims = {n, c}, .is_nhwc = is_nhwc};
    if (conv->spatial_rank == 1)
        tensor.dims[tensor.rank++] = 1;
    for (int i = 0; i < conv->spatial_rank; i++)
        tensor.dims[tensor.rank++] = spatial[i];
    return tensor;
}

static void fill_strides(const struct tensor *tensor, int64_t *strides)
{
    int64_t stride = 1;
    if (tensor->is_nhwc) {
        strides[1] = 1;
        stride = tensor->dims[1];
    }
    for (int i = tensor->rank - 1; i >= 2; i--) {
        strides[i] = stride;
        stride *= tensor->dims[i];
    }
    if (!tensor->is_nhwc) {
        strides[1] = stride;
        stride *= tensor->dims[1];
    }
    strides[0] = stride;
}

static cudnnBackendDescriptor_t describe_tensor(struct graph *graph, const struct tensor *tensor,
                                                int64_t id, const char *name)
{
    struct cudnn_builder *builder = graph->builder;
    int64_t strides[MAX_DIMS];
    const bool is_virtual = id >= COP_CUDNN_FIRST_VIRTUAL;
    fill_strides(tensor, strides);
    cudnnBackendDescriptor_t made = cop_cudnn_begin(builder, CUDNN_BACKEND_TENSOR_DESCRIPTOR, name);
    COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE,
                      cudnnDataType_t,
                      is_virtual ? CUDNN_DATA_FLOAT : data_type(graph->conv->type));
    cop_cudnn_set(builder, made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, tensor->rank,
                  tensor->dims);
    cop_cudnn_set(builder, made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, tensor->rank,
                  strides);
    COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, int64_t, id);
    COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, int64_t,
                      COP_CUDNN_POINTER_BYTES);
    COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, bool,
                      is_virtual);
    cop_cudnn_finish(builder, made);
    return made;
}

/* What the next operation writes: dst if it is the last one. */
static cudnnBackendDescriptor_t describe_result(struct graph *graph)
{
    const struct cudnn_convolution *conv = graph->conv;
    const struct tensor tensor =
        tensor_of(conv, conv->n, conv->oc, graph->dst_spatial, conv->dst_is_nhwc);
    const bool is_last = graph->count + 1 == graph->wanted;
    return describe_tensor(graph, &tensor, is_last ? COP_CUDNN_DST : graph->next_virtual++,
                           is_last ? "dst" : "intermediate");
}

static void add_operation(struct graph *graph, cudnnBackendDescriptor_t operation,
                          cudnnBackendDescriptor_t result)
{
    cop_cudnn_finish(graph->builder, operation);
    graph->operations[graph->count++] = operation;
    graph->last = result;
}

/* An array of the spatial dimensions; `filler` for the height that one dimension lacks. */
static void set_spatial(struct graph *graph, cudnnBackendDescriptor_t descriptor,
                        cudnnBackendAttributeName_t attribute, const int64_t *values,
                        int64_t filler)
{
    int64_t all[COP_CUDNN_MAX_SPATIAL];
    int count = 0;
    if (graph->conv->spatial_rank == 1)
        all[count++] = filler;
    for (int i = 0; i < graph->conv->spatial_rank; i++)
        all[count++] = values[i];
    cop_cudnn_set(graph->builder, descriptor, attribute, CUDNN_TYPE_INT64, count, all);
}

static cudnnBackendDescriptor_t describe_geometry(struct graph *graph)
{
    struct cudnn_builder *builder = graph->builder;
    const struct cudnn_convolution *conv = graph->conv;
    cudnnBackendDescriptor_t made =
        cop_cudnn_begin(builder, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, "geometry");
    COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE,
                      cudnnDataType_t, CUDNN_DATA_FLOAT);
    COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE,
                      cudnnConvolutionMode_t, CUDNN_CROSS_CORRELATION);
    COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, int64_t,
                      conv->spatial_rank == 1 ? 2 : conv->spatial_rank);
    set_spatial(graph, made, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, conv->pads_begin, 0);
    set_spatial(graph, made, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, conv->pads_end, 0);
    set_spatial(graph, made, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, conv->strides, 1);
    set_spatial(graph, made, CUDNN_ATTR_CONVOLUTION_DILATIONS, conv->dilations, 1);
    cop_cudnn_finish(builder, made);
    return made;
}

static void add_convolution(struct graph *graph)
{
    struct cudnn_builder *builder = graph->builder;
    const struct cudnn_convolution *conv = graph->conv;
    const struct tensor src = tensor_of(conv, conv->n, conv->ic, conv->src, conv->src_is_nhwc);
    const struct tensor weights =
        tensor_of(conv, conv->oc, conv->ic / conv->groups, conv->kernel, conv->src_is_nhwc);
    cudnnBackendDescriptor_t geometry = describe_geometry(graph);
    cudnnBackendDescriptor_t x = describe_tensor(graph, &src, COP_CUDNN_SRC, "src");
    cudnnBackendDescriptor_t w = describe_tensor(graph, &weights, COP_CUDNN_WEIGHTS, "weights");
    cudnnBackendDescriptor_t y = describe_result(graph);
    cudnnBackendDescriptor_t made = cop_cudnn_begin(
        builder, CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, "convolution");
    COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                      CUDNN_TYPE_FLOAT, float, 1.0F);
    COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
                      CUDNN_TYPE_FLOAT, float, 0.0F);
    COP_CUDNN_SET_DESCRIPTOR(builder, made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                             geometry);
    COP_CUDNN_SET_DESCRIPTOR(builder, made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x);
    COP_CUDNN_SET_DESCRIPTOR(builder, made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w);
    COP_CUDNN_SET_DESCRIPTOR(builder, made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
    add_operation(graph, made, y);
}

/* `other` NULL: a function of one value. */
static void add_pointwise(struct graph *graph, cudnnBackendDescriptor_t function,
                          cudnnBackendDescriptor_t other, const char *name)
{
    struct cudnn_builder *builder = graph->builder;
    cudnnBackendDescriptor_t y = describe_result(graph);
    cudnnBackendDescriptor_t made =
        cop_cudnn_begin(builder, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, name);
    COP_CUDNN_SET_DESCRIPTOR(builder, made, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, function);
    COP_CUDNN_SET_DESCRIPTOR(builder, made, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, graph->last);
    if (other != NULL)
        COP_CUDNN_SET_DESCRIPTOR(builder, made, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, other);
    COP_CUDNN_SET_DESCRIPTOR(builder, made, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    add_operation(graph, made, y);
}

static cudnnBackendDescriptor_t begin_function(struct graph *graph, cudnnPointwiseMode_t mode)
{
    struct cudnn_builder *builder = graph->builder;
    cudnnBackendDescriptor_t made =
        cop_cudnn_begin(builder, CUDNN_BACKEND_POINTWISE_DESCRIPTOR, "function");
    COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE,
                      cudnnPointwiseMode_t, mode);
    COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE,
                      cudnnDataType_t, CUDNN_DATA_FLOAT);
    return made;
}

static void add_sum(struct graph *graph, const struct tensor *tensor, int64_t id, const char *name)
{
    cudnnBackendDescriptor_t function = begin_function(graph, CUDNN_POINTWISE_ADD);
    cop_cudnn_finish(graph->builder, function);
    cudnnBackendDescriptor_t other = describe_tensor(graph, tensor, id, name);
    add_pointwise(graph, function, other, "addition");
}

static cudnnPointwiseMode_t activation_mode(enum cop_cudnn_activation activation)
{
    switch (activation) {
    case COP_CUDNN_ELU:
        return CUDNN_POINTWISE_ELU_FWD;
    case COP_CUDNN_SIGMOID:
        return CUDNN_POINTWISE_SIGMOID_FWD;
    case COP_CUDNN_TANH:
        return CUDNN_POINTWISE_TANH_FWD;
    case COP_CUDNN_SWISH:
        return CUDNN_POINTWISE_SWISH_FWD;
    case COP_CUDNN_GELU:
        return CUDNN_POINTWISE_GELU_FWD;
    case COP_CUDNN_GELU_TANH:
        return CUDNN_POINTWISE_GELU_APPROX_TANH_FWD;
    default:
        return CUDNN_POINTWISE_RELU_FWD;
    }
}

static void set_number(struct graph *graph, cudnnBackendDescriptor_t function,
                       cudnnBackendAttributeName_t attribute, double number)
{
    COP_CUDNN_SET_ONE(graph->builder, function, attribute, CUDNN_TYPE_DOUBLE, double, number);
}

static void add_activation(struct graph *graph)
{
    const struct cudnn_convolution *conv = graph->conv;
    cudnnBackendDescriptor_t function = begin_function(graph, activation_mode(conv->activation));
    switch (conv->activation) {
    case COP_CUDNN_CLIP:
        set_number(graph, function, CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, conv->alpha);
        set_number(graph, function, CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, conv->beta);
        break;
    case COP_CUDNN_LEAKY_RELU:
        set_number(graph, function, CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, conv->alpha);
        break;
    case COP_CUDNN_ELU:
        set_number(graph, function, CUDNN_ATTR_POINTWISE_ELU_ALPHA, conv->alpha);
        break;
    case COP_CUDNN_SWISH:
        set_number(graph, function, CUDNN_ATTR_POINTWISE_SWISH_BETA, conv->alpha);
        break;
    default:
        break;
    }
    cop_cudnn_finish(graph->builder, function);
    add_pointwise(graph, function, NULL, "activation");
}

static cudnnBackendDescriptor_t finish_graph(struct graph *graph)
{
    struct cudnn_builder *builder = graph->builder;
    cudnnBackendDescriptor_t made =
        cop_cudnn_begin(builder, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "operation graph");
    cop_cudnn_set(builder, made, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                  graph->count, graph->operations);
    if (builder->session->handle != NULL) /* which the first versions of 9 want to know here */
        COP_CUDNN_SET_ONE(builder, made, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE,
                          cudnnHandle_t, builder->session->handle);
    cop_cudnn_finish(builder, made);
    return made;
}

cudnnBackendDescriptor_t cop_cudnn_describe_convolution(struct cudnn_builder *builder,
                                                        const struct cudnn_convolution *conv)
{
    static const int64_t ones[COP_CUDNN_MAX_SPATIAL] = {1, 1, 1};
    struct graph graph = {
        .builder = builder, .conv = conv, .next_virtual = COP_CUDNN_FIRST_VIRTUAL};
    graph.wanted = 1 + (conv->has_residual ? 1 : 0) + (conv->has_bias ? 1 : 0) +
                   (conv->activation != COP_CUDNN_NONE ? 1 : 0);
    cop_cudnn_dst_spatial(conv, graph.dst_spatial);
    add_convolution(&graph);
    if (conv->has_residual) {
        const struct tensor residual =
            tensor_of(conv, conv->n, conv->oc, graph.dst_spatial, conv->dst_is_nhwc);
        add_sum(&graph, &residual, COP_CUDNN_RESIDUAL, "residual");
    }
    if (conv->has_bias) {
        const struct tensor bias = tensor_of(conv, 1, conv->oc, ones, conv->dst_is_nhwc);
        add_sum(&graph, &bias, COP_CUDNN_BIAS, "bias");
    }
    if (conv->activation != COP_CUDNN_NONE)
        add_activation(&graph);
    return finish_graph(&graph);
}
