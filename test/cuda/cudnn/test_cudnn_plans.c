// SPDX-License-Identifier: Apache-2.0
/*
 * What the real cuDNN plans for a described device. No device is needed, and nothing runs. Skipped
 * where there is no cuDNN, and with sanitizers, which its libraries do not bear.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backends/cuda/cudnn/cudnn_execution.h"
#include "backends/cuda/cudnn/cudnn_library.h"
#include "device_profile.h"
#include "network_layers.h"
#include "support/unit.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

enum { NOTE_TENSOR_CORE = 0, NOTE_FFT = 3, NOTE_NONDETERMINISTIC = 4, NOTE_WINOGRAD = 5 };
#define BIT(note) (UINT32_C(1) << (note))

static struct cudnn_session *session;
static cop_error error;

static void imagine(void)
{
    ck_assert_msg(cop_cudnn_session_imagine(device_profile, PROFILE_DEVICE_NAME, &session,
                                            &error) == COP_STATUS_OK,
                  "%s", error.message);
}

static void forget(void)
{
    cop_cudnn_store_clear();
    cop_cudnn_session_destroy(session);
    session = NULL;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* 3x3 over 56 x 56 with 64 channels, one picture, with a bias and relu. */
static struct cudnn_convolution usual(enum cop_cudnn_type type)
{
    return (struct cudnn_convolution){
        .type = type,
        .src_is_nhwc = true,
        .dst_is_nhwc = true,
        .has_bias = true,
        .activation = COP_CUDNN_RELU,
        .spatial_rank = 2,
        .n = 1,
        .ic = 64,
        .oc = 64,
        .groups = 1,
        .src = {56, 56},
        .kernel = {3, 3},
        .strides = {1, 1},
        .dilations = {1, 1},
        .pads_begin = {1, 1},
        .pads_end = {1, 1},
    };
}

struct precision {
    const char *name;
    enum cop_cudnn_type type;
    bool allows_tf32;
};
static const struct precision precisions[] = {{"fp32", COP_CUDNN_F32, false},
                                              {"tf32", COP_CUDNN_F32, true},
                                              {"fp16", COP_CUDNN_F16, false},
                                              {"bf16", COP_CUDNN_BF16, false}};

static struct cudnn_convolution of_layer(const struct network_layer *layer,
                                         const struct precision *precision, int64_t batch)
{
    struct cudnn_convolution conv = usual(precision->type);
    conv.allows_tf32 = precision->allows_tf32;
    conv.has_residual = layer->has_residual;
    conv.activation = layer->has_relu ? COP_CUDNN_RELU : COP_CUDNN_NONE;
    conv.n = batch;
    conv.ic = layer->ic;
    conv.oc = layer->oc;
    conv.groups = layer->groups;
    for (int i = 0; i < 2; i++) {
        conv.src[i] = layer->pixels;
        conv.kernel[i] = layer->kernel;
        conv.strides[i] = layer->stride;
        conv.pads_begin[i] = conv.pads_end[i] = layer->pad;
    }
    return conv;
}

static const struct cudnn_choice *choose(const struct cudnn_convolution *conv)
{
    const struct cudnn_limits limits = {.workspace_bytes = 0};
    const struct cudnn_choice *choice = NULL;
    ck_assert_msg(cop_cudnn_choose(session, conv, &limits, NULL, &choice, &error) == COP_STATUS_OK,
                  "%" PRId64 "x%" PRId64 "x%" PRId64 " to %" PRId64 ": %s", conv->n, conv->ic,
                  conv->src[0], conv->oc, error.message);
    return choice;
}

/* Nanoseconds to make a plan from the choice's text. */
static int64_t reload(const struct cudnn_choice *choice)
{
    struct cudnn_execution *execution = NULL;
    const int64_t before = now_ns();
    ck_assert_msg(cop_cudnn_execution_create(session, choice, &execution, &error) == COP_STATUS_OK,
                  "%s", error.message);
    const int64_t took = now_ns() - before;
    cop_cudnn_execution_destroy(execution);
    return took;
}

static void check_notes(const struct cudnn_choice *choice)
{
    const struct cudnn_convolution *conv = &choice->convolution;
    const bool is_exact = conv->type == COP_CUDNN_F32 && !conv->allows_tf32;
    ck_assert_uint_eq(choice->numerical_notes & BIT(NOTE_NONDETERMINISTIC), 0);
    if (is_exact)
        ck_assert_uint_eq(choice->numerical_notes &
                              (BIT(NOTE_TENSOR_CORE) | BIT(NOTE_FFT) | BIT(NOTE_WINOGRAD)),
                          0);
}

