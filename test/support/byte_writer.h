// SPDX-License-Identifier: Apache-2.0
/* Little-endian bytes, put together field by field. */
#ifndef TEST_SUPPORT_BYTE_WRITER_H
#define TEST_SUPPORT_BYTE_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct byte_writer {
    unsigned char bytes[8192];
    size_t size;
};

static inline void put_bytes(struct byte_writer *writer, const void *bytes, size_t size)
{
    if (size > sizeof writer->bytes - writer->size)
        abort(); /* a test that wants more must make it larger */
    memcpy(writer->bytes + writer->size, bytes, size);
    writer->size += size;
}

static inline void put_le(struct byte_writer *writer, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        put_bytes(writer, &(unsigned char){(unsigned char)(value >> (8 * i))}, 1);
}

static inline void put_u32(struct byte_writer *writer, uint32_t value)
{
    put_le(writer, value, 4);
}

static inline void put_u64(struct byte_writer *writer, uint64_t value)
{
    put_le(writer, value, 8);
}

static inline void put_floats(struct byte_writer *writer, int count, const float *values)
{
    put_bytes(writer, values, (size_t)count * sizeof *values);
}

#endif
