// SPDX-License-Identifier: Apache-2.0
/*
 * Operators that are no graph: they make arrays of numbers, fill arrays, and copy between types and
 * devices. Numbers are made as float64 in the process and converted into the result.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/mxnet/params.h"
#include "model/mxnet/symbol_attributes.h"
#include "mxnet/base/mx_random.h"
#include "mxnet/run/mx_imperative.h"

/* Numbers are made and converted in portions, so that a large array takes no second one. */
#define PORTION 65536

/* What is to be made. */
struct creation {
    const struct mx_call *call;
    struct shape shape;
    int type;
    struct mx_context context;
    double first, second, third; /* value; low, high; mean, deviation; start, step, repeat */
};

static double number_of(const struct mx_call *call, const char *key, double otherwise)
{
    double value;
    const char *text = cop_mx_attribute(&call->attributes, key);
    return text != NULL && cop_parse_double(text, &value) ? value : otherwise;
}

/* The element type that the attributes state; `otherwise` where they state none. */
static int type_of(const struct mx_call *call, int otherwise)
{
    const char *text = cop_mx_attribute(&call->attributes, "dtype");
    for (int type = 0; text != NULL && type < MX_TYPE_COUNT; type++)
        if (strcmp(cop_mx_type_name(type), text) == 0)
            return type;
    return otherwise;
}

/* The shape that the attributes state; false: none. Their syntax was checked before. */
static bool read_shape(const struct mx_call *call, struct shape *shape, cop_status *status,
                       cop_error *error)
{
    struct attribute_tuple tuple;
    const char *text = cop_mx_attribute(&call->attributes, "shape");
    *status = COP_STATUS_OK;
    if (text == NULL || !cop_parse_tuple(text, false, &tuple) || !tuple.is_given ||
        tuple.count == 0)
        return false;
    if (tuple.count > COP_MAX_RANK)
        *status = cop_fail(error, COP_STATUS_UNSUPPORTED, "%s: shape=%.100s: at most %d dimensions",
                           call->op->name, text, COP_MAX_RANK);
    else
        *shape = cop_shape_of(tuple.count, tuple.values);
    return true;
}

static cop_status find_context(const struct mx_call *call, const struct mx_array *given,
                               struct mx_context *context, cop_error *error)
{
    const char *text = cop_mx_attribute(&call->attributes, "ctx");
    *context = (struct mx_context){MX_CPU, 0};
    if (given != NULL && !cop_mx_array_is_none(given))
        *context = cop_mx_array_context(given);
    else if (text != NULL && text[0] != '\0')
        return cop_mx_context_parse(text, context, error);
    return COP_STATUS_OK;
}

static cop_status read_range(struct creation *creation, cop_error *error)
{
    const struct mx_call *call = creation->call;
    const char *stop_text = cop_mx_attribute(&call->attributes, "stop");
    double start = number_of(call, "start", 0), stop;
    if (stop_text == NULL || !cop_parse_double(stop_text, &stop)) {
        stop = start;
        start = 0;
    }
    const double step = number_of(call, "step", 1), repeat = number_of(call, "repeat", 1);
    const double count = step == 0 ? -1 : ceil((stop - start) / step) * repeat;
    creation->first = start;
    creation->second = step;
    creation->third = repeat;
    if (!(repeat >= 1) || !(count > 0) || count > INT32_MAX)
        return cop_fail(
            error, COP_STATUS_INVALID_ARGUMENT,
            "Check failed: _arange from %g to %g by %g, each %g times, has no number of "
            "elements from 1 to 2^31 - 1",
            start, stop, step, repeat);
    const int64_t dims[] = {(int64_t)count};
    creation->shape = cop_shape_of(1, dims);
    return COP_STATUS_OK;
}

/* What the numbers are made of. */
static cop_status read_numbers(struct creation *creation, cop_error *error)
{
    const struct mx_call *call = creation->call;
    switch (call->op->imperative) {
    case MX_IMPERATIVE_ONES:
        creation->first = 1;
        break;
    case MX_IMPERATIVE_FULL:
        creation->first = number_of(call, "value", 0);
        break;
    case MX_IMPERATIVE_SET_VALUE:
        creation->first = number_of(call, "src", 0);
        break;
    case MX_IMPERATIVE_ARANGE:
        return read_range(creation, error);
    case MX_IMPERATIVE_UNIFORM:
        creation->first = number_of(call, "low", 0);
        creation->second = number_of(call, "high", 1);
        if (!(creation->first <= creation->second))
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Check failed: low %g <= high %g",
                            creation->first, creation->second);
        break;
    case MX_IMPERATIVE_NORMAL:
        creation->first = number_of(call, "loc", 0);
        creation->second = number_of(call, "scale", 1);
        if (!(creation->second > 0))
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Check failed: scale %g > 0",
                            creation->second);
        break;
    default:
        break;
    }
    return COP_STATUS_OK;
}

static void make_numbers(const struct creation *creation, int64_t begin, size_t count,
                         struct mx_random *random, double *numbers)
{
    for (size_t i = 0; i < count; i++)
        switch (creation->call->op->imperative) {
        case MX_IMPERATIVE_ARANGE:
            numbers[i] = creation->first +
                         floor((double)(begin + (int64_t)i) / creation->third) * creation->second;
            break;
        case MX_IMPERATIVE_UNIFORM:
            numbers[i] = creation->first +
                         cop_mx_random_uniform(random) * (creation->second - creation->first);
            break;
        case MX_IMPERATIVE_NORMAL:
            numbers[i] = creation->first + cop_mx_random_normal(random) * creation->second;
            break;
        default:
            numbers[i] = creation->first;
        }
}

