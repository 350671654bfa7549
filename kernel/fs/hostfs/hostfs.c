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
    FRESH_NS = 10000000,  /* so long what the host said is not asked again */
    RECENT_NS = 50000000, /* a change so young may have another behind it */
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

/* Lists change with ctime, whose steps may be some milliseconds. */
static int adopt_lists(struct inode *inode, const struct hostfs_said *said,
                       int64_t old_ctime)
{
    int64_t ctime = ns_of(&said->st.stx_ctime);

    return ctime != old_ctime || clock_realtime() - ctime < RECENT_NS
               ? hostfs_take_lists(inode, said->xattrs)
               : 0;
}

/* Takes what the host says; the lock of a file is held. Old content goes. */
static int adopt(struct inode *inode, const struct hostfs_said *said)
{
    const struct linux_statx *st = &said->st;
    struct inode *data = inode->data;
    int64_t ctime = data->ctime;
    bool changed =
        S_ISREG(inode->mode) &&
        (data->size != size_of(st) || (!hostfs_inode(inode)->written &&
                                       data->mtime != ns_of(&st->stx_mtime)));
    int err;

    if (data != inode && hostfs_is_ours(hostfs_inode(inode))) {
        struct linux_statx ours = *st;

        ours.stx_size = data->size;
        set_attributes(inode, &ours);
        return adopt_lists(inode, said, ctime);
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
    return adopt_lists(inode, said, ctime);
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

int hostfs_open_to(struct hostfs_inode *n, int flags, uint32_t mode)
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
        fd = hostio_open_below(h->root_fd, *path ? path : ".",
                               flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                               mode);
        kfree(path);
    } while (fd < 0 && hostfs_moved(h, seen, fd));
    return fd;
}

int hostfs_open_again(struct hostfs_inode *n, int flags)
{
    return hostfs_open_to(n, flags, 0);
}

/* The tree of `--root host` nobody changes from inside: no link leads out. One
 * that is mounted for reading may be mounted for writing elsewhere. */
int hostfs_ask(struct hostfs *h, const char *path, struct hostfs_said *out)
{
    struct linux_statx *st = &out->st;
    int flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT;
    uint32_t mask = STATX_BASIC_STATS | STATX_BTIME;
    int err = h->sb.flags & SB_ASK_AGAIN
                  ? hostio_statx_below(h->root_fd, path, flags, mask, st)
                  : hostio_statx(h->root_fd, path, flags, mask, st);

    if (err < 0) {
        return err;
    }
    out->xattrs = err > 0;
    return known_type(st->stx_mode) ? 0 : -EIO;
}

static bool same_file(struct inode *inode, const struct linux_statx *st)
{
    return inode->ino == number_of(hostfs_of(inode->sb), st) &&
           (st->stx_mode & S_IFMT) == (inode->mode & S_IFMT) &&
           inode->data->btime == ns_of(&st->stx_btime);
}

/* Of one without a name, while it is open. */
static int ask_descriptor(int fd, struct hostfs_said *out)
{
    int err =
        fd < 0 ? -ESTALE
               : hostio_statx_below(fd, "", AT_EMPTY_PATH,
                                    STATX_BASIC_STATS | STATX_BTIME, &out->st);

    out->xattrs = err > 0;
    return err >= 0 && !S_ISREG(out->st.stx_mode) ? -ESTALE : MIN(err, 0);
}

static int ask_again(struct inode *inode, struct hostfs_said *said)
{
    struct hostfs *h = hostfs_of(inode->sb);
    uint32_t seen;
    char *path;
    int err;

    do {
        seen = hostfs_moves(h);
        err = hostfs_path(hostfs_inode(inode), &path);
        if (!err) {
            err = hostfs_ask(h, path, said);
            kfree(path);
        } else if (err == -ESTALE) {
            err = ask_descriptor(hostfs_inode(inode)->fd, said);
        }
    } while (err && hostfs_moved(h, seen, err));
    if (!err && !same_file(inode, &said->st)) {
        err = -ESTALE;
    }
    return err;
}

int hostfs_refresh(struct inode *inode)
{
    struct hostfs_said said;
    int err;

    if (clock_now() - atomic_load_relaxed(&hostfs_inode(inode)->asked) <
        FRESH_NS) {
        return 0;
    }
    err = ask_again(inode, &said);
    if (!err) {
        mutex_lock(&inode->lock);
        err = adopt(inode, &said);
        mutex_unlock(&inode->lock);
    }
    return err;
}

