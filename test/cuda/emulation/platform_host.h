// SPDX-License-Identifier: Apache-2.0
/* The face of kernels/platform.cuh that a host compiler sees. Included by it alone. */
#ifndef TEST_CUDA_EMULATION_PLATFORM_HOST_H
#define TEST_CUDA_EMULATION_PLATFORM_HOST_H

#include <math.h>
#include <new>
#include <string.h>
#include <tuple>

#include "emulation/emulation.h"
#include "emulation/host_math.h"

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __noinline__    __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

#define COP_UNROLL
#define COP_UNROLL_NONE

#define threadIdx (cop::emulation::current->thread)
#define blockIdx  (cop::emulation::current->block)
#define blockDim  (cop::emulation::current->block_dim)
#define gridDim   (cop::emulation::current->grid_dim)
#define warpSize  32

#define COP_SHARED(type, name, dims)                                                               \
    using name##_type = type dims;                                                                 \
    static const char name##_key = 0;                                                              \
    name##_type &name = *static_cast<name##_type *>(                                               \
        cop::emulation::static_shared(&name##_key, sizeof(name##_type)))

#define COP_DYNAMIC_SHARED(type, name)                                                             \
    type *name = static_cast<type *>(cop::emulation::dynamic_shared())

#define COP_LAUNCH(kernel, grid, block, shared_bytes, stream, ...)                                 \
    cop::emulation::launch(kernel, grid, block, shared_bytes, stream, __VA_ARGS__)

#define COP_ALLOW_SHARED(kernel, bytes)                                                            \
    cop::emulation::allow_shared(reinterpret_cast<const void *>(kernel), bytes)

#define COP_HERE (cop::emulation::place{__builtin_FILE(), __builtin_LINE()})

/* A default argument tells the line of the call. */
inline void cop_emulated_syncthreads(cop::emulation::place where)
{
    cop::emulation::wait_block(where);
}
#define __syncthreads() cop_emulated_syncthreads(cop::emulation::place{__FILE__, __LINE__})

inline void __syncwarp(unsigned lanes = ~0u, const char *file = __builtin_FILE(),
                       int line = __builtin_LINE())
{
    cop::emulation::wait_warp(lanes, "__syncwarp", nullptr, nullptr, {file, line});
}

inline void __threadfence()
{
}

namespace cop
{
namespace emulation
{

/* launches */

template <typename... P> struct job {
    void (*kernel)(P...);
    dim3 grid, block;
    size_t shared_bytes;
    std::tuple<P...> arguments;

    static void run_thread(const void *self)
    {
        const job *one = static_cast<const job *>(self);
        std::apply(one->kernel, one->arguments);
    }
    static void run(void *self)
    {
        const job *one = static_cast<const job *>(self);
        run_grid(one->grid, one->block, one->shared_bytes, run_thread, self);
    }
    static void drop(void *self)
    {
        delete static_cast<job *>(self);
    }
};

template <typename... P, typename... A>
cudaError_t launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes,
                   cudaStream_t stream, A &&...arguments)
{
    const cudaError_t status =
        check_launch(reinterpret_cast<const void *>(kernel), grid, block, shared_bytes);
    if (status != cudaSuccess)
        return status;
    job<P...> *one = new (std::nothrow)
        job<P...>{kernel, grid, block, shared_bytes, std::tuple<P...>(arguments...)};
    if (one == nullptr)
        return cudaErrorMemoryAllocation;
    return cop_emulated_launch(stream, job<P...>::run, job<P...>::drop, one);
}

/* warps */

template <typename T> struct exchange {
    T value, result;
    int from; /* the lane to take from */
};

template <typename T> void act_exchange(void *const *arguments)
{
    for (int lane = 0; lane < 32; lane++) {
        exchange<T> *one = static_cast<exchange<T> *>(arguments[lane]);
        if (one == nullptr)
            continue;
        const exchange<T> *other = static_cast<const exchange<T> *>(arguments[one->from]);
        if (other == nullptr)
            fail({__FILE__, __LINE__}, "lane %d takes from lane %d, which is not there", lane,
                 one->from);
        one->result = other->value;
    }
}

template <typename T>
T take_from(unsigned lanes, T value, int lane, const char *what, const char *file, int line)
{
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "what shuffles move");
    exchange<T> own = {value, value, lane};
    wait_warp(lanes, what, act_exchange<T>, &own, {file, line});
    return own.result;
}

struct vote {
    bool is_set;
    unsigned result;
};

inline void act_vote(void *const *arguments)
{
    unsigned result = 0;
    for (int lane = 0; lane < 32; lane++)
        if (arguments[lane] != nullptr && static_cast<vote *>(arguments[lane])->is_set)
            result |= 1u << lane;
    for (int lane = 0; lane < 32; lane++)
        if (arguments[lane] != nullptr)
            static_cast<vote *>(arguments[lane])->result = result;
}

} // namespace emulation
} // namespace cop

