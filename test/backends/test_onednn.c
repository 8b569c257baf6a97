// SPDX-License-Identifier: Apache-2.0
/* What the oneDNN backend promises beyond right results; built only where oneDNN is. */
#include <pthread.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/onednn/onednn_layout.h"
#include "base/alloc.h"
#include "support/unit.h"

#define IC 48
#define OC 64
/* Of a direct convolution, and of one that is worth Winograd's algorithm where there is AVX-512. */
#define SMALL 14
#define LARGE 28

static struct device *open_device(void)
{
    struct device_chain chain;
    cop_error error;
    ck_assert_int_eq(cop_device_chain((cop_device){COP_DEVICE_CPU, 0}, &chain, &error),
                     COP_STATUS_OK);
    ck_assert_ptr_eq(chain.devices[0]->backend, cop_onednn_backend);
    return chain.devices[0];
}

struct tensors {
    struct kernel_tensor src[3], dst;
};

static struct tensors describe(int64_t batch, int64_t plane)
{
    const struct kernel_tensor base = {.is_present = true, .dtype = COP_DTYPE_FLOAT32};
    struct tensors tensors = {.src = {base, base, base}, .dst = base};
    tensors.src[0].shape = cop_shape_of(4, (int64_t[]){batch, IC, plane, plane});
    tensors.src[1].shape = cop_shape_of(4, (int64_t[]){OC, IC, 3, 3});
    tensors.src[1].is_weight = true;
    tensors.src[2].shape = cop_shape_of(1, (int64_t[]){OC});
    tensors.src[2].is_weight = true;
    tensors.dst.shape = cop_shape_of(4, (int64_t[]){batch, OC, plane, plane});
    return tensors;
}

/* A 3x3 convolution with relu. */
static cop_status create(struct device *device, const struct tensors *tensors,
                         struct kernel **kernel, cop_error *error)
{
    static const struct convolution_attrs attrs = {.pads_begin = {1, 1}, .pads_end = {1, 1}};
    static const struct post_ops relu = {1, {{POST_OP_UNARY, {UNARY_RELU, 0, 0}}}};
    const struct kernel_request request = {.kind = OP_CONVOLUTION,
                                           .attrs = &attrs,
                                           .post_ops = &relu,
                                           .src_count = 3,
                                           .dst_count = 1,
                                           .src = tensors->src,
                                           .dst = &tensors->dst,
                                           .intra_op_threads = 1,
                                           .name = "conv1"};
    return cop_kernel_create(device, &request, kernel, error);
}

/* One context: what a thread needs to run the kernel. */
struct context {
    struct device *device;
    const struct kernel *kernel;
    struct stream *stream;
    void *state, *scratch, *dst;
};

static cop_status context_create(struct context *context, struct device *device,
                                 const struct kernel *kernel, cop_error *error)
{
    *context = (struct context){.device = device, .kernel = kernel};
    context->scratch = cop_alloc_aligned(kernel->scratch_bytes + 1);
    context->dst = cop_alloc_aligned(kernel->dst_layouts[0] == NULL
                                         ? (size_t)OC * LARGE * LARGE * sizeof(float)
                                         : kernel->dst_layouts[0]->bytes);
    ck_assert_ptr_nonnull(context->scratch);
    ck_assert_ptr_nonnull(context->dst);
    cop_status status = device->backend->stream_create(device, &context->stream, error);
    if (status == COP_STATUS_OK)
        status = device->backend->state_create(kernel, context->stream, &context->state, error);
    return status;
}

static void context_destroy(struct context *context)
{
    if (context->state != NULL)
        context->device->backend->state_destroy(context->kernel, context->state);
    if (context->stream != NULL)
        context->device->backend->stream_destroy(context->stream);
    cop_free(context->scratch);
    cop_free(context->dst);
}

static cop_status context_run(struct context *context, const void *const *src, cop_error *error)
{
    const struct backend *backend = context->device->backend;
    const struct kernel_args args = {.src = src, .dst = &context->dst, .scratch = context->scratch};
    const int before = backend->thread_enter(context->device, 1);
    const cop_status status =
        cop_kernel_run(context->kernel, context->stream, context->state, &args, error);
    backend->thread_leave(before);
    return status;
}

