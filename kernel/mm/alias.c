/* SPDX-License-Identifier: MIT
 *
 * Shared mappings where memory can have a second address: each lies where
 * the program wants it, with its own protection, and shows the pages of its
 * object's window (window.c), which no program maps itself then. Anonymous
 * shared memory is an object, too, so that mremap(2) can map it twice.
 *
 * What is shown follows what the window has: pages behind a file's end are
 * not there, in the alias as in the window, and a fault looks whether the file
 * has grown (SIGBUS: it has not). When it shrinks, alias_revoke() takes the
 * pages out of all aliases. In a family, aliases that both have stay in an
 * exchange; others are shown again by faults.
 *
 * alias_lock guards the list of address spaces with aliases, and `there`: the
 * pages that windows have. A page is only shown with it held.
 */
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

static struct spinlock alias_lock = SPINLOCK_INIT(LOCK_SLOTS);
static struct list aliasers;
static struct resident there;

void alias_init(void)
{
    list_init(&aliasers);
    there = (struct resident){.root = NULL};
}

/* ---- what windows have ---- */

int alias_note(uint64_t start, uint64_t end)
{
    int err;

    spin_lock(&alias_lock);
    err = resident_prepare(&there, start, end);
    if (!err) {
        resident_set(&there, start, end);
    }
    spin_unlock(&alias_lock);
    return err;
}

/* ---- showing ---- */

uint64_t alias_source(const struct vma *v, uint64_t addr)
{
    uint64_t base;

    if (v->obj->ops->window(v->obj, 0, &base)) {
        return 0;
    }
    return base + v->off + (addr - v->start);
}

uint64_t alias_end(const struct vma *v)
{
    uint64_t most =
        v->obj->ops->reach ? v->obj->ops->reach(v->obj) : UINT64_MAX;
    uint64_t rest = most > v->off ? most - v->off : 0;

    return rest < v->end - v->start ? v->start + rest : v->end;
}

void alias_show(struct vma *v, uint64_t start, uint64_t end)
{
    uint64_t src = alias_source(v, start), at = src, stop, last;
    int prot = prot_effective(v->prot);

    end = MIN(end, alias_end(v));
    if (!src || !prot || start >= end) {
        return;
    }
    last = src + (end - start);
    spin_lock(&alias_lock);
    for (; resident_run(&there, &at, last, &stop); at = stop) {
        if (target_mem_show(start + (at - src), at, stop - at, prot, true)) {
            break; /* a fault tries again */
        }
    }
    spin_unlock(&alias_lock);
}

bool alias_there(const struct vma *v, uint64_t start, uint64_t end)
{
    uint64_t src = alias_source(v, start), last = src + (end - start);
    bool all;

    if (end > alias_end(v)) {
        return false;
    }
    spin_lock(&alias_lock);
    all = src && resident_find(&there, src, last, false) == last;
    spin_unlock(&alias_lock);
    return all;
}

int alias_fault(struct vma *v, uint64_t addr)
{
    if (!alias_there(v, addr, addr + PAGE_SIZE)) {
        return -EIO;
    }
    alias_show(v, v->start, v->end);
    return 0;
}

void alias_protect(struct vma *v)
{
    target_mem_release(v->start, v->end - v->start);
    alias_show(v, v->start, v->end);
}

/* ---- who has any ---- */

void alias_enlist(struct mm *mm)
{
    atomic_store(&mm->shares, true);
    spin_lock(&alias_lock);
    if (list_empty(&mm->alias_node)) {
        list_add_tail(&aliasers, &mm->alias_node);
    }
    spin_unlock(&alias_lock);
}

void alias_delist(struct mm *mm)
{
    spin_lock(&alias_lock);
    list_del(&mm->alias_node);
    spin_unlock(&alias_lock);
}

void alias_release_all(struct mm *mm)
{
    if (list_empty(&mm->alias_node)) {
        return;
    }
    for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
        if (v->flags & VMA_ALIAS) {
            target_mem_release(v->start, v->end - v->start);
        }
    }
}

/* here: mm is resident. Else, what lies apart is there all the same. */
static void revoke_part(uint64_t from, uint64_t to, bool here)
{
    uint64_t stop;

    for (; from < to; from = stop) {
        if (slots_apart(from, to, &stop) || here) {
            target_mem_release(from, stop - from);
        }
    }
}

/* Those whose pages are not at their addresses have nothing to lose: they
 * come in by an exchange, which looks at `there`. */
