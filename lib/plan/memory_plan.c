// SPDX-License-Identifier: Apache-2.0
#include "plan/memory_plan.h"

#include <limits.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"

/* An interval that has memory of its own; the aliases inside it are merged in. */
struct block {
    int interval; /* its index */
    int first, last;
    size_t bytes;  /* rounded up to the alignment */
    size_t offset; /* once placed */
};

/* A range of memory; or a sort key and what it belongs to. */
struct span {
    size_t begin, end;
};

/*
 * Looking at every pair of neighbours in time is quadratic where everything lives at once. After
 * this many looks the rest is stacked on top of what lives beside it, which needs none.
 */
#define LOOK_BUDGET ((size_t)50 * 1000 * 1000)

struct solver {
    struct block *blocks; /* by `first` */
    int *order;           /* indices of blocks, largest first */
    struct span *spans;   /* of the neighbours of the block that is being placed */
    int count, span_count;
    int leaf_count; /* a power of two */
    int *latest;    /* tree over blocks: the greatest `last` of those placed below; −1: none */
    int step_leaf_count;
    size_t *top, *least_top; /* tree over steps, see raise_top */
    size_t looks, total;
    size_t least_total; /* the most that lives at one step */
    int order_kind;     /* enum placing_order */
    bool is_stacking;
};

/* The interval whose memory `index` lies in, and where; −1 for a circle or out of bounds. */
static int resolve_alias(const struct memory_interval *intervals, int count, int index,
                         size_t *offset)
{
    *offset = 0;
    for (int hops = 0; hops <= count; hops++) {
        const struct memory_interval *interval = &intervals[index];
        if (interval->alias_of == COP_NO_ALIAS)
            return index;
        size_t end;
        if (interval->alias_of < 0 || interval->alias_of >= count ||
            !cop_add_size(interval->alias_offset, interval->bytes, &end) ||
            end > intervals[interval->alias_of].bytes)
            return -1;
        *offset += interval->alias_offset;
        index = interval->alias_of;
    }
    return -1;
}

static bool is_less(struct span a, struct span b)
{
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
}

static void sift_down(struct span *spans, int parent, int count)
{
    const struct span moved = spans[parent];
    for (int child; (child = 2 * parent + 1) < count; parent = child) {
        if (child + 1 < count && is_less(spans[child], spans[child + 1]))
            child++;
        if (!is_less(moved, spans[child]))
            break;
        spans[parent] = spans[child];
    }
    spans[parent] = moved;
}

/* Heapsort, because qsort allocates. */
static void sort_spans(struct span *spans, int count)
{
    for (int i = count / 2 - 1; i >= 0; i--)
        sift_down(spans, i, count);
    for (int end = count - 1; end > 0; end--) {
        const struct span largest = spans[0];
        spans[0] = spans[end];
        spans[end] = largest;
        sift_down(spans, 0, end);
    }
}

static int power_of_two_from(int count)
{
    int power = 1;
    while (power < count)
        power *= 2;
    return power;
}

/* Lists the placed blocks below `node` (of `width` leaves from `leaf`) that live beside `block`. */
static void collect_neighbours(struct solver *solver, int node, int leaf, int width,
                               const struct block *block)
{
    if (leaf >= solver->count || solver->blocks[leaf].first > block->last ||
        solver->latest[node] < block->first)
        return;
    solver->looks++;
    if (width > 1) {
        collect_neighbours(solver, 2 * node, leaf, width / 2, block);
        collect_neighbours(solver, 2 * node + 1, leaf + width / 2, width / 2, block);
        return;
    }
    const struct block *other = &solver->blocks[leaf];
    solver->spans[solver->span_count++] =
        (struct span){other->offset, other->offset + other->bytes};
}

enum placing_order { LARGEST_FIRST, EARLIEST_FIRST, FROM_BOTH_ENDS, ORDER_COUNT };

