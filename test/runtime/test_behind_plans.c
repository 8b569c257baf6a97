// SPDX-License-Identifier: Apache-2.0
/* Plans that run in part on a device with memory of its own: where everything lies, and what comes
 * out. */
#include "base/alloc.h"
#include "model/model.h"
#include "runtime/cached_op.h"
#include "support/arrays.h"
#include "support/behind/behind_models.h"
#include "support/random_graph.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define MOST_ELEMENTS 4096

static struct behind_control *control;
static const int64_t map[] = {4, 16};

static void set_up(void)
{
    control = behind_open();
    behind_reset(control);
}

static bool is_in(const struct operand *operand, size_t bytes, const struct plan *plan)
{
    const size_t size = operand->place == OPERAND_ARENA          ? plan->arena_bytes
                        : operand->place == OPERAND_DEVICE_ARENA ? plan->device_arena_bytes
                                                                 : SIZE_MAX;
    return operand->offset + bytes <= size;
}

static bool share(size_t a, size_t a_bytes, size_t b, size_t b_bytes)
{
    return a < b + b_bytes && b < a + a_bytes;
}

/* Scratch memory of the device lies there, and on nothing that the step reads or writes. */
static void check_scratch(const struct plan *plan, const struct plan_step *step)
{
    const bool on_device = cop_device_has_memory(plan->devices.devices[step->device_index]);
    const enum operand_place arena = on_device ? OPERAND_DEVICE_ARENA : OPERAND_ARENA;
    const size_t bytes = step->kernel->scratch_bytes;
    if (bytes == 0)
        return;
    ck_assert_uint_le(step->scratch_offset + bytes,
                      on_device ? plan->device_arena_bytes : plan->arena_bytes);
    for (int i = 0; i < step->kernel->src_count; i++)
        ck_assert(
            step->src[i].place != arena ||
            !share(step->scratch_offset, bytes, step->src[i].offset, step->src_tensors[i].bytes));
    for (int i = 0; i < step->kernel->dst_count; i++)
        ck_assert(
            step->dst[i].place != arena ||
            !share(step->scratch_offset, bytes, step->dst[i].offset, step->dst_tensors[i].bytes));
}

/* Everything lies inside its arena, and where the layouts that the kernel wants lie. */
static void check_places(const struct plan *plan)
{
    for (int i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        for (int k = 0; k < step->kernel->src_count + step->kernel->dst_count; k++) {
            const bool is_src = k < step->kernel->src_count;
            const int index = is_src ? k : k - step->kernel->src_count;
            const struct operand *operand = is_src ? &step->src[index] : &step->dst[index];
            const struct layout *layout =
                is_src ? step->kernel->src_layouts[index] : step->kernel->dst_layouts[index];
            const size_t bytes = (is_src ? step->src_tensors : step->dst_tensors)[index].bytes;
            ck_assert_msg(is_in(operand, bytes, plan), "step %d, operand %d", i, k);
            if (operand->place == OPERAND_ARENA || operand->place == OPERAND_DEVICE_ARENA)
                ck_assert_msg((operand->place == OPERAND_DEVICE_ARENA) ==
                                  (layout != NULL && layout->is_on_device),
                              "step %d, operand %d lies in the wrong arena", i, k);
        }
        check_scratch(plan, step);
    }
}

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

static void check_array(cop_ndarray *actual, cop_ndarray *expected, uint32_t seed)
{
    static float a[MOST_ELEMENTS];
    static double b[MOST_ELEMENTS];
    const size_t count = cop_ndarray_bytes(expected) / sizeof(float);
    ck_assert_uint_le(count, MOST_ELEMENTS);
    behind_read(actual, a, count);
    for (size_t i = 0; i < count; i++) {
        b[i] = (double)((const float *)cop_ndarray_data(expected))[i];
        ck_assert_msg(isfinite(a[i]), "seed %u, element %zu", seed, i);
    }
    check_close(a, b, (int64_t)count, 1e-4);
}

