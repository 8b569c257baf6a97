// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "base/alloc.h"
#include "plan/plan.h"
#include "support/random_graph.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct compiled {
    struct plan *plan;
    struct weight_set *weights;
    size_t added_bytes;
    cop_status status;
};

static struct compiled compile_kept(const struct graph *graph, struct weight_store *store,
                                    cop_device_kind kind, bool keep_graph)
{
    struct compiled made = {0};
    const struct plan_request request = {.graph = graph,
                                         .store = store,
                                         .device = {kind, 0},
                                         .intra_op_threads = 1,
                                         .keep_graph = keep_graph};
    made.status = cop_plan_create(&request, &made.plan, &made.weights, &made.added_bytes, NULL);
    return made;
}

static struct compiled compile(const struct graph *graph, struct weight_store *store,
                               cop_device_kind kind)
{
    return compile_kept(graph, store, kind, false);
}

static void free_compiled(struct compiled *compiled)
{
    cop_plan_release(&compiled->plan);
    cop_weight_set_release(&compiled->weights);
}

/* OpenMP and what oneDNN makes at run time are unknown to ThreadSanitizer. */
#if defined(__SANITIZE_THREAD__)
#define FAST_DEVICE COP_DEVICE_REF
#else
#define FAST_DEVICE COP_DEVICE_CPU
#endif

static struct weight_store *make_store(void)
{
    struct weight_store *store;
    ck_assert_int_eq(cop_weight_store_create(&store, NULL), COP_STATUS_OK);
    return store;
}

enum { THREADS = 8 };

struct job {
    const struct graph *graph;
    struct weight_store *store;
    struct compiled result;
};

static void *compile_job(void *argument)
{
    struct job *job = argument;
    job->result = compile(job->graph, job->store, COP_DEVICE_REF);
    return NULL;
}

START_TEST(threads_that_compile_one_model_make_each_weight_once)
{
    for (uint32_t round = 0; round < 20; round++) {
        struct graph_maker maker = make_random_network(round, 30);
        struct weight_store *store = make_store();
        pthread_t threads[THREADS];
        struct job jobs[THREADS];
        for (int i = 0; i < THREADS; i++) {
            jobs[i] = (struct job){maker.graph, store, {0}};
            ck_assert_int_eq(pthread_create(&threads[i], NULL, compile_job, &jobs[i]), 0);
        }
        size_t added = 0;
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            ck_assert_int_eq(jobs[i].result.status, COP_STATUS_OK);
            added += jobs[i].result.added_bytes;
        }
        const struct weight_set *first = jobs[0].result.weights;
        ck_assert_uint_eq(added, first->bytes);
        for (int i = 1; i < THREADS; i++)
            for (int j = 0; j < first->count; j++)
                ck_assert_ptr_eq(jobs[i].result.weights->addresses[j], first->addresses[j]);
        for (int i = 0; i < THREADS; i++)
            free_compiled(&jobs[i].result);
        cop_weight_store_release(&store);
        free_maker(&maker);
    }
}
END_TEST

static void *compile_and_release(void *argument)
{
    struct job *job = argument;
    for (int i = 0; i < 50; i++) {
        struct compiled compiled = compile(job->graph, job->store, COP_DEVICE_REF);
        if (compiled.status != COP_STATUS_OK)
            job->result.status = compiled.status;
        free_compiled(&compiled);
    }
    return NULL;
}

START_TEST(weights_come_and_go_while_others_look_for_them)
{
    struct graph_maker maker = make_random_network(5, 6);
    struct weight_store *store = make_store();
    pthread_t threads[THREADS];
    struct job jobs[THREADS];
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){maker.graph, store, {0}};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, compile_and_release, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(jobs[i].result.status, COP_STATUS_OK);
    }
    struct compiled again = compile(maker.graph, store, COP_DEVICE_REF);
    ck_assert_uint_eq(again.added_bytes, again.weights->bytes);
    free_compiled(&again);
    cop_weight_store_release(&store);
    free_maker(&maker);
}
END_TEST

/* One convolution whose weights, many pages of them, lie in a file. */
struct file_model {
    char path[64];
    struct source *source;
    struct graph_maker maker;
};

