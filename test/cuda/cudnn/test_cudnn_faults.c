// SPDX-License-Identifier: Apache-2.0
/* Running what was chosen, and what happens where any call or allocation fails. */
#include <string.h>

#include "scripted_use.h"

START_TEST(a_run_names_its_addresses_and_makes_a_pack_only_for_new_ones)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *choice = NULL;
    struct cudnn_execution *execution = NULL;
    scripted.mode_a[0] = (struct scripted_engine){.index = 7, .workspace_bytes = 16};
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &choice), COP_STATUS_OK);
    ck_assert_int_eq(cop_cudnn_execution_create(session, choice, &execution, &error),
                     COP_STATUS_OK);
    cop_cudnn_choice_release(&choice); /* which the execution keeps */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(cop_cudnn_execution_run(execution, &pointers, &error), COP_STATUS_OK);
    ck_assert_int_eq(scripted.packs_made, 1);
    ck_assert_int_eq(scripted.last_engine, 7);
    ck_assert_int_eq(scripted.last_pointer_count, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(scripted.last_ids[i], i + 1);
    ck_assert_ptr_eq(scripted.last_pointers[1], pointers.weights);
    ck_assert_ptr_eq(scripted.last_pointers[3], pointers.bias);
    ck_assert_ptr_eq(scripted.last_workspace, pointers.workspace);

    struct cudnn_pointers moved = pointers;
    moved.dst = memory + 32;
    ck_assert_int_eq(cop_cudnn_execution_run(execution, &moved, &error), COP_STATUS_OK);
    ck_assert_int_eq(scripted.packs_made, 2);
    ck_assert_ptr_eq(scripted.last_pointers[4], moved.dst);
    cop_cudnn_execution_destroy(execution);
}
END_TEST

START_TEST(an_address_that_breaks_the_promise_of_alignment_never_reaches_the_device)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *choice = NULL;
    struct cudnn_execution *execution = NULL;
    struct cudnn_pointers odd = pointers, without = pointers;
    odd.src = memory + 4;
    without.workspace = NULL;
    scripted.mode_a[0] = (struct scripted_engine){.index = 7, .workspace_bytes = 16};
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &choice), COP_STATUS_OK);
    ck_assert_int_eq(cop_cudnn_execution_create(session, choice, &execution, &error),
                     COP_STATUS_OK);
    ck_assert_int_eq(cop_cudnn_execution_run(execution, &odd, &error), COP_STATUS_INTERNAL);
    ck_assert_int_eq(cop_cudnn_execution_run(execution, &without, &error), COP_STATUS_INTERNAL);
    ck_assert_int_eq(scripted.runs, 0);
    ck_assert_int_eq(cop_cudnn_execution_run(execution, &pointers, &error), COP_STATUS_OK);
    cop_cudnn_execution_destroy(execution);
    cop_cudnn_choice_release(&choice);
}
END_TEST

/* Everything once, from a session of its own to a run. */
static cop_status use_everything(const struct cudnn_trial *with)
{
    struct cudnn_session *own = NULL;
    const struct cudnn_choice *choice = NULL;
    struct cudnn_execution *execution = NULL;
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    cop_status status = cop_cudnn_session_create(&options, &own, &error);
    if (status == COP_STATUS_OK)
        status = cop_cudnn_choose(own, &conv, &no_limits, with, &choice, &error);
    if (status == COP_STATUS_OK)
        status = cop_cudnn_execution_create(own, choice, &execution, &error);
    if (status == COP_STATUS_OK)
        status = cop_cudnn_execution_run(execution, &pointers, &error);
    cop_cudnn_execution_destroy(execution);
    cop_cudnn_choice_release(&choice);
    cop_cudnn_session_destroy(own);
    cop_cudnn_store_clear();
    return status;
}

static void check_nothing_leaks(void)
{
    ck_assert_int_eq(scripted.live_descriptors, 0);
    ck_assert_int_eq(scripted.live_handles, 1); /* the fixture's */
    ck_assert_int_eq(scripted.misuses, 0);
}

struct fault {
    cudnnStatus_t answer;
    bool is_dead;
    cop_status expected;
};
static const struct fault faults[] = {
    {CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, false, COP_STATUS_OUT_OF_MEMORY},
    {CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, false, COP_STATUS_OUT_OF_DEVICE_MEMORY},
    {CUDNN_STATUS_NOT_SUPPORTED_SHAPE, false, COP_STATUS_UNSUPPORTED},
    {CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED, false, COP_STATUS_UNSUPPORTED},
    {CUDNN_STATUS_BAD_PARAM_NULL_POINTER, true, COP_STATUS_INTERNAL},
    {CUDNN_STATUS_EXECUTION_FAILED_CUDART, false, COP_STATUS_INTERNAL},
    {CUDNN_STATUS_EXECUTION_FAILED_CUDART, true, COP_STATUS_DEVICE_FAILED},
    {CUDNN_STATUS_INTERNAL_ERROR, true, COP_STATUS_DEVICE_FAILED},
};
#define FAULT_COUNT ((int)(sizeof faults / sizeof *faults))

/*
 * What fails while engines are looked at may leave others, and what cuDNN does not support there is
 * no engine that suits: the others come through as they are.
 */
