/* SPDX-License-Identifier: MIT
 *
 * Open file descriptions: birth, references, end. Their memory is never given
 * back (file.h says why); a free one has refs 0.
 */
#include "kernel/fs/file.h"
#include "kernel/fs/event/epoll.h"
#include "kernel/fs/lease.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/special.h"
#include "kernel/fs/event/watch.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

/* Free ones: some with each vCPU, which alone touches them, the rest for all.
 */
enum { SPARE_MOST = 32 };
struct spare {
    _Alignas(128) struct file *first; /* linked by `private` */
    uint32_t count;
};
static struct spare spares[VCPU_MAX];
static struct spinlock pool_lock = SPINLOCK_INIT(LOCK_PAGECACHE);
static struct spare pool; /* pool_lock; its count is read without */

static const struct file_ops path_only_ops; /* O_PATH: nothing works */

/* ---- memory ---- */

static struct file *pop(struct spare *s)
{
    struct file *f = s->first;

    if (f) {
        s->first = f->private;
        s->count--;
    }
    return f;
}

static void push(struct spare *s, struct file *f)
{
    f->private = s->first;
    s->first = f;
    s->count++;
}

static void take_some(struct spare *own)
{
    struct file *f;

    spin_lock(&pool_lock);
    while (own->count < SPARE_MOST / 2 && (f = pop(&pool)) != NULL) {
        push(own, f);
    }
    spin_unlock(&pool_lock);
}

static void give_some(struct spare *own)
{
    spin_lock(&pool_lock);
    while (own->count > SPARE_MOST / 2) {
        push(&pool, pop(own));
    }
    spin_unlock(&pool_lock);
}

static struct file *alloc(void)
{
    struct spare *own = &spares[this_vcpu()->id];
    struct file *f;

    if (unlikely(!own->first && atomic_load_relaxed(&pool.count))) {
        take_some(own);
    }
    f = pop(own);
    if (!f) {
        f = kmalloc(sizeof(*f));
        if (f) {
            f->refs = 0;
        }
    }
    return f;
}

static void release(struct file *f)
{
    struct spare *own = &spares[this_vcpu()->id];

    push(own, f);
    if (unlikely(own->count > SPARE_MOST)) {
        give_some(own);
    }
}

static void init(struct file *f, const struct path *path, uint32_t flags)
{
    uint32_t access = (flags & O_ACCMODE) + 1; /* 3 is neither */

    f->path = *path;
    f->inode = path->dentry->inode;
    f->ops = f->inode->file_ops;
    f->flags = flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC);
    f->mode = access & (FILE_READ | FILE_WRITE);
    f->watched = 0;
    f->private = NULL;
    f->pos = 0;
    mutex_init(&f->pos_lock, LOCK_FS_POS);
    f->object.ops = &file_object_ops;
    f->shared.ops = &file_shared_ops;
    list_init(&f->epolls);
    spin_init(&f->lock, LOCK_POLL);
    list_init(&f->async_node);
    f->owner_type = f->owner_pid = f->owner_signal = f->owner_fd = 0;
    f->owner_muted = false;
}

/* ---- opening ---- */

/* Counts a writer; -ETXTBSY while the file is executed. */
static int count_writer(struct file *f)
{
    int32_t n = atomic_load_relaxed(&f->inode->writers);

    do {
        if (n < 0) {
            return -ETXTBSY;
        }
    } while (!atomic_cas(&f->inode->writers, &n, n + 1));
    f->mode |= FILE_WRITER;
    vcpus_add_fetch(&f->path.mount->writers, 1);
    return 0;
}

int file_deny_write(struct file *f)
{
    int32_t n = atomic_load_relaxed(&f->inode->writers);

    do {
        if (n > 0) {
            return -ETXTBSY;
        }
    } while (!atomic_cas(&f->inode->writers, &n, n - 1));
    f->mode |= FILE_EXECUTES;
    return 0;
}

static void uncount_writer(struct file *f)
{
    if (f->mode & FILE_WRITER) {
        atomic_fetch_sub(&f->inode->writers, 1);
        vcpus_add_fetch(&f->path.mount->writers, -1);
    } else if (f->mode & FILE_EXECUTES) {
        atomic_fetch_add(&f->inode->writers, 1);
    }
}

void file_forget_writer(struct file *f)
{
    uncount_writer(f);
    f->mode &= ~FILE_WRITER;
}

static int open_inode(struct file *f)
{
    struct inode *inode = f->inode;
    int err = 0;

    if (f->flags & O_PATH) {
        f->ops = &path_only_ops;
        f->flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
        f->mode = 0;
        return 0;
    }
    if (S_ISREG(inode->mode) && f->mode & FILE_WRITE) {
        err = count_writer(f);
    }
    if (!err && inode->ops->open) {
        err = inode->ops->open(inode, f);
    }
    if (!err && f->ops == &regular_file_ops && !S_ISREG(inode->mode)) {
        err = special_open(f);
    }
    if (err) {
        uncount_writer(f);
    }
    return err;
}

int file_make(const struct path *path, uint32_t flags, struct file **out)
{
    struct file *f = alloc();

    if (!f) {
        path_put(path);
        return -ENOMEM;
    }
    init(f, path, flags & ~O_NOCTTY);
    atomic_store_release(&f->refs, 1);
    *out = f;
    return 0;
}

int file_open_path(const struct path *path, uint32_t flags, struct file **out)
{
    struct file *f = alloc();
    int err;

    if (!f) {
        path_put(path);
        return -ENOMEM;
    }
    init(f, path, flags);
    err = open_inode(f);
    if (err) {
        path_put(path);
        release(f);
        return err;
    }
    f->flags &= ~O_NOCTTY; /* it was for the terminal that opens */
    atomic_store_release(&f->refs, 1);
    if (!(f->flags & O_PATH)) {
        watch_event(f->path.dentry, IN_OPEN);
    }
    *out = f;
    return 0;
}

/* ---- references ---- */

void file_ref(struct file *f)
{
    vcpus_add_fetch(&f->refs, 1);
}

static __attribute__((noinline)) void end(struct file *f)
{
    struct path path = f->path;

    if (f->watched) {
        epoll_forget(f);
    }
    if (f->inode->locks) {
        locks_release(f);
    }
    if (f->inode->leases) {
        lease_release(f);
    }
    if (!(f->flags & O_PATH)) {
        watch_event(f->path.dentry,
                    f->mode & FILE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    }
    if (f->ops->release) {
        f->ops->release(f);
    }
    uncount_writer(f);
    release(f);
    path_put(&path);
}

void file_put(struct file *f)
{
    if (vcpus_add_fetch(&f->refs, -1) == 0) {
        end(f);
    }
}
