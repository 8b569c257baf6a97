// SPDX-License-Identifier: Apache-2.0
/* Composing symbols, what they share, their attributes and lists. */
#include "mxnet/mx_symbols.h"

START_TEST(missing_inputs_become_variables_named_after_the_node)
{
    SymbolHandle dense = mx_dense("fc", mx_variable("data"));
    MX_LISTS(MXSymbolListArguments, dense, "data fc_weight fc_bias");
    MX_LISTS(MXSymbolListOutputs, dense, "fc_output");
    SymbolHandle norm = mx_node("BatchNorm", "", "bn", dense);
    MX_LISTS(MXSymbolListArguments, norm, "data fc_weight fc_bias bn_gamma bn_beta");
    MX_LISTS(MXSymbolListAuxiliaryStates, norm, "bn_moving_mean bn_moving_var");
    MX(MXSymbolFree(norm));
    SymbolHandle nameless = mx_atomic("elemwise_add", "");
    MX(MXSymbolCompose(nameless, NULL, 0, NULL, NULL));
    MX_LISTS(MXSymbolListArguments, nameless, "lhs rhs");
    MX_LISTS(MXSymbolListOutputs, nameless, "output");
    MX(MXSymbolFree(nameless));
}
END_TEST

START_TEST(inputs_come_by_name_in_any_order)
{
    SymbolHandle args[] = {mx_variable("b"), mx_variable("x")};
    SymbolHandle dense = mx_atomic("FullyConnected", "num_hidden=2");
    MX(NNSymbolCompose(dense, "fc", 2, (const char *[]){"bias", "data"}, args));
    MX_LISTS(MXSymbolListArguments, dense, "x fc_weight b");
    MX(MXSymbolFree(dense));
    MX(MXSymbolFree(args[0]));
    MX(MXSymbolFree(args[1]));
}
END_TEST

START_TEST(a_composition_that_fails_changes_nothing)
{
    SymbolHandle x = mx_variable("x"), three[] = {x, x, x}, parts;
    SymbolHandle dense = mx_atomic("FullyConnected", "num_hidden=2;no_bias=1");
    parts = mx_node("SliceChannel", "num_outputs=3", "parts", mx_variable("y"));
    MX_LEAVES(dense, MXSymbolCompose(dense, "n", 3, NULL, three),
              "Incorrect number of arguments, requires 2, provided 3");
    MX_LEAVES(dense, MXSymbolCompose(dense, "n", 1, (const char *[]){"bias"}, three),
              "Symbol.ComposeKeyword argument name bias not found. Candidate arguments:"
              "\n\t[0]data\n\t[1]weight");
    MX_LEAVES(dense, MXSymbolCompose(dense, "n", 1, NULL, &parts),
              "Argument 0 is a tuple, single value is required");
    MX_LEAVES(dense, MXSymbolCompose(dense, "n", 1, (const char *[]){"data"}, &parts),
              "Keyword Argument data is a tuple, single value is required");
    MX_LEAVES(dense, MXSymbolCompose(dense, "n", 1, (const char *[]){NULL}, &x), "keys[0] is NULL");
    MX_LEAVES(dense, MXSymbolCompose(dense, "n", 1, NULL, NULL), "args is NULL");
    MX_LEAVES(x, MXSymbolCompose(x, "n", 1, (const char *[]){"x"}, &parts), "is a tuple");
    MX_LEAVES(x, MXSymbolCompose(x, "n", 1, (const char *[]){"x"}, &x), "takes no inputs");
    for (size_t i = 0; i < 3; i++)
        MX(MXSymbolFree((SymbolHandle[]){x, dense, parts}[i]));
}
END_TEST

