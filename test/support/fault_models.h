// SPDX-License-Identifier: Apache-2.0
/* What scenarios of faults (support/faults.h) load: models in files and in memory, all small. */
#ifndef TEST_SUPPORT_FAULT_MODELS_H
#define TEST_SUPPORT_FAULT_MODELS_H

#include <cachedop/cachedop.h>

#include "support/faults.h"
#include "support/onnx_writer.h"

/* The argument of scenarios that load files. */
struct model_file {
    const char *path; /* in the folder; one of FILE_… */
    cop_file_access access;
};

/* A convolution whose weights fill pages, in the file and in another; a broad symbol. */
#define FILE_ONNX     "m.onnx"
#define FILE_EXTERNAL "x.onnx"
#define FILE_SYMBOL   "m.v1-symbol.json"
#define FILE_PREFIX   "m.v1"

/* prepare: sees to it that all of them are there; act: loads the one; finish: uses the model. */
void write_model_files(struct stage *stage);
cop_status load_model_file(struct stage *stage, cop_error *error);
void use_model(struct stage *stage);

/* The argument of scenarios that load from memory. */
struct model_bytes {
    const char *symbol, *params;   /* MXNet (model/mxnet_files.h), or */
    struct message (*write)(void); /* ONNX */
    bool is_borrowed;              /* and given back, whatever the status */
};

/* act: the same in every call of a process. */
cop_status load_model_bytes(struct stage *stage, cop_error *error);

/* Makes stage->made of stage->model. */
cop_status create_op(struct stage *stage, const cop_cached_op_options *options, cop_error *error);

#endif
