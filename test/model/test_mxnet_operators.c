// SPDX-License-Identifier: Apache-2.0
/* What each MXNet operator becomes. */
#include "model/mxnet/mxnet_operators.h"
#include "model/mxnet_files.h"
#include "support/unit.h"

#define MOST_NODES 24

struct operator_case {
    const char *op, *attributes;
    const char *params; /* of the inputs that are not tensors: "weight 4,3,3,3;" */
    const char *kinds;  /* what the graph consists of, in order */
};

/* A symbol of one operator whose inputs are variables with the names of its slots. */
static char *one_operator(const char *name, const char *attributes)
{
    static char text[2048];
    const struct mxnet_operator *op = cop_mxnet_operator_find(name);
    ck_assert_msg(op != NULL, "%s", name);
    char inputs[256] = "";
    size_t length = (size_t)sprintf(text, "{'nodes':[");
    struct mxnet_attribute pieces[2] = {{"act_type", strstr(attributes, "prelu") ? "prelu" : "", 0},
                                        {"no_bias", strstr(attributes, "no_bias") ? "1" : "0", 0}};
    const struct mxnet_node node = {.op = name, .attributes = pieces, .attribute_count = 2};
    int count = cop_mxnet_slot_count(op, &node);
    count = count < 0 ? 2 : count;
    for (int i = 0; i < count; i++) {
        char slot[COP_SLOT_NAME_BYTES];
        cop_mxnet_slot(op, i, slot);
        length += (size_t)sprintf(text + length, VARIABLE("%s") ",", slot);
        sprintf(inputs + strlen(inputs), "%s[%d,0,0]", i == 0 ? "" : ",", i);
    }
    sprintf(text + length,
            NODE("%s", "n", "%s", "%s") "],'arg_nodes':[],'heads':[[%d,0]],"
                                        "'attrs':{'mxnet_version':['int',10901]}}",
            name, attributes, inputs, count);
    return text;
}

static void describe_kinds(const struct graph *graph, char *text)
{
    text[0] = '\0';
    for (int i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        const char *name = cop_op_def(node->kind)->name;
        if (node->kind == OP_UNARY)
            name = cop_unary_name(((const struct unary_attrs *)node->attrs)->alg);
        else if (node->kind == OP_BINARY)
            name = cop_binary_name(((const struct binary_attrs *)node->attrs)->alg);
        sprintf(text + strlen(text), "%s%s", i == 0 ? "" : " ", name);
    }
}

#define CONV_WEIGHTS "weight 4,3,3,3;bias 4;"
#define KERNEL       "'kernel':'(3, 3)','num_filter':'4'"
#define STATISTICS   "gamma 3;beta 3;moving_mean 3;moving_var 3;"