/* The start of the smallest gap between the collected spans that holds `bytes`. */
static size_t find_gap(struct solver *solver, size_t bytes)
{
    sort_spans(solver->spans, solver->span_count);
    size_t end = 0, best = SIZE_MAX, best_bytes = SIZE_MAX;
    for (int i = 0; i < solver->span_count; i++) {
        const struct span *span = &solver->spans[i];
        if (span->begin > end && span->begin - end >= bytes && span->begin - end < best_bytes) {
            best = end;
            best_bytes = span->begin - end;
        }
        if (span->end > end)
            end = span->end;
    }
    return best != SIZE_MAX ? best : end;
}

/* The highest place below the least possible total, where one is free; else as find_gap. */
static size_t find_high_gap(struct solver *solver, size_t bytes)
{
    const size_t lowest = find_gap(solver, bytes);
    size_t end = 0, highest = SIZE_MAX;
    for (int i = 0; i < solver->span_count; i++) {
        const struct span *span = &solver->spans[i];
        if (span->begin > end && span->begin - end >= bytes)
            highest = span->begin - bytes;
        if (span->end > end)
            end = span->end;
    }
    if (solver->least_total >= end && solver->least_total - end >= bytes)
        highest = solver->least_total - bytes;
    return highest != SIZE_MAX ? highest : lowest;
}

static void mark_placed(struct solver *solver, int index)
{
    for (int node = solver->leaf_count + index; node >= 1; node /= 2)
        if (solver->latest[node] < solver->blocks[index].last)
            solver->latest[node] = solver->blocks[index].last;
}

/*
 * Says that memory below `value` is taken in steps first … last: top[node] is the most of any step
 * below the node, least_top[node] holds for all of them.
 */
static void raise_top(struct solver *solver, int node, int step, int width,
                      const struct block *block, size_t value)
{
    if (step > block->last || step + width - 1 < block->first)
        return;
    if (solver->top[node] < value)
        solver->top[node] = value;
    if (step >= block->first && step + width - 1 <= block->last) {
        if (solver->least_top[node] < value)
            solver->least_top[node] = value;
        return;
    }
    raise_top(solver, 2 * node, step, width / 2, block, value);
    raise_top(solver, 2 * node + 1, step + width / 2, width / 2, block, value);
}

static size_t find_top(const struct solver *solver, int node, int step, int width,
                       const struct block *block)
{
    if (step > block->last || step + width - 1 < block->first)
        return 0;
    if (step >= block->first && step + width - 1 <= block->last)
        return solver->top[node];
    const size_t left = find_top(solver, 2 * node, step, width / 2, block);
    const size_t right = find_top(solver, 2 * node + 1, step + width / 2, width / 2, block);
    const size_t most = left > right ? left : right;
    return most > solver->least_top[node] ? most : solver->least_top[node];
}

static cop_status begin_stacking(struct solver *solver, int placed_count, cop_error *error)
{
    const size_t nodes = 2 * (size_t)solver->step_leaf_count;
    solver->top = cop_alloc(nodes, sizeof *solver->top);
    solver->least_top = cop_alloc(nodes, sizeof *solver->least_top);
    if (solver->top == NULL || solver->least_top == NULL)
        return cop_fail_memory(error, "memory plan", nodes * sizeof *solver->top);
    for (int i = 0; i < placed_count; i++) {
        const struct block *block = &solver->blocks[solver->order[i]];
        raise_top(solver, 1, 0, solver->step_leaf_count, block, block->offset + block->bytes);
    }
    solver->is_stacking = true;
    return COP_STATUS_OK;
}

