/* SPDX-License-Identifier: MIT
 *
 * procfs: what a process or thread is and does: stat and status (proc(5)).
 * The facts are copied under proc_lock first.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/current.h"
#include "kernel/fs/view.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/proc/seccomp/seccomp.h"
#include "kernel/proc/session.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

/* What stat and status tell, copied under the lock. */
struct facts {
    int pid, tid, ppid, pgid, sid, threads, nice, policy, rt_priority;
    char comm[16], state;
    struct cred cred;
    sigset pending, shared_pending, blocked, ignored, caught;
    uint64_t user_ns, kernel_ns, child_user_ns, child_kernel_ns;
    uint64_t start_ns, affinity, switches, preemptions;
    uint32_t vcpu;
    uint64_t terminal; /* its device; 0: none */
    int front;         /* the group in front of it, or -1 */
    int umask;         /* -1: it has none left */
    bool no_new_privs;
    int tracer;                /* 0: none */
    unsigned seccomp, filters; /* the mode; how many filters */
};

static void signal_facts(struct proc *p, struct facts *f)
{
    struct signal_state *s = &p->signals;

    f->shared_pending = s->pending.set;
    for (int i = 0; i < NSIG; i++) {
        if (s->actions[i].handler == 1) {
            f->ignored |= 1ull << i;
        } else if (s->actions[i].handler != 0) {
            f->caught |= 1ull << i;
        }
    }
}

static void process_facts(struct proc *p, struct facts *f)
{
    memset(f, 0, sizeof(*f));
    f->pid = f->tid = p->pid;
    f->ppid = p->parent ? p->parent->pid : 0;
    f->pgid = p->pgid;
    f->sid = p->sid;
    f->threads = MAX(p->thread_count, 1u);
    memcpy(f->comm, p->comm, sizeof(f->comm));
    f->state = p->zombie ? 'Z' : p->signals.stopped ? 'T' : 'R';
    f->cred = p->cred;
    cred_hold(&f->cred);
    f->child_user_ns = p->child_user_ns;
    f->child_kernel_ns = p->child_kernel_ns;
    f->start_ns = p->start_ns;
    f->affinity = ~0ull;
    f->umask = -1;
    session_terminal(p, &f->terminal, &f->front);
    signal_facts(p, f);
}

/* What ptrace(2), seccomp(2) and prctl(2) know of it. */
static void watch_facts(struct thread *t, struct facts *f)
{
    if (ptrace_traced(t)) {
        f->tracer = t->tracee->by->tid;
        f->state = t->tracee->stopped ? 't' : f->state;
    }
    f->no_new_privs = t->no_new_privs;
    f->seccomp = t->seccomp_mode;
    f->filters = seccomp_filters(t);
}

static void thread_facts(struct thread *t, struct facts *f)
{
    f->tid = t->tid;
    cred_drop(&f->cred);
    f->cred = t->cred;
    cred_hold(&f->cred);
    f->nice = t->nice;
    f->policy = t->policy;
    f->rt_priority = t->rt_priority;
    if (t->comm[0]) {
        memcpy(f->comm, t->comm, sizeof(f->comm));
    }
    if (f->state == 'R' && t->task.state == TASK_SLEEPING) {
        f->state = t->deep_sleep ? 'D' : 'S';
    }
    f->umask = t->view ? (int)atomic_load(&t->view->umask) : -1;
    f->pending = t->signals.pending.set;
    f->blocked = t->signals.blocked;
    f->affinity = t->task.affinity;
    f->vcpu = t->task.vcpu;
    f->switches = t->task.switches;
    f->preemptions = t->task.preemptions;
    task_times(&t->task, &f->user_ns, &f->kernel_ns);
    watch_facts(t, f);
}

/* The first thread has ended, others may not have. */
static void remains(struct proc *p, struct facts *f)
{
    if (p->thread_count) {
        f->threads++;
        f->state = 'Z';
    }
}

