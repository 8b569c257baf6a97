// SPDX-License-Identifier: Apache-2.0
/* Reference pooling against its definition, and the corner cases of MXNet and ONNX. */
#include <float.h>

#include "backends/ref_check.h"

#define MAX_SRC 4096

/* Two spatial dimensions, as the definition has them: every tap is looked at. */
struct window {
    double sum, power_sum, max;
    int64_t taps, taps_padded, max_at;
};

static struct window look(const struct pooling_attrs *a, const float *src, const int64_t *size,
                          int64_t oh, int64_t ow)
{
    struct window w = {.max = -(double)FLT_MAX, .max_at = -1};
    for (int64_t kh = 0; kh < a->kernel[0]; kh++)
        for (int64_t kw = 0; kw < a->kernel[1]; kw++) {
            const int64_t h = oh * a->strides[0] - a->pads_begin[0] + kh * a->dilations[0];
            const int64_t v = ow * a->strides[1] - a->pads_begin[1] + kw * a->dilations[1];
            w.taps_padded += h < size[0] + a->pads_end[0] && v < size[1] + a->pads_end[1];
            if (h < 0 || h >= size[0] || v < 0 || v >= size[1])
                continue;
            const double x = (double)src[h * size[1] + v];
            w.taps++;
            w.sum += x;
            w.power_sum += fabs(x) * fabs(x) * fabs(x);
            if (w.max_at < 0 || x > w.max) {
                w.max = x;
                w.max_at = h * size[1] + v;
            }
        }
    return w;
}

static double expect(const struct pooling_attrs *a, const struct window *w)
{
    switch (a->alg) {
    case POOLING_MAX:
        return w->max;
    case POOLING_SUM:
        return w->sum;
    case POOLING_LP:
        return cbrt(w->power_sum);
    default:
        return w->taps == 0 ? 0
                            : w->sum / (double)(a->count_include_pad ? w->taps_padded : w->taps);
    }
}

static struct pooling_attrs make_attrs(uint64_t *state)
{
    struct pooling_attrs a = {.spatial_rank = 2, .p = 3};
    a.alg = (enum pooling_alg)random_between(state, 0, 3);
    a.ceil_mode = random_between(state, 0, 1) == 1;
    a.drop_last_outside = random_between(state, 0, 1) == 1;
    a.count_include_pad = random_between(state, 0, 1) == 1;
    for (int i = 0; i < 2; i++) {
        a.kernel[i] = random_between(state, 1, 4);
        a.strides[i] = random_between(state, 1, 3);
        a.dilations[i] = random_between(state, 1, 2);
        a.pads_begin[i] = random_between(state, 0, a.kernel[i] - 1);
        a.pads_end[i] = random_between(state, 0, a.kernel[i] - 1);
    }
    return a;
}

START_TEST(random_poolings_agree_with_the_definition)
{
    static float src[MAX_SRC];
    static double expected[MAX_SRC];
    uint64_t state = 3;
    for (int round = 0; round < 300; round++) {
        const struct pooling_attrs attrs = make_attrs(&state);
        const int64_t n = 2, c = 3;
        const int64_t size[] = {random_between(&state, 7, 16), random_between(&state, 7, 16)};
        fill_random(&state, src, n * c * size[0] * size[1]);
        const struct op_call call = {.kind = OP_POOLING,
                                     .attrs = &attrs,
                                     .src_count = 1,
                                     .src = {TENSOR(FLOAT32, src, n, c, size[0], size[1])}};
        struct op_tensor dst;
        cop_error error;
        ck_assert_int_eq(infer_op(&call, &dst, &error), COP_STATUS_OK);
        double *next = expected;
        for (int64_t plane = 0; plane < n * c; plane++)
            for (int64_t h = 0; h < dst.shape.dims[2]; h++)
                for (int64_t w = 0; w < dst.shape.dims[3]; w++) {
                    const struct window window =
                        look(&attrs, src + plane * size[0] * size[1], size, h, w);
                    *next++ = expect(&attrs, &window);
                }
        check_floats(&call, cop_shape_text(&dst.shape).text, expected, 1e-6);
    }
}
END_TEST

/* MXNet's `full`: 1 + ceil((4 + 2 − 2) / 3) = 3 windows, the last all in the padding. */
START_TEST(windows_that_see_only_padding)
{
    const float src[] = {-1, -2, -3, -4};
    struct pooling_attrs attrs = {.spatial_rank = 1,
                                  .kernel = {2},
                                  .strides = {3},
                                  .pads_begin = {1},
                                  .pads_end = {1},
                                  .ceil_mode = true};
    const struct op_call call = {.kind = OP_POOLING,
                                 .attrs = &attrs,
                                 .src_count = 1,
                                 .src = {TENSOR(FLOAT32, src, 1, 1, 4)}};
    check_bytes(&call, 0, "[1,1,3]", COP_DTYPE_FLOAT32, (float[]){-1, -3, -FLT_MAX});
    attrs.alg = POOLING_AVERAGE;
    check_floats(&call, "[1,1,3]", (double[]){-1, -3.5, 0}, 0);
    attrs.count_include_pad = true;
    check_floats(&call, "[1,1,3]", (double[]){-0.5, -3.5, 0}, 0);
    attrs.drop_last_outside = true;
    check_floats(&call, "[1,1,2]", (double[]){-0.5, -3.5}, 0);
}
END_TEST

