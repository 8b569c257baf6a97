// SPDX-License-Identifier: Apache-2.0
/**
 * Weights that change: new values for the parameters of a model while its operators run.
 *
 * An update concerns all operators made of the model, whatever their shapes and devices. Each
 * invocation sees the old values or the new ones, never a mix: those that start after the update
 * returned use the new ones, those that run meanwhile finish on what they began with. Nobody waits
 * for an update but the creators of operators, at the end of cop_cached_op_create and
 * cop_cached_op_reshape; invocations go on.
 *
 * Parameters are the constants of the file, by their names: of ONNX, initializers and the results
 * of Constant nodes; of MXNet, the entries of the .params file that the symbol uses, without "arg:"
 * or "aux:", as the variable is called.
 *
 * Thread-safety: every function here may run beside every other of the library.
 */
#ifndef CACHEDOP_WEIGHTS_H
#define CACHEDOP_WEIGHTS_H

#include <stddef.h>

#include <cachedop/model.h>
#include <cachedop/ndarray.h>
#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The parameters that can be updated, in the order of the file. Those whose elements were needed to
 * understand the file, such as the bounds of a Clip or the target of a Reshape, are not among them.
 */
COP_API size_t cop_model_parameter_count(const cop_model *model);

/**
 * Describes parameter `index`. The dtype is that of the file, also where it computes in float32.
 * @return OK; INVALID_ARGUMENT: no such index, or a NULL
 */
COP_API COP_MUST_USE cop_status cop_model_parameter(const cop_model *model, size_t index,
                                                    cop_tensor_desc *desc, cop_error *error);

/** New elements for one parameter, of its dtype and shape. */
typedef struct cop_parameter_value {
    const char *name;
    cop_ndarray *array; /**< borrowed; waited for and copied during the call */
} cop_parameter_value;

/**
 * Gives some or all parameters of a model new values.
 *
 * Copies the elements, makes the weights of every live operator that follow from them, and then
 * puts all in force at once; operators created or reshaped later use them, too. Parameters that are
 * not named keep their values, and what is packed of them alone stays. Updates of one model follow
 * one another.
 *
 * It costs what packing the changed weights costs in cop_cached_op_create, in the calling thread,
 * and memory: the copies, which stay until they are replaced; and the weights made of them, beside
 * the old ones until the last invocation ends that runs on these.
 *
 * @param values  `count` of them; 0 changes nothing
 * @return OK; on any other status the old values are in force everywhere. INVALID_ARGUMENT: a NULL,
 * a name given twice, another dtype or shape than the parameter's; NOT_FOUND: no such parameter;
 * UNSUPPORTED: the elements decided shapes or attributes when the file was read, or a live operator
 * was compiled, so that new ones could not take effect; IO: other weights that are needed could not
 * be read again; OUT_OF_MEMORY; OUT_OF_DEVICE_MEMORY; INTERNAL; the error of an array
 */
COP_API COP_MUST_USE cop_status cop_model_update_weights(cop_model *model,
                                                         const cop_parameter_value *values,
                                                         size_t count, cop_error *error);

#ifdef __cplusplus
}
#endif
#endif
