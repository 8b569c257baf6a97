// SPDX-License-Identifier: Apache-2.0
/** A progress bar on standard error. */
#ifndef EXAMPLE_PROGRESS_H
#define EXAMPLE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/** Whether standard error is a terminal that can draw one. */
bool progress_is_shown(void);

/** Draws over what was drawn before. `fraction` is cut to 0 .. 1. */
void progress_draw(double fraction, double images_per_second);

void progress_clear(void);

#endif
