// SPDX-License-Identifier: Apache-2.0
/*
 * The frame of every operator of this backend: one oneDNN primitive with the memory formats of its
 * arguments. An operator's file has one function, cop_onednn_<lower>, which describes the
 * primitive and says which argument is which source or result.
 */
#ifndef BACKENDS_ONEDNN_ONEDNN_KERNEL_H
#define BACKENDS_ONEDNN_ONEDNN_KERNEL_H

#include "backends/backend.h"
#include "backends/onednn/onednn_compat.h"
#include "backends/onednn/onednn_layout.h"
#include "base/error.h"

enum argument_place { ARGUMENT_SRC, ARGUMENT_DST, ARGUMENT_SCRATCH };

struct argument {
    int role; /* DNNL_ARG_SRC, … */
    enum argument_place place;
    int index; /* of the source or result */
    struct tensor_desc desc;
};

/*
 * Thread-safety: immutable; the primitive is made for scratch memory of the caller's, so that it
 * keeps nothing between or during runs.
 */
struct onednn_kernel {
    struct kernel base;
    dnnl_engine_t engine; /* the device's */
    dnnl_primitive_t primitive;
    int argument_count;
    struct argument *arguments;
};

/* A kernel in the making. What it owns is destroyed by whoever called the operator's function. */
struct onednn_build {
    const struct kernel_request *request;
    struct onednn_kernel *kernel;
    dnnl_primitive_attr_t attr; /* user scratchpad and the request's post-ops */
    struct primitive_env env;   /* with attr */
    dnnl_primitive_desc_t pd;
    cop_error *error;
};

/* Translates what a call of oneDNN answered; OK for success. */
cop_status cop_onednn_status(cop_error *error, const char *name, const char *call,
                             dnnl_status_t status);

/* Returns from the calling function unless the call succeeded. */
#define ONEDNN_TRY(build, call)                                                                    \
    do {                                                                                           \
        const cop_status tried_ =                                                                  \
            cop_onednn_status((build)->error, (build)->request->name, #call, (call));              \
        if (tried_ != COP_STATUS_OK)                                                               \
            return tried_;                                                                         \
    } while (0)

/* UNSUPPORTED with the reason; the next backend is asked then. */
cop_status cop_onednn_lacks(const struct onednn_build *build, const char *what);

/* Whether the operator's optional source is there: a SUM post-op's source is none of its own. */
bool cop_onednn_has_src(const struct onednn_build *build, int index);

/* Elements as they come from the producer: its format where it has these dimensions, else plain. */
cop_status cop_onednn_src_desc(const struct onednn_build *build, int index,
                               struct tensor_desc *desc);

/* The shape of a tensor as oneDNN wants it: a scalar has one dimension. */
cop_status cop_onednn_plain_desc(const struct onednn_build *build, const struct shape *shape,
                                 struct tensor_desc *desc);
cop_status cop_onednn_any_desc(const struct onednn_build *build, const struct shape *shape,
                               struct tensor_desc *desc);

/* Says that source or result `index` is the primitive's argument `role`, in the format `desc`. */
cop_status cop_onednn_bind_src(struct onednn_build *build, int index, int role,
                               const struct tensor_desc *desc);
cop_status cop_onednn_bind_dst(struct onednn_build *build, int index, int role,
                               const struct tensor_desc *desc);

/* For a source that lies plain and is only read in another order of dimensions. */
void cop_onednn_bind_plain_src(struct onednn_build *build, int index, int role,
                               const struct tensor_desc *desc);

/* The same with the format that the primitive descriptor says. */
cop_status cop_onednn_bind_src_as(struct onednn_build *build, int index, int role,
                                  dnnl_query_t what);
cop_status cop_onednn_bind_dst_as(struct onednn_build *build, int index, int role,
                                  dnnl_query_t what);

/* Result 0 may lie on source `index` when their formats are the same. */
void cop_onednn_allow_in_place(struct onednn_build *build, int index);

/* One or two element-wise steps that together are a unary operator. */
struct eltwise_step {
    dnnl_alg_kind_t alg;
    float alpha, beta;
};
/* How many of `steps` it takes; 0: oneDNN lacks it. */
int cop_onednn_eltwise_steps(const struct unary_attrs *attrs, struct eltwise_step steps[2]);

/*
 * Puts `pd` (may be NULL) in the place of build->pd if the same implementation runs it, else
 * destroys it. True: it is taken.
 */
bool cop_onednn_take_if_same(struct onednn_build *build, dnnl_primitive_desc_t pd);

const char *cop_onednn_implementation(const_dnnl_primitive_desc_t pd);

/* Describes the primitive: sets build->pd and binds its arguments. */
typedef cop_status onednn_operator(struct onednn_build *build);
onednn_operator cop_onednn_convolution, cop_onednn_fully_connected, cop_onednn_gemm,
    cop_onednn_matmul, cop_onednn_pooling, cop_onednn_batch_normalization, cop_onednn_lrn,
    cop_onednn_softmax, cop_onednn_unary, cop_onednn_binary, cop_onednn_prelu, cop_onednn_reduce,
    cop_onednn_concat;

/* Makes a kernel of what `describe` describes. */
cop_status cop_onednn_build_kernel(struct device *device, const struct kernel_request *request,
                                   onednn_operator *describe, struct kernel **kernel,
                                   cop_error *error);

/* What one context needs for the kernel (onednn_state.c), as near as known. */
size_t cop_onednn_state_bytes(const struct onednn_kernel *kernel);

/* The members of the backend's table (backend.h says what they are). */
cop_status cop_onednn_kernel_create(struct device *device, const struct kernel_request *request,
                                    struct kernel **kernel, cop_error *error);
cop_status cop_onednn_reorder_create(struct device *device, cop_dtype dtype,
                                     const struct shape *shape, const struct layout *src,
                                     const struct layout *dst, int intra_op_threads,
                                     struct kernel **kernel, cop_error *error);
void cop_onednn_kernel_destroy(struct kernel *kernel);
cop_status cop_onednn_kernel_run(const struct kernel *kernel, struct stream *stream, void *state,
                                 const struct kernel_args *args, cop_error *error);
cop_status cop_onednn_state_create(const struct kernel *kernel, struct stream *stream, void **state,
                                   cop_error *error);
void cop_onednn_state_destroy(const struct kernel *kernel, void *state);

#endif
