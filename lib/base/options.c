// SPDX-License-Identifier: Apache-2.0
#include "base/options.h"

#include <string.h>

#include "base/error.h"

#define MOST_OPTIONS_BYTES 512 /* more is garbage, not a later version */

cop_status cop_options_read(void *options, size_t known, const void *given, const char *type,
                            cop_error *error)
{
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size || size > MOST_OPTIONS_BYTES)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "%s: struct_size is %zu; use the initialiser", type, size);
    const unsigned char *bytes = given;
    for (size_t i = known; i < size; i++)
        if (bytes[i] != 0)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "%s: byte %zu is set, which this library does not know", type, i);
    memcpy(options, given, size < known ? size : known);
    memcpy(options, &known, sizeof known);
    return COP_STATUS_OK;
}

cop_status cop_answer_write(void *given, const void *values, size_t known, const char *type,
                            cop_error *error)
{
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size <= sizeof size || size > MOST_OPTIONS_BYTES)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "%s: struct_size is %zu; set it to the size of the struct", type, size);
    memset(given, 0, size);
    memcpy(given, values, size < known ? size : known);
    memcpy(given, &size, sizeof size);
    return cop_ok(error);
}
