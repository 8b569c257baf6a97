// SPDX-License-Identifier: Apache-2.0
/*
 * The choices of this process: what was chosen once is the same for every later kernel, so that
 * their results are too. A table of fixed size; where it is full, the choice that was asked for
 * longest ago makes room.
 *
 * The lock is held for looking only, never while cuDNN is called, and is the innermost of all. It
 * is a plain mutex: a child of fork has no use of a device, and so none of this.
 */
#include <pthread.h>
#include <string.h>

#include "backends/cuda/cudnn/cudnn_planning.h"
#include "base/error.h"
#include "base/hash.h"

#define MOST_CHOICES 1024

struct entry {
    struct hash key;
    const struct cudnn_choice *choice; /* NULL: being made, by the thread that put the entry here */
    uint64_t last_use;
    bool is_used;
};

/* All guarded by the mutex; `is_made` is signalled whenever an entry is complete or taken away. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t is_made;
    struct entry entries[MOST_CHOICES];
    int count; /* entries from here on were never used */
    uint64_t clock;
} store = {.mutex = PTHREAD_MUTEX_INITIALIZER, .is_made = PTHREAD_COND_INITIALIZER};

static struct hash add_float(struct hash hash, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return cop_hash_u64(hash, bits);
}

/* Member by member: what lies between them is not ours. */
static struct hash add_convolution(struct hash hash, const struct cudnn_convolution *conv)
{
    const uint64_t flags = (conv->allows_tf32 ? 1U : 0U) | (conv->src_is_nhwc ? 2U : 0U) |
                           (conv->dst_is_nhwc ? 4U : 0U) | (conv->has_bias ? 8U : 0U) |
                           (conv->has_residual ? 16U : 0U);
    const int64_t *const arrays[] = {conv->src,       conv->kernel,     conv->strides,
                                     conv->dilations, conv->pads_begin, conv->pads_end};
    const int64_t numbers[] = {(int64_t)conv->type,
                               (int64_t)flags,
                               (int64_t)conv->activation,
                               conv->spatial_rank,
                               conv->n,
                               conv->ic,
                               conv->oc,
                               conv->groups};
    hash = cop_hash_bytes(hash, numbers, sizeof numbers);
    hash = add_float(add_float(hash, conv->alpha), conv->beta);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        hash = cop_hash_bytes(hash, arrays[i], (size_t)conv->spatial_rank * sizeof *arrays[i]);
    return hash;
}

static struct hash key_of(const struct cudnn_session *session, const struct cudnn_convolution *conv,
                          const struct cudnn_limits *limits, bool is_measured)
{
    struct hash hash = cop_hash_begin();
    hash = cop_hash_u64(hash, (uint64_t)cop_cudnn_version());
    hash = cop_hash_bytes(hash, session->device_name, strlen(session->device_name));
    hash = cop_hash_u64(hash, session->handle != NULL ? 1 : 0); /* what is imagined stays apart */
    hash = cop_hash_u64(hash, is_measured ? 1 : 0);
    hash = cop_hash_u64(hash, limits->workspace_bytes);
    hash = cop_hash_u64(hash, limits->most_workspace_bytes);
    hash = cop_hash_u64(hash, limits->allows_compilation ? 1 : 0);
    return add_convolution(hash, conv);
}

static struct entry *find_locked(const struct hash *key)
{
    for (int i = 0; i < store.count; i++)
        if (store.entries[i].is_used && cop_hash_equal(store.entries[i].key, *key))
            return &store.entries[i];
    return NULL;
}

static void remove_locked(struct entry *entry)
{
    cop_cudnn_choice_release(&entry->choice);
    entry->is_used = false;
}

/* NULL: every place is held by a choice in the making. */
static struct entry *find_place_locked(void)
{
    struct entry *oldest = NULL;
    for (int i = 0; i < store.count; i++) {
        struct entry *entry = &store.entries[i];
        if (!entry->is_used)
            return entry;
        if (entry->choice != NULL && (oldest == NULL || entry->last_use < oldest->last_use))
            oldest = entry;
    }
    if (store.count < MOST_CHOICES)
        return &store.entries[store.count++];
    if (oldest != NULL)
        remove_locked(oldest);
    return oldest;
}

/* The choice that is there, or NULL after putting an entry for it; waits for one in the making. */
static const struct cudnn_choice *find_or_announce(const struct hash *key)
{
    const struct cudnn_choice *found = NULL;
    struct entry *entry;
    pthread_mutex_lock(&store.mutex);
    while ((entry = find_locked(key)) != NULL && entry->choice == NULL)
        pthread_cond_wait(&store.is_made, &store.mutex);
    if (entry != NULL) {
        entry->last_use = ++store.clock;
        found = cop_cudnn_choice_retain(entry->choice);
    } else if ((entry = find_place_locked()) != NULL) {
        *entry = (struct entry){.key = *key, .last_use = ++store.clock, .is_used = true};
    }
    pthread_mutex_unlock(&store.mutex);
    return found;
}

/* Completes the announced entry, or takes it away where `made` is NULL. */
static void publish(const struct hash *key, const struct cudnn_choice *made)
{
    pthread_mutex_lock(&store.mutex);
    struct entry *entry = find_locked(key);
    if (entry != NULL && made == NULL)
        remove_locked(entry);
    else if (entry != NULL && entry->choice == NULL)
        entry->choice = cop_cudnn_choice_retain(made);
    pthread_cond_broadcast(&store.is_made);
    pthread_mutex_unlock(&store.mutex);
}

void cop_cudnn_store_clear(void)
{
    pthread_mutex_lock(&store.mutex);
    for (int i = 0; i < store.count; i++)
        if (store.entries[i].choice != NULL)
            remove_locked(&store.entries[i]);
    pthread_mutex_unlock(&store.mutex);
}

static struct cudnn_limits fill_in(const struct cudnn_limits *limits)
{
    struct cudnn_limits filled = *limits;
    if (filled.workspace_bytes == 0)
        filled.workspace_bytes = COP_CUDNN_WORKSPACE_BYTES;
    if (filled.most_workspace_bytes == 0)
        filled.most_workspace_bytes = COP_CUDNN_MOST_WORKSPACE_BYTES;
    if (filled.most_workspace_bytes < filled.workspace_bytes)
        filled.most_workspace_bytes = filled.workspace_bytes;
    return filled;
}

cop_status cop_cudnn_choose(struct cudnn_session *session,
                            const struct cudnn_convolution *convolution,
                            const struct cudnn_limits *limits, const struct cudnn_trial *trial,
                            const struct cudnn_choice **choice, cop_error *error)
{
    const struct cudnn_limits filled = fill_in(limits);
    struct cudnn_convolution settled = *convolution;
    struct cudnn_choice *made = NULL;
    *choice = NULL;
    if (!cop_cudnn_settle_pads(&settled))
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "cuDNN: no geometry of a convolution, or one that cuts its source");
    if (!filled.allows_compilation && !cop_cudnn_fuses(convolution))
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "cuDNN: no engine compiled beforehand fuses %s",
                        convolution->has_bias ? "this activation" : "it without a bias");
    const struct hash key = key_of(session, &settled, &filled, trial != NULL);
    *choice = find_or_announce(&key);
    if (*choice != NULL)
        return COP_STATUS_OK;
    const cop_status status = cop_cudnn_plan(session, &settled, &filled, trial, &made, error);
    publish(&key, made);
    *choice = made;
    return status;
}
