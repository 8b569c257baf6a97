// SPDX-License-Identifier: Apache-2.0
#include "support/run_op.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

/* What one call needs; zeroed first, released at the end whatever happened. */
struct session {
    struct device *device;
    const struct op_call *call;
    struct post_ops post_ops;
    int dst_count;
    struct op_tensor inferred[RUN_OP_MAX_DST];
    struct kernel_tensor src[RUN_OP_MAX_SRC], dst[RUN_OP_MAX_DST];
    struct kernel *kernel;
    struct stream *stream;
    bool records; /* runs are learned first and repeated then */
    const struct layout *arrives_in[RUN_OP_MAX_SRC];
    void *src_memory[RUN_OP_MAX_SRC], *dst_memory[RUN_OP_MAX_DST]; /* in the kernel's layouts */
};

static int count_dst(const struct op_call *call)
{
    return call->dst_count == 0 ? 1 : call->dst_count;
}

/* Sources of the operator itself. */
static int count_src(const struct op_call *call)
{
    return call->src_count -
           (call->post_ops != NULL && cop_post_ops_has_sum(call->post_ops) ? 1 : 0);
}

cop_status infer_op(const struct op_call *call, struct op_tensor *dst, cop_error *error)
{
    struct op_tensor src[RUN_OP_MAX_SRC] = {{0}};
    for (int i = 0; i < call->src_count; i++) {
        const struct test_tensor *tensor = &call->src[i];
        src[i] = (struct op_tensor){.is_present = tensor->dtype != COP_DTYPE_UNKNOWN,
                                    .dtype = tensor->dtype,
                                    .shape = tensor->shape,
                                    .value = tensor->is_known ? tensor->elements : NULL};
    }
    for (int i = 0; i < count_dst(call); i++)
        dst[i] = (struct op_tensor){.is_present = true, .shape = cop_shape_unknown()};
    return cop_op_infer(call->kind, call->attrs, count_src(call), src, count_dst(call), dst, error);
}

static int count_threads(const struct session *session)
{
    const int threads = session->call->conditions.intra_op_threads;
    return threads == 0 ? 1 : threads;
}

/* Says in which layout source i comes from its producer. */
static void choose_layout(struct session *session, int i)
{
    struct kernel_tensor *tensor = &session->src[i];
    if (session->call->conditions.layout_of == NULL || tensor->is_weight ||
        tensor->dtype != COP_DTYPE_FLOAT32)
        return;
    session->arrives_in[i] = session->call->conditions.layout_of(
        session->device, &tensor->shape, session->call->conditions.precision);
    tensor->layout = session->arrives_in[i];
}

static cop_status describe_tensors(struct session *session, cop_error *error)
{
    const struct op_call *call = session->call;
    const cop_status status = infer_op(call, session->inferred, error);
    if (status != COP_STATUS_OK)
        return status;
    for (int i = 0; i < call->src_count; i++)
        session->src[i] =
            (struct kernel_tensor){.is_present = call->src[i].dtype != COP_DTYPE_UNKNOWN,
                                   .dtype = call->src[i].dtype,
                                   .shape = call->src[i].shape,
                                   .is_weight = call->src[i].is_weight,
                                   .value = call->src[i].is_known ? call->src[i].elements : NULL};
    for (int i = 0; i < call->src_count; i++)
        choose_layout(session, i);
    for (int i = 0; i < session->dst_count; i++) {
        if (!cop_shape_is_known(&session->inferred[i].shape))
            return cop_fail(error, COP_STATUS_INTERNAL, "the shape of output %d does not follow",
                            i);
        session->dst[i] = (struct kernel_tensor){.is_present = true,
                                                 .dtype = session->inferred[i].dtype,
                                                 .shape = session->inferred[i].shape};
    }
    return COP_STATUS_OK;
}

static void *alloc_garbage(size_t bytes)
{
    bytes += COP_ALIGNMENT; /* for place_tensor */
    void *memory = cop_alloc_aligned(bytes);
    if (memory != NULL)
        memset(memory, 0xff, bytes); /* NaN, -1, "true" */
    return memory;
}

static enum memory_kind kind_of(const struct layout *layout)
{
    return layout != NULL && layout->is_on_device ? MEMORY_DEVICE : MEMORY_HOST;
}

