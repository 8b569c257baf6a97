// SPDX-License-Identifier: Apache-2.0
/* Symbols in memory: what their variables become, and what shapes follow from what is known. */
#include <cachedop/cachedop.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/mxnet/mxnet_build.h"
#include "model/mxnet_files.h"
#include "support/unit.h"

#include "support/arrays.h"

#define MOST_VARIABLES 8

/* What variables of the test at hand stand for, by name; others are open inputs. */
struct known {
    const char *name;
    cop_dtype dtype;
    int rank;
    int64_t dims[4];
    const float *elements; /* of a constant */
};

struct desk {
    struct mxnet_symbol symbol;
    struct mxnet_built built;
    const struct known *known; /* name NULL ends */
    int bound[MOST_VARIABLES];
    enum slot_role roles[MOST_VARIABLES];
    int bound_count;
};

static cop_status bind_known(void *user, int node, enum slot_role role,
                             struct mxnet_variable *variable, cop_error *error)
{
    struct desk *desk = user;
    desk->bound[desk->bound_count] = node;
    desk->roles[desk->bound_count++] = role;
    variable->dtype = COP_DTYPE_FLOAT32;
    for (const struct known *known = desk->known; known->name != NULL; known++) {
        if (strcmp(known->name, desk->symbol.nodes[node].name) != 0)
            continue;
        variable->dtype = known->dtype;
        variable->shape = cop_shape_of(known->rank, known->dims);
        if (known->elements == NULL)
            continue;
        int64_t elements;
        ck_assert(cop_shape_elements(&variable->shape, &elements));
        const cop_bytes bytes = {known->elements, (size_t)elements * sizeof(float), NULL, NULL};
        variable->use = VARIABLE_CONSTANT;
        return cop_source_from_bytes(&bytes, known->name, &variable->source, error);
    }
    return COP_STATUS_OK;
}

static void read_symbol(struct desk *desk, const char *text)
{
    char *json = write_json(text);
    struct source *source = make_source(json, strlen(json), "symbol");
    static const struct known nothing[] = {{.name = NULL}};
    *desk = (struct desk){.known = nothing};
    ck_assert_int_eq(cop_symbol_parse(source, &desk->symbol, NULL), COP_STATUS_OK);
    cop_source_release(&source);
    free(json);
}

static cop_status build(struct desk *desk, const cop_dtype *head_dtypes, bool infers,
                        cop_error *error)
{
    const struct mxnet_binding binding = {.bind = bind_known,
                                          .user = desk,
                                          .head_dtypes = head_dtypes,
                                          .is_for_inference_of_shapes = infers};
    return cop_mxnet_build(&desk->symbol, &binding, &desk->built, error);
}

static void clear(struct desk *desk)
{
    cop_mxnet_built_release(&desk->built);
    cop_symbol_release(&desk->symbol);
}

#define BATCH_NORM                                                                                 \
    SYMBOL(VARIABLE("x") "," VARIABLE("g") "," VARIABLE("b") "," VARIABLE("m") "," VARIABLE(       \
               "v") "," NODE("BatchNorm", "bn", "", "[0,0],[1,0],[2,0],[3,0],[4,0]"),              \
           "[5,0]")

START_TEST(variables_are_asked_for_once_in_order_with_their_role)
{
    struct desk desk;
    read_symbol(&desk, BATCH_NORM);
    ck_assert_int_eq(build(&desk, NULL, false, NULL), COP_STATUS_OK);
    static const enum slot_role roles[] = {SLOT_TENSOR, SLOT_PARAMETER, SLOT_PARAMETER,
                                           SLOT_AUXILIARY, SLOT_AUXILIARY};
    ck_assert_int_eq(desk.bound_count, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(desk.bound[i], i);
        ck_assert_int_eq(desk.roles[i], roles[i]);
        ck_assert_int_eq(desk.built.values[i][0], desk.built.graph->inputs[i].value);
    }
    ck_assert_int_eq(desk.built.values[5][0], desk.built.graph->outputs[0]);
    ck_assert_int_eq(desk.built.values[5][1], COP_NO_VALUE);
    clear(&desk);
}
END_TEST

