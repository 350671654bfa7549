/* SPDX-License-Identifier: MIT
 *
 * Trees made of tables (pseudo.h). An inode is a row and the numbers that led
 * to it. A file's content is made at its first read and whenever it is read
 * from the beginning again.
 *
 * Cookies of a directory: row * ROW_SPAN + number of the entry within it.
 */
#include "kernel/fs/procfs/pseudo.h"
#include "kernel/core/timer.h"
#include "kernel/fs/file.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

#define ROW_SPAN (1ull << 32)

struct pseudo_inode {
    struct inode inode;
    const struct pseudo *row;
    struct pseudo_at at;
    uint64_t made; /* ns of clock_now() */
};

struct pseudo_sb {
    struct superblock sb;
    struct pseudo root;
    struct pseudo_limits limits;
};

static const struct inode_ops pseudo_inode_ops, pseudo_magic_ops;
static void apply_override(struct inode *inode, const struct pseudo *row);
static const struct file_ops pseudo_file_ops, pseudo_plain_ops, lists_ops;

static struct pseudo_inode *pseudo_of(struct inode *inode)
{
    return container_of(inode, struct pseudo_inode, inode);
}

struct pseudo_limits *pseudo_limits(struct superblock *sb)
{
    return &container_of(sb, struct pseudo_sb, sb)->limits;
}

/* ---- text ---- */

static bool make_room(struct text *t, size_t more)
{
    size_t size = MAX(t->size * 2, (size_t)1024);
    char *buf;

    if (t->failed || t->len + more <= t->size) {
        return !t->failed;
    }
    while (size < t->len + more) {
        size *= 2;
    }
    buf = kmalloc(size);
    if (!buf) {
        t->failed = true;
        return false;
    }
    if (t->len) {
        memcpy(buf, t->buf, t->len);
    }
    kfree(t->buf);
    t->buf = buf;
    t->size = size;
    return true;
}

void text_bytes(struct text *t, const void *bytes, size_t len)
{
    if (make_room(t, len)) {
        memcpy(t->buf + t->len, bytes, len);
        t->len += len;
    }
}

void text_add(struct text *t, const char *fmt, ...)
{
    va_list args;
    int n;

    if (!make_room(t, 256)) {
        return;
    }
    va_start(args, fmt);
    n = fmt_vsnprintf(t->buf + t->len, t->size - t->len, fmt, args);
    va_end(args);
    if ((size_t)n >= t->size - t->len) {
        if (!make_room(t, n + 1)) {
            return;
        }
        va_start(args, fmt);
        fmt_vsnprintf(t->buf + t->len, t->size - t->len, fmt, args);
        va_end(args);
    }
    t->len += n;
}

void pseudo_changed(struct pseudo_changes *c)
{
    atomic_add_fetch(&c->count, 1);
    wait_wake_all(&c->wait);
}

/* ---- inodes ---- */

static uint64_t number_of(const struct pseudo *row, const struct pseudo_at *at)
{
    uint64_t hash = hash_u64(1, (uint64_t)row);

    for (int i = 0; i < at->count; i++) {
        hash = hash_u64(hash, at->n[i]);
    }
    if (row->generation) {
        hash = hash_u64(hash, row->generation(at));
    }
    return (hash >> 32) | 1ull << 32;
}

static int inode_new(struct superblock *sb, struct inode *dir,
                     const struct pseudo *row, const struct pseudo_at *at,
                     struct inode **out)
{
    struct pseudo_inode *p = kmalloc(sizeof(*p));

    if (!p) {
        return -ENOMEM;
    }
    inode_init(&p->inode, sb,
               row->inode_ops ? row->inode_ops
               : row->follow  ? &pseudo_magic_ops
                              : &pseudo_inode_ops,
               number_of(row, at), row->mode);
    if (row->lists) {
        p->inode.file_ops = &lists_ops;
    }
    if (S_ISREG(row->mode)) {
        p->inode.file_ops = row->file_ops                ? row->file_ops
                            : row->changes || !at->count ? &pseudo_file_ops
                                                         : &pseudo_plain_ops;
    }
    if (row->bits) {
        p->inode.mode = S_IFLNK | row->bits(at);
        p->inode.size = 64; /* as Linux shows them */
    }
    if (sb->root) { /* the same at each look */
        p->inode.atime = p->inode.mtime = sb->root->mtime;
        p->inode.ctime = p->inode.btime = sb->root->mtime;
    }
    apply_override(&p->inode, row);
    if (row->immutable) {
        p->inode.flags |= INODE_IMMUTABLE;
    }
    p->row = row;
    p->at = *at;
    p->made = clock_now();
    if (row->owner) {
        row->owner(&p->inode.uid, &p->inode.gid, at);
    } else if (dir && at->count) { /* a process's all belongs to its owner */
        p->inode.uid = dir->uid;
        p->inode.gid = dir->gid;
    }
    *out = &p->inode;
    return 0;
}

