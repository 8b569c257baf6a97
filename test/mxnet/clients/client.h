// SPDX-License-Identifier: Apache-2.0
/* What programs against MXNet's C API need: calls that must succeed, symbols from operators, arrays
 * from numbers. Includes nothing but the API's own headers, so that the programs are as any
 * client's. */
#ifndef TEST_MXNET_CLIENTS_CLIENT_H
#define TEST_MXNET_CLIENTS_CLIENT_H

#include <math.h>
#include <stdlib.h>

#include <check.h>

#include <mxnet/c_api.h>
#include <nnvm/c_api.h>

#define CPU 1

#define SUCCEEDS(call) ck_assert_msg((call) == 0, "%s: %s", #call, MXGetLastError())

/* A random number in [-1, 1) of its own sequence. */
static inline float next_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(*state >> 32) / 2147483648.0f;
}

static inline NDArrayHandle make_array(const uint32_t *shape, uint32_t rank)
{
    NDArrayHandle array;
    SUCCEEDS(MXNDArrayCreateEx(shape, rank, CPU, 0, 0, 0, &array));
    return array;
}

static inline size_t count_elements(const uint32_t *shape, uint32_t rank)
{
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++)
        count *= shape[i];
    return count;
}

/* An array of numbers in [middle - range, middle + range). */
static inline NDArrayHandle make_random_array(const uint32_t *shape, uint32_t rank, float middle,
                                              float range, uint64_t seed)
{
    const size_t count = count_elements(shape, rank);
    float *values = malloc(count * sizeof *values);
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < count; i++)
        values[i] = middle + range * next_number(&state);
    NDArrayHandle array = make_array(shape, rank);
    SUCCEEDS(MXNDArraySyncCopyFromCPU(array, values, count));
    free(values);
    return array;
}

/* The array's elements, for the caller to free. */
static inline float *read_array(NDArrayHandle array, size_t *out_count)
{
    const int *shape;
    int rank;
    SUCCEEDS(MXNDArrayGetShapeEx(array, &rank, &shape));
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    float *values = malloc((count + 1) * sizeof *values);
    SUCCEEDS(MXNDArraySyncCopyToCPU(array, values, count));
    *out_count = count;
    return values;
}

/* Whether two results agree as MXNet's own tests of its thread-safe operator ask. */
static inline bool are_close(const float *got, const float *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(got[i] - expected[i]) <= 1e-5f + 1e-2f * fabsf(expected[i])))
            return false;
    return true;
}

/* `operator_name` with `options` (NULL-terminated keys and values) on `inputs`, which stay the
 * caller's, keyed by `keys` unless NULL. */
static inline SymbolHandle apply(const char *operator_name, const char *name,
                                 const char *const *options, uint32_t inputs, const char **keys,
                                 SymbolHandle *input)
{
    const char *option_keys[16], *option_values[16];
    uint32_t count = 0;
    for (; options != NULL && options[2 * count] != NULL; count++) {
        option_keys[count] = options[2 * count];
        option_values[count] = options[2 * count + 1];
    }
    OpHandle creator;
    SymbolHandle symbol;
    SUCCEEDS(NNGetOpHandle(operator_name, &creator));
    SUCCEEDS(MXSymbolCreateAtomicSymbol(creator, count, option_keys, option_values, &symbol));
    SUCCEEDS(MXSymbolCompose(symbol, name, inputs, keys, input));
    return symbol;
}

#endif
