// SPDX-License-Identifier: Apache-2.0
/*
 * Every operator case with sources in the blocked format that Winograd convolutions leave, padded
 * channels included; built only where oneDNN is.
 */
#include <check.h>

#include "backends/onednn/onednn_layout.h"
#include "op_case.h"
#include "support/unit.h"

static const struct op_cases *const families[] = {
    &convolution_cases,   &pooling_cases, &elementwise_cases,
    &normalization_cases, &concat_cases,  &reduction_cases,
};

/* nChw16c and its likes of 3 and 5 dimensions. */
static const struct layout *blocked_layout(struct device *device, const struct shape *shape,
                                           cop_precision precision)
{
    struct blocking format = {.is_blocked = true,
                              .rank = shape->rank,
                              .type = dnnl_f32,
                              .inner_count = 1,
                              .inner_blocks = {16},
                              .inner_axes = {1}};
    struct tensor_desc desc;
    const struct layout *layout = NULL;
    int64_t stride = 16;
    cop_error error;
    (void)device, (void)precision;
    if (shape->rank < 3 || shape->rank > 5)
        return NULL;
    for (int i = shape->rank - 1; i >= 0; i--) {
        const int64_t padded = (shape->dims[i] + 15) / 16 * 16;
        format.dims[i] = shape->dims[i];
        format.padded_dims[i] = i == 1 ? padded : shape->dims[i];
        format.strides[i] = stride;
        stride *= i == 1 ? padded / 16 : shape->dims[i];
    }
    ck_assert_int_eq(cop_onednn_desc_of_blocking(&desc, &format), dnnl_success);
    ck_assert_int_eq(cop_onednn_layout_create(&desc, false, &layout, &error), COP_STATUS_OK);
    return layout;
}

static void run_all(const struct op_conditions *conditions, const char *how)
{
    struct device_chain chain;
    cop_error error;
    ck_assert_int_eq(cop_device_chain((cop_device){COP_DEVICE_CPU, 0}, &chain, &error),
                     COP_STATUS_OK);
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (size_t r = 0; r < families[f]->count; r++) {
            const struct op_case *row = &families[f]->rows[r];
            const bool runs = run_op_case(chain.devices[0], row, conditions, how, &error);
            ck_assert_msg(runs || row->falls_back || row->may_fall_back, "%s, %s: %s", row->name,
                          how, error.message);
        }
}

START_TEST(blocked_sources_give_what_the_reference_gives)
{
    run_all(&(struct op_conditions){.layout_of = blocked_layout}, "blocked");
}
END_TEST

START_TEST(blocked_sources_and_algorithms_for_fast_runs_give_what_the_reference_gives)
{
    run_all(&(struct op_conditions){.layout_of = blocked_layout, .fast_run = true},
            "blocked, fast run");
}
END_TEST

int main(void)
{
    return RUN_TESTS("onednn formats", blocked_sources_give_what_the_reference_gives,
                     blocked_sources_and_algorithms_for_fast_runs_give_what_the_reference_gives);
}
