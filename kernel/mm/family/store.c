/* SPDX-License-Identifier: MIT
 *
 * Stores: pages of an address space while another one of its family has their
 * addresses: runs, sorted by address, none overlapping. A run is a copy in the
 * kernel's pages, or the pages themselves, moved to a shadow range (shadow.c),
 * and then come back without being copied. In an exchange, the kernel's pages
 * that held the copy of who comes go over to the store of who leaves.
 */
#include "kernel/mm/family/families.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

enum { ROOM_LEAST = 32 };

int runs_grow(void **runs, unsigned *room, unsigned want, size_t size)
{
    unsigned more = MAX(MAX(*room * 2, want), (unsigned)ROOM_LEAST);
    void *bigger;

    if (want <= *room) {
        return 0;
    }
    bigger = kmalloc(more * size);
    if (!bigger) {
        return -ENOMEM;
    }
    if (*room) {
        memcpy(bigger, *runs, *room * size);
    }
    kfree(*runs);
    *runs = bigger;
    *room = more;
    return 0;
}

static int make_room(struct store *s)
{
    return runs_grow((void **)&s->runs, &s->room, s->count + 1,
                     sizeof(*s->runs));
}

static int put(struct store *s, unsigned at, const struct store_run *r)
{
    if (make_room(s)) {
        return -ENOMEM;
    }
    memmove(&s->runs[at + 1], &s->runs[at],
            (s->count - at) * sizeof(s->runs[0]));
    s->runs[at] = *r;
    s->count++;
    return 0;
}

/* The place behind all runs that begin at or below start. */
static unsigned place(const struct store *s, uint64_t start)
{
    unsigned at = s->count;

    while (at > 0 && s->runs[at - 1].start > start) {
        at--;
    }
    return at;
}

int store_insert(struct store *s, uint64_t start, uint64_t end)
{
    while (start < end) {
        uint32_t pages =
            MIN((end - start) / PAGE_SIZE, (uint64_t)STORE_COPY_PAGES);
        struct store_run r = {start, pages, STORE_COPY, page_alloc(pages)};
        int err = r.buf ? put(s, place(s, start), &r) : -ENOMEM;

        if (err) {
            page_free(r.buf, pages);
            return err;
        }
        s->copied += pages * PAGE_SIZE;
        if (arch_user_copy(r.buf, (const void *)start, pages * PAGE_SIZE)) {
            memset(r.buf, 0, pages * PAGE_SIZE);
            return -EFAULT;
        }
        start += pages * PAGE_SIZE;
    }
    return 0;
}

int store_note(struct store *s, uint64_t start, uint64_t end)
{
    struct store_run r = {start, (uint32_t)((end - start) / PAGE_SIZE),
                          STORE_COPY, NULL};

    return put(s, s->count, &r);
}

/* ---- pages that change their store ---- */

/* Run i becomes two, the second of which begins at `at`. -ENOMEM. */
static int cut(struct store *s, unsigned i, uint64_t at)
{
    struct store_run first = s->runs[i], second = first;
    int err;

    first.pages = (uint32_t)((at - first.start) / PAGE_SIZE);
    second.start = at;
    second.pages -= first.pages;
    second.buf = (char *)first.buf + (at - first.start);
    err = put(s, i + 1, &second);
    if (!err) {
        page_split(first.buf, first.pages + second.pages, first.pages);
        s->runs[i] = first;
    }
    return err;
}

static int cut_at(struct store *s, uint64_t at)
{
    unsigned next = place(s, at);
    const struct store_run *r = next ? &s->runs[next - 1] : NULL;

    return r && r->start < at && at < r->start + (uint64_t)r->pages * PAGE_SIZE
               ? cut(s, next - 1, at)
               : 0;
}

int store_cut(struct store *s, uint64_t start, uint64_t end)
{
    int err = cut_at(s, start);

    return err ? err : cut_at(s, end);
}

int store_lend(struct store *from, unsigned i, uint64_t start, uint64_t end,
               struct store *s)
{
    struct store_run r;
    int err = 0;

    if (from->runs[i].start < start) {
        err = cut(from, i++, start);
    }
    if (!err && end < from->runs[i].start + from->runs[i].pages * PAGE_SIZE) {
        err = cut(from, i, end);
    }
    if (!err) {
        r = from->runs[i];
        r.kind = STORE_TRADED;
        err = put(s, s->count, &r);
    }
    if (!err) {
        from->runs[i].kind = STORE_LENT;
    }
    return err;
}

void store_reclaim(struct store *from, struct store *s)
{
    for (unsigned i = 0; i < from->count; i++) {
        if (from->runs[i].kind == STORE_LENT) {
            from->runs[i].kind = STORE_COPY;
        }
    }
    for (unsigned i = 0; i < s->count; i++) {
        if (s->runs[i].kind == STORE_TRADED) {
            s->runs[i].kind = STORE_LENT;
        }
    }
}

/* ---- runs that are moved ---- */

int store_move(struct store *s, uint64_t start, uint64_t end)
{
    uint64_t to = shadow_take(start, end);
    struct store_run r = {start, (uint32_t)((end - start) / PAGE_SIZE),
                          STORE_MOVED, (void *)to};
    int err;

    if (!to) {
        return -ENOMEM;
    }
    err = make_room(s); /* nothing fails once the pages are away */
    if (!err) {
        err = target_mem_move(to, start, end - start);
    }
    if (err) {
        shadow_give(to, to + (end - start), true);
        return err;
    }
    s->moved += end - start;
    return put(s, s->count, &r);
}

/* Adds a run without content, writable, at *to. dense: nearly all of it will be
 * filled. */
