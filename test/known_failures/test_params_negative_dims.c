// SPDX-License-Identifier: Apache-2.0
/* Negative dimensions became huge sizes: they are refused with their place, in every version. */
#include "known_failures/params_files.h"
#include "support/unit.h"

START_TEST(negative_dimensions_are_refused)
{
    static const int64_t dims[][2] = {{-1, 2},        {1, -2},  {-1, -2},        {INT64_MIN, 2},
                                      {2, INT64_MIN}, {-4, -1}, {INT64_MIN, -1}, {-2147483648, 1}};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        struct byte_writer writer;
        start_list(&writer, 1);
        put_head(&writer, dims[i][0], dims[i][1], 1, 0);
        put_floats(&writer, 2, (const float[]){1, 2});
        put_u64(&writer, 1), put_name(&writer, "w");
        expect_params_refused(&writer, writer.size, "a negative dimension");
    }
}
END_TEST

/* Version 1 stores the same 64 bits, version 0 only 32 without a sign; and ranks may be negative.
 */
START_TEST(in_every_version)
{
    for (int version = 0; version <= 3; version++) {
        struct byte_writer writer;
        start_list(&writer, 1);
        if (version > 0)
            put_u32(&writer, 0xF993FAC7u + (uint32_t)version);
        if (version > 1)
            put_u32(&writer, 0);
        put_u32(&writer, 2);
        put_le(&writer, (uint64_t)-2, version == 0 ? 4 : 8);
        put_le(&writer, (uint64_t)-1, version == 0 ? 4 : 8);
        put_u32(&writer, 1), put_u32(&writer, 0), put_u32(&writer, 0);
        put_floats(&writer, 2, (const float[]){1, 2});
        put_u64(&writer, 1), put_name(&writer, "w");
        expect_params_refused(&writer, writer.size,
                              version == 0 ? "2^48 elements or more" : "a negative dimension");
    }
    static const int32_t ranks[] = {-1, -2, INT32_MIN, 33, INT32_MAX};
    for (int i = 0; i < 5; i++) {
        struct byte_writer writer;
        start_list(&writer, 1);
        put_u32(&writer, 0xF993FAC9u), put_u32(&writer, 0), put_u32(&writer, (uint32_t)ranks[i]);
        for (int j = 0; j < 80; j++)
            put_u64(&writer, 1);
        expect_params_refused(&writer, writer.size, "byte ");
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("negative dims", negative_dimensions_are_refused, in_every_version);
}
