// SPDX-License-Identifier: Apache-2.0
/* The reference convolution against the definition, written as loops in double precision. */
#include <stdlib.h>

#include "base/alloc.h"
#include "ir/ops/window.h"
#include "support/arrays.h"
#include "support/run_op.h"
#include "support/unit.h"

/* A convolution with three spatial dimensions; those that are not there have size 1. */
struct problem {
    int spatial; /* how many are there, the last ones */
    int64_t n, groups, ic, oc;
    int64_t src[3], dst[3], kernel[3], strides[3], dilations[3], begin[3], end[3];
};

static int64_t volume(const int64_t *dims)
{
    return dims[0] * dims[1] * dims[2];
}

static struct problem make_problem(uint64_t *state)
{
    struct problem p = {.spatial = (int)random_between(state, 1, 3),
                        .n = random_between(state, 1, 2)};
    p.groups = random_between(state, 1, 3);
    p.ic = p.groups * random_between(state, 1, 4);
    p.oc = p.groups * random_between(state, 1, 7);
    for (int i = 0; i < 3; i++) {
        const bool is_there = i >= 3 - p.spatial;
        p.kernel[i] = is_there ? random_between(state, 1, 4) : 1;
        p.strides[i] = is_there ? random_between(state, 1, 3) : 1;
        p.dilations[i] = is_there ? random_between(state, 1, 2) : 1;
        p.begin[i] = is_there ? random_between(state, 0, 3) : 0;
        p.end[i] = is_there ? random_between(state, 0, 3) : 0;
        const int64_t extent = (p.kernel[i] - 1) * p.dilations[i] + 1;
        int64_t least = extent - p.begin[i] - p.end[i];
        if (least < 1)
            least = 1;
        p.src[i] = is_there ? random_between(state, least, least + 9) : 1;
        p.dst[i] = (p.src[i] + p.begin[i] + p.end[i] - extent) / p.strides[i] + 1;
    }
    return p;
}

/* One element of dst by the definition. */
static double convolve_at(const struct problem *p, const float *src, const float *weights,
                          int64_t n, int64_t oc, const int64_t *dst)
{
    const int64_t ic_group = p->ic / p->groups, group = oc / (p->oc / p->groups);
    double sum = 0;
    for (int64_t ic = 0; ic < ic_group; ic++)
        for (int64_t kd = 0; kd < p->kernel[0]; kd++)
            for (int64_t kh = 0; kh < p->kernel[1]; kh++)
                for (int64_t kw = 0; kw < p->kernel[2]; kw++) {
                    const int64_t d = dst[0] * p->strides[0] - p->begin[0] + kd * p->dilations[0];
                    const int64_t h = dst[1] * p->strides[1] - p->begin[1] + kh * p->dilations[1];
                    const int64_t w = dst[2] * p->strides[2] - p->begin[2] + kw * p->dilations[2];
                    if (d < 0 || d >= p->src[0] || h < 0 || h >= p->src[1] || w < 0 ||
                        w >= p->src[2])
                        continue;
                    const int64_t plane = n * p->ic + group * ic_group + ic;
                    const int64_t at = ((plane * p->src[0] + d) * p->src[1] + h) * p->src[2] + w;
                    const int64_t tap =
                        (((oc * ic_group + ic) * p->kernel[0] + kd) * p->kernel[1] + kh) *
                            p->kernel[2] +
                        kw;
                    sum += (double)src[at] * (double)weights[tap];
                }
    return sum;
}

static void convolve(const struct problem *p, const float *src, const float *weights,
                     const float *bias, double *dst)
{
    int64_t at[3];
    for (int64_t n = 0; n < p->n; n++)
        for (int64_t oc = 0; oc < p->oc; oc++)
            for (at[0] = 0; at[0] < p->dst[0]; at[0]++)
                for (at[1] = 0; at[1] < p->dst[1]; at[1]++)
                    for (at[2] = 0; at[2] < p->dst[2]; at[2]++)
                        *dst++ = convolve_at(p, src, weights, n, oc, at) +
                                 (bias == NULL ? 0 : (double)bias[oc]);
}

static struct convolution_attrs make_attrs(const struct problem *p)
{
    struct convolution_attrs attrs = {.groups = p->groups};
    for (int i = 0; i < p->spatial; i++) {
        const int from = 3 - p->spatial + i;
        attrs.strides[i] = p->strides[from];
        attrs.dilations[i] = p->dilations[from];
        attrs.pads_begin[i] = p->begin[from];
        attrs.pads_end[i] = p->end[from];
    }
    return attrs;
}

static struct test_tensor make_tensor(int64_t first, int64_t second, const int64_t *spatial,
                                      int rank, const float *elements)
{
    struct test_tensor tensor = TENSOR(FLOAT32, elements, first, second);
    for (int i = 3 - rank; i < 3; i++)
        tensor.shape.dims[tensor.shape.rank++] = spatial[i];
    return tensor;
}

static float *make_floats(uint64_t *state, int64_t count)
{
    float *elements = cop_alloc((size_t)count, sizeof *elements);
    ck_assert_ptr_nonnull(elements);
    fill_random(state, elements, count);
    return elements;
}

