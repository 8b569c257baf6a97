// SPDX-License-Identifier: Apache-2.0
/*
 * What one kernel file of the reference backend provides: cop_ref_<lower>, which looks at the
 * request once and names a run function. Everything lies plain in memory.
 */
#ifndef BACKENDS_REF_REF_KERNEL_H
#define BACKENDS_REF_REF_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "backends/backend.h"
#include "base/arena.h"

struct ref_kernel;

/*
 * Computes all of dst from src. Sources that are absent and results that nobody reads are NULL.
 * Post-ops come afterwards and are not its business.
 */
typedef cop_status ref_run(const struct ref_kernel *kernel, const struct kernel_args *args,
                           cop_error *error);

/* Thread-safety: immutable once prepared. */
struct ref_kernel {
    struct kernel base;
    const char *name;         /* of the node */
    const void *attrs;        /* a copy of the operator's attributes */
    int src_count, dst_count; /* of the operator: a SUM post-op's source stands at src_count */
    /* Copies of the request's; `value` is there while the kernel is prepared, NULL afterwards. */
    struct kernel_tensor *src, *dst;
    struct post_ops post_ops;
    ref_run *run;
    const void *prepared; /* what run needs besides; the kernel file's own struct, in `arena` */
    struct arena arena;   /* holds all of it */
};

/*
 * Prepares a kernel: checks that it can do these dtypes (UNSUPPORTED otherwise), sets `run`, and as
 * needed `prepared` and base.scratch_bytes, in_place_srcs, unread_srcs.
 */
#define X(kind, lower, name, min_src, max_src, min_dst, max_dst, attributes)                       \
    cop_status cop_ref_##lower(struct ref_kernel *kernel, cop_error *error);
#include "ir/op_list.inc"
#undef X

/* Zeroed memory for `prepared`; NULL after filling in `error`. */
void *cop_ref_alloc(struct ref_kernel *kernel, size_t count, size_t size, cop_error *error);

/* Refuses the element type of the first source, or of the source given. */
cop_status cop_ref_refuse_dtype(cop_dtype dtype, cop_error *error);

/* OK when every source and result that is present is float32. */
cop_status cop_ref_need_float32(const struct ref_kernel *kernel, cop_error *error);

/* Elements of a tensor. Shapes were checked when the kernel was created. */
int64_t cop_ref_elements(const struct kernel_tensor *tensor);

/* Applies the post-ops to dst 0 in place. */
void cop_ref_run_post_ops(const struct ref_kernel *kernel, const struct kernel_args *args);

#endif
