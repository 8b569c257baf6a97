// SPDX-License-Identifier: Apache-2.0
/* The emulated cuDNN: descriptors, and which attributes each type of them has. */
#include "cudnn_descriptor.h"

namespace cop::fake_library
{

struct rule {
    cudnnBackendDescriptorType_t of;
    cudnnBackendAttributeName_t name;
    cudnnBackendAttributeType_t type;
    int64_t most;
    bool is_required;
};

enum { many = 64, text = 1 << 24 };

static const rule rules[] = {
#define RULE(of, name, type, most, is_required)                                                    \
    {CUDNN_BACKEND_##of##_DESCRIPTOR, CUDNN_ATTR_##name, CUDNN_TYPE_##type, most, is_required},
    RULE(TENSOR, TENSOR_DATA_TYPE, DATA_TYPE, 1, true) RULE(
        TENSOR, TENSOR_DIMENSIONS, INT64, most_dims,
        true) RULE(TENSOR, TENSOR_STRIDES, INT64, most_dims,
                   true) RULE(TENSOR, TENSOR_UNIQUE_ID, INT64, 1,
                              true) RULE(TENSOR, TENSOR_BYTE_ALIGNMENT, INT64, 1,
                                         true) RULE(TENSOR, TENSOR_IS_VIRTUAL, BOOLEAN, 1,
                                                    false) RULE(CONVOLUTION, CONVOLUTION_COMP_TYPE,
                                                                DATA_TYPE, 1, true)
        RULE(CONVOLUTION, CONVOLUTION_CONV_MODE, CONVOLUTION_MODE, 1, true) RULE(
            CONVOLUTION,
            CONVOLUTION_SPATIAL_DIMS,
            INT64, 1,
            true) RULE(CONVOLUTION, CONVOLUTION_PRE_PADDINGS, INT64, most_spatial,
                       true) RULE(CONVOLUTION, CONVOLUTION_POST_PADDINGS, INT64, most_spatial, true)
            RULE(CONVOLUTION, CONVOLUTION_FILTER_STRIDES, INT64, most_spatial, true) RULE(
                CONVOLUTION,
                CONVOLUTION_DILATIONS,
                INT64, most_spatial,
                true) RULE(POINTWISE, POINTWISE_MODE, POINTWISE_MODE,
                           1, true) RULE(POINTWISE, POINTWISE_MATH_PREC, DATA_TYPE, 1, true)
                RULE(POINTWISE, POINTWISE_RELU_LOWER_CLIP, DOUBLE, 1, false) RULE(
                    POINTWISE, POINTWISE_RELU_UPPER_CLIP,
                    DOUBLE,
                    1, false) RULE(POINTWISE, POINTWISE_RELU_LOWER_CLIP_SLOPE, DOUBLE,
                                   1, false) RULE(POINTWISE, POINTWISE_ELU_ALPHA, DOUBLE, 1, false)
                    RULE(POINTWISE, POINTWISE_SWISH_BETA, DOUBLE, 1, false) RULE(
                        MATMUL,
                        MATMUL_COMP_TYPE, DATA_TYPE,
                        1, true) RULE(OPERATION_CONVOLUTION_FORWARD,
                                      OPERATION_CONVOLUTION_FORWARD_ALPHA, FLOAT, 1, true)
                        RULE(
                            OPERATION_CONVOLUTION_FORWARD,
                            OPERATION_CONVOLUTION_FORWARD_BETA,
                            FLOAT, 1,
                            true) RULE(OPERATION_CONVOLUTION_FORWARD,
                                       OPERATION_CONVOLUTION_FORWARD_CONV_DESC, BACKEND_DESCRIPTOR,
                                       1, true)
                            RULE(
                                OPERATION_CONVOLUTION_FORWARD,
                                OPERATION_CONVOLUTION_FORWARD_X,
                                BACKEND_DESCRIPTOR,
                                1, true) RULE(OPERATION_CONVOLUTION_FORWARD,
                                              OPERATION_CONVOLUTION_FORWARD_W, BACKEND_DESCRIPTOR,
                                              1,
                                              true)
                                RULE(
                                    OPERATION_CONVOLUTION_FORWARD,
                                    OPERATION_CONVOLUTION_FORWARD_Y, BACKEND_DESCRIPTOR, 1,
                                    true) RULE(OPERATION_POINTWISE,
                                               OPERATION_POINTWISE_PW_DESCRIPTOR,
                                               BACKEND_DESCRIPTOR, 1, true)
                                    RULE(
                                        OPERATION_POINTWISE,
                                        OPERATION_POINTWISE_XDESC,
                                        BACKEND_DESCRIPTOR,
                                        1, true) RULE(OPERATION_POINTWISE,
                                                      OPERATION_POINTWISE_BDESC, BACKEND_DESCRIPTOR,
                                                      1,
                                                      false) RULE(OPERATION_POINTWISE,
                                                                  OPERATION_POINTWISE_YDESC,
                                                                  BACKEND_DESCRIPTOR, 1, true)
                                        RULE(
                                            OPERATION_MATMUL,
                                            OPERATION_MATMUL_ADESC,
                                            BACKEND_DESCRIPTOR,
                                            1, true) RULE(OPERATION_MATMUL, OPERATION_MATMUL_BDESC,
                                                          BACKEND_DESCRIPTOR, 1, true)
                                            RULE(
                                                OPERATION_MATMUL,
                                                OPERATION_MATMUL_CDESC,
                                                BACKEND_DESCRIPTOR,
                                                1,
                                                true) RULE(OPERATION_MATMUL, OPERATION_MATMUL_DESC,
                                                           BACKEND_DESCRIPTOR, 1, true)
                                                RULE(
                                                    OPERATIONGRAPH,
                                                    OPERATIONGRAPH_OPS,
                                                    BACKEND_DESCRIPTOR,
                                                    many,
                                                    true) RULE(OPERATIONGRAPH,
                                                               OPERATIONGRAPH_HANDLE, HANDLE,
                                                               1, false) RULE(ENGINEHEUR,
                                                                              ENGINEHEUR_OPERATION_GRAPH,
                                                                              BACKEND_DESCRIPTOR,
                                                                              1, true)
                                                    RULE(ENGINEHEUR, ENGINEHEUR_MODE, HEUR_MODE, 1, true) RULE(
                                                        ENGINEHEUR,
                                                        ENGINEHEUR_SM_COUNT_TARGET, INT32,
                                                        1, false) RULE(ENGINEHEUR,
                                                                       ENGINEHEUR_DEVICEPROP,
                                                                       BACKEND_DESCRIPTOR,
                                                                       1, false) RULE(ENGINE,
                                                                                      ENGINE_OPERATION_GRAPH,
                                                                                      BACKEND_DESCRIPTOR,
                                                                                      1, true)
                                                        RULE(
                                                            ENGINE,
                                                            ENGINE_GLOBAL_INDEX,
                                                            INT64, 1,
                                                            true) RULE(ENGINECFG, ENGINECFG_ENGINE,
                                                                       BACKEND_DESCRIPTOR, 1, true)
                                                            RULE(
                                                                EXECUTION_PLAN,
                                                                EXECUTION_PLAN_HANDLE,
                                                                HANDLE,
                                                                1, false) RULE(EXECUTION_PLAN,
                                                                               EXECUTION_PLAN_DEVICEPROP,
                                                                               BACKEND_DESCRIPTOR,
                                                                               1, false)
                                                                RULE(EXECUTION_PLAN,
                                                                     EXECUTION_PLAN_ENGINE_CONFIG,
                                                                     BACKEND_DESCRIPTOR,
                                                                     1,
                                                                     false)
                                                                    RULE(
                                                                        EXECUTION_PLAN,
                                                                        EXECUTION_PLAN_JSON_REPRESENTATION,
                                                                        CHAR, text,
                                                                        false)
                                                                        RULE(
                                                                            VARIANT_PACK,
                                                                            VARIANT_PACK_UNIQUE_IDS,
                                                                            INT64, many,
                                                                            true) RULE(VARIANT_PACK,
                                                                                       VARIANT_PACK_DATA_POINTERS,
                                                                                       VOID_PTR,
                                                                                       many, true)
                                                                            RULE(
                                                                                VARIANT_PACK,
                                                                                VARIANT_PACK_WORKSPACE,
                                                                                VOID_PTR, 1, false)
                                                                                RULE(
                                                                                    DEVICEPROP,
                                                                                    DEVICEPROP_JSON_REPRESENTATION,
                                                                                    CHAR, text,
                                                                                    false)
                                                                                    RULE(
                                                                                        DEVICEPROP,
                                                                                        DEVICEPROP_HANDLE,
                                                                                        HANDLE, 1,
                                                                                        false)
#undef RULE
};

static size_t bytes_of(cudnnBackendAttributeType_t type)
{
    switch (type) {
    case CUDNN_TYPE_CHAR:
    case CUDNN_TYPE_BOOLEAN:
        return 1;
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
        return 8;
    default:
        return 4;
    }
}

static const rule *rule_of(const descriptor &of, cudnnBackendAttributeName_t name)
{
    for (const rule &one : rules)
        if (one.of == of.type && one.name == name)
            return &one;
    return nullptr;
}

static cudnnStatus_t keep_descriptors(const void *values, int64_t count, attribute *made)
{
    for (int64_t i = 0; i < count; i++) {
        cudnnBackendDescriptor_t handle = static_cast<cudnnBackendDescriptor_t const *>(values)[i];
        if (handle == nullptr)
            return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a descriptor is NULL");
        if (!referred(handle)->is_finalized)
            return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "a descriptor is not finalized");
        made->descriptors.push_back(referred(handle));
    }
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t set(descriptor &to, cudnnBackendAttributeName_t name,
                         cudnnBackendAttributeType_t type, int64_t count, const void *values)
{
    const rule *found = rule_of(to, name);
    if (to.is_finalized)
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "the descriptor is finalized");
    if (found == nullptr)
        return refuse(CUDNN_STATUS_BAD_PARAM, "the descriptor has no such attribute to set");
    if (found->type != type)
        return refuse(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "the attribute has another type");
    if (values == nullptr)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no values");
    if (count < 1 || count > found->most)
        return refuse(CUDNN_STATUS_BAD_PARAM, "too many values, or none");
    attribute made;
    made.type = type;
    made.count = count;
    const auto *bytes = static_cast<const unsigned char *>(values);
    made.bytes.assign(bytes, bytes + static_cast<size_t>(count) * bytes_of(type));
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
        const cudnnStatus_t status = keep_descriptors(values, count, &made);
        if (status != CUDNN_STATUS_SUCCESS)
            return status;
    }
    to.attributes[name] = std::move(made);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t finalize_checked(descriptor &made)
{
    if (made.is_finalized)
        return refuse(CUDNN_STATUS_BAD_PARAM, "the descriptor is finalized already");
    for (const rule &one : rules)
        if (one.of == made.type && one.is_required && !made.has(one.name))
            return refuse(CUDNN_STATUS_BAD_PARAM,
                          "attribute " + std::to_string(one.name) + " was not set");
    const cudnnStatus_t status = finalize(made);
    made.is_finalized = status == CUDNN_STATUS_SUCCESS;
    return status;
}

/* Gives out `available` values of a size, as many as were asked for. */
static cudnnStatus_t give(const void *from, size_t size, int64_t available, int64_t wanted,
                          int64_t *count, void *to)
{
    if (count != nullptr)
        *count = available;
    if (wanted > 0 && to == nullptr)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no room");
    if (wanted > 0 && available > 0)
        memcpy(to, from, static_cast<size_t>(wanted < available ? wanted : available) * size);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t give_notes(unsigned bits, int64_t wanted, int64_t *count, void *to)
{
    std::vector<int> notes;
    for (int i = 0; i < 32; i++)
        if ((bits >> i & 1) != 0)
            notes.push_back(i);
    return give(notes.data(), sizeof(int), static_cast<int64_t>(notes.size()), wanted, count, to);
}

/* Fills descriptors that the caller made. */
static cudnnStatus_t give_configs(const descriptor &from, int64_t wanted, int64_t *count, void *to)
{
    const auto available = static_cast<int64_t>(from.as_results.size());
    if (wanted == 0) { /* as the real one, which counts some that its checks drop later */
        *count = available > 0 ? available + 2 : 0;
        return CUDNN_STATUS_SUCCESS;
    }
    *count = available < wanted ? available : wanted;
    for (int64_t i = 0; i < *count; i++) {
        descriptor &filled = *referred(static_cast<cudnnBackendDescriptor_t *>(to)[i]);
        if (filled.type != CUDNN_BACKEND_ENGINECFG_DESCRIPTOR || filled.is_finalized)
            return refuse(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "no room for a configuration");
        filled.as_config = from.as_results[static_cast<size_t>(i)];
        filled.as_program = from.as_program;
        filled.is_finalized = true;
    }
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t give_engine(const descriptor &from, int64_t wanted, int64_t *count, void *to)
{
    if (wanted < 1 || to == nullptr)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no room for an engine");
    descriptor &filled = **&referred(static_cast<cudnnBackendDescriptor_t *>(to)[0]);
    if (filled.type != CUDNN_BACKEND_ENGINE_DESCRIPTOR || filled.is_finalized)
        return refuse(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "no room for an engine");
    filled.as_config = from.as_config;
    filled.as_program = from.as_program;
    filled.is_finalized = true;
    if (count != nullptr)
        *count = 1;
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t get(const descriptor &from, cudnnBackendAttributeName_t name,
                         cudnnBackendAttributeType_t type, int64_t wanted, int64_t *count, void *to)
{
    if (!from.is_finalized)
        return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the descriptor is not finalized");
    const bool is_plan = from.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR;
    if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS && type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
        return give_configs(from, wanted, count, to);
    if (name == CUDNN_ATTR_ENGINECFG_ENGINE && type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
        return give_engine(from, wanted, count, to);
    if ((name == CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE ||
         (is_plan && name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE)) &&
        type == CUDNN_TYPE_INT64)
        return give(&from.as_config.workspace_bytes, sizeof(int64_t), 1, wanted, count, to);
    if (name == CUDNN_ATTR_ENGINE_GLOBAL_INDEX && type == CUDNN_TYPE_INT64)
        return give(&from.as_config.engine, sizeof(int64_t), 1, wanted, count, to);
    if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE && type == CUDNN_TYPE_NUMERICAL_NOTE)
        return give_notes(from.as_config.numerical, wanted, count, to);
    if (name == CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE && type == CUDNN_TYPE_BEHAVIOR_NOTE)
        return give_notes(from.as_config.behaviour, wanted, count, to);
    if (is_plan && name == CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION &&
        type == CUDNN_TYPE_CHAR) {
        const std::string made = from.as_program.text(library().version);
        return give(made.data(), 1, static_cast<int64_t>(made.size()), wanted, count, to);
    }
    const auto found = from.attributes.find(name);
    if (found == from.attributes.end() || found->second.type != type)
        return refuse(CUDNN_STATUS_BAD_PARAM, "the descriptor has no such attribute");
    return give(found->second.bytes.data(), bytes_of(type), found->second.count, wanted, count, to);
}

} // namespace cop::fake_library

using namespace cop::fake_library;

#define INJECTED(name)                                                                             \
    do {                                                                                           \
        const int asked_ = library().injected(name);                                               \
        if (asked_ != 0)                                                                           \
            return refuse(static_cast<cudnnStatus_t>(asked_), "a test asked for it");              \
    } while (0)

extern "C" {

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t *made)
{
    INJECTED("cudnnBackendCreateDescriptor");
    auto *handle = new handle_of_descriptor{std::make_shared<descriptor>()};
    handle->of->type = type;
    library().count(true);
    *made = handle;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t old)
{
    if (old == nullptr)
        return CUDNN_STATUS_SUCCESS;
    library().count(false);
    delete static_cast<handle_of_descriptor *>(old);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t handle)
{
    INJECTED("cudnnBackendFinalize");
    return finalize_checked(*referred(handle));
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t handle,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void *values)
{
    INJECTED("cudnnBackendSetAttribute");
    return set(*referred(handle), name, type, count, values);
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const handle,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t wanted,
                                       int64_t *count, void *values)
{
    INJECTED("cudnnBackendGetAttribute");
    return get(*referred(handle), name, type, wanted, count, values);
}
}
