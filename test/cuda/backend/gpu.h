// SPDX-License-Identifier: Apache-2.0
/* What all tests of the CUDA backend on the emulated runtime begin and end with. */
#ifndef TEST_CUDA_BACKEND_GPU_H
#define TEST_CUDA_BACKEND_GPU_H

#include <string.h>

#include <fake_cuda.h>

#include <cachedop/cachedop.h>

#include "support/tiny_models.h"
#include "support/unit.h"

/* Of tiny_classifier. */
#define SCORES 5
extern const int64_t image_shape[4];

/* Fixtures of each test, which is a process of its own. After it: no violation, nothing queued, and
 * of what it took of the runtime nothing is left but device memory that the backend keeps. */
void open_gpus(void);
void close_gpus(void);

/* Once everything is released: the engine lets go of operators a moment after their last wait. */
void settle(void);

/* Opens the module as open_gpus does, without its settings of the runtime. */
void load_emulated_module(void);

/* Own kernels, exact, on gpu:`index`. */
cop_cached_op_options gpu_options(int index);
/* Fails the test unless it compiles, or runs. */
cop_cached_op *compile(cop_model *model, const cop_cached_op_options *options);
cop_cached_op *compile_gpu(cop_model *model, int index);
cop_ndarray *invoke(cop_cached_op *op, cop_ndarray *src);
void invoke_into(cop_cached_op *op, cop_ndarray *src, cop_ndarray *dst);
cop_ndarray *array_in(int index, cop_memory memory, int rank, const int64_t *shape);
/* A copy on the host, for elements to look at. */
cop_ndarray *on_host(cop_ndarray *array);

bool same_bits(const cop_ndarray *a, const cop_ndarray *b);
/* The largest difference, of the largest value of `expected`. */
double difference(const cop_ndarray *expected, const cop_ndarray *array);

struct cop_fake_cuda_counters counters(void);
/* Blocks of device memory that the backend handed out and did not get back: 0 once all operators
 * and arrays are gone. `op` is any operator of the device, which stays open afterwards. */
void remember_device(const cop_cached_op *op);
size_t handed_out(void);

#define EXPECT_OK(call)                                                                            \
    do {                                                                                           \
        cop_error *const error_ = &(cop_error){COP_STATUS_OK, ""};                                 \
        const cop_status status_ = (call);                                                         \
        ck_assert_msg(status_ == COP_STATUS_OK, "%s: %s", #call, error_->message);                 \
    } while (0)

#endif
