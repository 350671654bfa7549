/* SPDX-License-Identifier: MIT
 *
 * Pipes and FIFOs (pipe(7), fifo(7)): a ring of slots, a page each. A write of
 * at most a page goes into one slot, so it is atomic; it joins the last slot
 * when it fits behind what is there.
 *
 * pipe->lock guards everything. It is a mutex, because copies to and from user
 * memory may have to bring pages in. Waiters look at head, tail and the counts
 * without it.
 */
#include "kernel/fs/pipe/pipe_private.h"
#include "kernel/fs/current.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"

/* ---- slots ---- */

static char *take_page(struct pipe *p)
{
    return p->spares ? p->spare[--p->spares] : page_alloc(1);
}

static void give_page(struct pipe *p, char *page)
{
    if (p->spares < PIPE_SPARES) {
        p->spare[p->spares++] = page;
    } else {
        page_free(page, 1);
    }
}

void pipe_drop_slot(struct pipe *p)
{
    struct pipe_slot *s = pipe_slot(p, p->tail);

    give_page(p, s->page);
    s->page = NULL;
    atomic_store_release(&p->tail, p->tail + 1);
}

/* ---- reading ---- */

static long take_data(struct pipe *p, struct iobuf *io)
{
    long done = 0;

    while (io->left && !pipe_is_empty(p)) {
        struct pipe_slot *s = pipe_slot(p, p->tail);
        bool packet = s->packet;
        size_t n = MIN((uint64_t)s->len, io->left);
        long moved = iobuf_put(io, s->page + s->off, n);

        if (moved < (long)n) { /* half a slot is not taken */
            return done ? done : -EFAULT;
        }
        done += moved;
        s->off += moved;
        s->len -= moved;
        if (s->len == 0 || packet) {
            pipe_drop_slot(p);
        }
        if (packet) {
            break;
        }
    }
    return done;
}

int pipe_wait_readable(struct pipe *p)
{
    int err = wait_event(&p->can_read, pipe_has_data(p) || pipe_at_end(p),
                         DEADLINE_NONE, WAIT_INTR | WAIT_EXCLUSIVE);

    return err ? -ERESTARTSYS : 0;
}

int pipe_wait_writable(struct pipe *p)
{
    int err = wait_event(&p->can_write,
                         !pipe_is_full(p) || !atomic_load_acquire(&p->readers),
                         DEADLINE_NONE, WAIT_INTR | WAIT_EXCLUSIVE);

    return err ? -ERESTARTSYS : 0;
}

void pipe_wake_writers(struct pipe *p)
{
    wait_wake(&p->can_write, 1, PIPE_OUT);
    async_wake(&p->async, FILE_WRITE, PIPE_OUT);
}

void pipe_wake_readers(struct pipe *p)
{
    wait_wake(&p->can_read, 1, PIPE_IN);
    async_wake(&p->async, FILE_READ, PIPE_IN);
}

/* What there is, with the lock only if there is something. *more: and more is
 * left. */
static long read_now(struct pipe *p, struct iobuf *io, bool *more)
{
    bool was_full;
    long n;

    if (!pipe_has_data(p)) {
        return 0;
    }
    mutex_lock(&p->lock);
    was_full = pipe_is_full(p);
    n = p->borrowed ? 0 : take_data(p, io);
    *more = pipe_has_data(p);
    mutex_unlock(&p->lock);
    if (n && was_full && !pipe_is_full(p)) {
        pipe_wake_writers(p);
    }
    return n;
}

static long pipe_read(struct file *f, struct iobuf *io, uint64_t *pos,
                      int flags)
{
    struct pipe *p = f->private;
    bool slept = false;
    long n = 0;

    if (io->left == 0) {
        return 0;
    }
    for (;;) {
        bool more = false;

        n = read_now(p, io, &more);
        if (n) {
            if (more && slept) { /* our wake-up was for one: pass it on */
                pipe_wake_readers(p);
            }
            return n;
        }
        if (pipe_at_end(p)) {
            return 0;
        }
        if (pipe_has_data(p)) {
            continue;
        }
        if (file_nonblock(f, flags)) {
            return -EAGAIN;
        }
        n = pipe_wait_readable(p);
        if (n) {
            return n;
        }
        slept = true;
    }
}

