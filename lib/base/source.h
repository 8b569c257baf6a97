// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes a model comes from: a file read into private memory, a mapped file, memory that the
 * caller gave, or what a reader copies when it is asked. Large ranges of a privately read file can
 * be dropped once nothing needs them; they are read again if somebody does, and that fails if the
 * file was changed meanwhile.
 *
 * Thread-safety: synchronized. The bytes themselves never change while they are resident.
 */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include <cachedop/model.h>

#include "base/shared.h"

struct source;

/* Reads or maps a regular file. NOT_FOUND, IO or OUT_OF_MEMORY, with the path. */
COP_SHARED cop_status cop_source_open(const char *path, cop_file_access access,
                                      struct source **source, cop_error *error);

/*
 * As cop_source_open for a file beneath the open directory `directory_fd`: no symbolic links,
 * nothing above the directory, regular files with one name only: another name of a hard link may
 * lie anywhere. `name` must be a relative path.
 */
cop_status cop_source_open_beneath(int directory_fd, const char *name, cop_file_access access,
                                   struct source **source, cop_error *error);

/*
 * Copies the bytes, or borrows them when there is a release callback. From here on the callback is
 * the source's to call, also when this fails. `name` stands for the bytes in messages.
 */
COP_SHARED cop_status cop_source_from_bytes(const cop_bytes *bytes, const char *name,
                                            struct source **source, cop_error *error);

/*
 * Bytes that somebody else keeps and that are copied only while they are pinned, all of them at
 * once: small enough to be read as one, such as a single parameter.
 */
struct source_reader {
    /* Copies a range, from any thread, also from several at once; no lock of a source is held. */
    cop_status (*read)(void *user, size_t offset, size_t size, void *dst, cop_error *error);
    void (*release)(void *user); /* once, after the last read; NULL: nothing to do */
    void *user;
};

/*
 * Copies `reader`. From here on its callbacks are the source's to call, and `release` is called
 * also when this fails. Such a source has no bytes while nobody pins it.
 */
COP_SHARED cop_status cop_source_from_reader(const struct source_reader *reader, size_t size,
                                             const char *name, struct source **source,
                                             cop_error *error);

COP_SHARED struct source *cop_source_retain(struct source *source);
COP_SHARED void cop_source_release(struct source **source);

/* The path, or the name given for memory. */
COP_SHARED const char *cop_source_name(const struct source *source);

COP_SHARED size_t cop_source_size(const struct source *source);

/* True: no range is ever dropped, so that addresses stay valid without a pin while a reference is
 * held. */
bool cop_source_is_stable(const struct source *source);

/* All bytes, for parsing right after opening; not valid for ranges dropped later. NULL for a
 * source that has a reader. */
COP_SHARED const unsigned char *cop_source_bytes(const struct source *source);

/*
 * Makes a range resident until it is unpinned and gives its address. Pins may nest and overlap.
 * IO: it was dropped and the file has changed since, or cannot be read; or what the reader says.
 */
COP_SHARED cop_status cop_source_pin(struct source *source, size_t offset, size_t size,
                                     const unsigned char **bytes, cop_error *error);
COP_SHARED void cop_source_unpin(struct source *source);

/* Gives the memory of the whole pages inside a range back, if it can be read again and nobody pins.
 */
COP_SHARED void cop_source_drop(struct source *source, size_t offset, size_t size);

#endif
