// SPDX-License-Identifier: Apache-2.0
/* What a run does that nothing was compiled for yet: one thread compiles, others of the program
 * wait. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/run/mx_program_parts.h"

/* Parameters that are written faster than they can be packed are the client's mistake. */
#define MOST_ATTEMPTS 32

/* Objects out of reach that may wait for readers, before one who compiles waits for these. */
#define MOST_RETIRED 64

void cop_mx_compiled_destroy(struct mx_compiled *compiled)
{
    if (compiled == NULL)
        return;
    cop_cached_op_release(&compiled->op);
    cop_free(compiled->key);
    cop_free(compiled->outputs);
    cop_free(compiled->output_types);
    cop_free(compiled);
}

static void destroy_compiled(struct mx_retired *retired)
{
    cop_mx_compiled_destroy((struct mx_compiled *)retired); /* its first member */
}

static void destroy_list(struct mx_retired *retired)
{
    cop_free(retired);
}

/* One operator made of the same packed weights can make others. */
static cop_cached_op *first_operator(const struct mx_binding *binding)
{
    const struct mx_compiled_list *list = atomic_load(&binding->operators);
    return list == NULL || list->count == 0 ? NULL : list->compiled[0]->op;
}

static cop_status make_operator(const struct mx_binding *binding, struct mx_array *const *src,
                                cop_cached_op **op, cop_error *error)
{
    const size_t count = (size_t)binding->graph_input_count;
    cop_input_shape *shapes = cop_alloc(count, sizeof *shapes);
    if (shapes == NULL)
        return cop_fail_memory(error, "the shapes of inputs", count * sizeof *shapes);
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < binding->bound_count && status == COP_STATUS_OK; i++) {
        const struct mx_bound_input *bound = &binding->bound[i];
        if (bound->graph_input < 0)
            continue;
        const struct shape *shape = &src[bound->input]->shape;
        cop_tensor_desc desc;
        status = cop_model_input(binding->model, (size_t)bound->graph_input, &desc, error);
        cop_input_shape *given = &shapes[bound->graph_input];
        given->name = desc.name;
        given->rank = shape->rank;
        memcpy(given->shape, shape->dims, sizeof given->shape);
    }
    cop_cached_op *first = first_operator(binding);
    if (status == COP_STATUS_OK && first != NULL) {
        status = cop_cached_op_reshape(first, shapes, count, op, NULL, error);
    } else if (status == COP_STATUS_OK) {
        cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
        options.device = cop_mx_context_device(binding->context);
        options.input_shapes = shapes;
        options.input_shape_count = count;
        options.max_contexts = cop_mx_worthwhile_contexts();
        options.output_memory = cop_mx_context_memory(binding->context);
        status = cop_cached_op_create(binding->model, &options, op, error);
    }
    cop_free(shapes);
    return status;
}

static cop_status describe_outputs(const struct mx_binding *binding, struct mx_compiled *compiled,
                                   cop_error *error)
{
    for (int i = 0; i < binding->computed_count; i++) {
        cop_tensor_desc desc;
        COP_TRY(cop_cached_op_output(compiled->op, (size_t)i, &desc, error));
        compiled->outputs[i] = cop_shape_of(desc.rank, desc.shape);
        compiled->output_types[i] = cop_mx_type_of(desc.dtype);
    }
    return COP_STATUS_OK;
}

cop_status cop_mx_compile(struct mx_program *program, struct mx_binding *binding,
                          struct mx_array *const *src, struct mx_compiled **compiled,
                          cop_error *error)
{
    struct mx_compiled *made = cop_alloc(1, sizeof *made);
    *compiled = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "an operator", sizeof *made);
    made->retired.destroy = destroy_compiled;
    made->key = cop_alloc((size_t)binding->bound_count, sizeof *made->key);
    made->outputs = cop_alloc((size_t)binding->computed_count, sizeof *made->outputs);
    made->output_types = cop_alloc((size_t)binding->computed_count, sizeof *made->output_types);
    cop_status status = COP_STATUS_OK;
    if (made->key == NULL || made->outputs == NULL || made->output_types == NULL)
        status = cop_fail_memory(error, "an operator", sizeof *made);
    for (int i = 0; i < binding->bound_count && status == COP_STATUS_OK; i++)
        made->key[i] = src[binding->bound[i].input]->shape;
    if (status == COP_STATUS_OK)
        status = make_operator(binding, src, &made->op, error);
    if (status == COP_STATUS_OK)
        status = describe_outputs(binding, made, error);
    if (status == COP_STATUS_OK) {
        program->operators_made++;
        *compiled = made;
    } else {
        cop_mx_compiled_destroy(made);
    }
    return status;
}