/* What a row of the printed summary counts. */
struct summary {
    int plans, with_tensor_cores;
    size_t most_workspace;
    int64_t reload_ns, slowest_reload_ns, choose_ns;
};

static void add_layer(const struct network_layer *layer, const struct precision *precision,
                      int64_t batch, struct summary *summary)
{
    const struct cudnn_convolution conv = of_layer(layer, precision, batch);
    const int64_t before = now_ns();
    const struct cudnn_choice *choice = choose(&conv);
    summary->choose_ns += now_ns() - before;
    ck_assert_str_eq(choice->finalize_mode, "CONV_ADD_BIAS_ACT");
    ck_assert(!choice->is_compiled && !choice->is_large);
    ck_assert_uint_le(choice->workspace_bytes, COP_CUDNN_WORKSPACE_BYTES);
    check_notes(choice);
    const int64_t took = reload(choice);
    summary->plans++;
    summary->with_tensor_cores += (choice->numerical_notes & BIT(NOTE_TENSOR_CORE)) != 0;
    summary->reload_ns += took;
    if (took > summary->slowest_reload_ns)
        summary->slowest_reload_ns = took;
    if (choice->workspace_bytes > summary->most_workspace)
        summary->most_workspace = choice->workspace_bytes;
    cop_cudnn_choice_release(&choice);
}

START_TEST(every_layer_of_the_bench_networks_gets_a_fused_plan_compiled_beforehand)
{
    static const int64_t batches[] = {1, 8, 64};
    const struct precision *precision = &precisions[_i / 3];
    struct summary summary = {.plans = 0};
    for (size_t i = 0; i < NETWORK_LAYER_COUNT; i++)
        add_layer(&network_layers[i], precision, batches[_i % 3], &summary);
    printf(
        "%s, batch %2" PRId64 ": %d plans, %d with tensor cores, at most %.1f MiB of workspace; "
        "chosen in %.2f ms, made again in %.2f ms (at most %.2f)\n",
        precision->name, batches[_i % 3], summary.plans, summary.with_tensor_cores,
        (double)summary.most_workspace / 1048576, (double)summary.choose_ns / summary.plans / 1e6,
        (double)summary.reload_ns / summary.plans / 1e6, (double)summary.slowest_reload_ns / 1e6);
    if (precision->type == COP_CUDNN_F32 && !precision->allows_tf32)
        ck_assert_int_eq(summary.with_tensor_cores, 0);
    else
        ck_assert_int_gt(summary.with_tensor_cores, summary.plans / 2);
}
END_TEST

START_TEST(a_plan_is_made_again_in_less_time_than_it_was_chosen)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const int64_t before = now_ns();
    const struct cudnn_choice *choice = choose(&conv);
    const int64_t took = now_ns() - before;
    reload(choice); /* loads libraries */
    int64_t fastest = INT64_MAX;
    for (int i = 0; i < 10; i++) {
        const int64_t again = reload(choice);
        if (again < fastest)
            fastest = again;
    }
    printf("chosen first in %.1f ms, made again in %.2f ms\n", (double)took / 1e6,
           (double)fastest / 1e6);
    ck_assert_int_lt(fastest, took / 4);
    cop_cudnn_choice_release(&choice);
}
END_TEST

START_TEST(a_second_kernel_of_the_same_geometry_gets_the_same_choice)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_BF16);
    struct cudnn_convolution other = conv;
    other.pads_end[1] = 2;
    const struct cudnn_choice *first = choose(&conv), *second = choose(&conv);
    const struct cudnn_choice *third = choose(&other);
    ck_assert_ptr_eq(first, second);
    ck_assert_ptr_ne(first, third);
    cop_cudnn_choice_release(&first);
    cop_cudnn_choice_release(&second);
    cop_cudnn_choice_release(&third);
}
END_TEST

START_TEST(the_same_engine_is_chosen_again_after_the_store_is_cleared)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F32);
    const struct cudnn_choice *first = choose(&conv);
    cop_cudnn_store_clear();
    const struct cudnn_choice *second = choose(&conv);
    ck_assert_ptr_ne(first, second);
    ck_assert_str_eq(first->plan, second->plan);
    cop_cudnn_choice_release(&first);
    cop_cudnn_choice_release(&second);
}
END_TEST

