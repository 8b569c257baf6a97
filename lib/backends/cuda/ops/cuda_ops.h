// SPDX-License-Identifier: Apache-2.0
/* What the operators' files share: in which order operands lie, and constants in their storage. */
#ifndef BACKENDS_CUDA_OPS_CUDA_OPS_H
#define BACKENDS_CUDA_OPS_CUDA_OPS_H

#include "backends/cuda/cuda_kernel.h"

/* Sources of the operator itself: a SUM post-op's is none of them. */
int cop_cuda_own_src_count(const struct kernel_request *request);

/* The operator's own source `index`, or NULL where there is none. */
const struct kernel_tensor *cop_cuda_own_src(const struct kernel_request *request, int index);

/* UNSUPPORTED unless post-ops there are meet a float32 result, and a SUM adds its likes. */
cop_status cop_cuda_check_post_ops(struct cuda_build *build);

/* UNSUPPORTED where post-ops are asked of what has none. */
cop_status cop_cuda_refuse_post_ops(struct cuda_build *build);

/* Takes the source of a SUM post-op, if there is one, like result 0; the result may lie on it. */
cop_status cop_cuda_take_added(struct cuda_build *build, enum cop_cuda_order order);

/*
 * The order to work in so that a source need not be moved. Only float32 activations have another
 * than row-major: nothing brings other types from one order into another.
 */
enum cop_cuda_order cop_cuda_follow(const struct kernel_tensor *src);

/* Where dimension `axis` of a tensor stands in memory: 0 is outermost. */
int cop_cuda_place_of(const struct shape *shape, enum cop_cuda_order order, int axis);

/* How far apart neighbours along each dimension lie in a dense tensor, in elements. */
void cop_cuda_strides(const struct shape *shape, enum cop_cuda_order order, int64_t *strides);

/*
 * The order of a tensor with the elements of another one in the order in which they lie in memory:
 * its dimension i is dimension src_axes[i] of src, or a 1 that src lacks. False: there is none.
 */
bool cop_cuda_order_after(const struct shape *src, enum cop_cuda_order src_order,
                          const struct shape *dst, const int *src_axes, enum cop_cuda_order *order);

/* Bytes of an element of a tensor of this type, as it is stored. */
int cop_cuda_element_bytes(const struct kernel_request *request, cop_dtype dtype);

/* A constant in a tensor of this type, as it is stored; rounds and saturates as a Cast does. */
void cop_cuda_write_constant(const struct kernel_request *request, cop_dtype dtype, double value,
                             unsigned char element[8]);

#endif
