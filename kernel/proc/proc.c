/* SPDX-License-Identifier: MIT
 *
 * Process objects and the table of ids. Processes and threads draw their ids
 * from one row of numbers, as on Linux; a process's first thread has its
 * process's number. proc_lock guards both tables, the tree of processes and
 * every process's list of threads.
 *
 * A process is counted by its threads, by the table until it is reaped, and
 * by whoever found it. How it ends is in exit.c.
 */
#include "kernel/proc/proc.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/exec/exec_text.h"
#include "kernel/proc/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/resource.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

enum {
    PID_BUCKETS = 256,
    PID_MAX = 32768,
    PID_RESERVED = 300, /* not handed out again once the row wrapped */
};

struct spinlock proc_lock = SPINLOCK_INIT(LOCK_PROC);

static struct list procs[PID_BUCKETS], threads[PID_BUCKETS]; /* proc_lock */
static int last_pid;                                         /* proc_lock */
static unsigned thread_total;                                /* proc_lock */
static struct list claims = LIST_INIT(claims); /* pid_claim; proc_lock */

void proc_init(void)
{
    for (int i = 0; i < PID_BUCKETS; i++) {
        list_init(&procs[i]);
        list_init(&threads[i]);
    }
}

struct proc *proc_lookup(int pid)
{
    if (pid <= 0) {
        return NULL;
    }
    list_for_each (pos, &procs[pid % PID_BUCKETS]) {
        struct proc *p = list_entry(pos, struct proc, pid_node);
        if (p->pid == pid) {
            return p;
        }
    }
    return NULL;
}

struct thread *thread_find(int tid)
{
    if (tid <= 0) {
        return NULL;
    }
    list_for_each (pos, &threads[tid % PID_BUCKETS]) {
        struct thread *t = list_entry(pos, struct thread, tid_node);
        if (t->tid == tid) {
            return t;
        }
    }
    return NULL;
}

struct proc *proc_find(int pid)
{
    spin_lock(&proc_lock);
    struct proc *p = proc_lookup(pid);
    if (p) {
        proc_get(p);
    }
    spin_unlock(&proc_lock);
    return p;
}

struct proc *proc_lookup_any(int tid)
{
    struct proc *p = proc_lookup(tid);
    struct thread *t = p ? NULL : thread_find(tid);

    return t ? t->proc : p;
}

struct proc *proc_find_any(int tid)
{
    spin_lock(&proc_lock);
    struct proc *p = proc_lookup_any(tid);
    if (p) {
        proc_get(p);
    }
    spin_unlock(&proc_lock);
    return p;
}

/* Children before their parents, by and large, as Linux signals a group. */
void proc_for_each_locked(void (*fn)(struct proc *p, void *arg), void *arg)
{
    for (int i = PID_BUCKETS; i-- > 0;) {
        list_for_each (pos, &procs[i]) {
            fn(list_entry(pos, struct proc, pid_node), arg);
        }
    }
}

void proc_for_each(void (*fn)(struct proc *p, void *arg), void *arg)
{
    spin_lock(&proc_lock);
    proc_for_each_locked(fn, arg);
    spin_unlock(&proc_lock);
}

/* A group or session keeps its number taken while a member lives. */
bool pid_taken(int id)
{
    if (proc_lookup(id) || thread_find(id)) {
        return true;
    }
    list_for_each (pos, &claims) {
        if (list_entry(pos, struct pid_claim, node)->pid == id) {
            return true;
        }
    }
    for (int i = 0; i < PID_BUCKETS && thread_total > 1; i++) {
        list_for_each (pos, &procs[i]) {
            struct proc *p = list_entry(pos, struct proc, pid_node);
            if (p->pgid == id || p->sid == id) {
                return true;
            }
        }
    }
    return false;
}

static bool wrapped; /* numbers may be taken; proc_lock */

int proc_last_pid(void)
{
    return atomic_load_relaxed(&last_pid);
}

