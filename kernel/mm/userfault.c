/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2) in an address space. A VMA names who serves it; its pages are
 * committed one by one then (VMA_ON_TOUCH), by userfault_fill(). Who faults is
 * in line before mm->lock is released, and who fills takes that lock before he
 * wakes, so nobody waits for what has come.
 *
 * A closed one stays with its VMAs until the next is made: a descriptor's last
 * reference may go where mm->lock must not be taken.
 */
#include "kernel/mm/userfault.h"
#include "kernel/mm/family/families.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"
#include "abi/linux/userfaultfd.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

/* Takes those out of mm's list that nobody uses any more. Who stood in line
 * leaves it with mm->lock, which is held here, too. */
static void take_unused(struct mm *mm, struct list *out)
{
    list_for_each_safe (pos, &mm->userfaults) {
        struct userfault *u = list_entry(pos, struct userfault, node);

        if (atomic_load_acquire(&u->unused) && list_empty(&u->events)) {
            list_del(&u->node);
            list_add_tail(out, &u->node);
            u->forgotten = true;
        }
    }
}

/* One that is closed meanwhile is for the next time: some of its VMAs may have
 * been passed already. */
static void forget_unused(struct mm *mm)
{
    struct list gone = LIST_INIT(gone), *pos;

    take_unused(mm, &gone);
    for (struct vma *v = vma_first(mm); v && !list_empty(&gone);
         v = vma_next(v)) {
        if (v->server && v->server->forgotten) {
            v->server = NULL;
            v->serves = 0;
            v = vma_merge(mm, v);
        }
    }
    while ((pos = list_pop(&gone)) != NULL) {
        kfree(list_entry(pos, struct userfault, node));
    }
}

int userfault_new(struct userfault **out)
{
    struct mm *mm = current_task()->mm;
    struct userfault *u = kzalloc(sizeof(*u));

    if (!u) {
        return -ENOMEM;
    }
    spin_init(&u->lock, LOCK_PIPE);
    list_init(&u->events);
    wait_queue_init(&u->wait);
    wait_queue_init(&u->stand);
    u->mm = mm;
    mm_get(mm);
    mm_lock(mm);
    forget_unused(mm);
    list_add_tail(&mm->userfaults, &u->node);
    mm_unlock(mm);
    *out = u;
    return 0;
}

void userfault_free_all(struct mm *mm)
{
    while (!list_empty(&mm->userfaults)) {
        struct userfault *u =
            list_entry(mm->userfaults.next, struct userfault, node);

        list_del(&u->node);
        kfree(u);
    }
}

/* ---- events ---- */

/* Ends those of [start, end). */
static void end_events(struct userfault *u, uint64_t start, uint64_t end)
{
    spin_lock(&u->lock);
    list_for_each (pos, &u->events) {
        struct userfault_event *e =
            list_entry(pos, struct userfault_event, node);

        if (e->addr >= start && e->addr < end) {
            atomic_store_release(&e->done, true);
        }
    }
    spin_unlock(&u->lock);
    wait_wake_all(&u->stand);
}

void userfault_close(struct userfault *u)
{
    struct mm *mm = u->mm;

    spin_lock(&u->lock);
    atomic_store_release(&u->closed, true);
    spin_unlock(&u->lock);
    end_events(u, 0, UINT64_MAX);
    atomic_store_release(&u->unused, true); /* it may be gone from here on */
    mm_put(mm);
}

void userfault_wake(struct userfault *u, uint64_t start, uint64_t len)
{
    end_events(u, start, start + len);
}

static struct userfault_event *first_untold(struct userfault *u)
{
    list_for_each (pos, &u->events) {
        struct userfault_event *e =
            list_entry(pos, struct userfault_event, node);

        if (!e->told && !e->done) {
            return e;
        }
    }
    return NULL;
}

bool userfault_next(struct userfault *u, struct userfault_event *out)
{
    struct userfault_event *e;

    spin_lock(&u->lock);
    e = first_untold(u);
    if (e) {
        e->told = true;
        *out = *e;
    }
    spin_unlock(&u->lock);
    return e != NULL;
}

