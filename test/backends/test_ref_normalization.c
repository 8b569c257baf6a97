// SPDX-License-Identifier: Apache-2.0
/* BatchNormalization, LRN, Softmax and the folds on the reference backend. */
#include "backends/ref_check.h"

START_TEST(batch_normalization_scales_and_shifts)
{
    const float src[] = {1, 2, 3, 4, 5, 6, 7, 8}, scale[] = {2, 3}, shift[] = {10, 20};
    const float mean[] = {1, 5}, variance[] = {3, 15};
    struct batch_normalization_attrs attrs = {.epsilon = 1, .axis = 1};
    struct op_call call = {.kind = OP_BATCH_NORMALIZATION,
                           .attrs = &attrs,
                           .src_count = 5,
                           .src = {TENSOR(FLOAT32, src, 2, 2, 2), TENSOR(FLOAT32, scale, 2),
                                   TENSOR(FLOAT32, shift, 2), TENSOR(FLOAT32, mean, 2),
                                   TENSOR(FLOAT32, variance, 2)}};
    check_floats(&call, "[2,2,2]", (double[]){10, 11, 18.5, 19.25, 14, 15, 21.5, 22.25}, 1e-7);
    attrs.unit_scale = true;
    check_floats(&call, "[2,2,2]", (double[]){10, 10.5, 19.5, 19.75, 12, 12.5, 20.5, 20.75}, 1e-7);
    attrs.unit_scale = false, attrs.axis = -1;
    check_floats(&call, "[2,2,2]", (double[]){10, 17.75, 12, 19.25, 14, 20.75, 16, 22.25}, 1e-7);
}
END_TEST

/* Windows of three and of four channels; four reach one further behind than before. */
START_TEST(lrn_sums_squares_over_neighbouring_channels)
{
    const float src[] = {1, 2, 3, 4};
    struct lrn_attrs attrs = {.size = 3, .alpha = 3, .beta = 1, .bias = 2};
    const struct op_call call = {
        .kind = OP_LRN, .attrs = &attrs, .src_count = 1, .src = {TENSOR(FLOAT32, src, 1, 4, 1, 1)}};
    check_floats(&call, "[1,4,1,1]", (double[]){1.0 / 7, 2.0 / 16, 3.0 / 31, 4.0 / 27}, 1e-7);
    attrs.size = 4, attrs.alpha = 4;
    check_floats(&call, "[1,4,1,1]", (double[]){1.0 / 16, 2.0 / 32, 3.0 / 31, 4.0 / 27}, 1e-7);
    attrs.size = INT64_MAX;
    attrs.alpha = 0;
    check_floats(&call, "[1,4,1,1]", (double[]){0.5, 1, 1.5, 2}, 1e-7);
}
END_TEST

START_TEST(softmax_sums_to_one_along_its_axis)
{
    float src[2 * 3 * 4];
    uint64_t state = 7;
    fill_random(&state, src, 24);
    for (int axis = 0; axis < 3; axis++) {
        const struct softmax_attrs attrs = {.axis = axis},
                                   log_attrs = {.axis = axis, .is_log = true};
        const int64_t dims[] = {2, 3, 4};
        const int64_t inner = axis == 0 ? 12 : axis == 1 ? 4 : 1;
        double expected[24], logs[24];
        for (int i = 0; i < 24; i++) {
            const int64_t first = i - i / inner % dims[axis] * inner;
            double sum = 0;
            for (int64_t j = 0; j < dims[axis]; j++)
                sum += exp((double)src[first + j * inner]);
            expected[i] = exp((double)src[i]) / sum;
            logs[i] = (double)src[i] - log(sum);
        }
        struct op_call call = {.kind = OP_SOFTMAX,
                               .attrs = &attrs,
                               .src_count = 1,
                               .src = {TENSOR(FLOAT32, src, 2, 3, 4)}};
        check_floats(&call, "[2,3,4]", expected, 1e-7);
        call.attrs = &log_attrs;
        check_floats(&call, "[2,3,4]", logs, 1e-7);
    }
}
END_TEST

START_TEST(softmax_takes_all_trailing_dimensions_on_request)
{
    const float src[] = {0, 0, 0, 0, 1, 1, 1, 1};
    const struct softmax_attrs attrs = {.axis = 1, .coerce_2d = true};
    const struct op_call call = {.kind = OP_SOFTMAX,
                                 .attrs = &attrs,
                                 .src_count = 1,
                                 .src = {TENSOR(FLOAT32, src, 2, 2, 2)}};
    check_floats(&call, "[2,2,2]", (double[]){.25, .25, .25, .25, .25, .25, .25, .25}, 0);
}
END_TEST

