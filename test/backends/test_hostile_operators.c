// SPDX-License-Identifier: Apache-2.0
/*
 * Attributes and shapes as a hostile file may state them: every rule refuses or agrees, and what it
 * agrees to, the reference kernel runs, and a fast backend too or it says that it cannot. The
 * sanitizers' builds make a wrong step visible.
 */
#include <stddef.h>

#include "backends/ref_check.h"
#include "base/alloc.h"
#include "support/unit.h"

#define ROUNDS       5000 /* of each operator */
#define MAX_ELEMENTS 4096

static uint64_t state;
static int64_t memory[MAX_ELEMENTS + 64]; /* of every source; all bits of it are looked at */

static int64_t pick(const int64_t *values, int count)
{
    return values[next_random(&state) % (uint64_t)count];
}

/* Mostly what makes sense, sometimes what does not. */
static int64_t pick_number(void)
{
    static const int64_t sound[] = {0, 1, 1, 2, 3, -1, -2, 4};
    static const int64_t hostile[] = {
        INT64_MIN,        INT64_MAX,           INT64_MAX - 1, INT64_C(1) << 48,
        INT64_C(1) << 32, -(INT64_C(1) << 40), INT32_MAX,     100};
    return next_random(&state) % 12 == 0 ? pick(hostile, 8) : pick(sound, 8);
}

static int pick_count(int most)
{
    return next_random(&state) % 30 == 0 ? (int)pick_number()
                                         : (int)random_between(&state, 0, most);
}

static bool flip(void)
{
    return next_random(&state) % 2 == 0;
}

static float pick_float(void)
{
    static const float values[] = {0, 1, -1, 0.5F, INFINITY, -INFINITY, NAN, 3e38F};
    return values[next_random(&state) % 8];
}

static void fill_numbers(int64_t *numbers, int count)
{
    for (int i = 0; i < count; i++)
        numbers[i] = pick_number();
}

static cop_dtype pick_dtype(void)
{
    return flip() ? COP_DTYPE_FLOAT32 : (cop_dtype)random_between(&state, 1, COP_DTYPE_BOOL);
}

union attributes {
    struct no_attrs none;
    struct convolution_attrs convolution;
    struct gemm_attrs gemm;
    struct matmul_attrs matmul;
    struct pooling_attrs pooling;
    struct batch_normalization_attrs normalization;
    struct lrn_attrs lrn;
    struct softmax_attrs softmax;
    struct unary_attrs unary;
    struct binary_attrs binary;
    struct prelu_attrs prelu;
    struct reduce_attrs reduce;
    struct arg_attrs arg;
    struct concat_attrs concat;
    struct split_attrs split;
    struct slice_attrs slice;
    struct pad_attrs pad;
    struct transpose_attrs transpose;
    struct reshape_attrs reshape;
    struct flatten_attrs flatten;
    struct axes_attrs axes;
    struct gather_attrs gather;
    struct shape_attrs shape;
    struct cast_attrs cast;
    struct fill_attrs fill;
    struct fold_attrs fold;
};

static void fill_window(union attributes *a, enum op_kind kind)
{
    if (kind == OP_CONVOLUTION) {
        struct convolution_attrs *c = &a->convolution;
        fill_numbers(c->strides, COP_MAX_SPATIAL), fill_numbers(c->dilations, COP_MAX_SPATIAL);
        fill_numbers(c->pads_begin, COP_MAX_SPATIAL), fill_numbers(c->pads_end, COP_MAX_SPATIAL);
        c->groups = flip() ? 1 : pick_number();
        c->output_channels = flip() ? 0 : pick_number();
        c->auto_pad = (enum auto_pad)pick_count(AUTO_PAD_VALID);
        return;
    }
    struct pooling_attrs *p = &a->pooling;
    fill_numbers(p->kernel, COP_MAX_SPATIAL), fill_numbers(p->strides, COP_MAX_SPATIAL);
    fill_numbers(p->dilations, COP_MAX_SPATIAL), fill_numbers(p->pads_begin, COP_MAX_SPATIAL);
    fill_numbers(p->pads_end, COP_MAX_SPATIAL);
    p->alg = (enum pooling_alg)pick_count(POOLING_LP);
    p->spatial_rank = pick_count(COP_MAX_SPATIAL);
    p->auto_pad = (enum auto_pad)pick_count(AUTO_PAD_VALID);
    p->is_global = next_random(&state) % 4 == 0, p->ceil_mode = flip();
    p->drop_last_outside = flip(), p->count_include_pad = flip(), p->signed_lp = flip();
    p->p = pick_number(), p->column_major_indices = flip();
}

