// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "support/small_networks.h"

#include <string.h>

#define NODE(writer, op, attributes, ...)                                                          \
    model_writer_node(writer, op, attributes, (int)(sizeof(int[]){__VA_ARGS__} / sizeof(int)),     \
                      (int[]){__VA_ARGS__})

static int add_convolution(struct model_writer *writer, int src, int ic, int oc, int kernel,
                           int stride)
{
    const int64_t shape[] = {oc, ic, kernel, kernel};
    char attributes[160];
    snprintf(attributes, sizeof attributes,
             "\"kernel\":\"(%d,%d)\",\"pad\":\"(%d,%d)\",\"stride\":\"(%d,%d)\","
             "\"num_filter\":\"%d\",\"no_bias\":\"True\"",
             kernel, kernel, kernel / 2, kernel / 2, stride, stride, oc);
    const int weights =
        model_writer_weight(writer, 4, shape, 0, 1.2f / (float)kernel / (float)(ic > 4 ? 2 : 1));
    return NODE(writer, "Convolution", attributes, src, weights);
}

static int add_batch_norm(struct model_writer *writer, int src, int channels)
{
    const int64_t shape[] = {channels};
    const int gamma = model_writer_weight(writer, 1, shape, 1, 0.2f);
    const int beta = model_writer_weight(writer, 1, shape, 0, 0.2f);
    const int mean = model_writer_weight(writer, 1, shape, 0, 0.2f);
    const int variance = model_writer_weight(writer, 1, shape, 1, 0.5f);
    return NODE(writer, "BatchNorm", "\"fix_gamma\":\"False\"", src, gamma, beta, mean, variance);
}

static int add_dense(struct model_writer *writer, int src, int in, int out)
{
    const int64_t shape[] = {out, in}, bias_shape[] = {out};
    char attributes[64];
    snprintf(attributes, sizeof attributes, "\"num_hidden\":\"%d\"", out);
    const int weights = model_writer_weight(writer, 2, shape, 0, 0.4f);
    const int bias = model_writer_weight(writer, 1, bias_shape, 0, 0.1f);
    return NODE(writer, "FullyConnected", attributes, src, weights, bias);
}

static int add_relu(struct model_writer *writer, int src)
{
    return NODE(writer, "relu", NULL, src);
}

static int write_convolution_block(struct model_writer *writer)
{
    const int data = model_writer_input(writer, "data", "(1,2,6,6)");
    const int normal = add_batch_norm(writer, add_convolution(writer, data, 2, 4, 3, 1), 4);
    const int pool = NODE(writer, "Pooling",
                          "\"kernel\":\"(1,1)\",\"global_pool\":\"True\",\"pool_type\":\"avg\"",
                          add_relu(writer, normal));
    return NODE(writer, "Flatten", NULL, pool);
}

static int write_scalars(struct model_writer *writer)
{
    const int data = model_writer_input(writer, "data", "(1,32)");
    const int half = NODE(writer, "_mul_scalar", "\"scalar\":\"0.5\"", data);
    const int more = NODE(writer, "_plus_scalar", "\"scalar\":\"0.25\"", half);
    return NODE(writer, "elemwise_add", NULL, NODE(writer, "sigmoid", NULL, more), data);
}

static int write_pools(struct model_writer *writer)
{
    const int data = model_writer_input(writer, "data", "(1,2,8,8)");
    const int max = NODE(writer, "Pooling",
                         "\"kernel\":\"(2,2)\",\"stride\":\"(2,2)\",\"pool_type\":\"max\"", data);
    const int mean = NODE(writer, "Pooling",
                          "\"kernel\":\"(2,2)\",\"stride\":\"(2,2)\",\"pool_type\":\"avg\"", data);
    return NODE(writer, "Concat", "\"dim\":\"1\",\"num_args\":\"2\"", max, mean);
}

static int write_perceptron(struct model_writer *writer)
{
    const int data = model_writer_input(writer, "data", "(1,8)");
    int dense = add_relu(writer, add_dense(writer, data, 8, 16));
    dense = NODE(writer, "tanh", NULL, add_dense(writer, dense, 16, 16));
    return add_dense(writer, dense, 16, 4);
}

static int write_residual(struct model_writer *writer)
{
    const int data = model_writer_input(writer, "data", "(1,4,5,5)");
    const int conv = add_convolution(writer, add_relu(writer, data), 4, 4, 1, 1);
    return add_relu(writer, NODE(writer, "elemwise_add", NULL, conv, data));
}

