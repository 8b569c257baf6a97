// SPDX-License-Identifier: Apache-2.0
#include "mxnet/base/mx_context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cachedop/library.h>

#include "base/error.h"

static const struct {
    const char *name;
    int type;
} names[] = {
    {"cpu", MX_CPU},
    {"gpu", MX_GPU},
    {"cpu_pinned", MX_CPU_PINNED},
    {"cpu_shared", MX_CPU_SHARED},
};
#define NAME_COUNT (sizeof names / sizeof names[0])

cop_status cop_mx_context_make(int type, int id, struct mx_context *context, cop_error *error)
{
    *context = (struct mx_context){type, id == -1 ? 0 : id};
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (names[i].type == type && context->id >= 0)
            return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Invalid context: dev_type %d, dev_id %d",
                    type, id);
}

cop_status cop_mx_context_parse(const char *text, struct mx_context *context, cop_error *error)
{
    const size_t length = strcspn(text, "(");
    for (size_t i = 0; i < NAME_COUNT && text[length] == '('; i++) {
        if (strlen(names[i].name) != length || memcmp(names[i].name, text, length) != 0)
            continue;
        char *end;
        const char *digits = text + length + 1;
        const long id = strtol(digits, &end, 10);
        if (*digits >= '0' && *digits <= '9' && strcmp(end, ")") == 0 && id <= 4096)
            return cop_mx_context_make(names[i].type, (int)id, context, error);
    }
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Invalid context string '%.64s'", text);
}

struct mx_context_name cop_mx_context_name(struct mx_context context)
{
    struct mx_context_name name;
    snprintf(name.text, sizeof name.text, "unknown(%d)", context.id);
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (names[i].type == context.type)
            snprintf(name.text, sizeof name.text, "%s(%d)", names[i].name, context.id);
    return name;
}

static bool has_onednn(void)
{
    size_t count;
    const cop_feature *features = cop_features(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(features[i].name, "onednn") == 0)
            return features[i].enabled;
    return false;
}

cop_device cop_mx_context_device(struct mx_context context)
{
    if (cop_mx_context_is_gpu(context))
        return (cop_device){COP_DEVICE_GPU, context.id};
    return (cop_device){has_onednn() ? COP_DEVICE_CPU : COP_DEVICE_REF, 0};
}

cop_memory cop_mx_context_memory(struct mx_context context)
{
    return cop_mx_context_is_gpu(context) ? COP_MEMORY_DEVICE : COP_MEMORY_HOST;
}
