// SPDX-License-Identifier: Apache-2.0
/* Binding, solving and inferring the shapes of real models. */
#include <string.h>

#include "model/model.h"
#include "plan/run_once.h"
#include "support/data.h"
#include "support/graphs.h"
#include "support/unit.h"

/* Loads a model and infers with the shapes given; what came out lies in `graph` afterwards. */
static cop_status infer_model(const char *path, const struct graph_bindings *bindings,
                              struct graph **graph, cop_error *error)
{
    struct device *device;
    cop_model *model = NULL;
    *graph = NULL;
    ck_assert_int_eq(cop_ref_backend.device_open(0, &device, error), COP_STATUS_OK);
    const struct graph_evaluator evaluator = cop_device_evaluator(device);
    cop_status status = cop_model_load(path, NULL, &model, error);
    if (status == COP_STATUS_OK)
        status = cop_graph_copy(model->graph, graph, error);
    if (status == COP_STATUS_OK)
        status = cop_graph_bind_inputs(*graph, bindings, error);
    if (status == COP_STATUS_OK && (*graph)->is_mxnet_shaped)
        status = cop_graph_solve_inputs(*graph, &evaluator, error);
    if (status == COP_STATUS_OK)
        status = cop_graph_infer_shapes(*graph, &evaluator, error);
    cop_model_release(&model);
    cop_ref_backend.device_close(device);
    return status;
}

static void expect_shapes(const char *name, const cop_input_shape *given, const char *src,
                          const char *dst)
{
    char path[512];
    struct graph *graph;
    cop_error error;
    const struct graph_bindings bindings = {given, given == NULL ? 0 : 1, NULL, 0};
    if (!find_data(name, path))
        return;
    const cop_status status = infer_model(path, &bindings, &graph, &error);
    ck_assert_msg(status == COP_STATUS_OK, "%s: %s", name, error.message);
    ck_assert_str_eq(cop_shape_text(&graph->values[graph->inputs[0].value].shape).text, src);
    ck_assert_str_eq(cop_shape_text(&graph->values[graph->outputs[0]].shape).text, dst);
    cop_graph_destroy(graph);
}

START_TEST(onnx_models_declare_their_shapes)
{
    expect_shapes("mnist_8/model.onnx", NULL, "[1,1,28,28]", "[1,10]");
    expect_shapes("mobilenetv2_1.0_224/mobilenetv2_1.0_224_fp32.onnx", NULL, "[1,3,224,224]",
                  "[1,1000]");
    expect_shapes("squeezenet_v1.1/squeezenet_v1.1_fp32.onnx", NULL, "[1,3,224,224]",
                  "[1,1000,1,1]");
    expect_shapes("squeezenet_v1.1/SqueezeNet_fp16.onnx", NULL, "[1,3,224,224]", "[1,1000,1,1]");
    expect_shapes("super_resolution_10/model.onnx", NULL, "[1,1,224,224]", "[1,1,672,672]");
}
END_TEST

START_TEST(shapes_that_follow_from_shapes_are_computed)
{
    expect_shapes("ultraface_slim_320/version-slim-320.onnx", NULL, "[1,3,240,320]", "[1,4420,2]");
}
END_TEST

START_TEST(mxnet_inputs_are_solved_from_the_weights)
{
    expect_shapes("mnist_lenet/mnist-lenet-0-symbol.json", NULL, "[1,1,28,28]", "[1,10]");
    expect_shapes("squeezenet_v1.1/squeezenet_v1.1-symbol.json", NULL, "[1,3,224,224]", "[1,1000]");
    expect_shapes("mobilenetv2_1.0_224/mobilenetv2_1.0_224-symbol.json", NULL, "[1,3,224,224]",
                  "[1,1000]");
    expect_shapes("cifar_resnet20_v1/cifar_resnet20_v1-symbol.json", NULL, "[1,3,224,224]",
                  "[1,10]");
}
END_TEST

START_TEST(mxnet_inputs_follow_the_caller)
{
    expect_shapes("cifar_resnet56_v2/cifar_resnet56_v2-symbol.json",
                  &(cop_input_shape){NULL, 4, {5, 3, 32, 32}}, "[5,3,32,32]", "[5,10]");
    expect_shapes("mnist_lenet/mnist-lenet-0-symbol.json",
                  &(cop_input_shape){"data", 4, {16, -1, -1, -1}}, "[16,1,28,28]", "[16,10]");
    expect_shapes("mobilenetv2_1.0_224/mobilenetv2_1.0_224-symbol.json",
                  &(cop_input_shape){NULL, 4, {2, 3, 160, 192}}, "[2,3,160,192]", "[2,1000]");
}
END_TEST

START_TEST(a_shape_that_does_not_fit_names_the_node)
{
    char path[512];
    struct graph *graph;
    cop_error error;
    const cop_input_shape given = {NULL, 4, {1, 1, 32, 32}};
    const struct graph_bindings bindings = {&given, 1, NULL, 0};
    if (!find_data("mnist_lenet/mnist-lenet-0-symbol.json", path))
        return;
    ck_assert_int_eq(infer_model(path, &bindings, &graph, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "with input 'data' [1,1,32,32]: node '"));
    ck_assert_ptr_nonnull(strstr(error.message, "(FullyConnected): "));
    cop_graph_destroy(graph);
}
END_TEST

int main(void)
{
    return RUN_TESTS("model shapes", onnx_models_declare_their_shapes,
                     shapes_that_follow_from_shapes_are_computed,
                     mxnet_inputs_are_solved_from_the_weights, mxnet_inputs_follow_the_caller,
                     a_shape_that_does_not_fit_names_the_node);
}
