// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "plan/weight_store.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"
#include "plan/run_once.h"
#include "plan/weight_recipe.h"

struct packed_weight {
    size_t refs COP_GUARDED_BY(store->table);
    struct weight_store *store; /* a reference */
    struct weight_key key;      /* holds a reference of the layout */
    const void *address;
    void *memory;          /* owned, as memory_of(key) says; NULL: the elements lie in `source` */
    struct source *source; /* a reference, or NULL */
    size_t bytes;          /* owned */
    uint64_t counted COP_GUARDED_BY(store->packing);         /* by which set last */
    struct packed_weight *next COP_GUARDED_BY(store->table); /* in its bucket */
};

struct weight_store {
    struct refcount refs;
    struct lock packing; /* held while weights are made, so that none is made twice */
    uint64_t set_count COP_GUARDED_BY(packing);
    struct lock table; /* held for moments; inside `packing` where both are */
    struct packed_weight **buckets COP_GUARDED_BY(table);
    size_t bucket_count COP_GUARDED_BY(table), weight_count COP_GUARDED_BY(table);
};

#define FIRST_BUCKETS   64
#define POPULATED_BYTES ((size_t)128 << 10)

cop_status cop_weight_store_create(struct weight_store **store, cop_error *error)
{
    struct weight_store *made = cop_alloc(1, sizeof *made);
    *store = NULL;
    if (made != NULL)
        made->buckets = cop_alloc(FIRST_BUCKETS, sizeof(struct packed_weight *));
    if (made == NULL || made->buckets == NULL) {
        cop_free(made);
        return cop_fail_memory(error, "weight store", sizeof *made);
    }
    cop_refcount_init(&made->refs);
    cop_lock_init(&made->packing, LOCK_PACKING);
    cop_lock_init(&made->table, LOCK_WEIGHT_TABLE);
    made->bucket_count = FIRST_BUCKETS;
    *store = made;
    return COP_STATUS_OK;
}

struct weight_store *cop_weight_store_retain(struct weight_store *store)
{
    cop_refcount_retain(&store->refs);
    return store;
}

void cop_weight_store_release(struct weight_store **store)
{
    struct weight_store *old = *store;
    *store = NULL;
    if (old == NULL || !cop_refcount_release(&old->refs))
        return; /* weights hold references: none is left here */
    cop_lock_destroy(&old->packing);
    cop_lock_destroy(&old->table);
    cop_free(old->buckets);
    cop_free(old);
}

static struct packed_weight **bucket_locked(struct weight_store *store, struct hash identity)
    COP_REQUIRES(store->table)
{
    return &store->buckets[identity.low & (store->bucket_count - 1)];
}

/* Twice the buckets; without memory for them searching only gets slower. */
static void grow_locked(struct weight_store *store) COP_REQUIRES(store->table)
{
    const size_t old_count = store->bucket_count;
    struct packed_weight **old = store->buckets;
    struct packed_weight **buckets = cop_alloc(2 * old_count, sizeof(struct packed_weight *));
    if (buckets == NULL)
        return;
    store->buckets = buckets;
    store->bucket_count = 2 * old_count;
    for (size_t i = 0; i < old_count; i++) {
        while (old[i] != NULL) {
            struct packed_weight *moved = old[i];
            old[i] = moved->next;
            struct packed_weight **bucket = bucket_locked(store, moved->key.identity);
            moved->next = *bucket;
            *bucket = moved;
        }
    }
    cop_free(old);
}

static void insert_locked(struct weight_store *store, struct packed_weight *weight)
    COP_REQUIRES(store->table)
{
    if (store->weight_count >= store->bucket_count)
        grow_locked(store);
    struct packed_weight **bucket = bucket_locked(store, weight->key.identity);
    weight->next = *bucket;
    *bucket = weight;
    store->weight_count++;
}

