/* SPDX-License-Identifier: MIT
 *
 * What a program sets: handlers, masks and alternate stacks; and the life of
 * the structures that hold them. A mask is written by its own thread only,
 * under signals.lock, because senders read it.
 */
#include "kernel/signal/room.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/hash.h"
#include "lib/string.h"

#define QUEUE(i)                                                               \
    {                                                                          \
        SPINLOCK_INIT(LOCK_WAIT), LIST_INIT(poll_queues[i].entries)            \
    }
static struct wait_queue poll_queues[] = {QUEUE(0), QUEUE(1), QUEUE(2),
                                          QUEUE(3), QUEUE(4), QUEUE(5),
                                          QUEUE(6), QUEUE(7)};

struct wait_queue *signal_poll_queue(const struct proc *p)
{
    return &poll_queues[hash_u64(0, (uint64_t)p) % ARRAY_SIZE(poll_queues)];
}

/* ---- handlers of several processes ---- */

/* Who shares handlers has them from here; a process's own are behind its
 * signals.lock alone. */
struct shared_actions {
    struct spinlock lock;
    uint32_t refs; /* atomic */
    struct k_sigaction of[NSIG];
};

void actions_lock(const struct signal_state *s)
{
    if (unlikely(s->shared != NULL)) {
        spin_lock(&s->shared->lock);
    }
}

void actions_unlock(const struct signal_state *s)
{
    if (unlikely(s->shared != NULL)) {
        spin_unlock(&s->shared->lock);
    }
}

static void actions_put(struct shared_actions *shared)
{
    if (shared && atomic_sub_fetch(&shared->refs, 1) == 0) {
        kfree(shared);
    }
}

bool signal_shares_actions(const struct signal_state *s)
{
    return s->shared && atomic_load(&s->shared->refs) > 1;
}

/* Handlers are gone, what is ignored stays so. */
static void set_default(struct k_sigaction *actions)
{
    for (unsigned i = 0; i < NSIG; i++) {
        bool ignored = actions[i].handler == SIG_IGN;

        memset(&actions[i], 0, sizeof(actions[i]));
        actions[i].handler = ignored ? SIG_IGN : SIG_DFL;
    }
}

void signal_copy_actions(struct signal_state *to, bool clear)
{
    struct signal_state *from = &current_proc()->signals;

    spin_lock(&from->lock);
    actions_lock(from);
    memcpy(to->own, from->actions, sizeof(to->own));
    actions_unlock(from);
    spin_unlock(&from->lock);
    if (clear) {
        set_default(to->own);
    }
}

int signal_share_actions(struct signal_state *to)
{
    struct signal_state *from = &current_proc()->signals;
    struct shared_actions *fresh = kmalloc(sizeof(*fresh));

    if (!fresh) {
        return -ENOMEM;
    }
    spin_init(&fresh->lock, LOCK_ACTIONS);
    fresh->refs = 2;
    spin_lock(&from->lock);
    if (from->shared) {
        atomic_fetch_add(&from->shared->refs, 1);
    } else {
        memcpy(fresh->of, from->own, sizeof(fresh->of));
        from->shared = fresh;
        from->actions = fresh->of;
        fresh = NULL;
    }
    to->shared = from->shared;
    to->actions = from->actions;
    spin_unlock(&from->lock);
    kfree(fresh);
    return 0;
}

/* ---- their life ---- */

void signal_state_init(struct signal_state *s)
{
    memset(s, 0, sizeof(*s));
    spin_init(&s->lock, LOCK_SIGNAL);
    queue_init(&s->pending);
    wait_queue_init(&s->signalfds);
    wait_queue_init(&s->cont_wait);
    s->actions = s->own;
}

void signal_state_free(struct signal_state *s)
{
    actions_put(s->shared);
    spin_lock(&s->lock);
    queue_flush(s, &s->pending, ~0ull);
    spin_unlock(&s->lock);
    queue_end(s);
}

void thread_signals_init(struct thread_signals *ts)
{
    memset(ts, 0, sizeof(*ts));
    queue_init(&ts->pending);
}

