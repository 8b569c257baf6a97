// SPDX-License-Identifier: Apache-2.0
/* Choosing an engine for a convolution, without the process's store; and what a plan is made from.
 */
#ifndef BACKENDS_CUDA_CUDNN_CUDNN_PLANNING_H
#define BACKENDS_CUDA_CUDNN_CUDNN_PLANNING_H

#include "backends/cuda/cudnn/cudnn_calls.h"
#include "backends/cuda/cudnn/cudnn_convolution.h"

/* As cop_cudnn_choose. The geometry is checked, the limits are filled in, trial may be NULL. */
cop_status cop_cudnn_plan(struct cudnn_session *session,
                          const struct cudnn_convolution *convolution,
                          const struct cudnn_limits *limits, const struct cudnn_trial *trial,
                          struct cudnn_choice **choice, cop_error *error);

/*
 * Many trailing pads give the same result where windows do not end at the last element. Takes one
 * like the leading pad if it may, since few engines know others, else the least that is none below
 * zero. False: no convolution, or one that leaves out the end of src.
 */
bool cop_cudnn_settle_pads(struct cudnn_convolution *convolution);

/*
 * A plan from either an engine's configuration or a choice's text. It says for which device it is:
 * a text without that would crash cuDNN. NULL after a failure.
 */
cop_status cop_cudnn_plan_of_config(const struct cudnn_session *session,
                                    cudnnBackendDescriptor_t config, cudnnBackendDescriptor_t *plan,
                                    cop_error *error);
cop_status cop_cudnn_plan_of_text(const struct cudnn_session *session, const char *text,
                                  size_t bytes, cudnnBackendDescriptor_t *plan, cop_error *error);

/* The fastest of those candidates that are compiled beforehand and small; *choice stays NULL where
 * there is none. */
struct cudnn_candidates;
cop_status cop_cudnn_measure(struct cudnn_session *session,
                             const struct cudnn_candidates *candidates,
                             const struct cudnn_trial *trial, struct cudnn_choice **choice,
                             cop_error *error);

/* The choice that a candidate is; UNSUPPORTED where its plan cannot be made: ask the next one. */
struct cudnn_candidate;
cop_status cop_cudnn_choice_of(const struct cudnn_session *session,
                               const struct cudnn_convolution *convolution,
                               const struct cudnn_candidate *candidate,
                               struct cudnn_choice **choice, cop_error *error);

#endif
