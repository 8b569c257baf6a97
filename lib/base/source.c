// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/huge_pages.h"
#include "base/lock.h"
#include "base/refcount.h"

enum source_kind { SOURCE_PRIVATE, SOURCE_MAPPED, SOURCE_COPIED, SOURCE_BORROWED, SOURCE_READ };

struct source {
    struct refcount refs;
    enum source_kind kind;
    char *name;
    unsigned char *bytes; /* SOURCE_READ: NULL, see `pinned` */
    size_t size;
    int fd;           /* kept open to read dropped ranges again; -1: none */
    struct stat stat; /* of the file when it was read: a later read must find the same */
    void (*release)(void *user, const void *data);
    void *user;
    struct source_reader reader;
    struct lock lock;
    size_t pins COP_GUARDED_BY(lock);
    unsigned char *pinned COP_GUARDED_BY(lock); /* what a reader copied, while there are pins */
    uint8_t *dropped COP_GUARDED_BY(lock);      /* one byte a page; NULL: nothing was dropped yet */
};

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static struct source *allocate_source(enum source_kind kind, const char *name)
{
    struct source *source = cop_alloc(1, sizeof *source);
    if (source == NULL)
        return NULL;
    cop_refcount_init(&source->refs);
    cop_lock_init(&source->lock, LOCK_SOURCE);
    source->kind = kind;
    source->fd = -1;
    source->name = cop_copy_text(name);
    if (source->name == NULL)
        cop_source_release(&source);
    return source;
}

struct source *cop_source_retain(struct source *source)
{
    cop_refcount_retain(&source->refs);
    return source;
}

void cop_source_release(struct source **source)
{
    struct source *old = *source;
    *source = NULL;
    if (old == NULL || !cop_refcount_release(&old->refs))
        return;
    if (old->kind == SOURCE_COPIED)
        cop_free(old->bytes);
    else if (old->kind != SOURCE_BORROWED && old->bytes != NULL)
        munmap(old->bytes, old->size);
    if (old->reader.release != NULL)
        old->reader.release(old->reader.user);
    if (old->fd >= 0)
        close(old->fd);
    if (old->release != NULL)
        old->release(old->user, old->bytes);
    cop_lock_destroy(&old->lock);
    cop_free(old->dropped);
    cop_free(old->name);
    cop_free(old);
}

