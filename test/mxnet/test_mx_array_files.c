// SPDX-License-Identifier: Apache-2.0
/* Lists of arrays: what MXNet reads and writes, to the byte; old formats; damaged files. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mxnet/mx_arrays.h"
#include "support/byte_writer.h"

/* `arg:w` = float32 (2, 3) and `aux:m` = int8 (2), as MXNet 1.9.1 writes them. */
static const unsigned char example[156] = {
    0x12, 1, 0,    0,    0, 0, 0,    0,    0,    0,    0,    0,    0,   0,   0,    0,
    2,    0, 0,    0,    0, 0, 0,    0,    0xc9, 0xfa, 0x93, 0xf9, 0,   0,   0,    0,
    2,    0, 0,    0,    2, 0, 0,    0,    0,    0,    0,    0,    3,   0,   0,    0,
    0,    0, 0,    0,    1, 0, 0,    0,    0,    0,    0,    0,    0,   0,   0,    0,
    0,    0, 0x80, 0x3f, 0, 0, 0,    0x40, 0,    0,    0x40, 0x40, 0,   0,   0x80, 0x40,
    0,    0, 0xa0, 0x40, 0, 0, 0xc0, 0x40, 0xc9, 0xfa, 0x93, 0xf9, 0,   0,   0,    0,
    1,    0, 0,    0,    2, 0, 0,    0,    0,    0,    0,    0,    1,   0,   0,    0,
    0,    0, 0,    0,    5, 0, 0,    0,    0xff, 7,    2,    0,    0,   0,   0,    0,
    0,    0, 5,    0,    0, 0, 0,    0,    0,    0,    'a',  'r',  'g', ':', 'w',  5,
    0,    0, 0,    0,    0, 0, 0,    'a',  'u',  'x',  ':',  'm',
};

static char folder[] = "/tmp/mx_files_XXXXXX";
static char path[64];

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/list", folder);
}

static void remove_folder(void)
{
    remove(path);
    ck_assert_int_eq(rmdir(folder), 0); /* and nothing else was left there */
}

struct list {
    uint32_t count, name_count;
    NDArrayHandle *arrays;
    const char **names;
};

static int load_bytes(const void *bytes, size_t size, struct list *list)
{
    return MXNDArrayLoadFromBuffer(bytes, size, &list->count, &list->arrays, &list->name_count,
                                   &list->names);
}

static int load_file(const char *name, struct list *list)
{
    return MXNDArrayLoad(name, &list->count, &list->arrays, &list->name_count, &list->names);
}

static void free_arrays(const struct list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        MX(MXNDArrayFree(list->arrays[i]));
}

