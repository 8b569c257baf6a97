// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"

static cop_status fail(const struct new_file *file, const char *what, cop_error *error)
{
    return cop_fail(error, COP_STATUS_IO, "%s: %s: %s", file->path, what, strerror(errno));
}

cop_status cop_new_file_begin(struct new_file *file, const char *path, cop_error *error)
{
    static _Atomic unsigned counter; /* tells concurrent writers of this process apart */
    struct text beside = {0};
    cop_text_add(&beside, "%s.%ld-%u.tmp", path, (long)getpid(), atomic_fetch_add(&counter, 1));
    *file = (struct new_file){.path = path, .beside = cop_text_take(&beside), .fd = -1};
    if (file->beside == NULL)
        return cop_fail_memory(error, path, strlen(path));
    do
        file->fd = open(file->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    while (file->fd < 0 && errno == EINTR);
    if (file->fd >= 0)
        return COP_STATUS_OK;
    const cop_status status = fail(file, "creating the file", error);
    cop_free(file->beside);
    return status;
}

cop_status cop_new_file_write(struct new_file *file, const void *bytes, size_t size,
                              cop_error *error)
{
    const unsigned char *next = bytes;
    while (size > 0) {
        const ssize_t count = write(file->fd, next, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail(file, "writing", error);
        next += count;
        size -= (size_t)count;
    }
    return COP_STATUS_OK;
}

/* So that a crash after the rename cannot show an empty file. EINVAL: nothing there to sync. */
static cop_status sync_file(const struct new_file *file, cop_error *error)
{
    int result;
    do
        result = fsync(file->fd);
    while (result != 0 && errno == EINTR);
    return result == 0 || errno == EINVAL ? COP_STATUS_OK : fail(file, "writing", error);
}

static cop_status rename_file(const struct new_file *file, cop_error *error)
{
    int result;
    do
        result = rename(file->beside, file->path);
    while (result != 0 && errno == EINTR);
    return result == 0 ? COP_STATUS_OK : fail(file, "replacing the file", error);
}

cop_status cop_new_file_end(struct new_file *file, cop_status status, cop_error *error)
{
    if (status == COP_STATUS_OK)
        status = sync_file(file, error);
    /* Linux closes in any case: an interrupted close must not be repeated. */
    if (close(file->fd) != 0 && errno != EINTR && status == COP_STATUS_OK)
        status = fail(file, "closing", error);
    if (status == COP_STATUS_OK)
        status = rename_file(file, error);
    if (status != COP_STATUS_OK)
        unlink(file->beside);
    cop_free(file->beside);
    return status;
}