cop_model *small_network(int index)
{
    struct model_writer *writer = model_writer_create(100 + (unsigned)index);
    int head_count = 1, heads[2];
    switch (index) {
    case 0:
        heads[0] = add_relu(writer, model_writer_input(writer, "data", "(1,16)"));
        break;
    case 1:
        heads[0] = NODE(writer, "softmax", NULL,
                        add_dense(writer, model_writer_input(writer, "data", "(1,16)"), 16, 16));
        break;
    case 2:
        heads[0] = write_convolution_block(writer);
        break;
    case 3:
        heads[0] = write_scalars(writer);
        break;
    case 4: {
        const int relu = add_relu(writer, model_writer_input(writer, "data", "(1,4)"));
        heads[0] = NODE(writer, "_plus_scalar", "\"scalar\":\"1\"", relu);
        heads[1] = NODE(writer, "_mul_scalar", "\"scalar\":\"2\"", relu);
        head_count = 2;
        break;
    }
    case 5:
        heads[0] = write_pools(writer);
        break;
    case 6:
        heads[0] = write_perceptron(writer);
        break;
    default:
        heads[0] = write_residual(writer);
    }
    return model_writer_load(writer, head_count, heads);
}

cop_model *chain_network(int steps, int side)
{
    struct model_writer *writer = model_writer_create(7);
    char shape[64];
    snprintf(shape, sizeof shape, "(1,4,%d,%d)", side, side);
    int node = model_writer_input(writer, "data", shape), heads[2] = {0, 0};
    for (int i = 0; i < steps; i++) {
        node = add_relu(writer, add_convolution(writer, node, 4, 4, 3, 1));
        heads[i > 0] = node;
    }
    return model_writer_load(writer, 2, heads);
}

/* One residual unit: two 3x3 convolutions, or 1x1, 3x3 and 1x1 to four times the channels. */
static int add_unit(struct model_writer *writer, int src, int ic, int oc, int stride,
                    bool is_bottleneck)
{
    int node = src, shortcut = src;
    if (is_bottleneck) {
        const int inner = oc / 4;
        node = add_batch_norm(writer, add_convolution(writer, node, ic, inner, 1, 1), inner);
        node = add_convolution(writer, add_relu(writer, node), inner, inner, 3, stride);
        node = add_relu(writer, add_batch_norm(writer, node, inner));
        node = add_batch_norm(writer, add_convolution(writer, node, inner, oc, 1, 1), oc);
    } else {
        node = add_batch_norm(writer, add_convolution(writer, node, ic, oc, 3, stride), oc);
        node = add_convolution(writer, add_relu(writer, node), oc, oc, 3, 1);
        node = add_batch_norm(writer, node, oc);
    }
    if (ic != oc || stride != 1)
        shortcut = add_batch_norm(writer, add_convolution(writer, src, ic, oc, 1, stride), oc);
    return add_relu(writer, NODE(writer, "elemwise_add", NULL, node, shortcut));
}

cop_model *residual_network(int layers, int width, int side, unsigned seed)
{
    static const int units_18[] = {2, 2, 2, 2}, units_50[] = {3, 4, 6, 3},
                     units_152[] = {3, 8, 36, 3};
    const int *units = layers == 18 ? units_18 : layers == 50 ? units_50 : units_152;
    const bool is_bottleneck = layers != 18;
    struct model_writer *writer = model_writer_create(seed);
    char shape[64];
    snprintf(shape, sizeof shape, "(1,3,%d,%d)", side, side);
    int channels = width;
    int node = model_writer_input(writer, "data", shape);
    node = add_batch_norm(writer, add_convolution(writer, node, 3, width, 3, 1), width);
    node = add_relu(writer, node);
    for (int stage = 0; stage < 4; stage++)
        for (int unit = 0; unit < units[stage]; unit++) {
            const int oc = width * (is_bottleneck ? 4 : 1) << (stage > 1 ? 1 : 0);
            node =
                add_unit(writer, node, channels, oc, unit == 0 && stage > 0 ? 2 : 1, is_bottleneck);
            channels = oc;
        }
    node = NODE(writer, "Pooling",
                "\"kernel\":\"(1,1)\",\"global_pool\":\"True\",\"pool_type\":\"avg\"", node);
    node = add_dense(writer, NODE(writer, "Flatten", NULL, node), channels, 10);
    const int head = NODE(writer, "softmax", NULL, node);
    return model_writer_load(writer, 1, &head);
}
