// SPDX-License-Identifier: Apache-2.0
/*
 * How tests steer the emulated libcudnn.so.9 and libcublasLt.so.13, which say through
 * cop_fake_cuda_violation what they are given that they must not be. Each library exports its own
 * copy of these functions under its name: cop_fake_cudnn_… and cop_fake_cublaslt_…; find them by
 * dlsym. The environment sets the same when a library is first used:
 * COP_FAKE_CUDNN_FAIL=function:n:status (COP_FAKE_CUBLASLT_FAIL), COP_FAKE_CUDNN_VERSION,
 * COP_FAKE_CUBLASLT_VERSION, COP_FAKE_CUDNN_REFUSE=1, COP_FAKE_CUBLASLT_REFUSE=1,
 * COP_FAKE_CUDNN_FAIL_PLANS=n.
 *
 * Thread-safety: before threads use the library.
 */
#ifndef TEST_CUDA_FAKE_LIBRARIES_FAKE_LIBRARIES_H
#define TEST_CUDA_FAKE_LIBRARIES_FAKE_LIBRARIES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The n-th call from now of `function` ("cudnnCreate"; NULL: of any) answers `status`; n of 0:
 * none does. */
void cop_fake_cudnn_fail(const char *function, uint64_t n, int status);
void cop_fake_cublaslt_fail(const char *function, uint64_t n, int status);
/* What the library says it is, and what the plans of others must be for it. */
void cop_fake_cudnn_version(size_t version);
void cop_fake_cublaslt_version(size_t version);
/* Whether there is no configuration, no algorithm, for anything. */
void cop_fake_cudnn_refuse(int refuses);
void cop_fake_cublaslt_refuse(int refuses);
/* So many of the next plans cannot be compiled. */
void cop_fake_cudnn_fail_plans(uint64_t count);

/* Objects that exist: handles and descriptors. */
size_t cop_fake_cudnn_live(void);
size_t cop_fake_cublaslt_live(void);

#ifdef __cplusplus
}
#endif

#endif