static void fill_arithmetic(union attributes *a, enum op_kind kind)
{
    switch (kind) {
    case OP_GEMM:
        a->gemm = (struct gemm_attrs){pick_float(), pick_float(), flip(), flip()};
        break;
    case OP_MATMUL:
        a->matmul = (struct matmul_attrs){flip(), flip()};
        break;
    case OP_BATCH_NORMALIZATION:
        a->normalization = (struct batch_normalization_attrs){(double)pick_float(),
                                                              flip() ? 1 : pick_number(), flip()};
        break;
    case OP_LRN:
        a->lrn = (struct lrn_attrs){pick_number(), pick_float(), pick_float(), pick_float()};
        break;
    case OP_SOFTMAX:
        a->softmax = (struct softmax_attrs){pick_number(), flip(), flip(), pick_float()};
        break;
    case OP_UNARY:
        a->unary = (struct unary_attrs){(enum unary_alg)pick_count(UNARY_ALG_COUNT), pick_float(),
                                        pick_float()};
        break;
    case OP_BINARY:
        a->binary = (struct binary_attrs){(enum binary_alg)pick_count(BINARY_ALG_COUNT), flip(),
                                          flip(), flip(), pick_number()};
        break;
    case OP_PRELU:
        a->prelu = (struct prelu_attrs){flip()};
        break;
    case OP_ARG:
        a->arg =
            (struct arg_attrs){flip(), flip(),        flip(),
                               flip(), pick_number(), flip() ? COP_DTYPE_UNKNOWN : pick_dtype()};
        break;
    default: /* REDUCE */
        a->reduce = (struct reduce_attrs){(enum reduce_alg)pick_count(REDUCE_PROD),
                                          flip(),
                                          flip(),
                                          flip(),
                                          flip(),
                                          pick_count(3),
                                          {0}};
        fill_numbers(a->reduce.axes, COP_MAX_RANK);
    }
}

static void fill_listing(union attributes *a, enum op_kind kind)
{
    switch (kind) {
    case OP_SLICE:
        a->slice.count = pick_count(3);
        fill_numbers(a->slice.starts, COP_MAX_RANK), fill_numbers(a->slice.ends, COP_MAX_RANK);
        fill_numbers(a->slice.axes, COP_MAX_RANK), fill_numbers(a->slice.steps, COP_MAX_RANK);
        break;
    case OP_PAD:
        a->pad.mode = (enum pad_mode)pick_count(PAD_EDGE);
        a->pad.rank = pick_count(4), a->pad.value = pick_float();
        fill_numbers(a->pad.begin, COP_MAX_RANK), fill_numbers(a->pad.end, COP_MAX_RANK);
        break;
    case OP_TRANSPOSE:
        a->transpose.rank = pick_count(4);
        for (int i = 0; i < COP_MAX_RANK; i++)
            a->transpose.perm[i] = (int)pick_number();
        break;
    case OP_RESHAPE:
        a->reshape.is_mxnet = flip(), a->reshape.reverse = flip(), a->reshape.allow_zero = flip();
        a->reshape.count = pick_count(5);
        fill_numbers(a->reshape.target, COP_MAX_RESHAPE);
        for (int i = 0; i < 3; i++) /* −3 and −4 are commands too */
            a->reshape.target[i] -= flip() && a->reshape.target[i] > INT64_MIN + 2 ? 2 : 0;
        break;
    default: /* SQUEEZE, UNSQUEEZE */
        a->axes.count = pick_count(3);
        fill_numbers(a->axes.axes, COP_MAX_RANK);
    }
}

