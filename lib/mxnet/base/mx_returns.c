// SPDX-License-Identifier: Apache-2.0
#include "mxnet/base/mx_returns.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"

/* A larger slot is made smaller when a quarter of it would do. */
#define LARGE_SLOT_BYTES ((size_t)1 << 20)

struct slot_memory {
    void *bytes;
    size_t capacity;
};

struct record {
    struct slot_memory slots[MX_SLOT_COUNT];
    struct record *next; /* of ended threads, the oldest first */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;
static struct lock records_lock;
static struct record *oldest, *newest; /* of ended threads; guarded by records_lock */
static size_t kept_count, record_count;

/* Of a thread that ends. */
static void keep_record(void *ended)
{
    struct record *record = ended;
    cop_lock_acquire(&records_lock);
    record->next = NULL;
    if (newest == NULL)
        oldest = record;
    else
        newest->next = record;
    newest = record;
    kept_count++;
    cop_lock_release(&records_lock);
}

static void set_up(void)
{
    cop_lock_init(&records_lock, LOCK_RECORDS);
    has_key = pthread_key_create(&key, keep_record) == 0;
}

/* A record that nobody looks into any more; NULL: there is none. */
static struct record *reuse_record(void)
{
    struct record *record = NULL;
    cop_lock_acquire(&records_lock);
    if (kept_count > COP_MX_KEPT_RECORDS) {
        record = oldest;
        oldest = record->next;
        kept_count--;
    }
    record_count += record == NULL;
    cop_lock_release(&records_lock);
    return record;
}

static struct record *find_record(void)
{
    pthread_once(&once, set_up);
    struct record *record = has_key ? pthread_getspecific(key) : NULL;
    if (record != NULL || !has_key)
        return record;
    record = reuse_record();
    if (record == NULL)
        record = cop_alloc(1, sizeof *record);
    if (record == NULL || pthread_setspecific(key, record) != 0) {
        cop_lock_acquire(&records_lock);
        record_count--;
        cop_lock_release(&records_lock);
        for (int i = 0; record != NULL && i < MX_SLOT_COUNT; i++)
            cop_free(record->slots[i].bytes);
        cop_free(record);
        return NULL;
    }
    return record;
}

static bool is_wasteful(const struct slot_memory *slot, size_t bytes)
{
    return slot->capacity > LARGE_SLOT_BYTES && bytes < slot->capacity / 4;
}

cop_status cop_mx_slot_take(enum mx_slot slot, size_t bytes, void **memory, cop_error *error)
{
    struct record *record = find_record();
    *memory = NULL;
    if (record == NULL)
        return cop_fail_memory(error, "the thread's return values", sizeof *record);
    struct slot_memory *found = &record->slots[slot];
    if (found->bytes == NULL || found->capacity < bytes || is_wasteful(found, bytes)) {
        void *larger = cop_alloc(bytes, 1);
        if (larger == NULL)
            return cop_fail_memory(error, "the thread's return values", bytes);
        cop_free(found->bytes);
        found->bytes = larger;
        found->capacity = bytes;
    }
    *memory = found->bytes;
    return COP_STATUS_OK;
}

cop_status cop_mx_return_text(enum mx_slot slot, const char *text, const char **returned,
                              cop_error *error)
{
    void *memory;
    const size_t bytes = strlen(text) + 1;
    COP_TRY(cop_mx_slot_take(slot, bytes, &memory, error));
    *returned = memcpy(memory, text, bytes);
    return COP_STATUS_OK;
}

cop_status cop_mx_return_texts(enum mx_slot slot, size_t count, const char *const *texts,
                               const char ***returned, cop_error *error)
{
    size_t bytes = count * sizeof(char *);
    for (size_t i = 0; i < count; i++)
        bytes += strlen(texts[i]) + 1;
    void *memory;
    COP_TRY(cop_mx_slot_take(slot, bytes, &memory, error));
    const char **list = memory;
    char *at = (char *)(list + count);
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(texts[i]) + 1;
        list[i] = memcpy(at, texts[i], length);
        at += length;
    }
    *returned = list;
    return COP_STATUS_OK;
}

size_t cop_mx_record_count(void)
{
    pthread_once(&once, set_up);
    cop_lock_acquire(&records_lock);
    const size_t count = record_count;
    cop_lock_release(&records_lock);
    return count;
}
