// SPDX-License-Identifier: Apache-2.0
/** Results: from what a model puts out to its best classes. */
#ifndef EXAMPLE_RESULTS_H
#define EXAMPLE_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include <cachedop/dtype.h>

#include "failure.h"

struct ranked_class {
    size_t index;
    double score;
};

/** Whether an output is a list of scores: a float type, and at most one dimension that is not 1. */
bool results_is_class_list(const cop_tensor_desc *desc);

/** Elements of a shape whose dimensions are known. */
size_t results_element_count(const cop_tensor_desc *desc);

/**
 * Turns an output into scores. Unless `raw`, they are probabilities: values that are none yet
 * (negative, or with a sum off 1 by more than rounding explains) go through a softmax.
 * @return false: a value is not finite
 */
bool results_scores(const void *elements, cop_dtype dtype, size_t count, bool raw, double *scores,
                    struct failure *failure);

/** Writes the best `*top_count` classes, at most `count`; of equal scores the lower index is
 * better. */
void results_rank(const double *scores, size_t count, struct ranked_class *top, size_t *top_count);

#endif
