// SPDX-License-Identifier: Apache-2.0
/* New values for the parameters of models whose operators live. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "runtime/cached_op.h"
#include "model/mxnet_files.h"
#include "support/onnx_writer.h"
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

static cop_ndarray *invoke(cop_cached_op *op, cop_ndarray *image)
{
    cop_ndarray *scores = NULL;
    cop_error error = {0};
    ck_assert_msg(cop_invoke(op, 1, &image, 1, &scores, NULL, &error) == COP_STATUS_OK, "%s",
                  error.message);
    return scores;
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

static void update(cop_model *model, const cop_parameter_value *values, size_t count)
{
    cop_error error = {0};
    ck_assert_msg(cop_model_update_weights(model, values, count, &error) == COP_STATUS_OK, "%s",
                  error.message);
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

static cop_cached_op_stats stats_of(const cop_cached_op *op)
{
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_cached_op_get_stats(op, &stats, NULL), COP_STATUS_OK);
    return stats;
}

static size_t live_bytes(void)
{
    cop_library_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_library_get_stats(&stats, NULL), COP_STATUS_OK);
    return stats.live_bytes;
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

static void expect_refused(cop_model *model, const cop_parameter_value *values, size_t count,
                           cop_status expected, const char *part)
{
    cop_error error = {0};
    const cop_status status = cop_model_update_weights(model, values, count, &error);
    ck_assert_msg(status == expected && strstr(error.message, part) != NULL,
                  "%s: %s; expected %s: … %s …", cop_status_name(status), error.message,
                  cop_status_name(expected), part);
}

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
    ck_assert_int_eq(cop_ndarray_wait(poisoned, COP_NO_TIMEOUT, NULL), COP_STATUS_TIMEOUT);
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

static cop_model *load_onnx(struct message *model)
{
    const cop_bytes bytes = {model->bytes, model->size, NULL, NULL};
    cop_model *loaded = NULL;
    cop_error error = {0};
    ck_assert_msg(cop_model_load_bytes(COP_MODEL_FORMAT_ONNX, &bytes, NULL, NULL, &loaded,
                                       &error) == COP_STATUS_OK,
                  "%s", error.message);
    message_free(model);
    return loaded;
}

static void add_ints(struct message *graph, const char *name, int count, const int64_t *values)
{
    struct message tensor =
        onnx_raw_tensor(name, ONNX_INT64, DIMS(count), values, (size_t)count * sizeof *values);
    onnx_add_initializer(graph, &tensor);
}

static cop_ndarray *int_array(int count, const int64_t *values)
{
    const int64_t shape[] = {count};
    cop_ndarray *array = NULL;
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_INT64, 1, shape, &array, NULL), COP_STATUS_OK);
    memcpy(cop_ndarray_data(array), values, (size_t)count * sizeof *values);
    return array;
}

/* x [2,6] clipped, scaled by a parameter, sliced and reshaped, all of it by tensors of the file. */
static cop_model *load_reading_model(void)
{
    static const float low = -0.5f, high = 0.5f, scale[6] = {1, 2, 3, 4, 5, 6};
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 6));
    onnx_add_floats(&graph, "low", 0, NULL, &low);
    onnx_add_floats(&graph, "high", 0, NULL, &high);
    onnx_add_floats(&graph, "scale", DIMS(6), scale);
    add_ints(&graph, "starts", 1, (const int64_t[]){2});
    add_ints(&graph, "ends", 1, (const int64_t[]){6});
    add_ints(&graph, "axes", 1, (const int64_t[]){1});
    add_ints(&graph, "target", 2, (const int64_t[]){4, 2});
    struct message node = onnx_node("Clip", "clip", "x low high", "c");
    onnx_add_node(&graph, &node);
    node = onnx_node("Mul", "mul", "c scale", "m");
    onnx_add_node(&graph, &node);
    node = onnx_node("Slice", "slice", "m starts ends axes", "s");
    onnx_add_node(&graph, &node);
    node = onnx_node("Reshape", "reshape", "s target", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(4, 2));
    struct message model = onnx_model(&graph, 13);
    return load_onnx(&model);
}

