// SPDX-License-Identifier: Apache-2.0
/* What the engine's files share: its one lock and what that guards. */
#ifndef RUNTIME_ENGINE_STATE_H
#define RUNTIME_ENGINE_STATE_H

#include "runtime/engine/engine.h"

/*
 * Why an invocation failed, held by every storage it should have written, and by its completion
 * until that is reported. Storages hold it until they are written again or die; the list of
 * failures is what cop_wait_all looks through. Status and message never change.
 */
struct failure {
    size_t holders;
    uint64_t operator_id, sequence;
    bool is_observed;
    bool is_finishing; /* its task is about to let go of the arrays that hold it */
    bool is_listed;    /* among those that cop_wait_all looks through */
    cop_status status;
    struct failure *previous, *next;
    const char *message; /* lies behind the struct, or is static */
};

struct task_list {
    struct task *first, *last;
};

/* A thread in cop_wait_all, while it has something to wait for. */
struct drain {
    uint64_t operator_id, last; /* tasks of which operator (0: any), submitted up to when */
    struct task *oldest;        /* of those that are pending; NULL: none */
    struct drain *previous, *next;
};

struct engine {
    struct lock lock;
    struct condition work;        /* workers wait: a task is ready, or there are too many of them */
    struct condition drained;     /* cop_wait_all waits: an asynchronous task is done or ready */
    struct condition timer_wakes; /* the timer waits: the earliest deadline has changed */
    _Atomic size_t users;         /* cached operators that live; changed under the lock */
    struct drain *drains;
    int sleeping_drains, sleeping_owners;
    int worker_limit; /* −1: not yet asked how many processors there are */
    int workers, idle_workers;
    bool has_timer;
    bool lacks_thread, has_told_so; /* one could not be started; the log has heard of it */
    struct task_queue ready;
    struct task_queue behind; /* that a device is busy with, the longest not asked about first */
    int behind_count;         /* of those, and of those that a thread asks about right now */
    bool has_been_behind;     /* some task was, in the life of the process */
    uint64_t behind_begun, behind_seen; /* how many ever; when the poller was last in a hurry */
    uint64_t asks;                      /* how many questions there were */
    bool has_poller;          /* a worker asks devices as long as it has nothing else to do */
    uint64_t poller;          /* counts up: a new one takes over from the last */
    int64_t next_sweep_ns;    /* when a busy worker asks next */
    struct task_list pending; /* asynchronous, not yet done, oldest first */
    struct task_list entered; /* of threads that run them themselves */
    size_t pending_count, pending_by_priority[PRIORITY_COUNT];
    struct deadline *deadlines; /* of pending tasks that do not run */
    uint64_t next_sequence;
    uint64_t visits;
    struct failure *failures_first, *failures_last; /* that some storage holds, oldest first */
    uint64_t unobserved_errors;
    /* What cop_engine_release does once the lock is free; linked by queue_next, and by next. */
    struct task_list ended, finished;
    struct failure *dropped;
    /* After a fork: pending tasks of the parent, finished when the engine is next used. */
    struct task_list abandoned;
    _Atomic bool
        has_abandoned; /* written in the child before it has a second thread, then read by all */
};

extern struct engine cop_engine;

/* Makes the engine ready; every entry point calls it before it takes the lock. */
void cop_engine_prepare(void);

/*
 * Gives the lock back, after ending what has ended by what the caller did. Every thread that took
 * the lock and changed anything leaves with this.
 */
void cop_engine_release(void) COP_RELEASE(cop_engine.lock);

/* Before a thread sleeps: as cop_engine_release, and takes the lock again. False: there was nothing
 * to do, and the lock was held all the time. */
bool cop_engine_settle_locked(void) COP_REQUIRES(cop_engine.lock);

/* Lines (hazards.c). */
void cop_engine_join_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
void cop_engine_part_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
/* Leaves the lines of what the task only reads. */
void cop_engine_stop_reading_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
void cop_engine_serve_locked(struct storage *storage) COP_REQUIRES(cop_engine.lock);

/* What a waiting thread finds in its way. */
struct help {
    struct task *task; /* that it can run now, or ask a device about; NULL: there is none */
    bool is_urgent;    /* something there is behind, or may be soon: look again before long */
};

/* Whether a thread that waits for a task may begin it now. Without workers that is so also for a
 * parked one where what it lacks is there: the one that was told may have nobody to run it. */
bool cop_engine_can_begin_locked(const struct task *task) COP_REQUIRES(cop_engine.lock);

/* Searches along the lines (search.c). Looks for a task in the way of `task` that this thread can
 * run now or, where very many are in the way, any; otherwise for one that is behind. */
struct help cop_engine_find_help_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
/* Those in the way of `task` get at least its priority. */
void cop_engine_lend_priority_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
/* Wakes a thread that waits for `task`, which is ready, so that it runs it. */
void cop_engine_wake_helper_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
/* Wakes everybody who waits, if something is ready that nobody may have been told of. */
void cop_engine_wake_helpers_locked(void) COP_REQUIRES(cop_engine.lock);

