/* SPDX-License-Identifier: MIT
 *
 * The kernel's timers: one tree by deadline for all vCPUs. Who
 * runs the scheduler fires what is due; the target's tick makes sure that
 * somebody does (tick.c).
 */
#include "kernel/core/timer.h"
#include "kernel/core/lock.h"
#include "kernel/core/sched.h"
#include "kernel/kernel.h"
#include "target/target.h"

static struct spinlock timer_lock = SPINLOCK_INIT(LOCK_TIMER);
static struct rb_tree timers;         /* under timer_lock */
uint64_t timer_earliest = UINT64_MAX; /* its first deadline; read bare */
/* The timer whose callback runs on a vCPU, for timer_cancel(). */
static struct timer *firing[VCPU_MAX];

static struct timer *to_timer(struct rb_node *n)
{
    return rb_entry(n, struct timer, node);
}

static int by_deadline(const struct rb_node *a, const struct rb_node *b)
{
    uint64_t x = rb_entry(a, struct timer, node)->deadline;
    uint64_t y = rb_entry(b, struct timer, node)->deadline;

    return x < y ? -1 : x > y;
}

static void update_earliest(void)
{
    struct rb_node *first = rb_first(&timers);

    atomic_store_relaxed(&timer_earliest,
                         first ? to_timer(first)->deadline : UINT64_MAX);
}

void timer_init(struct timer *t, void (*fire)(struct timer *))
{
    t->fire = fire;
    t->armed = false;
}

void timer_arm(struct timer *t, uint64_t deadline)
{
    spin_lock(&timer_lock);
    if (t->armed) {
        rb_erase(&timers, &t->node);
    }
    t->deadline = deadline;
    t->armed = true;
    rb_insert(&timers, &t->node, by_deadline);
    update_earliest();
    spin_unlock(&timer_lock);
    sched_timer_changed(deadline);
}

static bool is_firing(const struct timer *t)
{
    for (unsigned i = 0; i < sched_vcpu_count(); i++) {
        if (firing[i] == t && i != this_vcpu()->id) {
            return true;
        }
    }
    return false;
}

bool timer_cancel(struct timer *t)
{
    bool was;

    for (;;) {
        spin_lock(&timer_lock);
        was = t->armed;
        if (was) {
            rb_erase(&timers, &t->node);
            t->armed = false;
            update_earliest();
        }
        if (!is_firing(t)) {
            break;
        }
        spin_unlock(&timer_lock);
        cpu_relax();
    }
    spin_unlock(&timer_lock);
    return was;
}

/* Takes the first timer that is due, or NULL. */
static struct timer *take_due(uint64_t now)
{
    struct timer *t = NULL;
    struct rb_node *first;

    spin_lock(&timer_lock);
    first = rb_first(&timers);
    if (first && to_timer(first)->deadline <= now) {
        t = to_timer(first);
        rb_erase(&timers, first);
        t->armed = false;
        update_earliest();
    }
    firing[this_vcpu()->id] = t;
    spin_unlock(&timer_lock);
    return t;
}

uint64_t timer_run(void)
{
    struct timer *t;
    uint64_t now;

    if (timer_next() == UINT64_MAX || timer_next() > (now = clock_now())) {
        return timer_next();
    }
    while ((t = take_due(now))) {
        t->fire(t);
    }
    return timer_next();
}
