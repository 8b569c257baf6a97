// SPDX-License-Identifier: Apache-2.0
/*
 * The matrix of MXNet's own test of its thread-safe operator, over the public headers: residual
 * networks of 18, 50 and 152 layers, 5 and 20 threads, 1 to 8 inferences each, with and without
 * what its static options stand for, waits inside the threads and after them, and pauses; every
 * result compared with the sequential one, to the bit. Then one test for each thing its
 * documentation warns of.
 */
#define _GNU_SOURCE
#include "promises/subject.h"
#include "support/data.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_THREADS    20
#define MOST_INFERENCES 8

/* MXNet's static_alloc and static_shape: buffers that are there before the first call, and results
 * in arrays of the caller. */
enum { IS_STATIC = 1, CREATES_INSIDE = 2, WAITS_INSIDE = 4, WAITS_AFTER = 8, PAUSES = 16 };

static const int depths[] = {18, 50, 152};
static struct subject subjects[3];

struct round {
    const struct subject *subject;
    int inferences, options;
    pthread_barrier_t begin;
    _Atomic int wrong;
};

struct guest {
    struct round *round;
    int number;
    pthread_t thread;
    cop_cached_op *op; /* its own, where operators are created inside the threads */
    cop_ndarray *dst[MOST_INFERENCES];
};

static int input_of(const struct guest *guest, int inference)
{
    return (guest->number + inference) % SUBJECT_INPUTS;
}

static bool is_right(const struct guest *guest, int inference)
{
    return is_expected(guest->round->subject, input_of(guest, inference), &guest->dst[inference]);
}

static void *infer(void *argument)
{
    struct guest *guest = argument;
    struct round *round = guest->round;
    const struct subject *subject = round->subject;
    unsigned seed = (unsigned)guest->number + 1;
    int wrong = 0;
    pthread_barrier_wait(&round->begin);
    if (round->options & CREATES_INSIDE)
        guest->op = compile(subject->model, subject->device, 0, 0);
    cop_cached_op *op = guest->op != NULL ? guest->op : subject->op;
    if ((round->options & (CREATES_INSIDE | IS_STATIC)) == (CREATES_INSIDE | IS_STATIC))
        wrong += cop_cached_op_warm_up(op, 1, NULL) != COP_STATUS_OK;
    for (int i = 0; i < round->inferences; i++) {
        if (round->options & IS_STATIC)
            guest->dst[i] = make_output(op, 0);
        if (round->options & PAUSES)
            sleep_ns(rand_r(&seed) % 1000000);
        wrong += cop_invoke_async(op, 1, (cop_ndarray *const *)&subject->src[input_of(guest, i)], 1,
                                  &guest->dst[i], NULL, NULL) != COP_STATUS_OK;
    }
    for (int i = 0; i < round->inferences && round->options & WAITS_INSIDE; i++)
        wrong +=
            wait_for(guest->dst[i], COP_NO_TIMEOUT, NULL) != COP_STATUS_OK || !is_right(guest, i);
    atomic_fetch_add(&round->wrong, wrong);
    return NULL;
}