static void fill_moving(union attributes *a, enum op_kind kind)
{
    switch (kind) {
    case OP_CONCAT:
    case OP_FLATTEN:
        a->concat.axis = pick_number();
        break;
    case OP_SPLIT:
        a->split = (struct split_attrs){pick_number(), flip()};
        break;
    case OP_GATHER:
        a->gather = (struct gather_attrs){pick_number(), flip()};
        break;
    case OP_SHAPE:
        a->shape = (struct shape_attrs){pick_number(), pick_number()};
        break;
    case OP_CAST:
        a->cast.to = (cop_dtype)pick_count(COP_DTYPE_BOOL);
        break;
    case OP_FILL:
        a->fill = (struct fill_attrs){(cop_dtype)pick_count(COP_DTYPE_BOOL), (double)pick_float()};
        break;
    case OP_FOLD_SCALE:
    case OP_FOLD_SHIFT:
        a->fold = (struct fold_attrs){(double)pick_float(), pick_number(), flip()};
        break;
    default:
        break;
    }
}

static void fill_attributes(union attributes *a, enum op_kind kind)
{
    memset(a, 0, sizeof *a);
    if (kind == OP_CONVOLUTION || kind == OP_POOLING)
        fill_window(a, kind);
    else if (kind >= OP_GEMM && kind <= OP_ARG)
        fill_arithmetic(a, kind);
    else if (kind == OP_SLICE || kind == OP_PAD || kind == OP_TRANSPOSE || kind == OP_RESHAPE ||
             kind == OP_SQUEEZE || kind == OP_UNSQUEEZE)
        fill_listing(a, kind);
    else
        fill_moving(a, kind);
}

static struct shape pick_shape(void)
{
    static const int64_t dims[] = {1, 1, 2, 2, 3, 4, 0, 5};
    static const int64_t huge[] = {INT64_C(1) << 31, INT64_C(1) << 48, INT64_C(1) << 47,
                                   COP_UNKNOWN};
    struct shape shape = {.rank = (int)random_between(&state, 0, 5)};
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = next_random(&state) % 60 == 0 ? pick(huge, 4) : pick(dims, 8);
    return shape;
}

/* What chance would not find: vectors as long as src has channels. */
static void fill_channels(struct op_call *call)
{
    const int64_t channels = call->src[0].shape.rank > 1 ? call->src[0].shape.dims[1] : 2;
    for (int i = call->kind == OP_FOLD_SHIFT ? 0 : 1; i < call->src_count; i++)
        if (channels >= 0)
            call->src[i] = TENSOR(FLOAT32, memory, channels);
}

/* The same for weights. */
static void fill_weights(struct op_call *call)
{
    if (call->kind == OP_CONVOLUTION) {
        call->src[0] = TENSOR(FLOAT32, memory, 2, 4, 5, 5);
        call->src[1] = TENSOR(FLOAT32, memory, 4, 4 / random_between(&state, 1, 4), 2, 3);
        call->src[0].shape.rank = call->src[1].shape.rank = (int)random_between(&state, 3, 4);
        call->src[0].shape.dims[3] *= call->src[0].shape.rank == 4;
        call->src[1].shape.dims[3] *= call->src[1].shape.rank == 4;
    } else {
        call->src[0] = TENSOR(FLOAT32, memory, 4, 4);
        call->src[1] = TENSOR(FLOAT32, memory, 4, 4);
    }
    if (call->src_count > 2)
        call->src[2] = flip() ? ABSENT : TENSOR(FLOAT32, memory, 4);
}

/* Sources fit each other more often than chance has it: they repeat the first's shape or dtype. */
static void fill_sources(struct op_call *call)
{
    const cop_dtype dtype = pick_dtype();
    const struct shape shape = pick_shape();
    for (int i = 0; i < call->src_count; i++) {
        struct test_tensor *src = &call->src[i];
        src->dtype = next_random(&state) % 16 == 0 ? pick_dtype() : dtype;
        src->shape = i == 0 || next_random(&state) % 3 == 0 ? shape : pick_shape();
        src->elements = memory;
        if (i > 0 && flip()) { /* a vector of numbers that decide something, or of channels */
            src->shape = cop_shape_of(1, (int64_t[]){random_between(&state, 0, 4)});
            src->dtype = flip() ? COP_DTYPE_INT64 : dtype;
            src->is_known = src->dtype == COP_DTYPE_INT64;
        }
        if (i > 0 && next_random(&state) % 12 == 0)
            *src = ABSENT;
    }
    if ((call->kind == OP_BATCH_NORMALIZATION || call->kind == OP_FOLD_SCALE ||
         call->kind == OP_FOLD_SHIFT) &&
        flip())
        fill_channels(call);
    if ((call->kind == OP_CONVOLUTION || call->kind == OP_FULLY_CONNECTED ||
         call->kind == OP_GEMM) &&
        flip())
        fill_weights(call);
}

