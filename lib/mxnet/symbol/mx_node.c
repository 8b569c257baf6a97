// SPDX-License-Identifier: Apache-2.0
#include "mxnet/symbol/mx_node.h"

#include <string.h>

#include "base/alloc.h"

struct mx_node *cop_mx_node_create(const struct mx_operator *op, const char *name)
{
    struct mx_node *node = cop_alloc(1, sizeof *node);
    if (node == NULL)
        return NULL;
    cop_refcount_init(&node->refs);
    node->op = op;
    node->name = cop_copy_text(name);
    if (node->name != NULL)
        return node;
    cop_free(node);
    return NULL;
}

void cop_mx_node_release(struct mx_node *node)
{
    struct mx_node *dead = NULL; /* a list of nodes that nobody refers to */
    if (node != NULL && cop_refcount_release(&node->refs)) {
        node->next = NULL;
        dead = node;
    }
    while (dead != NULL) {
        struct mx_node *next = dead->next;
        for (int i = 0; i < dead->input_count; i++) {
            struct mx_node *input = dead->inputs[i].node;
            if (cop_refcount_release(&input->refs)) {
                input->next = next;
                next = input;
            }
        }
        cop_free(dead->inputs);
        cop_mx_attributes_free(&dead->attributes);
        cop_free(dead->name);
        cop_free(dead);
        dead = next;
    }
}

bool cop_mx_node_rename(struct mx_node *node, const char *name)
{
    char *copy = cop_copy_text(name);
    if (copy == NULL)
        return false;
    cop_free(node->name);
    node->name = copy;
    return true;
}

/* The position of a key, or where it would be inserted. */
static int find_position(const struct mx_attribute_list *list, const char *key, bool *is_there)
{
    int low = 0, high = list->count;
    *is_there = false;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const int order = strcmp(list->keys[middle], key);
        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool insert(struct mx_attribute_list *list, int position, const char *key, char *value)
{
    const size_t count = (size_t)list->count + 1;
    char *copy = cop_copy_text(key);
    char **keys = copy == NULL ? NULL : cop_realloc(list->keys, count, sizeof *keys);
    list->keys = keys == NULL ? list->keys : keys;
    char **values = keys == NULL ? NULL : cop_realloc(list->values, count, sizeof *values);
    if (values == NULL) {
        cop_free(copy);
        return false;
    }
    list->values = values;
    const size_t moved = (size_t)(list->count - position);
    memmove(keys + position + 1, keys + position, moved * sizeof *keys);
    memmove(values + position + 1, values + position, moved * sizeof *values);
    keys[position] = copy;
    values[position] = value;
    list->count++;
    return true;
}

bool cop_mx_attributes_set(struct mx_attribute_list *list, const char *key, const char *value)
{
    bool is_there;
    const int position = find_position(list, key, &is_there);
    char *copy = cop_copy_text(value);
    if (copy == NULL)
        return false;
    if (is_there) {
        cop_free(list->values[position]);
        list->values[position] = copy;
        return true;
    }
    if (insert(list, position, key, copy))
        return true;
    cop_free(copy);
    return false;
}

void cop_mx_attributes_remove(struct mx_attribute_list *list, const char *key)
{
    bool is_there;
    const int position = find_position(list, key, &is_there);
    if (!is_there)
        return;
    cop_free(list->keys[position]);
    cop_free(list->values[position]);
    const size_t moved = (size_t)(--list->count - position);
    memmove(list->keys + position, list->keys + position + 1, moved * sizeof *list->keys);
    memmove(list->values + position, list->values + position + 1, moved * sizeof *list->values);
}

const char *cop_mx_attributes_get(const struct mx_attribute_list *list, const char *key)
{
    bool is_there;
    const int position = find_position(list, key, &is_there);
    return is_there ? list->values[position] : NULL;
}

bool cop_mx_attributes_copy(const struct mx_attribute_list *list, struct mx_attribute_list *copy)
{
    if (list->count == 0)
        return true;
    copy->keys = cop_alloc((size_t)list->count, sizeof *copy->keys);
    copy->values = cop_alloc((size_t)list->count, sizeof *copy->values);
    bool is_copied = copy->keys != NULL && copy->values != NULL;
    while (is_copied && copy->count < list->count) {
        const int i = copy->count++;
        copy->keys[i] = cop_copy_text(list->keys[i]);
        copy->values[i] = cop_copy_text(list->values[i]);
        is_copied = copy->keys[i] != NULL && copy->values[i] != NULL;
    }
    if (!is_copied)
        cop_mx_attributes_free(copy);
    return is_copied;
}

void cop_mx_attributes_free(struct mx_attribute_list *list)
{
    for (int i = 0; i < list->count; i++) {
        cop_free(list->keys[i]);
        cop_free(list->values[i]);
    }
    cop_free(list->keys);
    cop_free(list->values);
    *list = (struct mx_attribute_list){0};
}

const char *cop_mx_node_attribute(const struct mx_node *node, const char *key)
{
    return cop_mx_attributes_get(&node->attributes, key);
}

struct mx_attributes cop_mx_node_attributes(const struct mx_node *node)
{
    return (struct mx_attributes){node->attributes.count,
                                  (const char *const *)node->attributes.keys,
                                  (const char *const *)node->attributes.values};
}

int cop_mx_node_output_count(const struct mx_node *node)
{
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    return cop_mx_node_is_variable(node) ? 1 : cop_mx_operator_output_count(node->op, &attributes);
}

int cop_mx_node_visible_count(const struct mx_node *node)
{
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    return cop_mx_node_is_variable(node) ? 1 : cop_mx_operator_visible_count(node->op, &attributes);
}

bool cop_mx_node_changes(const struct mx_node *node, int index)
{
    return !cop_mx_node_is_variable(node) && cop_mx_operator_is_mutable(node->op, index) &&
           cop_mx_node_is_variable(node->inputs[index].node);
}

void cop_mx_node_count_versions(struct mx_node *node)
{
    for (int i = 0; i < node->input_count; i++)
        if (cop_mx_node_is_variable(node->inputs[i].node))
            node->inputs[i].version =
                atomic_load_explicit(&node->inputs[i].node->version, memory_order_relaxed);
    for (int i = 0; i < node->input_count; i++)
        if (cop_mx_node_changes(node, i))
            node->inputs[i].version = 1 + atomic_fetch_add_explicit(&node->inputs[i].node->version,
                                                                    1, memory_order_relaxed);
}

char *cop_mx_entry_name(const struct mx_node *node, int index)
{
    char output[COP_MX_NAME_BYTES];
    struct text name = {0};
    if (cop_mx_node_is_variable(node))
        return cop_copy_text(node->name);
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    cop_mx_operator_output_name(node->op, &attributes, index, output);
    cop_text_add(&name, "%s%s%s", node->name, node->name[0] == '\0' ? "" : "_", output);
    return cop_text_take(&name);
}
