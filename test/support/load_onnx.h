// SPDX-License-Identifier: Apache-2.0
/* Loads one ONNX model that a test wrote, and compiles it for the reference kernels. */
#ifndef TEST_SUPPORT_LOAD_ONNX_H
#define TEST_SUPPORT_LOAD_ONNX_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cachedop/cachedop.h>

#include "support/onnx_writer.h"

/* Frees the message, whatever the status. */
static inline cop_status try_onnx(struct message *model, cop_model **loaded, cop_error *error)
{
    /* From memory of exactly that size, so that a sanitizer sees every read past the end. */
    void *copy = malloc(model->size == 0 ? 1 : model->size);
    memcpy(copy, model->bytes, model->size);
    const cop_bytes bytes = {.data = copy, .size = model->size};
    *loaded = NULL;
    *error = (cop_error){COP_STATUS_OK, ""};
    const cop_status status =
        cop_model_load_bytes(COP_MODEL_FORMAT_ONNX, &bytes, NULL, NULL, loaded, error);
    free(copy);
    message_free(model);
    return status;
}

/* A model that must load; frees the message. */
static inline cop_model *load_onnx(struct message *model)
{
    cop_model *loaded;
    cop_error error;
    ck_assert_msg(try_onnx(model, &loaded, &error) == COP_STATUS_OK, "%s", error.message);
    return loaded;
}

/* Compiles and frees the message; `op` may be NULL: it is only to be seen whether that works. */
static inline cop_status compile_onnx(struct message *model, cop_cached_op **op, cop_error *error)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_model *loaded;
    cop_cached_op *made = NULL;
    options.device.kind = COP_DEVICE_REF;
    cop_status status = try_onnx(model, &loaded, error);
    if (status == COP_STATUS_OK)
        status = cop_cached_op_create(loaded, &options, &made, error);
    cop_model_release(&loaded);
    ck_assert((made != NULL) == (status == COP_STATUS_OK));
    if (op != NULL)
        *op = made;
    else
        cop_cached_op_release(&made);
    return status;
}

/* MALFORMED_MODEL or UNSUPPORTED with words that name the node or the place, as `text` says. */
static inline void expect_onnx_refused(struct message *model, const char *text)
{
    cop_error error;
    const cop_status status = compile_onnx(model, NULL, &error);
    ck_assert_msg((status == COP_STATUS_MALFORMED_MODEL || status == COP_STATUS_UNSUPPORTED) &&
                      error.status == status && strstr(error.message, text) != NULL,
                  "%s: '%s' instead of '%s'", cop_status_name(status), error.message, text);
}

static inline void add_ints(struct message *graph, const char *name, int count,
                            const int64_t *values)
{
    struct message tensor =
        onnx_raw_tensor(name, ONNX_INT64, 1, (int64_t[]){count}, values, 8 * (size_t)count);
    onnx_add_initializer(graph, &tensor);
}

#endif