void pseudo_free(struct inode *inode)
{
    inode_destroy(inode);
    kfree(pseudo_of(inode));
}

/* ---- directories ---- */

/* The number that name stands for behind the row's prefix; -1: none. */
static int parse_number(const struct pseudo *row, const char *name, size_t len)
{
    size_t skip = strlen(row->name);
    int64_t n = 0;

    if (len <= skip || memcmp(name, row->name, skip) != 0 ||
        (name[skip] == '0' && len > skip + 1)) {
        return -1;
    }
    for (size_t i = skip; i < len; i++) {
        if (name[i] < '0' || name[i] > '9' || n > INT32_MAX / 10) {
            return -1;
        }
        n = n * 10 + (name[i] - '0');
    }
    return n > INT32_MAX ? -1 : n;
}

static int find_name(const struct pseudo *row, const char *name, size_t len,
                     const struct pseudo_at *at)
{
    int n = row->next(0, at);

    while (n >= 0 && (strlen(row->spell(n)) != len ||
                      memcmp(row->spell(n), name, len) != 0)) {
        n = row->next(n + 1, at);
    }
    return n;
}

static bool match(const struct pseudo *row, const char *name, size_t len,
                  struct pseudo_at *at)
{
    int n;

    if (!row->next) {
        return strlen(row->name) == len && memcmp(row->name, name, len) == 0;
    }
    n = row->spell ? find_name(row, name, len, at)
                   : (int)parse_number(row, name, len);
    if (n < 0 ||
        (row->next(n, at) != n && !(row->hides && row->hides(n, at)))) {
        return false;
    }
    at->n[at->count++] = n;
    return true;
}

/* ---- what a mount shows ---- */

static bool shows_row(struct inode *dir, const struct pseudo *row)
{
    return dir != dir->sb->root || row->next || row->always ||
           !pseudo_limits(dir->sb)->numbers_only;
}

static bool shows_number(struct inode *dir, const struct pseudo *row, int n)
{
    return !row->visible || row->visible(pseudo_limits(dir->sb), n);
}

static int may_enter(struct inode *dir)
{
    struct pseudo_inode *p = pseudo_of(dir);

    return p->row->enters && !p->row->enters(pseudo_limits(dir->sb),
                                             p->at.n[p->at.count - 1])
               ? -EPERM
               : 0;
}

static int pseudo_lookup(struct inode *dir, const char *name, size_t len,
                         struct inode **out)
{
    const struct pseudo *own = pseudo_of(dir)->row, *row = own->children;
    struct pseudo_at at = pseudo_of(dir)->at;
    int err = may_enter(dir);

    if (!err && own->check) {
        err = own->check(&at);
    }
    if (err) {
        return err;
    }
    for (; row && row->name; row++) {
        if (shows_row(dir, row) && match(row, name, len, &at)) {
            if (row->next && !shows_number(dir, row, at.n[at.count - 1])) {
                return -ENOENT;
            }
            return inode_new(dir->sb, dir, row, &at, out);
        }
    }
    return -ENOENT;
}

/* Emits entry n of row; false: the sink is full. */
static bool emit_entry(struct dir_sink *sink, const struct pseudo *row,
                       struct pseudo_at at, int n, uint64_t next)
{
    char name[64];
    int len;

    if (row->next) {
        len = row->spell
                  ? (int)strlcpy(name, row->spell(n), sizeof(name))
                  : fmt_snprintf(name, sizeof(name), "%s%d", row->name, n);
        at.n[at.count++] = n;
    } else {
        len = strlcpy(name, row->name, sizeof(name));
    }
    if (!sink->emit(sink, name, len, number_of(row, &at),
                    (row->mode & S_IFMT) >> 12, next)) {
        return false;
    }
    sink->pos = next;
    return true;
}

