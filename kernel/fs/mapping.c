/* SPDX-License-Identifier: MIT
 *
 * Files as memory: what mmap(2) maps is the struct file, which so stays open
 * as long as the mapping, and the path shown in /proc/PID/maps.
 */
#include "kernel/fs/attr.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/special.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/mman.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

static struct file *file_of(struct vm_object *o)
{
    return container_of(o, struct file, object);
}

static void object_get(struct vm_object *o)
{
    atomic_fetch_add(&file_of(o)->inode->pages.private_maps, 1);
    file_ref(file_of(o));
}

static void object_put(struct vm_object *o)
{
    atomic_fetch_sub(&file_of(o)->inode->pages.private_maps, 1);
    file_put(file_of(o));
}

/* In an overlay what is mapped may have come from either layer. */
static const void *object_content(struct vm_object *o)
{
    return file_of(o)->inode;
}

void mappings_withdraw(struct inode *inode, uint64_t off, uint64_t end,
                       bool written_too)
{
    if (atomic_load(&inode->pages.private_maps)) {
        mm_withdraw(inode, ALIGN_UP(off, PAGE_SIZE), end, written_too);
    }
}

static long object_read(struct vm_object *o, uint64_t off, void *dst,
                        size_t len)
{
    struct inode *data = atomic_load_acquire(&file_of(o)->inode->data);
    uint64_t size = atomic_load_acquire(&data->size);
    struct iobuf io;
    long n, more;

    if (off >= size) {
        return 0;
    }
    size = ALIGN_UP(size, PAGE_SIZE);
    len = MIN((uint64_t)len, size - off);
    pagecache_readahead(&data->pages, off / PAGE_SIZE, len / PAGE_SIZE);
    iobuf_kernel(&io, dst, len);
    n = pagecache_read(&data->pages, &io, off, size);
    if (n < 0 || n == (long)len) {
        return n;
    }
    /* Short: the rest tells why, or comes after all. */
    more = pagecache_read(&data->pages, &io, off + (uint64_t)n, size);
    return more == (long)len - n ? (long)len : more < 0 ? more : -EIO;
}

static long object_read_once(struct vm_object *o, uint64_t off, void *dst,
                             size_t len)
{
    struct inode *data = atomic_load_acquire(&file_of(o)->inode->data);
    uint64_t size = ALIGN_UP(atomic_load_acquire(&data->size), PAGE_SIZE);
    int n;

    if (off >= size) {
        return 0;
    }
    if (!data->ops->read_pages) {
        return object_read(o, off, dst, len);
    }
    len = MIN((uint64_t)len, size - off) / PAGE_SIZE;
    n = pagecache_read_once(&data->pages, off / PAGE_SIZE, (unsigned)len, dst);
    return n < 0 ? n : n * (long)PAGE_SIZE;
}

static size_t object_run(struct vm_object *o, uint64_t *off, size_t len,
                         bool load, char **at)
{
    struct inode *data = atomic_load_acquire(&file_of(o)->inode->data);
    uint64_t size = ALIGN_UP(atomic_load_acquire(&data->size), PAGE_SIZE);
    uint64_t index = *off / PAGE_SIZE, end;
    size_t n;

    if (*off >= size) {
        return 0;
    }
    pagecache_gather(&data->pages);
    end = index + MIN((uint64_t)len, size - *off) / PAGE_SIZE;
    if (load) {
        pagecache_readahead(&data->pages, index, end - index);
    }
    n = pagecache_run(&data->pages, &index, end, load, at);
    *off = index * PAGE_SIZE;
    return n * PAGE_SIZE;
}

static struct text_anchor *object_texts(struct vm_object *o, uint64_t *size)
{
    struct inode *data = atomic_load_acquire(&file_of(o)->inode->data);

    *size = atomic_load_acquire(&data->size);
    return data->ops->read_pages && !(data->sb->flags & SB_ASK_AGAIN)
               ? &data->pages.texts
               : NULL;
}

static void object_describe(struct vm_object *o, char *path, size_t len,
                            uint64_t *dev, uint64_t *ino)
{
    struct file *f = file_of(o);

    if (file_path(f, path, len) < 0) {
        strlcpy(path, "?", len);
    }
    *dev = f->inode->sb->dev;
    *ino = f->inode->ino;
}

const struct vm_object_ops file_object_ops = {
    .get = object_get,
    .put = object_put,
    .read = object_read,
    .read_once = object_read_once,
    .run = object_run,
    .texts = object_texts,
    .content = object_content,
    .describe = object_describe,
};

