// SPDX-License-Identifier: Apache-2.0
/* The markers of a JPEG file, in order; the compressed data between them is jpeg_scan.c's. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"
#include "image/image_check.h"
#include "image/jpeg.h"

/* Encoders write about ten. Each may walk over the whole image, so the time needs a bound. */
#define MAX_SCANS 128

enum marker {
    SOF_BASELINE = 0xc0,
    SOF_EXTENDED = 0xc1,
    SOF_PROGRESSIVE = 0xc2,
    SOF_LOSSLESS = 0xc3,
    DHT = 0xc4,
    SOF_ARITHMETIC = 0xc9,
    DAC = 0xcc,
    SOF_LAST = 0xcf,
    EOI = 0xd9,
    SOS = 0xda,
    DQT = 0xdb,
    DNL = 0xdc,
    DRI = 0xdd,
    APP0 = 0xe0,
    APP14 = 0xee,
    APP15 = 0xef,
    COM = 0xfe,
};

/* The parameters of a marker segment. */
struct segment {
    const uint8_t *bytes;
    size_t size;
    size_t offset; /* in the file, for messages */
};

/* What decides between RGB and YCbCr where a file has three components. */
struct colour_marks {
    bool jfif;
    int adobe_transform; /* -1: not said */
};

static bool read_segment(struct jpeg *jpeg, struct segment *segment, struct failure *failure)
{
    size_t left = jpeg->size - jpeg->position;
    uint32_t length = left >= 2 ? read_be16(jpeg->bytes + jpeg->position) : 0;
    if (left < 2 || left < length)
        return failure_set(failure, "truncated: a segment at byte %zu", jpeg->position);
    if (length < 2)
        return failure_set(failure, "corrupt: a segment of %" PRIu32 " bytes at byte %zu", length,
                           jpeg->position);
    *segment = (struct segment){jpeg->bytes + jpeg->position + 2, length - 2, jpeg->position};
    jpeg->position += length;
    return true;
}

static bool bad_segment(const struct segment *segment, const char *what, struct failure *failure)
{
    return failure_set(failure, "corrupt: %s at byte %zu", what, segment->offset);
}

static bool take_quantization(struct jpeg *jpeg, struct segment segment, struct failure *failure)
{
    if (jpeg->progressive && jpeg->scan_count)
        return bad_segment(&segment, "quantization tables between scans", failure);
    while (segment.size > 0) {
        int precision = segment.bytes[0] >> 4, index = segment.bytes[0] & 15;
        size_t length = 1 + (precision ? 2 : 1) * JPEG_BLOCK;
        if (precision > 1 || index >= JPEG_TABLES || segment.size < length)
            return bad_segment(&segment, "quantization tables", failure);
        for (size_t k = 0; k < JPEG_BLOCK; k++) {
            uint32_t value =
                precision ? read_be16(segment.bytes + 1 + 2 * k) : segment.bytes[1 + k];
            if (value == 0)
                return bad_segment(&segment, "a quantization table with a zero", failure);
            jpeg->quantization[index][k] = (uint16_t)value;
        }
        segment.bytes += length;
        segment.size -= length;
    }
    return true;
}

static bool take_huffman(struct jpeg *jpeg, struct segment segment, struct failure *failure)
{
    while (segment.size > 0) {
        int kind = segment.bytes[0] >> 4, index = segment.bytes[0] & 15;
        size_t count = 0;
        for (size_t i = 1; i <= 16 && segment.size >= 17; i++)
            count += segment.bytes[i];
        if (kind > 1 || index >= JPEG_TABLES || segment.size < 17 || count > 256 ||
            segment.size < 17 + count)
            return bad_segment(&segment, "Huffman tables", failure);
        struct jpeg_huffman *table = kind ? &jpeg->ac_tables[index] : &jpeg->dc_tables[index];
        if (!jpeg_huffman_build(table, segment.bytes + 1, segment.bytes + 17, (int)count))
            return bad_segment(&segment, "a Huffman table that is no prefix code", failure);
        segment.bytes += 17 + count;
        segment.size -= 17 + count;
    }
    return true;
}

static bool take_restart_interval(struct jpeg *jpeg, struct segment segment,
                                  struct failure *failure)
{
    if (segment.size != 2)
        return bad_segment(&segment, "a restart interval", failure);
    jpeg->restart_interval = (int)read_be16(segment.bytes);
    return true;
}