static bool emit_row(struct inode *dir, struct dir_sink *sink,
                     const struct pseudo *row, uint64_t base)
{
    const struct pseudo_at *at = &pseudo_of(dir)->at;
    int from = sink->pos - base;

    if (!row->next) {
        return emit_entry(sink, row, *at, 0, base + ROW_SPAN);
    }
    for (;;) {
        int n = row->next(from, at);

        if (n < 0) {
            sink->pos = base + ROW_SPAN;
            return true;
        }
        if (shows_number(dir, row, n) &&
            !emit_entry(sink, row, *at, n, base + n + 1)) {
            return false;
        }
        from = n + 1;
    }
}

static int pseudo_readdir(struct inode *dir, struct dir_sink *sink)
{
    const struct pseudo *rows = pseudo_of(dir)->row->children;
    uint64_t i = 0;
    int err = may_enter(dir);

    if (err) {
        return err;
    }
    for (; rows && rows[i].name; i++) {
        if (sink->pos >= (i + 1) * ROW_SPAN || !shows_row(dir, &rows[i])) {
            continue;
        }
        if (!emit_row(dir, sink, &rows[i], i * ROW_SPAN)) {
            break;
        }
    }
    return 0;
}

/* ---- directories that may have nothing to list: not even dots ---- */

static int lists_readdir(struct file *f, struct dir_sink *sink)
{
    struct pseudo_inode *p = pseudo_of(f->inode);
    int err = p->row->lists(&p->at);

    return err ? err : directory_file_ops.readdir(f, sink);
}

static int64_t lists_seek(struct file *f, int64_t off, int whence)
{
    return directory_file_ops.seek(f, off, whence);
}

static long lists_read(struct file *f, struct iobuf *io, uint64_t *pos,
                       int flags)
{
    return directory_file_ops.read(f, io, pos, flags);
}

static int lists_sync(struct file *f, bool data_only)
{
    return directory_file_ops.sync(f, data_only);
}

static const struct file_ops lists_ops = {
    .read = lists_read,
    .seek = lists_seek,
    .readdir = lists_readdir,
    .sync = lists_sync,
};

/* A directory is linked by itself, its name and the directories in it. */
static void pseudo_getattr(struct inode *inode, struct inode_stat *st)
{
    const struct pseudo *row = pseudo_of(inode)->row->children;
    const struct pseudo_at *at = &pseudo_of(inode)->at;

    if (!S_ISDIR(inode->mode)) {
        return;
    }
    st->nlink = 2;
    for (; row && row->name; row++) {
        if (S_ISDIR(row->mode) && !row->next) {
            st->nlink++;
        } else if (S_ISDIR(row->mode)) {
            for (int n = row->next(0, at); n >= 0; n = row->next(n + 1, at)) {
                st->nlink++;
            }
        }
    }
}

const struct pseudo_at *pseudo_place(struct inode *inode)
{
    return &pseudo_of(inode)->at;
}

static int pseudo_open(struct inode *inode, struct file *f)
{
    const struct pseudo *row = pseudo_of(inode)->row;

    return S_ISDIR(inode->mode) ? may_enter(inode)
           : row->open          ? row->open(inode, f)
                                : 0;
}

bool pseudo_number(struct inode *inode, const struct pseudo *children, int *n,
                   uint64_t *made)
{
    struct pseudo_inode *p = pseudo_of(inode);

    if (inode->ops != &pseudo_inode_ops || p->row->children != children ||
        p->at.count != 1) {
        return false;
    }
    *n = p->at.n[0];
    *made = p->made;
    return true;
}

/* ---- links ---- */

static int pseudo_readlink(struct inode *inode, char *buf, size_t len)
{
    struct pseudo_inode *p = pseudo_of(inode);

    if (p->row->text) {
        size_t n = MIN(strlen(p->row->text), len);
        int err = p->row->check ? p->row->check(&p->at) : 0;

        if (err) {
            return err;
        }

        memcpy(buf, p->row->text, n);
        return n;
    }
    return p->row->link(buf, len, &p->at);
}

static int pseudo_follow(struct inode *inode, struct path *out)
{
    struct pseudo_inode *p = pseudo_of(inode);

    return p->row->follow(out, &p->at);
}

/* Modes and owners that chmod(2) and chown(2) gave to entries, which are made
 * anew at each look. Never forgotten; only the superuser makes them. */
