// SPDX-License-Identifier: Apache-2.0
/* The emulated cuDNN: what each type of descriptor makes of its attributes, and refuses. */
#include "cudnn_descriptor.h"

namespace cop::fake_library
{

static cudnnStatus_t bad(const std::string &text)
{
    return refuse(CUDNN_STATUS_BAD_PARAM, text);
}

static cudnnStatus_t finalize_tensor(descriptor &made)
{
    tensor &of = made.as_tensor;
    const std::vector<int64_t> dims = made.all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
    const std::vector<int64_t> strides = made.all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
    of.uid = made.one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
    of.alignment = made.one<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
    of.type = made.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
    of.is_virtual = made.one<unsigned char>(CUDNN_ATTR_TENSOR_IS_VIRTUAL) != 0;
    of.rank = static_cast<int>(dims.size());
    if (of.type != CUDNN_DATA_FLOAT && of.type != CUDNN_DATA_HALF && of.type != CUDNN_DATA_BFLOAT16)
        return refuse(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "a type of elements is not emulated");
    if (of.alignment <= 0 || of.alignment % static_cast<int64_t>(bytes_of(of.kind())) != 0)
        return bad("the alignment is no positive multiple of an element");
    if (dims.size() != strides.size() || dims.size() < 3)
        return bad("dimensions and strides differ in number");
    for (int i = 0; i < of.rank; i++) {
        of.dims[i] = dims[static_cast<size_t>(i)];
        of.strides[i] = strides[static_cast<size_t>(i)];
        if (of.dims[i] <= 0 || of.strides[i] <= 0)
            return bad("a dimension or stride is not positive");
    }
    return CUDNN_STATUS_SUCCESS;
}

static bool copy(const descriptor &from, cudnnBackendAttributeName_t name, int count, int64_t least,
                 int64_t *to)
{
    const std::vector<int64_t> all = from.all<int64_t>(name);
    bool fits = all.size() == static_cast<size_t>(count);
    for (int i = 0; i < count && fits; i++) {
        to[i] = all[static_cast<size_t>(i)];
        fits = to[i] >= least;
    }
    return fits;
}

static cudnnStatus_t finalize_convolution(descriptor &made)
{
    step &of = made.as_step;
    of.kind = step_kind::convolution;
    of.spatial = static_cast<int>(made.one<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS));
    if (of.spatial < 1 || of.spatial > most_spatial)
        return bad("a number of spatial dimensions");
    if (!copy(made, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, of.spatial, 0, of.before) ||
        !copy(made, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, of.spatial, 0, of.after) ||
        !copy(made, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, of.spatial, 1, of.strides) ||
        !copy(made, CUDNN_ATTR_CONVOLUTION_DILATIONS, of.spatial, 1, of.dilations))
        return bad("paddings, strides or dilations");
    if (made.one<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) !=
            CUDNN_CROSS_CORRELATION ||
        made.one<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) != CUDNN_DATA_FLOAT)
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "a kind of convolution is not emulated");
    return CUDNN_STATUS_SUCCESS;
}

static bool is_binary(cudnnPointwiseMode_t mode)
{
    return mode == CUDNN_POINTWISE_ADD || mode == CUDNN_POINTWISE_MUL ||
           mode == CUDNN_POINTWISE_SUB || mode == CUDNN_POINTWISE_MAX ||
           mode == CUDNN_POINTWISE_MIN;
}

static bool is_unary(cudnnPointwiseMode_t mode)
{
    return (mode >= CUDNN_POINTWISE_RELU_FWD && mode <= CUDNN_POINTWISE_GELU_APPROX_TANH_FWD &&
            mode != CUDNN_POINTWISE_SOFTPLUS_FWD) ||
           mode == CUDNN_POINTWISE_IDENTITY;
}

static cudnnStatus_t finalize_pointwise(descriptor &made)
{
    step &of = made.as_step;
    of.kind = step_kind::pointwise;
    of.mode = made.one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
    of.lower = made.one<double>(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, of.lower);
    of.upper = made.one<double>(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, of.upper);
    of.slope = made.one<double>(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, of.slope);
    of.alpha = made.one<double>(CUDNN_ATTR_POINTWISE_ELU_ALPHA, of.alpha);
    of.beta = made.one<double>(CUDNN_ATTR_POINTWISE_SWISH_BETA, of.beta);
    if (!is_binary(of.mode) && !is_unary(of.mode))
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "an elementwise function is not emulated");
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t finalize_convolution_operation(descriptor &made)
{
    const float alpha = made.one<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA);
    const float beta = made.one<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA);
    if (alpha != 1 || beta != 0)
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "factors are not emulated");
    made.as_step = made.other(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC)->as_step;
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t finalize_pointwise_operation(descriptor &made)
{
    made.as_step = made.other(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)->as_step;
    return is_binary(made.as_step.mode) == made.has(CUDNN_ATTR_OPERATION_POINTWISE_BDESC)
               ? CUDNN_STATUS_SUCCESS
               : bad("an elementwise operation has one tensor too many, or too few");
}

/* The tensor's place in the graph; -1: it contradicts one of the same name, or is no tensor. */
static int place_of(program &in, const descriptor *of)
{
    if (of == nullptr || of->type != CUDNN_BACKEND_TENSOR_DESCRIPTOR)
        return -1;
    for (size_t i = 0; i < in.tensors.size(); i++) {
        const tensor &known = in.tensors[i];
        if (known.uid == of->as_tensor.uid)
            return known.count() == of->as_tensor.count() && known.type == of->as_tensor.type
                       ? static_cast<int>(i)
                       : -1;
    }
    if (in.tensors.size() == most_tensors)
        return -1;
    in.tensors.push_back(of->as_tensor);
    return static_cast<int>(in.tensors.size()) - 1;
}

