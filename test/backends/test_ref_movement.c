// SPDX-License-Identifier: Apache-2.0
/* Slice, Transpose, Pad, Gather, Concat, Split against the definition, element by element, on
 * random shapes and all element sizes; and the operators that only copy. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/arrays.h"
#include "support/graphs.h"
#include "support/run_op.h"
#include "support/unit.h"

static struct device *device;

static void open_device(void)
{
    cop_error error;
    ck_assert_int_eq(cop_ref_backend.device_open(0, &device, &error), COP_STATUS_OK);
}

static void close_device(void)
{
    cop_ref_backend.device_close(device);
}

static int64_t volume(const struct shape *shape)
{
    return cop_shape_product(shape, 0, shape->rank);
}

/* The next position in row-major order. */
static void advance(const struct shape *shape, int64_t *at)
{
    for (int i = shape->rank - 1; i >= 0 && ++at[i] == shape->dims[i]; i--)
        at[i] = 0;
}

static int64_t flat(const struct shape *shape, const int64_t *at)
{
    int64_t position = 0;
    for (int i = 0; i < shape->rank; i++)
        position = position * shape->dims[i] + at[i];
    return position;
}

static struct shape random_shape(uint64_t *state, int least, int most_rank, int most_dim)
{
    struct shape shape = {.rank = (int)random_between(state, least, most_rank)};
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = random_between(state, next_random(state) % 16 == 0 ? 0 : 1, most_dim);
    return shape;
}

static cop_dtype random_dtype(uint64_t *state)
{
    static const cop_dtype dtypes[] = {COP_DTYPE_UINT8, COP_DTYPE_INT16, COP_DTYPE_FLOAT32,
                                       COP_DTYPE_INT64};
    return dtypes[next_random(state) % 4];
}

/* Elements that say where they come from: all different up to 2^16 of them. */
static unsigned char *numbered(cop_dtype dtype, const struct shape *shape)
{
    const size_t bytes = cop_dtype_bytes(dtype);
    const int64_t count = volume(shape);
    unsigned char *elements = malloc((size_t)count * bytes + 1);
    ck_assert_ptr_nonnull(elements);
    for (int64_t i = 0; i < count; i++)
        for (size_t j = 0; j < bytes; j++)
            elements[(size_t)i * bytes + j] = (unsigned char)((i + 1) >> (8 * (j % 2)));
    return elements;
}

static struct test_tensor tensor_of(cop_dtype dtype, const struct shape *shape,
                                    const void *elements)
{
    return (struct test_tensor){.dtype = dtype, .shape = *shape, .elements = elements};
}

static struct test_tensor known_list(const int64_t *entries, int count)
{
    struct test_tensor list = TENSOR(INT64, entries, count);
    list.is_known = true;
    return list;
}

static void run(const struct op_call *call, struct op_result *result)
{
    cop_error error;
    const cop_status status = run_op(device, call, result, &error);
    ck_assert_msg(status == COP_STATUS_OK, "%s", error.message);
}

static void check_element(const struct op_result *result, int output, int64_t at,
                          const unsigned char *src, int64_t from)
{
    const size_t bytes = cop_dtype_bytes(result->dst[output].dtype);
    const unsigned char *dst = result->dst[output].elements;
    ck_assert_msg(memcmp(dst + (size_t)at * bytes, src + (size_t)from * bytes, bytes) == 0,
                  "element %lld should be that at %lld", (long long)at, (long long)from);
}

