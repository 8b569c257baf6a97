// SPDX-License-Identifier: Apache-2.0
#include "graph/overlay.h"

#include "base/alloc.h"
#include "base/error.h"

struct hash cop_overlay_identity(const struct graph_constant *constant, uint64_t version)
{
    return cop_hash_u64(
        cop_hash_bytes(cop_hash_begin(), &constant->identity, sizeof constant->identity), version);
}

/* The next entry of two lists that ascend, of which `entries` replaces what is in both. */
static const struct overlay_entry *next(const struct overlay *base, int *base_index,
                                        const struct overlay_entry *entries, int count, int *index)
{
    const struct overlay_entry *old =
        base != NULL && *base_index < base->count ? &base->entries[*base_index] : NULL;
    const struct overlay_entry *new = *index < count ? &entries[*index] : NULL;
    const bool is_old = new == NULL || (old != NULL && old->parameter < new->parameter);
    *base_index += is_old || (old != NULL && old->parameter == new->parameter);
    *index += !is_old;
    return is_old ? old : new;
}

cop_status cop_overlay_create(const struct overlay *base, const struct overlay_entry *entries,
                              int count, struct overlay **overlay, cop_error *error)
{
    struct overlay *made = cop_alloc(1, sizeof *made);
    int merged = 0;
    *overlay = NULL;
    for (int i = 0, k = 0; next(base, &i, entries, count, &k) != NULL;)
        merged++;
    if (made != NULL) {
        cop_refcount_init(&made->refs);
        made->entries = cop_alloc((size_t)merged, sizeof *made->entries);
    }
    if (made == NULL || made->entries == NULL) {
        cop_free(made);
        return cop_fail_memory(error, "weights of a model", (size_t)merged * sizeof *entries);
    }
    for (int i = 0, k = 0; made->count < merged; made->count++) {
        made->entries[made->count] = *next(base, &i, entries, count, &k);
        (void)cop_source_retain(made->entries[made->count].source);
    }
    *overlay = made;
    return COP_STATUS_OK;
}

struct overlay *cop_overlay_retain(struct overlay *overlay)
{
    if (overlay != NULL)
        cop_refcount_retain(&overlay->refs);
    return overlay;
}

void cop_overlay_release(struct overlay **overlay)
{
    struct overlay *old = *overlay;
    *overlay = NULL;
    if (old == NULL || !cop_refcount_release(&old->refs))
        return;
    for (int i = 0; i < old->count; i++)
        cop_source_release(&old->entries[i].source);
    cop_free(old->entries);
    cop_free(old);
}

static const struct overlay_entry *find(const struct overlay *overlay, int parameter)
{
    int first = 0, end = overlay->count;
    while (first < end) {
        const int middle = first + (end - first) / 2;
        if (overlay->entries[middle].parameter < parameter)
            first = middle + 1;
        else
            end = middle;
    }
    return first < overlay->count && overlay->entries[first].parameter == parameter
               ? &overlay->entries[first]
               : NULL;
}

void cop_overlay_apply(const struct overlay *overlay, struct graph *graph)
{
    for (int i = 0; overlay != NULL && i < graph->value_count; i++) {
        struct graph_constant *constant = graph->values[i].constant;
        const struct overlay_entry *entry =
            constant == NULL ? NULL : find(overlay, constant->parameter);
        if (entry == NULL)
            continue;
        cop_source_release(&constant->source);
        constant->source = cop_source_retain(entry->source);
        constant->offset = 0;
        constant->identity = entry->identity;
    }
}
