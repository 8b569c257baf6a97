// SPDX-License-Identifier: Apache-2.0
/* FullyConnected, Gemm and MatMul: the product that each is, which kernel it gets, and our own. */
#include "backends/cuda/products/cuda_product.h"

#include <limits.h>
#include <stdio.h>

#include "backends/cuda/cuda_libraries.h"
#include "backends/cuda/products/cuda_math.h"
#include "base/error.h"

double cop_cuda_product_flops(const struct product_sizes *sizes)
{
    return 2.0 * (double)(sizes->outer * sizes->inner) * (double)sizes->m * (double)sizes->n *
           (double)sizes->k;
}

cop_status cop_cuda_product_operands(struct cuda_build *build, const struct product_sizes *sizes,
                                     bool in_place)
{
    cop_status status = cop_cuda_take_ordered(build, 0, COP_CUDA_ROW_MAJOR);
    if (status == COP_STATUS_OK && sizes->added >= 0)
        status = cop_cuda_take_ordered(build, sizes->added, COP_CUDA_ROW_MAJOR);
    if (status == COP_STATUS_OK)
        status = cop_cuda_give_ordered(build, 0, COP_CUDA_ROW_MAJOR);
    if (in_place && sizes->added >= 0)
        build->kernel->base.in_place_srcs |= UINT32_C(1) << sizes->added;
    return status;
}

/* --- The tiled kernel ------------------------------------------------------------------------- */

struct tiled_product {
    struct cuda_kernel base;
    struct product_sizes sizes;
    struct cop_cuda_matrix_product launch;
    struct cop_cuda_product_choice choice;
};

static cop_status run_tiled(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                            void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct tiled_product *self = (const struct tiled_product *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_matrix_product(&self->launch, &self->choice, args->src[0], args->src[1],
                                     cop_cuda_address(args, self->sizes.bias),
                                     cop_cuda_address(args, self->sizes.added), args->dst[0],
                                     args->scratch, stream->stream),
             error);
    return COP_STATUS_OK;
}

/* A weight becomes [n, k in whole chunks], whichever way it lies in the file. */
static cop_status take_packed(struct cuda_build *build, const struct product_sizes *sizes,
                              enum cop_cuda_math math)
{
    const int64_t chunk = cop_cuda_chunk(math);
    const struct cuda_arrangement packed = {
        .stored = cop_cuda_stored(build->request),
        .order = COP_CUDA_NHWC,
        .n = sizes->trans_b ? sizes->n : 1,
        .channels = sizes->k,
        .plane = sizes->trans_b ? 1 : sizes->n,
        .padded_channels = (sizes->k + chunk - 1) / chunk * chunk,
        .is_tf32 = math == COP_CUDA_MATH_TF32,
    };
    return cop_cuda_take(build, 1, &packed);
}

static bool are_ints(const struct product_sizes *sizes)
{
    return sizes->m <= INT_MAX && sizes->n <= INT_MAX && sizes->k <= INT_MAX &&
           sizes->outer <= INT_MAX && sizes->inner <= INT_MAX &&
           sizes->outer * sizes->inner <= INT_MAX;
}

cop_status cop_cuda_tiled_product(struct cuda_build *build, const struct product_sizes *sizes)
{
    const struct cop_cuda_device device = cop_cuda_product_device(build->device);
    struct cop_cuda_product_choice choice = {0};
    struct cop_cuda_matrix_product launch = {
        .math = cop_cuda_math(build),
        .m = (int)sizes->m,
        .n = (int)sizes->n,
        .k = (int)sizes->k,
        .trans_a = sizes->trans_a,
        .trans_b = !sizes->trans_b && !sizes->b_is_weight,
        .packed_b = sizes->b_is_weight,
        .outer = (int)sizes->outer,
        .inner = (int)sizes->inner,
        .a_outer = sizes->a_outer,
        .a_inner = sizes->a_inner,
        .b_outer = sizes->b_outer,
        .b_inner = sizes->b_inner,
    };
    cop_cuda_post_ops(build->request->post_ops, &launch.post_ops);
    if (!are_ints(sizes) || !cop_cuda_matrix_product_choose(&launch, &device, &choice))
        return cop_cuda_refuse(build, "a product of this size");
    char name[64];
    snprintf(name, sizeof name, "product:%s:%dx%d%s", cop_cuda_math_name(launch.math),
             cop_cuda_tiles[choice.tile].rows, cop_cuda_tiles[choice.tile].columns,
             choice.splits > 1 ? ":split" : "");
    cop_status status = cop_cuda_kernel_new(build, sizeof(struct tiled_product), run_tiled, name);
    if (status != COP_STATUS_OK)
        return status;
    struct tiled_product *self = (struct tiled_product *)build->kernel;
    self->sizes = *sizes;
    self->launch = launch;
    self->choice = choice;
    self->base.base.scratch_bytes = choice.workspace_bytes;
    self->base.base.estimated_ns = choice.estimated_ns;
    CUDA_TRY(build->device, cop_cuda_matrix_product_prepare(&launch, &choice), build->error);
    status = cop_cuda_product_operands(build, sizes, true);
    if (status == COP_STATUS_OK)
        status = sizes->b_is_weight ? take_packed(build, sizes, launch.math)
                                    : cop_cuda_take_ordered(build, 1, COP_CUDA_ROW_MAJOR);
    return status == COP_STATUS_OK && sizes->bias >= 0 ? cop_cuda_take_as_is(build, sizes->bias)
                                                       : status;
}

