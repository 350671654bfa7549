/* SPDX-License-Identifier: MIT
 *
 * Timers that send signals. All kinds are one structure: a deadline on some
 * clock, an interval, and a core timer that is armed for the moment when the
 * clock can have reached the deadline at the earliest. When it fires and the
 * clock is not there yet (CPU time, or REALTIME set back), it is armed anew.
 *
 * The owner's signals.lock guards deadline, interval and the list. Changing a
 * timer never waits for its callback: a callback that finds the deadline moved
 * does nothing. Only freeing cancels, without the lock.
 */
#include "kernel/proc/timers.h"
#include "kernel/proc/clock.h"
#include "kernel/proc/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/resource.h"
#include "abi/linux/signal.h"
#include "kernel/mm/heap.h"

enum { ITIMERS = 3, PTIMER_MAX = 1024, CPU_BACKOFF_MAX_NS = 64000000 };
/* A timer fires no more often: its signal's handler has to get on, too. What
 * is missed meanwhile counts as overruns. */
enum { REARM_LEAST_NS = 20000 };

struct ptimer {
    struct timer timer;
    struct list node;  /* proc_timers.list */
    struct proc *proc; /* lives longer than its timers */
    int id, clock;
    int notify, signo, tid; /* SIGEV_* */
    int code;               /* siginfo's: SI_TIMER or SI_KERNEL */
    uint64_t value;
    int64_t deadline; /* of the clock; 0: disarmed */
    uint64_t interval;
    int64_t looked;   /* CPU clocks: what it showed last time */
    uint64_t backoff; /* ns to wait while it stands still */
    int last_overrun;
};

struct proc_timers {
    struct ptimer intervals[ITIMERS];
    struct ptimer cpu_limit; /* RLIMIT_CPU, once a second from there on */
    struct list list;        /* POSIX timers */
    int next_id;
    unsigned count;
};

/* ---- expiry ---- */

/* Arms the core timer for t's deadline; now is what its clock shows;
 * not before `least` ns have passed. [lock] */
static void arm(struct ptimer *t, int64_t now, uint64_t least)
{
    int64_t left = MAX(t->deadline - now, (int64_t)0);
    uint64_t wait;

    if (t->notify == SIGEV_NONE) {
        return;
    }
    wait = clock_distance(t->proc, t->clock, left);
    if (clock_is_cpu(t->clock)) {
        t->backoff = now == t->looked
                         ? MIN(t->backoff * 2, (uint64_t)CPU_BACKOFF_MAX_NS)
                         : NSEC_PER_MSEC;
        t->looked = now;
        wait = MAX(wait, t->backoff);
    }
    timer_arm(&t->timer, clock_now() + MAX(wait, least));
}

/* Moves an expired deadline past now; how many periods were missed. [lock] */
static uint64_t advance(struct ptimer *t, int64_t now)
{
    uint64_t missed = 0;

    if (t->interval) {
        missed = (uint64_t)(now - t->deadline) / t->interval;
        t->deadline += (int64_t)((missed + 1) * t->interval);
    } else {
        t->deadline = 0;
    }
    return missed;
}

/* RLIMIT_CPU is used up: the soft limit warns and moves on by a second, the
 * hard one kills (setrlimit(2)). */
static int limit_signal(struct proc *p, int64_t now)
{
    struct rlimit64 *lim = &p->limits[LIMIT_CPU];
    bool hard;

    spin_lock(&proc_lock);
    hard =
        lim->max != LIMIT_INFINITY && (uint64_t)now / NSEC_PER_SEC >= lim->max;
    if (!hard && lim->cur < lim->max) {
        lim->cur++;
    }
    spin_unlock(&proc_lock);
    return hard ? SIGKILL : SIGXCPU;
}

