// SPDX-License-Identifier: Apache-2.0
/*
 * Operator names from a file were used as regular expressions (CVE-2022-24294: matching took for
 * ever). A name is compared, byte by byte; one that is no operator's is told and nothing else
 * happens.
 */
#include <time.h>

#include "support/load_onnx.h"
#include "model/mxnet_files.h"
#include "support/unit.h"

static const char *const names[] = {".*",     "Rel.",   "Relu|Conv", "^Relu$",      "[A-Z]elu",
                                    "(a+)+$", "(Relu)", "Relu*",     "R%s%n%n%n",   "%1000000d",
                                    "Relu ",  " Relu",  "relU",      "Relu\n",      "..",
                                    "*",      "?",      "",          "Re\xcc\x81lu"};
#define NAME_COUNT (sizeof names / sizeof *names)

static struct message onnx_with(const char *op, const char *domain)
{
    struct message graph = {0}, node = onnx_node(op, "the node", "x", "y");
    if (domain != NULL)
        write_text(&node, 7, domain);
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2));
    return onnx_model(&graph, 13);
}

static cop_status load_mxnet(const char *op, cop_error *error)
{
    char text[4096];
    struct byte_writer params;
    cop_model *model = NULL;
    write_params(&params, "w 1;");
    snprintf(text, sizeof text,
             SYMBOL(VARIABLE("x") "," NODE("%s", "the node", "", "[0,0]"), "[1,0]"), op);
    char *json = write_json(text);
    const cop_bytes graph = {.data = json, .size = strlen(json)};
    const cop_bytes weights = {.data = params.bytes, .size = params.size};
    const cop_status status =
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, &model, error);
    ck_assert_ptr_null(model);
    free(json);
    return status;
}

START_TEST(a_name_that_is_a_pattern_is_no_operators)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        struct message model = onnx_with(names[i], NULL);
        expect_onnx_refused(&model, strchr(names[i], '\n') != NULL ? "Relu?" : names[i]);
        if (strchr(names[i], '\n') != NULL)
            continue; /* no JSON */
        cop_error error = {COP_STATUS_OK, ""};
        const cop_status status = load_mxnet(names[i], &error);
        ck_assert_msg(status == COP_STATUS_UNSUPPORTED || status == COP_STATUS_MALFORMED_MODEL,
                      "%s: %s", names[i], error.message);
        ck_assert_msg(strstr(error.message, names[i]) != NULL, "%s", error.message);
    }
    struct message relu = onnx_with("Relu", NULL), domain = onnx_with("Relu", ".*");
    cop_error error;
    ck_assert_int_eq(compile_onnx(&relu, NULL, &error), COP_STATUS_OK);
    expect_onnx_refused(&domain, ".*");
}
END_TEST

/* (a+)+$ on aaaa…b takes exponential time in engines that go back. */
START_TEST(long_names_take_no_time)
{
    const clock_t start = clock();
    char name[3001];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 2] = 'b';
    name[sizeof name - 1] = '\0';
    cop_error error = {COP_STATUS_OK, ""};
    struct message model = onnx_with(name, NULL);
    expect_onnx_refused(&model, "aaaa");
    ck_assert_int_eq(load_mxnet(name, &error), COP_STATUS_UNSUPPORTED);
    ck_assert_int_lt(clock() - start, CLOCKS_PER_SEC);
}
END_TEST

int main(void)
{
    return RUN_TESTS("operator names", a_name_that_is_a_pattern_is_no_operators,
                     long_names_take_no_time);
}
