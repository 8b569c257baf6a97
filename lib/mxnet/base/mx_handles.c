// SPDX-License-Identifier: Apache-2.0
#include "mxnet/base/mx_handles.h"

#include "mxnet/base/mx_error.h"

static const char *kind_name(enum mx_kind kind)
{
    switch (kind) {
    case MX_KIND_FREED:
        return "a freed handle";
    case MX_KIND_ARRAY:
        return "an NDArray";
    case MX_KIND_SYMBOL:
        return "a Symbol";
    case MX_KIND_CACHED_OP:
        return "a CachedOp";
    case MX_KIND_EXECUTOR:
        return "an Executor";
    case MX_KIND_PREDICTOR:
        return "a Predictor";
    case MX_KIND_ARRAY_LIST:
        return "an NDList";
    }
    return "no handle of this library";
}

cop_status cop_mx_check_handle(const void *handle, enum mx_kind kind, const char *what,
                               cop_error *error)
{
    if (handle == NULL)
        return cop_mx_fail_null(what, error);
    const enum mx_kind found = ((const struct mx_object *)handle)->kind;
    if (found == kind)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Check failed: %s is %s, expected %s", what,
                    kind_name(found), kind_name(kind));
}
