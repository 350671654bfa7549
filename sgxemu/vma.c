/* SPDX-License-Identifier: MIT */
/*
 * Which pages of an enclave this process has mapped, with what protection
 * and protection key: what the driver's VMAs hold. The host's page tables
 * get the intersection of that with the EPCM (vma_apply), so that one fault
 * stands for both refusals and pagefault.c tells them apart. All under
 * process_lock().
 */
#include "sgxemu/enclave.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define VMA_MAX 60000u /* below vm.max_map_count */

struct vma *vma_find(struct enclave *e, uint64_t page)
{
    uint32_t low = 0, high = e->vma_count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        struct vma *v = &e->vmas[middle];

        if (page < v->start) {
            high = middle;
        } else if (page >= v->end) {
            low = middle + 1;
        } else {
            return v;
        }
    }
    return NULL;
}

int vma_prot(struct enclave *e, uint64_t page)
{
    struct vma *v;
    int prot;

    process_lock();
    v = vma_find(e, page);
    prot = v ? v->prot : -1;
    process_unlock();
    return prot;
}

/* For one more mmap, mprotect or munmap: each adds two at most. */
bool vma_room(const struct enclave *e)
{
    return e->vma_count + 4 <= VMA_MAX;
}

static void insert_at(struct enclave *e, uint32_t at, struct vma v)
{
    if (e->vma_count >= VMA_MAX) {
        emu_panic("too many enclave mappings", e->base, v.start);
    }
    memmove(&e->vmas[at + 1], &e->vmas[at],
            (e->vma_count - at) * sizeof(*e->vmas));
    e->vmas[at] = v;
    e->vma_count++;
}

/* VMAs [at, to). */
static void remove_range(struct enclave *e, uint32_t at, uint32_t to)
{
    memmove(&e->vmas[at], &e->vmas[to], (e->vma_count - to) * sizeof(*e->vmas));
    e->vma_count -= to - at;
}

static void remove_at(struct enclave *e, uint32_t at)
{
    remove_range(e, at, at + 1);
}

