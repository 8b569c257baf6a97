// SPDX-License-Identifier: Apache-2.0
/* The emulated GPU against the reference kernels, to the bit, with sources in either order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cachedop/library.h>

#include "base/alloc.h"
#include "conformance/op_case.h"
#include "exact_cases.h"
#include "support/unit.h"

static struct device *gpu, *ref;

static struct device *open_device(cop_device_kind kind)
{
    struct device_chain chain;
    cop_error error;
    ck_assert_msg(cop_device_chain((cop_device){kind, 0}, &chain, &error) == COP_STATUS_OK, "%s",
                  error.message);
    return chain.devices[0];
}

static void open_devices(void)
{
    cop_error error;
    const char *path = getenv("COP_EMULATED_MODULE");
    ck_assert_msg(path != NULL, "COP_EMULATED_MODULE is not set");
    ck_assert_msg(cop_load_module(path, &error) == COP_STATUS_OK, "%s", error.message);
    gpu = open_device(COP_DEVICE_GPU);
    ref = open_device(COP_DEVICE_REF);
}

static size_t elements_of(const struct shape *shape)
{
    return (size_t)cop_shape_product(shape, 0, shape->rank);
}

/* Whole numbers that every precision holds, and any bytes. */
static void *make_elements(cop_dtype dtype, const struct shape *shape, unsigned seed)
{
    const size_t count = elements_of(shape), bytes = count * cop_dtype_bytes(dtype);
    unsigned char *elements = cop_alloc(bytes + 1, 1);
    uint32_t state = seed * 2654435761u + 1;
    ck_assert_ptr_nonnull(elements);
    for (size_t i = 0; i < (dtype == COP_DTYPE_FLOAT32 ? count : bytes); i++) {
        state = state * 1664525u + 1013904223u;
        if (dtype == COP_DTYPE_FLOAT32)
            ((float *)elements)[i] = (float)((int)(state >> 24) % 9 - 4);
        else
            elements[i] = (unsigned char)(dtype == COP_DTYPE_BOOL ? state >> 31 : state >> 24);
    }
    return elements;
}

static void compare(const char *what, const struct op_result *got, const struct op_result *wanted)
{
    ck_assert_int_eq(got->dst_count, wanted->dst_count);
    for (int i = 0; i < got->dst_count; i++) {
        const struct test_tensor *a = &got->dst[i], *b = &wanted->dst[i];
        ck_assert_int_eq(a->dtype, b->dtype);
        ck_assert(cop_shape_equal(&a->shape, &b->shape));
        const size_t bytes = cop_dtype_bytes(a->dtype);
        for (size_t j = 0; j < elements_of(&a->shape); j++)
            ck_assert_msg(memcmp((const char *)a->elements + j * bytes,
                                 (const char *)b->elements + j * bytes, bytes) == 0,
                          "%s: element %zu of result %d differs", what, j, i);
    }
}

/* Runs a call on both devices; true: the GPU takes it. */
static bool check_call(const char *what, struct op_call *call)
{
    const struct op_conditions conditions = call->conditions;
    struct op_result got, wanted;
    cop_error error;
    const cop_status status = run_op(gpu, call, &got, &error);
    ck_assert_msg(status == COP_STATUS_OK || status == COP_STATUS_UNSUPPORTED, "%s: %s", what,
                  error.message);
    if (status == COP_STATUS_OK) {
        call->conditions = (struct op_conditions){0};
        const cop_status answer = run_op(ref, call, &wanted, &error);
        ck_assert_msg(answer == COP_STATUS_OK, "%s on ref: %s", what, error.message);
        call->conditions = conditions;
        compare(what, &got, &wanted);
        op_result_free(&wanted);
    }
    op_result_free(&got);
    return status == COP_STATUS_OK;
}

/* With `dtype` in the place of float32. */
static void run_row(const struct exact_case *row, cop_dtype dtype,
                    const struct op_conditions *conditions)
{
    struct op_call call = {.kind = row->kind,
                           .attrs = row->attrs,
                           .post_ops = &row->post_ops,
                           .src_count = row->src_count,
                           .dst_count = row->dst_count,
                           .conditions = *conditions};
    void *made[RUN_OP_MAX_SRC] = {NULL};
    char what[128];
    for (int i = 0; i < row->src_count; i++) {
        const struct exact_src *src = &row->src[i];
        const cop_dtype own = src->dtype == COP_DTYPE_FLOAT32 ? dtype : src->dtype;
        const void *elements = src->known != NULL ? src->known : src->elements;
        if (elements == NULL && src->dtype != COP_DTYPE_UNKNOWN)
            elements = made[i] = make_elements(own, &src->shape, (unsigned)i + 1);
        call.src[i] =
            (struct test_tensor){own, src->shape, elements, src->is_weight, src->known != NULL};
    }
    snprintf(what, sizeof what, "%s, %s, precision %d%s", row->name, cop_dtype_name(dtype),
             (int)conditions->precision, conditions->layout_of == NULL ? "" : ", nhwc");
    const bool runs = check_call(what, &call);
    ck_assert_msg(runs != row->is_refused, "%s: %s", what, runs ? "runs" : "is refused");
    for (int i = 0; i < row->src_count; i++)
        cop_free(made[i]);
}

