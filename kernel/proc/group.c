/* SPDX-License-Identifier: MIT
 *
 * Process groups and sessions (credentials(7), setpgid(2), setsid(2)): plain
 * numbers in struct proc, under proc_lock.
 */
#include "kernel/proc/proc.h"
#include "kernel/proc/room.h"
#include "abi/linux/errno.h"

/* [L] */
static struct proc *named(int pid)
{
    return pid ? proc_lookup_any(pid) : current_proc();
}

int proc_getpgid(int pid)
{
    int result = -ESRCH;

    spin_lock(&proc_lock);
    struct proc *p = named(pid);
    if (p) {
        result = p->pgid;
    }
    spin_unlock(&proc_lock);
    return result;
}

int proc_getsid(int pid)
{
    int result = -ESRCH;

    spin_lock(&proc_lock);
    struct proc *p = named(pid);
    if (p) {
        result = p->sid;
    }
    spin_unlock(&proc_lock);
    return result;
}

struct group_query {
    int pgid, sid; /* sid 0: any */
    bool found;
};

static void look_for_group(struct proc *p, void *arg)
{
    struct group_query *q = arg;

    if (p->pgid == q->pgid && (!q->sid || p->sid == q->sid)) {
        q->found = true;
    }
}

/* Whether a process is in group pgid (of session sid, 0: any). [L] */
static bool group_exists(int pgid, int sid)
{
    struct group_query q = {pgid, sid, false};

    proc_for_each_locked(look_for_group, &q);
    return q.found;
}

static int setpgid_locked(struct proc *p, int pgid)
{
    struct proc *self = current_proc();

    if (!p || (p != self && p->parent != self)) {
        return -ESRCH;
    }
    if (p->sid != self->sid) {
        return -EPERM;
    }
    if (p != self && p->did_exec) {
        return -EACCES;
    }
    if (p->sid == p->pid) {
        return -EPERM;
    }
    if (pgid != p->pid && !group_exists(pgid, p->sid)) {
        return -EPERM;
    }
    p->pgid = pgid;
    return 0;
}

int proc_setpgid(int pid, int pgid)
{
    int err;

    if (pgid < 0 || (!pgid && pid < 0)) {
        return -EINVAL;
    }
    spin_lock(&proc_lock);
    struct proc *p = named(pid);
    err = p && pid && p->pid != pid ? -EINVAL /* a thread, but not the first */
                                    : setpgid_locked(p, pgid ? pgid
                                                        : p  ? p->pid
                                                             : 0);
    spin_unlock(&proc_lock);
    return err;
}

int proc_setsid(void)
{
    struct proc *p = current_proc();
    int result = -EPERM;

    spin_lock(&proc_lock);
    if (!group_exists(p->pid, 0)) {
        p->sid = p->pgid = result = p->pid;
        p->sees_terminal = false;
    }
    spin_unlock(&proc_lock);
    return result;
}
