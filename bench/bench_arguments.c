// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static void print_usage(const char *program, const char *question)
{
    fprintf(stderr,
            "%s\n\nusage: %s [options] MODEL\n"
            "  --callers 1,2,4   numbers of threads that invoke at once (1,2); also --threads\n"
            "  --seconds S       length of one measurement (1)\n"
            "  --rounds N        measurements, of which the median counts (5)\n"
            "  --intra-op N      threads inside one invocation (1)\n"
            "  --batch N         first dimension of every input (as the model says)\n"
            "  --device D        cpu, ref or gpu:N (cpu)\n"
            "  --module PATH     of the GPU backend (beside the library)\n"
            "  --precision P     fp32, tf32, bf16 or fp16, of a GPU (fp32)\n"
            "  --kernels K       auto, own or library, of a GPU (auto)\n"
            "  --arrays A        host, pinned or device: where inputs and outputs lie (host)\n"
            "  --fast-run        spend time at create on faster kernels\n"
            "  --reference FILE  what ref gave: read, or written where it is missing\n"
            "  --no-check        do not compare with the reference kernels first\n",
            question, program);
}

static int parse_callers(struct bench_arguments *arguments, char *list)
{
    char *rest = NULL;
    arguments->caller_count = 0;
    for (char *item = strtok_r(list, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
        const int count = atoi(item);
        if (count < 1 || count > BENCH_MAX_CALLERS || arguments->caller_count == BENCH_MAX_CALLERS)
            return 0;
        arguments->callers[arguments->caller_count++] = count;
    }
    return arguments->caller_count > 0;
}

static int parse_device(cop_device *device, const char *text)
{
    char *end = NULL;
    *device = (cop_device){COP_DEVICE_CPU, 0};
    if (strcmp(text, "cpu") == 0)
        return 1;
    device->kind = strcmp(text, "ref") == 0 ? COP_DEVICE_REF : COP_DEVICE_GPU;
    if (device->kind == COP_DEVICE_REF || strcmp(text, "gpu") == 0)
        return 1;
    if (strncmp(text, "gpu:", 4) != 0 || text[4] < '0' || text[4] > '9')
        return 0;
    device->index = (int)strtol(text + 4, &end, 10);
    return *end == '\0';
}

/* The place of a word in a list that ends with NULL. */
static int parse_word(const char *const *words, const char *text, int *place)
{
    for (*place = 0; words[*place] != NULL; ++*place)
        if (strcmp(words[*place], text) == 0)
            return 1;
    return 0;
}

static const char *const precisions[] = {"fp32", "tf32", "bf16", "fp16", NULL};
static const char *const kernels[] = {"auto", "own", "library", NULL};
static const char *const memories[] = {"host", "pinned", "device", NULL};

const char *bench_precision_name(cop_precision precision)
{
    return precisions[precision];
}

const char *bench_kernels_name(cop_gpu_kernels whose)
{
    return kernels[whose];
}

const char *bench_memory_name(cop_memory memory)
{
    return memories[memory];
}

/* What concerns the device. */
static int take_device(struct bench_arguments *arguments, int option, const char *text)
{
    int place = 0, is_right = 1;
    switch (option) {
    case 'd':
        is_right = parse_device(&arguments->device, text);
        arguments->device_name = text;
        break;
    case 'm':
        arguments->module = text;
        break;
    case 'p':
        is_right = parse_word(precisions, text, &place);
        arguments->precision = (cop_precision)place;
        break;
    case 'k':
        is_right = parse_word(kernels, text, &place);
        arguments->kernels = (cop_gpu_kernels)place;
        break;
    default: /* 'a' */
        is_right = parse_word(memories, text, &place);
        arguments->arrays = (cop_memory)place;
    }
    return is_right;
}

static int take_option(struct bench_arguments *arguments, int option, char *text)
{
    switch (option) {
    case 'c':
        return parse_callers(arguments, text);
    case 's':
        return (arguments->seconds = atof(text)) > 0;
    case 'r':
        return (arguments->rounds = atoi(text)) > 0;
    case 'i':
        return (arguments->intra_op = atoi(text)) > 0;
    case 'b':
        return (arguments->batch = atoll(text)) > 0;
    case 'f':
        arguments->tuning = COP_TUNING_FAST_RUN;
        return 1;
    case 'R':
        arguments->reference = text;
        return 1;
    case 'n':
        arguments->skips_check = 1;
        return 1;
    case '?':
        return 0;
    default:
        return take_device(arguments, option, text);
    }
}

struct bench_arguments bench_parse(int argc, char **argv, const char *question)
{
    static const struct option table[] = {
        {"callers", 1, NULL, 'c'},   {"threads", 1, NULL, 'c'},  {"seconds", 1, NULL, 's'},
        {"rounds", 1, NULL, 'r'},    {"intra-op", 1, NULL, 'i'}, {"batch", 1, NULL, 'b'},
        {"device", 1, NULL, 'd'},    {"module", 1, NULL, 'm'},   {"precision", 1, NULL, 'p'},
        {"kernels", 1, NULL, 'k'},   {"arrays", 1, NULL, 'a'},   {"no-check", 0, NULL, 'n'},
        {"reference", 1, NULL, 'R'}, {"fast-run", 0, NULL, 'f'}, {NULL, 0, NULL, 0},
    };
    struct bench_arguments arguments = {.callers = {1, 2},
                                        .caller_count = 2,
                                        .seconds = 1,
                                        .rounds = 5,
                                        .intra_op = 1,
                                        .device_name = "cpu"};
    int is_right = 1, option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1)
        is_right &= take_option(&arguments, option, optarg);
    if (!is_right || optind != argc - 1) {
        print_usage(argv[0], question);
        exit(2);
    }
    arguments.model = argv[optind];
    return arguments;
}
