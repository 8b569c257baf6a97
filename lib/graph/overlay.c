// SPDX-License-Identifier: Apache-2.0
#include "graph/overlay.h"

#include "base/alloc.h"
#include "base/error.h"

struct hash cop_overlay_identity(const struct graph_constant *constant, uint64_t version)
{
    return cop_hash_u64(
        cop_hash_bytes(cop_hash_begin(), &constant->identity, sizeof constant->identity), version);
}

static void append(struct overlay *overlay, const struct overlay_entry *entry)
{
    overlay->entries[overlay->count] = *entry;
    (void)cop_source_retain(entry->source);
    overlay->count++;
}

cop_status cop_overlay_create(const struct overlay *base, const struct overlay_entry *entries,
                              int count, struct overlay **overlay, cop_error *error)
{
    const int base_count = base == NULL ? 0 : base->count;
    const size_t most = (size_t)base_count + (size_t)count;
    struct overlay *made = cop_alloc(1, sizeof *made);
    *overlay = NULL;
    if (made != NULL) {
        cop_refcount_init(&made->refs);
        made->entries = cop_alloc(most, sizeof *made->entries);
    }
    if (made == NULL || made->entries == NULL) {
        cop_free(made);
        return cop_fail_memory(error, "weights of a model", most * sizeof *entries);
    }
    for (int i = 0, k = 0; i < base_count || k < count;) {
        const bool is_old =
            k == count || (i < base_count && base->entries[i].parameter < entries[k].parameter);
        if (!is_old && i < base_count && base->entries[i].parameter == entries[k].parameter)
            i++; /* replaced */
        append(made, is_old ? &base->entries[i++] : &entries[k++]);
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
