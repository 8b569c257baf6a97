// SPDX-License-Identifier: Apache-2.0
/* Lists of arrays from files and memory. */
#include "mxnet/array/mx_array_file.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/source.h"
#include "model/mxnet/params.h"

static cop_status load_array(const struct mxnet_params *params, const struct mxnet_array *from,
                             struct mx_array **array, cop_error *error)
{
    static const struct mx_context cpu = {MX_CPU, 0};
    if (from->is_none)
        return cop_mx_array_create_none(array, error);
    const struct shape shape = cop_params_shape(params, from);
    const int type = cop_mx_type_of((cop_dtype)from->dtype);
    COP_TRY(cop_mx_array_create(&shape, type, cpu, true, array, error));
    const size_t count = (size_t)cop_shape_product(&shape, 0, shape.rank);
    const cop_status status = cop_mx_array_write(
        *array, cop_source_bytes(params->source) + from->data_offset, count, error);
    /* So that the file and the arrays together take little more than one of them. */
    cop_source_drop(params->source, from->data_offset, cop_mx_record_element_bytes(*array));
    return status;
}

static cop_status load_arrays(const struct mxnet_params *params, struct mx_array_list *list,
                              cop_error *error)
{
    list->arrays = cop_alloc(params->count, sizeof *list->arrays);
    if (list->arrays == NULL)
        return cop_fail_memory(error, "a list of arrays", params->count * sizeof *list->arrays);
    for (; list->count < params->count; list->count++) {
        const cop_status status =
            load_array(params, &params->arrays[list->count], &list->arrays[list->count], error);
        if (status != COP_STATUS_OK) {
            cop_mx_array_destroy(list->arrays[list->count]);
            return cop_error_prefix(error, status, "array %zu: ", list->count);
        }
    }
    return COP_STATUS_OK;
}

/* With the marks that the parser leaves out. */
static char *copy_name(const struct mxnet_params *params, const struct mxnet_array *array)
{
    const size_t mark = array->kind == PARAMS_PLAIN ? 0 : strlen("arg:");
    const char *name = (const char *)cop_source_bytes(params->source) + array->name_offset - mark;
    return cop_copy_text_n(name, array->name_bytes + mark);
}

static cop_status load_names(const struct mxnet_params *params, struct mx_array_list *list,
                             cop_error *error)
{
    if (params->named_count == 0)
        return COP_STATUS_OK;
    list->names = cop_alloc(params->count, sizeof *list->names);
    if (list->names == NULL)
        return cop_fail_memory(error, "names of arrays", params->count * sizeof *list->names);
    for (size_t i = 0; i < params->count; i++) {
        list->names[i] = copy_name(params, &params->arrays[i]);
        if (list->names[i] == NULL)
            return cop_fail_memory(error, "the name of an array", params->arrays[i].name_bytes);
    }
    return COP_STATUS_OK;
}

/* What is wrong with the bytes, in MXNet's words first. */
static cop_status explain(cop_status status, cop_error *error)
{
    if (status == COP_STATUS_MALFORMED_MODEL)
        return cop_error_prefix(error, status, "Check failed: Invalid NDArray file format: ");
    return status;
}

static cop_status load_source(struct source *source, struct mx_array_list *list, cop_error *error)
{
    struct mxnet_params params = {0};
    *list = (struct mx_array_list){.arrays = NULL};
    cop_status status = explain(cop_params_parse_list(source, &params, error), error);
    if (status == COP_STATUS_OK)
        status = load_names(&params, list, error);
    if (status == COP_STATUS_OK)
        status = load_arrays(&params, list, error);
    if (status != COP_STATUS_OK) {
        /* Names are there for arrays that are not. */
        for (size_t i = list->count; list->names != NULL && i < params.count; i++)
            cop_free(list->names[i]);
        cop_mx_array_list_free(list);
    }
    cop_params_release(&params);
    return status;
}

cop_status cop_mx_array_list_load(const char *path, struct mx_array_list *list, cop_error *error)
{
    struct source *source;
    *list = (struct mx_array_list){.arrays = NULL};
    COP_TRY(cop_source_open(path, COP_FILE_ACCESS_READ, &source, error));
    const cop_status status = load_source(source, list, error);
    cop_source_release(&source);
    return status;
}

static void keep(void *user, const void *bytes)
{
    (void)user, (void)bytes;
}

static cop_status borrow(const void *bytes, size_t size, const char *name, struct source **source,
                         cop_error *error)
{
    const cop_bytes borrowed = {.data = bytes, .size = size, .release = keep};
    return cop_source_from_bytes(&borrowed, name, source, error);
}

cop_status cop_mx_array_list_read(const void *bytes, size_t size, struct mx_array_list *list,
                                  cop_error *error)
{
    struct source *source;
    *list = (struct mx_array_list){.arrays = NULL};
    COP_TRY(borrow(bytes, size, "a list in memory", &source, error));
    const cop_status status = load_source(source, list, error);
    cop_source_release(&source);
    return status;
}

void cop_mx_array_list_free(struct mx_array_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        cop_mx_array_destroy(list->arrays[i]);
        if (list->names != NULL)
            cop_free(list->names[i]);
    }
    cop_free(list->arrays);
    cop_free(list->names);
    *list = (struct mx_array_list){.arrays = NULL};
}

cop_status cop_mx_array_record_read(const void *bytes, size_t size, struct mx_array **array,
                                    cop_error *error)
{
    struct source *source;
    struct mxnet_params params = {0};
    struct mx_array *loaded = NULL;
    *array = NULL;
    COP_TRY(borrow(bytes, size, "an array in memory", &source, error));
    cop_status status = explain(cop_params_parse_record(source, &params, error), error);
    if (status == COP_STATUS_OK)
        status = load_array(&params, &params.arrays[0], &loaded, error);
    if (status == COP_STATUS_OK)
        *array = loaded;
    else
        cop_mx_array_destroy(loaded);
    cop_params_release(&params);
    cop_source_release(&source);
    return status;
}
