// SPDX-License-Identifier: Apache-2.0
/* The public functions that load and describe models. */
#include "base/alloc.h"
#include "model/mxnet_files.h"
#include "support/unit.h"

#include <sys/stat.h>
#include <unistd.h>

#define SYMBOL_TEXT                                                                                \
    SYMBOL("{'op':'null','name':'x','attrs':{'__shape__':'(0, 3)'},'inputs':[]}," VARIABLE(        \
               "w") "," VARIABLE("b") "," NODE("FullyConnected", "fc", "'num_hidden':'2'",         \
                                               "[0,0],[1,0],[2,0]"),                               \
           "[3,0]")
#define PARAMS_TEXT "arg:w 2,3;arg:b 2;"

static char directory[32];

static void make_directory(void)
{
    strcpy(directory, "/tmp/cop-model-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(path_of(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void write_symbol_file(const char *name)
{
    char *json = write_json(SYMBOL_TEXT);
    write_file(name, json, strlen(json));
    free(json);
}

static void write_params_file(const char *name, const char *list)
{
    struct byte_writer writer;
    write_params(&writer, list);
    write_file(name, writer.bytes, writer.size);
}

static void load_good(const char *name, const cop_model_options *options)
{
    cop_model *model = NULL;
    cop_error error = {.status = COP_STATUS_INTERNAL};
    ck_assert_msg(cop_model_load(path_of(name), options, &model, &error) == COP_STATUS_OK, "%s",
                  error.message);
    ck_assert_int_eq(error.status, COP_STATUS_OK);
    cop_model_release(&model);
}

static void load_bad(const char *path, const cop_model_options *options, cop_status expected,
                     const char *part)
{
    cop_model *model = (cop_model *)directory; /* must become NULL */
    cop_error error = {0};
    const cop_status status = cop_model_load(path, options, &model, &error);
    ck_assert_msg(status == expected && strstr(error.message, part) != NULL,
                  "%s: %s; expected %s: … %s …", cop_status_name(status), error.message,
                  cop_status_name(expected), part);
    ck_assert_ptr_null(model);
    ck_assert_int_eq(cop_model_load(path, options, &model, NULL), expected);
}

START_TEST(the_highest_number_beside_the_symbol_is_taken)
{
    make_directory();
    write_symbol_file("a.b-symbol.json");
    write_params_file("a.b-0002.params", "arg:w 9,9;"); /* would not do */
    write_params_file("a.b-0010.params", PARAMS_TEXT);
    write_params_file("a.b-00003.params", "arg:w 9,9;");
    write_params_file("a.b-c-0099.params", "arg:w 9,9;"); /* another prefix */
    write_params_file("a.b-0099.params.old", "arg:w 9,9;");
    write_params_file("a.b-099.params", "arg:w 9,9;");
    write_params_file("a.b-9x99.params", "arg:w 9,9;");
    load_good("a.b", NULL);
    load_good("a.b-symbol.json", NULL);
    write_params_file("a.b-12345.params", "arg:w 9,9;");
    load_bad(path_of("a.b"), NULL, COP_STATUS_MALFORMED_MODEL, "a.b-symbol.json");
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, 0);
    remove_directory();
}
END_TEST

START_TEST(a_path_without_a_directory_is_looked_for_here)
{
    make_directory();
    write_symbol_file("m-symbol.json");
    write_params_file("m-0000.params", PARAMS_TEXT);
    char before[512];
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(chdir(directory), 0);
    cop_model *model = NULL;
    cop_error error;
    ck_assert_msg(cop_model_load("m", NULL, &model, &error) == COP_STATUS_OK, "%s", error.message);
    cop_model_release(&model);
    ck_assert_int_eq(chdir(before), 0);
    remove_directory();
}
END_TEST

START_TEST(parameters_may_be_stated)
{
    make_directory();
    write_symbol_file("net.json");
    write_params_file("best.params", PARAMS_TEXT);
    char params[128];
    strcpy(params, path_of("best.params"));
    cop_model_options options = COP_MODEL_OPTIONS_INIT;
    options.params_path = params;
    load_good("net.json", &options);
    options.format = COP_MODEL_FORMAT_MXNET;
    options.file_access = COP_FILE_ACCESS_MAP;
    load_good("net.json", &options);
    load_bad(path_of("net.json"), NULL, COP_STATUS_NOT_FOUND, "net-NNNN.params");
    options.params_path = "/nowhere/x.params";
    load_bad(path_of("net.json"), &options, COP_STATUS_NOT_FOUND, "/nowhere/x.params");
    remove_directory();
}
END_TEST

START_TEST(what_is_not_there_is_named)
{
    make_directory();
    load_bad(path_of("m"), NULL, COP_STATUS_NOT_FOUND, "m-symbol.json");
    load_bad(path_of("m-symbol.json"), NULL, COP_STATUS_NOT_FOUND, "m-NNNN.params");
    load_bad(path_of("m.onnx"), NULL, COP_STATUS_NOT_FOUND, "m.onnx");
    load_bad("/nowhere/at/all-symbol.json", NULL, COP_STATUS_NOT_FOUND, "/nowhere/at/all");
    write_symbol_file("m-symbol.json");
    load_bad(path_of("m"), NULL, COP_STATUS_NOT_FOUND, "m-NNNN.params");
    write_params_file("m-0000.params", PARAMS_TEXT);
    load_good("m", NULL);
    write_file("m-0001.params", "", 0);
    load_bad(path_of("m"), NULL, COP_STATUS_MALFORMED_MODEL, "m-0001.params: byte 0");
    write_file("m-symbol.json", "", 0);
    load_bad(path_of("m"), NULL, COP_STATUS_MALFORMED_MODEL, "m-symbol.json: the symbol is empty");
    unlink(path_of("m-symbol.json"));
    ck_assert_int_eq(mkdir(path_of("m-symbol.json"), 0700), 0);
    load_bad(path_of("m"), NULL, COP_STATUS_IO, "not a regular file");
    remove_directory();
}
END_TEST

START_TEST(an_unknown_ending_names_no_format)
{
    make_directory();
    static const char *const names[] = {"m.txt",    "m.pb",     "m.onn",
                                        "m.params", "m.tflite", "x/m.xml"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        load_bad(path_of(names[i]), NULL, COP_STATUS_INVALID_ARGUMENT, strrchr(names[i], '.'));
    load_bad(path_of("net_v1.1"), NULL, COP_STATUS_NOT_FOUND, "net_v1.1-symbol.json");
    write_symbol_file("net.final-symbol.json");
    write_params_file("net.final-0000.params", PARAMS_TEXT);
    load_good("net.final", NULL); /* looks like an ending and is none */
    remove_directory();
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    cop_model_options options = COP_MODEL_OPTIONS_INIT;
    cop_error error;
    cop_model *model = NULL;
    ck_assert_int_eq(cop_model_load("x.onnx", NULL, NULL, &error), COP_STATUS_INVALID_ARGUMENT);
    load_bad(NULL, NULL, COP_STATUS_INVALID_ARGUMENT, "NULL");
    load_bad("", NULL, COP_STATUS_INVALID_ARGUMENT, "empty");
    char endless[5000];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    load_bad(endless, NULL, COP_STATUS_INVALID_ARGUMENT, "a path of 4999 bytes");
    options.struct_size = 0;
    load_bad("x", &options, COP_STATUS_INVALID_ARGUMENT, "struct_size is 0");
    options.struct_size = 123456;
    load_bad("x", &options, COP_STATUS_INVALID_ARGUMENT, "struct_size is 123456");
    options = (cop_model_options)COP_MODEL_OPTIONS_INIT;
    options.format = (cop_model_format)7;
    load_bad("x", &options, COP_STATUS_INVALID_ARGUMENT, "format 7");
    options.format = COP_MODEL_FORMAT_AUTO;
    options.file_access = (cop_file_access)-1;
    load_bad("x", &options, COP_STATUS_INVALID_ARGUMENT, "file_access -1");
    options.file_access = COP_FILE_ACCESS_READ;
    options.params_path = "y.params";
    load_bad("x.onnx", &options, COP_STATUS_INVALID_ARGUMENT, "params_path");
    cop_model_release(&model);
    cop_model_release(NULL);
}
END_TEST

START_TEST(options_of_other_headers_are_understood)
{
    struct {
        cop_model_options known;
        char later[32];
    } longer = {.known = COP_MODEL_OPTIONS_INIT};
    make_directory();
    write_symbol_file("m-symbol.json");
    write_params_file("m-0000.params", PARAMS_TEXT);
    longer.known.struct_size = sizeof longer;
    load_good("m", &longer.known);
    longer.later[5] = 1; /* something that would be ignored silently */
    load_bad(path_of("m"), &longer.known, COP_STATUS_INVALID_ARGUMENT, "does not know");
    cop_model_options shorter = COP_MODEL_OPTIONS_INIT;
    shorter.struct_size = offsetof(cop_model_options, file_access);
    shorter.file_access = (cop_file_access)77; /* behind the end of the older struct */
    load_good("m", &shorter);
    remove_directory();
}
END_TEST

static int releases;

static void count_release(void *user, const void *data)
{
    ck_assert_ptr_eq(user, data);
    releases++;
}

static cop_bytes borrow(const void *data, size_t size)
{
    return (cop_bytes){data, size, count_release, (void *)(uintptr_t)data};
}

START_TEST(borrowed_bytes_are_released_once_and_with_the_model)
{
    struct byte_writer writer;
    write_params(&writer, PARAMS_TEXT);
    char *json = write_json(SYMBOL_TEXT);
    const cop_bytes symbol = borrow(json, strlen(json)), params = borrow(writer.bytes, writer.size);
    cop_model *model = NULL;
    cop_error error = {0};
    ck_assert_msg(cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &symbol, &params, NULL, &model,
                                       &error) == COP_STATUS_OK,
                  "%s", error.message);
    ck_assert_int_eq(releases, 1); /* the symbol is not needed any more */
    cop_model *other = cop_model_retain(model);
    cop_model_release(&model);
    ck_assert_int_eq(releases, 1);
    cop_model_release(&other);
    ck_assert_int_eq(releases, 2);
    free(json);
}
END_TEST

START_TEST(borrowed_bytes_are_released_once_by_a_load_that_fails)
{
    struct byte_writer writer;
    write_params(&writer, PARAMS_TEXT);
    char *json = write_json(SYMBOL_TEXT);
    const cop_bytes symbol = borrow(json, strlen(json)), params = borrow(writer.bytes, writer.size);
    const cop_bytes cut = borrow(writer.bytes, writer.size - 1), nothing = borrow(json, 0);
    cop_model_options wrong = COP_MODEL_OPTIONS_INIT;
    wrong.struct_size = 1;
    cop_model *model = NULL;
    const struct {
        cop_model_format format;
        const cop_bytes *graph, *weights;
        const cop_model_options *options;
        cop_model **model;
        int released;
    } loads[] = {
        {COP_MODEL_FORMAT_MXNET, &symbol, &cut, NULL, &model, 2},
        {COP_MODEL_FORMAT_MXNET, &nothing, &params, NULL, &model, 2},
        {COP_MODEL_FORMAT_MXNET, &symbol, &params, &wrong, &model, 2},
        {COP_MODEL_FORMAT_MXNET, &symbol, &params, NULL, NULL, 2},
        {COP_MODEL_FORMAT_MXNET, &symbol, NULL, NULL, &model, 1},
        {COP_MODEL_FORMAT_MXNET, NULL, &params, NULL, &model, 1},
        {COP_MODEL_FORMAT_AUTO, &symbol, &params, NULL, &model, 2},
        {COP_MODEL_FORMAT_ONNX, &symbol, &params, NULL, &model, 2},
        {COP_MODEL_FORMAT_ONNX, &symbol, NULL, NULL, &model, 1},
        {COP_MODEL_FORMAT_ONNX, NULL, NULL, NULL, &model, 0},
    };
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        releases = 0;
        cop_error error = {0};
        const cop_status status =
            cop_model_load_bytes(loads[i].format, loads[i].graph, loads[i].weights,
                                 loads[i].options, loads[i].model, &error);
        ck_assert_msg(status != COP_STATUS_OK && error.message[0] != '\0', "load %zu", i);
        ck_assert_msg(releases == loads[i].released, "load %zu released %d times", i, releases);
        ck_assert_ptr_null(model);
    }
    free(json);
}
END_TEST

