/* SPDX-License-Identifier: MIT
 *
 * hostfs: files that programs map shared and writable. What they write there
 * nobody notices, so such a file moves inside: all of its content becomes that
 * of an inode without read_pages (vfs.h, inode.data), which is the truth as
 * long as somebody maps it. The host gets it back by fsync(2), msync(2) and
 * when the last file open on it is closed, whole; write(2) tells it at once.
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/fs/acl.h"
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

/* Where the host has data at or behind *off, and where that ends; both to size,
 * which is what *off becomes when there is none. A host that does not know
 * says that all is data; whatever it says, the ends grow. */
static void find_data(int fd, uint64_t *off, uint64_t *end, uint64_t size)
{
    int64_t data = *off, hole;
    int err = hostio_seek(fd, &data, SEEK_DATA);

    if (err == -ENXIO) {
        *off = *end = size;
        return;
    }
    hole = data;
    if (err || data < (int64_t)*off || hostio_seek(fd, &hole, SEEK_HOLE)) {
        data = *off;
        hole = size;
    }
    *off = MIN(ALIGN_DOWN((uint64_t)data, PAGE_SIZE), size);
    *end = MIN(ALIGN_UP((uint64_t)MAX(hole, data + 1), PAGE_SIZE), size);
}

int hostfs_load(struct inode *inside, int fd, uint64_t size)
{
    char *buf = kmalloc(PIECE);
    uint64_t off = 0, hole = 0, end;
    int err = buf ? 0 : -ENOMEM;

    while (hole < size && !err) {
        off = hole;
        find_data(fd, &off, &end, size);
        pagecache_punch(&inside->pages, hole, off - hole);
        for (; off < end && !err; off += PIECE) {
            err = load_piece(fd, &inside->pages, buf, off,
                             MIN((uint64_t)PIECE, end - off));
        }
        hole = end;
    }
    kfree(buf);
    return err;
}

static void take_attributes(struct inode *to, struct inode *from)
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
    acl_set(&to->acl, from->acl);
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

/* Zeros where the host has none of its blocks: so it stays. */
static bool is_hole(int fd, const char *buf, size_t len, uint64_t off)
{
    int64_t data = off;
    int err;

    if (buf[0] || memcmp(buf, buf + 1, len - 1)) {
        return false;
    }
    err = hostio_seek(fd, &data, SEEK_DATA);
    return err == -ENXIO || (!err && data >= (int64_t)(off + len));
}

static int store_run(int fd, const char *buf, size_t len, uint64_t off)
{
    size_t done = 0;

    while (done < len) {
        int64_t n = hostio_write(fd, buf + done, len - done, off + done);

        if (n <= 0) {
            return n ? (int)n : -EIO;
        }
        done += n;
    }
    return 0;
}

/* Pages that stay holes are left out. */
static int store_piece(int fd, struct pagecache *pc, char *buf, uint64_t off,
                       uint64_t size)
{
    size_t len = MIN((uint64_t)PIECE, size - off), from = 0, at;
    struct iobuf io;
    int64_t n;
    int err = 0;

    iobuf_kernel(&io, buf, len);
    n = pagecache_read(pc, &io, off, size);
    if (n < (int64_t)len) {
        return n < 0 ? (int)n : -EIO;
    }
    for (at = 0; at < len && !err; at += PAGE_SIZE) {
        if (is_hole(fd, buf + at, MIN(len - at, (size_t)PAGE_SIZE), off + at)) {
            err = store_run(fd, buf + from, at - from, off + from);
            from = at + PAGE_SIZE;
        }
    }
    return err || from >= len
               ? err
               : store_run(fd, buf + from, len - from, off + from);
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
