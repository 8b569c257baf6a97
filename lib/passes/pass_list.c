// SPDX-License-Identifier: Apache-2.0
#include "passes/passes.h"

cop_status cop_passes_run(struct graph *graph, bool keep_graph, cop_error *error)
{
    (void)graph, (void)keep_graph, (void)error;
    return COP_STATUS_OK;
}
