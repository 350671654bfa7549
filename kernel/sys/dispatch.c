/* SPDX-License-Identifier: MIT
 *
 * From registers to a handler and back: the one place that every system call
 * passes. The fast path is a bounds check, a load and a jump to the handler;
 * printing and counting (--strace, --stats) hang behind one flag.
 *
 * A handler's restart code must reach signal_deliver() even if the signal has
 * been taken by another thread meanwhile, so it raises `interrupted` itself.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/trace.h"
#include "kernel/trap.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/proc/seccomp/seccomp.h"
#include "kernel/proc/user_dispatch.h"
#include "kernel/mm/mm.h"
#include "abi/linux/errno.h"
#include "abi/linux/mman.h"
#include "abi/linux/syscall.h"
#include "lib/atomic.h"
#include "lib/bitmap.h"

uint32_t trace_mode;

static void await_call(bool on)
{
    atomic_fetch_add(&trace_mode, on ? TRACE_NEXT_ONE : -TRACE_NEXT_ONE);
}

void syscall_set_mode(bool strace, bool stats)
{
    mm_await_call = await_call;
    if (strace) {
        trace_mode |= TRACE_PRINT | TRACE_COUNT;
        signal_trace = trace_signal;
    }
    if (stats) {
        trace_mode |= TRACE_COUNT | TRACE_EVENTS;
    }
    if (trace_mode) {
        sched_watch_calls();
    }
}

/* ---- calls that nobody implements ---- */

/* True the first time it is asked about number. Two vCPUs may both be first:
 * then the line appears twice. */
static bool first_time(uint64_t number)
{
    static uint64_t seen[BITMAP_WORDS(SYSCALL_MAX + 1)];
    static uint32_t strangers;

    if (number > SYSCALL_MAX) {
        return atomic_fetch_add(&strangers, 1) == 0;
    }
    if (bitmap_test(seen, number)) {
        return false;
    }
    bitmap_set(seen, number);
    return true;
}

static long missing(uint64_t number)
{
    const char *name =
        number <= SYSCALL_MAX ? syscall_table[number].name : NULL;

    if (first_time(number)) {
        log_info("system call %lu (%s) is not implemented (process %d, %s)",
                 number, name ? name : "no such call", current_proc()->pid,
                 current_thread()->comm);
    }
    return -ENOSYS;
}

/* A call that the table knows by name only. */
long sys_none(const struct sysargs *a)
{
    return missing((uint32_t)thread_regs(current_thread())->orig_rax);
}

/* ---- the way in ---- */

static inline bool is_restart_code(long result)
{
    return (uint64_t)(result + ERESTART_RESTARTBLOCK) <=
           ERESTART_RESTARTBLOCK - ERESTARTSYS;
}

void trace_watch(void)
{
    static bool everywhere; /* atomic */

    atomic_fetch_or(&trace_mode, TRACE_WATCH);
    if (!atomic_load(&everywhere)) {
        sched_watch_calls();
        sched_barrier();
        atomic_store(&everywhere, true);
    }
}

_Static_assert(offsetof(struct sysargs, regs) == 0, "the registers themselves");

static long make_call(uint32_t number, const struct sysargs *args)
{
    if (number > SYSCALL_MAX || !syscall_table[number].fn) {
        return missing(number);
    }
    return trace_mode & (TRACE_PRINT | TRACE_COUNT)
               ? trace_call(number, args)
               : syscall_table[number].fn(args);
}

/* Where calls are filtered nobody knows what this one will do. */
static void tell_mm(const struct user_regs *regs)
{
    enum mm_call call = MM_CALL_OTHER;
    uint64_t start = 0, end = 0;

    if (!current_task()->mm) {
        return;
    }
    if (!(trace_mode & TRACE_WATCH) && regs->orig_rax == NR_mmap &&
        regs->r10 & MAP_FIXED) {
        call = MM_CALL_MAP;
        start = regs->rdi;
        end = MAX(start, ALIGN_UP(start + regs->rsi, PAGE_SIZE));
    } else if (!(trace_mode & TRACE_WATCH) && regs->orig_rax == NR_mprotect) {
        call = MM_CALL_PROTECT;
    }
    mm_called(current_task()->mm, call, start, end, regs->rip);
}

/* A call when anything watches. A tracer may change number and arguments, or
 * take the call away: then what it, or the filter, left in rax is the result,
 * whatever that looks like. */
static __attribute__((noinline)) long watched_call(struct user_regs *regs)
{
    struct thread *t = current_thread();
    struct sysargs args;
    bool skip = false;

    if (trace_mode & TRACE_NEXT) {
        tell_mm(regs);
    }
    if (trace_mode & TRACE_WATCH) {
        skip = user_dispatch_check(t, regs);
        if (skip) { /* nobody hears of it */
            return (long)regs->rax;
        }
        skip = ptrace_call_enter(t, regs) || seccomp_check(t, regs);
    }
    if (!skip) {
        args.regs = *regs; /* as they were, for who prints them afterwards */
        regs->rax = (uint64_t)make_call((uint32_t)regs->orig_rax, &args);
    }
    if (trace_mode & TRACE_WATCH) {
        ptrace_call_exit(t, regs);
    }
    t->restart_is_said = skip && is_restart_code((long)regs->rax);
    return (long)regs->rax;
}

long syscall_dispatch(struct user_regs *regs, uint32_t number)
{
    if (unlikely(trace_mode)) {
        return watched_call(regs);
    }
    if (unlikely(number > SYSCALL_MAX || !syscall_table[number].fn)) {
        return missing(number);
    }
    return syscall_table[number].fn((const struct sysargs *)regs);
}

_Static_assert(ERESTART_RESTARTBLOCK == 516 &&
                   ERESTART_RESTARTBLOCK - ERESTARTSYS == 4,
               "entry.S");

void syscall_restarts(void)
{
    struct thread *t = current_thread();

    if (likely(!t->restart_is_said)) {
        atomic_store(&t->task.interrupted, 1);
    }
    t->restart_is_said = false;
}

void syscall_run(struct user_regs *regs)
{
    long result;

    regs->orig_rax = regs->rax;
    result = syscall_dispatch(regs, (uint32_t)regs->rax);
    regs->rax = (uint64_t)result;
    if (is_restart_code(result)) {
        syscall_restarts();
    }
}

/* ---- the way out ---- */

void user_return_work(struct user_regs *regs)
{
    struct task *t = current_task();

    do {
        if (this_vcpu()->resched) {
            sched_check();
        }
        if (atomic_load(&t->interrupted)) {
            signal_deliver(regs);
        }
    } while (atomic_load(&t->interrupted) || this_vcpu()->resched);
}
