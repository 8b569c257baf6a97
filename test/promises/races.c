// SPDX-License-Identifier: Apache-2.0
/*
 * races [--long] [--seed N]: 32 threads invoke 8 models in every way there is, while operators and
 * models are made, reshaped and dropped and calls fail. Prints how many results were wrong; built
 * with ThreadSanitizer, which counts the races.
 */
#define _GNU_SOURCE
#include "promises/subject.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS       32
#define SHORT_INVOKES 100 /* of each thread on each model */
#define LONG_INVOKES  10000
#define BURST         4

static struct subject subjects[SMALL_NETWORKS];
static pthread_mutex_t op_locks[SMALL_NETWORKS]; /* a reference is taken while nobody replaces it */
static cop_ndarray *board[SMALL_NETWORKS][SUBJECT_OUTPUTS]; /* written by all, always the same */
static _Atomic long right_count, wrong_count;
static long invokes_per_model;

struct racer {
    unsigned seed;
};

static void judge(bool is_right, const char *what)
{
    atomic_fetch_add_explicit(is_right ? &right_count : &wrong_count, 1, memory_order_relaxed);
    if (!is_right)
        fprintf(stderr, "wrong: %s\n", what);
}

static cop_cached_op *take_op(int index)
{
    pthread_mutex_lock(&op_locks[index]);
    cop_cached_op *op = cop_cached_op_retain(subjects[index].op);
    pthread_mutex_unlock(&op_locks[index]);
    return op;
}

static void replace_op(int index, cop_cached_op *op)
{
    pthread_mutex_lock(&op_locks[index]);
    cop_cached_op *old = subjects[index].op;
    subjects[index].op = op;
    pthread_mutex_unlock(&op_locks[index]);
    cop_cached_op_release(&old);
}

static void invoke_burst(struct racer *racer, int index)
{
    const struct subject *subject = &subjects[index];
    cop_ndarray *dst[BURST][SUBJECT_OUTPUTS] = {{NULL}};
    cop_cached_op *op = take_op(index);
    bool is_right = true;
    for (int i = 0; i < BURST; i++)
        is_right &= cop_invoke_async(op, 1, (cop_ndarray *const *)&subject->src[i],
                                     subject->dst_count, dst[i], NULL, NULL) == COP_STATUS_OK;
    const int way = rand_r(&racer->seed) % 4;
    if (way == 0)
        (void)!wait_for_all(op, COP_NO_TIMEOUT, NULL); /* others' failures may be reported */
    for (int i = 0; i < BURST && way < 3; i++) {
        for (size_t k = 0; k < subject->dst_count && way > 0; k++)
            is_right &= wait_for(dst[i][k], COP_NO_TIMEOUT, NULL) == COP_STATUS_OK;
        is_right &= is_expected(subject, i, dst[i]);
    }
    for (int i = 0; i < BURST; i++) /* the last way: nobody waits at all */
        release_outputs(dst[i]);
    cop_cached_op_release(&op);
    judge(is_right, "a burst");
}

/* The first model is a relu of 16 values: applied again to what is not ready yet it changes
 * nothing. */
static void invoke_chain(void)
{
    const struct subject *subject = &subjects[0];
    cop_cached_op *op = take_op(0);
    cop_ndarray *first = NULL, *second = NULL;
    bool is_right = cop_invoke_async(op, 1, (cop_ndarray *const *)&subject->src[1], 1, &first, NULL,
                                     NULL) == COP_STATUS_OK &&
                    cop_invoke_async(op, 1, &first, 1, &second, NULL, NULL) == COP_STATUS_OK;
    cop_ndarray_release(&first);
    is_right = is_right && wait_for(second, COP_NO_TIMEOUT, NULL) == COP_STATUS_OK &&
               is_expected(subject, 1, &second);
    cop_ndarray_release(&second);
    cop_cached_op_release(&op);
    judge(is_right, "a chain");
}

/* All threads write the same results to the same arrays, in turns that the library keeps. */
static void write_board(struct racer *racer, int index)
{
    const struct subject *subject = &subjects[index];
    cop_cached_op *op = take_op(index);
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {board[index][0], board[index][1]};
    const bool is_async = rand_r(&racer->seed) % 2 == 0;
    judge((is_async ? cop_invoke_async : cop_invoke)(op, 1, (cop_ndarray *const *)&subject->src[0],
                                                     subject->dst_count, dst, NULL,
                                                     NULL) == COP_STATUS_OK,
          "a shared output");
    cop_cached_op_release(&op);
}

