/* SPDX-License-Identifier: MIT
 *
 * madvise(2), and other calls that mark a range or go through it: mlock, msync.
 * Each goes through the VMAs of the range; a hole is -ENOMEM, for madvise only
 * after the rest was done, as on Linux.
 *
 * Nothing is ever swapped out, so locking is a mark for the accounts and
 * brings the pages in.
 */
#include "kernel/mm/text/trampoline.h"
#include "kernel/mm/userfault.h"
#include "abi/linux/errno.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

/* Up to here zeroing is cheaper than two calls to the target. */
enum { ZERO_MAX = 64 << 10 };

/* ---- giving content up ---- */

static bool zero_in_place(struct mm *mm, const struct vma *v, uint64_t start,
                          uint64_t end)
{
    return v->prot & PROT_WRITE && end - start <= ZERO_MAX && !v->server &&
           resident_find(&mm->resident, start, end, false) == end &&
           arch_user_zero((void *)start, end - start) == 0;
}

/* Where all of it is resident from the start anyway. */
static bool clear_in_place(struct mm *mm, const struct vma *v, uint64_t start,
                           uint64_t end)
{
    if (!is_whole(v->flags, v->obj) ||
        resident_find(&mm->resident, start, end, false) < end ||
        target_mem_clear(start, end - start)) {
        return false;
    }
    trampolines_release(mm, start, end, false);
    return true;
}

/* What relatives share stays there, for them, too, and becomes zero. */
static int clear_for_all(struct mm *mm, uint64_t start, uint64_t end)
{
    uint64_t stop;
    int err = 0;

    for (; !err && resident_run(&mm->resident, &start, end, &stop);
         start = stop) {
        err = target_mem_clear(start, stop - start);
    }
    return err;
}

/* Pages are as if never touched. Should committing them again fail, a fault
 * tries once more. */
static int drop_pages(struct mm *mm, struct vma *v, uint64_t start,
                      uint64_t end)
{
    int err;

    if (v->flags & (VMA_WINDOW | VMA_TRAMPOLINE) ||
        (!v->obj && zero_in_place(mm, v, start, end))) {
        return 0;
    }
    if (v->flags & VMA_FAMILY) {
        return clear_for_all(mm, start, end);
    }
    err = family_own(mm, start, end);
    if (!err && clear_in_place(mm, v, start, end)) {
        return 0;
    }
    if (!err) {
        err = pages_prepare_forget(mm, start, end);
    }
    if (err) {
        return err;
    }
    pages_release(mm, start, end);
    if (v->prot && is_whole(v->flags, v->obj)) {
        pages_commit(mm, start, end, v->prot);
    }
    fill_locked(mm, start, end);
    return 0;
}

static int dont_need(struct mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
    /* Shared content lives on in the object; ours is the object. */
    return v->flags & VMA_SHARED ? 0 : drop_pages(mm, v, start, end);
}

/* The object has locks of its own, which come before ours. */
static int punch_object(struct mm *mm, struct vm_object *o, uint64_t off,
                        uint64_t len)
{
    int err;

    if (!o->ops->punch) {
        return -EOPNOTSUPP;
    }
    o->ops->get(o);
    mm_unlock(mm);
    err = o->ops->punch(o, off, len);
    o->ops->put(o);
    mm_lock(mm);
    return err;
}

static int punch(struct mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
    if (v->flags & VMA_LOCKED || !(v->flags & VMA_SHARED || v->obj)) {
        return -EINVAL;
    }
    if (!(v->flags & VMA_SHARED) || v->flags & VMA_NO_WRITE) {
        return -EACCES;
    }
    return v->obj ? punch_object(mm, v->obj, v->off + (start - v->start),
                                 end - start)
                  : drop_pages(mm, v, start, end);
}

static int populate(struct mm *mm, struct vma *v, uint64_t start, uint64_t end,
                    int prot)
{
    int err;

    if (!(v->prot & prot)) {
        return -EINVAL;
    }
    err = populate_locked(mm, start, end);
    return err == -EIO ? -EFAULT : err;
}

