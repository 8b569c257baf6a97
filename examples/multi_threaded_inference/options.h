// SPDX-License-Identifier: Apache-2.0
/** The command line. */
#ifndef EXAMPLE_OPTIONS_H
#define EXAMPLE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cachedop/cachedop.h>

#include "failure.h"
#include "image/preprocess.h"

#define PROGRAM_NAME "multi_threaded_inference"

#define OPTIONS_MAX_THREADS 1024

struct options {
    const char *model; /**< NULL: the embedded one */
    char **images;
    size_t image_count;

    int threads; /**< 0: one for each image */
    bool device_given;
    cop_device device;
    bool gpu_given; /**< one of the following */
    cop_precision precision;
    cop_gpu_kernels kernels;
    const char *module; /**< of the GPU backend; NULL: the one beside the library */
    bool input_shape_given;
    int64_t input_shape[3]; /**< C, H, W */
    bool async;
    int workers;        /**< of the library's engine; -1: its default */
    int64_t timeout_ns; /**< of each invocation; COP_NO_TIMEOUT: none */

    const char *labels; /**< NULL: none, or the embedded ones */
    size_t top;
    bool raw;
    bool json;

    const char *preset; /**< NULL: what suits the model; the following override it */
    bool channel_order_given, bgr;
    bool scale_given, mean_given, std_given;
    double scale, mean[PREPROCESS_MAX_CHANNELS], std[PREPROCESS_MAX_CHANNELS];
    int short_side; /**< 0: not given */
    bool stretch;
    int crop; /**< 0: not given */

    uint64_t repeat;   /**< 0: no load */
    double duration_s; /**< 0: no load */
    const char *trace; /**< NULL: none */
    bool profile;

    bool help, version;
};

/**
 * Understands the arguments. Texts in `options` are those of `arguments`, which are reordered.
 * @return false: a usage error, which `failure` describes
 */
bool options_parse(int argument_count, char **arguments, struct options *options,
                   struct failure *failure);

/** The preprocessing that the options ask for, `preset` being what suits the model. */
struct preprocessing options_preprocessing(const struct options *options, const char *preset);

void options_print_help(FILE *file);

#endif
