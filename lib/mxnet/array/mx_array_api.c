// SPDX-License-Identifier: Apache-2.0
/* Exported functions: making arrays, what they are, their elements, waiting. */
#include <mxnet/c_api/ndarray.h>

#include <string.h>

#include "base/error.h"
#include "mxnet/array/mx_array.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_returns.h"

static cop_status create_none(NDArrayHandle *out, cop_error *error)
{
    struct mx_array *array;
    COP_MX_REQUIRE(out);
    COP_TRY(cop_mx_array_create_none(&array, error));
    *out = array;
    return COP_STATUS_OK;
}

int MXNDArrayCreateNone(NDArrayHandle *out)
{
    cop_error error;
    return cop_mx_end(create_none(out, &error), &error);
}

/* Dimensions of 32 bits without a sign, or of 64 with one. */
static cop_status take_shape(const uint32_t *narrow, const int64_t *wide, int64_t ndim,
                             struct shape *shape, cop_error *error)
{
    if (ndim > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "an array of %lld dimensions is not supported, at most %d are",
                        (long long)ndim, COP_MAX_RANK);
    if (ndim < 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Check failed: ndim >= 0 (%lld vs. 0)",
                        (long long)ndim);
    if (ndim > 0 && narrow == NULL && wide == NULL)
        return cop_mx_fail_null("shape", error);
    *shape = cop_shape_of(0, NULL);
    shape->rank = (int)ndim;
    for (int i = 0; i < shape->rank; i++)
        shape->dims[i] = narrow != NULL ? narrow[i] : wide[i];
    return COP_STATUS_OK;
}

static cop_status create(const uint32_t *narrow, const int64_t *wide, int64_t ndim, int dev_type,
                         int dev_id, int delay_alloc, int dtype, NDArrayHandle *out,
                         cop_error *error)
{
    struct shape shape;
    struct mx_context context;
    struct mx_array *array;
    COP_MX_REQUIRE(out);
    COP_TRY(take_shape(narrow, wide, ndim, &shape, error));
    COP_TRY(cop_mx_context_make(dev_type, dev_id, &context, error));
    COP_TRY(cop_mx_array_create(&shape, dtype, context, delay_alloc != 0, &array, error));
    *out = array;
    return COP_STATUS_OK;
}

int MXNDArrayCreateEx(const uint32_t *shape, uint32_t ndim, int dev_type, int dev_id,
                      int delay_alloc, int dtype, NDArrayHandle *out)
{
    cop_error error;
    return cop_mx_end(create(shape, NULL, ndim, dev_type, dev_id, delay_alloc, dtype, out, &error),
                      &error);
}

int MXNDArrayCreate(const uint32_t *shape, uint32_t ndim, int dev_type, int dev_id, int delay_alloc,
                    NDArrayHandle *out)
{
    return MXNDArrayCreateEx(shape, ndim, dev_type, dev_id, delay_alloc, MX_FLOAT32, out);
}

int MXNDArrayCreateEx64(const int64_t *shape, int ndim, int dev_type, int dev_id, int delay_alloc,
                        int dtype, NDArrayHandle *out)
{
    cop_error error;
    return cop_mx_end(create(NULL, shape, ndim, dev_type, dev_id, delay_alloc, dtype, out, &error),
                      &error);
}

static cop_status free_array(NDArrayHandle handle, cop_error *error)
{
    if (handle == NULL)
        return COP_STATUS_OK;
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    cop_mx_array_destroy(handle);
    return COP_STATUS_OK;
}

int MXNDArrayFree(NDArrayHandle handle)
{
    cop_error error;
    return cop_mx_end(free_array(handle, &error), &error);
}

/* The dimensions in a slot, in elements of 4 or 8 bytes; `*dims` stays for a none array. */
static cop_status get_shape(NDArrayHandle handle, size_t dim_bytes, int *rank, const void **dims,
                            cop_error *error)
{
    void *memory;
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    const struct mx_array *array = handle;
    *rank = cop_mx_is_numpy_shape() ? -1 : 0;
    if (cop_mx_array_is_none(array))
        return COP_STATUS_OK;
    COP_TRY(cop_mx_slot_take(MX_SLOT_SHAPE, COP_MAX_RANK * sizeof(int64_t), &memory, error));
    for (int i = 0; i < array->shape.rank; i++) {
        if (dim_bytes == sizeof(int64_t))
            ((int64_t *)memory)[i] = array->shape.dims[i];
        else /* below 2^31, as all that an array may have */
            ((int32_t *)memory)[i] = (int32_t)array->shape.dims[i];
    }
    *rank = array->shape.rank;
    *dims = memory;
    return COP_STATUS_OK;
}

