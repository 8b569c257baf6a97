// SPDX-License-Identifier: Apache-2.0
/* Every real MXNet model at hand loads and says what it is. */
#include "base/alloc.h"
#include "model/model.h"
#include "support/data.h"
#include "support/unit.h"

#include <string.h>

struct expected_model {
    const char *symbol; /* beneath the data folder */
    const char *output;
    int convolution_count, constant_count;
    size_t input_count;
};

static const struct expected_model models[] = {
    {"squeezenet_v1.1/squeezenet_v1.1-symbol.json", "prob_output", 26, 52, 1},
    {"mobilenetv2_1.0_224/mobilenetv2_1.0_224-symbol.json", "prob_output", 53, 106, 1},
    {"cifar_resnet20_v1/cifar_resnet20_v1-symbol.json", "cifarresnetv10_dense0_fwd_output", 21, 107,
     1},
    {"cifar_resnet56_v2/cifar_resnet56_v2-symbol.json", "cifarresnetv21_dense0_fwd_output", 57, 283,
     1},
    {"mnist_lenet/mnist-lenet-0-symbol.json", "softmax_output", 2, 8, 1},
};

static void check_model(const cop_model *model, const struct expected_model *expected)
{
    cop_tensor_desc desc;
    int constants = 0, convolutions = 0;
    for (int i = 0; i < model->graph->value_count; i++)
        constants += model->graph->values[i].constant != NULL;
    for (int i = 0; i < model->graph->node_count; i++)
        convolutions += model->graph->nodes[i].kind == OP_CONVOLUTION;
    ck_assert_int_eq(convolutions, expected->convolution_count);
    ck_assert_int_eq(constants, expected->constant_count);
    ck_assert_uint_eq(cop_model_input_count(model), expected->input_count);
    ck_assert_int_eq(cop_model_input(model, 0, &desc, NULL), COP_STATUS_OK);
    ck_assert_str_eq(desc.name, "data");
    ck_assert_int_eq(desc.dtype, COP_DTYPE_FLOAT32);
    ck_assert_int_eq(desc.rank, -1);
    ck_assert_uint_eq(cop_model_output_count(model), 1);
    ck_assert_int_eq(cop_model_output(model, 0, &desc, NULL), COP_STATUS_OK);
    ck_assert_str_eq(desc.name, expected->output);
    ck_assert_int_eq(cop_model_input(model, 1, &desc, NULL), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_model_output(model, 1, &desc, NULL), COP_STATUS_INVALID_ARGUMENT);
}

static void load_and_check(const char *path, const struct expected_model *expected)
{
    cop_error error = {0};
    cop_model *model = NULL;
    ck_assert_msg(cop_model_load(path, NULL, &model, &error) == COP_STATUS_OK, "%s", error.message);
    check_model(model, expected);
    cop_model_release(&model);
    ck_assert_ptr_null(model);
}

START_TEST(real_models_load_by_symbol_file_and_by_prefix)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        char path[512];
        if (!find_data(models[i].symbol, path))
            continue;
        load_and_check(path, &models[i]);
        path[strlen(path) - strlen("-symbol.json")] = '\0';
        load_and_check(path, &models[i]);
    }
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, 0);
}
END_TEST

START_TEST(mapped_weights_make_the_same_model)
{
    char path[512];
    cop_model_options options = COP_MODEL_OPTIONS_INIT;
    cop_model *model = NULL;
    if (!find_data(models[0].symbol, path))
        return;
    options.file_access = COP_FILE_ACCESS_MAP;
    ck_assert_int_eq(cop_model_load(path, &options, &model, NULL), COP_STATUS_OK);
    check_model(model, &models[0]);
    cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS("mxnet models", real_models_load_by_symbol_file_and_by_prefix,
                     mapped_weights_make_the_same_model);
}
