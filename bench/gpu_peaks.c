// SPDX-License-Identifier: Apache-2.0
#include "gpu_peaks.h"

#include <stdlib.h>
#include <string.h>

#include "steps.h"

#define TERA 1e12
#define GIGA 1e9

/* fp32 is that of the CUDA cores. The longer names come first. */
static const struct gpu_peaks table[] = {
    {"NVIDIA H200", {67 * TERA, 494.5 * TERA, 989 * TERA, 989 * TERA}, 4800 * GIGA},
    {"NVIDIA H100 PCIe", {51.2 * TERA, 378 * TERA, 756 * TERA, 756 * TERA}, 2039 * GIGA},
    {"NVIDIA H100", {67 * TERA, 494.5 * TERA, 989 * TERA, 989 * TERA}, 3352 * GIGA},
    {"NVIDIA A100-SXM4-40GB", {19.5 * TERA, 156 * TERA, 312 * TERA, 312 * TERA}, 1555 * GIGA},
    {"NVIDIA A100-PCIE-40GB", {19.5 * TERA, 156 * TERA, 312 * TERA, 312 * TERA}, 1555 * GIGA},
    {"NVIDIA A100 80GB PCIe", {19.5 * TERA, 156 * TERA, 312 * TERA, 312 * TERA}, 1935 * GIGA},
    {"NVIDIA A100", {19.5 * TERA, 156 * TERA, 312 * TERA, 312 * TERA}, 2039 * GIGA},
    {"NVIDIA L4", {30.3 * TERA, 60 * TERA, 121 * TERA, 121 * TERA}, 300 * GIGA},
    {"Tesla T4", {8.1 * TERA, 0, 0, 65 * TERA}, 320 * GIGA},
};

const struct gpu_peaks *gpu_peaks_of(const char *device_name)
{
    const char *blank = strchr(device_name, ' '); /* the backend's name begins with "gpu:0 " */
    if (strncmp(device_name, "gpu:", 4) == 0 && blank != NULL)
        device_name = blank + 1;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const size_t length = strlen(table[i].name);
        const char after =
            strncmp(device_name, table[i].name, length) == 0 ? device_name[length] : 'x';
        if (after == '\0' || after == ' ' || after == '-') /* an L40 is no L4 */
            return &table[i];
    }
    return NULL;
}

/* One pass over data [1, COUNT]: nothing is computed, much is moved. */
#define MODEL                                                                                      \
    "{\"nodes\":[{\"op\":\"null\",\"name\":\"data\",\"attrs\":{\"__shape__\":\"(1,%ld)\"},"        \
    "\"inputs\":[]},{\"op\":\"relu\",\"name\":\"relu\",\"inputs\":[[0,0]]}],"                      \
    "\"arg_nodes\":[0],\"heads\":[[1,0]],\"attrs\":{\"mxnet_version\":[\"int\",10901]}}"
static const uint64_t no_params[] = {0x112, 0, 0, 0}; /* magic, reserved, no arrays, no names */

double gpu_measure_bytes(const struct bench_arguments *arguments, double seconds)
{
    /* 256 MB on a GPU, whose caches end at some 60 MB */
    const long count = arguments->device.kind == COP_DEVICE_GPU ? 64L << 20 : 1L << 20;
    char text[1024];
    snprintf(text, sizeof text, MODEL, count);
    const cop_bytes symbol = {text, strlen(text), NULL, NULL};
    const cop_bytes params = {no_params, sizeof no_params, NULL, NULL};
    struct bench_arguments plain = *arguments;
    struct bench_subject subject = {.device = arguments->device, .arrays = COP_MEMORY_DEVICE};
    cop_error error;
    plain.batch = 0;
    bench_check(cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &symbol, &params, NULL, &subject.model,
                                     &error),
                &error, "a pass over memory");
    subject.op = bench_compile(&plain, subject.model);
    subject.src_count = subject.dst_count = 1;
    const int64_t shape[] = {1, count};
    bench_check(cop_ndarray_create(COP_DTYPE_FLOAT32, 2, shape, &subject.src[0], &error), &error,
                "array");
    bench_fill(subject.src[0], 0, 1, 0);
    struct bench_steps steps = bench_read_steps(&subject);
    bench_run_steps(&subject, seconds, &steps);
    double best = 0;
    for (size_t i = 0; i < steps.count; i++) {
        const double took = bench_quantile(&steps.list[i].seconds, 0.1);
        if (took > 0 && steps.list[i].bytes / took > best)
            best = steps.list[i].bytes / took;
    }
    bench_release_steps(&steps);
    bench_release(&subject);
    return best;
}
