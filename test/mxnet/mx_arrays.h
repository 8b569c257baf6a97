// SPDX-License-Identifier: Apache-2.0
/* Calls of MXNet's functions in tests, and small arrays. */
#ifndef TEST_MXNET_MX_ARRAYS_H
#define TEST_MXNET_MX_ARRAYS_H

#include <string.h>

#include <mxnet/c_api.h>

#include "support/unit.h"

/* The call succeeds; or fails with a text that has `text` in it. */
#define MX(call) ck_assert_msg((call) == 0, "%s: %s", #call, MXGetLastError())
#define MX_FAILS(call, text)                                                                       \
    do {                                                                                           \
        ck_assert_int_eq(call, -1);                                                                \
        ck_assert_msg(strstr(MXGetLastError(), text) != NULL, "'%s' has no '%s'",                  \
                      MXGetLastError(), text);                                                     \
    } while (0)

#define SHAPE(...) (const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / 8

static inline NDArrayHandle make_typed(int type, const int64_t *shape, size_t rank)
{
    NDArrayHandle array = NULL;
    MX(MXNDArrayCreateEx64(shape, (int)rank, 1, 0, 0, type, &array));
    return array;
}

static inline NDArrayHandle make_array(const int64_t *shape, size_t rank)
{
    return make_typed(0, shape, rank);
}

static inline NDArrayHandle make_none(void)
{
    NDArrayHandle array = NULL;
    MX(MXNDArrayCreateNone(&array));
    return array;
}

/* 0, 1, 2, … in `count` floats. */
static inline NDArrayHandle make_counting(const int64_t *shape, size_t rank, size_t count)
{
    float values[256];
    const NDArrayHandle array = make_array(shape, rank);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)i;
    MX(MXNDArraySyncCopyFromCPU(array, values, count));
    return array;
}

/* Whether an array has this shape. */
static inline void expect_shape(NDArrayHandle array, const int64_t *shape, size_t rank)
{
    int found_rank;
    const int64_t *found = NULL;
    MX(MXNDArrayGetShapeEx64(array, &found_rank, &found));
    ck_assert_int_eq(found_rank, (int)rank);
    for (size_t i = 0; i < rank; i++)
        ck_assert_int_eq(found[i], shape[i]);
}

/* Whether an array has these `count` floats. */
static inline void expect_floats(NDArrayHandle array, const float *values, size_t count)
{
    float found[256];
    MX(MXNDArraySyncCopyToCPU(array, found, count));
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(found[i] == values[i], "element %zu: %g, not %g", i, (double)found[i],
                      (double)values[i]);
}

#endif
