// SPDX-License-Identifier: Apache-2.0
/* Elements as bits, and choosing wider ones where several always move together. */
#ifndef KERNELS_MOVEMENT_CUH
#define KERNELS_MOVEMENT_CUH

#include "elements.cuh"
#include "indexing.cuh"

namespace cop
{

#define COP_MOVE_THREADS 256

inline bool is_element_size(int bytes)
{
    return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

/* Calls launch with a value of a type of so many bytes that is moved in one access. */
template <typename Launch> inline cudaError_t with_element(int bytes, Launch launch)
{
    switch (bytes) {
    case 1:
        return launch(uint8_t());
    case 2:
        return launch(uint16_t());
    case 4:
        return launch(uint32_t());
    case 8:
        return launch(uint2());
    case 16:
        return launch(uint4());
    default:
        return cudaErrorInvalidValue;
    }
}

/* Up to 16 bytes filled with copies of an element. */
struct alignas(16) pattern {
    unsigned char bytes[16];

    void set(int element_bytes, const void *element)
    {
        for (int i = 0; i < 16; i++)
            bytes[i] = static_cast<const unsigned char *>(element)[i % element_bytes];
    }
    template <typename E> __device__ inline E as() const
    {
        return *reinterpret_cast<const E *>(bytes);
    }
};

} // namespace cop

#endif
