// SPDX-License-Identifier: Apache-2.0
/**
 * Ctrl-C: one token of the library that ends everything under way.
 *
 * A signal handler may not call cop_cancel_request, nor much else; so SIGINT is blocked in all
 * threads, and one of them waits for it.
 */
#ifndef EXAMPLE_INTERRUPTION_H
#define EXAMPLE_INTERRUPTION_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <cachedop/cachedop.h>

#include "failure.h"

/** What a shell reports of a program that SIGINT (2) ended. */
#define EXIT_INTERRUPTED 130

struct interruption {
    cop_cancel *cancel; /**< for every invocation of the program */
    sigset_t signals;
    pthread_t thread;
    bool has_thread;     /**< not where SIGINT is ignored, as in the background of a script */
    atomic_bool is_over; /**< the thread is to end; set before it is woken for that */
};

/**
 * Blocks SIGINT and starts the thread. To be called before any other thread is started: they
 * inherit what is blocked. The first SIGINT cancels; the second ends the process at once.
 */
bool interruption_begin(struct interruption *interruption, struct failure *failure);

/** Whether SIGINT came. */
bool interruption_came(const struct interruption *interruption);

/** Ends the thread and gives the token back. */
void interruption_end(struct interruption *interruption);

#endif
