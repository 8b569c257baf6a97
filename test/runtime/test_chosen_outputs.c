// SPDX-License-Identifier: Apache-2.0
/* Runs of some of the outputs: the same bits, and no step that only the others need. */
#include <cachedop/cachedop.h>

#include "base/alloc.h"
#include "model/model.h"
#include "runtime/cached_op.h"
#include "support/behind/behind_control.h"
#include "support/random_graph.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOST_OUTPUTS 80
#define DRAWS        3 /* different inputs, so that what an earlier run left behind is wrong */

static const int64_t map[] = {1, 8, 6, 6};

/* The graph becomes a model's; the maker is used up. */
static cop_model *model_of(struct graph_maker *maker)
{
    struct cop_model *model = cop_alloc(1, sizeof *model);
    cop_refcount_init(&model->refs);
    model->graph = maker->graph;
    maker->graph = NULL;
    free_maker(maker);
    return model;
}

static cop_cached_op *compile(cop_model *model, cop_device_kind device, bool keep_graph)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    cop_error error;
    options.device.kind = device;
    options.keep_graph = keep_graph;
    ck_assert_msg(cop_cached_op_create(model, &options, &op, &error) == COP_STATUS_OK, "%s",
                  error.message);
    return op;
}

/* An array as input or output `index` wants it, full of noise from `seed`. */
static cop_ndarray *noise(const cop_tensor_desc *desc, uint32_t seed)
{
    cop_ndarray *array = NULL;
    ck_assert_int_eq(cop_ndarray_create(desc->dtype, desc->rank, desc->shape, &array, NULL), 0);
    float *elements = cop_ndarray_data(array);
    for (size_t i = 0; i < cop_ndarray_bytes(array) / sizeof *elements; i++) {
        seed = seed * 1664525u + 1013904223u;
        elements[i] = (float)(seed >> 8) / (float)(1 << 23) - 1;
    }
    return array;
}

/* Two operators of one model: one that only ever makes everything, and one that chooses. */
struct pair {
    cop_model *model;
    cop_cached_op *whole, *op;
    size_t src_count, dst_count;
    cop_ndarray *srcs[DRAWS][2], *expected[DRAWS][MOST_OUTPUTS];
    cop_profile *profile;
};

static struct pair make_pair(cop_model *model, cop_device_kind device, bool keep_graph)
{
    struct pair pair = {.model = model,
                        .whole = compile(model, device, keep_graph),
                        .op = compile(model, device, keep_graph)};
    pair.src_count = cop_cached_op_input_count(pair.op);
    pair.dst_count = cop_cached_op_output_count(pair.op);
    ck_assert_uint_le(pair.dst_count, MOST_OUTPUTS);
    for (int k = 0; k < DRAWS; k++) {
        for (size_t i = 0; i < pair.src_count; i++)
            pair.srcs[k][i] = noise(&pair.op->plan->srcs[i], (uint32_t)(100 * k + (int)i));
        ck_assert_int_eq(cop_invoke(pair.whole, pair.src_count, pair.srcs[k], pair.dst_count,
                                    pair.expected[k], NULL, NULL),
                         COP_STATUS_OK);
    }
    ck_assert_int_eq(cop_profile_create(&pair.profile, NULL), COP_STATUS_OK);
    return pair;
}

static void free_pair(struct pair *pair)
{
    for (int k = 0; k < DRAWS; k++) {
        for (size_t i = 0; i < pair->src_count; i++)
            cop_ndarray_release(&pair->srcs[k][i]);
        for (size_t i = 0; i < pair->dst_count; i++)
            cop_ndarray_release(&pair->expected[k][i]);
    }
    cop_profile_release(&pair->profile);
    cop_cached_op_release(&pair->whole), cop_cached_op_release(&pair->op);
    cop_model_release(&pair->model);
}

/* How a choice is run; every bit is one way to differ. */
enum { BIND_EVERY_SECOND = 1, ASYNC = 2, WAYS = 4 };

