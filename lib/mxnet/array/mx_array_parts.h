// SPDX-License-Identifier: Apache-2.0
/* What the files of this folder share and nobody else needs. */
#ifndef MXNET_ARRAY_MX_ARRAY_PARTS_H
#define MXNET_ARRAY_MX_ARRAY_PARTS_H

#include "mxnet/array/mx_array.h"

/* Memory that is made when it is needed; NULL: out of memory (error is set). */
struct mx_chunk *cop_mx_chunk_create(size_t bytes, struct mx_context context, cop_error *error);

/* Makes the memory. The array is borrowed from the chunk. */
cop_status cop_mx_chunk_open(struct mx_chunk *chunk, cop_ndarray **storage, cop_error *error);

/* Puts `made` where nothing was put yet, and returns what is there. */
cop_ndarray *cop_mx_publish(_Atomic(cop_ndarray *) *place, cop_ndarray *made);

#endif
