// SPDX-License-Identifier: Apache-2.0
/* The emulated cuDNN: a convolution with bias and relu, from the descriptors to its result. */
#include <cudnn.h>
#include <pthread.h>

#include "fake_libraries/fake_libraries.h"
#include "fake_runtime/jobs.h"
#include "support/unit.h"

enum { SRC = 1, WEIGHTS, BIAS, DST, FIRST_VIRTUAL = 100, SIZE = 4 };

/* All that tests made, for the end. */
static cudnnBackendDescriptor_t descriptors[4096];
static cudnnHandle_t handles[16];
static int descriptor_count, handle_count;

static cudnnBackendDescriptor_t make(cudnnBackendDescriptorType_t type)
{
    cudnnBackendDescriptor_t made;
    OK(cudnnBackendCreateDescriptor(type, &made));
    ck_assert_int_lt(descriptor_count, (int)(sizeof descriptors / sizeof *descriptors));
    descriptors[descriptor_count++] = made;
    return made;
}

static void destroy(cudnnBackendDescriptor_t old)
{
    for (int i = 0; i < descriptor_count; i++)
        if (descriptors[i] == old)
            descriptors[i] = NULL;
    OK(cudnnBackendDestroyDescriptor(old));
}

static cudnnHandle_t make_handle(void)
{
    OK(cudnnCreate(&handles[handle_count]));
    return handles[handle_count++];
}

static void end(void)
{
    for (int i = 0; i < descriptor_count; i++)
        OK(cudnnBackendDestroyDescriptor(descriptors[i]));
    for (int i = 0; i < handle_count; i++)
        OK(cudnnDestroy(handles[i]));
    ck_assert_uint_eq(cop_fake_cudnn_live(), 0);
    cop_fake_cuda_reset();
}

static void set(cudnnBackendDescriptor_t to, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *values)
{
    OK(cudnnBackendSetAttribute(to, name, type, count, values));
}

#define SET(to, name, type, ...) set(to, CUDNN_ATTR_##name, CUDNN_TYPE_##type, 1, &(__VA_ARGS__))

static cudnnBackendDescriptor_t finish(cudnnBackendDescriptor_t made)
{
    OK(cudnnBackendFinalize(made));
    return made;
}

