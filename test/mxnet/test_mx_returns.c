// SPDX-License-Identifier: Apache-2.0
/* What functions return to a thread: slots of its own that outlive it. */
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_returns.h"
#include "support/unit.h"

#include <mxnet/c_api/base.h>
#include <nnvm/c_api.h>

static void *take(enum mx_slot slot, size_t bytes)
{
    void *memory;
    cop_error error;
    ck_assert_int_eq(cop_mx_slot_take(slot, bytes, &memory, &error), COP_STATUS_OK);
    return memory;
}

START_TEST(slots_do_not_disturb_each_other)
{
    void **handles = take(MX_SLOT_HANDLES, 3 * sizeof *handles);
    const char *const texts[] = {"data", "", "fc_weight"};
    const char **returned;
    cop_error error;
    handles[0] = handles[1] = handles[2] = handles;
    ck_assert_int_eq(cop_mx_return_texts(MX_SLOT_TEXTS, 3, texts, &returned, &error),
                     COP_STATUS_OK);
    const char *text;
    ck_assert_int_eq(cop_mx_return_text(MX_SLOT_TEXT, "one", &text, &error), COP_STATUS_OK);
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(returned[i], texts[i]);
    ck_assert_str_eq(text, "one");
    ck_assert_ptr_eq(handles[2], handles);
}
END_TEST

START_TEST(a_large_slot_shrinks_again)
{
    take(MX_SLOT_TEXT, (size_t)64 << 20);
    take(MX_SLOT_TEXT, 10);
    ck_assert_uint_lt(cop_alloc_counters().live_bytes, (size_t)1 << 20);
}
END_TEST

static void *keep_a_handle(void *unused)
{
    void **handles = take(MX_SLOT_HANDLES, sizeof *handles);
    handles[0] = handles;
    (void)unused;
    return handles;
}

static void **run_thread(void)
{
    pthread_t thread;
    void *handles;
    ck_assert_int_eq(pthread_create(&thread, NULL, keep_a_handle, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, &handles), 0);
    return handles;
}

START_TEST(a_list_outlives_its_thread)
{
    void **handles = run_thread();
    for (int i = 0; i < COP_MX_KEPT_RECORDS - 1; i++)
        ck_assert_ptr_ne(run_thread(), handles);
    ck_assert_ptr_eq(handles[0], handles);
}
END_TEST

START_TEST(memory_does_not_follow_the_number_of_threads_that_ever_were)
{
    for (int i = 0; i < 500; i++)
        run_thread();
    ck_assert_uint_le(cop_mx_record_count(), COP_MX_KEPT_RECORDS + 2);
}
END_TEST

START_TEST(the_last_error_is_one_for_both_interfaces)
{
    ck_assert_str_eq(MXGetLastError(), "");
    NNAPISetLastError("mine");
    ck_assert_str_eq(MXGetLastError(), "mine");
    ck_assert_str_eq(NNGetLastError(), "mine");
    ck_assert_int_eq(cop_mx_not_supported("MXKVStoreCreate", "training"), -1);
    ck_assert_ptr_nonnull(strstr(MXGetLastError(), "MXKVStoreCreate: training is not supported"));
    NNAPISetLastError(NULL);
    ck_assert_str_eq(MXGetLastError(), "");
}
END_TEST

int main(void)
{
    return RUN_TESTS("mx_returns", slots_do_not_disturb_each_other, a_large_slot_shrinks_again,
                     a_list_outlives_its_thread,
                     memory_does_not_follow_the_number_of_threads_that_ever_were,
                     the_last_error_is_one_for_both_interfaces);
}
