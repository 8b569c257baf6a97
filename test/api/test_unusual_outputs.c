// SPDX-License-Identifier: Apache-2.0
/*
 * Outputs that no step makes: inputs, constants, the same value twice, views of them, and graphs
 * without a node or without an input. Every element is checked, for all outputs and each subset, on
 * every device, now and later, in arrays of the caller's and of the library's.
 */
#include <cachedop/cachedop.h>

#include "support/load_onnx.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

#define MOST 8

static const float xs[4] = {1, -2, 3, -4}, ys[4] = {-0.5f, 0.25f, 8, 16};
static const float ws[4] = {0.5f, -1.5f, 2.5f, -3.5f}, twice_ws[4] = {1, -3, 5, -7};
static const float relu_xs[4] = {1, 0, 3, 0}, relu_ws[4] = {0.5f, 0, 2.5f, 0};
static const int64_t xs_shape[2] = {2, 2};
static const uint16_t halves[4] = {0x3c00, 0xc000, 0x4200, 0xc400}; /* xs */

struct elements {
    const void *bytes;
    size_t size;
};
#define ELEMENTS(array)                                                                            \
    {                                                                                              \
        array, sizeof array                                                                        \
    }

struct expectation {
    int src_count, dst_count;
    struct elements srcs[MOST], dsts[MOST];
};

static cop_ndarray *array_of(const cop_tensor_desc *desc, const struct elements *elements)
{
    cop_ndarray *array = NULL;
    ck_assert_int_eq(cop_ndarray_create(desc->dtype, desc->rank, desc->shape, &array, NULL), 0);
    if (elements == NULL) {
        memset(cop_ndarray_data(array), 0xa5, cop_ndarray_bytes(array));
        return array;
    }
    ck_assert_uint_eq(cop_ndarray_bytes(array), elements->size);
    memcpy(cop_ndarray_data(array), elements->bytes, elements->size);
    return array;
}

