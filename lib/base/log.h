// SPDX-License-Identifier: Apache-2.0
/*
 * Messages for the log that the program has set, or none. Nothing is allocated. To be called with
 * no lock held: the program's function runs inside.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include <cachedop/hooks.h>

#include "base/shared.h"

/* One line. Costs one relaxed load while no log is set. */
COP_SHARED void cop_log(cop_log_level level, const char *format, ...) COP_PRINTF(2, 3);

/* Whether cop_log would say it; where collecting what to say costs something. */
COP_SHARED bool cop_log_is_on(cop_log_level level);

/* From now on; false: there is a log already. */
bool cop_log_use(cop_log_function function, void *user, cop_log_level most);

#endif
