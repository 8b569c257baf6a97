// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "backends/module.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/log.h"

static void log_message(cop_log_level level, const char *message)
{
    cop_log(level, "%s", message);
}

static uint32_t fork_epoch(void)
{
    return cop_fork_epoch();
}

static const struct module_host host = {
    .struct_size = sizeof host,
    .alloc = cop_alloc,
    .realloc = cop_realloc,
    .alloc_aligned = cop_alloc_aligned,
    .free = cop_free,
    .log_is_on = cop_log_is_on,
    .log = log_message,
    .fork_epoch = fork_epoch,
};

/* Never closed again: threads of the libraries below may run in it, and devices stay open. */
cop_status cop_module_open(const char *path, const struct backend **backend, cop_error *error)
{
    *backend = NULL;
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "module: %s", dlerror());
    cop_module_entry *entry;
    void *symbol = dlsym(object, COP_MODULE_ENTRY_NAME);
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast between the two */
    if (symbol == NULL) {
        dlclose(object);
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "module %s: it is no backend module", path);
    }
    *backend = entry(COP_MODULE_ABI, &host);
    if (*backend == NULL)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "module %s: it was built for another version of the library", path);
    return COP_STATUS_OK;
}

cop_status cop_module_beside(const char *file, char *path, size_t capacity, cop_error *error)
{
    Dl_info found;
    const void *here = &host;
    if (dladdr(here, &found) == 0 || found.dli_fname == NULL)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "the library's own file is not known");
    const char *slash = strrchr(found.dli_fname, '/');
    const int folder = slash == NULL ? 0 : (int)(slash - found.dli_fname);
    /* A name without a folder would be looked for in the system's: this one is only here. */
    const int length = slash == NULL
                           ? snprintf(path, capacity, "./%s", file)
                           : snprintf(path, capacity, "%.*s/%s", folder, found.dli_fname, file);
    return length >= 0 && (size_t)length < capacity
               ? COP_STATUS_OK
               : cop_fail(error, COP_STATUS_NOT_FOUND, "the library's path is too long");
}
