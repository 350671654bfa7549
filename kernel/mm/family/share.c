/* SPDX-License-Identifier: MIT
 *
 * What one member of a family shows for the first time and cannot write (code
 * of a library, its slots), the others get with it: it becomes one of the
 * common pages, which no exchange has to look at. They must have the same
 * mapping there, and none of its pages.
 */
#include "kernel/mm/limit.h"
#include "kernel/mm/text/trampoline.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"

/* Whether `other` would show the same in [addr, addr + len) of v. */
static bool takes(struct mm *other, const struct vma *v, uint64_t addr,
                  uint64_t len)
{
    const struct vma *o = vma_at(other, addr);

    return o && !other->stranger && o->end >= addr + len &&
           o->prot == v->prot && o->flags == v->flags && o->obj == v->obj &&
           (!o->obj ||
            o->off + (addr - o->start) == v->off + (addr - v->start)) &&
           resident_find(&other->resident, addr, addr + len, true) ==
               addr + len;
}

static int prepare(struct mm *other, uint64_t addr, uint64_t end)
{
    int err = shown_make_room(other);

    if (!err) {
        err = resident_prepare(&other->resident, addr, end);
    }
    return err ? err : limit_charge((end - addr) / PAGE_SIZE);
}

static void give(struct mm *other, uint64_t addr, char *src, uint64_t len)
{
    if (!arena_in_shown((uint64_t)src)) {
        page_get(src, len / PAGE_SIZE);
    }
    shown_add(other, addr, src, len);
    resident_set(&other->resident, addr, addr + len);
}

/* -EINVAL: one of them has something else there. */
static int prepare_all(struct mm *mm, const struct vma *v, uint64_t addr,
                       uint64_t len, const struct text_image *img,
                       uint64_t slots, unsigned *charged)
{
    list_for_each (pos, &mm->family->members) {
        struct mm *other = list_entry(pos, struct mm, family_node);
        int err;

        if (other == mm) {
            continue;
        }
        if (!takes(other, v, addr, len) ||
            (img && !trampoline_shows(other, slots, img))) {
            return -EINVAL;
        }
        err = prepare(other, addr, addr + len);
        if (err) {
            return err;
        }
        ++*charged;
    }
    return resident_prepare(&mm->family->common, addr, addr + len);
}

void share_shown(struct mm *mm, const struct vma *v, uint64_t addr, char *src,
                 uint64_t len, const struct text_image *img, uint64_t slots)
{
    struct family *f = mm->family;
    unsigned charged = 0;

    if (likely(f->count == 1) || !v->prot || v->prot & PROT_WRITE ||
        v->flags & (VMA_FAMILY | VMA_DONTFORK)) {
        return;
    }
    if (prepare_all(mm, v, addr, len, img, slots, &charged)) {
        limit_uncharge(charged * (len / PAGE_SIZE));
        return;
    }
    list_for_each (pos, &f->members) {
        struct mm *other = list_entry(pos, struct mm, family_node);
        if (other != mm) {
            give(other, addr, src, len);
        }
    }
    resident_set(&f->common, addr, addr + len);
    f->changes++;
}
