/* SPDX-License-Identifier: MIT
 *
 * socketpair(2) of AF_UNIX streams: two ways, one for each direction. A way
 * is a ring of pages that are there only while bytes are in them. Closing an
 * end, or shutdown(2) of one direction from either side, closes the way:
 * what is in it can still be read, nothing more is written.
 *
 * way->lock guards pages and both counts. It is a mutex, because copies to
 * and from user memory may bring pages in. Waiters look at the counts and at
 * `closed` without it.
 */
#include "kernel/net/net.h"
#include "kernel/fs/current.h"
#include "kernel/mm/heap.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"
#include "abi/linux/socket.h"
#include "abi/linux/stat.h"

enum {
    WAY_PAGES = 52, /* Linux's default of 208 KiB */
    WAY_BYTES = WAY_PAGES * PAGE_SIZE,
    RING = WAY_PAGES + 1, /* so that the first and last page never meet */
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
    SIGPIPE_ = 13,
};

struct way {
    struct mutex lock;   /* LOCK_FS_INODE */
    uint64_t head, tail; /* bytes ever written and read */
    char *page[RING];
    bool closed;
    struct wait_queue can_read, can_write;
};

struct pair {
    uint32_t ends;     /* open ones; atomic */
    struct way way[2]; /* end i reads way[i] and writes the other */
    int32_t error[2];  /* of end i, until somebody asks; atomic */
    struct end {
        struct pair *pair;
        int side;
    } end[2];
};

static struct way *in_of(struct file *f)
{
    struct end *e = f->private;

    return &e->pair->way[e->side];
}

static struct way *out_of(struct file *f)
{
    struct end *e = f->private;

    return &e->pair->way[!e->side];
}

static uint64_t filled(struct way *w)
{
    return atomic_load_acquire(&w->head) - atomic_load_acquire(&w->tail);
}

static bool is_closed(struct way *w)
{
    return atomic_load_acquire(&w->closed);
}

static char **page_at(struct way *w, uint64_t pos)
{
    return &w->page[pos / PAGE_SIZE % RING];
}

/* ---- one way ---- */

static void drop_page(struct way *w, uint64_t pos)
{
    page_free(*page_at(w, pos), 1);
    *page_at(w, pos) = NULL;
}

static long take(struct way *w, struct iobuf *io, bool peek)
{
    uint64_t pos = w->tail;
    long done = 0;

    while (io->left && pos != w->head) {
        size_t off = pos % PAGE_SIZE;
        size_t n = MIN(MIN(w->head - pos, io->left), PAGE_SIZE - off);
        long moved = iobuf_put(io, *page_at(w, pos) + off, n);

        if (moved <= 0) {
            return done ? done : moved;
        }
        done += moved;
        if (!peek && off + moved == PAGE_SIZE) {
            drop_page(w, pos);
        }
        pos += moved;
        if (!peek) {
            atomic_store_release(&w->tail, pos);
        }
    }
    return done;
}

static long put(struct way *w, struct iobuf *io)
{
    long done = 0;

    while (io->left && filled(w) < WAY_BYTES) {
        char **page = page_at(w, w->head);
        size_t off = w->head % PAGE_SIZE;
        size_t n = MIN(MIN(WAY_BYTES - filled(w), io->left), PAGE_SIZE - off);
        long moved;

        if (!*page) {
            *page = page_alloc(1);
        }
        moved = *page ? iobuf_get(io, *page + off, n) : -ENOMEM;
        if (moved <= 0) {
            return done ? done : moved;
        }
        done += moved;
        atomic_store_release(&w->head, w->head + moved);
    }
    return done;
}

static void way_close(struct way *w)
{
    mutex_lock(&w->lock);
    atomic_store_release(&w->closed, true);
    mutex_unlock(&w->lock);
    wait_wake(&w->can_read, ~0u, ALL_IN | POLLHUP | EPOLLRDHUP);
    wait_wake(&w->can_write, ~0u, ALL_OUT | POLLHUP);
}

/* ---- reading ---- */

int socket_take_error(struct file *f)
{
    struct end *e = f->private;

    return __atomic_exchange_n(&e->pair->error[e->side], 0, __ATOMIC_SEQ_CST);
}

/* Once: some bytes; 0 at the end; -EAGAIN when there is nothing yet. */
static long recv_now(struct file *f, struct iobuf *io, bool peek)
{
    struct way *w = in_of(f);
    bool ended;
    long n;

    mutex_lock(&w->lock);
    n = take(w, io, peek);
    ended = w->closed;
    mutex_unlock(&w->lock);
    if (n > 0 && !peek) {
        wait_wake(&w->can_write, 1, ALL_OUT);
    }
    if (n == 0) {
        int err = socket_take_error(f);

        return err ? -err : ended ? 0 : -EAGAIN;
    }
    return n;
}

static long receive(struct file *f, struct iobuf *io, uint32_t msg, int flags)
{
    bool nowait = msg & MSG_DONTWAIT || file_nonblock(f, flags);
    bool all = msg & MSG_WAITALL && !(msg & MSG_PEEK);
    struct way *w = in_of(f);
    long done = 0;

    while (io->left) {
        long n = recv_now(f, io, msg & MSG_PEEK);

        if (n > 0) {
            done += n;
            if (all) {
                continue;
            }
            break;
        }
        if (n != -EAGAIN || nowait) {
            return done ? done : n;
        }
        if (wait_event(&w->can_read, filled(w) || is_closed(w), DEADLINE_NONE,
                       WAIT_INTR)) {
            return done ? done : -ERESTARTSYS;
        }
    }
    return done;
}