/* --- Few rows --------------------------------------------------------------------------------- */

struct few_rows {
    struct cuda_kernel base;
    struct product_sizes sizes;
    struct cop_cuda_matrix_vector launch;
};

static cop_status run_few_rows(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                               void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct few_rows *self = (const struct few_rows *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_matrix_vector(&self->launch, args->src[0], args->src[1],
                                    cop_cuda_address(args, self->sizes.bias),
                                    cop_cuda_address(args, self->sizes.added), args->dst[0],
                                    stream->stream),
             error);
    return COP_STATUS_OK;
}

cop_status cop_cuda_few_rows(struct cuda_build *build, const struct product_sizes *sizes)
{
    const bool needs_transpose = !sizes->trans_b && !sizes->b_is_weight;
    if (sizes->m > COP_CUDA_MATRIX_VECTOR_MAX_M || sizes->outer * sizes->inner != 1 ||
        sizes->trans_a || needs_transpose)
        return cop_cuda_refuse(build, "more than a few rows");
    cop_status status =
        cop_cuda_kernel_new(build, sizeof(struct few_rows), run_few_rows, "matrix_vector");
    if (status != COP_STATUS_OK)
        return status;
    struct few_rows *self = (struct few_rows *)build->kernel;
    self->sizes = *sizes;
    self->launch = (struct cop_cuda_matrix_vector){
        .type = cop_cuda_type(build->request),
        .m = sizes->m,
        .n = sizes->n,
        .k = sizes->k,
    };
    cop_cuda_post_ops(build->request->post_ops, &self->launch.post_ops);
    const struct cuda_arrangement weights = {
        .stored = cop_cuda_stored(build->request),
        .order = COP_CUDA_NHWC,
        .n = sizes->trans_b ? sizes->n : 1,
        .channels = sizes->k,
        .plane = sizes->trans_b ? 1 : sizes->n,
    };
    status = cop_cuda_product_operands(build, sizes, true);
    if (status == COP_STATUS_OK)
        status = cop_cuda_take(build, 1, &weights);
    if (status == COP_STATUS_OK && sizes->bias >= 0)
        status = cop_cuda_take_as_is(build, sizes->bias);
    self->base.base.estimated_ns = cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build),
                                                     cop_cuda_product_flops(sizes));
    return status;
}

/* --- The choice ------------------------------------------------------------------------------- */

/* Own kernels take over where cuBLASLt has none, or breaks down and nobody insisted on it. */
static cop_status try_cublaslt(struct cuda_build *build, const struct product_sizes *sizes)
{
    cop_status status = cop_cuda_want_cublaslt(build->request, build->error);
    if (status != COP_STATUS_OK)
        return status;
    cop_error own;
    status = cop_cuda_cublaslt_kernel(build, sizes, &own);
    return status == COP_STATUS_OK ? status
                                   : cop_cuda_fall_back(build->request, status, &own, build->error);
}

static cop_status choose(struct cuda_build *build, const struct product_sizes *sizes)
{
    if (sizes->m == 0 || sizes->n == 0 || sizes->k == 0)
        return cop_cuda_refuse(build, "a product over nothing");
    cop_status status = COP_STATUS_UNSUPPORTED;
    if (build->request->gpu_kernels != COP_GPU_KERNELS_LIBRARY)
        status = cop_cuda_few_rows(build, sizes);
    if (status == COP_STATUS_UNSUPPORTED)
        status = try_cublaslt(build, sizes);
    if (status == COP_STATUS_UNSUPPORTED)
        status = cop_cuda_tiled_product(build, sizes);
    return status;
}

/* The index of an optional source; −1: it is absent. */
static int optional_src(const struct kernel_request *request, int index)
{
    const int own = request->src_count - (cop_cuda_added_src(request) >= 0 ? 1 : 0);
    return index < own && request->src[index].is_present ? index : -1;
}

cop_status cop_cuda_fully_connected_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct shape *dst = &request->dst[0].shape;
    if (!cop_cuda_is_all_float(request))
        return cop_cuda_refuse(build, "products are of float32");
    const struct product_sizes sizes = {
        .m = cop_shape_product(dst, 0, dst->rank - 1),
        .n = request->src[1].shape.dims[0],
        .k = request->src[1].shape.dims[1],
        .trans_b = true,
        .outer = 1,
        .inner = 1,
        .bias = optional_src(request, 2),
        .added = cop_cuda_added_src(request),
        .b_is_weight = request->src[1].is_weight,
    };
    return choose(build, &sizes);
}

