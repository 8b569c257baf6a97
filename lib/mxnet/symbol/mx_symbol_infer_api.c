// SPDX-License-Identifier: Apache-2.0
/* Inference of shapes and types as the API has it: what is known comes by name or by position, what
 * follows goes out in three lists, of arguments, outputs and auxiliary states. */
#include <mxnet/c_api/infer.h>

#include "base/alloc.h"
#include "mxnet/array/mx_array.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_names.h"
#include "mxnet/base/mx_returns.h"
#include "mxnet/symbol/mx_node.h"

/* The three widths in which shapes come and go. */
enum width { WIDTH_UINT32, WIDTH_INT32, WIDTH_INT64 };

/* What the caller knows: `count` shapes or types. */
struct known {
    uint32_t count;
    const char *const *keys; /* NULL: by position, of arguments */
    const void *offsets;     /* count + 1, of 32 bits (unsigned) or 64 */
    const void *dims;
    const int *types;
    enum width width;
};

/* A symbol with its lists of inputs. */
struct inference {
    const struct mx_symbol *symbol;
    struct mx_order order;
    int *arguments, *auxiliaries; /* where they stand in the order */
    size_t argument_count, auxiliary_count;
    struct mx_shapes shapes;
    struct mx_types types;
};

static cop_status open_inference(SymbolHandle handle, struct inference *inference, cop_error *error)
{
    *inference = (struct inference){.symbol = handle};
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_SYMBOL, "sym", error));
    COP_TRY(cop_mx_symbol_order(handle, &inference->order, error));
    COP_TRY(cop_mx_order_inputs(&inference->order, MX_INPUTS_ARGUMENTS, &inference->arguments,
                                &inference->argument_count, error));
    return cop_mx_order_inputs(&inference->order, MX_INPUTS_AUXILIARY, &inference->auxiliaries,
                               &inference->auxiliary_count, error);
}

static void close_inference(struct inference *inference)
{
    cop_mx_shapes_close(&inference->shapes);
    cop_mx_types_close(&inference->types);
    cop_free(inference->arguments);
    cop_free(inference->auxiliaries);
    cop_mx_order_free(&inference->order);
}

static cop_status fail_key(const struct inference *inference, const char *function, const char *key,
                           cop_error *error)
{
    const cop_status status =
        cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                 "%sKeyword argument name %.100s not found. Candidate arguments:", function, key);
    for (size_t i = 0; i < inference->argument_count && i < 64; i++)
        cop_mx_add_line(error, "[%zu]%s", i, inference->order.nodes[inference->arguments[i]]->name);
    return status;
}

static const char *name_at(const struct inference *inference, const int *list, size_t index)
{
    return inference->order.nodes[list[index]]->name;
}

typedef cop_status visit_known(struct inference *inference, const struct known *known,
                               uint32_t index, int node, cop_error *error);

/* The names of all variables, with their places in the order. */
static cop_status index_variables(const struct inference *inference, struct mx_names *names,
                                  cop_error *error)
{
    const size_t arguments = inference->argument_count, auxiliaries = inference->auxiliary_count;
    COP_TRY(cop_mx_names_open(names, arguments + auxiliaries, error));
    for (size_t i = 0; i < arguments; i++)
        cop_mx_names_add(names, name_at(inference, inference->arguments, i),
                         inference->arguments[i]);
    for (size_t i = 0; i < auxiliaries; i++)
        cop_mx_names_add(names, name_at(inference, inference->auxiliaries, i),
                         inference->auxiliaries[i]);
    cop_mx_names_sort(names);
    return COP_STATUS_OK;
}

