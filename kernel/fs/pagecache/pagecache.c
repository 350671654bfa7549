/* SPDX-License-Identifier: MIT
 *
 * The page cache: moving content in and out of a file's pages. A read of what
 * is there copies as a reader (readers.h); where user memory has to be brought
 * in, or the page, its own count keeps it. Reading missing pages is in
 * pagefill.c.
 *
 * Invariant: what lies behind the file's end in its last page is zero.
 */
#include "kernel/fs/pagecache/pagetree.h"
#include "kernel/fs/vfs.h"
#include "kernel/core/log.h"
#include "kernel/core/readers.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

void pagecache_init(struct pagecache *pc, struct inode *inode)
{
    memset(pc, 0, sizeof(*pc));
    pc->inode = inode;
    spin_init(&pc->lock, LOCK_PAGECACHE);
    list_init(&pc->shrink_node);
    text_anchor_init(&pc->texts);
    wait_queue_init(&pc->loaded);
}

/* Moves n bytes of page (NULL: a hole, or a page of the window that only its
 * mappings have touched) and lets go of it. */
static long put_page(struct pagecache *pc, struct iobuf *io, struct cpage *page,
                     uint64_t off, size_t n)
{
    char *window;
    long moved;

    if (!page) {
        window = window_at(pc, off);
        return window ? window_put(io, window, n) : iobuf_put_zero(io, n);
    }
    if (unlikely(page->borrowed)) {
        moved = window_put(io, page->data + off % PAGE_SIZE, n);
    } else {
        moved = iobuf_put(io, page->data + off % PAGE_SIZE, n);
    }
    cpage_put(page);
    return moved;
}

/* What can be moved of the n bytes at off while nothing has to be waited for:
 * no page to come in, on either side (*missing: it is the user's). Two that
 * read one file at a time write to no memory that they share. */
static size_t read_at_once(struct pagecache *pc, struct iobuf *io, uint64_t off,
                           size_t n, bool *missing)
{
    struct reader *reader = reader_enter();
    struct cpage *page = tree_find(pc, off / PAGE_SIZE);
    size_t moved = 0;

    *missing = page && !page->borrowed &&
               atomic_load_acquire(&page->state) == PAGE_READY;
    if (likely(*missing)) {
        cpage_use(page);
        moved = iobuf_put_nofault(
            io, atomic_load_relaxed(&page->data) + off % PAGE_SIZE, n);
    }
    reader_leave(reader);
    return moved;
}

static long read_slowly(struct pagecache *pc, struct iobuf *io, uint64_t off,
                        size_t n, bool missing)
{
    struct cpage *page;
    uint64_t wanted = (off % PAGE_SIZE + io->left + PAGE_SIZE - 1) / PAGE_SIZE;
    int err = page_load(pc, off / PAGE_SIZE, wanted, &page);

    if (err) {
        return err;
    }
    if (missing) { /* else to find out once more would be another fault */
        iobuf_bring_in(io);
    }
    return put_page(pc, io, page, off, n);
}

long pagecache_read(struct pagecache *pc, struct iobuf *io, uint64_t off,
                    uint64_t size)
{
    long done = 0, moved = 0;

    while (io->left && off < size) {
        size_t in = off % PAGE_SIZE;
        size_t n = MIN(MIN(PAGE_SIZE - in, io->left), size - off);
        bool missing;
        size_t quick = read_at_once(pc, io, off, n, &missing);

        done += quick;
        off += quick;
        n -= quick;
        if (!n) {
            continue;
        }
        moved = read_slowly(pc, io, off, n, missing);
        if (moved < 0) {
            break;
        }
        done += moved;
        off += moved;
        if ((size_t)moved < n) {
            break;
        }
    }
    return done ? done : MIN(moved, 0l);
}

/* Makes page the one at index, unless another came first: then that one. */
static int publish(struct pagecache *pc, uint64_t index, struct cpage *page)
{
    int err = 0;

    page->state = PAGE_READY;
    spin_lock(&pc->lock);
    check(!tree_find(pc, index)); /* the inode's lock keeps others out */
    err = tree_insert(pc, index, page);
    spin_unlock(&pc->lock);
    if (err) {
        cpage_put(page);
    }
    return err;
}

