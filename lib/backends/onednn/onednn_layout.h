// SPDX-License-Identifier: Apache-2.0
/* Memory formats of oneDNN as layouts. */
#ifndef BACKENDS_ONEDNN_ONEDNN_LAYOUT_H
#define BACKENDS_ONEDNN_ONEDNN_LAYOUT_H

#include "backends/backend.h"
#include "backends/onednn/onednn_compat.h"

/* Thread-safety: immutable, reference-counted. */
struct onednn_layout {
    struct layout base;
    struct tensor_desc desc;
    char name[64];
};

/* Whether memory in this format is just the plain row-major tensor, whatever the format is called.
 */
bool cop_onednn_desc_is_plain(const struct tensor_desc *desc);

/* The format of a layout of this backend. */
const struct tensor_desc *cop_onednn_layout_desc(const struct layout *layout);

/*
 * The same order of dimensions and blocks as `pattern`, which is blocked and of the same rank, for
 * other sizes.
 */
dnnl_status_t cop_onednn_desc_like(struct tensor_desc *desc, const struct tensor_desc *pattern,
                                   const int64_t *dims);

/*
 * One reference to a layout of this format; NULL in `*layout` for a plain one. Dimensions are named
 * as a weight's or an activation's.
 * @return OK or OUT_OF_MEMORY
 */
cop_status cop_onednn_layout_create(const struct tensor_desc *desc, bool is_weight,
                                    const struct layout **layout, cop_error *error);

bool cop_onednn_layout_equal(const struct layout *a, const struct layout *b);
void cop_onednn_layout_destroy(struct layout *layout);

#endif
