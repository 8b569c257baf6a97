// SPDX-License-Identifier: Apache-2.0
/*
 * Reading attributes against the types that the table states. The texts are those that MXNet's
 * clients see.
 */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "mxnet/operators/mx_operator.h"

bool cop_mx_attribute_is_hidden(const char *key)
{
    const size_t length = strlen(key);
    return length > 4 && strncmp(key, "__", 2) == 0 && strcmp(key + length - 2, "__") == 0;
}

/* The parameters behind the tensors, documented or not. */
static int parameter_count(const struct mx_operator *op)
{
    return op->argument_count - op->tensor_count + op->undocumented_count;
}

static const struct mx_parameter *parameter_at(const struct mx_operator *op, int index)
{
    return &op->arguments[op->tensor_count + index];
}

static const struct mx_parameter *find_parameter(const struct mx_operator *op, const char *key)
{
    for (int i = 0; i < parameter_count(op); i++)
        if (strcmp(parameter_at(op, i)->name, key) == 0)
            return parameter_at(op, i);
    return NULL;
}

static bool is_enum(const struct mx_parameter *parameter)
{
    return parameter->type_info[0] == '{';
}

/* The length of the type before what is required or the default. */
static int type_length(const struct mx_parameter *parameter)
{
    const char *type = parameter->type_info;
    return (int)(is_enum(parameter) ? strcspn(type, "}") + 1 : strcspn(type, ","));
}

static bool is_type(const struct mx_parameter *parameter, const char *type)
{
    const size_t length = strlen(type);
    return (size_t)type_length(parameter) == length &&
           strncmp(parameter->type_info, type, length) == 0;
}

static bool is_none_allowed(const struct mx_parameter *parameter)
{
    const int length = type_length(parameter);
    return length > 8 && strncmp(parameter->type_info + length - 8, " or None", 8) == 0;
}

static cop_status refuse_format(const struct mx_parameter *parameter, const char *value,
                                cop_error *error)
{
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "Invalid Parameter format for %s expect %.*s but value='%.256s'",
                    parameter->name, type_length(parameter), parameter->type_info, value);
}

/* One of the names in braces: each in quotes, but None. */
static cop_status read_enum(const struct mx_parameter *parameter, const char *value,
                            cop_error *error)
{
    const size_t length = strlen(value);
    const char *end = parameter->type_info + type_length(parameter) - 1;
    for (const char *at = parameter->type_info + 1; at < end; at += *at == ',' ? 2 : 0) {
        const bool is_quoted = *at == '\'';
        const char *name = at + is_quoted;
        const size_t name_length = strcspn(name, "',}");
        at = name + name_length + is_quoted;
        if (name_length == length && strncmp(name, value, length) == 0)
            return COP_STATUS_OK;
    }
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "Invalid Input: '%.256s', valid values are: %.*s", value,
                    type_length(parameter), parameter->type_info);
}

/* Appends to a message, which keeps what fits. Only texts without control characters, but for line
 * ends that belong there. */
static void append(cop_error *error, const char *format, ...) COP_PRINTF(2, 3);
static void append(cop_error *error, const char *format, ...)
{
    const size_t length = strlen(error->message);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message + length, sizeof error->message - length, format, arguments);
    va_end(arguments);
    cop_end_at_character(error->message, sizeof error->message);
}

static cop_status check_limit(const struct mx_parameter *parameter, double number, cop_error *error)
{
    const bool is_from_1 = parameter->limit == MX_LIMIT_FROM_1;
    double least = -INFINITY, most = INFINITY;
    if (is_from_1 || parameter->limit == MX_LIMIT_1_TO_3)
        least = 1;
    if (parameter->limit == MX_LIMIT_1_TO_3)
        most = 3;
    if (parameter->limit == MX_LIMIT_0_TO_1)
        least = 0, most = 1;
    if (!(number < least) && !(number > most))
        return COP_STATUS_OK;
    if (is_from_1)
        cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                 "value %.10g for Parameter %s should be greater equal to 1", number,
                 parameter->name);
    else
        cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                 "value %.10g for Parameter %s exceed bound [%g,%g]", number, parameter->name,
                 least, most);
    append(error, "\n%s: %s", parameter->name, parameter->description);
    return error->status;
}

static cop_status read_integer(const struct mx_parameter *parameter, const char *value,
                               cop_error *error)
{
    char plain[32]; /* optional ones may end in Python's L */
    const char *digits = value;
    const size_t length = strlen(value);
    int64_t number, least = INT64_MIN, most = INT64_MAX;
    if (is_none_allowed(parameter) && length > 1 && length < sizeof plain &&
        value[length - 1] == 'L') {
        memcpy(plain, value, length - 1);
        plain[length - 1] = '\0';
        digits = plain;
    }
    if (strncmp(parameter->type_info, "int", 3) == 0)
        least = INT32_MIN, most = INT32_MAX;
    if (is_type(parameter, "int (non-negative)"))
        most = UINT32_MAX;
    if (is_type(parameter, "int (non-negative)") || is_type(parameter, "long (non-negative)"))
        least = 0;
    if (!cop_parse_int(digits, &number) || number < least || number > most)
        return refuse_format(parameter, value, error);
    return check_limit(parameter, (double)number, error);
}

