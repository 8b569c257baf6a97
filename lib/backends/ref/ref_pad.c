// SPDX-License-Identifier: Apache-2.0
/*
 * Pad: first what of src stays, then the borders axis by axis from the innermost, so that each
 * border is filled from rows that are complete inward.
 */
#include <string.h>

#include "backends/ref/ref_block.h"
#include "backends/ref/ref_convert.h"
#include "backends/ref/ref_kernel.h"
#include "backends/ref/ref_strides.h"
#include "base/error.h"
#include "ir/ops/resolve.h"

struct pads {
    enum pad_mode mode;
    struct ref_block kept; /* what of src stays */
    int rank;
    size_t element_bytes;
    int64_t begin[COP_MAX_RANK], size[COP_MAX_RANK], end[COP_MAX_RANK]; /* of dst: border, kept,
                                                                           border */
    int64_t row_bytes[COP_MAX_RANK]; /* of dst, one step along each axis */
    unsigned char value[8];
};

/* Repeats an element over `count` others. */
static void fill(unsigned char *dst, const unsigned char *value, size_t bytes, int64_t count)
{
    size_t filled = bytes;
    const size_t total = bytes * (size_t)count;
    if (count == 0)
        return;
    memcpy(dst, value, bytes);
    for (; filled < total; filled *= 2) /* doubles what is there already */
        memcpy(dst + filled, dst, filled < total - filled ? filled : total - filled);
}

/* Where in dst the border position `at` along an axis gets its elements from. */
static int64_t mirrored(const struct pads *pads, int axis, int64_t at)
{
    const int64_t first = pads->begin[axis], last = first + pads->size[axis] - 1;
    if (pads->mode == PAD_EDGE)
        return at < first ? first : last;
    return at < first ? 2 * first - at : 2 * last - at;
}

/* Both borders of one row along an axis; `row` is where its position 0 lies. */
static void fill_row(const struct pads *pads, int axis, const unsigned char *value,
                     unsigned char *row)
{
    const int64_t bytes = pads->row_bytes[axis];
    const int64_t kept_end = pads->begin[axis] + pads->size[axis];
    if (pads->mode == PAD_CONSTANT) {
        const int64_t elements = bytes / (int64_t)pads->element_bytes;
        fill(row, value, pads->element_bytes, pads->begin[axis] * elements);
        fill(row + kept_end * bytes, value, pads->element_bytes, pads->end[axis] * elements);
        return;
    }
    for (int64_t at = 0; at < pads->begin[axis]; at++)
        memcpy(row + at * bytes, row + mirrored(pads, axis, at) * bytes, (size_t)bytes);
    for (int64_t at = kept_end; at < kept_end + pads->end[axis]; at++)
        memcpy(row + at * bytes, row + mirrored(pads, axis, at) * bytes, (size_t)bytes);
}

/* The borders along one axis, beside everything that stays along the axes outside it. */
static void fill_axis(const struct pads *pads, int axis, const unsigned char *value,
                      unsigned char *dst)
{
    int64_t at[COP_MAX_RANK] = {0};
    int outer = 0;
    for (int i = 0; i < axis; i++) {
        if (pads->size[i] == 0)
            return;
        dst += pads->begin[i] * pads->row_bytes[i];
    }
    while (outer >= 0) {
        fill_row(pads, axis, value, dst);
        for (outer = axis - 1; outer >= 0; outer--) {
            dst += pads->row_bytes[outer];
            if (++at[outer] < pads->size[outer])
                break;
            dst -= pads->row_bytes[outer] * pads->size[outer];
            at[outer] = 0;
        }
    }
}

static cop_status run(const struct ref_kernel *kernel, const struct kernel_args *args,
                      cop_error *error)
{
    (void)error;
    const struct pads *pads = kernel->prepared;
    const bool has_value = kernel->src_count > 2 && args->src[2] != NULL;
    const unsigned char *value = has_value ? args->src[2] : pads->value;
    cop_ref_block_copy(&pads->kept, args->src[0], args->dst[0]);
    for (int axis = pads->rank - 1; axis >= 0; axis--)
        if (pads->begin[axis] + pads->end[axis] > 0 && pads->row_bytes[axis] > 0)
            fill_axis(pads, axis, value, args->dst[0]);
    return COP_STATUS_OK;
}

static void prepare_kept(struct pads *pads, const struct resolved_pads *given,
                         const struct shape *src, const struct shape *dst)
{
    const struct ref_strides from = cop_ref_plain_strides(src), to = cop_ref_plain_strides(dst);
    const int64_t bytes = (int64_t)pads->element_bytes;
    struct ref_block *kept = &pads->kept;
    kept->rank = src->rank;
    kept->element_bytes = pads->element_bytes;
    for (int i = 0; i < src->rank; i++) {
        const int64_t begin = given->begin[i], end = given->end[i];
        pads->begin[i] = begin > 0 ? begin : 0;
        pads->end[i] = end > 0 ? end : 0;
        pads->size[i] = dst->dims[i] - pads->begin[i] - pads->end[i];
        pads->row_bytes[i] = to.elements[i] * bytes;
        kept->dims[i] = pads->size[i];
        kept->src_strides[i] = from.elements[i] * bytes;
        kept->dst_strides[i] = to.elements[i] * bytes;
        kept->src_offset += begin < 0 ? -begin * from.elements[i] * bytes : 0;
        kept->dst_offset += pads->begin[i] * to.elements[i] * bytes;
    }
    cop_ref_block_prepare(kept);
}

cop_status cop_ref_pad(struct ref_kernel *kernel, cop_error *error)
{
    const struct pad_attrs *attrs = kernel->attrs;
    const double value = attrs->value;
    struct op_tensor src[3];
    struct resolved_pads given;
    for (int i = 0; i < kernel->src_count; i++)
        src[i] = (struct op_tensor){kernel->src[i].is_present, kernel->src[i].dtype,
                                    kernel->src[i].shape, kernel->src[i].value};
    const cop_status status = cop_resolve_pads(attrs, kernel->src_count, src, &given, error);
    if (status != COP_STATUS_OK)
        return status;
    if (!given.is_known)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "the pads are only known at run time");
    struct pads *pads = cop_ref_alloc(kernel, 1, sizeof *pads, error);
    if (pads == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    pads->mode = attrs->mode;
    pads->rank = src[0].shape.rank;
    pads->element_bytes = cop_dtype_bytes(src[0].dtype);
    prepare_kept(pads, &given, &src[0].shape, &kernel->dst[0].shape);
    cop_ref_convert(COP_DTYPE_FLOAT64, &value, src[0].dtype, pads->value, 1);
    kernel->base.unread_srcs = 1u << 1;
    kernel->prepared = pads;
    kernel->run = run;
    return COP_STATUS_OK;
}
