// SPDX-License-Identifier: Apache-2.0
/* What the table of operators refuses and concludes: attributes, element types, labels. */
#include "mxnet/base/mx_dtype.h"
#include "mxnet/operator_uses.h"

#define NONE MX_TYPE_NONE

struct check_case {
    const char *op, *attributes, *message; /* NULL: accepted */
};

static void run_checks(const struct check_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct parsed_use parsed;
        cop_error error = {.status = COP_STATUS_OK};
        const cop_status status = cop_mx_operator_check(
            find_operator(cases[i].op), "", parse_use(cases[i].attributes, &parsed), &error);
        if (cases[i].message == NULL) {
            ck_assert_msg(status == COP_STATUS_OK, "%s(%s): %s", cases[i].op, cases[i].attributes,
                          error.message);
        } else {
            ck_assert_msg(status == COP_STATUS_INVALID_ARGUMENT, "%s(%s)", cases[i].op,
                          cases[i].attributes);
            ck_assert_str_eq(error.message, cases[i].message);
        }
    }
}

#define RUN_CHECKS(cases) run_checks(cases, sizeof(cases) / sizeof(cases)[0])
#define CONVOLUTION       "kernel=(3,3);num_filter=4"

START_TEST(values_are_read_as_their_types_want_it)
{
    static const struct check_case cases[] = {
        {"Convolution", CONVOLUTION, NULL},
        {"Convolution", "kernel=3;num_filter= +4 ", NULL},
        {"Convolution", "kernel=[3L, 3L, ];num_filter=4;no_bias=TRUE;cudnn_tune=None", NULL},
        {"Convolution", "kernel=();num_filter=4294967295;layout=NHWC;workspace=4294967296", NULL},
        {"Convolution", "kernel=(3,3);num_filter=4294967296",
         "Invalid Parameter format for num_filter expect int (non-negative) but "
         "value='4294967296', in operator Convolution(name=\"\", kernel=\"(3,3)\", "
         "num_filter=\"4294967296\")"},
        {"Convolution", "kernel=(3,3;num_filter=4",
         "Invalid Parameter format for kernel expect Shape(tuple) but value='(3,3', in operator "
         "Convolution(name=\"\", kernel=\"(3,3\", num_filter=\"4\")"},
        {"Convolution", "kernel=(None,3);num_filter=4",
         "Invalid Parameter format for kernel expect Shape(tuple) but value='(None,3)', in "
         "operator Convolution(name=\"\", kernel=\"(None,3)\", num_filter=\"4\")"},
        {"slice", "begin=(None,3);end=None;step=()", NULL},
        {"FullyConnected", "num_hidden=4L",
         "Invalid Parameter format for num_hidden expect int but value='4L', in operator "
         "FullyConnected(name=\"\", num_hidden=\"4L\")"},
        {"FullyConnected", "num_hidden=1;no_bias=yes",
         "Invalid Parameter format for no_bias expect boolean but value='yes', in operator "
         "FullyConnected(name=\"\", num_hidden=\"1\", no_bias=\"yes\")"},
        {"FullyConnected", "num_hidden=1;no_bias=None",
         "Invalid Parameter format for no_bias expect boolean but value='None', in operator "
         "FullyConnected(name=\"\", num_hidden=\"1\", no_bias=\"None\")"},
        {"Pooling", "p_value=3L;count_include_pad=none", NULL},
        {"Pooling", "p_value=3.5",
         "Invalid Parameter format for p_value expect int or None but value='3.5', in operator "
         "Pooling(name=\"\", p_value=\"3.5\")"},
        {"softmax", "temperature=None;dtype=None;use_length=None", NULL},
        {"softmax", "temperature=abc",
         "Invalid Parameter format for temperature expect double or None but value='abc', in "
         "operator softmax(name=\"\", temperature=\"abc\")"},
        {"clip", "a_min=-inf;a_max=INF", NULL},
        {"clip", "a_min=1e39;a_max=1",
         "Out of range value for a_min, value='1e39', in operator clip(name=\"\", "
         "a_min=\"1e39\", a_max=\"1\")"},
        {"_plus_scalar", "scalar=1e39", NULL},
        {"_plus_scalar", "scalar=1e400",
         "Out of range value for scalar, value='1e400', in operator _plus_scalar(name=\"\", "
         "scalar=\"1e400\")"},
        {"_zeros", "shape=(2,3);ctx=cpu(0);dtype=int32", NULL},
        {"_random_uniform", "dtype=None;shape=None", NULL},
    };
    RUN_CHECKS(cases);
}
END_TEST

