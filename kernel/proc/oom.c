/* SPDX-License-Identifier: MIT
 *
 * See oom.h. One victim at a time: until its memory is gone, or that takes too
 * long, everybody who lacks a page waits for it.
 */
#include "kernel/proc/oom.h"
#include "kernel/mm/limit.h"
#include "kernel/core/log.h"
#include "kernel/core/timer.h"
#include "kernel/proc/proc.h"
#include "kernel/signal/signal.h"
#include "abi/linux/signal.h"
#include "lib/atomic.h"

/* How long a victim's memory is waited for, and between two looks. */
enum { WAIT_NS = 2000000000, LOOK_NS = 2000000 };
enum {
    SOME = 256
}; /* pages: memory of who has ended comes back a little later */
enum { NEVER = -1000, PARTS = 1000 }; /* of oom_score_adj */

struct choice {
    struct proc *most;
    int64_t score;
    bool dying; /* somebody ends, whose memory is not all back yet */
};

static void weigh(struct proc *p, void *arg)
{
    struct choice *c = arg;
    int64_t score;

    if (p->oom_victim || atomic_load_relaxed(&p->signals.group_exit)) {
        /* Once is enough: what it waits for may be us. */
        c->dying |= !p->zombie;
        return;
    }
    if (!p->mm || p->oom_score_adj == NEVER) {
        return;
    }
    score = (int64_t)mm_counted_pages(p->mm) +
            p->oom_score_adj * (int64_t)(limit_ceiling() / PARTS);
    if (!c->most || score > c->score ||
        (score == c->score && p == current_proc())) {
        c->most = p;
        c->score = score;
    }
}

/* All that have this memory: one alone would give nothing back. */
static void end(struct proc *p, void *mm)
{
    static const struct k_siginfo kill = {.signo = SIGKILL, .code = SI_KERNEL};

    if (p->mm == mm) {
        p->oom_victim = true;
        signal_send_proc_locked(p, &kill);
    }
}

/* again: the last one had its time. Whether it is us. */
static bool choose(bool again)
{
    struct choice c = {.most = NULL};
    bool wanted, ours;

    spin_lock(&proc_lock);
    proc_for_each_locked(weigh, &c);
    wanted = !c.dying || again;
    ours = wanted && (!c.most || c.most == current_proc());
    if (wanted && !ours) {
        log_error(
            "process %d (%s) is killed: it has most of the memory, and "
            "there is none for process %d (%s); --memory raises the limit",
            c.most->pid, c.most->comm, current_proc()->pid,
            current_proc()->comm);
        proc_for_each_locked(end, c.most->mm);
    }
    spin_unlock(&proc_lock);
    return ours;
}

static bool is_dying(void)
{
    struct choice c = {.most = NULL};

    proc_for_each(weigh, &c);
    return c.dying;
}

bool oom_spares_us(void)
{
    static uint32_t waited; /* for nothing; atomic */
    uint64_t deadline = clock_now() + WAIT_NS;

    if (!limit_is_set() || mm_is_lost(current_proc()->mm) ||
        task_is_killed(current_task()) || choose(atomic_xchg(&waited, 0))) {
        return false;
    }
    while ((is_dying() || !limit_lets_in(SOME)) &&
           !task_is_killed(current_task())) {
        if (clock_now() >= deadline) {
            atomic_store(&waited, 1);
            break;
        }
        task_prepare_sleep();
        task_sleep_until(clock_now() + LOOK_NS);
    }
    return !task_is_killed(current_task()); /* nobody else would get the CPU */
}
