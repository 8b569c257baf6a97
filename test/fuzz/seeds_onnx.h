// SPDX-License-Identifier: Apache-2.0
/* Sound ONNX files to begin with: two networks, and one small graph for every family of operators.
 */
#ifndef TEST_FUZZ_SEEDS_ONNX_H
#define TEST_FUZZ_SEEDS_ONNX_H

#include "support/onnx_sample.h"

/* `x` [2,3,4,4] goes through nodes "Op output inputs" to `y`; `w`, `b`, `k`, `i` and `n` are
 * constants. */
struct onnx_chain {
    const char *nodes[6][3]; /* op, inputs, outputs */
    int64_t axis;            /* −100: no attribute */
    int64_t opset;
};

static inline void add_constants(struct message *graph)
{
    static const float weights[3 * 3 * 2 * 2] = {1, -1, 0.5f, 2}, vector[3] = {1, 2, 3};
    static const int64_t shape[] = {2, -1}, axes[] = {1, 2}, zeros[] = {0, 0}, counts[] = {1, 2};
    struct message tensor;
    onnx_add_floats(graph, "w", DIMS(3, 3, 2, 2), weights);
    onnx_add_floats(graph, "b", DIMS(3), vector);
    onnx_add_floats(graph, "m", DIMS(4, 3), weights);
    onnx_add_floats(graph, "one", 0, NULL, vector);
    tensor = onnx_raw_tensor("shape", ONNX_INT64, DIMS(2), shape, sizeof shape);
    onnx_add_initializer(graph, &tensor);
    tensor = onnx_raw_tensor("axes", ONNX_INT64, DIMS(2), axes, sizeof axes);
    onnx_add_initializer(graph, &tensor);
    tensor = onnx_raw_tensor("zeros", ONNX_INT64, DIMS(2), zeros, sizeof zeros);
    onnx_add_initializer(graph, &tensor);
    tensor = onnx_raw_tensor("counts", ONNX_INT64, DIMS(2), counts, sizeof counts);
    onnx_add_initializer(graph, &tensor);
}

static inline struct message chain_of(const struct onnx_chain *chain)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 3, 4, 4));
    add_constants(&graph);
    for (int i = 0; i < 6 && chain->nodes[i][0] != NULL; i++) {
        const char *op = chain->nodes[i][0];
        struct message node = onnx_node(op, op, chain->nodes[i][1], chain->nodes[i][2]);
        if (chain->axis != -100 && strstr("Softmax ArgMax Concat Split", op) != NULL)
            onnx_attribute_int(&node, "axis", chain->axis);
        if (strstr(op, "Pool") != NULL && strstr(op, "Global") == NULL)
            onnx_attribute_ints(&node, "kernel_shape", 2, (int64_t[]){2, 2});
        if (strcmp(op, "Cast") == 0)
            onnx_attribute_int(&node, "to", ONNX_FLOAT);
        if (strcmp(op, "LRN") == 0)
            onnx_attribute_int(&node, "size", 3);
        onnx_add_node(&graph, &node);
    }
    onnx_add_output(&graph, "y", ONNX_FLOAT, 0, NULL);
    return onnx_model(&graph, chain->opset);
}

/* An If with a graph in it, and outputs that are an input, a constant and one value twice. */
static inline struct message odd_outputs(int has_graph)
{
    struct message graph = {0}, inner = {0}, node;
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 3, 4, 4));
    add_constants(&graph);
    node = onnx_node("Relu", "relu", "x", "y");
    onnx_add_node(&graph, &node);
    if (has_graph) {
        node = onnx_node("Add", "add", "x x", "then");
        onnx_add_node(&inner, &node);
        onnx_add_output(&inner, "then", ONNX_FLOAT, DIMS(2, 3, 4, 4));
        node = onnx_node("If", "if", "y", "z");
        onnx_attribute_graph(&node, "then_branch", &inner);
        onnx_add_node(&graph, &node);
    }
    onnx_add_output(&graph, "x", ONNX_FLOAT, DIMS(2, 3, 4, 4));
    onnx_add_output(&graph, "w", ONNX_FLOAT, DIMS(3, 3, 2, 2));
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2, 3, 4, 4));
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2, 3, 4, 4));
    return onnx_model(&graph, 13);
}

/* Seed number `index`; empty: there are no more. */
static inline struct message onnx_seed(int index)
{
    static const struct onnx_chain chains[] = {
        {{{"Conv", "x w b", "a"}, {"Relu", "a", "c"}, {"GlobalAveragePool", "c", "y"}}, -100, 13},
        {{{"MaxPool", "x", "a"}, {"AveragePool", "a", "y"}}, -100, 11},
        {{{"MatMul", "x m", "a"}, {"Softmax", "a", "y"}}, 1, 13},
        {{{"Flatten", "x", "a"}, {"ReduceMean", "a", "y"}}, -100, 13},
        {{{"Reshape", "x shape", "a"}, {"Transpose", "a", "b1"}, {"Gather", "b1 zeros", "y"}},
         -100,
         13},
        {{{"Squeeze", "x", "a"}, {"Unsqueeze", "x axes", "c"}, {"Add", "a c", "y"}}, -100, 13},
        {{{"Slice", "x zeros counts axes", "a"}, {"Concat", "a a", "y"}}, 2, 13},
        {{{"Split", "x", "p q"}, {"Sum", "p q p", "y"}}, 2, 12},
        {{{"ArgMax", "x", "a"}, {"Cast", "a", "y"}}, 1, 13},
        {{{"Shape", "x", "s"},
          {"Gather", "s zeros", "t"},
          {"Size", "x", "u"},
          {"Mul", "t shape", "v"},
          {"Max", "v shape", "q"},
          {"Reshape", "x q", "y"}},
         -100,
         13},
        {{{"Pow", "x one", "a"},
          {"Sqrt", "a", "c"},
          {"Div", "c one", "d"},
          {"Exp", "d", "e"},
          {"Max", "e one x", "f"},
          {"Erf", "f", "y"}},
         -100,
         13},
        {{{"LRN", "x", "a"}, {"PRelu", "a one", "c"}, {"Dropout", "c", "y"}}, -100, 13},
        {{{"BatchNormalization", "x b b b b", "a"},
          {"Conv", "a w", "c"},
          {"BatchNormalization", "c b b b b", "y"}},
         -100,
         9},
        {{{"Identity", "w", "v"}, {"Mul", "v w", "u"}, {"Conv", "x u", "y"}}, -100, 13},
        {{{"Transpose", "m", "g"}, {"Gemm", "m g one", "h"}, {"MatMul", "x h", "y"}}, -100, 13},
    };
    const int count = (int)(sizeof chains / sizeof *chains);
    if (index == 0)
        return sample_model();
    if (index == 1)
        return shape_model();
    if (index <= 3)
        return odd_outputs(index - 2);
    return index - 4 < count ? chain_of(&chains[index - 4]) : (struct message){0};
}

#endif