struct override {
    struct list node;
    const struct pseudo *row;
    uint32_t mode, uid, gid;
};

static struct list overrides = LIST_INIT(overrides);
static struct spinlock overrides_lock = SPINLOCK_INIT(LOCK_PAGECACHE);

static struct override *find_override(const struct pseudo *row)
{
    list_for_each (pos, &overrides) {
        struct override *o = list_entry(pos, struct override, node);

        if (o->row == row) {
            return o;
        }
    }
    return NULL;
}

static void apply_override(struct inode *inode, const struct pseudo *row)
{
    struct override *o;

    if (list_empty(&overrides)) {
        return;
    }
    spin_lock(&overrides_lock);
    o = find_override(row);
    if (o) {
        inode->mode = o->mode;
        inode->uid = o->uid;
        inode->gid = o->gid;
    }
    spin_unlock(&overrides_lock);
}

static int keep_override(struct inode *inode)
{
    const struct pseudo *row = pseudo_of(inode)->row;
    struct override *fresh = kmalloc(sizeof(*fresh)), *o;

    if (!fresh) {
        return -ENOMEM;
    }
    spin_lock(&overrides_lock);
    o = find_override(row);
    if (!o) {
        o = fresh;
        fresh = NULL;
        o->row = row;
        list_add(&overrides, &o->node);
    }
    o->mode = inode->mode;
    o->uid = inode->uid;
    o->gid = inode->gid;
    spin_unlock(&overrides_lock);
    kfree(fresh);
    return 0;
}

/* A size is ignored: O_TRUNC comes before what is written. Times last as long
 * as the inode. What belongs to a process keeps its mode and owner. */
static int pseudo_setattr(struct inode *inode, const struct inode_attr *attr)
{
    uint32_t kept = attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID);

    if (kept && pseudo_of(inode)->at.count) {
        return -EPERM;
    }
    if (attr->valid & ATTR_MODE) {
        inode->mode = attr->mode;
    }
    if (attr->valid & ATTR_UID) {
        inode->uid = attr->uid;
    }
    if (attr->valid & ATTR_GID) {
        inode->gid = attr->gid;
    }
    return kept ? keep_override(inode) : 0;
}

static const struct inode_ops pseudo_inode_ops = {
    .free = pseudo_free,
    .lookup = pseudo_lookup,
    .readdir = pseudo_readdir,
    .readlink = pseudo_readlink,
    .open = pseudo_open,
    .getattr = pseudo_getattr,
    .locks_getattr = true, /* processes are counted */
    .setattr = pseudo_setattr,
};

static const struct inode_ops pseudo_magic_ops = {
    .free = pseudo_free,
    .readlink = pseudo_readlink,
    .follow = pseudo_follow,
};

/* ---- files ---- */

/* A file that was read or polled; the inode's lock guards it. */
struct opened {
    struct text text;
    bool made;
    uint32_t seen; /* of the row's changes */
    struct mm *mm; /* counted, or NULL */
};

/* NULL: no memory. */
static struct opened *opened_of(struct file *f)
{
    struct opened *o = f->private;

    if (!o) {
        o = f->private = kzalloc(sizeof(*o));
        if (o && pseudo_of(f->inode)->row->changes) {
            o->seen = atomic_load(&pseudo_of(f->inode)->row->changes->count);
        }
    }
    return o;
}

int pseudo_keep(struct file *f, struct mm *mm)
{
    struct opened *o = f->private = kzalloc(sizeof(*o));

    if (!o) {
        mm_put(mm);
        return -ENOMEM;
    }
    o->mm = mm;
    return 0;
}

static struct pseudo_at place_of(struct file *f)
{
    struct pseudo_at at = pseudo_of(f->inode)->at;

    at.mm = f->private ? ((struct opened *)f->private)->mm : NULL;
    return at;
}

static int make_content(struct file *f, struct text *t)
{
    struct pseudo_inode *p = pseudo_of(f->inode);
    int err = 0;

    t->len = 0;
    t->failed = false;
    if (p->row->text) {
        err = p->row->check ? p->row->check(&p->at) : 0;
        text_bytes(t, p->row->text, strlen(p->row->text));
    } else if (p->row->number) {
        text_add(t, p->row->number->most ? "%ld\n" : "%lu\n",
                 tunable(p->row->number));
    } else if (p->row->show) {
        struct pseudo_at at = place_of(f);

        err = p->row->show(t, &at);
    }
    return err ? err : t->failed ? -ENOMEM : 0;
}

