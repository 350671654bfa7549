/* SPDX-License-Identifier: MIT
 *
 * hostfs: a tree of the host, untrusted: names, sizes, types and content are
 * whatever the host says at the moment. It is checked for shape, never for
 * truth. It is the lower layer of `--root host`, read-only, and what `--mount`
 * and a policy's mounts show, where programs may write unless they say "ro".
 *
 * An inode knows a path below the root descriptor; operations go by that, and
 * the host follows no link on the way, so that nothing a program makes leads
 * out of the tree. Attributes and pages are those of the last open or lookup
 * (close-to-open), or at most FRESH_NS older. Writes go to the host at once.
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/fs/attr.h"
#include "kernel/core/hostio.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/statfs.h"

enum {
    NS = 1000000000,
    FRESH_NS = 10000000, /* so long what the host said is not asked again */
};

static const struct inode_ops hostfs_inode_ops;

/* ---- attributes ---- */

static int64_t ns_of(const struct statx_timestamp *t)
{
    const int64_t far = 9200000000; /* year 2261: so that nothing overflows */
    int64_t s = MAX(MIN(t->tv_sec, far), -far);

    return s * NS + MIN(t->tv_nsec, (uint32_t)NS - 1);
}

static uint64_t size_of(const struct linux_statx *st)
{
    return MIN(st->stx_size, (uint64_t)INT64_MAX);
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
    struct inode *data = inode->data;

    data->uid = st->stx_uid;
    data->gid = st->stx_gid;
    data->mode = (data->mode & S_IFMT) | (st->stx_mode & 07777);
    data->nlink = st->stx_nlink;
    data->rdev = make_dev(st->stx_rdev_major, st->stx_rdev_minor);
    data->size = size_of(st);
    data->atime = ns_of(&st->stx_atime);
    data->mtime = ns_of(&st->stx_mtime);
    data->ctime = ns_of(&st->stx_ctime);
    data->btime = ns_of(&st->stx_btime);
    hostfs_inode(inode)->blocks = st->stx_blocks;
    hostfs_inode(inode)->written = false;
    atomic_store_relaxed(&hostfs_inode(inode)->asked, clock_now());
}

/* Takes what the host says; the lock of a file is held. Old content goes. */
static int adopt(struct inode *inode, const struct linux_statx *st)
{
    struct inode *data = inode->data;
    bool changed =
        S_ISREG(inode->mode) &&
        (data->size != size_of(st) || (!hostfs_inode(inode)->written &&
                                       data->mtime != ns_of(&st->stx_mtime)));
    int err;

    if (data != inode && hostfs_is_ours(hostfs_inode(inode))) {
        struct linux_statx ours = *st;

        ours.stx_size = data->size;
        set_attributes(inode, &ours);
        return 0;
    }
    if (changed && data != inode) {
        err = hostfs_reload(inode, size_of(st));
        if (err) {
            return err;
        }
    } else if (changed) {
        pagecache_truncate(&inode->pages, 0);
    }
    set_attributes(inode, st);
    return 0;
}

static bool known_type(uint32_t mode)
{
    return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) ||
           S_ISBLK(mode) || S_ISFIFO(mode) || S_ISSOCK(mode);
}

