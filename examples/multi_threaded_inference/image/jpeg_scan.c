// SPDX-License-Identifier: Apache-2.0
/*
 * The compressed data of a scan, read as a decoder reads it (ITU-T T.81, annexes F and G) but
 * without computing pixels: that every code word exists, that no block has too many coefficients,
 * that restart markers are where they belong, and that the data neither ends early nor goes on
 * behind the last block.
 */
#include <string.h>

#include "image/jpeg.h"

/*
 * Bounds for 8-bit samples. Encoders of such samples make coefficients of little more than 1024;
 * far larger ones come from damaged data, and decoders disagree about what follows from them.
 */
#define MAX_DC_BITS     11
#define MAX_AC_BITS     10
#define MAX_COEFFICIENT 4096

enum { NO_VALUE = -1 };

struct scan {
    struct jpeg *jpeg;
    uint64_t bits; /* the next one is the highest */
    int bit_count;
    bool ended; /* more bits were asked for than there are before the next marker */
    int end_of_band_run;
};

bool jpeg_huffman_build(struct jpeg_huffman *huffman, const uint8_t counts[16],
                        const uint8_t *values, int value_count)
{
    memset(huffman, 0, sizeof(*huffman));
    memcpy(huffman->values, values, (size_t)value_count);
    int32_t code = 0;
    int index = 0;
    for (int length = 1; length <= 16; length++) {
        int count = counts[length - 1];
        huffman->first_code[length] = code;
        huffman->first_index[length] = (uint16_t)index;
        huffman->count[length] = (uint16_t)count;
        if (code + count > 1 << length)
            return false;
        for (int i = 0; i < count && length <= JPEG_TABLE_BITS; i++) {
            int spare = JPEG_TABLE_BITS - length;
            for (int j = 0; j < 1 << spare; j++)
                huffman->table[((code + i) << spare) + j] =
                    (uint16_t)(values[index + i] << 4 | length);
        }
        index += count;
        code = (code + count) << 1;
    }
    huffman->defined = true;
    return true;
}

/* Takes bytes up to a marker: FF 00 stands for the byte FF, FF before FF for nothing. */
static void fill_bits(struct scan *scan)
{
    struct jpeg *jpeg = scan->jpeg;
    while (scan->bit_count <= 56 && jpeg->position < jpeg->size) {
        uint8_t byte = jpeg->bytes[jpeg->position];
        if (byte == 0xff) {
            if (jpeg->position + 1 >= jpeg->size || jpeg->bytes[jpeg->position + 1] != 0)
                return;
            jpeg->position++;
        }
        jpeg->position++;
        scan->bits |= (uint64_t)byte << (56 - scan->bit_count);
        scan->bit_count += 8;
    }
}

static void drop_bits(struct scan *scan, int count)
{
    if (count > scan->bit_count) {
        scan->ended = true;
        count = scan->bit_count;
    }
    scan->bits <<= count;
    scan->bit_count -= count;
}

/* `count` <= 16; zeros behind the end. */
static unsigned take_bits(struct scan *scan, int count)
{
    if (count == 0)
        return 0;
    if (scan->bit_count < count)
        fill_bits(scan);
    unsigned value = (unsigned)(scan->bits >> (64 - count));
    drop_bits(scan, count);
    return value;
}

static int take_value(struct scan *scan, const struct jpeg_huffman *huffman)
{
    if (scan->bit_count < 16)
        fill_bits(scan);
    unsigned entry = huffman->table[scan->bits >> (64 - JPEG_TABLE_BITS)];
    if (entry) {
        drop_bits(scan, (int)(entry & 15));
        return (int)(entry >> 4);
    }
    for (int length = JPEG_TABLE_BITS + 1; length <= 16; length++) {
        int32_t place = (int32_t)(scan->bits >> (64 - length)) - huffman->first_code[length];
        if (place >= 0 && place < huffman->count[length]) {
            drop_bits(scan, length);
            return huffman->values[huffman->first_index[length] + place];
        }
    }
    return NO_VALUE;
}

/* A number of `bits` bits whose first says the sign (T.81, F.2.2.1). */
static int take_signed(struct scan *scan, int bits)
{
    if (bits == 0)
        return 0;
    int value = (int)take_bits(scan, bits);
    return value < 1 << (bits - 1) ? value - (1 << bits) + 1 : value;
}

