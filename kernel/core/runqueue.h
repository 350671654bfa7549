/* SPDX-License-Identifier: MIT
 *
 * What sched.c (tasks and switching), tick.c (when a vCPU wants a tick) and
 * idle.c (what it does between tasks) share. Nobody else includes it.
 */
#ifndef KERNEL_CORE_RUNQUEUE_H
#define KERNEL_CORE_RUNQUEUE_H

#include "kernel/core/sched.h"
#include "kernel/kernel.h"

/* TSC cycles that may pass before a tick comes, as of the last look. */
struct patience {
    uint64_t task; /* while one waits in the queue */
    uint64_t io;   /* while the host has operations, */
    uint64_t busy; /* and while who runs computes */
};

struct runqueue {
    struct spinlock lock; /* guards the queue; held across a switch, so that
                             nobody steals a task whose stack is in use */
    struct list queue;    /* runnable tasks, task.run_node */
    uint32_t count;       /* of them; read without the lock */
    struct task *prev;    /* whom the switch in progress leaves */
    uint32_t after;       /* what it has to do behind it: AFTER_* */
    bool urgent;          /* the first of the queue should run now */
    bool called;          /* it was, to help; atomic */
    uint64_t tick;        /* when the armed tick comes, or came; ns */
    uint64_t tick_tsc;    /* until then it has not come; 0: none is armed */
    struct patience patience[2]; /* [1]: while a vCPU is idle */
    uint64_t passed; /* TSC cycles of those that sleep, since one that computes
                        has run */
    uint64_t switches; /* how many there were, also when it was armed last */
    uint64_t switches_armed;
    unsigned calm;    /* tick.c: slice() */
    uint64_t io_came; /* when a busy vCPU last found something completed */
    unsigned spins_missed, spins_skipped; /* idle.c, may_spin() */
    unsigned yields_missed; /* task_yield_to_all() for nobody, in a row */
    uint64_t passes;        /* times it was in the scheduler; atomic */
    struct task idle;       /* the vCPU's own context */
};

enum {
    AFTER_DEATH = 1, /* prev is to be freed */
    AFTER_MOVE = 2,  /* prev runs on, but elsewhere or later */
    AFTER_PARK = 4,  /* a task was put aside, or left; gate.c is to tell */
};

extern struct runqueue runqueues[VCPU_MAX];
extern uint64_t idle_vcpus; /* bit a vCPU that waits in the target; atomic */

static inline struct runqueue *this_runqueue(void)
{
    return this_vcpu()->rq;
}

/* For sched_barrier(): this vCPU is in the scheduler. What a barrier is for was
 * stored before it read the count: only who looks behind its own count has
 * surely seen it. */
static inline void runqueue_pass(struct runqueue *rq)
{
    atomic_fetch_add(&rq->passes, 1);
    this_vcpu()->pid = atomic_load_relaxed(&current_task()->pid);
}

/* Whether the vCPU's tick is surely still to come, and by deadline (ns). One
 * that is due about now may have come already, unseen, in kernel code. */
static inline bool runqueue_tick_by(const struct runqueue *rq,
                                    uint64_t deadline, uint64_t tsc)
{
    return rq->tick <= deadline && tsc < rq->tick_tsc;
}

/* Whether a task that waits in the queue can rely on a tick that comes in
 * time to give it its turn, or to call an idle vCPU for it. */
static inline bool runqueue_covered(const struct runqueue *rq, uint64_t tsc)
{
    uint64_t most = rq->patience[atomic_load_relaxed(&idle_vcpus) != 0].task;

    return tsc < rq->tick_tsc && rq->tick_tsc - tsc <= most;
}

/* The vCPU's tick, if it is due, may have come unseen: it is no longer relied
 * on. Whether it was. */
bool runqueue_forget_tick(struct runqueue *rq);

/* What an idle vCPU found to do took so long: whether it was called for no
 * more than that (tick.c). */
void runqueue_learn_help(struct runqueue *rq, uint64_t ran_ns);

/* TSC cycles: how long those that sleep may run before those that compute. */
uint64_t runqueue_fair(void);

/* Next task for this vCPU, its lock held: the own queue's first, or one that
 * has waited elsewhere for at least min_age TSC cycles. NULL: none. */
struct task *runqueue_pick(struct runqueue *rq, uint64_t min_age);

/* Switches to next; rq is this vCPU's and locked; returns unlocked, perhaps
 * on another vCPU. */
void runqueue_switch(struct runqueue *rq, struct task *next);

/* Whether the vCPU's tick comes in time to look for completions. computes: so
 * does who runs. */
static inline bool runqueue_io_covered(const struct runqueue *rq, bool computes,
                                       uint64_t tsc)
{
    const struct patience *p =
        &rq->patience[atomic_load_relaxed(&idle_vcpus) != 0];
    uint64_t most = computes ? p->busy : p->io;

    return !atomic_load_relaxed(&sched_io_inflight) ||
           (tsc < rq->tick_tsc && rq->tick_tsc - tsc <= most);
}

/* alone.c. The vCPU sees whether it is the only one awake (one_vcpu); between
 * the load and the store of no lock. */
void alone_look(void);
/* It is not, or sleeps. */
void alone_end(void);
/* As target_vcpu_kick(), for vCPUs that may sleep. */
void alone_kick(unsigned id);
/* As target_vcpu_wait(), for a vCPU that is not alone; meanwhile another one
 * may be. */
void alone_sleep(uint64_t deadline);

extern uint32_t gate_lingers; /* sched_gate_linger(); atomic */

/* prev has left its CPU, idle: for nobody else. Whether that is an event for
 * who exchanges address spaces. */
static inline bool gate_left(const struct task *prev, bool idle, uint64_t tsc)
{
    struct sched_gate *g = prev->gate;

    if (unlikely(g && atomic_load_relaxed(&g->contended))) {
        atomic_store_relaxed(&g->left_at, tsc);
        return true;
    }
    return idle && prev->thread && atomic_load_relaxed(&gate_lingers);
}

/* gate.c: puts a runnable task aside when its gate is closed; true then. */
bool gate_park(struct task *t);

static inline bool gate_closed(const struct task *t)
{
    return t->gate && atomic_load_relaxed(&t->gate->closed);
}

/* The vCPU may touch what t may: tasks of the kernel all there is. Where
 * protection keys are not in use, nobody has rights but 0. */
static inline void runqueue_use_rights(struct vcpu *v, const struct task *t)
{
    vcpu_rights rights = t->gate ? atomic_load_relaxed(&t->gate->rights) : 0;

    if (v->rights != rights) {
        v->rights = rights;
        vcpu_write_pkru((uint32_t)(rights >> 32));
    }
}

/* Makes a runnable task wait for its turn. */
void runqueue_add(struct task *t);

/* Fires timers, collects completions, passes on signals. idle: nobody runs
 * here, so what was started goes to the host now. True: something had been
 * completed. */
bool sched_poll(bool idle);

#endif
