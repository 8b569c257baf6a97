// SPDX-License-Identifier: Apache-2.0
/* Names, types, versions, inputs, outputs and constants of ONNX files. */
#include "support/onnx_files.h"
#include "support/unit.h"

static int find_value(const struct graph *graph, const char *name)
{
    for (int i = 0; i < graph->value_count; i++)
        if (strcmp(graph->values[i].name, name) == 0)
            return i;
    ck_abort_msg("no value '%s'", name);
    return -1;
}

static struct message two_nodes(const char *first_src, const char *first_dst,
                                const char *second_src, const char *second_dst)
{
    struct message graph = {0}, first = onnx_node("Relu", "first", first_src, first_dst),
                   second = onnx_node("Relu", "second", second_src, second_dst);
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2));
    onnx_add_node(&graph, &first);
    onnx_add_node(&graph, &second);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2));
    return onnx_model(&graph, 13);
}

START_TEST(names_must_exist_be_defined_once_and_in_order)
{
    cop_graph_destroy(import_model(two_nodes("x", "a", "a", "y")));
    expect_refused(two_nodes("x", "a", "b", "y"), COP_STATUS_MALFORMED_MODEL,
                   "node 'second' (Relu): reads 'b', which is no input");
    expect_refused(two_nodes("a", "y", "x", "a"), COP_STATUS_MALFORMED_MODEL,
                   "node 'first' (Relu): reads 'a'");
    expect_refused(two_nodes("y", "a", "a", "y"), COP_STATUS_MALFORMED_MODEL, "reads 'y'");
    expect_refused(two_nodes("x", "a", "x", "a"), COP_STATUS_MALFORMED_MODEL, "defined twice");
    expect_refused(two_nodes("x", "x", "x", "y"), COP_STATUS_MALFORMED_MODEL, "defined twice");
    expect_refused(two_nodes("x", "a", "x", "b"), COP_STATUS_MALFORMED_MODEL,
                   "output 'y' is made by nothing");
    expect_refused(two_nodes("x", "a", "x a", "y"), COP_STATUS_MALFORMED_MODEL, "has 2 inputs");
    expect_refused(two_nodes("x", "a", "-", "y"), COP_STATUS_MALFORMED_MODEL, "has 0 inputs");
    expect_refused(two_nodes("x", "a", "a", "y z"), COP_STATUS_MALFORMED_MODEL, "has 2 outputs");
    expect_refused(two_nodes("x", "a", "a", ""), COP_STATUS_MALFORMED_MODEL, "has no output");
}
END_TEST

static struct message one_output(const struct message *type)
{
    struct message graph = {0}, relu = onnx_node("Relu", "relu", "x", "y"), output = {0},
                   copy = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2));
    onnx_add_node(&graph, &relu);
    write_text(&output, 1, "y");
    if (type != NULL) {
        write_raw(&copy, type->bytes, type->size);
        write_message(&output, 2, &copy);
    }
    write_message(&graph, 12, &output);
    return onnx_model(&graph, 13);
}

/* As programs leave it that make an inner value an output by its name alone. */
START_TEST(an_output_need_not_state_its_type)
{
    struct message type = {0}, sequence = {0};
    cop_graph_destroy(import_model(one_output(NULL)));
    cop_graph_destroy(import_model(one_output(&type)));
    write_text(&type, 6, "IMAGE");
    cop_graph_destroy(import_model(one_output(&type)));
    write_message(&type, 4, &sequence);
    expect_refused(one_output(&type), COP_STATUS_UNSUPPORTED, "'y' is no tensor");
    message_free(&type);
}
END_TEST

START_TEST(files_that_are_no_model_say_so)
{
    struct message empty = {0}, text = {0}, no_version = {0}, no_graph = {0}, graph = {0};
    expect_refused(empty, COP_STATUS_MALFORMED_MODEL, "test.onnx: empty");
    write_raw(&text, "#!/bin/sh\necho no model\n", 24);
    expect_refused(text, COP_STATUS_MALFORMED_MODEL, "test.onnx: byte ");
    write_int(&no_graph, 1, 7);
    expect_refused(no_graph, COP_STATUS_MALFORMED_MODEL, "no graph in this file");
    write_message(&no_version, 7, &graph);
    expect_refused(no_version, COP_STATUS_MALFORMED_MODEL, "IR version 0");
    struct message no_opset = {0}, relu = onnx_node("Relu", "relu", "x", "out"),
                   relu_graph = one_node_graph(&relu);
    write_int(&no_opset, 1, 7);
    write_message(&no_opset, 7, &relu_graph);
    expect_refused(no_opset, COP_STATUS_MALFORMED_MODEL, "(Relu), and no opset of it is imported");
    struct message two_opsets = onnx_model(&graph, 13), import = {0};
    write_int(&import, 2, 14);
    write_message(&two_opsets, 8, &import);
    expect_refused(two_opsets, COP_STATUS_MALFORMED_MODEL, "a second time");
    struct message two_graphs = onnx_model(&graph, 13);
    write_bytes(&two_graphs, 7, "", 0);
    expect_refused(two_graphs, COP_STATUS_MALFORMED_MODEL, "a second graph");
    expect_refused(onnx_model(&graph, 13), COP_STATUS_MALFORMED_MODEL, "has no output");
}
END_TEST

