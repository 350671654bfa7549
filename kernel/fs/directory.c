/* SPDX-License-Identifier: MIT
 *
 * Open directories. Positions 0 and 1 are "." and ".."; the leaf's cookies
 * follow, shifted by two.
 */
#include "kernel/fs/file.h"
#include "kernel/fs/attr.h"
#include "abi/linux/dirent.h"
#include "abi/linux/errno.h"

enum { DOTS = 2 };

struct shifted {
    struct dir_sink sink;
    struct dir_sink *outer;
};

static bool emit_shifted(struct dir_sink *sink, const char *name, size_t len,
                         uint64_t ino, uint8_t type, uint64_t next)
{
    struct shifted *s = container_of(sink, struct shifted, sink);

    return s->outer->emit(s->outer, name, len, ino, type, next + DOTS);
}

static int read_names(struct inode *dir, struct dir_sink *sink)
{
    struct shifted s = {{emit_shifted, sink->pos - DOTS}, sink};
    int err;

    mutex_lock(&dir->lock);
    err = dir->flags & INODE_DEAD ? -ENOENT : dir->ops->readdir(dir, &s.sink);
    mutex_unlock(&dir->lock);
    sink->pos = s.sink.pos + DOTS;
    return err;
}

static uint64_t parent_ino(struct dentry *d)
{
    uint32_t *section = dcache_enter();
    uint64_t ino = d->parent->inode->ino;

    dcache_leave(section);
    return ino;
}

static int directory_readdir(struct file *f, struct dir_sink *sink)
{
    struct inode *dir = f->inode;
    int err;

    if (dir->flags & INODE_DEAD) {
        return -ENOENT;
    }
    sink->pos = f->pos;
    if (sink->pos == 0) {
        if (!sink->emit(sink, ".", 1, dir->ino, DT_DIR, 1)) {
            return 0;
        }
        f->pos = sink->pos = 1;
    }
    if (sink->pos == 1) {
        uint64_t ino = parent_ino(f->path.dentry);

        if (!sink->emit(sink, "..", 2, ino, DT_DIR, DOTS)) {
            return 0;
        }
        f->pos = sink->pos = DOTS;
    }
    err = read_names(dir, sink);
    if (!err) {
        f->pos = sink->pos;
        touch_atime(f);
    }
    return err;
}

static int64_t directory_seek(struct file *f, int64_t off, int whence)
{
    bool to_end = whence == SEEK_END && f->inode->sb->flags & SB_TABLES;

    if (whence != SEEK_SET && whence != SEEK_CUR && !to_end) {
        return -EINVAL;
    }
    return seek_in(f, off, whence, 0);
}

static long directory_read(struct file *f, struct iobuf *io, uint64_t *pos,
                           int flags)
{
    return -EISDIR;
}

static int directory_sync(struct file *f, bool data_only)
{
    return 0;
}

const struct file_ops directory_file_ops = {
    .read = directory_read,
    .seek = directory_seek,
    .readdir = directory_readdir,
    .sync = directory_sync,
};
