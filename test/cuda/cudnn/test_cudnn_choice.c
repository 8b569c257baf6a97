// SPDX-License-Identifier: Apache-2.0
/* Which engine is taken, measuring, and the store. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "scripted_use.h"

enum { TENSOR_CORE = 1, DOWN_CONVERT = 2, REDUCED = 4, FFT = 8, CHANGING = 16, WINOGRAD = 32 };
enum { COMPILES = 1, REORDERS = 2 };

/* The engine that is chosen for the script, and nothing kept of it. */
static int64_t chosen(const struct cudnn_convolution *conv, const struct cudnn_limits *limits)
{
    const struct cudnn_choice *choice = NULL;
    const cop_status status = choose_within(conv, limits, NULL, &choice);
    ck_assert_msg(status == COP_STATUS_OK, "%s", error.message);
    const int64_t engine = choice->engine;
    cop_cudnn_choice_release(&choice);
    cop_cudnn_store_clear();
    return engine;
}

START_TEST(the_first_engine_of_the_heuristics_is_taken)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    scripted.mode_a[0] = (struct scripted_engine){.index = 5, .numerical_notes = TENSOR_CORE};
    scripted.mode_a[1] = (struct scripted_engine){.index = 6};
    ck_assert_int_eq(chosen(&conv, &no_limits), 5);
    ck_assert_int_eq(scripted.heuristics_asked, 1);
}
END_TEST

START_TEST(exact_float32_takes_no_engine_that_rounds_or_transforms)
{
    struct cudnn_convolution conv = usual(COP_CUDNN_F32);
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .numerical_notes = TENSOR_CORE};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2, .numerical_notes = FFT};
    scripted.mode_a[2] = (struct scripted_engine){.index = 3, .numerical_notes = WINOGRAD};
    scripted.mode_a[3] = (struct scripted_engine){.index = 4};
    ck_assert_int_eq(chosen(&conv, &no_limits), 4);
    conv.allows_tf32 = true;
    ck_assert_int_eq(chosen(&conv, &no_limits), 1);
}
END_TEST

START_TEST(no_precision_takes_an_engine_that_changes_its_results_or_sums_in_less_than_float32)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_BF16);
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .numerical_notes = CHANGING};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2, .numerical_notes = REDUCED};
    scripted.mode_a[2] = (struct scripted_engine){.index = 3, .numerical_notes = DOWN_CONVERT};
    scripted.fallback[0] = (struct scripted_engine){.index = 4, .numerical_notes = TENSOR_CORE};
    ck_assert_int_eq(chosen(&conv, &no_limits), 4);
    ck_assert_int_eq(scripted.heuristics_asked, 2);
}
END_TEST

START_TEST(a_small_workspace_goes_before_a_large_one_and_a_huge_one_is_refused)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *choice = NULL;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .workspace_bytes = 1001};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2, .workspace_bytes = 1000};
    scripted.fallback[0] = (struct scripted_engine){.index = 3, .workspace_bytes = 100};
    ck_assert_int_eq(chosen(&conv, &tight), 3);
    scripted.fallback[0].index = 0;
    ck_assert_int_eq(chosen(&conv, &tight), 2);
    ck_assert_int_eq(choose_within(&conv, &tight, NULL, &choice), COP_STATUS_OK);
    ck_assert(choice->is_large);
    cop_cudnn_choice_release(&choice);
    cop_cudnn_store_clear();
    scripted.mode_a[1].index = 0;
    ck_assert_int_eq(choose_within(&conv, &tight, NULL, &choice), COP_STATUS_UNSUPPORTED);
    ck_assert_ptr_null(choice);
    ck_assert_ptr_nonnull(strstr(error.message, "of 1 configurations"));
    ck_assert_ptr_nonnull(strstr(error.message, "1 need more than"));
}
END_TEST