/* Fills a page that is not there yet from io at once. */
static long write_new(struct pagecache *pc, struct iobuf *io, uint64_t off,
                      size_t n)
{
    size_t in = off % PAGE_SIZE;
    struct cpage *page;
    long moved = cpage_alloc(pc, NULL, &page);
    int err;

    if (moved < 0) {
        return moved;
    }
    moved = iobuf_get(io, page->data + in, n);
    if (moved < 0) {
        cpage_put(page);
        return moved;
    }
    memset(page->data, 0, in);
    memset(page->data + in + moved, 0, PAGE_SIZE - in - moved);
    err = publish(pc, off / PAGE_SIZE, page);
    return err ? err : moved;
}

/* The same where a window is: its memory is there and zero. */
static long write_window(struct pagecache *pc, struct iobuf *io, uint64_t off,
                         size_t n, char *window)
{
    struct cpage *page;
    int err = cpage_borrow(pc, window - off % PAGE_SIZE, &page);

    err = err ? err : publish(pc, off / PAGE_SIZE, page);
    return err ? err : iobuf_get(io, window, n);
}

static long write_page(struct pagecache *pc, struct iobuf *io, uint64_t off,
                       size_t n)
{
    struct cpage *page;
    long moved;

    if (likely(!pc->inode->ops->read_pages)) {
        /* What is there stays while the inode's lock is held. */
        page = tree_find(pc, off / PAGE_SIZE);
        if (likely(page)) {
            moved = iobuf_get(io, page->data + off % PAGE_SIZE, n);
            cpage_changed(pc, page);
            return moved;
        }
    }
    moved = page_load(pc, off / PAGE_SIZE, 1, &page);
    if (moved < 0) {
        return moved;
    }
    if (!page) {
        char *window = window_at(pc, off);

        return window ? write_window(pc, io, off, n, window)
                      : write_new(pc, io, off, n);
    }
    moved = iobuf_get(io, page->data + off % PAGE_SIZE, n);
    cpage_changed(pc, page);
    cpage_put(page);
    return moved;
}

long pagecache_write(struct pagecache *pc, struct iobuf *io, uint64_t off)
{
    long done = 0, moved = 0;

    if (pc->window) {
        moved = pagecache_extend(pc, off + io->left);
        if (moved) {
            return moved;
        }
    }
    while (io->left) {
        size_t in = off % PAGE_SIZE;
        size_t n = MIN((uint64_t)(PAGE_SIZE - in), io->left);

        moved = write_page(pc, io, off, n);
        if (moved < 0) {
            break;
        }
        done += moved;
        off += moved;
        if ((size_t)moved < n) {
            break;
        }
    }
    return done ? done : MIN(moved, 0l);
}

/* Zeroes [from, to) of one page if it is there. */
static void zero_part(struct pagecache *pc, uint64_t index, size_t from,
                      size_t to)
{
    char *window = window_at(pc, index * PAGE_SIZE);
    struct cpage *page;

    if (window) {
        memset(window + from, 0, to - from);
        return;
    }
    spin_lock(&pc->lock);
    page = tree_find(pc, index);
    if (page) {
        memset(page->data + from, 0, to - from);
        cpage_changed(pc, page);
    }
    spin_unlock(&pc->lock);
}

void tree_drop(struct pagecache *pc, uint64_t index, uint64_t end)
{
    struct cpage *gone[32];
    unsigned count;

    do {
        count = 0;
        spin_lock(&pc->lock);
        while (count < ARRAY_SIZE(gone) && tree_next(pc, &index) &&
               index < end) {
            gone[count++] = tree_remove(pc, index++);
        }
        spin_unlock(&pc->lock);
        for (unsigned i = 0; i < count; i++) {
            cpage_put(gone[i]);
        }
    } while (count == ARRAY_SIZE(gone));
}

