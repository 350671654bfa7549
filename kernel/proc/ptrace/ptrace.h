/* SPDX-License-Identifier: MIT
 *
 * ptrace(2). A struct tracee is the tie between a thread and the process that
 * traces it. It hangs on the thread, and on the tracer's list, and outlives
 * the thread until the tracer has waited for its end.
 *
 * The traced thread stops itself, in ptrace_stop(), on its way to user code or
 * at a system call; there it sleeps, its vector state in memory and its
 * registers at the top of its kernel stack, and the tracer reads and changes
 * them under proc_lock.
 *
 * Requests are made by the thread that attached (for PTRACE_TRACEME, that made
 * the child); any thread of its process may wait. With that thread tracing
 * ends.
 *
 *   ptrace.c       who traces whom, and what the tracer's wait(2) finds
 *   ptrace_stop.c  the traced thread's part
 *   ptrace_ask.c   requests to a stopped thread
 *   ptrace_regs.c  its registers
 */
#ifndef KERNEL_PROC_PTRACE_H
#define KERNEL_PROC_PTRACE_H

#include "kernel/proc/proc.h"
#include "abi/linux/ptrace.h"

enum ptrace_resume { RESUME_RUN, RESUME_SYSCALL, RESUME_EMULATE };

struct tracee {
    struct list node;      /* tracer->tracees, the newest first; LOCK_PROC, as
                              all that follows */
    struct proc *tracer;   /* NULL: not traced (any more) */
    struct thread *by;     /* its thread, while there is a tracer */
    struct thread *thread; /* NULL: it has ended */
    int tid;
    uint32_t options; /* PTRACE_O_* */
    bool seized;
    /* What the thread shall do before it runs user code again. */
    bool interrupt; /* PTRACE_INTERRUPT, or a new one's first stop */
    int group_stop; /* its process was stopped by this signal */
    enum ptrace_resume resume;
    bool step;      /* one instruction */
    bool trap_flag; /* RFLAGS_TF is ours */
    /* A stop. */
    bool stopped;   /* atomic */
    bool listening; /* PTRACE_LISTEN */
    bool news;      /* wait(2) has not told of it */
    int code;       /* status >> 8 */
    bool has_info;
    struct k_siginfo info;
    uint64_t message;  /* PTRACE_GETEVENTMSG */
    uint8_t call;      /* PTRACE_SYSCALL_INFO_* */
    int signal;        /* to go on with */
    uint64_t debug[4]; /* DR0 to DR3, without effect: DR7 stays 0 */
    /* The end. */
    int status; /* of wait(2) */
    uint32_t uid;
    struct proc *owner;  /* whose obituary it is: others of it live on */
    struct proc *zombie; /* counted: its parent waits until we have */
};

/* Whether the current state of t concerns a tracer. */
static inline bool ptrace_traced(const struct thread *t)
{
    return unlikely(t->tracee != NULL) &&
           atomic_load_relaxed(&t->tracee->tracer) != NULL;
}

/* PTRACE_O_SUSPEND_SECCOMP: its filters are not asked. */
static inline bool ptrace_suspends_seccomp(const struct thread *t)
{
    return ptrace_traced(t) && t->tracee->options & PTRACE_O_SUSPEND_SECCOMP;
}

/* ---- ptrace.c: who traces whom ---- */

/* Whether the current thread may set these options, known ones. */
bool ptrace_may_set(uint64_t options);

/* -EPERM, -ESRCH, -EIO, -ENOMEM. */
int ptrace_traceme(void);
int ptrace_attach(int tid, bool seize, uint64_t addr, uint64_t options);

/* A new thread of the current, traced one: what ptrace_join() needs, or NULL;
 * -ENOMEM. */
int ptrace_prepare(const struct clone_args *a, struct tracee **out);
/* What a tracer may ask to hear of such a call; 0: nothing. */
int ptrace_event_of(const struct clone_args *a);
/* Before it starts. [L] */
void ptrace_join(struct thread *t, struct tracee *r);
/* The thread ends, with this wait(2) status. [L] */
void ptrace_thread_exit(struct thread *t, int status);
/* Whether the end of p is the tracer's to see first; it is told then. [L] */
bool ptrace_hides(struct proc *p);
/* p, hidden, became a child of `by`: as its tracer it waits but once. [L] */
void ptrace_adopted(struct proc *p, struct proc *by);
/* p traces nobody any more; or only its thread `by`, off its lists, does not.
 */
