// SPDX-License-Identifier: Apache-2.0
/* What tests on scripted_cudnn.h begin and end with, and what they choose, run and measure. */
#ifndef TEST_CUDA_CUDNN_SCRIPTED_USE_H
#define TEST_CUDA_CUDNN_SCRIPTED_USE_H

#include "backends/cuda/cudnn/cudnn_execution.h"
#include "base/alloc.h"
#include "scripted_cudnn.h"
#include "support/unit.h"

static struct cudnn_session *session;
static cop_error error;
static bool device_is_dead;

static inline bool is_dead(void *user)
{
    return *(const bool *)user;
}

static const struct cudnn_session_options options = {
    .device_name = "a device", .is_dead = is_dead, .user = &device_is_dead};

static inline void begin(void)
{
    scripted_reset();
    device_is_dead = false;
    ck_assert_int_eq(cop_cudnn_session_create(&options, &session, &error), COP_STATUS_OK);
}

static inline void end(void)
{
    cop_cudnn_store_clear();
    cop_cudnn_session_destroy(session);
    ck_assert_int_eq(scripted.live_descriptors, 0);
    ck_assert_int_eq(scripted.live_handles, 0);
    ck_assert_int_eq(scripted.misuses, 0);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, 0);
}

static inline struct cudnn_convolution usual(enum cop_cudnn_type type)
{
    return (struct cudnn_convolution){
        .type = type,
        .src_is_nhwc = true,
        .dst_is_nhwc = true,
        .has_bias = true,
        .has_residual = true,
        .activation = COP_CUDNN_RELU,
        .spatial_rank = 2,
        .n = 1,
        .ic = 8,
        .oc = 8,
        .groups = 1,
        .src = {6, 6},
        .kernel = {3, 3},
        .strides = {1, 1},
        .dilations = {1, 1},
        .pads_begin = {1, 1},
        .pads_end = {1, 1},
    };
}

static inline cop_status choose_within(const struct cudnn_convolution *conv,
                                       const struct cudnn_limits *limits,
                                       const struct cudnn_trial *trial,
                                       const struct cudnn_choice **choice)
{
    return cop_cudnn_choose(session, conv, limits, trial, choice, &error);
}

static const struct cudnn_limits no_limits = {.workspace_bytes = 0};
static const struct cudnn_limits tight = {.workspace_bytes = 100, .most_workspace_bytes = 1000};

static inline cop_status measure(void *user, cop_status (*run)(void *argument, cop_error *error),
                                 void *argument, int64_t *ns, cop_error *run_error)
{
    (void)user;
    const int64_t before = scripted.clock_ns;
    const cop_status status = run(argument, run_error);
    *ns = scripted.clock_ns - before;
    return status;
}

static _Alignas(16) char memory[64];
#define POINTERS                                                                                   \
    {                                                                                              \
        .src = memory, .weights = memory + 16, .residual = memory, .bias = memory + 32,            \
        .dst = memory, .workspace = memory + 48                                                    \
    }
static const struct cudnn_pointers pointers = POINTERS;
static const struct cudnn_trial trial = {.pointers = POINTERS, .runs = 3, .measure = measure};

#endif
