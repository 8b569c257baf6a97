// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "backends/ref/ref_kernel.h"
#include "base/error.h"

/* src seen as [outer, length, inner bytes]; each index picks one row of inner bytes. */
struct gathering {
    int64_t outer, length, index_count;
    size_t inner_bytes;
    int axis;
    bool is_clipped;
};

static int64_t read_index(const struct ref_kernel *kernel, const void *indices, int64_t at)
{
    return kernel->src[1].dtype == COP_DTYPE_INT32 ? ((const int32_t *)indices)[at]
                                                   : ((const int64_t *)indices)[at];
}

/* An index counted from the front; false: there is no such element. */
static bool resolve_index(const struct gathering *self, int64_t *index)
{
    if (self->is_clipped)
        *index = *index < 0 ? 0 : *index >= self->length ? self->length - 1 : *index;
    else if (*index < 0)
        *index += self->length;
    return *index >= 0 && *index < self->length;
}

static cop_status run(const struct ref_kernel *kernel, const struct kernel_args *args,
                      cop_error *error)
{
    const struct gathering *self = kernel->prepared;
    const size_t bytes = self->inner_bytes;
    for (int64_t i = 0; i < self->index_count; i++) {
        const int64_t given = read_index(kernel, args->src[1], i);
        int64_t index = given;
        if (!resolve_index(self, &index))
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "node '%.200s': index %" PRId64 " at position %" PRId64
                            " is outside axis %d with %" PRId64 " elements",
                            kernel->name, given, i, self->axis, self->length);
        const unsigned char *src = (const unsigned char *)args->src[0] + (size_t)index * bytes;
        unsigned char *dst = (unsigned char *)args->dst[0] + (size_t)i * bytes;
        for (int64_t row = 0; row < self->outer && bytes > 0; row++) {
            memcpy(dst, src, bytes);
            src += (size_t)self->length * bytes;
            dst += (size_t)self->index_count * bytes;
        }
    }
    return COP_STATUS_OK;
}

cop_status cop_ref_gather(struct ref_kernel *kernel, cop_error *error)
{
    const struct gather_attrs *attrs = kernel->attrs;
    const struct shape *src = &kernel->src[0].shape;
    struct gathering *self = cop_ref_alloc(kernel, 1, sizeof *self, error);
    if (self == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    if (kernel->src[1].dtype != COP_DTYPE_INT32 && kernel->src[1].dtype != COP_DTYPE_INT64)
        return cop_ref_refuse_dtype(kernel->src[1].dtype, error);
    (void)cop_axis_normalize(attrs->axis, src->rank,
                             &self->axis); /* the rule saw that it is inside */
    self->outer = cop_shape_product(src, 0, self->axis);
    self->length = src->dims[self->axis];
    self->inner_bytes = (size_t)cop_shape_product(src, self->axis + 1, src->rank) *
                        cop_dtype_bytes(kernel->src[0].dtype);
    self->index_count = cop_ref_elements(&kernel->src[1]);
    self->is_clipped = attrs->clip;
    kernel->prepared = self;
    kernel->run = run;
    return COP_STATUS_OK;
}
