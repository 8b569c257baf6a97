// SPDX-License-Identifier: Apache-2.0
/* Shapes and types that follow from what is known: of parameters, labels, outputs and inputs. */
#include "mxnet/mx_symbols.h"

#define MOST_KNOWN 4

/* What is known, as "data=2,3 label=2"; "" for nothing. */
struct known {
    char text[128];
    const char *keys[MOST_KNOWN];
    uint32_t count, offsets[MOST_KNOWN + 1];
    int dims[32];
};

static void parse_known(const char *text, struct known *known)
{
    *known = (struct known){.count = 0};
    snprintf(known->text, sizeof known->text, "%s", text);
    char *rest = known->text, *pair;
    uint32_t length = 0;
    while ((pair = strsep(&rest, " ")) != NULL && pair[0] != '\0') {
        known->keys[known->count++] = strsep(&pair, "=");
        for (char *dim; (dim = strsep(&pair, ",")) != NULL && dim[0] != '\0';)
            known->dims[length++] = atoi(dim);
        known->offsets[known->count] = length;
    }
}

struct answer {
    int result, complete;
    char text[1024];
};

static void describe(char *text, uint32_t count, const int *ranks, const int **dims)
{
    size_t length = strlen(text);
    for (uint32_t i = 0; i < count; i++) {
        length += (size_t)sprintf(text + length, "%s(", i == 0 ? "" : " ");
        for (int k = 0; k < ranks[i]; k++)
            length += (size_t)sprintf(text + length, "%s%d", k == 0 ? "" : ",", dims[i][k]);
        length += (size_t)sprintf(text + length, ")");
    }
}

/* "arguments -> outputs | auxiliary states". */
static struct answer infer(SymbolHandle symbol, const char *text, bool is_by_name)
{
    struct known known;
    struct answer answer = {.text = ""};
    uint32_t sizes[3];
    const int *ranks[3], **dims[3];
    parse_known(text, &known);
    answer.result =
        MXSymbolInferShapeEx(symbol, known.count, is_by_name ? known.keys : NULL, known.offsets,
                             known.dims, &sizes[0], &ranks[0], &dims[0], &sizes[1], &ranks[1],
                             &dims[1], &sizes[2], &ranks[2], &dims[2], &answer.complete);
    for (int i = 0; i < 3 && answer.result == 0; i++) {
        strcat(answer.text, i == 0 ? "" : i == 1 ? " -> " : sizes[2] > 0 ? " | " : "");
        describe(answer.text, sizes[i], ranks[i], dims[i]);
    }
    return answer;
}

static void expect(SymbolHandle symbol, const char *known, const char *shapes, int complete)
{
    const struct answer answer = infer(symbol, known, true);
    ck_assert_msg(answer.result == 0, "%s: %s", known, MXGetLastError());
    ck_assert_msg(strcmp(answer.text, shapes) == 0, "%s: %s", known, answer.text);
    ck_assert_msg(answer.complete == complete, "%s: complete is %d", known, answer.complete);
}

static void expect_failure(SymbolHandle symbol, const char *known, const char *part)
{
    MX_FAILS(infer(symbol, known, true).result, part);
}

/* One use of an operator whose node is n and whose first input is data. */
struct use {
    const char *op, *attributes, *known, *shapes;
};

