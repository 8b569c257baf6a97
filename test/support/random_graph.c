// SPDX-License-Identifier: Apache-2.0
#include "support/random_graph.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "plan/run_once.h"

#define WEIGHT_FLOATS (1 << 20)

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static float random_float(uint32_t *state)
{
    return (float)next_random(state) / (float)(1 << 23) - 1;
}

uint32_t draw(struct graph_maker *maker, uint32_t limit)
{
    return next_random(&maker->state) % limit;
}

struct graph_maker make_graph(uint32_t seed)
{
    struct graph_maker maker = {.state = seed * 7919u + 1};
    static float floats[WEIGHT_FLOATS];
    for (int i = 0; i < WEIGHT_FLOATS; i++) {
        const float value = random_float(&maker.state);
        /* Small enough that layers do not amplify rounding; the second half is for variances. */
        floats[i] = i < WEIGHT_FLOATS / 2 ? 0.25f * value : 0.5f + fabsf(value);
    }
    const cop_bytes bytes = {floats, sizeof floats, NULL, NULL};
    ck_assert_int_eq(cop_source_from_bytes(&bytes, "weights", &maker.weights, NULL), COP_STATUS_OK);
    maker.graph = cop_graph_create(NULL);
    ck_assert_ptr_nonnull(maker.graph);
    return maker;
}

void free_maker(struct graph_maker *maker)
{
    cop_graph_destroy(maker->graph);
    cop_source_release(&maker->weights);
}

static int new_value(struct graph_maker *maker, const char *prefix)
{
    char name[32];
    const struct shape unknown = cop_shape_unknown();
    snprintf(name, sizeof name, "%s%d", prefix, maker->graph->value_count);
    const int value = cop_graph_add_value(maker->graph, name, COP_DTYPE_UNKNOWN, &unknown, NULL);
    ck_assert_int_ge(value, 0);
    return value;
}

int add_input(struct graph_maker *maker, const char *name, int rank, const int64_t *dims)
{
    const struct shape shape = cop_shape_of(rank, dims);
    const int value = cop_graph_add_value(maker->graph, name, COP_DTYPE_FLOAT32, &shape, NULL);
    ck_assert_int_ge(cop_graph_add_input(maker->graph, value, NULL, NULL), 0);
    return value;
}

static int add_constant(struct graph_maker *maker, size_t base, int rank, const int64_t *dims)
{
    char name[32];
    const struct shape shape = cop_shape_of(rank, dims);
    size_t bytes;
    ck_assert(cop_shape_bytes(&shape, COP_DTYPE_FLOAT32, &bytes));
    if (maker->used + bytes > WEIGHT_FLOATS / 2 * sizeof(float))
        maker->used = 0;
    snprintf(name, sizeof name, "w%d", maker->graph->value_count);
    const int value = cop_graph_add_constant(maker->graph, name, COP_DTYPE_FLOAT32, &shape,
                                             maker->weights, base + maker->used, NULL);
    ck_assert_int_ge(value, 0);
    maker->used += bytes;
    return value;
}

int add_weight(struct graph_maker *maker, int rank, const int64_t *dims)
{
    return add_constant(maker, 0, rank, dims);
}

int add_positive_weight(struct graph_maker *maker, int rank, const int64_t *dims)
{
    return add_constant(maker, WEIGHT_FLOATS / 2 * sizeof(float), rank, dims);
}

int add_scalar(struct graph_maker *maker, float value)
{
    const struct shape shape = cop_shape_of(0, NULL);
    return cop_graph_add_literal(maker->graph, "scalar", COP_DTYPE_FLOAT32, &shape, &value, NULL);
}

int add_op(struct graph_maker *maker, enum op_kind kind, const void *attrs, int count,
           const int *src)
{
    char name[32];
    const int dst = new_value(maker, "v");
    snprintf(name, sizeof name, "n%d", maker->graph->node_count);
    ck_assert_int_ge(cop_graph_add_node(maker->graph, kind, name, cop_op_def(kind)->name, attrs,
                                        count, src, 1, &dst, NULL),
                     0);
    return dst;
}

int add_unary(struct graph_maker *maker, enum unary_alg alg, float alpha, float beta, int src)
{
    struct unary_attrs attrs = {.alg = alg, .alpha = alpha, .beta = beta};
    return add_op(maker, OP_UNARY, &attrs, 1, &src);
}

int add_binary(struct graph_maker *maker, enum binary_alg alg, int a, int b)
{
    struct binary_attrs attrs;
    memset(&attrs, 0, sizeof attrs);
    attrs.alg = alg;
    return add_op(maker, OP_BINARY, &attrs, 2, (const int[]){a, b});
}