/* Whether a coefficient, as sent, has a size that 8-bit samples can lead to; rounding adds a step.
 */
static bool is_plausible(const struct jpeg *jpeg, const struct jpeg_component *component, int k,
                         int value)
{
    int64_t step = (int64_t)jpeg->quantization[component->quantization][k] << jpeg->to_shift;
    int64_t size = step * (value < 0 ? -value : value);
    return size <= MAX_COEFFICIENT + step;
}

static bool take_dc(struct scan *scan, struct jpeg_component *component)
{
    int bits = take_value(scan, &scan->jpeg->dc_tables[component->dc_table]);
    if (bits < 0 || bits > MAX_DC_BITS)
        return false;
    component->dc += take_signed(scan, bits);
    return is_plausible(scan->jpeg, component, 0, component->dc);
}

static bool sequential_block(struct scan *scan, struct jpeg_component *component)
{
    const struct jpeg_huffman *huffman = &scan->jpeg->ac_tables[component->ac_table];
    if (!take_dc(scan, component))
        return false;
    for (int k = 1; k < JPEG_BLOCK; k++) {
        int value = take_value(scan, huffman);
        int run = value >> 4, bits = value & 15;
        if (value < 0 || bits > MAX_AC_BITS)
            return false;
        if (bits == 0 && run != 15)
            return true; /* end of block */
        k += run;
        if (k >= JPEG_BLOCK)
            return false;
        if (!is_plausible(scan->jpeg, component, k, take_signed(scan, bits)))
            return false;
    }
    return true;
}

/* The first scan of a band of coefficients. */
static bool band_block(struct scan *scan, const struct jpeg_component *component, uint64_t *nonzero)
{
    const struct jpeg *jpeg = scan->jpeg;
    const struct jpeg_huffman *huffman = &jpeg->ac_tables[component->ac_table];
    if (scan->end_of_band_run > 0) {
        scan->end_of_band_run--;
        return true;
    }
    for (int k = jpeg->first; k <= jpeg->last; k++) {
        int value = take_value(scan, huffman);
        int run = value >> 4, bits = value & 15;
        if (value < 0 || bits > MAX_AC_BITS)
            return false;
        if (bits == 0 && run != 15) {
            scan->end_of_band_run = (1 << run) - 1 + (int)take_bits(scan, run);
            return true;
        }
        k += run;
        if (k > jpeg->last)
            return false;
        if (!is_plausible(jpeg, component, k, take_signed(scan, bits)))
            return false;
        if (bits)
            *nonzero |= UINT64_C(1) << k;
    }
    return true;
}

/*
 * Reads a correction bit for each known coefficient from k on, up to the unknown one behind
 * `skipped_zeros` others. Returns its index, or one more than the last of the band.
 */
static int correct(struct scan *scan, uint64_t known, int k, int skipped_zeros)
{
    for (; k <= scan->jpeg->last; k++) {
        if (known >> k & 1)
            take_bits(scan, 1);
        else if (skipped_zeros-- == 0)
            break;
    }
    return k;
}

/* A later scan of a band: one more bit of what is known, and coefficients that become known. */
static bool refined_block(struct scan *scan, const struct jpeg_component *component,
                          uint64_t *nonzero)
{
    const struct jpeg *jpeg = scan->jpeg;
    const struct jpeg_huffman *huffman = &jpeg->ac_tables[component->ac_table];
    uint64_t known = *nonzero;
    int k = jpeg->first;
    while (k <= jpeg->last && scan->end_of_band_run == 0) {
        int value = take_value(scan, huffman);
        int run = value >> 4, bits = value & 15;
        if (value < 0 || bits > 1)
            return false;
        if (bits == 0 && run != 15) {
            scan->end_of_band_run = (1 << run) + (int)take_bits(scan, run);
            break;
        }
        take_bits(scan, bits); /* the sign */
        k = correct(scan, known, k, run);
        if (k > jpeg->last)
            return bits == 0; /* a new coefficient must have had room */
        if (bits)
            *nonzero |= UINT64_C(1) << k;
        k++;
    }
    if (scan->end_of_band_run > 0) {
        correct(scan, known, k, JPEG_BLOCK);
        scan->end_of_band_run--;
    }
    return true;
}

