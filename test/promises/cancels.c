// SPDX-License-Identifier: Apache-2.0
/*
 * cancels [--long] [--strict]: requests and deadlines that hit invocations and waits at random
 * moments. They take effect within one operator or 10 ms; what had not begun never begins; nothing
 * writes to an output once its invocation was reported done. Prints how often that was not so, and
 * how long it took; with --strict, taking too long is a failure.
 */
#define _GNU_SOURCE
#include "promises/subject.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define ATTACKERS  2
#define KEPT       32 /* outputs of that many attempts ago must still be as they were left */
#define STEPS      12
#define SIDE       16
#define SLOW_SIDE  48
#define LONG_STEPS 120 /* takes longer than anybody may go on after a request */
#define LIMIT_NS   (10 * MILLISECOND)
#define LATE_RATE  1000 /* one in so many may be late: the system does not run us all the time */
#define POISON     0xA5
#define DEVICES    2

static struct subject subjects[DEVICES];
static cop_cached_op *ops[DEVICES][2]; /* with contexts as they like, and with one */
static struct subject slow;            /* what others stand behind */
static struct subject endless;         /* as slow, and ten times as many steps */
static int64_t run_ns, operator_ns;    /* of one invocation, and of its longest step */
static _Atomic long late_writes, false_starts, wrong_count;

/* Requests one token at one time, for one attacker. */
struct canceller {
    pthread_t thread;
    sem_t is_asked, is_done;
    cop_cancel *token; /* NULL: it ends */
    int64_t due_ns, requested_ns;
};

struct attacker {
    unsigned seed;
    long attempts;
    struct canceller canceller;
    cop_completion_queue *queue;
    sem_t is_called;
    cop_status called_status;
    unsigned char *memory[KEPT][SUBJECT_OUTPUTS];
    size_t bytes[SUBJECT_OUTPUTS];
    long next;
    int64_t *latencies; /* those that a request or a deadline came in time for */
    long latency_count;
};

enum way { SYNC, ASYNC_WAIT, ASYNC_QUEUE, ASYNC_CALLBACK, WAYS };

static void expect(bool is_right, const char *what)
{
    if (is_right)
        return;
    if (atomic_fetch_add(&wrong_count, 1) < 10)
        fprintf(stderr, "wrong: %s\n", what);
}

static int dice(struct attacker *attacker, int sides)
{
    return rand_r(&attacker->seed) % sides;
}

static void *run_canceller(void *argument)
{
    struct canceller *canceller = argument;
    for (;;) {
        while (sem_wait(&canceller->is_asked) != 0)
            ;
        if (canceller->token == NULL)
            return NULL;
        const int64_t rest_ns = canceller->due_ns - now_ns();
        if (rest_ns > 0)
            sleep_ns(rest_ns);
        canceller->requested_ns = now_ns();
        cop_cancel_request(canceller->token);
        sem_post(&canceller->is_done);
    }
}

static cop_cancel *ask_for_cancel(struct attacker *attacker, int64_t after_ns)
{
    cop_cancel *token = NULL;
    require(cop_cancel_create(&token, NULL) == COP_STATUS_OK, "no token");
    attacker->canceller.token = token;
    attacker->canceller.due_ns = now_ns() + after_ns;
    sem_post(&attacker->canceller.is_asked);
    return token;
}

/* When the request was made; the token is given back. */
static int64_t await_request(struct attacker *attacker, cop_cancel *token)
{
    while (sem_wait(&attacker->canceller.is_done) != 0)
        ;
    cop_cancel_release(&token);
    return attacker->canceller.requested_ns;
}

static void add_latency(struct attacker *attacker, int64_t stopped_ns, int64_t done_ns)
{
    if (done_ns > stopped_ns)
        attacker->latencies[attacker->latency_count++] = done_ns - stopped_ns;
}

static bool is_poisoned(const unsigned char *memory, size_t bytes)
{
    return memory[0] == POISON && memcmp(memory, memory + 1, bytes - 1) == 0;
}

