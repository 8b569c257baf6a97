// SPDX-License-Identifier: Apache-2.0
/* The program's allocator and log. Both are for the process, and each test is one. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/huge_pages.h"
#include "base/log.h"
#include "base/source.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define THREADS 8

/* Keeps what it was asked for in front of each block, and the sums. */
struct ledger {
    _Atomic size_t blocks, bytes, largest, asked;
    _Atomic int64_t left; /* allocations until it fails; negative: never */
    _Atomic int mistakes; /* sizes or alignments that came back different */
    size_t misplaced_by;  /* bytes: to give memory that is not aligned */
};

struct entry {
    unsigned char *base;
    size_t bytes, alignment;
};

static void *count_allocation(void *user, size_t bytes, size_t alignment)
{
    struct ledger *ledger = user;
    atomic_fetch_add(&ledger->asked, 1);
    if (atomic_load(&ledger->left) == 0)
        return NULL;
    atomic_fetch_sub(&ledger->left, 1);
    unsigned char *base = malloc(bytes + 2 * alignment + sizeof(struct entry));
    if (base == NULL)
        return NULL;
    const uintptr_t first = (uintptr_t)base + sizeof(struct entry) + alignment - 1;
    unsigned char *memory = (unsigned char *)(first / alignment * alignment) + ledger->misplaced_by;
    const struct entry entry = {base, bytes, alignment};
    memcpy(memory - sizeof entry, &entry, sizeof entry);
    memset(memory, 0xA5, bytes); /* nothing may rely on zeros */
    atomic_fetch_add(&ledger->blocks, 1), atomic_fetch_add(&ledger->bytes, bytes);
    for (size_t most = atomic_load(&ledger->largest); most < bytes;)
        atomic_compare_exchange_weak(&ledger->largest, &most, bytes);
    return memory;
}

static void count_release(void *user, void *memory, size_t bytes, size_t alignment)
{
    struct ledger *ledger = user;
    struct entry entry;
    memcpy(&entry, (unsigned char *)memory - sizeof entry, sizeof entry);
    if (entry.bytes != bytes || entry.alignment != alignment ||
        (alignment != 16 && alignment != COP_ALIGNMENT))
        atomic_fetch_add(&ledger->mistakes, 1);
    atomic_fetch_sub(&ledger->blocks, 1), atomic_fetch_sub(&ledger->bytes, bytes);
    free(entry.base);
}

static struct ledger ledger = {.left = -1};

static const cop_allocator counting = {
    .struct_size = sizeof counting,
    .allocate = count_allocation,
    .release = count_release,
    .user = &ledger,
};

