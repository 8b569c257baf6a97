// SPDX-License-Identifier: Apache-2.0
/*
 * No driver, one that is too old, no device, too little memory of one, and a child of a process
 * that used it: each is told by its status and text, and the processor is left alone.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "cuda/backend/gpu.h"
#include "support/tiny_models.h"
#include "support/unit.h"

static cop_status create(cop_model *model, cop_device device, cop_cached_op **op, cop_error *error)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device = device;
    options.gpu_kernels = COP_GPU_KERNELS_OWN;
    return cop_cached_op_create(model, &options, op, error);
}

static void expect_gpu(cop_status expected, const char *text)
{
    cop_model *model = tiny_classifier(1);
    cop_cached_op *op = NULL;
    cop_error error;
    ck_assert_int_eq(create(model, (cop_device){COP_DEVICE_GPU, 0}, &op, &error), expected);
    ck_assert_ptr_null(op);
    ck_assert_msg(strstr(error.message, text) != NULL, "%s", error.message);
    ck_assert_msg(strstr(error.message, "gpu:0") != NULL, "%s", error.message);
    ck_assert_int_eq(create(model, (cop_device){COP_DEVICE_REF, 0}, &op, &error), COP_STATUS_OK);
    cop_cached_op_release(&op), cop_model_release(&model);
}

START_TEST(a_missing_driver_is_named)
{
    cop_fake_cuda_driver(COP_FAKE_CUDA_DRIVER_MISSING);
    load_emulated_module();
    ck_assert_uint_eq(cop_device_count(), 2);
    expect_gpu(COP_STATUS_NOT_FOUND, "driver is missing, or too old");
}
END_TEST

START_TEST(an_old_driver_is_named)
{
    cop_fake_cuda_driver(COP_FAKE_CUDA_DRIVER_OLD);
    load_emulated_module();
    ck_assert_uint_eq(cop_device_count(), 2);
    expect_gpu(COP_STATUS_NOT_FOUND, "driver is missing, or too old");
}
END_TEST

START_TEST(a_machine_without_a_gpu_has_none)
{
    cop_fake_cuda_device_count(0);
    load_emulated_module();
    ck_assert_uint_eq(cop_device_count(), 2);
    expect_gpu(COP_STATUS_NOT_FOUND, "");
}
END_TEST

START_TEST(a_gpu_that_is_too_old_is_named)
{
    cop_fake_cuda_capability(7, 0);
    load_emulated_module();
    expect_gpu(COP_STATUS_UNSUPPORTED, "compute capability 7.0");
}
END_TEST

START_TEST(weights_that_do_not_fit_are_told_and_a_larger_memory_takes_them)
{
    static const int64_t one[] = {1};
    cop_model *model = tiny_classifier(1);
    cop_cached_op *op = NULL;
    cop_error error;
    load_emulated_module();
    cop_ndarray *array = array_in(0, COP_MEMORY_DEVICE, 1, one); /* the device is open now */
    cop_fake_cuda_memory_limit(2048);
    ck_assert_int_eq(create(model, (cop_device){COP_DEVICE_GPU, 0}, &op, &error),
                     COP_STATUS_OUT_OF_DEVICE_MEMORY);
    ck_assert_msg(strstr(error.message, "bytes") != NULL, "%s", error.message);
    ck_assert_ptr_null(op);
    cop_fake_cuda_memory_limit((size_t)64 << 20);
    ck_assert_msg(create(model, (cop_device){COP_DEVICE_GPU, 0}, &op, &error) == COP_STATUS_OK,
                  "%s", error.message);
    cop_cached_op_release(&op), cop_model_release(&model), cop_ndarray_release(&array);
}
END_TEST

/* Whether cuDNN is not there, or is and does not start on this GPU. */
START_TEST(without_libraries_that_work_own_kernels_run_unless_they_were_asked_for)
{
    cop_model *model = tiny_classifier(1);
    cop_cached_op *op = NULL;
    cop_error error;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device.kind = COP_DEVICE_GPU;
    load_emulated_module();
    ck_assert_msg(cop_cached_op_create(model, &options, &op, &error) == COP_STATUS_OK, "%s",
                  error.message);
    cop_cached_op_release(&op);
    options.gpu_kernels = COP_GPU_KERNELS_LIBRARY;
    ck_assert_int_ne(cop_cached_op_create(model, &options, &op, &error), COP_STATUS_OK);
    ck_assert_msg(strstr(error.message, "cu") != NULL, "%s", error.message);
    ck_assert_ptr_null(op);
    cop_model_release(&model);
}
END_TEST

/* Of what the parent made nothing works in the child, and nothing waits; the parent goes on. */
START_TEST(a_child_of_a_process_that_used_the_gpu_cannot)
{
    static const int64_t shape[] = {1, 3, 12, 12};
    cop_model *model = tiny_classifier(1);
    cop_cached_op *op = NULL;
    cop_ndarray *src = random_array(4, shape, 7), *dst = NULL;
    cop_error error;
    int status;
    load_emulated_module();
    ck_assert_int_eq(create(model, (cop_device){COP_DEVICE_GPU, 0}, &op, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_invoke(op, 1, &src, 1, &dst, NULL, &error), COP_STATUS_OK);
    cop_ndarray_release(&dst);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        cop_cached_op *ref = NULL;
        alarm(30);
        const bool is_told =
            cop_invoke(op, 1, &src, 1, &dst, NULL, &error) == COP_STATUS_DEVICE_FAILED &&
            strstr(error.message, "forked") != NULL;
        const bool has_ref =
            create(model, (cop_device){COP_DEVICE_REF, 0}, &ref, &error) == COP_STATUS_OK &&
            cop_invoke(ref, 1, &src, 1, &dst, NULL, &error) == COP_STATUS_OK;
        cop_cached_op_release(&op); /* gives nothing back to CUDA */
        _exit(is_told && has_ref ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(cop_invoke(op, 1, &src, 1, &dst, NULL, &error), COP_STATUS_OK);
    cop_ndarray_release(&dst), cop_ndarray_release(&src);
    cop_cached_op_release(&op), cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS("absence of the emulated GPU", a_missing_driver_is_named,
                     an_old_driver_is_named, a_machine_without_a_gpu_has_none,
                     a_gpu_that_is_too_old_is_named,
                     weights_that_do_not_fit_are_told_and_a_larger_memory_takes_them,
                     without_libraries_that_work_own_kernels_run_unless_they_were_asked_for,
                     a_child_of_a_process_that_used_the_gpu_cannot);
}
