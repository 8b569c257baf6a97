// SPDX-License-Identifier: Apache-2.0
/* The lines at the storages: who comes next, who is ready, who is in whose way. */
#include "runtime/engine_state.h"

#include <stdatomic.h>

#include "runtime/storage.h"

#define READER_MASK (STORAGE_FAILED - 1)

void cop_engine_push_ready_locked(struct task *task, bool at_front)
{
    struct engine *engine = &cop_engine;
    task->state = TASK_READY;
    task->ready_previous = at_front ? NULL : engine->ready_last;
    task->ready_next = at_front ? engine->ready_first : NULL;
    *(task->ready_previous != NULL ? &task->ready_previous->ready_next : &engine->ready_first) =
        task;
    *(task->ready_next != NULL ? &task->ready_next->ready_previous : &engine->ready_last) = task;
    if (engine->drain_waiters > 0)
        cop_condition_broadcast(&engine->drained);
}

void cop_engine_pop_ready_locked(struct task *task)
{
    struct engine *engine = &cop_engine;
    *(task->ready_previous != NULL ? &task->ready_previous->ready_next : &engine->ready_first) =
        task->ready_next;
    *(task->ready_next != NULL ? &task->ready_next->ready_previous : &engine->ready_last) =
        task->ready_previous;
    task->ready_previous = task->ready_next = NULL;
    task->state = TASK_RUNNING;
}

static void grant_locked(struct access *access) COP_REQUIRES(cop_engine.lock)
{
    struct task *task = access->task;
    access->is_granted = true;
    if (--task->blocker_count > 0)
        return;
    if (task->owner_wakes != NULL) {
        task->state = TASK_READY;
        cop_condition_signal(task->owner_wakes);
        return;
    }
    cop_engine_push_ready_locked(task, false);
}

/*
 * Grants from the front: any number of readers together, or one writer alone. Synchronous users,
 * who are not in line, were there before everybody in it: QUEUED keeps later ones out.
 */
void cop_engine_serve_locked(struct storage *storage)
{
    const uint32_t use = atomic_load_explicit(&storage->use, memory_order_acquire);
    bool has_readers = (use & READER_MASK) != 0;
    if (use & STORAGE_WRITER)
        return;
    for (struct access *access = storage->first; access != NULL; access = access->next) {
        if (access->is_write) {
            if (!access->is_granted && !has_readers)
                grant_locked(access);
            return;
        }
        if (!access->is_granted)
            grant_locked(access);
        has_readers = true;
    }
}

/*
 * Grants an access that has just joined the end of a line, if it may. Nobody else in the line can
 * go on by that, and walking along it would make many readers of one array slow.
 */
static void serve_last_locked(struct access *access) COP_REQUIRES(cop_engine.lock)
{
    const struct access *before = access->previous;
    const uint32_t use = atomic_load_explicit(&access->storage->use, memory_order_acquire);
    const bool is_free =
        (use & (access->is_write ? STORAGE_WRITER | READER_MASK : STORAGE_WRITER)) == 0;
    if (is_free &&
        (before == NULL || (!access->is_write && before->is_granted && !before->is_write)))
        grant_locked(access);
}

void cop_engine_join_locked(struct task *task)
{
    task->state = TASK_BLOCKED;
    task->blocker_count = task->access_count + 1; /* one more, so that it is not ready half-way */
    for (int i = 0; i < task->access_count; i++) {
        struct access *access = &task->accesses[i];
        struct storage *storage = access->storage;
        access->task = task;
        access->is_granted = false;
        access->next = NULL;
        access->previous = storage->last;
        *(storage->last != NULL ? &storage->last->next : &storage->first) = access;
        storage->last = access;
        atomic_fetch_or_explicit(&storage->use, STORAGE_QUEUED, memory_order_acq_rel);
        serve_last_locked(access);
    }
    if (--task->blocker_count > 0)
        return;
    if (task->owner_wakes != NULL)
        task->state = TASK_READY;
    else
        cop_engine_push_ready_locked(task, false);
}

void cop_engine_part_locked(struct task *task)
{
    for (int i = 0; i < task->access_count; i++) {
        struct access *access = &task->accesses[i];
        struct storage *storage = access->storage;
        *(access->previous != NULL ? &access->previous->next : &storage->first) = access->next;
        *(access->next != NULL ? &access->next->previous : &storage->last) = access->previous;
        if (storage->first == NULL)
            atomic_fetch_and_explicit(&storage->use, ~STORAGE_QUEUED, memory_order_release);
        else if (!access->is_granted || !storage->first->is_granted)
            cop_engine_serve_locked(storage); /* else other readers stay in front of the rest */
    }
}

/* Looks through whoever stands before `task` in any line, and before those, and so on. */
struct task *cop_engine_find_runnable_locked(struct task *task)
{
    const uint64_t visit = ++cop_engine.visits;
    struct task *left = task; /* tasks still to look before, linked by visit_next */
    task->visit = visit;
    task->visit_next = NULL;
    while (left != NULL) {
        struct task *blocked = left;
        left = left->visit_next;
        for (int i = 0; i < blocked->access_count; i++) {
            if (blocked->accesses[i].is_granted)
                continue;
            for (struct access *before = blocked->accesses[i].previous; before != NULL;
                 before = before->previous) {
                struct task *other = before->task;
                if (other->visit == visit)
                    continue;
                other->visit = visit;
                if (other->state == TASK_READY && other->owner_wakes == NULL)
                    return other;
                if (other->state == TASK_BLOCKED) {
                    other->visit_next = left;
                    left = other;
                }
            }
        }
    }
    return NULL;
}

void cop_engine_serve(struct storage *storage)
{
    cop_lock_acquire(&cop_engine.lock);
    cop_engine_serve_locked(storage);
    cop_engine_call_workers_locked();
    cop_lock_release(&cop_engine.lock);
}
