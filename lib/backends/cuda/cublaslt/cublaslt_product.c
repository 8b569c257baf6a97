// SPDX-License-Identifier: Apache-2.0
/*
 * cuBLASLt counts columns first, so a row-major matrix is its transpose there. Instead of d = a b
 * it is given d' = b' a': its A is our b, its B our a, and the rows of its D, along which a bias is
 * added, are our columns.
 */
#include "backends/cuda/cublaslt/cublaslt_product.h"

#include <stdio.h>
#include <string.h>

#include "backends/cuda/cublaslt/cublaslt_calls.h"
#include "base/alloc.h"
#include "base/error.h"

_Static_assert(sizeof(cublasLtMatmulAlgo_t) == sizeof((struct cublaslt_choice *)0)->algorithm,
               "an algorithm is kept as plain words");

/* cuBLASLt's description of a product. */
struct descriptors {
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, d; /* in its order: a is our b */
};

struct cublaslt_execution {
    const struct cublaslt_session *session;
    struct cublaslt_choice choice;
    cublasLtMatmulAlgo_t algorithm;
    struct descriptors descriptors;
    const void *bias; /* that the description names */
};

static cudaDataType_t data_type(enum cop_cublaslt_type type)
{
    switch (type) {
    case COP_CUBLASLT_F16:
        return CUDA_R_16F;
    case COP_CUBLASLT_BF16:
        return CUDA_R_16BF;
    case COP_CUBLASLT_F32:
        break;
    }
    return CUDA_R_32F;
}

static size_t element_bytes(enum cop_cublaslt_type type)
{
    return type == COP_CUBLASLT_F32 ? 4 : 2;
}

static cublasComputeType_t compute_type(const struct cublaslt_product *product)
{
    return product->type == COP_CUBLASLT_F32 && product->allows_tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                                     : CUBLAS_COMPUTE_32F;
}

static cublasLtEpilogue_t epilogue(const struct cublaslt_product *product)
{
    switch (product->activation) {
    case COP_CUBLASLT_RELU:
        return product->has_bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU;
    case COP_CUBLASLT_GELU_TANH:
        return product->has_bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU;
    case COP_CUBLASLT_NONE:
        break;
    }
    return product->has_bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
}

#define SET(session, error, object, descriptor, attribute, type, value)                            \
    CUBLASLT_TRY(session, error, object##SetAttribute, descriptor, attribute,                      \
                 &(const type){value}, sizeof(type))

static cop_status set_bias(const struct cublaslt_session *session, cublasLtMatmulDesc_t desc,
                           const void *bias, cop_error *error)
{
    SET(session, error, MatmulDesc, desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, void *, (void *)bias);
    return COP_STATUS_OK;
}

/* Rows and columns as they are stored, in cuBLASLt's order: a row of ours is a column of its. */
static cop_status make_layout(const struct cublaslt_session *session,
                              const struct cublaslt_product *product, int64_t columns, int64_t rows,
                              int64_t leading, int64_t stride, cublasLtMatrixLayout_t *layout,
                              cop_error *error)
{
    CUBLASLT_TRY(session, error, MatrixLayoutCreate, layout, data_type(product->type),
                 (uint64_t)columns, (uint64_t)rows, leading);
    if (product->batch <= 1)
        return COP_STATUS_OK;
    SET(session, error, MatrixLayout, *layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, int32_t,
        (int32_t)product->batch);
    SET(session, error, MatrixLayout, *layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, int64_t,
        stride);
    return COP_STATUS_OK;
}