static void run_round(const struct subject *subject, int threads, int inferences, int options)
{
    struct guest guests[MOST_THREADS] = {0};
    struct round round = {.subject = subject, .inferences = inferences, .options = options};
    pthread_barrier_init(&round.begin, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) {
        guests[i] = (struct guest){.round = &round, .number = i};
        ck_assert_int_eq(pthread_create(&guests[i].thread, NULL, infer, &guests[i]), 0);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(guests[i].thread, NULL);
    if (options & WAITS_AFTER)
        ck_assert_int_eq(wait_for_all(NULL, COP_NO_TIMEOUT, NULL), COP_STATUS_OK);
    for (int i = 0; i < threads; i++) {
        for (int k = 0; k < inferences; k++) {
            ck_assert_int_eq(wait_for(guests[i].dst[k], 0, NULL), COP_STATUS_OK);
            ck_assert(is_right(&guests[i], k));
            cop_ndarray_release(&guests[i].dst[k]);
        }
        cop_cached_op_release(&guests[i].op);
    }
    ck_assert_int_eq(atomic_load(&round.wrong), 0);
    pthread_barrier_destroy(&round.begin);
}

/* Every `stride`-th row of the matrix: the deeper networks take long under sanitizers, so that all
 * of their rows run only where COP_TEST_LONG is set. */
static void run_matrix(const struct subject *subject, int stride)
{
    static const int thread_counts[] = {5, 20}, inference_counts[] = {1, 2, 8};
    static const int waits[] = {WAITS_INSIDE, WAITS_AFTER, WAITS_INSIDE | WAITS_AFTER};
    for (int i = stride / 2; i < 2 * 3 * 3 * 8; i += stride) {
        const int flags =
            (i & 1 ? IS_STATIC : 0) | (i & 2 ? CREATES_INSIDE : 0) | (i & 4 ? PAUSES : 0);
        run_round(subject, thread_counts[i / 8 % 2], inference_counts[i / 16 % 3],
                  flags | waits[i / 48]);
    }
}

static void begin(cop_device_kind device)
{
    for (int i = 0; i < 3; i++)
        subject_begin(&subjects[i], residual_network(depths[i], 4, 8, 11), device);
}

static void end(void)
{
    for (int i = 0; i < 3; i++)
        subject_end(&subjects[i]);
}

static void run_all_depths(cop_device_kind device)
{
    begin(device);
    const bool is_long = getenv("COP_TEST_LONG") != NULL;
    for (int i = 0; i < 3; i++)
        run_matrix(&subjects[i], is_long ? 1 : 1 + 4 * i);
    end();
}

START_TEST(the_whole_matrix_agrees_with_the_sequential_run_on_ref)
{
    run_all_depths(COP_DEVICE_REF);
}
END_TEST

START_TEST(the_whole_matrix_agrees_with_the_sequential_run_on_cpu)
{
    run_all_depths(COP_DEVICE_CPU);
}
END_TEST

START_TEST(a_residual_network_that_was_trained_agrees_with_its_sequential_run)
{
    char path[512];
    cop_model *model = NULL;
    struct subject subject;
#ifdef __SANITIZE_THREAD__
    return; /* on ref, and a hundred times slower, one run takes half a minute */
#endif
    if (!find_data("cifar_resnet20_v1/cifar_resnet20_v1-symbol.json", path))
        return;
    ck_assert_int_eq(cop_model_load(path, NULL, &model, NULL), COP_STATUS_OK);
    subject_begin(&subject, model, COP_DEVICE_CPU);
    const int inferences = IS_SANITIZED ? 1 : 8; /* a hundred times as slow there */
    run_round(&subject, IS_SANITIZED ? 5 : 20, inferences, WAITS_INSIDE | PAUSES);
    run_round(&subject, IS_SANITIZED ? 5 : 20, inferences, IS_STATIC | WAITS_AFTER);
    run_round(&subject, 5, inferences, CREATES_INSIDE | IS_STATIC | WAITS_INSIDE | WAITS_AFTER);
    subject_end(&subject);
}
END_TEST

/* --- What MXNet's documentation warns of --- */

static cop_status wait_in_thread_status[MOST_THREADS];

static void *fail_and_wait(void *argument)
{
    struct guest *guest = argument;
    const struct subject *subject = guest->round->subject;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_error error, again;
    cop_ndarray *dst = NULL;
    const bool fails = guest->number % 2 == 0;
    options.timeout_ns = fails ? 0 : COP_NO_TIMEOUT;
    if (cop_invoke_async(subject->op, 1, (cop_ndarray *const *)&subject->src[0], 1, &dst, &options,
                         NULL) != COP_STATUS_OK)
        return NULL;
    const cop_status status = wait_for(dst, COP_NO_TIMEOUT, &error);
    bool is_same = wait_for(dst, COP_NO_TIMEOUT, &again) == status;
    if (fails)
        is_same =
            is_same && status == COP_STATUS_TIMEOUT && strcmp(error.message, again.message) == 0;
    wait_in_thread_status[guest->number] = is_same ? status : COP_STATUS_INTERNAL;
    cop_ndarray_release(&dst);
    return NULL;
}

START_TEST(waits_inside_threads_see_their_own_failure_each_time_and_no_other)
{
    struct guest guests[MOST_THREADS];
    begin(COP_DEVICE_REF);
    struct round round = {.subject = &subjects[0]};
    for (int i = 0; i < MOST_THREADS; i++) {
        guests[i] = (struct guest){.round = &round, .number = i};
        pthread_create(&guests[i].thread, NULL, fail_and_wait, &guests[i]);
    }
    for (int i = 0; i < MOST_THREADS; i++) {
        pthread_join(guests[i].thread, NULL);
        ck_assert_int_eq(wait_in_thread_status[i], i % 2 == 0 ? COP_STATUS_TIMEOUT : COP_STATUS_OK);
    }
    end();
}
END_TEST

START_TEST(twenty_threads_create_the_operator_at_once_and_none_hangs)
{
    begin(COP_DEVICE_CPU);
    for (int i = 0; i < 5; i++)
        run_round(&subjects[1], 20, 1, CREATES_INSIDE | WAITS_INSIDE);
    end();
}
END_TEST

static void *invoke_each_model(void *argument)
{
    struct guest *guest = argument;
    for (int i = 0; i < 30; i++)
        atomic_fetch_add(&guest->round->wrong,
                         !async_is_right(&subjects[(guest->number + i) % 3],
                                         subjects[(guest->number + i) % 3].op, i % SUBJECT_INPUTS));
    return NULL;
}

START_TEST(several_models_in_one_process_do_not_mix_their_results)
{
    struct guest guests[MOST_THREADS];
    struct round round = {0};
    begin(COP_DEVICE_CPU);
    for (int i = 0; i < MOST_THREADS; i++) {
        guests[i] = (struct guest){.round = &round, .number = i};
        pthread_create(&guests[i].thread, NULL, invoke_each_model, &guests[i]);
    }
    for (int i = 0; i < MOST_THREADS; i++)
        pthread_join(guests[i].thread, NULL);
    ck_assert_int_eq(atomic_load(&round.wrong), 0);
    end();
}
END_TEST

static void *invoke_a_shape(void *argument)
{
    struct guest *guest = argument;
    const struct subject *subject = guest->round->subject;
    const int batch = 1 + guest->number % 4;
    const cop_input_shape shape = {"data", 4, {batch, 3, 8, 8}};
    cop_cached_op *op = NULL;
    cop_ndarray *src = NULL, *dst = NULL;
    cop_tensor_desc desc;
    int wrong = 0;
    if (cop_cached_op_reshape(subject->op, &shape, 1, &op, NULL, NULL) != COP_STATUS_OK)
        return atomic_fetch_add(&guest->round->wrong, 1), NULL;
    wrong += cop_cached_op_input(op, 0, &desc, NULL) != COP_STATUS_OK;
    src = make_array(&desc, 0);
    const size_t image = cop_ndarray_bytes(subject->src[0]);
    for (int i = 0; i < batch; i++)
        memcpy((char *)cop_ndarray_data(src) + (size_t)i * image,
               cop_ndarray_data(subject->src[i % SUBJECT_INPUTS]), image);
    wrong += cop_invoke(op, 1, &src, 1, &dst, NULL, NULL) != COP_STATUS_OK;
    /* On ref the rows of a batch are computed as single ones are. */
    const size_t row = cop_ndarray_bytes(subject->expected[0][0]);
    for (int i = 0; i < batch && wrong == 0; i++)
        wrong += memcmp((char *)cop_ndarray_data(dst) + (size_t)i * row,
                        cop_ndarray_data(subject->expected[i % SUBJECT_INPUTS][0]), row) != 0;
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    cop_cached_op_release(&op);
    atomic_fetch_add(&guest->round->wrong, wrong);
    return NULL;
}

START_TEST(threads_use_different_shapes_of_one_model_at_once)
{
    struct guest guests[MOST_THREADS];
    begin(COP_DEVICE_REF);
    struct round round = {.subject = &subjects[0]};
    for (int i = 0; i < MOST_THREADS; i++) {
        guests[i] = (struct guest){.round = &round, .number = i};
        pthread_create(&guests[i].thread, NULL, invoke_a_shape, &guests[i]);
    }
    for (int i = 0; i < MOST_THREADS; i++)
        pthread_join(guests[i].thread, NULL);
    ck_assert_int_eq(atomic_load(&round.wrong), 0);
    end();
}
END_TEST

static void *drop_the_operator(void *op)
{
    cop_cached_op *mine = op;
    cop_cached_op_release(&mine);
    return NULL;
}

START_TEST(the_operator_may_be_freed_while_another_thread_invokes_it)
{
    begin(COP_DEVICE_REF);
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        cop_ndarray *dst = NULL;
        cop_cached_op *op = compile(subjects[0].model, COP_DEVICE_REF, 0, 0);
        pthread_create(&thread, NULL, drop_the_operator, cop_cached_op_retain(op));
        ck_assert_int_eq(
            cop_invoke_async(op, 1, (cop_ndarray *const *)&subjects[0].src[1], 1, &dst, NULL, NULL),
            COP_STATUS_OK);
        cop_cached_op_release(&op);
        pthread_join(thread, NULL);
        ck_assert_int_eq(wait_for(dst, COP_NO_TIMEOUT, NULL), COP_STATUS_OK);
        ck_assert(is_expected(&subjects[0], 1, &dst));
        cop_ndarray_release(&dst);
    }
    end();
}
END_TEST

