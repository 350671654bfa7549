/* SPDX-License-Identifier: MIT
 *
 * Pipes and FIFOs: making and opening their ends. A pipe hangs on its inode,
 * which is nameless for pipe(2), and lives as long as it has an end.
 */
#include "kernel/fs/pipe/pipe_private.h"
#include "kernel/fs/path.h"
#include "kernel/fs/special.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

/* ---- birth and end ---- */

/* What who has no CAP_SYS_RESOURCE may have at most (pipe-max-size). */
static uint32_t slots_at_first(void)
{
    uint64_t most = (uint64_t)tunable(&tunable_pipe_max_size) / PAGE_SIZE;
    struct fs_cred cred;
    uint32_t slots = PIPE_SLOTS;

    if (likely(most >= PIPE_SLOTS)) {
        return PIPE_SLOTS;
    }
    fs_current_cred(&cred);
    while (!fs_capable(&cred, CAP_SYS_RESOURCE) && slots > most && slots > 1) {
        slots /= 2;
    }
    return slots;
}

static struct pipe *pipe_new(void)
{
    struct pipe *p = kzalloc(sizeof(*p));

    if (!p) {
        return NULL;
    }
    p->slots = slots_at_first();
    p->ring = kzalloc(p->slots * sizeof(*p->ring));
    if (!p->ring) {
        kfree(p);
        return NULL;
    }
    mutex_init(&p->lock, LOCK_FS_INODE);
    async_init(&p->async);
    wait_queue_init(&p->can_read);
    wait_queue_init(&p->can_write);
    return p;
}

static void pipe_free(struct pipe *p)
{
    while (!pipe_is_empty(p)) {
        pipe_drop_slot(p);
    }
    while (p->spares) {
        page_free(p->spare[--p->spares], 1);
    }
    kfree(p->ring);
    kfree(p);
}

/* f is one more end of p. pipe->lock, or nobody else has it yet. */
static void join(struct pipe *p, struct file *f)
{
    p->files++;
    f->mode |= FILE_TELLS_OWNER;
    if (f->mode & FILE_READ) {
        atomic_store_release(&p->readers, p->readers + 1);
        p->reader_opens++;
    }
    if (f->mode & FILE_WRITE) {
        atomic_store_release(&p->writers, p->writers + 1);
        p->writer_opens++;
    }
}

/* Counts f out; true when it was the last. */
static bool leave(struct pipe *p, struct file *f)
{
    bool last;

    mutex_lock(&p->lock);
    if (f->mode & FILE_READ) {
        atomic_store_release(&p->readers, p->readers - 1);
    }
    if (f->mode & FILE_WRITE) {
        atomic_store_release(&p->writers, p->writers - 1);
    }
    last = --p->files == 0;
    mutex_unlock(&p->lock);
    if (!last) {
        wait_wake(&p->can_read, ~0u, PIPE_IN | POLLHUP);
        wait_wake(&p->can_write, ~0u, PIPE_OUT | POLLERR | POLLHUP);
        async_wake(&p->async, FILE_READ, PIPE_IN);
        async_wake(&p->async, FILE_WRITE, PIPE_OUT);
    }
    return last;
}

/* The pipe hangs on its inode, whose lock keeps an opener (of a FIFO, or of
 * /proc/PID/fd/N) from meeting one that goes. */
void pipe_release(struct file *f)
{
    struct pipe *p = f->private;
    bool last;

    async_set(&p->async, f, false);
    mutex_lock(&f->inode->lock);
    last = leave(p, f);
    if (last) {
        f->inode->object = NULL;
    }
    mutex_unlock(&f->inode->lock);
    if (last) {
        pipe_free(p);
    }
}

struct pipe *pipe_of(struct file *f)
{
    return f->ops == &pipe_ops ? f->private : NULL;
}

static int open_end(struct inode *inode, struct pipe *p, uint32_t flags,
                    struct file **out)
{
    int err;

    inode_get(inode);
    err = file_open_inode("pipe", inode, flags, out);
    if (!err) {
        (*out)->ops = &pipe_ops;
        (*out)->private = p;
        join(p, *out);
    }
    return err;
}

static int pipe_again(struct file *f);

int pipe_open(uint32_t flags, struct file **reader, struct file **writer)
{
    struct pipe *p = pipe_new();
    struct inode *inode;
    int err;

    if (!p) {
        return -ENOMEM;
    }
    err = pipe_inode(pipe_again, &inode);
    if (err) {
        pipe_free(p);
        return err;
    }
    inode->object = p;
    err = open_end(inode, p, O_RDONLY | (flags & O_NONBLOCK), reader);
    if (err) {
        pipe_free(p);
    } else {
        err = open_end(inode, p, O_WRONLY | flags, writer);
        if (err) {
            file_put(*reader);
        }
    }
    inode_put(inode);
    return err;
}

/* ---- FIFOs ---- */

static int fifo_pipe(struct file *f, struct pipe **out)
{
    struct inode *inode = f->inode;
    struct pipe *p;

    mutex_lock(&inode->lock);
    p = inode->object;
    if (!p) {
        p = pipe_new();
        inode->object = p;
    }
    if (p) {
        mutex_lock(&p->lock);
        join(p, f);
        mutex_unlock(&p->lock);
        *out = p;
    }
    mutex_unlock(&inode->lock);
    return p ? 0 : -ENOMEM;
}

/* Waits until the other side has opened, once. */
static int wait_partner(struct wait_queue *q, uint32_t *count, uint32_t seen,
                        uint32_t *opens)
{
    int err = wait_event(
        q, atomic_load_acquire(count) || atomic_load_acquire(opens) != seen,
        DEADLINE_NONE, WAIT_INTR);

    return err ? -ERESTARTSYS : 0;
}

static int meet_partner(struct file *f, struct pipe *p)
{
    bool nonblock = f->flags & O_NONBLOCK;
    uint32_t side = f->mode & (FILE_READ | FILE_WRITE);

    wait_wake_all(&p->can_read);
    wait_wake_all(&p->can_write);
    if (side == FILE_READ) {
        f->pos = p->writer_opens;
        if (nonblock || p->writers) {
            f->pos -= p->writers ? 1 : 0; /* a writer that leaves hangs up */
            return 0;
        }
        f->pos--;
        return wait_partner(&p->can_write, &p->writers, p->writer_opens,
                            &p->writer_opens);
    }
    if (side == FILE_WRITE) {
        if (nonblock) {
            return p->readers ? 0 : -ENXIO;
        }
        return wait_partner(&p->can_read, &p->readers, p->reader_opens,
                            &p->reader_opens);
    }
    return 0;
}

int fifo_open(struct file *f)
{
    struct pipe *p;
    int err = fifo_pipe(f, &p);

    if (err) {
        return err;
    }
    f->ops = &pipe_ops;
    f->private = p;
    err = meet_partner(f, p);
    if (err) {
        pipe_release(f);
    }
    return err;
}

/* A pipe's end opened by way of /proc/PID/fd/N: nobody is waited for. */
static int pipe_again(struct file *f)
{
    struct pipe *p;
    int err = fifo_pipe(f, &p);

    if (!err) {
        f->ops = &pipe_ops;
        f->private = p;
    }
    return err;
}
