// SPDX-License-Identifier: Apache-2.0
/* Files that have a hundred thousand of everything are read in time that grows with their size, not
 * with its square: which would be minutes. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <mxnet/c_predict_api.h>

#include "mxnet/mx_client.h"

#define COUNT        100000
#define MOST_SECONDS 20 /* with sanitizers on a busy machine; a second without */

static char *json, *params;
static size_t params_size;
static const char **names;
static double begin;

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* One sum of all. */
static void write_symbol(void)
{
    size_t size;
    FILE *file = open_memstream(&json, &size);
    ck_assert_ptr_nonnull(file);
    fputs("{\"nodes\": [", file);
    for (int i = 0; i < COUNT; i++)
        fprintf(file, "{\"op\": \"null\", \"name\": \"v%d\", \"inputs\": []},", i);
    fprintf(file, "{\"op\": \"add_n\", \"name\": \"sum\", \"attrs\": {\"num_args\": \"%d\"},",
            COUNT);
    fputs("\"inputs\": [", file);
    for (int i = 0; i < COUNT; i++)
        fprintf(file, "%s[%d, 0, 0]", i == 0 ? "" : ",", i);
    fprintf(file, "]}], \"arg_nodes\": [0], \"heads\": [[%d, 0, 0]]}", COUNT);
    fclose(file);
}

static void write_params(void)
{
    static const uint32_t record[] = {0xF993FAC9, 0, 1, 1, 0, 1, 0, 0, 0x3F800000};
    const uint64_t head[] = {0x112, 0, COUNT}, count = COUNT;
    FILE *file = open_memstream(&params, &params_size);
    ck_assert_ptr_nonnull(file);
    fwrite(head, sizeof head, 1, file);
    for (int i = 0; i < COUNT; i++)
        fwrite(record, sizeof record, 1, file);
    fwrite(&count, sizeof count, 1, file);
    for (int i = 0; i < COUNT; i++) {
        char name[32];
        const uint64_t length = (uint64_t)snprintf(name, sizeof name, "arg:v%d", COUNT - 1 - i);
        fwrite(&length, sizeof length, 1, file);
        fwrite(name, length, 1, file);
    }
    fclose(file);
}

static void set_up(void)
{
    write_symbol();
    write_params();
    names = malloc(COUNT * sizeof *names);
    ck_assert_ptr_nonnull(names);
    for (int i = 0; i < COUNT; i++) {
        char name[32];
        snprintf(name, sizeof name, "v%d", i);
        names[i] = strdup(name);
    }
    begin = cpu_seconds();
}

static void tear_down(void)
{
    const double seconds = cpu_seconds() - begin;
    printf("%.2f s\n", seconds);
    ck_assert_double_lt(seconds, MOST_SECONDS);
    for (int i = 0; i < COUNT; i++)
        free((char *)(uintptr_t)names[i]);
    free(names);
    free(json);
    free(params);
}

START_TEST(a_symbol_of_many_variables_is_read_and_written)
{
    const char *text, **listed;
    uint32_t count;
    SymbolHandle symbol = mx_symbol(json), internals;
    MX(MXSymbolListArguments(symbol, &count, &listed));
    ck_assert_uint_eq(count, COUNT);
    MX(MXSymbolSaveToJSON(symbol, &text));
    MX(MXSymbolGetInternals(symbol, &internals));
    MX(MXSymbolFree(internals));
    MX(MXSymbolFree(symbol));
}
END_TEST

START_TEST(shapes_of_many_variables_are_inferred_by_name)
{
    SymbolHandle symbol = mx_symbol(json);
    uint32_t sizes[3], *offsets = malloc((COUNT + 1) * sizeof *offsets),
                       *dims = malloc(COUNT * sizeof *dims);
    const uint32_t *ranks[3], **shapes[3];
    int complete;
    for (uint32_t i = 0; i <= COUNT; i++)
        offsets[i] = i;
    for (uint32_t i = 0; i < COUNT; i++)
        dims[i] = 1;
    MX(MXSymbolInferShape(symbol, COUNT, names, offsets, dims, &sizes[0], &ranks[0], &shapes[0],
                          &sizes[1], &ranks[1], &shapes[1], &sizes[2], &ranks[2], &shapes[2],
                          &complete));
    ck_assert_int_eq(complete, 1);
    free(offsets);
    free(dims);
    MX(MXSymbolFree(symbol));
}
END_TEST

START_TEST(many_parameters_find_their_variables)
{
    PredictorHandle predictor;
    const char *key = "none";
    uint32_t *shape, rank;
    MX(MXPredCreate(json, params, (int)params_size, 1, 0, 1, &key, (const uint32_t[]){0, 1},
                    (const uint32_t[]){1}, &predictor));
    MX(MXPredGetOutputShape(predictor, 0, &shape, &rank));
    ck_assert_uint_eq(rank, 1);
    MX(MXPredFree(predictor));
}
END_TEST

START_TEST(many_shapes_find_their_variables)
{
    PredictorHandle predictor;
    uint32_t *offsets = malloc((COUNT + 1) * sizeof *offsets), *dims = malloc(COUNT * sizeof *dims);
    for (uint32_t i = 0; i <= COUNT; i++)
        offsets[i] = i;
    for (uint32_t i = 0; i < COUNT; i++)
        dims[i] = 1;
    MX(MXPredCreate(json, NULL, 0, 1, 0, COUNT, names, offsets, dims, &predictor));
    MX(MXPredFree(predictor));
    free(offsets);
    free(dims);
}
END_TEST

START_TEST(a_list_of_many_arrays_is_read)
{
    uint32_t length;
    NDListHandle list;
    MX(MXNDListCreate(params, (int)params_size, &list, &length));
    ck_assert_uint_eq(length, COUNT);
    MX(MXNDListFree(list));
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "mx_scale", set_up, tear_down, a_symbol_of_many_variables_is_read_and_written,
        shapes_of_many_variables_are_inferred_by_name, many_parameters_find_their_variables,
        many_shapes_find_their_variables, a_list_of_many_arrays_is_read);
}
