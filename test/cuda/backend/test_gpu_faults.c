// SPDX-License-Identifier: Apache-2.0
/*
 * The n-th call of the CUDA runtime fails, for every n of a whole life: open the device, compile,
 * run until recordings are replayed, run asynchronously, trim, release. Each n is a process of its
 * own, because a lost device stays lost.
 */
#include "gpu.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child: says where, and ends it. */
#define REQUIRE(condition, ...)                                                                    \
    do                                                                                             \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            _exit(1);                                                                              \
        }                                                                                          \
    while (0)

/* Under sanitizers, which make every life long, only some. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STRIDE = 7 };
#else
enum { STRIDE = 1 };
#endif

/* What fails, and what it may become. */
struct fault {
    cudaError_t code;
    bool is_of_operation; /* not a call: the device is lost while it works */
    bool loses_device;
    uint32_t statuses; /* bit s: cop_status s */
};

#define MAY_BE(status) (UINT32_C(1) << COP_STATUS_##status)

struct life {
    const struct fault *fault;
    cop_model *model;
    cop_ndarray *src, *expected;
    cop_cached_op *op;
    bool has_device;
    int failures;
};

static void expect_failure(struct life *life, cop_status status, const cop_error *error)
{
    life->failures++;
    REQUIRE((life->fault->statuses >> status & 1) != 0, "%s: %s", cop_status_name(status),
            error->message);
    REQUIRE(error->status == status && strlen(error->message) > 12, "says nothing: %s",
            error->message);
    REQUIRE(life->failures == 1 || life->fault->loses_device, "a second failure: %s",
            error->message);
}

static cop_status create(struct life *life)
{
    const cop_cached_op_options options = gpu_options(0);
    cop_error error = {COP_STATUS_OK, ""};
    const cop_status status = cop_cached_op_create(life->model, &options, &life->op, &error);
    REQUIRE((status == COP_STATUS_OK) == (life->op != NULL), "%s", error.message);
    if (status != COP_STATUS_OK)
        expect_failure(life, status, &error);
    else
        remember_device(life->op), life->has_device = true;
    return status;
}

static cop_status run(struct life *life)
{
    cop_ndarray *dst = NULL;
    cop_error error = {COP_STATUS_OK, ""};
    const cop_status status = cop_invoke(life->op, 1, &life->src, 1, &dst, NULL, &error);
    REQUIRE((status == COP_STATUS_OK) == (dst != NULL), "%s", error.message);
    if (status != COP_STATUS_OK)
        expect_failure(life, status, &error);
    else
        REQUIRE(difference(life->expected, dst) < 1e-5, "a wrong result");
    cop_ndarray_release(&dst);
    return status;
}

/* Two in flight; what fails poisons its own output, which says the same at each wait. */
static cop_status run_behind(struct life *life)
{
    cop_ndarray *dst[2] = {NULL, NULL};
    cop_error error = {COP_STATUS_OK, ""}, again = {COP_STATUS_OK, ""};
    cop_status statuses[2];
    for (int i = 0; i < 2; i++) {
        statuses[i] = cop_invoke_async(life->op, 1, &life->src, 1, &dst[i], NULL, &error);
        REQUIRE((statuses[i] == COP_STATUS_OK) == (dst[i] != NULL), "%s", error.message);
        if (statuses[i] != COP_STATUS_OK) /* there is no output */
            expect_failure(life, statuses[i], &error);
    }
    for (int i = 0; i < 2; i++) {
        if (dst[i] == NULL)
            continue;
        statuses[i] = cop_ndarray_wait(dst[i], COP_NO_TIMEOUT, NULL, &error);
        REQUIRE(cop_ndarray_wait(dst[i], COP_NO_TIMEOUT, NULL, &again) == statuses[i] &&
                    (statuses[i] == COP_STATUS_OK || strcmp(again.message, error.message) == 0),
                "another outcome: %s", again.message);
        if (statuses[i] == COP_STATUS_OK)
            REQUIRE(difference(life->expected, dst[i]) < 1e-5, "a wrong result");
        else
            expect_failure(life, statuses[i], &error);
        cop_ndarray_release(&dst[i]);
    }
    return statuses[0] != COP_STATUS_OK ? statuses[0] : statuses[1];
}

