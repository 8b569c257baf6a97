// SPDX-License-Identifier: Apache-2.0
/* Child processes: what was pending is cancelled there, everything else goes on; the parent sees
 * nothing. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "runtime/cached_op.h"
#include "support/rigged_step.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define LONG_ENOUGH INT64_C(10000000000)

static const int64_t shape[] = {1, 16};

static cop_model *model;
static cop_cached_op
    *op; /* relu; waits at the gate where the input begins with a negative number */
static cop_ndarray *src, *held; /* `held` is such an input */
static _Atomic int gate, at_gate;

static cop_status wait_at_gate(void *user, const struct kernel_args *args, cop_error *error)
{
    (void)user, (void)error;
    if (*(const float *)args->src[0] >= 0)
        return COP_STATUS_OK;
    atomic_fetch_add(&at_gate, 1);
    while (!atomic_load(&gate))
        usleep(100);
    return COP_STATUS_OK;
}

static void setup(void)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    model = tiny_relu();
    options.device.kind = COP_DEVICE_REF;
    options.max_contexts = 2;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &op, NULL), COP_STATUS_OK);
    rig_step(op, 0, wait_at_gate, NULL);
    src = zero_array(2, shape);
    held = zero_array(2, shape);
    for (int i = 0; i < 16; i++) {
        ((float *)cop_ndarray_data(src))[i] = (float)i;
        ((float *)cop_ndarray_data(held))[i] = -1;
    }
}

static void teardown(void)
{
    atomic_store(&gate, 1);
    (void)!cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL);
    cop_ndarray_release(&src), cop_ndarray_release(&held);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}

/* In a child, where Check's own functions are of no use. */
#define REQUIRE(condition)                                                                         \
    do                                                                                             \
        if (!(condition))                                                                          \
            _exit(__LINE__ % 256);                                                                 \
    while (0)

