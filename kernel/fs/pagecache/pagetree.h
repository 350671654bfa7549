/* SPDX-License-Identifier: MIT
 *
 * The tree of one file's cached pages, for pagecache*.c alone: a radix tree
 * of 64-way nodes that is as high as the largest index needs; a file of one
 * page has no node at all. All calls are made with pc->lock held, but for
 * tree_find(), which readers (kernel/core/readers.h) may call without; none
 * blocks.
 *
 * A page is counted: once by the tree, once by each user that is no reader.
 * Its state only goes from LOADING to READY or FAILED, by its loader.
 */
#ifndef KERNEL_FS_PAGETREE_H
#define KERNEL_FS_PAGETREE_H

#include "kernel/fs/pagecache/pagecache.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"

enum page_state { PAGE_LOADING, PAGE_READY, PAGE_FAILED };

struct cpage {
    char *data;     /* one page of kernel memory; atomic */
    uint32_t refs;  /* atomic */
    uint32_t state; /* enum page_state, atomic */
    uint16_t used;  /* looked at since the shrinker's last round */
    bool borrowed;  /* data is in the window: may go, copy with fixups */
    struct superblock *charged; /* counts it, or NULL */
};

/* One with one reference and undefined content, which lies at data, a counted
 * page that it takes, or where there is room (NULL). -ENOSPC, -ENOMEM. */
int cpage_alloc(struct pagecache *pc, char *data, struct cpage **out);
/* One whose data lies in the window. */
int cpage_borrow(struct pagecache *pc, char *data, struct cpage **out);
/* The last one waits for readers. */
void cpage_put(struct cpage *page);

/* It was looked at. A line that is shared is not written again and again. */
static inline void cpage_use(struct cpage *page)
{
    if (!page->used) {
        page->used = 1;
    }
}

/* Its content has changed in place: copies of what was shown of it may wait
 * for another run (mm/warm.h). */
static inline void cpage_changed(const struct pagecache *pc,
                                 const struct cpage *page)
{
    if (unlikely(atomic_load_relaxed(&pc->shown)) && !page->borrowed) {
        page_changed(page->data);
    }
}

bool tree_is_empty(const struct pagecache *pc);

/* The page at index, or NULL. */
struct cpage *tree_find(struct pagecache *pc, uint64_t index);

/* Puts page at index, where none is; takes the reference. -ENOMEM. */
int tree_insert(struct pagecache *pc, uint64_t index, struct cpage *page);

/* Puts page in the place of the one at index, which the caller gets. */
struct cpage *tree_swap(struct pagecache *pc, uint64_t index,
                        struct cpage *page);

/* Takes out the page at index; the tree's reference is the caller's. */
struct cpage *tree_remove(struct pagecache *pc, uint64_t index);

/* The first page at or after *index, which moves there; NULL: none. */
struct cpage *tree_next(struct pagecache *pc, uint64_t *index);

/* Drops the pages [index, end) (pagecache.c). Without pc->lock. */
void tree_drop(struct pagecache *pc, uint64_t index, uint64_t end);

/* The page at index, ready, with a reference; NULL in *out: a hole. Reads it
 * when it is missing, with others that the caller will ask for next, of
 * `wanted` in all (pagefill.c). Without pc->lock; may block. */
int page_load(struct pagecache *pc, uint64_t index, uint64_t wanted,
              struct cpage **out);

/* pagestock.c. The pages from index on that are in the stock: where they lie,
 * and how many, at most *count. NULL: that one is not, and *count says for how
 * many that is so. */
char *stock_pages(struct pagecache *pc, uint64_t index, uint64_t *count);
/* Puts such a page into the tree: page_load(). -EEXIST: one is there. */
int stock_insert(struct pagecache *pc, uint64_t index, char *data,
                 struct cpage **out);
/* pagecache_run() for those; 0: others come first. */
size_t stock_run(struct pagecache *pc, uint64_t *index, uint64_t end, bool load,
                 char **run);
/* Of the pages that are there and not in it, up to room: a reference on each.
 */
size_t stock_collect(struct pagecache *pc, struct stock_page *pages,
                     size_t room);

/* pageroom.c. The page set aside for index, the caller's now; NULL: none. */
char *room_take(struct pagecache *pc, uint64_t index);
void room_free(struct pagecache *pc);

/* pagewindow.c. Where content at off lies in the window; NULL: not in it. */
char *window_at(struct pagecache *pc, uint64_t off);
/* pagecache_run() for what is in a window: without references. From then on
 * the window stays where it is. */
size_t window_run(struct pagecache *pc, uint64_t index, uint64_t end,
                  char **run);
/* iobuf_put() from a window, whose pages a truncation may take away: what is
 * gone reads as zero. */
long window_put(struct iobuf *io, const char *src, size_t n);
void window_truncate(struct pagecache *pc, uint64_t size);
void window_free(struct pagecache *pc);

/* The shrinker must not look at pc any more (pagefill.c). */
void pagecache_forget(struct pagecache *pc);

#endif