START_TEST(softmax_survives_large_numbers_and_temperatures)
{
    const float src[] = {1e30F, 1e30F, -1e30F, -INFINITY};
    struct softmax_attrs attrs = {.axis = 0};
    struct op_call call = {
        .kind = OP_SOFTMAX, .attrs = &attrs, .src_count = 1, .src = {TENSOR(FLOAT32, src, 4)}};
    check_floats(&call, "[4]", (double[]){.5, .5, 0, 0}, 0);
    const float small[] = {0, 2};
    attrs.temperature = 2;
    call.src[0] = TENSOR(FLOAT32, small, 2);
    check_floats(&call, "[2]", (double[]){1 / (1 + exp(1)), exp(1) / (1 + exp(1))}, 1e-7);
    attrs.temperature = -2;
    check_floats(&call, "[2]", (double[]){exp(1) / (1 + exp(1)), 1 / (1 + exp(1))}, 1e-7);
}
END_TEST

/* A convolution with folded weights and shift gives what a batch normalization behind it gives. */
START_TEST(folds_equal_the_normalization_they_replace)
{
    enum { IC = 3, OC = 4, PLANE = 10 };
    float src[IC * PLANE], weights[OC * IC], bias[OC], scale[OC], shift[OC], mean[OC], variance[OC];
    uint64_t state = 8;
    fill_random(&state, src, IC * PLANE), fill_random(&state, weights, OC * IC);
    fill_random(&state, bias, OC), fill_random(&state, scale, OC), fill_random(&state, shift, OC);
    fill_random(&state, mean, OC), fill_random(&state, variance, OC);
    for (int i = 0; i < OC; i++)
        variance[i] = fabsf(variance[i]);
    const struct test_tensor vectors[] = {TENSOR(FLOAT32, scale, OC), TENSOR(FLOAT32, shift, OC),
                                          TENSOR(FLOAT32, mean, OC), TENSOR(FLOAT32, variance, OC),
                                          TENSOR(FLOAT32, bias, OC)};
    const struct test_tensor kernel = TENSOR(FLOAT32, weights, OC, IC, 1);
    const struct convolution_attrs plain = {0};
    for (int unit_scale = 0; unit_scale < 2; unit_scale++) {
        const struct fold_attrs fold = {.epsilon = 1e-3, .unit_scale = unit_scale == 1};
        const struct batch_normalization_attrs attrs = {
            .epsilon = 1e-3, .axis = 1, .unit_scale = unit_scale == 1};
        const struct op_call fold_scale = {.kind = OP_FOLD_SCALE,
                                           .attrs = &fold,
                                           .src_count = 3,
                                           .src = {kernel, vectors[0], vectors[3]}};
        const struct op_call fold_shift = {
            .kind = OP_FOLD_SHIFT,
            .attrs = &fold,
            .src_count = 5,
            .src = {vectors[0], vectors[1], vectors[2], vectors[3], vectors[4]}};
        struct op_result folded = run_well(&fold_scale), shifted = run_well(&fold_shift);
        struct op_call convolution = {
            .kind = OP_CONVOLUTION,
            .attrs = &plain,
            .src_count = 3,
            .src = {TENSOR(FLOAT32, src, 1, IC, PLANE), kernel, vectors[4]}};
        struct op_result convolved = run_well(&convolution);
        const struct op_call normalization = {
            .kind = OP_BATCH_NORMALIZATION,
            .attrs = &attrs,
            .src_count = 5,
            .src = {convolved.dst[0], vectors[0], vectors[1], vectors[2], vectors[3]}};
        struct op_result normalized = run_well(&normalization);
        double expected[OC * PLANE];
        for (int i = 0; i < OC * PLANE; i++)
            expected[i] = (double)((const float *)normalized.dst[0].elements)[i];
        convolution.src[1] = folded.dst[0], convolution.src[2] = shifted.dst[0];
        check_floats(&convolution, "[1,4,10]", expected, 1e-6);
        op_result_free(&folded), op_result_free(&shifted);
        op_result_free(&convolved), op_result_free(&normalized);
    }
}
END_TEST

START_TEST(a_fold_without_bias_takes_zero)
{
    const float scale[] = {2}, shift[] = {5}, mean[] = {3}, variance[] = {4};
    const struct fold_attrs attrs = {0};
    const struct op_call call = {.kind = OP_FOLD_SHIFT,
                                 .attrs = &attrs,
                                 .src_count = 4,
                                 .src = {TENSOR(FLOAT32, scale, 1), TENSOR(FLOAT32, shift, 1),
                                         TENSOR(FLOAT32, mean, 1), TENSOR(FLOAT32, variance, 1)}};
    check_floats(&call, "[1]", (double[]){2}, 0);
}
END_TEST

int main(void)
{
    return RUN_TESTS("ref normalization", batch_normalization_scales_and_shifts,
                     lrn_sums_squares_over_neighbouring_channels,
                     softmax_sums_to_one_along_its_axis,
                     softmax_takes_all_trailing_dimensions_on_request,
                     softmax_survives_large_numbers_and_temperatures,
                     folds_equal_the_normalization_they_replace, a_fold_without_bias_takes_zero);
}
