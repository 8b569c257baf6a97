// SPDX-License-Identifier: Apache-2.0
/*
 * Completion queues, and the thread that calls callbacks. That thread starts with the first
 * invocation that wants one, and ends when none is left and the last operator of the process is
 * gone.
 */
#include "runtime/engine/completions.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/lock.h"
#include "base/refcount.h"
#include "runtime/engine/engine_state.h"

/* First in, first out. */
struct completion_list {
    struct completion *first, *last;
};

struct completion {
    struct completion *next;
    void (*on_done)(void *user, const cop_error *outcome);
    cop_completion_queue *queue; /* one reference; NULL: on_done is called */
    void *user;
    struct failure *failure; /* one hold; NULL: success */
    uint32_t epoch;          /* it was made in */
};

struct cop_completion_queue {
    struct refcount refs;
    struct lock lock;
    struct completion_list list COP_GUARDED_BY(lock);
    int fd; /* an eventfd: not 0 while the list is not empty */
    uint32_t epoch;
};

/* Calls to be made. The lock is made with the first completion, the rest is guarded by it. */
static struct {
    struct lock lock;
    struct condition is_added;
    struct completion_list list;
    size_t expected; /* completions that exist and will be called back */
    bool has_thread;
    uint32_t epoch; /* all of the above is of; a thread of an earlier one is gone */
} calls;

static void append(struct completion_list *list, struct completion *completion)
{
    completion->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = completion;
    list->last = completion;
}

static struct completion *take_first(struct completion_list *list)
{
    struct completion *first = list->first;
    if (first == NULL)
        return NULL;
    list->first = first->next;
    if (list->first == NULL)
        list->last = NULL;
    return first;
}

/* Tells how it ended. */
static void deliver(struct completion *completion, cop_error *outcome)
{
    (void)cop_ok(outcome);
    outcome->message[0] = '\0';
    if (completion->failure != NULL)
        (void)cop_failure_observe(completion->failure, outcome);
}

static void init_calls(void)
{
    cop_condition_init(&calls.is_added);
    cop_lock_init(&calls.lock, LOCK_COMPLETIONS);
    calls.epoch = cop_fork_epoch();
}

/* A callback may fork: in the child the thread has nothing to call. */
static void *run_calls(void *unused)
{
    const uint32_t epoch = cop_fork_epoch();
    (void)unused;
    cop_lock_acquire(&calls.lock);
    while (calls.expected > 0 || cop_engine_has_users()) {
        struct completion *completion = take_first(&calls.list);
        if (completion == NULL) {
            cop_condition_wait(&calls.is_added, &calls.lock, INT64_MAX);
            continue;
        }
        calls.expected--;
        cop_lock_release(&calls.lock);
        cop_error outcome;
        deliver(completion, &outcome);
        completion->on_done(completion->user, &outcome);
        completion->on_done = NULL; /* it is not expected any more */
        cop_completion_destroy(completion);
        if (epoch != cop_fork_epoch())
            return NULL;
        cop_lock_acquire(&calls.lock);
    }
    calls.has_thread = false;
    cop_lock_release(&calls.lock);
    return NULL;
}

/* The parent's calls are the parent's to make. */
static void forget_the_gone_locked(void) COP_REQUIRES(calls.lock)
{
    if (calls.epoch == cop_fork_epoch())
        return;
    calls.epoch = cop_fork_epoch();
    calls.expected = 0;
    calls.has_thread = false;
    calls.list = (struct completion_list){NULL, NULL};
    cop_condition_init(&calls.is_added);
}

static void prepare_calls(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_calls);
}

/* One more call to come; false: no thread could be had. */
static bool expect_call(void)
{
    prepare_calls();
    cop_lock_acquire(&calls.lock);
    forget_the_gone_locked();
    if (!calls.has_thread)
        calls.has_thread = cop_start_thread(run_calls, "cachedop-done");
    const bool has_thread = calls.has_thread;
    calls.expected += has_thread;
    cop_lock_release(&calls.lock);
    return has_thread;
}

void cop_completions_let_thread_end(void)
{
    prepare_calls();
    cop_lock_acquire(&calls.lock);
    forget_the_gone_locked();
    cop_condition_signal(&calls.is_added);
    cop_lock_release(&calls.lock);
}

/* A call that will not come after all. */
static void stop_expecting(void)
{
    cop_lock_acquire(&calls.lock);
    calls.expected--;
    cop_condition_signal(&calls.is_added);
    cop_lock_release(&calls.lock);
}