static void revoke_from(struct mm *mm, uint64_t start, uint64_t end)
{
    bool lives, held;

    mm_lock(mm);
    lives = !mm->gone && mm->family;
    held = lives && family_hold(mm);
    for (struct vma *v = lives ? vma_first(mm) : NULL; v; v = vma_next(v)) {
        uint64_t src = v->flags & VMA_ALIAS ? alias_source(v, v->start) : 0;
        uint64_t from = MAX(start, src);
        uint64_t to = src ? MIN(end, src + (alias_end(v) - v->start)) : 0;

        if (src && from < to) {
            revoke_part(v->start + (from - src), v->start + (to - src), held);
        }
    }
    if (held) {
        family_let_go(mm);
    }
    mm_unlock(mm);
}

/* The next one after `last` that lives, with a reference (that on last is
 * given back); NULL: no more. When last has left the list, from the start
 * again: to revoke twice does no harm. Who is added meanwhile sees `there` as
 * it is now. */
static struct mm *next_aliaser(struct mm *last)
{
    struct mm *found = NULL;
    struct list *pos;

    spin_lock(&alias_lock);
    pos = last && !list_empty(&last->alias_node) ? last->alias_node.next
                                                 : aliasers.next;
    for (; pos != &aliasers && !found; pos = pos->next) {
        struct mm *mm = list_entry(pos, struct mm, alias_node);

        found = mm_get_living(mm) ? mm : NULL;
    }
    spin_unlock(&alias_lock);
    if (last) {
        mm_put(last);
    }
    return found;
}

void alias_revoke(uint64_t start, uint64_t end)
{
    struct mm *mm = NULL;

    spin_lock(&alias_lock);
    if (resident_prepare(&there, start, end) == 0) {
        resident_clear(&there, start, end);
    } else {
        log_warn("pages behind a file's end stay in reach");
    }
    spin_unlock(&alias_lock);
    while ((mm = next_aliaser(mm)) != NULL) {
        revoke_from(mm, start, end);
    }
}

/* ---- mapping ---- */

/* m lies where it may go. */
int map_alias(struct mm *mm, const struct mapping *m)
{
    int err = map_at(mm, m);

    if (!err) {
        alias_enlist(mm);
        alias_show(vma_at(mm, m->start), m->start, m->end);
    }
    return err;
}

/* ---- anonymous memory ---- */

struct anon_share {
    struct vm_object object;
    uint32_t refs; /* atomic */
    uint64_t base, len;
};

static struct anon_share *anon_of(struct vm_object *o)
{
    return container_of(o, struct anon_share, object);
}

static void anon_get(struct vm_object *o)
{
    atomic_fetch_add(&anon_of(o)->refs, 1);
}

static void anon_put(struct vm_object *o)
{
    struct anon_share *a = anon_of(o);

    if (atomic_sub_fetch(&a->refs, 1) == 0) {
        mm_window_release(a->base, a->base + a->len);
        mm_window_free(a->base, a->len);
        kfree(a);
    }
}

static long anon_read(struct vm_object *o, uint64_t off, void *dst, size_t len)
{
    struct anon_share *a = anon_of(o);
    size_t n = off < a->len ? MIN(len, a->len - off) : 0;

    return arch_user_copy(dst, (void *)(a->base + off), n) ? -EIO : (long)n;
}

static int anon_window(struct vm_object *o, uint64_t min_len, uint64_t *base)
{
    *base = anon_of(o)->base;
    return !arena.shown && min_len > anon_of(o)->len ? -ENOMEM : 0;
}

static uint64_t anon_reach(struct vm_object *o)
{
    return anon_of(o)->len;
}

static int anon_punch(struct vm_object *o, uint64_t off, uint64_t len)
{
    struct anon_share *a = anon_of(o);

    return off + len > a->len ? 0 : target_mem_clear(a->base + off, len);
}

static void anon_describe(struct vm_object *o, char *path, size_t len,
                          uint64_t *dev, uint64_t *ino)
{
    strlcpy(path, "/dev/zero (deleted)", len);
    *dev = 1;
    *ino = anon_of(o)->base >> PAGE_SHIFT;
}

static const struct vm_object_ops anon_ops = {
    .get = anon_get,
    .put = anon_put,
    .read = anon_read,
    .window = anon_window,
    .reach = anon_reach,
    .punch = anon_punch,
    .describe = anon_describe,
};

int alias_anonymous(uint64_t len, struct vm_object **out)
{
    struct anon_share *a = kzalloc(sizeof(*a));
    int err = a ? mm_window_alloc(len, &a->base) : -ENOMEM;

    if (!err) {
        err = mm_window_commit(a->base, a->base + len);
        if (err) {
            mm_window_free(a->base, len);
        }
    }
    if (err) {
        kfree(a);
        return err;
    }
    a->object.ops = &anon_ops;
    a->refs = 1;
    a->len = len;
    *out = &a->object;
    return 0;
}
