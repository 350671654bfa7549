/* SPDX-License-Identifier: MIT
 *
 * System V message queues: msgget, msgsnd, msgrcv, msgctl (kernel/ipc/msg.c).
 * A message is in user memory a long, its type, and then its text.
 */
#include "kernel/sys/table.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/ipc/ipc.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"

long sys_msgget(const struct sysargs *a)
{
    return msg_get(arg_int(a, 0), arg_int(a, 1));
}

long sys_msgsnd(const struct sysargs *a)
{
    int id = arg_int(a, 0), flags = arg_int(a, 3), err;
    uint64_t len = arg_u64(a, 2), type;
    struct message *m;

    err = get_user64(&type, arg_ptr(a, 1));
    if (err) {
        return err;
    }
    if (len > (uint64_t)tunable(&tunable_msg_max) || id < 0 ||
        (int64_t)type < 1) {
        return -EINVAL;
    }
    m = message_new(len);
    if (!m) {
        return -ENOMEM;
    }
    m->type = (int64_t)type;
    err = copy_from_user(m->data, uptr_add(arg_ptr(a, 1), 8), len);
    if (!err) {
        err = msg_send(id, m, flags);
    }
    if (err) {
        kfree(m);
    }
    return err;
}

long sys_msgrcv(const struct sysargs *a)
{
    uint64_t room = arg_u64(a, 2);
    struct message *m;
    long n;

    if (arg_int(a, 0) < 0 || (int64_t)room < 0) {
        return -EINVAL;
    }
    n = msg_receive(arg_int(a, 0), arg_long(a, 3), room, arg_int(a, 4), &m);
    if (n) {
        return n;
    }
    n = MIN(m->len, room);
    if (put_user64(arg_ptr(a, 1), m->type) ||
        copy_to_user(uptr_add(arg_ptr(a, 1), 8), m->data, n)) {
        n = -EFAULT;
    }
    kfree(m);
    return n;
}

static long give_stat(int result, const struct msqid64_ds *ds, struct uptr to)
{
    return result >= 0 && copy_to_user(to, ds, sizeof(*ds)) ? -EFAULT : result;
}

static long set_queue(int id, struct uptr from)
{
    struct msqid64_ds ds;
    int err = copy_from_user(&ds, from, sizeof(ds));

    return err ? err : msg_set(id, &ds.perm, ds.qbytes);
}

static long give_info(struct uptr to, bool used)
{
    struct msginfo info;
    int last = msg_info(&info, used);

    return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : last;
}

long sys_msgctl(const struct sysargs *a)
{
    int id = arg_int(a, 0), cmd = arg_int(a, 1);
    struct uptr p = arg_ptr(a, 2);
    struct msqid64_ds ds;

    if (id < 0 || cmd < 0) {
        return -EINVAL;
    }
    switch (cmd) {
    case IPC_STAT:
        return give_stat(msg_stat(id, &ds), &ds, p);
    case MSG_STAT:
    case MSG_STAT_ANY:
        return give_stat(msg_stat_slot(id, cmd == MSG_STAT_ANY, &ds), &ds, p);
    case IPC_SET:
        return set_queue(id, p);
    case IPC_RMID:
        return msg_remove(id);
    case IPC_INFO:
    case MSG_INFO:
        return give_info(p, cmd == MSG_INFO);
    default:
        return -EINVAL;
    }
}
