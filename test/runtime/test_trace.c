// SPDX-License-Identifier: Apache-2.0
/* Traces that are written while others record into them. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/tiny_models.h"
#include "support/unit.h"

#define THREADS 4
#define INVOKES 2500 /* of each; together several chunks of events */
#define WRITES  10

static const int64_t shape[] = {1, 16};
static cop_cached_op *op;
static cop_trace *trace;
static _Atomic int running;

/* NULL: something failed. */
static void *record(void *argument)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *src = random_array(2, shape, 1), *dst = NULL;
    void *verdict = argument;
    options.trace = trace;
    for (int i = 0; i < INVOKES; i++)
        if (cop_invoke(op, 1, &src, 1, &dst, &options, NULL) != COP_STATUS_OK)
            verdict = NULL;
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    atomic_fetch_sub(&running, 1);
    return verdict;
}

/* How many events a file has that is whole; SIZE_MAX: it is not. */
static size_t count_events(const char *path)
{
    static char content[8 << 20];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return SIZE_MAX;
    const size_t size = fread(content, 1, sizeof content - 1, file);
    fclose(file);
    content[size] = '\0';
    size_t events = 0;
    for (size_t i = 0; i < size; i++) /* each event is a line */
        events += content[i] == '\n' && strncmp(content + i + 1, "{\"ph\":\"X\"", 9) == 0;
    return size > 4 && strcmp(content + size - 4, "\n]}\n") == 0 ? events : SIZE_MAX;
}

START_TEST(a_trace_is_written_whole_while_others_record)
{
    char path[] = "/tmp/cop-trace-XXXXXX";
    close(mkstemp(path));
    cop_model *model = tiny_relu();
    op = compile_on(model, COP_DEVICE_REF);
    ck_assert_int_eq(cop_trace_create(0, &trace, NULL), COP_STATUS_OK);
    pthread_t threads[THREADS];
    atomic_store(&running, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, record, &running);
    size_t before = 0;
    for (int i = 0; i < WRITES || atomic_load(&running) > 0; i++) {
        ck_assert_int_eq(cop_trace_write(trace, path, NULL), COP_STATUS_OK);
        const size_t events = count_events(path);
        ck_assert_msg(events != SIZE_MAX && events >= before, "%zu events after %zu", events,
                      before);
        before = events;
    }
    for (int i = 0; i < THREADS; i++) {
        void *verdict = NULL;
        pthread_join(threads[i], &verdict);
        ck_assert_ptr_nonnull(verdict);
    }
    ck_assert_int_eq(cop_trace_write(trace, path, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(count_events(path), THREADS * INVOKES);
    unlink(path);
    cop_trace_release(&trace);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS("trace", a_trace_is_written_whole_while_others_record);
}
