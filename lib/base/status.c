// SPDX-License-Identifier: Apache-2.0
#include <cachedop/status.h>

const char *cop_status_name(cop_status status)
{
    switch (status) {
#define STATUS_NAME(value, number, text)                                                           \
    case COP_STATUS_##value:                                                                       \
        return #value;
        COP_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    }
    return "UNKNOWN";
}

const char *cop_status_text(cop_status status)
{
    switch (status) {
#define STATUS_TEXT(value, number, text)                                                           \
    case COP_STATUS_##value:                                                                       \
        return text;
        COP_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "not a status of this library";
}
