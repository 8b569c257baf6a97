// SPDX-License-Identifier: Apache-2.0
/*
 * Small files that ask for years of work or for more memory than there is while they are compiled.
 * Each is taken or refused within 2 s and a few hundred megabytes, on both devices.
 */
#include <inttypes.h>

#include <cachedop/cachedop.h>

#include "model/mxnet_files.h"
#include "support/load_onnx.h"
#include "support/measure.h"
#include "support/onnx_sample.h"
#include "support/unit.h"

/* One whose shape the symbol states. */
#define INPUT "{'op':'null','name':'x','attrs':{'__shape__':'(1, 2)'},'inputs':[]}"

#define MOST_BYTES   (400 * MEGABYTE)
#define MOST_SECONDS 2.0

struct bomb {
    const void *graph, *weights;
    size_t graph_size, weights_size; /* no weights: ONNX */
    cop_device_kind device;
    bool invokes; /* what was compiled must not fail when it is run, only say so */
};

static cop_status load_and_create(const void *user, cop_error *error)
{
    const struct bomb *bomb = user;
    const cop_bytes graph = {.data = bomb->graph, .size = bomb->graph_size};
    const cop_bytes weights = {.data = bomb->weights, .size = bomb->weights_size};
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_model *model = NULL;
    cop_cached_op *op = NULL;
    options.device.kind = bomb->device;
    const bool is_onnx = bomb->weights == NULL;
    cop_status status =
        cop_model_load_bytes(is_onnx ? COP_MODEL_FORMAT_ONNX : COP_MODEL_FORMAT_MXNET, &graph,
                             is_onnx ? NULL : &weights, NULL, &model, error);
    if (status == COP_STATUS_OK)
        status = cop_cached_op_create(model, &options, &op, error);
    cop_cached_op_release(&op);
    cop_model_release(&model);
    return status;
}

/* Compiles on both devices; `expected` is one of them or, with `or_ok`, OK. */
static void detonate(const char *name, struct bomb bomb, cop_status expected, bool or_ok)
{
    static const cop_device_kind devices[] = {COP_DEVICE_REF, COP_DEVICE_CPU};
    for (int i = 0; i < 2; i++) {
        bomb.device = devices[i];
        const struct measured result = measure(load_and_create, &bomb);
        printf("%s, %zu bytes: %s in %.3f s, %zu MB: %.200s\n", name, bomb.graph_size,
               cop_status_name(result.status), result.seconds, result.peak_bytes / MEGABYTE,
               result.status == COP_STATUS_OK ? "" : result.error.message);
        ck_assert_msg(result.status == expected || (or_ok && result.status == COP_STATUS_OK),
                      "%s: %s: %s", name, cop_status_name(result.status), result.error.message);
        if (result.status != COP_STATUS_OK) {
            ck_assert_int_eq(result.error.status, result.status);
            ck_assert_int_ne(result.error.message[0], '\0');
        }
        if (IS_SANITIZED)
            continue;
        ck_assert_msg(result.seconds <= MOST_SECONDS, "%s: %.2f s", name, result.seconds);
        ck_assert_msg(result.peak_bytes <= MOST_BYTES, "%s: %zu MB", name,
                      result.peak_bytes / MEGABYTE);
    }
}

/* Finishes the graph with its output, and frees it. */
static void detonate_onnx(const char *name, struct message *graph, const char *output,
                          cop_status expected, bool or_ok)
{
    onnx_add_output(graph, output, ONNX_FLOAT, 0, NULL);
    struct message model = onnx_model(graph, 13);
    detonate(name, (struct bomb){.graph = model.bytes, .graph_size = model.size}, expected, or_ok);
    message_free(&model);
}

static void add_node(struct message *graph, const char *op, const char *inputs, const char *output)
{
    struct message node = onnx_node(op, output, inputs, output);
    if (strcmp(op, "Concat") == 0)
        onnx_attribute_int(&node, "axis", 0);
    if (strcmp(op, "LRN") == 0)
        onnx_attribute_int(&node, "size", 1000000);
    onnx_add_node(graph, &node);
}

/* A graph with the input x [2] and the constant c of ones. */
static struct message start(int rank, const int64_t *dims)
{
    struct message graph = {0};
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= dims[i];
    float *ones = malloc((size_t)count * sizeof *ones);
    for (int64_t i = 0; i < count; i++)
        ones[i] = 1;
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2));
    onnx_add_floats(&graph, "c", rank, dims, ones);
    free(ones);
    return graph;
}

