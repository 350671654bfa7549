/* SPDX-License-Identifier: MIT
 *
 * SEM_UNDO (semop(2)): what a process has done to semaphores is taken back
 * when it ends. A record a process and set hangs on the set, found by the
 * process's address, which is its own until ipc_exit() has gone through all
 * sets. Threads of a process share it, children do not (CLONE_SYSVSEM as
 * libcs use it).
 */
#include "kernel/ipc/sem.h"
#include "kernel/fs/current.h"
#include "kernel/mm/heap.h"

static uint32_t record_count; /* of all sets; atomic */

/* [set] */
static struct sem_undo *look(struct sem_set *s, const struct proc *p)
{
    list_for_each (pos, &s->undos) {
        struct sem_undo *u = list_entry(pos, struct sem_undo, node);

        if (u->proc == p) {
            return u;
        }
    }
    return NULL;
}

int sem_undo_find(struct sem_set *s, struct sem_undo **out)
{
    struct sem_undo *fresh;

    spin_lock(&s->object.lock);
    *out = look(s, current_proc());
    spin_unlock(&s->object.lock);
    if (*out) {
        return 0;
    }
    fresh = kzalloc(sizeof(*fresh) + s->count * sizeof(fresh->adjust[0]));
    if (!fresh) {
        return -ENOMEM;
    }
    fresh->proc = current_proc();
    spin_lock(&s->object.lock);
    *out = look(s, current_proc()); /* another thread may have been quicker */
    if (!*out) {
        list_add(&s->undos, &fresh->node);
        atomic_fetch_add(&record_count, 1);
        *out = fresh;
        fresh = NULL;
    }
    spin_unlock(&s->object.lock);
    kfree(fresh);
    return 0;
}

void sem_undo_clear(struct sem_set *s, int number)
{
    list_for_each (pos, &s->undos) {
        list_entry(pos, struct sem_undo, node)->adjust[number] = 0;
    }
}

void sem_undo_drop(struct sem_set *s)
{
    list_for_each_safe (pos, &s->undos) {
        list_del(pos);
        kfree(list_entry(pos, struct sem_undo, node));
        atomic_fetch_sub(&record_count, 1);
    }
}

/* [set] */
static void settle(struct sem_set *s, struct sem_undo *u, int pid)
{
    for (unsigned i = 0; i < s->count; i++) {
        int value = s->sems[i].value + u->adjust[i];

        if (u->adjust[i]) {
            s->sems[i].value = MAX(0, MIN(value, (int)SEM_VALUE_MOST));
            s->sems[i].pid = pid;
        }
    }
    s->otime = ipc_now();
    sem_retry(s);
}

static void exit_set(struct sem_set *s, const struct proc *p)
{
    struct sem_undo *u;

    spin_lock(&s->object.lock);
    u = look(s, p);
    if (u) {
        list_del(&u->node);
        atomic_fetch_sub(&record_count, 1);
        if (!s->object.removed) {
            settle(s, u, p->pid);
        }
    }
    spin_unlock(&s->object.lock);
    kfree(u);
}

void ipc_exit(struct proc *p)
{
    struct ipc_object *o;
    int slot = -1;

    if (!atomic_load(&record_count)) {
        return;
    }
    while ((slot = ipc_next_slot(&sem_ids, slot + 1)) >= 0) {
        if (ipc_find_slot(&sem_ids, slot, &o) == 0) {
            exit_set(container_of(o, struct sem_set, object), p);
            ipc_put(&sem_ids, o);
        }
    }
}
