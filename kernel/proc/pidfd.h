/* SPDX-License-Identifier: MIT
 *
 * Descriptors that stand for a process or for one of its threads
 * (pidfd_open(2)): readable once it has ended. They count it, so its number is
 * never mistaken for another's.
 */
#ifndef KERNEL_PROC_PIDFD_H
#define KERNEL_PROC_PIDFD_H

#include "kernel/fs/file.h"

struct proc;
struct thread;

enum { PIDFD_NONBLOCK = O_NONBLOCK, PIDFD_THREAD = O_EXCL };

/* flags: PIDFD_*; with PIDFD_THREAD it stands for the first thread, which is
 * there as long as its process. *out: one reference. */
int pidfd_new(struct proc *p, uint32_t flags, struct file **out);

/* The end of a thread that is not its process's first, for who has a pidfd of
 * it; counted. */
struct thread_end;
/* NULL: out of memory. */
struct thread_end *thread_end_new(void);
void thread_end_put(struct thread_end *e);
/* One of a thread of p, by what thread->end is or will be, which it counts. */
int pidfd_new_of(struct proc *p, struct thread_end *e, uint32_t flags,
                 struct file **out);
/* The same by the thread's number. -ESRCH, -ENOMEM. */
int pidfd_new_thread(int tid, uint32_t flags, struct file **out);
/* t is new, and e its end, whose reference is taken; NULL: nobody asks. */
void pidfd_thread_begins(struct thread *t, struct thread_end *e);
/* t has ended, or goes on as its process's first thread. [L] */
void pidfd_thread_ends(struct thread *t);

/* The process behind f, borrowed from it; NULL: f is no pidfd. */
struct proc *pidfd_proc(struct file *f);
/* The number of what f, a pidfd, stands for; -1: it has none any more. */
int pidfd_number(struct file *f);
/* Whether f, a pidfd, stands for one thread. */
bool pidfd_is_thread(struct file *f);
/* The thread that it stands for; NULL: it has ended. [L] */
struct thread *pidfd_thread(struct file *f);

#endif