START_TEST(a_constant_padded_to_terabytes)
{
    for (int shift = 26; shift < 48; shift += 3) {
        struct message graph = start(DIMS(1));
        add_ints(&graph, "pads", 2, (int64_t[]){0, (INT64_C(1) << shift) - 1});
        add_node(&graph, "Pad", "c pads", "p");
        add_node(&graph, "Exp", "p", "e");
        detonate_onnx("Pad", &graph, "e", COP_STATUS_UNSUPPORTED, shift < 28);
    }
}
END_TEST

START_TEST(a_constant_doubled_by_concatenation)
{
    for (int depth = 8; depth <= 48; depth += 8) {
        struct message graph = start(DIMS(1024));
        char src[64] = "c c", dst[32];
        for (int i = 0; i < depth; i++) {
            snprintf(dst, sizeof dst, "d%d", i);
            add_node(&graph, "Concat", src, dst);
            snprintf(src, sizeof src, "%s %s", dst, dst);
        }
        detonate_onnx("Concat", &graph, dst,
                      depth > 37 ? COP_STATUS_MALFORMED_MODEL : COP_STATUS_UNSUPPORTED, depth < 17);
    }
}
END_TEST

START_TEST(constants_that_broadcast)
{
    struct message graph = start(DIMS(65536, 1));
    add_ints(&graph, "turned", 2, (int64_t[]){1, 65536});
    add_node(&graph, "Reshape", "c turned", "r");
    add_node(&graph, "Add", "c r", "s");
    detonate_onnx("broadcast", &graph, "s", COP_STATUS_UNSUPPORTED, false);
}
END_TEST

START_TEST(products_of_constants)
{
    struct message graph = start(DIMS(512, 512));
    char src[64] = "c c", dst[32] = "";
    for (int i = 0; i < 1000; i++) {
        snprintf(dst, sizeof dst, "d%d", i);
        add_node(&graph, "MatMul", src, dst);
        snprintf(src, sizeof src, "%s c", dst);
    }
    detonate_onnx("MatMul", &graph, dst, COP_STATUS_UNSUPPORTED, false);
}
END_TEST

START_TEST(windows_over_padded_constants)
{
    static const char *const ops[] = {"Conv", "AveragePool", "LpPool", "LRN", "MaxPool"};
    for (int i = 0; i < 5; i++) {
        struct message graph = start(DIMS(1, 1, 1, 1));
        add_ints(&graph, "pads", 8,
                 (int64_t[]){0, i == 3 ? 2000 : 0, 0, 0, 0, i == 3 ? 2000 : 0, i == 3 ? 0 : 2000,
                             i == 3 ? 0 : 2000});
        add_ints(&graph, "less", 8, (int64_t[]){0, 0, 0, 0, 0, 0, 999, 999});
        add_node(&graph, "Pad", "c pads", "p");
        add_node(&graph, "Pad", "c less", "k");
        struct message node = onnx_node(ops[i], "window", i == 0 ? "p k" : "p", "y");
        if (i == 3)
            onnx_attribute_int(&node, "size", 1000000);
        else
            onnx_attribute_ints(&node, "kernel_shape", 2, (int64_t[]){1000, 1000});
        onnx_add_node(&graph, &node);
        detonate_onnx(ops[i], &graph, "y", COP_STATUS_UNSUPPORTED, i == 3);
    }
}
END_TEST

START_TEST(one_large_constant_read_again_and_again)
{
    static const char *const ops[] = {"ReduceSum", "ReduceMax", "Softmax", "Pow"};
    for (int k = 0; k < 4; k++) {
        struct message graph = start(DIMS(1));
        char dst[32] = "", sum[64] = "c", inputs[64];
        add_ints(&graph, "pads", 2, (int64_t[]){0, (16 << 20) - 1});
        add_node(&graph, "Pad", "c pads", "p");
        for (int i = 0; i < 500; i++) {
            snprintf(dst, sizeof dst, "r%d", i);
            struct message node = onnx_node(ops[k], dst, k == 3 ? "p p" : "p", dst);
            onnx_add_node(&graph, &node);
            snprintf(inputs, sizeof inputs, "%s %s", sum, dst);
            snprintf(sum, sizeof sum, "s%d", i);
            add_node(&graph, "Add", inputs, sum);
        }
        detonate_onnx(ops[k], &graph, sum, COP_STATUS_UNSUPPORTED, false);
    }
}
END_TEST

