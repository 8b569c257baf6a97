// SPDX-License-Identifier: Apache-2.0
/* What tests do with models whose weights change. */
#ifndef TEST_SUPPORT_LIVE_MODELS_H
#define TEST_SUPPORT_LIVE_MODELS_H

#include <cachedop/cachedop.h>
#include <check.h>
#include <string.h>

static inline cop_ndarray *invoke(cop_cached_op *op, cop_ndarray *image)
{
    cop_ndarray *scores = NULL;
    cop_error error = {0};
    ck_assert_msg(cop_invoke(op, 1, &image, 1, &scores, NULL, &error) == COP_STATUS_OK, "%s",
                  error.message);
    return scores;
}

static inline void update(cop_model *model, const cop_parameter_value *values, size_t count)
{
    cop_error error = {0};
    ck_assert_msg(cop_model_update_weights(model, values, count, &error) == COP_STATUS_OK, "%s",
                  error.message);
}

/* A refusal whose message has a part. */
static inline void expect_refused(cop_model *model, const cop_parameter_value *values, size_t count,
                                  cop_status expected, const char *part)
{
    cop_error error = {0};
    const cop_status status = cop_model_update_weights(model, values, count, &error);
    ck_assert_msg(status == expected && strstr(error.message, part) != NULL,
                  "%s: %s; expected %s: … %s …", cop_status_name(status), error.message,
                  cop_status_name(expected), part);
}

static inline cop_cached_op_stats stats_of(const cop_cached_op *op)
{
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_cached_op_get_stats(op, &stats, NULL), COP_STATUS_OK);
    return stats;
}

static inline size_t live_bytes(void)
{
    cop_library_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_library_get_stats(&stats, NULL), COP_STATUS_OK);
    return stats.live_bytes;
}

#endif