/* Index of the first VMA that ends after the page. */
static uint32_t lower_bound(struct enclave *e, uint64_t page)
{
    uint32_t low = 0, high = e->vma_count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (e->vmas[middle].end <= page) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Cuts the VMA that spans the page boundary in two. */
static void split(struct enclave *e, uint64_t page)
{
    uint32_t at = lower_bound(e, page);
    struct vma *v = &e->vmas[at];

    if (at < e->vma_count && v->start < page) {
        struct vma right = *v;

        right.start = page;
        v->end = page;
        insert_at(e, at + 1, right);
    }
}

bool vma_splits(struct enclave *e, uint64_t start, uint64_t end)
{
    struct vma *first = vma_find(e, start), *last = vma_find(e, end);

    return (first && first->start < start) || (last && last->start < end);
}

void vma_clear(struct enclave *e, uint64_t start, uint64_t end)
{
    split(e, start);
    split(e, end);
    remove_range(e, lower_bound(e, start), lower_bound(e, end));
}

static bool joins(const struct vma *a, const struct vma *b)
{
    return a->end == b->start && a->prot == b->prot && a->key == b->key &&
           a->dontfork == b->dontfork;
}

static void replace(struct enclave *e, struct vma v)
{
    uint32_t at;

    vma_clear(e, v.start, v.end);
    at = lower_bound(e, v.start);
    insert_at(e, at, v);
    if (at + 1 < e->vma_count && joins(&e->vmas[at], &e->vmas[at + 1])) {
        e->vmas[at].end = e->vmas[at + 1].end;
        remove_at(e, at + 1);
    }
    if (at > 0 && joins(&e->vmas[at - 1], &e->vmas[at])) {
        e->vmas[at - 1].end = e->vmas[at].end;
        remove_at(e, at);
    }
}

void vma_set(struct enclave *e, uint64_t start, uint64_t end, int prot, int key)
{
    replace(e, (struct vma){.start = start,
                            .end = end,
                            .prot = (uint8_t)(prot & 7),
                            .key = (int8_t)key});
}

void vma_dontfork(struct enclave *e, uint64_t start, uint64_t end)
{
    if (!vma_room(e)) {
        return;
    }
    split(e, start);
    split(e, end);
    for (uint32_t i = lower_bound(e, start);
         i < e->vma_count && e->vmas[i].start < end; i++) {
        e->vmas[i].dontfork = true;
    }
}

void vma_forked(struct enclave *e)
{
    for (uint32_t i = e->vma_count; i > 0; i--) {
        if (e->vmas[i - 1].dontfork) {
            remove_at(e, i - 1);
        }
    }
}

static int page_prot(struct enclave *e, const struct vma *v, uint64_t page)
{
    epcm_t entry = epcm_get(e, page);

    if (entry & EPCM_RECLAIMED || v->prot & ~EPCM_MAX(entry)) {
        return PROT_NONE;
    }
    return v->prot & epcm_access(entry);
}

static long protect(struct enclave *e, const struct vma *v, uint64_t start,
                    uint64_t end, int prot)
{
    int key = v->key > 0 ? v->key : key_enclave;

    return sys4(SYS_pkey_mprotect, e->base + start * PAGE, (end - start) * PAGE,
                prot, key);
}

/* One VMA's part: runs of equal protection, and nothing where no page is. */
static long apply_vma(struct enclave *e, const struct vma *v, uint64_t start,
                      uint64_t end)
{
    long err = 0;

    while (start < end && !err) {
        uint64_t run = epcm_next(e, start, end);
        int prot = PROT_NONE;

        if (run == start) {
            prot = page_prot(e, v, start);
            for (run++; run < end && epcm_get(e, run) & EPCM_VALID &&
                        page_prot(e, v, run) == prot;
                 run++) {
            }
        }
        err = protect(e, v, start, run, prot);
        start = run;
    }
    return err;
}

long vma_apply(struct enclave *e, uint64_t start, uint64_t end)
{
    if (!e->shared->created) {
        return 0;
    }
    twin_drop(e, start, end);
    for (uint32_t i = lower_bound(e, start);
         i < e->vma_count && e->vmas[i].start < end; i++) {
        struct vma v = e->vmas[i];
        uint64_t from = v.start > start ? v.start : start;
        uint64_t to = v.end < end ? v.end : end;
        long err = apply_vma(e, &v, from, to);

        if (err) {
            return err;
        }
    }
    return 0;
}

/* The driver's rule: no mapping may ask for more than any page's SECINFO. */
static long may_map(struct enclave *e, uint64_t start, uint64_t end, int prot)
{
    uint64_t page = epcm_next(e, start, end);

    for (; page < end; page = epcm_next(e, page + 1, end)) {
        if (prot & 7 & ~(int)EPCM_MAX(epcm_get(e, page))) {
            return -EACCES;
        }
    }
    return 0;
}

/* Before ECREATE nobody knows the base: the VMA counts pages from address 0
 * and vma_rebase() moves it. This is how programs find an aligned range. */
static long map_early(struct enclave *e, uint64_t address, uint64_t length,
                      int prot, int flags)
{
    long at = sys6(SYS_mmap, (long)address, (long)length, PROT_NONE,
                   (flags & ~MAP_TYPE) | MAP_SHARED | MAP_NORESERVE, e->fd, 0);

    if (!sys_failed(at)) {
        vma_set(e, (uint64_t)at / PAGE, ((uint64_t)at + length) / PAGE, prot,
                0);
    }
    return at;
}

void vma_rebase(struct enclave *e)
{
    uint64_t first = e->base / PAGE, last = first + e->size / PAGE;
    uint32_t kept = 0;

    split(e, first);
    split(e, last);
    for (uint32_t i = 0; i < e->vma_count; i++) {
        struct vma v = e->vmas[i];

        if (v.start < first || v.end > last) {
            continue;
        }
        v.start -= first;
        v.end -= first;
        sys6(SYS_mmap, (long)(e->base + v.start * PAGE),
             (long)((v.end - v.start) * PAGE), PROT_NONE,
             MAP_SHARED | MAP_FIXED | MAP_NORESERVE, e->fd,
             (long)(v.start * PAGE));
        e->vmas[kept++] = v;
    }
    e->vma_count = kept;
}

long vma_mmap(struct enclave *e, int fd, uint64_t address, uint64_t length,
              int prot, int flags)
{
    uint64_t start, end;
    long result;

    if ((flags & MAP_TYPE) == MAP_PRIVATE) {
        return -EINVAL; /* sgx_get_unmapped_area() */
    }
    if (e->shared->access_mode == O_WRONLY ||
        (e->shared->access_mode == O_RDONLY && prot & PROT_WRITE)) {
        return -EACCES; /* mmap(2), before the driver */
    }
    if (!vma_room(e)) {
        return -ENOMEM;
    }
    length = PAGE_UP(length);
    if (!e->shared->created) {
        return map_early(e, address, length, prot, flags);
    }
    if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
        return -EACCES;
    }
    if (address < e->base || length > e->size ||
        address - e->base > e->size - length) {
        return -EACCES;
    }
    start = (address - e->base) / PAGE;
    end = start + length / PAGE;
    result = may_map(e, start, end, prot);
    if (result) {
        return result;
    }
    result = sys6(SYS_mmap, (long)address, (long)length, PROT_NONE,
                  (flags & ~MAP_TYPE) | MAP_SHARED | MAP_NORESERVE, e->fd,
                  (long)(start * PAGE));
    if (sys_failed(result)) {
        return result;
    }
    vma_set(e, start, end, prot, 0);
    vma_apply(e, start, end);
    return result;
}

long vma_mprotect(struct enclave *e, uint64_t address, uint64_t length,
                  int prot, int key)
{
    uint64_t start = (address - e->base) / PAGE;
    uint64_t end = start + PAGE_UP(length) / PAGE;
    long err;

    if (!vma_room(e)) {
        return -ENOMEM;
    }
    for (uint64_t page = start; page < end;) {
        struct vma *v = vma_find(e, page);

        if (v == NULL) {
            return -ENOMEM;
        }
        page = v->end;
    }
    err = may_map(e, start, end, prot);
    for (uint64_t page = start; page < end && !err;) {
        struct vma v = *vma_find(e, page);

        v.start = page;
        v.end = v.end < end ? v.end : end;
        v.prot = (uint8_t)(prot & 7);
        v.key = (int8_t)(key < 0 ? v.key : key);
        replace(e, v);
        page = v.end;
    }
    return err ? err : vma_apply(e, start, end);
}
