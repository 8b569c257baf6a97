// SPDX-License-Identifier: Apache-2.0
/*
 * How exported functions end. Inside, everything is a cop_status with a cop_error; at the border it
 * becomes 0 or −1, and the text the calling thread's last error.
 */
#ifndef MXNET_BASE_MX_ERROR_H
#define MXNET_BASE_MX_ERROR_H

#include "base/error.h"
#include "base/shared.h"

/* 0; or −1 and the text becomes the thread's last error. For `return cop_mx_end(…, &error);`. */
int cop_mx_end(cop_status status, const cop_error *error);

/* The thread's last error, "" before the first; and setting it. */
const char *cop_mx_last_error(void);
void cop_mx_set_last_error(const char *text);

/* INVALID_ARGUMENT that names what must not be NULL. */
cop_status cop_mx_fail_null(const char *what, cop_error *error);

/* Adds a line to a text, such as one of a list of candidates; it begins with a tab. */
void cop_mx_add_line(cop_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns from a function that has a `cop_error *error` when a pointer argument is NULL. */
#define COP_MX_REQUIRE(pointer)                                                                    \
    do {                                                                                           \
        if ((pointer) == NULL)                                                                     \
            return cop_mx_fail_null(#pointer, error);                                              \
    } while (0)

/* A function whose purpose this library does not have: −1 with "MXFoo: what … is not supported". */
int cop_mx_not_supported(const char *function, const char *what);

#endif
