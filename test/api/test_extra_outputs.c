// SPDX-License-Identifier: Apache-2.0
/* Internal values named at create, and the choice among outputs, as callers see them. */
#include "support/onnx_writer.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#include <math.h>
#include <string.h>

static const int64_t image_shape[] = {1, 3, 12, 12}, score_shape[] = {1, 5};

static cop_model *model;
static cop_ndarray *image;

static void setup(void)
{
    model = tiny_classifier(1);
    image = random_array(4, image_shape, 2);
}

static void teardown(void)
{
    cop_ndarray_release(&image);
    cop_model_release(&model);
}

static cop_status try_names(const char *const *names, size_t count, cop_device_kind kind,
                            cop_cached_op **op, cop_error *error)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device.kind = kind;
    options.extra_outputs = names;
    options.extra_output_count = count;
    return cop_cached_op_create(model, &options, op, error);
}

static cop_cached_op *make_op(const char *const *names, size_t count, cop_device_kind kind)
{
    cop_cached_op *op = NULL;
    cop_error error = {0};
    ck_assert_msg(try_names(names, count, kind, &op, &error) == COP_STATUS_OK, "%s", error.message);
    return op;
}

/* The nodes of tiny_classifier, from the data to the scores. */
static const char *const inner[] = {"conv1", "bn1_output", "relu1",       "conv2_output0",
                                    "add",   "relu2",      "pool_output", "flat",
                                    "fc",    "w1",         "data"};
enum { CONV1, BN1, RELU1, CONV2, ADD, RELU2, POOL, FLAT, FC, W1, DATA, INNER_COUNT };

static const float *run(cop_cached_op *op, cop_ndarray **dst, size_t index)
{
    if (dst[0] == NULL)
        ck_assert_int_eq(cop_invoke(op, 1, &image, 1 + INNER_COUNT, dst, NULL, NULL),
                         COP_STATUS_OK);
    return cop_ndarray_data(dst[index]);
}

static bool is_close(float a, float b)
{
    return fabsf(a - b) <= 1e-5f * (1 + fabsf(b));
}

START_TEST(every_inner_value_can_be_an_output_and_follows_from_the_one_before)
{
    for (int k = 0; k < 2; k++) {
        const cop_device_kind kind = k == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU;
        cop_cached_op *op = make_op(inner, INNER_COUNT, kind), *plain = compile_on(model, kind);
        cop_ndarray *dst[1 + INNER_COUNT] = {NULL}, *scores = NULL;
        size_t index;
        ck_assert_uint_eq(cop_cached_op_output_count(op), 1 + INNER_COUNT);
        for (size_t i = 0; i < INNER_COUNT; i++) {
            ck_assert_int_eq(cop_cached_op_find_output(op, inner[i], &index, NULL), COP_STATUS_OK);
            ck_assert_uint_eq(index, 1 + i);
        }
        const float *relu1 = run(op, dst, 1 + RELU1), *bn1 = run(op, dst, 1 + BN1);
        const float *conv2 = run(op, dst, 1 + CONV2), *add = run(op, dst, 1 + ADD);
        const float *relu2 = run(op, dst, 1 + RELU2), *pool = run(op, dst, 1 + POOL);
        const float *flat = run(op, dst, 1 + FLAT), *fc = run(op, dst, 1 + FC);
        const float *data = run(op, dst, 1 + DATA), *softmax = run(op, dst, 0);
        ck_assert_int_eq(memcmp(data, cop_ndarray_data(image), cop_ndarray_bytes(image)), 0);
        ck_assert_uint_eq(cop_ndarray_bytes(dst[1 + W1]), 8 * 27 * sizeof(float));
        bool is_any = false;
        for (int i = 0; i < 8 * 144; i++) {
            ck_assert(is_close(relu1[i], bn1[i] > 0 ? bn1[i] : 0));
            ck_assert(is_close(add[i], conv2[i] + relu1[i]));
            ck_assert(is_close(relu2[i], add[i] > 0 ? add[i] : 0));
            is_any |= bn1[i] < 0 && add[i] < 0;
        }
        ck_assert(is_any);
        for (int c = 0, i = 0; c < 8; c++)
            for (int y = 0; y < 6; y++)
                for (int x = 0; x < 6; x++, i++) {
                    const float *at = relu2 + c * 144 + y * 24 + x * 2;
                    ck_assert(is_close(pool[i], fmaxf(fmaxf(at[0], at[1]), fmaxf(at[12], at[13]))));
                    ck_assert(is_close(flat[i], pool[i]));
                }
        float sum = 0;
        for (int i = 0; i < 5; i++)
            sum += expf(fc[i]);
        ck_assert_int_eq(cop_invoke(plain, 1, &image, 1, &scores, NULL, NULL), COP_STATUS_OK);
        for (int i = 0; i < 5; i++) {
            ck_assert(is_close(softmax[i], expf(fc[i]) / sum));
            ck_assert(is_close(softmax[i], ((float *)cop_ndarray_data(scores))[i]));
        }
        for (size_t i = 0; i <= INNER_COUNT; i++)
            cop_ndarray_release(&dst[i]);
        cop_ndarray_release(&scores);
        cop_cached_op_release(&op), cop_cached_op_release(&plain);
    }
}
END_TEST

