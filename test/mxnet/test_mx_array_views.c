// SPDX-License-Identifier: Apache-2.0
/* Views: reshaped arrays, slices and rows share their memory; shapes as MXNet computes them. */
#include "mxnet/mx_arrays.h"

START_TEST(a_write_is_seen_through_every_view)
{
    NDArrayHandle row, rows, flat, shared, detached;
    const NDArrayHandle array = make_counting(SHAPE(3, 4), 12);
    MX(MXNDArrayAt(array, 1, &row));
    MX(MXNDArraySlice(array, 1, 3, &rows));
    MX(MXNDArrayReshape(rows, 1, (int[]){8}, &flat));
    MX(MXShallowCopyNDArray(row, &shared));
    MX(MXNDArrayDetach(flat, &detached));
    expect_shape(row, SHAPE(4));
    expect_shape(rows, SHAPE(2, 4));
    expect_floats(flat, (const float[]){4, 5, 6, 7, 8, 9, 10, 11}, 8);
    MX(MXNDArraySyncCopyFromCPU(row, (const float[]){-1, -2, -3, -4}, 4));
    expect_floats(array, (const float[]){0, 1, 2, 3, -1, -2, -3, -4, 8, 9, 10, 11}, 12);
    expect_floats(rows, (const float[]){-1, -2, -3, -4, 8, 9, 10, 11}, 8);
    expect_floats(detached, (const float[]){-1, -2, -3, -4, 8, 9, 10, 11}, 8);
    MX(MXNDArrayFree(array)); /* the others keep the memory */
    MX(MXNDArraySyncCopyFromCPU(detached, (const float[]){1, 1, 1, 1, 1, 1, 1, 1}, 8));
    expect_floats(shared, (const float[]){1, 1, 1, 1}, 4);
    const NDArrayHandle all[] = {row, rows, flat, shared, detached};
    for (int i = 0; i < 5; i++)
        MX(MXNDArrayFree(all[i]));
}
END_TEST

START_TEST(a_view_of_memory_that_is_made_later_shares_it)
{
    NDArrayHandle array, row;
    MX(MXNDArrayCreateEx64((const int64_t[]){2, 2}, 2, 1, 0, 1, 0, &array));
    MX(MXNDArrayAt64(array, 1, &row));
    MX(MXNDArraySyncCopyFromCPU(row, (const float[]){7, 8}, 2));
    expect_floats(array, (const float[]){0, 0, 7, 8}, 4);
    MX(MXNDArrayFree(array));
    MX(MXNDArrayFree(row));
}
END_TEST

#define MOST 9
struct reshape_case {
    int count, dims[MOST];
    int rank; /* −1: fails with `text` */
    int64_t shape[MOST];
    const char *text;
};

static void check_plain(NDArrayHandle array, const struct reshape_case *one)
{
    NDArrayHandle view;
    int dims[MOST];
    memcpy(dims, one->dims, sizeof dims);
    if (one->rank < 0) {
        MX_FAILS(MXNDArrayReshape(array, one->count, dims, &view), one->text);
        return;
    }
    MX(MXNDArrayReshape(array, one->count, dims, &view));
    expect_shape(view, one->shape, (size_t)one->rank);
    MX(MXNDArrayFree(view));
}

static const struct reshape_case plain[] = {
    {2, {6, 4}, 2, {6, 4}, NULL},
    {2, {-1, 4}, 2, {6, 4}, NULL},
    {2, {0, -1}, 2, {2, 12}, NULL},
    {3, {0, 0, 0}, 3, {2, 3, 4}, NULL},
    {4, {0, 0, 0, 1}, 4, {2, 3, 4, 1}, NULL},
    {3, {2, -1, 3}, 3, {2, 4, 3}, NULL},
    {2, {-1, 0}, 2, {8, 3}, NULL},
    {8, {1, 1, 1, 1, 1, 1, 1, -1}, 8, {1, 1, 1, 1, 1, 1, 1, 24}, NULL},
    {2, {-1, -1}, -1, {0}, "more than one dimensions are -1"},
    {4, {0, 0, 0, 0}, -1, {0}, "0 dimension exceeds original shape"},
    {3, {2, 3, 5}, -1, {0}, "target shape size is larger than the current shape"},
    {1, {-2}, -1, {0}, "while received -2"},
    {9, {1, 1, 1, 1, 1, 1, 1, 1, -1}, -1, {0}, "8 dimensions"},
    {4, {INT32_MAX, INT32_MAX, INT32_MAX, -1}, -1, {0}, "Invalid new shape"},
    {3, {INT32_MAX, INT32_MAX, INT32_MAX}, -1, {0}, "larger than the current shape"},
};

/* Fewer elements than there are: the first ones, unless shapes are numpy's. */
static const struct reshape_case fewer[] = {
    {2, {2, 3}, 2, {2, 3}, "target shape must have the same size"},
    {2, {-1, 7}, 2, {3, 7}, "target shape must have the same size"},
    {3, {-1, 5, 5}, 3, {0, 5, 5}, "target shape must have the same size"},
    {0, {0}, 0, {0}, "target shape must have the same size"},
    {2, {0, 0}, 2, {2, 3}, "target shape must have the same size"},
};

