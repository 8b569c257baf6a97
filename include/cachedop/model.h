// SPDX-License-Identifier: Apache-2.0
/**
 * Models: an immutable graph and its weights as a file gave them.
 *
 * A model knows nothing of devices and fixes no shapes; `cop_cached_op_create` compiles it. It may
 * be released as soon as the operators that need it exist.
 *
 * Thread-safety: immutable. Any thread may use one model at the same time as any other.
 */
#ifndef CACHEDOP_MODEL_H
#define CACHEDOP_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include <cachedop/dtype.h>
#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cop_model cop_model;

typedef enum cop_model_format {
    COP_MODEL_FORMAT_AUTO = 0, /**< by the path's ending; not allowed for memory */
    COP_MODEL_FORMAT_ONNX = 1,
    COP_MODEL_FORMAT_MXNET = 2, /**< symbol JSON and .params */
} cop_model_format;

typedef enum cop_file_access {
    /** Files are read into private memory: what happens to them afterwards does not matter. */
    COP_FILE_ACCESS_READ = 0,
    /**
     * Weights are mapped: faster to start and shared between processes, but a file truncated while
     * it is in use raises SIGBUS in whoever touches it.
     */
    COP_FILE_ACCESS_MAP = 1,
} cop_file_access;

/** Options of a load. Initialise with COP_MODEL_OPTIONS_INIT; NULL means just that. */
typedef struct cop_model_options {
    size_t struct_size; /**< sizeof(cop_model_options) of the caller's header */
    cop_model_format format;
    cop_file_access file_access;
    /** MXNet: the .params file; NULL: `PREFIX-NNNN.params` beside the symbol file, highest number.
     */
    const char *params_path;
} cop_model_options;

#define COP_MODEL_OPTIONS_INIT                                                                     \
    {                                                                                              \
        sizeof(cop_model_options), COP_MODEL_FORMAT_AUTO, COP_FILE_ACCESS_READ, NULL               \
    }

/**
 * Loads a model from a file.
 *
 * Reads and checks the whole file, and compiles nothing. What it costs is paid here, once.
 *
 * @param path     `x.onnx`; or, for MXNet, `PREFIX-symbol.json` or just `PREFIX`
 * @param options  NULL for the defaults
 * @param model    receives one reference, to be given back with cop_model_release; NULL on failure
 * @return OK; INVALID_ARGUMENT: a NULL or contradicting argument, or an ending that names no
 * format; NOT_FOUND: no such file; IO: reading failed; MALFORMED_MODEL: with the place in the file;
 *         UNSUPPORTED: with everything that is missing; OUT_OF_MEMORY
 */
COP_API COP_MUST_USE cop_status cop_model_load(const char *path, const cop_model_options *options,
                                               cop_model **model, cop_error *error);

/** Bytes of a file that are already in memory. */
typedef struct cop_bytes {
    const void *data;
    size_t size;
    /**
     * NULL: the bytes are copied before the load returns. Otherwise they are borrowed: they must
     * not change until `release(user, data)` is called, exactly once, from whichever thread drops
     * the last use; when the load fails, before it returns. It must not call the library, wait or
     * fork.
     */
    void (*release)(void *user, const void *data);
    void *user;
} cop_bytes;

/**
 * Loads a model from memory, with the same result to the bit as from files of the same content.
 *
 * @param format   ONNX or MXNET
 * @param graph    the .onnx file, or the symbol JSON (no terminating NUL needed)
 * @param weights  the .params file for MXNET; NULL for ONNX. External data of ONNX is refused.
 * @param options  NULL for the defaults; its format and paths are not used
 * @param model    receives one reference; NULL on failure
 * @return as cop_model_load
 */
COP_API COP_MUST_USE cop_status cop_model_load_bytes(cop_model_format format,
                                                     const cop_bytes *graph,
                                                     const cop_bytes *weights,
                                                     const cop_model_options *options,
                                                     cop_model **model, cop_error *error);

/** Adds a reference and returns the model. */
COP_API cop_model *cop_model_retain(cop_model *model);

/** Gives one reference back and sets `*model` to NULL; accepts a pointer to NULL. Operators made of
 * it keep what they need. */
COP_API void cop_model_release(cop_model **model);

/** Inputs, in the order cop_invoke takes them. Weights are not inputs. */
COP_API size_t cop_model_input_count(const cop_model *model);

/** Outputs, in the order of the file. */
COP_API size_t cop_model_output_count(const cop_model *model);

/**
 * Describes input or output `index` as the model declares it.
 * @return OK; INVALID_ARGUMENT: no such index, or a NULL
 */
COP_API COP_MUST_USE cop_status cop_model_input(const cop_model *model, size_t index,
                                                cop_tensor_desc *desc, cop_error *error);
COP_API COP_MUST_USE cop_status cop_model_output(const cop_model *model, size_t index,
                                                 cop_tensor_desc *desc, cop_error *error);

#ifdef __cplusplus
}
#endif
#endif
