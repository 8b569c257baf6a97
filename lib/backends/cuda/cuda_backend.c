// SPDX-License-Identifier: Apache-2.0
/* The table of the backend, and the entry of the module that it is. */
#include "backends/cuda/cuda_kernel.h"
#include "backends/module.h"

static int enter_thread(struct device *device, int intra_op_threads)
{
    (void)intra_op_threads;
    return cop_cuda_enter(cop_cuda_device(device));
}

const struct backend cop_cuda_backend = {
    .name = "cuda",
    .device_kind = COP_DEVICE_GPU,
    .version = cop_cuda_version,
    .device_count = cop_cuda_device_count,
    .device_open = cop_cuda_device_open,
    .device_close = cop_cuda_device_close,
    .kernel_create = cop_cuda_kernel_create,
    .reorder_create = cop_cuda_reorder_create,
    .kernel_destroy = cop_cuda_kernel_destroy,
    .kernel_run = cop_cuda_kernel_run,
    .state_create = cop_cuda_state_create,
    .state_destroy = cop_cuda_state_destroy,
    .stream_create = cop_cuda_stream_create,
    .stream_destroy = cop_cuda_stream_destroy,
    .stream_bytes = sizeof(struct cuda_stream),
    .stream_poll = cop_cuda_stream_poll,
    .stream_wait = cop_cuda_stream_wait,
    .recording_begin = cop_cuda_recording_begin,
    .recording_end = cop_cuda_recording_end,
    .recording_abandon = cop_cuda_recording_abandon,
    .recording_run = cop_cuda_recording_run,
    .recording_destroy = cop_cuda_recording_destroy,
    .memory_create = cop_cuda_memory_create,
    .memory_destroy = cop_cuda_memory_destroy,
    .memory_copy = cop_cuda_memory_copy,
    .memory_clear = cop_cuda_memory_clear,
    .memory_bytes = cop_cuda_memory_bytes,
    .layout_linear = cop_cuda_layout_linear,
    .thread_enter = enter_thread,
    .thread_leave = cop_cuda_leave,
    .layout_equal = cop_cuda_layout_equal,
    .layout_destroy = cop_cuda_layout_destroy,
};

/* The one symbol that the module exports. */
__attribute__((visibility("default"))) const struct backend *COP_MODULE_ENTRY(
    uint32_t abi, const struct module_host *host);

const struct backend *COP_MODULE_ENTRY(uint32_t abi, const struct module_host *host)
{
    if (abi != COP_MODULE_ABI || host->struct_size < sizeof *host)
        return NULL;
    cop_module_host = host;
    return &cop_cuda_backend;
}