START_TEST(everything_that_is_missing_is_named_at_once)
{
    struct message graph = {0}, node, model;
    onnx_add_input(&graph, "words", ONNX_STRING, DIMS(2));
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(1, 1, 4, 4));
    node = onnx_node("Resize", "up1", "x", "a");
    onnx_add_node(&graph, &node);
    node = onnx_node("Resize", "up2", "a", "b");
    onnx_add_node(&graph, &node);
    node = onnx_node("Relu", "fine", "b", "c");
    onnx_add_node(&graph, &node);
    node = onnx_node("FusedConv", "", "c", "d");
    write_text(&node, 7, "com.microsoft");
    onnx_add_node(&graph, &node);
    node = onnx_node("LRN", "lrn", "d", "e");
    onnx_attribute_int(&node, "size", 3);
    onnx_attribute_int(&node, "stride", 3);
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "e", ONNX_FLOAT, DIMS(1));
    model = onnx_model(&graph, 11);
    cop_error error;
    struct graph *imported;
    ck_assert_int_eq(import_bytes(model.bytes, model.size, &imported, &error),
                     COP_STATUS_UNSUPPORTED);
    ck_assert_str_eq(error.message,
                     "test.onnx: input (words): 'words' is of string; "
                     "Resize (node 'up1' and 1 more, opset 11): operator not supported; "
                     "com.microsoft.FusedConv (output 'd'): operators of this domain are not "
                     "supported; LRN (node 'lrn', opset 11): attribute 'stride' is not known in "
                     "this opset");
    message_free(&model);
}
END_TEST

START_TEST(a_long_list_of_what_is_missing_is_cut)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(1));
    for (int i = 0; i < 300; i++) {
        char op[16], dst[16];
        snprintf(op, sizeof op, "Unknown%d", i);
        snprintf(dst, sizeof dst, "y%d", i);
        struct message node = onnx_node(op, "node", "x", dst);
        onnx_add_node(&graph, &node);
    }
    onnx_add_output(&graph, "y0", ONNX_FLOAT, DIMS(1));
    expect_refused(onnx_model(&graph, 11), COP_STATUS_UNSUPPORTED, "Unknown9 (node 'node'");
}
END_TEST

START_TEST(an_input_with_an_initializer_is_a_constant)
{
    const float weight[2] = {1, 2};
    struct message node = onnx_node("Add", "add", "x w", "out"), graph = one_node_graph(&node);
    onnx_add_input(&graph, "w", ONNX_FLOAT, DIMS(3));
    onnx_add_floats(&graph, "w", DIMS(1), weight);
    struct graph *imported = import_model(onnx_model(&graph, 13));
    ck_assert_int_eq(imported->input_count, 3);
    const struct graph_value *value = &imported->values[find_value(imported, "w")];
    ck_assert_ptr_nonnull(value->constant);
    ck_assert_int_eq(value->shape.dims[0], 1); /* the tensor's, not the input's */
    cop_graph_destroy(imported);
}
END_TEST

START_TEST(outputs_that_no_node_makes_alone_get_an_identity)
{
    const float weight[1] = {1};
    struct message node = onnx_node("Relu", "relu", "x", "r"), graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(1));
    onnx_add_floats(&graph, "w", DIMS(1), weight);
    onnx_add_node(&graph, &node);
    const char *const outputs[] = {"x", "w", "r", "r", "x"};
    for (int i = 0; i < 5; i++)
        onnx_add_output(&graph, outputs[i], ONNX_FLOAT, DIMS(1));
    struct graph *imported = import_model(onnx_model(&graph, 13));
    ck_assert_int_eq(imported->output_count, 5);
    for (int i = 0; i < 5; i++) {
        const int producer = imported->values[imported->outputs[i]].producer;
        ck_assert_int_ge(producer, 0);
        ck_assert_int_eq(imported->nodes[producer].kind, i == 2 ? OP_UNARY : OP_IDENTITY);
        ck_assert_str_eq(imported->output_names[i], outputs[i]);
        for (int j = 0; j < i; j++)
            ck_assert_int_ne(imported->outputs[i], imported->outputs[j]);
    }
    cop_graph_destroy(imported);
}
END_TEST

