// SPDX-License-Identifier: Apache-2.0
#include "support/onnx_cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/source.h"
#include "model/onnx/format/onnx_format.h"

#define MAX_ARRAYS 64

struct arrays {
    int count;
    cop_ndarray *items[MAX_ARRAYS];
    char names[MAX_ARRAYS][128];
};

static void release_arrays(struct arrays *arrays)
{
    for (int i = 0; i < arrays->count; i++)
        cop_ndarray_release(&arrays->items[i]);
    arrays->count = 0;
}

static cop_status fill_array(const struct protobuf_file *file, const struct onnx_tensor *tensor,
                             cop_ndarray *array)
{
    if (!tensor->is_raw)
        return cop_onnx_read_elements(file, tensor, cop_ndarray_data(array));
    if (tensor->raw.size != tensor->bytes)
        return cop_fail(file->error, COP_STATUS_MALFORMED_MODEL, "%zu raw bytes, %zu needed",
                        tensor->raw.size, tensor->bytes);
    if (tensor->bytes > 0)
        memcpy(cop_ndarray_data(array), tensor->raw.bytes, tensor->bytes);
    return COP_STATUS_OK;
}

cop_ndarray *read_tensor_file(const char *path, char *name, size_t name_bytes, cop_error *error)
{
    struct source *source = NULL;
    struct onnx_tensor tensor;
    cop_ndarray *array = NULL;
    if (cop_source_open(path, COP_FILE_ACCESS_READ, &source, error) != COP_STATUS_OK)
        return NULL;
    const struct protobuf_file file = {path, cop_source_bytes(source), cop_source_size(source),
                                       error};
    cop_status status = cop_onnx_read_tensor(&file, (struct span){file.bytes, file.size}, &tensor);
    if (status == COP_STATUS_OK && tensor.dtype == COP_DTYPE_UNKNOWN)
        status = cop_fail(error, COP_STATUS_UNSUPPORTED, "the data is of type %lld",
                          (long long)tensor.type);
    if (status == COP_STATUS_OK)
        status =
            cop_ndarray_create(tensor.dtype, tensor.shape.rank, tensor.shape.dims, &array, error);
    if (status == COP_STATUS_OK)
        status = fill_array(&file, &tensor, array);
    if (status == COP_STATUS_OK)
        snprintf(name, name_bytes, "%.*s", SPAN_TEXT(tensor.name));
    else
        cop_ndarray_release(&array);
    cop_source_release(&source);
    return array;
}

/* input_0.pb, input_1.pb, … or output_…; false: one cannot be read. */
static bool read_arrays(const char *folder, int set, const char *kind, struct arrays *arrays,
                        cop_error *error)
{
    arrays->count = 0;
    for (int i = 0; i < MAX_ARRAYS; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/test_data_set_%d/%s_%d.pb", folder, set, kind, i);
        if (access(path, F_OK) != 0)
            return true;
        cop_ndarray *array =
            read_tensor_file(path, arrays->names[i], sizeof arrays->names[i], error);
        if (array == NULL)
            return false;
        arrays->items[arrays->count++] = array;
    }
    return true;
}

static double float16_value(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
    if (exponent == 31)
        return fraction != 0 ? (double)NAN : sign * (double)INFINITY;
    return sign * (exponent == 0 ? ldexp(fraction, -24) : ldexp(fraction + 1024, exponent - 25));
}

/* An element of a floating-point array; false: of another type. */
static bool float_element(const cop_ndarray *array, size_t index, double *value)
{
    const unsigned char *elements = cop_ndarray_data(array);
    float narrow;
    uint16_t half;
    uint32_t bits;
    switch (cop_ndarray_dtype(array)) {
    case COP_DTYPE_FLOAT32:
        memcpy(&narrow, elements + 4 * index, 4);
        *value = (double)narrow;
        return true;
    case COP_DTYPE_FLOAT64:
        memcpy(value, elements + 8 * index, 8);
        return true;
    case COP_DTYPE_FLOAT16:
        memcpy(&half, elements + 2 * index, 2);
        *value = float16_value(half);
        return true;
    case COP_DTYPE_BFLOAT16:
        memcpy(&half, elements + 2 * index, 2);
        bits = (uint32_t)half << 16;
        memcpy(&narrow, &bits, 4);
        *value = (double)narrow;
        return true;
    default:
        return false;
    }
}

