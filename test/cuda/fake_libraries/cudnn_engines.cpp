// SPDX-License-Identifier: Apache-2.0
/*
 * The emulated cuDNN: which engines there are. As in the real one, a convolution, then the addition
 * of a tensor, of a bias, and relu, in this order and all in one type, is known beforehand;
 * anything else is compiled at run time; and engines with tensor cores round what is float32.
 */
#include "cudnn_descriptor.h"

namespace cop::fake_library
{

#define NOTE(name) (1U << CUDNN_NUMERICAL_NOTE_##name)

static const unsigned compiled = 1U << CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;

static const config known_engines[] = {
    {1, 0, NOTE(TENSOR_CORE), 0},
    {2, 4096, 0, 0},
    {5, 1 << 20, NOTE(NONDETERMINISTIC), 0},
    {6, 8192, NOTE(WINOGRAD) | NOTE(WINOGRAD_TILE_4x4), 0},
    {7, 0, NOTE(TENSOR_CORE), compiled},
};
static const config generic_engines[] = {
    {7, 0, NOTE(TENSOR_CORE), compiled},
    {8, 2048, 0, compiled},
};
static const config fallback_engine = {0, 65536, 0, 0};

static const tensor &at(const program &of, int index)
{
    return of.tensors[static_cast<size_t>(index)];
}

static bool adds_bias(const program &of, const step &one)
{
    const tensor &w = at(of, one.w), &y = at(of, one.y);
    return w.count() == y.dims[1] && w.dims[1] == y.dims[1];
}

static bool adds_tensor(const program &of, const step &one)
{
    return at(of, one.w).count() == at(of, one.y).count();
}

static bool is_relu(const step &one)
{
    return one.mode == CUDNN_POINTWISE_RELU_FWD && one.lower == 0 && one.slope == 0 &&
           one.upper > 1e38;
}

bool is_known_pattern(const program &of)
{
    int stage = 0; /* 1: after a tensor, 2: after a bias, 3: after relu */
    if (of.steps[0].kind != step_kind::convolution)
        return false;
    for (const tensor &one : of.tensors)
        if (!one.is_virtual && one.type != of.tensors[0].type)
            return false;
    for (size_t i = 1; i < of.steps.size(); i++) {
        const step &one = of.steps[i];
        const bool is_sum = one.kind == step_kind::pointwise && one.mode == CUDNN_POINTWISE_ADD;
        if (one.x != of.steps[i - 1].y)
            return false;
        if (is_sum && stage < 2 && adds_bias(of, one))
            stage = 2;
        else if (is_sum && stage < 1 && adds_tensor(of, one))
            stage = 1;
        else if (one.kind == step_kind::pointwise && stage < 3 && is_relu(one))
            stage = 3;
        else
            return false;
    }
    return true;
}

static bool is_float(const program &of)
{
    return at(of, of.steps[0].x).type == CUDNN_DATA_FLOAT;
}

/* Which the real library looks at, too. */
static bool is_tf32_forbidden()
{
    const char *text = getenv("NVIDIA_TF32_OVERRIDE");
    return text != nullptr && strcmp(text, "0") == 0;
}

std::vector<config> list_configs(const program &of, cudnnBackendHeurMode_t mode)
{
    std::vector<config> all, usable;
    if (library().refuses)
        return {};
    if (mode == CUDNN_HEUR_MODE_FALLBACK && of.is_known)
        all.push_back(fallback_engine);
    else if (mode != CUDNN_HEUR_MODE_FALLBACK && of.is_known)
        all.assign(std::begin(known_engines), std::end(known_engines));
    else if (mode != CUDNN_HEUR_MODE_FALLBACK)
        all.assign(std::begin(generic_engines), std::end(generic_engines));
    for (const config &one : all)
        if ((one.numerical & NOTE(TENSOR_CORE)) == 0 || !is_float(of) || !is_tf32_forbidden())
            usable.push_back(one);
    return usable;
}

/* The first one that is listed for half and an odd number of channels fails, as was seen. */
bool compiles(const program &of, const config &with)
{
    uint64_t left = library().fail_plans;
    while (left > 0)
        if (library().fail_plans.compare_exchange_weak(left, left - 1))
            return false;
    return at(of, of.steps[0].x).type != CUDNN_DATA_HALF || with.engine != 1 ||
           at(of, of.steps[0].y).dims[1] % 2 == 0;
}

program with_config(const program &of, const config &with)
{
    program made = of;
    made.engine = with.engine;
    made.workspace_bytes = with.workspace_bytes;
    made.is_tf32 = is_float(of) && (with.numerical & NOTE(TENSOR_CORE)) != 0;
    return made;
}

} // namespace cop::fake_library
