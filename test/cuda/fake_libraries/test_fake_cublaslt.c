// SPDX-License-Identifier: Apache-2.0
/* The emulated cuBLASLt: one product in its order of columns, and what it refuses. */
#include <cublasLt.h>

#include "fake_libraries/fake_libraries.h"
#include "fake_runtime/jobs.h"
#include "support/unit.h"

/* d[2, 3] = relu(a[4, 2]' b[4, 3] + bias[2]), all by columns. */
struct product {
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t description;
    cublasLtMatrixLayout_t a, b, d;
    cublasLtMatmulAlgo_t algorithm;
    size_t workspace_bytes;
    float *on_a, *on_b, *on_d, *on_bias;
    void *workspace;
    cudaStream_t stream;
};

/* All that tests made, for the end. */
static struct product products[8];
static int product_count;

static void end(void)
{
    for (int i = 0; i < product_count; i++) {
        OK(cublasLtMatrixLayoutDestroy(products[i].a));
        OK(cublasLtMatrixLayoutDestroy(products[i].b));
        OK(cublasLtMatrixLayoutDestroy(products[i].d));
        OK(cublasLtMatmulDescDestroy(products[i].description));
        OK(cublasLtDestroy(products[i].handle));
    }
    ck_assert_uint_eq(cop_fake_cublaslt_live(), 0);
    cop_fake_cuda_reset();
}

static float *upload(size_t count, float first, float step)
{
    float values[16];
    void *memory;
    for (size_t i = 0; i < count; i++)
        values[i] = first + step * (float)i;
    OK(cudaMalloc(&memory, count * sizeof *values));
    OK(cudaMemcpy(memory, values, count * sizeof *values, cudaMemcpyHostToDevice));
    return memory;
}

