/* SPDX-License-Identifier: MIT
 *
 * Tasks and the scheduler: M tasks on N vCPUs, a run queue a vCPU, stealing
 * when one runs dry. Kernel code is never preempted; user code is, by the
 * target's tick, when somebody else can run or a timer is due.
 *
 * A task is one kernel stack and a saved context. Tasks with a thread (proc/)
 * run user code; those without are the kernel's own.
 *
 * Lifetime: task_init() fills memory that the caller owns, kernel stack
 * included; the last act of a task is task_exit(), after which `dead` is
 * called on another stack and may free both.
 */
#ifndef KERNEL_CORE_SCHED_H
#define KERNEL_CORE_SCHED_H

#include "lib/types.h"
#include "lib/list.h"
#include "arch/x86_64/arch.h"
#include "kernel/core/lock.h"
#include "kernel/core/timer.h"

struct thread; /* kernel/proc/proc.h */
struct mm;     /* kernel/mm/mm.h */

/* What tasks of one address space pass before they run: while it is closed,
 * the scheduler keeps them apart instead (gate.c). */
struct sched_gate {
    uint32_t closed;      /* atomic */
    uint32_t contended;   /* somebody waits for it to close; atomic */
    uint32_t urgent;      /* somebody who waits for it ends; atomic */
    uint64_t left_at;     /* TSC when a task left its CPU, while contended, or
                             when it was opened; atomic */
    struct spinlock lock; /* LOCK_GATE; guards parked */
    struct list parked;   /* runnable tasks, task.run_node */
    vcpu_rights rights;   /* what they may touch; atomic */
};

enum task_state {
    TASK_RUNNING,  /* on a vCPU or on a run queue */
    TASK_PREPARED, /* about to sleep; a wake-up makes it RUNNING again */
    TASK_SLEEPING,
    TASK_DEAD,
};

/* Above any that a program's task has. */
enum { TASK_PRIORITY_KERNEL = 255 };

/* What a task read and wrote: bytes, and calls or parts of them (proc(5)). */
struct io_counts {
    uint64_t bytes_read, bytes_written, reads, writes;
};

static inline void io_counts_add(struct io_counts *sum,
                                 const struct io_counts *more)
{
    sum->bytes_read += more->bytes_read;
    sum->bytes_written += more->bytes_written;
    sum->reads += more->reads;
    sum->writes += more->writes;
}

struct task {
    uint64_t ksp; /* RSP while switched away */
    uint64_t kstack_top;
    uint64_t fs_base;     /* while switched away */
    uint32_t fpu_saved;   /* fpu holds the vector state; the registers do not */
    uint32_t state;       /* enum task_state, atomic */
    uint32_t interrupted; /* signal work is pending: ends WAIT_INTR waits and
                             sends the task through signal delivery on its
                             way to user code. Set by task_interrupt(),
                             cleared by the signal room */
    uint32_t on_vcpu;     /* 1 while a vCPU runs on its stack, atomic */
    uint32_t vcpu;        /* where it runs or ran last */
    uint64_t affinity;    /* bit a vCPU */
    struct list run_node;
    struct list lock_node; /* in a mutex's waiters */
    struct timer sleep_timer;
    bool timed_out;
    bool computes; /* gave its vCPU to others, or had it for long, and has not
                      slept since */
    bool looked;   /* asked what is ready, since the last tick */
    uint64_t slice_end;
    uint64_t cycles; /* of CPU time, up to account_mark; TSC */
    uint64_t account_mark;
    uint64_t switches, preemptions;
    uint32_t yields; /* by its program */
    struct io_counts io;
    struct list all_node;  /* every task, for the state dump */
    const char *name;      /* for the dump; borrowed */
    struct thread *thread; /* NULL: a task of the kernel */
    struct mm *mm;
    struct sched_gate *gate; /* NULL: none */
    uint8_t priority; /* runs before those with less; 0: ordinary; atomic */
    uint32_t pid;     /* for struct vcpu */
    void (*dead)(struct task *t);
    uint64_t queued_at; /* TSC when it became runnable, for stealing */
    uint8_t mutexes_held[LOCK_CLASSES]; /* debug builds: lock_debug.c */
    struct fpu_area fpu;
};

_Static_assert(offsetof(struct task, fpu_saved) == 24, "entry.S");
_Static_assert(offsetof(struct task, interrupted) == 32, "entry.S");

/* Prepares t to run fn(arg) on the kernel stack [stack, stack+KSTACK_SIZE).
 * It does not run before task_start(). */
void task_init(struct task *t, void *stack, const char *name,
               void (*fn)(void *), void *arg);
void task_start(struct task *t);

/* signal_kills() of a thread's task, for rooms below: some waits end with
 * nothing less. kernel/signal/deliver.c. */
bool task_is_killed(struct task *t);

/* Ends the current task. */
_Noreturn void task_exit(void);

/* Lets others run; returns when it is our turn again. For the kernel's own
 * loops, which may wait for what only a timer brings: whatever waits for this
 * vCPU besides tasks gets it, too. */
void task_yield(void);
/* Tasks alone: for who is about to return to user code (sched_check()). */
void task_give_way(void);
/* The same in sched_yield(2), by which programs wait. When there is nobody,
 * time and again, the host's other threads are let run: what the caller waits
 * for may be made on a vCPU that lacks a CPU. While a relative waits for the
 * caller's addresses, the caller also sleeps now and then, or it would seem
 * busy for its whole turn. */
void task_yield_to_all(void);

/* Sleeping, in three steps: from task_prepare_sleep() on, a task_wake() is
 * not lost; task_sleep() returns when one came; task_cancel_sleep() when there
 * is no need to sleep after all. wait.h is the usual way in. No lock that all
 * wakers take stands in for its fence: task_interrupt() takes none. */