static cop_status get_shape_unsigned(NDArrayHandle handle, uint32_t *out_dim,
                                     const uint32_t **out_pdata, cop_error *error)
{
    int rank;
    COP_MX_REQUIRE(out_dim);
    COP_MX_REQUIRE(out_pdata);
    const void *dims = *out_pdata;
    COP_TRY(get_shape(handle, sizeof(uint32_t), &rank, &dims, error));
    *out_dim = rank < 0 ? 0 : (uint32_t)rank;
    *out_pdata = dims;
    return COP_STATUS_OK;
}

int MXNDArrayGetShape(NDArrayHandle handle, uint32_t *out_dim, const uint32_t **out_pdata)
{
    cop_error error;
    return cop_mx_end(get_shape_unsigned(handle, out_dim, out_pdata, &error), &error);
}

static cop_status get_shape_signed(NDArrayHandle handle, int *out_dim, const int **out_pdata,
                                   cop_error *error)
{
    int rank;
    COP_MX_REQUIRE(out_dim);
    COP_MX_REQUIRE(out_pdata);
    const void *dims = *out_pdata;
    COP_TRY(get_shape(handle, sizeof(int), &rank, &dims, error));
    *out_dim = rank;
    *out_pdata = dims;
    return COP_STATUS_OK;
}

int MXNDArrayGetShapeEx(NDArrayHandle handle, int *out_dim, const int **out_pdata)
{
    cop_error error;
    return cop_mx_end(get_shape_signed(handle, out_dim, out_pdata, &error), &error);
}

static cop_status get_shape_wide(NDArrayHandle handle, int *out_dim, const int64_t **out_pdata,
                                 cop_error *error)
{
    int rank;
    COP_MX_REQUIRE(out_dim);
    COP_MX_REQUIRE(out_pdata);
    const void *dims = *out_pdata;
    COP_TRY(get_shape(handle, sizeof(int64_t), &rank, &dims, error));
    *out_dim = rank;
    *out_pdata = dims;
    return COP_STATUS_OK;
}

int MXNDArrayGetShapeEx64(NDArrayHandle handle, int *out_dim, const int64_t **out_pdata)
{
    cop_error error;
    return cop_mx_end(get_shape_wide(handle, out_dim, out_pdata, &error), &error);
}

static cop_status get_type(NDArrayHandle handle, int *out_dtype, cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    COP_MX_REQUIRE(out_dtype);
    *out_dtype = ((const struct mx_array *)handle)->type;
    return COP_STATUS_OK;
}

int MXNDArrayGetDType(NDArrayHandle handle, int *out_dtype)
{
    cop_error error;
    return cop_mx_end(get_type(handle, out_dtype, &error), &error);
}

static cop_status get_context(NDArrayHandle handle, int *out_dev_type, int *out_dev_id,
                              cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    COP_MX_REQUIRE(out_dev_type);
    COP_MX_REQUIRE(out_dev_id);
    const struct mx_context context = cop_mx_array_context(handle);
    *out_dev_type = context.type;
    *out_dev_id = context.id;
    return COP_STATUS_OK;
}

int MXNDArrayGetContext(NDArrayHandle handle, int *out_dev_type, int *out_dev_id)
{
    cop_error error;
    return cop_mx_end(get_context(handle, out_dev_type, out_dev_id, &error), &error);
}

static cop_status get_storage_type(NDArrayHandle handle, int *out_storage_type, cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    COP_MX_REQUIRE(out_storage_type);
    *out_storage_type = cop_mx_array_is_none(handle) ? -1 : 0;
    return COP_STATUS_OK;
}

