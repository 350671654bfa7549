/* SPDX-License-Identifier: MIT
 *
 * mmap(2): where a mapping goes and how it comes to be. Room is looked for in
 * the spans of the address space (slots.c), home first, from the top down; an
 * address the program names is taken if nobody else has that part of the
 * arena.
 *
 * The order of steps keeps failure harmless: everything that can fail without
 * a trace comes first, then what was there goes away (MAP_FIXED), then pages
 * are committed, and only then the VMA enters the tree.
 */
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "kernel/mm/text/text_image.h"
#include "kernel/mm/warm.h"
#include "kernel/core/log.h"
#include "abi/linux/errno.h"
#include "target/target.h"

/* ---- where ---- */

bool map_is_free(struct mm *mm, uint64_t addr, uint64_t len)
{
    return addr >= arena.start && mm_user_range(addr, len) &&
           vma_range_free(mm, addr, addr + len) &&
           slots_claim(mm, addr, addr + len) == 0;
}

/* MAP_32BIT: the second GiB, as on Linux. */
static uint64_t find_low(struct mm *mm, uint64_t len)
{
    const uint64_t lo = 1ull << 30, hi = 1ull << 31;
    uint64_t addr;

    if (arena.start > lo || arena.end < hi) {
        return 0;
    }
    addr = vma_gap(mm, lo, hi, len);
    return addr && slots_claim(mm, addr, addr + len) == 0 ? addr : 0;
}

/* The lower half of home is the image's and the heap's. */
static uint64_t middle_of(const struct span *home)
{
    return home->start + (home->end - home->start) / 2;
}

uint64_t map_find_gap(struct mm *mm, uint64_t len)
{
    struct span *home;
    uint64_t addr;

    if (len > arena.end - arena.start || slots_home(mm, &home)) {
        return 0;
    }
    addr = vma_gap(mm, middle_of(home), mm->home_top, len);
    list_for_each (pos, &mm->family->spans) {
        struct span *s = list_entry(pos, struct span, node);
        if (addr) {
            break;
        }
        if (s->general && s != home && slots_may_use(mm, s)) {
            addr = vma_gap(mm, s->start, s->end, len);
        }
    }
    return addr;
}

/* Beside what has its place, such as an image without a choice of address and
 * its heap: only when all else is full. */
static uint64_t find_anywhere(struct mm *mm, uint64_t len)
{
    uint64_t addr = 0;

    list_for_each (pos, &mm->family->spans) {
        struct span *s = list_entry(pos, struct span, node);

        if (!addr && slots_may_use(mm, s)) {
            addr = vma_gap(mm, s->start, s->end, len);
        }
    }
    return addr;
}

uint64_t map_find_room(struct mm *mm, uint64_t len)
{
    uint64_t addr = map_find_gap(mm, len);
    struct span *fresh;

    if (addr || len > arena.end - arena.start || !mm->home) {
        return addr;
    }
    if (slots_claim_any(mm, len, &fresh) == 0) {
        return vma_gap(mm, fresh->start, fresh->end, len);
    }
    return find_anywhere(mm, len);
}

/* A library to be: code of it wants its slots at the distance that it has
 * elsewhere, right below (text_image.c). */
static bool may_have_code(const struct mapping *m)
{
    uint64_t size;

    return arena.shown && m->obj && m->obj->ops->texts &&
           !(m->prot & PROT_WRITE) && m->obj->ops->texts(m->obj, &size);
}

static int choose(struct mm *mm, uint64_t *addr, uint64_t len, int flags,
                  const struct mapping *m)
{
    uint64_t hint = ALIGN_DOWN(*addr, PAGE_SIZE);
    uint64_t below = flags & MAP_GROWSDOWN ? STACK_GROWTH + STACK_GUARD : 0;
    uint64_t align = PAGE_SIZE;

    if (hint && map_is_free(mm, hint, len)) {
        *addr = hint;
        return 0;
    }
    if (may_have_code(m)) {
        align = below = TRAMPOLINE_SIZE;
    }
    below += align - PAGE_SIZE;
    *addr = flags & MAP_32BIT ? find_low(mm, len + below)
                              : map_find_room(mm, len + below);
    if (!*addr) {
        return -ENOMEM;
    }
    *addr = ALIGN_DOWN(*addr + below, align);
    return 0;
}