START_TEST(transposes_follow_the_definition)
{
    uint64_t state = 1;
    for (int round = 0; round < 400; round++) {
        const struct shape shape = random_shape(&state, 0, 5, round % 50 == 0 ? 40 : 6);
        if (volume(&shape) > 60000)
            continue;
        const cop_dtype dtype = random_dtype(&state);
        unsigned char *src = numbered(dtype, &shape);
        struct transpose_attrs attrs = {.rank = shape.rank};
        for (int i = 0; i < shape.rank; i++) {
            const int other = (int)random_between(&state, 0, i);
            attrs.perm[i] = attrs.perm[other];
            attrs.perm[other] = i;
        }
        struct op_result result;
        run(&(struct op_call){.kind = OP_TRANSPOSE,
                              .attrs = &attrs,
                              .src_count = 1,
                              .src = {tensor_of(dtype, &shape, src)}},
            &result);
        int64_t at[COP_MAX_RANK] = {0}, from[COP_MAX_RANK] = {0};
        for (int64_t i = 0; i < volume(&shape); i++, advance(&result.dst[0].shape, at)) {
            for (int axis = 0; axis < shape.rank; axis++)
                from[attrs.perm[axis]] = at[axis];
            check_element(&result, 0, i, src, flat(&shape, from));
        }
        op_result_free(&result);
        free(src);
    }
}
END_TEST

START_TEST(large_transposes_follow_the_definition)
{
    const struct shape shape = SHAPE(3, 70, 130);
    const struct transpose_attrs attrs = {.rank = 3, .perm = {2, 0, 1}};
    unsigned char *src = numbered(COP_DTYPE_FLOAT32, &shape);
    struct op_result result;
    run(&(struct op_call){.kind = OP_TRANSPOSE,
                          .attrs = &attrs,
                          .src_count = 1,
                          .src = {tensor_of(COP_DTYPE_FLOAT32, &shape, src)}},
        &result);
    for (int64_t i = 0; i < volume(&shape); i++)
        check_element(&result, 0, i, src, i % 210 / 70 * 9100 + i % 70 * 130 + i / 210);
    op_result_free(&result);
    free(src);
}
END_TEST

/* Python's range(*slice(start, end, step).indices(size)), one element at a time. */
static int64_t slice_positions(int64_t size, int64_t start, int64_t end, int64_t step,
                               int64_t *positions)
{
    int64_t count = 0;
    if (start < 0)
        start = start + size < 0 ? (step < 0 ? -1 : 0) : start + size;
    else if (start >= size)
        start = step < 0 ? size - 1 : size;
    if (end < 0)
        end = end + size < 0 ? (step < 0 ? -1 : 0) : end + size;
    else if (end >= size)
        end = step < 0 ? size - 1 : size;
    for (int64_t at = start; step > 0 ? at < end : at > end; at += step)
        positions[count++] = at;
    return count;
}

START_TEST(slices_follow_the_definition)
{
    uint64_t state = 2;
    for (int round = 0; round < 1000; round++) {
        const struct shape shape = random_shape(&state, 1, 4, 7);
        const cop_dtype dtype = random_dtype(&state);
        unsigned char *src = numbered(dtype, &shape);
        int64_t starts[COP_MAX_RANK], ends[COP_MAX_RANK], axes[COP_MAX_RANK], steps[COP_MAX_RANK];
        int64_t positions[COP_MAX_RANK][8];
        struct shape sliced = {.rank = shape.rank};
        for (int i = 0; i < shape.rank; i++) {
            starts[i] = random_between(&state, -9, 9);
            ends[i] = random_between(&state, -9, 9);
            axes[i] = next_random(&state) % 2 == 0 ? i : i - shape.rank;
            steps[i] = random_between(&state, -3, 3);
            steps[i] = steps[i] == 0 ? 5 : steps[i];
            sliced.dims[i] =
                slice_positions(shape.dims[i], starts[i], ends[i], steps[i], positions[i]);
        }
        struct slice_attrs attrs = {0};
        struct op_call call = {.kind = OP_SLICE,
                               .attrs = &attrs,
                               .src_count = 5,
                               .src = {tensor_of(dtype, &shape, src),
                                       known_list(starts, shape.rank), known_list(ends, shape.rank),
                                       known_list(axes, shape.rank),
                                       known_list(steps, shape.rank)}};
        if (round % 2 == 0) { /* the same by attributes */
            call.src_count = 1;
            attrs.count = shape.rank;
            for (int i = 0; i < shape.rank; i++) {
                attrs.starts[i] = starts[i];
                attrs.ends[i] = ends[i];
                attrs.axes[i] = axes[i];
                attrs.steps[i] = steps[i];
            }
        }
        struct op_result result;
        run(&call, &result);
        ck_assert(cop_shape_equal(&result.dst[0].shape, &sliced));
        int64_t at[COP_MAX_RANK] = {0}, from[COP_MAX_RANK];
        for (int64_t i = 0; i < volume(&sliced); i++, advance(&sliced, at)) {
            for (int axis = 0; axis < shape.rank; axis++)
                from[axis] = positions[axis][at[axis]];
            check_element(&result, 0, i, src, flat(&shape, from));
        }
        op_result_free(&result);
        free(src);
    }
}
END_TEST