void pagecache_truncate(struct pagecache *pc, uint64_t size)
{
    if (size % PAGE_SIZE) {
        zero_part(pc, size / PAGE_SIZE, size % PAGE_SIZE, PAGE_SIZE);
    }
    tree_drop(pc, (size + PAGE_SIZE - 1) / PAGE_SIZE, UINT64_MAX);
    if (pc->window) {
        window_truncate(pc, size);
    }
}

void pagecache_punch(struct pagecache *pc, uint64_t off, uint64_t len)
{
    uint64_t end = off + len;
    uint64_t first = (off + PAGE_SIZE - 1) / PAGE_SIZE;
    uint64_t last = end / PAGE_SIZE;

    if (first > last) { /* inside one page */
        zero_part(pc, last, off % PAGE_SIZE, end % PAGE_SIZE);
        return;
    }
    if (off % PAGE_SIZE) {
        zero_part(pc, first - 1, off % PAGE_SIZE, PAGE_SIZE);
    }
    if (end % PAGE_SIZE) {
        zero_part(pc, last, 0, end % PAGE_SIZE);
    }
    tree_drop(pc, first, last);
    for (; pc->window && first < last; first++) {
        zero_part(pc, first, 0, PAGE_SIZE);
    }
}

static int add_zero_page(struct pagecache *pc, uint64_t index)
{
    char *window = window_at(pc, index * PAGE_SIZE);
    struct cpage *page;
    int err =
        window ? cpage_borrow(pc, window, &page) : cpage_alloc(pc, NULL, &page);

    if (err) {
        return err;
    }
    if (!window) {
        memset(page->data, 0, PAGE_SIZE);
    }
    return publish(pc, index, page);
}

int pagecache_allocate(struct pagecache *pc, uint64_t off, uint64_t len)
{
    uint64_t end = (off + len + PAGE_SIZE - 1) / PAGE_SIZE;

    for (uint64_t index = off / PAGE_SIZE; index < end; index++) {
        struct cpage *page;
        int err = page_load(pc, index, 1, &page);

        if (!err && page) {
            cpage_put(page);
            continue;
        }
        if (!err) {
            err = add_zero_page(pc, index);
        }
        if (err) {
            return err;
        }
    }
    return 0;
}

uint64_t pagecache_next(struct pagecache *pc, uint64_t from, bool present)
{
    uint64_t index = from;

    spin_lock(&pc->lock);
    if (present) {
        if (!tree_next(pc, &index)) {
            index = UINT64_MAX;
        }
    } else {
        while (tree_find(pc, index)) {
            index++;
        }
    }
    spin_unlock(&pc->lock);
    return index;
}

static bool is_showable(const struct cpage *page)
{
    return page && !page->borrowed &&
           atomic_load_acquire(&page->state) == PAGE_READY;
}

size_t pagecache_run(struct pagecache *pc, uint64_t *index, uint64_t end,
                     bool load, char **run)
{
    struct cpage *page = NULL;
    size_t n = 0;

    if (pc->window) {
        return window_run(pc, *index, end, run);
    }
    n = stock_run(pc, index, end, load, run);
    if (n) {
        atomic_store_relaxed(&pc->shown, true);
        return n;
    }
    if (load && page_load(pc, *index, 1, &page) == 0 && page) {
        cpage_put(page);
    }
    spin_lock(&pc->lock);
    while (!load && (page = tree_next(pc, index)) && !is_showable(page)) {
        ++*index;
    }
    for (; *index + n < end; n++) {
        page = tree_find(pc, *index + n);
        if (!is_showable(page) || (n && page->data != *run + n * PAGE_SIZE)) {
            break;
        }
        cpage_use(page);
        *run = n ? *run : page->data;
    }
    if (n) {
        page_get(*run, n);
        atomic_store_relaxed(&pc->shown, true);
    }
    spin_unlock(&pc->lock);
    return n;
}

void pagecache_destroy(struct pagecache *pc)
{
    text_forget(&pc->texts);
    if (pc->shown) {
        mm_forget(pc->inode);
    }
    tree_drop(pc, 0, UINT64_MAX);
    check(tree_is_empty(pc));
    room_free(pc);
    window_free(pc);
    pagecache_forget(pc);
}
