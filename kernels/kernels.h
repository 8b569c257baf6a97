// SPDX-License-Identifier: Apache-2.0
/*
 * Launchers of the CUDA kernels, for C. A launcher only enqueues: it allocates nothing, waits for
 * nothing and keeps nothing. Tensors are addresses on the device.
 */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include "types.h"

#endif
