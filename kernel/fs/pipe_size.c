/* SPDX-License-Identifier: MIT
 *
 * Pipes: how much is in them and how much they hold, and looking into them
 * without taking (tee, splice).
 */
#include "kernel/fs/pipe_private.h"
#include "kernel/fs/path.h"
#include "kernel/fs/tunable.h"
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

long pipe_peek(struct pipe *p, void *buf, size_t len, bool nowait)
{
    size_t done = 0;

    while (pipe_is_empty(p)) {
        long err;

        if (!atomic_load_acquire(&p->writers)) {
            return 0;
        }
        err = nowait ? -EAGAIN : pipe_wait_readable(p);
        if (err) {
            return err;
        }
    }
    mutex_lock(&p->lock);
    for (uint32_t i = p->tail; i != p->head && done < len; i++) {
        struct pipe_slot *s = pipe_slot(p, i);
        size_t n = MIN((size_t)s->len, len - done);

        memcpy((char *)buf + done, s->page + s->off, n);
        done += n;
    }
    mutex_unlock(&p->lock);
    return done;
}

void pipe_skip(struct pipe *p, size_t len)
{
    mutex_lock(&p->lock);
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
    mutex_unlock(&p->lock);
    pipe_wake_writers(p);
}