static cudnnBackendDescriptor_t tensor_to_finish(int64_t id, cudnnDataType_t type, int64_t c,
                                                 int64_t size, int64_t alignment)
{
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    const int64_t dims[] = {id == WEIGHTS ? 2 : 1, c, size, size};
    const int64_t strides[] = {c * size * size, 1, size * c, c}; /* nhwc */
    SET(made, TENSOR_DATA_TYPE, DATA_TYPE, (cudnnDataType_t){type});
    set(made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims);
    set(made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
    SET(made, TENSOR_UNIQUE_ID, INT64, (int64_t){id});
    SET(made, TENSOR_BYTE_ALIGNMENT, INT64, (int64_t){alignment});
    SET(made, TENSOR_IS_VIRTUAL, BOOLEAN, (bool){id >= FIRST_VIRTUAL});
    return made;
}

static cudnnBackendDescriptor_t tensor(int64_t id, int64_t c, int64_t size)
{
    return finish(tensor_to_finish(id, CUDNN_DATA_FLOAT, c, size, 16));
}

static cudnnBackendDescriptor_t pointwise(cudnnPointwiseMode_t mode, cudnnBackendDescriptor_t x,
                                          cudnnBackendDescriptor_t b, cudnnBackendDescriptor_t y)
{
    cudnnBackendDescriptor_t function = make(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    SET(function, POINTWISE_MODE, POINTWISE_MODE, (cudnnPointwiseMode_t){mode});
    SET(function, POINTWISE_MATH_PREC, DATA_TYPE, (cudnnDataType_t){CUDNN_DATA_FLOAT});
    finish(function);
    SET(made, OPERATION_POINTWISE_PW_DESCRIPTOR, BACKEND_DESCRIPTOR, function);
    SET(made, OPERATION_POINTWISE_XDESC, BACKEND_DESCRIPTOR, x);
    if (b != NULL)
        SET(made, OPERATION_POINTWISE_BDESC, BACKEND_DESCRIPTOR, b);
    SET(made, OPERATION_POINTWISE_YDESC, BACKEND_DESCRIPTOR, y);
    return finish(made);
}

static cudnnBackendDescriptor_t convolution(cudnnBackendDescriptor_t x, cudnnBackendDescriptor_t w,
                                            cudnnBackendDescriptor_t y)
{
    static const int64_t ones[] = {1, 1};
    cudnnBackendDescriptor_t geometry = make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    SET(geometry, CONVOLUTION_COMP_TYPE, DATA_TYPE, (cudnnDataType_t){CUDNN_DATA_FLOAT});
    SET(geometry, CONVOLUTION_CONV_MODE, CONVOLUTION_MODE,
        (cudnnConvolutionMode_t){CUDNN_CROSS_CORRELATION});
    SET(geometry, CONVOLUTION_SPATIAL_DIMS, INT64, (int64_t){2});
    set(geometry, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, ones);
    set(geometry, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, ones);
    set(geometry, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, ones);
    set(geometry, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, ones);
    finish(geometry);
    SET(made, OPERATION_CONVOLUTION_FORWARD_ALPHA, FLOAT, (float){1});
    SET(made, OPERATION_CONVOLUTION_FORWARD_BETA, FLOAT, (float){0});
    SET(made, OPERATION_CONVOLUTION_FORWARD_CONV_DESC, BACKEND_DESCRIPTOR, geometry);
    SET(made, OPERATION_CONVOLUTION_FORWARD_X, BACKEND_DESCRIPTOR, x);
    SET(made, OPERATION_CONVOLUTION_FORWARD_W, BACKEND_DESCRIPTOR, w);
    SET(made, OPERATION_CONVOLUTION_FORWARD_Y, BACKEND_DESCRIPTOR, y);
    return finish(made);
}

/* [1, 3, 4, 4] by [2, 3, 3, 3] with pads of 1, plus bias, then the activation. */
static cudnnBackendDescriptor_t graph(cudnnPointwiseMode_t activation)
{
    cudnnBackendDescriptor_t sum = tensor(FIRST_VIRTUAL, 2, SIZE);
    cudnnBackendDescriptor_t biased = tensor(FIRST_VIRTUAL + 1, 2, SIZE);
    const cudnnBackendDescriptor_t operations[] = {
        convolution(tensor(SRC, 3, SIZE), tensor(WEIGHTS, 3, 3), sum),
        pointwise(CUDNN_POINTWISE_ADD, sum, tensor(BIAS, 2, 1), biased),
        pointwise(activation, biased, NULL, tensor(DST, 2, SIZE))};
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(made, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 3, operations);
    return finish(made);
}

/* Fills `configs`, of which there are 16, and returns how many there were. */
static int64_t ask(cudnnBackendDescriptor_t of, cudnnBackendHeurMode_t mode,
                   cudnnBackendDescriptor_t *configs)
{
    cudnnBackendDescriptor_t heuristics = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    int64_t most = 0, count = 0;
    SET(heuristics, ENGINEHEUR_OPERATION_GRAPH, BACKEND_DESCRIPTOR, of);
    SET(heuristics, ENGINEHEUR_MODE, HEUR_MODE, mode);
    if (cudnnBackendFinalize(heuristics) != CUDNN_STATUS_SUCCESS)
        return 0;
    OK(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &most, NULL));
    ck_assert_int_le(most, 16);
    for (int64_t i = 0; i < most; i++)
        configs[i] = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    OK(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                CUDNN_TYPE_BACKEND_DESCRIPTOR, most, &count, configs));
    ck_assert_int_lt(count, most);
    return count;
}

static int64_t workspace_of(cudnnBackendDescriptor_t plan)
{
    int64_t bytes = -1, count;
    OK(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1,
                                &count, &bytes));
    return bytes;
}

static cudnnBackendDescriptor_t plan_to_finish(cudnnHandle_t handle)
{
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    SET(made, EXECUTION_PLAN_HANDLE, HANDLE, handle);
    return made;
}

static cudnnBackendDescriptor_t plan_of(cudnnHandle_t handle, cudnnBackendDescriptor_t config)
{
    cudnnBackendDescriptor_t made = plan_to_finish(handle);
    SET(made, EXECUTION_PLAN_ENGINE_CONFIG, BACKEND_DESCRIPTOR, config);
    return finish(made);
}

static int64_t text_of(cudnnBackendDescriptor_t plan, char *text, int64_t room)
{
    int64_t count = 0;
    OK(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION,
                                CUDNN_TYPE_CHAR, room - 1, &count, text));
    ck_assert_int_lt(count, room - 1);
    text[count] = '\0';
    return count;
}

/* Everything that a run needs, on the device. */
struct run {
    cudnnHandle_t handle;
    cudaStream_t stream;
    float *src, *weights, *bias, *dst;
    void *workspace;
};

