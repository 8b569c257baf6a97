// SPDX-License-Identifier: Apache-2.0
/* Kernels and functions of the host, which are jobs that a stream runs. */
#include <malloc.h>

#include <cstring>

#include "runtime.h"

namespace cop::fake
{

/* A kernel with its arguments. */
struct job {
    void (*run)(void *);
    void (*drop)(void *);
    void *of;
    job(void (*run_it)(void *), void (*drop_it)(void *), void *it)
        : run(run_it), drop(drop_it), of(it)
    {
    }
    job(const job &) = delete;
    ~job()
    {
        if (drop != nullptr)
            drop(of);
    }
};

/* The blocks that the words of a job point into: what the kernel may touch. Nothing says which of
 * them it writes. */
static std::vector<use> uses_of(const void *of)
{
    std::vector<use> uses;
    const size_t words = of == nullptr ? 0 : malloc_usable_size(const_cast<void *>(of)) / 8;
    for (size_t i = 0; i < words; i++) {
        const void *word;
        memcpy(&word, static_cast<const char *>(of) + 8 * i, sizeof word);
        std::shared_ptr<block> found = find_block(word);
        if (found != nullptr)
            uses.push_back({std::move(found), true});
    }
    return uses;
}

static void check_devices(const stream &on, const std::vector<use> &uses)
{
    for (const use &one : uses)
        if (one.memory->is_device && one.memory->device != on.device)
            violate("a kernel of device %d is given memory of device %d", on.device,
                    one.memory->device);
}

static cudaError_t launch(const std::shared_ptr<stream> &on, kind what,
                          const std::shared_ptr<job> &one)
{
    if (on == nullptr)
        return cudaErrorInvalidResourceHandle;
    auto made = std::make_shared<operation>();
    made->what = what;
    made->work = [one] { one->run(one->of); };
    if (what == kind::kernel)
        made->uses = uses_of(one->of);
    check_devices(*on, made->uses);
    const cudaError_t error = enqueue(on, made, true);
    if (error == cudaSuccess)
        the().counts.launches++;
    return error;
}

} // namespace cop::fake

using namespace cop::fake;

extern "C" {

cudaError_t cop_emulated_launch(cudaStream_t handle, void (*run)(void *job),
                                void (*drop)(void *job), void *of)
{
    untracked own;
    auto one = std::make_shared<job>(run, drop, of);
    /* A launch learns whether it failed from the last error, so from one left over, too. */
    const cudaError_t before = last_error(false);
    const cudaError_t error = call("cudaLaunchKernel", DRIVER, [&](lock &) {
        return launch(find_stream(handle, "cudaLaunchKernel"), kind::kernel, one);
    });
    (void)last_error(true);
    return error != cudaSuccess ? error : before;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void *user)
{
    return call("cudaLaunchHostFunc", DRIVER, [=](lock &) {
        const auto one = std::make_shared<job>(function, nullptr, user);
        return launch(find_stream(handle, "cudaLaunchHostFunc"), kind::host, one);
    });
}

cudaError_t cudaFuncSetAttribute(const void *function, enum cudaFuncAttribute attribute, int value)
{
    return call("cudaFuncSetAttribute", CURRENT, [=](lock &) {
        const bool is_shared = attribute == cudaFuncAttributeMaxDynamicSharedMemorySize;
        return function == nullptr || value < 0 || (is_shared && value > 227 * 1024)
                   ? cudaErrorInvalidValue
                   : cudaSuccess;
    });
}
}
