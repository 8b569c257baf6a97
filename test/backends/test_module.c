// SPDX-License-Identifier: Apache-2.0
/*
 * Loading backends from modules. The module for GPUs that was built here, if one was, is asked for
 * on machines with and without a driver; other files are no modules.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "support/tiny_models.h"
#include "support/unit.h"

/* NULL: this build has none. */
static const char *built_module(void)
{
    const char *path = getenv("COP_GPU_MODULE");
    return path != NULL && access(path, R_OK) == 0 ? path : NULL;
}

static void expect_refused(const char *path, cop_status expected, const char *text)
{
    cop_error error = {0};
    ck_assert_int_eq(cop_load_module(path, &error), expected);
    ck_assert_msg(strstr(error.message, text) != NULL, "%s", error.message);
}

START_TEST(what_is_no_module_is_refused)
{
    expect_refused(NULL, COP_STATUS_INVALID_ARGUMENT, "NULL");
    expect_refused("libcachedop-cuda.so", COP_STATUS_INVALID_ARGUMENT, "not absolute");
    expect_refused("/nowhere/module.so", COP_STATUS_NOT_FOUND, "/nowhere/module.so");
    expect_refused("/proc/self/cmdline", COP_STATUS_NOT_FOUND, "/proc/self/cmdline");
    expect_refused(getenv("COP_OTHER_LIBRARY"), COP_STATUS_UNSUPPORTED, "no backend module");
}
END_TEST

START_TEST(without_a_module_there_is_no_gpu_and_the_text_says_which_file_was_looked_for)
{
    cop_ndarray *array = NULL;
    cop_error error = {0};
    const int64_t shape[] = {1};
    ck_assert_uint_eq(cop_device_count(), 2);
    ck_assert_int_eq(cop_ndarray_create_in((cop_device){COP_DEVICE_GPU, 0}, COP_MEMORY_DEVICE,
                                           COP_DTYPE_FLOAT32, 1, shape, &array, &error),
                     COP_STATUS_NOT_FOUND);
    ck_assert_ptr_null(array);
    ck_assert_ptr_nonnull(strstr(error.message, "gpu:0"));
    ck_assert_ptr_nonnull(strstr(error.message, "libcachedop-cuda.so"));
}
END_TEST

/* On a machine without a driver the module loads all the same, and says what is missing. */
START_TEST(the_built_module_loads_with_and_without_a_driver)
{
    if (built_module() == NULL) {
        puts("skipped: no module for GPUs was built");
        return;
    }
    cop_error error = {0};
    const int64_t shape[] = {1};
    cop_ndarray *array = NULL;
    ck_assert_msg(cop_load_module(built_module(), &error) == COP_STATUS_OK, "%s", error.message);
    ck_assert_int_eq(cop_load_module(built_module(), &error), COP_STATUS_OK);
    expect_refused("/somewhere/else.so", COP_STATUS_BUSY, built_module());
    const bool has_gpu = cop_device_count() > 2;
    const cop_status status =
        cop_ndarray_create_in((cop_device){COP_DEVICE_GPU, 0}, COP_MEMORY_DEVICE, COP_DTYPE_FLOAT32,
                              1, shape, &array, &error);
    ck_assert_int_eq(status, has_gpu ? COP_STATUS_OK : COP_STATUS_NOT_FOUND);
    ck_assert_msg(has_gpu || strstr(error.message, "driver") != NULL, "%s", error.message);
    cop_ndarray_release(&array);
}
END_TEST

/* Of a lost or missing GPU the processor knows nothing. */
START_TEST(a_module_without_a_device_leaves_the_processor_alone)
{
    cop_model *model = tiny_classifier(1);
    cop_cached_op *op = NULL;
    cop_error error = {0};
    if (built_module() != NULL)
        ck_assert_int_eq(cop_load_module(built_module(), &error), COP_STATUS_OK);
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device = (cop_device){COP_DEVICE_GPU, 31};
    ck_assert_int_eq(cop_cached_op_create(model, &options, &op, &error), COP_STATUS_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "gpu:31"));
    ck_assert_ptr_null(op);
    ck_assert_int_eq(cop_cached_op_create(model, NULL, &op, &error), COP_STATUS_OK);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS("module", what_is_no_module_is_refused,
                     without_a_module_there_is_no_gpu_and_the_text_says_which_file_was_looked_for,
                     the_built_module_loads_with_and_without_a_driver,
                     a_module_without_a_device_leaves_the_processor_alone);
}
