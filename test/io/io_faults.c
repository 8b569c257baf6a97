// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "io/io_faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum function {
    OPEN,
    OPENAT2,
    PREAD,
    FSTAT,
    MMAP,
    MUNMAP,
    CLOSE,
    WRITE,
    FSYNC,
    RENAME,
    OPENDIR,
    READDIR,
    ACCESS,
};

enum { SHORT = -1, ENDS = -2 }; /* instead of an error: a part is done; the file is at its end */

static enum function failing;
static int64_t left = INT64_MAX; /* calls until it fails; INT64_MAX: nothing does */
static int how;
static bool for_ever;

/* Whether this call fails, and with which error. */
static bool is_planned(enum function function)
{
    if (left == INT64_MAX || function != failing)
        return false;
    left--;
    if (left > 0 || (left < 0 && !for_ever))
        return false;
    if (how > 0)
        errno = how;
    return true;
}

static void arm(const struct fault *fault, int64_t number)
{
    failing = (enum function)fault->argument[0];
    how = (int)fault->argument[1];
    for_ever = fault->argument[2] != 0;
    left = number;
}

static bool disarm(const struct fault *fault)
{
    (void)fault;
    const bool is_reached = left <= 0;
    left = INT64_MAX;
    return is_reached;
}

/* Both names of functions that exist for small and for large files. */
#define BOTH(type, name, parameters, arguments)                                                    \
    extern type __real_##name parameters;                                                          \
    extern type __real_##name##64 parameters;                                                      \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name##64 parameters;                                                             \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fail_##name(__real_##name, arguments);                                              \
    }                                                                                              \
    type __wrap_##name##64 parameters                                                              \
    {                                                                                              \
        return fail_##name(__real_##name##64, arguments);                                          \
    }
#define EACH(...) __VA_ARGS__

typedef int open_function(const char *, int, ...);
extern open_function __real_open, __real_open64, __wrap_open, __wrap_open64;

static int fail_open(open_function *real, const char *path, int flags, mode_t mode)
{
    return is_planned(OPEN) ? -1 : real(path, flags, mode);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fail_open(__real_open, path, flags, mode);
}

int __wrap_open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fail_open(__real_open64, path, flags, mode);
}

typedef long syscall_function(long, ...);
extern syscall_function __real_syscall, __wrap_syscall;

/* Of openat2 and of gettid, which has no arguments. */
long __wrap_syscall(long number, ...)
{
    long a[4];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 4; i++)
        a[i] = number == SYS_openat2 ? va_arg(arguments, long) : 0;
    va_end(arguments);
    return number == SYS_openat2 && is_planned(OPENAT2)
               ? -1
               : __real_syscall(number, a[0], a[1], a[2], a[3]);
}

static ssize_t fail_pread(ssize_t (*real)(int, void *, size_t, off_t), int fd, void *bytes,
                          size_t size, off_t offset)
{
    if (!is_planned(PREAD))
        return real(fd, bytes, size, offset);
    if (how == ENDS)
        return 0;
    return how == SHORT ? real(fd, bytes, size / 2 + 1, offset) : -1;
}
BOTH(ssize_t, pread, (int fd, void *bytes, size_t size, off_t offset),
     EACH(fd, bytes, size, offset))

static int fail_fstat(int (*real)(int, struct stat *), int fd, struct stat *status)
{
    return is_planned(FSTAT) ? -1 : real(fd, status);
}
BOTH(int, fstat, (int fd, struct stat *status), EACH(fd, status))

static void *fail_mmap(void *(*real)(void *, size_t, int, int, int, off_t), void *address,
                       size_t size, int protection, int flags, int fd, off_t offset)
{
    return is_planned(MMAP) ? MAP_FAILED : real(address, size, protection, flags, fd, offset);
}
BOTH(void *, mmap, (void *address, size_t size, int protection, int flags, int fd, off_t offset),
     EACH(address, size, protection, flags, fd, offset))

static struct dirent *fail_readdir(struct dirent *(*real)(DIR *), DIR *directory)
{
    return is_planned(READDIR) ? NULL : real(directory);
}
BOTH(struct dirent *, readdir, (DIR * directory), directory)

#define ONE(type, name, function, failure, parameters, arguments)                                  \
    extern type __real_##name parameters;                                                          \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return is_planned(function) ? failure : __real_##name(arguments);                          \
    }
ONE(int, munmap, MUNMAP, -1, (void *address, size_t size), EACH(address, size))
ONE(int, fsync, FSYNC, -1, (int fd), fd)
ONE(int, rename, RENAME, -1, (const char *from, const char *to), EACH(from, to))
ONE(DIR *, opendir, OPENDIR, NULL, (const char *path), path)
ONE(int, access, ACCESS, -1, (const char *path, int mode), EACH(path, mode))

extern int __real_close(int fd), __wrap_close(int fd);
int __wrap_close(int fd)
{
    const int result = __real_close(fd); /* a close that fails has closed */
    return is_planned(CLOSE) ? -1 : result;
}

