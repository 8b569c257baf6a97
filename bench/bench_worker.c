// SPDX-License-Identifier: Apache-2.0
/*
 * Our side of bench/compare.py: one process that holds one operator and does what its standard
 * input says, so that we and the peers can be measured in turns.
 *
 *     input FILE        float32 elements of the first input
 *     output FILE       runs once and writes the float32 elements of the first output
 *     run CALLERS SECONDS   prints invocations a second
 *     memory            prints peak resident bytes
 *
 * Every command is answered by one line.
 */
#include "callers.h"

#include <stdlib.h>
#include <string.h>

static struct callers *started[BENCH_MAX_CALLERS + 1];

static void read_input(const struct bench_subject *subject, const char *path)
{
    const size_t size = cop_ndarray_bytes(subject->src[0]);
    FILE *file = fopen(path, "rb");
    const int is_read =
        file != NULL && fread(cop_ndarray_data(subject->src[0]), 1, size, file) == size;
    if (file != NULL)
        fclose(file);
    printf("%s\n", is_read ? "ok" : "cannot read");
}

static void write_output(const struct bench_subject *subject, const char *path)
{
    cop_ndarray *dst[BENCH_MAX_ARRAYS] = {NULL};
    cop_error error;
    bench_check(cop_invoke(subject->op, subject->src_count, subject->src, subject->dst_count, dst,
                           NULL, &error),
                &error, "invoke");
    FILE *file = fopen(path, "wb");
    const size_t size = cop_ndarray_bytes(dst[0]);
    int is_written = file != NULL && fwrite(cop_ndarray_data(dst[0]), 1, size, file) == size;
    if (file != NULL)
        is_written &= fclose(file) == 0;
    printf("%s\n", is_written ? "ok" : "cannot write");
    for (size_t i = 0; i < subject->dst_count; i++)
        cop_ndarray_release(&dst[i]);
}

static void run(const struct bench_subject *subject, int count, double seconds)
{
    if (count < 1 || count > BENCH_MAX_CALLERS) {
        printf("1 to %d callers\n", BENCH_MAX_CALLERS);
        return;
    }
    if (started[count] == NULL)
        started[count] = callers_start(subject, count);
    printf("%.4f\n", callers_run(started[count], seconds, NULL));
}

int main(int argc, char **argv)
{
    const struct bench_arguments arguments =
        bench_parse(argc, argv, "What does bench/compare.py want to know?");
    struct bench_subject subject;
    char line[4096], path[4096];
    int count;
    double seconds;
    bench_load(&arguments, &subject);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("ready\n");
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "run %d %lf", &count, &seconds) == 2)
            run(&subject, count, seconds);
        else if (sscanf(line, "input %4095[^\n]", path) == 1)
            read_input(&subject, path);
        else if (sscanf(line, "output %4095[^\n]", path) == 1)
            write_output(&subject, path);
        else if (strcmp(line, "memory") == 0)
            printf("%zu\n", bench_peak_bytes());
        else
            printf("unknown command\n");
    }
    for (int i = 0; i <= BENCH_MAX_CALLERS; i++)
        if (started[i] != NULL)
            callers_stop(started[i]);
    bench_release(&subject);
    return 0;
}
