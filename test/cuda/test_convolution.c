// SPDX-License-Identifier: Apache-2.0
/* Convolutions on the emulation, against sums in double of the same rounded numbers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "convolution.h"
#include "numbers.h"
#include "support/unit.h"

static const struct cop_cuda_device h100 = {90, 132, 1755, 3350};

static const char *const math_names[COP_CUDA_MATH_COUNT] = {"exact", "tf32", "f16", "bf16"};

static enum cop_cuda_type type_of(enum cop_cuda_math math)
{
    return math == COP_CUDA_MATH_F16    ? COP_CUDA_F16
           : math == COP_CUDA_MATH_BF16 ? COP_CUDA_BF16
                                        : COP_CUDA_F32;
}

/* A tensor as floats that its type represents, and as the kernel gets it. */
struct tensor {
    size_t count;
    float *values;
    void *memory;
};

static struct tensor make_tensor(enum cop_cuda_math math, size_t count, uint32_t seed)
{
    struct tensor self = {count, malloc(count * sizeof(float)), NULL};
    self.memory = make_memory(count * (size_t)cop_cuda_math_bytes(math));
    fill_random(self.values, count, seed);
    store_numbers(type_of(math), self.values, self.memory, count);
    load_numbers(type_of(math), self.memory, self.values, count);
    return self;
}

static void free_tensor(struct tensor *self)
{
    free(self->values);
    free(self->memory);
}

struct problem {
    struct cop_cuda_convolution op;
    struct cop_cuda_product_choice choice;
    bool has_bias;
    struct tensor src, residual, dst;
    float *weights, *bias; /* [groups · oc, ic, kh, kw] */
    void *packed, *workspace;
};

static void make_problem(struct problem *self)
{
    const struct cop_cuda_convolution *op = &self->op;
    const size_t channels = (size_t)op->groups * (size_t)op->oc;
    const size_t taps = (size_t)op->kh * (size_t)op->kw * (size_t)op->ic;
    const size_t pixels = (size_t)op->batch * (size_t)op->oh * (size_t)op->ow;
    self->src = make_tensor(op->math,
                            (size_t)op->batch * (size_t)op->ih * (size_t)op->iw *
                                (size_t)op->groups * (size_t)op->ic,
                            1);
    self->residual = make_tensor(op->math, pixels * channels, 2);
    self->dst = make_tensor(op->math, pixels * channels, 3);
    memset(self->dst.memory, 0xff, pixels * channels * (size_t)cop_cuda_math_bytes(op->math));
    self->weights = make_memory(channels * taps * sizeof(float));
    self->bias = make_memory(channels * sizeof(float));
    fill_random(self->weights, channels * taps, 4);
    fill_random(self->bias, channels, 5);
    self->packed = make_memory(cop_cuda_convolution_weights_bytes(op));
    self->workspace = make_memory(self->choice.workspace_bytes);
    ck_assert_int_eq(cop_cuda_convolution_pack(op, self->weights, self->packed, NULL), cudaSuccess);
}

static void free_problem(struct problem *self)
{
    free_tensor(&self->src);
    free_tensor(&self->residual);
    free_tensor(&self->dst);
    free(self->weights);
    free(self->bias);
    free(self->packed);
    free(self->workspace);
}

/* A number as the mathematics multiplies it. */
static double rounded(enum cop_cuda_math math, float x)
{
    if (math == COP_CUDA_MATH_EXACT)
        return x;
    if (math == COP_CUDA_MATH_TF32)
        return round_to_tf32(x);
    float y;
    uint16_t bits;
    store_numbers(type_of(math), &x, &bits, 1);
    load_numbers(type_of(math), &bits, &y, 1);
    return y;
}

/* The sum at one pixel and channel, and the sum of the absolute values. */
static double sum_at(const struct problem *self, int image, int oy, int ox, int channel,
                     double *size)
{
    const struct cop_cuda_convolution *op = &self->op;
    const int group = channel / op->oc;
    double sum = 0.0;
    *size = 0.0;
    for (int ky = 0; ky < op->kh; ky++)
        for (int kx = 0; kx < op->kw; kx++) {
            const int y = oy * op->stride_h - op->pad_top + ky * op->dilation_h;
            const int x = ox * op->stride_w - op->pad_left + kx * op->dilation_w;
            if (y < 0 || y >= op->ih || x < 0 || x >= op->iw)
                continue;
            const float *pixel =
                self->src.values +
                ((size_t)((image * op->ih + y) * op->iw + x) * (size_t)op->groups + (size_t)group) *
                    (size_t)op->ic;
            for (int c = 0; c < op->ic; c++) {
                const float weight =
                    self->weights[((channel * op->ic + c) * op->kh + ky) * op->kw + kx];
                const double product = rounded(op->math, pixel[c]) * rounded(op->math, weight);
                sum += product;
                *size += fabs(product);
            }
        }
    return sum;
}

