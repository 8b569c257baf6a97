// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes a model comes from: a file read into private memory, a mapped file, or memory that the
 * caller gave. Large ranges of a privately read file can be dropped once nothing needs them; they
 * are read again if somebody does, and that fails if the file was changed meanwhile.
 *
 * Thread-safety: synchronized. The bytes themselves never change while they are resident.
 */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include <cachedop/model.h>

struct source;

/* Reads or maps a regular file. NOT_FOUND, IO or OUT_OF_MEMORY, with the path. */
cop_status cop_source_open(const char *path, cop_file_access access, struct source **source,
                           cop_error *error);

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
cop_status cop_source_from_bytes(const cop_bytes *bytes, const char *name, struct source **source,
                                 cop_error *error);

struct source *cop_source_retain(struct source *source);
void cop_source_release(struct source **source);

/* The path, or the name given for memory. */
const char *cop_source_name(const struct source *source);

size_t cop_source_size(const struct source *source);

/* True: no range is ever dropped, so that addresses stay valid without a pin while a reference is
 * held. */
bool cop_source_is_stable(const struct source *source);

/* All bytes, for parsing right after opening; not valid for ranges dropped later. */
const unsigned char *cop_source_bytes(const struct source *source);

/*
 * Makes a range resident until it is unpinned and gives its address. Pins may nest and overlap.
 * IO: it was dropped and the file has changed since, or cannot be read.
 */
cop_status cop_source_pin(struct source *source, size_t offset, size_t size,
                          const unsigned char **bytes, cop_error *error);
void cop_source_unpin(struct source *source);

/* Gives the memory of the whole pages inside a range back, if it can be read again and nobody pins.
 */
void cop_source_drop(struct source *source, size_t offset, size_t size);

#endif
