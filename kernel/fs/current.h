/* SPDX-License-Identifier: MIT
 *
 * What files need of the task that runs: its table, its view, its limits and
 * a way to signal it. The one place where fs/ looks up at proc/ and signal/;
 * procfs.c and signalfd.c, which show those rooms, aside.
 */
#ifndef KERNEL_FS_CURRENT_H
#define KERNEL_FS_CURRENT_H

#include "kernel/proc/proc.h"

static inline struct files *current_files(void)
{
    return current_thread()->files;
}

/* Of the kernel's own tasks, and of the first process while it has none
 * (init.c). */
extern struct fs_view *boot_view;

static inline struct fs_view *current_view(void)
{
    struct thread *t = current_thread();

    return likely(t && t->view) ? t->view : boot_view;
}

/* getrlimit(2)'s soft limit. */
enum { FS_LIMIT_FSIZE = 1, FS_LIMIT_NOFILE = 7 };
static inline uint64_t current_limit(int which)
{
    struct thread *t = current_thread();

    return likely(t) ? t->proc->limits[which].cur : UINT64_MAX;
}

/* A file that stands for p, as pidfd_open(2) makes: one reference. */
int fs_pidfd(struct proc *p, struct file **out);

/* Sends signo to the current thread: SIGPIPE, SIGXFSZ. */
void current_signal(int signo);

#endif