struct file *mapping_file(struct vm_object *o)
{
    if (o->ops == &file_object_ops) {
        return file_of(o);
    }
    return o->ops == &file_shared_ops ? container_of(o, struct file, shared)
                                      : NULL;
}

/* ---- shared mappings of what can change ---- */

static struct file *sharer_of(struct vm_object *o)
{
    return container_of(o, struct file, shared);
}

static struct inode *shared_data(struct vm_object *o)
{
    return atomic_load_acquire(&sharer_of(o)->inode->data);
}

static void shared_get(struct vm_object *o)
{
    struct pagecache *pc = &shared_data(o)->pages;

    atomic_fetch_add(&pc->maps, 1);
    if (sharer_of(o)->mode & FILE_WRITE) {
        atomic_fetch_add(&pc->writable_maps, 1);
    }
    file_ref(sharer_of(o));
}

static void shared_put(struct vm_object *o)
{
    struct pagecache *pc = &shared_data(o)->pages;

    atomic_fetch_sub(&pc->maps, 1);
    if (sharer_of(o)->mode & FILE_WRITE) {
        atomic_fetch_sub(&pc->writable_maps, 1);
    }
    file_put(sharer_of(o));
}

static long shared_read(struct vm_object *o, uint64_t off, void *dst,
                        size_t len)
{
    return object_read(&sharer_of(o)->object, off, dst, len);
}

static int shared_punch(struct vm_object *o, uint64_t off, uint64_t len)
{
    return attr_allocate(&sharer_of(o)->path,
                         FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len);
}

static int shared_sync(struct vm_object *o)
{
    struct file *f = sharer_of(o);

    return f->ops->sync ? f->ops->sync(f, true) : -EINVAL;
}

static void shared_describe(struct vm_object *o, char *path, size_t len,
                            uint64_t *dev, uint64_t *ino)
{
    object_describe(&sharer_of(o)->object, path, len, dev, ino);
}

/* file_share() has made it, as long as it had to be. */
static int shared_window(struct vm_object *o, uint64_t min_len, uint64_t *base)
{
    struct pagecache *pc = &shared_data(o)->pages;

    if (!pc->window || min_len > pc->window_len) {
        return -ENOMEM;
    }
    *base = pc->window;
    return 0;
}

const struct vm_object_ops file_shared_ops = {
    .get = shared_get,
    .put = shared_put,
    .read = shared_read,
    .window = shared_window,
    .punch = shared_punch,
    .sync = shared_sync,
    .describe = shared_describe,
};

/* Files of leaves that only read never change: a copy serves. */
static bool can_change(struct file *f)
{
    return !atomic_load_acquire(&f->inode->data)->ops->read_pages;
}

/* A kind with operations of its own locks the inode that was opened, whose
 * content may be that of another. */
int file_share(struct file *f, uint64_t end)
{
    struct inode *data = atomic_load_acquire(&f->inode->data);
    struct mutex *lock =
        f->ops == &regular_file_ops ? &data->lock : &f->inode->lock;
    bool moved;
    int err;

    if (!S_ISREG(f->inode->mode) || !can_change(f)) {
        return 0;
    }
    mutex_lock(lock);
    moved = end > data->pages.window_len;
    err = pagecache_share(&data->pages, end);
    mutex_unlock(lock);
    if (!err && moved) { /* the old pages do not change any more */
        mappings_withdraw(f->inode, 0, UINT64_MAX, false);
    }
    return err;
}

bool file_is_no_program(const struct file *f)
{
    return f->path.mount && f->path.mount->flags & ST_NOEXEC;
}

/* mmap(2)'s rules about modes, and the mount's about execution. */
static int check_map(struct file *f, int prot, int flags)
{
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    uint32_t seals = atomic_load_acquire(&f->inode->data)->seals;

    if (!(f->mode & FILE_READ)) {
        return -EACCES;
    }
    if (shared && prot & PROT_WRITE && !(f->mode & FILE_WRITE)) {
        return -EACCES;
    }
    if (shared && prot & PROT_WRITE &&
        seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) {
        return -EPERM;
    }
    if (prot & PROT_EXEC && file_is_no_program(f)) {
        return -EPERM;
    }
    return 0;
}

int file_object(struct file *f, int prot, int flags, struct vm_object **out)
{
    int err;

    if (f->flags & O_PATH) {
        return -EBADF;
    }
    err = check_map(f, prot, flags);
    if (err) {
        return err;
    }
    if (f->ops->map) {
        return f->ops->map(f, prot, flags, out);
    }
    if (f->ops != &regular_file_ops) {
        return -ENODEV;
    }
    *out = (flags & MAP_TYPE) != MAP_PRIVATE && can_change(f) ? &f->shared
                                                              : &f->object;
    return 0;
}
