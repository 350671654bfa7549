/* SPDX-License-Identifier: MIT
 *
 * procfs: small files below /proc/PID that belong to no other part: children,
 * io, schedstat, syscall, timerslack_ns, and the names of namespaces (proc(5)).
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/file.h"
#include "kernel/kernel.h"
#include "kernel/core/sched.h"
#include "kernel/proc/peer.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

/* ---- children of a thread ---- */

struct children {
    int parent, last; /* pids; those up to last are done */
    int next;
};

static void consider(struct proc *p, void *arg)
{
    struct children *c = arg;

    if (p->parent_tid == c->parent && p->pid > c->last &&
        (!c->next || p->pid < c->next)) {
        c->next = p->pid;
    }
}

int show_children(struct text *t, const struct pseudo_at *at)
{
    struct children c = {.parent = at->n[at->count - 1]};

    do {
        c.next = 0;
        proc_for_each(consider, &c);
        if (c.next) {
            text_add(t, "%d ", c.next);
        }
        c.last = c.next;
    } while (c.next);
    return 0;
}

/* ---- the call that a thread is in ---- */

struct call {
    struct user_regs regs;
    bool runs;
};

static int get_call(struct thread *t, void *arg)
{
    struct call *c = arg;

    c->runs = t != current_thread() && t->task.state == TASK_RUNNING;
    c->regs = *thread_regs(t);
    return 0;
}

int show_syscall(struct text *t, const struct pseudo_at *at)
{
    struct call c;
    struct user_regs *r = &c.regs;
    int err = with_thread(at, get_call, &c);

    if (err) {
        return err;
    }
    if (c.runs) {
        text_add(t, "running\n");
        return 0;
    }
    text_add(t, "%ld ", (long)(int)r->orig_rax);
    if ((int)r->orig_rax != -1) {
        text_add(t, "0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx ",
                 (unsigned long)r->rdi, (unsigned long)r->rsi,
                 (unsigned long)r->rdx, (unsigned long)r->r10,
                 (unsigned long)r->r8, (unsigned long)r->r9);
    }
    text_add(t, "0x%lx 0x%lx\n", (unsigned long)r->rsp,
             (unsigned long)kernel_user_rip(r->rip));
    return 0;
}

/* ---- of the scheduler ---- */

struct times {
    uint64_t user_ns, kernel_ns, switches, slack;
};

static int get_times(struct thread *t, void *arg)
{
    struct times *s = arg;

    task_times(&t->task, &s->user_ns, &s->kernel_ns);
    s->switches = t->task.switches;
    s->slack = t->timer_slack;
    return 0;
}

/* Time on run queues is not kept. */
int show_schedstat(struct text *t, const struct pseudo_at *at)
{
    struct times s = {0};
    int err = with_thread(at, get_times, &s);

    if (!err) {
        text_add(t, "%lu 0 %lu\n", s.user_ns + s.kernel_ns, s.switches);
    }
    return err;
}

int show_timer_slack(struct text *t, const struct pseudo_at *at)
{
    struct times s = {0};
    int err = with_thread(at, get_times, &s);

    if (!err) {
        text_add(t, "%lu\n", s.slack);
    }
    return err;
}

/* ---- input and output ---- */

static int io_access(const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);
    int err = !p ? -ESRCH : proc_may_trace(p) ? 0 : -EACCES;

    if (p) {
        proc_put(p);
    }
    return err;
}

static int add_io(struct thread *t, void *arg)
{
    io_counts_add(arg, &t->task.io);
    return 0;
}

static int add_process_io(struct thread *main, void *arg)
{
    io_counts_add(arg, &main->proc->dead_io);
    list_for_each (pos, &main->proc->threads) {
        add_io(list_entry(pos, struct thread, node), arg);
    }
    return 0;
}

/* Storage is the host's affair: nothing is known to have reached it. */
int show_io(struct text *t, const struct pseudo_at *at)
{
    struct io_counts io = {0};
    int err = io_access(at);

    if (!err) {
        err = with_thread(at, at->count > 1 ? add_io : add_process_io, &io);
    }
    if (!err) {
        text_add(t,
                 "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\n"
                 "read_bytes: 0\nwrite_bytes: 0\n"
                 "cancelled_write_bytes: 0\n",
                 io.bytes_read, io.bytes_written, io.reads, io.writes);
    }
    return err;
}

/* ---- namespaces: one of each kind, with the numbers of Linux's first ---- */

static int ns_check(const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);
    int err = !p || !proc_may_trace(p) ? -EACCES : p->zombie ? -ENOENT : 0;

    if (p) {
        proc_put(p);
    }
    return err;
}

/* Its text, and what it leads to: a file of that number that can be compared,
 * and no more. */
#define NAMESPACE(name, kind, number)                                          \
    static int follow_##name(struct path *out, const struct pseudo_at *at)     \
    {                                                                          \
        int err = ns_check(at);                                                \
                                                                               \
        return err ? err : ns_path(#kind ":[" #number "]", number, out);       \
    }
#define NAMESPACE_ROW(name, kind, number)                                      \
    {#name, S_IFLNK | 0777, .text = #kind ":[" #number "]", .check = ns_check, \
     .follow = follow_##name},
#define NAMESPACES(X)                                                          \
    X(cgroup, cgroup, 4026531835)                                              \
    X(ipc, ipc, 4026531839)                                                    \
    X(mnt, mnt, 4026531841)                                                    \
    X(net, net, 4026531840)                                                    \
    X(pid, pid, 4026531836)                                                    \
    X(pid_for_children, pid, 4026531836)                                       \
    X(time, time, 4026531834)                                                  \
    X(time_for_children, time, 4026531834)                                     \
    X(user, user, 4026531837)                                                  \
    X(uts, uts, 4026531838)

NAMESPACES(NAMESPACE)

const struct pseudo proc_ns_rows[] = {
    NAMESPACES(NAMESPACE_ROW){NULL},
};
