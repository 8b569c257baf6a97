// SPDX-License-Identifier: Apache-2.0
/* Operators that move elements. */
#include <string.h>

#include "model/onnx/onnx_call.h"

static void map_transpose(struct onnx_call *call)
{
    int64_t perm[COP_MAX_RANK];
    struct transpose_attrs attrs = {0};
    const int count = cop_onnx_ints(call, "perm", perm, COP_MAX_RANK);
    for (int i = 0; i < count; i++) {
        if (perm[i] < 0 || perm[i] >= count)
            cop_onnx_malformed(call, "attribute 'perm' has the element %lld", (long long)perm[i]);
        attrs.perm[i] = (int)perm[i];
    }
    attrs.rank = count < 0 ? 0 : count;
    cop_onnx_make(call, OP_TRANSPOSE, &attrs, 1, call->src);
}

static void map_concat(struct onnx_call *call)
{
    const struct concat_attrs attrs = {.axis = cop_onnx_int(call, "axis", 1)};
    if (call->opset >= 4 && !cop_onnx_has(call, "axis"))
        cop_onnx_malformed(call, "attribute 'axis' is missing");
    for (int i = 0; i < call->src_count; i++)
        if (call->src[i] == COP_NO_VALUE)
            cop_onnx_malformed(call, "input %d is absent", i);
    cop_onnx_make(call, OP_CONCAT, &attrs, call->src_count, call->src);
}

static void map_gather(struct onnx_call *call)
{
    const struct gather_attrs attrs = {.axis = cop_onnx_int(call, "axis", 0)};
    cop_onnx_make(call, OP_GATHER, &attrs, 2, call->src);
}

/* Every output of the file counts, also one without a name: they share the axis. */
static void map_split(struct onnx_call *call)
{
    enum { MAX_SIZES = 1024 };
    const struct split_attrs attrs = {.axis = cop_onnx_int(call, "axis", 0)};
    const int parts = (int)call->node->outputs.count;
    int src[2] = {call->src[0], cop_onnx_src(call, 1)};
    if (call->opset >= 18 && cop_onnx_int(call, "num_outputs", parts) != parts)
        cop_onnx_malformed(call, "attribute 'num_outputs' is not %d, the outputs there are", parts);
    if (call->opset < 13) {
        int64_t *sizes = cop_arena_alloc(&call->import->scratch, MAX_SIZES, sizeof *sizes);
        if (sizes == NULL) {
            cop_onnx_fail(call, COP_STATUS_OUT_OF_MEMORY, "no memory for %d sizes", MAX_SIZES);
            return;
        }
        const int count = cop_onnx_ints(call, "split", sizes, MAX_SIZES);
        if (count >= 0 && count != parts)
            cop_onnx_malformed(call, "attribute 'split' has %d sizes for %d outputs", count, parts);
        if (count >= 0)
            src[1] = cop_onnx_literal(call, COP_DTYPE_INT64, 1, (int64_t[]){count}, sizes);
    }
    cop_onnx_make_many(call, OP_SPLIT, &attrs, src[1] == COP_NO_VALUE ? 1 : 2, src, parts);
}

static void map_slice_attributes(struct onnx_call *call)
{
    struct slice_attrs attrs = {0};
    attrs.count = cop_onnx_ints(call, "starts", attrs.starts, COP_MAX_RANK);
    const int ends = cop_onnx_ints(call, "ends", attrs.ends, COP_MAX_RANK);
    const int axes = cop_onnx_ints(call, "axes", attrs.axes, COP_MAX_RANK);
    if (attrs.count < 0 || ends != attrs.count || (axes >= 0 && axes != attrs.count))
        cop_onnx_malformed(call,
                           "attributes 'starts', 'ends' and 'axes' have %d, %d and %d elements",
                           attrs.count, ends, axes);
    for (int i = 0; i < attrs.count; i++) {
        attrs.steps[i] = 1;
        if (axes < 0)
            attrs.axes[i] = i;
    }
    cop_onnx_make(call, OP_SLICE, &attrs, 1, call->src);
}

