// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "model/mxnet/params.h"
#include "support/byte_writer.h"
#include "support/unit.h"

#include <stdio.h>

#define LIST  0x112u
#define V1    0xF993FAC8u
#define V2    0xF993FAC9u
#define V3    0xF993FACAu
#define CPU   1u
#define GPU   2u
#define DENSE 0u

enum { FLOAT32 = 0, INT8 = 5, INT64 = 6 };

/* Parses bytes that stay where they are; what was parsed must be released with the source. */
static cop_status parse(const void *bytes, size_t size, struct source **source,
                        struct mxnet_params *params, cop_error *error)
{
    const cop_bytes given = {.data = bytes, .size = size};
    *params = (struct mxnet_params){0};
    cop_status status = cop_source_from_bytes(&given, "x.params", source, error);
    if (status == COP_STATUS_OK)
        status = cop_params_parse(*source, params, error);
    return status;
}

static void drop(struct source **source, struct mxnet_params *params)
{
    cop_params_release(params);
    cop_source_release(source);
}

static void put_list(struct byte_writer *writer, uint64_t count)
{
    *writer = (struct byte_writer){0};
    put_u64(writer, LIST);
    put_u64(writer, 0);
    put_u64(writer, count);
}

static void put_name(struct byte_writer *writer, const char *name)
{
    put_u64(writer, strlen(name));
    put_bytes(writer, name, strlen(name));
}

static void put_place(struct byte_writer *writer, uint32_t device, uint32_t dtype)
{
    put_u32(writer, device);
    put_u32(writer, 0);
    put_u32(writer, dtype);
}

/* The record of a (2,3) float32 array of 1 to 6 in any version. */
static void put_matrix(struct byte_writer *writer, uint32_t version, uint32_t device)
{
    static const float elements[] = {1, 2, 3, 4, 5, 6};
    if (version != 0)
        put_u32(writer, version);
    if (version == V2 || version == V3)
        put_u32(writer, DENSE);
    put_u32(writer, 2);
    put_le(writer, 2, version == 0 ? 4 : 8);
    put_le(writer, 3, version == 0 ? 4 : 8);
    put_place(writer, device, FLOAT32);
    put_floats(writer, 6, elements);
}

static void assert_matrix(const struct mxnet_params *params, const char *name)
{
    const struct mxnet_array *array = cop_params_find(params, name, false);
    ck_assert_ptr_nonnull(array);
    ck_assert_int_eq(array->dtype, COP_DTYPE_FLOAT32);
    const struct shape shape = cop_params_shape(params, array);
    ck_assert_int_eq(shape.rank, 2);
    ck_assert_int_eq(shape.dims[0], 2);
    ck_assert_int_eq(shape.dims[1], 3);
    float elements[6];
    memcpy(elements, cop_source_bytes(params->source) + array->data_offset, sizeof elements);
    for (int i = 0; i < 6; i++)
        ck_assert(elements[i] == (float)(i + 1));
}

/* The 156 bytes of the format's worked example: arg:w float32 (2,3), aux:m int8 (2). */
static const unsigned char example[] = {
    0x12, 0x01, 0,    0,    0, 0, 0,    0,    0,    0,    0,    0,    0,   0,   0,    0,
    2,    0,    0,    0,    0, 0, 0,    0,    0xc9, 0xfa, 0x93, 0xf9, 0,   0,   0,    0,
    2,    0,    0,    0,    2, 0, 0,    0,    0,    0,    0,    0,    3,   0,   0,    0,
    0,    0,    0,    0,    1, 0, 0,    0,    0,    0,    0,    0,    0,   0,   0,    0,
    0,    0,    0x80, 0x3f, 0, 0, 0,    0x40, 0,    0,    0x40, 0x40, 0,   0,   0x80, 0x40,
    0,    0,    0xa0, 0x40, 0, 0, 0xc0, 0x40, 0xc9, 0xfa, 0x93, 0xf9, 0,   0,   0,    0,
    1,    0,    0,    0,    2, 0, 0,    0,    0,    0,    0,    0,    1,   0,   0,    0,
    0,    0,    0,    0,    5, 0, 0,    0,    0xff, 0x07, 2,    0,    0,   0,   0,    0,
    0,    0,    5,    0,    0, 0, 0,    0,    0,    0,    'a',  'r',  'g', ':', 'w',  5,
    0,    0,    0,    0,    0, 0, 0,    'a',  'u',  'x',  ':',  'm'};

