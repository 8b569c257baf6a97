// SPDX-License-Identifier: Apache-2.0
/* The library's version, parts, devices and settings, as MXNet tells them. */
#include <pthread.h>

#include "mxnet/base/mx_random.h"
#include "mxnet/mx_arrays.h"

START_TEST(the_version_is_the_one_of_mxnet)
{
    int version;
    MX(MXGetVersion(&version));
    ck_assert_int_eq(version, 10901);
    MX_FAILS(MXGetVersion(NULL), "out");
}
END_TEST

static bool has_feature(const char *name)
{
    const struct LibFeature *features;
    size_t count;
    MX(MXLibInfoFeatures(&features, &count));
    ck_assert_uint_eq(count, 32);
    for (size_t i = 0; i < count; i++)
        if (strcmp(features[i].name, name) == 0)
            return features[i].enabled;
    ck_abort_msg("no feature %s", name);
}

START_TEST(features_have_mxnets_names_and_are_true)
{
    size_t count;
    const struct LibFeature *features;
    static const char *const names[] = {
        "CUDNN", "OPENCV", "DIST_KVSTORE", "INT64_TENSOR_SIZE", "SIGNAL_HANDLER", "TVM_OP"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert(!has_feature(names[i]));
    ck_assert(has_feature("MKLDNN") == has_feature("OPENMP"));
    MX_FAILS(MXLibInfoFeatures(NULL, &count), "libFeature");
    MX_FAILS(MXLibInfoFeatures(&features, NULL), "size");
}
END_TEST

START_TEST(gpus_are_counted_and_their_memory_is_not_told)
{
    int count = -1, free_mem = 5, total_mem = 6;
    uint64_t free_bytes, total_bytes;
    MX(MXGetGPUCount(&count));
    ck_assert_int_ge(count, 0);
    MX_FAILS(MXGetGPUCount(NULL), "out");
    MX_FAILS(MXGetGPUMemoryInformation(0, &free_mem, &total_mem), "MXGetGPUMemoryInformation:");
    MX_FAILS(MXGetGPUMemoryInformation64(0, &free_bytes, &total_bytes),
             "MXGetGPUMemoryInformation64:");
    ck_assert_int_eq(free_mem, 5);
    ck_assert_int_eq(total_mem, 6);
}
END_TEST

START_TEST(settings_are_checked_and_kept_where_somebody_may_ask)
{
    int previous = -1;
    MX(MXEngineSetBulkSize(5, &previous));
    ck_assert_int_eq(previous, 0);
    MX(MXEngineSetBulkSize(15, &previous));
    ck_assert_int_eq(previous, 5);
    MX_FAILS(MXEngineSetBulkSize(-1, &previous), "bulk_size");
    MX_FAILS(MXEngineSetBulkSize(1, NULL), "prev");
    MX(MXSetNumOMPThreads(1));
    MX(MXSetNumOMPThreads(64));
    MX_FAILS(MXSetNumOMPThreads(0), "thread_num");
    MX(MXStorageEmptyCache(1, 0));
    MX_FAILS(MXStorageEmptyCache(9, 0), "dev_type 9");
}
END_TEST

START_TEST(shutting_down_may_be_told_twice_and_ends_nothing)
{
    MX(MXNotifyShutdown());
    MX(MXNotifyShutdown());
    const NDArrayHandle array = make_counting(SHAPE(2), 2);
    expect_floats(array, (const float[]){0, 1}, 2);
    MX(MXNDArrayFree(array));
}
END_TEST

static void *ask_numpy_shape(void *result)
{
    MXIsNumpyShape(result);
    return NULL;
}

static int numpy_shape_elsewhere(void)
{
    pthread_t thread;
    int mode = -1;
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_numpy_shape, &mode), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return mode;
}

START_TEST(numpys_shapes_are_switched_as_in_mxnet)
{
    /* What MXNet 1.9.1 answers to these modes in a row. */
    static const struct {
        int mode, previous, now, elsewhere;
    } steps[] = {
        {1, 0, 1, 0}, {0, 1, 0, 0}, {2, 0, 2, 2}, {0, 1, 0, 0},  {2, 0, 2, 2},
        {1, 1, 2, 2}, {0, 1, 0, 0}, {3, 0, 0, 0}, {-1, 0, 0, 0}, {0, 0, 0, 0},
    };
    int previous, now;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        MX(MXSetIsNumpyShape(steps[i].mode, &previous));
        MX(MXIsNumpyShape(&now));
        ck_assert_int_eq(previous, steps[i].previous);
        ck_assert_int_eq(now, steps[i].now);
        ck_assert_int_eq(numpy_shape_elsewhere(), steps[i].elsewhere);
    }
    MX_FAILS(MXSetIsNumpyShape(1, NULL), "prev");
    MX_FAILS(MXIsNumpyShape(NULL), "curr");
}
END_TEST

static double first_number(void)
{
    struct mx_random random = cop_mx_random_open();
    return cop_mx_random_uniform(&random);
}

START_TEST(a_seed_makes_the_same_numbers_again)
{
    MX(MXRandomSeed(7));
    const double first = first_number(), second = first_number();
    ck_assert(first != second);
    MX(MXRandomSeed(7));
    ck_assert(first_number() == first);
    ck_assert(first_number() == second);
    MX(MXRandomSeedContext(7, 1, 0));
    ck_assert(first_number() == first);
    MX(MXRandomSeed(8));
    ck_assert(first_number() != first);
    MX(MXRandomSeed(-8));
    MX_FAILS(MXRandomSeedContext(7, 9, 0), "dev_type 9");
}
END_TEST

START_TEST(random_numbers_have_the_moments_they_should)
{
    enum { COUNT = 200000 };
    struct mx_random random = cop_mx_random_open();
    double sum = 0, squares = 0, mean = 0;
    for (int i = 0; i < COUNT; i++) {
        const double number = cop_mx_random_normal(&random), share = cop_mx_random_uniform(&random);
        sum += number;
        squares += number * number;
        mean += share;
        ck_assert(share >= 0 && share < 1);
    }
    ck_assert_double_le_tol(sum / COUNT < 0 ? -sum / COUNT : sum / COUNT, 0.01, 0);
    ck_assert_double_eq_tol(squares / COUNT, 1, 0.02);
    ck_assert_double_eq_tol(mean / COUNT, 0.5, 0.005);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mx_library", the_version_is_the_one_of_mxnet, features_have_mxnets_names_and_are_true,
        gpus_are_counted_and_their_memory_is_not_told,
        settings_are_checked_and_kept_where_somebody_may_ask,
        shutting_down_may_be_told_twice_and_ends_nothing, numpys_shapes_are_switched_as_in_mxnet,
        a_seed_makes_the_same_numbers_again, random_numbers_have_the_moments_they_should);
}
