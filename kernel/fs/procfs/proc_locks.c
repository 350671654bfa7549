/* SPDX-License-Identifier: MIT
 *
 * procfs: /proc/locks (proc_locks(5)), as lslocks(8) reads it: the locks that
 * are held, and behind each those that wait for it.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/locks.h"
#include "lib/fmt.h"
#include "abi/linux/stat.h"

static void add_lock(const struct lock_info *l, void *arg)
{
    static const char *const kinds[LOCK_KINDS] = {
        [LOCK_KIND_POSIX] = "POSIX",
        [LOCK_KIND_OFD] = "OFDLCK",
        [LOCK_KIND_FLOCK] = "FLOCK",
    };
    char end[24] = "EOF";

    if (l->end != UINT64_MAX) {
        fmt_snprintf(end, sizeof(end), "%lu", l->end);
    }
    text_add(arg, "%u: %s%-6s ADVISORY  %s %d %02x:%02x:%lu %lu %s\n",
             l->number, l->waits ? "-> " : "", kinds[l->kind],
             l->write ? "WRITE" : "READ ", l->pid, dev_major(l->dev),
             dev_minor(l->dev), l->ino, l->start, end);
}

int show_locks(struct text *t, const struct pseudo_at *at)
{
    locks_for_each(add_lock, t);
    return 0;
}
