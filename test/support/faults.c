// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "support/faults.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "support/tiny_models.h"

/* What runs now, for messages. */
static const struct scenario *current;
static const struct fault *current_fault;
static int64_t current_number;
static char folder[64];

void require(bool is_right, const char *format, ...)
{
    if (is_right)
        return;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: %s, number %lld: ", current->name,
            current_fault == NULL ? "no fault" : current_fault->name, (long long)current_number);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    _exit(2);
}

void require_result(cop_status status, const void *result, const char *what)
{
    require((status == COP_STATUS_OK) == (result != NULL), "%s with %s",
            result == NULL ? "nothing" : what, cop_status_name(status));
}

const char *scratch_folder(void)
{
    return folder;
}

void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    require(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0,
            "%s cannot be written", path);
}

static size_t count_entries(const char *path)
{
    size_t count = 0;
    DIR *directory = opendir(path);
    require(directory != NULL, "%s cannot be read", path);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

uint64_t digest_of(cop_cached_op *op)
{
    cop_ndarray *src[8] = {NULL}, *dst[8] = {NULL};
    const size_t src_count = cop_cached_op_input_count(op),
                 dst_count = cop_cached_op_output_count(op);
    require(src_count <= 8 && dst_count <= 8, "too many inputs or outputs");
    for (size_t i = 0; i < src_count; i++) {
        cop_tensor_desc desc;
        require(cop_cached_op_input(op, i, &desc, NULL) == COP_STATUS_OK, "input %zu", i);
        require(desc.dtype == COP_DTYPE_FLOAT32, "input %zu is no float", i);
        src[i] = random_array(desc.rank, desc.shape, (unsigned)i + 1);
    }
    cop_error error;
    require(cop_invoke(op, src_count, src, dst_count, dst, NULL, &error) == COP_STATUS_OK,
            "an invoke without faults: %s", error.message);
    struct hash hash = cop_hash_begin();
    for (size_t i = 0; i < dst_count; i++)
        hash = cop_hash_bytes(hash, cop_ndarray_data(dst[i]), cop_ndarray_bytes(dst[i]));
    for (size_t i = 0; i < 8; i++)
        cop_ndarray_release(&src[i]), cop_ndarray_release(&dst[i]);
    return hash.low | 1;
}

static void clear(struct stage *stage)
{
    cop_text_release(&stage->text);
    cop_profile_release(&stage->profile);
    cop_trace_release(&stage->trace);
    cop_ndarray_release(&stage->src), cop_ndarray_release(&stage->dst);
    cop_ndarray_release(&stage->extra);
    cop_cached_op_release(&stage->op), cop_cached_op_release(&stage->made);
    cop_model_release(&stage->model);
}

/* Objects that live all the time. */
static struct {
    cop_cached_op *ops[2];
    uint64_t digests[2];
} bystanders;

static void make_bystanders(void)
{
    cop_model *model = tiny_classifier(3);
    for (int i = 0; i < 2; i++) {
        bystanders.ops[i] = compile_on(model, i == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU);
        bystanders.digests[i] = digest_of(bystanders.ops[i]);
    }
    cop_model_release(&model);
}

static void check_bystanders(void)
{
    for (int i = 0; i < 2 && bystanders.ops[i] != NULL; i++)
        require(digest_of(bystanders.ops[i]) == bystanders.digests[i],
                "another operator gives something else");
}

static void drop_bystanders(void)
{
    for (int i = 0; i < 2; i++)
        cop_cached_op_release(&bystanders.ops[i]);
}

static size_t count_live_bytes(void)
{
    return cop_alloc_counters().live_bytes;
}

static size_t count_descriptors(void)
{
    return count_entries("/proc/self/fd");
}

/*
 * Workers give their last references back a moment after a wait has returned: what is too much now
 * may be gone soon, and what was counted before may have been about to go.
 */
static void await_at_most(size_t (*count)(void), size_t *expected, const char *what)
{
    for (int i = 0; i < 5000 && count() > *expected; i++)
        usleep(1000);
    const size_t left = count();
    require(left <= *expected, "%zu %s, %zu before", left, what, *expected);
    *expected = left;
}

static void check_failure(const struct fault *fault, cop_status status, const cop_error *error)
{
    require((fault->statuses >> status & 1) != 0, "%s: %s", cop_status_name(status),
            error->message);
    require(error->status == status && error->message[0] != '\0', "no text with %s",
            cop_status_name(status));
}

static void check_digest(const struct stage *stage, uint64_t *digest)
{
    if (*digest == 0)
        *digest = stage->digest;
    require(stage->digest == *digest, "the result is another");
}

/* What is tested, without faults. */
static cop_status act_unharmed(struct stage *stage)
{
    cop_error error = {COP_STATUS_OK, ""};
    const cop_status status = current->act(stage, &error);
    require(status == current->expected, "without faults: %s: %s", cop_status_name(status),
            error.message);
    if (current->check != NULL)
        current->check(stage, status, &error);
    return status;
}

/* One call with a fault, and once more without; whether the fault was reached. */
static bool try_once(struct stage *stage, const struct fault *fault, uint64_t *digest)
{
    cop_error error = {COP_STATUS_OK, ""};
    bool is_reached = false;
    cop_status status = COP_STATUS_OK;
    if (fault != NULL) {
        fault->arm(fault, current_number);
        status = current->act(stage, &error);
        is_reached = fault->disarm(fault);
        const bool is_noticed = status != current->expected;
        require(is_reached || !is_noticed, "%s without the fault: %s", cop_status_name(status),
                error.message);
        if (is_noticed)
            check_failure(fault, status, &error);
        if (current->check != NULL)
            current->check(stage, status, &error);
        check_bystanders();
    }
    if (fault == NULL || status != current->expected)
        status = act_unharmed(stage);
    if (status == COP_STATUS_OK && current->finish != NULL)
        current->finish(stage);
    check_digest(stage, digest);
    return is_reached;
}

static bool run_numbered(const struct fault *fault, int64_t number, uint64_t *digest)
{
    struct stage stage = {.argument = current->argument};
    current_fault = fault;
    current_number = number;
    if (current->prepare != NULL)
        current->prepare(&stage);
    const bool is_reached = try_once(&stage, fault, digest);
    clear(&stage);
    return is_reached;
}

/* All numbers of one fault; how many were reached. */
static int64_t run_fault(const struct fault *fault, uint64_t *digest)
{
    const size_t files = count_entries(folder);
    size_t descriptors = count_descriptors(), live_bytes = count_live_bytes();
    int64_t number = 1;
    while (run_numbered(fault, number, digest)) {
        await_at_most(count_live_bytes, &live_bytes, "bytes live");
        await_at_most(count_descriptors, &descriptors, "descriptors open");
        number++;
    }
    await_at_most(count_live_bytes, &live_bytes, "bytes live");
    require(count_entries(folder) == files, "files are left");
    return number - 1;
}

/* As run_fault, each number in a process of its own. */
static int64_t run_fault_first(const struct fault *fault)
{
    for (int64_t number = 1;; number++) {
        const pid_t child = fork();
        uint64_t digest = 0;
        if (child == 0)
            exit(run_numbered(fault, number, &digest) ? 10 : 0);
        int status = -1;
        waitpid(child, &status, 0);
        current_fault = fault, current_number = number;
        require(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 10),
                "the process ended with %x", (unsigned)status);
        if (WEXITSTATUS(status) == 0)
            return number - 1;
    }
}