static float *upload(size_t count, float value, float step)
{
    float values[64];
    void *memory;
    ck_assert_uint_le(count, 64);
    for (size_t i = 0; i < count; i++)
        values[i] = value + step * (float)i;
    OK(cudaMalloc(&memory, count * sizeof *values));
    OK(cudaMemcpy(memory, values, count * sizeof *values, cudaMemcpyHostToDevice));
    return memory;
}

/* Sources of 1, weights of `weight`, biases 10 and -30. */
static struct run begin(float weight)
{
    struct run made = {.stream = new_stream()};
    made.handle = make_handle();
    OK(cudnnSetStream(made.handle, made.stream));
    made.src = upload(48, 1, 0);
    made.weights = upload(54, weight, 0);
    made.bias = upload(2, 10, -40);
    made.dst = upload(32, 0, 0);
    OK(cudaMalloc(&made.workspace, 65536));
    return made;
}

static cudnnBackendDescriptor_t pack_of(const struct run *run)
{
    static const int64_t ids[] = {SRC, WEIGHTS, BIAS, DST};
    const void *pointers[] = {run->src, run->weights, run->bias, run->dst};
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    set(made, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 4, ids);
    set(made, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 4, pointers);
    SET(made, VARIANT_PACK_WORKSPACE, VOID_PTR, run->workspace);
    return finish(made);
}

/* The first config that rounds nothing. */
static cudnnBackendDescriptor_t exact_plan(const struct run *run)
{
    cudnnBackendDescriptor_t configs[16];
    ck_assert_int_gt(ask(graph(CUDNN_POINTWISE_RELU_FWD), CUDNN_HEUR_MODE_A, configs), 1);
    return plan_of(run->handle, configs[1]);
}

/* In the middle 27 products meet, at a corner 12; the second channel is cut off at 0. */
static void check_result(const struct run *run)
{
    float dst[32];
    OK(cudaStreamSynchronize(run->stream));
    OK(cudaMemcpy(dst, run->dst, sizeof dst, cudaMemcpyDeviceToHost));
    ck_assert_float_eq(dst[0], 12 + 10);
    ck_assert_float_eq(dst[2 * (SIZE + 1)], 27 + 10);
    ck_assert_float_eq(dst[2 * (SIZE + 1) + 1], 0);
}

START_TEST(a_plan_runs_on_the_stream_when_its_turn_comes)
{
    const struct run run = begin(1);
    cudnnBackendDescriptor_t plan = exact_plan(&run);
    ck_assert_int_gt(workspace_of(plan), 0);
    cop_fake_cuda_hold(1);
    OK(cudnnBackendExecute(run.handle, plan, pack_of(&run)));
    FAILS(cudaErrorNotReady, cudaStreamQuery(run.stream));
    cop_fake_cuda_hold(0);
    check_result(&run);
    NO_VIOLATIONS();
}
END_TEST

START_TEST(a_plan_is_captured_into_a_graph)
{
    const struct run run = begin(1);
    cudnnBackendDescriptor_t plan = exact_plan(&run), pack = pack_of(&run);
    cudaGraph_t captured;
    cudaGraphExec_t exec;
    OK(cudaStreamBeginCapture(run.stream, cudaStreamCaptureModeThreadLocal));
    OK(cudnnBackendExecute(run.handle, plan, pack));
    OK(cudaStreamEndCapture(run.stream, &captured));
    destroy(plan);
    OK(cudaGraphInstantiate(&exec, captured, 0));
    OK(cudaGraphLaunch(exec, run.stream));
    check_result(&run);
    NO_VIOLATIONS();
    OK(cudaFree(run.src));
    VIOLATES("memory that a graph uses");
}
END_TEST

START_TEST(a_plan_comes_back_from_its_text)
{
    const struct run run = begin(1);
    char text[8192];
    cudnnBackendDescriptor_t plan = exact_plan(&run), read = plan_to_finish(run.handle);
    const int64_t count = text_of(plan, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "\"finalizeMode\":\"CONV_ADD_BIAS_ACT\""));
    set(read, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, count, text);
    finish(read);
    ck_assert_int_eq(workspace_of(read), workspace_of(plan));
    OK(cudnnBackendExecute(run.handle, read, pack_of(&run)));
    check_result(&run);
    for (int64_t i = 0; i < count; i += 7) { /* cut short */
        cudnnBackendDescriptor_t cut = plan_to_finish(run.handle);
        set(cut, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, i + 1, text);
        FAILS(CUDNN_STATUS_BAD_PARAM, cudnnBackendFinalize(cut));
    }
    cop_fake_cudnn_version(91800);
    read = plan_to_finish(run.handle);
    set(read, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, count, text);
    FAILS(CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH, cudnnBackendFinalize(read));
}
END_TEST