bool userfault_pending(struct userfault *u)
{
    bool any;

    spin_lock(&u->lock);
    any = first_untold(u) != NULL;
    spin_unlock(&u->lock);
    return any;
}

bool userfault_has(const struct vma *v, unsigned mode)
{
    return v->server && v->serves & mode &&
           !atomic_load_acquire(&v->server->closed);
}

bool userfault_serves(const struct vma *v)
{
    return userfault_has(v, UFFDIO_REGISTER_MODE_MISSING);
}

/* The kernel's own access, in the middle of a call, goes on whatever signal
 * comes, as on Linux; only what kills the task ends it. */
static bool is_answered(const struct userfault_event *e, bool by_program)
{
    return atomic_load_acquire(&e->done) ||
           (!by_program && task_is_killed(current_task()));
}

int userfault_wait(struct mm *mm, struct vma *v, struct userfault_event *e,
                   bool by_program)
{
    struct userfault *u = v->server;
    int err = u->as_sigbus                      ? -EIO
              : u->programs_only && !by_program ? -EFAULT
                                                : 0;

    if (err) {
        return err;
    }
    /* u is there as long as its mm, which is the caller's. */
    spin_lock(&u->lock);
    list_add_tail(&u->events, &e->node);
    e->done = u->closed;
    spin_unlock(&u->lock);
    mm_unlock(mm);
    wait_wake(&u->wait, ~0u, 1);
    err = wait_event(&u->stand, is_answered(e, by_program), DEADLINE_NONE,
                     by_program ? WAIT_INTR : 0);
    mm_lock(mm);
    spin_lock(&u->lock);
    list_del(&e->node);
    spin_unlock(&u->lock);
    /* The program's own access is made anew after the signal. */
    return err || atomic_load_acquire(&e->done) ? 0 : -EFAULT;
}

/* ---- ranges ---- */

static bool can_be_served(const struct vma *v)
{
    const int never = VMA_SHARED | VMA_FAMILY | VMA_GUARDED | VMA_TRAMPOLINE;

    return !v->obj && !(v->flags & never) &&
           (!v->name || v->name == MM_HEAP || v->name == MM_STACK);
}

static int release(struct mm *mm, uint64_t start, uint64_t end)
{
    int err = start < end ? pages_prepare_forget(mm, start, end) : 0;

    if (!err) {
        pages_release(mm, start, end);
    }
    return err;
}

/* Where nobody knows what was touched, what has no content is taken as what was
 * not: such a page may be there since it was mapped. */
static int release_zero(struct mm *mm, uint64_t start, uint64_t end)
{
    void *buf = page_alloc(1);
    int err = buf ? 0 : -ENOMEM;
    uint64_t stop;

    while (!err && resident_run(&mm->resident, &start, end, &stop)) {
        for (; start < stop && !err; start += PAGE_SIZE) {
            if (!arch_user_copy(buf, (const void *)start, PAGE_SIZE) &&
                page_is_zero(buf)) {
                err = release(mm, start, start + PAGE_SIZE);
            }
        }
    }
    if (buf) {
        page_free(buf, 1);
    }
    return err;
}

/* Those that are whole are so no more: what nobody touched is missing. */
static int release_untouched(struct mm *mm, uint64_t start, uint64_t end)
{
    struct touched t = {.from = start, .end = end};
    uint64_t at = start, stop;
    int err = family_own(mm, start, end);

    if (!err && !arena.lazy) {
        return release_zero(mm, start, end);
    }
    while (!err && start < end && touched_next(&t, &at, end, &stop)) {
        err = release(mm, start, at);
        start = at = stop;
    }
    return err ? err : release(mm, start, end);
}

static bool is_served(const struct vma *v)
{
    return userfault_has(v, ~0u);
}

