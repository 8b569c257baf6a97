// SPDX-License-Identifier: Apache-2.0
/* What the libraries beside libcachedop.so, which are built from this tree, use of its inside. */
#ifndef BASE_SHARED_H
#define BASE_SHARED_H

/*
 * Before a declaration: the function is exported under the version node COP_PRIVATE, without any
 * promise to anybody else. The name also stands in lib/cachedop.map.
 */
#define COP_SHARED __attribute__((visibility("default")))

#endif
