// SPDX-License-Identifier: Apache-2.0
/*
 * Little-endian fields from a span of untrusted bytes. A read past the end sets `failed`, yields
 * zero and moves nothing, so that one check after a group of reads is enough.
 */
#ifndef BASE_BYTE_READER_H
#define BASE_BYTE_READER_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct byte_reader {
    const unsigned char *bytes;
    size_t size, offset;
    bool failed;
};

static inline size_t cop_reader_left(const struct byte_reader *reader)
{
    return reader->size - reader->offset;
}

/* The next `count` bytes, or NULL when there are fewer. */
static inline const unsigned char *cop_reader_take(struct byte_reader *reader, size_t count)
{
    if (reader->failed || count > cop_reader_left(reader)) {
        reader->failed = true;
        return NULL;
    }
    reader->offset += count;
    return reader->bytes + reader->offset - count;
}

static inline uint32_t cop_reader_u32(struct byte_reader *reader)
{
    uint32_t value = 0;
    const unsigned char *bytes = cop_reader_take(reader, sizeof value);
    if (bytes != NULL)
        memcpy(&value, bytes, sizeof value);
    return le32toh(value);
}

static inline uint64_t cop_reader_u64(struct byte_reader *reader)
{
    uint64_t value = 0;
    const unsigned char *bytes = cop_reader_take(reader, sizeof value);
    if (bytes != NULL)
        memcpy(&value, bytes, sizeof value);
    return le64toh(value);
}

static inline int32_t cop_reader_i32(struct byte_reader *reader)
{
    return (int32_t)cop_reader_u32(reader);
}

static inline int64_t cop_reader_i64(struct byte_reader *reader)
{
    return (int64_t)cop_reader_u64(reader);
}

#endif
