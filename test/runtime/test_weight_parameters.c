// SPDX-License-Identifier: Apache-2.0
/* Which constants of a file are parameters that can change: what was read cannot, the rest can. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/mxnet_files.h"
#include "support/live_models.h"
#include "support/load_onnx.h"
#include "support/tiny_models.h"
#include "support/unit.h"

static cop_ndarray *int_array(int count, const int64_t *values)
{
    const int64_t shape[] = {count};
    cop_ndarray *array = NULL;
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_INT64, 1, shape, &array, NULL), COP_STATUS_OK);
    memcpy(cop_ndarray_data(array), values, (size_t)count * sizeof *values);
    return array;
}

/* x [2,6] clipped, scaled by a parameter, sliced and reshaped, all of it by tensors of the file. */
static cop_model *load_reading_model(void)
{
    static const float low = -0.5f, high = 0.5f, scale[6] = {1, 2, 3, 4, 5, 6};
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 6));
    onnx_add_floats(&graph, "low", 0, NULL, &low);
    onnx_add_floats(&graph, "high", 0, NULL, &high);
    onnx_add_floats(&graph, "scale", DIMS(6), scale);
    add_ints(&graph, "starts", 1, (const int64_t[]){2});
    add_ints(&graph, "ends", 1, (const int64_t[]){6});
    add_ints(&graph, "axes", 1, (const int64_t[]){1});
    add_ints(&graph, "target", 2, (const int64_t[]){4, 2});
    struct message node = onnx_node("Clip", "clip", "x low high", "c");
    onnx_add_node(&graph, &node);
    node = onnx_node("Mul", "mul", "c scale", "m");
    onnx_add_node(&graph, &node);
    node = onnx_node("Slice", "slice", "m starts ends axes", "s");
    onnx_add_node(&graph, &node);
    node = onnx_node("Reshape", "reshape", "s target", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(4, 2));
    struct message model = onnx_model(&graph, 13);
    return load_onnx(&model);
}

START_TEST(parameters_that_were_read_from_the_file_are_refused)
{
    cop_model *model = load_reading_model();
    cop_cached_op *op = compile_on(model, COP_DEVICE_REF);
    cop_tensor_desc desc;
    cop_ndarray *scalar = zero_array(0, NULL), *one = int_array(1, (const int64_t[]){1});
    cop_ndarray *two = int_array(2, (const int64_t[]){2, 4});
    ck_assert_uint_eq(cop_model_parameter_count(model), 1);
    ck_assert_int_eq(cop_model_parameter(model, 0, &desc, NULL), COP_STATUS_OK);
    ck_assert_str_eq(desc.name, "scale");
    const cop_parameter_value values[] = {{"low", scalar}, {"high", scalar}, {"starts", one},
                                          {"ends", one},   {"axes", one},    {"target", two}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char part[64];
        snprintf(part, sizeof part, "'%s' cannot be updated", values[i].name);
        expect_refused(model, &values[i], 1, COP_STATUS_UNSUPPORTED, part);
    }
    cop_ndarray *scale = random_array(1, (const int64_t[]){6}, 1);
    update(model, &(cop_parameter_value){"scale", scale}, 1);
    const float ones[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    cop_ndarray *x = zero_array(2, (const int64_t[]){2, 6});
    memcpy(cop_ndarray_data(x), ones, sizeof ones);
    cop_ndarray *y = invoke(op, x);
    const float *scales = cop_ndarray_data(scale), *results = cop_ndarray_data(y);
    for (int i = 0; i < 8; i++)
        ck_assert(results[i] == 0.5f * scales[2 + i % 4]);
    cop_ndarray_release(&x), cop_ndarray_release(&y), cop_ndarray_release(&scale);
    cop_ndarray_release(&scalar), cop_ndarray_release(&one), cop_ndarray_release(&two);
    cop_cached_op_release(&op), cop_model_release(&model);
}
END_TEST

START_TEST(parameters_that_were_read_while_compiling_are_refused_while_that_operator_lives)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 6));
    add_ints(&graph, "rows", 1, (const int64_t[]){3});
    add_ints(&graph, "columns", 1, (const int64_t[]){-1});
    struct message node = onnx_node("Concat", "concat", "rows columns", "t");
    onnx_attribute_int(&node, "axis", 0);
    onnx_add_node(&graph, &node);
    node = onnx_node("Reshape", "reshape", "x t", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(-1, -1));
    struct message file = onnx_model(&graph, 13);
    cop_model *model = load_onnx(&file);
    cop_ndarray *four = int_array(1, (const int64_t[]){4});
    const cop_parameter_value rows = {"rows", four};
    cop_tensor_desc desc;
    ck_assert_uint_eq(cop_model_parameter_count(model), 2);
    cop_cached_op *op = compile_on(model, COP_DEVICE_REF);
    expect_refused(model, &rows, 1, COP_STATUS_UNSUPPORTED, "'rows' cannot be updated");
    ck_assert_uint_eq(stats_of(op).weight_generation, 0);
    cop_cached_op_release(&op);
    update(model, &rows, 1);
    op = compile_on(model, COP_DEVICE_REF);
    ck_assert_int_eq(cop_cached_op_output(op, 0, &desc, NULL), COP_STATUS_OK);
    ck_assert_int_eq(desc.shape[0], 4);
    expect_refused(model, &rows, 1, COP_STATUS_UNSUPPORTED, "'rows' cannot be updated");
    cop_cached_op_release(&op);
    cop_ndarray_release(&four);
    cop_model_release(&model);
}
END_TEST

