/* SPDX-License-Identifier: MIT
 *
 * mprotect(2). The range is gone through VMA by VMA, in order; an error ends
 * the walk and leaves what came before changed, as on Linux. Within one VMA
 * it is all or nothing: pages and VMA never disagree.
 *
 * Code that becomes executable and is not writable any more is searched for
 * system calls (text.c) while it still can be written.
 */
#include "kernel/mm/room.h"
#include "kernel/mm/warm.h"
#include "kernel/core/log.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "target/target.h"

/* A host that refuses may have changed some of it (mprotect(2)). */
static void restore(struct mm *mm, uint64_t start, uint64_t end, int prot)
{
    uint64_t run_end;

    for (; resident_run(&mm->resident, &start, end, &run_end);
         start = run_end) {
        if (target_mem_protect(start, run_end - start, prot)) {
            log_warn("memory at %lx keeps the wrong protection", start);
        }
    }
}

int pages_protect(struct mm *mm, uint64_t start, uint64_t end, int from, int to)
{
    uint64_t at = start, run_end;

    for (; resident_run(&mm->resident, &at, end, &run_end); at = run_end) {
        if (target_mem_protect(at, run_end - at, to)) {
            restore(mm, start, run_end, from);
            return -ENOMEM;
        }
    }
    return 0;
}

/* Not when it was executable already: somebody may be running in it. */
static bool becomes_text(const struct vma *v, int prot)
{
    return prot & PROT_EXEC && !(prot & PROT_WRITE) && !(v->prot & PROT_EXEC) &&
           !(v->flags & VMA_AS_IS);
}

int protect_vma(struct mm *mm, struct vma *v, int prot)
{
    int from = prot_effective(v->prot), to = prot_effective(prot), err = 0;

    if (!(v->flags & VMA_WINDOW)) {
        if (to && !arena_is_free_for_pages(v->start, v->end)) {
            return -ENOMEM; /* set aside over a hole */
        }
        err = family_own(mm, v->start, v->end);
        if (err) {
            return err;
        }
        if (becomes_text(v, prot)) {
            v->written = true;
            text_rewrite_resident(mm, v);
        }
        if (to && !from && is_plain(v->flags, v->obj) && !arena.lazy) {
            err = pages_expect(mm, v->start, v->end);
        }
        if (err) {
            return err;
        }
        if (to && from != to && is_whole(v->flags, v->obj)) {
            err = vma_commit(mm, v, v->start, v->end, to);
            if (err) {
                restore(mm, v->start, v->end, from);
            }
        } else if (from != to && !mm->next.puts_off) {
            err = pages_protect(mm, v->start, v->end, from, to);
        }
    }
    if (!err) {
        mm->data_bytes +=
            (uint64_t)(is_data(v->flags, prot) - is_data(v->flags, v->prot)) *
            (v->end - v->start);
        v->prot = (uint8_t)prot;
        v->written |= prot & PROT_WRITE;
        if (v->flags & VMA_ALIAS && from != to) {
            alias_protect(v);
        }
    }
    return err;
}

/* ours: asked by the kernel, which writes the page of clock data. */
static int may_protect(const struct vma *v, int prot, bool ours)
{
    int more = prot & (PROT_WRITE | PROT_EXEC);

    if (!v || v->flags & VMA_TRAMPOLINE) {
        return -ENOMEM;
    }
    if (v->flags & VMA_SEALED) {
        return -EPERM;
    }
    if (v->name == MM_VVAR && more && !ours) {
        return -EACCES;
    }
    return (more & PROT_WRITE && v->flags & VMA_NO_WRITE) ||
                   (more & PROT_EXEC && v->flags & VMA_NO_EXEC)
               ? -EACCES
               : 0;
}

/* What lies behind a guard changes for when the guard goes. */
static int protect_part(struct mm *mm, struct vma *v, int prot)
{
    int err = 0;

    if (v->flags & VMA_PROTECTED) {
        err = protect_vma(mm, v, prot & ~PROT_WRITE);
    }
    if (!err && v->flags & (VMA_GUARDED | VMA_PROTECTED)) {
        v->guarded = (uint8_t)prot;
        return 0;
    }
    return err ? err : protect_vma(mm, v, prot);
}