/* Reads what others write at the same time: model 1 gives what a relu leaves as it is. */
static void read_board(void)
{
    cop_cached_op *op = take_op(0);
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL};
    const bool is_right = cop_invoke(op, 1, &board[1][0], 1, dst, NULL, NULL) == COP_STATUS_OK &&
                          is_expected(&subjects[1], 0, dst);
    release_outputs(dst);
    cop_cached_op_release(&op);
    judge(is_right, "a read beside writers");
}

static void make_and_drop(struct racer *racer, int index)
{
    struct subject *subject = &subjects[index];
    cop_model *model =
        rand_r(&racer->seed) % 4 == 0 ? small_network(index) : cop_model_retain(subject->model);
    cop_cached_op *made = compile(model, COP_DEVICE_REF, 0, rand_r(&racer->seed) % 3);
    cop_cached_op *reshaped = NULL;
    cop_tensor_desc desc;
    cop_model_release(&model);
    judge(invoke_is_right(subject, made, 2), "an operator made meanwhile");
    require(cop_cached_op_input(made, 0, &desc, NULL) == COP_STATUS_OK, "no input");
    cop_input_shape shape = {"data", desc.rank, {0}};
    memcpy(shape.shape, desc.shape, sizeof shape.shape);
    shape.shape[0] = 1 + rand_r(&racer->seed) % 2;
    judge(cop_cached_op_reshape(made, &shape, 1, &reshaped, NULL, NULL) == COP_STATUS_OK,
          "a reshape");
    if (shape.shape[0] == 1 && reshaped != NULL) {
        judge(invoke_is_right(subject, reshaped, 3), "a reshaped operator");
        replace_op(index, cop_cached_op_retain(reshaped));
    }
    cop_cached_op_release(&reshaped);
    cop_cached_op_release(&made);
}

static void fail_on_purpose(struct racer *racer, int index)
{
    const struct subject *subject = &subjects[index];
    cop_cached_op *op = take_op(index);
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL}, *next = NULL;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_error error, again;
    options.timeout_ns = 0;
    cop_ndarray *const *src = (cop_ndarray *const *)&subject->src[0];
    if (rand_r(&racer->seed) % 2 == 0) {
        judge(cop_invoke(op, 1, src, subject->dst_count, dst, &options, NULL) != COP_STATUS_OK,
              "a deadline that had passed");
        judge(cop_invoke(op, 1, src, subject->dst_count + 1, dst, NULL, &error) ==
                  COP_STATUS_INVALID_ARGUMENT,
              "one output too many");
    } else if (cop_invoke_async(op, 1, src, subject->dst_count, dst, &options, NULL) ==
               COP_STATUS_OK) {
        const cop_status status = wait_for(dst[0], COP_NO_TIMEOUT, &error);
        judge(status == COP_STATUS_TIMEOUT || status == COP_STATUS_BUSY, "a failure");
        judge(wait_for(dst[0], COP_NO_TIMEOUT, &again) == status &&
                  strcmp(error.message, again.message) == 0,
              "the same failure again");
        if (index == 0 && cop_invoke_async(op, 1, dst, 1, &next, NULL, NULL) == COP_STATUS_OK)
            judge(wait_for(next, COP_NO_TIMEOUT, NULL) == status, "a failure that travels");
    }
    release_outputs(dst);
    cop_ndarray_release(&next);
    cop_cached_op_release(&op);
}

static void count_call(void *user, const cop_error *outcome)
{
    (void)outcome;
    atomic_fetch_add((_Atomic int *)user, 1);
}

/* Any outcome is right but a wrong result; each completion is reported once. */
static void cancel_at_some_time(struct racer *racer, int index)
{
    const struct subject *subject = &subjects[index];
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL};
    cop_cached_op *op = take_op(index);
    cop_completion_queue *queue = NULL;
    cop_completion completion;
    _Atomic int calls = 0;
    const int way = rand_r(&racer->seed) % 3;
    require(cop_cancel_create(&options.cancel, NULL) == COP_STATUS_OK, "no token");
    require(cop_completion_queue_create(&queue, NULL) == COP_STATUS_OK, "no queue");
    options.priority = (cop_priority)(rand_r(&racer->seed) % 3);
    options.timeout_ns = rand_r(&racer->seed) % 2 == 0 ? COP_NO_TIMEOUT : 100000;
    options.on_done = way == 1 ? count_call : NULL;
    options.completions = way == 2 ? queue : NULL;
    options.user = &calls;
    if (rand_r(&racer->seed) % 4 == 0)
        cop_cancel_request(options.cancel);
    bool is_right = cop_invoke_async(op, 1, (cop_ndarray *const *)&subject->src[0],
                                     subject->dst_count, dst, &options, NULL) == COP_STATUS_OK;
    if (rand_r(&racer->seed) % 2 == 0)
        cop_cancel_request(options.cancel);
    (void)!cop_ndarray_wait(dst[0], 1000, options.cancel, NULL);
    const cop_status status = wait_for(dst[0], COP_NO_TIMEOUT, NULL);
    is_right &= status == COP_STATUS_OK
                    ? is_expected(subject, 0, dst)
                    : status == COP_STATUS_CANCELLED || status == COP_STATUS_TIMEOUT ||
                          status == COP_STATUS_BUSY;
    while (way == 1 && atomic_load(&calls) == 0)
        sleep_ns(10000);
    while (way == 2 && cop_completion_queue_next(queue, &completion, NULL) != COP_STATUS_OK)
        sleep_ns(10000);
    is_right &= atomic_load(&calls) == (way == 1);
    judge(is_right, "a cancelled invocation");
    cop_cancel_release(&options.cancel);
    cop_completion_queue_release(&queue);
    release_outputs(dst);
    cop_cached_op_release(&op);
}

