/* SPDX-License-Identifier: MIT
 *
 * When which member of a family is resident. A task of the kernel does all
 * exchanges; it is woken when somebody waits for a closed gate, and when a
 * task of a contended family has left its CPU. Who wakes a relative mostly
 * sleeps at once: then it is woken by that alone, or by the end of the turn.
 *
 * The resident member stays until none of its tasks can run, or its time is
 * up: as long as an exchange takes many times over (time_up). When its tasks
 * sleep while programs run that wait for nobody, it stays as long again as an
 * exchange takes: they may be about to wake it, as a client does that sends one
 * request after the other. A client outside does so by the host: as long as
 * that is seldom in vain. Who has waited longest comes next, but who is to end
 * at once, and who starts as a program: its parent mostly asks for its end.
 * Members that sleep cost nothing.
 */
#include "kernel/mm/family/families.h"
#include "kernel/core/log.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "lib/atomic.h"

/* A turn is to last WANTED times as long as the exchange that began it, but
 * not longer than MOST; only below that many times, it is longer. */
enum {
    LEAST = 1000000, /* ns */
    MOST = 20 * 1000000,
    RETRY = 10 * 1000000,
    WANTED = 20,
    TOLERATED = 2,
    /* The same while somebody waits who slept before, and so is likely to sleep
     * soon again. */
    LEAST_WOKEN = 200000,
    WANTED_WOKEN = 8,
    LINGER_LEAST = 20000,
    LINGER_MOST = 500000,
    TRIES = 4, /* in vain, in a row; then that many turns without one */
    HOPELESS = 64,
    HOPELESS_MOST = 1024,
    WORTH_A_LINE = 10, /* percent */
};

static struct spinlock list_lock = SPINLOCK_INIT(LOCK_FAMILIES);
static struct list families = LIST_INIT(families); /* list_lock */
static uint32_t events;                            /* atomic */
static struct task task;

static void event(void)
{
    atomic_store(&events, 1);
    task_wake(&task);
}

static void turn_ends(struct timer *turn)
{
    event();
}

void families_prepare(struct family *f)
{
    list_init(&f->node);
    timer_init(&f->turn, turn_ends);
}

void families_watch(struct family *f)
{
    spin_lock(&list_lock);
    if (list_empty(&f->node)) {
        list_add_tail(&families, &f->node);
    }
    spin_unlock(&list_lock);
}

void families_forget(struct family *f)
{
    spin_lock(&list_lock);
    list_del(&f->node);
    spin_unlock(&list_lock);
    timer_cancel(&f->turn);
}

/* ---- one look ---- */

/* A member that waits, or NULL; *resident gets a reference, or NULL. */
static struct mm *find_waiting(struct family *f, struct mm **resident)
{
    struct mm *found = NULL;
    unsigned most = 0;

    spin_lock(&f->lock);
    *resident = f->resident;
    list_for_each (pos, &f->members) {
        struct mm *mm = list_entry(pos, struct mm, family_node);
        unsigned weight =
            1 + mm->stranger + 2 * (atomic_load_relaxed(&mm->gate.urgent) != 0);
        if (mm != f->resident && weight > most &&
            sched_gate_waited(&mm->gate)) {
            found = mm;
            most = weight;
        }
    }
    if (f->resident) {
        mm_get(f->resident);
    }
    spin_unlock(&f->lock);
    return found;
}

/* Whoever waits keeps its family in place: it cannot end before that member
 * has been let in, which only happens here. */
static struct family *find_family(unsigned skip)
{
    struct family *found = NULL;

    spin_lock(&list_lock);
    list_for_each (pos, &families) {
        struct family *f = list_entry(pos, struct family, node);
        struct mm *resident;
        if (f->count > 1 || f->ghost) {
            found = find_waiting(f, &resident) ? f : NULL;
            mm_put(resident);
        }
        if (found && skip-- == 0) {
            break;
        }
        found = NULL;
    }
    spin_unlock(&list_lock);
    return found;
}

/* When the resident member has to go, though it still runs. woken: for one that
 * does not compute. */
static uint64_t time_up(const struct family *f, bool woken)
{
    uint64_t turn =
        MIN(f->swap_ns * (woken ? WANTED_WOKEN : WANTED), (uint64_t)MOST);

    turn = MAX(turn, f->swap_ns * TOLERATED);
    return f->since + MAX(turn, (uint64_t)(woken ? LEAST_WOKEN : LEAST));
}

/* ---- wake-ups among relatives ---- */

static bool blocks(const struct task *t)
{
    const struct mm *mm = current_task()->mm;

    return mm && t->mm && mm != t->mm && mm->family == t->mm->family &&
           current_task()->gate == &mm->gate &&
           !atomic_load_relaxed(&t->gate->urgent);
}

/* The current task is resident as long as it runs, and not alone there. */
static void expect(void)
{
    struct mm *mm = current_task()->mm;

    atomic_store_relaxed(&mm->gate.contended, 1);
    vcpus_fence(); /* if it has fired, it sees who waits now */
    if (!atomic_load_relaxed(&mm->family->turn.armed)) {
        timer_arm(&mm->family->turn, time_up(mm->family, true));
    }
}

/* ---- exchanges ---- */

