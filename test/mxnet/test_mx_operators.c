// SPDX-License-Identifier: Apache-2.0
/* The table of operators: what it has, how it describes itself, what it refuses and concludes. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <mxnet/c_api.h>
#include <nnvm/c_api.h>

#include "mxnet/base/mx_dtype.h"
#include "mxnet/operators/mx_operator.h"
#include "support/unit.h"

#define MOST_ATTRIBUTES 8
#define NONE            MX_TYPE_NONE

/* "key=value;key=value" taken apart. */
struct parsed {
    char text[512];
    const char *keys[MOST_ATTRIBUTES], *values[MOST_ATTRIBUTES];
    struct mx_attributes attributes;
};

static const struct mx_attributes *parse(const char *text, struct parsed *parsed)
{
    snprintf(parsed->text, sizeof parsed->text, "%s", text);
    int count = 0;
    char *rest = parsed->text, *pair;
    while ((pair = strsep(&rest, ";")) != NULL && pair[0] != '\0') {
        ck_assert_int_lt(count, MOST_ATTRIBUTES);
        parsed->keys[count] = strsep(&pair, "=");
        parsed->values[count++] = pair;
    }
    parsed->attributes = (struct mx_attributes){count, parsed->keys, parsed->values};
    return &parsed->attributes;
}

static const struct mx_operator *find(const char *name)
{
    const struct mx_operator *op = cop_mx_operator_find(name);
    ck_assert_msg(op != NULL, "%s", name);
    return op;
}

START_TEST(every_operator_of_the_importer_is_described)
{
    for (int f = 0; cop_mxnet_families[f] != NULL; f++)
        for (size_t i = 0; i < cop_mxnet_families[f]->count; i++) {
            const struct mxnet_operator *mapped = &cop_mxnet_families[f]->operators[i];
            const struct mx_operator *op = find(mapped->name);
            ck_assert_msg(
                op->mapping != NULL && op->mapping->map == mapped->map &&
                    op->mapping->variant == mapped->variant && op->mapping->last == mapped->last,
                "%s is described as %s, which becomes something else", mapped->name, op->name);
            ck_assert_str_eq(op->mapping->slots, mapped->slots);
        }
}
END_TEST

START_TEST(every_name_can_be_run)
{
    for (size_t i = 0; i < cop_mx_operator_name_count(); i++) {
        const char *name = cop_mx_operator_name_at(i);
        const struct mx_operator *op = find(name);
        const struct mxnet_operator *mapping = cop_mxnet_operator_find(name);
        if (op->imperative != MX_IMPERATIVE_NONE)
            ck_assert_msg(mapping == NULL && op->mapping == NULL, "%s runs in two ways", name);
        else
            ck_assert_msg(mapping != NULL && mapping->map == op->mapping->map &&
                              mapping->variant == op->mapping->variant,
                          "%s does not become what %s does", name, op->name);
    }
}
END_TEST

START_TEST(names_are_sorted_and_unique)
{
    ck_assert_uint_gt(cop_mx_operator_name_count(), cop_mx_operator_count());
    for (size_t i = 1; i < cop_mx_operator_name_count(); i++)
        ck_assert_msg(strcmp(cop_mx_operator_name_at(i - 1), cop_mx_operator_name_at(i)) < 0,
                      "%s before %s", cop_mx_operator_name_at(i - 1), cop_mx_operator_name_at(i));
    for (size_t i = 1; i < cop_mx_operator_count(); i++)
        ck_assert_str_lt(cop_mx_operator_at(i - 1)->name, cop_mx_operator_at(i)->name);
    ck_assert_ptr_null(cop_mx_operator_at(cop_mx_operator_count()));
    ck_assert_ptr_null(cop_mx_operator_name_at(cop_mx_operator_name_count()));
    ck_assert_ptr_null(cop_mx_operator_find("no such operator"));
    ck_assert_ptr_null(cop_mx_operator_find(""));
}
END_TEST

START_TEST(only_handles_are_handles)
{
    const struct mx_operator *op = cop_mx_operator_at(3);
    ck_assert(cop_mx_operator_is_one(op));
    ck_assert(!cop_mx_operator_is_one(NULL));
    ck_assert(!cop_mx_operator_is_one((const char *)op + 1));
    ck_assert(!cop_mx_operator_is_one(op + cop_mx_operator_count()));
    ck_assert(!cop_mx_operator_is_one(&op));
}
END_TEST