static int protect_locked(struct mm *mm, uint64_t start, uint64_t end, int prot,
                          bool ours)
{
    while (start < end) {
        struct vma *v = vma_at(mm, start);
        uint64_t stop = v ? MIN(v->end, end) : end;
        int err = may_protect(v, prot, ours);
        if (!err &&
            (v->flags & (VMA_GUARDED | VMA_PROTECTED) || v->prot != prot)) {
            err = vma_split_range(mm, start, stop);
            v = vma_at(mm, start);
            if (!err) {
                err = protect_part(mm, v, prot);
            }
            vma_merge(mm, v);
        }
        if (err) {
            return err;
        }
        start = stop;
    }
    return 0;
}

/* PROT_GROWSDOWN: from the start of the growing mapping that lies there. */
static int grown_start(struct mm *mm, uint64_t *start, uint64_t end)
{
    struct vma *v = vma_find(mm, *start);

    if (!v || v->start >= end) {
        return -ENOMEM;
    }
    *start = v->start;
    return v->flags & VMA_GROWSDOWN || v->name == MM_STACK ? 0 : -EINVAL;
}

/* What comes before the first mapping that may not become prot (PR_SET_MDWE)
 * still does. */
static int stop_at_gain(struct mm *mm, uint64_t start, uint64_t *end, int prot)
{
    struct vma *v;

    if (likely(!mm->mdwe) || !(prot & PROT_EXEC)) {
        return 0;
    }
    for (v = vma_find(mm, start); v && v->start < *end; v = vma_next(v)) {
        if (prot & PROT_WRITE || !((v->prot | v->guarded) & PROT_EXEC)) {
            *end = MAX(start, v->start);
            return -EACCES;
        }
    }
    return 0;
}

int mm_set_mdwe(struct mm *mm, unsigned bits)
{
    int err;

    mm_lock(mm);
    err = mm->mdwe && mm->mdwe != bits ? -EPERM : 0;
    if (!err) {
        mm->mdwe = (uint8_t)bits;
    }
    mm_unlock(mm);
    return err;
}

unsigned mm_mdwe(const struct mm *mm)
{
    return mm->mdwe;
}

void mm_inherit_mdwe(struct mm *to, const struct mm *from)
{
    to->mdwe = from && !(from->mdwe & PR_MDWE_NO_INHERIT) ? from->mdwe : 0;
}

int mm_protect(struct mm *mm, uint64_t addr, uint64_t len, int prot)
{
    const int rwx = PROT_READ | PROT_WRITE | PROT_EXEC;
    uint64_t end = addr + ALIGN_UP(len, PAGE_SIZE);
    int err = 0, refused;

    if (prot & ~(rwx | PROT_SEM | PROT_GROWSDOWN) ||
        !IS_ALIGNED(addr, PAGE_SIZE)) {
        return -EINVAL;
    }
    if (!len) {
        return 0;
    }
    if (end <= addr || end - addr < len) {
        return -ENOMEM;
    }
    mm_lock(mm);
    if (prot & PROT_GROWSDOWN) {
        err = grown_start(mm, &addr, end);
    }
    refused = err ? err : stop_at_gain(mm, addr, &end, prot);
    if (!err && addr < end) {
        warm_next_protect(mm, addr, end, prot & rwx);
        err = protect_locked(mm, addr, end, prot & rwx, false);
        fill_locked(mm, addr, end);
        err = warm_next_protected(mm, addr, err);
    }
    mm_unlock(mm);
    return err ? err : refused;
}

int mm_unprotect(struct mm *mm, uint64_t addr, int *prot)
{
    struct vma *v;
    int err;

    mm_lock(mm);
    v = vma_at(mm, addr);
    if (!v || v->flags & (VMA_SHARED | VMA_TRAMPOLINE | VMA_GUARDED)) {
        err = -EFAULT;
    } else {
        *prot = v->flags & VMA_PROTECTED ? v->guarded : v->prot;
        err = protect_locked(mm, addr, addr + PAGE_SIZE, *prot | PROT_WRITE,
                             v->name == MM_VVAR);
    }
    mm_unlock(mm);
    return err;
}
