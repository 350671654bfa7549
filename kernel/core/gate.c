/* SPDX-License-Identifier: MIT
 *
 * Gates: an address space that shares its addresses with another one can only
 * be used while its pages are there (mm/family/family.c). Its tasks pass a gate
 * whenever a vCPU picks them up; closed, it keeps them on a list of its own.
 *
 * Who closes a gate then waits for the vCPUs (sched_gate_drain). No task of
 * it slips through: a vCPU picks and installs a task under its run queue's
 * lock, and we look at what it runs under the same lock, after closing.
 * A vCPU that runs leaves within microseconds; one that does not is waiting for
 * a CPU of the host, perhaps for the very one that waits for it here.
 */
#include "kernel/core/runqueue.h"
#include "kernel/core/stats.h"
#include "target/target.h"

enum { KICK_NS = 1000000, SPINS = 100, PATIENCE_NS = 30000, NAP_NS = 100000 };

static void no_event(void)
{
}

static bool blocks_nobody(const struct task *t)
{
    return false;
}

void (*sched_gate_event)(void) = no_event;
bool (*sched_gate_blocks)(const struct task *t) = blocks_nobody;
void (*sched_gate_expect)(void) = no_event;

uint32_t gate_lingers;

void sched_gate_init(struct sched_gate *g)
{
    g->closed = g->contended = g->urgent = 0;
    g->left_at = clock_tsc();
    g->rights = 0;
    spin_init(&g->lock, LOCK_GATE);
    list_init(&g->parked);
}

bool gate_park(struct task *t)
{
    struct sched_gate *g = t->gate;
    bool closed;

    spin_lock(&g->lock);
    closed = atomic_load(&g->closed);
    if (closed) {
        list_add_tail(&g->parked, &t->run_node);
    }
    spin_unlock(&g->lock);
    return closed;
}

bool sched_gate_close(struct sched_gate *g)
{
    uint32_t open = 0;

    return atomic_cas(&g->closed, &open, 1);
}

void sched_gate_open(struct sched_gate *g)
{
    struct list tasks, *pos;

    list_init(&tasks);
    atomic_store_relaxed(&g->left_at, clock_tsc());
    spin_lock(&g->lock);
    atomic_store(&g->closed, 0);
    list_splice_tail(&tasks, &g->parked);
    spin_unlock(&g->lock);
    while ((pos = list_pop(&tasks)) != NULL) {
        runqueue_add(list_entry(pos, struct task, run_node));
    }
}

static bool runs(unsigned id, const struct sched_gate *g)
{
    struct runqueue *rq = &runqueues[id];
    bool yes;

    spin_lock(&rq->lock);
    yes = vcpu_by_id(id)->task && vcpu_by_id(id)->task->gate == g;
    spin_unlock(&rq->lock);
    return yes;
}

static void wait_until_left(unsigned id, const struct sched_gate *g)
{
    uint64_t start = clock_now(), kick_at = start, now;

    while (runs(id, g)) {
        now = clock_now();
        if (now >= kick_at) {
            target_vcpu_kick(id);
            kick_at = now + KICK_NS;
        }
        runqueue_pass(this_runqueue());
        if (now - start >= PATIENCE_NS) {
            target_vcpu_wait(now + NAP_NS);
            this_vcpu()->resched = 1; /* it may have been kicked */
        }
        for (int i = 0; i < SPINS; i++) {
            cpu_relax();
        }
    }
}

void sched_gate_drain(struct sched_gate *g)
{
    atomic_fence();
    for (unsigned id = 0; id < sched_vcpu_count(); id++) {
        if (id != this_vcpu()->id) {
            wait_until_left(id, g);
        }
    }
}

bool sched_gate_waited(struct sched_gate *g)
{
    bool yes;

    spin_lock(&g->lock);
    yes = !list_empty(&g->parked);
    spin_unlock(&g->lock);
    return yes;
}

bool sched_gate_woken(struct sched_gate *g)
{
    bool yes = false;

    spin_lock(&g->lock);
    list_for_each (pos, &g->parked) {
        yes |= !list_entry(pos, struct task, run_node)->computes;
    }
    spin_unlock(&g->lock);
    return yes;
}

struct search {
    const struct sched_gate *gate;
    bool found;
};

static void look_at(struct task *t, void *arg)
{
    struct search *s = arg;

    if (t->gate == s->gate) {
        uint32_t state = atomic_load(&t->state);
        s->found |= state == TASK_RUNNING || state == TASK_PREPARED;
    }
}

bool sched_gate_busy(struct sched_gate *g)
{
    struct search s = {g, false};

    sched_for_each_task(look_at, &s);
    return s.found;
}

/* ---- who else runs ---- */

uint64_t sched_gate_left(struct sched_gate *g)
{
    uint64_t now = clock_tsc(), at = atomic_load_relaxed(&g->left_at);

    return now > at ? sched_cycles_to_ns(now - at) : 0;
}

void sched_gate_linger(bool on)
{
    atomic_store(&gate_lingers, on);
}

/* Who is queued runs soon, or is put aside. */
static bool has_others(unsigned id)
{
    struct runqueue *rq = &runqueues[id];
    bool yes;

    spin_lock(&rq->lock);
    yes =
        rq->count > 0 || (vcpu_by_id(id)->task && vcpu_by_id(id)->task->thread);
    spin_unlock(&rq->lock);
    return yes;
}

bool sched_others_run(void)
{
    for (unsigned id = 0; id < sched_vcpu_count(); id++) {
        if (has_others(id)) {
            return true;
        }
    }
    return false;
}

void sched_gate_enter(struct sched_gate *g)
{
    struct task *t = current_task();

    t->gate = g;
    sched_refresh_rights();
    atomic_fence();
    while (gate_closed(t)) {
        task_yield();
    }
}

void sched_refresh_rights(void)
{
    runqueue_use_rights(this_vcpu(), current_task());
}

void sched_gate_set_rights(struct sched_gate *g, vcpu_rights rights)
{
    atomic_store_relaxed(&g->rights, rights);
    sched_refresh_rights();
}