/*
 * What failed succeeds when it is tried again; on a lost device everything fails, and at once.
 * (While there is no device yet, there is nothing to remember the loss.)
 */
static bool attempt(struct life *life, cop_status (*act)(struct life *life))
{
    if (act(life) == COP_STATUS_OK)
        return true;
    const cop_status again = act(life);
    if (act != create)
        REQUIRE((again == COP_STATUS_OK) != life->fault->loses_device, "tried again: %s",
                cop_status_name(again));
    else
        REQUIRE(again == COP_STATUS_OK || life->fault->loses_device, "tried again: %s",
                cop_status_name(again));
    return again == COP_STATUS_OK;
}

static void live(struct life *life)
{
    const int64_t scores[] = {1, SCORES};
    cop_error error = {COP_STATUS_OK, ""};
    if (!attempt(life, create))
        return;
    for (int i = 0; i < 4; i++)
        if (!attempt(life, run))
            return;
    if (!attempt(life, run_behind))
        return;
    cop_ndarray *on_device = NULL;
    const cop_device gpu = {COP_DEVICE_GPU, 0};
    const cop_status status = cop_ndarray_create_in(gpu, COP_MEMORY_DEVICE, COP_DTYPE_FLOAT32, 2,
                                                    scores, &on_device, &error);
    REQUIRE((status == COP_STATUS_OK) == (on_device != NULL), "%s", error.message);
    if (status != COP_STATUS_OK)
        expect_failure(life, status, &error);
    cop_ndarray_release(&on_device);
    REQUIRE(cop_cached_op_trim(life->op, 0, NULL, NULL) == COP_STATUS_OK, "trim failed");
    (void)attempt(life, run);
}

/* The processor's operators know nothing of it. */
static void use_processor(struct life *life)
{
    static const cop_device_kind kinds[] = {COP_DEVICE_REF, COP_DEVICE_CPU};
    for (int i = 0; i < 2; i++) {
        cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
        cop_cached_op *op = NULL;
        cop_ndarray *dst = NULL;
        cop_error error = {COP_STATUS_OK, ""};
        options.device.kind = kinds[i];
        REQUIRE(cop_cached_op_create(life->model, &options, &op, &error) == COP_STATUS_OK &&
                    cop_invoke(op, 1, &life->src, 1, &dst, NULL, &error) == COP_STATUS_OK,
                "%s", error.message);
        REQUIRE(difference(life->expected, dst) < 1e-5, "a wrong result of the processor");
        cop_ndarray_release(&dst), cop_cached_op_release(&op);
    }
}

/* The fault may have been one of giving back, which nobody is told of: one thing is then left. */
static void expect_nothing_left(const struct life *life)
{
    char first[256];
    /* a lost device touches no memory any more; the emulated one, where only a call says that it is
     * lost, works on */
    const bool works_on = life->fault->loses_device && !life->fault->is_of_operation;
    REQUIRE(works_on || cop_fake_cuda_violations(first, sizeof first) == 0, "%s", first);
    const struct cop_fake_cuda_counters left = counters();
    /* who never got an operator does not know what the device keeps */
    const size_t blocks = life->has_device ? handed_out() : 0;
    const size_t things =
        left.streams + left.events + left.graphs + left.execs + left.pinned_blocks + blocks;
    const size_t most = life->failures == 0 ? 1 : 0;
    REQUIRE(life->fault->is_of_operation || things <= most,
            "left: %zu streams, %zu graphs, %zu execs, %zu pinned, %zu blocks", left.streams,
            left.graphs, left.execs, left.pinned_blocks, blocks);
}

