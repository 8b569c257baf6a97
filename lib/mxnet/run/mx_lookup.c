// SPDX-License-Identifier: Apache-2.0
/*
 * Finding what a run needs: the binding of its parameters, and there the operator of its shapes.
 * What every call does, so that it compares numbers and takes no lock.
 */
#include "base/error.h"
#include "mxnet/run/mx_program_parts.h"

/* The version is compared by a plain load: whoever wrote the array before this call in any order
 * that the client established has counted it up before. */
static bool is_same_parameter(const struct mx_packed *parameter, const struct mx_array *array)
{
    const struct mx_chunk *chunk = array->chunk;
    return chunk == parameter->chunk && array->offset_bytes == parameter->offset_bytes &&
           array->type == parameter->type &&
           atomic_load_explicit(&chunk->writes_begun, memory_order_relaxed) == parameter->version &&
           cop_shape_equal(&array->shape, &parameter->shape);
}

/* Of arrays whose address the client has. */
static bool is_same_content(const struct mx_packed *parameter, const struct mx_array *array)
{
    struct hash hash;
    cop_error ignored; /* what cannot be read is found again when it is packed */
    if (!atomic_load_explicit(&array->chunk->is_exposed, memory_order_relaxed))
        return true;
    return parameter->has_hash && cop_mx_content_hash(array, &hash, &ignored) == COP_STATUS_OK &&
           cop_hash_equal(hash, parameter->hash);
}

struct mx_context cop_mx_run_context(const struct mx_program *program, struct mx_array *const *src)
{
    for (int i = 0; i < program->input_count; i++)
        if (src[i] != NULL && !cop_mx_array_is_none(src[i]))
            return src[i]->chunk->context;
    return (struct mx_context){0, 0};
}

bool cop_mx_binding_is_current(const struct mx_binding *binding, struct mx_array *const *src)
{
    for (int i = 0; i < binding->parameter_count; i++)
        if (!is_same_parameter(&binding->parameters[i], src[binding->parameters[i].input]))
            return false;
    for (int i = 0; i < binding->parameter_count; i++)
        if (!is_same_content(&binding->parameters[i], src[binding->parameters[i].input]))
            return false;
    return true;
}

static bool is_binding_of(const struct mx_binding *binding, struct mx_array *const *src,
                          struct mx_context context)
{
    if (!cop_mx_context_is_equal(binding->context, context))
        return false;
    for (int i = 0; i < binding->bound_count; i++) {
        const struct mx_bound_input *bound = &binding->bound[i];
        const struct mx_array *array = src[bound->input];
        if (array->type != bound->type || array->shape.rank != bound->rank)
            return false;
    }
    return cop_mx_binding_is_current(binding, src);
}

static bool is_compiled_for(const struct mx_binding *binding, const struct mx_compiled *compiled,
                            struct mx_array *const *src)
{
    for (int i = 0; i < binding->bound_count; i++)
        if (!cop_shape_equal(&src[binding->bound[i].input]->shape, &compiled->key[i]))
            return false;
    return true;
}

/* Stores only news: the line would go from processor to processor otherwise. */
static void note_use(_Atomic uint64_t *last_used, const struct mx_program *program)
{
    const uint64_t now = atomic_load_explicit(&program->tick, memory_order_relaxed);
    if (atomic_load_explicit(last_used, memory_order_relaxed) != now)
        atomic_store_explicit(last_used, now, memory_order_relaxed);
}

struct mx_binding *cop_mx_find_binding(struct mx_program *program, struct mx_array *const *src)
{
    const struct mx_binding_list *list = atomic_load(&program->bindings);
    const struct mx_context context = cop_mx_run_context(program, src);
    for (int i = 0; list != NULL && i < list->count; i++) {
        struct mx_binding *binding = list->bindings[i];
        if (binding->is_for_one_shape) {
            const struct mx_compiled_list *operators = atomic_load(&binding->operators);
            if (operators == NULL || !is_compiled_for(binding, operators->compiled[0], src))
                continue;
        }
        if (!is_binding_of(binding, src, context))
            continue;
        note_use(&binding->last_used, program);
        return binding;
    }
    return NULL;
}

struct mx_compiled *cop_mx_find_compiled(struct mx_program *program, struct mx_binding *binding,
                                         struct mx_array *const *src)
{
    const struct mx_compiled_list *list = atomic_load(&binding->operators);
    for (int i = 0; list != NULL && i < list->count; i++) {
        struct mx_compiled *compiled = list->compiled[i];
        if (!is_compiled_for(binding, compiled, src))
            continue;
        note_use(&compiled->last_used, program);
        if (!atomic_load_explicit(&binding->was_found, memory_order_relaxed))
            atomic_store_explicit(&binding->was_found, true, memory_order_relaxed);
        return compiled;
    }
    return NULL;
}
