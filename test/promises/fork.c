// SPDX-License-Identifier: Apache-2.0
/*
 * fork [--long]: forks before the library is used, after, and while other threads are inside it.
 * A child can do all there is to do; what was pending at the fork is CANCELLED in it; the parent
 * notices nothing. Each scenario is a process of its own with ten seconds to end in. Prints how
 * many hung, crashed or were wrong.
 */
#define _GNU_SOURCE
#include "promises/subject.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS  30
#define THREADS  4
#define PENDING  64
#define BUSY_FOR (5 * MILLISECOND)

/* Threads that keep the library busy until they are told to end. */
struct crowd {
    const struct subject *subject;
    cop_cached_op *op;
    pthread_t threads[THREADS];
    _Atomic int is_over, wrong;
    _Atomic(cop_ndarray *) written; /* what one of them writes synchronously, all the time */
};

/* How a process of a test ended: its exit code, or what became of it. */
enum outcome { CALM = 77, WRONG = 1, CRASHED = 2, HUNG = 3 };

static enum outcome worst_child = WRONG; /* reported where a check fails */

static cop_device_kind device;
static int intra_op_threads;
static int forks; /* of each scenario */

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

static enum outcome find_outcome(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    return WTERMSIG(status) == SIGALRM ? HUNG : CRASHED;
}

static bool wait_for_child(pid_t child)
{
    int status = -1;
    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    const enum outcome outcome = find_outcome(status);
    if (outcome != CALM)
        worst_child = outcome;
    CHECK(outcome == CALM);
    return true;
}

/* A child must end in time even where its parent dies first. */
static pid_t fork_with_alarm(void)
{
    const pid_t child = fork();
    if (child == 0)
        alarm(SECONDS);
    return child;
}

/* Ends a child through exit, which runs what everybody registered for that. */
static void end_child(bool is_right)
{
    exit(is_right ? CALM : worst_child);
}

/* An operator that existed at the fork, and everything made anew. */
static bool use_all(const struct subject *subject, cop_cached_op *op)
{
    cop_cached_op *made = NULL, *reshaped = NULL;
    CHECK(invoke_is_right(subject, op, 0));
    CHECK(async_is_right(subject, op, 1));
    made = compile(subject->model, subject->device, intra_op_threads, 1);
    CHECK(invoke_is_right(subject, made, 2));
    CHECK(async_is_right(subject, made, 3));
    CHECK(cop_cached_op_reshape(made, NULL, 0, &reshaped, NULL, NULL) == COP_STATUS_OK);
    CHECK(invoke_is_right(subject, reshaped, 0));
    CHECK(cop_cached_op_warm_up(reshaped, 1, NULL) == COP_STATUS_OK);
    CHECK(wait_for_all(reshaped, COP_NO_TIMEOUT, NULL) == COP_STATUS_OK);
    cop_cached_op_release(&made);
    cop_cached_op_release(&reshaped);
    return true;
}

static bool fork_and_use(const struct subject *subject, cop_cached_op *op, int generations)
{
    const pid_t child = fork_with_alarm();
    if (child == 0) {
        bool is_right = use_all(subject, op);
        if (is_right && generations > 1)
            is_right = fork_and_use(subject, op, generations - 1);
        end_child(is_right && use_all(subject, op));
    }
    return wait_for_child(child);
}

static void subject_for_test(struct subject *subject)
{
    subject_begin(subject, residual_network(18, 4, 8, 3), device);
    cop_cached_op_release(&subject->op);
    subject->op = compile(subject->model, device, intra_op_threads, 0);
}

/* A network that takes a few milliseconds on either device. */
static void slow_subject_for_test(struct subject *subject)
{
    subject_begin(subject, chain_network(10, device == COP_DEVICE_REF ? 40 : 160), device);
    cop_cached_op_release(&subject->op);
    subject->op = compile(subject->model, device, intra_op_threads, 0);
}

