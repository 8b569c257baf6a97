// SPDX-License-Identifier: Apache-2.0
/* The lines at the storages: who comes next, and who is at the front everywhere. */
#include "runtime/engine/engine_state.h"

#include <stdatomic.h>

#include "runtime/storage.h"

/* A task that reaches the front of its last line. */
static void grant_locked(struct access *access) COP_REQUIRES(cop_engine.lock)
{
    access->is_granted = true;
    if (--access->task->blocker_count == 0)
        cop_engine_unblock_locked(access->task);
}

/*
 * Grants from the front: any number of readers together, or one writer alone. Synchronous users,
 * who are not in line, were there before everybody in it: QUEUED keeps later ones out.
 */
void cop_engine_serve_locked(struct storage *storage)
{
    const uint64_t use = atomic_load_explicit(&storage->use, memory_order_acquire);
    bool has_readers = (use & STORAGE_READERS) != 0;
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
    const uint64_t use = atomic_load_explicit(&access->storage->use, memory_order_acquire);
    const bool is_free =
        (use & (access->is_write ? STORAGE_WRITER | STORAGE_READERS : STORAGE_WRITER)) == 0;
    if (is_free &&
        (before == NULL || (!access->is_write && before->is_granted && !before->is_write)))
        grant_locked(access);
}

/*
 * Threads that a fork left behind neither read nor write any more. What one of them was writing is
 * neither what it was nor what it should be.
 */
static void forget_the_gone_locked(struct storage *storage) COP_REQUIRES(cop_engine.lock)
{
    const uint64_t use = atomic_load_explicit(&storage->use, memory_order_relaxed);
    if (cop_storage_is_of_now(use))
        return;
    atomic_store_explicit(&storage->use, (use & STORAGE_FAILED) | cop_storage_unused(),
                          memory_order_relaxed);
    if (use & STORAGE_WRITER)
        cop_engine_set_failure_locked(storage, &cop_failure_by_fork);
}

static void join_line_locked(struct task *task, struct access *access) COP_REQUIRES(cop_engine.lock)
{
    struct storage *storage = access->storage;
    forget_the_gone_locked(storage);
    access->task = task;
    access->is_granted = access->has_left = false;
    access->next = NULL;
    access->previous = storage->last;
    *(storage->last != NULL ? &storage->last->next : &storage->first) = access;
    storage->last = access;
    atomic_fetch_or_explicit(&storage->use, STORAGE_QUEUED, memory_order_acq_rel);
    serve_last_locked(access);
}

void cop_engine_join_locked(struct task *task)
{
    task->state = TASK_BLOCKED;
    task->blocker_count = task->access_count + 1; /* one more, so that it is not ready half-way */
    for (int i = 0; i < task->access_count; i++)
        join_line_locked(task, &task->accesses[i]);
    if (--task->blocker_count == 0)
        cop_engine_unblock_locked(task);
}

/*
 * The next come to the front when the last before them goes. A reader that waited stood in nobody's
 * way: what it waited for, those behind it wait for, too.
 */
static void leave_line_locked(struct access *access) COP_REQUIRES(cop_engine.lock)
{
    struct storage *storage = access->storage;
    access->has_left = true;
    *(access->previous != NULL ? &access->previous->next : &storage->first) = access->next;
    *(access->next != NULL ? &access->next->previous : &storage->last) = access->previous;
    if (storage->first == NULL)
        atomic_fetch_and_explicit(&storage->use, ~STORAGE_QUEUED, memory_order_release);
    else if (access->is_granted ? !storage->first->is_granted : access->is_write)
        cop_engine_serve_locked(storage);
}

void cop_engine_part_locked(struct task *task)
{
    for (int i = 0; i < task->access_count; i++)
        if (!task->accesses[i].has_left)
            leave_line_locked(&task->accesses[i]);
}

void cop_engine_stop_reading_locked(struct task *task)
{
    task->blocker_count++; /* so that it is not at the front half-way */
    for (int i = 0; i < task->access_count; i++) {
        struct access *access = &task->accesses[i];
        if (access->is_write)
            continue;
        task->blocker_count -= !access->is_granted;
        leave_line_locked(access);
    }
    if (--task->blocker_count == 0)
        cop_engine_unblock_locked(task);
}

void cop_engine_serve(struct storage *storage)
{
    cop_lock_acquire(&cop_engine.lock);
    cop_engine_serve_locked(storage);
    cop_engine_call_workers_locked();
    cop_engine_release();
}
