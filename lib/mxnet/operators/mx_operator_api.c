// SPDX-License-Identifier: Apache-2.0
/* Exported functions that list and describe operators. */
#include <mxnet/c_api.h>
#include <nnvm/c_api.h>

#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_returns.h"
#include "mxnet/operators/mx_operator.h"

/* The list is the table's own and stays for ever: clients go through it and call others meanwhile.
 */
static cop_status list_operators(uint32_t *count, void ***list, cop_error *error)
{
    COP_MX_REQUIRE(count);
    COP_MX_REQUIRE(list);
    *count = (uint32_t)cop_mx_operator_count();
    *list = cop_mx_operator_handles();
    return COP_STATUS_OK;
}

int MXSymbolListAtomicSymbolCreators(uint32_t *out_size, AtomicSymbolCreator **out_array)
{
    cop_error error;
    return cop_mx_end(list_operators(out_size, out_array, &error), &error);
}

int NNListUniqueOps(nn_uint *out_size, OpHandle **out_array)
{
    cop_error error;
    return cop_mx_end(list_operators(out_size, out_array, &error), &error);
}

static cop_status list_names(enum mx_slot slot, uint32_t *count, const char ***list,
                             cop_error *error)
{
    COP_MX_REQUIRE(count);
    COP_MX_REQUIRE(list);
    void *memory;
    const size_t all = cop_mx_operator_name_count();
    COP_TRY(cop_mx_slot_take(slot, all * sizeof **list, &memory, error));
    const char **names = memory;
    for (size_t i = 0; i < all; i++)
        names[i] = cop_mx_operator_name_at(i);
    *count = (uint32_t)all;
    *list = names;
    return COP_STATUS_OK;
}

int MXListAllOpNames(uint32_t *out_size, const char ***out_array)
{
    cop_error error;
    return cop_mx_end(list_names(MX_SLOT_TEXTS, out_size, out_array, &error), &error);
}

int NNListAllOpNames(nn_uint *out_size, const char ***out_array)
{
    cop_error error;
    return cop_mx_end(list_names(MX_SLOT_NN_TEXTS, out_size, out_array, &error), &error);
}

static cop_status find_handle(const char *name, OpHandle *handle, cop_error *error)
{
    COP_MX_REQUIRE(name);
    COP_MX_REQUIRE(handle);
    const struct mx_operator *op = cop_mx_operator_find(name);
    if (op == NULL)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "Operator %.256s is not registered", name);
    *handle = (void *)(uintptr_t)op;
    return COP_STATUS_OK;
}

int NNGetOpHandle(const char *op_name, OpHandle *op_out)
{
    cop_error error;
    return cop_mx_end(find_handle(op_name, op_out, &error), &error);
}

static cop_status check_operator(const void *handle, cop_error *error)
{
    if (cop_mx_operator_is_one(handle))
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "the handle %s",
                    handle == NULL ? "of the operator is NULL" : "is none of an operator");
}

static cop_status name_operator(const void *handle, const char **name, cop_error *error)
{
    COP_MX_REQUIRE(name);
    COP_TRY(check_operator(handle, error));
    *name = ((const struct mx_operator *)handle)->name;
    return COP_STATUS_OK;
}

int MXSymbolGetAtomicSymbolName(AtomicSymbolCreator creator, const char **name)
{
    cop_error error;
    return cop_mx_end(name_operator(creator, name, &error), &error);
}

/* Where a description goes. Any pointer may be NULL. */
struct described {
    const char **name, **description;
    uint32_t *count;
    const char ***names, ***types, ***descriptions;
    const char **key_var_num_args, **return_type;
};

/* Lists one text of each argument behind what is in the slot already. */
static void list_arguments(const struct mx_operator *op, const char **memory,
                           const struct described *to)
{
    const int count = op->argument_count;
    for (int i = 0; i < count; i++) {
        memory[i] = op->arguments[i].name;
        memory[count + i] = op->arguments[i].type_info;
        memory[2 * count + i] = op->arguments[i].description;
    }
    if (to->names != NULL)
        *to->names = memory;
    if (to->types != NULL)
        *to->types = memory + count;
    if (to->descriptions != NULL)
        *to->descriptions = memory + 2 * count;
}

static void set_text(const char **text, const char *value)
{
    if (text != NULL)
        *text = value;
}

static cop_status describe(const void *handle, enum mx_slot slot, const struct described *to,
                           cop_error *error)
{
    if (to->count != NULL)
        *to->count = 0; /* cpp-package goes on after a failure */
    COP_TRY(check_operator(handle, error));
    const struct mx_operator *op = handle;
    void *memory;
    COP_TRY(
        cop_mx_slot_take(slot, 3 * (size_t)op->argument_count * sizeof(char *), &memory, error));
    list_arguments(op, memory, to);
    if (to->count != NULL)
        *to->count = (uint32_t)op->argument_count;
    set_text(to->name, op->name);
    set_text(to->description, op->description);
    set_text(to->key_var_num_args, op->key_var_num_args);
    set_text(to->return_type, NULL);
    return COP_STATUS_OK;
}

int MXSymbolGetAtomicSymbolInfo(AtomicSymbolCreator creator, const char **name,
                                const char **description, uint32_t *num_args,
                                const char ***arg_names, const char ***arg_type_infos,
                                const char ***arg_descriptions, const char **key_var_num_args,
                                const char **return_type)
{
    cop_error error;
    const struct described to = {name,           description,      num_args,         arg_names,
                                 arg_type_infos, arg_descriptions, key_var_num_args, return_type};
    return cop_mx_end(describe(creator, MX_SLOT_INFO, &to, &error), &error);
}

int NNGetOpInfo(OpHandle op, const char **real_name, const char **description,
                nn_uint *num_doc_args, const char ***arg_names, const char ***arg_type_infos,
                const char ***arg_descriptions, const char **return_type)
{
    cop_error error;
    const struct described to = {real_name,      description,      num_doc_args, arg_names,
                                 arg_type_infos, arg_descriptions, NULL,         return_type};
    return cop_mx_end(describe(op, MX_SLOT_NN_INFO, &to, &error), &error);
}
