/* SPDX-License-Identifier: MIT
 *
 * procfs: /proc/PID/map_files (proc(5)): a link for each mapping of a file,
 * named by its addresses, that leads to the very file. Names are for those who
 * may trace; to follow one takes CAP_CHECKPOINT_RESTORE besides.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/current.h"
#include "kernel/fs/file.h"
#include "kernel/fs/path.h"
#include "kernel/fs/special.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/peer.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/dirent.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

struct link {
    struct inode inode;
    struct pseudo_at at;
    uint64_t start, end;
};

static struct link *link_of(struct inode *inode)
{
    return container_of(inode, struct link, inode);
}

/* The address space of `at`, counted, for who may trace it. */
static int traced_mm(const struct pseudo_at *at, struct mm **out)
{
    struct proc *p = proc_at(at);
    int err;

    if (!p) {
        return -ENOENT;
    }
    err =
        mm_at(at, out); /* first: p may execute what others may not look into */
    err = !proc_may_trace(p) ? -EACCES : err ? err : *out ? 0 : -ENOENT;
    proc_put(p);
    if (err && *out) {
        mm_put(*out);
        *out = NULL;
    }
    return err;
}

/* ---- links ---- */

/* The file that is mapped at exactly [start, end), counted. */
static int mapped_file(const struct pseudo_at *at, uint64_t start, uint64_t end,
                       struct file **out)
{
    struct vm_object *o;
    struct mm *mm;
    int err = traced_mm(at, &mm);

    if (err) {
        return err;
    }
    o = mm_object_at(mm, start, end);
    mm_put(mm);
    if (!o) {
        return -ENOENT;
    }
    *out = mapping_file(o);
    if (*out) {
        file_ref(*out);
    }
    o->ops->put(o);
    return *out ? 0 : -ENOENT;
}

static int find_path(struct link *l, struct path *out)
{
    struct file *f;
    int err = mapped_file(&l->at, l->start, l->end, &f);

    if (!err) {
        *out = f->path;
        path_get(out);
        file_put(f);
    }
    return err;
}

static int link_read(struct inode *inode, char *buf, size_t len)
{
    struct path p, root;
    int n = find_path(link_of(inode), &p);

    if (n) {
        return n;
    }
    view_get_root(current_view(), &root);
    n = path_string(&p, &root, buf, len, NULL);
    path_put(&root);
    path_put(&p);
    return n;
}

static int link_follow(struct inode *inode, struct path *out)
{
    struct fs_cred cred;

    fs_current_cred(&cred);
    if (!fs_capable(&cred, CAP_SYS_ADMIN) &&
        !fs_capable(&cred, CAP_CHECKPOINT_RESTORE)) {
        return -EPERM;
    }
    return find_path(link_of(inode), out);
}

static void link_free(struct inode *inode)
{
    inode_destroy(inode);
    kfree(link_of(inode));
}

static const struct inode_ops link_ops = {
    .free = link_free,
    .readlink = link_read,
    .follow = link_follow,
};

static uint64_t number_of(struct inode *dir, uint64_t start)
{
    return dir->ino ^ start >> PAGE_SHIFT;
}

/* Its mode says how the file is open. */
static int new_link(struct inode *dir, uint64_t start, uint64_t end,
                    const struct file *f, struct inode **out)
{
    uint32_t mode = S_IFLNK | (f->mode & FILE_READ ? 0400 : 0) |
                    (f->mode & FILE_WRITE ? 0200 : 0);
    struct link *l = kmalloc(sizeof(*l));

    if (!l) {
        return -ENOMEM;
    }
    inode_init(&l->inode, dir->sb, &link_ops, number_of(dir, start), mode);
    l->inode.uid = dir->uid;
    l->inode.gid = dir->gid;
    l->inode.size = 64; /* as Linux shows them */
    l->at = *pseudo_place(dir);
    l->start = start;
    l->end = end;
    *out = &l->inode;
    return 0;
}

/* ---- the directory ---- */

/* A number as it would be written, up to `end` or the end of the name; what is
 * behind it, or NULL. */
static const char *parse(const char *at, const char *stop, char end,
                         uint64_t *out)
{
    const char *first = at;

    for (*out = 0; at < stop && *at != end; at++) {
        unsigned digit = *at >= 'a' && *at <= 'f'   ? *at - 'a' + 10u
                         : *at >= '0' && *at <= '9' ? *at - '0' + 0u
                                                    : 16;

        if (digit == 16 || *out >> 60 || (at > first && *first == '0')) {
            return NULL;
        }
        *out = *out << 4 | digit;
    }
    return at == first || (end && at == stop) ? NULL : at + !!end;
}

static int lookup(struct inode *dir, const char *name, size_t len,
                  struct inode **out)
{
    const char *stop = name + len;
    uint64_t start, end;
    struct file *f;
    struct mm *mm;
    int err = traced_mm(pseudo_place(dir), &mm);

    if (err) {
        return err;
    }
    mm_put(mm);
    name = parse(name, stop, '-', &start);
    name = name ? parse(name, stop, '\0', &end) : NULL;
    if (!name) {
        return -ENOENT;
    }
    err = mapped_file(pseudo_place(dir), start, end, &f);
    if (!err) {
        err = new_link(dir, start, end, f, out);
        file_put(f);
    }
    return err;
}

/* Cookies are pages: a mapping ends where the next may begin. */
static int readdir(struct inode *dir, struct dir_sink *sink)
{
    uint64_t at = sink->pos << PAGE_SHIFT;
    struct mm_region r;
    struct mm *mm;
    int err = traced_mm(pseudo_place(dir), &mm);

    if (err) {
        return err;
    }
    while (mm_region_from(mm, at, &r)) {
        uint64_t next = r.end >> PAGE_SHIFT;
        char name[40];
        int n = fmt_snprintf(name, sizeof(name), "%lx-%lx",
                             (unsigned long)r.start, (unsigned long)r.end);

        if (r.ino &&
            !sink->emit(sink, name, n, number_of(dir, r.start), DT_LNK, next)) {
            break;
        }
        sink->pos = next;
        at = r.end;
    }
    mm_put(mm);
    return 0;
}

const struct inode_ops proc_map_files_ops = {
    .free = pseudo_free,
    .lookup = lookup,
    .readdir = readdir,
};
