// SPDX-License-Identifier: Apache-2.0
/* Searches along the lines: who stands before a task in any line, and before those, and so on; or
 * behind. */
#include "runtime/engine_state.h"
#include "runtime/storage.h"

/* What a search does with a task it comes by. */
enum visit_result {
    VISIT_ON,   /* look at those beyond it, too */
    VISIT_PAST, /* those beyond it do not matter */
    VISIT_FOUND,
};
typedef enum visit_result visitor(struct task *visited, const struct task *origin);

struct search {
    struct task *origin;
    bool is_forward; /* to those behind, else to those before */
    visitor *visit;
    uint64_t number;
    struct task *left; /* tasks still to look beyond, linked by visit_next */
};

/* Along one line from an access of `left`'s first; the task that was looked for, or NULL. */
static struct task *search_line_locked(struct search *search, const struct access *from)
    COP_REQUIRES(cop_engine.lock)
{
    if (from->has_left || (!search->is_forward && from->is_granted))
        return NULL; /* nobody is before it */
    const struct access *access = from;
    while ((access = search->is_forward ? access->next : access->previous) != NULL) {
        struct task *visited = access->task;
        if (visited->visit == search->number || (!from->is_write && !access->is_write))
            continue; /* readers are not in each other's way; a writer between them is */
        visited->visit = search->number;
        const enum visit_result result = search->visit(visited, search->origin);
        if (result == VISIT_FOUND)
            return visited;
        if (result == VISIT_PAST)
            continue;
        visited->visit_next = search->left;
        search->left = visited;
    }
    return NULL;
}

/* The first task for which `visit` says so; NULL: none. */
static struct task *search_locked(struct task *origin, bool is_forward, visitor *visit)
    COP_REQUIRES(cop_engine.lock)
{
    struct search search = {origin, is_forward, visit, ++cop_engine.visits, origin};
    struct task *found = NULL;
    origin->visit = search.number;
    origin->visit_next = NULL;
    while (search.left != NULL && found == NULL) {
        const struct task *from = search.left;
        search.left = from->visit_next;
        for (int i = 0; i < from->access_count && found == NULL; i++)
            found = search_line_locked(&search, &from->accesses[i]);
    }
    return found;
}

static enum visit_result find_ready(struct task *visited, const struct task *origin)
{
    (void)origin;
    if (visited->queue == &cop_engine.ready)
        return VISIT_FOUND;
    return visited->state == TASK_BLOCKED ? VISIT_ON : VISIT_PAST;
}

struct task *cop_engine_find_runnable_locked(struct task *task)
{
    return search_locked(task, false, find_ready);
}

static enum visit_result raise_priority(struct task *visited, const struct task *origin)
{
    if (visited->owner_wakes == NULL && visited->priority > origin->priority) {
        struct task_queue *queue = visited->queue;
        if (queue != NULL)
            cop_task_queue_remove(visited);
        cop_engine.pending_by_priority[visited->priority]--;
        visited->priority = origin->priority;
        cop_engine.pending_by_priority[visited->priority]++;
        if (queue != NULL)
            cop_task_queue_push(queue, visited, false);
    }
    return visited->state == TASK_BLOCKED ? VISIT_ON : VISIT_PAST;
}

void cop_engine_lend_priority_locked(struct task *task)
{
    size_t lower = 0;
    for (int i = task->priority + 1; i < PRIORITY_COUNT; i++)
        lower += cop_engine.pending_by_priority[i];
    if (lower > 0 && task->state == TASK_BLOCKED)
        (void)search_locked(task, false, raise_priority);
}

static enum visit_result find_sleeper(struct task *visited, const struct task *origin)
{
    (void)origin;
    return visited->is_owner_asleep ? VISIT_FOUND : VISIT_ON;
}

void cop_engine_wake_helper_locked(struct task *task)
{
    const struct task *sleeper =
        cop_engine.sleeping_owners > 0 ? search_locked(task, true, find_sleeper) : NULL;
    if (sleeper != NULL)
        cop_condition_signal(sleeper->owner_wakes);
}