START_TEST(parameters_that_were_read_from_the_file_are_refused)
{
    cop_model *model = load_reading_model();
    cop_cached_op *op = compile_on(model, COP_DEVICE_REF);
    cop_tensor_desc desc;
    cop_ndarray *scalar = zero_array(0, NULL), *one = int_array(1, (const int64_t[]){1});
    cop_ndarray *two = int_array(2, (const int64_t[]){2, 4});
    ck_assert_uint_eq(cop_model_parameter_count(model), 1);
    ck_assert_int_eq(cop_model_parameter(model, 0, &desc, NULL), COP_STATUS_OK);
    ck_assert_str_eq(desc.name, "scale");
    const cop_parameter_value values[] = {{"low", scalar}, {"high", scalar}, {"starts", one},
                                          {"ends", one},   {"axes", one},    {"target", two}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char part[64];
        snprintf(part, sizeof part, "'%s' cannot be updated", values[i].name);
        expect_refused(model, &values[i], 1, COP_STATUS_UNSUPPORTED, part);
    }
    cop_ndarray *scale = random_array(1, (const int64_t[]){6}, 1);
    update(model, &(cop_parameter_value){"scale", scale}, 1);
    const float ones[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    cop_ndarray *x = zero_array(2, (const int64_t[]){2, 6});
    memcpy(cop_ndarray_data(x), ones, sizeof ones);
    cop_ndarray *y = invoke(op, x);
    const float *scales = cop_ndarray_data(scale), *results = cop_ndarray_data(y);
    for (int i = 0; i < 8; i++)
        ck_assert(results[i] == 0.5f * scales[2 + i % 4]);
    cop_ndarray_release(&x), cop_ndarray_release(&y), cop_ndarray_release(&scale);
    cop_ndarray_release(&scalar), cop_ndarray_release(&one), cop_ndarray_release(&two);
    cop_cached_op_release(&op), cop_model_release(&model);
}
END_TEST

START_TEST(parameters_that_were_read_while_compiling_are_refused_while_that_operator_lives)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 6));
    add_ints(&graph, "rows", 1, (const int64_t[]){3});
    add_ints(&graph, "columns", 1, (const int64_t[]){-1});
    struct message node = onnx_node("Concat", "concat", "rows columns", "t");
    onnx_attribute_int(&node, "axis", 0);
    onnx_add_node(&graph, &node);
    node = onnx_node("Reshape", "reshape", "x t", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(-1, -1));
    struct message file = onnx_model(&graph, 13);
    cop_model *model = load_onnx(&file);
    cop_ndarray *four = int_array(1, (const int64_t[]){4});
    const cop_parameter_value rows = {"rows", four};
    cop_tensor_desc desc;
    ck_assert_uint_eq(cop_model_parameter_count(model), 2);
    cop_cached_op *op = compile_on(model, COP_DEVICE_REF);
    expect_refused(model, &rows, 1, COP_STATUS_UNSUPPORTED, "'rows' cannot be updated");
    ck_assert_uint_eq(stats_of(op).weight_generation, 0);
    cop_cached_op_release(&op);
    update(model, &rows, 1);
    op = compile_on(model, COP_DEVICE_REF);
    ck_assert_int_eq(cop_cached_op_output(op, 0, &desc, NULL), COP_STATUS_OK);
    ck_assert_int_eq(desc.shape[0], 4);
    expect_refused(model, &rows, 1, COP_STATUS_UNSUPPORTED, "'rows' cannot be updated");
    cop_cached_op_release(&op);
    cop_ndarray_release(&four);
    cop_model_release(&model);
}
END_TEST

/* Gather by indices of the file, which the run reads, of a table in 16-bit floats. */
static cop_model *load_table_model(const int64_t *indices, const uint16_t *table)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2));
    add_ints(&graph, "indices", 2, indices);
    struct message tensor = onnx_raw_tensor("table", ONNX_FLOAT16, DIMS(4), table, 8);
    onnx_add_initializer(&graph, &tensor);
    struct message node = onnx_node("Gather", "gather", "table indices", "g");
    onnx_add_node(&graph, &node);
    node = onnx_node("Add", "add", "g x", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2));
    struct message file = onnx_model(&graph, 13);
    return load_onnx(&file);
}