static double apply_post_ops(const struct cop_cuda_post_ops *ops, double x, double residual)
{
    for (int i = 0; i < ops->count; i++) {
        const struct cop_cuda_post_op *op = &ops->entries[i];
        switch (op->alg) {
        case COP_CUDA_SUM:
            x += residual;
            break;
        case COP_CUDA_RELU:
            x = x < 0.0 ? 0.0 : x;
            break;
        case COP_CUDA_CLIP:
            x = fmin(fmax(x, op->alpha), op->beta);
            break;
        case COP_CUDA_LINEAR:
            x = op->alpha * x + op->beta;
            break;
        case COP_CUDA_SIGMOID:
            x = 1.0 / (1.0 + exp(-x));
            break;
        default:
            ck_abort_msg("the reference lacks post-op %d", op->alg);
        }
    }
    return x;
}

static void check_dst(const struct problem *self, const char *what)
{
    static const double steps[] = {0x1p-24, 0x1p-24, 0x1p-11, 0x1p-8}; /* of dst's type */
    const struct cop_cuda_convolution *op = &self->op;
    const int channels = op->groups * op->oc;
    load_numbers(type_of(op->math), self->dst.memory, self->dst.values, self->dst.count);
    for (size_t i = 0; i < self->dst.count; i++) {
        const int channel = (int)(i % (size_t)channels), pixel = (int)(i / (size_t)channels);
        const int image = pixel / (op->oh * op->ow), rest = pixel % (op->oh * op->ow);
        double size;
        double sum = sum_at(self, image, rest / op->ow, rest % op->ow, channel, &size);
        if (self->has_bias)
            sum += self->bias[channel];
        const double expected = apply_post_ops(&op->post_ops, sum, self->residual.values[i]);
        const double allowed = (size + 2.0) * 0x1p-22 + fabs(expected) * steps[op->math];
        if (!(fabs(self->dst.values[i] - expected) <= allowed))
            ck_abort_msg("%s: channel %d of pixel %d of image %d: %.9g, expected %.9g", what,
                         channel, rest, image, self->dst.values[i], expected);
    }
}

static void run(struct problem *self, bool with_residual)
{
    const struct cop_cuda_convolution *op = &self->op;
    ck_assert_int_eq(cop_cuda_convolution_prepare(op, &self->choice), cudaSuccess);
    ck_assert_int_eq(cop_cuda_convolution(op, &self->choice, self->src.memory, self->packed,
                                          self->has_bias ? self->bias : NULL,
                                          with_residual ? self->residual.memory : NULL,
                                          self->dst.memory, self->workspace, NULL),
                     cudaSuccess);
}

/* Takes this tile and these splits instead of the choice. */
static void force(struct problem *self, int tile, int splits)
{
    const struct cop_cuda_convolution *op = &self->op;
    struct cop_cuda_product_choice *choice = &self->choice;
    choice->tile = tile;
    choice->splits = splits;
    const size_t row_bytes = (size_t)((op->oc + 7) / 8 * 8) * sizeof(float);
    choice->partial_bytes = splits == 1 ? 0
                                        : (size_t)(op->batch * op->oh * op->ow) * row_bytes *
                                              (size_t)splits * (size_t)op->groups;
    choice->workspace_bytes = choice->src_bytes + choice->partial_bytes;
}

static bool has_sum(const struct cop_cuda_post_ops *ops)
{
    for (int i = 0; i < ops->count; i++)
        if (ops->entries[i].alg == COP_CUDA_SUM)
            return true;
    return false;
}

/* Whether only tiles 1 and 2 have a kernel. */
static bool is_narrow(const struct cop_cuda_convolution *op)
{
    return cop_cuda_math_bytes(op->math) == 2 && op->ic <= 4;
}

