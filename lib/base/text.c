// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static bool reserve(struct text *text, size_t extra)
{
    if (text->failed)
        return false;
    if (text->capacity - text->length > extra)
        return true;
    const size_t capacity = (text->length + extra + 1) * 2;
    char *bytes = cop_realloc(text->bytes, capacity, 1);
    text->failed = bytes == NULL;
    if (text->failed)
        return false;
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void cop_text_add(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        text->failed = true;
    else if (reserve(text, (size_t)length)) {
        vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

/* The length of the valid UTF-8 character at `at`, 0 if it is none. Sources: RFC 3629, section 4.
 */
static size_t character_bytes(const unsigned char *at)
{
    const unsigned first = at[0];
    if (first < 0x80)
        return 1;
    const size_t count = first >= 0xF5   ? 0
                         : first >= 0xF0 ? 4
                         : first >= 0xE0 ? 3
                         : first >= 0xC2 ? 2
                                         : 0;
    for (size_t i = 1; i < count; i++)
        if ((at[i] & 0xC0u) != 0x80)
            return 0;
    if ((first == 0xE0 && at[1] < 0xA0) || (first == 0xED && at[1] > 0x9F) ||
        (first == 0xF0 && at[1] < 0x90) || (first == 0xF4 && at[1] > 0x8F))
        return 0;
    return count;
}

void cop_text_add_json(struct text *text, const char *string)
{
    const unsigned char *at = (const unsigned char *)string;
    while (*at != '\0') {
        const size_t bytes = character_bytes(at);
        if (bytes == 0)
            cop_text_add(text, "\\ufffd");
        else if (*at < 0x20 || *at == 0x7F)
            cop_text_add(text, "\\u%04x", *at);
        else
            cop_text_add(text, "%s%.*s", *at == '"' || *at == '\\' ? "\\" : "", (int)bytes,
                         (const char *)at);
        at += bytes == 0 ? 1 : bytes;
    }
}

char *cop_text_take(struct text *text)
{
    if (text->bytes == NULL)
        reserve(text, 0);
    char *bytes = text->failed ? NULL : text->bytes;
    if (bytes == NULL)
        cop_free(text->bytes);
    *text = (struct text){0};
    return bytes;
}

void cop_text_free(struct text *text)
{
    cop_free(text->bytes);
    *text = (struct text){0};
}
