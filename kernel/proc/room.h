/* SPDX-License-Identifier: MIT
 *
 * What the files of this room share among themselves; nobody else includes
 * it. Functions marked [L] are called with proc_lock held.
 */
#ifndef KERNEL_PROC_ROOM_H
#define KERNEL_PROC_ROOM_H

#include "kernel/proc/proc.h"

/* ---- proc.c ---- */

/* Once, before the first process. */
void proc_init(void);
/* exit.c: processes say what forks and swaps cost them, or do not. */
void proc_set_reports(bool on);
/* A process with one reference and no threads, not in the table yet. */
int proc_alloc(struct proc **out);
/* An unused id > 0, or -EAGAIN. [L] */
int pid_alloc(void);
/* Whether a process, thread, group or session has it. [L] */
bool pid_taken(int id);
/* The same of pid, which the current task asked for: clone3(2)'s set_tid.
 * -EINVAL, -EPERM, -EEXIST. [L] */
int pid_choose(int pid);
/* A number that is in use, but not in the tables yet. */
struct pid_claim {
    struct list node; /* LOCK_PROC */
    int pid;          /* 0: none */
};
void pid_claim(struct pid_claim *c, int pid); /* [L] */
void pid_claim_end(struct pid_claim *c);      /* [L] */
struct proc *proc_lookup(int pid);            /* [L] */
void pid_insert_proc(struct proc *p);
void pid_insert_thread(struct thread *t);
void pid_remove_thread(struct thread *t);

/* ---- thread.c ---- */

/* Memory with a kernel stack for one thread, or NULL; and back. */
struct thread *thread_alloc(void);
void thread_free(struct thread *t);
/* Makes t a thread of p (taking a reference) that will run fn(t) once its
 * task is started. No id yet, on no list; the vector state is not set. */
void thread_init(struct thread *t, struct proc *p, void (*fn)(void *));
/* Puts t on its process's list and into the table, under its tid. [L] */
void thread_attach(struct thread *t);

/* ---- clone.c, fork.c ---- */

/* What a new thread gets from its maker, its process and id aside. */
struct inheritance {
    struct files *files;
    struct fs_view *view;
    int tid;
    struct pid_claim claim;
    int pidfd;             /* CLONE_PIDFD: the maker's; else -1 */
    struct tracee *tracee; /* for the maker's tracer, or NULL */
};
int inherit_begin(const struct clone_args *a, struct inheritance *in);
void inherit_undo(struct inheritance *in);
void inherit_finish(const struct clone_args *a, const struct inheritance *in,
                    struct thread *t);
void thread_begin(void *arg);
/* clone(2) without CLONE_THREAD. */
int process_clone(const struct clone_args *a);
/* p has an address space of its own, or none: its maker goes on. */
void vfork_release(struct proc *p);

/* ---- exit.c ---- */

/* What leaving an address space owes to user memory: robust futexes, then
 * clear_child_tid. The mm is still current. */
void thread_leave_mm(struct thread *t);
/* Ends all threads but the current one and gives it the process's id: for
 * exec. -EAGAIN when the process ends already. May block. */
int proc_kill_siblings(void);

/* Its tracer is done with a hidden zombie: the parent is told. Takes the
 * reference. */
void proc_reveal(struct proc *p);

/* ---- wait.c ---- */

/* Takes p out of table and tree; the caller then owns the table's reference.
 * [L] */
void proc_unlink(struct proc *p);
/* ---- futex.c, robust.c ---- */

void futex_init(void);
/* Robust list walk (set_robust_list(2)) of the current thread. */
void robust_list_exit(struct thread *t);
/* The owner of priority-inheriting futexes died: hands them on. */
void futex_pi_owner_exit(struct thread *t);

/* ---- exit.c ---- */

/* p leaves mm, which it still has: what it used there is p's. */
void proc_leaves(struct proc *p, struct mm *mm);

/* ---- timers.c ---- */

/* Ends all timers of the process: exec (POSIX ones only) and exit. */
void timers_exec(struct proc *p);
void timers_exit(struct proc *p);

/* ---- cred.c ---- */

/* Bits of a file's mode that lend a program its owner's ids. */
enum { MODE_SETUID = 04000, MODE_SETGID = 02000, MODE_XGROUP = 010 };

void cred_first(struct cred *c, uint32_t uid, uint32_t gid);
/* The current thread is that after execve(2), and so is its process. dumpable:
 * if it is no more than it was. [L] */
void cred_become(const struct cred *c, bool dumpable);

/* ---- vdso.c ---- */

/* Maps data page and image into the current mm; *base gets AT_SYSINFO_EHDR. */
int vdso_map(struct mm *mm, uint64_t *base);
/* The clock's offset changed: brings every process's data page up to date. */
void vdso_update(void);
/* The same, if the page does not show the clock as it is now. */
void vdso_refresh(void);

#endif