/* Into huge pages, which nobody could see: only whether there could be one. */
static int collapse(const struct vma *v, uint64_t start, uint64_t end)
{
    const uint64_t huge = 2ul << 20;

    return v->obj || v->flags & VMA_SHARED ||
                   ALIGN_UP(start, huge) >= ALIGN_DOWN(end, huge)
               ? -EINVAL
               : 0;
}

/* ---- marks ---- */

static int mark(struct mm *mm, struct vma *v, uint64_t start, uint64_t end,
                int set, int clear)
{
    uint32_t flags = (v->flags & ~(uint32_t)clear) | (uint32_t)set;
    uint32_t was = v->flags;
    int err;

    if (v->flags & VMA_SECRET && (set | clear) & VMA_LOCKED) {
        return 0; /* it is locked for good */
    }
    if (v->flags & VMA_TRAMPOLINE || v->flags == flags) {
        return 0;
    }
    err = vma_split_range(mm, start, end);
    if (err) {
        return err;
    }
    v = vma_at(mm, start);
    v->flags = (v->flags & ~(uint32_t)clear) | (uint32_t)set;
    if ((was ^ flags) & VMA_LOCKED) {
        mm->locked_bytes += set & VMA_LOCKED ? end - start : start - end;
    }
    vma_merge(mm, v);
    return 0;
}

/* ---- guards ---- */

/* v, split to [start, end), gets another protection and the guard, or loses
 * it. */
static int change_guard(struct mm *mm, uint64_t start, uint64_t end, bool on)
{
    int err = vma_split_range(mm, start, end);
    struct vma *v = vma_at(mm, start);
    uint8_t was = v->prot;

    if (err) {
        return err;
    }
    err = protect_vma(mm, v, on ? PROT_NONE : v->guarded);
    if (!err) {
        v->flags ^= VMA_GUARDED;
        v->guarded = on ? was : 0;
    }
    vma_merge(mm, v);
    return err;
}

/* Content goes, and all access with it. */
static int install_guard(struct mm *mm, struct vma *v, uint64_t start,
                         uint64_t end)
{
    int err;

    bool shared = v->flags & VMA_SHARED;

    if (v->flags & (VMA_TRAMPOLINE | VMA_LOCKED) ||
        (shared && !(v->flags & VMA_ALIAS))) {
        return -EINVAL;
    }
    if (v->flags & VMA_GUARDED) {
        return 0;
    }
    err = shared ? 0 : drop_pages(mm, v, start, end);
    return err ? err : change_guard(mm, start, end, true);
}

static int remove_guard(struct mm *mm, struct vma *v, uint64_t start,
                        uint64_t end)
{
    if (v->flags & VMA_TRAMPOLINE) {
        return -EINVAL;
    }
    return v->flags & VMA_GUARDED ? change_guard(mm, start, end, false) : 0;
}

/* ---- madvise ---- */

/* What is not there any more is not protected. */
static bool drops(int advice)
{
    return advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED ||
           advice == MADV_GUARD_INSTALL;
}

/* Advice after which content is lost, here or in a child. */
static bool gives_up(int advice)
{
    return advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED ||
           advice == MADV_FREE || advice == MADV_REMOVE ||
           advice == MADV_DONTFORK || advice == MADV_WIPEONFORK;
}