START_TEST(indices_padded_to_gigabytes)
{
    struct message graph = start(DIMS(1));
    add_ints(&graph, "one", 1, (int64_t[]){0});
    add_ints(&graph, "pads", 2, (int64_t[]){0, (INT64_C(1) << 30) - 1});
    add_node(&graph, "Pad", "one pads", "i");
    add_node(&graph, "Gather", "c i", "g");
    detonate_onnx("Gather", &graph, "g", COP_STATUS_UNSUPPORTED, false);
}
END_TEST

/* Many constants of moderate size, each its own. */
START_TEST(many_padded_constants)
{
    struct message graph = start(DIMS(1));
    for (int i = 0; i < 2000; i++) {
        char name[32], pads[32], src[80];
        snprintf(name, sizeof name, "k%d", i);
        snprintf(pads, sizeof pads, "pads%d", i);
        snprintf(src, sizeof src, "c %s", pads);
        add_ints(&graph, pads, 2, (int64_t[]){i, (1 << 20) - 1 - i});
        add_node(&graph, "Pad", src, name);
        onnx_add_output(&graph, name, ONNX_FLOAT, 0, NULL);
    }
    detonate_onnx("many Pads", &graph, "x", COP_STATUS_UNSUPPORTED, false);
}
END_TEST

START_TEST(shapes_computed_by_a_hundred_thousand_nodes)
{
    struct message graph = start(DIMS(1));
    char src[64] = "shape one", dst[32] = "";
    add_ints(&graph, "one", 1, (int64_t[]){0});
    add_node(&graph, "Shape", "x", "shape");
    for (int i = 0; i < 100000; i++) {
        snprintf(dst, sizeof dst, "d%d", i);
        add_node(&graph, "Add", src, dst);
        snprintf(src, sizeof src, "%s one", dst);
    }
    snprintf(src, sizeof src, "x %s", dst);
    add_node(&graph, "Reshape", src, "y");
    detonate_onnx("shape arithmetic", &graph, "y", COP_STATUS_UNSUPPORTED, true);
}
END_TEST

/* Long lists of integers on the way to a shape: read and written by each of many nodes. */
START_TEST(long_lists_on_the_way_to_a_shape)
{
    struct message graph = start(DIMS(1));
    char src[64] = "list list", dst[32] = "";
    int64_t *list = calloc(60000, sizeof *list);
    add_ints(&graph, "list", 60000, list);
    free(list);
    for (int i = 0; i < 5000; i++) {
        snprintf(dst, sizeof dst, "d%d", i);
        add_node(&graph, "Add", src, dst);
        snprintf(src, sizeof src, "%s list", dst);
    }
    struct message node = onnx_node("ReduceSum", "sum", dst, "sum");
    onnx_add_node(&graph, &node);
    add_node(&graph, "Reshape", "x sum", "y");
    detonate_onnx("long lists", &graph, "y", COP_STATUS_UNSUPPORTED, false);
}
END_TEST

START_TEST(inputs_doubled_by_concatenation_need_an_arena_of_terabytes)
{
    struct message graph = start(DIMS(1));
    char src[64] = "x x", dst[32] = "";
    for (int i = 0; i < 45; i++) {
        snprintf(dst, sizeof dst, "d%d", i);
        add_node(&graph, "Concat", src, dst);
        snprintf(src, sizeof src, "%s %s", dst, dst);
    }
    add_node(&graph, "Softmax", dst, "s");
    add_node(&graph, "Softmax", "s", "t");
    detonate_onnx("arena", &graph, "t", COP_STATUS_OUT_OF_MEMORY, false);
}
END_TEST

START_TEST(inputs_of_terabytes_need_an_arena_of_terabytes)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(INT64_C(1) << 23, INT64_C(1) << 23));
    add_node(&graph, "Softmax", "x", "a");
    add_node(&graph, "Softmax", "a", "b");
    add_node(&graph, "Softmax", "b", "y");
    detonate_onnx("large input", &graph, "y", COP_STATUS_OUT_OF_MEMORY, false);
}
END_TEST

