// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation that a program's calls make fails, once and from then on. Prints how many
 * failures that were; `--count` prints nothing else.
 */
#ifndef TEST_OOM_ALLOCATION_FAULTS_H
#define TEST_OOM_ALLOCATION_FAULTS_H

#include "support/faults.h"

/* What fails in a scenario: the library's own allocations; pthread_create; and every malloc below
 * the library on this thread, which oneDNN does not survive. The last two not under sanitizers,
 * which stand in for these functions themselves. */
enum { USUAL = 1, THREADED = 2, PLAIN = 4 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* main, for these scenarios. */
int fail_allocations(const struct scenario *scenarios, size_t count, int argc, char **argv);

#endif
