/* SPDX-License-Identifier: MIT
 *
 * Tasks, run queues and switching.
 *
 * A task's state word is the whole truth about sleeping: PREPARED says "about
 * to", SLEEPING "gone"; a waker moves either back to RUNNING and, in the
 * second case, queues the task once its old vCPU has left its stack
 * (on_vcpu). A woken task goes to the waker's own queue: most wake-ups are
 * followed by the waker's sleep, and then the switch is a function call. If
 * it waits there for some microseconds, an idle vCPU takes it away.
 *
 * Who sleeps in between passes those in the queue that compute, and takes the
 * vCPU from one that does (tick.c): what waits for an event goes on soon after
 * it also where all vCPUs are busy. What they run, up to a slice, one that
 * computes then runs without being disturbed (rq->passed).
 */
#include "kernel/core/runqueue.h"
#include "kernel/core/timer.h"
#include "kernel/core/log.h"
#include "kernel/core/stats.h"
#include "target/target.h"

enum {
    PASSED_MAX = 16,   /* so many who compute are passed at most */
    YIELD_MISSES = 16, /* for nobody; then the host's threads are let run */
    YIELD_NAP_NS = 100000,
};

struct runqueue runqueues[VCPU_MAX];
uint64_t idle_vcpus;
static unsigned vcpu_total;

static struct spinlock all_lock = SPINLOCK_INIT(LOCK_TASK_LIST);
static struct list all_tasks = LIST_INIT(all_tasks); /* under all_lock */
static bool calls_are_watched;                       /* under all_lock */

unsigned sched_vcpu_count(void)
{
    return vcpu_total;
}

uint64_t sched_switches(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < vcpu_total; i++) {
        sum += atomic_load_relaxed(&runqueues[i].switches);
    }
    return sum;
}

void sched_for_each_task(void (*fn)(struct task *t, void *arg), void *arg)
{
    spin_lock(&all_lock);
    list_for_each (pos, &all_tasks) {
        fn(list_entry(pos, struct task, all_node), arg);
    }
    spin_unlock(&all_lock);
}

/* ---- what entry.S answers by itself ---- */

void sched_set_pid(struct task *t, int pid)
{
    spin_lock(&all_lock);
    t->pid = calls_are_watched ? 0 : (uint32_t)pid;
    spin_unlock(&all_lock);
}

void sched_watch_calls(void)
{
    spin_lock(&all_lock);
    calls_are_watched = true;
    list_for_each (pos, &all_tasks) {
        atomic_store_relaxed(&list_entry(pos, struct task, all_node)->pid, 0);
    }
    spin_unlock(&all_lock);
    this_vcpu()->pid = 0;
    atomic_fence();
}

/* ---- the queue ---- */

static bool allowed_on(const struct task *t, unsigned id)
{
    return t->affinity >> id & 1;
}

/* Behind those that are as urgent, before all others. [rq->lock] */
static void queue_by_priority(struct runqueue *rq, struct task *t)
{
    list_for_each (pos, &rq->queue) {
        if (list_entry(pos, struct task, run_node)->priority < t->priority) {
            list_add_tail(pos, &t->run_node); /* before it */
            return;
        }
    }
    list_add_tail(&rq->queue, &t->run_node);
}

static uint8_t priority_on(unsigned id)
{
    const struct task *t = vcpu_by_id(id)->task;

    return t ? atomic_load_relaxed(&t->priority) : 0;
}

static inline bool is_odd(const struct task *t, const struct vcpu *v)
{
    return gate_closed(t) || !allowed_on(t, v->id) ||
           atomic_load_relaxed(&t->priority);
}

