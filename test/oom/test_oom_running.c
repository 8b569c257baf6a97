// SPDX-License-Identifier: Apache-2.0
/* Operators are invoked, and everything else that a program does with them, while allocations
 * fail. */
#define _GNU_SOURCE
#include "oom/allocation_faults.h"
#include "support/behind/behind_control.h"
#include "support/tiny_models.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The classifier on a device, with an input and room for its scores. */
static void prepare_op(struct stage *stage)
{
    static const int64_t image[] = {1, 3, 12, 12};
    stage->model = tiny_classifier(5);
    stage->op = compile_on(stage->model, *(const cop_device_kind *)stage->argument);
    stage->src = random_array(4, image, 4);
}

static void use_made(struct stage *stage)
{
    stage->digest = digest_of(stage->made);
}

static cop_status reshape(struct stage *stage, cop_error *error)
{
    const cop_input_shape two = {"data", 4, {2, -1, -1, -1}};
    const cop_status status = cop_cached_op_reshape(stage->op, &two, 1, &stage->made, NULL, error);
    require_result(status, stage->made, "an operator");
    return status;
}

/* ---- Invoking ---- */

static cop_status warm_up(struct stage *stage, cop_error *error)
{
    return cop_cached_op_warm_up(stage->op, 3, error);
}

static uint64_t digest_array(const cop_ndarray *array)
{
    uint64_t digest = 1;
    const unsigned char *bytes = cop_ndarray_data(array);
    for (size_t i = 0; i < cop_ndarray_bytes(array); i++)
        digest = (digest ^ bytes[i]) * UINT64_C(1099511628211);
    return digest | 1;
}

static cop_status finish_invoke(struct stage *stage, cop_status status)
{
    require_result(status, stage->dst, "an output");
    if (status == COP_STATUS_OK)
        stage->digest = digest_array(stage->dst);
    return status;
}

static cop_status invoke(struct stage *stage, cop_error *error)
{
    return finish_invoke(stage, cop_invoke(stage->op, 1, &stage->src, 1, &stage->dst, NULL, error));
}

static cop_status invoke_profiled(struct stage *stage, cop_error *error)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_status status = COP_STATUS_OK;
    if (stage->trace == NULL)
        status = cop_trace_create(0, &stage->trace, error);
    if (status == COP_STATUS_OK && stage->profile == NULL)
        status = cop_profile_create(&stage->profile, error);
    if (status != COP_STATUS_OK)
        return status;
    options.trace = stage->trace, options.profile = stage->profile;
    return finish_invoke(stage,
                         cop_invoke(stage->op, 1, &stage->src, 1, &stage->dst, &options, error));
}

/* An array that a failed invocation left behind is written in line. */
static void prepare_failed_array(struct stage *stage)
{
    static const int64_t scores[] = {1, 5};
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    prepare_op(stage);
    stage->extra = zero_array(2, scores);
    options.timeout_ns = 0;
    require(cop_invoke_async(stage->op, 1, &stage->src, 1, &stage->extra, &options, NULL) ==
                    COP_STATUS_OK &&
                cop_ndarray_wait(stage->extra, COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_TIMEOUT,
            "no failed array");
}

static cop_status invoke_in_line(struct stage *stage, cop_error *error)
{
    const cop_status status = cop_invoke(stage->op, 1, &stage->src, 1, &stage->extra, NULL, error);
    if (status == COP_STATUS_OK)
        stage->digest = digest_array(stage->extra);
    return status;
}

/* Waits twice, which must say the same. */
static cop_status wait_for(cop_ndarray *array, cop_error *error)
{
    cop_error again = {COP_STATUS_OK, ""};
    const cop_status status = cop_ndarray_wait(array, COP_NO_TIMEOUT, NULL, error);
    require(cop_ndarray_wait(array, COP_NO_TIMEOUT, NULL, &again) == status, "another status");
    require(status == COP_STATUS_OK || strcmp(again.message, error->message) == 0, "another text");
    return status;
}

/* Two invocations, the second of what the first makes. */
static cop_status invoke_async(struct stage *stage, cop_error *error)
{
    cop_ndarray *between = NULL;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    options.trace = stage->trace;
    cop_status status = cop_invoke_async(stage->op, 1, &stage->src, 1, &between, &options, error);
    require_result(status, between, "an output");
    if (status != COP_STATUS_OK)
        return status;
    status = cop_invoke_async(stage->made, 1, &between, 1, &stage->dst, &options, error);
    require_result(status, stage->dst, "an output");
    cop_ndarray_release(&between);
    if (status == COP_STATUS_OK)
        status = wait_for(stage->dst, error);
    if (status == COP_STATUS_OK)
        status = cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, error);
    if (status != COP_STATUS_OK)
        cop_ndarray_release(&stage->dst);
    const cop_status all = cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL);
    require(status != COP_STATUS_OK || all == COP_STATUS_OK, "a failure that no wait reported");
    return status == COP_STATUS_OK ? finish_invoke(stage, status) : status;
}

