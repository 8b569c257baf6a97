// SPDX-License-Identifier: Apache-2.0
/**
 * Arrays: dense row-major tensors, what goes into an invocation and comes out of it. They lie in
 * memory of the process, or in a GPU's, where operators on that GPU use them without a copy.
 *
 * An array is a view (offset, shape, dtype) of a storage that other arrays may view too. Storage
 * knows who reads and writes it: asynchronous invocations that share storage run in the order they
 * were made.
 *
 * Thread-safety: an array's own fields never change after it is made, and any number of threads may
 * hold, invoke with, wait for and release it. Its elements follow the invocations that use it:
 * touch them only when no invocation that writes them is pending.
 */
#ifndef CACHEDOP_NDARRAY_H
#define CACHEDOP_NDARRAY_H

#include <stddef.h>
#include <stdint.h>

#include <cachedop/cancel.h>
#include <cachedop/device.h>
#include <cachedop/dtype.h>
#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cop_ndarray cop_ndarray;

/** A time span that never ends, for every `timeout_ns`. 0 asks and does not wait. */
#define COP_NO_TIMEOUT INT64_MAX

/**
 * Makes an array with memory of its own, 64-byte aligned, its elements zero.
 *
 * @param rank   0 to COP_MAX_RANK
 * @param shape  `rank` dimensions, each >= 0; may be NULL when rank is 0
 * @param array  receives one reference; NULL on failure
 * @return OK; INVALID_ARGUMENT: dtype, rank, a negative dimension, 2^48 elements or more;
 *         OUT_OF_MEMORY
 */
COP_API COP_MUST_USE cop_status cop_ndarray_create(cop_dtype dtype, int rank, const int64_t *shape,
                                                   cop_ndarray **array, cop_error *error);

/**
 * Makes an array in memory that a device reaches best, its elements zero. Devices without memory of
 * their own (CPU, REF) take the process's for every `memory`.
 *
 * Page-locking is slow (a millisecond) and scarce: make such arrays once and use them again.
 *
 * @return as cop_ndarray_create; NOT_FOUND: no such device; OUT_OF_DEVICE_MEMORY; DEVICE_FAILED
 */
COP_API COP_MUST_USE cop_status cop_ndarray_create_in(cop_device device, cop_memory memory,
                                                      cop_dtype dtype, int rank,
                                                      const int64_t *shape, cop_ndarray **array,
                                                      cop_error *error);

/** Options of cop_ndarray_wrap. Initialise with COP_WRAP_OPTIONS_INIT. */
typedef struct cop_wrap_options {
    size_t struct_size;
    /** Bytes that may be read and written at `memory`; 0: exactly what dtype and shape need. */
    size_t capacity_bytes;
    /** Called once, after the last use by the library, from any thread, also one that waits; it
     * must not call the library, wait or fork. */
    void (*release)(void *user, void *memory);
    void *user;
    /** What the memory is: PINNED and DEVICE as `device` allocates it, such as by cudaHostAlloc and
     * cudaMalloc. */
    cop_device device;
    cop_memory memory;
} cop_wrap_options;

#define COP_WRAP_OPTIONS_INIT                                                                      \
    {                                                                                              \
        sizeof(cop_wrap_options), 0, NULL, NULL, {COP_DEVICE_CPU, 0}, COP_MEMORY_HOST              \
    }

/**
 * Makes an array of the caller's memory, without a copy. Wrap memory once and make views of it: two
 * wraps of the same bytes are two storages, whose invocations know nothing of each other.
 *
 * The memory must stay valid until the array is released and no invocation with it is pending (or,
 * with a release callback, until that is called).
 *
 * @param memory   row-major elements, aligned to the element size; may be NULL only for 0 elements
 * @param options  NULL: exact capacity, no callback
 * @param array    receives one reference; NULL on failure (the release callback is then not called)
 * @return OK; INVALID_ARGUMENT: as cop_ndarray_create, or misaligned, or a capacity that is too
 * small; NOT_FOUND: no such device; OUT_OF_MEMORY
 */