/* c is a row that is added to each of dst's. */
static bool is_row(const struct shape *c, int64_t n)
{
    return (c->rank == 1 && c->dims[0] == n) ||
           (c->rank == 2 && c->dims[0] == 1 && c->dims[1] == n);
}

cop_status cop_cuda_gemm_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct gemm_attrs *attrs = request->attrs;
    const struct shape *dst = &request->dst[0].shape;
    const int c = optional_src(request, 2);
    const bool is_plain =
        attrs->alpha == 1 &&
        (c < 0 || (attrs->beta == 1 && is_row(&request->src[c].shape, dst->dims[1])));
    if (!cop_cuda_is_all_float(request) || !is_plain)
        return cop_cuda_refuse(build, "Gemm with factors, or an addend that is no row");
    const struct product_sizes sizes = {
        .m = dst->dims[0],
        .n = dst->dims[1],
        .k = request->src[0].shape.dims[attrs->trans_a ? 0 : 1],
        .trans_a = attrs->trans_a,
        .trans_b = attrs->trans_b,
        .outer = 1,
        .inner = 1,
        .bias = c,
        .added = cop_cuda_added_src(request),
        .b_is_weight = request->src[1].is_weight,
    };
    return choose(build, &sizes);
}

/*
 * The batch dimensions of a side as two steps, of an outer and an inner run of matrices: each run
 * is either walked densely or repeated. False: it takes more.
 */
static bool find_steps(const struct shape *side, const struct shape *dst, int split, int64_t matrix,
                       int64_t *outer, int64_t *inner)
{
    const int batch = dst->rank - 2, missing = dst->rank - side->rank;
    int64_t elements[2] = {1, 1};
    for (int run = 0; run < 2; run++) {
        const int begin = run == 0 ? 0 : split, end = run == 0 ? split : batch;
        int64_t want = 1, have = 1;
        for (int i = begin; i < end; i++) {
            want *= dst->dims[i];
            have *= i >= missing ? side->dims[i - missing] : 1;
        }
        if (have != want && have != 1)
            return false;
        elements[run] = have;
    }
    *inner = elements[1] > 1 ? matrix : 0;
    *outer = elements[0] > 1 ? elements[1] * matrix : 0;
    return true;
}

static bool find_batches(const struct kernel_request *request, struct product_sizes *sizes)
{
    const struct shape *a = &request->src[0].shape, *b = &request->src[1].shape;
    const struct shape *dst = &request->dst[0].shape;
    for (int split = 0; split <= dst->rank - 2; split++) {
        if (!find_steps(a, dst, split, sizes->m * sizes->k, &sizes->a_outer, &sizes->a_inner) ||
            !find_steps(b, dst, split, sizes->k * sizes->n, &sizes->b_outer, &sizes->b_inner))
            continue;
        sizes->outer = cop_shape_product(dst, 0, split);
        sizes->inner = cop_shape_product(dst, split, dst->rank - 2);
        return true;
    }
    return false;
}

/* Where one matrix serves all of a's, they are one with more rows. */
static void join_rows(struct product_sizes *sizes)
{
    const int64_t batches = sizes->outer * sizes->inner;
    const bool is_dense = sizes->outer == 1 ? sizes->a_inner != 0 || sizes->inner == 1
                                            : sizes->a_outer == sizes->inner * sizes->m * sizes->k;
    if (sizes->b_outer != 0 || sizes->b_inner != 0 || sizes->trans_a || !is_dense)
        return;
    sizes->m *= batches;
    sizes->outer = sizes->inner = 1;
    sizes->a_outer = sizes->a_inner = 0;
}

cop_status cop_cuda_matmul_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct matmul_attrs *attrs = request->attrs;
    const struct shape *a = &request->src[0].shape, *b = &request->src[1].shape;
    if (!cop_cuda_is_all_float(request) || a->rank < 2 || b->rank < 2)
        return cop_cuda_refuse(build, "products are of float32 matrices");
    struct product_sizes sizes = {
        .m = a->dims[a->rank - (attrs->trans_a ? 1 : 2)],
        .n = b->dims[b->rank - (attrs->trans_b ? 2 : 1)],
        .k = a->dims[a->rank - (attrs->trans_a ? 2 : 1)],
        .trans_a = attrs->trans_a,
        .trans_b = attrs->trans_b,
        .bias = -1,
        .added = cop_cuda_added_src(request),
    };
    if (!find_batches(request, &sizes))
        return cop_cuda_refuse(build, "batches that are broadcast in more than two runs");
    join_rows(&sizes);
    sizes.b_is_weight = request->src[1].is_weight && sizes.outer * sizes.inner == 1 &&
                        cop_shape_product(b, 0, b->rank - 2) == 1;
    return choose(build, &sizes);
}
