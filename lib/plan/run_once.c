// SPDX-License-Identifier: Apache-2.0
#include "plan/run_once.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/float_mode.h"

/* What one run needs besides the tensors. */
struct surroundings {
    struct stream *stream;
    void *state, *scratch;
    enum memory_kind scratch_kind;
};

static cop_status begin(struct device *device, const struct kernel *kernel,
                        struct surroundings *around, cop_error *error)
{
    const struct backend *backend = kernel->backend;
    cop_status status = COP_STATUS_OK;
    if (backend->stream_create != NULL)
        status = backend->stream_create(device, &around->stream, error);
    if (status == COP_STATUS_OK && backend->state_create != NULL && !kernel->state_is_optional)
        status = backend->state_create(kernel, around->stream, &around->state, error);
    around->scratch_kind = cop_device_has_memory(device) ? MEMORY_DEVICE : MEMORY_HOST;
    if (status == COP_STATUS_OK && kernel->scratch_bytes > 0)
        status = cop_memory_create(device, around->scratch_kind, kernel->scratch_bytes,
                                   "scratch memory", &around->scratch, error);
    return status;
}

static void end(struct device *device, const struct kernel *kernel, struct surroundings *around)
{
    const struct backend *backend = kernel->backend;
    cop_memory_destroy(device, around->scratch_kind, &around->scratch);
    if (around->state != NULL)
        backend->state_destroy(kernel, around->state);
    if (around->stream != NULL)
        backend->stream_destroy(around->stream);
}

/* What was begun is waited for also after a failure, since it uses memory that is freed next. */
static cop_status run_to_end(const struct kernel *kernel, const struct surroundings *around,
                             const struct kernel_args *args, cop_error *error)
{
    const struct backend *backend = kernel->backend;
    const cop_status status = cop_kernel_run(kernel, around->stream, around->state, args, error);
    if (backend->stream_wait == NULL)
        return status;
    const cop_status end =
        backend->stream_wait(around->stream, status == COP_STATUS_OK ? error : NULL);
    return status == COP_STATUS_OK ? end : status;
}

cop_status cop_run_once(struct device *device, const struct kernel *kernel,
                        const struct kernel_args *args, cop_error *error)
{
    const struct backend *backend = kernel->backend;
    struct surroundings around = {0};
    cop_status status = begin(device, kernel, &around, error);
    if (status == COP_STATUS_OK) {
        struct kernel_args with_scratch = *args;
        with_scratch.scratch = around.scratch;
        const int before = backend->thread_enter == NULL ? 0 : backend->thread_enter(device, 1);
        const uint64_t float_mode = cop_float_mode_enter();
        status = run_to_end(kernel, &around, &with_scratch, error);
        cop_float_mode_leave(float_mode);
        if (backend->thread_leave != NULL)
            backend->thread_leave(before);
    }
    end(device, kernel, &around);
    return status;
}

static struct kernel_tensor describe(const struct op_tensor *tensor)
{
    return (struct kernel_tensor){
        .is_present = tensor->is_present,
        .dtype = tensor->dtype,
        .shape = tensor->shape,
        .value = tensor->value,
    };
}

cop_status cop_evaluate_node(struct device *device, enum op_kind kind, const void *attrs,
                             int src_count, const struct op_tensor *src, int dst_count,
                             const struct op_tensor *dst, void *const *dst_elements,
                             cop_error *error)
{
    struct kernel *kernel = NULL;
    struct kernel_tensor *tensors =
        cop_alloc((size_t)src_count + (size_t)dst_count, sizeof *tensors);
    const void **elements = cop_alloc((size_t)src_count, sizeof *elements);
    cop_status status = COP_STATUS_OK;
    if (tensors == NULL || elements == NULL)
        status = cop_fail_memory(error, "evaluation", sizeof *tensors * (size_t)src_count);
    for (int i = 0; status == COP_STATUS_OK && i < src_count; i++)
        tensors[i] = describe(&src[i]);
    for (int i = 0; status == COP_STATUS_OK && i < dst_count; i++)
        tensors[src_count + i] = describe(&dst[i]);
    if (status == COP_STATUS_OK) {
        const struct kernel_request request = {
            .kind = kind,
            .attrs = attrs,
            .post_ops = &cop_no_post_ops,
            .src_count = src_count,
            .dst_count = dst_count,
            .src = tensors,
            .dst = tensors + src_count,
            .intra_op_threads = 1,
            .name = cop_op_def(kind)->name,
        };
        status = cop_kernel_create(device, &request, &kernel, error);
    }
    for (int i = 0; status == COP_STATUS_OK && i < src_count; i++)
        if (src[i].is_present && src[i].value == dst_elements[0] &&
            (i >= 32 || (kernel->in_place_srcs >> i & 1) == 0))
            status = cop_fail(error, COP_STATUS_INTERNAL, "%s cannot run in place",
                              cop_op_def(kind)->name);
    for (int i = 0; status == COP_STATUS_OK && i < src_count; i++)
        elements[i] = i < 32 && (kernel->unread_srcs >> i & 1) ? NULL : src[i].value;
    if (status == COP_STATUS_OK) {
        const struct kernel_args args = {.src = elements, .dst = dst_elements};
        status = cop_run_once(device, kernel, &args, error);
    }
    cop_kernel_destroy(&kernel);
    cop_free(tensors), cop_free(elements);
    return status;
}

static cop_status evaluate(void *user, enum op_kind kind, const void *attrs, int src_count,
                           const struct op_tensor *src, int dst_count, const struct op_tensor *dst,
                           void *const *dst_elements, cop_error *error)
{
    return cop_evaluate_node(user, kind, attrs, src_count, src, dst_count, dst, dst_elements,
                             error);
}

struct graph_evaluator cop_device_evaluator(struct device *device)
{
    return (struct graph_evaluator){evaluate, device};
}