struct names {
    cudnnBackendAttributeName_t x, w, y;
};

static bool names_of(cudnnBackendDescriptorType_t type, names *found)
{
    if (type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR)
        *found = {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                  CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                  CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y};
    else if (type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)
        *found = {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_ATTR_OPERATION_POINTWISE_BDESC,
                  CUDNN_ATTR_OPERATION_POINTWISE_YDESC};
    else if (type == CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR)
        *found = {CUDNN_ATTR_OPERATION_MATMUL_ADESC, CUDNN_ATTR_OPERATION_MATMUL_BDESC,
                  CUDNN_ATTR_OPERATION_MATMUL_CDESC};
    else
        return false;
    return true;
}

/* Whether every virtual tensor that is read was written before. */
static bool is_ordered(const program &of)
{
    std::vector<bool> is_known(of.tensors.size());
    for (const step &one : of.steps) {
        for (int read : {one.x, one.w})
            if (read >= 0 && of.tensors[static_cast<size_t>(read)].is_virtual &&
                !is_known[static_cast<size_t>(read)])
                return false;
        is_known[static_cast<size_t>(one.y)] = true;
    }
    return !of.tensors[static_cast<size_t>(of.steps.back().y)].is_virtual;
}

static cudnnStatus_t finalize_graph(descriptor &made)
{
    program &of = made.as_program;
    for (const reference &one : made.attributes[CUDNN_ATTR_OPERATIONGRAPH_OPS].descriptors) {
        names called;
        if (!names_of(one->type, &called))
            return bad("what is no operation is part of the graph");
        step next = one->as_step;
        next.x = place_of(of, one->other(called.x));
        next.w = one->has(called.w) ? place_of(of, one->other(called.w)) : -1;
        next.y = place_of(of, one->other(called.y));
        if (next.x < 0 || next.y < 0 || (one->has(called.w) && next.w < 0))
            return bad("two tensors of one name differ, or there are too many");
        of.steps.push_back(next);
    }
    const std::string wrong = of.check();
    if (!wrong.empty())
        return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, wrong);
    if (!is_ordered(of))
        return bad("the operations are in no order that can be run");
    of.is_known = is_known_pattern(of);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t finalize_heuristics(descriptor &made)
{
    made.as_program = made.other(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH)->as_program;
    made.as_results =
        list_configs(made.as_program, made.one<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE));
    return made.as_results.empty()
               ? refuse(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "no engine for the graph")
               : CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t finalize_engine(descriptor &made)
{
    made.as_program = made.other(CUDNN_ATTR_ENGINE_OPERATION_GRAPH)->as_program;
    const int64_t index = made.one<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
    for (cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
        for (const config &one : list_configs(made.as_program, mode))
            if (one.engine == index) {
                made.as_config = one;
                return CUDNN_STATUS_SUCCESS;
            }
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "no such engine for the graph");
}

static cudnnStatus_t finalize_config(descriptor &made)
{
    const descriptor *engine = made.other(CUDNN_ATTR_ENGINECFG_ENGINE);
    made.as_config = engine->as_config;
    made.as_program = engine->as_program;
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t read_plan(descriptor &made)
{
    const std::vector<char> text = made.all<char>(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
    const cudnnStatus_t status =
        program::read(std::string(text.begin(), text.end()), library().version, &made.as_program);
    made.as_config.engine = made.as_program.engine;
    made.as_config.workspace_bytes = made.as_program.workspace_bytes;
    return status == CUDNN_STATUS_SUCCESS ? status : refuse(status, "the plan cannot be read");
}

static cudnnStatus_t compile(descriptor &made)
{
    const descriptor *from = made.other(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    if (from == nullptr)
        return bad("a plan of nothing");
    if (!compiles(from->as_program, from->as_config))
        return refuse(CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED, "the kernel did not compile");
    made.as_config = from->as_config;
    made.as_program = with_config(from->as_program, from->as_config);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t finalize_plan(descriptor &made)
{
    const bool has_handle = made.has(CUDNN_ATTR_EXECUTION_PLAN_HANDLE);
    if (!has_handle && !made.has(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP)) {
        cop_fake_cuda_violation("a cuDNN plan without handle and properties, which crashes");
        return bad("neither handle nor properties");
    }
    /* Kernels are loaded, which must not be while a stream is captured on this thread. */
    if (has_handle && cudaFree(nullptr) != cudaSuccess)
        return refuse(CUDNN_STATUS_EXECUTION_FAILED_CUDART, "the runtime refused");
    return made.has(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION) ? read_plan(made)
                                                                   : compile(made);
}

static cudnnStatus_t finalize_pack(descriptor &made)
{
    const auto names = made.all<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    const auto pointers = made.all<void *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
    if (names.size() != pointers.size())
        return bad("as many names as pointers are needed");
    for (size_t i = 0; i < names.size(); i++)
        for (size_t j = 0; j < i; j++)
            if (names[i] == names[j])
                return refuse(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "a name comes twice");
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize(descriptor &made)
{
    switch (made.type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
        return finalize_tensor(made);
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
        return finalize_convolution(made);
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
        return finalize_pointwise(made);
    case CUDNN_BACKEND_MATMUL_DESCRIPTOR:
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
        return finalize_convolution_operation(made);
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
        return finalize_pointwise_operation(made);
    case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR:
        made.as_step.kind = step_kind::product;
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
        return finalize_graph(made);
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
        return finalize_heuristics(made);
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
        return finalize_engine(made);
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
        return finalize_config(made);
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
        return finalize_plan(made);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
        return finalize_pack(made);
    case CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR:
        return made.attributes.empty() ? bad("properties of nothing") : CUDNN_STATUS_SUCCESS;
    }
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "a descriptor is not emulated");
}

} // namespace cop::fake_library
