// SPDX-License-Identifier: Apache-2.0
/* Elements in and out, copies, and waiting. */
#include "base/alloc.h"
#include "base/error.h"
#include "model/mxnet/params.h"
#include "mxnet/array/mx_array_parts.h"
#include "mxnet/array/mx_convert.h"

#include <cachedop/invoke.h>

static cop_status check_count(const struct mx_array *array, size_t count, cop_error *error)
{
    int64_t elements = 0;
    if (array->chunk != NULL)
        cop_shape_elements(&array->shape, &elements);
    if ((uint64_t)elements == count)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "Check failed: dshape.Size() == size (%lld vs. %zu) : Memory size do not match",
                    (long long)elements, count);
}

/* Both sides of a copy as bytes: the caller's memory need not be aligned. */
struct byte_arrays {
    cop_ndarray *own, *theirs;
};

static cop_status open_bytes(const struct mx_array *array, size_t offset, void *memory, size_t size,
                             struct byte_arrays *bytes, cop_error *error)
{
    cop_ndarray *elements;
    *bytes = (struct byte_arrays){NULL, NULL};
    COP_TRY(cop_mx_array_open(array, &elements, error));
    const int64_t shape[] = {(int64_t)size};
    COP_TRY(cop_ndarray_view(elements, offset, COP_DTYPE_UINT8, 1, shape, &bytes->own, error));
    const cop_status status =
        cop_ndarray_wrap(memory, COP_DTYPE_UINT8, 1, shape, NULL, &bytes->theirs, error);
    if (status != COP_STATUS_OK)
        cop_ndarray_release(&bytes->own);
    return status;
}

static void close_bytes(struct byte_arrays *bytes)
{
    cop_ndarray_release(&bytes->own);
    cop_ndarray_release(&bytes->theirs);
}

cop_status cop_mx_array_read_bytes(const struct mx_array *array, size_t offset, void *bytes,
                                   size_t size, cop_error *error)
{
    struct byte_arrays arrays;
    if (size == 0)
        return COP_STATUS_OK;
    COP_TRY(open_bytes(array, offset, bytes, size, &arrays, error));
    const cop_status status = cop_ndarray_copy(arrays.own, arrays.theirs, error);
    close_bytes(&arrays);
    return status;
}

static size_t bytes_of(const struct mx_array *array, size_t count)
{
    return count * cop_dtype_bytes(cop_mxnet_dtype(array->type));
}

cop_status cop_mx_array_read(const struct mx_array *array, void *elements, size_t count,
                             cop_error *error)
{
    COP_TRY(check_count(array, count, error));
    return cop_mx_array_read_bytes(array, 0, elements, bytes_of(array, count), error);
}

cop_status cop_mx_array_write(struct mx_array *array, const void *elements, size_t count,
                              cop_error *error)
{
    struct byte_arrays bytes;
    COP_TRY(check_count(array, count, error));
    if (count == 0)
        return COP_STATUS_OK;
    /* Theirs is only read: a copy does not write its source. */
    COP_TRY(
        open_bytes(array, 0, (void *)(uintptr_t)elements, bytes_of(array, count), &bytes, error));
    cop_mx_chunk_begin_write(array->chunk);
    const cop_status status = cop_ndarray_copy(bytes.theirs, bytes.own, error);
    cop_mx_chunk_end_write(array->chunk);
    close_bytes(&bytes);
    return status;
}

static bool is_direct(const struct mx_array *src, const struct mx_array *dst)
{
    return src->type == dst->type && src->chunk != dst->chunk &&
           !(cop_mx_context_is_gpu(src->chunk->context) &&
             cop_mx_context_is_gpu(dst->chunk->context) &&
             !cop_mx_context_is_equal(src->chunk->context, dst->chunk->context));
}

static cop_status copy_directly(const struct mx_array *src, struct mx_array *dst, cop_error *error)
{
    cop_ndarray *from, *to;
    COP_TRY(cop_mx_array_open(src, &from, error));
    COP_TRY(cop_mx_array_open(dst, &to, error));
    cop_mx_chunk_begin_write(dst->chunk);
    const cop_status status = cop_ndarray_copy(from, to, error);
    cop_mx_chunk_end_write(dst->chunk);
    return status;
}

/* Through memory of the process: between types, GPUs, and parts of one chunk. */
static cop_status copy_converted(const struct mx_array *src, struct mx_array *dst, size_t count,
                                 cop_error *error)
{
    const size_t src_bytes = bytes_of(src, count), dst_bytes = bytes_of(dst, count);
    void *from = cop_alloc_aligned(src_bytes), *to = cop_alloc_aligned(dst_bytes);
    cop_status status = COP_STATUS_OK;
    if (from == NULL || to == NULL)
        status = cop_fail_memory(error, "a copy between arrays", src_bytes + dst_bytes);
    if (status == COP_STATUS_OK)
        status = cop_mx_array_read(src, from, count, error);
    if (status == COP_STATUS_OK) {
        cop_mx_convert(from, src->type, to, dst->type, count);
        status = cop_mx_array_write(dst, to, count, error);
    }
    cop_free(from);
    cop_free(to);
    return status;
}

cop_status cop_mx_array_copy(const struct mx_array *src, struct mx_array *dst, cop_error *error)
{
    int64_t count = 0;
    if (src->chunk == NULL || dst->chunk == NULL || !cop_shape_equal(&src->shape, &dst->shape))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: operands shape mismatch: from %s to %s",
                        src->chunk == NULL ? "an empty array" : cop_shape_text(&src->shape).text,
                        dst->chunk == NULL ? "an empty array" : cop_shape_text(&dst->shape).text);
    cop_shape_elements(&src->shape, &count);
    if (count == 0)
        return COP_STATUS_OK;
    return is_direct(src, dst) ? copy_directly(src, dst, error)
                               : copy_converted(src, dst, (size_t)count, error);
}

cop_status cop_mx_array_wait(const struct mx_array *array, cop_error *error)
{
    cop_ndarray *storage = array->chunk == NULL
                               ? NULL
                               : atomic_load_explicit(&array->chunk->storage, memory_order_acquire);
    return storage == NULL ? COP_STATUS_OK : cop_ndarray_wait(storage, COP_NO_TIMEOUT, NULL, error);
}

/* Standing in line as a writer of nothing. Between the two waits an error that another thread's
 * work leaves just then would count as overwritten: errors are looked for before, not after. */
static cop_status wait_for_readers(cop_ndarray *storage, cop_error *error)
{
    static const int64_t nothing[] = {0};
    cop_ndarray *src = NULL, *dst = NULL;
    cop_status status = cop_ndarray_create(COP_DTYPE_UINT8, 1, nothing, &src, error);
    if (status == COP_STATUS_OK)
        status = cop_ndarray_view(storage, 0, COP_DTYPE_UINT8, 1, nothing, &dst, error);
    if (status == COP_STATUS_OK)
        status = cop_ndarray_copy(src, dst, error);
    cop_ndarray_release(&src);
    cop_ndarray_release(&dst);
    return status;
}

cop_status cop_mx_array_wait_to_write(const struct mx_array *array, cop_error *error)
{
    COP_TRY(cop_mx_array_wait(array, error));
    cop_ndarray *storage = array->chunk == NULL
                               ? NULL
                               : atomic_load_explicit(&array->chunk->storage, memory_order_acquire);
    return storage == NULL ? COP_STATUS_OK : wait_for_readers(storage, error);
}

cop_status cop_mx_wait_all(cop_error *error)
{
    return cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, error);
}