/* With a closed gate, for another vCPU, or urgent. */
static __attribute__((noinline)) void queue_odd(struct task *t)
{
    struct vcpu *v = this_vcpu();
    unsigned id = v->id;
    struct runqueue *rq;
    uint8_t priority = atomic_load_relaxed(&t->priority);

    if (gate_closed(t)) {
        bool ours = sched_gate_blocks(t); /* parked, it may run and end */

        if (gate_park(t)) {
            (ours ? sched_gate_expect : sched_gate_event)();
            return;
        }
    }
    if (!allowed_on(t, id)) {
        id = (unsigned)__builtin_ctzll(t->affinity);
    }
    rq = &runqueues[id];
    spin_lock(&rq->lock);
    t->queued_at = current_task()->account_mark;
    queue_by_priority(rq, t);
    rq->urgent |= priority > priority_on(id);
    rq->count++;
    spin_unlock(&rq->lock);
    if (id != v->id) {
        alone_kick(id);
    } else {
        v->resched = 1;
    }
}

/* Where t goes: before those at the end that compute, unless it is their turn.
 * [rq->lock] */
static struct list *behind_whom(struct runqueue *rq)
{
    int left = rq->passed < runqueue_fair() ? PASSED_MAX : 0;
    struct list *pos = rq->queue.prev;

    for (; left && pos != &rq->queue; left--) {
        const struct task *other = list_entry(pos, struct task, run_node);

        if (!other->computes || other->priority) {
            break;
        }
        pos = pos->prev;
    }
    return pos;
}

/* Whether who is queued may take the vCPU from its waker: nobody else can. */
static inline bool may_take_over(const struct vcpu *v)
{
    return unlikely(v->task->computes) && !atomic_load_relaxed(&idle_vcpus);
}

/* t waits at v, behind `pos`. rq->lock, of v's, is given back. */
static inline void queue_behind(struct vcpu *v, struct task *t,
                                struct list *pos)
{
    struct runqueue *rq = v->rq;
    /* The waker's own start stands for "now", which costs a clock: for the
     * short stretches that matter here they are the same. */
    uint64_t now = v->task->account_mark;

    t->queued_at = now;
    list_add(pos, &t->run_node);
    rq->count++;
    spin_unlock(&rq->lock);
    if (!runqueue_covered(rq, now) || may_take_over(v)) {
        v->resched = 1;
    }
}

/* Where others wait already. */
static __attribute__((noinline)) void queue_among(struct task *t)
{
    struct vcpu *v = this_vcpu();

    spin_lock(&v->rq->lock);
    queue_behind(v, t, behind_whom(v->rq));
}

static inline void queue_task(struct task *t)
{
    struct vcpu *v = this_vcpu();
    struct runqueue *rq = v->rq;

    if (unlikely(is_odd(t, v))) {
        queue_odd(t);
        return;
    }
    if (unlikely(rq->count)) {
        queue_among(t);
        return;
    }
    spin_lock(&rq->lock);
    queue_behind(v, t, rq->queue.prev);
}

void runqueue_add(struct task *t)
{
    queue_task(t);
}

static struct task *take(struct runqueue *rq, unsigned id, uint64_t newest)
{
    list_for_each (pos, &rq->queue) {
        struct task *t = list_entry(pos, struct task, run_node);

        if (allowed_on(t, id) && t->queued_at <= newest) {
            list_del(pos);
            rq->count--;
            return t;
        }
    }
    return NULL;
}

static __attribute__((noinline)) struct task *steal(unsigned self,
                                                    uint64_t min_age)
{
    uint64_t newest = clock_tsc() - min_age;

    for (unsigned i = 1; i < vcpu_total; i++) {
        struct runqueue *rq = &runqueues[(self + i) % vcpu_total];
        struct task *t = NULL;

        if (atomic_load_relaxed(&rq->count) && spin_trylock(&rq->lock)) {
            t = take(rq, self, newest);
            spin_unlock(&rq->lock);
        }
        if (t) {
            stats_count(STAT_STEAL);
            return t;
        }
    }
    return NULL;
}

static inline struct task *pick_any(struct runqueue *rq, uint64_t min_age)
{
    struct list *first = list_first(&rq->queue);

    if (first) {
        list_del(first);
        rq->count--;
        return list_entry(first, struct task, run_node);
    }
    return steal((unsigned)(rq - runqueues), min_age);
}

