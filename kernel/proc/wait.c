/* SPDX-License-Identifier: MIT
 *
 * Waiting for children: wait4(2), waitid(2). A child that ended is a zombie
 * in its parent's list until its status is taken here; exit.c wakes
 * exit_wait, and so does signal/stop.c for children that stop or go on.
 */
#include "kernel/proc/proc.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/proc/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/signal.h"
#include "abi/linux/wait.h"

int wait_code(int status)
{
    int low = status & 0x7f;

    if (status == WSTATUS_CONTINUED) {
        return CLD_CONTINUED;
    }
    if (low == 0x7f) {
        return CLD_STOPPED;
    }
    if (low == 0) {
        return CLD_EXITED;
    }
    return status & WSTATUS_CORE ? CLD_DUMPED : CLD_KILLED;
}

int wait_siginfo_status(int status)
{
    switch (wait_code(status)) {
    case CLD_CONTINUED:
        return SIGCONT;
    case CLD_STOPPED:
        return status >> 8; /* with an event of ptrace(2) */
    case CLD_EXITED:
        return status >> 8 & 0xff;
    default:
        return status & 0x7f;
    }
}

void proc_unlink(struct proc *p)
{
    list_del(&p->pid_node);
    list_del(&p->sibling);
    atomic_store(&p->reaped, true);
}

/* Ordinary children report by SIGCHLD; __WCLONE and __WALL ask for others, and
 * of those that we traced to the end it does not matter. */
static bool matches(const struct wait_filter *f, const struct proc *child)
{
    bool ordinary = child->exit_signal == SIGCHLD;

    if (f->maker && child->parent_tid != f->maker) {
        return false;
    }
    if (f->type == ABI_P_PID && child->pid != f->id) {
        return false;
    }
    if (f->type == ABI_P_PGID && child->pgid != f->id) {
        return false;
    }
    return f->options & ABI_WALL || child->died_traced ||
           ordinary == !(f->options & ABI_WCLONE);
}

/* A stop or a continuation that has not been reported; take clears it. */
static bool take_event(struct proc *child, const struct wait_filter *f,
                       int *status)
{
    struct signal_state *s = &child->signals;
    bool take = !(f->options & WNOWAIT), found = false;

    spin_lock(&s->lock);
    if ((f->options & WUNTRACED) && s->stop_signal && !ptrace_reports(child)) {
        *status = WSTATUS_STOP(s->stop_signal);
        s->stop_signal = take ? 0 : s->stop_signal;
        found = true;
    } else if ((f->options & WCONTINUED) && s->continue_event) {
        *status = WSTATUS_CONTINUED;
        s->continue_event = !take;
        found = true;
    }
    spin_unlock(&s->lock);
    return found;
}

static bool has_news(struct proc *child, const struct wait_filter *f,
                     struct wait_result *out)
{
    if (child->hidden) {
        return false;
    }
    if (child->zombie) {
        out->status = child->exit_status;
        return f->options & WEXITED;
    }
    return ptrace_child_tells(child, f, out) ||
           take_event(child, f, &out->status);
}

/* Reaps a zombie: the caller drops the table's reference. [L] */
static void reap(struct proc *child)
{
    struct proc *p = child->parent;

    proc_unlink(child);
    p->child_user_ns += child->dead_user_ns + child->child_user_ns;
    p->child_kernel_ns += child->dead_kernel_ns + child->child_kernel_ns;
    usage_add(&p->children_usage, &child->past);
    usage_add(&p->children_usage, &child->children_usage);
    io_counts_add(&p->dead_io, &child->dead_io);
}

/* Those that are not among our children, or are not of the kind that the
 * filter asks for: it does not matter of whom we trace. */
static int look_at_tracees(const struct wait_filter *f, struct wait_result *out)
{
    struct proc *p = current_proc(), *zombie;
    int result;

    if (list_empty(&p->tracees)) {
        return -ECHILD;
    }
    spin_lock(&proc_lock);
    result = ptrace_look(p, f, out, &zombie);
    spin_unlock(&proc_lock);
    if (zombie) {
        proc_reveal(zombie);
    }
    return result;
}

/* A child with something to tell, or NULL. *result is 0 when there is one that
 * may have something later. [L] */
static struct proc *look_for_news(struct proc *p, const struct wait_filter *f,
                                  int *result, struct wait_result *out)
{
    list_for_each (pos, &p->children) {
        struct proc *child = list_entry(pos, struct proc, sibling);

        if (!matches(f, child)) {
            continue;
        }
        /* Of a zombie nothing but its end will be told. */
        if (!child->zombie || child->hidden || f->options & WEXITED) {
            *result = 0;
        }
        if (has_news(child, f, out)) {
            return child;
        }
    }
    return NULL;
}

/* Children of the calling thread come first, then those of the next one. [L] */
static struct proc *look_by_maker(struct proc *p, const struct wait_filter *f,
                                  int *result, struct wait_result *out)
{
    struct thread *self = current_thread();
    struct wait_filter of = *f;
    struct proc *found;

    if (f->options & ABI_WNOTHREAD) {
        of.maker = self->tid;
        return look_for_news(p, &of, result, out);
    }
    if (p->thread_count == 1 || p->children.next == p->children.prev) {
        return look_for_news(p, f, result, out); /* there is no order */
    }
    of.maker = self->tid;
    found = look_for_news(p, &of, result, out);
    list_for_each (pos, &self->node) {
        if (found) {
            break;
        }
        if (pos != &p->threads) {
            of.maker = list_entry(pos, struct thread, node)->tid;
            found = look_for_news(p, &of, result, out);
        }
    }
    return found;
}

static int look_at_children(const struct wait_filter *f,
                            struct wait_result *out)
{
    struct proc *p = current_proc(), *found = NULL;
    bool dead = false;
    int result = -ECHILD;

    spin_lock(&proc_lock);
    found = look_by_maker(p, f, &result, out);
    if (found) {
        out->pid = result = found->pid;
        out->uid = found->cred.uid;
        out->user_ns = found->dead_user_ns + found->child_user_ns;
        out->kernel_ns = found->dead_kernel_ns + found->child_kernel_ns;
        out->usage = found->past;
        usage_add(&out->usage, &found->children_usage);
        dead = found->zombie && !(f->options & WNOWAIT);
        if (dead) {
            reap(found);
        }
    }
    spin_unlock(&proc_lock);
    if (dead) {
        proc_put(found);
    }
    return result;
}

/* One look at all: a pid, 0 when there is nothing to tell, -ECHILD. */
static int look(const struct wait_filter *f, struct wait_result *out)
{
    int result = look_at_children(f, out);
    int traced = result > 0 ? -ECHILD : look_at_tracees(f, out);

    return traced == -ECHILD ? result : traced;
}

int proc_wait(const struct wait_filter *f, struct wait_result *out)
{
    struct proc *p = current_proc();
    int result = look(f, out);
    int err;

    if (result || (f->options & WNOHANG)) {
        return result;
    }
    err = wait_event(&p->exit_wait, (result = look(f, out)) != 0, DEADLINE_NONE,
                     WAIT_INTR);
    return result ? result : err ? -ERESTARTSYS : 0;
}
