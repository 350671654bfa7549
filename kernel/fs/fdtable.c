/* SPDX-License-Identifier: MIT
 *
 * Descriptor tables. Threads open and close all the time, so these take no
 * lock: a bit of `used` is taken and given back in one atomic step, and whoever
 * sets it owns the slot until there is a file in it; whoever takes the file out
 * gives the bit back. They run as readers (kernel/core/readers.h) of the
 * table. What needs the table as a whole to stand still (growing, copying,
 * dup2(2), close-on-exec bits) freezes it: it keeps new ones out and waits for
 * those that are in.
 *
 * Lookups read the slot, count the file unless it is dead, and look again.
 * Files' memory stays files' memory, so a late look at a closed one is
 * harmless. A table that was outgrown is kept until the end for the same
 * reason.
 *
 * While a table has one user, nobody can close behind its back, and its own
 * reference serves for the length of a call (struct fd).
 */
#include "kernel/fs/file.h"
#include "kernel/fs/current.h"
#include "kernel/fs/event/dnotify.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/core/log.h"
#include "kernel/core/readers.h"
#include "kernel/mm/heap.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { TABLE_FIRST = 64, TABLE_MOST = 1 << 20, WORD = 64 };

struct fdtable {
    uint32_t size;         /* a multiple of WORD */
    struct fdtable *older; /* outgrown; freed with the rest */
    uint64_t *used;        /* a bit each, behind the slots; atomic */
    uint64_t *cloexec;     /* the same; of what is free: 0 */
    _Alignas(64) struct file *slots[]; /* slot_of(); atomic */
};

struct files {
    _Alignas(64) uint32_t refs; /* atomic */
    uint32_t frozen;            /* freeze(); under lock; atomic */
    uint32_t first_word;        /* all of `used` below it is taken; lowered at
                                   any time, raised while frozen; atomic */
    struct spinlock lock;       /* LOCK_FILES; guards `frozen` */
    struct fdtable *table;      /* changes while frozen; atomic */
};

/* Neighbours, which different threads tend to have, lie in different cache
 * lines. */
static struct file **slot_of(struct fdtable *t, uint32_t fd)
{
    return &t->slots[fd % 8 * (t->size / 8) + fd / 8];
}

/* ---- together, or alone ---- */

static struct reader *enter(struct files *files)
{
    for (;;) {
        struct reader *r = reader_enter();

        if (likely(!atomic_load_acquire(&files->frozen))) {
            return r;
        }
        reader_leave(r);
        while (atomic_load_relaxed(&files->frozen)) {
            cpu_relax();
        }
    }
}

static void freeze(struct files *files)
{
    spin_lock(&files->lock);
    atomic_store_release(&files->frozen, 1);
    readers_wait();
}

static void thaw(struct files *files)
{
    atomic_store_release(&files->frozen, 0);
    spin_unlock(&files->lock);
}

static uint64_t bit_of(uint32_t fd)
{
    return 1ull << fd % WORD;
}

static void set_bit(uint64_t *map, uint32_t fd)
{
    if (one_vcpu) {
        map[fd / WORD] |= bit_of(fd);
    } else {
        atomic_fetch_or(&map[fd / WORD], bit_of(fd));
    }
}

static void clear_bit(uint64_t *map, uint32_t fd)
{
    if (one_vcpu) {
        map[fd / WORD] &= ~bit_of(fd);
    } else {
        atomic_fetch_and(&map[fd / WORD], ~bit_of(fd));
    }
}

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

static void table_copy(struct fdtable *to, struct fdtable *from)
{
    size_t words = BITMAP_WORDS(from->size);

    for (uint32_t fd = 0; fd < from->size; fd++) {
        *slot_of(to, fd) = *slot_of(from, fd);
    }
    memcpy(to->used, from->used, words * 8);
    memcpy(to->cloexec, from->cloexec, words * 8);
}

/* Makes room for descriptor fd; frozen. */
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
    files->frozen = 0;
    files->first_word = 0;
    spin_init(&files->lock, LOCK_FILES);
    files->table = table_new(TABLE_FIRST);
    if (!files->table) {
        kfree(files);
        return -ENOMEM;
    }
    *out = files;
    return 0;
}

/* Nothing is in the slot, and its bit is the caller's. */
static void give_back(struct files *files, struct fdtable *t, uint32_t fd)
{
    uint32_t first = atomic_load_relaxed(&files->first_word);

    if (unlikely(bitmap_test(t->cloexec, fd))) {
        clear_bit(t->cloexec, fd);
    }
    clear_bit(t->used, fd);
    while (unlikely(fd / WORD < first)) {
        if (vcpus_cas(&files->first_word, &first, fd / WORD)) {
            break;
        }
    }
}

