// SPDX-License-Identifier: Apache-2.0
#include "mxnet/base/mx_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <mxnet/c_api/base.h>
#include <nnvm/c_api.h>

/* No pointer and no destructor: it works at any time, also while a thread ends. */
static _Thread_local char last_error[COP_ERROR_MESSAGE_BYTES];

const char *cop_mx_last_error(void)
{
    return last_error;
}

void cop_mx_set_last_error(const char *text)
{
    /* `text` may be the last error itself. */
    if (text != last_error)
        snprintf(last_error, sizeof last_error, "%s", text == NULL ? "" : text);
}

int cop_mx_end(cop_status status, const cop_error *error)
{
    if (status == COP_STATUS_OK)
        return 0;
    cop_mx_set_last_error(error->message);
    return -1;
}

cop_status cop_mx_fail_null(const char *what, cop_error *error)
{
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Check failed: %s != nullptr: %s is NULL",
                    what, what);
}

void cop_mx_add_line(cop_error *error, const char *format, ...)
{
    cop_error line; /* control characters of names do not get in */
    va_list arguments;
    if (error == NULL)
        return;
    va_start(arguments, format);
    cop_fail_v(&line, error->status, format, arguments);
    va_end(arguments);
    const size_t length = strlen(error->message);
    snprintf(error->message + length, sizeof error->message - length, "\n\t%s", line.message);
}

int cop_mx_not_supported(const char *function, const char *what)
{
    cop_error error;
    return cop_mx_end(cop_fail(&error, COP_STATUS_UNSUPPORTED,
                               "%s: %s is not supported: this library is for inference", function,
                               what),
                      &error);
}

const char *MXGetLastError(void)
{
    return cop_mx_last_error();
}

const char *NNGetLastError(void)
{
    return cop_mx_last_error();
}

void NNAPISetLastError(const char *msg)
{
    cop_mx_set_last_error(msg);
}
