// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <string.h>

#include "backends/backend.h"
#include "base/alloc.h"
#include "support/unit.h"

static cop_status open_chain(cop_device_kind kind, int index, struct device_chain *chain,
                             cop_error *error)
{
    return cop_device_chain((cop_device){kind, index}, chain, error);
}

START_TEST(the_reference_backend_is_the_last_of_every_chain)
{
    struct device_chain cpu, ref;
    cop_error error;
    ck_assert_int_eq(open_chain(COP_DEVICE_CPU, 0, &cpu, &error), COP_STATUS_OK);
    ck_assert_int_eq(open_chain(COP_DEVICE_REF, 0, &ref, &error), COP_STATUS_OK);
    ck_assert_int_eq(ref.count, 1);
    ck_assert_ptr_eq(ref.devices[0]->backend, &cop_ref_backend);
    ck_assert_int_eq(cpu.count, cop_onednn_backend == NULL ? 1 : 2);
    ck_assert_ptr_eq(cpu.devices[cpu.count - 1], ref.devices[0]);
    ck_assert_str_ne(cpu.devices[0]->name, "");
    if (cop_onednn_backend != NULL) {
        ck_assert_ptr_eq(cpu.devices[0]->backend, cop_onednn_backend);
        ck_assert_str_ne(cop_onednn_backend->version(), "");
    }
}
END_TEST

START_TEST(devices_that_are_not_there_are_named)
{
    struct device_chain chain;
    cop_error error;
    ck_assert_int_eq(open_chain(COP_DEVICE_GPU, 1, &chain, &error), COP_STATUS_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "gpu:1"));
    ck_assert_int_eq(chain.count, 0);
    ck_assert_int_eq(open_chain(COP_DEVICE_CPU, 3, &chain, &error), COP_STATUS_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "cpu:3"));
    ck_assert_int_eq(open_chain(COP_DEVICE_REF, -1, &chain, &error), COP_STATUS_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "ref:-1"));
    ck_assert_int_eq(open_chain((cop_device_kind)77, 0, &chain, &error), COP_STATUS_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "77"));
}
END_TEST

START_TEST(a_device_that_could_not_be_opened_is_opened_later)
{
    struct device_chain chain;
    cop_error error;
    int failures = 0;
    for (;; failures++) {
        cop_alloc_fail_after(failures, 0);
        const cop_status status = open_chain(COP_DEVICE_CPU, 0, &chain, &error);
        cop_alloc_fail_after(-1, 0);
        if (status == COP_STATUS_OK)
            break;
        ck_assert_int_eq(status, COP_STATUS_OUT_OF_MEMORY);
        ck_assert_int_eq(chain.count, 0);
    }
    ck_assert_int_ge(failures, 1);
    ck_assert_int_ge(chain.count, 1);
}
END_TEST

#define THREADS 8

static void *open_in_thread(void *memory)
{
    struct device_chain *chain = memory;
    cop_error error;
    if (open_chain(COP_DEVICE_CPU, 0, chain, &error) != COP_STATUS_OK)
        chain->count = 0;
    return NULL;
}

START_TEST(threads_that_open_at_once_get_the_same_devices)
{
    pthread_t threads[THREADS];
    struct device_chain chains[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, open_in_thread, &chains[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_ge(chains[i].count, 1);
        ck_assert_int_eq(chains[i].count, chains[0].count);
        for (int d = 0; d < chains[i].count; d++)
            ck_assert_ptr_eq(chains[i].devices[d], chains[0].devices[d]);
    }
}
END_TEST

int main(void)
{
    /* The first one needs devices that nobody has opened yet, also where tests do not fork. */
    return RUN_TESTS("registry", a_device_that_could_not_be_opened_is_opened_later,
                     the_reference_backend_is_the_last_of_every_chain,
                     devices_that_are_not_there_are_named,
                     threads_that_open_at_once_get_the_same_devices);
}
