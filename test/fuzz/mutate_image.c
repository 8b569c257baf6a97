// SPDX-License-Identifier: Apache-2.0
/*
 * Changes images by their own parts: the segments of a JPEG, the chunks of a PNG (whose check sums
 * are made right again), the header fields and pixels of a BMP.
 */
#include "fuzz/fuzz_target.h"

#define MAX_PARTS 512

/* A segment from its marker on, or a chunk with its length and check sum. */
struct part {
    size_t begin, end;
};

struct parts {
    const unsigned char *bytes;
    size_t size;
    int count;
    struct part items[MAX_PARTS];
};

struct editor {
    struct fuzz_bytes *input;
    uint64_t *state;
    struct parts *parts, *other;
};

static uint32_t read_be(const unsigned char *bytes, size_t size)
{
    uint32_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void write_be(unsigned char *bytes, uint32_t value, size_t size)
{
    for (size_t i = size; i > 0; i--, value >>= 8)
        bytes[i - 1] = (unsigned char)value;
}

static uint32_t crc_of(const unsigned char *bytes, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static bool is_png(const unsigned char *bytes, size_t size)
{
    return size > 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool is_jpeg(const unsigned char *bytes, size_t size)
{
    return size > 4 && bytes[0] == 0xff && bytes[1] == 0xd8;
}

static void add_part(struct parts *parts, size_t begin, size_t end)
{
    if (parts->count < MAX_PARTS && end <= parts->size && end > begin)
        parts->items[parts->count++] = (struct part){begin, end};
}

static void list_chunks(struct parts *parts)
{
    for (size_t at = 8; at + 12 <= parts->size && parts->count < MAX_PARTS;) {
        const size_t size = read_be(parts->bytes + at, 4);
        if (size > parts->size - at - 12)
            return;
        add_part(parts, at, at + 12 + size);
        at += 12 + size;
    }
}

/* Marker segments; what follows a scan's header, up to the next marker, belongs to it. */
static void list_segments(struct parts *parts)
{
    for (size_t at = 2; at + 4 <= parts->size && parts->count < MAX_PARTS;) {
        const size_t begin = at;
        if (parts->bytes[at] != 0xff)
            return;
        const unsigned char marker = parts->bytes[at + 1];
        at += 2 + ((marker >= 0xd0 && marker <= 0xd9) || marker == 1
                       ? 0
                       : read_be(parts->bytes + at + 2, 2));
        while (marker == 0xda && at + 1 < parts->size &&
               (parts->bytes[at] != 0xff || parts->bytes[at + 1] == 0 ||
                (parts->bytes[at + 1] >= 0xd0 && parts->bytes[at + 1] <= 0xd7)))
            at++;
        add_part(parts, begin, at);
    }
}

static void list_parts(struct parts *parts)
{
    parts->count = 0;
    if (is_png(parts->bytes, parts->size))
        list_chunks(parts);
    else if (is_jpeg(parts->bytes, parts->size))
        list_segments(parts);
}

static const struct part *pick_part(struct parts *parts, uint64_t *state)
{
    return &parts->items[next_choice(state, (uint64_t)parts->count)];
}

static void duplicate_part(struct editor *editor)
{
    const struct part *part = pick_part(editor->parts, editor->state);
    const struct part *behind = pick_part(editor->parts, editor->state);
    (void)replace_range(editor->input, behind->end, behind->end, editor->input->bytes + part->begin,
                        part->end - part->begin);
}

static void drop_part(struct editor *editor)
{
    const struct part *part = pick_part(editor->parts, editor->state);
    (void)replace_range(editor->input, part->begin, part->end, NULL, 0);
}

static void swap_parts(struct editor *editor)
{
    const struct part *a = pick_part(editor->parts, editor->state);
    const struct part *b = pick_part(editor->parts, editor->state);
    if (a->end <= b->begin)
        swap_ranges(editor->input, a->begin, a->end, b->begin, b->end);
}

static void copy_part(struct editor *editor)
{
    const struct part *into = pick_part(editor->parts, editor->state);
    if (editor->other->count == 0)
        return;
    const struct part *part = pick_part(editor->other, editor->state);
    (void)replace_range(editor->input, next_choice(editor->state, 2) ? into->begin : into->end,
                        into->end, editor->other->bytes + part->begin, part->end - part->begin);
}

/* Bytes in the middle of a part: what the format says, off by a little or at a corner. */
static void change_field(struct editor *editor)
{
    const struct part *part = pick_part(editor->parts, editor->state);
    const size_t size = (size_t)1 << next_choice(editor->state, 3);
    const size_t first = next_choice(editor->state, 4) == 0 ? 0 : 4;
    const size_t length = part->end - part->begin;
    if (length <= first + size)
        return;
    /* Headers are short: mostly at the beginning. */
    const size_t most = length - first - size;
    const size_t at =
        part->begin + first +
        next_choice(editor->state,
                    next_choice(editor->state, 3) ? (most < 16 ? most : 16) + 1 : most + 1);
    unsigned char *bytes = editor->input->bytes + at;
    const uint32_t old = read_be(bytes, size);
    switch (next_choice(editor->state, 4)) {
    case 0:
        write_be(bytes, old + 1, size);
        break;
    case 1:
        write_be(bytes, old - 1, size);
        break;
    case 2:
        write_be(bytes, (uint32_t)pick_number(editor->state), size);
        break;
    default:
        write_be(bytes, (uint32_t)next_choice(editor->state, 18), size);
    }
}

static void cut_part(struct editor *editor)
{
    const struct part *part = pick_part(editor->parts, editor->state);
    const size_t size = part->end - part->begin;
    const size_t at = part->begin + next_choice(editor->state, size);
    const size_t most = part->end - at, count = 1 + next_choice(editor->state, most < 8 ? most : 8);
    if (next_choice(editor->state, 2))
        (void)replace_range(editor->input, at, at + (count < most ? count : most), NULL, 0);
    else
        (void)replace_range(editor->input, at, at, editor->input->bytes + at,
                            count < most ? count : most);
}

/* Another kind of segment or chunk of the same content. */
static void change_kind(struct editor *editor)
{
    static const unsigned char markers[] = {0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc8, 0xc9, 0xcc,
                                            0xd0, 0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd,
                                            0xde, 0xe0, 0xee, 0xfe, 0x01, 0x00, 0xff};
    static const char *const types[] = {"IHDR", "PLTE", "IDAT", "IEND", "tRNS",    "gAMA",
                                        "CgBI", "tEXt", "acTL", "IDAx", "\0\0\0\0"};
    const struct part *part = pick_part(editor->parts, editor->state);
    if (is_png(editor->input->bytes, editor->input->size))
        memcpy(editor->input->bytes + part->begin + 4, PICK(types, editor->state), 4);
    else
        editor->input->bytes[part->begin + 1] = PICK(markers, editor->state);
}

/* The lengths that a JPEG's segments and a PNG's chunks state become true. */
static void correct_length(struct editor *editor)
{
    unsigned char *bytes = editor->input->bytes;
    const struct part *part = pick_part(editor->parts, editor->state);
    if (!is_png(bytes, editor->input->size)) {
        /* up to the next marker that is not stuffed */
        size_t end = part->begin + 4;
        while (end + 1 < editor->input->size && (bytes[end] != 0xff || bytes[end + 1] == 0))
            end++;
        if (end <= editor->input->size && part->begin + 4 <= editor->input->size)
            write_be(bytes + part->begin + 2, (uint32_t)(end - part->begin - 2), 2);
    }
}

static void correct_sums(struct fuzz_bytes *input)
{
    struct parts parts = {.bytes = input->bytes, .size = input->size};
    list_chunks(&parts);
    for (int i = 0; i < parts.count; i++) {
        const size_t begin = parts.items[i].begin + 4, end = parts.items[i].end - 4;
        write_be(input->bytes + end, crc_of(input->bytes + begin, end - begin), 4);
    }
}

/* A stored deflate block around random rows, as many as the header asks for or nearly. */
static size_t write_pixels(unsigned char *out, size_t rows, uint64_t *state)
{
    unsigned char *at = out;
    memcpy(at, "\x78\x01\x01", 3), at += 3;
    *at++ = (unsigned char)rows, *at++ = (unsigned char)(rows >> 8);
    *at++ = (unsigned char)~rows, *at++ = (unsigned char)~(rows >> 8);
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < rows; i++) {
        *at = (unsigned char)(next_choice(state, 3) ? next_choice(state, 6)
                                                    : next_choice(state, 256));
        a = (a + *at++) % 65521;
        b = (b + a) % 65521;
    }
    write_be(at, b << 16 | a, 4);
    return (size_t)(at + 4 - out);
}

/* Another size, depth and colour type, and pixels that fit them. */
static void rewrite_png(struct editor *editor)
{
    static const unsigned char depths[] = {1, 2, 4, 8, 16}, colours[] = {0, 2, 3, 4, 6};
    static const unsigned char channels[] = {1, 0, 3, 1, 2, 0, 4};
    unsigned char *header = editor->input->bytes + 8 + 8;
    static unsigned char chunk[16384];
    if (editor->parts->count < 2 || editor->input->size < 33)
        return;
    const uint32_t width = 1 + (uint32_t)next_choice(editor->state, 12);
    const uint32_t height = 1 + (uint32_t)next_choice(editor->state, 12);
    const unsigned char depth = PICK(depths, editor->state), colour = PICK(colours, editor->state);
    write_be(header, width, 4), write_be(header + 4, height, 4);
    header[8] = depth, header[9] = colour;
    header[12] = (unsigned char)(next_choice(editor->state, 8) == 0);
    size_t rows = ((size_t)width * channels[colour] * depth + 7) / 8 + 1;
    rows *= height;
    if (next_choice(editor->state, 8) == 0)
        rows += next_choice(editor->state, 3) - 1;
    const size_t size = write_pixels(chunk + 8, rows, editor->state);
    write_be(chunk, (uint32_t)size, 4);
    memcpy(chunk + 4, "IDAT", 4);
    for (int i = editor->parts->count - 1; i >= 0; i--) {
        const struct part part = editor->parts->items[i];
        if (memcmp(editor->input->bytes + part.begin + 4, "IDAT", 4) != 0)
            continue;
        (void)replace_range(editor->input, part.begin, part.end, chunk, size + 12);
        return;
    }
}

/* One chunk of pixels becomes two. */
static void split_chunk(struct editor *editor)
{
    const struct part *part = pick_part(editor->parts, editor->state);
    const size_t size = part->end - part->begin - 12;
    if (part->end - part->begin <= 13)
        return;
    const size_t first = next_choice(editor->state, size + 1);
    unsigned char between[12] = {0}; /* a check sum, a length and a type */
    write_be(between + 4, (uint32_t)(size - first), 4);
    memcpy(between + 8, editor->input->bytes + part->begin + 4, 4);
    if (replace_range(editor->input, part->begin + 8 + first, part->begin + 8 + first, between, 12))
        write_be(editor->input->bytes + part->begin, (uint32_t)first, 4);
}

static void mutate_parts(struct editor *editor)
{
    static void (*const changes[])(struct editor *) = {
        duplicate_part, drop_part,    swap_parts,   copy_part, copy_part,   change_field,
        change_field,   change_field, change_field, cut_part,  change_kind, correct_length};
    const bool is_chunked = is_png(editor->input->bytes, editor->input->size);
    const uint64_t choice = next_choice(editor->state, 10);
    if (is_chunked && choice == 0)
        rewrite_png(editor);
    else if (is_chunked && choice == 1)
        split_chunk(editor);
    else if (choice == 2)
        mutate_bytes(editor->input, editor->state);
    else
        PICK(changes, editor->state)(editor);
    if (is_chunked && next_choice(editor->state, 32) != 0)
        correct_sums(editor->input);
}

/* Little-endian numbers of the headers that BMP files have. */
static void mutate_bmp(struct fuzz_bytes *input, uint64_t *state)
{
    static const struct {
        unsigned char offset, size;
    } fields[] = {{2, 4},  {10, 4}, {14, 4}, {18, 4}, {22, 4}, {26, 2}, {28, 2}, {30, 4},
                  {34, 4}, {46, 4}, {50, 4}, {54, 4}, {58, 4}, {62, 4}, {66, 4}};
    static const uint32_t values[] = {
        0,    1,    2,      3,        4,          6,      8,     12,   16,     24,
        32,   40,   52,     54,       56,         64,     108,   118,  124,    256,
        1024, 0xff, 0xff00, 0xff0000, 0xff000000, 0x7c00, 0x3e0, 0x1f, 0xf800, 0x7e0};
    const size_t index = next_choice(state, sizeof fields / sizeof *fields);
    const size_t offset = fields[index].offset, size = fields[index].size;
    if (next_choice(state, 4) == 0 || input->size < offset + size) {
        if (next_choice(state, 2) && input->size > 0)
            (void)replace_range(input, input->size, input->size, input->bytes,
                                input->size < 64 ? input->size : 64);
        else
            mutate_bytes(input, state);
        return;
    }
    uint32_t value = 0;
    memcpy(&value, input->bytes + offset, size);
    switch (next_choice(state, 4)) {
    case 0:
        value += next_choice(state, 2) ? 1 : UINT32_MAX;
        break;
    case 1:
        value = 0 - value;
        break;
    case 2:
        value = (uint32_t)pick_number(state);
        break;
    default:
        value = PICK(values, state);
    }
    memcpy(input->bytes + offset, &value, size);
}

void fuzz_mutate(struct fuzz_bytes *input, struct fuzz_view other, uint64_t *state)
{
    static struct parts parts, other_parts;
    parts.bytes = input->bytes, parts.size = input->size;
    other_parts.bytes = other.bytes, other_parts.size = other.size;
    list_parts(&parts);
    list_parts(&other_parts);
    struct editor editor = {input, state, &parts, &other_parts};
    if (input->size > 2 && input->bytes[0] == 'B' && input->bytes[1] == 'M')
        mutate_bmp(input, state);
    else if (parts.count == 0)
        mutate_bytes(input, state);
    else
        mutate_parts(&editor);
}