static void prepare_chain(struct stage *stage)
{
    const cop_input_shape five = {NULL, 2, {1, 5}};
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    prepare_op(stage);
    cop_model *relu = tiny_relu();
    options.device.kind = COP_DEVICE_REF;
    options.input_shapes = &five, options.input_shape_count = 1;
    require(cop_cached_op_create(relu, &options, &stage->made, NULL) == COP_STATUS_OK, "no relu");
    cop_model_release(&relu);
    require(cop_trace_create(0, &stage->trace, NULL) == COP_STATUS_OK, "no trace");
    require(cop_set_worker_threads(2, NULL) == COP_STATUS_OK, "no workers");
}

/* Takes what the queue gets, once the invocation is done. */
static void take_completion(cop_completion_queue *queue, cop_status expected)
{
    cop_completion done;
    struct pollfd wanted = {cop_completion_queue_fd(queue), POLLIN, 0};
    require(poll(&wanted, 1, 20000) == 1, "no completion");
    require(cop_completion_queue_next(queue, &done, NULL) == COP_STATUS_OK, "an empty queue");
    require(done.outcome.status == expected, "another outcome than the array's");
}

/* With a token, a deadline, a queue and a chosen output. */
static cop_status invoke_told(struct stage *stage, cop_error *error)
{
    static const size_t first = 0;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_cancel *cancel = NULL;
    cop_completion_queue *queue = NULL;
    cop_status status = cop_cancel_create(&cancel, error);
    require_result(status, cancel, "a token");
    if (status == COP_STATUS_OK) {
        status = cop_completion_queue_create(&queue, error);
        require_result(status, queue, "a queue");
    }
    if (status == COP_STATUS_OK) {
        options.cancel = cancel, options.completions = queue;
        options.timeout_ns = INT64_C(60000000000);
        options.outputs = &first, options.output_count = 1;
        status = cop_invoke_async(stage->op, 1, &stage->src, 1, &stage->dst, &options, error);
        require_result(status, stage->dst, "an output");
    }
    if (status == COP_STATUS_OK) {
        status = wait_for(stage->dst, error);
        take_completion(queue, status);
        if (status != COP_STATUS_OK)
            cop_ndarray_release(&stage->dst);
    }
    cop_cancel_release(&cancel);
    cop_completion_queue_release(&queue);
    (void)!cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL);
    return finish_invoke(stage, status);
}

static void count_call(void *calls, const cop_error *outcome)
{
    (void)outcome;
    atomic_fetch_add((_Atomic int *)calls, 1);
}

/* With a callback, which comes if and only if the call was taken. */
static cop_status invoke_called_back(struct stage *stage, cop_error *error)
{
    _Atomic int calls = 0;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    options.on_done = count_call, options.user = &calls;
    cop_status status =
        cop_invoke_async(stage->op, 1, &stage->src, 1, &stage->dst, &options, error);
    require_result(status, stage->dst, "an output");
    if (status == COP_STATUS_OK) {
        status = wait_for(stage->dst, error);
        for (int i = 0; i < 20000 && atomic_load(&calls) == 0; i++)
            usleep(1000);
        require(atomic_load(&calls) == 1, "no call");
        if (status != COP_STATUS_OK)
            cop_ndarray_release(&stage->dst);
    }
    (void)!cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL);
    return finish_invoke(stage, status);
}