/* The files' bfloat16 was cut off, not rounded: there one unit of the last place is right, too. */
static bool is_close(double actual, double expected, cop_dtype dtype, double absolute)
{
    const double relative = dtype == COP_DTYPE_BFLOAT16 ? 1.0 / 128 : 1e-3;
    if (isnan(expected) || isnan(actual))
        return isnan(expected) && isnan(actual);
    if (isinf(expected) || isinf(actual))
        return expected == actual;
    return fabs(actual - expected) <= absolute + relative * fabs(expected);
}

static bool same_shape(const cop_ndarray *a, const cop_ndarray *b)
{
    const int rank = cop_ndarray_rank(a);
    return cop_ndarray_dtype(a) == cop_ndarray_dtype(b) && rank == cop_ndarray_rank(b) &&
           (rank == 0 || memcmp(cop_ndarray_shape(a), cop_ndarray_shape(b),
                                (size_t)rank * sizeof(int64_t)) == 0);
}

static struct shape_text describe(const cop_ndarray *array)
{
    const struct shape shape = cop_shape_of(cop_ndarray_rank(array), cop_ndarray_shape(array));
    return cop_shape_text(&shape);
}

static double largest_element(const cop_ndarray *array)
{
    const cop_dtype dtype = cop_ndarray_dtype(array);
    double largest = 0, value;
    for (size_t i = 0; i < cop_ndarray_bytes(array) / cop_dtype_bytes(dtype); i++)
        if (float_element(array, i, &value) && isfinite(value))
            largest = fmax(largest, fabs(value));
    return largest;
}

/* Fills in `result` when the output differs. */
static bool compare(int output, const cop_ndarray *actual, const cop_ndarray *expected,
                    double of_largest, struct case_result *result)
{
    const double absolute = 1e-7 + of_largest * largest_element(expected);
    if (!same_shape(actual, expected)) {
        snprintf(result->reason, sizeof result->reason, "output %d is %s %s, expected %s %s",
                 output, cop_dtype_name(cop_ndarray_dtype(actual)), describe(actual).text,
                 cop_dtype_name(cop_ndarray_dtype(expected)), describe(expected).text);
        return false;
    }
    const size_t bytes = cop_ndarray_bytes(expected);
    const size_t size = cop_dtype_bytes(cop_ndarray_dtype(expected));
    for (size_t i = 0; i < bytes / size; i++) {
        double a, e;
        const bool is_float = float_element(actual, i, &a) && float_element(expected, i, &e);
        const bool is_right =
            is_float ? is_close(a, e, cop_ndarray_dtype(expected), absolute)
                     : memcmp((const char *)cop_ndarray_data(actual) + i * size,
                              (const char *)cop_ndarray_data(expected) + i * size, size) == 0;
        if (is_right)
            continue;
        if (is_float)
            snprintf(result->reason, sizeof result->reason,
                     "output %d: element %zu is %.9g, expected %.9g", output, i, a, e);
        else
            snprintf(result->reason, sizeof result->reason, "output %d: element %zu differs",
                     output, i);
        return false;
    }
    return true;
}

/* A failure that is the library's word for "not supported" is a skip, any other a failure. */
static void conclude(struct case_result *result, cop_status status, const cop_error *error,
                     const char *step)
{
    result->verdict = status == COP_STATUS_UNSUPPORTED ? CASE_SKIPPED : CASE_FAILED;
    snprintf(result->reason, sizeof result->reason, "%s: %s: %.400s", step, cop_status_name(status),
             error->message);
}