int add_conv(struct graph_maker *maker, int src, int64_t ic, int64_t oc, int64_t kernel,
             int64_t pad, bool has_bias)
{
    struct convolution_attrs attrs;
    memset(&attrs, 0, sizeof attrs);
    for (int i = 0; i < 2; i++) {
        attrs.strides[i] = attrs.dilations[i] = 1;
        attrs.pads_begin[i] = attrs.pads_end[i] = pad;
    }
    attrs.groups = 1;
    const int weights = add_weight(maker, 4, (const int64_t[]){oc, ic, kernel, kernel});
    const int bias = has_bias ? add_weight(maker, 1, &oc) : COP_NO_VALUE;
    return add_op(maker, OP_CONVOLUTION, &attrs, has_bias ? 3 : 2,
                  (const int[]){src, weights, bias});
}

int add_batch_norm(struct graph_maker *maker, int src, int64_t channels)
{
    struct batch_normalization_attrs attrs;
    memset(&attrs, 0, sizeof attrs);
    attrs.epsilon = 1e-3;
    attrs.axis = 1;
    attrs.unit_scale = draw(maker, 3) == 0;
    const int scale = add_weight(maker, 1, &channels), shift = add_weight(maker, 1, &channels);
    const int mean = add_weight(maker, 1, &channels);
    const int variance = add_positive_weight(maker, 1, &channels);
    return add_op(maker, OP_BATCH_NORMALIZATION, &attrs, 5,
                  (const int[]){src, scale, shift, mean, variance});
}

void add_output(struct graph_maker *maker, int value, const char *name)
{
    ck_assert_int_ge(cop_graph_add_output(maker->graph, value, name, NULL), 0);
}

/* A map of 8 channels from one or two others. */
static int add_random_node(struct graph_maker *maker, const int *maps, int count)
{
    const int a = maps[count - 1 - (int)draw(maker, (uint32_t)(count < 4 ? count : 4))];
    const int b = maps[draw(maker, (uint32_t)count)];
    static const struct concat_attrs concat = {.axis = 1};
    static const struct no_attrs none;
    switch (draw(maker, 12)) {
    case 0:
        return add_unary(maker, UNARY_RELU, 0, 0, a);
    case 1:
        return add_unary(maker, UNARY_CLIP, -0.5f, 0.75f, a);
    case 2:
        return add_unary(maker, UNARY_LINEAR, 0.5f, 0.25f, a);
    case 3:
        return add_batch_norm(maker, a, 8);
    case 4:
    case 5:
        return add_binary(maker, BINARY_ADD, a, b);
    case 6:
        return add_unary(maker, UNARY_TANH, 0, 0, add_conv(maker, a, 8, 8, 3, 1, false));
    case 7:
        return add_batch_norm(maker, add_conv(maker, a, 8, 8, 1, 0, draw(maker, 2) == 0), 8);
    case 8:
        return add_op(maker, OP_IDENTITY, &none, 1, &a);
    case 9: {
        const int both = add_op(maker, OP_CONCAT, &concat, 2, (const int[]){a, b});
        return add_conv(maker, both, 16, 8, 1, 0, true);
    }
    case 10: {
        struct reshape_attrs flat, back;
        memset(&flat, 0, sizeof flat), memset(&back, 0, sizeof back);
        flat.count = 2, flat.target[0] = 8, flat.target[1] = 36;
        back.count = 4, back.target[0] = 1, back.target[1] = 8, back.target[2] = 6;
        back.target[3] = 6;
        return add_op(maker, OP_RESHAPE, &back, 1,
                      (const int[]){add_op(maker, OP_RESHAPE, &flat, 1, &a)});
    }
    default:
        return add_conv(maker, a, 8, 8, 1, 0, draw(maker, 2) == 0);
    }
}

struct graph_maker make_random_network(uint32_t seed, int nodes)
{
    struct graph_maker maker = make_graph(seed);
    const int64_t dims[] = {1, 8, 6, 6};
    int maps[256], count = 0;
    maps[count++] = add_input(&maker, "a", 4, dims);
    if (draw(&maker, 2) == 0)
        maps[count++] = add_input(&maker, "b", 4, dims);
    for (int i = 0; i < nodes && count < 256; i++, count++)
        maps[count] = add_random_node(&maker, maps, count);
    add_output(&maker, maps[count - 1], "last");
    if (draw(&maker, 2) == 0)
        add_output(&maker, maps[draw(&maker, (uint32_t)count)], "any");
    if (draw(&maker, 4) == 0)
        add_output(&maker, maps[count - 1], "again");
    return maker;
}

static struct device *ref_device(void)
{
    struct device_chain chain;
    ck_assert_int_eq(cop_device_chain((cop_device){COP_DEVICE_REF, 0}, &chain, NULL),
                     COP_STATUS_OK);
    return chain.devices[0];
}