static void take_application(struct colour_marks *marks, int marker, struct segment segment)
{
    if (marker == APP0 && segment.size >= 5 && memcmp(segment.bytes, "JFIF", 5) == 0)
        marks->jfif = true;
    if (marker == APP14 && segment.size >= 12 && memcmp(segment.bytes, "Adobe", 5) == 0)
        marks->adobe_transform = segment.bytes[11];
}

static bool take_component(struct jpeg *jpeg, int index, const uint8_t *bytes,
                           struct failure *failure)
{
    struct jpeg_component *component = &jpeg->components[index];
    component->id = bytes[0];
    component->h = bytes[1] >> 4;
    component->v = bytes[1] & 15;
    component->quantization = bytes[2];
    memset(component->shift, JPEG_NOT_SENT, sizeof(component->shift));
    if (component->h < 1 || component->h > 4 || component->v < 1 || component->v > 4 ||
        component->quantization >= JPEG_TABLES)
        return failure_set(failure, "corrupt: component %d", index);
    for (int i = 0; i < index; i++)
        if (jpeg->components[i].id == component->id)
            return failure_set(failure, "corrupt: two components have the number %d",
                               component->id);
    return true;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static bool measure_components(struct jpeg *jpeg, struct failure *failure)
{
    int h_max = 1, v_max = 1;
    for (int i = 0; i < jpeg->component_count; i++) {
        h_max = jpeg->components[i].h > h_max ? jpeg->components[i].h : h_max;
        v_max = jpeg->components[i].v > v_max ? jpeg->components[i].v : v_max;
    }
    jpeg->units_x = divide_up(jpeg->width, 8 * h_max);
    jpeg->units_y = divide_up(jpeg->height, 8 * v_max);
    for (int i = 0; i < jpeg->component_count; i++) {
        struct jpeg_component *component = &jpeg->components[i];
        if (h_max % component->h || v_max % component->v)
            return failure_set(failure, "subsampling %dx%d of %dx%d is not supported", component->h,
                               component->v, h_max, v_max);
        component->blocks_x = divide_up(divide_up(jpeg->width * component->h, h_max), 8);
        component->blocks_y = divide_up(divide_up(jpeg->height * component->v, v_max), 8);
        component->padded_x = jpeg->units_x * component->h;
        component->padded_y = jpeg->units_y * component->v;
        if (!jpeg->progressive)
            continue;
        component->nonzero =
            calloc((size_t)(component->padded_x * component->padded_y), sizeof(uint64_t));
        if (!component->nonzero)
            return failure_set(failure, "out of memory");
    }
    return true;
}

static bool take_frame(struct jpeg *jpeg, int marker, struct segment segment,
                       struct failure *failure)
{
    if (jpeg->component_count)
        return bad_segment(&segment, "a second frame", failure);
    if (segment.size < 6)
        return bad_segment(&segment, "frame header", failure);
    if (segment.bytes[0] != 8)
        return failure_set(failure, "%d bits a sample are not supported", segment.bytes[0]);
    jpeg->progressive = marker == SOF_PROGRESSIVE;
    jpeg->height = read_be16(segment.bytes + 1);
    jpeg->width = read_be16(segment.bytes + 3);
    int count = segment.bytes[5];
    if (segment.size != 6 + 3 * (size_t)count)
        return bad_segment(&segment, "frame header", failure);
    if (count == 4)
        return failure_set(failure, "CMYK and YCCK are not supported; convert it to RGB");
    if (count != 1 && count != 3)
        return failure_set(failure, "%d components are not supported", count);
    if (!image_size_allowed(jpeg->width, jpeg->height, failure))
        return false;
    jpeg->component_count = count;
    for (int i = 0; i < count; i++)
        if (!take_component(jpeg, i, segment.bytes + 6 + 3 * i, failure))
            return false;
    return measure_components(jpeg, failure);
}

/* Which components a scan has, and which tables. */
static bool take_scan_components(struct jpeg *jpeg, struct segment segment, struct failure *failure)
{
    int count = segment.size ? segment.bytes[0] : 0;
    if (count < 1 || count > jpeg->component_count || segment.size != 4 + 2 * (size_t)count)
        return bad_segment(&segment, "scan header", failure);
    jpeg->scan_component_count = count;
    for (int i = 0; i < count; i++) {
        int id = segment.bytes[1 + 2 * i], tables = segment.bytes[2 + 2 * i];
        int index = 0;
        while (index < jpeg->component_count && jpeg->components[index].id != id)
            index++;
        for (int j = 0; j < i; j++)
            if (jpeg->scan_components[j] == index)
                index = jpeg->component_count;
        if (index == jpeg->component_count || tables >> 4 >= JPEG_TABLES ||
            (tables & 15) >= JPEG_TABLES)
            return bad_segment(&segment, "scan header", failure);
        struct jpeg_component *component = &jpeg->components[index];
        jpeg->scan_components[i] = index;
        component->dc_table = (uint8_t)(tables >> 4);
        component->ac_table = (uint8_t)(tables & 15);
    }
    return true;
}

static bool check_tables(const struct jpeg *jpeg, struct failure *failure)
{
    for (int i = 0; i < jpeg->scan_component_count; i++) {
        const struct jpeg_component *component = &jpeg->components[jpeg->scan_components[i]];
        bool needs_dc = jpeg->first == 0 && jpeg->from_shift == 0;
        bool needs_ac = jpeg->last > 0;
        if ((needs_dc && !jpeg->dc_tables[component->dc_table].defined) ||
            (needs_ac && !jpeg->ac_tables[component->ac_table].defined))
            return failure_set(failure, "corrupt: a scan without its Huffman table");
        if (!jpeg->quantization[component->quantization][0])
            return failure_set(failure, "corrupt: a scan without its quantization table");
    }
    return true;
}

/* Each bit of each coefficient comes once, from the highest on (T.81, G.1.1.1). */
static bool take_progression(struct jpeg *jpeg, struct failure *failure)
{
    if (jpeg->first > jpeg->last || jpeg->last >= JPEG_BLOCK || jpeg->to_shift > 13 ||
        (jpeg->first == 0) != (jpeg->last == 0) ||
        (jpeg->first > 0 && jpeg->scan_component_count != 1) ||
        (jpeg->from_shift && jpeg->from_shift != jpeg->to_shift + 1))
        return failure_set(failure, "corrupt: progressive scan %d", jpeg->scan_count);
    for (int i = 0; i < jpeg->scan_component_count; i++) {
        struct jpeg_component *component = &jpeg->components[jpeg->scan_components[i]];
        for (int k = jpeg->first; k <= jpeg->last; k++) {
            int expected = jpeg->from_shift ? jpeg->from_shift : JPEG_NOT_SENT;
            if (component->shift[k] != expected)
                return failure_set(failure, "corrupt: progressive scan %d out of order",
                                   jpeg->scan_count);
            component->shift[k] = (int8_t)jpeg->to_shift;
        }
    }
    return true;
}

static bool take_scan(struct jpeg *jpeg, struct segment segment, struct failure *failure)
{
    if (!jpeg->component_count)
        return bad_segment(&segment, "a scan before the frame header", failure);
    if (++jpeg->scan_count > MAX_SCANS)
        return failure_set(failure, "more than %d scans", MAX_SCANS);
    if (!take_scan_components(jpeg, segment, failure))
        return false;
    const uint8_t *tail = segment.bytes + segment.size - 3;
    jpeg->first = tail[0];
    jpeg->last = tail[1];
    jpeg->from_shift = tail[2] >> 4;
    jpeg->to_shift = tail[2] & 15;
    if (jpeg->progressive) {
        if (!take_progression(jpeg, failure))
            return false;
    } else {
        if (jpeg->first != 0 || tail[2] != 0)
            return bad_segment(&segment, "scan header", failure);
        jpeg->last = JPEG_BLOCK - 1; /* 0 is seen in the wild */
        for (int i = 0; i < jpeg->scan_component_count; i++)
            if (jpeg->components[jpeg->scan_components[i]].scanned)
                return bad_segment(&segment, "a component is sent twice", failure);
    }
    if (!check_tables(jpeg, failure) || !jpeg_scan_check(jpeg, failure))
        return false;
    for (int i = 0; i < jpeg->scan_component_count; i++)
        jpeg->components[jpeg->scan_components[i]].scanned = true;
    return true;
}

static bool refuse_frame(int marker, struct failure *failure)
{
    if (marker == SOF_LOSSLESS)
        return failure_set(failure, "lossless coding is not supported");
    if (marker >= SOF_ARITHMETIC)
        return failure_set(failure, "arithmetic coding is not supported");
    return failure_set(failure, "hierarchical coding is not supported");
}

static bool take_segment(struct jpeg *jpeg, int marker, struct colour_marks *marks,
                         struct failure *failure)
{
    struct segment segment = {0};
    if (!read_segment(jpeg, &segment, failure))
        return false;
    switch (marker) {
    case DQT:
        return take_quantization(jpeg, segment, failure);
    case DHT:
        return take_huffman(jpeg, segment, failure);
    case DRI:
        return take_restart_interval(jpeg, segment, failure);
    case SOF_BASELINE:
    case SOF_EXTENDED:
    case SOF_PROGRESSIVE:
        return take_frame(jpeg, marker, segment, failure);
    case SOS:
        return take_scan(jpeg, segment, failure);
    case DNL:
        return bad_segment(&segment, "a late height, not supported,", failure);
    default:
        break;
    }
    if (marker > SOF_PROGRESSIVE && marker <= SOF_LAST)
        return refuse_frame(marker, failure);
    if ((marker < APP0 || marker > APP15) && marker != COM)
        return failure_set(failure, "corrupt: marker %02x at byte %zu", (unsigned)marker,
                           segment.offset);
    take_application(marks, marker, segment);
    return true;
}

/* The next marker, or -1. Between segments stand only fill bytes. */
static int next_marker(struct jpeg *jpeg)
{
    size_t position = jpeg->position;
    if (position >= jpeg->size || jpeg->bytes[position] != 0xff)
        return -1;
    while (position < jpeg->size && jpeg->bytes[position] == 0xff)
        position++;
    if (position == jpeg->size)
        return -1;
    jpeg->position = position + 1;
    return jpeg->bytes[position];
}

static bool walk_markers(struct jpeg *jpeg, struct colour_marks *marks, struct failure *failure)
{
    for (;;) {
        int marker = next_marker(jpeg);
        if (marker < 0)
            return jpeg->position >= jpeg->size
                       ? failure_set(failure, "truncated: no end marker")
                       : failure_set(failure, "corrupt: no marker at byte %zu", jpeg->position);
        if (marker == EOI)
            return true;
        if (!take_segment(jpeg, marker, marks, failure))
            return false;
    }
}

/* Decoders disagree where the marks contradict one another, so such files are refused. */
static bool check_colours(const struct jpeg *jpeg, const struct colour_marks *marks,
                          struct failure *failure)
{
    const struct jpeg_component *components = jpeg->components;
    if (jpeg->component_count != 3)
        return true;
    bool named_rgb = components[0].id == 'R' && components[1].id == 'G' && components[2].id == 'B';
    if (named_rgb && (marks->jfif || marks->adobe_transform > 0))
        return failure_set(failure, "says both that its colours are RGB and that they are YCbCr");
    if (marks->adobe_transform > 1)
        return failure_set(failure, "colour transform %d is not supported", marks->adobe_transform);
    return true;
}

static bool check_complete(const struct jpeg *jpeg, struct failure *failure)
{
    if (!jpeg->scan_count)
        return failure_set(failure, "truncated: no pixels");
    for (int i = 0; i < jpeg->component_count; i++)
        if (!jpeg->components[i].scanned)
            return failure_set(failure, "truncated: colour component %d is missing", i);
    return true;
}

bool jpeg_check(const uint8_t *bytes, size_t size, struct image_header *header,
                struct failure *failure)
{
    struct colour_marks marks = {.adobe_transform = -1};
    struct jpeg *jpeg = calloc(1, sizeof(*jpeg));
    if (!jpeg)
        return failure_set(failure, "out of memory");
    jpeg->bytes = bytes;
    jpeg->size = size;
    jpeg->position = 2; /* behind the start marker, by which the format was recognised */
    bool good = walk_markers(jpeg, &marks, failure) && check_complete(jpeg, failure) &&
                check_colours(jpeg, &marks, failure);
    *header = (struct image_header){IMAGE_JPEG, jpeg->width, jpeg->height, jpeg->component_count};
    for (int i = 0; i < JPEG_MAX_COMPONENTS; i++)
        free(jpeg->components[i].nonzero);
    free(jpeg);
    return good;
}
