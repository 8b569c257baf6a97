// SPDX-License-Identifier: Apache-2.0
#include <mxnet/c_api/library.h>

#include "mxnet/array/mx_array.h"
#include "mxnet/base/mx_error.h"

/* Written by whoever sets mode 2 or 0, read by all; relaxed: it orders nothing else. */
static _Atomic bool is_on_for_all;
static _Thread_local bool is_on_here;

bool cop_mx_is_numpy_shape(void)
{
    return is_on_here || atomic_load_explicit(&is_on_for_all, memory_order_relaxed);
}

bool cop_mx_set_numpy_shape(int mode)
{
    const bool was_on = cop_mx_is_numpy_shape();
    if (mode < 0 || mode > 2)
        return was_on;
    is_on_here = mode != 0;
    if (mode != 1)
        atomic_store_explicit(&is_on_for_all, mode == 2, memory_order_relaxed);
    return was_on;
}

static cop_status set(int mode, int *prev, cop_error *error)
{
    COP_MX_REQUIRE(prev);
    *prev = cop_mx_set_numpy_shape(mode);
    return COP_STATUS_OK;
}

int MXSetIsNumpyShape(int is_np_shape, int *prev)
{
    cop_error error;
    return cop_mx_end(set(is_np_shape, prev, &error), &error);
}

static cop_status get(int *curr, cop_error *error)
{
    COP_MX_REQUIRE(curr);
    *curr = atomic_load_explicit(&is_on_for_all, memory_order_relaxed) ? 2 : is_on_here;
    return COP_STATUS_OK;
}

int MXIsNumpyShape(int *curr)
{
    cop_error error;
    return cop_mx_end(get(curr, &error), &error);
}