/* Where a padded position comes from along one axis; −1: from the value. */
static int64_t padded_position(enum pad_mode mode, int64_t size, int64_t begin, int64_t end,
                               int64_t at)
{
    const int64_t first = begin < 0 ? -begin : 0, last = size - 1 - (end < 0 ? -end : 0);
    int64_t from = at - begin;
    if (from >= first && from <= last)
        return from;
    if (mode == PAD_CONSTANT)
        return -1;
    if (mode == PAD_EDGE)
        return from < first ? first : last;
    return from < first ? 2 * first - from : 2 * last - from;
}

START_TEST(pads_follow_the_definition)
{
    uint64_t state = 3;
    const float value = 7;
    for (int round = 0; round < 1500; round++) {
        const struct shape shape = random_shape(&state, 1, 4, 6);
        unsigned char *src = numbered(COP_DTYPE_FLOAT32, &shape);
        const bool by_input = round % 2 == 0;
        struct pad_attrs attrs = {.mode = (enum pad_mode)(round % 3),
                                  .rank = by_input ? 0 : shape.rank,
                                  .value = by_input ? 0 : value};
        int64_t pads[2 * COP_MAX_RANK];
        bool fits = true;
        for (int i = 0; i < shape.rank; i++) {
            const int64_t begin = random_between(&state, -2, 4),
                          end = random_between(&state, -2, 4);
            const int64_t kept = shape.dims[i] + (begin < 0 ? begin : 0) + (end < 0 ? end : 0);
            const int64_t longest = begin > end ? begin : end;
            fits = fits && kept >= 0 &&
                   (attrs.mode == PAD_CONSTANT || longest <= 0 ||
                    (attrs.mode == PAD_EDGE ? kept > 0 : longest < kept));
            pads[i] = attrs.begin[i] = begin;
            pads[shape.rank + i] = attrs.end[i] = end;
        }
        const struct op_call call = {.kind = OP_PAD,
                                     .attrs = &attrs,
                                     .src_count = by_input ? 3 : 1,
                                     .src = {tensor_of(COP_DTYPE_FLOAT32, &shape, src),
                                             known_list(pads, 2 * shape.rank),
                                             SCALAR(FLOAT32, &value)}};
        struct op_result result;
        cop_error error;
        const cop_status status = run_op(device, &call, &result, &error);
        ck_assert_msg(status == (fits ? COP_STATUS_OK : COP_STATUS_MALFORMED_MODEL), "%s",
                      error.message);
        int64_t at[COP_MAX_RANK] = {0}, from[COP_MAX_RANK];
        for (int64_t i = 0; fits && i < volume(&result.dst[0].shape);
             i++, advance(&result.dst[0].shape, at)) {
            bool is_inside = true;
            for (int axis = 0; axis < shape.rank; axis++) {
                from[axis] = padded_position(attrs.mode, shape.dims[axis], attrs.begin[axis],
                                             attrs.end[axis], at[axis]);
                is_inside = is_inside && from[axis] >= 0;
            }
            if (is_inside)
                check_element(&result, 0, i, src, flat(&shape, from));
            else
                check_element(&result, 0, i, (const unsigned char *)&value, 0);
        }
        op_result_free(&result);
        free(src);
    }
}
END_TEST