START_TEST(enumerations_take_their_names_exactly)
{
    static const struct check_case cases[] = {
        {"Activation", "act_type=softrelu", NULL},
        {"Activation", "act_type=Relu",
         "Invalid Input: 'Relu', valid values are: {'relu', 'sigmoid', 'softrelu', 'softsign', "
         "'tanh'}, in operator Activation(name=\"\", act_type=\"Relu\")"},
        {"Activation", "act_type=soft",
         "Invalid Input: 'soft', valid values are: {'relu', 'sigmoid', 'softrelu', 'softsign', "
         "'tanh'}, in operator Activation(name=\"\", act_type=\"soft\")"},
        {"Activation", "act_type=",
         "Invalid Input: '', valid values are: {'relu', 'sigmoid', 'softrelu', 'softsign', "
         "'tanh'}, in operator Activation(name=\"\", act_type=\"\")"},
        {"Activation", "",
         "Required parameter act_type of int is not presented, in operator "
         "Activation(name=\"\")"},
        {"_zeros", "dtype=None",
         "Invalid Input: 'None', valid values are: {'bfloat16', 'bool', 'float16', 'float32', "
         "'float64', 'int32', 'int64', 'int8', 'uint8'}, in operator _zeros(name=\"\", "
         "dtype=\"None\")"},
    };
    RUN_CHECKS(cases);
}
END_TEST

START_TEST(limits_are_kept)
{
    static const struct check_case cases[] = {
        {"FullyConnected", "num_hidden=0",
         "value 0 for Parameter num_hidden should be greater equal to 1\nnum_hidden: Number of "
         "outputs., in operator FullyConnected(name=\"\", num_hidden=\"0\")"},
        {"Crop", "num_args=4",
         "value 4 for Parameter num_args exceed bound [1,3]\nnum_args: Number of inputs., in "
         "operator Crop(name=\"\", num_args=\"4\")"},
        {"Dropout", "p=1", NULL},
        {"Dropout", "p=1.5",
         "value 1.5 for Parameter p exceed bound [0,1]\np: Share of elements that training sets "
         "to zero., in operator Dropout(name=\"\", p=\"1.5\")"},
        {"Concat", "num_args=-2147483648",
         "value -2147483648 for Parameter num_args should be greater equal to 1\nnum_args: "
         "Number of inputs., in operator Concat(name=\"\", num_args=\"-2147483648\")"},
    };
    RUN_CHECKS(cases);
}
END_TEST

START_TEST(unknown_and_missing_keys_are_told)
{
    static const struct check_case cases[] = {
        {"Activation", "act_type=relu;foo=1",
         "Cannot find argument 'foo', Possible Arguments:\n----------------\nact_type : {'relu', "
         "'sigmoid', 'softrelu', 'softsign', 'tanh'}, required\n, in operator "
         "Activation(name=\"\", act_type=\"relu\", foo=\"1\")"},
        {"Activation", "act_type=relu;____=1",
         "Cannot find argument '____', Possible Arguments:\n----------------\nact_type : "
         "{'relu', 'sigmoid', 'softrelu', 'softsign', 'tanh'}, required\n, in operator "
         "Activation(name=\"\", act_type=\"relu\", ____=\"1\")"},
        {"Activation", "__lr_mult__=x;act_type=relu;__a__=", NULL},
        {"relu", "foo=1", NULL}, /* nothing to read, nothing refused */
        {"Convolution", "num_filter=1",
         "Required parameter kernel of Shape(tuple) is not "
         "presented, in operator Convolution(name=\"\", "
         "num_filter=\"1\")"},
        {"add_n", "",
         "Required parameter num_args of int is not presented, in operator "
         "add_n(name=\"\")"},
        {"slice_axis", "axis=0;begin=0",
         "Required parameter end of int or None is not presented, in operator "
         "slice_axis(name=\"\", axis=\"0\", begin=\"0\")"},
        {"slice_axis", "axis=0;begin=0;end=None", NULL},
        {"_set_value", "",
         "Required parameter src of real_t is not presented, in operator "
         "_set_value(name=\"\")"},
    };
    RUN_CHECKS(cases);
    struct parsed_use parsed;
    cop_error error;
    ck_assert_int_eq(
        cop_mx_operator_check(find_operator("Flatten"), "f", parse_use("", &parsed), &error),
        COP_STATUS_OK);
    ck_assert_int_eq(
        cop_mx_operator_check(find_operator("LRN"), "norm1", parse_use("", &parsed), &error),
        COP_STATUS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "Required parameter nsize of int (non-negative) is not "
                                    "presented, in operator LRN(name=\"norm1\")");
    ck_assert_int_eq(cop_mx_operator_check(find_operator("LRN"), "n", parse_use("", &parsed), NULL),
                     COP_STATUS_INVALID_ARGUMENT);
}
END_TEST