static cop_status visit_by_name(struct inference *inference, const struct known *known,
                                const char *function, visit_known *visit, cop_error *error)
{
    struct mx_names names;
    cop_status status = index_variables(inference, &names, error);
    for (uint32_t i = 0; i < known->count && status == COP_STATUS_OK; i++) {
        size_t count = 0;
        const struct mx_name *found =
            known->keys[i] == NULL ? NULL : cop_mx_names_find(&names, known->keys[i], &count);
        if (known->keys[i] == NULL)
            status = cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "keys[%u] is NULL", i);
        else if (found == NULL)
            status = fail_key(inference, function, known->keys[i], error);
        for (size_t k = 0; k < count && status == COP_STATUS_OK; k++)
            status = visit(inference, known, i, found[k].index, error);
    }
    cop_mx_names_close(&names);
    return status;
}

/* Gives `visit` every variable that a known one is for: names may stand at several. */
static cop_status for_each_known(struct inference *inference, const struct known *known,
                                 const char *function, visit_known *visit, cop_error *error)
{
    if (known->keys == NULL && known->count > inference->argument_count)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: %u known arguments, the symbol has %zu", known->count,
                        inference->argument_count);
    if (known->keys != NULL)
        return visit_by_name(inference, known, function, visit, error);
    for (uint32_t i = 0; i < known->count; i++)
        COP_TRY(visit(inference, known, i, inference->arguments[i], error));
    return COP_STATUS_OK;
}

static int64_t offset_at(const struct known *known, uint32_t index)
{
    return known->width == WIDTH_INT64 ? ((const int64_t *)known->offsets)[index]
                                       : ((const uint32_t *)known->offsets)[index];
}

static int64_t dim_at(const struct known *known, int64_t index)
{
    if (known->width == WIDTH_INT64)
        return ((const int64_t *)known->dims)[index];
    return known->width == WIDTH_INT32 ? ((const int *)known->dims)[index]
                                       : (int64_t)((const uint32_t *)known->dims)[index];
}

/* Without numpy's shapes no dimensions, and dimensions of 0, are unknown. */
static cop_status give_shape(struct inference *inference, const struct known *known, uint32_t index,
                             int node, cop_error *error)
{
    const int64_t begin = offset_at(known, index), end = offset_at(known, index + 1);
    const bool is_numpy = cop_mx_is_numpy_shape();
    if (begin < 0 || end < begin)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "arg_ind_ptr[%u] is %lld, after %lld: offsets do not decrease", index + 1,
                        (long long)end, (long long)begin);
    if (end - begin > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "argument '%.100s' has %lld dimensions, at most %d are supported",
                        inference->order.nodes[node]->name, (long long)(end - begin), COP_MAX_RANK);
    if (begin == end && !is_numpy)
        return COP_STATUS_OK;
    struct shape *shape = &inference->shapes.shapes[node][0];
    *shape = (struct shape){.rank = (int)(end - begin)};
    for (int i = 0; i < shape->rank; i++) {
        const int64_t dim = dim_at(known, begin + i);
        const bool is_unknown = dim < 0 || (dim == 0 && !is_numpy);
        if (dim > COP_MAX_ELEMENTS)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "argument '%.100s': dimension %d is %lld",
                            inference->order.nodes[node]->name, i, (long long)dim);
        shape->dims[i] = is_unknown ? COP_UNKNOWN : dim;
    }
    return COP_STATUS_OK;
}

static cop_status give_type(struct inference *inference, const struct known *known, uint32_t index,
                            int node, cop_error *error)
{
    const int type = known->types[index];
    if (type != MX_TYPE_NONE && !cop_mx_type_is_one(type))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "argument '%.100s': type %d is none",
                        inference->order.nodes[node]->name, type);
    inference->types.types[node][0] = type;
    return COP_STATUS_OK;
}

/* One of the three lists of results, as entries of the order. */
struct results {
    enum mx_slot slot;
    size_t count;
    const int *nodes; /* NULL: outputs of the symbol */
    const struct mx_symbol *symbol;
};

static void find_entry(const struct inference *inference, const struct results *results,
                       size_t index, int *node, int *output)
{
    if (results->nodes != NULL) {
        *node = results->nodes[index];
        *output = 0;
        return;
    }
    const struct mx_entry *entry = &results->symbol->outputs[index];
    *node = cop_mx_order_find(&inference->order, entry->node);
    *output = entry->index;
}

