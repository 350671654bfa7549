/* SPDX-License-Identifier: MIT
 *
 * What the system says of itself: uname(2), sethostname(2), sysinfo(2).
 */
#ifndef KERNEL_PROC_UTS_H
#define KERNEL_PROC_UTS_H

#include "abi/linux/utsname.h"

struct pseudo_changes;
#include "lib/types.h"

void uts_init(const char *hostname, uint64_t memory_limit);
void uts_get(struct abi_utsname *out);
/* At most UTS_LEN bytes, no NUL needed: -EINVAL, -EPERM. */
/* Count what the next two change, for poll(2) on /proc/sys/kernel. */
extern struct pseudo_changes hostname_changes, domainname_changes;
int uts_set_hostname(const char *name, size_t len);
int uts_set_domainname(const char *name, size_t len);

/* Memory in bytes, for sysinfo(2) and /proc/meminfo. */
struct system_memory {
    uint64_t total, free;
};
struct system_memory system_memory(void);

#endif
