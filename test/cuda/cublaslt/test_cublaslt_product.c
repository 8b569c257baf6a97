// SPDX-License-Identifier: Apache-2.0
/* Products by cuBLASLt: what it is asked for, what comes out, and what happens where calls fail. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/cublaslt/cublaslt_product.h"
#include "base/alloc.h"
#include "scripted_cublaslt.h"
#include "support/unit.h"

static struct cublaslt_session *session;
static cop_error error;
static bool device_is_dead;

static bool is_dead(void *user)
{
    return *(const bool *)user;
}

static void begin(void)
{
    scripted_reset();
    device_is_dead = false;
    ck_assert_int_eq(cop_cublaslt_session_create(is_dead, &device_is_dead, &session, &error),
                     COP_STATUS_OK);
}

static void end(void)
{
    cop_cublaslt_session_destroy(session);
    ck_assert_int_eq(scripted.live_objects, 0);
    ck_assert_int_eq(scripted.live_handles, 0);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, 0);
}

enum { M = 3, N = 4, K = 5, PAD = 2, BATCH = 2, ROOM = 256 };

/* Every second one in batches, with room between rows. */
static struct cublaslt_product numbered(int number)
{
    const bool trans_a = (number & 1) != 0, trans_b = (number & 2) != 0;
    const bool is_batched = (number & 4) != 0;
    return (struct cublaslt_product){
        .type = COP_CUBLASLT_F32,
        .trans_a = trans_a,
        .trans_b = trans_b,
        .has_bias = (number & 8) != 0,
        .activation = (enum cop_cublaslt_activation)(number / 16),
        .alpha = is_batched ? 0.5F : 1,
        .beta = is_batched ? -2 : 0,
        .m = M,
        .n = N,
        .k = K,
        .lda = (trans_a ? M : K) + (is_batched ? PAD : 0),
        .ldb = (trans_b ? K : N) + (is_batched ? PAD : 0),
        .ldd = N + (is_batched ? PAD : 0),
        .batch = is_batched ? BATCH : 1,
        .stride_a = 50,
        .stride_b = 60,
        .stride_d = 40,
        .alignment = 16,
    };
}

static _Alignas(16) float a[ROOM], b[ROOM], c[ROOM], d[ROOM], bias[ROOM], expected[ROOM];
static _Alignas(16) char workspace[16];

static void fill(float *values, int seed)
{
    for (int i = 0; i < ROOM; i++)
        values[i] = (float)((i * 7 + seed * 13) % 11 - 5);
}

static void fill_all(void)
{
    float *const all[] = {a, b, c, d, bias, expected};
    for (int i = 0; i < 6; i++)
        fill(all[i], i < 3 ? i : 3);
}

static float activate(enum cop_cublaslt_activation activation, float x)
{
    if (activation == COP_CUBLASLT_RELU)
        return x > 0 ? x : 0;
    if (activation == COP_CUBLASLT_GELU_TANH)
        return 0.5F * x * (1 + tanhf(0.7978845608F * (x + 0.044715F * x * x * x)));
    return x;
}

/* By the words of the header: rows first. */
static void compute(const struct cublaslt_product *p)
{
    for (int64_t n = 0; n < p->batch; n++)
        for (int64_t i = 0; i < p->m; i++)
            for (int64_t j = 0; j < p->n; j++) {
                float sum = 0;
                for (int64_t k = 0; k < p->k; k++)
                    sum += a[n * p->stride_a + (p->trans_a ? k * p->lda + i : i * p->lda + k)] *
                           b[n * p->stride_b + (p->trans_b ? j * p->ldb + k : k * p->ldb + j)];
                const int64_t at = (p->batch > 1 ? n * p->stride_d : 0) + i * p->ldd + j;
                sum = p->alpha * sum + (p->beta != 0 ? p->beta * c[at] : 0) +
                      (p->has_bias ? bias[j] : 0);
                expected[at] = activate(p->activation, sum);
            }
}