/* Where a list of shapes goes: an array of ranks, one of pointers, and the dimensions. */
struct shape_places {
    const void *ranks; /* int or uint32_t */
    const void *pointers;
};

static void write_dims(void *place, const struct shape *shape, enum width width, bool is_numpy)
{
    for (int i = 0; i < shape->rank; i++) {
        const int64_t open = is_numpy ? -1 : 0;
        const int64_t dim = shape->dims[i] == COP_UNKNOWN ? open : shape->dims[i];
        if (width == WIDTH_INT64)
            ((int64_t *)place)[i] = dim;
        else
            ((int32_t *)place)[i] =
                (int32_t)dim; /* checked: elements fit 31 bits, or are unknown */
    }
}

static cop_status return_shapes(const struct inference *inference, const struct results *results,
                                enum width width, struct shape_places *places, bool *is_complete,
                                cop_error *error)
{
    const size_t dim_bytes = width == WIDTH_INT64 ? sizeof(int64_t) : sizeof(int32_t);
    const size_t count = results->count, row = COP_MAX_RANK * dim_bytes;
    const bool is_numpy = cop_mx_is_numpy_shape();
    void *memory;
    COP_TRY(cop_mx_slot_take(results->slot, count * (sizeof(void *) + row + sizeof(int)), &memory,
                             error));
    void **pointers = memory;
    char *dims = (char *)(pointers + count);
    int *ranks = (int *)(void *)(dims + count * row);
    for (size_t i = 0; i < count; i++) {
        int node, output;
        find_entry(inference, results, i, &node, &output);
        const struct shape *shape = &inference->shapes.shapes[node][output];
        pointers[i] = dims + i * row;
        ranks[i] = shape->rank == COP_UNKNOWN ? (is_numpy ? -1 : 0) : shape->rank;
        write_dims(pointers[i], shape, width, is_numpy);
        *is_complete = *is_complete && cop_shape_is_known(shape);
    }
    *places = (struct shape_places){ranks, (const void *)pointers};
    return COP_STATUS_OK;
}

/* Results of the API's functions: sizes, ranks and pointers of arguments, outputs and auxiliary
 * states. */
struct shape_answer {
    size_t sizes[3];
    struct shape_places places[3];
    bool is_complete;
};

static cop_status answer_shapes(struct inference *inference, const struct known *known,
                                struct shape_answer *answer, cop_error *error)
{
    COP_TRY(cop_mx_types_open(&inference->order, &inference->types, error));
    COP_TRY(cop_mx_shapes_open(&inference->order, &inference->shapes, error));
    COP_TRY(for_each_known(inference, known, "InferShape", give_shape, error));
    /* Types decide no shape, so that some which contradict each other are no reason to fail here.
     */
    const cop_status typed = cop_mx_types_infer(&inference->order, &inference->types, error);
    if (typed == COP_STATUS_OUT_OF_MEMORY)
        return typed;
    COP_TRY(cop_mx_shapes_infer(inference->symbol, &inference->order,
                                typed == COP_STATUS_OK ? &inference->types : NULL,
                                &inference->shapes, error));
    const struct results results[] = {
        {MX_SLOT_ARGUMENTS, inference->argument_count, inference->arguments, NULL},
        {MX_SLOT_OUTPUTS, (size_t)inference->symbol->output_count, NULL, inference->symbol},
        {MX_SLOT_AUXILIARY, inference->auxiliary_count, inference->auxiliaries, NULL},
    };
    answer->is_complete = true;
    for (int i = 0; i < 3; i++) {
        answer->sizes[i] = results[i].count;
        COP_TRY(return_shapes(inference, &results[i], known->width, &answer->places[i],
                              &answer->is_complete, error));
    }
    return COP_STATUS_OK;
}