static cop_status check_options(const cop_invoke_options *options, cop_error *error)
{
    if (options->on_done != NULL && options->completions != NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "invoke: both on_done and completions are set; choose one");
    if (options->completions != NULL && options->completions->epoch != cop_fork_epoch())
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "invoke: the completion queue belongs to the parent process");
    return COP_STATUS_OK;
}

cop_status cop_completion_create(const cop_invoke_options *options, struct completion **completion,
                                 cop_error *error)
{
    *completion = NULL;
    const cop_status status = check_options(options, error);
    if (status != COP_STATUS_OK || (options->on_done == NULL && options->completions == NULL))
        return status;
    struct completion *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "completion", sizeof *made);
    if (options->on_done != NULL && !expect_call()) {
        cop_free(made);
        return cop_fail(error, COP_STATUS_OUT_OF_MEMORY,
                        "invoke: no thread could be started for on_done");
    }
    made->on_done = options->on_done;
    made->queue = cop_completion_queue_retain(options->completions);
    made->user = options->user;
    made->epoch = cop_fork_epoch();
    *completion = made;
    return COP_STATUS_OK;
}

void cop_completion_destroy(struct completion *completion)
{
    if (completion == NULL)
        return;
    if (completion->on_done != NULL && completion->epoch == cop_fork_epoch())
        stop_expecting();
    if (completion->failure != NULL)
        cop_failure_release(completion->failure);
    cop_completion_queue_release(&completion->queue);
    cop_free(completion);
}

/* The counter is 1 as long as there is something to take. */
static void add_to_queue(cop_completion_queue *queue, struct completion *completion)
{
    static const uint64_t one = 1;
    completion->queue = NULL; /* the queue does not keep itself alive */
    cop_lock_acquire(&queue->lock);
    if (queue->list.first == NULL)
        while (write(queue->fd, &one, sizeof one) < 0 && errno == EINTR)
            continue;
    append(&queue->list, completion);
    cop_lock_release(&queue->lock);
    cop_completion_queue_release(&queue);
}

void cop_completion_report(struct completion *completion, struct failure *failure)
{
    completion->failure = failure == NULL ? NULL : cop_failure_retain(failure);
    if (completion->queue != NULL) {
        add_to_queue(completion->queue, completion);
        return;
    }
    cop_lock_acquire(&calls.lock);
    append(&calls.list, completion);
    cop_condition_signal(&calls.is_added);
    cop_lock_release(&calls.lock);
}

cop_status cop_completion_queue_create(cop_completion_queue **queue, cop_error *error)
{
    if (queue == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "completion queue: the result pointer is NULL");
    *queue = NULL;
    struct cop_completion_queue *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "completion queue", sizeof *made);
    made->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->fd < 0) {
        const int reason = errno;
        cop_free(made);
        return cop_fail(error, COP_STATUS_IO, "completion queue: eventfd: %s", strerror(reason));
    }
    cop_refcount_init(&made->refs);
    cop_lock_init(&made->lock, LOCK_COMPLETIONS);
    made->epoch = cop_fork_epoch();
    *queue = made;
    return cop_ok(error);
}

cop_completion_queue *cop_completion_queue_retain(cop_completion_queue *queue)
{
    if (queue != NULL)
        cop_refcount_retain(&queue->refs);
    return queue;
}

void cop_completion_queue_release(cop_completion_queue **queue)
{
    if (queue == NULL)
        return;
    cop_completion_queue *old = *queue;
    *queue = NULL;
    if (old == NULL || !cop_refcount_release(&old->refs))
        return;
    for (struct completion *left; (left = take_first(&old->list)) != NULL;)
        cop_completion_destroy(left);
    close(old->fd);
    cop_lock_destroy(&old->lock);
    cop_free(old);
}

int cop_completion_queue_fd(const cop_completion_queue *queue)
{
    return queue == NULL ? -1 : queue->fd;
}

cop_status cop_completion_queue_next(cop_completion_queue *queue, cop_completion *completion,
                                     cop_error *error)
{
    if (queue == NULL || completion == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "completion queue: an argument is NULL");
    if (queue->epoch != cop_fork_epoch())
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "completion queue: it belongs to the parent process");
    uint64_t count;
    cop_lock_acquire(&queue->lock);
    struct completion *first = take_first(&queue->list);
    if (first != NULL && queue->list.first == NULL)
        while (read(queue->fd, &count, sizeof count) < 0 && errno == EINTR)
            continue;
    cop_lock_release(&queue->lock);
    if (first == NULL)
        return cop_fail(error, COP_STATUS_TIMEOUT, "completion queue: nothing is done");
    completion->user = first->user;
    deliver(first, &completion->outcome);
    cop_completion_destroy(first);
    return cop_ok(error);
}
