/* SPDX-License-Identifier: MIT
 *
 * Processes and threads. A thread is a core task that runs user code; a
 * process is what its threads share. Lifetimes: a process is counted by its
 * threads and by the pid table (until reaped).
 */
#ifndef KERNEL_PROC_PROC_H
#define KERNEL_PROC_PROC_H

#include "lib/types.h"
#include "lib/atomic.h"
#include "kernel/core/sched.h"
#include "kernel/core/wait.h"
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/signal.h"
#include "kernel/proc/usage.h"

struct rlimit64 {
    uint64_t cur, max;
};
enum { RLIMIT_COUNT = 16 };

/* Supplementary groups, shared and never changed. */
struct group_list {
    uint32_t refs, count;
    uint32_t ids[];
};

/* Credentials, by value; credentials(7). A thread has its own; who holds a copy
 * for longer than a call holds its groups (cred_hold, cred_drop). */
struct cred {
    uint32_t uid, euid, suid, fsuid;
    uint32_t gid, egid, sgid, fsgid;
    uint64_t cap_effective, cap_permitted, cap_inheritable, cap_bounding,
        cap_ambient;
    uint32_t securebits;
    struct group_list *groups; /* NULL: none */
};

struct key;         /* keys.h */
struct tracee;      /* ptrace.h */
struct filter;      /* seccomp.c */
struct landlock;    /* fs/landlock.h */
struct exec_text;   /* exec_text.h */
struct sem_owner;   /* ipc/sem_undo.c: whom SEM_UNDO stands for */
struct proc_timers; /* timers.c: interval and POSIX timers */

struct proc {
    int pid, pgid, sid;   /* LOCK_PROC */
    bool sees_terminal;   /* its session's, if that has one; LOCK_PROC */
    int hung_up_pgrp;     /* a leader's, in front when its terminal went */
    struct list pid_node; /* pid table; LOCK_PROC */
    struct proc *parent;  /* LOCK_PROC */
    struct list children, sibling; /* LOCK_PROC */
    struct list threads;           /* struct thread.node; LOCK_PROC */
    unsigned thread_count;         /* live threads; LOCK_PROC */
    struct mm *mm;                 /* NULL once the last thread is gone */
    struct signal_state signals;   /* handlers, queue; signal/ */
    struct cred cred; /* of the first thread: what others go by; LOCK_PROC */
    struct rlimit64 limits[RLIMIT_COUNT]; /* getrlimit(2) */
    char comm[16];
    struct file *exe; /* what it executes, counted, or NULL; LOCK_PROC */
    /* The auxiliary vector, for /proc/PID/auxv; auxv_len words. */
    uint64_t auxv[48];
    unsigned auxv_len;
    bool exiting;     /* LOCK_PROC */
    unsigned leaving; /* threads that are about to exit; LOCK_PROC */
    bool ended;       /* for pidfds: nothing of it runs any more; atomic */
    bool reaped;      /* and its number is free; atomic */
    struct wait_queue ended_wait;
    bool zombie;   /* only exit_status and times are left; LOCK_PROC */
    bool did_exec; /* setpgid(2) by the parent is refused then */
    bool dumpable, subreaper;
    bool thp_disabled; /* PR_SET_THP_DISABLE; kept, and of no effect */
    int parent_tid;    /* the parent's thread that made it; LOCK_PROC */
    int exit_signal;   /* what the parent gets, SIGCHLD */
    uint32_t personality;
    int oom_score_adj;    /* proc(5); oom.h */
    int oom_least;        /* as low as anybody may set it */
    bool oom_victim;      /* killed for its memory; LOCK_PROC */
    uint32_t membarriers; /* registered commands (membarrier(2)); atomic */
    int exit_status;      /* wait(2) status */
    int dead_nice, dead_policy,
        dead_priority; /* of a first thread that ended */
    uint64_t start_ns;
    uint64_t dead_user_ns, dead_kernel_ns;   /* of threads that ended */
    uint64_t child_user_ns, child_kernel_ns; /* of children waited for */
    struct usage past;            /* of memories left and threads that ended */
    struct usage children_usage;  /* of children waited for, and theirs */
    struct io_counts dead_io;     /* of threads that ended, and such children */
    struct thread *exec_thread;   /* the others die for it; LOCK_PROC */
    bool borrowed;                /* the maker's memory, and it waits: vfork */
    struct wait_queue vfork_wait; /* the maker */
    struct wait_queue exit_wait;  /* children's changes wake the parent */
    struct wait_queue thread_wait; /* a thread ended; exec waits here */
    struct exec_text *text;      /* counted, or NULL (exec_text.h); LOCK_PROC */
    struct proc_timers *timers;  /* NULL until the first is made */
    struct sem_owner *sem_owner; /* counted, or NULL (ipc/sem_undo.c); atomic */
    struct key *keyring, *session_keyring; /* counted, or NULL (keys.h) */
    struct list tracees;              /* whom it traces (ptrace.h); LOCK_PROC */
    struct tracee *obituary;          /* of a traced first thread; LOCK_PROC */
    unsigned traced;                  /* threads that are; LOCK_PROC, atomic */
    uint32_t exec_id, parent_exec_id; /* programs executed: it, and its parent
                                         when it was made; LOCK_PROC */
    bool hidden;      /* a zombie that its tracer waits for first */
    bool died_traced; /* by its parent; LOCK_PROC */
    unsigned refs;
};

