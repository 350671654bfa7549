/* SPDX-License-Identifier: MIT
 *
 * Files for the rest of the kernel (fs.h): what exec reads, and the facts
 * about a file that other rooms ask for.
 */
#include "kernel/fs/xattr.h"
#include "kernel/fs/current.h"
#include "kernel/fs/file.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/fs/path.h"
#include "kernel/fs/special.h"
#include "kernel/fs/event/watch.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

static int open_for_exec(struct path *p, struct file **out)
{
    struct inode *inode = p->dentry->inode;
    int err;

    if (S_ISLNK(inode->mode)) {
        err = -ELOOP;
    } else if (!S_ISREG(inode->mode) || p->mount->flags & ST_NOEXEC) {
        err = -EACCES;
    } else {
        err = inode_may(inode, MAY_EXEC);
        err = err ? err
                  : landlock_path(p, LANDLOCK_ACCESS_FS_EXECUTE |
                                         LANDLOCK_ACCESS_FS_READ_FILE);
    }
    if (err) {
        path_put(p);
        return err;
    }
    err = file_open_path(p, O_RDONLY, out);
    if (!err) {
        err = file_deny_write(*out);
        if (err) {
            file_put(*out);
        }
    }
    return err;
}

int file_open_exec(int dirfd, const char *path, int flags, struct file **out)
{
    unsigned walk = (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0) |
                    (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW);
    struct fd fd = {NULL, false};
    struct path p;
    int err = 0;

    if (dirfd != AT_FDCWD && *path != '/') {
        err = fd_get(dirfd, &fd);
    }
    if (!err) {
        err = path_find(fd.file ? &fd.file->path : NULL, path, walk, &p);
        fd_put(&fd);
    }
    return err ? err : open_for_exec(&p, out);
}

int file_path(struct file *f, char *buf, size_t len)
{
    struct path root;
    int n;

    view_get_root(current_view(), &root);
    n = path_string(&f->path, &root, buf, len, NULL);
    path_put(&root);
    return n;
}

long file_pread_kernel(struct file *f, void *buf, size_t len, uint64_t off)
{
    struct iobuf io;
    long n;

    if (!f->ops->read) {
        return -EINVAL;
    }
    iobuf_kernel(&io, buf, len);
    n = f->ops->read(f, &io, &off, 0);
    if (n > 0) {
        watch_event(f->path.dentry, IN_ACCESS);
    }
    return n;
}

uint64_t file_size(struct file *f)
{
    return atomic_load_acquire(&atomic_load_acquire(&f->inode->data)->size);
}

const void *file_content(struct file *f)
{
    return atomic_load_acquire(&f->inode->data);
}

void file_owner(struct file *f, uint32_t *mode, uint32_t *uid, uint32_t *gid)
{
    struct inode *data = atomic_load_acquire(&f->inode->data);

    *mode = data->mode;
    if (f->path.mount->flags & ST_NOSUID) {
        *mode &= ~(S_ISUID | S_ISGID);
    }
    *uid = data->uid;
    *gid = data->gid;
}

long file_capabilities(struct file *f, void *buf, size_t len)
{
    long n;

    if (f->path.mount->flags & ST_NOSUID) {
        return 0;
    }
    n = xattr_get(&f->path, XATTR_CAPABILITY, buf, len);
    return n == -ENODATA || n == -EOPNOTSUPP || n == -ERANGE ? 0 : n;
}

bool file_is_readable(struct file *f)
{
    return inode_may(f->inode, MAY_READ) == 0;
}
