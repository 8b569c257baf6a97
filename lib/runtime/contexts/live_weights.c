// SPDX-License-Identifier: Apache-2.0
#include "runtime/contexts/live_weights.h"

#include <stdatomic.h>

#include "base/alloc.h"
#include "base/error.h"
#include "runtime/cached_op.h"

static void destroy_attachment(struct model_attachment *base)
{
    struct live_weights *live = (struct live_weights *)base;
    cop_overlay_release(&live->overlay);
    cop_weight_store_release(&live->store);
    cop_lock_destroy(&live->generation.lock);
    cop_lock_destroy(&live->updates);
    cop_free(live);
}

static cop_status create(struct live_weights **live, cop_error *error)
{
    struct live_weights *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "weights of a model", sizeof *made);
    made->base.destroy = destroy_attachment;
    const cop_status status = cop_weight_store_create(&made->store, error);
    if (status != COP_STATUS_OK) {
        cop_free(made);
        return status;
    }
    cop_lock_init(&made->updates, LOCK_UPDATES);
    cop_lock_init(&made->generation.lock, LOCK_GENERATION);
    *live = made;
    return COP_STATUS_OK;
}

cop_status cop_live_weights_find(struct cop_model *model, struct live_weights **live,
                                 cop_error *error)
{
    struct model_attachment *found = atomic_load_explicit(&model->attachment, memory_order_acquire);
    if (found == NULL) {
        struct live_weights *made = NULL;
        const cop_status status = create(&made, error);
        if (status != COP_STATUS_OK)
            return status;
        if (atomic_compare_exchange_strong_explicit(&model->attachment, &found, &made->base,
                                                    memory_order_acq_rel, memory_order_acquire))
            found = &made->base;
        else
            destroy_attachment(&made->base);
    }
    *live = (struct live_weights *)found;
    return COP_STATUS_OK;
}

struct overlay *cop_live_weights_take(struct live_weights *live, uint64_t *generation)
{
    cop_lock_acquire(&live->generation.lock);
    struct overlay *overlay = cop_overlay_retain(live->overlay);
    *generation = atomic_load_explicit(&live->generation.number, memory_order_relaxed);
    cop_lock_release(&live->generation.lock);
    return overlay;
}

void cop_live_weights_join_locked(struct live_weights *live, struct cop_cached_op *op)
{
    cop_lock_acquire(&live->generation.lock);
    op->is_live = true;
    op->next = live->operators;
    if (op->next != NULL)
        op->next->previous = op;
    live->operators = op;
    cop_lock_release(&live->generation.lock);
}

void cop_live_weights_leave(struct cop_cached_op *op)
{
    struct live_weights *live = op->live;
    cop_lock_acquire(&live->generation.lock);
    if (op->previous != NULL)
        op->previous->next = op->next;
    else
        live->operators = op->next;
    if (op->next != NULL)
        op->next->previous = op->previous;
    cop_lock_release(&live->generation.lock);
}

cop_status cop_fail_read_parameter(const struct cop_model *model, int parameter, const char *when,
                                   cop_error *error)
{
    return cop_fail(error, COP_STATUS_UNSUPPORTED,
                    "parameter '%s' cannot be updated: its elements decided shapes or attributes "
                    "when the model was %s",
                    model->graph->values[parameter].name, when);
}

/* The operators an update is for, and the weights that await each. */
struct update {
    struct cop_cached_op **ops;  /* one reference each */
    struct weight_set **weights; /* new ones before, old ones after they were published */
    int count;
};

