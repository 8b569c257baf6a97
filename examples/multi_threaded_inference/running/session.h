// SPDX-License-Identifier: Apache-2.0
/** A session: one model and the one cached operator that all threads share. */
#ifndef EXAMPLE_SESSION_H
#define EXAMPLE_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include <cachedop/cachedop.h>

#include "failure.h"
#include "output/labels.h"
#include "options.h"
#include "image/preprocess.h"

struct session {
    cop_model *model;
    cop_cached_op *op;
    const char *name; /**< of the model, for people */
    cop_tensor_desc input;
    struct input_layout layout;
    struct preprocessing preprocessing;
    size_t output_count;
    size_t scores_index; /**< the output that lists the scores */
    cop_tensor_desc scores;
    size_t class_count;
    struct labels labels;
    double load_ms, create_ms;
    bool usage_error; /**< after a failed open: the options contradict the model */
};

/**
 * Loads the model, creates the operator and reads the labels.
 * @param threads  how many will invoke at once
 * @return false: `failure` says why, and the session is closed
 */
bool session_open(struct session *session, const struct options *options, int threads,
                  struct failure *failure);

/** Gives everything back; also after a failed open. */
void session_close(struct session *session);

/** Fills `failure` from an error of the library and returns false. */
bool session_failure(struct failure *failure, const cop_error *error);

#endif
