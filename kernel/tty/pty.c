/* SPDX-License-Identifier: MIT
 *
 * Pseudoterminals as objects: made by opening ptmx, found by their number,
 * hung up when the master goes. What moves is in pty_slave.c, pty_master.c.
 */
#include "kernel/tty/room.h"
#include "kernel/fs/view.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/stat.h"

static struct pty *pty_of(struct terminal *t)
{
    return container_of(t, struct pty, job);
}

static void get(struct terminal *t)
{
    atomic_fetch_add(&pty_of(t)->refs, 1);
}

static void put(struct pty *p)
{
    if (atomic_sub_fetch(&p->refs, 1) == 0) {
        kfree(p);
    }
}

void pty_wake(struct pty *p)
{
    wait_wake_all(&p->slave);
    wait_wake_all(&p->master);
}

void pty_feed(struct pty *p)
{
    size_t fed = 0;
    int signo;

    do {
        spin_lock(&p->lock);
        fed += line_feed(&p->line, &signo);
        spin_unlock(&p->lock);
        if (signo) {
            terminal_signal(&p->job, signo);
        }
    } while (signo);
    if (fed) {
        pty_wake(p);
    }
}

/* ---- the slave ---- */

static bool may_pass_exclusive(void)
{
    return current_proc()->cred.cap_effective >> CAP_SYS_ADMIN & 1;
}

static int count_slave(struct pty *p, struct file *f)
{
    int err = 0;

    spin_lock(&p->lock);
    if (p->locked || p->master_closed) {
        err = -EIO;
    } else if (p->exclusive && !may_pass_exclusive()) {
        err = -EBUSY;
    } else {
        p->slaves++;
        p->slave_closed = false;
        f->pos = p->generation;
    }
    spin_unlock(&p->lock);
    return err;
}

static int open_slave(struct terminal *t, struct file *f)
{
    struct pty *p = pty_of(t);
    int err = count_slave(p, f);

    if (err) {
        put(p);
        return err;
    }
    f->ops = &pty_slave_ops;
    f->mode |= FILE_NO_POS_LOCK | FILE_NO_PREAD;
    f->private = p;
    if (!(f->flags & O_NOCTTY) && (f->mode & FILE_READ)) {
        terminal_opened(t);
    }
    return 0;
}

void pty_slave_release(struct file *f)
{
    struct pty *p = f->private;

    spin_lock(&p->lock);
    if (!pty_is_hung(p, f) && --p->slaves == 0) {
        p->slave_closed = true;
        p->exclusive = false;
    }
    spin_unlock(&p->lock);
    wait_wake_all(&p->master);
    put(p);
}

/* ---- the master ---- */

static struct pty *pty_new(void)
{
    struct pty *p = kzalloc(sizeof(*p));

    if (p) {
        p->job.get = get;
        p->job.open = open_slave;
        p->refs = 1;
        p->locked = true;
        spin_init(&p->lock, LOCK_PIPE);
        line_init(&p->line);
        wait_queue_init(&p->slave);
        wait_queue_init(&p->master);
    }
    return p;
}

int pty_open_master(struct file *f)
{
    struct pty *p = pty_new();
    struct fs_cred cred;
    int n;

    if (!p) {
        return -ENOMEM;
    }
    fs_current_cred(&cred);
    n = devpts_add(&p->job, cred.uid, &p->node);
    if (n < 0) {
        kfree(p);
        return n;
    }
    p->number = n;
    terminal_add(&p->job);
    f->ops = &pty_master_ops;
    f->mode |= FILE_NO_POS_LOCK | FILE_NO_PREAD;
    f->private = p;
    return 0;
}

void pty_hangup(struct pty *p)
{
    spin_lock(&p->lock);
    atomic_store(&p->generation, p->generation + 1);
    p->slave_closed |= p->slaves > 0;
    p->slaves = 0;
    line_flush_held(&p->line);
    line_flush_input(&p->line);
    spin_unlock(&p->lock);
    terminal_hangup(&p->job);
    pty_wake(p);
}

void pty_master_release(struct file *f)
{
    struct pty *p = f->private;

    spin_lock(&p->lock);
    p->master_closed = true;
    spin_unlock(&p->lock);
    devpts_remove(p->number);
    pty_hangup(p);
    terminal_remove(&p->job);
    put(p);
}