/* Everything a program does, from loading to the last release. */
static void live_a_life(cop_device_kind device)
{
    static const int64_t shape[] = {1, 3, 12, 12}, two[] = {2, 3, 12, 12};
    const cop_input_shape batch = {NULL, 4, {2, 3, 12, 12}};
    cop_model *model = tiny_classifier(7);
    cop_cached_op *op = compile_on(model, device), *reshaped = NULL;
    cop_ndarray *image = random_array(4, shape, 8), *images = random_array(4, two, 9);
    cop_ndarray *scores = NULL, *later = NULL, *both = NULL;
    char *text = NULL;
    ck_assert_int_eq(cop_invoke(op, 1, &image, 1, &scores, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke_async(op, 1, &image, 1, &later, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cached_op_reshape(op, &batch, 1, &reshaped, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke(reshaped, 1, &images, 1, &both, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cached_op_print_plan(op, COP_PLAN_FORMAT_TEXT, &text, NULL),
                     COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(later, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    ck_assert_mem_eq(cop_ndarray_data(later), cop_ndarray_data(scores), cop_ndarray_bytes(scores));
    ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    cop_text_release(&text);
    cop_ndarray_release(&image), cop_ndarray_release(&images), cop_ndarray_release(&scores);
    cop_ndarray_release(&later), cop_ndarray_release(&both);
    cop_cached_op_release(&op), cop_cached_op_release(&reshaped);
    cop_model_release(&model);
}

/* Workers give their last references back a moment after a wait has returned. */
static bool settles_at(const _Atomic size_t *number, size_t expected)
{
    for (int i = 0; i < 5000 && atomic_load(number) != expected; i++)
        usleep(1000);
    return atomic_load(number) == expected;
}

START_TEST(all_memory_comes_from_the_allocator_and_goes_back_as_it_was_asked_for)
{
    ck_assert_int_eq(cop_set_allocator(&counting, NULL), COP_STATUS_OK);
    live_a_life(COP_DEVICE_REF);
    live_a_life(COP_DEVICE_CPU);
    const size_t kept_blocks = atomic_load(&ledger.blocks), kept_bytes = atomic_load(&ledger.bytes);
    live_a_life(COP_DEVICE_REF);
    live_a_life(COP_DEVICE_CPU);
    ck_assert(settles_at(&ledger.blocks, kept_blocks) && settles_at(&ledger.bytes, kept_bytes));
    ck_assert_uint_le(kept_blocks, 2); /* the two devices, which stay open */
    ck_assert_int_eq(atomic_load(&ledger.mistakes), 0);
    ck_assert_uint_eq(atomic_load(&ledger.asked), cop_alloc_counters().allocations);
}
END_TEST

START_TEST(large_blocks_and_files_come_from_it_too)
{
    ck_assert_int_eq(cop_set_allocator(&counting, NULL), COP_STATUS_OK);
    void *large = cop_alloc_aligned(2 * COP_HUGE_PAGE_BYTES), *none = cop_alloc_aligned(0);
    ck_assert_uint_ge(atomic_load(&ledger.largest), 2 * COP_HUGE_PAGE_BYTES);
    ck_assert_uint_eq((uintptr_t)large % COP_ALIGNMENT, 0);
    ck_assert_uint_eq((uintptr_t)none % COP_ALIGNMENT, 0);
    cop_free(large), cop_free(none);

    char path[] = "/tmp/cop-hooks-XXXXXX";
    const int fd = mkstemp(path);
    static const char content[200000] = "weights";
    ck_assert_int_eq(write(fd, content, sizeof content), sizeof content);
    close(fd);
    struct source *source = NULL;
    const unsigned char *bytes = NULL;
    ck_assert_int_eq(cop_source_open(path, COP_FILE_ACCESS_READ, &source, NULL), COP_STATUS_OK);
    ck_assert_uint_ge(atomic_load(&ledger.bytes), sizeof content);
    cop_source_drop(source, 0, sizeof content); /* nothing: its pages are not ours to lose */
    unlink(path);
    ck_assert_int_eq(cop_source_pin(source, 0, sizeof content, &bytes, NULL), COP_STATUS_OK);
    ck_assert_mem_eq(bytes, content, sizeof content);
    cop_source_unpin(source);
    cop_source_release(&source);
    ck_assert_uint_eq(atomic_load(&ledger.blocks), 0);
    ck_assert_int_eq(atomic_load(&ledger.mistakes), 0);
}
END_TEST

START_TEST(zeroed_memory_is_zeroed_whatever_the_allocator_gives)
{
    ck_assert_int_eq(cop_set_allocator(&counting, NULL), COP_STATUS_OK);
    const unsigned char *block = cop_alloc(100, 3);
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(block[i], 0);
    cop_free((void *)(uintptr_t)block);
}
END_TEST

START_TEST(no_memory_is_a_status_as_ever)
{
    static const int64_t shape[] = {4};
    cop_ndarray *array = NULL;
    ck_assert_int_eq(cop_set_allocator(&counting, NULL), COP_STATUS_OK);
    int64_t left = 0;
    for (; left < 10; left++) {
        atomic_store(&ledger.left, left);
        cop_error error;
        if (cop_ndarray_create(COP_DTYPE_FLOAT32, 1, shape, &array, &error) == COP_STATUS_OK)
            break;
        ck_assert_int_eq(error.status, COP_STATUS_OUT_OF_MEMORY);
        ck_assert_ptr_null(array);
        ck_assert_uint_eq(atomic_load(&ledger.blocks), 0);
    }
    ck_assert(left >= 2 && left < 10); /* the storage and the array at least */
    cop_ndarray_release(&array);
    atomic_store(&ledger.left, -1);
    cop_alloc_fail_after(0, 0);
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_FLOAT32, 1, shape, &array, NULL),
                     COP_STATUS_OUT_OF_MEMORY); /* what tests plan works with it */
    cop_alloc_fail_after(-1, 0);
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_FLOAT32, 1, shape, &array, NULL), COP_STATUS_OK);
    cop_ndarray_release(&array);
    ck_assert_uint_eq(atomic_load(&ledger.blocks), 0);
}
END_TEST

START_TEST(memory_that_is_not_aligned_is_given_back)
{
    ledger.misplaced_by = 8;
    ck_assert_int_eq(cop_set_allocator(&counting, NULL), COP_STATUS_OK);
    ck_assert_ptr_null(cop_alloc(1, 8));
    ck_assert_ptr_null(cop_alloc_aligned(8));
    ck_assert_uint_eq(atomic_load(&ledger.blocks), 0);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, 0);
}
END_TEST

static void expect_refused(const cop_allocator *allocator, cop_status expected, const char *word)
{
    cop_error error;
    ck_assert_int_eq(cop_set_allocator(allocator, &error), expected);
    ck_assert_msg(strstr(error.message, word) != NULL, "'%s' lacks '%s'", error.message, word);
}

START_TEST(an_allocator_is_set_once)
{
    cop_allocator wrong = counting;
    expect_refused(NULL, COP_STATUS_INVALID_ARGUMENT, "NULL");
    wrong.struct_size = 0;
    expect_refused(&wrong, COP_STATUS_INVALID_ARGUMENT, "struct_size");
    wrong = counting, wrong.allocate = NULL;
    expect_refused(&wrong, COP_STATUS_INVALID_ARGUMENT, "allocate");
    wrong = counting, wrong.release = NULL;
    expect_refused(&wrong, COP_STATUS_INVALID_ARGUMENT, "release");
    ck_assert_int_eq(cop_set_allocator(&counting, NULL), COP_STATUS_OK);
    expect_refused(&counting, COP_STATUS_BUSY, "set before");
}
END_TEST

START_TEST(after_the_first_allocation_it_is_too_late)
{
    cop_trace *trace = NULL;
    ck_assert_int_eq(cop_trace_create(0, &trace, NULL), COP_STATUS_OK);
    cop_trace_release(&trace);
    expect_refused(&counting, COP_STATUS_BUSY, "already");
    expect_refused(&counting, COP_STATUS_BUSY, "already");
    ck_assert_uint_eq(atomic_load(&ledger.asked), 0);
}
END_TEST

START_TEST(asking_what_there_is_allocates_nothing)
{
    size_t count = 0;
    cop_library_stats stats = {.struct_size = sizeof stats};
    ck_assert_ptr_nonnull(cop_version());
    ck_assert_ptr_nonnull(cop_features(&count));
    ck_assert_uint_gt(cop_device_count() + count, 0);
    ck_assert_ptr_nonnull(cop_status_text(COP_STATUS_IO));
    ck_assert_int_eq(cop_library_get_stats(&stats, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_set_worker_threads(2, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_wait_all(NULL, 0, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_set_allocator(&counting, NULL), COP_STATUS_OK);
}
END_TEST

static void ignore(void *user, cop_log_level level, const char *message)
{
    (void)user, (void)level, (void)message;
}

/* How many of the threads that start together win, and how many others are told BUSY. */
struct contest {
    pthread_barrier_t start;
    _Atomic int winners, losers;
    bool allocates;
};

static void enter(struct contest *contest, cop_status status)
{
    if (status == COP_STATUS_OK)
        atomic_fetch_add(&contest->winners, 1);
    else if (status == COP_STATUS_BUSY)
        atomic_fetch_add(&contest->losers, 1);
}

static void *race_for_allocator(void *argument)
{
    struct contest *contest = argument;
    pthread_barrier_wait(&contest->start);
    void *block = contest->allocates ? cop_alloc(1, 1) : NULL;
    enter(contest, cop_set_allocator(&counting, NULL));
    cop_free(block);
    return NULL;
}

static void *race_for_log(void *argument)
{
    struct contest *contest = argument;
    pthread_barrier_wait(&contest->start);
    enter(contest, cop_set_log(ignore, NULL, COP_LOG_LEVEL_DEBUG, NULL));
    cop_log(COP_LOG_LEVEL_INFO, "by %d", THREADS);
    return NULL;
}

static void hold(struct contest *contest, void *(*race)(void *))
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&contest->start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, race, contest);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&contest->start);
}

START_TEST(of_many_threads_exactly_one_sets_each_hook)
{
    struct contest allocator = {.allocates = false}, log = {.allocates = false};
    hold(&allocator, race_for_allocator);
    hold(&log, race_for_log);
    ck_assert_int_eq(atomic_load(&allocator.winners), 1);
    ck_assert_int_eq(atomic_load(&allocator.losers), THREADS - 1);
    ck_assert_int_eq(atomic_load(&log.winners), 1);
    ck_assert_int_eq(atomic_load(&log.losers), THREADS - 1);
}
END_TEST

START_TEST(memory_taken_while_others_set_the_allocator_is_all_from_one)
{
    struct contest contest = {.allocates = true};
    hold(&contest, race_for_allocator);
    ck_assert_int_eq(atomic_load(&contest.winners), 0); /* each has allocated before it asks */
    ck_assert_int_eq(atomic_load(&contest.losers), THREADS);
    ck_assert_uint_eq(atomic_load(&ledger.asked), 0);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, 0);
}
END_TEST

