// SPDX-License-Identifier: Apache-2.0
/* Test cases as the ONNX project stores them: a folder with model.onnx and test_data_set_N/x_N.pb.
 */
#ifndef TEST_SUPPORT_ONNX_CASES_H
#define TEST_SUPPORT_ONNX_CASES_H

#include <stdbool.h>

#include <cachedop/cachedop.h>

enum case_verdict { CASE_PASSED, CASE_FAILED, CASE_SKIPPED };

struct case_result {
    enum case_verdict verdict;
    char reason[512]; /* of a failure or a skip */
};

/*
 * Runs all data sets of one case on one device through the public interface. Skipped: the model or
 * the data needs something that is not supported, and the library says so. What differs from the
 * expected outputs by more than 1e-3 relative and 1e-7 absolute, or at all for integers, has
 * failed. `of_largest` allows as much more, as a fraction of the output's largest element: for
 * whole networks.
 */
struct case_result run_onnx_case(const char *folder, cop_device_kind device, double of_largest);

/* A TensorProto file as an array; NULL with a reason. */
cop_ndarray *read_tensor_file(const char *path, char *name, size_t name_bytes, cop_error *error);

#endif