/* Memory for each source; small integers, so that sums are exact in any order. */
static void fill_sources(const struct kernel *kernel, const struct tensors *tensors, void **src)
{
    for (int i = 0; i < 3; i++) {
        const size_t bytes =
            cop_layout_bytes(kernel->src_layouts[i], COP_DTYPE_FLOAT32, &tensors->src[i].shape);
        float *elements = cop_alloc_aligned(bytes);
        ck_assert_ptr_nonnull(elements);
        for (size_t k = 0; k < bytes / sizeof(float); k++)
            elements[k] = (float)((int)(k * 2654435761u >> 7) % 7 - 3) * 0.37f;
        src[i] = elements;
    }
}

static void free_sources(void **src)
{
    for (int i = 0; i < 3; i++)
        cop_free(src[i]);
}

#define THREADS 8
#define RUNS    200

struct worker {
    struct context context;
    const void *const *src;
    const void *wanted;
    size_t bytes;
    int wrong;
};

static void *run_many(void *memory)
{
    struct worker *worker = memory;
    cop_error error;
    for (int i = 0; i < RUNS; i++) {
        memset(worker->context.dst, 0xff, worker->bytes);
        if (context_run(&worker->context, worker->src, &error) != COP_STATUS_OK ||
            memcmp(worker->context.dst, worker->wanted, worker->bytes) != 0)
            worker->wrong++;
    }
    return NULL;
}

