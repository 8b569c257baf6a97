// SPDX-License-Identifier: Apache-2.0
/*
 * What the operators that move data do in numbers: attributes and inputs, negative axes and clamped
 * bounds brought to one form, for rules and kernels alike.
 */
#ifndef IR_OPS_RESOLVE_H
#define IR_OPS_RESOLVE_H

#include "ir/op.h"

/* A tensor of bounds, pads, axes or sizes: int64 or int32, of rank 1 (a scalar is a list of one).
 */
struct index_list {
    int count;     /* COP_UNKNOWN: its shape is not known yet */
    bool is_known; /* the elements are, too */
    int64_t entries[2 * COP_MAX_RANK];
};

/* UNSUPPORTED: more than `capacity` entries; MALFORMED_MODEL: another dtype or rank. */
cop_status cop_resolve_list(const char *what, const struct op_tensor *tensor, int capacity,
                            struct index_list *list, cop_error *error);

/* Slice, every axis: elements start, start + step, … `count` of them (COP_UNKNOWN: follows when the
 * dimension of src is known). */
struct resolved_slice {
    bool is_known; /* false: the elements of an input are not known yet */
    bool is_sliced[COP_MAX_RANK];
    int64_t start[COP_MAX_RANK], step[COP_MAX_RANK], count[COP_MAX_RANK];
};

/* The rank of src[0] must be known. */
cop_status cop_resolve_slice(const struct slice_attrs *attrs, int src_count,
                             const struct op_tensor *src, struct resolved_slice *slice,
                             cop_error *error);

/* Pad, every axis; negative pads cut first, then the others are added. */
struct resolved_pads {
    bool is_known; /* false: the elements of src[1] are not known yet */
    int rank;      /* COP_UNKNOWN: neither attributes nor input say it yet */
    int64_t begin[COP_MAX_RANK], end[COP_MAX_RANK];
};

cop_status cop_resolve_pads(const struct pad_attrs *attrs, int src_count,
                            const struct op_tensor *src, struct resolved_pads *pads,
                            cop_error *error);

/* Transpose: perm[i] is the axis of src that becomes axis i of dst. MALFORMED_MODEL: no
 * permutation. */
cop_status cop_resolve_perm(const struct transpose_attrs *attrs, int rank, int *perm,
                            cop_error *error);

/* Shape: dimensions first … end − 1 of `rank`, none if the attributes cross. */
void cop_resolve_shape_range(const struct shape_attrs *attrs, int rank, int *first, int *end);

#endif
