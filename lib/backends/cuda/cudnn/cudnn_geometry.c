// SPDX-License-Identifier: Apache-2.0
/* What needs no cuDNN: sizes, and which convolutions are worth asking it for. */
#include "backends/cuda/cudnn/cudnn_convolution.h"
#include "backends/cuda/cudnn/cudnn_planning.h"

bool cop_cudnn_fuses(const struct cudnn_convolution *convolution)
{
    const enum cop_cudnn_activation activation = convolution->activation;
    return (activation == COP_CUDNN_NONE || activation == COP_CUDNN_RELU) &&
           (convolution->has_bias || (activation == COP_CUDNN_NONE && !convolution->has_residual));
}

/* So that nothing below overflows. */
#define MOST (INT64_C(1) << 31)

static bool are_sizes(int count, const int64_t *values)
{
    for (int i = 0; i < count; i++)
        if (values[i] < 1 || values[i] > MOST)
            return false;
    return true;
}

static int64_t span_of(const struct cudnn_convolution *conv, int i)
{
    return (conv->kernel[i] - 1) * conv->dilations[i] + 1;
}

bool cop_cudnn_dst_spatial(const struct cudnn_convolution *convolution,
                           int64_t dst[COP_CUDNN_MAX_SPATIAL])
{
    const struct cudnn_convolution *conv = convolution;
    const int64_t sizes[] = {conv->n, conv->ic, conv->oc, conv->groups};
    if (conv->spatial_rank < 1 || conv->spatial_rank > COP_CUDNN_MAX_SPATIAL ||
        !are_sizes(4, sizes) || conv->ic % conv->groups != 0 || conv->oc % conv->groups != 0)
        return false;
    for (int i = 0; i < conv->spatial_rank; i++) {
        const int64_t spatial[] = {conv->src[i], conv->kernel[i], conv->strides[i],
                                   conv->dilations[i]};
        if (!are_sizes(4, spatial) || conv->pads_begin[i] < 0 || conv->pads_begin[i] > MOST ||
            conv->pads_end[i] < -MOST || conv->pads_end[i] > MOST)
            return false;
        const int64_t padded = conv->src[i] + conv->pads_begin[i] + conv->pads_end[i];
        if (padded < span_of(conv, i))
            return false;
        dst[i] = (padded - span_of(conv, i)) / conv->strides[i] + 1;
    }
    return true;
}

bool cop_cudnn_settle_pads(struct cudnn_convolution *conv)
{
    int64_t dst[COP_CUDNN_MAX_SPATIAL];
    if (!cop_cudnn_dst_spatial(conv, dst))
        return false;
    for (int i = 0; i < conv->spatial_rank; i++) {
        const int64_t least =
            (dst[i] - 1) * conv->strides[i] + span_of(conv, i) - conv->src[i] - conv->pads_begin[i];
        const int64_t most = least + conv->strides[i] - 1;
        if (most < 0)
            return false;
        if (conv->pads_begin[i] >= least && conv->pads_begin[i] <= most)
            conv->pads_end[i] = conv->pads_begin[i];
        else
            conv->pads_end[i] = least > 0 ? least : 0;
    }
    return true;
}
