// SPDX-License-Identifier: Apache-2.0
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool failure_set(struct failure *failure, const char *format, ...)
{
    if (failure) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(failure->text, sizeof(failure->text), format, arguments);
        va_end(arguments);
    }
    return false;
}

bool failure_prefix(struct failure *failure, const char *prefix)
{
    if (failure) {
        char text[FAILURE_TEXT_BYTES];
        memcpy(text, failure->text, sizeof(text));
        size_t length = (size_t)snprintf(failure->text, sizeof(failure->text), "%s: ", prefix);
        if (length < sizeof(failure->text)) {
            size_t room = sizeof(failure->text) - length - 1;
            size_t taken = strnlen(text, room);
            memcpy(failure->text + length, text, taken);
            failure->text[length + taken] = '\0';
        }
    }
    return false;
}
