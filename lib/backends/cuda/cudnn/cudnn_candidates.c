// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cudnn/cudnn_candidates.h"

#include "base/alloc.h"
#include "base/error.h"

#define MOST_NOTES          16
#define MOST_CONFIGURATIONS 512 /* of one mode; the longest list seen had 40 */

#define HAS(notes, number) (((notes) >> (number)&1) != 0)

/*
 * Results must not change from run to run, and sums stay float32, whatever the elements are. Exact
 * float32 also wants no tensor cores, which round the factors, and no transformation.
 */
static bool is_inexact(const struct cudnn_convolution *conv, uint32_t notes)
{
    const bool must_be_exact = conv->type == COP_CUDNN_F32 && !conv->allows_tf32;
    const bool is_rounded = HAS(notes, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC) ||
                            HAS(notes, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS) ||
                            HAS(notes, CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION);
    return is_rounded || (must_be_exact && (HAS(notes, CUDNN_NUMERICAL_NOTE_TENSOR_CORE) ||
                                            HAS(notes, CUDNN_NUMERICAL_NOTE_FFT) ||
                                            HAS(notes, CUDNN_NUMERICAL_NOTE_WINOGRAD) ||
                                            HAS(notes, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4) ||
                                            HAS(notes, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6) ||
                                            HAS(notes, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13)));
}

static enum candidate_class judge(const struct cudnn_candidates *candidates,
                                  const struct cudnn_candidate *candidate)
{
    const struct cudnn_limits *limits = candidates->limits;
    const uint64_t workspace = (uint64_t)candidate->workspace_bytes;
    const bool is_large = workspace > limits->workspace_bytes;
    if (HAS(candidate->behaviour_notes, CUDNN_BEHAVIOR_NOTE_REQUIRES_FILTER_INT8x32_REORDER) ||
        HAS(candidate->behaviour_notes, CUDNN_BEHAVIOR_NOTE_REQUIRES_BIAS_INT8x32_REORDER))
        return CANDIDATE_NEEDS_REORDER;
    if (is_inexact(candidates->conv, candidate->numerical_notes))
        return CANDIDATE_INEXACT;
    if (workspace > limits->most_workspace_bytes)
        return CANDIDATE_HUGE;
    if (!HAS(candidate->behaviour_notes, CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION))
        return is_large ? CANDIDATE_LARGE : CANDIDATE_SMALL;
    if (!limits->allows_compilation)
        return CANDIDATE_NEEDS_COMPILER;
    return is_large ? CANDIDATE_COMPILED_LARGE : CANDIDATE_COMPILED_SMALL;
}

/* Notes are small enumerators; a later version's beyond 31 are not known here and not asked for. */
static uint32_t as_bits(const int *notes, int64_t count)
{
    uint32_t bits = 0;
    for (int64_t i = 0; i < count && i < MOST_NOTES; i++)
        if (notes[i] >= 0 && notes[i] < 32)
            bits |= UINT32_C(1) << notes[i];
    return bits;
}

_Static_assert(sizeof(cudnnBackendNumericalNote_t) == sizeof(int) &&
                   sizeof(cudnnBackendBehaviorNote_t) == sizeof(int),
               "notes are read as int");

static cop_status read_engine(const struct cudnn_session *session, cudnnBackendDescriptor_t engine,
                              struct cudnn_candidate *candidate, cop_error *error)
{
    int notes[MOST_NOTES];
    int64_t count = 0;
    CUDNN_TRY(session, error, BackendGetAttribute, engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX,
              CUDNN_TYPE_INT64, 1, &count, &candidate->engine);
    count = 0;
    CUDNN_TRY(session, error, BackendGetAttribute, engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
              CUDNN_TYPE_NUMERICAL_NOTE, MOST_NOTES, &count, notes);
    candidate->numerical_notes = as_bits(notes, count);
    count = 0;
    CUDNN_TRY(session, error, BackendGetAttribute, engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE,
              CUDNN_TYPE_BEHAVIOR_NOTE, MOST_NOTES, &count, notes);
    candidate->behaviour_notes = as_bits(notes, count);
    return COP_STATUS_OK;
}

static cop_status read_config(const struct cudnn_session *session,
                              struct cudnn_candidate *candidate, cop_error *error)
{
    cudnnBackendDescriptor_t engine = NULL;
    int64_t count = 0;
    CUDNN_TRY(session, error, BackendGetAttribute, candidate->config,
              CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count,
              &candidate->workspace_bytes);
    CUDNN_TRY(session, error, BackendCreateDescriptor, CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine);
    cop_status status = cop_cudnn_status(
        session, "cudnnBackendGetAttribute", "engine",
        session->calls->BackendGetAttribute(candidate->config, CUDNN_ATTR_ENGINECFG_ENGINE,
                                            CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &engine),
        error);
    if (status == COP_STATUS_OK)
        status = read_engine(session, engine, candidate, error);
    session->calls->BackendDestroyDescriptor(engine);
    return status;
}

