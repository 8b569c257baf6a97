// SPDX-License-Identifier: Apache-2.0
/**
 * MXNet's C predict API: a model as bytes, numbers in, numbers out.
 *
 * Predictors of one MXPredCreateMultiThread, and those that MXPredReshape makes, share parameters
 * and what has been prepared of them; each has inputs and outputs of its own.
 *
 * Thread-safety: any thread may use any predictor. Two that use the same one get in each other's
 * way, as one sets the data that the other runs on, and do no harm beyond that; free it when no
 * call with it runs. A list may be read by any number of threads.
 */
#ifndef MXNET_C_PREDICT_API_H_
#define MXNET_C_PREDICT_API_H_

#include <mxnet/c_api/base.h>

typedef void *PredictorHandle;
typedef void *NDListHandle;
/** Called for a value on the way; `arr` belongs to the callee. As ExecutorMonitorCallback. */
typedef void (*PredMonitorCallback)(const char *name, NDArrayHandle arr, void *user);

/**
 * Makes a predictor. Nothing of what is given is kept.
 *
 * @param symbol_json_str     the symbol, as any version of MXNet wrote it
 * @param param_bytes         the content of a parameter file, `param_size` bytes: arrays named
 *                            "arg:…" and "aux:…"; those that the symbol does not have are passed
 *                            over
 * @param dev_type            1 cpu, 2 gpu
 * @param input_keys          names of inputs; those that the symbol does not have are passed over
 * @param input_shape_indptr  where each one's dimensions begin in input_shape_data, one more than
 *                            there are inputs
 * @param out                 receives the predictor, for MXPredFree; untouched on failure
 * @return -1: a symbol or file that cannot be read, arrays without names, weights that are not
 *         among the parameters (with their names), shapes that do not suffice or do not fit,
 *         operators that are not supported
 *
 * Inputs are float32 and zero until they are set; labels need neither shape nor data.
 */
MXNET_DLL int MXPredCreate(const char *symbol_json_str, const void *param_bytes, int param_size,
                           int dev_type, int dev_id, uint32_t num_input_nodes,
                           const char **input_keys, const uint32_t *input_shape_indptr,
                           const uint32_t *input_shape_data, PredictorHandle *out);

/** The same with element types of inputs; types of parameters are those of their arrays. */
MXNET_DLL int MXPredCreateEx(const char *symbol_json_str, const void *param_bytes, int param_size,
                             int dev_type, int dev_id, const uint32_t num_input_nodes,
                             const char **input_keys, const uint32_t *input_shape_indptr,
                             const uint32_t *input_shape_data,
                             const uint32_t num_provided_arg_dtypes,
                             const char **provided_arg_dtype_names, const int *provided_arg_dtypes,
                             PredictorHandle *out);

/** The same with other outputs: those of the nodes `output_keys`; none: the symbol's own. */
MXNET_DLL int MXPredCreatePartialOut(const char *symbol_json_str, const void *param_bytes,
                                     int param_size, int dev_type, int dev_id,
                                     uint32_t num_input_nodes, const char **input_keys,
                                     const uint32_t *input_shape_indptr,
                                     const uint32_t *input_shape_data, uint32_t num_output_nodes,
                                     const char **output_keys, PredictorHandle *out);

/**
 * The same for `num_threads` predictors, one for each thread, at most 65536.
 *
 * @param out  receives them all, each for MXPredFree; on failure none
 */
MXNET_DLL int MXPredCreateMultiThread(const char *symbol_json_str, const void *param_bytes,
                                      int param_size, int dev_type, int dev_id,
                                      uint32_t num_input_nodes, const char **input_keys,
                                      const uint32_t *input_shape_indptr,
                                      const uint32_t *input_shape_data, int num_threads,
                                      PredictorHandle *out);

/**
 * A predictor for other shapes of inputs, beside `handle`, which stays as it is. Inputs that are
 * not named keep what was set where their shape stays.
 *
 * @return -1: shapes that do not suffice, or that parameters do not fit
 */
MXNET_DLL int MXPredReshape(uint32_t num_input_nodes, const char **input_keys,
                            const uint32_t *input_shape_indptr, const uint32_t *input_shape_data,
                            PredictorHandle handle, PredictorHandle *out);

/**
 * The shape of an output, known before anything has run.
 *
 * @param shape_data  receives the dimensions, which live as long as the predictor
 */
MXNET_DLL int MXPredGetOutputShape(PredictorHandle handle, uint32_t index, uint32_t **shape_data,
                                   uint32_t *shape_ndim);

/** The element type of an output: one number. */
MXNET_DLL int MXPredGetOutputType(PredictorHandle handle, uint32_t out_index, int *out_dtype);

/**
 * Copies elements into an argument, weights included, which all predictors that share them see.
 *
 * @param data  `size` elements, all of the argument; of its own type, where that is not float32
 */
MXNET_DLL int MXPredSetInput(PredictorHandle handle, const char *key, const float *data,
                             uint32_t size);

/** Runs; the outputs are complete when MXPredGetOutput returns them. */
MXNET_DLL int MXPredForward(PredictorHandle handle);

/** Runs in steps: all in step 0; `*step_left`, how many steps are to come, is 0 after each. */
MXNET_DLL int MXPredPartialForward(PredictorHandle handle, int step, int *step_left);

/**
 * Waits for an output and copies it.
 *
 * @param data  receives `size` elements, all of the output; of its own type, where that is not
 *              float32
 */
MXNET_DLL int MXPredGetOutput(PredictorHandle handle, uint32_t index, float *data, uint32_t size);

/** Gives a predictor back; accepts NULL. The others that share its parameters keep them. */
MXNET_DLL int MXPredFree(PredictorHandle handle);

/** As MXExecutorSetMonitorCallbackEX. */
MXNET_DLL int MXPredSetMonitorCallback(PredictorHandle handle, PredMonitorCallback callback,
                                       void *callback_handle, bool monitor_all);

/**
 * Reads a list of float32 arrays, such as a mean image, from the content of a file.
 *
 * @param out         receives the list, for MXNDListFree; untouched on failure
 * @param out_length  receives how many arrays there are
 */
MXNET_DLL int MXNDListCreate(const char *nd_file_bytes, int nd_file_size, NDListHandle *out,
                             uint32_t *out_length);

/** One array of a list: name ("": none), elements and shape, which live as long as the list. */
MXNET_DLL int MXNDListGet(NDListHandle handle, uint32_t index, const char **out_key,
                          const float **out_data, const uint32_t **out_shape, uint32_t *out_ndim);

/** Gives a list back; accepts NULL. */
MXNET_DLL int MXNDListFree(NDListHandle handle);

#endif
