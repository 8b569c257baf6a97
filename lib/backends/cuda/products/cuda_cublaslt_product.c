// SPDX-License-Identifier: Apache-2.0
/* Products by cuBLASLt, with a bias and relu fused; further post-ops run behind it, in place. */
#include <stdio.h>

#include "backends/cuda/cuda_libraries.h"
#include "backends/cuda/products/cuda_math.h"
#include "backends/cuda/products/cuda_product.h"
#include "backends/cuda/products/cuda_rest.h"
#include "base/alloc.h"
#include "base/error.h"

struct cublaslt_kernel {
    struct cuda_kernel base;
    struct product_sizes sizes;
    struct cublaslt_choice choice;
    struct cop_cuda_elementwise rest; /* no ops: nothing is left */
};

static cop_status create_execution(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                                   void **state, cop_error *error)
{
    const struct cublaslt_kernel *self = (const struct cublaslt_kernel *)kernel;
    struct cublaslt_session *session = NULL;
    struct cublaslt_execution *execution = NULL;
    cop_status status = cop_cuda_stream_cublaslt(stream, &session, error);
    if (status == COP_STATUS_OK)
        status = cop_cublaslt_execution_create(session, &self->choice, &execution, error);
    *state = execution;
    return status;
}

static void destroy_execution(const struct cuda_kernel *kernel, void *state)
{
    if (cop_cuda_is_ours(kernel->device))
        cop_cublaslt_execution_destroy(state);
}

static cop_status run_cublaslt(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                               void *state, const struct kernel_args *args, cop_error *error)
{
    const struct cublaslt_kernel *self = (const struct cublaslt_kernel *)kernel;
    const struct cublaslt_pointers pointers = {
        .a = args->src[0],
        .b = args->src[1],
        .bias = cop_cuda_address(args, self->sizes.bias),
        .d = args->dst[0],
        .workspace = self->choice.workspace_bytes == 0 ? NULL : cop_cuda_workspace(args->scratch),
    };
    COP_TRY(cop_cublaslt_execution_run(state, &pointers, stream->stream, error));
    return cop_cuda_run_rest(kernel->device, &self->rest, stream->stream,
                             cop_cuda_address(args, self->sizes.added), args->dst[0], error);
}

static struct cublaslt_product describe(const struct kernel_request *request,
                                        const struct product_sizes *sizes)
{
    static const enum cop_cublaslt_type types[] = {
        [COP_CUDA_F32] = COP_CUBLASLT_F32,
        [COP_CUDA_F16] = COP_CUBLASLT_F16,
        [COP_CUDA_BF16] = COP_CUBLASLT_BF16,
    };
    const bool is_outer = sizes->outer > 1;
    const struct post_ops *post_ops = request->post_ops;
    const bool has_relu = post_ops->count > 0 && post_ops->entries[0].kind == POST_OP_UNARY &&
                          post_ops->entries[0].unary.alg == UNARY_RELU;
    return (struct cublaslt_product){
        .type = types[cop_cuda_type(request)],
        .allows_tf32 = request->precision == COP_PRECISION_TF32,
        .trans_a = sizes->trans_a,
        .trans_b = sizes->trans_b,
        .has_bias = sizes->bias >= 0,
        .activation = has_relu ? COP_CUBLASLT_RELU : COP_CUBLASLT_NONE,
        .alpha = 1,
        .m = sizes->m,
        .n = sizes->n,
        .k = sizes->k,
        .lda = sizes->trans_a ? sizes->m : sizes->k,
        .ldb = sizes->trans_b ? sizes->k : sizes->n,
        .ldd = sizes->n,
        .batch = sizes->outer * sizes->inner,
        .stride_a = is_outer ? sizes->a_outer : sizes->a_inner,
        .stride_b = is_outer ? sizes->b_outer : sizes->b_inner,
        .stride_d = sizes->m * sizes->n,
        .alignment = COP_ALIGNMENT,
    };
}

static cop_status choose(struct cuda_build *build, const struct cublaslt_product *product,
                         struct cublaslt_choice *choice, cop_error *error)
{
    struct cublaslt_session *session = NULL;
    cop_status status = cop_cuda_planning_begin(build->device, NULL, &session, error);
    if (status != COP_STATUS_OK)
        return status;
    status = cop_cublaslt_choose(session, product, COP_CUBLASLT_WORKSPACE_BYTES, choice, error);
    cop_cuda_planning_end(build->device);
    return status;
}

static cop_status describe_operands(struct cuda_build *build, const struct product_sizes *sizes)
{
    const struct cuda_arrangement linear = {
        .stored = cop_cuda_stored(build->request),
        .order = COP_CUDA_ROW_MAJOR,
    };
    cop_status status = cop_cuda_product_operands(build, sizes, false);
    if (status == COP_STATUS_OK)
        status = cop_cuda_take(build, 1, &linear);
    if (status == COP_STATUS_OK && sizes->bias >= 0)
        status = cop_cuda_take(build, sizes->bias, &linear);
    return status;
}

static cop_status make(struct cuda_build *build, const struct product_sizes *sizes,
                       const struct cublaslt_choice *choice)
{
    const struct post_ops *post_ops = build->request->post_ops;
    const int fused = choice->product.activation == COP_CUBLASLT_RELU ? 1 : 0;
    char name[128];
    snprintf(name, sizeof name, "%s%s", choice->name, fused < post_ops->count ? "+own" : "");
    cop_status status =
        cop_cuda_kernel_new(build, sizeof(struct cublaslt_kernel), run_cublaslt, name);
    if (status != COP_STATUS_OK)
        return status;
    struct cublaslt_kernel *self = (struct cublaslt_kernel *)build->kernel;
    self->base.state_create = create_execution;
    self->base.state_destroy = destroy_execution;
    self->sizes = *sizes;
    self->choice = *choice;
    self->base.base.scratch_bytes = cop_cuda_workspace_bytes(choice->workspace_bytes);
    self->rest = cop_cuda_rest(build->request, fused);
    status = describe_operands(build, sizes);
    self->base.base.estimated_ns = cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build),
                                                     cop_cuda_product_flops(sizes));
    return status;
}

cop_status cop_cuda_cublaslt_kernel(struct cuda_build *build, const struct product_sizes *sizes,
                                    cop_error *error)
{
    if (sizes->outer > 1 && sizes->inner > 1)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "cuBLASLt has one batch dimension");
    const struct cublaslt_product product = describe(build->request, sizes);
    struct cublaslt_choice choice;
    cop_status status = choose(build, &product, &choice, error);
    if (status != COP_STATUS_OK)
        return status;
    cop_error *outer = build->error;
    build->error = error;
    status = make(build, sizes, &choice);
    build->error = outer;
    if (status != COP_STATUS_OK && build->kernel != NULL) {
        cop_cuda_kernel_destroy(&build->kernel->base);
        build->kernel = NULL;
    }
    return status;
}
