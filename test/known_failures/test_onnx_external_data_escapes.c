// SPDX-License-Identifier: Apache-2.0
/*
 * ONNX tensors in other files, and how models got at files that are not theirs (CVE-2022-25882,
 * CVE-2024-27318, CVE-2024-27319, CVE-2026-27489, CVE-2026-34445): `..`, alone and after
 * directories that exist, links, other things than files, files exchanged between a check and the
 * opening, and sums of offset and length that are negative or overflow. A directory is built as it
 * would be unpacked, with a secret beside it; a load gives the model's own elements or an error,
 * never the secret.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "support/onnx_writer.h"
#include "support/unit.h"

static char root[] = "/tmp/cop-escape-XXXXXX"; /* secret.bin, model/ */
static char model_path[sizeof root + 32];

static const float own[4] = {1, 2, 3, 4}, secret[4] = {-1, -2, -3, -4};

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void make_file(const char *name, const void *bytes, size_t size)
{
    const int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(model_path, sizeof model_path, "%s/model/x.onnx", root);
    ck_assert_int_eq(mkdir(path_of("model"), 0700), 0);
    ck_assert_int_eq(mkdir(path_of("model/sub"), 0700), 0);
    ck_assert_int_eq(mkdir(path_of("model/sub/deep"), 0700), 0);
    make_file("secret.bin", secret, sizeof secret);
    make_file("model/own.bin", own, sizeof own);
    make_file("model/sub/own.bin", own, sizeof own);
}

static void remove_all(void)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

/* A model whose output is x [4] plus the four floats that lie at `location`. */
static void write_model(const char *location, const char *offset, const char *length)
{
    struct message graph = {0}, node = onnx_node("Add", "add", "x w", "y");
    struct message tensor = onnx_tensor("w", ONNX_FLOAT, DIMS(4));
    onnx_make_external(&tensor, location, offset, length);
    onnx_add_initializer(&graph, &tensor);
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(4));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(4));
    struct message model = onnx_model(&graph, 13);
    make_file("model/x.onnx", model.bytes, model.size);
    message_free(&model);
}

/* Loads, compiles and runs on zeros: the elements that were read. Checks nothing: any thread may.
 */
static cop_status read_weights(float *elements, cop_file_access access, cop_error *error)
{
    cop_model_options model_options = COP_MODEL_OPTIONS_INIT;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_model *model = NULL;
    cop_cached_op *op = NULL;
    cop_ndarray *src = NULL, *dst = NULL;
    float zeros[4] = {0};
    model_options.file_access = access;
    options.device.kind = COP_DEVICE_REF;
    cop_status status = cop_model_load(model_path, &model_options, &model, error);
    if (status == COP_STATUS_OK)
        status = cop_cached_op_create(model, &options, &op, error);
    if (status == COP_STATUS_OK)
        status = cop_ndarray_wrap(zeros, COP_DTYPE_FLOAT32, 1, (int64_t[]){4}, NULL, &src, error);
    if (status == COP_STATUS_OK)
        status = cop_invoke(op, 1, &src, 1, &dst, NULL, error);
    if (status == COP_STATUS_OK)
        memcpy(elements, cop_ndarray_data(dst), 4 * sizeof *elements);
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    cop_cached_op_release(&op);
    cop_model_release(&model);
    return status;
}

static void expect_own(const char *location)
{
    float elements[4] = {0};
    cop_error error = {COP_STATUS_OK, ""};
    write_model(location, NULL, NULL);
    ck_assert_msg(read_weights(elements, COP_FILE_ACCESS_READ, &error) == COP_STATUS_OK, "%s: %s",
                  location, error.message);
    ck_assert_mem_eq(elements, own, sizeof own);
}

/* With a status, words that name the tensor, and no elements; read and mapped. */
static void expect_refused(const char *location, const char *offset, const char *length)
{
    write_model(location, offset, length);
    for (int i = 0; i < 2; i++) {
        float elements[4] = {0};
        cop_error error = {COP_STATUS_OK, ""};
        const cop_status status =
            read_weights(elements, i == 0 ? COP_FILE_ACCESS_READ : COP_FILE_ACCESS_MAP, &error);
        ck_assert_msg(status == COP_STATUS_IO || status == COP_STATUS_NOT_FOUND ||
                          status == COP_STATUS_MALFORMED_MODEL,
                      "'%s' %s %s: %s: %s", location, offset == NULL ? "" : offset,
                      length == NULL ? "" : length, cop_status_name(status), error.message);
        ck_assert_msg(strstr(error.message, "tensor 'w'") != NULL, "%s", error.message);
        ck_assert_float_eq(elements[0], 0);
    }
}

