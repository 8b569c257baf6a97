// SPDX-License-Identifier: Apache-2.0
/* MXNet's API on gpu(0), which is the CUDA backend on an emulated runtime. */
#include <stdlib.h>

#include <cachedop/library.h>

#include <nnvm/c_api.h>

#include "mxnet/mx_client.h"

#define GPU 2

static void set_up(void)
{
    cop_error error;
    ck_assert_msg(cop_load_module(getenv("COP_EMULATED_MODULE"), &error) == COP_STATUS_OK, "%s",
                  error.message);
}

static NDArrayHandle on_gpu(NDArrayHandle host)
{
    int rank, type;
    const int *dims;
    uint32_t shape[8];
    NDArrayHandle array, *outputs = &array;
    int count = 1;
    void *copyto;
    MX(MXNDArrayGetShapeEx(host, &rank, &dims));
    for (int i = 0; i < rank; i++)
        shape[i] = (uint32_t)dims[i];
    MX(MXNDArrayGetDType(host, &type));
    MX(MXNDArrayCreateEx(shape, (uint32_t)rank, GPU, 0, 0, type, &array));
    MX(NNGetOpHandle("_copyto", &copyto));
    MX(MXImperativeInvoke(copyto, 1, &host, &count, &outputs, 0, NULL, NULL));
    MX(MXNDArrayFree(host));
    return array;
}

START_TEST(there_is_a_gpu)
{
    int count = 0;
    MX(MXGetGPUCount(&count));
    ck_assert_int_ge(count, 1);
}
END_TEST

START_TEST(arrays_go_to_the_gpu_and_back)
{
    NDArrayHandle array = on_gpu(mx_ramp_2(2, 3, 1, 1)), row;
    int type, id;
    MX(MXNDArrayGetContext(array, &type, &id));
    ck_assert_int_eq(type, GPU);
    ck_assert_int_eq(id, 0);
    ck_assert_float_eq(mx_element(array, 6, 5), 6);
    MX(MXNDArraySlice(array, 1, 2, &row));
    ck_assert_float_eq(mx_element(row, 3, 0), 4);
    const float zeros[3] = {0};
    MX(MXNDArraySyncCopyFromCPU(row, zeros, 3));
    ck_assert_float_eq(mx_element(array, 6, 4), 0);
    MX(MXNDArrayFree(row));
    MX(MXNDArrayFree(array));
}
END_TEST

START_TEST(a_cached_op_runs_on_the_gpu_of_its_inputs)
{
    SymbolHandle symbol = mx_symbol(MX_DENSE_JSON);
    CachedOpHandle op;
    MX(MXCreateCachedOpEX(symbol, 0, NULL, NULL, &op, true));
    NDArrayHandle inputs[] = {on_gpu(mx_ramp_2(2, 3, 0, 1)), on_gpu(mx_ramp_2(2, 3, 1, 1)),
                              on_gpu(mx_ramp_1(2, 10, 1))};
    for (int i = 0; i < 4; i++) {
        int count = 0, type, id;
        NDArrayHandle *outputs = NULL;
        MX(MXInvokeCachedOp(op, 3, inputs, &count, &outputs));
        const NDArrayHandle output = outputs[0];
        MX(MXNDArrayGetContext(output, &type, &id));
        ck_assert_int_eq(type, GPU);
        ck_assert_float_eq(mx_element(output, 4, 0), (float)(i < 2 ? 18 : 8 + i));
        MX(MXNDArrayFree(output));
        const float bias[] = {(float)(1 + i), 0};
        if (i > 0) /* parameters that are overwritten count from the next call on */
            MX(MXNDArraySyncCopyFromCPU(inputs[2], bias, 2));
    }
    NDArrayHandle mixed[] = {inputs[0], inputs[1], mx_ramp_1(2, 0, 0)}, *outputs = NULL;
    int count = 0;
    MX_FAILS(MXInvokeCachedOp(op, 3, mixed, &count, &outputs),
             "But data is on gpu(0) while fc_bias is on cpu(0)");
    MX(MXNDArrayFree(mixed[2]));
    for (int i = 0; i < 3; i++)
        MX(MXNDArrayFree(inputs[i]));
    MX(MXFreeCachedOp(op));
    MX(MXSymbolFree(symbol));
    MX(MXNDArrayWaitAll());
}
END_TEST

START_TEST(a_gpu_that_is_not_there_is_an_error_with_its_number)
{
    const uint32_t shape[] = {2};
    NDArrayHandle array = NULL;
    MX_FAILS(MXNDArrayCreateEx(shape, 1, GPU, 77, 0, 0, &array), "77");
    ck_assert_ptr_null(array);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("mx_gpu", set_up, NULL, there_is_a_gpu, arrays_go_to_the_gpu_and_back,
                          a_cached_op_runs_on_the_gpu_of_its_inputs,
                          a_gpu_that_is_not_there_is_an_error_with_its_number);
}
