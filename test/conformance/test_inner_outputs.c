// SPDX-License-Identifier: Apache-2.0
/* Inner values of real trained models as outputs: the models' own outputs stay right, the inner
 * ones are the same on every device, and each alone is the same as all at once. */
#include "model/model.h"
#include "support/real_models.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

#define EXTRAS 4

struct network {
    const char *folder, *model;
    bool is_small; /* enough for ref */
};

static const struct network networks[] = {
    {"cifar_resnet20_v1", "cifar_resnet20_v1", true},
    {"squeezenet_v1.1", "squeezenet_v1.1", false},
    {"squeezenet_v1.1", "squeezenet_v1.1_fp32.onnx", false},
    {"mobilenetv2_1.0_224", "mobilenetv2_1.0_224_fp32.onnx", false},
};

/* Names of results from all over the model, the deepest first. */
static void pick_names(const cop_model *model, const char *names[EXTRAS])
{
    const struct graph *graph = model->graph;
    int found = 0;
    for (int i = 0; i < EXTRAS; i++)
        for (int node = graph->node_count * (EXTRAS - i) / (EXTRAS + 1); found == i; node--) {
            ck_assert_int_ge(node, 0);
            const struct graph_value *value = &graph->values[graph->nodes[node].dst[0]];
            if (value->name[0] != '\0' && !value->is_weight)
                names[found++] = value->name;
        }
}

static cop_cached_op *compile(cop_model *model, const cop_ndarray *src, cop_device_kind device,
                              const char *const *names)
{
    cop_cached_op *op = NULL;
    cop_error error;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_input_shape shape = {NULL, cop_ndarray_rank(src), {0}};
    memcpy(shape.shape, cop_ndarray_shape(src), sizeof(int64_t) * (size_t)shape.rank);
    options.device.kind = device;
    options.input_shapes = &shape;
    options.input_shape_count = 1;
    options.extra_outputs = names;
    options.extra_output_count = EXTRAS;
    ck_assert_msg(cop_cached_op_create(model, &options, &op, &error) == COP_STATUS_OK, "%s",
                  error.message);
    return op;
}

/* Each output alone: the same bits, and fewer steps the less deep it lies. */
static void check_alone(cop_cached_op *op, cop_ndarray *src, cop_ndarray *const *all)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    size_t last = SIZE_MAX;
    ck_assert_int_eq(cop_profile_create(&options.profile, NULL), COP_STATUS_OK);
    options.output_count = 1;
    for (size_t i = 0; i <= EXTRAS; i++) {
        cop_ndarray *alone = NULL;
        options.outputs = &i;
        ck_assert_int_eq(cop_invoke(op, 1, &src, 1, &alone, &options, NULL), COP_STATUS_OK);
        ck_assert_uint_eq(cop_ndarray_bytes(alone), cop_ndarray_bytes(all[i]));
        ck_assert_int_eq(
            memcmp(cop_ndarray_data(alone), cop_ndarray_data(all[i]), cop_ndarray_bytes(alone)), 0);
        ck_assert_uint_lt(cop_profile_step_count(options.profile), last);
        last = cop_profile_step_count(options.profile);
        cop_ndarray_release(&alone);
    }
    cop_profile_release(&options.profile);
}

START_TEST(inner_values_of_real_models_can_be_outputs)
{
    const struct network *network = &networks[_i];
    const char *names[EXTRAS] = {NULL};
    cop_model *model = load_model(network->folder, network->model);
    cop_ndarray *src = load_array(network->folder, "ref_input.npy");
    cop_ndarray *expected = load_array(network->folder, "ref_output.npy");
    cop_ndarray *all[2][1 + EXTRAS] = {{NULL}};
    pick_names(model, names);
    for (int k = 0; k < (network->is_small ? 2 : 1); k++) {
        cop_cached_op *op = compile(model, src, k == 0 ? COP_DEVICE_CPU : COP_DEVICE_REF, names);
        ck_assert_int_eq(cop_invoke(op, 1, &src, 1 + EXTRAS, all[k], NULL, NULL), COP_STATUS_OK);
        ck_assert(distance(all[k][0], expected) <= 1e-4);
        check_alone(op, src, all[k]);
        cop_cached_op_release(&op);
    }
    for (int i = 0; i <= EXTRAS; i++) {
        if (network->is_small)
            ck_assert(distance(all[0][i], all[1][i]) <= 1e-4);
        cop_ndarray_release(&all[0][i]), cop_ndarray_release(&all[1][i]);
    }
    cop_ndarray_release(&src), cop_ndarray_release(&expected);
    cop_model_release(&model);
}
END_TEST

int main(void)
{
    data_directory = find_data_folder();
    if (data_directory == NULL)
        return SKIPPED;
    TCase *cases = tcase_create("inner outputs");
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, inner_values_of_real_models_can_be_outputs, 0,
                        (int)(sizeof networks / sizeof *networks));
    return run_case("inner outputs", cases);
}
