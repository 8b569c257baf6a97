// SPDX-License-Identifier: Apache-2.0
/** The default model and its labels: files of the folder embedded/, part of the program. */
#ifndef EXAMPLE_EMBEDDED_H
#define EXAMPLE_EMBEDDED_H

#include <stdint.h>

/** How its input is made. */
#define EMBEDDED_PRESET "imagenet"
#define EMBEDDED_NAME   "shapes (embedded)"

/** Made by embed.py. */
extern const unsigned char embedded_model[], embedded_labels[];
extern const uint64_t embedded_model_size, embedded_labels_size;

#endif
