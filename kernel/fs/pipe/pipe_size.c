/* SPDX-License-Identifier: MIT
 *
 * Pipes: how much is in them and how much they hold, and looking into them
 * without taking (tee, splice).
 */
#include "kernel/fs/pipe/pipe_private.h"
#include "kernel/fs/path.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"

static uint64_t bytes_waiting(struct pipe *p)
{
    uint64_t n = 0;

    mutex_lock(&p->lock);
    for (uint32_t i = p->tail; i != p->head; i++) {
        n += pipe_slot(p, i)->len;
    }
    mutex_unlock(&p->lock);
    return n;
}

long pipe_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    if (cmd != FIONREAD) {
        return -ENOTTY;
    }
    return put_user32(arg, bytes_waiting(f->private));
}

long pipe_size(struct pipe *p)
{
    return p->slots * PAGE_SIZE;
}

long pipe_resize(struct pipe *p, uint64_t bytes)
{
    uint32_t slots = 1, used;
    struct fs_cred cred;
    struct pipe_slot *ring;

    if (bytes > PIPE_BYTES_MOST) {
        return -EINVAL;
    }
    fs_current_cred(&cred);
    if (bytes > (uint64_t)tunable(&tunable_pipe_max_size) &&
        !fs_capable(&cred, CAP_SYS_RESOURCE)) {
        return -EPERM;
    }
    while (slots * PAGE_SIZE < bytes) {
        slots *= 2;
    }
    ring = kzalloc(slots * sizeof(*ring));
    if (!ring) {
        return -ENOMEM;
    }
    mutex_lock(&p->lock);
    used = p->head - p->tail;
    if (used > slots) {
        mutex_unlock(&p->lock);
        kfree(ring);
        return -EBUSY;
    }
    for (uint32_t i = 0; i < used; i++) {
        ring[i] = *pipe_slot(p, p->tail + i);
    }
    kfree(p->ring);
    p->ring = ring;
    p->slots = slots;
    p->tail = 0;
    p->head = used;
    mutex_unlock(&p->lock);
    pipe_wake_writers(p);
    return slots * PAGE_SIZE;
}

/* ---- looking ---- */

static size_t copy_out(struct pipe *p, void *buf, size_t len)
{
    size_t done = 0;

    for (uint32_t i = p->tail; i != p->head && done < len; i++) {
        struct pipe_slot *s = pipe_slot(p, i);
        size_t n = MIN((size_t)s->len, len - done);

        memcpy((char *)buf + done, s->page + s->off, n);
        done += n;
    }
    return done;
}

static size_t look(struct pipe *p, void *buf, size_t len, bool borrow)
{
    size_t n = 0;

    mutex_lock(&p->lock);
    if (!p->borrowed) {
        n = copy_out(p, buf, len);
        atomic_store(&p->borrowed, borrow && n);
    }
    mutex_unlock(&p->lock);
    return n;
}

static long wait_and_look(struct pipe *p, void *buf, size_t len, bool nowait,
                          bool borrow)
{
    size_t n;

    while (!(n = look(p, buf, len, borrow))) {
        int err;

        if (pipe_at_end(p)) {
            return 0;
        }
        err = nowait ? -EAGAIN : pipe_wait_readable(p);
        if (err) {
            return err;
        }
    }
    return (long)n;
}

long pipe_peek(struct pipe *p, void *buf, size_t len, bool nowait)
{
    return wait_and_look(p, buf, len, nowait, false);
}

long pipe_borrow(struct pipe *p, void *buf, size_t len, bool nowait)
{
    return wait_and_look(p, buf, len, nowait, true);
}

static void skip(struct pipe *p, size_t len)
{
    while (len && !pipe_is_empty(p)) {
        struct pipe_slot *s = pipe_slot(p, p->tail);
        size_t n = MIN((size_t)s->len, len);

        s->off += n;
        s->len -= n;
        len -= n;
        if (s->len == 0) {
            pipe_drop_slot(p);
        }
    }
}

void pipe_return(struct pipe *p, size_t taken)
{
    mutex_lock(&p->lock);
    skip(p, taken);
    atomic_store(&p->borrowed, false);
    mutex_unlock(&p->lock);
    if (taken) {
        pipe_wake_writers(p);
    }
    wait_wake_all(&p->can_read); /* who found it borrowed, or sees the end */
}

long pipe_room(struct pipe *p)
{
    uint32_t used = atomic_load_acquire(&p->head) - p->tail;

    if (!atomic_load_acquire(&p->readers)) {
        return PAGE_SIZE;
    }
    return used < p->slots ? (p->slots - used) * PAGE_SIZE : 0;
}
