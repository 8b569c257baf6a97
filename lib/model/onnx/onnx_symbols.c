// SPDX-License-Identifier: Apache-2.0
/* Names of an ONNX graph: a hash table over spans of the file. */
#include "model/onnx/onnx_import.h"

#include <string.h>

#include "base/alloc.h"

/* The table's own address goes in, so that a file cannot be written to make all names collide. */
static size_t first_slot(const struct onnx_symbols *symbols, struct span name)
{
    const struct hash seed = cop_hash_u64(cop_hash_begin(), (uint64_t)(uintptr_t)symbols);
    const struct hash hash = cop_hash_bytes(seed, name.bytes, name.size);
    return (size_t)(hash.low ^ hash.high) & (symbols->slot_count - 1);
}

int cop_onnx_symbol_find(const struct onnx_symbols *symbols, struct span name)
{
    if (symbols->slot_count == 0)
        return -1;
    for (size_t slot = first_slot(symbols, name); symbols->slots[slot] != 0;
         slot = (slot + 1) & (symbols->slot_count - 1)) {
        const size_t index = symbols->slots[slot] - 1;
        if (cop_span_equal(symbols->entries[index].name, name))
            return (int)index;
    }
    return -1;
}

static void place(struct onnx_symbols *symbols, size_t index)
{
    size_t slot = first_slot(symbols, symbols->entries[index].name);
    while (symbols->slots[slot] != 0)
        slot = (slot + 1) & (symbols->slot_count - 1);
    symbols->slots[slot] = (uint32_t)index + 1;
}

/* A table for `capacity` entries that is then at most two thirds full. */
static bool resize_slots(struct onnx_symbols *symbols, size_t capacity)
{
    size_t slot_count = 128;
    while (slot_count / 3 * 2 < capacity)
        slot_count *= 2;
    if (slot_count == symbols->slot_count)
        return true;
    uint32_t *slots = cop_alloc(slot_count, sizeof *slots);
    if (slots == NULL)
        return false;
    cop_free(symbols->slots);
    symbols->slots = slots;
    symbols->slot_count = slot_count;
    for (size_t i = 0; i < symbols->count; i++)
        place(symbols, i);
    return true;
}

bool cop_onnx_symbols_reserve(struct onnx_symbols *symbols, size_t capacity)
{
    if (capacity <= symbols->capacity)
        return true;
    struct onnx_symbol *entries = cop_realloc(symbols->entries, capacity, sizeof *entries);
    if (entries == NULL)
        return false;
    symbols->entries = entries;
    symbols->capacity = capacity;
    return resize_slots(symbols, capacity);
}

int cop_onnx_symbol_add(struct onnx_symbols *symbols, const struct onnx_symbol *symbol)
{
    if (symbols->count >= COP_MAX_VALUES)
        return -1;
    if (symbols->count >= symbols->capacity &&
        !cop_onnx_symbols_reserve(symbols, symbols->count + symbols->count / 2 + 64))
        return -1;
    symbols->entries[symbols->count] = *symbol;
    place(symbols, symbols->count);
    return (int)symbols->count++;
}

void cop_onnx_symbols_free(struct onnx_symbols *symbols)
{
    cop_free(symbols->entries);
    cop_free(symbols->slots);
    memset(symbols, 0, sizeof *symbols);
}