COP_API COP_MUST_USE cop_status cop_ndarray_wrap(void *memory, cop_dtype dtype, int rank,
                                                 const int64_t *shape,
                                                 const cop_wrap_options *options,
                                                 cop_ndarray **array, cop_error *error);

/**
 * Makes another view of the same storage.
 *
 * @param offset_bytes  from the start of `array`, a multiple of the element size of `dtype`
 * @param view          receives one reference; NULL on failure
 * @return OK; INVALID_ARGUMENT: as cop_ndarray_create, or misaligned, or the view would reach
 *         outside `array`; OUT_OF_MEMORY
 */
COP_API COP_MUST_USE cop_status cop_ndarray_view(cop_ndarray *array, size_t offset_bytes,
                                                 cop_dtype dtype, int rank, const int64_t *shape,
                                                 cop_ndarray **view, cop_error *error);

/** Adds a reference and returns the array. */
COP_API cop_ndarray *cop_ndarray_retain(cop_ndarray *array);

/**
 * Gives one reference back and sets `*array` to NULL; accepts a pointer to NULL. Never waits:
 * pending invocations keep the storage until they are done. The last use of wrapped memory calls
 * its release callback.
 */
COP_API void cop_ndarray_release(cop_ndarray **array);

/** What the array was made with; UNKNOWN or 0 for NULL. */
COP_API cop_dtype cop_ndarray_dtype(const cop_ndarray *array);
COP_API int cop_ndarray_rank(const cop_ndarray *array);

/** `cop_ndarray_rank` dimensions, outermost first; valid while the array lives. */
COP_API const int64_t *cop_ndarray_shape(const cop_ndarray *array);

/** Bytes of its elements, without what a larger wrapped memory has behind them; 0 for NULL. */
COP_API size_t cop_ndarray_bytes(const cop_ndarray *array);

/**
 * The first element; NULL for NULL. Does not wait: there may be nothing to read yet. Of an array in
 * DEVICE memory it is the device's address, which the process must not touch.
 */
COP_API void *cop_ndarray_data(const cop_ndarray *array);

/** Where it lies; HOST for NULL. */
COP_API cop_memory cop_ndarray_memory(const cop_ndarray *array);

/**
 * Copies all elements of `src` to `dst`, wherever they lie, after what was asked of either before.
 * Returns when they are there.
 *
 * @return OK; INVALID_ARGUMENT: a NULL, a dtype or shape that differs, arrays that overlap, memory
 * of two GPUs; the error that `src` holds; DEVICE_FAILED. After a failure the elements of `dst` are
 * unknown.
 */
COP_API COP_MUST_USE cop_status cop_ndarray_copy(cop_ndarray *src, cop_ndarray *dst,
                                                 cop_error *error);

/**
 * Waits until every invocation that writes this array's storage and was made before this call is
 * done.
 *
 * The calling thread first runs what the array still needs, if no worker has begun it, then sleeps.
 * A step that it began is not cut short: the call may last that much longer than `timeout_ns`. Any
 * number of threads may wait for one array, any number of times.
 *
 * @param timeout_ns  how long to wait at the most; COP_NO_TIMEOUT for ever, 0 to ask
 * @param cancel      NULL, or a token that ends the wait (not what it waits for)
 * @return OK: the elements may be read; INVALID_ARGUMENT: array is NULL or timeout_ns is negative;
 *         TIMEOUT or CANCELLED with a text that begins with "wait:": not yet, and nothing changed;
 *         OUT_OF_MEMORY, BUSY, TIMEOUT, CANCELLED and others: the status and text of the invocation
 *         that failed to write it, the same at every wait until it is written again. CANCELLED also
 *         where the process was forked while it was pending
 */
COP_API COP_MUST_USE cop_status cop_ndarray_wait(cop_ndarray *array, int64_t timeout_ns,
                                                 cop_cancel *cancel, cop_error *error);

#ifdef __cplusplus
}
#endif
#endif
