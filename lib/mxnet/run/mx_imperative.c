// SPDX-License-Identifier: Apache-2.0
#include "mxnet/run/mx_imperative.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/lock.h"

/* Programs by the hash of what they were made for; each hash has a few places it may stand at. */
#define PLACES_OF_A_HASH 8
#define ROW_COUNT        (COP_MX_KEPT_PROGRAMS / PLACES_OF_A_HASH)

struct kept_program {
    struct hash hash;
    struct mx_program *program; /* NULL: the place is free */
    uint64_t last_used;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct lock lock;
/* Guarded by the lock. */
static struct kept_program rows[ROW_COUNT][PLACES_OF_A_HASH];
static uint64_t use_count;

static void set_up(void)
{
    cop_lock_init(&lock, LOCK_RECORDS);
}

static struct hash hash_text(struct hash hash, const char *text)
{
    return cop_hash_bytes(hash, text, strlen(text) + 1);
}

/* 128 bits: two calls that differ do not meet. */
static struct hash hash_call(const struct mx_call *call)
{
    struct hash hash = cop_hash_u64(cop_hash_begin(), (uint64_t)(uintptr_t)call->op);
    hash = cop_hash_u64(hash, (uint64_t)call->src_count);
    for (int i = 0; i < call->attributes.count; i++) {
        hash = hash_text(hash, call->attributes.keys[i]);
        hash = hash_text(hash, call->attributes.values[i]);
    }
    return hash;
}

static struct kept_program *row_of(struct hash hash)
{
    uint64_t first;
    memcpy(&first, &hash, sizeof first);
    return rows[first % ROW_COUNT];
}

static struct mx_program *find(struct hash hash)
{
    struct mx_program *program = NULL;
    cop_lock_acquire(&lock);
    struct kept_program *row = row_of(hash);
    for (int i = 0; i < PLACES_OF_A_HASH && program == NULL; i++)
        if (row[i].program != NULL && cop_hash_equal(row[i].hash, hash)) {
            row[i].last_used = ++use_count;
            program = cop_mx_program_retain(row[i].program);
        }
    cop_lock_release(&lock);
    return program;
}

/* Keeps a program, in place of the one that was not used for longest. */
static void keep(struct hash hash, struct mx_program *program)
{
    cop_lock_acquire(&lock);
    struct kept_program *row = row_of(hash), *place = &row[0];
    for (int i = 1; i < PLACES_OF_A_HASH && place->program != NULL; i++)
        if (row[i].program == NULL || row[i].last_used < place->last_used)
            place = &row[i];
    struct mx_program *old = place->program;
    *place = (struct kept_program){hash, cop_mx_program_retain(program), ++use_count};
    cop_lock_release(&lock);
    cop_mx_program_release(&old); /* not under the lock: it may be much */
}

static cop_status create_variables(const struct mx_call *call, struct mx_symbol **variables,
                                   cop_error *error)
{
    for (int i = 0; i < call->src_count; i++) {
        char name[COP_MX_NAME_BYTES];
        cop_mx_operator_input_name(call->op, &call->attributes, i, name);
        COP_TRY(cop_mx_symbol_create_variable(name, &variables[i], error));
    }
    return COP_STATUS_OK;
}

static cop_status create_symbol(const struct mx_call *call, struct mx_symbol **symbol,
                                cop_error *error)
{
    const size_t count = (size_t)call->src_count;
    struct mx_symbol **variables = cop_alloc(count, sizeof *variables);
    *symbol = NULL;
    if (variables == NULL)
        return cop_fail_memory(error, call->op->name, count * sizeof *variables);
    cop_status status = create_variables(call, variables, error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_create_atomic(call->op, &call->attributes, symbol, error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_compose(*symbol, call->op->name, count, NULL, variables, error);
    for (size_t i = 0; i < count; i++)
        cop_mx_symbol_destroy(variables[i]);
    cop_free(variables);
    if (status != COP_STATUS_OK) {
        cop_mx_symbol_destroy(*symbol);
        *symbol = NULL;
    }
    return status;
}

static cop_status create_program(const struct mx_call *call, struct mx_program **program,
                                 cop_error *error)
{
    struct mx_symbol *symbol;
    COP_TRY(create_symbol(call, &symbol, error));
    const struct mx_program_options options = {.packs_nothing = true, .most_operators = 4};
    const cop_status status = cop_mx_program_create(symbol, &options, program, error);
    cop_mx_symbol_destroy(symbol);
    return status;
}

cop_status cop_mx_program_of_call(const struct mx_call *call, struct mx_program **program,
                                  cop_error *error)
{
    const struct hash hash = hash_call(call);
    pthread_once(&once, set_up);
    *program = find(hash);
    if (*program != NULL)
        return COP_STATUS_OK;
    COP_TRY(create_program(call, program, error));
    keep(hash, *program); /* of two threads that made it, both are kept or one: no matter */
    return COP_STATUS_OK;
}