/* Reads exactly `size` bytes at `offset`, through interruptions and short reads. */
static cop_status read_range(const struct source *source, size_t offset, size_t size,
                             cop_error *error)
{
    while (size > 0) {
        const size_t most = size < ((size_t)1 << 30) ? size : (size_t)1 << 30;
        const ssize_t count = pread(source->fd, source->bytes + offset, most, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return cop_fail(error, COP_STATUS_IO, "%s: reading at byte %zu: %s", source->name,
                            offset, strerror(errno));
        if (count == 0)
            return cop_fail(error, COP_STATUS_IO, "%s: ends at byte %zu, %zu were expected",
                            source->name, offset, source->size);
        offset += (size_t)count;
        size -= (size_t)count;
    }
    return COP_STATUS_OK;
}

static cop_status read_whole(struct source *source, cop_error *error)
{
    void *memory =
        mmap(NULL, source->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return cop_fail_memory(error, source->name, source->size);
    cop_advise_huge_pages(memory, source->size);
    source->bytes = memory;
    return read_range(source, 0, source->size, error);
}

/* Into memory of the program's allocator, whose pages cannot be lost and read again. */
static cop_status read_for_good(struct source *source, cop_error *error)
{
    source->bytes = cop_alloc_aligned(source->size);
    if (source->bytes == NULL)
        return cop_fail_memory(error, source->name, source->size);
    const cop_status status = read_range(source, 0, source->size, error);
    close(source->fd);
    source->fd = -1;
    return status;
}

static cop_status map_whole(struct source *source, cop_error *error)
{
    void *memory = mmap(NULL, source->size, PROT_READ, MAP_PRIVATE, source->fd, 0);
    if (memory == MAP_FAILED && errno == ENOMEM)
        return cop_fail_memory(error, source->name, source->size);
    if (memory == MAP_FAILED)
        return cop_fail(error, COP_STATUS_IO, "%s: mapping %zu bytes: %s", source->name,
                        source->size, strerror(errno));
    source->bytes = memory;
    return COP_STATUS_OK;
}

static cop_status fill(struct source *source, cop_error *error)
{
    switch (source->kind) {
    case SOURCE_MAPPED:
        return map_whole(source, error);
    case SOURCE_COPIED:
        return read_for_good(source, error);
    default:
        return read_whole(source, error);
    }
}

/* Takes `fd` over, also on failure. */
static cop_status adopt_file(int fd, const char *name, cop_file_access access,
                             struct source **source, cop_error *error)
{
    const enum source_kind kind = access == COP_FILE_ACCESS_MAP ? SOURCE_MAPPED
                                  : cop_alloc_is_foreign()      ? SOURCE_COPIED
                                                                : SOURCE_PRIVATE;
    struct source *made = allocate_source(kind, name);
    if (made == NULL) {
        close(fd);
        return cop_fail_memory(error, name, sizeof *made);
    }
    made->fd = fd;
    cop_status status = COP_STATUS_OK;
    if (fstat(fd, &made->stat) != 0)
        status = cop_fail(error, COP_STATUS_IO, "%s: %s", name, strerror(errno));
    else if (!S_ISREG(made->stat.st_mode))
        status = cop_fail(error, COP_STATUS_IO, "%s: not a regular file", name);
    if (status == COP_STATUS_OK && made->stat.st_size > 0) {
        made->size = (size_t)made->stat.st_size;
        status = fill(made, error);
    }
    if (status != COP_STATUS_OK)
        cop_source_release(&made);
    *source = made;
    return status;
}

static cop_status fail_open(const char *name, cop_error *error)
{
    const int reason = errno;
    return cop_fail(error,
                    reason == ENOENT || reason == ENOTDIR ? COP_STATUS_NOT_FOUND : COP_STATUS_IO,
                    "%s: %s", name, strerror(reason));
}

cop_status cop_source_open(const char *path, cop_file_access access, struct source **source,
                           cop_error *error)
{
    *source = NULL;
    int fd;
    do /* O_NONBLOCK: opening a FIFO must not wait for a writer */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? fail_open(path, error) : adopt_file(fd, path, access, source, error);
}

cop_status cop_source_open_beneath(int directory_fd, const char *name, cop_file_access access,
                                   struct source **source, cop_error *error)
{
    *source = NULL;
    const struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd;
    do
        fd = syscall(SYS_openat2, directory_fd, name, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    if (fd < 0 && (errno == EXDEV || errno == ELOOP))
        return cop_fail(error, COP_STATUS_IO,
                        "%s: refused: it leaves the model's directory or is a symbolic link", name);
    if (fd < 0)
        return fail_open(name, error);
    struct stat status;
    if (fstat((int)fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink > 1) {
        close((int)fd);
        return cop_fail(error, COP_STATUS_IO,
                        "%s: refused: a hard link, so the file may lie elsewhere, too", name);
    }
    return adopt_file((int)fd, name, access, source, error);
}

cop_status cop_source_from_bytes(const cop_bytes *bytes, const char *name, struct source **source,
                                 cop_error *error)
{
    const bool borrowed = bytes->release != NULL;
    struct source *made = allocate_source(borrowed ? SOURCE_BORROWED : SOURCE_COPIED, name);
    *source = NULL;
    if (made == NULL) {
        if (borrowed)
            bytes->release(bytes->user, bytes->data);
        return cop_fail_memory(error, name, sizeof *made);
    }
    made->size = bytes->size;
    if (borrowed) {
        made->bytes = (unsigned char *)(uintptr_t)bytes->data; /* never written: only read */
        made->release = bytes->release;
        made->user = bytes->user;
    } else {
        made->bytes = cop_alloc_aligned(bytes->size);
        if (made->bytes == NULL) {
            cop_source_release(&made);
            return cop_fail_memory(error, name, bytes->size);
        }
        if (bytes->size > 0)
            memcpy(made->bytes, bytes->data, bytes->size);
    }
    *source = made;
    return COP_STATUS_OK;
}

cop_status cop_source_from_reader(const struct source_reader *reader, size_t size, const char *name,
                                  struct source **source, cop_error *error)
{
    struct source *made = allocate_source(SOURCE_READ, name);
    *source = made;
    if (made == NULL) {
        if (reader->release != NULL)
            reader->release(reader->user);
        return cop_fail_memory(error, name, sizeof *made);
    }
    made->reader = *reader;
    made->size = size;
    return COP_STATUS_OK;
}

const char *cop_source_name(const struct source *source)
{
    return source->name;
}

size_t cop_source_size(const struct source *source)
{
    return source->size;
}

bool cop_source_is_stable(const struct source *source)
{
    return source->kind != SOURCE_PRIVATE && source->kind != SOURCE_READ;
}

const unsigned char *cop_source_bytes(const struct source *source)
{
    return source->bytes;
}

static bool is_same_file(const struct stat *now, const struct stat *then)
{
    return now->st_size == then->st_size && now->st_mtim.tv_sec == then->st_mtim.tv_sec &&
           now->st_mtim.tv_nsec == then->st_mtim.tv_nsec && now->st_ino == then->st_ino;
}

/* Reads the dropped pages `first` … `end` − 1, which lie side by side, in one go. */
static cop_status read_pages_locked(struct source *source, size_t first, size_t end,
                                    cop_error *error) COP_REQUIRES(source->lock)
{
    struct stat now;
    if (fstat(source->fd, &now) != 0)
        return cop_fail(error, COP_STATUS_IO, "%s: weights are needed again: %s", source->name,
                        strerror(errno));
    if (!is_same_file(&now, &source->stat))
        return cop_fail(error, COP_STATUS_IO,
                        "%s: changed since it was loaded, and its weights are needed again",
                        source->name);
    const size_t begin = first * page_bytes(), rest = source->size - begin;
    const size_t bytes = (end - first) * page_bytes();
    const cop_status status = read_range(source, begin, rest < bytes ? rest : bytes, error);
    if (status == COP_STATUS_OK)
        memset(source->dropped + first, 0, end - first);
    return status;
}

static cop_status restore_locked(struct source *source, size_t offset, size_t size,
                                 cop_error *error) COP_REQUIRES(source->lock)
{
    const size_t last = size == 0 ? 0 : (offset + size - 1) / page_bytes() + 1;
    cop_status status = COP_STATUS_OK;
    for (size_t page = offset / page_bytes(); page < last && status == COP_STATUS_OK; page++) {
        size_t end = page;
        while (end < last && source->dropped[end])
            end++;
        if (end > page)
            status = read_pages_locked(source, page, end, error);
        page = end;
    }
    return status;
}

/* Pins what is there already; false: nothing is. */
static bool pin_read(struct source *source, const unsigned char **bytes)
{
    cop_lock_acquire(&source->lock);
    *bytes = source->pinned;
    source->pins += source->pinned != NULL;
    cop_lock_release(&source->lock);
    return *bytes != NULL;
}

/* Makes `copy` what is pinned, unless another thread was faster: its copy is as good. */
static void publish_copy(struct source *source, unsigned char *copy, const unsigned char **bytes)
{
    cop_lock_acquire(&source->lock);
    unsigned char *unused = source->pinned == NULL ? NULL : copy;
    if (unused == NULL)
        source->pinned = copy;
    source->pins++;
    *bytes = source->pinned;
    cop_lock_release(&source->lock);
    cop_free(unused);
}

/*
 * Reading may wait for what lies above this lock, so it is done without. Nobody waits for another
 * thread's reading, which a child process would do for ever: each reads on its own.
 */
static cop_status pin_by_reading(struct source *source, const unsigned char **bytes,
                                 cop_error *error)
{
    if (pin_read(source, bytes))
        return COP_STATUS_OK;
    unsigned char *copy = cop_alloc_aligned(source->size);
    if (copy == NULL)
        return cop_fail_memory(error, source->name, source->size);
    const cop_status status =
        source->reader.read(source->reader.user, 0, source->size, copy, error);
    if (status == COP_STATUS_OK)
        publish_copy(source, copy, bytes);
    else
        cop_free(copy);
    return status;
}

cop_status cop_source_pin(struct source *source, size_t offset, size_t size,
                          const unsigned char **bytes, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    *bytes = NULL;
    if (offset > source->size || size > source->size - offset)
        return cop_fail(error, COP_STATUS_INTERNAL, "%s: range %zu+%zu reaches past %zu bytes",
                        source->name, offset, size, source->size);
    if (source->kind == SOURCE_READ) {
        status = pin_by_reading(source, bytes, error);
        *bytes = *bytes == NULL ? NULL : *bytes + offset;
        return status;
    }
    cop_lock_acquire(&source->lock);
    if (source->dropped != NULL)
        status = restore_locked(source, offset, size, error);
    if (status == COP_STATUS_OK) {
        source->pins++;
        *bytes = source->bytes + offset;
    }
    cop_lock_release(&source->lock);
    return status;
}

void cop_source_unpin(struct source *source)
{
    cop_lock_acquire(&source->lock);
    unsigned char *unused = --source->pins == 0 ? source->pinned : NULL;
    if (unused != NULL)
        source->pinned = NULL;
    cop_lock_release(&source->lock);
    cop_free(unused);
}

static void drop_locked(struct source *source, size_t first, size_t end) COP_REQUIRES(source->lock)
{
    if (source->dropped == NULL)
        source->dropped = cop_alloc(source->size / page_bytes() + 1, 1);
    if (source->dropped == NULL || source->pins > 0)
        return; /* the memory stays: nothing is lost but the saving */
    if (madvise(source->bytes + first * page_bytes(), (end - first) * page_bytes(),
                MADV_DONTNEED) == 0)
        memset(source->dropped + first, 1, end - first);
}

void cop_source_drop(struct source *source, size_t offset, size_t size)
{
    const size_t first = offset / page_bytes() + (offset % page_bytes() != 0);
    const size_t end = (offset + size) / page_bytes();
    if (source->kind != SOURCE_PRIVATE || first >= end)
        return;
    cop_lock_acquire(&source->lock);
    drop_locked(source, first, end);
    cop_lock_release(&source->lock);
}
