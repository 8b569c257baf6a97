// SPDX-License-Identifier: Apache-2.0
#include "mxnet/symbol/mx_notes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/symbol/mx_node.h"
#include "mxnet/symbol/mx_symbol_parts.h"

static const char *const notes[] = {"ctx_group", "lr_mult", "wd_mult", "force_mirroring",
                                    "mirror_stage"};
#define NOTE_COUNT (sizeof notes / sizeof notes[0])

static bool is_at_end(const char *key, const char *note)
{
    const size_t length = strlen(key), note_length = strlen(note);
    return length >= note_length && strcmp(key + length - note_length, note) == 0;
}

bool cop_mx_note_is_key(const char *key)
{
    for (size_t i = 0; i < NOTE_COUNT; i++)
        if (strcmp(key, notes[i]) == 0)
            return true;
    return false;
}

bool cop_mx_note_is_prefix(const char *key)
{
    for (size_t i = 0; i < NOTE_COUNT; i++)
        if (strncmp(key, notes[i], strlen(notes[i])) == 0)
            return true;
    return false;
}

int cop_mx_note_suffix(const char *key)
{
    for (size_t i = 0; i < NOTE_COUNT; i++)
        if (is_at_end(key, notes[i]))
            return (int)(strlen(key) - strlen(notes[i]));
    return -1;
}

static cop_status refuse(const char *key, const char *value, int length, cop_error *error)
{
    const cop_status status =
        cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                 "setting variable attributes with %.64s is deprecated. please instead use", key);
    cop_mx_add_line(error, "w = Variable(%.64s=%.64s)", key + length, value);
    cop_mx_add_line(error, "sym = YourSymbolName(%.*s=w)", length > 0 ? length - 1 : 0, key);
    return status;
}

cop_status cop_mx_note_key(const char *key, const char *value, enum mx_note_match match,
                           char **kept, cop_error *error)
{
    const bool is_note =
        match == MX_NOTE_PREFIX ? cop_mx_note_is_prefix(key) : cop_mx_note_is_key(key);
    const int suffix = cop_mx_note_suffix(key);
    struct text text = {0};
    *kept = NULL;
    if (!is_note && suffix >= 0)
        return refuse(key, value, suffix, error);
    cop_text_add(&text, is_note ? "__%s__" : "%s", key);
    *kept = cop_text_take(&text);
    return *kept == NULL ? cop_fail_memory(error, "an attribute", strlen(key)) : COP_STATUS_OK;
}

/* No operator says of more inputs what they begin with: numbers 1, 3 and 4. */
#define INITIALIZED_INPUTS 3

/* What the operator wants its variables to begin with; frontends read it. */
static const char *initializer_of(const struct mx_node *node, int index)
{
    const char *name = node->op->name;
    const char *act_type = cop_mx_node_attribute(node, "act_type");
    const char *sample_type = cop_mx_node_attribute(node, "sample_type");
    if (strcmp(name, "LeakyReLU") == 0 && index == 1 && act_type != NULL &&
        strcmp(act_type, "prelu") == 0)
        return "[\"Constant\", {\"value\": 0.25}]";
    if (strcmp(name, "UpSampling") == 0 && index == 1 && sample_type != NULL &&
        strcmp(sample_type, "bilinear") == 0)
        return "[\"bilinear\", {}]";
    if (!cop_mx_operator_is_mutable(node->op, index))
        return NULL;
    return index == 3 ? "[\"zero\", {}]" : index == 4 ? "[\"one\", {}]" : NULL;
}

bool cop_mx_note_initializers(const struct mx_node *node, const struct mx_entry *inputs, int count)
{
    int noted[INITIALIZED_INPUTS], noted_count = 0;
    for (int i = 0; i < count; i++) {
        struct mx_node *variable = inputs[i].node;
        const char *initializer = initializer_of(node, i);
        if (initializer == NULL || variable->op != NULL ||
            cop_mx_node_attribute(variable, "__init__") != NULL)
            continue;
        if (!cop_mx_attributes_set(&variable->attributes, "__init__", initializer)) {
            while (noted_count > 0)
                cop_mx_attributes_remove(&inputs[noted[--noted_count]].node->attributes,
                                         "__init__");
            return false;
        }
        noted[noted_count++] = i;
    }
    return true;
}
