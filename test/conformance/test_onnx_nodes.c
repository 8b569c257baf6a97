// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the ONNX project's own test cases, as Debian's libonnx-testdata holds them, on every device
 * of the processor. A case that needs what is not supported is skipped by the library's own word; a
 * wrong answer is always a failure. How many must pass is fixed here: support that is lost is seen.
 *
 *     test_onnx_nodes [-v] [FOLDER...]    only the cases of these folders; -v: say why each is
 * skipped
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/onnx_cases.h"

#define SKIPPED_EXIT_CODE 77
#define DEFAULT_ROOT      "/usr/share/libonnx-testdata/data"

static const struct family {
    const char *name;
    int must_pass; /* cases, on each device */
} families[] = {
    {"node", 411},
    {"simple", 2},
    {"pytorch-converted", 80},
    {"pytorch-operator", 31},
};

struct tally {
    int passed, failed, skipped;
};

static bool is_verbose;

static void run_case(const char *folder, cop_device_kind device, struct tally *tally)
{
    const struct case_result result = run_onnx_case(folder, device, 0);
    const char *name = strrchr(folder, '/') + 1;
    const char *on = device == COP_DEVICE_REF ? "ref" : "cpu";
    tally->passed += result.verdict == CASE_PASSED;
    tally->failed += result.verdict == CASE_FAILED;
    tally->skipped += result.verdict == CASE_SKIPPED;
    if (result.verdict == CASE_FAILED)
        printf("FAILED %s on %s: %s\n", name, on, result.reason);
    else if (result.verdict == CASE_SKIPPED && is_verbose)
        printf("skipped %s on %s: %s\n", name, on, result.reason);
    fflush(stdout);
}

static int is_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Runs a family on one device; false: something failed, or too little passed. */
static bool run_family(const char *root, const struct family *family, cop_device_kind device)
{
    char folder[1024];
    struct dirent **entries = NULL;
    struct tally tally = {0};
    snprintf(folder, sizeof folder, "%s/%s", root, family->name);
    const int count = scandir(folder, &entries, is_case, alphasort);
    for (int i = 0; i < count; i++) {
        char path[1400];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        run_case(path, device, &tally);
        free(entries[i]);
    }
    free(entries);
    printf("%s on %s: %d passed, %d failed, %d skipped\n", family->name,
           device == COP_DEVICE_REF ? "ref" : "cpu", tally.passed, tally.failed, tally.skipped);
    if (tally.passed < family->must_pass)
        printf("FAILED %s: %d cases passed, at least %d must\n", family->name, tally.passed,
               family->must_pass);
    return tally.failed == 0 && tally.passed >= family->must_pass;
}

static bool run_folders(int count, char **folders)
{
    struct tally tally = {0};
    for (int i = 0; i < count; i++)
        for (int device = 0; device < 2; device++)
            run_case(folders[i], device == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU, &tally);
    printf("%d passed, %d failed, %d skipped\n", tally.passed, tally.failed, tally.skipped);
    return tally.failed == 0;
}

int main(int argc, char **argv)
{
    const char *root = getenv("COP_ONNX_TEST_DATA");
    if (root == NULL)
        root = DEFAULT_ROOT;
    int first = 1;
    is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    first += is_verbose;
    if (first < argc)
        return run_folders(argc - first, argv + first) ? EXIT_SUCCESS : EXIT_FAILURE;
    if (access(root, R_OK) != 0) {
        printf("skipped: no test cases in %s (Debian: libonnx-testdata)\n", root);
        return SKIPPED_EXIT_CODE;
    }
    bool is_good = true;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (int device = 0; device < 2; device++)
            is_good &=
                run_family(root, &families[i], device == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU);
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
