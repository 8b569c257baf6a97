// SPDX-License-Identifier: Apache-2.0
/* Events: points of streams, each recorded anew replacing the one before. */
#include "runtime.h"

namespace cop::fake
{

static std::shared_ptr<event> find_event(cudaEvent_t handle, const char *call)
{
    std::shared_ptr<event> found = find(the().events, handle);
    if (found == nullptr)
        violate("%s uses an event that does not exist, or no longer", call);
    return found;
}

static cudaError_t create(cudaEvent_t *made, unsigned flags)
{
    if (made == nullptr || flags > 7)
        return cudaErrorInvalidValue;
    auto one = std::make_shared<event>();
    one->device = current_device();
    one->has_timing = (flags & cudaEventDisableTiming) == 0;
    the().events[one.get()] = one;
    *made = reinterpret_cast<cudaEvent_t>(one.get());
    return cudaSuccess;
}

static cudaError_t record_event(event &what, const std::shared_ptr<stream> &on)
{
    if (on == nullptr || on->device != what.device)
        return cudaErrorInvalidResourceHandle;
    what.is_captured = on->capturing != nullptr;
    what.captured = on->capturing;
    what.captured_on = on.get();
    what.captured_count = on->captured_count;
    if (what.is_captured)
        return on->capturing->is_invalid ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
    auto made = std::make_shared<operation>();
    made->what = kind::record;
    made->at = std::make_shared<point>();
    what.last = made->at;
    return enqueue(on, made, false);
}

/* The stream's work becomes part of the event's capture. */
static cudaError_t wait_captured(const event &what, stream &on)
{
    const std::shared_ptr<capture> of = what.captured.lock();
    if (of == nullptr || of->is_invalid)
        return cudaErrorStreamCaptureInvalidated;
    if (on.capturing != nullptr && on.capturing != of) {
        invalidate(*of);
        invalidate(*on.capturing);
        return cudaErrorStreamCaptureMerge;
    }
    if (on.capturing == nullptr) {
        on.capturing = of;
        on.captured_count = 0;
        on.is_unjoined = true;
        of->joined.push_back(&on);
    }
    if (what.captured_on != &on && what.captured_on->captured_count == what.captured_count)
        what.captured_on->is_unjoined = false;
    return cudaSuccess;
}

static cudaError_t wait(const event &what, const std::shared_ptr<stream> &on)
{
    if (on == nullptr)
        return cudaErrorInvalidResourceHandle;
    if (what.is_captured)
        return wait_captured(what, *on);
    if (on->capturing != nullptr) {
        invalidate(*on->capturing);
        return cudaErrorStreamCaptureIsolation;
    }
    if (what.last == nullptr)
        return cudaSuccess;
    auto made = std::make_shared<operation>();
    made->what = kind::wait;
    made->at = what.last;
    return enqueue(on, made, false);
}

/* What a look at the event answers, once it may be looked at. */
static cudaError_t answer(const event &what)
{
    if (what.is_captured) {
        const std::shared_ptr<capture> of = what.captured.lock();
        if (of != nullptr)
            invalidate(*of);
        return cudaErrorCapturedEvent;
    }
    if (what.last == nullptr)
        return the().devices[what.device].lost;
    if (!what.last->is_done)
        return cudaErrorNotReady;
    acquire(what.last.get());
    return the().devices[what.device].lost;
}

static cudaError_t synchronize(lock &held, const std::shared_ptr<event> &what)
{
    const std::shared_ptr<point> last = what->last;
    if (!what->is_captured && last != nullptr)
        the().changed.wait(held, [&last] { return last->is_done; });
    return answer(*what);
}

static cudaError_t elapsed(float *ms, const event &from, const event &to)
{
    if (!from.has_timing || !to.has_timing || from.last == nullptr || to.last == nullptr)
        return cudaErrorInvalidResourceHandle;
    if (!from.last->is_done || !to.last->is_done)
        return cudaErrorNotReady;
    *ms = static_cast<float>(to.last->done_ns - from.last->done_ns) * 1e-6F;
    return cudaSuccess;
}

template <typename F>
static cudaError_t call_event(const char *name, unsigned rules, cudaEvent_t handle, F body)
{
    return call(name, rules, [&](lock &held) {
        const std::shared_ptr<event> found = find_event(handle, name);
        return found == nullptr ? cudaErrorInvalidResourceHandle : body(held, found);
    });
}

} // namespace cop::fake

using namespace cop::fake;

extern "C" {

cudaError_t cudaEventCreate(cudaEvent_t *made)
{
    return call("cudaEventCreate", CURRENT, [=](lock &) { return create(made, 0); });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *made, unsigned int flags)
{
    return call("cudaEventCreateWithFlags", CURRENT, [=](lock &) { return create(made, flags); });
}

cudaError_t cudaEventDestroy(cudaEvent_t handle)
{
    return call_event("cudaEventDestroy", DRIVER, handle,
                      [](lock &, const std::shared_ptr<event> &old) {
                          the().events.erase(old.get());
                          return cudaSuccess;
                      });
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream)
{
    return call_event("cudaEventRecord", DRIVER, handle,
                      [=](lock &, const std::shared_ptr<event> &what) {
                          return record_event(*what, find_stream(stream, "cudaEventRecord"));
                      });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t handle, unsigned int flags)
{
    (void)flags;
    return call_event("cudaStreamWaitEvent", DRIVER, handle,
                      [=](lock &, const std::shared_ptr<event> &what) {
                          return wait(*what, find_stream(stream, "cudaStreamWaitEvent"));
                      });
}

cudaError_t cudaEventQuery(cudaEvent_t handle)
{
    return call_event("cudaEventQuery", QUERY, handle,
                      [](lock &, const std::shared_ptr<event> &what) { return answer(*what); });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle)
{
    return call_event(
        "cudaEventSynchronize", DRIVER, handle,
        [](lock &held, const std::shared_ptr<event> &what) { return synchronize(held, what); });
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    return call_event(
        "cudaEventElapsedTime", DRIVER, from, [=](lock &, const std::shared_ptr<event> &start) {
            const std::shared_ptr<event> end = find_event(to, "cudaEventElapsedTime");
            return end == nullptr ? cudaErrorInvalidResourceHandle : elapsed(ms, *start, *end);
        });
}
}
