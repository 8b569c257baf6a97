// SPDX-License-Identifier: Apache-2.0
/* Making arrays and views of them. */
#include "mxnet/array/mx_array.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/mxnet/params.h"
#include "mxnet/array/mx_array_parts.h"

static struct mx_array *allocate(cop_error *error)
{
    struct mx_array *array = cop_alloc(1, sizeof *array);
    if (array == NULL) {
        cop_fail_memory(error, "an array", sizeof *array);
        return NULL;
    }
    array->object.kind = MX_KIND_ARRAY;
    array->type = MX_TYPE_NONE;
    array->shape = cop_shape_of(0, NULL);
    return array;
}

cop_status cop_mx_array_create_none(struct mx_array **array, cop_error *error)
{
    *array = allocate(error);
    return *array == NULL ? COP_STATUS_OUT_OF_MEMORY : COP_STATUS_OK;
}

/* Also of arrays without elements: 32 bits have to hold every dimension. */
static bool is_too_large(const struct shape *shape, int64_t *elements)
{
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] >= INT32_MAX)
            return true;
    return !cop_shape_elements(shape, elements) || *elements >= INT32_MAX;
}

static cop_status check_shape(const struct shape *shape, int type, size_t *bytes, cop_error *error)
{
    int64_t elements = 0;
    if (!cop_mx_type_is_one(type))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Unknown type enum %d", type);
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 0)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "Check failed: dim_size_is_known(*it): Shape dim size cannot be a "
                            "negative value %lld",
                            (long long)shape->dims[i]);
    if (is_too_large(shape, &elements))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: %s: Size of tensor you are trying to allocate is larger "
                        "than 2^31 elements. Please build with flag USE_INT64_TENSOR_SIZE=1",
                        cop_shape_text(shape).text);
    *bytes = (size_t)elements * cop_dtype_bytes(cop_mxnet_dtype(type));
    return COP_STATUS_OK;
}

