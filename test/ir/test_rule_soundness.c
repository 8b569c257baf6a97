// SPDX-License-Identifier: Apache-2.0
/*
 * What rules say of partly known tensors must agree with what they say of wholly known ones:
 * nothing that fits is refused, and what is filled in is what it really was. On random operators
 * that move data, whose numbers are now and then the largest there are.
 */
#include <string.h>

#include "ir/op.h"
#include "support/arrays.h"
#include "support/graphs.h"
#include "support/unit.h"

#define MAX_SRC 5
#define MAX_DST 3

union any_attrs {
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
};

struct trial {
    enum op_kind kind;
    union any_attrs attrs;
    int src_count, dst_count;
    struct op_tensor src[MAX_SRC], dst[MAX_DST];
    int64_t lists[MAX_SRC][2 * COP_MAX_RANK];
};

static int64_t odd_number(uint64_t *state)
{
    static const int64_t extremes[] = {INT64_MIN, INT64_MAX, -1, 0, INT64_C(1) << 48};
    return next_random(state) % 50 == 0 ? extremes[next_random(state) % 5]
                                        : random_between(state, -5, 8);
}

static struct op_tensor open_tensor(void)
{
    return (struct op_tensor){true, COP_DTYPE_UNKNOWN, cop_shape_unknown(), NULL};
}

static struct op_tensor random_tensor(uint64_t *state)
{
    struct op_tensor tensor = {
        true, COP_DTYPE_FLOAT32, {.rank = (int)random_between(state, 0, 5)}, NULL};
    for (int i = 0; i < tensor.shape.rank; i++)
        tensor.shape.dims[i] = random_between(state, next_random(state) % 8 == 0 ? 0 : 1, 6);
    if (next_random(state) % 40 == 0 && tensor.shape.rank > 0)
        tensor.shape.dims[0] = INT64_C(1) << 40;
    return tensor;
}

/* A list of `count` odd numbers as source `index`. */
static void add_list(struct trial *trial, int index, int count, uint64_t *state)
{
    for (int i = 0; i < count; i++)
        trial->lists[index][i] = odd_number(state);
    trial->src[index] =
        (struct op_tensor){true, COP_DTYPE_INT64, SHAPE(count), trial->lists[index]};
    trial->src_count = index + 1;
}

static void make_joining(struct trial *trial, uint64_t *state)
{
    const int rank = trial->src[0].shape.rank;
    if (trial->kind == OP_CONCAT) {
        trial->attrs.concat.axis = random_between(state, -rank, rank);
        trial->src_count = (int)random_between(state, 1, 3);
        for (int i = 1; i < trial->src_count; i++) {
            trial->src[i] = trial->src[0];
            if (rank > 0)
                trial->src[i].shape.dims[(trial->attrs.concat.axis + rank) % rank] =
                    random_between(state, 0, 5);
        }
        return;
    }
    trial->attrs.split.axis = random_between(state, -rank, rank);
    trial->attrs.split.squeeze_axis = next_random(state) % 4 == 0;
    trial->dst_count = (int)random_between(state, 1, MAX_DST);
    if (next_random(state) % 2 == 0)
        add_list(trial, 1, trial->dst_count, state);
}

static void make_slice(struct trial *trial, uint64_t *state)
{
    const int count = (int)random_between(state, 0, trial->src[0].shape.rank);
    if (next_random(state) % 2 == 0) {
        for (int i = 1; i < 5; i++)
            add_list(trial, i, count, state);
        for (int i = 0; i < count; i++)
            trial->lists[3][i] = i - (int64_t)(next_random(state) % 2) * trial->src[0].shape.rank;
        return;
    }
    trial->attrs.slice.count = count;
    for (int i = 0; i < count; i++) {
        trial->attrs.slice.starts[i] = odd_number(state);
        trial->attrs.slice.ends[i] = odd_number(state);
        trial->attrs.slice.axes[i] = i;
        trial->attrs.slice.steps[i] = odd_number(state);
    }
}

