// SPDX-License-Identifier: Apache-2.0
/**
 * Cached operators: a model compiled for fixed shapes on one device, ready to be invoked by many
 * threads at once.
 *
 * Weights are packed once per model, layout and device and shared by every operator, shape and
 * context that uses them. What one invocation changes lives in an execution context; the operator
 * keeps a pool of them, makes one when all are in use, and reports what each costs.
 *
 * Thread-safety: immutable for the caller; every function here may run beside every other, on the
 * same operator, including cop_cached_op_release by a thread that gives back its own reference.
 */
#ifndef CACHEDOP_CACHED_OP_H
#define CACHEDOP_CACHED_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/device.h>
#include <cachedop/dtype.h>
#include <cachedop/model.h>
#include <cachedop/ndarray.h>
#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cop_cached_op cop_cached_op;

/** Fixes the shape of one input. */
typedef struct cop_input_shape {
    const char *name; /**< NULL: the only input */
    int rank;
    int64_t shape[COP_MAX_RANK]; /**< each >= 1, or -1: as the model says */
} cop_input_shape;

/** Fixes a dimension that the model names, such as "batch". */
typedef struct cop_dim {
    const char *name;
    int64_t value; /**< >= 1 */
} cop_dim;

/**
 * Fixes the elements of one input, which is then no input of the operator any more. Needed where a
 * model takes shapes, axes or sizes as inputs: they decide what is compiled.
 */
typedef struct cop_constant {
    const char *name;
    cop_ndarray *array; /**< borrowed; waited for and copied during the call */
} cop_constant;

/** What create spends time and memory on. */
typedef enum cop_tuning {
    COP_TUNING_FAST_START = 0, /**< kernels whose weights are packed quickly */
    /**
     * Kernels that run faster, for a longer create and more bytes of packed weights, such as
     * Winograd convolutions. Outputs differ from those of FAST_START by rounding: about 3e-6 of the
     * largest value.
     */
    COP_TUNING_FAST_RUN = 1,
} cop_tuning;

/** Options of create. Initialise with COP_CACHED_OP_OPTIONS_INIT; NULL means just that. */
typedef struct cop_cached_op_options {
    size_t struct_size;
    cop_device device;
    const cop_input_shape *input_shapes; /**< borrowed for the call, as all arrays here */
    size_t input_shape_count;
    const cop_dim *dims;
    size_t dim_count;
    const cop_constant *constants;
    size_t constant_count;
    int intra_op_threads; /**< threads inside one invocation; 0 = 1 */
    int max_contexts;     /**< invocations that may run at once; 0 = 256. More wait, or get BUSY. */
    cop_tuning tuning;
    bool keep_graph; /**< true: no pass but the necessary ones; to compare and to debug */
    /**
     * Bytes that the operator's contexts and the outputs it keeps for reuse may take together; 0:
     * no limit but max_contexts. At the limit an invoke waits, or gets BUSY, as at max_contexts.
     */
    size_t memory_cap_bytes;
    /**
     * Names of internal values that become outputs too, after the model's own and in this order:
     * the names that ONNX files give to values (of what an Identity makes: its input's); of MXNet
     * models the node's name, or as MXNet calls its outputs, "relu1_output" or "split0_output1".
     * Constants and inputs may be named and are copied; a value that is an output already, or named
     * twice, is INVALID_ARGUMENT. What is an output is not fused away, so the others may differ by
     * rounding. cop_invoke_options.outputs chooses among them, call by call.
     */
    const char *const *extra_outputs;
    size_t extra_output_count;
    cop_precision precision;
    cop_gpu_kernels gpu_kernels;
    /**
     * Where the outputs lie that invokes make: HOST (page-locked on a GPU), or DEVICE, to be used
     * there again without a copy.
     */
    cop_memory output_memory;
} cop_cached_op_options;

#define COP_CACHED_OP_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(cop_cached_op_options), {COP_DEVICE_CPU, 0}, NULL, 0, NULL, 0, NULL, 0, 0, 0,       \
            COP_TUNING_FAST_START, false, 0, NULL, 0, COP_PRECISION_FP32, COP_GPU_KERNELS_AUTO,    \
            COP_MEMORY_HOST                                                                        \
    }

/**
 * Compiles a model: infers shapes, fuses, chooses kernels and layouts, plans memory, packs weights.
 *
 * An input shape comes from `input_shapes` (which may differ from what the model declares, but not
 * in rank, as long as every operator accepts it), else from the model with `dims`, unnamed and
 * unbound batch dimensions = 1; for MXNet models, which declare none, else from `__shape__`, else
 * solved back from the weights, else 224 x 224 for 3-channel images. Ask cop_cached_op_input for
 * the outcome.
 *
 * @param op  receives one reference; NULL on failure
 * @return OK; INVALID_ARGUMENT: shapes that contradict the model, an unknown name, a NULL, a
 * memory_cap_bytes that not one context fits in, an extra output that is one already; NOT_FOUND: no
 * such device, or no such value to be an output, with the nearest name there is; MALFORMED_MODEL;
 * UNSUPPORTED: with everything that is missing, or a
 * precision that the device does not know; IO: weights dropped earlier could not be read
 * again; OUT_OF_MEMORY; OUT_OF_DEVICE_MEMORY; INTERNAL; DEVICE_FAILED; the error that a constant's
 * array holds
 */
COP_API COP_MUST_USE cop_status cop_cached_op_create(cop_model *model,
                                                     const cop_cached_op_options *options,
                                                     cop_cached_op **op, cop_error *error);

