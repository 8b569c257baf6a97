// SPDX-License-Identifier: Apache-2.0
#include "backends/onednn/onednn_kernel.h"

#include <string.h>

#include "backends/onednn/onednn_device.h"
#include "base/alloc.h"
#include "base/error.h"

static const char *status_name(dnnl_status_t status)
{
    switch (status) {
    case dnnl_success:
        return "success";
    case dnnl_out_of_memory:
        return "out of memory";
    case dnnl_invalid_arguments:
        return "invalid arguments";
    case dnnl_unimplemented:
        return "not implemented";
    case dnnl_iterator_ends:
        return "no such implementation";
    case dnnl_runtime_error:
        return "runtime error";
    case dnnl_not_required:
        return "not required";
    }
    return "unknown status";
}

/* The name of the function in the text of a call. */
static int callee_length(const char *call)
{
    return (int)strcspn(call, "(");
}

cop_status cop_onednn_status(cop_error *error, const char *name, const char *call,
                             dnnl_status_t status)
{
    cop_status ours = COP_STATUS_INTERNAL;
    switch (status) {
    case dnnl_success:
        return COP_STATUS_OK;
    case dnnl_out_of_memory:
        ours = COP_STATUS_OUT_OF_MEMORY;
        break;
    /* Arguments come from checked nodes: what oneDNN does not take, another backend may. */
    case dnnl_invalid_arguments:
    case dnnl_unimplemented:
    case dnnl_iterator_ends:
        ours = COP_STATUS_UNSUPPORTED;
        break;
    default:
        break;
    }
    return cop_fail(error, ours, "node '%s': %.*s: %s", name, callee_length(call), call,
                    status_name(status));
}

cop_status cop_onednn_lacks(const struct onednn_build *build, const char *what)
{
    return cop_fail(build->error, COP_STATUS_UNSUPPORTED, "node '%s': oneDNN: %s",
                    build->request->name, what);
}

const char *cop_onednn_implementation(const_dnnl_primitive_desc_t pd)
{
    const char *name = NULL;
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name) != dnnl_success)
        return "unknown";
    return name;
}

bool cop_onednn_take_if_same(struct onednn_build *build, dnnl_primitive_desc_t pd)
{
    if (pd == NULL)
        return false;
    const bool is_same =
        strcmp(cop_onednn_implementation(pd), cop_onednn_implementation(build->pd)) == 0;
    dnnl_primitive_desc_destroy(is_same ? build->pd : pd);
    if (is_same)
        build->pd = pd;
    return is_same;
}

bool cop_onednn_has_src(const struct onednn_build *build, int index)
{
    const struct kernel_request *request = build->request;
    const int own_count = request->src_count - (cop_post_ops_has_sum(request->post_ops) ? 1 : 0);
    return index < own_count && request->src[index].is_present;
}

static struct shape at_least_rank_1(const struct shape *shape)
{
    return shape->rank > 0 ? *shape : cop_shape_of(1, (const int64_t[]){1});
}

cop_status cop_onednn_plain_desc(const struct onednn_build *build, const struct shape *shape,
                                 struct tensor_desc *desc)
{
    const struct shape used = at_least_rank_1(shape);
    ONEDNN_TRY(build, cop_onednn_desc_strided(desc, used.rank, used.dims, dnnl_f32, NULL));
    return COP_STATUS_OK;
}

cop_status cop_onednn_any_desc(const struct onednn_build *build, const struct shape *shape,
                               struct tensor_desc *desc)
{
    const struct shape used = at_least_rank_1(shape);
    ONEDNN_TRY(build, cop_onednn_desc_any(desc, used.rank, used.dims, dnnl_f32));
    return COP_STATUS_OK;
}

/* Whether the layout's format is one of a tensor with just these dimensions. */
static bool has_dims(const struct layout *layout, const struct shape *shape)
{
    struct blocking format;
    if (layout == NULL || layout->backend != cop_onednn_backend)
        return false;
    cop_onednn_desc_blocking(cop_onednn_layout_desc(layout), &format);
    return format.is_blocked && format.rank == shape->rank &&
           memcmp(format.dims, shape->dims, (size_t)shape->rank * sizeof *shape->dims) == 0;
}

cop_status cop_onednn_src_desc(const struct onednn_build *build, int index,
                               struct tensor_desc *desc)
{
    const struct kernel_tensor *src = &build->request->src[index];
    if (!has_dims(src->layout, &src->shape))
        return cop_onednn_plain_desc(build, &src->shape, desc);
    *desc = *cop_onednn_layout_desc(src->layout);
    return COP_STATUS_OK;
}

static void add_argument(struct onednn_kernel *kernel, int role, enum argument_place place,
                         int index, const struct tensor_desc *desc)
{
    kernel->arguments[kernel->argument_count++] =
        (struct argument){.role = role, .place = place, .index = index, .desc = *desc};
}

cop_status cop_onednn_bind_src(struct onednn_build *build, int index, int role,
                               const struct tensor_desc *desc)
{
    struct onednn_kernel *kernel = build->kernel;
    add_argument(kernel, role, ARGUMENT_SRC, index, desc);
    cop_layout_release(&kernel->base.src_layouts[index]);
    return cop_onednn_layout_create(desc, build->request->src[index].is_weight,
                                    &kernel->base.src_layouts[index], build->error);
}

