/* SPDX-License-Identifier: MIT
 *
 * A pseudoterminal as its emulator sees it: what is written is typed, what is
 * read was printed (pty(7)); packet mode as ioctl_tty(2) has it.
 */
#include "kernel/tty/room.h"
#include "kernel/core/timer.h"
#include "abi/linux/errno.h"

enum {
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
};

/* ---- reading ---- */

static bool has_news(struct pty *p)
{
    return p->packet && p->line.packet;
}

static bool can_read(struct pty *p)
{
    return line_pending_output(&p->line) || has_news(p) || p->slave_closed;
}

/* At most one chunk, in packet mode with its first byte. */
static size_t take(struct pty *p, uint8_t *buf, size_t len)
{
    size_t n = 0;

    spin_lock(&p->lock);
    if (has_news(p)) {
        buf[n++] = p->line.packet;
        p->line.packet = 0;
    } else if (line_pending_output(&p->line)) {
        if (p->packet) {
            buf[n++] = TIOCPKT_DATA;
        }
        n += line_drain(&p->line, buf + n, len - n);
    }
    spin_unlock(&p->lock);
    return n;
}

static long master_read(struct file *f, struct iobuf *io, uint64_t *pos,
                        int flags)
{
    struct pty *p = f->private;
    uint8_t chunk[TTY_CHUNK];
    long done = 0;
    size_t n;

    while (!(n = take(p, chunk, MIN(io->left, (uint64_t)TTY_CHUNK)))) {
        if (p->slave_closed) {
            return -EIO;
        }
        if (file_nonblock(f, flags)) {
            return -EAGAIN;
        }
        if (wait_event(&p->master, can_read(p), DEADLINE_NONE, WAIT_INTR)) {
            return -ERESTARTSYS;
        }
    }
    while (n) {
        long moved = iobuf_put(io, chunk, n);

        if (moved < 0) {
            return done ? done : moved;
        }
        done += moved;
        n = io->left && !p->packet
                ? take(p, chunk, MIN(io->left, (uint64_t)TTY_CHUNK))
                : 0;
    }
    wait_wake(&p->slave, ~0u, ALL_OUT);
    return done;
}

/* ---- writing ---- */

/* Types bytes up to one that is a signal; returns how many. */
static size_t type(struct pty *p, const uint8_t *buf, size_t len, int *signo)
{
    size_t n;

    *signo = 0;
    spin_lock(&p->lock);
    n = p->master_off ? 0 : line_type(&p->line, buf, len, signo);
    spin_unlock(&p->lock);
    if (n) {
        pty_wake(p);
    }
    return n;
}

static bool can_type(const struct pty *p)
{
    return !p->master_off && line_held_room(&p->line);
}

static int await_room(struct pty *p, struct file *f, int flags)
{
    if (file_nonblock(f, flags)) {
        return -EAGAIN;
    }
    return wait_event(&p->master, can_type(p), DEADLINE_NONE, WAIT_INTR)
               ? -ERESTARTSYS
               : 0;
}

static int type_chunk(struct pty *p, struct file *f, const uint8_t *buf,
                      size_t len, int flags, long *done)
{
    size_t off = 0;
    int err = 0, signo;

    while (off < len && !err) {
        size_t n = type(p, buf + off, len - off, &signo);

        off += n;
        *done += n;
        if (signo) {
            terminal_signal(&p->job, signo);
        } else if (off < len) {
            err = await_room(p, f, flags);
        }
    }
    return err;
}

static long master_write(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    struct pty *p = f->private;
    uint8_t chunk[TTY_CHUNK];
    long done = 0, err = 0;

    while (io->left && !err) {
        long n = iobuf_get(io, chunk, MIN(io->left, (uint64_t)TTY_CHUNK));

        err = n < 0 ? n : type_chunk(p, f, chunk, n, flags, &done);
    }
    return done ? done : err;
}

/* ---- the rest ---- */

static uint32_t master_poll(struct file *f, struct poll_table *pt)
{
    struct pty *p = f->private;
    uint32_t bits = 0;

    poll_wait(pt, &p->master);
    spin_lock(&p->lock);
    bits |= line_pending_output(&p->line) ? ALL_IN : 0;
    bits |= has_news(p) ? ALL_IN | POLLPRI : 0;
    bits |= can_type(p) ? ALL_OUT : 0;
    bits |= p->slave_closed ? POLLHUP : 0;
    spin_unlock(&p->lock);
    return bits;
}

static long master_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    return pty_ioctl(f->private, f, cmd, arg, true);
}

const struct file_ops pty_master_ops = {
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .ioctl = master_ioctl,
    .release = pty_master_release,
};
