// SPDX-License-Identifier: Apache-2.0
/* A parameter file that ends early: at every byte it is refused, with the byte. */
#include "known_failures/params_files.h"
#include "support/unit.h"

START_TEST(a_list_cut_at_every_byte)
{
    struct byte_writer writer;
    cop_model *model = NULL;
    cop_error error;
    write_params(&writer, "v 3;arg:w 1,2;aux:u 2,2,1;");
    ck_assert_msg(load_params(writer.bytes, writer.size, &model, &error) == COP_STATUS_OK, "%s",
                  error.message);
    cop_model_release(&model);
    for (size_t size = 0; size < writer.size; size++)
        expect_params_refused(&writer, size, "byte ");
}
END_TEST

/* The count says more than follows. */
START_TEST(a_list_shorter_than_its_count)
{
    for (uint64_t count = 2; count < 1000; count *= 3) {
        struct byte_writer writer;
        start_list(&writer, count);
        put_head(&writer, 1, 2, 1, 0);
        put_floats(&writer, 2, (const float[]){1, 2});
        expect_params_refused(&writer, writer.size, "byte ");
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("truncated list", a_list_cut_at_every_byte, a_list_shorter_than_its_count);
}
