// SPDX-License-Identifier: Apache-2.0
#include "mxnet/run/mx_cached_op_flags.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "model/mxnet/symbol_attributes.h"
#include "mxnet/operators/mx_operator.h"

enum flag_type { FLAG_BOOL, FLAG_COUNT, FLAG_INDICES, FLAG_TEXT };
enum flag {
    FLAG_STATIC_ALLOC,
    FLAG_STATIC_SHAPE,
    FLAG_FORWARD_BULK_SIZE,
    FLAG_DATA_INDICES,
    FLAG_PARAM_INDICES,
    FLAG_INLINE_LIMIT,
    FLAG_BACKWARD_BULK_SIZE,
    FLAG_SUBGRAPH,
    FLAG_IS_DYNAMIC,
    FLAG_KINDS,
};

static const struct {
    const char *name, *type_name;
    enum flag_type type;
} kinds[FLAG_KINDS] = {
    {"static_alloc", "boolean", FLAG_BOOL},
    {"static_shape", "boolean", FLAG_BOOL},
    {"forward_bulk_size", "int (non-negative)", FLAG_COUNT},
    {"data_indices", "tuple of <int>", FLAG_INDICES},
    {"param_indices", "tuple of <int>", FLAG_INDICES},
    {"inline_limit", "int (non-negative)", FLAG_COUNT},
    {"backward_bulk_size", "int (non-negative)", FLAG_COUNT},
    {"subgraph", "string", FLAG_TEXT},
    {"is_dynamic", "boolean", FLAG_BOOL},
};

/* The last value of each flag; NULL: not given. */
struct flags {
    const char *values[FLAG_KINDS];
};

static cop_status fail_unknown(const char *key, cop_error *error)
{
    struct text text = {0};
    for (int i = 0; i < FLAG_KINDS; i++)
        cop_text_add(&text, "\n%s : %s", kinds[i].name, kinds[i].type_name);
    const cop_status status =
        cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                 "Cannot find argument '%.100s', Possible Arguments:\n----------------%s", key,
                 text.failed ? "" : text.bytes);
    cop_text_free(&text);
    return status;
}

static cop_status fail_value(enum flag flag, const char *value, cop_error *error)
{
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "Invalid Parameter format for %s expect %s but value='%.200s'",
                    kinds[flag].name, kinds[flag].type_name, value);
}

static cop_status collect(int count, const char *const *keys, const char *const *values,
                          struct flags *flags, cop_error *error)
{
    for (int i = 0; i < count; i++) {
        int kind = 0;
        if (keys[i] == NULL || values[i] == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "flag %d: %s is NULL", i,
                            keys[i] == NULL ? "its key" : "its value");
        while (kind < FLAG_KINDS && strcmp(kinds[kind].name, keys[i]) != 0)
            kind++;
        if (kind < FLAG_KINDS)
            flags->values[kind] = values[i];
        else if (!cop_mx_attribute_is_hidden(keys[i]))
            return fail_unknown(keys[i], error);
    }
    return COP_STATUS_OK;
}

static cop_status read_bool(const struct flags *flags, enum flag flag, bool *value,
                            cop_error *error)
{
    *value = false;
    if (flags->values[flag] == NULL || cop_parse_bool(flags->values[flag], value))
        return COP_STATUS_OK;
    return fail_value(flag, flags->values[flag], error);
}

static cop_status check_count(const struct flags *flags, enum flag flag, cop_error *error)
{
    int64_t value;
    const char *text = flags->values[flag];
    if (text == NULL || (cop_parse_int(text, &value) && value >= 0 && value <= UINT32_MAX))
        return COP_STATUS_OK;
    return fail_value(flag, text, error);
}

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t\n\v\f\r");
}

/* One index with Python 2's suffix of long numbers; false: there is none. */
static bool read_index(const char **at, int64_t *index)
{
    *index = 0;
    if (**at < '0' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; ++*at)
        if (*index <= INT32_MAX)
            *index = *index * 10 + (**at - '0');
    *at += **at == 'L';
    return true;
}