START_TEST(reshaping_copies_zeros_and_infers_one_dimension)
{
    int previous;
    const NDArrayHandle array = make_counting(SHAPE(2, 3, 4), 24);
    for (int mode = 0; mode < 2; mode++) {
        MX(MXSetIsNumpyShape(mode, &previous));
        for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
            check_plain(array, &plain[i]);
        for (size_t i = 0; i < sizeof fewer / sizeof fewer[0]; i++) {
            struct reshape_case one = fewer[i];
            one.rank = mode == 0 ? one.rank : -1;
            check_plain(array, &one);
        }
    }
    MX(MXNDArrayFree(array));
}
END_TEST

struct code_case {
    int count;
    dim_t dims[MOST];
    bool reverse;
    int rank;
    int64_t shape[MOST];
    const char *text;
};

static const struct code_case codes[] = {
    {3, {4, 0, 2}, false, 3, {4, 3, 2}, NULL},
    {1, {-1}, false, 1, {24}, NULL},
    {2, {2, -1}, false, 2, {2, 12}, NULL},
    {1, {-2}, false, 3, {2, 3, 4}, NULL},
    {2, {-2, -2}, false, 3, {2, 3, 4}, NULL},
    {2, {2, -2}, false, 3, {2, 3, 4}, NULL},
    {3, {-2, 1, 1}, false, 5, {2, 3, 4, 1, 1}, NULL},
    {2, {-3, 4}, false, 2, {6, 4}, NULL},
    {2, {0, -3}, false, 2, {2, 12}, NULL},
    {2, {-3, -2}, false, 2, {6, 4}, NULL},
    {4, {-4, 1, 2, -2}, false, 4, {1, 2, 3, 4}, NULL},
    {5, {2, -4, -1, 3, -2}, false, 4, {2, 1, 3, 4}, NULL},
    {4, {-4, 1, 2, -1}, false, 3, {1, 2, 12}, NULL}, /* −1 behind more dimensions than codes */
    {2, {-1, 0}, false, 2, {8, 3}, NULL},
    {2, {-1, 0}, true, 2, {6, 4}, NULL},
    {2, {0, -1}, true, 2, {3, 8}, NULL},
    {3, {-1, 0, 0}, true, 3, {2, 3, 4}, NULL},
    {2, {-3, 0}, true, 2, {6, 4}, NULL},
    {2, {-2, 4}, true, 3, {2, 3, 4}, NULL},
    {4, {0, 1, 4, -4}, true, 3, {3, 1, 4}, NULL}, /* a split, read from the end */
    {4, {-2, 2, 2, -4}, true, 4, {2, 3, 2, 2}, NULL},
    {4, {0, 3, 1, -4}, true, -1, {0}, "do not divide original dim 4"},
    {2, {-1, -1}, false, -1, {0}, "only one dim can be inferred"},
    {5, {-4, -1, -1, 0, 0}, false, -1, {0}, "Split dims cannot both be -1."},
    {4, {-4, 1, 3, -2}, false, -1, {0}, "Split dims 1, 3 do not divide original dim 2"},
    {3, {-4, -1, 0}, false, -1, {0}, "do not divide original dim 2"},
    {3, {-4, -2, -1}, false, -1, {0}, "do not divide original dim 2"},
    {2, {-4, 1}, false, -1, {0}, "i + 2 < params_len"},
    {3, {4, -4, 3}, true, -1, {0}, "i + 2 < params_len"},
    {4, {0, 0, 0, 0}, false, -1, {0}, "src_idx < dshape_len (3 vs. 3)"},
    {3, {0, 0, -3}, false, -1, {0}, "src_idx < dshape_len"},
    {1, {-5}, false, -1, {0}, "while received -5"},
    {2, {6, -3}, false, -1, {0}, "target shape size is larger than the current shape"},
    {2, {INT64_MAX, INT64_MAX}, false, -1, {0}, "larger than the current shape"},
    {3, {INT64_MAX, INT64_MAX, -1}, false, -1, {0}, "Invalid new shape"},
    {9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, false, -1, {0}, "8 dimensions"},
};

