/* SPDX-License-Identifier: MIT
 *
 * brk(2): the heap that begins somewhere behind the program's image. It is one
 * anonymous mapping, named, that grows and shrinks at its end.
 */
#include "kernel/mm/warm.h"
#include "abi/linux/errno.h"
#include "target/target.h"

/* How far behind the image it may begin, as on Linux. */
#define RANDOM_MAX (32ull << 20)
/* What comes with the call of what it grows by, as fill_new() wants it. */
#define AT_ONCE (64ull << 10)

void mm_set_brk(struct mm *mm, uint64_t start, bool at_random)
{
    uint64_t noise, at = ALIGN_UP(start, PAGE_SIZE);

    target_random(&noise, sizeof(noise));
    noise = noise % (RANDOM_MAX / PAGE_SIZE) * PAGE_SIZE;
    mm_lock(mm);
    noise = warm_heap(mm, noise);
    if (at_random && mm_user_range(at, noise + RANDOM_MAX) &&
        vma_range_free(mm, at, at + noise + RANDOM_MAX)) {
        at += noise;
    }
    mm->brk_start = mm->brk = at;
    mm_unlock(mm);
}

static int grow(struct mm *mm, uint64_t from, uint64_t to)
{
    struct mapping m = {.start = from,
                        .end = to,
                        .prot = PROT_READ | PROT_WRITE,
                        .flags = map_large(to - mm->brk_start),
                        .name = MM_HEAP};
    int err;

    /* A page of distance keeps the heap and what is above it apart. */
    if (!mm_user_range(from, to + PAGE_SIZE - from) ||
        !vma_range_free(mm, from, to + PAGE_SIZE)) {
        return -ENOMEM;
    }
    err = slots_claim(mm, from, to);
    if (!err) {
        err = map_at(mm, &m);
    }
    if (!err && mm->lock_future) {
        populate_locked(mm, from, to);
    } else if (!err) {
        fill_new(mm, from, MIN(to, from + AT_ONCE), false);
    }
    return err;
}

uint64_t mm_brk(struct mm *mm, uint64_t addr)
{
    uint64_t from, to = ALIGN_UP(addr, PAGE_SIZE);
    bool touch;
    int err = 0;

    mm_lock(mm);
    from = ALIGN_UP(mm->brk, PAGE_SIZE);
    if (addr < mm->brk_start || to < addr) {
        err = -ENOMEM;
    } else if (to > from) {
        err = grow(mm, from, to);
    } else if (to < from) {
        err = seal_refuses(mm, to, from);
        err = err ? err : unmap_locked(mm, to, from);
    }
    if (!err) {
        mm->brk = addr;
    }
    addr = mm->brk;
    touch = mm->lock_future && !mm->lock_on_touch;
    mm_unlock(mm);
    if (!err && touch && to > from) {
        mm_touch(mm, from, to, false);
    }
    return addr;
}

uint64_t mm_data_bytes(struct mm *mm, uint64_t brk)
{
    uint64_t n;

    mm_lock(mm);
    n = brk > mm->brk_start ? brk - mm->brk_start : 0;
    n += mm->layout.end_data - mm->layout.start_data;
    mm_unlock(mm);
    return n;
}
