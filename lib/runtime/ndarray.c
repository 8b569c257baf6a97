// SPDX-License-Identifier: Apache-2.0
#include <cachedop/ndarray.h>

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "ir/shape.h"
#include "runtime/engine/engine.h"
#include "runtime/storage.h"

/* Checks what describes an array and computes its size. */
static cop_status check_description(cop_dtype dtype, int rank, const int64_t *shape, size_t *bytes,
                                    cop_error *error)
{
    if (cop_dtype_bytes(dtype) == 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "array: dtype %d does not exist",
                        (int)dtype);
    if (rank < 0 || rank > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "array: rank %d is not 0 to %d", rank,
                        COP_MAX_RANK);
    if (rank > 0 && shape == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "array: shape is NULL");
    for (int i = 0; i < rank; i++)
        if (shape[i] < 0)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "array: dimension %d is %" PRId64,
                            i, shape[i]);
    const struct shape checked = cop_shape_of(rank, shape);
    if (!cop_shape_bytes(&checked, dtype, bytes))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "array: %s has 2^48 elements or more",
                        cop_shape_text(&checked).text);
    return COP_STATUS_OK;
}

cop_status cop_ndarray_create(cop_dtype dtype, int rank, const int64_t *shape, cop_ndarray **array,
                              cop_error *error)
{
    return cop_ndarray_create_in((cop_device){COP_DEVICE_CPU, 0}, COP_MEMORY_HOST, dtype, rank,
                                 shape, array, error);
}

cop_status cop_ndarray_create_in(cop_device device, cop_memory memory, cop_dtype dtype, int rank,
                                 const int64_t *shape, cop_ndarray **array, cop_error *error)
{
    struct storage *storage = NULL;
    struct storage_place place;
    size_t bytes = 0;
    if (array == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "array: the result pointer is NULL");
    *array = NULL;
    cop_status status = check_description(dtype, rank, shape, &bytes, error);
    if (status == COP_STATUS_OK)
        status = cop_storage_find_place(device, memory, &place, error);
    if (status == COP_STATUS_OK)
        status = cop_storage_create(&place, dtype, rank, shape, bytes, &storage, error);
    if (status != COP_STATUS_OK)
        return status;
    cop_ndarray *made = &storage->array;
    status = cop_memory_clear(place.device, place.kind, storage->memory, bytes, error);
    if (status != COP_STATUS_OK)
        cop_ndarray_release(&made);
    *array = made;
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}

static cop_status check_wrap(const void *memory, cop_dtype dtype, size_t bytes,
                             const cop_wrap_options *options, cop_error *error)
{
    if (memory == NULL && bytes > 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "array: memory is NULL for %zu bytes",
                        bytes);
    if ((uintptr_t)memory % cop_dtype_bytes(dtype) != 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "array: memory %p is not aligned to the %zu bytes of %s", memory,
                        cop_dtype_bytes(dtype), cop_dtype_name(dtype));
    if (options->capacity_bytes != 0 && options->capacity_bytes < bytes)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "array: %zu bytes are needed, capacity is %zu", bytes,
                        options->capacity_bytes);
    return COP_STATUS_OK;
}

cop_status cop_ndarray_wrap(void *memory, cop_dtype dtype, int rank, const int64_t *shape,
                            const cop_wrap_options *options, cop_ndarray **array, cop_error *error)
{
    size_t bytes = 0;
    cop_wrap_options read = COP_WRAP_OPTIONS_INIT;
    if (array == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "array: the result pointer is NULL");
    *array = NULL;
    cop_status status = check_description(dtype, rank, shape, &bytes, error);
    if (status == COP_STATUS_OK && options != NULL)
        status = cop_options_read(&read, sizeof read, options, "cop_wrap_options", error);
    struct storage_place place = {NULL, MEMORY_HOST};
    if (status == COP_STATUS_OK)
        status = check_wrap(memory, dtype, bytes, &read, error);
    if (status == COP_STATUS_OK)
        status = cop_storage_find_place(read.device, read.memory, &place, error);
    if (status != COP_STATUS_OK)
        return status;
    struct storage *storage = cop_storage_wrap(memory, dtype, rank, shape, bytes);
    if (storage == NULL)
        return cop_fail_memory(error, "array", sizeof *storage);
    storage->memory_kind = place.kind;
    storage->device = place.device;
    storage->release = read.release;
    storage->user = read.user;
    *array = &storage->array;
    return cop_ok(error);
}