static long pseudo_read(struct file *f, struct iobuf *io, uint64_t *pos,
                        int flags)
{
    struct opened *o;
    long n = 0;

    mutex_lock(&f->inode->lock);
    o = opened_of(f);
    if (!o) {
        n = -ENOMEM;
    } else if (!o->made || *pos == 0) {
        n = make_content(f, &o->text);
        o->made = true;
    }
    if (n == 0 && *pos < o->text.len) {
        n = iobuf_put(io, o->text.buf + *pos, o->text.len - *pos);
        *pos += MAX(n, 0l);
    }
    mutex_unlock(&f->inode->lock);
    return n;
}

static long pseudo_write(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    struct pseudo_inode *p = pseudo_of(f->inode);
    char buf[256];
    size_t len = MIN(io->left, (uint64_t)sizeof(buf) - 1);
    long n;

    if (!p->row->store && !p->row->number) {
        return -EACCES;
    }
    n = iobuf_get(io, buf, len);
    if (n > 0) {
        int err;

        buf[n] = '\0';
        err = p->row->number ? tunable_store(p->row->number, buf, (size_t)n)
                             : p->row->store(buf, n, &p->at);
        n = err ? err : n;
    }
    return n;
}

static long pseudo_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    const struct pseudo *row = pseudo_of(f->inode)->row;
    struct pseudo_at at = place_of(f);

    return row->ioctl ? row->ioctl(&at, cmd, arg) : -ENOTTY;
}

static int64_t pseudo_seek(struct file *f, int64_t off, int whence)
{
    return whence == SEEK_END ? -EINVAL : seek_in(f, off, whence, 0);
}

static uint32_t pseudo_poll(struct file *f, struct poll_table *pt)
{
    struct pseudo_changes *c = pseudo_of(f->inode)->row->changes;
    struct opened *o;
    uint32_t count, seen;

    if (!c) {
        return POLL_ALWAYS;
    }
    poll_wait(pt, &c->wait);
    count = atomic_load(&c->count);
    mutex_lock(&f->inode->lock);
    o = opened_of(f);
    seen = o ? o->seen : count;
    if (o) {
        o->seen = count;
    }
    mutex_unlock(&f->inode->lock);
    return POLLIN | POLLRDNORM | (seen != count ? POLLERR | POLLPRI : 0);
}

static void pseudo_release(struct file *f)
{
    struct opened *o = f->private;

    if (o) {
        if (o->mm) {
            mm_put(o->mm);
        }
        kfree(o->text.buf);
        kfree(o);
    }
}

/* What is below a process can be polled only where changes are told. */
static const struct file_ops pseudo_plain_ops = {
    .read = pseudo_read,
    .write = pseudo_write,
    .seek = pseudo_seek,
    .ioctl = pseudo_ioctl,
    .release = pseudo_release,
};

static const struct file_ops pseudo_file_ops = {
    .read = pseudo_read,
    .write = pseudo_write,
    .seek = pseudo_seek,
    .poll = pseudo_poll,
    .release = pseudo_release,
};

/* ---- the superblock ---- */

static void pseudo_free_sb(struct superblock *sb)
{
    kfree(container_of(sb, struct pseudo_sb, sb));
}

static const struct superblock_ops pseudo_sb_ops = {.free = pseudo_free_sb};

int pseudo_mount(const struct pseudo *children, const char *type,
                 uint64_t magic, uint32_t flags, struct superblock **out)
{
    struct pseudo_sb *s = kzalloc(sizeof(*s));
    struct pseudo_at at = {.count = 0};
    struct inode *root;
    int err;

    if (!s) {
        return -ENOMEM;
    }
    sb_init(&s->sb, &pseudo_sb_ops, type, magic,
            flags | SB_NO_ATIME | SB_TABLES);
    s->root = (struct pseudo){
        .name = "/", .mode = S_IFDIR | 0555, .children = children};
    err = inode_new(&s->sb, NULL, &s->root, &at, &root);
    if (err) {
        sb_put(&s->sb);
        return err;
    }
    root->ino = 1;
    s->sb.root = root;
    *out = &s->sb;
    return 0;
}
