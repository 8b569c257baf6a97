// SPDX-License-Identifier: Apache-2.0
/* The table of operators: what it has, how it describes itself, how many inputs and outputs. */
#include <pthread.h>

#include <mxnet/c_api.h>
#include <nnvm/c_api.h>

#include "mxnet/operator_uses.h"

START_TEST(every_operator_of_the_importer_is_described)
{
    for (int f = 0; cop_mxnet_families[f] != NULL; f++)
        for (size_t i = 0; i < cop_mxnet_families[f]->count; i++) {
            const struct mxnet_operator *mapped = &cop_mxnet_families[f]->operators[i];
            const struct mx_operator *op = find_operator(mapped->name);
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
        const struct mx_operator *op = find_operator(name);
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
        const struct mx_operator *op = find_operator(facts[i].op);
        char arguments[512] = "";
        for (int k = 0; k < op->argument_count; k++)
            snprintf(arguments + strlen(arguments), sizeof arguments - strlen(arguments), "%s%s",
                     k == 0 ? "" : " ", op->arguments[k].name);
        ck_assert_str_eq(op->name, facts[i].op);
        ck_assert_str_eq(arguments, facts[i].arguments);
        ck_assert_str_eq(op->key_var_num_args, facts[i].key_var_num_args);
    }
    const struct mx_operator *op = find_operator("Convolution");
    ck_assert_str_eq(op->arguments[0].type_info, "NDArray-or-Symbol");
    ck_assert_str_eq(op->arguments[3].type_info, "Shape(tuple), required");
    ck_assert_str_eq(op->arguments[7].type_info, "int (non-negative), required");
    ck_assert_str_eq(op->arguments[9].type_info, "long (non-negative), optional, default=1024");
    ck_assert_str_eq(op->arguments[11].type_info,
                     "{None, 'fastest', 'limited_workspace', 'off'},optional, default='None'");
    ck_assert_str_eq(find_operator("BatchNorm")->arguments[5].type_info,
                     "double, optional, default=0.0010000000474974513");
    ck_assert_str_eq(find_operator("add_n")->arguments[0].type_info, "NDArray-or-Symbol[]");
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
        ck_assert_str_eq(find_operator(pairs[i][0])->name, pairs[i][1]);
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
    {"GroupNorm", "", "data gamma beta", "output", 3},
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
        const struct mx_operator *op = find_operator(expected->op);
        struct parsed_use parsed;
        const struct mx_attributes *attributes = parse_use(expected->attributes, &parsed);
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
        struct parsed_use parsed;
        ck_assert_msg(cop_mx_operator_trains_differently(find_operator(cases[i].op),
                                                         parse_use(cases[i].attributes, &parsed)) ==
                          cases[i].is_different,
                      "%s(%s)", cases[i].op, cases[i].attributes);
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
        ck_assert_ptr_eq(handle, find_operator(name));
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
    return RUN_TESTS("mxnet operators", the_first_calls_may_come_from_many_threads,
                     every_operator_of_the_importer_is_described, every_name_can_be_run,
                     names_are_sorted_and_unique, only_handles_are_handles,
                     every_type_is_in_the_grammar_of_generators, every_default_can_be_read,
                     descriptions_are_those_of_mxnet, aliases_lead_to_their_operator,
                     inputs_and_outputs_are_those_of_the_attributes,
                     auxiliary_states_are_the_moving_statistics, training_changes_what_it_should,
                     the_lists_have_all_operators, an_operator_describes_itself,
                     what_is_no_operator_is_an_error);
}
