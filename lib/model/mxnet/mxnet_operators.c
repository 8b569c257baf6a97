// SPDX-License-Identifier: Apache-2.0
#include "model/mxnet/mxnet_operators.h"

#include <stdio.h>
#include <string.h>

const struct mxnet_operator_family *const cop_mxnet_families[] = {
    &cop_mxnet_neural_family,      &cop_mxnet_normalization_family,
    &cop_mxnet_elementwise_family, &cop_mxnet_scalar_family,
    &cop_mxnet_arrangement_family, &cop_mxnet_repetition_family,
    &cop_mxnet_reduction_family,   NULL,
};

static const struct mxnet_operator *find_in(const struct mxnet_operator_family *family,
                                            const char *name)
{
    size_t begin = 0, end = family->count;
    while (begin < end) {
        const size_t middle = begin + (end - begin) / 2;
        const int order = strcmp(family->operators[middle].name, name);
        if (order == 0)
            return &family->operators[middle];
        if (order < 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

const struct mxnet_operator *cop_mxnet_operator_find(const char *name)
{
    const struct mxnet_operator *op = NULL;
    name = cop_mxnet_canonical_name(name);
    for (int i = 0; cop_mxnet_families[i] != NULL && op == NULL; i++)
        op = find_in(cop_mxnet_families[i], name);
    return op;
}

/* An input's name says what it is for, in every operator alike. */
static enum slot_role role_of(const char *name)
{
    static const char *const parameters[] = {"weight", "bias", "gamma", "beta"};
    if (strcmp(name, "label") == 0)
        return SLOT_LABEL;
    if (strcmp(name, "moving_mean") == 0 || strcmp(name, "moving_var") == 0)
        return SLOT_AUXILIARY;
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++)
        if (strcmp(name, parameters[i]) == 0)
            return SLOT_PARAMETER;
    return SLOT_TENSOR;
}

enum slot_role cop_mxnet_slot(const struct mxnet_operator *op, int slot,
                              char name[COP_SLOT_NAME_BYTES])
{
    char own[COP_SLOT_NAME_BYTES];
    const char *at = op->slots;
    for (int i = 0; i < slot && *at != '\0'; i++) {
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    if (op->slots[0] == '*')
        snprintf(own, sizeof own, "arg%d", slot);
    else
        snprintf(own, sizeof own, "%.*s", (int)strcspn(at, " "), at);
    if (name != NULL)
        memcpy(name, own, sizeof own);
    return role_of(own);
}

static bool has_last_slot(const struct mxnet_operator *op, const struct mxnet_node *node)
{
    cop_error ignored; /* what cannot be read is reported when the operator is mapped */
    struct attribute_reader reader = {node, &ignored, COP_STATUS_OK};
    const char *type;
    switch (op->last) {
    case LAST_UNLESS_NO_BIAS:
        return !cop_attribute_bool(&reader, "no_bias", false);
    case LAST_IF_PRELU:
        type = cop_attribute_text(&reader, "act_type");
        return type != NULL && strcmp(type, "prelu") == 0;
    case LAST_IF_USE_LENGTH:
        return cop_attribute_bool(&reader, "use_length", false);
    case LAST_ALWAYS:
        break;
    }
    return true;
}

int cop_mxnet_slot_count(const struct mxnet_operator *op, const struct mxnet_node *node)
{
    int count = 1;
    if (op->slots[0] == '*')
        return -1;
    for (const char *at = op->slots; *at != '\0'; at++)
        count += *at == ' ';
    return has_last_slot(op, node) ? count : count - 1;
}
