// SPDX-License-Identifier: Apache-2.0
/* The arrays of a .params file, where they lie: no element is copied. */
#ifndef MODEL_MXNET_PARAMS_H
#define MODEL_MXNET_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared.h"
#include "base/source.h"
#include "ir/shape.h"

/* What a file may hold; more is MALFORMED_MODEL. */
#define COP_PARAMS_MAX_ARRAYS     (1000 * 1000)
#define COP_PARAMS_MAX_NAME_BYTES ((size_t)1 << 20)

/* How a name was marked: `arg:x`, `aux:x`, or just `x`. */
enum params_kind { PARAMS_PLAIN, PARAMS_ARGUMENT, PARAMS_AUXILIARY };

/* One array. Kept small: a file of twelve bytes an array is a valid one. */
struct mxnet_array {
    size_t name_offset; /* in the source, behind the mark */
    size_t data_offset;
    uint32_t name_bytes;
    uint32_t dims_before_data; /* the dimensions begin this many bytes before the elements */
    uint8_t kind;              /* enum params_kind */
    uint8_t dtype;             /* cop_dtype */
    uint8_t rank;
    bool has_narrow_dims; /* of 32 bits rather than 64 */
    bool is_none;         /* a record without elements */
    bool is_sparse;
};

/* Zero-initialise, parse, release. Immutable once parsed. */
struct mxnet_params {
    struct source *source; /* borrowed */
    struct mxnet_array *arrays;
    uint32_t *by_name; /* indices of the named arrays, sorted by name and mark */
    size_t count;
    size_t named_count; /* all or none */
};

/*
 * Reads the list of arrays; every range lies inside the source afterwards.
 * @return OK; MALFORMED_MODEL with the byte; UNSUPPORTED for sparse arrays, with their names, and
 * for ranks above COP_MAX_RANK; OUT_OF_MEMORY. `params` is to be released in any case
 */
COP_SHARED cop_status cop_params_parse(struct source *source, struct mxnet_params *params,
                                       cop_error *error);

/*
 * The same for whoever takes all arrays in their order: names may stand there twice, and none is
 * found by cop_params_find.
 */
COP_SHARED cop_status cop_params_parse_list(struct source *source, struct mxnet_params *params,
                                            cop_error *error);

/* One array without a list around it, as it stands in one; what follows it is not looked at. */
COP_SHARED cop_status cop_params_parse_record(struct source *source, struct mxnet_params *params,
                                              cop_error *error);

/*
 * The array of a variable; NULL: there is none. A name that stands there under both marks is
 * decided by `is_auxiliary`.
 */
COP_SHARED const struct mxnet_array *cop_params_find(const struct mxnet_params *params,
                                                     const char *name, bool is_auxiliary);

/* The shape of an array that has elements. */
COP_SHARED struct shape cop_params_shape(const struct mxnet_params *params,
                                         const struct mxnet_array *array);

/* The element type of MXNet's number for one; COP_DTYPE_UNKNOWN: it has none such. */
COP_SHARED cop_dtype cop_mxnet_dtype(int64_t number);

COP_SHARED void cop_params_release(struct mxnet_params *params);

#endif
