// SPDX-License-Identifier: Apache-2.0
/*
 * Runs a fuzz target without a fuzzer: on the target's own seeds and on files, whole and cut off,
 * and on mutations of all of them that are the same in every run.
 *
 *     fuzz_onnx [--mutations N] [--seed S] [--truncate] [FILE or FOLDER...]
 *
 * --truncate runs every prefix of every input below 64 KB as well.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "fuzz/fuzz_target.h"

#define MAX_INPUTS      8192
#define SLOWEST_SECONDS 2.0
#define TRUNCATED_BYTES 65536
#define ROOM_BYTES      4096

struct input {
    unsigned char *bytes;
    size_t size;
};

static struct input inputs[MAX_INPUTS];
static int input_count;
static uint64_t run_count;
static double slowest;

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* From memory of exactly that size, so that a sanitizer sees every read past the end. */
static void run_input(const unsigned char *bytes, size_t size)
{
    unsigned char *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, bytes, size);
    const double start = cpu_seconds();
    fuzz_one(copy, size);
    const double seconds = cpu_seconds() - start;
    slowest = seconds > slowest ? seconds : slowest;
    run_count++;
    free(copy);
}

static int read_file(const char *path)
{
    struct input *input = &inputs[input_count];
    FILE *file = fopen(path, "rb");
    if (input_count == MAX_INPUTS || file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        return 0;
    }
    input->size = (size_t)ftell(file);
    rewind(file);
    input->bytes = malloc(input->size + 1);
    const int is_read =
        input->bytes != NULL && fread(input->bytes, 1, input->size, file) == input->size;
    fclose(file);
    input_count += is_read;
    return is_read;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files of a folder, in the order of their names. */
static int read_folder(const char *path)
{
    char *names[MAX_INPUTS];
    int count = 0, is_read = 1;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.' && count < MAX_INPUTS)
            names[count++] = strdup(entry->d_name);
    if (folder == NULL)
        return 0;
    closedir(folder);
    qsort(names, (size_t)count, sizeof *names, compare_names);
    for (int i = 0; i < count; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        is_read &= read_file(file);
        free(names[i]);
    }
    return is_read;
}

static int read_path(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        perror(path);
        return 0;
    }
    return S_ISDIR(status.st_mode) ? read_folder(path) : read_file(path);
}

static void add_seeds(void)
{
    for (int i = 0; input_count < MAX_INPUTS; i++, input_count++) {
        inputs[input_count].bytes = fuzz_seed(i, &inputs[input_count].size);
        if (inputs[input_count].bytes == NULL)
            return;
    }
}

static void run_prefixes(void)
{
    for (int i = 0; i < input_count; i++)
        for (size_t size = 0; size < inputs[i].size && inputs[i].size < TRUNCATED_BYTES; size++)
            run_input(inputs[i].bytes, size);
}

/* One input with a few changes upon each other. */
static void run_mutation(const struct input *from, uint64_t *state)
{
    const struct input *other = &inputs[next_choice(state, (uint64_t)input_count)];
    struct fuzz_bytes bytes = {NULL, from->size, 2 * from->size + ROOM_BYTES};
    bytes.bytes = malloc(bytes.capacity);
    if (bytes.bytes == NULL)
        abort();
    memcpy(bytes.bytes, from->bytes, from->size);
    for (uint64_t left = 1 + next_choice(state, 5); left > 0; left--)
        fuzz_mutate(&bytes, (struct fuzz_view){other->bytes, other->size}, state);
    run_input(bytes.bytes, bytes.size);
    free(bytes.bytes);
}

int main(int argc, char **argv)
{
    uint64_t mutations = 0, state = 1;
    int is_truncated = 0, is_good = 1;
    add_seeds();
    for (int i = 1; i < argc && is_good; i++) {
        if (strcmp(argv[i], "--mutations") == 0 && i + 1 < argc)
            mutations = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            state = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--truncate") == 0)
            is_truncated = 1;
        else
            is_good = read_path(argv[i]);
    }
    for (int i = 0; i < input_count && is_good; i++)
        run_input(inputs[i].bytes, inputs[i].size);
    if (is_truncated)
        run_prefixes();
    for (uint64_t i = 0; i < mutations && is_good; i++)
        run_mutation(&inputs[i % (uint64_t)input_count], &state);
    printf("%" PRIu64 " inputs from %d: %" PRIu64 " accepted, %" PRIu64 " compiled, %" PRIu64
           " invoked; the slowest took %.3f s\n",
           run_count, input_count, fuzz_counts.accepted, fuzz_counts.compiled, fuzz_counts.invoked,
           slowest);
    for (int i = 0; i < input_count; i++)
        free(inputs[i].bytes);
    return is_good && fuzz_counts.accepted > 0 && slowest <= SLOWEST_SECONDS ? EXIT_SUCCESS
                                                                             : EXIT_FAILURE;
}
