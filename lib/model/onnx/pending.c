// SPDX-License-Identifier: Apache-2.0
/* Stands in until the ONNX importer is complete. */
#include "base/error.h"
#include "model/model.h"

cop_status cop_onnx_import(struct source *model, int directory_fd, cop_file_access access,
                           struct graph **graph, cop_error *error)
{
    (void)directory_fd, (void)access;
    *graph = NULL;
    return cop_fail(error, COP_STATUS_UNSUPPORTED, "%s: ONNX is not built in yet",
                    cop_source_name(model));
}