START_TEST(names_that_cannot_be_are_refused_with_what_to_do)
{
    static const struct {
        const char *names[2];
        cop_status status;
        const char *word;
    } cases[] = {
        {{"relu3", "pool"}, COP_STATUS_NOT_FOUND, "nearest is 'relu"},
        {{"pool", ""}, COP_STATUS_NOT_FOUND, "extra output ''"},
        {{"pool", "pool_output1"}, COP_STATUS_NOT_FOUND, "'pool_output1'"},
        {{"pool", "_output"}, COP_STATUS_NOT_FOUND, "'_output'"},
        {{"pool", "9"}, COP_STATUS_NOT_FOUND, "keep_graph"},
        {{"pool", "pool"}, COP_STATUS_INVALID_ARGUMENT, "output 1 already"},
        {{"pool", "pool_output"}, COP_STATUS_INVALID_ARGUMENT, "output 1 already"},
        {{"softmax", "pool"}, COP_STATUS_INVALID_ARGUMENT, "output 0 already"},
        {{"pool", "softmax_output"}, COP_STATUS_INVALID_ARGUMENT, "output 0 already"},
        {{"pool", NULL}, COP_STATUS_INVALID_ARGUMENT, "extra output 1: its name is NULL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cop_cached_op *op = NULL;
        cop_error error = {0};
        const cop_status status = try_names(cases[i].names, 2, COP_DEVICE_REF, &op, &error);
        ck_assert_msg(status == cases[i].status && strstr(error.message, cases[i].word) != NULL,
                      "case %zu: %s", i, error.message);
        ck_assert_ptr_null(op);
    }
    cop_cached_op *op = NULL;
    ck_assert_int_eq(try_names(NULL, 1, COP_DEVICE_REF, &op, NULL), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(try_names(NULL, 0, COP_DEVICE_REF, &op, NULL), COP_STATUS_OK);
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(a_reshaped_operator_keeps_its_extra_outputs)
{
    static const char *const names[] = {"pool", "relu1"};
    const cop_input_shape shape = {"data", 4, {2, -1, -1, -1}};
    cop_cached_op *op = make_op(names, 2, COP_DEVICE_CPU), *two = NULL;
    cop_tensor_desc desc;
    ck_assert_int_eq(cop_cached_op_reshape(op, &shape, 1, &two, NULL, NULL), COP_STATUS_OK);
    cop_cached_op_release(&op);
    ck_assert_uint_eq(cop_cached_op_output_count(two), 3);
    ck_assert_int_eq(cop_cached_op_output(two, 1, &desc, NULL), COP_STATUS_OK);
    ck_assert_str_eq(desc.name, "pool");
    ck_assert(desc.rank == 4 && desc.shape[0] == 2 && desc.shape[1] == 8 && desc.shape[2] == 6);
    ck_assert_int_eq(cop_cached_op_output(two, 2, &desc, NULL), COP_STATUS_OK);
    ck_assert_str_eq(desc.name, "relu1");
    cop_cached_op_release(&two);
}
END_TEST

START_TEST(the_options_of_callers_who_do_not_know_extra_outputs_go_on_working)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_invoke_options choice = COP_INVOKE_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    cop_ndarray *scores = NULL;
    static const size_t seven = 7;
    options.struct_size = offsetof(cop_cached_op_options, extra_outputs);
    options.extra_output_count = 77; /* behind the end of theirs */
    ck_assert_int_eq(cop_cached_op_create(model, &options, &op, NULL), COP_STATUS_OK);
    choice.struct_size = offsetof(cop_invoke_options, outputs);
    choice.outputs = &seven;
    ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &scores, &choice, NULL), COP_STATUS_OK);
    cop_ndarray_release(&scores);
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(an_input_fixed_at_create_can_be_an_extra_output)
{
    static const char *const names[] = {"data", "relu1"};
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    const cop_constant constant = {"data", image};
    cop_cached_op *op = NULL, *free_op = make_op(names, 2, COP_DEVICE_REF);
    cop_ndarray *dst[3] = {NULL}, *expected[3] = {NULL};
    cop_error error = {0};
    options.device.kind = COP_DEVICE_REF;
    options.extra_outputs = names;
    options.extra_output_count = 2;
    options.constants = &constant;
    options.constant_count = 1;
    ck_assert_msg(cop_cached_op_create(model, &options, &op, &error) == COP_STATUS_OK, "%s",
                  error.message);
    ck_assert_uint_eq(cop_cached_op_input_count(op), 0);
    ck_assert_int_eq(cop_invoke(op, 0, NULL, 3, dst, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke(free_op, 1, &image, 3, expected, NULL, NULL), COP_STATUS_OK);
    for (int i = 0; i < 3; i++) {
        const float *a = cop_ndarray_data(dst[i]), *b = cop_ndarray_data(expected[i]);
        ck_assert_uint_eq(cop_ndarray_bytes(dst[i]), cop_ndarray_bytes(expected[i]));
        for (size_t k = 0; k < cop_ndarray_bytes(dst[i]) / sizeof *a; k++)
            ck_assert(is_close(a[k], b[k]));
        cop_ndarray_release(&dst[i]), cop_ndarray_release(&expected[i]);
    }
    cop_cached_op_release(&op), cop_cached_op_release(&free_op);
}
END_TEST

START_TEST(values_of_onnx_models_have_the_names_of_the_file)
{
    static const float bias[] = {0.5f, 0.25f};
    static const char *const names[] = {"part1", "t", "b", "x", "part0"};
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 4));
    onnx_add_floats(&graph, "b", DIMS(2), bias);
    struct message node = onnx_node("Split", "split", "x", "part0 part1");
    onnx_attribute_int(&node, "axis", 1);
    onnx_add_node(&graph, &node);
    node = onnx_node("Add", "add", "part0 b", "t");
    onnx_add_node(&graph, &node);
    node = onnx_node("Relu", "relu", "t", "r");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "r", ONNX_FLOAT, DIMS(2, 2));
    struct message file = onnx_model(&graph, 13);
    const cop_bytes bytes = {file.bytes, file.size, NULL, NULL};
    cop_model_release(&model);
    ck_assert_int_eq(cop_model_load_bytes(COP_MODEL_FORMAT_ONNX, &bytes, NULL, NULL, &model, NULL),
                     0);
    message_free(&file);
    for (int k = 0; k < 2; k++) {
        cop_cached_op *op = make_op(names, 5, k == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU);
        static const int64_t shape[] = {2, 4};
        cop_ndarray *x = random_array(2, shape, 5), *dst[6] = {NULL};
        ck_assert_int_eq(cop_invoke(op, 1, &x, 6, dst, NULL, NULL), COP_STATUS_OK);
        const float *in = cop_ndarray_data(x), *r = cop_ndarray_data(dst[0]);
        const float *part1 = cop_ndarray_data(dst[1]), *t = cop_ndarray_data(dst[2]);
        const float *part0 = cop_ndarray_data(dst[5]);
        for (int i = 0; i < 4; i++) {
            ck_assert(part0[i] == in[i / 2 * 4 + i % 2] && part1[i] == in[i / 2 * 4 + 2 + i % 2]);
            ck_assert(is_close(t[i], part0[i] + bias[i % 2]));
            ck_assert(is_close(r[i], t[i] > 0 ? t[i] : 0));
        }
        ck_assert_int_eq(memcmp(cop_ndarray_data(dst[3]), bias, sizeof bias), 0);
        ck_assert_int_eq(memcmp(cop_ndarray_data(dst[4]), in, 8 * sizeof *in), 0);
        for (int i = 0; i < 6; i++)
            cop_ndarray_release(&dst[i]);
        cop_ndarray_release(&x);
        cop_cached_op_release(&op);
    }
    /* "part0_output" is MXNet's way of speaking; a file of ONNX means what it says. */
    static const char *const mxnet_name[] = {"t_output"};
    cop_cached_op *op = NULL;
    ck_assert_int_eq(try_names(mxnet_name, 1, COP_DEVICE_REF, &op, NULL), COP_STATUS_NOT_FOUND);
}
END_TEST

