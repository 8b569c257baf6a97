// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "model/mxnet/symbol_attributes.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

static const char *skip_spaces(const char *at)
{
    while (*at == ' ' || (*at >= '\t' && *at <= '\r'))
        at++;
    return at;
}

/* Reads a decimal number and moves `at` behind it. Written out because strtoll takes more. */
static bool read_int(const char **at, int64_t *value)
{
    const bool is_negative = **at == '-';
    const char *digit = *at + (is_negative || **at == '+');
    int64_t magnitude = 0; /* negative, so that INT64_MIN fits */
    if (*digit < '0' || *digit > '9')
        return false;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        if (__builtin_mul_overflow(magnitude, 10, &magnitude) ||
            __builtin_sub_overflow(magnitude, *digit - '0', &magnitude))
            return false;
    if (!is_negative && magnitude == INT64_MIN)
        return false;
    *value = is_negative ? magnitude : -magnitude;
    *at = digit;
    return true;
}

bool cop_parse_bool(const char *text, bool *value)
{
    *value = strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *value || strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

bool cop_parse_int(const char *text, int64_t *value)
{
    const char *at = skip_spaces(text);
    return read_int(&at, value) && *skip_spaces(at) == '\0';
}

/* strtod reads the decimal point of the program's locale; a model's is always '.'. */
bool cop_parse_double(const char *text, double *value)
{
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* static: never fails */
    const int saved = errno;
    char *end = NULL;
    errno = 0;
    *value = strtod_l(text, &end, plain);
    const bool is_finite_or_stated = errno != ERANGE || fabs(*value) < 1;
    errno = saved;
    freelocale(plain);
    return end != text && *skip_spaces(end) == '\0' && is_finite_or_stated;
}

/* One element with Python 2's suffix of long numbers, or None. */
static bool read_element(const char **at, bool allow_none, int64_t *value)
{
    if (allow_none && strncmp(*at, "None", 4) == 0) {
        *at += 4;
        *value = COP_TUPLE_NONE;
        return true;
    }
    if (!read_int(at, value) || *value == COP_TUPLE_NONE)
        return false;
    *at += **at == 'L';
    return true;
}

static bool read_elements(const char *at, bool allow_none, struct attribute_tuple *tuple)
{
    for (at = skip_spaces(at); *at != ')' && *at != ']'; at = skip_spaces(at)) {
        if (tuple->count == COP_MAX_TUPLE ||
            !read_element(&at, allow_none, &tuple->values[tuple->count]))
            return false;
        tuple->count++;
        at = skip_spaces(at);
        if (*at == ',')
            at++;
        else if (*at != ')' && *at != ']')
            return false;
    }
    return *skip_spaces(at + 1) == '\0';
}

bool cop_parse_tuple(const char *text, bool allow_none, struct attribute_tuple *tuple)
{
    const char *at = skip_spaces(text);
    *tuple = (struct attribute_tuple){.is_given = true};
    if (*at == '(' || *at == '[') /* either may close the other, as MXNet reads it */
        return read_elements(at + 1, allow_none, tuple);
    if (strncmp(at, "None", 4) == 0) {
        tuple->is_given = false;
        return *skip_spaces(at + 4) == '\0';
    }
    tuple->count = 1;
    return read_element(&at, false, &tuple->values[0]) && *skip_spaces(at) == '\0';
}

static struct mxnet_attribute *find(const struct mxnet_node *node, const char *key)
{
    for (int i = 0; i < node->attribute_count; i++)
        if (strcmp(node->attributes[i].key, key) == 0)
            return &node->attributes[i];
    return NULL;
}

const char *cop_attribute_text(struct attribute_reader *reader, const char *key)
{
    struct mxnet_attribute *attribute = find(reader->node, key);
    if (attribute == NULL)
        return NULL;
    attribute->is_read = true;
    return attribute->value;
}

bool cop_attribute_is_given(struct attribute_reader *reader, const char *key)
{
    return cop_attribute_text(reader, key) != NULL;
}

void cop_attribute_fail(struct attribute_reader *reader, cop_status status, const char *key,
                        const char *expected)
{
    if (reader->status != COP_STATUS_OK)
        return;
    const struct mxnet_attribute *attribute = find(reader->node, key);
    if (attribute == NULL)
        reader->status = cop_fail(reader->error, status,
                                  "node '%.64s' (%.64s): attribute %s is missing: expected %s",
                                  reader->node->name, reader->node->op, key, expected);
    else
        reader->status = cop_fail(
            reader->error, status, "node '%.64s' (%.64s): attribute %s='%.64s': expected %s",
            reader->node->name, reader->node->op, key, attribute->value, expected);
}

bool cop_attribute_bool(struct attribute_reader *reader, const char *key, bool otherwise)
{
    const char *text = cop_attribute_text(reader, key);
    bool value = otherwise;
    if (text != NULL && !cop_parse_bool(text, &value))
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, key, "True, False, 1 or 0");
    return value;
}

static void check_range(struct attribute_reader *reader, const char *key, int64_t least,
                        int64_t most, int64_t value)
{
    if (value >= least && value <= most)
        return;
    char expected[96];
    snprintf(expected, sizeof expected, "a number from %lld to %lld", (long long)least,
             (long long)most);
    cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, key, expected);
}

