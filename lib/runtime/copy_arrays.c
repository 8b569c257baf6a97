// SPDX-License-Identifier: Apache-2.0
/* Copies between arrays, in the order of the calls that use them. */
#include <cachedop/ndarray.h>

#include "base/error.h"
#include "ir/shape.h"
#include "runtime/engine/engine.h"
#include "runtime/storage.h"

static bool overlap(const cop_ndarray *a, const cop_ndarray *b)
{
    return a->elements < b->elements + b->bytes && b->elements < a->elements + a->bytes;
}

/* Memory of a storage that only a device reaches; NULL: the process reaches it. */
static struct device *only_device(const cop_ndarray *array)
{
    return array->storage->memory_kind == MEMORY_DEVICE ? array->storage->device : NULL;
}

static cop_status check(const cop_ndarray *src, const cop_ndarray *dst, cop_error *error)
{
    if (src == NULL || dst == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "copy: an array is NULL");
    const struct shape from = cop_shape_of(src->rank, src->shape);
    const struct shape to = cop_shape_of(dst->rank, dst->shape);
    if (src->dtype != dst->dtype || !cop_shape_equal(&from, &to))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "copy: %s %s is not %s %s",
                        cop_dtype_name(src->dtype), cop_shape_text(&from).text,
                        cop_dtype_name(dst->dtype), cop_shape_text(&to).text);
    if (overlap(src, dst) || src->storage == dst->storage)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "copy: both arrays are of one storage");
    const struct device *a = only_device(src), *b = only_device(dst);
    if (a != NULL && b != NULL && a != b)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "copy: one array lies in memory of gpu:%d, the other of gpu:%d",
                        a->id.index, b->id.index);
    return COP_STATUS_OK;
}

static cop_status copy(const cop_ndarray *src, const cop_ndarray *dst, cop_error *error)
{
    struct device *device = only_device(src);
    if (device == NULL)
        device = only_device(dst);
    return cop_memory_copy(device, src->elements, dst->elements, src->bytes, error);
}

/* Others use one of the arrays: stands in line like an invocation. */
static cop_status copy_in_line(cop_ndarray *src, cop_ndarray *dst, cop_error *error)
{
    struct access accesses[] = {
        {.storage = src->storage, .is_read = true},
        {.storage = dst->storage, .is_write = true},
    };
    struct task task = {.accesses = accesses, .access_count = 2};
    cop_error own;
    cop_error *text = error != NULL ? error : &own;
    cop_status status = cop_engine_enter(&task, &cop_no_limits);
    if (status != COP_STATUS_OK)
        return cop_fail(text, status, "copy: it could not wait for the arrays");
    struct failure *failure = NULL;
    status = cop_engine_inherited_failure(&task, text);
    const bool has_begun = status == COP_STATUS_OK;
    if (has_begun)
        status = copy(src, dst, text);
    if (has_begun && status != COP_STATUS_OK)
        failure = cop_failure_of_call(status, text);
    cop_engine_leave(&task, has_begun, failure);
    if (failure != NULL)
        cop_failure_release(failure);
    return status;
}

cop_status cop_ndarray_copy(cop_ndarray *src, cop_ndarray *dst, cop_error *error)
{
    cop_status status = check(src, dst, error);
    if (status != COP_STATUS_OK)
        return status;
    if (!cop_storage_try_read(src->storage)) {
        status = copy_in_line(src, dst, error);
    } else if (!cop_storage_try_write(dst->storage)) {
        cop_storage_end_read(src->storage);
        status = copy_in_line(src, dst, error);
    } else {
        status = copy(src, dst, error);
        cop_storage_end_write(dst->storage);
        cop_storage_end_read(src->storage);
    }
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}
