/* SPDX-License-Identifier: MIT
 *
 * The page cache's other end: bringing missing pages in from the leaf, ahead
 * of sequential readers, and forgetting clean ones when memory is short.
 *
 * A loader first puts LOADING pages into the tree, then reads with no lock
 * held; who needs one of them meanwhile waits on pc->loaded. A page taken out
 * of the tree in between (truncate) is finished all the same and then goes.
 */
#include "kernel/fs/pagecache/pagetree.h"
#include "kernel/fs/vfs.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

/* Caches with pages that can be read again. */
static struct list shrinkable = LIST_INIT(shrinkable);
static struct spinlock shrink_lock = SPINLOCK_INIT(LOCK_DENTRY);
static struct pagecache_stats stats;

/* ---- loading ---- */

enum { AHEAD_FIRST = 8 };

/* How many pages to read at a miss on index, of which `wanted` are wanted: of
 * others as many as cost next to nothing, or twice as many as the last time
 * where a reader goes on. A page that nobody needs costs as much as one that
 * somebody does, and many files are only looked at. pc->lock is held. */
static unsigned ahead_of(struct pagecache *pc, uint64_t index, uint64_t wanted,
                         uint64_t end)
{
    uint64_t least = pc->inode->sb->read_batch ?: AHEAD_FIRST;
    uint64_t count = MAX(wanted, least);

    if (index == pc->ahead_next && index != 0) {
        count = MAX(count, pc->ahead * 2ull);
    }
    count = MIN(count, (uint64_t)PAGECACHE_BATCH);
    count = index < end ? MIN(count, end - index) : 1;
    pc->ahead = count;
    pc->ahead_next = index + count;
    return count;
}

/* Puts LOADING pages at [index, index + *count), in one run of memory if there
 * is one; fewer where one is there or memory is short; one at least, or
 * -errno. -EEXIST: the first is there. */
static int reserve(struct pagecache *pc, uint64_t index, unsigned *count,
                   struct cpage *pages[])
{
    char *run = *count > 1 && !pc->room && !heap_low()
                    ? page_share_alloc(*count)
                    : NULL;
    unsigned n = 0, used = 0;
    int err = 0;

    while (n < *count && !err) {
        char *data = run ? run + n * PAGE_SIZE : room_take(pc, index + n);

        err = cpage_alloc(pc, data, &pages[n]);
        if (err) {
            if (data && !run) {
                page_put(data, 1);
            }
            break;
        }
        used = n + 1;
        spin_lock(&pc->lock);
        err = tree_find(pc, index + n) ? -EEXIST : 0;
        if (!err) {
            pages[n]->refs = 2;
            err = tree_insert(pc, index + n, pages[n]);
        }
        spin_unlock(&pc->lock);
        if (err) {
            pages[n]->refs = 1;
            cpage_put(pages[n]);
        } else {
            n++;
        }
    }
    if (run && used < *count) {
        page_put(run + used * PAGE_SIZE, *count - used);
    }
    *count = n;
    return n ? 0 : err;
}

/* Reads reserved pages; the loader's references go, except on the first when
 * it is good. */
static int load(struct pagecache *pc, uint64_t index, unsigned count,
                struct cpage *pages[])
{
    void *data[PAGECACHE_BATCH];
    int good;

    for (unsigned i = 0; i < count; i++) {
        data[i] = pages[i]->data;
    }
    good = pc->inode->ops->read_pages(pc->inode, index, count, data);
    spin_lock(&pc->lock);
    for (unsigned i = 0; i < count; i++) {
        bool ok = (int)i < good;

        atomic_store_release(&pages[i]->state, ok ? PAGE_READY : PAGE_FAILED);
        if (!ok && tree_find(pc, index + i) == pages[i]) {
            tree_remove(pc, index + i);
            atomic_fetch_sub(&pages[i]->refs,
                             1); /* the tree's; the loader's is left */
        }
    }
    spin_unlock(&pc->lock);
    wait_wake_all(&pc->loaded);
    for (unsigned i = good > 0 ? 1 : 0; i < count; i++) {
        cpage_put(pages[i]);
    }
    return good > 0 ? 0 : good < 0 ? good : -EIO;
}

static void note_shrinkable(struct pagecache *pc)
{
    spin_lock(&shrink_lock);
    if (list_empty(&pc->shrink_node)) {
        list_add_tail(&shrinkable, &pc->shrink_node);
    }
    spin_unlock(&shrink_lock);
}

