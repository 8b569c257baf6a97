// SPDX-License-Identifier: Apache-2.0
/* Running a program on arrays. */
#include <string.h>

#include <cachedop/invoke.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/run/mx_program_parts.h"

/* Where an output goes. */
enum place {
    PLACE_NEW,    /* into an array that the run makes */
    PLACE_NONE,   /* into an empty array of the caller */
    PLACE_DIRECT, /* into an array of the caller, by the operator itself */
    PLACE_ASIDE,  /* … made elsewhere and copied: something else of the run lies there */
};

/* Arguments of one run; small ones need no allocation. */
#define USUAL_COUNT 8
struct arguments {
    struct mx_context context;
    cop_ndarray **src, **dst;
    unsigned char *places; /* enum place of each output */
    cop_ndarray *usual_src[USUAL_COUNT], *usual_dst[USUAL_COUNT];
    unsigned char usual_places[USUAL_COUNT];
};

static cop_status check_input(const struct mx_program *program, struct mx_array *const *src, int i,
                              struct mx_context context, cop_error *error)
{
    const struct mx_array *array = src[i];
    const enum mx_input_role role = program->inputs[i].role;
    const bool is_needed = role == MX_INPUT_RUN_TIME || role == MX_INPUT_PARAMETER;
    if (array == NULL || (is_needed && cop_mx_array_is_none(array)))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Check failed: input %d ('%.200s') %s",
                        i, program->inputs[i].name,
                        array == NULL ? "is NULL" : "is an empty array");
    const struct mx_context own = cop_mx_array_context(array);
    if (cop_mx_array_is_none(array) || cop_mx_context_is_equal(own, context))
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "CachedOp requires all inputs to live on the same context. But %.200s is on %s "
                    "while %.200s is on %s",
                    program->inputs[0].name, cop_mx_context_name(context).text,
                    program->inputs[i].name, cop_mx_context_name(own).text);
}

static cop_status check_inputs(const struct mx_program *program, struct mx_array *const *src,
                               cop_error *error)
{
    if (program->input_count == 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "a program without inputs has no context");
    const struct mx_context context = cop_mx_run_context(program, src);
    for (int i = 0; i < program->input_count; i++)
        COP_TRY(check_input(program, src, i, context, error));
    return COP_STATUS_OK;
}

static cop_status fail_output(const struct mx_program *program, int output,
                              const struct mx_array *given, const struct shape *shape, int type,
                              struct mx_context context, cop_error *error)
{
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "Check failed: output %d ('%.200s') is %s %s on %s, but %s %s on %s was given",
                    output, program->outputs[output].name, cop_mx_type_name(type),
                    cop_shape_text(shape).text, cop_mx_context_name(context).text,
                    cop_mx_type_name(given->type), cop_shape_text(&given->shape).text,
                    cop_mx_context_name(cop_mx_array_context(given)).text);
}

/* Whether memory that is given for an output is read by the run, or another output is written
 * there. */
static bool is_shared(const struct mx_program *program, struct mx_array *const *src,
                      struct mx_array *const *dst, int output)
{
    const struct mx_chunk *chunk = dst[output]->chunk;
    for (int i = 0; i < program->input_count; i++)
        if (src[i]->chunk == chunk)
            return true;
    for (int i = 0; i < output; i++)
        if (dst[i] != NULL && dst[i]->chunk == chunk)
            return true;
    return false;
}

/* Before anything runs: arrays that were given fit. */
static cop_status place_outputs(const struct mx_program *program,
                                const struct mx_compiled *compiled, struct mx_array *const *src,
                                struct mx_array *const *dst, struct arguments *arguments,
                                cop_error *error)
{
    const struct mx_context context = arguments->context;
    for (int i = 0, computed = 0; i < program->output_count; i++) {
        const int input = program->outputs[i].input;
        const struct shape *shape = input >= 0 ? &src[input]->shape : &compiled->outputs[computed];
        const int type = input >= 0 ? src[input]->type : compiled->output_types[computed];
        computed += input < 0;
        if (dst[i] == NULL || cop_mx_array_is_none(dst[i])) {
            arguments->places[i] = dst[i] == NULL ? PLACE_NEW : PLACE_NONE;
            continue;
        }
        if (dst[i]->type != type || !cop_shape_equal(&dst[i]->shape, shape) ||
            !cop_mx_context_is_equal(cop_mx_array_context(dst[i]), context))
            return fail_output(program, i, dst[i], shape, type, context, error);
        arguments->places[i] = is_shared(program, src, dst, i) ? PLACE_ASIDE : PLACE_DIRECT;
    }
    return COP_STATUS_OK;
}

