// SPDX-License-Identifier: Apache-2.0
/* Filling cop_error. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

#include <cachedop/status.h>

#include "base/shared.h"

/* Fills `error` (may be NULL) and returns `status`, so that `return cop_fail(…)` reads as one
 * thing. */
COP_SHARED cop_status cop_fail(cop_error *error, cop_status status, const char *format, ...)
    COP_PRINTF(3, 4);
COP_SHARED cop_status cop_fail_v(cop_error *error, cop_status status, const char *format,
                                 va_list arguments) COP_PRINTF(3, 0);

/* Puts text in front of a message that is already there: the object that a lower layer cannot know.
 */
COP_SHARED cop_status cop_error_prefix(cop_error *error, cop_status status, const char *format, ...)
    COP_PRINTF(3, 4);

/* OUT_OF_MEMORY with the object and the size that could not be had. */
COP_SHARED cop_status cop_fail_memory(cop_error *error, const char *what, size_t bytes);

/* Of a text that fills its `capacity`, and so was cut somewhere: cuts it after a whole UTF-8
 * character. */
COP_SHARED void cop_end_at_character(char *message, size_t capacity);

/* Marks success. */
COP_SHARED cop_status cop_ok(cop_error *error);

/* Returns from the calling function unless the call succeeded. */
#define COP_TRY(call)                                                                              \
    do {                                                                                           \
        const cop_status tried_ = (call);                                                          \
        if (tried_ != COP_STATUS_OK)                                                               \
            return tried_;                                                                         \
    } while (0)

#endif
