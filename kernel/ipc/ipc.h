/* SPDX-License-Identifier: MIT
 *
 * Objects between processes that are no files: System V shared memory,
 * semaphores and message queues (sysvipc(7)), and POSIX message queues, which
 * are files of a small file system (mq_overview(7)). There is one namespace.
 *
 * kernel/sys/ copies arguments in and out; everything here takes kernel
 * memory. Each kind's file says what guards it.
 */
#ifndef KERNEL_IPC_IPC_H
#define KERNEL_IPC_IPC_H

#include "lib/types.h"
#include "lib/list.h"
#include "kernel/core/lock.h"
#include "abi/linux/ipc.h"

struct file;
struct mm;
struct proc;
struct superblock;

/* Boot, with the files: /dev/mqueue. */
int ipc_init(void);
/* The last thread of p ends, or it is by itself from now on (unshare(2)): what
 * SEM_UNDO owes, unless another process shares it. */
void ipc_exit(struct proc *p);
/* CLONE_SYSVSEM: to, not started yet, owes what from owes. -ENOMEM. */
int ipc_share_undo(struct proc *from, struct proc *to);

/* ---- shared memory (shm.c) ---- */

/* An identifier, or -EINVAL, -ENOENT, -EEXIST, -EACCES, -ENOSPC, -ENOMEM. */
int shm_get(int32_t key, uint64_t size, int flags);
/* shmat(2), shmdt(2) in mm. One address for everybody: another one asked for
 * is -ENOMEM; attached twice, it is there once, to be detached twice. */
int shm_attach(struct mm *mm, int id, uint64_t addr, int flags,
               uint64_t *result);
int shm_detach(struct mm *mm, uint64_t addr);
int shm_stat(int id, struct shmid64_ds *out);
/* *_stat_slot: by slot of the table, as ipcs(1) looks; any: without asking
 * for permission. Returns the identifier. */
int shm_stat_slot(int slot, bool any, struct shmid64_ds *out);
int shm_set(int id, const struct ipc64_perm *p);
int shm_remove(int id);
int shm_lock(int id, bool on);
/* IPC_INFO and SHM_INFO: the highest slot in use. */
int shm_limits(struct shminfo64 *out);
int shm_totals(struct shm_info *out);

/* ---- semaphores (sem.c) ---- */

enum { SEM_OPS_MOST = 500, SEM_VALUE_MOST = 32767, SEM_COUNT_MOST = 32000 };

int sem_get(int32_t key, int count, int flags);
/* semtimedop(2); deadline in ns of clock_now(), 0: none. Blocks. -EAGAIN,
 * -EIDRM, -EINTR, -EFBIG, -ERANGE, -E2BIG, -EACCES. */
int sem_operate(int id, const struct sembuf *ops, unsigned count,
                uint64_t deadline);
int sem_stat(int id, struct semid64_ds *out);
int sem_stat_slot(int slot, bool any, struct semid64_ds *out);
int sem_set(int id, const struct ipc64_perm *p);
int sem_remove(int id);
/* GETVAL, GETPID, GETNCNT, GETZCNT. */
int sem_query(int id, int number, int what);
int sem_set_value(int id, int number, int value);
/* GETALL and SETALL: as many values as the set has semaphores, which
 * sem_count() tells: -EINVAL when it is another. */
int sem_count(int id);
int sem_get_all(int id, uint16_t *values, unsigned count);
int sem_set_all(int id, const uint16_t *values, unsigned count);
/* IPC_INFO, or SEM_INFO (used true). */
int sem_info(struct seminfo *out, bool used);

/* ---- messages (msg.c) ---- */

struct message {
    struct list node;
    int64_t type; /* priority, in a POSIX queue */
    uint64_t len;
    char data[];
};
/* NULL: no memory. kfree() ends it. */
struct message *message_new(uint64_t len);

int msg_get(int32_t key, int flags);
/* Takes m when it succeeds. Blocks. -EAGAIN, -EIDRM, -EINTR, -EACCES. */
int msg_send(int id, struct message *m, int flags);
/* *out is the caller's; at most `most` bytes of it count. -ENOMSG, -E2BIG. */
int msg_receive(int id, int64_t type, uint64_t most, int flags,
                struct message **out);
int msg_stat(int id, struct msqid64_ds *out);
int msg_stat_slot(int slot, bool any, struct msqid64_ds *out);
int msg_set(int id, const struct ipc64_perm *p, uint64_t bytes);
int msg_remove(int id);
int msg_info(struct msginfo *out, bool used);

/* ---- POSIX message queues (mqueue.c, mq_file.c) ---- */

/* mq_open(3) without the slash; attr NULL: the defaults. */
int mq_open(const char *name, uint32_t flags, uint32_t mode,
            const struct linux_mq_attr *attr, struct file **out);
int mq_unlink(const char *name);
/* -EBADF: f is no queue, or not open for that. deadline in ns of clock_now(),
 * 0: none. Block. send takes m when it succeeds. */
int mq_send(struct file *f, struct message *m, uint64_t deadline);
int mq_receive(struct file *f, uint64_t room, struct message **out,
               uint64_t deadline);
/* signo: what to send; 0: nothing, but the place is taken; -1: give it up. */
/* Who is to be told by other means than a signal: tell() is called once, and
 * the watcher is its own from then on. */
struct mq_watcher {
    void (*tell)(struct mq_watcher *w, bool removed);
};
int mq_notify(struct file *f, int signo, uint64_t value);
/* Takes w, unless it fails. */
int mq_notify_by(struct file *f, struct mq_watcher *w);
/* flags NULL: only asks; else O_NONBLOCK or not. */
int mq_attr(struct file *f, const int64_t *flags, struct linux_mq_attr *old);
int mqueue_mount(struct superblock **out);

#endif
