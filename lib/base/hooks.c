// SPDX-License-Identifier: Apache-2.0
#include <cachedop/hooks.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"

cop_status cop_set_allocator(const cop_allocator *allocator, cop_error *error)
{
    cop_allocator read = {0};
    if (allocator == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "allocator is NULL");
    const cop_status status =
        cop_options_read(&read, sizeof read, allocator, "cop_allocator", error);
    if (status != COP_STATUS_OK)
        return status;
    if (read.allocate == NULL || read.release == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "allocator: %s is NULL",
                        read.allocate == NULL ? "allocate" : "release");
    switch (cop_alloc_use(&read)) {
    case ALLOC_USED:
        return cop_ok(error);
    case ALLOC_SET_BEFORE:
        return cop_fail(error, COP_STATUS_BUSY, "allocator: it was set before, which is for good");
    case ALLOC_TOO_LATE:
        break;
    }
    return cop_fail(error, COP_STATUS_BUSY,
                    "allocator: the library has allocated memory already; set it before any other "
                    "object is made");
}

cop_status cop_set_log(cop_log_function log, void *user, cop_log_level most, cop_error *error)
{
    if (log == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "log: the function is NULL");
    if ((int)most < COP_LOG_LEVEL_ERROR || (int)most > COP_LOG_LEVEL_DEBUG)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "log: level %d does not exist",
                        (int)most);
    if (!cop_log_use(log, user, most))
        return cop_fail(error, COP_STATUS_BUSY, "log: it was set before, which is for good");
    return cop_ok(error);
}
