/* SPDX-License-Identifier: MIT
 *
 * Sockets: socket(2), socketpair(2), names, connections, options. Sending and
 * receiving is in sys_message.c; what happens is kernel/net/.
 */
#include "kernel/sys/sys_socket.h"
#include "kernel/net/filter.h"
#include "abi/linux/errno.h"

enum { OPTION_MOST = 512 };

int user_socket_get(int n, struct fd *fd, struct socket **s)
{
    int err = fd_get_io(n, fd);

    if (err) {
        return err;
    }
    *s = socket_of(fd->file);
    if (!*s) {
        fd_put(fd);
        return -ENOTSOCK;
    }
    return 0;
}

int user_name_get(struct abi_sockaddr *name, struct uptr from, uint32_t len)
{
    if (len > SOCKADDR_MAX) {
        return -EINVAL;
    }
    name->family = AF_UNSPEC;
    return copy_from_user(name, from, len);
}

int user_name_put(struct uptr to, struct uptr len_at,
                  const struct abi_sockaddr *name, uint32_t len)
{
    uint32_t room;
    int err = get_user32(&room, len_at);

    if (err) {
        return err;
    }
    if ((int32_t)room < 0) {
        return -EINVAL;
    }
    err = copy_to_user(to, name, MIN(room, len));
    return err ? err : put_user32(len_at, len);
}

/* ---- making ---- */

/* SOCK_NONBLOCK and SOCK_CLOEXEC are O_NONBLOCK and O_CLOEXEC. */
static int split_type(uint32_t type, uint32_t *flags)
{
    *flags = type & ~(uint32_t)SOCK_TYPE_MASK;
    return *flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK) ? -EINVAL : 0;
}

long sys_socket(const struct sysargs *a)
{
    struct socket *s;
    struct file *f;
    uint32_t flags;
    int fd, err = split_type(arg_uint(a, 1), &flags);

    if (err) {
        return err;
    }
    err = socket_create(arg_int(a, 0), arg_uint(a, 1) & SOCK_TYPE_MASK,
                        arg_int(a, 2), &s);
    if (!err) {
        err = socket_open_file(s, flags & O_NONBLOCK, &f);
    }
    if (err) {
        return err;
    }
    fd = fd_install(f, 0, flags & O_CLOEXEC);
    if (fd < 0) {
        file_put(f);
    }
    return fd;
}

/* Two numbers, told to the program before there is anything behind them, as
 * Linux does it. */
static int reserve_ends(int32_t fds[2], bool cloexec, struct uptr to)
{
    int err;

    fds[0] = fd_reserve(cloexec);
    if (fds[0] < 0) {
        return fds[0];
    }
    fds[1] = fd_reserve(cloexec);
    err = fds[1] < 0 ? fds[1] : copy_to_user(to, fds, 2 * sizeof(fds[0]));
    if (err) {
        fd_fill(fds[0], NULL);
    }
    if (err && fds[1] >= 0) {
        fd_fill(fds[1], NULL);
    }
    return err;
}

static int open_ends(struct socket *s[2], uint32_t flags, struct file *f[2])
{
    int err = socket_open_file(s[0], flags, &f[0]);

    if (err) {
        s[1]->ops->release(s[1]);
        socket_unref(s[1]);
        return err;
    }
    err = socket_open_file(s[1], flags, &f[1]);
    if (err) {
        file_put(f[0]);
    }
    return err;
}

long sys_socketpair(const struct sysargs *a)
{
    struct file *f[2] = {NULL, NULL};
    struct socket *s[2];
    int32_t fds[2];
    uint32_t flags;
    int err = split_type(arg_uint(a, 1), &flags);

    err = err ? err : reserve_ends(fds, flags & O_CLOEXEC, arg_ptr(a, 3));
    if (err) {
        return err;
    }
    err = socket_pair(arg_int(a, 0), arg_uint(a, 1) & SOCK_TYPE_MASK,
                      arg_int(a, 2), s);
    err = err ? err : open_ends(s, flags & O_NONBLOCK, f);
    fd_fill(fds[0], err ? NULL : f[0]);
    fd_fill(fds[1], err ? NULL : f[1]);
    return err;
}

/* ---- names and connections ---- */

long sys_bind(const struct sysargs *a)
{
    struct abi_sockaddr name;
    struct socket *s;
    struct fd fd;
    long err = user_socket_get(arg_int(a, 0), &fd, &s);

    if (err) {
        return err;
    }
    err = user_name_get(&name, arg_ptr(a, 1), arg_uint(a, 2));
    if (!err) {
        err =
            s->ops->bind ? s->ops->bind(s, &name, arg_uint(a, 2)) : -EOPNOTSUPP;
    }
    fd_put(&fd);
    return err;
}

/* What comes before the question whether the descriptor is a socket, but not
 * before the one whether it is open. */
static long not_a_socket_but(int n, long err)
{
    struct fd fd;
    int bad = fd_get_io(n, &fd);

    if (!bad) {
        fd_put(&fd);
    }
    return bad ? bad : err;
}

long sys_connect(const struct sysargs *a)
{
    struct abi_sockaddr name;
    struct socket *s;
    struct fd fd;
    long err = user_name_get(&name, arg_ptr(a, 1), arg_uint(a, 2));

    if (err) {
        return not_a_socket_but(arg_int(a, 0), err);
    }
    err = user_socket_get(arg_int(a, 0), &fd, &s);
    if (!err) {
        err = s->ops->connect ? s->ops->connect(s, &name, arg_uint(a, 2),
                                                file_nonblock(fd.file, 0))
                              : -EOPNOTSUPP;
        fd_put(&fd);
    }
    return err;
}