static const struct cublaslt_pointers pointers = {
    .a = a, .b = b, .c = c, .bias = bias, .d = d, .workspace = workspace};

static struct cublaslt_execution *prepare(const struct cublaslt_product *product)
{
    struct cublaslt_choice choice;
    struct cublaslt_execution *execution = NULL;
    ck_assert_msg(cop_cublaslt_choose(session, product, 1000, &choice, &error) == COP_STATUS_OK,
                  "%s", error.message);
    ck_assert_int_eq(cop_cublaslt_execution_create(session, &choice, &execution, &error),
                     COP_STATUS_OK);
    return execution;
}

START_TEST(a_product_is_the_row_major_one)
{
    const struct cublaslt_product product = numbered(_i);
    fill_all();
    compute(&product);
    struct cublaslt_execution *execution = prepare(&product);
    ck_assert_int_eq(cop_cublaslt_execution_run(execution, &pointers, NULL, &error), COP_STATUS_OK);
    for (int i = 0; i < ROOM; i++) /* what lies between rows stays as it was */
        ck_assert_msg(d[i] == expected[i], "element %d: %g, not %g", i, d[i], expected[i]);
    cop_cublaslt_execution_destroy(execution);
}
END_TEST

START_TEST(a_precision_names_what_elements_and_sums_are)
{
    static const struct {
        enum cop_cublaslt_type type;
        bool allows_tf32;
        cudaDataType data;
        cublasComputeType_t compute;
        const char *name;
    } all[] = {
        {COP_CUBLASLT_F32, false, CUDA_R_32F, CUBLAS_COMPUTE_32F, "cublaslt:f32"},
        {COP_CUBLASLT_F32, true, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32, "cublaslt:tf32"},
        {COP_CUBLASLT_F16, true, CUDA_R_16F, CUBLAS_COMPUTE_32F, "cublaslt:f16"},
        {COP_CUBLASLT_BF16, false, CUDA_R_16BF, CUBLAS_COMPUTE_32F, "cublaslt:bf16"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct cublaslt_product product = numbered(8);
        struct cublaslt_choice choice;
        product.type = all[i].type;
        product.allows_tf32 = all[i].allows_tf32;
        ck_assert_int_eq(cop_cublaslt_choose(session, &product, 1000, &choice, &error),
                         COP_STATUS_OK);
        ck_assert_int_eq(scripted.compute_type, all[i].compute);
        ck_assert_int_eq(scripted.type, all[i].data);
        ck_assert_int_eq(scripted.bias_type, all[i].data);
        ck_assert_str_eq(choice.name, all[i].name);
    }
}
END_TEST

START_TEST(the_heuristics_know_the_workspace_the_alignment_and_that_sums_stay_float32)
{
    struct cublaslt_product product = numbered(8);
    struct cublaslt_choice choice;
    product.alignment = 64;
    scripted.workspace_bytes = 300;
    ck_assert_int_eq(cop_cublaslt_choose(session, &product, 1000, &choice, &error), COP_STATUS_OK);
    ck_assert_uint_eq(choice.workspace_bytes, 300);
    ck_assert_uint_eq(scripted.most_workspace, 1000);
    ck_assert_uint_eq(scripted.reduction_mask, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
    ck_assert_uint_eq((uintptr_t)scripted.bias_when_asked, 64);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(scripted.alignments[i], 64);
}
END_TEST

START_TEST(a_run_uses_the_chosen_workspace_and_the_stream_and_allocates_nothing)
{
    const struct cublaslt_product product = numbered(8);
    char stream;
    scripted.workspace_bytes = 16;
    struct cublaslt_execution *execution = prepare(&product);
    const uint64_t allocations = cop_alloc_counters().allocations;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(
            cop_cublaslt_execution_run(execution, &pointers, (cudaStream_t)(void *)&stream, &error),
            COP_STATUS_OK);
    ck_assert_uint_eq(cop_alloc_counters().allocations, allocations);
    ck_assert_uint_eq(scripted.given_workspace, 16);
    ck_assert_ptr_eq(scripted.stream, (cudaStream_t)(void *)&stream);
    ck_assert_int_eq(scripted.products, 3);
    cop_cublaslt_execution_destroy(execution);
}
END_TEST

START_TEST(another_bias_is_noticed)
{
    const struct cublaslt_product product = numbered(8);
    struct cublaslt_execution *execution = prepare(&product);
    struct cublaslt_pointers other = pointers;
    fill_all();
    ck_assert_int_eq(cop_cublaslt_execution_run(execution, &pointers, NULL, &error), COP_STATUS_OK);
    memcpy(expected, d, sizeof d);
    other.bias = bias + 4;
    ck_assert_int_eq(cop_cublaslt_execution_run(execution, &other, NULL, &error), COP_STATUS_OK);
    for (int i = 0; i < N; i++)
        ck_assert_float_eq(d[i] - expected[i], bias[i + 4] - bias[i]);
    cop_cublaslt_execution_destroy(execution);
}
END_TEST

START_TEST(an_address_that_breaks_the_promise_of_alignment_never_reaches_the_device)
{
    const struct cublaslt_product product = numbered(8);
    scripted.workspace_bytes = 16;
    struct cublaslt_execution *execution = prepare(&product);
    struct cublaslt_pointers odd[5];
    for (int i = 0; i < 5; i++)
        odd[i] = pointers;
    odd[0].a = a + 1;
    odd[1].b = b + 1;
    odd[2].d = d + 1;
    odd[3].bias = bias + 1;
    odd[4].workspace = NULL;
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(cop_cublaslt_execution_run(execution, &odd[i], NULL, &error),
                         COP_STATUS_INTERNAL);
    ck_assert_int_eq(scripted.products, 0);
    cop_cublaslt_execution_destroy(execution);
}
END_TEST

START_TEST(what_cublaslt_has_no_algorithm_for_is_unsupported)
{
    const struct cublaslt_product product = numbered(0);
    struct cublaslt_choice choice;
    scripted.algorithms = 0;
    ck_assert_int_eq(cop_cublaslt_choose(session, &product, 1000, &choice, &error),
                     COP_STATUS_UNSUPPORTED);
    scripted.algorithms = 1;
    scripted.state = CUBLAS_STATUS_NOT_SUPPORTED;
    ck_assert_int_eq(cop_cublaslt_choose(session, &product, 1000, &choice, &error),
                     COP_STATUS_UNSUPPORTED);
    ck_assert_str_eq(error.message, "cuBLASLt: no algorithm for this product");
}
END_TEST

START_TEST(a_product_of_matrices_that_are_not_stored_so_is_refused_before_cublaslt_sees_it)
{
    struct cublaslt_product all[6];
    for (int i = 0; i < 6; i++)
        all[i] = numbered(0);
    all[0].lda = K - 1;
    all[1].ldb = N - 1;
    all[2].ldd = N - 1;
    all[3].k = 0;
    all[4].alignment = 12;
    all[5].alignment = 2;
    const int64_t calls = scripted.calls;
    for (int i = 0; i < 6; i++) {
        struct cublaslt_choice choice;
        ck_assert_int_eq(cop_cublaslt_choose(session, &all[i], 1000, &choice, &error),
                         COP_STATUS_UNSUPPORTED);
    }
    ck_assert_int_eq(scripted.calls, calls);
}
END_TEST

static cop_status use_everything(void)
{
    const struct cublaslt_product product = numbered(4 + 8);
    struct cublaslt_session *own = NULL;
    struct cublaslt_choice choice;
    struct cublaslt_execution *execution = NULL;
    cop_status status = cop_cublaslt_session_create(is_dead, &device_is_dead, &own, &error);
    if (status == COP_STATUS_OK)
        status = cop_cublaslt_choose(own, &product, 1000, &choice, &error);
    if (status == COP_STATUS_OK)
        status = cop_cublaslt_execution_create(own, &choice, &execution, &error);
    if (status == COP_STATUS_OK)
        status = cop_cublaslt_execution_run(execution, &pointers, NULL, &error);
    cop_cublaslt_execution_destroy(execution);
    cop_cublaslt_session_destroy(own);
    ck_assert_int_eq(scripted.live_objects, 0);
    ck_assert_int_eq(scripted.live_handles, 1); /* the fixture's */
    return status;
}

static const struct {
    cublasStatus_t answer;
    bool is_dead;
    cop_status expected;
} faults[] = {
    {CUBLAS_STATUS_ALLOC_FAILED, false, COP_STATUS_OUT_OF_DEVICE_MEMORY},
    {CUBLAS_STATUS_NOT_SUPPORTED, true, COP_STATUS_UNSUPPORTED},
    {CUBLAS_STATUS_NOT_INITIALIZED, false, COP_STATUS_UNSUPPORTED},
    {CUBLAS_STATUS_NOT_INITIALIZED, true, COP_STATUS_DEVICE_FAILED},
    {CUBLAS_STATUS_EXECUTION_FAILED, false, COP_STATUS_INTERNAL},
    {CUBLAS_STATUS_EXECUTION_FAILED, true, COP_STATUS_DEVICE_FAILED},
    {CUBLAS_STATUS_INTERNAL_ERROR, true, COP_STATUS_DEVICE_FAILED},
};

START_TEST(any_call_that_fails_gives_a_status_and_a_text_and_leaks_nothing)
{
    int64_t failures = 0;
    scripted.failure = faults[_i].answer;
    device_is_dead = faults[_i].is_dead;
    for (bool was_reached = true; was_reached;) {
        scripted.calls = 0;
        scripted.fail_at = failures + 1;
        const cop_status status = use_everything();
        was_reached = scripted.calls >= scripted.fail_at;
        ck_assert_int_eq(status, was_reached ? faults[_i].expected : COP_STATUS_OK);
        if (was_reached)
            ck_assert_ptr_nonnull(strstr(error.message, "cuBLASLt: cublasLt"));
        failures += was_reached ? 1 : 0;
    }
    ck_assert_int_gt(failures, 30);
}
END_TEST

START_TEST(any_allocation_that_fails_is_reported_and_leaks_nothing)
{
    bool was_reached = true;
    for (int64_t i = 0; was_reached; i++) {
        cop_alloc_fail_after(i, false);
        const cop_status status = use_everything();
        was_reached = cop_alloc_has_failed();
        cop_alloc_fail_after(-1, false);
        ck_assert_int_eq(status, was_reached ? COP_STATUS_OUT_OF_MEMORY : COP_STATUS_OK);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("cublaslt product");
    tcase_add_checked_fixture(cases, begin, end);
    tcase_add_loop_test(cases, a_product_is_the_row_major_one, 0, 48);
    tcase_add_test(cases, a_precision_names_what_elements_and_sums_are);
    tcase_add_test(cases,
                   the_heuristics_know_the_workspace_the_alignment_and_that_sums_stay_float32);
    tcase_add_test(cases, a_run_uses_the_chosen_workspace_and_the_stream_and_allocates_nothing);
    tcase_add_test(cases, another_bias_is_noticed);
    tcase_add_test(cases, an_address_that_breaks_the_promise_of_alignment_never_reaches_the_device);
    tcase_add_test(cases, what_cublaslt_has_no_algorithm_for_is_unsupported);
    tcase_add_test(cases,
                   a_product_of_matrices_that_are_not_stored_so_is_refused_before_cublaslt_sees_it);
    tcase_add_loop_test(cases, any_call_that_fails_gives_a_status_and_a_text_and_leaks_nothing, 0,
                        (int)(sizeof faults / sizeof *faults));
    tcase_add_test(cases, any_allocation_that_fails_is_reported_and_leaks_nothing);
    return run_case("cublaslt product", cases);
}