/* Gather by indices of the file, which the run reads, of a table in 16-bit floats. */
static cop_model *load_table_model(const int64_t *indices, const uint16_t *table)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2));
    add_ints(&graph, "indices", 2, indices);
    struct message tensor = onnx_raw_tensor("table", ONNX_FLOAT16, DIMS(4), table, 8);
    onnx_add_initializer(&graph, &tensor);
    struct message node = onnx_node("Gather", "gather", "table indices", "g");
    onnx_add_node(&graph, &node);
    node = onnx_node("Add", "add", "g x", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2));
    struct message file = onnx_model(&graph, 13);
    return load_onnx(&file);
}

START_TEST(tables_of_16_bit_floats_and_their_indices_can_change)
{
    static const uint16_t zeros[4] = {0}, table[4] = {0x3c00, 0x4000, 0x4200, 0x4400};
    cop_model *model = load_table_model((const int64_t[]){0, 0}, zeros);
    cop_cached_op *op = compile_on(model, COP_DEVICE_REF);
    cop_ndarray *halves = NULL, *x = zero_array(1, (const int64_t[]){2});
    cop_ndarray *indices = int_array(2, (const int64_t[]){3, 1});
    cop_ndarray *outside = int_array(2, (const int64_t[]){3, 4});
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_FLOAT16, 1, (const int64_t[]){4}, &halves, NULL),
                     COP_STATUS_OK);
    memcpy(cop_ndarray_data(halves), table, sizeof table);
    const cop_parameter_value values[] = {{"table", halves}, {"indices", indices}};
    update(model, values, 2);
    cop_ndarray *y = invoke(op, x);
    ck_assert(((float *)cop_ndarray_data(y))[0] == 4 && ((float *)cop_ndarray_data(y))[1] == 2);
    cop_ndarray_release(&y);
    /* What the recipe cannot be run with changes nothing. */
    const cop_parameter_value wrong[] = {{"table", x}, {"indices", outside}};
    ck_assert_int_ne(cop_model_update_weights(model, wrong + 1, 1, NULL), COP_STATUS_OK);
    expect_refused(model, wrong, 1, COP_STATUS_INVALID_ARGUMENT, "float16");
    y = invoke(op, x);
    ck_assert(((float *)cop_ndarray_data(y))[0] == 4 && ((float *)cop_ndarray_data(y))[1] == 2);
    cop_ndarray_release(&y), cop_ndarray_release(&x), cop_ndarray_release(&halves);
    cop_ndarray_release(&indices), cop_ndarray_release(&outside);
    cop_cached_op_release(&op), cop_model_release(&model);
}
END_TEST

