// SPDX-License-Identifier: Apache-2.0
/* Segments of a plan that a context has recorded on its stream. */
#ifndef RUNTIME_RECORDING_H
#define RUNTIME_RECORDING_H

#include "runtime/contexts/context.h"

/* Records a segment that has run step by step before. By the thread that has the context. */
cop_status cop_record_segment(struct context *context, int segment, struct recording **recording,
                              cop_error *error);

#endif