/* Empties a slot; what was there, or NULL. Entered, or frozen. */
static struct file *take_out(struct files *files, uint32_t fd)
{
    struct fdtable *t = files->table;
    struct file **slot, *f;

    if (fd >= t->size) {
        return NULL;
    }
    slot = slot_of(t, fd);
    f = *slot;
    if (one_vcpu) {
        *slot = NULL;
    } else if (f) {
        f = atomic_xchg(slot, NULL);
    }
    if (f) {
        give_back(files, t, fd);
    }
    return f;
}

int files_copy(struct files *from, struct files **out)
{
    struct files *files;
    int err = files_new(&files);

    if (err) {
        return err;
    }
    freeze(from);
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
        files->first_word = from->first_word;
        for (uint32_t fd = 0; fd < files->table->size; fd++) {
            struct file *f = *slot_of(files->table, fd);

            if (f) {
                file_ref(f);
            } else if (bitmap_test(files->table->used, fd)) {
                /* What another thread has reserved is not ours. */
                give_back(files, files->table, fd);
            }
        }
    }
    thaw(from);
    if (err) {
        files_put(files);
        return err;
    }
    *out = files;
    return 0;
}

void files_get(struct files *f)
{
    vcpus_add_fetch(&f->refs, 1);
}

unsigned files_refs(struct files *f)
{
    return atomic_load(&f->refs);
}

/* ---- taking out ---- */

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
    struct reader *r = enter(files);
    struct file *f = take_out(files, fd);

    reader_leave(r);
    return f ? close_file(files, f) : -EBADF;
}

/* Closes what is used in [first, last], and marked so when cloexec is set. */
static void close_range(struct files *files, uint32_t first, uint32_t last,
                        bool cloexec)
{
    for (uint64_t fd = first;; fd++) {
        struct reader *r = enter(files);
        struct fdtable *t = files->table;
        struct file *f = NULL;
        bool found;

        fd = bitmap_find_set(cloexec ? t->cloexec : t->used, t->size, fd);
        found = fd < t->size && fd <= last;
        if (found) {
            f = take_out(files, (uint32_t)fd);
        }
        reader_leave(r);
        if (!found) {
            return;
        }
        if (f) { /* else only reserved so far */
            close_file(files, f);
        }
    }
}

void files_put(struct files *f)
{
    struct fdtable *t, *older;

    if (vcpus_add_fetch(&f->refs, -1) != 0) {
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

    freeze(files);
    t = files->table;
    fd = bitmap_find_set(t->used, t->size, first);
    while (fd < t->size && fd <= last) {
        bitmap_set(t->cloexec, fd);
        fd = bitmap_find_set(t->used, t->size, fd + 1);
    }
    thaw(files);
}

/* ---- putting in ---- */

/* The lowest free descriptor in [min, limit) is the caller's now. What is not
 * below both limit and the table's size: there is none. Entered. */
static uint32_t take_free(struct files *files, struct fdtable *t, uint32_t min,
                          uint64_t limit)
{
    uint32_t word = MAX(min / WORD, atomic_load_relaxed(&files->first_word));
    uint64_t not = word == min / WORD ? bit_of(min) - 1 : 0;

    for (; word < t->size / WORD; word++, not = 0) {
        uint64_t used = atomic_load_relaxed(&t->used[word]);

        while (~(used | not )) {
            uint32_t fd =
                word * WORD + (uint32_t)__builtin_ctzll(~(used | not ));

            if (fd >= limit ||
                vcpus_cas(&t->used[word], &used, used | bit_of(fd))) {
                return fd;
            }
        }
    }
    return t->size;
}

/* Room for fd, and a better start for the next search. */
static int make_room(struct files *files, uint32_t fd)
{
    struct fdtable *t;
    int err = 0;

    freeze(files);
    if (fd >= files->table->size) {
        err = grow(files, fd);
    }
    t = files->table;
    files->first_word = (uint32_t)bitmap_find_zero(t->used, t->size, 0) / WORD;
    thaw(files);
    return err;
}

static int install(struct files *files, struct file *f, uint32_t min,
                   bool cloexec, uint64_t limit)
{
    enum { FAR = 4 }; /* words that a search passes */

    for (;;) {
        struct reader *r = enter(files);
        struct fdtable *t = files->table;
        uint32_t fd = take_free(files, t, min, limit);
        bool taken = fd < t->size && fd < limit;
        bool far = fd / WORD > MAX(min / WORD, files->first_word) + FAR;
        int err = 0;

        if (likely(taken)) {
            if (cloexec) {
                set_bit(t->cloexec, fd);
            }
            if (f) {
                atomic_store_release(slot_of(t, fd), f);
            }
        }
        reader_leave(r);
        if (fd >= limit) {
            return -EMFILE;
        }
        if (unlikely(!taken || far)) {
            err = make_room(files, MAX(fd, min));
        }
        if (taken || err) {
            return taken ? (int)fd : err;
        }
    }
}

int fd_install(struct file *f, int min, bool cloexec)
{
    return install(current_files(), f, min, cloexec,
                   current_limit(FS_LIMIT_NOFILE));
}

/* ---- reserving ---- */

int fd_reserve(bool cloexec)
{
    return fd_install(NULL, 0, cloexec);
}

void fd_fill(int fd, struct file *f)
{
    struct files *files = current_files();
    struct reader *r = enter(files);

    if (f) {
        atomic_store_release(slot_of(files->table, fd), f);
    } else {
        give_back(files, files->table, fd);
    }
    reader_leave(r);
}

int files_install_first(struct files *files, struct file *f)
{
    return install(files, f, 0, false, UINT64_MAX);
}

int fd_install_at(struct file *f, int fd, bool cloexec)
{
    struct files *files = current_files();
    struct file *old = NULL;
    struct fdtable *t;
    int err = 0;

    if ((unsigned)fd >= current_limit(FS_LIMIT_NOFILE)) {
        return -EBADF;
    }
    freeze(files);
    if ((uint32_t)fd >= files->table->size) {
        err = grow(files, fd);
    }
    t = files->table;
    if (!err && bitmap_test(t->used, fd) && !*slot_of(t, fd)) {
        err = -EBUSY; /* another thread is opening it */
    }
    if (!err) {
        old = *slot_of(t, fd);
        file_ref(f);
        bitmap_set(t->used, fd);
        if (cloexec) {
            bitmap_set(t->cloexec, fd);
        } else {
            bitmap_clear(t->cloexec, fd);
        }
        atomic_store_release(slot_of(t, fd), f);
    }
    thaw(files);
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
        if (vcpus_cas(&f->refs, &refs, refs + 1)) {
            return true;
        }
    }
    return false;
}