cop_status cop_ndarray_view(cop_ndarray *array, size_t offset_bytes, cop_dtype dtype, int rank,
                            const int64_t *shape, cop_ndarray **view, cop_error *error)
{
    size_t bytes = 0;
    if (array == NULL || view == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "view: an argument is NULL");
    *view = NULL;
    const cop_status status = check_description(dtype, rank, shape, &bytes, error);
    if (status != COP_STATUS_OK)
        return status;
    if (offset_bytes > array->bytes || bytes > array->bytes - offset_bytes)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "view: bytes %zu to %zu reach outside the array's %zu", offset_bytes,
                        offset_bytes + bytes, array->bytes);
    if ((uintptr_t)(array->elements + offset_bytes) % cop_dtype_bytes(dtype) != 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "view: offset %zu is not a multiple of the %zu bytes of %s", offset_bytes,
                        cop_dtype_bytes(dtype), cop_dtype_name(dtype));
    cop_ndarray *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "view", sizeof *made);
    cop_refcount_init(&made->refs);
    cop_storage_retain(array->storage);
    made->storage = array->storage;
    made->elements = array->elements + offset_bytes;
    made->bytes = bytes;
    made->dtype = dtype;
    made->rank = rank;
    for (int i = 0; i < rank; i++)
        made->shape[i] = shape[i];
    *view = made;
    return cop_ok(error);
}

cop_ndarray *cop_ndarray_retain(cop_ndarray *array)
{
    if (array != NULL)
        cop_refcount_retain(&array->refs);
    return array;
}

void cop_ndarray_release(cop_ndarray **array)
{
    if (array == NULL)
        return;
    cop_ndarray *old = *array;
    *array = NULL;
    if (old == NULL || !cop_refcount_release(&old->refs))
        return;
    struct storage *storage = old->storage;
    if (!old->is_embedded)
        cop_free(old);
    cop_storage_release(storage);
}

cop_dtype cop_ndarray_dtype(const cop_ndarray *array)
{
    return array == NULL ? COP_DTYPE_UNKNOWN : array->dtype;
}

int cop_ndarray_rank(const cop_ndarray *array)
{
    return array == NULL ? 0 : array->rank;
}

const int64_t *cop_ndarray_shape(const cop_ndarray *array)
{
    return array == NULL ? NULL : array->shape;
}

size_t cop_ndarray_bytes(const cop_ndarray *array)
{
    return array == NULL ? 0 : array->bytes;
}

void *cop_ndarray_data(const cop_ndarray *array)
{
    return array == NULL ? NULL : array->elements;
}

cop_memory cop_ndarray_memory(const cop_ndarray *array)
{
    static const cop_memory memories[] = {
        [MEMORY_HOST] = COP_MEMORY_HOST,
        [MEMORY_PINNED] = COP_MEMORY_PINNED,
        [MEMORY_DEVICE] = COP_MEMORY_DEVICE,
    };
    return array == NULL ? COP_MEMORY_HOST : memories[array->storage->memory_kind];
}

cop_status cop_ndarray_wait(cop_ndarray *array, int64_t timeout_ns, cop_cancel *cancel,
                            cop_error *error)
{
    if (array == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "wait: the array is NULL");
    if (timeout_ns < 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "wait: timeout_ns is %" PRId64,
                        timeout_ns);
    if (cop_storage_try_read(array->storage)) { /* nothing is pending and nothing failed */
        cop_storage_end_read(array->storage);
        return cop_ok(error);
    }
    const struct limits limits = {cop_deadline_ns(timeout_ns), cancel};
    return cop_engine_wait_storage(array->storage, &limits, error);
}