static uint64_t used_at(const _Atomic uint64_t *last_used)
{
    return atomic_load_explicit(last_used, memory_order_relaxed);
}

/* Puts an operator in front; the one that was not used for longest goes if there are too many. */
static cop_status publish_compiled(struct mx_program *program, struct mx_binding *binding,
                                   struct mx_compiled *compiled, cop_error *error)
{
    struct mx_compiled_list *old = atomic_load(&binding->operators);
    const int old_count = old == NULL ? 0 : old->count;
    struct mx_compiled_list *list =
        cop_alloc(1, sizeof *list + ((size_t)old_count + 1) * sizeof(struct mx_compiled *));
    if (list == NULL)
        return cop_fail_memory(error, "a program's operators", sizeof *list);
    int oldest = -1;
    for (int i = 0; i < old_count && old_count >= program->most_operators; i++)
        if (oldest < 0 ||
            used_at(&old->compiled[i]->last_used) < used_at(&old->compiled[oldest]->last_used))
            oldest = i;
    list->retired.destroy = destroy_list;
    list->compiled[list->count++] = compiled;
    for (int i = 0; i < old_count; i++)
        if (i != oldest)
            list->compiled[list->count++] = old->compiled[i];
    atomic_store(&binding->operators, list);
    if (oldest >= 0)
        cop_mx_epochs_retire(&program->epochs, &old->compiled[oldest]->retired);
    if (old != NULL)
        cop_mx_epochs_retire(&program->epochs, &old->retired);
    return COP_STATUS_OK;
}

/* The binding to give up: `kept` bindings or more are too many. −1: none. */
static int find_oldest(const struct mx_binding_list *list, const bool *is_gone, int kept)
{
    int oldest = -1, left = 0;
    for (int i = 0; i < list->count; i++) {
        left += !is_gone[i];
        if (!is_gone[i] && (oldest < 0 || used_at(&list->bindings[i]->last_used) <
                                              used_at(&list->bindings[oldest]->last_used)))
            oldest = i;
    }
    return left > kept ? oldest : -1;
}

/*
 * Puts a binding in front (NULL: none). What was packed of arrays that were written since can never
 * be used again and goes, then what was not used for longest. `keeps_none`: all others go.
 */
static cop_status publish_binding(struct mx_program *program, struct mx_binding *binding,
                                  bool keeps_none, cop_error *error)
{
    struct mx_binding_list *old = atomic_load(&program->bindings);
    const int old_count = old == NULL ? 0 : old->count;
    bool is_gone[COP_MX_MAX_BINDINGS] = {false};
    struct mx_binding_list *list =
        cop_alloc(1, sizeof *list + ((size_t)old_count + 1) * sizeof(struct mx_binding *));
    if (list == NULL)
        return cop_fail_memory(error, "a program's parameters", sizeof *list);
    list->retired.destroy = destroy_list;
    for (int i = 0; i < old_count; i++)
        is_gone[i] = keeps_none || cop_mx_binding_is_stale(old->bindings[i]);
    if (old != NULL && !keeps_none) {
        const int oldest = find_oldest(old, is_gone, COP_MX_MAX_BINDINGS - 1);
        if (oldest >= 0)
            is_gone[oldest] = true;
    }
    if (binding != NULL)
        list->bindings[list->count++] = binding;
    for (int i = 0; i < old_count; i++)
        if (!is_gone[i])
            list->bindings[list->count++] = old->bindings[i];
    atomic_store(&program->bindings, list);
    for (int i = 0; i < old_count; i++)
        if (is_gone[i])
            cop_mx_epochs_retire(&program->epochs, &old->bindings[i]->retired);
    if (old != NULL)
        cop_mx_epochs_retire(&program->epochs, &old->retired);
    return COP_STATUS_OK;
}

/* Parameters that are new at every call are not worth packing: from now on they are plain inputs.
 */
static cop_status notice_fruitless(struct mx_program *program, struct mx_array *const *src,
                                   cop_error *error)
{
    const struct mx_binding_list *list = atomic_load(&program->bindings);
    if (list == NULL || list->count == 0 || cop_mx_binding_is_current(list->bindings[0], src))
        return COP_STATUS_OK; /* it was a matter of types or shapes */
    const bool was_found =
        atomic_load_explicit(&list->bindings[0]->was_found, memory_order_relaxed);
    program->fruitless_count = was_found ? 0 : program->fruitless_count + 1;
    if (program->fruitless_count < COP_MX_FRUITLESS_BINDINGS)
        return COP_STATUS_OK;
    atomic_store(&program->packs_nothing, true);
    return publish_binding(program, NULL, true, error);
}