/* Outputs in memory that was poisoned when its last invocation was done, and must still be. */
static unsigned char **take_outputs(struct attacker *attacker, cop_cached_op *op,
                                    cop_ndarray *dst[SUBJECT_OUTPUTS])
{
    unsigned char **memory = attacker->memory[attacker->next++ % KEPT];
    for (size_t k = 0; k < SUBJECT_OUTPUTS; k++) {
        cop_tensor_desc desc;
        if (!is_poisoned(memory[k], attacker->bytes[k])) {
            atomic_fetch_add(&late_writes, 1);
            memset(memory[k], POISON, attacker->bytes[k]);
        }
        require(cop_cached_op_output(op, k, &desc, NULL) == COP_STATUS_OK &&
                    cop_ndarray_wrap(memory[k], desc.dtype, desc.rank, desc.shape, NULL, &dst[k],
                                     NULL) == COP_STATUS_OK,
                "no output");
    }
    return memory;
}

static void poison(struct attacker *attacker, unsigned char **memory)
{
    for (int k = 0; k < SUBJECT_OUTPUTS; k++)
        memset(memory[k], POISON, attacker->bytes[k]);
}

static void be_called(void *user, const cop_error *outcome)
{
    struct attacker *attacker = user;
    attacker->called_status = outcome->status;
    sem_post(&attacker->is_called);
}

static cop_status take_completion(struct attacker *attacker)
{
    struct pollfd wanted = {cop_completion_queue_fd(attacker->queue), POLLIN, 0};
    cop_completion completion;
    while (cop_completion_queue_next(attacker->queue, &completion, NULL) != COP_STATUS_OK)
        (void)!poll(&wanted, 1, -1);
    expect(completion.user == attacker, "whose completion it is");
    return completion.outcome.status;
}

/* Invokes and returns how it ended, as soon as that is known. */
static cop_status invoke(struct attacker *attacker, enum way way, cop_cached_op *op,
                         cop_ndarray *const *src, cop_ndarray **dst, cop_invoke_options *options)
{
    if (way == SYNC)
        return cop_invoke(op, 1, src, SUBJECT_OUTPUTS, dst, options, NULL);
    options->user = attacker;
    options->on_done = way == ASYNC_CALLBACK ? be_called : NULL;
    options->completions = way == ASYNC_QUEUE ? attacker->queue : NULL;
    options->priority = (cop_priority)dice(attacker, 3);
    const cop_status status = cop_invoke_async(op, 1, src, SUBJECT_OUTPUTS, dst, options, NULL);
    if (status != COP_STATUS_OK || way == ASYNC_WAIT)
        return status == COP_STATUS_OK ? wait_for(dst[1], COP_NO_TIMEOUT, NULL) : status;
    if (way == ASYNC_QUEUE)
        return take_completion(attacker);
    while (sem_wait(&attacker->is_called) != 0)
        ;
    return attacker->called_status;
}

static void stop_an_invocation(struct attacker *attacker, const struct subject *subject,
                               cop_cached_op *op)
{
    const int input = dice(attacker, SUBJECT_INPUTS);
    const bool is_cancelled = dice(attacker, 2) == 0;
    const int64_t after_ns = (int64_t)(rand_r(&attacker->seed) % 1000) * run_ns * 3 / 2 / 1000;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst[SUBJECT_OUTPUTS], *src = subject->src[input];
    unsigned char **memory = take_outputs(attacker, op, dst);
    const int64_t begin_ns = now_ns();
    if (is_cancelled)
        options.cancel = ask_for_cancel(attacker, after_ns);
    else
        options.timeout_ns = after_ns;
    const cop_status status =
        invoke(attacker, (enum way)dice(attacker, WAYS), op, &src, dst, &options);
    const int64_t done_ns = now_ns();
    expect(status != COP_STATUS_OK || is_expected(subject, input, dst), "an output");
    poison(attacker, memory);
    const int64_t stopped_ns =
        is_cancelled ? await_request(attacker, options.cancel) : begin_ns + after_ns;
    if (is_cancelled)
        expect(status == COP_STATUS_OK || (status == COP_STATUS_CANCELLED && done_ns >= stopped_ns),
               "how a cancelled invocation ended");
    else
        expect(status == COP_STATUS_OK ||
                   ((status == COP_STATUS_TIMEOUT || status == COP_STATUS_BUSY) &&
                    done_ns >= stopped_ns),
               "how an invocation with a deadline ended");
    add_latency(attacker, stopped_ns, done_ns);
    release_outputs(dst);
}

