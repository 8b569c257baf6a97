// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cudnn/cudnn_library.h"

#include <pthread.h>

#include "backends/cuda/cudnn/cudnn_calls.h"
#include "backends/cuda/shared_library.h"
#include "base/error.h"

/* Written once, by whoever opens the library (pthread_once); read by all who called it after that.
 */
static struct shared_library file = {
    .title = "cuDNN", .file = "libcudnn.so.9", .folder = "CACHEDOP_CUDNN_DIR"};
static struct cudnn_calls functions;
static int version; /* 0: there is none, for the reason in `failure` */
static cop_error failure;
static pthread_once_t is_opened = PTHREAD_ONCE_INIT;

static cop_status open_library(struct cudnn_calls *calls)
{
    COP_TRY(cop_shared_library_open(&file, &failure));
#define FIND(name) COP_TRY(cop_shared_library_find(&file, "cudnn" #name, &calls->name, &failure));
    COP_CUDNN_FUNCTIONS(FIND)
#undef FIND
    return COP_STATUS_OK;
}

static void open_once(void)
{
    struct cudnn_calls calls;
    if (open_library(&calls) != COP_STATUS_OK)
        return;
    const int found = (int)calls.GetVersion();
    if (found / 10000 != 9) {
        cop_fail(&failure, COP_STATUS_UNSUPPORTED,
                 "cuDNN: %s is version %d.%d.%d, and this library needs 9", file.path,
                 found / 10000, found / 100 % 100, found % 100);
        return;
    }
    functions = calls;
    version = found;
}

cop_status cop_cudnn_calls(const struct cudnn_calls **calls, cop_error *error)
{
    pthread_once(&is_opened, open_once);
    *calls = version > 0 ? &functions : NULL;
    return version > 0 ? COP_STATUS_OK : cop_fail(error, failure.status, "%s", failure.message);
}

cop_status cop_cudnn_open(cop_error *error)
{
    const struct cudnn_calls *calls = NULL;
    return cop_cudnn_calls(&calls, error);
}

int cop_cudnn_version(void)
{
    return cop_cudnn_open(NULL) == COP_STATUS_OK ? version : 0;
}

const char *cop_cudnn_path(void)
{
    return cop_cudnn_open(NULL) == COP_STATUS_OK ? file.path : "";
}