START_TEST(shapes_that_are_too_large_are_refused)
{
    struct message graph = start(DIMS(1));
    add_ints(&graph, "large", 2, (int64_t[]){INT64_C(1) << 62, INT64_C(1) << 62});
    add_node(&graph, "Reshape", "x large", "y");
    detonate_onnx("Reshape", &graph, "y", COP_STATUS_MALFORMED_MODEL, false);
    graph = start(DIMS(1));
    add_ints(&graph, "pads", 2, (int64_t[]){INT64_MAX, INT64_MAX});
    add_node(&graph, "Pad", "x pads", "y");
    detonate_onnx("Pad of an input", &graph, "y", COP_STATUS_MALFORMED_MODEL, false);
}
END_TEST

/* Operators that make much of little, and are not supported: never with a guess. */
START_TEST(operators_that_make_much_of_little_are_refused_by_name)
{
    static const char *const ops[] = {"ConstantOfShape", "Expand", "Tile",     "Range",
                                      "Resize",          "Loop",   "Upsample", "OneHot"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct message graph = start(DIMS(1));
        add_ints(&graph, "large", 2, (int64_t[]){INT64_C(1) << 40, 1});
        add_node(&graph, ops[i], i == 0 ? "large" : "c large large", "y");
        detonate_onnx(ops[i], &graph, "y", COP_STATUS_UNSUPPORTED, false);
    }
}
END_TEST

static void detonate_mxnet(const char *name, const char *symbol, const char *params,
                           cop_status expected, bool or_ok)
{
    struct byte_writer writer;
    write_params(&writer, params);
    char *json = write_json(symbol);
    detonate(name,
             (struct bomb){.graph = json,
                           .graph_size = strlen(json),
                           .weights = writer.bytes,
                           .weights_size = writer.size},
             expected, or_ok);
    free(json);
}

START_TEST(mxnet_constants_enlarged)
{
#define ENLARGE "'scale':'64','sample_type':'nearest','num_args':'1'"
#define EDGES   "'mode':'edge','pad_width':'(0,0,0,0,0,1000000,0,1000000)'"
    detonate_mxnet("UpSampling",
                   SYMBOL(VARIABLE("w") "," INPUT
                                        "," NODE("UpSampling", "u", ENLARGE, "[0,0]") "," NODE(
                                            "UpSampling", "v", ENLARGE, "[2,0]"),
                          "[3,0],[1,0]"),
                   "w 1,1,2,2;", COP_STATUS_UNSUPPORTED, false);
    detonate_mxnet(
        "Pad", SYMBOL(VARIABLE("w") "," INPUT "," NODE("Pad", "u", EDGES, "[0,0]"), "[2,0],[1,0]"),
        "w 1,1,2,2;", COP_STATUS_UNSUPPORTED, false);
}
END_TEST

/* The same array under the names of many variables. */
START_TEST(one_mxnet_array_as_many_weights)
{
    enum { COUNT = 60000 };
    const size_t room = (size_t)COUNT * 80 + 200;
    char *symbol = malloc(room);
    struct byte_writer writer;
    write_params(&writer, "w 1900;");
    size_t length = (size_t)snprintf(symbol, room, "{'nodes':[%s", INPUT);
    for (int i = 1; i < COUNT; i++)
        length += (size_t)snprintf(symbol + length, room - length, ",%s", VARIABLE("w"));
    length += (size_t)snprintf(symbol + length, room - length, "],'arg_nodes':[],'heads':[[0,0]");
    for (int i = 1; i < COUNT; i++)
        length += (size_t)snprintf(symbol + length, room - length, ",[%d,0]", i);
    length += (size_t)snprintf(symbol + length, room - length,
                               "],'attrs':{'mxnet_version':['int',10901]}}");
    char *json = write_json(symbol);
    detonate("one array",
             (struct bomb){.graph = json,
                           .graph_size = length,
                           .weights = writer.bytes,
                           .weights_size = writer.size},
             COP_STATUS_UNSUPPORTED, true);
    free(json);
    free(symbol);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "constant folding bombs", a_constant_padded_to_terabytes,
        a_constant_doubled_by_concatenation, constants_that_broadcast, products_of_constants,
        windows_over_padded_constants, one_large_constant_read_again_and_again,
        indices_padded_to_gigabytes, many_padded_constants,
        shapes_computed_by_a_hundred_thousand_nodes, long_lists_on_the_way_to_a_shape,
        inputs_doubled_by_concatenation_need_an_arena_of_terabytes,
        inputs_of_terabytes_need_an_arena_of_terabytes, shapes_that_are_too_large_are_refused,
        operators_that_make_much_of_little_are_refused_by_name, mxnet_constants_enlarged,
        one_mxnet_array_as_many_weights);
}