/* One call: these outputs (NULL: all), made or bound, now or later. */
static void check_call(cop_cached_op *op, const struct expectation *expected,
                       cop_ndarray *const *srcs, const size_t *outputs, size_t count, int way)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dsts[MOST] = {NULL};
    cop_error error = {0};
    const bool is_async = way % 2 == 1, is_bound = way / 2 == 1;
    options.outputs = outputs;
    options.output_count = outputs == NULL ? 0 : count;
    for (size_t i = 0; i < count && is_bound; i++) {
        cop_tensor_desc desc;
        ck_assert_int_eq(cop_cached_op_output(op, outputs == NULL ? i : outputs[i], &desc, NULL),
                         0);
        dsts[i] = array_of(&desc, NULL);
    }
    const cop_status status = (is_async ? cop_invoke_async : cop_invoke)(
        op, (size_t)expected->src_count, srcs, count, dsts, &options, &error);
    ck_assert_msg(status == COP_STATUS_OK, "%s", error.message);
    for (size_t i = 0; i < count; i++) {
        const struct elements *right = &expected->dsts[outputs == NULL ? i : outputs[i]];
        ck_assert_int_eq(cop_ndarray_wait(dsts[i], COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
        ck_assert_uint_eq(cop_ndarray_bytes(dsts[i]), right->size);
        ck_assert_msg(memcmp(cop_ndarray_data(dsts[i]), right->bytes, right->size) == 0,
                      "element of output %zu", outputs == NULL ? i : outputs[i]);
        cop_ndarray_release(&dsts[i]);
    }
    for (int i = 0; i < expected->src_count; i++)
        ck_assert_int_eq(
            memcmp(cop_ndarray_data(srcs[i]), expected->srcs[i].bytes, expected->srcs[i].size), 0);
}

static void check_op(cop_cached_op *op, const struct expectation *expected)
{
    cop_ndarray *srcs[MOST] = {NULL};
    cop_tensor_desc desc;
    ck_assert_uint_eq(cop_cached_op_input_count(op), (size_t)expected->src_count);
    ck_assert_uint_eq(cop_cached_op_output_count(op), (size_t)expected->dst_count);
    for (int i = 0; i < expected->src_count; i++) {
        ck_assert_int_eq(cop_cached_op_input(op, (size_t)i, &desc, NULL), 0);
        srcs[i] = array_of(&desc, &expected->srcs[i]);
    }
    ck_assert_int_eq(cop_cached_op_warm_up(op, 1, NULL), COP_STATUS_OK);
    for (int way = 0; way < 4; way++) {
        check_call(op, expected, srcs, NULL, (size_t)expected->dst_count, way);
        for (unsigned subset = 1; subset < 1u << expected->dst_count; subset++) {
            size_t outputs[MOST], count = 0;
            for (int i = expected->dst_count; i-- > 0;)
                if (subset >> i & 1)
                    outputs[count++] = (size_t)i;
            check_call(op, expected, srcs, outputs, count, way);
        }
    }
    for (int i = 0; i < expected->src_count; i++)
        cop_ndarray_release(&srcs[i]);
}

/* On every device, with and without passes; releases the model. */
static void check_model(cop_model *model, const struct expectation *expected)
{
    for (int k = 0; k < 4; k++) {
        cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
        cop_cached_op *op = NULL;
        cop_error error = {0};
        options.device.kind = k % 2 == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU;
        options.keep_graph = k / 2 == 1;
        ck_assert_msg(cop_cached_op_create(model, &options, &op, &error) == COP_STATUS_OK, "%s",
                      error.message);
        check_op(op, expected);
        for (int format = 0; format < 3; format++) {
            char *text = NULL;
            ck_assert_int_eq(cop_cached_op_print_plan(op, (cop_plan_format)format, &text, NULL), 0);
            cop_text_release(&text);
        }
        cop_cached_op_release(&op);
    }
    cop_model_release(&model);
}

static cop_model *load_graph(struct message *graph)
{
    struct message file = onnx_model(graph, 13);
    return load_onnx(&file);
}

static void add_node(struct message *graph, const char *op, const char *inputs, const char *outputs)
{
    struct message node = onnx_node(op, outputs, inputs, outputs);
    onnx_add_node(graph, &node);
}

static void add_flat_shape(struct message *graph)
{
    struct message tensor =
        onnx_raw_tensor("flat", ONNX_INT64, DIMS(1), (const int64_t[]){-1}, sizeof(int64_t));
    onnx_add_initializer(graph, &tensor);
}

START_TEST(an_onnx_graph_without_nodes_gives_its_inputs_back)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_input(&graph, "y", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "x", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2, 2));
    static const struct expectation expected = {
        2, 3, {ELEMENTS(xs), ELEMENTS(ys)}, {ELEMENTS(ys), ELEMENTS(xs), ELEMENTS(ys)}};
    check_model(load_graph(&graph), &expected);
}
END_TEST

START_TEST(an_onnx_graph_without_inputs_gives_its_constants)
{
    struct message graph = {0};
    onnx_add_floats(&graph, "w", DIMS(2, 2), ws);
    onnx_add_output(&graph, "w", ONNX_FLOAT, DIMS(2, 2));
    static const struct expectation alone = {0, 1, {{NULL, 0}}, {ELEMENTS(ws)}};
    check_model(load_graph(&graph), &alone);

    onnx_add_floats(&graph, "w", DIMS(2, 2), ws);
    add_node(&graph, "Add", "w w", "sum");
    add_node(&graph, "Relu", "w", "r");
    add_node(&graph, "Identity", "w", "i");
    struct message node = onnx_node("Constant", "c", "", "c");
    struct message tensor = onnx_raw_tensor("", ONNX_FLOAT, DIMS(2, 2), ys, sizeof ys);
    onnx_attribute_tensor(&node, "value", &tensor);
    onnx_add_node(&graph, &node);
    add_node(&graph, "Shape", "w", "s");
    onnx_add_output(&graph, "sum", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "w", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "r", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "c", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "sum", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "s", ONNX_INT64, DIMS(2));
    onnx_add_output(&graph, "i", ONNX_FLOAT, DIMS(2, 2));
    static const struct expectation several = {0,
                                               7,
                                               {{NULL, 0}},
                                               {ELEMENTS(twice_ws), ELEMENTS(ws), ELEMENTS(relu_ws),
                                                ELEMENTS(ys), ELEMENTS(twice_ws),
                                                ELEMENTS(xs_shape), ELEMENTS(ws)}};
    check_model(load_graph(&graph), &several);
}
END_TEST