static inline struct task *pick(struct runqueue *rq, uint64_t min_age)
{
    struct task *t = pick_any(rq, min_age);

    while (unlikely(t && gate_closed(t)) && gate_park(t)) {
        rq->after |= AFTER_PARK;
        t = pick_any(rq, min_age);
    }
    return t;
}

struct task *runqueue_pick(struct runqueue *rq, uint64_t min_age)
{
    return pick(rq, min_age);
}

/* ---- switching ---- */

/* Whether somebody waits for this vCPU, and no tick is on its way for them. */
static inline bool lacks_tick(struct runqueue *rq, uint64_t tsc)
{
    uint64_t timer = timer_next();

    return (rq->count && !runqueue_covered(rq, tsc)) ||
           (atomic_load_relaxed(&sched_io_inflight) &&
            !runqueue_io_covered(rq, current_task()->computes, tsc)) ||
           atomic_load_relaxed(&sched_io_flush_at) ||
           (timer != UINT64_MAX && !runqueue_tick_by(rq, timer, tsc));
}

/* What few switches have to do behind them. */
static __attribute__((noinline)) void after_switch(struct task *prev,
                                                   uint32_t after)
{
    if (after & AFTER_DEATH) {
        spin_lock(&all_lock);
        list_del(&prev->all_node);
        spin_unlock(&all_lock);
        prev->dead(prev);
    } else if (after & AFTER_MOVE) {
        runqueue_add(prev);
    }
    if (after & AFTER_PARK) {
        sched_gate_event();
    }
}

/* On the new stack: lets go of the task that ran before. */
static inline void finish_switch(void)
{
    struct vcpu *v = this_vcpu();
    struct runqueue *rq = v->rq;
    struct task *prev = rq->prev;
    uint64_t tsc = v->task->account_mark;
    uint32_t after = rq->after;

    if (gate_left(prev, v->task == &rq->idle, tsc)) {
        after |= AFTER_PARK;
    }
    rq->after = 0;
    atomic_store_release(&prev->on_vcpu, 0);
    if (lacks_tick(rq, tsc) || unlikely(!allowed_on(v->task, v->id))) {
        v->resched = 1;
    }
    spin_unlock(&rq->lock);
    if (unlikely(after)) {
        after_switch(prev, after);
    }
}

static inline void account(struct runqueue *rq, struct task *prev,
                           struct task *next)
{
    uint64_t now = clock_tsc(), ran = now - prev->account_mark;

    prev->cycles += ran;
    rq->passed = prev->computes ? 0 : rq->passed + ran;
    next->account_mark = now;
    next->slice_end = 0;
    next->switches++;
}

static inline void switch_to(struct runqueue *rq, struct task *next)
{
    struct vcpu *v = this_vcpu();
    struct task *prev = v->task;

    account(rq, prev, next);
    if (prev->thread) {
        prev->fs_base = read_fs_base();
        fpu_leave(&prev->fpu, &prev->fpu_saved);
    }
    if (next->thread) {
        write_fs_base(next->fs_base);
    }
    runqueue_use_rights(v, next);
    v->task = next;
    v->kstack = next->kstack_top;
    v->fpu = &next->fpu;
    v->fpu_saved = &next->fpu_saved;
    v->pid = atomic_load_relaxed(&next->pid);
    next->vcpu = v->id;
    atomic_store_relaxed(&next->on_vcpu, 1);
    rq->prev = prev;
    rq->switches++;
    arch_switch(&prev->ksp, next->ksp);
    finish_switch();
}

void runqueue_switch(struct runqueue *rq, struct task *next)
{
    switch_to(rq, next);
}

/* Gives the vCPU away; the caller has made sure that somebody will bring the
 * current task back. */
