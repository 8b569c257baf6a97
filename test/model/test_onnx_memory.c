// SPDX-License-Identifier: Apache-2.0
/*
 * What hostile ONNX files may cost: at most 64 MB + 4 × the size of the file, whether they are
 * taken or refused. Each is loaded from a file by a process of its own, whose peak is measured.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/onnx_files.h"
#include "support/unit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1 /* shadow memory would be counted */
#else
#define IS_SANITIZED 0
#endif

#define MEGABYTE ((size_t)1 << 20)
#define MILLION  1000000

/* Writes a model around the graph, which is freed; the size. */
static size_t write_model(int fd, struct message *graph)
{
    struct message model = onnx_model(graph, 13);
    const size_t size = model.size;
    for (size_t done = 0; done < size;) {
        const ssize_t count = write(fd, model.bytes + done, size - done);
        ck_assert_int_gt(count, 0);
        done += (size_t)count;
    }
    message_free(&model);
    return size;
}

static int load(const char *path)
{
    const cop_model_options options = {.struct_size = sizeof options,
                                       .format = COP_MODEL_FORMAT_ONNX};
    cop_model *model = NULL;
    cop_error error = {COP_STATUS_OK, ""};
    const cop_status status = cop_model_load(path, &options, &model, &error);
    fprintf(stderr, "%s\n", error.message);
    cop_model_release(&model);
    return (int)status;
}

/* Loads a model around the graph, which is freed. */
static void load_and_measure(struct message *graph, cop_status expected)
{
    char path[] = "onnx_memory_XXXXXX";
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    const size_t size = write_model(fd, graph);
    close(fd);
    const pid_t child = fork();
    if (child == 0)
        _exit(load(path));
    int status = -1;
    struct rusage usage;
    ck_assert_int_eq(wait4(child, &status, 0, &usage), child);
    unlink(path);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == (int)expected, "ended with %x",
                  (unsigned)status);
    const size_t peak = (size_t)usage.ru_maxrss * 1024, most = 64 * MEGABYTE + 4 * size;
    printf("%s: %zu bytes of file, peak %zu MB of %zu\n", cop_status_name(expected), size,
           peak / MEGABYTE, most / MEGABYTE);
    if (!IS_SANITIZED)
        ck_assert_uint_le(peak, most);
}

/* A chain of Identity, its values called `prefix` and a number. */
static struct message chain(const char *prefix, int count)
{
    struct message graph = {0};
    char src[80], dst[80];
    snprintf(dst, sizeof dst, "%s%x", prefix, 0U);
    onnx_add_input(&graph, dst, ONNX_FLOAT, DIMS(2));
    for (int i = 1; i <= count; i++) {
        memcpy(src, dst, sizeof src);
        snprintf(dst, sizeof dst, "%s%x", prefix, (unsigned)i);
        struct message node = onnx_node("Identity", "", src, dst);
        onnx_add_node(&graph, &node);
    }
    onnx_add_output(&graph, dst, ONNX_FLOAT, DIMS(2));
    return graph;
}

START_TEST(a_million_nodes_with_names_as_exporters_write_them)
{
    struct message graph = chain("/model/layers.0/attention/output/Identity_", MILLION);
    load_and_measure(&graph, COP_STATUS_OK);
}
END_TEST

START_TEST(a_million_nodes_with_the_shortest_names)
{
    struct message graph = chain("", MILLION);
    load_and_measure(&graph, COP_STATUS_UNSUPPORTED);
}
END_TEST

START_TEST(a_hundred_thousand_nodes_with_the_shortest_names)
{
    struct message graph = chain("", MILLION / 10);
    load_and_measure(&graph, COP_STATUS_OK);
}
END_TEST

/* Initializers of one byte, or of one integer in a list, which is decoded. */
static struct message initializers(int count, int is_listed)
{
    struct message graph = chain("x", 1);
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%x", (unsigned)i);
        struct message tensor = onnx_tensor(name, is_listed ? ONNX_INT64 : 2, 0, NULL);
        if (is_listed)
            write_int(&tensor, 7, 1);
        else
            write_bytes(&tensor, 9, "\1", 1);
        onnx_add_initializer(&graph, &tensor);
    }
    return graph;
}

START_TEST(a_million_initializers_of_one_byte)
{
    struct message graph = initializers(MILLION, 0);
    load_and_measure(&graph, COP_STATUS_UNSUPPORTED);
}
END_TEST

START_TEST(a_million_initializers_that_are_decoded)
{
    struct message graph = initializers(MILLION, 1);
    load_and_measure(&graph, COP_STATUS_UNSUPPORTED);
}
END_TEST

/* Nodes with as many inputs or outputs as are allowed, two or three bytes each. */
static struct message wide_nodes(const char *op, int field, int node_count)
{
    struct message graph = chain("x", 1), wide = {0};
    for (int i = 1; i < 65536; i++)
        write_text(&wide, field, field == 1 ? "x0" : "");
    for (int i = 0; i < node_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "y%d", i);
        struct message node = onnx_node(op, "", "x0", field == 1 ? name : "-");
        write_raw(&node, wide.bytes, wide.size - (field == 2 ? 2 : 0));
        if (field == 2)
            write_text(&node, 2, name);
        if (field == 1)
            onnx_attribute_int(&node, "axis", 0);
        onnx_add_node(&graph, &node);
    }
    message_free(&wide);
    return graph;
}

START_TEST(splits_whose_results_nobody_wants)
{
    struct message few = wide_nodes("Split", 2, 2), many = wide_nodes("Split", 2, 60);
    load_and_measure(&few, COP_STATUS_OK);
    load_and_measure(&many, COP_STATUS_UNSUPPORTED);
}
END_TEST

START_TEST(concats_of_many_inputs)
{
    struct message graph = wide_nodes("Concat", 1, 20);
    load_and_measure(&graph, COP_STATUS_OK);
}
END_TEST

int main(void)
{
    (void)mallopt(M_PERTURB, 0); /* which test runners set: it touches what nobody uses */
    return RUN_TESTS("onnx memory", a_million_nodes_with_names_as_exporters_write_them,
                     a_million_nodes_with_the_shortest_names,
                     a_hundred_thousand_nodes_with_the_shortest_names,
                     a_million_initializers_of_one_byte, a_million_initializers_that_are_decoded,
                     splits_whose_results_nobody_wants, concats_of_many_inputs);
}
