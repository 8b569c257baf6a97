// SPDX-License-Identifier: Apache-2.0
/* The few operators of the device: rows of float32 with or without a gap behind each. */
#include <math.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/behind/behind_device.h"

#define MOST_SRC 4

/* A kernel of `src_count` sources; layouts are filled in by the caller. */
static cop_status make_kernel(enum behind_op op, const char *name, int src_count,
                              struct behind_kernel **kernel, cop_error *error)
{
    struct behind_kernel *made = cop_alloc(1, sizeof *made);
    *kernel = made;
    if (made == NULL)
        return cop_fail_memory(error, "kernel", sizeof *made);
    atomic_fetch_add(&behind_control.kernels, 1);
    made->op = op;
    const cop_status status = cop_kernel_init(&made->base, &behind_backend, src_count, 1, error);
    made->base.implementation = name;
    made->base.is_recordable = true;
    made->base.estimated_ns = atomic_load(&behind_control.estimated_ns);
    made->base.object_bytes = sizeof *made;
    return status;
}

void behind_kernel_destroy(struct kernel *kernel)
{
    atomic_fetch_sub(&behind_control.kernels, 1);
    cop_kernel_finish(kernel);
    cop_free(kernel);
}

static cop_status refuse(cop_error *error)
{
    return cop_fail(error, COP_STATUS_UNSUPPORTED, "the device that runs behind lacks it");
}

static bool is_float(const struct kernel_tensor *tensor)
{
    return !tensor->is_present || tensor->dtype == COP_DTYPE_FLOAT32;
}

/* Element by element: sources and the result have one shape. */
static cop_status fill_elementwise(struct behind_kernel *kernel,
                                   const struct kernel_request *request, bool is_padded,
                                   bool pads_result, cop_error *error)
{
    const struct shape *shape = &request->dst[0].shape;
    cop_status status = COP_STATUS_OK;
    kernel->rows = behind_rows(shape);
    kernel->columns = behind_columns(shape);
    for (int i = 0; i < request->src_count && status == COP_STATUS_OK; i++) {
        status = behind_layout_create(shape, is_padded, &kernel->base.src_layouts[i], error);
        kernel->pitches[i] = kernel->columns + (is_padded ? 3 : 0);
    }
    if (status == COP_STATUS_OK)
        status = behind_layout_create(shape, pads_result, &kernel->base.dst_layouts[0], error);
    kernel->dst_pitch = kernel->columns + (pads_result ? 3 : 0);
    if (is_padded == pads_result)
        kernel->base.in_place_srcs = (1u << request->src_count) - 1;
    return status;
}

/* Relu takes what it gets; tanh gives rows with gaps. */
static cop_status create_unary(const struct kernel_request *request, struct behind_kernel **kernel,
                               cop_error *error)
{
    const struct unary_attrs *attrs = request->attrs;
    if (request->post_ops->count > 0 || (attrs->alg != UNARY_RELU && attrs->alg != UNARY_TANH))
        return refuse(error);
    const bool is_relu = attrs->alg == UNARY_RELU;
    const struct layout *layout = request->src[0].layout;
    const bool is_padded = is_relu && layout != NULL && !layout->is_linear;
    const cop_status status =
        make_kernel(is_relu ? BEHIND_RELU : BEHIND_TANH, is_relu ? "behind:relu" : "behind:tanh", 1,
                    kernel, error);
    return status == COP_STATUS_OK
               ? fill_elementwise(*kernel, request, is_padded, is_padded || !is_relu, error)
               : status;
}

static cop_status create_add(const struct kernel_request *request, struct behind_kernel **kernel,
                             cop_error *error)
{
    const struct binary_attrs *attrs = request->attrs;
    if (request->post_ops->count > 0 || attrs->alg != BINARY_ADD ||
        !cop_shape_equal(&request->src[0].shape, &request->src[1].shape))
        return refuse(error);
    const cop_status status = make_kernel(BEHIND_ADD, "behind:add", 2, kernel, error);
    return status == COP_STATUS_OK ? fill_elementwise(*kernel, request, false, false, error)
                                   : status;
}

static bool are_known_post_ops(const struct post_ops *post_ops)
{
    for (int i = 0; i < post_ops->count; i++)
        if (post_ops->entries[i].kind == POST_OP_UNARY &&
            post_ops->entries[i].unary.alg != UNARY_RELU)
            return false;
    return true;
}

