// SPDX-License-Identifier: Apache-2.0
/* MXNet's numbers for element types. */
#ifndef MXNET_BASE_MX_DTYPE_H
#define MXNET_BASE_MX_DTYPE_H

#include <stdbool.h>

#include <cachedop/dtype.h>

enum mx_type_flag {
    MX_TYPE_NONE = -1,
    MX_FLOAT32 = 0,
    MX_FLOAT64 = 1,
    MX_FLOAT16 = 2,
    MX_UINT8 = 3,
    MX_INT32 = 4,
    MX_INT8 = 5,
    MX_INT64 = 6,
    MX_BOOL = 7,
    MX_INT16 = 8,
    MX_UINT16 = 9,
    MX_UINT32 = 10,
    MX_UINT64 = 11,
    MX_BFLOAT16 = 12,
    MX_TYPE_COUNT,
};

static inline bool cop_mx_type_is_one(int flag)
{
    return flag >= 0 && flag < MX_TYPE_COUNT;
}

/* Our dtype for a flag (model/mxnet/params.h has the same as cop_mxnet_dtype), and back. */
int cop_mx_type_of(cop_dtype dtype);

/* "float32"; NULL-free. */
const char *cop_mx_type_name(int flag);

#endif