START_TEST(results_their_views_inputs_and_constants_are_outputs_of_one_onnx_graph)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_floats(&graph, "w", DIMS(2, 2), ws);
    add_flat_shape(&graph);
    add_node(&graph, "Relu", "x", "r");
    add_node(&graph, "Reshape", "r flat", "rv");
    add_node(&graph, "Reshape", "x flat", "xv");
    add_node(&graph, "Reshape", "w flat", "wv");
    add_node(&graph, "Shape", "x", "s");
    onnx_add_output(&graph, "xv", ONNX_FLOAT, DIMS(4));
    onnx_add_output(&graph, "rv", ONNX_FLOAT, DIMS(4));
    onnx_add_output(&graph, "r", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "x", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "w", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "r", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_output(&graph, "wv", ONNX_FLOAT, DIMS(4));
    onnx_add_output(&graph, "s", ONNX_INT64, DIMS(2));
    static const struct expectation expected = {1,
                                                8,
                                                {ELEMENTS(xs)},
                                                {ELEMENTS(xs), ELEMENTS(relu_xs), ELEMENTS(relu_xs),
                                                 ELEMENTS(xs), ELEMENTS(ws), ELEMENTS(relu_xs),
                                                 ELEMENTS(ws), ELEMENTS(xs_shape)}};
    check_model(load_graph(&graph), &expected);
}
END_TEST

START_TEST(float16_inputs_and_constants_come_out_as_they_are)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT16, DIMS(2, 2));
    struct message tensor = onnx_raw_tensor("w", ONNX_FLOAT16, DIMS(2, 2), halves, sizeof halves);
    onnx_add_initializer(&graph, &tensor);
    onnx_add_output(&graph, "x", ONNX_FLOAT16, DIMS(2, 2));
    onnx_add_output(&graph, "w", ONNX_FLOAT16, DIMS(2, 2));
    onnx_add_output(&graph, "x", ONNX_FLOAT16, DIMS(2, 2));
    static const struct expectation expected = {
        1, 3, {ELEMENTS(halves)}, {ELEMENTS(halves), ELEMENTS(halves), ELEMENTS(halves)}};
    check_model(load_graph(&graph), &expected);
}
END_TEST

START_TEST(an_input_nobody_reads_is_still_an_input)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 2));
    onnx_add_floats(&graph, "w", DIMS(2, 2), ws);
    onnx_add_output(&graph, "w", ONNX_FLOAT, DIMS(2, 2));
    static const struct expectation expected = {1, 1, {ELEMENTS(xs)}, {ELEMENTS(ws)}};
    check_model(load_graph(&graph), &expected);
}
END_TEST

/* A symbol written with single quotes; "w" is a parameter with the elements of `ws`. */
static cop_status load_mxnet(const char *symbol, cop_model **model, cop_error *error)
{
    char json[4096];
    unsigned char params[256];
    size_t size = 0;
    snprintf(json, sizeof json, "%s", symbol);
    for (char *at = json; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
#define PUT(type, value)                                                                           \
    do {                                                                                           \
        const type field = (value);                                                                \
        memcpy(params + size, &field, sizeof field);                                               \
        size += sizeof field;                                                                      \
    } while (0)
    PUT(uint64_t, 0x112);
    PUT(uint64_t, 0);
    PUT(uint64_t, 1);
    PUT(uint32_t, 0xF993FAC9u); /* a record of version 2: dense, [2,2], on the CPU, float32 */
    PUT(int32_t, 0);
    PUT(int32_t, 2);
    PUT(int64_t, 2);
    PUT(int64_t, 2);
    PUT(int32_t, 1);
    PUT(int32_t, 0);
    PUT(int32_t, 0);
    for (int i = 0; i < 4; i++)
        PUT(float, ws[i]);
    PUT(uint64_t, 1);
    PUT(uint64_t, 5);
    memcpy(params + size, "arg:w", 5);
    size += 5;
#undef PUT
    const cop_bytes graph = {json, strlen(json), NULL, NULL}, weights = {params, size, NULL, NULL};
    return cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, model, error);
}

static cop_model *load_good_mxnet(const char *symbol)
{
    cop_model *model = NULL;
    cop_error error = {0};
    ck_assert_msg(load_mxnet(symbol, &model, &error) == COP_STATUS_OK, "%s", error.message);
    return model;
}

#define SYMBOL(nodes, heads)                                                                       \
    "{'nodes':[" nodes "],'arg_nodes':[],'heads':[" heads                                          \
    "],'attrs':{'mxnet_version':['int',10901]}}"
