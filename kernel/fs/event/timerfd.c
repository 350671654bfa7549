/* SPDX-License-Identifier: MIT
 *
 * timerfd_create(2): a timer whose expirations are read. A periodic timer is
 * not armed again before somebody reads: however short the period, an idle
 * descriptor costs one wake-up. The missed ones are counted then.
 */
#include "kernel/fs/event/event.h"
#include "kernel/fs/file.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "abi/linux/time.h"

struct timerfd {
    struct spinlock lock; /* LOCK_PIPE: all below but the queue */
    struct timer timer;
    int clock;
    uint64_t deadline; /* ns of clock_now(); 0: disarmed */
    uint64_t interval; /* ns; 0: once */
    uint64_t ticks;    /* expired and not read */
    bool expired;      /* the timer has fired since it was armed */
    struct wait_queue wait;
};

static void fire(struct timer *timer)
{
    struct timerfd *t = container_of(timer, struct timerfd, timer);

    spin_lock(&t->lock);
    t->expired = true;
    t->ticks++;
    spin_unlock(&t->lock);
    wait_wake(&t->wait, ~0u, POLLIN);
}

/* Counts what a periodic timer has missed since it fired, and the deadline
 * that is next. The lock is held; true: it must be armed. */
static bool catch_up(struct timerfd *t)
{
    uint64_t now = clock_now(), missed;

    if (!t->expired || !t->interval) {
        return false;
    }
    missed = now > t->deadline ? (now - t->deadline) / t->interval : 0;
    t->ticks += missed;
    t->deadline += (missed + 1) * t->interval;
    t->expired = false;
    return true;
}

static uint64_t take(struct timerfd *t)
{
    uint64_t ticks, deadline;
    bool again;

    spin_lock(&t->lock);
    again = catch_up(t);
    ticks = t->ticks;
    t->ticks = 0;
    deadline = t->deadline;
    spin_unlock(&t->lock);
    if (again) {
        timer_arm(&t->timer, deadline);
    }
    return ticks;
}

static long timerfd_read(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    struct timerfd *t = f->private;
    uint64_t ticks;

    if (io->left < sizeof(ticks)) {
        return -EINVAL;
    }
    while ((ticks = take(t)) == 0) {
        if (file_nonblock(f, flags)) {
            return -EAGAIN;
        }
        if (wait_event(&t->wait, atomic_load_acquire(&t->ticks) > 0,
                       DEADLINE_NONE, WAIT_INTR)) {
            return -ERESTARTSYS;
        }
    }
    return iobuf_put(io, &ticks, sizeof(ticks));
}

static uint32_t timerfd_poll(struct file *f, struct poll_table *pt)
{
    struct timerfd *t = f->private;

    poll_wait(pt, &t->wait);
    return atomic_load_acquire(&t->ticks) ? POLLIN : 0;
}

static void timerfd_release(struct file *f)
{
    struct timerfd *t = f->private;

    timer_cancel(&t->timer);
    kfree(t);
}

static size_t timerfd_info(struct file *f, char *buf, size_t len)
{
    struct timerfd *t = f->private;

    return fmt_scnprintf(buf, len, "clockid: %d\nticks: %lu\n", t->clock,
                         (unsigned long)t->ticks);
}

static const struct file_ops timerfd_ops = {
    .seek = seek_nowhere,
    .read = timerfd_read,
    .poll = timerfd_poll,
    .release = timerfd_release,
    .fdinfo = timerfd_info,
};

int timerfd_open(int clock, uint32_t flags, struct file **out)
{
    struct timerfd *t = kzalloc(sizeof(*t));
    int err;

    if (!t) {
        return -ENOMEM;
    }
    spin_init(&t->lock, LOCK_PIPE);
    timer_init(&t->timer, fire);
    t->clock = clock;
    wait_queue_init(&t->wait);
    err = file_open_anon("anon_inode:[timerfd]", &timerfd_ops, t,
                         O_RDWR | (flags & TFD_NONBLOCK), out);
    if (err) {
        kfree(t);
    }
    return err;
}

/* ---- settings ---- */

static int64_t left(struct timerfd *t)
{
    uint64_t now = clock_now();

    catch_up(t); /* without arming: whoever reads does */
    if (!t->deadline || (t->expired && !t->interval)) {
        return 0;
    }
    return t->deadline > now ? (int64_t)(t->deadline - now) : 1;
}

static uint64_t deadline_of(struct timerfd *t, int64_t value, bool absolute)
{
    uint64_t now = clock_now();
    int64_t at = value;

    if (!absolute) {
        return __builtin_add_overflow((int64_t)now, value, &at) ? INT64_MAX
                                                                : at;
    }
    if (t->clock == CLOCK_REALTIME || t->clock == CLOCK_REALTIME_ALARM) {
        at = value - (clock_realtime() - (int64_t)now);
    }
    return MAX(at, (int64_t)1);
}

int timerfd_set(struct file *f, int64_t value, int64_t interval, bool absolute,
                int64_t *old_value, int64_t *old_interval)
{
    struct timerfd *t = f->private;

    if (f->ops != &timerfd_ops) {
        return -EINVAL;
    }
    timer_cancel(&t->timer);
    spin_lock(&t->lock);
    *old_value = left(t);
    *old_interval = t->interval;
    t->ticks = 0;
    t->expired = false;
    t->interval = interval;
    t->deadline = value ? deadline_of(t, value, absolute) : 0;
    spin_unlock(&t->lock);
    if (value) {
        timer_arm(&t->timer, t->deadline);
    }
    return 0;
}

int timerfd_get(struct file *f, int64_t *value, int64_t *interval)
{
    struct timerfd *t = f->private;
    bool again;

    if (f->ops != &timerfd_ops) {
        return -EINVAL;
    }
    spin_lock(&t->lock);
    again = catch_up(t);
    *value = left(t);
    *interval = t->interval;
    spin_unlock(&t->lock);
    if (again) {
        timer_arm(&t->timer, t->deadline);
    }
    return 0;
}
