// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/huge_pages.h"

/* Stands right in front of every block, so that one free serves all kinds. */
struct block_header {
    void *base;   /* what was allocated; NULL: a mapping, whose first page this stands in */
    size_t bytes; /* what the caller asked for */
};

/* A multiple of every page size in use. */
#define MAPPING_PAGE_BYTES ((size_t)1 << 16)

static_assert(sizeof(struct block_header) == 16, "keeps malloc's 16-byte alignment");

/*
 * Where memory comes from: NULL until the first allocation or cop_alloc_use decides it, by a
 * compare-exchange, for good. `foreign` is written by the one caller that claims it before it is
 * published (release), and read by whoever finds it published (acquire).
 */
static const cop_allocator own;
static cop_allocator foreign;
static atomic_flag is_claimed = ATOMIC_FLAG_INIT;
static _Atomic(const cop_allocator *) chosen;

enum alloc_use cop_alloc_use(const cop_allocator *allocator)
{
    const cop_allocator *none = NULL;
    if (atomic_load_explicit(&chosen, memory_order_relaxed) == &own)
        return ALLOC_TOO_LATE;
    if (atomic_flag_test_and_set_explicit(&is_claimed, memory_order_relaxed))
        return ALLOC_SET_BEFORE;
    foreign = *allocator;
    return atomic_compare_exchange_strong_explicit(&chosen, &none, &foreign, memory_order_release,
                                                   memory_order_relaxed)
               ? ALLOC_USED
               : ALLOC_TOO_LATE;
}

static bool decide(void)
{
    const cop_allocator *found = atomic_load_explicit(&chosen, memory_order_acquire);
    if (found == NULL)
        atomic_compare_exchange_strong_explicit(&chosen, &found, &own, memory_order_acquire,
                                                memory_order_acquire);
    return found == &foreign;
}

bool cop_alloc_is_foreign(void)
{
    if (atomic_load_explicit(&chosen, memory_order_relaxed) == &own)
        return false;
    return decide();
}

/* Statistics: any thread adds, any thread reads; nothing is ordered by them. */
static _Atomic uint64_t allocation_count;
static _Atomic size_t live_byte_count;

/* Tests write, every allocation reads and counts down. INT64_MAX: no failure is planned. */
static _Atomic int64_t successes_left = INT64_MAX;
static _Atomic int fails_for_ever;

bool cop_alloc_is_planned_failure(void)
{
    if (atomic_load_explicit(&successes_left, memory_order_relaxed) == INT64_MAX)
        return false;
    const int64_t left = atomic_fetch_sub_explicit(&successes_left, 1, memory_order_relaxed);
    return left == 0 || (left < 0 && atomic_load_explicit(&fails_for_ever, memory_order_relaxed));
}

void cop_alloc_fail_after(int64_t successes, int for_ever)
{
    atomic_store(&fails_for_ever, for_ever);
    atomic_store(&successes_left, successes < 0 ? INT64_MAX : successes);
}

bool cop_alloc_has_failed(void)
{
    return atomic_load(&successes_left) < 0;
}

static void *hand_out(unsigned char *block, void *base, size_t bytes)
{
    const struct block_header header = {base, bytes};
    memcpy(block - sizeof header, &header, sizeof header);
    atomic_fetch_add_explicit(&allocation_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&live_byte_count, bytes, memory_order_relaxed);
    return block;
}

static struct block_header header_of(const void *memory)
{
    struct block_header header;
    memcpy(&header, (const unsigned char *)memory - sizeof header, sizeof header);
    return header;
}

/*
 * A block of the program's allocator, with `space` bytes in front of it, whose last ones hold the
 * header: 16 where that is alignment enough, 64 for COP_ALIGNMENT. One byte more where there would
 * be none, as cop_alloc promises.
 */
static size_t foreign_bytes(size_t bytes, size_t space)
{
    return space + (bytes > 0 ? bytes : 1);
}

static void *allocate_foreign(size_t bytes, size_t space)
{
    const size_t total = foreign_bytes(bytes, space);
    unsigned char *base = foreign.allocate(foreign.user, total, space);
    if (base == NULL)
        return NULL;
    if ((uintptr_t)base % space == 0)
        return hand_out(base + space, base, bytes);
    foreign.release(foreign.user, base, total, space);
    return NULL; /* kernels would crash on it */
}

