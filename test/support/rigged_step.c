// SPDX-License-Identifier: Apache-2.0
#include "support/rigged_step.h"

#include <stdlib.h>

#include "runtime/cached_op.h"

struct rigged_kernel {
    struct kernel kernel; /* as the original, but for the backend; the layouts are the original's */
    struct backend backend;
    struct kernel *original;
    step_hook *hook;
    void *user;
};

static cop_status run_rigged(const struct kernel *kernel, struct stream *stream, void *state,
                             const struct kernel_args *args, cop_error *error)
{
    const struct rigged_kernel *rigged = (const struct rigged_kernel *)kernel;
    const cop_status status = rigged->hook(rigged->user, args, error);
    return status == COP_STATUS_OK ? cop_kernel_run(rigged->original, stream, state, args, error)
                                   : status;
}

/* What contexts have of it is the original's. */
static cop_status create_state(const struct kernel *kernel, struct stream *stream, void **state,
                               cop_error *error)
{
    const struct kernel *original = ((const struct rigged_kernel *)kernel)->original;
    return original->backend->state_create(original, stream, state, error);
}

static void destroy_state(const struct kernel *kernel, void *state)
{
    const struct kernel *original = ((const struct rigged_kernel *)kernel)->original;
    original->backend->state_destroy(original, state);
}

static void destroy_rigged(struct kernel *kernel)
{
    struct rigged_kernel *rigged = (struct rigged_kernel *)kernel;
    cop_kernel_destroy(&rigged->original);
    free(rigged);
}

void rig_step(cop_cached_op *op, int step, step_hook *hook, void *user)
{
    struct rigged_kernel *rigged = calloc(1, sizeof *rigged);
    if (rigged == NULL || step >= op->plan->step_count)
        abort();
    struct kernel *original = (struct kernel *)(uintptr_t)op->plan->steps[step].kernel;
    rigged->kernel = *original;
    rigged->backend = *original->backend;
    rigged->backend.kernel_run = run_rigged;
    if (original->backend->state_create != NULL) {
        rigged->backend.state_create = create_state;
        rigged->backend.state_destroy = destroy_state;
    }
    rigged->backend.kernel_destroy = destroy_rigged;
    rigged->kernel.backend = &rigged->backend;
    rigged->original = original;
    rigged->hook = hook;
    rigged->user = user;
    op->plan->steps[step].kernel = &rigged->kernel;
}
