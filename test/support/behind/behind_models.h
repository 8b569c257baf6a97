// SPDX-License-Identifier: Apache-2.0
/* Models for the device that runs behind, compiled there and for the reference kernels. */
#ifndef TEST_SUPPORT_BEHIND_MODELS_H
#define TEST_SUPPORT_BEHIND_MODELS_H

#include "support/behind/behind_control.h"

/* x [4,16] → product (24) + relu → tanh → product (8): all of it on the device. `seed` of weights.
 */
cop_model *behind_dense(unsigned seed);

/* x [4,16] → relu → softmax (which only the host knows) → relu → reshape [8,8] → tanh → two
 * outputs: "near", that and "far", the softmax of it. */
cop_model *behind_mixed(void);

/* x [4,16] → relu → reshape [64] → reshape [8,8] → relu → "y": views of what lies on the device. */
cop_model *behind_views(void);

/* x [1,16]: relu and tanh of it, one behind the other in "y" [2,16]; the host puts them there. */
cop_model *behind_concat(void);

/* x [4,16] → `length` times relu → "y": nothing but recordable steps between two reorders. */
cop_model *behind_chain(int length);

/* x [4,16] → two branches of three relu and tanh each → outputs "left" and "right". */
cop_model *behind_branches(void);

/* x [64,1024] → relu → tanh → relu → "y": what lies between takes a quarter of a megabyte each. */
cop_model *behind_large(void);

/* Compiles for BEHIND_DEVICE; `max_contexts` 0: the default. Fails the test when that fails. */
cop_cached_op *behind_compile(cop_model *model, size_t max_contexts);

/* Elements of a float32 array, wherever it lies, copied to memory for `count` of them. */
void behind_read(cop_ndarray *array, float *elements, size_t count);

/* The first output of an operator for one input, of `count` elements. */
void behind_invoke(cop_cached_op *op, cop_ndarray *src, float *elements, size_t count);

#endif
