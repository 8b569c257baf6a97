// SPDX-License-Identifier: Apache-2.0
/* What a fuzz target defines: for libFuzzer, and for the driver in fuzz_driver.c. */
#ifndef TEST_FUZZ_FUZZ_TARGET_H
#define TEST_FUZZ_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Reads one untrusted input; whatever it is, nothing may crash, hang or leak. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A sound input to mutate, of malloc; NULL: there are no more than `index`. */
unsigned char *fuzz_seed(int index, size_t *size);

#endif