static int fill(struct pagecache *pc, uint64_t index, unsigned count,
                struct cpage **out)
{
    struct cpage *pages[PAGECACHE_BATCH];
    int err = reserve(pc, index, &count, pages);

    if (err) {
        return err;
    }
    note_shrinkable(pc);
    atomic_add_fetch_relaxed(&stats.misses, count);
    err = load(pc, index, count, pages);
    if (!err) {
        *out = pages[0];
    }
    return err;
}

/* What is in the stock is there; the rest comes from the leaf. */
static int bring_in(struct pagecache *pc, uint64_t index, unsigned count,
                    struct cpage **out)
{
    uint64_t n = count;
    char *data = stock_pages(pc, index, &n);

    return data ? stock_insert(pc, index, data, out)
                : fill(pc, index, (unsigned)n, out);
}

/* Waits for somebody else's load of page; the reference goes unless READY. */
static int await(struct pagecache *pc, struct cpage *page)
{
    wait_event(&pc->loaded, atomic_load_acquire(&page->state) != PAGE_LOADING,
               DEADLINE_NONE, 0);
    if (page->state == PAGE_READY) {
        return 0;
    }
    cpage_put(page);
    return -EIO;
}

int page_load(struct pagecache *pc, uint64_t index, uint64_t wanted,
              struct cpage **out)
{
    int err;

    do {
        uint64_t end = (pc->inode->size + PAGE_SIZE - 1) / PAGE_SIZE;
        struct cpage *page;
        unsigned count = 0;

        spin_lock(&pc->lock);
        page = tree_find(pc, index);
        if (page) {
            atomic_fetch_add(&page->refs, 1);
        } else if (pc->inode->ops->read_pages) {
            count = ahead_of(pc, index, wanted, end);
        }
        spin_unlock(&pc->lock);
        *out = page;
        if (page && atomic_load_acquire(&page->state) == PAGE_READY) {
            cpage_use(page);
            return 0;
        }
        if (page) {
            return await(pc, page);
        }
        err = count ? bring_in(pc, index, count, out) : 0;
    } while (err == -EEXIST);
    return err;
}

/* The page at index once it is loaded, with a reference, if it is there. */
static struct cpage *page_present(struct pagecache *pc, uint64_t index)
{
    struct cpage *page;

    spin_lock(&pc->lock);
    page = tree_find(pc, index);
    if (page) {
        atomic_fetch_add(&page->refs, 1);
    }
    spin_unlock(&pc->lock);
    return page && await(pc, page) == 0 ? page : NULL;
}

void pagecache_update(struct pagecache *pc, const char *buf, size_t len,
                      uint64_t off)
{
    while (len) {
        size_t in = off % PAGE_SIZE, n = MIN(PAGE_SIZE - in, len);
        struct cpage *page = page_present(pc, off / PAGE_SIZE);

        if (page) {
            memcpy(page->data + in, buf, n);
            cpage_changed(pc, page);
            cpage_put(page);
        }
        buf += n;
        len -= n;
        off += n;
    }
}

void pagecache_readahead(struct pagecache *pc, uint64_t index, uint64_t count)
{
    uint64_t end = (pc->inode->size + PAGE_SIZE - 1) / PAGE_SIZE;

    if (!pc->inode->ops->read_pages || index >= end) {
        return;
    }
    end = MIN(end, index + MIN(count, end));
    while ((index = pagecache_next(pc, index, false)) < end) {
        uint64_t n = MIN(end - index, (uint64_t)PAGECACHE_BATCH);
        bool stocked = stock_pages(pc, index, &n);
        struct cpage *page;
        int err = stocked ? 0 : fill(pc, index, (unsigned)n, &page);

        if (!err && !stocked) {
            cpage_put(page);
        } else if (err && err != -EEXIST) {
            return;
        }
        index = err ? index + 1 : index + n;
    }
}

/* The page at index to dst; false: it is not there. */
static bool copy_cached(struct pagecache *pc, uint64_t index, char *dst)
{
    struct cpage *page;

    spin_lock(&pc->lock);
    page = tree_find(pc, index);
    if (page &&
        (page->borrowed || atomic_load_acquire(&page->state) != PAGE_READY)) {
        page = NULL;
    }
    if (page) {
        atomic_fetch_add(&page->refs, 1);
    }
    spin_unlock(&pc->lock);
    if (page) {
        memcpy(dst, page->data, PAGE_SIZE);
        cpage_put(page);
    }
    return page != NULL;
}