static void make_pad(struct trial *trial, uint64_t *state)
{
    const int rank = trial->src[0].shape.rank;
    trial->attrs.pad.mode = (enum pad_mode)(next_random(state) % 3);
    if (next_random(state) % 2 == 0) {
        add_list(trial, 1, 2 * rank, state);
        return;
    }
    trial->attrs.pad.rank = rank;
    for (int i = 0; i < rank; i++) {
        trial->attrs.pad.begin[i] = odd_number(state);
        trial->attrs.pad.end[i] = odd_number(state);
    }
}

static void make_reshape(struct trial *trial, uint64_t *state)
{
    const struct shape *shape = &trial->src[0].shape;
    struct reshape_attrs *attrs = &trial->attrs.reshape;
    attrs->is_mxnet = next_random(state) % 2 == 0;
    attrs->reverse = attrs->is_mxnet && next_random(state) % 2 == 0;
    attrs->allow_zero = next_random(state) % 4 == 0;
    attrs->count = (int)random_between(state, 0, 6);
    for (int i = 0; i < attrs->count; i++)
        attrs->target[i] = odd_number(state);
    if (next_random(state) % 2 == 0) { /* likelier to fit */
        attrs->count = shape->rank;
        for (int i = 0; i < shape->rank; i++)
            attrs->target[i] = next_random(state) % 2 == 0 ? 0 : shape->dims[i];
        if (shape->rank > 0)
            attrs->target[next_random(state) % (uint64_t)shape->rank] = -1;
    }
    if (next_random(state) % 2 == 0) {
        add_list(trial, 1, attrs->count, state);
        memcpy(trial->lists[1], attrs->target, (size_t)attrs->count * sizeof *attrs->target);
    }
}

static void make_axes(struct trial *trial, uint64_t *state)
{
    struct axes_attrs *attrs = &trial->attrs.axes;
    attrs->count = (int)random_between(state, 0, 2);
    for (int i = 0; i < attrs->count; i++)
        attrs->axes[i] = odd_number(state);
    if (next_random(state) % 2 == 0)
        add_list(trial, 1, (int)random_between(state, 0, 2), state);
}

static void make_others(struct trial *trial, uint64_t *state)
{
    const int rank = trial->src[0].shape.rank;
    if (trial->kind == OP_TRANSPOSE) {
        trial->attrs.transpose.rank = next_random(state) % 2 == 0 ? 0 : rank;
        for (int i = 0; i < rank; i++)
            trial->attrs.transpose.perm[i] = (i + 1) % rank;
    } else if (trial->kind == OP_FLATTEN) {
        trial->attrs.flatten.axis = random_between(state, -rank, rank);
    } else if (trial->kind == OP_GATHER) {
        trial->attrs.gather.axis = random_between(state, -rank, rank);
        trial->src[1] = random_tensor(state);
        trial->src[1].dtype = COP_DTYPE_INT64;
        trial->src_count = 2;
    } else if (trial->kind == OP_SHAPE) {
        trial->attrs.shape.start = odd_number(state);
        trial->attrs.shape.end = odd_number(state);
    } else if (trial->kind == OP_CAST) {
        trial->attrs.cast.to = COP_DTYPE_INT32;
    }
}

