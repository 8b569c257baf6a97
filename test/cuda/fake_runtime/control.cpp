// SPDX-License-Identifier: Apache-2.0
/* The state of the emulated runtime, and how tests steer it. */
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime.h"

namespace cop::fake
{

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == nullptr || text[0] == '\0' ? otherwise : strtoull(text, nullptr, 0);
}

/* "function:n:error", the function empty for all. */
static void read_fault(settings &made)
{
    const char *text = getenv("COP_FAKE_CUDA_FAIL");
    const char *colon = text == nullptr ? nullptr : strchr(text, ':');
    char *end = nullptr;
    if (colon == nullptr)
        return;
    const uint64_t n = strtoull(colon + 1, &end, 0);
    if (n > 0 && *end == ':')
        made.faults.push_back({std::string(text, static_cast<size_t>(colon - text)), n,
                               static_cast<cudaError_t>(atoi(end + 1))});
}

static void read_lost_device(settings &made)
{
    const char *text = getenv("COP_FAKE_CUDA_FAIL_OPERATION");
    char *end = nullptr;
    if (text == nullptr)
        return;
    made.fail_operation_in = strtoull(text, &end, 0);
    made.fail_operation_with =
        *end == ':' ? static_cast<cudaError_t>(atoi(end + 1)) : cudaErrorLaunchFailure;
}

static settings from_environment()
{
    settings made;
    made.device_count =
        static_cast<int>(number_of("COP_FAKE_CUDA_DEVICES", 2) % (most_devices + 1));
    made.memory_bytes = number_of("COP_FAKE_CUDA_MEMORY", made.memory_bytes);
    made.seed = number_of("COP_FAKE_CUDA_SEED", made.seed);
    made.delay_us = static_cast<unsigned>(number_of("COP_FAKE_CUDA_DELAY_US", made.delay_us));
    made.driver = static_cast<enum cop_fake_cuda_driver>(number_of("COP_FAKE_CUDA_DRIVER", 0) % 3);
    made.aborts = number_of("COP_FAKE_CUDA_ABORT", 0) != 0;
    read_fault(made);
    read_lost_device(made);
    return made;
}

/* Never destroyed: threads of it may outlive main. */
state &the()
{
    static state *const made = [] {
        state *one = new state;
        one->settings = from_environment();
        return one;
    }();
    return *made;
}

void violate(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    state &all = the();
    if (all.counts.violations++ == 0)
        all.first_violation = text;
    fprintf(stderr, "emulated CUDA: %s\n", text);
    if (all.settings.aborts)
        abort();
}

/* splitmix64 */
uint64_t next_random(uint64_t *random)
{
    uint64_t mixed = *random += 0x9e3779b97f4a7c15ULL;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebULL;
    return mixed ^ mixed >> 31;
}

void wait_for_nothing_queued(lock &held)
{
    state &all = the();
    all.changed.wait(held, [&all] { return all.counts.queued == 0; });
}

/* Runs a change of the settings, and wakes whoever may care. */
template <typename F> static void change(F what)
{
    untracked own;
    state &all = the();
    lock held(all.mutex);
    what(all);
    for (auto &one : all.streams)
        one.second->wake.notify_all();
    for (auto &one : all.devices)
        if (one.legacy)
            one.legacy->wake.notify_all();
    all.changed.notify_all();
}

} // namespace cop::fake

using namespace cop::fake;

extern "C" {

void cop_fake_cuda_reset(void)
{
    untracked own;
    state &all = the();
    lock held(all.mutex);
    all.settings.is_held = false;
    forget_captures();
    end_streams(held);
    all.execs.clear();
    all.graphs.clear();
    all.events.clear();
    release_all_memory();
    for (auto &one : all.devices)
        one = device_state();
    all.counts = {};
    all.first_violation.clear();
    all.settings = from_environment();
    all.streams_made = 0;
    set_current_device(0);
    (void)last_error(true);
}

void cop_fake_cuda_seed(uint64_t seed)
{
    change([=](state &all) { all.settings.seed = seed; });
}

void cop_fake_cuda_delay_us(unsigned most)
{
    change([=](state &all) { all.settings.delay_us = most; });
}

void cop_fake_cuda_hold(int is_held)
{
    change([=](state &all) { all.settings.is_held = is_held != 0; });
}

void cop_fake_cuda_device_count(int count)
{
    change([=](state &all) {
        all.settings.device_count = count < 0 ? 0 : count > most_devices ? most_devices : count;
    });
}

void cop_fake_cuda_capability(int major, int minor)
{
    change([=](state &all) { all.settings.major = major, all.settings.minor = minor; });
}

void cop_fake_cuda_memory_limit(size_t bytes)
{
    change([=](state &all) { all.settings.memory_bytes = bytes; });
}

void cop_fake_cuda_driver(enum cop_fake_cuda_driver driver)
{
    change([=](state &all) { all.settings.driver = driver; });
}

void cop_fake_cuda_protect(int is_protected)
{
    change([=](state &all) {
        all.settings.is_protected = false;
        open_device_memory();
        all.settings.is_protected = is_protected != 0;
        if (all.running == 0)
            close_device_memory();
    });
}

void cop_fake_cuda_fail_call(const char *function, uint64_t n, cudaError_t error)
{
    change([=](state &all) {
        all.settings.faults.push_back({function == nullptr ? "" : function, n, error});
    });
}

void cop_fake_cuda_fail_operation(uint64_t n, cudaError_t error)
{
    change([=](state &all) {
        all.settings.fail_operation_in = n;
        all.settings.fail_operation_with = error;
    });
}

void cop_fake_cuda_not_ready(unsigned count)
{
    change([=](state &all) { all.settings.not_ready = count; });
}

int cop_fake_cuda_is_device_range(const void *address, size_t bytes)
{
    untracked own;
    lock held(the().mutex);
    const std::shared_ptr<block> found = find_block(address);
    return found != nullptr && found->is_device && is_inside(*found, address, bytes);
}

int cop_fake_cuda_is_device_pointer(const void *address)
{
    return cop_fake_cuda_is_device_range(address, 1);
}

void cop_fake_cuda_count(struct cop_fake_cuda_counters *counters)
{
    untracked own;
    state &all = the();
    lock held(all.mutex);
    all.counts.streams = all.streams.size();
    all.counts.events = all.events.size();
    all.counts.graphs = all.graphs.size();
    all.counts.execs = all.execs.size();
    *counters = all.counts;
}

size_t cop_fake_cuda_violations(char *first, size_t bytes)
{
    untracked own;
    state &all = the();
    lock held(all.mutex);
    if (bytes > 0)
        snprintf(first, bytes, "%s", all.first_violation.c_str());
    return all.counts.violations;
}

void cop_fake_cuda_violation(const char *text)
{
    untracked own;
    lock held(the().mutex);
    violate("%s", text);
}

void cop_fake_cuda_drain(void)
{
    untracked own;
    state &all = the();
    lock held(all.mutex);
    wait_for_nothing_queued(held);
    acquire(&all.counts);
}
}