/* Does an array look like a shape, axes, sizes or a switch, which decide what is compiled? */
static bool decides_shapes(const cop_ndarray *array)
{
    const cop_dtype dtype = cop_ndarray_dtype(array);
    return cop_ndarray_rank(array) <= 1 &&
           (dtype == COP_DTYPE_INT64 || dtype == COP_DTYPE_INT32 || dtype == COP_DTYPE_BOOL);
}

struct case_run {
    cop_model *model;
    cop_cached_op *op;
    double of_largest;
    struct arrays inputs, outputs, expected;
};

/* Files of bfloat16 say uint16: numpy, which wrote them, has no such type. */
static void fix_dtype(cop_ndarray **array, cop_dtype dtype)
{
    cop_ndarray *view = NULL;
    if (dtype != COP_DTYPE_BFLOAT16 || cop_ndarray_dtype(*array) != COP_DTYPE_UINT16 ||
        cop_ndarray_view(*array, 0, dtype, cop_ndarray_rank(*array), cop_ndarray_shape(*array),
                         &view, NULL) != COP_STATUS_OK)
        return;
    cop_ndarray_release(array);
    *array = view;
}

/* The name an input has in the model: data files come in the model's order. */
static void name_inputs(struct case_run *run)
{
    for (int i = 0; i < run->inputs.count && (size_t)i < cop_model_input_count(run->model); i++) {
        cop_tensor_desc desc;
        if (cop_model_input(run->model, (size_t)i, &desc, NULL) != COP_STATUS_OK)
            continue;
        snprintf(run->inputs.names[i], sizeof run->inputs.names[i], "%s", desc.name);
        fix_dtype(&run->inputs.items[i], desc.dtype);
    }
}

/* Some files give an input that no node reads another shape than the model declares. */
static bool fits_model(const struct case_run *run)
{
    for (int i = 0; i < run->inputs.count && (size_t)i < cop_model_input_count(run->model); i++) {
        cop_tensor_desc desc;
        const cop_ndarray *array = run->inputs.items[i];
        if (cop_model_input(run->model, (size_t)i, &desc, NULL) != COP_STATUS_OK || desc.rank < 0)
            continue;
        if (desc.rank != cop_ndarray_rank(array))
            return false;
        for (int axis = 0; axis < desc.rank; axis++)
            if (desc.shape[axis] >= 0 && desc.shape[axis] != cop_ndarray_shape(array)[axis])
                return false;
    }
    return true;
}

/* Shapes for the inputs that leave them open. */
static int open_shapes(const struct case_run *run, cop_input_shape *shapes)
{
    int count = 0;
    for (int i = 0; i < run->inputs.count && (size_t)i < cop_model_input_count(run->model); i++) {
        cop_tensor_desc desc;
        const cop_ndarray *array = run->inputs.items[i];
        if (cop_model_input(run->model, (size_t)i, &desc, NULL) != COP_STATUS_OK)
            continue;
        bool is_open = desc.rank < 0;
        for (int axis = 0; axis < desc.rank; axis++)
            is_open |= desc.shape[axis] < 0;
        if (!is_open)
            continue;
        cop_input_shape *shape = &shapes[count++];
        shape->name = run->inputs.names[i];
        shape->rank = cop_ndarray_rank(array);
        for (int axis = 0; axis < shape->rank; axis++)
            shape->shape[axis] = cop_ndarray_shape(array)[axis];
    }
    return count;
}

static cop_status create(struct case_run *run, cop_device_kind device, bool bind, cop_error *error)
{
    cop_input_shape shapes[MAX_ARRAYS];
    cop_constant constants[MAX_ARRAYS];
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device.kind = device;
    options.input_shapes = shapes;
    options.input_shape_count = (size_t)open_shapes(run, shapes);
    options.constants = constants;
    for (int i = 0; bind && i < run->inputs.count; i++)
        if (decides_shapes(run->inputs.items[i]))
            constants[options.constant_count++] =
                (cop_constant){run->inputs.names[i], run->inputs.items[i]};
    return cop_cached_op_create(run->model, &options, &run->op, error);
}