START_TEST(one_and_three_dimensions_dilations_groups_and_nchw_are_planned)
{
    struct cudnn_convolution rows = usual(COP_CUDNN_F32), volumes = usual(COP_CUDNN_F16);
    struct cudnn_convolution dilated = usual(COP_CUDNN_F16), grouped = usual(COP_CUDNN_F16);
    struct cudnn_convolution planes = usual(COP_CUDNN_F32), uneven = usual(COP_CUDNN_F32);
    rows.spatial_rank = 1;
    volumes.spatial_rank = 3;
    volumes.src[2] = 8;
    volumes.kernel[2] = 3;
    volumes.strides[2] = volumes.dilations[2] = volumes.pads_begin[2] = volumes.pads_end[2] = 1;
    dilated.dilations[0] = dilated.dilations[1] = 2;
    grouped.groups = 4;
    planes.src_is_nhwc = planes.dst_is_nhwc = false;
    uneven.pads_end[0] = 2;
    uneven.pads_begin[1] = 0;
    const struct {
        const char *name;
        struct cudnn_convolution conv;
    } all[] = {{"one dimension", rows}, {"three", volumes},         {"dilations", dilated},
               {"groups", grouped},     {"channels first", planes}, {"uneven pads", uneven}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct cudnn_limits limits = {.workspace_bytes = 0};
        const struct cudnn_choice *choice = NULL;
        const cop_status status =
            cop_cudnn_choose(session, &all[i].conv, &limits, NULL, &choice, &error);
        printf("%s: %s\n", all[i].name, status == COP_STATUS_OK ? choice->name : error.message);
        ck_assert_msg(status == COP_STATUS_OK, "%s: %s", all[i].name, error.message);
        reload(choice);
        cop_cudnn_choice_release(&choice);
    }
}
END_TEST

START_TEST(what_no_engine_fuses_fast_is_unsupported_and_said_so)
{
    struct cudnn_convolution all[] = {usual(COP_CUDNN_F16), usual(COP_CUDNN_F16),
                                      usual(COP_CUDNN_F32)};
    const struct cudnn_limits limits = {.workspace_bytes = 0};
    all[0].activation = COP_CUDNN_GELU;
    all[1].activation = COP_CUDNN_CLIP;
    all[1].beta = 6;
    all[2].has_bias = false;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct cudnn_choice *choice = (const struct cudnn_choice *)session;
        ck_assert(!cop_cudnn_fuses(&all[i]));
        ck_assert_int_eq(cop_cudnn_choose(session, &all[i], &limits, NULL, &choice, &error),
                         COP_STATUS_UNSUPPORTED);
        ck_assert_ptr_null(choice);
        ck_assert_ptr_nonnull(strstr(error.message, "cuDNN: no engine compiled beforehand"));
    }
}
END_TEST

START_TEST(a_clip_is_fused_by_a_generic_engine_where_that_is_allowed)
{
    struct cudnn_convolution conv = usual(COP_CUDNN_F16);
    const struct cudnn_limits limits = {.allows_compilation = true};
    const struct cudnn_choice *choice = NULL;
    conv.activation = COP_CUDNN_CLIP;
    conv.beta = 6;
    ck_assert_msg(cop_cudnn_choose(session, &conv, &limits, NULL, &choice, &error) == COP_STATUS_OK,
                  "%s", error.message);
    ck_assert_ptr_nonnull(strstr(choice->plan, "\"upperClip\":6.0"));
    cop_cudnn_choice_release(&choice);
}
END_TEST

START_TEST(a_limit_on_the_workspace_is_kept_or_its_excess_is_said)
{
    struct cudnn_convolution conv = usual(COP_CUDNN_F32);
    const struct cudnn_choice *free_choice = choose(&conv), *small = NULL;
    const struct cudnn_limits limits = {.workspace_bytes = 1, .most_workspace_bytes = 1};
    ck_assert_uint_gt(free_choice->workspace_bytes, 1);
    const cop_status status = cop_cudnn_choose(session, &conv, &limits, NULL, &small, &error);
    ck_assert_msg(status == COP_STATUS_OK, "%s", error.message);
    ck_assert_uint_le(small->workspace_bytes, 1);
    ck_assert_ptr_ne(small, free_choice);
    cop_cudnn_choice_release(&small);

    const struct cudnn_limits wide = {.workspace_bytes = 1};
    ck_assert_int_eq(cop_cudnn_choose(session, &conv, &wide, NULL, &small, &error), COP_STATUS_OK);
    ck_assert(small->is_large == (small->workspace_bytes > 1));
    cop_cudnn_choice_release(&small);
    cop_cudnn_choice_release(&free_choice);
}
END_TEST

START_TEST(nothing_runs_on_a_device_that_is_only_described)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F32);
    const struct cudnn_choice *choice = choose(&conv);
    struct cudnn_execution *execution = NULL;
    const struct cudnn_pointers pointers = {.src = NULL};
    ck_assert_int_eq(cop_cudnn_execution_create(session, choice, &execution, &error),
                     COP_STATUS_OK);
    ck_assert_int_eq(cop_cudnn_execution_run(execution, &pointers, &error), COP_STATUS_INTERNAL);
    cop_cudnn_execution_destroy(execution);
    cop_cudnn_choice_release(&choice);
}
END_TEST