/* An invocation that stands behind a slow one and is stopped before that is done: it never begins,
 * so that not even its first output, which its first step writes, is touched. */
static void stop_before_it_begins(struct attacker *attacker)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *first[SUBJECT_OUTPUTS] = {NULL, NULL}, *dst[SUBJECT_OUTPUTS];
    unsigned char **memory = take_outputs(attacker, slow.op, dst);
    const bool is_cancelled = dice(attacker, 2) == 0;
    cop_cancel *token = NULL;
    require(cop_cancel_create(&token, NULL) == COP_STATUS_OK, "no token");
    if (is_cancelled)
        options.cancel = token;
    else
        options.timeout_ns = run_ns / 2;
    require(cop_invoke_async(slow.op, 1, (cop_ndarray *const *)&slow.src[0], SUBJECT_OUTPUTS, first,
                             NULL, NULL) == COP_STATUS_OK,
            "async");
    const int64_t begin_ns = now_ns();
    require(cop_invoke_async(slow.op, 1, &first[1], SUBJECT_OUTPUTS, dst, &options, NULL) ==
                COP_STATUS_OK,
            "async");
    const int64_t stopped_ns = is_cancelled ? now_ns() : begin_ns + options.timeout_ns;
    if (is_cancelled)
        cop_cancel_request(token);
    else
        sleep_ns(stopped_ns - now_ns());
    /* A wait without time does not help, so what is in the way is still in the way. */
    const bool was_in_time = wait_for(first[1], 0, NULL) == COP_STATUS_TIMEOUT;
    if (was_in_time && is_cancelled)
        expect(wait_for(dst[1], 0, NULL) == COP_STATUS_CANCELLED, "what is seen after a request");
    const cop_status status = wait_for(dst[1], COP_NO_TIMEOUT, NULL);
    add_latency(attacker, stopped_ns, now_ns());
    if (was_in_time) {
        expect(status == (is_cancelled ? COP_STATUS_CANCELLED : COP_STATUS_TIMEOUT),
               "how what had not begun ended");
        expect(wait_for(first[1], 0, NULL) == COP_STATUS_TIMEOUT ||
                   wait_for(first[1], 0, NULL) == COP_STATUS_OK,
               "what was in the way");
    }
    expect(wait_for(first[1], COP_NO_TIMEOUT, NULL) == COP_STATUS_OK, "what was in the way");
    if (was_in_time &&
        !(is_poisoned(memory[0], attacker->bytes[0]) && is_poisoned(memory[1], attacker->bytes[1])))
        atomic_fetch_add(&false_starts, 1);
    poison(attacker, memory);
    cop_cancel_release(&token);
    release_outputs(first), release_outputs(dst);
}

/* The wait ends, what it waited for goes on and is right. */
static void stop_a_wait(struct attacker *attacker)
{
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL};
    const bool is_cancelled = dice(attacker, 2) == 0, is_for_all = dice(attacker, 2) == 0;
    const int input = dice(attacker, SUBJECT_INPUTS);
    const int64_t after_ns = (int64_t)(rand_r(&attacker->seed) % 1000) * run_ns * 3 / 1000;
    require(cop_invoke_async(slow.op, 1, (cop_ndarray *const *)&slow.src[input], SUBJECT_OUTPUTS,
                             dst, NULL, NULL) == COP_STATUS_OK,
            "async");
    cop_cancel *token = is_cancelled ? ask_for_cancel(attacker, after_ns) : NULL;
    const int64_t begin_ns = now_ns(), timeout_ns = is_cancelled ? COP_NO_TIMEOUT : after_ns;
    const cop_status status = is_for_all ? cop_wait_all(slow.op, timeout_ns, token, NULL)
                                         : cop_ndarray_wait(dst[1], timeout_ns, token, NULL);
    const int64_t done_ns = now_ns();
    const int64_t stopped_ns = is_cancelled ? await_request(attacker, token) : begin_ns + after_ns;
    if (status == (is_cancelled ? COP_STATUS_CANCELLED : COP_STATUS_TIMEOUT))
        expect(is_for_all || done_ns >= stopped_ns, "a wait that ended by itself");
    else
        expect(status == COP_STATUS_OK || is_for_all, "how a wait ended");
    if (status != COP_STATUS_OK)
        add_latency(attacker, stopped_ns, done_ns);
    expect(wait_for(dst[1], COP_NO_TIMEOUT, NULL) == COP_STATUS_OK &&
               is_expected(&slow, input, dst),
           "what a wait had ended for");
    release_outputs(dst);
}

