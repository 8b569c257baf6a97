// SPDX-License-Identifier: Apache-2.0
#include "mxnet/base/mx_dtype.h"

#include "model/mxnet/params.h"

int cop_mx_type_of(cop_dtype dtype)
{
    for (int flag = 0; flag < MX_TYPE_COUNT; flag++)
        if (cop_mxnet_dtype(flag) == dtype)
            return flag;
    return MX_TYPE_NONE;
}

const char *cop_mx_type_name(int flag)
{
    return cop_mx_type_is_one(flag) ? cop_dtype_name(cop_mxnet_dtype(flag)) : "none";
}