static bool has_trampoline(struct mm *mm, uint64_t start, uint64_t end)
{
    struct vma *v = vma_find(mm, start);

    while (v && v->start < end && !(v->flags & VMA_TRAMPOLINE)) {
        v = vma_next(v);
    }
    return v && v->start < end;
}

/* MAP_FIXED and MAP_FIXED_NOREPLACE. */
int map_fix(struct mm *mm, uint64_t addr, uint64_t len, int prot, int flags)
{
    if (!IS_ALIGNED(addr, PAGE_SIZE)) {
        return -EINVAL;
    }
    if (addr < arena.start || addr > arena.end || len > arena.end - addr) {
        return addr < arena.start ? -EPERM : -ENOMEM;
    }
    if (flags & MAP_FIXED_NOREPLACE && !vma_range_free(mm, addr, addr + len)) {
        return -EEXIST;
    }
    if (has_trampoline(mm, addr, addr + len)) {
        return -ENOMEM;
    }
    if (seal_refuses(mm, addr, addr + len)) {
        return -EPERM;
    }
    if (!prot) {
        return slots_set_aside(mm, addr, addr + len);
    }
    return slots_claim(mm, addr, addr + len);
}

/* ---- how ---- */

int pages_charge(struct mm *mm, uint64_t start, uint64_t end, uint64_t *charged)
{
    int err = resident_prepare(&mm->resident, start, end);

    *charged = 0;
    warm_drop(mm, start, end);      /* nobody claimed it */
    err = mm->lost ? -ENOMEM : err; /* no exchange would take it away again */
    if (err || !limit_is_set()) {
        return err;
    }
    *charged =
        (end - start) / PAGE_SIZE - resident_count(&mm->resident, start, end);
    err = limit_charge(*charged);
    if (err && mm->idle_count) {
        idle_drop(mm, arena.start, arena.end);
        err = limit_charge(*charged);
    }
    if (err) {
        limit_report();
    }
    return err;
}

int pages_commit(struct mm *mm, uint64_t start, uint64_t end, int prot)
{
    uint64_t charged;
    int err = pages_charge(mm, start, end, &charged);

    if (err) {
        return err;
    }
    if (target_mem_commit(start, end - start, prot_effective(prot))) {
        limit_uncharge(charged);
        return -ENOMEM;
    }
    resident_set(&mm->resident, start, end);
    return 0;
}

/* Of large mappings, what nobody has touched yet. */
static uint64_t untouched(struct mm *mm)
{
    uint64_t pages = mm->large_bytes / PAGE_SIZE;

    for (struct vma *v = pages ? vma_first(mm) : NULL; v; v = vma_next(v)) {
        if (v->flags & VMA_LARGE) {
            pages -= resident_count(&mm->resident, v->start, v->end);
        }
    }
    return pages;
}

int pages_expect(struct mm *mm, uint64_t start, uint64_t end)
{
    uint64_t pages;
    int err;

    if (!limit_is_set()) {
        return 0;
    }
    pages = (end - start) / PAGE_SIZE;
    pages -= resident_count(&mm->resident, start, end);
    err = limit_expect(pages + mm->large_bytes / PAGE_SIZE, false);
    if (err) {
        idle_drop(mm, arena.start, arena.end);
        err = limit_expect(pages + untouched(mm), true);
    }
    if (err) {
        limit_report();
    }
    return err;
}

/* What a new mapping commits at once: all, where that costs nothing until
 * a page is used. */
static int commit_new(struct mm *mm, const struct mapping *m)
{
    bool all = m->prot && is_whole(m->flags, m->obj);
    int err = 0;

    if (m->prot == (PROT_READ | PROT_WRITE) && is_plain(m->flags, m->obj) &&
        idle_take(mm, m->start, m->end)) {
        return 0;
    }
    idle_drop(mm, m->start, m->end);
    if (m->prot && !m->obj && !(m->flags & VMA_TRAMPOLINE) && !all &&
        !m->on_touch) {
        err = pages_expect(mm, m->start, m->end);
    }
    if (!err && all &&
        warm_claim(mm, m->start, m->end, 0, prot_effective(m->prot))) {
        resident_set(&mm->resident, m->start, m->end);
        return 0;
    }
    if (!err && all) {
        err = pages_commit(mm, m->start, m->end, m->prot);
    }
    if (err) {
        pages_release(mm, m->start, m->end); /* what was kept of it */
    }
    return err;
}

