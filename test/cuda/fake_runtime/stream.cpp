// SPDX-License-Identifier: Apache-2.0
/* Streams: queues, and waiting for them. */
#include "runtime.h"

namespace cop::fake
{

static bool is_legacy_handle(cudaStream_t handle)
{
    return handle == nullptr || handle == cudaStreamLegacy || handle == cudaStreamPerThread;
}

static std::shared_ptr<stream> make_stream(int device)
{
    state &all = the();
    auto made = std::make_shared<stream>();
    made->device = device;
    made->random = all.settings.seed * 1000003 + all.streams_made++;
    start_worker(made);
    return made;
}

/* The one that waits for, and holds up, all others, which a library must not use. Here it is a
 * stream like any other. */
static std::shared_ptr<stream> legacy_stream()
{
    device_state &device = the().devices[current_device()];
    the().counts.legacy_calls++;
    if (device.legacy == nullptr) {
        device.legacy = make_stream(current_device());
        device.legacy->is_legacy = true;
    }
    return device.legacy;
}

std::shared_ptr<stream> find_stream(cudaStream_t handle, const char *call)
{
    if (is_legacy_handle(handle)) {
        violate("%s uses the legacy stream", call);
        return legacy_stream();
    }
    std::shared_ptr<stream> found = find(the().streams, handle);
    if (found == nullptr)
        violate("%s uses a stream that does not exist, or no longer", call);
    return found;
}

std::shared_ptr<stream> stream_for_synchronous_calls()
{
    return legacy_stream();
}

cudaError_t enqueue(const std::shared_ptr<stream> &on, std::shared_ptr<operation> what,
                    bool wants_current_device)
{
    state &all = the();
    if (all.devices[on->device].lost != cudaSuccess)
        return all.devices[on->device].lost;
    if (wants_current_device && on->device != current_device())
        return cudaErrorInvalidResourceHandle;
    if (on->capturing != nullptr)
        return record(*on, std::move(what));
    hold_uses(what->uses);
    release(what.get());
    on->queue.push_back(std::move(what));
    on->enqueued++;
    all.counts.queued++;
    on->wake.notify_all();
    return cudaSuccess;
}

cudaError_t wait_until(lock &held, stream &on, uint64_t completed)
{
    state &all = the();
    all.changed.wait(held, [&on, completed] { return on.completed >= completed; });
    acquire(&on.completed);
    return all.devices[on.device].lost;
}

cudaError_t wait_for(lock &held, const std::shared_ptr<stream> &on)
{
    return wait_until(held, *on, on->enqueued);
}

void end_streams(lock &held)
{
    state &all = the();
    for (auto &one : all.devices)
        if (one.legacy != nullptr)
            all.streams[one.legacy.get()] = one.legacy;
    for (auto &one : all.streams) {
        one.second->is_closing = true;
        one.second->wake.notify_all();
    }
    all.streams.clear();
    all.changed.wait(held, [&all] { return all.workers == 0; });
}

/* An illegal call about a stream that is captured: it ends what the capture was to be. */
static bool disturbs_capture(stream &on)
{
    if (on.capturing == nullptr)
        return false;
    invalidate(*on.capturing);
    return true;
}

static cudaError_t query(stream &on)
{
    if (disturbs_capture(on))
        return cudaErrorStreamCaptureUnsupported;
    if (on.completed < on.enqueued)
        return cudaErrorNotReady;
    acquire(&on.completed);
    return the().devices[on.device].lost;
}

static cudaError_t synchronize_device(lock &held)
{
    state &all = the();
    std::vector<std::shared_ptr<stream>> streams;
    for (const auto &one : all.streams)
        if (one.second->device == current_device())
            streams.push_back(one.second);
    if (all.devices[current_device()].legacy != nullptr)
        streams.push_back(all.devices[current_device()].legacy);
    for (const auto &one : streams)
        if (disturbs_capture(*one))
            return cudaErrorStreamCaptureUnsupported;
    for (const auto &one : streams)
        (void)wait_for(held, one);
    return all.devices[current_device()].lost;
}

static cudaError_t create(cudaStream_t *made, unsigned flags)
{
    if (made == nullptr || flags > cudaStreamNonBlocking)
        return cudaErrorInvalidValue;
    if (flags != cudaStreamNonBlocking)
        violate("a stream is created that waits for the legacy stream");
    const std::shared_ptr<stream> one = make_stream(current_device());
    the().streams[one.get()] = one;
    *made = reinterpret_cast<cudaStream_t>(one.get());
    return cudaSuccess;
}

/* Returns at once; what is queued still runs. */
static cudaError_t destroy(cudaStream_t handle)
{
    const std::shared_ptr<stream> old = find_stream(handle, "cudaStreamDestroy");
    if (old == nullptr || old->is_legacy)
        return cudaErrorInvalidResourceHandle;
    if (old->capturing != nullptr) {
        violate("a stream is destroyed while it is captured");
        invalidate(*old->capturing);
        return cudaErrorStreamCaptureUnsupported;
    }
    the().streams.erase(old.get());
    old->is_closing = true;
    old->wake.notify_all();
    return cudaSuccess;
}

} // namespace cop::fake

using namespace cop::fake;

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t *made)
{
    return call("cudaStreamCreate", CURRENT, [=](lock &) { return create(made, 0); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *made, unsigned int flags)
{
    return call("cudaStreamCreateWithFlags", CURRENT, [=](lock &) { return create(made, flags); });
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *made, unsigned int flags, int priority)
{
    (void)priority;
    return call("cudaStreamCreateWithPriority", CURRENT,
                [=](lock &) { return create(made, flags); });
}

cudaError_t cudaStreamDestroy(cudaStream_t handle)
{
    return call("cudaStreamDestroy", DRIVER, [=](lock &) { return destroy(handle); });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle)
{
    return call("cudaStreamSynchronize", DRIVER, [=](lock &held) {
        const std::shared_ptr<stream> on = find_stream(handle, "cudaStreamSynchronize");
        if (on == nullptr)
            return cudaErrorInvalidResourceHandle;
        if (disturbs_capture(*on))
            return cudaErrorStreamCaptureUnsupported;
        return wait_for(held, on);
    });
}

cudaError_t cudaStreamQuery(cudaStream_t handle)
{
    return call("cudaStreamQuery", QUERY, [=](lock &) {
        const std::shared_ptr<stream> on = find_stream(handle, "cudaStreamQuery");
        return on == nullptr ? cudaErrorInvalidResourceHandle : query(*on);
    });
}

cudaError_t cudaStreamGetDevice(cudaStream_t handle, int *device)
{
    return call("cudaStreamGetDevice", DRIVER, [=](lock &) {
        const std::shared_ptr<stream> on = find_stream(handle, "cudaStreamGetDevice");
        if (on == nullptr)
            return cudaErrorInvalidResourceHandle;
        *device = on->device;
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceSynchronize(void)
{
    return call("cudaDeviceSynchronize", UNSAFE,
                [](lock &held) { return synchronize_device(held); });
}
}
