// SPDX-License-Identifier: Apache-2.0
/*
 * The content of parameters. Packing reads it through a source that copies out of the array on
 * demand and refuses when the array was written since, so that no raw copy stays and no mix of two
 * versions is ever packed.
 */
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/source.h"
#include "model/mxnet/params.h"
#include "mxnet/run/mx_program_parts.h"

/* A write that takes longer has lost its writer. */
#define LONGEST_WRITE_NS (INT64_C(60) * 1000 * 1000 * 1000)

struct content {
    struct mx_array *array; /* a view of our own */
    uint64_t version;
    char *name;
};

static bool is_changed(const struct content *content)
{
    return atomic_load(&content->array->chunk->writes_begun) != content->version;
}

/* A view of some bytes of an array, as bytes. */
static cop_status view_bytes(const struct mx_array *array, size_t offset, size_t size,
                             cop_ndarray **bytes, cop_error *error)
{
    cop_ndarray *elements;
    COP_TRY(cop_mx_array_open(array, &elements, error));
    const int64_t shape[] = {(int64_t)size};
    return cop_ndarray_view(elements, offset, COP_DTYPE_UINT8, 1, shape, bytes, error);
}

static cop_status copy_bytes(const struct mx_array *array, size_t offset, size_t size, void *dst,
                             cop_error *error)
{
    const int64_t shape[] = {(int64_t)size};
    cop_ndarray *from = NULL, *to = NULL;
    cop_status status = size == 0 ? COP_STATUS_OK : view_bytes(array, offset, size, &from, error);
    if (status == COP_STATUS_OK && size > 0)
        status = cop_ndarray_wrap(dst, COP_DTYPE_UINT8, 1, shape, NULL, &to, error);
    if (status == COP_STATUS_OK && size > 0)
        status = cop_ndarray_copy(from, to, error);
    cop_ndarray_release(&from);
    cop_ndarray_release(&to);
    return status;
}

static cop_status read_content(void *user, size_t offset, size_t size, void *dst, cop_error *error)
{
    const struct content *content = user;
    cop_status status = COP_STATUS_OK;
    if (!is_changed(content))
        status = copy_bytes(content->array, offset, size, dst, error);
    if (status == COP_STATUS_OK && is_changed(content))
        status = cop_fail(error, COP_STATUS_IO,
                          "parameter '%.200s' was written while it was packed", content->name);
    return status;
}

static void release_content(void *user)
{
    struct content *content = user;
    cop_mx_array_destroy(content->array);
    cop_free(content->name);
    cop_free(content);
}

static size_t content_bytes(const struct mx_array *array)
{
    size_t bytes = 0;
    cop_shape_bytes(&array->shape, cop_mxnet_dtype(array->type), &bytes); /* known and checked */
    return bytes;
}

cop_status cop_mx_content_source(const struct mx_array *array, const char *name, uint64_t version,
                                 struct source **source, cop_error *error)
{
    struct content *content = cop_alloc(1, sizeof *content);
    *source = NULL;
    if (content == NULL)
        return cop_fail_memory(error, name, sizeof *content);
    content->version = version;
    content->name = cop_copy_text(name);
    cop_status status = content->name == NULL ? cop_fail_memory(error, name, strlen(name))
                                              : cop_mx_array_share(array, &content->array, error);
    if (status != COP_STATUS_OK) {
        release_content(content);
        return status;
    }
    const struct source_reader reader = {read_content, release_content, content};
    return cop_source_from_reader(&reader, content_bytes(array), name, source, error);
}

cop_status cop_mx_content_hash(const struct mx_array *array, struct hash *hash, cop_error *error)
{
    const size_t bytes = content_bytes(array);
    cop_ndarray *elements;
    *hash = cop_hash_begin();
    COP_TRY(cop_mx_array_wait(array, error));
    COP_TRY(cop_mx_array_open(array, &elements, error));
    if (cop_ndarray_memory(elements) != COP_MEMORY_DEVICE) {
        *hash = cop_hash_bytes(*hash, cop_ndarray_data(elements), bytes);
        return COP_STATUS_OK;
    }
    void *copy = cop_alloc_aligned(bytes);
    if (copy == NULL)
        return cop_fail_memory(error, "the content of a parameter", bytes);
    const cop_status status = copy_bytes(array, 0, bytes, copy, error);
    if (status == COP_STATUS_OK)
        *hash = cop_hash_bytes(*hash, copy, bytes);
    cop_free(copy);
    return status;
}

cop_status cop_mx_stable_version(const struct mx_array *array, uint64_t *version, cop_error *error)
{
    struct mx_chunk *chunk = array->chunk;
    const int64_t begin_ns = cop_now_ns();
    for (;;) {
        const uint64_t done = atomic_load(&chunk->writes_done);
        *version = atomic_load(&chunk->writes_begun);
        if (done == *version)
            return COP_STATUS_OK;
        if (cop_now_ns() - begin_ns > LONGEST_WRITE_NS)
            return cop_fail(error, COP_STATUS_BUSY, "an array is being written without end");
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000}, NULL);
    }
}