extern ssize_t __real_write(int fd, const void *bytes, size_t size),
    __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    if (!is_planned(WRITE))
        return __real_write(fd, bytes, size);
    return how == SHORT ? __real_write(fd, bytes, size / 2 + 1) : -1;
}

#define AS_IO     MAY_BE(IO)
#define AS_MEMORY MAY_BE(OUT_OF_MEMORY)

#define FAULT(name, function, error, always, statuses, kinds)                                      \
    {                                                                                              \
        name, arm, disarm, {function, error, always}, statuses, kinds                              \
    }
#define ONCE(function, error, statuses, kinds)                                                     \
    FAULT(#error " at " #function ", once", function, error, 0, statuses, kinds)
#define BOTH_WAYS(function, error, statuses, kinds)                                                \
    FAULT(#error " at " #function ", once", function, error, 0, statuses, kinds),                  \
        FAULT(#error " at " #function ", from then on", function, error, 1, statuses, kinds)

const struct fault io_faults[] = {
    BOTH_WAYS(OPEN, EIO, AS_IO, READS | WRITES),
    BOTH_WAYS(OPEN, EACCES, AS_IO, READS | WRITES),
    BOTH_WAYS(OPEN, ENOMEM, AS_IO, READS | WRITES),
    BOTH_WAYS(OPEN, EMFILE, AS_IO, READS | WRITES),
    BOTH_WAYS(OPEN, ENOSPC, AS_IO, WRITES),
    ONCE(OPEN, EINTR, 0, READS | WRITES),
    BOTH_WAYS(OPENAT2, EIO, AS_IO, READS),
    BOTH_WAYS(OPENAT2, EACCES, AS_IO, READS),
    BOTH_WAYS(OPENAT2, ENOMEM, AS_IO, READS),
    ONCE(OPENAT2, EINTR, 0, READS),
    ONCE(OPENAT2, EAGAIN, 0, READS),
    BOTH_WAYS(PREAD, EIO, AS_IO, READS),
    BOTH_WAYS(PREAD, EACCES, AS_IO, READS),
    BOTH_WAYS(PREAD, ENOMEM, AS_IO, READS),
    BOTH_WAYS(PREAD, ENDS, AS_IO, READS),
    ONCE(PREAD, EINTR, 0, READS),
    BOTH_WAYS(PREAD, SHORT, 0, READS),
    BOTH_WAYS(FSTAT, EIO, AS_IO, READS),
    BOTH_WAYS(FSTAT, ENOMEM, AS_IO, READS),
    BOTH_WAYS(MMAP, ENOMEM, AS_MEMORY, READS | MAPS),
    BOTH_WAYS(MMAP, EACCES, AS_IO | AS_MEMORY, READS),
    BOTH_WAYS(MUNMAP, ENOMEM, 0, READS | MAPS),
    BOTH_WAYS(CLOSE, EIO, 0, READS), /* what was read is read */
    BOTH_WAYS(CLOSE, EIO, AS_IO, WRITES),
    BOTH_WAYS(CLOSE, ENOSPC, AS_IO, WRITES),
    BOTH_WAYS(CLOSE, EINTR, 0, READS | WRITES),
    BOTH_WAYS(WRITE, EIO, AS_IO, WRITES),
    BOTH_WAYS(WRITE, ENOSPC, AS_IO, WRITES),
    ONCE(WRITE, EINTR, 0, WRITES),
    BOTH_WAYS(WRITE, SHORT, 0, WRITES),
    BOTH_WAYS(FSYNC, EIO, AS_IO, WRITES),
    BOTH_WAYS(FSYNC, ENOSPC, AS_IO, WRITES),
    ONCE(FSYNC, EINTR, 0, WRITES),
    BOTH_WAYS(FSYNC, EINVAL, 0, WRITES), /* there is nothing to sync */
    BOTH_WAYS(RENAME, EIO, AS_IO, WRITES),
    BOTH_WAYS(RENAME, ENOSPC, AS_IO, WRITES),
    BOTH_WAYS(RENAME, EACCES, AS_IO, WRITES),
    ONCE(RENAME, EINTR, 0, WRITES),
    BOTH_WAYS(OPENDIR, EIO, AS_IO, READS),
    BOTH_WAYS(OPENDIR, EACCES, AS_IO, READS),
    BOTH_WAYS(OPENDIR, ENOMEM, AS_IO, READS),
    ONCE(OPENDIR, EINTR, 0, READS),
    BOTH_WAYS(READDIR, EIO, AS_IO, READS),
    ONCE(READDIR, EINTR, 0, READS),
    BOTH_WAYS(ACCESS, EIO, 0, READS), /* opening decides */
    BOTH_WAYS(ACCESS, EACCES, 0, READS),
};

const size_t io_fault_count = sizeof io_faults / sizeof *io_faults;