static bool before_load(void)
{
    struct subject subject;
    const pid_t child = fork_with_alarm();
    subject_for_test(&subject);
    if (child == 0)
        end_child(use_all(&subject, subject.op));
    CHECK(use_all(&subject, subject.op));
    subject_end(&subject);
    return wait_for_child(child);
}

static bool after_load(void)
{
    struct subject subject;
    subject_for_test(&subject);
    CHECK(use_all(&subject, subject.op));
    for (int i = 0; i < forks; i++)
        CHECK(fork_and_use(&subject, subject.op, 3));
    CHECK(use_all(&subject, subject.op));
    subject_end(&subject);
    return true;
}

static void *invoke_all_the_time(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; !atomic_load(&crowd->is_over); i++)
        atomic_fetch_add(&crowd->wrong,
                         !invoke_is_right(crowd->subject, crowd->op, i % SUBJECT_INPUTS));
    return NULL;
}

static void *invoke_async_all_the_time(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; !atomic_load(&crowd->is_over); i++) {
        atomic_fetch_add(&crowd->wrong,
                         !async_is_right(crowd->subject, crowd->op, i % SUBJECT_INPUTS));
        atomic_fetch_add(&crowd->wrong,
                         wait_for_all(i % 2 ? crowd->op : NULL, COP_NO_TIMEOUT, NULL) != 0);
    }
    return NULL;
}

static void *create_all_the_time(void *argument)
{
    struct crowd *crowd = argument;
    while (!atomic_load(&crowd->is_over)) {
        cop_cached_op *op = compile(crowd->subject->model, device, intra_op_threads, 0);
        cop_cached_op *reshaped = NULL;
        cop_model *model = small_network(2);
        atomic_fetch_add(&crowd->wrong,
                         cop_cached_op_reshape(op, NULL, 0, &reshaped, NULL, NULL) != 0);
        cop_cached_op_release(&op), cop_cached_op_release(&reshaped);
        cop_model_release(&model);
    }
    return NULL;
}

static void *fork_all_the_time(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < forks; i++)
        atomic_fetch_add(&crowd->wrong, !fork_and_use(crowd->subject, crowd->op, 1));
    return NULL;
}

static void crowd_begin(struct crowd *crowd, const struct subject *subject, cop_cached_op *op,
                        void *(*what)(void *))
{
    crowd->subject = subject;
    crowd->op = op;
    atomic_init(&crowd->is_over, 0);
    atomic_init(&crowd->wrong, 0);
    atomic_init(&crowd->written, NULL);
    for (int i = 0; i < THREADS; i++)
        require(pthread_create(&crowd->threads[i], NULL, what, crowd) == 0, "no thread");
}