static void send(const struct ptimer *t, uint64_t missed, int64_t now)
{
    struct k_siginfo info = {.signo = t->signo, .code = t->code};

    if (t->signo == SIGXCPU && t->code == SI_KERNEL) {
        info.signo = limit_signal(t->proc, now);
    }
    if (t->code == SI_TIMER) {
        info.from_timer = 1;
        info.timer.timer_id = t->id;
        info.timer.overrun = (int32_t)MIN(missed, (uint64_t)INT32_MAX);
        info.timer.value = t->value;
    }
    if (t->notify != SIGEV_THREAD_ID) {
        signal_send_proc(t->proc, &info);
        return;
    }
    spin_lock(&proc_lock);
    struct thread *to = thread_find(t->tid);
    if (to && to->proc == t->proc) {
        signal_send_thread(to, &info);
    }
    spin_unlock(&proc_lock);
}

static void fire(struct timer *timer)
{
    struct ptimer *t = container_of(timer, struct ptimer, timer);
    struct spinlock *lock = &t->proc->signals.lock;
    uint64_t missed = 0;
    int64_t now = 0;
    bool gone = clock_read_for(t->proc, t->clock, &now) != 0;
    bool expired;

    spin_lock(lock);
    expired = t->deadline && !gone && now >= t->deadline;
    if (expired) {
        missed = advance(t, now);
    }
    if (t->deadline && !gone) {
        arm(t, now, REARM_LEAST_NS);
    }
    spin_unlock(lock);
    if (expired) {
        send(t, missed, now);
    }
}

/* ---- the process's set ---- */

static void ptimer_init(struct ptimer *t, struct proc *p, int clock, int signo)
{
    timer_init(&t->timer, fire);
    list_init(&t->node);
    t->proc = p;
    t->clock = clock;
    t->notify = SIGEV_SIGNAL;
    t->signo = signo;
    t->code = SI_KERNEL;
}

static int cpu_clock_of(const struct proc *p, int which)
{
    return ~p->pid * 8 | which;
}

/* The timers of a process, made at first use; NULL: no memory, or the process
 * ends (another one may have asked for them). */
static struct proc_timers *timers_of(struct proc *p)
{
    struct proc_timers *new, *unused = NULL;

    if (atomic_load_acquire(&p->timers)) {
        return p->timers;
    }
    new = kzalloc(sizeof(*new));
    if (!new) {
        return NULL;
    }
    list_init(&new->list);
    ptimer_init(&new->intervals[ITIMER_REAL], p, CLOCK_MONOTONIC, SIGALRM);
    ptimer_init(&new->intervals[ITIMER_VIRTUAL], p,
                cpu_clock_of(p, CPUCLOCK_VIRT), SIGVTALRM);
    ptimer_init(&new->intervals[ITIMER_PROF], p, cpu_clock_of(p, CPUCLOCK_PROF),
                SIGPROF);
    ptimer_init(&new->cpu_limit, p, cpu_clock_of(p, CPUCLOCK_PROF), SIGXCPU);
    spin_lock(&p->signals.lock);
    if (p->timers || p->exiting) {
        unused = new; /* another thread was first */
    } else {
        atomic_store_release(&p->timers, new);
    }
    spin_unlock(&p->signals.lock);
    kfree(unused);
    return p->timers;
}

static void delete_all(struct proc *p, struct proc_timers *all)
{
    struct list *first;

    for (;;) {
        spin_lock(&p->signals.lock);
        first = list_pop(&all->list);
        spin_unlock(&p->signals.lock);
        if (!first) {
            break;
        }
        struct ptimer *t = list_entry(first, struct ptimer, node);
        timer_cancel(&t->timer);
        kfree(t);
    }
    all->count = 0;
}

void timers_exec(struct proc *p)
{
    if (p->timers) {
        delete_all(p, p->timers);
    }
}

void timers_exit(struct proc *p)
{
    struct proc_timers *all;

    spin_lock(&p->signals.lock);
    all = p->timers;
    p->timers = NULL; /* for good: p->exiting is set */
    spin_unlock(&p->signals.lock);
    if (!all) {
        return;
    }
    delete_all(p, all);
    for (int i = 0; i < ITIMERS; i++) {
        timer_cancel(&all->intervals[i].timer);
    }
    timer_cancel(&all->cpu_limit.timer);
    kfree(all);
}

