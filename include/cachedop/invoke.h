// SPDX-License-Identifier: Apache-2.0
/**
 * Invocations: running a cached operator.
 *
 * Thread-safety: every function here may be called from any number of threads at once, with the
 * same operator and the same input arrays. Invocations that share storage with a writer run one
 * after the other, in the order the calls were made; unrelated ones run at the same time.
 */
#ifndef CACHEDOP_INVOKE_H
#define CACHEDOP_INVOKE_H

#include <stddef.h>
#include <stdint.h>

#include <cachedop/cached_op.h>
#include <cachedop/cancel.h>
#include <cachedop/completion.h>
#include <cachedop/ndarray.h>
#include <cachedop/profile.h>
#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which asynchronous invocations go first when there are more than can run. */
typedef enum cop_priority {
    COP_PRIORITY_NORMAL = 0,
    COP_PRIORITY_LOW = 1,
    COP_PRIORITY_HIGH = 2,
} cop_priority;

/** Options of one invocation. Initialise with COP_INVOKE_OPTIONS_INIT; NULL means just that. */
typedef struct cop_invoke_options {
    size_t struct_size;
    /**
     * Not done after this many nanoseconds, the time in any queue included: TIMEOUT, or BUSY if it
     * lacked a context. What has not begun by then never begins, what runs stops after the step it
     * is in. 0: it never begins; COP_NO_TIMEOUT: it has all the time.
     */
    int64_t timeout_ns;
    cop_profile
        *profile;     /**< NULL, or receives the steps of this invocation; used by one at a time */
    cop_trace *trace; /**< NULL, or collects the steps of many invocations */
    cop_cancel *cancel; /**< NULL, or a token that ends it as early as a timeout: CANCELLED */
    /**
     * Of cop_invoke_async. A higher one goes before every lower one that has not begun, and lends
     * its priority to those it depends on. A steady stream of high ones keeps low ones waiting.
     */
    cop_priority priority;
    /**
     * Of cop_invoke_async: NULL, or is called exactly once when the invocation is done, on a thread
     * named "cachedop-done" that does nothing else, one call after the other: never inside a wait.
     * It may use the library, but whoever waits in it delays later calls, and it must not fork and
     * go on in the child. It may be called before cop_invoke_async returns, but never if that
     * fails. Not called in a child process that was forked meanwhile.
     */
    void (*on_done)(void *user, const cop_error *outcome);
    cop_completion_queue *completions; /**< of cop_invoke_async: NULL, or where it is reported */
    void *user;                        /**< handed to on_done, or to whoever takes the completion */
    /**
     * NULL: all outputs. Otherwise the indices of those that are wanted, in any order, none twice:
     * `dst[i]` is for output `outputs[i]`, and `dst_count` equals `output_count`, at least 1. What
     * only the other outputs need is not computed. (Of an operator with more than 64 outputs, those
     * from the 64th on count as one: asking for one of them computes what any of them needs.)
     * Borrowed for the call.
     */
    const size_t *outputs;
    size_t output_count;
} cop_invoke_options;

#define COP_INVOKE_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(cop_invoke_options), COP_NO_TIMEOUT, NULL, NULL, NULL, COP_PRIORITY_NORMAL, NULL,   \
            NULL, NULL, NULL, 0                                                                    \
    }

/**
 * Runs the operator in the calling thread.
 *
 * In the steady state (this thread has invoked before, a context is free, outputs are bound, one
 * intra-op thread, no profile, no timeout) it takes no lock, allocates nothing and makes no system
 * call of its own.
 *
 * @param src  `src_count` inputs in the operator's order, exactly its dtypes and shapes. Borrowed.
 * @param dst  `dst_count` outputs in the operator's order, or in that of the options. An array
 * there is written (its dtype and shape must be exactly the operator's; it must not overlap an
 * input or another output); NULL there receives a new array, one reference, which is NULL again on
 * failure.
 * @param options  NULL for the defaults
 * @return OK: outputs are written; INVALID_ARGUMENT: with the input or output and what is wrong, or
 * a callback or queue is given, and nothing was written; BUSY: all the contexts that there may be
 * were in use until the timeout, and it never began; TIMEOUT or CANCELLED: it never began, or ended
 * after a step; OUT_OF_MEMORY; the error of an input that a failed invocation left behind;
 * INTERNAL; DEVICE_FAILED. If it failed after it had begun, the elements of bound outputs are
 * undefined, and the arrays hold this error until they are written again: waits report it, and
 * invocations that read them fail with it. If it never began, they are as they were.
 */
