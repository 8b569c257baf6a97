// SPDX-License-Identifier: Apache-2.0
/*
 * Runs a fuzz target without a fuzzer: on files, and on mutations of them that are the same in
 * every run. With clang and -fsanitize=fuzzer this file is left out and libFuzzer drives the same
 * target.
 *
 *     fuzz_onnx [--mutations N] [--seed S] [FILE...]     without files: the target's own seeds
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz/fuzz_target.h"
#include "support/mutate.h"

#define MAX_SEEDS       4096
#define SLOWEST_SECONDS 2.0

struct input {
    unsigned char *bytes;
    size_t size;
};

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* From memory of exactly that size, so that a sanitizer sees every read past the end. */
static double run_input(const unsigned char *bytes, size_t size)
{
    unsigned char *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, bytes, size);
    const double start = seconds_now();
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return seconds_now() - start;
}

static int read_file(const char *path, struct input *input)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        return 0;
    }
    input->size = (size_t)ftell(file);
    rewind(file);
    input->bytes = malloc(input->size + 1);
    const int is_read =
        input->bytes != NULL && fread(input->bytes, 1, input->size, file) == input->size;
    fclose(file);
    return is_read;
}

static int run_mutations(const struct input *seeds, int seed_count, uint64_t count, uint64_t state)
{
    double slowest = 0;
    for (uint64_t i = 0; i < count; i++) {
        const struct input *seed = &seeds[i % (uint64_t)seed_count];
        unsigned char *bytes = malloc(seed->size + 1);
        if (bytes == NULL)
            abort();
        memcpy(bytes, seed->bytes, seed->size);
        const double seconds = run_input(bytes, mutate(bytes, seed->size, &state));
        free(bytes);
        slowest = seconds > slowest ? seconds : slowest;
    }
    printf("%" PRIu64 " mutations of %d inputs, the slowest took %.3f s\n", count, seed_count,
           slowest);
    return slowest <= SLOWEST_SECONDS;
}

int main(int argc, char **argv)
{
    static struct input seeds[MAX_SEEDS];
    uint64_t mutations = 0, state = 1;
    int count = 0;
    for (int i = 1; i < argc && count < MAX_SEEDS; i++) {
        if (strcmp(argv[i], "--mutations") == 0 && i + 1 < argc)
            mutations = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            state = strtoull(argv[++i], NULL, 10);
        else if (read_file(argv[i], &seeds[count]))
            count++;
        else
            return EXIT_FAILURE;
    }
    if (count == 0)
        while (count < MAX_SEEDS &&
               (seeds[count].bytes = fuzz_seed(count, &seeds[count].size)) != NULL)
            count++;
    for (int i = 0; i < count; i++)
        run_input(seeds[i].bytes, seeds[i].size);
    const int is_good = count == 0 || run_mutations(seeds, count, mutations, state);
    for (int i = 0; i < count; i++)
        free(seeds[i].bytes);
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