int map_at(struct mm *mm, const struct mapping *m)
{
    struct vma *v;
    int err = mm->lost ? -ENOMEM
                       : vma_new(mm, m->start, m->end, m->prot, m->flags,
                                 m->obj, m->off, &v);

    if (err) {
        return err;
    }
    v->name = m->name;
    v->written |= m->written;
    if (mm->lock_future && !(m->flags & VMA_TRAMPOLINE)) {
        v->flags |= lock_flags(mm->lock_on_touch);
    }
    err = resident_prepare(&mm->resident, m->start, m->end);
    if (!err) {
        err = unmap_locked(mm, m->start, m->end);
    }
    if (!err) {
        err = commit_new(mm, m);
    }
    if (err) {
        vma_bury(mm, v);
        return err;
    }
    vma_insert(mm, v);
    warm_fill(mm, m->start, m->end);
    return 0;
}

/* A shared mapping of an object lies in the object's window, if it has one;
 * else it can only be read, as a copy that stays true because such objects
 * never change. */
static int share(struct mapping *m, uint64_t *addr, uint64_t len, int *flags)
{
    uint64_t base;
    int err;

    if (!m->obj->ops->window) {
        m->flags |= VMA_NO_WRITE;
        return m->prot & PROT_WRITE ? -ENODEV : 0;
    }
    m->flags |= VMA_WINDOW;
    err = m->obj->ops->window(m->obj, m->off + len, &base);
    if (err) {
        return err;
    }
    if (arena_in_shown(base)) {
        m->flags |= VMA_ALIAS;
        return 0;
    }
    if (*flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) && *addr != base + m->off) {
        return -ENOMEM;
    }
    *addr = base + m->off;
    return 0;
}

/* From here on a mapping under a ceiling is committed as it is used. */
enum { LARGE = 1 << 20 };

/* Stacks are made larger than they get, and MAP_NORESERVE says it of itself:
 * under a ceiling what they take counts, not their size. */
static bool counts_on_touch(int flags, int prot)
{
    return limit_is_set() && (flags & (MAP_STACK | MAP_GROWSDOWN) ||
                              (flags & MAP_NORESERVE && prot & PROT_WRITE));
}

int map_large(uint64_t len)
{
    bool large = limit_is_set() && arena.lazy && len >= LARGE;

    return large ? VMA_LARGE | VMA_ON_TOUCH : 0;
}

/* Where all pages come by faults, that is to be known later only of what has
 * no access yet, as a thread's stack: it is asked for by mprotect(2). */
static int touch_flags(uint64_t len, int flags, int prot)
{
    bool private = (flags & MAP_TYPE) == MAP_PRIVATE;

    if (counts_on_touch(flags, prot)) {
        return arena.lazy || !prot ? VMA_ON_TOUCH : 0;
    }
    return private && prot & PROT_WRITE ? map_large(len) : 0;
}

static int vma_flags_of(uint64_t len, int flags, int prot, bool anonymous)
{
    return touch_flags(anonymous ? len : 0, flags, prot) |
           ((flags & MAP_TYPE) != MAP_PRIVATE ? VMA_SHARED : 0) |
           (flags & MAP_GROWSDOWN ? VMA_GROWSDOWN : 0) |
           (flags & MAP_LOCKED ? VMA_LOCKED : 0) |
           (flags & MAP_NORESERVE ? VMA_NORESERVE : 0) |
           (flags & MM_MAP_NO_WRITE ? VMA_NO_WRITE : 0) |
           (flags & MM_MAP_NO_EXEC ? VMA_NO_EXEC : 0) |
           (flags & MM_MAP_SECRET ? VMA_SECRET | VMA_LOCKED | VMA_DONTDUMP : 0);
}

static int check_args(uint64_t len, int flags, struct vm_object *obj,
                      uint64_t off)
{
    int type = flags & MAP_TYPE;

    if (!len || !IS_ALIGNED(off, PAGE_SIZE) ||
        (type != MAP_PRIVATE && type != MAP_SHARED &&
         type != MAP_SHARED_VALIDATE) ||
        (flags & MAP_GROWSDOWN && (obj || type != MAP_PRIVATE))) {
        return -EINVAL;
    }
    if (len > arena.end - arena.start) {
        return -ENOMEM;
    }
    return obj && off + len < off ? -EOVERFLOW : 0;
}

