/* SPDX-License-Identifier: MIT
 *
 * Descriptor tables. Changes are made under files->lock; lookups take no lock:
 * they read the slot, count the file unless it is dead, and look again. Files'
 * memory stays files' memory, so a late look at a closed one is harmless. A
 * table that was outgrown is kept until the end for the same reason.
 *
 * While a table has one user, nobody can close behind its back, and its own
 * reference serves for the length of a call (struct fd).
 */
#include "kernel/fs/file.h"
#include "kernel/fs/current.h"
#include "kernel/fs/dnotify.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/tunable.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { TABLE_FIRST = 64, TABLE_MOST = 1 << 20 };

struct fdtable {
    uint32_t size;
    struct fdtable *older;    /* outgrown; freed with the rest */
    uint64_t *used, *cloexec; /* bitmaps, behind the slots */
    struct file *slots[];
};

struct files {
    uint32_t refs;         /* atomic */
    uint32_t first_free;   /* no free descriptor below it; lock */
    struct spinlock lock;  /* LOCK_FILES */
    struct fdtable *table; /* atomic */
};

/* ---- tables ---- */

static struct fdtable *table_new(uint32_t size)
{
    size_t words = BITMAP_WORDS(size);
    struct fdtable *t =
        kzalloc(sizeof(*t) + size * sizeof(t->slots[0]) + 2 * words * 8);

    if (t) {
        t->size = size;
        t->used = (uint64_t *)&t->slots[size];
        t->cloexec = t->used + words;
    }
    return t;
}

static void table_copy(struct fdtable *to, const struct fdtable *from)
{
    size_t words = BITMAP_WORDS(from->size);

    memcpy(to->slots, from->slots, from->size * sizeof(from->slots[0]));
    memcpy(to->used, from->used, words * 8);
    memcpy(to->cloexec, from->cloexec, words * 8);
}

/* Makes room for descriptor fd. The lock is held and stays so. */
static int grow(struct files *files, uint32_t fd)
{
    struct fdtable *old = files->table, *t;
    uint32_t size = old->size;

    if (fd >= TABLE_MOST) {
        return -EMFILE;
    }
    while (size <= fd) {
        size *= 4;
    }
    t = table_new(size);
    if (!t) {
        return -ENOMEM;
    }
    table_copy(t, old);
    t->older = old;
    atomic_store_release(&files->table, t);
    return 0;
}

int files_new(struct files **out)
{
    struct files *files = kmalloc(sizeof(*files));

    if (!files) {
        return -ENOMEM;
    }
    files->refs = 1;
    files->first_free = 0;
    spin_init(&files->lock, LOCK_FILES);
    files->table = table_new(TABLE_FIRST);
    if (!files->table) {
        kfree(files);
        return -ENOMEM;
    }
    *out = files;
    return 0;
}

int files_copy(struct files *from, struct files **out)
{
    struct files *files;
    int err = files_new(&files);

    if (err) {
        return err;
    }
    spin_lock(&from->lock);
    if (from->table->size > tunable(&tunable_nr_open) &&
        bitmap_find_set(from->table->used, from->table->size,
                        (size_t)tunable(&tunable_nr_open)) <
            from->table->size) {
        err = -EMFILE;
    } else if (from->table->size > TABLE_FIRST) {
        err = grow(files, from->table->size - 1);
    }
    if (!err) {
        table_copy(files->table, from->table);
        files->first_free = from->first_free;
        for (uint32_t i = 0; i < files->table->size; i++) {
            if (files->table->slots[i]) {
                file_ref(files->table->slots[i]);
            } else { /* what another thread has reserved is not ours */
                bitmap_clear(files->table->used, i);
            }
        }
    }
    spin_unlock(&from->lock);
    if (err) {
        files_put(files);
        return err;
    }
    *out = files;
    return 0;
}

void files_get(struct files *f)
{
    atomic_fetch_add(&f->refs, 1);
}

unsigned files_refs(struct files *f)
{
    return atomic_load(&f->refs);
}

/* ---- taking out ---- */

/* Empties a slot; what was there, or NULL. The lock is held. */
static struct file *take_out(struct files *files, uint32_t fd)
{
    struct fdtable *t = files->table;
    struct file *f = fd < t->size ? t->slots[fd] : NULL;

    if (f) {
        atomic_store_release(&t->slots[fd], NULL);
        bitmap_clear(t->used, fd);
        bitmap_clear(t->cloexec, fd);
        files->first_free = MIN(files->first_free, fd);
    }
    return f;
}