START_TEST(gathers_follow_the_definition)
{
    uint64_t state = 4;
    for (int round = 0; round < 500; round++) {
        const struct shape shape = random_shape(&state, 1, 4, 5),
                           indices = random_shape(&state, 0, 3, 4);
        const struct gather_attrs attrs = {
            .axis = random_between(&state, -shape.rank, shape.rank - 1), .clip = round % 4 == 0};
        const int axis = (int)(attrs.axis < 0 ? attrs.axis + shape.rank : attrs.axis);
        const int64_t size = shape.dims[axis], count = volume(&indices);
        if (size == 0 || volume(&shape) * count > 60000)
            continue;
        const bool is_narrow = round % 2 == 0;
        int64_t *wide = malloc(64 * sizeof *wide);
        int32_t *narrow = malloc(64 * sizeof *narrow);
        for (int64_t i = 0; i < count; i++) {
            wide[i] = attrs.clip ? random_between(&state, -9, 9)
                                 : random_between(&state, -size, size - 1);
            narrow[i] = (int32_t)wide[i];
        }
        const cop_dtype dtype = random_dtype(&state);
        unsigned char *src = numbered(dtype, &shape);
        struct op_result result;
        run(&(struct op_call){.kind = OP_GATHER,
                              .attrs = &attrs,
                              .src_count = 2,
                              .src = {tensor_of(dtype, &shape, src),
                                      is_narrow ? tensor_of(COP_DTYPE_INT32, &indices, narrow)
                                                : tensor_of(COP_DTYPE_INT64, &indices, wide)}},
            &result);
        int64_t at[COP_MAX_RANK] = {0}, from[COP_MAX_RANK];
        for (int64_t i = 0; i < volume(&result.dst[0].shape);
             i++, advance(&result.dst[0].shape, at)) {
            int64_t picked = wide[flat(&indices, at + axis)];
            if (attrs.clip)
                picked = picked < 0 ? 0 : picked >= size ? size - 1 : picked;
            else if (picked < 0)
                picked += size;
            for (int j = 0; j < shape.rank; j++)
                from[j] = j < axis ? at[j] : j == axis ? picked : at[j + indices.rank - 1];
            check_element(&result, 0, i, src, flat(&shape, from));
        }
        op_result_free(&result);
        free(src);
        free(wide);
        free(narrow);
    }
}
END_TEST