static void run_all(struct op_conditions conditions)
{
    static const cop_dtype others[] = {COP_DTYPE_UINT8, COP_DTYPE_FLOAT16, COP_DTYPE_INT64,
                                       COP_DTYPE_FLOAT64, COP_DTYPE_BOOL};
    conditions.gpu_kernels = COP_GPU_KERNELS_OWN;
    for (int i = 0; i < exact_case_count; i++) {
        const struct exact_case *row = &exact_cases[i];
        run_row(row, COP_DTYPE_FLOAT32, &conditions);
        for (size_t j = 0; row->any_dtype && j < sizeof others / sizeof *others; j++)
            run_row(row, others[j], &conditions);
    }
}

START_TEST(results_are_those_of_the_reference_at_every_precision)
{
    run_all((struct op_conditions){.precision = (cop_precision)_i});
}
END_TEST

START_TEST(results_from_channels_last_are_those_of_the_reference_at_every_precision)
{
    const struct shape image = {4, {2, 5, 4, 6}};
    const struct layout *layout = convolution_layout(gpu, &image, (cop_precision)_i);
    ck_assert_msg(layout != NULL && !layout->is_linear, "convolutions leave %s",
                  cop_layout_name(layout));
    cop_layout_release(&layout);
    run_all(
        (struct op_conditions){.precision = (cop_precision)_i, .layout_of = convolution_layout});
}
END_TEST

START_TEST(casts_are_those_of_the_reference)
{
    const struct shape shape = {3, {3, 5, 7}};
    for (cop_dtype from = COP_DTYPE_FLOAT32; from <= COP_DTYPE_BOOL; from++)
        for (cop_dtype to = COP_DTYPE_FLOAT32; to <= COP_DTYPE_BOOL; to++) {
            const struct cast_attrs attrs = {to};
            void *elements = make_elements(from, &shape, (unsigned)from);
            struct op_call call = {.kind = OP_CAST,
                                   .attrs = &attrs,
                                   .src_count = 1,
                                   .src = {{from, shape, elements, false, false}}};
            char what[64];
            snprintf(what, sizeof what, "cast from %s to %s", cop_dtype_name(from),
                     cop_dtype_name(to));
            ck_assert_msg(check_call(what, &call), "%s is refused", what);
            cop_free(elements);
        }
}
END_TEST

START_TEST(what_is_only_known_at_run_time_is_refused)
{
    const struct slice_attrs slice = {0};
    const struct kernel_tensor src[3] = {
        {.is_present = true, .dtype = COP_DTYPE_FLOAT32, .shape = {2, {3, 4}}},
        {.is_present = true, .dtype = COP_DTYPE_INT64, .shape = {1, {2}}},
        {.is_present = true, .dtype = COP_DTYPE_INT64, .shape = {1, {2}}}};
    const struct reduce_attrs reduce = {.alg = REDUCE_SUM};
    const struct pad_attrs pad = {.mode = PAD_CONSTANT};
    const struct {
        enum op_kind kind;
        const void *attrs;
        int src_count;
    } calls[] = {{OP_SLICE, &slice, 3}, {OP_REDUCE, &reduce, 2}, {OP_PAD, &pad, 2}};
    const struct kernel_tensor dst = {
        .is_present = true, .dtype = COP_DTYPE_FLOAT32, .shape = {2, {1, 2}}};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const struct kernel_request request = {.kind = calls[i].kind,
                                               .attrs = calls[i].attrs,
                                               .post_ops = &cop_no_post_ops,
                                               .src_count = calls[i].src_count,
                                               .dst_count = 1,
                                               .src = src,
                                               .dst = &dst,
                                               .intra_op_threads = 1,
                                               .name = "under test"};
        struct kernel *kernel;
        cop_error error;
        ck_assert_int_eq(cop_kernel_create(gpu, &request, &kernel, &error), COP_STATUS_UNSUPPORTED);
        ck_assert_ptr_null(kernel);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("exact");
    tcase_set_timeout(cases, 240);
    tcase_add_checked_fixture(cases, open_devices, NULL);
    tcase_add_loop_test(cases, results_are_those_of_the_reference_at_every_precision, 0, 4);
    tcase_add_loop_test(
        cases, results_from_channels_last_are_those_of_the_reference_at_every_precision, 0, 4);
    tcase_add_test(cases, casts_are_those_of_the_reference);
    tcase_add_test(cases, what_is_only_known_at_run_time_is_refused);
    return run_case("exact operators of the emulated GPU", cases);
}
