// SPDX-License-Identifier: Apache-2.0
/** What jpeg_check knows of a file while it walks through it. Source: ITU-T T.81. */
#ifndef EXAMPLE_JPEG_H
#define EXAMPLE_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

#define JPEG_MAX_COMPONENTS 3
#define JPEG_TABLES         4
#define JPEG_TABLE_BITS     9
#define JPEG_BLOCK          64 /* coefficients */

/* Progressive files send coefficients bit by bit; this one has not come yet. */
#define JPEG_NOT_SENT (-1)

struct jpeg_huffman {
    bool defined;
    uint8_t values[256];
    int32_t first_code[17]; /* of each length; the code behind the last is first_code + count */
    uint16_t first_index[17];
    uint16_t count[17];
    uint16_t table[1 << JPEG_TABLE_BITS]; /* value << 4 | length by the next bits, 0: longer */
};

struct jpeg_component {
    uint8_t id, h, v, quantization;
    uint8_t dc_table, ac_table; /* of the current scan */
    bool scanned;
    int dc; /* the last one, which the next is coded against */
    /** Blocks that hold pixels, and blocks as whole minimum coded units have them. */
    int64_t blocks_x, blocks_y, padded_x, padded_y;
    int8_t shift[JPEG_BLOCK]; /* progressive: lowest bit sent so far, or JPEG_NOT_SENT */
    uint64_t *nonzero;        /* progressive: a bit for each coefficient of each block */
};

struct jpeg {
    const uint8_t *bytes;
    size_t size;
    size_t position;
    bool progressive;
    int64_t width, height;
    int64_t units_x, units_y; /* minimum coded units of an interleaved scan */
    int component_count;
    struct jpeg_component components[JPEG_MAX_COMPONENTS];
    int restart_interval;
    uint16_t quantization[JPEG_TABLES][JPEG_BLOCK]; /* in the order of the scans; 0: not defined */
    struct jpeg_huffman dc_tables[JPEG_TABLES], ac_tables[JPEG_TABLES];
    int scan_count;

    /** The current scan. */
    int scan_component_count;
    int scan_components[JPEG_MAX_COMPONENTS];
    int first, last; /* coefficients */
    int from_shift,
        to_shift; /* successive approximation; from_shift 0: the first scan of these bits */
};

/** Fills the tables from 16 counts and the values; false if the counts make no prefix code. */
bool jpeg_huffman_build(struct jpeg_huffman *huffman, const uint8_t counts[16],
                        const uint8_t *values, int value_count);

/**
 * Reads the compressed data of the current scan, from jpeg->position to the marker behind it, and
 * moves the position there. False if it is truncated or corrupt.
 */
bool jpeg_scan_check(struct jpeg *jpeg, struct failure *failure);

#endif
