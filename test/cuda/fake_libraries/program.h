// SPDX-License-Identifier: Apache-2.0
/* A graph of operations as a plan has it: everything that it takes to run, and to write it down. */
#ifndef TEST_CUDA_FAKE_LIBRARIES_PROGRAM_H
#define TEST_CUDA_FAKE_LIBRARIES_PROGRAM_H

#include <cudnn.h>

#include <cstdint>
#include <string>
#include <vector>

#include "elements.h"

namespace cop::fake_library
{

enum { most_dims = 5, most_spatial = 3, most_tensors = 16 };

struct tensor {
    int64_t uid = 0, alignment = 0;
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
    bool is_virtual = false;
    int rank = 0;
    int64_t dims[most_dims] = {}, strides[most_dims] = {};

    element kind() const;
    int64_t count() const;
    /* From the first element to behind the last. */
    size_t bytes() const;
};

enum class step_kind { convolution, pointwise, product };

struct step {
    step_kind kind = step_kind::convolution;
    int x = -1, w = -1, y = -1; /* tensors; w: weights, or what is combined with x, or none */
    int spatial = 0;
    int64_t before[most_spatial] = {}, after[most_spatial] = {}, strides[most_spatial] = {},
            dilations[most_spatial] = {};
    cudnnPointwiseMode_t mode = CUDNN_POINTWISE_ADD;
    /* of functions: lower and upper clip, slope below, alpha of elu, beta of swish */
    double lower = 0, upper = 3.4028234663852886e38, slope = 0, alpha = 1, beta = 1;
};

struct program {
    std::vector<tensor> tensors;
    std::vector<step> steps;
    bool is_known = false; /* a pattern of precompiled engines */
    int64_t engine = 0, workspace_bytes = 0;
    bool is_tf32 = false; /* it rounds float factors to 10 bits of fraction */

    /* What is wrong with the shapes; "": nothing. */
    std::string check() const;
    void run(void *const *pointers, void *workspace) const; /* by the index of the tensor */
    std::string text(size_t version) const;
    /* The status of reading it. */
    static cudnnStatus_t read(const std::string &text, size_t version, program *made);
};

} // namespace cop::fake_library

#endif
