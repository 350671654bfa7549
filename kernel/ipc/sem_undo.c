/* SPDX-License-Identifier: MIT
 *
 * SEM_UNDO (semop(2)): what a process has done to semaphores is taken back
 * when it ends. A record an owner and set hangs on the set. An owner is a
 * process, or several that were made with CLONE_SYSVSEM; threads of a process
 * share it in any case, as libcs make them. Its address stands for it until
 * ipc_exit() has gone through all sets.
 */
#include "kernel/ipc/sem.h"
#include "kernel/fs/current.h"
#include "kernel/mm/heap.h"

struct sem_owner {
    uint32_t refs; /* processes; atomic */
};

static uint32_t record_count; /* of all sets; atomic */

/* p's, made if need be. -ENOMEM. */
static int owner_of(struct proc *p, struct sem_owner **out)
{
    struct sem_owner *fresh, *none = NULL;

    *out = atomic_load(&p->sem_owner);
    if (*out) {
        return 0;
    }
    fresh = kzalloc(sizeof(*fresh));
    if (!fresh) {
        return -ENOMEM;
    }
    fresh->refs = 1;
    if (atomic_cas(&p->sem_owner, &none, fresh)) {
        *out = fresh;
    } else { /* another thread was quicker */
        *out = none;
        kfree(fresh);
    }
    return 0;
}

int ipc_share_undo(struct proc *from, struct proc *to)
{
    int err = owner_of(from, &to->sem_owner);

    if (!err) {
        atomic_fetch_add(&to->sem_owner->refs, 1);
    }
    return err;
}

/* [set] */
static struct sem_undo *look(struct sem_set *s, const struct sem_owner *owner)
{
    list_for_each (pos, &s->undos) {
        struct sem_undo *u = list_entry(pos, struct sem_undo, node);

        if (u->owner == owner) {
            return u;
        }
    }
    return NULL;
}

int sem_undo_find(struct sem_set *s, struct sem_undo **out)
{
    struct sem_undo *fresh;
    struct sem_owner *owner;
    int err = owner_of(current_proc(), &owner);

    if (err) {
        return err;
    }
    spin_lock(&s->object.lock);
    *out = look(s, owner);
    spin_unlock(&s->object.lock);
    if (*out) {
        return 0;
    }
    fresh = kzalloc(sizeof(*fresh) + s->count * sizeof(fresh->adjust[0]));
    if (!fresh) {
        return -ENOMEM;
    }
    fresh->owner = owner;
    spin_lock(&s->object.lock);
    *out = look(s, owner); /* another thread may have been quicker */
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

static void exit_set(struct sem_set *s, const struct sem_owner *owner, int pid)
{
    struct sem_undo *u;

    spin_lock(&s->object.lock);
    u = look(s, owner);
    if (u) {
        list_del(&u->node);
        atomic_fetch_sub(&record_count, 1);
        if (!s->object.removed) {
            settle(s, u, pid);
        }
    }
    spin_unlock(&s->object.lock);
    kfree(u);
}

/* Nobody owes it any more. */
static void settle_all(const struct sem_owner *owner, int pid)
{
    struct ipc_object *o;
    int slot = -1;

    if (!atomic_load(&record_count)) {
        return;
    }
    while ((slot = ipc_next_slot(&sem_ids, slot + 1)) >= 0) {
        if (ipc_find_slot(&sem_ids, slot, &o) == 0) {
            exit_set(container_of(o, struct sem_set, object), owner, pid);
            ipc_put(&sem_ids, o);
        }
    }
}

void ipc_exit(struct proc *p)
{
    struct sem_owner *owner = p->sem_owner;

    p->sem_owner = NULL;
    if (owner && atomic_sub_fetch(&owner->refs, 1) == 0) {
        settle_all(owner, p->pid);
        kfree(owner);
    }
}