void cop_onednn_bind_plain_src(struct onednn_build *build, int index, int role,
                               const struct tensor_desc *desc)
{
    add_argument(build->kernel, role, ARGUMENT_SRC, index, desc);
}

cop_status cop_onednn_bind_dst(struct onednn_build *build, int index, int role,
                               const struct tensor_desc *desc)
{
    struct onednn_kernel *kernel = build->kernel;
    add_argument(kernel, role, ARGUMENT_DST, index, desc);
    return cop_onednn_layout_create(desc, false, &kernel->base.dst_layouts[index], build->error);
}

cop_status cop_onednn_bind_src_as(struct onednn_build *build, int index, int role,
                                  dnnl_query_t what)
{
    struct tensor_desc desc;
    cop_onednn_pd_desc(build->pd, what, 0, &desc);
    return cop_onednn_bind_src(build, index, role, &desc);
}

cop_status cop_onednn_bind_dst_as(struct onednn_build *build, int index, int role,
                                  dnnl_query_t what)
{
    struct tensor_desc desc;
    cop_onednn_pd_desc(build->pd, what, 0, &desc);
    return cop_onednn_bind_dst(build, index, role, &desc);
}

void cop_onednn_allow_in_place(struct onednn_build *build, int index)
{
    const struct kernel *kernel = &build->kernel->base;
    if (index < 32 && cop_layout_equal(kernel->src_layouts[index], kernel->dst_layouts[0]))
        build->kernel->base.in_place_srcs |= UINT32_C(1) << index;
}

/* oneDNN 2.6 gives a second use of a function the numbers of the first, so `used` notes them. */
static dnnl_status_t append_post_op(dnnl_post_ops_t post_ops, const struct post_op *post_op,
                                    dnnl_alg_kind_t used[], int *used_count)
{
    if (post_op->kind == POST_OP_SUM)
        return cop_onednn_append_sum(post_ops);
    struct eltwise_step steps[2];
    const int count = cop_onednn_eltwise_steps(&post_op->unary, steps);
    dnnl_status_t status = count == 0 ? dnnl_unimplemented : dnnl_success;
    for (int i = 0; i < count && status == dnnl_success; i++) {
        for (int k = 0; k < *used_count; k++)
            if (used[k] == steps[i].alg)
                return dnnl_unimplemented;
        used[(*used_count)++] = steps[i].alg;
        status = cop_onednn_append_eltwise(post_ops, steps[i].alg, steps[i].alpha, steps[i].beta);
    }
    return status;
}

static dnnl_status_t set_post_ops(dnnl_primitive_attr_t attr, const struct post_ops *wanted)
{
    dnnl_post_ops_t post_ops = NULL;
    dnnl_alg_kind_t used[2 * COP_MAX_POST_OPS];
    int used_count = 0;
    dnnl_status_t status = dnnl_post_ops_create(&post_ops);
    for (int i = 0; i < wanted->count && status == dnnl_success; i++)
        status = append_post_op(post_ops, &wanted->entries[i], used, &used_count);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(attr, post_ops); /* which copies */
    dnnl_post_ops_destroy(post_ops);
    return status;
}

/* The sum's source is the memory that the result is written to. */
static cop_status bind_sum(struct onednn_build *build)
{
    struct kernel *kernel = &build->kernel->base;
    if (!cop_post_ops_has_sum(build->request->post_ops))
        return COP_STATUS_OK;
    kernel->accumulates_src = kernel->src_count - 1;
    kernel->src_layouts[kernel->src_count - 1] = cop_layout_retain(kernel->dst_layouts[0]);
    return COP_STATUS_OK;
}

/* Makes the primitive that build->pd describes. */
static cop_status finish(struct onednn_build *build)
{
    struct onednn_kernel *kernel = build->kernel;
    const_dnnl_primitive_desc_t kept = NULL;
    struct tensor_desc scratch;
    ONEDNN_TRY(build, dnnl_primitive_create(&kernel->primitive, build->pd));
    ONEDNN_TRY(build, dnnl_primitive_get_primitive_desc(kernel->primitive, &kept));
    cop_onednn_pd_desc(kept, dnnl_query_scratchpad_md, 0, &scratch);
    kernel->base.scratch_bytes = cop_onednn_desc_bytes(&scratch);
    if (kernel->base.scratch_bytes > 0)
        add_argument(kernel, DNNL_ARG_SCRATCHPAD, ARGUMENT_SCRATCH, 0, &scratch);
    kernel->base.implementation = cop_onednn_implementation(kept);
    COP_TRY(bind_sum(build));
    kernel->base.state_bytes = cop_onednn_state_bytes(kernel);
    kernel->base.object_bytes =
        sizeof *kernel + (size_t)kernel->argument_count * sizeof *kernel->arguments;
    return COP_STATUS_OK;
}

