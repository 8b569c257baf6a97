// SPDX-License-Identifier: Apache-2.0
/** The default model and its labels: files of the folder embedded/, part of the program. */
#ifndef EXAMPLE_EMBEDDED_H
#define EXAMPLE_EMBEDDED_H

/** How its input is made. */
#define EMBEDDED_PRESET "imagenet"
#define EMBEDDED_NAME   "shapes (embedded)"

/** Byte ranges, made by embedded.S: from the first name up to the second. */
extern const unsigned char embedded_model_begin[], embedded_model_end[];
extern const unsigned char embedded_labels_begin[], embedded_labels_end[];

#endif
