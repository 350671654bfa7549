/* SPDX-License-Identifier: MIT
 *
 * mremap(2). Pages have one address each, so what moves is copied: resident
 * pages, except those that are all zero. Code cannot move, since its rewritten
 * system calls are bound to where they stand; that is -ENOMEM, as it would be
 * without room.
 */
#include "kernel/mm/room.h"
#include "kernel/mm/userfault.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

#define SLACK_MIN (64ull << 20)
#define SLACK_MAX (1ull << 30)

struct move {
    struct vma *v; /* that holds [old, old + old_len); until the tree changes */
    int prot;      /* its */
    uint64_t old, old_len, to, new_len;
    bool keep; /* MREMAP_DONTUNMAP: the old range stays, as if never touched */
};

/* [from, end) is resident and readable; [to, ...) was just committed, to be
 * written. -ENOMEM: a host has taken one of them out of reach. */
static int copy_pages(uint64_t *buf, uint64_t from, uint64_t end, uint64_t to)
{
    for (; from < end; from += PAGE_SIZE, to += PAGE_SIZE) {
        if (arch_user_copy(buf, (const void *)from, PAGE_SIZE) ||
            (!page_is_zero(buf) &&
             arch_user_copy((void *)to, buf, PAGE_SIZE))) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int copy_run(struct mm *mm, int prot, uint64_t *buf, uint64_t from,
                    uint64_t end, uint64_t to)
{
    uint64_t len = end - from;
    int err = pages_commit(mm, to, to + len, PROT_READ | PROT_WRITE);

    if (!err && !prot) {
        err = target_mem_protect(from, len, MEM_READ);
    }
    if (!err) {
        err = copy_pages(buf, from, end, to);
    }
    if (!err && prot != (MEM_READ | MEM_WRITE)) {
        err = target_mem_protect(to, len, prot);
    }
    return err ? -ENOMEM : 0;
}

static int copy_resident(struct mm *mm, const struct move *m)
{
    uint64_t end = m->old + MIN(m->old_len, m->new_len), at = m->old, run_end;
    uint64_t *buf = page_alloc(1);
    int err = buf ? 0 : -ENOMEM;

    for (; !err && resident_run(&mm->resident, &at, end, &run_end);
         at = run_end) {
        err = copy_run(mm, m->prot, buf, at, run_end, at - m->old + m->to);
    }
    page_free(buf, 1);
    return err;
}

/* It stays as a mapping, no part of which is locked any more, as on Linux. */
static int keep_old(struct mm *mm, const struct move *m)
{
    struct vma *v = vma_at(mm, m->old);

    return mark_locked(mm, v->start, v->end, 0);
}

/* Should committing anew fail, a fault tries again. */
static int drop_old(struct mm *mm, const struct move *m)
{
    uint64_t end = m->old + m->old_len;
    struct vma *v = vma_at(mm, m->old);
    int err = family_own(mm, m->old, end);

    if (!err) {
        err = pages_prepare_forget(mm, m->old, end);
    }
    if (err) {
        return err;
    }
    pages_release(mm, m->old, end);
    if (v->prot && is_whole(v->flags, v->obj)) {
        pages_commit(mm, m->old, end, v->prot);
    }
    keep_old(mm, m);
    return 0;
}

/* Its pages stay where they are. old_len 0: a second mapping of them. */
static int move_alias(struct mm *mm, struct move *m, const struct mapping *to)
{
    uint64_t base;
    int err = to->obj->ops->window(to->obj, to->off + m->new_len, &base);

    if (!err) {
        err = map_alias(mm, to);
    }
    if (!err && m->keep) {
        return keep_old(mm, m);
    }
    return err || !m->old_len ? err
                              : unmap_locked(mm, m->old, m->old + m->old_len);
}

static int move(struct mm *mm, struct move *m)
{
    struct mapping to = {.start = m->to,
                         .end = m->to + m->new_len,
                         .prot = m->v->prot,
                         .flags = m->v->flags,
                         .name = m->v->name,
                         .obj = m->v->obj,
                         .off = m->v->off + (m->old - m->v->start),
                         .on_touch = m->v->flags & VMA_ON_TOUCH,
                         .written = m->v->written};
    int err = 0;

    if (m->v->flags & VMA_ALIAS) {
        return move_alias(mm, m, &to);
    }
    if (m->v->prot & PROT_EXEC || m->v->flags & (VMA_WINDOW | VMA_FAMILY)) {
        return -ENOMEM;
    }
    m->prot = prot_effective(m->v->prot);
    if (to.on_touch && m->prot && m->new_len > m->old_len) {
        err = pages_expect(mm, m->to + m->old_len, m->to + m->new_len);
    }
    if (!err) {
        err = map_at(mm, &to);
    }
    if (err) {
        return err;
    }
    err = copy_resident(mm, m);
    if (!err) {
        err = m->keep ? drop_old(mm, m)
                      : unmap_locked(mm, m->old, m->old + m->old_len);
    }
    if (err) {
        unmap_locked(mm, m->to, m->to + m->new_len);
    }
    if (err && !m->prot) { /* some were made readable */
        pages_protect(mm, m->old, m->old + m->old_len, 0, 0);
    }
    return err;
}

/* What comes behind v is v's, but nobody protects it. */
static int new_behind(struct mm *mm, const struct vma *v, uint64_t end,
                      struct vma **out)
{
    int err = vma_new(mm, v->end, end, v->guarded,
                      (int)(v->flags & ~(uint32_t)VMA_PROTECTED), NULL, 0, out);

    if (!err) {
        (*out)->policy = v->policy;
        (*out)->server = v->server;
        (*out)->serves = v->serves;
    }
    return err;
}

/* Brings in what v, private memory, is about to have up to end. */
static int extend_pages(struct mm *mm, const struct vma *v, uint64_t end,
                        int prot)
{
    if (!prot || v->obj) {
        return 0;
    }
    return is_whole(v->flags, v->obj) ? pages_commit(mm, v->end, end, prot)
                                      : pages_expect(mm, v->end, end);
}

static int extend_protected(struct mm *mm, struct vma *v, uint64_t end)
{
    struct vma *more;
    int err = new_behind(mm, v, end, &more);

    if (err) {
        return err;
    }
    err = extend_pages(mm, v, end, more->prot);
    if (err) {
        vma_bury(mm, more);
        return err;
    }
    vma_insert(mm, more);
    return 0;
}

/* The rest behind [old, old + old_len), when that ends a mapping and there is
 * room. */
static int extend(struct mm *mm, const struct move *m)
{
    struct vma *v = vma_at(mm, m->old + m->old_len - PAGE_SIZE);
    uint64_t end = m->old + m->new_len;
    int err;

    if (m->old + m->old_len == v->end && v->flags & VMA_WINDOW &&
        !(v->flags & VMA_ALIAS)) {
        return extend_window(mm, v, end);
    }
    if (m->old + m->old_len != v->end || v->flags & VMA_FAMILY ||
        !mm_user_range(m->old, m->new_len) ||
        !vma_range_free(mm, v->end, end) || slots_claim(mm, v->end, end)) {
        return -ENOMEM;
    }
    if (v->flags & VMA_ALIAS) {
        uint64_t base;
        err = v->obj->ops->window(v->obj, v->off + (end - v->start), &base);
        if (err) {
            return err;
        }
    }
    idle_drop(mm, v->end, end);
    if (v->flags & VMA_PROTECTED) {
        return extend_protected(mm, v, end);
    }
    err = extend_pages(mm, v, end, v->prot);
    if (err) {
        return err;
    }
    vma_resize(mm, v, v->start, end);
    vma_merge(mm, v);
    return 0;
}

/* What grows once grows again: room is left above, so that the next time
 * nothing is copied. */
static int move_anywhere(struct mm *mm, struct move *m)
{
    uint64_t slack = MIN(MAX(m->new_len * 3, SLACK_MIN), SLACK_MAX);

    m->to = map_find_gap(mm, m->new_len + slack);
    if (!m->to) {
        m->to = map_find_room(mm, m->new_len);
    }
    return m->to ? move(mm, m) : -ENOMEM;
}

static int move_fixed(struct mm *mm, struct move *m)
{
    int err = map_fix(mm, m->to, m->new_len, m->v->prot, MAP_FIXED);

    if (!err) {
        err = unmap_locked(mm, m->to, m->to + m->new_len);
    }
    if (!err && m->new_len < m->old_len) {
        err = unmap_locked(mm, m->old + m->new_len, m->old + m->old_len);
        m->old_len = m->new_len;
    }
    m->v = vma_at(mm, m->old);
    return err ? err : move(mm, m);
}

/* What moves is registered with nobody, and becomes one mapping. */
static int lift(struct mm *mm, struct move *m)
{
    int err = userfault_lift(mm, m->old, m->old + m->old_len);

    m->v = vma_at(mm, m->old);
    return err;
}

static int remap_locked(struct mm *mm, struct move *m, int flags)
{
    int err;

    m->v = vma_at(mm, m->old);
    if (!m->v || m->v->flags & VMA_TRAMPOLINE) {
        return -EFAULT;
    }
    if (seal_refuses(mm, m->old, m->old + MAX(m->old_len, 1ul)) ||
        (flags & MREMAP_FIXED && seal_refuses(mm, m->to, m->to + m->new_len))) {
        return -EPERM;
    }
    if (!m->old_len && !(m->v->flags & VMA_SHARED)) {
        return -EINVAL;
    }
    if (!m->old_len &&
        (!(m->v->flags & VMA_ALIAS) || !(flags & MREMAP_MAYMOVE))) {
        return -ENOMEM;
    }
    if (!(flags & MREMAP_FIXED) && !m->keep && m->old_len &&
        m->new_len <= m->old_len) {
        m->to = m->old;
        return unmap_locked(mm, m->old + m->new_len, m->old + m->old_len);
    }
    /* Of what becomes shorter the rest goes first, whatever it is. */
    if ((flags & MREMAP_FIXED ? MIN(m->old_len, m->new_len) : m->old_len) >
        userfault_end(m->v) - m->old) {
        return -EFAULT;
    }
    if (m->v->name == MM_AIO && (m->keep || m->new_len > m->old_len)) {
        return m->keep ? -EINVAL : -EFAULT; /* VM_DONTEXPAND */
    }
    if (!(flags & MREMAP_FIXED) && !m->keep) {
        m->to = m->old;
        err = m->old_len ? extend(mm, m) : -ENOMEM;
        if (!err || !(flags & MREMAP_MAYMOVE)) {
            return err;
        }
    }
    err = lift(mm, m);
    if (err) {
        return err;
    }
    if (flags & MREMAP_FIXED) {
        return move_fixed(mm, m);
    }
    return m->keep && m->to && map_is_free(mm, m->to, m->new_len)
               ? move(mm, m)
               : move_anywhere(mm, m);
}

/* Whether a range only moves, to one place: then it may be several mappings. */
static bool only_moves(const struct move *m, int flags)
{
    return flags & MREMAP_FIXED && m->old_len && m->old_len == m->new_len;
}

/* The next mapping of [at, end) that programs know of. */
static struct vma *next_to_move(struct mm *mm, uint64_t at, uint64_t end)
{
    struct vma *v = vma_find(mm, at);

    while (v && (v->flags & VMA_TRAMPOLINE || v->name == MM_GUARD)) {
        v = vma_next(v);
    }
    return v && at < end && v->start < end ? v : NULL;
}

/* Mapping by mapping, as far from each other as they were. What the new place
 * has between them stays, and so do, after an error, those that have moved. */
static int move_each(struct mm *mm, const struct move *all, int flags)
{
    uint64_t end = all->old + all->old_len, at = all->old;
    struct vma *v = next_to_move(mm, at, end);
    int err = v && v->start <= at ? 0 : -EFAULT;

    while (!err && v) {
        struct move m = *all;

        m.old = MAX(at, v->start);
        at = MIN(end, v->end);
        m.old_len = m.new_len = at - m.old;
        m.to = all->to + (m.old - all->old);
        if (v->server && m.old_len < all->old_len) {
            return -EFAULT;
        }
        err = remap_locked(mm, &m, flags);
        v = next_to_move(mm, at, end);
    }
    return err;
}

static bool overlap(const struct move *m)
{
    return m->old < m->to + m->new_len && m->to < m->old + m->old_len;
}

int mm_remap(struct mm *mm, uint64_t old, uint64_t old_len, uint64_t new_len,
             int flags, uint64_t *addr)
{
    struct move m = {.old = old,
                     .old_len = ALIGN_UP(old_len, PAGE_SIZE),
                     .to = *addr,
                     .new_len = ALIGN_UP(new_len, PAGE_SIZE),
                     .keep = flags & MREMAP_DONTUNMAP};
    bool locked = false;
    struct vma *v;
    int err;

    if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
        (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) &&
         !(flags & MREMAP_MAYMOVE)) ||
        (m.keep && m.old_len != m.new_len) || !IS_ALIGNED(old, PAGE_SIZE) ||
        !m.new_len) {
        return -EINVAL;
    }
    if ((flags & MREMAP_FIXED && !mm_user_range(m.to, m.new_len)) ||
        (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) &&
         (!IS_ALIGNED(m.to, PAGE_SIZE) || !mm_linux_range(m.to, m.new_len) ||
          overlap(&m)))) {
        return -EINVAL;
    }
    if (m.old_len < old_len || m.new_len < new_len) {
        return -EINVAL;
    }
    mm_lock(mm);
    err = only_moves(&m, flags) ? move_each(mm, &m, flags)
                                : remap_locked(mm, &m, flags);
    if (!err) {
        *addr = m.to;
        if (mm->lock_future) {
            populate_locked(mm, m.to, m.to + m.new_len);
        }
        fill_locked(mm, m.to, m.to + m.new_len);
        v = vma_at(mm, m.to);
        locked = v && v->flags & VMA_LOCKED && !mm->lock_on_touch;
    }
    mm_unlock(mm);
    if (!err && locked && m.new_len > m.old_len) {
        mm_touch(mm, m.to + m.old_len, m.to + m.new_len, false);
    }
    return err;
}
