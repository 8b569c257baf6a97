// SPDX-License-Identifier: Apache-2.0
/*
 * Failing calls for files and mappings, in every way they can. The linker puts the functions here
 * before those of the C library (--wrap).
 */
#ifndef TEST_IO_IO_FAULTS_H
#define TEST_IO_IO_FAULTS_H

#include "support/faults.h"

/* What a scenario does; other calls are not made to fail in it. */
enum { READS = 1, WRITES = 2, MAPS = 4 };

extern const struct fault io_faults[];
extern const size_t io_fault_count;

#endif
