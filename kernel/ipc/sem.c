/* SPDX-License-Identifier: MIT
 *
 * System V semaphores (semop(2), semctl(2)). A set's lock guards its values,
 * its waiters and what SEM_UNDO owes. Operations of one call happen all at
 * once or not at all; who cannot go on waits in a list, oldest first, and is
 * tried again by whoever changes a value: the waker does the waiter's work,
 * so nobody overtakes.
 */
#include "kernel/ipc/sem.h"
#include "kernel/core/timer.h"
#include "kernel/core/wait.h"
#include "kernel/mm/heap.h"

static void sem_free(struct ipc_object *o);

static const struct tunable sem_most = {32000, 0, IPC_SLOTS}; /* SEMMNI */
struct ipc_ids sem_ids = IPC_IDS_INIT(&sem_most, &tunable_sem_next, sem_free);

static struct sem_set *set_of(struct ipc_object *o)
{
    return container_of(o, struct sem_set, object);
}

/* What SEM_UNDO owes stays reachable until the set is gone. */
static void sem_free(struct ipc_object *o)
{
    struct sem_set *s = set_of(o);

    sem_undo_drop(s);
    kfree(s);
}

int sem_get(int32_t key, int count, int flags)
{
    struct ipc_object *o;
    struct sem_set *s;
    int err;

    if (count < 0 || count > SEM_COUNT_MOST) {
        return -EINVAL;
    }
    for (;;) {
        err = ipc_open(&sem_ids, key, flags, &o);
        if (err <= 0) {
            break;
        }
        if (!count) {
            return -EINVAL;
        }
        s = kzalloc(sizeof(*s) + count * sizeof(s->sems[0]));
        if (!s) {
            return -ENOMEM;
        }
        s->count = count;
        s->ctime = ipc_now();
        list_init(&s->waiters);
        list_init(&s->undos);
        err = ipc_add(&sem_ids, &s->object, key, flags);
        if (err != -EEXIST) {
            if (err < 0) {
                kfree(s);
            }
            return err;
        }
        kfree(s);
    }
    if (!err) {
        err = (unsigned)count > set_of(o)->count ? -EINVAL : o->id;
        ipc_put(&sem_ids, o);
    }
    return err;
}

/* ---- operations ---- */

struct waiting {
    struct list node; /* in set->waiters */
    const struct sembuf *ops;
    unsigned count, blocked; /* blocked: the operation that has to wait */
    struct sem_undo *undo;   /* NULL: nothing to owe */
    int pid;
    uint32_t done; /* atomic: result says how it ended */
    int result;
    struct wait_queue queue;
};

static void take_back(struct sem_set *s, struct waiting *w, unsigned count)
{
    while (count--) {
        const struct sembuf *op = &w->ops[count];

        s->sems[op->num].value -= op->op;
        if (op->flags & SEM_UNDO) {
            w->undo->adjust[op->num] += op->op;
        }
    }
}

static int try_one(struct sem_set *s, struct waiting *w,
                   const struct sembuf *op)
{
    int value = s->sems[op->num].value, result = value + op->op;

    if (result < 0 || (!op->op && value)) {
        return op->flags & IPC_NOWAIT ? -EAGAIN : 1;
    }
    if (result > SEM_VALUE_MOST) {
        return -ERANGE;
    }
    if (op->flags & SEM_UNDO) {
        int adjust = w->undo->adjust[op->num] - op->op;

        if (adjust < -SEM_VALUE_MOST - 1 || adjust > SEM_VALUE_MOST) {
            return -ERANGE;
        }
        w->undo->adjust[op->num] = (int16_t)adjust;
    }
    s->sems[op->num].value = result;
    return 0;
}

/* 0, -errno, or 1: has to wait. [set] */
static int try_all(struct sem_set *s, struct waiting *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        int err = try_one(s, w, &w->ops[i]);

        if (err) {
            take_back(s, w, i);
            w->blocked = i;
            return err;
        }
    }
    for (unsigned i = 0; i < w->count; i++) {
        s->sems[w->ops[i].num].pid = w->pid;
    }
    s->otime = ipc_now();
    return 0;
}