START_TEST(the_worked_example_is_read_in_place)
{
    struct source *source = NULL;
    struct mxnet_params params;
    ck_assert_uint_eq(sizeof example, 156);
    ck_assert_int_eq(parse(example, sizeof example, &source, &params, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(params.count, 2);
    assert_matrix(&params, "w");
    const struct mxnet_array *m = cop_params_find(&params, "m", true);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->dtype, COP_DTYPE_INT8);
    ck_assert_int_eq(m->kind, PARAMS_AUXILIARY);
    ck_assert_uint_eq(m->data_offset, 0x78);
    ck_assert_ptr_null(cop_params_find(&params, "arg:w", false));
    ck_assert_ptr_null(cop_params_find(&params, "", false));
    drop(&source, &params);
}
END_TEST

START_TEST(every_version_gives_the_same_array_wherever_it_was_saved)
{
    static const uint32_t versions[] = {0, V1, V2, V3};
    for (int i = 0; i < 8; i++) {
        struct byte_writer writer;
        struct source *source = NULL;
        struct mxnet_params params;
        cop_error error;
        put_list(&writer, 1);
        put_matrix(&writer, versions[i % 4], i < 4 ? CPU : GPU);
        put_u64(&writer, 1);
        put_name(&writer, "w");
        ck_assert_msg(parse(writer.bytes, writer.size, &source, &params, &error) == COP_STATUS_OK,
                      "%s", error.message);
        assert_matrix(&params, "w");
        drop(&source, &params);
    }
}
END_TEST

START_TEST(arrays_without_elements_are_none)
{
    struct byte_writer writer;
    struct source *source = NULL;
    struct mxnet_params params;
    cop_error error;
    static const char *const names[] = {"v0", "v1", "v1_zero", "v2", "v3", "v3_open"};
    put_list(&writer, 7);
    put_u32(&writer, 0); /* V0: rank 0 and nothing else */
    put_u32(&writer, V1), put_u32(&writer, 0);
    put_u32(&writer, V1), put_u32(&writer, 2), put_u64(&writer, 0), put_u64(&writer, 4);
    put_u32(&writer, V2), put_u32(&writer, DENSE), put_u32(&writer, 0);
    put_u32(&writer, V3), put_u32(&writer, DENSE), put_u32(&writer, (uint32_t)-1);
    put_u32(&writer, V3), put_u32(&writer, DENSE), put_u32(&writer, 1),
        put_u64(&writer, UINT64_MAX);
    put_matrix(&writer, V2, CPU);
    put_u64(&writer, 7);
    for (int i = 0; i < 6; i++)
        put_name(&writer, names[i]);
    put_name(&writer, "w");
    ck_assert_msg(parse(writer.bytes, writer.size, &source, &params, &error) == COP_STATUS_OK, "%s",
                  error.message);
    for (int i = 0; i < 6; i++)
        ck_assert_msg(cop_params_find(&params, names[i], false)->is_none, "%s", names[i]);
    assert_matrix(&params, "w");
    drop(&source, &params);
}
END_TEST

START_TEST(a_scalar_of_version_3_has_one_element)
{
    struct byte_writer writer;
    struct source *source = NULL;
    struct mxnet_params params;
    put_list(&writer, 1);
    put_u32(&writer, V3), put_u32(&writer, DENSE), put_u32(&writer, 0);
    put_place(&writer, CPU, INT64), put_u64(&writer, 42);
    put_u64(&writer, 1), put_name(&writer, "arg:s");
    ck_assert_int_eq(parse(writer.bytes, writer.size, &source, &params, NULL), COP_STATUS_OK);
    const struct mxnet_array *array = cop_params_find(&params, "s", false);
    ck_assert(array != NULL && !array->is_none && array->rank == 0);
    drop(&source, &params);
}
END_TEST

START_TEST(both_marks_of_one_name_are_told_apart)
{
    struct byte_writer writer;
    struct source *source = NULL;
    struct mxnet_params params;
    put_list(&writer, 2);
    put_matrix(&writer, V2, CPU), put_matrix(&writer, 0, CPU);
    put_u64(&writer, 2), put_name(&writer, "aux:x"), put_name(&writer, "arg:x");
    ck_assert_int_eq(parse(writer.bytes, writer.size, &source, &params, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_params_find(&params, "x", true)->kind, PARAMS_AUXILIARY);
    ck_assert_int_eq(cop_params_find(&params, "x", false)->kind, PARAMS_ARGUMENT);
    drop(&source, &params);
}
END_TEST

static void expect(const struct byte_writer *writer, cop_status expected, const char *message)
{
    struct source *source = NULL;
    struct mxnet_params params;
    cop_error error = {0};
    const cop_status status = parse(writer->bytes, writer->size, &source, &params, &error);
    ck_assert_msg(status == expected && strstr(error.message, message) != NULL,
                  "%s: %s; expected %s: … %s …", cop_status_name(status), error.message,
                  cop_status_name(expected), message);
    drop(&source, &params);
}

static void expect_malformed(const struct byte_writer *writer, const char *message)
{
    expect(writer, COP_STATUS_MALFORMED_MODEL, message);
}

static void put_header(struct byte_writer *writer, uint32_t rank)
{
    put_list(writer, 1);
    put_u32(writer, V2), put_u32(writer, DENSE), put_u32(writer, rank);
}

START_TEST(impossible_lists_are_malformed)
{
    struct byte_writer writer = {0};
    expect_malformed(&writer, "x.params: byte 0");
    put_u64(&writer, LIST + 1), put_u64(&writer, 0), put_u64(&writer, 0), put_u64(&writer, 0);
    expect_malformed(&writer, "not a list");
    put_list(&writer, UINT64_MAX), put_u64(&writer, 0);
    expect_malformed(&writer, "byte 16");
    put_list(&writer, 3), put_u64(&writer, 0);
    expect_malformed(&writer, "more than the file can hold");
    put_list(&writer, 1), put_matrix(&writer, V2, CPU), put_u64(&writer, 2);
    put_name(&writer, "a"), put_name(&writer, "b");
    expect_malformed(&writer, "2 names for 1 arrays");
    put_list(&writer, 2), put_matrix(&writer, V2, CPU), put_matrix(&writer, V2, CPU);
    put_u64(&writer, 1), put_name(&writer, "a");
    expect_malformed(&writer, "1 names for 2 arrays");
    put_list(&writer, 2), put_matrix(&writer, V2, CPU), put_matrix(&writer, V2, CPU);
    put_u64(&writer, 2), put_name(&writer, "arg:twice"), put_name(&writer, "arg:twice");
    expect_malformed(&writer, "two arrays are called 'twice'");
    put_list(&writer, 1), put_matrix(&writer, V2, CPU), put_u64(&writer, 1);
    put_u64(&writer, COP_PARAMS_MAX_NAME_BYTES + 1);
    expect_malformed(&writer, "name longer");
    put_list(&writer, 1), put_matrix(&writer, V2, CPU), put_u64(&writer, 1);
    put_u64(&writer, COP_PARAMS_MAX_NAME_BYTES);
    expect_malformed(&writer, "ends inside");
}
END_TEST

START_TEST(impossible_records_are_malformed)
{
    struct byte_writer writer;
    put_header(&writer, 33);
    expect_malformed(&writer, "number of dimensions");
    put_header(&writer, (uint32_t)-1);
    expect_malformed(&writer, "number of dimensions");
    put_header(&writer, 2), put_u64(&writer, 2), put_u64(&writer, (uint64_t)-3);
    expect_malformed(&writer, "negative dimension");
    put_header(&writer, 2), put_u64(&writer, UINT64_C(1) << 40), put_u64(&writer, 1 << 20);
    expect_malformed(&writer, "2^48 elements or more");
    put_header(&writer, 2), put_u64(&writer, UINT64_C(1) << 32), put_u64(&writer, 1 << 16);
    put_place(&writer, CPU, FLOAT32);
    expect_malformed(&writer, "2^48 elements or more");
    put_header(&writer, 2), put_u64(&writer, (1 << 24) - 1), put_u64(&writer, (1 << 24) + 1);
    put_place(&writer, CPU, FLOAT32); /* one fewer: possible, but not in this file */
    expect_malformed(&writer, "ends inside");
    put_header(&writer, 1), put_u64(&writer, 2), put_place(&writer, CPU, 13);
    expect_malformed(&writer, "element type");
    put_list(&writer, 1), put_u32(&writer, V2), put_u32(&writer, 3);
    expect_malformed(&writer, "storage type");
    put_list(&writer, 1), put_u32(&writer, 0xF993FACBu);
    expect_malformed(&writer, "neither a record's mark");
}
END_TEST

START_TEST(eight_dimensions_are_the_most)
{
    struct byte_writer writer;
    put_header(&writer, 9);
    for (int i = 0; i < 9; i++)
        put_u64(&writer, 1);
    expect(&writer, COP_STATUS_UNSUPPORTED, "array 0: 9 dimensions");
    struct source *source = NULL;
    struct mxnet_params params;
    put_header(&writer, 8);
    for (int i = 0; i < 8; i++)
        put_u64(&writer, 1);
    put_place(&writer, CPU, FLOAT32), put_u32(&writer, 0), put_u64(&writer, 0);
    ck_assert_int_eq(parse(writer.bytes, writer.size, &source, &params, NULL), COP_STATUS_OK);
    drop(&source, &params);
}
END_TEST

START_TEST(sparse_arrays_are_named)
{
    struct byte_writer writer;
    for (uint32_t storage = 1; storage <= 2; storage++) {
        put_list(&writer, 2);
        put_matrix(&writer, V2, CPU);
        put_u32(&writer, V2), put_u32(&writer, storage);
        put_u32(&writer, 1), put_u64(&writer, 2);                      /* stored values */
        put_u32(&writer, 2), put_u64(&writer, 9), put_u64(&writer, 1); /* shape */
        put_place(&writer, CPU, FLOAT32);
        for (uint32_t i = 0; i < storage; i++)
            put_u32(&writer, INT64), put_u32(&writer, 1), put_u64(&writer, 2);
        put_u64(&writer, 0); /* two floats */
        for (uint32_t i = 0; i < storage; i++)
            put_u64(&writer, 1), put_u64(&writer, 2);
        put_u64(&writer, 2), put_name(&writer, "arg:w"), put_name(&writer, "arg:thin");
        expect(&writer, COP_STATUS_UNSUPPORTED, "array 1 'thin' is sparse");
        writer.size -= 40;
        expect_malformed(&writer, "x.params: byte ");
    }
}
END_TEST

START_TEST(a_file_cut_anywhere_is_malformed)
{
    for (size_t size = 0; size < sizeof example; size++) {
        /* An exact copy, so that a sanitizer sees a read past its end. */
        unsigned char *cut = malloc(size == 0 ? 1 : size);
        memcpy(cut, example, size);
        const cop_bytes given = {.data = cut, .size = size};
        struct source *source = NULL;
        struct mxnet_params params = {0};
        cop_error error;
        ck_assert_int_eq(cop_source_from_bytes(&given, "cut", &source, &error), COP_STATUS_OK);
        ck_assert_int_eq(cop_params_parse(source, &params, &error), COP_STATUS_MALFORMED_MODEL);
        ck_assert_ptr_nonnull(strstr(error.message, "cut: byte "));
        drop(&source, &params);
        free(cut);
    }
}
END_TEST

START_TEST(every_failed_allocation_is_reported)
{
    cop_status status = COP_STATUS_OUT_OF_MEMORY;
    const size_t live = cop_alloc_counters().live_bytes;
    int64_t k = 0;
    for (; status == COP_STATUS_OUT_OF_MEMORY; k++) {
        struct source *source = NULL;
        struct mxnet_params params;
        cop_error error;
        cop_alloc_fail_after(k, 1);
        status = parse(example, sizeof example, &source, &params, &error);
        cop_alloc_fail_after(-1, 0);
        drop(&source, &params);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, live);
    }
    ck_assert_int_eq(status, COP_STATUS_OK);
    ck_assert_int_ge(k, 4);
}
END_TEST

START_TEST(many_small_arrays_take_little_memory)
{
    /* The smallest record and name there are, as many as are allowed, and one more. */
    for (size_t extra = 0; extra < 2; extra++) {
        const size_t count = COP_PARAMS_MAX_ARRAYS + extra, size = 24 + count * 4 + 8 + count * 12;
        unsigned char *bytes = calloc(1, size);
        memcpy(bytes, &(uint64_t){LIST}, 8);
        memcpy(bytes + 16, &(uint64_t){count}, 8);
        memcpy(bytes + 24 + count * 4, &(uint64_t){count}, 8);
        for (size_t i = 0; i < count; i++) {
            unsigned char *name = bytes + 24 + count * 4 + 8 + i * 12;
            name[0] = 4;
            memcpy(name + 8, &(uint32_t){(uint32_t)(i * 2654435761u)}, 4);
        }
        struct source *source = NULL;
        struct mxnet_params params;
        cop_error error;
        const size_t before = cop_alloc_counters().live_bytes;
        const cop_status status = parse(bytes, size, &source, &params, &error);
        ck_assert_msg(status == (extra == 0 ? COP_STATUS_OK : COP_STATUS_MALFORMED_MODEL), "%s",
                      error.message);
        ck_assert_uint_le(cop_alloc_counters().live_bytes - before, size + ((size_t)40 << 20));
        drop(&source, &params);
        free(bytes);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("params", the_worked_example_is_read_in_place,
                     every_version_gives_the_same_array_wherever_it_was_saved,
                     arrays_without_elements_are_none, a_scalar_of_version_3_has_one_element,
                     both_marks_of_one_name_are_told_apart, impossible_lists_are_malformed,
                     impossible_records_are_malformed, eight_dimensions_are_the_most,
                     sparse_arrays_are_named, a_file_cut_anywhere_is_malformed,
                     every_failed_allocation_is_reported, many_small_arrays_take_little_memory);
}