static cop_status fill_product(struct behind_kernel *kernel, const struct kernel_request *request,
                               cop_error *error)
{
    const struct shape *dst = &request->dst[0].shape;
    cop_status status = COP_STATUS_OK;
    kernel->rows = dst->dims[0];
    kernel->columns = kernel->dst_pitch = dst->dims[1];
    kernel->depth = request->src[0].shape.dims[1];
    kernel->post_ops = *request->post_ops;
    for (int i = 0; i < request->src_count && status == COP_STATUS_OK; i++)
        if (request->src[i].is_present) {
            status = behind_layout_create(&request->src[i].shape, i == 1,
                                          &kernel->base.src_layouts[i], error);
            kernel->pitches[i] =
                behind_pitch(kernel->base.src_layouts[i], behind_columns(&request->src[i].shape));
        }
    if (status == COP_STATUS_OK)
        status = behind_layout_create(dst, false, &kernel->base.dst_layouts[0], error);
    if (cop_post_ops_has_sum(request->post_ops))
        kernel->base.accumulates_src = request->src_count - 1;
    kernel->base.scratch_bytes = (size_t)(kernel->rows * kernel->columns) * sizeof(float);
    return status;
}

static cop_status create_product(const struct kernel_request *request,
                                 struct behind_kernel **kernel, cop_error *error)
{
    if (request->src[0].shape.rank != 2 || request->src_count > MOST_SRC ||
        !are_known_post_ops(request->post_ops))
        return refuse(error);
    const cop_status status =
        make_kernel(BEHIND_PRODUCT, "behind:product", request->src_count, kernel, error);
    return status == COP_STATUS_OK ? fill_product(*kernel, request, error) : status;
}

/* On failure the half-made kernel goes. */
static cop_status conclude(cop_status status, struct behind_kernel *made, struct kernel **kernel)
{
    *kernel = NULL;
    if (status == COP_STATUS_OK)
        *kernel = &made->base;
    else if (made != NULL)
        behind_kernel_destroy(&made->base);
    return status;
}

cop_status behind_kernel_create(struct device *device, const struct kernel_request *request,
                                struct kernel **kernel, cop_error *error)
{
    struct behind_kernel *made = NULL;
    cop_status status = COP_STATUS_OK;
    (void)device;
    *kernel = NULL;
    for (int i = 0; i < request->src_count; i++)
        if (!is_float(&request->src[i]))
            return refuse(error);
    if (request->kind == OP_UNARY)
        status = create_unary(request, &made, error);
    else if (request->kind == OP_BINARY)
        status = create_add(request, &made, error);
    else if (request->kind == OP_FULLY_CONNECTED)
        status = create_product(request, &made, error);
    else
        return refuse(error);
    return conclude(status, made, kernel);
}

static cop_status fill_reorder(struct behind_kernel *kernel, const struct shape *shape,
                               const struct layout *src, const struct layout *dst)
{
    kernel->rows = behind_rows(shape);
    kernel->columns = behind_columns(shape);
    kernel->pitches[0] = behind_pitch(src, kernel->columns);
    kernel->dst_pitch = behind_pitch(dst, kernel->columns);
    kernel->bytes = (size_t)(kernel->rows * kernel->columns) * sizeof(float);
    kernel->base.src_layouts[0] = cop_layout_retain(src);
    kernel->base.dst_layouts[0] = cop_layout_retain(dst);
    if (src == NULL || dst == NULL)
        kernel->base.state_bytes = kernel->bytes;
    return COP_STATUS_OK;
}

cop_status behind_reorder_create(struct device *device, cop_dtype dtype, const struct shape *shape,
                                 const struct layout *src, const struct layout *dst,
                                 int intra_op_threads, struct kernel **kernel, cop_error *error)
{
    struct behind_kernel *made = NULL;
    (void)device, (void)intra_op_threads;
    *kernel = NULL;
    if (dtype != COP_DTYPE_FLOAT32 || (src == NULL && dst == NULL))
        return refuse(error);
    cop_status status = make_kernel(BEHIND_REORDER, "behind:reorder", 1, &made, error);
    if (status == COP_STATUS_OK)
        status = fill_reorder(made, shape, src, dst);
    return conclude(status, made, kernel);
}

/* What the caller's memory is copied through. */
cop_status behind_state_create(const struct kernel *base, struct stream *stream, void **state,
                               cop_error *error)
{
    const struct behind_kernel *kernel = (const struct behind_kernel *)base;
    (void)stream;
    *state = NULL;
    if (base->state_bytes == 0)
        return COP_STATUS_OK;
    if (behind_strikes(BEHIND_STATE))
        return cop_fail(error, COP_STATUS_OUT_OF_DEVICE_MEMORY, "rigged: no state");
    *state = cop_alloc_aligned(kernel->bytes);
    if (*state == NULL)
        return cop_fail_memory(error, "state", kernel->bytes);
    atomic_fetch_add(&behind_control.states, 1);
    return COP_STATUS_OK;
}

void behind_state_destroy(const struct kernel *kernel, void *state)
{
    (void)kernel;
    atomic_fetch_sub(&behind_control.states, 1);
    cop_free(state);
}

static void check_kind(const void *address, unsigned char kind)
{
    if (address != NULL && behind_is_device_address(address) != (kind == MEMORY_DEVICE))
        behind_abort("an address is not of the kind of memory that it is said to be");
}