/* Runs both operators `runs` times on the same new inputs. */
static void compare(cop_cached_op *op, cop_cached_op *oracle, int runs, uint32_t seed)
{
    const size_t src_count = cop_cached_op_input_count(op);
    const size_t dst_count = cop_cached_op_output_count(op);
    for (int run = 0; run < runs; run++) {
        cop_ndarray *src[4] = {NULL}, *dst[8] = {NULL}, *expected[8] = {NULL};
        cop_error error = {0};
        for (size_t i = 0; i < src_count; i++)
            src[i] = random_array(op->plan->srcs[i].rank, op->plan->srcs[i].shape,
                                  seed + 100 * (unsigned)run + (unsigned)i);
        ck_assert_msg(cop_invoke(op, src_count, src, dst_count, dst, NULL, &error) == COP_STATUS_OK,
                      "%s", error.message);
        ck_assert_int_eq(cop_invoke(oracle, src_count, src, dst_count, expected, NULL, NULL),
                         COP_STATUS_OK);
        for (size_t i = 0; i < dst_count; i++)
            check_array(dst[i], expected[i], seed);
        for (size_t i = 0; i < src_count; i++)
            cop_ndarray_release(&src[i]);
        for (size_t i = 0; i < dst_count; i++)
            cop_ndarray_release(&dst[i]), cop_ndarray_release(&expected[i]);
    }
}

static void check_network(uint32_t seed, bool keep_graph)
{
    struct graph_maker maker = make_random_network(seed, 5 + (int)(seed % 20));
    cop_model *model = model_of(&maker);
    cop_cached_op *op = compile(model, COP_DEVICE_GPU, keep_graph);
    cop_cached_op *oracle = compile(model, COP_DEVICE_REF, keep_graph);
    check_places(op->plan);
    compare(op, oracle, 4, seed);
    cop_cached_op_release(&op), cop_cached_op_release(&oracle);
    cop_model_release(&model);
}

static void check_nothing_is_left(void)
{
    ck_assert_int_eq(atomic_load(&control->streams), 0);
    ck_assert_int_eq(atomic_load(&control->states), 0);
    ck_assert_int_eq(atomic_load(&control->blocks), 0);
    ck_assert_int_eq(atomic_load(&control->kernels), 0);
    ck_assert_int_eq(atomic_load(&control->layouts), 0);
    ck_assert_int_eq(atomic_load(&control->recordings), 0);
}

START_TEST(random_networks_give_what_the_reference_gives_step_by_step_recorded_and_repeated)
{
    for (uint32_t seed = 0; seed < 120; seed++)
        check_network(seed, seed % 2 == 1);
    check_nothing_is_left();
}
END_TEST

START_TEST(a_slow_device_changes_nothing_where_host_and_device_take_turns)
{
    atomic_store(&control->most_random_us, 300);
    for (uint32_t seed = 200; seed < 230; seed++)
        check_network(seed, false);
    check_nothing_is_left();
}
END_TEST

/* Steps of a plan whose operator has a name. */
static int count_steps(const struct plan *plan, const char *op_name, bool on_device)
{
    int count = 0;
    for (int i = 0; i < plan->step_count; i++)
        count +=
            (op_name == NULL || strcmp(plan->steps[i].op_name, op_name) == 0) &&
            cop_device_has_memory(plan->devices.devices[plan->steps[i].device_index]) == on_device;
    return count;
}

/* `reorders` of a model's plan, and the same results as the reference's. */
static void check_model(cop_model *model, int reorders, int host_steps)
{
    cop_cached_op *op = behind_compile(model, 0);
    cop_cached_op *oracle = compile_on(model, COP_DEVICE_REF);
    check_places(op->plan);
    ck_assert_int_eq(count_steps(op->plan, "Reorder", true), reorders);
    ck_assert_int_eq(count_steps(op->plan, NULL, false), host_steps);
    compare(op, oracle, 4, 7);
    cop_cached_op_release(&op), cop_cached_op_release(&oracle);
    cop_model_release(&model);
    check_nothing_is_left();
}

START_TEST(what_the_device_knows_whole_enters_and_leaves_its_memory_once)
{
    check_model(behind_dense(1), 3, 0); /* in, out, and from rows with gaps to rows without */
}
END_TEST

START_TEST(views_of_what_lies_on_the_device_stay_there)
{
    check_model(behind_views(), 3, 0);
}
END_TEST

START_TEST(what_the_device_lacks_runs_on_the_host_between_two_moves)
{
    /* In; out to the softmax, in again; to rows without gaps and out to "near", which the other
     * softmax reads, too. */
    check_model(behind_mixed(), 5, 2);
}
END_TEST

START_TEST(parts_of_a_concatenation_meet_on_the_host)
{
    cop_model *model = behind_concat();
    cop_cached_op *op = behind_compile(model, 0), *oracle = compile_on(model, COP_DEVICE_REF);
    check_places(op->plan);
    compare(op, oracle, 4, 9);
    cop_cached_op_release(&op), cop_cached_op_release(&oracle);
    cop_model_release(&model);
    check_nothing_is_left();
}
END_TEST