/* ---- writing ---- */

/* Adds to the last slot what fits as a whole. */
static long join_last(struct pipe *p, struct iobuf *io, bool packet)
{
    struct pipe_slot *s = pipe_slot(p, p->head - 1);
    size_t n = io->left % PAGE_SIZE;
    long moved;

    if (packet || pipe_is_empty(p) || s->packet || n == 0 ||
        s->off + s->len + n > PAGE_SIZE) {
        return 0;
    }
    moved = iobuf_get(io, s->page + s->off + s->len, n);
    if (moved < (long)n) {
        return -EFAULT;
    }
    s->len += moved;
    return moved;
}

static long add_slot(struct pipe *p, struct iobuf *io, bool packet)
{
    size_t n = MIN(io->left, (uint64_t)PAGE_SIZE);
    struct pipe_slot *s = pipe_slot(p, p->head);
    char *page = take_page(p);
    long moved;

    if (!page) {
        return -ENOMEM;
    }
    moved = iobuf_get(io, page, n);
    if (moved < (long)n) { /* half a slot is not written */
        give_page(p, page);
        return -EFAULT;
    }
    *s = (struct pipe_slot){page, 0, moved, packet};
    atomic_store_release(&p->head, p->head + 1);
    return moved;
}

/* As much as there is room for. *done grows; 0, or -errno. */
static long put_data(struct pipe *p, struct iobuf *io, bool packet, long *done)
{
    long n = *done ? 0 : join_last(p, io, packet);

    while (n >= 0) {
        *done += n;
        if (!io->left || pipe_is_full(p)) {
            return 0;
        }
        n = add_slot(p, io, packet);
    }
    return n;
}

/* Nobody reads: SIGPIPE, also when some of it had gone (pipe(7)). */
static long broken(long done)
{
    current_signal(13); /* SIGPIPE */
    return done ? done : -EPIPE;
}

static long pipe_write(struct file *f, struct iobuf *io, uint64_t *pos,
                       int flags)
{
    struct pipe *p = f->private;
    bool packet = f->flags & O_DIRECT, slept = false;
    long done = 0, err;

    if (io->left == 0) {
        return 0;
    }
    for (;;) {
        long before = done;
        bool room;

        if (!atomic_load_acquire(&p->readers)) {
            return broken(done);
        }
        mutex_lock(&p->lock);
        err = put_data(p, io, packet, &done);
        room = !pipe_is_full(p);
        mutex_unlock(&p->lock);
        if (done > before) {
            pipe_wake_readers(p);
        }
        if (err || !io->left) {
            if (room && slept) {
                pipe_wake_writers(p);
            }
            return done ? done : err;
        }
        if (file_nonblock(f, flags)) {
            return done ? done : -EAGAIN;
        }
        err = pipe_wait_writable(p);
        if (err) {
            return done ? done : err;
        }
        slept = true;
    }
}

/* ---- readiness ---- */

static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
    struct pipe *p = f->private;
    uint32_t bits = 0;

    if (f->mode & FILE_READ) {
        poll_wait(pt, &p->can_read);
    }
    if (f->mode & FILE_WRITE) {
        poll_wait(pt, &p->can_write);
    }
    if (f->mode & FILE_READ) {
        bits |= pipe_is_empty(p) ? 0 : PIPE_IN;
        /* f->pos: writers that had opened when f was (FIFOs). */
        if (!atomic_load_acquire(&p->writers) && p->writer_opens != f->pos) {
            bits |= POLLHUP;
        }
    }
    if (f->mode & FILE_WRITE) {
        bits |= pipe_is_full(p) ? 0 : PIPE_OUT;
        bits |= atomic_load_acquire(&p->readers) ? 0 : POLLERR;
    }
    return bits;
}

static int pipe_set_flags(struct file *f, uint32_t flags)
{
    struct pipe *p = f->private;

    async_set(&p->async, f, flags & O_ASYNC);
    return 0;
}

const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .release = pipe_release,
    .set_flags = pipe_set_flags,
};
