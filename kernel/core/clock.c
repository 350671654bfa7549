/* SPDX-License-Identifier: MIT
 *
 * The kernel's clock: a straight line over the TSC, which follows the target's.
 * Programs read the same line by themselves, from the vDSO's page, so the
 * kernel may not change its own at any moment: it turns when the page of the
 * program that runs is written (kernel/proc/exec/vdso.c), at one reading of the
 * TSC for both. A turn never steps: what the line is off the target's clock
 * goes away by running up to SLEW_MAX faster or slower.
 *
 * The line is a seqlock. Whoever turns it holds turn_lock and does nothing
 * that blocks or asks for the time until clock_turn_end().
 */
#include "kernel/core/lock.h"
#include "kernel/core/sched.h"
#include "kernel/core/timer.h"
#include "kernel/kernel.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

enum {
    LAST_CLOCK_STEP = 20000, /* ns */
    SLEW_MAX = 500000,       /* ns a second */
    STEP_FROM = 100000000,   /* ns: a machine that slept; then it is a step */
};

static struct spinlock turn_lock = SPINLOCK_INIT(LOCK_TIMER);
static struct {
    uint32_t seq;   /* odd: being written; 0: none yet */
    uint32_t turns; /* which line it is */
    struct target_clock now;
    uint64_t followed; /* base_tsc of the target's line that it follows */
} line;

/* In lines of their own: what all read lies beside. */
static struct {
    _Alignas(64) uint64_t ns;
} last_seen[VCPU_MAX], last_clock;
static int64_t realtime_offset;
static bool realtime_known;

uint64_t (*clock_tsc_source)(void);

void clock_set_tsc(uint64_t (*source)(void))
{
    clock_tsc_source = source;
}

static uint64_t line_at(const struct target_clock *c, uint64_t tsc)
{
    uint64_t delta = tsc - c->base_tsc;

    if ((int64_t)delta < 0) {
        delta = 0;
    }
    return c->base_ns +
           (uint64_t)((unsigned __int128)delta * c->mult >> c->shift);
}

/* False: there is no line, the target has to be asked. */
static bool read_line(uint64_t *ns)
{
    for (;;) {
        uint32_t seq = atomic_load_acquire(&line.seq);

        if (!seq || !line.now.mult) {
            return false;
        }
        if (!(seq & 1)) {
            *ns = line_at(&line.now, clock_tsc());
            __atomic_thread_fence(__ATOMIC_ACQUIRE);
            if (atomic_load_relaxed(&line.seq) == seq) {
                return true;
            }
        }
        __builtin_ia32_pause();
    }
}

uint64_t clock_now(void)
{
    uint64_t *seen = &last_seen[this_vcpu()->id].ns;
    uint64_t last = atomic_load_relaxed(&last_clock.ns), now;

    if (!read_line(&now)) {
        now = target_clock();
    }
    /* A host clock that steps back stands still instead: exactly on one
     * vCPU, to LAST_CLOCK_STEP between two, for a word that all of them
     * write each time would cost more than the clock. */
    now = MAX(now, MAX(last, *seen));
    *seen = now;
    if (now - last > LAST_CLOCK_STEP) {
        atomic_store_relaxed(&last_clock.ns, now);
    }
    return now;
}

uint32_t clock_tsc_khz(void)
{
    struct target_clock c;

    target_clock_info(&c);
    return c.mult ? (uint32_t)(((uint64_t)NSEC_PER_MSEC << c.shift) / c.mult)
                  : 0;
}

int64_t clock_realtime_offset(void)
{
    if (!realtime_known) {
        struct target_clock info;

        target_clock_info(&info);
        realtime_offset = info.realtime_offset;
        realtime_known = true;
    }
    return realtime_offset;
}

int64_t clock_realtime(void)
{
    return (int64_t)clock_now() + clock_realtime_offset();
}

void clock_set_realtime(int64_t ns)
{
    int64_t now = (int64_t)clock_now();

    spin_lock(&turn_lock);
    realtime_offset = ns - now;
    realtime_known = true;
    atomic_store_release(&line.turns, line.turns + 1); /* all hear of it */
    spin_unlock(&turn_lock);
}

/* ---- turning ---- */

uint32_t clock_turns(void)
{
    return atomic_load_acquire(&line.turns);
}

bool clock_is_behind(void)
{
    struct target_clock c;

    target_clock_info(&c);
    return c.base_tsc != atomic_load_relaxed(&line.followed);
}

/* The line that goes on from ours at tsc and comes to theirs. */
static void bend(struct target_clock *c, const struct target_clock *theirs,
                 uint64_t tsc)
{
    uint64_t ours_ns = line_at(c, tsc);
    int64_t error = (int64_t)(line_at(theirs, tsc) - ours_ns);

    *c = *theirs;
    c->base_tsc = tsc;
    c->base_ns = ours_ns + (error > STEP_FROM ? (uint64_t)error : 0);
    error = MAX(MIN(error, (int64_t)SLEW_MAX), -(int64_t)SLEW_MAX);
    error = error * (int64_t)c->mult / (int64_t)NSEC_PER_SEC;
    c->mult = (uint32_t)MIN((int64_t)c->mult + error, (int64_t)UINT32_MAX);
}

uint32_t clock_turn_begin(struct target_clock *out)
{
    struct target_clock theirs;

    spin_lock(&turn_lock);
    target_clock_info(&theirs);
    if (theirs.base_tsc != line.followed || !line.seq) {
        atomic_store(&line.seq, line.seq | 1);
        if (line.turns && line.now.mult && theirs.mult) {
            bend(&line.now, &theirs, clock_tsc());
        } else {
            line.now = theirs;
        }
        atomic_store_relaxed(&line.followed, theirs.base_tsc);
        atomic_store_release(&line.turns, line.turns + 1);
    } else {
        atomic_store(&line.seq, line.seq | 1);
    }
    *out = line.now;
    return line.turns;
}

void clock_turn_end(void)
{
    atomic_store_release(&line.seq, line.seq + 1);
    spin_unlock(&turn_lock);
}
