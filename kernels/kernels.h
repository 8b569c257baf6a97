// SPDX-License-Identifier: Apache-2.0
/* Every launcher of the CUDA kernels, for C. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include "cast.h"
#include "convolution.h"
#include "direct_convolution.h"
#include "elementwise.h"
#include "matrix_product.h"
#include "matrix_vector.h"
#include "movement.h"
#include "normalization.h"
#include "pooling.h"
#include "reduction.h"
#include "reorder.h"
#include "types.h"

#endif