/* A process has them without a thread, too, until it has been waited for. */
static int get_facts(struct proc *p, const struct pseudo_at *at,
                     struct facts *f)
{
    struct thread *t;
    int err = 0;

    spin_lock(&proc_lock);
    process_facts(p, f);
    t = thread_find(at->n[at->count > 1]);
    if (t && t->proc == p) {
        thread_facts(t, f);
    } else if (at->count == 1 || at->n[1] == p->pid) {
        remains(p, f);
    } else {
        err = -ESRCH;
    }
    spin_unlock(&proc_lock);
    return err;
}

static void facts_free(struct facts *f)
{
    if (f) {
        cred_drop(&f->cred);
        kfree(f);
    }
}

/* The process's row sums up its threads; a task's row is one thread. */
static int facts_at(const struct pseudo_at *at, struct facts *f)
{
    struct proc *p = proc_at(at);
    int err = p ? get_facts(p, at, f) : -ESRCH;

    if (!err && at->count == 1) {
        proc_times(p, &f->user_ns, &f->kernel_ns);
    }
    if (p) {
        proc_put(p);
    }
    return err;
}

static unsigned long ticks(uint64_t ns)
{
    return ns / 10000000; /* sysconf(_SC_CLK_TCK) is 100 */
}

int show_pid_stat(struct text *t, const struct pseudo_at *at)
{
    struct mm_layout zero = {0}, *l = &zero;
    struct mm_stats s = {0};
    struct facts *f = kzalloc(sizeof(*f));
    struct mm *mm = NULL;
    uint64_t there = 0;
    int err = f ? facts_at(at, f) : -ENOMEM;

    if (err) {
        facts_free(f);
        return err;
    }
    mm_at(at, &mm); /* a zombie has none */
    if (mm) {
        l = mm_layout(mm);
        mm_get_stats(mm, &s);
        there = mm_there_bytes(mm);
    }
    text_add(t, "%d (%s) %c %d %d %d %d %d 4194304 %lu 0 0 0 ", f->tid, f->comm,
             f->state, f->ppid, f->pgid, f->sid, (int)f->terminal, f->front,
             (unsigned long)s.faults);
    text_add(t, "%lu %lu %lu %lu %d %d %d 0 %lu ", ticks(f->user_ns),
             ticks(f->kernel_ns), ticks(f->child_user_ns),
             ticks(f->child_kernel_ns),
             f->rt_priority ? -1 - f->rt_priority : 20 + f->nice, f->nice,
             f->threads, ticks(f->start_ns));
    text_add(t, "%lu %lu 18446744073709551615 %lu %lu %lu 0 0 ",
             (unsigned long)s.virtual_bytes, (unsigned long)(there / PAGE_SIZE),
             (unsigned long)l->start_code, (unsigned long)l->end_code,
             (unsigned long)l->start_stack);
    text_add(t, "%lu %lu %lu %lu 0 0 0 17 %u %d %d 0 0 0 ",
             (unsigned long)f->pending, (unsigned long)f->blocked,
             (unsigned long)f->ignored, (unsigned long)f->caught, f->vcpu,
             f->rt_priority, f->policy);
    text_add(t, "%lu %lu 0 %lu %lu %lu %lu 0\n", (unsigned long)l->start_data,
             (unsigned long)l->end_data, (unsigned long)l->arg_start,
             (unsigned long)l->arg_end, (unsigned long)l->env_start,
             (unsigned long)l->env_end);
    if (mm) {
        mm_put(mm);
    }
    facts_free(f);
    return 0;
}

static const char *state_name(char state)
{
    switch (state) {
    case 'Z':
        return "Z (zombie)";
    case 'T':
        return "T (stopped)";
    case 't':
        return "t (tracing stop)";
    case 'S':
        return "S (sleeping)";
    case 'D':
        return "D (disk sleep)";
    default:
        return "R (running)";
    }
}

