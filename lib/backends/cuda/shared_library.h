// SPDX-License-Identifier: Apache-2.0
/* Finding a vendor's library while the program runs. */
#ifndef BACKENDS_CUDA_SHARED_LIBRARY_H
#define BACKENDS_CUDA_SHARED_LIBRARY_H

#include <stddef.h>

#include <cachedop/status.h>

struct shared_library {
    const char *title;  /* for messages */
    const char *file;   /* its file name */
    const char *folder; /* the environment variable that names a folder, or NULL */
    void *opened;
    char path[512]; /* where it was found: a file name or a path */
};

/*
 * Opens it where the loader finds it, else in the folder, which must be an absolute path; programs
 * that run with another user's rights do not look there. NOT_FOUND with what the loader said.
 */
cop_status cop_shared_library_open(struct shared_library *library, cop_error *error);

/* UNSUPPORTED: it has no such function. */
cop_status cop_shared_library_find(const struct shared_library *library, const char *name,
                                   void *function, cop_error *error);

#endif
