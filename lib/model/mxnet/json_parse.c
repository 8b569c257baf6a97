// SPDX-License-Identifier: Apache-2.0
#include "model/mxnet/json_parse.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"

/*
 * Jansson's allocations stay with malloc: its allocator is a setting of the process, and the
 * program that loads this library may use Jansson too.
 *
 * Jansson 2.14 collects the bytes of a token in a buffer that it keeps from token to token, and
 * does not notice when growing it fails: the byte is left out, and "(1,12)" may become "(1,2)". So
 * what it reads is a list of two elements: a string as long as the longest token, and the text. If
 * that string comes out whole, the buffer is large enough for everything behind it.
 */
struct wrapped_text {
    const char *text;
    size_t size, filler, offset;
};

#define OPENING "[\""
#define MIDDLE  "\","
#define CLOSING "]"

/* Copies what of one part, beginning `at` in the whole, lies at the offset; a NULL part is filler.
 */
static void copy_part(const struct wrapped_text *wrapped, size_t at, const char *part, size_t size,
                      char *buffer, size_t capacity, size_t *count)
{
    const size_t offset = wrapped->offset + *count;
    if (offset < at || offset - at >= size)
        return;
    const size_t rest = size - (offset - at), room = capacity - *count;
    const size_t bytes = rest < room ? rest : room;
    if (part == NULL)
        memset(buffer + *count, '-', bytes);
    else
        memcpy(buffer + *count, part + (offset - at), bytes);
    *count += bytes;
}

static size_t read_wrapped(void *buffer, size_t capacity, void *user)
{
    struct wrapped_text *wrapped = user;
    const size_t middle = strlen(OPENING) + wrapped->filler, text = middle + strlen(MIDDLE);
    size_t count = 0;
    copy_part(wrapped, 0, OPENING, strlen(OPENING), buffer, capacity, &count);
    copy_part(wrapped, strlen(OPENING), NULL, wrapped->filler, buffer, capacity, &count);
    copy_part(wrapped, middle, MIDDLE, strlen(MIDDLE), buffer, capacity, &count);
    copy_part(wrapped, text, wrapped->text, wrapped->size, buffer, capacity, &count);
    copy_part(wrapped, text + wrapped->size, CLOSING, strlen(CLOSING), buffer, capacity, &count);
    wrapped->offset += count;
    return count;
}

/* The tree of a sound text; NULL: it is not one, or memory ran out. */
static json_t *parse_wrapped(const char *text, size_t size, size_t longest_token)
{
    struct wrapped_text wrapped = {.text = text, .size = size, .filler = longest_token};
    json_error_t unused;
    json_t *root = NULL;
    json_t *both = json_load_callback(read_wrapped, &wrapped, JSON_REJECT_DUPLICATES, &unused);
    if (json_array_size(both) == 2 && json_string_length(json_array_get(both, 0)) == longest_token)
        root = json_incref(json_array_get(both, 1));
    json_decref(both);
    return root;
}

cop_status cop_json_parse(const char *text, size_t size, size_t longest_token, json_t **root,
                          cop_error *error)
{
    *root = parse_wrapped(text, size, longest_token);
    if (json_is_object(*root) || json_is_array(*root))
        return COP_STATUS_OK;
    json_decref(*root);
    *root = NULL;

    /* Once more, for what is wrong with it; if nothing is, or it says so, it was the memory. */
    json_error_t reason;
    errno = 0;
    json_t *again = json_loadb(text, size, JSON_REJECT_DUPLICATES, &reason);
    const bool is_short =
        again != NULL || errno == ENOMEM || json_error_code(&reason) == json_error_out_of_memory;
    json_decref(again);
    if (is_short)
        return cop_fail_memory(error, "the symbol", size);
    return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "line %d, byte %d: %s", reason.line,
                    reason.position, reason.text);
}