/* Garbage in the process's memory, or in the device's. NULL: there is none. */
static void *create_memory(const struct session *session, enum memory_kind kind, size_t bytes)
{
    void *garbage = alloc_garbage(bytes), *memory = NULL;
    if (kind == MEMORY_HOST || garbage == NULL)
        return garbage;
    bytes += COP_ALIGNMENT;
    if (cop_memory_create(session->device, kind, bytes, "under test", &memory, NULL) ==
            COP_STATUS_OK &&
        cop_memory_copy(session->device, garbage, memory, bytes, NULL) != COP_STATUS_OK)
        cop_memory_destroy(session->device, kind, &memory);
    cop_free(garbage);
    return memory;
}

static void destroy_memory(const struct session *session, enum memory_kind kind, void **memory)
{
    if (kind == MEMORY_HOST) {
        cop_free(*memory);
        *memory = NULL;
    } else if (*memory != NULL) {
        cop_memory_destroy(session->device, kind, memory);
    }
}

/* Where in memory of alloc_garbage a tensor lies. */
static void *place_tensor(const struct session *session, cop_dtype dtype,
                          const struct layout *layout, void *memory)
{
    const bool shift = session->call->conditions.misalign && layout == NULL && memory != NULL;
    return shift ? (char *)memory + cop_dtype_bytes(dtype) : memory;
}

static void *src_address(const struct session *session, int i)
{
    if (session->src[i].is_weight)
        return session->src_memory[i]; /* aligned always: the weight store sees to it */
    return place_tensor(session, session->src[i].dtype, session->kernel->src_layouts[i],
                        session->src_memory[i]);
}

/* Begins a run that was learned before. */
static cop_status run_recorded(struct session *session, const struct kernel *kernel, void *state,
                               const struct kernel_args *args, struct recording **recording,
                               cop_error *error)
{
    const struct backend *backend = kernel->backend;
    cop_status status = backend->recording_begin(session->stream, error);
    if (status != COP_STATUS_OK)
        return status;
    status = cop_kernel_run(kernel, session->stream, state, args, error);
    if (status != COP_STATUS_OK) {
        backend->recording_abandon(session->stream);
        return status;
    }
    status = backend->recording_end(session->stream, recording, error);
    return status == COP_STATUS_OK ? backend->recording_run(*recording, session->stream, error)
                                   : status;
}

/* Begins a run and waits until it is done. */
static cop_status run_and_wait(struct session *session, const struct kernel *kernel, void *state,
                               const struct kernel_args *args, cop_error *error)
{
    const struct backend *backend = kernel->backend;
    const int before = backend->thread_enter == NULL
                           ? 0
                           : backend->thread_enter(session->device, count_threads(session));
    struct recording *recording = NULL;
    cop_status status = session->records && kernel == session->kernel
                            ? run_recorded(session, kernel, state, args, &recording, error)
                            : cop_kernel_run(kernel, session->stream, state, args, error);
    if (backend->stream_wait != NULL) { /* also after a failure: memory is freed next */
        cop_error later;
        const cop_status waited = backend->stream_wait(session->stream, &later);
        if (status == COP_STATUS_OK && waited != COP_STATUS_OK)
            status = cop_fail(error, waited, "%s", later.message);
    }
    if (recording != NULL)
        backend->recording_destroy(recording);
    if (backend->thread_leave != NULL)
        backend->thread_leave(before);
    return status;
}

static cop_status run_kernel(struct session *session, const struct kernel *kernel,
                             const void *const *src, void *const *dst, cop_error *error)
{
    const struct backend *backend = kernel->backend;
    const enum memory_kind scratch_kind =
        cop_device_has_memory(session->device) ? MEMORY_DEVICE : MEMORY_HOST;
    unsigned char src_memory[RUN_OP_MAX_SRC] = {0}, dst_memory[RUN_OP_MAX_DST] = {0};
    void *state = NULL, *scratch = create_memory(session, scratch_kind, kernel->scratch_bytes);
    if (scratch == NULL)
        return cop_fail_memory(error, "scratch", kernel->scratch_bytes);
    for (int i = 0; i < kernel->src_count; i++)
        src_memory[i] = (unsigned char)kind_of(kernel->src_layouts[i]);
    for (int i = 0; i < kernel->dst_count; i++)
        dst_memory[i] = (unsigned char)kind_of(kernel->dst_layouts[i]);
    cop_status status = COP_STATUS_OK;
    if (backend->state_create != NULL)
        status = backend->state_create(kernel, session->stream, &state, error);
    if (status == COP_STATUS_OK) {
        const struct kernel_args args = {.src = src,
                                         .dst = dst,
                                         .scratch = scratch,
                                         .src_memory = src_memory,
                                         .dst_memory = dst_memory};
        status = run_and_wait(session, kernel, state, &args, error);
        if (backend->state_destroy != NULL)
            backend->state_destroy(kernel, state);
    }
    destroy_memory(session, scratch_kind, &scratch);
    return status;
}

