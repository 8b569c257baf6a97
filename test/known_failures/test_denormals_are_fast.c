// SPDX-License-Identifier: Apache-2.0
/*
 * Denormal numbers cost a hundred times as much as others, in somebody else's engine 2400 ms
 * instead of 70 ms. Here they count as zero while kernels run, and the caller's mode comes back
 * after. What is looked at is the mode, not the time: a kernel that reads 1e-40 as zero is in it.
 */
#include <cachedop/cachedop.h>

#include <pthread.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "support/onnx_sample.h"
#include "support/unit.h"

#define TINY 1e-40f /* below FLT_MIN */

#if defined(__x86_64__) || defined(__aarch64__)
#define HAS_MODE 1
#else
#define HAS_MODE 0
#endif

/* Not to be computed by the compiler. */
static volatile float tiny = TINY, one = 1;

/* Does this thread, as it is now, compute with denormal numbers? */
static bool has_denormals(void)
{
    return tiny * one != 0;
}

/* y = x + x, and z = c + c of a constant, made when it is compiled. Both are TINY. */
static cop_cached_op *make_doubler(cop_device_kind device)
{
    struct message graph = {0}, node = onnx_node("Add", "add", "x x", "y");
    const float constants[4] = {TINY, TINY, TINY, TINY};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(4));
    onnx_add_floats(&graph, "c", DIMS(4), constants);
    onnx_add_node(&graph, &node);
    node = onnx_node("Add", "fold", "c c", "z");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(4));
    onnx_add_output(&graph, "z", ONNX_FLOAT, DIMS(4));
    struct message model = onnx_model(&graph, 13);
    const cop_bytes bytes = {.data = model.bytes, .size = model.size};
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_model *loaded = NULL;
    cop_cached_op *op = NULL;
    cop_error error = {COP_STATUS_OK, ""};
    options.device.kind = device;
    ck_assert_msg(cop_model_load_bytes(COP_MODEL_FORMAT_ONNX, &bytes, NULL, NULL, &loaded,
                                       &error) == COP_STATUS_OK &&
                      cop_cached_op_create(loaded, &options, &op, &error) == COP_STATUS_OK,
                  "%s", error.message);
    cop_model_release(&loaded);
    message_free(&model);
    return op;
}

/* The largest of both outputs of one invocation; −1: it failed. No checks: any thread calls it. */
static float largest_result(cop_cached_op *op, bool is_async)
{
    float elements[4] = {TINY, TINY, TINY, TINY}, largest = 0;
    cop_ndarray *src = NULL, *dst[2] = {NULL, NULL};
    cop_status status =
        cop_ndarray_wrap(elements, COP_DTYPE_FLOAT32, 1, (int64_t[]){4}, NULL, &src, NULL);
    if (status == COP_STATUS_OK)
        status = is_async ? cop_invoke_async(op, 1, &src, 2, dst, NULL, NULL)
                          : cop_invoke(op, 1, &src, 2, dst, NULL, NULL);
    for (int i = 0; i < 2 && status == COP_STATUS_OK; i++)
        status = cop_ndarray_wait(dst[i], COP_NO_TIMEOUT, NULL, NULL);
    for (int i = 0; i < 8 && status == COP_STATUS_OK; i++) {
        /* as bits: this thread's own mode must not decide */
        uint32_t bits;
        memcpy(&bits, (const float *)cop_ndarray_data(dst[i / 4]) + i % 4, sizeof bits);
        largest = (bits & 0x7fffffff) != 0 ? 1 : largest;
    }
    for (int i = 0; i < 2; i++)
        cop_ndarray_release(&dst[i]);
    cop_ndarray_release(&src);
    return status == COP_STATUS_OK ? largest : -1;
}

START_TEST(kernels_take_denormals_for_zero_and_the_caller_does_not)
{
    static const cop_device_kind devices[] = {COP_DEVICE_REF, COP_DEVICE_CPU};
    if (!HAS_MODE)
        return;
    for (int i = 0; i < 4; i++) {
        ck_assert(has_denormals());
        cop_cached_op *op = make_doubler(devices[i / 2]);
        ck_assert_msg(has_denormals(), "compiling changed the caller's mode");
        ck_assert_float_eq(largest_result(op, i % 2 == 1), 0);
        ck_assert_msg(has_denormals(), "an invocation changed the caller's mode");
        cop_cached_op_release(&op);
    }
}
END_TEST

/* Whatever the caller has set, rounding and traps included, is there again. */
START_TEST(the_callers_mode_comes_back_whatever_it_is)
{
#if defined(__x86_64__)
    static const unsigned modes[] = {0x1f80, 0x9fc0, 0x5f80, 0x7f80, 0x1d00};
    cop_cached_op *op = make_doubler(COP_DEVICE_REF);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        const unsigned before = _mm_getcsr();
        _mm_setcsr(modes[i]);
        const float result = largest_result(op, false);
        const unsigned after = _mm_getcsr();
        _mm_setcsr(before);
        ck_assert_float_eq(result, 0);
        ck_assert_uint_eq(after & ~0x3fu, modes[i] & ~0x3fu);
    }
    cop_cached_op_release(&op);
#endif
}
END_TEST

/* What a thread saw: 0 is right. */
static void *invoke_in_thread(void *op)
{
    const bool before = has_denormals();
    const float result = largest_result(op, false);
    static int failures[2] = {1, 0};
    return before && has_denormals() && result == 0 ? &failures[1] : &failures[0];
}

START_TEST(every_thread_has_its_own_mode)
{
    pthread_t threads[8];
    cop_cached_op *op = make_doubler(COP_DEVICE_REF);
    if (!HAS_MODE)
        return;
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, invoke_in_thread, op), 0);
    int failures = 0;
    for (int i = 0; i < 8; i++) {
        void *result;
        pthread_join(threads[i], &result);
        failures += *(const int *)result;
    }
    ck_assert_int_eq(failures, 0);
    cop_cached_op_release(&op);
}
END_TEST

int main(void)
{
    return RUN_TESTS("denormals are fast", kernels_take_denormals_for_zero_and_the_caller_does_not,
                     the_callers_mode_comes_back_whatever_it_is, every_thread_has_its_own_mode);
}