int64_t cop_attribute_int(struct attribute_reader *reader, const char *key, int64_t otherwise,
                          int64_t least, int64_t most)
{
    const char *text = cop_attribute_text(reader, key);
    int64_t value = otherwise;
    if (text == NULL)
        return otherwise;
    if (!cop_parse_int(text, &value))
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, key, "a whole number");
    else
        check_range(reader, key, least, most, value);
    return reader->status == COP_STATUS_OK ? value : otherwise;
}

int64_t cop_attribute_required_int(struct attribute_reader *reader, const char *key, int64_t least,
                                   int64_t most)
{
    if (!cop_attribute_is_given(reader, key))
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, key, "a whole number");
    return cop_attribute_int(reader, key, least, least, most);
}

bool cop_attribute_optional_int(struct attribute_reader *reader, const char *key, int64_t least,
                                int64_t most, int64_t *value)
{
    const char *text = cop_attribute_text(reader, key);
    if (text == NULL || strcmp(text, "None") == 0)
        return false;
    const char *at = skip_spaces(text);
    if (!read_element(&at, false, value) || *skip_spaces(at) != '\0')
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, key, "a whole number or None");
    else
        check_range(reader, key, least, most, *value);
    return reader->status == COP_STATUS_OK;
}

double cop_attribute_double(struct attribute_reader *reader, const char *key, double otherwise)
{
    const char *text = cop_attribute_text(reader, key);
    double value = otherwise;
    if (text != NULL && !cop_parse_double(text, &value))
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, key, "a number");
    return reader->status == COP_STATUS_OK ? value : otherwise;
}

float cop_attribute_float(struct attribute_reader *reader, const char *key, float otherwise)
{
    const double value = cop_attribute_double(reader, key, (double)otherwise);
    if (isfinite(value) && fabs(value) > (double)FLT_MAX) {
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, key, "a number within float32");
        return otherwise;
    }
    return (float)value;
}

bool cop_attribute_optional_double(struct attribute_reader *reader, const char *key, double *value)
{
    const char *text = cop_attribute_text(reader, key);
    if (text == NULL || strcmp(text, "None") == 0)
        return false;
    *value = cop_attribute_double(reader, key, 0);
    return reader->status == COP_STATUS_OK;
}

struct attribute_tuple cop_attribute_tuple(struct attribute_reader *reader, const char *key,
                                           int64_t least, int64_t most, bool allow_none)
{
    const char *text = cop_attribute_text(reader, key);
    struct attribute_tuple tuple = {0};
    if (text == NULL)
        return tuple;
    if (!cop_parse_tuple(text, allow_none, &tuple))
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, key,
                           "a tuple such as (3, 3) of at most 64 whole numbers");
    for (int i = 0; i < tuple.count && reader->status == COP_STATUS_OK; i++)
        if (!allow_none || tuple.values[i] != COP_TUPLE_NONE)
            check_range(reader, key, least, most, tuple.values[i]);
    return reader->status == COP_STATUS_OK ? tuple : (struct attribute_tuple){0};
}

int cop_attribute_enum(struct attribute_reader *reader, const char *key, int otherwise,
                       const char *const *names)
{
    const char *text = cop_attribute_text(reader, key);
    if (text == NULL)
        return otherwise;
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    char expected[256] = "";
    size_t length = 0;
    for (int i = 0; names[i] != NULL && length < sizeof expected; i++)
        length += (size_t)snprintf(expected + length, sizeof expected - length, "%s%s",
                                   i == 0 ? "" : ", ", names[i]);
    cop_attribute_fail(reader, COP_STATUS_UNSUPPORTED, key, expected);
    return -1;
}

void cop_attributes_ignore(struct attribute_reader *reader, const char *keys)
{
    for (int i = 0; i < reader->node->attribute_count; i++) {
        struct mxnet_attribute *attribute = &reader->node->attributes[i];
        const size_t length = strlen(attribute->key);
        for (const char *key = keys; *key != '\0';) {
            const size_t key_length = strcspn(key, " ");
            if (key_length == length && memcmp(key, attribute->key, length) == 0)
                attribute->is_read = true;
            key += key_length;
            key += *key == ' ';
        }
    }
}

/* __x__ is never an operator's: users and frontends keep notes there. */
static bool is_hidden(const char *key)
{
    const size_t length = strlen(key);
    return length > 4 && strncmp(key, "__", 2) == 0 && strcmp(key + length - 2, "__") == 0;
}

cop_status cop_attributes_end(struct attribute_reader *reader)
{
    for (int i = 0; i < reader->node->attribute_count && reader->status == COP_STATUS_OK; i++) {
        const struct mxnet_attribute *attribute = &reader->node->attributes[i];
        if (!attribute->is_read && !is_hidden(attribute->key))
            reader->status = cop_fail(
                reader->error, COP_STATUS_UNSUPPORTED,
                "node '%.64s' (%.64s): attribute %.64s='%.64s' is not known for this operator",
                reader->node->name, reader->node->op, attribute->key, attribute->value);
    }
    return reader->status;
}
