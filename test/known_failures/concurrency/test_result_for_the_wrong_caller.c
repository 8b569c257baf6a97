// SPDX-License-Identifier: Apache-2.0
/* One caller's result handed to another, silently (ncnn 1061; a binding of TFLite: 147 of 400). */
#include "known_failures/concurrency/crowd.h"

#include <semaphore.h>

#define CALLS 300

struct note {
    sem_t is_called;
    cop_status status;
};

static void take_note(void *user, const cop_error *outcome)
{
    struct note *note = user;
    note->status = outcome->status;
    sem_post(&note->is_called);
}

/* Every call of every caller has an input of its own, which comes back as its output. */
static bool call_once(cop_cached_op *op, int way, float value)
{
    const int64_t shape[] = {1, 16};
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *src = NULL, *dst = NULL;
    struct note note = {.status = COP_STATUS_INTERNAL};
    sem_init(&note.is_called, 0, 0);
    require(cop_ndarray_create(COP_DTYPE_FLOAT32, 2, shape, &src, NULL) == COP_STATUS_OK, "array");
    for (int i = 0; i < 16; i++)
        ((float *)cop_ndarray_data(src))[i] = value;
    if (way == 2) {
        options.on_done = take_note;
        options.user = &note;
    }
    cop_status status =
        (way == 0 ? cop_invoke : cop_invoke_async)(op, 1, &src, 1, &dst, &options, NULL);
    if (way == 1 && status == COP_STATUS_OK)
        status = wait_for(dst, COP_NO_TIMEOUT, NULL);
    if (way == 2 && status == COP_STATUS_OK) {
        sem_wait(&note.is_called);
        status = note.status;
    }
    bool is_mine = status == COP_STATUS_OK;
    for (int i = 0; i < 16 && is_mine; i++)
        is_mine = ((float *)cop_ndarray_data(dst))[i] == value;
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    sem_destroy(&note.is_called);
    return is_mine;
}

static long call_often(int number, void *op)
{
    long wrong = 0;
    for (int i = 0; i < CALLS; i++)
        wrong += !call_once(op, i % 3, (float)(1 + number * CALLS + i));
    return wrong;
}

static void check(cop_device_kind device, int max_contexts)
{
    cop_model *model = small_network(0); /* relu of 16 values */
    cop_cached_op *op = compile(model, device, 0, max_contexts);
    ck_assert_int_eq(run_crowd(20, call_often, op), 0);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}

START_TEST(every_caller_gets_its_own_result_on_either_device_and_with_any_number_of_contexts)
{
    check(COP_DEVICE_REF, 0);
    check(COP_DEVICE_CPU, 0);
    check(COP_DEVICE_REF, 2);
    check(COP_DEVICE_CPU, 1);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "result for the wrong caller",
        every_caller_gets_its_own_result_on_either_device_and_with_any_number_of_contexts);
}