/* ---- reading and setting ---- */

/* [lock] */
static void read_value(struct ptimer *t, int64_t now, struct timer_value *out)
{
    if (t->deadline && now >= t->deadline && t->notify == SIGEV_NONE) {
        advance(t, now);
    }
    out->interval = t->interval;
    out->left = 0;
    if (t->deadline) {
        /* About to expire is not disarmed. */
        out->left = (uint64_t)MAX(t->deadline - now, (int64_t)1);
    }
}

/* [lock] */
static void set_value(struct ptimer *t, int64_t now, bool absolute,
                      const struct timer_value *new)
{
    t->interval = new->interval;
    t->deadline = 0;
    t->looked = -1;
    if (new->left) {
        t->deadline = (int64_t) new->left + (absolute ? 0 : now);
        arm(t, now, 0);
    }
}

int timers_limit_cpu(struct proc *p, uint64_t seconds)
{
    struct timer_value value = {.interval = NSEC_PER_SEC};
    struct proc_timers *all;
    int64_t now = 0;

    if (seconds == LIMIT_INFINITY && !atomic_load_acquire(&p->timers)) {
        return 0;
    }
    all = timers_of(p);
    if (!all) {
        return p->exiting ? 0 : -ENOMEM;
    }
    if (seconds < INT64_MAX / NSEC_PER_SEC) {
        value.left = MAX(seconds, 1ul) * NSEC_PER_SEC;
    }
    clock_read_for(p, cpu_clock_of(p, CPUCLOCK_PROF), &now);
    spin_lock(&p->signals.lock);
    if (p->timers) { /* it may have ended meanwhile */
        set_value(&p->timers->cpu_limit, now, true, &value);
    }
    spin_unlock(&p->signals.lock);
    return 0;
}

int itimer_exchange(int which, const struct timer_value *new,
                    struct timer_value *old)
{
    struct proc_timers *all;
    struct ptimer *t;
    int64_t now = 0;

    if (which < 0 || which >= ITIMERS) {
        return -EINVAL;
    }
    all = timers_of(current_proc());
    if (!all) {
        return -ENOMEM;
    }
    t = &all->intervals[which];
    clock_read(t->clock, &now);
    spin_lock(&t->proc->signals.lock);
    if (old) {
        read_value(t, now, old);
    }
    if (new) {
        set_value(t, now, false, new);
    }
    spin_unlock(&t->proc->signals.lock);
    return 0;
}

/* ---- POSIX timers ---- */

/* [lock] */
static struct ptimer *find(struct proc *p, int id)
{
    if (!p->timers) {
        return NULL;
    }
    list_for_each (pos, &p->timers->list) {
        struct ptimer *t = list_entry(pos, struct ptimer, node);
        if (t->id == id) {
            return t;
        }
    }
    return NULL;
}

static bool own_thread(int tid)
{
    struct thread *t;
    bool own;

    spin_lock(&proc_lock);
    t = thread_find(tid);
    own = t && t->proc == current_proc();
    spin_unlock(&proc_lock);
    return own;
}

static int check_event(const struct abi_sigevent *ev)
{
    switch (ev->notify) {
    case SIGEV_NONE:
        return 0;
    case SIGEV_THREAD_ID:
        if (!own_thread(ev->tid)) {
            return -EINVAL;
        }
        break;
    case SIGEV_SIGNAL:
    case SIGEV_THREAD: /* libc's affair; a signal for us */
        break;
    default:
        return -EINVAL;
    }
    return ev->signo >= 1 && ev->signo <= NSIG ? 0 : -EINVAL;
}

static int check_clock(int clock)
{
    switch (clock) {
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_REALTIME_COARSE:
        return -EOPNOTSUPP;
    default:
        return 0;
    }
}

