// SPDX-License-Identifier: Apache-2.0
/* What every call of the interface goes through: faults, rules, the last error. */
#include <unistd.h>

#include "runtime.h"

namespace cop::fake
{

/* Of each host thread, as in CUDA. */
static thread_local int device_of_thread = 0;
static thread_local cudaError_t error_of_thread = cudaSuccess;
static thread_local bool is_of_runtime = false;

int current_device()
{
    return device_of_thread;
}

void set_current_device(int device)
{
    device_of_thread = device;
}

bool is_worker()
{
    return is_of_runtime;
}

void become_worker()
{
    is_of_runtime = true;
}

cudaError_t last_error(bool is_forgotten)
{
    const cudaError_t error = error_of_thread;
    if (is_forgotten)
        error_of_thread = cudaSuccess;
    return error;
}

uint64_t this_thread()
{
    static std::atomic<uint64_t> made{0};
    static thread_local const uint64_t mine = ++made;
    return mine;
}

/* The error that a test asked for, if this is its call. */
static cudaError_t injected(state &all, const char *name)
{
    cudaError_t answer = cudaSuccess;
    for (fault &one : all.settings.faults)
        if (one.left > 0 && (one.function.empty() || one.function == name) && --one.left == 0)
            answer = one.error;
    return answer;
}

/* Why a call does nothing. */
static cudaError_t refusal(state &all, const char *name, unsigned rules)
{
    if (is_worker()) {
        violate("%s is called by work of a stream", name);
        return cudaErrorNotPermitted;
    }
    const cudaError_t asked = injected(all, name);
    if (asked != cudaSuccess)
        return asked;
    if ((rules & DRIVER) != 0 && all.settings.driver != COP_FAKE_CUDA_DRIVER_OK)
        return cudaErrorInsufficientDriver;
    if ((rules & DRIVER) != 0 && all.settings.device_count == 0)
        return cudaErrorNoDevice;
    if ((rules & CURRENT) == CURRENT && all.devices[current_device()].lost != cudaSuccess)
        return all.devices[current_device()].lost;
    if ((rules & UNSAFE) == UNSAFE && is_prohibited())
        return cudaErrorStreamCaptureUnsupported;
    if ((rules & QUERY) == QUERY && all.settings.not_ready > 0) {
        all.settings.not_ready--;
        return cudaErrorNotReady;
    }
    return cudaSuccess;
}

/* Whether this process is a child of the one that used CUDA; nothing may be locked there. */
static bool is_forked(const state &all, const char *name)
{
    const int user = all.process;
    if (user == 0 || user == getpid())
        return false;
    dprintf(STDERR_FILENO, "emulated CUDA: %s is called in a forked child\n", name);
    return true;
}

cudaError_t call(const char *name, unsigned rules, const std::function<cudaError_t(lock &)> &body)
{
    untracked own;
    state &all = the();
    if ((rules & DRIVER) != 0 && is_forked(all, name))
        return error_of_thread = cudaErrorInitializationError;
    lock held(all.mutex);
    all.counts.calls++;
    cudaError_t error = refusal(all, name, rules);
    if (error == cudaSuccess)
        error = body(held);
    if (error != cudaSuccess)
        error_of_thread = error;
    return error;
}

/* Which stays the last error whatever is called. */
static cudaError_t loss_of_current_device()
{
    untracked own;
    state &all = the();
    if (all.process != getpid())
        return cudaSuccess;
    lock held(all.mutex);
    return all.devices[current_device()].lost;
}

entered::entered(lock &held, exclusive &entered_object, const char *what)
    : object(entered_object), before(entered_object.user.exchange(this_thread()))
{
    if (before != 0 && before != this_thread())
        violate("two threads use one %s at the same time", what);
    {
        tracked now;
        object.touched++;
    }
    const unsigned most = the().settings.delay_us;
    if (most == 0 || object.touched % 4 != 0)
        return;
    held.unlock(); /* long enough for others to be caught */
    usleep(most);
    held.lock();
}

entered::~entered()
{
    object.user = before;
}

} // namespace cop::fake

using namespace cop::fake;

extern "C" {

cudaError_t cudaGetLastError(void)
{
    const cudaError_t error = last_error(true), lost = loss_of_current_device();
    return lost != cudaSuccess ? lost : error;
}

cudaError_t cudaPeekAtLastError(void)
{
    const cudaError_t error = last_error(false), lost = loss_of_current_device();
    return lost != cudaSuccess ? lost : error;
}
}
