// SPDX-License-Identifier: Apache-2.0
/*
 * cuBLASLt, opened while the program runs and never closed. A process without it, or a build
 * without its headers, has products all the same: every function then answers NOT_FOUND.
 */
#ifndef BACKENDS_CUDA_CUBLASLT_CUBLASLT_LIBRARY_H
#define BACKENDS_CUDA_CUBLASLT_CUBLASLT_LIBRARY_H

#include <stddef.h>

#include <cachedop/status.h>

/*
 * Opens libcublasLt.so.13, once per process: where the loader finds it, else in the folder that the
 * environment variable CACHEDOP_CUBLASLT_DIR names (an absolute path). 50 ms, the first time.
 * NOT_FOUND: there is none; UNSUPPORTED: it lacks a function. Every later call answers the same.
 * Safe from any thread.
 */
cop_status cop_cublaslt_open(cop_error *error);

/* Such as 130100; 0 where it cannot be opened. Both open it if need be. */
size_t cop_cublaslt_version(void);

/* Where it was found: a file name or a path; "" where it was not. */
const char *cop_cublaslt_path(void);

#endif
