// SPDX-License-Identifier: Apache-2.0
/* Weights of a plan made again from other elements: the same as those of a plan made for these. */
#include "base/alloc.h"
#include "plan/plan.h"
#include "support/random_graph.h"
#include "support/unit.h"

#include <string.h>

struct compiled {
    struct weight_store *store;
    struct plan *plan;
    struct weight_set *weights;
};

static struct compiled compile(const struct graph *graph, const struct overlay *overlay,
                               cop_device_kind device, bool keep_graph)
{
    struct compiled made;
    cop_error error;
    ck_assert_int_eq(cop_weight_store_create(&made.store, NULL), COP_STATUS_OK);
    const struct plan_request request = {.graph = graph,
                                         .overlay = overlay,
                                         .store = made.store,
                                         .device = {device, 0},
                                         .intra_op_threads = 1,
                                         .keep_graph = keep_graph};
    if (cop_plan_create(&request, &made.plan, &made.weights, NULL, &error) != COP_STATUS_OK)
        ck_abort_msg("%s", error.message);
    return made;
}

static void free_compiled(struct compiled *compiled)
{
    cop_plan_release(&compiled->plan);
    cop_weight_set_release(&compiled->weights);
    cop_weight_store_release(&compiled->store);
}

/*
 * Halves the elements of about every other constant: in an overlay, and in `twin`, the same network
 * in a file of its own. Overlapping constants would be halved twice there.
 */
static struct overlay *halve_some(struct graph_maker *maker, struct graph_maker *twin,
                                  const struct overlay *base, uint64_t version)
{
    const struct graph *graph = maker->graph;
    struct overlay_entry *entries =
        cop_alloc((size_t)graph->value_count, sizeof(struct overlay_entry));
    struct overlay *overlay;
    int count = 0;
    for (int i = 0; i < graph->value_count; i++) {
        const struct graph_constant *constant = graph->values[i].constant;
        if (constant == NULL || constant->parameter < 0 || draw(maker, 2) == 0)
            continue;
        float *elements = (float *)(uintptr_t)(cop_source_bytes(twin->weights) + constant->offset);
        for (size_t k = 0; k < constant->bytes / sizeof *elements; k++)
            elements[k] *= 0.5f;
        const cop_bytes bytes = {elements, constant->bytes, NULL, NULL};
        entries[count].parameter = i;
        entries[count].identity = cop_overlay_identity(constant, version);
        ck_assert_int_eq(cop_source_from_bytes(&bytes, "new", &entries[count++].source, NULL),
                         COP_STATUS_OK);
    }
    ck_assert_int_eq(cop_overlay_create(base, entries, count, &overlay, NULL), COP_STATUS_OK);
    for (int i = 0; i < count; i++)
        cop_source_release(&entries[i].source);
    cop_free(entries);
    return overlay;
}

/* The networks are small: their constants lie side by side and never start over. */
static void check_networks(cop_device_kind device)
{
    for (uint32_t seed = 0; seed < 25; seed++) {
        struct graph_maker maker = make_random_network(seed, 2 + (int)seed % 40);
        struct graph_maker twin = make_random_network(seed, 2 + (int)seed % 40);
        const bool keep_graph = seed % 2 == 0;
        struct compiled live = compile(maker.graph, NULL, device, keep_graph);
        struct overlay *overlay = NULL;
        for (uint64_t version = 1; version < 4; version++) {
            struct overlay *base = overlay;
            struct weight_set *remade;
            overlay = halve_some(&maker, &twin, base, version);
            ck_assert_int_eq(
                cop_plan_remake_weights(live.plan, maker.graph, overlay, live.store, &remade, NULL),
                COP_STATUS_OK);
            cop_weight_set_release(&live.weights);
            live.weights = remade;
            struct compiled fresh = compile(twin.graph, NULL, device, keep_graph);
            struct compiled later = compile(maker.graph, overlay, device, keep_graph);
            struct graph *inferred;
            ck_assert_int_eq(cop_graph_copy(maker.graph, &inferred, NULL), COP_STATUS_OK);
            infer(inferred);
            float **srcs = make_inputs(inferred, seed), **expected = make_outputs(inferred);
            float **got = make_outputs(inferred), **got_later = make_outputs(inferred);
            run_plan(fresh.plan, fresh.weights, srcs, expected);
            run_plan(live.plan, live.weights, srcs, got);
            run_plan(later.plan, later.weights, srcs, got_later);
            ck_assert_msg(outputs_agree(inferred, expected, got, 0), "seed %u", seed);
            ck_assert_msg(outputs_agree(inferred, expected, got_later, 0), "seed %u, later", seed);
            free_elements(srcs, inferred->input_count);
            free_elements(expected, inferred->output_count);
            free_elements(got, inferred->output_count);
            free_elements(got_later, inferred->output_count);
            cop_graph_destroy(inferred);
            free_compiled(&fresh), free_compiled(&later);
            cop_overlay_release(&base);
        }
        cop_overlay_release(&overlay);
        free_compiled(&live);
        free_maker(&maker), free_maker(&twin);
    }
}