START_TEST(parameters_follow_from_the_data_and_what_operators_state)
{
    static const struct use uses[] = {
        {"FullyConnected", "num_hidden=8", "data=2,4,6,6", "(2,4,6,6) (8,144) (8) -> (2,8)"},
        {"FullyConnected", "num_hidden=8;no_bias=1", "data=2,5", "(2,5) (8,5) -> (2,8)"},
        {"FullyConnected", "num_hidden=3;flatten=False", "data=2,4,6",
         "(2,4,6) (3,6) (3) -> (2,4,3)"},
        {"Convolution", "kernel=(3,3);num_filter=8", "data=2,4,6,6",
         "(2,4,6,6) (8,4,3,3) (8) -> (2,8,4,4)"},
        {"Convolution", "kernel=(3,3);num_filter=8;stride=(2,2);pad=(1,1);num_group=2;no_bias=1",
         "data=2,4,6,6", "(2,4,6,6) (8,2,3,3) -> (2,8,3,3)"},
        {"Convolution", "kernel=(3,);num_filter=8", "data=2,4,6", "(2,4,6) (8,4,3) (8) -> (2,8,4)"},
        {"BatchNorm", "", "data=2,4,6,6", "(2,4,6,6) (4) (4) -> (2,4,6,6) | (4) (4)"},
        {"BatchNorm", "axis=-1", "data=2,4,6", "(2,4,6) (6) (6) -> (2,4,6) | (6) (6)"},
        {"LeakyReLU", "act_type=prelu", "data=2,4,6,6", "(2,4,6,6) (4) -> (2,4,6,6)"},
        {"Embedding", "input_dim=10;output_dim=4", "data=2,7", "(2,7) (10,4) -> (2,7,4)"},
        {"LayerNorm", "", "data=2,4,6", "(2,4,6) (6) (6) -> (2,4,6)"},
        {"LayerNorm", "axis=1", "data=2,4,6", "(2,4,6) (4) (4) -> (2,4,6)"},
        {"InstanceNorm", "", "data=2,4,6,6", "(2,4,6,6) (4) (4) -> (2,4,6,6)"},
        {"GroupNorm", "num_groups=2", "data=2,4,6,6", "(2,4,6,6) (2) (2) -> (2,4,6,6)"},
        {"SoftmaxOutput", "", "data=2,10", "(2,10) (2) -> (2,10)"},
        {"SoftmaxOutput", "multi_output=True", "data=2,4,6,6", "(2,4,6,6) (2,36) -> (2,4,6,6)"},
        {"LinearRegressionOutput", "", "data=2,1", "(2,1) (2) -> (2,1)"},
        {"LinearRegressionOutput", "", "data=2,3", "(2,3) (2,3) -> (2,3)"},
        {"elemwise_add", "", "data=2,3", "(2,3) (2,3) -> (2,3)"},
        {"slice_like", "", "data=4,5 n_shape_like=2,3", "(4,5) (2,3) -> (2,3)"},
        {"slice_like", "axes=(0,)", "data=4,5 n_shape_like=2,3", "(4,5) (2,3) -> (2,5)"},
    };
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        SymbolHandle symbol = mx_node(uses[i].op, uses[i].attributes, "n", mx_variable("data"));
        expect(symbol, uses[i].known, uses[i].shapes, 1);
        MX(MXSymbolFree(symbol));
    }
}
END_TEST

START_TEST(what_is_not_known_stays_open_whatever_the_operator)
{
    static const struct use uses[] = {
        {"BatchNorm", "", "data=0,4,0,6", "(0,4,0,6) (4) (4) -> (0,4,0,6) | (4) (4)"},
        {"Convolution", "kernel=(3,3);num_filter=8", "data=0,4,6,6",
         "(0,4,6,6) (8,4,3,3) (8) -> (0,8,4,4)"},
        {"Embedding", "input_dim=10;output_dim=4", "data=0,7", "(0,7) (10,4) -> (0,7,4)"},
        {"SoftmaxOutput", "", "data=0,10", "(0,10) (0) -> (0,10)"},
        {"SwapAxis", "dim1=0;dim2=1", "", "() -> ()"},
        {"tile", "reps=(2,1)", "", "() -> ()"},
        {"repeat", "repeats=2;axis=1", "", "() -> ()"},
        {"slice_like", "", "", "() () -> ()"},
        {"dot", "", "", "() () -> ()"},
        {"broadcast_axis", "axis=0;size=3", "", "() -> ()"},
        {"LeakyReLU", "act_type=rrelu", "data=2,3", "(2,3) -> (2,3) ()"},
    };
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        SymbolHandle symbol = mx_node(uses[i].op, uses[i].attributes, "n", mx_variable("data"));
        expect(symbol, uses[i].known, uses[i].shapes, 0);
        MX(MXSymbolFree(symbol));
    }
}
END_TEST

/* Two layers and a softmax. */
static SymbolHandle make_network(void)
{
    SymbolHandle symbol =
        mx_node("Convolution", "kernel=(5,5);num_filter=20", "c1", mx_variable("data"));
    symbol = mx_node("Activation", "act_type=tanh", "a1", symbol);
    symbol = mx_node("Pooling", "kernel=(2,2);stride=(2,2)", "p1", symbol);
    symbol =
        mx_node("FullyConnected", "num_hidden=500", "fc1", mx_node("Flatten", "", "f", symbol));
    symbol = mx_node("FullyConnected", "num_hidden=10", "fc2", symbol);
    return mx_node("SoftmaxOutput", "", "softmax", symbol);
}

START_TEST(a_network_follows_from_its_data)
{
    SymbolHandle network = make_network();
    static const char all[] = "(2,1,28,28) (20,1,5,5) (20) (500,2880) (500) (10,500) (10) (2) -> "
                              "(2,10)";
    expect(network, "data=2,1,28,28", all, 1);
    expect(network, "data=0,1,28,28 softmax_label=2", /* labels say nothing of the data */
           "(0,1,28,28) (20,1,5,5) (20) (500,2880) (500) (10,500) (10) (2) -> (0,10)", 0);
    const struct answer answer = infer(network, "data=2,1,28,28", false);
    ck_assert_str_eq(answer.text, all);
    expect(network, "data=2,1,0,0",
           "(2,1,0,0) (20,1,5,5) (20) (500,0) (500) (10,500) (10) (2) -> (2,10)", 0);
    MX(MXSymbolFree(network));
}
END_TEST