START_TEST(float16_stays_outside_and_float32_computes)
{
    const uint16_t weight[3] = {0x3c00, 0x4000, 0x4200};
    struct message graph = {0}, node, tensor;
    onnx_add_input(&graph, "x", ONNX_FLOAT16, DIMS(2, 3));
    tensor = onnx_raw_tensor("w", ONNX_FLOAT16, DIMS(3), weight, sizeof weight);
    onnx_add_initializer(&graph, &tensor);
    node = onnx_node("Add", "add", "x w", "s");
    onnx_add_node(&graph, &node);
    node = onnx_node("Cast", "cast", "s", "h");
    onnx_attribute_int(&node, "to", ONNX_FLOAT16);
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "h", ONNX_FLOAT16, DIMS(2, 3));
    onnx_add_output(&graph, "x", ONNX_FLOAT16, DIMS(2, 3));
    struct graph *imported = import_model(onnx_model(&graph, 13));
    ck_assert_int_eq(imported->values[imported->inputs[0].value].dtype, COP_DTYPE_FLOAT16);
    for (int i = 0; i < imported->node_count; i++)
        if (imported->nodes[i].kind == OP_BINARY)
            for (int j = 0; j < 2; j++)
                ck_assert_int_eq(imported->values[imported->nodes[i].src[j]].dtype,
                                 COP_DTYPE_FLOAT32);
    const struct graph_value *h = &imported->values[imported->outputs[0]];
    const struct graph_value *x = &imported->values[imported->outputs[1]];
    ck_assert_int_eq(h->dtype, COP_DTYPE_FLOAT16);
    ck_assert_int_eq(imported->nodes[h->producer].kind, OP_CAST);
    ck_assert_int_eq(x->dtype, COP_DTYPE_FLOAT16);
    ck_assert_int_eq(imported->nodes[x->producer].kind, OP_IDENTITY); /* not there and back */
    cop_graph_destroy(imported);
}
END_TEST

START_TEST(an_output_of_another_type_than_declared_is_refused)
{
    struct message graph = {0}, node = onnx_node("Shape", "shape", "x", "y");
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_INT32, DIMS(1));
    expect_refused(onnx_model(&graph, 13), COP_STATUS_MALFORMED_MODEL,
                   "output 'y' is declared int32 and is int64");
}
END_TEST

START_TEST(symbolic_dimensions_keep_their_names)
{
    struct message graph = {0}, node = onnx_node("Relu", "relu", "x", "y"), dim = {0}, shape = {0},
                   tensor = {0}, type = {0}, input = {0};
    write_text(&dim, 2, "batch");
    write_message(&shape, 1, &dim);
    write_int(&dim, 1, 5);
    write_message(&shape, 1, &dim);
    write_message(&shape, 1, &dim); /* says nothing */
    write_int(&tensor, 1, ONNX_FLOAT);
    write_message(&tensor, 2, &shape);
    write_message(&type, 1, &tensor);
    write_text(&input, 1, "x");
    write_message(&input, 2, &type);
    write_message(&graph, 11, &input);
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, 0, NULL);
    struct graph *imported = import_model(onnx_model(&graph, 13));
    const struct shape *declared = &imported->values[imported->inputs[0].value].shape;
    ck_assert_str_eq(cop_shape_text(declared).text, "[?,5,?]");
    ck_assert_str_eq(imported->inputs[0].dim_names[0], "batch");
    ck_assert_ptr_null(imported->inputs[0].dim_names[1]);
    ck_assert_ptr_null(imported->inputs[0].dim_names[2]);
    cop_graph_destroy(imported);
}
END_TEST

/* Elements in the way the test says, always of a tensor w [2] of `type`. */
static struct message stored_model(int type, int field, const void *bytes, size_t size)
{
    struct message graph = {0}, tensor = onnx_tensor("w", type, DIMS(2)),
                   node = onnx_node("Identity", "id", "w", "y");
    write_bytes(&tensor, field, bytes, size);
    onnx_add_initializer(&graph, &tensor);
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", type, DIMS(2));
    return onnx_model(&graph, 13);
}