START_TEST(inputs_of_one_name_are_told_apart)
{
    struct desk desk;
    read_symbol(
        &desk, SYMBOL(VARIABLE("x") "," VARIABLE("x") "," VARIABLE("") "," VARIABLE("x#1") "," NODE(
                          "add_n", "sum", "'num_args':'4'", "[0,0],[1,0],[2,0],[3,0]"),
                      "[4,0]"));
    ck_assert_int_eq(build(&desk, NULL, false, NULL), COP_STATUS_OK);
    const struct graph *graph = desk.built.graph;
    ck_assert_int_eq(graph->input_count, 4);
    ck_assert_str_eq(graph->values[graph->inputs[0].value].name, "x");
    ck_assert_str_eq(graph->values[graph->inputs[2].value].name, "");
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(graph->values[graph->inputs[i].value].name,
                             graph->values[graph->inputs[k].value].name);
    clear(&desk);
}
END_TEST

START_TEST(heads_are_of_the_type_that_is_asked_for)
{
    struct desk desk;
    const struct known known[] = {{"x", COP_DTYPE_FLOAT16, 1, {4}, NULL}, {.name = NULL}};
    const cop_dtype dtypes[] = {COP_DTYPE_FLOAT16, COP_DTYPE_FLOAT16, COP_DTYPE_FLOAT32};
    read_symbol(&desk,
                SYMBOL(VARIABLE("x") "," NODE("relu", "r", "", "[0,0]"), "[1,0],[0,0],[1,0]"));
    desk.known = known;
    ck_assert_int_eq(build(&desk, dtypes, false, NULL), COP_STATUS_OK);
    const struct graph *graph = desk.built.graph;
    for (int i = 0; i < 3; i++) {
        struct graph_value *output = &graph->values[graph->outputs[i]];
        const struct graph_node *maker = &graph->nodes[output->producer];
        const int src = maker->src[0];
        if (i == 0) { /* computed in float32, then rounded */
            ck_assert_int_eq(maker->kind, OP_CAST);
            ck_assert_int_eq(((const struct cast_attrs *)maker->attrs)->to, COP_DTYPE_FLOAT16);
            ck_assert_int_eq(graph->values[src].dtype, COP_DTYPE_FLOAT32);
        } else if (i == 1) { /* the variable as it was given */
            ck_assert_int_eq(maker->kind, OP_IDENTITY);
            ck_assert_int_eq(src, graph->inputs[0].value);
        } else { /* a copy: what is in `values` is computed in float32 */
            ck_assert_int_eq(maker->kind, OP_IDENTITY);
            ck_assert_int_eq(src, desk.built.values[1][0]);
        }
    }
    clear(&desk);
}
END_TEST

START_TEST(a_symbol_of_constants_only_is_built)
{
    struct desk desk;
    const float elements[] = {1, -2};
    const struct known known[] = {{"x", COP_DTYPE_FLOAT32, 1, {2}, elements}, {.name = NULL}};
    read_symbol(&desk, SYMBOL(VARIABLE("x") "," NODE("relu", "r", "", "[0,0]"), "[1,0]"));
    desk.known = known;
    ck_assert_int_eq(build(&desk, NULL, false, NULL), COP_STATUS_OK);
    ck_assert_int_eq(desk.built.graph->input_count, 0);
    cop_model *model = NULL;
    ck_assert_int_eq(cop_model_create(desk.built.graph, &model, NULL), COP_STATUS_OK);
    desk.built.graph = NULL;
    cop_cached_op *op = NULL;
    cop_error error;
    ck_assert_msg(cop_cached_op_create(model, NULL, &op, &error) == COP_STATUS_OK, "%s",
                  error.message);
    cop_ndarray *dst = NULL;
    ck_assert_msg(cop_invoke(op, 0, NULL, 1, &dst, NULL, &error) == COP_STATUS_OK, "%s",
                  error.message);
    const float *result = cop_ndarray_data(dst);
    ck_assert_float_eq(result[0], 1);
    ck_assert_float_eq(result[1], 0);
    cop_ndarray_release(&dst);
    cop_cached_op_release(&op);
    cop_model_release(&model);
    clear(&desk);
}
END_TEST

