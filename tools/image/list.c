/* SPDX-License-Identifier: MIT
 *
 * The files of an image, by the kernel's own reader, in the order of their
 * directories. The image is one that image_verify() accepted.
 */
#include "tools/image/image.h"
#include "tools/image/util.h"
#include "kernel/fs/erofs/erofs_core.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 256 };

struct walk {
    int fd;
    uint64_t at;
    struct erofs fs;
    image_file_fn file;
    void *ctx;
    char path[PATH_MAX];
    size_t len;
    unsigned depth;
    int err;
};

static int read_at(void *ctx, uint64_t off, void *dst, size_t len)
{
    struct walk *w = ctx;

    return pread(w->fd, dst, len, (off_t)(w->at + off)) == (ssize_t)len ? 0
                                                                        : -EIO;
}

static int show(struct walk *w, uint64_t nid);

static bool entry(void *arg, const char *name, size_t len, uint64_t nid,
                  uint8_t type, uint64_t next)
{
    struct walk *w = arg;
    size_t before = w->len;

    if (before + len + 2 > sizeof(w->path)) {
        w->err = -ENAMETOOLONG;
        return false;
    }
    w->path[w->len++] = '/';
    memcpy(w->path + w->len, name, len);
    w->len += len;
    w->path[w->len] = '\0';
    w->err = show(w, nid);
    w->len = before;
    w->path[before] = '\0';
    return !w->err;
}

static int show_directory(struct walk *w, const struct erofs_inode *inode)
{
    uint8_t *scratch = w->depth < DEPTH_MAX ? malloc(EROFS_BLOCK) : NULL;
    uint64_t pos = 0;
    int err;

    if (!scratch) {
        return -ELOOP;
    }
    w->depth++;
    err = erofs_readdir(&w->fs, inode, &pos, scratch, entry, w);
    w->depth--;
    free(scratch);
    return err < 0 ? err : w->err;
}

static int show(struct walk *w, uint64_t nid)
{
    struct image_file_info info = {0};
    struct erofs_inode inode;
    int err = erofs_inode(&w->fs, nid, &inode);

    if (err) {
        return err;
    }
    info.mode = inode.mode;
    info.uid = inode.uid;
    info.gid = inode.gid;
    info.size = S_ISDIR(inode.mode) ? 0 : inode.size;
    if (S_ISLNK(inode.mode) && inode.size < sizeof(info.link)) {
        err = erofs_read(&w->fs, &inode, 0, info.link, inode.size);
        info.size = 0;
    }
    if (err) {
        return err;
    }
    w->file(w->ctx, w->len ? w->path : "/", &info);
    return S_ISDIR(inode.mode) ? show_directory(w, &inode) : 0;
}

int image_list(const char *path, int fd, uint64_t at, uint64_t size,
               image_file_fn file, void *ctx)
{
    struct walk w = {.fd = fd, .at = at, .file = file, .ctx = ctx};
    struct image_trailer t;
    int err = -EIO;

    w.fs.read = read_at;
    w.fs.ctx = &w;
    if (pread(fd, &t, sizeof(t), (off_t)(at + size - sizeof(t))) == sizeof(t)) {
        err = erofs_open(&w.fs, t.data_size);
    }
    err = err ? err : show(&w, w.fs.root_nid);
    return err ? image_error("cannot list %s: %s", path, strerror(-err)) : 0;
}