static void fail_every_call(const struct fault *fault, const struct cudnn_trial *with)
{
    int failures = 0;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .run_ns = 100};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2, .run_ns = 50};
    scripted.failure = fault->answer;
    device_is_dead = fault->is_dead;
    for (int64_t i = 1;; i++) {
        scripted.calls = 0;
        scripted.fail_at = i;
        const cop_status status = use_everything(with);
        const bool was_reached = scripted.calls >= i;
        check_nothing_leaks();
        if (!was_reached) {
            ck_assert_int_eq(status, COP_STATUS_OK);
            break;
        }
        if (status == COP_STATUS_OK)
            continue;
        ck_assert_msg(status == fault->expected || status == COP_STATUS_UNSUPPORTED,
                      "call %d: %d, %s", (int)i, (int)status, error.message);
        ck_assert_int_eq(error.status, status);
        ck_assert_ptr_nonnull(strstr(error.message, "cuDNN: "));
        failures++;
    }
    scripted.fail_at = 0;
    ck_assert_int_gt(failures, 60);
}

START_TEST(any_call_that_fails_gives_a_status_and_a_text_and_leaks_nothing)
{
    fail_every_call(&faults[_i], NULL);
}
END_TEST

START_TEST(any_call_that_fails_in_a_trial_gives_a_status_and_a_text_and_leaks_nothing)
{
    fail_every_call(&faults[_i], &trial);
}
END_TEST

START_TEST(an_engine_that_could_not_be_looked_at_is_not_taken)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F32);
    bool was_reached = true;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .numerical_notes = 1};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2};
    scripted.fallback[0] = (struct scripted_engine){.index = 3};
    scripted.failure = CUDNN_STATUS_NOT_SUPPORTED;
    for (int64_t i = 1; was_reached; i++) {
        const struct cudnn_choice *choice = NULL;
        scripted.calls = 0;
        scripted.fail_at = i;
        if (choose_within(&conv, &no_limits, NULL, &choice) == COP_STATUS_OK)
            ck_assert_int_ne(choice->engine, 1);
        was_reached = scripted.calls >= i;
        cop_cudnn_choice_release(&choice);
        cop_cudnn_store_clear();
    }
}
END_TEST

START_TEST(the_text_names_the_call_what_it_was_about_and_what_cudnn_said)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *choice = NULL;
    scripted.failure = CUDNN_STATUS_BAD_PARAM;
    scripted.fail_at = scripted.calls + 1;
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &choice), COP_STATUS_INTERNAL);
    ck_assert_str_eq(error.message, "cuDNN: cudnnBackendCreateDescriptor (geometry): "
                                    "SCRIPTED_FAILURE (2000): as the script says");
}
END_TEST

START_TEST(any_allocation_that_fails_is_reported_and_leaks_nothing)
{
    const struct cudnn_trial *const with = _i == 0 ? NULL : &trial;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .run_ns = 100};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2, .run_ns = 50};
    for (int64_t i = 0;; i++) {
        cop_alloc_fail_after(i, false);
        const cop_status status = use_everything(with);
        const bool was_reached = cop_alloc_has_failed();
        cop_alloc_fail_after(-1, false);
        check_nothing_leaks();
        if (!was_reached)
            break;
        ck_assert_int_eq(status, COP_STATUS_OUT_OF_MEMORY);
        ck_assert_int_lt(i, 100);
    }
}
END_TEST

START_TEST(a_geometry_that_is_no_convolution_is_refused_before_cudnn_sees_it)
{
    struct cudnn_convolution all[5];
    for (int i = 0; i < 5; i++)
        all[i] = usual(COP_CUDNN_F32);
    all[0].groups = 3;
    all[1].kernel[1] = 9;
    all[2].strides[0] = 0;
    all[3].spatial_rank = 4;
    all[4].src[0] = INT64_MAX;
    const int64_t calls = scripted.calls;
    for (int i = 0; i < 5; i++) {
        const struct cudnn_choice *choice = NULL;
        ck_assert_int_eq(choose_within(&all[i], &no_limits, NULL, &choice), COP_STATUS_UNSUPPORTED);
    }
    ck_assert_int_eq(scripted.calls, calls);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("cudnn faults");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, begin, end);
    tcase_add_test(cases, a_run_names_its_addresses_and_makes_a_pack_only_for_new_ones);
    tcase_add_test(cases, an_address_that_breaks_the_promise_of_alignment_never_reaches_the_device);
    tcase_add_test(cases, an_engine_that_could_not_be_looked_at_is_not_taken);
    tcase_add_test(cases, the_text_names_the_call_what_it_was_about_and_what_cudnn_said);
    tcase_add_test(cases, a_geometry_that_is_no_convolution_is_refused_before_cudnn_sees_it);
    tcase_add_loop_test(cases, any_call_that_fails_gives_a_status_and_a_text_and_leaks_nothing, 0,
                        FAULT_COUNT);
    tcase_add_loop_test(cases,
                        any_call_that_fails_in_a_trial_gives_a_status_and_a_text_and_leaks_nothing,
                        0, FAULT_COUNT);
    tcase_add_loop_test(cases, any_allocation_that_fails_is_reported_and_leaks_nothing, 0, 2);
    return run_case("cudnn faults", cases);
}
