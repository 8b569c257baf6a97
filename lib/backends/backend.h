// SPDX-License-Identifier: Apache-2.0
/*
 * What a backend is: six nouns. A backend (static table) opens devices; a device makes kernels for
 * operators at fixed shapes, and streams. A kernel is immutable once created: everything that
 * changes while it runs is a parameter of run, so any number of threads run one kernel at once. A
 * layout says how and in which memory a tensor lies. A device without memory of its own works on
 * the process's; one that has some sees every tensor there in one of its own layouts, so that what
 * moves to and from it are reorders like any other.
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

/* Whose a piece of memory is. */
enum memory_kind {
    MEMORY_HOST,   /* of the process */
    MEMORY_PINNED, /* of the process, but the device reads and writes it by itself */
    MEMORY_DEVICE, /* of the device: the process must not touch it */
    MEMORY_KIND_COUNT,
};

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
    size_t bytes;      /* of a tensor in this layout, padding included */
    uint64_t hash;     /* equal layouts have equal hashes */
    bool is_on_device; /* in MEMORY_DEVICE; otherwise in memory of the process */
    /* Row-major without padding: a tensor of another shape on the same memory has this layout
     * again. Only for layouts on the device: in the process's memory that is the plain one. */
    bool is_linear;
    bool is_lossy; /* elements were rounded on the way in: no source for other forms of a weight */
    const char *name; /* such as "nChw16c", static or owned by the layout; for the printed plan */
};

/* What a context keeps for a backend between invocations: a command queue, library handles. */
struct stream {
    const struct backend *backend;
};

/* Runs of kernels that a stream has learned and repeats as one; of one context. */
struct recording {
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
    cop_precision precision;
    cop_gpu_kernels gpu_kernels;
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
    size_t scratch_bytes;   /* of uninitialised memory for one run, COP_ALIGNMENT aligned, on the
                               device where it has memory of its own */
    bool state_is_optional; /* run also takes NULL for the state: it is only faster with one */
    bool is_recordable;     /* all it does is on the stream: it can be part of a recording */
    int64_t estimated_ns;   /* of one run; 0: not known. To keep recordings short. */
    size_t state_bytes;     /* what state_create will allocate per context, as near as known */
    size_t object_bytes;    /* what the kernel itself holds, as near as known */
};

/* The memory of one run. Addresses are COP_ALIGNMENT aligned, except callers' arrays:
 * element-aligned. */
struct kernel_args {
    const void *const *src; /* NULL for absent and unread ones */
    void *const *dst;       /* NULL for outputs nobody reads */
    void *scratch;
    /* The enum memory_kind of each, for devices with memory of their own; else NULL. */
    const unsigned char *src_memory, *dst_memory;
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
     * Streams that run behind: kernel_run only begins, and what it begins is done in order. poll:
     * true when all is done, or failed, with the status; wait returns then. Both also end copies to
     * callers' memory, so an invocation is over only after one of them. NULL: kernel_run returns
     * when it is done.
     */
    bool (*stream_poll)(struct stream *stream, cop_status *status, cop_error *error);
    cop_status (*stream_wait)(struct stream *stream, cop_error *error);

    /*
     * Recordings: between begin and end kernel_run of recordable kernels is learned, not done; run
     * then begins all of it at once, with the addresses it had. After a failure the stream is as
     * before, and no recording is open. All NULL: there are none.
     */
    cop_status (*recording_begin)(struct stream *stream, cop_error *error);
    cop_status (*recording_end)(struct stream *stream, struct recording **recording,
                                cop_error *error);
    void (*recording_abandon)(struct stream *stream); /* instead of end */
    cop_status (*recording_run)(struct recording *recording, struct stream *stream,
                                cop_error *error);
    void (*recording_destroy)(struct recording *recording);

    /*
     * Memory of the device, and memory of the process that it can reach; COP_ALIGNMENT aligned, not
     * zeroed. Copy and clear are done when they return, and take addresses of any kind. All NULL:
     * the device has none of its own.
     */
    cop_status (*memory_create)(struct device *device, enum memory_kind kind, size_t bytes,
                                void **memory, cop_error *error);
    void (*memory_destroy)(struct device *device, enum memory_kind kind, void *memory);
    cop_status (*memory_copy)(struct device *device, const void *src, void *dst, size_t bytes,
                              cop_error *error);
    cop_status (*memory_clear)(struct device *device, void *memory, size_t bytes, cop_error *error);
    size_t (*memory_bytes)(struct device *device); /* there are in all */

    /* The linear layout that has the element type of another one of this device, or with NULL,
     * plain elements of a dtype as they are; a reference. */
    cop_status (*layout_linear)(struct device *device, const struct layout *like, cop_dtype dtype,
                                const struct shape *shape, const struct layout **linear,
                                cop_error *error);

    /*
     * Around all runs of one invocation, on the thread that runs them: sets the number of intra-op
     * threads of this thread, or its device, and gives back what was there before; NULL: nothing to
     * set.
     */
    int (*thread_enter)(struct device *device, int intra_op_threads);
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

/* Memory for tensors and scratch of a device: its own, or the process's where it has none. */
static inline bool cop_device_has_memory(const struct device *device)
{
    return device->backend->memory_create != NULL;
}
cop_status cop_memory_create(struct device *device, enum memory_kind kind, size_t bytes,
                             const char *what, void **memory, cop_error *error);
void cop_memory_destroy(struct device *device, enum memory_kind kind, void **memory);

/* Both are done on return; `device` may be NULL where only memory of the process is concerned. */
cop_status cop_memory_copy(struct device *device, const void *src, void *dst, size_t bytes,
                           cop_error *error);
cop_status cop_memory_clear(struct device *device, enum memory_kind kind, void *memory,
                            size_t bytes, cop_error *error);

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

/* Devices of a kind there are now, opening a module where one serves it; 0 where it cannot. */
int cop_device_kind_count(cop_device_kind kind);

/* Whether a module for GPUs lies beside the library, or was loaded. Opens nothing. */
bool cop_has_gpu_module(void);

/* Every compiled-in backend, NULL where a build leaves it out; for listing features and for tests.
 */
extern const struct backend cop_ref_backend;
extern const struct backend *const cop_onednn_backend;

#endif
