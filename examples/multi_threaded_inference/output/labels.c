// SPDX-License-Identifier: Apache-2.0
#include "output/labels.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE_BYTES ((size_t)16 << 20)

/* WordNet's identifiers: n and eight digits, then a blank. */
static char *skip_synset(char *line)
{
    if (line[0] != 'n')
        return line;
    for (int i = 1; i <= 8; i++)
        if (!isdigit((unsigned char)line[i]))
            return line;
    if (line[9] != ' ' && line[9] != '\t')
        return line;
    line += 9;
    while (*line == ' ' || *line == '\t')
        line++;
    return line;
}

static void trim_end(char *line)
{
    size_t length = strlen(line);
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        line[--length] = '\0';
}

/* Empty lines count, but not at the end of the file. */
static size_t count_lines(char *text, size_t size)
{
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        text[--size] = '\0';
    size_t lines = size > 0;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

bool labels_parse(const char *text, size_t size, struct labels *labels, struct failure *failure)
{
    *labels = (struct labels){0};
    if (memchr(text, '\0', size))
        return failure_set(failure, "no text file");
    labels->text = malloc(size + 1);
    if (!labels->text)
        return failure_set(failure, "out of memory");
    memcpy(labels->text, text, size);
    labels->text[size] = '\0';
    labels->count = count_lines(labels->text, size);
    if (labels->count == 0) {
        labels_release(labels);
        return failure_set(failure, "holds no label");
    }
    labels->names = calloc(labels->count, sizeof(*labels->names));
    if (!labels->names) {
        labels_release(labels);
        return failure_set(failure, "out of memory");
    }
    char *line = labels->text;
    for (size_t i = 0; i < labels->count; i++) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        trim_end(line);
        labels->names[i] = skip_synset(line);
        line = end ? end + 1 : line;
    }
    return true;
}

static bool read_file(FILE *file, char **text, size_t *size, struct failure *failure)
{
    size_t room = 1 << 16;
    *size = 0;
    *text = malloc(room);
    while (*text) {
        *size += fread(*text + *size, 1, room - *size, file);
        if (ferror(file))
            return failure_set(failure, "cannot be read: %s", strerror(errno));
        if (*size < room)
            return true;
        if (room >= MAX_FILE_BYTES)
            return failure_set(failure, "has more than %zu bytes", MAX_FILE_BYTES);
        room *= 2;
        char *larger = realloc(*text, room);
        if (!larger)
            break;
        *text = larger;
    }
    return failure_set(failure, "out of memory");
}

bool labels_read(const char *path, struct labels *labels, struct failure *failure)
{
    *labels = (struct labels){0};
    FILE *file = fopen(path, "rb");
    if (!file) {
        failure_set(failure, "cannot be opened: %s", strerror(errno));
        return failure_prefix(failure, path);
    }
    char *text = NULL;
    size_t size;
    bool good = read_file(file, &text, &size, failure) && labels_parse(text, size, labels, failure);
    free(text);
    fclose(file);
    return good || failure_prefix(failure, path);
}

const char *labels_name(const struct labels *labels, size_t index, char buffer[LABEL_BYTES])
{
    if (index < labels->count && labels->names[index][0])
        return labels->names[index];
    snprintf(buffer, LABEL_BYTES, "class %zu", index);
    return buffer;
}

void labels_release(struct labels *labels)
{
    free(labels->names);
    free(labels->text);
    *labels = (struct labels){0};
}
