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

cop_status cop_mx_chunk_open(struct mx_chunk *chunk, cop_ndarray **storage, cop_error *error)
{
    cop_ndarray *made;
    *storage = atomic_load_explicit(&chunk->storage, memory_order_acquire);
    if (*storage != NULL)
        return COP_STATUS_OK;
    const int64_t shape[] = {(int64_t)chunk->bytes};
    if (chunk->context.type == MX_CPU || chunk->context.type == MX_CPU_SHARED)
        COP_TRY(cop_ndarray_create(COP_DTYPE_UINT8, 1, shape, &made, error));
    else
        COP_TRY(cop_ndarray_create_in(cop_mx_context_device(chunk->context),
                                      cop_mx_context_memory(chunk->context), COP_DTYPE_UINT8, 1,
                                      shape, &made, error));
    *storage = cop_mx_publish(&chunk->storage, made);
    return COP_STATUS_OK;
}
