/* SPDX-License-Identifier: MIT
 *
 * Signals: who may get one, where it waits, and how it reaches a handler
 * (signal(7), sigaction(2)). LOCK_SIGNAL in signal_state guards both the
 * process's and its threads' queues, handlers, masks and the stop state; a
 * thread writes its own mask only.
 *
 * A signal to a thread waits in that thread; one to a process waits in the
 * process, and a thread that does not block it is interrupted to take it.
 * Delivery happens on the way to user code, in signal_deliver(), with the
 * task's full registers at hand.
 */
#ifndef KERNEL_SIGNAL_SIGNAL_H
#define KERNEL_SIGNAL_SIGNAL_H

#include "lib/types.h"
#include "lib/list.h"
#include "kernel/core/lock.h"
#include "kernel/core/wait.h"

struct thread;
struct proc;
struct user_regs;
struct trap;

enum { NSIG = 64 };
typedef uint64_t sigset; /* bit n-1: signal n */

struct k_sigaction {
    uint64_t handler, flags, restorer;
    sigset mask;
};

/* siginfo_t in Linux's layout (128 bytes). */
struct k_siginfo {
    int32_t signo, err, code;
    int32_t from_timer; /* padding to programs: 0 in what is theirs; else one of
                           our timers sent it, whatever code says */
    union {
        uint8_t raw[112];
        struct {
            int32_t pid;
            uint32_t uid;
            uint64_t value;
        } kill; /* also rt: value is sigval */
        struct {
            int32_t timer_id, overrun;
            uint64_t value;
        } timer;
        struct {
            int32_t pid;
            uint32_t uid;
            int32_t status, pad;
            int64_t utime, stime;
        } child;
        struct {
            uint64_t addr;
            int16_t addr_lsb;
        } fault;
        struct {
            int64_t band;
            int32_t fd;
        } poll;
        struct {
            uint64_t call_addr;
            int32_t syscall;
            uint32_t arch;
        } sys;
    };
};
_Static_assert(sizeof(struct k_siginfo) == 128, "siginfo_t");

struct signal_queue {
    sigset set;        /* which are pending */
    struct list infos; /* queued siginfo records, oldest first */
};

struct signal_state { /* a process's */
    struct spinlock lock;
    struct k_sigaction *actions; /* signal n's is [n - 1]: own, or shared's */
    struct k_sigaction own[NSIG];
    struct shared_actions *shared; /* CLONE_SIGHAND; NULL: none */
    struct signal_queue pending;
    struct signal_record *spare; /* queue.c: one for the next; NULL: none */
    unsigned queued;             /* against RLIMIT_SIGPENDING */
    struct wait_queue signalfds; /* signalfd and sigtimedwait sleepers */
    bool stopped, group_exit;
    int doom; /* the first signal that ends it at once, whatever else is there
                 by the time it is taken; 0: none */
    bool stop_taken; /* a stop signal was taken and not cancelled since */
    /* What wait4(2) has not reported yet: the signal that stopped the process
     * (WUNTRACED), or that it went on (WCONTINUED). */
    int stop_signal;
    bool continue_event;
    bool tell_continued;         /* the parent is to get its SIGCHLD */
    struct wait_queue cont_wait; /* stopped threads */
};

struct thread_signals { /* a thread's */
    sigset blocked, saved_mask;
    int fatal;         /* a signal that ends it, whatever a tracer says; or 0 */
    bool restore_mask; /* sigsuspend, ppoll...: put saved_mask back */
    struct signal_queue pending;
    uint64_t alt_sp, alt_size;
    uint32_t alt_flags;
    uint64_t vector, error, address; /* of the last CPU exception */
};

static inline sigset sigbit(int signo)
{
    return 1ull << (signo - 1);
}

void signal_state_init(struct signal_state *s);
void signal_state_free(struct signal_state *s);
void thread_signals_init(struct thread_signals *s);
void thread_signals_free(struct thread_signals *s);

/* ---- sending: kernel memory, any context that may take the locks ---- */

/* To a process. Takes LOCK_PROC and LOCK_SIGNAL; _locked: the caller holds
 * proc_lock. info->signo valid. 0, or -EAGAIN (queue full). */