static cop_status make_room(const struct mx_program *program, const struct mx_binding *binding,
                            struct arguments *arguments, cop_error *error)
{
    const size_t src_count = binding == NULL ? 0 : (size_t)binding->graph_input_count;
    const size_t dst_count = (size_t)program->output_count; /* at least the computed ones */
    const bool is_usual = dst_count <= USUAL_COUNT;
    arguments->src = src_count <= USUAL_COUNT ? arguments->usual_src
                                              : cop_alloc(src_count, sizeof(cop_ndarray *));
    arguments->dst = is_usual ? arguments->usual_dst : cop_alloc(dst_count, sizeof(cop_ndarray *));
    arguments->places = is_usual ? arguments->usual_places : cop_alloc(dst_count, 1);
    if (arguments->src == NULL || arguments->dst == NULL || arguments->places == NULL)
        return cop_fail_memory(error, "a run's arguments",
                               (src_count + dst_count) * sizeof(cop_ndarray *));
    memset(arguments->dst, 0, dst_count * sizeof(cop_ndarray *));
    return COP_STATUS_OK;
}

static cop_status open_arguments(const struct mx_program *program, const struct mx_binding *binding,
                                 struct mx_array *const *src, struct mx_array *const *dst,
                                 struct arguments *arguments, cop_error *error)
{
    for (int i = 0; i < binding->bound_count; i++) {
        const struct mx_bound_input *bound = &binding->bound[i];
        if (bound->graph_input >= 0)
            COP_TRY(
                cop_mx_array_open(src[bound->input], &arguments->src[bound->graph_input], error));
    }
    for (int i = 0, computed = 0; i < program->output_count; i++) {
        if (program->outputs[i].input >= 0)
            continue;
        cop_ndarray *opened = NULL;
        if (arguments->places[i] == PLACE_DIRECT)
            COP_TRY(cop_mx_array_open(dst[i], &opened, error));
        if (opened != NULL)
            arguments->dst[computed] = cop_ndarray_retain(opened);
        computed++;
    }
    return COP_STATUS_OK;
}

static void close_arguments(const struct mx_program *program, struct arguments *arguments)
{
    for (int i = 0; i < program->computed_count && arguments->dst != NULL; i++)
        cop_ndarray_release(&arguments->dst[i]);
    if (arguments->src != arguments->usual_src)
        cop_free(arguments->src);
    if (arguments->dst != arguments->usual_dst)
        cop_free(arguments->dst);
    if (arguments->places != arguments->usual_places)
        cop_free(arguments->places);
}

/* Writes in place count as writes of the arrays. */
static void count_writes(const struct mx_program *program, const struct arguments *arguments,
                         struct mx_array *const *dst, void (*count)(struct mx_chunk *chunk))
{
    for (int i = 0; i < program->output_count; i++)
        if (arguments->places[i] == PLACE_DIRECT && program->outputs[i].input < 0)
            count(dst[i]->chunk);
}

static cop_status invoke(const struct mx_program *program, const struct mx_binding *binding,
                         const struct mx_compiled *compiled, struct arguments *arguments,
                         struct mx_array *const *dst, cop_error *error)
{
    bool behind;
    COP_TRY(cop_mx_runs_behind(binding->context, &behind, error));
    count_writes(program, arguments, dst, cop_mx_chunk_begin_write);
    const cop_status status = (behind ? cop_invoke_async : cop_invoke)(
        compiled->op, (size_t)binding->graph_input_count, arguments->src,
        (size_t)program->computed_count, arguments->dst, NULL, error);
    count_writes(program, arguments, dst, cop_mx_chunk_end_write);
    return status;
}

/* Puts a result where it belongs. Takes `made` over. */
static cop_status deliver(cop_ndarray *made, enum place place, struct mx_context context,
                          struct mx_array **dst, cop_error *error)
{
    cop_ndarray *given = NULL;
    cop_status status = COP_STATUS_OK;
    if (place == PLACE_NEW)
        return cop_mx_array_adopt(made, context, dst, error);
    if (place == PLACE_NONE)
        return cop_mx_array_adopt_into(*dst, made, context, error);
    if (place == PLACE_ASIDE) {
        status = cop_mx_array_open(*dst, &given, error);
        cop_mx_chunk_begin_write((*dst)->chunk);
        if (status == COP_STATUS_OK)
            status = cop_ndarray_copy(made, given, error);
        cop_mx_chunk_end_write((*dst)->chunk);
    }
    cop_ndarray_release(&made);
    return status;
}

