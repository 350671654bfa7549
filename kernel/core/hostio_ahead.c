/* SPDX-License-Identifier: MIT
 *
 * Windows of a host's file (hostio_ahead.h). The lock is held to find one and
 * to count its users; copying and filling are done without it, so two tasks may
 * have the same pages in two windows, which is harmless.
 */
#include "kernel/core/hostio_ahead.h"
#include "kernel/core/hostio.h"
#include "abi/linux/errno.h"

enum {
    CREDIT_START = 16 * AHEAD_PAGES,
    CREDIT_MAX = 16 * AHEAD_PAGES,
    GAIN = 3, /* for a page from a window; a plain one gives 1 */
};

void ahead_init(struct host_ahead *a, int fd, uint64_t at, uint64_t pages,
                bool enabled)
{
    *a = (struct host_ahead){
        .fd = fd,
        .at = at,
        .pages = pages,
        .enabled = enabled,
        .credit = CREDIT_START,
    };
    spin_init(&a->lock, LOCK_HOSTIO);
}

void ahead_free(struct host_ahead *a)
{
    for (int i = 0; i < AHEAD_WINDOWS; i++) {
        if (a->windows[i].buffer.size) {
            buffer_put(&a->windows[i].buffer);
        }
    }
}

void ahead_forget(struct host_ahead *a)
{
    spin_lock(&a->lock);
    for (int i = 0; i < AHEAD_WINDOWS; i++) {
        if (!a->windows[i].users) {
            a->windows[i].count = 0;
        }
    }
    spin_unlock(&a->lock);
}

static bool holds(const struct ahead_window *w, uint64_t page)
{
    return page >= w->first && page - w->first < w->count;
}

/* The window with page in it, one user more; or NULL. */
static struct ahead_window *find(struct host_ahead *a, uint64_t page)
{
    struct ahead_window *found = NULL;

    spin_lock(&a->lock);
    for (int i = 0; i < AHEAD_WINDOWS && !found; i++) {
        if (holds(&a->windows[i], page)) {
            found = &a->windows[i];
            found->users++;
            found->used = ++a->time;
        }
    }
    spin_unlock(&a->lock);
    return found;
}

static void leave(struct host_ahead *a, struct ahead_window *w)
{
    spin_lock(&a->lock);
    w->users--;
    spin_unlock(&a->lock);
}

static void earn(struct host_ahead *a, int pages)
{
    spin_lock(&a->lock);
    a->credit = MIN(a->credit + pages, CREDIT_MAX);
    spin_unlock(&a->lock);
}

/* Windows lie side by side from the file's start on, the last one at its end;
 * so what is before a page comes along as well. */
static uint64_t window_of(const struct host_ahead *a, uint64_t page)
{
    uint64_t first = ALIGN_DOWN(page, (uint64_t)AHEAD_PAGES);

    return a->pages < AHEAD_PAGES ? 0 : MIN(first, a->pages - AHEAD_PAGES);
}

static bool is_held(const struct host_ahead *a, uint64_t page)
{
    for (int i = 0; i < AHEAD_WINDOWS; i++) {
        if (holds(&a->windows[i], page)) {
            return true;
        }
    }
    return false;
}

/* The window that was not used for longest, emptied, for its one user to
 * fill; NULL: none is free, or it would be in vain. Under the lock. */
static struct ahead_window *take(struct host_ahead *a, uint64_t first)
{
    struct ahead_window *oldest = NULL;
    bool scarce = buffer_is_scarce(BUFFER_LARGE);

    for (int i = 0; i < AHEAD_WINDOWS && a->credit > 0; i++) {
        struct ahead_window *w = &a->windows[i];

        if (!w->users && (w->buffer.size || !scarce) &&
            (!oldest || w->used < oldest->used)) {
            oldest = w;
        }
    }
    if (oldest) {
        oldest->users = 1;
        oldest->count = 0;
        oldest->first = first;
        oldest->used = ++a->time;
        a->credit -= AHEAD_PAGES;
    }
    return oldest;
}

/* The window that page belongs to, and where the file is read in order, what
 * follows it. Returns how many were taken. */
static unsigned take_some(struct host_ahead *a, uint64_t page,
                          struct ahead_window *taken[HOSTIO_READS])
{
    uint64_t first = window_of(a, page);
    unsigned count = 0, most = 1;

    spin_lock(&a->lock);
    if (first && is_held(a, first - 1)) {
        most = HOSTIO_READS;
    }
    while (count < most && first < a->pages && !is_held(a, first) &&
           (taken[count] = take(a, first)) != NULL) {
        first += AHEAD_PAGES;
        count++;
    }
    spin_unlock(&a->lock);
    return count;
}

static bool has_buffer(struct ahead_window *w)
{
    return w->buffer.size || buffer_try(BUFFER_LARGE, &w->buffer);
}

/* Brings page in with what is around it. Afterwards it is in a window, or
 * that was not possible. */
static void bring(struct host_ahead *a, uint64_t page)
{
    struct ahead_window *taken[HOSTIO_READS];
    struct hostio_read reads[HOSTIO_READS];
    unsigned count = take_some(a, page, taken), good = 0;

    while (good < count && has_buffer(taken[good])) {
        uint64_t first = taken[good]->first;
        uint64_t pages = MIN(a->pages - first, (uint64_t)AHEAD_PAGES);

        reads[good] = (struct hostio_read){
            .buffer = taken[good]->buffer,
            .len = pages * PAGE_SIZE,
            .off = (int64_t)(a->at + first * PAGE_SIZE),
        };
        good++;
    }
    if (good) {
        hostio_reads(a->fd, reads, good);
    }
    spin_lock(&a->lock);
    for (unsigned i = 0; i < count; i++) {
        if (i < good && reads[i].result > 0) {
            taken[i]->count = (unsigned)(reads[i].result / PAGE_SIZE);
        }
        taken[i]->users--;
    }
    spin_unlock(&a->lock);
}

/* How many pages from the first on came out of a window. */
static unsigned from_window(struct host_ahead *a, uint64_t page, unsigned count,
                            void *const pages[])
{
    struct ahead_window *w = find(a, page);
    unsigned n = 0;

    if (!w) {
        return 0;
    }
    while (n < count && holds(w, page + n)) {
        hostio_receive(&w->buffer, (page + n - w->first) * PAGE_SIZE, pages[n],
                       PAGE_SIZE);
        n++;
    }
    leave(a, w);
    return n;
}

/* The host may read short; a torn page is read again. */
static int64_t read_plain(struct host_ahead *a, uint64_t page, unsigned count,
                          void *const pages[])
{
    int64_t n = hostio_read_pages(a->fd, pages, count,
                                  (int64_t)(a->at + page * PAGE_SIZE));

    return n < 0 ? n : n < (int64_t)PAGE_SIZE ? -EIO : n / (int64_t)PAGE_SIZE;
}

int ahead_read(struct host_ahead *a, uint64_t page, unsigned count,
               void *const pages[])
{
    unsigned done = 0;

    while (done < count) {
        int64_t n = 0;

        if (a->enabled) {
            n = from_window(a, page + done, count - done, pages + done);
            earn(a, (int)n * GAIN);
        }
        if (a->enabled && n == 0) {
            bring(a, page + done);
            n = from_window(a, page + done, count - done, pages + done);
            earn(a, (int)n);
        }
        if (n == 0) {
            n = read_plain(a, page + done, count - done, pages + done);
            earn(a, (int)MAX(n, (int64_t)0));
        }
        if (n < 0) {
            return (int)n;
        }
        done += (unsigned)n;
    }
    return 0;
}