/* What a log received. */
#define MOST_MESSAGES 64
struct received {
    int count;
    cop_log_level levels[MOST_MESSAGES];
    char messages[MOST_MESSAGES][2048];
};
static struct received received;

static void receive(void *user, cop_log_level level, const char *message)
{
    struct received *into = user;
    if (into->count == MOST_MESSAGES)
        return;
    into->levels[into->count] = level;
    snprintf(into->messages[into->count++], 2048, "%s", message);
}

static bool has_message(cop_log_level level, const char *a, const char *b)
{
    for (int i = 0; i < received.count; i++)
        if (received.levels[i] == level && strstr(received.messages[i], a) != NULL &&
            strstr(received.messages[i], b) != NULL)
            return true;
    return false;
}

START_TEST(models_and_operators_are_announced)
{
    ck_assert_int_eq(cop_set_log(receive, &received, COP_LOG_LEVEL_DEBUG, NULL), COP_STATUS_OK);
    live_a_life(COP_DEVICE_REF);
    ck_assert(has_message(COP_LOG_LEVEL_INFO, "model 'in memory' loaded: MXNet", " nodes, "));
    ck_assert(has_message(COP_LOG_LEVEL_INFO, "operator 1 created on ref", " steps, arena "));
    ck_assert(has_message(COP_LOG_LEVEL_INFO, "operator 2 reshaped on ref", " 0 bytes of weights"));
    ck_assert_int_eq(received.count, 3);
}
END_TEST