START_TEST(variables_get_the_operators_attributes_and_initial_values)
{
    int success;
    const char *value;
    SymbolHandle internals, entry;
    SymbolHandle norm = mx_node("BatchNorm", "eps=0.5;lr_mult=3", "bn", mx_variable("data"));
    MX(MXSymbolGetInternals(norm, &internals));
    MX(MXSymbolGetOutput(internals, 4, &entry));
    MX(MXSymbolGetAttr(entry, "eps", &value, &success));
    ck_assert_str_eq(value, "0.5");
    MX(MXSymbolGetAttr(entry, "lr_mult", &value, &success));
    ck_assert_str_eq(value, "3");
    MX(MXSymbolGetAttr(entry, "__init__", &value, &success));
    ck_assert_str_eq(value, "[\"one\", {}]");
    MX(MXSymbolGetAttr(entry, "missing", &value, &success));
    ck_assert_int_eq(success, 0);
    ck_assert_ptr_null(value);
    MX(MXSymbolFree(entry));
    MX(MXSymbolFree(internals));
    MX(MXSymbolFree(norm));
}
END_TEST

START_TEST(free_variables_of_a_whole_symbol_are_replaced_by_name)
{
    SymbolHandle dense = mx_dense("fc", mx_variable("data"));
    SymbolHandle relu = mx_node("relu", "", "act", dense),
                 other = mx_dense("fc0", mx_variable("x"));
    MX(MXSymbolCompose(relu, "renamed", 1, (const char *[]){"data"}, &other));
    MX_LISTS(MXSymbolListArguments, relu, "x fc0_weight fc0_bias fc_weight fc_bias");
    MX_LISTS(MXSymbolListOutputs, relu, "renamed_output");
    MX_LEAVES(relu, MXSymbolCompose(relu, "n", 1, (const char *[]){"data"}, &other),
              "argument name data not found. Candidate arguments:\n\t[0]x");
    MX_LEAVES(relu, MXSymbolCompose(relu, "n", 1, NULL, &other), "only support kwargs");
    MX(MXSymbolFree(relu));
    MX(MXSymbolFree(other));
}
END_TEST

START_TEST(outputs_of_a_group_that_are_variables_are_replaced_too)
{
    SymbolHandle members[] = {mx_dense("fc", mx_variable("x")), mx_variable("data")}, group;
    SymbolHandle value = mx_variable("value");
    MX(MXSymbolCreateGroup(2, members, &group));
    MX(MXSymbolCompose(group, NULL, 2, (const char *[]){"data", "x"},
                       (SymbolHandle[]){value, members[1]}));
    MX_LISTS(MXSymbolListOutputs, group, "fc_output value");
    MX_LISTS(MXSymbolListArguments, group, "data fc_weight fc_bias value");
    for (size_t i = 0; i < 4; i++)
        MX(MXSymbolFree((SymbolHandle[]){members[0], members[1], group, value}[i]));
}
END_TEST

START_TEST(a_node_that_two_symbols_share_changes_for_both_and_a_copy_does_not)
{
    SymbolHandle dense = mx_dense("fc", mx_variable("data")), shared, copy, value;
    MX(MXShallowCopySymbol(dense, &shared));
    MX(MXSymbolCopy(dense, &copy));
    value = mx_variable("value");
    MX(MXSymbolCompose(dense, NULL, 1, (const char *[]){"data"}, &value));
    MX(MXSymbolSetAttr(dense, "name", "new"));
    MX_LISTS(MXSymbolListArguments, shared, "value fc_weight fc_bias");
    MX_LISTS(MXSymbolListOutputs, shared, "new_output");
    MX_LISTS(MXSymbolListArguments, copy, "data fc_weight fc_bias");
    MX_LISTS(MXSymbolListOutputs, copy, "fc_output");
    MX(MXSymbolFree(dense));
    MX_LISTS(MXSymbolListArguments, shared, "value fc_weight fc_bias");
    for (size_t i = 0; i < 3; i++)
        MX(MXSymbolFree((SymbolHandle[]){shared, copy, value}[i]));
}
END_TEST

START_TEST(a_circle_is_refused_and_nothing_changes)
{
    SymbolHandle dense = mx_dense("fc", mx_variable("data")), atomic, shared, act;
    MX_LEAVES(dense, MXSymbolCompose(dense, "n", 1, (const char *[]){"data"}, &dense),
              "would depend on itself");
    atomic = mx_atomic("relu", "");
    MX(MXShallowCopySymbol(atomic, &shared));
    act = mx_node("tanh", "", "act", shared);
    MX_LEAVES(atomic, MXSymbolCompose(atomic, "n", 1, NULL, &atomic), "would depend on itself");
    MX_LEAVES(act, MXSymbolCompose(atomic, "n", 1, NULL, &act), "would depend on itself");
    for (size_t i = 0; i < 3; i++)
        MX(MXSymbolFree((SymbolHandle[]){dense, atomic, act}[i]));
}
END_TEST