static void expect_good_child(pid_t child)
{
    int status;
    ck_assert_int_ge(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the child ended by signal %d", WTERMSIG(status));
    ck_assert_msg(WEXITSTATUS(status) == 0, "the child stopped at line %d", WEXITSTATUS(status));
}

static bool is_relu_of_src(const cop_ndarray *dst)
{
    return memcmp(cop_ndarray_data(dst), cop_ndarray_data(src), cop_ndarray_bytes(src)) == 0;
}

/* Everything a program does, on objects of the parent and on new ones. */
static void use_everything(void)
{
    cop_ndarray *dst = NULL, *later = NULL;
    REQUIRE(cop_invoke(op, 1, &src, 1, &dst, NULL, NULL) == COP_STATUS_OK && is_relu_of_src(dst));
    REQUIRE(cop_invoke_async(op, 1, &dst, 1, &later, NULL, NULL) == COP_STATUS_OK);
    REQUIRE(cop_ndarray_wait(later, LONG_ENOUGH, NULL, NULL) == COP_STATUS_OK);
    REQUIRE(is_relu_of_src(later));
    REQUIRE(cop_invoke(op, 1, &src, 1, &later, NULL, NULL) == COP_STATUS_OK);
    cop_ndarray_release(&dst), cop_ndarray_release(&later);
    cop_model *own = tiny_classifier(3);
    cop_cached_op *made = compile_on(own, COP_DEVICE_CPU);
    const int64_t image_shape[] = {1, 3, 12, 12};
    cop_ndarray *image = random_array(4, image_shape, 4);
    for (int i = 0; i < 3; i++) {
        REQUIRE(cop_invoke_async(made, 1, &image, 1, &dst, NULL, NULL) == COP_STATUS_OK);
        cop_ndarray_release(&dst);
    }
    REQUIRE(cop_wait_all(made, LONG_ENOUGH, NULL, NULL) == COP_STATUS_OK);
    cop_ndarray_release(&image);
    cop_cached_op_release(&made);
    cop_model_release(&own);
}

START_TEST(a_child_of_a_quiet_process_can_do_everything)
{
    cop_ndarray *dst = NULL;
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(dst, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    const pid_t child = fork();
    if (child == 0) {
        REQUIRE(cop_ndarray_wait(dst, 0, NULL, NULL) == COP_STATUS_OK && is_relu_of_src(dst));
        use_everything();
        const pid_t grandchild = fork();
        if (grandchild == 0) {
            use_everything();
            _exit(0);
        }
        int status;
        REQUIRE(waitpid(grandchild, &status, 0) == grandchild && status == 0);
        use_everything();
        _exit(0);
    }
    expect_good_child(child);
    cop_ndarray_release(&dst);
}
END_TEST

static void *invoke_held(void *dst)
{
    cop_ndarray *array = dst;
    return cop_invoke(op, 1, &held, 1, &array, NULL, NULL) == COP_STATUS_OK ? NULL : dst;
}

/* Both contexts are in use, one by a thread of the program, one by a worker; more is queued. */
START_TEST(what_was_pending_is_cancelled_in_the_child_and_goes_on_in_the_parent)
{
    cop_ndarray *synchronous = zero_array(2, shape), *running = NULL, *queued = NULL, *after = NULL;
    cop_ndarray *shared = zero_array(2, shape);
    pthread_t thread;
    void *wrong;
    pthread_create(&thread, NULL, invoke_held, synchronous);
    ck_assert_int_eq(cop_invoke_async(op, 1, &held, 1, &running, NULL, NULL), COP_STATUS_OK);
    while (atomic_load(&at_gate) < 2)
        usleep(100);
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &queued, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke_async(op, 1, &running, 1, &after, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke_async(op, 1, &after, 1, &shared, NULL, NULL), COP_STATUS_OK);
    const pid_t child = fork();
    if (child == 0) {
        cop_ndarray *const cancelled[] = {synchronous, running, queued, after, shared};
        cop_error error;
        for (int i = 0; i < 5; i++) {
            REQUIRE(cop_ndarray_wait(cancelled[i], LONG_ENOUGH, NULL, &error) ==
                    COP_STATUS_CANCELLED);
            REQUIRE(strstr(error.message, "forked") != NULL);
        }
        REQUIRE(cop_wait_all(NULL, LONG_ENOUGH, NULL, NULL) == COP_STATUS_CANCELLED);
        use_everything();
        /* Written again, arrays are whole; an input that gone threads were reading can be written.
         */
        for (int i = 0; i < 5; i++) {
            cop_ndarray *dst = cancelled[i];
            REQUIRE(cop_invoke(op, 1, &src, 1, &dst, NULL, NULL) == COP_STATUS_OK);
            REQUIRE(cop_ndarray_wait(dst, 0, NULL, NULL) == COP_STATUS_OK && is_relu_of_src(dst));
        }
        cop_ndarray *dst = held;
        REQUIRE(cop_invoke(op, 1, &src, 1, &dst, NULL, NULL) == COP_STATUS_OK);
        cop_cached_op_stats stats = {.struct_size = sizeof stats};
        REQUIRE(cop_cached_op_get_stats(op, &stats, NULL) == COP_STATUS_OK && stats.in_flight == 0);
        _exit(0);
    }
    expect_good_child(child);
    atomic_store(&gate, 1);
    pthread_join(thread, &wrong);
    ck_assert_ptr_null(wrong);
    ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    ck_assert(is_relu_of_src(queued));
    cop_ndarray_release(&synchronous), cop_ndarray_release(&running), cop_ndarray_release(&queued);
    cop_ndarray_release(&after), cop_ndarray_release(&shared);
}
END_TEST

static _Atomic int calls, failed_calls;

static void count_call(void *user, const cop_error *outcome)
{
    (void)user;
    atomic_fetch_add(&calls, 1);
    if (outcome->status != COP_STATUS_OK)
        atomic_fetch_add(&failed_calls, 1);
}

START_TEST(callbacks_queues_tokens_and_deadlines_of_the_parent_stay_there)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_completion_queue *queue = NULL;
    cop_cancel *cancel = NULL;
    cop_completion done;
    cop_ndarray *dst[3] = {NULL};
    ck_assert_int_eq(cop_completion_queue_create(&queue, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cancel_create(&cancel, NULL), COP_STATUS_OK);
    options.cancel = cancel;
    options.on_done = count_call;
    ck_assert_int_eq(cop_invoke_async(op, 1, &held, 1, &dst[0], &options, NULL), COP_STATUS_OK);
    options.on_done = NULL;
    options.completions = queue;
    ck_assert_int_eq(cop_invoke_async(op, 1, &held, 1, &dst[1], &options, NULL), COP_STATUS_OK);
    options.timeout_ns = LONG_ENOUGH;
    ck_assert_int_eq(cop_invoke_async(op, 1, &held, 1, &dst[2], &options, NULL), COP_STATUS_OK);
    const pid_t child = fork();
    if (child == 0) {
        options.timeout_ns = COP_NO_TIMEOUT;
        for (int i = 0; i < 3; i++)
            REQUIRE(cop_ndarray_wait(dst[i], LONG_ENOUGH, NULL, NULL) == COP_STATUS_CANCELLED);
        REQUIRE(cop_completion_queue_next(queue, &done, NULL) == COP_STATUS_INVALID_ARGUMENT);
        cop_ndarray *made = NULL;
        REQUIRE(cop_invoke_async(op, 1, &src, 1, &made, &options, NULL) ==
                COP_STATUS_INVALID_ARGUMENT);
        cop_completion_queue_release(&queue);
        options.completions = NULL;
        options.on_done = count_call;
        options.timeout_ns = 1000000000;
        REQUIRE(cop_invoke_async(op, 1, &src, 1, &made, &options, NULL) == COP_STATUS_OK);
        REQUIRE(cop_ndarray_wait(made, LONG_ENOUGH, NULL, NULL) == COP_STATUS_OK);
        for (int i = 0; i < 10000 && atomic_load(&calls) == 0; i++)
            usleep(1000);
        REQUIRE(atomic_load(&calls) == 1 && atomic_load(&failed_calls) == 0);
        cop_cancel_request(cancel);
        REQUIRE(cop_invoke(op, 1, &src, 1, &made, &options, NULL) == COP_STATUS_INVALID_ARGUMENT);
        options.on_done = NULL;
        REQUIRE(cop_invoke(op, 1, &src, 1, &made, &options, NULL) == COP_STATUS_CANCELLED);
        _exit(0);
    }
    expect_good_child(child);
    struct pollfd wanted = {cop_completion_queue_fd(queue), POLLIN, 0};
    ck_assert_int_eq(poll(&wanted, 1, 0), 0);
    atomic_store(&gate, 1);
    ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(poll(&wanted, 1, 10000), 1);
        ck_assert_int_eq(cop_completion_queue_next(queue, &done, NULL), COP_STATUS_OK);
        ck_assert_int_eq(done.outcome.status, COP_STATUS_OK);
    }
    for (int i = 0; i < 3; i++)
        cop_ndarray_release(&dst[i]);
    cop_completion_queue_release(&queue);
    cop_cancel_release(&cancel);
}
END_TEST

static _Atomic int is_over;

static void *do_something(void *argument)
{
    const int kind = *(int *)argument;
    long wrong = 0, rounds = 0;
    while (!atomic_load(&is_over)) {
        if (kind == 1 && ++rounds % 100 == 0) /* some are pending, not millions */
            wrong += cop_wait_all(op, COP_NO_TIMEOUT, NULL, NULL) != COP_STATUS_OK;
        cop_ndarray *dst = NULL;
        if (kind == 0)
            wrong += cop_invoke(op, 1, &src, 1, &dst, NULL, NULL) != COP_STATUS_OK;
        else if (kind == 1)
            wrong += cop_invoke_async(op, 1, &src, 1, &dst, NULL, NULL) != COP_STATUS_OK;
        else if (kind == 2) {
            cop_cached_op *made = compile_on(model, COP_DEVICE_CPU);
            cop_cached_op_release(&made);
        } else {
            cop_model *own = tiny_classifier(5);
            cop_model_release(&own);
        }
        cop_ndarray_release(&dst);
    }
    return (void *)wrong;
}

START_TEST(forks_at_any_moment_while_threads_use_everything)
{
    static int kinds[] = {0, 1, 2, 3};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, do_something, &kinds[i]);
    for (int i = 0; i < 40; i++) {
        usleep((unsigned)(i * 37 % 1000));
        const pid_t child = fork();
        if (child == 0) {
            alarm(60); /* a child that hangs ends, and is found out */
            use_everything();
            _exit(0);
        }
        expect_good_child(child);
    }
    atomic_store(&is_over, 1);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

START_TEST(several_intra_op_threads_work_in_the_child_too)
{
    const int64_t image_shape[] = {1, 3, 12, 12};
    cop_model *classifier = tiny_classifier(6);
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *parallel = NULL;
    cop_ndarray *image = random_array(4, image_shape, 7), *expected = NULL;
    options.intra_op_threads = 2;
    ck_assert_int_eq(cop_cached_op_create(classifier, &options, &parallel, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke(parallel, 1, &image, 1, &expected, NULL, NULL), COP_STATUS_OK);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        for (int i = 0; i < 4; i++) {
            cop_ndarray *dst = NULL;
            REQUIRE((i % 2 == 0 ? cop_invoke : cop_invoke_async)(parallel, 1, &image, 1, &dst, NULL,
                                                                 NULL) == COP_STATUS_OK);
            REQUIRE(cop_ndarray_wait(dst, LONG_ENOUGH, NULL, NULL) == COP_STATUS_OK);
            REQUIRE(memcmp(cop_ndarray_data(dst), cop_ndarray_data(expected),
                           cop_ndarray_bytes(dst)) == 0);
            cop_ndarray_release(&dst);
        }
        _exit(0);
    }
    expect_good_child(child);
    cop_ndarray_release(&image), cop_ndarray_release(&expected);
    cop_cached_op_release(&parallel);
    cop_model_release(&classifier);
}
END_TEST

static void *wait_for_context(void *argument)
{
    cop_ndarray *dst = NULL;
    const cop_status status = cop_invoke(argument, 1, &src, 1, &dst, NULL, NULL);
    cop_ndarray_release(&dst);
    return status == COP_STATUS_OK ? NULL : argument;
}

START_TEST(an_operator_that_a_gone_thread_waited_for_can_be_destroyed)
{
    pthread_t threads[3];
    cop_ndarray *dst[2] = {zero_array(2, shape), zero_array(2, shape)};
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, invoke_held, dst[i]);
    while (atomic_load(&at_gate) < 2)
        usleep(100);
    pthread_create(&threads[2], NULL, wait_for_context, op);
    usleep(50000); /* asleep in the pool */
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        cop_cached_op_release(&op);
        _exit(0);
    }
    expect_good_child(child);
    atomic_store(&gate, 1);
    for (int i = 0; i < 3; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    cop_ndarray_release(&dst[0]), cop_ndarray_release(&dst[1]);
}
END_TEST

