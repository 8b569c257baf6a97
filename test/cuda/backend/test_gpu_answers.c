// SPDX-License-Identifier: Apache-2.0
/* One thread: what an operator on an emulated GPU computes, and when it replays a recording. */
#include "gpu.h"

static cop_model *model;
static cop_ndarray *src;

static void set_up(void)
{
    open_gpus();
    model = tiny_classifier(3);
    src = random_array(4, image_shape, 7);
}

static void tear_down(void)
{
    cop_ndarray_release(&src), cop_model_release(&model);
    close_gpus();
}

static cop_ndarray *reference(cop_model *of, cop_ndarray *input)
{
    cop_cached_op *op = compile_on(of, COP_DEVICE_REF);
    cop_ndarray *dst = invoke(op, input);
    cop_cached_op_release(&op);
    return dst;
}

START_TEST(every_precision_gives_what_ref_gives_within_its_rounding)
{
    static const double most[] = {[COP_PRECISION_FP32] = 1e-5,
                                  [COP_PRECISION_TF32] = 5e-3,
                                  [COP_PRECISION_BF16] = 5e-2,
                                  [COP_PRECISION_FP16] = 5e-3};
    cop_ndarray *expected = reference(model, src);
    for (int precision = 0; precision < 4; precision++) {
        cop_cached_op_options options = gpu_options(0);
        options.precision = (cop_precision)precision;
        cop_cached_op *op = compile(model, &options);
        for (int run = 0; run < 4; run++) {
            cop_ndarray *dst = invoke(op, src);
            ck_assert_double_le(difference(expected, dst), most[precision]);
            cop_ndarray_release(&dst);
        }
        cop_cached_op_release(&op);
    }
    cop_ndarray_release(&expected);
}
END_TEST