static void check_problem(struct device *device, uint64_t *state)
{
    const struct problem p = make_problem(state);
    const int64_t dst_count = p.n * p.oc * volume(p.dst);
    float *src = make_floats(state, p.n * p.ic * volume(p.src));
    float *weights = make_floats(state, p.oc * p.ic / p.groups * volume(p.kernel));
    float *bias = make_floats(state, p.oc);
    double *expected = cop_alloc((size_t)dst_count, sizeof *expected);
    const bool has_bias = random_between(state, 0, 1) == 1;
    convolve(&p, src, weights, has_bias ? bias : NULL, expected);

    const struct convolution_attrs attrs = make_attrs(&p);
    struct op_call call = {.kind = OP_CONVOLUTION, .attrs = &attrs, .src_count = 3};
    call.src[0] = make_tensor(p.n, p.ic, p.src, p.spatial, src);
    call.src[1] = make_tensor(p.oc, p.ic / p.groups, p.kernel, p.spatial, weights);
    call.src[2] = has_bias ? TENSOR(FLOAT32, bias, p.oc) : ABSENT;
    struct op_result result;
    cop_error error;
    ck_assert_msg(run_op(device, &call, &result, &error) == COP_STATUS_OK, "%s", error.message);
    const struct test_tensor dst = make_tensor(p.n, p.oc, p.dst, p.spatial, NULL);
    ck_assert(cop_shape_equal(&result.dst[0].shape, &dst.shape));
    check_close(result.dst[0].elements, expected, dst_count, 1e-5);
    op_result_free(&result);
    cop_free(src), cop_free(weights), cop_free(bias), cop_free(expected);
}

START_TEST(random_convolutions_agree_with_the_definition)
{
    struct device *device;
    cop_error error;
    uint64_t state = 1;
    ck_assert_int_eq(cop_ref_backend.device_open(0, &device, &error), COP_STATUS_OK);
    for (int i = 0; i < 300; i++)
        check_problem(device, &state);
    cop_ref_backend.device_close(device);
}
END_TEST

/* More than one panel deep, so that partial sums are added up. */
START_TEST(a_deep_convolution_sums_all_its_channels)
{
    enum { IC = 700, OC = 9, PLANE = 5 };
    static float src[IC * PLANE], weights[OC * IC];
    double expected[OC * PLANE] = {0};
    uint64_t state = 2;
    fill_random(&state, src, IC * PLANE);
    fill_random(&state, weights, OC * IC);
    for (int i = 0; i < OC * PLANE; i++)
        for (int j = 0; j < IC; j++)
            expected[i] += (double)weights[i / PLANE * IC + j] * (double)src[j * PLANE + i % PLANE];
    const struct convolution_attrs attrs = {.groups = 1};
    const struct op_call call = {
        .kind = OP_CONVOLUTION,
        .attrs = &attrs,
        .src_count = 2,
        .src = {TENSOR(FLOAT32, src, 1, IC, PLANE), TENSOR(FLOAT32, weights, OC, IC, 1)}};
    struct device *device;
    struct op_result result;
    cop_error error;
    ck_assert_int_eq(cop_ref_backend.device_open(0, &device, &error), COP_STATUS_OK);
    ck_assert_int_eq(run_op(device, &call, &result, &error), COP_STATUS_OK);
    check_close(result.dst[0].elements, expected, OC * PLANE, 1e-6);
    op_result_free(&result);
    cop_ref_backend.device_close(device);
}
END_TEST

/* dst = relu(clip(conv + sum)): in the order in which they stand. */
START_TEST(post_ops_run_in_order)
{
    const float src[] = {1, -2, 3, -4}, weights[] = {2}, added[] = {1, 1, -20, 20};
    const struct convolution_attrs attrs = {.groups = 1};
    const struct post_ops post_ops = {
        .count = 3,
        .entries = {
            {.kind = POST_OP_SUM},
            {.kind = POST_OP_UNARY, .unary = {.alg = UNARY_RELU}},
            {.kind = POST_OP_UNARY, .unary = {.alg = UNARY_LINEAR, .alpha = 2, .beta = 1}}}};
    const struct op_call call = {.kind = OP_CONVOLUTION,
                                 .attrs = &attrs,
                                 .post_ops = &post_ops,
                                 .src_count = 3,
                                 .src = {TENSOR(FLOAT32, src, 1, 1, 4),
                                         TENSOR(FLOAT32, weights, 1, 1, 1),
                                         TENSOR(FLOAT32, added, 1, 1, 4)}};
    const double expected[] = {7, 1, 1, 25};
    struct device *device;
    struct op_result result;
    cop_error error;
    ck_assert_int_eq(cop_ref_backend.device_open(0, &device, &error), COP_STATUS_OK);
    ck_assert_msg(run_op(device, &call, &result, &error) == COP_STATUS_OK, "%s", error.message);
    check_close(result.dst[0].elements, expected, 4, 0);
    op_result_free(&result);
    cop_ref_backend.device_close(device);
}
END_TEST

START_TEST(another_dtype_is_refused)
{
    const double src[] = {1}, weights[] = {2};
    const struct convolution_attrs attrs = {.groups = 1};
    const struct op_call call = {
        .kind = OP_CONVOLUTION,
        .attrs = &attrs,
        .src_count = 2,
        .src = {TENSOR(FLOAT64, src, 1, 1, 1), TENSOR(FLOAT64, weights, 1, 1, 1)}};
    struct device *device;
    struct op_result result;
    cop_error error;
    ck_assert_int_eq(cop_ref_backend.device_open(0, &device, &error), COP_STATUS_OK);
    ck_assert_int_eq(run_op(device, &call, &result, &error), COP_STATUS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "float64"));
    op_result_free(&result);
    cop_ref_backend.device_close(device);
}
END_TEST

int main(void)
{
    return RUN_TESTS("ref convolution", random_convolutions_agree_with_the_definition,
                     a_deep_convolution_sums_all_its_channels, post_ops_run_in_order,
                     another_dtype_is_refused);
}
