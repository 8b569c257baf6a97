// SPDX-License-Identifier: Apache-2.0
/*
 * Convolution as a product of matrices: weights [oc, ic · taps] times the patches of src that the
 * windows see, [ic · taps, dst positions], a panel of a few positions at a time. A tap is one
 * element of the kernel's plane.
 */
#include "backends/ref/ref_kernel.h"
#include "backends/ref/ref_product.h"
#include "base/checked.h"
#include "base/error.h"
#include "ir/ops/window.h"

struct convolution {
    struct window_geometry window;
    int64_t n, groups;
    int64_t ic, oc; /* per group */
    int64_t taps, src_plane, dst_plane;
};

/* Where one tap of each of the panel's windows lies in a plane of src; −1: in the padding. */
struct tap {
    int64_t offsets[REF_PANEL_WIDTH];
};

/* Flat position → one index per spatial dimension. */
static void split_position(int64_t position, int rank, const int64_t *dims, int64_t *indices)
{
    for (int i = rank - 1; i >= 0; i--) {
        indices[i] = position % dims[i];
        position /= dims[i];
    }
}

static int64_t find_offset(const struct window_geometry *window, const int64_t *dst,
                           const int64_t *tap)
{
    int64_t offset = 0;
    for (int i = 0; i < window->rank; i++) {
        const int64_t position =
            dst[i] * window->strides[i] - window->pads_begin[i] + tap[i] * window->dilations[i];
        if (position < 0 || position >= window->src[i])
            return -1;
        offset = offset * window->src[i] + position;
    }
    return offset;
}

static void find_offsets(const struct convolution *self, int64_t first, int columns,
                         struct tap *taps)
{
    int64_t dst[REF_PANEL_WIDTH][COP_MAX_SPATIAL], at[COP_MAX_SPATIAL];
    for (int j = 0; j < columns; j++)
        split_position(first + j, self->window.rank, self->window.dst, dst[j]);
    for (int64_t i = 0; i < self->taps; i++) {
        split_position(i, self->window.rank, self->window.kernel, at);
        for (int j = 0; j < REF_PANEL_WIDTH; j++)
            taps[i].offsets[j] = j < columns ? find_offset(&self->window, dst[j], at) : -1;
    }
}

/* Rows `first` … of the patches of one group; a row is (channel, tap). */
static void pack_patches(const struct convolution *self, const float *src, int64_t first, int depth,
                         const struct tap *taps, struct ref_panel *panel)
{
    const float *plane = src + first / self->taps * self->src_plane;
    int64_t tap = first % self->taps;
    for (int k = 0; k < depth; k++) {
        for (int j = 0; j < REF_PANEL_WIDTH; j++)
            panel->elements[k][j] = taps[tap].offsets[j] < 0 ? 0 : plane[taps[tap].offsets[j]];
        if (++tap == self->taps) {
            tap = 0;
            plane += self->src_plane;
        }
    }
}

static void convolve_group(const struct convolution *self, const float *src, const float *weights,
                           const struct tap *taps, int columns, float *dst)
{
    const int64_t k = self->ic * self->taps;
    const struct ref_target target = {dst, self->dst_plane, 1};
    struct ref_panel panel;
    for (int64_t row = 0; row < k; row += REF_PANEL_DEPTH) {
        const int depth = k - row < REF_PANEL_DEPTH ? (int)(k - row) : REF_PANEL_DEPTH;
        const struct ref_matrix block = {weights + row, k, 1};
        pack_patches(self, src, row, depth, taps, &panel);
        cop_ref_multiply_panel(&block, self->oc, &panel, depth, columns, 1, &target);
    }
}

static void fill_bias(const struct convolution *self, const float *bias, float *dst)
{
    for (int64_t i = 0; i < self->n * self->groups * self->oc; i++)
        for (int64_t j = 0; j < self->dst_plane; j++)
            dst[i * self->dst_plane + j] = bias == NULL ? 0 : bias[i % (self->groups * self->oc)];
}

static cop_status run(const struct ref_kernel *kernel, const struct kernel_args *args,
                      cop_error *error)
{
    (void)error;
    const struct convolution *self = kernel->prepared;
    const float *src = args->src[0], *weights = args->src[1];
    float *dst = args->dst[0];
    struct tap *taps = args->scratch;
    fill_bias(self, kernel->src_count > 2 ? args->src[2] : NULL, dst);
    for (int64_t first = 0; first < self->dst_plane; first += REF_PANEL_WIDTH) {
        const int64_t left = self->dst_plane - first;
        const int columns = left < REF_PANEL_WIDTH ? (int)left : REF_PANEL_WIDTH;
        find_offsets(self, first, columns, taps);
        for (int64_t i = 0; i < self->n * self->groups; i++)
            convolve_group(self, src + i * self->ic * self->src_plane,
                           weights + i % self->groups * self->oc * self->ic * self->taps, taps,
                           columns, dst + i * self->oc * self->dst_plane + first);
    }
    return COP_STATUS_OK;
}

cop_status cop_ref_convolution(struct ref_kernel *kernel, cop_error *error)
{
    const struct convolution_attrs *attrs = kernel->attrs;
    const struct shape *src = &kernel->src[0].shape, *weights = &kernel->src[1].shape;
    const struct shape *dst = &kernel->dst[0].shape;
    cop_status status = cop_ref_need_float32(kernel, error);
    if (status != COP_STATUS_OK)
        return status;
    struct convolution *self = cop_ref_alloc(kernel, 1, sizeof *self, error);
    if (self == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    status = cop_window_convolution(attrs, src, weights, &self->window, error);
    if (status != COP_STATUS_OK)
        return status;
    self->n = src->dims[0];
    self->groups = attrs->groups == 0 ? 1 : attrs->groups;
    self->ic = weights->dims[1];
    self->oc = weights->dims[0] / self->groups;
    self->taps = cop_shape_product(weights, 2, weights->rank);
    self->src_plane = cop_shape_product(src, 2, src->rank);
    self->dst_plane = cop_shape_product(dst, 2, dst->rank);
    if (!cop_mul_size((size_t)self->taps, sizeof(struct tap), &kernel->base.scratch_bytes))
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "the kernel is too large");
    kernel->prepared = self;
    kernel->run = run;
    return COP_STATUS_OK;
}