long sys_listen(const struct sysargs *a)
{
    struct socket *s;
    struct fd fd;
    long err = user_socket_get(arg_int(a, 0), &fd, &s);

    if (err) {
        return err;
    }
    err = s->ops->listen
              ? s->ops->listen(s, (int)MIN(arg_uint(a, 1), (unsigned)SOMAXCONN))
              : -EOPNOTSUPP;
    fd_put(&fd);
    return err;
}

/* A descriptor is taken first: a connection is not lost for want of one. */
static long accept_into(struct socket *s, bool nowait, int fd, uint32_t flags,
                        struct uptr to, struct uptr len_at)
{
    struct abi_sockaddr name;
    struct socket *new;
    struct file *f;
    int err = s->ops->accept ? s->ops->accept(s, &new, nowait) : -EOPNOTSUPP;

    if (!err) {
        err = socket_open_file(new, flags & O_NONBLOCK, &f);
    }
    if (err) {
        return err;
    }
    if (to.addr) {
        int len = new->ops->getname(new, NAME_ACCEPTED, &name);

        err = len < 0 ? -ECONNABORTED : user_name_put(to, len_at, &name, len);
    }
    if (err) {
        file_put(f);
        return err;
    }
    fd_fill(fd, f);
    return fd;
}

static long do_accept(const struct sysargs *a, uint32_t flags)
{
    struct socket *s;
    struct fd fd;
    long n;

    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK)) {
        return not_a_socket_but(arg_int(a, 0), -EINVAL);
    }
    n = user_socket_get(arg_int(a, 0), &fd, &s);
    if (n) {
        return n;
    }
    n = fd_reserve(flags & O_CLOEXEC);
    if (n >= 0) {
        int to = (int)n;

        n = accept_into(s, file_nonblock(fd.file, 0), to, flags, arg_ptr(a, 1),
                        arg_ptr(a, 2));
        if (n < 0) {
            fd_fill(to, NULL);
        }
    }
    fd_put(&fd);
    return n;
}

long sys_accept(const struct sysargs *a)
{
    return do_accept(a, 0);
}

long sys_accept4(const struct sysargs *a)
{
    return do_accept(a, arg_uint(a, 3));
}

long sys_shutdown(const struct sysargs *a)
{
    struct socket *s;
    struct fd fd;
    long err = user_socket_get(arg_int(a, 0), &fd, &s);

    if (!err) {
        err = socket_shutdown(s, arg_int(a, 1));
        fd_put(&fd);
    }
    return err;
}

static long put_name(const struct sysargs *a, int whose)
{
    struct abi_sockaddr name;
    struct socket *s;
    struct fd fd;
    long n = user_socket_get(arg_int(a, 0), &fd, &s);

    if (n) {
        return n;
    }
    n = s->ops->getname(s, whose, &name);
    if (n >= 0) {
        n = user_name_put(arg_ptr(a, 1), arg_ptr(a, 2), &name, (uint32_t)n);
    }
    fd_put(&fd);
    return n;
}

long sys_getsockname(const struct sysargs *a)
{
    return put_name(a, NAME_OWN);
}

long sys_getpeername(const struct sysargs *a)
{
    return put_name(a, NAME_PEER);
}

/* ---- options ---- */

long sys_setsockopt(const struct sysargs *a)
{
    uint8_t value[OPTION_MOST];
    uint32_t len = arg_uint(a, 4);
    struct socket *s;
    struct fd fd;
    long err;

    if ((int32_t)len < 0) {
        return -EINVAL;
    }
    err = user_socket_get(arg_int(a, 0), &fd, &s);
    if (err) {
        return err;
    }
    len = MIN(len, (uint32_t)sizeof(value));
    err = copy_from_user(value, arg_ptr(a, 3), len);
    if (!err) {
        err = socket_setsockopt(s, arg_int(a, 1), arg_int(a, 2), value, len);
    }
    fd_put(&fd);
    return err;
}

static long get_option(struct socket *s, const struct sysargs *a)
{
    uint8_t value[OPTION_MOST];
    uint32_t len, room;
    long err = get_user32(&len, arg_ptr(a, 4));

    if (err) {
        return err;
    }
    if ((int32_t)len < 0) {
        return -EINVAL;
    }
    if (arg_int(a, 1) == SOL_SOCKET && arg_int(a, 2) == SO_ATTACH_FILTER) {
        err = socket_filter_get(s, arg_ptr(a, 3), len); /* SO_GET_FILTER */
        return err < 0 ? err : put_user32(arg_ptr(a, 4), (uint32_t)err);
    }
    room = len = MIN(len, (uint32_t)sizeof(value));
    err = socket_getsockopt(s, arg_int(a, 1), arg_int(a, 2), value, &len);
    if (!err) {
        err = copy_to_user(arg_ptr(a, 3), value, MIN(len, room));
    }
    if (!err || err == -ERANGE) { /* how much room it takes */
        long bad = put_user32(arg_ptr(a, 4), len);

        err = bad ? bad : err;
    }
    return err;
}

long sys_getsockopt(const struct sysargs *a)
{
    struct socket *s;
    struct fd fd;
    long err = user_socket_get(arg_int(a, 0), &fd, &s);

    if (!err) {
        err = get_option(s, a);
        fd_put(&fd);
    }
    return err;
}