static int add_shadow(struct store *s, uint64_t start, uint64_t end, bool dense,
                      uint64_t *to)
{
    const uint64_t granule = 2 << 20;
    uint64_t at = shadow_take(start, end), len = end - start, lo, hi;
    struct store_run r = {start, (uint32_t)(len / PAGE_SIZE), STORE_MOVED,
                          (void *)at};
    int err;

    if (!at) {
        return -ENOMEM;
    }
    lo = dense ? ALIGN_DOWN(at, granule) : at;
    hi = dense ? ALIGN_UP(at + len, granule) : at + len;
    err = target_mem_commit(lo, hi - lo, MEM_READ | MEM_WRITE);
    if (!err) {
        err = put(s, place(s, start), &r);
    }
    if (err) {
        shadow_give(at, at + len, false);
    }
    *to = at;
    return err;
}

static int fill(struct store *s, uint64_t shadow, uint64_t start, uint64_t end)
{
    s->copied += end - start;
    return arch_user_copy((void *)shadow, (void *)start, end - start) ? -EFAULT
                                                                      : 0;
}

int store_put_aside(struct store *s, struct touched *t, uint64_t start,
                    uint64_t end, int prot)
{
    uint64_t half = (end - start) / 2, from = start, to, shadow;
    bool dense = touched_count(t, start, end, half) >= half;
    int err = add_shadow(s, start, end, dense, &shadow);

    for (; !err && touched_next(t, &from, end, &to); from = to) {
        err = fill(s, shadow + (from - start), from, to);
    }
    return err || prot == (MEM_READ | MEM_WRITE)
               ? err
               : target_mem_protect(shadow, end - start, prot);
}

/* Where pages cannot be moved: a copy, written before it can be executed. */
static int copy_back(uint64_t from, uint64_t start, uint64_t len, int prot)
{
    const int both = MEM_READ | MEM_WRITE;
    int err = target_mem_commit(start, len, both);

    if (!err) {
        err = target_mem_protect(from, len, MEM_READ);
    }
    if (!err && arch_user_copy((void *)start, (void *)from, len)) {
        err = -EFAULT;
    }
    if (!err && prot != both) {
        err = target_mem_protect(start, len, prot);
    }
    if (!err) { /* a free shadow range holds nothing */
        target_mem_release(from, len);
    }
    return err;
}

int store_return(const struct store_run *r, uint64_t start, uint64_t end,
                 int prot)
{
    uint64_t from = (uint64_t)r->buf + (start - r->start);

    return target_mem_move(start, from, end - start)
               ? copy_back(from, start, end - start, prot)
               : 0;
}

static void free_run(const struct store_run *r, bool returned)
{
    uint64_t at = (uint64_t)r->buf;

    if (r->kind == STORE_MOVED) {
        shadow_give(at, at + (uint64_t)r->pages * PAGE_SIZE, returned);
    } else if (r->buf && r->kind == STORE_COPY) {
        page_free(r->buf, r->pages);
    }
}

/* Copies of a moved run's pages; false: none. */
static bool copy_moved(const struct store_run *r, struct store_run *copies,
                       unsigned count)
{
    uint64_t from = (uint64_t)r->buf, len = (uint64_t)r->pages * PAGE_SIZE;
    int err = target_mem_protect(from, len, MEM_READ);

    for (unsigned i = 0; i < count; i++) {
        uint64_t at = (uint64_t)i * STORE_COPY_PAGES;
        uint32_t pages =
            MIN(r->pages - (uint32_t)at, (uint32_t)STORE_COPY_PAGES);

        at *= PAGE_SIZE;
        copies[i] = (struct store_run){r->start + at, pages, STORE_COPY,
                                       err ? NULL : page_alloc(pages)};
        err = err || !copies[i].buf ||
              arch_user_copy(copies[i].buf, (void *)(from + at),
                             (size_t)pages * PAGE_SIZE);
    }
    for (unsigned i = 0; err && i < count; i++) {
        page_free(copies[i].buf, copies[i].pages);
    }
    return !err;
}

/* Run i; returns how many there are in its place. */
static unsigned unmove(struct store *s, unsigned i)
{
    enum { LARGE = 512, COPIES = LARGE / STORE_COPY_PAGES };
    struct store_run copies[COPIES], r = s->runs[i];
    unsigned count = (r.pages + STORE_COPY_PAGES - 1) / STORE_COPY_PAGES;

    if (r.kind != STORE_MOVED || r.pages > LARGE ||
        runs_grow((void **)&s->runs, &s->room, s->count + count - 1,
                  sizeof(r)) ||
        !copy_moved(&r, copies, count)) {
        return 1;
    }
    memmove(&s->runs[i + count], &s->runs[i + 1],
            (s->count - i - 1) * sizeof(r));
    memcpy(&s->runs[i], copies, count * sizeof(r));
    s->count += count - 1;
    s->copied += (uint64_t)r.pages * PAGE_SIZE;
    s->moved -= (uint64_t)r.pages * PAGE_SIZE;
    free_run(&r, false);
    return count;
}

void store_unmove(struct store *s)
{
    for (unsigned i = 0; i < s->count;) {
        i += unmove(s, i);
    }
}

void store_drop(struct store *s, uint64_t start, uint64_t end)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < s->count; i++) {
        struct store_run r = s->runs[i];
        uint64_t len = (uint64_t)r.pages * PAGE_SIZE;

        if (r.start >= start && r.start + len <= end) {
            free_run(&r, false);
            s->copied -= len;
        } else {
            s->runs[kept++] = r;
        }
    }
    s->count = kept;
}

void store_free(struct store *s, bool returned)
{
    for (unsigned i = 0; i < s->count; i++) {
        free_run(&s->runs[i], returned);
    }
    kfree(s->runs);
    memset(s, 0, sizeof(*s));
}
