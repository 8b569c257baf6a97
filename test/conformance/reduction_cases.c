// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"

#define RED(alg_, ...) OP_REDUCE, ATTRS(reduce_attrs, .alg = REDUCE_##alg_, __VA_ARGS__)
#define AXES(...)                                                                                  \
    .axis_count = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), .axes = {__VA_ARGS__}
#define INTS(...)                                                                                  \
    {                                                                                              \
        true, false, CASE_SHAPE(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),               \
            (const int64_t[])                                                                      \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const struct op_case rows[] = {
    {"mean of planes",
     RED(MEAN, .keep_dims = true, AXES(2, 3)),
     {SRC(2, 17, 7, 7)},
     .src_count = 1,
     .tolerance = 1e-5},
    {"mean of planes, dropped",
     RED(MEAN, AXES(-1, -2)),
     {SRC(2, 32, 7, 7)},
     .src_count = 1,
     .tolerance = 1e-5},
    {"max of planes", RED(MAX, .keep_dims = true, AXES(2, 3)), {SRC(2, 17, 7, 7)}, .src_count = 1},
    {"mean of planes, axes as a source",
     RED(MEAN, .keep_dims = true),
     {SRC(2, 17, 7, 7), INTS(2, 3)},
     .src_count = 2,
     .tolerance = 1e-5},
    {"sum of planes", RED(SUM, AXES(2, 3)), {SRC(2, 17, 7, 7)}, .src_count = 1, .tolerance = 1e-5},
    {"min of planes", RED(MIN, AXES(2, 3)), {SRC(2, 17, 7, 7)}, .src_count = 1},
    {"product of rows", RED(PROD, AXES(3)), {SRC(2, 3, 4, 5)}, .src_count = 1, .tolerance = 1e-5},
    {"mean of channels",
     RED(MEAN, .keep_dims = true, AXES(1)),
     {SRC(2, 17, 5, 6)},
     .src_count = 1,
     .tolerance = 1e-5},
    {"mean of batch", RED(MEAN, AXES(0)), {SRC(3, 17, 5, 6)}, .src_count = 1, .tolerance = 1e-5},
    {"sum of all",
     RED(SUM, .rank_at_least_1 = true),
     {SRC(3, 17, 5, 6)},
     .src_count = 1,
     .low = 0.1f,
     .high = 1,
     .tolerance = 1e-5},
    {"max of all, to a scalar", RED(MAX, .keep_dims = false), {SRC(3, 17, 5, 6)}, .src_count = 1},
    {"all but channels",
     RED(SUM, .exclude = true, AXES(1)),
     {SRC(3, 17, 5, 6)},
     .src_count = 1,
     .low = 0.1f,
     .high = 1,
     .tolerance = 1e-5},
    {"matrix rows", RED(MEAN, AXES(1)), {SRC(6, 33)}, .src_count = 1, .tolerance = 1e-5},
};

const struct op_cases reduction_cases = CASES(rows);
