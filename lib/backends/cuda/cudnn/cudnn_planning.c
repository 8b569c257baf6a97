// SPDX-License-Identifier: Apache-2.0
/* Which engine runs a convolution: the first that is wanted and whose plan can be made. */
#include "backends/cuda/cudnn/cudnn_planning.h"

#include "backends/cuda/cudnn/cudnn_builder.h"
#include "backends/cuda/cudnn/cudnn_candidates.h"
#include "base/error.h"

struct planning {
    struct cudnn_session *session;
    const struct cudnn_trial *trial;
    struct cudnn_candidates candidates;
    int failed_plans;
    cop_error *error;
};

/* What is no property of one configuration ends the search. */
static bool is_final(cop_status status)
{
    return status == COP_STATUS_OUT_OF_MEMORY || status == COP_STATUS_OUT_OF_DEVICE_MEMORY ||
           status == COP_STATUS_DEVICE_FAILED;
}

/* The first of a class, from `first` on; *choice stays NULL where there is none. */
static cop_status take_first(struct planning *planning, enum candidate_class wanted, int first,
                             struct cudnn_choice **choice)
{
    const struct cudnn_candidates *candidates = &planning->candidates;
    for (int i = first; i < candidates->count; i++) {
        if (candidates->entries[i].verdict != wanted)
            continue;
        const cop_status status = cop_cudnn_choice_of(
            planning->session, candidates->conv, &candidates->entries[i], choice, planning->error);
        if (status == COP_STATUS_OK || is_final(status))
            return status;
        planning->failed_plans++;
    }
    return COP_STATUS_OK;
}

static cop_status explain(const struct planning *planning)
{
    const struct cudnn_candidates *candidates = &planning->candidates;
    const int *counts = candidates->verdict_counts;
    return cop_fail(planning->error, COP_STATUS_UNSUPPORTED,
                    "cuDNN: no engine suits: of %d configurations, %d compute less exactly than "
                    "asked for, %d need more than %zu MiB of workspace, %d would be compiled at "
                    "run time, %d want weights in another order, %d could not be made",
                    candidates->count, counts[CANDIDATE_INEXACT], counts[CANDIDATE_HUGE],
                    candidates->limits->most_workspace_bytes >> 20,
                    counts[CANDIDATE_NEEDS_COMPILER], counts[CANDIDATE_NEEDS_REORDER],
                    planning->failed_plans);
}

/*
 * Mode A is cuDNN's model of what is fast. The fallback lists everything there is, and is asked
 * only where the first has nothing that is compiled beforehand and small.
 */
static cop_status search(struct planning *planning, cudnnBackendDescriptor_t graph,
                         struct cudnn_choice **choice)
{
    static const cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK};
    struct cudnn_candidates *candidates = &planning->candidates;
    for (int i = 0; i < 2; i++) {
        const int first = candidates->count;
        COP_TRY(cop_cudnn_candidates_ask(candidates, graph, modes[i], planning->error));
        if (planning->trial != NULL)
            COP_TRY(cop_cudnn_measure(planning->session, candidates, planning->trial, choice,
                                      planning->error));
        if (*choice == NULL)
            COP_TRY(take_first(planning, CANDIDATE_SMALL, first, choice));
        if (*choice != NULL)
            return COP_STATUS_OK;
    }
    for (int wanted = CANDIDATE_LARGE; wanted < CANDIDATE_CLASS_COUNT; wanted++) {
        COP_TRY(take_first(planning, wanted, 0, choice));
        if (*choice != NULL)
            return COP_STATUS_OK;
    }
    return explain(planning);
}

cop_status cop_cudnn_plan(struct cudnn_session *session,
                          const struct cudnn_convolution *convolution,
                          const struct cudnn_limits *limits, const struct cudnn_trial *trial,
                          struct cudnn_choice **choice, cop_error *error)
{
    struct cudnn_builder builder = {.session = session, .error = error};
    struct planning planning = {
        .session = session,
        .trial = trial,
        .candidates = {.session = session, .conv = convolution, .limits = limits},
        .error = error,
    };
    *choice = NULL;
    cudnnBackendDescriptor_t graph = cop_cudnn_describe_convolution(&builder, convolution);
    cop_status status = builder.status;
    if (status == COP_STATUS_OK)
        status = search(&planning, graph, choice);
    if (*choice != NULL)
        (*choice)->tried = planning.failed_plans;
    cop_cudnn_candidates_clear(&planning.candidates);
    cop_cudnn_builder_clear(&builder);
    return status;
}
