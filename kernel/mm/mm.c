/* SPDX-License-Identifier: MIT
 *
 * Address spaces as wholes: birth, death, names, what /proc shows. Resident
 * bytes are what we have committed; where the target commits lazily, that
 * counts pages which were never touched.
 */
#include "kernel/mm/room.h"
#include "kernel/mm/userfault.h"
#include "arch/x86_64/arch.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/text/text_image.h"
#include "kernel/mm/text/text_memo.h"
#include "kernel/mm/warm.h"
#include "kernel/kernel.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "target/target.h"

struct arena arena;
static struct user_hole holes[USER_HOLES];

void mm_holes(const struct user_hole *are)
{
    memcpy(holes, are, sizeof(holes));
}

/* Where what can be shown ends: at a hole, or with the arena. */
static uint64_t end_above(uint64_t addr, uint64_t end)
{
    for (int i = USER_HOLES - 1; i >= 0; i--) {
        if (holes[i].start < holes[i].end && holes[i].start > addr) {
            end = holes[i].start;
        }
    }
    return end;
}

bool arena_is_free_for_pages(uint64_t start, uint64_t end)
{
    return mm_user_range(start, end - start) &&
           (end <= arena.shown || start >= arena.shown_end);
}

static void must_have(int err)
{
    if (err) {
        panic("no memory for the first address space");
    }
}

void mm_init(uint64_t user_start, uint64_t user_end, uint64_t shown,
             bool commit_is_lazy)
{
    arena = (struct arena){.start = user_start,
                           .end = user_end,
                           .shown = shown,
                           .shown_end = shown ? end_above(shown, user_end) : 0,
                           .lazy = commit_is_lazy};
    must_have(slots_init(holes));
    uaccess_init(user_start, user_end, holes);
    text_memo_init();
    text_images_init();
    warm_init();
    alias_init();
    withdraw_init();
    must_have(windows_init());
}

void mm_without_faults(void)
{
    arena.eager = true;
}

void mm_lock(struct mm *mm)
{
    mutex_lock(&mm->lock);
    atomic_store_relaxed(&mm->pieces.fresh, 0);
}

void mm_unlock(struct mm *mm)
{
    struct vma *v = mm->dead, *next;

    mm->dead = NULL;
    atomic_store_relaxed(&mm->pieces.fresh, 0);
    mutex_unlock(&mm->lock);
    for (; v; v = next) {
        next = v->dead_next;
        vma_discard(v);
    }
}

void mm_lock_pieces(struct mm *mm)
{
    mutex_lock(&mm->lock);
}

void mm_unlock_pieces(struct mm *mm)
{
    check(!mm->dead);
    atomic_store_relaxed(&mm->pieces.fresh, 1);
    mutex_unlock(&mm->lock);
}

int mm_alloc(struct mm **out)
{
    struct mm *mm = kzalloc(sizeof(*mm));

    if (!mm) {
        return -ENOMEM;
    }
    mutex_init(&mm->lock, LOCK_MM);
    mm->refs = mm->users = 1;
    sched_gate_init(&mm->gate);
    vma_tree_init(&mm->vmas);
    list_init(&mm->trampolines);
    list_init(&mm->family_node);
    list_init(&mm->alias_node);
    list_init(&mm->all_node);
    list_init(&mm->userfaults);
    *out = mm;
    return 0;
}

int mm_create(struct mm **out)
{
    int err = mm_alloc(out);

    if (!err) {
        (*out)->family = family_create(*out);
        if (!(*out)->family) {
            kfree(*out);
            return -ENOMEM;
        }
        isolation_grant(*out);
        withdraw_enlist(*out);
    }
    return err;
}

void mm_get(struct mm *mm)
{
    atomic_fetch_add(&mm->refs, 1);
}

bool mm_get_living(struct mm *mm)
{
    uint32_t refs = atomic_load(&mm->refs);

    while (refs && !atomic_cas(&mm->refs, &refs, refs + 1)) {
    }
    return refs != 0;
}

void mm_use(struct mm *mm)
{
    mm_get(mm);
    atomic_fetch_add(&mm->users, 1);
}

int mm_visit(struct mm *mm)
{
    uint32_t users = atomic_load(&mm->users);

    do {
        if (!users) {
            return -ESRCH;
        }
    } while (!atomic_cas(&mm->users, &users, users + 1));
    mm_get(mm);
    sched_gate_enter(&mm->gate);
    current_task()->mm = mm;
    mm_lock(mm);
    warm_next_visit(mm);
    mm_unlock(mm);
    return 0;
}

void mm_visit_end(struct mm *home)
{
    struct mm *mm = current_task()->mm;

    mm_leave(mm);
    sched_gate_enter(&home->gate);
    current_task()->mm = home;
    mm_put(mm);
}

bool mm_alive(struct mm *mm)
{
    return atomic_load(&mm->users) != 0;
}

