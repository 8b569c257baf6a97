// SPDX-License-Identifier: Apache-2.0
/* Networks for programs that use the public headers alone: a zoo of very small ones, chains that
 * take as long as one likes, and residual networks of the well-known depths. */
#ifndef TEST_SUPPORT_SMALL_NETWORKS_H
#define TEST_SUPPORT_SMALL_NETWORKS_H

#include <cachedop/cachedop.h>

#include "support/model_writer.h"

/* Each runs some microseconds on the reference kernels and has one input named "data". */
#define SMALL_NETWORKS 8
cop_model *small_network(int index);

/*
 * data [1,4,side,side] → `steps` convolutions 3x3 of 4 channels, each with a relu. The outputs are
 * the first relu's and the last's: who sees the first untouched knows that nothing has begun.
 */
cop_model *chain_network(int steps, int side);

/* data [1,3,side,side] → a residual network of 18, 50 or 152 layers, `width` channels wide →
 * softmax of 10. */
cop_model *residual_network(int layers, int width, int side, unsigned seed);

#endif