static void remove_folder(void)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    char path[512];
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    if (directory != NULL)
        closedir(directory);
    rmdir(folder);
}

/* In a process of its own, which ends with the count in `result`. */
static void run_here(const struct scenario *scenario, const struct fault *faults, size_t count,
                     int result)
{
    int64_t injected = 0;
    uint64_t digest = 0;
    current = scenario;
    if (!scenario->is_first) {
        make_bystanders();
        run_numbered(NULL, 0, &digest); /* what is allocated once, and the digest */
    }
    for (size_t i = 0; i < count; i++)
        if (faults[i].kinds & scenario->kinds)
            injected +=
                scenario->is_first ? run_fault_first(&faults[i]) : run_fault(&faults[i], &digest);
    drop_bystanders();
    require(injected >= scenario->least, "only %lld faults were reached", (long long)injected);
    require(write(result, &injected, sizeof injected) == sizeof injected, "the pipe");
    exit(0); /* with what a leak checker does at the end */
}

static int64_t run_scenario(const struct scenario *scenario, const struct fault *faults,
                            size_t count)
{
    int result[2], status = -1;
    int64_t injected = 0;
    snprintf(folder, sizeof folder, "/tmp/cop-faults-XXXXXX");
    if (pipe(result) != 0 || mkdtemp(folder) == NULL)
        return -1;
    const pid_t child = fork();
    if (child == 0)
        run_here(scenario, faults, count, result[1]);
    close(result[1]);
    if (read(result[0], &injected, sizeof injected) != sizeof injected)
        injected = -1;
    close(result[0]);
    waitpid(child, &status, 0);
    remove_folder();
    if (status == 0)
        return injected;
    fprintf(stderr, "%s: the process ended with %x\n", scenario->name, (unsigned)status);
    return -1;
}

int run_scenarios(const struct scenario *scenarios, size_t scenario_count,
                  const struct fault *faults, size_t fault_count, int argc, char **argv)
{
    const bool is_quiet = argc == 2 && strcmp(argv[1], "--count") == 0;
    int64_t all = 0;
    int failed = 0;
    for (size_t i = 0; i < scenario_count; i++) {
        if (argc == 2 && !is_quiet && strstr(scenarios[i].name, argv[1]) == NULL)
            continue; /* only those whose name has the word */
        fflush(NULL);
        const int64_t injected = run_scenario(&scenarios[i], faults, fault_count);
        failed += injected < 0;
        all += injected < 0 ? 0 : injected;
        if (!is_quiet)
            printf("%6lld  %s%s\n", (long long)injected, scenarios[i].name,
                   injected < 0 ? "  FAILED" : "");
    }
    printf(is_quiet ? "%lld\n" : "%lld faults injected\n", (long long)all);
    return failed == 0 && all > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