static void check_args(const struct behind_kernel *kernel, const struct kernel_args *args)
{
    for (int i = 0; i < kernel->base.src_count; i++) {
        check_kind(args->src[i], args->src_memory[i]);
        if (kernel->op != BEHIND_REORDER && args->src[i] != NULL &&
            args->src_memory[i] != MEMORY_DEVICE)
            behind_abort("a kernel gets a source that does not lie on the device");
    }
    check_kind(args->dst[0], args->dst_memory[0]);
    if (kernel->base.scratch_bytes > 0 && !behind_is_device_address(args->scratch))
        behind_abort("scratch memory does not lie on the device");
}

cop_status behind_kernel_run(const struct kernel *base, struct stream *base_stream, void *state,
                             const struct kernel_args *args, cop_error *error)
{
    const struct behind_kernel *kernel = (const struct behind_kernel *)base;
    struct behind_stream *stream = (struct behind_stream *)base_stream;
    struct behind_job job = {.kernel = kernel, .dst = args->dst[0], .scratch = args->scratch};
    if (stream->epoch != cop_module_host->fork_epoch())
        return cop_fail(error, COP_STATUS_DEVICE_FAILED, "the device belongs to the parent");
    if (behind_current_device() != stream->device)
        behind_abort("a kernel is run by a thread that has not entered its device");
    check_args(kernel, args);
    if (behind_strikes(BEHIND_KERNEL))
        return cop_fail(error, COP_STATUS_INTERNAL, "rigged: the kernel does not begin");
    for (int i = 0; i < base->src_count; i++)
        job.src[i] = args->src[i];
    const bool from_caller = args->src_memory[0] == MEMORY_HOST && args->src[0] != NULL;
    const bool to_caller = args->dst_memory[0] == MEMORY_HOST;
    if ((from_caller || to_caller) && stream->open != NULL)
        behind_abort("what touches memory of the caller is recorded");
    if (from_caller) {
        if (kernel->bytes > 0)
            memcpy(state, args->src[0], kernel->bytes);
        job.src[0] = state;
    }
    if (to_caller) {
        job.dst = state;
        behind_copy_later(stream, state, args->dst[0], kernel->bytes);
    }
    if (stream->open == NULL)
        atomic_fetch_add(&behind_control.kernels_begun, 1);
    behind_begin(stream, &job);
    return COP_STATUS_OK;
}

static void run_elementwise(const struct behind_job *job)
{
    const struct behind_kernel *kernel = job->kernel;
    const float *a = behind_real(job->src[0]);
    const float *b = kernel->op == BEHIND_ADD ? behind_real(job->src[1]) : a;
    float *dst = behind_real(job->dst);
    const int64_t b_pitch = kernel->pitches[kernel->op == BEHIND_ADD];
    for (int64_t i = 0; i < kernel->rows; i++)
        for (int64_t j = 0; j < kernel->columns; j++) {
            const float x = a[i * kernel->pitches[0] + j], y = b[i * b_pitch + j];
            dst[i * kernel->dst_pitch + j] = kernel->op == BEHIND_RELU   ? (x > 0 ? x : 0)
                                             : kernel->op == BEHIND_TANH ? tanhf(x)
                                             : kernel->op == BEHIND_ADD  ? x + y
                                                                         : x;
        }
}

static float apply_post_ops(const struct post_ops *post_ops, float value, float before)
{
    for (int i = 0; i < post_ops->count; i++)
        value = post_ops->entries[i].kind == POST_OP_SUM ? value + before : value > 0 ? value : 0;
    return value;
}

/* By way of the scratch memory, so that it matters where that lies. */
static void run_product(const struct behind_job *job)
{
    const struct behind_kernel *kernel = job->kernel;
    const float *src = behind_real(job->src[0]), *weights = behind_real(job->src[1]);
    const bool has_bias =
        kernel->base.src_count > 2 && job->src[2] != NULL && kernel->base.accumulates_src != 2;
    const float *bias = has_bias ? behind_real(job->src[2]) : NULL;
    float *dst = behind_real(job->dst), *scratch = behind_real(job->scratch);
    for (int64_t i = 0; i < kernel->rows; i++)
        for (int64_t j = 0; j < kernel->columns; j++) {
            float sum = bias == NULL ? 0 : bias[j];
            for (int64_t k = 0; k < kernel->depth; k++)
                sum += src[i * kernel->pitches[0] + k] * weights[j * kernel->pitches[1] + k];
            scratch[i * kernel->columns + j] = sum;
        }
    for (int64_t i = 0; i < kernel->rows * kernel->columns; i++)
        dst[i] = apply_post_ops(&kernel->post_ops, scratch[i], dst[i]);
}

void behind_run_job(const struct behind_job *job)
{
    if (job->kernel->op == BEHIND_PRODUCT)
        run_product(job);
    else
        run_elementwise(job);
}