static void *attack(void *argument)
{
    struct attacker *attacker = argument;
    for (long i = 0; i < attacker->attempts; i++) {
        const int what = dice(attacker, 100), device = dice(attacker, DEVICES);
        if (what < 95)
            stop_an_invocation(attacker, &subjects[device], ops[device][dice(attacker, 2)]);
        else if (what < 96)
            stop_an_invocation(attacker, &endless, endless.op);
        else if (what < 98)
            stop_before_it_begins(attacker);
        else
            stop_a_wait(attacker);
    }
    return NULL;
}

static void attacker_begin(struct attacker *attacker, unsigned seed, long attempts)
{
    *attacker = (struct attacker){.seed = seed, .attempts = attempts};
    sem_init(&attacker->is_called, 0, 0);
    sem_init(&attacker->canceller.is_asked, 0, 0), sem_init(&attacker->canceller.is_done, 0, 0);
    require(cop_completion_queue_create(&attacker->queue, NULL) == COP_STATUS_OK, "no queue");
    require((attacker->latencies = malloc((size_t)attempts * sizeof(int64_t))) != NULL, "memory");
    for (int i = 0; i < KEPT; i++)
        for (size_t k = 0; k < SUBJECT_OUTPUTS; k++) {
            /* As much as the larger network writes. */
            attacker->bytes[k] = cop_ndarray_bytes(slow.expected[0][k]);
            attacker->memory[i][k] = malloc(attacker->bytes[k]);
            require(attacker->memory[i][k] != NULL, "memory");
            memset(attacker->memory[i][k], POISON, attacker->bytes[k]);
        }
    require(
        pthread_create(&attacker->canceller.thread, NULL, run_canceller, &attacker->canceller) == 0,
        "no thread");
}

static void attacker_end(struct attacker *attacker)
{
    attacker->canceller.token = NULL;
    sem_post(&attacker->canceller.is_asked);
    pthread_join(attacker->canceller.thread, NULL);
    for (int i = 0; i < KEPT; i++)
        for (int k = 0; k < SUBJECT_OUTPUTS; k++) {
            if (!is_poisoned(attacker->memory[i][k], attacker->bytes[k]))
                atomic_fetch_add(&late_writes, 1);
            free(attacker->memory[i][k]);
        }
    cop_completion_queue_release(&attacker->queue);
    sem_destroy(&attacker->is_called);
    sem_destroy(&attacker->canceller.is_asked), sem_destroy(&attacker->canceller.is_done);
}

/* How long the slower device takes for one invocation, and for its longest step: the medians. */
static int compare_times(const void *a, const void *b)
{
    return (*(const int64_t *)a > *(const int64_t *)b) -
           (*(const int64_t *)a < *(const int64_t *)b);
}

static int64_t longest_step_ns(const struct subject *subject, cop_profile *profile)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL};
    cop_profile_step step;
    int64_t longest_ns = 0;
    options.profile = profile;
    require(cop_invoke(subject->op, 1, (cop_ndarray *const *)&subject->src[0], SUBJECT_OUTPUTS, dst,
                       &options, NULL) == COP_STATUS_OK,
            "invoke");
    for (size_t i = 0; i < cop_profile_step_count(profile); i++)
        if (cop_profile_get_step(profile, i, &step, NULL) == COP_STATUS_OK &&
            step.duration_ns > longest_ns)
            longest_ns = step.duration_ns;
    release_outputs(dst);
    return longest_ns;
}