static __attribute__((noinline)) int get_counted(struct files *files, int fd,
                                                 struct file **out)
{
    for (;;) {
        struct fdtable *t = atomic_load_acquire(&files->table);
        struct file *f;

        if ((uint32_t)fd >= t->size) {
            return -EBADF;
        }
        f = atomic_load_acquire(slot_of(t, fd));
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
                   f == atomic_load_acquire(slot_of(t, fd)))) {
            *out = f;
            return 0;
        }
        file_put(f);
    }
}

static inline int get_fd(int fd, struct fd *out)
{
    struct files *files = current_files();
    struct fdtable *t = files->table;
    struct file *f;

    out->counted = atomic_load_relaxed(&files->refs) != 1;
    if (unlikely(out->counted && !one_vcpu)) {
        return get_counted(files, fd, &out->file);
    }
    f = (uint32_t)fd < t->size ? *slot_of(t, fd) : NULL;
    out->file = f;
    if (unlikely(!f)) {
        return -EBADF;
    }
    if (out->counted) { /* while nobody else runs, nothing dies */
        f->refs++;
    }
    return 0;
}

int fd_get(int fd, struct fd *out)
{
    return get_fd(fd, out);
}

int fd_get_io(int fd, struct fd *out)
{
    int err = get_fd(fd, out);

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
    struct file *f;

    if (get_counted(files, fd, &f)) {
        return NULL;
    }
    if (cloexec) {
        *cloexec = bitmap_test(atomic_load_acquire(&files->table)->cloexec, fd);
    }
    return f;
}

int files_next(struct files *files, int fd)
{
    struct fdtable *t = atomic_load_acquire(&files->table);
    size_t next = bitmap_find_set(t->used, t->size, fd);

    return next < t->size ? (int)next : -1;
}

/* ---- close-on-exec ---- */

int fd_get_cloexec(int fd)
{
    struct fdtable *t = atomic_load_acquire(&current_files()->table);

    if ((uint32_t)fd >= t->size || !*slot_of(t, fd)) {
        return -EBADF;
    }
    return bitmap_test(t->cloexec, fd);
}

int fd_set_cloexec(int fd, bool on)
{
    struct files *files = current_files();
    struct fdtable *t;
    int err = -EBADF;

    freeze(files);
    t = files->table;
    if ((uint32_t)fd < t->size && *slot_of(t, fd)) {
        err = 0;
        if (on) {
            bitmap_set(t->cloexec, fd);
        } else {
            bitmap_clear(t->cloexec, fd);
        }
    }
    thaw(files);
    return err;
}
