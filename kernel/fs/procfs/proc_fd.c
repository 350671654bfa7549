/* SPDX-License-Identifier: MIT
 *
 * procfs: /proc/PID/fd and /proc/PID/fdinfo (proc(5)). A link of fd/ leads to
 * the very object, whatever its text says.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/current.h"
#include "kernel/fs/file.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

static int get_files(struct thread *t, void *arg)
{
    if (!t->files) {
        return -ENOENT;
    }
    files_get(t->files);
    *(struct files **)arg = t->files;
    return 0;
}

/* Of the process for /proc/PID/fd, of the thread below task/. The number of
 * the descriptor, if at has one, is not looked at. */
static int files_at(const struct pseudo_at *at, int depth, struct files **out)
{
    struct pseudo_at task = *at;

    task.count = depth;
    return with_thread(&task, get_files, out);
}

static int next_fd(int from, const struct pseudo_at *at)
{
    struct files *files;
    int fd;

    if (files_at(at, at->count, &files)) {
        return -1;
    }
    fd = files_next(files, from);
    files_put(files);
    return fd;
}

/* The file that at's last number names, with a reference. */
static struct file *file_at(const struct pseudo_at *at, bool *cloexec)
{
    struct files *files;
    struct file *f;

    if (files_at(at, at->count - 1, &files)) {
        return NULL;
    }
    f = files_peek(files, at->n[at->count - 1], cloexec);
    files_put(files);
    return f;
}

/* "pipe:[123]" and "anon_inode:[eventfd]" for what has no path. */
static int describe(struct file *f, char *buf, size_t len)
{
    const char *name = f->path.dentry->name;

    if (f->path.dentry->parent != f->path.dentry ||
        f->path.mount->root == f->path.dentry) {
        return file_path(f, buf, len);
    }
    if (strcmp(name, "pipe") == 0 || strcmp(name, "socket") == 0) {
        return fmt_scnprintf(buf, len, "%s:[%lu]", name,
                             (unsigned long)f->inode->ino);
    }
    return fmt_scnprintf(buf, len, "%s", name);
}

static int link_fd(char *buf, size_t len, const struct pseudo_at *at)
{
    struct file *f = file_at(at, NULL);
    int n;

    if (!f) {
        return -ENOENT;
    }
    n = describe(f, buf, len);
    file_put(f);
    return n;
}

static int follow_fd(struct path *out, const struct pseudo_at *at)
{
    struct file *f = file_at(at, NULL);

    if (!f) {
        return -ENOENT;
    }
    *out = f->path;
    path_get(out);
    file_put(f);
    return 0;
}

/* How it is open. */
static uint32_t fd_bits(const struct pseudo_at *at)
{
    struct file *f = file_at(at, NULL);
    uint32_t bits = 0100;

    if (f) {
        bits |= (f->mode & FILE_READ ? 0400 : 0) |
                (f->mode & FILE_WRITE ? 0200 : 0);
        file_put(f);
    }
    return bits;
}

static int show_fdinfo(struct text *t, const struct pseudo_at *at)
{
    bool cloexec = false;
    struct file *f = file_at(at, &cloexec);
    char buf[1024];

    if (!f) {
        return -ENOENT;
    }
    text_add(t, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
             (unsigned long)f->pos, f->flags | (cloexec ? O_CLOEXEC : 0),
             f->path.mount->id, (unsigned long)f->inode->ino);
    if (f->ops->fdinfo) {
        text_bytes(t, buf, f->ops->fdinfo(f, buf, sizeof(buf)));
    }
    file_put(f);
    return 0;
}

const struct pseudo proc_fd_rows[] = {
    {"", S_IFLNK | 0700, .link = link_fd, .follow = follow_fd, .next = next_fd,
     .bits = fd_bits},
    {NULL},
};

const struct pseudo proc_fdinfo_rows[] = {
    {"", S_IFREG | 0444, .show = show_fdinfo, .next = next_fd},
    {NULL},
};
