/* SPDX-License-Identifier: MIT
 *
 * Windows of shared objects (mm.h): address space where an object's pages
 * live while somebody maps it shared. It belongs to an address space of
 * nobody, so that no program gets it for anything else; who maps the object
 * gets a VMA there, and its pages are the owner's to commit.
 *
 * A page of a TEE has one address, so mapping the same part of an object
 * again gives the same place: vma->again counts how often, and as many
 * munmaps take it away. Such a place may be accessed in all ways that any of
 * its mappings asked for.
 */
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "kernel/core/log.h"
#include "abi/linux/errno.h"
#include "target/target.h"

static struct mm *window_mm;

/* They take the part of the arena that can be shown elsewhere. */
int windows_init(void)
{
    int err = mm_create(&window_mm);

    if (!err) {
        isolation_drop_key(window_mm->family->key);
        window_mm->family->key = isolation_shared_key();
    }
    return err || !arena.shown ? err : slots_claim_shown(window_mm);
}

bool window_holds(uint64_t addr)
{
    return slots_own(window_mm->family, addr);
}

int mm_window_alloc(uint64_t len, uint64_t *base)
{
    *base = 0;
    return mm_map(window_mm, base, len, PROT_NONE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);
}

/* Address space is plentiful, but in the SGX1 class. */
uint64_t mm_window_least(void)
{
    uint64_t part = (arena.end - arena.start) / 256;

    return MIN(1ull << 30,
               MAX(ALIGN_DOWN(part, (uint64_t)PAGE_SIZE), 1ull << 20));
}

void mm_window_free(uint64_t base, uint64_t len)
{
    target_mem_release(base, ALIGN_UP(len, PAGE_SIZE));
    if (mm_unmap(window_mm, base, len)) {
        log_warn("window %lx stays reserved", base);
    }
}

int mm_window_commit(uint64_t start, uint64_t end)
{
    int err;

    if (start == end) {
        return 0;
    }
    err = limit_charge((end - start) / PAGE_SIZE);
    if (err) {
        limit_report();
        return err;
    }
    err = target_mem_commit(start, end - start, MEM_READ | MEM_WRITE);
    if (!err && arena.shown) {
        err = alias_note(start, end);
        if (err) {
            target_mem_release(start, end - start);
        }
    }
    if (err) {
        limit_uncharge((end - start) / PAGE_SIZE);
    }
    return err;
}

void mm_window_release(uint64_t start, uint64_t end)
{
    if (start < end) {
        if (arena.shown) {
            alias_revoke(start, end);
        }
        target_mem_release(start, end - start);
        limit_uncharge((end - start) / PAGE_SIZE);
    }
}

/* ---- mappings there ---- */

static int map_first(struct mm *mm, const struct mapping *m, uint64_t start,
                     uint64_t end)
{
    int lock = mm->lock_future ? lock_flags(mm->lock_on_touch) : 0;
    struct vma *v;
    int err = vma_new(mm, start, end, m->prot, m->flags | lock, m->obj,
                      m->off + (start - m->start), &v);

    if (!err) {
        vma_insert(mm, v);
    }
    return err;
}

static int map_again(struct vma *v, const struct mapping *m)
{
    if (v->again == UINT16_MAX) {
        return -ENOMEM;
    }
    v->again++;
    v->prot |= (uint8_t)m->prot;
    if (!(m->flags & VMA_NO_WRITE)) {
        v->flags &= ~(uint32_t)VMA_NO_WRITE;
    }
    return 0;
}

int map_window(struct mm *mm, const struct mapping *m)
{
    int err = vma_split_range(mm, m->start, m->end);
    uint64_t at = m->start, stop;

    if (!mm->windows) {
        mm->windows = true;
        isolation_grant(mm);
    }
    for (; !err && at < m->end; at = err ? at : stop) {
        struct vma *v = vma_find(mm, at);
        check(!v || v->start >= m->end || v->flags & VMA_WINDOW);
        if (v && v->start == at) {
            stop = v->end;
            err = map_again(v, m);
        } else {
            stop = v ? MIN(v->start, m->end) : m->end;
            err = map_first(mm, m, at, stop);
        }
    }
    if (err && at > m->start) {
        int undone = unmap_locked(mm, m->start, at);

        check(!undone); /* nothing to split */
    }
    return err;
}

void unmap_window(struct mm *mm, struct vma *v)
{
    if (v->flags & VMA_ALIAS) {
        target_mem_release(v->start, v->end - v->start);
    }
    if (v->again) {
        v->again--;
    } else {
        vma_remove(mm, v);
    }
}

int mm_unmap_object(struct mm *mm, uint64_t addr,
                    const struct vm_object_ops *ops)
{
    struct vm_object *obj;
    struct vma *v;
    int err = 0;

    mm_lock(mm);
    v = vma_find(mm, addr);
    /* The first piece may have been unmapped by hand. */
    if (!v || !v->obj || v->obj->ops != ops || v->start - v->off != addr) {
        mm_unlock(mm);
        return -EINVAL;
    }
    obj = v->obj;
    while (v && v->obj == obj && v->start - v->off == addr && !err) {
        uint64_t end = v->end;

        err = unmap_locked(mm, v->start, end);
        v = vma_find(mm, end);
    }
    mm_unlock(mm);
    return err;
}

int extend_window(struct mm *mm, struct vma *v, uint64_t end)
{
    uint64_t base;
    int err;

    if (!vma_range_free(mm, v->end, end)) {
        return -ENOMEM;
    }
    err = v->obj->ops->window(v->obj, v->off + (end - v->start), &base);
    if (!err) {
        vma_resize(mm, v, v->start, end);
    }
    return err;
}
