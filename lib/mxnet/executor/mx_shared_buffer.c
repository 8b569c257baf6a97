// SPDX-License-Identifier: Apache-2.0
#include "mxnet/executor/mx_shared_buffer.h"

#include <string.h>

#include "base/alloc.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_returns.h"

cop_status cop_mx_buffer_check(const struct mx_shared_buffer *buffer, cop_error *error)
{
    if (buffer->wanted_count > 0 && buffer->wanted_names == NULL)
        return cop_mx_fail_null("shared_arg_name_list", error);
    for (uint32_t i = 0; i < buffer->wanted_count; i++)
        if (buffer->wanted_names[i] == NULL)
            return cop_mx_fail_null("a name of shared_arg_name_list", error);
    if (!cop_mx_has_buffer(buffer))
        return COP_STATUS_OK;
    if (buffer->new_names == NULL || buffer->new_handles == NULL)
        return cop_mx_fail_null("an updated_shared_buffer list", error);
    if (*buffer->length > 0 && (buffer->names == NULL || buffer->handles == NULL))
        return cop_mx_fail_null("a shared_buffer list", error);
    for (int i = 0; i < *buffer->length; i++) {
        if (buffer->names[i] == NULL)
            return cop_mx_fail_null("a name of shared_buffer_name_list", error);
        COP_TRY(cop_mx_check_handle(buffer->handles[i], MX_KIND_ARRAY,
                                    "an array of shared_buffer_handle_list", error));
    }
    return COP_STATUS_OK;
}

static bool is_wanted(const struct mx_shared_buffer *buffer, const char *name)
{
    for (uint32_t i = 0; i < buffer->wanted_count && cop_mx_has_buffer(buffer); i++)
        if (strcmp(buffer->wanted_names[i], name) == 0)
            return true;
    return false;
}

static int find_in_buffer(const struct mx_shared_buffer *buffer, const char *name)
{
    for (int i = 0; cop_mx_has_buffer(buffer) && i < *buffer->length; i++)
        if (strcmp(buffer->names[i], name) == 0)
            return i;
    return -1;
}

cop_status cop_mx_buffer_array(const struct mx_shared_buffer *buffer, const char *name,
                               const struct shape *shape, int type, struct mx_context context,
                               struct mx_array **array, cop_error *error)
{
    const int found = is_wanted(buffer, name) ? find_in_buffer(buffer, name) : -1;
    const struct mx_array *old = found < 0 ? NULL : buffer->handles[found];
    if (old != NULL && !cop_mx_array_is_none(old) && old->type == type &&
        cop_shape_equal(&old->shape, shape) &&
        cop_mx_context_is_equal(cop_mx_array_context(old), context))
        return cop_mx_array_share(old, array, error);
    return cop_mx_array_create(shape, type, context, false, array, error);
}

cop_status cop_mx_buffer_return(const struct mx_executor *executor,
                                const struct mx_shared_buffer *buffer, cop_error *error)
{
    if (!cop_mx_has_buffer(buffer))
        return COP_STATUS_OK;
    void *memory;
    const size_t most = (size_t)*buffer->length + executor->src_count;
    size_t count = 0;
    COP_TRY(cop_mx_slot_take(MX_SLOT_MORE_HANDLES, most * sizeof(NDArrayHandle), &memory, error));
    NDArrayHandle *handles = memory;
    const char **names = cop_alloc(most, sizeof *names);
    cop_status status =
        names == NULL ? cop_fail_memory(error, "a list of names", most) : COP_STATUS_OK;
    for (size_t i = 0; i < most && status == COP_STATUS_OK; i++) {
        const bool is_old = i < (size_t)*buffer->length;
        const size_t input = i - (size_t)*buffer->length;
        const char *name =
            is_old ? buffer->names[i] : cop_mx_program_input_name(executor->program, input);
        if (!is_old && (!is_wanted(buffer, name) || find_in_buffer(buffer, name) >= 0))
            continue;
        const struct mx_array *array = is_old ? buffer->handles[i] : executor->src[input];
        struct mx_array *shared;
        status = cop_mx_array_share(array, &shared, error);
        if (status == COP_STATUS_OK) {
            names[count] = name;
            handles[count++] = shared;
        }
    }
    if (status == COP_STATUS_OK)
        status = cop_mx_return_texts(MX_SLOT_TEXTS, count, names, buffer->new_names, error);
    cop_free(names);
    while (status != COP_STATUS_OK && count > 0)
        cop_mx_array_destroy(handles[--count]);
    if (status == COP_STATUS_OK) {
        *buffer->new_handles = handles;
        *buffer->length = (int)count;
    }
    return status;
}
