// SPDX-License-Identifier: Apache-2.0
#include "base/system_memory.h"

#include <stdint.h>
#include <sys/sysinfo.h>

#include "base/checked.h"

size_t cop_system_memory_bytes(void)
{
    struct sysinfo system;
    size_t units, bytes;
    if (sysinfo(&system) != 0 || !cop_add_size(system.totalram, system.totalswap, &units) ||
        !cop_mul_size(units, system.mem_unit, &bytes))
        return SIZE_MAX;
    return bytes;
}
