/* SPDX-License-Identifier: MIT
 *
 * Taking a file's pages out of private mappings: behind its new end, where the
 * next access is SIGBUS, and where its content is another than what they show
 * or have copied. The next access brings them in again.
 *
 * Where pages are shown, the target knows which ones of a mapping were written
 * to, and the others go; elsewhere a mapping that could be written to keeps
 * all.
 *
 * All address spaces are asked, one after the other; what a relative has put
 * aside is reached by visiting it (mm_visit), which costs two exchanges.
 * Callers ask only for files that are mapped so.
 */
#include "kernel/mm/family/families.h"
#include "kernel/mm/room.h"
#include "kernel/core/log.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"

static struct spinlock all_lock = SPINLOCK_INIT(LOCK_SLOTS);
static struct list all; /* of struct mm.all_node; all_lock */

struct withdrawal {
    const void *content;
    uint64_t off, end;
    bool written_too;
};

void withdraw_init(void)
{
    list_init(&all);
}

void withdraw_enlist(struct mm *mm)
{
    spin_lock(&all_lock);
    list_add_tail(&all, &mm->all_node);
    spin_unlock(&all_lock);
}

void withdraw_delist(struct mm *mm)
{
    spin_lock(&all_lock);
    list_del(&mm->all_node);
    spin_unlock(&all_lock);
}

/* The first one behind `last` (NULL: of all) that lives, with a reference; that
 * on last, which keeps its place in the list, is given back. Who comes later is
 * last in the list and sees the file as it is now; a fork's child, too, which
 * joins before its parent's lock is free: either the parent has been asked, or
 * both will be. */
static struct mm *next_living(struct mm *last)
{
    struct mm *found = NULL;

    spin_lock(&all_lock);
    for (struct list *pos = last ? last->all_node.next : all.next;
         pos != &all && !found; pos = pos->next) {
        struct mm *mm = list_entry(pos, struct mm, all_node);

        found = mm_get_living(mm) ? mm : NULL;
    }
    spin_unlock(&all_lock);
    mm_put(last);
    return found;
}

/* Whether all of v stays. */
static bool is_kept(const struct vma *v, const struct withdrawal *w)
{
    return v->written && !w->written_too &&
           (!arena.shown || v->prot & PROT_EXEC || v->server);
}

/* The part of v that w is about; false: none. */
static bool affected(const struct vma *v, const struct withdrawal *w,
                     uint64_t *start, uint64_t *end)
{
    uint64_t len = v->end - v->start;

    if (!v->obj || !v->obj->ops->content || is_kept(v, w) ||
        v->obj->ops->content(v->obj) != w->content) {
        return false;
    }
    *start = v->start + MIN(len, w->off - MIN(w->off, v->off));
    *end = v->start + MIN(len, w->end - MIN(w->end, v->off));
    return *start < *end;
}

/* there: only of what has pages. */
static bool maps_any(struct mm *mm, const struct withdrawal *w, bool there)
{
    uint64_t start, end;
    bool any = false;

    for (struct vma *v = vma_first(mm); v && !any; v = vma_next(v)) {
        any = affected(v, w, &start, &end) &&
              (!there || resident_find(&mm->resident, start, end, true) < end);
    }
    return any;
}

/* Whether mm is to be asked. What a relative of ours maps and has changes in
 * exchanges, and while we hold our own lock: neither happens here, so that we
 * need not visit who has nothing. If one of its tasks sleeps with its lock, it
 * may be about to bring pages in. */
static bool is_concerned(struct mm *mm, struct mm *home,
                         const struct withdrawal *w)
{
    bool relative = mm->family == home->family;
    struct mm *locked = relative ? home : mm;
    bool any;

    mm_lock(locked);
    any = (mm != locked && mutex_taken(&mm->lock)) || maps_any(mm, w, relative);
    mm_unlock(locked);
    return any;
}

static int give_up(struct mm *mm, uint64_t start, uint64_t end)
{
    int err = pages_prepare_forget(mm, start, end);

    if (!err) {
        pages_release(mm, start, end);
    }
    return err;
}

/* Of [start, end), which is shown, what nobody has written to. It shows what
 * the file has now, if that is in memory: to programs it was there all the
 * time. */
static int give_up_unwritten(struct mm *mm, struct vma *v, uint64_t start,
                             uint64_t end)
{
    struct touched written = {.from = start, .end = end, .written = true};
    uint64_t from, to;
    int err = 0;

    for (; start < end && !err; start = to) {
        from = start;
        if (!touched_next(&written, &from, end, &to)) {
            from = to = end;
        }
        err = start < from ? give_up(mm, start, from) : 0;
        if (!err && v->prot) {
            show_object(mm, v, start, from, false);
        }
    }
    return err;
}

/* Other threads of the program wait in a fault until that is done: what they
 * are about to write is not lost. */
static int withdraw_shown(struct mm *mm, struct vma *v, uint64_t start,
                          uint64_t end)
{
    int prot = prot_effective(v->prot), still = prot & ~MEM_WRITE;
    uint64_t at = start, stop;
    int err = prot == still ? 0 : pages_protect(mm, start, end, prot, still);

    if (err) {
        return err;
    }
    for (; !err && shown_next(mm, &at, end, &stop); at = stop) {
        err = give_up_unwritten(mm, v, at, stop);
    }
    return prot == still || pages_protect(mm, start, end, still, prot) == 0
               ? err
               : -ENOMEM;
}

static int withdraw_part(struct mm *mm, struct vma *v, uint64_t start,
                         uint64_t end, bool written_too)
{
    int err = family_own(mm, start, end);

    if (err) {
        return err;
    }
    return v->written && !written_too ? withdraw_shown(mm, v, start, end)
                                      : give_up(mm, start, end);
}

/* mm's pages are at their addresses. */
static void withdraw(struct mm *mm, const struct withdrawal *w)
{
    uint64_t start, end;

    mm_lock(mm);
    for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
        if (affected(v, w, &start, &end) &&
            withdraw_part(mm, v, start, end, w->written_too)) {
            log_warn("a file's pages at %lx stay as they were", start);
        }
    }
    mm_unlock(mm);
}

void mm_withdraw(const void *content, uint64_t off, uint64_t end,
                 bool written_too)
{
    struct withdrawal w = {content, off, end, written_too};
    struct mm *home = current_task()->mm, *mm = NULL;

    while (home && (mm = next_living(mm)) != NULL) {
        if (!is_concerned(mm, home, &w)) {
            continue;
        }
        if (mm == home) {
            withdraw(mm, &w);
        } else if (mm_visit(mm) == 0) {
            withdraw(mm, &w);
            mm_visit_end(home);
        }
    }
}
