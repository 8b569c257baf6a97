// SPDX-License-Identifier: Apache-2.0
/*
 * The rules of all operators, and what they share.
 *
 * Messages name the tensor and what is wrong with it; the caller puts the node in front. What
 * contradicts itself is MALFORMED_MODEL, what is sound but not there UNSUPPORTED.
 *
 * "Join" means: take over what the other side knows, and fail where both know something different.
 */
#ifndef IR_OPS_RULES_H
#define IR_OPS_RULES_H

#include "ir/op.h"

#define X(kind, lower, name, min_src, max_src, min_dst, max_dst, attributes)                       \
    cop_status cop_infer_##lower(const void *attrs, int src_count, struct op_tensor *src,          \
                                 int dst_count, struct op_tensor *dst, cop_error *error);
#include "ir/op_list.inc"
#undef X

/* Joins what is known of a tensor with `shape`; the message says `what` contradicts it. */
cop_status cop_rule_join_shape(struct op_tensor *tensor, const char *what,
                               const struct shape *shape, cop_error *error);

/* The same for its element type. */
cop_status cop_rule_join_dtype(struct op_tensor *tensor, const char *what, cop_dtype dtype,
                               cop_error *error);

/* The same for one dimension, both ways; nothing happens while the tensor's rank is unknown. */
cop_status cop_rule_join_dim(struct op_tensor *tensor, const char *what, int axis, int64_t *dim,
                             cop_error *error);

/* Gives both tensors the dtype that either has. */
cop_status cop_rule_same_dtype(struct op_tensor *a, const char *what_a, struct op_tensor *b,
                               const char *what_b, cop_error *error);

/* Gives both tensors what is known of either: one shape and one dtype. */
cop_status cop_rule_same(struct op_tensor *a, const char *what_a, struct op_tensor *b,
                         const char *what_b, cop_error *error);

/* Joins a tensor with a vector of `length` elements, which may be unknown and then comes from it.
 */
cop_status cop_rule_join_vector(struct op_tensor *tensor, const char *what, int64_t *length,
                                cop_error *error);

/* Joins a tensor's shape with one of `rank` unknown dimensions. */
cop_status cop_rule_join_rank(struct op_tensor *tensor, const char *what, int rank,
                              cop_error *error);

/* `axis` of a tensor of known rank, counted from the front. */
cop_status cop_rule_axis(const char *what, int64_t axis, int rank, int *normalized,
                         cop_error *error);

#endif
