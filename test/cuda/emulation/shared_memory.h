// SPDX-License-Identifier: Apache-2.0
/* The shared memory of the block that runs: NaN at its start, with red zones around each part. */
#ifndef TEST_CUDA_EMULATION_SHARED_MEMORY_H
#define TEST_CUDA_EMULATION_SHARED_MEMORY_H

#include <memory>
#include <stddef.h>
#include <vector>

namespace cop
{
namespace emulation
{

class shared_memory
{
  public:
    shared_memory() = default;
    shared_memory(const shared_memory &) = delete;
    shared_memory &operator=(const shared_memory &) = delete;
    ~shared_memory();

    void begin_grid(size_t dynamic_bytes);
    void begin_block();
    /* Ends the program if something was written beyond a part. */
    void end_block();

    void *dynamic();
    void *find(const void *key, size_t bytes);

  private:
    struct part {
        const void *key; /* NULL: the dynamic one */
        size_t bytes, capacity;
        char *memory; /* red zone, bytes, red zone */
    };
    std::vector<part> parts; /* the dynamic one is the first */

    static void allocate(part *one, size_t bytes);
    static void poison(const part &one);
    static void check(const part &one);
};

} // namespace emulation
} // namespace cop

#endif
