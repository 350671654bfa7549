/* SPDX-License-Identifier: MIT
 *
 * eventfd(2): a counter that can be waited for.
 */
#include "kernel/fs/event/event.h"
#include "kernel/fs/file.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"

struct eventfd {
    struct spinlock lock; /* LOCK_PIPE */
    uint64_t count;
    bool semaphore;
    struct wait_queue wait; /* readers and writers */
};

static const uint64_t COUNT_MOST = UINT64_MAX - 1;

/* Takes the count, or one of it; false: it is zero. */
static bool take(struct eventfd *e, uint64_t *value)
{
    bool taken;

    spin_lock(&e->lock);
    taken = e->count > 0;
    *value = e->semaphore && taken ? 1 : e->count;
    e->count -= *value;
    spin_unlock(&e->lock);
    return taken;
}

static bool put(struct eventfd *e, uint64_t value)
{
    bool fits;

    spin_lock(&e->lock);
    fits = COUNT_MOST - e->count >= value;
    e->count += fits ? value : 0;
    spin_unlock(&e->lock);
    return fits;
}

static long eventfd_read(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    struct eventfd *e = f->private;
    uint64_t value;

    if (io->left < sizeof(value)) {
        return -EINVAL;
    }
    while (!take(e, &value)) {
        if (file_nonblock(f, flags)) {
            return -EAGAIN;
        }
        if (wait_event(&e->wait, atomic_load_acquire(&e->count) > 0,
                       DEADLINE_NONE, WAIT_INTR)) {
            return -ERESTARTSYS;
        }
    }
    wait_wake(&e->wait, ~0u, POLLOUT);
    return iobuf_put(io, &value, sizeof(value));
}

static long eventfd_write(struct file *f, struct iobuf *io, uint64_t *pos,
                          int flags)
{
    struct eventfd *e = f->private;
    uint64_t value;
    long n;

    if (io->left != sizeof(value)) { /* neither less nor more */
        return -EINVAL;
    }
    n = iobuf_get(io, &value, sizeof(value));
    if (n != sizeof(value)) {
        return -EFAULT;
    }
    if (value == UINT64_MAX) {
        return -EINVAL;
    }
    while (!put(e, value)) {
        if (file_nonblock(f, flags)) {
            return -EAGAIN;
        }
        if (wait_event(&e->wait,
                       COUNT_MOST - atomic_load_acquire(&e->count) >= value,
                       DEADLINE_NONE, WAIT_INTR)) {
            return -ERESTARTSYS;
        }
    }
    wait_wake(&e->wait, ~0u, POLLIN);
    return sizeof(value);
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *pt)
{
    struct eventfd *e = f->private;
    uint64_t count;

    poll_wait(pt, &e->wait);
    count = atomic_load_acquire(&e->count);
    return (count > 0 ? POLLIN : 0) | (count < COUNT_MOST ? POLLOUT : 0) |
           (count == UINT64_MAX ? POLLERR : 0);
}

static void eventfd_release(struct file *f)
{
    kfree(f->private);
}

static size_t eventfd_info(struct file *f, char *buf, size_t len)
{
    struct eventfd *e = f->private;

    return fmt_scnprintf(buf, len, "eventfd-count: %16lx\n",
                         (unsigned long)e->count);
}

static const struct file_ops eventfd_ops = {
    .seek = seek_nowhere,
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
    .fdinfo = eventfd_info,
};

int eventfd_add(struct file *f, uint64_t value)
{
    struct eventfd *e = f->private;

    if (f->ops != &eventfd_ops) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    e->count += MIN(value, UINT64_MAX - e->count); /* the most: overflow */
    spin_unlock(&e->lock);
    wait_wake(&e->wait, ~0u, POLLIN);
    return 0;
}

int eventfd_open(uint64_t count, uint32_t flags, struct file **out)
{
    struct eventfd *e = kzalloc(sizeof(*e));
    int err;

    if (!e) {
        return -ENOMEM;
    }
    spin_init(&e->lock, LOCK_PIPE);
    wait_queue_init(&e->wait);
    e->count = count;
    e->semaphore = flags & EFD_SEMAPHORE;
    err = file_open_anon("anon_inode:[eventfd]", &eventfd_ops, e,
                         O_RDWR | (flags & EFD_NONBLOCK), out);
    if (err) {
        kfree(e);
    }
    return err;
}
