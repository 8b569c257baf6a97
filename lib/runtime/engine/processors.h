// SPDX-License-Identifier: Apache-2.0
/* How many processors this process may use. */
#ifndef RUNTIME_PROCESSORS_H
#define RUNTIME_PROCESSORS_H

/* By its affinity mask and the CPU quota of its cgroup and those above, version 1 or 2; at least 1.
 */
int cop_usable_processors(void);

#endif