static bool crowd_end(struct crowd *crowd)
{
    atomic_store(&crowd->is_over, 1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(crowd->threads[i], NULL);
    CHECK(atomic_load(&crowd->wrong) == 0);
    return true;
}

/* Forks again and again while a crowd does something with an operator of so many contexts. */
static bool while_others(void *(*what)(void *), int max_contexts)
{
    struct subject subject;
    struct crowd crowd;
    slow_subject_for_test(&subject);
    cop_cached_op *op = compile(subject.model, device, intra_op_threads, max_contexts);
    crowd_begin(&crowd, &subject, op, what);
    for (int i = 0; i < forks; i++) {
        sleep_ns(BUSY_FOR);
        CHECK(fork_and_use(&subject, op, 1 + i % 2));
    }
    CHECK(crowd_end(&crowd));
    CHECK(use_all(&subject, op));
    cop_cached_op_release(&op);
    subject_end(&subject);
    return true;
}

static bool while_others_invoke(void)
{
    return while_others(invoke_all_the_time, 0);
}

static bool while_the_only_context_is_in_use(void)
{
    return while_others(invoke_all_the_time, 1);
}

static bool while_others_wait_for_async_work(void)
{
    return while_others(invoke_async_all_the_time, 0);
}

static bool while_async_work_has_the_only_context(void)
{
    return while_others(invoke_async_all_the_time, 1);
}

static bool while_others_create(void)
{
    return while_others(create_all_the_time, 0);
}

static bool from_several_threads_at_once(void)
{
    struct subject subject;
    struct crowd crowd;
    subject_for_test(&subject);
    crowd_begin(&crowd, &subject, subject.op, fork_all_the_time);
    for (int i = 0; i < forks; i++)
        CHECK(fork_and_use(&subject, subject.op, 1));
    CHECK(crowd_end(&crowd));
    subject_end(&subject);
    return true;
}

/* In the child: the first were done before the fork, the last cannot have been. */
static bool pending_is_cancelled(const struct subject *subject, cop_ndarray *dst[][SUBJECT_OUTPUTS])
{
    cop_error error;
    int cancelled = 0;
    for (int i = 0; i < PENDING; i++) {
        const cop_status status = wait_for(dst[i][1], COP_NO_TIMEOUT, &error);
        CHECK(status == COP_STATUS_OK || status == COP_STATUS_CANCELLED);
        CHECK(status == COP_STATUS_CANCELLED || is_expected(subject, i % SUBJECT_INPUTS, dst[i]));
        CHECK(wait_for(dst[i][1], COP_NO_TIMEOUT, NULL) == status); /* the same again */
        cancelled += status == COP_STATUS_CANCELLED;
    }
    CHECK(wait_for(dst[PENDING - 1][0], 0, NULL) == COP_STATUS_CANCELLED);
    CHECK(cancelled > PENDING / 2);
    CHECK(wait_for_all(NULL, COP_NO_TIMEOUT, NULL) == COP_STATUS_CANCELLED);
    CHECK(use_all(subject, subject->op));
    for (int i = 0; i < PENDING; i++)
        release_outputs(dst[i]);
    CHECK(wait_for_all(NULL, COP_NO_TIMEOUT, NULL) == COP_STATUS_OK);
    return true;
}

static bool with_work_pending(void)
{
    struct subject subject;
    cop_ndarray *dst[PENDING][SUBJECT_OUTPUTS] = {{NULL}};
    slow_subject_for_test(&subject);
    CHECK(cop_set_worker_threads(1, NULL) == COP_STATUS_OK);
    for (int i = 0; i < PENDING; i++)
        CHECK(cop_invoke_async(subject.op, 1, &subject.src[i % SUBJECT_INPUTS], 2, dst[i], NULL,
                               NULL) == COP_STATUS_OK);
    sleep_ns(BUSY_FOR);
    const pid_t child = fork_with_alarm();
    if (child == 0)
        end_child(pending_is_cancelled(&subject, dst));
    for (int i = 0; i < PENDING; i++) {
        CHECK(wait_for(dst[i][1], COP_NO_TIMEOUT, NULL) == COP_STATUS_OK);
        CHECK(is_expected(&subject, i % SUBJECT_INPUTS, dst[i]));
        release_outputs(dst[i]);
    }
    CHECK(wait_for_child(child));
    subject_end(&subject);
    return true;
}

/* One synchronous writer of arrays that everybody knows; the others write arrays of their own. */
static void *write_all_the_time(void *argument)
{
    struct crowd *crowd = argument;
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {make_output(crowd->op, 0), make_output(crowd->op, 1)};
    cop_ndarray *nothing = NULL;
    atomic_compare_exchange_strong(&crowd->written, &nothing, dst[1]);
    while (!atomic_load(&crowd->is_over))
        atomic_fetch_add(&crowd->wrong, cop_invoke(crowd->op, 1, &crowd->subject->src[0], 2, dst,
                                                   NULL, NULL) != COP_STATUS_OK);
    release_outputs(dst);
    return NULL;
}

/* In the child, inputs that others were reading at the fork can be written, and outputs that
 * others were writing are whole or CANCELLED, and can be written again. */
static bool arrays_are_free(const struct subject *subject, cop_ndarray *written)
{
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {subject->src[0], make_output(subject->op, 1)};
    cop_ndarray *const *src = (cop_ndarray *const *)&subject->src[1];
    const cop_status status = wait_for(written, COP_NO_TIMEOUT, NULL);
    CHECK(status == COP_STATUS_OK || status == COP_STATUS_CANCELLED);
    CHECK(cop_invoke(subject->op, 1, src, 2, dst, NULL, NULL) == COP_STATUS_OK);
    CHECK(wait_for(subject->src[0], COP_NO_TIMEOUT, NULL) == COP_STATUS_OK);
    cop_ndarray_release(&dst[1]);
    dst[1] = written;
    CHECK(cop_invoke_async(subject->op, 1, src, 2, dst, NULL, NULL) == COP_STATUS_OK);
    CHECK(wait_for(written, COP_NO_TIMEOUT, NULL) == COP_STATUS_OK);
    CHECK(is_expected(subject, 1, dst));
    return true;
}

static bool while_arrays_are_read_and_written(void)
{
    struct subject subject;
    struct crowd crowd;
    slow_subject_for_test(&subject);
    crowd_begin(&crowd, &subject, subject.op, write_all_the_time);
    for (int i = 0; i < forks; i++) {
        sleep_ns(BUSY_FOR);
        const pid_t child = fork_with_alarm();
        if (child == 0)
            end_child(arrays_are_free(&subject, atomic_load(&crowd.written)));
        CHECK(wait_for_child(child));
    }
    CHECK(crowd_end(&crowd));
    subject_end(&subject);
    return true;
}

static const struct scenario {
    const char *name;
    bool (*run)(void);
} scenarios[] = {
    {"before load", before_load},
    {"after load, three generations", after_load},
    {"while others invoke", while_others_invoke},
    {"while the only context is in use", while_the_only_context_is_in_use},
    {"while others wait for asynchronous work", while_others_wait_for_async_work},
    {"while asynchronous work has the only context", while_async_work_has_the_only_context},
    {"while others create and load", while_others_create},
    {"while arrays are read and written", while_arrays_are_read_and_written},
    {"from several threads at once", from_several_threads_at_once},
    {"with work pending", with_work_pending},
};
#define SCENARIOS (int)(sizeof scenarios / sizeof *scenarios)

static enum outcome run_scenario(const struct scenario *scenario)
{
    int status = 0;
    fflush(stdout);
    const pid_t child = fork();
    require(child >= 0, "no process");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        alarm(2 * SECONDS);
        exit(scenario->run() ? CALM : worst_child);
    }
    waitpid(child, &status, 0);
    kill(-child, SIGKILL); /* what it may have left behind */
    return find_outcome(status);
}

