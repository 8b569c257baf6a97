// SPDX-License-Identifier: Apache-2.0
/* The memory behind arrays. */
#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/array/mx_array.h"
#include "mxnet/array/mx_array_parts.h"

static _Atomic uint64_t last_id; /* of all chunks ever made; relaxed: only uniqueness counts */

struct mx_chunk *cop_mx_chunk_create(size_t bytes, struct mx_context context, cop_error *error)
{
    struct mx_chunk *chunk = cop_alloc(1, sizeof *chunk);
    if (chunk == NULL) {
        cop_fail_memory(error, "an array", sizeof *chunk);
        return NULL;
    }
    cop_refcount_init(&chunk->refs);
    chunk->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    chunk->context = context;
    chunk->bytes = bytes;
    return chunk;
}

void cop_mx_chunk_retain(struct mx_chunk *chunk)
{
    cop_refcount_retain(&chunk->refs);
}

void cop_mx_chunk_release(struct mx_chunk *chunk)
{
    if (chunk == NULL || !cop_refcount_release(&chunk->refs))
        return;
    cop_ndarray *storage = atomic_load_explicit(&chunk->storage, memory_order_acquire);
    cop_ndarray_release(&storage);
    cop_free(chunk);
}

cop_ndarray *cop_mx_publish(_Atomic(cop_ndarray *) *place, cop_ndarray *made)
{
    cop_ndarray *found = NULL;
    if (atomic_compare_exchange_strong_explicit(place, &found, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    cop_ndarray_release(&made); /* another thread was faster */
    return found;
}

/* Page-locked memory only makes copies faster: without a GPU, or without room for more of it, it is
 * the process's. */
static cop_status make_pinned(int gpu, const int64_t *shape, cop_ndarray **made, cop_error *error)
{
    const cop_device device = {COP_DEVICE_GPU, gpu};
    if (cop_ndarray_create_in(device, COP_MEMORY_PINNED, COP_DTYPE_UINT8, 1, shape, made, NULL) ==
        COP_STATUS_OK)
        return COP_STATUS_OK;
    return cop_ndarray_create(COP_DTYPE_UINT8, 1, shape, made, error);
}

static cop_status make_storage(struct mx_context context, const int64_t *shape, cop_ndarray **made,
                               cop_error *error)
{
    if (cop_mx_context_is_gpu(context))
        return cop_ndarray_create_in(cop_mx_context_device(context), COP_MEMORY_DEVICE,
                                     COP_DTYPE_UINT8, 1, shape, made, error);
    if (context.type == MX_CPU_PINNED)
        return make_pinned(context.id, shape, made, error);
    return cop_ndarray_create(COP_DTYPE_UINT8, 1, shape, made, error);
}

cop_status cop_mx_chunk_open(struct mx_chunk *chunk, cop_ndarray **storage, cop_error *error)
{
    cop_ndarray *made;
    *storage = atomic_load_explicit(&chunk->storage, memory_order_acquire);
    if (*storage != NULL)
        return COP_STATUS_OK;
    const int64_t shape[] = {(int64_t)chunk->bytes};
    const cop_status status = make_storage(chunk->context, shape, &made, error);
    if (status != COP_STATUS_OK)
        return cop_error_prefix(error, status,
                                "an array on %s: ", cop_mx_context_name(chunk->context).text);
    *storage = cop_mx_publish(&chunk->storage, made);
    return COP_STATUS_OK;
}
