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
#include "kernel/net/netlink/netlink.h"
#include "kernel/signal/signal.h"
#include "abi/linux/errno.h"
#include "abi/linux/signal.h"

enum {
    SIGEVENT_SIZE = 64,
    NOTIFY_SIGNAL = 0,
    NOTIFY_NONE = 1,
    NOTIFY_THREAD = 2,
    NOTIFY_COOKIE = 32,
    NOTIFY_WOKENUP = 1,
    NOTIFY_REMOVED = 2,
};

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

/* struct sigevent: value, signo, notify. */
struct sigevent {
    uint64_t value;
    int32_t signo, notify;
    uint8_t rest[SIGEVENT_SIZE - 16];
};

/* By a thread is the C library's affair: one waits at a netlink socket (signo)
 * for the 32 bytes at value, whose last one then says what happened. */
struct cookie {
    struct mq_watcher watcher;
    struct file *socket; /* counted */
    uint8_t bytes[NOTIFY_COOKIE];
};

static void cookie_tell(struct mq_watcher *w, bool removed)
{
    struct cookie *c = container_of(w, struct cookie, watcher);

    c->bytes[NOTIFY_COOKIE - 1] = removed ? NOTIFY_REMOVED : NOTIFY_WOKENUP;
    netlink_post(c->socket, c->bytes, NOTIFY_COOKIE); /* lost if it is full */
    file_put(c->socket);
    kfree(c);
}

static int cookie_make(const struct sigevent *e, struct cookie **out)
{
    struct cookie *c = kmalloc(sizeof(*c));
    struct fd fd;
    int err =
        c ? copy_from_user(c->bytes, uptr(e->value), NOTIFY_COOKIE) : -ENOMEM;

    err = err ? err : fd_get_io(e->signo, &fd);
    if (err) {
        kfree(c);
        return err;
    }
    c->watcher.tell = cookie_tell;
    c->socket = fd.file;
    file_ref(c->socket);
    fd_put(&fd);
    if (!netlink_is(c->socket)) {
        file_put(c->socket);
        kfree(c);
        return -EINVAL;
    }
    *out = c;
    return 0;
}

static int notify_by_cookie(struct file *queue, const struct sigevent *e)
{
    struct cookie *c;
    int err = cookie_make(e, &c);

    if (err) {
        return err;
    }
    err = mq_notify_by(queue, &c->watcher);
    if (err) {
        file_put(c->socket);
        kfree(c);
    }
    return err;
}

static int notify(struct file *queue, const struct sigevent *e)
{
    switch (e->notify) {
    case NOTIFY_NONE:
        return mq_notify(queue, 0, 0);
    case NOTIFY_SIGNAL:
        return mq_notify(queue, e->signo, e->value);
    default:
        return notify_by_cookie(queue, e);
    }
}

long sys_mq_notify(const struct sysargs *a)
{
    bool given = arg_u64(a, 1) != 0;
    struct sigevent e;
    struct fd fd;
    int err;

    if (given && copy_from_user(&e, arg_ptr(a, 1), sizeof(e))) {
        return -EFAULT;
    }
    if (given &&
        ((e.notify != NOTIFY_NONE && e.notify != NOTIFY_SIGNAL &&
          e.notify != NOTIFY_THREAD) ||
         (e.notify == NOTIFY_SIGNAL && (e.signo < 0 || e.signo > NSIG)))) {
        return -EINVAL;
    }
    err = fd_get_io(arg_int(a, 0), &fd);
    if (!err) {
        err = given ? notify(fd.file, &e) : mq_notify(fd.file, -1, 0);
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
    if (set && attr.flags & ~(int64_t)O_NONBLOCK) {
        return -EINVAL;
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
