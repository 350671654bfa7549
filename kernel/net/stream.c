/* SPDX-License-Identifier: MIT
 *
 * Byte streams between sockets (stream.h).
 */
#include "kernel/net/stream.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "abi/linux/errno.h"
#include "lib/atomic.h"
#include "lib/string.h"

/* Of memory, where there is a ceiling; else what Linux makes of 16 GB. */
enum { SCARCE_SHARE = 16, SCARCE_PAGES = 253000 };

static uint64_t pages; /* atomic */

uint64_t stream_pages(void)
{
    return atomic_load_relaxed(&pages);
}

uint64_t stream_scarce_at(void)
{
    uint64_t ceiling = limit_ceiling();

    return ceiling ? ceiling / SCARCE_SHARE : SCARCE_PAGES;
}

uint64_t stream_full_at(void)
{
    return stream_scarce_at() / 2 * 3;
}

enum stream_pressure stream_pressure(void)
{
    uint64_t now = stream_pages();

    if (likely(now < stream_scarce_at())) {
        return STREAM_PLENTY;
    }
    return now < stream_full_at() ? STREAM_SCARCE : STREAM_FULL;
}

static void free_page(char *page)
{
    page_free(page, 1);
    atomic_fetch_sub(&pages, 1);
}

void stream_init(struct stream *st)
{
    mutex_init(&st->read_lock, LOCK_FS_INODE);
    mutex_init(&st->write_lock, LOCK_FS_INODE);
    spin_init(&st->lock, LOCK_PIPE);
    list_init(&st->marks);
    st->head = st->tail = 0;
    memset(st->ring, 0, sizeof(st->ring));
    st->closed = false;
}

static void free_chunk(char ***chunk)
{
    for (unsigned i = 0; *chunk && i < STREAM_CHUNK; i++) {
        if ((*chunk)[i]) {
            free_page((*chunk)[i]);
        }
    }
    kfree(*chunk);
    *chunk = NULL;
}

void stream_destroy(struct stream *st)
{
    for (unsigned i = 0; i < STREAM_CHUNKS; i++) {
        free_chunk(&st->ring[i]);
    }
}

static char ***chunk_at(struct stream *st, uint64_t pos)
{
    return &st->ring[pos / PAGE_SIZE / STREAM_CHUNK % STREAM_CHUNKS];
}

static char **page_at(struct stream *st, uint64_t pos)
{
    return &(*chunk_at(st, pos))[pos / PAGE_SIZE % STREAM_CHUNK];
}

/* ---- writing ---- */

/* The page of the next byte. */
static char *page_for(struct stream *st)
{
    char ***chunk = chunk_at(st, st->head), **page;

    if (unlikely(!*chunk)) {
        *chunk = kzalloc(STREAM_CHUNK * sizeof(**chunk));
        if (!*chunk) {
            return NULL;
        }
    }
    page = page_at(st, st->head);
    if (!*page) {
        *page = page_alloc(1);
        atomic_fetch_add(&pages, *page != NULL);
    }
    return *page;
}

static void add_mark(struct stream *st, struct stream_mark *mark)
{
    struct stream_mark *last;

    mark->start = st->head;
    spin_lock(&st->lock);
    if (!list_empty(&st->marks)) {
        last = list_entry(st->marks.prev, struct stream_mark, node);
        last->end = MIN(last->end, mark->start);
    }
    list_add_tail(&st->marks, &mark->node);
    spin_unlock(&st->lock);
}

long stream_put(struct stream *st, struct iobuf *io, uint64_t limit,
                struct stream_mark *mark)
{
    uint64_t head = st->head;
    long done = 0;

    limit = MIN(limit, (uint64_t)STREAM_MOST);
    while (io->left) {
        uint64_t used = st->head - atomic_load_acquire(&st->tail);
        size_t off = st->head % PAGE_SIZE, n;
        char *page;
        long moved;

        if (used >= limit) {
            break;
        }
        n = MIN(MIN(limit - used, io->left), PAGE_SIZE - off);
        page = page_for(st);
        moved = page ? iobuf_get(io, page + off, n) : -ENOMEM;
        if (unlikely(moved < (long)n)) { /* a piece comes whole or not at all */
            return done ? done : moved < 0 ? moved : -EFAULT;
        }
        if (mark && st->head == head) {
            add_mark(st, mark);
        }
        done += moved;
        atomic_store_release(&st->head, st->head + moved);
    }
    return done;
}

/* ---- reading ---- */

long stream_copy(struct stream *st, uint64_t pos, struct iobuf *io, size_t len)
{
    long done = 0;

    while (len) {
        size_t off = pos % PAGE_SIZE;
        size_t n = MIN(len, PAGE_SIZE - off);
        long moved = iobuf_put(io, *page_at(st, pos) + off, n);

        if (moved <= 0) {
            return done ? done : moved;
        }
        done += moved;
        pos += moved;
        len -= moved;
        if ((size_t)moved < n) {
            break;
        }
    }
    return done;
}

void stream_skip(struct stream *st, uint64_t pos)
{
    while (st->tail != pos) {
        uint64_t next = MIN(ALIGN_DOWN(st->tail, PAGE_SIZE) + PAGE_SIZE, pos);

        if (next % PAGE_SIZE == 0) { /* the writer is past this page */
            char **page = page_at(st, st->tail);

            free_page(*page);
            *page = NULL;
            if (next / PAGE_SIZE % STREAM_CHUNK == 0) {
                free_chunk(chunk_at(st, st->tail));
            }
        }
        atomic_store_release(&st->tail, next);
    }
}

/* ---- marks ---- */

struct stream_mark *stream_mark_at(struct stream *st, uint64_t pos,
                                   uint64_t *end)
{
    struct stream_mark *found = NULL;

    *end = atomic_load_acquire(&st->head);
    if (likely(list_empty(&st->marks))) {
        return NULL;
    }
    spin_lock(&st->lock);
    list_for_each (node, &st->marks) {
        struct stream_mark *m = list_entry(node, struct stream_mark, node);

        if (m->end <= pos) {
            continue;
        }
        if (m->start <= pos) {
            found = m;
        }
        *end = MIN(*end, found == m ? m->end : m->start);
        break;
    }
    spin_unlock(&st->lock);
    return found;
}

bool stream_mark_drop(struct stream *st, struct stream_mark *mark, uint64_t pos)
{
    bool ends;

    spin_lock(&st->lock);
    ends = mark->end <= pos;
    if (ends) {
        list_del(&mark->node);
    }
    spin_unlock(&st->lock);
    return ends;
}

struct stream_mark *stream_mark_first(struct stream *st)
{
    return list_empty(&st->marks)
               ? NULL
               : list_entry(st->marks.next, struct stream_mark, node);
}

/* ---- ends ---- */

void stream_close(struct stream *st)
{
    mutex_lock(&st->write_lock);
    atomic_store_release(&st->closed, true);
    mutex_unlock(&st->write_lock);
}

uint64_t stream_discard(struct stream *st)
{
    uint64_t left;

    stream_close(st);
    mutex_lock(&st->read_lock);
    left = st->head - st->tail;
    stream_skip(st, st->head);
    mutex_unlock(&st->read_lock);
    return left;
}
