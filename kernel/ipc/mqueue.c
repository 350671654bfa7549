/* SPDX-License-Identifier: MIT
 *
 * The file system of POSIX message queues (mq_overview(7)): one directory, a
 * file a queue. The kernel's own mount of it serves mq_open(3); mount(2) shows
 * the same files, by default at /dev/mqueue. Names are guarded by the
 * directory's inode lock.
 */
#include "kernel/ipc/mqueue.h"
#include "kernel/core/log.h"
#include "kernel/fs/current.h"
#include "kernel/fs/mount/mounting.h"
#include "kernel/fs/names.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/dirent.h"
#include "abi/linux/resource.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

struct name {
    struct list node;
    struct mq *queue; /* counted */
    uint64_t cookie;
    size_t len;
    char text[];
};

static struct superblock mq_sb;
static struct mount mq_mount_point;          /* the kernel's own */
static struct list names = LIST_INIT(names); /* root inode's lock */
static uint64_t last_cookie, last_ino;

static struct spinlock all_lock = SPINLOCK_INIT(LOCK_PAGECACHE);
static struct list all = LIST_INIT(all); /* all_lock */
static unsigned all_count;

/* What mq_open(3) asks of the queue it is about to make; mutex, and only the
 * task that set it may take it. */
static struct {
    struct mutex lock;
    struct task *task;
    uint64_t max, size;
} wish;

static const struct inode_ops mq_ops, root_ops;

/* ---- queues ---- */

/* As Linux counts: the messages, their headers, and a tree of priorities. */
static uint64_t account_of(uint64_t max, uint64_t size)
{
    return max * 48 + MIN(max, (uint64_t)MQ_PRIO_MAX) * 48 + max * size;
}

/* -EMFILE beyond RLIMIT_MSGQUEUE, -ENOSPC beyond queues_max. */
static int enlist(struct mq *q)
{
    uint64_t most = current_limit(LIMIT_MSGQUEUE), sum = q->account;
    int err = 0;

    spin_lock(&all_lock);
    list_for_each (pos, &all) {
        struct mq *other = list_entry(pos, struct mq, all);

        sum += other->inode.uid == q->inode.uid ? other->account : 0;
    }
    if (all_count >= MQ_QUEUES_MOST && !ipc_capable(CAP_SYS_RESOURCE)) {
        err = -ENOSPC;
    } else if (sum > most) {
        err = -EMFILE;
    } else {
        list_add(&all, &q->all);
        all_count++;
    }
    spin_unlock(&all_lock);
    return err;
}

static void mq_free(struct inode *inode)
{
    struct mq *q = mq_of(inode);

    spin_lock(&all_lock);
    if (!list_empty(&q->all)) {
        list_del(&q->all);
        all_count--;
    }
    spin_unlock(&all_lock);
    mq_empty(q);
    inode_destroy(inode);
    kfree(q);
}

static int mq_new(const struct inode_attr *attr, struct mq **out)
{
    bool wished = wish.task == current_task();
    struct mq *q = kzalloc(sizeof(*q));
    int err;

    if (!q) {
        return -ENOMEM;
    }
    inode_init(&q->inode, &mq_sb, &mq_ops, atomic_add_fetch(&last_ino, 1),
               attr->mode);
    q->inode.uid = attr->uid;
    q->inode.gid = attr->gid;
    q->inode.size = 80; /* as Linux shows them */
    q->max = wished ? wish.max : MQ_COUNT_DEFAULT;
    q->size = wished ? wish.size : MQ_SIZE_DEFAULT;
    q->account = account_of(q->max, q->size);
    list_init(&q->all);
    mq_init(q);
    err = enlist(q);
    if (err) {
        inode_put(&q->inode);
        return err;
    }
    *out = q;
    return 0;
}

static int mq_inode_open(struct inode *inode, struct file *f)
{
    f->ops = &mq_file_ops;
    f->mode |= FILE_NO_POS_LOCK;
    return 0;
}

static const struct inode_ops mq_ops = {
    .free = mq_free,
    .open = mq_inode_open,
    .setattr = inode_setattr,
};

/* ---- the directory ---- */

static struct name *find(const char *text, size_t len)
{
    list_for_each (pos, &names) {
        struct name *n = list_entry(pos, struct name, node);

        if (n->len == len && memcmp(n->text, text, len) == 0) {
            return n;
        }
    }
    return NULL;
}

static int root_lookup(struct inode *dir, const char *text, size_t len,
                       struct inode **out)
{
    struct name *n = find(text, len);

    if (!n) {
        return -ENOENT;
    }
    inode_get(&n->queue->inode);
    *out = &n->queue->inode;
    return 0;
}

static int root_readdir(struct inode *dir, struct dir_sink *sink)
{
    list_for_each (pos, &names) {
        struct name *n = list_entry(pos, struct name, node);

        if (n->cookie >= sink->pos) {
            if (!sink->emit(sink, n->text, n->len, n->queue->inode.ino, DT_REG,
                            n->cookie + 1)) {
                return 0;
            }
            sink->pos = n->cookie + 1;
        }
    }
    return 0;
}