/* Says what does not fit in MXNet's words, where shapes alone tell. */
static cop_status check_shapes(struct mx_program *program, struct mx_array *const *src,
                               cop_error *error)
{
    struct mx_shapes shapes;
    cop_error reason = {COP_STATUS_OK, ""};
    COP_TRY(cop_mx_shapes_open(&program->order, &shapes, error));
    for (int i = 0; i < program->input_count; i++)
        if (src[i] != NULL && !cop_mx_array_is_none(src[i]))
            shapes.shapes[program->inputs[i].node][0] = src[i]->shape;
    const cop_status status =
        cop_mx_shapes_infer(program->symbol, &program->order, NULL, &shapes, &reason);
    cop_mx_shapes_close(&shapes);
    if (status == COP_STATUS_OK || status == COP_STATUS_UNSUPPORTED)
        return COP_STATUS_OK; /* compiling tells what is not supported */
    return cop_fail(error, status, "%s", reason.message);
}

/* Packing and publishing a binding of what the arrays hold now, with its first operator. */
static cop_status fill_binding(struct mx_program *program, struct mx_binding *binding,
                               struct mx_array *const *src, struct mx_compiled **compiled,
                               cop_error *error)
{
    COP_TRY(cop_mx_compile(program, binding, src, compiled, error));
    cop_status status = COP_STATUS_OK;
    if (!cop_mx_binding_is_current(binding, src))
        status = cop_fail(error, COP_STATUS_IO, "parameters were written while they were packed");
    if (status == COP_STATUS_OK)
        status = publish_compiled(program, binding, *compiled, error);
    if (status != COP_STATUS_OK) {
        cop_mx_compiled_destroy(*compiled);
        return status;
    }
    return publish_binding(program, binding, false, error);
}

static cop_status make_binding(struct mx_program *program, struct mx_array *const *src,
                               struct mx_binding **binding, struct mx_compiled **compiled,
                               cop_error *error)
{
    COP_TRY(notice_fruitless(program, src, error));
    COP_TRY(cop_mx_binding_create(program, src, binding, error));
    const cop_status status = fill_binding(program, *binding, src, compiled, error);
    if (status == COP_STATUS_OK) {
        program->bindings_made++;
    } else {
        cop_mx_binding_destroy(*binding);
        *binding = NULL;
        *compiled = NULL;
    }
    return status;
}

static cop_status make_locked(struct mx_program *program, struct mx_array *const *src,
                              struct mx_binding **binding, struct mx_compiled **compiled,
                              cop_error *error) COP_REQUIRES(program->lock)
{
    *binding = cop_mx_find_binding(program, src);
    *compiled = *binding == NULL ? NULL : cop_mx_find_compiled(program, *binding, src);
    if (*compiled != NULL)
        return COP_STATUS_OK;
    atomic_fetch_add_explicit(&program->tick, 1, memory_order_relaxed);
    COP_TRY(check_shapes(program, src, error));
    if (*binding == NULL)
        return make_binding(program, src, binding, compiled, error);
    COP_TRY(cop_mx_compile(program, *binding, src, compiled, error));
    const cop_status status = publish_compiled(program, *binding, *compiled, error);
    if (status != COP_STATUS_OK) {
        cop_mx_compiled_destroy(*compiled);
        *compiled = NULL;
    }
    return status;
}

cop_status cop_mx_make_compiled(struct mx_program *program, struct mx_array *const *src,
                                struct mx_reader *reader, struct mx_binding **binding,
                                struct mx_compiled **compiled, cop_error *error)
{
    cop_status status = COP_STATUS_INTERNAL;
    cop_lock_acquire(&program->lock);
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        /* Who compiles is the only one who takes anything out of reach: what is found here stays.
         */
        status = make_locked(program, src, binding, compiled, error);
        if (status != COP_STATUS_IO) /* written meanwhile: the newest content counts */
            break;
    }
    cop_mx_epochs_reclaim(&program->epochs, MOST_RETIRED);
    if (status == COP_STATUS_OK)
        *reader = cop_mx_epochs_enter(&program->epochs);
    cop_lock_release(&program->lock);
    return status;
}
