// SPDX-License-Identifier: Apache-2.0
/* What the targets of MXNet's two files share. */
#ifndef TEST_FUZZ_FUZZ_MXNET_H
#define TEST_FUZZ_FUZZ_MXNET_H

#include <stdlib.h>

#include "fuzz/fuzz_target.h"
#include "model/mxnet_files.h"
#include "plan/run_once.h"

/* Solves and infers shapes as compiling does. */
static inline void infer_mxnet(struct graph *graph)
{
    const struct graph_bindings bindings = {NULL, 0, NULL, 0};
    struct device_chain chain;
    cop_error error;
    if (cop_graph_bind_inputs(graph, &bindings, &error) != COP_STATUS_OK ||
        cop_device_chain((cop_device){COP_DEVICE_REF, 0}, &chain, &error) != COP_STATUS_OK)
        return;
    const struct graph_evaluator evaluator = cop_device_evaluator(chain.devices[0]);
    if (cop_graph_solve_inputs(graph, &evaluator, &error) != COP_STATUS_OK ||
        cop_graph_infer_shapes(graph, &evaluator, &error) != COP_STATUS_OK)
        return;
    if (cop_graph_validate(graph, &error) != COP_STATUS_OK)
        abort();
}

static inline void keep_bytes(void *user, const void *bytes)
{
    (void)user, (void)bytes;
}

static inline void import_and_infer(const void *symbol, size_t symbol_size, const void *params,
                                    size_t params_size)
{
    const cop_bytes symbol_bytes = {symbol, symbol_size, keep_bytes, NULL};
    const cop_bytes params_bytes = {params, params_size, keep_bytes, NULL};
    struct source *symbol_source = NULL, *params_source = NULL;
    struct graph *graph = NULL;
    cop_error error;
    if (cop_source_from_bytes(&symbol_bytes, "symbol", &symbol_source, &error) == COP_STATUS_OK &&
        cop_source_from_bytes(&params_bytes, "params", &params_source, &error) == COP_STATUS_OK &&
        cop_mxnet_import(symbol_source, params_source, &graph, &error) == COP_STATUS_OK)
        infer_mxnet(graph);
    cop_graph_destroy(graph);
    cop_source_release(&symbol_source);
    cop_source_release(&params_source);
}

#endif
