// SPDX-License-Identifier: Apache-2.0
#include "output/results.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "image/half.h"

#define SUM_TOLERANCE 1e-3

static bool is_float(cop_dtype dtype)
{
    return dtype == COP_DTYPE_FLOAT32 || dtype == COP_DTYPE_FLOAT64 || dtype == COP_DTYPE_FLOAT16;
}

bool results_is_class_list(const cop_tensor_desc *desc)
{
    int lists = 0;
    for (int i = 0; i < desc->rank; i++) {
        if (desc->shape[i] < 1)
            return false;
        lists += desc->shape[i] > 1;
    }
    return is_float(desc->dtype) && desc->rank >= 1 && lists <= 1;
}

size_t results_element_count(const cop_tensor_desc *desc)
{
    size_t count = 1;
    for (int i = 0; i < desc->rank; i++)
        count *= (size_t)desc->shape[i];
    return count;
}

static double element(const void *elements, cop_dtype dtype, size_t index)
{
    switch (dtype) {
    case COP_DTYPE_FLOAT64:
        return ((const double *)elements)[index];
    case COP_DTYPE_FLOAT16:
        return half_to_float(((const uint16_t *)elements)[index]);
    default:
        return ((const float *)elements)[index];
    }
}

static bool are_probabilities(const double *scores, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (scores[i] < 0)
            return false;
        sum += scores[i];
    }
    return fabs(sum - 1) <= SUM_TOLERANCE;
}

static void softmax(double *scores, size_t count)
{
    double largest = scores[0], sum = 0;
    for (size_t i = 1; i < count; i++)
        largest = scores[i] > largest ? scores[i] : largest;
    for (size_t i = 0; i < count; i++) {
        scores[i] = exp(scores[i] - largest);
        sum += scores[i];
    }
    for (size_t i = 0; i < count; i++)
        scores[i] /= sum;
}

bool results_scores(const void *elements, cop_dtype dtype, size_t count, bool raw, double *scores,
                    struct failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        scores[i] = element(elements, dtype, i);
        if (!isfinite(scores[i]))
            return failure_set(failure, "the model's score for class %zu is not finite", i);
    }
    if (!raw && !are_probabilities(scores, count))
        softmax(scores, count);
    return true;
}

void results_rank(const double *scores, size_t count, struct ranked_class *top, size_t *top_count)
{
    size_t wanted = *top_count < count ? *top_count : count;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t place = kept;
        while (place > 0 && top[place - 1].score < scores[i])
            place--;
        if (place == wanted)
            continue;
        if (kept < wanted)
            kept++;
        memmove(&top[place + 1], &top[place], (kept - 1 - place) * sizeof(*top));
        top[place] = (struct ranked_class){i, scores[i]};
    }
    *top_count = kept;
}
