// SPDX-License-Identifier: Apache-2.0
/*
 * NDArrays. A handle points to a view (shape, element type, offset) of a chunk of memory that other
 * views may share; a none array has no chunk yet.
 *
 * Thread-safety: a view that has a chunk never changes, and may be used by any number of threads. A
 * none array is filled once, by one thread. A chunk is synchronized: what reads and writes its
 * memory runs in the order of the calls (cachedop/invoke.h).
 */
#ifndef MXNET_ARRAY_MX_ARRAY_H
#define MXNET_ARRAY_MX_ARRAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/ndarray.h>

#include "base/refcount.h"
#include "ir/shape.h"
#include "mxnet/base/mx_context.h"
#include "mxnet/base/mx_dtype.h"
#include "mxnet/base/mx_handles.h"

/* Memory that views share. */
struct mx_chunk {
    struct refcount refs;
    uint64_t id; /* never used again: addresses are */
    struct mx_context context;
    size_t bytes;
    /* The whole memory. NULL until it is needed; made once (compare-exchange, release), read by all
     * (acquire). */
    _Atomic(cop_ndarray *) storage;
    /*
     * How often writing has begun and ended. Whoever writes the memory by whatever function counts
     * the first up before the write is submitted and the second after (sequentially consistent).
     * Equal numbers mean that nobody is about to write; an equal `writes_begun` later means that
     * nothing was written in between. Read relaxed where a call compares versions.
     */
    _Atomic uint64_t writes_begun, writes_done;
    /* The address was given to the client, who may write at any time: only the content tells. */
    _Atomic bool is_exposed;
};

struct mx_array {
    struct mx_object object;
    struct mx_chunk *chunk; /* NULL: a none array */
    size_t offset_bytes;
    int type; /* enum mx_type_flag */
    struct shape shape;
    _Atomic(cop_ndarray *) view; /* of the chunk's storage; NULL until needed, as `storage` */
};

/* Views that are handed to clients are NDArrayHandles. */

cop_status cop_mx_array_create_none(struct mx_array **array, cop_error *error);

/*
 * An array with memory of its own; `is_delayed`: the memory is made when it is first needed,
 * zeroed. INVALID_ARGUMENT: type, a dimension below 0, 2^31 − 1 elements or more ("… Size of tensor
 * you are trying to allocate is larger than 2^31 elements…"); of what is not delayed, NOT_FOUND: no
 * such GPU. A shape of rank 0 has one element, as in MXNet, also where shapes are not numpy's.
 */
cop_status cop_mx_array_create(const struct shape *shape, int type, struct mx_context context,
                               bool is_delayed, struct mx_array **array, cop_error *error);

/* Gives a none array what cop_mx_array_create would have given it. */
cop_status cop_mx_array_fill_none(struct mx_array *array, const struct shape *shape, int type,
                                  struct mx_context context, cop_error *error);

/* An array of what an invocation made: takes over the reference to `made`, also on failure. */
cop_status cop_mx_array_adopt(cop_ndarray *made, struct mx_context context, struct mx_array **array,
                              cop_error *error);
/* The same into a none array. */
cop_status cop_mx_array_adopt_into(struct mx_array *array, cop_ndarray *made,
                                   struct mx_context context, cop_error *error);

/* Another view: new handle, same chunk, from byte `offset_bytes` of the chunk on.
 * INVALID_ARGUMENT: it would reach beyond the chunk. */
cop_status cop_mx_array_view(const struct mx_array *array, size_t offset_bytes, int type,
                             const struct shape *shape, struct mx_array **view, cop_error *error);

/* As it is, also of a none array (a none array then). */
cop_status cop_mx_array_share(const struct mx_array *array, struct mx_array **shared,
                              cop_error *error);

/* The same into a none array. */
cop_status cop_mx_array_share_into(const struct mx_array *array, struct mx_array *none,
                                   cop_error *error);

/* Makes an array that was none, and that nobody else has seen since, none again. */
void cop_mx_array_empty(struct mx_array *array);

void cop_mx_array_destroy(struct mx_array *array); /* accepts NULL; the chunk lives while used */

static inline bool cop_mx_array_is_none(const struct mx_array *array)
{
    return array->chunk == NULL;
}

struct mx_context cop_mx_array_context(const struct mx_array *array);

/* The array for cop_invoke: makes delayed memory. Borrowed from the array. Not for none arrays. */
cop_status cop_mx_array_open(const struct mx_array *array, cop_ndarray **view, cop_error *error);

/* Around everything that writes a chunk. */
static inline void cop_mx_chunk_begin_write(struct mx_chunk *chunk)
{
    atomic_fetch_add(&chunk->writes_begun, 1);
}
static inline void cop_mx_chunk_end_write(struct mx_chunk *chunk)
{
    atomic_fetch_add(&chunk->writes_done, 1);
}

void cop_mx_chunk_retain(struct mx_chunk *chunk);
void cop_mx_chunk_release(struct mx_chunk *chunk);

/* Elements from and to memory of the process, wherever the array lies; they wait for what was asked
 * before. `count` must be the array's. The memory need not be aligned. */
cop_status cop_mx_array_read(const struct mx_array *array, void *elements, size_t count,
                             cop_error *error);
cop_status cop_mx_array_write(struct mx_array *array, const void *elements, size_t count,
                              cop_error *error);

/* Some bytes of an array's elements, likewise. */
cop_status cop_mx_array_read_bytes(const struct mx_array *array, size_t offset, void *bytes,
                                   size_t size, cop_error *error);

/* All elements of `src` into `dst`: one shape, any two element types and contexts (`_copyto`). */
cop_status cop_mx_array_copy(const struct mx_array *src, struct mx_array *dst, cop_error *error);

/* Waits for what writes the array, or for all that is pending. The error of an invocation that
 * failed. */
cop_status cop_mx_array_wait(const struct mx_array *array, cop_error *error);
/* Also for what reads it. */
cop_status cop_mx_array_wait_to_write(const struct mx_array *array, cop_error *error);
cop_status cop_mx_wait_all(cop_error *error);

/* Whether dimensions of 0 and rank 0 are values for the calling thread (MXSetIsNumpyShape). Setting
 * (0 off, 1 for the thread, 2 for all; anything else changes nothing) returns what was. */
bool cop_mx_is_numpy_shape(void);
bool cop_mx_set_numpy_shape(int mode);

/* The list format: `names` has `count` entries or is NULL. (array/mx_array_file.c) */
struct mx_array_list {
    struct mx_array **arrays;
    char **names; /* NULL: none has one */
    size_t count;
};
cop_status cop_mx_array_list_load(const char *path, struct mx_array_list *list, cop_error *error);
cop_status cop_mx_array_list_read(const void *bytes, size_t size, struct mx_array_list *list,
                                  cop_error *error);
void cop_mx_array_list_free(struct mx_array_list *list); /* with the arrays that are left in it */

#endif