/* another: what it is when others serve some of it. */
static int check_range(struct userfault *u, uint64_t start, uint64_t end,
                       int another)
{
    struct vma *v = vma_find(u->mm, start);
    int err = u->mm->gone ? -ENOMEM : !v || v->start >= end ? -EINVAL : 0;

    for (; !err && v && v->start < end; v = vma_next(v)) {
        if (v->flags & VMA_TRAMPOLINE) {
            continue;
        }
        err = !can_be_served(v)                ? -EINVAL
              : is_served(v) && v->server != u ? another
                                               : 0;
    }
    return err;
}

static int serve(struct userfault *u, uint64_t start, uint64_t end,
                 unsigned mode)
{
    struct mm *mm = u->mm;
    int err = vma_split_range(mm, start, end);

    for (struct vma *v = vma_find(mm, start); !err && v && v->start < end;
         v = vma_next(v)) {
        if (v->flags & VMA_TRAMPOLINE ||
            (v->server == u && v->serves == mode)) {
            continue;
        }
        if (mode & UFFDIO_REGISTER_MODE_MISSING && !(v->flags & VMA_ON_TOUCH)) {
            err = release_untouched(mm, v->start, v->end);
        }
        if (!err) {
            v->flags |= mode & UFFDIO_REGISTER_MODE_MISSING ? VMA_ON_TOUCH : 0;
            v->server = u;
            v->serves = (uint8_t)mode;
            v = vma_merge(mm, v);
        }
    }
    return err;
}

/* Who registers may be a relative, whose pages must be there. */
int userfault_enter(struct mm *mm)
{
    return mm == current_task()->mm ? 0 : mm_visit(mm);
}

void userfault_leave(struct mm *home)
{
    if (current_task()->mm != home) {
        mm_visit_end(home);
    }
}

int userfault_register(struct userfault *u, uint64_t start, uint64_t len,
                       unsigned mode)
{
    struct mm *home = current_task()->mm;
    int err = userfault_enter(u->mm);

    if (err) {
        return err;
    }
    mm_lock(u->mm);
    err = check_range(u, start, start + len, -EBUSY);
    if (!err) {
        err = serve(u, start, start + len, mode);
    }
    mm_unlock(u->mm);
    userfault_leave(home);
    return err;
}

static int serve_no_more(struct userfault *u, uint64_t start, uint64_t end)
{
    struct mm *mm = u->mm;
    int err = check_range(u, start, end, -EINVAL);

    if (!err) {
        err = userfault_lift(mm, start, end);
    }
    if (!err) {
        err = vma_split_range(mm, start, end);
    }
    for (struct vma *v = vma_find(mm, start); !err && v && v->start < end;
         v = vma_next(v)) {
        if (v->server == u) {
            v->server = NULL;
            v->serves = 0;
            v = vma_merge(mm, v);
        }
    }
    return err;
}

int userfault_unregister(struct userfault *u, uint64_t start, uint64_t len)
{
    struct mm *home = current_task()->mm;
    int err = userfault_enter(u->mm);

    if (err) {
        return err;
    }
    mm_lock(u->mm);
    err = serve_no_more(u, start, start + len);
    mm_unlock(u->mm);
    userfault_leave(home);
    if (!err) {
        end_events(u, start, start + len);
    }
    return err;
}

/* ---- filling ---- */

static int fill_locked_page(struct userfault *u, uint64_t addr,
                            const void *page)
{
    struct mm *mm = u->mm;
    struct vma *v = vma_at(mm, addr);
    uint64_t charged;
    int err;

    if (!v || !is_served(v)) { /* any may fill it, as on Linux */
        return -ENOENT;
    }
    if (v->flags & VMA_GUARDED || resident_test(&mm->resident, addr)) {
        return -EEXIST;
    }
    if (!page) {
        return pages_commit(mm, addr, addr + PAGE_SIZE, v->prot);
    }
    err = pages_charge(mm, addr, addr + PAGE_SIZE, &charged);
    if (err) {
        return err;
    }
    if (target_mem_install(addr, page, PAGE_SIZE, prot_effective(v->prot))) {
        limit_uncharge(charged);
        return -ENOMEM;
    }
    resident_set(&mm->resident, addr, addr + PAGE_SIZE);
    return 0;
}