/* The waiter may be gone as soon as the set's lock is let go. [set] */
static void finish(struct waiting *w, int result)
{
    list_del(&w->node);
    w->result = result;
    atomic_store_release(&w->done, 1);
    wait_wake_all(&w->queue);
}

static bool alters(const struct waiting *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        if (w->ops[i].op) {
            return true;
        }
    }
    return false;
}

void sem_retry(struct sem_set *s)
{
    bool again = true;

    while (again) {
        again = false;
        list_for_each_safe (pos, &s->waiters) {
            struct waiting *w = list_entry(pos, struct waiting, node);
            int err = try_all(s, w);

            if (err <= 0) {
                again = !err && alters(w);
                finish(w, err);
            }
            if (again) {
                break;
            }
        }
    }
}

static int check_ops(const struct sem_set *s, const struct waiting *w,
                     bool *undo)
{
    for (unsigned i = 0; i < w->count; i++) {
        if (w->ops[i].num >= s->count) {
            return -EFBIG;
        }
        *undo |= w->ops[i].flags & SEM_UNDO;
    }
    return ipc_permitted(&s->object, alters(w) ? 0222 : 0444);
}

/* With the set's lock held, and again on return. */
static int wait_for(struct sem_set *s, struct waiting *w, uint64_t deadline)
{
    int err;

    list_add_tail(&s->waiters, &w->node);
    spin_unlock(&s->object.lock);
    err = wait_event(&w->queue, atomic_load_acquire(&w->done), deadline,
                     WAIT_INTR);
    spin_lock(&s->object.lock);
    if (w->done) {
        return w->result;
    }
    list_del(&w->node);
    return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

static int operate(struct sem_set *s, struct waiting *w, uint64_t deadline)
{
    bool undo = false;
    int err = check_ops(s, w, &undo);

    if (!err && undo) {
        err = sem_undo_find(s, &w->undo);
    }
    if (err) {
        return err;
    }
    spin_lock(&s->object.lock);
    err = s->object.removed ? -EIDRM : try_all(s, w);
    if (err > 0) {
        err = wait_for(s, w, deadline);
    } else if (!err && alters(w)) {
        sem_retry(s);
    }
    spin_unlock(&s->object.lock);
    return err;
}

int sem_operate(int id, const struct sembuf *ops, unsigned count,
                uint64_t deadline)
{
    struct waiting w = {.ops = ops, .count = count, .pid = ipc_pid()};
    struct ipc_object *o;
    int err;

    if (count < 1) {
        return -EINVAL;
    }
    if (count > SEM_OPS_MOST) {
        return -E2BIG;
    }
    err = ipc_find(&sem_ids, id, &o);
    if (err) {
        return err;
    }
    list_init(&w.node);
    wait_queue_init(&w.queue);
    err = operate(set_of(o), &w, deadline);
    ipc_put(&sem_ids, o);
    return err;
}

/* ---- control ---- */

/* As ipc_lock(); unlock() undoes it. */
static int lock_set(int id, int want, struct sem_set **out)
{
    struct ipc_object *o;
    int err = ipc_lock(&sem_ids, id, want, &o);

    if (!err) {
        *out = set_of(o);
    }
    return err;
}

static void unlock(struct sem_set *s)
{
    ipc_unlock(&sem_ids, &s->object);
}

static void fill_stat(const struct sem_set *s, struct semid64_ds *out)
{
    *out = (struct semid64_ds){
        .otime = s->otime, .ctime = s->ctime, .nsems = s->count};
    ipc_stat(&s->object, &out->perm);
}

int sem_stat(int id, struct semid64_ds *out)
{
    struct sem_set *s;
    int err = lock_set(id, 0444, &s);

    if (!err) {
        fill_stat(s, out);
        unlock(s);
    }
    return err;
}

int sem_stat_slot(int slot, bool any, struct semid64_ds *out)
{
    struct ipc_object *o;
    int err = ipc_lock_slot(&sem_ids, slot, any, &o);

    if (!err) {
        fill_stat(set_of(o), out);
        err = o->id;
        ipc_unlock(&sem_ids, o);
    }
    return err;
}

int sem_set(int id, const struct ipc64_perm *p)
{
    struct sem_set *s;
    int err = lock_set(id, 0, &s);

    if (!err) {
        ipc_set(&s->object, p);
        s->ctime = ipc_now();
        unlock(s);
    }
    return err;
}

int sem_remove(int id)
{
    struct sem_set *s;
    int err = lock_set(id, 0, &s);

    if (!err) {
        err = ipc_remove(&sem_ids, &s->object) ? 0 : -EIDRM;
        list_for_each_safe (pos, &s->waiters) {
            finish(list_entry(pos, struct waiting, node), -EIDRM);
        }
        unlock(s);
    }
    return err;
}

static int count_waiters(const struct sem_set *s, int number, bool for_zero)
{
    int n = 0;

    list_for_each (pos, &s->waiters) {
        const struct waiting *w = list_entry(pos, struct waiting, node);
        const struct sembuf *op = &w->ops[w->blocked];

        n += op->num == number && (op->op == 0) == for_zero;
    }
    return n;
}

int sem_query(int id, int number, int what)
{
    struct sem_set *s;
    int err = lock_set(id, 0444, &s);

    if (err) {
        return err;
    }
    if (number < 0 || (unsigned)number >= s->count) {
        err = -EINVAL;
    } else if (what == GETVAL) {
        err = s->sems[number].value;
    } else if (what == GETPID) {
        err = s->sems[number].pid;
    } else {
        err = count_waiters(s, number, what == GETZCNT);
    }
    unlock(s);
    return err;
}

static void put_value(struct sem_set *s, int number, int value)
{
    s->sems[number].value = value;
    s->sems[number].pid = ipc_pid();
    sem_undo_clear(s, number);
}

int sem_set_value(int id, int number, int value)
{
    struct sem_set *s;
    int err =
        value < 0 || value > SEM_VALUE_MOST ? -ERANGE : lock_set(id, 0222, &s);

    if (err) {
        return err;
    }
    if (number < 0 || (unsigned)number >= s->count) {
        err = -EINVAL;
    } else {
        put_value(s, number, value);
        s->ctime = ipc_now();
        sem_retry(s);
    }
    unlock(s);
    return err;
}

int sem_count(int id)
{
    struct ipc_object *o;
    int err = ipc_find(&sem_ids, id, &o);

    if (!err) {
        err = (int)set_of(o)->count;
        ipc_put(&sem_ids, o);
    }
    return err;
}

int sem_get_all(int id, uint16_t *values, unsigned count)
{
    struct sem_set *s;
    int err = lock_set(id, 0444, &s);

    if (err) {
        return err;
    }
    err = count == s->count ? 0 : -EINVAL;
    for (unsigned i = 0; i < count && !err; i++) {
        values[i] = (uint16_t)s->sems[i].value;
    }
    unlock(s);
    return err;
}

int sem_set_all(int id, const uint16_t *values, unsigned count)
{
    struct sem_set *s;
    int err = 0;

    for (unsigned i = 0; i < count && !err; i++) {
        err = values[i] > SEM_VALUE_MOST ? -ERANGE : 0;
    }
    err = err ? err : lock_set(id, 0222, &s);
    if (err) {
        return err;
    }
    err = count == s->count ? 0 : -EINVAL;
    for (unsigned i = 0; i < count && !err; i++) {
        put_value(s, (int)i, values[i]);
    }
    if (!err) {
        s->ctime = ipc_now();
        sem_retry(s);
    }
    unlock(s);
    return err;
}

int sem_info(struct seminfo *out, bool used)
{
    int slot = -1, last = 0, sems = 0;
    struct ipc_object *o;

    while ((slot = ipc_next_slot(&sem_ids, slot + 1)) >= 0) {
        last = slot;
        if (!ipc_find_slot(&sem_ids, slot, &o)) {
            sems += (int)set_of(o)->count;
            ipc_put(&sem_ids, o);
        }
    }
    *out = (struct seminfo){.semmap = 1024000000,
                            .semmni = 32000,
                            .semmns = 1024000000,
                            .semmnu = 1024000000,
                            .semmsl = SEM_COUNT_MOST,
                            .semopm = SEM_OPS_MOST,
                            .semume = SEM_OPS_MOST,
                            .semusz = used ? (int)sem_ids.used : 20,
                            .semvmx = SEM_VALUE_MOST,
                            .semaem = used ? sems : SEM_VALUE_MOST};
    return last;
}
