// SPDX-License-Identifier: Apache-2.0
/*
 * A 128-bit content hash that names weights and plans. Two independent 64-bit streams: by accident
 * no two of a model's values meet. Not meant against an adversary who holds the model file anyway.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared.h"

struct hash {
    uint64_t low, high;
};

COP_SHARED struct hash cop_hash_begin(void);
COP_SHARED struct hash cop_hash_bytes(struct hash hash, const void *bytes, size_t size);

static inline struct hash cop_hash_u64(struct hash hash, uint64_t value)
{
    return cop_hash_bytes(hash, &value, sizeof value);
}

static inline bool cop_hash_equal(struct hash a, struct hash b)
{
    return a.low == b.low && a.high == b.high;
}

#endif
