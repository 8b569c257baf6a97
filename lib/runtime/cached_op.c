// SPDX-License-Identifier: Apache-2.0
#include "runtime/cached_op.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "runtime/engine/engine.h"

#define DEFAULT_MAX_CONTEXTS   256
#define LARGEST_MAX_CONTEXTS   65536
#define LARGEST_INTRA_OP_COUNT 1024

/* `to` is empty; on failure it is empty again. */
static cop_status copy_constant(const cop_constant *from, cop_constant *to, cop_error *error)
{
    cop_status status = cop_ndarray_wait(from->array, COP_NO_TIMEOUT, NULL, error);
    if (status == COP_STATUS_OK)
        status = cop_ndarray_create(from->array->dtype, from->array->rank, from->array->shape,
                                    &to->array, error);
    if (status != COP_STATUS_OK)
        return status;
    status = cop_ndarray_copy(from->array, to->array, error);
    to->name = status == COP_STATUS_OK ? cop_copy_text(from->name) : NULL;
    if (to->name != NULL)
        return COP_STATUS_OK;
    cop_ndarray_release(&to->array);
    return status != COP_STATUS_OK ? status
                                   : cop_fail_memory(error, from->name, strlen(from->name));
}

static cop_status copy_constants(struct cop_cached_op *op, const cop_constant *constants,
                                 size_t count, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    op->constants = cop_alloc(count, sizeof *op->constants);
    if (op->constants == NULL)
        return cop_fail_memory(error, "constants", count * sizeof *constants);
    for (size_t i = 0; i < count && status == COP_STATUS_OK; i++) {
        if (constants[i].name == NULL || constants[i].array == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "constant %zu: %s is NULL", i,
                            constants[i].name == NULL ? "name" : "array");
        status = copy_constant(&constants[i], &op->constants[i], error);
        op->constant_count += status == COP_STATUS_OK;
    }
    return status;
}

static void free_constants(struct cop_cached_op *op)
{
    for (size_t i = 0; i < op->constant_count; i++) {
        cop_free((char *)(uintptr_t)op->constants[i].name);
        cop_ndarray_release(&op->constants[i].array);
    }
    cop_free(op->constants);
}

static cop_status copy_extra_outputs(struct cop_cached_op *op, const char *const *names,
                                     size_t count, cop_error *error)
{
    op->extra_outputs = cop_alloc(count, sizeof(char *));
    if (op->extra_outputs == NULL)
        return cop_fail_memory(error, "extra outputs", count * sizeof(char *));
    for (; op->extra_output_count < count; op->extra_output_count++) {
        const char *name = names[op->extra_output_count];
        if (name == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "extra output %zu: its name is NULL", op->extra_output_count);
        op->extra_outputs[op->extra_output_count] = cop_copy_text(name);
        if (op->extra_outputs[op->extra_output_count] == NULL)
            return cop_fail_memory(error, name, strlen(name));
    }
    return COP_STATUS_OK;
}

static void free_extra_outputs(struct cop_cached_op *op)
{
    for (size_t i = 0; i < op->extra_output_count; i++)
        cop_free(op->extra_outputs[i]);
    cop_free(op->extra_outputs);
}

static void free_plan(struct cop_cached_op *op)
{
    cop_weight_set_release(&op->weights.set);
    cop_plan_release(&op->plan);
}

static void destroy(struct cop_cached_op *op)
{
    if (op->is_live)
        cop_live_weights_leave(op);
    cop_context_pool_destroy(&op->contexts);
    for (int i = 0; op->outputs != NULL && i < op->plan->dst_count; i++)
        cop_output_pool_release(&op->outputs[i]);
    cop_free(op->outputs);
    free_plan(op);
    free_constants(op);
    free_extra_outputs(op);
    cop_budget_release(&op->budget);
    cop_model_release(&op->model);
    cop_free(op);
    cop_engine_remove_user();
}

cop_cached_op *cop_cached_op_retain(cop_cached_op *op)
{
    if (op != NULL)
        cop_refcount_retain(&op->refs);
    return op;
}

void cop_cached_op_release(cop_cached_op **op)
{
    if (op == NULL)
        return;
    struct cop_cached_op *old = *op;
    *op = NULL;
    if (old != NULL && cop_refcount_release(&old->refs))
        destroy(old);
}

static struct cop_cached_op *allocate_op(struct cop_model *model)
{
    static _Atomic uint64_t ids; /* any creator takes the next; nothing is ordered by it */
    struct cop_cached_op *op = cop_alloc(1, sizeof *op);
    if (op == NULL)
        return NULL;
    cop_refcount_init(&op->refs);
    op->id = atomic_fetch_add_explicit(&ids, 1, memory_order_relaxed) + 1;
    op->model = cop_model_retain(model);
    cop_engine_add_user();
    return op;
}

