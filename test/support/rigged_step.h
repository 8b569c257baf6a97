// SPDX-License-Identifier: Apache-2.0
/*
 * The failing operator: a step of a compiled plan that asks the test before it runs. The test can
 * let it fail, wait, or count.
 */
#ifndef TEST_SUPPORT_RIGGED_STEP_H
#define TEST_SUPPORT_RIGGED_STEP_H

#include <cachedop/cached_op.h>

#include "backends/backend.h"

/* Called before every run of the step, on whichever thread runs it; not OK: the step fails with
 * that. */
typedef cop_status step_hook(void *user, const struct kernel_args *args, cop_error *error);

/* Before the first invoke. The operator keeps `user` until it is destroyed. */
void rig_step(cop_cached_op *op, int step, step_hook *hook, void *user);

#endif
