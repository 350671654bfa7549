/* SPDX-License-Identifier: MIT
 *
 * procfs: the memory of a process: maps, smaps, statm (proc(5)).
 */
#include "kernel/fs/procfs.h"
#include "abi/linux/stat.h"
#include "target/target.h"

static void add_region(const struct mm_region *r, void *arg)
{
    struct text *t = arg;
    size_t from = t->len;

    text_add(t, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ",
             (unsigned long)r->start, (unsigned long)r->end,
             r->prot & MEM_READ ? 'r' : '-', r->prot & MEM_WRITE ? 'w' : '-',
             r->prot & MEM_EXEC ? 'x' : '-', r->shared ? 's' : 'p',
             (unsigned long)r->offset, dev_major(r->dev), dev_minor(r->dev),
             (unsigned long)r->ino);
    if (r->path[0]) {
        while (!t->failed && t->len - from < 73) {
            text_add(t, " ");
        }
        text_add(t, "%s", r->path);
    }
    text_add(t, "\n");
}

int show_maps(struct text *t, const struct pseudo_at *at)
{
    struct mm *mm;
    int err = mm_at(at, &mm);

    if (!err && mm) {
        mm_for_each(mm, add_region, t);
        mm_put(mm);
    }
    return err;
}

static void add_smap(const struct mm_region *r, void *arg)
{
    unsigned long kb = (r->end - r->start) / 1024;
    struct text *t = arg;

    add_region(r, t);
    text_add(t,
             "Size:           %8lu kB\nKernelPageSize:        4 kB\n"
             "MMUPageSize:           4 kB\nRss:            %8lu kB\n"
             "Pss:            %8lu kB\nShared_Clean:          0 kB\n"
             "Shared_Dirty:          0 kB\nPrivate_Clean:         0 kB\n"
             "Private_Dirty:  %8lu kB\nReferenced:     %8lu kB\n"
             "Anonymous:      %8lu kB\nSwap:                  0 kB\n"
             "Locked:                0 kB\nVmFlags: %s%s%smr mw me\n",
             kb, kb, kb, kb, kb, r->ino ? 0 : kb,
             r->prot & MEM_READ ? "rd " : "", r->prot & MEM_WRITE ? "wr " : "",
             r->prot & MEM_EXEC ? "ex " : "");
}

int show_smaps(struct text *t, const struct pseudo_at *at)
{
    struct mm *mm;
    int err = mm_at(at, &mm);

    if (!err && mm) {
        mm_for_each(mm, add_smap, t);
        mm_put(mm);
    }
    return err;
}

int show_statm(struct text *t, const struct pseudo_at *at)
{
    struct mm_stats s = {0};
    struct mm *mm;
    int err = mm_at(at, &mm);

    if (err) {
        return err;
    }
    if (mm) {
        mm_get_stats(mm, &s);
        mm_put(mm);
    }
    text_add(t, "%lu %lu 0 0 0 %lu 0\n",
             (unsigned long)(s.virtual_bytes / PAGE_SIZE),
             (unsigned long)(s.resident_bytes / PAGE_SIZE),
             (unsigned long)(s.virtual_bytes / PAGE_SIZE));
    return 0;
}