START_TEST(files_of_the_model_are_read)
{
    expect_own("own.bin");
    expect_own("sub/own.bin");
    expect_own("./sub/../own.bin");
}
END_TEST

START_TEST(nothing_above_the_directory_cve_2022_25882)
{
    expect_refused("../secret.bin", NULL, NULL);
    expect_refused("..", NULL, NULL);
    expect_refused("./../secret.bin", NULL, NULL);
    expect_refused("/etc/passwd", NULL, NULL);
    expect_refused(path_of("secret.bin"), NULL, NULL);
    expect_refused("/proc/self/environ", NULL, NULL);
}
END_TEST

START_TEST(nothing_above_it_through_directories_below_cve_2024_27318)
{
    expect_refused("sub/../../secret.bin", NULL, NULL);
    expect_refused("sub/deep/../../../secret.bin", NULL, NULL);
    expect_refused("sub//deep//..//..//..//secret.bin", NULL, NULL);
    expect_refused("sub/./../.././secret.bin", NULL, NULL);
    expect_refused("gone/../../secret.bin", NULL, NULL);
    expect_refused("../model/own.bin", NULL, NULL); /* back inside is outside, too */
}
END_TEST

START_TEST(sums_that_overflow_or_are_negative)
{
    expect_refused("own.bin", "1", NULL);
    expect_refused("own.bin", "-16", NULL);
    expect_refused("own.bin", "18446744073709551600", NULL); /* + 16 is 0 */
    expect_refused("own.bin", "18446744073709551615", NULL);
    expect_refused("own.bin", "18446744073709551616", NULL);
    expect_refused("own.bin", "9223372036854775800", NULL);
    expect_refused("own.bin", "99999999999999999999999999999999999999999", NULL);
    expect_refused("own.bin", "0", "17");
    expect_refused("own.bin", "0", "15");
    expect_refused("own.bin", "0", "-1");
    expect_refused("own.bin", "0", "18446744073709551615");
    expect_refused("own.bin", "8", "16");
    expect_refused("own.bin", "0x0", NULL);
    expect_refused("own.bin", " 0", NULL);
    expect_refused("own.bin", "0 ", NULL);
    expect_refused("own.bin", "1e0", NULL);
}
END_TEST

START_TEST(symbolic_links_are_not_followed)
{
    ck_assert_int_eq(symlink("../secret.bin", path_of("model/file")), 0);
    ck_assert_int_eq(symlink("..", path_of("model/above")), 0);
    ck_assert_int_eq(symlink("/", path_of("model/top")), 0);
    ck_assert_int_eq(symlink("own.bin", path_of("model/inside")), 0);
    ck_assert_int_eq(symlink("loop", path_of("model/loop")), 0);
    ck_assert_int_eq(symlink("/proc/self/fd/0", path_of("model/magic")), 0);
    expect_refused("file", NULL, NULL);
    expect_refused("above/secret.bin", NULL, NULL);
    expect_refused("top/etc/passwd", NULL, NULL);
    expect_refused("inside", NULL, NULL);
    expect_refused("loop", NULL, NULL);
    expect_refused("magic", NULL, NULL);
}
END_TEST

START_TEST(hard_links_are_not_read)
{
    char from[512];
    snprintf(from, sizeof from, "%s", path_of("secret.bin"));
    ck_assert_int_eq(link(from, path_of("model/hard.bin")), 0);
    expect_refused("hard.bin", NULL, NULL);
    ck_assert_int_eq(unlink(from), 0); /* the only name left is the model's */
    float elements[4];
    cop_error error = {COP_STATUS_OK, ""};
    ck_assert_msg(read_weights(elements, COP_FILE_ACCESS_READ, &error) == COP_STATUS_OK, "%s",
                  error.message);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_without_waiting)
{
    ck_assert_int_eq(mkfifo(path_of("model/fifo"), 0600), 0);
    expect_refused("fifo", NULL, NULL); /* nobody writes: it would wait for ever */
    expect_refused("sub", NULL, NULL);
    expect_refused(".", NULL, NULL);
    expect_refused("own.bin/", NULL, NULL);
    expect_refused("own.bin/.", NULL, NULL);
    expect_refused("gone.bin", NULL, NULL);
    expect_refused("", NULL, NULL);
    expect_refused(NULL, NULL, NULL);
    if (mknod(path_of("model/zero"), S_IFCHR | 0600, makedev(1, 5)) == 0) /* as root only */
        expect_refused("zero", NULL, NULL);
    make_file("model/empty.bin", "", 0);
    expect_refused("empty.bin", NULL, NULL);
    char *name = calloc(1, 5001);
    memset(name, 'a', 5000);
    expect_refused(name, NULL, NULL);
    free(name);
}
END_TEST

