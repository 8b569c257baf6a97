// SPDX-License-Identifier: Apache-2.0
/* How many inputs and outputs a use of an operator has, and what they are called. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mxnet/operators/mx_operator.h"

const char *cop_mx_attribute(const struct mx_attributes *attributes, const char *key)
{
    for (int i = attributes->count - 1; i >= 0; i--)
        if (strcmp(attributes->keys[i], key) == 0)
            return attributes->values[i];
    return NULL;
}

bool cop_mx_attribute_bool(const struct mx_attributes *attributes, const char *key, bool otherwise)
{
    const char *text = cop_mx_attribute(attributes, key);
    bool value;
    return text != NULL && cop_parse_bool(text, &value) ? value : otherwise;
}

static bool is_text(const struct mx_attributes *attributes, const char *key, const char *value)
{
    const char *text = cop_mx_attribute(attributes, key);
    return text != NULL && strcmp(text, value) == 0;
}

/* A count of at least 1; −1: absent or no such number. */
static int read_count(const struct mx_attributes *attributes, const char *key, int most)
{
    const char *text = cop_mx_attribute(attributes, key);
    int64_t count;
    return text != NULL && cop_parse_int(text, &count) && count >= 1 && count <= most ? (int)count
                                                                                      : -1;
}

/* The names of the inputs, separated by spaces; "*": any number. */
static const char *find_inputs(const struct mx_operator *op, const struct mx_attributes *attributes)
{
    if (op->bilinear_inputs != NULL && is_text(attributes, "sample_type", "bilinear"))
        return op->bilinear_inputs;
    return op->inputs != NULL ? op->inputs : op->mapping != NULL ? op->mapping->slots : "";
}

static bool has_last_input(const struct mx_operator *op, const struct mx_attributes *attributes)
{
    switch (op->mapping == NULL ? LAST_ALWAYS : op->mapping->last) {
    case LAST_UNLESS_NO_BIAS:
        return !cop_mx_attribute_bool(attributes, "no_bias", false);
    case LAST_IF_PRELU:
        return is_text(attributes, "act_type", "prelu");
    case LAST_IF_USE_LENGTH:
        return cop_mx_attribute_bool(attributes, "use_length", false);
    case LAST_ALWAYS:
        break;
    }
    return true;
}

static int count_words(const char *text)
{
    int count = text[0] != '\0';
    for (; *text != '\0'; text++)
        count += *text == ' ';
    return count;
}

/* Copies word `index`; "" when there is none. */
static void copy_word(const char *text, int index, char name[COP_MX_NAME_BYTES])
{
    for (; index > 0 && *text != '\0'; index--) {
        text += strcspn(text, " ");
        text += *text == ' ';
    }
    snprintf(name, COP_MX_NAME_BYTES, "%.*s", (int)strcspn(text, " "), text);
}

int cop_mx_operator_input_count(const struct mx_operator *op,
                                const struct mx_attributes *attributes)
{
    const char *inputs = find_inputs(op, attributes);
    if (inputs[0] == '*')
        return read_count(attributes, op->key_var_num_args, INT32_MAX);
    const int count = count_words(inputs);
    return inputs == op->bilinear_inputs || has_last_input(op, attributes) ? count : count - 1;
}

void cop_mx_operator_input_name(const struct mx_operator *op,
                                const struct mx_attributes *attributes, int index,
                                char name[COP_MX_NAME_BYTES])
{
    const char *inputs = find_inputs(op, attributes);
    if (inputs[0] == '*')
        snprintf(name, COP_MX_NAME_BYTES, "arg%d", index);
    else
        copy_word(inputs, index < 0 ? INT32_MAX : index, name);
}

bool cop_mx_operator_is_mutable(const struct mx_operator *op, int index)
{
    if (op->mapping == NULL || op->inputs != NULL || index < 0 || op->mapping->slots[0] == '*')
        return false;
    return cop_mxnet_slot(op->mapping, index, NULL) == SLOT_AUXILIARY;
}

int cop_mx_operator_output_count(const struct mx_operator *op,
                                 const struct mx_attributes *attributes)
{
    switch (op->output_rule) {
    case MX_OUTPUT_RRELU:
        return is_text(attributes, "act_type", "rrelu") ? 2 : 1;
    case MX_OUTPUT_PARTS: {
        const int count = read_count(attributes, "num_outputs", COP_MAX_SPLIT_OUTPUTS);
        return count < 1 ? 1 : count;
    }
    case MX_OUTPUT_ONE:
    case MX_OUTPUT_FIRST:
    case MX_OUTPUT_MEAN_VAR:
        break;
    }
    return op->outputs == NULL ? 1 : count_words(op->outputs);
}

int cop_mx_operator_visible_count(const struct mx_operator *op,
                                  const struct mx_attributes *attributes)
{
    if (op->output_rule == MX_OUTPUT_FIRST ||
        (op->output_rule == MX_OUTPUT_MEAN_VAR &&
         !cop_mx_attribute_bool(attributes, "output_mean_var", false)))
        return 1;
    return cop_mx_operator_output_count(op, attributes);
}

void cop_mx_operator_output_name(const struct mx_operator *op,
                                 const struct mx_attributes *attributes, int index,
                                 char name[COP_MX_NAME_BYTES])
{
    (void)attributes;
    if (op->output_rule == MX_OUTPUT_PARTS) /* also when there is one */
        snprintf(name, COP_MX_NAME_BYTES, "output%d", index);
    else
        copy_word(op->outputs == NULL ? "output" : op->outputs, index < 0 ? INT32_MAX : index,
                  name);
}

bool cop_mx_operator_trains_differently(const struct mx_operator *op,
                                        const struct mx_attributes *attributes)
{
    switch (op->training) {
    case MX_TRAINING_SAME:
        return false;
    case MX_TRAINING_RANDOM:
        return true;
    case MX_TRAINING_STATISTICS:
        return !cop_mx_attribute_bool(attributes, "use_global_stats", false);
    case MX_TRAINING_RRELU:
        return is_text(attributes, "act_type", "rrelu");
    }
    return false;
}
