// SPDX-License-Identifier: Apache-2.0
/* Tensors in other files: where they may lie, and what attackers tried. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/onnx_files.h"
#include "support/unit.h"

static char directory[] = "/tmp/cop-onnx-XXXXXX";
static int directory_fd = -1;
static const float elements[4] = {1, 2, 3, 4};

static void make_file(const char *name, const void *bytes, size_t size)
{
    const int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    directory_fd = open(directory, O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(mkdirat(directory_fd, "sub", 0700), 0);
    make_file("w.bin", elements, sizeof elements);
    make_file("sub/w.bin", elements, sizeof elements);
    ck_assert_int_eq(symlinkat("w.bin", directory_fd, "link.bin"), 0);
    ck_assert_int_eq(symlinkat("/", directory_fd, "root"), 0);
    ck_assert_int_eq(mkfifoat(directory_fd, "fifo", 0600), 0);
}

static void tear_down(void)
{
    const char *const names[] = {"w.bin", "sub/w.bin", "link.bin", "root", "fifo"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlinkat(directory_fd, names[i], 0);
    unlinkat(directory_fd, "sub", AT_REMOVEDIR);
    close(directory_fd);
    rmdir(directory);
}

/* Two tensors of two floats; the second lies behind the first in the same file. */
static struct message external_model(const char *location, const char *offset, const char *length)
{
    struct message graph = {0}, node = onnx_node("Add", "add", "a b", "y");
    const char *const names[] = {"a", "b"};
    for (int i = 0; i < 2; i++) {
        struct message tensor = onnx_tensor(names[i], ONNX_FLOAT, DIMS(2));
        onnx_make_external(&tensor, i == 0 ? "w.bin" : location, i == 0 ? NULL : offset,
                           i == 0 ? NULL : length);
        onnx_add_external_entry(&tensor, "checksum", "0123");
        onnx_add_initializer(&graph, &tensor);
    }
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2));
    return onnx_model(&graph, 13);
}

static cop_status import_beneath(struct message model, int fd, struct graph **graph,
                                 cop_error *error)
{
    struct source *source;
    const cop_bytes bytes = {model.bytes, model.size, NULL, NULL};
    ck_assert_int_eq(cop_source_from_bytes(&bytes, "test.onnx", &source, error), COP_STATUS_OK);
    message_free(&model);
    const cop_status status = cop_onnx_import(source, fd, COP_FILE_ACCESS_READ, graph, error);
    cop_source_release(&source);
    return status;
}

static void expect_no(const char *location, const char *offset, const char *length,
                      cop_status expected, const char *text)
{
    cop_error error;
    struct graph *graph;
    const cop_status status =
        import_beneath(external_model(location, offset, length), directory_fd, &graph, &error);
    ck_assert_msg(status == expected && strstr(error.message, text) != NULL, "'%s': %s: %s",
                  location == NULL ? "" : location, cop_status_name(status), error.message);
    ck_assert_msg(strncmp(error.message, "test.onnx: ", 11) == 0, "%s", error.message);
    ck_assert_ptr_null(graph);
}

START_TEST(tensors_are_found_where_the_model_says)
{
    cop_error error;
    struct graph *graph;
    const char *const locations[] = {"w.bin", "sub/w.bin", "./w.bin", "sub/../w.bin"};
    for (int i = 0; i < 4; i++) {
        ck_assert_msg(import_beneath(external_model(locations[i], "8", "8"), directory_fd, &graph,
                                     &error) == COP_STATUS_OK,
                      "%s", error.message);
        const struct graph_constant *a = graph->values[0].constant, *b = graph->values[1].constant;
        ck_assert_mem_eq(cop_source_bytes(a->source) + a->offset, elements, 8);
        ck_assert_mem_eq(cop_source_bytes(b->source) + b->offset, elements + 2, 8);
        ck_assert(i != 0 || a->source == b->source); /* opened once */
        cop_graph_destroy(graph);
    }
}
END_TEST