int signal_send_proc(struct proc *p, const struct k_siginfo *info);
int signal_send_proc_locked(struct proc *p, const struct k_siginfo *info);

/* To a thread that cannot go away: the current one, or proc_lock is held, as it
 * has to be for SIGCONT and what stops, which look at the siblings.
 * Takes LOCK_SIGNAL only. */
int signal_send_thread(struct thread *t, const struct k_siginfo *info);

/* A fault of the current thread: forced, cannot be blocked or ignored. */
void signal_force(const struct k_siginfo *info);
/* The same, and nothing keeps it from ending the process. */
void signal_force_end(const struct k_siginfo *info);
/* Turns a CPU exception (or a failed mm_fault) into the right siginfo. */
void signal_fault(const struct trap *trap, int mm_error);

/* Whether p ignores SIGCHLD, so that none is sent, be it blocked; or its action
 * has this flag: SA_NOCLDSTOP, SA_NOCLDWAIT (sigaction(2)) or 0. */
bool signal_ignores_children(struct proc *p, uint64_t flag);

/* ---- receiving ---- */

/* Anything deliverable for t, or must it exit? */
bool signal_pending(struct thread *t);
/* Whether it ends: for waits that nothing less interrupts. */
bool signal_kills(struct thread *t);

/* Which signals are pending for t (rt_sigpending, signalfd's poll). */
sigset signal_pending_set(struct thread *t);

/* The record number n of those that wait for t, or (shared) for its process;
 * it stays there. False: there are not that many. */
bool signal_peek(struct thread *t, bool shared, uint64_t n,
                 struct k_siginfo *info);

/* Where polls of p's signalfds wait. It is no part of p, and other processes
 * have the same: an epoll keeps its place there for longer than the process
 * lives that put the signalfd into it. */
struct wait_queue *signal_poll_queue(const struct proc *p);

/* Takes one pending signal out of mask: its number with *info filled, or 0.
 * signalfd and sigtimedwait; waiters sleep on proc's signals.signalfds. */
int signal_dequeue(struct thread *t, sigset mask, struct k_siginfo *info);

/* The current thread's mask; SIGKILL and SIGSTOP are never blocked. */
void signal_set_mask(sigset blocked);

/* ppoll, pselect, epoll_pwait: replaces the current thread's mask by the set
 * at `set` (null: nothing happens) until signal_mask_end(). When the call is
 * interrupted, the old mask comes back after the handler's frame is built.
 * size is the caller's sigsetsize. 0, -EINVAL, -EFAULT. */
int signal_mask_begin(struct uptr set, uint64_t size);
void signal_mask_end(bool interrupted);

/* On the way to user code: takes signals and builds frames until none is
 * deliverable. Handles restart codes in regs->rax when a system call is being
 * left (regs->orig_rax != -1). May end the thread or process. */
void signal_deliver(struct user_regs *regs);

/* rt_sigreturn(2): registers, mask and alternate stack from the frame on the
 * user stack; a bad one is SIGSEGV. */
void signal_return(struct user_regs *regs);

/* sigaction(2), sigaltstack(2) on kernel copies; act, old, ss may be NULL. */
int signal_action(int signo, const struct k_sigaction *act,
                  struct k_sigaction *old);
struct linux_stack;
int signal_altstack(const struct linux_stack *ss, struct linux_stack *old,
                    uint64_t rsp);

/* The smallest alternate stack that holds a frame: AT_MINSIGSTKSZ. */
uint64_t signal_min_stack(void);

/* fork: the new process has the current one's handlers as they are now, or
 * shares them from now on (CLONE_SIGHAND without CLONE_THREAD): -ENOMEM. */
void signal_copy_actions(struct signal_state *to, bool clear);
int signal_share_actions(struct signal_state *to);
bool signal_shares_actions(const struct signal_state *s);
/* exec: handlers of its own, back to default; alternate stack gone. */
void signal_exec(struct thread *t);

/* --strace: called for each signal taken by the current thread, before it
 * acts. NULL: off. */
extern void (*signal_trace)(const struct k_siginfo *info);

#endif