static void remove_locked(struct weight_store *store, struct packed_weight *weight)
    COP_REQUIRES(store->table)
{
    struct packed_weight **at = bucket_locked(store, weight->key.identity);
    while (*at != weight)
        at = &(*at)->next;
    *at = weight->next;
    store->weight_count--;
}

/* In whose memory a weight of this form lies. */
static enum memory_kind memory_of(const struct weight_key *key)
{
    return key->layout != NULL && key->layout->is_on_device ? MEMORY_DEVICE : MEMORY_HOST;
}

/* Frees a weight that is in no table. */
static void destroy_weight(struct packed_weight *weight)
{
    struct weight_store *store = weight->store;
    cop_memory_destroy(weight->key.device, memory_of(&weight->key), &weight->memory);
    cop_layout_release(&weight->key.layout);
    cop_source_release(&weight->source);
    cop_free(weight);
    cop_weight_store_release(&store);
}

static void release_weight(struct packed_weight *weight)
{
    if (weight == NULL)
        return;
    struct weight_store *store = weight->store;
    cop_lock_acquire(&store->table);
    const bool is_last = --weight->refs == 0;
    if (is_last)
        remove_locked(store, weight);
    cop_lock_release(&store->table);
    if (is_last)
        destroy_weight(weight);
}

static bool is_key(const struct weight_key *a, const struct weight_key *b)
{
    return cop_hash_equal(a->identity, b->identity) && a->device == b->device &&
           cop_layout_equal(a->layout, b->layout);
}

/* The weight in exactly this form, with a reference; NULL: it does not exist. */
static struct packed_weight *find_exact(struct weight_store *store, const struct weight_key *key)
{
    cop_lock_acquire(&store->table);
    struct packed_weight *weight = *bucket_locked(store, key->identity);
    while (weight != NULL && !is_key(&weight->key, key))
        weight = weight->next;
    if (weight != NULL)
        weight->refs++;
    cop_lock_release(&store->table);
    return weight;
}

/* What another form can be made of. */
static bool is_other_form(const struct weight_key *have, const struct weight_key *want)
{
    return cop_hash_equal(have->identity, want->identity) &&
           (have->layout == NULL || (have->device == want->device && !have->layout->is_lossy));
}

/* The weight in another form that `key->device` can read, with a reference; NULL: there is none. */
static struct packed_weight *find_other_form(struct weight_store *store,
                                             const struct weight_key *key)
{
    cop_lock_acquire(&store->table);
    struct packed_weight *weight = *bucket_locked(store, key->identity);
    while (weight != NULL && !is_other_form(&weight->key, key))
        weight = weight->next;
    if (weight != NULL)
        weight->refs++;
    cop_lock_release(&store->table);
    return weight;
}

const struct layout *cop_weight_store_find_layout(struct weight_store *store, struct hash identity,
                                                  struct device *device)
{
    cop_lock_acquire(&store->table);
    const struct packed_weight *weight = *bucket_locked(store, identity);
    while (weight != NULL && (!cop_hash_equal(weight->key.identity, identity) ||
                              weight->key.layout == NULL || weight->key.device != device))
        weight = weight->next;
    const struct layout *layout = weight == NULL ? NULL : cop_layout_retain(weight->key.layout);
    cop_lock_release(&store->table);
    return layout;
}

/* Memory for packed elements, its pages there at once: one by one they cost more than packing. */
static cop_status allocate_elements(struct packed_weight *weight, cop_error *error)
{
    const enum memory_kind kind = memory_of(&weight->key);
    weight->bytes = cop_layout_bytes(weight->key.layout, weight->key.dtype, &weight->key.shape);
    const cop_status status = cop_memory_create(weight->key.device, kind, weight->bytes,
                                                "packed weight", &weight->memory, error);
    weight->address = weight->memory;
    if (status != COP_STATUS_OK || kind != MEMORY_HOST)
        return status;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = ((uintptr_t)weight->memory + page - 1) & ~(page - 1);
    const uintptr_t end = ((uintptr_t)weight->memory + weight->bytes) & ~(page - 1);
    if (end > begin && weight->bytes >= POPULATED_BYTES)
        (void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE); /* only faster */
    return COP_STATUS_OK;
}

