// SPDX-License-Identifier: Apache-2.0
/*
 * exits [--long] [--create]: processes that end in every way there is while threads invoke, wait
 * and have work pending: the exit code stays what it was, nobody crashes, nobody hangs. Prints how
 * many did.
 * --create: a thread compiles for the cpu device at that moment, too.
 * `exits --child WAY cpu|ref MICROSECONDS` is such a process.
 */
#define _GNU_SOURCE
#include "promises/subject.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 10
#define PENDING 16
#define THREADS 5

static const char *const ways[] = {"exit",       "return",       "_exit",
                                   "quick_exit", "pthread_exit", "exit of another thread"};
#define WAYS (int)(sizeof ways / sizeof *ways)

static struct subject subject;
static cop_ndarray *pending[PENDING][SUBJECT_OUTPUTS];
static _Atomic int is_over;
static pthread_t threads[THREADS];
static int thread_count;

static void *invoke_all_the_time(void *unused)
{
    (void)unused;
    for (int i = 0; !atomic_load(&is_over); i++)
        if (!invoke_is_right(&subject, subject.op, i % SUBJECT_INPUTS))
            _exit(1);
    return NULL;
}

static void *wait_all_the_time(void *unused)
{
    (void)unused;
    for (int i = 0; !atomic_load(&is_over); i++)
        if (!async_is_right(&subject, subject.op, i % SUBJECT_INPUTS) ||
            wait_for_all(NULL, COP_NO_TIMEOUT, NULL) != COP_STATUS_OK)
            _exit(1);
    return NULL;
}

static void count_call(void *user, const cop_error *outcome)
{
    (void)outcome;
    atomic_fetch_add((_Atomic int *)user, 1);
}

static void *be_called_all_the_time(void *unused)
{
    static _Atomic int calls;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    (void)unused;
    options.on_done = count_call;
    options.user = &calls;
    while (!atomic_load(&is_over)) {
        cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL};
        const int before = atomic_load(&calls);
        if (cop_invoke_async(subject.op, 1, &subject.src[0], subject.dst_count, dst, &options,
                             NULL) != COP_STATUS_OK)
            _exit(1);
        release_outputs(dst);
        while (atomic_load(&calls) == before && !atomic_load(&is_over))
            sleep_ns(20000);
    }
    return NULL;
}

static void *create_all_the_time(void *unused)
{
    (void)unused;
    while (!atomic_load(&is_over)) {
        cop_cached_op *op = compile(subject.model, subject.device, 0, 0);
        cop_cached_op_release(&op);
    }
    return NULL;
}

static void *exit_from_a_thread(void *code)
{
    exit(*(int *)code);
}

/* After main has left: the process ends, with 0, when the last thread does; the library's own end
 * with the last operator. */
static void *end_the_others(void *unused)
{
    (void)unused;
    atomic_store(&is_over, 1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < PENDING; i++)
        release_outputs(pending[i]);
    subject_end(&subject);
    return NULL;
}

static void start(void *(*what)(void *), void *argument)
{
    pthread_t other, *thread = thread_count < THREADS ? &threads[thread_count++] : &other;
    require(pthread_create(thread, NULL, what, argument) == 0, "no thread");
}

static int expected_code(int way)
{
    return strcmp(ways[way], "pthread_exit") == 0 ? 0 : 10 + way;
}

static int run_child(int way, cop_device_kind device, long microseconds, bool creates)
{
    static int code;
    subject_begin(&subject, chain_network(6, 16), device);
    start(invoke_all_the_time, NULL), start(invoke_all_the_time, NULL);
    start(wait_all_the_time, NULL), start(be_called_all_the_time, NULL);
    /* oneDNN 2.6 destroys its tables of implementations in exit, whoever reads them just then. */
    start(device == COP_DEVICE_REF || creates ? create_all_the_time : invoke_all_the_time, NULL);
    for (int i = 0; i < PENDING; i++)
        require(cop_invoke_async(subject.op, 1, &subject.src[0], subject.dst_count, pending[i],
                                 NULL, NULL) == COP_STATUS_OK,
                "async");
    sleep_ns(microseconds * 1000);
    code = expected_code(way);
    switch (way) {
    case 0:
        exit(code);
    case 2:
        _exit(code);
    case 3:
        quick_exit(code);
    case 4:
        start(end_the_others, NULL);
        pthread_exit(NULL);
    case 5:
        start(exit_from_a_thread, &code);
        pause();
    }
    return code;
}

/* An alarm in the child would not do: where only threads are left that take no signal, it never
 * arrives. */
static bool wait_in_time(pid_t child, int *status)
{
    const int64_t end_ns = now_ns() + SECONDS * 1000 * MILLISECOND;
    while (waitpid(child, status, WNOHANG) == 0) {
        if (now_ns() > end_ns)
            return false;
        sleep_ns(MILLISECOND / 4);
    }
    return true;
}

/* 0: as it should be; 1: another exit code; 2: crashed; 3: hung. */
static int run_process(int way, const char *device, int microseconds)
{
    char way_text[16], time_text[16];
    int status = 0;
    snprintf(way_text, sizeof way_text, "%d", way);
    snprintf(time_text, sizeof time_text, "%d", microseconds);
    const pid_t child = fork();
    require(child >= 0, "no process");
    if (child == 0) {
        execl("/proc/self/exe", "exits", "--child", way_text, device, time_text, (char *)NULL);
        _exit(127);
    }
    if (!wait_in_time(child, &status)) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        return 3;
    }
    if (WIFEXITED(status))
        return WEXITSTATUS(status) == expected_code(way) ? 0 : 1;
    return 2;
}

int main(int argc, char **argv)
{
    static const char *const outcomes[] = {"right", "wrong code", "crashed", "hung"};
    const int count = has_flag(argc, argv, "--long") ? 1000 : 48;
    int counts[4] = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 5 && strcmp(argv[1], "--child") == 0)
        return run_child(atoi(argv[2]),
                         strcmp(argv[3], "ref") == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU,
                         atol(argv[4]), getenv("CREATE") != NULL);
    if (has_flag(argc, argv, "--create"))
        setenv("CREATE", "1", 1);
    for (int i = 0; i < count; i++) {
        const char *device = i / WAYS % 2 == 0 ? "ref" : "cpu";
        const int outcome = run_process(i % WAYS, device, i * 377 % 3000);
        counts[outcome]++;
        if (outcome != 0)
            printf("%s: %s on %s\n", outcomes[outcome], ways[i % WAYS], device);
    }
    printf("promise H, exit: %d processes ended under load in %d ways, %d lost their exit code, "
           "%d crashed, %d hung: %s\n",
           count, WAYS, counts[1], counts[2], counts[3], counts[0] == count ? "held" : "broken");
    return counts[0] == count ? 0 : 1;
}
