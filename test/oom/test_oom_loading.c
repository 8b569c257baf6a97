// SPDX-License-Identifier: Apache-2.0
/* Models are loaded, from files and from memory, while allocations fail. */
#define _GNU_SOURCE
#include "model/mxnet_files.h"
#include "oom/allocation_faults.h"
#include "support/fault_models.h"
#include "support/onnx_sample.h"

static struct message unsupported_model(void)
{
    struct message graph = {0}, node = onnx_node("Einsum", "first", "x", "a");
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(4));
    onnx_add_node(&graph, &node);
    for (int i = 0; i < 2; i++) {
        node = onnx_node("NonMaxSuppression", "second", "a", i == 0 ? "b" : "c");
        onnx_add_node(&graph, &node);
    }
    struct message branch = {0}, inner = onnx_node("Einsum", "inner", "c", "d");
    onnx_add_node(&branch, &inner);
    onnx_add_output(&branch, "d", ONNX_FLOAT, DIMS(4));
    node = onnx_node("If", "third", "c", "y");
    onnx_attribute_graph(&node, "then_branch", &branch);
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(4));
    return onnx_model(&graph, 13);
}

/* Two operators that are not known, and one that is and asks for too much. */
#define UNKNOWN_SYMBOL                                                                             \
    SYMBOL(VARIABLE("x") ",{'op':'what','name':'a','inputs':[[0,0]]},"                             \
                         "{'op':'what','name':'b','inputs':[[1,0]]},"                              \
                         "{'op':'softmax','name':'c','attrs':{'use_length':'True'},"               \
                         "'inputs':[[0,0]]},{'op':'whatelse','name':'d','inputs':[[2,0]]}",        \
           "[4,0]")

/* What else is given says what is loaded: see struct model_bytes and struct model_file. */
#define LOAD(title, ...)                                                                           \
    {                                                                                              \
        .name = title, .argument = &(const struct model_bytes){__VA_ARGS__},                       \
        .act = load_model_bytes, .finish = use_model, .kinds = USUAL | PLAIN, .least = 1           \
    }
#define REFUSE(title, ...)                                                                         \
    {                                                                                              \
        .name = title, .argument = &(const struct model_bytes){__VA_ARGS__},                       \
        .act = load_model_bytes, .expected = COP_STATUS_UNSUPPORTED, .kinds = USUAL | PLAIN,       \
        .least = 1                                                                                 \
    }
#define LOAD_FILES(title, ...)                                                                     \
    {                                                                                              \
        .name = title, .argument = &(const struct model_file){__VA_ARGS__},                        \
        .prepare = write_model_files, .act = load_model_file, .finish = use_model,                 \
        .kinds = USUAL | PLAIN, .least = 1                                                         \
    }

static const struct scenario scenarios[] = {
    LOAD("a symbol and parameters are loaded from memory", .symbol = BROAD_SYMBOL,
         .params = BROAD_PARAMS),
    LOAD("a symbol that moves elements is loaded", .symbol = MOVING_SYMBOL, .params = ""),
    LOAD("a symbol in borrowed memory is loaded", .symbol = BROAD_SYMBOL, .params = BROAD_PARAMS,
         .is_borrowed = true),
    LOAD("an ONNX model is loaded from memory", .write = sample_model),
    LOAD("an ONNX model that works on shapes is loaded", .write = shape_model),
    LOAD("an ONNX model in borrowed memory is loaded", .write = sample_model, .is_borrowed = true),
    REFUSE("a symbol that is not supported is refused", .symbol = UNKNOWN_SYMBOL, .params = ""),
    REFUSE("an ONNX model that is not supported is refused", .write = unsupported_model),
    LOAD_FILES("a symbol is loaded from a file", FILE_SYMBOL, COP_FILE_ACCESS_READ),
    LOAD_FILES("a prefix is loaded from files", FILE_PREFIX, COP_FILE_ACCESS_READ),
    LOAD_FILES("a prefix is loaded from mapped files", FILE_PREFIX, COP_FILE_ACCESS_MAP),
    LOAD_FILES("an ONNX model with external data is loaded", FILE_EXTERNAL, COP_FILE_ACCESS_READ),
    LOAD_FILES("an ONNX model with external data is mapped", FILE_EXTERNAL, COP_FILE_ACCESS_MAP),
};

int main(int argc, char **argv)
{
    return fail_allocations(scenarios, COUNT(scenarios), argc, argv);
}