START_TEST(the_first_run_is_eager_the_second_records_and_the_third_repeats)
{
    cop_model *model = behind_chain(6);
    cop_cached_op *op = behind_compile(model, 0);
    cop_ndarray *src = random_array(2, map, 3);
    float first[64], later[64];
    /* In and out touch the caller's memory; between them lie the six and what tanh needs. */
    ck_assert_int_eq(op->plan->segment_count, 1);
    const long inside = op->plan->segments[0].end_step - op->plan->segments[0].first_step;
    const long all = op->plan->step_count;
    ck_assert_int_eq(inside, all - 2);
    behind_invoke(op, src, first, 64);
    ck_assert_int_eq(atomic_load(&control->kernels_begun), all);
    ck_assert_int_eq(atomic_load(&control->recordings_made), 0);
    for (long run = 2; run <= 4; run++) {
        behind_invoke(op, src, later, 64);
        ck_assert_mem_eq(first, later, sizeof first);
        ck_assert_int_eq(atomic_load(&control->recordings_made), 1);
        ck_assert_int_eq(atomic_load(&control->recordings_begun), run - 1);
        ck_assert_int_eq(atomic_load(&control->kernels_begun), all + 2 * (run - 1));
        ck_assert_int_eq(atomic_load(&control->kernels_run), all * run);
    }
    cop_ndarray_release(&src);
    cop_cached_op_release(&op);
    cop_model_release(&model);
    check_nothing_is_left();
}
END_TEST

START_TEST(segments_end_before_they_take_too_long)
{
    cop_model *model = behind_chain(12);
    atomic_store(&control->estimated_ns, 2000000);
    cop_cached_op *op = behind_compile(model, 0), *oracle = compile_on(model, COP_DEVICE_REF);
    ck_assert_int_gt(op->plan->segment_count, 4);
    for (int i = 0; i < op->plan->segment_count; i++)
        ck_assert_int_eq(op->plan->segments[i].end_step - op->plan->segments[i].first_step, 2);
    compare(op, oracle, 4, 11);
    cop_cached_op_release(&op), cop_cached_op_release(&oracle);
    cop_model_release(&model);
}
END_TEST

START_TEST(a_step_that_takes_too_long_by_itself_is_not_recorded)
{
    cop_model *model = behind_chain(4);
    atomic_store(&control->estimated_ns, 6000000);
    cop_cached_op *op = behind_compile(model, 0);
    ck_assert_int_eq(op->plan->segment_count, 0);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}
END_TEST

START_TEST(new_weights_are_recorded_anew)
{
    cop_model *model = behind_dense(1);
    cop_model *other = behind_dense(50);
    cop_cached_op *op = behind_compile(model, 0), *expected = behind_compile(other, 0);
    cop_ndarray *src = random_array(2, map, 3);
    float a[32], b[32];
    for (int i = 0; i < 4; i++)
        behind_invoke(op, src, a, 32);
    const long made = atomic_load(&control->recordings_made);
    ck_assert_int_ge(made, 1);
    cop_parameter_value values[4];
    static const char *const names[] = {"w1", "b1", "w2", "b2"};
    static const int64_t shapes[][2] = {{24, 16}, {24, 0}, {8, 24}, {8, 0}};
    for (int i = 0; i < 4; i++) { /* as behind_dense makes them of this seed */
        unsigned seed = 50 + (unsigned)i;
        values[i].name = names[i];
        values[i].array = zero_array(shapes[i][1] == 0 ? 1 : 2, shapes[i]);
        float *elements = cop_ndarray_data(values[i].array);
        for (size_t k = 0; k < cop_ndarray_bytes(values[i].array) / sizeof *elements; k++)
            elements[k] = (float)(rand_r(&seed) % 2001 - 1000) / 4000.0f;
    }
    cop_error error = {0};
    ck_assert_msg(cop_model_update_weights(model, values, 4, &error) == COP_STATUS_OK, "%s",
                  error.message);
    behind_invoke(expected, src, b, 32);
    for (int i = 0; i < 4; i++) {
        behind_invoke(op, src, a, 32);
        ck_assert_mem_eq(a, b, sizeof a);
    }
    ck_assert_int_gt(atomic_load(&control->recordings_made), made);
    for (int i = 0; i < 4; i++)
        cop_ndarray_release(&values[i].array);
    cop_ndarray_release(&src);
    cop_cached_op_release(&op), cop_cached_op_release(&expected);
    cop_model_release(&model), cop_model_release(&other);
    check_nothing_is_left();
}
END_TEST

