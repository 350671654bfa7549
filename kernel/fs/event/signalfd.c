/* SPDX-License-Identifier: MIT
 *
 * signalfd(2): pending signals are read instead of handled. What is pending is
 * the reader's affair, so the same descriptor shows each task its own.
 */
#include "kernel/fs/event/event.h"
#include "kernel/fs/current.h"
#include "kernel/fs/file.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "abi/linux/signal.h"

struct signalfd {
    sigset mask; /* atomic */
};

static void fill(struct signalfd_siginfo *out, const struct k_siginfo *in)
{
    memset(out, 0, sizeof(*out));
    out->ssi_signo = in->signo;
    out->ssi_errno = in->err;
    out->ssi_code = in->code;
    out->ssi_pid = in->kill.pid;
    out->ssi_uid = in->kill.uid;
    switch (in->code) {
    case SI_TIMER:
        out->ssi_pid = out->ssi_uid = 0;
        out->ssi_tid = in->timer.timer_id;
        out->ssi_overrun = in->timer.overrun;
        out->ssi_ptr = in->timer.value;
        out->ssi_int = (int32_t)in->timer.value;
        return;
    default:
        break;
    }
    if (in->signo == SIGCHLD && in->code > 0) {
        out->ssi_status = in->child.status;
        out->ssi_utime = in->child.utime;
        out->ssi_stime = in->child.stime;
        return;
    }
    out->ssi_ptr = in->kill.value;
    out->ssi_int = (int32_t)in->kill.value;
}

static bool is_pending(sigset mask)
{
    return signal_pending_set(current_thread()) & mask;
}

static int await(sigset mask)
{
    int err = wait_event(&current_proc()->signals.signalfds, is_pending(mask),
                         DEADLINE_NONE, WAIT_INTR);

    return err ? -ERESTARTSYS : 0;
}

static long signalfd_read(struct file *f, struct iobuf *io, uint64_t *pos,
                          int flags)
{
    struct signalfd *s = f->private;
    struct signalfd_siginfo out;
    struct k_siginfo info;
    long done = 0;

    if (io->left < sizeof(out)) {
        return -EINVAL;
    }
    while (io->left >= sizeof(out)) {
        sigset mask = atomic_load(&s->mask);
        long n;

        if (!signal_dequeue(current_thread(), mask, &info)) {
            if (done) {
                break;
            }
            if (file_nonblock(f, flags)) {
                return -EAGAIN;
            }
            n = await(mask);
            if (n) {
                return n;
            }
            continue;
        }
        fill(&out, &info);
        n = iobuf_put(io, &out, sizeof(out));
        if (n != sizeof(out)) {
            return done ? done : -EFAULT;
        }
        done += n;
    }
    return done;
}

static uint32_t signalfd_poll(struct file *f, struct poll_table *pt)
{
    struct signalfd *s = f->private;

    poll_wait(pt, signal_poll_queue(current_proc()));
    return is_pending(atomic_load(&s->mask)) ? POLLIN : 0;
}

static void signalfd_release(struct file *f)
{
    kfree(f->private);
}

static size_t signalfd_info(struct file *f, char *buf, size_t len)
{
    struct signalfd *s = f->private;

    return fmt_scnprintf(buf, len, "sigmask:\t%016lx\n",
                         (unsigned long)s->mask);
}

static const struct file_ops signalfd_ops = {
    .seek = seek_nowhere,
    .read = signalfd_read,
    .poll = signalfd_poll,
    .release = signalfd_release,
    .fdinfo = signalfd_info,
};

static sigset allowed(uint64_t mask)
{
    return mask & ~(sigbit(SIGKILL) | sigbit(SIGSTOP));
}

int signalfd_open(uint64_t mask, uint32_t flags, struct file **out)
{
    struct signalfd *s = kmalloc(sizeof(*s));
    int err;

    if (!s) {
        return -ENOMEM;
    }
    s->mask = allowed(mask);
    err = file_open_anon("anon_inode:[signalfd]", &signalfd_ops, s,
                         O_RDWR | (flags & SFD_NONBLOCK), out);
    if (err) {
        kfree(s);
    }
    return err;
}

int signalfd_set(struct file *f, uint64_t mask)
{
    struct signalfd *s = f->private;

    if (f->ops != &signalfd_ops) {
        return -EINVAL;
    }
    atomic_store(&s->mask, allowed(mask));
    wait_wake_all(&current_proc()->signals.signalfds);
    wait_wake_all(signal_poll_queue(current_proc()));
    return 0;
}
