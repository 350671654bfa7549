/* SPDX-License-Identifier: MIT
 *
 * Bringing pages in: what a page fault of the program, or a copy by the
 * kernel that met one, ends in. Anonymous pages are committed; private file
 * pages are read into kernel memory, rewritten if they are code, and
 * installed. Either way the neighbours within a chunk come along.
 *
 * mm->lock is held throughout, also while an object reads.
 */
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "kernel/mm/userfault.h"
#include "kernel/mm/warm.h"
#include "kernel/mm/window.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "target/target.h"

/* SPURIOUS_MAX: faults in a row on one page that is there, before we take it
 * that they will not end. Each thread that waited while another one brought the
 * page in causes one, and there may be thousands. */
enum {
    CHUNK = 64 << 10,
    CHUNK_EAGER = 1 << 20, /* where all of a mapping comes in, in pieces */
    CHUNK_MAX = 2 << 20,
    CHUNKS_MAX = 512,
    WHOLE =
        1792 << 10, /* such a mapping comes in one piece: see brought_in() */
    SPURIOUS_MAX = 200000,
    SERVED = 1, /* of fault_locked(): others bring the page in */
    KEPT = 2,   /* and this: others say when it may be written to */
};

/* So that a large mapping that is touched here and there becomes no more than
 * some hundred of the host. */
static uint64_t chunk_size(const struct vma *v)
{
    uint64_t size = arena.eager ? CHUNK_EAGER : CHUNK;

    while (arena.lazy && size < CHUNK_MAX &&
           (v->end - v->start) / size > CHUNKS_MAX) {
        size *= 2;
    }
    return size;
}

/* What a fault at addr brings in: its chunk. Where a fault costs an enclave's
 * exit, files' mappings that are not large come as a whole. */
static void brought_in(const struct vma *v, uint64_t addr, uint64_t *start,
                       uint64_t *end)
{
    uint64_t size = chunk_size(v), chunk = ALIGN_DOWN(addr, size);
    bool whole = v->obj && !arena.lazy && v->end - v->start <= WHOLE;

    *start = whole ? v->start : MAX(v->start, chunk);
    *end = whole ? v->end : MIN(v->end, chunk + size);
}

/* The run of missing pages around addr, of those that its fault brings in. */
static void missing_run(struct mm *mm, const struct vma *v, uint64_t addr,
                        uint64_t *start, uint64_t *end)
{
    uint64_t at, hi;

    brought_in(v, addr, &at, &hi);
    do {
        *start = resident_find(&mm->resident, at, hi, false);
        *end = resident_find(&mm->resident, *start, hi, true);
        at = *end;
    } while (*end <= addr);
}

/* A piece of an object on its way into an address space. */
struct piece {
    uint8_t *buf; /* pages: before, then [start, end), then after */
    size_t buf_pages, before, after;
    uint64_t start, end;
};

/* Reads [p->start, p->end) of v and, for code, a page around it. Cuts p->end
 * where the object ends. -EIO: nothing exists there. */
static int piece_read(struct piece *p, const struct vma *v)
{
    uint64_t off = v->off + (p->start - v->start) - p->before;
    long n = v->obj->ops->read(v->obj, off, p->buf, p->buf_pages * PAGE_SIZE);

    if (n < 0) {
        return n == -ENOMEM ? -ENOMEM : -EIO;
    }
    if ((size_t)n <= p->before) {
        return -EIO;
    }
    n = ALIGN_UP(n - (long)p->before, (long)PAGE_SIZE);
    if ((uint64_t)n <= p->end - p->start) {
        p->end = p->start + (uint64_t)n;
        p->after = 0;
    }
    return 0;
}

static int piece_install(struct mm *mm, struct piece *p, const struct vma *v)
{
    size_t len = p->end - p->start;
    uint64_t charged;
    int err = pages_charge(mm, p->start, p->end, &charged);

    if (err) {
        return err;
    }
    if (is_text(v)) {
        text_rewrite(mm, p->buf, p->before + len + p->after, p->before,
                     p->before + len, p->start - p->before);
    }
    if (target_mem_install(p->start, p->buf + p->before, len,
                           prot_effective(v->prot))) {
        limit_uncharge(charged);
        return -ENOMEM;
    }
    resident_set(&mm->resident, p->start, p->end);
    return 0;
}

