// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#include <fenv.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int64_t image_shape[] = {1, 3, 12, 12}, score_shape[] = {1, 5}, four[] = {1, 4},
                     sixteen[] = {1, 16};

static cop_model *model;
static cop_cached_op *op;
static cop_ndarray *image;

static void setup(void)
{
    model = tiny_classifier(1);
    op = compile_on(model, COP_DEVICE_CPU);
    image = random_array(4, image_shape, 2);
}

static void teardown(void)
{
    cop_ndarray_release(&image);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}

START_TEST(scores_are_the_same_on_every_device_with_and_without_passes)
{
    setup();
    cop_ndarray *reference = NULL;
    ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &reference, NULL, NULL), COP_STATUS_OK);
    const float *expected = cop_ndarray_data(reference);
    float sum = 0;
    for (int i = 0; i < 5; i++)
        sum += expected[i];
    ck_assert(fabsf(sum - 1) < 1e-5f);
    for (int k = 0; k < 4; k++) {
        cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
        cop_cached_op *other = NULL;
        cop_ndarray *scores = NULL;
        options.device.kind = k % 2 == 0 ? COP_DEVICE_CPU : COP_DEVICE_REF;
        options.keep_graph = k / 2 == 1;
        ck_assert_int_eq(cop_cached_op_create(model, &options, &other, NULL), COP_STATUS_OK);
        ck_assert_int_eq(cop_invoke(other, 1, &image, 1, &scores, NULL, NULL), COP_STATUS_OK);
        for (int i = 0; i < 5; i++)
            ck_assert(fabsf(((float *)cop_ndarray_data(scores))[i] - expected[i]) < 1e-5f);
        cop_ndarray_release(&scores);
        cop_cached_op_release(&other);
    }
    cop_ndarray_release(&reference);
    teardown();
}
END_TEST

static void refuse(size_t src_count, cop_ndarray *const *src, size_t dst_count, cop_ndarray **dst,
                   const char *word)
{
    cop_error error;
    ck_assert_int_eq(cop_invoke(op, src_count, src, dst_count, dst, NULL, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.message, word) != NULL, "'%s' lacks '%s'", error.message, word);
    ck_assert_int_eq(cop_invoke_async(op, src_count, src, dst_count, dst, NULL, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.message, word) != NULL, "'%s' lacks '%s'", error.message, word);
}

