// SPDX-License-Identifier: Apache-2.0
/* What tests of MXNet's C API do all the time: call and expect success or a text, make arrays and
 * look at them. */
#ifndef TEST_MXNET_MX_CLIENT_H
#define TEST_MXNET_MX_CLIENT_H

#include <mxnet/c_api.h>

#include <stdint.h>
#include <string.h>

#include "support/unit.h"

/* The call succeeds; its text otherwise. */
#define MX(call) ck_assert_msg((call) == 0, "%s: %s", #call, MXGetLastError())

/* The call fails with a text that contains `part`. */
#define MX_FAILS(call, part)                                                                       \
    do {                                                                                           \
        mx_forget_last_error();                                                                    \
        ck_assert_msg((call) == -1, "%s did not fail", #call);                                     \
        ck_assert_msg(strstr(MXGetLastError(), part) != NULL, "%s: '%s' lacks '%s'", #call,        \
                      MXGetLastError(), part);                                                     \
    } while (0)

#ifdef __cplusplus
extern "C"
#endif
    void
    NNAPISetLastError(const char *msg);

/* So that a text of an earlier failure is not taken for this one's. */
static inline void mx_forget_last_error(void)
{
    NNAPISetLastError("");
}

static inline size_t mx_elements(uint32_t rank, const uint32_t *shape)
{
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++)
        count *= shape[i];
    return count;
}

/* A float32 array on cpu(0); element i is first + i · step. */
static inline NDArrayHandle mx_ramp(uint32_t rank, const uint32_t *shape, float first, float step)
{
    NDArrayHandle array;
    const size_t count = mx_elements(rank, shape);
    float *elements = malloc((count + 1) * sizeof *elements);
    for (size_t i = 0; i < count; i++)
        elements[i] = first + (float)i * step;
    MX(MXNDArrayCreateEx(shape, rank, 1, 0, 0, 0, &array));
    MX(MXNDArraySyncCopyFromCPU(array, elements, count));
    free(elements);
    return array;
}

static inline NDArrayHandle mx_ramp_1(uint32_t a, float first, float step)
{
    return mx_ramp(1, &a, first, step);
}

static inline NDArrayHandle mx_ramp_2(uint32_t a, uint32_t b, float first, float step)
{
    const uint32_t shape[] = {a, b};
    return mx_ramp(2, shape, first, step);
}

/* Element `index` of a float32 array of `count` elements. */
static inline float mx_element(NDArrayHandle array, size_t count, size_t index)
{
    float *elements = malloc(count * sizeof *elements);
    MX(MXNDArraySyncCopyToCPU(array, elements, count));
    const float element = elements[index];
    free(elements);
    return element;
}

static inline SymbolHandle mx_symbol(const char *json)
{
    SymbolHandle symbol;
    MX(MXSymbolCreateFromJSON(json, &symbol));
    return symbol;
}

/* y = x Wᵀ + b, two units, and a softmax of it with a label. */
#define MX_DENSE_JSON                                                                              \
    "{\"nodes\": [{\"op\": \"null\", \"name\": \"data\", \"inputs\": []},"                         \
    "{\"op\": \"null\", \"name\": \"fc_weight\", \"inputs\": []},"                                 \
    "{\"op\": \"null\", \"name\": \"fc_bias\", \"inputs\": []},"                                   \
    "{\"op\": \"FullyConnected\", \"name\": \"fc\", \"attrs\": {\"num_hidden\": \"2\"},"           \
    " \"inputs\": [[0, 0, 0], [1, 0, 0], [2, 0, 0]]}],"                                            \
    "\"arg_nodes\": [0, 1, 2], \"heads\": [[3, 0, 0]],"                                            \
    "\"attrs\": {\"mxnet_version\": [\"int\", 10901]}}"

#define MX_CLASSIFIER_JSON                                                                         \
    "{\"nodes\": [{\"op\": \"null\", \"name\": \"data\", \"inputs\": []},"                         \
    "{\"op\": \"null\", \"name\": \"fc_weight\", \"inputs\": []},"                                 \
    "{\"op\": \"null\", \"name\": \"fc_bias\", \"inputs\": []},"                                   \
    "{\"op\": \"FullyConnected\", \"name\": \"fc\", \"attrs\": {\"num_hidden\": \"2\"},"           \
    " \"inputs\": [[0, 0, 0], [1, 0, 0], [2, 0, 0]]},"                                             \
    "{\"op\": \"null\", \"name\": \"softmax_label\", \"inputs\": []},"                             \
    "{\"op\": \"SoftmaxOutput\", \"name\": \"softmax\", \"inputs\": [[3, 0, 0], [4, 0, 0]]}],"     \
    "\"arg_nodes\": [0, 1, 2, 4], \"heads\": [[5, 0, 0]],"                                         \
    "\"attrs\": {\"mxnet_version\": [\"int\", 10901]}}"

#endif