static cop_status infer_shapes(SymbolHandle sym, const struct known *known,
                               struct shape_answer *answer, cop_error *error)
{
    struct inference inference;
    cop_status status = COP_STATUS_OK;
    if (known->count > 0 && known->offsets == NULL)
        return cop_mx_fail_null("arg_ind_ptr", error);
    if (known->count > 0 && known->dims == NULL &&
        offset_at(known, known->count) > offset_at(known, 0))
        return cop_mx_fail_null("arg_shape_data", error);
    status = open_inference(sym, &inference, error);
    if (status == COP_STATUS_OK)
        status = answer_shapes(&inference, known, answer, error);
    close_inference(&inference);
    return status;
}

/* The six functions differ in their types, and in what they say of how complete it is: partial
 * inference is never less than it wants to be. */
#define INFER_SHAPES(name, width_name, is_partial, offset_type, dim_type, size_type, rank_type)    \
    int name(SymbolHandle sym, uint32_t num_args, const char **keys,                               \
             const offset_type *arg_ind_ptr, const dim_type *arg_shape_data,                       \
             size_type *in_shape_size, const rank_type **in_shape_ndim,                            \
             const dim_type ***in_shape_data, size_type *out_shape_size,                           \
             const rank_type **out_shape_ndim, const dim_type ***out_shape_data,                   \
             size_type *aux_shape_size, const rank_type **aux_shape_ndim,                          \
             const dim_type ***aux_shape_data, int *complete)                                      \
    {                                                                                              \
        cop_error error;                                                                           \
        struct shape_answer answer;                                                                \
        const struct known known = {.count = num_args,                                             \
                                    .keys = (const char *const *)keys,                             \
                                    .offsets = arg_ind_ptr,                                        \
                                    .dims = arg_shape_data,                                        \
                                    .width = width_name};                                          \
        size_type *const sizes[] = {in_shape_size, out_shape_size, aux_shape_size};                \
        const rank_type **const ranks[] = {in_shape_ndim, out_shape_ndim, aux_shape_ndim};         \
        const dim_type ***const dims[] = {in_shape_data, out_shape_data, aux_shape_data};          \
        cop_status status =                                                                        \
            complete == NULL ? cop_mx_fail_null("complete", &error) : COP_STATUS_OK;               \
        for (int i = 0; i < 3 && status == COP_STATUS_OK; i++)                                     \
            if (sizes[i] == NULL || ranks[i] == NULL || dims[i] == NULL)                           \
                status = cop_mx_fail_null("a place for shapes", &error);                           \
        if (status == COP_STATUS_OK)                                                               \
            status = infer_shapes(sym, &known, &answer, &error);                                   \
        for (int i = 0; i < 3 && status == COP_STATUS_OK; i++) {                                   \
            *sizes[i] = (size_type)answer.sizes[i];                                                \
            *ranks[i] = answer.places[i].ranks;                                                    \
            *dims[i] = (const dim_type **)(uintptr_t)answer.places[i].pointers;                    \
        }                                                                                          \
        if (status == COP_STATUS_OK)                                                               \
            *complete = is_partial || answer.is_complete;                                          \
        return cop_mx_end(status, &error);                                                         \
    }

INFER_SHAPES(MXSymbolInferShape, WIDTH_UINT32, false, uint32_t, uint32_t, uint32_t, uint32_t)
INFER_SHAPES(MXSymbolInferShapeEx, WIDTH_INT32, false, uint32_t, int, uint32_t, int)
INFER_SHAPES(MXSymbolInferShapeEx64, WIDTH_INT64, false, int64_t, int64_t, size_t, int)
INFER_SHAPES(MXSymbolInferShapePartial, WIDTH_UINT32, true, uint32_t, uint32_t, uint32_t, uint32_t)
INFER_SHAPES(MXSymbolInferShapePartialEx, WIDTH_INT32, true, uint32_t, int, uint32_t, int)
INFER_SHAPES(MXSymbolInferShapePartialEx64, WIDTH_INT64, true, int64_t, int64_t, size_t, int)

