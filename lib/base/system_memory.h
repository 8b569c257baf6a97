// SPDX-License-Identifier: Apache-2.0
/* How much memory the machine has. */
#ifndef BASE_SYSTEM_MEMORY_H
#define BASE_SYSTEM_MEMORY_H

#include <stddef.h>

/* Bytes of memory and swap together; SIZE_MAX where the system does not tell. */
size_t cop_system_memory_bytes(void);

#endif
