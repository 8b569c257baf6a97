// SPDX-License-Identifier: Apache-2.0
#include "runtime/contexts/memory_budget.h"

#include "base/alloc.h"

struct memory_budget *cop_budget_create(size_t cap)
{
    struct memory_budget *budget = cop_alloc(1, sizeof *budget);
    if (budget == NULL)
        return NULL;
    cop_refcount_init(&budget->refs);
    budget->cap = cap == 0 ? SIZE_MAX : cap;
    return budget;
}

struct memory_budget *cop_budget_retain(struct memory_budget *budget)
{
    cop_refcount_retain(&budget->refs);
    return budget;
}

void cop_budget_release(struct memory_budget **budget)
{
    struct memory_budget *old = *budget;
    *budget = NULL;
    if (old != NULL && cop_refcount_release(&old->refs))
        cop_free(old);
}