/* Whether generators of bindings understand a type: what comes before the first comma. */
static bool is_known_type(const char *type, size_t length)
{
    static const char *const types[] = {"NDArray-or-Symbol",
                                        "NDArray-or-Symbol[]",
                                        "NDArray",
                                        "Symbol or Symbol[]",
                                        "boolean",
                                        "boolean or None",
                                        "Shape(tuple)",
                                        "Shape or None",
                                        "int",
                                        "int or None",
                                        "int (non-negative)",
                                        "long (non-negative)",
                                        "float",
                                        "float or None",
                                        "double",
                                        "double or None",
                                        "string",
                                        "real_t"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strlen(types[i]) == length && strncmp(types[i], type, length) == 0)
            return true;
    return false;
}

/* {'a', 'b'}: in quotes but None, which comes first, and sorted. Returns what follows. */
static const char *skip_enum(const char *type)
{
    char last[64] = "";
    const char *at = type + 1;
    if (strncmp(at, "None, ", 6) == 0)
        at += 6;
    for (;; at += 2) {
        ck_assert_msg(*at == '\'', "%s", type);
        const size_t length = strcspn(++at, "'");
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        ck_assert_str_lt(last, name);
        snprintf(last, sizeof last, "%s", name);
        at += length + 1;
        if (*at == '}')
            return at + 1;
        ck_assert_msg(strncmp(at, ", ", 2) == 0, "%s", type);
    }
}

static void check_type(const struct mx_operator *op, int index)
{
    const char *type = op->arguments[index].type_info, *rest;
    const bool is_tensor = strstr(type, "Symbol") != NULL || strncmp(type, "NDArray", 7) == 0;
    ck_assert_msg(is_tensor == (index < op->tensor_count), "%s %d", op->name, index);
    if (type[0] == '{') {
        rest = skip_enum(type);
        ck_assert_msg(strcmp(rest, ", required") == 0 ||
                          strncmp(rest, ",optional, default='", 20) == 0,
                      "%s: %s", op->name, type);
        return;
    }
    const size_t length = strcspn(type, ",");
    rest = type + length;
    ck_assert_msg(is_known_type(type, length), "%s: %s", op->name, type);
    ck_assert_msg(is_tensor || strcmp(type, "real_t") == 0
                      ? *rest == '\0'
                      : strcmp(rest, ", required") == 0 ||
                            strncmp(rest, ", optional, default=", 20) == 0,
                  "%s: %s", op->name, type);
}

START_TEST(every_type_is_in_the_grammar_of_generators)
{
    for (size_t i = 0; i < cop_mx_operator_count(); i++) {
        const struct mx_operator *op = cop_mx_operator_at(i);
        ck_assert_int_le(op->tensor_count, op->argument_count);
        ck_assert_uint_gt(strlen(op->description), 10);
        for (int k = 0; k < op->argument_count; k++) {
            check_type(op, k);
            ck_assert_uint_gt(strlen(op->arguments[k].name), 0);
            ck_assert_uint_gt(strlen(op->arguments[k].description), 4);
            for (int j = 0; j < k; j++)
                ck_assert_str_ne(op->arguments[j].name, op->arguments[k].name);
        }
    }
}
END_TEST

/* A default that an operator's own reader refuses would be a wrong row. */
START_TEST(every_default_can_be_read)
{
    for (size_t i = 0; i < cop_mx_operator_count(); i++) {
        const struct mx_operator *op = cop_mx_operator_at(i);
        for (int k = op->tensor_count; k < op->argument_count; k++) {
            const char *at = strstr(op->arguments[k].type_info, "default=");
            if (at == NULL)
                continue;
            char value[64];
            const bool is_quoted = at[8] == '\'';
            snprintf(value, sizeof value, "%s", at + 8 + is_quoted);
            if (is_quoted)
                value[strlen(value) - 1] = '\0';
            const char *keys[] = {op->arguments[k].name}, *values[] = {value};
            const struct mx_attributes attributes = {1, keys, values};
            cop_error error = {.status = COP_STATUS_OK};
            const cop_status status = cop_mx_operator_check(op, "", &attributes, &error);
            const bool is_none = strcmp(value, "None") == 0; /* "absent" of some tuples */
            ck_assert_msg(status == COP_STATUS_OK || strncmp(error.message, "Required", 8) == 0 ||
                              is_none,
                          "%s", error.message);
        }
    }
}
END_TEST