START_TEST(tables_of_16_bit_floats_and_their_indices_can_change)
{
    static const uint16_t zeros[4] = {0}, table[4] = {0x3c00, 0x4000, 0x4200, 0x4400};
    cop_model *model = load_table_model((const int64_t[]){0, 0}, zeros);
    cop_cached_op *op = compile_on(model, COP_DEVICE_REF);
    cop_ndarray *halves = NULL, *x = zero_array(1, (const int64_t[]){2});
    cop_ndarray *indices = int_array(2, (const int64_t[]){3, 1});
    cop_ndarray *outside = int_array(2, (const int64_t[]){3, 4});
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_FLOAT16, 1, (const int64_t[]){4}, &halves, NULL),
                     COP_STATUS_OK);
    memcpy(cop_ndarray_data(halves), table, sizeof table);
    const cop_parameter_value values[] = {{"table", halves}, {"indices", indices}};
    update(model, values, 2);
    cop_ndarray *y = invoke(op, x);
    ck_assert(((float *)cop_ndarray_data(y))[0] == 4 && ((float *)cop_ndarray_data(y))[1] == 2);
    cop_ndarray_release(&y);
    /* What the recipe cannot be run with changes nothing. */
    const cop_parameter_value wrong[] = {{"table", x}, {"indices", outside}};
    ck_assert_int_ne(cop_model_update_weights(model, wrong + 1, 1, NULL), COP_STATUS_OK);
    expect_refused(model, wrong, 1, COP_STATUS_INVALID_ARGUMENT, "float16");
    y = invoke(op, x);
    ck_assert(((float *)cop_ndarray_data(y))[0] == 4 && ((float *)cop_ndarray_data(y))[1] == 2);
    cop_ndarray_release(&y), cop_ndarray_release(&x), cop_ndarray_release(&halves);
    cop_ndarray_release(&indices), cop_ndarray_release(&outside);
    cop_cached_op_release(&op), cop_model_release(&model);
}
END_TEST

START_TEST(a_name_that_several_variables_have_changes_all_of_them)
{
    struct byte_writer params;
    write_params(&params, "w 4,4;");
    char *symbol = write_json(
        SYMBOL("{'op':'null','name':'data','attrs':{'__shape__':'(1,4)'},'inputs':[]},"
               "{'op':'null','name':'w','inputs':[]},"
               "{'op':'FullyConnected','name':'one','attrs':{'num_hidden':'4','no_bias':'True'},"
               "'inputs':[[0,0],[1,0]]},"
               "{'op':'null','name':'w','inputs':[]},"
               "{'op':'FullyConnected','name':'two','attrs':{'num_hidden':'4','no_bias':'True'},"
               "'inputs':[[2,0],[3,0]]}",
               "[4,0]"));
    const cop_bytes graph = {symbol, strlen(symbol), NULL, NULL};
    const cop_bytes weights = {params.bytes, params.size, NULL, NULL};
    cop_model *model = NULL;
    ck_assert_int_eq(
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, &model, NULL),
        COP_STATUS_OK);
    cop_cached_op *op = compile_on(model, COP_DEVICE_REF);
    cop_ndarray *twice = zero_array(2, (const int64_t[]){4, 4});
    cop_ndarray *x = zero_array(2, (const int64_t[]){1, 4});
    for (int i = 0; i < 4; i++)
        ((float *)cop_ndarray_data(twice))[5 * i] = 2, ((float *)cop_ndarray_data(x))[i] = 1;
    ck_assert_uint_eq(cop_model_parameter_count(model), 1);
    const cop_parameter_value values[] = {{"w", twice}, {"w", twice}};
    expect_refused(model, values, 2, COP_STATUS_INVALID_ARGUMENT, "'w' is given twice");
    update(model, values, 1);
    cop_ndarray *y = invoke(op, x);
    for (int i = 0; i < 4; i++)
        ck_assert(((float *)cop_ndarray_data(y))[i] == 4);
    cop_ndarray_release(&x), cop_ndarray_release(&y), cop_ndarray_release(&twice);
    cop_cached_op_release(&op), cop_model_release(&model);
    free(symbol);
}
END_TEST

