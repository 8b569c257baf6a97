// SPDX-License-Identifier: Apache-2.0
/*
 * Lets libFuzzer drive a target (clang -fsanitize=fuzzer): its coverage chooses what to go on with,
 * our mutators make it. Counts processor time, because wall time says nothing on a busy machine:
 * an input that takes more than 2 s is written to the current folder and told on stderr. With
 * COP_FUZZ_TRUNCATE set, every prefix of an input below 64 KB is run as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/fuzz_target.h"

#define SLOWEST_SECONDS 2.0
#define MAX_SEEDS       256
#define TRUNCATED_BYTES 65536
#define HANG_SECONDS    60

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t capacity);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t capacity, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *bytes, size_t size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t capacity, unsigned seed);

static double slowest;
static unsigned long long input_count, slow_count;

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void report(void)
{
    fprintf(stderr, "FUZZ inputs %llu accepted %llu slow %llu slowest_ms %.0f\n", input_count,
            (unsigned long long)fuzz_counts.accepted, slow_count, slowest * 1000);
}

static void keep_slow(const uint8_t *bytes, size_t size, double seconds)
{
    char path[64];
    snprintf(path, sizeof path, "slow-%llu-%u-ms", slow_count, (unsigned)(seconds * 1000));
    FILE *file = fopen(path, "wb");
    if (file != NULL) {
        (void)fwrite(bytes, 1, size, file);
        fclose(file);
    }
    fprintf(stderr, "SLOW %s\n", path);
}

static void run_timed(const uint8_t *bytes, size_t size)
{
    const double start = cpu_seconds();
    fuzz_one(bytes, size);
    const double seconds = cpu_seconds() - start;
    input_count++;
    slowest = seconds > slowest ? seconds : slowest;
    if (seconds > SLOWEST_SECONDS) {
        slow_count++;
        keep_slow(bytes, size, seconds);
    }
}

/* From memory of exactly that size, so that a read past the end is seen. */
static void run_prefixes(const uint8_t *bytes, size_t size)
{
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut == 0 ? 1 : cut);
        if (copy == NULL)
            abort();
        memcpy(copy, bytes, cut);
        alarm(HANG_SECONDS); /* libFuzzer's own limit would be for all of them together */
        run_timed(copy, cut);
        free(copy);
    }
    alarm(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static int is_begun, is_truncating;
    if (!is_begun) {
        is_begun = 1;
        is_truncating = getenv("COP_FUZZ_TRUNCATE") != NULL;
        atexit(report);
    }
    run_timed(bytes, size);
    if (is_truncating && size < TRUNCATED_BYTES)
        run_prefixes(bytes, size);
    return 0;
}

/* One of the target's own seeds, made once. */
static struct fuzz_view pick_seed(uint64_t *state)
{
    static struct fuzz_view seeds[MAX_SEEDS];
    static int count;
    while (count < MAX_SEEDS) {
        size_t size = 0;
        unsigned char *bytes = fuzz_seed(count, &size);
        if (bytes == NULL)
            break;
        seeds[count++] = (struct fuzz_view){bytes, size};
    }
    return seeds[next_choice(state, (uint64_t)count)];
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t capacity, unsigned seed)
{
    uint64_t state = seed;
    const struct fuzz_view other = pick_seed(&state);
    struct fuzz_bytes input = {bytes, size, capacity};
    /* Coverage alone prefers new ways to be refused: begin anew from something sound now and then.
     */
    if ((size <= 1 || next_choice(&state, 4) == 0) && other.size <= capacity) {
        memcpy(bytes, other.bytes, other.size);
        input.size = other.size;
    }
    if (next_choice(&state, 8) == 0)
        return LLVMFuzzerMutate(bytes, input.size, capacity);
    for (uint64_t left = 1 + next_choice(&state, 3); left > 0; left--)
        fuzz_mutate(&input, other, &state);
    return input.size;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *bytes, size_t size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t capacity, unsigned seed)
{
    uint64_t state = seed;
    struct fuzz_bytes input = {out, size < capacity ? size : capacity, capacity};
    memcpy(out, bytes, input.size);
    fuzz_mutate(&input, (struct fuzz_view){other, other_size}, &state);
    return input.size;
}
