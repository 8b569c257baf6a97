// SPDX-License-Identifier: Apache-2.0
/*
 * Runs CUDA kernels on the host. The blocks of a grid run one after another on the calling thread;
 * the threads of a block are fibers, each of which runs until it has to wait for another. What a
 * kernel must not do ends the program with a text: barriers that not all threads reach, collectives
 * of a warp with different lanes or in different places, shared memory beyond what was asked for,
 * asynchronous copies nobody waited for. Shared memory is all NaN when a block starts, and so is
 * the target of an asynchronous copy until it was waited for. Under ThreadSanitizer a fiber is a
 * thread: only barriers and collectives order what they do.
 */
#ifndef TEST_CUDA_EMULATION_H
#define TEST_CUDA_EMULATION_H

#include <cuda_runtime_api.h>
#include <stddef.h>

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};

/* Takes the job over, calls run and drop once each, at once or later on the stream. */
extern "C" cudaError_t cop_emulated_launch(cudaStream_t stream, void (*run)(void *job),
                                           void (*drop)(void *job), void *job);

namespace cop
{
namespace emulation
{

struct identity {
    uint3 thread, block;
    dim3 block_dim, grid_dim;
    unsigned lane, warp;
};

/* Who runs now on this OS thread. */
extern __thread const identity *current;

struct place {
    const char *file;
    int line;
};

/* Runs body(argument) once for each thread of the grid. */
void run_grid(dim3 grid, dim3 block, size_t shared_bytes, void (*body)(const void *argument),
              const void *argument);

/* Whether a launch with this configuration would be accepted. */
cudaError_t check_launch(const void *kernel, dim3 grid, dim3 block, size_t shared_bytes);

cudaError_t allow_shared(const void *kernel, size_t bytes);

void wait_block(place where);

/*
 * Waits until all lanes in `lanes` have come here, each with an argument of its own; the last one
 * calls act on all of them (NULL for lanes that are not in `lanes`, or that the block has not).
 */
void wait_warp(unsigned lanes, const char *what, void (*act)(void *const *arguments),
               void *argument, place where);

void *dynamic_shared();
/* Storage of the block for the static variable that `key` stands for. */
void *static_shared(const void *key, size_t bytes);

void copy_async(void *shared, const void *global, size_t bytes, bool is_present);
void copy_async_commit();
void copy_async_wait(int pending);

[[noreturn]] void fail(place where, const char *format, ...) __attribute__((format(printf, 2, 3)));

} // namespace emulation
} // namespace cop

#endif
