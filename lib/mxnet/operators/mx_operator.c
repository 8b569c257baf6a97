// SPDX-License-Identifier: Apache-2.0
#include "mxnet/operators/mx_operator.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mxnet/operators/mx_operator_table.h"

enum { MOST_OPERATORS = 320, MOST_NAMES = 640 };

struct named_operator {
    const char *name;
    const struct mx_operator *op;
};

/* Written once, by put_in_order. */
static struct mx_operator operators[MOST_OPERATORS];
static struct named_operator names[MOST_NAMES];
static void *handles[MOST_OPERATORS];
static size_t operator_count, name_count;

static int compare_operators(const void *a, const void *b)
{
    return strcmp(((const struct mx_operator *)a)->name, ((const struct mx_operator *)b)->name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct named_operator *)a)->name,
                  ((const struct named_operator *)b)->name);
}

static void add_family(const struct mx_operator_family *family)
{
    for (size_t i = 0; i < family->count && operator_count < MOST_OPERATORS; i++) {
        struct mx_operator *op = &operators[operator_count++];
        *op = family->operators[i];
        op->mapping = cop_mxnet_operator_find(op->name);
        if (op->key_var_num_args == NULL)
            op->key_var_num_args = "";
    }
}

static void add_name(const char *name, const struct mx_operator *op)
{
    assert(name_count < MOST_NAMES);
    if (name_count < MOST_NAMES)
        names[name_count++] = (struct named_operator){name, op};
}

static void put_in_order(void)
{
    static const struct mx_operator_family *const families[] = {
        &cop_mx_neural_family,  &cop_mx_normalization_family, &cop_mx_unary_family,
        &cop_mx_binary_family,  &cop_mx_arrangement_family,   &cop_mx_reduction_family,
        &cop_mx_creation_family};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        add_family(families[i]);
    qsort(operators, operator_count, sizeof operators[0], compare_operators);
    for (size_t i = 0; i < operator_count; i++) {
        handles[i] = &operators[i];
        add_name(operators[i].name, &operators[i]);
        for (const char *const *alias = operators[i].aliases; *alias != NULL; alias++)
            add_name(*alias, &operators[i]);
    }
    qsort(names, name_count, sizeof names[0], compare_names);
}

static void need_order(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, put_in_order);
}

size_t cop_mx_operator_count(void)
{
    need_order();
    return operator_count;
}

const struct mx_operator *cop_mx_operator_at(size_t index)
{
    need_order();
    return index < operator_count ? &operators[index] : NULL;
}

void **cop_mx_operator_handles(void)
{
    need_order();
    return handles;
}

bool cop_mx_operator_is_one(const void *pointer)
{
    need_order();
    const uintptr_t offset = (uintptr_t)pointer - (uintptr_t)operators;
    return offset < operator_count * sizeof operators[0] && offset % sizeof operators[0] == 0;
}

const struct mx_operator *cop_mx_operator_find(const char *name)
{
    need_order();
    const struct named_operator key = {name, NULL};
    const struct named_operator *found =
        bsearch(&key, names, name_count, sizeof names[0], compare_names);
    return found == NULL ? NULL : found->op;
}

size_t cop_mx_operator_name_count(void)
{
    need_order();
    return name_count;
}

const char *cop_mx_operator_name_at(size_t index)
{
    need_order();
    return index < name_count ? names[index].name : NULL;
}
