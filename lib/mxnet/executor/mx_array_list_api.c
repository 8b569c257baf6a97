// SPDX-License-Identifier: Apache-2.0
/* Lists of arrays as the predict API gives them out: names, float32 elements and shapes. */
#include <mxnet/c_predict_api.h>

#include "base/alloc.h"
#include "mxnet/array/mx_array.h"
#include "mxnet/base/mx_error.h"

struct listed_array {
    float *elements;
    uint32_t shape[COP_MAX_RANK];
    uint32_t rank;
};

struct array_list {
    struct mx_object object;
    size_t count;
    char **names; /* NULL: none has one */
    struct listed_array *arrays;
};

static void destroy(struct array_list *list)
{
    if (list == NULL)
        return;
    list->object.kind = MX_KIND_FREED;
    for (size_t i = 0; i < list->count; i++) {
        if (list->arrays != NULL)
            cop_free(list->arrays[i].elements);
        if (list->names != NULL)
            cop_free(list->names[i]);
    }
    cop_free(list->arrays);
    cop_free(list->names);
    cop_free(list);
}

static cop_status copy_array(const struct mx_array *array, size_t index,
                             struct listed_array *listed, cop_error *error)
{
    int64_t count = 0;
    if (array->type != MX_FLOAT32)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "array %zu is %s, lists hold float32", index,
                        cop_mx_array_is_none(array) ? "empty" : cop_mx_type_name(array->type));
    cop_shape_elements(&array->shape, &count);
    listed->elements = cop_alloc((size_t)count, sizeof(float));
    if (listed->elements == NULL)
        return cop_fail_memory(error, "a list's elements", (size_t)count * sizeof(float));
    listed->rank = (uint32_t)array->shape.rank;
    for (int i = 0; i < array->shape.rank; i++)
        listed->shape[i] = (uint32_t)array->shape.dims[i];
    return cop_mx_array_read(array, listed->elements, (size_t)count, error);
}

static cop_status fill(struct mx_array_list *read, struct array_list *list, cop_error *error)
{
    list->arrays = cop_alloc(read->count, sizeof *list->arrays);
    if (list->arrays == NULL)
        return cop_fail_memory(error, "a list of arrays", read->count * sizeof *list->arrays);
    list->count = read->count;
    for (size_t i = 0; i < read->count; i++)
        COP_TRY(copy_array(read->arrays[i], i, &list->arrays[i], error));
    list->names = read->names; /* taken over */
    read->names = NULL;
    return COP_STATUS_OK;
}

static cop_status create(const char *bytes, int size, NDListHandle *out, uint32_t *out_length,
                         cop_error *error)
{
    struct mx_array_list read = {.arrays = NULL};
    if (bytes == NULL)
        return cop_mx_fail_null("nd_file_bytes", error);
    COP_MX_REQUIRE(out);
    COP_MX_REQUIRE(out_length);
    if (size < 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "nd_file_size is %d", size);
    COP_TRY(cop_mx_array_list_read(bytes, (size_t)size, &read, error));
    struct array_list *list = cop_alloc(1, sizeof *list);
    cop_status status = list == NULL ? cop_fail_memory(error, "a list of arrays", sizeof *list)
                                     : fill(&read, list, error);
    cop_mx_array_list_free(&read);
    if (status == COP_STATUS_OK) {
        list->object.kind = MX_KIND_ARRAY_LIST;
        *out = list;
        *out_length = (uint32_t)list->count;
    } else {
        destroy(list);
    }
    return status;
}

int MXNDListCreate(const char *nd_file_bytes, int nd_file_size, NDListHandle *out,
                   uint32_t *out_length)
{
    cop_error error;
    return cop_mx_end(create(nd_file_bytes, nd_file_size, out, out_length, &error), &error);
}

static cop_status get(NDListHandle handle, uint32_t index, const char **out_key,
                      const float **out_data, const uint32_t **out_shape, uint32_t *out_ndim,
                      cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY_LIST, "handle", error));
    const struct array_list *list = handle;
    if (index >= list->count)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: index < p->arrays.size() (%u vs. %zu) : Index out of range",
                        index, list->count);
    COP_MX_REQUIRE(out_key);
    COP_MX_REQUIRE(out_data);
    COP_MX_REQUIRE(out_shape);
    COP_MX_REQUIRE(out_ndim);
    *out_key = list->names == NULL ? "" : list->names[index];
    *out_data = list->arrays[index].elements;
    *out_shape = list->arrays[index].shape;
    *out_ndim = list->arrays[index].rank;
    return COP_STATUS_OK;
}

int MXNDListGet(NDListHandle handle, uint32_t index, const char **out_key, const float **out_data,
                const uint32_t **out_shape, uint32_t *out_ndim)
{
    cop_error error;
    return cop_mx_end(get(handle, index, out_key, out_data, out_shape, out_ndim, &error), &error);
}

int MXNDListFree(NDListHandle handle)
{
    cop_error error;
    if (handle == NULL)
        return 0;
    const cop_status status = cop_mx_check_handle(handle, MX_KIND_ARRAY_LIST, "handle", &error);
    if (status == COP_STATUS_OK)
        destroy(handle);
    return cop_mx_end(status, &error);
}
