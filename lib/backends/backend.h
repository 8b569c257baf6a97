// SPDX-License-Identifier: Apache-2.0
/*
 * What a backend is: six nouns. A backend (static table) opens devices; a device makes kernels for
 * operators at fixed shapes, and streams. A kernel is immutable once created: everything that
 * changes while it runs is a parameter of run, so any number of threads run one kernel at once. A
 * layout says how a tensor lies in memory. Buffers are host memory unless the backend says
 * otherwise.
 *
 * Callers use the checked functions at the end; a backend never validates what they have checked.
 */
#ifndef BACKENDS_BACKEND_H
#define BACKENDS_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/cached_op.h>

#include "base/refcount.h"
#include "ir/op.h"

struct backend;

/*
 * An opened device. Backends embed it as the first member.
 * Thread-safety: synchronized; it lives as long as the process uses it.
 */
struct device {
    const struct backend *backend;
    cop_device id;
    char name[128];
};

/*
 * A memory format other than plain row-major, which is always NULL. Backends embed it as the first
 * member. Thread-safety: immutable, reference-counted.
 */
struct layout {
    const struct backend *backend;
    struct refcount refs;
    size_t bytes;     /* of a tensor in this layout, padding included */
    uint64_t hash;    /* equal layouts have equal hashes */
    const char *name; /* such as "nChw16c", static or owned by the layout; for the printed plan */
};

/* What a context keeps for a backend between invocations: a command queue, library handles. */
struct stream {
    const struct backend *backend;
};

struct kernel_tensor {
    bool is_present;
    cop_dtype dtype;
    struct shape shape; /* fully known */
    bool is_weight;     /* constant while the weight set lives: any layout may be asked for */
    const void *value;  /* elements known at compile time, or NULL; copy what is needed later */
    /* As it comes from its producer; for a weight: as it is packed already and best taken, or NULL
     * for free choice. */
    const struct layout *layout;
};

struct kernel_request {
    enum op_kind kind;
    const void *attrs;
    const struct post_ops *post_ops; /* never NULL */
    int src_count, dst_count;
    const struct kernel_tensor *src; /* a SUM post-op's source is the last one */
    const struct kernel_tensor *dst; /* layout not used */
    int intra_op_threads;
    /* Faster runs are worth more than quick creation, fewer bytes of weights, and last digits. */
    bool fast_run;
    const char *name; /* of the node, for messages */
};

/*
 * One operator at fixed shapes. Backends embed it as the first member.
 * Thread-safety: immutable; run takes it as const, from any number of threads.
 */
struct kernel {
    const struct backend *backend;
    const char *implementation; /* such as "brgconv:avx512_core"; lives as long as the kernel */
    int src_count, dst_count;
    /*
     * The layouts it reads and writes, one per tensor, owned by the kernel; NULL entries are plain.
     * Where a src layout differs from the producer's, the plan puts a reorder in between; for
     * weights it is how they must be packed.
     */
    const struct layout **src_layouts, **dst_layouts;
    int accumulates_src; /* dst must lie on this src's memory, which is overwritten (SUM); −1: none
                          */
    uint32_t in_place_srcs; /* bit i: dst 0 may lie on the memory of src i (i < 32) */
    uint32_t
        unread_srcs; /* bit i: only its shape or its value at creation mattered; run gets NULL */
    size_t scratch_bytes; /* of uninitialised memory for one run, COP_ALIGNMENT aligned */
    size_t state_bytes;   /* what state_create will allocate per context, as near as known */
    size_t object_bytes;  /* what the kernel itself holds, as near as known */
};

/* The memory of one run. Addresses are COP_ALIGNMENT aligned, except callers' arrays:
 * element-aligned. */
struct kernel_args {
    const void *const *src; /* NULL for absent and unread ones */
    void *const *dst;       /* NULL for outputs nobody reads */
    void *scratch;
};

struct backend {
    const char *name;
    cop_device_kind device_kind;

