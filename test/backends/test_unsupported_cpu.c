// SPDX-License-Identifier: Apache-2.0
/* A processor that oneDNN cannot use: the reference kernels run, and the log says so once. */
#include <dnnl.h>
#include <string.h>

#include "support/tiny_models.h"
#include "support/unit.h"

/* Stands before oneDNN's. */
dnnl_status_t dnnl_engine_create(dnnl_engine_t *engine, dnnl_engine_kind_t kind, size_t index)
{
    (void)kind, (void)index;
    *engine = NULL;
    return dnnl_unimplemented;
}

static int warnings;

static void count_warnings(void *user, cop_log_level level, const char *message)
{
    (void)user;
    warnings += level == COP_LOG_LEVEL_WARNING && strstr(message, "device cpu") != NULL;
}

START_TEST(a_processor_that_onednn_lacks_runs_the_reference_kernels_and_is_warned_of_once)
{
    static const int64_t shape[] = {1, 16};
    cop_model *model = tiny_relu();
    cop_ndarray *src = random_array(2, shape, 1), *dst = NULL;
    cop_cached_op *silent = compile_on(model, COP_DEVICE_CPU);
    ck_assert_int_eq(cop_set_log(count_warnings, NULL, COP_LOG_LEVEL_INFO, NULL), COP_STATUS_OK);
    cop_cached_op *op = compile_on(model, COP_DEVICE_CPU),
                  *again = compile_on(model, COP_DEVICE_CPU);
    ck_assert_int_eq(warnings, 1);
    ck_assert_int_eq(cop_invoke(op, 1, &src, 1, &dst, NULL, NULL), COP_STATUS_OK);
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    cop_cached_op_release(&silent), cop_cached_op_release(&op), cop_cached_op_release(&again);
    cop_model_release(&model);
}
END_TEST

START_TEST(the_reference_device_is_asked_for_and_not_warned_of)
{
    cop_model *model = tiny_relu();
    ck_assert_int_eq(cop_set_log(count_warnings, NULL, COP_LOG_LEVEL_INFO, NULL), COP_STATUS_OK);
    cop_cached_op *op = compile_on(model, COP_DEVICE_REF);
    ck_assert_int_eq(warnings, 0);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS("unsupported cpu",
                     a_processor_that_onednn_lacks_runs_the_reference_kernels_and_is_warned_of_once,
                     the_reference_device_is_asked_for_and_not_warned_of);
}
