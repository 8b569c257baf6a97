// SPDX-License-Identifier: Apache-2.0
/*
 * What a context keeps for a kernel: one dnnl_memory per argument, because the address is part of
 * that object. Addresses are set again only when they change.
 */
#include <stdlib.h>

#include "backends/onednn/onednn_device.h"
#include "backends/onednn/onednn_kernel.h"
#include "base/alloc.h"
#include "base/error.h"

/* Thread-safety: one thread at a time. */
struct onednn_state {
    dnnl_exec_arg_t *arguments; /* as many as the kernel's, in the same order */
    const void **addresses;     /* that the arguments have now */
};

/* Of the heap of oneDNN 2.6 for a dnnl_memory on the CPU: the object and its storage. */
#define MEMORY_OBJECT_BYTES 800
/* Of the allocators, around the one block of ours. */
#define BLOCK_OVERHEAD_BYTES 32

static size_t own_bytes(const struct onednn_kernel *kernel)
{
    const size_t count = (size_t)kernel->argument_count;
    return sizeof(struct onednn_state) + count * (sizeof(dnnl_exec_arg_t) + sizeof(void *));
}

size_t cop_onednn_state_bytes(const struct onednn_kernel *kernel)
{
    return own_bytes(kernel) + BLOCK_OVERHEAD_BYTES +
           (size_t)kernel->argument_count * MEMORY_OBJECT_BYTES;
}

void cop_onednn_state_destroy(const struct kernel *base, void *memory)
{
    const struct onednn_kernel *kernel = (const struct onednn_kernel *)base;
    struct onednn_state *state = memory;
    if (state == NULL)
        return;
    for (int i = 0; i < kernel->argument_count; i++)
        dnnl_memory_destroy(state->arguments[i].memory);
    cop_free(state);
}

cop_status cop_onednn_state_create(const struct kernel *base, struct stream *stream, void **state,
                                   cop_error *error)
{
    (void)stream;
    const struct onednn_kernel *kernel = (const struct onednn_kernel *)base;
    const size_t count = (size_t)kernel->argument_count;
    *state = NULL;
    struct onednn_state *made = cop_alloc(1, own_bytes(kernel));
    if (made == NULL)
        return cop_fail_memory(error, "context", own_bytes(kernel));
    made->arguments = (dnnl_exec_arg_t *)(made + 1);
    made->addresses = (const void **)(made->arguments + count);
    for (int i = 0; i < kernel->argument_count; i++) {
        made->arguments[i].arg = kernel->arguments[i].role;
        const dnnl_status_t status = cop_onednn_memory_create(
            &made->arguments[i].memory, &kernel->arguments[i].desc, kernel->engine);
        if (status != dnnl_success) {
            cop_onednn_state_destroy(base, made);
            return cop_onednn_status(error, "context", "dnnl_memory_create", status);
        }
    }
    *state = made;
    return COP_STATUS_OK;
}

static const void *address_of(const struct argument *argument, const struct kernel_args *args)
{
    switch (argument->place) {
    case ARGUMENT_SRC:
        return args->src[argument->index];
    case ARGUMENT_DST:
        return args->dst[argument->index];
    case ARGUMENT_SCRATCH:
        break;
    }
    return args->scratch;
}

cop_status cop_onednn_kernel_run(const struct kernel *base, struct stream *stream, void *memory,
                                 const struct kernel_args *args, cop_error *error)
{
    const struct onednn_kernel *kernel = (const struct onednn_kernel *)base;
    struct onednn_state *state = memory;
    for (int i = 0; i < kernel->argument_count; i++) {
        const void *address = address_of(&kernel->arguments[i], args);
        if (address == state->addresses[i])
            continue;
        const dnnl_status_t status =
            dnnl_memory_set_data_handle(state->arguments[i].memory, (void *)(uintptr_t)address);
        if (status != dnnl_success)
            return cop_onednn_status(error, base->implementation, "dnnl_memory_set_data_handle",
                                     status);
        state->addresses[i] = address;
    }
    /* On the CPU with OpenMP the work is done when this returns. */
    const dnnl_status_t status =
        dnnl_primitive_execute(kernel->primitive, ((struct onednn_stream *)stream)->stream,
                               kernel->argument_count, state->arguments);
    return cop_onednn_status(error, base->implementation, "dnnl_primitive_execute", status);
}
