// SPDX-License-Identifier: Apache-2.0
/*
 * Options structs of callers who were compiled against other versions of the headers: every one
 * begins with its own size, and grows at its end only.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stddef.h>

#include <cachedop/status.h>

/*
 * Copies what `given` holds over the defaults that `options`, of `known` bytes, holds already. A
 * shorter struct leaves the rest at the defaults; a longer one must be zero where we know nothing.
 * `type` is its name. INVALID_ARGUMENT: the size was never set, or something unknown is.
 */
cop_status cop_options_read(void *options, size_t known, const void *given, const char *type,
                            cop_error *error);

/*
 * The other way round: fills a caller's struct, whose `struct_size` he set, as far as both sides
 * know it; what only he knows becomes zero. INVALID_ARGUMENT: the size was never set.
 */
cop_status cop_answer_write(void *given, const void *values, size_t known, const char *type,
                            cop_error *error);

#endif
