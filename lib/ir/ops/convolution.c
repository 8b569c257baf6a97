// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "base/checked.h"
#include "base/error.h"
#include "ir/ops/rules.h"
#include "ir/ops/window.h"

struct parts {
    struct op_tensor *src, *weights, *bias, *dst; /* bias NULL: absent */
    int rank;
};

/* Finds the rank from whichever tensor knows it; 0: none does yet. */
static cop_status join_ranks(struct parts *parts, cop_error *error)
{
    const struct op_tensor *const known[] = {parts->weights, parts->src, parts->dst};
    for (int i = 0; i < 3 && parts->rank == 0; i++)
        if (known[i]->shape.rank != COP_UNKNOWN)
            parts->rank = known[i]->shape.rank;
    if (parts->rank == 0)
        return COP_STATUS_OK;
    if (parts->rank < 3 || parts->rank > 2 + COP_MAX_SPATIAL)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "%d spatial dimensions; 1 to %d are supported", parts->rank - 2,
                        COP_MAX_SPATIAL);
    cop_status status = cop_rule_join_rank(parts->weights, "weights", parts->rank, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_rank(parts->src, "src", parts->rank, error);
    return status == COP_STATUS_OK ? cop_rule_join_rank(parts->dst, "dst", parts->rank, error)
                                   : status;
}

/* ic of src, and ic / groups of the weights. */
static cop_status join_input_channels(const struct parts *parts, int64_t groups, cop_error *error)
{
    const int64_t per_group = parts->weights->shape.dims[1];
    int64_t ic = parts->src->shape.dims[1];
    if (per_group != COP_UNKNOWN) {
        int64_t needed;
        if (!cop_mul_int64(per_group, groups, &needed))
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "%" PRId64 " groups of %" PRId64 " channels are too many", groups,
                            per_group);
        if (ic != COP_UNKNOWN && ic != needed)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "src %s has %" PRId64 " channels where weights %s (groups: %" PRId64
                            ") need %" PRId64,
                            cop_shape_text(&parts->src->shape).text, ic,
                            cop_shape_text(&parts->weights->shape).text, groups, needed);
        parts->src->shape.dims[1] = needed;
    } else if (ic != COP_UNKNOWN) {
        if (ic % groups != 0)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "%" PRId64 " input channels do not divide into %" PRId64 " groups", ic,
                            groups);
        parts->weights->shape.dims[1] = ic / groups;
    }
    return COP_STATUS_OK;
}

static cop_status join_output_channels(const struct parts *parts, int64_t groups, int64_t stated,
                                       cop_error *error)
{
    int64_t oc = stated == 0 ? COP_UNKNOWN : stated;
    /* Two rounds: the last to know tells the first. */
    for (int round = 0; round < 2; round++) {
        cop_status status = cop_rule_join_dim(parts->weights, "weights", 0, &oc, error);
        if (status == COP_STATUS_OK)
            status = cop_rule_join_dim(parts->dst, "dst", 1, &oc, error);
        if (status == COP_STATUS_OK && parts->bias != NULL)
            status = cop_rule_join_vector(parts->bias, "bias", &oc, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    if (oc != COP_UNKNOWN && oc % groups != 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "%" PRId64 " output channels do not divide into %" PRId64 " groups", oc,
                        groups);
    return COP_STATUS_OK;
}

static cop_status join_kernel(const struct parts *parts, const int64_t *kernel, cop_error *error)
{
    for (int i = 0; i < parts->rank - 2; i++) {
        int64_t stated = kernel[i] == 0 ? COP_UNKNOWN : kernel[i];
        const cop_status status =
            cop_rule_join_dim(parts->weights, "weights", 2 + i, &stated, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return COP_STATUS_OK;
}

static cop_status join_spatial(const struct parts *parts, const struct convolution_attrs *attrs,
                               cop_error *error)
{
    struct window_geometry geometry;
    cop_status status =
        cop_window_convolution(attrs, &parts->src->shape, &parts->weights->shape, &geometry, error);
    for (int i = 0; i < geometry.rank && status == COP_STATUS_OK; i++)
        status = cop_rule_join_dim(parts->dst, "dst", 2 + i, &geometry.dst[i], error);
    return status;
}

static cop_status join_dtypes(const struct parts *parts, cop_error *error)
{
    cop_status status = cop_rule_same_dtype(parts->src, "src", parts->weights, "weights", error);
    if (status == COP_STATUS_OK && parts->bias != NULL)
        status = cop_rule_same_dtype(parts->weights, "weights", parts->bias, "bias", error);
    return status == COP_STATUS_OK
               ? cop_rule_same_dtype(parts->src, "src", parts->dst, "dst", error)
               : status;
}

static cop_status check_stated(const struct convolution_attrs *attrs, cop_error *error)
{
    if (attrs->groups < 0 || attrs->groups > COP_MAX_ELEMENTS)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%" PRId64 " groups", attrs->groups);
    if (attrs->output_channels < 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%" PRId64 " output channels",
                        attrs->output_channels);
    for (int i = 0; i < COP_MAX_SPATIAL; i++)
        if (attrs->kernel[i] < 0)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "kernel %" PRId64 " of spatial axis %d is negative", attrs->kernel[i],
                            i);
    return COP_STATUS_OK;
}

cop_status cop_infer_convolution(const void *attributes, int src_count, struct op_tensor *src,
                                 int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)dst_count;
    const struct convolution_attrs *attrs = attributes;
    const int64_t groups = attrs->groups == 0 ? 1 : attrs->groups;
    struct parts parts = {.src = &src[0],
                          .weights = &src[1],
                          .bias = src_count > 2 && src[2].is_present ? &src[2] : NULL,
                          .dst = &dst[0]};
    cop_status status = check_stated(attrs, error);
    if (status == COP_STATUS_OK)
        status = join_dtypes(&parts, error);
    if (status == COP_STATUS_OK)
        status = join_ranks(&parts, error);
    if (status != COP_STATUS_OK || parts.rank == 0)
        return status;
    int64_t n = parts.src->shape.dims[0];
    status = cop_rule_join_dim(parts.dst, "dst", 0, &n, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_dim(parts.src, "src", 0, &n, error);
    if (status == COP_STATUS_OK)
        status = join_input_channels(&parts, groups, error);
    if (status == COP_STATUS_OK)
        status = join_output_channels(&parts, groups, attrs->output_channels, error);
    if (status == COP_STATUS_OK)
        status = join_kernel(&parts, attrs->kernel, error);
    return status == COP_STATUS_OK ? join_spatial(&parts, attrs, error) : status;
}
