// SPDX-License-Identifier: Apache-2.0
/* Stacks that one OS thread switches between. */
#ifndef TEST_CUDA_EMULATION_FIBER_H
#define TEST_CUDA_EMULATION_FIBER_H

#include <stddef.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define COP_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COP_HAS_ASAN 1
#endif
#endif
#ifndef COP_HAS_ASAN
#define COP_HAS_ASAN 0
#endif

/* The scheduler itself is compiled without ThreadSanitizer, so the build says that it is there. */
#ifndef COP_HAS_TSAN
#define COP_HAS_TSAN 0
#endif

#if COP_HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if COP_HAS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace cop
{
namespace emulation
{

struct fiber {
#if defined(__x86_64__)
    void *stack_pointer;
#else
    ucontext_t context;
#endif
    void *stack; /* NULL: the OS thread's own stack */
    size_t stack_bytes;
    void *fake_stack; /* AddressSanitizer's */
    void *sanitizer;  /* ThreadSanitizer's */
};

/* Describes the running OS thread; its stack is not owned. */
void describe_thread(fiber *self);

/* A fiber that calls entry when it is first switched to; entry must never return. */
void create_fiber(fiber *self, void (*entry)());
void destroy_fiber(fiber *self);

/* Leaves `from`, which runs, and continues `to`. Orders nothing for ThreadSanitizer. */
void switch_fiber(fiber *from, fiber *to);

/* The first thing entry does: came_from is who switched to it. */
void enter_fiber(fiber *came_from);

/* For ThreadSanitizer: what happened before release is seen after acquire. */
inline void release_order(void *object)
{
#if COP_HAS_TSAN
    __tsan_release(object);
#else
    (void)object;
#endif
}

inline void acquire_order(void *object)
{
#if COP_HAS_TSAN
    __tsan_acquire(object);
#else
    (void)object;
#endif
}

} // namespace emulation
} // namespace cop

#endif
