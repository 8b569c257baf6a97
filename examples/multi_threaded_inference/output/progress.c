// SPDX-License-Identifier: Apache-2.0
#include "output/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BAR_COLUMNS 40

bool progress_is_shown(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

void progress_draw(double fraction, double images_per_second)
{
    char bar[BAR_COLUMNS + 1];
    fraction = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
    int filled = (int)(fraction * BAR_COLUMNS);
    memset(bar, '#', (size_t)filled);
    memset(bar + filled, '.', (size_t)(BAR_COLUMNS - filled));
    bar[BAR_COLUMNS] = '\0';
    fprintf(stderr, "\r[%s] %3.0f %%  %.1f images/s \033[K", bar, fraction * 100,
            images_per_second);
    fflush(stderr);
}

void progress_clear(void)
{
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
