// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <stdio.h>
#include <string.h>

void cop_end_at_character(char *message, size_t capacity)
{
    size_t length = strlen(message);
    if (length + 1 < capacity)
        return;
    while (length > 0 && ((unsigned char)message[length - 1] & 0xC0u) == 0x80u)
        length--;
    if (length > 0 && (unsigned char)message[length - 1] >= 0xC0u)
        length--;
    message[length] = '\0';
}

/* Names from files may hold anything: what moves a terminal's cursor or begins a line in a log does
 * not get out. */
static void replace_controls(char *message)
{
    for (; *message != '\0'; message++)
        if ((unsigned char)*message < 0x20 || *message == 0x7f)
            *message = '?';
}

cop_status cop_fail_v(cop_error *error, cop_status status, const char *format, va_list arguments)
{
    if (error == NULL)
        return status;
    error->status = status;
    vsnprintf(error->message, sizeof error->message, format, arguments);
    cop_end_at_character(error->message, sizeof error->message);
    replace_controls(error->message);
    return status;
}

cop_status cop_fail(cop_error *error, cop_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cop_fail_v(error, status, format, arguments);
    va_end(arguments);
    return status;
}

cop_status cop_error_prefix(cop_error *error, cop_status status, const char *format, ...)
{
    if (error == NULL)
        return status;
    char prefix[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    replace_controls(prefix); /* the message itself has none, or lines of its own */

    const size_t length = strlen(prefix);
    const size_t kept = strnlen(error->message, sizeof error->message - 1 - length);
    memmove(error->message + length, error->message, kept);
    memcpy(error->message, prefix, length);
    error->message[length + kept] = '\0';
    cop_end_at_character(error->message, sizeof error->message);
    error->status = status;
    return status;
}

cop_status cop_fail_memory(cop_error *error, const char *what, size_t bytes)
{
    return cop_fail(error, COP_STATUS_OUT_OF_MEMORY, "%s: no memory for %zu bytes", what, bytes);
}

cop_status cop_ok(cop_error *error)
{
    if (error != NULL)
        error->status = COP_STATUS_OK;
    return COP_STATUS_OK;
}