/* Names and values are the client's: long ones are cut, and none begins a line. */
START_TEST(texts_of_clients_are_kept_in_bounds)
{
    char value[9000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    const char *keys[300], *values[300];
    for (int i = 0; i < 300; i++) {
        keys[i] = i == 299 ? "num_hidden" : "__a__b__c";
        values[i] = value;
    }
    keys[0] = "a\nb";
    const struct mx_attributes attributes = {300, keys, values};
    cop_error error;
    ck_assert_int_eq(
        cop_mx_operator_check(find_operator("FullyConnected"), value, &attributes, &error),
        COP_STATUS_INVALID_ARGUMENT);
    ck_assert_uint_lt(strlen(error.message), sizeof error.message);
    ck_assert_ptr_nonnull(strstr(error.message, "Cannot find argument 'a?b'"));
    ck_assert_ptr_nonnull(strstr(error.message, "a?b=\"xxx"));
    ck_assert_ptr_null(strstr(error.message, "a\nb"));
}
END_TEST

struct type_case {
    const char *op, *attributes;
    int input_count, output_count;
    int before[6], after[6]; /* inputs, then outputs */
    const char *message;     /* NULL: none */
};

static const struct type_case type_cases[] = {
    {"elemwise_add", "", 2, 1, {NONE, MX_FLOAT16, NONE}, {MX_FLOAT16, MX_FLOAT16, MX_FLOAT16}, 0},
    {"elemwise_add", "", 2, 1, {NONE, NONE, MX_INT8}, {MX_INT8, MX_INT8, MX_INT8}, 0},
    {"elemwise_add",
     "",
     2,
     1,
     {MX_FLOAT16, MX_FLOAT32, NONE},
     {0},
     "Incompatible attr at 1-th input: expected float16, got float32"},
    {"Convolution", "", 3, 1, {NONE, MX_FLOAT16, NONE, NONE}, {NONE, MX_FLOAT16, NONE, NONE}, 0},
    {"Convolution", "", 2, 1, {NONE, NONE, MX_FLOAT16}, {MX_FLOAT16, MX_FLOAT16, MX_FLOAT16}, 0},
    {"Convolution",
     "",
     2,
     1,
     {MX_FLOAT16, MX_FLOAT32, NONE},
     {0},
     "Incompatible attr at 1-th input: expected float16, got float32"},
    {"Pooling", "", 1, 1, {MX_INT8, NONE}, {MX_INT8, MX_INT8}, 0},
    {"Pooling", "", 1, 1, {NONE, MX_INT8}, {NONE, MX_INT8}, 0},
    {"BatchNorm",
     "",
     3,
     2,
     {MX_FLOAT16, NONE, NONE, NONE, NONE},
     {MX_FLOAT16, MX_FLOAT32, MX_FLOAT32, MX_FLOAT16, MX_FLOAT32},
     0},
    {"BatchNorm", "", 2, 1, {NONE, NONE, MX_FLOAT64}, {MX_FLOAT64, MX_FLOAT64, MX_FLOAT64}, 0},
    {"BatchNorm",
     "",
     2,
     1,
     {MX_INT32, NONE, NONE},
     {0},
     "This operation only support floating point types, not int32"},
    {"BatchNorm_v1",
     "",
     2,
     1,
     {MX_BFLOAT16, NONE, NONE},
     {MX_BFLOAT16, MX_BFLOAT16, MX_BFLOAT16},
     0},
    {"Cast", "dtype=uint8", 1, 1, {NONE, NONE}, {NONE, MX_UINT8}, 0},
    {"Cast",
     "dtype=uint8",
     1,
     1,
     {MX_FLOAT32, MX_INT8},
     {0},
     "Incompatible attr at 0-th output: expected uint8, got int8"},
    {"amp_cast", "dtype=float16", 1, 1, {MX_FLOAT32, NONE}, {MX_FLOAT32, MX_FLOAT16}, 0},
    {"amp_cast", "dtype=float16", 1, 1, {MX_INT32, NONE}, {MX_INT32, MX_INT32}, 0},
    {"Embedding",
     "dtype=float16",
     2,
     1,
     {MX_INT32, NONE, NONE},
     {MX_INT32, MX_FLOAT16, MX_FLOAT16},
     0},
    {"Embedding",
     "",
     2,
     1,
     {MX_FLOAT64, MX_FLOAT16, NONE},
     {MX_FLOAT64, MX_FLOAT16, MX_FLOAT16},
     0},
    {"take", "", 2, 1, {MX_FLOAT16, MX_INT32, NONE}, {MX_FLOAT16, MX_INT32, MX_FLOAT16}, 0},
    {"take", "", 2, 1, {MX_FLOAT16, NONE, NONE}, {MX_FLOAT16, NONE, NONE}, 0},
    {"shape_array", "", 1, 1, {MX_FLOAT16, NONE}, {MX_FLOAT16, MX_INT64}, 0},
    {"_plus_scalar", "", 1, 1, {MX_INT32, NONE}, {MX_INT32, MX_INT32}, 0},
    {"_plus_scalar", "", 1, 1, {MX_BOOL, NONE}, {MX_BOOL, MX_INT64}, 0},
    {"_plus_scalar", "is_int=False", 1, 1, {MX_INT32, NONE}, {MX_INT32, MX_FLOAT64}, 0},
    {"_plus_scalar", "is_int=0", 1, 1, {MX_FLOAT16, NONE}, {MX_FLOAT16, MX_FLOAT16}, 0},
    {"_npi_true_divide", "", 2, 1, {MX_INT32, MX_INT32, NONE}, {MX_INT32, MX_INT32, MX_FLOAT32}, 0},
    {"softmax", "dtype=float64", 1, 1, {MX_FLOAT16, NONE}, {MX_FLOAT16, MX_FLOAT64}, 0},
    {"softmax",
     "use_length=1",
     2,
     1,
     {MX_FLOAT16, MX_INT32, NONE},
     {MX_FLOAT16, MX_INT32, MX_FLOAT16},
     0},
    {"norm", "out_dtype=float64", 1, 1, {MX_FLOAT16, NONE}, {MX_FLOAT16, MX_FLOAT64}, 0},
    {"InstanceNorm", "", 2, 1, {NONE, NONE, NONE}, {0, 0, 0}, 0},
    {"InstanceNorm", "", 1, 1, {MX_FLOAT16, NONE}, {0}, "Unsupported data type float16"},
    {"_zeros", "dtype=int32", 0, 1, {NONE}, {MX_INT32}, 0},
    {"_zeros", "", 0, 1, {NONE}, {MX_FLOAT32}, 0},
    {"_random_normal", "", 0, 1, {MX_FLOAT16}, {MX_FLOAT16}, 0},
    {"_random_normal",
     "",
     0,
     1,
     {MX_INT32},
     {0},
     "Random numbers are float16, float32 or float64, not int32"},
    {"_copyto", "", 1, 1, {MX_FLOAT16, MX_INT8}, {MX_FLOAT16, MX_INT8}, 0},
    {"_set_value", "", 0, 1, {NONE}, {NONE}, 0},
    {"SoftmaxOutput", "", 2, 1, {NONE, MX_FLOAT16, NONE}, {NONE, MX_FLOAT16, NONE}, 0},
};

START_TEST(element_types_follow_from_each_other)
{
    for (size_t i = 0; i < sizeof type_cases / sizeof type_cases[0]; i++) {
        const struct type_case *expected = &type_cases[i];
        const int inputs = expected->input_count, all = inputs + expected->output_count;
        struct parsed_use parsed;
        int types[6];
        bool changed = false;
        cop_error error;
        memcpy(types, expected->before, sizeof types);
        const cop_status status = cop_mx_operator_infer_types(
            find_operator(expected->op), parse_use(expected->attributes, &parsed), inputs, types,
            expected->output_count, types + inputs, &changed, &error);
        if (expected->message != NULL) {
            ck_assert_int_eq(status, COP_STATUS_INVALID_ARGUMENT);
            ck_assert_str_eq(error.message, expected->message);
            continue;
        }
        ck_assert_int_eq(status, COP_STATUS_OK);
        bool is_new = false;
        for (int k = 0; k < all; k++) {
            ck_assert_msg(types[k] == expected->after[k], "%s(%s), case %zu: type %d is %d",
                          expected->op, expected->attributes, i, k, types[k]);
            is_new |= expected->before[k] != expected->after[k];
        }
        ck_assert_msg(changed == is_new, "%s(%s)", expected->op, expected->attributes);
    }
}
END_TEST

struct label_case {
    const char *op, *attributes;
    int data_rank;
    int64_t data[4];
    int label_rank;
    int64_t label[4];
    const char *result; /* a shape, or the message */
};

static const struct label_case label_cases[] = {
    {"SoftmaxOutput", "", 2, {4, 5}, -1, {0}, "[4]"},
    {"SoftmaxOutput", "", 4, {2, 3, 4, 5}, -1, {0}, "[2,3,4]"},
    {"SoftmaxOutput", "", 1, {4}, -1, {0}, "unknown"},
    {"SoftmaxOutput", "", 2, {4, 5}, 2, {4, 5}, "[4,5]"},
    {"SoftmaxOutput",
     "",
     2,
     {4, 5},
     1,
     {3},
     "Shape inconsistent, Provided = [3], inferred shape=[4]"},
    {"SoftmaxOutput", "", 2, {COP_UNKNOWN, 5}, 1, {4}, "[4]"},
    {"SoftmaxOutput", "multi_output=1", 4, {2, 3, 4, 5}, -1, {0}, "[2,20]"},
    {"SoftmaxOutput", "multi_output=1", 2, {4, 5}, -1, {0}, "[4,1]"},
    {"SoftmaxOutput", "multi_output=1", 2, {4, 5}, 1, {4}, "[4]"},
    {"SoftmaxOutput", "multi_output=1", 4, {2, 3, 4, 5}, 3, {2, 4, 5}, "[2,4,5]"},
    {"SoftmaxOutput", "multi_output=1", 4, {2, 3, 4, 5}, 4, {2, 1, 4, 5}, "[2,1,4,5]"},
    {"SoftmaxOutput",
     "multi_output=1",
     4,
     {2, 3, 4, 5},
     3,
     {2, 5, 4},
     "Expecting [2,20] or [2,4,5]. But got [2,5,4]"},
    {"SoftmaxOutput", "multi_output=1", 3, {2, 3, COP_UNKNOWN}, -1, {0}, "[2,?]"},
    {"SoftmaxOutput",
     "multi_output=1",
     1,
     {2},
     -1,
     {0},
     "multi_output needs data of at least 2 dimensions, not [2]"},
    {"LinearRegressionOutput", "", 2, {4, 5}, -1, {0}, "[4,5]"},
    {"LinearRegressionOutput", "", 2, {4, 1}, -1, {0}, "[4]"},
    {"LogisticRegressionOutput", "", 3, {2, 3, 4}, 2, {2, 12}, "[2,12]"},
    {"MAERegressionOutput",
     "",
     2,
     {4, 5},
     1,
     {20},
     "Shape inconsistent, Provided = [20], inferred shape=[4,5]"},
    {"SVMOutput", "", 2, {4, 5}, -1, {0}, "[4]"},
    {"SVMOutput",
     "",
     2,
     {4, 5},
     2,
     {4, 5},
     "Shape inconsistent, Provided = [4,5], inferred shape=[4]"},
    {"Flatten", "", 2, {4, 5}, -1, {0}, "unknown"},
    {"SoftmaxOutput", "", -1, {0}, -1, {0}, "unknown"},
};

START_TEST(labels_get_their_shape_from_the_data)
{
    for (size_t i = 0; i < sizeof label_cases / sizeof label_cases[0]; i++) {
        const struct label_case *expected = &label_cases[i];
        const struct shape unknown = cop_shape_unknown();
        const struct shape data =
            expected->data_rank < 0 ? unknown : cop_shape_of(expected->data_rank, expected->data);
        struct shape label = expected->label_rank < 0
                                 ? unknown
                                 : cop_shape_of(expected->label_rank, expected->label);
        struct parsed_use parsed;
        cop_error error;
        const cop_status status = cop_mx_operator_infer_label(
            find_operator(expected->op), parse_use(expected->attributes, &parsed), &data, &label,
            &error);
        ck_assert_str_eq(status == COP_STATUS_OK ? cop_shape_text(&label).text : error.message,
                         expected->result);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("mxnet operator rules", values_are_read_as_their_types_want_it,
                     enumerations_take_their_names_exactly, limits_are_kept,
                     unknown_and_missing_keys_are_told, texts_of_clients_are_kept_in_bounds,
                     element_types_follow_from_each_other, labels_get_their_shape_from_the_data);
}
