// SPDX-License-Identifier: Apache-2.0
/* Constant: a tensor in an attribute, or a number or a list of them. */
#include "model/onnx/onnx_call.h"

static void make_tensor(struct onnx_call *call, const struct onnx_attribute *attribute)
{
    struct protobuf_file file = call->import->file;
    file.error = &call->error;
    struct span bytes = {NULL, 0};
    struct onnx_tensor tensor;
    call->status = cop_onnx_attribute_span(&file, attribute, &bytes);
    if (call->status == COP_STATUS_OK)
        call->status = cop_onnx_read_tensor(&file, bytes, &tensor);
    if (call->status == COP_STATUS_OK)
        cop_onnx_make_constant(call, &tensor);
}

/* Numbers of an attribute as a literal; `rank` 0 for a single one. */
static void make_numbers(struct onnx_call *call, cop_dtype dtype, int rank, size_t count,
                         const void *numbers)
{
    const int64_t dims[] = {(int64_t)count};
    cop_onnx_make_alias(call, cop_onnx_literal(call, dtype, rank, dims, numbers));
}

static void make_list(struct onnx_call *call, const struct onnx_attribute *attribute,
                      cop_dtype dtype)
{
    struct protobuf_file file = call->import->file;
    file.error = &call->error;
    size_t count = 0;
    const bool is_float = dtype == COP_DTYPE_FLOAT32;
    call->status = is_float ? cop_onnx_attribute_floats(&file, attribute, NULL, 0, &count)
                            : cop_onnx_attribute_ints(&file, attribute, NULL, 0, &count);
    if (call->status == COP_STATUS_OK && count > ((size_t)1 << 20))
        cop_onnx_unsupported(call, "a list of %zu numbers in an attribute", count);
    if (call->status != COP_STATUS_OK)
        return;
    void *numbers = cop_arena_alloc(&call->import->scratch, count, cop_dtype_bytes(dtype));
    if (numbers == NULL) {
        cop_onnx_fail(call, COP_STATUS_OUT_OF_MEMORY, "no memory for %zu numbers", count);
        return;
    }
    size_t again;
    call->status = is_float ? cop_onnx_attribute_floats(&file, attribute, numbers, count, &again)
                            : cop_onnx_attribute_ints(&file, attribute, numbers, count, &again);
    make_numbers(call, dtype, 1, count, numbers);
}

static void map_constant(struct onnx_call *call)
{
    static const char *const refused[] = {"sparse_value", "value_string", "value_strings"};
    const struct onnx_attribute *attribute;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (cop_onnx_has(call, refused[i]))
            cop_onnx_unsupported(call, "attribute '%s'", refused[i]);
    if (call->node->attribute_count != 1)
        cop_onnx_malformed(call, "has %zu attributes, needs 1", call->node->attribute_count);
    if ((attribute = cop_onnx_attribute(call, "value", ONNX_ATTRIBUTE_TENSOR)) != NULL) {
        make_tensor(call, attribute);
    } else if (call->opset < 12) {
        cop_onnx_malformed(call, "attribute 'value' is missing");
    } else if (cop_onnx_has(call, "value_float")) {
        const float number = cop_onnx_float(call, "value_float", 0);
        make_numbers(call, COP_DTYPE_FLOAT32, 0, 1, &number);
    } else if (cop_onnx_has(call, "value_int")) {
        const int64_t number = cop_onnx_int(call, "value_int", 0);
        make_numbers(call, COP_DTYPE_INT64, 0, 1, &number);
    } else if ((attribute = cop_onnx_attribute(call, "value_floats", ONNX_ATTRIBUTE_FLOATS)) !=
               NULL) {
        make_list(call, attribute, COP_DTYPE_FLOAT32);
    } else if ((attribute = cop_onnx_attribute(call, "value_ints", ONNX_ATTRIBUTE_INTS)) != NULL) {
        make_list(call, attribute, COP_DTYPE_INT64);
    } else {
        cop_onnx_malformed(call, "has no value");
    }
}

const struct onnx_operator cop_onnx_constant_operators[] = {
    {"Constant", 1, 0, 0, 1, map_constant, 0},
    {NULL, 0, 0, 0, 0, NULL, 0},
};
