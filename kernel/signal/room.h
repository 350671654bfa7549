/* SPDX-License-Identifier: MIT
 *
 * What the files of this room share; nobody else includes it. Functions
 * marked [S] are called with the process's signals.lock held.
 */
#ifndef KERNEL_SIGNAL_ROOM_H
#define KERNEL_SIGNAL_ROOM_H

#include "kernel/signal/signal.h"
#include "abi/linux/signal.h"

/* Default actions (signal(7)). */
#define SIGSET_IGNORE                                                          \
    (sigbit(SIGCHLD) | sigbit(SIGCONT) | sigbit(SIGURG) | sigbit(SIGWINCH))
#define SIGSET_STOP                                                            \
    (sigbit(SIGSTOP) | sigbit(SIGTSTP) | sigbit(SIGTTIN) | sigbit(SIGTTOU))
/* Leave a core file. */
#define SIGSET_CORE                                                            \
    (SIGSET_SYNC | sigbit(SIGQUIT) | sigbit(SIGABRT) | sigbit(SIGXCPU) |       \
     sigbit(SIGXFSZ))
/* Neither blocked, caught nor ignored. */
#define SIGSET_ALWAYS (sigbit(SIGKILL) | sigbit(SIGSTOP))
/* What an instruction causes; taken before anything else. */
#define SIGSET_SYNC                                                            \
    (sigbit(SIGSEGV) | sigbit(SIGBUS) | sigbit(SIGILL) | sigbit(SIGTRAP) |     \
     sigbit(SIGFPE) | sigbit(SIGSYS))

/* ---- queue.c ---- */

void queue_init(struct signal_queue *q);
/* Adds info, or merges it with what is pending; limit: of s->queued. -EAGAIN
 * as sigqueue(3). [S] */
int queue_add(struct signal_state *s, struct signal_queue *q,
              const struct k_siginfo *info, uint64_t limit);
/* Takes the next signal of mask: its number, or 0. [S] */
int queue_take(struct signal_state *s, struct signal_queue *q, sigset mask,
               struct k_siginfo *info);
/* Copies record number n, if there are that many. */
bool queue_peek(const struct signal_queue *q, uint64_t n,
                struct k_siginfo *info);
/* The process is gone, its queues are empty: what is kept for the next signal
 * goes, too. */
void queue_end(struct signal_state *s);
/* Forgets all pending signals of set. [S] */
void queue_flush(struct signal_state *s, struct signal_queue *q, sigset set);

/* ---- action.c ---- */

/* Around reads and writes of an action as a whole; nothing, unless processes
 * share them. [S] */
void actions_lock(const struct signal_state *s);
void actions_unlock(const struct signal_state *s);

/* ---- deliver.c ---- */

/* Takes the next signal of mask from t or its process. [S] */
int signal_take(struct thread *t, sigset mask, struct k_siginfo *info);
/* Makes the current thread's interrupted flag say whether there is work. */
void signal_recalc(struct thread *t);

/* ---- send.c ---- */

/* Whether signo's action, as it stands, drops it. [S] */
bool signal_ignored(const struct signal_state *s, int signo);

/* ---- stop.c ---- */

/* Effects of sending, before anything is queued: SIGCONT lets a stopped
 * process go on and the two cancel each other in all of p's threads. For these
 * signals proc_lock is held. [S] */
void stop_on_send(struct proc *p, int signo);
/* The default action of a stop signal, by the current thread. */
void stop_process(struct proc *p, int signo);
/* Whether t must not run user code for now; a traced thread's tracer decides
 * that. */
bool stop_holds(struct thread *t);
/* Sleeps while the current process is stopped; reports that it goes on. */
void stop_wait(struct thread *t);

/* ---- altstack.c ---- */

/* Whether sp lies on the alternate stack, whatever its flags. */
bool altstack_holds(const struct thread_signals *ts, uint64_t sp);
/* SS_DISABLE: there is none; SS_ONSTACK: in use at sp; 0: free. */
uint32_t altstack_state(const struct thread_signals *ts, uint64_t sp);
/* SS_AUTODISARM, once a frame holds the old state. */
void altstack_disarm(struct thread_signals *ts);

/* ---- frame.c ---- */

/* Puts a frame for act's handler on the user stack and makes regs enter it.
 * oldmask: what sigreturn restores. -EFAULT: the stack cannot take it. */
int frame_build(struct thread *t, struct user_regs *regs,
                const struct k_sigaction *act, const struct k_siginfo *info,
                sigset oldmask);
/* The vector state of t to memory, where it can be read and replaced. */
void frame_save_fpu(struct thread *t);

#endif
