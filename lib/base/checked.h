// SPDX-License-Identifier: Apache-2.0
/* Arithmetic that says when it does not fit. Each returns false, and leaves `*result` undefined,
 * then. */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool cop_mul_size(size_t a, size_t b, size_t *result)
{
    return !__builtin_mul_overflow(a, b, result);
}

static inline bool cop_add_size(size_t a, size_t b, size_t *result)
{
    return !__builtin_add_overflow(a, b, result);
}

static inline bool cop_mul_int64(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_mul_overflow(a, b, result);
}

static inline bool cop_add_int64(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_add_overflow(a, b, result);
}

static inline bool cop_sub_int64(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_sub_overflow(a, b, result);
}

/* The next multiple of `alignment`, a power of two. */
static inline bool cop_align_size(size_t bytes, size_t alignment, size_t *result)
{
    size_t raised;
    if (!cop_add_size(bytes, alignment - 1, &raised))
        return false;
    *result = raised & ~(alignment - 1);
    return true;
}

#endif