static int close_file(struct files *files, struct file *f)
{
    int err = f->ops->flush ? f->ops->flush(f) : 0;

    if (f->inode->locks) {
        locks_close(f, files);
    }
    if (unlikely(atomic_load_relaxed(&dnotify_count))) {
        dnotify_close(f);
    }
    file_put(f);
    return err;
}

int fd_close(int fd)
{
    struct files *files = current_files();
    struct file *f;

    spin_lock(&files->lock);
    f = take_out(files, fd);
    spin_unlock(&files->lock);
    return f ? close_file(files, f) : -EBADF;
}

/* Closes what is used in [first, last], and marked so when cloexec is set. */
static void close_range(struct files *files, uint32_t first, uint32_t last,
                        bool cloexec)
{
    for (;;) {
        struct fdtable *t;
        struct file *f = NULL;
        uint64_t fd;

        spin_lock(&files->lock);
        t = files->table;
        fd = bitmap_find_set(cloexec ? t->cloexec : t->used, t->size, first);
        if (fd >= t->size || fd > last) {
            spin_unlock(&files->lock);
            return;
        }
        f = take_out(files, fd);
        spin_unlock(&files->lock);
        if (f) { /* else only reserved so far */
            close_file(files, f);
        }
        first = fd + 1;
    }
}

void files_put(struct files *f)
{
    struct fdtable *t, *older;

    if (atomic_sub_fetch(&f->refs, 1) != 0) {
        return;
    }
    close_range(f, 0, UINT32_MAX, false);
    for (t = f->table; t; t = older) {
        older = t->older;
        kfree(t);
    }
    kfree(f);
}

void files_close_on_exec(struct files *f)
{
    close_range(f, 0, UINT32_MAX, true);
}

void fd_range_close(unsigned first, unsigned last)
{
    close_range(current_files(), first, last, false);
}

void fd_range_cloexec(unsigned first, unsigned last)
{
    struct files *files = current_files();
    struct fdtable *t;
    size_t fd;

    spin_lock(&files->lock);
    t = files->table;
    fd = bitmap_find_set(t->used, t->size, first);
    while (fd < t->size && fd <= last) {
        bitmap_set(t->cloexec, fd);
        fd = bitmap_find_set(t->used, t->size, fd + 1);
    }
    spin_unlock(&files->lock);
}

/* ---- putting in ---- */

static void put_in(struct files *files, uint32_t fd, struct file *f,
                   bool cloexec)
{
    struct fdtable *t = files->table;

    bitmap_set(t->used, fd);
    if (cloexec) {
        bitmap_set(t->cloexec, fd);
    } else {
        bitmap_clear(t->cloexec, fd);
    }
    atomic_store_release(&t->slots[fd], f);
}

static int install(struct files *files, struct file *f, uint32_t min,
                   bool cloexec, uint64_t limit)
{
    uint32_t from = MAX(min, files->first_free);
    struct fdtable *t = files->table;
    uint32_t fd = MAX((uint32_t)bitmap_find_zero(t->used, t->size, from), from);
    int err = 0;

    if (fd >= limit) {
        return -EMFILE;
    }
    if (fd >= t->size) {
        err = grow(files, fd);
    }
    if (err) {
        return err;
    }
    put_in(files, fd, f, cloexec);
    if (min <= files->first_free) {
        files->first_free = fd + 1;
    }
    return fd;
}

int fd_install(struct file *f, int min, bool cloexec)
{
    struct files *files = current_files();
    uint64_t limit = current_limit(FS_LIMIT_NOFILE);
    int fd;

    spin_lock(&files->lock);
    fd = install(files, f, min, cloexec, limit);
    spin_unlock(&files->lock);
    return fd;
}

/* ---- reserving ---- */

int fd_reserve(bool cloexec)
{
    return fd_install(NULL, 0, cloexec);
}

void fd_fill(int fd, struct file *f)
{
    struct files *files = current_files();

    spin_lock(&files->lock);
    if (f) {
        atomic_store_release(&files->table->slots[fd], f);
    } else {
        bitmap_clear(files->table->used, fd);
        bitmap_clear(files->table->cloexec, fd);
        files->first_free = MIN(files->first_free, (uint32_t)fd);
    }
    spin_unlock(&files->lock);
}

