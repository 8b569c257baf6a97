// SPDX-License-Identifier: Apache-2.0
/* Weights reordered in place while other threads read them (MXNet 15576), and a batch norm that
 * writes its gamma in the forward pass: inputs and the bytes of a model are never written. Here
 * they lie in pages that cannot be. */
#define _GNU_SOURCE
#include "known_failures/concurrency/crowd.h"

#include <sys/mman.h>

static void *copy_to_read_only_pages(const void *bytes, size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(pages != MAP_FAILED, "no pages");
    memcpy(pages, bytes, size);
    require(mprotect(pages, size, PROT_READ) == 0, "no protection");
    return pages;
}

static void give_pages_back(void *user, const void *pages)
{
    munmap((void *)pages, *(size_t *)user);
}

/* data [1,2,6,6] → convolution 3x3 (4) → batch norm with fix_gamma → relu. */
static cop_model *load_read_only(cop_bytes files[2])
{
    static const int64_t kernel_shape[] = {4, 2, 3, 3}, four[] = {4};
    struct model_writer *writer = model_writer_create(9);
    cop_bytes graph, weights;
    cop_model *model = NULL;
    int inputs[5] = {model_writer_input(writer, "data", "(1,2,6,6)"),
                     model_writer_weight(writer, 4, kernel_shape, 0, 0.5f)};
    inputs[0] = model_writer_node(writer, "Convolution",
                                  "\"kernel\":\"(3,3)\",\"num_filter\":\"4\",\"no_bias\":\"True\"",
                                  2, inputs);
    for (int i = 1; i < 5; i++)
        inputs[i] = model_writer_weight(writer, 1, four, 2, 0.5f); /* a gamma that is not 1 */
    inputs[0] = model_writer_node(writer, "BatchNorm", "\"fix_gamma\":\"True\"", 5, inputs);
    const int relu = model_writer_node(writer, "relu", NULL, 1, inputs);
    model_writer_finish(writer, 1, &relu, &graph, &weights);
    files[0] = (cop_bytes){copy_to_read_only_pages(graph.data, graph.size), graph.size,
                           give_pages_back, &files[0].size};
    files[1] = (cop_bytes){copy_to_read_only_pages(weights.data, weights.size), weights.size,
                           give_pages_back, &files[1].size};
    model_writer_destroy(writer);
    ck_assert_int_eq(
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &files[0], &files[1], NULL, &model, NULL),
        COP_STATUS_OK);
    return model;
}

static long compile_and_invoke(int number, void *shared)
{
    struct subject *subject = shared;
    long wrong = 0;
    for (int i = 0; i < 20; i++) {
        cop_cached_op *op = compile(subject->model, subject->device, 0, 0);
        wrong += !invoke_is_right(subject, op, (number + i) % SUBJECT_INPUTS);
        wrong += !async_is_right(subject, subject->op, (number + i) % SUBJECT_INPUTS);
        cop_cached_op_release(&op);
    }
    return wrong;
}

static void make_inputs_read_only(struct subject *subject)
{
    for (int i = 0; i < SUBJECT_INPUTS; i++) {
        cop_ndarray *old = subject->src[i];
        void *pages = copy_to_read_only_pages(cop_ndarray_data(old), cop_ndarray_bytes(old));
        ck_assert_int_eq(cop_ndarray_wrap(pages, cop_ndarray_dtype(old), cop_ndarray_rank(old),
                                          cop_ndarray_shape(old), NULL, &subject->src[i], NULL),
                         COP_STATUS_OK);
        cop_ndarray_release(&old);
    }
}

START_TEST(weights_in_read_only_pages_are_compiled_and_used_by_many_threads)
{
    static const cop_device_kind devices[] = {COP_DEVICE_REF, COP_DEVICE_CPU};
    for (int i = 0; i < 2; i++) {
        cop_bytes files[2];
        struct subject subject;
        subject_begin(&subject, load_read_only(files), devices[i]);
        make_inputs_read_only(&subject);
        ck_assert_int_eq(run_crowd(8, compile_and_invoke, &subject), 0);
        subject_end(&subject);
    }
}
END_TEST

START_TEST(inputs_in_read_only_pages_are_enough_for_every_small_network)
{
    for (int i = 0; i < 2 * SMALL_NETWORKS; i++) {
        struct subject subject;
        subject_begin(&subject, small_network(i / 2), i % 2 ? COP_DEVICE_REF : COP_DEVICE_CPU);
        make_inputs_read_only(&subject);
        ck_assert_int_eq(run_crowd(4, compile_and_invoke, &subject), 0);
        subject_end(&subject);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("shared parameters written",
                     weights_in_read_only_pages_are_compiled_and_used_by_many_threads,
                     inputs_in_read_only_pages_are_enough_for_every_small_network);
}