/* Elements `begin` … of an array, as one row. */
static cop_status view_portion(const struct mx_array *array, int64_t begin, int64_t count,
                               struct mx_array **portion, cop_error *error)
{
    const int64_t dims[] = {count};
    const struct shape shape = cop_shape_of(1, dims);
    const size_t element_bytes = cop_dtype_bytes(cop_mxnet_dtype(array->type));
    return cop_mx_array_view(array, array->offset_bytes + (size_t)begin * element_bytes,
                             array->type, &shape, portion, error);
}

static cop_status fill(const struct creation *creation, struct mx_array *array, cop_error *error)
{
    const int64_t most_dims[] = {PORTION};
    const struct shape most = cop_shape_of(1, most_dims);
    struct mx_random random = cop_mx_random_open();
    struct mx_array *numbers = NULL, *from = NULL, *to = NULL;
    int64_t elements = 0;
    cop_shape_elements(&array->shape, &elements);
    double *made = cop_alloc(PORTION, sizeof *made);
    cop_status status = made == NULL
                            ? cop_fail_memory(error, "numbers", PORTION * sizeof *made)
                            : cop_mx_array_create(&most, MX_FLOAT64, (struct mx_context){MX_CPU, 0},
                                                  false, &numbers, error);
    for (int64_t begin = 0; begin < elements && status == COP_STATUS_OK; begin += PORTION) {
        const int64_t count = elements - begin < PORTION ? elements - begin : PORTION;
        make_numbers(creation, begin, (size_t)count, &random, made);
        status = view_portion(numbers, 0, count, &from, error);
        if (status == COP_STATUS_OK)
            status = cop_mx_array_write(from, made, (size_t)count, error);
        if (status == COP_STATUS_OK)
            status = view_portion(array, begin, count, &to, error);
        if (status == COP_STATUS_OK)
            status = cop_mx_array_copy(from, to, error);
        cop_mx_array_destroy(from);
        cop_mx_array_destroy(to);
        from = to = NULL;
    }
    cop_mx_array_destroy(numbers);
    cop_free(made);
    return status;
}

static cop_status check_given(const struct creation *creation, const struct mx_array *given,
                              bool has_shape, cop_error *error)
{
    if ((has_shape && !cop_shape_equal(&given->shape, &creation->shape)) ||
        (creation->type >= 0 && given->type != creation->type))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: %s makes %s %s, but %s %s was given",
                        creation->call->op->name, cop_mx_type_name(creation->type),
                        has_shape ? cop_shape_text(&creation->shape).text : "arrays",
                        cop_mx_type_name(given->type), cop_shape_text(&given->shape).text);
    return COP_STATUS_OK;
}

static cop_status create(const struct mx_call *call, struct mx_array **dst, cop_error *error)
{
    const bool is_given = *dst != NULL && !cop_mx_array_is_none(*dst);
    struct creation creation = {.call = call, .shape = cop_shape_unknown()};
    cop_status status;
    bool has_shape = read_shape(call, &creation.shape, &status, error);
    if (status == COP_STATUS_OK)
        status = read_numbers(&creation, error);
    if (status == COP_STATUS_OK)
        status = find_context(call, *dst, &creation.context, error);
    has_shape |= call->op->imperative == MX_IMPERATIVE_ARANGE;
    creation.type = type_of(call, is_given ? -1 : MX_FLOAT32);
    if (status == COP_STATUS_OK && is_given)
        status = check_given(&creation, *dst, has_shape, error);
    if (status == COP_STATUS_OK && !is_given && !has_shape)
        status = cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                          "Check failed: %s: neither a shape nor an array that has one is given",
                          call->op->name);
    if (status != COP_STATUS_OK)
        return status;
    if (is_given)
        return fill(&creation, *dst, error);
    const bool is_new = *dst == NULL;
    status = is_new ? cop_mx_array_create(&creation.shape, creation.type, creation.context, false,
                                          dst, error)
                    : cop_mx_array_fill_none(*dst, &creation.shape, creation.type, creation.context,
                                             error);
    if (status == COP_STATUS_OK)
        status = fill(&creation, *dst, error);
    if (status == COP_STATUS_OK)
        return status;
    if (is_new) {
        cop_mx_array_destroy(*dst);
        *dst = NULL;
    } else {
        cop_mx_array_empty(*dst);
    }
    return status;
}

/* Into a new array it is a copy of the same type on the same device. */
static cop_status copy_to(const struct mx_array *src, struct mx_array **dst, cop_error *error)
{
    const bool is_new = *dst == NULL;
    cop_status status = COP_STATUS_OK;
    if (cop_mx_array_is_none(src))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: _copyto: what is to be copied is an empty array");
    const struct mx_context context = cop_mx_array_context(src);
    if (is_new)
        status = cop_mx_array_create(&src->shape, src->type, context, false, dst, error);
    else if (cop_mx_array_is_none(*dst))
        status = cop_mx_array_fill_none(*dst, &src->shape, src->type, context, error);
    if (status == COP_STATUS_OK)
        status = cop_mx_array_copy(src, *dst, error);
    if (status != COP_STATUS_OK && is_new) {
        cop_mx_array_destroy(*dst);
        *dst = NULL;
    }
    return status;
}

cop_status cop_mx_create_by_call(const struct mx_call *call, struct mx_array **dst,
                                 cop_error *error)
{
    if (call->op->imperative == MX_IMPERATIVE_COPYTO)
        return copy_to(call->src[0], dst, error);
    return create(call, dst, error);
}
