// SPDX-License-Identifier: Apache-2.0
/* Every allocation that a call on arrays makes fails once: a text, nothing left, results untouched.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mxnet/mx_arrays.h"

/* What the acts work with; made without faults. */
struct stage {
    NDArrayHandle array, other;
    char path[40], target[40];
};

static struct stage stage;
static const NDArrayHandle untouched = &stage;

static void set_stage(void)
{
    stage.array = make_counting(SHAPE(4, 6), 24);
    stage.other = make_typed(2, SHAPE(4, 6));
    strcpy(stage.path, "/tmp/mx_memory_XXXXXX");
    const int fd = mkstemp(stage.path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    NDArrayHandle arrays[] = {stage.array, stage.other};
    MX(MXNDArraySave(stage.path, 2, arrays, (const char *[]){"arg:a", "b"}));
    snprintf(stage.target, sizeof stage.target, "%s.new", stage.path);
}

static void clear_stage(void)
{
    MX(MXNDArrayFree(stage.array));
    MX(MXNDArrayFree(stage.other));
    remove(stage.path);
    remove(stage.target);
}

static int keep(int result, const NDArrayHandle *made)
{
    if (result != 0)
        ck_assert_ptr_eq(*made, untouched);
    else
        MX(MXNDArrayFree(*made));
    return result;
}

static int create_now(void)
{
    NDArrayHandle made = untouched;
    return keep(MXNDArrayCreate((const uint32_t[]){2, 3}, 2, 1, 0, 0, &made), &made);
}

static int create_none(void)
{
    NDArrayHandle made = untouched;
    return keep(MXNDArrayCreateNone(&made), &made);
}

static int write_later_memory(void)
{
    NDArrayHandle made = untouched;
    int result = MXNDArrayCreate((const uint32_t[]){2}, 1, 1, 0, 1, &made);
    if (result == 0) {
        result = MXNDArraySyncCopyFromCPU(made, (const float[]){1, 2}, 2);
        MX(MXNDArrayFree(made));
    }
    return result;
}

static int slice(void)
{
    NDArrayHandle made = untouched;
    return keep(MXNDArraySlice(stage.array, 1, 3, &made), &made);
}

static int reshape(void)
{
    NDArrayHandle made = untouched;
    return keep(MXNDArrayReshape64(stage.array, 1, (dim_t[]){-1}, false, &made), &made);
}

static int share(void)
{
    NDArrayHandle made = untouched;
    return keep(MXNDArrayDetach(stage.array, &made), &made);
}

static int convert(void)
{
    return MXNDArraySyncCopyFromNDArray(stage.other, stage.array, -1);
}

static int wait_to_write(void)
{
    return MXNDArrayWaitToWrite(stage.array);
}

static int get_shape(void)
{
    int rank = 77;
    const int *dims;
    const int result = MXNDArrayGetShapeEx(stage.array, &rank, &dims);
    ck_assert_int_eq(rank, result == 0 ? 2 : 77);
    return result;
}

static int load(void)
{
    uint32_t count = 77, name_count = 78;
    NDArrayHandle *arrays = NULL;
    const char **names = NULL;
    const int result = MXNDArrayLoad(stage.path, &count, &arrays, &name_count, &names);
    ck_assert_uint_eq(count, result == 0 ? 2 : 77);
    for (uint32_t i = 0; result == 0 && i < count; i++)
        MX(MXNDArrayFree(arrays[i]));
    return result;
}

static int save(void)
{
    NDArrayHandle arrays[] = {stage.array, stage.other};
    remove(stage.target);
    const int result = MXNDArraySave(stage.target, 2, arrays, (const char *[]){"a", "b"});
    ck_assert_int_eq(access(stage.target, F_OK), result);
    return result;
}

static int save_and_load_record(void)
{
    size_t size;
    const char *bytes;
    NDArrayHandle made = untouched;
    const int result = MXNDArraySaveRawBytes(stage.array, &size, &bytes);
    return result != 0 ? result : keep(MXNDArrayLoadFromRawBytes(bytes, size, &made), &made);
}

/* How many allocations failed until it succeeded. */
static int fail_each(int (*act)(void))
{
    MX(act()); /* what stays with the thread is there */
    const size_t before = cop_alloc_counters().live_bytes;
    for (int successes = 0;; successes++) {
        cop_alloc_fail_after(successes, 0);
        const int result = act();
        const bool has_failed = cop_alloc_has_failed();
        cop_alloc_fail_after(-1, 0);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
        if (!has_failed) {
            ck_assert_int_eq(result, 0);
            return successes;
        }
        ck_assert_int_eq(result, -1);
        ck_assert_msg(strstr(MXGetLastError(), "memory") != NULL, "%s", MXGetLastError());
    }
}

START_TEST(every_failed_allocation_is_told_and_leaves_nothing)
{
    static const struct {
        int (*act)(void);
        int least; /* allocations that it is known to make */
    } acts[] = {
        {create_now, 3},
        {create_none, 1},
        {write_later_memory, 4},
        {slice, 1},
        {reshape, 1},
        {share, 1},
        {convert, 4},
        {wait_to_write, 2},
        {load, 10},
        {save, 4},
        {save_and_load_record, 4},
    };
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        const int count = fail_each(acts[i].act);
        ck_assert_msg(count >= acts[i].least, "act %zu: %d allocations", i, count);
    }
}
END_TEST

START_TEST(a_thread_without_memory_for_its_returns_is_told)
{
    cop_alloc_fail_after(0, 1);
    ck_assert_int_eq(get_shape(), -1);
    cop_alloc_fail_after(-1, 0);
    ck_assert_int_eq(get_shape(), 0);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("mx_array_memory", set_stage, clear_stage,
                          every_failed_allocation_is_told_and_leaves_nothing,
                          a_thread_without_memory_for_its_returns_is_told);
}