/* The overhang beyond the trailing pad does not count; the pad itself does. */
START_TEST(padding_counts_up_to_the_trailing_pad)
{
    const float src[] = {6, 6, 6, 6};
    const struct pooling_attrs attrs = {.alg = POOLING_AVERAGE,
                                        .spatial_rank = 1,
                                        .kernel = {4},
                                        .strides = {3},
                                        .pads_end = {1},
                                        .ceil_mode = true,
                                        .count_include_pad = true};
    const struct op_call call = {.kind = OP_POOLING,
                                 .attrs = &attrs,
                                 .src_count = 1,
                                 .src = {TENSOR(FLOAT32, src, 1, 1, 4)}};
    check_floats(&call, "[1,1,2]", (double[]){6, 3}, 0); /* one 6 and one pad */
}
END_TEST

START_TEST(global_pooling_sees_the_whole_plane)
{
    const float src[] = {1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6};
    struct pooling_attrs attrs = {.alg = POOLING_AVERAGE, .is_global = true};
    const struct op_call call = {.kind = OP_POOLING,
                                 .attrs = &attrs,
                                 .src_count = 1,
                                 .src = {TENSOR(FLOAT32, src, 1, 2, 1, 2, 3)}};
    check_floats(&call, "[1,2,1,1,1]", (double[]){3.5, -3.5}, 0);
    attrs.alg = POOLING_MAX;
    check_floats(&call, "[1,2,1,1,1]", (double[]){6, -1}, 0);
}
END_TEST

START_TEST(lp_pooling_takes_powers_with_or_without_sign)
{
    const float src[] = {-3, 4};
    struct pooling_attrs attrs = {.alg = POOLING_LP, .is_global = true, .p = 1};
    const struct op_call call = {.kind = OP_POOLING,
                                 .attrs = &attrs,
                                 .src_count = 1,
                                 .src = {TENSOR(FLOAT32, src, 1, 1, 2)}};
    check_floats(&call, "[1,1,1]", (double[]){7}, 0);
    attrs.signed_lp = true;
    check_floats(&call, "[1,1,1]", (double[]){1}, 0);
    attrs.p = 2;
    check_floats(&call, "[1,1,1]", (double[]){5}, 1e-7);
}
END_TEST

START_TEST(indices_are_positions_in_the_whole_src)
{
    const float src[] = {1, 5, 2, 3, 9, 4, 7, 7, 7, 7, 7, 7};
    struct pooling_attrs attrs = {.spatial_rank = 2, .kernel = {2, 2}};
    const struct op_call call = {.kind = OP_POOLING,
                                 .attrs = &attrs,
                                 .src_count = 1,
                                 .src = {TENSOR(FLOAT32, src, 1, 2, 2, 3)},
                                 .dst_count = 2};
    check_bytes(&call, 1, "[1,2,1,2]", COP_DTYPE_INT64, (int64_t[]){4, 4, 6, 7});
    attrs.column_major_indices = true;
    check_bytes(&call, 1, "[1,2,1,2]", COP_DTYPE_INT64, (int64_t[]){3, 3, 6, 8});
}
END_TEST

START_TEST(nan_and_infinity_come_through)
{
    const float src[] = {1, NAN, 2, -INFINITY, -INFINITY, -INFINITY};
    const struct pooling_attrs attrs = {.spatial_rank = 1, .kernel = {3}, .strides = {3}};
    const struct op_call call = {.kind = OP_POOLING,
                                 .attrs = &attrs,
                                 .src_count = 1,
                                 .src = {TENSOR(FLOAT32, src, 1, 1, 6)}};
    struct op_result result = run_well(&call);
    const float *dst = result.dst[0].elements;
    ck_assert(isnan(dst[0]));
    ck_assert(isinf(dst[1]) && dst[1] < 0);
    op_result_free(&result);
}
END_TEST

START_TEST(maxima_of_small_integers)
{
    const uint8_t src[] = {200, 7, 255, 0};
    struct pooling_attrs attrs = {.spatial_rank = 1, .kernel = {2}, .strides = {2}};
    struct op_call call = {
        .kind = OP_POOLING, .attrs = &attrs, .src_count = 1, .src = {TENSOR(UINT8, src, 1, 1, 4)}};
    check_bytes(&call, 0, "[1,1,2]", COP_DTYPE_UINT8, (uint8_t[]){200, 255});
    call.src[0].dtype = COP_DTYPE_INT8; /* -56 7 -1 0 */
    check_bytes(&call, 0, "[1,1,2]", COP_DTYPE_INT8, (int8_t[]){7, 0});
    attrs = (struct pooling_attrs){.spatial_rank = 1,
                                   .kernel = {2},
                                   .strides = {3},
                                   .pads_begin = {1},
                                   .pads_end = {1},
                                   .ceil_mode = true};
    check_bytes(&call, 0, "[1,1,3]", COP_DTYPE_INT8, (int8_t[]){-56, 0, INT8_MIN});
    attrs.alg = POOLING_SUM;
    check_refused(&call, COP_STATUS_UNSUPPORTED, "cannot do it in int8");
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "ref pooling", random_poolings_agree_with_the_definition, windows_that_see_only_padding,
        padding_counts_up_to_the_trailing_pad, global_pooling_sees_the_whole_plane,
        lp_pooling_takes_powers_with_or_without_sign, indices_are_positions_in_the_whole_src,
        maxima_of_small_integers, nan_and_infinity_come_through);
}