/* One operator of `x` and as many open variables as it takes, shapes of which follow. */
static const struct inference {
    const char *op, *attributes;
    int count;          /* of variables, x included */
    const char *x;      /* "4,0": a dimension of 0 is open; "": nothing is known */
    const char *other;  /* what is known of the second */
    const char *shapes; /* of the other variables and the result */
} inferences[] = {
    {"Convolution", "'kernel':'(3, 3)','num_filter':'8','num_group':'2'", 3, "2,4,8,8", "",
     "[8,2,3,3] [8] [2,8,6,6]"},
    {"Convolution", "'kernel':'(3, 3)','num_filter':'8','num_group':'2'", 3, "0,4,0,8", "",
     "[8,2,3,3] [8] [?,8,?,6]"},
    {"FullyConnected", "'num_hidden':'7'", 3, "2,4,8,8", "", "[7,256] [7] [2,7]"},
    {"FullyConnected", "'num_hidden':'7'", 3, "0,256", "", "[7,256] [7] [?,7]"},
    {"FullyConnected", "'num_hidden':'7','flatten':'False'", 3, "2,0,6", "", "[7,6] [7] [2,?,7]"},
    {"FullyConnected", "'num_hidden':'7','no_bias':'True'", 2, "0,4,8,8", "", "[7,256] [?,7]"},
    {"BatchNorm", "", 5, "0,4,8,8", "", "[4] [4] [4] [4] [?,4,8,8]"},
    {"BatchNorm", "'axis':'-1'", 5, "2,4,8,6", "", "[6] [6] [6] [6] [2,4,8,6]"},
    {"LayerNorm", "", 3, "0,4,6", "", "[6] [6] [?,4,6]"},
    {"LayerNorm", "'axis':'1'", 3, "2,4,6", "", "[4] [4] [2,4,6]"},
    {"InstanceNorm", "", 3, "2,4,0", "", "[4] [4] [2,4,?]"},
    {"LeakyReLU", "'act_type':'prelu'", 2, "0,4,8,8", "", "[4] [?,4,8,8]"},
    {"Embedding", "'input_dim':'11','output_dim':'5'", 2, "2,0", "", "[11,5] [2,?,5]"},
    {"elemwise_add", "", 2, "2,0", "0,6", "[2,6] [2,6]"},
    {"slice_like", "", 2, "5,6,7", "2,6,3", "[2,6,3] [2,6,3]"},
    {"slice_like", "'axes':'(-1,)'", 2, "5,6,7", "2,6,3", "[2,6,3] [5,6,3]"},
    {"SwapAxis", "'dim1':'0','dim2':'2'", 1, "2,4,0", "", "[?,4,2]"},
    {"SwapAxis", "'dim1':'0','dim2':'2'", 1, "", "", "unknown"},
    {"dot", "", 2, "3,6", "", "unknown unknown"},
    {"dot", "", 2, "3,6", "6,2", "[6,2] [3,2]"},
    {"dot", "", 2, "6", "6", "[6] [1]"},
    {"dot", "'transpose_b':'True'", 2, "6", "3,6", "[3,6] [3]"},
    {"dot", "", 2, "2,3,6", "6", "[6] [2,3]"},
};

static void read_known(const char *text, struct known *known)
{
    known->dtype = COP_DTYPE_FLOAT32;
    for (known->rank = 0; *text != '\0'; text += *text == ',') {
        char *end;
        const int64_t size = strtoll(text, &end, 10);
        known->dims[known->rank++] = size == 0 ? COP_UNKNOWN : size;
        text = end;
    }
}

