/* SPDX-License-Identifier: MIT
 *
 * The radix tree of cached pages (pagetree.h), and the pages themselves.
 */
#include "kernel/fs/pagetree.h"
#include "kernel/fs/vfs.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { BITS = 6, WIDTH = 1 << BITS, HEIGHT_MAX = 9 };

struct node {
    uint32_t used; /* slots in use */
    void *slots[WIDTH];
};

/* ---- pages ---- */

static bool charge(struct superblock *sb)
{
    if (sb->page_limit == 0) {
        return true;
    }
    if (atomic_fetch_add(&sb->pages_used, 1) < sb->page_limit) {
        return true;
    }
    atomic_fetch_sub(&sb->pages_used, 1);
    return false;
}

static void uncharge(struct superblock *sb)
{
    if (sb->page_limit != 0) {
        atomic_fetch_sub(&sb->pages_used, 1);
    }
}

int cpage_borrow(struct pagecache *pc, char *data, struct cpage **out)
{
    struct superblock *sb = pc->inode->sb;
    bool counted = pc->inode->ops->read_pages == NULL;
    struct cpage *page = kmalloc(sizeof(*page));

    if (!page) {
        return -ENOMEM;
    }
    if (counted && !charge(sb)) {
        kfree(page);
        return -ENOSPC;
    }
    page->data = data;
    page->refs = 1;
    page->state = PAGE_LOADING;
    page->used = 0;
    page->borrowed = true;
    page->charged = counted ? sb : NULL;
    *out = page;
    return 0;
}

/* Under a ceiling the cache leaves something to the rest of the kernel, whose
 * memory may be another than what pages are taken from: then only whole chunks
 * help, which go back to the target. */
static void make_room(void)
{
    enum { TRIES = 8 };

    for (int i = 0; i < TRIES && heap_low() && heap_reclaim(); i++) {
    }
}

int cpage_alloc(struct pagecache *pc, char *data, struct cpage **out)
{
    struct cpage *page;
    int err = cpage_borrow(pc, NULL, &page);

    if (err) {
        return err;
    }
    make_room();
    if (heap_low() && pagecache_shrink(PAGECACHE_BATCH) == 0) {
        cpage_put(page);
        return -ENOMEM;
    }
    page->data = data ? data : page_share_alloc(1);
    if (!page->data && pagecache_shrink(PAGECACHE_BATCH) > 0) {
        page->data = page_share_alloc(1);
    }
    if (!page->data) {
        cpage_put(page);
        return -ENOMEM;
    }
    page->borrowed = false;
    *out = page;
    return 0;
}

void cpage_put(struct cpage *page)
{
    if (atomic_sub_fetch(&page->refs, 1) != 0) {
        return;
    }
    if (page->charged) {
        uncharge(page->charged);
    }
    if (!page->borrowed) {
        page_put(page->data, 1);
    }
    kfree(page);
}

/* ---- the tree ---- */

static uint64_t capacity(uint32_t height)
{
    return height * BITS >= 64 ? UINT64_MAX : 1ull << height * BITS;
}

static unsigned slot_at(uint64_t index, uint32_t level)
{
    return index >> level * BITS & (WIDTH - 1);
}

struct cpage *tree_find(struct pagecache *pc, uint64_t index)
{
    void *at = pc->root;

    if (index >= capacity(pc->height)) {
        return NULL;
    }
    for (uint32_t level = pc->height; level > 0 && at; level--) {
        at = ((struct node *)at)->slots[slot_at(index, level - 1)];
    }
    return at;
}

/* Makes the tree high enough for index. */
static int grow(struct pagecache *pc, uint64_t index)
{
    while (index >= capacity(pc->height)) {
        if (pc->root) {
            struct node *top = kzalloc(sizeof(*top));

            if (!top) {
                return -ENOMEM;
            }
            top->slots[0] = pc->root;
            top->used = 1;
            pc->root = top;
        }
        pc->height++;
    }
    return 0;
}

/* Frees empty nodes on the way to index, bottom up, after a removal or a
 * failed insertion. */
static void prune(struct pagecache *pc, uint64_t index)
{
    struct node *path[HEIGHT_MAX + 2];
    void *at = pc->root;
    uint32_t level = pc->height, depth = 0;

    for (; level > 0 && at; level--) {
        path[depth++] = at;
        at = ((struct node *)at)->slots[slot_at(index, level - 1)];
    }
    while (depth > 0 && path[depth - 1]->used == 0) {
        kfree(path[--depth]);
        if (depth == 0) {
            pc->root = NULL;
            pc->height = 0;
            break;
        }
        level = pc->height - depth;
        path[depth - 1]->slots[slot_at(index, level)] = NULL;
        path[depth - 1]->used--;
    }
}

int tree_insert(struct pagecache *pc, uint64_t index, struct cpage *page)
{
    void **slot = &pc->root;
    struct node *parent = NULL;
    int err = grow(pc, index);

    for (uint32_t level = pc->height; level > 0 && !err; level--) {
        if (!*slot) {
            *slot = kzalloc(sizeof(struct node));
            if (!*slot) {
                err = -ENOMEM;
                break;
            }
            if (parent) {
                parent->used++;
            }
        }
        parent = *slot;
        slot = &parent->slots[slot_at(index, level - 1)];
    }
    if (err) {
        prune(pc, index);
        return err;
    }
    *slot = page;
    if (parent) {
        parent->used++;
    }
    pc->page_count++;
    return 0;
}

struct cpage *tree_swap(struct pagecache *pc, uint64_t index,
                        struct cpage *page)
{
    void **slot = &pc->root;
    struct cpage *old;

    for (uint32_t level = pc->height; level > 0; level--) {
        slot = &((struct node *)*slot)->slots[slot_at(index, level - 1)];
    }
    old = *slot;
    *slot = page;
    return old;
}

struct cpage *tree_remove(struct pagecache *pc, uint64_t index)
{
    void **slot = &pc->root;
    struct node *parent = NULL;
    struct cpage *page;

    if (index >= capacity(pc->height)) {
        return NULL;
    }
    for (uint32_t level = pc->height; level > 0 && *slot; level--) {
        parent = *slot;
        slot = &parent->slots[slot_at(index, level - 1)];
    }
    page = *slot;
    if (!page) {
        return NULL;
    }
    *slot = NULL;
    pc->page_count--;
    if (parent && --parent->used == 0) {
        prune(pc, index);
    }
    return page;
}

struct cpage *tree_next(struct pagecache *pc, uint64_t *index)
{
    uint64_t i = *index;

    while (pc->root && i < capacity(pc->height)) {
        void *at = pc->root;
        uint32_t level = pc->height;

        while (level > 0 && at) {
            level--;
            at = ((struct node *)at)->slots[slot_at(i, level)];
        }
        if (at) {
            *index = i;
            return at;
        }
        /* Nothing below this slot: on to the next one of its level. */
        i = ((i >> level * BITS) + 1) << level * BITS;
        if (i == 0) {
            break;
        }
    }
    return NULL;
}