static cop_status reorder(struct session *session, const struct kernel_tensor *tensor,
                          const struct layout *from, const struct layout *to, const void *src,
                          void *dst, cop_error *error)
{
    struct kernel *kernel = NULL;
    cop_status status = cop_reorder_create(session->device, tensor->dtype, &tensor->shape, from, to,
                                           count_threads(session), &kernel, error);
    if (status == COP_STATUS_OK)
        status = run_kernel(session, kernel, &src, &dst, error);
    cop_kernel_destroy(&kernel);
    return status;
}

/* Source i in the layout that the kernel reads, in memory of its own. */
static cop_status prepare_src(struct session *session, int i, cop_error *error)
{
    const struct kernel_tensor *tensor = &session->src[i];
    const struct layout *layout = session->kernel->src_layouts[i];
    if (!tensor->is_present || (i < 32 && (session->kernel->unread_srcs >> i & 1u) != 0))
        return COP_STATUS_OK;
    const size_t bytes = cop_layout_bytes(layout, tensor->dtype, &tensor->shape);
    session->src_memory[i] = create_memory(session, kind_of(layout), bytes);
    if (session->src_memory[i] == NULL)
        return cop_fail_memory(error, "source", bytes);
    void *at = src_address(session, i);
    if (layout != NULL)
        return reorder(session, tensor, NULL, layout, session->call->src[i].elements, at, error);
    if (bytes > 0)
        memcpy(at, session->call->src[i].elements, bytes);
    return COP_STATUS_OK;
}

/* Garbage for every result: nothing of an earlier run is left. */
static cop_status renew_dst(struct session *session, cop_error *error)
{
    for (int i = 0; i < session->dst_count; i++) {
        const struct kernel_tensor *tensor = &session->dst[i];
        const struct layout *layout = session->kernel->dst_layouts[i];
        const size_t bytes = cop_layout_bytes(layout, tensor->dtype, &tensor->shape);
        destroy_memory(session, kind_of(layout), &session->dst_memory[i]);
        session->dst_memory[i] = create_memory(session, kind_of(layout), bytes);
        if (session->dst_memory[i] == NULL)
            return cop_fail_memory(error, "output", bytes);
    }
    return COP_STATUS_OK;
}

/* Runs with dst 0 on the memory of source `shared`, or apart from all for −1; to plain arrays. */
static cop_status run_once(struct session *session, int shared, void *const *plain,
                           cop_error *error)
{
    const struct kernel *kernel = session->kernel;
    cop_status status = renew_dst(session, error);
    for (int i = 0; i < session->call->src_count && status == COP_STATUS_OK; i++) {
        destroy_memory(session, kind_of(kernel->src_layouts[i]), &session->src_memory[i]);
        status = prepare_src(session, i, error);
    }
    const void *src[RUN_OP_MAX_SRC];
    void *dst[RUN_OP_MAX_DST];
    for (int i = 0; i < session->call->src_count; i++)
        src[i] = src_address(session, i);
    for (int i = 0; i < session->dst_count; i++)
        dst[i] = i == 0 && shared >= 0
                     ? src_address(session, shared)
                     : place_tensor(session, session->dst[i].dtype, kernel->dst_layouts[i],
                                    session->dst_memory[i]);
    if (status == COP_STATUS_OK)
        status = run_kernel(session, kernel, src, dst, error);
    for (int i = 0; i < session->dst_count && status == COP_STATUS_OK; i++) {
        const struct kernel_tensor *tensor = &session->dst[i];
        const size_t bytes = cop_layout_bytes(NULL, tensor->dtype, &tensor->shape);
        if (kernel->dst_layouts[i] != NULL)
            status =
                reorder(session, tensor, kernel->dst_layouts[i], NULL, dst[i], plain[i], error);
        else if (bytes > 0)
            memcpy(plain[i], dst[i], bytes);
    }
    return status;
}

static cop_status alloc_outputs(struct session *session, void **plain, cop_error *error)
{
    for (int i = 0; i < session->dst_count; i++) {
        const struct kernel_tensor *tensor = &session->dst[i];
        const size_t bytes = cop_layout_bytes(NULL, tensor->dtype, &tensor->shape);
        plain[i] = alloc_garbage(bytes);
        if (plain[i] == NULL)
            return cop_fail_memory(error, "output", bytes);
    }
    return COP_STATUS_OK;
}

