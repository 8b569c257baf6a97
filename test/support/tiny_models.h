// SPDX-License-Identifier: Apache-2.0
/* Small MXNet models made in memory, so that tests of the public API need no files. */
#ifndef TEST_SUPPORT_TINY_MODELS_H
#define TEST_SUPPORT_TINY_MODELS_H

#include <cachedop/cachedop.h>

/*
 * data [1,3,12,12] → convolution 3x3 (8) → batch norm → relu → convolution 3x3 (8) + residual →
 * relu → max pool 2x2 → fully connected (5) → softmax. Weights from `seed`.
 */
cop_model *tiny_classifier(unsigned seed);

/* The same, but with the parameters whose bits are set in `others` from the seed `other`. */
cop_model *tiny_classifier_mixed(unsigned seed, unsigned other, unsigned others);

/* All parameters of tiny_classifier, of a seed; bits count in this order. */
#define TINY_CLASSIFIER_PARAMETERS 9
void make_classifier_parameters(unsigned seed,
                                cop_parameter_value values[TINY_CLASSIFIER_PARAMETERS]);
void release_parameters(cop_parameter_value *values, int count);

/* data [1,4] → relu → two outputs: itself plus one, and itself twice. No weights. */
cop_model *tiny_two_outputs(void);

/* data [1,16] → relu. What is left is the library itself. */
cop_model *tiny_relu(void);

/* Compiles with the default options on a device; fails the test when that fails. */
cop_cached_op *compile_on(cop_model *model, cop_device_kind kind);

/* An array of float32 whose elements follow from `seed`, and one of zeros. */
cop_ndarray *random_array(int rank, const int64_t *shape, unsigned seed);
cop_ndarray *zero_array(int rank, const int64_t *shape);

#endif
