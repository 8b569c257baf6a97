// SPDX-License-Identifier: Apache-2.0
/* Streams captured into graphs: what is queued is recorded and does not run. */
#include "runtime.h"

namespace cop::fake
{

static thread_local cudaStreamCaptureMode mode_of_thread = cudaStreamCaptureModeGlobal;

void invalidate(capture &which)
{
    which.is_invalid = true;
}

/* What the modes say: a capture prohibits unsafe calls on its own thread, a global one on all
 * threads that did not choose a weaker mode; a relaxed one, or thread, none. */
static bool prohibits(const capture &one)
{
    if (mode_of_thread == cudaStreamCaptureModeRelaxed || one.mode == cudaStreamCaptureModeRelaxed)
        return false;
    return one.thread == this_thread() || (one.mode == cudaStreamCaptureModeGlobal &&
                                           mode_of_thread == cudaStreamCaptureModeGlobal);
}

bool is_prohibited()
{
    bool is_any = false;
    for (const auto &one : the().captures)
        if (prohibits(*one)) {
            invalidate(*one);
            is_any = true;
        }
    return is_any;
}

cudaError_t record(stream &on, std::shared_ptr<operation> what)
{
    capture &of = *on.capturing;
    if (of.thread != this_thread() && of.mode != cudaStreamCaptureModeRelaxed) {
        violate("two threads use one captured stream");
        invalidate(of);
    }
    if (of.is_invalid)
        return cudaErrorStreamCaptureInvalidated;
    of.into->nodes.push_back(std::move(what));
    on.captured_count++;
    if (&on != of.origin)
        on.is_unjoined = true;
    return cudaSuccess;
}

static void leave(const std::shared_ptr<capture> &old)
{
    auto &captures = the().captures;
    for (stream *one : old->joined) {
        one->capturing = nullptr;
        one->is_unjoined = false;
    }
    for (size_t i = captures.size(); i-- > 0;)
        if (captures[i] == old)
            captures.erase(captures.begin() + static_cast<std::ptrdiff_t>(i));
}

void forget_captures()
{
    while (!the().captures.empty())
        leave(the().captures.front());
}

static cudaError_t begin(const std::shared_ptr<stream> &on, cudaStreamCaptureMode mode)
{
    if (on == nullptr)
        return cudaErrorInvalidResourceHandle;
    if (on->is_legacy)
        return cudaErrorStreamCaptureUnsupported;
    if (the().devices[on->device].lost != cudaSuccess)
        return the().devices[on->device].lost;
    if (on->capturing != nullptr) {
        violate("a stream that is captured is captured again");
        return cudaErrorIllegalState;
    }
    auto made = std::make_shared<capture>();
    made->mode = mode;
    made->thread = this_thread();
    made->origin = on.get();
    made->into = std::make_shared<graph>();
    made->joined.push_back(on.get());
    on->capturing = made;
    on->captured_count = 0;
    the().captures.push_back(made);
    return cudaSuccess;
}

static cudaError_t end(const std::shared_ptr<stream> &on, cudaGraph_t *made)
{
    *made = nullptr;
    if (on == nullptr)
        return cudaErrorInvalidResourceHandle;
    const std::shared_ptr<capture> of = on->capturing;
    if (of == nullptr)
        return cudaErrorIllegalState;
    if (of->origin != on.get())
        return cudaErrorStreamCaptureUnmatched;
    if (of->thread != this_thread() && of->mode != cudaStreamCaptureModeRelaxed)
        return cudaErrorStreamCaptureWrongThread;
    bool is_unjoined = false;
    for (const stream *one : of->joined)
        is_unjoined |= one->is_unjoined;
    leave(of);
    if (of->is_invalid)
        return cudaErrorStreamCaptureInvalidated;
    if (is_unjoined)
        return cudaErrorStreamCaptureUnjoined;
    if (the().devices[on->device].lost != cudaSuccess)
        return the().devices[on->device].lost;
    the().graphs[of->into.get()] = of->into;
    *made = reinterpret_cast<cudaGraph_t>(of->into.get());
    return cudaSuccess;
}

} // namespace cop::fake

using namespace cop::fake;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    return call("cudaStreamBeginCapture", DRIVER,
                [=](lock &) { return begin(find_stream(stream, "cudaStreamBeginCapture"), mode); });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    return call("cudaStreamEndCapture", DRIVER,
                [=](lock &) { return end(find_stream(stream, "cudaStreamEndCapture"), graph); });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status)
{
    return call("cudaStreamIsCapturing", DRIVER, [=](lock &) {
        const std::shared_ptr<cop::fake::stream> on = find_stream(stream, "cudaStreamIsCapturing");
        if (on == nullptr)
            return cudaErrorInvalidResourceHandle;
        *status = on->capturing == nullptr    ? cudaStreamCaptureStatusNone
                  : on->capturing->is_invalid ? cudaStreamCaptureStatusInvalidated
                                              : cudaStreamCaptureStatusActive;
        return cudaSuccess;
    });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode)
{
    return call("cudaThreadExchangeStreamCaptureMode", DRIVER, [=](lock &) {
        std::swap(*mode, mode_of_thread);
        return cudaSuccess;
    });
}
}