static const struct operator_case cases[] = {
    {"Convolution", KERNEL, CONV_WEIGHTS, "Convolution"},
    {"Convolution_v1", KERNEL ",'workspace':'512'", CONV_WEIGHTS, "Convolution"},
    {"_npx_convolution", KERNEL ",'no_bias':'True'", CONV_WEIGHTS, "Convolution"},
    {"Convolution", KERNEL ",'layout':'NHWC'", "weight 4,3,3,3;bias 4;",
     "Transpose Transpose Convolution Transpose"},
    {"Convolution", "'kernel':'(3,)','num_filter':'4','layout':'NCW'", "weight 4,3,3;bias 4;",
     "Convolution"},
    {"FullyConnected", "'num_hidden':'5'", "weight 5,7;bias 5;", "Flatten FullyConnected"},
    {"FullyConnected", "'num_hidden':'5','flatten':'False'", "weight 5,7;bias 5;",
     "FullyConnected"},
    {"FullyConnected", "'num_hidden':'5'", "weight 5,7;bias 5,1;",
     "Reshape Flatten FullyConnected"},
    {"Pooling", "'kernel':'(2, 2)','stride':'(2, 2)','pool_type':'max'", "", "Pooling"},
    {"Pooling", "'global_pool':'True','pool_type':'avg','kernel':'(1, 1)','layout':'NHWC'", "",
     "Transpose Pooling Transpose"},
    {"Pooling_v1", "'kernel':'(2,2)'", "", "Pooling"},
    {"Embedding", "'input_dim':'9','output_dim':'4'", "weight 9,4;", "Cast Gather"},
    {"take", "'axis':'0'", "", "Cast Gather"},
    {"batch_dot", "'transpose_b':'1'", "", "MatMul"},
    {"BatchNorm", "'eps':'2e-05','momentum':'0.9','fix_gamma':'False','use_global_stats':'True'",
     STATISTICS, "BatchNormalization"},
    {"BatchNorm_v1", "", STATISTICS, "BatchNormalization"},
    {"_contrib_SyncBatchNorm", "'key':'k','ndev':'4'", STATISTICS, "BatchNormalization"},
    {"LRN", "'nsize':'5','alpha':'0.0001','beta':'0.75','knorm':'1'", "", "LRN"},
    {"Dropout", "'p':'0.5'", "", "Identity"},
    {"L2Normalization", "'mode':'channel'", "", "Square Reduce Linear Sqrt Div"},
    {"InstanceNorm", "", "gamma 3;beta 3;", "Reduce Sub Square Reduce Linear Rsqrt Mul Mul Add"},
    {"LayerNorm", "", "gamma 3;beta 3;", "Reduce Sub Square Reduce Linear Rsqrt Mul Mul Add"},
    {"Activation", "'act_type':'relu'", "", "Relu"},
    {"Activation", "'act_type':'sigmoid'", "", "Sigmoid"},
    {"Activation", "'act_type':'tanh'", "", "Tanh"},
    {"Activation", "'act_type':'softrelu'", "", "Softplus"},
    {"Activation", "'act_type':'softsign'", "", "Softsign"},
    {"LeakyReLU", "", "", "LeakyRelu"},
    {"LeakyReLU", "'act_type':'elu'", "", "Elu"},
    {"LeakyReLU", "'act_type':'selu'", "", "Selu"},
    {"LeakyReLU", "'act_type':'gelu'", "", "Gelu"},
    {"LeakyReLU", "'act_type':'rrelu'", "", "LeakyRelu"},
    {"LeakyReLU", "'act_type':'prelu'", "gamma 3;", "PRelu"},
    {"hard_sigmoid", "", "", "HardSigmoid"},
    {"clip", "'a_min':'0','a_max':'6'", "", "Clip"},
    {"log2", "", "", "Log Linear"},
    {"identity", "", "", "Identity"},
    {"BlockGrad", "", "", "Identity"},
    {"LinearRegressionOutput", "'grad_scale':'1'", "", "Identity"},
    {"LogisticRegressionOutput", "", "", "Sigmoid"},
    {"MAERegressionOutput", "", "", "Identity"},
    {"SVMOutput", "'margin':'1'", "", "Identity"},
    {"MakeLoss", "'normalization':'valid'", "", "Identity"},
    {"zeros_like", "", "", "Fill"},
    {"Cast", "'dtype':'float16'", "", "Cast"},
    {"elemwise_add", "", "", "Add"},
    {"_plus", "", "", "Add"},
    {"_Plus", "", "", "Add"},
    {"elemwise_sub", "", "", "Sub"},
    {"elemwise_mul", "", "", "Mul"},
    {"elemwise_div", "", "", "Div"},
    {"_maximum", "", "", "Max"},
    {"_power", "", "", "Pow"},
    {"add_n", "'num_args':'2'", "", "Add"},
    {"broadcast_add", "", "", "Add"},
    {"broadcast_mul", "", "", "Mul"},
    {"broadcast_like", "", "", "Fill Mul"},
    {"_plus_scalar", "'scalar':'3','is_int':'True'", "", "Linear"},
    {"_rminus_scalar", "'scalar':'1'", "", "Linear"},
    {"_mul_scalar", "'scalar':'2.0'", "", "Linear"},
    {"_div_scalar", "'scalar':'6'", "", "Div"},
    {"_rdiv_scalar", "'scalar':'6'", "", "Div"},
    {"_MaximumScalar", "'scalar':'0'", "", "Clip"},
    {"_minimum_scalar", "'scalar':'0'", "", "Clip"},
    {"_power_scalar", "'scalar':'2'", "", "Pow"},
    {"_mod", "", "", "Mod"},
    {"_ModScalar", "'scalar':'2'", "", "Mod"},
    {"_greater_equal_scalar", "'scalar':'2'", "", "GreaterEqual"},
    {"_Not_Equal", "", "", "NotEqual"},
    {"broadcast_logical_xor", "", "", "Xor"},
    {"logical_not", "", "", "Equal"},
    {"trunc", "", "", "Sign Abs Floor Mul"},
    {"rint", "", "", "Floor Ceil Sub Sub Greater Add"},
    {"_npi_true_divide", "", "", "Div"},
    {"_sparse_relu", "", "", "Relu"},
    {"repeat", "'repeats':'2'", "", "Reshape Unsqueeze Mul Reshape"},
    {"space_to_depth", "'block_size':'2'", "", "Reshape Transpose Reshape Reshape"},
    {"negative", "", "", "Neg"},
    {"exp", "", "", "Exp"},
    {"Concat", "'num_args':'2','dim':'1'", "", "Concat"},
    {"stack", "'num_args':'2'", "", "Unsqueeze Unsqueeze Concat"},
    {"SliceChannel", "'num_outputs':'3'", "", "Split"},
    {"Flatten", "", "", "Flatten"},
    {"Reshape", "'shape':'(0, -1)'", "", "Reshape"},
    {"Reshape", "'target_shape':'(0, 12)'", "", "Reshape"},
    {"reshape_like", "", "", "Shape Reshape"},
    {"transpose", "'axes':'(0, 2, 3, 1)'", "", "Transpose"},
    {"expand_dims", "'axis':'1'", "", "Unsqueeze"},
    {"squeeze", "'axis':'(2, 3)'", "", "Squeeze"},
    {"slice_axis", "'axis':'1','begin':'0','end':'None'", "", "Slice"},
    {"slice", "'begin':'(None, 1)','end':'(None, 3)'", "", "Slice"},
    {"crop", "'begin':'(0, 1)','end':'(2, 3)'", "", "Slice"},
    {"slice_like", "'axes':'(2, 3)'", "", "Shape Slice"},
    {"slice_like", "'axes':'(0, 3)'", "", "Shape Gather Slice"},
    {"flip", "'axis':'1'", "", "Slice"},
    {"Crop", "'num_args':'2'", "", "Shape Slice"},
    {"Pad", "'mode':'constant','pad_width':'(0, 0, 0, 0, 0, 1, 0, 1)','constant_value':'0'", "",
     "Pad"},
    {"SoftmaxOutput", "'grad_scale':'1','normalization':'batch'", "", "Softmax"},
    {"Softmax", "'multi_output':'True'", "", "Softmax"},
    {"SoftmaxActivation", "'mode':'channel'", "", "Softmax"},
    {"softmax", "'axis':'-1','temperature':'None'", "", "Softmax"},
    {"log_softmax", "'temperature':'2'", "", "Softmax"},
    {"softmin", "", "", "Neg Softmax"},
    {"mean", "'axis':'(2, 3)','keepdims':'True'", "", "Reduce"},
    {"sum", "'axis':'None'", "", "Reduce"},
    {"max", "'exclude':'1','axis':'0'", "", "Reduce"},
    {"norm", "", "", "Square Reduce Sqrt"},
    {"argmax", "'axis':'1'", "", "Arg"},
    {"argmax", "", "", "Arg Reshape"},
    {"argmax_channel", "", "", "Arg"},
};

