// SPDX-License-Identifier: Apache-2.0
/*
 * The emulated libcublasLt.so.13: products of column-major matrices, d = epilogue(alpha a b + beta
 * c + bias), queued on the stream they are given.
 */
#include <cublasLt.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "cublaslt_product.h"
#include "fake_libraries.h"
#include "library_state.h"

struct cublasLtContext {
    void *memory = nullptr;
};

namespace cop::fake_library
{

static state &library()
{
    static state made("COP_FAKE_CUBLASLT", 130100);
    return made;
}

/* What lies in the words of the library's own types. */
struct layout_words {
    int64_t type, rows, columns, leading, batch, stride, order;
};
struct description_words {
    int64_t compute, scale, trans_a, trans_b, epilogue, bias, bias_type;
    user one_thread; /* its setters and its runs */
};
struct preference_words {
    int64_t workspace_bytes, alignment_a, alignment_b, alignment_c, alignment_d;
};
struct algorithm_words {
    int64_t magic, index, workspace_bytes, alignment[4];
};
static_assert(sizeof(layout_words) <= sizeof(cublasLtMatrixLayoutOpaque_t), "fits");
static_assert(sizeof(description_words) <= sizeof(cublasLtMatmulDescOpaque_t), "fits");
static_assert(sizeof(preference_words) <= sizeof(cublasLtMatmulPreferenceOpaque_t), "fits");
static_assert(sizeof(algorithm_words) <= sizeof(cublasLtMatmulAlgo_t), "fits");

enum { magic = 0x4c54, handle_bytes = 4096, index_with_workspace = 11, index_without = 12 };

template <typename W, typename T> static W *words(T *of)
{
    return reinterpret_cast<W *>(of->data);
}

static bool is_type(int64_t type)
{
    return type == CUDA_R_32F || type == CUDA_R_16F || type == CUDA_R_16BF;
}

static element kind_of(int64_t type)
{
    return type == CUDA_R_16F ? element::f16 : type == CUDA_R_16BF ? element::bf16 : element::f32;
}

static bool is_epilogue(int64_t epilogue)
{
    return epilogue == CUBLASLT_EPILOGUE_DEFAULT || epilogue == CUBLASLT_EPILOGUE_RELU ||
           epilogue == CUBLASLT_EPILOGUE_BIAS || epilogue == CUBLASLT_EPILOGUE_RELU_BIAS ||
           epilogue == CUBLASLT_EPILOGUE_GELU || epilogue == CUBLASLT_EPILOGUE_GELU_BIAS;
}

static bool has_bias(int64_t epilogue)
{
    return (epilogue & CUBLASLT_EPILOGUE_BIAS) != 0;
}

static matrix as_matrix(const layout_words &from)
{
    matrix made;
    made.type = kind_of(from.type);
    made.rows = from.rows;
    made.columns = from.columns;
    made.leading = from.leading;
    made.stride = from.stride;
    return made;
}

/* The product; false: it is none, or one that is not emulated. */
static bool describe(const description_words &of, const layout_words *const layouts[4],
                     product *made)
{
    for (int i = 0; i < 4; i++)
        if (!is_type(layouts[i]->type) || layouts[i]->leading < layouts[i]->rows ||
            layouts[i]->batch != layouts[0]->batch || layouts[i]->order != CUBLASLT_ORDER_COL)
            return false;
    const bool is_single = of.compute == CUBLAS_COMPUTE_32F ||
                           of.compute == CUBLAS_COMPUTE_32F_PEDANTIC ||
                           of.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    if (!is_single || of.scale != CUDA_R_32F || !is_epilogue(of.epilogue))
        return false;
    made->a = as_matrix(*layouts[0]);
    made->b = as_matrix(*layouts[1]);
    made->c = as_matrix(*layouts[2]);
    made->d = as_matrix(*layouts[3]);
    made->is_a_transposed = of.trans_a != CUBLAS_OP_N;
    made->is_b_transposed = of.trans_b != CUBLAS_OP_N;
    made->batch = layouts[0]->batch;
    made->is_tf32 = of.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    made->has_bias = has_bias(of.epilogue);
    made->bias_type = kind_of(of.bias_type >= 0 ? of.bias_type : layouts[3]->type);
    made->is_relu = (of.epilogue & CUBLASLT_EPILOGUE_RELU) != 0;
    made->is_gelu = (of.epilogue & CUBLASLT_EPILOGUE_GELU) != 0;
    return made->fits();
}

static bool is_aligned(int64_t address, int64_t alignment)
{
    return alignment > 0 && address % alignment == 0;
}

/* Up to two algorithms: one with a workspace, if that may be, and one without. */
static int list(const preference_words &wish, int wanted, cublasLtMatmulHeuristicResult_t *results)
{
    int count = 0;
    for (int64_t index : {index_with_workspace, index_without}) {
        const int64_t bytes = index == index_with_workspace ? 8192 : 0;
        if (count == wanted || bytes > wish.workspace_bytes)
            continue;
        cublasLtMatmulHeuristicResult_t &one = results[count++];
        memset(&one, 0, sizeof one);
        auto *made = words<algorithm_words>(&one.algo);
        *made = {magic,
                 index,
                 bytes,
                 {wish.alignment_a, wish.alignment_b, wish.alignment_c, wish.alignment_d}};
        one.workspaceSize = static_cast<size_t>(bytes);
        one.state = CUBLAS_STATUS_SUCCESS;
        one.wavesCount = 1;
    }
    return count;
}

struct run_of_product {
    product what;
    void *workspace;
    size_t workspace_bytes;
};

static void run(void *job)
{
    const auto *one = static_cast<const run_of_product *>(job);
    if (one->workspace_bytes > 0)
        memset(one->workspace, 0xa5, one->workspace_bytes);
    one->what.run();
}

static void drop(void *job)
{
    delete static_cast<run_of_product *>(job);
}

static cublasStatus_t check_address(const void *address, size_t bytes, int64_t alignment)
{
    if (address == nullptr)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!is_aligned(reinterpret_cast<int64_t>(address), alignment)) {
        cop_fake_cuda_violation("cuBLASLt is given an address that breaks the promised alignment");
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (!cop_fake_cuda_is_device_range(address, bytes)) {
        cop_fake_cuda_violation("cuBLASLt is given a matrix that is not inside device memory");
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t check_addresses(const product &of, const algorithm_words &with)
{
    const struct {
        const void *address;
        size_t bytes;
        int64_t alignment;
        bool is_used;
    } all[] = {
        {of.a.at, of.a.bytes(of.batch), with.alignment[0], true},
        {of.b.at, of.b.bytes(of.batch), with.alignment[1], true},
        {of.c.at, of.c.bytes(of.batch), with.alignment[2], of.beta != 0},
        {of.d.at, of.d.bytes(of.batch), with.alignment[3], true},
        {of.bias, static_cast<size_t>(of.d.rows) * bytes_of(of.bias_type), 1, of.has_bias},
    };
    for (const auto &one : all) {
        const cublasStatus_t status = one.is_used
                                          ? check_address(one.address, one.bytes, one.alignment)
                                          : CUBLAS_STATUS_SUCCESS;
        if (status != CUBLAS_STATUS_SUCCESS)
            return status;
    }
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t launch(std::unique_ptr<run_of_product> made, const algorithm_words &with,
                             void *workspace, size_t bytes, cudaStream_t stream)
{
    made->workspace_bytes = static_cast<size_t>(with.workspace_bytes);
    made->workspace = made->workspace_bytes == 0 ? nullptr : workspace;
    if (with.magic != magic || bytes < made->workspace_bytes)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (made->workspace_bytes > 0 &&
        !cop_fake_cuda_is_device_range(workspace, made->workspace_bytes)) {
        cop_fake_cuda_violation("cuBLASLt is given a workspace that is smaller than it asked for");
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    const cublasStatus_t status = check_addresses(made->what, with);
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    return cop_emulated_launch(stream, run, drop, made.release()) == cudaSuccess
               ? CUBLAS_STATUS_SUCCESS
               : CUBLAS_STATUS_EXECUTION_FAILED;
}

/* Reads a value of 4 or 8 bytes. */
static cublasStatus_t read(const void *from, size_t size, size_t expected, int64_t *to)
{
    if (from == nullptr || size != expected)
        return CUBLAS_STATUS_INVALID_VALUE;
    int32_t narrow;
    if (size == sizeof narrow) {
        memcpy(&narrow, from, size);
        *to = narrow;
    } else {
        memcpy(to, from, size);
    }
    return CUBLAS_STATUS_SUCCESS;
}

} // namespace cop::fake_library

using namespace cop::fake_library;

static const char shared_description[] =
    "two threads use one description of a product of cuBLASLt at the same time";

#define INJECTED(name)                                                                             \
    do {                                                                                           \
        const int asked_ = library().injected(name);                                               \
        if (asked_ != 0)                                                                           \
            return static_cast<cublasStatus_t>(asked_);                                            \
    } while (0)

extern "C" {

size_t cublasLtGetVersion(void)
{
    return library().version;
}

const char *cublasLtGetStatusName(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_SUCCESS:
        return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
        return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
        return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_NOT_SUPPORTED:
        return "CUBLAS_STATUS_NOT_SUPPORTED";
    case CUBLAS_STATUS_EXECUTION_FAILED:
        return "CUBLAS_STATUS_EXECUTION_FAILED";
    default:
        return "another status of cuBLAS";
    }
}

const char *cublasLtGetStatusString(cublasStatus_t status)
{
    return cublasLtGetStatusName(status);
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    INJECTED("cublasLtCreate");
    auto made = std::make_unique<cublasLtContext>();
    const cudaError_t error = cudaMalloc(&made->memory, handle_bytes);
    *handle = nullptr;
    if (error != cudaSuccess) {
        (void)cudaGetLastError();
        return error == cudaErrorMemoryAllocation ? CUBLAS_STATUS_ALLOC_FAILED
                                                  : CUBLAS_STATUS_NOT_INITIALIZED;
    }
    library().count(true);
    *handle = made.release();
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    if (handle == nullptr)
        return CUBLAS_STATUS_SUCCESS;
    (void)cudaFree(handle->memory);
    (void)cudaGetLastError();
    library().count(false);
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *made, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t leading)
{
    INJECTED("cublasLtMatrixLayoutCreate");
    *made = new cublasLtMatrixLayoutOpaque_t();
    *words<layout_words>(*made) = {
        type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), leading, 1,
        0,    CUBLASLT_ORDER_COL};
    library().count(true);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t old)
{
    library().count(false);
    delete old;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t of,
                                                cublasLtMatrixLayoutAttribute_t name,
                                                const void *from, size_t size)
{
    INJECTED("cublasLtMatrixLayoutSetAttribute");
    auto *to = words<layout_words>(of);
    switch (name) {
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
        return read(from, size, 4, &to->batch);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
        return read(from, size, 8, &to->stride);
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
        return read(from, size, 4, &to->order);
    case CUBLASLT_MATRIX_LAYOUT_LD:
        return read(from, size, 8, &to->leading);
    default:
        return CUBLAS_STATUS_INVALID_VALUE;
    }
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *made, cublasComputeType_t compute,
                                        cudaDataType_t scale)
{
    INJECTED("cublasLtMatmulDescCreate");
    *made = new cublasLtMatmulDescOpaque_t();
    auto *to = new (words<description_words>(*made)) description_words();
    to->compute = compute;
    to->scale = scale;
    to->epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    to->bias_type = -1;
    library().count(true);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t old)
{
    library().count(false);
    delete old;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t of,
                                              cublasLtMatmulDescAttributes_t name, const void *from,
                                              size_t size)
{
    INJECTED("cublasLtMatmulDescSetAttribute");
    auto *to = words<description_words>(of);
    const used here(to->one_thread, shared_description);
    switch (name) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
        return read(from, size, 4, &to->trans_a);
    case CUBLASLT_MATMUL_DESC_TRANSB:
        return read(from, size, 4, &to->trans_b);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
        return read(from, size, 4, &to->epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        return read(from, size, 8, &to->bias);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
        return read(from, size, 4, &to->bias_type);
    default:
        return CUBLAS_STATUS_INVALID_VALUE;
    }
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *made)
{
    INJECTED("cublasLtMatmulPreferenceCreate");
    *made = new cublasLtMatmulPreferenceOpaque_t();
    *words<preference_words>(*made) = {0, 256, 256, 256, 256};
    library().count(true);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t old)
{
    library().count(false);
    delete old;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t of,
                                                    cublasLtMatmulPreferenceAttributes_t name,
                                                    const void *from, size_t size)
{
    INJECTED("cublasLtMatmulPreferenceSetAttribute");
    auto *to = words<preference_words>(of);
    int64_t ignored;
    switch (name) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
        return read(from, size, 8, &to->workspace_bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
        return read(from, size, 4, &ignored);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
        return read(from, size, 4, &to->alignment_a);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
        return read(from, size, 4, &to->alignment_b);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
        return read(from, size, 4, &to->alignment_c);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
        return read(from, size, 4, &to->alignment_d);
    default:
        return CUBLAS_STATUS_INVALID_VALUE;
    }
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle,
                                              cublasLtMatmulDesc_t description,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t results[], int *count)
{
    INJECTED("cublasLtMatmulAlgoGetHeuristic");
    const layout_words *const layouts[] = {words<layout_words>(a), words<layout_words>(b),
                                           words<layout_words>(c), words<layout_words>(d)};
    product made;
    *count = 0;
    if (handle == nullptr || wanted < 1 ||
        !describe(*words<description_words>(description), layouts, &made))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (library().refuses)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    const description_words &of = *words<description_words>(description);
    if (made.has_bias &&
        (of.bias == 0 || of.bias % static_cast<int64_t>(bytes_of(made.bias_type)) != 0))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    *count = list(*words<preference_words>(preference), wanted, results);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                              const void *alpha, const void *a, cublasLtMatrixLayout_t a_layout,
                              const void *b, cublasLtMatrixLayout_t b_layout, const void *beta,
                              const void *c, cublasLtMatrixLayout_t c_layout, void *d,
                              cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t *algorithm, void *workspace, size_t bytes,
                              cudaStream_t stream)
{
    INJECTED("cublasLtMatmul");
    auto *of = words<description_words>(description);
    const used here(of->one_thread, shared_description);
    const layout_words *const layouts[] = {
        words<layout_words>(a_layout), words<layout_words>(b_layout), words<layout_words>(c_layout),
        words<layout_words>(d_layout)};
    auto made = std::make_unique<run_of_product>();
    if (handle == nullptr || algorithm == nullptr || alpha == nullptr || beta == nullptr ||
        !describe(*of, layouts, &made->what))
        return CUBLAS_STATUS_INVALID_VALUE;
    made->what.a.at = const_cast<void *>(a);
    made->what.b.at = const_cast<void *>(b);
    made->what.c.at = const_cast<void *>(c);
    made->what.d.at = d;
    made->what.alpha = *static_cast<const float *>(alpha);
    made->what.beta = *static_cast<const float *>(beta);
    made->what.bias = made->what.has_bias ? reinterpret_cast<const void *>(of->bias) : nullptr;
    return launch(std::move(made), *words<const algorithm_words>(algorithm), workspace, bytes,
                  stream);
}

void cop_fake_cublaslt_fail(const char *function, uint64_t n, int status)
{
    library().fail(function, n, status);
}

void cop_fake_cublaslt_version(size_t version)
{
    library().version = version;
}

void cop_fake_cublaslt_refuse(int refuses)
{
    library().refuses = refuses != 0;
}

size_t cop_fake_cublaslt_live(void)
{
    return library().live;
}
}
