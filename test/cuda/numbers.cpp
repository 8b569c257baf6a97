// SPDX-License-Identifier: Apache-2.0
#include "numbers.h"

#include <stdlib.h>
#include <string.h>

#include "platform.cuh"

template <typename T> static void store(const float *src, void *dst, size_t count)
{
    for (size_t i = 0; i < count; i++)
        static_cast<T *>(dst)[i] = cop::from_float<T>(src[i]);
}

template <typename T> static void load(const void *src, float *dst, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = cop::to_float(static_cast<const T *>(src)[i]);
}

void store_numbers(enum cop_cuda_type type, const float *src, void *dst, size_t count)
{
    if (type == COP_CUDA_F32)
        store<float>(src, dst, count);
    else if (type == COP_CUDA_F16)
        store<cop::half>(src, dst, count);
    else
        store<cop::bfloat16>(src, dst, count);
}

void load_numbers(enum cop_cuda_type type, const void *src, float *dst, size_t count)
{
    if (type == COP_CUDA_F32)
        load<float>(src, dst, count);
    else if (type == COP_CUDA_F16)
        load<cop::half>(src, dst, count);
    else
        load<cop::bfloat16>(src, dst, count);
}

float round_to_tf32(float x)
{
    return __uint_as_float(cop::round_to_tf32(x));
}

void *make_memory(size_t bytes)
{
    void *memory = nullptr;
    if (posix_memalign(&memory, 16, bytes != 0 ? bytes : 1) != 0)
        abort();
    memset(memory, 0xff, bytes);
    return memory;
}

void fill_random(float *dst, size_t count, uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 12345u;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        dst[i] = static_cast<float>(state >> 8) * 0x1p-23f - 1.0f;
    }
}
