// SPDX-License-Identifier: Apache-2.0
/*
 * The fixed limits through the public interface, each at the limit and one past it, for the parsers
 * that test_onnx_limits.c and test_symbol_json.c do not cover; and that a refusal says where.
 */
#include <cachedop/cachedop.h>

#include "model/mxnet_files.h"
#include "support/load_onnx.h"
#include "support/onnx_sample.h"
#include "support/unit.h"

static void keep(void *user, const void *bytes)
{
    (void)user, (void)bytes;
}

static cop_status load_json(const char *json, const struct byte_writer *params, cop_model **model,
                            cop_error *error)
{
    const cop_bytes graph = {json, strlen(json), keep, NULL};
    const cop_bytes weights = {params->bytes, params->size, keep, NULL};
    *error = (cop_error){COP_STATUS_OK, ""};
    return cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, model, error);
}

/* Loads a symbol whose text was written with single quotes, and releases what came out. */
static cop_status load_symbol(const char *text, cop_error *error)
{
    struct byte_writer params;
    cop_model *model = NULL;
    char *json = write_json(text);
    write_params(&params, "w 2;");
    const cop_status status = load_json(json, &params, &model, error);
    ck_assert((model != NULL) == (status == COP_STATUS_OK));
    cop_model_release(&model);
    free(json);
    return status;
}

static void repeat(char *text, const char *piece, int count)
{
    for (int i = 0; i < count; i++)
        strcat(text, piece);
}

/* The object of the symbol is the first. */
START_TEST(symbols_nest_64_deep)
{
    for (int extra = 0; extra < 2; extra++) {
        char text[1024] = "{'nodes':[" VARIABLE("x") "],'arg_nodes':[0],'heads':[[0,0]],'more':";
        cop_error error;
        repeat(text, "[", 63 + extra);
        repeat(text, "]", 63 + extra);
        strcat(text, "}");
        ck_assert_int_eq(load_symbol(text, &error),
                         extra == 0 ? COP_STATUS_OK : COP_STATUS_MALFORMED_MODEL);
        ck_assert(extra == 0 || strstr(error.message, "byte ") != NULL);
    }
}
END_TEST

START_TEST(strings_of_a_symbol_have_a_megabyte)
{
    for (size_t extra = 0; extra < 2; extra++) {
        const size_t length = ((size_t)1 << 20) + extra;
        char *text = calloc(1, length + 256);
        cop_error error;
        strcpy(text, "{'nodes':[{'op':'null','name':'");
        memset(text + strlen(text), 'x', length);
        strcat(text + length, "','inputs':[]}],'arg_nodes':[0],'heads':[[0,0]]}");
        ck_assert_int_eq(load_symbol(text, &error),
                         extra == 0 ? COP_STATUS_OK : COP_STATUS_MALFORMED_MODEL);
        ck_assert(extra == 0 || strstr(error.message, "byte ") != NULL);
        free(text);
    }
}
END_TEST

START_TEST(names_of_arrays_have_a_megabyte)
{
    for (size_t extra = 0; extra < 2; extra++) {
        struct byte_writer head;
        const size_t length = ((size_t)1 << 20) + extra;
        write_params(&head, "w 2;");
        const size_t names = head.size - 9; /* the length and the one letter */
        unsigned char *bytes = malloc(names + 8 + length);
        memcpy(bytes, head.bytes, names);
        memcpy(bytes + names, &(uint64_t){length}, 8);
        memset(bytes + names + 8, 'w', length);
        char *json = write_json("{'nodes':[" VARIABLE("x") "],'arg_nodes':[0],'heads':[[0,0]]}");
        const cop_bytes graph = {json, strlen(json), keep, NULL};
        const cop_bytes weights = {bytes, names + 8 + length, keep, NULL};
        cop_model *model = NULL;
        cop_error error = {COP_STATUS_OK, ""};
        const cop_status status =
            cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, &model, &error);
        ck_assert_msg(status == (extra == 0 ? COP_STATUS_OK : COP_STATUS_MALFORMED_MODEL), "%s",
                      error.message);
        ck_assert(extra == 0 || strstr(error.message, "byte ") != NULL);
        cop_model_release(&model);
        free(json);
        free(bytes);
    }
}
END_TEST