START_TEST(a_name_that_several_variables_have_changes_all_of_them)
{
    struct byte_writer params;
    write_params(&params, "w 4,4;");
    char *symbol = write_json(
        SYMBOL("{'op':'null','name':'data','attrs':{'__shape__':'(1,4)'},'inputs':[]},"
               "{'op':'null','name':'w','inputs':[]},"
               "{'op':'FullyConnected','name':'one','attrs':{'num_hidden':'4','no_bias':'True'},"
               "'inputs':[[0,0],[1,0]]},"
               "{'op':'null','name':'w','inputs':[]},"
               "{'op':'FullyConnected','name':'two','attrs':{'num_hidden':'4','no_bias':'True'},"
               "'inputs':[[2,0],[3,0]]}",
               "[4,0]"));
    const cop_bytes graph = {symbol, strlen(symbol), NULL, NULL};
    const cop_bytes weights = {params.bytes, params.size, NULL, NULL};
    cop_model *model = NULL;
    ck_assert_int_eq(
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, &model, NULL),
        COP_STATUS_OK);
    cop_cached_op *op = compile_on(model, COP_DEVICE_REF);
    cop_ndarray *twice = zero_array(2, (const int64_t[]){4, 4});
    cop_ndarray *x = zero_array(2, (const int64_t[]){1, 4});
    for (int i = 0; i < 4; i++)
        ((float *)cop_ndarray_data(twice))[5 * i] = 2, ((float *)cop_ndarray_data(x))[i] = 1;
    ck_assert_uint_eq(cop_model_parameter_count(model), 1);
    const cop_parameter_value values[] = {{"w", twice}, {"w", twice}};
    expect_refused(model, values, 2, COP_STATUS_INVALID_ARGUMENT, "'w' is given twice");
    update(model, values, 1);
    cop_ndarray *y = invoke(op, x);
    for (int i = 0; i < 4; i++)
        ck_assert(((float *)cop_ndarray_data(y))[i] == 4);
    cop_ndarray_release(&x), cop_ndarray_release(&y), cop_ndarray_release(&twice);
    cop_cached_op_release(&op), cop_model_release(&model);
    free(symbol);
}
END_TEST

/* x → convolution whose kernel is dropped once it is packed → batch norm, folded into it. */
static struct message folded_model(void)
{
    static float kernel[64 * 16 * 9], ones[64];
    struct message graph = {0};
    for (int i = 0; i < 64 * 16 * 9; i++)
        kernel[i] = (float)(i * 7 % 13) / 13;
    for (int i = 0; i < 64; i++)
        ones[i] = 1;
    onnx_add_input(&graph, "data", ONNX_FLOAT, DIMS(1, 16, 4, 4));
    onnx_add_floats(&graph, "kernel", DIMS(64, 16, 3, 3), kernel);
    for (int i = 0; i < 4; i++)
        onnx_add_floats(&graph, (const char *[]){"scale", "shift", "mean", "variance"}[i], DIMS(64),
                        ones);
    struct message node = onnx_node("Conv", "conv", "data kernel", "c");
    onnx_add_node(&graph, &node);
    node = onnx_node("BatchNormalization", "norm", "c scale shift mean variance", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(1, 64, 2, 2));
    return onnx_model(&graph, 13);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(an_update_that_needs_weights_which_are_gone_is_refused_and_changes_nothing)
{
    char path[] = "/tmp/cachedop-weights-XXXXXX";
    const cop_model_options options = {sizeof options, COP_MODEL_FORMAT_ONNX, COP_FILE_ACCESS_READ,
                                       NULL};
    struct message file = folded_model();
    cop_model *model = NULL;
    close(mkstemp(path));
    write_file(path, file.bytes, file.size);
    ck_assert_int_eq(cop_model_load(path, &options, &model, NULL), COP_STATUS_OK);
    cop_cached_op *op = compile_on(model, COP_DEVICE_CPU);
    cop_ndarray *x = random_array(4, (const int64_t[]){1, 16, 4, 4}, 1);
    cop_ndarray *scale = random_array(1, (const int64_t[]){64}, 2);
    cop_ndarray *kernel = random_array(4, (const int64_t[]){64, 16, 3, 3}, 3);
    const cop_parameter_value values[] = {{"scale", scale}, {"kernel", kernel}};
    cop_ndarray *before = invoke(op, x);
    update(model, values, 1); /* read again from the file, which is as it was */
    cop_ndarray *after = invoke(op, x);
    ck_assert_mem_ne(cop_ndarray_data(before), cop_ndarray_data(after), cop_ndarray_bytes(after));
    write_file(path, file.bytes, file.size / 2);
    expect_refused(model, values, 1, COP_STATUS_IO, "changed since it was loaded");
    cop_ndarray *again = invoke(op, x);
    ck_assert_mem_eq(cop_ndarray_data(again), cop_ndarray_data(after), cop_ndarray_bytes(after));
    ck_assert_uint_eq(stats_of(op).weight_generation, 1);
    update(model, values, 2); /* nothing of the file is needed */
    remove(path);
    message_free(&file);
    cop_ndarray_release(&x), cop_ndarray_release(&scale), cop_ndarray_release(&kernel);
    cop_ndarray_release(&before), cop_ndarray_release(&after), cop_ndarray_release(&again);
    cop_cached_op_release(&op), cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "weight parameters", parameters_that_were_read_from_the_file_are_refused,
        parameters_that_were_read_while_compiling_are_refused_while_that_operator_lives,
        tables_of_16_bit_floats_and_their_indices_can_change,
        a_name_that_several_variables_have_changes_all_of_them,
        an_update_that_needs_weights_which_are_gone_is_refused_and_changes_nothing);
}
