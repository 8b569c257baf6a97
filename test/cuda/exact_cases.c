// SPDX-License-Identifier: Apache-2.0
#include "exact_cases.h"

#define DIMS(...)                                                                                  \
    {                                                                                              \
        (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                                 \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define SRC(...)                                                                                   \
    {                                                                                              \
        .dtype = COP_DTYPE_FLOAT32, .shape = DIMS(__VA_ARGS__)                                     \
    }
#define WEIGHT(...)                                                                                \
    {                                                                                              \
        .dtype = COP_DTYPE_FLOAT32, .shape = DIMS(__VA_ARGS__), .is_weight = true                  \
    }
#define NUMBER                                                                                     \
    {                                                                                              \
        .dtype = COP_DTYPE_FLOAT32                                                                 \
    }
#define NUMBER_WEIGHT                                                                              \
    {                                                                                              \
        .dtype = COP_DTYPE_FLOAT32, .is_weight = true                                              \
    }
#define NONE                                                                                       \
    {                                                                                              \
        .dtype = COP_DTYPE_UNKNOWN                                                                 \
    }
#define KNOWN(n, ...)                                                                              \
    {                                                                                              \
        .dtype = COP_DTYPE_INT64, .shape = DIMS(n), .known = (const int64_t[])                     \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define LATE(n, ...)                                                                               \
    {                                                                                              \
        .dtype = COP_DTYPE_INT64, .shape = DIMS(n), .elements = (const int64_t[])                  \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define ATTRS(type, ...)                                                                           \
    &(const struct type)                                                                           \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define SLICE(...)     OP_SLICE, ATTRS(slice_attrs, .count = __VA_ARGS__)
#define PERM(n, ...)   OP_TRANSPOSE, ATTRS(transpose_attrs, .rank = n, .perm = {__VA_ARGS__})
#define PAD(...)       OP_PAD, ATTRS(pad_attrs, .mode = __VA_ARGS__)
#define GATHER(...)    OP_GATHER, ATTRS(gather_attrs, .axis = __VA_ARGS__)
#define CONCAT(a)      OP_CONCAT, ATTRS(concat_attrs, .axis = a)
#define SPLIT(...)     OP_SPLIT, ATTRS(split_attrs, .axis = __VA_ARGS__)
#define REDUCE(a, ...) OP_REDUCE, ATTRS(reduce_attrs, .alg = REDUCE_##a, __VA_ARGS__)
#define UNARY(...)     OP_UNARY, ATTRS(unary_attrs, .alg = __VA_ARGS__)
#define BINARY(a, ...) OP_BINARY, ATTRS(binary_attrs, .alg = BINARY_##a, __VA_ARGS__)
#define PRELU(...)     OP_PRELU, ATTRS(prelu_attrs, __VA_ARGS__)
#define IDENTITY       OP_IDENTITY, ATTRS(no_attrs, 0)
#define FILL(...)      OP_FILL, ATTRS(fill_attrs, .dtype = __VA_ARGS__)
#define RELU_POST                                                                                  \
    {                                                                                              \
        POST_OP_UNARY,                                                                             \
        {                                                                                          \
            UNARY_RELU, 0, 0                                                                       \
        }                                                                                          \
    }
#define ABS_POST                                                                                   \
    {                                                                                              \
        POST_OP_UNARY,                                                                             \
        {                                                                                          \
            UNARY_ABS, 0, 0                                                                        \
        }                                                                                          \
    }
#define SUM_POST                                                                                   \
    {                                                                                              \
        POST_OP_SUM,                                                                               \
        {                                                                                          \
            UNARY_RELU, 0, 0                                                                       \
        }                                                                                          \
    }

static const int32_t narrow_indices[] = {2, -3, 0, 7, 1};

const struct exact_case exact_cases[] = {
    {.name = "slice", SLICE(2, {1, 0}, {3, 4}, {1, 3}), 1, {SRC(2, 5, 4, 6)}, .any_dtype = true},
    {.name = "slice of channels",
     SLICE(1, {2}, {INT64_MAX}, {1}),
     1,
     {SRC(2, 5, 4, 6)},
     .any_dtype = true},
    {.name = "slice backwards",
     SLICE(2, {-1, -2}, {INT64_MIN, INT64_MIN}, {1, 3}, {-2, -3}),
     1,
     {SRC(2, 5, 4, 6)},
     .any_dtype = true},
    {.name = "slice with a large step",
     SLICE(1, {1}, {INT64_MAX}, {2}, {INT64_MAX}),
     1,
     {SRC(2, 5, 4, 6)}},
    {.name = "slice by inputs",
     OP_SLICE,
     ATTRS(slice_attrs, .count = 0),
     5,
     {SRC(2, 5, 4, 6), KNOWN(2, 1, 5), KNOWN(2, 2, 0), KNOWN(2, 0, -1), KNOWN(2, 1, -2)}},
    {.name = "slice by 3 inputs of 5-D",
     OP_SLICE,
     ATTRS(slice_attrs, .count = 0),
     4,
     {SRC(2, 3, 2, 4, 5), KNOWN(1, 1), KNOWN(1, 3), KNOWN(1, 3)},
     .any_dtype = true},

    {.name = "transpose to nhwc", PERM(4, 0, 2, 3, 1), 1, {SRC(2, 5, 4, 6)}, .any_dtype = true},
    {.name = "transpose from nhwc", PERM(4, 0, 3, 1, 2), 1, {SRC(2, 5, 4, 6)}, .any_dtype = true},
    {.name = "transpose of all", PERM(0, 0), 1, {SRC(2, 5, 4, 6)}, .any_dtype = true},
    {.name = "transpose 1-0-3-2", PERM(4, 1, 0, 3, 2), 1, {SRC(2, 5, 4, 6)}, .any_dtype = true},
    {.name = "transpose of nothing", PERM(4, 0, 1, 2, 3), 1, {SRC(2, 5, 4, 6)}, .any_dtype = true},
    {.name = "transpose of ones alone",
     PERM(4, 2, 1, 0, 3),
     1,
     {SRC(1, 5, 1, 6)},
     .any_dtype = true},
    {.name = "transpose of a matrix", PERM(2, 1, 0), 1, {SRC(37, 70)}, .any_dtype = true},
    {.name = "transpose of a shuffle",
     PERM(5, 0, 2, 1, 3, 4),
     1,
     {SRC(1, 2, 3, 4, 5)},
     .any_dtype = true},
    {.name = "transpose of 8 dimensions",
     PERM(0, 0),
     1,
     {SRC(2, 1, 2, 3, 2, 1, 2, 3)},
     .any_dtype = true},

    {.name = "pad",
     PAD(PAD_CONSTANT, 4, {0, 0, 1, 2}, {0, 0, 2, 1}, 3),
     1,
     {SRC(2, 5, 4, 6)},
     .any_dtype = true},
    {.name = "pad of channels",
     PAD(PAD_CONSTANT, 4, {0, 1, 0, 0}, {1, 2, 0, 0}, -0.5f),
     1,
     {SRC(2, 5, 4, 6)},
     .any_dtype = true},
    {.name = "pad that cuts",
     PAD(PAD_CONSTANT, 4, {0, -1, -2, 3}, {0, -2, 1, -4}),
     1,
     {SRC(2, 5, 4, 6)},
     .any_dtype = true},
    {.name = "pad by reflection",
     PAD(PAD_REFLECT, 4, {0, 0, 3, 2}, {0, 0, 2, 5}),
     1,
     {SRC(2, 5, 4, 6)},
     .any_dtype = true},
    {.name = "pad by edges",
     PAD(PAD_EDGE, 4, {1, 2, 0, 2}, {0, 1, 3, 1}),
     1,
     {SRC(2, 5, 4, 6)},
     .any_dtype = true},
    {.name = "pad by inputs",
     PAD(PAD_CONSTANT),
     3,
     {SRC(2, 3, 4), KNOWN(6, 0, 1, 2, 1, 0, -1), NUMBER_WEIGHT}},
    {.name = "pad with a computed value",
     PAD(PAD_CONSTANT),
     3,
     {SRC(2, 3, 4), KNOWN(6, 0, 1, 2, 1, 0, -1), NUMBER}},

    {.name = "gather",
     GATHER(0, true),
     2,
     {SRC(4, 3, 5), LATE(5, 1, -1, 4, 0, 3)},
     .any_dtype = true},
    {.name = "gather channels",
     GATHER(1, true),
     2,
     {SRC(2, 5, 4, 6), LATE(3, 9, 0, 2)},
     .any_dtype = true},
    {.name = "gather along the last axis",
     GATHER(-1, true),
     2,
     {SRC(2, 5, 7), LATE(3, 6, 6, 1)},
     .any_dtype = true},
    {.name = "gather one",
     GATHER(1, true),
     2,
     {SRC(4, 3), {.dtype = COP_DTYPE_INT64, .elements = (const int64_t[]){2}}}},
    {.name = "gather by int32",
     GATHER(0, true),
     2,
     {SRC(4, 3), {.dtype = COP_DTYPE_INT32, .shape = DIMS(5), .elements = narrow_indices}}},
    {.name = "gather that checks",
     GATHER(0, false),
     2,
     {SRC(4, 3, 5), LATE(2, 1, -1)},
     .is_refused = true},

    {.name = "concat of channels",
     CONCAT(1),
     3,
     {SRC(2, 5, 4, 6), SRC(2, 1, 4, 6), SRC(2, 3, 4, 6)},
     .any_dtype = true},
    {.name = "concat of images",
     CONCAT(0),
     2,
     {SRC(2, 5, 4, 6), SRC(1, 5, 4, 6)},
     .any_dtype = true},
    {.name = "concat of columns",
     CONCAT(-1),
     2,
     {SRC(2, 5, 4, 6), SRC(2, 5, 4, 1)},
     .any_dtype = true},
    {.name = "concat with an empty part", CONCAT(1), 3, {SRC(2, 5, 4), SRC(2, 0, 4), SRC(2, 3, 4)}},
    {.name = "concat of one and a weight", CONCAT(1), 2, {SRC(2, 5, 4, 6), WEIGHT(2, 2, 4, 6)}},
    {.name = "concat of vectors", CONCAT(0), 2, {SRC(7), SRC(5)}, .any_dtype = true},

    {.name = "split of channels", SPLIT(1), 1, {SRC(2, 6, 4, 5)}, 3, .any_dtype = true},
    {.name = "split by sizes", SPLIT(1), 2, {SRC(2, 6, 4, 5), KNOWN(3, 1, 3, 2)}, 3},
    {.name = "split of rows", SPLIT(2), 1, {SRC(2, 6, 4, 5)}, 2, .any_dtype = true},
    {.name = "split of images", SPLIT(0), 1, {SRC(2, 6, 4, 5)}, 2, .any_dtype = true},
    {.name = "split that drops images", SPLIT(0, true), 1, {SRC(2, 6, 4, 5)}, 2, .any_dtype = true},
    {.name = "split that drops channels",
     SPLIT(1, true),
     1,
     {SRC(2, 3, 4, 5)},
     3,
     .any_dtype = true},
    {.name = "split that drops rows", SPLIT(2, true), 1, {SRC(2, 5, 3, 6)}, 3, .any_dtype = true},
    {.name = "split that drops columns",
     SPLIT(3, true),
     1,
     {SRC(2, 5, 6, 3)},
     3,
     .any_dtype = true},

    {.name = "sum of planes",
     REDUCE(SUM, .keep_dims = true, .axis_count = 2, .axes = {2, 3}),
     1,
     {SRC(2, 5, 4, 6)}},
    {.name = "sum of planes, dropped",
     REDUCE(SUM, .axis_count = 2, .axes = {2, 3}),
     1,
     {SRC(2, 5, 4, 6)}},
    {.name = "sum of channels", REDUCE(SUM, .axis_count = 1, .axes = {1}), 1, {SRC(2, 5, 4, 6)}},
    {.name = "sum of channels, kept",
     REDUCE(SUM, .keep_dims = true, .axis_count = 1, .axes = {1}),
     1,
     {SRC(2, 5, 4, 6)}},
    {.name = "sum of images", REDUCE(SUM, .axis_count = 1, .axes = {0}), 1, {SRC(2, 5, 4, 6)}},
    {.name = "sum of images, kept",
     REDUCE(SUM, .keep_dims = true, .axis_count = 1, .axes = {0}),
     1,
     {SRC(2, 5, 4, 6)}},
    {.name = "largest of rows", REDUCE(MAX, .axis_count = 1, .axes = {2}), 1, {SRC(2, 5, 4, 6)}},
    {.name = "smallest of columns",
     REDUCE(MIN, .axis_count = 1, .axes = {-1}),
     1,
     {SRC(2, 5, 4, 6)}},
    {.name = "largest of images and channels",
     REDUCE(MAX, .axis_count = 2, .axes = {0, 1}),
     1,
     {SRC(2, 5, 4, 6)}},
    {.name = "sum of all but channels",
     REDUCE(SUM, .exclude = true, .axis_count = 1, .axes = {1}),
     1,
     {SRC(2, 5, 4, 6)}},
    {.name = "sum of all", REDUCE(SUM, .rank_at_least_1 = true), 1, {SRC(2, 5, 4, 6)}},
    {.name = "largest of all", REDUCE(MAX, 0), 1, {SRC(2, 5, 4, 6)}},
    {.name = "sum by an input",
     REDUCE(SUM, .keep_dims = true),
     2,
     {SRC(2, 5, 4, 6), KNOWN(2, 3, 1)}},

    {.name = "unary", UNARY(UNARY_ABS), 1, {SRC(2, 5, 4, 6)}},
    {.name = "unary of a number", UNARY(UNARY_NEG), 1, {NUMBER}},
    {.name = "unary plus a sum",
     UNARY(UNARY_RELU),
     2,
     {SRC(2, 5, 4, 6), SRC(2, 5, 4, 6)},
     .post_ops = {1, {SUM_POST}}},
    {.name = "unary and 3 more",
     UNARY(UNARY_NEG),
     2,
     {SRC(2, 5, 4, 6), SRC(2, 5, 4, 6)},
     .post_ops = {3, {ABS_POST, SUM_POST, RELU_POST}}},
    {.name = "unary and 4 more",
     UNARY(UNARY_NEG),
     1,
     {SRC(2, 5)},
     .post_ops = {4, {ABS_POST, ABS_POST, ABS_POST, RELU_POST}},
     .is_refused = true},

    {.name = "binary", BINARY(SUB, 0), 2, {SRC(2, 5, 4, 6), SRC(2, 5, 4, 6)}},
    {.name = "binary of a weight", BINARY(ADD, 0), 2, {SRC(2, 5, 4, 6), WEIGHT(2, 5, 4, 6)}},
    {.name = "binary by channel", BINARY(MUL, 0), 2, {SRC(2, 5, 4, 6), WEIGHT(1, 5, 1, 1)}},
    {.name = "binary by channel, computed", BINARY(MUL, 0), 2, {SRC(2, 5, 4, 6), SRC(2, 5, 1, 1)}},
    {.name = "binary by channel of 3-D", BINARY(SUB, 0), 2, {SRC(2, 5, 4, 6), WEIGHT(5, 1, 1)}},
    {.name = "binary by position", BINARY(SUB, 0), 2, {SRC(2, 5, 4, 6), SRC(2, 1, 4, 6)}},
    {.name = "binary by image", BINARY(SUB, 0), 2, {SRC(2, 5, 4, 6), SRC(1, 5, 4, 6)}},
    {.name = "binary by row", BINARY(SUB, 0), 2, {SRC(2, 5, 4, 6), SRC(6)}},
    {.name = "binary of 3-D and 4-D", BINARY(SUB, 0), 2, {SRC(5, 4, 6), SRC(2, 5, 4, 6)}},
    {.name = "binary of a number", BINARY(SUB, 0), 2, {NUMBER_WEIGHT, SRC(2, 5, 4, 6)}},
    {.name = "binary of numbers", BINARY(SUB, 0), 2, {NUMBER, NUMBER}},
    {.name = "binary both broadcast", BINARY(MUL, 0), 2, {SRC(2, 5, 1, 6), SRC(1, 1, 4, 6)}},
    {.name = "binary aligned left",
     BINARY(SUB, .align_left = true, .axis = 1),
     2,
     {SRC(2, 5, 4, 6), WEIGHT(5, 4)}},
    {.name = "binary aligned left, computed",
     BINARY(SUB, .align_left = true, .axis = 1),
     2,
     {SRC(2, 5, 4, 6), SRC(5)}},
    {.name = "binary plus a sum",
     BINARY(ADD, 0),
     3,
     {SRC(2, 5, 4, 6), WEIGHT(1, 5, 1, 1), SRC(2, 5, 4, 6)},
     .post_ops = {2, {SUM_POST, RELU_POST}}},
    {.name = "binary with an activation",
     BINARY(MAX, 0),
     2,
     {SRC(2, 5, 4, 6), SRC(2, 5, 4, 6)},
     .post_ops = {1, {RELU_POST}}},

    {.name = "prelu", PRELU(.channel_slope = true), 2, {SRC(2, 5, 4, 6), WEIGHT(5)}},
    {.name = "prelu with one slope", PRELU(.channel_slope = true), 2, {SRC(2, 5, 4, 6), WEIGHT(1)}},
    {.name = "prelu of a matrix", PRELU(.channel_slope = true), 2, {SRC(3, 5), SRC(5)}},
    {.name = "prelu that broadcasts", PRELU(0), 2, {SRC(2, 5, 4, 6), WEIGHT(5, 1, 1)}},
    {.name = "prelu by position", PRELU(0), 2, {SRC(2, 5, 4, 6), SRC(4, 6)}},
    {.name = "prelu of the same shape", PRELU(0), 2, {SRC(2, 5, 4, 6), SRC(2, 5, 4, 6)}},

    {.name = "identity", IDENTITY, 1, {SRC(2, 5, 4, 6)}, .any_dtype = true},
    {.name = "identity plus a sum",
     IDENTITY,
     2,
     {SRC(2, 5, 4, 6), SRC(2, 5, 4, 6)},
     .post_ops = {2, {SUM_POST, RELU_POST}}},
    {.name = "fill", FILL(COP_DTYPE_UNKNOWN, 5), 1, {SRC(2, 5, 3)}, .any_dtype = true},
    {.name = "fill with a fraction", FILL(COP_DTYPE_FLOAT32, -0.75), 1, {SRC(2, 5, 3)}},
    {.name = "fill float16", FILL(COP_DTYPE_FLOAT16, 1.0 / 3), 1, {SRC(2, 5, 3)}},
    {.name = "fill float16, too small", FILL(COP_DTYPE_FLOAT16, 0x1.8p-23), 1, {SRC(2, 5, 3)}},
    {.name = "fill float16, too large", FILL(COP_DTYPE_FLOAT16, 65520), 1, {SRC(2, 5, 3)}},
    {.name = "fill bfloat16", FILL(COP_DTYPE_BFLOAT16, 1e-39), 1, {SRC(2, 5, 3)}},
    {.name = "fill bfloat16 with a tie", FILL(COP_DTYPE_BFLOAT16, -257), 1, {SRC(2, 5, 3)}},
    {.name = "fill int8", FILL(COP_DTYPE_INT8, -300.5), 1, {SRC(2, 5, 3)}},
    {.name = "fill uint16", FILL(COP_DTYPE_UINT16, 1e9), 1, {SRC(2, 5, 3)}},
    {.name = "fill int64", FILL(COP_DTYPE_INT64, 1e30), 1, {SRC(2, 5, 3)}},
    {.name = "fill uint64", FILL(COP_DTYPE_UINT64, 1e19), 1, {SRC(2, 5, 3)}},
    {.name = "fill bool", FILL(COP_DTYPE_BOOL, 0.25), 1, {SRC(2, 5, 3)}},
    {.name = "cast to itself", OP_CAST, ATTRS(cast_attrs, COP_DTYPE_FLOAT32), 1, {SRC(2, 5, 4, 6)}},
    {.name = "cast to float16",
     OP_CAST,
     ATTRS(cast_attrs, COP_DTYPE_FLOAT16),
     1,
     {SRC(2, 5, 4, 6)}},
    {.name = "cast to int64", OP_CAST, ATTRS(cast_attrs, COP_DTYPE_INT64), 1, {SRC(2, 5, 4, 6)}},
    {.name = "cast to bool", OP_CAST, ATTRS(cast_attrs, COP_DTYPE_BOOL), 1, {SRC(2, 5, 4, 6)}},
};

const int exact_case_count = (int)(sizeof exact_cases / sizeof *exact_cases);