static cop_status describe(const struct cublaslt_session *session, const struct cublaslt_product *p,
                           struct descriptors *made, cop_error *error)
{
    CUBLASLT_TRY(session, error, MatmulDescCreate, &made->product, compute_type(p), CUDA_R_32F);
    SET(session, error, MatmulDesc, made->product, CUBLASLT_MATMUL_DESC_TRANSA, int32_t,
        p->trans_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    SET(session, error, MatmulDesc, made->product, CUBLASLT_MATMUL_DESC_TRANSB, int32_t,
        p->trans_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    SET(session, error, MatmulDesc, made->product, CUBLASLT_MATMUL_DESC_EPILOGUE, uint32_t,
        (uint32_t)epilogue(p));
    if (p->has_bias) {
        SET(session, error, MatmulDesc, made->product, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, int32_t,
            data_type(p->type));
        /* Only its alignment matters until the product runs. */
        COP_TRY(set_bias(session, made->product, (const void *)(uintptr_t)p->alignment, error));
    }
    COP_TRY(make_layout(session, p, p->trans_b ? p->k : p->n, p->trans_b ? p->n : p->k, p->ldb,
                        p->stride_b, &made->a, error));
    COP_TRY(make_layout(session, p, p->trans_a ? p->m : p->k, p->trans_a ? p->k : p->m, p->lda,
                        p->stride_a, &made->b, error));
    return make_layout(session, p, p->n, p->m, p->ldd, p->stride_d, &made->d, error);
}

static void drop(const struct cublaslt_session *session, struct descriptors *made)
{
    if (made->product != NULL)
        session->calls->MatmulDescDestroy(made->product);
    cublasLtMatrixLayout_t const layouts[] = {made->a, made->b, made->d};
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i] != NULL)
            session->calls->MatrixLayoutDestroy(layouts[i]);
    memset(made, 0, sizeof *made);
}

/*
 * Partial sums are added in float32 and in a fixed order, or not split at all; the defaults would
 * also add them in the elements' type.
 */
static cop_status fill_preference(const struct cublaslt_session *session,
                                  cublasLtMatmulPreference_t preference,
                                  const struct cublaslt_product *product, size_t workspace_bytes,
                                  cop_error *error)
{
    static const cublasLtMatmulPreferenceAttributes_t alignments[] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    SET(session, error, MatmulPreference, preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
        uint64_t, workspace_bytes);
    SET(session, error, MatmulPreference, preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
        uint32_t, CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++)
        SET(session, error, MatmulPreference, preference, alignments[i], uint32_t,
            (uint32_t)product->alignment);
    return COP_STATUS_OK;
}

static cop_status ask(const struct cublaslt_session *session, const struct descriptors *made,
                      cublasLtMatmulPreference_t preference, struct cublaslt_choice *choice,
                      cop_error *error)
{
    cublasLtMatmulHeuristicResult_t found;
    int count = 0;
    memset(&found, 0, sizeof found);
    const cublasStatus_t answer =
        session->calls->MatmulAlgoGetHeuristic(session->handle, made->product, made->a, made->b,
                                               made->d, made->d, preference, 1, &found, &count);
    /* The product is one that another backend can run: what cuBLASLt does not take, it lacks. */
    const bool is_refused =
        answer == CUBLAS_STATUS_INVALID_VALUE ||
        (answer == CUBLAS_STATUS_SUCCESS && (count < 1 || found.state != CUBLAS_STATUS_SUCCESS));
    if (is_refused)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "cuBLASLt: no algorithm for this product");
    COP_TRY(cop_cublaslt_status(session, "cublasLtMatmulAlgoGetHeuristic", answer, error));
    memcpy(choice->algorithm, &found.algo, sizeof choice->algorithm);
    choice->workspace_bytes = found.workspaceSize;
    return COP_STATUS_OK;
}

static cop_status choose(const struct cublaslt_session *session, struct cublaslt_choice *choice,
                         size_t workspace_bytes, cop_error *error)
{
    struct descriptors made = {.product = NULL};
    cublasLtMatmulPreference_t preference = NULL;
    cop_status status = describe(session, &choice->product, &made, error);
    if (status == COP_STATUS_OK)
        status = cop_cublaslt_status(session, "cublasLtMatmulPreferenceCreate",
                                     session->calls->MatmulPreferenceCreate(&preference), error);
    if (status == COP_STATUS_OK)
        status = fill_preference(session, preference, &choice->product, workspace_bytes, error);
    if (status == COP_STATUS_OK)
        status = ask(session, &made, preference, choice, error);
    if (preference != NULL)
        session->calls->MatmulPreferenceDestroy(preference);
    drop(session, &made);
    return status;
}