START_TEST(what_runs_slower_than_asked_for_is_said)
{
    size_t count = 0;
    const cop_feature *features = cop_features(&count);
    if (!features[1].enabled)
        return; /* without oneDNN the device is the reference kernels, as everybody knows */
    static const char symbol[] =
        "{\"nodes\":[{\"op\":\"null\",\"name\":\"x\",\"attrs\":{\"__shape__\":\"(2,3)\"},"
        "\"inputs\":[]},{\"op\":\"argmax\",\"name\":\"best\",\"attrs\":{\"axis\":\"1\"},"
        "\"inputs\":[[0,0]]}],\"arg_nodes\":[0],\"heads\":[[1,0]],"
        "\"attrs\":{\"mxnet_version\":[\"int\",10901]}}";
    static const unsigned char no_params[32] = {0x12, 0x01};
    const cop_bytes graph = {symbol, strlen(symbol), NULL, NULL};
    const cop_bytes weights = {no_params, sizeof no_params, NULL, NULL};
    cop_model *model = NULL;
    ck_assert_int_eq(cop_set_log(receive, &received, COP_LOG_LEVEL_DEBUG, NULL), COP_STATUS_OK);
    ck_assert_int_eq(
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, &model, NULL),
        COP_STATUS_OK);
    cop_cached_op *op = compile_on(model, COP_DEVICE_CPU);
    ck_assert(has_message(COP_LOG_LEVEL_DEBUG, "node 'best'", "runs on ref"));
    cop_cached_op_release(&op);
    cop_model_release(&model);
}
END_TEST

