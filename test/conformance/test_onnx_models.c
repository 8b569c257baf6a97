// SPDX-License-Identifier: Apache-2.0
/* Trained ONNX models from elsewhere: those with stored outputs, float16, a detector, and those
 * that need what is not supported. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/ref/ref_convert.h"
#include "support/arrays.h"
#include "support/npy.h"
#include "support/onnx_cases.h"
#include "support/unit.h"

#define SKIPPED 77 /* what meson takes for a skipped test */

static const char *data_directory;
static const cop_device_kind devices[] = {COP_DEVICE_REF, COP_DEVICE_CPU};

static const char *path_of(const char *file)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", data_directory, file);
    return path;
}

START_TEST(models_give_their_stored_outputs)
{
    static const char *const folders[] = {"mnist_8", "super_resolution_10"};
    const struct case_result result =
        run_onnx_case(path_of(folders[_i / 2]), devices[_i % 2], 1e-6);
    ck_assert_msg(result.verdict == CASE_PASSED, "%s", result.reason);
}
END_TEST

static cop_cached_op *compile(const char *file, cop_device_kind device)
{
    cop_model *model = NULL;
    cop_cached_op *op = NULL;
    cop_error error;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device.kind = device;
    ck_assert_msg(cop_model_load(path_of(file), NULL, &model, &error) == COP_STATUS_OK, "%s",
                  error.message);
    ck_assert_msg(cop_cached_op_create(model, &options, &op, &error) == COP_STATUS_OK, "%s",
                  error.message);
    cop_model_release(&model);
    return op;
}

static void run(cop_cached_op *op, cop_ndarray *src, size_t dst_count, cop_ndarray **dst)
{
    cop_error error;
    memset(dst, 0, dst_count * sizeof *dst);
    ck_assert_msg(cop_invoke(op, 1, &src, dst_count, dst, NULL, &error) == COP_STATUS_OK, "%s",
                  error.message);
    cop_cached_op_release(&op);
}

/* The elements in another type. */
static cop_ndarray *convert(const cop_ndarray *array, cop_dtype dtype)
{
    cop_ndarray *made;
    cop_error error;
    ck_assert_int_eq(
        cop_ndarray_create(dtype, cop_ndarray_rank(array), cop_ndarray_shape(array), &made, &error),
        COP_STATUS_OK);
    const cop_dtype from = cop_ndarray_dtype(array);
    cop_ref_convert(from, cop_ndarray_data(array), dtype, cop_ndarray_data(made),
                    (int64_t)(cop_ndarray_bytes(array) / cop_dtype_bytes(from)));
    return made;
}

/* The two files hold the same weights: float16 outside must be float32's result, rounded once. */
START_TEST(a_float16_model_computes_in_float32)
{
    cop_ndarray *exact = npy_load(path_of("squeezenet_v1.1/ref_input.npy")), *expected, *actual;
    ck_assert_ptr_nonnull(exact);
    cop_ndarray *half = convert(exact, COP_DTYPE_FLOAT16);
    cop_ndarray *wide = convert(half, COP_DTYPE_FLOAT32);
    run(compile("squeezenet_v1.1/squeezenet_v1.1_fp32.onnx", devices[_i]), wide, 1, &expected);
    run(compile("squeezenet_v1.1/SqueezeNet_fp16.onnx", devices[_i]), half, 1, &actual);
    cop_ndarray *rounded = convert(expected, COP_DTYPE_FLOAT16);
    ck_assert_int_eq(cop_ndarray_dtype(actual), COP_DTYPE_FLOAT16);
    ck_assert_uint_eq(cop_ndarray_bytes(actual), 1000 * sizeof(uint16_t));
    ck_assert_mem_eq(cop_ndarray_data(actual), cop_ndarray_data(rounded), 2000);
    cop_ndarray *const arrays[] = {exact, half, wide, expected, actual, rounded};
    for (int i = 0; i < 6; i++) {
        cop_ndarray *array = arrays[i];
        cop_ndarray_release(&array);
    }
}
END_TEST

/* Its head computes shapes; both devices must agree on what comes out. */
START_TEST(a_detector_with_computed_shapes_runs)
{
    cop_ndarray *src, *on_ref[2], *on_cpu[2];
    cop_error error;
    uint64_t state = 1;
    const int64_t shape[] = {1, 3, 240, 320};
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_FLOAT32, 4, shape, &src, &error), COP_STATUS_OK);
    fill_random(&state, cop_ndarray_data(src), (int64_t)3 * 240 * 320);
    run(compile("ultraface_slim_320/version-slim-320.onnx", COP_DEVICE_REF), src, 2, on_ref);
    run(compile("ultraface_slim_320/version-slim-320.onnx", COP_DEVICE_CPU), src, 2, on_cpu);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(cop_ndarray_shape(on_ref[i])[1], 4420);
        ck_assert_int_eq(cop_ndarray_shape(on_ref[i])[2], i == 0 ? 2 : 4);
        const float *a = cop_ndarray_data(on_ref[i]), *b = cop_ndarray_data(on_cpu[i]);
        for (size_t j = 0; j < cop_ndarray_bytes(on_ref[i]) / sizeof *a; j++)
            ck_assert_msg(isfinite(a[j]) && fabsf(a[j] - b[j]) <= 1e-4f, "element %zu: %g, %g", j,
                          (double)a[j], (double)b[j]);
        cop_ndarray_release(&on_ref[i]), cop_ndarray_release(&on_cpu[i]);
    }
    cop_ndarray_release(&src);
}
END_TEST

START_TEST(models_that_need_more_are_refused_by_name)
{
    static const struct {
        const char *file, *names[4];
    } refused[] = {
        {"style_mosaic_op7/mosaic.onnx", {"ImageScaler (", "Crop (", "Affine (", NULL}},
        {"silero_vad_16k_op15/silero_vad_16k_op15.onnx", {"LSTM (", "If (", "opset 15", NULL}},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        cop_model *model = NULL;
        cop_error error;
        ck_assert_int_eq(cop_model_load(path_of(refused[i].file), NULL, &model, &error),
                         COP_STATUS_UNSUPPORTED);
        ck_assert_ptr_null(model);
        for (const char *const *name = refused[i].names; *name != NULL; name++)
            ck_assert_msg(strstr(error.message, *name) != NULL, "no %s in: %s", *name,
                          error.message);
    }
}
END_TEST

int main(void)
{
    data_directory = getenv("COP_TEST_DATA");
    if (data_directory == NULL || access(path_of("mnist_8"), R_OK) != 0) {
        printf("skipped: no models in %s\n", data_directory == NULL ? "" : data_directory);
        return SKIPPED;
    }
    TCase *cases = tcase_create("onnx models");
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, models_give_their_stored_outputs, 0, 4);
    tcase_add_loop_test(cases, a_float16_model_computes_in_float32, 0, 2);
    tcase_add_test(cases, a_detector_with_computed_shapes_runs);
    tcase_add_test(cases, models_that_need_more_are_refused_by_name);
    return run_case("onnx models", cases);
}
