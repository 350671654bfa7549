/* SPDX-License-Identifier: MIT
 *
 * One layer over a tree (OCI image specification, layer.md). First what its
 * whiteouts name goes, then its members come: whiteouts hide only what lower
 * layers brought.
 *
 * A layer is whoever made it. Every path is resolved with the tree as its
 * root (openat2(2), RESOLVE_IN_ROOT), so a symbolic link of one layer cannot
 * lead a member of the next out of the tree; the last component is never
 * followed.
 */
#include "tools/oci/oci.h"
#include "tools/oci/tar.h"
#include "tools/image/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char whiteout[] = ".wh.", opaque[] = ".wh..wh..opq";

/* A directory's times, which adding to it changes. */
struct dir_time {
    char *path;
    struct timespec mtime;
};

struct layer_times {
    struct dir_time *dirs;
    size_t count;
};

struct target {
    const char *layer; /* for messages */
    int root;
    struct layer_times *times;
    bool owners; /* we may give files away */
};

/* ---- paths ---- */

/* Without "./", slashes on either end and doubled ones; "" is the root.
 * False: it has ".." in it. */
static bool clean_path(const char *path, char *out, size_t size)
{
    size_t n = 0;

    while (*path) {
        size_t len = strcspn(path, "/");

        if (len == 2 && path[0] == '.' && path[1] == '.') {
            return false;
        }
        if (len > 0 && !(len == 1 && path[0] == '.')) {
            if (n + len + 2 > size) {
                return false;
            }
            if (n) {
                out[n++] = '/';
            }
            memcpy(out + n, path, len);
            n += len;
        }
        path += len + (path[len] == '/');
    }
    out[n] = '\0';
    return true;
}

static int open_in(int root, const char *path, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, root, *path ? path : ".", &how,
                        sizeof(how));
}

static int remember_time(struct layer_times *t, const char *path,
                         struct timespec mtime)
{
    struct dir_time *dirs = realloc(t->dirs, (t->count + 1) * sizeof(*dirs));

    if (!dirs) {
        return -1;
    }
    t->dirs = dirs;
    dirs[t->count] = (struct dir_time){strdup(path), mtime};
    return dirs[t->count++].path ? 0 : -1;
}

/* The directory that path's last component is in, made with those above it
 * where missing; *name is that component. */
static int open_parent(const struct target *t, char *path, char **name,
                       bool make)
{
    char *slash = strrchr(path, '/');
    int fd;

    *name = slash ? slash + 1 : path;
    if (!slash) {
        return open_in(t->root, "", O_PATH | O_DIRECTORY);
    }
    *slash = '\0';
    fd = open_in(t->root, path, O_PATH | O_DIRECTORY);
    if (fd < 0 && errno == ENOENT && make) {
        char *above;
        int up = open_parent(t, path, &above, true);

        if (up >= 0 && mkdirat(up, above, 0755) == 0) {
            remember_time(t->times, path, (struct timespec){0});
        }
        if (up >= 0) {
            close(up);
        }
        if (above > path) {
            above[-1] = '/';
        }
        fd = open_in(t->root, path, O_PATH | O_DIRECTORY);
    }
    *slash = '/';
    return fd;
}

/* Removes name in dir with all below it; absent is well. */
static int remove_at(int dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    if (!unlinkat(dir, name, 0) || errno == ENOENT) {
        return 0;
    }
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode)) {
        return -1;
    }
    snprintf(path, sizeof(path), "/proc/%d/fd/%d/%s", (int)getpid(), dir, name);
    image_remove_tree(path);
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ? 0 : -1;
}

/* ---- whiteouts ---- */

static int empty_directory(const struct target *t, const char *path)
{
    int fd = open_in(t->root, path, O_RDONLY | O_DIRECTORY), err = 0;
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *e;

    if (!d) {
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    }
    while (!err && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            err = remove_at(fd, e->d_name);
        }
    }
    closedir(d);
    return err;
}

static int apply_whiteout(const struct target *t, char *path)
{
    char *name;
    int dir, err;

    dir = open_parent(t, path, &name, false);
    if (dir < 0) {
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    }
    if (!strcmp(name, opaque)) {
        name[name > path ? -1 : 0] = '\0';
        err = empty_directory(t, path);
    } else if (!strncmp(name, ".wh..wh.", 8)) {
        err = 0; /* other marks of storage drivers */
    } else {
        name += sizeof(whiteout) - 1;
        err = !*name || !strcmp(name, ".") || !strcmp(name, "..")
                  ? -1
                  : remove_at(dir, name);
    }
    close(dir);
    return err;
}

static bool is_whiteout(const char *path)
{
    const char *slash = strrchr(path, '/');

    return !strncmp(slash ? slash + 1 : path, whiteout, sizeof(whiteout) - 1);
}

/* ---- members ---- */

