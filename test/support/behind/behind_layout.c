// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "base/error.h"
#include "support/behind/behind_device.h"

int64_t behind_columns(const struct shape *shape)
{
    return shape->rank == 0 ? 1 : shape->dims[shape->rank - 1];
}

int64_t behind_rows(const struct shape *shape)
{
    return shape->rank == 0 ? 1 : cop_shape_product(shape, 0, shape->rank - 1);
}

int64_t behind_pitch(const struct layout *layout, int64_t columns)
{
    return layout == NULL || layout->is_linear ? columns : columns + 3;
}

cop_status behind_layout_create(const struct shape *shape, bool is_padded,
                                const struct layout **layout, cop_error *error)
{
    struct behind_layout *made = cop_alloc(1, sizeof *made);
    *layout = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "layout", sizeof *made);
    cop_refcount_init(&made->base.refs);
    made->base.backend = &behind_backend;
    made->base.is_on_device = true;
    made->base.is_linear = !is_padded;
    made->base.name = is_padded ? "padded" : "linear";
    made->is_padded = is_padded;
    made->rows = behind_rows(shape);
    made->columns = behind_columns(shape);
    made->base.bytes =
        (size_t)(made->rows * behind_pitch(&made->base, made->columns)) * sizeof(float);
    made->base.hash = is_padded ? 1000003 * (uint64_t)made->rows + (uint64_t)made->columns
                                : (uint64_t)made->base.bytes;
    atomic_fetch_add(&behind_control.layouts, 1);
    *layout = &made->base;
    return COP_STATUS_OK;
}

/* Elements lie on the device as they lie in plain memory. */
cop_status behind_layout_linear(struct device *device, const struct layout *like, cop_dtype dtype,
                                const struct shape *shape, const struct layout **linear,
                                cop_error *error)
{
    (void)device, (void)like, (void)dtype; /* there is but float32 */
    return behind_layout_create(shape, false, linear, error);
}

bool behind_layout_equal(const struct layout *a, const struct layout *b)
{
    const struct behind_layout *one = (const struct behind_layout *)a;
    const struct behind_layout *other = (const struct behind_layout *)b;
    return one->is_padded == other->is_padded &&
           (!one->is_padded || (one->rows == other->rows && one->columns == other->columns));
}

void behind_layout_destroy(struct layout *layout)
{
    atomic_fetch_sub(&behind_control.layouts, 1);
    cop_free(layout);
}
