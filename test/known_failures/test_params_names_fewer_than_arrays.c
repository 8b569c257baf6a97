// SPDX-License-Identifier: Apache-2.0
/* Fewer names than arrays left names unset that were read later; more wrote behind the list. */
#include "known_failures/params_files.h"
#include "support/unit.h"

static void write_list(struct byte_writer *writer, int arrays, int names)
{
    start_list(writer, (uint64_t)arrays);
    for (int i = 0; i < arrays; i++) {
        put_head(writer, 1, 2, 1, 0);
        put_floats(writer, 2, (const float[]){1, 2});
    }
    put_u64(writer, (uint64_t)names);
    for (int i = 0; i < names; i++)
        put_name(writer, (const char[2]){(char)('w' + i), '\0'});
}

START_TEST(names_must_be_as_many_as_arrays)
{
    for (int arrays = 1; arrays < 5; arrays++)
        for (int names = 1; names < 9; names++) {
            struct byte_writer writer;
            if (names == arrays)
                continue;
            write_list(&writer, arrays, names);
            char text[64];
            snprintf(text, sizeof text, "%d names for %d arrays", names, arrays);
            expect_params_refused(&writer, writer.size, text);
        }
}
END_TEST

/* A list without names is right, and holds nothing that a symbol could ask for. */
START_TEST(no_names_at_all_are_no_parameters)
{
    struct byte_writer writer;
    cop_model *model = NULL;
    cop_error error;
    write_list(&writer, 2, 0);
    if (load_params(writer.bytes, writer.size, &model, &error) != COP_STATUS_OK)
        return;
    ck_assert_uint_eq(cop_model_input_count(model), 2); /* w is an input then */
    cop_model_release(&model);
}
END_TEST

START_TEST(one_name_for_two_arrays_is_refused)
{
    struct byte_writer writer;
    start_list(&writer, 2);
    for (int i = 0; i < 2; i++) {
        put_head(&writer, 1, 2, 1, 0);
        put_floats(&writer, 2, (const float[]){1, 2});
    }
    put_u64(&writer, 2), put_name(&writer, "w"), put_name(&writer, "w");
    expect_params_refused(&writer, writer.size, "two arrays are called 'w'");
}
END_TEST

int main(void)
{
    return RUN_TESTS("names and arrays", names_must_be_as_many_as_arrays,
                     no_names_at_all_are_no_parameters, one_name_for_two_arrays_is_refused);
}