#define COP_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE()

template <typename T> T __shfl_sync(unsigned lanes, T value, int from, int width = 32, COP_CALLER)
{
    const int lane = static_cast<int>(cop::emulation::current->lane), first = lane & -width;
    return cop::emulation::take_from(lanes, value, first + (from & (width - 1)), "__shfl_sync",
                                     file, line);
}

template <typename T>
T __shfl_xor_sync(unsigned lanes, T value, int mask, int width = 32, COP_CALLER)
{
    const int lane = static_cast<int>(cop::emulation::current->lane), first = lane & -width;
    const int from = lane ^ mask;
    return cop::emulation::take_from(lanes, value, from < first + width ? from : lane,
                                     "__shfl_xor_sync", file, line);
}

template <typename T>
T __shfl_down_sync(unsigned lanes, T value, unsigned delta, int width = 32, COP_CALLER)
{
    const int lane = static_cast<int>(cop::emulation::current->lane), first = lane & -width;
    const int from = lane + static_cast<int>(delta);
    return cop::emulation::take_from(lanes, value, from < first + width ? from : lane,
                                     "__shfl_down_sync", file, line);
}

template <typename T>
T __shfl_up_sync(unsigned lanes, T value, unsigned delta, int width = 32, COP_CALLER)
{
    const int lane = static_cast<int>(cop::emulation::current->lane), first = lane & -width;
    const int from = lane - static_cast<int>(delta);
    return cop::emulation::take_from(lanes, value, from >= first ? from : lane, "__shfl_up_sync",
                                     file, line);
}

inline unsigned __ballot_sync(unsigned lanes, int predicate, COP_CALLER)
{
    cop::emulation::vote own = {predicate != 0, 0};
    cop::emulation::wait_warp(lanes, "__ballot_sync", cop::emulation::act_vote, &own, {file, line});
    return own.result;
}

inline int __any_sync(unsigned lanes, int predicate, COP_CALLER)
{
    cop::emulation::vote own = {predicate != 0, 0};
    cop::emulation::wait_warp(lanes, "__any_sync", cop::emulation::act_vote, &own, {file, line});
    return own.result != 0;
}

inline int __all_sync(unsigned lanes, int predicate, COP_CALLER)
{
    cop::emulation::vote own = {predicate == 0, 0};
    cop::emulation::wait_warp(lanes, "__all_sync", cop::emulation::act_vote, &own, {file, line});
    return own.result == 0;
}

#undef COP_CALLER
#undef COP_HERE

/* atomics */

inline int atomicAdd(int *at, int x)
{
    return __atomic_fetch_add(at, x, __ATOMIC_RELAXED);
}

inline unsigned atomicAdd(unsigned *at, unsigned x)
{
    return __atomic_fetch_add(at, x, __ATOMIC_RELAXED);
}

inline float atomicAdd(float *at, float x)
{
    float old, sum;
    __atomic_load(at, &old, __ATOMIC_RELAXED);
    do {
        sum = old + x;
    } while (!__atomic_compare_exchange(at, &old, &sum, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return old;
}

inline int atomicExch(int *at, int x)
{
    return __atomic_exchange_n(at, x, __ATOMIC_RELAXED);
}

inline int atomicCAS(int *at, int expected, int x)
{
    __atomic_compare_exchange_n(at, &expected, x, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return expected;
}

inline int atomicMax(int *at, int x)
{
    int old = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (old < x &&
           !__atomic_compare_exchange_n(at, &old, x, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
    return old;
}

inline int atomicMin(int *at, int x)
{
    int old = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (old > x &&
           !__atomic_compare_exchange_n(at, &old, x, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
    return old;
}

namespace cop
{

template <int bytes> inline void copy_async(void *shared, const void *global, bool is_present)
{
    static_assert(bytes == 4 || bytes == 8 || bytes == 16, "what the instruction copies");
    emulation::copy_async(shared, global, bytes, is_present);
}

inline void copy_async_commit()
{
    emulation::copy_async_commit();
}

template <int pending> inline void copy_async_wait()
{
    emulation::copy_async_wait(pending);
}

void load_matrix(uint32_t (&dst)[4], const void *row);
void load_matrix_transposed(uint32_t (&dst)[4], const void *row);
void multiply_f16(float (&sum)[4], const uint32_t (&a)[4], const uint32_t *b);
void multiply_bf16(float (&sum)[4], const uint32_t (&a)[4], const uint32_t *b);
void multiply_tf32(float (&sum)[4], const uint32_t (&a)[4], const uint32_t *b);

} // namespace cop

#endif