START_TEST(shapes_that_variables_state_are_used_and_may_be_overridden)
{
    SymbolHandle x = mx_variable("x");
    MX(MXSymbolSetAttr(x, "__shape__", "(0, 4)"));
    SymbolHandle dense = mx_node("FullyConnected", "num_hidden=2", "fc", x);
    expect(dense, "", "(0,4) (2,4) (2) -> (0,2)", 0);
    expect(dense, "x=3,5", "(3,5) (2,5) (2) -> (3,2)", 1);
    MX(MXSymbolFree(dense));
}
END_TEST

START_TEST(knowledge_goes_backward)
{
    SymbolHandle sides[] = {mx_node("relu", "", "act", mx_variable("x")), mx_variable("y")};
    SymbolHandle sum = mx_atomic("elemwise_add", "");
    MX(MXSymbolCompose(sum, "sum", 2, NULL, sides));
    expect(sum, "y=2,3", "(2,3) (2,3) -> (2,3)", 1);
    expect(sum, "x=2,0 y=0,3", "(2,3) (2,3) -> (2,3)", 1);
    for (size_t i = 0; i < 3; i++)
        MX(MXSymbolFree((SymbolHandle[]){sides[0], sides[1], sum}[i]));
}
END_TEST

START_TEST(contradictions_name_the_operator)
{
    static const struct use failures[] = {
        {"FullyConnected", "num_hidden=8", "data=2,5 n_weight=7,5",
         "Error in operator n: Shape inconsistent, Provided = [7,5], inferred shape=[8,?]"},
        {"FullyConnected", "num_hidden=8", "data=2,5 n_weight=8,4", "Error in operator n: "},
        {"Convolution", "kernel=(3,3);num_filter=8", "data=2,4,6",
         "Error in operator n: Shape inconsistent, Provided = [2,4,6]"},
        {"Convolution", "kernel=(7,7);num_filter=8", "data=2,4,6,6", "Error in operator n: "},
        {"Embedding", "input_dim=10;output_dim=4", "data=2 n_weight=9,4", "Error in operator n: "},
        {"LayerNorm", "", "data=2,4 n_gamma=5", "Error in operator n: Shape inconsistent"},
        {"elemwise_add", "", "data=2,4 n_rhs=2,5", "Error in operator n: "},
        {"SoftmaxOutput", "", "data=2,4 n_label=3",
         "Error in operator n: Shape inconsistent, Provided = [3], inferred shape=[2]"},
        {"slice_like", "", "data=2,4 n_shape_like=2", "Error in operator n: "},
    };
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        SymbolHandle symbol =
            mx_node(failures[i].op, failures[i].attributes, "n", mx_variable("data"));
        expect_failure(symbol, failures[i].known, failures[i].shapes);
        MX(MXSymbolFree(symbol));
    }
}
END_TEST

START_TEST(names_that_nobody_has_and_places_that_are_null_are_refused)
{
    SymbolHandle dense = mx_dense("fc", mx_variable("data"));
    uint32_t size;
    const int *list, **lists, offsets[] = {0, 1};
    int complete;
    expect_failure(dense, "nobody=1",
                   "InferShapeKeyword argument name nobody not found. Candidate arguments:"
                   "\n\t[0]data\n\t[1]fc_weight\n\t[2]fc_bias");
    MX_FAILS(infer(dense, "a=1 b=1 c=1 d=1", false).result, "4 known arguments");
    MX_FAILS(MXSymbolInferShapeEx(dense, 0, NULL, NULL, NULL, &size, &list, &lists, &size, &list,
                                  &lists, &size, &list, NULL, &complete),
             "NULL");
    MX_FAILS(MXSymbolInferShapeEx(dense, 1, NULL, (const uint32_t *)offsets, NULL, &size, &list,
                                  &lists, &size, &list, &lists, &size, &list, &lists, &complete),
             "arg_shape_data is NULL");
    MX_FAILS(MXSymbolInferType(dense, 1, (const char *[]){"nobody"}, (const int[]){0}, &size, &list,
                               &size, &list, &size, &list, &complete),
             "InferTypeKeyword argument name nobody not found");
    MX_FAILS(MXSymbolInferType(dense, 1, (const char *[]){"data"}, (const int[]){77}, &size, &list,
                               &size, &list, &size, &list, &complete),
             "77");
    MX(MXSymbolFree(dense));
}
END_TEST

