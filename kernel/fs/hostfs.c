/* SPDX-License-Identifier: MIT
 *
 * hostfs: a tree of the host, read-only and untrusted: names, sizes, types and
 * content are whatever the host says at the moment. It is checked for shape,
 * never for truth. Used as the lower layer of `--root host`.
 *
 * An inode knows its path below the root descriptor; operations go by that.
 * Attributes and pages are those of the last open (close-to-open), or at most
 * FRESH_NS older. A bounded number of inodes keeps a host descriptor open.
 * Listings are in hostfs_dir.c.
 */
#include "kernel/fs/hostfs.h"
#include "kernel/core/hostio.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/fmt.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

enum {
    KEPT_OPEN = 200,
    NS = 1000000000,
    FRESH_NS = 10000000, /* so long what the host said is not asked again */
};

static uint32_t kept_open; /* atomic */

static const struct inode_ops hostfs_inode_ops;

/* ---- attributes ---- */

static int64_t ns_of(const struct statx_timestamp *t)
{
    enum { FAR = 4000000000 }; /* year 2096: so that nothing overflows */
    int64_t s = MAX(MIN(t->tv_sec, (int64_t)FAR), -(int64_t)FAR);

    return s * NS + MIN(t->tv_nsec, (uint32_t)NS - 1);
}

/* Numbers of other host devices are spread so that they do not meet those of
 * the root's. */
static uint64_t number_of(struct hostfs *h, const struct linux_statx *st)
{
    uint64_t dev = make_dev(st->stx_dev_major, st->stx_dev_minor);
    uint64_t ino =
        dev == h->root_dev ? st->stx_ino : hash_u64(dev, st->stx_ino);

    return ino & (HOSTFS_INO_END - 1);
}

static void set_attributes(struct inode *inode, const struct linux_statx *st)
{
    inode->uid = st->stx_uid;
    inode->gid = st->stx_gid;
    inode->mode = (inode->mode & S_IFMT) | (st->stx_mode & 07777);
    inode->nlink = MAX(st->stx_nlink, 1u);
    inode->rdev = make_dev(st->stx_rdev_major, st->stx_rdev_minor);
    inode->size = MIN(st->stx_size, (uint64_t)INT64_MAX);
    inode->atime = ns_of(&st->stx_atime);
    inode->mtime = ns_of(&st->stx_mtime);
    inode->ctime = ns_of(&st->stx_ctime);
    inode->btime = ns_of(&st->stx_btime);
    hostfs_inode(inode)->blocks = st->stx_blocks;
}

static bool known_type(uint32_t mode)
{
    return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) ||
           S_ISBLK(mode) || S_ISFIFO(mode) || S_ISSOCK(mode);
}

static int ask(struct hostfs *h, const char *path, struct linux_statx *st)
{
    int err = hostio_statx(
        h->root_fd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT,
        STATX_BASIC_STATS | STATX_BTIME, st);

    if (err < 0) {
        return err;
    }
    return known_type(st->stx_mode) ? 0 : -EIO;
}

/* ---- inodes ---- */

static int read_link(struct hostfs *h, struct hostfs_inode *n)
{
    char *buf = kmalloc(PATH_LENGTH_MAX);
    int64_t len;
    int err = 0;

    if (!buf) {
        return -ENOMEM;
    }
    len = hostio_readlink(h->root_fd, n->path, buf, PATH_LENGTH_MAX - 1);
    if (len <= 0) {
        err = len < 0 ? len : -EIO;
    } else {
        buf[len] = '\0';
        n->inode.link = kstrdup(buf);
        err = n->inode.link ? 0 : -ENOMEM;
    }
    kfree(buf);
    return err;
}

/* Takes path. */
static int inode_new(struct hostfs *h, char *path, const struct linux_statx *st,
                     struct inode **out)
{
    struct hostfs_inode *n = kzalloc(sizeof(*n));
    int err = 0;

    if (!n) {
        kfree(path);
        return -ENOMEM;
    }
    inode_init(&n->inode, &h->sb, &hostfs_inode_ops, number_of(h, st),
               st->stx_mode);
    set_attributes(&n->inode, st);
    n->path = path;
    n->fd = -1;
    n->asked = clock_now();
    mutex_init(&n->lock, LOCK_FS_OBJECT);
    if (S_ISLNK(st->stx_mode)) {
        err = read_link(h, n);
    }
    if (err) {
        inode_put(&n->inode);
        return err;
    }
    *out = inode_publish(&n->inode);
    return 0;
}

static void hostfs_free_inode(struct inode *inode)
{
    struct hostfs_inode *n = hostfs_inode(inode);

    if (n->fd >= 0) {
        hostio_close(n->fd);
        atomic_fetch_sub(&kept_open, 1);
    }
    hostfs_drop_names(n);
    inode_destroy(inode);
    kfree(n->path);
    kfree(n);
}

static int hostfs_lookup(struct inode *dir, const char *name, size_t len,
                         struct inode **out)
{
    struct hostfs *h = hostfs_of(dir->sb);
    const char *base = hostfs_inode(dir)->path;
    size_t base_len = strlen(base);
    struct linux_statx st;
    char *path;
    int err;

    if (base_len + 1 + len >= PATH_LENGTH_MAX) {
        return -ENAMETOOLONG;
    }
    path = kmalloc(base_len + len + 2);
    if (!path) {
        return -ENOMEM;
    }
    fmt_snprintf(path, base_len + len + 2, "%s%s%.*s", base,
                 base_len ? "/" : "", (int)len, name);
    err = ask(h, path, &st);
    if (err) {
        kfree(path);
        return err;
    }
    return inode_new(h, path, &st, out);
}

