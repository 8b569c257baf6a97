// SPDX-License-Identifier: Apache-2.0
/* An operator with some inputs and what one thread got for them. */
#ifndef TEST_PROMISES_SUBJECT_H
#define TEST_PROMISES_SUBJECT_H

#include "promises/promise.h"
#include "support/small_networks.h"

#define SUBJECT_INPUTS  4
#define SUBJECT_OUTPUTS 2

struct subject {
    cop_model *model;
    cop_cached_op *op;
    cop_device_kind device;
    size_t dst_count;
    cop_ndarray *src[SUBJECT_INPUTS];
    cop_ndarray *expected[SUBJECT_INPUTS][SUBJECT_OUTPUTS];
};

static inline cop_cached_op *compile(cop_model *model, cop_device_kind device, int intra_op_threads,
                                     int max_contexts)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    cop_error error = {0};
    options.device.kind = device;
    options.intra_op_threads = intra_op_threads;
    options.max_contexts = max_contexts;
    const cop_status status = cop_cached_op_create(model, &options, &op, &error);
    require(status == COP_STATUS_OK, error.message);
    return op;
}

/* An array for an input or output, filled from a seed; 0: zeros. */
static inline cop_ndarray *make_array(const cop_tensor_desc *desc, unsigned seed)
{
    cop_ndarray *array = NULL;
    require(cop_ndarray_create(desc->dtype, desc->rank, desc->shape, &array, NULL) == COP_STATUS_OK,
            "no memory for an array");
    float *elements = cop_ndarray_data(array);
    for (size_t i = 0; i < cop_ndarray_bytes(array) / sizeof *elements && seed != 0; i++)
        elements[i] = (float)(rand_r(&seed) % 2001 - 1000) / 1000.0f;
    return array;
}

static inline cop_ndarray *make_output(const cop_cached_op *op, size_t index)
{
    cop_tensor_desc desc;
    require(cop_cached_op_output(op, index, &desc, NULL) == COP_STATUS_OK, "no such output");
    return make_array(&desc, 0);
}

/* Takes the model over. */
static inline void subject_begin(struct subject *subject, cop_model *model, cop_device_kind device)
{
    cop_tensor_desc desc;
    cop_error error = {0};
    *subject = (struct subject){.model = model, .device = device};
    subject->op = compile(model, device, 0, 0);
    subject->dst_count = cop_cached_op_output_count(subject->op);
    require(cop_cached_op_input(subject->op, 0, &desc, NULL) == COP_STATUS_OK, "no input");
    for (unsigned i = 0; i < SUBJECT_INPUTS; i++) {
        subject->src[i] = make_array(&desc, 1 + i);
        require(cop_invoke(subject->op, 1, &subject->src[i], subject->dst_count,
                           subject->expected[i], NULL, &error) == COP_STATUS_OK,
                error.message);
    }
}

static inline void subject_end(struct subject *subject)
{
    for (int i = 0; i < SUBJECT_INPUTS; i++) {
        cop_ndarray_release(&subject->src[i]);
        for (int k = 0; k < SUBJECT_OUTPUTS; k++)
            cop_ndarray_release(&subject->expected[i][k]);
    }
    cop_cached_op_release(&subject->op);
    cop_model_release(&subject->model);
}

static inline bool is_expected(const struct subject *subject, int input, cop_ndarray *const *dst)
{
    for (size_t k = 0; k < subject->dst_count; k++)
        if (dst[k] == NULL ||
            memcmp(cop_ndarray_data(dst[k]), cop_ndarray_data(subject->expected[input][k]),
                   cop_ndarray_bytes(dst[k])) != 0)
            return false;
    return true;
}

static inline void release_outputs(cop_ndarray **dst)
{
    for (int k = 0; k < SUBJECT_OUTPUTS; k++)
        cop_ndarray_release(&dst[k]);
}

/* One synchronous invocation of any operator of the subject's model; is it right? */
static inline bool invoke_is_right(const struct subject *subject, cop_cached_op *op, int input)
{
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL};
    const cop_status status =
        cop_invoke(op, 1, &subject->src[input], subject->dst_count, dst, NULL, NULL);
    const bool is_right = status == COP_STATUS_OK && is_expected(subject, input, dst);
    release_outputs(dst);
    return is_right;
}

/* The same, asynchronously. */
static inline bool async_is_right(const struct subject *subject, cop_cached_op *op, int input)
{
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL};
    bool is_right = cop_invoke_async(op, 1, &subject->src[input], subject->dst_count, dst, NULL,
                                     NULL) == COP_STATUS_OK;
    for (size_t k = 0; k < subject->dst_count && is_right; k++)
        is_right = wait_for(dst[k], COP_NO_TIMEOUT, NULL) == COP_STATUS_OK;
    is_right = is_right && is_expected(subject, input, dst);
    release_outputs(dst);
    return is_right;
}

#endif