#define SET(kind, of, name, ...)                                                                   \
    OK(cublasLt##kind##SetAttribute(of, name, &(__VA_ARGS__), sizeof(__VA_ARGS__)))

static cublasStatus_t choose(struct product *made, uint64_t most)
{
    cublasLtMatmulPreference_t preference;
    cublasLtMatmulHeuristicResult_t found[3];
    int count = 0;
    OK(cublasLtMatmulPreferenceCreate(&preference));
    SET(MatmulPreference, preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, most);
    SET(MatmulPreference, preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, (uint32_t){16});
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(made->handle, made->description, made->a, made->b, made->d,
                                       made->d, preference, 3, found, &count);
    OK(cublasLtMatmulPreferenceDestroy(preference));
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    ck_assert_int_eq(count, most >= 8192 ? 2 : 1);
    made->algorithm = found[0].algo;
    made->workspace_bytes = found[0].workspaceSize;
    return status;
}

static struct product begin(cublasComputeType_t compute, float a)
{
    struct product made = {.stream = new_stream()};
    OK(cublasLtCreate(&made.handle));
    made.on_a = upload(8, a, 0);
    made.on_b = upload(12, 1, 1);
    made.on_d = upload(6, 0, 0);
    made.on_bias = upload(2, 1, -1000);
    OK(cudaMalloc(&made.workspace, 8192));
    OK(cublasLtMatmulDescCreate(&made.description, compute, CUDA_R_32F));
    SET(MatmulDesc, made.description, CUBLASLT_MATMUL_DESC_TRANSA, (int32_t){CUBLAS_OP_T});
    SET(MatmulDesc, made.description, CUBLASLT_MATMUL_DESC_EPILOGUE,
        (uint32_t){CUBLASLT_EPILOGUE_RELU_BIAS});
    SET(MatmulDesc, made.description, CUBLASLT_MATMUL_DESC_BIAS_POINTER, made.on_bias);
    OK(cublasLtMatrixLayoutCreate(&made.a, CUDA_R_32F, 4, 2, 4));
    OK(cublasLtMatrixLayoutCreate(&made.b, CUDA_R_32F, 4, 3, 4));
    OK(cublasLtMatrixLayoutCreate(&made.d, CUDA_R_32F, 2, 3, 2));
    OK(choose(&made, 8192));
    products[product_count++] = made;
    return made;
}

static cublasStatus_t run(const struct product *of)
{
    const float alpha = 1, beta = 0;
    return cublasLtMatmul(of->handle, of->description, &alpha, of->on_a, of->a, of->on_b, of->b,
                          &beta, of->on_d, of->d, of->on_d, of->d, &of->algorithm, of->workspace,
                          of->workspace_bytes, of->stream);
}

START_TEST(a_product_runs_on_the_stream_when_its_turn_comes)
{
    const struct product product = begin(CUBLAS_COMPUTE_32F, 2);
    float d[6];
    cop_fake_cuda_hold(1);
    OK(run(&product));
    FAILS(cudaErrorNotReady, cudaStreamQuery(product.stream));
    cop_fake_cuda_hold(0);
    OK(cudaStreamSynchronize(product.stream));
    OK(cudaMemcpy(d, product.on_d, sizeof d, cudaMemcpyDeviceToHost));
    const float expected[] = {2 * 10 + 1, 0, 2 * 26 + 1, 0, 2 * 42 + 1, 0};
    for (int i = 0; i < 6; i++)
        ck_assert_float_eq(d[i], expected[i]);
    NO_VIOLATIONS();
}
END_TEST

START_TEST(float32_is_rounded_only_where_that_is_asked_for)
{
    const cublasComputeType_t types[] = {CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_TF32};
    const float expected[] = {10 * (1 + 0x1p-12F) + 1, 11};
    for (int i = 0; i < 2; i++) {
        const struct product product = begin(types[i], 1 + 0x1p-12F);
        float first;
        OK(run(&product));
        OK(cudaStreamSynchronize(product.stream));
        OK(cudaMemcpy(&first, product.on_d, sizeof first, cudaMemcpyDeviceToHost));
        ck_assert_float_eq(first, expected[i]);
    }
}
END_TEST

START_TEST(addresses_must_be_aligned_and_inside_device_memory)
{
    struct product product = begin(CUBLAS_COMPUTE_32F, 1);
    product.on_a++;
    FAILS(CUBLAS_STATUS_NOT_SUPPORTED, run(&product));
    VIOLATES("alignment");
    product.on_a += 3;
    FAILS(CUBLAS_STATUS_INVALID_VALUE, run(&product));
    product = begin(CUBLAS_COMPUTE_32F, 1);
    product.workspace = (char *)product.workspace + 256;
    FAILS(CUBLAS_STATUS_INVALID_VALUE, run(&product));
    ck_assert_uint_eq(violations(), 3);
    product.workspace_bytes--;
    FAILS(CUBLAS_STATUS_INVALID_VALUE, run(&product));
}
END_TEST

START_TEST(what_is_no_product_or_asked_to_fail_is_refused)
{
    struct product product = begin(CUBLAS_COMPUTE_32F, 1);
    OK(choose(&product, 0));
    ck_assert_uint_eq(product.workspace_bytes, 0);
    OK(run(&product));
    SET(MatrixLayout, product.b, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, (int32_t){2});
    FAILS(CUBLAS_STATUS_INVALID_VALUE, choose(&product, 0));
    product = begin(CUBLAS_COMPUTE_32F, 1);
    SET(MatmulDesc, product.description, CUBLASLT_MATMUL_DESC_TRANSA, (int32_t){CUBLAS_OP_N});
    FAILS(CUBLAS_STATUS_INVALID_VALUE, choose(&product, 0));
    product = begin(CUBLAS_COMPUTE_32F, 1);
    cop_fake_cublaslt_refuse(1);
    FAILS(CUBLAS_STATUS_NOT_SUPPORTED, choose(&product, 0));
    cop_fake_cublaslt_fail("cublasLtMatmul", 1, CUBLAS_STATUS_EXECUTION_FAILED);
    FAILS(CUBLAS_STATUS_EXECUTION_FAILED, run(&product));
    OK(run(&product));
    cop_fake_cuda_device_count(0);
    FAILS(CUBLAS_STATUS_NOT_INITIALIZED, cublasLtCreate(&product.handle));
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("emulated cuBLASLt", cop_fake_cuda_reset, end,
                          a_product_runs_on_the_stream_when_its_turn_comes,
                          float32_is_rounded_only_where_that_is_asked_for,
                          addresses_must_be_aligned_and_inside_device_memory,
                          what_is_no_product_or_asked_to_fail_is_refused);
}