void task_prepare_sleep(void);
void task_sleep(void);
/* False when the deadline (ns of clock_now()) passed first. */
bool task_sleep_until(uint64_t deadline);
void task_cancel_sleep(void);

/* Makes a sleeping (or about to sleep) task runnable. True when it slept. */
bool task_wake(struct task *t);

/* Marks signal work and wakes t from interruptible waits, or brings it out of
 * user code. */
void task_interrupt(struct task *t);

/* Restricts t to the vCPUs of mask; takes effect at its next switch. */
void task_set_affinity(struct task *t, uint64_t mask);

/* CPU time of a task so far, in ns. */
void task_times(struct task *t, uint64_t *user_ns, uint64_t *kernel_ns);

/* Before return to user code: yields if others wait. entry.S and trap paths
 * call it through user_return_work(). */
void sched_check(void);

/* Returns when every other vCPU has passed through the scheduler since, or
 * runs nothing: membarrier(2). May switch tasks. */
void sched_barrier(void);

/* ---- gates (gate.c) ---- */

void sched_gate_init(struct sched_gate *g);
/* False when it is closed already. */
bool sched_gate_close(struct sched_gate *g);
/* After closing: returns when no other vCPU runs a task of g. Spins. */
void sched_gate_drain(struct sched_gate *g);
/* Its tasks may run again. */
void sched_gate_open(struct sched_gate *g);
/* Whether tasks wait for a closed gate; whether a task of an open one can
 * run. */
bool sched_gate_waited(struct sched_gate *g);
/* Whether one of those that wait does not compute: something woke it. */
bool sched_gate_woken(struct sched_gate *g);
bool sched_gate_busy(struct sched_gate *g);
/* How long ago a task of g, which is contended, last left its CPU; ns. None has
 * since g was opened: at most how long ago that was. */
uint64_t sched_gate_left(struct sched_gate *g);
/* Whether programs run, or could, that wait for no gate. on: until the next
 * call, a vCPU that runs out of them is an event, too. */
bool sched_others_run(void);
void sched_gate_linger(bool on);
/* The current task belongs to g (NULL: to none) from now on, and waits until
 * it is open. */
void sched_gate_enter(struct sched_gate *g);
/* Its tasks have these rights from their next turn on, the current one, if it
 * is one of them, at once (mm/isolation.c). */
void sched_gate_set_rights(struct sched_gate *g, vcpu_rights rights);
/* The current task gets what its gate gives by now. */
void sched_refresh_rights(void);
/* Set by mm/: called when a task waits for a closed gate, or has left the CPU
 * while its gate was contended. Any context without a run queue's lock. */
extern void (*sched_gate_event)(void);
/* Set by mm/. Whether t, which does not run yet, waits for the current task to
 * leave its CPU; and, when t has been put aside, that this is to be an event,
 * as its turn's end is: for a wake-up that no other one is then made for. */
extern bool (*sched_gate_blocks)(const struct task *t);
extern void (*sched_gate_expect)(void);

/* What getpid(2) is for t, before it starts: entry.S may answer that. */
void sched_set_pid(struct task *t, int pid);
/* From now on every call comes in: at once on this vCPU, on the others when
 * they have passed through the scheduler (sched_barrier). */
void sched_watch_calls(void);

/* Number of vCPUs that run, and calls fn for each task (dump, procfs), with
 * the list locked. */
unsigned sched_vcpu_count(void);
/* From one task to another, on all vCPUs; a little stale while they run. */
uint64_t sched_switches(void);
void sched_for_each_task(void (*fn)(struct task *t, void *arg), void *arg);

/* Boot: makes the calling context the idle task of vCPU `id`. */
void sched_init(unsigned vcpu_count);
/* Boot, before there are tasks: no more than so many vCPUs could be started. */
void sched_limit_vcpus(unsigned count);
void sched_vcpu_init(unsigned id);
/* The idle loop; runs tasks, never returns. */
_Noreturn void sched_idle(void);

/* Durations of the TSC in ns; 0 where the clock does not come from it. */
uint64_t sched_cycles_to_ns(uint64_t cycles);
/* Boot: a tick takes an enclave's exit, so they come less often. */
extern bool sched_ticks_are_dear;
/* The current task asks what is ready, so it need not be interrupted for
 * that. */
void sched_looks(void);
/* tick.c: how fast clock_tsc() is, where target_clock_info() does not say; 0:
 * it does. Before the next. */
void sched_set_rate(uint64_t cycles_per_1024ns);
/* tick.c: reads the TSC's rate; at boot. */
void sched_tick_init(void);

/* timer.c: a timer was armed; makes sure that somebody wakes up for it. */
void sched_timer_changed(uint64_t deadline);

/* Start of the kernel's text, for dumps. */
const void *kernel_text_start(void);

/* Runs fn (until it returns false) when the host has sent a signal: boot.c
 * sets it. Called with no lock held, in any context. */
extern void (*sched_poll_signals)(void);

/* Host I/O completions are polled here by the scheduler (hostio.c sets it). */
extern bool (*sched_poll_io)(bool hand_over); /* what was started, too */
/* Operations that the host has and has not completed; hostio.c counts. */
extern uint32_t sched_io_inflight;
/* When the oldest one that was started must be handed over; 0: none. Atomic,
 * set by hostio_ring.c. */
extern uint64_t sched_io_flush_at;
/* What the host completes shows only when a vCPU comes to it or sleeps there:
 * to spin for it is in vain. Atomic. */
extern bool sched_io_hidden;

#endif
