// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <string.h>

/* The finalising mix of MurmurHash3 (Appleby, public domain): every input bit reaches every output
 * bit. */
static uint64_t mix(uint64_t word)
{
    word = (word ^ word >> 33) * UINT64_C(0xff51afd7ed558ccd);
    word = (word ^ word >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return word ^ word >> 33;
}

static struct hash add_word(struct hash hash, uint64_t word)
{
    hash.low = mix(hash.low ^ word) + UINT64_C(0x9e3779b97f4a7c15);
    hash.high = mix((hash.high << 1 | hash.high >> 63) + word * UINT64_C(0xd6e8feb86659fd93));
    return hash;
}

struct hash cop_hash_begin(void)
{
    return (struct hash){UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344)};
}

struct hash cop_hash_bytes(struct hash hash, const void *bytes, size_t size)
{
    const unsigned char *next = bytes;
    hash = add_word(hash, size);
    for (; size >= 8; size -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        hash = add_word(hash, word);
    }
    if (size > 0) {
        uint64_t word = 0;
        memcpy(&word, next, size);
        hash = add_word(hash, word);
    }
    return hash;
}
