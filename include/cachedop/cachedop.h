// SPDX-License-Identifier: Apache-2.0
/**
 * cachedop: thread-safe inference with shared parameters.
 *
 * One cached operator holds one immutable compiled model; any number of threads invoke it at once.
 *
 *     #include <stdio.h>
 *     #include <cachedop/cachedop.h>
 *
 *     int main(void)
 *     {
 *         static float pixels[3 * 224 * 224], scores[1000];
 *         const int64_t src_shape[] = {1, 3, 224, 224}, dst_shape[] = {1, 1000};
 *         cop_error error;
 *         cop_model *model = NULL;
 *         cop_cached_op *op = NULL;
 *         cop_ndarray *src = NULL, *dst = NULL;
 *
 *         if (cop_model_load("resnet18.onnx", NULL, &model, &error) ||
 *             cop_cached_op_create(model, NULL, &op, &error) ||
 *             cop_ndarray_wrap(pixels, COP_DTYPE_FLOAT32, 4, src_shape, NULL, &src, &error) ||
 *             cop_ndarray_wrap(scores, COP_DTYPE_FLOAT32, 2, dst_shape, NULL, &dst, &error) ||
 *             cop_invoke(op, 1, &src, 1, &dst, NULL, &error)) // from any number of threads
 *             fprintf(stderr, "%s\n", error.message);
 *         else
 *             printf("score of class 0: %f\n", scores[0]);
 *         cop_ndarray_release(&src), cop_ndarray_release(&dst);
 *         cop_cached_op_release(&op), cop_model_release(&model);
 *         return 0;
 *     }
 *
 * Rules that hold everywhere: what can fail returns a cop_status and fills an optional cop_error;
 * on failure `*out` is NULL and nothing leaks; arguments are borrowed for the call; children keep
 * their parents alive, so release in any order; NULL options mean the defaults. Everything may be
 * called from any thread at any time, unless its type says otherwise; docs/threads.md says what
 * waits for what, and what to do about each status. The library never prints, exits or aborts;
 * hooks.h says where it takes memory from and tells what it does.
 */
#ifndef CACHEDOP_CACHEDOP_H
#define CACHEDOP_CACHEDOP_H

#include <cachedop/cached_op.h>
#include <cachedop/cancel.h>
#include <cachedop/completion.h>
#include <cachedop/device.h>
#include <cachedop/dtype.h>
#include <cachedop/hooks.h>
#include <cachedop/invoke.h>
#include <cachedop/library.h>
#include <cachedop/model.h>
#include <cachedop/ndarray.h>
#include <cachedop/profile.h>
#include <cachedop/status.h>
#include <cachedop/weights.h>

#endif
