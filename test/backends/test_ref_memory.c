// SPDX-License-Identifier: Apache-2.0
/* Every reference kernel when memory runs out while it is created. */
#include "backends/ref_check.h"
#include "base/alloc.h"

static const float floats[64];
static const struct convolution_attrs convolution = {0};
static const struct pooling_attrs pooling = {.spatial_rank = 1, .kernel = {2}};
static const struct batch_normalization_attrs normalization = {.axis = 1};
static const struct matmul_attrs matmul = {0};
static const struct softmax_attrs softmax = {.axis = 1};
static const struct binary_attrs binary = {.alg = BINARY_ADD};
static const struct prelu_attrs prelu = {.channel_slope = true};
static const struct reduce_attrs reduce = {.axis_count = 1, .axes = {1}};
static const struct arg_attrs arg = {.axis = 1};
static const struct unary_attrs unary = {.alg = UNARY_RELU};

#define SOURCE TENSOR(FLOAT32, floats, 1, 2, 4)
#define VECTOR TENSOR(FLOAT32, floats, 2)

#define CALL(op, attributes, dsts, ...)                                                            \
    {                                                                                              \
        .kind = OP_##op, .attrs = (attributes),                                                    \
        .src_count = sizeof((struct test_tensor[]){__VA_ARGS__}) / sizeof(struct test_tensor),     \
        .src = {__VA_ARGS__}, .dst_count = (dsts)                                                  \
    }

static const struct post_ops two_post_ops = {
    .count = 2, .entries = {{.kind = POST_OP_SUM}, {.kind = POST_OP_UNARY}}};

/* Creating takes a few allocations; each of them fails once. */
static void check_call(const struct op_call *call)
{
    const size_t before = cop_alloc_counters().live_bytes;
    for (int64_t successes = 0;; successes++) {
        struct op_result result;
        cop_error error = {.message = ""};
        struct device *device;
        ck_assert_int_eq(cop_ref_backend.device_open(0, &device, &error), COP_STATUS_OK);
        cop_alloc_fail_after(successes, 0);
        const cop_status status = run_op(device, call, &result, &error);
        cop_alloc_fail_after(-1, 0);
        op_result_free(&result);
        cop_ref_backend.device_close(device);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
        if (status == COP_STATUS_OK)
            break;
        ck_assert_int_eq(status, COP_STATUS_OUT_OF_MEMORY);
        ck_assert_int_eq(error.status, COP_STATUS_OUT_OF_MEMORY);
        ck_assert_msg(strstr(error.message, "no memory") != NULL, "%s", error.message);
        ck_assert(successes < 1000);
    }
}

START_TEST(failed_allocations_leak_nothing)
{
    const struct op_call calls[] = {
        CALL(CONVOLUTION, &convolution, 1, SOURCE, TENSOR(FLOAT32, floats, 2, 2, 1)),
        CALL(POOLING, &pooling, 2, SOURCE),
        CALL(BATCH_NORMALIZATION, &normalization, 1, SOURCE, VECTOR, VECTOR, VECTOR, VECTOR),
        CALL(MATMUL, &matmul, 1, SOURCE, TENSOR(FLOAT32, floats, 4, 3)),
        CALL(SOFTMAX, &softmax, 1, SOURCE),
        CALL(BINARY, &binary, 1, SOURCE, SOURCE),
        CALL(PRELU, &prelu, 1, SOURCE, VECTOR),
        CALL(REDUCE, &reduce, 1, SOURCE),
        CALL(ARG, &arg, 1, SOURCE),
        CALL(UNARY, &unary, 1, SOURCE),
        {.kind = OP_UNARY,
         .attrs = &unary,
         .post_ops = &two_post_ops,
         .src_count = 2,
         .src = {SOURCE, SOURCE}},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        check_call(&calls[i]);
}
END_TEST

START_TEST(there_is_one_device)
{
    struct device *device = (struct device *)&device;
    cop_error error;
    ck_assert_int_eq(cop_ref_backend.device_open(1, &device, &error), COP_STATUS_NOT_FOUND);
    ck_assert_ptr_null(device);
    ck_assert_int_eq(cop_ref_backend.device_count(), 1);
}
END_TEST

int main(void)
{
    return RUN_TESTS("ref memory", failed_allocations_leak_nothing, there_is_one_device);
}