static int write_file(const struct target *t, int dir, const char *name,
                      const struct tar_entry *e)
{
    int fd = openat(dir, name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    uint64_t done = 0;
    ssize_t n = 1;

    if (fd < 0) {
        return -1;
    }
    while (done < e->size && n > 0) {
        n = write(fd, e->data + done, e->size - done);
        done += n > 0 ? (uint64_t)n : 0;
    }
    return close(fd) || n <= 0 ? -1 : 0;
}

static int link_to(const struct target *t, int dir, const char *name,
                   const struct tar_entry *e)
{
    char path[PATH_MAX], *from_name;
    int from, err;

    if (!clean_path(e->link, path, sizeof(path)) || !*path) {
        errno = EINVAL;
        return -1;
    }
    from = open_parent(t, path, &from_name, false);
    if (from < 0) {
        return -1;
    }
    err = linkat(from, from_name, dir, name, 0);
    close(from);
    return err;
}

static int make_node(const struct target *t, int dir, const char *name,
                     const struct tar_entry *e)
{
    dev_t dev = makedev((unsigned)e->major, (unsigned)e->minor);
    struct stat st;

    switch (e->type) {
    case TAR_FILE:
        return write_file(t, dir, name, e);
    case TAR_HARD_LINK:
        return link_to(t, dir, name, e);
    case TAR_SYMLINK:
        return symlinkat(e->link, dir, name);
    case TAR_DIRECTORY:
        if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
            return 0; /* one of a lower layer stays with what is in it */
        }
        return mkdirat(dir, name, 0755);
    case TAR_FIFO:
        return mknodat(dir, name, S_IFIFO | 0600, 0);
    default:
        return mknodat(dir, name,
                       (e->type == TAR_BLOCK ? S_IFBLK : S_IFCHR) | 0600, dev);
    }
}

static int set_xattrs(const struct target *t, int dir, const char *name,
                      const struct tar_entry *e)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
    for (unsigned i = 0; i < e->xattr_count; i++) {
        const struct tar_xattr *x = &e->xattrs[i];

        /* Others than root may set those of "user." alone. */
        if ((t->owners || !strncmp(x->name, "user.", 5)) &&
            lsetxattr(path, x->name, x->value, x->len, 0)) {
            return -1;
        }
    }
    return 0;
}

static int set_attributes(const struct target *t, int dir, const char *name,
                          const struct tar_entry *e)
{
    struct timespec times[2] = {e->mtime, e->mtime};

    if (t->owners && fchownat(dir, name, (uid_t)e->uid, (gid_t)e->gid,
                              AT_SYMLINK_NOFOLLOW)) {
        return -1;
    }
    if (e->type != TAR_SYMLINK && fchmodat(dir, name, e->mode, 0)) {
        return -1;
    }
    return set_xattrs(t, dir, name, e) ||
                   utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW)
               ? -1
               : 0;
}

/* Whatever of another kind stands there goes. */
static int make_room(int dir, const char *name, const struct tar_entry *e)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
        return errno == ENOENT ? 0 : -1;
    }
    return e->type == TAR_DIRECTORY && S_ISDIR(st.st_mode)
               ? 0
               : remove_at(dir, name);
}

static int apply_member(const struct target *t, const struct tar_entry *e,
                        char *path)
{
    char *name, root_name[] = ".";
    int dir, err;

    if (e->type == TAR_DIRECTORY && remember_time(t->times, path, e->mtime)) {
        return -1;
    }
    if (!*path) {
        return e->type == TAR_DIRECTORY
                   ? set_attributes(t, t->root, root_name, e)
                   : -1;
    }
    dir = open_parent(t, path, &name, true);
    if (dir < 0) {
        return -1;
    }
    err = make_room(dir, name, e) || make_node(t, dir, name, e);
    if (!err && e->type != TAR_HARD_LINK) {
        err = set_attributes(t, dir, name, e);
    }
    close(dir);
    return err ? -1 : 0;
}

/* One pass: the whiteouts, or everything else. */
static int pass(const struct target *t, const struct file_bytes *f,
                bool whiteouts)
{
    struct tar tar = {t->layer, f->bytes, f->size, 0};
    char path[PATH_MAX];
    struct tar_entry e;
    int more, err = 0;

    while (!err && (more = tar_next(&tar, &e)) != 0) {
        if (more < 0) {
            return -1;
        }
        errno = 0;
        if (!clean_path(e.path, path, sizeof(path))) {
            err = image_error("%s: %s: a path that leaves the tree", t->layer,
                              e.path);
        } else if (is_whiteout(path) == whiteouts &&
                   (whiteouts ? apply_whiteout(t, path)
                              : apply_member(t, &e, path))) {
            err = image_error("%s: cannot unpack %s: %s", t->layer, e.path,
                              errno ? strerror(errno) : "not possible");
        }
        tar_entry_free(&e);
    }
    return err;
}

int layer_apply(const char *layer, const char *dir, struct layer_times **times)
{
    struct target t = {.layer = layer, .owners = geteuid() == 0};
    struct file_bytes f;
    int err = file_map(layer, &f);

    if (err) {
        return err;
    }
    if (!*times) {
        *times = calloc(1, sizeof(**times));
        /* Of a root directory that no layer names. */
        if (*times && remember_time(*times, "", (struct timespec){0})) {
            free(*times);
            *times = NULL;
        }
    }
    t.times = *times;
    t.root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (t.root < 0 || !t.times) {
        err = image_error("cannot open %s: %s", dir, strerror(errno));
    } else {
        err = pass(&t, &f, true);
        err = err ? err : pass(&t, &f, false);
        close(t.root);
    }
    file_unmap(&f);
    return err;
}

int layer_finish(const char *dir, struct layer_times *times)
{
    int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; times && i < times->count; i++) {
        struct dir_time *d = &times->dirs[i];
        struct timespec both[2] = {d->mtime, d->mtime};
        int fd = open_in(root, d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

        if (fd >= 0) {
            futimens(fd, both);
            close(fd);
        }
        free(d->path);
    }
    if (times) {
        free(times->dirs);
    }
    free(times);
    close(root);
    return 0;
}