/* On the device only where its own steps write them; otherwise where it copies fastest to. */
static struct storage_place output_place(const struct cop_cached_op *op, size_t output)
{
    struct device *first = op->plan->devices.devices[0];
    if (!cop_device_has_memory(first))
        return (struct storage_place){NULL, MEMORY_HOST};
    const bool is_on_device =
        op->output_memory == COP_MEMORY_DEVICE && !op->plan->dst_is_host_used[output];
    return (struct storage_place){first, is_on_device ? MEMORY_DEVICE : MEMORY_PINNED};
}

static cop_status create_outputs(struct cop_cached_op *op, cop_error *error)
{
    const size_t count = (size_t)op->plan->dst_count;
    cop_status status = COP_STATUS_OK;
    op->budget = cop_budget_create(op->memory_cap_bytes);
    op->outputs = cop_alloc(count, sizeof(struct output_pool *));
    if (op->budget == NULL || op->outputs == NULL)
        status = cop_fail_memory(error, "outputs", count * sizeof(void *));
    for (size_t i = 0; status == COP_STATUS_OK && i < count; i++) {
        const struct storage_place place = output_place(op, i);
        status =
            cop_output_pool_create(&op->plan->dsts[i], &place, op->budget, &op->outputs[i], error);
    }
    return status;
}

/* Everything that follows from the plan. */
static cop_status create_pools(struct cop_cached_op *op, cop_error *error)
{
    const cop_status status = create_outputs(op, error);
    if (status != COP_STATUS_OK)
        return status;
    const struct context_pool_request request = {
        .plan = op->plan,
        .weights = &op->weights,
        .max_contexts = op->max_contexts,
        .budget = op->budget,
        .outputs = op->outputs,
        .output_count = op->plan->dst_count,
    };
    return cop_context_pool_create(&request, &op->contexts, error);
}

/* Compiles for the weights as they are now; `generation` receives which these are. */
static cop_status make_plan(struct cop_cached_op *op, struct plan_request *request,
                            uint64_t *generation, size_t *added_weight_bytes, cop_error *error)
{
    struct overlay *overlay = cop_live_weights_take(op->live, generation);
    request->overlay = overlay;
    const cop_status status =
        cop_plan_create(request, &op->plan, &op->weights.set, added_weight_bytes, error);
    cop_overlay_release(&overlay);
    return status;
}

/*
 * Updates go on while a plan is made. Only at the end they are kept out: if one came in
 * between, it knew nothing of this operator, and the plan is made again.
 */
static cop_status make_live_plan(struct cop_cached_op *op, struct plan_request *request,
                                 size_t *added_weight_bytes, cop_error *error)
{
    uint64_t generation;
    cop_status status = make_plan(op, request, &generation, added_weight_bytes, error);
    if (status != COP_STATUS_OK)
        return status;
    cop_lock_acquire(&op->live->updates);
    if (generation != cop_current_weights_generation(&op->weights)) {
        free_plan(op);
        status = make_plan(op, request, &generation, added_weight_bytes, error);
    }
    if (status == COP_STATUS_OK)
        status = create_pools(op, error);
    if (status == COP_STATUS_OK)
        cop_live_weights_join_locked(op->live, op);
    cop_lock_release(&op->live->updates);
    return status;
}

/* `request` lacks graph and store; its constants and names become copies of the operator's. */
static cop_status compile(struct cop_cached_op *op, struct plan_request *request,
                          size_t *added_weight_bytes, cop_error *error)
{
    cop_status status = cop_live_weights_find(op->model, &op->live, error);
    if (status == COP_STATUS_OK)
        status = copy_constants(op, request->constants, request->constant_count, error);
    if (status == COP_STATUS_OK)
        status = copy_extra_outputs(op, request->extra_outputs, request->extra_output_count, error);
    if (status != COP_STATUS_OK)
        return status;
    op->weights.generation = &op->live->generation;
    request->graph = op->model->graph;
    request->store = op->live->store;
    request->constants = op->constants;
    request->extra_outputs = (const char *const *)op->extra_outputs;
    request->fast_run = op->tuning == COP_TUNING_FAST_RUN;
    request->keep_graph = op->keep_graph;
    request->precision = op->precision;
    request->gpu_kernels = op->gpu_kernels;
    return make_live_plan(op, request, added_weight_bytes, error);
}