/* While this task slept, a relative has shown some of it (share.c). */
static bool came_meanwhile(struct mm *mm, const struct piece *p)
{
    return resident_find(&mm->resident, p->start, p->end, true) < p->end;
}

static int file_in(struct mm *mm, struct vma *v, uint64_t addr, uint64_t start,
                   uint64_t end)
{
    struct piece p = {.before = 0};
    int err;

    if (arena.shown) {
        (is_text(v) ? text_show : show_object)(mm, v, start, end, true);
        if (resident_test(&mm->resident, addr)) {
            return 0;
        }
        missing_run(mm, v, addr, &start, &end);
    }
    p.start = start;
    p.end = end;

    if (is_text(v)) {
        p.before = v->off + (start - v->start) ? PAGE_SIZE : 0;
        p.after = PAGE_SIZE;
    }
    p.buf_pages = (p.before + (end - start) + p.after) / PAGE_SIZE;
    p.buf = page_alloc(p.buf_pages);
    if (!p.buf) {
        return -ENOMEM;
    }
    err = piece_read(&p, v);
    if (!err && !came_meanwhile(mm, &p)) {
        err = piece_install(mm, &p, v);
    }
    page_free(p.buf, p.buf_pages);
    return err || addr < p.end ? err : -EIO;
}

int fault_fill(struct mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
    return file_in(mm, v, start, start, end);
}

int fault_in(struct mm *mm, struct vma *v, uint64_t addr)
{
    uint64_t start, end;

    if (v->flags & VMA_TRAMPOLINE) {
        return trampoline_fault(mm, addr);
    }
    if (v->flags & VMA_ALIAS) {
        return alias_fault(v, addr);
    }
    if (v->flags & VMA_WINDOW) { /* its pages are there as far as it reaches */
        return -EIO;
    }
    missing_run(mm, v, addr, &start, &end);
    return v->obj ? file_in(mm, v, addr, start, end)
                  : vma_commit(mm, v, start, end, v->prot);
}

/* The GROWSDOWN mapping above addr, grown to hold it, or NULL. */
static struct vma *grow_down(struct mm *mm, uint64_t addr)
{
    struct vma *v = vma_find(mm, addr), *prev;
    uint64_t start = ALIGN_DOWN(addr, (uint64_t)CHUNK), floor;

    if (!v || !(v->flags & VMA_GROWSDOWN)) {
        return NULL;
    }
    prev = vma_prev(v);
    floor = prev ? prev->end + (prev->prot ? STACK_GUARD : 0) : arena.start;
    start = MAX(start, floor);
    if (start > addr || v->end - start > STACK_GROWTH ||
        slots_claim(mm, start, v->start)) {
        return NULL;
    }
    idle_drop(mm, start, v->start);
    if (is_whole(v->flags, NULL) &&
        pages_commit(mm, start, v->start, v->prot)) {
        return NULL;
    }
    vma_resize(mm, v, start, v->end);
    return v;
}

/* The page is there: another thread was faster, or the target did not do as
 * it said. */
static int spurious(struct mm *mm, uint64_t addr)
{
    if (mm->spurious_addr != addr) {
        mm->spurious_addr = addr;
        mm->spurious_count = 0;
    }
    if (++mm->spurious_count < SPURIOUS_MAX) {
        return 0;
    }
    mm->spurious_count = 0;
    log_warn("page %lx keeps faulting although it is there", addr);
    return -EIO;
}

/* A write to what the program protects by userfaultfd(2). */
static int protected(struct mm *mm, struct vma *v, uint64_t addr)
{
    if (!userfault_protects(v)) {
        return userfault_lift(mm, v->start, v->end);
    }
    return userfault_serves(v) && !resident_test(&mm->resident, addr) ? SERVED
                                                                      : KEPT;
}

