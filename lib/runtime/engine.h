// SPDX-License-Identifier: Apache-2.0
/*
 * The engine: who may use which storage next, and the threads that run asynchronous work.
 *
 * A task names the storages it reads and writes. It stands in the line of each; when it is at the
 * front of all of them (readers stand there together) it is ready, and a worker, or a thread that
 * waits for it, runs it. Since a task joins all its lines in one step under the lock, lines never
 * wait in a circle.
 *
 * Thread-safety: synchronized by one lock, which nothing that computes holds.
 */
#ifndef RUNTIME_ENGINE_H
#define RUNTIME_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/status.h>

#include "base/lock.h"

struct failure;
struct storage;
struct task;

/* One place in one storage's line. Fields belong to the engine once the task has joined. */
struct access {
    struct storage *storage;
    bool is_read, is_write; /* both, where a task reads and writes different parts of one storage */
    bool is_granted;
    struct task *task;
    struct access *previous, *next;
};

enum task_state { TASK_BLOCKED, TASK_READY, TASK_RUNNING };

struct task {
    struct access *accesses; /* each storage once */
    int access_count;
    uint64_t operator_id; /* whose cop_wait_all counts it; 0: nobody's */

    /*
     * Runs it, or goes on with it, until it is done or `until_ns` (monotonic) has passed: then it
     * returns false and is run again later. `*status` and `*error` say how it ended.
     */
    bool (*run)(struct task *task, int64_t until_ns, cop_status *status, cop_error *error);
    /* Called last, without locks: the task is the owner's again. */
    void (*finish)(struct task *task);

    struct failure
        *reserve; /* from cop_failure_reserve; asynchronous tasks need one, and free it */

    /* Guarded by the engine's lock: */
    enum task_state state;
    int blocker_count;             /* accesses not granted yet */
    struct condition *owner_wakes; /* a thread runs it itself when it is ready; NULL: anybody may */
    uint64_t sequence;
    struct task *pending_previous,
        *pending_next; /* all asynchronous tasks not yet done, oldest first */
    struct task *ready_previous, *ready_next;
    uint64_t visit; /* of the last search that came by */
    struct task *visit_next;
};

/* Memory for the failure of a task, should there be none when it fails; NULL: out of memory. */
struct failure *cop_failure_reserve(void);

/* Hands an asynchronous task over. */
void cop_engine_submit(struct task *task);

/*
 * Joins the lines with a task that the calling thread will run itself, and waits until it may;
 * helps what is in the way. False: the deadline passed, the task has left the lines again.
 */
bool cop_engine_enter(struct task *task, int64_t deadline_ns);

/* Leaves the lines after cop_engine_enter. `has_written`: what it writes is whole again. */
void cop_engine_leave(struct task *task, bool has_written);

/* The recorded failure of the first storage that a task reads; OK: none. Between enter and leave.
 */
cop_status cop_engine_inherited_failure(struct task *task, cop_error *error);

/* Waits for everything that writes a storage so far, and reports what it left behind. */
cop_status cop_engine_wait_storage(struct storage *storage, int64_t deadline_ns, cop_error *error);

/* Waits for the asynchronous tasks submitted so far, of one operator or (0) of all. */
cop_status cop_engine_wait_all(uint64_t operator_id, int64_t deadline_ns, cop_error *error);

/* Lets the line of a storage move after a synchronous use ended. */
void cop_engine_serve(struct storage *storage);

/* The last reference to a storage is gone: its failure, if any, can never be seen again. */
void cop_engine_forget_failure(struct storage *storage);

void cop_engine_set_workers(int count);

struct engine_counters {
    size_t workers, pending;
    uint64_t unobserved_errors;
};
struct engine_counters cop_engine_counters(void);

#endif