/* What is at src goes to buf; with the lock, by who reaches it. prot: of where
 * it goes. */
static int take_page(struct mm *mm, uint64_t src, int prot, void *buf)
{
    struct vma *v = vma_at(mm, src);
    struct touched t = {.from = src, .end = src + PAGE_SIZE};
    uint64_t at = src, stop;

    if (!v || !can_be_served(v) || v->prot != prot || !(prot & PROT_WRITE)) {
        return -EINVAL;
    }
    if (!resident_test(&mm->resident, src) ||
        !touched_next(&t, &at, src + PAGE_SIZE, &stop)) {
        return -ENOENT;
    }
    return arch_user_copy(buf, (const void *)src, PAGE_SIZE) ? -EFAULT : 0;
}

static int lose_page(struct mm *mm, uint64_t src)
{
    struct vma *v = vma_at(mm, src);
    int err = family_own(mm, src, src + PAGE_SIZE);

    if (!err) {
        err = pages_prepare_forget(mm, src, src + PAGE_SIZE);
    }
    if (err) {
        return err;
    }
    pages_release(mm, src, src + PAGE_SIZE);
    return is_whole(v->flags, v->obj)
               ? pages_commit(mm, src, src + PAGE_SIZE, v->prot)
               : 0;
}

static int move_locked(struct userfault *u, uint64_t addr, uint64_t src,
                       void *buf)
{
    struct vma *v = vma_at(u->mm, addr);
    int err = !v || v->server != u                    ? -EINVAL
              : resident_test(&u->mm->resident, addr) ? -EEXIST
                                                      : 0;

    if (!err) {
        err = take_page(u->mm, src, v->prot, buf);
    }
    if (!err) {
        err = fill_locked_page(u, addr, buf);
    }
    return err ? err : lose_page(u->mm, src);
}

int userfault_move(struct userfault *u, uint64_t addr, uint64_t src, void *buf)
{
    struct mm *home = current_task()->mm;
    int err = userfault_enter(u->mm);

    if (err) {
        return err;
    }
    mm_lock(u->mm);
    err = u->mm->gone ? -ESRCH : move_locked(u, addr, src, buf);
    mm_unlock(u->mm);
    userfault_leave(home);
    return err;
}

/* To be kept, it is so before anybody can write to it. */
static int fill_kept(struct userfault *u, uint64_t addr, const void *page)
{
    struct vma *v = vma_at(u->mm, addr);
    bool was;
    int err;

    if (!v || !is_served(v)) {
        return -ENOENT;
    }
    if (!(v->serves & UFFDIO_REGISTER_MODE_WP)) {
        return -EINVAL;
    }
    if (v->flags & VMA_GUARDED || resident_test(&u->mm->resident, addr)) {
        return -EEXIST;
    }
    was = v->flags & VMA_PROTECTED;
    err = userfault_protect_page(u->mm, addr);
    if (!err) {
        err = fill_locked_page(u, addr, page);
        if (err && !was) {
            userfault_lift(u->mm, addr, addr + PAGE_SIZE);
        }
    }
    return err;
}

/* What was protected while it was missing is so no more. */
static int fill_free(struct userfault *u, uint64_t addr, const void *page)
{
    int err = fill_locked_page(u, addr, page);

    return err ? err : userfault_lift(u->mm, addr, addr + PAGE_SIZE);
}

int userfault_fill(struct userfault *u, uint64_t addr, const void *page,
                   bool kept)
{
    struct mm *home = current_task()->mm;
    int err = userfault_enter(u->mm);

    if (err) {
        return err;
    }
    mm_lock(u->mm);
    err = u->mm->gone ? -ESRCH
          : kept      ? fill_kept(u, addr, page)
                      : fill_free(u, addr, page);
    mm_unlock(u->mm);
    userfault_leave(home);
    return err;
}