/* Operators that are being destroyed are left out. None can join before the update ends. */
static cop_status find_operators(struct update *update, struct live_weights *live, cop_error *error)
    COP_REQUIRES(live->updates)
{
    size_t most = 0;
    cop_lock_acquire(&live->generation.lock);
    for (const struct cop_cached_op *op = live->operators; op != NULL; op = op->next)
        most++;
    cop_lock_release(&live->generation.lock);
    update->ops = cop_alloc(most, sizeof(struct cop_cached_op *));
    update->weights = cop_alloc(most, sizeof(struct weight_set *));
    if (update->ops == NULL || update->weights == NULL)
        return cop_fail_memory(error, "weight update", most * sizeof(void *));
    cop_lock_acquire(&live->generation.lock);
    for (struct cop_cached_op *op = live->operators; op != NULL; op = op->next)
        if (cop_refcount_try_retain(&op->refs))
            update->ops[update->count++] = op;
    cop_lock_release(&live->generation.lock);
    return COP_STATUS_OK;
}

static cop_status check_unread(const struct update *update, const struct cop_model *model,
                               const struct overlay_entry *entries, int count, cop_error *error)
{
    for (int i = 0; i < update->count; i++)
        for (int k = 0; k < count; k++)
            if (cop_plan_has_read(update->ops[i]->plan, entries[k].parameter))
                return cop_fail_read_parameter(model, entries[k].parameter, "compiled", error);
    return COP_STATUS_OK;
}

static cop_status pack(struct update *update, struct live_weights *live,
                       const struct cop_model *model, const struct overlay *overlay,
                       cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < update->count && status == COP_STATUS_OK; i++)
        status = cop_plan_remake_weights(update->ops[i]->plan, model->graph, overlay, live->store,
                                         &update->weights[i], error);
    return status;
}

/* Exchanges everything for what was before. */
static void publish(struct update *update, struct live_weights *live, struct overlay **overlay)
{
    struct overlay *new_overlay = *overlay;
    cop_lock_acquire(&live->generation.lock);
    for (int i = 0; i < update->count; i++) {
        struct weight_set *old = update->ops[i]->weights.set;
        update->ops[i]->weights.set = update->weights[i];
        update->weights[i] = old;
    }
    *overlay = live->overlay;
    live->overlay = new_overlay;
    atomic_fetch_add(&live->generation.number, 1); /* see cop_context_pool_put */
    cop_lock_release(&live->generation.lock);
}

static cop_status update_locked(struct update *update, struct live_weights *live,
                                const struct cop_model *model, struct overlay_entry *entries,
                                int count, struct overlay **overlay, cop_error *error)
    COP_REQUIRES(live->updates)
{
    /* A number that is never used again, so that contents which were given up leave no name. */
    const uint64_t version = ++live->version;
    for (int i = 0; i < count; i++)
        entries[i].identity =
            cop_overlay_identity(model->graph->values[entries[i].parameter].constant, version);
    uint64_t generation;
    struct overlay *old = cop_live_weights_take(live, &generation);
    cop_status status = cop_overlay_create(old, entries, count, overlay, error);
    cop_overlay_release(&old);
    if (status == COP_STATUS_OK)
        status = find_operators(update, live, error);
    if (status == COP_STATUS_OK)
        status = check_unread(update, model, entries, count, error);
    if (status == COP_STATUS_OK)
        status = pack(update, live, model, *overlay, error);
    if (status == COP_STATUS_OK)
        publish(update, live, overlay);
    return status;
}

cop_status cop_live_weights_update(struct live_weights *live, const struct cop_model *model,
                                   struct overlay_entry *entries, int count, cop_error *error)
{
    struct update update = {0};
    struct overlay *overlay = NULL;
    cop_lock_acquire(&live->updates);
    const cop_status status = update_locked(&update, live, model, entries, count, &overlay, error);
    cop_lock_release(&live->updates);
    for (int i = 0; i < update.count; i++) {
        if (status == COP_STATUS_OK)
            cop_context_pool_rebind_idle(update.ops[i]->contexts, &update.ops[i]->weights);
        cop_weight_set_release(&update.weights[i]);
        cop_cached_op_release(&update.ops[i]);
    }
    cop_overlay_release(&overlay);
    cop_free(update.weights);
    cop_free(update.ops);
    return status;
}
