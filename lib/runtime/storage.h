// SPDX-License-Identifier: Apache-2.0
/*
 * Storage: the memory behind arrays, who uses it now, and what went wrong with it.
 *
 * An invocation registers what it reads and writes. Synchronous invocations do so in one atomic
 * word, without a lock, as long as nobody else is in the way; everything else queues up in the
 * engine, and the queue of a storage is served in order, so that reads and writes of one storage
 * happen in the order the calls were made.
 *
 * Thread-safety: synchronized.
 */
#ifndef RUNTIME_STORAGE_H
#define RUNTIME_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/ndarray.h>

#include "backends/backend.h"
#include "base/fork.h"
#include "base/refcount.h"

struct storage;
struct access;
struct failure;
struct memory_budget;
struct output_pool;

struct cop_ndarray {
    struct refcount refs;
    struct storage *storage; /* one reference */
    bool is_embedded;        /* part of its storage's allocation */
    bool is_fresh; /* made by an invoke that has not succeeded yet: nobody else knows it */
    unsigned char *elements;
    size_t bytes;
    cop_dtype dtype;
    int rank;
    int64_t shape[COP_MAX_RANK];
};

/*
 * Parts of storage.use. From the lowest: how many read it synchronously, three flags, and in which
 * epoch (base/fork.h) all that was last true.
 */
#define STORAGE_READERS ((UINT64_C(1) << 29) - 1)
#define STORAGE_FAILED  (UINT64_C(1) << 29) /* `failure` is set */
#define STORAGE_WRITER  (UINT64_C(1) << 30) /* one writes it synchronously */
#define STORAGE_QUEUED                                                                             \
    (UINT64_C(1) << 31) /* the engine has accesses in line: nobody passes them                     \
                         */
#define STORAGE_EPOCH_SHIFT 32

/* Nobody uses it, now. */
static inline uint64_t cop_storage_unused(void)
{
    return (uint64_t)cop_fork_epoch() << STORAGE_EPOCH_SHIFT;
}

static inline bool cop_storage_is_of_now(uint64_t use)
{
    return use >> STORAGE_EPOCH_SHIFT == cop_fork_epoch();
}

struct storage {
    struct refcount refs;
    /*
     * Synchronous invocations add and remove themselves (acquire / release); the engine sets and
     * clears QUEUED and FAILED while it holds its lock.
     */
    _Atomic uint64_t use;
    unsigned char *memory;
    enum memory_kind memory_kind;
    struct device *device; /* whose memory it is, or that reaches it; NULL: the process's alone */
    bool is_wrapped;       /* the memory is the caller's */
    void (*release)(void *user, void *memory); /* of wrapped memory; NULL: none */
    void *user;
    struct output_pool *pool; /* where it goes back to; NULL: nowhere */
    /* Guarded by the engine's lock: */
    struct access *first, *last; /* in line, in the order of the calls */
    struct failure *failure;     /* of the last invocation that should have written; NULL: none */
    struct cop_ndarray array;    /* the array that covers the whole of it */
};

/* Where a storage is to lie. */
struct storage_place {
    struct device *device; /* NULL for MEMORY_HOST */
    enum memory_kind kind;
};

/* What `memory` is on a device, which is opened. */
cop_status cop_storage_find_place(cop_device device, cop_memory memory, struct storage_place *place,
                                  cop_error *error);

/* A storage with memory of its own and its array, which holds the only reference. Elements are not
 * set. */
cop_status cop_storage_create(const struct storage_place *place, cop_dtype dtype, int rank,
                              const int64_t *shape, size_t bytes, struct storage **storage,
                              cop_error *error);

/* A storage of the caller's memory, likewise; NULL: out of memory. The release callback is set
 * later. */
struct storage *cop_storage_wrap(void *memory, cop_dtype dtype, int rank, const int64_t *shape,
                                 size_t bytes);

void cop_storage_retain(struct storage *storage);
void cop_storage_release(struct storage *storage);

/* Registers a synchronous read or write without waiting; false: something is in the way. */
bool cop_storage_try_read(struct storage *storage);
bool cop_storage_try_write(struct storage *storage);

/* Ends what the above began; lets the queue go on. */
void cop_storage_end_read(struct storage *storage);
void cop_storage_end_write(struct storage *storage);

/*
 * Arrays that an operator made and got back, for its next outputs: one pool for each output. Those
 * it keeps count for the operator's budget. Thread-safety: synchronized, without locks. It lives
 * until the last of its arrays is released.
 */
cop_status cop_output_pool_create(const cop_tensor_desc *desc, const struct storage_place *place,
                                  struct memory_budget *budget, struct output_pool **pool,
                                  cop_error *error);
void cop_output_pool_release(struct output_pool **pool);

/* Frees what it keeps; returns how many bytes. */
size_t cop_output_pool_trim(struct output_pool *pool);
size_t cop_output_pool_kept_bytes(const struct output_pool *pool);

/* An array for one output, reused or new; its elements are not set. */
cop_status cop_output_pool_take(struct output_pool *pool, cop_ndarray **array, cop_error *error);

#endif