START_TEST(outputs_internals_and_children_share_nodes)
{
    SymbolHandle parts = mx_node("SliceChannel", "num_outputs=2", "s", mx_variable("x"));
    SymbolHandle second, internals, children, none;
    MX(MXSymbolGetOutput(parts, 1, &second));
    MX_LISTS(MXSymbolListOutputs, second, "s_output1");
    MX_FAILS(MXSymbolGetOutput(parts, 2, &none), "nonnegative index");
    MX(MXSymbolGetInternals(second, &internals));
    MX_LISTS(MXSymbolListOutputs, internals, "x s_output0 s_output1");
    MX(MXSymbolGetChildren(parts, &children));
    MX_LISTS(MXSymbolListOutputs, children, "x");
    MX(MXSymbolGetChildren(children, &none));
    MX_LISTS(MXSymbolListOutputs, none, "");
    for (size_t i = 0; i < 5; i++)
        MX(MXSymbolFree((SymbolHandle[]){parts, second, internals, children, none}[i]));
}
END_TEST

START_TEST(attributes_are_checked_and_a_bad_one_is_not_kept)
{
    int success;
    const char *value;
    SymbolHandle dense = mx_dense("fc", mx_variable("data")), group;
    MX(MXSymbolSetAttr(dense, "num_hidden", "7"));
    MX_LEAVES(dense, MXSymbolSetAttr(dense, "num_hidden", "many"), "num_hidden");
    MX_LEAVES(dense, MXSymbolSetAttr(dense, "what", "1"), "Cannot find argument 'what'");
    MX_LEAVES(dense, MXSymbolSetAttr(dense, "weight_lr_mult", "1"), "deprecated");
    MX(MXSymbolGetAttr(dense, "op_name", &value, &success));
    ck_assert_str_eq(value, "FullyConnected");
    MX(MXSymbolGetName(dense, &value, &success));
    ck_assert_str_eq(value, "fc");
    SymbolHandle members[] = {dense, mx_variable("v")};
    MX(MXSymbolCreateGroup(2, members, &group));
    MX(MXSymbolGetName(group, &value, &success));
    ck_assert_int_eq(success, 0);
    MX_FAILS(MXSymbolSetAttr(group, "name", "n"), "non-grouped symbol");
    MX(MXSymbolGetAttr(members[1], "op_name", &value, &success));
    ck_assert_str_eq(value, "null");
    for (size_t i = 0; i < 3; i++)
        MX(MXSymbolFree((SymbolHandle[]){dense, members[1], group}[i]));
}
END_TEST

START_TEST(attributes_are_listed_with_notes_twice_but_by_nnvm_once)
{
    uint32_t count;
    const char **pairs;
    SymbolHandle dense =
        mx_node("FullyConnected", "num_hidden=2;lr_mult=3;no_bias=1", "fc", mx_variable("data"));
    MX(MXSymbolListAttrShallow(dense, &count, &pairs));
    ck_assert_uint_eq(count, 4);
    ck_assert_str_eq(pairs[0], "__lr_mult__");
    ck_assert_str_eq(pairs[2], "lr_mult");
    ck_assert_str_eq(pairs[3], "3");
    MX(MXSymbolListAttr(dense, &count, &pairs));
    ck_assert_uint_eq(count, 8); /* the weight has them, too */
    ck_assert_str_eq(pairs[0], "fc_weight$__lr_mult__");
    MX(NNSymbolListAttrs(dense, 0, &count, &pairs));
    ck_assert_uint_eq(count, 6);
    MX(NNSymbolListAttrs(dense, 1, &count, &pairs));
    ck_assert_uint_eq(count, 3);
    MX(MXSymbolFree(dense));
}
END_TEST

