// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "base/fork.h"

#include <string.h>

#include "base/lock.h"

_Atomic uint32_t cop_fork_epoch_counter;

static void (*_Atomic child_handler)(void);

static _Thread_local bool has_survived;

/* Every lock there is, by rank; guarded by list_mutex, which is outside all of them. */
static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lock *first_of_rank[LOCK_RANK_COUNT];

/* Readers are threads inside other libraries; fork, the writer, goes first, or it might never. */
static pthread_rwlock_t foreign_calls = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

uint32_t cop_fork_count(void)
{
    return cop_fork_epoch();
}

void cop_fork_hold_off(void)
{
    pthread_rwlock_rdlock(&foreign_calls);
}

void cop_fork_allow(void)
{
    pthread_rwlock_unlock(&foreign_calls);
}

static void for_each_lock(void (*visit)(struct lock *lock))
{
    for (int rank = 0; rank < LOCK_RANK_COUNT; rank++)
        for (struct lock *lock = first_of_rank[rank]; lock != NULL; lock = lock->next)
            visit(lock);
}

static void take(struct lock *lock)
{
    if (!COP_LOCK_IS_LEFT_ALONE(lock->rank))
        pthread_mutex_lock(&lock->mutex);
}

static void give_back(struct lock *lock)
{
    if (!COP_LOCK_IS_LEFT_ALONE(lock->rank))
        pthread_mutex_unlock(&lock->mutex);
}

static void give_back_in_child(struct lock *lock)
{
    if (COP_LOCK_IS_LEFT_ALONE(lock->rank)) /* whoever held it is gone */
        pthread_mutex_init(&lock->mutex, NULL);
    else
        pthread_mutex_unlock(&lock->mutex);
}

static void before_fork(void)
{
    pthread_rwlock_wrlock(&foreign_calls);
    pthread_mutex_lock(&list_mutex);
    for_each_lock(take);
}

static void after_fork_in_parent(void)
{
    for_each_lock(give_back);
    pthread_mutex_unlock(&list_mutex);
    pthread_rwlock_unlock(&foreign_calls);
}

static void after_fork_in_child(void)
{
    atomic_fetch_add_explicit(&cop_fork_epoch_counter, 1, memory_order_relaxed);
    has_survived = true;
    void (*handler)(void) = atomic_load(&child_handler);
    if (handler != NULL)
        handler();
    for_each_lock(give_back_in_child);
    pthread_mutex_unlock(&list_mutex);
    /* Its owner is a thread number, which is another one here. */
    static const pthread_rwlock_t unlocked = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
    memcpy(&foreign_calls, &unlocked, sizeof unlocked);
}

/* Should memory be short for this, forking is as risky as it is without. */
static void watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void cop_fork_set_child_handler(void (*handler)(void))
{
    atomic_store(&child_handler, handler);
}

void cop_lock_init(struct lock *lock, enum lock_rank rank)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    pthread_mutex_init(&lock->mutex, NULL); /* never fails for a default mutex on Linux */
    lock->rank = rank;
    lock->previous = NULL;
    pthread_mutex_lock(&list_mutex);
    lock->next = first_of_rank[rank];
    if (lock->next != NULL)
        lock->next->previous = lock;
    first_of_rank[rank] = lock;
    pthread_mutex_unlock(&list_mutex);
}

void cop_lock_destroy(struct lock *lock)
{
    pthread_mutex_lock(&list_mutex);
    *(lock->previous != NULL ? &lock->previous->next : &first_of_rank[lock->rank]) = lock->next;
    if (lock->next != NULL)
        lock->next->previous = lock->previous;
    pthread_mutex_unlock(&list_mutex);
    pthread_mutex_destroy(&lock->mutex);
}

bool cop_fork_has_survived(void)
{
    return has_survived;
}