static bool is_small(const struct op_call *call)
{
    for (int i = 0; i < call->src_count; i++) {
        int64_t elements;
        if (call->src[i].dtype != COP_DTYPE_UNKNOWN &&
            (!cop_shape_elements(&call->src[i].shape, &elements) || elements > MAX_ELEMENTS))
            return false;
    }
    return true;
}

static bool is_small_result(const struct op_tensor *dst, int count)
{
    for (int i = 0; i < count; i++) {
        int64_t elements;
        if (!cop_shape_is_known(&dst[i].shape) || dst[i].dtype == COP_DTYPE_UNKNOWN ||
            !cop_shape_elements(&dst[i].shape, &elements) || elements > 16 * MAX_ELEMENTS)
            return false;
    }
    return true;
}

static void check_status(cop_status status, const cop_error *error)
{
    ck_assert_msg(status == COP_STATUS_OK || status == COP_STATUS_MALFORMED_MODEL ||
                      status == COP_STATUS_UNSUPPORTED || status == COP_STATUS_INVALID_ARGUMENT,
                  "%s: %s", cop_status_name(status), error->message);
    if (status != COP_STATUS_OK)
        ck_assert(error->status == status && error->message[0] != '\0');
}

/* True when the operator ran. */
static bool try_call(struct device *device, enum op_kind kind)
{
    union attributes attributes;
    struct op_tensor dst[RUN_OP_MAX_DST];
    struct op_result result;
    cop_error error = {.message = ""};
    const struct op_def *def = cop_op_def(kind);
    const int most = def->max_src < 0 ? 3 : def->max_src;
    struct op_call call = {.kind = kind, .attrs = &attributes};
    call.src_count = (int)random_between(&state, def->min_src, most);
    call.dst_count = def->max_dst < 0 ? (int)random_between(&state, 1, 3)
                                      : (int)random_between(&state, def->min_dst, def->max_dst);
    for (int i = 0; i < MAX_ELEMENTS; i++)
        memory[i] = pick_number();
    fill_attributes(&attributes, kind);
    fill_sources(&call);

    cop_status status = infer_op(&call, dst, &error);
    check_status(status, &error);
    if (status != COP_STATUS_OK || !is_small(&call) || !is_small_result(dst, call.dst_count))
        return false;
    status = run_op(device, &call, &result, &error);
    op_result_free(&result);
    check_status(status, &error);
    return status == COP_STATUS_OK;
}

/* How many calls of an operator ran on a backend. */
static int try_operator(const struct backend *backend, enum op_kind kind)
{
    struct device *device;
    cop_error error;
    int ran = 0;
    state = 10 + (uint64_t)kind;
    ck_assert_int_eq(backend->device_open(0, &device, &error), COP_STATUS_OK);
    for (int i = 0; i < ROUNDS; i++)
        ran += try_call(device, kind);
    backend->device_close(device);
    return ran;
}

START_TEST(whatever_a_rule_agrees_to_runs)
{
    const enum op_kind kind = (enum op_kind)_i;
    ck_assert_msg(try_operator(&cop_ref_backend, kind) > 0, "no call of %s was sound",
                  cop_op_def(kind)->name);
}
END_TEST

START_TEST(a_fast_backend_runs_it_or_says_that_it_cannot)
{
    if (cop_onednn_backend != NULL)
        (void)try_operator(cop_onednn_backend, (enum op_kind)_i);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("hostile operators");
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, whatever_a_rule_agrees_to_runs, 0, OP_KIND_COUNT);
    tcase_add_loop_test(cases, a_fast_backend_runs_it_or_says_that_it_cannot, 0, OP_KIND_COUNT);
    return run_case("hostile operators", cases);
}