/* Gives t an unused id and adds it: the id or -EAGAIN. */
static int add(struct proc *p, struct ptimer *t, bool value_is_id)
{
    struct proc_timers *all = p->timers;
    int id = -EAGAIN;

    spin_lock(&p->signals.lock);
    if (all->count < PTIMER_MAX) {
        while (find(p, all->next_id)) {
            all->next_id = (all->next_id + 1) & INT32_MAX;
        }
        id = t->id = all->next_id;
        all->next_id = (id + 1) & INT32_MAX;
        all->count++;
        if (value_is_id) {
            t->value = (uint64_t)id;
        }
        list_add_tail(&all->list, &t->node);
    }
    spin_unlock(&p->signals.lock);
    return id;
}

int ptimer_create(int clock, const struct abi_sigevent *ev)
{
    struct abi_sigevent plain = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};
    const struct abi_sigevent *how = ev ? ev : &plain;
    struct ptimer *t;
    int absolute = clock_absolute(clock);
    int err = check_clock(clock);

    if (!err && absolute == -EINVAL) {
        err = -EINVAL;
    }
    err = err ? err : check_event(how);
    if (err) {
        return err;
    }
    t = kzalloc(sizeof(*t));
    if (!t || !timers_of(current_proc())) {
        kfree(t);
        return -EAGAIN;
    }
    ptimer_init(t, current_proc(), absolute, how->signo);
    t->notify = how->notify;
    t->tid = how->tid;
    t->value = how->value;
    t->code = SI_TIMER;
    err = add(t->proc, t, !ev);
    if (err < 0) {
        kfree(t);
    }
    return err;
}

int ptimer_delete(int id)
{
    struct proc *p = current_proc();
    struct ptimer *t;

    spin_lock(&p->signals.lock);
    t = find(p, id);
    if (t) {
        list_del(&t->node);
        p->timers->count--;
        t->deadline = 0;
    }
    spin_unlock(&p->signals.lock);
    if (!t) {
        return -EINVAL;
    }
    timer_cancel(&t->timer);
    kfree(t);
    return 0;
}

/* What timer id's clock shows: the clock cannot be read under the lock. */
static int clock_of(int id, int64_t *now)
{
    struct proc *p = current_proc();
    struct ptimer *t;
    int clock = 0;

    spin_lock(&p->signals.lock);
    t = find(p, id);
    if (t) {
        clock = t->clock;
    }
    spin_unlock(&p->signals.lock);
    *now = 0;
    if (t) {
        clock_read(clock, now);
    }
    return t ? 0 : -EINVAL;
}

int ptimer_set(int id, bool absolute, const struct timer_value *new,
               struct timer_value *old)
{
    struct proc *p = current_proc();
    struct ptimer *t;
    int64_t now;
    int err = clock_of(id, &now);

    if (err) {
        return err;
    }
    spin_lock(&p->signals.lock);
    t = find(p, id);
    if (t) {
        if (old) {
            read_value(t, now, old);
        }
        set_value(t, now, absolute, new);
        t->last_overrun = 0;
    }
    spin_unlock(&p->signals.lock);
    return t ? 0 : -EINVAL;
}

int ptimer_get(int id, struct timer_value *out)
{
    struct proc *p = current_proc();
    struct ptimer *t;
    int64_t now;
    int err = clock_of(id, &now);

    if (err) {
        return err;
    }
    spin_lock(&p->signals.lock);
    t = find(p, id);
    if (t) {
        read_value(t, now, out);
    }
    spin_unlock(&p->signals.lock);
    return t ? 0 : -EINVAL;
}

int ptimer_overrun(int id)
{
    struct proc *p = current_proc();
    struct ptimer *t;
    int overrun = -EINVAL;

    spin_lock(&p->signals.lock);
    t = find(p, id);
    if (t) {
        overrun = t->last_overrun;
    }
    spin_unlock(&p->signals.lock);
    return overrun;
}

void ptimer_taken(struct proc *p, int id, int overrun)
{
    struct ptimer *t = find(p, id);

    if (t) {
        t->last_overrun = overrun;
    }
}
