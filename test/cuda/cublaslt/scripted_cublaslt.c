// SPDX-License-Identifier: Apache-2.0
#include "scripted_cublaslt.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/cublaslt/cublaslt_calls.h"

struct scripted_cublaslt scripted;

struct product {
    int32_t trans_a, trans_b;
    uint32_t epilogue;
    const float *bias;
};

struct matrix {
    uint64_t rows, columns;
    int64_t leading, stride;
    int32_t batch;
};

void scripted_reset(void)
{
    scripted = (struct scripted_cublaslt){.algorithms = 1};
}

static bool is_failing(void)
{
    return ++scripted.calls == scripted.fail_at;
}

static void *make(size_t bytes)
{
    scripted.live_objects++;
    return calloc(1, bytes);
}

static cublasStatus_t drop(void *object)
{
    scripted.live_objects--;
    free(object);
    return CUBLAS_STATUS_SUCCESS;
}

static size_t get_version(void)
{
    return 130100;
}

static const char *get_status_string(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_INVALID_VALUE ? "an invalid value" : "as the script says";
}

static cublasStatus_t create(cublasLtHandle_t *handle)
{
    if (is_failing())
        return scripted.failure;
    *handle = malloc(1);
    scripted.live_handles++;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t destroy(cublasLtHandle_t handle)
{
    free(handle);
    scripted.live_handles--;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t create_product(cublasLtMatmulDesc_t *made, cublasComputeType_t compute_type,
                                     cudaDataType_t scale_type)
{
    if (is_failing())
        return scripted.failure;
    if (scale_type != CUDA_R_32F)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    scripted.compute_type = compute_type;
    struct product *product = make(sizeof *product);
    product->epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    *made = (cublasLtMatmulDesc_t)(void *)product;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t destroy_product(cublasLtMatmulDesc_t product)
{
    return drop(product);
}

static cublasStatus_t set_product(cublasLtMatmulDesc_t object,
                                  cublasLtMatmulDescAttributes_t attribute, const void *value,
                                  size_t bytes)
{
    struct product *product = (void *)object;
    const size_t expected = attribute == CUBLASLT_MATMUL_DESC_BIAS_POINTER ? sizeof(void *) : 4;
    if (is_failing())
        return scripted.failure;
    if (bytes != expected)
        return CUBLAS_STATUS_INVALID_VALUE;
    switch ((int)attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
        memcpy(&product->trans_a, value, bytes);
        break;
    case CUBLASLT_MATMUL_DESC_TRANSB:
        memcpy(&product->trans_b, value, bytes);
        break;
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
        memcpy(&product->epilogue, value, bytes);
        break;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        memcpy(&product->bias, value, bytes);
        break;
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
        memcpy(&scripted.bias_type, value, bytes);
        break;
    default:
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t create_matrix(cublasLtMatrixLayout_t *made, cudaDataType type, uint64_t rows,
                                    uint64_t columns, int64_t leading)
{
    if (is_failing())
        return scripted.failure;
    if (leading < (int64_t)rows)
        return CUBLAS_STATUS_INVALID_VALUE;
    struct matrix *matrix = make(sizeof *matrix);
    *matrix = (struct matrix){.rows = rows, .columns = columns, .leading = leading, .batch = 1};
    scripted.type = type;
    *made = (cublasLtMatrixLayout_t)(void *)matrix;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t destroy_matrix(cublasLtMatrixLayout_t matrix)
{
    return drop(matrix);
}

static cublasStatus_t set_matrix(cublasLtMatrixLayout_t object,
                                 cublasLtMatrixLayoutAttribute_t attribute, const void *value,
                                 size_t bytes)
{
    struct matrix *matrix = (void *)object;
    if (is_failing())
        return scripted.failure;
    if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT && bytes == sizeof matrix->batch)
        memcpy(&matrix->batch, value, bytes);
    else if (attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET &&
             bytes == sizeof matrix->stride)
        memcpy(&matrix->stride, value, bytes);
    else
        return CUBLAS_STATUS_INVALID_VALUE;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t create_preference(cublasLtMatmulPreference_t *made)
{
    if (is_failing())
        return scripted.failure;
    *made = make(sizeof **made);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t destroy_preference(cublasLtMatmulPreference_t preference)
{
    return drop(preference);
}

static cublasStatus_t set_preference(cublasLtMatmulPreference_t object,
                                     cublasLtMatmulPreferenceAttributes_t attribute,
                                     const void *value, size_t bytes)
{
    const int first = CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
    (void)object;
    if (is_failing())
        return scripted.failure;
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES && bytes == 8)
        memcpy(&scripted.most_workspace, value, bytes);
    else if (attribute == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK && bytes == 4)
        memcpy(&scripted.reduction_mask, value, bytes);
    else if ((int)attribute >= first && (int)attribute < first + 4 && bytes == 4)
        memcpy(&scripted.alignments[(int)attribute - first], value, bytes);
    else
        return CUBLAS_STATUS_INVALID_VALUE;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t find_algorithm(cublasLtHandle_t handle, cublasLtMatmulDesc_t product,
                                     cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                     cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                     cublasLtMatmulPreference_t preference, int wanted,
                                     cublasLtMatmulHeuristicResult_t *results, int *count)
{
    (void)handle, (void)a, (void)b, (void)c, (void)d, (void)preference, (void)wanted;
    if (is_failing())
        return scripted.failure;
    scripted.bias_when_asked = ((const struct product *)(void *)product)->bias;
    *count = scripted.algorithms;
    results[0].state = scripted.state;
    results[0].workspaceSize = scripted.workspace_bytes;
    results[0].algo.data[0] = 42;
    return CUBLAS_STATUS_SUCCESS;
}

static float element(const float *matrix, const struct matrix *of, bool is_transposed, uint64_t row,
                     uint64_t column)
{
    return is_transposed ? matrix[(int64_t)row * of->leading + (int64_t)column]
                         : matrix[(int64_t)column * of->leading + (int64_t)row];
}

static float finish(const struct product *product, uint64_t row, float value)
{
    if ((product->epilogue & CUBLASLT_EPILOGUE_BIAS) != 0)
        value += product->bias[row];
    if ((product->epilogue & CUBLASLT_EPILOGUE_RELU) != 0)
        value = value > 0 ? value : 0;
    if ((product->epilogue & CUBLASLT_EPILOGUE_GELU) != 0)
        value =
            0.5F * value * (1 + tanhf(0.7978845608F * (value + 0.044715F * value * value * value)));
    return value;
}

static cublasStatus_t multiply(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                               const void *alpha, const void *a, cublasLtMatrixLayout_t of_a,
                               const void *b, cublasLtMatrixLayout_t of_b, const void *beta,
                               const void *c, cublasLtMatrixLayout_t of_c, void *d,
                               cublasLtMatrixLayout_t of_d, const cublasLtMatmulAlgo_t *algorithm,
                               void *workspace, size_t workspace_bytes, cudaStream_t stream)
{
    const struct product *product = (void *)description;
    const struct matrix *left = (void *)of_a, *right = (void *)of_b, *result = (void *)of_d;
    const uint64_t inner = product->trans_a == CUBLAS_OP_T ? left->rows : left->columns;
    (void)workspace, (void)of_c;
    if (is_failing())
        return scripted.failure;
    if (handle == NULL || algorithm->data[0] != 42 || result->batch != left->batch)
        return CUBLAS_STATUS_INVALID_VALUE;
    scripted.products++;
    scripted.given_workspace = workspace_bytes;
    scripted.stream = stream;
    for (int32_t n = 0; n < result->batch; n++)
        for (uint64_t column = 0; column < result->columns; column++)
            for (uint64_t row = 0; row < result->rows; row++) {
                float sum = 0;
                for (uint64_t i = 0; i < inner; i++)
                    sum += element((const float *)a + n * left->stride, left,
                                   product->trans_a == CUBLAS_OP_T, row, i) *
                           element((const float *)b + n * right->stride, right,
                                   product->trans_b == CUBLAS_OP_T, i, column);
                const int64_t at =
                    n * result->stride + (int64_t)column * result->leading + (int64_t)row;
                sum *= *(const float *)alpha;
                if (*(const float *)beta != 0)
                    sum += *(const float *)beta * ((const float *)c)[at];
                ((float *)d)[at] = finish(product, row, sum);
            }
    return CUBLAS_STATUS_SUCCESS;
}

cop_status cop_cublaslt_calls(const struct cublaslt_calls **calls, cop_error *error)
{
    static const struct cublaslt_calls scripted_calls = {
        .GetVersion = get_version,
        .GetStatusString = get_status_string,
        .Create = create,
        .Destroy = destroy,
        .MatmulDescCreate = create_product,
        .MatmulDescDestroy = destroy_product,
        .MatmulDescSetAttribute = set_product,
        .MatrixLayoutCreate = create_matrix,
        .MatrixLayoutDestroy = destroy_matrix,
        .MatrixLayoutSetAttribute = set_matrix,
        .MatmulPreferenceCreate = create_preference,
        .MatmulPreferenceDestroy = destroy_preference,
        .MatmulPreferenceSetAttribute = set_preference,
        .MatmulAlgoGetHeuristic = find_algorithm,
        .Matmul = multiply,
    };
    (void)error;
    *calls = &scripted_calls;
    return COP_STATUS_OK;
}