static void compare_threads(int64_t plane)
{
    struct device *device = open_device();
    const struct tensors tensors = describe(1, plane);
    struct kernel *kernel = NULL;
    struct context alone;
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    void *src[3];
    cop_error error;
    ck_assert_int_eq(create(device, &tensors, &kernel, &error), COP_STATUS_OK);
    fill_sources(kernel, &tensors, src);
    ck_assert_int_eq(context_create(&alone, device, kernel, &error), COP_STATUS_OK);
    ck_assert_int_eq(context_run(&alone, (const void *const *)src, &error), COP_STATUS_OK);
    const size_t bytes =
        cop_layout_bytes(kernel->dst_layouts[0], COP_DTYPE_FLOAT32, &tensors.dst.shape);
    for (int i = 0; i < THREADS; i++) {
        workers[i] =
            (struct worker){.src = (const void *const *)src, .wanted = alone.dst, .bytes = bytes};
        ck_assert_int_eq(context_create(&workers[i].context, device, kernel, &error),
                         COP_STATUS_OK);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_many, &workers[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(workers[i].wrong, 0);
        context_destroy(&workers[i].context);
    }
    context_destroy(&alone);
    free_sources(src);
    cop_kernel_destroy(&kernel);
}

START_TEST(threads_that_run_one_kernel_at_once_get_the_bytes_that_one_gets)
{
    compare_threads(SMALL);
    compare_threads(LARGE);
}
END_TEST

/* Creates for one shape, then for another with the weights as the first has packed them. */
static void share_weights(struct tensors first_tensors, struct tensors second_tensors)
{
    struct device *device = open_device();
    struct kernel *first = NULL, *second = NULL;
    cop_error error;
    ck_assert_int_eq(create(device, &first_tensors, &first, &error), COP_STATUS_OK);
    ck_assert_ptr_nonnull(first->src_layouts[1]);
    second_tensors.src[1].layout = first->src_layouts[1];
    ck_assert_int_eq(create(device, &second_tensors, &second, &error), COP_STATUS_OK);
    ck_assert_msg(cop_layout_equal(first->src_layouts[1], second->src_layouts[1]), "%s, then %s",
                  first->implementation, second->implementation);
    cop_kernel_destroy(&first);
    cop_kernel_destroy(&second);
}

START_TEST(other_batch_and_image_sizes_take_the_weights_as_they_are_packed)
{
    share_weights(describe(1, SMALL), describe(4, SMALL));
    share_weights(describe(1, 20), describe(4, 20));
    share_weights(describe(1, 20), describe(1, LARGE));
    share_weights(describe(1, LARGE), describe(1, 40));
    share_weights(describe(1, LARGE), describe(1, 20));
}
END_TEST

START_TEST(a_chain_of_convolutions_needs_no_reorder_between_them)
{
    struct device *device = open_device();
    struct tensors tensors = describe(1, SMALL);
    struct kernel *first = NULL, *second = NULL;
    cop_error error;
    ck_assert_int_eq(create(device, &tensors, &first, &error), COP_STATUS_OK);
    tensors.src[0].shape = tensors.dst.shape;
    tensors.src[0].layout = first->dst_layouts[0];
    tensors.src[1].shape = cop_shape_of(4, (int64_t[]){OC, OC, 3, 3});
    ck_assert_int_eq(create(device, &tensors, &second, &error), COP_STATUS_OK);
    ck_assert(cop_layout_equal(first->dst_layouts[0], second->src_layouts[0]));
    cop_kernel_destroy(&first);
    cop_kernel_destroy(&second);
}
END_TEST

START_TEST(weights_of_a_private_format_cannot_be_reordered_back)
{
    struct device *device = open_device();
    const struct tensors tensors = describe(1, LARGE);
    struct kernel *kernel = NULL, *back = NULL;
    cop_error error;
    ck_assert_int_eq(create(device, &tensors, &kernel, &error), COP_STATUS_OK);
    const struct layout *packed = kernel->src_layouts[1];
    const bool is_private = packed != NULL && strcmp(packed->name, "private") == 0;
    ck_assert(is_private == (strstr(kernel->implementation, "wino") != NULL));
    const cop_status status = cop_reorder_create(device, COP_DTYPE_FLOAT32, &tensors.src[1].shape,
                                                 packed, NULL, 1, &back, &error);
    ck_assert_int_eq(status, is_private ? COP_STATUS_UNSUPPORTED : COP_STATUS_OK);
    cop_kernel_destroy(&back);
    cop_kernel_destroy(&kernel);
}
END_TEST

START_TEST(scratch_stays_small_for_large_images)
{
    struct device *device = open_device();
    const struct tensors tensors = describe(1, 1080);
    struct kernel *kernel = NULL;
    cop_error error;
    ck_assert_int_eq(create(device, &tensors, &kernel, &error), COP_STATUS_OK);
    ck_assert_uint_le(kernel->scratch_bytes, (size_t)64 << 20);
    cop_kernel_destroy(&kernel);
}
END_TEST

START_TEST(every_allocation_that_fails_is_reported_and_leaks_nothing)
{
    struct device *device = open_device();
    const struct tensors tensors = describe(1, SMALL);
    const size_t before = cop_alloc_counters().live_bytes;
    int failures = 0;
    for (bool done = false; !done; failures++) {
        struct kernel *kernel = NULL;
        struct stream *stream = NULL;
        void *state = NULL;
        cop_error error;
        cop_alloc_fail_after(failures, 0);
        cop_status status = create(device, &tensors, &kernel, &error);
        ck_assert((status == COP_STATUS_OK) == (kernel != NULL));
        if (status == COP_STATUS_OK)
            status = device->backend->stream_create(device, &stream, &error);
        if (status == COP_STATUS_OK)
            status = device->backend->state_create(kernel, stream, &state, &error);
        cop_alloc_fail_after(-1, 0);
        ck_assert(status == COP_STATUS_OK || status == COP_STATUS_OUT_OF_MEMORY);
        done = status == COP_STATUS_OK;
        if (state != NULL)
            device->backend->state_destroy(kernel, state);
        if (stream != NULL)
            device->backend->stream_destroy(stream);
        cop_kernel_destroy(&kernel);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
    }
    ck_assert_int_gt(failures, 5);
}
END_TEST

/* A format by its strides. */
static struct tensor_desc strided(const int64_t *dims, const int64_t *strides)
{
    struct tensor_desc desc;
    ck_assert_int_eq(cop_onednn_desc_strided(&desc, 4, dims, dnnl_f32, strides), dnnl_success);
    return desc;
}

START_TEST(formats_that_are_plain_in_memory_have_no_layout)
{
    const int64_t row[4] = {2, 5, 1, 1}, row_strides[4] = {5, 1, 5, 5};
    const int64_t image[4] = {1, 5, 3, 4}, image_strides[4] = {60, 1, 20, 5};
    const int64_t grey[4] = {2, 1, 3, 4}, grey_strides[4] = {12, 1, 4, 1};
    const struct tensor_desc pooled = strided(row, row_strides);
    const struct tensor_desc nhwc = strided(image, image_strides);
    const struct tensor_desc one_channel = strided(grey, grey_strides);
    const struct layout *layout = NULL;
    cop_error error;
    ck_assert(cop_onednn_desc_is_plain(&pooled));
    ck_assert(cop_onednn_desc_is_plain(&one_channel));
    ck_assert(!cop_onednn_desc_is_plain(&nhwc));
    ck_assert_int_eq(cop_onednn_layout_create(&pooled, false, &layout, &error), COP_STATUS_OK);
    ck_assert_ptr_null(layout);
    ck_assert_int_eq(cop_onednn_layout_create(&nhwc, false, &layout, &error), COP_STATUS_OK);
    ck_assert_str_eq(layout->name, "nhwc");
    ck_assert_uint_eq(layout->bytes, 60 * sizeof(float));
    cop_layout_release(&layout);
}
END_TEST

START_TEST(equal_formats_have_equal_hashes_and_blocked_ones_their_names)
{
    const struct blocking blocked = {.is_blocked = true,
                                     .rank = 4,
                                     .type = dnnl_f32,
                                     .dims = {1, 20, 3, 4},
                                     .padded_dims = {1, 32, 3, 4},
                                     .strides = {384, 192, 64, 16},
                                     .inner_count = 1,
                                     .inner_blocks = {16},
                                     .inner_axes = {1}};
    struct blocking other = blocked;
    struct tensor_desc a, b, wider;
    const struct layout *first = NULL, *second = NULL, *third = NULL;
    cop_error error;
    other.strides[0] = 999; /* of a dimension of 1: meaningless */
    ck_assert_int_eq(cop_onednn_desc_of_blocking(&a, &blocked), dnnl_success);
    ck_assert_int_eq(cop_onednn_desc_of_blocking(&b, &other), dnnl_success);
    ck_assert_int_eq(cop_onednn_desc_like(&wider, &a, (int64_t[]){2, 40, 3, 4}), dnnl_success);
    ck_assert_int_eq(cop_onednn_layout_create(&a, false, &first, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_onednn_layout_create(&b, false, &second, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_onednn_layout_create(&wider, false, &third, &error), COP_STATUS_OK);
    ck_assert_str_eq(first->name, "nChw16c");
    ck_assert_str_eq(third->name, "nChw16c");
    ck_assert(cop_layout_equal(first, second));
    ck_assert_uint_eq(first->hash, second->hash);
    ck_assert(!cop_layout_equal(first, third));
    ck_assert_uint_eq(first->bytes, 32 * 12 * sizeof(float));
    ck_assert_uint_eq(third->bytes, 2 * 48 * 12 * sizeof(float));
    cop_layout_release(&first);
    cop_layout_release(&second);
    cop_layout_release(&third);
}
END_TEST

int main(void)
{
    return RUN_TESTS("onednn", threads_that_run_one_kernel_at_once_get_the_bytes_that_one_gets,
                     other_batch_and_image_sizes_take_the_weights_as_they_are_packed,
                     a_chain_of_convolutions_needs_no_reorder_between_them,
                     weights_of_a_private_format_cannot_be_reordered_back,
                     scratch_stays_small_for_large_images,
                     every_allocation_that_fails_is_reported_and_leaks_nothing,
                     formats_that_are_plain_in_memory_have_no_layout,
                     equal_formats_have_equal_hashes_and_blocked_ones_their_names);
}
