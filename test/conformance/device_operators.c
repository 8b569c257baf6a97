// SPDX-License-Identifier: Apache-2.0
/*
 * Every operator case on one device against the reference kernels, one line at the end:
 *
 *     device_operators [--device gpu:0] [--module PATH] [--kernels auto|own|library]
 *                      [--precision fp32|tf32|bf16|fp16] [--every N] [--names]
 *
 * A case that the device leaves to the reference kernels is counted, and named with --names; any
 * other must be right. --every N takes every n-th case only, where time is short. Exit status: 0
 * all right, 1 some wrong, 2 the device cannot be used.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <cachedop/library.h>

#include "op_case.h"
#include "support/unit.h"

static const struct op_cases *const families[] = {
    &convolution_cases,   &matrix_cases, &pooling_cases,   &elementwise_cases,
    &normalization_cases, &concat_cases, &reduction_cases,
};
#define FAMILIES ((int)(sizeof families / sizeof *families))

static struct {
    cop_device device;
    cop_precision precision;
    cop_gpu_kernels kernels;
    int every, prints_names;
} arguments = {.device = {COP_DEVICE_GPU, 0}, .every = 1};

static struct device *device;
static int run_count, fallback_count;

static const struct op_case *row_of(int index)
{
    int family = 0;
    for (; index >= (int)families[family]->count; family++)
        index -= (int)families[family]->count;
    return &families[family]->rows[index];
}

START_TEST(case_gives_what_the_reference_gives)
{
    const struct op_case *row = row_of(_i * arguments.every);
    static const struct {
        const char *how;
        struct op_conditions conditions;
    } ways[] = {
        {"plain", {0}},
        {"formats", {.layout_of = convolution_layout}},
        {"misaligned", {.misalign = true}},
    };
    cop_error error;
    bool runs = true;
    for (size_t i = 0; i < sizeof ways / sizeof *ways && runs; i++) {
        struct op_conditions conditions = ways[i].conditions;
        conditions.precision = arguments.precision;
        conditions.gpu_kernels = arguments.kernels;
        runs = run_op_case(device, row, &conditions, ways[i].how, &error);
        if (!runs && arguments.prints_names)
            printf("%s, %s: left to ref: %s\n", row->name, ways[i].how, error.message);
    }
    run_count += runs;
    fallback_count += !runs;
}
END_TEST

/* Whether the word is in the list that ends with NULL, and where. */
static bool find_word(const char *const *words, const char *text, int *place)
{
    for (*place = 0; words[*place] != NULL; ++*place)
        if (strcmp(words[*place], text) == 0)
            return true;
    return false;
}

static bool parse_device(const char *text)
{
    arguments.device = (cop_device){COP_DEVICE_CPU, 0};
    if (strcmp(text, "cpu") == 0)
        return true;
    arguments.device.kind = strcmp(text, "ref") == 0 ? COP_DEVICE_REF : COP_DEVICE_GPU;
    return arguments.device.kind == COP_DEVICE_REF ||
           sscanf(text, "gpu:%d", &arguments.device.index) == 1;
}

static bool take_option(int option, const char *text)
{
    static const char *const precisions[] = {"fp32", "tf32", "bf16", "fp16", NULL};
    static const char *const kernels[] = {"auto", "own", "library", NULL};
    cop_error error = {.message = ""};
    int place = 0;
    bool is_right = true;
    switch (option) {
    case 'd':
        return parse_device(text);
    case 'm':
        is_right = cop_load_module(text, &error) == COP_STATUS_OK;
        if (!is_right)
            fprintf(stderr, "%s\n", error.message);
        return is_right;
    case 'p':
        is_right = find_word(precisions, text, &place);
        arguments.precision = (cop_precision)place;
        return is_right;
    case 'k':
        is_right = find_word(kernels, text, &place);
        arguments.kernels = (cop_gpu_kernels)place;
        return is_right;
    case 'e':
        arguments.every = atoi(text);
        return arguments.every > 0;
    case 'n':
        arguments.prints_names = 1;
        return true;
    default:
        return false;
    }
}

static bool parse(int argc, char **argv)
{
    static const struct option table[] = {
        {"device", 1, NULL, 'd'},    {"module", 1, NULL, 'm'}, {"kernels", 1, NULL, 'k'},
        {"precision", 1, NULL, 'p'}, {"every", 1, NULL, 'e'},  {"names", 0, NULL, 'n'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1)
        if (!take_option(option, optarg))
            return false;
    return optind == argc;
}

int main(int argc, char **argv)
{
    struct device_chain chain;
    cop_error error;
    if (!parse(argc, argv)) {
        fprintf(stderr, "usage: see the head of the source\n");
        return 2;
    }
    if (cop_device_chain(arguments.device, &chain, &error) != COP_STATUS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    device = chain.devices[0];
    int rows = 0;
    for (int i = 0; i < FAMILIES; i++)
        rows += (int)families[i]->count;
    const int tests = (rows + arguments.every - 1) / arguments.every;
    TCase *cases = tcase_create("operators");
    tcase_add_loop_test(cases, case_gives_what_the_reference_gives, 0, tests);
    Suite *suite = suite_create("operators of a device");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* a device is opened once in a process */
    srunner_run_all(runner, CK_NORMAL);
    const int wrong = srunner_ntests_failed(runner);
    srunner_free(runner);
    printf("%s (%s): %d cases: %d right, %d left to ref, %d wrong\n", device->name,
           device->backend->name, tests, run_count, fallback_count, wrong);
    return wrong == 0 && run_count > 0 ? 0 : 1;
}
