// SPDX-License-Identifier: Apache-2.0
/** IEEE 754 binary16. */
#ifndef EXAMPLE_HALF_H
#define EXAMPLE_HALF_H

#include <stdint.h>

/** Rounds to nearest, ties to even; what is too large becomes infinite. */
uint16_t half_from_float(float value);

float half_to_float(uint16_t half);

#endif
