// SPDX-License-Identifier: Apache-2.0
/* Searches along the lines: who stands before a task in any line, and before those, and so on; or
 * behind. */
#include "runtime/engine/engine_state.h"

#include <limits.h>

#include "runtime/storage.h"

/* What a search does with a task it comes by. */
enum visit_result {
    VISIT_ON,   /* look at those beyond it, too */
    VISIT_PAST, /* those beyond it do not matter */
    VISIT_FOUND,
};
struct search;
typedef enum visit_result visitor(struct search *search, struct task *visited);

/* Nobody searches on for ever while everybody waits for the lock. */
#define MOST_VISITS 128

struct search {
    struct task *origin;
    bool is_forward; /* to those behind, else to those before */
    visitor *visit;
    int visits_left;               /* 0 at the end: there was more than it looked at */
    bool sees_behind, sees_parked; /* among those that find_ready looked at */
    uint64_t number;
    struct task *left; /* tasks still to look beyond, linked by visit_next */
};

static enum visit_result raise_priority(struct search *search, struct task *visited);

/* What is before this task has been looked at already, or will be. */
static bool is_known(const struct search *search, const struct task *task)
{
    return task->visit == search->number ||
           (search->visit == raise_priority && task->owner_wakes == NULL &&
            task->priority <= search->origin->priority);
}

/*
 * Along one line from an access of `left`'s first, to the next writer: what is beyond that is found
 * from there. Readers are not in each other's way, but the writers of one are those of the next.
 */
static struct task *search_line_locked(struct search *search, const struct access *from)
    COP_REQUIRES(cop_engine.lock)
{
    if (from->has_left || (!search->is_forward && from->is_granted))
        return NULL; /* nobody is before it */
    const struct access *access = from;
    while ((access = search->is_forward ? access->next : access->previous) != NULL) {
        struct task *visited = access->task;
        if (!from->is_write && !access->is_write) {
            if (is_known(search, visited))
                return NULL;
            continue;
        }
        if (visited->visit != search->number) {
            visited->visit = search->number;
            const enum visit_result result = search->visit(search, visited);
            if (result == VISIT_FOUND)
                return visited;
            if (--search->visits_left == 0)
                return NULL;
            if (result == VISIT_ON) {
                visited->visit_next = search->left;
                search->left = visited;
            }
        }
        if (access->is_write)
            return NULL;
    }
    return NULL;
}

/* The first task for which the visitor says so; NULL: none. */
static struct task *search_locked(struct search *search) COP_REQUIRES(cop_engine.lock)
{
    struct task *origin = search->origin, *found = NULL;
    search->number = origin->visit = ++cop_engine.visits;
    search->left = origin;
    origin->visit_next = NULL;
    while (search->left != NULL && found == NULL && search->visits_left > 0) {
        const struct task *from = search->left;
        search->left = from->visit_next;
        for (int i = 0; i < from->access_count && found == NULL && search->visits_left > 0; i++)
            found = search_line_locked(search, &from->accesses[i]);
    }
    return found;
}

bool cop_engine_can_begin_locked(const struct task *task)
{
    if (task->queue == &cop_engine.ready)
        return true;
    return cop_engine.workers == 0 && task->queue != NULL && task->queue != &cop_engine.behind &&
           task->parking->has_free(task->parking);
}

static enum visit_result find_ready(struct search *search, struct task *visited)
    COP_REQUIRES(cop_engine.lock)
{
    if (cop_engine_can_begin_locked(visited))
        return VISIT_FOUND;
    search->sees_behind |= visited->behind_since_ns != 0;
    search->sees_parked |= visited->queue != NULL && visited->queue != &cop_engine.behind;
    return visited->state == TASK_BLOCKED ? VISIT_ON : VISIT_PAST;
}

/* Of those that are behind, the one that nobody asked about for longest. `visit`: only those that
 * this search came by; 0: of all. */
static struct task *find_behind_locked(uint64_t visit) COP_REQUIRES(cop_engine.lock)
{
    struct task *found = NULL;
    for (int i = 0; i < PRIORITY_COUNT; i++)
        for (struct task *task = cop_engine.behind.first[i]; task != NULL; task = task->queue_next)
            if ((visit == 0 || task->visit == visit) &&
                (found == NULL || task->asked < found->asked))
                found = task;
    return found;
}

/*
 * Who waits for a parked task waits for any that has what that lacks, and it may be behind. Workers
 * ask about it if there are any.
 */
struct help cop_engine_find_help_locked(struct task *task)
{
    struct search search = {.origin = task, .visit = find_ready, .visits_left = MOST_VISITS};
    struct help help = {.task = search_locked(&search)};
    if (search.visits_left == 0)
        help.task = cop_task_queue_first(&cop_engine.ready);
    if (help.task != NULL)
        return help;
    const bool takes_any =
        cop_engine.workers == 0 && (search.sees_parked || search.visits_left == 0);
    help.is_urgent = search.sees_behind || (takes_any && cop_engine.has_been_behind);
    if (search.sees_behind && !cop_engine.has_poller)
        help.task = find_behind_locked(search.number);
    if (help.task == NULL && takes_any)
        help.task = find_behind_locked(0);
    return help;
}

static enum visit_result raise_priority(struct search *search, struct task *visited)
{
    const struct task *origin = search->origin;
    if (visited->owner_wakes == NULL) {
        if (visited->priority <= origin->priority)
            return VISIT_PAST;
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

/* What is in the way of a task always has at least its priority, so each is raised but once. */
void cop_engine_lend_priority_locked(struct task *task)
{
    struct search search = {.origin = task, .visit = raise_priority, .visits_left = INT_MAX};
    size_t lower = 0;
    for (int i = task->priority + 1; i < PRIORITY_COUNT; i++)
        lower += cop_engine.pending_by_priority[i];
    if (lower > 0 && task->state == TASK_BLOCKED)
        (void)search_locked(&search);
}

static enum visit_result find_sleeper(struct search *search, struct task *visited)
{
    (void)search;
    return visited->is_owner_asleep ? VISIT_FOUND : VISIT_ON;
}

void cop_engine_wake_helper_locked(struct task *task)
{
    struct search search = {
        .origin = task, .is_forward = true, .visit = find_sleeper, .visits_left = MOST_VISITS};
    if (cop_engine.sleeping_owners == 0)
        return;
    const struct task *sleeper = search_locked(&search);
    if (sleeper != NULL)
        cop_condition_signal(sleeper->owner_wakes);
    else if (search.visits_left == 0)
        cop_engine_wake_helpers_locked();
}

void cop_engine_wake_helpers_locked(void)
{
    if (cop_task_queue_first(&cop_engine.ready) == NULL && !cop_engine_lacks_poller_locked())
        return;
    if (cop_engine.sleeping_drains > 0)
        cop_condition_broadcast(&cop_engine.drained);
    for (struct task *task = cop_engine.entered.first;
         task != NULL && cop_engine.sleeping_owners > 0; task = task->list_next)
        if (task->is_owner_asleep)
            cop_condition_signal(task->owner_wakes);
}