START_TEST(an_index_outside_is_refused_and_named)
{
    const float src[] = {1, 2, 3};
    const int64_t indices[] = {0, -3, 3};
    const struct gather_attrs attrs = {.axis = 0};
    struct op_result result;
    cop_error error;
    ck_assert_int_eq(
        run_op(device,
               &(struct op_call){.kind = OP_GATHER,
                                 .attrs = &attrs,
                                 .src_count = 2,
                                 .src = {TENSOR(FLOAT32, src, 3), TENSOR(INT64, indices, 3)}},
               &result, &error),
        COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(
        strstr(error.message, "index 3 at position 2 is outside axis 0 with 3 elements"));
    op_result_free(&result);
}
END_TEST

START_TEST(concat_and_split_undo_each_other)
{
    uint64_t state = 5;
    for (int round = 0; round < 300; round++) {
        const struct shape shape = random_shape(&state, 1, 4, 9);
        const cop_dtype dtype = random_dtype(&state);
        const int axis = (int)random_between(&state, 0, shape.rank - 1);
        const int64_t first = random_between(&state, 0, shape.dims[axis]);
        const int64_t sizes[] = {first, 0, shape.dims[axis] - first};
        unsigned char *src = numbered(dtype, &shape);
        struct op_result parts, whole;
        run(&(struct op_call){.kind = OP_SPLIT,
                              .attrs = &(struct split_attrs){.axis = axis},
                              .src_count = 2,
                              .src = {tensor_of(dtype, &shape, src), known_list(sizes, 3)},
                              .dst_count = 3},
            &parts);
        int64_t at[COP_MAX_RANK] = {0};
        for (int64_t i = 0; i < volume(&shape); i++, advance(&shape, at)) {
            const int part = at[axis] < first ? 0 : 2;
            int64_t inside[COP_MAX_RANK];
            memcpy(inside, at, sizeof inside);
            inside[axis] -= part == 2 ? first : 0;
            check_element(&parts, part, flat(&parts.dst[part].shape, inside), src, i);
        }
        run(&(struct op_call){.kind = OP_CONCAT,
                              .attrs = &(struct concat_attrs){axis - shape.rank},
                              .src_count = 3,
                              .src = {parts.dst[0], parts.dst[1], parts.dst[2]}},
            &whole);
        ck_assert_int_eq(
            memcmp(whole.dst[0].elements, src, (size_t)volume(&shape) * cop_dtype_bytes(dtype)), 0);
        op_result_free(&parts);
        op_result_free(&whole);
        free(src);
    }
}
END_TEST

START_TEST(reshapes_keep_every_byte)
{
    const int64_t src[] = {1, 2, 3, 4, 5, 6}, target[] = {3, -1}, axes[] = {0};
    struct op_result result;
    const struct op_call calls[] = {
        {.kind = OP_RESHAPE,
         .attrs = &(struct reshape_attrs){0},
         .src_count = 2,
         .src = {TENSOR(INT64, src, 2, 3), known_list(target, 2)}},
        {.kind = OP_FLATTEN,
         .attrs = &(struct flatten_attrs){1},
         .src_count = 1,
         .src = {TENSOR(INT64, src, 2, 3)}},
        {.kind = OP_SQUEEZE,
         .attrs = &(struct axes_attrs){0},
         .src_count = 2,
         .src = {TENSOR(INT64, src, 1, 6), known_list(axes, 1)}},
        {.kind = OP_UNSQUEEZE,
         .attrs = &(struct axes_attrs){0},
         .src_count = 2,
         .src = {TENSOR(INT64, src, 6), known_list(axes, 1)}},
        {.kind = OP_IDENTITY,
         .attrs = &(struct no_attrs){0},
         .src_count = 1,
         .src = {TENSOR(INT64, src, 6)}},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        run(&calls[i], &result);
        ck_assert_int_eq(memcmp(result.dst[0].elements, src, sizeof src), 0);
        op_result_free(&result);
    }
}
END_TEST

START_TEST(shape_and_fill_look_at_the_shape_alone)
{
    struct op_result result;
    const struct shape_attrs tail = {1, INT64_MAX};
    const int8_t src[24] = {0};
    run(
        &(struct op_call){
            .kind = OP_SHAPE, .attrs = &tail, .src_count = 1, .src = {TENSOR(INT8, src, 2, 3, 4)}},
        &result);
    ck_assert_int_eq(memcmp(result.dst[0].elements, (int64_t[]){3, 4}, 16), 0);
    op_result_free(&result);
    run(&(struct op_call){.kind = OP_FILL,
                          .attrs = &(struct fill_attrs){COP_DTYPE_FLOAT32, 1.5},
                          .src_count = 1,
                          .src = {TENSOR(INT8, src, 3)}},
        &result);
    ck_assert_int_eq(memcmp(result.dst[0].elements, (float[]){1.5f, 1.5f, 1.5f}, 12), 0);
    op_result_free(&result);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("movement kernels", open_device, close_device,
                          transposes_follow_the_definition, large_transposes_follow_the_definition,
                          slices_follow_the_definition, pads_follow_the_definition,
                          gathers_follow_the_definition, an_index_outside_is_refused_and_named,
                          concat_and_split_undo_each_other, reshapes_keep_every_byte,
                          shape_and_fill_look_at_the_shape_alone);
}