bool mm_is_lost(const struct mm *mm)
{
    return mm->lost;
}

uint64_t mm_counted_pages(const struct mm *mm)
{
    return mm->resident.pages;
}

bool mm_in_use_by_others(struct mm *mm)
{
    return atomic_load(&mm->users) > 1;
}

struct sched_gate *mm_gate(struct mm *mm)
{
    return &mm->gate;
}

void mm_empty(struct mm *mm)
{
    limit_uncharge(family_counts(mm->family, mm));
    trampoline_free_all(mm);
    vma_remove_all(mm);
    resident_free(&mm->resident);
    shown_free(mm);
}

bool mm_leave(struct mm *mm)
{
    if (atomic_sub_fetch(&mm->users, 1) != 0) {
        return false;
    }
    mm->gone = true;
    family_leave(mm);
    return true;
}

void mm_put(struct mm *mm)
{
    if (!mm || atomic_sub_fetch(&mm->refs, 1)) {
        return;
    }
    if (!mm->gone) {
        mm->gone = true;
        family_leave(mm);
    }
    alias_delist(mm);
    withdraw_delist(mm);
    userfault_free_all(mm);
    if (mm->line) {
        isolation_drop_key(mm->line_key);
    }
    kfree(mm->pieces.list);
    kfree(mm->warm);
    kfree(mm);
}

/* ---- names and figures ---- */

struct mm_layout *mm_layout(struct mm *mm)
{
    return &mm->layout;
}

void mm_name(struct mm *mm, uint64_t addr, enum mm_special what)
{
    struct vma *v;

    mm_lock(mm);
    v = vma_at(mm, addr);
    if (v) {
        v->name = (uint8_t)what;
        v->written &= what != MM_VVAR; /* by us */
    }
    mm_unlock(mm);
}

static const char *name_of(const struct vma *v)
{
    static const char *const names[] = {
        [MM_STACK] = "[stack]", [MM_VDSO] = "[vdso]",
        [MM_VVAR] = "[vvar]",   [MM_HEAP] = "[heap]",
        [MM_GUARD] = "",        [MM_AIO] = "/[aio] (deleted)",
    };

    if (v->flags & VMA_TRAMPOLINE) {
        return "[enclos]";
    }
    return v->name ? names[v->name] : "";
}

static const uint32_t hidden = VMA_GUARDED | VMA_PROTECTED;

static int prot_behind_guard(const struct vma *v)
{
    return v->flags & hidden ? v->guarded : v->prot;
}

/* Guards are no mappings of their own, nor is what userfaultfd(2) protects. */
static bool is_same_region(const struct vma *a, const struct vma *b)
{
    uint32_t differ = a->flags ^ b->flags;

    return differ && !(differ & ~hidden) && a->end == b->start &&
           a->obj == b->obj && a->name == b->name && a->policy == b->policy &&
           a->server == b->server && a->serves == b->serves &&
           prot_behind_guard(a) == prot_behind_guard(b) &&
           (!a->obj || a->off + (a->end - a->start) == b->off);
}

static struct vma *region_first(struct vma *v)
{
    struct vma *prev;

    while ((prev = vma_prev(v)) != NULL && is_same_region(prev, v)) {
        v = prev;
    }
    return v;
}

static struct vma *region_last(struct vma *v)
{
    struct vma *next;

    while ((next = vma_next(v)) != NULL && is_same_region(v, next)) {
        v = next;
    }
    return v;
}

/* The region that begins with v. */
static void describe(struct vma *v, struct mm_region *r)
{
    const struct vma *last = region_last(v);

    r->start = v->start;
    r->end = last->end;
    r->offset = v->off;
    r->prot = prot_behind_guard(v);
    r->guarded = v->flags & VMA_GUARDED;
    for (struct vma *part = v; part != last; part = vma_next(part)) {
        r->guarded |= (part->flags | last->flags) & VMA_GUARDED ? true : false;
    }
    r->serves = v->server ? v->serves : 0;
    r->huge = v->flags & VMA_HUGE;
    r->no_huge = v->flags & VMA_NO_HUGE;
    r->sequential = v->flags & VMA_SEQUENTIAL;
    r->random = v->flags & VMA_RANDOM;
    r->shared = v->flags & VMA_SHARED;
    r->locked = v->flags & VMA_LOCKED;
    r->on_fault = v->flags & VMA_ON_FAULT;
    r->no_reserve = v->flags & VMA_NORESERVE;
    r->charged = v->written && !(v->flags & (VMA_SHARED | VMA_NORESERVE));
    r->grows_down = v->flags & VMA_GROWSDOWN;
    r->no_dump = v->flags & (VMA_DONTDUMP | VMA_TRAMPOLINE);
    r->no_fork = v->flags & VMA_DONTFORK;
    r->secret = v->flags & VMA_SECRET;
    r->wiped = v->flags & VMA_WIPEONFORK;
    r->no_write = v->flags & VMA_NO_WRITE;
    r->no_exec = v->flags & VMA_NO_EXEC;
    r->written = !r->shared && v->written;
    r->dev = r->ino = 0;
    if (v->obj) {
        v->obj->ops->describe(v->obj, r->path, sizeof(r->path), &r->dev,
                              &r->ino);
    } else {
        strlcpy(r->path, name_of(v), sizeof(r->path));
    }
}

