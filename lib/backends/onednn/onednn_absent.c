// SPDX-License-Identifier: Apache-2.0
/* A build without oneDNN. */
#include "backends/backend.h"

const struct backend *const cop_onednn_backend = NULL;
