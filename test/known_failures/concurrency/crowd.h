// SPDX-License-Identifier: Apache-2.0
/* Threads that begin together; what they found wrong is added up after they have ended. */
#ifndef TEST_KNOWN_FAILURES_CROWD_H
#define TEST_KNOWN_FAILURES_CROWD_H

#include "promises/subject.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdatomic.h>

#define MOST_MEMBERS 64

struct member {
    pthread_t thread;
    pthread_barrier_t *begin;
    long (*work)(int number, void *shared); /* returns how much was wrong */
    int number;
    void *shared;
    long wrong;
};

static inline void *run_member(void *argument)
{
    struct member *member = argument;
    pthread_barrier_wait(member->begin);
    member->wrong = member->work(member->number, member->shared);
    return NULL;
}

static inline long run_crowd(int count, long (*work)(int number, void *shared), void *shared)
{
    struct member members[MOST_MEMBERS];
    pthread_barrier_t begin;
    long wrong = 0;
    pthread_barrier_init(&begin, NULL, (unsigned)count);
    for (int i = 0; i < count; i++) {
        members[i] = (struct member){.begin = &begin, .work = work, .number = i, .shared = shared};
        require(pthread_create(&members[i].thread, NULL, run_member, &members[i]) == 0,
                "no thread");
    }
    for (int i = 0; i < count; i++) {
        pthread_join(members[i].thread, NULL);
        wrong += members[i].wrong;
    }
    pthread_barrier_destroy(&begin);
    return wrong;
}

#endif