/* As MXNet 1.9.1 tells it. */
START_TEST(descriptions_are_those_of_mxnet)
{
    static const struct {
        const char *op, *key_var_num_args, *arguments;
    } facts[] = {
        {"Activation", "", "data act_type"},
        {"Convolution", "",
         "data weight bias kernel stride dilate pad num_filter num_group workspace no_bias "
         "cudnn_tune cudnn_off layout"},
        {"BatchNorm", "",
         "data gamma beta moving_mean moving_var eps momentum fix_gamma use_global_stats "
         "output_mean_var axis cudnn_off min_calib_range max_calib_range"},
        {"BatchNorm_v1", "",
         "data gamma beta eps momentum fix_gamma use_global_stats output_mean_var"},
        {"Pooling", "",
         "data kernel pool_type global_pool cudnn_off pooling_convention stride pad p_value "
         "count_include_pad layout"},
        {"FullyConnected", "", "data weight bias num_hidden no_bias flatten"},
        {"SoftmaxOutput", "",
         "data label grad_scale ignore_label multi_output use_ignore preserve_shape "
         "normalization out_grad smooth_alpha"},
        {"Concat", "num_args", "data num_args dim"},
        {"stack", "num_args", "data axis num_args"},
        {"add_n", "num_args", "args"},
        {"UpSampling", "num_args",
         "data scale num_filter sample_type multi_input_mode num_args workspace"},
        {"LRN", "", "data alpha beta knorm nsize"},
        {"_plus_scalar", "", "data scalar is_int"},
        {"elemwise_add", "", "lhs rhs"},
        {"_random_uniform", "", "low high shape ctx dtype"},
        {"_random_normal", "", "loc scale shape ctx dtype"},
        {"_set_value", "", "src"},
        {"_copyto", "", "data"},
        {"_zeros", "", "shape ctx dtype"},
        {"_full", "", "shape ctx dtype value"},
        {"_arange", "", "start stop step repeat infer_range ctx dtype"},
        {"_CrossDeviceCopy", "", ""},
        {"log_softmax", "", "data axis temperature dtype use_length"},
        {"softmax", "", "data length axis temperature dtype use_length"},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        const struct mx_operator *op = find(facts[i].op);
        char arguments[512] = "";
        for (int k = 0; k < op->argument_count; k++)
            snprintf(arguments + strlen(arguments), sizeof arguments - strlen(arguments), "%s%s",
                     k == 0 ? "" : " ", op->arguments[k].name);
        ck_assert_str_eq(op->name, facts[i].op);
        ck_assert_str_eq(arguments, facts[i].arguments);
        ck_assert_str_eq(op->key_var_num_args, facts[i].key_var_num_args);
    }
    const struct mx_operator *op = find("Convolution");
    ck_assert_str_eq(op->arguments[0].type_info, "NDArray-or-Symbol");
    ck_assert_str_eq(op->arguments[3].type_info, "Shape(tuple), required");
    ck_assert_str_eq(op->arguments[7].type_info, "int (non-negative), required");
    ck_assert_str_eq(op->arguments[9].type_info, "long (non-negative), optional, default=1024");
    ck_assert_str_eq(op->arguments[11].type_info,
                     "{None, 'fastest', 'limited_workspace', 'off'},optional, default='None'");
    ck_assert_str_eq(find("BatchNorm")->arguments[5].type_info,
                     "double, optional, default=0.0010000000474974513");
    ck_assert_str_eq(find("add_n")->arguments[0].type_info, "NDArray-or-Symbol[]");
}
END_TEST