/* Runs the choice on the inputs of draw `k` and compares; returns how many steps ran, where it is
 * synchronous. */
static size_t run_choice(struct pair *pair, int k, int way, const size_t *outputs, size_t count)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst[MOST_OUTPUTS] = {NULL};
    cop_error error = {0};
    options.outputs = outputs;
    options.output_count = count;
    options.profile = way & ASYNC ? NULL : pair->profile;
    for (size_t i = 0; i < count; i++)
        if ((way & BIND_EVERY_SECOND) != 0 && i % 2 == 0)
            dst[i] = noise(&pair->op->plan->dsts[outputs[i]], 7);
    const cop_status status = (way & ASYNC ? cop_invoke_async : cop_invoke)(
        pair->op, pair->src_count, pair->srcs[k], count, dst, &options, &error);
    ck_assert_msg(status == COP_STATUS_OK, "%s", error.message);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(cop_ndarray_wait(dst[i], COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
        const cop_ndarray *expected = pair->expected[k][outputs[i]];
        ck_assert_uint_eq(cop_ndarray_bytes(dst[i]), cop_ndarray_bytes(expected));
        ck_assert_msg(memcmp(cop_ndarray_data(dst[i]), cop_ndarray_data(expected),
                             cop_ndarray_bytes(expected)) == 0,
                      "output %zu, draw %d, way %d", outputs[i], k, way);
        cop_ndarray_release(&dst[i]);
    }
    return way & ASYNC ? 0 : cop_profile_step_count(pair->profile);
}

/* Steps of the plan that these outputs need, by its own account. */
static size_t needed_steps(const struct pair *pair, const size_t *outputs, size_t count)
{
    size_t steps = 0;
    uint64_t wanted = 0;
    for (size_t i = 0; i < count; i++)
        wanted |= cop_output_bit(outputs[i]);
    for (int i = 0; i < pair->op->plan->step_count; i++)
        steps += (pair->op->plan->steps[i].needed_by & wanted) != 0;
    return steps;
}

/* Every subset of the outputs, forwards and backwards, in every way. */
static void check_every_subset(struct pair *pair)
{
    int k = 0;
    for (unsigned subset = 1; subset < 1u << pair->dst_count; subset++)
        for (int way = 0; way < 2 * WAYS; way++, k++) {
            size_t outputs[MOST_OUTPUTS], count = 0;
            for (size_t i = 0; i < pair->dst_count; i++) {
                const size_t output = way >= WAYS ? pair->dst_count - 1 - i : i;
                if (subset >> output & 1)
                    outputs[count++] = output;
            }
            const size_t ran = run_choice(pair, k % DRAWS, way % WAYS, outputs, count);
            if (((unsigned)way & ASYNC) == 0)
                ck_assert_uint_eq(ran, needed_steps(pair, outputs, count));
        }
}

/* A stem and four outputs, among fused nodes, sums, views, a concatenation and steps in place. */
static cop_model *branching_model(void)
{
    static const struct concat_attrs channels = {.axis = 1};
    struct flatten_attrs flatten = {.axis = 1};
    struct graph_maker maker = make_graph(3);
    const int x = add_input(&maker, "x", 4, map);
    const int stem = add_unary(&maker, UNARY_RELU, 0, 0,
                               add_batch_norm(&maker, add_conv(&maker, x, 8, 8, 3, 1, true), 8));
    const int a = add_unary(&maker, UNARY_TANH, 0, 0, add_conv(&maker, stem, 8, 8, 1, 0, true));
    const int sum = add_binary(&maker, BINARY_ADD, add_conv(&maker, a, 8, 8, 3, 1, true), stem);
    const int b = add_unary(&maker, UNARY_RELU, 0, 0, sum);
    const int left = add_conv(&maker, stem, 8, 8, 1, 0, false);
    const int right = add_unary(&maker, UNARY_TANH, 0, 0, add_conv(&maker, b, 8, 8, 1, 0, true));
    const int both = add_op(&maker, OP_CONCAT, &channels, 2, (const int[]){left, right});
    const int mixed = add_conv(&maker, both, 16, 8, 1, 0, true);
    const int flat = add_op(&maker, OP_FLATTEN, &flatten, 1, &mixed);
    const int deep = add_unary(&maker, UNARY_TANH, 0, 0, add_unary(&maker, UNARY_TANH, 0, 0, left));
    add_output(&maker, a, "a");
    add_output(&maker, b, "b");
    add_output(&maker, flat, "flat");
    add_output(&maker, add_conv(&maker, deep, 8, 4, 1, 0, true), "deep");
    return model_of(&maker);
}

