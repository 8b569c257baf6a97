// SPDX-License-Identifier: Apache-2.0
/* Concat, Split. */
#include <inttypes.h>

#include "base/checked.h"
#include "base/error.h"
#include "ir/ops/resolve.h"
#include "ir/ops/rules.h"

/* One whole tensor and its parts along an axis. */
struct partition {
    struct op_tensor *whole, *parts;
    int count, axis;
    const char *whole_name, *part_name;
    bool drops_axis; /* the parts have it no more; each is 1 along it */
};

static cop_status join_dtypes(const struct partition *partition, cop_error *error)
{
    cop_dtype dtype = partition->whole->dtype;
    for (int i = 0; i < partition->count && dtype == COP_DTYPE_UNKNOWN; i++)
        dtype = partition->parts[i].dtype;
    cop_status status = cop_rule_join_dtype(partition->whole, partition->whole_name, dtype, error);
    for (int i = 0; i < partition->count && status == COP_STATUS_OK; i++)
        status = cop_rule_join_dtype(&partition->parts[i], partition->part_name, dtype, error);
    return status;
}

/* Gives all the rank that one has; COP_UNKNOWN: none does yet. */
static cop_status join_ranks(const struct partition *partition, int *rank, cop_error *error)
{
    const int dropped = partition->drops_axis ? 1 : 0;
    *rank = partition->whole->shape.rank;
    for (int i = 0; i < partition->count && *rank == COP_UNKNOWN; i++)
        if (partition->parts[i].shape.rank != COP_UNKNOWN)
            *rank = partition->parts[i].shape.rank + dropped;
    if (*rank == COP_UNKNOWN)
        return COP_STATUS_OK;
    if (*rank == 0 || *rank > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s has %d dimensions",
                        partition->whole_name, *rank);
    cop_status status = cop_rule_join_rank(partition->whole, partition->whole_name, *rank, error);
    for (int i = 0; i < partition->count && status == COP_STATUS_OK; i++)
        status =
            cop_rule_join_rank(&partition->parts[i], partition->part_name, *rank - dropped, error);
    return status;
}

/* A dimension along which all are equal. */
static cop_status join_across(const struct partition *partition, int axis, cop_error *error)
{
    const int part_axis = axis - (partition->drops_axis && axis > partition->axis ? 1 : 0);
    int64_t size = partition->whole->shape.dims[axis];
    for (int i = 0; i < partition->count && size == COP_UNKNOWN; i++)
        size = partition->parts[i].shape.dims[part_axis];
    cop_status status =
        cop_rule_join_dim(partition->whole, partition->whole_name, axis, &size, error);
    for (int i = 0; i < partition->count && status == COP_STATUS_OK; i++)
        status =
            cop_rule_join_dim(&partition->parts[i], partition->part_name, part_axis, &size, error);
    return status;
}

/* The dimension along which the parts add up: the last unknown one follows. */
static cop_status join_along(const struct partition *partition, cop_error *error)
{
    const int axis = partition->axis;
    int64_t sum = 0, *open = NULL;
    int open_count = 0;
    for (int i = 0; i < partition->count; i++) {
        int64_t *size = &partition->parts[i].shape.dims[axis];
        if (*size == COP_UNKNOWN) {
            open = size;
            open_count++;
        } else if (!cop_add_int64(sum, *size, &sum)) {
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "the sizes along axis %d overflow",
                            axis);
        }
    }
    const int64_t whole = partition->whole->shape.dims[axis];
    if (open_count == 0)
        return cop_rule_join_dim(partition->whole, partition->whole_name, axis, &sum, error);
    if (whole != COP_UNKNOWN && whole < sum)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "the parts are longer than %s %s along axis %d", partition->whole_name,
                        cop_shape_text(&partition->whole->shape).text, axis);
    if (open_count == 1 && whole != COP_UNKNOWN)
        *open = whole - sum;
    return COP_STATUS_OK;
}

static cop_status join_partition(struct partition *partition, int64_t axis, int rank,
                                 cop_error *error)
{
    cop_status status = cop_rule_axis("the", axis, rank, &partition->axis, error);
    for (int i = 0; i < rank && status == COP_STATUS_OK; i++)
        if (i != partition->axis)
            status = join_across(partition, i, error);
    return status;
}

