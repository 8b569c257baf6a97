// SPDX-License-Identifier: Apache-2.0
/**
 * Where the library takes memory from, and where it says what it does. Both are set once for the
 * process and never change afterwards. Without them memory is the system's and nothing is printed.
 *
 * Thread-safety: synchronized; of several calls at once exactly one wins, the others are BUSY.
 */
#ifndef CACHEDOP_HOOKS_H
#define CACHEDOP_HOOKS_H

#include <stddef.h>

#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * An allocator of the program's own. Both functions are called from any thread, from many at once,
 * also with locks of the library held: they must not call the library, and not fork.
 */
typedef struct cop_allocator {
    size_t struct_size; /**< sizeof(cop_allocator) */
    /**
     * @param bytes      at least 1
     * @param alignment  16 or 64
     * @return memory that need not be zeroed; NULL: there is none, and the call that wanted it
     * fails with OUT_OF_MEMORY (or does without, where it only wanted to be faster). Memory that is
     * not aligned is given back and counts as none.
     */
    void *(*allocate)(void *user, size_t bytes, size_t alignment);
    /** Takes back what `allocate` returned for the same `bytes` and `alignment`; never NULL. */
    void (*release)(void *user, void *memory, size_t bytes, size_t alignment);
    void *user; /**< handed to both; must live as long as the process */
} cop_allocator;

/**
 * Makes the library take all its memory from `allocator`, which is copied.
 *
 * It has to come before the library's first allocation, that is before any model, array, operator,
 * trace or profile is made and before a device is described; what was allocated by one allocator
 * could not be given back to another. Asking for versions, features and statistics allocates
 * nothing.
 *
 * Large blocks, which the library otherwise maps itself in huge pages, are asked for like all
 * others. A file read with COP_FILE_ACCESS_READ is then kept whole as long as its model or an
 * operator needs any of it, where the library's own memory loses the pages of packed weights again.
 *
 * Not from it come: file mappings (COP_FILE_ACCESS_MAP), the stacks of worker threads, what the C
 * library needs for itself (reading a directory, a thread's start), and what oneDNN, its OpenMP
 * runtime and Jansson allocate.
 *
 * @return OK; INVALID_ARGUMENT: a NULL, or struct_size is not set; BUSY: set before, or the library
 * has allocated already, as the text says
 */
COP_API COP_MUST_USE cop_status cop_set_allocator(const cop_allocator *allocator, cop_error *error);

/** How important a message is; a higher number is less so. Numbers are ABI. */
typedef enum cop_log_level {
    COP_LOG_LEVEL_ERROR = 1,   /**< something failed that no call can return */
    COP_LOG_LEVEL_WARNING = 2, /**< it works, but not as it was meant to */
    COP_LOG_LEVEL_INFO = 3,    /**< what a log of a service should hold: a few lines a model */
    COP_LOG_LEVEL_DEBUG = 4,   /**< what helps to find out why something is slow */
} cop_log_level;

/**
 * Receives one message: a line of UTF-8 without a newline, at most 2047 bytes, valid for the call.
 *
 * Called from any thread, from many at once, but never with a lock of the library held. It must not
 * wait, and not call the library.
 */
typedef void (*cop_log_function)(void *user, cop_log_level level, const char *message);

/**
 * Sends messages up to `most` to `log`, from now on. At any time, but once.
 *
 * What a call does not tell by its status is logged: models loaded, operators made, work that runs
 * on slower kernels than asked for.
 *
 * @param user  handed to `log`; must live as long as the process
 * @param most  such as COP_LOG_LEVEL_INFO: errors, warnings and information, no debugging
 * @return OK; INVALID_ARGUMENT: log is NULL, or there is no such level; BUSY: set before
 */
COP_API COP_MUST_USE cop_status cop_set_log(cop_log_function log, void *user, cop_log_level most,
                                            cop_error *error);

#ifdef __cplusplus
}
#endif
#endif