/* Marks an index; `*wrong` becomes the first one that is out of range or marked before. */
static void mark(int64_t index, int input_count, unsigned char *marks, int64_t *wrong)
{
    if (*wrong < 0 && (index >= input_count || marks[index] != 0))
        *wrong = index;
    else if (*wrong < 0)
        marks[index] = 1;
}

/* "(0, 1)", "[2, 3, ]", "4", "None"; brackets need not match. False: it is none of these. */
static bool read_indices(const char *text, int input_count, unsigned char *marks, int *count,
                         int64_t *wrong)
{
    const char *at = skip_spaces(text);
    int64_t index;
    if (strncmp(at, "None", 4) == 0)
        return *skip_spaces(at + 4) == '\0';
    const bool has_brackets = *at == '(' || *at == '[';
    at = skip_spaces(at + has_brackets);
    while (read_index(&at, &index)) {
        ++*count;
        mark(index, input_count, marks, wrong);
        at = skip_spaces(at);
        if (!has_brackets || *at != ',')
            break;
        at = skip_spaces(at + 1);
    }
    if (has_brackets && *at != ')' && *at != ']')
        return false;
    return (has_brackets || *count > 0) && *skip_spaces(at + has_brackets) == '\0';
}

static cop_status check_indices(const struct flags *flags, int input_count, cop_error *error)
{
    int counts[2] = {0, 0};
    unsigned char *marks = cop_alloc((size_t)input_count, 1);
    cop_status status = COP_STATUS_OK;
    if (marks == NULL)
        return cop_fail_memory(error, "flags", (size_t)input_count);
    for (int i = 0; i < 2 && status == COP_STATUS_OK; i++) {
        const enum flag flag = i == 0 ? FLAG_DATA_INDICES : FLAG_PARAM_INDICES;
        int64_t wrong = -1;
        if (flags->values[flag] == NULL)
            continue;
        if (!read_indices(flags->values[flag], input_count, marks, &counts[i], &wrong))
            status = fail_value(flag, flags->values[flag], error);
        else if (wrong >= 0)
            status =
                cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Check failed: %s: index %lld is %s",
                         kinds[flag].name, (long long)wrong,
                         wrong >= input_count ? "no input of the graph" : "given twice");
    }
    cop_free(marks);
    if (status == COP_STATUS_OK && counts[0] + counts[1] > 0 &&
        counts[0] + counts[1] != input_count)
        status = cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                          "Check failed: data_indices (%d) and param_indices (%d) together do not "
                          "cover the %d inputs of the graph",
                          counts[0], counts[1], input_count);
    return status;
}

cop_status cop_mx_check_flags(int count, const char *const *keys, const char *const *values,
                              int input_count, bool thread_safe, cop_error *error)
{
    struct flags flags = {{NULL}};
    bool static_alloc, static_shape, is_dynamic;
    COP_TRY(collect(count, keys, values, &flags, error));
    COP_TRY(read_bool(&flags, FLAG_STATIC_ALLOC, &static_alloc, error));
    COP_TRY(read_bool(&flags, FLAG_STATIC_SHAPE, &static_shape, error));
    COP_TRY(read_bool(&flags, FLAG_IS_DYNAMIC, &is_dynamic, error));
    COP_TRY(check_count(&flags, FLAG_FORWARD_BULK_SIZE, error));
    COP_TRY(check_count(&flags, FLAG_BACKWARD_BULK_SIZE, error));
    COP_TRY(check_count(&flags, FLAG_INLINE_LIMIT, error));
    if (static_shape && !static_alloc)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: static_alloc must be True when static_shape is True");
    if (is_dynamic && thread_safe)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: Dynamic shapes aren't supported with thread-safe cached op");
    return check_indices(&flags, input_count, error);
}
