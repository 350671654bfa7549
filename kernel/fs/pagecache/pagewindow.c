/* SPDX-License-Identifier: MIT
 *
 * Windows: where the pages of a file live while it is mapped shared. A page of
 * an enclave has one address, so read, write and every mapping use the same
 * memory there: [window, window + window_end) is the file, zero where nobody
 * has written.
 *
 * The tree still says which pages are known to be there; its entries borrow
 * their data from the window then. What mappings touch by themselves is not
 * noticed. All changes are made with the inode's lock held; readers hold
 * nothing, and copy with fixups, since a truncation may take the memory away.
 */
#include "kernel/fs/pagecache/pagetree.h"
#include "kernel/fs/vfs.h"
#include "arch/x86_64/arch.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

char *window_at(struct pagecache *pc, uint64_t off)
{
    uint64_t window = atomic_load_acquire(&pc->window);

    return window && off < atomic_load_acquire(&pc->window_end)
               ? (char *)window + off
               : NULL;
}

size_t window_run(struct pagecache *pc, uint64_t index, uint64_t end,
                  char **run)
{
    uint64_t last = atomic_load_acquire(&pc->window_end) / PAGE_SIZE;

    atomic_store(&pc->window_seen, true);
    *run = (char *)pc->window + index * PAGE_SIZE;
    return index < MIN(last, end) ? MIN(last, end) - index : 0;
}

long window_put(struct iobuf *io, const char *src, size_t n)
{
    char part[256];
    size_t done = 0;

    if (io->user) {
        return iobuf_put(io, src, n);
    }
    while (done < n) {
        size_t len = MIN(n - done, sizeof(part));
        size_t lost = arch_user_copy(part, src + done, len);

        memset(part + len - lost, 0, lost);
        iobuf_put(io, part, len);
        done += len;
    }
    return done;
}

/* ---- size ---- */

int pagecache_extend(struct pagecache *pc, uint64_t size)
{
    uint64_t end = MIN(ALIGN_UP(size, PAGE_SIZE), pc->window_len);
    int err;

    if (!pc->window || end <= pc->window_end) {
        return 0;
    }
    /* Set aside behind the end (fallocate): no content, and now in the way. */
    tree_drop(pc, pc->window_end / PAGE_SIZE, end / PAGE_SIZE);
    err = mm_window_commit(pc->window + pc->window_end, pc->window + end);
    if (!err) {
        atomic_store_release(&pc->window_end, end);
    }
    return err;
}

void window_truncate(struct pagecache *pc, uint64_t size)
{
    uint64_t end = ALIGN_UP(size, PAGE_SIZE), old = pc->window_end;

    if (end < old) {
        atomic_store_release(&pc->window_end, end);
        mm_window_release(pc->window + end, pc->window + old);
    }
}

void window_free(struct pagecache *pc)
{
    if (pc->window) {
        mm_window_release(pc->window, pc->window + pc->window_end);
        mm_window_free(pc->window, pc->window_len);
        pc->window = 0;
    }
}

/* ---- moving in ---- */

/* The entries that pages get when they move, made before the first does: a
 * move that has begun does not fail. */
struct moved {
    struct cpage **pages;
    uint64_t count;
};

static void moved_free(struct moved *m)
{
    for (uint64_t i = 0; i < m->count; i++) {
        kfree(m->pages[i]);
    }
    kfree(m->pages);
}

static int moved_make(struct moved *m, uint64_t count)
{
    m->count = 0;
    m->pages = kmalloc(MAX(count, 1ul) * sizeof(*m->pages));
    if (!m->pages) {
        return -ENOMEM;
    }
    for (; m->count < count; m->count++) {
        m->pages[m->count] = kmalloc(sizeof(struct cpage));
        if (!m->pages[m->count]) {
            moved_free(m);
            return -ENOMEM;
        }
    }
    return 0;
}

/* A page moves: its content to the window, an entry that borrows it into the
 * tree. Whoever holds the old one goes on reading the same bytes. */
static void move_page(struct pagecache *pc, uint64_t index, struct cpage *old,
                      struct cpage *fresh, uint64_t window)
{
    char *to = (char *)window + index * PAGE_SIZE;
    size_t left = arch_user_copy(to, old->data, PAGE_SIZE);
    struct cpage *was;

    check(!left); /* the window's pages are committed */
    *fresh = (struct cpage){.data = to,
                            .refs = 1,
                            .state = PAGE_READY,
                            .borrowed = true,
                            .charged = old->charged};
    spin_lock(&pc->lock);
    was = tree_swap(pc, index, fresh);
    check(was == old);
    old->charged = NULL;
    spin_unlock(&pc->lock);
    cpage_put(old);
}

/* The inode's lock keeps all pages where they are. */
static void move_pages(struct pagecache *pc, struct moved *m, uint64_t window)
{
    uint64_t index = 0;

    while (m->count) {
        struct cpage *page;

        spin_lock(&pc->lock);
        page = tree_next(pc, &index);
        spin_unlock(&pc->lock);
        if (!page) {
            break;
        }
        move_page(pc, index++, page, m->pages[--m->count], window);
    }
}

/* What mappings wrote to an old window without anybody knowing. */
static int copy_unknown(struct pagecache *pc, uint64_t window)
{
    if (pc->window &&
        arch_user_copy((void *)window, (void *)pc->window, pc->window_end)) {
        return -EIO;
    }
    return 0;
}

static int move_to(struct pagecache *pc, uint64_t window, uint64_t len)
{
    uint64_t old = pc->window, old_len = pc->window_len;
    uint64_t old_end = pc->window_end;
    uint64_t end = ALIGN_UP(pc->inode->size, PAGE_SIZE);
    struct moved m;
    int err;

    tree_drop(pc, end / PAGE_SIZE, UINT64_MAX); /* only set aside */
    err = moved_make(&m, pc->page_count);
    if (err) {
        return err;
    }
    err = mm_window_commit(window, window + end);
    if (err) {
        moved_free(&m);
        return err;
    }
    err = copy_unknown(pc, window);
    if (err) {
        mm_window_release(window, window + end);
    } else {
        move_pages(pc, &m, window);
        pc->window_len = len;
        atomic_store_release(&pc->window, window);
        atomic_store_release(&pc->window_end, end);
        if (old) {
            mm_window_release(old, old + old_end);
            mm_window_free(old, old_len);
        }
    }
    moved_free(&m);
    return err;
}

int pagecache_share(struct pagecache *pc, uint64_t end)
{
    uint64_t need = ALIGN_UP(MAX(end, pc->inode->size), PAGE_SIZE);
    uint64_t len = MAX(need + need / 2, mm_window_least()), window;
    int err;

    if (end <= pc->window_len) {
        return 0;
    }
    if (atomic_load(&pc->maps) || atomic_load(&pc->window_seen)) {
        return -ENOMEM; /* they cannot move with their pages */
    }
    len = ALIGN_UP(len, PAGE_SIZE);
    err = mm_window_alloc(len, &window);
    if (err) {
        return err;
    }
    err = move_to(pc, window, len);
    if (err) {
        mm_window_free(window, len);
    }
    return err;
}
