// SPDX-License-Identifier: Apache-2.0
/*
 * cuDNN 9, opened while the program runs and never closed. A process without it, or a build without
 * its headers, has convolutions all the same: every function then answers NOT_FOUND.
 */
#ifndef BACKENDS_CUDA_CUDNN_CUDNN_LIBRARY_H
#define BACKENDS_CUDA_CUDNN_CUDNN_LIBRARY_H

#include <cachedop/status.h>

/*
 * Opens libcudnn.so.9, once per process: where the loader finds it, else in the folder that the
 * environment variable CACHEDOP_CUDNN_DIR names (an absolute path). A millisecond, the first time.
 * NOT_FOUND: there is none; UNSUPPORTED: it is not cuDNN 9, or lacks a function. Every later call
 * answers the same. Safe from any thread.
 */
cop_status cop_cudnn_open(cop_error *error);

/* Such as 91900; 0 where it cannot be opened. Both open it if need be. */
int cop_cudnn_version(void);

/* Where it was found: a file name or a path; "" where it was not. */
const char *cop_cudnn_path(void);

#endif