void infer(struct graph *graph)
{
    const struct graph_bindings bindings = {0};
    const struct graph_evaluator evaluator = cop_device_evaluator(ref_device());
    cop_error error;
    if (cop_graph_bind_inputs(graph, &bindings, &error) != COP_STATUS_OK ||
        cop_graph_infer_shapes(graph, &evaluator, &error) != COP_STATUS_OK)
        ck_abort_msg("%s", error.message);
}

static size_t bytes_of(const struct graph *graph, int value)
{
    size_t bytes;
    ck_assert(cop_shape_bytes(&graph->values[value].shape, graph->values[value].dtype, &bytes));
    return bytes;
}

float **make_inputs(const struct graph *graph, uint32_t seed)
{
    float **srcs = calloc((size_t)graph->input_count + 1, sizeof *srcs);
    for (int i = 0; i < graph->input_count; i++) {
        const size_t bytes = bytes_of(graph, graph->inputs[i].value);
        srcs[i] = malloc(bytes + 1);
        for (size_t j = 0; j < bytes / sizeof(float); j++)
            srcs[i][j] = random_float(&seed);
    }
    return srcs;
}

float **make_outputs(const struct graph *graph)
{
    float **dsts = calloc((size_t)graph->output_count + 1, sizeof *dsts);
    for (int i = 0; i < graph->output_count; i++) {
        const size_t bytes = bytes_of(graph, graph->outputs[i]);
        dsts[i] = malloc(bytes + 1);
        memset(dsts[i], 0xff, bytes);
    }
    return dsts;
}

void free_elements(float **elements, int count)
{
    for (int i = 0; i < count; i++)
        free(elements[i]);
    free(elements);
}

static void *load_value(const struct graph *graph, int value)
{
    const struct graph_value *entry = &graph->values[value];
    const unsigned char *bytes = entry->value;
    void *copy = malloc(bytes_of(graph, value) + 1);
    if (bytes == NULL) {
        ck_assert_ptr_nonnull(entry->constant);
        bytes = cop_source_bytes(entry->constant->source) + entry->constant->offset;
    }
    memcpy(copy, bytes, bytes_of(graph, value));
    return copy;
}

/* The elements of `value` changed as the node's post-ops say. */
static void apply_post_ops(const struct graph *graph, const struct graph_node *node, void **values)
{
    const int dst = node->dst[0];
    const size_t count = bytes_of(graph, dst) / sizeof(float);
    for (int i = 0; i < node->post_ops->count; i++) {
        const struct post_op *post_op = &node->post_ops->entries[i];
        float *elements = values[dst];
        if (post_op->kind == POST_OP_SUM) {
            const float *added = values[node->src[node->src_count - 1]];
            for (size_t j = 0; j < count; j++)
                elements[j] += added[j];
            continue;
        }
        struct op_tensor src = {true, COP_DTYPE_FLOAT32, graph->values[dst].shape, elements};
        void *after = malloc(count * sizeof(float) + 1);
        ck_assert_int_eq(cop_evaluate_node(ref_device(), OP_UNARY, &post_op->unary, 1, &src, 1,
                                           &src, &after, NULL),
                         COP_STATUS_OK);
        free(elements);
        values[dst] = after;
    }
}

static void run_oracle_node(const struct graph *graph, const struct graph_node *node, void **values)
{
    struct op_tensor src[16], dst[16];
    void *elements[16];
    memset(src, 0, sizeof src), memset(dst, 0, sizeof dst);
    const int src_count = node->src_count - (cop_post_ops_has_sum(node->post_ops) ? 1 : 0);
    ck_assert_int_le(src_count, 16);
    for (int i = 0; i < src_count; i++) {
        const int value = node->src[i];
        if (value == COP_NO_VALUE)
            continue;
        if (values[value] == NULL)
            values[value] = load_value(graph, value);
        src[i] = (struct op_tensor){true, graph->values[value].dtype, graph->values[value].shape,
                                    values[value]};
    }
    for (int i = 0; i < node->dst_count; i++) {
        const int value = node->dst[i];
        values[value] = malloc(bytes_of(graph, value) + 1);
        elements[i] = values[value];
        dst[i] =
            (struct op_tensor){true, graph->values[value].dtype, graph->values[value].shape, NULL};
    }
    cop_error error;
    if (cop_evaluate_node(ref_device(), node->kind, node->attrs, src_count, src, node->dst_count,
                          dst, elements, &error) != COP_STATUS_OK)
        ck_abort_msg("%s: %s", node->name, error.message);
    apply_post_ops(graph, node, values);
}

