// SPDX-License-Identifier: Apache-2.0
/* Choosing by measurement. */
#include <stdlib.h>

#include "backends/cuda/cudnn/cudnn_candidates.h"
#include "backends/cuda/cudnn/cudnn_execution.h"
#include "backends/cuda/cudnn/cudnn_planning.h"

#define MOST_RUNS 31

struct run {
    struct cudnn_execution *execution;
    const struct cudnn_pointers *pointers;
};

static cop_status run_once(void *argument, cop_error *error)
{
    const struct run *run = argument;
    return cop_cudnn_execution_run(run->execution, run->pointers, error);
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static cop_status median(const struct cudnn_trial *trial, struct run *run, int64_t *ns,
                         cop_error *error)
{
    int64_t times[MOST_RUNS];
    const int wanted = trial->runs > 0 ? trial->runs : 5;
    const int count = wanted < MOST_RUNS ? wanted : MOST_RUNS;
    COP_TRY(trial->measure(trial->user, run_once, run, &times[0], error)); /* loads the kernels */
    for (int i = 0; i < count; i++)
        COP_TRY(trial->measure(trial->user, run_once, run, &times[i], error));
    qsort(times, (size_t)count, sizeof *times, compare);
    *ns = times[count / 2];
    return COP_STATUS_OK;
}

static cop_status time_choice(struct cudnn_session *session, const struct cudnn_trial *trial,
                              struct cudnn_choice *choice, cop_error *error)
{
    struct run run = {.pointers = &trial->pointers};
    COP_TRY(cop_cudnn_execution_create(session, choice, &run.execution, error));
    const cop_status status = median(trial, &run, &choice->measured_ns, error);
    cop_cudnn_execution_destroy(run.execution);
    return status;
}

/* An engine that does not start leaves the others; a device or a memory that fails does not. */
static bool is_engines_own(cop_status status)
{
    return status == COP_STATUS_UNSUPPORTED || status == COP_STATUS_INTERNAL;
}

/* Later ones have to be clearly faster, so that noise seldom decides. */
static bool is_faster(const struct cudnn_choice *choice, const struct cudnn_choice *best)
{
    return best == NULL || choice->measured_ns < best->measured_ns - best->measured_ns / 50;
}

cop_status cop_cudnn_measure(struct cudnn_session *session,
                             const struct cudnn_candidates *candidates,
                             const struct cudnn_trial *trial, struct cudnn_choice **choice,
                             cop_error *error)
{
    int left = trial->most_configurations > 0 ? trial->most_configurations : 8;
    *choice = NULL;
    for (int i = 0; i < candidates->count && left > 0; i++) {
        struct cudnn_choice *made = NULL;
        if (candidates->entries[i].verdict != CANDIDATE_SMALL)
            continue;
        cop_status status =
            cop_cudnn_choice_of(session, candidates->conv, &candidates->entries[i], &made, error);
        if (status == COP_STATUS_OK) {
            status = time_choice(session, trial, made, error);
            left--;
        }
        if (status == COP_STATUS_OK && is_faster(made, *choice)) {
            struct cudnn_choice *slower = *choice;
            *choice = made;
            made = slower;
        }
        cop_cudnn_choice_release((const struct cudnn_choice **)&made);
        if (status != COP_STATUS_OK && !is_engines_own(status)) {
            cop_cudnn_choice_release((const struct cudnn_choice **)choice);
            return status;
        }
    }
    return COP_STATUS_OK;
}
