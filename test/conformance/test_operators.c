// SPDX-License-Identifier: Apache-2.0
/*
 * Every operator case on every backend of the CPU's chain against the reference kernels: with plain
 * sources, with sources in the format that convolutions leave, at misaligned addresses, and with
 * two threads inside.
 */
#include <check.h>

#include "op_case.h"
#include "support/unit.h"

static const struct op_cases *const families[] = {
    &convolution_cases,   &matrix_cases, &pooling_cases,   &elementwise_cases,
    &normalization_cases, &concat_cases, &reduction_cases,
};

static void run_row(struct device *device, const struct op_case *row,
                    const struct op_conditions *conditions, const char *how)
{
    cop_error error;
    const bool runs = run_op_case(device, row, conditions, how, &error);
    ck_assert_msg(runs || row->falls_back || row->may_fall_back, "%s, %s: %s", row->name, how,
                  error.message);
    ck_assert_msg(!runs || !row->falls_back, "%s, %s: runs on %s, which the table does not know",
                  row->name, how, device->backend->name);
}

/* Runs all rows on all backends but the reference itself. */
static void run_all(struct op_conditions conditions, const char *how)
{
    struct device_chain chain;
    cop_error error;
    ck_assert_int_eq(cop_device_chain((cop_device){COP_DEVICE_CPU, 0}, &chain, &error),
                     COP_STATUS_OK);
    for (int i = 0; i < chain.count; i++) {
        if (chain.devices[i]->backend == &cop_ref_backend)
            continue;
        for (size_t f = 0; f < sizeof families / sizeof *families; f++)
            for (size_t r = 0; r < families[f]->count; r++)
                run_row(chain.devices[i], &families[f]->rows[r], &conditions, how);
    }
}

START_TEST(plain_sources_give_what_the_reference_gives)
{
    run_all((struct op_conditions){0}, "plain");
}
END_TEST

START_TEST(sources_as_convolutions_leave_them_give_what_the_reference_gives)
{
    run_all((struct op_conditions){.layout_of = convolution_layout}, "formats");
}
END_TEST

START_TEST(algorithms_for_fast_runs_give_what_the_reference_gives)
{
    run_all((struct op_conditions){.fast_run = true}, "fast run");
    run_all((struct op_conditions){.fast_run = true, .layout_of = convolution_layout},
            "fast run, formats");
}
END_TEST

START_TEST(arrays_need_no_more_alignment_than_their_elements)
{
    run_all((struct op_conditions){.misalign = true}, "misaligned");
}
END_TEST

START_TEST(two_threads_inside_give_what_the_reference_gives)
{
    run_all((struct op_conditions){.intra_op_threads = 2}, "2 threads");
}
END_TEST

int main(void)
{
    return RUN_TESTS("operators", plain_sources_give_what_the_reference_gives,
                     sources_as_convolutions_leave_them_give_what_the_reference_gives,
                     algorithms_for_fast_runs_give_what_the_reference_gives,
                     arrays_need_no_more_alignment_than_their_elements,
                     two_threads_inside_give_what_the_reference_gives);
}