static void check_inference(const struct inference *inference)
{
    static const char *const names[] = {"x", "a", "b", "c", "d"};
    char text[1024] = "{'nodes':[", shapes[512] = "";
    size_t length = strlen(text), used = 0;
    struct known known[3] = {{.name = NULL}};
    int count = 0;
    for (int i = 0; i < 2; i++) {
        const char *given = i == 0 ? inference->x : inference->other;
        if (given[0] == '\0')
            continue;
        known[count].name = names[i];
        read_known(given, &known[count++]);
    }
    for (int i = 0; i < inference->count; i++)
        length += (size_t)sprintf(text + length, VARIABLE("%s") ",", names[i]);
    length += (size_t)sprintf(text + length, "{'op':'%s','name':'n','attrs':{%s},'inputs':[",
                              inference->op, inference->attributes);
    for (int i = 0; i < inference->count; i++)
        length += (size_t)sprintf(text + length, "%s[%d,0]", i == 0 ? "" : ",", i);
    sprintf(text + length,
            "]}],'arg_nodes':[],'heads':[[%d,0]],'attrs':{'mxnet_version':['int',"
            "10901]}}",
            inference->count);
    struct desk desk;
    cop_error error = {0};
    read_symbol(&desk, text);
    desk.known = known;
    cop_status status = build(&desk, NULL, true, &error);
    if (status == COP_STATUS_OK)
        status = cop_graph_infer_partially(desk.built.graph, &error);
    ck_assert_msg(status == COP_STATUS_OK, "%s: %s", inference->op, error.message);
    for (int i = 1; i <= inference->count; i++)
        used += (size_t)sprintf(
            shapes + used, "%s%s", i == 1 ? "" : " ",
            cop_shape_text(&desk.built.graph->values[desk.built.values[i][0]].shape).text);
    ck_assert_msg(strcmp(shapes, inference->shapes) == 0, "%s {%s} of %s, %s: %s, expected %s",
                  inference->op, inference->attributes, inference->x, inference->other, shapes,
                  inference->shapes);
    clear(&desk);
}

START_TEST(what_is_open_follows_as_far_as_it_does_in_mxnet)
{
    for (size_t i = 0; i < sizeof inferences / sizeof inferences[0]; i++)
        check_inference(&inferences[i]);
}
END_TEST

START_TEST(a_shape_that_attributes_contradict_is_an_error_with_its_node)
{
    struct desk desk;
    const struct known known[] = {{"w", COP_DTYPE_FLOAT32, 2, {5, 6}, NULL}, {.name = NULL}};
    cop_error error;
    read_symbol(&desk,
                SYMBOL(VARIABLE("x") "," VARIABLE("w") "," NODE(
                           "Embedding", "table", "'input_dim':'5','output_dim':'7'", "[0,0],[1,0]"),
                       "[2,0]"));
    desk.known = known;
    ck_assert_int_eq(build(&desk, NULL, true, &error), COP_STATUS_MALFORMED_MODEL);
    ck_assert_str_eq(error.message,
                     "node 'table' (Embedding): 'w' is [5,6] and would have to be [5,7]");
    clear(&desk);
}
END_TEST

START_TEST(operators_without_a_mapping_are_named_also_while_shapes_are_inferred)
{
    struct desk desk;
    cop_error error;
    read_symbol(&desk, SYMBOL(VARIABLE("x") "," NODE("_mystery", "m", "", "[0,0]"), "[1,0]"));
    ck_assert_int_eq(build(&desk, NULL, true, &error), COP_STATUS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "_mystery"));
    clear(&desk);
}
END_TEST

START_TEST(building_survives_any_failing_allocation)
{
    const size_t before = cop_alloc_counters().live_bytes;
    for (int k = 0;; k++) {
        struct desk desk;
        cop_error error;
        read_symbol(&desk, BATCH_NORM);
        cop_alloc_fail_after(k, 0);
        cop_status status = build(&desk, NULL, false, &error);
        if (status == COP_STATUS_OK)
            status = cop_graph_infer_partially(desk.built.graph, &error);
        const bool was_reached = cop_alloc_has_failed();
        cop_alloc_fail_after(-1, 0);
        ck_assert_int_eq(status, was_reached ? COP_STATUS_OUT_OF_MEMORY : COP_STATUS_OK);
        clear(&desk);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
        if (!was_reached)
            break;
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("mxnet build", variables_are_asked_for_once_in_order_with_their_role,
                     inputs_of_one_name_are_told_apart, heads_are_of_the_type_that_is_asked_for,
                     a_symbol_of_constants_only_is_built,
                     what_is_open_follows_as_far_as_it_does_in_mxnet,
                     a_shape_that_attributes_contradict_is_an_error_with_its_node,
                     operators_without_a_mapping_are_named_also_while_shapes_are_inferred,
                     building_survives_any_failing_allocation);
}
