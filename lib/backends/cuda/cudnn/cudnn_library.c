// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cudnn/cudnn_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/cudnn/cudnn_calls.h"
#include "base/error.h"

#define FILE_NAME   "libcudnn.so.9"
#define FOLDER_NAME "CACHEDOP_CUDNN_DIR"

/* Written once, by whoever opens the library (pthread_once); read by all who called it after that.
 */
static struct {
    struct cudnn_calls calls;
    int version;
    char path[512];
    cop_error failure; /* its status is OK where there is none */
} library;
static pthread_once_t is_opened = PTHREAD_ONCE_INIT;

/* What dlerror says is about this thread's last call. */
static void *open_at(const char *path)
{
    void *opened = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (opened != NULL)
        snprintf(library.path, sizeof library.path, "%s", path);
    return opened;
}

static void *open_in_folder(const char *folder, const char *refusal)
{
    char path[sizeof library.path];
    if (folder == NULL || folder[0] == '\0') {
        cop_fail(&library.failure, COP_STATUS_NOT_FOUND, "cuDNN: %s", refusal);
        return NULL;
    }
    if (folder[0] != '/' ||
        snprintf(path, sizeof path, "%s/" FILE_NAME, folder) >= (int)sizeof path) {
        cop_fail(&library.failure, COP_STATUS_NOT_FOUND,
                 "cuDNN: %s; " FOLDER_NAME " is '%s', which is no absolute path of a folder or too "
                 "long",
                 refusal, folder);
        return NULL;
    }
    void *opened = open_at(path);
    if (opened == NULL)
        cop_fail(&library.failure, COP_STATUS_NOT_FOUND, "cuDNN: %s; %s", refusal, dlerror());
    return opened;
}

static void *open_library(void)
{
    char refusal[512];
    void *opened = open_at(FILE_NAME);
    if (opened != NULL)
        return opened;
    snprintf(refusal, sizeof refusal, "%s", dlerror());
    return open_in_folder(secure_getenv(FOLDER_NAME), refusal);
}

static bool find_functions(void *opened, struct cudnn_calls *calls)
{
#define FIND(name)                                                                                 \
    *(void **)&calls->name = dlsym(opened, "cudnn" #name);                                         \
    if (calls->name == NULL) {                                                                     \
        cop_fail(&library.failure, COP_STATUS_UNSUPPORTED,                                         \
                 "cuDNN: %s has no function cudnn" #name, library.path);                           \
        return false;                                                                              \
    }
    COP_CUDNN_FUNCTIONS(FIND)
#undef FIND
    return true;
}

static void open_once(void)
{
    struct cudnn_calls calls;
    void *opened = open_library();
    if (opened == NULL || !find_functions(opened, &calls))
        return;
    const int version = (int)calls.GetVersion();
    if (version / 10000 != 9) {
        cop_fail(&library.failure, COP_STATUS_UNSUPPORTED,
                 "cuDNN: %s is version %d.%d.%d, and this library needs 9", library.path,
                 version / 10000, version / 100 % 100, version % 100);
        return;
    }
    library.version = version;
    library.calls = calls;
}

cop_status cop_cudnn_calls(const struct cudnn_calls **calls, cop_error *error)
{
    pthread_once(&is_opened, open_once);
    *calls = library.version > 0 ? &library.calls : NULL;
    if (library.version > 0)
        return COP_STATUS_OK;
    return cop_fail(error, library.failure.status, "%s", library.failure.message);
}

cop_status cop_cudnn_open(cop_error *error)
{
    const struct cudnn_calls *calls = NULL;
    return cop_cudnn_calls(&calls, error);
}

/* Both read after pthread_once only, which orders them after open_once. */
int cop_cudnn_version(void)
{
    return cop_cudnn_open(NULL) == COP_STATUS_OK ? library.version : 0;
}

const char *cop_cudnn_path(void)
{
    return cop_cudnn_open(NULL) == COP_STATUS_OK ? library.path : "";
}