START_TEST(operators_become_what_the_table_says)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char kinds[1024];
        struct graph *graph =
            import_good(one_operator(cases[i].op, cases[i].attributes), cases[i].params);
        describe_kinds(graph, kinds);
        ck_assert_msg(strcmp(kinds, cases[i].kinds) == 0, "%s {%s}: %s", cases[i].op,
                      cases[i].attributes, kinds);
        ck_assert_str_eq(graph->nodes[graph->node_count - 1].name, "n");
        ck_assert_str_eq(graph->nodes[graph->node_count - 1].origin, cases[i].op);
        cop_graph_destroy(graph);
    }
}
END_TEST

/* The kinds that an operator of integers becomes. */
static void check_integers(const char *op, const char *attributes, int type, const char *expected,
                           cop_dtype dtype)
{
    char text[1024], kinds[1024];
    sprintf(text,
            "{'nodes':[{'op':'null','name':'data','attrs':{'__dtype__':'%d'},'inputs':[]}," NODE(
                "%s", "n", "%s", "[0,0,0]") "],'arg_nodes':[],'heads':[[1,0]],"
                                            "'attrs':{'mxnet_version':['int',10901]}}",
            type, op, attributes);
    struct graph *graph = import_good(text, "");
    describe_kinds(graph, kinds);
    ck_assert_msg(strcmp(kinds, expected) == 0, "%s {%s}: %s", op, attributes, kinds);
    ck_assert_int_eq(graph->values[graph->outputs[0]].dtype, dtype);
    cop_graph_destroy(graph);
}

