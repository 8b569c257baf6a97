// SPDX-License-Identifier: Apache-2.0
/* A product of column-major matrices, and what is done to each element of it. */
#ifndef TEST_CUDA_FAKE_LIBRARIES_CUBLASLT_PRODUCT_H
#define TEST_CUDA_FAKE_LIBRARIES_CUBLASLT_PRODUCT_H

#include <cstddef>
#include <cstdint>

#include "elements.h"

namespace cop::fake_library
{

struct matrix {
    element type = element::f32;
    int64_t rows = 0, columns = 0, leading = 0, stride = 0; /* to the next of a batch */
    void *at = nullptr;

    /* From the first element to behind the last of a batch. */
    size_t bytes(int64_t batch) const
    {
        const int64_t last = (batch - 1) * stride + (columns - 1) * leading + rows;
        return static_cast<size_t>(last) * bytes_of(type);
    }
    float get(int64_t one, int64_t row, int64_t column, bool is_transposed) const
    {
        const int64_t index = is_transposed ? row * leading + column : column * leading + row;
        return load(type, at, one * stride + index);
    }
};

struct product {
    matrix a, b, c, d;
    bool is_a_transposed = false, is_b_transposed = false, is_tf32 = false;
    bool has_bias = false, is_relu = false, is_gelu = false;
    int64_t batch = 1;
    float alpha = 1, beta = 0;
    element bias_type = element::f32;
    const void *bias = nullptr; /* one for each row of d */

    int64_t inner() const
    {
        return is_a_transposed ? a.rows : a.columns;
    }
    bool fits() const
    {
        const int64_t m = is_a_transposed ? a.columns : a.rows;
        const int64_t n = is_b_transposed ? b.rows : b.columns;
        const int64_t k = is_b_transposed ? b.columns : b.rows;
        return batch > 0 && m > 0 && n > 0 && k == inner() && k > 0 && d.rows == m &&
               d.columns == n && c.rows == m && c.columns == n;
    }
    float sum(int64_t one, int64_t row, int64_t column) const
    {
        float all = 0;
        for (int64_t i = 0; i < inner(); i++) {
            const float x = a.get(one, row, i, is_a_transposed);
            const float y = b.get(one, i, column, is_b_transposed);
            all += is_tf32 ? round_to_tf32(x) * round_to_tf32(y) : x * y;
        }
        return all;
    }
    float finish(float value, int64_t row) const
    {
        if (has_bias)
            value += load(bias_type, bias, row);
        if (is_relu)
            value = value > 0 ? value : 0;
        return is_gelu ? gelu_tanh(value) : value;
    }
    void run() const
    {
        for (int64_t i = 0; i < batch * d.rows * d.columns; i++) {
            const int64_t one = i / (d.rows * d.columns), row = i % d.rows;
            const int64_t column = i / d.rows % d.columns;
            float value = alpha * sum(one, row, column);
            if (beta != 0)
                value += beta * c.get(one, row, column, false);
            store(d.type, d.at, one * d.stride + column * d.leading + row, finish(value, row));
        }
    }
};

} // namespace cop::fake_library

#endif