int files_install_first(struct files *files, struct file *f)
{
    int fd;

    spin_lock(&files->lock);
    fd = install(files, f, 0, false, UINT64_MAX);
    spin_unlock(&files->lock);
    return fd;
}

int fd_install_at(struct file *f, int fd, bool cloexec)
{
    struct files *files = current_files();
    struct file *old = NULL;
    int err = 0;

    if ((unsigned)fd >= current_limit(FS_LIMIT_NOFILE)) {
        return -EBADF;
    }
    spin_lock(&files->lock);
    if ((uint32_t)fd >= files->table->size) {
        err = grow(files, fd);
    }
    if (!err && bitmap_test(files->table->used, fd) &&
        !files->table->slots[fd]) {
        err = -EBUSY; /* another thread is opening it */
    }
    if (!err) {
        old = files->table->slots[fd];
        file_ref(f);
        put_in(files, fd, f, cloexec);
    }
    spin_unlock(&files->lock);
    if (old) {
        close_file(files, old);
    }
    return err;
}

/* ---- looking up ---- */

static bool count_unless_dead(struct file *f)
{
    uint32_t refs = atomic_load_relaxed(&f->refs);

    while (refs != 0) {
        if (atomic_cas(&f->refs, &refs, refs + 1)) {
            return true;
        }
    }
    return false;
}

static int get_counted(struct files *files, int fd, struct file **out)
{
    for (;;) {
        struct fdtable *t = atomic_load_acquire(&files->table);
        struct file *f;

        if ((uint32_t)fd >= t->size) {
            return -EBADF;
        }
        f = atomic_load_acquire(&t->slots[fd]);
        if (!f) {
            /* An outgrown table may be empty where the new one is not. */
            if (t == atomic_load_acquire(&files->table)) {
                return -EBADF;
            }
            continue;
        }
        if (!count_unless_dead(f)) {
            continue;
        }
        if (likely(t == atomic_load_acquire(&files->table) &&
                   f == atomic_load_acquire(&t->slots[fd]))) {
            *out = f;
            return 0;
        }
        file_put(f);
    }
}

int fd_get(int fd, struct fd *out)
{
    struct files *files = current_files();

    if (likely(atomic_load_relaxed(&files->refs) == 1)) {
        struct fdtable *t = files->table;

        if (unlikely((uint32_t)fd >= t->size || !t->slots[fd])) {
            return -EBADF;
        }
        out->file = t->slots[fd];
        out->counted = false;
        return 0;
    }
    out->counted = true;
    return get_counted(files, fd, &out->file);
}

int fd_get_io(int fd, struct fd *out)
{
    int err = fd_get(fd, out);

    if (!err && unlikely(out->file->flags & O_PATH)) {
        fd_put(out);
        return -EBADF;
    }
    return err;
}

int file_get(int fd, struct file **out)
{
    return get_counted(current_files(), fd, out);
}

struct file *files_peek(struct files *files, int fd, bool *cloexec)
{
    struct file *f = NULL;

    spin_lock(&files->lock);
    if ((uint32_t)fd < files->table->size) {
        f = files->table->slots[fd];
    }
    if (f) {
        file_ref(f);
        if (cloexec) {
            *cloexec = bitmap_test(files->table->cloexec, fd);
        }
    }
    spin_unlock(&files->lock);
    return f;
}

int files_next(struct files *files, int fd)
{
    struct fdtable *t;
    size_t next;

    spin_lock(&files->lock);
    t = files->table;
    next = bitmap_find_set(t->used, t->size, fd);
    spin_unlock(&files->lock);
    return next < t->size ? (int)next : -1;
}

/* ---- close-on-exec ---- */

int fd_get_cloexec(int fd)
{
    struct files *files = current_files();
    int result = -EBADF;

    spin_lock(&files->lock);
    if ((uint32_t)fd < files->table->size && files->table->slots[fd]) {
        result = bitmap_test(files->table->cloexec, fd);
    }
    spin_unlock(&files->lock);
    return result;
}

int fd_set_cloexec(int fd, bool on)
{
    struct files *files = current_files();
    int err = -EBADF;

    spin_lock(&files->lock);
    if ((uint32_t)fd < files->table->size && files->table->slots[fd]) {
        err = 0;
        if (on) {
            bitmap_set(files->table->cloexec, fd);
        } else {
            bitmap_clear(files->table->cloexec, fd);
        }
    }
    spin_unlock(&files->lock);
    return err;
}
