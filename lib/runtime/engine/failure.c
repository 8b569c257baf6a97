// SPDX-License-Identifier: Apache-2.0
/* What failed invocations leave behind on the storages they should have written. */
#include "runtime/engine/engine_state.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "runtime/storage.h"

#define RESERVED_MESSAGE_BYTES 256

struct failure *cop_failure_reserve(void)
{
    return cop_alloc(1, sizeof(struct failure) + RESERVED_MESSAGE_BYTES);
}

struct failure cop_failure_by_fork = {
    .holders = 1, /* for ever */
    .status = COP_STATUS_CANCELLED,
    .is_observed = true,
    .message = "the process was forked while this was pending",
};

static struct failure *fill(struct failure *failure, const struct task *task, cop_status status,
                            const char *text, size_t length)
{
    char *message = (char *)(failure + 1);
    memcpy(message, text, length);
    message[length] = '\0';
    failure->message = message;
    failure->operator_id = task->operator_id;
    failure->sequence = task->sequence;
    failure->status = status;
    failure->holders = 1; /* the task, until it is finished */
    return failure;
}

struct failure *cop_failure_of_reserve(struct task *task, cop_status status, const char *text)
{
    struct failure *failure = task->reserve;
    task->reserve = NULL;
    return fill(failure, task, status, text, strnlen(text, RESERVED_MESSAGE_BYTES - 1));
}

static struct failure failure_without_text = {
    .holders = 1, /* for ever */
    .status = COP_STATUS_OUT_OF_MEMORY,
    .is_observed = true,
    .message = "an invocation failed, and there was no memory left to note why",
};

struct failure *cop_failure_of_call(cop_status status, const cop_error *error)
{
    static const struct task nobodys = {0}; /* cop_wait_all does not look for it */
    const size_t length = strnlen(error->message, sizeof error->message - 1);
    struct failure *failure = cop_alloc(1, sizeof *failure + length + 1);
    cop_engine_prepare();
    if (failure == NULL)
        return cop_failure_retain(&failure_without_text);
    fill(failure, &nobodys, status, error->message, length);
    failure->is_observed = true;
    return failure;
}

struct failure *cop_failure_create(struct task *task, cop_status status, const cop_error *error)
{
    const size_t length = strnlen(error->message, sizeof error->message - 1);
    struct failure *failure = cop_alloc(1, sizeof *failure + length + 1);
    if (failure == NULL) /* a failure must not be lost because memory is short: the text is cut */
        return cop_failure_of_reserve(task, status, error->message);
    return fill(failure, task, status, error->message, length);
}

static void unlink_failure_locked(struct failure *failure) COP_REQUIRES(cop_engine.lock)
{
    struct engine *engine = &cop_engine;
    *(failure->previous != NULL ? &failure->previous->next : &engine->failures_first) =
        failure->next;
    *(failure->next != NULL ? &failure->next->previous : &engine->failures_last) =
        failure->previous;
}

void cop_failure_publish_locked(struct failure *failure)
{
    struct engine *engine = &cop_engine;
    failure->is_listed = true;
    failure->previous = engine->failures_last;
    failure->next = NULL;
    *(engine->failures_last != NULL ? &engine->failures_last->next : &engine->failures_first) =
        failure;
    engine->failures_last = failure;
}

void cop_failure_hold_locked(struct failure *failure)
{
    failure->holders++;
}

void cop_failure_drop_locked(struct failure *failure)
{
    if (--failure->holders > 0)
        return;
    if (failure->is_listed)
        unlink_failure_locked(failure);
    if (!failure->is_observed)
        cop_engine.unobserved_errors++;
    failure->next = cop_engine.dropped;
    cop_engine.dropped = failure;
}

struct failure *cop_failure_retain(struct failure *failure)
{
    cop_lock_acquire(&cop_engine.lock);
    cop_failure_hold_locked(failure);
    cop_lock_release(&cop_engine.lock);
    return failure;
}

void cop_failure_release(struct failure *failure)
{
    cop_lock_acquire(&cop_engine.lock);
    cop_failure_drop_locked(failure);
    cop_engine_release();
}

void cop_failure_end_finishing(struct failure *failure)
{
    cop_lock_acquire(&cop_engine.lock);
    failure->is_finishing = false;
    if (cop_engine.sleeping_drains > 0)
        cop_condition_broadcast(&cop_engine.drained);
    cop_failure_drop_locked(failure);
    cop_engine_release();
}

void cop_failure_bury(struct failure *dropped)
{
    while (dropped != NULL) {
        struct failure *next = dropped->next;
        if (!dropped->is_observed)
            cop_log(COP_LOG_LEVEL_WARNING, "an invocation failed and nobody waited for it: %s: %s",
                    cop_status_name(dropped->status), dropped->message);
        cop_free(dropped);
        dropped = next;
    }
}

void cop_engine_set_failure_locked(struct storage *storage, struct failure *failure)
{
    struct failure *before = storage->failure;
    storage->failure = failure;
    if (failure != NULL) {
        cop_failure_hold_locked(failure);
        atomic_fetch_or_explicit(&storage->use, STORAGE_FAILED, memory_order_release);
    } else {
        atomic_fetch_and_explicit(&storage->use, ~STORAGE_FAILED, memory_order_release);
    }
    if (before != NULL)
        cop_failure_drop_locked(before);
}

cop_status cop_failure_report_locked(struct failure *failure, cop_error *error)
{
    failure->is_observed = true;
    return cop_fail(error, failure->status, "%s", failure->message);
}

cop_status cop_failure_observe(struct failure *failure, cop_error *error)
{
    cop_lock_acquire(&cop_engine.lock);
    const cop_status status = cop_failure_report_locked(failure, error);
    cop_lock_release(&cop_engine.lock);
    return status;
}

struct failure *cop_engine_find_inherited_locked(const struct task *task)
{
    for (int i = 0; i < task->access_count; i++)
        if (task->accesses[i].is_read && task->accesses[i].storage->failure != NULL)
            return task->accesses[i].storage->failure;
    return NULL;
}

void cop_engine_record_failure(struct storage *storage, struct failure *failure)
{
    cop_lock_acquire(&cop_engine.lock);
    cop_engine_set_failure_locked(storage, failure);
    cop_engine_release();
}

void cop_engine_forget_failure(struct storage *storage)
{
    if (!(atomic_load_explicit(&storage->use, memory_order_acquire) & STORAGE_FAILED))
        return;
    cop_lock_acquire(&cop_engine.lock);
    cop_engine_set_failure_locked(storage, NULL);
    cop_engine_release();
}