enum {
    CHANNELS = 256,
    WEIGHT_BYTES = CHANNELS * CHANNELS * 9 * (int)sizeof(float),
    HEAD_BYTES = 6
};

static struct file_model make_file_model(cop_file_access access)
{
    struct file_model model = {.path = "/tmp/cachedop_weights_XXXXXX", .maker = make_graph(9)};
    const int fd = mkstemp(model.path);
    float *weights = malloc(WEIGHT_BYTES);
    for (int i = 0; i < WEIGHT_BYTES / 4; i++)
        weights[i] = (float)(i % 113) / 1000;
    ck_assert_int_eq(write(fd, "header", HEAD_BYTES), HEAD_BYTES); /* misaligned on purpose */
    ck_assert_int_eq(write(fd, weights, WEIGHT_BYTES), WEIGHT_BYTES);
    close(fd), free(weights);
    ck_assert_int_eq(cop_source_open(model.path, access, &model.source, NULL), COP_STATUS_OK);
    const struct shape shape = cop_shape_of(4, (const int64_t[]){CHANNELS, CHANNELS, 3, 3});
    const int x = add_input(&model.maker, "x", 4, (const int64_t[]){1, CHANNELS, 5, 5});
    const int w = cop_graph_add_constant(model.maker.graph, "w", COP_DTYPE_FLOAT32, &shape,
                                         model.source, HEAD_BYTES, NULL);
    ck_assert_int_ge(w, 0);
    add_output(&model.maker, add_op(&model.maker, OP_CONVOLUTION, NULL, 2, (const int[]){x, w}),
               "y");
    return model;
}

static void free_file_model(struct file_model *model)
{
    free_maker(&model->maker);
    cop_source_release(&model->source);
    unlink(model->path);
}

static int resident_pages(const struct file_model *model)
{
    static unsigned char pages[4096];
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = (uintptr_t)cop_source_bytes(model->source) & ~(page - 1);
    const size_t size = cop_source_size(model->source);
    int count = 0;
    ck_assert_int_eq(mincore((void *)begin, size, pages), 0);
    for (size_t i = 0; i < (size + page - 1) / page; i++)
        count += pages[i] & 1;
    return count;
}

START_TEST(raw_weights_are_dropped_once_packed_and_read_again_when_needed)
{
    struct file_model model = make_file_model(COP_FILE_ACCESS_READ);
    struct weight_store *store = make_store(), *other = make_store();
    ck_assert_int_gt(resident_pages(&model), WEIGHT_BYTES / 4096);
    struct compiled first = compile(model.maker.graph, store, COP_DEVICE_REF);
    ck_assert_int_eq(first.status, COP_STATUS_OK);
    ck_assert_int_le(resident_pages(&model), 2);
    struct compiled second = compile(model.maker.graph, other, COP_DEVICE_REF);
    ck_assert_int_eq(second.status, COP_STATUS_OK);
    ck_assert_mem_eq(first.weights->addresses[0], second.weights->addresses[0], WEIGHT_BYTES);
    free_compiled(&first), free_compiled(&second);
    cop_weight_store_release(&store), cop_weight_store_release(&other);
    free_file_model(&model);
}
END_TEST

START_TEST(a_file_that_changed_meanwhile_is_an_error_only_for_who_needs_it)
{
    struct file_model model = make_file_model(COP_FILE_ACCESS_READ);
    struct weight_store *store = make_store(), *other = make_store();
    struct compiled first = compile(model.maker.graph, store, COP_DEVICE_REF);
    ck_assert_int_eq(truncate(model.path, 100), 0);
    struct compiled shared = compile(model.maker.graph, store, COP_DEVICE_REF);
    ck_assert_int_eq(shared.status, COP_STATUS_OK);
    struct compiled failed = compile(model.maker.graph, other, COP_DEVICE_REF);
    ck_assert_int_eq(failed.status, COP_STATUS_IO);
    ck_assert_ptr_null(failed.plan);
    ck_assert_ptr_null(failed.weights);
    free_compiled(&first), free_compiled(&shared);
    cop_weight_store_release(&store), cop_weight_store_release(&other);
    free_file_model(&model);
}
END_TEST