int MXNDArrayGetStorageType(NDArrayHandle handle, int *out_storage_type)
{
    cop_error error;
    return cop_mx_end(get_storage_type(handle, out_storage_type, &error), &error);
}

static cop_status get_elements(NDArrayHandle handle, void **out_pdata, cop_error *error)
{
    cop_ndarray *view;
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    COP_MX_REQUIRE(out_pdata);
    const struct mx_array *array = handle;
    if (cop_mx_array_is_none(array)) {
        *out_pdata = NULL;
        return COP_STATUS_OK;
    }
    COP_TRY(cop_mx_array_open(array, &view, error));
    if (cop_ndarray_bytes(view) > 0)
        atomic_store(&array->chunk->is_exposed, true);
    *out_pdata = cop_ndarray_bytes(view) > 0 ? cop_ndarray_data(view) : NULL;
    return COP_STATUS_OK;
}

int MXNDArrayGetData(NDArrayHandle handle, void **out_pdata)
{
    cop_error error;
    return cop_mx_end(get_elements(handle, out_pdata, &error), &error);
}

static cop_status copy_from(NDArrayHandle handle, const void *data, size_t size, cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    if (size > 0)
        COP_MX_REQUIRE(data);
    return cop_mx_array_write(handle, data, size, error);
}

int MXNDArraySyncCopyFromCPU(NDArrayHandle handle, const void *data, size_t size)
{
    cop_error error;
    return cop_mx_end(copy_from(handle, data, size, &error), &error);
}

static cop_status copy_to(NDArrayHandle handle, void *data, size_t size, cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    if (size > 0)
        COP_MX_REQUIRE(data);
    return cop_mx_array_read(handle, data, size, error);
}

int MXNDArraySyncCopyToCPU(NDArrayHandle handle, void *data, size_t size)
{
    cop_error error;
    return cop_mx_end(copy_to(handle, data, size, &error), &error);
}

/* Shapes may differ as long as the number of elements is one. */
static cop_status copy_between(NDArrayHandle handle_dst, NDArrayHandle handle_src, int i,
                               cop_error *error)
{
    struct mx_array *shaped;
    COP_TRY(cop_mx_check_handle(handle_dst, MX_KIND_ARRAY, "handle_dst", error));
    COP_TRY(cop_mx_check_handle(handle_src, MX_KIND_ARRAY, "handle_src", error));
    const struct mx_array *src = handle_src, *dst = handle_dst;
    if (i >= 0)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "Check failed: a dense array has no auxiliary array %d", i);
    if (cop_mx_array_is_none(src) || cop_mx_array_is_none(dst))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: %s dense ndarray must have been initialized",
                        cop_mx_array_is_none(src) ? "src" : "dst");
    const int64_t from = cop_shape_product(&src->shape, 0, src->shape.rank);
    const int64_t to = cop_shape_product(&dst->shape, 0, dst->shape.rank);
    if (from != to)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: %lld elements do not fit into an array of %lld",
                        (long long)from, (long long)to);
    COP_TRY(cop_mx_array_view(dst, dst->offset_bytes, dst->type, &src->shape, &shaped, error));
    const cop_status status = cop_mx_array_copy(src, shaped, error);
    cop_mx_array_destroy(shaped);
    return status;
}

int MXNDArraySyncCopyFromNDArray(NDArrayHandle handle_dst, const NDArrayHandle handle_src,
                                 const int i)
{
    cop_error error;
    return cop_mx_end(copy_between(handle_dst, handle_src, i, &error), &error);
}

static cop_status wait_to_read(NDArrayHandle handle, cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    return cop_mx_array_wait(handle, error);
}

int MXNDArrayWaitToRead(NDArrayHandle handle)
{
    cop_error error;
    return cop_mx_end(wait_to_read(handle, &error), &error);
}

static cop_status wait_to_write(NDArrayHandle handle, cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_ARRAY, "handle", error));
    return cop_mx_array_wait_to_write(handle, error);
}

int MXNDArrayWaitToWrite(NDArrayHandle handle)
{
    cop_error error;
    return cop_mx_end(wait_to_write(handle, &error), &error);
}

int MXNDArrayWaitAll(void)
{
    cop_error error;
    return cop_mx_end(cop_mx_wait_all(&error), &error);
}
