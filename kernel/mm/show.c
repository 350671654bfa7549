/* SPDX-License-Identifier: MIT
 *
 * Showing the page cache's pages in address spaces, where the target can give
 * memory a second address (target_mem_show). A private mapping then costs
 * neither a copy nor a fault of ours for a page: it follows the file until it
 * is written to, and what is written becomes the target's business.
 *
 * mm->shown says which pages are shown, and holds a reference on each, so that
 * they stay; it may name some that were replaced meanwhile (by an exchange of
 * the family), never too few. Most forked children change nothing of it before
 * they execute another program: until then it is their parent's, too.
 */
#include "kernel/mm/limit.h"
#include "kernel/mm/warm.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "target/target.h"

/* What lies in a window stays there as long as its object. */
static void put(char *src, uint64_t len)
{
    if (!arena_in_shown((uint64_t)src)) {
        page_put(src, len / PAGE_SIZE);
    }
}

static void get(char *src, uint64_t len)
{
    if (!arena_in_shown((uint64_t)src)) {
        page_get(src, len / PAGE_SIZE);
    }
}

static int make_room(struct shown *s, unsigned room)
{
    return runs_grow((void **)&s->runs, &s->room, room, sizeof(*s->runs));
}

static void put_all(struct shown *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        struct shown_run *r = &s->runs[i];
        put((char *)r->src, r->end - r->start);
    }
    kfree(s->runs);
}

/* Those who have runs in common may let go of them at the same time: the last
 * one frees them. */
static void leave_sharers(struct shown *s)
{
    if (atomic_sub_fetch(s->sharers, 1) == 0) {
        kfree(s->sharers);
        put_all(s);
    }
}

/* Before s changes: it is nobody else's. -ENOMEM: nothing changed. */
static int make_own(struct shown *s)
{
    struct shown own = {.runs = NULL};

    if (!s->sharers) {
        return 0;
    }
    if (atomic_load(s->sharers) == 1) {
        kfree(s->sharers);
        s->sharers = NULL;
        return 0;
    }
    if (make_room(&own, s->count + 1)) {
        return -ENOMEM;
    }
    for (; own.count < s->count; own.count++) {
        struct shown_run *r = &s->runs[own.count];

        get((char *)r->src, r->end - r->start);
        own.runs[own.count] = *r;
    }
    leave_sharers(s);
    *s = own;
    return 0;
}

/* Before a record is added: -ENOMEM. */
static int room_for_one(struct shown *s)
{
    int err = make_own(s);

    return err ? err : make_room(s, s->count + 1);
}

