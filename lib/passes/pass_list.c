// SPDX-License-Identifier: Apache-2.0
#include "passes/pass_list.h"

#include "passes/passes.h"

/* In this order: what comes later relies on the form that earlier ones leave. */
static cop_pass *const passes[] = {
    cop_pass_remove_unneeded,     cop_pass_remove_identities,  cop_pass_join_pairs,
    cop_pass_remove_identities, /* what two transposes left */
    cop_pass_use_fully_connected, cop_pass_use_global_pooling, cop_pass_fold_padding,
    cop_pass_fold_bias,           cop_pass_fold_batch_norm,    cop_pass_fold_leading_batch_norm,
    cop_pass_fuse_post_ops,       cop_pass_remove_unneeded, /* recipes that were replaced */
};

cop_status cop_passes_run(struct graph *graph, bool keep_graph, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (size_t i = 0; i < sizeof passes / sizeof *passes && !keep_graph && status == COP_STATUS_OK;
         i++)
        status = passes[i](graph, error);
    return status == COP_STATUS_OK ? cop_graph_validate(graph, error) : status;
}
