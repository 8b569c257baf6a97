// SPDX-License-Identifier: Apache-2.0
#include <cachedop/dtype.h>

const char *cop_dtype_name(cop_dtype dtype)
{
    switch (dtype) {
#define DTYPE_NAME(value, number, name, bytes)                                                     \
    case COP_DTYPE_##value:                                                                        \
        return name;
        COP_DTYPE_LIST(DTYPE_NAME)
#undef DTYPE_NAME
    case COP_DTYPE_UNKNOWN:
        break;
    }
    return "unknown";
}

size_t cop_dtype_bytes(cop_dtype dtype)
{
    switch (dtype) {
#define DTYPE_BYTES(value, number, name, bytes)                                                    \
    case COP_DTYPE_##value:                                                                        \
        return bytes;
        COP_DTYPE_LIST(DTYPE_BYTES)
#undef DTYPE_BYTES
    case COP_DTYPE_UNKNOWN:
        break;
    }
    return 0;
}