bool mm_region_from(struct mm *mm, uint64_t addr, struct mm_region *r)
{
    struct vma *v;

    mm_lock(mm);
    v = vma_find(mm, addr);
    while (v && v->name == MM_GUARD) {
        v = vma_next(v);
    }
    if (v) {
        describe(region_first(v), r);
        r->resident = 0;
    }
    mm_unlock(mm);
    return v != NULL;
}

struct vm_object *mm_object_at(struct mm *mm, uint64_t start, uint64_t end)
{
    struct vm_object *o = NULL;
    struct vma *v;

    mm_lock(mm);
    v = vma_at(mm, start);
    if (v && v->start == start && v->end == end && v->obj) {
        o = v->obj;
        o->ops->get(o);
    }
    mm_unlock(mm);
    return o;
}

void mm_for_each(struct mm *mm, bool there,
                 void (*emit)(const struct mm_region *, void *), void *arg)
{
    struct mm_region r;

    mm_lock(mm);
    for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
        if (v->name != MM_GUARD) { /* on Linux nothing is there */
            struct vma *last = region_last(v);

            describe(v, &r);
            r.resident = there ? there_bytes(mm, v) : 0;
            while (v != last) {
                v = vma_next(v);
                r.resident += there ? there_bytes(mm, v) : 0;
            }
            emit(&r, arg);
        }
    }
    mm_unlock(mm);
}

size_t mm_open_part(struct mm *mm, uint64_t addr, size_t len)
{
    struct vma *v;

    if (likely(!atomic_load(&mm->secrets))) {
        return len;
    }
    mm_lock(mm);
    for (v = vma_find(mm, addr); v && !(v->flags & VMA_SECRET);) {
        v = vma_next(v);
    }
    if (v && v->start < addr + len) {
        len = v->start > addr ? v->start - addr : 0;
    }
    mm_unlock(mm);
    return len;
}

size_t mm_peek(struct mm *mm, uint64_t addr, void *buf, size_t len)
{
    size_t done = 0, lost = 0;

    bool there;

    mm_lock(mm);
    there = !mm->gone && mm->family && family_hold(mm);
    while (there && done < len && !lost && mm_user_range(addr + done, 1)) {
        uint64_t page = ALIGN_DOWN(addr + done, (uint64_t)PAGE_SIZE);
        size_t n = MIN(len - done, page + PAGE_SIZE - (addr + done));

        if (!resident_count(&mm->resident, page, page + PAGE_SIZE)) {
            break;
        }
        isolation_open();
        lost = arch_user_copy((char *)buf + done, (void *)(addr + done), n);
        isolation_close();
        done += n - lost;
    }
    if (there) {
        family_let_go(mm);
    }
    mm_unlock(mm);
    return done;
}

bool mm_locks_future(struct mm *mm)
{
    return atomic_load_relaxed(&mm->lock_future);
}

uint64_t mm_locked_in(struct mm *mm, uint64_t addr, uint64_t len)
{
    uint64_t end = addr + len, n = 0;

    mm_lock(mm);
    for (struct vma *v = vma_find(mm, addr); v && v->start < end;
         v = vma_next(v)) {
        if (v->flags & VMA_LOCKED) {
            n += MIN(v->end, end) - MAX(v->start, addr);
        }
    }
    mm_unlock(mm);
    return n;
}

bool mm_maps_file(struct mm *mm, struct uptr addr)
{
    struct vma *v;
    bool is;

    mm_lock(mm);
    v = vma_at(mm, addr.addr);
    is = v && v->obj;
    mm_unlock(mm);
    return is;
}

void mm_get_stats(struct mm *mm, struct mm_stats *out)
{
    mm_lock(mm);
    out->virtual_bytes = mm->virtual_bytes;
    out->resident_bytes = mm->resident.pages * PAGE_SIZE;
    out->peak_bytes = mm->resident.most * PAGE_SIZE;
    out->locked_bytes = mm->locked_bytes;
    out->data_bytes = mm->data_bytes;
    out->faults = mm->faults;
    out->sites_patched = mm->sites_patched;
    out->forks = mm->forks;
    out->fork_bytes = mm->fork_bytes;
    out->swaps = mm->swaps;
    out->swap_bytes = mm->swap_bytes;
    out->swap_ns = mm->swap_ns;
    out->moved_bytes = mm->moved_bytes;
    out->guard_faults = mm->guard_faults;
    mm_unlock(mm);
}
