// SPDX-License-Identifier: Apache-2.0
#include "mxnet/base/mx_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

cop_status cop_mx_names_open(struct mx_names *names, size_t most, cop_error *error)
{
    *names = (struct mx_names){.sorted = cop_alloc(most, sizeof *names->sorted)};
    if (names->sorted == NULL)
        return cop_fail_memory(error, "an index of names", most * sizeof *names->sorted);
    return COP_STATUS_OK;
}

void cop_mx_names_close(struct mx_names *names)
{
    cop_free(names->sorted);
    *names = (struct mx_names){NULL, 0};
}

void cop_mx_names_add(struct mx_names *names, const char *text, int index)
{
    names->sorted[names->count++] = (struct mx_name){text, index};
}

static int compare(const void *a, const void *b)
{
    const struct mx_name *x = a, *y = b;
    const int order = strcmp(x->text, y->text);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

void cop_mx_names_sort(struct mx_names *names)
{
    qsort(names->sorted, names->count, sizeof *names->sorted, compare);
}

cop_status cop_mx_names_of(struct mx_names *names, const char *const *texts, size_t count,
                           cop_error *error)
{
    COP_TRY(cop_mx_names_open(names, count, error));
    for (size_t i = 0; i < count; i++)
        cop_mx_names_add(names, texts[i], (int)i);
    cop_mx_names_sort(names);
    return COP_STATUS_OK;
}

/* The first entry that is not below a name, or with `above` the first that is above it. */
static size_t find_bound(const struct mx_names *names, const char *text, int above)
{
    size_t begin = 0, end = names->count;
    while (begin < end) {
        const size_t middle = begin + (end - begin) / 2;
        if (strcmp(names->sorted[middle].text, text) < above)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

const struct mx_name *cop_mx_names_find(const struct mx_names *names, const char *text,
                                        size_t *count)
{
    const size_t begin = find_bound(names, text, 0);
    *count = find_bound(names, text, 1) - begin;
    return *count == 0 ? NULL : &names->sorted[begin];
}

int cop_mx_names_first(const struct mx_names *names, const char *text)
{
    size_t count;
    const struct mx_name *found = cop_mx_names_find(names, text, &count);
    return found == NULL ? -1 : found->index;
}

int cop_mx_names_last(const struct mx_names *names, const char *text)
{
    size_t count;
    const struct mx_name *found = cop_mx_names_find(names, text, &count);
    return found == NULL ? -1 : found[count - 1].index;
}