/* x → convolution whose kernel is dropped once it is packed → batch norm, folded into it. */
static struct message folded_model(void)
{
    static float kernel[64 * 16 * 9], ones[64];
    struct message graph = {0};
    for (int i = 0; i < 64 * 16 * 9; i++)
        kernel[i] = (float)(i * 7 % 13) / 13;
    for (int i = 0; i < 64; i++)
        ones[i] = 1;
    onnx_add_input(&graph, "data", ONNX_FLOAT, DIMS(1, 16, 4, 4));
    onnx_add_floats(&graph, "kernel", DIMS(64, 16, 3, 3), kernel);
    for (int i = 0; i < 4; i++)
        onnx_add_floats(&graph, (const char *[]){"scale", "shift", "mean", "variance"}[i], DIMS(64),
                        ones);
    struct message node = onnx_node("Conv", "conv", "data kernel", "c");
    onnx_add_node(&graph, &node);
    node = onnx_node("BatchNormalization", "norm", "c scale shift mean variance", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(1, 64, 2, 2));
    return onnx_model(&graph, 13);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(an_update_that_needs_weights_which_are_gone_is_refused_and_changes_nothing)
{
    char path[] = "/tmp/cachedop-weights-XXXXXX";
    const cop_model_options options = {sizeof options, COP_MODEL_FORMAT_ONNX, COP_FILE_ACCESS_READ,
                                       NULL};
    struct message file = folded_model();
    cop_model *model = NULL;
    close(mkstemp(path));
    write_file(path, file.bytes, file.size);
    ck_assert_int_eq(cop_model_load(path, &options, &model, NULL), COP_STATUS_OK);
    cop_cached_op *op = compile_on(model, COP_DEVICE_CPU);
    cop_ndarray *x = random_array(4, (const int64_t[]){1, 16, 4, 4}, 1);
    cop_ndarray *scale = random_array(1, (const int64_t[]){64}, 2);
    cop_ndarray *kernel = random_array(4, (const int64_t[]){64, 16, 3, 3}, 3);
    const cop_parameter_value values[] = {{"scale", scale}, {"kernel", kernel}};
    cop_ndarray *before = invoke(op, x);
    update(model, values, 1); /* read again from the file, which is as it was */
    cop_ndarray *after = invoke(op, x);
    ck_assert_mem_ne(cop_ndarray_data(before), cop_ndarray_data(after), cop_ndarray_bytes(after));
    write_file(path, file.bytes, file.size / 2);
    expect_refused(model, values, 1, COP_STATUS_IO, "changed since it was loaded");
    cop_ndarray *again = invoke(op, x);
    ck_assert_mem_eq(cop_ndarray_data(again), cop_ndarray_data(after), cop_ndarray_bytes(after));
    ck_assert_uint_eq(stats_of(op).weight_generation, 1);
    update(model, values, 2); /* nothing of the file is needed */
    remove(path);
    message_free(&file);
    cop_ndarray_release(&x), cop_ndarray_release(&scale), cop_ndarray_release(&kernel);
    cop_ndarray_release(&before), cop_ndarray_release(&after), cop_ndarray_release(&again);
    cop_cached_op_release(&op), cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "weights", parameters_are_listed_with_their_names_and_shapes,
        an_updated_model_computes_what_one_loaded_with_the_new_values_does,
        operators_made_after_an_update_use_the_new_values,
        parameters_that_are_not_named_keep_their_values,
        what_does_not_change_is_shared_and_not_packed_again, idle_contexts_do_not_keep_old_weights,
        a_context_follows_when_it_is_taken, an_operator_that_is_being_destroyed_is_left_out,
        old_weights_live_as_long_as_the_invocation_that_uses_them, the_callers_arrays_are_copied,
        wrong_updates_are_refused_and_change_nothing,
        a_failing_allocation_leaves_the_old_values_in_force_everywhere,
        parameters_that_were_read_from_the_file_are_refused,
        parameters_that_were_read_while_compiling_are_refused_while_that_operator_lives,
        tables_of_16_bit_floats_and_their_indices_can_change,
        a_name_that_several_variables_have_changes_all_of_them,
        an_update_that_needs_weights_which_are_gone_is_refused_and_changes_nothing);
}
