// SPDX-License-Identifier: Apache-2.0
#include "scripted_cudnn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/cuda/cudnn/cudnn_calls.h"

struct scripted_cudnn scripted;

struct descriptor {
    cudnnBackendDescriptorType_t type;
    bool is_finished, has_device;
    cudnnBackendHeurMode_t mode;
    const struct scripted_engine *engine;
    int64_t ids[5];
    void *pointers[5], *workspace;
    int pointer_count;
};

void scripted_reset(void)
{
    memset(&scripted, 0, sizeof scripted);
}

/* Counts the call; true: it is the one that fails. */
static bool is_failing(void)
{
    return ++scripted.calls == scripted.fail_at;
}

static void note_misuse(bool is_wrong)
{
    if (is_wrong)
        scripted.misuses++;
}

static size_t get_version(void)
{
    return 91900;
}

static const char *get_error_string(cudnnStatus_t status)
{
    (void)status;
    return "SCRIPTED_FAILURE";
}

static void get_last_error_string(char *message, size_t size)
{
    snprintf(message, size, "as the script says");
}

static cudnnStatus_t create(cudnnHandle_t *handle)
{
    if (is_failing())
        return scripted.failure;
    *handle = malloc(1);
    scripted.live_handles++;
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t destroy(cudnnHandle_t handle)
{
    free(handle);
    scripted.live_handles--;
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t set_stream(cudnnHandle_t handle, cudaStream_t stream)
{
    (void)handle, (void)stream;
    return is_failing() ? scripted.failure : CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t create_descriptor(cudnnBackendDescriptorType_t type,
                                       cudnnBackendDescriptor_t *descriptor)
{
    if (is_failing())
        return scripted.failure;
    struct descriptor *made = calloc(1, sizeof *made);
    made->type = type;
    *descriptor = made;
    scripted.live_descriptors++;
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t destroy_descriptor(cudnnBackendDescriptor_t descriptor)
{
    free(descriptor);
    scripted.live_descriptors--;
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t finalize(cudnnBackendDescriptor_t descriptor)
{
    struct descriptor *finished = descriptor;
    const bool is_plan = finished->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR;
    if (is_failing())
        return scripted.failure;
    note_misuse(finished->is_finished || (is_plan && !finished->has_device));
    if (finished->type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR) {
        scripted.heuristics_asked++;
        usleep((unsigned)scripted.choosing_us);
    }
    if (is_plan && finished->engine == NULL)
        return CUDNN_STATUS_BAD_PARAM;
    if (is_plan && finished->engine->plan_status != CUDNN_STATUS_SUCCESS)
        return finished->engine->plan_status;
    finished->is_finished = true;
    return CUDNN_STATUS_SUCCESS;
}

/* The engine that a plan's text names. */
static const struct scripted_engine *engine_of_text(const char *text, int64_t length)
{
    char copy[128];
    int64_t index = 0;
    snprintf(copy, sizeof copy, "%.*s", (int)length, text);
    const char *found = strstr(copy, "\"engineId\":");
    if (found != NULL)
        index = strtoll(found + strlen("\"engineId\":"), NULL, 10);
    for (int i = 0; index != 0 && i < SCRIPTED_MOST_ENGINES; i++) {
        if (scripted.mode_a[i].index == index)
            return &scripted.mode_a[i];
        if (scripted.fallback[i].index == index)
            return &scripted.fallback[i];
    }
    return NULL;
}

static void set(struct descriptor *descriptor, cudnnBackendAttributeName_t name, int64_t count,
                const void *values)
{
    switch ((int)name) {
    case CUDNN_ATTR_ENGINEHEUR_MODE:
        descriptor->mode = *(const cudnnBackendHeurMode_t *)values;
        break;
    case CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG:
        descriptor->engine = (*(struct descriptor *const *)values)->engine;
        break;
    case CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION:
        descriptor->engine = engine_of_text(values, count);
        break;
    case CUDNN_ATTR_EXECUTION_PLAN_HANDLE:
    case CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP:
        descriptor->has_device = *(void *const *)values != NULL;
        break;
    case CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS:
        memcpy(descriptor->ids, values, (size_t)count * sizeof *descriptor->ids);
        break;
    case CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS:
        memcpy(descriptor->pointers, values, (size_t)count * sizeof *descriptor->pointers);
        descriptor->pointer_count = (int)count;
        break;
    case CUDNN_ATTR_VARIANT_PACK_WORKSPACE:
        descriptor->workspace = *(void *const *)values;
        scripted.packs_made++;
        break;
    default:
        break;
    }
}

static cudnnStatus_t set_attribute(cudnnBackendDescriptor_t descriptor,
                                   cudnnBackendAttributeName_t name,
                                   cudnnBackendAttributeType_t type, int64_t count,
                                   const void *values)
{
    struct descriptor *changed = descriptor;
    if (is_failing())
        return scripted.failure;
    note_misuse(changed->is_finished);
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
        for (int64_t i = 0; i < count; i++) {
            const struct descriptor *used = ((struct descriptor *const *)values)[i];
            const bool is_made_by_heuristics = used->type == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR;
            note_misuse(!used->is_finished && !is_made_by_heuristics);
        }
    set(changed, name, count, values);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t give_results(const struct descriptor *heuristics, int64_t room, int64_t *count,
                                  cudnnBackendDescriptor_t *configs)
{
    const struct scripted_engine *engines =
        heuristics->mode == CUDNN_HEUR_MODE_A ? scripted.mode_a : scripted.fallback;
    int64_t there = 0;
    while (there < SCRIPTED_MOST_ENGINES && engines[there].index != 0)
        there++;
    *count = room == 0 ? there + 3 : there; /* asked for room, it only gives an upper bound */
    for (int64_t i = 0; i < room && i < there; i++)
        ((struct descriptor *)configs[i])->engine = &engines[i];
    return CUDNN_STATUS_SUCCESS;
}

static int64_t give_notes(uint32_t bits, int64_t room, int *notes)
{
    int64_t count = 0;
    for (int i = 0; i < 32; i++)
        if ((bits >> i & 1) != 0 && count < room)
            notes[count++] = i;
    return count;
}

static int64_t give_text(const struct descriptor *plan, int64_t room, char *text)
{
    char all[128];
    const int length = snprintf(all, sizeof all,
                                "{\"operationGraph\":{\"finalizeMode\":\"CONV_ADD_BIAS_ACT\"},"
                                "\"engine\":{\"engineId\":%" PRId64 "}}",
                                plan->engine->index);
    if (room > 0)
        memcpy(text, all, (size_t)(room < length ? room : length));
    return length;
}

static cudnnStatus_t get_attribute(cudnnBackendDescriptor_t descriptor,
                                   cudnnBackendAttributeName_t name,
                                   cudnnBackendAttributeType_t type, int64_t room, int64_t *count,
                                   void *values)
{
    const struct descriptor *asked = descriptor;
    (void)type;
    if (is_failing())
        return scripted.failure;
    *count = 1;
    switch ((int)name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS:
        note_misuse(!asked->is_finished);
        return give_results(asked, room, count, values);
    case CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE:
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
        *(int64_t *)values = asked->engine->workspace_bytes;
        break;
    case CUDNN_ATTR_ENGINECFG_ENGINE:
        (*(struct descriptor **)values)->engine = asked->engine;
        break;
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
        *(int64_t *)values = asked->engine->index;
        break;
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
        *count = give_notes(asked->engine->numerical_notes, room, values);
        break;
    case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE:
        *count = give_notes(asked->engine->behaviour_notes, room, values);
        break;
    case CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION:
        *count = give_text(asked, room, values);
        break;
    default:
        return CUDNN_STATUS_BAD_PARAM;
    }
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t execute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                             cudnnBackendDescriptor_t pack)
{
    const struct descriptor *run = plan, *with = pack;
    if (is_failing())
        return scripted.failure;
    note_misuse(handle == NULL || !run->is_finished || !with->is_finished);
    memcpy(scripted.last_ids, with->ids, sizeof with->ids);
    memcpy(scripted.last_pointers, with->pointers, sizeof with->pointers);
    scripted.last_pointer_count = with->pointer_count;
    scripted.last_workspace = with->workspace;
    scripted.last_engine = run->engine->index;
    scripted.clock_ns += run->engine->run_ns;
    scripted.runs++;
    return run->engine->run_status;
}

cop_status cop_cudnn_calls(const struct cudnn_calls **calls, cop_error *error)
{
    static const struct cudnn_calls scripted_calls = {
        .GetVersion = get_version,
        .GetErrorString = get_error_string,
        .GetLastErrorString = get_last_error_string,
        .Create = create,
        .Destroy = destroy,
        .SetStream = set_stream,
        .BackendCreateDescriptor = create_descriptor,
        .BackendDestroyDescriptor = destroy_descriptor,
        .BackendFinalize = finalize,
        .BackendSetAttribute = set_attribute,
        .BackendGetAttribute = get_attribute,
        .BackendExecute = execute,
    };
    (void)error;
    *calls = &scripted_calls;
    return COP_STATUS_OK;
}

int cop_cudnn_version(void)
{
    return 91900;
}
