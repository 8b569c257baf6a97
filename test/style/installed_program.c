// SPDX-License-Identifier: Apache-2.0
/* A program of a user: only public headers, only the installed library. */
#include <stdio.h>
#include <string.h>

#include <cachedop/cachedop.h>

int main(void)
{
    char expected[32];
    snprintf(expected, sizeof expected, "%d.%d.%d", COP_VERSION_MAJOR, COP_VERSION_MINOR,
             COP_VERSION_PATCH);
    if (strcmp(expected, cop_version()) != 0)
        return printf("headers are %s, the library is %s\n", expected, cop_version()), 1;

    cop_error error;
    cop_model *model = NULL;
    if (cop_model_load("does-not-exist.onnx", NULL, &model, &error) != COP_STATUS_NOT_FOUND ||
        model != NULL || strstr(error.message, "does-not-exist.onnx") == NULL)
        return printf("a missing file gave: %s\n", error.message), 1;
    for (size_t i = 0; i < cop_device_count(); i++) {
        cop_device_desc desc;
        if (cop_device_describe(i, &desc, &error) != COP_STATUS_OK)
            return printf("device %zu: %s\n", i, error.message), 1;
        printf("device %zu: %s\n", i, desc.name);
    }
    return 0;
}
