// SPDX-License-Identifier: Apache-2.0
/* Lists of arrays to files. */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/new_file.h"
#include "model/mxnet/params.h"
#include "mxnet/array/mx_array_file.h"

#define LIST_MAGIC 0x112
#define MAGIC_V2   0xF993FAC9u
#define MAGIC_V3   0xF993FACAu

/* What is written goes through memory of this size: GPUs' arrays have to come to the process first,
 * and small ones should not be system calls of their own. */
#define SINK_BYTES ((size_t)1 << 20)

struct sink {
    struct new_file file;
    unsigned char *memory;
    size_t used;
};

static cop_status flush(struct sink *sink, cop_error *error)
{
    const size_t used = sink->used;
    sink->used = 0;
    return cop_new_file_write(&sink->file, sink->memory, used, error);
}

static cop_status put(struct sink *sink, const void *bytes, size_t size, cop_error *error)
{
    const unsigned char *next = bytes;
    while (size > 0) {
        const size_t room = SINK_BYTES - sink->used, count = size < room ? size : room;
        memcpy(sink->memory + sink->used, next, count);
        sink->used += count;
        next += count;
        size -= count;
        if (sink->used == SINK_BYTES)
            COP_TRY(flush(sink, error));
    }
    return COP_STATUS_OK;
}

static cop_status put_u64(struct sink *sink, uint64_t value, cop_error *error)
{
    value = htole64(value);
    return put(sink, &value, sizeof value, error);
}

static cop_status put_elements(struct sink *sink, const struct mx_array *array, cop_error *error)
{
    const size_t size = cop_mx_record_element_bytes(array);
    for (size_t at = 0; at < size;) {
        const size_t room = SINK_BYTES - sink->used;
        const size_t count = size - at < room ? size - at : room;
        COP_TRY(cop_mx_array_read_bytes(array, at, sink->memory + sink->used, count, error));
        sink->used += count;
        at += count;
        if (sink->used == SINK_BYTES)
            COP_TRY(flush(sink, error));
    }
    return COP_STATUS_OK;
}

static unsigned char *add_u32(unsigned char *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static unsigned char *add_u64(unsigned char *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

size_t cop_mx_record_head(const struct mx_array *array,
                          unsigned char head[COP_MX_RECORD_HEAD_BYTES])
{
    const bool is_none = cop_mx_array_is_none(array);
    const bool is_numpy = cop_mx_is_numpy_shape() || (!is_none && array->shape.rank == 0);
    unsigned char *at = add_u32(head, is_numpy ? MAGIC_V3 : MAGIC_V2);
    at = add_u32(at, 0); /* dense */
    if (is_none)
        return (size_t)(add_u32(at, is_numpy ? (uint32_t)-1 : 0) - head);
    at = add_u32(at, (uint32_t)array->shape.rank);
    for (int i = 0; i < array->shape.rank; i++)
        at = add_u64(at, (uint64_t)array->shape.dims[i]);
    const struct mx_context context = cop_mx_array_context(array);
    at = add_u32(at, (uint32_t)context.type);
    at = add_u32(at, (uint32_t)context.id);
    return (size_t)(add_u32(at, (uint32_t)array->type) - head);
}

size_t cop_mx_record_element_bytes(const struct mx_array *array)
{
    if (cop_mx_array_is_none(array))
        return 0;
    return (size_t)cop_shape_product(&array->shape, 0, array->shape.rank) *
           cop_dtype_bytes(cop_mxnet_dtype(array->type));
}

static cop_status put_record(struct sink *sink, const struct mx_array *array, cop_error *error)
{
    unsigned char head[COP_MX_RECORD_HEAD_BYTES];
    COP_TRY(put(sink, head, cop_mx_record_head(array, head), error));
    return put_elements(sink, array, error);
}

static cop_status put_list(struct sink *sink, size_t count, struct mx_array *const *arrays,
                           const char *const *names, cop_error *error)
{
    COP_TRY(put_u64(sink, LIST_MAGIC, error));
    COP_TRY(put_u64(sink, 0, error));
    COP_TRY(put_u64(sink, count, error));
    for (size_t i = 0; i < count; i++) {
        const cop_status status = put_record(sink, arrays[i], error);
        if (status != COP_STATUS_OK)
            return cop_error_prefix(error, status, "saving array %zu: ", i);
    }
    COP_TRY(put_u64(sink, names == NULL ? 0 : count, error));
    for (size_t i = 0; names != NULL && i < count; i++) {
        COP_TRY(put_u64(sink, strlen(names[i]), error));
        COP_TRY(put(sink, names[i], strlen(names[i]), error));
    }
    return flush(sink, error);
}

static cop_status check_names(size_t count, const char *const *names, cop_error *error)
{
    if (count > COP_PARAMS_MAX_ARRAYS)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%zu arrays: a list holds at most %d",
                        count, COP_PARAMS_MAX_ARRAYS);
    for (size_t i = 0; names != NULL && i < count; i++) {
        if (names[i] == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "the name of array %zu is NULL", i);
        if (strlen(names[i]) > COP_PARAMS_MAX_NAME_BYTES)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "the name of array %zu, '%.64s…', is longer than 1 MiB", i, names[i]);
    }
    return COP_STATUS_OK;
}

static cop_status write_to(const char *path, size_t count, struct mx_array *const *arrays,
                           const char *const *names, cop_error *error)
{
    struct sink sink = {.memory = cop_alloc_aligned(SINK_BYTES)};
    if (sink.memory == NULL)
        return cop_fail_memory(error, path, SINK_BYTES);
    cop_status status = cop_new_file_begin(&sink.file, path, error);
    if (status == COP_STATUS_OK) {
        status = put_list(&sink, count, arrays, names, error);
        status = cop_new_file_end(&sink.file, status, error);
    }
    cop_free(sink.memory);
    return status;
}

cop_status cop_mx_array_list_save(const char *path, size_t count, struct mx_array *const *arrays,
                                  const char *const *names, cop_error *error)
{
    struct stat found;
    COP_TRY(check_names(count, names, error));
    /* A link stays and what it leads to is replaced; devices and pipes cannot be replaced. */
    char *target = realpath(path, NULL);
    if (target == NULL && errno == ENOMEM)
        return cop_fail_memory(error, path, strlen(path));
    cop_status status = COP_STATUS_OK;
    if (target != NULL && stat(target, &found) == 0 && !S_ISREG(found.st_mode))
        status = cop_fail(error, COP_STATUS_IO, "%s: not a regular file", path);
    if (status == COP_STATUS_OK)
        status = write_to(target != NULL ? target : path, count, arrays, names, error);
    free(target);
    return status;
}