    const char *(*version)(void); /* of the library underneath, "" for none */
    int (*device_count)(void);
    cop_status (*device_open)(int index, struct device **device, cop_error *error);
    void (*device_close)(struct device *device);

    /* UNSUPPORTED where it lacks the operator, dtype or shape: the caller then asks the next
     * backend. */
    cop_status (*kernel_create)(struct device *device, const struct kernel_request *request,
                                struct kernel **kernel, cop_error *error);
    /* src plain or in a layout of this backend, to dst likewise; NULL: the backend knows plain
     * only. */
    cop_status (*reorder_create)(struct device *device, cop_dtype dtype, const struct shape *shape,
                                 const struct layout *src, const struct layout *dst,
                                 int intra_op_threads, struct kernel **kernel, cop_error *error);
    void (*kernel_destroy)(struct kernel *kernel);
    cop_status (*kernel_run)(const struct kernel *kernel, struct stream *stream, void *state,
                             const struct kernel_args *args, cop_error *error);

    /* What threads may not share and a kernel needs, one per context; both NULL: nothing. */
    cop_status (*state_create)(const struct kernel *kernel, struct stream *stream, void **state,
                               cop_error *error);
    void (*state_destroy)(const struct kernel *kernel, void *state);

    /* One per context; NULL: contexts have none. */
    cop_status (*stream_create)(struct device *device, struct stream **stream, cop_error *error);
    void (*stream_destroy)(struct stream *stream);
    size_t stream_bytes;

    /*
     * Around all runs of one invocation, on the thread that runs them: sets the number of intra-op
     * threads of this thread and gives back what was there before; NULL: nothing to set.
     */
    int (*thread_enter)(int intra_op_threads);
    void (*thread_leave)(int before);

    bool (*layout_equal)(const struct layout *a, const struct layout *b); /* both of this backend */
    void (*layout_destroy)(struct layout *layout);
};

/* Layouts. NULL is the plain layout everywhere. */
const struct layout *cop_layout_retain(const struct layout *layout);
void cop_layout_release(const struct layout **layout);
bool cop_layout_equal(const struct layout *a, const struct layout *b);
const char *cop_layout_name(const struct layout *layout); /* "plain" for NULL */
/* Bytes of a tensor of a known shape in a layout. */
size_t cop_layout_bytes(const struct layout *layout, cop_dtype dtype, const struct shape *shape);

/* Kernels. On failure *kernel = NULL. `implementation` and counts are checked to be filled in. */
cop_status cop_kernel_create(struct device *device, const struct kernel_request *request,
                             struct kernel **kernel, cop_error *error);
cop_status cop_reorder_create(struct device *device, cop_dtype dtype, const struct shape *shape,
                              const struct layout *src, const struct layout *dst,
                              int intra_op_threads, struct kernel **kernel, cop_error *error);
void cop_kernel_destroy(struct kernel **kernel); /* accepts a pointer to NULL */

static inline cop_status cop_kernel_run(const struct kernel *kernel, struct stream *stream,
                                        void *state, const struct kernel_args *args,
                                        cop_error *error)
{
    return kernel->backend->kernel_run(kernel, stream, state, args, error);
}

/* Helpers for backends: the parts of struct kernel that every one fills in alike. */
cop_status cop_kernel_init(struct kernel *kernel, const struct backend *backend, int src_count,
                           int dst_count, cop_error *error);
void cop_kernel_finish(struct kernel *kernel); /* releases what init and the layouts hold */

/* The registry (registry.c): backends in order of preference for a device kind; the last is always
 * ref. */
#define COP_MAX_BACKENDS 4
struct device_chain {
    struct device *devices[COP_MAX_BACKENDS]; /* the first is the device asked for */
    int count;
};

/* Opens, once per process, the device and those it falls back on. NOT_FOUND: no such device. */
cop_status cop_device_chain(cop_device id, struct device_chain *chain, cop_error *error);

/* Every compiled-in backend, NULL where a build leaves it out; for listing features and for tests.
 */
extern const struct backend cop_ref_backend;
extern const struct backend *const cop_onednn_backend;

#endif