#define DATA(name)             "{'op':'null','name':'" name "','attrs':{'__shape__':'(2, 2)'},'inputs':[]}"
#define WEIGHT                 "{'op':'null','name':'w','inputs':[]}"
#define NODE(op, name, inputs) "{'op':'" op "','name':'" name "','inputs':[" inputs "]}"

START_TEST(an_mxnet_symbol_of_variables_gives_its_inputs_back)
{
    static const struct expectation once = {1, 1, {ELEMENTS(xs)}, {ELEMENTS(xs)}};
    check_model(load_good_mxnet(SYMBOL(DATA("x"), "[0,0]")), &once);
    static const struct expectation several = {
        2,
        4,
        {ELEMENTS(ys), ELEMENTS(xs)}, /* in the order in which heads come to them */
        {ELEMENTS(ys), ELEMENTS(xs), ELEMENTS(ys), ELEMENTS(ws)}};
    check_model(
        load_good_mxnet(SYMBOL(DATA("x") "," DATA("y") "," WEIGHT, "[1,0],[0,0],[1,0],[2,0]")),
        &several);
}
END_TEST

START_TEST(results_their_views_inputs_and_constants_are_outputs_of_one_mxnet_symbol)
{
    static const struct expectation expected = {1,
                                                7,
                                                {ELEMENTS(xs)},
                                                {ELEMENTS(relu_xs), ELEMENTS(xs), ELEMENTS(relu_xs),
                                                 ELEMENTS(relu_xs), ELEMENTS(ws), ELEMENTS(relu_ws),
                                                 ELEMENTS(twice_ws)}};
    check_model(
        load_good_mxnet(SYMBOL(
            DATA("x") "," WEIGHT
                      "," NODE("relu", "r", "[0,0]") "," NODE("Flatten", "f", "[2,0]") "," NODE(
                          "relu", "rw", "[1,0]") "," NODE("elemwise_add", "ww", "[1,0],[1,0]"),
            "[2,0],[0,0],[2,0],[3,0],[1,0],[4,0],[5,0]")),
        &expected);
}
END_TEST

START_TEST(an_mxnet_symbol_of_constants_alone_is_refused)
{
    cop_model *model = NULL;
    cop_error error = {0};
    ck_assert_int_eq(
        load_mxnet(SYMBOL(WEIGHT "," NODE("relu", "r", "[0,0]"), "[1,0],[0,0]"), &model, &error),
        COP_STATUS_MALFORMED_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "no input"));
    ck_assert_ptr_null(model);
}
END_TEST

START_TEST(an_output_that_is_an_input_cannot_lie_in_the_inputs_array)
{
    cop_model *model = load_good_mxnet(SYMBOL(DATA("x"), "[0,0],[0,0]"));
    cop_cached_op *op = NULL;
    cop_tensor_desc desc;
    cop_error error = {0};
    ck_assert_int_eq(cop_cached_op_create(model, NULL, &op, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cached_op_input(op, 0, &desc, NULL), COP_STATUS_OK);
    cop_ndarray *x = array_of(&desc, &(const struct elements)ELEMENTS(xs)), *dst[2] = {NULL, x};
    ck_assert_int_eq(cop_invoke(op, 1, &x, 2, dst, NULL, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "overlaps input 'x'"));
    cop_ndarray *same = array_of(&desc, NULL);
    dst[0] = dst[1] = same;
    ck_assert_int_eq(cop_invoke(op, 1, &x, 2, dst, NULL, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "overlaps output"));
    cop_ndarray_release(&x), cop_ndarray_release(&same);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS("unusual outputs", an_onnx_graph_without_nodes_gives_its_inputs_back,
                     an_onnx_graph_without_inputs_gives_its_constants,
                     results_their_views_inputs_and_constants_are_outputs_of_one_onnx_graph,
                     float16_inputs_and_constants_come_out_as_they_are,
                     an_input_nobody_reads_is_still_an_input,
                     an_mxnet_symbol_of_variables_gives_its_inputs_back,
                     results_their_views_inputs_and_constants_are_outputs_of_one_mxnet_symbol,
                     an_mxnet_symbol_of_constants_alone_is_refused,
                     an_output_that_is_an_input_cannot_lie_in_the_inputs_array);
}
