// SPDX-License-Identifier: Apache-2.0
/**
 * Cached operators: a symbol that many threads run at once on arrays of theirs.
 *
 * An operator holds no arrays. Every call brings all inputs, in the order of
 * NNSymbolListInputNames: data, parameters, auxiliary states and labels. What operators know as
 * weights, biases and statistics is packed once for each set of arrays and each version of their
 * content, and shared by all threads and shapes; the next call after a parameter was written uses
 * the new content.
 *
 * Thread-safety: any number of threads may invoke one operator, with the same parameters and with
 * arrays of their own; whether it was made as `thread_safe` makes no difference. An operator is
 * freed, and gets a hook, while nobody else is in a call with it.
 */
#ifndef MXNET_C_API_CACHED_OP_H_
#define MXNET_C_API_CACHED_OP_H_

#include <mxnet/c_api/base.h>

/**
 * Makes an operator of a symbol, which is copied and may be freed or changed at once. Nothing is
 * compiled yet: shapes, types and devices come with the arrays.
 *
 * Flags are pairs of texts; of one key that comes twice, the last counts, and keys of the form
 * __x__ are passed over: static_alloc, static_shape, is_dynamic        true, false, 1 or 0
 *   forward_bulk_size, backward_bulk_size, inline_limit   numbers from 0
 *   data_indices, param_indices                   positions of inputs, such as "[0, 1]"; together
 * all of them, or none subgraph                                      any text They are checked and
 * otherwise make no difference: memory is planned for every shape, and what is a parameter follows
 * from the graph.
 *
 * @param keys, vals  num_flags texts each, borrowed for the call; may be NULL where there are none
 * @param thread_safe refuses is_dynamic
 * @param out         receives the operator, yours to free; not written on failure
 * @return 0; -1: no symbol, an unknown flag or a value that cannot be read, static_shape without
 * static_alloc, indices out of range or given twice, a symbol without inputs, no memory
 */
MXNET_DLL int MXCreateCachedOpEX(SymbolHandle handle, int num_flags, const char **keys,
                                 const char **vals, CachedOpHandle *out,
                                 bool thread_safe DEFAULT(false));

/** The same with thread_safe false, and without flags. */
MXNET_DLL int MXCreateCachedOpEx(SymbolHandle handle, int num_flags, const char **keys,
                                 const char **vals, CachedOpHandle *out);
MXNET_DLL int MXCreateCachedOp(SymbolHandle handle, CachedOpHandle *out);

/**
 * Frees an operator; what it made stays, and so does work that it began.
 * @return 0, also for NULL; -1: the handle is none of an operator
 */
MXNET_DLL int MXFreeCachedOp(CachedOpHandle handle);

/**
 * Runs the operator, on the device of its inputs.
 *
 * On the CPU the work is done in the calling thread when the call returns; on a GPU, or with a
 * threaded engine in MXNET_ENGINE_TYPE, it is only begun, shapes and types of the outputs are
 * known, and reading an output waits. Shapes may differ from call to call: the first call of new
 * shapes, types or parameters compiles, in the calling thread, and other threads that need the same
 * wait for it.
 *
 * @param inputs       num_inputs handles, borrowed: they may be freed when the call returns.
 * Contents of labels are not read.
 * @param num_outputs  with *outputs NULL receives how many there are; otherwise how many are given
 * @param outputs      *outputs NULL: receives a list of new arrays. The list is the thread's and
 * valid until it asks for handles again, also after the thread has ended; the arrays are yours to
 * free. Otherwise *outputs are arrays of yours: empty ones (MXNDArrayCreateNone) become the
 * results, others are written and must have the result's shape, type and device. They may be inputs
 * as well. An output that is an input of the symbol shares its memory.
 * @return 0; -1: counts, empty inputs, arrays on different devices, shapes or types that contradict
 * each other ("Error in operator ..."), outputs that do not fit, the error that an input holds, no
 * memory. After a failure nothing was made, and given arrays are as they were unless the run itself
 * had begun.
 */
MXNET_DLL int MXInvokeCachedOp(CachedOpHandle handle, int num_inputs, NDArrayHandle *inputs,
                               int *num_outputs, NDArrayHandle **outputs);

/** The same; `out_stypes` (may be NULL) receives the outputs' storage types, all 0 (dense), in a
 * list of the thread's. */
MXNET_DLL int MXInvokeCachedOpEx(CachedOpHandle handle, int num_inputs, NDArrayHandle *inputs,
                                 int *num_outputs, NDArrayHandle **outputs, const int **out_stypes);

/** Called in the invoking thread for each result of each node; `arr` belongs to the callee. */
typedef void (*CachedOpMonitorCallback)(const char *node_output_name, const char *op_name,
                                        NDArrayHandle arr);

/**
 * Makes every later call show all values on the way, in the order of the nodes; nothing is fused
 * then.
 *
 * @param handle       the operator
 * @param callback     NULL ends it
 * @param monitor_all  also each node's inputs, before its outputs
 * @return 0; -1: the handle is none of an operator, no memory
 */
MXNET_DLL int MXCachedOpRegisterOpHook(NDArrayHandle handle, CachedOpMonitorCallback callback,
                                       bool monitor_all);

#endif
