// SPDX-License-Identifier: Apache-2.0
/* Operators that are run on arrays alone. */
#include "mxnet/operators/mx_operator_table.h"

static const struct mx_parameter arange[] = {
    {"start", "double, required", "First number.", MX_LIMIT_NONE},
    {"stop", "double or None, optional, default=None",
     "Number that the last one stays below; None: start, and counting begins at 0.", MX_LIMIT_NONE},
    {"step", "double, optional, default=1", "Distance between numbers.", MX_LIMIT_NONE},
    {"repeat", "int, optional, default='1'", "How often each number comes.", MX_LIMIT_NONE},
    {"infer_range", "boolean, optional, default=0", "Accepted and not used.", MX_LIMIT_NONE},
    {"ctx", "string, optional, default=''",
     "Device of the result, such as cpu(0); empty: that of the array it goes to, or the processor.",
     MX_LIMIT_NONE},
    {"dtype",
     "{'bfloat16', 'float16', 'float32', 'float64', 'int32', 'int64', 'int8', 'uint8'},optional, "
     "default='float32'",
     "Element type of the result.", MX_LIMIT_NONE},
};

static const struct mx_parameter data[] = {
    {"data", "NDArray", "What is copied.", MX_LIMIT_NONE},
};

static const struct mx_parameter full[] = {
    {"shape", "Shape(tuple), optional, default=None",
     "Shape of the result; empty: that of the array it goes to.", MX_LIMIT_NONE},
    {"ctx", "string, optional, default=''",
     "Device of the result, such as cpu(0); empty: that of the array it goes to, or the processor.",
     MX_LIMIT_NONE},
    {"dtype",
     "{'bfloat16', 'bool', 'float16', 'float32', 'float64', 'int32', 'int64', 'int8', "
     "'uint8'},optional, default='float32'",
     "Element type of the result.", MX_LIMIT_NONE},
    {"value", "double, required", "The value.", MX_LIMIT_NONE},
};

static const struct mx_parameter ones[] = {
    {"shape", "Shape(tuple), optional, default=[]",
     "Shape of the result; empty: that of the array it goes to.", MX_LIMIT_NONE},
    {"ctx", "string, optional, default=''",
     "Device of the result, such as cpu(0); empty: that of the array it goes to, or the processor.",
     MX_LIMIT_NONE},
    {"dtype",
     "{'bfloat16', 'bool', 'float16', 'float32', 'float64', 'int32', 'int64', 'int8', "
     "'uint8'},optional, default='float32'",
     "Element type of the result.", MX_LIMIT_NONE},
};

static const struct mx_parameter random_normal[] = {
    {"loc", "float, optional, default=0", "Mean.", MX_LIMIT_NONE},
    {"scale", "float, optional, default=1", "Standard deviation.", MX_LIMIT_NONE},
    {"shape", "Shape(tuple), optional, default=None",
     "Shape of the result; empty: that of the array it goes to.", MX_LIMIT_NONE},
    {"ctx", "string, optional, default=''",
     "Device of the result, such as cpu(0); empty: that of the array it goes to, or the processor.",
     MX_LIMIT_NONE},
    {"dtype", "{'None', 'float16', 'float32', 'float64'},optional, default='None'",
     "Element type of the result.", MX_LIMIT_NONE},
};

static const struct mx_parameter random_uniform[] = {
    {"low", "float, optional, default=0", "Least value.", MX_LIMIT_NONE},
    {"high", "float, optional, default=1", "Bound that values stay below.", MX_LIMIT_NONE},
    {"shape", "Shape(tuple), optional, default=None",
     "Shape of the result; empty: that of the array it goes to.", MX_LIMIT_NONE},
    {"ctx", "string, optional, default=''",
     "Device of the result, such as cpu(0); empty: that of the array it goes to, or the processor.",
     MX_LIMIT_NONE},
    {"dtype", "{'None', 'float16', 'float32', 'float64'},optional, default='None'",
     "Element type of the result.", MX_LIMIT_NONE},
};

static const struct mx_parameter set_value[] = {
    {"src", "real_t", "The value.", MX_LIMIT_NONE},
};

static const struct mx_operator operators[] = {
    {
        .name = "_arange",
        .aliases = COP_MX_NO_NAMES,
        .description = "Numbers at equal distances.",
        COP_MX_ARGUMENTS(arange, 0),
        .inputs = "",
        .types = MX_TYPES_NEW,
        .imperative = MX_IMPERATIVE_ARANGE,
    },
    {
        .name = "_copyto",
        .aliases = COP_MX_NAMES("_npi_copyto"),
        .description = "Copies an array into another one, of any type and on any device.",
        COP_MX_ARGUMENTS(data, 1),
        .inputs = "data",
        .types = MX_TYPES_ANY,
        .imperative = MX_IMPERATIVE_COPYTO,
    },
    {
        .name = "_full",
        .aliases = COP_MX_NAMES("_npi_full"),
        .description = "A new array of one value.",
        COP_MX_ARGUMENTS(full, 0),
        .inputs = "",
        .types = MX_TYPES_NEW,
        .imperative = MX_IMPERATIVE_FULL,
    },
    {
        .name = "_ones",
        .aliases = COP_MX_NO_NAMES,
        .description = "A new array of ones.",
        COP_MX_ARGUMENTS(ones, 0),
        .inputs = "",
        .types = MX_TYPES_NEW,
        .imperative = MX_IMPERATIVE_ONES,
    },
    {
        .name = "_random_normal",
        .aliases = COP_MX_NAMES("normal", "random_normal"),
        .description = "Random numbers around a mean, normally distributed.",
        COP_MX_ARGUMENTS(random_normal, 0),
        .inputs = "",
        .types = MX_TYPES_NEW,
        .imperative = MX_IMPERATIVE_NORMAL,
    },
    {
        .name = "_random_uniform",
        .aliases = COP_MX_NAMES("random_uniform", "uniform"),
        .description = "Random numbers, each equally likely between two bounds.",
        COP_MX_ARGUMENTS(random_uniform, 0),
        .inputs = "",
        .types = MX_TYPES_NEW,
        .imperative = MX_IMPERATIVE_UNIFORM,
    },
    {
        .name = "_set_value",
        .aliases = COP_MX_NO_NAMES,
        .description = "Sets every element of an array to a number.",
        COP_MX_ARGUMENTS(set_value, 0),
        .inputs = "",
        .types = MX_TYPES_ANY,
        .imperative = MX_IMPERATIVE_SET_VALUE,
    },
    {
        .name = "_zeros",
        .aliases = COP_MX_NO_NAMES,
        .description = "A new array of zeros.",
        COP_MX_ARGUMENTS(ones, 0),
        .inputs = "",
        .types = MX_TYPES_NEW,
        .imperative = MX_IMPERATIVE_ZEROS,
    },
};

const struct mx_operator_family cop_mx_creation_family = COP_MX_FAMILY(operators);