START_TEST(codes_of_dimensions_mean_what_they_mean_in_reshape)
{
    NDArrayHandle view;
    const NDArrayHandle array = make_counting(SHAPE(2, 3, 4), 24);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        const struct code_case *one = &codes[i];
        dim_t dims[MOST];
        memcpy(dims, one->dims, sizeof dims);
        if (one->rank < 0) {
            MX_FAILS(MXNDArrayReshape64(array, one->count, dims, one->reverse, &view), one->text);
            continue;
        }
        MX(MXNDArrayReshape64(array, one->count, dims, one->reverse, &view));
        expect_shape(view, one->shape, (size_t)one->rank);
        MX(MXNDArrayFree(view));
    }
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(an_array_without_elements_is_reshaped)
{
    NDArrayHandle view;
    const NDArrayHandle array = make_array(SHAPE(0, 3));
    MX(MXNDArrayReshape(array, 2, (int[]){-1, 5}, &view));
    expect_shape(view, SHAPE(0, 5));
    MX(MXNDArrayFree(view));
    /* What is left over beside nothing is not known. */
    MX_FAILS(MXNDArrayReshape(array, 2, (int[]){0, -1}, &view),
             "a dimension of -1 beside one of 0");
    MX_FAILS(MXNDArrayReshape64(array, 2, (dim_t[]){0, -1}, true, &view),
             "a dimension of -1 beside one of 0");
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(slices_keep_to_the_array)
{
    NDArrayHandle view;
    const NDArrayHandle array = make_counting(SHAPE(2, 3), 6), none = make_none(),
                        scalar = make_array(NULL, 0);
    MX(MXNDArraySlice(array, 1, 1, &view));
    expect_shape(view, SHAPE(0, 3));
    MX(MXNDArrayFree(view));
    MX(MXNDArraySlice64(array, 0, 2, &view));
    expect_floats(view, (const float[]){0, 1, 2, 3, 4, 5}, 6);
    MX(MXNDArrayFree(view));
    MX_FAILS(MXNDArraySlice(array, 2, 1, &view), "Invalid slicing range [2, 1)");
    MX_FAILS(MXNDArraySlice(array, 0, 3, &view), "(2 vs. 3) : Slice end index out of range");
    MX_FAILS(MXNDArraySlice64(array, -1, 2, &view), "Invalid slicing range [-1, 2)");
    MX_FAILS(MXNDArraySlice64(array, INT64_MIN, INT64_MAX, &view), "Invalid slicing range");
    MX_FAILS(MXNDArraySlice(none, 0, 0, &view), "NDArray is empty");
    MX_FAILS(MXNDArraySlice(scalar, 0, 0, &view), "without dimensions");
    MX_FAILS(MXNDArraySlice(NULL, 0, 0, &view), "handle");
    MX_FAILS(MXNDArraySlice(array, 0, 0, NULL), "out");
    MX_FAILS(MXNDArrayAt(array, 2, &view), "(2 vs. 3) : Slice end index out of range");
    MX_FAILS(MXNDArrayAt64(array, -1, &view), "Invalid slicing range [-1, 0)");
    MX_FAILS(MXNDArrayAt64(array, INT64_MAX, &view), "Slice end index out of range");
    MX_FAILS(MXNDArrayAt(none, 0, &view), "NDArray is empty");
    MX_FAILS(MXNDArrayReshape(none, 1, (int[]){1}, &view), "NDArray is not initialized");
    MX_FAILS(MXNDArrayReshape(array, -1, (int[]){1}, &view), "ndim");
    MX_FAILS(MXNDArrayReshape(array, 1, NULL, &view), "dims");
    MX_FAILS(MXNDArrayReshape(array, 1, (int[]){6}, NULL), "out");
    MX_FAILS(MXNDArrayReshape64(NULL, 1, (dim_t[]){6}, false, &view), "handle");
    MX(MXNDArrayFree(array));
    MX(MXNDArrayFree(none));
    MX(MXNDArrayFree(scalar));
}
END_TEST

START_TEST(an_element_of_a_vector_has_a_dimension_unless_shapes_are_numpys)
{
    NDArrayHandle element;
    int previous;
    const NDArrayHandle array = make_counting(SHAPE(5), 5);
    MX(MXNDArrayAt(array, 3, &element));
    expect_shape(element, SHAPE(1));
    expect_floats(element, (const float[]){3}, 1);
    MX(MXNDArrayFree(element));
    MX(MXSetIsNumpyShape(1, &previous));
    MX(MXNDArrayAt(array, 4, &element));
    expect_shape(element, NULL, 0);
    expect_floats(element, (const float[]){4}, 1);
    MX(MXNDArrayFree(element));
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(a_view_of_a_few_elements_does_not_grow_again)
{
    NDArrayHandle few, more;
    const NDArrayHandle array = make_counting(SHAPE(4), 4);
    MX(MXNDArrayReshape(array, 1, (int[]){2}, &few));
    MX_FAILS(MXNDArrayReshape(few, 1, (int[]){4}, &more), "larger than the current shape");
    MX(MXNDArrayFree(few));
    MX(MXNDArrayFree(array));
}
END_TEST

int main(void)
{
    return RUN_TESTS("mx_array_views", a_write_is_seen_through_every_view,
                     a_view_of_memory_that_is_made_later_shares_it,
                     reshaping_copies_zeros_and_infers_one_dimension,
                     codes_of_dimensions_mean_what_they_mean_in_reshape,
                     an_array_without_elements_is_reshaped, slices_keep_to_the_array,
                     an_element_of_a_vector_has_a_dimension_unless_shapes_are_numpys,
                     a_view_of_a_few_elements_does_not_grow_again);
}
