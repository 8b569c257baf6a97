// SPDX-License-Identifier: Apache-2.0
#include "passes/pass_list.h"

#include "passes/passes.h"

static cop_pass *const passes[] = {
#define PASS_ENTRY(name) cop_pass_##name,
    COP_PASS_LIST(PASS_ENTRY)
#undef PASS_ENTRY
};

cop_status cop_passes_run(struct graph *graph, bool keep_graph, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (size_t i = 0; i < sizeof passes / sizeof *passes && !keep_graph && status == COP_STATUS_OK;
         i++)
        status = passes[i](graph, error);
    return status == COP_STATUS_OK ? cop_graph_validate(graph, error) : status;
}