START_TEST(shapes_of_a_symbol_have_8_dimensions_and_fewer_than_2_to_the_48_elements)
{
    static const struct {
        const char *shape;
        bool is_good;
    } cases[] = {
        {"(1,1,1,1,1,1,1,1)", true},        {"(1,1,1,1,1,1,1,1,1)", false},
        {"(16777215,16777217)", true},      {"(16777216,16777216)", false},
        {"(281474976710655,)", true},       {"(281474976710656,)", false},
        {"(4294967296,4294967296)", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        cop_error error;
        cop_model *model = NULL;
        cop_cached_op *op = NULL;
        struct byte_writer params;
        cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
        options.device.kind = COP_DEVICE_REF;
        snprintf(text, sizeof text,
                 SYMBOL("{'op':'null','name':'x','attrs':{'__shape__':'%s'},'inputs':[]}," NODE(
                            "relu", "y", "", "[0,0]"),
                        "[1,0]"),
                 cases[i].shape);
        char *json = write_json(text);
        write_params(&params, "w 2;");
        cop_status status = load_json(json, &params, &model, &error);
        if (status == COP_STATUS_OK)
            status = cop_cached_op_create(model, &options, &op, &error);
        ck_assert_msg((status == COP_STATUS_OK) == cases[i].is_good, "%s: %s", cases[i].shape,
                      error.message);
        ck_assert(cases[i].is_good || strstr(error.message, "'x'") != NULL);
        cop_cached_op_release(&op);
        cop_model_release(&model);
        free(json);
    }
}
END_TEST

/* Input and result of one ONNX node with `elements` elements. */
static cop_status compile_elements(int64_t rows, int64_t columns, bool is_result, cop_error *error)
{
    struct message graph = {0};
    struct message node = onnx_node(is_result ? "Add" : "Relu", "n", is_result ? "x z" : "x", "y");
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(rows, is_result ? 1 : columns));
    if (is_result)
        onnx_add_input(&graph, "z", ONNX_FLOAT, DIMS(1, columns));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, 0, NULL);
    struct message file = onnx_model(&graph, 13);
    return compile_onnx(&file, NULL, error);
}

START_TEST(tensors_of_onnx_have_fewer_than_2_to_the_48_elements)
{
    const int64_t side = 1 << 24;
    for (int is_result = 0; is_result < 2; is_result++) {
        cop_error error = {COP_STATUS_OK, ""};
        ck_assert_msg(compile_elements(side - 1, side + 1, is_result, &error) == COP_STATUS_OK,
                      "%s", error.message);
        ck_assert_int_ne(compile_elements(side, side, is_result, &error), COP_STATUS_OK);
        ck_assert_msg(strstr(error.message, is_result ? "node 'n'" : "input 'x'") != NULL, "%s",
                      error.message);
    }
}
END_TEST

/* Mutations of sound files: each refusal has a status of a file's fault and says where in it. */
START_TEST(every_refusal_names_a_place)
{
    static const char *const places[] = {"byte ",   "node '", "node ",  "input ", "output ",
                                         "tensor ", "line ",  "array ", "opset ", "IR version",
                                         "'",       "\"",     "symbol", "(node ", "initializers"};
    struct message model = sample_model(), mutated = {0};
    uint64_t state = 7;
    int refused = 0;
    for (int round = 0; round < 20000; round++) {
        mutated.size = 0;
        write_raw(&mutated, model.bytes, model.size);
        uint64_t at = (state = state * UINT64_C(6364136223846793005) + 1) >> 33;
        mutated.bytes[at % mutated.size] = (unsigned char)(state >> 23);
        const cop_bytes bytes = {mutated.bytes, mutated.size, keep, NULL};
        cop_model *loaded = NULL;
        cop_error error = {COP_STATUS_OK, ""};
        const cop_status status =
            cop_model_load_bytes(COP_MODEL_FORMAT_ONNX, &bytes, NULL, NULL, &loaded, &error);
        cop_model_release(&loaded);
        if (status == COP_STATUS_OK)
            continue;
        bool has_place = false;
        for (size_t i = 0; i < sizeof places / sizeof *places && !has_place; i++)
            has_place = strstr(error.message, places[i]) != NULL;
        ck_assert_msg(has_place && error.status == status, "%s: %s", cop_status_name(status),
                      error.message);
        ck_assert(status == COP_STATUS_MALFORMED_MODEL || status == COP_STATUS_UNSUPPORTED);
        ck_assert_msg(status != COP_STATUS_MALFORMED_MODEL ||
                          strstr(error.message, "byte ") != NULL,
                      "%s", error.message);
        for (const char *c = error.message; *c != '\0'; c++)
            ck_assert_msg((unsigned char)*c >= 0x20 && *c != 0x7f, "%s", error.message);
        refused++;
    }
    ck_assert_int_gt(refused, 5000);
    message_free(&model);
    message_free(&mutated);
}
END_TEST

int main(void)
{
    return RUN_TESTS("limits", symbols_nest_64_deep, strings_of_a_symbol_have_a_megabyte,
                     names_of_arrays_have_a_megabyte,
                     shapes_of_a_symbol_have_8_dimensions_and_fewer_than_2_to_the_48_elements,
                     tensors_of_onnx_have_fewer_than_2_to_the_48_elements,
                     every_refusal_names_a_place);
}
