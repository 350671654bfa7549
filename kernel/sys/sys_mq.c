/* SPDX-License-Identifier: MIT
 *
 * POSIX message queues: mq_open, mq_unlink, mq_timedsend, mq_timedreceive,
 * mq_notify, mq_getsetattr (kernel/ipc/mqueue.c, mq_file.c).
 */
#include "kernel/sys/user_path.h"
#include "kernel/sys/convert.h"
#include "kernel/ipc/ipc.h"
#include "kernel/fs/file.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "abi/linux/signal.h"

enum { SIGEVENT_SIZE = 64, NOTIFY_SIGNAL = 0, NOTIFY_NONE = 1 };

static int open_queue(const struct sysargs *a, const char *name,
                      struct file **out)
{
    struct linux_mq_attr attr;
    bool given = arg_u64(a, 3) != 0;

    if (given && copy_from_user(&attr, arg_ptr(a, 3), sizeof(attr))) {
        return -EFAULT;
    }
    return mq_open(name, arg_uint(a, 1), arg_uint(a, 2), given ? &attr : NULL,
                   out);
}

long sys_mq_open(const struct sysargs *a)
{
    struct user_path name;
    struct file *f;
    int fd, err = user_path_get(&name, arg_ptr(a, 0));

    if (err) {
        return err;
    }
    err = open_queue(a, name.text, &f);
    user_path_put(&name);
    if (err) {
        return err;
    }
    fd = fd_install(f, 0, true);
    if (fd < 0) {
        file_put(f);
    }
    return fd;
}

long sys_mq_unlink(const struct sysargs *a)
{
    struct user_path name;
    int err = user_path_get(&name, arg_ptr(a, 0));

    if (!err) {
        err = mq_unlink(name.text);
        user_path_put(&name);
    }
    return err;
}

/* An absolute time of the real-time clock; none: for ever. */
static int deadline_of(struct uptr from, uint64_t *deadline)
{
    int64_t ns, left;
    int err;

    *deadline = DEADLINE_NONE;
    if (!from.addr) {
        return 0;
    }
    err = get_user_timespec(&ns, from);
    if (err) {
        return err;
    }
    left = ns - clock_realtime();
    *deadline = left > 0 ? (uint64_t)ns_add((int64_t)clock_now(), left) : 1;
    return 0;
}

long sys_mq_timedsend(const struct sysargs *a)
{
    uint64_t len = arg_u64(a, 2), deadline;
    struct message *m = NULL;
    struct linux_mq_attr now;
    struct fd fd;
    int err = deadline_of(arg_ptr(a, 4), &deadline);

    if (!err && arg_uint(a, 3) >= MQ_PRIO_MAX) {
        err = -EINVAL;
    }
    err = err ? err : fd_get_io(arg_int(a, 0), &fd);
    if (err) {
        return err;
    }
    err = fd.file->mode & FILE_WRITE ? mq_attr(fd.file, NULL, &now) : -EBADF;
    if (!err && len > (uint64_t)now.msgsize) {
        err = -EMSGSIZE;
    }
    if (!err) {
        m = message_new(len);
        err = m ? copy_from_user(m->data, arg_ptr(a, 1), len) : -ENOMEM;
    }
    if (!err) {
        m->type = arg_uint(a, 3);
        err = mq_send(fd.file, m, deadline);
    }
    if (err) {
        kfree(m);
    }
    fd_put(&fd);
    return err;
}

static long give(const struct sysargs *a, const struct message *m)
{
    if (copy_to_user(arg_ptr(a, 1), m->data, m->len) ||
        (arg_u64(a, 3) && put_user32(arg_ptr(a, 3), (uint32_t)m->type))) {
        return -EFAULT;
    }
    return (long)m->len;
}

long sys_mq_timedreceive(const struct sysargs *a)
{
    struct message *m;
    uint64_t deadline;
    struct fd fd;
    long n = deadline_of(arg_ptr(a, 4), &deadline);

    n = n ? n : fd_get_io(arg_int(a, 0), &fd);
    if (n) {
        return n;
    }
    n = mq_receive(fd.file, arg_u64(a, 2), &m, deadline);
    fd_put(&fd);
    if (!n) {
        n = give(a, m);
        kfree(m);
    }
    return n;
}

/* struct sigevent: value, signo, notify. By a thread is glibc's affair, which
 * wants a netlink socket for it: there is none. */
static int signal_of(struct uptr event, int *signo, uint64_t *value)
{
    struct {
        uint64_t value;
        int32_t signo, notify;
        uint8_t rest[SIGEVENT_SIZE - 16];
    } e;

    if (copy_from_user(&e, event, sizeof(e))) {
        return -EFAULT;
    }
    if (e.notify == NOTIFY_NONE) {
        *signo = 0;
        return 0;
    }
    if (e.notify != NOTIFY_SIGNAL || e.signo < 0 || e.signo > 64) {
        return -EINVAL;
    }
    *signo = e.signo;
    *value = e.value;
    return 0;
}

long sys_mq_notify(const struct sysargs *a)
{
    uint64_t value = 0;
    struct fd fd;
    int signo = -1, err = 0;

    if (arg_u64(a, 1)) {
        err = signal_of(arg_ptr(a, 1), &signo, &value);
    }
    err = err ? err : fd_get_io(arg_int(a, 0), &fd);
    if (!err) {
        err = mq_notify(fd.file, signo, value);
        fd_put(&fd);
    }
    return err;
}

long sys_mq_getsetattr(const struct sysargs *a)
{
    struct linux_mq_attr attr, old;
    bool set = arg_u64(a, 1) != 0;
    struct fd fd;
    int err;

    if (set && copy_from_user(&attr, arg_ptr(a, 1), sizeof(attr))) {
        return -EFAULT;
    }
    err = fd_get_io(arg_int(a, 0), &fd);
    if (err) {
        return err;
    }
    err = mq_attr(fd.file, set ? &attr.flags : NULL, &old);
    fd_put(&fd);
    if (!err && arg_u64(a, 2) &&
        copy_to_user(arg_ptr(a, 2), &old, sizeof(old))) {
        err = -EFAULT;
    }
    return err;
}
