// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of the library goes through here: counted, overflow-checked, and failing on
 * request in tests. NULL means out of memory; nothing here aborts. All functions are safe from any
 * thread. The memory is the system's or that of an allocator the program has set.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/hooks.h>

#include "base/shared.h"

#define COP_ALIGNMENT 64 /* a cache line, and the widest vector */

/* Zeroed memory for `count` elements of `size` bytes; at least one byte. */
COP_SHARED void *cop_alloc(size_t count, size_t size);

/* As realloc, for elements: the added tail is zeroed. On NULL the old block is still there. */
COP_SHARED void *cop_realloc(void *old, size_t count, size_t size);

/* Memory at a multiple of COP_ALIGNMENT, not zeroed. */
COP_SHARED void *cop_alloc_aligned(size_t bytes);

/* Frees what any of the above returned; accepts NULL. */
COP_SHARED void cop_free(void *memory);

/* Copies of strings; NULL for out of memory. */
COP_SHARED char *cop_copy_text(const char *text);
COP_SHARED char *cop_copy_text_n(const char *text, size_t length);

enum alloc_use {
    ALLOC_USED,
    ALLOC_SET_BEFORE, /* by an earlier call, or by one that runs beside this one */
    ALLOC_TOO_LATE,   /* memory was allocated without it */
};

/* Takes all memory from a copy of `allocator`, whose members are checked. */
enum alloc_use cop_alloc_use(const cop_allocator *allocator);

/* Whether memory comes from the program's allocator: what only the system's can do, such as losing
 * pages, must not be asked of it. Decides it, as an allocation does. */
bool cop_alloc_is_foreign(void);

struct alloc_counters {
    uint64_t allocations; /* so far */
    size_t live_bytes;
};
struct alloc_counters cop_alloc_counters(void);

/*
 * For tests: the allocation after `successes` more fails, and so do all later ones if `for_ever`.
 * A negative `successes` ends the failing.
 */
void cop_alloc_fail_after(int64_t successes, int for_ever);

/* Whether this allocation is to fail: for allocators that hand out parts of larger blocks, so that
 * each of theirs can fail as well. */
bool cop_alloc_is_planned_failure(void);

/* Whether the planned failure was reached; false once the failing is ended. */
bool cop_alloc_has_failed(void);

#endif
