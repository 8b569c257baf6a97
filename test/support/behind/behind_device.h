// SPDX-License-Identifier: Apache-2.0
/* What the module's files share. */
#ifndef TEST_SUPPORT_BEHIND_DEVICE_H
#define TEST_SUPPORT_BEHIND_DEVICE_H

#include <pthread.h>

#include "backends/module.h"
#include "support/behind/behind_control.h"

extern struct behind_control behind_control;
extern const struct backend behind_backend;

/* Whether the fault that is asked for comes now. */
bool behind_strikes(enum behind_fault fault);

/* Ends the process: the library has broken a rule of backend.h. */
_Noreturn void behind_abort(const char *rule);

/* Addresses of the device have a bit that no address of a process has. */
#define BEHIND_ADDRESS_BIT (UINT64_C(1) << 54)

static inline bool behind_is_device_address(const void *address)
{
    return ((uintptr_t)address & BEHIND_ADDRESS_BIT) != 0;
}

/* Where the bytes are. */
static inline void *behind_real(const void *address)
{
    return (void *)((uintptr_t)address & ~(uintptr_t)BEHIND_ADDRESS_BIT);
}

/* The device that the calling thread has entered; −1: none. */
int behind_current_device(void);

/* Rows of elements; `is_padded`: with a gap behind each. */
struct behind_layout {
    struct layout base;
    bool is_padded;
    int64_t rows, columns;
};

enum behind_op { BEHIND_RELU, BEHIND_TANH, BEHIND_ADD, BEHIND_PRODUCT, BEHIND_REORDER };

struct behind_kernel {
    struct kernel base;
    enum behind_op op;
    int64_t rows, columns, depth; /* of the result; of a product's sum */
    int64_t pitches[4];           /* in elements, of each source; of packed rows */
    int64_t dst_pitch;
    size_t bytes; /* a reorder's plain side */
    struct post_ops post_ops;
};

/* One run of a kernel, when it comes to that. */
struct behind_job {
    struct behind_job *next;
    const struct behind_kernel *kernel; /* NULL: all of `recording` */
    struct behind_recording *recording;
    const void *src[4];
    void *dst, *scratch;
};

void behind_run_job(const struct behind_job *job); /* on the stream's thread */

/* Elements that wait in memory of the library's for the moment when the caller's may be touched. */
struct behind_copy {
    struct behind_copy *next;
    const void *src;
    void *dst;
    size_t bytes;
};

struct behind_stream {
    struct stream base;
    int device;
    uint32_t epoch; /* that its thread is of */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
    /* Guarded by the mutex: */
    struct behind_job *first, *last;
    long begun, ended;
    bool ends, has_failed;
    uint64_t dice;
    /* Of the thread that has the context: */
    struct behind_copy *copies;
    struct behind_recording *open;
};

/* Begins a job, or adds it to the recording that is open. */
void behind_begin(struct behind_stream *stream, const struct behind_job *job);

/* Has bytes copied to the caller's memory when the stream has come that far. */
void behind_copy_later(struct behind_stream *stream, const void *src, void *dst, size_t bytes);

/* behind_stream.c */
cop_status behind_stream_create(struct device *device, struct stream **stream, cop_error *error);
void behind_stream_destroy(struct stream *stream);
bool behind_stream_poll(struct stream *stream, cop_status *status, cop_error *error);
cop_status behind_stream_wait(struct stream *stream, cop_error *error);
cop_status behind_recording_begin(struct stream *stream, cop_error *error);
cop_status behind_recording_end(struct stream *stream, struct recording **recording,
                                cop_error *error);
void behind_recording_abandon(struct stream *stream);
cop_status behind_recording_run(struct recording *recording, struct stream *stream,
                                cop_error *error);
void behind_recording_destroy(struct recording *recording);

/* behind_kernels.c */
cop_status behind_kernel_create(struct device *device, const struct kernel_request *request,
                                struct kernel **kernel, cop_error *error);
cop_status behind_reorder_create(struct device *device, cop_dtype dtype, const struct shape *shape,
                                 const struct layout *src, const struct layout *dst,
                                 int intra_op_threads, struct kernel **kernel, cop_error *error);
void behind_kernel_destroy(struct kernel *kernel);
cop_status behind_kernel_run(const struct kernel *kernel, struct stream *stream, void *state,
                             const struct kernel_args *args, cop_error *error);
cop_status behind_state_create(const struct kernel *kernel, struct stream *stream, void **state,
                               cop_error *error);
void behind_state_destroy(const struct kernel *kernel, void *state);

/* behind_layout.c */
cop_status behind_layout_create(const struct shape *shape, bool is_padded,
                                const struct layout **layout, cop_error *error);
cop_status behind_layout_linear(struct device *device, const struct layout *like, cop_dtype dtype,
                                const struct shape *shape, const struct layout **linear,
                                cop_error *error);
bool behind_layout_equal(const struct layout *a, const struct layout *b);
void behind_layout_destroy(struct layout *layout);
int64_t behind_columns(const struct shape *shape);
int64_t behind_rows(const struct shape *shape);
int64_t behind_pitch(const struct layout *layout, int64_t columns);

#endif