START_TEST(borrowed_bytes_are_released_once_when_memory_is_short)
{
    struct byte_writer writer;
    write_params(&writer, PARAMS_TEXT);
    char *json = write_json(SYMBOL_TEXT);
    const cop_bytes symbol = borrow(json, strlen(json)), params = borrow(writer.bytes, writer.size);
    cop_status status = COP_STATUS_OUT_OF_MEMORY;
    for (int64_t k = 0; status == COP_STATUS_OUT_OF_MEMORY; k++) {
        cop_model *model = NULL;
        releases = 0;
        cop_alloc_fail_after(k, 1);
        status = cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &symbol, &params, NULL, &model, NULL);
        cop_alloc_fail_after(-1, 0);
        cop_model_release(&model);
        ck_assert_int_eq(releases, 2);
    }
    ck_assert_int_eq(status, COP_STATUS_OK);
    free(json);
}
END_TEST

START_TEST(every_failed_allocation_of_a_load_from_files_is_reported)
{
    make_directory();
    write_symbol_file("m-symbol.json");
    write_params_file("m-0000.params", PARAMS_TEXT);
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        cop_status status = COP_STATUS_OUT_OF_MEMORY;
        for (int64_t k = 0; status == COP_STATUS_OUT_OF_MEMORY; k++) {
            cop_model *model = NULL;
            cop_alloc_fail_after(k, for_ever);
            status = cop_model_load(path_of("m"), NULL, &model, NULL);
            cop_alloc_fail_after(-1, 0);
            cop_model_release(&model);
            ck_assert_uint_eq(cop_alloc_counters().live_bytes, 0);
        }
        ck_assert_int_eq(status, COP_STATUS_OK);
    }
    remove_directory();
}
END_TEST

