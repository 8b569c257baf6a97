// SPDX-License-Identifier: Apache-2.0
/*
 * What a fuzz target defines. Two programs are made of each: one with fuzz_driver.c, which makes
 * the same inputs in every run, and one with fuzz_libfuzzer.c, where coverage decides what is tried
 * next.
 */
#ifndef TEST_FUZZ_FUZZ_TARGET_H
#define TEST_FUZZ_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "fuzz/fuzz_bytes.h"

/* How far inputs came, counted by the target: a fuzzer whose inputs are all refused tries nothing.
 */
struct fuzz_counts {
    uint64_t accepted; /* by the parser */
    uint64_t compiled, invoked;
};
extern struct fuzz_counts fuzz_counts;

/* Reads one untrusted input; whatever it is, nothing may crash, hang or leak. */
void fuzz_one(const uint8_t *bytes, size_t size);

/* A sound input to mutate, of malloc; NULL: there are no more than `index`. */
unsigned char *fuzz_seed(int index, size_t *size);

/*
 * One change that knows the format, so that it gets past the first check: `other` is another input,
 * of which parts may be taken. The same for the same state.
 */
void fuzz_mutate(struct fuzz_bytes *input, struct fuzz_view other, uint64_t *state);

#endif
