/* SPDX-License-Identifier: MIT
 *
 * System V semaphores: semget, semop, semtimedop, semctl (kernel/ipc/sem.c).
 */
#include "kernel/sys/table.h"
#include "kernel/sys/convert.h"
#include "kernel/ipc/ipc.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"

long sys_semget(const struct sysargs *a)
{
    return sem_get(arg_int(a, 0), arg_int(a, 1), arg_int(a, 2));
}

static long operate(const struct sysargs *a, uint64_t deadline)
{
    enum { FEW = 8 };
    unsigned count = arg_uint(a, 2);
    struct sembuf few[FEW], *ops = few;
    int err;

    if (arg_u64(a, 2) < 1) {
        return -EINVAL;
    }
    if (arg_u64(a, 2) > SEM_OPS_MOST) {
        return -E2BIG;
    }
    if (count > FEW) {
        ops = kmalloc(count * sizeof(*ops));
        if (!ops) {
            return -ENOMEM;
        }
    }
    err = copy_from_user(ops, arg_ptr(a, 1), count * sizeof(*ops));
    if (!err) {
        err = sem_operate(arg_int(a, 0), ops, count, deadline);
    }
    if (ops != few) {
        kfree(ops);
    }
    return err;
}

long sys_semop(const struct sysargs *a)
{
    return operate(a, DEADLINE_NONE);
}

long sys_semtimedop(const struct sysargs *a)
{
    int64_t ns;
    int err;

    if (!arg_u64(a, 3)) {
        return operate(a, DEADLINE_NONE);
    }
    err = get_user_timespec(&ns, arg_ptr(a, 3));
    return err ? err : operate(a, ns_add((int64_t)clock_now(), ns));
}

/* ---- semctl ---- */

static long give_stat(int result, const struct semid64_ds *ds, struct uptr to)
{
    return result >= 0 && copy_to_user(to, ds, sizeof(*ds)) ? -EFAULT : result;
}

static long set_set(int id, struct uptr from)
{
    struct semid64_ds ds;
    int err = copy_from_user(&ds, from, sizeof(ds));

    return err ? err : sem_set(id, &ds.perm);
}

static long give_info(struct uptr to, bool used)
{
    struct seminfo info;
    int last = sem_info(&info, used);

    return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : last;
}

/* GETALL, SETALL. */
static long all_values(int id, struct uptr p, bool set)
{
    uint16_t *values;
    unsigned count;
    int err = sem_count(id);

    if (err < 0) {
        return err;
    }
    count = err;
    values = kmalloc(count * sizeof(*values));
    if (!values) {
        return -ENOMEM;
    }
    if (set) {
        err = copy_from_user(values, p, count * sizeof(*values));
        err = err ? err : sem_set_all(id, values, count);
    } else {
        err = sem_get_all(id, values, count);
        if (!err && copy_to_user(p, values, count * sizeof(*values))) {
            err = -EFAULT;
        }
    }
    kfree(values);
    return err;
}

long sys_semctl(const struct sysargs *a)
{
    int id = arg_int(a, 0), number = arg_int(a, 1), cmd = arg_int(a, 2);
    struct uptr p = arg_ptr(a, 3);
    struct semid64_ds ds;

    if (id < 0) {
        return -EINVAL;
    }
    switch (cmd) {
    case IPC_STAT:
        return give_stat(sem_stat(id, &ds), &ds, p);
    case SEM_STAT:
    case SEM_STAT_ANY:
        return give_stat(sem_stat_slot(id, cmd == SEM_STAT_ANY, &ds), &ds, p);
    case IPC_SET:
        return set_set(id, p);
    case IPC_RMID:
        return sem_remove(id);
    case IPC_INFO:
    case SEM_INFO:
        return give_info(p, cmd == SEM_INFO);
    case GETALL:
    case SETALL:
        return all_values(id, p, cmd == SETALL);
    case SETVAL:
        return sem_set_value(id, number, (int)arg_u64(a, 3));
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
        return sem_query(id, number, cmd);
    default:
        return -EINVAL;
    }
}
