// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ir/shape.h"
#include "runtime/engine/engine.h"
#include "runtime/contexts/memory_budget.h"

#define POOL_SLOTS 64

struct output_pool {
    struct refcount refs; /* the operator's, and one for each storage handed out */
    cop_tensor_desc desc;
    struct storage_place place;
    size_t bytes;
    struct memory_budget *budget; /* what it keeps counts there */
    /* Whoever exchanges a storage out owns it; whoever exchanges NULL for one gave it away. */
    _Atomic(struct storage *) slots[POOL_SLOTS];
};

static void init_array(struct storage *storage, cop_dtype dtype, int rank, const int64_t *shape,
                       size_t bytes)
{
    struct cop_ndarray *array = &storage->array;
    cop_refcount_init(&array->refs);
    array->storage = storage;
    array->is_embedded = true;
    array->elements = storage->memory;
    array->bytes = bytes;
    array->dtype = dtype;
    array->rank = rank;
    for (int i = 0; i < rank; i++)
        array->shape[i] = shape[i];
}

cop_status cop_storage_find_place(cop_device device, cop_memory memory, struct storage_place *place,
                                  cop_error *error)
{
    struct device_chain chain;
    *place = (struct storage_place){NULL, MEMORY_HOST};
    if (memory != COP_MEMORY_HOST && memory != COP_MEMORY_PINNED && memory != COP_MEMORY_DEVICE)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "array: memory %d does not exist",
                        (int)memory);
    if (memory == COP_MEMORY_HOST)
        return COP_STATUS_OK;
    const cop_status status = cop_device_chain(device, &chain, error);
    if (status == COP_STATUS_OK && cop_device_has_memory(chain.devices[0]))
        *place = (struct storage_place){
            chain.devices[0], memory == COP_MEMORY_PINNED ? MEMORY_PINNED : MEMORY_DEVICE};
    return status;
}

cop_status cop_storage_create(const struct storage_place *place, cop_dtype dtype, int rank,
                              const int64_t *shape, size_t bytes, struct storage **storage,
                              cop_error *error)
{
    struct storage *made = cop_alloc(1, sizeof *made);
    void *memory = NULL;
    *storage = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "array", sizeof *made);
    const cop_status status =
        cop_memory_create(place->device, place->kind, bytes, "array", &memory, error);
    if (status != COP_STATUS_OK) {
        cop_free(made);
        return status;
    }
    made->memory = memory;
    made->memory_kind = place->kind;
    made->device = place->device;
    cop_refcount_init(&made->refs);
    atomic_init(&made->use, cop_storage_unused());
    init_array(made, dtype, rank, shape, bytes);
    *storage = made;
    return COP_STATUS_OK;
}

struct storage *cop_storage_wrap(void *memory, cop_dtype dtype, int rank, const int64_t *shape,
                                 size_t bytes)
{
    struct storage *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    cop_refcount_init(&made->refs);
    atomic_init(&made->use, cop_storage_unused());
    made->memory = memory;
    made->is_wrapped = true;
    init_array(made, dtype, rank, shape, bytes);
    return made;
}

static void destroy_storage(struct storage *storage)
{
    void *memory = storage->memory;
    if (!storage->is_wrapped)
        cop_memory_destroy(storage->device, storage->memory_kind, &memory);
    else if (storage->release != NULL)
        storage->release(storage->user, storage->memory);
    cop_free(storage);
}

/* Puts a storage nobody uses any more back; false: the pool is full, or memory is. */
static bool give_back(struct output_pool *pool, struct storage *storage)
{
    if (!cop_budget_take(pool->budget, pool->bytes))
        return false;
    for (int i = 0; i < POOL_SLOTS; i++) {
        struct storage *expected = NULL;
        if (atomic_compare_exchange_strong_explicit(&pool->slots[i], &expected, storage,
                                                    memory_order_release, memory_order_relaxed))
            return true;
    }
    cop_budget_give(pool->budget, pool->bytes);
    return false;
}

void cop_storage_retain(struct storage *storage)
{
    cop_refcount_retain(&storage->refs);
}

void cop_storage_release(struct storage *storage)
{
    if (!cop_refcount_release(&storage->refs))
        return;
    struct output_pool *pool = storage->pool;
    cop_engine_forget_failure(storage);
    if (pool == NULL) {
        destroy_storage(storage);
        return;
    }
    storage->pool = NULL;
    if (!give_back(pool, storage))
        destroy_storage(storage);
    cop_output_pool_release(&pool);
}

