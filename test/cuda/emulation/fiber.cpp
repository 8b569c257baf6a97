// SPDX-License-Identifier: Apache-2.0
#include "emulation/fiber.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

namespace cop
{
namespace emulation
{

static const size_t stack_size = 256 * 1024;
static const size_t guard_size = 4096 * 16;

/* x86-64 gets a switch of its own, because swapcontext makes a system call. */
#if defined(__x86_64__)

extern "C" void cop_emulation_switch(void **save, void *next);
asm(".text\n"
    ".p2align 4\n"
    ".type cop_emulation_switch, @function\n"
    "cop_emulation_switch:\n"
    "    pushq %rbp\n"
    "    pushq %rbx\n"
    "    pushq %r12\n"
    "    pushq %r13\n"
    "    pushq %r14\n"
    "    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n"
    "    popq %r14\n"
    "    popq %r13\n"
    "    popq %r12\n"
    "    popq %rbx\n"
    "    popq %rbp\n"
    "    ret\n"
    ".size cop_emulation_switch, . - cop_emulation_switch\n");

static void prepare_stack(fiber *self, void (*entry)())
{
    /* six registers, where to go, and a return address of nowhere */
    void **top = reinterpret_cast<void **>(static_cast<char *>(self->stack) + self->stack_bytes);
    top -= 8;
    memset(top, 0, 8 * sizeof(void *));
    memcpy(&top[6], &entry, sizeof(void *));
    self->stack_pointer = top;
}

static void switch_stack(fiber *from, fiber *to)
{
    cop_emulation_switch(&from->stack_pointer, to->stack_pointer);
}

#else

static void prepare_stack(fiber *self, void (*entry)())
{
    getcontext(&self->context);
    self->context.uc_stack.ss_sp = self->stack;
    self->context.uc_stack.ss_size = self->stack_bytes;
    self->context.uc_link = nullptr;
    makecontext(&self->context, entry, 0);
}

static void switch_stack(fiber *from, fiber *to)
{
    swapcontext(&from->context, &to->context);
}

#endif

void describe_thread(fiber *self)
{
    *self = fiber();
#if COP_HAS_TSAN
    self->sanitizer = __tsan_get_current_fiber();
#endif
}

void create_fiber(fiber *self, void (*entry)())
{
    *self = fiber();
    char *memory =
        static_cast<char *>(mmap(nullptr, guard_size + stack_size, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (memory == MAP_FAILED || mprotect(memory, guard_size, PROT_NONE) != 0) {
        fprintf(stderr, "emulation: no memory for a stack\n");
        abort();
    }
    self->stack = memory + guard_size;
    self->stack_bytes = stack_size;
    prepare_stack(self, entry);
#if COP_HAS_TSAN
    self->sanitizer = __tsan_create_fiber(0);
#endif
}

void destroy_fiber(fiber *self)
{
#if COP_HAS_TSAN
    __tsan_destroy_fiber(self->sanitizer);
#endif
#if COP_HAS_ASAN
    /* what it remembers of frames would be said of whoever gets the addresses next */
    __asan_unpoison_memory_region(self->stack, stack_size);
#endif
    munmap(static_cast<char *>(self->stack) - guard_size, guard_size + stack_size);
}

#if COP_HAS_ASAN
/* Who was left: AddressSanitizer tells its stack's bounds when the switch is finished. */
static void finish_switch(fiber *self, fiber *left)
{
    const void *bottom;
    size_t bytes;
    __sanitizer_finish_switch_fiber(self != nullptr ? self->fake_stack : nullptr, &bottom, &bytes);
    if (left->stack == nullptr) {
        left->stack = const_cast<void *>(bottom);
        left->stack_bytes = bytes;
    }
}
static __thread fiber *left_last;
#endif

void switch_fiber(fiber *from, fiber *to)
{
#if COP_HAS_ASAN
    left_last = from;
    __sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_bytes);
#endif
#if COP_HAS_TSAN
    __tsan_switch_to_fiber(to->sanitizer, __tsan_switch_to_fiber_no_sync);
#endif
    switch_stack(from, to);
#if COP_HAS_ASAN
    finish_switch(from, left_last);
#endif
}

void enter_fiber(fiber *came_from)
{
#if COP_HAS_ASAN
    finish_switch(nullptr, came_from);
#else
    (void)came_from;
#endif
}

} // namespace emulation
} // namespace cop