int proc_set_last_pid(int pid)
{
    if (!cred_capable(CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    if (pid < 0 || pid >= PID_MAX) {
        return -EINVAL;
    }
    spin_lock(&proc_lock);
    last_pid = pid;
    wrapped = true;
    spin_unlock(&proc_lock);
    return 0;
}

int pid_alloc(void)
{
    for (int tries = 0; tries < PID_MAX; tries++) {
        last_pid++;
        if (last_pid >= PID_MAX) {
            last_pid = PID_RESERVED;
            wrapped = true;
        }
        if (!wrapped || !pid_taken(last_pid)) {
            return last_pid;
        }
    }
    return -EAGAIN;
}

int pid_choose(int pid)
{
    if (pid < 1 || pid >= PID_MAX) {
        return -EINVAL;
    }
    if (!cred_capable(CAP_SYS_ADMIN) && !cred_capable(CAP_CHECKPOINT_RESTORE)) {
        return -EPERM;
    }
    if (pid_taken(pid)) {
        return -EEXIST;
    }
    wrapped = true; /* the row will come to it */
    return pid;
}

void pid_claim(struct pid_claim *c, int pid)
{
    c->pid = pid;
    list_add(&claims, &c->node);
}

void pid_claim_end(struct pid_claim *c)
{
    if (c->pid) {
        list_del(&c->node);
        c->pid = 0;
    }
}

void pid_insert_proc(struct proc *p)
{
    list_add(&procs[p->pid % PID_BUCKETS], &p->pid_node);
}

void pid_insert_thread(struct thread *t)
{
    list_add(&threads[t->tid % PID_BUCKETS], &t->tid_node);
    thread_total++;
}

void pid_remove_thread(struct thread *t)
{
    list_del(&t->tid_node);
    thread_total--;
}

unsigned proc_thread_total(void)
{
    return atomic_load_relaxed(&thread_total);
}

int proc_alloc(struct proc **out)
{
    struct proc *p = kzalloc(sizeof(*p));
    if (!p) {
        return -ENOMEM;
    }
    p->refs = 1;
    p->dumpable = true;
    p->start_ns = clock_now();
    list_init(&p->pid_node);
    list_init(&p->children);
    list_init(&p->sibling);
    list_init(&p->threads);
    list_init(&p->tracees);
    wait_queue_init(&p->exit_wait);
    wait_queue_init(&p->vfork_wait);
    wait_queue_init(&p->thread_wait);
    wait_queue_init(&p->ended_wait);
    signal_state_init(&p->signals);
    *out = p;
    return 0;
}

void proc_get(struct proc *p)
{
    atomic_fetch_add(&p->refs, 1);
}

struct file *proc_exe(struct proc *p)
{
    struct file *f;

    spin_lock(&proc_lock);
    f = p->exe;
    if (f) {
        file_ref(f);
    }
    spin_unlock(&proc_lock);
    return f;
}

void proc_set_exe(struct proc *p, struct file *f)
{
    struct file *old;

    if (f) {
        file_ref(f);
    }
    spin_lock(&proc_lock);
    old = p->exe;
    p->exe = f;
    spin_unlock(&proc_lock);
    if (old) {
        file_put(old);
    }
}

void proc_put(struct proc *p)
{
    if (atomic_sub_fetch(&p->refs, 1) == 0) {
        check(p->thread_count == 0 && !p->mm);
        signal_state_free(&p->signals);
        cred_drop(&p->cred);
        exec_text_put(p->text);
        if (p->exe) { /* it never came to run */
            file_put(p->exe);
        }
        kfree(p);
    }
}

void proc_times_locked(struct proc *p, uint64_t *user_ns, uint64_t *kernel_ns)
{
    *user_ns = p->dead_user_ns;
    *kernel_ns = p->dead_kernel_ns;
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);
        uint64_t user, kernel;
        task_times(&t->task, &user, &kernel);
        *user_ns += user;
        *kernel_ns += kernel;
    }
}

void proc_times(struct proc *p, uint64_t *user_ns, uint64_t *kernel_ns)
{
    spin_lock(&proc_lock);
    proc_times_locked(p, user_ns, kernel_ns);
    spin_unlock(&proc_lock);
}
