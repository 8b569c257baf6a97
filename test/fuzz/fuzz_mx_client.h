// SPDX-License-Identifier: Apache-2.0
/* What fuzz targets of MXNet's C API share: success or a text, and running what was made. */
#ifndef TEST_FUZZ_FUZZ_MX_CLIENT_H
#define TEST_FUZZ_FUZZ_MX_CLIENT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cachedop/cachedop.h>
#include <mxnet/c_api.h>
#include <mxnet/c_predict_api.h>
#include <nnvm/c_api.h>

#include "fuzz/fuzz_target.h"

#define MX_MOST_INPUTS   64
#define MX_MOST_ELEMENTS 20000 /* of one array that is made for an input */

#define MX_MOST_BYTES ((size_t)64 << 20)

static inline void *mx_allocate(void *user, size_t bytes, size_t alignment)
{
    void *memory = NULL;
    (void)user;
    return bytes <= MX_MOST_BYTES && posix_memalign(&memory, alignment, bytes) == 0 ? memory : NULL;
}

static inline void mx_release(void *user, void *memory, size_t bytes, size_t alignment)
{
    (void)user, (void)bytes, (void)alignment;
    free(memory);
}

/* What asks for a great array gets none: shapes may be as large as texts can say. Before anything
 * else, each time. */
static inline void mx_limit_memory(void)
{
    static bool is_limited;
    const cop_allocator allocator = {sizeof allocator, mx_allocate, mx_release, NULL};
    cop_error error;
    if (!is_limited && cop_set_allocator(&allocator, &error) != COP_STATUS_OK)
        abort();
    is_limited = true;
}

/* Whether a call succeeded; a failure has a text. */
static inline bool mx_went_well(int result)
{
    if (result != 0 && MXGetLastError()[0] == '\0')
        abort();
    return result == 0;
}

/* For what must succeed. */
static inline void mx_must(int result)
{
    if (result == 0)
        return;
    fprintf(stderr, "%s\n", MXGetLastError());
    abort();
}

/* An array of ones; NULL: it would be too large, or there is none. */
static inline NDArrayHandle mx_make_ones(uint32_t rank, const uint32_t *shape)
{
    static float ones[MX_MOST_ELEMENTS];
    uint64_t count = 1;
    NDArrayHandle array;
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] == 0 || shape[i] > MX_MOST_ELEMENTS)
            return NULL;
        count *= shape[i];
        if (count > MX_MOST_ELEMENTS)
            return NULL;
    }
    for (uint64_t i = 0; i < count; i++)
        ones[i] = 1;
    if (!mx_went_well(MXNDArrayCreate(shape, rank, 1, 0, 0, &array)))
        return NULL;
    mx_must(MXNDArraySyncCopyFromCPU(array, ones, count));
    return array;
}

/* Waits for what a call gave out, and frees it. */
static inline void mx_drop(int count, NDArrayHandle *arrays)
{
    NDArrayHandle own[256];
    const int kept = count < 256 ? count : 256;
    memcpy(own, arrays, (size_t)kept * sizeof *own);
    for (int i = kept; i < count; i++)
        mx_must(MXNDArrayFree(arrays[i]));
    for (int i = 0; i < kept; i++) {
        (void)mx_went_well(MXNDArrayWaitToRead(own[i]));
        mx_must(MXNDArrayFree(own[i]));
    }
}

#endif
