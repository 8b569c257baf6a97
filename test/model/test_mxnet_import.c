// SPDX-License-Identifier: Apache-2.0
/* What is an input, a parameter, a label or an output; old symbols; what is refused. */
#include "base/alloc.h"
#include "model/mxnet_files.h"
#include "support/unit.h"

#include "support/arrays.h"

static const char *input_name(const struct graph *graph, int index)
{
    return graph->values[graph->inputs[index].value].name;
}

#define FC(name, data, weight, bias)                                                               \
    NODE("FullyConnected", name, "'num_hidden':'2'",                                               \
         "[" data ",0,0],[" weight ",0,0],[" bias ",0,0]")

/* 0 data, 1 w, 2 b, 3 fc, 4 label, 5 softmax */
#define CLASSIFIER                                                                                 \
    SYMBOL(VARIABLE("data") "," VARIABLE("w") "," VARIABLE("b") "," FC(                            \
               "fc", "0", "1", "2") "," VARIABLE("softmax_label") "," NODE("SoftmaxOutput",        \
                                                                           "softmax", "",          \
                                                                           "[3,0,0],[4,0,0]"),     \
           "[5,0,0]")

START_TEST(a_label_is_no_input)
{
    struct graph *graph = import_good(CLASSIFIER, "arg:w 2,3;arg:b 2;");
    ck_assert_int_eq(graph->input_count, 1);
    ck_assert_str_eq(input_name(graph, 0), "data");
    ck_assert_str_eq(graph->output_names[0], "softmax_output");
    ck_assert(graph->is_mxnet_shaped);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_label_in_the_parameters_is_neither_input_nor_constant)
{
    struct graph *graph = import_good(CLASSIFIER, "arg:w 2,3;arg:b 2;arg:softmax_label 8;");
    ck_assert_int_eq(graph->input_count, 1);
    for (int i = 0; i < graph->value_count; i++)
        ck_assert_str_ne(graph->values[i].name, "softmax_label");
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(what_only_makes_labels_is_dropped_even_if_nothing_is_known_of_it)
{
    struct graph *graph = import_good(
        SYMBOL(VARIABLE("data") "," VARIABLE("label") "," NODE(
                   "_mystery", "m", "'k':'v'", "[1,0]") "," NODE("LinearRegressionOutput", "out",
                                                                 "", "[0,0],[2,0]"),
               "[3,0]"),
        "");
    ck_assert_int_eq(graph->node_count, 1);
    ck_assert_int_eq(graph->input_count, 1);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_label_used_otherwise_is_an_input)
{
    struct graph *graph =
        import_good(SYMBOL(VARIABLE("data") "," VARIABLE("label") "," NODE(
                               "SoftmaxOutput", "out", "",
                               "[0,0],[1,0]") "," NODE("elemwise_sub", "error", "", "[2,0],[1,0]"),
                           "[3,0]"),
                    "");
    ck_assert_int_eq(graph->input_count, 2);
    ck_assert_str_eq(input_name(graph, 1), "label");
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_loss_head_may_lack_its_label)
{
    struct graph *graph = import_good(
        SYMBOL(VARIABLE("data") "," NODE("SoftmaxOutput", "out", "", "[0,0]"), "[1,0]"), "");
    ck_assert_int_eq(graph->input_count, 1);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_parameter_without_a_value_is_malformed_and_named)
{
    import_bad(CLASSIFIER, "arg:w 2,3;", COP_STATUS_MALFORMED_MODEL,
               "x-symbol.json: node 'fc' (FullyConnected): its bias 'b' is not in x.params");
    import_bad(CLASSIFIER, "", COP_STATUS_MALFORMED_MODEL, "its weight 'w'");
    import_bad(CLASSIFIER, "arg:w;arg:b 2;", COP_STATUS_MALFORMED_MODEL,
               "its weight 'w' is an empty array in x.params");
    import_bad(
        SYMBOL(VARIABLE("x") "," VARIABLE("g") "," VARIABLE("b") "," VARIABLE("m") "," VARIABLE(
                   "v") "," NODE("BatchNorm", "bn", "", "[0,0],[1,0],[2,0],[3,0],[4,0]"),
               "[5,0]"),
        "g 3;b 3;v 3;", COP_STATUS_MALFORMED_MODEL, "its moving_mean 'm'");
}
END_TEST

START_TEST(names_without_marks_are_parameters_too)
{
    struct graph *graph = import_good(CLASSIFIER, "w 2,3;b 2;unused 7;");
    ck_assert_int_eq(graph->input_count, 1);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(weights_stay_where_they_are_in_the_file)
{
    struct graph *graph = import_good(CLASSIFIER, "w 2,3;b 2;");
    int constants = 0;
    for (int i = 0; i < graph->value_count; i++) {
        const struct graph_constant *constant = graph->values[i].constant;
        if (constant == NULL)
            continue;
        constants++;
        float first;
        memcpy(&first, cop_source_bytes(constant->source) + constant->offset, sizeof first);
        ck_assert(first == 0.25F);
    }
    ck_assert_int_eq(constants, 2);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(nodes_that_no_output_needs_are_dropped)
{
    struct graph *graph =
        import_good(SYMBOL(VARIABLE("data") "," VARIABLE("other") "," NODE(
                               "_mystery", "m", "", "[1,0]") "," NODE("relu", "r", "", "[0,0]"),
                           "[3,0]"),
                    "");
    ck_assert_int_eq(graph->node_count, 1);
    ck_assert_int_eq(graph->input_count, 1);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(inputs_come_in_the_order_of_a_visit_from_the_outputs)
{
    struct graph *graph =
        import_good(SYMBOL(VARIABLE("a") "," VARIABLE("b") "," VARIABLE("c") "," NODE(
                               "elemwise_add", "s", "", "[2,0],[0,0]") "," NODE("elemwise_add", "t",
                                                                                "", "[1,0],[3,0]"),
                           "[3,0],[4,0]"),
                    "");
    ck_assert_str_eq(input_name(graph, 0), "c");
    ck_assert_str_eq(input_name(graph, 1), "a");
    ck_assert_str_eq(input_name(graph, 2), "b");
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(hints_of_shape_and_type_are_kept)
{
    struct graph *graph = import_good(
        SYMBOL("{'op':'null','name':'x','attrs':{'__shape__':'(0, 3, -1, 224)','__dtype__':'2',"
               "'eps':'1e-05'},'inputs':[]}," NODE("relu", "r", "", "[0,0]"),
               "[1,0]"),
        "");
    const struct graph_value *value = &graph->values[graph->inputs[0].value];
    ck_assert_int_eq(value->shape.rank, 4);
    ck_assert_int_eq(value->shape.dims[0], COP_UNKNOWN);
    ck_assert_int_eq(value->shape.dims[1], 3);
    ck_assert_int_eq(value->shape.dims[2], COP_UNKNOWN);
    ck_assert_int_eq(value->shape.dims[3], 224);
    ck_assert_int_eq(value->dtype, COP_DTYPE_FLOAT16);
    ck_assert_int_eq(graph->nodes[0].kind, OP_CAST); /* computed in float32 */
    cop_graph_destroy(graph);
    import_bad(SYMBOL("{'op':'null','name':'x','attrs':{'__shape__':'(0, -2)'},'inputs':[]}," NODE(
                          "relu", "r", "", "[0,0]"),
                      "[1,0]"),
               "", COP_STATUS_MALFORMED_MODEL, "__shape__='(0, -2)'");
    import_bad(SYMBOL("{'op':'null','name':'x','attrs':{'__dtype__':'77'},'inputs':[]}," NODE(
                          "relu", "r", "", "[0,0]"),
                      "[1,0]"),
               "", COP_STATUS_MALFORMED_MODEL, "__dtype__='77'");
}
END_TEST

START_TEST(outputs_are_named_as_mxnet_names_them_and_never_alias)
{
    struct graph *graph = import_good(
        SYMBOL(VARIABLE("x") "," NODE("SliceChannel", "s", "'num_outputs':'2'", "[0,0]") "," NODE(
                   "relu", "r", "", "[0,0]") "," NODE("relu", "", "", "[0,0]"),
               "[1,1],[2,0],[2,0],[0,0],[2,0],[3,0],[0,0]"),
        "");
    static const char *const names[] = {"s_output1",      "r_output", "r_copy0_output", "x",
                                        "r_copy1_output", "output",   "x_copy0"};
    ck_assert_int_eq(graph->output_count, 7);
    for (int i = 0; i < 7; i++) {
        ck_assert_str_eq(graph->output_names[i], names[i]);
        ck_assert_int_ge(graph->values[graph->outputs[i]].producer, 0);
        for (int k = 0; k < i; k++)
            ck_assert_int_ne(graph->outputs[i], graph->outputs[k]);
    }
    cop_graph_destroy(graph);
}
END_TEST

/* Adds the value as an output to a copy of the graph and says what comes of it. */
static cop_status try_extra_output(const struct graph *graph, const char *name)
{
    struct graph *copy = NULL;
    ck_assert_int_eq(cop_graph_copy(graph, &copy, NULL), COP_STATUS_OK);
    const cop_status status = cop_graph_add_extra_outputs(copy, &name, 1, NULL);
    if (status == COP_STATUS_OK)
        ck_assert_str_eq(copy->output_names[graph->output_count], name);
    cop_graph_destroy(copy);
    return status;
}

START_TEST(every_node_can_be_an_extra_output_under_its_name_and_mxnets)
{
    static const char *const inner[] = {"c", "s_output0", "s_output1", "k", "l", "w"};
    static const char *const outer[] = {"n", "o", "n_output", "o_output", "x"};
    static const char *const none[] = {"s_output2", "s_output", "c_output1",
                                       "_output",   "output",   "c_output00"};
    struct graph *graph = import_good(BROAD_SYMBOL, BROAD_PARAMS);
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
        ck_assert_msg(try_extra_output(graph, inner[i]) == COP_STATUS_OK, "%s", inner[i]);
    for (size_t i = 0; i < sizeof outer / sizeof *outer; i++)
        ck_assert_int_eq(try_extra_output(graph, outer[i]), COP_STATUS_INVALID_ARGUMENT);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_int_eq(try_extra_output(graph, none[i]), COP_STATUS_NOT_FOUND);
    cop_graph_destroy(graph);

    graph = import_good(MOVING_SYMBOL, "");
    for (const char *node = "psrwmaqn"; *node != '\0'; node++) {
        const char *const endings[] = {"", "_output", "_output0"};
        for (int i = 0; i < 3; i++) {
            char name[16];
            snprintf(name, sizeof name, "%c%s", *node, endings[i]);
            ck_assert_msg(try_extra_output(graph, name) == COP_STATUS_OK, "%s", name);
        }
    }
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(everything_that_is_not_supported_is_named_at_once)
{
    static const char symbol[] = SYMBOL(
        VARIABLE("x") "," NODE("_mystery", "m1", "", "[0,0]") "," NODE(
            "_mystery", "m2", "",
            "[1,0]") "," NODE("Deconvolution", "d", "",
                              "[2,1]") "," NODE("Dropout", "drop", "'mode':'always'",
                                                "[3,0]") "," NODE("LRN", "norm", "'nsize':'5'",
                                                                  "[0,0]") ","
                                                                           "{'op':'_foreach','name'"
                                                                           ":'loop','inputs':[[0,0]"
                                                                           "],'subgraphs':[{}]}",
        "[4,0],[5,1],[6,0]");
    import_bad(symbol, "", COP_STATUS_UNSUPPORTED, "of this symbol of MXNet 1.9.1: ");
    import_bad(symbol, "", COP_STATUS_UNSUPPORTED, "operator '_mystery' (node 'm1' and 1 more)");
    import_bad(symbol, "", COP_STATUS_UNSUPPORTED, "; operator 'Deconvolution' (node 'd')");
    import_bad(symbol, "", COP_STATUS_UNSUPPORTED, "mode='always'");
    import_bad(symbol, "", COP_STATUS_UNSUPPORTED, "node 'norm' (LRN): output 1 is used");
    import_bad(symbol, "", COP_STATUS_UNSUPPORTED, "'_foreach' (node 'loop') with subgraphs");
}
END_TEST

START_TEST(a_list_of_what_is_not_supported_has_an_end)
{
    char text[32768];
    size_t length = (size_t)sprintf(text, "{'nodes':[" VARIABLE("x"));
    for (int i = 1; i <= 100; i++)
        length += (size_t)sprintf(text + length, "," NODE("_mystery%d", "m%d", "", "[%d,0]"), i, i,
                                  i - 1);
    sprintf(text + length, "],'arg_nodes':[],'heads':[[100,0]]}");
    import_bad(text, "", COP_STATUS_UNSUPPORTED, "; and 76 more");
}
END_TEST

START_TEST(contradictions_between_nodes_are_malformed)
{
    import_bad(SYMBOL(VARIABLE("x") "," NODE("relu", "r", "", "[0,1]"), "[1,0]"), "",
               COP_STATUS_MALFORMED_MODEL, "node 'x' (null): output 1 is used, it has 1");
    import_bad(SYMBOL(VARIABLE("x") "," NODE("relu", "r", "", "[0,0]"), "[1,2]"), "",
               COP_STATUS_MALFORMED_MODEL, "node 'r' (relu): output 2 is used, it has 1");
    import_bad(SYMBOL(VARIABLE("x") "," NODE("relu", "r", "", "[0,0],[0,0]"), "[1,0]"), "",
               COP_STATUS_MALFORMED_MODEL, "node 'r' (relu): has 2 inputs, needs 1");
    import_bad(SYMBOL(VARIABLE("x") "," NODE("Concat", "c", "", ""), "[1,0]"), "",
               COP_STATUS_MALFORMED_MODEL, "node 'c' (Concat): has 0 inputs, needs at least 1");
    import_bad(
        SYMBOL(VARIABLE("x") "," NODE("relu", "a", "", "[2,0]") "," NODE("relu", "b", "", "[1,0]"),
               "[1,0]"),
        "", COP_STATUS_MALFORMED_MODEL, "depends on itself");
    import_bad(SYMBOL(NODE("relu", "a", "", "[0,0]"), "[0,0]"), "", COP_STATUS_MALFORMED_MODEL,
               "node 'a' depends on itself");
    import_bad(SYMBOL(VARIABLE("w"), "[0,0]"), "w 3;", COP_STATUS_MALFORMED_MODEL, "has no input");
}
END_TEST

START_TEST(splits_of_a_symbol_have_a_limit_together)
{
    static const char symbol[] = SYMBOL(
        VARIABLE("x") "," NODE("SliceChannel", "s", "'num_outputs':'65535'", "[0,0]") "," NODE(
            "SliceChannel", "t", "'num_outputs':'%s'", "[0,0]"),
        "[1,0],[2,0]");
    char text[1024];
    snprintf(text, sizeof text, symbol, "1");
    cop_graph_destroy(import_good(text, ""));
    snprintf(text, sizeof text, symbol, "2");
    import_bad(text, "", COP_STATUS_MALFORMED_MODEL, "more than 65536 outputs");
}
END_TEST

/* MXNet 0.8: `param`, no statistics among the inputs, no version. */
#define OLD_BATCH_NORM                                                                             \
    "{'op':'BatchNorm','param':{'eps':'1e-05','fix_gamma':'False'},'name':'bn',"                   \
    "'inputs':[[0,0],[1,0],[2,0]],'backward_source_id':-1}"

START_TEST(statistics_that_old_symbols_leave_out_are_added)
{
    static const char symbol[] = OLD_SYMBOL(
        VARIABLE("x") "," VARIABLE("bn_gamma") "," VARIABLE("bn_beta") "," OLD_BATCH_NORM, "[3,0]");
    struct graph *graph = import_good(
        symbol, "arg:bn_gamma 3;arg:bn_beta 3;aux:bn_moving_mean 3;aux:bn_moving_var 3;");
    ck_assert_int_eq(graph->input_count, 1);
    ck_assert_int_eq(graph->nodes[0].src_count, 5);
    ck_assert_str_eq(graph->values[graph->nodes[0].src[3]].name, "bn_moving_mean");
    ck_assert_str_eq(graph->values[graph->nodes[0].src[4]].name, "bn_moving_var");
    cop_graph_destroy(graph);
    import_bad(symbol, "arg:bn_gamma 3;arg:bn_beta 3;aux:bn_moving_mean 3;",
               COP_STATUS_MALFORMED_MODEL, "its moving_var 'bn_moving_var'");
}
END_TEST

START_TEST(labels_that_old_symbols_leave_out_do_no_harm)
{
    struct graph *graph = import_good(
        OLD_SYMBOL(VARIABLE("x") "," NODE("SoftmaxOutput", "softmax", "", "[0,0]"), "[1,0]"), "");
    ck_assert_int_eq(graph->input_count, 1);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(notes_of_optimizers_are_no_attributes_in_old_symbols)
{
    static const char node[] = NODE("FullyConnected", "fc",
                                    "'num_hidden':'2','weight_lr_mult':'0.5','ctx_group':'dev1',"
                                    "'bias_wd_mult':'0','force_mirroring':'True'",
                                    "[0,0],[1,0],[2,0]");
    char text[1024];
    snprintf(text, sizeof text,
             "{'nodes':[%s,%s,%s,%s],'arg_nodes':[],'heads':[[3,0]],"
             "'attrs':{'mxnet_version':['int',10300]}}",
             VARIABLE("x"), VARIABLE("w"), VARIABLE("b"), node);
    cop_graph_destroy(import_good(text, "w 2,3;b 2;"));
    snprintf(text, sizeof text,
             "{'nodes':[%s,%s,%s,%s],'arg_nodes':[],'heads':[[3,0]],"
             "'attrs':{'mxnet_version':['int',10901]}}",
             VARIABLE("x"), VARIABLE("w"), VARIABLE("b"), node);
    import_bad(text, "w 2,3;b 2;", COP_STATUS_UNSUPPORTED, "is not known for this operator");
}
END_TEST

START_TEST(argmax_over_minus_one_meant_all_axes_before_0_9_5)
{
    static const int versions[] = {904, 905};
    for (int i = 0; i < 2; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "{'nodes':[%s,%s],'arg_nodes':[],'heads':[[1,0]],"
                 "'attrs':{'mxnet_version':['int',%d]}}",
                 VARIABLE("x"), NODE("argmax", "a", "'axis':'-1'", "[0,0]"), versions[i]);
        struct graph *graph = import_good(text, "");
        const struct arg_attrs *attrs = graph->nodes[0].attrs;
        ck_assert_int_eq(attrs->flatten, versions[i] < 905);
        cop_graph_destroy(graph);
    }
}
END_TEST

START_TEST(variables_may_carry_attributes_of_operators)
{
    struct graph *graph = import_good(
        SYMBOL("{'op':'null','name':'x','attrs':{'momentum':'0.9','kernel':'('},'inputs':[]}," NODE(
                   "relu", "r", "", "[0,0]"),
               "[1,0]"),
        "");
    ck_assert_int_eq(graph->input_count, 1);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(parameters_of_other_floating_types_are_widened)
{
    struct byte_writer writer = {0};
    put_u64(&writer, 0x112), put_u64(&writer, 0), put_u64(&writer, 1);
    put_u32(&writer, 0xF993FAC9u), put_u32(&writer, 0), put_u32(&writer, 2);
    put_u64(&writer, 2), put_u64(&writer, 1);
    put_u32(&writer, 1), put_u32(&writer, 0), put_u32(&writer, 2), put_u32(&writer, 0x3C003C00);
    put_u64(&writer, 1), put_u64(&writer, 1), put_bytes(&writer, "w", 1);
    char *json = write_json(SYMBOL(
        VARIABLE("x") "," VARIABLE("w") "," NODE(
            "FullyConnected", "fc", "'num_hidden':'2','no_bias':'1','flatten':'0'", "[0,0],[1,0]"),
        "[2,0]"));
    struct source *symbol = make_source(json, strlen(json), "s");
    struct source *params = make_source(writer.bytes, writer.size, "p");
    struct graph *graph = NULL;
    cop_error error = {0};
    ck_assert_msg(cop_mxnet_import(symbol, params, &graph, &error) == COP_STATUS_OK, "%s",
                  error.message);
    ck_assert_int_eq(graph->node_count, 2);
    ck_assert_int_eq(graph->nodes[0].kind, OP_CAST);
    ck_assert_int_eq(graph->values[graph->nodes[0].src[0]].dtype, COP_DTYPE_FLOAT16);
    cop_graph_destroy(graph);
    cop_source_release(&symbol);
    cop_source_release(&params);
    free(json);
}
END_TEST

START_TEST(every_failed_allocation_is_reported)
{
    struct byte_writer writer;
    write_params(&writer, BROAD_PARAMS);
    char *json = write_json(BROAD_SYMBOL);
    const cop_bytes symbol = {.data = json, .size = strlen(json)};
    const cop_bytes params = {.data = writer.bytes, .size = writer.size};
    const size_t live = cop_alloc_counters().live_bytes;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        cop_status status = COP_STATUS_OUT_OF_MEMORY;
        int64_t k = 0;
        for (; status == COP_STATUS_OUT_OF_MEMORY; k++) {
            cop_model *model = NULL;
            cop_error error = {0};
            cop_alloc_fail_after(k, for_ever);
            status = cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &symbol, &params, NULL, &model,
                                          &error);
            cop_alloc_fail_after(-1, 0);
            ck_assert_msg(status == COP_STATUS_OK || status == COP_STATUS_OUT_OF_MEMORY,
                          "allocation %lld: %s", (long long)k, error.message);
            ck_assert((model != NULL) == (status == COP_STATUS_OK));
            ck_assert_int_eq(error.status, status);
            cop_model_release(&model);
            ck_assert_uint_eq(cop_alloc_counters().live_bytes, live);
        }
        ck_assert_int_ge(k, 30);
    }
    free(json);
}
END_TEST

/* Changes a few bytes, often to ones that mean something here. */
static void mutate(uint64_t *state, unsigned char *bytes, size_t *size)
{
    static const char words[] = "0123456789-[]{}(),'\":.eLNnT \\\xff";
    const int64_t changes = random_between(state, 1, 4);
    for (int64_t i = 0; i<changes && * size> 1; i++) {
        const size_t at = (size_t)random_between(state, 0, (int64_t)*size - 1);
        switch (random_between(state, 0, 3)) {
        case 0:
            bytes[at] = (unsigned char)random_between(state, 0, 255);
            break;
        case 1:
            bytes[at] ^= (unsigned char)(1 << random_between(state, 0, 7));
            break;
        case 2:
            bytes[at] = (unsigned char)words[random_between(state, 0, sizeof words - 2)];
            break;
        default: /* drop some */
            *size -= (size_t)random_between(state, 1, 4) % *size;
            memmove(bytes + at, bytes + at + 1, *size > at ? *size - at : 0);
        }
    }
}

START_TEST(mutated_files_are_accepted_or_refused_and_nothing_else)
{
    struct byte_writer writer;
    write_params(&writer, BROAD_PARAMS);
    char *json = write_json(BROAD_SYMBOL);
    const size_t json_size = strlen(json), live = cop_alloc_counters().live_bytes;
    uint64_t state = 20261120;
    int accepted = 0;
    for (int i = 0; i < 20000; i++) {
        unsigned char *symbol = malloc(json_size + 16), *params = malloc(writer.size + 16);
        size_t symbol_size = json_size, params_size = writer.size;
        memcpy(symbol, json, json_size);
        memcpy(params, writer.bytes, writer.size);
        if (i % 2 == 0)
            mutate(&state, symbol, &symbol_size);
        else
            mutate(&state, params, &params_size);
        const cop_bytes symbol_bytes = {.data = symbol, .size = symbol_size};
        const cop_bytes params_bytes = {.data = params, .size = params_size};
        cop_model *model = NULL;
        cop_error error;
        const cop_status status = cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &symbol_bytes,
                                                       &params_bytes, NULL, &model, &error);
        ck_assert_msg(status == COP_STATUS_OK || status == COP_STATUS_MALFORMED_MODEL ||
                          status == COP_STATUS_UNSUPPORTED,
                      "mutation %d: %s: %s", i, cop_status_name(status), error.message);
        ck_assert_msg(status == COP_STATUS_OK || error.message[0] != '\0', "mutation %d", i);
        accepted += status == COP_STATUS_OK;
        cop_model_release(&model);
        free(symbol);
        free(params);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, live);
    }
    ck_assert_int_ge(accepted, 100); /* the mutations leave something of the files */
    free(json);
}
END_TEST

START_TEST(a_symbol_cut_anywhere_never_loads)
{
    struct byte_writer writer;
    write_params(&writer, BROAD_PARAMS);
    char *json = write_json(BROAD_SYMBOL);
    const cop_bytes params = {.data = writer.bytes, .size = writer.size};
    for (size_t size = 0; size < strlen(json); size++) {
        const cop_bytes symbol = {.data = json, .size = size};
        cop_model *model = NULL;
        ck_assert_int_eq(
            cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &symbol, &params, NULL, &model, NULL),
            COP_STATUS_MALFORMED_MODEL);
    }
    const cop_bytes symbol = {.data = json, .size = strlen(json)};
    for (size_t size = 0; size < writer.size; size++) {
        const cop_bytes cut = {.data = writer.bytes, .size = size};
        cop_model *model = NULL;
        ck_assert_int_eq(
            cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &symbol, &cut, NULL, &model, NULL),
            COP_STATUS_MALFORMED_MODEL);
    }
    free(json);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mxnet import", a_label_is_no_input,
        a_label_in_the_parameters_is_neither_input_nor_constant,
        what_only_makes_labels_is_dropped_even_if_nothing_is_known_of_it,
        a_label_used_otherwise_is_an_input, a_loss_head_may_lack_its_label,
        a_parameter_without_a_value_is_malformed_and_named, names_without_marks_are_parameters_too,
        weights_stay_where_they_are_in_the_file, nodes_that_no_output_needs_are_dropped,
        inputs_come_in_the_order_of_a_visit_from_the_outputs, hints_of_shape_and_type_are_kept,
        outputs_are_named_as_mxnet_names_them_and_never_alias,
        every_node_can_be_an_extra_output_under_its_name_and_mxnets,
        everything_that_is_not_supported_is_named_at_once,
        a_list_of_what_is_not_supported_has_an_end, contradictions_between_nodes_are_malformed,
        splits_of_a_symbol_have_a_limit_together, statistics_that_old_symbols_leave_out_are_added,
        labels_that_old_symbols_leave_out_do_no_harm,
        notes_of_optimizers_are_no_attributes_in_old_symbols,
        argmax_over_minus_one_meant_all_axes_before_0_9_5,
        variables_may_carry_attributes_of_operators, parameters_of_other_floating_types_are_widened,
        every_failed_allocation_is_reported, mutated_files_are_accepted_or_refused_and_nothing_else,
        a_symbol_cut_anywhere_never_loads);
}
