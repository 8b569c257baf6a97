// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cudnn/cudnn_builder.h"

#include <assert.h>

static const char *name_of(const struct cudnn_builder *builder, cudnnBackendDescriptor_t descriptor)
{
    for (int i = 0; i < builder->owned_count; i++)
        if (builder->owned[i] == descriptor)
            return builder->names[i];
    return NULL;
}

cudnnBackendDescriptor_t cop_cudnn_begin(struct cudnn_builder *builder,
                                         cudnnBackendDescriptorType_t type, const char *name)
{
    cudnnBackendDescriptor_t made = NULL;
    assert(builder->owned_count < COP_CUDNN_MOST_DESCRIPTORS);
    if (builder->status != COP_STATUS_OK)
        return NULL;
    builder->status = cop_cudnn_status(
        builder->session, "cudnnBackendCreateDescriptor", name,
        builder->session->calls->BackendCreateDescriptor(type, &made), builder->error);
    if (builder->status != COP_STATUS_OK)
        return NULL;
    builder->names[builder->owned_count] = name;
    builder->owned[builder->owned_count++] = made;
    return made;
}

void cop_cudnn_set(struct cudnn_builder *builder, cudnnBackendDescriptor_t descriptor,
                   cudnnBackendAttributeName_t attribute, cudnnBackendAttributeType_t type,
                   int64_t count, const void *values)
{
    if (builder->status == COP_STATUS_OK)
        builder->status = cop_cudnn_status(builder->session, "cudnnBackendSetAttribute",
                                           name_of(builder, descriptor),
                                           builder->session->calls->BackendSetAttribute(
                                               descriptor, attribute, type, count, values),
                                           builder->error);
}

void cop_cudnn_finish(struct cudnn_builder *builder, cudnnBackendDescriptor_t descriptor)
{
    if (builder->status == COP_STATUS_OK)
        builder->status =
            cop_cudnn_status(builder->session, "cudnnBackendFinalize", name_of(builder, descriptor),
                             builder->session->calls->BackendFinalize(descriptor), builder->error);
}

void cop_cudnn_builder_clear(struct cudnn_builder *builder)
{
    while (builder->owned_count > 0)
        builder->session->calls->BackendDestroyDescriptor(builder->owned[--builder->owned_count]);
}
