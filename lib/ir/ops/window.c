// SPDX-License-Identifier: Apache-2.0
#include "ir/ops/window.h"

#include <inttypes.h>

#include "base/checked.h"
#include "base/error.h"

/* How the size of dst is rounded when windows do not end where src does. */
struct rounding {
    enum auto_pad auto_pad;
    bool ceil_mode, drop_last_outside;
};

static cop_status check_attribute(const char *what, int axis, int64_t value, int64_t least,
                                  cop_error *error)
{
    if (value >= least && value <= COP_MAX_ELEMENTS)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s %" PRId64 " of spatial axis %d %s", what,
                    value, axis, value < least ? "is too small" : "is too large");
}

static cop_status check_attributes(const struct window_geometry *geometry, int axis,
                                   cop_error *error)
{
    const struct {
        const char *what;
        int64_t value, least;
    } checks[] = {
        {"stride", geometry->strides[axis], 1},
        {"dilation", geometry->dilations[axis], 1},
        {"leading pad", geometry->pads_begin[axis], 0},
        {"trailing pad", geometry->pads_end[axis], 0},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const cop_status status =
            check_attribute(checks[i].what, axis, checks[i].value, checks[i].least, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return geometry->kernel[axis] == COP_UNKNOWN
               ? COP_STATUS_OK
               : check_attribute("kernel", axis, geometry->kernel[axis], 1, error);
}

/* dst = ceil(src / stride), and the pads that make it so. */
static void pad_to_same(struct window_geometry *geometry, int axis, int64_t extent, bool upper)
{
    const int64_t src = geometry->src[axis], stride = geometry->strides[axis];
    const int64_t dst = src / stride + (src % stride != 0);
    int64_t total = 0;
    if (dst > 0 && (dst - 1) * stride + extent > src)
        total = (dst - 1) * stride + extent - src;
    geometry->pads_begin[axis] = upper ? total / 2 : total - total / 2;
    geometry->pads_end[axis] = total - geometry->pads_begin[axis];
    geometry->dst[axis] = dst;
}

static int64_t count_windows(int64_t src, int64_t pad_begin, int64_t room, int64_t stride,
                             const struct rounding *rounding)
{
    int64_t count = room / stride + 1;
    if (!rounding->ceil_mode || room % stride == 0)
        return count;
    /* One more, which hangs over the end. */
    if (!rounding->drop_last_outside || count * stride < src + pad_begin)
        count++;
    return count;
}

static cop_status resolve_axis(struct window_geometry *geometry, int axis,
                               const struct rounding *rounding, cop_error *error)
{
    cop_status status = check_attributes(geometry, axis, error);
    geometry->dst[axis] = COP_UNKNOWN;
    if (status != COP_STATUS_OK || geometry->src[axis] == COP_UNKNOWN ||
        geometry->kernel[axis] == COP_UNKNOWN)
        return status;
    /* All factors are at most 2^48, so only this product can be too large. */
    int64_t extent;
    if (!cop_mul_int64(geometry->kernel[axis] - 1, geometry->dilations[axis], &extent) ||
        extent > COP_MAX_ELEMENTS)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "kernel %" PRId64 " with dilation %" PRId64 " is too large",
                        geometry->kernel[axis], geometry->dilations[axis]);
    extent++;
    if (rounding->auto_pad == AUTO_PAD_SAME_UPPER || rounding->auto_pad == AUTO_PAD_SAME_LOWER) {
        pad_to_same(geometry, axis, extent, rounding->auto_pad == AUTO_PAD_SAME_UPPER);
        return COP_STATUS_OK;
    }
    const int64_t padded =
        geometry->src[axis] + geometry->pads_begin[axis] + geometry->pads_end[axis];
    if (extent > padded)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "the kernel spans %" PRId64 " along spatial axis %d, more than the padded "
                        "input's %" PRId64,
                        extent, axis, padded);
    geometry->dst[axis] = count_windows(geometry->src[axis], geometry->pads_begin[axis],
                                        padded - extent, geometry->strides[axis], rounding);
    return COP_STATUS_OK;
}

static cop_status resolve(struct window_geometry *geometry, const struct rounding *rounding,
                          cop_error *error)
{
    if ((unsigned)rounding->auto_pad > AUTO_PAD_VALID)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "auto_pad %d does not exist",
                        (int)rounding->auto_pad);
    for (int i = 0; i < geometry->rank; i++) {
        if (rounding->auto_pad != AUTO_PAD_EXPLICIT)
            geometry->pads_begin[i] = geometry->pads_end[i] = 0;
        const cop_status status = resolve_axis(geometry, i, rounding, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return COP_STATUS_OK;
}

static int64_t at_least_1(int64_t value)
{
    return value == 0 ? 1 : value;
}

cop_status cop_window_convolution(const struct convolution_attrs *attrs, const struct shape *src,
                                  const struct shape *weights, struct window_geometry *geometry,
                                  cop_error *error)
{
    *geometry = (struct window_geometry){.rank = src->rank - 2};
    for (int i = 0; i < geometry->rank; i++) {
        geometry->src[i] = src->dims[2 + i];
        geometry->kernel[i] = weights->dims[2 + i];
        geometry->strides[i] = at_least_1(attrs->strides[i]);
        geometry->dilations[i] = at_least_1(attrs->dilations[i]);
        geometry->pads_begin[i] = attrs->pads_begin[i];
        geometry->pads_end[i] = attrs->pads_end[i];
    }
    return resolve(geometry, &(struct rounding){.auto_pad = attrs->auto_pad}, error);
}

/* One window over the whole plane. */
static cop_status resolve_global(struct window_geometry *geometry, cop_error *error)
{
    for (int i = 0; i < geometry->rank; i++) {
        geometry->kernel[i] = geometry->src[i];
        geometry->strides[i] = geometry->dilations[i] = geometry->dst[i] = 1;
        if (geometry->src[i] == 0)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "the input's plane is empty");
    }
    return COP_STATUS_OK;
}

cop_status cop_window_pooling(const struct pooling_attrs *attrs, const struct shape *src,
                              struct window_geometry *geometry, cop_error *error)
{
    *geometry = (struct window_geometry){.rank = src->rank - 2};
    for (int i = 0; i < geometry->rank; i++)
        geometry->src[i] = src->dims[2 + i];
    if (attrs->is_global)
        return resolve_global(geometry, error);
    for (int i = 0; i < geometry->rank; i++) {
        geometry->kernel[i] = attrs->kernel[i];
        geometry->strides[i] = at_least_1(attrs->strides[i]);
        geometry->dilations[i] = at_least_1(attrs->dilations[i]);
        geometry->pads_begin[i] = attrs->pads_begin[i];
        geometry->pads_end[i] = attrs->pads_end[i];
    }
    return resolve(geometry,
                   &(struct rounding){.auto_pad = attrs->auto_pad,
                                      .ceil_mode = attrs->ceil_mode,
                                      .drop_last_outside = attrs->drop_last_outside},
                   error);
}