/* One convolution, by one kernel or (tile −1) the chosen one. */
static void try_convolution(const struct cop_cuda_convolution *op, enum cop_cuda_math math,
                            int tile, int splits)
{
    struct problem problem = {.op = *op, .has_bias = true};
    problem.op.math = math;
    ck_assert(cop_cuda_convolution_choose(&problem.op, &h100, &problem.choice));
    if (tile >= 0)
        force(&problem, is_narrow(&problem.op) ? 1 + tile % 2 : tile, splits);
    make_problem(&problem);
    run(&problem, has_sum(&op->post_ops));
    char what[160];
    snprintf(what, sizeof what, "%s, tile %d, %d splits, %dx%dx%d to %dx%dx%d by %dx%d",
             math_names[math], problem.choice.tile, problem.choice.splits, op->ih, op->iw, op->ic,
             op->oh, op->ow, op->oc, op->kh, op->kw);
    check_dst(&problem, what);
    free_problem(&problem);
}

#define NO_POST_OPS                                                                                \
    {                                                                                              \
        0,                                                                                         \
        {                                                                                          \
            {                                                                                      \
                0, 0.0f, 0.0f                                                                      \
            }                                                                                      \
        }                                                                                          \
    }
#define RELU                                                                                       \
    {                                                                                              \
        1,                                                                                         \
        {                                                                                          \
            {                                                                                      \
                COP_CUDA_RELU, 0.0f, 0.0f                                                          \
            }                                                                                      \
        }                                                                                          \
    }
#define SUM_RELU                                                                                   \
    {                                                                                              \
        2,                                                                                         \
        {                                                                                          \
            {COP_CUDA_SUM, 0.0f, 0.0f},                                                            \
            {                                                                                      \
                COP_CUDA_RELU, 0.0f, 0.0f                                                          \
            }                                                                                      \
        }                                                                                          \
    }

/* math, batch, ih, iw, oh, ow, groups, ic, oc, kh, kw, strides, dilations, pads, padded_src,
 * post-ops */
static const struct cop_cuda_convolution shapes[] = {
    /* depth of one piece, and rows and columns beyond all tiles */
    {0, 1, 12, 12, 12, 12, 1, 8, 136, 1, 1, 1, 1, 1, 1, 0, 0, false, NO_POST_OPS},
    /* the middle of a residual block */
    {0, 2, 7, 6, 7, 6, 1, 16, 24, 3, 3, 1, 1, 1, 1, 1, 1, false, SUM_RELU},
    /* the first layer: few channels, a large filter, a stride */
    {0, 1, 15, 17, 8, 9, 1, 3, 20, 7, 7, 2, 2, 1, 1, 3, 3, false, RELU},
    /* odd numbers of everything, other strides, dilations and pads on each side */
    {0, 2, 9, 11, 3, 11, 1, 5, 7, 2, 3, 3, 1, 2, 2, 0, 3, false, SUM_RELU},
    {0, 1, 5, 5, 5, 5, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, false, NO_POST_OPS},
    /* deep */
    {0, 1, 3, 3, 3, 3, 1, 72, 33, 3, 3, 1, 1, 1, 1, 1, 1, false, RELU},
    /* groups, aligned and not */
    {0, 1, 6, 5, 6, 5, 3, 8, 16, 3, 3, 1, 1, 1, 1, 1, 1, false, SUM_RELU},
    {0, 2, 4, 5, 4, 5, 4, 3, 5, 1, 2, 1, 1, 1, 1, 0, 0, false, RELU},
    /* a filter wider than the picture, and pads that no pixel is under */
    {0, 1, 2, 2, 6, 4, 1, 16, 8, 3, 4, 1, 1, 1, 1, 3, 2, false, NO_POST_OPS},
};
enum { SHAPE_COUNT = sizeof shapes / sizeof shapes[0] };

static void try_all(enum cop_cuda_math math)
{
    for (int i = 0; i < SHAPE_COUNT; i++)
        for (int tile = 0; tile < COP_CUDA_TILE_COUNT; tile++) {
            try_convolution(&shapes[i], math, tile, 1);
            try_convolution(&shapes[i], math, tile, 3);
        }
}

START_TEST(every_kernel_of_exact_floats_computes_every_shape)
{
    try_all(COP_CUDA_MATH_EXACT);
}
END_TEST

START_TEST(every_kernel_of_tf32_computes_every_shape)
{
    try_all(COP_CUDA_MATH_TF32);
}
END_TEST

START_TEST(every_kernel_of_halves_computes_every_shape)
{
    try_all(COP_CUDA_MATH_F16);
}
END_TEST

