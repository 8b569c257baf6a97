// SPDX-License-Identifier: Apache-2.0
/*
 * The weights of a model while its operators live: what is packed, what updates have changed, and
 * which operators are to hear of the next one. Kept with the model, so that all its operators share
 * it.
 *
 * Thread-safety: synchronized.
 */
#ifndef RUNTIME_LIVE_WEIGHTS_H
#define RUNTIME_LIVE_WEIGHTS_H

#include "graph/overlay.h"
#include "model/model.h"
#include "plan/weight_store.h"
#include "runtime/contexts/weight_binding.h"

struct cop_cached_op;

struct live_weights {
    struct model_attachment base;
    struct weight_store *store;
    /* Held by an update from its first look at the operators to the last of its changes, and by an
     * operator while it joins them: none is missed. */
    struct lock updates;
    uint64_t version COP_GUARDED_BY(updates); /* of the contents that were tried so far */
    struct weight_generation generation;
    struct overlay *overlay COP_GUARDED_BY(generation.lock);         /* NULL: no update yet */
    struct cop_cached_op *operators COP_GUARDED_BY(generation.lock); /* linked, in no order */
};

/* Those of the model, made when there are none yet. */
cop_status cop_live_weights_find(struct cop_model *model, struct live_weights **live,
                                 cop_error *error);

/* What has changed so far, with a reference, and the number of this state. */
struct overlay *cop_live_weights_take(struct live_weights *live, uint64_t *generation);

/* From here on updates reach the operator, which runs on the weights of the present generation. */
void cop_live_weights_join_locked(struct live_weights *live, struct cop_cached_op *op)
    COP_REQUIRES(live->updates);
/* By whoever destroys the operator. */
void cop_live_weights_leave(struct cop_cached_op *op);

/*
 * Gives constants of the model other elements and every live operator weights made of them, in one
 * step; on failure nothing has changed. The entries ascend by parameter; their identities are
 * filled in. UNSUPPORTED: a live operator was compiled after looking at old elements.
 */
cop_status cop_live_weights_update(struct live_weights *live, const struct cop_model *model,
                                   struct overlay_entry *entries, int count, cop_error *error);

/* Names a parameter whose elements decided something. */
cop_status cop_fail_read_parameter(const struct cop_model *model, int parameter, const char *when,
                                   cop_error *error);

#endif