static cop_status place(struct solver *solver, int index, cop_error *error)
{
    struct block *block = &solver->blocks[index];
    size_t end;
    if (solver->is_stacking) {
        block->offset = find_top(solver, 1, 0, solver->step_leaf_count, block);
    } else {
        solver->span_count = 0;
        collect_neighbours(solver, 1, 0, solver->leaf_count, block);
        block->offset = solver->order_kind == FROM_BOTH_ENDS && index % 2 == 1
                            ? find_high_gap(solver, block->bytes)
                            : find_gap(solver, block->bytes);
    }
    if (!cop_add_size(block->offset, block->bytes, &end) || end > PTRDIFF_MAX)
        return cop_fail(error, COP_STATUS_OUT_OF_MEMORY,
                        "memory plan: the tensors of one invocation need more than %td bytes",
                        (ptrdiff_t)PTRDIFF_MAX);
    if (solver->is_stacking)
        raise_top(solver, 1, 0, solver->step_leaf_count, block, end);
    else
        mark_placed(solver, index);
    if (end > solver->total)
        solver->total = end;
    return COP_STATUS_OK;
}

/* Forgets what was placed before, and sorts. */
static void begin_order(struct solver *solver, enum placing_order order)
{
    solver->total = 0;
    solver->order_kind = order;
    for (int i = 0; i < 2 * solver->leaf_count; i++)
        solver->latest[i] = -1;
    for (int i = 0; i < solver->count; i++) /* blocks are sorted by time as they are */
        solver->spans[i] = (struct span){
            order == LARGEST_FIRST ? SIZE_MAX - solver->blocks[i].bytes : 0, (size_t)i};
    sort_spans(solver->spans, solver->count);
    for (int i = 0; i < solver->count; i++)
        solver->order[i] = (int)solver->spans[i].end;
}