static void log_made(const struct cop_cached_op *op, const char *how, size_t added_weight_bytes,
                     int64_t begin_ns)
{
    const struct device *device = op->plan->devices.devices[0];
    cop_log(COP_LOG_LEVEL_INFO,
            "operator %" PRIu64 " %s on %s (%s): %d steps, arena %zu bytes, %zu bytes of weights "
            "added, %.1f ms",
            op->id, how, device->backend->name, device->name, op->plan->step_count,
            op->plan->arena_bytes + op->plan->device_arena_bytes, added_weight_bytes,
            (double)(cop_now_ns() - begin_ns) / 1e6);
}

static cop_status check_shapes(const cop_input_shape *shapes, size_t count, cop_error *error)
{
    if (count > 0 && shapes == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%zu input shapes at NULL", count);
    for (size_t i = 0; i < count; i++) {
        const char *name = shapes[i].name == NULL ? "" : shapes[i].name;
        if (shapes[i].rank < 0 || shapes[i].rank > COP_MAX_RANK)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "input '%s': rank %d is not 0 to %d", name, shapes[i].rank,
                            COP_MAX_RANK);
        for (int k = 0; k < shapes[i].rank; k++)
            if (shapes[i].shape[k] < 1 && shapes[i].shape[k] != -1)
                return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                                "input '%s': dimension %d is %" PRId64, name, k,
                                shapes[i].shape[k]);
    }
    return COP_STATUS_OK;
}

static cop_status check_options(const cop_cached_op_options *options, cop_error *error)
{
    if (options->intra_op_threads < 0 || options->intra_op_threads > LARGEST_INTRA_OP_COUNT)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "intra_op_threads %d is not 0 to %d",
                        options->intra_op_threads, LARGEST_INTRA_OP_COUNT);
    if (options->max_contexts < 0 || options->max_contexts > LARGEST_MAX_CONTEXTS)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "max_contexts %d is not 0 to %d",
                        options->max_contexts, LARGEST_MAX_CONTEXTS);
    if (options->tuning != COP_TUNING_FAST_START && options->tuning != COP_TUNING_FAST_RUN)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "tuning %d does not exist",
                        (int)options->tuning);
    if (options->precision < COP_PRECISION_FP32 || options->precision > COP_PRECISION_FP16)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "precision %d does not exist",
                        (int)options->precision);
    if (options->precision != COP_PRECISION_FP32 && options->device.kind != COP_DEVICE_GPU)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "precision %d: devices cpu and ref know only COP_PRECISION_FP32",
                        (int)options->precision);
    if (options->gpu_kernels < COP_GPU_KERNELS_AUTO ||
        options->gpu_kernels > COP_GPU_KERNELS_LIBRARY)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "gpu_kernels %d does not exist",
                        (int)options->gpu_kernels);
    if (options->output_memory < COP_MEMORY_HOST || options->output_memory > COP_MEMORY_DEVICE)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "output_memory %d does not exist",
                        (int)options->output_memory);
    if (options->extra_output_count > 0 && options->extra_outputs == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%zu extra outputs at NULL",
                        options->extra_output_count);
    if ((options->dim_count > 0 && options->dims == NULL) ||
        (options->constant_count > 0 && options->constants == NULL))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%s are counted but NULL",
                        options->dims == NULL && options->dim_count > 0 ? "dims" : "constants");
    for (size_t i = 0; i < options->dim_count; i++)
        if (options->dims[i].name == NULL || options->dims[i].value < 1)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "dimension '%s' is %" PRId64 ", not at least 1",
                            options->dims[i].name == NULL ? "(NULL)" : options->dims[i].name,
                            options->dims[i].value);
    return check_shapes(options->input_shapes, options->input_shape_count, error);
}

cop_status cop_cached_op_create(cop_model *model, const cop_cached_op_options *options,
                                cop_cached_op **op, cop_error *error)
{
    cop_cached_op_options read = COP_CACHED_OP_OPTIONS_INIT;
    if (op == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "create: the result pointer is NULL");
    *op = NULL;
    if (model == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "create: the model is NULL");
    cop_status status = COP_STATUS_OK;
    if (options != NULL)
        status = cop_options_read(&read, sizeof read, options, "cop_cached_op_options", error);
    options = &read;
    if (status == COP_STATUS_OK)
        status = check_options(options, error);
    if (status != COP_STATUS_OK)
        return status;

    const int64_t begin_ns = cop_now_ns();
    size_t added_weight_bytes = 0;
    struct cop_cached_op *made = allocate_op(model);
    if (made == NULL)
        return cop_fail_memory(error, "cached operator", sizeof *made);
    made->max_contexts = options->max_contexts == 0 ? DEFAULT_MAX_CONTEXTS : options->max_contexts;
    made->memory_cap_bytes = options->memory_cap_bytes;
    made->tuning = options->tuning;
    made->keep_graph = options->keep_graph;
    made->precision = options->precision;
    made->gpu_kernels = options->gpu_kernels;
    made->output_memory = options->output_memory;
    struct plan_request request = {
        .device = options->device,
        .bindings = {options->input_shapes, options->input_shape_count, options->dims,
                     options->dim_count},
        .constants = options->constants,
        .constant_count = options->constant_count,
        .extra_outputs = options->extra_outputs,
        .extra_output_count = options->extra_output_count,
        .intra_op_threads = options->intra_op_threads == 0 ? 1 : options->intra_op_threads,
    };
    status = compile(made, &request, &added_weight_bytes, error);
    if (status == COP_STATUS_OK)
        log_made(made, "created", added_weight_bytes, begin_ns);
    else
        cop_cached_op_release(&made);
    *op = made;
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}