START_TEST(the_six_functions_differ_in_widths_and_partial_ones_are_always_complete)
{
    SymbolHandle dense = mx_dense("fc", mx_variable("data"));
    const char *keys[] = {"data"};
    const uint32_t offsets[] = {0, 2}, dims[] = {0, 3};
    const int64_t offsets64[] = {0, 2}, dims64[] = {0, 3};
    uint32_t sizes[3];
    size_t sizes64[3];
    const uint32_t *ranks[3], **shapes[3];
    const int *ranks64[3];
    const int64_t **shapes64[3];
    int complete = -1;
    MX(MXSymbolInferShape(dense, 1, keys, offsets, dims, &sizes[0], &ranks[0], &shapes[0],
                          &sizes[1], &ranks[1], &shapes[1], &sizes[2], &ranks[2], &shapes[2],
                          &complete));
    ck_assert_int_eq(complete, 0);
    ck_assert_uint_eq(shapes[0][1][1], 3);
    ck_assert_uint_eq(shapes[1][0][0], 0);
    MX(MXSymbolInferShapePartial(dense, 1, keys, offsets, dims, &sizes[0], &ranks[0], &shapes[0],
                                 &sizes[1], &ranks[1], &shapes[1], &sizes[2], &ranks[2], &shapes[2],
                                 &complete));
    ck_assert_int_eq(complete, 1);
    MX(MXSymbolInferShapeEx64(dense, 1, keys, offsets64, dims64, &sizes64[0], &ranks64[0],
                              &shapes64[0], &sizes64[1], &ranks64[1], &shapes64[1], &sizes64[2],
                              &ranks64[2], &shapes64[2], &complete));
    ck_assert_int_eq(complete, 0);
    ck_assert_uint_eq(sizes64[0], 3);
    ck_assert_int_eq(ranks64[0][2], 1);
    ck_assert_int_eq(shapes64[0][2][0], 2);
    MX(MXSymbolFree(dense));
}
END_TEST

START_TEST(with_numpys_shapes_zero_is_a_size_and_minus_one_is_open)
{
    int before;
    SymbolHandle relu = mx_node("relu", "", "act", mx_variable("data"));
    MX(MXSetIsNumpyShape(1, &before));
    expect(relu, "data=0,3", "(0,3) -> (0,3)", 1);
    expect(relu, "data=-1,3", "(-1,3) -> (-1,3)", 0);
    MX(MXSetIsNumpyShape(before, &before));
    MX(MXSymbolFree(relu));
}
END_TEST

/* Types of data, arguments, outputs and auxiliary states in one text, such as "2 0 -> 2". */
static void expect_types(const char *op, const char *attributes, int data_type,
                         const char *expected, int expected_complete)
{
    char text[256] = "";
    SymbolHandle symbol = mx_node(op, attributes, "n", mx_variable("data"));
    uint32_t sizes[3];
    const int *types[3];
    int complete;
    MX(MXSymbolInferType(symbol, data_type < 0 ? 0 : 1, (const char *[]){"data"}, &data_type,
                         &sizes[0], &types[0], &sizes[1], &types[1], &sizes[2], &types[2],
                         &complete));
    for (int i = 0; i < 3; i++) {
        strcat(text, i == 1 ? "-> " : i == 2 && sizes[2] > 0 ? "| " : "");
        for (uint32_t k = 0; k < sizes[i]; k++)
            sprintf(text + strlen(text), "%d ", types[i][k]);
    }
    ck_assert_msg(strcmp(text, expected) == 0, "%s(%d): %s", op, data_type, text);
    ck_assert_int_eq(complete, expected_complete);
    MX(MXSymbolFree(symbol));
}

START_TEST(types_follow_as_shapes_do)
{
    expect_types("FullyConnected", "num_hidden=2", 0, "0 0 0 -> 0 ", 1);
    expect_types("FullyConnected", "num_hidden=2", 2, "2 2 2 -> 2 ", 1);
    expect_types("BatchNorm", "", 2, "2 0 0 -> 2 | 0 0 ", 1);
    expect_types("Embedding", "input_dim=3;output_dim=2", 4, "4 0 -> 0 ", 1);
    expect_types("Cast", "dtype=float16", 0, "0 -> 2 ", 1);
    expect_types("argmax", "axis=1", 0, "0 -> 0 ", 1);
    expect_types("FullyConnected", "num_hidden=2", -1, "-1 -1 -1 -> -1 ", 0);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mx_infer", parameters_follow_from_the_data_and_what_operators_state,
        what_is_not_known_stays_open_whatever_the_operator, a_network_follows_from_its_data,
        shapes_that_variables_state_are_used_and_may_be_overridden, knowledge_goes_backward,
        contradictions_name_the_operator,
        names_that_nobody_has_and_places_that_are_null_are_refused,
        the_six_functions_differ_in_widths_and_partial_ones_are_always_complete,
        with_numpys_shapes_zero_is_a_size_and_minus_one_is_open, types_follow_as_shapes_do);
}
