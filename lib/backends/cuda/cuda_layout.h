// SPDX-License-Identifier: Apache-2.0
/*
 * How tensors lie on a GPU. A tensor is seen as [n, channels, plane], in row-major order or with
 * the channels last; float32 tensors may be stored in half the bytes. What is row-major and
 * unpadded is one linear layout, whatever its shape.
 */
#ifndef CUDA_LAYOUT_H
#define CUDA_LAYOUT_H

#include "backends/cuda/cuda_device.h"
#include "kernels/types.h"

struct cuda_arrangement {
    cop_dtype stored;          /* of the elements in memory; the tensor's own, or a shorter float */
    enum cop_cuda_order order; /* ROW_MAJOR: the sizes below are not looked at */
    int64_t n, channels, plane;
    int64_t padded_channels; /* of nhwc: >= channels, the rest is zero; 0: none are added */
    bool is_tf32;            /* float32 rounded for the matrix unit: only weights are */
};

struct cuda_layout {
    struct layout base;
    struct cuda_arrangement arrangement;
    char name[48];
};

/* `elements` of the tensor without padding. One reference. */
cop_status cop_cuda_layout_create(const struct backend *backend,
                                  const struct cuda_arrangement *arrangement, int64_t elements,
                                  const struct layout **layout, cop_error *error);

/* Of a layout of this backend. */
const struct cuda_arrangement *cop_cuda_arrangement(const struct layout *layout);

/* Activations [n, channels, spatial…] with channels last. */
struct cuda_arrangement cop_cuda_nhwc(const struct shape *shape, cop_dtype stored);

/* Whether a tensor of this shape lies with channels last, unpadded. */
bool cop_cuda_is_nhwc(const struct layout *layout, const struct shape *shape);

/* The kernels' name of a type they compute with; false: they do not. */
bool cop_cuda_type_of(cop_dtype stored, enum cop_cuda_type *type);

/* The table's members. */
bool cop_cuda_layout_equal(const struct layout *a, const struct layout *b);
void cop_cuda_layout_destroy(struct layout *layout);
cop_status cop_cuda_layout_linear(struct device *device, const struct layout *like, cop_dtype dtype,
                                  const struct shape *shape, const struct layout **linear,
                                  cop_error *error);

#endif
