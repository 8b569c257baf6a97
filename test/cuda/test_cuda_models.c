// SPDX-License-Identifier: Apache-2.0
/*
 * Real trained models on the emulated GPU, by the library's own kernels, or by emulated cuDNN and
 * cuBLASLt: every step runs there, and in every precision the result is that of the processor
 * within what the precision allows.
 */
#include <stdio.h>
#include <string.h>

#include "support/real_models.h"
#include "support/unit.h"

struct subject {
    const char *folder, *model;
    const char *input; /* of an MXNet model: its name; NULL: the model declares its shape */
    const char *array; /* NULL: numbers that follow from their place */
};

static const struct subject subjects[] = {
    {"mnist_8", "model.onnx", NULL, NULL},
    {"mnist_lenet", "mnist-lenet-0", "data", NULL},
    {"ultraface_slim_320", "version-slim-320.onnx", NULL, NULL},
    {"squeezenet_v1.1", "squeezenet_v1.1", "data", "ref_input.npy"},
    {"mobilenetv2_1.0_224", "mobilenetv2_1.0_224_fp32.onnx", NULL, "ref_input.npy"},
    {"mobilenetv2_1.0_224", "mobilenetv2_1.0_224", "data", "ref_input.npy"},
};

/* Of the largest value. Rounding errors of half precision grow through dozens of layers. */
static const struct {
    cop_precision precision;
    const char *name;
    double tolerance;
} precisions[] = {
    {COP_PRECISION_FP32, "fp32", 1e-4},
    {COP_PRECISION_TF32, "tf32", 5e-3},
    {COP_PRECISION_FP16, "fp16", 5e-3},
    {COP_PRECISION_BF16, "bf16", 5e-2},
};

static cop_gpu_kernels gpu_kernels = COP_GPU_KERNELS_OWN;

enum { PRECISIONS = sizeof precisions / sizeof *precisions };

static cop_cached_op *compile(const struct subject *subject, cop_model *model, cop_device_kind kind,
                              cop_precision precision)
{
    static const int64_t lenet_shape[] = {1, 1, 28, 28};
    cop_cached_op *op = NULL;
    cop_error error;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_input_shape shape = {subject->input, 4, {1, 3, 224, 224}};
    if (strcmp(subject->folder, "mnist_lenet") == 0)
        memcpy(shape.shape, lenet_shape, sizeof lenet_shape);
    options.device.kind = kind;
    options.precision = precision;
    options.gpu_kernels = gpu_kernels;
    options.input_shapes = &shape;
    options.input_shape_count = subject->input != NULL;
    ck_assert_msg(cop_cached_op_create(model, &options, &op, &error) == COP_STATUS_OK, "%s",
                  error.message);
    return op;
}

/* The array that comes with the model, or one with the shape of the operator's input. */
static cop_ndarray *make_input(const struct subject *subject, const cop_cached_op *op)
{
    cop_ndarray *array = NULL;
    cop_tensor_desc desc;
    cop_error error;
    if (subject->array != NULL)
        return load_array(subject->folder, subject->array);
    ck_assert_int_eq(cop_cached_op_input(op, 0, &desc, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_create(desc.dtype, desc.rank, desc.shape, &array, &error),
                     COP_STATUS_OK);
    float *elements = cop_ndarray_data(array);
    for (size_t i = 0; i < cop_ndarray_bytes(array) / sizeof *elements; i++)
        elements[i] = (float)(i * 7 % 31) / 31 - 0.5f;
    return array;
}

static void expect_all_on_gpu(const cop_cached_op *op)
{
    char *plan = NULL;
    ck_assert_int_eq(cop_cached_op_print_plan(op, COP_PLAN_FORMAT_JSON, &plan, NULL),
                     COP_STATUS_OK);
    ck_assert_ptr_nonnull(strstr(plan, "\"backend\": \"cuda\""));
    ck_assert_ptr_null(strstr(plan, "\"backend\": \"ref\""));
    ck_assert((strstr(plan, "cudnn:") != NULL) == (gpu_kernels == COP_GPU_KERNELS_LIBRARY));
    cop_text_release(&plan);
}

static cop_ndarray *run(cop_cached_op *op, cop_ndarray *src)
{
    cop_ndarray *dst[4] = {NULL};
    cop_error error;
    const size_t count = cop_cached_op_output_count(op);
    ck_assert_uint_le(count, 4);
    ck_assert_msg(cop_invoke(op, 1, &src, count, dst, NULL, &error) == COP_STATUS_OK, "%s",
                  error.message);
    for (size_t i = 1; i < count; i++)
        cop_ndarray_release(&dst[i]);
    return dst[0];
}

START_TEST(real_models_run_whole_on_the_gpu_and_give_what_the_processor_gives)
{
    const struct subject *subject = &subjects[_i / PRECISIONS];
    const int precision = _i % PRECISIONS;
    cop_error error;
    ck_assert_msg(cop_load_module(getenv("COP_EMULATED_MODULE"), &error) == COP_STATUS_OK, "%s",
                  error.message);
    cop_model *model = load_model(subject->folder, subject->model);
    cop_cached_op *on_cpu = compile(subject, model, COP_DEVICE_CPU, COP_PRECISION_FP32);
    cop_cached_op *on_gpu =
        compile(subject, model, COP_DEVICE_GPU, precisions[precision].precision);
    cop_ndarray *src = make_input(subject, on_cpu);
    expect_all_on_gpu(on_gpu);
    cop_ndarray *expected = run(on_cpu, src);
    for (int i = 0; i < 2; i++) { /* step by step, then recorded */
        cop_ndarray *dst = run(on_gpu, src);
        const double apart = distance(dst, expected);
        printf("%s, %s: %.2e of the largest value apart\n", subject->model,
               precisions[precision].name, apart);
        ck_assert_msg(apart <= precisions[precision].tolerance, "%s: %g", subject->model, apart);
        cop_ndarray_release(&dst);
    }
    cop_ndarray_release(&expected), cop_ndarray_release(&src);
    cop_cached_op_release(&on_cpu), cop_cached_op_release(&on_gpu);
    cop_model_release(&model);
}
END_TEST

/* With an argument, only the small models: where a sanitizer makes the emulation slow, and, if it
 * is "libraries", for the libraries' plain loops. */
int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "libraries") == 0)
        gpu_kernels = COP_GPU_KERNELS_LIBRARY;
    const int count = argc > 1 ? 3 : (int)(sizeof subjects / sizeof *subjects);
    data_directory = find_data_folder();
    if (data_directory == NULL)
        return SKIPPED;
    TCase *cases = tcase_create("models");
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, real_models_run_whole_on_the_gpu_and_give_what_the_processor_gives,
                        0, count * PRECISIONS);
    return run_case("cuda models", cases);
}
