// SPDX-License-Identifier: Apache-2.0
/*
 * What fork leaves behind. Before it, the forking thread takes every lock of the library, so that
 * the child, where no other thread exists any more, finds all they guard in order. What other
 * threads were doing outside of locks is told by the epoch: it is one higher in the child, and
 * whatever was marked by a thread of an earlier epoch was marked by one that is gone.
 */
#ifndef BASE_FORK_H
#define BASE_FORK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/shared.h"

/* Written in the child before fork returns there, when it has one thread only; read by all. */
extern _Atomic uint32_t cop_fork_epoch_counter;

/* How many forks lie between the first process of the library and this one. */
static inline uint32_t cop_fork_epoch(void)
{
    return atomic_load_explicit(&cop_fork_epoch_counter, memory_order_relaxed);
}

/* The same for the libraries beside this one, which do not see the variable. */
COP_SHARED uint32_t cop_fork_count(void);

/*
 * Around short calls of other libraries that take locks of their own, which fork could not wait
 * for: fork waits until nobody is between the two. They do not nest.
 */
void cop_fork_hold_off(void);
void cop_fork_allow(void);

/* Sets what runs in every child, with all locks of the library held. One for the process. */
void cop_fork_set_child_handler(void (*handler)(void));

/* Whether the calling thread is one that forked, in the child: what other libraries keep for it is
 * of the parent. */
bool cop_fork_has_survived(void);

#endif