static _Atomic int is_making, may_go_on;

static cop_status make_slowly(const struct kernel *kernel, struct stream *stream, void **state,
                              cop_error *error)
{
    (void)kernel, (void)stream, (void)state, (void)error;
    atomic_fetch_add(&is_making, 1);
    while (!atomic_load(&may_go_on))
        usleep(100);
    return COP_STATUS_OK;
}

static void free_nothing(const struct kernel *kernel, void *state)
{
    (void)kernel, (void)state;
}

START_TEST(a_context_that_was_being_made_takes_nobodys_place_in_the_child)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    cop_cached_op *narrow = NULL;
    pthread_t thread;
    void *wrong;
    ck_assert_int_eq(cop_cached_op_get_stats(op, &stats, NULL), COP_STATUS_OK);
    options.device.kind = COP_DEVICE_REF;
    options.memory_cap_bytes = stats.context_bytes;
    ck_assert_int_eq(cop_cached_op_create(model, &options, &narrow, NULL), COP_STATUS_OK);
    rig_step(narrow, 0, wait_at_gate, NULL);
    struct backend *backend = (struct backend *)(uintptr_t)narrow->plan->steps[0].kernel->backend;
    backend->state_create = make_slowly;
    backend->state_destroy = free_nothing;
    pthread_create(&thread, NULL, wait_for_context, narrow);
    while (!atomic_load(&is_making))
        usleep(100);
    const pid_t child = fork();
    if (child == 0) {
        cop_invoke_options wait = COP_INVOKE_OPTIONS_INIT;
        cop_ndarray *dst = NULL;
        alarm(60);
        atomic_store(&may_go_on, 1);
        wait.timeout_ns = LONG_ENOUGH;
        REQUIRE(cop_invoke(narrow, 1, &src, 1, &dst, &wait, NULL) == COP_STATUS_OK);
        REQUIRE(cop_cached_op_get_stats(narrow, &stats, NULL) == COP_STATUS_OK);
        REQUIRE(stats.contexts == 1 && stats.in_flight == 0);
        _exit(0);
    }
    expect_good_child(child);
    atomic_store(&may_go_on, 1);
    pthread_join(thread, &wrong);
    ck_assert_ptr_null(wrong);
    cop_cached_op_release(&narrow);
}
END_TEST