START_TEST(a_model_in_memory_has_no_files)
{
    write_model("own.bin", NULL, NULL);
    unsigned char bytes[4096];
    const int fd = open(model_path, O_RDONLY);
    const ssize_t size = read(fd, bytes, sizeof bytes);
    close(fd);
    const cop_bytes given = {.data = bytes, .size = (size_t)size};
    cop_model *model = NULL;
    cop_error error = {COP_STATUS_OK, ""};
    ck_assert_int_eq(chdir(path_of("model")), 0);
    ck_assert_int_eq(
        cop_model_load_bytes(COP_MODEL_FORMAT_ONNX, &given, NULL, NULL, &model, &error),
        COP_STATUS_UNSUPPORTED);
    ck_assert_ptr_null(model);
}
END_TEST

/* Exchanges a file, and then a directory, for a link to the secret and back, as fast as it can. */
static void *exchange(void *stop)
{
    char file[64], link_name[64], kept[64], directory[64], moved[64];
    snprintf(file, sizeof file, "%s/model/own.bin", root);
    snprintf(link_name, sizeof link_name, "%s/model/link", root);
    snprintf(kept, sizeof kept, "%s/model/kept", root);
    snprintf(directory, sizeof directory, "%s/model/sub", root);
    snprintf(moved, sizeof moved, "%s/model/moved", root);
    while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
        int failed = symlink("../secret.bin", link_name) | rename(file, kept) |
                     rename(link_name, file) | rename(kept, file);
        failed |= rename(directory, moved) | symlink("..", directory) | unlink(directory) |
                  rename(moved, directory);
        if (failed != 0)
            break;
    }
    return NULL;
}

START_TEST(files_exchanged_while_they_are_opened)
{
    static const char *const locations[] = {"own.bin", "sub/secret.bin"};
    int stop = 0, read_count = 0, secret_count = 0, other_count = 0;
    pthread_t thread;
    make_file("model/sub/secret.bin", own, sizeof own);
    ck_assert_int_eq(pthread_create(&thread, NULL, exchange, &stop), 0);
    for (int i = 0; i < 4000; i++) {
        float elements[4] = {0};
        cop_error error = {COP_STATUS_OK, ""};
        if (i % 2000 == 0)
            write_model(locations[i / 2000], NULL, NULL);
        const cop_status status =
            read_weights(elements, i % 2 ? COP_FILE_ACCESS_READ : COP_FILE_ACCESS_MAP, &error);
        read_count += status == COP_STATUS_OK;
        secret_count += status == COP_STATUS_OK && memcmp(elements, own, sizeof own) != 0;
        other_count +=
            status != COP_STATUS_OK && status != COP_STATUS_IO && status != COP_STATUS_NOT_FOUND;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    printf("%d of 4000 loads read the model's file\n", read_count);
    ck_assert_int_eq(secret_count, 0);
    ck_assert_int_eq(other_count, 0);
    ck_assert_int_gt(read_count, 0);
}
END_TEST

START_TEST(a_file_that_changed_since_is_an_error_and_no_mixture)
{
    float zeros[4] = {0};
    cop_error error = {COP_STATUS_OK, ""};
    cop_model *model = NULL;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *first = NULL, *op = NULL;
    cop_ndarray *src = NULL, *dst = NULL;
    options.device.kind = COP_DEVICE_REF;
    write_model("own.bin", NULL, NULL);
    ck_assert_int_eq(cop_model_load(model_path, NULL, &model, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_cached_op_create(model, &options, &first, &error), COP_STATUS_OK);
    cop_cached_op_release(&first);
    make_file("model/own.bin", secret, sizeof secret);
    const cop_status status = cop_cached_op_create(model, &options, &op, &error);
    if (status == COP_STATUS_OK) { /* what was read privately is still there */
        ck_assert_int_eq(
            cop_ndarray_wrap(zeros, COP_DTYPE_FLOAT32, 1, (int64_t[]){4}, NULL, &src, &error),
            COP_STATUS_OK);
        ck_assert_int_eq(cop_invoke(op, 1, &src, 1, &dst, NULL, &error), COP_STATUS_OK);
        ck_assert_mem_eq(cop_ndarray_data(dst), own, sizeof own);
    } else {
        ck_assert_int_eq(status, COP_STATUS_IO);
    }
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("external data escapes", set_up, remove_all, files_of_the_model_are_read,
                          nothing_above_the_directory_cve_2022_25882,
                          nothing_above_it_through_directories_below_cve_2024_27318,
                          sums_that_overflow_or_are_negative, symbolic_links_are_not_followed,
                          hard_links_are_not_read,
                          what_is_no_regular_file_is_refused_without_waiting,
                          a_model_in_memory_has_no_files, files_exchanged_while_they_are_opened,
                          a_file_that_changed_since_is_an_error_and_no_mixture);
}