/* The file's bytes; to be freed. */
static unsigned char *read_file(size_t *size)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    unsigned char *bytes = malloc(1 << 20);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static void write_file(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static void expect_file(const void *bytes, size_t size)
{
    size_t found_size;
    unsigned char *found = read_file(&found_size);
    ck_assert_uint_eq(found_size, size);
    ck_assert_mem_eq(found, bytes, size);
    free(found);
}

static void expect_example(const struct list *list)
{
    signed char numbers[2];
    int type;
    ck_assert_uint_eq(list->count, 2);
    ck_assert_uint_eq(list->name_count, 2);
    ck_assert_str_eq(list->names[0], "arg:w");
    ck_assert_str_eq(list->names[1], "aux:m");
    expect_shape(list->arrays[0], SHAPE(2, 3));
    expect_floats(list->arrays[0], (const float[]){1, 2, 3, 4, 5, 6}, 6);
    expect_shape(list->arrays[1], SHAPE(2));
    MX(MXNDArrayGetDType(list->arrays[1], &type));
    ck_assert_int_eq(type, 5);
    MX(MXNDArraySyncCopyToCPU(list->arrays[1], numbers, 2));
    ck_assert_int_eq(numbers[0], -1);
    ck_assert_int_eq(numbers[1], 7);
}

START_TEST(a_list_is_read_from_memory_and_from_files)
{
    struct list list;
    char address[80];
    MX(load_bytes(example, sizeof example, &list));
    expect_example(&list);
    free_arrays(&list);
    write_file(example, sizeof example);
    MX(load_file(path, &list));
    expect_example(&list);
    free_arrays(&list);
    snprintf(address, sizeof address, "file://%s", path);
    MX(load_file(address, &list));
    free_arrays(&list);
}
END_TEST

START_TEST(what_is_written_is_what_mxnet_writes)
{
    NDArrayHandle arrays[] = {make_array(SHAPE(2, 3)), make_typed(5, SHAPE(2))};
    const char *names[] = {"arg:w", "aux:m"};
    MX(MXNDArraySyncCopyFromCPU(arrays[0], (const float[]){1, 2, 3, 4, 5, 6}, 6));
    MX(MXNDArraySyncCopyFromCPU(arrays[1], (const signed char[]){-1, 7}, 2));
    MX(MXNDArraySave(path, 2, arrays, names));
    expect_file(example, sizeof example);
    MX(MXNDArraySave(path, 2, arrays, NULL));
    unsigned char unnamed[130] = {0};
    memcpy(unnamed, example, 122); /* up to the number of names */
    expect_file(unnamed, sizeof unnamed);
    MX(MXNDArrayFree(arrays[0]));
    MX(MXNDArrayFree(arrays[1]));
}
END_TEST

START_TEST(every_array_comes_back_as_it_was_saved)
{
    enum { COUNT = 17 };
    NDArrayHandle arrays[COUNT];
    const char *names[COUNT];
    unsigned char in[8 * 6], out[8 * 6];
    struct list list;
    for (int mode = 0, previous; mode < 2; mode++) {
        MX(MXSetIsNumpyShape(mode, &previous));
        for (int i = 0; i < 13; i++) {
            arrays[i] = make_typed(i, SHAPE(3, 2));
            memset(in, i + 1, sizeof in);
            MX(MXNDArraySyncCopyFromCPU(arrays[i], in, 6));
            names[i] = i % 2 == 0 ? "twice" : "";
        }
        arrays[13] = make_none();
        arrays[14] = make_array(SHAPE(0, 3));
        arrays[15] = make_array(NULL, 0);
        arrays[16] = make_array(SHAPE(1, 1, 1, 1, 1, 1, 1, 2));
        names[13] = names[14] = names[15] = names[16] = "arg:";
        MX(MXNDArraySyncCopyFromCPU(arrays[15], (const float[]){6.5F}, 1));
        MX(MXNDArraySave(path, COUNT, arrays, names));
        MX(load_file(path, &list));
        ck_assert_uint_eq(list.count, COUNT);
        ck_assert_uint_eq(list.name_count, COUNT);
        for (int i = 0; i < 13; i++) {
            int type;
            expect_shape(list.arrays[i], SHAPE(3, 2));
            MX(MXNDArrayGetDType(list.arrays[i], &type));
            ck_assert_int_eq(type, i);
            MX(MXNDArraySyncCopyToCPU(list.arrays[i], out, 6));
            ck_assert_uint_eq(out[0], (unsigned char)(i + 1));
        }
        for (int i = 0; i < COUNT; i++)
            ck_assert_str_eq(list.names[i], names[i]);
        int type;
        MX(MXNDArrayGetDType(list.arrays[13], &type));
        ck_assert_int_eq(type, -1);
        expect_shape(list.arrays[14], SHAPE(0, 3));
        expect_shape(list.arrays[15], NULL, 0);
        expect_floats(list.arrays[15], (const float[]){6.5F}, 1);
        expect_shape(list.arrays[16], SHAPE(1, 1, 1, 1, 1, 1, 1, 2));
        free_arrays(&list);
        for (int i = 0; i < COUNT; i++)
            MX(MXNDArrayFree(arrays[i]));
    }
}
END_TEST

START_TEST(numpys_shapes_are_saved_in_version_three)
{
    int previous;
    size_t size;
    NDArrayHandle array = make_counting(SHAPE(2), 2);
    MX(MXSetIsNumpyShape(1, &previous));
    MX(MXNDArraySave(path, 1, &array, NULL));
    unsigned char *bytes = read_file(&size);
    ck_assert_mem_eq(bytes + 24, "\xca\xfa\x93\xf9", 4);
    MX(MXSetIsNumpyShape(0, &previous));
    struct list list;
    MX(load_bytes(bytes, size, &list)); /* MXNet refuses */
    expect_floats(list.arrays[0], (const float[]){0, 1}, 2);
    free_arrays(&list);
    free(bytes);
    MX(MXNDArrayFree(array));
}
END_TEST

static void begin_list(struct byte_writer *writer, uint64_t count)
{
    *writer = (struct byte_writer){.size = 0};
    put_u64(writer, 0x112);
    put_u64(writer, 77); /* reserved */
    put_u64(writer, count);
}

START_TEST(old_formats_and_arrays_of_a_gpu_are_read)
{
    struct byte_writer writer;
    struct list list;
    int type;
    const float values[] = {3, 4};
    begin_list(&writer, 4);
    put_u32(&writer, 1); /* before versions: the rank, 32-bit dimensions */
    put_u32(&writer, 2);
    put_u32(&writer, 2); /* gpu(3) */
    put_u32(&writer, 3);
    put_u32(&writer, 0);
    put_floats(&writer, 2, values);
    put_u32(&writer, 0);          /* of rank 0: none */
    put_u32(&writer, 0xF993FAC8); /* version 1 */
    put_u32(&writer, 1);
    put_u64(&writer, 2);
    put_u64(&writer, 5); /* cpu_shared(0) */
    put_u32(&writer, 0);
    put_floats(&writer, 2, values);
    put_u32(&writer, 0xF993FAC8);
    put_u32(&writer, 1);
    put_u64(&writer, 0); /* a dimension of 0: none, before version 2 */
    put_u64(&writer, 0);
    MX(load_bytes(writer.bytes, writer.size, &list));
    ck_assert_uint_eq(list.count, 4);
    ck_assert_uint_eq(list.name_count, 0);
    for (int i = 0; i < 4; i += 2) {
        int dev_type, dev_id;
        expect_shape(list.arrays[i], SHAPE(2));
        expect_floats(list.arrays[i], values, 2);
        MX(MXNDArrayGetContext(list.arrays[i], &dev_type, &dev_id));
        ck_assert_int_eq(dev_type, 1);
        ck_assert_int_eq(dev_id, 0);
        MX(MXNDArrayGetDType(list.arrays[i + 1], &type));
        ck_assert_int_eq(type, -1);
    }
    free_arrays(&list);
}
END_TEST

START_TEST(a_list_that_ends_anywhere_is_refused)
{
    struct list list = {7, 8, NULL, NULL};
    const size_t before = cop_alloc_counters().live_bytes;
    for (size_t size = 0; size < sizeof example; size++) {
        unsigned char *exact = malloc(size + 1); /* so that reading on is seen */
        memcpy(exact, example, size);
        MX_FAILS(load_bytes(exact, size, &list), "Invalid NDArray file format");
        ck_assert_msg(strstr(MXGetLastError(), "byte ") != NULL, "%s", MXGetLastError());
        free(exact);
        write_file(example, size);
        MX_FAILS(load_file(path, &list), path);
    }
    ck_assert_uint_eq(list.count, 7); /* untouched */
    ck_assert_ptr_null(list.arrays);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
}
END_TEST

START_TEST(a_list_with_any_byte_changed_is_read_or_refused)
{
    struct list list;
    MX(load_bytes(example, sizeof example, &list)); /* the thread's slots are there */
    free_arrays(&list);
    const size_t before = cop_alloc_counters().live_bytes;
    for (size_t at = 0; at < sizeof example; at++) {
        static const unsigned char changes[] = {0x01, 0x80, 0xff, 0x7f};
        for (size_t i = 0; i < sizeof changes; i++) {
            unsigned char bytes[sizeof example];
            memcpy(bytes, example, sizeof bytes);
            bytes[at] ^= changes[i];
            if (load_bytes(bytes, sizeof bytes, &list) == 0)
                free_arrays(&list);
            ck_assert_uint_le(cop_alloc_counters().live_bytes, before);
        }
    }
}
END_TEST

START_TEST(what_a_list_may_not_be_is_named)
{
    struct list list;
    struct byte_writer writer;
    begin_list(&writer, UINT64_MAX);
    MX_FAILS(load_bytes(writer.bytes, writer.size, &list), "more than the file can hold");
    begin_list(&writer, 1);
    put_u32(&writer, 0xF993FAC9);
    put_u32(&writer, 1); /* row_sparse */
    put_u32(&writer, 1);
    put_u64(&writer, 0);
    put_u32(&writer, 1);
    put_u64(&writer, 2);
    put_u64(&writer, 1);
    put_u32(&writer, 0);
    put_u32(&writer, 6);
    put_u32(&writer, 1);
    put_u64(&writer, 0);
    put_u64(&writer, 0);
    MX_FAILS(load_bytes(writer.bytes, writer.size, &list), "is sparse");
    begin_list(&writer, 1);
    put_u32(&writer, 0xF993FAC9);
    put_u32(&writer, 0);
    put_u32(&writer, 9);
    MX_FAILS(load_bytes(writer.bytes, writer.size, &list), "9 dimensions");
    MX_FAILS(load_bytes("no list, but long enough to be one", 34, &list), "not a list");
    MX_FAILS(load_bytes(NULL, 10, &list), "ndarray_buffer");
    MX_FAILS(MXNDArrayLoadFromBuffer(example, sizeof example, NULL, &list.arrays, &list.name_count,
                                     &list.names),
             "out_size");
    MX_FAILS(MXNDArrayLoad(path, &list.count, NULL, &list.name_count, &list.names), "out_arr");
    MX_FAILS(MXNDArrayLoad(path, &list.count, &list.arrays, NULL, &list.names), "out_name_size");
    MX_FAILS(MXNDArrayLoad(path, &list.count, &list.arrays, &list.name_count, NULL), "out_names");
    MX_FAILS(load_file(NULL, &list), "fname");
    MX_FAILS(load_file(path, &list), "No such file or directory");
    MX_FAILS(load_file(folder, &list), "not a regular file");
}
END_TEST

START_TEST(what_cannot_be_saved_leaves_the_old_file)
{
    const NDArrayHandle array = make_counting(SHAPE(2), 2);
    NDArrayHandle arrays[] = {array, array};
    const char *names[] = {"a", NULL};
    char nowhere[80];
    int wrong = 0;
    write_file(example, sizeof example);
    MX_FAILS(MXNDArraySave(path, 2, arrays, names), "the name of array 1 is NULL");
    arrays[1] = NULL;
    MX_FAILS(MXNDArraySave(path, 2, arrays, NULL), "args[i]");
    arrays[1] = &wrong;
    MX_FAILS(MXNDArraySave(path, 2, arrays, NULL), "args[i]");
    MX_FAILS(MXNDArraySave(path, 1, NULL, NULL), "args");
    MX_FAILS(MXNDArraySave(NULL, 1, arrays, NULL), "fname");
    MX_FAILS(MXNDArraySave(folder, 1, arrays, NULL), "not a regular file");
    MX_FAILS(MXNDArraySave("/dev/null", 1, arrays, NULL), "not a regular file");
    snprintf(nowhere, sizeof nowhere, "%s/none/list", folder);
    MX_FAILS(MXNDArraySave(nowhere, 1, arrays, NULL), "No such file or directory");
    expect_file(example, sizeof example);
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(a_link_stays_and_what_it_leads_to_is_replaced)
{
    char link[80];
    struct stat found;
    NDArrayHandle array = make_counting(SHAPE(2), 2);
    snprintf(link, sizeof link, "%s/link", folder);
    write_file("old", 3);
    ck_assert_int_eq(symlink(path, link), 0);
    MX(MXNDArraySave(link, 1, &array, NULL));
    ck_assert_int_eq(lstat(link, &found), 0);
    ck_assert(S_ISLNK(found.st_mode));
    struct list list;
    MX(load_file(path, &list));
    free_arrays(&list);
    MX(MXNDArrayFree(array));
    ck_assert_int_eq(unlink(link), 0);
}
END_TEST

START_TEST(an_empty_list_is_a_list)
{
    struct list list;
    MX(MXNDArraySave(path, 0, NULL, NULL));
    MX(load_file(path, &list));
    ck_assert_uint_eq(list.count, 0);
    ck_assert_uint_eq(list.name_count, 0);
    ck_assert_ptr_nonnull(list.arrays);
}
END_TEST

START_TEST(one_record_is_saved_and_read_alone)
{
    size_t size;
    const char *bytes;
    NDArrayHandle again;
    const NDArrayHandle array = make_typed(5, SHAPE(2)), none = make_none();
    MX(MXNDArraySyncCopyFromCPU(array, (const signed char[]){-1, 7}, 2));
    MX(MXNDArraySaveRawBytes(array, &size, &bytes));
    ck_assert_uint_eq(size, 34);
    ck_assert_mem_eq(bytes, example + 88, size);
    for (size_t i = 0; i < size; i++)
        MX_FAILS(MXNDArrayLoadFromRawBytes(example + 88, i, &again), "byte ");
    MX(MXNDArrayLoadFromRawBytes(example + 88, sizeof example - 88, &again)); /* and what follows */
    expect_shape(again, SHAPE(2));
    MX(MXNDArrayFree(again));
    MX(MXNDArraySaveRawBytes(none, &size, &bytes));
    MX(MXNDArrayLoadFromRawBytes(bytes, size, &again));
    int type;
    MX(MXNDArrayGetDType(again, &type));
    ck_assert_int_eq(type, -1);
    MX(MXNDArrayFree(again));
    MX_FAILS(MXNDArrayLoadFromRawBytes(NULL, 3, &again), "buf");
    MX_FAILS(MXNDArrayLoadFromRawBytes(bytes, size, NULL), "out");
    MX_FAILS(MXNDArraySaveRawBytes(NULL, &size, &bytes), "handle");
    MX_FAILS(MXNDArraySaveRawBytes(array, NULL, &bytes), "out_size");
    MX_FAILS(MXNDArraySaveRawBytes(array, &size, NULL), "out_buf");
    MX(MXNDArrayFree(array));
    MX(MXNDArrayFree(none));
}
END_TEST

static long peak_kib(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_maxrss;
}

START_TEST(a_large_file_does_not_lie_in_memory_twice)
{
    enum { MIB = 16, COUNT = 12 };
    NDArrayHandle arrays[COUNT];
    struct list list;
    for (int i = 0; i < COUNT; i++) /* the same one in the file many times */
        arrays[i] = i == 0 ? make_array(SHAPE(MIB, 1 << 18)) : arrays[0];
    MX(MXNDArraySave(path, COUNT, arrays, NULL));
    MX(MXNDArrayFree(arrays[0]));
    const long before = peak_kib();
    MX(load_file(path, &list));
    const long taken = (peak_kib() - before) / 1024;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    ck_assert_int_lt(taken, COUNT * MIB * 3 / 2);
#endif
    ck_assert_int_ge(taken, 0);
    ck_assert_uint_eq(list.count, COUNT);
    free_arrays(&list);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "mx_array_files", make_folder, remove_folder, a_list_is_read_from_memory_and_from_files,
        what_is_written_is_what_mxnet_writes, every_array_comes_back_as_it_was_saved,
        numpys_shapes_are_saved_in_version_three, old_formats_and_arrays_of_a_gpu_are_read,
        a_list_that_ends_anywhere_is_refused, a_list_with_any_byte_changed_is_read_or_refused,
        what_a_list_may_not_be_is_named, what_cannot_be_saved_leaves_the_old_file,
        a_link_stays_and_what_it_leads_to_is_replaced, an_empty_list_is_a_list,
        one_record_is_saved_and_read_alone, a_large_file_does_not_lie_in_memory_twice);
}