static void switch_away(void)
{
    struct runqueue *rq = this_runqueue();
    struct task *next;

    spin_lock(&rq->lock);
    next = pick(rq, 0);
    if (unlikely(next == current_task())) {
        spin_unlock(&rq->lock);
        return;
    }
    switch_to(rq, next ? next : &rq->idle);
}

void task_give_way(void)
{
    struct runqueue *rq = this_runqueue();
    struct task *t = current_task(), *next;
    uint32_t after;

    lock_check_may_sleep();
    if (!allowed_on(t, this_vcpu()->id) || gate_closed(t)) {
        t->computes |= gate_closed(t);
        spin_lock(&rq->lock);
        rq->after |= AFTER_MOVE;
        runqueue_switch(rq, &rq->idle);
        return;
    }
    spin_lock(&rq->lock);
    next = list_empty(&rq->queue) ? NULL : runqueue_pick(rq, 0);
    if (!next) { /* those that waited were put aside */
        after = rq->after;
        rq->after = 0;
        spin_unlock(&rq->lock);
        if (after) {
            sched_gate_event();
        }
        return;
    }
    /* Only now: a pick must neither choose nor put aside who runs. */
    t->queued_at = clock_tsc();
    t->computes = true;
    if (unlikely(t->priority)) {
        queue_by_priority(rq, t);
    } else {
        list_add_tail(&rq->queue, &t->run_node);
    }
    rq->count++;
    runqueue_switch(rq, next);
}

/* A relative waits for our addresses, which is nobody in a queue. */
static bool wanted_elsewhere(const struct task *t)
{
    return t->gate && atomic_load_relaxed(&t->gate->contended);
}

void task_yield_to_all(void)
{
    struct runqueue *rq = this_runqueue();
    uint64_t before = rq->switches;
    struct task *t = current_task();

    if (++t->yields % YIELD_MISSES == 0 && wanted_elsewhere(t)) {
        task_prepare_sleep();
        task_sleep_until(clock_now() + YIELD_NAP_NS);
        return;
    }
    task_give_way();
    rq = this_runqueue();
    if (rq->switches != before) {
        rq->yields_missed = 0;
    } else if (++rq->yields_missed >= YIELD_MISSES) {
        rq->yields_missed = 0;
        target_vcpu_wait(0);
    }
}

/* ---- sleeping and waking ---- */

void task_prepare_sleep(void)
{
    vcpus_xchg(&current_task()->state, TASK_PREPARED);
}

void task_cancel_sleep(void)
{
    atomic_store_release(&current_task()->state, TASK_RUNNING);
}

void task_sleep(void)
{
    struct task *t = current_task();
    uint32_t expected = TASK_PREPARED;

    lock_check_may_sleep();
    if (vcpus_cas(&t->state, &expected, (uint32_t)TASK_SLEEPING)) {
        t->computes = false;
        switch_away();
    }
}

static void sleep_timeout(struct timer *timer)
{
    struct task *t = container_of(timer, struct task, sleep_timer);

    t->timed_out = true;
    task_wake(t);
}

bool task_sleep_until(uint64_t deadline)
{
    struct task *t = current_task();

    t->timed_out = false;
    timer_arm(&t->sleep_timer, deadline);
    task_sleep();
    timer_cancel(&t->sleep_timer);
    return !t->timed_out;
}

bool task_wake(struct task *t)
{
    uint32_t state = atomic_load(&t->state);

    for (;;) {
        if (state != TASK_PREPARED && state != TASK_SLEEPING) {
            return false;
        }
        if (vcpus_cas(&t->state, &state, (uint32_t)TASK_RUNNING)) {
            break;
        }
    }
    if (state == TASK_SLEEPING) {
        while (unlikely(atomic_load_acquire(&t->on_vcpu))) {
            cpu_relax();
        }
        queue_task(t);
    }
    return true;
}

void task_interrupt(struct task *t)
{
    vcpus_xchg(&t->interrupted, 1);
    if (!task_wake(t) && t != current_task() && atomic_load(&t->on_vcpu)) {
        target_vcpu_kick(atomic_load_relaxed(&t->vcpu));
    }
}