/* Elements in one layout, to be had in that of `weight`, which gets memory for them. */
static cop_status reorder_into(struct packed_weight *weight, const void *elements,
                               const struct layout *layout, cop_error *error)
{
    const struct weight_key *key = &weight->key;
    struct device *device = key->device;
    struct kernel *kernel = NULL;
    cop_status status =
        cop_reorder_create(device, key->dtype, &key->shape, layout, key->layout, 1, &kernel, error);
    if (status != COP_STATUS_OK)
        return status;
    status = allocate_elements(weight, error);
    if (status == COP_STATUS_OK) {
        const unsigned char src_memory =
            layout != NULL && layout->is_on_device ? MEMORY_DEVICE : MEMORY_HOST;
        const unsigned char dst_memory = (unsigned char)memory_of(key);
        const struct kernel_args args = {&elements, &weight->memory, NULL, &src_memory,
                                         &dst_memory};
        status = cop_run_once(device, kernel, &args, error);
    }
    cop_kernel_destroy(&kernel);
    return status;
}

/* The plain form: the recipe's own memory, or the file's where it stays, or a copy. */
static cop_status keep_plain(struct packed_weight *weight, struct recipe_runner *runner, int value,
                             const struct recipe_result *made, cop_error *error)
{
    const size_t bytes = cop_layout_bytes(NULL, weight->key.dtype, &weight->key.shape);
    weight->address = made->elements;
    if (made->memory_bytes == bytes) {
        weight->memory = cop_recipe_take_memory(runner, value);
        weight->bytes = bytes;
        return COP_STATUS_OK;
    }
    if (made->source != NULL && cop_source_is_stable(made->source) &&
        (uintptr_t)made->elements % COP_ALIGNMENT == 0) {
        weight->source = cop_source_retain(made->source);
        return COP_STATUS_OK;
    }
    const cop_status status = allocate_elements(weight, error);
    if (status == COP_STATUS_OK)
        memcpy(weight->memory, made->elements, bytes);
    return status;
}

static cop_status make_by_recipe(struct packed_weight *weight, struct recipe_runner *runner,
                                 int value, cop_error *error)
{
    struct recipe_result made;
    const cop_status status = cop_recipe_run(runner, value, &made, error);
    if (status != COP_STATUS_OK)
        return status;
    return weight->key.layout == NULL ? keep_plain(weight, runner, value, &made, error)
                                      : reorder_into(weight, made.elements, NULL, error);
}

/* False: no other form exists, or the backend cannot reorder from it. */
static bool make_from_other_form(struct packed_weight *weight)
{
    struct packed_weight *other = find_other_form(weight->store, &weight->key);
    if (other == NULL)
        return false;
    const cop_status status = reorder_into(weight, other->address, other->key.layout, NULL);
    release_weight(other);
    if (status == COP_STATUS_OK)
        return true;
    cop_memory_destroy(weight->key.device, memory_of(&weight->key), &weight->memory);
    return false;
}

static cop_status make_weight(struct weight_store *store, const struct weight_key *key,
                              struct recipe_runner *runner, int value,
                              struct packed_weight **weight, cop_error *error)
    COP_REQUIRES(store->packing)
{
    struct packed_weight *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "weight", sizeof *made);
    made->refs = 1;
    made->store = cop_weight_store_retain(store);
    made->key = *key;
    (void)cop_layout_retain(key->layout);
    cop_status status =
        cop_recipe_charge(runner, cop_layout_bytes(key->layout, key->dtype, &key->shape), error);
    if (status == COP_STATUS_OK && (key->layout == NULL || !make_from_other_form(made)))
        status = make_by_recipe(made, runner, value, error);
    if (status != COP_STATUS_OK) {
        destroy_weight(made);
        return cop_error_prefix(error, status, "weight '%s': ", runner->graph->values[value].name);
    }
    cop_lock_acquire(&store->table);
    insert_locked(store, made);
    cop_lock_release(&store->table);
    *weight = made;
    return COP_STATUS_OK;
}