/* Lists lie in the trial itself, which must not move. */
static void make_trial(struct trial *trial, uint64_t *state)
{
    static const enum op_kind kinds[] = {
        OP_CONCAT, OP_SPLIT, OP_SLICE, OP_PAD,     OP_TRANSPOSE, OP_RESHAPE, OP_FLATTEN,
        OP_GATHER, OP_SHAPE, OP_CAST,  OP_SQUEEZE, OP_UNSQUEEZE, OP_FILL,    OP_IDENTITY};
    *trial = (struct trial){.kind = kinds[next_random(state) % 14], .src_count = 1, .dst_count = 1};
    trial->src[0] = random_tensor(state);
    switch (trial->kind) {
    case OP_CONCAT:
    case OP_SPLIT:
        make_joining(trial, state);
        break;
    case OP_SLICE:
        make_slice(trial, state);
        break;
    case OP_PAD:
        make_pad(trial, state);
        break;
    case OP_RESHAPE:
        make_reshape(trial, state);
        break;
    case OP_SQUEEZE:
    case OP_UNSQUEEZE:
        make_axes(trial, state);
        break;
    default:
        make_others(trial, state);
        break;
    }
    for (int i = 0; i < trial->dst_count; i++)
        trial->dst[i] = open_tensor();
}

/* Forgets some of what is known of a tensor. */
static void hide(struct op_tensor *tensor, uint64_t *state)
{
    if (next_random(state) % 3 == 0)
        tensor->value = NULL;
    if (next_random(state) % 4 == 0 && tensor->value == NULL)
        tensor->dtype = COP_DTYPE_UNKNOWN;
    if (tensor->value != NULL)
        return;
    if (next_random(state) % 4 == 0)
        tensor->shape = cop_shape_unknown();
    for (int i = 0; i < tensor->shape.rank; i++)
        if (next_random(state) % 3 == 0)
            tensor->shape.dims[i] = COP_UNKNOWN;
}

static void check_agrees(const struct trial *trial, const struct op_tensor *learned,
                         const struct op_tensor *known, const char *side, int index)
{
    struct shape shape = learned->shape;
    ck_assert_msg(cop_shape_merge(&shape, &known->shape, NULL) &&
                      cop_shape_equal(&shape, &known->shape),
                  "%s: %s %d is %s and was said to be %s", cop_op_def(trial->kind)->name, side,
                  index, cop_shape_text(&known->shape).text, cop_shape_text(&learned->shape).text);
    ck_assert(learned->dtype == COP_DTYPE_UNKNOWN || learned->dtype == known->dtype);
}

START_TEST(partial_knowledge_never_contradicts_the_whole)
{
    uint64_t state = 11;
    int sound[OP_KIND_COUNT] = {0};
    struct trial trial;
    cop_error error;
    for (int round = 0; round < 200000; round++) {
        make_trial(&trial, &state);
        if (cop_op_infer(trial.kind, &trial.attrs, trial.src_count, trial.src, trial.dst_count,
                         trial.dst, &error) != COP_STATUS_OK)
            continue;
        sound[trial.kind]++;
        struct trial partial = trial;
        for (int i = 0; i < trial.src_count; i++) {
            ck_assert(cop_shape_is_known(&trial.src[i].shape));
            hide(&partial.src[i], &state);
        }
        for (int i = 0; i < trial.dst_count; i++) {
            ck_assert(cop_shape_is_known(&trial.dst[i].shape));
            hide(&partial.dst[i], &state);
        }
        for (int again = 0; again < 2; again++) {
            const cop_status status =
                cop_op_infer(trial.kind, &trial.attrs, trial.src_count, partial.src,
                             trial.dst_count, partial.dst, &error);
            ck_assert_msg(status == COP_STATUS_OK, "%s: %s", cop_op_def(trial.kind)->name,
                          error.message);
            for (int i = 0; i < trial.src_count; i++)
                check_agrees(&trial, &partial.src[i], &trial.src[i], "input", i);
            for (int i = 0; i < trial.dst_count; i++)
                check_agrees(&trial, &partial.dst[i], &trial.dst[i], "output", i);
        }
    }
    for (int kind = OP_CONCAT; kind <= OP_IDENTITY; kind++)
        ck_assert_msg(sound[kind] > 500, "only %d sound trials of %s", sound[kind],
                      cop_op_def(kind)->name);
}
END_TEST

int main(void)
{
    return RUN_TESTS("rule soundness", partial_knowledge_never_contradicts_the_whole);
}
