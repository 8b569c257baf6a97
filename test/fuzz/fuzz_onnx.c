// SPDX-License-Identifier: Apache-2.0
/* ONNX files: the importer, and shapes of what it accepts. */
#include "fuzz/fuzz_target.h"

#include <stdlib.h>

#include "model/model.h"
#include "plan/run_once.h"
#include "support/onnx_sample.h"

/* Binds inputs as declared and infers shapes, with elements computed on the reference kernels. */
static void infer(struct graph *graph)
{
    const struct graph_bindings bindings = {NULL, 0, NULL, 0};
    struct device_chain chain;
    cop_error error;
    if (cop_graph_bind_inputs(graph, &bindings, &error) != COP_STATUS_OK ||
        cop_device_chain((cop_device){COP_DEVICE_REF, 0}, &chain, &error) != COP_STATUS_OK)
        return;
    const struct graph_evaluator evaluator = cop_device_evaluator(chain.devices[0]);
    if (cop_graph_infer_shapes(graph, &evaluator, &error) != COP_STATUS_OK)
        return;
    if (cop_graph_validate(graph, &error) != COP_STATUS_OK)
        abort();
}

static void keep_bytes(void *user, const void *bytes)
{
    (void)user, (void)bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct source *source = NULL;
    struct graph *graph = NULL;
    cop_error error;
    const cop_bytes borrowed = {bytes, size, keep_bytes, NULL};
    if (cop_source_from_bytes(&borrowed, "input.onnx", &source, &error) == COP_STATUS_OK &&
        cop_onnx_import(source, -1, COP_FILE_ACCESS_READ, &graph, &error) == COP_STATUS_OK)
        infer(graph);
    cop_graph_destroy(graph);
    cop_source_release(&source);
    return 0;
}

unsigned char *fuzz_seed(int index, size_t *size)
{
    struct message model = index == 0 ? sample_model() : shape_model();
    if (index > 1)
        message_free(&model);
    *size = model.size;
    return model.bytes;
}