static unsigned notes_of(cudnnBackendDescriptor_t config, cudnnBackendAttributeName_t name,
                         cudnnBackendAttributeType_t type)
{
    cudnnBackendDescriptor_t engine = make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    int notes[16];
    int64_t count = 0;
    unsigned bits = 0;
    OK(cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                1, &count, &engine));
    OK(cudnnBackendGetAttribute(engine, name, type, 16, &count, notes));
    for (int64_t i = 0; i < count; i++)
        bits |= 1U << notes[i];
    return bits;
}

START_TEST(configurations_say_what_they_are)
{
    cudnnBackendDescriptor_t configs[16];
    bool has_tensor_cores = false, has_compiled = false;
    int64_t count = ask(graph(CUDNN_POINTWISE_RELU_FWD), CUDNN_HEUR_MODE_A, configs);
    for (int64_t i = 0; i < count; i++) {
        has_tensor_cores |=
            (notes_of(configs[i], CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE) >>
                 CUDNN_NUMERICAL_NOTE_TENSOR_CORE &
             1) != 0;
        has_compiled |=
            (notes_of(configs[i], CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE) >>
                 CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION &
             1) != 0;
    }
    ck_assert(has_tensor_cores && has_compiled);
    /* another activation is compiled by every engine */
    count = ask(graph(CUDNN_POINTWISE_TANH_FWD), CUDNN_HEUR_MODE_A, configs);
    ck_assert_int_gt(count, 0);
    for (int64_t i = 0; i < count; i++)
        ck_assert_uint_ne(
            notes_of(configs[i], CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE), 0);
}
END_TEST

START_TEST(tensor_cores_round_float32)
{
    const struct run run = begin(1.0F + 0x1p-12F);
    cudnnBackendDescriptor_t configs[16];
    float exact = 0, rounded = 0;
    ck_assert_int_gt(ask(graph(CUDNN_POINTWISE_RELU_FWD), CUDNN_HEUR_MODE_A, configs), 1);
    OK(cudnnBackendExecute(run.handle, plan_of(run.handle, configs[0]), pack_of(&run)));
    OK(cudaStreamSynchronize(run.stream));
    OK(cudaMemcpy(&rounded, run.dst, sizeof rounded, cudaMemcpyDeviceToHost));
    OK(cudnnBackendExecute(run.handle, plan_of(run.handle, configs[1]), pack_of(&run)));
    OK(cudaStreamSynchronize(run.stream));
    OK(cudaMemcpy(&exact, run.dst, sizeof exact, cudaMemcpyDeviceToHost));
    ck_assert_float_eq(rounded, 22);
    ck_assert_float_eq(exact, 22 + 12 * 0x1p-12F);
}
END_TEST

