/* SPDX-License-Identifier: MIT
 *
 * System V shared memory: shmget, shmat, shmdt, shmctl (kernel/ipc/shm.c).
 */
#include "kernel/sys/table.h"
#include "kernel/core/sched.h"
#include "kernel/ipc/ipc.h"
#include "kernel/mm/mm.h"
#include "abi/linux/errno.h"

long sys_shmget(const struct sysargs *a)
{
    return shm_get(arg_int(a, 0), arg_u64(a, 1), arg_int(a, 2));
}

long sys_shmat(const struct sysargs *a)
{
    uint64_t addr;
    int err = shm_attach(current_task()->mm, arg_int(a, 0), arg_u64(a, 1),
                         arg_int(a, 2), &addr);

    return err ? err : (long)addr;
}

long sys_shmdt(const struct sysargs *a)
{
    return shm_detach(current_task()->mm, arg_u64(a, 0));
}

static long give_stat(int result, const struct shmid64_ds *ds, struct uptr to)
{
    return result >= 0 && copy_to_user(to, ds, sizeof(*ds)) ? -EFAULT : result;
}

static long set_segment(int id, struct uptr from)
{
    struct shmid64_ds ds;
    int err = copy_from_user(&ds, from, sizeof(ds));

    return err ? err : shm_set(id, &ds.perm);
}

static long give_limits(struct uptr to)
{
    struct shminfo64 info;
    int last = shm_limits(&info);

    return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : last;
}

static long give_totals(struct uptr to)
{
    struct shm_info info;
    int last = shm_totals(&info);

    return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : last;
}

long sys_shmctl(const struct sysargs *a)
{
    int id = arg_int(a, 0), cmd = arg_int(a, 1);
    struct uptr p = arg_ptr(a, 2);
    struct shmid64_ds ds;

    if (id < 0 || cmd < 0) {
        return -EINVAL;
    }
    switch (cmd) {
    case IPC_STAT:
        return give_stat(shm_stat(id, &ds), &ds, p);
    case SHM_STAT:
    case SHM_STAT_ANY:
        return give_stat(shm_stat_slot(id, cmd == SHM_STAT_ANY, &ds), &ds, p);
    case IPC_SET:
        return set_segment(id, p);
    case IPC_RMID:
        return shm_remove(id);
    case SHM_LOCK:
    case SHM_UNLOCK:
        return shm_lock(id, cmd == SHM_LOCK);
    case IPC_INFO:
        return give_limits(p);
    case SHM_INFO:
        return give_totals(p);
    default:
        return -EINVAL;
    }
}
