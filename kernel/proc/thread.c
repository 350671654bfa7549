/* SPDX-License-Identifier: MIT
 *
 * Thread objects: a core task, its kernel stack, and what a process's thread
 * owns. A thread holds a reference to its process from thread_init() until
 * thread_dead(), which the scheduler calls on another stack after the task's
 * last act.
 *
 * Creating threads is a hot path: dead ones wait in a small cache with their
 * stacks, ready to be used again.
 */
#include "abi/linux/prctl.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/room.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

enum { CACHE_MAX = 32 };

static struct spinlock cache_lock = SPINLOCK_INIT(LOCK_HEAP);
static struct thread *cache[CACHE_MAX]; /* cache_lock; each with a kstack */
static unsigned cache_count;            /* cache_lock */

static struct thread *cache_take(void)
{
    struct thread *t = NULL;

    spin_lock(&cache_lock);
    if (cache_count > 0) {
        t = cache[--cache_count];
    }
    spin_unlock(&cache_lock);
    return t;
}

static bool cache_give(struct thread *t)
{
    bool taken = false;

    spin_lock(&cache_lock);
    if (cache_count < CACHE_MAX) {
        cache[cache_count++] = t;
        taken = true;
    }
    spin_unlock(&cache_lock);
    return taken;
}

struct thread *thread_alloc(void)
{
    struct thread *t = cache_take();

    if (!t) {
        t = kmalloc(sizeof(*t));
        if (!t) {
            return NULL;
        }
        t->kstack = kstack_alloc();
        if (!t->kstack) {
            kfree(t);
            return NULL;
        }
    }
    return t;
}

void thread_free(struct thread *t)
{
    if (!cache_give(t)) {
        kstack_free(t->kstack);
        kfree(t);
    }
}

static void thread_dead(struct task *task)
{
    struct thread *t = container_of(task, struct thread, task);
    struct proc *p = t->proc;

    thread_signals_free(&t->signals);
    cred_drop(&t->cred);
    thread_free(t);
    proc_put(p);
}

/* The creator's within a process, else what the process was made with. */
static void take_cred(struct thread *t, struct proc *p)
{
    struct thread *self = current_thread();

    t->cred = self && self->proc == p ? self->cred : p->cred;
    cred_hold(&t->cred);
}

void thread_init(struct thread *t, struct proc *p, void (*fn)(void *))
{
    void *kstack = t->kstack;

    /* All but the vector state, which the caller fills. */
    memset(&t->task, 0, offsetof(struct task, fpu));
    memset(&t->node, 0, sizeof(*t) - offsetof(struct thread, node));
    t->kstack = kstack;
    task_init(&t->task, kstack, t->comm, fn, t);
    t->task.thread = t;
    t->task.mm = p->mm;
    t->task.gate = p->mm ? mm_gate(p->mm) : NULL;
    t->task.dead = thread_dead;
    list_init(&t->node);
    list_init(&t->tid_node);
    thread_signals_init(&t->signals);
    take_cred(t, p);
    t->mce_kill = PR_MCE_KILL_DEFAULT;
    t->timer_slack = t->default_slack =
        50000; /* ns; PR_SET_TIMERSLACK's default */
    t->login_uid = t->login_session = LOGIN_NONE;
    t->syscall_nr = -1;
    memset(thread_regs(t), 0, sizeof(struct user_regs));
    proc_get(p);
    t->proc = p;
}

static uint64_t started; /* LOCK_PROC, atomic */

uint64_t thread_started_total(void)
{
    return atomic_load_relaxed(&started);
}

void thread_attach(struct thread *t)
{
    struct proc *p = t->proc;

    atomic_store(&started, started + 1);
    list_add_tail(&p->threads, &t->node);
    atomic_store(&p->thread_count, p->thread_count + 1);
    pid_insert_thread(t);
    sched_set_pid(&t->task, p->pid);
}