int hostfs_open_at(struct hostfs *h, const char *path, int flags)
{
    return hostio_open_below(h->root_fd, path,
                             flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
}

int hostfs_open_again(struct hostfs_inode *n, int flags)
{
    struct hostfs *h = hostfs_of(n->inode.sb);
    uint32_t seen;
    char *path;
    int fd;

    do {
        seen = hostfs_moves(h);
        fd = hostfs_path(n, &path);
        if (fd) {
            return fd;
        }
        fd = hostfs_open_at(h, *path ? path : ".", flags);
        kfree(path);
    } while (fd < 0 && hostfs_moved(h, seen, fd));
    return fd;
}

/* The tree of `--root host` nobody changes from inside: no link leads out. One
 * that is mounted for reading may be mounted for writing elsewhere. */
int hostfs_ask(struct hostfs *h, const char *path, struct linux_statx *st)
{
    int flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT;
    uint32_t mask = STATX_BASIC_STATS | STATX_BTIME;
    int err = h->sb.flags & SB_ASK_AGAIN
                  ? hostio_statx_below(h->root_fd, path, flags, mask, st)
                  : hostio_statx(h->root_fd, path, flags, mask, st);

    if (err < 0) {
        return err;
    }
    return known_type(st->stx_mode) ? 0 : -EIO;
}

static bool same_file(struct inode *inode, const struct linux_statx *st)
{
    return inode->ino == number_of(hostfs_of(inode->sb), st) &&
           (st->stx_mode & S_IFMT) == (inode->mode & S_IFMT) &&
           inode->data->btime == ns_of(&st->stx_btime);
}

/* Of one without a name, while it is open. */
static int ask_descriptor(struct hostfs_inode *n, struct linux_statx *st)
{
    int err = n->fd < 0
                  ? -ESTALE
                  : hostio_statx_below(n->fd, "", AT_EMPTY_PATH,
                                       STATX_BASIC_STATS | STATX_BTIME, st);

    return !err && !S_ISREG(st->stx_mode) ? -ESTALE : err;
}

static int ask_again(struct inode *inode, struct linux_statx *st)
{
    struct hostfs *h = hostfs_of(inode->sb);
    uint32_t seen;
    char *path;
    int err;

    do {
        seen = hostfs_moves(h);
        err = hostfs_path(hostfs_inode(inode), &path);
        if (!err) {
            err = hostfs_ask(h, path, st);
            kfree(path);
        } else if (err == -ESTALE) {
            err = ask_descriptor(hostfs_inode(inode), st);
        }
    } while (err && hostfs_moved(h, seen, err));
    if (!err && !same_file(inode, st)) {
        err = -ESTALE;
    }
    return err;
}

int hostfs_refresh(struct inode *inode)
{
    struct linux_statx st;
    int err;

    if (clock_now() - atomic_load_relaxed(&hostfs_inode(inode)->asked) <
        FRESH_NS) {
        return 0;
    }
    err = ask_again(inode, &st);
    if (!err) {
        mutex_lock(&inode->lock);
        err = adopt(inode, &st);
        mutex_unlock(&inode->lock);
    }
    return err;
}

void hostfs_look_again(struct inode *inode)
{
    struct linux_statx st;

    if (ask_again(inode, &st) == 0) {
        adopt(inode, &st);
    }
}

static void split_ns(int64_t ns, int64_t *seconds, int64_t *rest)
{
    *seconds = ns / NS - (ns % NS < 0);
    *rest = ns - *seconds * NS;
}

static int set_times(int fd, const char *path, const struct inode_attr *attr)
{
    struct host_times t = {.atime_ns = UTIME_OMIT, .mtime_ns = UTIME_OMIT};

    if (attr->valid & ATTR_ATIME) {
        split_ns(attr->atime, &t.atime, &t.atime_ns);
    }
    if (attr->valid & ATTR_MTIME) {
        split_ns(attr->mtime, &t.mtime, &t.mtime_ns);
    }
    return hostio_utimes(fd, path, &t);
}

/* Where to change the attributes of n: a path below *fd, the caller's. One
 * without a name has a descriptor if it is open (hostfs_hold()). */
static int handle_of(struct hostfs_inode *n, int *fd, char **path)
{
    int err = hostfs_path(n, path);

    *fd = hostfs_of(n->inode.sb)->root_fd;
    if (err == -ESTALE && n->fd >= 0) {
        *fd = n->fd;
        *path = kstrdup("");
        return *path ? 0 : -ENOMEM;
    }
    if (!err && !**path) {
        strlcpy(*path, ".", PATH_LENGTH_MAX);
    }
    return err;
}

static int change_once(struct inode *inode, const struct inode_attr *attr)
{
    char *path;
    int fd, err = handle_of(hostfs_inode(inode), &fd, &path);

    if (err) {
        return err;
    }
    if (attr->valid & (ATTR_UID | ATTR_GID)) {
        err = hostio_chown(fd, path,
                           attr->valid & ATTR_UID ? attr->uid : UINT32_MAX,
                           attr->valid & ATTR_GID ? attr->gid : UINT32_MAX);
    }
    if (!err && attr->valid & ATTR_MODE) {
        err = hostio_chmod(fd, path, attr->mode & 07777);
    }
    if (!err && attr->valid & (ATTR_ATIME | ATTR_MTIME)) {
        err = set_times(fd, path, attr);
    }
    kfree(path);
    return err;
}

static int change(struct inode *inode, const struct inode_attr *attr)
{
    struct hostfs *h = hostfs_of(inode->sb);
    uint32_t seen;
    int err;

    do {
        seen = hostfs_moves(h);
        err = change_once(inode, attr);
    } while (err && hostfs_moved(h, seen, err));
    if (err == -ESTALE && inode->data->nlink == 0) { /* it is ours alone */
        err = inode_setattr(inode->data, attr);
    }
    return err;
}

int hostfs_setattr(struct inode *inode, const struct inode_attr *attr)
{
    struct inode_attr rest = *attr;
    int err = 0;

    if (attr->valid & ATTR_SIZE) { /* the host sets the times */
        err = hostfs_resize(inode, attr->size);
        rest.valid &= ~(ATTR_SIZE | ATTR_MTIME);
    }
    err = err ? err : change(inode, &rest);
    hostfs_look_again(inode);
    return err;
}

void hostfs_drop_setid(struct inode *inode)
{
    struct inode_attr attr = {.valid = ATTR_MODE};
    uint32_t old = inode->data->mode;

    if (old & (S_ISUID | S_ISGID)) {
        drop_setid(inode->data);
        attr.mode = inode->data->mode;
        if (attr.mode != old) {
            change(inode, &attr);
        }
    }
}

/* ---- inodes ---- */

/* As readlink(2); by way of a descriptor where the path might lead out. */
static int64_t ask_link(struct hostfs *h, const char *path, char *buf,
                        size_t len)
{
    int64_t n;
    int fd;

    if (!(h->sb.flags & SB_ASK_AGAIN)) {
        return hostio_readlink(h->root_fd, path, buf, len);
    }
    fd =
        hostio_open_below(h->root_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0) {
        return fd;
    }
    n = hostio_readlink(fd, "", buf, len);
    hostio_close(fd);
    return n;
}

static int read_link(struct hostfs *h, struct hostfs_inode *n)
{
    char *buf = kmalloc(PATH_LENGTH_MAX);
    int64_t len;
    int err = 0;

    if (!buf) {
        return -ENOMEM;
    }
    len = ask_link(h, n->path, buf, PATH_LENGTH_MAX - 1);
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
    if (S_ISREG(st->stx_mode)) {
        n->inode.file_ops = &hostfs_file_ops;
    }
    n->inode.flags |= h->sb.flags & SB_ASK_AGAIN ? INODE_ASK_AGAIN : 0;
    set_attributes(&n->inode, st);
    n->path = path;
    n->fd = -1;
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

/* One that is known already: by this path from now on. Takes that. */
static void known_again(struct inode *inode, char *path,
                        const struct linux_statx *st)
{
    struct hostfs_inode *n = hostfs_inode(inode);
    char *old;

    spin_lock(&inode->sb->lock);
    old = n->path;
    n->path = path;
    spin_unlock(&inode->sb->lock);
    kfree(old);
    if (S_ISREG(inode->mode)) {
        mutex_lock(&inode->lock);
        adopt(inode, st);
        mutex_unlock(&inode->lock);
    } else {
        adopt(inode, st);
    }
}

int hostfs_find(struct hostfs *h, char *path, struct inode **out)
{
    struct linux_statx st;
    struct inode *known;
    int err = hostfs_ask(h, path, &st);

    if (err) {
        kfree(path);
        return err;
    }
    known = inode_find(&h->sb, number_of(h, &st));
    if (known && same_file(known, &st)) {
        known_again(known, path, &st);
        *out = known;
        return 0;
    }
    if (known) { /* the host has given its number away */
        inode_retire(known);
        inode_put(known);
    }
    return inode_new(h, path, &st, out);
}

static void hostfs_free_inode(struct inode *inode)
{
    struct hostfs_inode *n = hostfs_inode(inode);

    hostfs_keep(n, -1);
    hostfs_drop_names(n);
    if (inode->data != inode) {
        inode_put(inode->data);
    }
    inode_destroy(inode);
    kfree(n->path);
    kfree(n);
}

int hostfs_lookup(struct inode *dir, const char *name, size_t len,
                  struct inode **out)
{
    struct hostfs *h = hostfs_of(dir->sb);
    uint32_t seen;
    char *path;
    int err;

    for (;;) {
        seen = hostfs_moves(h);
        err = hostfs_child_path(dir, name, len, &path);
        err = err ? err : hostfs_find(h, path, out);
        if (!hostfs_moved(h, seen, err)) {
            return err;
        }
        if (!err) {
            inode_put(*out);
        }
    }
}

static void hostfs_getattr(struct inode *inode, struct inode_stat *st)
{
    st->blocks = hostfs_inode(inode)->blocks;
}

static const struct inode_ops hostfs_inode_ops = {
    .free = hostfs_free_inode,
    .lookup = hostfs_lookup,
    .readdir = hostfs_readdir,
    .make = hostfs_make,
    .symlink = hostfs_symlink,
    .link = hostfs_link,
    .unlink = hostfs_unlink,
    .rmdir = hostfs_rmdir,
    .rename = hostfs_rename,
    .read_pages = hostfs_read_pages,
    .fallocate = hostfs_fallocate,
    .open = hostfs_open,
    .getattr = hostfs_getattr,
    .setattr = hostfs_setattr,
};

/* ---- the superblock ---- */

static void hostfs_free_sb(struct superblock *sb)
{
    kfree(hostfs_of(sb));
}

static int hostfs_statfs(struct superblock *sb, struct fs_statfs *out)
{
    struct linux_statfs st;
    int err = hostio_statfs(hostfs_of(sb)->root_fd, &st);

    if (!err) {
        out->block_size = st.f_bsize > 0 ? (uint64_t)st.f_bsize : PAGE_SIZE;
        out->blocks = st.f_blocks;
        out->free = st.f_bfree;
        out->available = st.f_bavail;
        out->files = st.f_files;
        out->files_free = st.f_ffree;
    }
    return err;
}

static int hostfs_sync_all(struct superblock *sb)
{
    struct inode *inode;
    uint64_t at = 0;
    int err = 0;

    while ((inode = inode_next(sb, &at)) != NULL) {
        int failed = hostfs_write_back(hostfs_inode(inode));

        err = err ? err : failed;
        inode_put(inode);
    }
    return err;
}

static const struct superblock_ops hostfs_sb_ops = {
    .free = hostfs_free_sb,
    .sync = hostfs_sync_all,
    .statfs = hostfs_statfs,
};

int hostfs_mount(int host_root_fd, uint32_t flags, struct superblock **out)
{
    struct hostfs *h = kzalloc(sizeof(*h));
    char *path = kstrdup("");
    struct linux_statx st;
    int err = h && path ? 0 : -ENOMEM;

    if (!err) {
        h->root_fd = host_root_fd;
        mutex_init(&h->move_lock, LOCK_FS_OBJECT);
        wait_queue_init(&h->moved);
        sb_init(&h->sb, &hostfs_sb_ops, "hostfs", HOSTFS_SUPER_MAGIC,
                flags | SB_NO_ATIME);
        err = hostfs_ask(h, "", &st);
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
    err = inode_new(h, path, &st, &h->sb.root);
    if (err) {
        sb_put(&h->sb);
        return err;
    }
    *out = &h->sb;
    return 0;
}
