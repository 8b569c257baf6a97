// SPDX-License-Identifier: Apache-2.0
/* The module: its entry, devices and memory. */
#include "support/behind/behind_device.h"

#include "base/alloc.h"
#include "base/error.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED struct behind_control behind_control;

/* In the memory that every thread has: LeakSanitizer stumbles over what is made for modules. */
static _Thread_local int current_device __attribute__((tls_model("initial-exec"))) = -1;

int behind_current_device(void)
{
    return current_device;
}

bool behind_strikes(enum behind_fault fault)
{
    _Atomic long *left = &behind_control.faults[fault];
    long seen = atomic_load(left);
    while (seen > 0)
        if (atomic_compare_exchange_weak(left, &seen, seen - 1))
            return seen == 1;
    return false;
}

_Noreturn void behind_abort(const char *rule)
{
    fprintf(stderr, "the device that runs behind: %s\n", rule);
    abort();
}

static const char *version(void)
{
    return "1";
}

static int device_count(void)
{
    return BEHIND_DEVICES;
}

static cop_status open_device(int index, struct device **device, cop_error *error)
{
    *device = NULL;
    if (index < 0 || index >= BEHIND_DEVICES)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "there are %d", BEHIND_DEVICES);
    struct device *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "device", sizeof *made);
    made->backend = &behind_backend;
    made->id = (cop_device){COP_DEVICE_GPU, index};
    snprintf(made->name, sizeof made->name, "a device that runs behind, %d", index);
    *device = made;
    return COP_STATUS_OK;
}

static void close_device(struct device *device)
{
    cop_free(device);
}

/* In front of each block. */
struct block {
    _Alignas(64) size_t bytes;
    enum memory_kind kind;
    int index; /* in `blocks` */
};

/* So that a leak checker, which does not know the device's addresses, sees who is still in use. */
#define MOST_BLOCKS 65536
static _Atomic(struct block *) blocks[MOST_BLOCKS];

static int list_block(struct block *block)
{
    for (int i = 0; i < MOST_BLOCKS; i++) {
        struct block *none = NULL;
        if (atomic_compare_exchange_strong(&blocks[i], &none, block))
            return i;
    }
    behind_abort("there are more blocks than a test may have");
}

static cop_status memory_create(struct device *device, enum memory_kind kind, size_t bytes,
                                void **memory, cop_error *error)
{
    (void)device;
    *memory = NULL;
    if (behind_strikes(BEHIND_MEMORY) ||
        (kind == MEMORY_DEVICE && bytes > atomic_load(&behind_control.memory_bytes)))
        return cop_fail(error, COP_STATUS_OUT_OF_DEVICE_MEMORY, "rigged: no memory for %zu bytes",
                        bytes);
    struct block *block = cop_alloc_aligned(sizeof *block + bytes);
    if (block == NULL)
        return cop_fail_memory(error, "block", bytes);
    *block = (struct block){bytes, kind, list_block(block)};
    memset(block + 1, 0xFF, bytes); /* NaN: what nobody has written shows */
    atomic_fetch_add(&behind_control.blocks, 1);
    *memory = (void *)((uintptr_t)(block + 1) |
                       (kind == MEMORY_DEVICE ? (uintptr_t)BEHIND_ADDRESS_BIT : 0));
    return COP_STATUS_OK;
}

static void memory_destroy(struct device *device, enum memory_kind kind, void *memory)
{
    (void)device;
    struct block *block = (struct block *)behind_real(memory) - 1;
    if (block->kind != kind || behind_is_device_address(memory) != (kind == MEMORY_DEVICE))
        behind_abort("memory is freed as another kind than it was made as");
    atomic_store(&blocks[block->index], NULL);
    memset(block, 0x5A, sizeof *block + block->bytes);
    atomic_fetch_sub(&behind_control.blocks, 1);
    cop_free(block);
}

static cop_status memory_copy(struct device *device, const void *src, void *dst, size_t bytes,
                              cop_error *error)
{
    (void)device;
    if (behind_strikes(BEHIND_COPY))
        return cop_fail(error, COP_STATUS_DEVICE_FAILED, "rigged: the copy failed");
    if (bytes > 0)
        memcpy(behind_real(dst), behind_real(src), bytes);
    return COP_STATUS_OK;
}

static cop_status memory_clear(struct device *device, void *memory, size_t bytes, cop_error *error)
{
    (void)device, (void)error;
    if (bytes > 0)
        memset(behind_real(memory), 0, bytes);
    return COP_STATUS_OK;
}

static size_t memory_bytes(struct device *device)
{
    (void)device;
    return atomic_load(&behind_control.memory_bytes);
}

static int thread_enter(struct device *device, int intra_op_threads)
{
    (void)intra_op_threads;
    const int before = current_device;
    current_device = device->id.index;
    return before;
}

static void thread_leave(int before)
{
    current_device = before;
}

const struct backend behind_backend = {
    .name = "behind",
    .device_kind = COP_DEVICE_GPU,
    .version = version,
    .device_count = device_count,
    .device_open = open_device,
    .device_close = close_device,
    .kernel_create = behind_kernel_create,
    .reorder_create = behind_reorder_create,
    .kernel_destroy = behind_kernel_destroy,
    .kernel_run = behind_kernel_run,
    .state_create = behind_state_create,
    .state_destroy = behind_state_destroy,
    .stream_create = behind_stream_create,
    .stream_destroy = behind_stream_destroy,
    .stream_bytes = sizeof(struct behind_stream),
    .stream_poll = behind_stream_poll,
    .stream_wait = behind_stream_wait,
    .recording_begin = behind_recording_begin,
    .recording_end = behind_recording_end,
    .recording_abandon = behind_recording_abandon,
    .recording_run = behind_recording_run,
    .recording_destroy = behind_recording_destroy,
    .memory_create = memory_create,
    .memory_destroy = memory_destroy,
    .memory_copy = memory_copy,
    .memory_clear = memory_clear,
    .memory_bytes = memory_bytes,
    .layout_linear = behind_layout_linear,
    .thread_enter = thread_enter,
    .thread_leave = thread_leave,
    .layout_equal = behind_layout_equal,
    .layout_destroy = behind_layout_destroy,
};

EXPORTED cop_module_entry COP_MODULE_ENTRY;

const struct backend *COP_MODULE_ENTRY(uint32_t abi, const struct module_host *host)
{
    if (abi != COP_MODULE_ABI || host->struct_size < sizeof *host)
        return NULL;
    cop_module_host = host;
    behind_reset(&behind_control);
    return &behind_backend;
}