COP_API COP_MUST_USE cop_status cop_invoke(cop_cached_op *op, size_t src_count,
                                           cop_ndarray *const *src, size_t dst_count,
                                           cop_ndarray **dst, const cop_invoke_options *options,
                                           cop_error *error);

/**
 * As cop_invoke, but returns when the work is queued. Worker threads run it, or a thread that waits
 * for it; on a GPU they begin it, and go on to other work while the GPU is busy. Arguments are
 * checked before it returns; later failures appear at cop_ndarray_wait on the outputs.
 *
 * Inputs may be outputs of invocations that are still pending, also of other operators. Arrays may
 * be released at once: the invocation keeps what it needs. The elements of inputs must not change,
 * and wrapped memory must stay valid, until it is done. A profile must not be given here, nor both
 * a callback and a completion queue.
 *
 * An invocation that a waiting thread began and did not end in its time goes on later where it
 * stopped, or begins anew if others wait for its context.
 *
 * @return OK: it is queued and `dst` is complete; INVALID_ARGUMENT: wrong arrays as in cop_invoke,
 * a profile, both a callback and a queue, or a queue of the parent process; OUT_OF_MEMORY: there is
 * no memory, or no thread for callbacks could be started; OUT_OF_DEVICE_MEMORY, DEVICE_FAILED: an
 * output could not be made. After a failure nothing is queued and nothing will be reported. What
 * else cop_invoke returns (BUSY, TIMEOUT, CANCELLED, ...), cop_ndarray_wait, the callback and the
 * completion report; CANCELLED also in a child forked while it was pending.
 */
COP_API COP_MUST_USE cop_status cop_invoke_async(cop_cached_op *op, size_t src_count,
                                                 cop_ndarray *const *src, size_t dst_count,
                                                 cop_ndarray **dst,
                                                 const cop_invoke_options *options,
                                                 cop_error *error);

/**
 * Waits for all asynchronous invocations of an operator that were made before this call.
 *
 * @param op          NULL: of the whole process
 * The calling thread runs what is ready before it sleeps; a step that it began is not cut short.
 * Callbacks and completions may come a moment after it returns.
 *
 * @param timeout_ns  COP_NO_TIMEOUT for ever, 0 to ask
 * @param cancel      NULL, or a token that ends the wait (not what it waits for)
 * @return OK: all done, none failed; INVALID_ARGUMENT: timeout_ns is negative; TIMEOUT or
 *         CANCELLED with a text that begins with "wait:": not all are done; otherwise the first
 * failure that an array still holds, where it stays recorded
 */
COP_API COP_MUST_USE cop_status cop_wait_all(cop_cached_op *op, int64_t timeout_ns,
                                             cop_cancel *cancel, cop_error *error);

/**
 * Sets how many worker threads run asynchronous invocations. Default: the processors this process
 * may use, by affinity and by its cgroup's quota. Takes effect at once; more threads than now are
 * started when there is work, fewer end when they finish what they run. All end by themselves when
 * the last operator of the process is gone.
 *
 * 0 is for a program with threads of its own: asynchronous invocations then run only inside waits,
 * in the threads that wait. (Timeouts and callbacks of asynchronous invocations still have a thread
 * each, which runs nothing else; it exists only where these are used.)
 *
 * @param count  0 to 1024
 * @return OK; INVALID_ARGUMENT
 */
COP_API COP_MUST_USE cop_status cop_set_worker_threads(int count, cop_error *error);

#ifdef __cplusplus
}
#endif
#endif
