// SPDX-License-Identifier: Apache-2.0
#include "emulation/shared_memory.h"
#include "emulation/emulation.h"
#include "emulation/fiber.h"

#include <stdlib.h>
#include <string.h>

namespace cop
{
namespace emulation
{

static const size_t red_zone = 1024;
static const size_t most_parts = 64;
static const unsigned char red_byte = 0xa5;

static void close(void *memory, size_t bytes)
{
#if COP_HAS_ASAN
    ASAN_POISON_MEMORY_REGION(memory, bytes);
#else
    (void)memory, (void)bytes;
#endif
}

static void open(void *memory, size_t bytes)
{
#if COP_HAS_ASAN
    ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
#else
    (void)memory, (void)bytes;
#endif
}

shared_memory::~shared_memory()
{
    for (const part &one : parts) {
        open(one.memory, one.capacity);
        free(one.memory);
    }
}

void shared_memory::allocate(part *one, size_t bytes)
{
    const size_t needed = red_zone + (bytes + 7) / 8 * 8 + red_zone;
    if (needed > one->capacity) {
        if (one->memory != nullptr)
            open(one->memory, one->capacity);
        free(one->memory);
        one->capacity = (needed + 127) / 128 * 128;
        one->memory = static_cast<char *>(aligned_alloc(128, one->capacity));
        if (one->memory == nullptr)
            fail({__FILE__, __LINE__}, "no memory for shared memory");
    }
    one->bytes = bytes;
    open(one->memory, one->capacity);
    memset(one->memory, red_byte, one->capacity);
    close(one->memory, red_zone);
    close(one->memory + red_zone + bytes, one->capacity - red_zone - bytes);
}

void shared_memory::poison(const part &one)
{
    memset(one.memory + red_zone, 0xff, one.bytes);
}

void shared_memory::check(const part &one)
{
    if (COP_HAS_ASAN)
        return;
    for (size_t i = 0; i < one.capacity; i++)
        if ((i < red_zone || i >= red_zone + one.bytes) &&
            static_cast<unsigned char>(one.memory[i]) != red_byte)
            fail({__FILE__, __LINE__}, "%s shared memory of %zu bytes was written at offset %td",
                 one.key == nullptr ? "dynamic" : "static", one.bytes,
                 static_cast<ptrdiff_t>(i) - static_cast<ptrdiff_t>(red_zone));
}

void shared_memory::begin_grid(size_t dynamic_bytes)
{
    parts.reserve(most_parts);
    if (parts.empty())
        parts.push_back({nullptr, 0, 0, nullptr});
    allocate(&parts[0], dynamic_bytes);
    for (size_t i = 1; i < parts.size(); i++) {
        open(parts[i].memory, parts[i].capacity);
        free(parts[i].memory);
    }
    parts.resize(1);
}

void shared_memory::begin_block()
{
    for (const part &one : parts)
        poison(one);
}

void shared_memory::end_block()
{
    for (const part &one : parts)
        check(one);
}

void *shared_memory::dynamic()
{
    return parts[0].memory + red_zone;
}

void *shared_memory::find(const void *key, size_t bytes)
{
    acquire_order(this);
    for (const part &one : parts)
        if (one.key == key)
            return one.memory + red_zone;
    if (parts.size() == most_parts)
        fail({__FILE__, __LINE__}, "more than %zu shared variables", most_parts);
    parts.push_back({key, 0, 0, nullptr});
    allocate(&parts.back(), bytes);
    poison(parts.back());
    release_order(this);
    return parts.back().memory + red_zone;
}

} // namespace emulation
} // namespace cop