static cop_status invoke(struct case_run *run, cop_error *error)
{
    cop_ndarray *src[MAX_ARRAYS] = {NULL};
    const size_t src_count = cop_cached_op_input_count(run->op);
    for (size_t i = 0; i < src_count; i++) {
        cop_tensor_desc desc;
        const cop_status status = cop_cached_op_input(run->op, i, &desc, error);
        if (status != COP_STATUS_OK)
            return status;
        for (int j = 0; j < run->inputs.count; j++)
            if (strcmp(run->inputs.names[j], desc.name) == 0)
                src[i] = run->inputs.items[j];
    }
    run->outputs.count = (int)cop_cached_op_output_count(run->op);
    memset(run->outputs.items, 0, sizeof run->outputs.items);
    return cop_invoke(run->op, src_count, src, (size_t)run->outputs.count, run->outputs.items, NULL,
                      error);
}

static void run_data_set(struct case_run *run, const char *folder, int set, cop_device_kind device,
                         struct case_result *result)
{
    cop_error error;
    if (!read_arrays(folder, set, "input", &run->inputs, &error) ||
        !read_arrays(folder, set, "output", &run->expected, &error)) {
        conclude(result, error.status, &error, "reading data");
        return;
    }
    name_inputs(run);
    if (!fits_model(run)) {
        *result = (struct case_result){CASE_SKIPPED, "the data contradicts the model's inputs"};
        return;
    }
    cop_status status = create(run, device, false, &error);
    if (status != COP_STATUS_OK) /* a run-time input may have to be a constant */
        status = create(run, device, true, &error);
    if (status != COP_STATUS_OK) {
        conclude(result, status, &error, "create");
        return;
    }
    status = invoke(run, &error);
    if (status != COP_STATUS_OK) {
        result->verdict = CASE_FAILED;
        snprintf(result->reason, sizeof result->reason, "invoke: %.400s", error.message);
        return;
    }
    result->verdict = CASE_PASSED;
    if (run->outputs.count != run->expected.count) {
        result->verdict = CASE_FAILED;
        snprintf(result->reason, sizeof result->reason, "%d outputs, expected %d",
                 run->outputs.count, run->expected.count);
    }
    for (int i = 0; i < run->expected.count && result->verdict == CASE_PASSED; i++) {
        fix_dtype(&run->expected.items[i], cop_ndarray_dtype(run->outputs.items[i]));
        if (!compare(i, run->outputs.items[i], run->expected.items[i], run->of_largest, result))
            result->verdict = CASE_FAILED;
    }
}

struct case_result run_onnx_case(const char *folder, cop_device_kind device, double of_largest)
{
    struct case_result result = {CASE_FAILED, "no test data"};
    struct case_run *run = calloc(1, sizeof *run);
    char path[1024];
    cop_error error;
    if (run == NULL)
        return result;
    run->of_largest = of_largest;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    const cop_status status = cop_model_load(path, NULL, &run->model, &error);
    if (status != COP_STATUS_OK) {
        conclude(&result, status, &error, "load");
        free(run);
        return result;
    }
    for (int set = 0; set < 100; set++) {
        snprintf(path, sizeof path, "%s/test_data_set_%d", folder, set);
        if (access(path, F_OK) != 0)
            break;
        run_data_set(run, folder, set, device, &result);
        release_arrays(&run->inputs);
        release_arrays(&run->outputs);
        release_arrays(&run->expected);
        cop_cached_op_release(&run->op);
        if (result.verdict != CASE_PASSED)
            break;
    }
    cop_model_release(&run->model);
    free(run);
    return result;
}
