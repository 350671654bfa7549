/* SPDX-License-Identifier: MIT
 *
 * The page cache: a file's content in kernel pages, one tree an inode. The
 * same pages serve read, write and mmap. They are found under the tree's own
 * spinlock and counted while somebody copies; nothing global is locked on a
 * hit.
 *
 * Missing pages are read by the leaf's read_pages, in batches, ahead of
 * sequential readers. Where the leaf has none (tmpfs) a missing page is a hole
 * and the cache is the only copy: its pages are never evicted.
 */
#ifndef KERNEL_FS_PAGECACHE_H
#define KERNEL_FS_PAGECACHE_H

#include "lib/types.h"
#include "lib/list.h"
#include "kernel/core/lock.h"
#include "kernel/core/wait.h"
#include "kernel/mm/text/text_image.h"
#include "kernel/mm/uaccess.h"

struct inode;

enum { PAGECACHE_BATCH = 64 }; /* pages a read_pages() gets at most */

struct pagecache {
    struct inode *inode;  /* that embeds it */
    struct spinlock lock; /* LOCK_PAGECACHE; guards everything below */
    uint64_t top;         /* pagetree.c; atomic */
    uint64_t page_count;
    uint64_t ahead_next; /* the index at which a sequential reader goes on */
    uint32_t ahead;      /* pages read ahead last time */
    char *room;          /* counted pages set aside for the file, or NULL */
    uint64_t room_pages;
    uint64_t *room_free; /* a bit each: still aside */
    uint64_t window;     /* shared mappings see the pages here; 0: none */
    uint64_t window_len; /* bytes reserved there */
    uint64_t window_end; /* bytes committed: the size, rounded up */
    bool shown;          /* some pages were, once (pagecache_run); atomic */
    bool window_seen;    /* private mappings show it: it stays; atomic */
    uint32_t maps, writable_maps; /* shared mappings, and those of files open
                                     for writing; atomic */
    uint32_t private_maps;        /* of files on this inode; atomic */
    struct text_anchor texts;     /* its code, rewritten */
    struct list shrink_node;
    struct wait_queue loaded; /* pages became ready, or failed */
};

void pagecache_init(struct pagecache *pc, struct inode *inode);
/* Drops all pages; nobody uses them any more. */
void pagecache_destroy(struct pagecache *pc);

/* Moves content [off, off + io->left) to io, up to `size`. Returns bytes, 0 at
 * the end, or -EFAULT, -EIO, -ENOMEM when there were none. May block. */
long pagecache_read(struct pagecache *pc, struct iobuf *io, uint64_t off,
                    uint64_t size);

/* Moves io into the pages at off, making pages as needed. The caller holds
 * the inode's lock and sets its size. -ENOSPC, -ENOMEM, -EFAULT, -EIO. */
long pagecache_write(struct pagecache *pc, struct iobuf *io, uint64_t off);

/* The leaf has len bytes of buf at off from now on: so have the pages that are
 * there. Only for leaves with read_pages. May block. */
void pagecache_update(struct pagecache *pc, const char *buf, size_t len,
                      uint64_t off);

/* The size becomes `size`, less than it was: drops the pages behind, zeroes
 * the rest of the last one. Never fails. */
void pagecache_truncate(struct pagecache *pc, uint64_t size);

/* The size becomes `size`, more than it was: a window grows along. Before the
 * size is set. -ENOMEM. */
int pagecache_extend(struct pagecache *pc, uint64_t size);

/* Before a shared mapping that reaches to byte `end`: from now on the pages
 * live at a window of the programs' arena (mm.h). The inode's lock is held.
 * -ENOMEM. Only for leaves without read_pages. */
int pagecache_share(struct pagecache *pc, uint64_t end);

/* Makes [off, off + len) read as zero; whole pages go back. Only for leaves
 * without read_pages. */
void pagecache_punch(struct pagecache *pc, uint64_t off, uint64_t len);

/* Makes sure that every page of [off, off + len) is there (fallocate).
 * -ENOSPC, -ENOMEM. */
int pagecache_allocate(struct pagecache *pc, uint64_t off, uint64_t len);

/* The first index >= from whose page is there (or is not); UINT64_MAX: none.
 * For lseek's SEEK_DATA and SEEK_HOLE. */
uint64_t pagecache_next(struct pagecache *pc, uint64_t from, bool present);

/* Reads [index, index + count) in ahead of use; errors show on use. */
void pagecache_readahead(struct pagecache *pc, uint64_t index, uint64_t count);

/* Pages [index, index + count) to dst, from the cache if they are in it, else
 * without their coming to be. How many, from the first on, or -errno. */
int pagecache_read_once(struct pagecache *pc, uint64_t index, unsigned count,
                        char *dst);

/* The pages of [*index, end) that are there and lie one behind the other in
 * memory: how many, from the first on, with a reference on each (page_put).
 * load: the first is read, and what is read with it; may block. Else *index
 * moves to the first one there. Of a file in a window: its memory, without
 * references. */
size_t pagecache_run(struct pagecache *pc, uint64_t *index, uint64_t end,
                     bool load, char **run);

/* Before the file is mapped: from now on its pages come to lie one behind the
 * other, in memory set aside for all of them. Best effort. */
void pagecache_gather(struct pagecache *pc);

/* Forgets up to `count` pages that can be read again; returns how many. The
 * first: of any file, under memory pressure. Neither blocks. */
uint64_t pagecache_shrink(uint64_t count);
uint64_t pagecache_drop(struct pagecache *pc, uint64_t index, uint64_t count);

struct pagecache_stats {
    uint64_t pages, misses, evicted;
};
void pagecache_get_stats(struct pagecache_stats *out);

/* Pages of an image, checked, that the stock (mm/stock.h) has not: up to room,
 * with a reference on each, of all files that give their blocks. */
struct stock_page {
    uint64_t block;
    char *data;
};
size_t pagecache_collect(struct stock_page *pages, size_t room);

struct superblock;
/* A page of other memory counts as one of sb's files'; false: beyond the
 * limit. */
bool page_charge(struct superblock *sb);
void page_uncharge(struct superblock *sb);

#endif
