// SPDX-License-Identifier: Apache-2.0
/* What libcachedop.so offers the libraries beside it, under the version node COP_PRIVATE and
 * without any promise: they are built from the same sources. */
#ifndef BASE_SHARED_H
#define BASE_SHARED_H

#define COP_SHARED __attribute__((visibility("default")))

#endif