START_TEST(aliases_lead_to_their_operator)
{
    static const char *const pairs[][2] = {
        {"_Plus", "elemwise_add"},
        {"_plus", "elemwise_add"},
        {"_sparse_relu", "relu"},
        {"Softmax", "SoftmaxOutput"},
        {"concat", "Concat"},
        {"_npx_convolution", "Convolution"},
        {"identity", "_copy"},
        {"stop_gradient", "BlockGrad"},
        {"uniform", "_random_uniform"},
        {"random_normal", "_random_normal"},
        {"_PlusScalar", "_plus_scalar"},
        {"crop", "slice"},
        {"flatten", "Flatten"},
        {"ElementWiseSum", "add_n"},
        {"broadcast_plus", "broadcast_add"},
        {"_npi_copyto", "_copyto"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        ck_assert_str_eq(find(pairs[i][0])->name, pairs[i][1]);
}
END_TEST

struct check_case {
    const char *op, *attributes, *message; /* NULL: accepted */
};

static void run_checks(const struct check_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct parsed parsed;
        cop_error error = {.status = COP_STATUS_OK};
        const cop_status status = cop_mx_operator_check(
            find(cases[i].op), "", parse(cases[i].attributes, &parsed), &error);
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
    struct parsed parsed;
    cop_error error;
    ck_assert_int_eq(cop_mx_operator_check(find("Flatten"), "f", parse("", &parsed), &error),
                     COP_STATUS_OK);
    ck_assert_int_eq(cop_mx_operator_check(find("LRN"), "norm1", parse("", &parsed), &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "Required parameter nsize of int (non-negative) is not "
                                    "presented, in operator LRN(name=\"norm1\")");
    ck_assert_int_eq(cop_mx_operator_check(find("LRN"), "n", parse("", &parsed), NULL),
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
    ck_assert_int_eq(cop_mx_operator_check(find("FullyConnected"), value, &attributes, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_uint_lt(strlen(error.message), sizeof error.message);
    ck_assert_ptr_nonnull(strstr(error.message, "Cannot find argument 'a?b'"));
    ck_assert_ptr_nonnull(strstr(error.message, "a?b=\"xxx"));
    ck_assert_ptr_null(strstr(error.message, "a\nb"));
}
END_TEST

struct arity_case {
    const char *op, *attributes, *inputs; /* "?": any number */
    const char *outputs;                  /* … that are visible */
    int output_count;
};

static const struct arity_case arity_cases[] = {
    {"Convolution", "", "data weight bias", "output", 1},
    {"Convolution", "no_bias=1", "data weight", "output", 1},
    {"LeakyReLU", "", "data", "output", 1},
    {"LeakyReLU", "act_type=prelu", "data gamma", "output", 1},
    {"LeakyReLU", "act_type=rrelu", "data", "output mask", 2},
    {"BatchNorm", "", "data gamma beta moving_mean moving_var", "output", 3},
    {"BatchNorm", "output_mean_var=True", "data gamma beta moving_mean moving_var",
     "output mean var", 3},
    {"LayerNorm", "output_mean_var=1", "data gamma beta", "output mean std", 3},
    {"InstanceNorm", "", "data gamma beta", "output", 3},
    {"Dropout", "", "data", "output", 2},
    {"LRN", "nsize=3", "data", "output", 2},
    {"L2Normalization", "", "data", "output", 2},
    {"SoftmaxOutput", "", "data label", "output", 1},
    {"make_loss", "", "data", "loss", 1},
    {"SliceChannel", "num_outputs=1", "data", "output0", 1},
    {"split", "num_outputs=3", "data", "output0 output1 output2", 3},
    {"Concat", "num_args=3", "arg0 arg1 arg2", "output", 1},
    {"Concat", "", "?", "output", 1},
    {"Concat", "num_args=0", "?", "output", 1},
    {"UpSampling", "sample_type=nearest;num_args=1", "arg0", "output", 1},
    {"UpSampling", "sample_type=bilinear;num_args=1", "data weight", "output", 1},
    {"softmax", "", "data", "output", 1},
    {"softmax", "use_length=True", "data length", "output", 1},
    {"log_softmax", "use_length=True", "data", "output", 1},
    {"take", "", "a indices", "output", 1},
    {"_zeros", "", "", "output", 1},
    {"_copyto", "", "data", "output", 1},
    {"_CrossDeviceCopy", "", "data", "output", 1},
};

START_TEST(inputs_and_outputs_are_those_of_the_attributes)
{
    for (size_t i = 0; i < sizeof arity_cases / sizeof arity_cases[0]; i++) {
        const struct arity_case *expected = &arity_cases[i];
        const struct mx_operator *op = find(expected->op);
        struct parsed parsed;
        const struct mx_attributes *attributes = parse(expected->attributes, &parsed);
        char inputs[256] = "", outputs[256] = "", name[COP_MX_NAME_BYTES];
        const int count = cop_mx_operator_input_count(op, attributes);
        for (int k = 0; k < count; k++) {
            cop_mx_operator_input_name(op, attributes, k, name);
            sprintf(inputs + strlen(inputs), "%s%s", k == 0 ? "" : " ", name);
        }
        for (int k = 0; k < cop_mx_operator_visible_count(op, attributes); k++) {
            cop_mx_operator_output_name(op, attributes, k, name);
            sprintf(outputs + strlen(outputs), "%s%s", k == 0 ? "" : " ", name);
        }
        ck_assert_str_eq(count < 0 ? "?" : inputs, expected->inputs);
        ck_assert_str_eq(outputs, expected->outputs);
        ck_assert_int_eq(cop_mx_operator_output_count(op, attributes), expected->output_count);
        ck_assert_int_le(cop_mx_operator_visible_count(op, attributes), expected->output_count);
    }
}
END_TEST

START_TEST(auxiliary_states_are_the_moving_statistics)
{
    for (size_t i = 0; i < cop_mx_operator_count(); i++) {
        const struct mx_operator *op = cop_mx_operator_at(i);
        const bool is_batch_norm = strstr(op->name, "BatchNorm") != NULL;
        for (int k = -1; k < 8; k++)
            ck_assert_msg(cop_mx_operator_is_mutable(op, k) ==
                              (is_batch_norm && (k == 3 || k == 4)),
                          "%s input %d", op->name, k);
    }
}
END_TEST

START_TEST(training_changes_what_it_should)
{
    static const struct {
        const char *op, *attributes;
        bool is_different;
    } cases[] = {
        {"Dropout", "", true},
        {"BatchNorm", "", true},
        {"BatchNorm", "use_global_stats=True", false},
        {"LeakyReLU", "", false},
        {"LeakyReLU", "act_type=rrelu", true},
        {"Convolution", "", false},
        {"_random_uniform", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed parsed;
        ck_assert_msg(cop_mx_operator_trains_differently(find(cases[i].op),
                                                         parse(cases[i].attributes, &parsed)) ==
                          cases[i].is_different,
                      "%s(%s)", cases[i].op, cases[i].attributes);
    }
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
        struct parsed parsed;
        int types[6];
        bool changed = false;
        cop_error error;
        memcpy(types, expected->before, sizeof types);
        const cop_status status = cop_mx_operator_infer_types(
            find(expected->op), parse(expected->attributes, &parsed), inputs, types,
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
        struct parsed parsed;
        cop_error error;
        const cop_status status = cop_mx_operator_infer_label(
            find(expected->op), parse(expected->attributes, &parsed), &data, &label, &error);
        ck_assert_str_eq(status == COP_STATUS_OK ? cop_shape_text(&label).text : error.message,
                         expected->result);
    }
}
END_TEST

START_TEST(the_lists_have_all_operators)
{
    uint32_t count, nn_count, name_count, nn_name_count;
    AtomicSymbolCreator *creators;
    OpHandle *handles;
    const char **names, **nn_names;
    ck_assert_int_eq(MXListAllOpNames(&name_count, &names), 0);
    ck_assert_int_eq(NNListAllOpNames(&nn_name_count, &nn_names), 0);
    ck_assert_int_eq(MXSymbolListAtomicSymbolCreators(&count, &creators), 0);
    ck_assert_int_eq(NNListUniqueOps(&nn_count, &handles), 0);
    ck_assert_uint_eq(count, cop_mx_operator_count());
    ck_assert_uint_eq(nn_count, count);
    ck_assert_uint_eq(name_count, cop_mx_operator_name_count());
    ck_assert_uint_eq(nn_name_count, name_count);
    ck_assert_ptr_ne(names, nn_names);
    for (uint32_t i = 0; i < name_count; i++) {
        OpHandle handle;
        const char *name;
        ck_assert_str_eq(names[i], nn_names[i]);
        ck_assert_int_eq(NNGetOpHandle(names[i], &handle), 0);
        ck_assert_int_eq(MXSymbolGetAtomicSymbolName(handle, &name), 0);
        ck_assert_ptr_eq(handle, find(name));
    }
    for (uint32_t i = 0; i < count; i++)
        ck_assert_ptr_eq(creators[i], handles[i]);
}
END_TEST

START_TEST(an_operator_describes_itself)
{
    OpHandle handle;
    const char *name, *description, *key, *returned = "something";
    const char **names, **types, **descriptions, **nn_names, **nn_types, **nn_descriptions;
    uint32_t count, nn_count;
    ck_assert_int_eq(NNGetOpHandle("concat", &handle), 0);
    ck_assert_int_eq(MXSymbolGetAtomicSymbolInfo(handle, &name, &description, &count, &names,
                                                 &types, &descriptions, &key, &returned),
                     0);
    ck_assert_int_eq(NNGetOpInfo(handle, &name, &description, &nn_count, &nn_names, &nn_types,
                                 &nn_descriptions, NULL),
                     0);
    ck_assert_ptr_null(returned);
    ck_assert_str_eq(name, "Concat");
    ck_assert_str_eq(key, "num_args");
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(nn_count, 3);
    ck_assert_ptr_ne(names, nn_names);
    ck_assert_str_eq(names[1], "num_args");
    ck_assert_str_eq(types[1], "int, required");
    ck_assert_str_eq(types[2], "int, optional, default='1'");
    ck_assert_str_eq(descriptions[1], nn_descriptions[1]);
    ck_assert_str_eq(nn_types[0], "NDArray-or-Symbol[]");
    /* cpp-package passes NULL where it wants nothing. */
    ck_assert_int_eq(MXSymbolGetAtomicSymbolInfo(handle, &name, &description, &count, &names,
                                                 &types, &descriptions, &key, NULL),
                     0);
    /* An operator without arguments has lists, too. */
    ck_assert_int_eq(NNGetOpHandle("_CrossDeviceCopy", &handle), 0);
    ck_assert_int_eq(MXSymbolGetAtomicSymbolInfo(handle, &name, &description, &count, &names,
                                                 &types, &descriptions, &key, NULL),
                     0);
    ck_assert_uint_eq(count, 0);
    ck_assert_str_eq(key, "");
}
END_TEST

START_TEST(what_is_no_operator_is_an_error)
{
    OpHandle handle = NULL;
    int other = 0;
    uint32_t count = 7;
    const char *name, *description, *key;
    const char **names, **types, **descriptions;
    ck_assert_int_eq(NNGetOpHandle("NoSuchOperator", &handle), -1);
    ck_assert_ptr_nonnull(strstr(MXGetLastError(), "Operator NoSuchOperator is not registered"));
    ck_assert_ptr_null(handle);
    ck_assert_int_eq(MXSymbolGetAtomicSymbolInfo(NULL, &name, &description, &count, &names, &types,
                                                 &descriptions, &key, NULL),
                     -1);
    ck_assert_uint_eq(count, 0);
    count = 7;
    ck_assert_int_eq(
        NNGetOpInfo(&other, &name, &description, &count, &names, &types, &descriptions, NULL), -1);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(MXSymbolGetAtomicSymbolName(&other, &name), -1);
    ck_assert_int_eq(NNGetOpHandle(NULL, &handle), -1);
    ck_assert_int_eq(NNGetOpHandle("relu", NULL), -1);
    ck_assert_int_eq(MXListAllOpNames(NULL, &names), -1);
    ck_assert_int_eq(MXListAllOpNames(&count, NULL), -1);
    ck_assert_int_eq(MXSymbolListAtomicSymbolCreators(NULL, NULL), -1);
    ck_assert_int_eq(MXSymbolGetAtomicSymbolName(cop_mx_operator_handles()[0], NULL), -1);
}
END_TEST

static void *look_around(void *unused)
{
    (void)unused;
    size_t found = 0;
    for (size_t i = 0; i < cop_mx_operator_name_count(); i++)
        found += cop_mx_operator_find(cop_mx_operator_name_at(i)) != NULL;
    return (void *)(uintptr_t)found;
}

START_TEST(the_first_calls_may_come_from_many_threads)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, look_around, NULL), 0);
    for (int i = 0; i < 8; i++) {
        void *found;
        pthread_join(threads[i], &found);
        ck_assert_uint_eq((uintptr_t)found, cop_mx_operator_name_count());
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mxnet operators", the_first_calls_may_come_from_many_threads,
        every_operator_of_the_importer_is_described, every_name_can_be_run,
        names_are_sorted_and_unique, only_handles_are_handles,
        every_type_is_in_the_grammar_of_generators, every_default_can_be_read,
        descriptions_are_those_of_mxnet, aliases_lead_to_their_operator,
        values_are_read_as_their_types_want_it, enumerations_take_their_names_exactly,
        limits_are_kept, unknown_and_missing_keys_are_told, texts_of_clients_are_kept_in_bounds,
        inputs_and_outputs_are_those_of_the_attributes, auxiliary_states_are_the_moving_statistics,
        training_changes_what_it_should, element_types_follow_from_each_other,
        labels_get_their_shape_from_the_data, the_lists_have_all_operators,
        an_operator_describes_itself, what_is_no_operator_is_an_error);
}