START_TEST(integers_stay_integers_where_mxnet_keeps_them)
{
    enum { UINT8 = 3, INT32 = 4, BOOL = 7 };
    check_integers("_plus_scalar", "'scalar':'2.5'", INT32, "Add", COP_DTYPE_INT32);
    check_integers("_div_scalar", "'scalar':'2'", UINT8, "Div", COP_DTYPE_UINT8);
    check_integers("_mul_scalar", "'scalar':'2.5','is_int':'False'", INT32, "Cast Linear",
                   COP_DTYPE_FLOAT32);
    check_integers("_mul_scalar", "'scalar':'2'", BOOL, "Cast Mul", COP_DTYPE_INT64);
    check_integers("_npi_true_divide_scalar", "'scalar':'2'", INT32, "Cast Div", COP_DTYPE_FLOAT32);
    check_integers("floor", "", INT32, "Identity", COP_DTYPE_INT32);
    check_integers("round", "", INT32, "Identity", COP_DTYPE_INT32);
    check_integers("relu", "", UINT8, "Identity", COP_DTYPE_UINT8);
    check_integers("negative", "", UINT8, "Sub", COP_DTYPE_UINT8);
    check_integers("sign", "", UINT8, "NotEqual", COP_DTYPE_UINT8);
    check_integers("square", "", UINT8, "Mul", COP_DTYPE_UINT8);
    check_integers("square", "", INT32, "Square", COP_DTYPE_INT32);
    check_integers("logical_not", "", INT32, "Equal", COP_DTYPE_INT32);
    check_integers("argmax", "'axis':'0'", INT32, "Arg Cast", COP_DTYPE_INT32);
    check_integers("repeat", "'repeats':'2'", INT32, "Reshape Unsqueeze Fill Mul Reshape",
                   COP_DTYPE_INT32);
}
END_TEST

