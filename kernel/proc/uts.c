/* SPDX-License-Identifier: MIT
 *
 * What uname(2) says. The release is the Linux whose behaviour we follow:
 * programs (glibc's start-up among them) compare it.
 */
#include "kernel/proc/uts.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "kernel/fs/procfs/pseudo.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/proc/cred.h"
#include "lib/string.h"

static struct spinlock uts_lock = SPINLOCK_INIT(LOCK_PROC);
static struct abi_utsname names = {
    /* uts_lock */
    .sysname = "Linux",         .nodename = "enclos",
    .release = "6.18.0-enclos", .version = "#1 SMP PREEMPT_DYNAMIC Enclos",
    .machine = "x86_64",        .domainname = "(none)",
};

/* What a program may take for the size of the machine when there is no limit:
 * many size caches by it, so it is modest. */
#define MEMORY_UNLIMITED (8ull << 30)

static uint64_t memory_total;

void uts_init(const char *hostname, uint64_t memory_limit)
{
    memory_total = memory_limit ? memory_limit : MEMORY_UNLIMITED;
    if (hostname && hostname[0]) {
        memset(names.nodename, 0, sizeof(names.nodename));
        strlcpy(names.nodename, hostname, sizeof(names.nodename));
    }
}

void uts_get(struct abi_utsname *out)
{
    spin_lock(&uts_lock);
    *out = names;
    spin_unlock(&uts_lock);
}

struct pseudo_changes hostname_changes = PSEUDO_CHANGES(hostname_changes),
                      domainname_changes = PSEUDO_CHANGES(domainname_changes);

static int set(char field[UTS_LEN + 1], const char *name, size_t len,
               struct pseudo_changes *changes)
{
    if (!cred_capable(CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    if (len > UTS_LEN) {
        return -EINVAL;
    }
    spin_lock(&uts_lock);
    memset(field, 0, UTS_LEN + 1);
    memcpy(field, name, len);
    spin_unlock(&uts_lock);
    pseudo_changed(changes);
    return 0;
}

struct system_memory system_memory(void)
{
    struct heap_stats heap;
    struct mm_stats mm = {.resident_bytes = 0};
    uint64_t used;

    heap_get_stats(&heap);
    if (current_task()->mm) {
        mm_get_stats(current_task()->mm, &mm);
    }
    used = limit_used() * PAGE_SIZE;
    if (!used) {
        used = heap.bytes_committed + mm.resident_bytes;
    }
    used = MIN(used, memory_total);
    return (struct system_memory){memory_total, memory_total - used};
}

int uts_set_hostname(const char *name, size_t len)
{
    return set(names.nodename, name, len, &hostname_changes);
}

int uts_set_domainname(const char *name, size_t len)
{
    return set(names.domainname, name, len, &domainname_changes);
}
