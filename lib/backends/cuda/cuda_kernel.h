// SPDX-License-Identifier: Apache-2.0
/*
 * Kernels of this backend, and how one is made. For every operator there is a function that looks
 * at a request and, if it can serve it, makes a kernel with cop_cuda_kernel_new, fills in what it
 * launches, and says with cop_cuda_take_… and cop_cuda_give_… how its operands lie.
 */
#ifndef CUDA_KERNEL_H
#define CUDA_KERNEL_H

#include "backends/cuda/cuda_layout.h"
#include "backends/cuda/cuda_stream.h"
#include "base/error.h"
#include "kernels/kernels.h"

struct cuda_kernel;

/* Begins the work on the stream. Called by any number of threads, each with its own stream. */
typedef cop_status cuda_run(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                            void *state, const struct kernel_args *args, cop_error *error);

/* Operators embed it as the first member. */
struct cuda_kernel {
    struct kernel base;
    struct cuda_device *device;
    cuda_run *run;
    /* What one context needs; NULL: nothing. */
    cop_status (*state_create)(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                               void **state, cop_error *error);
    void (*state_destroy)(const struct cuda_kernel *kernel, void *state);
    void (*finish)(struct cuda_kernel *kernel); /* gives back what the operator's part holds */
    char name[96];
};

struct cuda_build {
    struct cuda_device *device;
    const struct kernel_request *request;
    struct cuda_kernel *kernel; /* NULL until it is made; owned by the caller of the function */
    cop_error *error;
};

typedef cop_status cuda_describe(struct cuda_build *build);

/* UNSUPPORTED with a text: the next backend is asked. */
cop_status cop_cuda_refuse(struct cuda_build *build, const char *reason);

/* A kernel of `bytes`, which begins with struct cuda_kernel, all zero; with the request's counts.
 * `name` is printed in plans. It is recordable; set base.estimated_ns with cop_cuda_estimate. */
cop_status cop_cuda_kernel_new(struct cuda_build *build, size_t bytes, cuda_run *run,
                               const char *name);

/* How floats lie at this precision: FLOAT32, FLOAT16 or BFLOAT16. */
cop_dtype cop_cuda_stored(const struct kernel_request *request);
enum cop_cuda_type cop_cuda_type(const struct kernel_request *request);

/* Whether all present operands, sources and results, are float32; the other kinds of numbers are
 * left to `ref` by most operators. */
bool cop_cuda_is_all_float(const struct kernel_request *request);

/* The order in which a source comes, so that an operator that takes any can follow it. */
enum cop_cuda_order cop_cuda_order_of(const struct kernel_tensor *src);

/* States how source or result `index` lies. Floats in the stored type of the precision. */
cop_status cop_cuda_take(struct cuda_build *build, int index,
                         const struct cuda_arrangement *arrangement);
cop_status cop_cuda_give(struct cuda_build *build, int index,
                         const struct cuda_arrangement *arrangement);
/* The same for the most frequent ones: by an order; small float32 vectors; integers as they are. */
cop_status cop_cuda_take_ordered(struct cuda_build *build, int index, enum cop_cuda_order order);
cop_status cop_cuda_give_ordered(struct cuda_build *build, int index, enum cop_cuda_order order);
cop_status cop_cuda_take_as_is(struct cuda_build *build, int index); /* linear, its own dtype */

/* The request's post-ops for the kernels. */
void cop_cuda_post_ops(const struct post_ops *post_ops, struct cop_cuda_post_ops *translated);
/* The source that a SUM post-op adds; −1 without one. */
int cop_cuda_added_src(const struct kernel_request *request);

/* The address of a source in a run; NULL for −1. */
static inline const void *cop_cuda_address(const struct kernel_args *args, int src)
{
    return src < 0 ? NULL : args->src[src];
}

/* Dimensions as they lie in memory: of an nhwc tensor n, spatial, channels. `axes[i]` (may be NULL)
 * is the tensor's dimension at place i. Returns the rank. */
int cop_cuda_memory_dims(const struct shape *shape, enum cop_cuda_order order, int64_t *dims,
                         int *axes);

/* About how long a kernel takes that reads and writes so many bytes and does so many operations. */
int64_t cop_cuda_estimate(const struct cuda_device *device, double bytes, double flops);
/* The bytes of all operands as they lie. After every take and give. */
double cop_cuda_operand_bytes(const struct cuda_build *build);

/* One function for each operator that the GPU runs, by family. */
cuda_describe cop_cuda_convolution_kernel, cop_cuda_fully_connected_kernel, cop_cuda_gemm_kernel,
    cop_cuda_matmul_kernel;
cuda_describe cop_cuda_pooling_kernel, cop_cuda_batch_normalization_kernel, cop_cuda_lrn_kernel,
    cop_cuda_softmax_kernel;
cuda_describe cop_cuda_unary_kernel, cop_cuda_binary_kernel, cop_cuda_prelu_kernel;
cuda_describe cop_cuda_reduce_kernel, cop_cuda_concat_kernel, cop_cuda_split_kernel,
    cop_cuda_slice_kernel, cop_cuda_transpose_kernel, cop_cuda_pad_kernel, cop_cuda_gather_kernel,
    cop_cuda_cast_kernel, cop_cuda_fill_kernel, cop_cuda_identity_kernel;

/* The table's members. */
cop_status cop_cuda_kernel_create(struct device *device, const struct kernel_request *request,
                                  struct kernel **kernel, cop_error *error);
cop_status cop_cuda_reorder_create(struct device *device, cop_dtype dtype,
                                   const struct shape *shape, const struct layout *src,
                                   const struct layout *dst, int intra_op_threads,
                                   struct kernel **kernel, cop_error *error);
void cop_cuda_kernel_destroy(struct kernel *kernel);
cop_status cop_cuda_kernel_run(const struct kernel *kernel, struct stream *stream, void *state,
                               const struct kernel_args *args, cop_error *error);
cop_status cop_cuda_state_create(const struct kernel *kernel, struct stream *stream, void **state,
                                 cop_error *error);
void cop_cuda_state_destroy(const struct kernel *kernel, void *state);

#endif
