// SPDX-License-Identifier: Apache-2.0
/** Load: the classified images again and again from all threads, timed. */
#ifndef EXAMPLE_LOAD_H
#define EXAMPLE_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "running/classify.h"
#include "failure.h"
#include "output/statistics.h"

struct load_result {
    struct statistics *statistics; /**< to be freed by the caller */
    double seconds;
    uint64_t different; /**< invocations whose scores were not those of the first, to the bit */
    bool failed;
    struct failure failure; /**< the first, if one failed */
};

/**
 * Invokes with the inputs that the classification kept, for --repeat or --duration, and draws a
 * progress bar if standard error is a terminal.
 * @return false: it could not begin
 */
bool load_run(const struct classification *classification, size_t threads,
              struct load_result *result, struct failure *failure);

#endif