/* MXNet converts the number, whatever it is, to the type of the elements. */
START_TEST(numbers_beside_integers_are_cut_to_their_type)
{
    struct graph *graph = import_good(
        "{'nodes':[{'op':'null','name':'data','attrs':{'__dtype__':'4'},'inputs':[]}," NODE(
            "_minus_scalar", "n", "'scalar':'-2.75'",
            "[0,0,0]") "],'arg_nodes':[],'heads':[[1,0]],'attrs':{'mxnet_version':['int',10901]}}",
        "");
    const struct graph_value *number = &graph->values[graph->nodes[0].src[1]];
    ck_assert_int_eq(number->dtype, COP_DTYPE_INT32);
    ck_assert_int_eq(*(const int32_t *)number->value, -2);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(tables_are_sorted_and_name_nothing_twice)
{
    for (int i = 0; cop_mxnet_families[i] != NULL; i++)
        for (size_t k = 0; k < cop_mxnet_families[i]->count; k++) {
            const struct mxnet_operator *op = &cop_mxnet_families[i]->operators[k];
            ck_assert_msg(k == 0 || strcmp(op[-1].name, op->name) < 0, "%s", op->name);
            ck_assert_msg(cop_mxnet_operator_find(op->name) == op, "%s is in two families",
                          op->name);
        }
    ck_assert_ptr_null(cop_mxnet_operator_find("null"));
    ck_assert_ptr_null(cop_mxnet_operator_find(""));
}
END_TEST

/* The attributes of the last node that an operator becomes. */
static struct graph *import_one(const char *op, const char *attributes, const char *params)
{
    return import_good(one_operator(op, attributes), params);
}

static const void *last_attrs(const struct graph *graph)
{
    return graph->nodes[graph->node_count - 1].attrs;
}

START_TEST(a_convolution_keeps_all_its_numbers)
{
    struct graph *graph = import_one("Convolution",
                                     "'kernel':'(3,5)','num_filter':'8','num_group':'2',"
                                     "'stride':'(2,1)','pad':'(1,2)','dilate':'(1,3)'",
                                     "weight 8,3,3,5;bias 8;");
    const struct convolution_attrs *attrs = last_attrs(graph);
    ck_assert_int_eq(attrs->kernel[0], 3);
    ck_assert_int_eq(attrs->kernel[1], 5);
    ck_assert_int_eq(attrs->strides[0], 2);
    ck_assert_int_eq(attrs->strides[1], 1);
    ck_assert_int_eq(attrs->dilations[0], 1);
    ck_assert_int_eq(attrs->dilations[1], 3);
    ck_assert_int_eq(attrs->pads_begin[0], 1);
    ck_assert_int_eq(attrs->pads_end[1], 2);
    ck_assert_int_eq(attrs->groups, 2);
    ck_assert_int_eq(attrs->output_channels, 8);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(pooling_conventions_are_told_apart)
{
    struct graph *graph = import_one("Pooling",
                                     "'kernel':'(3,3)','stride':'(2,2)','pad':'(1,1)',"
                                     "'pool_type':'avg','pooling_convention':'full'",
                                     "");
    const struct pooling_attrs *attrs = last_attrs(graph);
    ck_assert(attrs->alg == POOLING_AVERAGE && attrs->ceil_mode && !attrs->drop_last_outside);
    ck_assert(attrs->count_include_pad && attrs->spatial_rank == 2 && !attrs->is_global);
    cop_graph_destroy(graph);

    graph = import_one("Pooling", "'kernel':'(3,3)','count_include_pad':'False'", "");
    attrs = last_attrs(graph);
    ck_assert(attrs->alg == POOLING_MAX && !attrs->ceil_mode && !attrs->count_include_pad);
    cop_graph_destroy(graph);

    graph = import_one("Pooling", "'kernel':'(3,)','pooling_convention':'same'", "");
    attrs = last_attrs(graph);
    ck_assert(!attrs->ceil_mode && attrs->pads_end[0] == 2 && attrs->pads_begin[0] == 0);
    cop_graph_destroy(graph);

    graph = import_one("Pooling", "'kernel':'(2,2)','pool_type':'lp','p_value':'2'", "");
    attrs = last_attrs(graph);
    ck_assert(attrs->alg == POOLING_LP && attrs->p == 2 && attrs->signed_lp);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(fix_gamma_takes_a_scale_of_one)
{
    struct graph *graph = import_one("BatchNorm", "", STATISTICS);
    const struct batch_normalization_attrs *attrs = last_attrs(graph);
    ck_assert(attrs->unit_scale && attrs->axis == 1 && attrs->epsilon == 1e-3);
    cop_graph_destroy(graph);
    graph = import_one("BatchNorm", "'fix_gamma':'0','eps':'2e-05','axis':'-1'", STATISTICS);
    attrs = last_attrs(graph);
    ck_assert(!attrs->unit_scale && attrs->axis == -1 && attrs->epsilon == 2e-5);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(softmax_heads_normalize_over_what_they_should)
{
    static const struct {
        const char *op, *attributes;
        int64_t axis;
        bool coerce_2d;
    } heads[] = {
        {"SoftmaxOutput", "", 1, true},
        {"SoftmaxOutput", "'multi_output':'True'", 1, false},
        {"SoftmaxOutput", "'preserve_shape':'True'", -1, false},
        {"SoftmaxOutput", "'preserve_shape':'True','multi_output':'1'", 1, false},
        {"SoftmaxActivation", "", -1, false},
        {"SoftmaxActivation", "'mode':'channel'", 1, false},
        {"softmax", "'axis':'2'", 2, false},
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct graph *graph = import_one(heads[i].op, heads[i].attributes, "");
        const struct softmax_attrs *attrs = last_attrs(graph);
        ck_assert_int_eq(attrs->axis, heads[i].axis);
        ck_assert_int_eq(attrs->coerce_2d, heads[i].coerce_2d);
        ck_assert_int_eq(graph->input_count, 1);
        cop_graph_destroy(graph);
    }
}
END_TEST

START_TEST(slices_fill_in_what_is_none)
{
    struct graph *graph = import_one(
        "slice", "'begin':'(None, 1, None)','end':'(None, -1, None)','step':'(1,2,-1)'", "");
    const struct slice_attrs *attrs = last_attrs(graph);
    ck_assert(attrs->count == 3 && attrs->starts[0] == 0 && attrs->ends[0] == INT64_MAX);
    ck_assert(attrs->starts[1] == 1 && attrs->ends[1] == -1 && attrs->steps[1] == 2);
    ck_assert(attrs->starts[2] == INT64_MAX && attrs->ends[2] == INT64_MIN);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(swapping_axes_uses_the_rank_that_follows_from_the_weights)
{
    struct graph *graph = import_good(
        SYMBOL(VARIABLE("x") "," VARIABLE("w") "," NODE(
                   "Convolution", "c", KERNEL ",'no_bias':'1'",
                   "[0,0],[1,0]") "," NODE("SwapAxis", "s", "'dim1':'1','dim2':'-1'", "[2,0]"),
               "[3,0]"),
        "w 4,3,3,3;");
    const struct transpose_attrs *attrs = last_attrs(graph);
    ck_assert_int_eq(attrs->rank, 4);
    ck_assert(attrs->perm[0] == 0 && attrs->perm[1] == 3 && attrs->perm[2] == 2 &&
              attrs->perm[3] == 1);
    cop_graph_destroy(graph);
    import_bad(one_operator("SwapAxis", "'dim1':'1','dim2':'2'"), "", COP_STATUS_UNSUPPORTED,
               "rank of its input");
}
END_TEST

START_TEST(channels_are_shuffled_as_shufflenet_does_it)
{
    struct graph *graph = import_good(
        SYMBOL(
            VARIABLE("x") "," VARIABLE("w") "," NODE(
                "Convolution", "c", KERNEL ",'no_bias':'1'",
                "[0,0],[1,0]") "," NODE("Reshape", "r", "'shape':'(0, -4, 2, -1, -2)'",
                                        "[2,0]") "," NODE("SwapAxis", "s", "'dim1':'1','dim2':'2'",
                                                          "[3,0]") "," NODE("Reshape", "t",
                                                                            "'shape':'(0, -3, -2)'",
                                                                            "[4,0]"),
            "[5,0]"),
        "w 4,3,3,3;");
    const struct shape *dst = &graph->values[graph->outputs[0]].shape;
    ck_assert_int_eq(dst->rank, 4);
    ck_assert_int_eq(dst->dims[1], 4);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(bad_attributes_are_refused_with_their_value)
{
    static const struct {
        const char *op, *attributes, *params;
        cop_status status;
        const char *message;
    } bad[] = {
        {"Convolution", "'num_filter':'4'", CONV_WEIGHTS, COP_STATUS_MALFORMED_MODEL,
         "kernel is missing"},
        {"Convolution", "'kernel':'(3,3)'", CONV_WEIGHTS, COP_STATUS_MALFORMED_MODEL,
         "num_filter is missing"},
        {"Convolution", KERNEL ",'stride':'(0,1)'", CONV_WEIGHTS, COP_STATUS_MALFORMED_MODEL,
         "stride='(0,1)'"},
        {"Convolution", KERNEL ",'stride':'(1,)'", CONV_WEIGHTS, COP_STATUS_MALFORMED_MODEL,
         "stride='(1,)'"},
        {"Convolution", KERNEL ",'pad':'(-1,0)'", CONV_WEIGHTS, COP_STATUS_MALFORMED_MODEL,
         "pad='(-1,0)'"},
        {"Convolution", KERNEL ",'pad':'(9999999999,0)'", CONV_WEIGHTS, COP_STATUS_MALFORMED_MODEL,
         "pad='(9999999999,0)'"},
        {"Convolution", KERNEL ",'num_group':'3'", CONV_WEIGHTS, COP_STATUS_MALFORMED_MODEL,
         "a multiple of num_group"},
        {"Convolution", "'kernel':'(1,1,1,1)','num_filter':'4'", CONV_WEIGHTS,
         COP_STATUS_MALFORMED_MODEL, "kernel='(1,1,1,1)'"},
        {"Convolution", KERNEL ",'layout':'CHWN'", CONV_WEIGHTS, COP_STATUS_UNSUPPORTED,
         "layout='CHWN'"},
        {"Convolution", KERNEL ",'sparkle':'1'", CONV_WEIGHTS, COP_STATUS_UNSUPPORTED,
         "sparkle='1'"},
        {"Convolution", KERNEL, "weight 4,3,3;bias 4;", COP_STATUS_MALFORMED_MODEL,
         "node 'n' (Convolution)"},
        {"Convolution", KERNEL, "weight 5,3,3,3;bias 4;", COP_STATUS_MALFORMED_MODEL,
         "node 'n' (Convolution)"},
        {"FullyConnected", "'num_hidden':'6'", "weight 5,7;bias 5;", COP_STATUS_MALFORMED_MODEL,
         "num_hidden='6'"},
        {"Pooling", "'pool_type':'max'", "", COP_STATUS_MALFORMED_MODEL, "kernel is missing"},
        {"Pooling", "'kernel':'(2,2)','pool_type':'lp'", "", COP_STATUS_MALFORMED_MODEL,
         "p_value is missing"},
        {"Pooling", "'kernel':'(2,)','pooling_convention':'same','pad':'1'", "",
         COP_STATUS_MALFORMED_MODEL, "pad='1'"},
        {"BatchNorm", "'output_mean_var':'True'", STATISTICS, COP_STATUS_UNSUPPORTED,
         "output_mean_var='True'"},
        {"LRN", "'nsize':'4'", "", COP_STATUS_MALFORMED_MODEL, "nsize='4': expected an odd"},
        {"Dropout", "'mode':'always'", "", COP_STATUS_UNSUPPORTED, "mode='always'"},
        {"Activation", "", "", COP_STATUS_MALFORMED_MODEL, "act_type is missing"},
        {"Activation", "'act_type':'mish'", "", COP_STATUS_UNSUPPORTED, "act_type='mish'"},
        {"clip", "'a_min':'0'", "", COP_STATUS_MALFORMED_MODEL, "a_max is missing"},
        {"Concat", "'num_args':'3'", "", COP_STATUS_MALFORMED_MODEL, "num_args='3'"},
        {"Reshape", "", "", COP_STATUS_MALFORMED_MODEL, "shape is missing"},
        {"Reshape", "'shape':'(-5, 2)'", "", COP_STATUS_MALFORMED_MODEL, "shape='(-5, 2)'"},
        {"Pad", "'mode':'constant','pad_width':'(0,0,1,1,0,0,0,0)'", "", COP_STATUS_MALFORMED_MODEL,
         "pad_width="},
        {"Pad", "'mode':'constant','pad_width':'(0,0,0,0)'", "", COP_STATUS_MALFORMED_MODEL,
         "pad_width="},
        {"SliceChannel", "'num_outputs':'65537'", "", COP_STATUS_MALFORMED_MODEL, "num_outputs="},
        {"SliceChannel", "'num_outputs':'0'", "", COP_STATUS_MALFORMED_MODEL, "num_outputs="},
        {"softmax", "'temperature':'0'", "", COP_STATUS_MALFORMED_MODEL, "temperature='0'"},
        {"transpose", "'axes':'(0,1,2,3,4,5,6,7,0)'", "", COP_STATUS_UNSUPPORTED, "at most 8 axes"},
        {"transpose", "'axes':'(0,9)'", "", COP_STATUS_MALFORMED_MODEL, "axes='(0,9)'"},
        {"sum", "'axis':'(0,1,2,3,4,5,6,7,0)'", "", COP_STATUS_UNSUPPORTED, "at most 8 axes"},
        {"Reshape", "'shape':'(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)'", "", COP_STATUS_UNSUPPORTED,
         "at most 16 numbers"},
        {"stack", "'axis':'x'", "", COP_STATUS_MALFORMED_MODEL, "axis='x'"},
        {"slice", "'begin':'()','end':'()'", "", COP_STATUS_MALFORMED_MODEL, "begin='()'"},
        {"slice_like", "", "", COP_STATUS_UNSUPPORTED, "the rank of its input"},
        {"Crop", "'num_args':'2','center_crop':'1'", "", COP_STATUS_UNSUPPORTED, "center_crop='1'"},
        {"flip", "'axis':'()'", "", COP_STATUS_MALFORMED_MODEL, "axis='()'"},
        {"Pad", "'mode':'wrap','pad_width':'(0,0,0,0,0,0,0,0)'", "", COP_STATUS_UNSUPPORTED,
         "mode='wrap'"},
        {"Pad", "'pad_width':'(0,0,0,0,0,0,0,0)'", "", COP_STATUS_MALFORMED_MODEL,
         "mode is missing"},
        {"LeakyReLU", "'slope':'steep'", "", COP_STATUS_MALFORMED_MODEL, "slope='steep'"},
        {"log2", "'base':'3'", "", COP_STATUS_UNSUPPORTED, "base='3'"},
        {"Cast", "", "", COP_STATUS_MALFORMED_MODEL, "dtype is missing"},
        {"Cast", "'dtype':'complex64'", "", COP_STATUS_UNSUPPORTED, "dtype='complex64'"},
        {"broadcast_like", "'lhs_axes':'(0,)'", "", COP_STATUS_UNSUPPORTED, "lhs_axes='(0,)'"},
        {"add_n", "'num_args':'5'", "", COP_STATUS_MALFORMED_MODEL, "num_args='5'"},
        {"_mul_scalar", "'scalar':'1e39'", "", COP_STATUS_MALFORMED_MODEL, "scalar='1e39'"},
        {"BatchNorm", "'fix_gamma':'maybe'", STATISTICS, COP_STATUS_MALFORMED_MODEL,
         "fix_gamma='maybe'"},
        {"L2Normalization", "'eps':'small'", "", COP_STATUS_MALFORMED_MODEL, "eps='small'"},
        {"InstanceNorm", "'eps':'1e400'", "gamma 3;beta 3;", COP_STATUS_MALFORMED_MODEL,
         "eps='1e400'"},
        {"LayerNorm", "'output_mean_var':'1'", "gamma 3;beta 3;", COP_STATUS_UNSUPPORTED,
         "output_mean_var='1'"},
        {"norm", "'ord':'3'", "", COP_STATUS_MALFORMED_MODEL, "ord='3'"},
        {"argmax", "'axis':'8'", "", COP_STATUS_MALFORMED_MODEL, "axis='8'"},
        {"dot", "", "", COP_STATUS_UNSUPPORTED, "not known to be matrices"},
        {"UpSampling", "'scale':'2','sample_type':'bilinear'", "", COP_STATUS_UNSUPPORTED,
         "sample_type='bilinear'"},
        {"UpSampling", "'scale':'2','num_args':'2'", "", COP_STATUS_UNSUPPORTED, "several inputs"},
        {"Crop", "'num_args':'2','offset':'(1,0)'", "", COP_STATUS_UNSUPPORTED, "offset='(1,0)'"},
        {"_contrib_AdaptiveAvgPooling2D", "'output_size':'(2,2)'", "", COP_STATUS_UNSUPPORTED,
         "output_size='(2,2)'"},
        {"take", "'mode':'wrap'", "", COP_STATUS_UNSUPPORTED, "mode='wrap'"},
        {"slice", "'begin':'(1,2)','end':'(3,)'", "", COP_STATUS_MALFORMED_MODEL, "end='(3,)'"},
        {"slice", "'begin':'(1,)','end':'(3,)','step':'(0,)'", "", COP_STATUS_MALFORMED_MODEL,
         "a step of 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        import_bad(one_operator(bad[i].op, bad[i].attributes), bad[i].params, bad[i].status,
                   bad[i].message);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mxnet operators", operators_become_what_the_table_says,
        integers_stay_integers_where_mxnet_keeps_them,
        numbers_beside_integers_are_cut_to_their_type, tables_are_sorted_and_name_nothing_twice,
        a_convolution_keeps_all_its_numbers, pooling_conventions_are_told_apart,
        fix_gamma_takes_a_scale_of_one, softmax_heads_normalize_over_what_they_should,
        slices_fill_in_what_is_none, swapping_axes_uses_the_rank_that_follows_from_the_weights,
        channels_are_shuffled_as_shufflenet_does_it, bad_attributes_are_refused_with_their_value);
}
