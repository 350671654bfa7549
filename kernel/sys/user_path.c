/* SPDX-License-Identifier: MIT
 *
 * Path arguments (user_path.h).
 */
#include "kernel/sys/user_path.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"

int user_path_get(struct user_path *p, struct uptr from)
{
    long n = strncpy_from_user(p->small, from, sizeof(p->small));

    p->text = p->small;
    p->memory = NULL;
    if (likely(n != -ENAMETOOLONG)) {
        return MIN(n, 0l);
    }
    p->memory = kmalloc(PATH_LENGTH_MAX);
    if (!p->memory) {
        return -ENOMEM;
    }
    p->text = p->memory;
    n = strncpy_from_user(p->memory, from, PATH_LENGTH_MAX);
    if (n < 0) {
        kfree(p->memory);
    }
    return MIN(n, 0l);
}

void user_path_put(struct user_path *p)
{
    if (unlikely(p->memory)) {
        kfree(p->memory);
    }
}

int user_find_fd(int n, struct path *out)
{
    struct fd fd;
    int err = fd_get_io(n, &fd);

    if (!err) {
        *out = fd.file->path;
        path_get(out);
        fd_put(&fd);
    }
    return err;
}

bool user_path_is_empty(struct uptr path, int flags)
{
    char first;

    return flags & AT_EMPTY_PATH &&
           (path.addr == 0 ||
            (copy_from_user(&first, path, 1) == 0 && first == '\0'));
}

int user_at_get(struct user_at *at, int dirfd, struct uptr path, unsigned walk)
{
    int err = user_path_get(&at->path, path);

    at->fd = (struct fd){NULL, false};
    at->start = NULL;
    if (err || dirfd == AT_FDCWD || at->path.text[0] == '/') {
        return err;
    }
    err = !at->path.text[0] && !(walk & WALK_EMPTY) ? -ENOENT
                                                    : fd_get(dirfd, &at->fd);
    if (err) {
        user_path_put(&at->path);
        return err;
    }
    at->start = &at->fd.file->path;
    return 0;
}

void user_at_put(struct user_at *at)
{
    fd_put(&at->fd);
    user_path_put(&at->path);
}

int user_find(int dirfd, struct uptr path, unsigned flags, struct path *out)
{
    struct user_at at;
    int err = user_at_get(&at, dirfd, path, flags);

    if (!err) {
        err = path_find(at.start, at.path.text, flags, out);
        user_at_put(&at);
    }
    return err;
}

long user_file_install(struct file *f, bool cloexec)
{
    long fd = fd_install(f, 0, cloexec);

    if (fd < 0) {
        file_put(f);
    }
    return fd;
}
