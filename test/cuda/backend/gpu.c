// SPDX-License-Identifier: Apache-2.0
#include "gpu.h"

#include <math.h>
#include <unistd.h>

#include "backends/cuda/cuda_device.h"
#include "plan/plan.h"
#include "runtime/cached_op.h"

const int64_t image_shape[4] = {1, 3, 12, 12};

#define MOST_DEVICES 4
static struct cuda_device *devices[MOST_DEVICES];
static size_t device_count;

void load_emulated_module(void)
{
    cop_error error = {COP_STATUS_OK, ""};
    const char *path = getenv("COP_EMULATED_MODULE");
    ck_assert_msg(path != NULL, "COP_EMULATED_MODULE is not set");
    ck_assert_msg(cop_load_module(path, &error) == COP_STATUS_OK, "%s", error.message);
}

void open_gpus(void)
{
    load_emulated_module();
    cop_fake_cuda_delay_us(200);
}

struct cop_fake_cuda_counters counters(void)
{
    struct cop_fake_cuda_counters now;
    cop_fake_cuda_count(&now);
    return now;
}

void remember_device(const cop_cached_op *op)
{
    struct cuda_device *device = (struct cuda_device *)op->plan->devices.devices[0];
    ck_assert_int_eq(device->base.id.kind, COP_DEVICE_GPU);
    for (size_t i = 0; i < device_count; i++)
        if (devices[i] == device)
            return;
    ck_assert_uint_lt(device_count, MOST_DEVICES);
    devices[device_count++] = device;
}

size_t handed_out(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < device_count; i++) {
        pthread_mutex_lock(&devices[i]->pool_mutex);
        kept += (size_t)devices[i]->kept_count;
        pthread_mutex_unlock(&devices[i]->pool_mutex);
    }
    return counters().device_blocks - kept;
}

/* The streams on which libraries choose stay with their device. */
static size_t kept_streams(void)
{
    size_t count = 0;
    for (size_t i = 0; i < device_count; i++)
        count += devices[i]->planning_stream != NULL;
    return count;
}

static bool is_anything_left(void)
{
    const struct cop_fake_cuda_counters now = counters();
    return now.streams > kept_streams() || now.pinned_blocks > 0 ||
           (device_count > 0 && handed_out() > 0);
}

void settle(void)
{
    (void)!cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL);
    for (int i = 0; i < 2000 && is_anything_left(); i++)
        usleep(1000);
    cop_fake_cuda_drain();
}

void close_gpus(void)
{
    char first[256];
    settle();
    ck_assert_msg(cop_fake_cuda_violations(first, sizeof first) == 0, "%s", first);
    const struct cop_fake_cuda_counters left = counters();
    ck_assert_uint_eq(left.legacy_calls, 0);
    ck_assert_uint_eq(left.queued, 0);
    ck_assert_uint_eq(left.streams, kept_streams());
    ck_assert_uint_eq(left.events, 0);
    ck_assert_uint_eq(left.graphs, 0);
    ck_assert_uint_eq(left.execs, 0);
    ck_assert_uint_eq(left.pinned_blocks, 0);
    ck_assert_uint_eq(handed_out(), 0);
}

cop_cached_op_options gpu_options(int index)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device = (cop_device){COP_DEVICE_GPU, index};
    options.gpu_kernels = COP_GPU_KERNELS_OWN;
    return options;
}

cop_cached_op *compile(cop_model *model, const cop_cached_op_options *options)
{
    cop_cached_op *op = NULL;
    EXPECT_OK(cop_cached_op_create(model, options, &op, error_));
    if (options->device.kind == COP_DEVICE_GPU)
        remember_device(op);
    return op;
}

cop_cached_op *compile_gpu(cop_model *model, int index)
{
    const cop_cached_op_options options = gpu_options(index);
    return compile(model, &options);
}

cop_ndarray *invoke(cop_cached_op *op, cop_ndarray *src)
{
    cop_ndarray *dst = NULL;
    EXPECT_OK(cop_invoke(op, 1, &src, 1, &dst, NULL, error_));
    return dst;
}

void invoke_into(cop_cached_op *op, cop_ndarray *src, cop_ndarray *dst)
{
    EXPECT_OK(cop_invoke(op, 1, &src, 1, &dst, NULL, error_));
}

cop_ndarray *array_in(int index, cop_memory memory, int rank, const int64_t *shape)
{
    cop_ndarray *array = NULL;
    const cop_device device = {COP_DEVICE_GPU, index};
    EXPECT_OK(
        cop_ndarray_create_in(device, memory, COP_DTYPE_FLOAT32, rank, shape, &array, error_));
    return array;
}

cop_ndarray *on_host(cop_ndarray *array)
{
    cop_ndarray *host = zero_array(cop_ndarray_rank(array), cop_ndarray_shape(array));
    EXPECT_OK(cop_ndarray_copy(array, host, error_));
    return host;
}

bool same_bits(const cop_ndarray *a, const cop_ndarray *b)
{
    return cop_ndarray_bytes(a) == cop_ndarray_bytes(b) &&
           memcmp(cop_ndarray_data(a), cop_ndarray_data(b), cop_ndarray_bytes(a)) == 0;
}

double difference(const cop_ndarray *expected, const cop_ndarray *array)
{
    const float *right = cop_ndarray_data(expected), *found = cop_ndarray_data(array);
    double largest = 1e-30, most = 0;
    ck_assert_uint_eq(cop_ndarray_bytes(expected), cop_ndarray_bytes(array));
    for (size_t i = 0; i < cop_ndarray_bytes(expected) / sizeof *right; i++) {
        const double off = fabs((double)right[i] - (double)found[i]);
        ck_assert(isfinite(found[i]));
        if (fabs((double)right[i]) > largest)
            largest = fabs((double)right[i]);
        if (off > most)
            most = off;
    }
    return most / largest;
}