static void measure(void)
{
    int64_t runs[15], steps[15];
    cop_profile *profile = NULL;
    require(cop_profile_create(&profile, NULL) == COP_STATUS_OK, "no profile");
    for (int i = 0; i < 15; i++) {
        const int64_t begin_ns = now_ns();
        expect(invoke_is_right(&subjects[0], subjects[0].op, 0), "an invoke");
        runs[i] = now_ns() - begin_ns;
        steps[i] = longest_step_ns(&slow, profile); /* nothing here has longer ones */
    }
    cop_profile_release(&profile);
    qsort(runs, 15, sizeof *runs, compare_times), qsort(steps, 15, sizeof *steps, compare_times);
    run_ns = runs[7];
    operator_ns = steps[7];
}

static void begin(void)
{
    for (int device = 0; device < DEVICES; device++) {
        const cop_device_kind kind = device == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU;
        subject_begin(&subjects[device], chain_network(STEPS, SIDE), kind);
        ops[device][0] = cop_cached_op_retain(subjects[device].op);
        ops[device][1] = compile(subjects[device].model, kind, 0, 1);
    }
    subject_begin(&slow, chain_network(STEPS, SLOW_SIDE), COP_DEVICE_REF);
    subject_begin(&endless, chain_network(LONG_STEPS, SLOW_SIDE), COP_DEVICE_REF);
    measure();
}

static void end(void)
{
    for (int device = 0; device < DEVICES; device++) {
        cop_cached_op_release(&ops[device][0]), cop_cached_op_release(&ops[device][1]);
        subject_end(&subjects[device]);
    }
    subject_end(&slow), subject_end(&endless);
}

int main(int argc, char **argv)
{
    const long attempts = has_flag(argc, argv, "--long") ? 1000000 : 2000;
    static struct attacker attackers[ATTACKERS];
    pthread_t threads[ATTACKERS];
    int64_t *all = malloc((size_t)attempts * sizeof *all);
    long count = 0, late = 0;
    require(all != NULL, "memory");
    begin();
    for (int i = 0; i < ATTACKERS; i++) {
        attacker_begin(&attackers[i], (unsigned)(now_ns() + i), attempts / ATTACKERS);
        require(pthread_create(&threads[i], NULL, attack, &attackers[i]) == 0, "no thread");
    }
    for (int i = 0; i < ATTACKERS; i++) {
        pthread_join(threads[i], NULL);
        attacker_end(&attackers[i]);
        for (long k = 0; k < attackers[i].latency_count; k++)
            all[count++] = attackers[i].latencies[k];
        free(attackers[i].latencies);
    }
    end();
    qsort(all, (size_t)count, sizeof *all, compare_times);
    for (long i = 0; i < count; i++)
        late += all[i] > LIMIT_NS + operator_ns;
    require(count > 0, "nothing was stopped in time");
    printf("%ld stopped in time; until they ended, in us: median %.1f, p99 %.1f, most %.1f; the "
           "longest operator takes %.1f\n",
           count, (double)all[count / 2] / 1e3, (double)all[count * 99 / 100] / 1e3,
           (double)all[count - 1] / 1e3, (double)operator_ns / 1e3);
    const long bad =
        atomic_load(&wrong_count) + atomic_load(&late_writes) + atomic_load(&false_starts);
    /* How long something takes is the machine's matter too: it only counts when that is asked. */
    const bool is_held =
        bad == 0 && (!has_flag(argc, argv, "--strict") || late <= attempts / LATE_RATE);
    printf("promise I: %ld requests and deadlines, %ld ended otherwise than they should, %ld began "
           "after all, %ld wrote late, %ld took more than an operator and 10 ms: %s\n",
           attempts, atomic_load(&wrong_count), atomic_load(&false_starts),
           atomic_load(&late_writes), late, is_held ? "held" : "broken");
    free(all);
    return is_held ? 0 : 1;
}