START_TEST(every_subset_of_a_branching_graph_equals_the_full_run_bit_by_bit)
{
    for (int k = 0; k < 4; k++) {
        struct pair pair =
            make_pair(branching_model(), k % 2 == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU, k / 2 == 1);
        check_every_subset(&pair);
        free_pair(&pair);
    }
}
END_TEST

START_TEST(what_only_other_outputs_need_does_not_run)
{
    struct graph_maker maker = make_graph(1);
    const int stem = add_conv(&maker, add_input(&maker, "x", 4, map), 8, 8, 1, 0, true);
    int a = stem, b = stem;
    for (int i = 0; i < 2; i++)
        a = add_conv(&maker, a, 8, 8, 1, 0, true);
    for (int i = 0; i < 3; i++)
        b = add_conv(&maker, b, 8, 8, 3, 1, true);
    add_output(&maker, a, "a"), add_output(&maker, b, "b"), add_output(&maker, stem, "stem");
    struct pair pair = make_pair(model_of(&maker), COP_DEVICE_REF, false);
    static const struct {
        size_t outputs[3], count, steps;
    } cases[] = {{{0}, 1, 3},    {{1}, 1, 4},    {{2}, 1, 1},       {{0, 1}, 2, 6},
                 {{2, 0}, 2, 3}, {{1, 2}, 2, 4}, {{1, 2, 0}, 3, 6}, {{0}, 1, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_uint_eq(run_choice(&pair, (int)i % DRAWS, 0, cases[i].outputs, cases[i].count),
                          cases[i].steps);
    free_pair(&pair);
}
END_TEST

START_TEST(an_output_on_the_way_to_another_needs_no_array_of_the_callers)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, map);
    const int middle = add_conv(&maker, x, 8, 8, 3, 1, true);
    add_output(&maker, middle, "middle");
    add_output(&maker, add_conv(&maker, middle, 8, 8, 1, 0, true), "end");
    struct pair pair = make_pair(model_of(&maker), COP_DEVICE_REF, false);
    ck_assert_int_eq(pair.op->plan->steps[0].dst[0].place, OPERAND_DST); /* the case in question */
    for (int k = 0; k < 4 * DRAWS; k++) {
        ck_assert_uint_eq(run_choice(&pair, k % DRAWS, 0, (const size_t[]){1}, 1), 2);
        ck_assert_uint_eq(run_choice(&pair, k % DRAWS, 0, (const size_t[]){0}, 1), 1);
    }
    free_pair(&pair);
}
END_TEST

/* Random networks whose outputs are up to six random maps, some of them twice. */
static cop_model *random_model(uint32_t seed, int nodes)
{
    char name[16];
    struct graph_maker maker = make_random_network(seed, nodes);
    while (maker.graph->output_count < 3 + (int)(seed % 4)) {
        const struct graph_node *node =
            &maker.graph->nodes[draw(&maker, (uint32_t)maker.graph->node_count)];
        snprintf(name, sizeof name, "more%d", maker.graph->output_count);
        add_output(&maker, node->dst[0], name);
    }
    return model_of(&maker);
}

