// SPDX-License-Identifier: Apache-2.0
/* Exported functions: lists of arrays in files. */
#include <mxnet/c_api/ndarray.h>

#include <string.h>

#include "base/error.h"
#include "mxnet/array/mx_array_file.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_returns.h"

/* Where the results of loading go. */
struct list_results {
    uint32_t *out_size;
    NDArrayHandle **out_arr;
    uint32_t *out_name_size;
    const char ***out_names;
};

static cop_status check_results(const struct list_results *results, cop_error *error)
{
    if (results->out_size == NULL)
        return cop_mx_fail_null("out_size", error);
    if (results->out_arr == NULL)
        return cop_mx_fail_null("out_arr", error);
    if (results->out_name_size == NULL)
        return cop_mx_fail_null("out_name_size", error);
    return results->out_names == NULL ? cop_mx_fail_null("out_names", error) : COP_STATUS_OK;
}

/* The arrays become the caller's; the list is left without them. */
static cop_status give(struct mx_array_list *list, const struct list_results *results,
                       cop_error *error)
{
    void *handles;
    const char **names = NULL;
    COP_TRY(
        cop_mx_slot_take(MX_SLOT_HANDLES, list->count * sizeof(NDArrayHandle), &handles, error));
    if (list->names != NULL)
        COP_TRY(cop_mx_return_texts(MX_SLOT_TEXTS, list->count, (const char *const *)list->names,
                                    &names, error));
    for (size_t i = 0; i < list->count; i++) {
        ((NDArrayHandle *)handles)[i] = list->arrays[i];
        list->arrays[i] = NULL;
    }
    *results->out_size = (uint32_t)list->count;
    *results->out_arr = handles;
    *results->out_name_size = list->names != NULL ? (uint32_t)list->count : 0;
    *results->out_names = names;
    return COP_STATUS_OK;
}

/* MXNet takes addresses of files, too. */
static const char *path_of(const char *name)
{
    static const char scheme[] = "file://";
    return strncmp(name, scheme, sizeof scheme - 1) == 0 ? name + sizeof scheme - 1 : name;
}

static cop_status load(const char *fname, const struct list_results *results, cop_error *error)
{
    struct mx_array_list list;
    COP_MX_REQUIRE(fname);
    COP_TRY(check_results(results, error));
    COP_TRY(cop_mx_array_list_load(path_of(fname), &list, error));
    const cop_status status = give(&list, results, error);
    cop_mx_array_list_free(&list);
    return status;
}

int MXNDArrayLoad(const char *fname, uint32_t *out_size, NDArrayHandle **out_arr,
                  uint32_t *out_name_size, const char ***out_names)
{
    cop_error error;
    const struct list_results results = {out_size, out_arr, out_name_size, out_names};
    return cop_mx_end(load(fname, &results, &error), &error);
}

static cop_status load_from_buffer(const void *ndarray_buffer, size_t size,
                                   const struct list_results *results, cop_error *error)
{
    struct mx_array_list list;
    COP_MX_REQUIRE(ndarray_buffer);
    COP_TRY(check_results(results, error));
    COP_TRY(cop_mx_array_list_read(ndarray_buffer, size, &list, error));
    const cop_status status = give(&list, results, error);
    cop_mx_array_list_free(&list);
    return status;
}

int MXNDArrayLoadFromBuffer(const void *ndarray_buffer, size_t size, uint32_t *out_size,
                            NDArrayHandle **out_arr, uint32_t *out_name_size,
                            const char ***out_names)
{
    cop_error error;
    const struct list_results results = {out_size, out_arr, out_name_size, out_names};
    return cop_mx_end(load_from_buffer(ndarray_buffer, size, &results, &error), &error);
}

static cop_status save(const char *fname, uint32_t num_args, NDArrayHandle *args, const char **keys,
                       cop_error *error)
{
    COP_MX_REQUIRE(fname);
    if (num_args > 0)
        COP_MX_REQUIRE(args);
    for (uint32_t i = 0; i < num_args; i++)
        COP_TRY(cop_mx_check_handle(args[i], MX_KIND_ARRAY, "args[i]", error));
    return cop_mx_array_list_save(path_of(fname), num_args, (struct mx_array *const *)args, keys,
                                  error);
}

int MXNDArraySave(const char *fname, uint32_t num_args, NDArrayHandle *args, const char **keys)
{
    cop_error error;
    return cop_mx_end(save(fname, num_args, args, keys, &error), &error);
}

static cop_status load_record(const void *buf, size_t size, NDArrayHandle *out, cop_error *error)
{
    struct mx_array *array;
    COP_MX_REQUIRE(buf);
    COP_MX_REQUIRE(out);
    COP_TRY(cop_mx_array_record_read(buf, size, &array, error));
    *out = array;
    return COP_STATUS_OK;
}

int MXNDArrayLoadFromRawBytes(const void *buf, size_t size, NDArrayHandle *out)
{
    cop_error error;
    return cop_mx_end(load_record(buf, size, out, &error), &error);
}

static cop_status save_record(NDArrayHandle handle, size_t *out_size, const char **out_buf,
                              cop_error *error)
{
    void *memory;
    unsigned char head[COP_MX_RECORD_HEAD_BYTES];
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    COP_MX_REQUIRE(out_size);
    COP_MX_REQUIRE(out_buf);
    const size_t head_bytes = cop_mx_record_head(handle, head);
    const size_t bytes = cop_mx_record_element_bytes(handle);
    COP_TRY(cop_mx_slot_take(MX_SLOT_TEXT, head_bytes + bytes, &memory, error));
    memcpy(memory, head, head_bytes);
    COP_TRY(cop_mx_array_read_bytes(handle, 0, (char *)memory + head_bytes, bytes, error));
    *out_size = head_bytes + bytes;
    *out_buf = memory;
    return COP_STATUS_OK;
}

int MXNDArraySaveRawBytes(NDArrayHandle handle, size_t *out_size, const char **out_buf)
{
    cop_error error;
    return cop_mx_end(save_record(handle, out_size, out_buf, &error), &error);
}
