/* SPDX-License-Identifier: MIT
 *
 * What a path leads to in an image, by the kernel's own reader.
 */
#include "tools/image/image.h"
#include "kernel/fs/erofs/erofs_core.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 256, LINKS_MAX = 40 };

struct source {
    int fd;
    uint64_t at;
};

/* The way from the root to where the path has led so far. */
struct way {
    struct erofs fs;
    struct erofs_inode nodes[DEPTH_MAX];
    size_t ends[DEPTH_MAX]; /* of each one's name in here */
    unsigned depth;         /* of the last */
    char here[PATH_MAX];    /* "": the root */
    char rest[2 * PATH_MAX];
    unsigned links;
};

static int read_at(void *ctx, uint64_t off, void *dst, size_t len)
{
    const struct source *s = ctx;

    return pread(s->fd, dst, len, (off_t)(s->at + off)) == (ssize_t)len ? 0
                                                                        : -EIO;
}

static void back_to(struct way *w, unsigned depth)
{
    w->depth = depth;
    w->here[w->ends[depth]] = '\0';
}

/* The link's text comes before what is left of the path. */
static int follow(struct way *w, const struct erofs_inode *link)
{
    size_t len = link->size, left = strlen(w->rest);
    char text[PATH_MAX];
    int err;

    if (++w->links > LINKS_MAX) {
        return -ELOOP;
    }
    if (len > sizeof(text) || len + 1 + left >= sizeof(w->rest)) {
        return -ENAMETOOLONG;
    }
    err = erofs_read(&w->fs, link, 0, text, len);
    if (err) {
        return err;
    }
    memmove(w->rest + len + 1, w->rest, left + 1);
    memcpy(w->rest, text, len);
    w->rest[len] = '/';
    if (len && text[0] == '/') {
        back_to(w, 0);
    }
    return 0;
}

static int enter(struct way *w, const char *name, const struct erofs_inode *to)
{
    size_t end = w->ends[w->depth], len = strlen(name);

    if (w->depth + 1 == DEPTH_MAX || end + len + 2 > sizeof(w->here)) {
        return -ENAMETOOLONG;
    }
    w->here[end] = '/';
    memcpy(w->here + end + 1, name, len + 1);
    w->nodes[++w->depth] = *to;
    w->ends[w->depth] = end + 1 + len;
    return 0;
}

/* Whether `name` here is one of count directories. */
static bool is_one_of(const struct way *w, const char *name,
                      const char *const *dirs, size_t count)
{
    size_t len = w->ends[w->depth];

    while (count--) {
        const char *dir = dirs[count];
        if (!strncmp(dir, w->here, len) && dir[len] == '/' &&
            !strcmp(dir + len + 1, name)) {
            return true;
        }
    }
    return false;
}

static int step(struct way *w, const char *name)
{
    static uint8_t scratch[EROFS_BLOCK];
    const struct erofs_inode *dir = &w->nodes[w->depth];
    struct erofs_inode next;
    uint64_t nid;
    int err;

    if (!S_ISDIR(dir->mode)) {
        return -ENOTDIR;
    }
    if (!strcmp(name, ".") || !strcmp(name, "..")) {
        back_to(w, w->depth - (name[1] && w->depth));
        return 0;
    }
    err = erofs_lookup(&w->fs, dir, name, strlen(name), scratch, &nid);
    err = err ? err : erofs_inode(&w->fs, nid, &next);
    if (err) {
        return err;
    }
    return S_ISLNK(next.mode) ? follow(w, &next) : enter(w, name, &next);
}

int image_lookup(int fd, uint64_t at, uint64_t size, const char *path,
                 const char *const *stops, size_t count, uint32_t *mode)
{
    static struct way w;
    struct source s = {fd, at};
    struct image_trailer t;
    int err = -EIO;

    w = (struct way){.fs.read = read_at, .fs.ctx = &s};
    if (snprintf(w.rest, sizeof(w.rest), "%s", path) >= PATH_MAX) {
        return -ENAMETOOLONG;
    }
    if (pread(fd, &t, sizeof(t), (off_t)(at + size - sizeof(t))) == sizeof(t)) {
        err = erofs_open(&w.fs, t.data_size);
    }
    err = err ? err : erofs_inode(&w.fs, w.fs.root_nid, &w.nodes[0]);
    while (!err && w.rest[0]) {
        char name[EROFS_NAME_MAX + 1];
        size_t len = strcspn(w.rest, "/"), skip = len + (w.rest[len] == '/');

        if (len >= sizeof(name)) {
            return -ENAMETOOLONG;
        }
        memcpy(name, w.rest, len);
        name[len] = '\0';
        memmove(w.rest, w.rest + skip, strlen(w.rest + skip) + 1);
        if (is_one_of(&w, name, stops, count)) {
            return -EXDEV;
        }
        err = len ? step(&w, name) : 0;
    }
    *mode = w.nodes[w.depth].mode;
    return err;
}