static void check_random_networks(cop_device_kind device, uint32_t begin, uint32_t end)
{
    size_t skipped = 0;
    for (uint32_t seed = begin; seed < end; seed++) {
        struct pair pair = make_pair(random_model(seed, 4 + (int)seed % 30), device, seed % 3 == 0);
        check_every_subset(&pair);
        for (size_t i = 0; i < pair.dst_count; i++)
            skipped += (size_t)pair.op->plan->step_count - needed_steps(&pair, &i, 1);
        free_pair(&pair);
    }
    ck_assert_uint_gt(skipped, 100);
}

START_TEST(random_networks_agree_on_every_subset_on_ref)
{
    check_random_networks(COP_DEVICE_REF, 0, 60);
}
END_TEST

START_TEST(random_networks_agree_on_every_subset_on_cpu)
{
    check_random_networks(COP_DEVICE_CPU, 1000, 1060);
}
END_TEST

START_TEST(random_networks_agree_on_every_subset_on_a_device_with_memory)
{
    struct behind_control *control = behind_open();
    behind_reset(control);
    check_random_networks(COP_DEVICE_GPU, 2000, 2040);
    ck_assert_int_gt(atomic_load(&control->recordings_begun), 100);
}
END_TEST

START_TEST(of_eighty_outputs_any_may_be_chosen)
{
    struct graph_maker maker = make_graph(1);
    int value = add_input(&maker, "x", 4, map);
    for (int i = 0; i < MOST_OUTPUTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "y%d", i);
        value = add_unary(&maker, UNARY_LINEAR, 0.5f, 0.25f, value);
        add_output(&maker, value, name);
    }
    struct pair pair = make_pair(model_of(&maker), COP_DEVICE_REF, true);
    ck_assert_uint_eq(run_choice(&pair, 0, 0, (const size_t[]){0}, 1), 1);
    ck_assert_uint_eq(run_choice(&pair, 1, 0, (const size_t[]){62}, 1), 63);
    for (size_t i = 63; i < MOST_OUTPUTS; i++) /* these count as one */
        for (int way = 0; way < WAYS; way++) {
            const size_t outputs[] = {i, 3, i == 63 ? 79 : i - 1};
            const size_t ran = run_choice(&pair, (int)i % DRAWS, way, outputs, 3);
            ck_assert_uint_eq(ran, ((unsigned)way & ASYNC) != 0 ? 0 : MOST_OUTPUTS);
        }
    free_pair(&pair);
}
END_TEST