/* Reads lists that are all constant; false: they decide when shapes are inferred. */
static bool read_slices(struct onnx_call *call, struct slice_attrs *attrs)
{
    attrs->count = cop_onnx_constant_ints(call, 1, attrs->starts, COP_MAX_RANK);
    if (attrs->count < 1 ||
        cop_onnx_constant_ints(call, 2, attrs->ends, COP_MAX_RANK) != attrs->count)
        return false;
    for (int i = 0; i < attrs->count; i++) {
        attrs->axes[i] = i;
        attrs->steps[i] = 1;
    }
    if (cop_onnx_src(call, 3) != COP_NO_VALUE &&
        cop_onnx_constant_ints(call, 3, attrs->axes, COP_MAX_RANK) != attrs->count)
        return false;
    if (cop_onnx_src(call, 4) != COP_NO_VALUE &&
        cop_onnx_constant_ints(call, 4, attrs->steps, COP_MAX_RANK) != attrs->count)
        return false;
    for (int i = 0; i < attrs->count; i++)
        if (attrs->steps[i] == 0)
            cop_onnx_malformed(call, "step %d is 0", i);
    return true;
}

static void map_slice(struct onnx_call *call)
{
    struct slice_attrs attrs = {0};
    if (read_slices(call, &attrs))
        cop_onnx_make(call, OP_SLICE, &attrs, 1, call->src);
    else
        cop_onnx_make(call, OP_SLICE, NULL, call->src_count, call->src);
}

static enum pad_mode read_mode(struct onnx_call *call)
{
    static const char *const modes[] = {"constant", "reflect", "edge", NULL};
    return (enum pad_mode)cop_onnx_choice(call, "mode", modes, PAD_CONSTANT);
}

/* All beginnings, then all ends. */
static void set_pads(struct onnx_call *call, struct pad_attrs *attrs, const int64_t *pads,
                     int count)
{
    if (count % 2 != 0)
        cop_onnx_malformed(call, "%d pads, an odd number", count);
    attrs->rank = count / 2;
    memcpy(attrs->begin, pads, (size_t)attrs->rank * sizeof *pads);
    memcpy(attrs->end, pads + attrs->rank, (size_t)attrs->rank * sizeof *pads);
}

static void map_pad_attributes(struct onnx_call *call)
{
    int64_t pads[2 * COP_MAX_RANK] = {0};
    struct pad_attrs attrs = {.mode = read_mode(call)};
    attrs.value = cop_onnx_float(call, "value", 0);
    const int count = cop_onnx_ints(call, "pads", pads, 2 * COP_MAX_RANK);
    if (count < 0)
        cop_onnx_malformed(call, "attribute 'pads' is missing");
    else
        set_pads(call, &attrs, pads, count);
    cop_onnx_make(call, OP_PAD, &attrs, 1, call->src);
}

static void map_pad(struct onnx_call *call)
{
    int64_t pads[2 * COP_MAX_RANK] = {0};
    struct pad_attrs attrs = {.mode = read_mode(call)};
    double value = 0;
    const int count = cop_onnx_constant_ints(call, 1, pads, 2 * COP_MAX_RANK);
    if (cop_onnx_src(call, 3) != COP_NO_VALUE)
        cop_onnx_unsupported(call, "input 'axes'");
    int src[3] = {call->src[0], call->src[1], cop_onnx_src(call, 2)};
    if (count >= 0) {
        set_pads(call, &attrs, pads, count);
        src[1] = COP_NO_VALUE;
    }
    if (cop_onnx_src_dtype(call, 2) == COP_DTYPE_FLOAT32 &&
        cop_onnx_constant_number(call, 2, &value)) {
        attrs.value = (float)value;
        src[2] = COP_NO_VALUE;
    }
    const int src_count = src[2] != COP_NO_VALUE ? 3 : src[1] != COP_NO_VALUE ? 2 : 1;
    cop_onnx_make(call, OP_PAD, &attrs, src_count, src);
}

const struct onnx_operator cop_onnx_movement_operators[] = {
    {"Transpose", 1, 1, 1, 1, map_transpose, 0},
    {"Concat", 1, 1, -1, 1, map_concat, 0},
    {"Gather", 1, 2, 2, 1, map_gather, 0},
    {"Split", 2, 1, 1, -1, map_split, 0},
    {"Split", 13, 1, 2, -1, map_split, 0},
    {"Slice", 1, 1, 1, 1, map_slice_attributes, 0},
    {"Slice", 10, 3, 5, 1, map_slice, 0},
    {"Pad", 2, 1, 1, 1, map_pad_attributes, 0},
    {"Pad", 11, 2, 3, 1, map_pad, 0},
    {"Pad", 18, 2, 4, 1, map_pad, 0},
    {NULL, 0, 0, 0, 0, NULL, 0},
};
