// SPDX-License-Identifier: Apache-2.0
/*
 * cuDNN's descriptors: made, given attributes, finished. The first failure sticks and everything
 * after it is skipped, so that one check at the end is enough. The builder owns what it makes.
 */
#ifndef BACKENDS_CUDA_CUDNN_CUDNN_BUILDER_H
#define BACKENDS_CUDA_CUDNN_CUDNN_BUILDER_H

#include "backends/cuda/cudnn/cudnn_calls.h"
#include "backends/cuda/cudnn/cudnn_convolution.h"

#define COP_CUDNN_MOST_DESCRIPTORS 24 /* a convolution with everything behind it needs 18 */

struct cudnn_builder {
    const struct cudnn_session *session;
    cop_error *error;
    cop_status status;
    cudnnBackendDescriptor_t owned[COP_CUDNN_MOST_DESCRIPTORS];
    const char *names[COP_CUDNN_MOST_DESCRIPTORS];
    int owned_count;
};

/* `name` says in messages what is being made; static. NULL after a failure. */
cudnnBackendDescriptor_t cop_cudnn_begin(struct cudnn_builder *builder,
                                         cudnnBackendDescriptorType_t type, const char *name);
void cop_cudnn_set(struct cudnn_builder *builder, cudnnBackendDescriptor_t descriptor,
                   cudnnBackendAttributeName_t attribute, cudnnBackendAttributeType_t type,
                   int64_t count, const void *values);
void cop_cudnn_finish(struct cudnn_builder *builder, cudnnBackendDescriptor_t descriptor);
void cop_cudnn_builder_clear(struct cudnn_builder *builder);

/* One value of a type that C and cuDNN both know. */
#define COP_CUDNN_SET_ONE(builder, descriptor, attribute, type, ctype, value)                      \
    cop_cudnn_set(builder, descriptor, attribute, type, 1, &(const ctype){value})
#define COP_CUDNN_SET_DESCRIPTOR(builder, descriptor, attribute, value)                            \
    COP_CUDNN_SET_ONE(builder, descriptor, attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR,               \
                      cudnnBackendDescriptor_t, value)

/* The tensors of a convolution, as a variant pack names them. */
enum cudnn_tensor_id {
    COP_CUDNN_SRC = 1,
    COP_CUDNN_WEIGHTS,
    COP_CUDNN_RESIDUAL,
    COP_CUDNN_BIAS,
    COP_CUDNN_DST,
    COP_CUDNN_FIRST_VIRTUAL = 16,
};
#define COP_CUDNN_POINTER_BYTES 16 /* what every address is claimed to be a multiple of */

/* The operations of a convolution as one graph; its status is the builder's. */
cudnnBackendDescriptor_t cop_cudnn_describe_convolution(struct cudnn_builder *builder,
                                                        const struct cudnn_convolution *conv);

#endif