START_TEST(every_kernel_of_bfloat16_computes_every_shape)
{
    try_all(COP_CUDA_MATH_BF16);
}
END_TEST

START_TEST(what_is_chosen_computes_every_shape)
{
    for (int i = 0; i < SHAPE_COUNT; i++)
        for (int math = 0; math < COP_CUDA_MATH_COUNT; math++)
            try_convolution(&shapes[i], (enum cop_cuda_math)math, -1, 0);
}
END_TEST

/* A number from low to high. */
static int draw(uint32_t *state, int low, int high)
{
    *state = *state * 1664525u + 1013904223u;
    return low + (int)((*state >> 8) % (uint32_t)(high - low + 1));
}

/* A small convolution of any kind, whose dst is not empty. */
static struct cop_cuda_convolution draw_convolution(uint32_t *state)
{
    struct cop_cuda_convolution op = {.batch = draw(state, 1, 3), .groups = 1};
    op.ih = draw(state, 1, 9);
    op.iw = draw(state, 1, 9);
    op.kh = draw(state, 1, 4);
    op.kw = draw(state, 1, 4);
    op.stride_h = draw(state, 1, 3);
    op.stride_w = draw(state, 1, 3);
    op.dilation_h = draw(state, 1, 2);
    op.dilation_w = draw(state, 1, 2);
    op.pad_top = draw(state, 0, 4);
    op.pad_left = draw(state, 0, 4);
    const int reach_h = op.ih + op.pad_top + draw(state, 0, 3) - (op.kh - 1) * op.dilation_h;
    const int reach_w = op.iw + op.pad_left + draw(state, 0, 3) - (op.kw - 1) * op.dilation_w;
    op.oh = reach_h > 0 ? (reach_h - 1) / op.stride_h + 1 : 1;
    op.ow = reach_w > 0 ? (reach_w - 1) / op.stride_w + 1 : 1;
    if (draw(state, 0, 3) == 0)
        op.groups = draw(state, 2, 3);
    op.ic = draw(state, 1, 20);
    op.oc = draw(state, 1, 40);
    if (draw(state, 0, 1) == 0)
        op.ic = (op.ic + 7) / 8 * 8;
    if (draw(state, 0, 1) == 0)
        op.oc = (op.oc + 7) / 8 * 8;
    if (draw(state, 0, 1) == 0)
        op.post_ops = (struct cop_cuda_post_ops)SUM_RELU;
    return op;
}

START_TEST(convolutions_of_any_kind_are_computed)
{
    uint32_t state = 7;
    for (int i = 0; i < 240; i++) {
        const struct cop_cuda_convolution op = draw_convolution(&state);
        const int tile = draw(&state, 0, COP_CUDA_TILE_COUNT - 1);
        try_convolution(&op, (enum cop_cuda_math)(i % COP_CUDA_MATH_COUNT), tile,
                        draw(&state, 1, 4));
    }
}
END_TEST

