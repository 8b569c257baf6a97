// SPDX-License-Identifier: Apache-2.0
/* Contexts and operators in child processes: whatever threads of the parent were doing with them.
 */
#include <pthread.h>

#include "runtime/cached_op.h"
#include "support/child.h"
#include "support/unit.h"

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

int main(void)
{
    return RUN_TESTS_WITH("fork contexts", set_up_parent, clear_parent,
                          an_operator_that_a_gone_thread_waited_for_can_be_destroyed,
                          a_context_that_was_being_made_takes_nobodys_place_in_the_child,
                          several_intra_op_threads_work_in_the_child_too);
}