/* ---- content ---- */

static int read_some(int fd, uint64_t index, unsigned count,
                     void *const pages[])
{
    for (unsigned i = 0; i < count; i++) {
        size_t done = 0;

        while (done < PAGE_SIZE) {
            int64_t n =
                hostio_read(fd, (char *)pages[i] + done, PAGE_SIZE - done,
                            (index + i) * PAGE_SIZE + done);

            if (n < 0) {
                return i ? (int)i : (int)n;
            }
            if (n == 0) {
                break;
            }
            done += n;
        }
        memset((char *)pages[i] + done, 0, PAGE_SIZE - done);
    }
    return count;
}

/* All pages in one go through a buffer. */
static int read_batch(int fd, uint64_t index, unsigned count,
                      void *const pages[])
{
    size_t len = count * PAGE_SIZE, done = 0;
    char *buf = count > 1 ? page_alloc(count) : NULL;
    int64_t n = 1;

    if (!buf) {
        return read_some(fd, index, count, pages);
    }
    while (done < len && n > 0) {
        n = hostio_read(fd, buf + done, len - done, index * PAGE_SIZE + done);
        done += MAX(n, (int64_t)0);
    }
    memset(buf + done, 0, len - done);
    for (unsigned i = 0; i < count; i++) {
        memcpy(pages[i], buf + i * PAGE_SIZE, PAGE_SIZE);
    }
    page_free(buf, count);
    if (n < 0 && done < PAGE_SIZE) {
        return n;
    }
    return n < 0 ? (int)(done / PAGE_SIZE) : (int)count;
}

/* The inode's host descriptor; *close: it is not kept. n->lock is held. */
static int host_open(struct hostfs_inode *n, bool *close)
{
    struct hostfs *h = hostfs_of(n->inode.sb);
    int fd = n->fd;

    *close = false;
    if (fd >= 0) {
        return fd;
    }
    fd = hostio_openat(h->root_fd, n->path,
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0) {
        return fd;
    }
    if (atomic_add_fetch(&kept_open, 1) <= KEPT_OPEN) {
        n->fd = fd;
    } else {
        atomic_fetch_sub(&kept_open, 1);
        *close = true;
    }
    return fd;
}

static int hostfs_read_pages(struct inode *inode, uint64_t index,
                             unsigned count, void *const pages[])
{
    struct hostfs_inode *n = hostfs_inode(inode);
    bool close;
    int fd, good;

    mutex_lock(&n->lock);
    fd = host_open(n, &close);
    good = fd < 0 ? fd : read_batch(fd, index, count, pages);
    if (close) {
        hostio_close(fd);
    }
    mutex_unlock(&n->lock);
    return good < 0 ? -EIO : good;
}

/* Looks again what the host has; old pages go when it changed. */
static int hostfs_open(struct inode *inode, struct file *f)
{
    struct hostfs_inode *n = hostfs_inode(inode);
    uint64_t now = clock_now();
    struct linux_statx st;
    int err;

    if (now - atomic_load_relaxed(&n->asked) < FRESH_NS) {
        return 0;
    }
    err = ask(hostfs_of(inode->sb), n->path, &st);
    if (err) {
        return err;
    }
    atomic_store_relaxed(&n->asked, now);
    if ((st.stx_mode & S_IFMT) != (inode->mode & S_IFMT)) {
        return -ESTALE;
    }
    if (!S_ISREG(inode->mode)) {
        return 0;
    }
    mutex_lock(&inode->lock);
    if (inode->mtime != ns_of(&st.stx_mtime) ||
        inode->size != MIN(st.stx_size, (uint64_t)INT64_MAX)) {
        mutex_lock(&n->lock);
        if (n->fd >= 0) {
            hostio_close(n->fd);
            atomic_fetch_sub(&kept_open, 1);
            n->fd = -1;
        }
        mutex_unlock(&n->lock);
        pagecache_truncate(&inode->pages, 0);
        set_attributes(inode, &st);
    }
    mutex_unlock(&inode->lock);
    return 0;
}

static void hostfs_getattr(struct inode *inode, struct inode_stat *st)
{
    st->blocks = hostfs_inode(inode)->blocks;
}

static const struct inode_ops hostfs_inode_ops = {
    .free = hostfs_free_inode,
    .lookup = hostfs_lookup,
    .readdir = hostfs_readdir,
    .read_pages = hostfs_read_pages,
    .open = hostfs_open,
    .getattr = hostfs_getattr,
};

/* ---- the superblock ---- */

static void hostfs_free_sb(struct superblock *sb)
{
    kfree(hostfs_of(sb));
}

static const struct superblock_ops hostfs_sb_ops = {.free = hostfs_free_sb};

int hostfs_mount(int host_root_fd, struct superblock **out)
{
    struct hostfs *h = kzalloc(sizeof(*h));
    char *path = kstrdup("");
    struct linux_statx st;
    int err = h && path ? 0 : -ENOMEM;

    if (!err) {
        h->root_fd = host_root_fd;
        err = ask(h, "", &st);
    }
    if (!err && !S_ISDIR(st.stx_mode)) {
        err = -ENOTDIR;
    }
    if (err) {
        kfree(h);
        kfree(path);
        return err;
    }
    h->root_dev = make_dev(st.stx_dev_major, st.stx_dev_minor);
    sb_init(&h->sb, &hostfs_sb_ops, "hostfs", HOSTFS_SUPER_MAGIC,
            SB_READ_ONLY | SB_NO_ATIME);
    err = inode_new(h, path, &st, &h->sb.root);
    if (err) {
        sb_put(&h->sb);
        return err;
    }
    *out = &h->sb;
    return 0;
}