static void prepare_threads(struct stage *stage)
{
    prepare_op(stage);
    require(cop_set_worker_threads(2, NULL) == COP_STATUS_OK, "no workers");
}

static cop_status trim(struct stage *stage, cop_error *error)
{
    cop_status status = cop_cached_op_trim(stage->op, 0, NULL, error);
    return status == COP_STATUS_OK ? invoke(stage, error) : status;
}

/* ---- The rest ---- */

static void ignore_memory(void *user, void *memory)
{
    (void)memory;
    ++*(int *)user;
}

static cop_status make_arrays(struct stage *stage, cop_error *error)
{
    static const int64_t shape[] = {4, 4}, four[] = {4};
    static float memory[16];
    static int count;
    cop_wrap_options options = COP_WRAP_OPTIONS_INIT;
    options.release = ignore_memory, options.user = &count;
    count = 0;
    cop_status status = cop_ndarray_create(COP_DTYPE_FLOAT32, 2, shape, &stage->src, error);
    if (status == COP_STATUS_OK)
        status = cop_ndarray_view(stage->src, 16, COP_DTYPE_FLOAT32, 1, four, &stage->dst, error);
    if (status == COP_STATUS_OK)
        status =
            cop_ndarray_wrap(memory, COP_DTYPE_FLOAT32, 2, shape, &options, &stage->extra, error);
    require(status != COP_STATUS_OK || (stage->dst != NULL && stage->extra != NULL), "NULL");
    require(status == COP_STATUS_OK || stage->extra == NULL, "an array with an error");
    require(count == 0, "memory released that was not taken");
    if (status != COP_STATUS_OK)
        cop_ndarray_release(&stage->src), cop_ndarray_release(&stage->dst);
    return status;
}

static cop_status make_on_device(struct stage *stage, cop_error *error)
{
    static const int64_t shape[] = {4, 4};
    cop_status status = cop_ndarray_create_in(BEHIND_DEVICE, COP_MEMORY_DEVICE, COP_DTYPE_FLOAT32,
                                              2, shape, &stage->src, error);
    require_result(status, stage->src, "an array on the device");
    if (status == COP_STATUS_OK)
        status = cop_ndarray_create_in(BEHIND_DEVICE, COP_MEMORY_PINNED, COP_DTYPE_FLOAT32, 2,
                                       shape, &stage->dst, error);
    if (status == COP_STATUS_OK)
        status = cop_ndarray_copy(stage->src, stage->dst, error);
    if (status != COP_STATUS_OK)
        cop_ndarray_release(&stage->src), cop_ndarray_release(&stage->dst);
    return status;
}

static cop_status print_plans(struct stage *stage, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (int format = COP_PLAN_FORMAT_TEXT; format <= COP_PLAN_FORMAT_JSON; format++) {
        cop_text_release(&stage->text);
        if (status == COP_STATUS_OK)
            status =
                cop_cached_op_print_plan(stage->op, (cop_plan_format)format, &stage->text, error);
        require_result(status, stage->text, "a text");
    }
    return status;
}

static cop_status ask_for_an_unknown_name(struct stage *stage, cop_error *error)
{
    size_t index;
    return cop_cached_op_find_input(stage->op, "nothing", &index, error);
}

static void prepare_trace(struct stage *stage)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    prepare_op(stage);
    require(cop_trace_create(0, &stage->trace, NULL) == COP_STATUS_OK, "no trace");
    options.trace = stage->trace;
    require(cop_invoke(stage->op, 1, &stage->src, 1, &stage->dst, &options, NULL) == COP_STATUS_OK,
            "no invoke");
    snprintf(stage->path, sizeof stage->path, "%s/trace.json", scratch_folder());
    write_file(stage->path, "old", 3);
}

static cop_status write_trace(struct stage *stage, cop_error *error)
{
    return cop_trace_write(stage->trace, stage->path, error);
}