static int fault_locked(struct mm *mm, uint64_t addr, int access)
{
    struct vma *v = vma_at(mm, addr);

    if (!v) {
        v = grow_down(mm, addr);
    }
    if (!v) {
        idle_close(mm);
    }
    if (!v || v->name == MM_GUARD) {
        return -EFAULT;
    }
    if (v->flags & VMA_GUARDED) {
        return access & ~prot_effective(v->guarded) ? -EACCES : -EFAULT;
    }
    if (v->flags & VMA_PROTECTED && access & MEM_WRITE &&
        v->guarded & PROT_WRITE) {
        return protected(mm, v, addr);
    }
    if (access & ~prot_effective(v->prot)) {
        return -EACCES;
    }
    if (!resident_test(&mm->resident, addr)) {
        return userfault_serves(v) ? SERVED : fault_in(mm, v, addr);
    }
    if (access & MEM_WRITE && guard_holds(mm, addr)) {
        return guard_fault(mm, v, addr);
    }
    return spurious(mm, addr);
}

int mm_fault(struct mm *mm, uint64_t addr, int access)
{
    bool by_program = access & MM_BY_PROGRAM;
    int err;

    access &= ~MM_BY_PROGRAM;
    if (!mm_user_range(addr, 1)) {
        return -EFAULT;
    }
    mm_lock(mm);
    mm->faults++;
    warm_next_fault(mm, addr);
    err = mm->lost ? -ENOMEM
                   : fault_locked(mm, ALIGN_DOWN(addr, PAGE_SIZE), access);
    if (err > 0) { /* the access itself shows whether it is there */
        err = userfault_wait(mm, vma_at(mm, addr),
                             &(struct userfault_event){
                                 .addr = addr,
                                 .write = access & MEM_WRITE,
                                 .kept = err == KEPT,
                             },
                             by_program);
    }
    mm_unlock(mm);
    return err;
}

static int populate_vma(struct mm *mm, struct vma *v, uint64_t start,
                        uint64_t end)
{
    int err = 0;

    start = resident_find(&mm->resident, start, end, false);
    while (!err && start < end) {
        err = fault_in(mm, v, start);
        start = resident_find(&mm->resident, start, end, false);
    }
    return err;
}

int populate_locked(struct mm *mm, uint64_t start, uint64_t end)
{
    int err = 0;

    for (struct vma *v = vma_find(mm, start); v && v->start < end && !err;
         v = vma_next(v)) {
        uint64_t from = MAX(start, v->start), to = MIN(end, v->end);

        if (v->prot && v->flags & VMA_ALIAS) { /* there, unless nothing is */
            err = alias_there(v, from, to) ? 0 : -EIO;
        } else if (v->prot && !(v->flags & (VMA_WINDOW | VMA_TRAMPOLINE)) &&
                   !userfault_serves(v)) {
            err = populate_vma(mm, v, from, to);
        }
    }
    return err;
}

/* Whether a new mapping is filled at once. A fault in an enclave is an exit,
 * and brings in as much as this. */
static bool is_expected(const struct vma *v, uint64_t len, bool fixed)
{
    if (arena.lazy || v->flags & ~(lock_flags(true) | VMA_SHOWN_ONLY)) {
        return false;
    }
    return v->obj ? fixed && v->prot && len <= WHOLE
                  : v->prot & PROT_WRITE && len <= CHUNK;
}

/* No more than [start, end): its neighbours may be about to be replaced. */
static void fill_range(struct mm *mm, struct vma *v, uint64_t start,
                       uint64_t end)
{
    int err = 0;

    start = resident_find(&mm->resident, start, end, false);
    while (!err && start < end) {
        uint64_t stop = resident_find(&mm->resident, start, end, true);

        err = v->obj ? file_in(mm, v, start, start, stop)
                     : pages_commit(mm, start, stop, v->prot);
        start = resident_find(&mm->resident, stop, end, false);
    }
}

void fill_new(struct mm *mm, uint64_t start, uint64_t end, bool fixed)
{
    struct vma *v = vma_at(mm, start);

    if (arena.eager) {
        populate_locked(mm, start, end);
    } else if (v && is_expected(v, end - start, fixed)) {
        if (v->obj && !is_text(v)) { /* code comes by its own segment */
            end = warm_code_begins(mm, v, start, end);
        }
        fill_range(mm, v, start, end);
    }
}

void mm_expect(struct mm *mm, uint64_t addr, uint64_t len)
{
    if (!arena.lazy) {
        mm_lock(mm);
        populate_locked(mm, ALIGN_DOWN(addr, PAGE_SIZE),
                        ALIGN_UP(addr + len, PAGE_SIZE));
        mm_unlock(mm);
    }
}