START_TEST(remade_weights_of_random_networks_are_those_of_a_new_plan_on_ref)
{
    check_networks(COP_DEVICE_REF);
}
END_TEST

START_TEST(remade_weights_of_random_networks_are_those_of_a_new_plan_on_cpu)
{
    check_networks(COP_DEVICE_CPU);
}
END_TEST

START_TEST(a_plan_keeps_only_recipes_and_counts_them)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, (const int64_t[]){1, 8, 6, 6});
    int value = add_batch_norm(&maker, add_conv(&maker, x, 8, 8, 3, 1, false), 8);
    for (int i = 0; i < 20; i++)
        value = add_unary(&maker, UNARY_TANH, 0, 0, value);
    add_output(&maker, value, "y");
    struct compiled compiled = compile(maker.graph, NULL, COP_DEVICE_REF, false);
    const struct graph *recipes = compiled.plan->recipes.graph;
    ck_assert_int_eq(recipes->node_count, 2); /* scale and shift */
    ck_assert_int_eq(recipes->value_count, 7);
    for (int i = 0; i < recipes->value_count; i++)
        ck_assert(recipes->values[i].constant == NULL ||
                  recipes->values[i].constant->source == NULL);
    ck_assert_uint_gt(compiled.plan->plan_bytes,
                      compiled.plan->arena.bytes + recipes->arena.bytes +
                          (size_t)recipes->value_count * sizeof *recipes->values);
    free_compiled(&compiled);
    free_maker(&maker);
}
END_TEST

START_TEST(an_overlay_replaces_what_it_names_and_keeps_the_rest)
{
    const cop_bytes bytes = {"abcd", 4, NULL, NULL};
    struct source *a, *b;
    ck_assert_int_eq(cop_source_from_bytes(&bytes, "a", &a, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_source_from_bytes(&bytes, "b", &b, NULL), COP_STATUS_OK);
    const struct overlay_entry first[] = {{1, a, {1, 1}}, {3, a, {1, 3}}, {5, a, {1, 5}}};
    const struct overlay_entry second[] = {{0, b, {2, 0}}, {3, b, {2, 3}}, {7, b, {2, 7}}};
    static const int parameters[] = {0, 1, 3, 5, 7};
    struct overlay *old, *merged;
    ck_assert_int_eq(cop_overlay_create(NULL, first, 3, &old, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_overlay_create(old, second, 3, &merged, NULL), COP_STATUS_OK);
    cop_overlay_release(&old);
    ck_assert_int_eq(merged->count, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(merged->entries[i].parameter, parameters[i]);
        const bool is_kept = parameters[i] == 1 || parameters[i] == 5;
        ck_assert_ptr_eq(merged->entries[i].source, is_kept ? a : b);
        ck_assert_uint_eq(merged->entries[i].identity.low, is_kept ? 1 : 2);
    }
    cop_overlay_release(&merged);
    cop_source_release(&a), cop_source_release(&b);
}
END_TEST

int main(void)
{
    return RUN_TESTS("plan weights",
                     remade_weights_of_random_networks_are_those_of_a_new_plan_on_ref,
                     remade_weights_of_random_networks_are_those_of_a_new_plan_on_cpu,
                     a_plan_keeps_only_recipes_and_counts_them,
                     an_overlay_replaces_what_it_names_and_keeps_the_rest);
}
