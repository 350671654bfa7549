/* SPDX-License-Identifier: MIT
 *
 * A stream: the bytes on their way to one socket, of unix(7) or of a loopback
 * connection. The peer writes them, the socket's owner reads them. They stand
 * in a ring of pages that are there only while bytes are in them, and so are
 * the chunks of the ring.
 *
 * One writer and one reader work at the same time: write_lock guards head,
 * read_lock guards tail; both are mutexes, because copies to and from user
 * memory may bring pages in. Others look at the counts without them.
 *
 * Marks tell something about a range of bytes (descriptors and credentials
 * that came with it); they are appended before their bytes can be seen.
 */
#ifndef KERNEL_NET_STREAM_H
#define KERNEL_NET_STREAM_H

#include "kernel/core/lock.h"
#include "kernel/mm/uaccess.h"
#include "lib/list.h"

enum {
    STREAM_CHUNK = 128, /* pages */
    STREAM_CHUNKS = 8,
    /* Less than the ring has: the chunk that the reader leaves is never one
     * that the writer is about to enter. */
    STREAM_MOST = ((STREAM_CHUNKS - 1) * STREAM_CHUNK - 1) * PAGE_SIZE,
};

struct stream_mark {
    struct list node;
    uint64_t start, end; /* positions; UINT64_MAX: until the next mark */
};

struct stream {
    struct mutex read_lock, write_lock; /* LOCK_FS_INODE; never both */
    uint64_t head, tail;                /* bytes ever written and read */
    char **ring[STREAM_CHUNKS];         /* STREAM_CHUNK pages each, or NULL */
    bool closed;                        /* nothing more is written; atomic */
    struct spinlock lock;               /* LOCK_PIPE: marks */
    struct list marks;                  /* by position */
};

/* Pages in all streams, and how scarce that makes them: then nobody gets more
 * than a part of what it could have, or hardly anything (tcp(7), tcp_mem). */
enum stream_pressure { STREAM_PLENTY, STREAM_SCARCE, STREAM_FULL };
uint64_t stream_pages(void);
enum stream_pressure stream_pressure(void);
/* Where the two begin. */
uint64_t stream_scarce_at(void);
uint64_t stream_full_at(void);

void stream_init(struct stream *st);
/* Frees pages; marks must be gone. Nobody uses st. */
void stream_destroy(struct stream *st);

static inline uint64_t stream_filled(struct stream *st)
{
    uint64_t tail = atomic_load_acquire(&st->tail);

    return atomic_load_acquire(&st->head) - tail;
}

static inline bool stream_is_closed(struct stream *st)
{
    return atomic_load_acquire(&st->closed);
}

/* Appends what fits below limit bytes in all; write_lock is held. 0: full.
 * mark, when not NULL, is appended in front of the first byte and taken over
 * once a byte went in. -EFAULT, -ENOMEM. */
long stream_put(struct stream *st, struct iobuf *io, uint64_t limit,
                struct stream_mark *mark);

/* Moves up to n bytes from position pos on, which lies in [tail, head];
 * read_lock is held. Nothing is consumed. -EFAULT. */
long stream_copy(struct stream *st, uint64_t pos, struct iobuf *io, size_t n);
/* Consumes everything before pos; read_lock is held. */
void stream_skip(struct stream *st, uint64_t pos);

/* The mark over pos, or NULL; *end: how far it (or its absence) reaches, at
 * most head. read_lock is held. */
struct stream_mark *stream_mark_at(struct stream *st, uint64_t pos,
                                   uint64_t *end);
/* Takes a mark off the list when it ends at pos or before; true: it did. */
bool stream_mark_drop(struct stream *st, struct stream_mark *mark,
                      uint64_t pos);
/* The first mark, or NULL. */
struct stream_mark *stream_mark_first(struct stream *st);

/* Ends the stream; waits for a write in progress. Does not wake. */
void stream_close(struct stream *st);
/* Also drops what is in it. Returns how many bytes nobody had read. */
uint64_t stream_discard(struct stream *st);

#endif