static struct weight_set *allocate_set(int count, cop_error *error)
{
    struct weight_set *set = cop_alloc(1, sizeof *set);
    if (set != NULL) {
        cop_refcount_init(&set->refs);
        set->count = count;
        set->addresses = cop_alloc((size_t)count, sizeof *set->addresses);
        set->weights = cop_alloc((size_t)count, sizeof *set->weights);
    }
    if (set == NULL || set->addresses == NULL || set->weights == NULL) {
        (void)cop_fail_memory(error, "weight set", (size_t)count * sizeof *set->weights);
        cop_weight_set_release(&set);
    }
    return set;
}

static cop_status fill_locked(struct weight_store *store, struct recipe_runner *runner,
                              const int *values, const struct weight_key *keys,
                              struct weight_set *set, size_t *added_bytes, cop_error *error)
    COP_REQUIRES(store->packing)
{
    const uint64_t number = ++store->set_count;
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < set->count; i++)
        if (values[i] != COP_NO_VALUE)
            cop_recipe_announce(runner, values[i]);
    for (int i = 0; i < set->count && status == COP_STATUS_OK; i++) {
        set->weights[i] = find_exact(store, &keys[i]);
        if (set->weights[i] == NULL && values[i] == COP_NO_VALUE)
            return cop_fail(error, COP_STATUS_INTERNAL, "weight %d of %d is gone", i, set->count);
        if (set->weights[i] == NULL) {
            status = make_weight(store, &keys[i], runner, values[i], &set->weights[i], error);
            *added_bytes += status == COP_STATUS_OK ? set->weights[i]->bytes : 0;
        }
        if (values[i] != COP_NO_VALUE)
            cop_recipe_retire(runner, values[i]);
        if (status != COP_STATUS_OK)
            break;
        set->addresses[i] = set->weights[i]->address;
        if (set->weights[i]->counted != number)
            set->bytes += set->weights[i]->bytes;
        set->weights[i]->counted = number;
    }
    return status;
}

cop_status cop_weight_set_create(struct weight_store *store, const struct weight_origin *origin,
                                 const struct weight_key *keys, int count, struct weight_set **set,
                                 size_t *added_bytes, cop_error *error)
{
    struct recipe_runner runner;
    *set = NULL;
    *added_bytes = 0;
    cop_status status = cop_recipe_runner_init(&runner, origin->graph, origin->ref, error);
    if (status != COP_STATUS_OK)
        return status;
    struct weight_set *made = allocate_set(count, error);
    status = made == NULL ? COP_STATUS_OUT_OF_MEMORY : COP_STATUS_OK;
    if (status == COP_STATUS_OK) {
        cop_lock_acquire(&store->packing);
        status = fill_locked(store, &runner, origin->values, keys, made, added_bytes, error);
        cop_lock_release(&store->packing);
    }
    cop_recipe_runner_finish(&runner);
    if (status != COP_STATUS_OK)
        cop_weight_set_release(&made);
    *set = made;
    return status;
}

struct weight_set *cop_weight_set_retain(struct weight_set *set)
{
    cop_refcount_retain(&set->refs);
    return set;
}

void cop_weight_set_release(struct weight_set **set)
{
    struct weight_set *old = *set;
    *set = NULL;
    if (old == NULL || !cop_refcount_release(&old->refs))
        return;
    for (int i = 0; old->weights != NULL && i < old->count; i++)
        release_weight(old->weights[i]);
    cop_free(old->weights);
    cop_free(old->addresses);
    cop_free(old);
}