static void add_ids(struct text *t, const struct facts *f)
{
    const struct cred *c = &f->cred;

    if (f->umask >= 0) {
        text_add(t, "Umask:\t%04o\n", f->umask);
    }
    text_add(t, "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n",
             state_name(f->state), f->pid, f->tid);
    text_add(t, "PPid:\t%d\nTracerPid:\t%d\nUid:\t%u\t%u\t%u\t%u\n", f->ppid,
             f->tracer, c->uid, c->euid, c->suid, c->fsuid);
    text_add(t, "Gid:\t%u\t%u\t%u\t%u\nFDSize:\t64\nGroups:\t", c->gid, c->egid,
             c->sgid, c->fsgid);
    for (uint32_t i = 0; c->groups && i < c->groups->count; i++) {
        text_add(t, "%u ", c->groups->ids[i]);
    }
    text_add(t, c->groups && c->groups->count ? "\n" : " \n"); /* as Linux */
}

static void add_memory(struct text *t, const struct pseudo_at *at)
{
    struct mm_stats s = {0};
    uint64_t there;
    struct mm *mm;

    if (mm_at(at, &mm) || !mm) {
        return;
    }
    mm_get_stats(mm, &s);
    there = mm_there_bytes(mm);
    mm_put(mm);
    text_add(t,
             "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\n"
             "VmPin:\t       0 kB\nVmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n"
             "RssAnon:\t%8lu kB\nRssFile:\t       0 kB\n"
             "RssShmem:\t       0 kB\nVmData:\t%8lu kB\n"
             "VmSwap:\t       0 kB\n",
             (unsigned long)(s.virtual_bytes / 1024),
             (unsigned long)(s.virtual_bytes / 1024),
             (unsigned long)(s.locked_bytes / 1024),
             (unsigned long)(s.peak_bytes / 1024),
             (unsigned long)(there / 1024), (unsigned long)(there / 1024),
             (unsigned long)(s.data_bytes / 1024));
}

static void add_cpu_list(struct text *t)
{
    unsigned count = sched_vcpu_count();

    text_add(t, count > 1 ? "0-%u\n" : "%u\n", count - 1);
}

int show_status(struct text *t, const struct pseudo_at *at)
{
    struct facts *f = kzalloc(sizeof(*f));
    int err = f ? facts_at(at, f) : -ENOMEM;

    if (err) {
        facts_free(f);
        return err;
    }
    text_add(t, "Name:\t%s\n", f->comm);
    add_ids(t, f);
    add_memory(t, at);
    text_add(t, "Threads:\t%d\nSigQ:\t0/16384\n", f->threads);
    text_add(t, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n",
             (unsigned long)f->pending, (unsigned long)f->shared_pending,
             (unsigned long)f->blocked);
    text_add(t, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", (unsigned long)f->ignored,
             (unsigned long)f->caught);
    text_add(t, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n",
             (unsigned long)f->cred.cap_inheritable,
             (unsigned long)f->cred.cap_permitted,
             (unsigned long)f->cred.cap_effective);
    text_add(t, "CapBnd:\t%016lx\nCapAmb:\t%016lx\nNoNewPrivs:\t%d\n",
             (unsigned long)f->cred.cap_bounding,
             (unsigned long)f->cred.cap_ambient, f->no_new_privs);
    text_add(t, "Seccomp:\t%u\nSeccomp_filters:\t%u\n", f->seccomp, f->filters);
    text_add(t, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t",
             (unsigned long)(f->affinity &
                             ((2ull << (sched_vcpu_count() - 1)) - 1)));
    add_cpu_list(t);
    text_add(t,
             "Mems_allowed:\t1\nMems_allowed_list:\t0\n"
             "voluntary_ctxt_switches:\t%lu\n"
             "nonvoluntary_ctxt_switches:\t%lu\n",
             f->switches - f->preemptions, f->preemptions);
    facts_free(f);
    return 0;
}
