/* SPDX-License-Identifier: MIT
 *
 * hostfs: files that programs map shared and writable. What they write there
 * nobody notices, so such a file moves inside: all of its content becomes that
 * of an inode without read_pages (vfs.h, inode.data), which is the truth as
 * long as somebody maps it. The host gets it back by fsync(2), msync(2) and
 * when the last file open on it is closed, whole; write(2) tells it at once.
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/fs/file.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { PIECE = 64 << 10 };

static void free_inside(struct inode *inode)
{
    inode_destroy(inode);
    kfree(inode);
}

static const struct inode_ops inside_ops = {.free = free_inside};

/* ---- from the host; the file's lock is held ---- */

static int load_piece(int fd, struct pagecache *pc, char *buf, uint64_t off,
                      size_t len)
{
    struct iobuf io;
    size_t done = 0;
    int64_t n = 1;

    while (done < len && n > 0) {
        n = hostio_read(fd, buf + done, len - done, off + done);
        done += MAX(n, (int64_t)0);
    }
    if (n < 0) {
        return (int)n;
    }
    memset(buf + done, 0, len - done);
    iobuf_kernel(&io, buf, len);
    n = pagecache_write(pc, &io, off);
    return n < 0 ? (int)n : n == (int64_t)len ? 0 : -EIO;
}

int hostfs_load(struct inode *inside, int fd, uint64_t size)
{
    char *buf = kmalloc(PIECE);
    int err = buf ? 0 : -ENOMEM;

    for (uint64_t off = 0; off < size && !err; off += PIECE) {
        err = load_piece(fd, &inside->pages, buf, off,
                         MIN((uint64_t)PIECE, size - off));
    }
    kfree(buf);
    return err;
}

static void take_attributes(struct inode *to, const struct inode *from)
{
    to->mode = from->mode;
    to->uid = from->uid;
    to->gid = from->gid;
    to->nlink = from->nlink;
    to->rdev = from->rdev;
    to->size = from->size;
    to->atime = from->atime;
    to->mtime = from->mtime;
    to->ctime = from->ctime;
    to->btime = from->btime;
}

int hostfs_move_inside(struct inode *inode, int fd)
{
    struct inode *inside;
    int err;

    if (inode->data != inode) {
        return 0;
    }
    inside = kzalloc(sizeof(*inside));
    if (!inside) {
        return -ENOMEM;
    }
    inode_init(inside, inode->sb, &inside_ops, inode->ino, inode->mode);
    take_attributes(inside, inode);
    err = hostfs_load(inside, fd, inode->size);
    if (err) {
        inode_put(inside);
        return err;
    }
    atomic_store_release(&inode->data, inside);
    pagecache_truncate(&inode->pages, 0);
    return 0;
}

/* ---- to the host; n->lock is held ---- */

static int store_piece(int fd, struct pagecache *pc, char *buf, uint64_t off,
                       uint64_t size)
{
    size_t len = MIN((uint64_t)PIECE, size - off), done = 0;
    struct iobuf io;
    int64_t n;

    iobuf_kernel(&io, buf, len);
    n = pagecache_read(pc, &io, off, size);
    if (n < (int64_t)len) {
        return n < 0 ? (int)n : -EIO;
    }
    while (done < len) {
        n = hostio_write(fd, buf + done, len - done, off + done);
        if (n <= 0) {
            return n ? (int)n : -EIO;
        }
        done += n;
    }
    return 0;
}

int hostfs_store(struct hostfs_inode *n, int fd)
{
    struct inode *inside = n->inode.data;
    uint64_t off = 0, size;
    char *buf;
    int err = 0;

    if (!n->mapped) {
        return 0;
    }
    n->mapped = atomic_load(&inside->pages.writable_maps) != 0 ||
                atomic_load_acquire(&n->writing);
    buf = kmalloc(PIECE);
    if (!buf) {
        n->mapped = true;
        return -ENOMEM;
    }
    while (!err && off < (size = atomic_load_acquire(&inside->size))) {
        err = store_piece(fd, &inside->pages, buf, off, size);
        off += PIECE;
    }
    kfree(buf);
    n->mapped |= err != 0;
    return err;
}