int pagecache_read_once(struct pagecache *pc, uint64_t index, unsigned count,
                        char *dst)
{
    void *data[PAGECACHE_BATCH];
    unsigned done = 0;
    int good = 0;

    while (done < count && good >= 0) {
        uint64_t at = index + done, most = count - done;
        const char *stocked = stock_pages(pc, at, &most);
        unsigned n;

        if (stocked) {
            memcpy(dst + done * PAGE_SIZE, stocked, most * PAGE_SIZE);
            done += (unsigned)most;
            continue;
        }
        most = MIN(most, (uint64_t)PAGECACHE_BATCH);
        if (copy_cached(pc, at, dst + done * PAGE_SIZE)) {
            done++;
            continue;
        }
        n = (unsigned)MIN(pagecache_next(pc, at, true) - at, most);
        n = MAX(n, 1u); /* it is on its way in: both read it */
        for (unsigned i = 0; i < n; i++) {
            data[i] = dst + (done + i) * PAGE_SIZE;
        }
        good = pc->inode->ops->read_pages(pc->inode, at, n, data);
        done += (unsigned)MAX(good, 0);
        good = good ? good : -EIO;
    }
    return done ? (int)done : good;
}

/* ---- forgetting ---- */

/* Not while somebody reads it, nor while an address space shows it: then
 * nothing would be gained. */
static bool can_go(const struct cpage *page)
{
    return page->refs == 1 && page->state == PAGE_READY && !page->borrowed &&
           page_refs(page->data) == 1;
}

uint64_t pagecache_drop(struct pagecache *pc, uint64_t index, uint64_t count)
{
    uint64_t dropped = 0, end = index + MIN(count, UINT64_MAX - index);

    if (!pc->inode->ops->read_pages) {
        return 0;
    }
    spin_lock(&pc->lock);
    for (; index < end; index++) {
        struct cpage *page = tree_next(pc, &index);

        if (!page || index >= end) {
            break;
        }
        if (can_go(page)) {
            cpage_put(tree_remove(pc, index));
            dropped++;
        }
    }
    spin_unlock(&pc->lock);
    atomic_add_fetch_relaxed(&stats.evicted, dropped);
    return dropped;
}

/* One round over pc: pages in use since the last one are spared once. */
static uint64_t shrink_one(struct pagecache *pc, uint64_t count)
{
    uint64_t dropped = 0, index = 0;
    struct cpage *page;

    if (!spin_trylock(&pc->lock)) {
        return 0; /* its owner may be the one who needs memory */
    }
    while (dropped < count && (page = tree_next(pc, &index)) != NULL) {
        if (page->used) {
            page->used = 0;
        } else if (can_go(page)) {
            cpage_put(tree_remove(pc, index));
            dropped++;
        }
        index++;
    }
    spin_unlock(&pc->lock);
    return dropped;
}

uint64_t pagecache_shrink(uint64_t count)
{
    uint64_t dropped = text_shrink(count);

    spin_lock(&shrink_lock);
    for (int round = 0; round < 2 && dropped < count; round++) {
        list_for_each (pos, &shrinkable) {
            struct pagecache *pc =
                list_entry(pos, struct pagecache, shrink_node);

            if (dropped >= count) {
                break;
            }
            dropped += shrink_one(pc, count - dropped);
        }
    }
    spin_unlock(&shrink_lock);
    atomic_add_fetch_relaxed(&stats.evicted, dropped);
    return dropped;
}

size_t pagecache_collect(struct stock_page *pages, size_t room)
{
    size_t n = 0;

    spin_lock(&shrink_lock);
    list_for_each (pos, &shrinkable) {
        struct pagecache *pc = list_entry(pos, struct pagecache, shrink_node);

        if (pc->inode->ops->blocks) {
            n += stock_collect(pc, pages + n, room - n);
        }
    }
    spin_unlock(&shrink_lock);
    return n;
}

void pagecache_forget(struct pagecache *pc)
{
    if (list_empty(&pc->shrink_node)) {
        return;
    }
    spin_lock(&shrink_lock);
    list_del(&pc->shrink_node);
    spin_unlock(&shrink_lock);
}

void pagecache_get_stats(struct pagecache_stats *out)
{
    *out = stats;
    out->pages = stats.misses - stats.evicted;
}
