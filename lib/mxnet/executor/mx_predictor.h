// SPDX-License-Identifier: Apache-2.0
/*
 * Predictors: a symbol and its parameters from bytes, and arrays for everything else. Predictors
 * that come from one another share parameters and what is packed of them; inputs and outputs are
 * their own.
 *
 * Thread-safety: a predictor may be used by any thread; two at once get in each other's way but do
 * no harm.
 */
#ifndef MXNET_EXECUTOR_MX_PREDICTOR_H
#define MXNET_EXECUTOR_MX_PREDICTOR_H

#include "base/refcount.h"
#include "mxnet/base/mx_names.h"
#include "mxnet/executor/mx_executor.h"

/* What predictors share. Immutable but for the elements of parameters. */
struct mx_predict_model {
    struct refcount refs;
    struct mx_symbol *symbol;
    struct mx_order order;
    struct mx_context context;
    int *inputs; /* variables: where they stand in the order */
    size_t input_count;
    struct mx_names names;        /* of all inputs */
    bool *is_auxiliary;           /* one an input */
    struct mx_array **parameters; /* one an input; NULL: there is none */
    int *types;                   /* of inputs, element types */
    struct mx_program *program;
};

struct mx_predictor {
    struct mx_object object;
    struct mx_predict_model *model;
    struct mx_executor *executor;
    uint32_t *output_shapes; /* COP_MAX_RANK for each output */
};

/* Shapes of inputs by name, as the API has them: keys, offsets (count + 1) and dimensions. */
struct mx_given_shapes {
    uint32_t count;
    const char *const *keys;
    const uint32_t *offsets, *dims;
    struct mx_names names; /* the keys */
};

struct mx_given_types {
    uint32_t count;
    const char *const *names;
    const int *types;
};

/* What a predictor is made of. */
struct mx_predict_source {
    const char *symbol_json;
    const void *parameters;
    int parameter_bytes;
    struct mx_context context;
    uint32_t output_count; /* of `output_keys`; 0: the symbol's own */
    const char *const *output_keys;
    struct mx_given_types types;
};

/* The arrays that the source has no parameters for are for the predictors to make. */
cop_status cop_mx_predict_model_create(const struct mx_predict_source *source,
                                       const struct mx_given_shapes *shapes,
                                       struct mx_predict_model **model, cop_error *error);
void cop_mx_predict_model_release(struct mx_predict_model **model);

/* `old` NULL, or one of the same model, whose inputs that get no shape keep their elements. */
cop_status cop_mx_predictor_create(struct mx_predict_model *model,
                                   const struct mx_given_shapes *shapes,
                                   const struct mx_predictor *old, struct mx_predictor **predictor,
                                   cop_error *error);
void cop_mx_predictor_destroy(struct mx_predictor *predictor); /* accepts NULL */

#endif
