// SPDX-License-Identifier: Apache-2.0
#include "runtime/chosen_outputs.h"

#include "base/alloc.h"
#include "base/error.h"

cop_status cop_lend_outputs(struct cop_cached_op *op, uint64_t unwanted, cop_ndarray **dst,
                            cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (int i = 0; unwanted != 0 && i < op->plan->dst_count && status == COP_STATUS_OK; i++) {
        if (dst[i] != NULL || (op->plan->dst_used_by[i] & ~unwanted) == 0)
            continue;
        status = cop_output_pool_take(op->outputs[i], &dst[i], error);
        if (status == COP_STATUS_OK)
            dst[i]->is_fresh = false; /* it is nobody's result */
    }
    return status;
}

cop_status cop_chosen_outputs_begin(struct chosen_outputs *chosen,
                                    const struct arguments *arguments, cop_error *error)
{
    const size_t count = (size_t)arguments->op->plan->dst_count;
    *chosen = (struct chosen_outputs){.arguments = arguments, .dst = chosen->few};
    if (count > COP_FEW_OUTPUTS)
        chosen->dst = cop_alloc(count, sizeof(cop_ndarray *));
    if (chosen->dst == NULL)
        return cop_fail_memory(error, "chosen outputs", count * sizeof(cop_ndarray *));
    for (size_t i = 0; i < arguments->output_count; i++)
        chosen->dst[arguments->outputs[i]] = arguments->dst[i];
    return cop_lend_outputs(arguments->op, arguments->unwanted, chosen->dst, error);
}

void cop_chosen_outputs_end(struct chosen_outputs *chosen)
{
    const struct arguments *arguments = chosen->arguments;
    if (chosen->dst == NULL)
        return;
    for (size_t i = 0; i < arguments->output_count; i++)
        chosen->dst[arguments->outputs[i]] = NULL; /* the caller's, or to become so */
    for (int i = 0; i < arguments->op->plan->dst_count; i++)
        cop_ndarray_release(&chosen->dst[i]);
    if (chosen->dst != chosen->few)
        cop_free(chosen->dst);
}