int main(int argc, char **argv)
{
    static const char *const outcomes[] = {"wrong", "wrong", "crashed", "hung"};
    const bool is_long = has_flag(argc, argv, "--long");
    const int rounds = is_long ? 20 : 1;
    int counts[4] = {0}, devices = 1;
    size_t feature_count;
    forks = is_long ? 10 : 3;
    const cop_feature *features = cop_features(&feature_count);
    for (size_t i = 0; i < feature_count; i++)
        if (strcmp(features[i].name, "onednn") == 0 && features[i].enabled)
            devices = 2;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < SCENARIOS * devices * 2; i++) {
            device = i / SCENARIOS / 2 == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU;
            intra_op_threads = 1 + i / SCENARIOS % 2;
            const enum outcome outcome = run_scenario(&scenarios[i % SCENARIOS]);
            if (outcome == CALM)
                continue;
            counts[outcome == CRASHED || outcome == HUNG ? outcome : WRONG]++;
            printf("%s: %s, on %s, %d threads inside\n", outcomes[outcome & 3],
                   scenarios[i % SCENARIOS].name, device == COP_DEVICE_REF ? "ref" : "cpu",
                   intra_op_threads);
        }
    const int bad = counts[1] + counts[2] + counts[3];
    printf("promise H, fork: %d scenarios, %d wrong, %d crashed, %d hung: %s\n",
           rounds * SCENARIOS * devices * 2, counts[1], counts[2], counts[3],
           bad == 0 ? "held" : "broken");
    return bad == 0 ? 0 : 1;
}