START_TEST(chosen_outputs_skip_the_recordings_of_the_others)
{
    cop_model *model = behind_branches();
    cop_cached_op *op = behind_compile(model, 0);
    cop_ndarray *src = random_array(2, map, 3), *both[2] = {NULL};
    float expected[2][64], actual[64];
    ck_assert_int_eq(op->plan->segment_count, 2);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(cop_invoke(op, 1, &src, 2, both, NULL, NULL), COP_STATUS_OK);
        for (int k = 0; k < 2; k++)
            behind_read(both[k], expected[k], 64), cop_ndarray_release(&both[k]);
    }
    for (size_t k = 0; k < 2; k++)
        for (int run = 0; run < 3; run++) {
            cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
            cop_ndarray *dst = NULL;
            const long begun = atomic_load(&control->recordings_begun);
            options.outputs = &k, options.output_count = 1;
            ck_assert_int_eq(cop_invoke(op, 1, &src, 1, &dst, &options, NULL), COP_STATUS_OK);
            behind_read(dst, actual, 64);
            ck_assert_mem_eq(actual, expected[k], sizeof actual);
            ck_assert_int_eq(atomic_load(&control->recordings_begun), begun + 1);
            cop_ndarray_release(&dst);
        }
    cop_ndarray_release(&src);
    cop_cached_op_release(&op);
    cop_model_release(&model);
    check_nothing_is_left();
}
END_TEST

START_TEST(a_profile_and_a_trace_see_every_step)
{
    cop_model *model = behind_chain(6);
    cop_cached_op *op = behind_compile(model, 1);
    cop_ndarray *src = random_array(2, map, 3);
    cop_profile *profile = NULL;
    cop_trace *trace = NULL;
    float expected[64];
    ck_assert_int_eq(cop_profile_create(&profile, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_trace_create(0, &trace, NULL), COP_STATUS_OK);
    for (int i = 0; i < 3; i++)
        behind_invoke(op, src, expected, 64);
    const long begun = atomic_load(&control->recordings_begun);
    atomic_store(&control->delay_us, 2000);
    for (int i = 0; i < 2; i++) {
        cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
        cop_ndarray *dst = NULL;
        float actual[64];
        options.profile = i == 0 ? profile : NULL, options.trace = i == 1 ? trace : NULL;
        ck_assert_int_eq(cop_invoke(op, 1, &src, 1, &dst, &options, NULL), COP_STATUS_OK);
        behind_read(dst, actual, 64);
        ck_assert_mem_eq(actual, expected, sizeof actual);
        cop_ndarray_release(&dst);
    }
    ck_assert_int_eq(atomic_load(&control->recordings_begun), begun);
    ck_assert_uint_eq(cop_profile_step_count(profile), (size_t)op->plan->step_count);
    for (size_t i = 0; i < cop_profile_step_count(profile); i++) {
        cop_profile_step step;
        ck_assert_int_eq(cop_profile_get_step(profile, i, &step, NULL), COP_STATUS_OK);
        ck_assert_int_ge(step.duration_ns, 2000000); /* the device's time, not ours */
    }
    cop_profile_release(&profile), cop_trace_release(&trace);
    cop_ndarray_release(&src);
    cop_cached_op_release(&op);
    cop_model_release(&model);
    check_nothing_is_left();
}
END_TEST

START_TEST(a_context_that_can_never_have_its_memory_is_refused_when_compiled)
{
    cop_model *model = behind_dense(1);
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    cop_error error = {0};
    options.device = BEHIND_DEVICE;
    atomic_store(&control->memory_bytes, 64);
    ck_assert_int_eq(cop_cached_op_create(model, &options, &op, &error),
                     COP_STATUS_OUT_OF_DEVICE_MEMORY);
    ck_assert_ptr_null(op);
    ck_assert_msg(strstr(error.message, "64") != NULL, "%s", error.message);
    cop_model_release(&model);
    check_nothing_is_left();
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "plans on a device with memory", set_up, NULL,
        random_networks_give_what_the_reference_gives_step_by_step_recorded_and_repeated,
        a_slow_device_changes_nothing_where_host_and_device_take_turns,
        what_the_device_knows_whole_enters_and_leaves_its_memory_once,
        views_of_what_lies_on_the_device_stay_there,
        what_the_device_lacks_runs_on_the_host_between_two_moves,
        parts_of_a_concatenation_meet_on_the_host,
        the_first_run_is_eager_the_second_records_and_the_third_repeats,
        segments_end_before_they_take_too_long,
        a_step_that_takes_too_long_by_itself_is_not_recorded, new_weights_are_recorded_anew,
        chosen_outputs_skip_the_recordings_of_the_others, a_profile_and_a_trace_see_every_step,
        a_context_that_can_never_have_its_memory_is_refused_when_compiled);
}