static bool is_valid(const struct cublaslt_product *p)
{
    const int64_t width_a = p->trans_a ? p->m : p->k, width_b = p->trans_b ? p->k : p->n;
    return p->m > 0 && p->n > 0 && p->k > 0 && p->batch > 0 && p->batch <= INT32_MAX &&
           p->lda >= width_a && p->ldb >= width_b && p->ldd >= p->n && p->alignment > 0 &&
           (p->alignment & (p->alignment - 1)) == 0 && p->alignment <= 256 &&
           (size_t)p->alignment >= element_bytes(p->type);
}

cop_status cop_cublaslt_choose(struct cublaslt_session *session,
                               const struct cublaslt_product *product, size_t workspace_bytes,
                               struct cublaslt_choice *choice, cop_error *error)
{
    static const char *const types[] = {"f32", "f16", "bf16"};
    memset(choice, 0, sizeof *choice);
    if (!is_valid(product))
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "cuBLASLt: no product of stored matrices");
    choice->product = *product;
    snprintf(choice->name, sizeof choice->name, "cublaslt:%s",
             compute_type(product) == CUBLAS_COMPUTE_32F_FAST_TF32 ? "tf32" : types[product->type]);
    return choose(session, choice, workspace_bytes, error);
}

cop_status cop_cublaslt_execution_create(struct cublaslt_session *session,
                                         const struct cublaslt_choice *choice,
                                         struct cublaslt_execution **execution, cop_error *error)
{
    *execution = NULL;
    struct cublaslt_execution *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "cuBLASLt's execution", sizeof *made);
    made->session = session;
    made->choice = *choice;
    memcpy(&made->algorithm, choice->algorithm, sizeof made->algorithm);
    const cop_status status = describe(session, &choice->product, &made->descriptors, error);
    if (status == COP_STATUS_OK)
        *execution = made;
    else
        cop_cublaslt_execution_destroy(made);
    return status;
}

void cop_cublaslt_execution_destroy(struct cublaslt_execution *execution)
{
    if (execution == NULL)
        return;
    drop(execution->session, &execution->descriptors);
    cop_free(execution);
}

static cop_status check_addresses(const struct cublaslt_execution *execution,
                                  const struct cublaslt_pointers *pointers, cop_error *error)
{
    const struct cublaslt_product *product = &execution->choice.product;
    const void *const all[] = {pointers->a, pointers->b, pointers->d,
                               product->beta != 0 ? pointers->c : pointers->d,
                               product->has_bias ? pointers->bias : pointers->d};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] == NULL || (uintptr_t)all[i] % (uintptr_t)product->alignment != 0)
            return cop_fail(error, COP_STATUS_INTERNAL,
                            "cuBLASLt: address %p is no multiple of %d bytes, as was promised",
                            all[i], product->alignment);
    if (pointers->workspace == NULL && execution->choice.workspace_bytes > 0)
        return cop_fail(error, COP_STATUS_INTERNAL, "cuBLASLt: no workspace of %zu bytes",
                        execution->choice.workspace_bytes);
    return COP_STATUS_OK;
}

cop_status cop_cublaslt_execution_run(struct cublaslt_execution *execution,
                                      const struct cublaslt_pointers *pointers, cudaStream_t stream,
                                      cop_error *error)
{
    const struct cublaslt_session *session = execution->session;
    const struct cublaslt_product *product = &execution->choice.product;
    const struct descriptors *made = &execution->descriptors;
    COP_TRY(check_addresses(execution, pointers, error));
    if (product->has_bias && pointers->bias != execution->bias) {
        COP_TRY(set_bias(session, made->product, pointers->bias, error));
        execution->bias = pointers->bias;
    }
    CUBLASLT_TRY(session, error, Matmul, session->handle, made->product, &product->alpha,
                 pointers->b, made->a, pointers->a, made->b, &product->beta,
                 product->beta != 0 ? pointers->c : pointers->d, made->d, pointers->d, made->d,
                 &execution->algorithm, pointers->workspace, execution->choice.workspace_bytes,
                 stream);
    return COP_STATUS_OK;
}
