/* SPDX-License-Identifier: MIT
 *
 * pipe(2), and files that are made by a call: memfd_create(2), memfd_secret(2).
 */
#include "kernel/sys/user_path.h"
#include "kernel/fs/tmpfs/memfd.h"
#include "kernel/fs/special.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

/* Puts both files at descriptors and tells them; takes the files. */
static long install_pair(struct file *f[2], bool cloexec, struct uptr to)
{
    int32_t fds[2];
    long err = 0;

    for (int i = 0; i < 2; i++) {
        fds[i] = fd_install(f[i], 0, cloexec);
        if (fds[i] < 0) {
            err = fds[i];
            if (i == 1) {
                fd_close(fds[0]);
            } else {
                file_put(f[0]);
            }
            file_put(f[1]);
            return err;
        }
    }
    err = copy_to_user(to, fds, sizeof(fds));
    if (err) {
        fd_close(fds[0]);
        fd_close(fds[1]);
    }
    return err;
}

static long make_pipe(struct uptr to, uint32_t flags)
{
    struct file *f[2];
    int err;

    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) {
        return -EINVAL;
    }
    err = pipe_open(flags & (O_NONBLOCK | O_DIRECT), &f[0], &f[1]);
    return err ? err : install_pair(f, flags & O_CLOEXEC, to);
}

long sys_pipe(const struct sysargs *a)
{
    return make_pipe(arg_ptr(a, 0), 0);
}

long sys_pipe2(const struct sysargs *a)
{
    if (arg_uint(a, 1) == O_EXCL) {
        return -ENOPKG; /* O_NOTIFICATION_PIPE, which Linux may lack */
    }
    return make_pipe(arg_ptr(a, 0), arg_uint(a, 1));
}

long sys_memfd_create(const struct sysargs *a)
{
    enum { NAME_MOST = 249 };
    uint32_t flags = arg_uint(a, 1);
    struct user_path name;
    struct file *f;
    int fd, err;

    if (flags &
            ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC) ||
        (flags & MFD_EXEC && flags & MFD_NOEXEC_SEAL)) {
        return -EINVAL;
    }
    err = user_path_get(&name, arg_ptr(a, 0));
    if (err) {
        return err == -ENAMETOOLONG ? -EINVAL : err;
    }
    err = strlen(name.text) > NAME_MOST ? -EINVAL
                                        : memfd_open(name.text, flags, &f);
    user_path_put(&name);
    if (err) {
        return err;
    }
    fd = fd_install(f, 0, flags & MFD_CLOEXEC);
    if (fd < 0) {
        file_put(f);
    }
    return fd;
}

long sys_memfd_secret(const struct sysargs *a)
{
    uint32_t flags = arg_uint(a, 0);
    struct file *f;
    int fd,
        err = flags & ~(uint32_t)O_CLOEXEC ? -EINVAL : memfd_open_secret(&f);

    if (err) {
        return err;
    }
    fd = fd_install(f, 0, flags & O_CLOEXEC);
    if (fd < 0) {
        file_put(f);
    }
    return fd;
}
