// SPDX-License-Identifier: Apache-2.0
/* Real models for tests: outside the project, so a test must do without when they are not there. */
#ifndef TEST_SUPPORT_DATA_H
#define TEST_SUPPORT_DATA_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SKIPPED 77 /* what meson takes for a skipped test */

/* The folder of the test data; NULL, after saying so, when it is not there. */
static inline const char *find_data_folder(void)
{
    const char *root = getenv("COP_TEST_DATA");
    if (root != NULL && access(root, R_OK) == 0)
        return root;
    printf("SKIP: real models are not there (%s)\n",
           root == NULL ? "COP_TEST_DATA is not set" : root);
    return NULL;
}

/* The path of a file of the test data in `path`; false, after saying so, when it is not there. */
static inline bool find_data(const char *name, char path[512])
{
    const char *root = getenv("COP_TEST_DATA");
    snprintf(path, 512, "%s/%s", root == NULL ? "../shared/data" : root, name);
    if (access(path, R_OK) == 0)
        return true;
    printf("skipped: %s is not there\n", path);
    return false;
}

#endif