START_TEST(every_device_computes_what_the_nodes_say)
{
    for (uint32_t seed = 0; seed < 150; seed++) {
        struct graph_maker maker = make_random_network(seed, 2 + (int)seed % 40);
        struct weight_store *store = make_store();
        struct compiled compiled = compile_kept(maker.graph, store, FAST_DEVICE, seed % 3 == 0);
        ck_assert_int_eq(compiled.status, COP_STATUS_OK);
        infer(maker.graph);
        float **srcs = make_inputs(maker.graph, 5), **expected = make_outputs(maker.graph);
        float **got = make_outputs(maker.graph);
        run_oracle(maker.graph, srcs, expected);
        run_plan(compiled.plan, compiled.weights, srcs, got);
        ck_assert_msg(outputs_agree(maker.graph, expected, got, 1e-4), "seed %u", seed);
        free_elements(srcs, maker.graph->input_count);
        free_elements(expected, maker.graph->output_count);
        free_elements(got, maker.graph->output_count);
        free_compiled(&compiled);
        cop_weight_store_release(&store);
        free_maker(&maker);
    }
}
END_TEST

/* What is in the same layout is the same memory, and only what is new is counted as added. */
static void check_sharing(const struct compiled *compiled, int last)
{
    const struct compiled *now = &compiled[last];
    size_t added = 0;
    for (int i = 0; i < now->weights->count; i++) {
        const struct weight_key *key = &now->plan->weight_keys[i];
        bool is_new = true;
        for (int j = 0; j < last; j++) {
            for (int k = 0; k < compiled[j].weights->count; k++) {
                const struct weight_key *old = &compiled[j].plan->weight_keys[k];
                if (!cop_hash_equal(key->identity, old->identity) ||
                    !cop_layout_equal(key->layout, old->layout))
                    continue;
                ck_assert_ptr_eq(now->weights->addresses[i], compiled[j].weights->addresses[k]);
                is_new = false;
            }
        }
        if (is_new && key->layout != NULL)
            added += key->layout->bytes;
    }
    ck_assert_uint_eq(now->added_bytes, added);
}

START_TEST(another_image_size_uses_the_packed_weights)
{
    struct graph_maker maker = make_graph(2);
    int y = add_input(&maker, "x", 4, (const int64_t[]){1, 64, -1, -1});
    for (int i = 0; i < 4; i++)
        y = add_unary(&maker, UNARY_RELU, 0, 0, add_conv(&maker, y, 64, 64, 3, 1, true));
    add_output(&maker, y, "y");
    struct weight_store *store = make_store();
    struct compiled compiled[3];
    const int64_t sizes[] = {14, 14, 9};
    for (int i = 0; i < 3; i++) {
        const cop_input_shape shape = {"x", 4, {1, 64, sizes[i], sizes[i]}};
        const struct plan_request request = {
            .graph = maker.graph,
            .store = store,
            .device = {FAST_DEVICE, 0},
            .bindings = {.shapes = &shape, .shape_count = 1},
            .intra_op_threads = 1,
        };
        ck_assert_int_eq(cop_plan_create(&request, &compiled[i].plan, &compiled[i].weights,
                                         &compiled[i].added_bytes, NULL),
                         COP_STATUS_OK);
        ck_assert(i != 1 || compiled[i].added_bytes == 0);
        check_sharing(compiled, i);
    }
    for (int i = 0; i < 3; i++)
        free_compiled(&compiled[i]);
    cop_weight_store_release(&store);
    free_maker(&maker);
}
END_TEST

int main(void)
{
    return RUN_TESTS("weight_store", threads_that_compile_one_model_make_each_weight_once,
                     weights_come_and_go_while_others_look_for_them,
                     raw_weights_are_dropped_once_packed_and_read_again_when_needed,
                     a_file_that_changed_meanwhile_is_an_error_only_for_who_needs_it,
                     every_device_computes_what_the_nodes_say,
                     another_image_size_uses_the_packed_weights);
}