/* A number, but too large for its type. */
static bool is_too_large(const struct mx_parameter *parameter, const char *value)
{
    const double number = strtod(value, NULL);
    const bool is_float = strncmp(parameter->type_info, "float", 5) == 0 ||
                          strncmp(parameter->type_info, "real_t", 6) == 0;
    const bool has_digits = strspn(value, " +-.0123456789eE") == strlen(value);
    return has_digits && fabs(number) > (is_float ? (double)FLT_MAX : DBL_MAX);
}

static cop_status read_number(const struct mx_parameter *parameter, const char *value,
                              cop_error *error)
{
    double number;
    if (is_too_large(parameter, value))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Out of range value for %s, value='%.256s'", parameter->name, value);
    if (!cop_parse_double(value, &number))
        return refuse_format(parameter, value, error);
    return check_limit(parameter, number, error);
}

static cop_status read_tuple(const struct mx_parameter *parameter, const char *value,
                             cop_error *error)
{
    struct attribute_tuple tuple;
    const bool is_read = cop_parse_tuple(value, parameter->limit == MX_LIMIT_NONE_ELEMENTS, &tuple);
    return is_read ? COP_STATUS_OK : refuse_format(parameter, value, error);
}

static cop_status read_bool(const struct mx_parameter *parameter, const char *value,
                            cop_error *error)
{
    bool is_set;
    if (cop_parse_bool(value, &is_set) ||
        (is_none_allowed(parameter) && strcasecmp(value, "none") == 0))
        return COP_STATUS_OK;
    return refuse_format(parameter, value, error);
}

static cop_status read_value(const struct mx_parameter *parameter, const char *value,
                             cop_error *error)
{
    static const struct {
        const char *type; /* what the type begins with */
        cop_status (*read)(const struct mx_parameter *, const char *, cop_error *);
    } readers[] = {
        {"{", read_enum},        {"boolean", read_bool},  {"Shape", read_tuple},
        {"int", read_integer},   {"long", read_integer},  {"float", read_number},
        {"double", read_number}, {"real_t", read_number},
    };
    if (is_none_allowed(parameter) && strcmp(value, "None") == 0)
        return COP_STATUS_OK;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++)
        if (strncmp(parameter->type_info, readers[i].type, strlen(readers[i].type)) == 0)
            return readers[i].read(parameter, value, error);
    return COP_STATUS_OK; /* a string */
}

static cop_status refuse_key(const struct mx_operator *op, const char *key, cop_error *error)
{
    cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
             "Cannot find argument '%.128s', Possible Arguments:", key);
    append(error, "\n----------------\n");
    for (int i = 0; i < parameter_count(op); i++)
        append(error, "%s : %s\n", parameter_at(op, i)->name, parameter_at(op, i)->type_info);
    return error->status;
}

static cop_status check_values(const struct mx_operator *op, const struct mx_attributes *attributes,
                               cop_error *error)
{
    for (int i = 0; i < attributes->count; i++) {
        const char *key = attributes->keys[i];
        const struct mx_parameter *parameter = find_parameter(op, key);
        if (parameter != NULL)
            COP_TRY(read_value(parameter, attributes->values[i], error));
        else if (!cop_mx_attribute_is_hidden(key))
            return refuse_key(op, key, error);
    }
    return COP_STATUS_OK;
}

static cop_status check_presence(const struct mx_operator *op,
                                 const struct mx_attributes *attributes, cop_error *error)
{
    for (int i = 0; i < parameter_count(op); i++) {
        const struct mx_parameter *parameter = parameter_at(op, i);
        const char *needed = parameter->type_info + type_length(parameter);
        const bool is_required = strcmp(needed, ", required") == 0 || is_type(parameter, "real_t");
        if (is_required && cop_mx_attribute(attributes, parameter->name) == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "Required parameter %s of %.*s is not presented", parameter->name,
                            is_enum(parameter) ? 3 : type_length(parameter),
                            is_enum(parameter) ? "int" : parameter->type_info);
    }
    return COP_STATUS_OK;
}

/* Says which use it was; the names and values are the client's. */
static cop_status name_use(const struct mx_operator *op, const char *node_name,
                           const struct mx_attributes *attributes, cop_error *error)
{
    cop_error use;
    append(error, ", in operator ");
    cop_fail(&use, error->status, "%s(name=\"%.128s\"", op->name, node_name);
    append(error, "%s", use.message);
    for (int i = 0; i < attributes->count; i++) {
        if (cop_mx_attribute_is_hidden(attributes->keys[i]))
            continue;
        cop_fail(&use, error->status, ", %.64s=\"%.128s\"", attributes->keys[i],
                 attributes->values[i]);
        append(error, "%s", use.message);
    }
    append(error, ")");
    return error->status;
}

cop_status cop_mx_operator_check(const struct mx_operator *op, const char *node_name,
                                 const struct mx_attributes *attributes, cop_error *error)
{
    cop_error own;
    if (error == NULL)
        error = &own;
    if (parameter_count(op) == 0)
        return COP_STATUS_OK;
    cop_status status = check_values(op, attributes, error);
    if (status == COP_STATUS_OK)
        status = check_presence(op, attributes, error);
    return status == COP_STATUS_OK ? status : name_use(op, node_name, attributes, error);
}