cop_status cop_infer_concat(const void *attributes, int src_count, struct op_tensor *src,
                            int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)dst_count;
    const struct concat_attrs *attrs = attributes;
    struct partition partition = {.whole = &dst[0],
                                  .parts = src,
                                  .count = src_count,
                                  .whole_name = "dst",
                                  .part_name = "an input"};
    for (int i = 0; i < src_count; i++)
        if (!src[i].is_present)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "input %d is absent", i);
    int rank;
    cop_status status = join_dtypes(&partition, error);
    if (status == COP_STATUS_OK)
        status = join_ranks(&partition, &rank, error);
    if (status != COP_STATUS_OK || rank == COP_UNKNOWN)
        return status;
    status = join_partition(&partition, attrs->axis, rank, error);
    return status == COP_STATUS_OK ? join_along(&partition, error) : status;
}

/* Sizes of the parts: as the second source says, … */
static cop_status join_stated_sizes(const struct partition *partition,
                                    const struct op_tensor *sizes, cop_error *error)
{
    if (sizes->dtype != COP_DTYPE_UNKNOWN && sizes->dtype != COP_DTYPE_INT64)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "sizes are %s and must be int64",
                        cop_dtype_name(sizes->dtype));
    if (!cop_shape_is_known(&sizes->shape))
        return COP_STATUS_OK;
    if (sizes->shape.rank != 1 || sizes->shape.dims[0] != partition->count)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "sizes %s for %d outputs",
                        cop_shape_text(&sizes->shape).text, partition->count);
    const int64_t *entries = sizes->value;
    for (int i = 0; i < partition->count && entries != NULL; i++) {
        int64_t size = entries[i];
        if (size < 0 || (partition->drops_axis && size != 1))
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "output %d has size %" PRId64, i,
                            size);
        if (partition->drops_axis)
            continue;
        const cop_status status = cop_rule_join_dim(&partition->parts[i], partition->part_name,
                                                    partition->axis, &size, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return partition->drops_axis ? COP_STATUS_OK : join_along(partition, error);
}

/* … or all equal. */
static cop_status join_equal_sizes(const struct partition *partition, cop_error *error)
{
    const int64_t whole = partition->whole->shape.dims[partition->axis];
    if (whole != COP_UNKNOWN && whole % partition->count != 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "%" PRId64 " elements along axis %d do not divide into %d outputs", whole,
                        partition->axis, partition->count);
    int64_t size = whole == COP_UNKNOWN ? COP_UNKNOWN : whole / partition->count;
    for (int i = 0; i < partition->count && !partition->drops_axis; i++) {
        const cop_status status = cop_rule_join_dim(&partition->parts[i], partition->part_name,
                                                    partition->axis, &size, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    if (partition->drops_axis) {
        if (size != COP_UNKNOWN && size != 1)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "parts of %" PRId64 " cannot lose axis %d", size, partition->axis);
        size = partition->count;
        return cop_rule_join_dim(partition->whole, partition->whole_name, partition->axis, &size,
                                 error);
    }
    return join_along(partition, error);
}

cop_status cop_infer_split(const void *attributes, int src_count, struct op_tensor *src,
                           int dst_count, struct op_tensor *dst, cop_error *error)
{
    const struct split_attrs *attrs = attributes;
    struct partition partition = {.whole = &src[0],
                                  .parts = dst,
                                  .count = dst_count,
                                  .whole_name = "src",
                                  .part_name = "an output",
                                  .drops_axis = attrs->squeeze_axis};
    int rank;
    cop_status status = join_dtypes(&partition, error);
    if (status == COP_STATUS_OK)
        status = join_ranks(&partition, &rank, error);
    if (status != COP_STATUS_OK || rank == COP_UNKNOWN)
        return status;
    status = join_partition(&partition, attrs->axis, rank, error);
    if (status != COP_STATUS_OK)
        return status;
    return src_count > 1 && src[1].is_present ? join_stated_sizes(&partition, &src[1], error)
                                              : join_equal_sizes(&partition, error);
}