START_TEST(choices_within_other_limits_are_other_choices)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_limits wider = {.workspace_bytes = 100, .most_workspace_bytes = 2000};
    const struct cudnn_choice *first = NULL, *second = NULL;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .workspace_bytes = 1500};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2, .workspace_bytes = 900};
    ck_assert_int_eq(choose_within(&conv, &wider, NULL, &first), COP_STATUS_OK);
    ck_assert_int_eq(choose_within(&conv, &tight, NULL, &second), COP_STATUS_OK);
    ck_assert_int_eq(first->engine, 1);
    ck_assert_int_eq(second->engine, 2);
    cop_cudnn_choice_release(&first);
    cop_cudnn_choice_release(&second);
}
END_TEST

START_TEST(trailing_pads_that_change_nothing_make_no_other_choice)
{
    struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *first = NULL, *second = NULL;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1};
    conv.strides[0] = conv.strides[1] = 2;
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &first), COP_STATUS_OK);
    conv.pads_end[0] = conv.pads_end[1] = 0; /* six elements, windows at -1, 1 and 3 */
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &second), COP_STATUS_OK);
    ck_assert_ptr_eq(first, second);
    ck_assert_int_eq(second->convolution.pads_end[1], 1);
    cop_cudnn_choice_release(&first);
    cop_cudnn_choice_release(&second);

    conv.kernel[0] = conv.kernel[1] = 1; /* at 0, 2 and 4 */
    conv.pads_begin[0] = conv.pads_begin[1] = 0;
    conv.pads_end[0] = conv.pads_end[1] = -1;
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &first), COP_STATUS_OK);
    ck_assert_int_eq(first->convolution.pads_end[0], 0);
    cop_cudnn_choice_release(&first);
    conv.pads_end[0] = -2;
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &first), COP_STATUS_UNSUPPORTED);
}
END_TEST

START_TEST(pads_that_are_needed_are_kept)
{
    struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *choice = NULL;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1};
    conv.pads_begin[0] = 0;
    conv.pads_end[0] = 2;
    conv.pads_begin[1] = 2;
    conv.pads_end[1] = 0;
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &choice), COP_STATUS_OK);
    ck_assert_int_eq(choice->convolution.pads_end[0], 2);
    ck_assert_int_eq(choice->convolution.pads_end[1], 0);
    cop_cudnn_choice_release(&choice);
}
END_TEST

START_TEST(an_engine_that_is_compiled_at_run_time_is_the_last_resort_and_only_if_allowed)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_limits allowing = {.allows_compilation = true};
    const struct cudnn_choice *choice = NULL;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .behaviour_notes = COMPILES};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2};
    ck_assert_int_eq(chosen(&conv, &allowing), 2);
    scripted.mode_a[1].index = 0;
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &choice), COP_STATUS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "1 would be compiled at run time"));
    ck_assert_int_eq(choose_within(&conv, &allowing, NULL, &choice), COP_STATUS_OK);
    ck_assert(choice->is_compiled);
    ck_assert_str_eq(choice->name, "cudnn:CONV_ADD_BIAS_ACT:1:compiled");
    cop_cudnn_choice_release(&choice);
}
END_TEST

START_TEST(an_engine_that_wants_reordered_weights_is_never_taken)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .behaviour_notes = REORDERS};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2};
    ck_assert_int_eq(chosen(&conv, &no_limits), 2);
}
END_TEST

START_TEST(an_engine_whose_plan_cannot_be_made_leaves_its_place_to_the_next)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *choice = NULL;
    scripted.mode_a[0] = (struct scripted_engine){
        .index = 1, .plan_status = CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2};
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &choice), COP_STATUS_OK);
    ck_assert_int_eq(choice->engine, 2);
    ck_assert_int_eq(choice->tried, 1);
    cop_cudnn_choice_release(&choice);
}
END_TEST

START_TEST(a_plan_that_finds_no_memory_ends_the_search)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *choice = NULL;
    scripted.mode_a[0] = (struct scripted_engine){
        .index = 1, .plan_status = CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2};
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &choice),
                     COP_STATUS_OUT_OF_DEVICE_MEMORY);
    ck_assert_ptr_null(choice);
}
END_TEST

