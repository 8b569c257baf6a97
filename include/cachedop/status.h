// SPDX-License-Identifier: Apache-2.0
/**
 * Status codes and error texts.
 *
 * Every function that can fail returns a `cop_status` and takes an optional, caller-owned
 * `cop_error` that receives the text. Nothing is allocated and nothing is thread-local, so it works
 * when memory is short and in languages whose tasks move between threads.
 *
 * Thread-safety: the texts are immutable; a cop_error is used by one call at a time.
 */
#ifndef CACHEDOP_STATUS_H
#define CACHEDOP_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define COP_API          __attribute__((visibility("default")))
#define COP_MUST_USE     __attribute__((warn_unused_result))
#define COP_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define COP_API
#define COP_MUST_USE
#define COP_PRINTF(f, a)
#endif

/** X(value, number, text): each status is named by what the caller can do about it. Numbers are
 * ABI. */
#define COP_STATUS_LIST(X)                                                                         \
    X(OK, 0, "ok")                                                                                 \
    X(INVALID_ARGUMENT, 1, "an argument is wrong; fix the call")                                   \
    X(OUT_OF_MEMORY, 2, "host memory is exhausted")                                                \
    X(OUT_OF_DEVICE_MEMORY, 3, "device memory is exhausted")                                       \
    X(NOT_FOUND, 4, "the named file, input, output or device does not exist")                      \
    X(IO, 5, "reading or writing a file failed")                                                   \
    X(MALFORMED_MODEL, 6, "the model contradicts its format or itself")                            \
    X(UNSUPPORTED, 7, "valid, but this build cannot do it")                                        \
    X(BUSY, 8, "a limit on concurrent use is reached; try again")                                  \
    X(TIMEOUT, 9, "the deadline passed")                                                           \
    X(CANCELLED, 10, "the work was cancelled")                                                     \
    X(INTERNAL, 11, "a defect in this library or in one below it")                                 \
    X(DEVICE_FAILED, 12, "the device is lost for this process")

typedef enum cop_status {
#define COP_STATUS_ENUM(value, number, text) COP_STATUS_##value = number,
    COP_STATUS_LIST(COP_STATUS_ENUM)
#undef COP_STATUS_ENUM
} cop_status;

#define COP_ERROR_MESSAGE_BYTES 2048

/**
 * Where a failing call leaves its text. Owned by the caller, one per call in flight; need not be
 * initialised. Untouched by a call that succeeds, except that `status` becomes COP_STATUS_OK.
 */
typedef struct cop_error {
    cop_status status;
    char message[COP_ERROR_MESSAGE_BYTES]; /**< NUL-terminated UTF-8, cut at the end if too long */
} cop_error;

/** The enumerator's name, such as "OUT_OF_MEMORY"; "UNKNOWN" for another number. Static storage. */
COP_API const char *cop_status_name(cop_status status);

/** One line saying what the status means; never NULL. Static storage. */
COP_API const char *cop_status_text(cop_status status);

#ifdef __cplusplus
}
#endif
#endif