START_TEST(nothing_outside_the_directory_is_opened)
{
    expect_no("../w.bin", NULL, NULL, COP_STATUS_IO, "tensor 'b': ../w.bin: refused");
    expect_no("sub/../../w.bin", NULL, NULL, COP_STATUS_IO, "refused");
    expect_no("/etc/passwd", NULL, NULL, COP_STATUS_IO, "refused");
    expect_no("link.bin", NULL, NULL, COP_STATUS_IO, "refused");
    expect_no("root/etc/passwd", NULL, NULL, COP_STATUS_IO, "refused");
    expect_no("sub", NULL, NULL, COP_STATUS_IO, "not a regular file");
    expect_no("fifo", NULL, NULL, COP_STATUS_IO, "not a regular file");
    expect_no("gone.bin", NULL, NULL, COP_STATUS_NOT_FOUND, "gone.bin");
    expect_no("", NULL, NULL, COP_STATUS_MALFORMED_MODEL, "without a location");
    expect_no(NULL, NULL, NULL, COP_STATUS_MALFORMED_MODEL, "without a location");
}
END_TEST

START_TEST(ranges_stay_inside_the_file)
{
    expect_no("w.bin", "9", NULL, COP_STATUS_MALFORMED_MODEL, "bytes 9+8 reach past the 16");
    expect_no("w.bin", "16", NULL, COP_STATUS_MALFORMED_MODEL, "reach past");
    expect_no("w.bin", "18446744073709551615", NULL, COP_STATUS_MALFORMED_MODEL, "reach past");
    expect_no("w.bin", "18446744073709551616", NULL, COP_STATUS_MALFORMED_MODEL, "is no number");
    expect_no("w.bin", "-8", NULL, COP_STATUS_MALFORMED_MODEL, "is no number");
    expect_no("w.bin", "", NULL, COP_STATUS_MALFORMED_MODEL, "is no number");
    expect_no("w.bin", "0x8", NULL, COP_STATUS_MALFORMED_MODEL, "is no number");
    expect_no("w.bin", "8", "4", COP_STATUS_MALFORMED_MODEL, "needs 8 bytes");
    expect_no("w.bin", "8", "9", COP_STATUS_MALFORMED_MODEL, "needs 8 bytes");
}
END_TEST

START_TEST(a_model_in_memory_has_no_other_files)
{
    cop_error error;
    struct graph *graph;
    ck_assert_int_eq(import_beneath(external_model("w.bin", "8", "8"), -1, &graph, &error),
                     COP_STATUS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "tensor 'a' lies in the file 'w.bin'"));
    ck_assert_ptr_null(graph);
}
END_TEST

START_TEST(without_memory_nothing_stays_open_or_allocated)
{
    const size_t live = cop_alloc_counters().live_bytes;
    struct message model = external_model("sub/w.bin", "8", "8");
    for (int64_t k = 0;; k++) {
        cop_error error;
        struct graph *graph = NULL;
        struct source *source = NULL;
        const cop_bytes bytes = {model.bytes, model.size, NULL, NULL};
        cop_alloc_fail_after(k, 0);
        cop_status status = cop_source_from_bytes(&bytes, "test.onnx", &source, &error);
        if (status == COP_STATUS_OK)
            status = cop_onnx_import(source, directory_fd, COP_FILE_ACCESS_READ, &graph, &error);
        cop_alloc_fail_after(-1, 0);
        cop_source_release(&source);
        cop_graph_destroy(graph);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, live);
        if (status == COP_STATUS_OK)
            break;
        ck_assert_int_eq(status, COP_STATUS_OUT_OF_MEMORY);
    }
    message_free(&model);
    const int next = dup(directory_fd); /* the lowest free one: no other was left open */
    ck_assert_int_eq(next, directory_fd + 1);
    close(next);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("onnx external");
    tcase_add_unchecked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, tensors_are_found_where_the_model_says);
    tcase_add_test(cases, nothing_outside_the_directory_is_opened);
    tcase_add_test(cases, ranges_stay_inside_the_file);
    tcase_add_test(cases, a_model_in_memory_has_no_other_files);
    tcase_add_test(cases, without_memory_nothing_stays_open_or_allocated);
    return run_case("onnx external", cases);
}
