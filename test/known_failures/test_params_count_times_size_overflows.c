// SPDX-License-Identifier: Apache-2.0
/* Counts, lengths and shapes whose product with a size wraps around: nothing is allocated for them.
 */
#include "known_failures/params_files.h"
#include "support/measure.h"
#include "support/unit.h"

static cop_status load(const void *user, cop_error *error)
{
    const struct byte_writer *writer = user;
    cop_model *model = NULL;
    const cop_status status = load_params(writer->bytes, writer->size, &model, error);
    cop_model_release(&model);
    return status;
}

static void expect_cheaply_refused(const struct byte_writer *writer)
{
    const struct measured result = measure(load, writer);
    ck_assert_msg(result.status == COP_STATUS_MALFORMED_MODEL &&
                      strstr(result.error.message, "byte ") != NULL,
                  "%s: %s", cop_status_name(result.status), result.error.message);
    if (!IS_SANITIZED)
        ck_assert_uint_le(result.peak_bytes, 64 * MEGABYTE + 4 * writer->size);
}

static const uint64_t corners[] = {1000001,
                                   UINT64_C(1) << 28,
                                   UINT64_C(1) << 32,
                                   (UINT64_C(1) << 32) + 1,
                                   UINT64_MAX / 24,
                                   UINT64_MAX / 24 + 1, /* × a record's size is small again */
                                   UINT64_MAX / 32 + 1,
                                   UINT64_C(1) << 60,
                                   UINT64_C(1) << 62,
                                   INT64_MAX,
                                   UINT64_C(1) << 63,
                                   UINT64_MAX};
#define CORNER_COUNT (sizeof corners / sizeof *corners)

START_TEST(counts_of_arrays_and_names)
{
    for (size_t i = 0; i < CORNER_COUNT; i++) {
        struct byte_writer writer;
        start_list(&writer, corners[i]);
        put_head(&writer, 1, 2, 1, 0);
        put_floats(&writer, 2, (const float[]){1, 2});
        put_u64(&writer, 1), put_name(&writer, "w");
        expect_cheaply_refused(&writer);
        start_list(&writer, 1);
        put_head(&writer, 1, 2, 1, 0);
        put_floats(&writer, 2, (const float[]){1, 2});
        put_u64(&writer, corners[i]), put_name(&writer, "w");
        expect_cheaply_refused(&writer);
    }
}
END_TEST

START_TEST(lengths_of_names)
{
    for (size_t i = 0; i < CORNER_COUNT; i++) {
        struct byte_writer writer;
        start_list(&writer, 1);
        put_head(&writer, 1, 2, 1, 0);
        put_floats(&writer, 2, (const float[]){1, 2});
        put_u64(&writer, 1), put_u64(&writer, corners[i]), put_bytes(&writer, "w", 1);
        expect_cheaply_refused(&writer);
    }
}
END_TEST

START_TEST(dimensions)
{
    for (size_t i = 0; i < CORNER_COUNT; i++)
        for (size_t j = 0; j < CORNER_COUNT; j++) {
            struct byte_writer writer;
            start_list(&writer, 1);
            put_head(&writer, (int64_t)corners[i], (int64_t)corners[j], 1, 0);
            put_floats(&writer, 2, (const float[]){1, 2});
            put_u64(&writer, 1), put_name(&writer, "w");
            expect_cheaply_refused(&writer);
        }
}
END_TEST

int main(void)
{
    return RUN_TESTS("count times size", counts_of_arrays_and_names, lengths_of_names, dimensions);
}
