// SPDX-License-Identifier: Apache-2.0
/*
 * Memory that functions return to a thread: one slot for each kind of thing, because clients hold
 * several at once. A slot's content is valid until the thread asks for the same slot again.
 *
 * When a thread ends its record is kept, since clients read a list of handles after they joined the
 * thread that got it. The records of the last COP_MX_KEPT_RECORDS ended threads are left alone;
 * older ones are given to new threads, so that memory follows the threads that are, not those that
 * ever were.
 */
#ifndef MXNET_BASE_MX_RETURNS_H
#define MXNET_BASE_MX_RETURNS_H

#include <stddef.h>
#include <stdint.h>

#include <cachedop/status.h>

#define COP_MX_KEPT_RECORDS 64

enum mx_slot {
    MX_SLOT_TEXT,          /* one text, or raw bytes */
    MX_SLOT_TEXTS,         /* a list of texts: pointers, then the texts */
    MX_SLOT_INFO,          /* the lists that describe an operator */
    MX_SLOT_HANDLES,       /* a list of handles */
    MX_SLOT_MORE_HANDLES,  /* … of a function that returns several */
    MX_SLOT_STORAGE_TYPES, /* of outputs */
    MX_SLOT_SHAPE,         /* one shape */
    MX_SLOT_ARGUMENTS,     /* shapes or types of arguments, */
    MX_SLOT_OUTPUTS,       /* of outputs, */
    MX_SLOT_AUXILIARY,     /* and of auxiliary states */
    MX_SLOT_NN_TEXT,       /* nnvm's functions have texts of their own */
    MX_SLOT_NN_TEXTS,
    MX_SLOT_NN_INFO,
    MX_SLOT_NN_HANDLES,
    MX_SLOT_COUNT,
};

/*
 * At least `bytes` (0: as 1) of the calling thread's slot, aligned for any type; what was there is
 * gone. `*memory` is NULL on failure: OUT_OF_MEMORY, the slot is as it was.
 */
cop_status cop_mx_slot_take(enum mx_slot slot, size_t bytes, void **memory, cop_error *error);

/* Copies a text into a slot. */
cop_status cop_mx_return_text(enum mx_slot slot, const char *text, const char **returned,
                              cop_error *error);

/* Copies texts into a slot: an array of `count` pointers to them. */
cop_status cop_mx_return_texts(enum mx_slot slot, size_t count, const char *const *texts,
                               const char ***returned, cop_error *error);

/* Records that exist, of threads that live and kept ones: for tests. */
size_t cop_mx_record_count(void);

#endif