static void expect_stored(struct message model, const void *elements, size_t size)
{
    struct graph *graph = import_model(model);
    const struct graph_value *value = &graph->values[find_value(graph, "w")];
    ck_assert_uint_eq(value->constant->bytes, size);
    ck_assert_mem_eq(cop_source_bytes(value->constant->source) + value->constant->offset, elements,
                     size);
    cop_graph_destroy(graph);
}

START_TEST(elements_are_found_however_they_are_stored)
{
    const float floats[2] = {1.5f, -2};
    const double doubles[2] = {1e300, -2};
    const int64_t int64s[2] = {-1, 300};
    const int32_t int32s[2] = {-2, 5};
    const unsigned char varints[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0x01, 0xac, 0x02};
    expect_stored(stored_model(ONNX_FLOAT, 9, floats, sizeof floats), floats, sizeof floats);
    expect_stored(stored_model(ONNX_FLOAT, 4, floats, sizeof floats), floats, sizeof floats);
    expect_stored(stored_model(11, 10, doubles, sizeof doubles), doubles, sizeof doubles);
    expect_stored(stored_model(ONNX_INT64, 7, varints, sizeof varints), int64s, sizeof int64s);
    expect_stored(stored_model(ONNX_INT32, 5, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x05", 11),
                  int32s, sizeof int32s);
    expect_stored(stored_model(2, 5, "\xff\x01\x07", 3), "\xff\x07", 2); /* uint8 */
    expect_stored(stored_model(9, 5, "\x01\x00", 2), "\x01\x00", 2);     /* bool */
    expect_stored(stored_model(12, 11, "\xff\xff\xff\xff\x0f\x01", 6),   /* uint32 */
                  "\xff\xff\xff\xff\x01\x00\x00\x00", 8);
    expect_stored(stored_model(13, 11, "\x01\x02", 2), (uint64_t[]){1, 2}, 16); /* uint64 */
}
END_TEST

START_TEST(elements_that_do_not_fit_are_refused)
{
    expect_refused(stored_model(ONNX_FLOAT, 9, "1234567", 7), COP_STATUS_MALFORMED_MODEL,
                   "needs 8 bytes and has 7");
    expect_refused(stored_model(ONNX_FLOAT, 4, "123456789abc", 12), COP_STATUS_MALFORMED_MODEL,
                   "holds 3 elements");
    expect_refused(stored_model(ONNX_FLOAT, 4, "123456789", 9), COP_STATUS_MALFORMED_MODEL,
                   "an element is cut off");
    expect_refused(stored_model(ONNX_INT64, 7, "\x01", 1), COP_STATUS_MALFORMED_MODEL,
                   "holds 1 elements");
    expect_refused(stored_model(ONNX_INT64, 7, "\x01\x81", 2), COP_STATUS_MALFORMED_MODEL,
                   "holds 1 elements");
    expect_refused(stored_model(2, 5, "\x80\x02\x00", 3), COP_STATUS_MALFORMED_MODEL,
                   "its type cannot hold");
    expect_refused(stored_model(9, 5, "\x02\x00", 2), COP_STATUS_MALFORMED_MODEL,
                   "its type cannot hold");
    expect_refused(stored_model(9, 9, "\x01\x02", 2), COP_STATUS_MALFORMED_MODEL,
                   "element 1 is 2, which is no bool");
    expect_refused(stored_model(ONNX_STRING, 6, "ab", 2), COP_STATUS_UNSUPPORTED,
                   "initializer (w): tensor 'w': elements of string");
    expect_refused(stored_model(77, 9, "ab", 2), COP_STATUS_UNSUPPORTED, "elements of type 77");
    expect_refused(stored_model(0, 9, "ab", 2), COP_STATUS_MALFORMED_MODEL, "no element type");
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "onnx structure", names_must_exist_be_defined_once_and_in_order,
        an_output_need_not_state_its_type, files_that_are_no_model_say_so,
        everything_that_is_missing_is_named_at_once, a_long_list_of_what_is_missing_is_cut,
        an_input_with_an_initializer_is_a_constant,
        outputs_that_no_node_makes_alone_get_an_identity,
        float16_stays_outside_and_float32_computes,
        an_output_of_another_type_than_declared_is_refused, symbolic_dimensions_keep_their_names,
        elements_are_found_however_they_are_stored, elements_that_do_not_fit_are_refused);
}
