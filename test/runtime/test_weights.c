// SPDX-License-Identifier: Apache-2.0
/* New values for the parameters of models whose operators live. */
#include <string.h>

#include "base/alloc.h"
#include "runtime/cached_op.h"
#include "support/live_models.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define ALL_PARAMETERS TINY_CLASSIFIER_PARAMETERS

/* Operators of one model in all the ways that make a difference. */
#define WAYS 5
struct operators {
    cop_model *model;
    cop_cached_op *ops[WAYS]; /* each with its images */
    cop_ndarray *images[WAYS];
};

static cop_cached_op *create(cop_model *model, cop_device_kind device, cop_tuning tuning,
                             bool keep_graph)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    options.device.kind = device;
    options.tuning = tuning;
    options.keep_graph = keep_graph;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &op, NULL), COP_STATUS_OK);
    return op;
}

static cop_cached_op *reshape(cop_cached_op *op, int64_t batch)
{
    const cop_input_shape shape = {"data", 4, {batch, 3, 12, 12}};
    cop_cached_op *reshaped = NULL;
    ck_assert_int_eq(cop_cached_op_reshape(op, &shape, 1, &reshaped, NULL, NULL), COP_STATUS_OK);
    return reshaped;
}

static struct operators make_operators(cop_model *model)
{
    struct operators made = {.model = model};
    made.ops[0] = create(model, COP_DEVICE_REF, COP_TUNING_FAST_START, false);
    made.ops[1] = create(model, COP_DEVICE_REF, COP_TUNING_FAST_START, true);
    made.ops[2] = create(model, COP_DEVICE_CPU, COP_TUNING_FAST_START, false);
    made.ops[3] = create(model, COP_DEVICE_CPU, COP_TUNING_FAST_RUN, true);
    made.ops[4] = reshape(made.ops[2], 3);
    for (int i = 0; i < WAYS; i++) {
        const int64_t shape[] = {i == 4 ? 3 : 1, 3, 12, 12};
        made.images[i] = random_array(4, shape, 50);
    }
    return made;
}

static void free_operators(struct operators *operators)
{
    for (int i = 0; i < WAYS; i++) {
        cop_cached_op_release(&operators->ops[i]);
        cop_ndarray_release(&operators->images[i]);
    }
    cop_model_release(&operators->model);
}

/* All bits of all outputs are the same. */
static bool agree(struct operators *a, struct operators *b)
{
    bool is_same = true;
    for (int i = 0; i < WAYS; i++) {
        cop_ndarray *first = invoke(a->ops[i], a->images[i]);
        cop_ndarray *second = invoke(b->ops[i], b->images[i]);
        is_same &= memcmp(cop_ndarray_data(first), cop_ndarray_data(second),
                          cop_ndarray_bytes(first)) == 0;
        cop_ndarray_release(&first), cop_ndarray_release(&second);
    }
    return is_same;
}

/* Gives those whose bits are set the values of a seed. */
static void update_to(cop_model *model, unsigned seed, unsigned bits)
{
    cop_parameter_value values[ALL_PARAMETERS], chosen[ALL_PARAMETERS];
    size_t count = 0;
    make_classifier_parameters(seed, values);
    for (int i = 0; i < ALL_PARAMETERS; i++)
        if (bits >> i & 1)
            chosen[count++] = values[i];
    update(model, chosen, count);
    release_parameters(values, ALL_PARAMETERS);
}