int map_locked(struct mm *mm, uint64_t *addr, uint64_t len, int prot, int flags,
               struct vm_object *obj, uint64_t off)
{
    struct mapping m = {.prot = prot & (PROT_READ | PROT_WRITE | PROT_EXEC),
                        .flags = vma_flags_of(len, flags, prot, !obj),
                        .name = flags & MM_MAP_AIO ? MM_AIO : 0,
                        .on_touch = counts_on_touch(flags, prot),
                        .obj = obj,
                        .off = off};
    int err = vma_has_room(mm) ? 0 : -ENOMEM;

    if (obj && mm->layout.loads_code) {
        m.flags |= VMA_AS_IS;
    }
    if (!err && obj && m.flags & VMA_SHARED) {
        err = share(&m, addr, len, &flags);
    }
    if (err) {
        return err;
    }
    if (!obj && m.flags & VMA_SHARED) {
        atomic_store(&mm->shares, true);
    }
    if (m.flags & VMA_SECRET) {
        atomic_store(&mm->secrets, true);
    }
    if (m.flags & VMA_WINDOW && !(m.flags & VMA_ALIAS)) {
        m.start = *addr;
        m.end = *addr + len;
        return map_window(mm, &m);
    }
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        err = map_fix(mm, *addr, len, m.prot, flags);
    } else {
        err = choose(mm, addr, len, flags, &m);
    }
    if (err) {
        return err;
    }
    m.start = *addr;
    m.end = *addr + len;
    if (m.flags & VMA_ALIAS) {
        warm_drop(mm, m.start, m.end);
        return map_alias(mm, &m);
    }
    return map_at(mm, &m);
}

/* A loader maps a library as a whole, then its segments over that: what lies
 * from the code on is not shown before they come. */
static uint64_t end_before_code(const struct vma *v, uint64_t start,
                                uint64_t end)
{
    uint64_t off = v->off + (start - v->start), size, begin;
    struct text_anchor *a =
        v->obj->ops->texts ? v->obj->ops->texts(v->obj, &size) : NULL;

    begin = a ? text_begin(a) : UINT64_MAX;
    return off < begin && begin - off < end - start ? start + (begin - off)
                                                    : end;
}

/* What the cache has of a file's private mapping is shown at once: the host's
 * faults are cheaper than ours. Under a ceiling what is touched counts. What
 * it has no more must not be found from an earlier run, either. */
static void show_new(struct mm *mm, uint64_t start, uint64_t end)
{
    struct vma *v = vma_at(mm, start);

    if (!arena.shown || !v->obj || !v->prot || v->flags & VMA_WINDOW ||
        limit_is_set()) {
        return;
    }
    end = MIN(end, v->end);
    if (is_text(v)) {
        text_show(mm, v, start, end, false);
    } else {
        show_object(mm, v, start, end_before_code(v, start, end), false);
        end = warm_code_begins(mm, v, start, end);
    }
    warm_drop(mm, start, end);
}

/* Whether anonymous shared memory is an object: wherever it can be seen at
 * several addresses and there is no ceiling, which it would count for as a
 * whole; and in a family, whose members may have something at any address. */
static bool is_object(struct mm *mm, int flags)
{
    bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

    if ((flags & MAP_TYPE) == MAP_PRIVATE) {
        return false;
    }
    return (arena.shown && !limit_is_set()) ||
           (mm->family->count > 1 && (arena.shown || !fixed));
}

int mm_map(struct mm *mm, uint64_t *addr, uint64_t len, int prot, int flags,
           struct vm_object *obj, uint64_t off)
{
    uint64_t size = ALIGN_UP(len, PAGE_SIZE);
    int err = len > size ? -ENOMEM : check_args(size, flags, obj, off);
    struct vm_object *own = NULL;
    bool touch;

