// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/deadlines.h"

#include <stddef.h>

/* Two roots become one: the later is the earlier's first child. */
static struct deadline *meld(struct deadline *a, struct deadline *b)
{
    if (a == NULL || b == NULL)
        return a == NULL ? b : a;
    if (b->at_ns < a->at_ns) {
        struct deadline *earlier = b;
        b = a;
        a = earlier;
    }
    b->previous = a;
    b->next = a->child;
    if (b->next != NULL)
        b->next->previous = b;
    a->child = b;
    a->next = a->previous = NULL;
    return a;
}

/* Siblings become one root: pair by pair from the left, then all pairs from the right. */
static struct deadline *meld_siblings(struct deadline *sibling)
{
    struct deadline *pairs = NULL, *root = NULL; /* pairs are linked backwards by next */
    while (sibling != NULL) {
        struct deadline *first = sibling, *second = sibling->next;
        sibling = second == NULL ? NULL : second->next;
        first->next = first->previous = NULL;
        if (second != NULL)
            second->next = second->previous = NULL;
        struct deadline *pair = meld(first, second);
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs != NULL) {
        struct deadline *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        root = meld(root, pair);
    }
    return root;
}

void cop_deadlines_add(struct deadline **first, struct deadline *added)
{
    added->child = added->next = added->previous = NULL;
    added->is_listed = true;
    *first = meld(*first, added);
}

void cop_deadlines_remove(struct deadline **first, struct deadline *removed)
{
    struct deadline *rest = meld_siblings(removed->child);
    if (removed == *first) {
        *first = rest;
    } else {
        if (removed->previous->child == removed)
            removed->previous->child = removed->next;
        else
            removed->previous->next = removed->next;
        if (removed->next != NULL)
            removed->next->previous = removed->previous;
        *first = meld(*first, rest);
    }
    removed->child = removed->next = removed->previous = NULL;
    removed->is_listed = false;
}
