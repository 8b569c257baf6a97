// SPDX-License-Identifier: Apache-2.0
#include "runtime/arguments.h"

#include "base/error.h"
#include "ir/shape.h"

static bool is_as_described(const cop_ndarray *array, const cop_tensor_desc *desc)
{
    bool is_same = array->dtype == desc->dtype && array->rank == desc->rank;
    for (int i = 0; is_same && i < desc->rank; i++)
        is_same = array->shape[i] == desc->shape[i];
    return is_same;
}

static cop_status fail_array(const char *what, const cop_tensor_desc *desc,
                             const cop_ndarray *array, cop_error *error)
{
    if (array->dtype != desc->dtype)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%s '%s': is %s, not %s", what,
                        desc->name, cop_dtype_name(array->dtype), cop_dtype_name(desc->dtype));
    const struct shape is = cop_shape_of(array->rank, array->shape);
    const struct shape should_be = cop_shape_of(desc->rank, desc->shape);
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%s '%s': has shape %s, not %s", what,
                    desc->name, cop_shape_text(&is).text, cop_shape_text(&should_be).text);
}

static bool overlaps(const cop_ndarray *a, const cop_ndarray *b)
{
    return a->elements < b->elements + b->bytes && b->elements < a->elements + a->bytes;
}

/* An output must not lie on an input, which is read while it is written, nor on another output. */
static cop_status check_overlap(const struct arguments *arguments, size_t index, cop_error *error)
{
    const struct plan *plan = arguments->op->plan;
    const cop_ndarray *dst = arguments->dst[index];
    for (size_t i = 0; i < arguments->src_count; i++)
        if (overlaps(dst, arguments->src[i]))
            return cop_fail(
                error, COP_STATUS_INVALID_ARGUMENT, "output '%s': overlaps input '%s' in memory",
                plan->dsts[cop_arguments_output(arguments, index)].name, plan->srcs[i].name);
    for (size_t i = 0; i < index; i++)
        if (arguments->dst[i] != NULL && overlaps(dst, arguments->dst[i]))
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "output '%s': overlaps output '%s' in memory",
                            plan->dsts[cop_arguments_output(arguments, index)].name,
                            plan->dsts[cop_arguments_output(arguments, i)].name);
    return COP_STATUS_OK;
}

/* Only outputs that exist may be chosen, each once. */
static cop_status check_choice(struct arguments *arguments, cop_error *error)
{
    const struct plan *plan = arguments->op->plan;
    const size_t *outputs = arguments->outputs;
    uint64_t seen = 0;
    if (outputs == NULL || arguments->output_count == 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%zu outputs are chosen, at %s",
                        arguments->output_count, outputs == NULL ? "NULL" : "an array");
    if (arguments->dst_count != arguments->output_count)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%zu outputs are given, %zu are chosen",
                        arguments->dst_count, arguments->output_count);
    for (size_t i = 0; i < arguments->output_count; i++) {
        if (outputs[i] >= (size_t)plan->dst_count)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "output %zu is chosen, there are %d", outputs[i], plan->dst_count);
        const uint64_t bit = cop_output_bit(outputs[i]);
        for (size_t j = 0; (seen & bit) != 0 && j < i; j++)
            if (outputs[j] == outputs[i])
                return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                                "output %zu, '%s', is chosen twice", outputs[i],
                                plan->dsts[outputs[i]].name);
        seen |= bit;
    }
    arguments->unwanted = ~seen;
    return COP_STATUS_OK;
}

/* A device's memory is reached by that device alone, and where the plan has steps on the processor,
 * not by those. */
static cop_status check_memory(const struct plan *plan, const cop_ndarray *array, const char *what,
                               const char *name, bool is_host_used, cop_error *error)
{
    const struct device *first = plan->devices.devices[0];
    const struct storage *storage = array->storage;
    if (storage->memory_kind != MEMORY_DEVICE)
        return COP_STATUS_OK;
    if (storage->device != first)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "%s '%s': lies in memory of gpu:%d, and the operator runs on %s", what,
                        name, storage->device->id.index, first->name);
    if (is_host_used)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "%s '%s': lies in memory of gpu:%d, and a step that this device lacks uses "
                        "it on the processor: take an array in host memory",
                        what, name, storage->device->id.index);
    return COP_STATUS_OK;
}

static cop_status check_counts(struct arguments *arguments, cop_error *error)
{
    const struct plan *plan = arguments->op->plan;
    if (arguments->src_count != (size_t)plan->src_count)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%zu inputs are given, %d are needed",
                        arguments->src_count, plan->src_count);
    const bool is_choice = arguments->outputs != NULL || arguments->output_count != 0;
    const cop_status status = is_choice ? check_choice(arguments, error) : COP_STATUS_OK;
    if (status != COP_STATUS_OK)
        return status;
    if (!is_choice && arguments->dst_count != (size_t)plan->dst_count)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%zu outputs are given, %d are needed",
                        arguments->dst_count, plan->dst_count);
    if ((arguments->src == NULL && arguments->src_count > 0) ||
        (arguments->dst == NULL && arguments->dst_count > 0))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "the array of %s is NULL",
                        arguments->dst == NULL ? "outputs" : "inputs");
    return COP_STATUS_OK;
}