static int advise_vma(struct mm *mm, struct vma *v, uint64_t start,
                      uint64_t end, int advice)
{
    bool locked = v->flags & VMA_LOCKED;

    if (v->flags & VMA_PROTECTED && drops(advice)) {
        int err = userfault_lift(mm, start, end);

        if (err) {
            return err;
        }
        v = vma_at(mm, start);
    }
    if (gives_up(advice) && seal_keeps_content(v)) {
        return -EPERM;
    }
    switch (advice) {
    case MADV_DONTNEED:
        return locked ? -EINVAL : dont_need(mm, v, start, end);
    case MADV_DONTNEED_LOCKED:
        return dont_need(mm, v, start, end);
    case MADV_FREE: /* a hint, which we do not take */
        return v->obj || v->flags & VMA_SHARED ? -EINVAL : 0;
    case MADV_REMOVE:
        return punch(mm, v, start, end);
    case MADV_COLD:
    case MADV_PAGEOUT:
        return locked ? -EINVAL : 0;
    case MADV_COLLAPSE:
        return collapse(v, start, end);
    case MADV_POPULATE_READ:
        return populate(mm, v, start, end, PROT_READ);
    case MADV_POPULATE_WRITE:
        return populate(mm, v, start, end, PROT_WRITE);
    case MADV_DONTFORK:
        return mark(mm, v, start, end, VMA_DONTFORK, 0);
    case MADV_DOFORK:
        return mark(mm, v, start, end, 0, VMA_DONTFORK);
    case MADV_WIPEONFORK:
        return v->obj || v->flags & VMA_SHARED
                   ? -EINVAL
                   : mark(mm, v, start, end, VMA_WIPEONFORK, 0);
    case MADV_KEEPONFORK:
        return mark(mm, v, start, end, 0, VMA_WIPEONFORK);
    case MADV_DONTDUMP:
        return mark(mm, v, start, end, VMA_DONTDUMP, 0);
    case MADV_GUARD_INSTALL:
        return install_guard(mm, v, start, end);
    case MADV_GUARD_REMOVE:
        return remove_guard(mm, v, start, end);
    case MADV_DODUMP:
        return mark(mm, v, start, end, 0, VMA_DONTDUMP);
    case MADV_NORMAL:
        return mark(mm, v, start, end, 0, VMA_SEQUENTIAL | VMA_RANDOM);
    case MADV_SEQUENTIAL:
        return mark(mm, v, start, end, VMA_SEQUENTIAL, VMA_RANDOM);
    case MADV_RANDOM:
        return mark(mm, v, start, end, VMA_RANDOM, VMA_SEQUENTIAL);
    case MADV_HUGEPAGE:
        return mark(mm, v, start, end, VMA_HUGE, VMA_NO_HUGE);
    case MADV_NOHUGEPAGE:
        return mark(mm, v, start, end, VMA_NO_HUGE, VMA_HUGE);
    default:
        return 0;
    }
}

/* Nobody merges equal pages, as on a Linux without KSM: /sys says so, too. */
static bool advice_valid(int advice)
{
    return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) ||
           advice == MADV_GUARD_INSTALL || advice == MADV_GUARD_REMOVE ||
           (advice >= MADV_FREE && advice <= MADV_COLLAPSE &&
            advice != MADV_MERGEABLE && advice != MADV_UNMERGEABLE);
}

static bool populates(int advice)
{
    return advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
}

int mm_advise(struct mm *mm, uint64_t addr, uint64_t len, int advice)
{
    uint64_t end = addr + ALIGN_UP(len, PAGE_SIZE), at = addr;
    int err = 0, hole = 0;

    if (!advice_valid(advice) || !IS_ALIGNED(addr, PAGE_SIZE) || end < addr ||
        end - addr < len) {
        return -EINVAL;
    }
    mm_lock(mm);
    while (at < end && !err) {
        struct vma *v = vma_find(mm, at);
        uint64_t start = v ? MAX(at, v->start) : end;
        hole = start > at ? -ENOMEM : hole;
        at = v ? MIN(v->end, end) : end;
        if (hole && populates(advice)) { /* others go on behind it */
            break;
        }
        if (v && start < end) {
            err = advise_vma(mm, v, start, at, advice);
        }
    }
    mm_unlock(mm);
    if (!err && !hole && populates(advice)) {
        mm_touch(mm, addr, end, advice == MADV_POPULATE_WRITE);
    }
    return err ? err : hole;
}

/* ---- mlock, msync ---- */

uint64_t mapped_end(struct mm *mm, uint64_t start, uint64_t end)
{
    while (start < end) {
        struct vma *v = vma_at(mm, start);
        if (!v || v->flags & VMA_TRAMPOLINE) {
            break;
        }
        start = v->end;
    }
    return MIN(start, end);
}

