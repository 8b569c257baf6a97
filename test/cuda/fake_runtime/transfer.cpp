// SPDX-License-Identifier: Apache-2.0
/*
 * Copies and fills. Pageable memory of the host is read when a copy is queued, page-locked memory
 * when it runs; a copy to pageable memory has ended when the call returns.
 */
#include <cstring>

#include "runtime.h"

namespace cop::fake
{

std::shared_ptr<stream> stream_for_synchronous_calls();

struct side {
    std::shared_ptr<block> memory; /* NULL: pageable */
    bool is_device = false;
};

/* False: the range is not what may be touched. */
static bool look_at(const void *address, size_t bytes, const char *call, side *found)
{
    found->memory = find_block(address);
    found->is_device = found->memory != nullptr && found->memory->is_device;
    if (found->memory != nullptr && !is_inside(*found->memory, address, bytes)) {
        violate("%s leaves a block: %zu bytes at offset %zu of %zu", call, bytes,
                static_cast<size_t>(reinterpret_cast<uintptr_t>(address) - found->memory->begin),
                found->memory->bytes);
        return false;
    }
    if (found->memory == nullptr && is_freed(address)) {
        violate("%s uses memory that was freed", call);
        return false;
    }
    return address != nullptr;
}

static bool fits(cudaMemcpyKind kind, const side &src, const side &dst)
{
    switch (kind) {
    case cudaMemcpyHostToHost:
        return !src.is_device && !dst.is_device;
    case cudaMemcpyHostToDevice:
        return !src.is_device && dst.is_device;
    case cudaMemcpyDeviceToHost:
        return src.is_device && !dst.is_device;
    case cudaMemcpyDeviceToDevice:
        return src.is_device && dst.is_device;
    default:
        return kind == cudaMemcpyDefault;
    }
}

static uint64_t digest(const void *bytes, size_t count)
{
    uint64_t mixed = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < count; i++)
        mixed = (mixed ^ static_cast<const unsigned char *>(bytes)[i]) * 0x100000001b3ULL;
    return mixed;
}

/* The bytes as they are now, for a copy that runs later. */
static std::function<void()> copy_of_now(void *dst, const void *src, size_t bytes)
{
    auto now = std::make_shared<std::vector<char>>(bytes);
    {
        tracked as_the_caller;
        memcpy(now->data(), src, bytes);
    }
    return [=] { memcpy(dst, now->data(), bytes); };
}

/* Page-locked bytes must stay as they are until the copy runs, unless queued work writes them. */
static std::function<void()> copy_checked(void *dst, const void *src, size_t bytes)
{
    const uint64_t before = digest(src, bytes);
    return [=] {
        uint64_t after;
        {
            untracked own;
            after = digest(src, bytes);
            if (after != before)
                cop_fake_cuda_violation("page-locked memory changed before it was copied");
        }
        memcpy(dst, src, bytes);
    };
}

static std::function<void()> work_of_copy(const stream &on, void *dst, const side &to,
                                          const void *src, const side &from, size_t bytes)
{
    const bool is_captured = on.capturing != nullptr;
    if (from.memory == nullptr && to.is_device && !is_captured)
        return copy_of_now(dst, src, bytes);
    if (from.memory != nullptr && !from.is_device && from.memory->queued_writes == 0 &&
        !is_captured)
        return copy_checked(dst, src, bytes);
    return [=] { memmove(dst, src, bytes); };
}

static cudaError_t copy(lock &held, const std::shared_ptr<stream> &on, const char *call, void *dst,
                        const void *src, size_t bytes, cudaMemcpyKind kind, bool waits)
{
    side from, to;
    if (on == nullptr)
        return cudaErrorInvalidResourceHandle;
    if (bytes == 0)
        return cudaSuccess;
    if (!look_at(src, bytes, call, &from) || !look_at(dst, bytes, call, &to))
        return cudaErrorInvalidValue;
    if (!fits(kind, from, to)) {
        violate("%s: the kind of copy does not fit the addresses", call);
        return cudaErrorInvalidValue;
    }
    const bool is_pageable = from.memory == nullptr || to.memory == nullptr;
    if (is_pageable && on->capturing != nullptr)
        violate("%s: a graph touches pageable memory", call);
    auto made = std::make_shared<operation>();
    made->what = kind::copy;
    made->work = work_of_copy(*on, dst, to, src, from, bytes);
    if (from.memory != nullptr)
        made->uses.push_back({from.memory, false});
    if (to.memory != nullptr)
        made->uses.push_back({to.memory, true});
    const bool is_captured = on->capturing != nullptr;
    const cudaError_t error = enqueue(on, made, false);
    the().counts.copies++;
    if (error != cudaSuccess || is_captured || (to.memory != nullptr && !waits))
        return error;
    return wait_for(held, on);
}

static cudaError_t fill(lock &held, const std::shared_ptr<stream> &on, const char *call, void *dst,
                        int value, size_t bytes, bool waits)
{
    side to;
    if (on == nullptr)
        return cudaErrorInvalidResourceHandle;
    if (bytes == 0)
        return cudaSuccess;
    if (!look_at(dst, bytes, call, &to))
        return cudaErrorInvalidValue;
    if (to.memory == nullptr) {
        violate("%s of pageable memory", call);
        return cudaErrorInvalidValue;
    }
    auto made = std::make_shared<operation>();
    made->what = kind::fill;
    made->work = [=] { memset(dst, value, bytes); };
    made->uses.push_back({to.memory, true});
    const cudaError_t error = enqueue(on, made, false);
    return error == cudaSuccess && waits ? wait_for(held, on) : error;
}

} // namespace cop::fake

using namespace cop::fake;

extern "C" {

cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t handle)
{
    return call("cudaMemcpyAsync", DRIVER, [=](lock &held) {
        return copy(held, find_stream(handle, "cudaMemcpyAsync"), "cudaMemcpyAsync", dst, src,
                    bytes, kind, false);
    });
}

cudaError_t cudaMemcpy(void *dst, const void *src, size_t bytes, enum cudaMemcpyKind kind)
{
    return call("cudaMemcpy", UNSAFE, [=](lock &held) {
        return copy(held, stream_for_synchronous_calls(), "cudaMemcpy", dst, src, bytes, kind,
                    true);
    });
}

cudaError_t cudaMemsetAsync(void *dst, int value, size_t bytes, cudaStream_t handle)
{
    return call("cudaMemsetAsync", DRIVER, [=](lock &held) {
        return fill(held, find_stream(handle, "cudaMemsetAsync"), "cudaMemsetAsync", dst, value,
                    bytes, false);
    });
}

cudaError_t cudaMemset(void *dst, int value, size_t bytes)
{
    return call("cudaMemset", UNSAFE, [=](lock &held) {
        return fill(held, stream_for_synchronous_calls(), "cudaMemset", dst, value, bytes, true);
    });
}
}