START_TEST(a_trial_takes_the_fastest_that_stays_within_the_workspace)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *choice = NULL;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .run_ns = 1000};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2, .run_ns = 500};
    scripted.mode_a[2] = (struct scripted_engine){.index = 3, .run_ns = 10, .workspace_bytes = 101};
    scripted.mode_a[3] = (struct scripted_engine){
        .index = 4, .run_ns = 10, .run_status = CUDNN_STATUS_EXECUTION_FAILED};
    ck_assert_int_eq(choose_within(&conv, &tight, &trial, &choice), COP_STATUS_OK);
    ck_assert_int_eq(choice->engine, 2);
    ck_assert_int_eq(choice->measured_ns, 500);
    ck_assert_int_eq(scripted.runs, 4 + 4 + 1); /* one more than counted each, and the failed one */
    cop_cudnn_choice_release(&choice);
}
END_TEST

START_TEST(a_trial_keeps_the_first_of_engines_that_are_about_as_fast)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *choice = NULL;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .run_ns = 1000};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2, .run_ns = 985};
    ck_assert_int_eq(choose_within(&conv, &no_limits, &trial, &choice), COP_STATUS_OK);
    ck_assert_int_eq(choice->engine, 1);
    cop_cudnn_choice_release(&choice);
}
END_TEST

START_TEST(what_was_measured_once_is_not_measured_again)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *first = NULL, *second = NULL, *unmeasured = NULL;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1, .run_ns = 1000};
    ck_assert_int_eq(choose_within(&conv, &no_limits, &trial, &first), COP_STATUS_OK);
    const int runs = scripted.runs;
    ck_assert_int_eq(choose_within(&conv, &no_limits, &trial, &second), COP_STATUS_OK);
    ck_assert_int_eq(scripted.runs, runs);
    ck_assert_ptr_eq(first, second);
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &unmeasured), COP_STATUS_OK);
    ck_assert_ptr_ne(first, unmeasured);
    cop_cudnn_choice_release(&first);
    cop_cudnn_choice_release(&second);
    cop_cudnn_choice_release(&unmeasured);
}
END_TEST

START_TEST(a_device_that_dies_in_a_trial_ends_it)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *choice = NULL;
    scripted.mode_a[0] =
        (struct scripted_engine){.index = 1, .run_status = CUDNN_STATUS_EXECUTION_FAILED_CUDART};
    scripted.mode_a[1] = (struct scripted_engine){.index = 2};
    device_is_dead = true;
    ck_assert_int_eq(choose_within(&conv, &no_limits, &trial, &choice), COP_STATUS_DEVICE_FAILED);
    ck_assert_ptr_null(choice);
    ck_assert_int_eq(scripted.runs, 1);
}
END_TEST

START_TEST(the_store_forgets_what_was_asked_for_longest_ago)
{
    struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_choice *choice = NULL;
    scripted.mode_a[0] = (struct scripted_engine){.index = 1};
    for (int i = 1; i <= 1024; i++) {
        conv.n = i;
        ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &choice), COP_STATUS_OK);
        cop_cudnn_choice_release(&choice);
    }
    conv.n = 1; /* which is used again, so 2 is the oldest */
    ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &choice), COP_STATUS_OK);
    cop_cudnn_choice_release(&choice);
    ck_assert_int_eq(scripted.heuristics_asked, 1024);
    static const struct {
        int n, asked;
    } steps[] = {{2000, 1025}, {1, 1025}, {3, 1025}, {2, 1026}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        conv.n = steps[i].n;
        ck_assert_int_eq(choose_within(&conv, &no_limits, NULL, &choice), COP_STATUS_OK);
        cop_cudnn_choice_release(&choice);
        ck_assert_int_eq(scripted.heuristics_asked, steps[i].asked);
    }
}
END_TEST

