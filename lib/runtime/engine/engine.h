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

#include <cachedop/cancel.h>
#include <cachedop/status.h>

#include "base/lock.h"
#include "runtime/engine/deadlines.h"

struct failure;
struct storage;
struct task;

/* One place in one storage's line. Fields belong to the engine once the task has joined. */
struct access {
    struct storage *storage;
    bool is_read, is_write; /* both, where a task reads and writes different parts of one storage */
    bool is_granted;
    bool has_left;
    struct task *task;
    struct access *previous, *next;
};

/* How long a thread goes on with something: until a moment, and while a token is not cancelled. */
struct limits {
    int64_t until_ns;   /* monotonic; INT64_MAX: no end */
    cop_cancel *cancel; /* NULL: none */
};

extern const struct limits cop_no_limits;

/* Whether the limits are reached: OK, TIMEOUT or CANCELLED. */
cop_status cop_limits_check(const struct limits *limits);

#define PRIORITY_COUNT 3 /* 0 goes first */

/* Tasks by priority, each in order of arrival. */
struct task_queue {
    struct task *first[PRIORITY_COUNT], *last[PRIORITY_COUNT];
};

/*
 * Where tasks wait for something that there is a limited number of. Whoever gives one back calls
 * cop_engine_unpark if the count is not 0.
 */
struct parking {
    /* Raised before a task looks for the last time, read after one is given back; both sequentially
     * consistent, so that one of them sees the other. */
    _Atomic int count;
    struct task_queue tasks;                   /* guarded by the engine's lock */
    bool (*has_free)(struct parking *parking); /* one is there: it is worth trying again */
};

enum task_state {
    TASK_BLOCKED, /* in line somewhere */
    TASK_QUEUED, /* at the front of all its lines; in a queue, unless a thread of its own runs it */
    TASK_RUNNING, /* by some thread */
    TASK_BEHIND,  /* begun: a device is busy with it, and somebody has to ask it; in a queue */
    TASK_ENDED,   /* without having run, or run on */
};

enum run_result {
    RUN_DONE,
    RUN_PAUSED, /* the limits were reached: run it again later */
    RUN_PARKED, /* something is missing: task.parking says where it waits */
    RUN_BEHIND, /* a device has to come to an end first: poll says when */
};

struct task {
    struct access *accesses; /* each storage once */
    int access_count;
    uint64_t operator_id;      /* whose cop_wait_all counts it; 0: nobody's */
    int priority;              /* may be raised by those who wait for it */
    struct deadline deadline;  /* past it, it does not begin nor go on; at_ns is set by the owner */
    struct cop_cancel *cancel; /* likewise, once requested; NULL: none. The owner holds it. */

    /* Runs it, or goes on with it. `*status` and `*error` say how it ended. */
    enum run_result (*run)(struct task *task, const struct limits *limits, cop_status *status,
                           cop_error *error);
    /*
     * After RUN_BEHIND, asks the device. RUN_BEHIND: it is not done yet; RUN_PAUSED: it is, and
     * there is more to run; RUN_DONE: the task is done, as run says it. NULL: run never is behind.
     */
    enum run_result (*poll)(struct task *task, cop_status *status, cop_error *error);
    /*
     * Called last, without locks: the task is the owner's again. NULL: it succeeded; the failure is
     * the engine's, and is kept by cop_failure_retain. `was_abandoned`: the process was forked
     * meanwhile, and what the task had taken from pools is with the parent.
     */
    void (*finish)(struct task *task, struct failure *failure, bool was_abandoned);

    struct failure
        *reserve; /* from cop_failure_reserve; asynchronous tasks need one, and free it */
    struct parking *parking; /* set by run when it returns RUN_PARKED, until it is run again */

    /* Guarded by the engine's lock: */
    enum task_state state;
    int blocker_count;             /* accesses not granted yet */
    struct condition *owner_wakes; /* a thread runs it itself when it is ready; NULL: anybody may */
    bool is_owner_asleep;
    uint64_t sequence;
    cop_status end_status;   /* it ends with this as soon as it is at the front; OK: it runs then */
    struct failure *failure; /* how it ended */
    int64_t behind_since_ns; /* a device is busy with it; 0: none is */
    uint64_t asked;          /* the number of the last question about that */
    struct task_queue *queue; /* that it is in */
    struct task *queue_previous, *queue_next;
    struct task *list_previous,
        *list_next; /* all that are asynchronous, or all that are not; oldest first */
    struct task *cancel_previous, *cancel_next; /* all of one token */
    uint64_t visit;                             /* of the last search that came by */
    struct task *visit_next;
};

/* Memory for the failure of a task, should there be none when it fails; NULL: out of memory. */
struct failure *cop_failure_reserve(void);

struct failure *cop_failure_retain(struct failure *failure);
void cop_failure_release(struct failure *failure);

/* Says what it is, and notes that somebody has seen it. */
cop_status cop_failure_observe(struct failure *failure, cop_error *error);

/* Hands an asynchronous task over. */
void cop_engine_submit(struct task *task);

/*
 * Asks devices about tasks that are behind, of whomever, once each, unless workers do: for a thread
 * that waits for what such a task holds. Returns when to ask again, in nanoseconds from now; 0: one
 * went on, within the limits.
 */
int64_t cop_engine_poll_behind(const struct limits *limits);

/* Lets the next parked task try again; after something was given back. */
void cop_engine_unpark(struct parking *parking);

/*
 * Joins the lines with a task that the calling thread will run itself, and waits until it may;
 * helps what is in the way. TIMEOUT or CANCELLED, without a text: the task has left the lines
 * again.
 */
cop_status cop_engine_enter(struct task *task, const struct limits *limits);

/*
 * Leaves the lines after cop_engine_enter. `has_written`: what it writes holds this failure from
 * now on; NULL: it is whole.
 */
void cop_engine_leave(struct task *task, bool has_written, struct failure *failure);

/* What a call that returns `status` leaves on its outputs, with one hold; its caller has seen it.
 */
struct failure *cop_failure_of_call(cop_status status, const cop_error *error);

/* A storage whose only user is the caller holds this failure until it is written again. */
void cop_engine_record_failure(struct storage *storage, struct failure *failure);

/* The recorded failure of the first storage that a task reads; OK: none. Between enter and leave.
 */
cop_status cop_engine_inherited_failure(struct task *task, cop_error *error);

/* Waits for everything that writes a storage so far, and reports what it left behind. */
cop_status cop_engine_wait_storage(struct storage *storage, const struct limits *limits,
                                   cop_error *error);

/* Waits for the asynchronous tasks submitted so far, of one operator or (0) of all. */
cop_status cop_engine_wait_all(uint64_t operator_id, const struct limits *limits, cop_error *error);

/* Lets the line of a storage move after a synchronous use ended. */
void cop_engine_serve(struct storage *storage);

/* The last reference to a storage is gone: its failure, if any, can never be seen again. */
void cop_engine_forget_failure(struct storage *storage);

/* Cached operators that live: without one, threads of the engine end. */
void cop_engine_add_user(void);
void cop_engine_remove_user(void);
bool cop_engine_has_users(void);

void cop_engine_set_workers(int count);

struct engine_counters {
    size_t workers, pending;
    uint64_t unobserved_errors;
};
struct engine_counters cop_engine_counters(void);

#endif
