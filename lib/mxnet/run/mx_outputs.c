// SPDX-License-Identifier: Apache-2.0
#include "mxnet/run/mx_outputs.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_returns.h"

cop_status cop_mx_inputs_check(int count, void *const *handles, cop_error *error)
{
    if (count < 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Check failed: num_inputs >= 0: %d",
                        count);
    if (count > 0 && handles == NULL)
        return cop_mx_fail_null("inputs", error);
    for (int i = 0; i < count; i++) {
        char what[32];
        snprintf(what, sizeof what, "inputs[%d]", i);
        COP_TRY(cop_mx_check_handle(handles[i], MX_KIND_ARRAY, what, error));
    }
    return COP_STATUS_OK;
}

cop_status cop_mx_outputs_open(struct mx_outputs *outputs, size_t count, void *const *given,
                               cop_error *error)
{
    *outputs = (struct mx_outputs){.count = count, .are_given = given != NULL};
    outputs->arrays =
        count <= COP_MX_USUAL_OUTPUTS ? outputs->usual : cop_alloc(count, sizeof *outputs->arrays);
    if (outputs->arrays == NULL)
        return cop_fail_memory(error, "a list of outputs", count * sizeof *outputs->arrays);
    for (size_t i = 0; i < count && given != NULL; i++) {
        char what[32];
        snprintf(what, sizeof what, "outputs[%zu]", i);
        COP_TRY(cop_mx_check_handle(given[i], MX_KIND_ARRAY, what, error));
        outputs->arrays[i] = given[i];
    }
    return COP_STATUS_OK;
}

static cop_status return_storage_types(size_t count, const int **types, cop_error *error)
{
    void *memory;
    COP_TRY(cop_mx_slot_take(MX_SLOT_STORAGE_TYPES, count * sizeof(int), &memory, error));
    memset(memory, 0, count * sizeof(int)); /* all dense */
    *types = memory;
    return COP_STATUS_OK;
}

cop_status cop_mx_outputs_close(struct mx_outputs *outputs, cop_status status, int *returned_count,
                                void ***returned, const int **storage_types, cop_error *error)
{
    const size_t bytes = outputs->count * sizeof(void *);
    void *list = NULL;
    if (status == COP_STATUS_OK && !outputs->are_given)
        status = cop_mx_slot_take(MX_SLOT_HANDLES, bytes, &list, error);
    if (status == COP_STATUS_OK && storage_types != NULL)
        status = return_storage_types(outputs->count, storage_types, error);
    if (status == COP_STATUS_OK && list != NULL) {
        memcpy(list, outputs->arrays, bytes);
        *returned = list;
        *returned_count = (int)outputs->count;
    }
    for (size_t i = 0; status != COP_STATUS_OK && !outputs->are_given && i < outputs->count &&
                       outputs->arrays != NULL;
         i++)
        cop_mx_array_destroy(outputs->arrays[i]);
    if (outputs->arrays != outputs->usual)
        cop_free(outputs->arrays);
    return status;
}
