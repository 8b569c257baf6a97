// SPDX-License-Identifier: Apache-2.0
/*
 * A file that replaces another in one step: written beside it, then renamed. A reader sees the old
 * file or the new one whole, also after a failure or a crash.
 *
 *     status = cop_new_file_begin(&file, path, error);
 *     if (status != COP_STATUS_OK)
 *         return status;
 *     status = cop_new_file_write(&file, …), …
 *     return cop_new_file_end(&file, status, error);
 *
 * Thread-safety: one thread at a time; any number of files, also of the same path.
 */
#ifndef BASE_NEW_FILE_H
#define BASE_NEW_FILE_H

#include <stddef.h>

#include <cachedop/status.h>

#include "base/shared.h"

struct new_file {
    const char *path; /* borrowed until the end */
    char *beside;     /* owned: where it is written meanwhile */
    int fd;
};

/* IO or OUT_OF_MEMORY, with the path: there is nothing to end. */
COP_SHARED cop_status cop_new_file_begin(struct new_file *file, const char *path, cop_error *error);

/* Writes all bytes, through interruptions and short writes. */
COP_SHARED cop_status cop_new_file_write(struct new_file *file, const void *bytes, size_t size,
                                         cop_error *error);

/*
 * Puts the file in its place if `status`, how writing went, is OK; otherwise, or if that fails,
 * nothing of it is left. Returns the first failure.
 */
COP_SHARED cop_status cop_new_file_end(struct new_file *file, cop_status status, cop_error *error);

#endif