/* The first run that ends above addr. */
static unsigned find(const struct shown *s, uint64_t addr)
{
    unsigned lo = 0, hi = s->count;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (s->runs[mid].end <= addr) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

/* There is room for one more. */
static void insert(struct shown *s, unsigned at, struct shown_run r)
{
    memmove(&s->runs[at + 1], &s->runs[at],
            (s->count - at) * sizeof(s->runs[0]));
    s->runs[at] = r;
    s->count++;
}

static void drop(struct shown *s, unsigned at)
{
    s->count--;
    memmove(&s->runs[at], &s->runs[at + 1],
            (s->count - at) * sizeof(s->runs[0]));
}

/* Joins what comes after each other in both places. */
static void add(struct shown *s, unsigned at, struct shown_run r)
{
    struct shown_run *before = at ? &s->runs[at - 1] : NULL;

    if (before && before->end == r.start &&
        before->src + (before->end - before->start) == r.src) {
        before->end = r.end;
    } else {
        insert(s, at, r);
    }
}

int shown_make_room(struct mm *mm)
{
    return room_for_one(&mm->shown);
}

void shown_add(struct mm *mm, uint64_t addr, char *src, uint64_t len)
{
    struct shown *s = &mm->shown;

    add(s, find(s, addr), (struct shown_run){addr, addr + len, (uint64_t)src});
}

/* owned: the caller has references. */
static int show(struct mm *mm, struct vma *v, uint64_t addr, char *src,
                uint64_t len, bool owned)
{
    struct shown *s = &mm->shown;
    unsigned at = find(s, addr);
    uint64_t charged;
    bool claimed;
    int err = room_for_one(s);

    if (!err && at < s->count && s->runs[at].start < addr + len) {
        err = -ENOMEM; /* a record that could not be cut: rare */
    }
    claimed = !err && warm_claim(mm, addr, addr + len, (uint64_t)src,
                                 prot_effective(v->prot));
    if (claimed == owned) { /* twice, or not at all */
        (owned ? put : get)(src, len);
    }
    if (!err) {
        err = pages_charge(mm, addr, addr + len, &charged);
    }
    if (!err && !claimed &&
        target_mem_show(addr, (uint64_t)src, len, prot_effective(v->prot),
                        false)) {
        limit_uncharge(charged);
        err = -ENOMEM;
    }
    if (err) {
        put(src, len);
        if (claimed) {
            target_mem_release(addr, len);
        }
        return err;
    }
    add(s, at, (struct shown_run){addr, addr + len, (uint64_t)src});
    resident_set(&mm->resident, addr, addr + len);
    return 0;
}

int show_pages(struct mm *mm, struct vma *v, uint64_t addr, char *src,
               uint64_t len)
{
    return show(mm, v, addr, src, len, true);
}

int show_kept(struct mm *mm, struct vma *v, uint64_t addr, char *src,
              uint64_t len)
{
    return show(mm, v, addr, src, len, false);
}

void show_object(struct mm *mm, struct vma *v, uint64_t start, uint64_t end,
                 bool load)
{
    struct vm_object *o = v->obj;
    char *src;

    while (start < end && o->ops->run) {
        uint64_t off = v->off + (start - v->start);
        size_t len = o->ops->run(o, &off, end - start, load, &src);

        start = v->start + (off - v->off);
        if (!len || show_pages(mm, v, start, src, len)) {
            break;
        }
        share_shown(mm, v, start, src, len, NULL, 0);
        start += len;
    }
}

/* What of a run lies in [start, end) goes; it keeps what is before and after
 * or, when there is no memory for that, all of it. */
static bool cut(struct shown *s, unsigned at, uint64_t start, uint64_t end)
{
    struct shown_run r = s->runs[at];
    uint64_t from = MAX(start, r.start), to = MIN(end, r.end);

    if (make_own(s)) {
        return false;
    }
    if (r.start < from && to < r.end) {
        if (make_room(s, s->count + 1)) {
            return false;
        }
        insert(s, at + 1,
               (struct shown_run){to, r.end, r.src + (to - r.start)});
        s->runs[at].end = from;
    } else if (r.start < from) {
        s->runs[at].end = from;
    } else if (to < r.end) {
        s->runs[at].start = to;
        s->runs[at].src += to - r.start;
    } else {
        drop(s, at);
    }
    return true;
}

void shown_forget(struct mm *mm, uint64_t start, uint64_t end)
{
    struct shown *s = &mm->shown;
    unsigned at = find(s, start);

    while (at < s->count && s->runs[at].start < end) {
        struct shown_run r = s->runs[at];
        uint64_t from = MAX(r.start, start);

        start = MIN(r.end, end);
        if (cut(s, at, from, start)) {
            put((char *)r.src + (from - r.start), start - from);
        }
        at = from < start ? find(s, start) : at + 1;
    }
}

bool shown_take(struct mm *mm, uint64_t start, uint64_t end)
{
    return cut(&mm->shown, find(&mm->shown, start), start, end);
}

uint64_t shown_next(const struct mm *mm, uint64_t *start, uint64_t end,
                    uint64_t *stop)
{
    unsigned at = find(&mm->shown, *start);
    const struct shown_run *r = &mm->shown.runs[at];

    if (at == mm->shown.count || r->start >= end) {
        return 0;
    }
    *start = MAX(*start, r->start);
    *stop = MIN(end, r->end);
    return r->src + (*start - r->start);
}

int shown_copy(struct mm *to, struct mm *from)
{
    struct shown *s = &from->shown;

    if (!s->sharers) {
        s->sharers = kmalloc(sizeof(*s->sharers));
        if (!s->sharers) {
            return -ENOMEM;
        }
        *s->sharers = 1;
    }
    atomic_fetch_add(s->sharers, 1);
    to->shown = *s;
    return 0;
}

void shown_free(struct mm *mm)
{
    struct shown *s = &mm->shown;

    if (s->sharers) {
        leave_sharers(s);
    } else {
        put_all(s);
    }
    *s = (struct shown){.runs = NULL};
}