    if (err) {
        return err;
    }
    if (!obj && is_object(mm, flags) && alias_anonymous(size, &own) == 0) {
        obj = own;
        off = 0;
    }
    mm_lock(mm);
    err = mm->mdwe && prot & PROT_WRITE && prot & PROT_EXEC
              ? -EACCES
              : map_locked(mm, addr, size, prot, flags, obj, off);
    if (!err) {
        show_new(mm, *addr, *addr + size);
    }
    if (!err && (flags & (MAP_POPULATE | MAP_LOCKED) || mm->lock_future)) {
        populate_locked(mm, *addr, *addr + size); /* best effort, mmap(2) */
    } else if (!err) {
        fill_new(mm, *addr, *addr + size, flags & MAP_FIXED);
    }
    touch = (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE ||
            flags & MAP_LOCKED || (mm->lock_future && !mm->lock_on_touch);
    mm_unlock(mm);
    if (!err && touch) {
        mm_touch(mm, *addr, *addr + size, false);
    }
    if (own) {
        own->ops->put(own); /* the mapping has its own reference */
    }
    return err;
}

/* ---- other pages of a mapped object ---- */

/* Whether [start, end) is mapped shared, all of one object; *v: the first. */
static bool is_one_object(struct mm *mm, uint64_t start, uint64_t end,
                          struct vma **v)
{
    struct vma *at = *v = vma_at(mm, start);

    while (at && at->obj && at->obj == (*v)->obj && at->flags & VMA_SHARED) {
        if (at->end >= end) {
            return true;
        }
        at = vma_at(mm, at->end);
    }
    return false;
}

int mm_remap_pages(struct mm *mm, uint64_t addr, uint64_t len, uint64_t off)
{
    int flags = MAP_SHARED | MAP_FIXED;
    struct vm_object *obj = NULL;
    struct vma *v;
    int err = -EINVAL;

    mm_lock(mm);
    if (is_one_object(mm, addr, addr + len, &v)) {
        obj = v->obj;
        obj->ops->get(obj);
        flags |= v->flags & VMA_NO_WRITE ? MM_MAP_NO_WRITE : 0;
        flags |= v->flags & VMA_NO_EXEC ? MM_MAP_NO_EXEC : 0;
        flags |= v->flags & VMA_LOCKED ? MAP_LOCKED : 0;
        err = map_locked(mm, &addr, len, v->prot, flags, obj, off);
    }
    if (!err) {
        fill_locked(mm, addr, addr + len);
    }
    mm_unlock(mm);
    if (obj) {
        obj->ops->put(obj);
    }
    return err;
}

/* ---- images ---- */

static uint64_t random_pages(uint64_t below)
{
    uint64_t r;

    target_random(&r, sizeof(r));
    return r % (below / PAGE_SIZE) * PAGE_SIZE;
}

/* The first image goes to the bottom of home, where the heap can grow behind
 * it; later ones (the interpreter) to where mappings go. */
static uint64_t find_image_room(struct mm *mm, uint64_t len, uint64_t align)
{
    struct span *home;
    uint64_t size, base;

    if (slots_home(mm, &home)) {
        return 0;
    }
    size = home->end - home->start;
    if (!mm->has_image) {
        base = warm_image(mm);
        base = base ? base : home->start + random_pages(size / 8);
        base = ALIGN_UP(base + TRAMPOLINE_ROOM, align);
        if (base + len <= home->start + size / 2 &&
            vma_range_free(mm, base - TRAMPOLINE_ROOM, base + len)) {
            return base;
        }
    }
    base = map_find_room(mm, TRAMPOLINE_ROOM + len + align - PAGE_SIZE);
    return base ? ALIGN_UP(base + TRAMPOLINE_ROOM, align) : 0;
}

int mm_reserve_image(struct mm *mm, uint64_t len, uint64_t align,
                     uint64_t *base)
{
    struct mapping m = {.prot = PROT_NONE};
    int err;

    len = ALIGN_UP(len, PAGE_SIZE);
    align = MAX(align, (uint64_t)(arena.shown ? TRAMPOLINE_SIZE : PAGE_SIZE));
    if (!len || len > arena.end - arena.start || align & (align - 1)) {
        return -ENOMEM;
    }
    mm_lock(mm);
    m.start = find_image_room(mm, len, align);
    m.end = m.start + len;
    err = m.start ? map_at(mm, &m) : -ENOMEM;
    if (!err) {
        if (!mm->has_image) {
            warm_note_image(mm, m.start - TRAMPOLINE_ROOM);
        }
        mm->has_image = true;
        *base = m.start;
        trampoline_reserve(mm, m.start);
    }
    mm_unlock(mm);
    return err;
}
