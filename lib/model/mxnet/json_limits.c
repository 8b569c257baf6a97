// SPDX-License-Identifier: Apache-2.0
#include "model/mxnet/json_limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

/*
 * What Jansson 2.14 allocates for each kind of value on a 64-bit machine, the allocator's rounding
 * and the slot in the enclosing container included, rounded up.
 */
#define OBJECT_BYTES  272 /* the struct and its first eight buckets */
#define ARRAY_BYTES   160 /* the struct and its first eight places */
#define STRING_BYTES  112 /* a value, or a key with its pair and bucket; its characters apart */
#define LITERAL_BYTES 56

/* A tree may take this much, and this much per byte of text. Real symbols take 8 to 25 per byte. */
#define TREE_BYTES_FREE     ((size_t)32 << 20)
#define TREE_BYTES_PER_BYTE 40

struct scan {
    const char *text;
    size_t size, offset;
    int depth;
    size_t longest_token;
    size_t tree_bytes; /* bounded by 272 × size: cannot overflow for a text that is in memory */
};

/* Stands on the opening quote, and leaves on the one that closes, or at the end. */
static bool skip_string(struct scan *scan, size_t max_string_bytes)
{
    const size_t begin = scan->offset + 1;
    for (scan->offset = begin; scan->offset < scan->size; scan->offset++) {
        if (scan->text[scan->offset] == '"')
            break;
        if (scan->text[scan->offset] == '\\')
            scan->offset++;
    }
    const size_t end = scan->offset < scan->size ? scan->offset : scan->size;
    scan->tree_bytes += STRING_BYTES + (end - begin);
    return end - begin <= max_string_bytes;
}

/* Stands on the first character of a number or word, and leaves on its last one. */
static void skip_literal(struct scan *scan)
{
    while (scan->offset + 1 < scan->size &&
           strchr(" \t\r\n,:[]{}\"", scan->text[scan->offset + 1]) == NULL)
        scan->offset++;
    scan->tree_bytes += LITERAL_BYTES;
}

static void note_token(struct scan *scan, size_t begin)
{
    const size_t end = scan->offset < scan->size ? scan->offset + 1 : scan->size;
    if (end - begin > scan->longest_token)
        scan->longest_token = end - begin;
}

static cop_status check_value(struct scan *scan, int max_depth, size_t max_string_bytes,
                              cop_error *error)
{
    const size_t begin = scan->offset;
    switch (scan->text[scan->offset]) {
    case '{':
    case '[':
        scan->tree_bytes += scan->text[scan->offset] == '{' ? OBJECT_BYTES : ARRAY_BYTES;
        if (++scan->depth > max_depth)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "byte %zu: nested deeper than %d levels", begin, max_depth);
        break;
    case '}':
    case ']':
        scan->depth--;
        break;
    case '"':
        if (!skip_string(scan, max_string_bytes))
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "byte %zu: a string longer than %zu bytes", begin, max_string_bytes);
        note_token(scan, begin);
        break;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case ',':
    case ':':
        break;
    default:
        skip_literal(scan);
        note_token(scan, begin);
    }
    return COP_STATUS_OK;
}

cop_status cop_json_check_limits(const char *text, size_t size, int max_depth,
                                 size_t max_string_bytes, size_t *longest_token, cop_error *error)
{
    const size_t most = size > (SIZE_MAX - TREE_BYTES_FREE) / TREE_BYTES_PER_BYTE
                            ? SIZE_MAX
                            : TREE_BYTES_FREE + size * TREE_BYTES_PER_BYTE;
    struct scan scan = {.text = text, .size = size};
    for (; scan.offset < size; scan.offset++) {
        const cop_status status = check_value(&scan, max_depth, max_string_bytes, error);
        if (status != COP_STATUS_OK)
            return status;
        if (scan.tree_bytes > most)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "byte %zu: more values than %zu bytes of a symbol can mean",
                            scan.offset, size);
    }
    *longest_token = scan.longest_token;
    return COP_STATUS_OK;
}
