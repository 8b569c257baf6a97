// SPDX-License-Identifier: Apache-2.0
/* What a model that was accepted goes through next: shapes, the planner, and the kernels of `ref`.
 */
#ifndef TEST_FUZZ_FUZZ_RUN_H
#define TEST_FUZZ_FUZZ_RUN_H

#include <cachedop/cachedop.h>

/*
 * Loads a model from bytes that stay where they are, checks the words of a refusal, and compiles
 * what was accepted on the reference kernels; a small one is invoked once. `weights` may be NULL.
 */
void fuzz_load_and_run(cop_model_format format, const cop_bytes *graph, const cop_bytes *weights);

/* Bytes that stay where they are. */
cop_bytes fuzz_borrow(const void *bytes, size_t size);

#endif
