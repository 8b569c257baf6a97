// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cublaslt/cublaslt_library.h"

#include <pthread.h>

#include "backends/cuda/cublaslt/cublaslt_calls.h"
#include "backends/cuda/shared_library.h"
#include "base/error.h"

/* Written once, by whoever opens the library (pthread_once); read by all who called it after that.
 */
static struct shared_library file = {
    .title = "cuBLASLt", .file = "libcublasLt.so.13", .folder = "CACHEDOP_CUBLASLT_DIR"};
static struct cublaslt_calls functions;
static size_t version; /* 0: there is none, for the reason in `failure` */
static cop_error failure;
static pthread_once_t is_opened = PTHREAD_ONCE_INIT;

static cop_status open_library(struct cublaslt_calls *calls)
{
    COP_TRY(cop_shared_library_open(&file, &failure));
#define FIND(name)                                                                                 \
    COP_TRY(cop_shared_library_find(&file, "cublasLt" #name, &calls->name, &failure));
    COP_CUBLASLT_FUNCTIONS(FIND)
#undef FIND
    return COP_STATUS_OK;
}

static void open_once(void)
{
    struct cublaslt_calls calls;
    if (open_library(&calls) != COP_STATUS_OK)
        return;
    const size_t found = calls.GetVersion();
    if (found / 10000 != 13) {
        cop_fail(&failure, COP_STATUS_UNSUPPORTED,
                 "cuBLASLt: %s is version %zu.%zu.%zu, and this library needs 13", file.path,
                 found / 10000, found / 100 % 100, found % 100);
        return;
    }
    functions = calls;
    version = found;
}

cop_status cop_cublaslt_calls(const struct cublaslt_calls **calls, cop_error *error)
{
    pthread_once(&is_opened, open_once);
    *calls = version > 0 ? &functions : NULL;
    return version > 0 ? COP_STATUS_OK : cop_fail(error, failure.status, "%s", failure.message);
}

cop_status cop_cublaslt_open(cop_error *error)
{
    const struct cublaslt_calls *calls = NULL;
    return cop_cublaslt_calls(&calls, error);
}

size_t cop_cublaslt_version(void)
{
    return cop_cublaslt_open(NULL) == COP_STATUS_OK ? version : 0;
}

const char *cop_cublaslt_path(void)
{
    return cop_cublaslt_open(NULL) == COP_STATUS_OK ? file.path : "";
}