static void *wait_for_everything(void *argument)
{
    struct guest *guest = argument;
    for (int i = 0; i < 20; i++) {
        atomic_fetch_add(&guest->round->wrong, !async_is_right(&subjects[0], subjects[0].op, 0));
        atomic_fetch_add(&guest->round->wrong, wait_for_all(NULL, COP_NO_TIMEOUT, NULL) != 0);
    }
    return NULL;
}

/* MXNet's may wait for ever while others keep submitting: ours waits for what was there before. */
START_TEST(waiting_for_all_ends_although_others_keep_submitting)
{
    struct guest guests[MOST_THREADS];
    struct round round = {0};
    begin(COP_DEVICE_REF);
    for (int i = 0; i < MOST_THREADS; i++) {
        guests[i] = (struct guest){.round = &round, .number = i};
        pthread_create(&guests[i].thread, NULL, wait_for_everything, &guests[i]);
    }
    for (int i = 0; i < MOST_THREADS; i++)
        pthread_join(guests[i].thread, NULL);
    ck_assert_int_eq(atomic_load(&round.wrong), 0);
    end();
}
END_TEST

static void *invoke_once(void *argument)
{
    struct guest *guest = argument;
    atomic_fetch_add(&guest->round->wrong, !async_is_right(&subjects[0], subjects[0].op, 0));
    return NULL;
}