START_TEST(less_important_messages_than_asked_for_are_kept_back)
{
    ck_assert(!cop_log_is_on(COP_LOG_LEVEL_ERROR));
    cop_log(COP_LOG_LEVEL_ERROR, "to nobody");
    ck_assert_int_eq(cop_set_log(receive, &received, COP_LOG_LEVEL_WARNING, NULL), COP_STATUS_OK);
    ck_assert(cop_log_is_on(COP_LOG_LEVEL_WARNING) && !cop_log_is_on(COP_LOG_LEVEL_INFO));
    cop_log(COP_LOG_LEVEL_INFO, "unimportant");
    cop_log(COP_LOG_LEVEL_ERROR, "number %d", 5);
    cop_log(COP_LOG_LEVEL_WARNING, "two\nlines");
    ck_assert_int_eq(received.count, 2);
    ck_assert_str_eq(received.messages[0], "number 5");
    ck_assert_str_eq(received.messages[1], "two lines");
}
END_TEST

START_TEST(a_long_message_is_cut_at_a_whole_character)
{
    char text[4001] = "x";
    for (int i = 1; i + 1 < 4000; i += 2)
        memcpy(text + i, "é", 3);
    ck_assert_int_eq(cop_set_log(receive, &received, COP_LOG_LEVEL_INFO, NULL), COP_STATUS_OK);
    cop_log(COP_LOG_LEVEL_INFO, "%s", text);
    const char *got = received.messages[0];
    ck_assert_uint_eq(strlen(got) % 2, 1); /* x, then characters of two bytes */
    ck_assert(strlen(got) >= 2045 && memcmp(got, text, strlen(got)) == 0);
    text[0] = 'y', memmove(text + 2, text + 1, 3000), text[1] = 'y';
    cop_log(COP_LOG_LEVEL_INFO, "%s", text);
    ck_assert_uint_eq(strlen(received.messages[1]), 2046);
}
END_TEST

START_TEST(a_log_is_set_once)
{
    cop_error error;
    ck_assert_int_eq(cop_set_log(NULL, NULL, COP_LOG_LEVEL_INFO, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_set_log(ignore, NULL, (cop_log_level)0, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_set_log(ignore, NULL, (cop_log_level)5, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "level 5"));
    ck_assert_int_eq(cop_set_log(ignore, NULL, COP_LOG_LEVEL_INFO, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_set_log(ignore, NULL, COP_LOG_LEVEL_INFO, &error), COP_STATUS_BUSY);
    ck_assert_ptr_nonnull(strstr(error.message, "set before"));
}
END_TEST

/* Things that fail, too: what they have to say is in their status. */
static void live_badly(void)
{
    cop_model *model = NULL;
    cop_cached_op *op = NULL;
    const cop_bytes garbage = {"{", 1, NULL, NULL};
    if (cop_model_load("/nowhere.onnx", NULL, &model, NULL) == COP_STATUS_OK ||
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &garbage, &garbage, NULL, &model, NULL) ==
            COP_STATUS_OK ||
        cop_model_load_bytes(COP_MODEL_FORMAT_ONNX, &garbage, NULL, NULL, &model, NULL) ==
            COP_STATUS_OK ||
        cop_cached_op_create(NULL, NULL, &op, NULL) == COP_STATUS_OK)
        abort();
}

START_TEST(nothing_is_printed_without_a_log)
{
    char path[] = "/tmp/cop-output-XXXXXX";
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    const pid_t child = fork();
    if (child == 0) {
        dup2(fd, STDOUT_FILENO), dup2(fd, STDERR_FILENO);
        live_a_life(COP_DEVICE_REF);
        live_a_life(COP_DEVICE_CPU);
        live_badly();
        _exit(fflush(NULL) == 0 ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    char printed[4096] = "";
    ck_assert_int_eq(pread(fd, printed, sizeof printed - 1, 0), 0);
    close(fd);
}
END_TEST

int main(void)
{
    return RUN_TESTS("hooks", all_memory_comes_from_the_allocator_and_goes_back_as_it_was_asked_for,
                     large_blocks_and_files_come_from_it_too,
                     zeroed_memory_is_zeroed_whatever_the_allocator_gives,
                     no_memory_is_a_status_as_ever, memory_that_is_not_aligned_is_given_back,
                     an_allocator_is_set_once, after_the_first_allocation_it_is_too_late,
                     asking_what_there_is_allocates_nothing,
                     of_many_threads_exactly_one_sets_each_hook,
                     memory_taken_while_others_set_the_allocator_is_all_from_one,
                     models_and_operators_are_announced, what_runs_slower_than_asked_for_is_said,
                     less_important_messages_than_asked_for_are_kept_back,
                     a_long_message_is_cut_at_a_whole_character, a_log_is_set_once,
                     nothing_is_printed_without_a_log);
}