void hostfs_look_again(struct inode *inode)
{
    struct hostfs_said said;

    if (ask_again(inode, &said) == 0) {
        adopt(inode, &said);
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

/* Takes path and fd, also on failure: it has at least one of them (NULL, -1).
 */
static int inode_new(struct hostfs *h, char *path, int fd,
                     const struct hostfs_said *said, struct inode **out)
{
    const struct linux_statx *st = &said->st;
    struct hostfs_inode *n = kzalloc(sizeof(*n));
    int err = 0;

    if (!n) {
        kfree(path);
        if (fd >= 0) {
            hostio_close(fd);
        }
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
    n->fd = n->lock_fd = -1;
    mutex_init(&n->lock, LOCK_FS_OBJECT);
    if (fd >= 0) {
        hostfs_keep(n, fd);
    }
    if (S_ISLNK(st->stx_mode)) {
        err = read_link(h, n);
    } else if (said->xattrs) {
        err = hostfs_take_lists(&n->inode, true);
    }
    if (err) {
        inode_put(&n->inode);
        return err;
    }
    *out = inode_publish(&n->inode);
    return 0;
}

/* One that is known already: by this path from now on. Takes that. */
static int known_again(struct inode *inode, char *path,
                       const struct hostfs_said *said)
{
    struct hostfs_inode *n = hostfs_inode(inode);
    char *old;
    int err;

    spin_lock(&inode->sb->lock);
    old = n->path;
    n->path = path;
    spin_unlock(&inode->sb->lock);
    kfree(old);
    if (S_ISREG(inode->mode)) {
        mutex_lock(&inode->lock);
        err = adopt(inode, said);
        mutex_unlock(&inode->lock);
    } else {
        err = adopt(inode, said);
    }
    return err;
}

/* The inode of that file, or NULL. */
static struct inode *find_known(struct hostfs *h,
                                const struct hostfs_said *said)
{
    struct inode *known = inode_find(&h->sb, number_of(h, &said->st));

    if (known && !same_file(known, &said->st)) {
        inode_retire(known); /* the host has given its number away */
        inode_put(known);
        known = NULL;
    }
    return known;
}

int hostfs_find(struct hostfs *h, char *path, struct inode **out)
{
    struct hostfs_said said;
    struct inode *known;
    int err = hostfs_ask(h, path, &said);

    if (err) {
        kfree(path);
        return err;
    }
    known = find_known(h, &said);
    if (known) {
        err = known_again(known, path, &said);
        if (err) {
            inode_put(known);
            return err;
        }
        *out = known;
        return 0;
    }
    return inode_new(h, path, -1, &said, out);
}

int hostfs_nameless(struct hostfs *h, int fd, struct inode **out)
{
    struct hostfs_said said;
    int err = ask_descriptor(fd, &said);

    if (err) {
        hostio_close(fd);
        return err;
    }
    inode_put(find_known(h, &said));
    return inode_new(h, NULL, fd, &said, out);
}

static void hostfs_free_inode(struct inode *inode)
{
    struct hostfs_inode *n = hostfs_inode(inode);

    hostfs_keep(n, -1);
    hostfs_forget_locks(n);
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
    .tmpfile = hostfs_tmpfile,
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
    .getxattr = hostfs_getxattr,
    .setxattr = hostfs_setxattr,
    .listxattr = hostfs_listxattr,
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
    struct hostfs_said said;
    int err = h && path ? 0 : -ENOMEM;

    if (!err) {
        h->root_fd = host_root_fd;
        mutex_init(&h->move_lock, LOCK_FS_OBJECT);
        wait_queue_init(&h->moved);
        sb_init(&h->sb, &hostfs_sb_ops, "hostfs", HOSTFS_SUPER_MAGIC,
                flags | SB_NO_ATIME |
                    (flags & SB_ASK_AGAIN ? SB_ACLS | SB_WHITEOUTS : 0));
        err = hostfs_ask(h, "", &said);
    }
    if (!err && !S_ISDIR(said.st.stx_mode)) {
        err = -ENOTDIR;
    }
    if (err) {
        kfree(h);
        kfree(path);
        return err;
    }
    h->root_dev = make_dev(said.st.stx_dev_major, said.st.stx_dev_minor);
    err = inode_new(h, path, -1, &said, &h->sb.root);
    if (err) {
        sb_put(&h->sb);
        return err;
    }
    *out = &h->sb;
    return 0;
}
