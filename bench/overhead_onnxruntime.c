// SPDX-License-Identifier: Apache-2.0
/*
 * onnxruntime's side of bench/compare_overhead.py: what its Run costs from C, with one thread, its
 * input and output bound once.
 *
 *     overhead_onnxruntime LIBRARY MODEL
 *
 * The model takes and gives 16 floats "data" and "relu" of shape [1,16]. Each line of standard
 * input asks for one measurement, answered with nanoseconds. The library comes without headers; it
 * promises that its table of functions never changes its order, so that numbers are enough.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECONDS 0.3

/* Places in the table; all of these return NULL, or what went wrong. */
enum {
    GET_ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    CREATE_SESSION = 7,
    RUN = 9,
    CREATE_SESSION_OPTIONS = 10,
    SET_INTRA_OP_THREADS = 24,
    CREATE_TENSOR_WITH_DATA = 49,
    CREATE_CPU_MEMORY = 69,
};

#define TABLE_VERSION 11
#define WARNING       2
#define FLOAT         1
#define ARENA         1 /* of a memory description: by the device's arena */

struct base {
    void *const *(*get_table)(uint32_t version);
    const char *(*get_version)(void);
};

static void *const *table;

static void check(void *failure, const char *what)
{
    const char *(*get_message)(void *) = NULL;
    if (failure == NULL)
        return;
    *(void **)&get_message = table[GET_ERROR_MESSAGE];
    exit((fprintf(stderr, "%s: %s\n", what, get_message(failure)), 1));
}

static void *open_session(const char *model)
{
    void *(*create_env)(int level, const char *name, void **env);
    void *(*create_options)(void **options);
    void *(*set_threads)(void *options, int count);
    void *(*create_session)(void *env, const char *path, void *options, void **session);
    void *env = NULL, *options = NULL, *session = NULL;
    *(void **)&create_env = table[CREATE_ENV];
    *(void **)&create_options = table[CREATE_SESSION_OPTIONS];
    *(void **)&set_threads = table[SET_INTRA_OP_THREADS];
    *(void **)&create_session = table[CREATE_SESSION];
    check(create_env(WARNING, "overhead", &env), "environment");
    check(create_options(&options), "options");
    check(set_threads(options, 1), "threads");
    check(create_session(env, model, options, &session), "session");
    return session;
}

static void *bind(float *elements)
{
    static const int64_t shape[] = {1, 16};
    void *(*create_memory)(int allocator, int kind, void **memory);
    void *(*create_tensor)(void *memory, void *elements, size_t bytes, const int64_t *shape,
                           size_t rank, int type, void **tensor);
    void *memory = NULL, *tensor = NULL;
    *(void **)&create_memory = table[CREATE_CPU_MEMORY];
    *(void **)&create_tensor = table[CREATE_TENSOR_WITH_DATA];
    check(create_memory(ARENA, 0, &memory), "memory");
    check(create_tensor(memory, elements, 16 * sizeof *elements, shape, 2, FLOAT, &tensor),
          "tensor");
    return tensor;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double measure(void *session, void *src, void **dst)
{
    static const char *const src_name = "data", *const dst_name = "relu";
    void *(*run)(void *session, const void *options, const char *const *src_names, void *const *src,
                 size_t src_count, const char *const *dst_names, size_t dst_count, void **dst);
    long count = 0;
    double seconds;
    *(void **)&run = table[RUN];
    const double begin = now();
    do {
        for (int i = 0; i < 100; i++)
            check(run(session, NULL, &src_name, &src, 1, &dst_name, 1, dst), "run");
        count += 100;
    } while ((seconds = now() - begin) < SECONDS);
    return seconds / (double)count * 1e9;
}

int main(int argc, char **argv)
{
    float src[16], dst[16] = {0};
    char line[64];
    const struct base *(*get_base)(void) = NULL;
    void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (library == NULL)
        return fprintf(stderr, "usage: %s LIBRARY MODEL: %s\n", argv[0], dlerror()), 2;
    *(void **)&get_base = dlsym(library, "OrtGetApiBase");
    if (get_base == NULL || (table = get_base()->get_table(TABLE_VERSION)) == NULL)
        return fprintf(stderr, "%s is not the library it should be\n", argv[1]), 1;
    for (int i = 0; i < 16; i++)
        src[i] = (float)(i - 8);
    void *session = open_session(argv[2]), *src_tensor = bind(src), *dst_tensor = bind(dst);
    measure(session, src_tensor, &dst_tensor); /* warm-up */
    for (int i = 0; i < 16; i++)
        if (dst[i] != (i > 8 ? (float)(i - 8) : 0))
            return fprintf(stderr, "the output is wrong\n"), 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("ready %s\n", get_base()->get_version());
    while (fgets(line, sizeof line, stdin) != NULL)
        printf("%.2f\n", measure(session, src_tensor, &dst_tensor));
    return 0;
}