START_TEST(parameters_are_listed_with_their_names_and_shapes)
{
    cop_model *model = tiny_classifier(1);
    cop_parameter_value values[ALL_PARAMETERS];
    cop_tensor_desc desc;
    make_classifier_parameters(1, values);
    ck_assert_uint_eq(cop_model_parameter_count(model), ALL_PARAMETERS);
    for (size_t i = 0; i < ALL_PARAMETERS; i++) {
        ck_assert_int_eq(cop_model_parameter(model, i, &desc, NULL), COP_STATUS_OK);
        int matches = 0;
        for (int k = 0; k < ALL_PARAMETERS; k++)
            matches += strcmp(desc.name, values[k].name) == 0 && desc.dtype == COP_DTYPE_FLOAT32 &&
                       desc.rank == cop_ndarray_rank(values[k].array) &&
                       memcmp(desc.shape, cop_ndarray_shape(values[k].array),
                              (size_t)desc.rank * sizeof *desc.shape) == 0;
        ck_assert_int_eq(matches, 1);
    }
    ck_assert_int_eq(cop_model_parameter(model, ALL_PARAMETERS, &desc, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_model_parameter(model, 0, NULL, NULL), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_model_parameter(NULL, 0, &desc, NULL), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_uint_eq(cop_model_parameter_count(NULL), 0);
    release_parameters(values, ALL_PARAMETERS);
    cop_model_release(&model);
}
END_TEST

START_TEST(an_updated_model_computes_what_one_loaded_with_the_new_values_does)
{
    struct operators old = make_operators(tiny_classifier(1));
    struct operators live = make_operators(tiny_classifier(1));
    struct operators fresh = make_operators(tiny_classifier(2));
    ck_assert(agree(&live, &old) && !agree(&live, &fresh));
    update_to(live.model, 2, ~0u);
    ck_assert(agree(&live, &fresh));
    ck_assert_uint_eq(stats_of(live.ops[4]).weight_generation, 1);
    ck_assert_uint_eq(stats_of(old.ops[0]).weight_generation, 0);
    update_to(live.model, 1, ~0u);
    ck_assert(agree(&live, &old));
    ck_assert_uint_eq(stats_of(live.ops[0]).weight_generation, 2);
    free_operators(&old), free_operators(&live), free_operators(&fresh);
}
END_TEST

START_TEST(operators_made_after_an_update_use_the_new_values)
{
    struct operators fresh = make_operators(tiny_classifier(2));
    cop_model *model = tiny_classifier(1);
    update_to(model, 2, ~0u); /* there is no operator yet */
    struct operators live = make_operators(model);
    ck_assert(agree(&live, &fresh));
    ck_assert_uint_eq(stats_of(live.ops[0]).weight_generation, 1);
    update_to(model, 3, ~0u);
    update_to(model, 2, ~0u);
    cop_cached_op *reshaped = reshape(live.ops[2], 2), *expected = reshape(fresh.ops[2], 2);
    cop_ndarray *images = random_array(4, (const int64_t[]){2, 3, 12, 12}, 4);
    cop_ndarray *a = invoke(reshaped, images), *b = invoke(expected, images);
    ck_assert_mem_eq(cop_ndarray_data(a), cop_ndarray_data(b), cop_ndarray_bytes(a));
    cop_ndarray_release(&a), cop_ndarray_release(&b), cop_ndarray_release(&images);
    cop_cached_op_release(&reshaped), cop_cached_op_release(&expected);
    free_operators(&fresh), free_operators(&live);
}
END_TEST

START_TEST(parameters_that_are_not_named_keep_their_values)
{
    struct operators live = make_operators(tiny_classifier(1));
    unsigned changed = 0;
    for (unsigned i = 0; i < 12; i++) {
        const unsigned bits = i < ALL_PARAMETERS ? 1u << i : 0x149u >> (i % 3);
        changed |= bits & ((1u << ALL_PARAMETERS) - 1);
        update_to(live.model, 2, bits);
        struct operators fresh = make_operators(tiny_classifier_mixed(1, 2, changed));
        ck_assert_msg(agree(&live, &fresh), "after update %u", i);
        free_operators(&fresh);
    }
    free_operators(&live);
}
END_TEST

START_TEST(what_does_not_change_is_shared_and_not_packed_again)
{
    struct operators live = make_operators(tiny_classifier(1));
    struct weight_set *before[WAYS];
    uint64_t generation;
    for (int i = 0; i < WAYS; i++)
        before[i] = cop_current_weights_take(&live.ops[i]->weights, &generation);
    update_to(live.model, 2, 1u << 8); /* the last bias */
    for (int i = 0; i < WAYS; i++) {
        const struct weight_set *now = live.ops[i]->weights.set;
        int differ = 0;
        for (int k = 0; k < now->count; k++)
            differ += now->weights[k] != before[i]->weights[k];
        ck_assert_int_eq(differ, 1);
        ck_assert_uint_le(now->bytes, before[i]->bytes);
        cop_weight_set_release(&before[i]);
    }
    free_operators(&live);
}
END_TEST

static void check_context(struct context *context, void *op)
{
    ck_assert_ptr_eq(context->weights, ((cop_cached_op *)op)->weights.set);
}

START_TEST(idle_contexts_do_not_keep_old_weights)
{
    struct operators live = make_operators(tiny_classifier(1));
    for (int i = 0; i < WAYS; i++)
        ck_assert_int_eq(cop_cached_op_warm_up(live.ops[i], 4, NULL), COP_STATUS_OK);
    update_to(live.model, 2, ~0u);
    const size_t bytes = live_bytes();
    for (unsigned i = 0; i < 8; i++) {
        update_to(live.model, 3 + i, ~0u);
        ck_assert_uint_eq(live_bytes(), bytes);
        for (int k = 0; k < WAYS; k++)
            cop_context_pool_for_each_idle(live.ops[k]->contexts, check_context, live.ops[k]);
    }
    free_operators(&live);
}
END_TEST

/* As the end of an update that has not come to the idle contexts yet. */
START_TEST(a_context_follows_when_it_is_taken)
{
    struct operators live = make_operators(tiny_classifier(1));
    struct operators old = make_operators(tiny_classifier(1));
    for (int i = 0; i < WAYS; i++) {
        cop_cached_op *op = live.ops[i];
        struct weight_set *next;
        struct context *context;
        ck_assert_int_eq(cop_cached_op_warm_up(op, 1, NULL), COP_STATUS_OK);
        ck_assert_int_eq(cop_plan_remake_weights(op->plan, live.model->graph, NULL, op->live->store,
                                                 &next, NULL),
                         COP_STATUS_OK);
        cop_lock_acquire(&op->live->generation.lock);
        struct weight_set *before = op->weights.set;
        op->weights.set = next;
        atomic_fetch_add(&op->live->generation.number, 1);
        cop_lock_release(&op->live->generation.lock);
        cop_weight_set_release(&before);
        ck_assert_int_eq(cop_context_pool_take(op->contexts, 0, &context, NULL), COP_STATUS_OK);
        ck_assert_ptr_eq(context->weights, next);
        cop_context_pool_put(op->contexts, context);
    }
    ck_assert(agree(&live, &old));
    free_operators(&live), free_operators(&old);
}
END_TEST

START_TEST(an_operator_that_is_being_destroyed_is_left_out)
{
    struct operators live = make_operators(tiny_classifier(1));
    cop_cached_op *dying = live.ops[4];
    const struct weight_set *weights = dying->weights.set;
    ck_assert(cop_refcount_release(&dying->refs)); /* here its destruction would begin */
    update_to(live.model, 2, ~0u);
    ck_assert_ptr_eq(dying->weights.set, weights);
    cop_refcount_init(&dying->refs);
    free_operators(&live);
}
END_TEST

START_TEST(old_weights_live_as_long_as_the_invocation_that_uses_them)
{
    struct operators live = make_operators(tiny_classifier(1));
    cop_cached_op *op = live.ops[2];
    struct context *context = NULL;
    update_to(live.model, 2, ~0u);
    const size_t bytes = live_bytes();
    ck_assert_int_eq(cop_context_pool_take(op->contexts, 0, &context, NULL), COP_STATUS_OK);
    const size_t with_context = live_bytes();
    const struct weight_set *old = context->weights;
    const void *first = old->addresses[0];
    update_to(live.model, 3, ~0u);
    ck_assert_ptr_eq(context->weights, old);
    ck_assert_ptr_eq(old->addresses[0], first);
    ck_assert_uint_gt(live_bytes(), with_context + stats_of(op).packed_weight_bytes / 2);
    cop_context_pool_put(op->contexts, context); /* nobody takes it again */
    ck_assert_ptr_ne(context->weights, old);
    ck_assert_uint_eq(live_bytes(), with_context);
    ck_assert_uint_ge(with_context, bytes);
    struct operators fresh = make_operators(tiny_classifier(3));
    ck_assert(agree(&live, &fresh));
    free_operators(&live), free_operators(&fresh);
}
END_TEST

START_TEST(the_callers_arrays_are_copied)
{
    struct operators live = make_operators(tiny_classifier(1));
    struct operators fresh = make_operators(tiny_classifier(2));
    cop_parameter_value values[ALL_PARAMETERS];
    make_classifier_parameters(2, values);
    update(live.model, values, ALL_PARAMETERS);
    for (int i = 0; i < ALL_PARAMETERS; i++)
        memset(cop_ndarray_data(values[i].array), 0x7f, cop_ndarray_bytes(values[i].array));
    ck_assert(agree(&live, &fresh));
    release_parameters(values, ALL_PARAMETERS);
    free_operators(&live), free_operators(&fresh);
}
END_TEST

START_TEST(wrong_updates_are_refused_and_change_nothing)
{
    struct operators live = make_operators(tiny_classifier(1));
    struct operators old = make_operators(tiny_classifier(1));
    cop_parameter_value all[ALL_PARAMETERS];
    make_classifier_parameters(2, all);
    cop_ndarray *half = NULL, *poisoned = NULL;
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_FLOAT64, 1, (const int64_t[]){5}, &half, NULL),
                     COP_STATUS_OK);
    const cop_parameter_value twice[] = {all[8], all[7], all[8]},
                              unknown[] = {all[0], {"w9", half}}, dtype[] = {all[0], {"bf", half}},
                              shape[] = {all[0], {"bf", all[2].array}},
                              no_name[] = {all[0], {NULL, half}},
                              no_array[] = {all[0], {"bf", NULL}};
    const cop_status invalid = COP_STATUS_INVALID_ARGUMENT;
    expect_refused(NULL, all, 1, invalid, "model");
    expect_refused(live.model, NULL, 1, invalid, "NULL");
    expect_refused(live.model, twice, 3, invalid, "'bf' is given twice");
    expect_refused(live.model, unknown, 2, COP_STATUS_NOT_FOUND, "'w9'");
    expect_refused(live.model, dtype, 2, invalid,
                   "'bf' is float32, the array given for it is float64");
    expect_refused(live.model, shape, 2, invalid,
                   "'bf' has the shape [5], the array given for it [8]");
    expect_refused(live.model, no_name, 2, invalid, "value 1: name is NULL");
    expect_refused(live.model, no_array, 2, invalid, "value 1: array is NULL");

    cop_invoke_options late = COP_INVOKE_OPTIONS_INIT; /* makes an array that holds an error */
    late.timeout_ns = 0;
    ck_assert_int_eq(cop_invoke_async(live.ops[0], 1, &live.images[0], 1, &poisoned, &late, NULL),
                     COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(poisoned, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_TIMEOUT);
    cop_ndarray *bias = NULL;
    ck_assert_int_eq(
        cop_ndarray_view(poisoned, 0, COP_DTYPE_FLOAT32, 1, (const int64_t[]){5}, &bias, NULL),
        COP_STATUS_OK);
    const cop_parameter_value failed[] = {all[0], {"bf", bias}};
    expect_refused(live.model, failed, 2, COP_STATUS_TIMEOUT, "deadline");

    update(live.model, NULL, 0); /* nothing to do */
    ck_assert(agree(&live, &old));
    ck_assert_uint_eq(stats_of(live.ops[0]).weight_generation, 0);
    cop_ndarray_release(&half), cop_ndarray_release(&poisoned), cop_ndarray_release(&bias);
    release_parameters(all, ALL_PARAMETERS);
    free_operators(&live), free_operators(&old);
}
END_TEST

/* Every allocation of an update fails in turn; `for_ever`: and all that follow. */
static void check_allocations(int for_ever)
{
    struct operators live = make_operators(tiny_classifier(1));
    struct operators old = make_operators(tiny_classifier(1));
    struct operators fresh = make_operators(tiny_classifier(2));
    cop_parameter_value values[ALL_PARAMETERS];
    update_to(live.model, 1, ~0u);
    ck_assert(agree(&live, &old)); /* all contexts exist */
    make_classifier_parameters(2, values);
    const uint64_t begin = cop_alloc_counters().allocations;
    update(live.model, values, ALL_PARAMETERS);
    const int64_t allocations = (int64_t)(cop_alloc_counters().allocations - begin);
    update_to(live.model, 1, ~0u);
    const size_t bytes = live_bytes();
    int64_t refused = 0;
    for (int64_t k = 0; k < allocations; k++) {
        const uint64_t generation = stats_of(live.ops[0]).weight_generation;
        cop_alloc_fail_after(k, for_ever);
        const cop_status status =
            cop_model_update_weights(live.model, values, ALL_PARAMETERS, NULL);
        cop_alloc_fail_after(-1, 0);
        if (status == COP_STATUS_OK) { /* it was one that can be done without */
            ck_assert(agree(&live, &fresh));
            update_to(live.model, 1, ~0u);
            continue;
        }
        refused++;
        ck_assert_int_eq(status, COP_STATUS_OUT_OF_MEMORY);
        ck_assert_uint_eq(stats_of(live.ops[0]).weight_generation, generation);
        ck_assert_uint_eq(live_bytes(), bytes);
        ck_assert(k % 16 != 0 || agree(&live, &old));
    }
    ck_assert_int_gt(refused, allocations * 9 / 10);
    ck_assert(agree(&live, &old));
    update(live.model, values, ALL_PARAMETERS);
    ck_assert(agree(&live, &fresh));
    release_parameters(values, ALL_PARAMETERS);
    free_operators(&live), free_operators(&old), free_operators(&fresh);
}

START_TEST(a_failing_allocation_leaves_the_old_values_in_force_everywhere)
{
    check_allocations(0);
    check_allocations(1);
}
END_TEST

int main(void)
{
    return RUN_TESTS("weights", parameters_are_listed_with_their_names_and_shapes,
                     an_updated_model_computes_what_one_loaded_with_the_new_values_does,
                     operators_made_after_an_update_use_the_new_values,
                     parameters_that_are_not_named_keep_their_values,
                     what_does_not_change_is_shared_and_not_packed_again,
                     idle_contexts_do_not_keep_old_weights, a_context_follows_when_it_is_taken,
                     an_operator_that_is_being_destroyed_is_left_out,
                     old_weights_live_as_long_as_the_invocation_that_uses_them,
                     the_callers_arrays_are_copied, wrong_updates_are_refused_and_change_nothing,
                     a_failing_allocation_leaves_the_old_values_in_force_everywhere);
}