static void look(struct racer *racer, int index)
{
    cop_library_stats library = {.struct_size = sizeof library};
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    cop_cached_op *op = take_op(index);
    char *text = NULL;
    judge(cop_library_get_stats(&library, NULL) == COP_STATUS_OK &&
              cop_cached_op_get_stats(op, &stats, NULL) == COP_STATUS_OK,
          "statistics");
    judge(cop_cached_op_print_plan(op, COP_PLAN_FORMAT_TEXT, &text, NULL) == COP_STATUS_OK,
          "a printed plan");
    judge(cop_set_worker_threads(rand_r(&racer->seed) % 5, NULL) == COP_STATUS_OK, "workers");
    (void)!wait_for_all(NULL, 0, NULL);
    judge(cop_cached_op_trim(op, 1, NULL, NULL) == COP_STATUS_OK, "a trim");
    cop_text_release(&text);
    cop_cached_op_release(&op);
}

static void act(struct racer *racer, int index)
{
    const int what = rand_r(&racer->seed) % 100;
    cop_cached_op *op = NULL;
    if (what < 60)
        judge(invoke_is_right(&subjects[index], op = take_op(index), what % SUBJECT_INPUTS),
              "an invoke");
    else if (what < 75)
        invoke_burst(racer, index);
    else if (what < 80)
        invoke_chain();
    else if (what < 86)
        write_board(racer, index);
    else if (what < 91)
        read_board();
    else if (what < 94)
        cancel_at_some_time(racer, index);
    else if (what < 97)
        fail_on_purpose(racer, index);
    else if (what < 99)
        look(racer, index);
    else
        make_and_drop(racer, index);
    cop_cached_op_release(&op);
}

static void *race(void *argument)
{
    struct racer *racer = argument;
    for (long i = 0; i < invokes_per_model * SMALL_NETWORKS; i++)
        act(racer, rand_r(&racer->seed) % SMALL_NETWORKS);
    return NULL;
}

static void begin(void)
{
    for (int i = 0; i < SMALL_NETWORKS; i++) {
        pthread_mutex_init(&op_locks[i], NULL);
        subject_begin(&subjects[i], small_network(i), COP_DEVICE_REF);
        for (size_t k = 0; k < subjects[i].dst_count; k++) {
            board[i][k] = make_output(subjects[i].op, k);
            memcpy(cop_ndarray_data(board[i][k]), cop_ndarray_data(subjects[i].expected[0][k]),
                   cop_ndarray_bytes(board[i][k]));
        }
    }
}

static void end(void)
{
    for (int i = 0; i < SMALL_NETWORKS; i++) {
        for (size_t k = 0; k < subjects[i].dst_count; k++)
            judge(wait_for(board[i][k], COP_NO_TIMEOUT, NULL) == COP_STATUS_OK, "a shared output");
        judge(is_expected(&subjects[i], 0, board[i]), "a shared output at the end");
        release_outputs(board[i]);
        subject_end(&subjects[i]);
    }
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    struct racer racers[THREADS];
    const unsigned seed = argc > 2 && strcmp(argv[argc - 2], "--seed") == 0
                              ? (unsigned)strtoul(argv[argc - 1], NULL, 10)
                              : (unsigned)now_ns();
    invokes_per_model = has_flag(argc, argv, "--long") ? LONG_INVOKES : SHORT_INVOKES;
    printf("seed %u\n", seed);
    begin();
    for (int i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){seed + (unsigned)i};
        require(pthread_create(&threads[i], NULL, race, &racers[i]) == 0, "no thread");
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    end();
    const long wrong = atomic_load(&wrong_count);
    printf("promise D: %d threads, %d models, %ld calls judged, %ld wrong: %s\n", THREADS,
           SMALL_NETWORKS, atomic_load(&right_count) + wrong, wrong,
           wrong == 0 ? "held" : "broken");
    return wrong == 0 ? 0 : 1;
}