static int root_make(struct inode *dir, const char *text, size_t len,
                     const struct inode_attr *attr, struct inode **out)
{
    struct name *n;
    int err;

    if (!S_ISREG(attr->mode)) {
        return -EPERM;
    }
    n = kmalloc(sizeof(*n) + len);
    if (!n) {
        return -ENOMEM;
    }
    err = mq_new(attr, &n->queue);
    if (err) {
        kfree(n);
        return err;
    }
    n->len = len;
    n->cookie = ++last_cookie;
    memcpy(n->text, text, len);
    list_add_tail(&names, &n->node);
    inode_get(&n->queue->inode);
    *out = &n->queue->inode;
    return 0;
}

static int root_unlink(struct inode *dir, const char *text, size_t len,
                       struct inode *inode)
{
    struct name *n = find(text, len);

    if (!n) {
        return -ENOENT;
    }
    list_del(&n->node);
    inode->nlink = 0;
    inode_put(&n->queue->inode);
    kfree(n);
    return 0;
}

static void root_free(struct inode *inode)
{
    panic("the directory of message queues was freed");
}

static const struct inode_ops root_ops = {
    .free = root_free,
    .lookup = root_lookup,
    .readdir = root_readdir,
    .make = root_make,
    .unlink = root_unlink,
    .setattr = inode_setattr,
};

/* ---- the superblock ---- */

static void sb_free(struct superblock *sb)
{
}

static const struct superblock_ops mq_sb_ops = {.free = sb_free};

int mqueue_mount(struct superblock **out)
{
    sb_get(&mq_sb);
    *out = &mq_sb;
    return 0;
}

static int show_at_dev(void)
{
    struct path at;
    int err = name_make(NULL, "/dev/mqueue", S_IFDIR | 0755, 0);

    if (err && err != -EEXIST) {
        return err;
    }
    err = path_find(NULL, "/dev/mqueue", WALK_DIRECTORY, &at);
    if (!err) {
        err = mount_at(&at, "mqueue", "mqueue",
                       MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
        path_put(&at);
    }
    return err;
}

int ipc_init(void)
{
    static struct inode root;
    int err;

    mutex_init(&wish.lock, LOCK_FS_POS);
    sb_init(&mq_sb, &mq_sb_ops, "mqueue", MQUEUE_MAGIC, SB_NO_CACHE);
    last_ino = 1;
    inode_init(&root, &mq_sb, &root_ops, 1, S_IFDIR | 01777);
    root.nlink = 2;
    mq_sb.root = &root;
    inode_get(&root);
    err = dentry_root(&root, &mq_mount_point.root);
    if (err) {
        return err;
    }
    mq_mount_point.sb = &mq_sb;
    mq_mount_point.refs = 1;
    mq_mount_point.hidden = true;
    list_init(&mq_mount_point.node);
    err = mount_type_add("mqueue", mqueue_mount);
    return err ? err : show_at_dev();
}

/* ---- mq_open, mq_unlink ---- */

static int check_attr(const struct linux_mq_attr *attr)
{
    bool may = ipc_capable(CAP_SYS_RESOURCE);
    int64_t max = may ? MQ_COUNT_HARD : MQ_COUNT_DEFAULT;
    int64_t size = may ? MQ_SIZE_HARD : MQ_SIZE_DEFAULT;

    return attr->maxmsg <= 0 || attr->msgsize <= 0 || attr->maxmsg > max ||
                   attr->msgsize > size
               ? -EINVAL
               : 0;
}

/* One name, no path. */
static int check_name(const char *name)
{
    if (!*name) {
        return -ENOENT;
    }
    if (strlen(name) > NAME_LENGTH_MAX) {
        return -ENAMETOOLONG;
    }
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return -EACCES;
    }
    while (*name && *name != '/') {
        name++;
    }
    return *name ? -EACCES : 0;
}

int mq_open(const char *name, uint32_t flags, uint32_t mode,
            const struct linux_mq_attr *attr, struct file **out)
{
    struct path root = {&mq_mount_point, mq_mount_point.root};
    int err = check_name(name);

    if (err) {
        return err;
    }
    if ((flags & O_ACCMODE) == O_ACCMODE) {
        return -EINVAL;
    }
    if (flags & O_CREAT && attr) {
        err = check_attr(attr);
    }
    if (err) {
        return err;
    }
    flags &= O_ACCMODE | O_CREAT | O_EXCL | O_NONBLOCK;
    mutex_lock(&wish.lock);
    wish.max = attr ? (uint64_t)attr->maxmsg : MQ_COUNT_DEFAULT;
    wish.size = attr ? (uint64_t)attr->msgsize : MQ_SIZE_DEFAULT;
    wish.task = current_task();
    err = name_open(&root, name, flags, mode & 07777, WALK_NO_LINKS, out);
    wish.task = NULL;
    mutex_unlock(&wish.lock);
    return err;
}

int mq_unlink(const char *name)
{
    struct path root = {&mq_mount_point, mq_mount_point.root};
    int err = check_name(name);

    return err ? err : name_remove(&root, name, false);
}