static void refuse(cop_cached_op *op, const size_t *outputs, size_t output_count, size_t dst_count,
                   cop_ndarray **dst, const char *word)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_error error = {0};
    options.outputs = outputs;
    options.output_count = output_count;
    for (int k = 0; k < 2; k++) {
        const cop_status status = (k == 0 ? cop_invoke : cop_invoke_async)(op, 1, &image, dst_count,
                                                                           dst, &options, &error);
        ck_assert_int_eq(status, COP_STATUS_INVALID_ARGUMENT);
        ck_assert_msg(strstr(error.message, word) != NULL, "'%s' lacks '%s'", error.message, word);
    }
}

START_TEST(a_choice_that_cannot_be_is_refused_and_named)
{
    static const char *const names[] = {"pool", "fc"};
    cop_cached_op *op = make_op(names, 2, COP_DEVICE_REF);
    cop_ndarray *dst[4] = {NULL}, *wrong[2] = {NULL, zero_array(2, score_shape)};
    refuse(op, (const size_t[]){0, 1}, 2, 1, dst, "1 outputs are given, 2 are chosen");
    refuse(op, (const size_t[]){0, 1}, 2, 3, dst, "3 outputs are given, 2 are chosen");
    refuse(op, (const size_t[]){0}, 0, 0, dst, "0 outputs are chosen");
    refuse(op, (const size_t[]){0}, 0, 3, dst, "0 outputs are chosen");
    refuse(op, NULL, 3, 3, dst, "at NULL");
    refuse(op, (const size_t[]){0, 3}, 2, 2, dst, "output 3 is chosen, there are 3");
    refuse(op, (const size_t[]){SIZE_MAX}, 1, 1, dst, "there are 3");
    refuse(op, (const size_t[]){2, 0, 2}, 3, 3, dst, "output 2, 'fc', is chosen twice");
    refuse(op, (const size_t[]){2, 1}, 2, 2, NULL, "NULL");
    refuse(op, (const size_t[]){2, 1}, 2, 2, wrong, "output 'pool'"); /* the shape of the scores */
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_null(dst[i]);
    cop_ndarray_release(&wrong[1]);
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(outputs_may_be_given_in_any_order)
{
    static const char *const names[] = {"pool", "fc"};
    cop_cached_op *op = make_op(names, 2, COP_DEVICE_CPU);
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *all[3] = {NULL}, *two[2] = {zero_array(2, score_shape), NULL};
    options.outputs = (const size_t[]){2, 0};
    options.output_count = 2;
    ck_assert_int_eq(cop_invoke(op, 1, &image, 3, all, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke(op, 1, &image, 2, two, &options, NULL), COP_STATUS_OK);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(memcmp(cop_ndarray_data(two[i]), cop_ndarray_data(all[options.outputs[i]]),
                                5 * sizeof(float)),
                         0);
    options.timeout_ns = 0; /* a failure leaves what the library was to make at NULL */
    cop_ndarray_release(&two[1]);
    ck_assert_int_eq(cop_invoke(op, 1, &image, 2, two, &options, NULL), COP_STATUS_TIMEOUT);
    ck_assert_ptr_null(two[1]);
    for (int i = 0; i < 3; i++)
        cop_ndarray_release(&all[i]);
    cop_ndarray_release(&two[0]);
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(profiles_and_plans_say_what_a_choice_runs)
{
    static const char *const names[] = {"relu1", "pool"};
    static const size_t relu1 = 1;
    cop_cached_op *op = make_op(names, 2, COP_DEVICE_REF);
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *all[3] = {NULL}, *one = NULL;
    cop_profile_step step;
    char *text = NULL;
    ck_assert_int_eq(cop_profile_create(&options.profile, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke(op, 1, &image, 3, all, &options, NULL), COP_STATUS_OK);
    const size_t whole = cop_profile_step_count(options.profile);
    options.outputs = &relu1;
    options.output_count = 1;
    ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &one, &options, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(cop_profile_step_count(options.profile), 1); /* conv1 + bn1 + relu1 */
    ck_assert_uint_gt(whole, 3);
    ck_assert_int_eq(cop_profile_get_step(options.profile, 0, &step, NULL), COP_STATUS_OK);
    ck_assert_str_eq(step.name, "conv1");
    ck_assert_int_eq(cop_cached_op_print_plan(op, COP_PLAN_FORMAT_JSON, &text, NULL), 0);
    ck_assert_ptr_nonnull(strstr(text, "\"needed_by\": [0, 1, 2]"));
    ck_assert_ptr_nonnull(strstr(text, "\"needed_by\": [0, 2]"));
    ck_assert_ptr_nonnull(strstr(text, "\"needed_by\": [0]"));
    cop_text_release(&text);
    for (int i = 0; i < 3; i++)
        cop_ndarray_release(&all[i]);
    cop_ndarray_release(&one);
    cop_profile_release(&options.profile);
    cop_cached_op_release(&op);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("extra outputs", setup, teardown,
                          every_inner_value_can_be_an_output_and_follows_from_the_one_before,
                          names_that_cannot_be_are_refused_with_what_to_do,
                          a_reshaped_operator_keeps_its_extra_outputs,
                          the_options_of_callers_who_do_not_know_extra_outputs_go_on_working,
                          an_input_fixed_at_create_can_be_an_extra_output,
                          values_of_onnx_models_have_the_names_of_the_file,
                          a_choice_that_cannot_be_is_refused_and_named,
                          outputs_may_be_given_in_any_order,
                          profiles_and_plans_say_what_a_choice_runs);
}