void thread_signals_free(struct thread_signals *ts)
{
    struct thread *t = container_of(ts, struct thread, signals);
    struct signal_state *s = &t->proc->signals;

    spin_lock(&s->lock);
    queue_flush(s, &ts->pending, ~0ull);
    spin_unlock(&s->lock);
}

void signal_exec(struct thread *t)
{
    struct signal_state *s = &t->proc->signals;
    struct shared_actions *left;

    spin_lock(&s->lock);
    actions_lock(s);
    if (s->shared) {
        memcpy(s->own, s->shared->of, sizeof(s->own));
    }
    actions_unlock(s);
    left = s->shared;
    s->shared = NULL;
    s->actions = s->own;
    set_default(s->own);
    spin_unlock(&s->lock);
    actions_put(left);
    t->signals.alt_sp = 0;
    t->signals.alt_size = 0;
    t->signals.alt_flags = 0;
}

/* ---- masks ---- */

/* Process-directed signals that the current thread blocks from now on may
 * have counted on it: others that do not block them are told. */
static void pass_on(struct proc *p, sigset set)
{
    spin_lock(&proc_lock);
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);

        if (set & ~t->signals.blocked) {
            task_interrupt(&t->task);
        }
    }
    spin_unlock(&proc_lock);
}

void signal_set_mask(sigset blocked)
{
    struct thread *t = current_thread();
    struct signal_state *s = &t->proc->signals;
    sigset left;

    blocked &= ~SIGSET_ALWAYS;
    if (blocked == t->signals.blocked) {
        return;
    }
    spin_lock(&s->lock);
    left = s->pending.set & blocked & ~t->signals.blocked;
    t->signals.blocked = blocked;
    spin_unlock(&s->lock);
    if (unlikely(left && atomic_load(&t->proc->thread_count) > 1)) {
        pass_on(t->proc, left);
    }
    if (signal_pending(t)) {
        atomic_store(&t->task.interrupted, 1);
    }
}

int signal_mask_begin(struct uptr set, uint64_t size)
{
    struct thread_signals *ts = &current_thread()->signals;
    sigset mask;

    if (!set.addr) {
        return 0;
    }
    if (size != sizeof(mask)) {
        return -EINVAL;
    }
    if (get_user64(&mask, set)) {
        return -EFAULT;
    }
    ts->saved_mask = ts->blocked;
    ts->restore_mask = true;
    signal_set_mask(mask);
    return 0;
}

void signal_mask_end(bool interrupted)
{
    struct thread *t = current_thread();

    if (!t->signals.restore_mask) {
        return;
    }
    if (interrupted) {
        atomic_store(&t->task.interrupted, 1); /* delivery restores it */
    } else {
        t->signals.restore_mask = false;
        signal_set_mask(t->signals.saved_mask);
    }
}

/* ---- handlers ---- */

/* A signal that is ignored from now on is not pending any more. */
static void flush_everywhere(struct proc *p, int signo)
{
    struct signal_state *s = &p->signals;

    queue_flush(s, &s->pending, sigbit(signo));
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);

        queue_flush(s, &t->signals.pending, sigbit(signo));
    }
}

int signal_action(int signo, const struct k_sigaction *act,
                  struct k_sigaction *old)
{
    const uint64_t known = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO |
                           SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER |
                           SA_RESETHAND;
    struct proc *p = current_proc();
    struct signal_state *s = &p->signals;

    if (signo < 1 || signo > NSIG || (act && (sigbit(signo) & SIGSET_ALWAYS))) {
        return -EINVAL;
    }
    spin_lock(&proc_lock);
    spin_lock(&s->lock);
    actions_lock(s);
    if (old) {
        *old = s->actions[signo - 1];
    }
    if (act) {
        s->actions[signo - 1] = *act;
        s->actions[signo - 1].flags &= known;
        s->actions[signo - 1].mask &= ~SIGSET_ALWAYS;
    }
    actions_unlock(s);
    if (act && signal_ignored(s, signo)) {
        flush_everywhere(p, signo);
    }
    spin_unlock(&s->lock);
    spin_unlock(&proc_lock);
    return 0;
}
