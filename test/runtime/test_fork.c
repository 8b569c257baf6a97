// SPDX-License-Identifier: Apache-2.0
/* Child processes: what was pending is cancelled there, everything else goes on; the parent sees
 * nothing. */
#include <pthread.h>

#include "support/child.h"
#include "support/unit.h"

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

int main(void)
{
    return RUN_TESTS_WITH("fork", set_up_parent, clear_parent,
                          a_child_of_a_quiet_process_can_do_everything,
                          what_was_pending_is_cancelled_in_the_child_and_goes_on_in_the_parent,
                          forks_at_any_moment_while_threads_use_everything);
}