/* One thread of the next two tests. */
struct seeker {
    pthread_t thread;
    const struct cudnn_choice *choices[4];
    cop_status statuses[4];
};

static void *seek(void *argument)
{
    struct seeker *seeker = argument;
    struct cudnn_session *own = NULL;
    struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    if (cop_cudnn_session_create(&options, &own, NULL) != COP_STATUS_OK)
        return NULL;
    for (int i = 0; i < 4; i++) {
        conv.n = 1 + i;
        seeker->statuses[i] =
            cop_cudnn_choose(own, &conv, &no_limits, NULL, &seeker->choices[i], NULL);
    }
    cop_cudnn_session_destroy(own);
    return NULL;
}

#define SEEKERS 8

static void run_seekers(struct seeker *seekers)
{
    for (int i = 0; i < SEEKERS; i++)
        ck_assert_int_eq(pthread_create(&seekers[i].thread, NULL, seek, &seekers[i]), 0);
    for (int i = 0; i < SEEKERS; i++)
        pthread_join(seekers[i].thread, NULL);
}

START_TEST(threads_that_ask_for_the_same_at_once_wait_for_one_choice)
{
    struct seeker seekers[SEEKERS] = {{.choices = {NULL}}};
    scripted.mode_a[0] = (struct scripted_engine){.index = 1};
    scripted.choosing_us = 20000;
    run_seekers(seekers);
    ck_assert_int_eq(scripted.heuristics_asked, 4);
    for (int i = 0; i < SEEKERS; i++)
        for (int k = 0; k < 4; k++) {
            ck_assert_ptr_nonnull(seekers[i].choices[k]);
            ck_assert_ptr_eq(seekers[i].choices[k], seekers[0].choices[k]);
        }
    for (int i = 0; i < SEEKERS; i++)
        for (int k = 0; k < 4; k++)
            cop_cudnn_choice_release(&seekers[i].choices[k]);
}
END_TEST

START_TEST(where_the_one_who_chooses_fails_the_waiting_threads_try_themselves)
{
    struct seeker seekers[SEEKERS] = {{.choices = {NULL}}};
    scripted.choosing_us = 5000; /* and there is no engine at all */
    run_seekers(seekers);
    for (int i = 0; i < SEEKERS; i++)
        for (int k = 0; k < 4; k++) {
            ck_assert_ptr_null(seekers[i].choices[k]);
            ck_assert_int_eq(seekers[i].statuses[k], COP_STATUS_UNSUPPORTED);
        }
    ck_assert_int_eq(scripted.heuristics_asked, SEEKERS * 4 * 2);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "cudnn choice", begin, end, the_first_engine_of_the_heuristics_is_taken,
        exact_float32_takes_no_engine_that_rounds_or_transforms,
        no_precision_takes_an_engine_that_changes_its_results_or_sums_in_less_than_float32,
        a_small_workspace_goes_before_a_large_one_and_a_huge_one_is_refused,
        choices_within_other_limits_are_other_choices,
        trailing_pads_that_change_nothing_make_no_other_choice, pads_that_are_needed_are_kept,
        an_engine_that_is_compiled_at_run_time_is_the_last_resort_and_only_if_allowed,
        an_engine_that_wants_reordered_weights_is_never_taken,
        an_engine_whose_plan_cannot_be_made_leaves_its_place_to_the_next,
        a_plan_that_finds_no_memory_ends_the_search,
        a_trial_takes_the_fastest_that_stays_within_the_workspace,
        a_trial_keeps_the_first_of_engines_that_are_about_as_fast,
        what_was_measured_once_is_not_measured_again, a_device_that_dies_in_a_trial_ends_it,
        the_store_forgets_what_was_asked_for_longest_ago,
        threads_that_ask_for_the_same_at_once_wait_for_one_choice,
        where_the_one_who_chooses_fails_the_waiting_threads_try_themselves);
}