static void run_short_lived_threads(struct round *round, int count)
{
    for (int i = 0; i < count; i++) {
        struct guest guest = {.round = round};
        pthread_create(&guest.thread, NULL, invoke_once, &guest);
        pthread_join(guest.thread, NULL);
    }
}

/* MXNet keeps a record for each thread that ever was. */
START_TEST(threads_that_come_and_go_leave_no_memory_behind)
{
    cop_library_stats before = {.struct_size = sizeof before}, after = before;
    struct round round = {0};
    begin(COP_DEVICE_REF);
    run_short_lived_threads(&round, 50);
    ck_assert_int_eq(cop_library_get_stats(&before, NULL), COP_STATUS_OK);
    const long kilobytes = process_status("VmRSS:");
    run_short_lived_threads(&round, 1000);
    ck_assert_int_eq(cop_library_get_stats(&after, NULL), COP_STATUS_OK);
    ck_assert_int_eq(atomic_load(&round.wrong), 0);
    ck_assert_uint_lt(after.live_bytes, before.live_bytes + 4000); /* less than 4 bytes a thread */
    ck_assert(IS_SANITIZED || process_status("VmRSS:") - kilobytes < 256);
    end();
}
END_TEST

START_TEST(a_process_with_pending_work_exits_with_its_own_code)
{
    for (int i = 0; i < 10; i++) {
        int status = 0;
        const pid_t child = fork();
        if (child == 0) {
            struct subject subject;
            cop_ndarray *dst[8] = {NULL};
            subject_begin(&subject, residual_network(50, 4, 8, 1), COP_DEVICE_CPU);
            for (int k = 0; k < 8; k++)
                (void)!cop_invoke_async(subject.op, 1, &subject.src[0], 1, &dst[k], NULL, NULL);
            exit(40 + i);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 40 + i);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("MXNet's matrix", the_whole_matrix_agrees_with_the_sequential_run_on_ref,
                     the_whole_matrix_agrees_with_the_sequential_run_on_cpu,
                     a_residual_network_that_was_trained_agrees_with_its_sequential_run,
                     waits_inside_threads_see_their_own_failure_each_time_and_no_other,
                     twenty_threads_create_the_operator_at_once_and_none_hangs,
                     several_models_in_one_process_do_not_mix_their_results,
                     threads_use_different_shapes_of_one_model_at_once,
                     the_operator_may_be_freed_while_another_thread_invokes_it,
                     waiting_for_all_ends_although_others_keep_submitting,
                     threads_that_come_and_go_leave_no_memory_behind,
                     a_process_with_pending_work_exits_with_its_own_code);
}
