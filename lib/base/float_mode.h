// SPDX-License-Identifier: Apache-2.0
/*
 * The floating-point mode of invocations and of making weights: round to nearest, no traps,
 * denormals read and written as zero (they cost a hundred times a normal number and mean nothing
 * here). The caller's mode comes back after.
 */
#ifndef BASE_FLOAT_MODE_H
#define BASE_FLOAT_MODE_H

#include <stdint.h>

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>

/* Flush to zero, denormals are zero, all exceptions masked. Source: Intel SDM volume 1, 10.2.3. */
#define FLOAT_MODE 0x9FC0u

static inline uint64_t cop_float_mode_enter(void)
{
    const uint32_t before = _mm_getcsr();
    if (before != FLOAT_MODE)
        _mm_setcsr(FLOAT_MODE);
    return before;
}

/* Exceptions that the invocation raised do not show in the caller's flags either. */
static inline void cop_float_mode_leave(uint64_t before)
{
    _mm_setcsr((uint32_t)before);
}

#elif defined(__aarch64__)

#define FLOAT_MODE (UINT64_C(1) << 24) /* FZ. Source: Arm ARM, FPCR. */

static inline uint64_t cop_float_mode_enter(void)
{
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(FLOAT_MODE));
    return before;
}

static inline void cop_float_mode_leave(uint64_t before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
}

#else

static inline uint64_t cop_float_mode_enter(void)
{
    return 0;
}

static inline void cop_float_mode_leave(uint64_t before)
{
    (void)before;
}

#endif
#endif