START_TEST(a_paused_choice_goes_on_with_what_it_was_lent)
{
    struct pair pair = make_pair(branching_model(), COP_DEVICE_REF, false);
    static const size_t outputs[] = {3, 2};
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    options.outputs = outputs;
    options.output_count = 2;
    for (int k = 0; k < 200; k++) {
        cop_ndarray *dst[2] = {NULL, NULL};
        ck_assert_int_eq(
            cop_invoke_async(pair.op, pair.src_count, pair.srcs[k % DRAWS], 2, dst, &options, NULL),
            COP_STATUS_OK);
        for (int i = 0; i < 20; i++) /* runs a step or two and hands it back */
            (void)!cop_ndarray_wait(dst[i % 2], 1000 * (k % 50), NULL, NULL);
        for (int i = 0; i < 2; i++) {
            const cop_ndarray *expected = pair.expected[k % DRAWS][outputs[i]];
            ck_assert_int_eq(cop_ndarray_wait(dst[i], COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
            ck_assert_int_eq(memcmp(cop_ndarray_data(dst[i]), cop_ndarray_data(expected),
                                    cop_ndarray_bytes(expected)),
                             0);
            cop_ndarray_release(&dst[i]);
        }
    }
    free_pair(&pair);
}
END_TEST

START_TEST(the_steady_state_of_a_choice_allocates_nothing)
{
    struct pair pair = make_pair(branching_model(), COP_DEVICE_REF, false);
    static const size_t outputs[] = {3, 2};
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    struct alloc_counters before = cop_alloc_counters();
    options.outputs = outputs;
    options.output_count = 2;
    for (int k = 0; k < 20; k++) {
        cop_ndarray *dst[2] = {NULL, NULL};
        if (k == 3)
            before = cop_alloc_counters();
        ck_assert_int_eq(
            cop_invoke(pair.op, pair.src_count, pair.srcs[k % DRAWS], 2, dst, &options, NULL),
            COP_STATUS_OK);
        cop_ndarray_release(&dst[0]), cop_ndarray_release(&dst[1]);
    }
    ck_assert_uint_eq(cop_alloc_counters().allocations, before.allocations);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, before.live_bytes);
    free_pair(&pair);
}
END_TEST

/* Makes an operator with an extra output and chooses, both ways of invoking; all may fail. */
static cop_status create_and_choose(cop_model *model, cop_ndarray *const *src)
{
    static const size_t outputs[] = {2, 4};
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_invoke_options choice = COP_INVOKE_OPTIONS_INIT;
    cop_cached_op *op = NULL, *reshaped = NULL;
    cop_ndarray *now[2] = {NULL}, *later[2] = {NULL};
    const cop_input_shape shape = {"x", 4, {2, 8, 6, 6}};
    char name[16];
    const char *const inner = name;
    snprintf(name, sizeof name, "%s", model->graph->values[model->graph->nodes[0].dst[0]].name);
    options.device.kind = COP_DEVICE_REF;
    options.extra_outputs = &inner;
    options.extra_output_count = 1;
    choice.outputs = outputs;
    choice.output_count = 2;
    cop_status status = cop_cached_op_create(model, &options, &op, NULL);
    if (status == COP_STATUS_OK)
        status = cop_cached_op_reshape(op, &shape, 1, &reshaped, NULL, NULL);
    if (status == COP_STATUS_OK)
        status = cop_invoke(op, 1, src, 2, now, &choice, NULL);
    if (status == COP_STATUS_OK)
        status = cop_invoke_async(op, 1, src, 2, later, &choice, NULL);
    if (status == COP_STATUS_OK)
        status = cop_ndarray_wait(later[0], COP_NO_TIMEOUT, NULL, NULL);
    cop_alloc_fail_after(-1, 0);
    for (int i = 0; i < 2; i++)
        cop_ndarray_release(&now[i]), cop_ndarray_release(&later[i]);
    cop_cached_op_release(&op), cop_cached_op_release(&reshaped);
    return status;
}

START_TEST(every_failing_allocation_of_a_choice_is_a_status_and_nothing_leaks)
{
    cop_model *model = branching_model();
    cop_cached_op *op = compile(model, COP_DEVICE_REF, false);
    cop_ndarray *src = noise(&op->plan->srcs[0], 1);
    cop_status status = create_and_choose(model, &src);
    ck_assert_int_eq(status, COP_STATUS_OK);
    ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    usleep(10000);
    const size_t before = cop_alloc_counters().live_bytes;
    for (int k = 0, is_done = 0; !is_done; k++) {
        cop_alloc_fail_after(k, 0);
        status = create_and_choose(model, &src);
        ck_assert(status == COP_STATUS_OK || status == COP_STATUS_OUT_OF_MEMORY);
        is_done = status == COP_STATUS_OK;
        ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
        for (int i = 0; i < 1000 && cop_alloc_counters().live_bytes != before; i++)
            usleep(1000); /* a worker lets go of its task just after the array is ready */
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
    }
    cop_ndarray_release(&src);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "chosen outputs", every_subset_of_a_branching_graph_equals_the_full_run_bit_by_bit,
        what_only_other_outputs_need_does_not_run,
        an_output_on_the_way_to_another_needs_no_array_of_the_callers,
        random_networks_agree_on_every_subset_on_ref, random_networks_agree_on_every_subset_on_cpu,
        random_networks_agree_on_every_subset_on_a_device_with_memory,
        of_eighty_outputs_any_may_be_chosen, a_paused_choice_goes_on_with_what_it_was_lent,
        the_steady_state_of_a_choice_allocates_nothing,
        every_failing_allocation_of_a_choice_is_a_status_and_nothing_leaks);
}
