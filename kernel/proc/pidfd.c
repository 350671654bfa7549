/* SPDX-License-Identifier: MIT
 *
 * Pidfds (pidfd.h). exit.c wakes ended_wait when there is something to see.
 */
#include "kernel/proc/pidfd.h"
#include "kernel/proc/proc.h"
#include "lib/fmt.h"

static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
    struct proc *p = f->private;

    poll_wait(pt, &p->ended_wait);
    if (!atomic_load_acquire(&p->ended)) {
        return 0;
    }
    return POLLIN | POLLRDNORM | (atomic_load(&p->reaped) ? POLLHUP : 0);
}

static void pidfd_release(struct file *f)
{
    proc_put(f->private);
}

static size_t pidfd_info(struct file *f, char *buf, size_t len)
{
    struct proc *p = f->private;
    int pid = atomic_load(&p->reaped) ? -1 : p->pid;

    return fmt_scnprintf(buf, len, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
    .poll = pidfd_poll,
    .release = pidfd_release,
    .fdinfo = pidfd_info,
};

int pidfd_new(struct proc *p, uint32_t flags, struct file **out)
{
    int err = file_open_anon("anon_inode:[pidfd]", &pidfd_ops, p,
                             O_RDWR | (flags & O_NONBLOCK), out);

    if (!err) {
        proc_get(p);
    }
    return err;
}

struct proc *pidfd_proc(struct file *f)
{
    return f->ops == &pidfd_ops ? f->private : NULL;
}