static bool progressive_block(struct scan *scan, struct jpeg_component *component, int64_t x,
                              int64_t y)
{
    const struct jpeg *jpeg = scan->jpeg;
    if (jpeg->first == 0) {
        if (jpeg->from_shift == 0)
            return take_dc(scan, component);
        take_bits(scan, 1);
        return true;
    }
    uint64_t *nonzero = &component->nonzero[y * component->padded_x + x];
    return jpeg->from_shift == 0 ? band_block(scan, component, nonzero)
                                 : refined_block(scan, component, nonzero);
}

static bool block(struct scan *scan, struct jpeg_component *component, int64_t x, int64_t y)
{
    bool good = scan->jpeg->progressive ? progressive_block(scan, component, x, y)
                                        : sequential_block(scan, component);
    return good && !scan->ended;
}

/* A minimum coded unit: one block, or those of all components of the scan. */
static bool unit(struct scan *scan, int64_t x, int64_t y)
{
    struct jpeg *jpeg = scan->jpeg;
    if (jpeg->scan_component_count == 1)
        return block(scan, &jpeg->components[jpeg->scan_components[0]], x, y);
    for (int i = 0; i < jpeg->scan_component_count; i++) {
        struct jpeg_component *component = &jpeg->components[jpeg->scan_components[i]];
        for (int v = 0; v < component->v; v++)
            for (int h = 0; h < component->h; h++)
                if (!block(scan, component, x * component->h + h, y * component->v + v))
                    return false;
    }
    return true;
}

static void begin_interval(struct scan *scan)
{
    struct jpeg *jpeg = scan->jpeg;
    scan->bits = 0;
    scan->bit_count = 0;
    scan->end_of_band_run = 0;
    for (int i = 0; i < jpeg->component_count; i++)
        jpeg->components[i].dc = 0;
}

/* The restart marker that must follow the padding bits of an interval at once. */
static bool restart(struct scan *scan, int number, struct failure *failure)
{
    struct jpeg *jpeg = scan->jpeg;
    fill_bits(scan);
    size_t position = jpeg->position;
    while (position + 1 < jpeg->size && jpeg->bytes[position] == 0xff &&
           jpeg->bytes[position + 1] == 0xff)
        position++;
    if (scan->bit_count >= 8 || position + 1 >= jpeg->size || jpeg->bytes[position] != 0xff ||
        jpeg->bytes[position + 1] != 0xd0 + number)
        return failure_set(failure, "corrupt: no restart marker %d at byte %zu", number,
                           jpeg->position);
    jpeg->position = position + 2;
    begin_interval(scan);
    return true;
}

/* Some cameras pad with zeros. Other bytes mean that the decoder lost its place before. */
static bool end_scan(struct scan *scan, struct failure *failure)
{
    struct jpeg *jpeg = scan->jpeg;
    fill_bits(scan);
    drop_bits(scan, scan->bit_count % 8);
    while (scan->bit_count > 0 && scan->bits >> 56 == 0) {
        drop_bits(scan, 8);
        fill_bits(scan);
    }
    if (scan->bit_count > 0)
        return failure_set(failure, "corrupt: data behind the last block, before byte %zu",
                           jpeg->position);
    return true;
}

bool jpeg_scan_check(struct jpeg *jpeg, struct failure *failure)
{
    struct scan scan = {.jpeg = jpeg};
    const struct jpeg_component *only = &jpeg->components[jpeg->scan_components[0]];
    bool interleaved = jpeg->scan_component_count > 1;
    int64_t width = interleaved ? jpeg->units_x : only->blocks_x;
    int64_t height = interleaved ? jpeg->units_y : only->blocks_y;
    int64_t until_restart = jpeg->restart_interval;
    int restart_number = 0;
    begin_interval(&scan);
    for (int64_t y = 0; y < height; y++) {
        for (int64_t x = 0; x < width; x++) {
            if (jpeg->restart_interval && until_restart-- == 0) {
                if (!restart(&scan, restart_number, failure))
                    return false;
                restart_number = (restart_number + 1) % 8;
                until_restart = jpeg->restart_interval - 1;
            }
            if (!unit(&scan, x, y))
                return failure_set(failure,
                                   scan.ended ? "truncated: the pixels end at byte %zu"
                                              : "corrupt: no such coefficients, before byte %zu",
                                   jpeg->position);
        }
    }
    return end_scan(&scan, failure);
}