cop_status cop_mx_array_fill_none(struct mx_array *array, const struct shape *shape, int type,
                                  struct mx_context context, cop_error *error)
{
    size_t bytes;
    COP_TRY(check_shape(shape, type, &bytes, error));
    array->chunk = cop_mx_chunk_create(bytes, context, error);
    if (array->chunk == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    array->type = type;
    array->shape = *shape;
    return COP_STATUS_OK;
}

cop_status cop_mx_array_create(const struct shape *shape, int type, struct mx_context context,
                               bool is_delayed, struct mx_array **array, cop_error *error)
{
    cop_ndarray *view;
    struct mx_array *made = allocate(error);
    *array = NULL;
    if (made == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    cop_status status = cop_mx_array_fill_none(made, shape, type, context, error);
    if (status == COP_STATUS_OK && !is_delayed)
        status = cop_mx_array_open(made, &view, error);
    if (status == COP_STATUS_OK)
        *array = made;
    else
        cop_mx_array_destroy(made);
    return status;
}

/* The first to get the memory: nobody else sees the array yet. */
static cop_status take_over(struct mx_array *array, cop_ndarray *made, struct mx_context context,
                            cop_error *error)
{
    array->chunk = cop_mx_chunk_create(cop_ndarray_bytes(made), context, error);
    if (array->chunk == NULL) {
        cop_ndarray_release(&made);
        return COP_STATUS_OUT_OF_MEMORY;
    }
    array->offset_bytes = 0;
    array->type = cop_mx_type_of(cop_ndarray_dtype(made));
    array->shape = cop_shape_of(cop_ndarray_rank(made), cop_ndarray_shape(made));
    atomic_store_explicit(&array->view, cop_ndarray_retain(made), memory_order_release);
    atomic_store_explicit(&array->chunk->storage, made, memory_order_release);
    return COP_STATUS_OK;
}

cop_status cop_mx_array_adopt_into(struct mx_array *array, cop_ndarray *made,
                                   struct mx_context context, cop_error *error)
{
    return take_over(array, made, context, error);
}

cop_status cop_mx_array_adopt(cop_ndarray *made, struct mx_context context, struct mx_array **array,
                              cop_error *error)
{
    struct mx_array *adopted = allocate(error);
    *array = NULL;
    if (adopted == NULL) {
        cop_ndarray_release(&made);
        return COP_STATUS_OUT_OF_MEMORY;
    }
    const cop_status status = take_over(adopted, made, context, error);
    if (status == COP_STATUS_OK)
        *array = adopted;
    else
        cop_mx_array_destroy(adopted);
    return status;
}

static void share(const struct mx_array *array, struct mx_array *shared)
{
    cop_ndarray *view = atomic_load_explicit(&array->view, memory_order_acquire);
    if (array->chunk != NULL)
        cop_mx_chunk_retain(array->chunk);
    shared->chunk = array->chunk;
    shared->offset_bytes = array->offset_bytes;
    shared->type = array->type;
    shared->shape = array->shape;
    atomic_store_explicit(&shared->view, view == NULL ? NULL : cop_ndarray_retain(view),
                          memory_order_release);
}

cop_status cop_mx_array_share_into(const struct mx_array *array, struct mx_array *none,
                                   cop_error *error)
{
    (void)error;
    share(array, none);
    return COP_STATUS_OK;
}

cop_status cop_mx_array_share(const struct mx_array *array, struct mx_array **shared,
                              cop_error *error)
{
    *shared = allocate(error);
    if (*shared == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    share(array, *shared);
    return COP_STATUS_OK;
}

cop_status cop_mx_array_view(const struct mx_array *array, size_t offset_bytes, int type,
                             const struct shape *shape, struct mx_array **view, cop_error *error)
{
    size_t bytes;
    *view = NULL;
    COP_TRY(check_shape(shape, type, &bytes, error));
    if (array->chunk == NULL || offset_bytes > array->chunk->bytes ||
        bytes > array->chunk->bytes - offset_bytes)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: a view %s would reach beyond the array",
                        cop_shape_text(shape).text);
    *view = allocate(error);
    if (*view == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    cop_mx_chunk_retain(array->chunk);
    (*view)->chunk = array->chunk;
    (*view)->offset_bytes = offset_bytes;
    (*view)->type = type;
    (*view)->shape = *shape;
    return COP_STATUS_OK;
}

void cop_mx_array_empty(struct mx_array *array)
{
    cop_ndarray *view = atomic_exchange_explicit(&array->view, NULL, memory_order_acq_rel);
    cop_ndarray_release(&view);
    cop_mx_chunk_release(array->chunk);
    array->chunk = NULL;
    array->offset_bytes = 0;
    array->type = MX_TYPE_NONE;
    array->shape = cop_shape_of(0, NULL);
}

void cop_mx_array_destroy(struct mx_array *array)
{
    if (array == NULL)
        return;
    cop_mx_array_empty(array);
    array->object.kind = MX_KIND_FREED;
    cop_free(array);
}

struct mx_context cop_mx_array_context(const struct mx_array *array)
{
    return array->chunk == NULL ? (struct mx_context){0, 0} : array->chunk->context;
}

cop_status cop_mx_array_open(const struct mx_array *array, cop_ndarray **view, cop_error *error)
{
    cop_ndarray *storage, *made;
    *view = atomic_load_explicit(&array->view, memory_order_acquire);
    if (*view != NULL)
        return COP_STATUS_OK;
    COP_TRY(cop_mx_chunk_open(array->chunk, &storage, error));
    COP_TRY(cop_ndarray_view(storage, array->offset_bytes, cop_mxnet_dtype(array->type),
                             array->shape.rank, array->shape.dims, &made, error));
    /* The cache is no part of the array's value. */
    *view = cop_mx_publish((_Atomic(cop_ndarray *) *)&array->view, made);
    return COP_STATUS_OK;
}
