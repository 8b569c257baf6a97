// SPDX-License-Identifier: Apache-2.0
/* Exported functions: views of arrays. */
#include <mxnet/c_api/ndarray.h>

#include <inttypes.h>

#include "base/error.h"
#include "model/mxnet/params.h"
#include "mxnet/array/mx_array.h"
#include "mxnet/array/mx_reshape.h"
#include "mxnet/base/mx_error.h"

static int64_t elements_of(const struct shape *shape)
{
    return cop_shape_product(shape, 0, shape->rank);
}

static cop_status check_reshape(NDArrayHandle handle, int ndim, const void *dims,
                                const NDArrayHandle *out, cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    COP_MX_REQUIRE(out);
    if (ndim > 0)
        COP_MX_REQUIRE(dims);
    if (ndim < 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Check failed: ndim >= 0 (%d vs. 0)",
                        ndim);
    if (cop_mx_array_is_none(handle))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: !is_none(): NDArray is not initialized");
    return COP_STATUS_OK;
}

/* The first elements suffice unless shapes are numpy's. */
static cop_status view_as(const struct mx_array *array, const struct shape *shape,
                          NDArrayHandle *out, cop_error *error)
{
    int64_t to;
    struct mx_array *view;
    const int64_t from = elements_of(&array->shape);
    if (!cop_shape_elements(shape, &to) || to > from)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "NDArray.Reshape: Check failed: shape_.Size() >= shape.Size(): target "
                        "shape size is larger than the current shape: %s of %s",
                        cop_shape_text(shape).text, cop_shape_text(&array->shape).text);
    if (to < from && cop_mx_is_numpy_shape())
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "NDArray.Reshape: Check failed: shape_.Size() == shape.Size(): target "
                        "shape must have the same size as current shape: %s of %s",
                        cop_shape_text(shape).text, cop_shape_text(&array->shape).text);
    COP_TRY(cop_mx_array_view(array, array->offset_bytes, array->type, shape, &view, error));
    *out = view;
    return COP_STATUS_OK;
}

static cop_status reshape(NDArrayHandle handle, int ndim, const int *dims, NDArrayHandle *out,
                          cop_error *error)
{
    struct shape shape;
    COP_TRY(check_reshape(handle, ndim, dims, out, error));
    const struct mx_array *array = handle;
    COP_TRY(cop_mx_reshape_plainly(&array->shape, ndim, dims, &shape, error));
    return view_as(array, &shape, out, error);
}

int MXNDArrayReshape(NDArrayHandle handle, int ndim, int *dims, NDArrayHandle *out)
{
    cop_error error;
    return cop_mx_end(reshape(handle, ndim, dims, out, &error), &error);
}

static cop_status reshape_by_codes(NDArrayHandle handle, int ndim, const dim_t *dims, bool reverse,
                                   NDArrayHandle *out, cop_error *error)
{
    struct shape shape;
    COP_TRY(check_reshape(handle, ndim, dims, out, error));
    const struct mx_array *array = handle;
    COP_TRY(cop_mx_reshape_by_codes(&array->shape, ndim, dims, reverse, &shape, error));
    return view_as(array, &shape, out, error);
}

int MXNDArrayReshape64(NDArrayHandle handle, int ndim, dim_t *dims, bool reverse,
                       NDArrayHandle *out)
{
    cop_error error;
    return cop_mx_end(reshape_by_codes(handle, ndim, dims, reverse, out, &error), &error);
}