START_TEST(the_first_run_is_eager_the_second_records_and_all_give_the_same_bits)
{
    cop_cached_op *op = compile_gpu(model, 0);
    cop_ndarray *first = invoke(op, src);
    ck_assert_uint_eq(counters().graph_launches, 0);
    ck_assert_uint_eq(counters().execs, 0);
    const size_t eager_launches = counters().launches;
    ck_assert_uint_gt(eager_launches, 0);
    cop_ndarray *second = invoke(op, src);
    const size_t segments = counters().execs;
    ck_assert_uint_ge(segments, 1);
    ck_assert_uint_eq(counters().graph_launches, segments);
    const size_t launches = counters().launches;
    for (int i = 0; i < 3; i++) {
        cop_ndarray *later = invoke(op, src);
        ck_assert(same_bits(first, second) && same_bits(first, later));
        cop_ndarray_release(&later);
    }
    ck_assert_uint_eq(counters().execs, segments);
    ck_assert_uint_eq(counters().graph_launches, 4 * segments);
    /* what is not recorded is what touches the caller's arrays */
    ck_assert_uint_le(counters().launches - launches, 3 * 2);
    cop_ndarray_release(&first), cop_ndarray_release(&second);
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(a_replay_reads_the_input_of_its_own_call)
{
    cop_cached_op *op = compile_gpu(model, 0);
    for (unsigned seed = 0; seed < 6; seed++) {
        cop_ndarray *input = random_array(4, image_shape, seed);
        cop_ndarray *expected = reference(model, input), *dst = invoke(op, input);
        ck_assert_double_le(difference(expected, dst), 1e-5);
        cop_ndarray_release(&expected), cop_ndarray_release(&dst), cop_ndarray_release(&input);
    }
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(a_profile_and_a_trace_run_step_by_step_and_give_the_same_bits)
{
    cop_cached_op *op = compile_gpu(model, 0);
    cop_profile *profile = NULL;
    cop_trace *trace = NULL;
    cop_ndarray *expected = NULL, *dst = NULL;
    for (int i = 0; i < 3; i++)
        cop_ndarray_release(&expected), expected = invoke(op, src);
    const size_t graph_launches = counters().graph_launches;
    EXPECT_OK(cop_profile_create(&profile, error_));
    EXPECT_OK(cop_trace_create(0, &trace, error_));
    for (int with_trace = 0; with_trace < 2; with_trace++) {
        cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
        options.profile = with_trace ? NULL : profile;
        options.trace = with_trace ? trace : NULL;
        EXPECT_OK(cop_invoke(op, 1, &src, 1, &dst, &options, error_));
        ck_assert(same_bits(expected, dst));
        cop_ndarray_release(&dst);
    }
    ck_assert_uint_eq(counters().graph_launches, graph_launches);
    ck_assert_uint_ge(cop_profile_step_count(profile), 5);
    dst = invoke(op, src);
    ck_assert_uint_gt(counters().graph_launches, graph_launches);
    ck_assert(same_bits(expected, dst));
    cop_ndarray_release(&dst), cop_ndarray_release(&expected);
    cop_profile_release(&profile), cop_trace_release(&trace);
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(new_weights_are_in_the_next_run_and_in_a_new_recording)
{
    cop_cached_op *op = compile_gpu(model, 0);
    for (unsigned seed = 10; seed < 13; seed++) {
        cop_parameter_value values[TINY_CLASSIFIER_PARAMETERS];
        cop_model *other = tiny_classifier(seed);
        cop_ndarray *expected = reference(other, src);
        for (int i = 0; i < 3; i++) {
            cop_ndarray *before = invoke(op, src);
            cop_ndarray_release(&before);
        }
        const size_t graph_launches = counters().graph_launches;
        make_classifier_parameters(seed, values);
        EXPECT_OK(cop_model_update_weights(model, values, TINY_CLASSIFIER_PARAMETERS, error_));
        release_parameters(values, TINY_CLASSIFIER_PARAMETERS);
        for (int i = 0; i < 3; i++) {
            cop_ndarray *dst = invoke(op, src);
            ck_assert_double_le(difference(expected, dst), 1e-5);
            if (i == 0) /* the old recording is of no use */
                ck_assert_uint_eq(counters().graph_launches, graph_launches);
            cop_ndarray_release(&dst);
        }
        ck_assert_uint_gt(counters().graph_launches, graph_launches);
        cop_ndarray_release(&expected), cop_model_release(&other);
    }
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(chosen_outputs_are_computed_alone_and_right_in_any_order_of_calls)
{
    static const int64_t shape[] = {1, 4};
    cop_model *two = tiny_two_outputs();
    cop_cached_op *op = compile_gpu(two, 0), *ref = compile_on(two, COP_DEVICE_REF);
    cop_ndarray *input = random_array(2, shape, 4), *expected[2] = {NULL, NULL};
    EXPECT_OK(cop_invoke(ref, 1, &input, 2, expected, NULL, error_));
    for (int i = 0; i < 9; i++) {
        const size_t wanted = (size_t)i % 3 == 0 ? 0 : 1; /* some twice in a row */
        cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
        cop_ndarray *dst[2] = {NULL, NULL};
        if (i % 4 == 3) {
            EXPECT_OK(cop_invoke(op, 1, &input, 2, dst, NULL, error_));
            ck_assert(same_bits(dst[0], expected[0]) && same_bits(dst[1], expected[1]));
        } else {
            options.outputs = &wanted, options.output_count = 1;
            EXPECT_OK(cop_invoke(op, 1, &input, 1, dst, &options, error_));
            ck_assert(same_bits(dst[0], expected[wanted]));
        }
        cop_ndarray_release(&dst[0]), cop_ndarray_release(&dst[1]);
    }
    cop_ndarray_release(&expected[0]), cop_ndarray_release(&expected[1]);
    cop_ndarray_release(&input);
    cop_cached_op_release(&op), cop_cached_op_release(&ref), cop_model_release(&two);
}
END_TEST

START_TEST(a_limited_invocation_gives_the_same_bits)
{
    cop_cached_op *op = compile_gpu(model, 0);
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    options.timeout_ns = INT64_C(60000000000);
    cop_ndarray *expected = invoke(op, src), *dst = NULL;
    for (int i = 0; i < 3; i++) {
        EXPECT_OK(cop_invoke(op, 1, &src, 1, &dst, &options, error_));
        ck_assert(same_bits(expected, dst));
        cop_ndarray_release(&dst);
    }
    cop_ndarray_release(&expected), cop_cached_op_release(&op);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("answers of the emulated GPU", set_up, tear_down,
                          every_precision_gives_what_ref_gives_within_its_rounding,
                          the_first_run_is_eager_the_second_records_and_all_give_the_same_bits,
                          a_replay_reads_the_input_of_its_own_call,
                          a_profile_and_a_trace_run_step_by_step_and_give_the_same_bits,
                          new_weights_are_in_the_next_run_and_in_a_new_recording,
                          chosen_outputs_are_computed_alone_and_right_in_any_order_of_calls,
                          a_limited_invocation_gives_the_same_bits);
}