cop_status cop_arguments_check(struct arguments *arguments, cop_error *error)
{
    const struct plan *plan = arguments->op->plan;
    cop_status status = check_counts(arguments, error);
    for (size_t i = 0; i < arguments->src_count && status == COP_STATUS_OK; i++)
        if (arguments->src[i] == NULL)
            status = cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "input '%s': is NULL",
                              plan->srcs[i].name);
        else if (!is_as_described(arguments->src[i], &plan->srcs[i]))
            status = fail_array("input", &plan->srcs[i], arguments->src[i], error);
        else
            status = check_memory(plan, arguments->src[i], "input", plan->srcs[i].name,
                                  plan->src_is_host_read[i], error);
    for (size_t i = 0; i < arguments->dst_count && status == COP_STATUS_OK; i++) {
        if (arguments->dst[i] == NULL)
            continue;
        const size_t output = cop_arguments_output(arguments, i);
        status = is_as_described(arguments->dst[i], &plan->dsts[output])
                     ? check_overlap(arguments, i, error)
                     : fail_array("output", &plan->dsts[output], arguments->dst[i], error);
        if (status == COP_STATUS_OK)
            status = check_memory(plan, arguments->dst[i], "output", plan->dsts[output].name,
                                  plan->dst_is_host_used[output], error);
    }
    return status;
}

cop_status cop_arguments_make_outputs(const struct arguments *arguments, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (size_t i = 0; i < arguments->dst_count && status == COP_STATUS_OK; i++)
        if (arguments->dst[i] == NULL)
            status =
                cop_output_pool_take(arguments->op->outputs[cop_arguments_output(arguments, i)],
                                     &arguments->dst[i], error);
    if (status != COP_STATUS_OK)
        cop_arguments_give_up(arguments);
    return status;
}

void cop_arguments_give_up(const struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->dst_count; i++)
        if (arguments->dst[i] != NULL && arguments->dst[i]->is_fresh) {
            arguments->dst[i]->is_fresh = false;
            cop_ndarray_release(&arguments->dst[i]);
        }
}

void cop_arguments_hand_out(const struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->dst_count; i++)
        if (arguments->dst[i]->is_fresh)
            arguments->dst[i]->is_fresh = false;
}

static void leave_first(const struct arguments *arguments, size_t src_count, size_t dst_count)
{
    for (size_t i = dst_count; i-- > 0;)
        if (!arguments->dst[i]->is_fresh)
            cop_storage_end_write(arguments->dst[i]->storage);
    for (size_t i = src_count; i-- > 0;)
        cop_storage_end_read(arguments->src[i]->storage);
}

bool cop_arguments_try_enter(const struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->src_count; i++)
        if (!cop_storage_try_read(arguments->src[i]->storage)) {
            leave_first(arguments, i, 0);
            return false;
        }
    for (size_t i = 0; i < arguments->dst_count; i++)
        if (!arguments->dst[i]->is_fresh && !cop_storage_try_write(arguments->dst[i]->storage)) {
            leave_first(arguments, arguments->src_count, i);
            return false;
        }
    return true;
}

void cop_arguments_leave(const struct arguments *arguments)
{
    leave_first(arguments, arguments->src_count, arguments->dst_count);
}

void cop_arguments_poison(const struct arguments *arguments, struct failure *failure)
{
    for (size_t i = 0; i < arguments->dst_count; i++)
        if (!arguments->dst[i]->is_fresh)
            cop_engine_record_failure(arguments->dst[i]->storage, failure);
}

static int add_access(struct access *accesses, int count, struct storage *storage, bool is_write)
{
    for (int i = 0; i < count; i++)
        if (accesses[i].storage == storage) {
            accesses[i].is_write |= is_write;
            accesses[i].is_read |= !is_write;
            return count;
        }
    accesses[count] = (struct access){
        .storage = storage,
        .is_read = !is_write,
        .is_write = is_write,
    };
    return count + 1;
}

int cop_arguments_accesses(const struct arguments *arguments, bool includes_fresh,
                           struct access *accesses)
{
    int count = 0;
    for (size_t i = 0; i < arguments->src_count; i++)
        count = add_access(accesses, count, arguments->src[i]->storage, false);
    for (size_t i = 0; i < arguments->dst_count; i++)
        if (includes_fresh || !arguments->dst[i]->is_fresh)
            count = add_access(accesses, count, arguments->dst[i]->storage, true);
    return count;
}