/* Runs a life in this child; ends it. `reached` is a pipe: how many calls or operations it made. */
static void live_in_child(const struct fault *fault, uint64_t number, int reached)
{
    struct life life = {.fault = fault};
    alarm(60);
    load_emulated_module();
    life.model = tiny_classifier(3);
    life.src = random_array(4, image_shape, 7);
    cop_cached_op *ref = compile_on(life.model, COP_DEVICE_REF);
    life.expected = invoke(ref, life.src);
    cop_cached_op_release(&ref);
    const struct cop_fake_cuda_counters before = counters();
    if (number > 0 && fault->is_of_operation)
        cop_fake_cuda_fail_operation(number, fault->code);
    else if (number > 0)
        cop_fake_cuda_fail_call(NULL, number, fault->code);
    live(&life);
    cop_cached_op_release(&life.op);
    if (fault->is_of_operation) /* nothing comes back from a lost device */
        cop_fake_cuda_drain();
    else
        settle();
    const struct cop_fake_cuda_counters after = counters();
    const uint64_t count =
        fault->is_of_operation ? after.executed - before.executed : after.calls - before.calls;
    if (number % 8 == 0)
        use_processor(&life);
    expect_nothing_left(&life);
    REQUIRE(number > 0 || life.failures == 0, "fails without a fault");
    cop_ndarray_release(&life.src), cop_ndarray_release(&life.expected);
    cop_model_release(&life.model);
    REQUIRE(write(reached, &count, sizeof count) == sizeof count, "the pipe is gone");
    _exit(0);
}

/* The calls or operations there were. */
static uint64_t live_once(const struct fault *fault, uint64_t number)
{
    int ends[2], status;
    uint64_t count = 0;
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        live_in_child(fault, number, ends[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "number %llu with error %d: %s %d, see above", (unsigned long long)number,
                  (int)fault->code, WIFSIGNALED(status) ? "signal" : "exit status",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    ck_assert_int_eq(read(ends[0], &count, sizeof count), sizeof count);
    close(ends[0]), close(ends[1]);
    return count;
}

static void fail_each(const struct fault *fault)
{
    const uint64_t count = live_once(fault, 0);
    ck_assert_uint_gt(count, 30);
    /* most of the later calls only ask a stream whether it is done */
    for (uint64_t number = 1; number <= count; number += (number < 160 ? 1 : 40) * STRIDE)
        (void)live_once(fault, number);
}

START_TEST(a_call_that_lacks_memory_says_so_and_all_goes_on)
{
    const struct fault fault = {.code = cudaErrorMemoryAllocation,
                                .statuses = MAY_BE(OUT_OF_DEVICE_MEMORY) | MAY_BE(OUT_OF_MEMORY)};
    fail_each(&fault);
}
END_TEST

START_TEST(a_call_that_is_refused_says_so_and_all_goes_on)
{
    const struct fault fault = {.code = cudaErrorInvalidValue, .statuses = MAY_BE(INTERNAL)};
    fail_each(&fault);
}
END_TEST

START_TEST(a_call_that_finds_the_device_lost_ends_its_use)
{
    const struct fault fault = {
        .code = cudaErrorIllegalAddress, .loses_device = true, .statuses = MAY_BE(DEVICE_FAILED)};
    fail_each(&fault);
}
END_TEST

START_TEST(a_device_that_is_lost_at_work_ends_its_use)
{
    const struct fault fault = {.code = cudaErrorLaunchFailure,
                                .is_of_operation = true,
                                .loses_device = true,
                                .statuses = MAY_BE(DEVICE_FAILED)};
    fail_each(&fault);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const *const tests[] = {
        (const TTest *const[]){a_call_that_lacks_memory_says_so_and_all_goes_on, NULL},
        (const TTest *const[]){a_call_that_is_refused_says_so_and_all_goes_on, NULL},
        (const TTest *const[]){a_call_that_finds_the_device_lost_ends_its_use, NULL},
        (const TTest *const[]){a_device_that_is_lost_at_work_ends_its_use, NULL},
    };
    const int which = argc > 1 ? atoi(argv[1]) : -1;
    if (which < 0 || which >= (int)(sizeof tests / sizeof *tests))
        return EXIT_FAILURE;
    return run_tests("faults of the emulated GPU", NULL, NULL, tests[which]);
}
