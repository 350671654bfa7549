/* SPDX-License-Identifier: MIT
 *
 * A pseudoterminal as the program sees it: reading by lines or by VMIN and
 * VTIME (termios(3)), writing through the line discipline. What was typed is
 * read first, whatever has happened to the line since.
 */
#include "kernel/tty/room.h"
#include "kernel/core/timer.h"
#include "abi/linux/errno.h"
#include "abi/linux/signal.h"

enum { TENTH = 100 * 1000 * 1000 }; /* VTIME's unit in ns */

enum {
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
};

/* How long a read waits, as the settings are now. Times in ns; 0: for ever. */
struct patience {
    size_t minimum; /* bytes; enough, once nothing more is there */
    bool none;      /* does not wait at all */
    uint64_t total; /* from the call's beginning to the first byte */
    uint64_t pause; /* after a byte */
};

static struct patience patience(struct pty *p)
{
    const uint8_t *cc = p->line.t.c_cc;
    uint64_t time = cc[VTIME] * (uint64_t)TENTH;
    struct patience w = {.minimum = 1};

    if (!(p->line.t.c_lflag & ICANON) && cc[VMIN]) {
        w.minimum = cc[VMIN];
        w.pause = time;
    } else if (!(p->line.t.c_lflag & ICANON)) {
        w.total = time;
        w.none = !time;
    }
    return w;
}

static uint64_t deadline_of(const struct patience *w, uint64_t start, long done)
{
    if (done) {
        return w->pause ? clock_now() + w->pause : DEADLINE_NONE;
    }
    return w->total ? start + w->total : DEADLINE_NONE;
}

static bool can_read(struct pty *p, struct file *f)
{
    return line_readable(&p->line) || pty_is_hung(p, f) || p->master_closed;
}

/* 0: look again; what ends the read otherwise: -ETIMEDOUT for "with what
 * there is". */
static int await_input(struct pty *p, struct file *f, int flags, uint64_t start,
                       long done)
{
    struct patience w = patience(p);
    int err;

    if (done >= (long)w.minimum || pty_is_hung(p, f) || w.none) {
        return -ETIMEDOUT;
    }
    if (p->master_closed) {
        return -EIO;
    }
    if (file_nonblock(f, flags)) {
        return -EAGAIN;
    }
    err = wait_event(&p->slave, can_read(p, f), deadline_of(&w, start, done),
                     WAIT_INTR);
    return err == -EINTR ? -ERESTARTSYS : err;
}

/* What there is of one line, or of as many raw bytes as fit. *end: no more is
 * to be waited for. */
static long read_some(struct pty *p, struct iobuf *io, bool *end)
{
    uint8_t chunk[TTY_CHUNK];
    long done = 0;
    size_t n;

    do {
        long moved;

        spin_lock(&p->lock);
        n = line_read(&p->line, chunk, MIN(io->left, (uint64_t)TTY_CHUNK), end);
        if (n == io->left && !*end) {
            line_swallow_eof(&p->line);
            *end = true;
        }
        spin_unlock(&p->lock);
        moved = iobuf_put(io, chunk, n);
        if (moved < 0) {
            return done ? done : moved;
        }
        done += moved;
    } while (n && !*end);
    return done;
}

static long slave_read(struct file *f, struct iobuf *io, uint64_t *pos,
                       int flags)
{
    struct pty *p = f->private;
    uint64_t start = clock_now();
    long done = 0, err;

    if (pty_is_hung(p, f)) {
        return 0;
    }
    err = terminal_check(&p->job, SIGTTIN);
    while (!err) {
        bool end;
        long n = read_some(p, io, &end);

        if (n < 0) {
            return done ? done : n;
        }
        done += n;
        if (n || end) {
            pty_feed(p);
            wait_wake(&p->master, ~0u, ALL_OUT);
        }
        if (end) {
            return done;
        }
        err = await_input(p, f, flags, start, done);
    }
    return done || err == -ETIMEDOUT ? done : err;
}

/* ---- writing ---- */

static bool can_write(struct pty *p, struct file *f)
{
    return line_output_room(&p->line) || pty_is_hung(p, f) || p->master_closed;
}

static int await_room(struct pty *p, struct file *f, int flags)
{
    if (pty_is_hung(p, f) || p->master_closed) {
        return -EIO;
    }
    if (file_nonblock(f, flags)) {
        return -EAGAIN;
    }
    return wait_event(&p->slave, can_write(p, f), DEADLINE_NONE, WAIT_INTR)
               ? -ERESTARTSYS
               : 0;
}

/* Writes all of buf; *done counts what went out. */
static int write_chunk(struct pty *p, struct file *f, const uint8_t *buf,
                       size_t len, int flags, long *done)
{
    size_t off = 0;
    int err = 0;

    while (off < len && !err) {
        size_t n;

        spin_lock(&p->lock);
        n = pty_is_hung(p, f) || p->master_closed
                ? 0
                : line_output(&p->line, buf + off, len - off);
        spin_unlock(&p->lock);
        off += n;
        *done += n;
        if (n) {
            wait_wake(&p->master, ~0u, ALL_IN);
        }
        if (off < len) {
            err = await_room(p, f, flags);
        }
    }
    return err;
}

static long slave_write(struct file *f, struct iobuf *io, uint64_t *pos,
                        int flags)
{
    struct pty *p = f->private;
    uint8_t chunk[TTY_CHUNK];
    long done = 0, err = 0;

    if (pty_is_hung(p, f)) {
        return -EIO;
    }
    if (p->line.t.c_lflag & TOSTOP) {
        err = terminal_check(&p->job, SIGTTOU);
    }
    while (io->left && !err) {
        long n = iobuf_get(io, chunk, MIN(io->left, (uint64_t)TTY_CHUNK));

        err = n < 0 ? n : write_chunk(p, f, chunk, n, flags, &done);
    }
    return done ? done : err;
}

/* ---- the rest ---- */

/* With VMIN alone a reader would wait for that many. */
static bool enough(const struct line *l)
{
    const uint8_t *cc = l->t.c_cc;
    size_t minimum = line_is_raw(l) && !cc[VTIME] && cc[VMIN] ? cc[VMIN] : 1;

    return line_readable(l) >= minimum;
}

static uint32_t slave_poll(struct file *f, struct poll_table *pt)
{
    struct pty *p = f->private;
    uint32_t bits = 0;

    poll_wait(pt, &p->slave);
    if (pty_is_hung(p, f)) {
        return ALL_IN | ALL_OUT | POLLERR | POLLHUP;
    }
    spin_lock(&p->lock);
    bits |= enough(&p->line) ? ALL_IN : 0;
    bits |= line_output_room(&p->line) ? ALL_OUT : 0;
    bits |= p->master_closed ? POLLHUP : 0;
    spin_unlock(&p->lock);
    return bits;
}

static long slave_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    return pty_ioctl(f->private, f, cmd, arg, false);
}

const struct file_ops pty_slave_ops = {
    .read = slave_read,
    .write = slave_write,
    .poll = slave_poll,
    .ioctl = slave_ioctl,
    .release = pty_slave_release,
};