static cop_status place_all(struct solver *solver, enum placing_order order, cop_error *error)
{
    begin_order(solver, order);
    for (int i = 0; i < solver->count; i++) {
        cop_status status = COP_STATUS_OK;
        if (solver->looks > LOOK_BUDGET && !solver->is_stacking)
            status = begin_stacking(solver, i, error);
        if (status == COP_STATUS_OK)
            status = place(solver, solver->order[i], error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return COP_STATUS_OK;
}

/* The lives of aliases become part of what they lie in; blocks[i] is then that of interval i. */
static cop_status merge_aliases(const struct memory_interval *intervals, int count,
                                struct block *blocks, cop_error *error)
{
    for (int i = 0; i < count; i++)
        blocks[i] = (struct block){.interval = i, .first = INT_MAX, .last = -1};
    for (int i = 0; i < count; i++) {
        size_t offset;
        const int root = resolve_alias(intervals, count, i, &offset);
        if (root < 0 || intervals[i].first < 0)
            return cop_fail(error, COP_STATUS_INTERNAL, "memory plan: interval %d contradicts", i);
        if (intervals[i].first > intervals[i].last)
            continue;
        if (intervals[i].first < blocks[root].first)
            blocks[root].first = intervals[i].first;
        if (intervals[i].last > blocks[root].last)
            blocks[root].last = intervals[i].last;
        if (!cop_align_size(intervals[root].bytes, COP_ALIGNMENT, &blocks[root].bytes))
            return cop_fail_memory(error, "memory plan", intervals[root].bytes);
    }
    return COP_STATUS_OK;
}

/* Keeps the blocks that take memory; returns the last step of all. */
static int drop_empty_blocks(struct solver *solver, struct block *all, int count)
{
    int last_step = 0;
    for (int i = 0; i < count; i++) {
        if (all[i].bytes == 0)
            continue;
        if (all[i].last > last_step)
            last_step = all[i].last;
        all[solver->count++] = all[i];
    }
    return last_step;
}

/* The most bytes that live at one step. */
static cop_status find_least_total(struct solver *solver, cop_error *error)
{
    const size_t steps = (size_t)solver->step_leaf_count + 1;
    size_t *born = cop_alloc(steps, sizeof *born), *gone = cop_alloc(steps, sizeof *gone);
    const bool has_memory = born != NULL && gone != NULL;
    for (int i = 0; has_memory && i < solver->count; i++) {
        born[solver->blocks[i].first] += solver->blocks[i].bytes;
        gone[solver->blocks[i].last + 1] += solver->blocks[i].bytes;
    }
    size_t alive = 0; /* sums that wrap are found when the blocks are placed */
    for (size_t step = 0; has_memory && step < steps; step++) {
        alive += born[step] - gone[step];
        if (alive > solver->least_total)
            solver->least_total = alive;
    }
    cop_free(born), cop_free(gone);
    return has_memory ? COP_STATUS_OK : cop_fail_memory(error, "memory plan", steps * sizeof *born);
}

/* Sorts the blocks by time and makes the tables. */
static cop_status prepare(struct solver *solver, struct block *all, int count, cop_error *error)
{
    const int last_step = drop_empty_blocks(solver, all, count);
    if (solver->count > INT_MAX / 4 || last_step > INT_MAX / 4)
        return cop_fail(error, COP_STATUS_OUT_OF_MEMORY, "memory plan: too many intervals");
    const size_t blocks = (size_t)solver->count;
    solver->leaf_count = power_of_two_from(solver->count);
    solver->step_leaf_count = power_of_two_from(last_step + 1);
    solver->blocks = cop_alloc(blocks, sizeof *solver->blocks);
    solver->order = cop_alloc(blocks, sizeof *solver->order);
    solver->spans = cop_alloc(blocks, sizeof *solver->spans);
    solver->latest = cop_alloc(2 * (size_t)solver->leaf_count, sizeof *solver->latest);
    if (solver->blocks == NULL || solver->order == NULL || solver->spans == NULL ||
        solver->latest == NULL)
        return cop_fail_memory(error, "memory plan", blocks * sizeof *solver->blocks);
    for (int i = 0; i < solver->count; i++)
        solver->spans[i] = (struct span){(size_t)all[i].first, (size_t)i};
    sort_spans(solver->spans, solver->count);
    for (int i = 0; i < solver->count; i++)
        solver->blocks[i] = all[solver->spans[i].end];
    return find_least_total(solver, error);
}

static void write_offsets(const struct solver *solver, struct memory_interval *intervals, int count)
{
    for (int i = 0; i < count; i++)
        intervals[i].offset = 0;
    for (int i = 0; i < solver->count; i++)
        intervals[solver->blocks[i].interval].offset = solver->blocks[i].offset;
    for (int i = 0; i < count; i++) {
        size_t inside;
        const int root = resolve_alias(intervals, count, i, &inside);
        if (root != i)
            intervals[i].offset = intervals[root].offset + inside;
    }
}

cop_status cop_memory_plan_solve(struct memory_interval *intervals, int count, size_t *total_bytes,
                                 cop_error *error)
{
    struct solver solver = {0};
    *total_bytes = 0;
    if (count == 0)
        return COP_STATUS_OK;
    struct block *all = cop_alloc((size_t)count, sizeof *all);
    cop_status status = all == NULL
                            ? cop_fail_memory(error, "memory plan", (size_t)count * sizeof *all)
                            : merge_aliases(intervals, count, all, error);
    if (status == COP_STATUS_OK)
        status = prepare(&solver, all, count, error);
    size_t least = SIZE_MAX;
    for (int order = 0; order < ORDER_COUNT && status == COP_STATUS_OK; order++) {
        if (solver.is_stacking)
            break;
        status = place_all(&solver, (enum placing_order)order, error);
        if (status != COP_STATUS_OK || solver.total >= least)
            continue;
        least = solver.total;
        write_offsets(&solver, intervals, count);
    }
    *total_bytes = status == COP_STATUS_OK ? least : 0;
    cop_free(all), cop_free(solver.blocks), cop_free(solver.order), cop_free(solver.spans);
    cop_free(solver.latest), cop_free(solver.top), cop_free(solver.least_top);
    return status;
}
