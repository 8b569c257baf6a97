// SPDX-License-Identifier: Apache-2.0
/*
 * Backends that live in a shared object of their own, so that one build of the library serves
 * machines with and without the libraries they need.
 *
 * A module exports one function, COP_MODULE_ENTRY, and imports nothing of the library: what it
 * needs comes in struct module_host. It compiles the same base/ and ir/ sources as the library,
 * except those that hold the process's state; module_shim.c stands in for them.
 */
#ifndef BACKENDS_MODULE_H
#define BACKENDS_MODULE_H

#include <cachedop/hooks.h>

#include "backends/backend.h"

/*
 * Changes with backend.h, with ir/'s structs and lists, and with struct module_host: by itself
 * where a size changes, by hand where only a meaning does.
 */
#define COP_MODULE_ABI_MEANING 1
enum {
    COP_MODULE_ATTRS_BYTES = 0
#define X(kind, lower, name, min_src, max_src, min_dst, max_dst, attributes)                       \
    +31 * sizeof(struct attributes)
#include "ir/op_list.inc"
#undef X
    ,
    COP_MODULE_ABI = COP_MODULE_ABI_MEANING + 3 * sizeof(struct backend) +
                     5 * sizeof(struct kernel) + 7 * sizeof(struct kernel_request) +
                     11 * sizeof(struct kernel_tensor) + 13 * sizeof(struct layout) +
                     17 * sizeof(struct post_ops) + 19 * OP_KIND_COUNT +
                     23 * COP_MODULE_ATTRS_BYTES,
};

/* The library's side. Everything may be called from any thread. */
struct module_host {
    size_t struct_size;
    void *(*alloc)(size_t count, size_t size); /* base/alloc.h, as all of these */
    void *(*realloc)(void *old, size_t count, size_t size);
    void *(*alloc_aligned)(size_t bytes);
    void (*free)(void *memory);
    bool (*log_is_on)(cop_log_level level);
    void (*log)(cop_log_level level, const char *message);
    uint32_t (*fork_epoch)(void); /* base/fork.h */
};

/* NULL: the module was built for another ABI than `abi`. `host` lives as long as the process. */
typedef const struct backend *cop_module_entry(uint32_t abi, const struct module_host *host);
#define COP_MODULE_ENTRY      cop_backend_module
#define COP_MODULE_ENTRY_NAME "cop_backend_module"

/* module_loader.c: opens a module and gives its backend. NOT_FOUND, UNSUPPORTED: it is none. */
cop_status cop_module_open(const char *path, const struct backend **backend, cop_error *error);

/* The path of a file beside the library, or beside the program that it is linked into. */
cop_status cop_module_beside(const char *file, char *path, size_t capacity, cop_error *error);

/* module_shim.c: what the module was given. Set once, by its entry. */
extern const struct module_host *cop_module_host;

#endif
