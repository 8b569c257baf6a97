// SPDX-License-Identifier: Apache-2.0
/*
 * Arrays in files (model/mxnet/params.h describes the format): reading is declared in mx_array.h.
 * Arrays that are read lie on the CPU, wherever they were saved.
 */
#ifndef MXNET_ARRAY_MX_ARRAY_FILE_H
#define MXNET_ARRAY_MX_ARRAY_FILE_H

#include "mxnet/array/mx_array.h"

/* Bytes of a record before its elements, at most. */
#define COP_MX_RECORD_HEAD_BYTES (3 * 4 + COP_MAX_RANK * 8 + 3 * 4)

/*
 * What stands in a record before the elements; returns its size. Version 2 of the format, and 3
 * where shapes are numpy's and for scalars, which version 2 cannot tell from none arrays.
 */
size_t cop_mx_record_head(const struct mx_array *array,
                          unsigned char head[COP_MX_RECORD_HEAD_BYTES]);

/* Bytes of the elements that follow; 0 for a none array. */
size_t cop_mx_record_element_bytes(const struct mx_array *array);

/* One record without a list around it; what follows it is not looked at. */
cop_status cop_mx_array_record_read(const void *bytes, size_t size, struct mx_array **array,
                                    cop_error *error);

/*
 * Writes a list; what was there is replaced as a whole, or stays after a failure. `names`: one for
 * each array, or NULL. Waits for the arrays. INVALID_ARGUMENT: a name that is NULL or too long to
 * be read again; IO, OUT_OF_MEMORY; the error that an array holds.
 */
cop_status cop_mx_array_list_save(const char *path, size_t count, struct mx_array *const *arrays,
                                  const char *const *names, cop_error *error);

#endif
