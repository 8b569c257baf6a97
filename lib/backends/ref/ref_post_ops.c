// SPDX-License-Identifier: Apache-2.0
#include "backends/ref/ref_kernel.h"
#include "backends/ref/ref_unary.h"

void cop_ref_run_post_ops(const struct ref_kernel *kernel, const struct kernel_args *args)
{
    float *dst = args->dst[0];
    const int64_t count = cop_ref_elements(&kernel->dst[0]);
    for (int i = 0; i < kernel->post_ops.count; i++) {
        const struct post_op *post_op = &kernel->post_ops.entries[i];
        if (post_op->kind == POST_OP_UNARY) {
            cop_ref_unary_float32(&post_op->unary, count, dst, dst);
            continue;
        }
        const float *added = args->src[kernel->src_count];
        for (int64_t j = 0; j < count; j++)
            dst[j] += added[j];
    }
}