/* The index of the input a shape is for; −1: there is no such input. */
static int find_shape_input(const struct plan *plan, const cop_input_shape *shape)
{
    if (shape->name == NULL)
        return plan->src_count == 1 ? 0 : -1;
    for (int i = 0; i < plan->src_count; i++)
        if (strcmp(plan->srcs[i].name, shape->name) == 0)
            return i;
    return -1;
}

/* The shapes of all inputs of `op`, changed where the caller says so. */
static cop_status merge_shapes(const struct cop_cached_op *op, const cop_input_shape *shapes,
                               size_t count, cop_input_shape *merged, cop_error *error)
{
    for (int i = 0; i < op->plan->src_count; i++) {
        const cop_tensor_desc *src = &op->plan->srcs[i];
        merged[i].name = src->name;
        merged[i].rank = src->rank;
        memcpy(merged[i].shape, src->shape, sizeof merged[i].shape);
    }
    for (size_t i = 0; i < count; i++) {
        const int index = find_shape_input(op->plan, &shapes[i]);
        if (index < 0)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "reshape: there is no input '%s' to take a shape",
                            shapes[i].name == NULL ? "(the only one)" : shapes[i].name);
        if (shapes[i].rank != merged[index].rank)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "reshape: input '%s' has rank %d, not %d", merged[index].name,
                            merged[index].rank, shapes[i].rank);
        for (int k = 0; k < shapes[i].rank; k++)
            if (shapes[i].shape[k] != -1)
                merged[index].shape[k] = shapes[i].shape[k];
    }
    return COP_STATUS_OK;
}

cop_status cop_cached_op_reshape(cop_cached_op *op, const cop_input_shape *shapes,
                                 size_t shape_count, cop_cached_op **reshaped, size_t *added_bytes,
                                 cop_error *error)
{
    if (reshaped == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "reshape: the result pointer is NULL");
    *reshaped = NULL;
    if (op == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "reshape: the operator is NULL");
    cop_status status = check_shapes(shapes, shape_count, error);
    if (status != COP_STATUS_OK)
        return status;

    const int64_t begin_ns = cop_now_ns();
    const size_t src_count = (size_t)op->plan->src_count;
    cop_input_shape *merged = cop_alloc(src_count, sizeof *merged);
    struct cop_cached_op *made = allocate_op(op->model);
    size_t added_weight_bytes = 0;
    if (merged == NULL || made == NULL)
        status = cop_fail_memory(error, "cached operator", sizeof *made);
    if (status == COP_STATUS_OK)
        status = merge_shapes(op, shapes, shape_count, merged, error);
    if (status == COP_STATUS_OK) {
        made->max_contexts = op->max_contexts;
        made->memory_cap_bytes = op->memory_cap_bytes;
        made->tuning = op->tuning;
        made->keep_graph = op->keep_graph;
        made->precision = op->precision;
        made->gpu_kernels = op->gpu_kernels;
        made->output_memory = op->output_memory;
        struct plan_request request = {
            .device = op->plan->devices.devices[0]->id,
            .bindings = {.shapes = merged, .shape_count = src_count},
            .constants = op->constants,
            .constant_count = op->constant_count,
            .extra_outputs = (const char *const *)op->extra_outputs,
            .extra_output_count = op->extra_output_count,
            .intra_op_threads = op->plan->intra_op_threads,
        };
        status = compile(made, &request, &added_weight_bytes, error);
    }
    cop_free(merged);
    if (status != COP_STATUS_OK) {
        cop_cached_op_release(&made);
        return status;
    }
    log_made(made, "reshaped", added_weight_bytes, begin_ns);
    if (added_bytes != NULL)
        *added_bytes = made->plan->plan_bytes + added_weight_bytes;
    *reshaped = made;
    return cop_ok(error);
}
