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
#include <cachedop/ndarray.h>
#include <cachedop/profile.h>
#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Options of one invocation. Initialise with COP_INVOKE_OPTIONS_INIT; NULL means just that. */
typedef struct cop_invoke_options {
    size_t struct_size;
    /** Not begun or not done after this many nanoseconds: TIMEOUT. Checked between steps. */
    int64_t timeout_ns;
    cop_profile
        *profile;     /**< NULL, or receives the steps of this invocation; used by one at a time */
    cop_trace *trace; /**< NULL, or collects the steps of many invocations */
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
        sizeof(cop_invoke_options), COP_NO_TIMEOUT, NULL, NULL, NULL, 0                            \
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
 * @return OK: outputs are written; INVALID_ARGUMENT: with the input or output and what is wrong,
 * and nothing was written; BUSY: max_contexts invocations were running until the timeout; TIMEOUT;
 * OUT_OF_MEMORY; the error of an input that a failed invocation left behind; INTERNAL;
 * DEVICE_FAILED. On failure after the start the elements of bound outputs are undefined.
 */
COP_API COP_MUST_USE cop_status cop_invoke(cop_cached_op *op, size_t src_count,
                                           cop_ndarray *const *src, size_t dst_count,
                                           cop_ndarray **dst, const cop_invoke_options *options,
                                           cop_error *error);

/**
 * As cop_invoke, but returns when the work is queued. Worker threads run it, or a thread that waits
 * for it. Arguments are checked before it returns; later failures appear at cop_ndarray_wait on the
 * outputs.
 *
 * Inputs may be outputs of invocations that are still pending, also of other operators. Arrays may
 * be released at once: the invocation keeps what it needs. The elements of inputs must not change,
 * and wrapped memory must stay valid, until it is done. A profile must not be given here.
 *
 * An invocation that a waiting thread began and did not end in its time goes on later where it
 * stopped, or begins anew if others wait for its context.
 *
 * @return OK: it is queued and `dst` is complete; INVALID_ARGUMENT: as cop_invoke, or a profile;
 * OUT_OF_MEMORY: nothing is queued. What else cop_invoke returns, cop_ndarray_wait reports.
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
 * @param timeout_ns  COP_NO_TIMEOUT for ever, 0 to ask
 * @return OK: all done, none failed; INVALID_ARGUMENT: timeout_ns is negative; TIMEOUT; otherwise
 *         the first failure that an array still holds, where it stays recorded
 */
COP_API COP_MUST_USE cop_status cop_wait_all(cop_cached_op *op, int64_t timeout_ns,
                                             cop_error *error);

/**
 * Sets how many worker threads run asynchronous invocations. Default: the processors this process
 * may use, by affinity and by its cgroup's quota. Takes effect at once; more threads than now are
 * started when there is work, fewer end when they finish what they run.
 *
 * @param count  1 to 1024
 * @return OK; INVALID_ARGUMENT
 */
COP_API COP_MUST_USE cop_status cop_set_worker_threads(int count, cop_error *error);

#ifdef __cplusplus
}
#endif
#endif
