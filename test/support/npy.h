// SPDX-License-Identifier: Apache-2.0
/* Reads the stored reference arrays: .npy files of float32 in C order. */
#ifndef TEST_SUPPORT_NPY_H
#define TEST_SUPPORT_NPY_H

#include <cachedop/cachedop.h>

/* NULL: no such file, or not of that kind. */
cop_ndarray *npy_load(const char *path);

#endif