/* Queues (task_queue.c). */
void cop_task_queue_push(struct task_queue *queue, struct task *task, bool at_front);
void cop_task_queue_remove(struct task *task);
struct task *cop_task_queue_first(const struct task_queue *queue);
void cop_task_list_add(struct task_list *list, struct task *task);
void cop_task_list_remove(struct task_list *list, struct task *task);

/* Readiness (engine.c). A task is taken out of its queue to be run. */
void cop_engine_push_ready_locked(struct task *task, bool at_front) COP_REQUIRES(cop_engine.lock);
void cop_engine_take_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
void cop_engine_unpark_locked(struct parking *parking) COP_REQUIRES(cop_engine.lock);
/* All accesses of a task are granted. */
void cop_engine_unblock_locked(struct task *task) COP_REQUIRES(cop_engine.lock);

/* Ends (expiry.c). A task that does not run ends with CANCELLED or TIMEOUT, as soon as nobody
 * before it writes what it should have written. One that runs sees it itself. */
void cop_engine_expire_locked(struct task *task, cop_status status) COP_REQUIRES(cop_engine.lock);
/* Expires a task that should not begin or go on any more; false: it may. */
bool cop_engine_expire_if_due_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
/* Every pending task whose deadline has passed. */
void cop_engine_expire_due_locked(void) COP_REQUIRES(cop_engine.lock);
void cop_engine_watch_deadline_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
/* Until when a thread may sleep that waits at most until `deadline_ns`. */
int64_t cop_engine_sleep_end_locked(int64_t deadline_ns) COP_REQUIRES(cop_engine.lock);
/* How a task failed that did not run to its end. */
struct failure *cop_engine_end_failure_locked(struct task *task) COP_REQUIRES(cop_engine.lock);

/* Failures (failure.c). */
void cop_engine_set_failure_locked(struct storage *storage, struct failure *failure)
    COP_REQUIRES(cop_engine.lock);
struct failure *cop_failure_create(struct task *task, cop_status status, const cop_error *error);
/* The same in the memory that the task has for it. */
struct failure *cop_failure_of_reserve(struct task *task, cop_status status, const char *text);
/* Puts a new one on the list that cop_wait_all looks through. */
void cop_failure_publish_locked(struct failure *failure) COP_REQUIRES(cop_engine.lock);
void cop_failure_hold_locked(struct failure *failure) COP_REQUIRES(cop_engine.lock);
void cop_failure_drop_locked(struct failure *failure) COP_REQUIRES(cop_engine.lock);
cop_status cop_failure_report_locked(struct failure *failure, cop_error *error)
    COP_REQUIRES(cop_engine.lock);
struct failure *cop_engine_find_inherited_locked(const struct task *task)
    COP_REQUIRES(cop_engine.lock);
/* The task whose failure it is has let go of everything. */
void cop_failure_end_finishing(struct failure *failure);
/* Logs and frees failures that nobody holds any more; without locks. */
void cop_failure_bury(struct failure *dropped);
/* What arrays hold that a thread was writing when the process was forked. */
extern struct failure cop_failure_by_fork;

/* Runs a task that was taken, until it is done or the limits are reached; the lock is not held. */
void cop_engine_run(struct task *task, const struct limits *limits);
/* It is done. */
void cop_engine_conclude(struct task *task, cop_status status, const cop_error *error);

/* Tasks that are behind (behind.c). Who has run or asked about one leaves it there. */
void cop_engine_push_behind_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
void cop_engine_end_behind_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
/* Takes a task that is ready, and runs it, or one that is behind, asks about it and goes on. False:
 * a device is not done with it. */
bool cop_engine_help_locked(struct task *help, const struct limits *limits)
    COP_REQUIRES(cop_engine.lock);
/* A worker without other work asks until there is some; where that is wanted. */
void cop_engine_keep_polling_locked(void) COP_REQUIRES(cop_engine.lock);
bool cop_engine_wants_poller_locked(void) COP_REQUIRES(cop_engine.lock);
/* A worker with other work asks once, if nobody has for a moment. */
void cop_engine_sweep_locked(void) COP_REQUIRES(cop_engine.lock);
/* Devices have work and nobody asks them all the time. */
bool cop_engine_lacks_poller_locked(void) COP_REQUIRES(cop_engine.lock);

/* How a thread waits for a device: it asks again at once, then after ever longer, but short against
 * the time that it has waited. */
struct backoff {
    int64_t since_ns; /* 0: it has not begun */
};
/* Sleeps a little on a condition, or just lets others run; the lock is not held meanwhile. */
void cop_engine_back_off_locked(struct backoff *backoff, struct condition *wakes, int64_t until_ns)
    COP_REQUIRES(cop_engine.lock);

/* A task is about to leave the pending ones: those who drain look for the next (waits.c). */
void cop_engine_advance_drains_locked(const struct task *task) COP_REQUIRES(cop_engine.lock);

/* Starts workers for the tasks that are ready, up to the limit. */
void cop_engine_call_workers_locked(void) COP_REQUIRES(cop_engine.lock);

/* A detached thread that takes no signals; false: the system has none. */
bool cop_start_thread(void *(*run)(void *unused), const char *name);

/* In a child process (after_fork.c). */
void cop_engine_renew_after_fork(void);
void cop_engine_finish_abandoned(void);

#endif