START_TEST(what_is_wrong_is_refused_when_it_is_finalized)
{
    const cudnnBackendDescriptor_t odd = tensor_to_finish(SRC, CUDNN_DATA_FLOAT, 3, 4, 6);
    FAILS(CUDNN_STATUS_BAD_PARAM, cudnnBackendFinalize(odd));
    FAILS(CUDNN_STATUS_BAD_PARAM, cudnnBackendFinalize(make(CUDNN_BACKEND_TENSOR_DESCRIPTOR)));
    const cudnnBackendDescriptor_t fine = tensor(SRC, 3, 4);
    FAILS(CUDNN_STATUS_NOT_SUPPORTED, cudnnBackendSetAttribute(fine, CUDNN_ATTR_TENSOR_UNIQUE_ID,
                                                               CUDNN_TYPE_INT64, 1, &(int64_t){2}));
    cudnnBackendDescriptor_t other = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    FAILS(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE,
          cudnnBackendSetAttribute(other, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_FLOAT, 1,
                                   &(float){2}));
    FAILS(CUDNN_STATUS_BAD_PARAM,
          cudnnBackendSetAttribute(other, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1,
                                   &(int){0}));
    cudnnBackendDescriptor_t operation = make(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    FAILS(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED,
          cudnnBackendSetAttribute(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC,
                                   CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &other));
    char text[100];
    cudnnGetLastErrorString(text, sizeof text);
    ck_assert_str_eq(text, "a descriptor is not finalized");
}
END_TEST

START_TEST(addresses_must_be_aligned_and_inside_device_memory)
{
    struct run run = begin(1);
    cudnnBackendDescriptor_t plan = exact_plan(&run);
    float *const src = run.src;
    run.src = src + 1;
    FAILS(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER,
          cudnnBackendExecute(run.handle, plan, pack_of(&run)));
    VIOLATES("alignment");
    run.src = src + 4;
    FAILS(CUDNN_STATUS_BAD_PARAM, cudnnBackendExecute(run.handle, plan, pack_of(&run)));
    run.src = src;
    run.workspace = upload(4, 0, 0);
    FAILS(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT,
          cudnnBackendExecute(run.handle, plan, pack_of(&run)));
    ck_assert_uint_eq(violations(), 3);
}
END_TEST

START_TEST(handles_and_plans_are_not_made_while_a_stream_is_captured)
{
    const struct run run = begin(1);
    cudnnBackendDescriptor_t configs[16];
    cudnnHandle_t handle;
    cudaGraph_t captured;
    ck_assert_int_gt(ask(graph(CUDNN_POINTWISE_RELU_FWD), CUDNN_HEUR_MODE_A, configs), 1);
    cudnnBackendDescriptor_t plan = plan_to_finish(run.handle);
    SET(plan, EXECUTION_PLAN_ENGINE_CONFIG, BACKEND_DESCRIPTOR, configs[1]);
    OK(cudaStreamBeginCapture(run.stream, cudaStreamCaptureModeThreadLocal));
    FAILS(CUDNN_STATUS_EXECUTION_FAILED_CUDART, cudnnBackendFinalize(plan));
    FAILS(CUDNN_STATUS_NOT_INITIALIZED, cudnnCreate(&handle));
    FAILS(cudaErrorStreamCaptureInvalidated, cudaStreamEndCapture(run.stream, &captured));
}
END_TEST

START_TEST(what_a_test_asks_for_fails)
{
    cudnnBackendDescriptor_t configs[16];
    cudnnHandle_t handle;
    const struct run run = begin(1);
    cop_fake_cudnn_fail("cudnnCreate", 2, CUDNN_STATUS_INTERNAL_ERROR);
    (void)make_handle();
    FAILS(CUDNN_STATUS_INTERNAL_ERROR, cudnnCreate(&handle));
    (void)make_handle();
    ck_assert_int_gt(ask(graph(CUDNN_POINTWISE_RELU_FWD), CUDNN_HEUR_MODE_A, configs), 1);
    cop_fake_cudnn_fail_plans(1);
    cudnnBackendDescriptor_t plan = plan_to_finish(run.handle);
    SET(plan, EXECUTION_PLAN_ENGINE_CONFIG, BACKEND_DESCRIPTOR, configs[0]);
    FAILS(CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED, cudnnBackendFinalize(plan));
    (void)plan_of(run.handle, configs[1]);
    cop_fake_cudnn_refuse(1);
    ck_assert_int_eq(ask(graph(CUDNN_POINTWISE_RELU_FWD), CUDNN_HEUR_MODE_A, configs), 0);
    cop_fake_cuda_memory_limit(1);
    FAILS(CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, cudnnCreate(&handle));
    cop_fake_cuda_device_count(0);
    FAILS(CUDNN_STATUS_NOT_INITIALIZED, cudnnCreate(&handle));
}
END_TEST

/* The race that the next test is about, which ThreadSanitizer sees as well. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:cop::fake_library";
}

struct sharing {
    struct run run;
    cudnnBackendDescriptor_t plan, pack;
};

static void *execute_often(void *argument)
{
    const struct sharing *shared = argument;
    for (int i = 0; i < 5000 && violations() == 0; i++)
        (void)cudnnBackendExecute(shared->run.handle, shared->plan, shared->pack);
    return NULL;
}

START_TEST(two_threads_with_one_handle_are_seen)
{
    pthread_t threads[2];
    struct sharing shared = {.run = begin(1)};
    shared.plan = exact_plan(&shared.run);
    shared.pack = pack_of(&shared.run);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, execute_often, &shared);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    VIOLATES("two threads use one cuDNN handle");
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("emulated cuDNN", cop_fake_cuda_reset, end,
                          a_plan_runs_on_the_stream_when_its_turn_comes,
                          a_plan_is_captured_into_a_graph, a_plan_comes_back_from_its_text,
                          configurations_say_what_they_are, tensor_cores_round_float32,
                          what_is_wrong_is_refused_when_it_is_finalized,
                          addresses_must_be_aligned_and_inside_device_memory,
                          handles_and_plans_are_not_made_while_a_stream_is_captured,
                          what_a_test_asks_for_fails, two_threads_with_one_handle_are_seen);
}