void run_oracle(const struct graph *graph, float *const *srcs, float *const *dsts)
{
    void **values = calloc((size_t)graph->value_count + 1, sizeof *values);
    for (int i = 0; i < graph->input_count; i++) {
        const int value = graph->inputs[i].value;
        values[value] = malloc(bytes_of(graph, value) + 1);
        memcpy(values[value], srcs[i], bytes_of(graph, value));
    }
    for (int i = 0; i < graph->node_count; i++)
        if (!graph->nodes[i].is_dead)
            run_oracle_node(graph, &graph->nodes[i], values);
    for (int i = 0; i < graph->output_count; i++) {
        const int value = graph->outputs[i];
        if (values[value] == NULL)
            values[value] = load_value(graph, value);
        memcpy(dsts[i], values[value], bytes_of(graph, value));
    }
    for (int i = 0; i < graph->value_count; i++)
        free(values[i]);
    free(values);
}

struct places {
    const struct plan *plan;
    const struct weight_set *weights;
    float *const *srcs, *const *dsts;
    unsigned char *arena;
};

static void *find_operand(const struct places *places, const struct operand *operand, size_t bytes)
{
    switch (operand->place) {
    case OPERAND_ARENA:
        ck_assert_uint_le(operand->offset + bytes, places->plan->arena_bytes);
        return places->arena + operand->offset;
    case OPERAND_WEIGHT:
        ck_assert_int_lt(operand->index, places->weights->count);
        ck_assert_uint_eq(operand->offset, 0);
        return (void *)(uintptr_t)places->weights->addresses[operand->index];
    case OPERAND_SRC:
        ck_assert_int_lt(operand->index, places->plan->src_count);
        ck_assert_uint_eq(operand->offset, 0);
        return places->srcs[operand->index];
    case OPERAND_DST:
        ck_assert_int_lt(operand->index, places->plan->dst_count);
        ck_assert_uint_eq(operand->offset, 0);
        return places->dsts[operand->index];
    default:
        return NULL;
    }
}

static void run_plan_step(const struct places *places, const struct plan_step *step)
{
    const struct kernel *kernel = step->kernel;
    const struct backend *backend = kernel->backend;
    const void **src = calloc((size_t)kernel->src_count + 1, sizeof *src);
    void **dst = calloc((size_t)kernel->dst_count + 1, sizeof *dst);
    for (int i = 0; i < kernel->src_count; i++)
        src[i] = find_operand(places, &step->src[i], step->src_tensors[i].bytes);
    for (int i = 0; i < kernel->dst_count; i++) {
        ck_assert_int_ne(step->dst[i].place, OPERAND_SRC);
        ck_assert_int_ne(step->dst[i].place, OPERAND_WEIGHT);
        dst[i] = find_operand(places, &step->dst[i], step->dst_tensors[i].bytes);
    }
    struct device *device = places->plan->devices.devices[step->device_index];
    struct stream *stream = NULL;
    void *state = NULL;
    cop_error error = {0};
    if (backend->stream_create != NULL)
        ck_assert_int_eq(backend->stream_create(device, &stream, &error), COP_STATUS_OK);
    if (backend->state_create != NULL)
        ck_assert_int_eq(backend->state_create(kernel, stream, &state, &error), COP_STATUS_OK);
    const struct kernel_args args = {
        .src = src, .dst = dst, .scratch = places->arena + step->scratch_offset};
    if (cop_kernel_run(kernel, stream, state, &args, &error) != COP_STATUS_OK)
        ck_abort_msg("%s: %s", step->name, error.message);
    if (state != NULL)
        backend->state_destroy(kernel, state);
    if (stream != NULL)
        backend->stream_destroy(stream);
    free(src), free(dst);
}

void run_plan(const struct plan *plan, const struct weight_set *weights, float *const *srcs,
              float *const *dsts)
{
    struct places places = {plan, weights, srcs, dsts, cop_alloc_aligned(plan->arena_bytes)};
    ck_assert_ptr_nonnull(places.arena);
    memset(places.arena, 0xff, plan->arena_bytes);
    for (int i = 0; i < plan->step_count; i++)
        run_plan_step(&places, &plan->steps[i]);
    cop_free(places.arena);
}

bool outputs_agree(const struct graph *graph, float *const *a, float *const *b, double rtol)
{
    for (int i = 0; i < graph->output_count; i++) {
        const size_t count = bytes_of(graph, graph->outputs[i]) / sizeof(float);
        double largest = 1e-30;
        for (size_t j = 0; j < count; j++)
            largest = fmax(largest, fabs((double)a[i][j]));
        for (size_t j = 0; j < count; j++)
            if (!(fabs((double)a[i][j] - (double)b[i][j]) <= rtol * largest))
                return false;
    }
    return true;
}