/* Appends empty configurations for the library to fill. */
static cop_status make_room(struct cudnn_candidates *candidates, int64_t count, cop_error *error)
{
    const struct cudnn_session *session = candidates->session;
    const size_t total = (size_t)candidates->count + (size_t)count;
    struct cudnn_candidate *entries =
        cop_realloc(candidates->entries, total, sizeof *candidates->entries);
    if (entries == NULL)
        return cop_fail_memory(error, "cuDNN's configurations", total * sizeof *entries);
    candidates->entries = entries;
    for (int64_t i = 0; i < count; i++) {
        CUDNN_TRY(session, error, BackendCreateDescriptor, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
                  &entries[candidates->count].config);
        candidates->count++;
    }
    return COP_STATUS_OK;
}

/* Drops those from `first` on. */
static void truncate(struct cudnn_candidates *candidates, int first)
{
    while (candidates->count > first)
        candidates->session->calls->BackendDestroyDescriptor(
            candidates->entries[--candidates->count].config);
}

static cop_status fetch(struct cudnn_candidates *candidates, cudnnBackendDescriptor_t heuristics,
                        cop_error *error)
{
    const struct cudnn_session *session = candidates->session;
    const int first = candidates->count;
    cudnnBackendDescriptor_t configs[MOST_CONFIGURATIONS];
    int64_t count = 0, filled = 0;
    CUDNN_TRY_FOR(session, "count of results", error, BackendGetAttribute, heuristics,
                  CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, NULL);
    if (count > MOST_CONFIGURATIONS)
        count = MOST_CONFIGURATIONS;
    if (count <= 0)
        return COP_STATUS_OK;
    COP_TRY(make_room(candidates, count, error));
    for (int64_t i = 0; i < count; i++)
        configs[i] = candidates->entries[first + i].config;
    CUDNN_TRY_FOR(session, "results", error, BackendGetAttribute, heuristics,
                  CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &filled,
                  configs);
    truncate(candidates, first + (int)(filled < count ? filled : count));
    for (int i = first; i < candidates->count; i++) {
        struct cudnn_candidate *candidate = &candidates->entries[i];
        COP_TRY(read_config(session, candidate, error));
        candidate->verdict = judge(candidates, candidate);
        candidates->verdict_counts[candidate->verdict]++;
    }
    return COP_STATUS_OK;
}

static cop_status describe(const struct cudnn_session *session, cudnnBackendDescriptor_t heuristics,
                           cudnnBackendDescriptor_t graph, cudnnBackendHeurMode_t mode,
                           cop_error *error)
{
    static const char what[] = "heuristics";
    CUDNN_TRY_FOR(session, what, error, BackendSetAttribute, heuristics,
                  CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph);
    CUDNN_TRY_FOR(session, what, error, BackendSetAttribute, heuristics, CUDNN_ATTR_ENGINEHEUR_MODE,
                  CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (session->handle == NULL)
        CUDNN_TRY_FOR(session, what, error, BackendSetAttribute, heuristics,
                      CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                      &session->properties);
    CUDNN_TRY_FOR(session, what, error, BackendFinalize, heuristics);
    return COP_STATUS_OK;
}

cop_status cop_cudnn_candidates_ask(struct cudnn_candidates *candidates,
                                    cudnnBackendDescriptor_t graph, cudnnBackendHeurMode_t mode,
                                    cop_error *error)
{
    const struct cudnn_session *session = candidates->session;
    const int first = candidates->count;
    cudnnBackendDescriptor_t heuristics = NULL;
    CUDNN_TRY_FOR(session, "heuristics", error, BackendCreateDescriptor,
                  CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, &heuristics);
    cop_status status = describe(session, heuristics, graph, mode, error);
    if (status == COP_STATUS_OK)
        status = fetch(candidates, heuristics, error);
    session->calls->BackendDestroyDescriptor(heuristics);
    if (status != COP_STATUS_OK)
        truncate(candidates, first);
    /* What it has nothing for it may refuse as a whole. */
    return status == COP_STATUS_UNSUPPORTED ? COP_STATUS_OK : status;
}

void cop_cudnn_candidates_clear(struct cudnn_candidates *candidates)
{
    truncate(candidates, 0);
    cop_free(candidates->entries);
    candidates->entries = NULL;
}
