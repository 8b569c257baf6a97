// SPDX-License-Identifier: Apache-2.0
/** Integers of either byte order; the caller has checked that the bytes are there. */
#ifndef EXAMPLE_BYTES_H
#define EXAMPLE_BYTES_H

#include <stdint.h>

static inline uint32_t read_be16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static inline uint32_t read_be32(const uint8_t *bytes)
{
    return read_be16(bytes) << 16 | read_be16(bytes + 2);
}

static inline uint32_t read_le16(const uint8_t *bytes)
{
    return (uint32_t)bytes[1] << 8 | bytes[0];
}

static inline uint32_t read_le32(const uint8_t *bytes)
{
    return read_le16(bytes + 2) << 16 | read_le16(bytes);
}

static inline void write_be32(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
}

#endif