START_TEST(a_profile_that_is_none_is_refused_with_cudnns_reason)
{
    struct cudnn_session *other = session;
    ck_assert_int_ne(cop_cudnn_session_imagine("{\"deviceName\":3", "none", &other, &error),
                     COP_STATUS_OK);
    ck_assert_ptr_null(other);
    ck_assert_ptr_nonnull(strstr(error.message, "device properties"));
}
END_TEST

START_TEST(a_text_that_is_no_plan_is_refused)
{
    const struct cudnn_convolution conv = usual(COP_CUDNN_F32);
    const struct cudnn_choice *choice = choose(&conv);
    struct cudnn_choice broken = *choice;
    struct cudnn_execution *execution = NULL;
    char text[] = "{\"cudnnVersion\":1}";
    cop_refcount_init(&broken.refs);
    broken.plan = text;
    broken.plan_bytes = strlen(text);
    ck_assert_int_ne(cop_cudnn_execution_create(session, &broken, &execution, &error),
                     COP_STATUS_OK);
    ck_assert_ptr_null(execution);
    ck_assert_ptr_nonnull(strstr(error.message, "cudnnBackend"));
    cop_cudnn_choice_release(&choice);
}
END_TEST

/* What one thread of the next test got. */
struct seeker {
    pthread_t thread;
    const struct cudnn_choice *choices[8];
    cop_status status;
    cop_error error;
};

static void *seek(void *argument)
{
    struct seeker *seeker = argument;
    struct cudnn_session *own = NULL;
    seeker->status =
        cop_cudnn_session_imagine(device_profile, PROFILE_DEVICE_NAME, &own, &seeker->error);
    for (int i = 0; i < 8 && seeker->status == COP_STATUS_OK; i++) {
        const struct cudnn_limits limits = {.workspace_bytes = 0};
        const struct cudnn_convolution conv =
            of_layer(&network_layers[i], &precisions[i % 4], 1 + i / 4);
        seeker->status =
            cop_cudnn_choose(own, &conv, &limits, NULL, &seeker->choices[i], &seeker->error);
    }
    cop_cudnn_session_destroy(own);
    return NULL;
}

START_TEST(threads_that_ask_at_once_get_the_same_choices)
{
    struct seeker seekers[4] = {{.status = COP_STATUS_OK}};
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&seekers[i].thread, NULL, seek, &seekers[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(seekers[i].thread, NULL);
    for (int i = 0; i < 4; i++) {
        ck_assert_msg(seekers[i].status == COP_STATUS_OK, "%s", seekers[i].error.message);
        for (int k = 0; k < 8; k++)
            ck_assert_ptr_eq(seekers[i].choices[k], seekers[0].choices[k]);
    }
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 8; k++)
            cop_cudnn_choice_release(&seekers[i].choices[k]);
}
END_TEST

static TCase *make_cases(void)
{
    TCase *cases = tcase_create("cudnn plans");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, imagine, forget);
    tcase_add_loop_test(
        cases, every_layer_of_the_bench_networks_gets_a_fused_plan_compiled_beforehand, 0, 12);
    tcase_add_test(cases, a_plan_is_made_again_in_less_time_than_it_was_chosen);
    tcase_add_test(cases, a_second_kernel_of_the_same_geometry_gets_the_same_choice);
    tcase_add_test(cases, the_same_engine_is_chosen_again_after_the_store_is_cleared);
    tcase_add_test(cases, one_and_three_dimensions_dilations_groups_and_nchw_are_planned);
    tcase_add_test(cases, what_no_engine_fuses_fast_is_unsupported_and_said_so);
    tcase_add_test(cases, a_clip_is_fused_by_a_generic_engine_where_that_is_allowed);
    tcase_add_test(cases, a_limit_on_the_workspace_is_kept_or_its_excess_is_said);
    tcase_add_test(cases, nothing_runs_on_a_device_that_is_only_described);
    tcase_add_test(cases, a_profile_that_is_none_is_refused_with_cudnns_reason);
    tcase_add_test(cases, a_text_that_is_no_plan_is_refused);
    tcase_add_test(cases, threads_that_ask_at_once_get_the_same_choices);
    return cases;
}

int main(void)
{
    if (IS_SANITIZED || cop_cudnn_open(&error) != COP_STATUS_OK) {
        printf("skipped: %s\n", IS_SANITIZED ? "built with a sanitizer" : error.message);
        return 77;
    }
    printf("cuDNN %d from %s\n", cop_cudnn_version(), cop_cudnn_path());
    return run_case("cudnn plans", make_cases());
}
