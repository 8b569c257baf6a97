// SPDX-License-Identifier: Apache-2.0
/*
 * Memory of devices and page-locked memory. Every block has pages of its own between two that
 * cannot be touched, ends as near to the second as its alignment allows, and stays out of reach
 * after it was freed. New memory is full of NaNs.
 */
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "runtime.h"

#ifdef COP_FAKE_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace cop::fake
{

static constexpr size_t alignment = 256;         /* of what cudaMalloc returns */
static constexpr unsigned char edge = 0xe5;      /* between a block and its guards */
static constexpr size_t most_quarantined = 1024; /* blocks */

static void poison(uintptr_t begin, size_t bytes, bool is_poisoned)
{
#ifdef COP_FAKE_ASAN
    if (is_poisoned)
        __asan_poison_memory_region(reinterpret_cast<void *>(begin), bytes);
    else
        __asan_unpoison_memory_region(reinterpret_cast<void *>(begin), bytes);
#else
    (void)begin, (void)bytes, (void)is_poisoned;
#endif
}

static size_t page_bytes()
{
    static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return bytes;
}

static size_t round_up(size_t bytes, size_t step)
{
    return (bytes + step - 1) / step * step;
}

/* What lies between the guards. */
static uintptr_t inner_begin(const block &one)
{
    return reinterpret_cast<uintptr_t>(one.mapping) + page_bytes();
}

static size_t inner_bytes(const block &one)
{
    return one.mapping_bytes - 2 * page_bytes();
}

static void protect(const block &one, int protection)
{
    if (one.mapping != nullptr)
        mprotect(reinterpret_cast<void *>(inner_begin(one)), inner_bytes(one), protection);
}

/* The bytes of the edges, for checking or filling them. */
template <typename F> static void for_edges(const block &one, F what)
{
    const uintptr_t begin = inner_begin(one), end = begin + inner_bytes(one);
    what(begin, one.begin - begin);
    what(one.begin + one.bytes, end - one.begin - one.bytes);
}

static bool map(block &one, size_t bytes)
{
    const size_t inner = round_up(bytes, page_bytes());
    one.bytes = bytes;
    one.mapping_bytes = inner + 2 * page_bytes();
    one.mapping = mmap(nullptr, one.mapping_bytes, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (one.mapping == MAP_FAILED)
        return false;
    one.begin = inner_begin(one) + inner - round_up(bytes, alignment);
    protect(one, PROT_READ | PROT_WRITE);
    memset(reinterpret_cast<void *>(one.begin), 0xff, bytes);
    for_edges(one, [](uintptr_t begin, size_t size) {
        memset(reinterpret_cast<void *>(begin), edge, size);
        poison(begin, size, true);
    });
    return true;
}

static void unmap(const block &one)
{
    if (one.mapping == nullptr)
        return;
    poison(inner_begin(one), inner_bytes(one), false);
    munmap(one.mapping, one.mapping_bytes);
}

static bool are_edges_whole(const block &one)
{
    bool is_whole = true;
#ifndef COP_FAKE_ASAN /* which looks itself */
    for_edges(one, [&is_whole](uintptr_t begin, size_t bytes) {
        for (size_t i = 0; i < bytes; i++)
            is_whole &= reinterpret_cast<const unsigned char *>(begin)[i] == edge;
    });
#else
    (void)one;
#endif
    return is_whole;
}

static bool is_open()
{
    return the().running > 0 || !the().settings.is_protected;
}

std::shared_ptr<block> find_block(const void *address)
{
    const auto &blocks = the().blocks;
    auto at = blocks.upper_bound(reinterpret_cast<uintptr_t>(address));
    if (at == blocks.begin())
        return nullptr;
    --at;
    return reinterpret_cast<uintptr_t>(address) < at->first + at->second->bytes ? at->second
                                                                                : nullptr;
}

bool is_inside(const block &memory, const void *address, size_t bytes)
{
    const uintptr_t begin = reinterpret_cast<uintptr_t>(address);
    return begin >= memory.begin && bytes <= memory.bytes &&
           begin - memory.begin <= memory.bytes - bytes;
}

bool is_freed(const void *address)
{
    const uintptr_t at = reinterpret_cast<uintptr_t>(address);
    for (const auto &one : the().quarantine)
        if (at >= one->begin && at < one->begin + one->bytes)
            return true;
    return false;
}

void hold_uses(const std::vector<use> &uses)
{
    for (const use &one : uses) {
        one.memory->queued++;
        one.memory->queued_writes += one.is_written;
    }
}

void drop_uses(const std::vector<use> &uses)
{
    for (const use &one : uses) {
        one.memory->queued--;
        one.memory->queued_writes -= one.is_written;
    }
}

void open_device_memory()
{
    for (const auto &one : the().blocks)
        if (one.second->is_device)
            protect(*one.second, PROT_READ | PROT_WRITE);
}

void close_device_memory()
{
    if (!the().settings.is_protected)
        return;
    for (const auto &one : the().blocks)
        if (one.second->is_device)
            protect(*one.second, PROT_NONE);
}

void release_all_memory()
{
    for (const auto &one : the().blocks)
        unmap(*one.second);
    for (const auto &one : the().quarantine)
        unmap(*one);
    the().blocks.clear();
    the().quarantine.clear();
}

static void count(const block &one, size_t sign)
{
    cop_fake_cuda_counters &counts = the().counts;
    (one.is_device ? counts.device_blocks : counts.pinned_blocks) += sign;
    (one.is_device ? counts.device_bytes : counts.pinned_bytes) += sign * one.bytes;
    if (one.is_device)
        the().devices[one.device].used_bytes += sign * one.bytes;
}

static cudaError_t allocate(void **memory, size_t bytes, bool is_device)
{
    state &all = the();
    if (memory == nullptr)
        return cudaErrorInvalidValue;
    *memory = nullptr;
    if (bytes == 0)
        return cudaSuccess;
    const device_state &device = all.devices[current_device()];
    if (is_device && (device.used_bytes > all.settings.memory_bytes ||
                      bytes > all.settings.memory_bytes - device.used_bytes))
        return cudaErrorMemoryAllocation;
    auto made = std::make_shared<block>();
    made->device = current_device();
    made->is_device = is_device;
    if (!map(*made, bytes))
        return cudaErrorMemoryAllocation;
    if (is_device && !is_open())
        protect(*made, PROT_NONE);
    all.blocks[made->begin] = made;
    all.counts.allocations++;
    count(*made, 1);
    *memory = reinterpret_cast<void *>(made->begin);
    return cudaSuccess;
}

static void check_unused(const block &one, const char *name)
{
    if (one.queued > 0)
        violate("%s of memory that queued work uses", name);
    else if (one.recorded > 0)
        violate("%s of memory that a graph uses", name);
}

/* Out of reach from now on. What is still used stays, full of NaNs, so that the test goes on. */
static void quarantine(const std::shared_ptr<block> &old)
{
    state &all = the();
    const uintptr_t begin = inner_begin(*old);
    protect(*old, PROT_READ | PROT_WRITE);
    if (!are_edges_whole(*old))
        violate("something was written beside a block of %zu bytes", old->bytes);
    if (old->queued > 0 || old->recorded > 0) {
        memset(reinterpret_cast<void *>(old->begin), 0xff, old->bytes);
    } else {
        madvise(reinterpret_cast<void *>(begin), inner_bytes(*old), MADV_DONTNEED);
        poison(begin, inner_bytes(*old), true);
        protect(*old, PROT_NONE);
    }
    old->is_live = false;
    all.quarantine.push_back(old);
    if (all.quarantine.size() > most_quarantined && all.quarantine.front()->queued == 0 &&
        all.quarantine.front()->recorded == 0) {
        unmap(*all.quarantine.front());
        all.quarantine.pop_front();
    }
}

/* The live block that begins at an address, of the kind that `name` frees. */
static std::shared_ptr<block> find_begun(const void *memory, const char *name, bool is_device,
                                         bool is_registered)
{
    const auto at = the().blocks.find(reinterpret_cast<uintptr_t>(memory));
    if (at != the().blocks.end() && at->second->is_device == is_device &&
        at->second->is_registered == is_registered)
        return at->second;
    violate("%s of %p, which is %s", name, memory,
            is_freed(memory) ? "freed already" : "no such block");
    return nullptr;
}

static cudaError_t forget(void *memory, const char *name, bool is_device)
{
    if (memory == nullptr)
        return cudaSuccess;
    const std::shared_ptr<block> old = find_begun(memory, name, is_device, false);
    if (old == nullptr)
        return cudaErrorInvalidValue;
    check_unused(*old, name);
    the().blocks.erase(old->begin);
    count(*old, static_cast<size_t>(-1));
    quarantine(old);
    return cudaSuccess;
}

} // namespace cop::fake

using namespace cop::fake;

extern "C" {

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    return call("cudaMalloc", UNSAFE, [=](lock &) { return allocate(memory, bytes, true); });
}

cudaError_t cudaFree(void *memory)
{
    return call("cudaFree", UNSAFE, [=](lock &) { return forget(memory, "cudaFree", true); });
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned int flags)
{
    return call("cudaHostAlloc", UNSAFE, [=](lock &) {
        return flags > 7 ? cudaErrorInvalidValue : allocate(memory, bytes, false);
    });
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    return cudaHostAlloc(memory, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *memory)
{
    return call("cudaFreeHost", UNSAFE,
                [=](lock &) { return forget(memory, "cudaFreeHost", false); });
}

cudaError_t cudaHostRegister(void *memory, size_t bytes, unsigned int flags)
{
    return call("cudaHostRegister", UNSAFE, [=](lock &) {
        (void)flags;
        const char *last = static_cast<const char *>(memory) + bytes - 1;
        if (memory == nullptr || bytes == 0)
            return cudaErrorInvalidValue;
        if (find_block(memory) != nullptr || find_block(last) != nullptr)
            return cudaErrorHostMemoryAlreadyRegistered;
        auto made = std::make_shared<block>();
        made->begin = reinterpret_cast<uintptr_t>(memory);
        made->bytes = bytes;
        made->device = current_device();
        made->is_registered = true;
        the().blocks[made->begin] = made;
        count(*made, 1);
        return cudaSuccess;
    });
}

cudaError_t cudaHostUnregister(void *memory)
{
    return call("cudaHostUnregister", UNSAFE, [=](lock &) {
        const std::shared_ptr<block> old = find_begun(memory, "cudaHostUnregister", false, true);
        if (old == nullptr)
            return cudaErrorHostMemoryNotRegistered;
        check_unused(*old, "cudaHostUnregister");
        the().blocks.erase(old->begin);
        count(*old, static_cast<size_t>(-1));
        return cudaSuccess;
    });
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    return call("cudaMemGetInfo", CURRENT, [=](lock &) {
        const size_t used = the().devices[current_device()].used_bytes;
        *total = the().settings.memory_bytes;
        *available = *total > used ? *total - used : 0;
        return cudaSuccess;
    });
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *attributes, const void *address)
{
    return call("cudaPointerGetAttributes", DRIVER, [=](lock &) {
        const std::shared_ptr<block> found = find_block(address);
        if (attributes == nullptr)
            return cudaErrorInvalidValue;
        memset(attributes, 0, sizeof *attributes);
        attributes->device = found == nullptr ? -2 : found->device;
        attributes->type = found == nullptr   ? cudaMemoryTypeUnregistered
                           : found->is_device ? cudaMemoryTypeDevice
                                              : cudaMemoryTypeHost;
        attributes->devicePointer = found == nullptr ? nullptr : const_cast<void *>(address);
        attributes->hostPointer =
            found != nullptr && found->is_device ? nullptr : const_cast<void *>(address);
        return cudaSuccess;
    });
}
}