/* Once more, with dst 0 on source `shared`: it must give the same bytes. */
static cop_status run_again(struct session *session, int shared, const char *how,
                            void *const *plain, cop_error *error)
{
    void *again[RUN_OP_MAX_DST] = {NULL};
    cop_status status = alloc_outputs(session, again, error);
    if (status == COP_STATUS_OK)
        status = run_once(session, shared, again, error);
    for (int i = 0; i < session->dst_count && status == COP_STATUS_OK; i++) {
        const struct kernel_tensor *tensor = &session->dst[i];
        const size_t bytes = cop_layout_bytes(NULL, tensor->dtype, &tensor->shape);
        if (memcmp(again[i], plain[i], bytes) != 0)
            status = cop_fail(error, COP_STATUS_INTERNAL, "another result %s %d", how, shared);
    }
    for (int i = 0; i < session->dst_count; i++)
        cop_free(again[i]);
    return status;
}

/* With dst on each source where the kernel allows it, and repeated from a recording. */
static cop_status check_promises(struct session *session, void *const *plain, cop_error *error)
{
    const struct kernel *kernel = session->kernel;
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < session->call->src_count && status == COP_STATUS_OK; i++)
        if ((kernel->in_place_srcs >> i & 1u) != 0)
            status = run_again(session, i, "in place of source", plain, error);
    session->records = kernel->is_recordable && kernel->backend->recording_begin != NULL;
    if (status == COP_STATUS_OK && session->records)
        status = run_again(session, kernel->accumulates_src, "from a recording, on source", plain,
                           error);
    return status;
}

static cop_status create(struct session *session, cop_error *error)
{
    const struct kernel_request request = {.kind = session->call->kind,
                                           .attrs = session->call->attrs,
                                           .post_ops = &session->post_ops,
                                           .src_count = session->call->src_count,
                                           .dst_count = session->dst_count,
                                           .src = session->src,
                                           .dst = session->dst,
                                           .intra_op_threads = count_threads(session),
                                           .fast_run = session->call->conditions.fast_run,
                                           .precision = session->call->conditions.precision,
                                           .gpu_kernels = session->call->conditions.gpu_kernels,
                                           .name = "under test"};
    const struct backend *backend = session->device->backend;
    const cop_status status = cop_kernel_create(session->device, &request, &session->kernel, error);
    if (status != COP_STATUS_OK || backend->stream_create == NULL)
        return status;
    return backend->stream_create(session->device, &session->stream, error);
}

static void release(struct session *session)
{
    const struct kernel *kernel = session->kernel; /* without one nothing was allocated */
    for (int i = 0; kernel != NULL && i < kernel->src_count; i++)
        destroy_memory(session, kind_of(kernel->src_layouts[i]), &session->src_memory[i]);
    for (int i = 0; kernel != NULL && i < kernel->dst_count; i++)
        destroy_memory(session, kind_of(kernel->dst_layouts[i]), &session->dst_memory[i]);
    for (int i = 0; i < RUN_OP_MAX_SRC; i++)
        cop_layout_release(&session->arrives_in[i]);
    cop_kernel_destroy(&session->kernel);
    if (session->stream != NULL)
        session->device->backend->stream_destroy(session->stream);
}

cop_status run_op(struct device *device, const struct op_call *call, struct op_result *result,
                  cop_error *error)
{
    *result = (struct op_result){0};
    struct session session = {.device = device, .call = call, .dst_count = count_dst(call)};
    if (call->post_ops != NULL)
        session.post_ops = *call->post_ops;
    void *plain[RUN_OP_MAX_DST] = {NULL};
    cop_status status = describe_tensors(&session, error);
    if (status == COP_STATUS_OK)
        status = create(&session, error);
    if (status == COP_STATUS_OK)
        status = alloc_outputs(&session, plain, error);
    if (status == COP_STATUS_OK)
        status = run_once(&session, session.kernel->accumulates_src, plain, error);
    if (status == COP_STATUS_OK)
        status = check_promises(&session, plain, error);
    if (status == COP_STATUS_OK)
        snprintf(result->implementation, sizeof result->implementation, "%s",
                 session.kernel->implementation);
    result->dst_count = session.dst_count;
    for (int i = 0; i < session.dst_count; i++)
        result->dst[i] = (struct test_tensor){
            .dtype = session.dst[i].dtype, .shape = session.dst[i].shape, .elements = plain[i]};
    release(&session);
    return status;
}

void op_result_free(struct op_result *result)
{
    for (int i = 0; i < result->dst_count; i++)
        cop_free((void *)(uintptr_t)result->dst[i].elements);
    *result = (struct op_result){0};
}