/**
 * Makes an operator for other input shapes (another batch or image size) of the same model on the
 * same device, on the same packed weights, with the same extra outputs.
 *
 * @param shapes       new shapes for some or all inputs; the others stay
 * @param added_bytes  may be NULL; receives the bytes that the new operator adds before its first
 *                     context: its plan, and weights only where a kernel needs another layout
 * @param reshaped     receives one reference, independent of `op`; NULL on failure
 * @return as cop_cached_op_create
 */
COP_API COP_MUST_USE cop_status cop_cached_op_reshape(cop_cached_op *op,
                                                      const cop_input_shape *shapes,
                                                      size_t shape_count, cop_cached_op **reshaped,
                                                      size_t *added_bytes, cop_error *error);

/** Adds a reference and returns the operator. */
COP_API cop_cached_op *cop_cached_op_retain(cop_cached_op *op);

/**
 * Gives one reference back and sets `*op` to NULL; accepts a pointer to NULL. Pending invocations
 * keep what they need; arrays they made stay valid.
 */
COP_API void cop_cached_op_release(cop_cached_op **op);

/** Inputs and outputs in the order cop_invoke takes them; 0 for NULL. */
COP_API size_t cop_cached_op_input_count(const cop_cached_op *op);
COP_API size_t cop_cached_op_output_count(const cop_cached_op *op);

/**
 * Describes input or output `index`; every dimension is known.
 * @return OK; INVALID_ARGUMENT: no such index, or a NULL
 */
COP_API COP_MUST_USE cop_status cop_cached_op_input(const cop_cached_op *op, size_t index,
                                                    cop_tensor_desc *desc, cop_error *error);
COP_API COP_MUST_USE cop_status cop_cached_op_output(const cop_cached_op *op, size_t index,
                                                     cop_tensor_desc *desc, cop_error *error);

/**
 * Finds an input or output by name.
 * @return OK; NOT_FOUND: with the names there are; INVALID_ARGUMENT: a NULL
 */
COP_API COP_MUST_USE cop_status cop_cached_op_find_input(const cop_cached_op *op, const char *name,
                                                         size_t *index, cop_error *error);
COP_API COP_MUST_USE cop_status cop_cached_op_find_output(const cop_cached_op *op, const char *name,
                                                          size_t *index, cop_error *error);

/** What an operator holds and has done. Counts are of one moment while other threads go on. */
typedef struct cop_cached_op_stats {
    size_t struct_size;         /**< set by the caller */
    size_t packed_weight_bytes; /**< shared by all contexts and by other operators of the model */
    size_t plan_bytes;          /**< steps and kernels as far as they are ours to count */
    size_t arena_bytes;         /**< intermediate tensors of one context, those on a GPU included */
    size_t context_bytes;       /**< everything one more context costs, arena included */
    size_t contexts;            /**< contexts that exist */
    size_t in_flight;           /**< contexts in use: running, paused between steps or warmed up */
    uint64_t invocations;       /**< that got a context and are done, failed ones included */
    uint64_t failures;          /**< those of them that failed */
    size_t kept_output_bytes;   /**< outputs that were released and wait to be used again */
    uint64_t weight_generation; /**< updates of the model's weights so far; 0 before the first */
} cop_cached_op_stats;

/** @return OK; INVALID_ARGUMENT: a NULL, or struct_size is not set */
COP_API COP_MUST_USE cop_status cop_cached_op_get_stats(const cop_cached_op *op,
                                                        cop_cached_op_stats *stats,
                                                        cop_error *error);

/**
 * Makes contexts now, touches their memory and runs each once on zeros, so that the first calls of
 * `contexts` threads are as fast as later ones.
 * @return OK; BUSY: above max_contexts, more than memory_cap_bytes has room for, or so many are not
 * free at this moment (it does not wait; those that could be had are made);
 * INVALID_ARGUMENT: op is NULL; OUT_OF_MEMORY; what an invoke may return
 */
COP_API COP_MUST_USE cop_status cop_cached_op_warm_up(cop_cached_op *op, size_t contexts,
                                                      cop_error *error);

/**
 * Frees contexts that are not in use, until `keep_contexts` are left or the others are in use, and
 * the outputs kept for reuse. Weights and the plan stay. Later invokes make again what they need.
 *
 * @param freed_bytes  may be NULL; receives how many bytes were freed
 * @return OK; INVALID_ARGUMENT: op is NULL
 */
COP_API COP_MUST_USE cop_status cop_cached_op_trim(cop_cached_op *op, size_t keep_contexts,
                                                   size_t *freed_bytes, cop_error *error);

typedef enum cop_plan_format {
    COP_PLAN_FORMAT_TEXT = 0,
    COP_PLAN_FORMAT_DOT = 1,
    COP_PLAN_FORMAT_JSON = 2,
} cop_plan_format;

/**
 * Prints the plan: each step with its kernel, fused nodes, bytes and shapes.
 * @param text  receives a NUL-terminated string, to be given back with cop_text_release
 * @return OK; INVALID_ARGUMENT: a NULL, or no such format; OUT_OF_MEMORY
 */
COP_API COP_MUST_USE cop_status cop_cached_op_print_plan(const cop_cached_op *op,
                                                         cop_plan_format format, char **text,
                                                         cop_error *error);

/** Frees a text the library made and sets `*text` to NULL; accepts a pointer to NULL. */
COP_API void cop_text_release(char **text);

#ifdef __cplusplus
}
#endif
#endif
