// SPDX-License-Identifier: Apache-2.0
/*
 * Walking tensors of several dimensions: flat positions become offsets in each of a few tensors.
 * With Index uint32_t positions and offsets are below 2^31, and divisions become multiplications.
 */
#ifndef KERNELS_INDEXING_CUH
#define KERNELS_INDEXING_CUH

#include "platform.cuh"
#include "types.h"

namespace cop
{

template <typename Index> struct divider;

template <> struct divider<uint64_t> {
    uint64_t value;

    void set(int64_t divisor)
    {
        value = static_cast<uint64_t>(divisor);
    }
    __device__ inline uint64_t divide(uint64_t x) const
    {
        return x / value;
    }
};

/*
 * x / d = x · m / 2^p for x below 2^31, with p = 31 + ceil(log2 d) and m = ceil(2^p / d): m · d
 * exceeds 2^p by less than d ≤ 2^(p − 31), so that the error x · (m · d − 2^p) / (d · 2^p) stays
 * below 1 / d (Granlund and Montgomery 1994).
 */
template <> struct divider<uint32_t> {
    uint32_t value, multiplier, shift;

    void set(int64_t divisor)
    {
        int log = 0;
        while (INT64_C(1) << log < divisor)
            log++;
        value = static_cast<uint32_t>(divisor);
        multiplier = static_cast<uint32_t>(((INT64_C(1) << (31 + log)) + divisor - 1) / divisor);
        shift = static_cast<uint32_t>(log == 0 ? 0 : log - 1);
    }
    __device__ inline uint32_t divide(uint32_t x) const
    {
        return value == 1 ? x : __umulhi(x, multiplier) >> shift;
    }
};

template <typename Index> struct offset_of;
template <> struct offset_of<uint32_t> {
    using type = int32_t;
};
template <> struct offset_of<uint64_t> {
    using type = int64_t;
};

/* Dimensions outermost first, with the strides of `sides` tensors in elements. */
template <int sides> struct block {
    int rank;
    int64_t dims[COP_CUDA_MAX_RANK];
    int64_t strides[sides][COP_CUDA_MAX_RANK];

    int64_t count() const
    {
        int64_t product = 1;
        for (int i = 0; i < rank; i++)
            product *= dims[i];
        return product;
    }

    void remove(int axis)
    {
        rank--;
        for (int i = axis; i < rank; i++) {
            dims[i] = dims[i + 1];
            for (int side = 0; side < sides; side++)
                strides[side][i] = strides[side][i + 1];
        }
    }

    bool can_join(int axis) const
    {
        for (int side = 0; side < sides; side++)
            if (strides[side][axis] != strides[side][axis + 1] * dims[axis + 1])
                return false;
        return true;
    }

    /* Joins dimensions that every side steps through as through one. All dims are positive. */
    void collapse()
    {
        for (int i = rank - 1; i >= 0; i--)
            if (dims[i] == 1)
                remove(i);
        for (int i = rank - 2; i >= 0; i--)
            if (can_join(i)) {
                dims[i + 1] *= dims[i];
                remove(i);
            }
    }

    /* Whether positions and offsets are below 2^31. */
    bool is_small() const
    {
        if (count() > INT32_MAX)
            return false;
        for (int side = 0; side < sides; side++) {
            int64_t reach = 0;
            for (int i = 0; i < rank; i++)
                reach +=
                    (dims[i] - 1) * (strides[side][i] < 0 ? -strides[side][i] : strides[side][i]);
            if (reach > INT32_MAX)
                return false;
        }
        return true;
    }
};

template <typename Index, int sides> struct walk {
    using offset = typename offset_of<Index>::type;

    int rank;
    divider<Index> dims[COP_CUDA_MAX_RANK];
    offset strides[sides][COP_CUDA_MAX_RANK];

    void set(const block<sides> &from)
    {
        rank = from.rank;
        for (int i = 0; i < COP_CUDA_MAX_RANK; i++) {
            dims[i].set(i < rank ? from.dims[i] : 1);
            for (int side = 0; side < sides; side++)
                strides[side][i] = i < rank ? static_cast<offset>(from.strides[side][i]) : 0;
        }
    }

    __device__ inline void find(Index position, offset (&offsets)[sides]) const
    {
        COP_UNROLL
        for (int side = 0; side < sides; side++)
            offsets[side] = 0;
        for (int i = rank - 1; i > 0; i--) {
            const Index outer = dims[i].divide(position);
            const offset at = static_cast<offset>(position - outer * dims[i].value);
            COP_UNROLL
            for (int side = 0; side < sides; side++)
                offsets[side] += at * strides[side][i];
            position = outer;
        }
        COP_UNROLL
        for (int side = 0; side < sides; side++)
            offsets[side] += static_cast<offset>(position) * strides[side][0];
    }
};

/* The strides of a dense tensor. */
inline void set_dense_strides(int rank, const int64_t *dims, int64_t *strides)
{
    for (int64_t i = rank - 1, stride = 1; i >= 0; stride *= dims[i], i--)
        strides[i] = stride;
}

inline bool are_dims(int rank, const int64_t *dims)
{
    if (rank < 0 || rank > COP_CUDA_MAX_RANK)
        return false;
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0)
            return false;
    return true;
}

/* The flat position of this thread in a grid of one dimension. */
__device__ inline int64_t thread_position()
{
    return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

} // namespace cop

#endif
