// SPDX-License-Identifier: Apache-2.0
#include "output/json.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Bytes of the UTF-8 character at `text`, 0 if it is none (RFC 3629: no surrogates, no long forms).
 */
static int character_bytes(const unsigned char *text)
{
    uint32_t value;
    int bytes;
    if (text[0] < 0x80)
        return 1;
    if (text[0] >= 0xc2 && text[0] < 0xe0)
        bytes = 2, value = text[0] & 0x1f;
    else if (text[0] >= 0xe0 && text[0] < 0xf0)
        bytes = 3, value = text[0] & 0x0f;
    else if (text[0] >= 0xf0 && text[0] < 0xf5)
        bytes = 4, value = text[0] & 0x07;
    else
        return 0;
    for (int i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text[i] & 0x3f);
    }
    bool short_enough = (bytes != 3 || value >= 0x800) && (bytes != 4 || value >= 0x10000);
    return short_enough && value <= 0x10ffff && !(value >= 0xd800 && value < 0xe000) ? bytes : 0;
}

static void put_ascii(FILE *file, unsigned char character)
{
    switch (character) {
    case '"':
    case '\\':
        fprintf(file, "\\%c", character);
        break;
    case '\n':
        fputs("\\n", file);
        break;
    case '\t':
        fputs("\\t", file);
        break;
    default:
        if (character < 0x20 || character == 0x7f)
            fprintf(file, "\\u%04x", character);
        else
            fputc(character, file);
        break;
    }
}

void json_string(FILE *file, const char *text)
{
    const unsigned char *next = (const unsigned char *)text;
    fputc('"', file);
    while (*next) {
        int bytes = character_bytes(next);
        if (bytes == 0)
            fputs("\\ufffd", file);
        else if (bytes == 1)
            put_ascii(file, *next);
        else
            fwrite(next, 1, (size_t)bytes, file);
        next += bytes ? bytes : 1;
    }
    fputc('"', file);
}

void json_number(FILE *file, double value)
{
    if (!isfinite(value)) {
        fputs("null", file);
        return;
    }
    /* The shortest of the precisions that give the same value again. */
    char text[32];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fputs(text, file);
}
