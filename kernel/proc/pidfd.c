/* SPDX-License-Identifier: MIT
 *
 * Pidfds (pidfd.h). exit.c wakes ended_wait when there is something to see, of
 * the process or of a thread whose end somebody wants to hear of.
 */
#include "kernel/proc/pidfd.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/proc.h"
#include "lib/fmt.h"
#include "abi/linux/errno.h"

struct thread_end {
    uint32_t refs;         /* atomic */
    struct thread *thread; /* NULL: it has ended; LOCK_PROC */
    bool ended;            /* the same; atomic */
};

struct pidfd {
    struct proc *p;         /* counted */
    struct thread_end *end; /* counted; NULL: p's first thread, or all */
    bool of_thread;
};

/* ---- ends ---- */

struct thread_end *thread_end_new(void)
{
    struct thread_end *e = kzalloc(sizeof(*e));

    if (e) {
        e->refs = 1;
    }
    return e;
}

void thread_end_put(struct thread_end *e)
{
    if (e && atomic_sub_fetch(&e->refs, 1) == 0) {
        kfree(e);
    }
}

void pidfd_thread_begins(struct thread *t, struct thread_end *e)
{
    t->end = e;
    if (e) {
        e->thread = t;
    }
}

void pidfd_thread_ends(struct thread *t)
{
    struct thread_end *e = t->end;

    if (likely(!e)) {
        return;
    }
    t->end = NULL;
    e->thread = NULL;
    atomic_store_release(&e->ended, true);
    wait_wake_all(&t->proc->ended_wait);
    thread_end_put(e);
}

/* ---- files ---- */

static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
    struct pidfd *fd = f->private;

    poll_wait(pt, &fd->p->ended_wait);
    if (fd->end) { /* nobody waits for it: it is gone at once */
        return atomic_load_acquire(&fd->end->ended)
                   ? POLLIN | POLLRDNORM | POLLHUP
                   : 0;
    }
    if (!atomic_load_acquire(&fd->p->ended)) {
        return 0;
    }
    return POLLIN | POLLRDNORM | (atomic_load(&fd->p->reaped) ? POLLHUP : 0);
}

static void pidfd_release(struct file *f)
{
    struct pidfd *fd = f->private;

    thread_end_put(fd->end);
    proc_put(fd->p);
    kfree(fd);
}

int pidfd_number(struct file *f)
{
    struct pidfd *fd = f->private;
    struct thread *t;
    int tid;

    if (!fd->end) {
        return atomic_load(&fd->p->reaped) ? -1 : fd->p->pid;
    }
    spin_lock(&proc_lock);
    t = fd->end->thread;
    tid = t ? t->tid : -1;
    spin_unlock(&proc_lock);
    return tid;
}

static size_t pidfd_info(struct file *f, char *buf, size_t len)
{
    int pid = pidfd_number(f);

    return fmt_scnprintf(buf, len, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
    .poll = pidfd_poll,
    .release = pidfd_release,
    .fdinfo = pidfd_info,
};

int pidfd_new_of(struct proc *p, struct thread_end *e, uint32_t flags,
                 struct file **out)
{
    struct pidfd *fd = kzalloc(sizeof(*fd));
    int err;

    if (!fd) {
        return -ENOMEM;
    }
    fd->p = p;
    fd->end = e;
    fd->of_thread = flags & PIDFD_THREAD;
    err = file_open_anon("anon_inode:[pidfd]", &pidfd_ops, fd,
                         O_RDWR | (flags & PIDFD_NONBLOCK), out);
    if (err) {
        kfree(fd);
        return err;
    }
    (*out)->flags |= flags & PIDFD_THREAD; /* F_GETFL shows it */
    proc_get(p);
    if (e) {
        atomic_fetch_add(&e->refs, 1);
    }
    return 0;
}

int pidfd_new(struct proc *p, uint32_t flags, struct file **out)
{
    return pidfd_new_of(p, NULL, flags, out);
}

/* The end of the thread tid that all of its pidfds share, with a reference, and
 * its process, too. Takes fresh, or puts it. -ESRCH. */
static int find_end(int tid, struct thread_end *fresh, struct proc **p,
                    struct thread_end **out)
{
    struct thread *t;

    spin_lock(&proc_lock);
    t = thread_find(tid);
    if (t) {
        if (!t->end) {
            t->end = fresh;
            fresh->thread = t;
            fresh = NULL;
        }
        *p = t->proc;
        proc_get(*p);
        *out = t->end;
        atomic_fetch_add(&(*out)->refs, 1);
    }
    spin_unlock(&proc_lock);
    thread_end_put(fresh);
    return t ? 0 : -ESRCH;
}

int pidfd_new_thread(int tid, uint32_t flags, struct file **out)
{
    struct thread_end *fresh = thread_end_new(), *e;
    struct proc *p;
    int err = fresh ? find_end(tid, fresh, &p, &e) : -ENOMEM;

    if (err) {
        return err;
    }
    err = pidfd_new_of(p, e, flags, out);
    thread_end_put(e);
    proc_put(p);
    return err;
}

/* ---- what they stand for ---- */

struct proc *pidfd_proc(struct file *f)
{
    return f->ops == &pidfd_ops ? ((struct pidfd *)f->private)->p : NULL;
}

bool pidfd_is_thread(struct file *f)
{
    return ((struct pidfd *)f->private)->of_thread;
}

struct thread *pidfd_thread(struct file *f)
{
    struct pidfd *fd = f->private;

    return fd->end ? fd->end->thread : thread_find(fd->p->pid);
}