#define WITH_OP(title, what, before, tested, for_kinds)                                            \
    {                                                                                              \
        .name = title, .argument = what, .prepare = before, .act = tested, .kinds = for_kinds,     \
        .least = 1                                                                                 \
    }

static const cop_device_kind cpu = COP_DEVICE_CPU, ref = COP_DEVICE_REF, gpu = COP_DEVICE_GPU;

static const struct scenario scenarios[] = {
    {.name = "an operator is reshaped on cpu",
     .argument = &cpu,
     .prepare = prepare_op,
     .act = reshape,
     .finish = use_made,
     .kinds = USUAL,
     .least = 1},
    {.name = "an operator is reshaped on ref",
     .argument = &ref,
     .prepare = prepare_op,
     .act = reshape,
     .finish = use_made,
     .kinds = USUAL | PLAIN,
     .least = 1},
    WITH_OP("an operator is warmed up on cpu", &cpu, prepare_op, warm_up, USUAL),
    {.name = "an operator is reshaped on a device with memory",
     .argument = &gpu,
     .prepare = prepare_op,
     .act = reshape,
     .finish = use_made,
     .kinds = USUAL,
     .least = 1},
    WITH_OP("an operator is warmed up on ref", &ref, prepare_op, warm_up, USUAL | PLAIN),
    WITH_OP("an operator is warmed up on a device with memory", &gpu, prepare_op, warm_up, USUAL),
    WITH_OP("an operator is invoked on cpu", &cpu, prepare_op, invoke, USUAL),
    WITH_OP("an operator is invoked on ref", &ref, prepare_op, invoke, USUAL | PLAIN),
    WITH_OP("an operator is invoked on a device with memory", &gpu, prepare_op, invoke, USUAL),
    WITH_OP("an invoke is profiled on cpu", &cpu, prepare_op, invoke_profiled, USUAL),
    WITH_OP("an invoke is profiled on ref", &ref, prepare_op, invoke_profiled, USUAL | PLAIN),
    WITH_OP("an invoke is profiled on a device with memory", &gpu, prepare_op, invoke_profiled,
            USUAL),
    WITH_OP("an invoke stands in line", &ref, prepare_failed_array, invoke_in_line, USUAL | PLAIN),
    WITH_OP("operators are invoked asynchronously on cpu", &cpu, prepare_chain, invoke_async,
            USUAL | THREADED),
    WITH_OP("operators are invoked asynchronously on ref", &ref, prepare_chain, invoke_async,
            USUAL | THREADED),
    WITH_OP("operators are invoked asynchronously on a device with memory", &gpu, prepare_chain,
            invoke_async, USUAL),
    WITH_OP("an invocation reports to a queue on cpu", &cpu, prepare_threads, invoke_told,
            USUAL | THREADED),
    WITH_OP("an invocation reports to a queue on ref", &ref, prepare_threads, invoke_told,
            USUAL | THREADED),
    WITH_OP("an invocation reports to a queue on a device with memory", &gpu, prepare_threads,
            invoke_told, USUAL),
    WITH_OP("an invocation is called back", &ref, prepare_threads, invoke_called_back,
            USUAL | THREADED),
    WITH_OP("a trimmed operator is invoked", &cpu, prepare_op, trim, USUAL),
    WITH_OP("arrays are made, viewed and wrapped", NULL, NULL, make_arrays, USUAL | PLAIN),
    WITH_OP("an array is made on a device and copied", NULL, NULL, make_on_device, USUAL),
    WITH_OP("a plan is printed", &cpu, prepare_op, print_plans, USUAL | PLAIN),
    {.name = "an unknown name is asked for",
     .argument = &ref,
     .prepare = prepare_op,
     .act = ask_for_an_unknown_name,
     .expected = COP_STATUS_NOT_FOUND,
     .kinds = USUAL | PLAIN,
     .least = 1},
    WITH_OP("a trace is written", &ref, prepare_trace, write_trace, USUAL | PLAIN),
};

int main(int argc, char **argv)
{
    behind_reset(behind_open());
    return fail_allocations(scenarios, COUNT(scenarios), argc, argv);
}