START_TEST(a_symbol_can_be_printed)
{
    const char *text;
    SymbolHandle x = mx_variable("x"), relu = mx_atomic("relu", "");
    MX(MXSymbolPrint(x, &text));
    ck_assert_str_eq(text, "Variable:x\n");
    MX(MXSymbolPrint(relu, &text));
    ck_assert_str_eq(text, "AtomicFunctor  Op:relu\n");
    SymbolHandle clip = mx_node("clip", "a_min=0;a_max=1", "c", x);
    MX(NNSymbolPrint(clip, &text));
    ck_assert_str_eq(text, "Symbol Outputs:\n\toutput[0]=c(0)\nVariable:x\n"
                           "--------------------\nOp:clip, Name=c\nInputs:\n"
                           "\targ[0]=x(0) version=0\nAttrs:\n\ta_max=1\n\ta_min=0\n");
    MX(MXSymbolFree(clip));
    MX(MXSymbolFree(relu));
}
END_TEST

START_TEST(casts_of_mixed_precision_are_left_out_of_a_copy)
{
    SymbolHandle cast = mx_node("amp_cast", "dtype=float16", "cast", mx_variable("x")), plain;
    SymbolHandle relu = mx_node("relu", "", "act", cast), internals;
    MX(MXSymbolRemoveAmpCast(relu, &plain));
    MX(MXSymbolGetInternals(plain, &internals));
    MX_LISTS(MXSymbolListOutputs, internals, "x act_output");
    MX(MXSymbolFree(internals));
    MX(MXSymbolGetInternals(relu, &internals));
    MX_LISTS(MXSymbolListOutputs, internals, "x cast_output act_output");
    for (size_t i = 0; i < 3; i++)
        MX(MXSymbolFree((SymbolHandle[]){relu, plain, internals}[i]));
}
END_TEST

START_TEST(null_and_wrong_handles_are_refused)
{
    SymbolHandle x = mx_variable("x"), out;
    OpHandle relu;
    const char *text;
    uint32_t count;
    MX(NNGetOpHandle("relu", &relu));
    MX_FAILS(MXSymbolCreateVariable(NULL, &out), "name is NULL");
    MX_FAILS(MXSymbolCreateVariable("x", NULL), "out is NULL");
    MX_FAILS(MXSymbolCreateAtomicSymbol(NULL, 0, NULL, NULL, &out), "creator is NULL");
    MX_FAILS(MXSymbolCreateAtomicSymbol(x, 0, NULL, NULL, &out), "no operator");
    MX_FAILS(MXSymbolCreateAtomicSymbol(relu, 1, NULL, NULL, &out), "keys is NULL");
    MX_FAILS(MXSymbolCreateGroup(1, (SymbolHandle[]){NULL}, &out), "NULL");
    MX_FAILS(MXSymbolCopy(NULL, &out), "NULL");
    MX_FAILS(MXSymbolSaveToJSON(x, NULL), "NULL");
    MX_FAILS(MXSymbolPrint(NULL, &text), "NULL");
    MX_FAILS(MXSymbolListArguments(x, &count, NULL), "NULL");
    MX_FAILS(NNSymbolListInputNames(x, 3, &count, (const char ***)&text), "option 3");
    MX_FAILS(MXGenBackendSubgraph(x, "none", &out), "none");
    MX(MXSymbolFree(NULL));
    MX(MXSymbolFree(x));
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mx_symbols", missing_inputs_become_variables_named_after_the_node,
        inputs_come_by_name_in_any_order, a_composition_that_fails_changes_nothing,
        variables_get_the_operators_attributes_and_initial_values,
        free_variables_of_a_whole_symbol_are_replaced_by_name,
        outputs_of_a_group_that_are_variables_are_replaced_too,
        a_node_that_two_symbols_share_changes_for_both_and_a_copy_does_not,
        a_circle_is_refused_and_nothing_changes, outputs_internals_and_children_share_nodes,
        attributes_are_checked_and_a_bad_one_is_not_kept,
        attributes_are_listed_with_notes_twice_but_by_nnvm_once, a_symbol_can_be_printed,
        casts_of_mixed_precision_are_left_out_of_a_copy, null_and_wrong_handles_are_refused);
}