START_TEST(wrong_arrays_are_refused_and_named)
{
    setup();
    static const int64_t wrong_shape[] = {1, 3, 12, 13};
    cop_ndarray *made = NULL, *null = NULL, *wrong = random_array(4, wrong_shape, 1), *ints = NULL,
                *scores = zero_array(2, score_shape);
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_INT32, 4, image_shape, &ints, NULL),
                     COP_STATUS_OK);
    refuse(0, NULL, 1, &made, "0 inputs");
    refuse(1, &image, 2, &made, "2 outputs");
    refuse(1, NULL, 1, &made, "NULL");
    refuse(1, &image, 1, NULL, "NULL");
    refuse(1, &null, 1, &made, "input 'data'");
    refuse(1, &wrong, 1, &made, "[1,3,12,13]");
    refuse(1, &ints, 1, &made, "int32");
    refuse(1, &image, 1, &wrong, "output 'softmax_output'");
    ck_assert_ptr_null(made);
    ck_assert_int_eq(cop_invoke(NULL, 1, &image, 1, &made, NULL, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    cop_invoke_options options = {0};
    ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &made, &options, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    cop_ndarray_release(&wrong), cop_ndarray_release(&ints), cop_ndarray_release(&scores);
    teardown();
}
END_TEST

START_TEST(an_output_on_an_input_or_on_another_output_is_refused)
{
    cop_model *two = tiny_two_outputs();
    cop_cached_op *both = compile_on(two, COP_DEVICE_REF);
    float memory[16] = {1, -2, 3, -4};
    cop_ndarray *src = NULL, *dst[2] = {NULL, NULL};
    cop_error error;
    ck_assert_int_eq(cop_ndarray_wrap(memory, COP_DTYPE_FLOAT32, 2, four, NULL, &src, NULL), 0);
    ck_assert_int_eq(cop_ndarray_wrap(memory + 2, COP_DTYPE_FLOAT32, 2, four, NULL, &dst[0], NULL),
                     0);
    ck_assert_int_eq(cop_invoke(both, 1, &src, 2, dst, NULL, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "overlaps input 'data'"));
    ck_assert_ptr_null(dst[1]);
    cop_ndarray_release(&dst[0]);
    ck_assert_int_eq(cop_ndarray_wrap(memory + 4, COP_DTYPE_FLOAT32, 2, four, NULL, &dst[0], NULL),
                     0);
    ck_assert_int_eq(cop_ndarray_wrap(memory + 7, COP_DTYPE_FLOAT32, 2, four, NULL, &dst[1], NULL),
                     0);
    ck_assert_int_eq(cop_invoke(both, 1, &src, 2, dst, NULL, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "overlaps output"));
    cop_ndarray_release(&dst[1]);
    ck_assert_int_eq(cop_invoke(both, 1, &src, 2, dst, NULL, &error), COP_STATUS_OK);
    const float *plus = memory + 4, *twice = cop_ndarray_data(dst[1]);
    ck_assert(plus[0] == 2 && plus[1] == 1 && plus[2] == 4 && plus[3] == 1);
    ck_assert(twice[0] == 2 && twice[1] == 0 && twice[2] == 6 && twice[3] == 0);
    cop_ndarray_release(&src), cop_ndarray_release(&dst[0]), cop_ndarray_release(&dst[1]);
    cop_cached_op_release(&both), cop_model_release(&two);
}
END_TEST

START_TEST(views_of_one_storage_may_be_input_and_output)
{
    cop_model *small = tiny_relu();
    cop_cached_op *relu = compile_on(small, COP_DEVICE_REF);
    static const int64_t two_rows[] = {2, 16};
    cop_ndarray *whole = random_array(2, two_rows, 3), *src = NULL, *dst = NULL;
    ck_assert_int_eq(cop_ndarray_view(whole, 0, COP_DTYPE_FLOAT32, 2, sixteen, &src, NULL), 0);
    ck_assert_int_eq(cop_ndarray_view(whole, 64, COP_DTYPE_FLOAT32, 2, sixteen, &dst, NULL), 0);
    ck_assert_int_eq(cop_invoke(relu, 1, &src, 1, &dst, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke_async(relu, 1, &src, 1, &dst, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(whole, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    const float *elements = cop_ndarray_data(whole);
    for (int i = 0; i < 16; i++)
        ck_assert(elements[16 + i] == (elements[i] > 0 ? elements[i] : 0));
    cop_ndarray_release(&whole), cop_ndarray_release(&src), cop_ndarray_release(&dst);
    cop_cached_op_release(&relu), cop_model_release(&small);
}
END_TEST

START_TEST(the_steady_state_allocates_nothing_of_ours)
{
    setup();
    cop_cached_op *reference = compile_on(model, COP_DEVICE_REF);
    cop_cached_op *ops[] = {op, reference};
    for (int k = 0; k < 2; k++) {
        cop_ndarray *scores = zero_array(2, score_shape), *made = NULL;
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(cop_invoke(ops[k], 1, &image, 1, &scores, NULL, NULL), COP_STATUS_OK);
            ck_assert_int_eq(cop_invoke(ops[k], 1, &image, 1, &made, NULL, NULL), COP_STATUS_OK);
            cop_ndarray_release(&made);
        }
        cop_library_stats before = {.struct_size = sizeof before}, after = before;
        ck_assert_int_eq(cop_library_get_stats(&before, NULL), COP_STATUS_OK);
        for (int i = 0; i < 100; i++) {
            ck_assert_int_eq(cop_invoke(ops[k], 1, &image, 1, &scores, NULL, NULL), COP_STATUS_OK);
            ck_assert_int_eq(cop_invoke(ops[k], 1, &image, 1, &made, NULL, NULL), COP_STATUS_OK);
            cop_ndarray_release(&made);
        }
        ck_assert_int_eq(cop_library_get_stats(&after, NULL), COP_STATUS_OK);
        ck_assert_uint_eq(after.allocations, before.allocations);
        ck_assert_uint_eq(after.live_bytes, before.live_bytes);
        cop_ndarray_release(&scores);
    }
    cop_cached_op_release(&reference);
    teardown();
}
END_TEST

START_TEST(the_callers_floating_point_mode_comes_back)
{
    setup();
    cop_ndarray *scores = NULL;
    fesetround(FE_UPWARD);
    feclearexcept(FE_ALL_EXCEPT);
    ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &scores, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(fegetround(), FE_UPWARD);
    volatile float tiny = FLT_MIN;
    ck_assert(tiny / 4 != 0); /* denormals are not flushed here */
    fesetround(FE_TONEAREST);
    cop_ndarray_release(&scores);
    teardown();
}
END_TEST

START_TEST(denormals_are_flushed_during_a_call)
{
    cop_model *two = tiny_two_outputs();
    cop_cached_op *both = compile_on(two, COP_DEVICE_REF);
    cop_ndarray *src = zero_array(2, four), *dst[2] = {NULL, NULL};
    ((float *)cop_ndarray_data(src))[0] = FLT_MIN / 8;
    ck_assert_int_eq(cop_invoke(both, 1, &src, 2, dst, NULL, NULL), COP_STATUS_OK);
    ck_assert(((float *)cop_ndarray_data(dst[1]))[0] == 0);
    cop_ndarray_release(&src), cop_ndarray_release(&dst[0]), cop_ndarray_release(&dst[1]);
    cop_cached_op_release(&both), cop_model_release(&two);
}
END_TEST

START_TEST(outputs_of_one_invocation_are_inputs_of_the_next_before_they_are_ready)
{
    cop_model *small = tiny_relu();
    cop_cached_op *relu = compile_on(small, COP_DEVICE_CPU);
    cop_ndarray *arrays[50] = {random_array(2, sixteen, 9)};
    for (int i = 1; i < 50; i++)
        ck_assert_int_eq(cop_invoke_async(relu, 1, &arrays[i - 1], 1, &arrays[i], NULL, NULL),
                         COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(arrays[49], COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    const float *first = cop_ndarray_data(arrays[0]), *last = cop_ndarray_data(arrays[49]);
    for (int i = 0; i < 16; i++)
        ck_assert(last[i] == (first[i] > 0 ? first[i] : 0));
    for (int i = 0; i < 50; i++)
        cop_ndarray_release(&arrays[i]);
    cop_cached_op_release(&relu), cop_model_release(&small);
}
END_TEST

START_TEST(a_deadline_of_nothing_is_a_timeout_and_the_arrays_say_so)
{
    setup();
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *scores = NULL;
    cop_error error;
    options.timeout_ns = 0;
    ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &scores, &options, &error), COP_STATUS_TIMEOUT);
    ck_assert_ptr_null(scores);
    ck_assert_int_eq(cop_invoke_async(op, 1, &image, 1, &scores, &options, &error), COP_STATUS_OK);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(cop_ndarray_wait(scores, COP_NO_TIMEOUT, NULL, &error),
                         COP_STATUS_TIMEOUT);
    ck_assert_int_eq(cop_wait_all(op, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_TIMEOUT);
    cop_ndarray_release(&scores);
    ck_assert_int_eq(cop_wait_all(op, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    teardown();
}
END_TEST

START_TEST(operators_say_what_they_are)
{
    setup();
    size_t index = 9;
    cop_tensor_desc desc;
    cop_error error;
    ck_assert_uint_eq(cop_cached_op_input_count(op), 1);
    ck_assert_uint_eq(cop_cached_op_output_count(op), 1);
    ck_assert_int_eq(cop_cached_op_find_input(op, "data", &index, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(index, 0);
    ck_assert_int_eq(cop_cached_op_find_input(op, "softmax_label", &index, &error),
                     COP_STATUS_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "'data'"));
    ck_assert_int_eq(cop_cached_op_find_output(op, "softmax_output", &index, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cached_op_output(op, 0, &desc, NULL), COP_STATUS_OK);
    ck_assert(desc.rank == 2 && desc.shape[1] == 5 && desc.dtype == COP_DTYPE_FLOAT32);
    ck_assert_int_eq(cop_cached_op_output(op, 1, &desc, NULL), COP_STATUS_INVALID_ARGUMENT);

    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_cached_op_get_stats(op, &stats, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(stats.contexts, 0);
    ck_assert_uint_gt(stats.packed_weight_bytes, 4 * (8 * 27 + 8 * 72 + 5 * 288));
    ck_assert_int_eq(cop_cached_op_warm_up(op, 3, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cached_op_get_stats(op, &stats, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(stats.contexts, 3);
    ck_assert_uint_eq(stats.in_flight, 0);
    teardown();
}
END_TEST

START_TEST(plans_print_as_text_dot_and_valid_json)
{
    setup();
    for (int format = 0; format < 3; format++) {
        char *text = NULL;
        ck_assert_int_eq(cop_cached_op_print_plan(op, (cop_plan_format)format, &text, NULL),
                         COP_STATUS_OK);
        ck_assert_ptr_nonnull(strstr(text, "conv1"));
        ck_assert_ptr_nonnull(strstr(text, "relu1")); /* fused, and said so */
        if (format == COP_PLAN_FORMAT_JSON) {
            json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
            ck_assert_ptr_nonnull(json);
            json_decref(json);
        }
        cop_text_release(&text);
        ck_assert_ptr_null(text);
    }
    teardown();
}
END_TEST

START_TEST(profiles_and_traces_hold_every_step)
{
    setup();
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *scores = zero_array(2, score_shape);
    ck_assert_int_eq(cop_profile_create(&options.profile, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_trace_create(0, &options.trace, NULL), COP_STATUS_OK);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &scores, &options, NULL), COP_STATUS_OK);
    const size_t steps = cop_profile_step_count(options.profile);
    ck_assert_uint_gt(steps, 2);
    cop_cached_op_release(&op); /* the texts outlive the operator */
    cop_profile_step step = {0};
    int64_t end_ns = 0;
    for (size_t i = 0; i < steps; i++) {
        ck_assert_int_eq(cop_profile_get_step(options.profile, i, &step, NULL), COP_STATUS_OK);
        ck_assert(strlen(step.kernel) > 0 && step.start_ns >= end_ns && step.duration_ns >= 0);
        end_ns = step.start_ns + step.duration_ns;
    }
    ck_assert_int_eq(cop_profile_get_step(options.profile, steps, &step, NULL),
                     COP_STATUS_INVALID_ARGUMENT);

    char path[] = "/tmp/cop-trace-XXXXXX";
    close(mkstemp(path));
    ck_assert_int_eq(cop_trace_write(options.trace, path, NULL), COP_STATUS_OK);
    json_t *json = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "traceEvents")), 1 + 3 * steps);
    json_decref(json);
    unlink(path);
    cop_error error;
    ck_assert_int_eq(cop_trace_write(options.trace, "/nowhere/trace.json", &error), COP_STATUS_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "/nowhere/trace.json"));
    cop_profile_release(&options.profile);
    cop_trace_release(&options.trace);
    cop_ndarray_release(&scores);
    teardown();
}
END_TEST

START_TEST(a_reshaped_operator_shares_the_packed_weights)
{
    setup();
    const cop_input_shape shape = {"data", 4, {3, -1, -1, -1}};
    cop_cached_op *triple = NULL;
    size_t added = SIZE_MAX;
    ck_assert_int_eq(cop_cached_op_reshape(op, &shape, 1, &triple, &added, NULL), COP_STATUS_OK);
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_cached_op_get_stats(triple, &stats, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(added, stats.plan_bytes); /* and no weights */
    cop_cached_op_release(&op);

    static const int64_t batch_shape[] = {3, 3, 12, 12};
    cop_ndarray *batch = random_array(4, batch_shape, 4), *scores = NULL, *one = NULL,
                *single = NULL;
    ck_assert_int_eq(cop_invoke(triple, 1, &batch, 1, &scores, NULL, NULL), COP_STATUS_OK);
    op = compile_on(model, COP_DEVICE_CPU);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(
            cop_ndarray_view(batch, i * 3 * 144 * 4, COP_DTYPE_FLOAT32, 4, image_shape, &one, NULL),
            COP_STATUS_OK);
        ck_assert_int_eq(cop_invoke(op, 1, &one, 1, &single, NULL, NULL), COP_STATUS_OK);
        for (size_t k = 0; k < 5; k++)
            ck_assert(fabsf(((float *)cop_ndarray_data(scores))[i * 5 + k] -
                            ((float *)cop_ndarray_data(single))[k]) < 1e-6f);
        cop_ndarray_release(&one), cop_ndarray_release(&single);
    }
    const cop_input_shape wrong_rank = {"data", 3, {1, 3, 12}},
                          wrong_name = {"x", 4, {1, 3, 12, 12}};
    cop_cached_op *none = NULL;
    ck_assert_int_eq(cop_cached_op_reshape(op, &wrong_rank, 1, &none, NULL, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_cached_op_reshape(op, &wrong_name, 1, &none, NULL, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_null(none);
    cop_cached_op_release(&triple);
    cop_ndarray_release(&batch), cop_ndarray_release(&scores);
    teardown();
}
END_TEST

START_TEST(max_contexts_is_a_limit_with_an_answer)
{
    setup();
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *narrow = NULL;
    options.max_contexts = 1;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &narrow, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cached_op_warm_up(narrow, 2, NULL), COP_STATUS_BUSY);
    ck_assert_int_eq(cop_cached_op_warm_up(narrow, 1, NULL), COP_STATUS_OK);
    cop_ndarray *scores[20] = {NULL};
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(cop_invoke_async(narrow, 1, &image, 1, &scores[i], NULL, NULL),
                         COP_STATUS_OK);
    ck_assert_int_eq(cop_wait_all(narrow, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_cached_op_get_stats(narrow, &stats, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(stats.contexts, 1);
    for (int i = 0; i < 20; i++)
        cop_ndarray_release(&scores[i]);
    cop_cached_op_release(&narrow);
    teardown();
}
END_TEST

struct caller {
    cop_cached_op *op;
    int64_t timeout_ns;
    int ok, busy, other;
};

static void *invoke_often(void *argument)
{
    struct caller *caller = argument;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *scores = zero_array(2, score_shape);
    options.timeout_ns = caller->timeout_ns;
    for (int i = 0; i < 200; i++) {
        const cop_status status = cop_invoke(caller->op, 1, &image, 1, &scores, &options, NULL);
        caller->ok += status == COP_STATUS_OK;
        caller->busy += status == COP_STATUS_BUSY || status == COP_STATUS_TIMEOUT;
        caller->other +=
            status != COP_STATUS_OK && status != COP_STATUS_BUSY && status != COP_STATUS_TIMEOUT;
    }
    cop_ndarray_release(&scores);
    return NULL;
}

START_TEST(more_callers_than_contexts_take_turns_or_are_told)
{
    setup();
    for (int is_timed = 0; is_timed < 2; is_timed++) {
        cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
        cop_cached_op *narrow = NULL;
        pthread_t threads[8];
        struct caller callers[8];
        options.max_contexts = 2;
        ck_assert_int_eq(cop_cached_op_create(model, &options, &narrow, NULL), COP_STATUS_OK);
        for (int i = 0; i < 8; i++) {
            callers[i] = (struct caller){narrow, is_timed ? 1000 : COP_NO_TIMEOUT, 0, 0, 0};
            pthread_create(&threads[i], NULL, invoke_often, &callers[i]);
        }
        for (int i = 0; i < 8; i++) {
            pthread_join(threads[i], NULL);
            ck_assert_int_eq(callers[i].other, 0);
            ck_assert_int_eq(callers[i].ok + callers[i].busy, 200);
            ck_assert(is_timed || callers[i].ok == 200);
        }
        cop_cached_op_stats stats = {.struct_size = sizeof stats};
        ck_assert_int_eq(cop_cached_op_get_stats(narrow, &stats, NULL), COP_STATUS_OK);
        ck_assert_uint_le(stats.contexts, 2);
        ck_assert_uint_eq(stats.in_flight, 0);
        cop_cached_op_release(&narrow);
    }
    teardown();
}
END_TEST

START_TEST(a_full_trace_drops_and_counts_what_comes_later)
{
    setup();
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *scores = zero_array(2, score_shape);
    ck_assert_int_eq(cop_trace_create(2, &options.trace, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &scores, &options, NULL), COP_STATUS_OK);
    char path[] = "/tmp/cop-trace-XXXXXX";
    close(mkstemp(path));
    ck_assert_int_eq(cop_trace_write(options.trace, path, NULL), COP_STATUS_OK);
    json_t *json = json_load_file(path, 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "traceEvents")), 3);
    ck_assert_int_gt(
        json_integer_value(json_object_get(json_object_get(json, "otherData"), "dropped_events")),
        0);
    json_decref(json);
    unlink(path);
    cop_trace_release(&options.trace);
    cop_ndarray_release(&scores);
    teardown();
}
END_TEST

START_TEST(every_failing_allocation_is_a_status_and_nothing_leaks)
{
    setup();
    const size_t before = cop_alloc_counters().live_bytes;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        bool is_done = false;
        for (int k = 0; !is_done; k++) {
            cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
            cop_cached_op *made = NULL;
            cop_ndarray *scores = NULL, *later = NULL;
            options.device.kind = COP_DEVICE_REF;
            cop_alloc_fail_after(k, for_ever);
            cop_status status = cop_cached_op_create(model, &options, &made, NULL);
            if (status == COP_STATUS_OK)
                status = cop_invoke(made, 1, &image, 1, &scores, NULL, NULL);
            if (status == COP_STATUS_OK)
                status = cop_invoke_async(made, 1, &image, 1, &later, NULL, NULL);
            if (status == COP_STATUS_OK)
                status = cop_ndarray_wait(later, COP_NO_TIMEOUT, NULL, NULL);
            cop_alloc_fail_after(-1, 0);
            ck_assert(status == COP_STATUS_OK || status == COP_STATUS_OUT_OF_MEMORY);
            is_done = status == COP_STATUS_OK;
            cop_ndarray_release(&scores), cop_ndarray_release(&later);
            cop_cached_op_release(&made);
            ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
            for (int i = 0; i < 1000 && cop_alloc_counters().live_bytes != before; i++)
                usleep(1000); /* a worker lets go of its task just after the array is ready */
            ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
        }
    }
    teardown();
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "invoke", scores_are_the_same_on_every_device_with_and_without_passes,
        wrong_arrays_are_refused_and_named, an_output_on_an_input_or_on_another_output_is_refused,
        views_of_one_storage_may_be_input_and_output, the_steady_state_allocates_nothing_of_ours,
        the_callers_floating_point_mode_comes_back, denormals_are_flushed_during_a_call,
        outputs_of_one_invocation_are_inputs_of_the_next_before_they_are_ready,
        a_deadline_of_nothing_is_a_timeout_and_the_arrays_say_so, operators_say_what_they_are,
        plans_print_as_text_dot_and_valid_json, profiles_and_traces_hold_every_step,
        a_reshaped_operator_shares_the_packed_weights, max_contexts_is_a_limit_with_an_answer,
        more_callers_than_contexts_take_turns_or_are_told,
        a_full_trace_drops_and_counts_what_comes_later,
        every_failing_allocation_is_a_status_and_nothing_leaks);
}