struct user_dispatch {
    bool on;
    uint64_t from, len;
    struct uptr selector;
};

/* What nobody has logged in as (loginuid of procfs). */
#define LOGIN_NONE UINT32_MAX

struct thread {
    struct task task;
    struct list node;     /* proc->threads; LOCK_PROC */
    struct list tid_node; /* tid table; LOCK_PROC */
    struct proc *proc;
    int tid;
    bool must_exit; /* leaves at the next thread_exit_check(); LOCK_PROC */
    char comm[16];
    struct cred cred; /* its own to read; changed under LOCK_PROC */
    struct files *files;
    struct fs_view *view;
    struct thread_signals signals; /* mask, pending, altstack; signal/ */
    struct uptr set_child_tid;     /* CLONE_CHILD_SETTID */
    struct uptr clear_child_tid;   /* set_tid_address(2) */
    struct uptr robust_list;       /* set_robust_list(2) */
    uint64_t robust_len;
    void *kstack;
    int nice, policy, rt_priority, io_priority;  /* LOCK_PROC (policy.h) */
    uint64_t dl_runtime, dl_deadline, dl_period; /* of SCHED_DEADLINE; ns */
    uint64_t timer_slack, default_slack;         /* ns (prctl(2)) */
    uint32_t login_uid, login_session; /* procfs's loginuid; LOGIN_NONE */
    struct key *keyring;               /* counted, or NULL (keys.h) */
    int reqkey_default;                /* KEY_REQKEY_* */
    uint8_t mce_kill;                  /* PR_MCE_KILL, kept and no more */
    bool io_flusher;                   /* PR_SET_IO_FLUSHER, the same */
    int pdeath_signal; /* PR_SET_PDEATHSIG: when the parent's thread ends */
    uint16_t memory_policy; /* set_mempolicy(2), kept and no more */
    uint32_t pi_waited;    /* somebody waited for a futex that we own; atomic */
    bool pi_gone;          /* we no longer hand futexes over; LOCK_PROC */
    struct tracee *tracee; /* NULL: never traced; LOCK_PROC (ptrace.h) */
    struct thread_end *end;        /* counted, or NULL (pidfd.h); LOCK_PROC */
    bool no_new_privs;             /* PR_SET_NO_NEW_PRIVS */
    struct user_dispatch dispatch; /* its own alone (user_dispatch.h) */
    uint32_t seccomp_mode;         /* SECCOMP_MODE_*; atomic */
    struct filter *filters;        /* the newest, counted; atomic (seccomp.c) */
    struct landlock *landlock;     /* counted, or NULL (fs/landlock.h); its own
                                      alone, others look under LOCK_PROC */
    bool deep_sleep;               /* only what kills it ends its wait: "D" */
    bool restart_is_said; /* the call's result only looks like a restart */
    /* The call in progress, for restart and strace. */
    int syscall_nr;
    struct {
        int (*fn)(struct thread *); /* restart_syscall(2), or NULL */
        uint64_t args[6];
    } restart;
};

/* No address of a program is above (canonical ones, SDM vol. 1, 3.3.7.1). */
#define USER_ADDRESS_END ((1ull << 47) - PAGE_SIZE)

static inline struct thread *current_thread(void)
{
    return current_task()->thread;
}
static inline struct proc *current_proc(void)
{
    return current_thread()->proc;
}
static inline const struct cred *current_cred(void)
{
    return &current_thread()->cred;
}
static inline struct user_regs *thread_regs(struct thread *t)
{
    return (struct user_regs *)(t->task.kstack_top - REGS_SIZE);
}

/* Boot: makes process 1, which runs info->program. Opening and loading it is
 * that process's own first act; when it cannot be executed, the instance stops
 * with status 126 or 127. -ENOMEM. */
int proc_start_first(const struct boot_info *info);
/* Process 1 has ended: SIGKILL for all others, which no longer come back to
 * user code (pid_namespaces(7)). */
void proc_end_others(void);

/* Finds by pid/tid; a reference (proc_put). NULL: none. */
struct proc *proc_find(int pid);
/* The same for calls that take any thread's number for its process. */
struct proc *proc_find_any(int tid);
struct proc *proc_lookup_any(int tid); /* valid under LOCK_PROC only */
void proc_get(struct proc *p);
void proc_put(struct proc *p);
/* What p executes: a reference, or NULL. From now on f, borrowed, or nothing;
 * blocks, as file_put() does. */
