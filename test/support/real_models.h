// SPDX-License-Identifier: Apache-2.0
/* Real trained models with what goes into them and comes out: each in a folder of the test data. */
#ifndef TEST_SUPPORT_REAL_MODELS_H
#define TEST_SUPPORT_REAL_MODELS_H

#include <check.h>
#include <math.h>
#include <stdio.h>

#include <cachedop/cachedop.h>

#include "support/data.h"
#include "support/npy.h"

static const char *data_directory; /* set by main: find_data_folder */

static inline cop_ndarray *load_array(const char *folder, const char *file)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s", data_directory, folder, file);
    cop_ndarray *array = npy_load(path);
    ck_assert_msg(array != NULL, "%s", path);
    return array;
}

static inline cop_model *load_model(const char *folder, const char *file)
{
    char path[1024];
    cop_model *model = NULL;
    cop_error error;
    snprintf(path, sizeof path, "%s/%s/%s", data_directory, folder, file);
    ck_assert_msg(cop_model_load(path, NULL, &model, &error) == COP_STATUS_OK, "%s", error.message);
    return model;
}

/* The largest difference from `b` as a part of its largest element; all of `a` must be finite. */
static inline double distance(const cop_ndarray *a, const cop_ndarray *b)
{
    const float *x = cop_ndarray_data(a), *y = cop_ndarray_data(b);
    double apart = 0, largest = 0;
    ck_assert_uint_eq(cop_ndarray_bytes(a), cop_ndarray_bytes(b));
    for (size_t i = 0; i < cop_ndarray_bytes(a) / sizeof *x; i++) {
        ck_assert(isfinite(x[i]));
        apart = fmax(apart, fabs((double)x[i] - (double)y[i]));
        largest = fmax(largest, fabs((double)y[i]));
    }
    return apart / largest;
}

#endif
