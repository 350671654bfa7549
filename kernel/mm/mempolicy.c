/* SPDX-License-Identifier: MIT
 *
 * Memory policies of mappings, mbind(2): a number that each keeps, whose
 * meaning is kernel/sys/sys_mempolicy.c's. They part mappings and are told
 * again, no more.
 */
#include "kernel/mm/room.h"
#include "abi/linux/errno.h"

static int set_policy(struct mm *mm, uint64_t start, uint64_t end,
                      uint16_t policy)
{
    struct vma *v;
    int err = 0;

    while (!err && start < end && (v = vma_find(mm, start)) != NULL &&
           v->start < end) {
        uint64_t stop = MIN(v->end, end);

        start = MAX(start, v->start);
        err = v->policy == policy || v->flags & VMA_TRAMPOLINE
                  ? 0
                  : vma_split_range(mm, start, stop);
        if (!err && !(v->flags & VMA_TRAMPOLINE)) {
            v = vma_at(mm, start);
            v->policy = policy;
            vma_merge(mm, v);
        }
        start = stop;
    }
    return err;
}

int mm_set_policy(struct mm *mm, uint64_t addr, uint64_t len, uint16_t policy,
                  bool holes)
{
    uint64_t end = addr + ALIGN_UP(len, PAGE_SIZE);
    bool ok;
    int err;

    if (end < addr) {
        return -EINVAL;
    }
    mm_lock(mm);
    ok = holes ? !vma_range_free(mm, addr, end)
               : mapped_end(mm, addr, end) >= end;
    err = ok ? set_policy(mm, addr, end, policy) : -EFAULT;
    mm_unlock(mm);
    return err;
}

int mm_get_policy(struct mm *mm, uint64_t addr, uint16_t *policy)
{
    struct vma *v;

    mm_lock(mm);
    v = vma_at(mm, addr);
    if (v) {
        *policy = v->policy;
    }
    mm_unlock(mm);
    return v ? 0 : -EFAULT;
}

int mm_each_policy(struct mm *mm, uint64_t addr, uint64_t len,
                   int (*look)(uint16_t policy))
{
    int err = -ENOENT;

    mm_lock(mm);
    for (struct vma *v = vma_find(mm, addr);
         v && v->start < addr + len && (!err || err == -ENOENT);
         v = vma_next(v)) {
        err = v->policy ? look(v->policy) : err;
    }
    mm_unlock(mm);
    return err;
}
