/* SPDX-License-Identifier: MIT
 *
 * mseal(2): a sealed mapping stays what it is until the address space ends.
 * The calls that would unmap, move, replace or protect it ask seal_refuses()
 * before they change anything; the seal itself is a flag of the VMA, which
 * splitting, merging and fork(2) carry along.
 */
#include "kernel/mm/room.h"
#include "abi/linux/errno.h"

int seal_refuses(struct mm *mm, uint64_t start, uint64_t end)
{
    struct vma *v = vma_find(mm, start);

    for (; v && v->start < end; v = vma_next(v)) {
        if (v->flags & VMA_SEALED) {
            return -EPERM;
        }
    }
    return 0;
}

bool seal_keeps_content(const struct vma *v)
{
    return v->flags & VMA_SEALED && !v->obj && !(v->flags & VMA_SHARED) &&
           !(v->prot & PROT_WRITE);
}

/* -ENOMEM: part of the range is not mapped. */
static int check_mapped(struct mm *mm, uint64_t start, uint64_t end)
{
    while (start < end) {
        struct vma *v = vma_at(mm, start);

        if (!v || v->flags & VMA_TRAMPOLINE) {
            return -ENOMEM;
        }
        start = v->end;
    }
    return 0;
}

static int seal_locked(struct mm *mm, uint64_t start, uint64_t end)
{
    int err = check_mapped(mm, start, end);

    while (!err && start < end) {
        struct vma *v = vma_at(mm, start);
        uint64_t stop = MIN(v->end, end);

        err = vma_split_range(mm, start, stop);
        if (!err) {
            v = vma_at(mm, start);
            v->flags |= VMA_SEALED;
            vma_merge(mm, v);
        }
        start = stop;
    }
    return err;
}

int mm_seal(struct mm *mm, uint64_t addr, uint64_t len)
{
    uint64_t end = addr + ALIGN_UP(len, PAGE_SIZE);
    int err;

    if (!IS_ALIGNED(addr, PAGE_SIZE) || end < addr || end - addr < len) {
        return -EINVAL;
    }
    mm_lock(mm);
    err = seal_locked(mm, addr, end);
    mm_unlock(mm);
    return err;
}
