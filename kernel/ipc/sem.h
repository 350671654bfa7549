/* SPDX-License-Identifier: MIT
 *
 * Semaphore sets, between sem.c and sem_undo.c.
 */
#ifndef KERNEL_IPC_SEM_H
#define KERNEL_IPC_SEM_H

#include "kernel/ipc/ids.h"
#include "lib/list.h"

struct sem_set {
    struct ipc_object object; /* its lock guards everything */
    unsigned count;
    int64_t otime, ctime;
    struct list waiters; /* sem.c */
    struct list undos;   /* struct sem_undo */
    struct {
        int value, pid;
    } sems[];
};

/* What one process, or those that share it, owe to one set at the end. */
struct sem_undo {
    struct list node;
    const struct sem_owner *owner; /* its identity, no reference */
    int16_t adjust[];
};

extern struct ipc_ids sem_ids;

/* The current process's record, made if need be; set's lock not held. It
 * stays as long as the process. -ENOMEM. */
int sem_undo_find(struct sem_set *s, struct sem_undo **out);
/* SETVAL: nobody owes anything for that one any more. [set] */
void sem_undo_clear(struct sem_set *s, int number);
/* The set is freed. */
void sem_undo_drop(struct sem_set *s);
/* Values have changed: whoever can go on does. [set] */
void sem_retry(struct sem_set *s);

#endif