int mark_locked(struct mm *mm, uint64_t start, uint64_t end, int set)
{
    int err = 0;

    while (start < end && !err) {
        struct vma *v = vma_find(mm, start);
        uint64_t stop = v ? MIN(v->end, end) : end;
        if (v && MAX(start, v->start) < stop) {
            err = mark(mm, v, MAX(start, v->start), stop, set,
                       lock_flags(true) & ~set);
        }
        start = stop;
    }
    return err;
}

/* Whether all that is mapped of the range could be touched. */
static bool is_accessible(struct mm *mm, uint64_t start, uint64_t end)
{
    for (struct vma *v = vma_find(mm, start);
         v && start < end && v->start < end; v = vma_next(v)) {
        if (!v->prot) {
            return false;
        }
    }
    return true;
}

int mm_pin(struct mm *mm, uint64_t addr, uint64_t len, bool on, bool populate)
{
    uint64_t end = ALIGN_UP(addr + len, PAGE_SIZE), mapped;
    int err;

    addr = ALIGN_DOWN(addr, PAGE_SIZE);
    if (end < addr) {
        return -EINVAL;
    }
    mm_lock(mm);
    mapped = mapped_end(mm, addr, end);
    err = mark_locked(mm, addr, mapped, on ? lock_flags(!populate) : 0);
    populate =
        populate && mapped == end; /* before a hole it is the mark alone */
    if (!err && on && populate) {
        err = populate_locked(mm, addr, mapped);
        err = err == -EIO || !is_accessible(mm, addr, mapped) ? -ENOMEM : err;
    }
    mm_unlock(mm);
    if (on && populate) {
        mm_touch(mm, addr, mapped, false);
    }
    return err ? err : mapped < end ? -ENOMEM : 0;
}

int mm_pin_all(struct mm *mm, bool now, bool future, bool populate)
{
    int err = 0;

    mm_lock(mm);
    mm->lock_future = future;
    mm->lock_on_touch = !populate;
    if (now || !future) {
        err = mark_locked(mm, arena.start, arena.end,
                          now ? lock_flags(!populate) : 0);
    }
    if (now && populate) {
        populate_locked(mm, arena.start, arena.end); /* best effort */
    }
    mm_unlock(mm);
    if (now && populate) {
        mm_touch(mm, arena.start, arena.end, false);
    }
    return err;
}

/* The first object at or behind *addr that is to be synced, with a reference;
 * *addr moves behind it. NULL: there is none below end. */
static struct vm_object *next_to_sync(struct mm *mm, uint64_t *addr,
                                      uint64_t end)
{
    struct vm_object *o = NULL;

    mm_lock(mm);
    for (struct vma *v = vma_find(mm, *addr); !o && v && v->start < end;
         v = vma_next(v)) {
        if (v->flags & VMA_SHARED && v->obj && v->obj->ops->sync) {
            o = v->obj;
            o->ops->get(o);
        }
        *addr = v->end;
    }
    mm_unlock(mm);
    return o;
}

static int write_back(struct mm *mm, uint64_t addr, uint64_t end)
{
    struct vm_object *o;
    int err = 0;

    while ((o = next_to_sync(mm, &addr, end)) != NULL) {
        int failed = o->ops->sync(o);

        err = err ? err : failed;
        o->ops->put(o);
    }
    return err;
}

int mm_sync(struct mm *mm, uint64_t addr, uint64_t len, bool invalidate,
            bool write)
{
    uint64_t end = addr + ALIGN_UP(len, PAGE_SIZE);
    int err = 0, hole;

    if (end < addr) { /* a length that wraps is none, as on Linux */
        return -ENOMEM;
    }
    mm_lock(mm);
    hole = mapped_end(mm, addr, end) < end ? -ENOMEM : 0;
    for (struct vma *v = vma_find(mm, addr); invalidate && v && v->start < end;
         v = vma_next(v)) {
        err = v->flags & VMA_LOCKED ? -EBUSY : err;
    }
    mm_unlock(mm);
    if (!err && write) {
        err = write_back(mm, addr, end);
    }
    return err ? err : hole;
}