/* An output that is an input shares its memory, or is copied where memory was given. */
static cop_status deliver_input(const struct mx_array *input, enum place place,
                                struct mx_array **dst, cop_error *error)
{
    if (place == PLACE_NEW)
        return cop_mx_array_share(input, dst, error);
    if (place == PLACE_NONE)
        return cop_mx_array_share_into(input, *dst, error);
    const bool is_same =
        (*dst)->chunk == input->chunk && (*dst)->offset_bytes == input->offset_bytes;
    return is_same ? COP_STATUS_OK : cop_mx_array_copy(input, *dst, error);
}

static cop_status deliver_all(const struct mx_program *program, struct arguments *arguments,
                              struct mx_array *const *src, struct mx_array **dst, int *delivered,
                              cop_error *error)
{
    for (int i = 0, computed = 0; i < program->output_count; i++) {
        const enum place place = (enum place)arguments->places[i];
        const int input = program->outputs[i].input;
        if (input >= 0) {
            COP_TRY(deliver_input(src[input], place, &dst[i], error));
        } else {
            cop_ndarray *made = arguments->dst[computed];
            arguments->dst[computed++] = NULL; /* handed over */
            COP_TRY(deliver(made, place, arguments->context, &dst[i], error));
        }
        *delivered = i + 1;
    }
    return COP_STATUS_OK;
}

/* After a failure: what was made goes, what was empty is empty again. */
static void take_back(const struct arguments *arguments, struct mx_array **dst, int delivered)
{
    for (int i = 0; i < delivered; i++) {
        if (arguments->places[i] == PLACE_NONE)
            cop_mx_array_empty(dst[i]);
        if (arguments->places[i] != PLACE_NEW)
            continue;
        cop_mx_array_destroy(dst[i]);
        dst[i] = NULL;
    }
}

/* `binding` and `compiled` are NULL where every output is an input. */
static cop_status run_compiled(const struct mx_program *program, const struct mx_binding *binding,
                               const struct mx_compiled *compiled, struct mx_array *const *src,
                               struct mx_array **dst, cop_error *error)
{
    struct arguments arguments;
    int delivered = 0;
    arguments.context = cop_mx_run_context(program, src);
    cop_status status = make_room(program, binding, &arguments, error);
    if (status == COP_STATUS_OK)
        status = place_outputs(program, compiled, src, dst, &arguments, error);
    if (status == COP_STATUS_OK && binding != NULL)
        status = open_arguments(program, binding, src, dst, &arguments, error);
    if (status == COP_STATUS_OK && binding != NULL)
        status = invoke(program, binding, compiled, &arguments, dst, error);
    if (status == COP_STATUS_OK)
        status = deliver_all(program, &arguments, src, dst, &delivered, error);
    if (status != COP_STATUS_OK)
        take_back(&arguments, dst, delivered);
    close_arguments(program, &arguments);
    return status;
}

static cop_status run_computed(struct mx_program *program, struct mx_array *const *src,
                               struct mx_array **dst, cop_error *error)
{
    struct mx_reader reader = cop_mx_epochs_enter(&program->epochs);
    struct mx_binding *binding = cop_mx_find_binding(program, src);
    struct mx_compiled *compiled =
        binding == NULL ? NULL : cop_mx_find_compiled(program, binding, src);
    if (compiled == NULL) {
        cop_mx_epochs_leave(reader);
        COP_TRY(cop_mx_make_compiled(program, src, &reader, &binding, &compiled, error));
    }
    const cop_status status = run_compiled(program, binding, compiled, src, dst, error);
    cop_mx_epochs_leave(reader);
    return status;
}

cop_status cop_mx_program_run(struct mx_program *program, struct mx_array *const *src,
                              struct mx_array **dst, cop_error *error)
{
    COP_TRY(check_inputs(program, src, error));
    if (program->computed_count == 0)
        return run_compiled(program, NULL, NULL, src, dst, error);
    return run_computed(program, src, dst, error);
}
