/* SPDX-License-Identifier: MIT
 *
 * A POSIX message queue, between the file system that holds its name
 * (mqueue.c) and what its descriptors do (mq_file.c).
 */
#ifndef KERNEL_IPC_MQUEUE_H
#define KERNEL_IPC_MQUEUE_H

#include "kernel/ipc/ids.h"
#include "kernel/core/wait.h"
#include "kernel/fs/file.h"
#include "lib/list.h"

/* /proc/sys/fs/mqueue and the bounds for the privileged (mq_overview(7)). */
enum {
    MQ_COUNT_DEFAULT = 10,
    MQ_SIZE_DEFAULT = 8192,
    MQ_COUNT_HARD = 65536,
    MQ_SIZE_HARD = 16 << 20,
    MQ_QUEUES_MOST = 256,
};

struct mq {
    struct inode inode;
    struct list all;      /* every queue there is (mqueue.c) */
    uint64_t account;     /* bytes against RLIMIT_MSGQUEUE */
    uint64_t max, size;   /* messages, bytes of one; constant */
    struct spinlock lock; /* LOCK_PIPE: what follows */
    struct list messages; /* highest priority first, then oldest */
    uint64_t count, bytes;
    unsigned receivers;           /* that sleep */
    const struct proc *notify;    /* whom to tell of a message; identity */
    int notify_pid, notify_signo; /* signo 0: nothing is sent */
    uint64_t notify_value;
    struct mq_watcher *watcher; /* instead of a signal, or NULL */
    struct wait_queue changed;  /* senders, receivers, poll */
};

extern const struct file_ops mq_file_ops;

static inline struct mq *mq_of(struct inode *inode)
{
    return container_of(inode, struct mq, inode);
}

void mq_init(struct mq *q);
/* Frees the messages. */
void mq_empty(struct mq *q);

#endif