/* The operator hears once what a family's turns cost. */
static void weigh(struct family *f)
{
    uint64_t time = f->since - f->weighed_at;
    unsigned percent;

    f->lost_ns += f->swap_ns;
    f->swaps++;
    if (time < NSEC_PER_SEC) {
        return;
    }
    percent = (unsigned)(f->lost_ns * 100 / time);
    if (f->weighed_at && !f->told && percent >= WORTH_A_LINE) {
        f->told = true;
        log_warn("%u processes that share addresses since a fork lose %u%% of "
                 "their time in swaps, of %lu us each",
                 f->count, percent, f->lost_ns / f->swaps / 1000);
    } else {
        log_info("swaps of processes that share addresses: %u%% of the time, "
                 "%lu us each",
                 percent, f->lost_ns / f->swaps / 1000);
    }
    f->weighed_at = f->since;
    f->lost_ns = f->swaps = 0;
}

/* -ENOMEM: later, perhaps. */
static int let_in(struct family *f, struct mm *in, struct mm *out)
{
    int err;

    if (out && f->resident != out) { /* it has left meanwhile */
        sched_gate_open(&out->gate);
    }
    err = family_exchange(f, in);
    if (err) {
        log_warn("no memory to exchange two processes: they take turns later");
        if (f->resident) {
            sched_gate_open(&f->resident->gate);
        }
        return err;
    }
    if (out) {
        weigh(f);
        atomic_store(&out->gate.contended, 0);
    }
    spin_lock(&f->lock);
    list_del(&in->family_node);
    list_add_tail(&f->members, &in->family_node);
    spin_unlock(&f->lock);
    atomic_store(&in->gate.urgent, 0);
    in->lingers_since = 0;
    sched_gate_open(&in->gate);
    return 0;
}

/* Nobody inside runs who might wake `out`, but the host might, with what a
 * client outside sends next. Waiting for that has mostly not been in vain. */
static bool may_hear_from_host(struct mm *out)
{
    if (!atomic_load_relaxed(&sched_io_inflight)) {
        return false;
    }
    if (out->hopeless) {
        out->hopeless--;
        return false;
    }
    out->lingers_since = atomic_load_relaxed(&out->gate.left_at);
    return true;
}

/* What became of that: `out` has been woken, or its time is over. */
static void judge_hope(struct mm *out, bool over)
{
    bool woken = atomic_load_relaxed(&out->gate.left_at) != out->lingers_since;

    if (!out->lingers_since || (!over && !woken)) {
        return;
    }
    out->lingers_since = 0;
    if (woken) {
        out->in_vain = 0;
    } else if (++out->in_vain >= TRIES) {
        out->hopeless =
            MIN(out->in_vain / TRIES * HOPELESS, (unsigned)HOPELESS_MOST);
    }
}

/* `out` may stay: until when, 0: it need not. */
static uint64_t may_stay(struct family *f, struct mm *in, struct mm *out,
                         bool *lingers)
{
    uint64_t now = clock_now(), left, most;
    uint64_t until = time_up(f, sched_gate_woken(&in->gate));

    if (until <= now || atomic_load_relaxed(&in->gate.urgent)) {
        return 0;
    }
    if (sched_gate_busy(&out->gate)) {
        return until;
    }
    left = sched_gate_left(&out->gate);
    most = MIN(MAX(f->swap_ns, (uint64_t)LINGER_LEAST), (uint64_t)LINGER_MOST);
    judge_hope(out, left >= most);
    if (left >= most || !(sched_others_run() || may_hear_from_host(out))) {
        return 0;
    }
    *lingers = true;
    return MIN(until, now + (most - left));
}

void mm_hurry(struct mm *mm)
{
    if (mm && atomic_load_relaxed(&mm->gate.closed)) {
        atomic_store(&mm->gate.urgent, 1);
        event();
    }
}

/* Returns when to look again: 0: not before the next event; 1: at once, at
 * all. */
static uint64_t look_after(struct family *f, bool *lingers)
{
    struct mm *out, *in = find_waiting(f, &out);
    uint64_t until = 0;

    if (in && out) {
        atomic_store(&out->gate.contended, 1);
        until = may_stay(f, in, out, lingers);
    }
    if (in && !until) {
        /* If it cannot be closed, a fork closes it and tells us. */
        if (!out || sched_gate_close(&out->gate)) {
            if (out) {
                sched_gate_drain(&out->gate);
            }
            until = let_in(f, in, out) ? clock_now() + RETRY : 1;
        }
    }
    mm_put(out);
    return until;
}

static uint64_t look_after_all(void)
{
    uint64_t first = 0, until;
    bool lingers = false;
    struct family *f;

    sched_gate_linger(true); /* nothing is missed from the first look on */
    for (unsigned i = 0; (f = find_family(i)) != NULL; i++) {
        until = look_after(f, &lingers);
        if (until == 1) {
            i = ~0u;
            first = 0;
            lingers = false;
        } else if (until && (!first || until < first)) {
            first = until;
        }
    }
    sched_gate_linger(lingers);
    return first;
}

static void run(void *arg)
{
    for (;;) {
        uint64_t until = look_after_all();

        task_prepare_sleep();
        if (atomic_xchg(&events, 0)) {
            task_cancel_sleep();
        } else if (until) {
            task_sleep_until(until);
        } else {
            task_sleep();
        }
    }
}

int families_start(void)
{
    void *stack = kstack_alloc();

    if (!stack) {
        return -ENOMEM;
    }
    task_init(&task, stack, "families", run, NULL);
    task.priority = TASK_PRIORITY_KERNEL;
    sched_gate_event = event;
    sched_gate_blocks = blocks;
    sched_gate_expect = expect;
    task_start(&task);
    return 0;
}