/* ---- a task's life ---- */

/* The first function on a new kernel stack; the caller's fn and argument lie
 * at its top. */
struct first_call {
    void (*fn)(void *);
    void *arg;
};

static void task_begin(void *arg)
{
    struct first_call call = *(struct first_call *)arg;

    finish_switch();
    call.fn(call.arg);
    task_exit();
}

void task_init(struct task *t, void *stack, const char *name,
               void (*fn)(void *), void *arg)
{
    uint64_t top = (uint64_t)stack + KSTACK_SIZE;
    struct first_call *call =
        (struct first_call *)(top - REGS_SIZE - sizeof(*call));

    t->kstack_top = top;
    t->name = name;
    t->state = TASK_SLEEPING;
    t->affinity = vcpu_total < 64 ? (1ull << vcpu_total) - 1 : ~0ull;
    t->account_mark = clock_tsc();
    list_init(&t->run_node);
    list_init(&t->lock_node);
    fpu_prepare(&t->fpu);
    timer_init(&t->sleep_timer, sleep_timeout);
    call->fn = fn;
    call->arg = arg;
    t->ksp = arch_stack_init((uint64_t)call & ~15ull, task_begin, call);
    spin_lock(&all_lock);
    list_add_tail(&all_tasks, &t->all_node);
    spin_unlock(&all_lock);
}

void task_start(struct task *t)
{
    bool woken = task_wake(t);

    check(woken);
}

void task_exit(void)
{
    lock_check_may_sleep();
    atomic_store(&current_task()->state, TASK_DEAD);
    this_runqueue()->after |= AFTER_DEATH;
    switch_away();
    panic("a dead task runs");
}

void task_set_affinity(struct task *t, uint64_t mask)
{
    t->affinity = mask;
    /* A vCPU picks and installs a task under its run queue's lock: it has done
     * so by now, and is told, or sees the mask then (finish_switch). */
    for (unsigned id = 0; id < vcpu_total; id++) {
        spin_lock(&runqueues[id].lock);
        spin_unlock(&runqueues[id].lock);
    }
    if (!allowed_on(t, t->vcpu) && atomic_load(&t->on_vcpu)) {
        if (t == current_task()) {
            this_vcpu()->resched = 1;
        } else {
            target_vcpu_kick(t->vcpu);
        }
    }
}

void task_times(struct task *t, uint64_t *user_ns, uint64_t *kernel_ns)
{
    uint64_t cycles = t->cycles;

    if (atomic_load(&t->on_vcpu)) {
        cycles += clock_tsc() - t->account_mark;
    }
    *user_ns = sched_cycles_to_ns(cycles);
    *kernel_ns = 0;
}

/* ---- boot ---- */

void sched_init(unsigned vcpu_count)
{
    sched_tick_init();
    vcpu_total = vcpu_count;
    one_vcpu = vcpu_count == 1;
    this_vcpu()->alone = one_vcpu;
    for (unsigned i = 0; i < vcpu_count; i++) {
        struct runqueue *rq = &runqueues[i];

        spin_init(&rq->lock, LOCK_RUNQUEUE);
        list_init(&rq->queue);
        rq->idle.name = "idle";
        rq->idle.computes = true;
        rq->idle.state = TASK_RUNNING;
        rq->idle.vcpu = i;
        rq->idle.affinity = 1ull << i;
    }
}

void sched_limit_vcpus(unsigned count)
{
    vcpu_total = count;
    one_vcpu = count == 1;
    this_vcpu()->alone = one_vcpu;
}

void sched_vcpu_init(unsigned id)
{
    struct task *idle = &runqueues[id].idle;
    struct vcpu *v = this_vcpu();

    idle->on_vcpu = 1;
    idle->account_mark = clock_tsc();
    v->rq = &runqueues[id];
    v->task = idle;
    v->fpu = &idle->fpu;
    v->fpu_saved = &idle->fpu_saved;
}
