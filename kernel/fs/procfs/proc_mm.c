/* SPDX-License-Identifier: MIT
 *
 * procfs: the memory of a process: maps, smaps, statm (proc(5)).
 */
#include "kernel/fs/procfs/procfs.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/userfaultfd.h"
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
        mm_for_each(mm, false, add_region, t);
        text_add(t,
                 "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0%18s"
                 "[vsyscall]\n",
                 "");
        mm_put(mm);
    }
    return err;
}

/* Sums of smaps, in kB. */
struct sums {
    struct text *text; /* NULL: the sums alone */
    unsigned long first, last, rss, anonymous, dirty, locked;
};

static void add_rss(struct text *t, unsigned long rss, unsigned long anonymous,
                    unsigned long dirty, unsigned long locked)
{
    text_add(t,
             "Rss:            %8lu kB\nPss:            %8lu kB\n"
             "Shared_Clean:          0 kB\nShared_Dirty:          0 kB\n"
             "Private_Clean:  %8lu kB\nPrivate_Dirty:  %8lu kB\n"
             "Referenced:     %8lu kB\nAnonymous:      %8lu kB\n"
             "LazyFree:              0 kB\nAnonHugePages:         0 kB\n"
             "Swap:                  0 kB\nSwapPss:               0 kB\n"
             "Locked:         %8lu kB\n",
             rss, rss, rss - dirty, dirty, rss, anonymous, locked);
}

/* VmFlags (proc_pid_smaps(5)), each with a blank behind. */
static void add_flags(struct text *t, const struct mm_region *r)
{
    const struct {
        bool set;
        const char *flag;
    } all[] = {
        {r->prot & MEM_READ, "rd"},
        {r->prot & MEM_WRITE, "wr"},
        {r->prot & MEM_EXEC, "ex"},
        {r->shared && !r->no_write, "sh"},
        {true, "mr"},
        {!r->no_write, "mw"},
        {!r->no_exec, "me"},
        {r->shared, "ms"},
        {r->grows_down, "gd"},
        {r->serves & UFFDIO_REGISTER_MODE_MISSING, "um"},
        {r->guarded, "gu"},
        {r->serves & UFFDIO_REGISTER_MODE_WP, "uw"},
        {r->locked, "lo"},
        {r->sequential, "sr"},
        {r->random, "rr"},
        {r->no_fork, "dc"},
        {r->on_fault, "lf"},
        {r->charged, "ac"},
        {r->no_reserve, "nr"},
        {r->wiped, "wf"},
        {r->no_dump, "dd"},
        {r->huge, "hg"},
        {r->no_huge, "nh"},
    };

    text_add(t, "VmFlags: ");
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (all[i].set) {
            text_add(t, "%s ", all[i].flag);
        }
    }
    text_add(t, "\n");
}

/* Of a region that was writable all that is there counts as its own. */
static void add_smap(const struct mm_region *r, void *arg)
{
    unsigned long rss = r->resident / 1024;
    unsigned long dirty = r->prot & MEM_WRITE || r->written ? rss : 0;
    unsigned long anonymous = r->ino && !r->written ? 0 : rss;
    unsigned long locked = r->locked ? rss : 0;
    struct sums *s = arg;

    s->first = s->last ? s->first : r->start;
    s->last = r->end;
    s->rss += rss;
    s->anonymous += anonymous;
    s->dirty += dirty;
    s->locked += locked;
    if (s->text) {
        add_region(r, s->text);
        text_add(s->text,
                 "Size:           %8lu kB\nKernelPageSize:        4 kB\n"
                 "MMUPageSize:           4 kB\n",
                 (unsigned long)(r->end - r->start) / 1024);
        add_rss(s->text, rss, anonymous, dirty, locked);
        text_add(s->text, "THPeligible:           0\n");
        add_flags(s->text, r);
    }
}

static int sum_up(const struct pseudo_at *at, struct sums *s)
{
    struct mm *mm;
    int err = mm_at(at, &mm);

    if (!err && mm) {
        mm_for_each(mm, true, add_smap, s);
        mm_put(mm);
    }
    return err;
}

int show_smaps(struct text *t, const struct pseudo_at *at)
{
    struct sums s = {.text = t};

    return sum_up(at, &s);
}

int show_smaps_rollup(struct text *t, const struct pseudo_at *at)
{
    struct sums s = {.text = NULL};
    int err = sum_up(at, &s);

    if (!err && !s.last) {
        return -ESRCH;
    }
    if (!err) {
        text_add(t, "%08lx-%08lx ---p 00000000 00:00 0 %24s [rollup]\n",
                 s.first, s.last, "");
        add_rss(t, s.rss, s.anonymous, s.dirty, s.locked);
    }
    return err;
}

int show_statm(struct text *t, const struct pseudo_at *at)
{
    struct mm_stats s = {0};
    uint64_t there = 0;
    struct mm *mm;
    int err = mm_at(at, &mm);

    if (err) {
        return err;
    }
    if (mm) {
        mm_get_stats(mm, &s);
        there = mm_there_bytes(mm);
        mm_put(mm);
    }
    text_add(t, "%lu %lu 0 0 0 %lu 0\n",
             (unsigned long)(s.virtual_bytes / PAGE_SIZE),
             (unsigned long)(there / PAGE_SIZE),
             (unsigned long)(s.virtual_bytes / PAGE_SIZE));
    return 0;
}