START_TEST(post_ops_are_applied_in_their_order)
{
    const struct cop_cuda_post_ops lists[] = {
        {4,
         {{COP_CUDA_RELU, 0.0f, 0.0f},
          {COP_CUDA_SUM, 0.0f, 0.0f},
          {COP_CUDA_LINEAR, 0.5f, 0.25f},
          {COP_CUDA_CLIP, -0.25f, 0.5f}}},
        {2, {{COP_CUDA_LINEAR, -2.0f, 1.0f}, {COP_CUDA_RELU, 0.0f, 0.0f}}},
        {2, {{COP_CUDA_SIGMOID, 0.0f, 0.0f}, {COP_CUDA_SUM, 0.0f, 0.0f}}},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (int splits = 1; splits < 3; splits++) {
            struct cop_cuda_convolution op = shapes[1];
            op.post_ops = lists[i];
            try_convolution(&op, COP_CUDA_MATH_EXACT, 3, splits);
            try_convolution(&op, COP_CUDA_MATH_F16, 3, splits);
        }
}
END_TEST

START_TEST(channels_padded_by_the_caller_are_not_copied)
{
    for (int math = 0; math < COP_CUDA_MATH_COUNT; math++) {
        struct problem problem = {.op = shapes[2], .has_bias = true};
        struct cop_cuda_convolution *op = &problem.op;
        op->math = (enum cop_cuda_math)math;
        op->padded_src = true;
        ck_assert(cop_cuda_convolution_choose(op, &h100, &problem.choice));
        ck_assert_uint_eq(problem.choice.src_bytes, 0);
        make_problem(&problem);
        const size_t channels = (size_t)cop_cuda_convolution_channels(op);
        const size_t pixels = problem.src.count / (size_t)op->ic;
        float *padded = calloc(pixels * channels, sizeof(float));
        for (size_t i = 0; i < problem.src.count; i++)
            padded[i / (size_t)op->ic * channels + i % (size_t)op->ic] = problem.src.values[i];
        free(problem.src.memory);
        problem.src.memory = make_memory(pixels * channels * (size_t)cop_cuda_math_bytes(op->math));
        store_numbers(type_of(op->math), padded, problem.src.memory, pixels * channels);
        free(padded);
        run(&problem, false);
        check_dst(&problem, "padded");
        free_problem(&problem);
    }
}
END_TEST

START_TEST(a_sum_may_be_added_to_where_it_is_stored)
{
    struct problem problem = {.op = shapes[1], .has_bias = false};
    ck_assert(cop_cuda_convolution_choose(&problem.op, &h100, &problem.choice));
    make_problem(&problem);
    memcpy(problem.dst.memory, problem.residual.memory, problem.dst.count * sizeof(float));
    ck_assert_int_eq(cop_cuda_convolution_prepare(&problem.op, &problem.choice), cudaSuccess);
    ck_assert_int_eq(cop_cuda_convolution(&problem.op, &problem.choice, problem.src.memory,
                                          problem.packed, NULL, problem.dst.memory,
                                          problem.dst.memory, problem.workspace, NULL),
                     cudaSuccess);
    check_dst(&problem, "in place");
    free_problem(&problem);
}
END_TEST

START_TEST(not_a_number_and_infinity_reach_the_result)
{
    for (int math = 0; math < COP_CUDA_MATH_COUNT; math++) {
        struct problem problem = {.op = shapes[0]};
        problem.op.math = (enum cop_cuda_math)math;
        ck_assert(cop_cuda_convolution_choose(&problem.op, &h100, &problem.choice));
        make_problem(&problem);
        /* the NaN that the device makes, and infinity, in pixels of the last line: where a tap
         * beyond the filter would look, from the line above */
        const int nan_pixel = (problem.op.ih - 1) * problem.op.iw, infinite = nan_pixel + 1;
        const uint32_t nan_bits = 0x7fffffff;
        memcpy(&problem.src.values[nan_pixel * problem.op.ic], &nan_bits, sizeof nan_bits);
        problem.src.values[infinite * problem.op.ic] = INFINITY;
        if (math <= COP_CUDA_MATH_TF32)
            memcpy(problem.src.memory, problem.src.values, problem.src.count * sizeof(float));
        else
            store_numbers(type_of(problem.op.math), problem.src.values, problem.src.memory,
                          problem.src.count);
        run(&problem, false);
        load_numbers(type_of(problem.op.math), problem.dst.memory, problem.dst.values,
                     problem.dst.count);
        for (size_t i = 0; i < problem.dst.count; i++) {
            const int pixel = (int)i / problem.op.oc;
            if (pixel == nan_pixel)
                ck_assert_float_nan(problem.dst.values[i]);
            else if (pixel == infinite)
                ck_assert_float_infinite(problem.dst.values[i]);
            else
                ck_assert_float_finite(problem.dst.values[i]);
        }
        free_problem(&problem);
    }
}
END_TEST

START_TEST(a_misaligned_tensor_is_refused)
{
    struct problem problem = {.op = shapes[0]};
    ck_assert(cop_cuda_convolution_choose(&problem.op, &h100, &problem.choice));
    make_problem(&problem);
    ck_assert_int_eq(cop_cuda_convolution(&problem.op, &problem.choice,
                                          (char *)problem.src.memory + 4, problem.packed, NULL,
                                          NULL, problem.dst.memory, problem.workspace, NULL),
                     cudaErrorMisalignedAddress);
    free_problem(&problem);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "convolution", every_kernel_of_exact_floats_computes_every_shape,
        every_kernel_of_tf32_computes_every_shape, every_kernel_of_halves_computes_every_shape,
        every_kernel_of_bfloat16_computes_every_shape, what_is_chosen_computes_every_shape,
        convolutions_of_any_kind_are_computed, post_ops_are_applied_in_their_order,
        channels_padded_by_the_caller_are_not_copied, a_sum_may_be_added_to_where_it_is_stored,
        not_a_number_and_infinity_reach_the_result, a_misaligned_tensor_is_refused);
}
