// SPDX-License-Identifier: Apache-2.0
/* Where arrays lie, which GPU they belong to, and what operators give back of device memory. */
#include "gpu.h"

static cop_model *model;
static cop_ndarray *src, *expected;
static const int64_t scores_shape[] = {1, SCORES};

static void set_up(void)
{
    open_gpus();
    model = tiny_classifier(3);
    src = random_array(4, image_shape, 7);
    cop_cached_op *op = compile_gpu(model, 0);
    expected = invoke(op, src);
    cop_cached_op_release(&op);
}

static void tear_down(void)
{
    cop_ndarray_release(&expected), cop_ndarray_release(&src), cop_model_release(&model);
    close_gpus();
}

START_TEST(inputs_and_outputs_may_lie_anywhere)
{
    cop_cached_op *op = compile_gpu(model, 0);
    for (int from = COP_MEMORY_HOST; from <= COP_MEMORY_DEVICE; from++)
        for (int to = COP_MEMORY_HOST; to <= COP_MEMORY_DEVICE; to++)
            for (int run = 0; run < 2; run++) {
                cop_ndarray *in = array_in(0, (cop_memory)from, 4, image_shape);
                cop_ndarray *out = array_in(0, (cop_memory)to, 2, scores_shape);
                EXPECT_OK(cop_ndarray_copy(src, in, error_));
                invoke_into(op, in, out);
                cop_ndarray *host = on_host(out);
                ck_assert_msg(same_bits(host, expected), "from memory %d to %d", from, to);
                cop_ndarray_release(&in), cop_ndarray_release(&out), cop_ndarray_release(&host);
            }
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(the_input_may_change_as_soon_as_a_call_returns)
{
    cop_cached_op *op = compile_gpu(model, 0);
    for (int memory = COP_MEMORY_HOST; memory <= COP_MEMORY_PINNED; memory++)
        for (int i = 0; i < 4; i++) {
            cop_ndarray *in = array_in(0, (cop_memory)memory, 4, image_shape);
            EXPECT_OK(cop_ndarray_copy(src, in, error_));
            cop_ndarray *dst = invoke(op, in);
            memset(cop_ndarray_data(in), 0xff, cop_ndarray_bytes(in));
            ck_assert(same_bits(dst, expected));
            cop_ndarray_release(&in), cop_ndarray_release(&dst);
        }
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(an_output_on_the_device_is_the_input_of_the_next_operator_there)
{
    cop_model *two = tiny_two_outputs();
    static const int64_t shape[] = {1, 4};
    cop_cached_op_options options = gpu_options(0);
    options.output_memory = COP_MEMORY_DEVICE;
    cop_cached_op *op = compile(two, &options), *ref = compile_on(two, COP_DEVICE_REF);
    cop_ndarray *right = random_array(2, shape, 3), *found = cop_ndarray_retain(right);
    for (int i = 0; i < 4; i++) {
        cop_ndarray *right_dst[2] = {NULL, NULL}, *dst[2] = {NULL, NULL};
        EXPECT_OK(cop_invoke(ref, 1, &right, 2, right_dst, NULL, error_));
        EXPECT_OK(cop_invoke_async(op, 1, &found, 2, dst, NULL, error_));
        ck_assert_int_eq(cop_ndarray_memory(dst[0]), COP_MEMORY_DEVICE);
        ck_assert(cop_fake_cuda_is_device_pointer(cop_ndarray_data(dst[0])));
        cop_ndarray_release(&right), cop_ndarray_release(&found);
        cop_ndarray_release(&right_dst[1 - i % 2]), cop_ndarray_release(&dst[1 - i % 2]);
        right = right_dst[i % 2], found = dst[i % 2];
    }
    cop_ndarray *host = on_host(found);
    ck_assert(same_bits(host, right));
    cop_ndarray_release(&host), cop_ndarray_release(&right), cop_ndarray_release(&found);
    cop_cached_op_release(&op), cop_cached_op_release(&ref), cop_model_release(&two);
}
END_TEST

START_TEST(two_gpus_work_side_by_side_each_with_its_own_arrays)
{
    cop_cached_op *ops[2] = {compile_gpu(model, 0), compile_gpu(model, 1)};
    for (int i = 0; i < 4; i++) {
        cop_ndarray *dst[2] = {NULL, NULL}, *in[2];
        for (int k = 0; k < 2; k++) {
            in[k] = array_in(k, COP_MEMORY_DEVICE, 4, image_shape);
            dst[k] = array_in(k, COP_MEMORY_DEVICE, 2, scores_shape);
            EXPECT_OK(cop_ndarray_copy(src, in[k], error_));
            EXPECT_OK(cop_invoke_async(ops[k], 1, &in[k], 1, &dst[k], NULL, error_));
        }
        for (int k = 0; k < 2; k++) {
            cop_ndarray *host = on_host(dst[k]);
            ck_assert(same_bits(host, expected));
            cop_ndarray_release(&host), cop_ndarray_release(&in[k]), cop_ndarray_release(&dst[k]);
        }
    }
    cop_cached_op_release(&ops[0]), cop_cached_op_release(&ops[1]);
}
END_TEST

START_TEST(an_array_of_another_gpu_is_refused_and_nothing_is_written)
{
    cop_cached_op *op = compile_gpu(model, 0), *other = compile_gpu(model, 1);
    cop_ndarray *in = array_in(1, COP_MEMORY_DEVICE, 4, image_shape), *dst = NULL;
    cop_ndarray *out = array_in(1, COP_MEMORY_DEVICE, 2, scores_shape);
    cop_error error = {COP_STATUS_OK, ""};
    ck_assert_int_eq(cop_invoke(op, 1, &in, 1, &dst, NULL, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.message, "gpu:1") != NULL, "%s", error.message);
    ck_assert_ptr_null(dst);
    ck_assert_int_eq(cop_invoke(op, 1, &src, 1, &out, NULL, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &out, NULL, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_ndarray_wait(out, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    cop_cached_op *cpu = compile_on(model, COP_DEVICE_REF);
    ck_assert_int_eq(cop_invoke(cpu, 1, &in, 1, &dst, NULL, &error), COP_STATUS_INVALID_ARGUMENT);
    cop_ndarray_release(&in), cop_ndarray_release(&out);
    cop_cached_op_release(&op), cop_cached_op_release(&other), cop_cached_op_release(&cpu);
}
END_TEST

START_TEST(operators_and_shapes_share_one_set_of_weights)
{
    cop_cached_op *op = compile_gpu(model, 0), *again = compile_gpu(model, 0), *four = NULL;
    const cop_input_shape shape = {"data", 4, {4, -1, -1, -1}};
    EXPECT_OK(cop_cached_op_reshape(op, &shape, 1, &four, NULL, error_));
    for (int i = 0; i < 3; i++) {
        const int64_t batch[] = {4, 3, 12, 12};
        cop_ndarray *in = zero_array(4, batch);
        for (int k = 0; k < 4; k++)
            memcpy((char *)cop_ndarray_data(in) + (size_t)k * cop_ndarray_bytes(src),
                   cop_ndarray_data(src), cop_ndarray_bytes(src));
        cop_ndarray *a = invoke(op, src), *b = invoke(again, src), *many = invoke(four, in);
        ck_assert(same_bits(a, expected) && same_bits(b, expected));
        for (int k = 0; k < 4; k++) {
            cop_ndarray *one = NULL;
            EXPECT_OK(cop_ndarray_view(many, (size_t)k * cop_ndarray_bytes(expected),
                                       COP_DTYPE_FLOAT32, 2, scores_shape, &one, error_));
            ck_assert_double_le(difference(expected, one), 1e-5);
            cop_ndarray_release(&one);
        }
        cop_ndarray_release(&a), cop_ndarray_release(&b), cop_ndarray_release(&many);
        cop_ndarray_release(&in);
    }
    const size_t blocks = handed_out();
    cop_cached_op *third = compile_gpu(model, 0);
    ck_assert_uint_eq(handed_out(), blocks); /* its weights are there; it has no context yet */
    cop_cached_op_release(&third), cop_cached_op_release(&again);
    cop_cached_op_release(&four), cop_cached_op_release(&op);
}
END_TEST

START_TEST(trim_gives_contexts_back_and_warm_up_makes_them_with_their_recordings)
{
    cop_cached_op *op = compile_gpu(model, 0);
    const struct cop_fake_cuda_counters before = counters();
    const size_t out_before = handed_out();
    EXPECT_OK(cop_cached_op_warm_up(op, 3, error_));
    ck_assert_uint_eq(counters().streams - before.streams, 3);
    ck_assert_uint_ge(counters().execs, 3);
    const size_t graph_launches = counters().graph_launches;
    cop_ndarray *dst = invoke(op, src);
    ck_assert(same_bits(dst, expected));
    ck_assert_uint_gt(counters().graph_launches, graph_launches);
    cop_ndarray_release(&dst);
    size_t freed = 0;
    EXPECT_OK(cop_cached_op_trim(op, 1, &freed, error_));
    ck_assert_uint_eq(counters().streams - before.streams, 1);
    ck_assert_uint_gt(freed, 0);
    EXPECT_OK(cop_cached_op_trim(op, 0, &freed, error_));
    ck_assert_uint_eq(counters().streams, before.streams);
    ck_assert_uint_eq(counters().execs, 0);
    ck_assert_uint_eq(counters().pinned_blocks, before.pinned_blocks);
    ck_assert_uint_eq(handed_out(), out_before);
    dst = invoke(op, src);
    ck_assert(same_bits(dst, expected));
    cop_ndarray_release(&dst), cop_cached_op_release(&op);
}
END_TEST

START_TEST(a_memory_cap_counts_device_memory_and_refuses_one_context_too_many)
{
    cop_cached_op *op = compile_gpu(model, 0);
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    EXPECT_OK(cop_cached_op_get_stats(op, &stats, error_));
    cop_cached_op_options options = gpu_options(0);
    options.memory_cap_bytes = 2 * stats.context_bytes + stats.context_bytes / 2;
    cop_cached_op *capped = compile(model, &options);
    cop_error error = {COP_STATUS_OK, ""};
    EXPECT_OK(cop_cached_op_warm_up(capped, 2, error_));
    EXPECT_OK(cop_cached_op_trim(capped, 0, NULL, error_));
    ck_assert_int_eq(cop_cached_op_warm_up(capped, 3, &error), COP_STATUS_BUSY);
    cop_ndarray *dst = invoke(capped, src);
    ck_assert(same_bits(dst, expected));
    cop_ndarray_release(&dst);
    cop_cached_op_release(&op), cop_cached_op_release(&capped);
}
END_TEST

START_TEST(rounds_of_everything_leave_as_many_blocks_as_one)
{
    size_t blocks = 0;
    for (int round = 0; round < 4; round++) {
        cop_cached_op *op = compile_gpu(model, 0);
        for (int i = 0; i < 3; i++) {
            cop_ndarray *dst = invoke(op, src);
            cop_ndarray_release(&dst);
        }
        cop_cached_op_release(&op);
        if (round == 0)
            blocks = counters().device_blocks;
        ck_assert_uint_eq(counters().device_blocks, blocks);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("arrays of emulated GPUs", set_up, tear_down,
                          inputs_and_outputs_may_lie_anywhere,
                          the_input_may_change_as_soon_as_a_call_returns,
                          an_output_on_the_device_is_the_input_of_the_next_operator_there,
                          two_gpus_work_side_by_side_each_with_its_own_arrays,
                          an_array_of_another_gpu_is_refused_and_nothing_is_written,
                          operators_and_shapes_share_one_set_of_weights,
                          trim_gives_contexts_back_and_warm_up_makes_them_with_their_recordings,
                          a_memory_cap_counts_device_memory_and_refuses_one_context_too_many,
                          rounds_of_everything_leave_as_many_blocks_as_one);
}