START_TEST(inputs_and_outputs_are_described)
{
    struct byte_writer writer;
    write_params(&writer, PARAMS_TEXT);
    char *json = write_json(SYMBOL_TEXT);
    const cop_bytes symbol = {.data = json, .size = strlen(json)};
    const cop_bytes params = {.data = writer.bytes, .size = writer.size};
    cop_model *model = NULL;
    ck_assert_int_eq(
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &symbol, &params, NULL, &model, NULL),
        COP_STATUS_OK);
    memset(json, 0, strlen(json)); /* copied: may go */
    free(json);
    cop_tensor_desc desc;
    ck_assert_uint_eq(cop_model_input_count(model), 1);
    ck_assert_int_eq(cop_model_input(model, 0, &desc, NULL), COP_STATUS_OK);
    ck_assert_str_eq(desc.name, "x");
    ck_assert_int_eq(desc.rank, 2);
    ck_assert_int_eq(desc.shape[0], -1);
    ck_assert_int_eq(desc.shape[1], 3);
    ck_assert_int_eq(cop_model_output(model, 0, &desc, NULL), COP_STATUS_OK);
    ck_assert_str_eq(desc.name, "fc_output");
    ck_assert_int_eq(cop_model_output(model, 1, &desc, NULL), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_model_input(model, 0, NULL, NULL), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_model_input(NULL, 0, &desc, NULL), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_model_output(NULL, 0, &desc, NULL), COP_STATUS_INVALID_ARGUMENT);
    cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS("model", the_highest_number_beside_the_symbol_is_taken,
                     a_path_without_a_directory_is_looked_for_here, parameters_may_be_stated,
                     what_is_not_there_is_named, an_unknown_ending_names_no_format,
                     wrong_arguments_are_refused, options_of_other_headers_are_understood,
                     borrowed_bytes_are_released_once_and_with_the_model,
                     borrowed_bytes_are_released_once_by_a_load_that_fails,
                     borrowed_bytes_are_released_once_when_memory_is_short,
                     every_failed_allocation_of_a_load_from_files_is_reported,
                     inputs_and_outputs_are_described);
}