bool cop_storage_try_read(struct storage *storage)
{
    uint64_t use = atomic_load_explicit(&storage->use, memory_order_relaxed);
    do {
        if ((use & (STORAGE_QUEUED | STORAGE_WRITER | STORAGE_FAILED)) ||
            !cop_storage_is_of_now(use))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&storage->use, &use, use + 1,
                                                    memory_order_acquire, memory_order_relaxed));
    return true;
}

bool cop_storage_try_write(struct storage *storage)
{
    uint64_t use = cop_storage_unused();
    return atomic_compare_exchange_strong_explicit(&storage->use, &use, use | STORAGE_WRITER,
                                                   memory_order_acquire, memory_order_relaxed);
}

void cop_storage_end_read(struct storage *storage)
{
    const uint64_t before = atomic_fetch_sub_explicit(&storage->use, 1, memory_order_acq_rel);
    if ((before & (STORAGE_QUEUED | STORAGE_READERS)) == (STORAGE_QUEUED | 1))
        cop_engine_serve(storage);
}

void cop_storage_end_write(struct storage *storage)
{
    const uint64_t before =
        atomic_fetch_and_explicit(&storage->use, ~STORAGE_WRITER, memory_order_acq_rel);
    if (before & STORAGE_QUEUED)
        cop_engine_serve(storage);
}

cop_status cop_output_pool_create(const cop_tensor_desc *desc, const struct storage_place *place,
                                  struct memory_budget *budget, struct output_pool **pool,
                                  cop_error *error)
{
    const struct shape shape = cop_shape_of(desc->rank, desc->shape);
    *pool = cop_alloc(1, sizeof **pool);
    if (*pool == NULL)
        return cop_fail_memory(error, desc->name, sizeof **pool);
    cop_refcount_init(&(*pool)->refs);
    (*pool)->desc = *desc;
    (*pool)->place = *place;
    (*pool)->budget = cop_budget_retain(budget);
    if (!cop_shape_bytes(&shape, desc->dtype, &(*pool)->bytes)) {
        cop_output_pool_release(pool);
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "output '%s': %s is too large",
                        desc->name, cop_shape_text(&shape).text);
    }
    return COP_STATUS_OK;
}

static struct storage *find_free(struct output_pool *pool)
{
    for (int i = 0; i < POOL_SLOTS; i++) {
        if (atomic_load_explicit(&pool->slots[i], memory_order_relaxed) == NULL)
            continue;
        struct storage *storage =
            atomic_exchange_explicit(&pool->slots[i], NULL, memory_order_acquire);
        if (storage == NULL)
            continue;
        cop_budget_give(pool->budget, pool->bytes);
        return storage;
    }
    return NULL;
}

size_t cop_output_pool_trim(struct output_pool *pool)
{
    size_t freed = 0;
    for (struct storage *kept; (kept = find_free(pool)) != NULL; freed += pool->bytes)
        destroy_storage(kept);
    return freed;
}

size_t cop_output_pool_kept_bytes(const struct output_pool *pool)
{
    size_t kept = 0;
    for (int i = 0; i < POOL_SLOTS; i++)
        if (atomic_load_explicit(&pool->slots[i], memory_order_relaxed) != NULL)
            kept += pool->bytes;
    return kept;
}

void cop_output_pool_release(struct output_pool **pool)
{
    struct output_pool *old = *pool;
    *pool = NULL;
    if (old == NULL || !cop_refcount_release(&old->refs))
        return;
    (void)cop_output_pool_trim(old);
    cop_budget_release(&old->budget);
    cop_free(old);
}

cop_status cop_output_pool_take(struct output_pool *pool, cop_ndarray **array, cop_error *error)
{
    struct storage *storage = find_free(pool);
    *array = NULL;
    if (storage == NULL) {
        const cop_status status =
            cop_storage_create(&pool->place, pool->desc.dtype, pool->desc.rank, pool->desc.shape,
                               pool->bytes, &storage, error);
        if (status != COP_STATUS_OK)
            return status;
    } else {
        cop_refcount_init(&storage->refs);
        cop_refcount_init(&storage->array.refs);
    }
    cop_refcount_retain(&pool->refs);
    storage->pool = pool;
    storage->array.is_fresh = true;
    *array = &storage->array;
    return COP_STATUS_OK;
}
