/* SPDX-License-Identifier: MIT
 *
 * The tree of an address space's VMAs, ordered by address, none overlapping.
 * Each node sums up its subtree (span and largest gap inside), so that room
 * for a mapping is found in logarithmic time among tens of thousands.
 *
 * Nothing here touches pages; mm->lock is held throughout.
 */
#include "kernel/mm/room.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"

/* Of what can be at the host at a time, which is one member of each family:
 * beyond vm.max_map_count's 65,530 the host fails even an munmap. */
enum { VMA_COUNT_MAX = 60000 };
static uint32_t vma_total; /* the sum of family->vmas; atomic */

static struct vma *vma_of(struct rb_node *node)
{
    return node ? rb_entry(node, struct vma, node) : NULL;
}

/* Where the room that v takes begins, its own guard included. */
static uint64_t low(const struct vma *v)
{
    if (likely(!(v->flags & VMA_GROWSDOWN))) {
        return v->start;
    }
    return v->start - MIN(v->start, (uint64_t)STACK_GROWTH + STACK_GUARD);
}

static uint64_t distance(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

static void summarize(struct rb_node *node)
{
    struct vma *v = vma_of(node);
    struct vma *left = vma_of(node->left), *right = vma_of(node->right);

    v->sub_start = low(v);
    v->sub_end = v->end;
    v->sub_gap = 0;
    if (left) {
        v->sub_start = left->sub_start;
        v->sub_gap = MAX(left->sub_gap, distance(left->sub_end, low(v)));
    }
    if (right) {
        uint64_t gap = distance(v->end, right->sub_start);
        v->sub_end = right->sub_end;
        v->sub_gap = MAX(v->sub_gap, MAX(right->sub_gap, gap));
    }
}

void vma_tree_init(struct rb_tree *tree)
{
    tree->root = NULL;
    tree->augment = summarize;
}

/* ---- looking ---- */

struct vma *vma_find(struct mm *mm, uint64_t addr)
{
    struct rb_node *node = mm->vmas.root;
    struct vma *found = NULL;

    while (node) {
        struct vma *v = vma_of(node);
        if (v->end > addr) {
            found = v;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return found;
}

struct vma *vma_at(struct mm *mm, uint64_t addr)
{
    struct vma *v = vma_find(mm, addr);

    return v && v->start <= addr ? v : NULL;
}

struct vma *vma_next(struct vma *v)
{
    return vma_of(rb_next(&v->node));
}

struct vma *vma_prev(struct vma *v)
{
    return vma_of(rb_prev(&v->node));
}

struct vma *vma_first(struct mm *mm)
{
    return vma_of(rb_first(&mm->vmas));
}

struct vma *vma_last(struct mm *mm)
{
    return vma_of(rb_last(&mm->vmas));
}

bool vma_range_free(struct mm *mm, uint64_t start, uint64_t end)
{
    struct vma *v = vma_find(mm, start);

    return !v || v->start >= end;
}

/* lo and hi bound the room around and between the VMAs of node's subtree. */
static uint64_t gap_in(struct rb_node *node, uint64_t lo, uint64_t hi,
                       uint64_t len)
{
    while (lo < hi && hi - lo >= len) {
        struct vma *v = vma_of(node);
        uint64_t edge, found;
        if (!v) {
            return hi - len;
        }
        edge = MAX(distance(lo, v->sub_start), distance(v->sub_end, hi));
        if (MAX(edge, v->sub_gap) < len) {
            return 0;
        }
        found = gap_in(node->right, MAX(lo, v->end), hi, len);
        if (found) {
            return found;
        }
        hi = MIN(hi, low(v));
        node = node->left;
    }
    return 0;
}

uint64_t vma_gap(struct mm *mm, uint64_t lo, uint64_t hi, uint64_t len)
{
    return gap_in(mm->vmas.root, lo, hi, len);
}

/* ---- making and freeing ---- */

static uint32_t count_limit = 65530; /* atomic */

unsigned mm_map_count_limit(void)
{
    return atomic_load_relaxed(&count_limit);
}

void mm_set_map_count_limit(unsigned count)
{
    atomic_store(&count_limit, count);
}

bool vma_has_room(const struct mm *mm)
{
    return mm->vma_count < atomic_load_relaxed(&count_limit);
}

static void set_family_vmas(struct family *f, uint32_t count)
{
    atomic_add_fetch(&vma_total, count - f->vmas);
    f->vmas = count;
}

void vma_count_member(struct family *f, const struct mm *mm)
{
    if (mm->vma_count > f->vmas) {
        set_family_vmas(f, mm->vma_count);
    }
}

void vma_count_end(struct family *f)
{
    set_family_vmas(f, 0);
}

bool vma_count_apart(struct mm *mm, bool all)
{
    uint32_t count = all ? mm->vma_count : 0;

    if (all && atomic_load_relaxed(&vma_total) + count > VMA_COUNT_MAX / 2) {
        return false;
    }
    atomic_add_fetch(&vma_total, count - mm->apart_vmas);
    mm->apart_vmas = count;
    return true;
}

/* Whether the host has room for one more: not if a member whose pages are not
 * there has as many. */
static bool host_has_room(const struct mm *mm)
{
    return !mm->family || mm->vma_count < mm->family->vmas ||
           atomic_load_relaxed(&vma_total) < VMA_COUNT_MAX;
}

int vma_new(const struct mm *mm, uint64_t start, uint64_t end, int prot,
            int flags, struct vm_object *obj, uint64_t off, struct vma **out)
{
    struct vma *v = host_has_room(mm) ? kzalloc(sizeof(*v)) : NULL;

    if (!v) {
        return -ENOMEM;
    }
    v->start = start;
    v->end = end;
    v->prot = (uint8_t)prot;
    v->flags = (uint32_t)flags;
    v->written = prot & PROT_WRITE;
    v->obj = obj;
    v->off = obj ? off : 0;
    if (obj) {
        obj->ops->get(obj);
    }
    *out = v;
    return 0;
}

void vma_discard(struct vma *v)
{
    if (v->obj) {
        v->obj->ops->put(v->obj);
    }
    kfree(v);
}

void vma_bury(struct mm *mm, struct vma *v)
{
    if (!v->obj) {
        vma_discard(v);
        return;
    }
    v->dead_next = mm->dead;
    mm->dead = v;
}

/* ---- changing the tree ---- */

static void account(struct mm *mm, const struct vma *v, uint64_t len)
{
    if (!(v->flags & VMA_TRAMPOLINE)) {
        mm->virtual_bytes += len;
    }
    if (v->flags & VMA_LOCKED) {
        mm->locked_bytes += len;
    }
    if (is_data(v->flags, v->prot)) {
        mm->data_bytes += len;
    }
    if (v->flags & VMA_LARGE) {
        mm->large_bytes += len;
    }
}

/* Of a file, what could be written once stays apart from what never could:
 * Linux accounts for the one and not for the other. */
static bool mergeable(const struct vma *a, const struct vma *b)
{
    const uint32_t single = VMA_GROWSDOWN | VMA_TRAMPOLINE;

    return a && b && a->end == b->start && a->prot == b->prot &&
           a->flags == b->flags && a->name == b->name && a->name != MM_AIO &&
           a->obj == b->obj && a->policy == b->policy &&
           a->guarded == b->guarded && a->server == b->server &&
           a->serves == b->serves && !(a->flags & single) &&
           (!(a->flags & VMA_SHARED) || a->flags & VMA_ALIAS) &&
           (!a->obj || (a->off + (a->end - a->start) == b->off &&
                        (a->flags & VMA_SHARED || a->written == b->written)));
}

static void set_bounds(struct mm *mm, struct vma *v, uint64_t start,
                       uint64_t end)
{
    v->off += v->obj ? start - v->start : 0;
    v->start = start;
    v->end = end;
    rb_update(&mm->vmas, &v->node);
}

void vma_resize(struct mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
    account(mm, v, (end - start) - (v->end - v->start));
    set_bounds(mm, v, start, end);
}

static int by_start(const struct rb_node *a, const struct rb_node *b)
{
    uint64_t x = rb_entry(a, struct vma, node)->start;
    uint64_t y = rb_entry(b, struct vma, node)->start;

    return x < y ? -1 : x > y;
}

static void count_one(struct mm *mm)
{
    mm->vma_count++;
    if (mm->family) {
        vma_count_member(mm->family, mm);
    }
}

static void link_in(struct mm *mm, struct vma *v)
{
    rb_insert(&mm->vmas, &v->node, by_start);
    count_one(mm);
}

static void take_out(struct mm *mm, struct vma *v)
{
    rb_erase(&mm->vmas, &v->node);
    mm->vma_count--;
    if (mm->family && mm->family->count == 1) {
        set_family_vmas(mm->family, mm->vma_count);
    }
}

/* v takes the place of `gone`, which is in no tree, as well. */
static void absorb(struct mm *mm, struct vma *v, struct vma *gone,
                   uint64_t start, uint64_t end)
{
    v->written |= gone->written;
    vma_bury(mm, gone);
    set_bounds(mm, v, start, end);
}

void vma_insert(struct mm *mm, struct vma *v)
{
    struct vma *next = vma_find(mm, v->start);
    struct vma *prev = next ? vma_prev(next) : vma_last(mm);

    check(!next || next->start >= v->end);
    account(mm, v, v->end - v->start);
    if (mergeable(prev, v)) {
        absorb(mm, prev, v, prev->start, v->end);
        vma_merge(mm, prev);
    } else if (mergeable(v, next)) {
        absorb(mm, next, v, v->start, next->end);
    } else {
        link_in(mm, v);
    }
}

void vma_append(struct mm *mm, struct vma *v)
{
    struct vma *last = vma_last(mm);

    check(!last || last->end <= v->start);
    account(mm, v, v->end - v->start);
    if (mergeable(last, v)) {
        absorb(mm, last, v, last->start, v->end);
        return;
    }
    rb_insert_at(&mm->vmas, &v->node, last ? &last->node : NULL,
                 last ? &last->node.right : &mm->vmas.root);
    count_one(mm);
}

void vma_remove(struct mm *mm, struct vma *v)
{
    account(mm, v, -(v->end - v->start));
    take_out(mm, v);
    vma_bury(mm, v);
}

void vma_remove_all(struct mm *mm)
{
    struct rb_node *node;

    while ((node = rb_dismantle(&mm->vmas)) != NULL) {
        struct vma *v = vma_of(node);
        account(mm, v, -(v->end - v->start));
        vma_bury(mm, v);
    }
    mm->vma_count = 0;
    if (mm->family && mm->family->count == 1) {
        set_family_vmas(mm->family, 0);
    }
}

struct vma *vma_merge(struct mm *mm, struct vma *v)
{
    struct vma *prev = vma_prev(v), *next = vma_next(v);

    if (mergeable(v, next)) {
        take_out(mm, next);
        absorb(mm, v, next, v->start, next->end);
    }
    if (mergeable(prev, v)) {
        take_out(mm, v);
        absorb(mm, prev, v, prev->start, v->end);
        v = prev;
    }
    return v;
}

int vma_split(struct mm *mm, uint64_t addr)
{
    struct vma *v = vma_at(mm, addr), *rest;
    int err;

    if (!v || v->start == addr) {
        return 0;
    }
    if (!vma_has_room(mm)) {
        return -ENOMEM;
    }
    err = vma_new(mm, addr, v->end, v->prot, v->flags, v->obj,
                  v->off + (addr - v->start), &rest);
    if (err) {
        return err;
    }
    rest->name = v->name;
    rest->policy = v->policy;
    rest->server = v->server;
    rest->serves = v->serves;
    rest->guarded = v->guarded;
    rest->written = v->written;
    rest->again = v->again;
    rest->flags &= ~(uint32_t)VMA_GROWSDOWN; /* only the lowest part grows */
    set_bounds(mm, v, v->start, addr);
    link_in(mm, rest);
    return 0;
}

int vma_split_range(struct mm *mm, uint64_t start, uint64_t end)
{
    int err = vma_split(mm, start);

    return err ? err : vma_split(mm, end);
}
