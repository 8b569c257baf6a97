// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "backends/cuda/shared_library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* What dlerror says afterwards is about this thread's last call. */
static void *open_at(struct shared_library *library, const char *path)
{
    library->opened = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library->opened != NULL)
        snprintf(library->path, sizeof library->path, "%s", path);
    return library->opened;
}

static cop_status open_in_folder(struct shared_library *library, const char *folder,
                                 const char *refusal, cop_error *error)
{
    char path[sizeof library->path];
    const int length = snprintf(path, sizeof path, "%s/%s", folder, library->file);
    if (folder[0] != '/' || length >= (int)sizeof path)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "%s: %s; %s is '%.256s', which is %s",
                        library->title, refusal, library->folder, folder,
                        folder[0] != '/' ? "no absolute path" : "too long");
    if (open_at(library, path) != NULL)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_NOT_FOUND, "%s: %s; %s", library->title, refusal, dlerror());
}

cop_status cop_shared_library_open(struct shared_library *library, cop_error *error)
{
    char refusal[512];
    if (open_at(library, library->file) != NULL)
        return COP_STATUS_OK;
    snprintf(refusal, sizeof refusal, "%s", dlerror());
    const char *folder = library->folder != NULL ? secure_getenv(library->folder) : NULL;
    if (folder != NULL && folder[0] != '\0')
        return open_in_folder(library, folder, refusal, error);
    return cop_fail(error, COP_STATUS_NOT_FOUND, "%s: %s", library->title, refusal);
}

cop_status cop_shared_library_find(const struct shared_library *library, const char *name,
                                   void *function, cop_error *error)
{
    void *found = dlsym(library->opened, name);
    memcpy(function, &found, sizeof found);
    if (found != NULL)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_UNSUPPORTED, "%s: %s has no function %s", library->title,
                    library->path, name);
}