struct file *proc_exe(struct proc *p);
void proc_set_exe(struct proc *p, struct file *f);
struct thread *thread_find(int tid); /* valid under LOCK_PROC only */
/* The number that was given last (ns_last_pid); set: the next is behind it.
 * -EINVAL, -EPERM. */
int proc_last_pid(void);
int proc_set_last_pid(int pid);
unsigned proc_thread_total(void);    /* threads of all processes */
uint64_t thread_started_total(void); /* those that ended among them */
extern struct spinlock proc_lock;    /* LOCK_PROC: tree, pid table */
/* Calls fn for each process, proc_lock held. */
void proc_for_each(void (*fn)(struct proc *p, void *arg), void *arg);

void proc_for_each_locked(void (*fn)(struct proc *p, void *arg), void *arg);

/* getpgid(2), getsid(2), setpgid(2), setsid(2), by their numbers. */
int proc_getpgid(int pid);
int proc_getsid(int pid);
int proc_setpgid(int pid, int pgid);
int proc_setsid(void);

/* References of a copy of credentials to what it shares. */
void cred_hold(const struct cred *c);
void cred_drop(const struct cred *c);

/* Ends the current thread / the whole process with a wait(2) status. */
_Noreturn void thread_exit(int status);
_Noreturn void proc_exit_group(int status);

/* Process 1 has ended: statistics, if asked for, and the end of everything.
 * Defined in boot.c, which knows all rooms. */
_Noreturn void kernel_stop(int status);

/* Whether t's process ends or executes a new program: signal_pending() is
 * then true and t leaves at thread_exit_check(). */
static inline bool thread_must_exit(struct thread *t)
{
    return atomic_load_relaxed(&t->must_exit);
}

/* signal_deliver() begins with it: does not return when the current thread
 * must exit. */
void thread_exit_check(void);

/* clone(2): the new thread's or process's id, or -errno. May block. set_tid is
 * the number itself, when set_tid_size says that there is one. */
struct clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack,
        stack_size, tls, set_tid, set_tid_size, cgroup;
};
int proc_clone(const struct clone_args *args);
/* unshare(2) for descriptors and view; -EPERM for namespaces. May block. */
int thread_unshare(uint64_t flags);

/* Arguments, then environment, as NUL-terminated strings one after the other
 * in one kernel buffer (exec_args.c). */
struct exec_args {
    char *text;
    size_t len, pages;
    size_t limit; /* of len plus pointers, in bytes; execve(2) */
    unsigned argc, envc;
};
void exec_args_init(struct exec_args *a, size_t limit);
size_t exec_args_limit(const struct proc *p); /* from its RLIMIT_STACK */
void exec_args_free(struct exec_args *a);
/* Appends an argument or, once env was given, an environment string of len
 * bytes without its NUL: -E2BIG, -ENOMEM. */
int exec_args_add(struct exec_args *a, const char *s, size_t len, bool env);
/* The same from user memory, for a NULL-terminated vector of pointers. */
int exec_args_add_user(struct exec_args *a, struct uptr vec, bool env);
/* Puts s before the other arguments, or drops the first one. */
int exec_args_push_front(struct exec_args *a, const char *s);
void exec_args_drop_first(struct exec_args *a);

/* What wait4(2) and waitid(2) look for, and what they get. */
struct wait_filter {
    int type, id;     /* ABI_P_* of abi/linux/wait.h */
    unsigned options; /* WNOHANG... */
    int maker;        /* only children of this thread; 0: of any */
};
struct wait_result {
    int pid, status; /* wait(2) status */
    uint32_t uid;
    bool trapped; /* a stop that is the tracer's affair (ptrace(2)) */
    uint64_t user_ns, kernel_ns; /* with those of its children */
    struct usage usage;
};
/* The child's pid; 0: none yet (WNOHANG); -ECHILD, -ERESTARTSYS. Blocks. */
int proc_wait(const struct wait_filter *f, struct wait_result *out);
/* si_code and si_status of SIGCHLD for a wait(2) status. */
int wait_code(int status);
int wait_siginfo_status(int status);

/* execve(2). On success the current thread's registers are the new program's
 * and the strings may be freed. May not return (point of no return). */
int proc_exec(int dirfd, const char *path, int flags, struct exec_args *args);

/* ---- futexes (futex.c), for exit and others inside the kernel ---- */

/* A word of the current program. Waiters by a private name and by a shared one
 * (no FUTEX_PRIVATE_FLAG) do not meet, and a shared one has to be there. */
struct futex_word {
    struct uptr addr;
    bool shared;
};
/* Wakes up to count waiters on the word. */
int futex_wake(struct futex_word word, int count, uint32_t bitset);

/* ---- CPU time, of threads that live and that ended ---- */
void proc_times(struct proc *p, uint64_t *user_ns, uint64_t *kernel_ns);
/* The same with proc_lock held. */
void proc_times_locked(struct proc *p, uint64_t *user_ns, uint64_t *kernel_ns);
/* Of all threads of all processes that ended. */
void proc_times_ended(uint64_t *user_ns, uint64_t *kernel_ns);

#endif