long socket_recv(struct file *f, struct iobuf *io, uint32_t msg)
{
    return msg & MSG_OOB ? -EOPNOTSUPP : receive(f, io, msg, 0);
}

static long pair_read(struct file *f, struct iobuf *io, uint64_t *pos,
                      int flags)
{
    return receive(f, io, 0, flags);
}

/* ---- writing ---- */

static long send(struct file *f, struct iobuf *io, uint32_t msg, int flags)
{
    bool nowait = msg & MSG_DONTWAIT || file_nonblock(f, flags);
    struct way *w = out_of(f);
    long done = 0, n;

    for (;;) {
        mutex_lock(&w->lock);
        n = w->closed ? -EPIPE : put(w, io);
        mutex_unlock(&w->lock);
        if (n > 0) {
            wait_wake(&w->can_read, 1, ALL_IN);
            done += n;
        }
        if (n < 0 || !io->left) {
            break;
        }
        if (nowait) {
            n = -EAGAIN;
            break;
        }
        if (wait_event(&w->can_write, filled(w) < WAY_BYTES || is_closed(w),
                       DEADLINE_NONE, WAIT_INTR)) {
            n = -ERESTARTSYS;
            break;
        }
    }
    if (n == -EPIPE && !done && !(msg & MSG_NOSIGNAL)) {
        current_signal(SIGPIPE_);
    }
    return done || n >= 0 ? done : n;
}

long socket_send(struct file *f, struct iobuf *io, uint32_t msg)
{
    return msg & MSG_OOB ? -EOPNOTSUPP : send(f, io, msg, 0);
}

static long pair_write(struct file *f, struct iobuf *io, uint64_t *pos,
                       int flags)
{
    return send(f, io, 0, flags);
}

/* ---- the rest ---- */

int socket_shutdown(struct file *f, int how)
{
    if (how < SHUT_RD || how > SHUT_RDWR) {
        return -EINVAL;
    }
    if (how != SHUT_WR) {
        way_close(in_of(f));
    }
    if (how != SHUT_RD) {
        way_close(out_of(f));
    }
    return 0;
}

static uint32_t pair_poll(struct file *f, struct poll_table *pt)
{
    struct way *in = in_of(f), *out = out_of(f);
    struct end *e = f->private;
    uint32_t bits = 0;

    poll_wait(pt, &in->can_read);
    poll_wait(pt, &out->can_write);
    if (is_closed(in)) {
        bits |= ALL_IN | EPOLLRDHUP | (is_closed(out) ? POLLHUP : 0);
    }
    bits |= filled(in) ? ALL_IN : 0;
    bits |= filled(out) < WAY_BYTES ? ALL_OUT : 0;
    bits |= atomic_load_acquire(&e->pair->error[e->side]) ? POLLERR : 0;
    return bits;
}

static long pair_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    switch (cmd) {
    case FIONREAD:
        return put_user32(arg, filled(in_of(f)));
    case TIOCOUTQ:
        return put_user32(arg, filled(out_of(f)));
    default:
        return -ENOTTY;
    }
}

static void pair_free(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        for (int n = 0; n < RING; n++) {
            if (p->way[i].page[n]) {
                page_free(p->way[i].page[n], 1);
            }
        }
    }
    kfree(p);
}

/* What the end has not read is lost, and the other learns that. */
static void pair_release(struct file *f)
{
    struct end *e = f->private;

    if (filled(in_of(f))) {
        atomic_store_release(&e->pair->error[!e->side], ECONNRESET);
    }
    way_close(in_of(f));
    way_close(out_of(f));
    if (atomic_sub_fetch(&e->pair->ends, 1) == 0) {
        pair_free(e->pair);
    }
}

static const struct file_ops pair_ops = {
    .read = pair_read,
    .write = pair_write,
    .poll = pair_poll,
    .ioctl = pair_ioctl,
    .release = pair_release,
};

bool socket_is(struct file *f)
{
    return f->ops == &pair_ops;
}

static int open_end(struct pair *p, int side, uint32_t flags, struct file **out)
{
    struct inode *inode;
    int err = anon_inode(S_IFSOCK | 0777, NULL, &inode);

    if (!err) {
        err = file_open_inode("socket", inode, O_RDWR | flags, out);
    }
    if (!err) {
        p->end[side] = (struct end){p, side};
        (*out)->ops = &pair_ops;
        (*out)->private = &p->end[side];
        (*out)->mode |= FILE_NO_POS_LOCK;
        atomic_fetch_add(&p->ends, 1);
    }
    return err;
}

int pair_open(uint32_t flags, struct file **a, struct file **b)
{
    struct pair *p = kzalloc(sizeof(*p));
    int err;

    if (!p) {
        return -ENOMEM;
    }
    for (int i = 0; i < 2; i++) {
        mutex_init(&p->way[i].lock, LOCK_FS_INODE);
        wait_queue_init(&p->way[i].can_read);
        wait_queue_init(&p->way[i].can_write);
    }
    err = open_end(p, 0, flags, a);
    if (err) {
        pair_free(p);
        return err;
    }
    err = open_end(p, 1, flags, b);
    if (err) {
        file_put(*a);
    }
    return err;
}
