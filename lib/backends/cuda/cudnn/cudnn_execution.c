// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cudnn/cudnn_execution.h"

#include <string.h>

#include "backends/cuda/cudnn/cudnn_builder.h"
#include "backends/cuda/cudnn/cudnn_planning.h"
#include "base/alloc.h"
#include "base/error.h"

struct cudnn_execution {
    const struct cudnn_session *session;
    const struct cudnn_choice *choice;
    cudnnBackendDescriptor_t plan;
    cudnnBackendDescriptor_t pack; /* of `pointers`; NULL before the first run */
    struct cudnn_pointers pointers;
};

cop_status cop_cudnn_execution_create(struct cudnn_session *session,
                                      const struct cudnn_choice *choice,
                                      struct cudnn_execution **execution, cop_error *error)
{
    *execution = NULL;
    struct cudnn_execution *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "cuDNN's execution", sizeof *made);
    made->session = session;
    made->choice = cop_cudnn_choice_retain(choice);
    const cop_status status =
        cop_cudnn_plan_of_text(session, choice->plan, choice->plan_bytes, &made->plan, error);
    if (status == COP_STATUS_OK)
        *execution = made;
    else
        cop_cudnn_execution_destroy(made);
    return status;
}

static void drop_pack(struct cudnn_execution *execution)
{
    if (execution->pack != NULL)
        execution->session->calls->BackendDestroyDescriptor(execution->pack);
    execution->pack = NULL;
}

void cop_cudnn_execution_destroy(struct cudnn_execution *execution)
{
    if (execution == NULL)
        return;
    drop_pack(execution);
    if (execution->plan != NULL)
        execution->session->calls->BackendDestroyDescriptor(execution->plan);
    cop_cudnn_choice_release(&execution->choice);
    cop_free(execution);
}

/* The addresses that the convolution has, with the names of its tensors. */
static int list_pointers(const struct cudnn_execution *execution,
                         const struct cudnn_pointers *pointers, int64_t ids[5], void *addresses[5])
{
    const struct cudnn_convolution *conv = &execution->choice->convolution;
    const struct {
        int64_t id;
        const void *address;
        bool is_used;
    } all[] = {
        {COP_CUDNN_SRC, pointers->src, true},
        {COP_CUDNN_WEIGHTS, pointers->weights, true},
        {COP_CUDNN_RESIDUAL, pointers->residual, conv->has_residual},
        {COP_CUDNN_BIAS, pointers->bias, conv->has_bias},
        {COP_CUDNN_DST, pointers->dst, true},
    };
    int count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!all[i].is_used)
            continue;
        ids[count] = all[i].id;
        addresses[count++] = (void *)all[i].address;
    }
    return count;
}

static cop_status fill_pack(struct cudnn_execution *execution,
                            const struct cudnn_pointers *pointers, cop_error *error)
{
    static const char what[] = "addresses";
    const struct cudnn_session *session = execution->session;
    int64_t ids[5];
    void *addresses[5];
    const int count = list_pointers(execution, pointers, ids, addresses);
    for (int i = 0; i < count; i++)
        if (addresses[i] == NULL || (uintptr_t)addresses[i] % COP_CUDNN_POINTER_BYTES != 0)
            return cop_fail(error, COP_STATUS_INTERNAL,
                            "cuDNN: address %p is no multiple of %d bytes, as was promised",
                            addresses[i], COP_CUDNN_POINTER_BYTES);
    if (pointers->workspace == NULL && execution->choice->workspace_bytes > 0)
        return cop_fail(error, COP_STATUS_INTERNAL, "cuDNN: no workspace of %zu bytes",
                        execution->choice->workspace_bytes);
    CUDNN_TRY_FOR(session, what, error, BackendCreateDescriptor,
                  CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &execution->pack);
    CUDNN_TRY_FOR(session, what, error, BackendSetAttribute, execution->pack,
                  CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, ids);
    CUDNN_TRY_FOR(session, what, error, BackendSetAttribute, execution->pack,
                  CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count, addresses);
    CUDNN_TRY_FOR(session, what, error, BackendSetAttribute, execution->pack,
                  CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &pointers->workspace);
    CUDNN_TRY_FOR(session, what, error, BackendFinalize, execution->pack);
    return COP_STATUS_OK;
}

static bool are_same(const struct cudnn_pointers *a, const struct cudnn_pointers *b)
{
    return a->src == b->src && a->weights == b->weights && a->residual == b->residual &&
           a->bias == b->bias && a->dst == b->dst && a->workspace == b->workspace;
}

cop_status cop_cudnn_execution_run(struct cudnn_execution *execution,
                                   const struct cudnn_pointers *pointers, cop_error *error)
{
    const struct cudnn_session *session = execution->session;
    if (session->handle == NULL)
        return cop_fail(error, COP_STATUS_INTERNAL, "cuDNN: nothing runs on a described device");
    if (execution->pack == NULL || !are_same(pointers, &execution->pointers)) {
        drop_pack(execution); /* a finished one cannot be changed */
        const cop_status status = fill_pack(execution, pointers, error);
        if (status != COP_STATUS_OK) {
            drop_pack(execution);
            return status;
        }
        execution->pointers = *pointers;
    }
    CUDNN_TRY(session, error, BackendExecute, session->handle, execution->plan, execution->pack);
    return COP_STATUS_OK;
}