static cop_status return_types(const struct inference *inference, const struct results *results,
                               const int **types, bool *is_complete, cop_error *error)
{
    void *memory;
    COP_TRY(cop_mx_slot_take(results->slot, results->count * sizeof(int), &memory, error));
    int *list = memory;
    for (size_t i = 0; i < results->count; i++) {
        int node, output;
        find_entry(inference, results, i, &node, &output);
        list[i] = inference->types.types[node][output];
        *is_complete = *is_complete && list[i] != MX_TYPE_NONE;
    }
    *types = list;
    return COP_STATUS_OK;
}

static cop_status answer_types(struct inference *inference, const struct known *known,
                               size_t *sizes, const int **lists, bool *is_complete,
                               cop_error *error)
{
    COP_TRY(cop_mx_types_open(&inference->order, &inference->types, error));
    COP_TRY(for_each_known(inference, known, "InferType", give_type, error));
    COP_TRY(cop_mx_types_infer(&inference->order, &inference->types, error));
    const struct results results[] = {
        {MX_SLOT_ARGUMENTS, inference->argument_count, inference->arguments, NULL},
        {MX_SLOT_OUTPUTS, (size_t)inference->symbol->output_count, NULL, inference->symbol},
        {MX_SLOT_AUXILIARY, inference->auxiliary_count, inference->auxiliaries, NULL},
    };
    *is_complete = true;
    for (int i = 0; i < 3; i++) {
        sizes[i] = results[i].count;
        COP_TRY(return_types(inference, &results[i], &lists[i], is_complete, error));
    }
    return COP_STATUS_OK;
}

int MXSymbolInferType(SymbolHandle sym, uint32_t num_args, const char **keys,
                      const int *arg_type_data, uint32_t *in_type_size, const int **in_type_data,
                      uint32_t *out_type_size, const int **out_type_data, uint32_t *aux_type_size,
                      const int **aux_type_data, int *complete)
{
    cop_error error;
    struct inference inference;
    size_t sizes[3];
    const int *lists[3];
    bool is_complete = false;
    const struct known known = {
        .count = num_args, .keys = (const char *const *)keys, .types = arg_type_data};
    uint32_t *const size_places[] = {in_type_size, out_type_size, aux_type_size};
    const int **const list_places[] = {in_type_data, out_type_data, aux_type_data};
    for (int i = 0; i < 3; i++)
        if (size_places[i] == NULL || list_places[i] == NULL || complete == NULL)
            return cop_mx_end(cop_mx_fail_null("a place for types", &error), &error);
    if (num_args > 0 && arg_type_data == NULL)
        return cop_mx_end(cop_mx_fail_null("arg_type_data", &error), &error);
    cop_status status = open_inference(sym, &inference, &error);
    if (status == COP_STATUS_OK)
        status = answer_types(&inference, &known, sizes, lists, &is_complete, &error);
    close_inference(&inference);
    for (int i = 0; i < 3 && status == COP_STATUS_OK; i++) {
        *size_places[i] = (uint32_t)sizes[i];
        *list_places[i] = lists[i];
    }
    if (status == COP_STATUS_OK)
        *complete = is_complete;
    return cop_mx_end(status, &error);
}

int MXSymbolInferTypePartial(SymbolHandle sym, uint32_t num_args, const char **keys,
                             const int *arg_type_data, uint32_t *in_type_size,
                             const int **in_type_data, uint32_t *out_type_size,
                             const int **out_type_data, uint32_t *aux_type_size,
                             const int **aux_type_data, int *complete)
{
    const int result =
        MXSymbolInferType(sym, num_args, keys, arg_type_data, in_type_size, in_type_data,
                          out_type_size, out_type_data, aux_type_size, aux_type_data, complete);
    if (result == 0)
        *complete = 1;
    return result;
}