void ptrace_tracer_exit(struct proc *p, struct thread *by);
/* Whether a thread of p is traced: then nothing is ignored. [L] or [S] */
bool ptrace_any(struct proc *p);
/* Whether wait(2) shall not tell the parent of p's stops. [L] */
bool ptrace_reports(struct proc *p);
/* Whether its first thread, traced by its parent, has a stop to tell: it is
 * told among the parent's other children. [L] */
bool ptrace_child_tells(struct proc *child, const struct wait_filter *f,
                        struct wait_result *out);
/* One look at the tracees of p for wait(2), the newest first: a tid, 0: nothing
 * to tell, -ECHILD: no tracee that fits. *zombie: a process whose parent may be
 * told now (exit.c), with a reference. [L] */
int ptrace_look(struct proc *p, const struct wait_filter *f,
                struct wait_result *out, struct proc **zombie);

/* ---- ptrace_stop.c: the current thread's stops ---- */

/* It has to stop before it runs user code. */
bool ptrace_wants(struct thread *t);
/* Stops while ptrace_wants(). */
void ptrace_work(struct thread *t);
/* A signal is about to be delivered: its number, 0 when the tracer took it,
 * or another with *info changed. */
int ptrace_signal(struct thread *t, struct k_siginfo *info);
/* Single steps leave no trace in regs, of t or a copy: for what the program
 * sees of them. */
void ptrace_forget_step(struct thread *t, struct user_regs *regs);
/* After a handler's frame was built. */
void ptrace_handler(struct thread *t, struct user_regs *regs);
/* Stops if the tracer asked for event. */
void ptrace_event(int event, uint64_t message);
/* That of an exit, whatever is the reason; status as wait(2) has it. */
void ptrace_exiting(uint64_t status);
/* execve(2) made t its process's first thread: the record of the one before is
 * nobody's news. [L] */
void ptrace_take_over(struct thread *t);
/* Whether t is traced without CAP_SYS_PTRACE. [L] */
bool ptrace_by_weaker(const struct thread *t);
/* execve(2) is done; former: the thread's number before it. */
void ptrace_exec(struct thread *t, int former);
/* Around a system call: true when it is not to be made. */
bool ptrace_call_enter(struct thread *t, struct user_regs *regs);
void ptrace_call_exit(struct thread *t, struct user_regs *regs);
/* At a filter's request: false when nobody traces that. */
bool ptrace_seccomp(struct thread *t, struct user_regs *regs, uint32_t data);
/* p was stopped by signo, or goes on. [L], [S] */
void ptrace_group_stopped(struct proc *p, int signo);
void ptrace_group_continued(struct proc *p);

/* ---- ptrace_ask.c: requests of the tracer ---- */

/* The stopped tracee of the current process with this tid; NULL. [L] */
struct tracee *ptrace_stopped(int tid);
int ptrace_resume(int tid, int request, uint64_t signal);
int ptrace_detach(int tid, uint64_t signal);
int ptrace_interrupt(int tid);
int ptrace_listen(int tid);
int ptrace_kill(int tid);
int ptrace_set_options(int tid, uint64_t options);
int ptrace_message(int tid, uint64_t *message);
int ptrace_get_siginfo(int tid, struct k_siginfo *info);
int ptrace_set_siginfo(int tid, const struct k_siginfo *info);
/* As signal_peek(): 1, or 0 when there are not that many. */
int ptrace_peek_siginfo(int tid, bool shared, uint64_t n,
                        struct k_siginfo *info);
int ptrace_get_mask(int tid, sigset *mask);
int ptrace_set_mask(int tid, sigset mask);
int ptrace_call_info(int tid, struct ptrace_syscall_info *info, size_t *len);
/* A word of its memory; a write goes through the protection. -EIO. */
int ptrace_peek(int tid, uint64_t addr, uint64_t *word);
int ptrace_poke(int tid, uint64_t addr, uint64_t word);

/* ---- ptrace_regs.c ---- */

int ptrace_peek_user(int tid, uint64_t addr, uint64_t *word);
int ptrace_poke_user(int tid, uint64_t addr, uint64_t word);
int ptrace_get_regs(int tid, uint64_t regs[PTRACE_REGS]);
/* The first count words. */
int ptrace_set_regs(int tid, const uint64_t *regs, unsigned count);
/* fpu_size() bytes of XSAVE state. */
int ptrace_get_fpu(int tid, uint8_t *xsave);
/* len bytes from its beginning: 512, or all. -EINVAL. */
int ptrace_set_fpu(int tid, const uint8_t *xsave, size_t len);

#endif
