// SPDX-License-Identifier: Apache-2.0
/*
 * The convolutions of bench/networks.py with batch normalization folded into them, every distinct
 * one once for each network; `has_residual` and `has_relu` say what follows that cuDNN fuses.
 */
#ifndef TEST_CUDA_CUDNN_NETWORK_LAYERS_H
#define TEST_CUDA_CUDNN_NETWORK_LAYERS_H

#include <stdbool.h>

struct network_layer {
    int ic, oc, groups, pixels, kernel, stride, pad;
    bool has_residual, has_relu;
};

static const struct network_layer network_layers[] = {
    /* resnet18 */
    {3, 64, 1, 224, 7, 2, 3, false, true},
    {64, 64, 1, 56, 3, 1, 1, false, true},
    {64, 64, 1, 56, 3, 1, 1, true, true},
    {64, 128, 1, 56, 3, 2, 1, false, true},
    {128, 128, 1, 28, 3, 1, 1, true, true},
    {64, 128, 1, 56, 1, 2, 0, false, false},
    {128, 128, 1, 28, 3, 1, 1, false, true},
    {128, 256, 1, 28, 3, 2, 1, false, true},
    {256, 256, 1, 14, 3, 1, 1, true, true},
    {128, 256, 1, 28, 1, 2, 0, false, false},
    {256, 256, 1, 14, 3, 1, 1, false, true},
    {256, 512, 1, 14, 3, 2, 1, false, true},
    {512, 512, 1, 7, 3, 1, 1, true, true},
    {256, 512, 1, 14, 1, 2, 0, false, false},
    {512, 512, 1, 7, 3, 1, 1, false, true},
    /* resnet50 */
    {3, 64, 1, 224, 7, 2, 3, false, true},
    {64, 64, 1, 56, 1, 1, 0, false, true},
    {64, 64, 1, 56, 3, 1, 1, false, true},
    {64, 256, 1, 56, 1, 1, 0, true, true},
    {64, 256, 1, 56, 1, 1, 0, false, false},
    {256, 64, 1, 56, 1, 1, 0, false, true},
    {256, 128, 1, 56, 1, 1, 0, false, true},
    {128, 128, 1, 56, 3, 2, 1, false, true},
    {128, 512, 1, 28, 1, 1, 0, true, true},
    {256, 512, 1, 56, 1, 2, 0, false, false},
    {512, 128, 1, 28, 1, 1, 0, false, true},
    {128, 128, 1, 28, 3, 1, 1, false, true},
    {512, 256, 1, 28, 1, 1, 0, false, true},
    {256, 256, 1, 28, 3, 2, 1, false, true},
    {256, 1024, 1, 14, 1, 1, 0, true, true},
    {512, 1024, 1, 28, 1, 2, 0, false, false},
    {1024, 256, 1, 14, 1, 1, 0, false, true},
    {256, 256, 1, 14, 3, 1, 1, false, true},
    {1024, 512, 1, 14, 1, 1, 0, false, true},
    {512, 512, 1, 14, 3, 2, 1, false, true},
    {512, 2048, 1, 7, 1, 1, 0, true, true},
    {1024, 2048, 1, 14, 1, 2, 0, false, false},
    {2048, 512, 1, 7, 1, 1, 0, false, true},
    {512, 512, 1, 7, 3, 1, 1, false, true},
    /* mobilenet_v1 */
    {3, 32, 1, 224, 3, 2, 1, false, true},
    {32, 32, 32, 112, 3, 1, 1, false, true},
    {32, 64, 1, 112, 1, 1, 0, false, true},
    {64, 64, 64, 112, 3, 2, 1, false, true},
    {64, 128, 1, 56, 1, 1, 0, false, true},
    {128, 128, 128, 56, 3, 1, 1, false, true},
    {128, 128, 1, 56, 1, 1, 0, false, true},
    {128, 128, 128, 56, 3, 2, 1, false, true},
    {128, 256, 1, 28, 1, 1, 0, false, true},
    {256, 256, 256, 28, 3, 1, 1, false, true},
    {256, 256, 1, 28, 1, 1, 0, false, true},
    {256, 256, 256, 28, 3, 2, 1, false, true},
    {256, 512, 1, 14, 1, 1, 0, false, true},
    {512, 512, 512, 14, 3, 1, 1, false, true},
    {512, 512, 1, 14, 1, 1, 0, false, true},
    {512, 512, 512, 14, 3, 2, 1, false, true},
    {512, 1024, 1, 7, 1, 1, 0, false, true},
    {1024, 1024, 1024, 7, 3, 1, 1, false, true},
    {1024, 1024, 1, 7, 1, 1, 0, false, true},
    /* mobilenet_v2 */
    {3, 32, 1, 224, 3, 2, 1, false, false},
    {32, 32, 32, 112, 3, 1, 1, false, false},
    {32, 16, 1, 112, 1, 1, 0, false, false},
    {16, 96, 1, 112, 1, 1, 0, false, false},
    {96, 96, 96, 112, 3, 2, 1, false, false},
    {96, 24, 1, 56, 1, 1, 0, false, false},
    {24, 144, 1, 56, 1, 1, 0, false, false},
    {144, 144, 144, 56, 3, 1, 1, false, false},
    {144, 24, 1, 56, 1, 1, 0, true, false},
    {144, 144, 144, 56, 3, 2, 1, false, false},
    {144, 32, 1, 28, 1, 1, 0, false, false},
    {32, 192, 1, 28, 1, 1, 0, false, false},
    {192, 192, 192, 28, 3, 1, 1, false, false},
    {192, 32, 1, 28, 1, 1, 0, true, false},
    {192, 192, 192, 28, 3, 2, 1, false, false},
    {192, 64, 1, 14, 1, 1, 0, false, false},
    {64, 384, 1, 14, 1, 1, 0, false, false},
    {384, 384, 384, 14, 3, 1, 1, false, false},
    {384, 64, 1, 14, 1, 1, 0, true, false},
    {384, 96, 1, 14, 1, 1, 0, false, false},
    {96, 576, 1, 14, 1, 1, 0, false, false},
    {576, 576, 576, 14, 3, 1, 1, false, false},
    {576, 96, 1, 14, 1, 1, 0, true, false},
    {576, 576, 576, 14, 3, 2, 1, false, false},
    {576, 160, 1, 7, 1, 1, 0, false, false},
    {160, 960, 1, 7, 1, 1, 0, false, false},
    {960, 960, 960, 7, 3, 1, 1, false, false},
    {960, 160, 1, 7, 1, 1, 0, true, false},
    {960, 320, 1, 7, 1, 1, 0, false, false},
    {320, 1280, 1, 7, 1, 1, 0, false, false},
};
#define NETWORK_LAYER_COUNT (sizeof network_layers / sizeof *network_layers)

#endif
