/* SPDX-License-Identifier: MIT
 *
 * See warm.h: what waits for the next run of a program, the last that came
 * first. It owns its part of the arena like a family that lives; whoever needs
 * that very place, its protection key or memory discards it.
 *
 * While something waits no process runs with its key (isolation.c): a wild
 * write cannot meet it.
 */
#include "kernel/mm/family/families.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/text/trampoline.h"
#include "kernel/mm/warm.h"

enum { POOL_MAX = 24 };

static struct spinlock pool_lock = SPINLOCK_INIT(LOCK_DENTRY);
static struct list pool = LIST_INIT(pool);
static unsigned pool_count;

void warm_init(void)
{
    list_init(&pool);
    pool_count = 0;
}

static void remove(struct warm *w)
{
    list_del(&w->node);
    pool_count--;
}

/* w is in no list. */
static void discard(struct warm *w)
{
    if (arena.lazy) {
        uint64_t start = w->pieces[0].start;

        target_mem_release(start, w->pieces[w->count - 1].end - start);
    }
    for (unsigned i = 0; i < w->count; i++) {
        const struct warm_piece *p = &w->pieces[i];
        if (!arena.lazy) {
            target_mem_release(p->start, p->end - p->start);
        }
        if (p->src) {
            page_put((void *)p->src, (p->end - p->start) / PAGE_SIZE);
        }
    }
    limit_uncharge(warm_bytes(w) / PAGE_SIZE);
    trampolines_discard(w);
    slots_release_all(w->family);
    isolation_drop_idle_keys(w->family);
    kfree(w->family);
    kfree(w);
}

/* Part of a ceiling that stays free of what waits. */
enum { FREE_SHARE = 4 };

/* What has waited longest, which is in no list any more, or NULL. */
static struct warm *take_oldest(void)
{
    struct warm *w = NULL;

    spin_lock(&pool_lock);
    if (!list_empty(&pool)) {
        w = list_entry(pool.prev, struct warm, node);
        remove(w);
    }
    spin_unlock(&pool_lock);
    return w;
}

uint64_t warm_reclaim(void)
{
    struct warm *w = take_oldest();
    uint64_t pages = w ? warm_bytes(w) / PAGE_SIZE : 0;

    if (w) {
        discard(w);
    }
    return pages;
}

void warm_add(struct warm *w)
{
    struct warm *last = NULL;

    spin_lock(&pool_lock);
    if (!isolation_idle_keys(w->family)) {
        last = w;
    } else {
        list_add(&pool, &w->node);
        if (++pool_count > POOL_MAX) {
            last = list_entry(pool.prev, struct warm, node);
            remove(last);
        }
    }
    spin_unlock(&pool_lock);
    if (last) {
        discard(last);
    }
    while (!limit_has_share(FREE_SHARE) && warm_reclaim()) {
    }
}

/* By content, by key, or by place. */
struct which {
    const void *content;
    unsigned key;
    uint64_t start, end;
};

static bool owns_part(const struct family *f, uint64_t start, uint64_t end)
{
    list_for_each (pos, &f->spans) {
        const struct span *s = list_entry(pos, struct span, node);
        if (s->start < end && start < s->end) {
            return true;
        }
    }
    return false;
}

static bool has_key(const struct family *f, unsigned key)
{
    return f->key == key || (f->splits && f->fixed_key == key);
}

static bool is_meant(const struct warm *w, const struct which *q)
{
    if (q->content) {
        return w->kind.program == q->content || w->kind.linker == q->content;
    }
    return q->key ? has_key(w->family, q->key)
                  : owns_part(w->family, q->start, q->end);
}

static bool discard_all(struct which q)
{
    struct list gone = LIST_INIT(gone);
    struct list *pos;
    bool any;

    spin_lock(&pool_lock);
    list_for_each_safe (at, &pool) {
        struct warm *w = list_entry(at, struct warm, node);
        if (is_meant(w, &q)) {
            remove(w);
            list_add(&gone, &w->node);
        }
    }
    spin_unlock(&pool_lock);
    any = !list_empty(&gone);
    while ((pos = list_pop(&gone)) != NULL) {
        discard(list_entry(pos, struct warm, node));
    }
    return any;
}

bool warm_discard(uint64_t start, uint64_t end)
{
    return discard_all((struct which){.start = start, .end = end});
}

bool warm_discard_key(unsigned key)
{
    return discard_all((struct which){.key = key});
}

void mm_forget(const void *content)
{
    discard_all((struct which){.content = content});
}

/* ---- moving in ---- */

static bool same(const struct mm_kind *a, const struct mm_kind *b)
{
    return a->program == b->program && a->linker == b->linker &&
           a->owner == b->owner;
}

static struct warm *take(const struct mm_kind *kind)
{
    struct warm *found = NULL;

    spin_lock(&pool_lock);
    list_for_each (pos, &pool) {
        struct warm *w = list_entry(pos, struct warm, node);
        if (same(&w->kind, kind)) {
            found = w;
            break;
        }
    }
    if (found) {
        remove(found);
        isolation_wake_keys(found->family);
    }
    spin_unlock(&pool_lock);
    return found;
}

/* Nobody joins the family before the start is over: what was not claimed by
 * then is in nobody's VMAs. */
static void move_in(struct mm *mm, struct warm *w, const struct mm_kind *kind)
{
    mm->warm = w;
    w->kind = *kind;
    mm->home = w->home;
    mm->home_top = w->home_top;
    mm->layout.clock_turn = w->clock_turn;
    family_move_in(w->family, mm);
}

int mm_create_as(const struct mm_kind *kind, struct mm **out)
{
    bool can = !arena.lazy || (arena.shown && !limit_is_set() && !kind->fixed);
    struct warm *w = can ? take(kind) : NULL;
    int err;

    if (!w) {
        err = mm_create(out);
        w = !err && can ? kzalloc(sizeof(*w)) : NULL;
        if (w) {
            w->kind = *kind;
            list_init(&w->trampolines);
            (*out)->warm = w;
        }
        return err;
    }
    err = mm_alloc(out);
    if (err) {
        isolation_drop_keys(w->family);
        warm_add(w);
        return err;
    }
    move_in(*out, w, kind);
    (*out)->loading = true;
    withdraw_enlist(*out);
    return 0;
}
