// SPDX-License-Identifier: Apache-2.0
/* What failed invocations leave behind on the storages they should have written. */
#include "runtime/engine_state.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "runtime/storage.h"

#define RESERVED_MESSAGE_BYTES 256

struct failure *cop_failure_reserve(void)
{
    return cop_alloc(1, sizeof(struct failure) + RESERVED_MESSAGE_BYTES);
}

struct failure *cop_failure_create(struct task *task, cop_status status, const cop_error *error)
{
    size_t length = strnlen(error->message, sizeof error->message - 1);
    struct failure *failure = cop_alloc(1, sizeof *failure + length + 1);
    if (failure == NULL) { /* a failure must not be lost because memory is short: the text is cut */
        failure = task->reserve;
        task->reserve = NULL;
        length = length < RESERVED_MESSAGE_BYTES ? length : RESERVED_MESSAGE_BYTES - 1;
    }
    failure->operator_id = task->operator_id;
    failure->sequence = task->sequence;
    failure->status = status;
    memcpy(failure->message, error->message, length);
    return failure;
}

static void unlink_failure_locked(struct failure *failure) COP_REQUIRES(cop_engine.lock)
{
    struct engine *engine = &cop_engine;
    *(failure->previous != NULL ? &failure->previous->next : &engine->failures_first) =
        failure->next;
    *(failure->next != NULL ? &failure->next->previous : &engine->failures_last) =
        failure->previous;
}

static void link_failure_locked(struct failure *failure) COP_REQUIRES(cop_engine.lock)
{
    struct engine *engine = &cop_engine;
    failure->previous = engine->failures_last;
    failure->next = NULL;
    *(engine->failures_last != NULL ? &engine->failures_last->next : &engine->failures_first) =
        failure;
    engine->failures_last = failure;
}

static void drop_failure_locked(struct failure *failure) COP_REQUIRES(cop_engine.lock)
{
    if (--failure->holders > 0)
        return;
    unlink_failure_locked(failure);
    if (!failure->is_observed)
        cop_engine.unobserved_errors++;
    cop_free(failure);
}

void cop_engine_set_failure_locked(struct storage *storage, struct failure *failure)
{
    struct failure *before = storage->failure;
    if (failure != NULL && failure->holders++ == 0)
        link_failure_locked(failure);
    storage->failure = failure;
    if (failure != NULL)
        atomic_fetch_or_explicit(&storage->use, STORAGE_FAILED, memory_order_release);
    else
        atomic_fetch_and_explicit(&storage->use, ~STORAGE_FAILED, memory_order_release);
    if (before != NULL)
        drop_failure_locked(before);
}

cop_status cop_failure_report(struct failure *failure, cop_error *error)
{
    failure->is_observed = true;
    return cop_fail(error, failure->status, "%s", failure->message);
}

struct failure *cop_engine_find_inherited_locked(const struct task *task)
{
    for (int i = 0; i < task->access_count; i++)
        if (task->accesses[i].is_read && task->accesses[i].storage->failure != NULL)
            return task->accesses[i].storage->failure;
    return NULL;
}

void cop_engine_forget_failure(struct storage *storage)
{
    if (!(atomic_load_explicit(&storage->use, memory_order_acquire) & STORAGE_FAILED))
        return;
    cop_lock_acquire(&cop_engine.lock);
    cop_engine_set_failure_locked(storage, NULL);
    cop_lock_release(&cop_engine.lock);
}