static cop_status check_rows(NDArrayHandle handle, int64_t begin, int64_t end,
                             const NDArrayHandle *out, cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    COP_MX_REQUIRE(out);
    const struct mx_array *array = handle;
    if (cop_mx_array_is_none(array))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: !is_none(): NDArray is empty");
    if (begin < 0 || begin > end)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: begin <= end (%" PRId64 " vs. %" PRId64
                        ") : Invalid slicing range [%" PRId64 ", %" PRId64 ")",
                        begin, end, begin, end);
    if (array->shape.rank == 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: an array without dimensions has no slices");
    if (end > array->shape.dims[0])
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: shape_[0] >= end (%" PRId64 " vs. %" PRId64
                        ") : Slice end index out of range",
                        array->shape.dims[0], end);
    return COP_STATUS_OK;
}

/* Where a row begins in the chunk. */
static size_t row_offset(const struct mx_array *array, int64_t row)
{
    const int64_t row_elements = cop_shape_product(&array->shape, 1, array->shape.rank);
    return array->offset_bytes +
           (size_t)(row * row_elements) * cop_dtype_bytes(cop_mxnet_dtype(array->type));
}

static cop_status slice(NDArrayHandle handle, int64_t begin, int64_t end, NDArrayHandle *out,
                        cop_error *error)
{
    struct mx_array *view;
    COP_TRY(check_rows(handle, begin, end, out, error));
    const struct mx_array *array = handle;
    struct shape shape = array->shape;
    shape.dims[0] = end - begin;
    COP_TRY(cop_mx_array_view(array, row_offset(array, begin), array->type, &shape, &view, error));
    *out = view;
    return COP_STATUS_OK;
}

int MXNDArraySlice64(NDArrayHandle handle, int64_t slice_begin, int64_t slice_end,
                     NDArrayHandle *out)
{
    cop_error error;
    return cop_mx_end(slice(handle, slice_begin, slice_end, out, &error), &error);
}

int MXNDArraySlice(NDArrayHandle handle, uint32_t slice_begin, uint32_t slice_end,
                   NDArrayHandle *out)
{
    return MXNDArraySlice64(handle, slice_begin, slice_end, out);
}

/* A row; of a vector an array of one element, or a scalar where shapes are numpy's. */
static cop_status take_row(NDArrayHandle handle, int64_t row, NDArrayHandle *out, cop_error *error)
{
    struct mx_array *view;
    COP_TRY(check_rows(handle, row, row == INT64_MAX ? row : row + 1, out, error));
    const struct mx_array *array = handle;
    struct shape shape = cop_shape_of(array->shape.rank - 1, array->shape.dims + 1);
    if (array->shape.rank == 1 && !cop_mx_is_numpy_shape())
        shape = cop_shape_of(1, (const int64_t[]){1});
    COP_TRY(cop_mx_array_view(array, row_offset(array, row), array->type, &shape, &view, error));
    *out = view;
    return COP_STATUS_OK;
}

int MXNDArrayAt64(NDArrayHandle handle, int64_t idx, NDArrayHandle *out)
{
    cop_error error;
    return cop_mx_end(take_row(handle, idx, out, &error), &error);
}

int MXNDArrayAt(NDArrayHandle handle, uint32_t idx, NDArrayHandle *out)
{
    return MXNDArrayAt64(handle, idx, out);
}

static cop_status share(NDArrayHandle handle, const char *what, NDArrayHandle *out,
                        cop_error *error)
{
    struct mx_array *shared;
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, what, error));
    COP_MX_REQUIRE(out);
    COP_TRY(cop_mx_array_share(handle, &shared, error));
    *out = shared;
    return COP_STATUS_OK;
}

int MXNDArrayDetach(NDArrayHandle handle, NDArrayHandle *out)
{
    cop_error error;
    return cop_mx_end(share(handle, "handle", out, &error), &error);
}

int MXShallowCopyNDArray(NDArrayHandle src, NDArrayHandle *out)
{
    cop_error error;
    return cop_mx_end(share(src, "src", out, &error), &error);
}

static cop_status get_gradient(NDArrayHandle handle, NDArrayHandle *out, cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    COP_MX_REQUIRE(out);
    *out = NULL;
    return COP_STATUS_OK;
}

int MXNDArrayGetGrad(NDArrayHandle handle, NDArrayHandle *out)
{
    cop_error error;
    return cop_mx_end(get_gradient(handle, out, &error), &error);
}