static void release_foreign(const void *memory, const struct block_header *header)
{
    const size_t space = (size_t)((const unsigned char *)memory - (unsigned char *)header->base);
    foreign.release(foreign.user, header->base, foreign_bytes(header->bytes, space), space);
}

void *cop_alloc(size_t count, size_t size)
{
    size_t bytes, total;
    if (!cop_mul_size(count, size, &bytes) ||
        !cop_add_size(bytes, sizeof(struct block_header), &total) || total > PTRDIFF_MAX ||
        cop_alloc_is_planned_failure())
        return NULL;
    if (cop_alloc_is_foreign()) {
        void *block = allocate_foreign(bytes, sizeof(struct block_header));
        return block == NULL ? NULL : memset(block, 0, bytes);
    }
    unsigned char *base = calloc(1, total > sizeof(struct block_header) ? total : total + 1);
    return base == NULL ? NULL : hand_out(base + sizeof(struct block_header), base, bytes);
}

void *cop_realloc(void *old, size_t count, size_t size)
{
    void *block = cop_alloc(count, size);
    if (block == NULL || old == NULL)
        return block;
    const size_t old_bytes = header_of(old).bytes;
    memcpy(block, old, old_bytes < count * size ? old_bytes : count * size);
    cop_free(old);
    return block;
}

/* Bytes of `bytes` in whole pages, and one page in front for the header. */
static size_t mapped_bytes(size_t bytes)
{
    return (bytes + MAPPING_PAGE_BYTES - 1) / MAPPING_PAGE_BYTES * MAPPING_PAGE_BYTES +
           MAPPING_PAGE_BYTES;
}

/*
 * Large blocks are mappings of their own: freed, they go back to the system at once, where a heap
 * would keep the holes between weights that stay.
 */
static void *map_large(size_t bytes)
{
    const size_t kept = mapped_bytes(bytes), total = kept + COP_HUGE_PAGE_BYTES;
    unsigned char *map =
        mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    const uintptr_t first = (uintptr_t)map + MAPPING_PAGE_BYTES;
    const size_t before = (COP_HUGE_PAGE_BYTES - first % COP_HUGE_PAGE_BYTES) % COP_HUGE_PAGE_BYTES;
    if (before > 0)
        (void)munmap(map, before);
    (void)munmap(map + before + kept, total - before - kept);
    unsigned char *block = map + before + MAPPING_PAGE_BYTES;
    cop_advise_huge_pages(block, bytes);
    return hand_out(block, NULL, bytes);
}

void *cop_alloc_aligned(size_t bytes)
{
    size_t total;
    if (!cop_add_size(bytes, COP_ALIGNMENT + sizeof(struct block_header), &total) ||
        total > PTRDIFF_MAX / 2 || cop_alloc_is_planned_failure())
        return NULL;
    if (cop_alloc_is_foreign())
        return allocate_foreign(bytes, COP_ALIGNMENT);
    if (bytes >= COP_HUGE_PAGE_BYTES)
        return map_large(bytes);
    unsigned char *base = malloc(total);
    if (base == NULL)
        return NULL;
    const uintptr_t first = (uintptr_t)base + sizeof(struct block_header);
    const size_t padding = (COP_ALIGNMENT - first % COP_ALIGNMENT) % COP_ALIGNMENT;
    return hand_out(base + sizeof(struct block_header) + padding, base, bytes);
}

void cop_free(void *memory)
{
    if (memory == NULL)
        return;
    const struct block_header header = header_of(memory);
    atomic_fetch_sub_explicit(&live_byte_count, header.bytes, memory_order_relaxed);
    if (cop_alloc_is_foreign())
        release_foreign(memory, &header);
    else if (header.base != NULL)
        free(header.base);
    else
        (void)munmap((unsigned char *)memory - MAPPING_PAGE_BYTES, mapped_bytes(header.bytes));
}

char *cop_copy_text_n(const char *text, size_t length)
{
    char *copy = length == SIZE_MAX ? NULL : cop_alloc(length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

char *cop_copy_text(const char *text)
{
    return cop_copy_text_n(text, strlen(text));
}

struct alloc_counters cop_alloc_counters(void)
{
    return (struct alloc_counters){
        atomic_load_explicit(&allocation_count, memory_order_relaxed),
        atomic_load_explicit(&live_byte_count, memory_order_relaxed),
    };
}