static _Atomic pid_t parent, child_of_callback;

/* Without a look for leaks: the stacks that hold things are gone. */
static void end_at_once(void)
{
    _exit(0);
}

static void fork_in_first_call(void *user, const cop_error *outcome)
{
    (void)user, (void)outcome;
    if (getpid() != atomic_load(&parent))
        _exit(99);
    if (atomic_fetch_add(&calls, 1) > 0)
        return;
    usleep(50000); /* the other calls are due */
    const pid_t child = fork();
    if (child != 0)
        atomic_store(&child_of_callback, child);
    else
        atexit(end_at_once);
}

/* The thread of the callbacks is the only one of the child, which ends with it. */
START_TEST(a_child_of_a_callback_makes_no_other_calls_of_the_parent)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    atomic_store(&parent, getpid());
    options.on_done = fork_in_first_call;
    for (int i = 0; i < 3; i++) {
        cop_ndarray *dst = NULL;
        ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst, &options, NULL), COP_STATUS_OK);
        cop_ndarray_release(&dst);
    }
    for (int i = 0; i < 10000 && atomic_load(&calls) < 3; i++)
        usleep(1000);
    ck_assert_int_eq(calls, 3);
    expect_good_child(atomic_load(&child_of_callback));
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("fork", setup, teardown, a_child_of_a_quiet_process_can_do_everything,
                          what_was_pending_is_cancelled_in_the_child_and_goes_on_in_the_parent,
                          callbacks_queues_tokens_and_deadlines_of_the_parent_stay_there,
                          an_operator_that_a_gone_thread_waited_for_can_be_destroyed,
                          a_context_that_was_being_made_takes_nobodys_place_in_the_child,
                          a_child_of_a_callback_makes_no_other_calls_of_the_parent,
                          forks_at_any_moment_while_threads_use_everything,
                          several_intra_op_threads_work_in_the_child_too);
}