/* float32 throughout but for the axes of a reduction, and no empty tensor. */
static cop_status check_tensors(const struct onednn_build *build, int count,
                                const struct kernel_tensor *tensors)
{
    for (int i = 0; i < count; i++) {
        const struct kernel_tensor *tensor = &tensors[i];
        int64_t elements = 0;
        if (!tensor->is_present)
            continue;
        if (!cop_shape_elements(&tensor->shape, &elements) || elements == 0)
            return cop_onednn_lacks(build, "a tensor without elements");
        if (tensor->dtype != COP_DTYPE_FLOAT32 && build->request->kind != OP_REDUCE)
            return cop_onednn_lacks(build, "an element type other than float32");
    }
    return COP_STATUS_OK;
}

static onednn_operator *const operators[OP_KIND_COUNT] = {
    [OP_CONVOLUTION] = cop_onednn_convolution,
    [OP_FULLY_CONNECTED] = cop_onednn_fully_connected,
    [OP_GEMM] = cop_onednn_gemm,
    [OP_MATMUL] = cop_onednn_matmul,
    [OP_POOLING] = cop_onednn_pooling,
    [OP_BATCH_NORMALIZATION] = cop_onednn_batch_normalization,
    [OP_LRN] = cop_onednn_lrn,
    [OP_SOFTMAX] = cop_onednn_softmax,
    [OP_UNARY] = cop_onednn_unary,
    [OP_BINARY] = cop_onednn_binary,
    [OP_PRELU] = cop_onednn_prelu,
    [OP_REDUCE] = cop_onednn_reduce,
    [OP_CONCAT] = cop_onednn_concat,
};

static cop_status describe_operator(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    COP_TRY(check_tensors(build, request->src_count, request->src));
    COP_TRY(check_tensors(build, request->dst_count, request->dst));
    return operators[request->kind](build);
}

static cop_status allocate(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    struct onednn_kernel *kernel = build->kernel;
    COP_TRY(cop_kernel_init(&kernel->base, cop_onednn_backend, request->src_count,
                            request->dst_count, build->error));
    const size_t capacity = (size_t)request->src_count + (size_t)request->dst_count + 1;
    kernel->arguments = cop_alloc(capacity, sizeof *kernel->arguments);
    if (kernel->arguments == NULL)
        return cop_fail_memory(build->error, "kernel", capacity * sizeof *kernel->arguments);
    return COP_STATUS_OK;
}

/* Products by oneDNN's plainest loops: another backend is no slower, and often much faster. */
static cop_status refuse_slow(const struct onednn_build *build)
{
    const enum op_kind kind = build->request->kind;
    const bool is_product = kind == OP_CONVOLUTION || kind == OP_FULLY_CONNECTED ||
                            kind == OP_GEMM || kind == OP_MATMUL;
    return is_product && strncmp(cop_onednn_implementation(build->pd), "ref", 3) == 0
               ? cop_onednn_lacks(build, "no fast implementation")
               : COP_STATUS_OK;
}

static cop_status make(struct onednn_build *build, onednn_operator *describe)
{
    COP_TRY(allocate(build));
    ONEDNN_TRY(build, dnnl_primitive_attr_create(&build->attr));
    ONEDNN_TRY(build,
               dnnl_primitive_attr_set_scratchpad_mode(build->attr, dnnl_scratchpad_mode_user));
    if (build->request->post_ops->count > 0)
        ONEDNN_TRY(build, set_post_ops(build->attr, build->request->post_ops));
    build->env = (struct primitive_env){build->kernel->engine, build->attr};
    COP_TRY(describe(build));
    COP_TRY(refuse_slow(build));
    return finish(build);
}

cop_status cop_onednn_build_kernel(struct device *device, const struct kernel_request *request,
                                   onednn_operator *describe, struct kernel **kernel,
                                   cop_error *error)
{
    *kernel = NULL;
    struct onednn_kernel *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, request->name, sizeof *made);
    made->engine = ((struct onednn_device *)device)->engine;
    struct onednn_build build = {.request = request, .kernel = made, .error = error};

    const int threads_before = cop_onednn_thread_enter(request->intra_op_threads);
    const cop_status status = make(&build, describe);
    cop_onednn_thread_leave(threads_before);

    dnnl_primitive_desc_destroy(build.pd);
    dnnl_primitive_attr_destroy(build.attr);
    if (status != COP_STATUS_OK) {
        cop_onednn_kernel_destroy(&made->base);
        return status;
    }
    *kernel = &made->base;
    return COP_STATUS_OK;
}

cop_status cop_onednn_kernel_create(struct device *device, const struct kernel_request *request,
                                    struct kernel **kernel, cop_error *error)
{
    *kernel = NULL;
    if (operators[request->kind] == NULL)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "node '%s': oneDNN has no %s", request->name,
                        cop_op_def(request->kind)->name);
    return cop_onednn_build_kernel(device, request, describe_operator, kernel, error);
}

void cop_onednn_kernel_destroy(struct kernel *base)
{
    struct onednn_kernel *kernel = (struct onednn_kernel *)base;
    cop_kernel_finish(base);
    dnnl_primitive_destroy(kernel->primitive);
    cop_free(kernel->arguments);
    cop_free(kernel);
}
